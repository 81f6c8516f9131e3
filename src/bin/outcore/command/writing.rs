//! What `set` and `fill` share: their arguments, and to write, or say what would be written.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use outcore::{AnyArrayFile, Selection};

use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Out, json};
use crate::quantity::{counted, tuple};
use crate::settings::{RawArgs, Settings};
use crate::target::Target;
use crate::value::Source;

/// Where to write, and what.
#[derive(Args, Debug)]
pub(super) struct Place {
    /// The file and what to write in it, such as 'm.npy[3,4]' or 'm.npy[:, ::2]'
    #[arg(value_name = "FILE[SLICE]")]
    target: OsString,
    /// The value, as show prints it; - reads the standard input
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) value: String,
    /// VALUE is the bytes of an element in hexadecimal, each scalar little-endian, whatever the order in the file
    #[arg(long)]
    pub(super) hex: bool,
    /// Check everything and say what would be written, but write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    raw: RawArgs,
}

impl Place {
    /// The target, and its file: for writing, if something is to be written.
    pub(super) fn open(&self, settings: &Settings) -> Result<(Target, AnyArrayFile), Failure> {
        let target = Target::new(&self.target)?;
        let file = match self.dry_run {
            true => settings.open(&target.path, &self.raw)?,
            false => settings.open_mut(&target.path, &self.raw)?,
        };
        Ok((target, file))
    }
}

pub(super) fn run(
    source: &Source,
    file: &mut AnyArrayFile,
    selection: &Selection,
    dry_run: bool,
    settings: &Settings,
    out: &mut Out,
) -> Result<Outcome, Failure> {
    let shape = selection.shape_in(file.header().shape()).map_err(|error| Failure::of_file(file.path(), error))?;
    let count: u64 = shape.iter().product();
    let line = if dry_run || settings.verbose { describe(source, file, selection, &shape)? } else { String::new() };
    if !dry_run {
        source.write(file, selection, settings)?;
    }
    if settings.json {
        out.document(&json::object([
            ("schema", json::SCHEMA.into()),
            ("path", file.path().display().to_string().into()),
            ("selection", selection.to_string().into()),
            ("shape", shape.as_slice().into()),
            ("count", count.into()),
            ("nbytes", (count * file.header().itemsize() as u64).into()),
            ("dry_run", dry_run.into()),
        ]))?;
    } else if dry_run {
        writeln!(out, "would write {line}")?;
    } else if settings.verbose {
        // The standard error may be closed; the work is done all the same.
        let _ = writeln!(std::io::stderr(), "wrote {line}");
    }
    Ok(Outcome::Done)
}

/// Before the write, since it tells the old value.
fn describe(source: &Source, file: &AnyArrayFile, selection: &Selection, shape: &[u64]) -> Result<String, Failure> {
    let header = file.header();
    let count: u64 = shape.iter().product();
    let path = file.path().display();
    let place = format!(
        "{} ({}) in {path}{}",
        counted(count, "element"),
        counted(count * header.itemsize() as u64, "byte"),
        if selection.is_all() { String::new() } else { selection.to_string() },
    );
    let text = |item: &[u8]| header.dtype().format_item(item);
    let what = match source {
        Source::One(item) if count == 1 => {
            format!("{} over {}", text(item), text(&file.read_selection(selection)?))
        }
        Source::One(item) => format!("{} to each", text(item)),
        Source::Items(_) => "the values of the standard input".into(),
        Source::Array(other) => format!("{} of {}", tuple(other.header().shape()), other.path().display()),
    };
    Ok(one_line(&format!("{place}: {what}")))
}
