//! `outcore fill`: one value for all elements.

use clap::Args;

use super::writing::{self, Place};
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::settings::Settings;
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
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let place = &typed.place;
    let (target, mut file) = place.open(settings)?;
    let text = match &*place.value {
        "-" => value::stdin_line()?,
        text => text.to_string(),
    };
    let source = Source::One(value::item(&text, place.hex, file.header().dtype())?);
    writing::run(&source, &mut file, &target.selection(), place.dry_run, settings, out)
}
