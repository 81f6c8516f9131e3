//! `outcore repair`: what a crash or a careless program has left, put in order.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use outcore::JournalChoice;

use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Json, Out, json};
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
With --json: an object with schema, path, done (a list of texts) and dry_run.

Examples:
  outcore repair m.oca --dry-run
  outcore repair cut.npy --rows-from-size";

/// Put a file in order after a crash, and say what was done
///
/// A transaction that was committed is finished, and a damaged copy of the header is written anew from the one that is whole. Nothing
/// is guessed: what is lost for good is an error, and stays as it is.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file
    file: PathBuf,
    /// Give up a transaction that was committed and not finished, instead of finishing it
    #[arg(long)]
    discard_journal: bool,
    /// Take as many rows as the file has whole ones, whatever its header says; bytes of a row that is not whole are cut off
    #[arg(long)]
    rows_from_size: bool,
    /// Say what would be done, but change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    raw: RawArgs,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let choice = if typed.discard_journal { JournalChoice::Discard } else { JournalChoice::Finish };
    let done = settings
        .repair_options(&typed.raw)
        .journal(choice)
        .rows_from_size(typed.rows_from_size)
        .dry_run(typed.dry_run)
        .repair(&typed.file)
        .map_err(|error| typed.raw.blame(error))?;
    let path = typed.file.display().to_string();
    if settings.json {
        out.document(&json::object([
            ("schema", json::SCHEMA.into()),
            ("path", path.into()),
            ("done", Json::List(done.into_iter().map(Json::from).collect())),
            ("dry_run", typed.dry_run.into()),
        ]))?;
        return Ok(Outcome::Done);
    }
    let would = if typed.dry_run { "to do: " } else { "" };
    for line in &done {
        writeln!(out, "{}", one_line(&format!("{path}: {would}{line}")))?;
    }
    if done.is_empty() {
        writeln!(out, "{}", one_line(&format!("{path}: nothing to repair")))?;
    }
    Ok(Outcome::Done)
}
