//! `outcore set`: writes elements to the disk.

use clap::Args;

use super::writing::{self, Place};
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::settings::Settings;
use crate::value::{Source, Value};

const EXAMPLES: &str = "\
VALUE is the text of a value, as show prints it, of the type of the elements: 7.5, -3, nan, 1+2j, True, 2024-05-01, a word.
  @OTHER.npy   the array in another file, of the same type and shape as the slice ('@x' in quotes of its own is a text)
  -            values on the standard input, one for each element, separated by white space or commas
               (texts by line breaks)

Examples:
  outcore set 'm.npy[3,4]' 7.5
  outcore set 'm.npy[0]' @row.npy
  seq 100 | outcore set 'm.npy[:100, 2]' -
  outcore set 'records.npy[7]' --hex 05000000416461";

/// Write elements in place, straight to the disk
///
/// One value for all elements of the slice, or one for each. Nothing else of the file changes, and the file is locked meanwhile.
/// When it returns, the values are on the disk.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let place = &typed.place;
    let (target, mut file) = place.open(settings)?;
    if target.selection.is_none() && !file.header().shape().is_empty() {
        let what = "which elements? Name them, as in 'FILE[3,4]'; to write all, use fill";
        return Err(Failure::of_file(file.path(), what));
    }
    let selection = target.selection();
    let value = Value::new(&place.value, place.hex, file.header().dtype())?;
    let source = Source::new(value, place.hex, &file, &selection, settings)?;
    writing::run(&source, &mut file, &selection, place.dry_run, settings, out)
}
