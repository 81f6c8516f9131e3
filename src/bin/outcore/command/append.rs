//! `outcore append`: more rows, in place.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use outcore::AnyArrayFile;

use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Json, Out, json};
use crate::quantity::{counted, human_bytes, tuple};
use crate::settings::{RawArgs, Settings};

/// Bytes of the standard input to take at a time.
const BLOCK: usize = 1 << 20;
/// How long rows of the standard input may stay unseen by others while more of them come.
const UNSEEN: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
With --json: an object with schema, path, dtype, shape (with the new rows), rows (how many are new) and dry_run.

Examples:
  outcore append log.npy today.npy
  outcore append m.oca part-1.npy part-2.npy
  ./measure | outcore append m.oca -       elements as bytes, as the file stores them
  outcore append x.dat rows.npy --raw-dtype f4";

/// Add rows to the end of a file, in place
///
/// Rows are added along the outermost axis of storage: axis 0 of a row-major array, the last axis of a column-major one. They are to
/// be of the same type and as long along each other axis. Others may read the file meanwhile. Whatever happens, the file is whole:
/// it has the new rows, or it is as it was. A .npy file stays one, byte for byte as np.save would write all rows.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file that grows
    target: PathBuf,
    /// Files whose elements are added, in this order; - takes elements as bytes from the standard input, as the file is to
    /// store them
    #[arg(value_name = "ROWS", required = true)]
    rows: Vec<PathBuf>,
    /// Refuse to write a .npy file anew where its header has no room for a longer shape
    #[arg(long)]
    in_place: bool,
    /// Check everything and say what would be added, but add nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    raw: RawArgs,
}

/// Where rows come from.
enum Rows {
    Array(AnyArrayFile),
    Stdin,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let mut file = if typed.dry_run {
        settings.open(&typed.target, &typed.raw)?
    } else {
        settings.open_append(&typed.target, &typed.raw, typed.in_place)?
    };
    let axis = file.growth_axis()?;
    let before = file.header().shape()[axis];
    // All is looked at before anything is added.
    let mut all = Vec::new();
    for path in &typed.rows {
        if path == Path::new("-") {
            if all.iter().any(|rows| matches!(rows, Rows::Stdin)) {
                return Err(Failure::usage("the standard input twice", "give - once"));
            }
            all.push(Rows::Stdin);
            continue;
        }
        let rows = settings.open(path, &RawArgs::default())?;
        file.check_rows_of(&rows)?;
        all.push(Rows::Array(rows));
    }
    let mut shape = file.header().shape().to_vec();
    if typed.dry_run {
        for rows in &all {
            if let Rows::Array(rows) = rows {
                shape[axis] = shape[axis].saturating_add(rows.header().shape()[axis]);
            }
        }
    } else {
        for rows in &all {
            match rows {
                Rows::Array(rows) => file.append_from(rows)?,
                Rows::Stdin => from_stdin(&mut file, axis, settings)?,
            }
        }
        file.flush()?;
        shape = file.header().shape().to_vec();
    }
    let added = shape[axis].saturating_sub(before);
    let path = file.path().display().to_string();
    if settings.json {
        out.document(&json::object([
            ("schema", json::SCHEMA.into()),
            ("path", path.into()),
            ("dtype", Json::DType(file.header().dtype().clone())),
            ("shape", shape.as_slice().into()),
            ("rows", added.into()),
            ("dry_run", typed.dry_run.into()),
        ]))?;
    } else if typed.dry_run {
        let more = if all.iter().any(|rows| matches!(rows, Rows::Stdin)) { ", and the standard input" } else { "" };
        let line = format!("would add {}{more} to {path}: shape {}", counted(added, "row"), tuple(&shape));
        writeln!(out, "{}", one_line(&line))?;
    } else if settings.verbose {
        let line = format!("added {} to {path}: shape {}", counted(added, "row"), tuple(&shape));
        // The standard error may be closed; the work is done all the same.
        let _ = writeln!(io::stderr(), "{}", one_line(&line));
    }
    Ok(file.close().map(|()| Outcome::Done)?)
}

/// Adds rows as they come.
fn from_stdin(file: &mut AnyArrayFile, axis: usize, settings: &Settings) -> Result<(), Failure> {
    let header = file.header();
    let row = header.shape().iter().enumerate().filter(|&(at, _)| at != axis).map(|(_, &len)| len);
    let row = row.fold(header.itemsize() as u64, u64::saturating_mul);
    if row == 0 {
        return Err(Failure::of_file(
            file.path(),
            "its rows have no bytes, so that none can come from the standard input",
        ));
    }
    if row > settings.budget() {
        let what = format!("one row takes {}, more than --memory allows", human_bytes(row));
        return Err(Failure::of_file(file.path(), what));
    }
    let row = usize::try_from(row).unwrap_or(usize::MAX);
    let block = settings.block(BLOCK);
    let pieces = read_stdin(block);
    let (mut held, mut unseen, mut flushed) = (Vec::new(), false, Instant::now());
    loop {
        let piece = match pieces.recv_timeout(UNSEEN) {
            Ok(piece) => Some(piece.map_err(|error| Failure::io(Path::new("-"), "cannot read", &error))?),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        held.extend(piece.unwrap_or_default());
        let due = flushed.elapsed() >= UNSEEN;
        // Few large writes, but no rows that wait for long.
        if due || held.len() >= block {
            let whole = held.len() / row * row;
            file.append_bytes(&held[..whole])?;
            held.drain(..whole);
            unseen |= whole > 0;
        }
        if due {
            if std::mem::take(&mut unseen) {
                file.flush()?;
            }
            flushed = Instant::now();
        }
    }
    let whole = held.len() / row * row;
    file.append_bytes(&held[..whole])?;
    match held.len() - whole {
        0 => Ok(()),
        rest => {
            file.flush()?;
            let what = format!("the standard input ends within a row, of which it has {rest} of {row} bytes");
            Err(Failure::of_file(file.path(), format_args!("{what}; the rows before it are added")))
        }
    }
}

/// Reads the standard input in a thread of its own, so that nobody has to wait for it.
fn read_stdin(block: usize) -> Receiver<io::Result<Vec<u8>>> {
    // As many pieces as may be in memory at once, with the one that is written and the one that is read.
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        loop {
            let mut piece = vec![0; block];
            let read = match io::stdin().lock().read(&mut piece) {
                Ok(0) => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read,
            };
            let read = read.map(|count| {
                piece.truncate(count);
                piece
            });
            let failed = read.is_err();
            if sender.send(read).is_err() || failed {
                return;
            }
        }
    });
    receiver
}
