//! `outcore watch`: the rows of a file that grows, as they come.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use outcore::{AnyArrayFile, ByteOrder, Selection};

use crate::failure::{Failure, Outcome, note};
use crate::output::{Out, csv, floats, json, numpy};
use crate::quantity::counted;
use crate::settings::{RawArgs, Settings};

/// Bytes to read at a time.
const BLOCK: usize = 1 << 20;

const EXAMPLES: &str = "\
With --json, each row gives one object, on a line of its own, with schema, row (its position) and data (lists within lists).

Examples:
  outcore watch log.npy
  outcore watch log.oca --all --count 10
  outcore watch log.npy --csv --interval 0.1 | ./plot";

/// Follow a file that grows, and print its new rows, as tail -f does
///
/// Rows are positions along the outermost axis of storage, each printed as show does. No lock is taken, and no row is printed before it
/// is complete in the file. It is said on the standard error if the array becomes shorter, or another file takes its name. The end is
/// a closed pipe, or --count.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file
    file: PathBuf,
    /// Seconds between two looks at the file
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Begin behind the rows that are there already, which is the default
    #[arg(long, conflicts_with = "all")]
    from_end: bool,
    /// Begin with the rows that are there already
    #[arg(long)]
    all: bool,
    /// End after this many rows
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print rows as comma-separated values; records below a line of names
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    raw: RawArgs,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 86_400.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "write a number of seconds, such as 0.5".to_string())
}

/// A file, how far it was printed, and which file it was.
struct Follower {
    file: AnyArrayFile,
    identity: Option<(u64, u64)>,
    axis: usize,
    /// The next row.
    next: u64,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let identity = identity(&typed.file);
    let file = settings.open_unlocked(&typed.file, &typed.raw)?;
    let axis = file.growth_axis()?;
    let mut follower = Follower { file, identity, axis, next: 0 };
    if !typed.all {
        follower.next = follower.rows();
    }
    if typed.csv {
        csv::write_names(out, follower.file.header().dtype())?;
    }
    let mut left = typed.count.unwrap_or(u64::MAX);
    loop {
        while left > 0 && follower.next < follower.rows() {
            follower.print(typed, settings, out)?;
            left -= 1;
        }
        out.flush()?;
        if left == 0 {
            return Ok(Outcome::Done);
        }
        thread::sleep(typed.interval);
        follower.look(typed, settings)?;
    }
}

impl Follower {
    fn rows(&self) -> u64 {
        self.file.header().shape()[self.axis]
    }

    /// Prints the next row.
    fn print(&mut self, typed: &Typed, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
        let before = if self.axis == 0 { "" } else { "..., " };
        let row: Selection = format!("{before}{}", self.next).parse()?;
        if typed.csv {
            csv::write_items(out, &self.file, &row, settings.block(BLOCK))?;
        } else if settings.json {
            json::expect_end(self.file.header(), &row.shape_in(self.file.header().shape())?)?;
            write!(out, "{{\"schema\":{},\"row\":{},\"data\":", json::SCHEMA, self.next)?;
            json::write_lists(out, &self.file, &row, settings.block(BLOCK))?;
            writeln!(out, "}}")?;
        } else {
            numpy::write(out, &self.file, &row, floats::PRECISION, settings.budget())?;
        }
        self.next += 1;
        Ok(())
    }

    /// Looks whether the file has grown.
    fn look(&mut self, typed: &Typed, settings: &Settings) -> Result<(), Failure> {
        let before = self.rows();
        let now = identity(&typed.file);
        if now.is_some() && now != self.identity {
            self.reopen(typed, settings)?;
            self.identity = now;
        } else {
            self.file.refresh()?;
        }
        let rows = self.rows();
        if rows < before {
            let path = self.file.path().display();
            note(&format!("{path}: the array became shorter: {} instead of {before}", counted(rows, "row")));
        }
        self.next = self.next.min(rows);
        Ok(())
    }

    /// Follows the file that has taken the name, which may be the same array written anew.
    fn reopen(&mut self, typed: &Typed, settings: &Settings) -> Result<(), Failure> {
        let file = settings.open_unlocked(&typed.file, &typed.raw)?;
        let (new, old) = (file.header(), self.file.header());
        let order = ByteOrder::NATIVE;
        let mut shape = new.shape().to_vec();
        if let (Some(len), Some(&before)) = (shape.get_mut(self.axis), old.shape().get(self.axis)) {
            *len = before;
        }
        let same = shape == old.shape() && file.growth_axis().ok() == Some(self.axis);
        if !same || new.dtype().with_byte_order(order) != old.dtype().with_byte_order(order) {
            return Err(Failure::of_file(file.path(), "another array has taken its name; watch it anew"));
        }
        note(&format!("{}: another file has taken its name, which is followed now", file.path().display()));
        self.file = file;
        Ok(())
    }
}

/// What tells a file from another that takes its name.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Other systems do not replace files that are open.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|_| (0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        for text in ["0", "-1", "nan", "inf", "1e9", "", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
