//! How a run ends: exit codes, and one line for each error.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use outcore::{Error, ErrorKind};

use crate::output::Out;

/// A run that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// All was done.
    Done,
    /// Something was reported already, and this code is left to return.
    Failed(u8),
}

/// A run that could not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of the output has gone: nobody is left to tell, and nothing is wrong.
    ClosedPipe,
    /// Nothing was asked for: the help text goes to the standard error.
    Help(String),
    /// One line for the standard error, and the exit code.
    Line(String, u8),
}

/// Wrong usage, or an error of the system.
pub(crate) const USAGE: u8 = 2;
/// The file is damaged.
pub(crate) const DAMAGED: u8 = 3;

impl Outcome {
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Failed(code) => code.into(),
        }
    }
}

impl Failure {
    /// A command line that makes no sense, and what to do about it.
    pub(crate) fn usage(what: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self::Line(format!("{what}; {hint}"), USAGE)
    }

    /// A request that does not fit this file.
    pub(crate) fn of_file(path: &Path, what: impl fmt::Display) -> Self {
        Self::Line(format!("{}: {what}", path.display()), USAGE)
    }

    pub(crate) fn help(text: String) -> Self {
        Self::Help(text)
    }

    /// An error of the system on a file that the library does not open.
    pub(crate) fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        Self::of_file(path, format_args!("{doing}: {error}"))
    }

    /// An error while a file with a header of its own was opened. What the crate does not support then lies in the file.
    pub(crate) fn opening(error: &Error) -> Self {
        let by_content =
            matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::TooLarge | ErrorKind::Shape | ErrorKind::DType)
                && error.io_error().is_none();
        match Self::from_library(error) {
            Self::Line(line, _) if by_content => Self::Line(line, DAMAGED),
            other => other,
        }
    }

    fn from_library(error: &Error) -> Self {
        let code = match error.kind() {
            ErrorKind::UnknownFormat
            | ErrorKind::Corrupt
            | ErrorKind::Truncated
            | ErrorKind::HeaderTooLarge
            | ErrorKind::InvalidElement => DAMAGED,
            _ => USAGE,
        };
        // The hints of the library are for programs.
        let hint = match error.kind() {
            ErrorKind::HeaderTooLarge => "if you trust the file, raise the limit with --max-header N",
            ErrorKind::UnknownFormat => {
                "if it holds raw elements, name their type, as in --raw-dtype f4 --shape 1000,64"
            }
            ErrorKind::Locked => "wait for the other program, or give --no-lock",
            ErrorKind::AlreadyExists => "give --force to replace it",
            ErrorKind::NoRoom => "leave out --in-place to have the file written anew, or convert it to .oca",
            ErrorKind::InvalidElement if error.hint().is_some_and(|hint| hint.contains("Bool8")) => {
                "as bytes they can be read with --raw-dtype u1"
            }
            ErrorKind::Truncated if error.hint().is_some_and(|hint| hint.starts_with("ask for the number of rows")) => {
                "give --rows-from-size to keep the rows that are whole"
            }
            _ => error.hint().unwrap_or_default(),
        };
        let full = error.to_string();
        let line = match error.hint() {
            Some(old) => full.strip_suffix(old).and_then(|line| line.strip_suffix("; ")).unwrap_or(&full),
            None => &full,
        };
        let line = if hint.is_empty() { line.to_string() } else { format!("{line}; {hint}") };
        Self::Line(line, code)
    }

    /// Writes the line, if there is one, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.print().into()
    }

    /// The same, for a run that goes on.
    pub(crate) fn print(&self) -> u8 {
        let (text, code) = match self {
            Self::ClosedPipe => return 0,
            Self::Help(text) => (text.clone(), USAGE),
            Self::Line(line, code) => (format!("outcore: {}\n", one_line(line)), *code),
        };
        // If the standard error is closed too, the code has to do.
        let _ = io::stderr().lock().write_all(text.as_bytes());
        code
    }
}

/// Says something on the standard error that is no failure. If it is closed, nobody asked.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "outcore: note: {}", one_line(text));
}

/// Does the same for each file, and goes on after one that fails. The code of the outcome is the worst of all.
pub(crate) fn for_each(
    paths: &[PathBuf],
    out: &mut Out,
    mut one: impl FnMut(&Path, &mut Out) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    let mut worst = Outcome::Done;
    for path in paths {
        let outcome = match one(path, out) {
            Ok(outcome) => outcome,
            Err(Failure::ClosedPipe) => return Err(Failure::ClosedPipe),
            Err(failure) => {
                // In the order of the files, where both streams go to the same place.
                out.flush()?;
                Outcome::Failed(failure.print())
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

/// Names come from files and folders: nothing in them may break the line or speak to the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from_library(&error)
    }
}

/// From writing to the standard output, the only stream that the command writes by itself.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Line(format!("cannot write to the standard output: {error}"), USAGE),
        }
    }
}
