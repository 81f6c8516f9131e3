//! What `set` and `fill` share: write, or say what would be written.

use std::io::Write;

use outcore::{AnyArrayFile, Selection};

use crate::failure::{Failure, one_line};
use crate::output::{Out, json};
use crate::quantity::{counted, tuple};
use crate::settings::Settings;
use crate::value::Source;

pub(super) fn run(
    source: &Source,
    file: &mut AnyArrayFile,
    selection: &Selection,
    dry_run: bool,
    settings: &Settings,
    out: &mut Out,
) -> Result<(), Failure> {
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
    Ok(())
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
