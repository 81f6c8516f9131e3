//! `outcore fill`: one value for all elements.

use std::ffi::OsString;

use clap::Args;

use super::writing;
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::settings::{RawArgs, Settings};
use crate::target::Target;
use crate::value::{self, Source};

const EXAMPLES: &str = "\
Examples:
  outcore fill m.npy 0
  outcore fill 'm.npy[1::2, :4]' -- -1.5
  outcore fill 'm.npy[:, 0]' nan
  outcore fill records.npy --hex 05000000416461";

/// Write one value to all elements of a file or of a slice, in place
///
/// The file is locked meanwhile. When it returns, the values are on the disk.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file, and a slice of it if not all is meant
    #[arg(value_name = "FILE[SLICE]")]
    target: OsString,
    /// The value, as show prints it; - reads it from the standard input
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
    /// VALUE is the bytes of an element in hexadecimal, each scalar little-endian, whatever the order in the file
    #[arg(long)]
    hex: bool,
    /// Check everything and say what would be written, but write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    raw: RawArgs,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let target = Target::new(&typed.target)?;
    let mut file = if typed.dry_run {
        settings.open(&target.path, &typed.raw)?
    } else {
        settings.open_mut(&target.path, &typed.raw)?
    };
    let selection = target.selection();
    let text = match &*typed.value {
        "-" => value::stdin_line()?,
        text => text.to_string(),
    };
    let source = Source::One(value::item(&text, typed.hex, file.header().dtype())?);
    writing::run(&source, &mut file, &selection, typed.dry_run, settings, out)?;
    Ok(Outcome::Done)
}
