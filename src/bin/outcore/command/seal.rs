//! `outcore seal`: checksums of the elements, in the file.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use outcore::format::native::CHECKSUM_BLOCK;

use crate::failure::{Failure, Outcome, for_each, one_line};
use crate::output::{Out, json};
use crate::quantity::counted;
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
With --json, each file gives one object, on a line of its own, with schema, path, nbytes, blocks, block_len and dry_run.

Examples:
  outcore seal m.oca
  outcore verify m.oca";

/// Put checksums of all elements into .oca files, for verify to compare
///
/// They are in force until the next write to the file. Files of other formats have no place for them.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Check everything and say what would be sealed, but write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let raw = RawArgs::default();
    for_each(&typed.files, out, |path, out| {
        let mut file = if typed.dry_run { settings.open(path, &raw)? } else { settings.open_mut(path, &raw)? };
        if file.native_state().is_none() {
            return Err(Failure::of_file(path, "only .oca files have checksums; convert it to one first"));
        }
        let nbytes = file.header().nbytes();
        if !typed.dry_run {
            settings.job(nbytes).seal(&mut file)?;
            file.close()?;
        }
        let blocks = nbytes.div_ceil(CHECKSUM_BLOCK.into());
        let line = || one_line(&format!("{}: {}", path.display(), counted(blocks, "block")));
        if settings.json {
            out.document(&json::object([
                ("schema", json::SCHEMA.into()),
                ("path", path.display().to_string().into()),
                ("nbytes", nbytes.into()),
                ("blocks", blocks.into()),
                ("block_len", CHECKSUM_BLOCK.into()),
                ("dry_run", typed.dry_run.into()),
            ]))?;
        } else if typed.dry_run {
            writeln!(out, "would seal {}", line())?;
        } else if settings.verbose {
            // The standard error may be closed; the work is done all the same.
            let _ = writeln!(std::io::stderr(), "sealed {}", line());
        }
        Ok(Outcome::Done)
    })
}
