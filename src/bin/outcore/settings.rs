//! What the shared options mean.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Mutex;

use clap::{Args, ValueEnum};
use outcore::{AnyArrayFile, Commit, DType, Job, LockPolicy, OpenOptions, Order, RawLayout, RepairOptions};

use crate::cli::Shared;
use crate::failure::Failure;
use crate::progress::Meter;
use crate::quantity::{Shape, parse_dtype, parse_order};

/// Memory for data at a time, where `--memory` does not say.
const MEMORY: u64 = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    Auto,
    Always,
    Never,
}

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) json: bool,
    pub(crate) verbose: bool,
    pub(crate) color: bool,
    pub(crate) progress: bool,
    threads: Option<usize>,
    memory: Option<u64>,
    max_header: Option<usize>,
    lock: LockPolicy,
}

impl Settings {
    pub(crate) fn new(typed: &Shared) -> Result<Self, Failure> {
        if typed.progress == Choice::Always {
            return Err(Failure::usage("invalid value 'always' for '--progress <WHEN>'", "write auto or never"));
        }
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        // A console of Windows takes escape sequences for text until it is asked; elsewhere there is nothing to ask.
        let understood = anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
        Ok(Self {
            json: typed.json,
            verbose: typed.verbose,
            color: match typed.color {
                Choice::Auto => !no_color && understood && io::stdout().is_terminal(),
                choice => choice == Choice::Always,
            },
            progress: typed.progress == Choice::Auto && io::stderr().is_terminal(),
            threads: typed.threads.map(usize::from),
            memory: typed.memory,
            max_header: typed.max_header,
            lock: if typed.no_lock { LockPolicy::None } else { LockPolicy::Advisory },
        })
    }

    pub(crate) fn lock(&self) -> LockPolicy {
        self.lock
    }

    /// Bytes that a command may hold at once.
    pub(crate) fn budget(&self) -> u64 {
        self.memory.unwrap_or(MEMORY)
    }

    /// Bytes to move at a time: `wanted`, or less where the budget is small.
    pub(crate) fn block(&self, wanted: usize) -> usize {
        usize::try_from(self.budget() / 4).unwrap_or(usize::MAX).clamp(1, wanted)
    }

    pub(crate) fn open(&self, path: &Path, raw: &RawArgs) -> Result<AnyArrayFile, Failure> {
        self.open_with(path, raw, self.lock)
    }

    /// Opens without a lock, for what looks at the header only.
    pub(crate) fn open_unlocked(&self, path: &Path, raw: &RawArgs) -> Result<AnyArrayFile, Failure> {
        self.open_with(path, raw, LockPolicy::None)
    }

    pub(crate) fn open_mut(&self, path: &Path, raw: &RawArgs) -> Result<AnyArrayFile, Failure> {
        let opened = self.options(raw, self.lock).open_any_file_mut(path);
        opened.map_err(|error| raw.blame(error))
    }

    /// Opens for adding rows, which become part of the array when the file is flushed.
    pub(crate) fn open_append(&self, path: &Path, raw: &RawArgs, in_place: bool) -> Result<AnyArrayFile, Failure> {
        let options = self.options(raw, self.lock).commit(Commit::AtFlush).stay_in_place(in_place);
        options.open_any_append(path).map_err(|error| raw.blame(error))
    }

    /// How to repair a file.
    pub(crate) fn repair_options(&self, raw: &RawArgs) -> RepairOptions {
        let options = RepairOptions::new().lock(self.lock);
        let options = match self.max_header {
            Some(characters) => options.max_header(characters),
            None => options,
        };
        match raw.layout() {
            Some(layout) => options.raw(layout),
            None => options,
        }
    }

    /// Computes over so many bytes, on the terms that were asked for.
    pub(crate) fn job(&self, nbytes: u64) -> Job<'static> {
        let meter = Mutex::new(Meter::new(self, nbytes));
        let job = Job::new().threads(self.threads.unwrap_or(0)).progress(move |progress| {
            // Another thread that is about to tell the same is as good.
            if let Ok(mut meter) = meter.try_lock() {
                meter.set(progress.done);
            }
        });
        match self.memory {
            Some(bytes) => job.memory(bytes),
            None => job,
        }
    }

    fn open_with(&self, path: &Path, raw: &RawArgs, lock: LockPolicy) -> Result<AnyArrayFile, Failure> {
        self.options(raw, lock).open_any_file(path).map_err(|error| raw.blame(error))
    }

    fn options(&self, raw: &RawArgs, lock: LockPolicy) -> OpenOptions {
        let options = OpenOptions::new().lock(lock);
        let options = match self.max_header {
            Some(characters) => options.max_header(characters),
            None => options,
        };
        match raw.layout() {
            Some(layout) => options.raw(layout),
            None => options,
        }
    }
}

/// The layout of a file without a header: the arguments of `np.memmap`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Files without a header")]
pub(crate) struct RawArgs {
    /// The type of the elements, such as f4, '>i2' or "[('x', '<f4'), ('n', '<u2')]"
    #[arg(long, value_name = "DTYPE", value_parser = parse_dtype)]
    pub(crate) raw_dtype: Option<DType>,
    /// Elements along each axis, such as 1000,64; by default one axis, to the end of the file
    #[arg(long, value_name = "N,N", requires = "raw_dtype", allow_hyphen_values = true)]
    pub(crate) shape: Option<Shape>,
    /// Bytes before the first element
    #[arg(long, value_name = "BYTES", requires = "raw_dtype")]
    pub(crate) offset: Option<u64>,
    /// C for row-major, F for column-major
    #[arg(long, value_name = "ORDER", requires = "raw_dtype", value_parser = parse_order)]
    pub(crate) order: Option<Order>,
}

impl RawArgs {
    fn layout(&self) -> Option<RawLayout> {
        let layout = RawLayout::new()
            .dtype(self.raw_dtype.clone()?)
            .offset(self.offset.unwrap_or(0))
            .order(self.order.unwrap_or_default());
        Some(match &self.shape {
            Some(shape) => layout.shape(shape.0.clone()),
            None => layout,
        })
    }

    /// Whose fault it is that a file does not open: without a header, it is that of the arguments.
    pub(crate) fn blame(&self, error: outcore::Error) -> Failure {
        match self.raw_dtype {
            Some(_) => error.into(),
            None => Failure::opening(&error),
        }
    }
}
