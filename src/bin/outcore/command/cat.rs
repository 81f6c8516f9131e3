//! `outcore cat`: arrays behind one another in a new file.

use std::path::PathBuf;

use clap::Args;

use super::new_file::NewFile;
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
Examples:
  outcore cat 2023.npy 2024.npy -o all.npy
  outcore cat part-*.oca -o whole.oca --force
  outcore cat a.dat b.dat -o ab.npy --raw-dtype f4";

/// Join arrays along the outermost axis of storage into a new file, as np.concatenate does
///
/// That is axis 0 of a row-major array, and the last axis of a column-major one. Dtype, byte order, storage order and attributes are
/// those of the first file. The others are to hold elements of the same type, and as many along each other axis. Memory is small
/// at any size. The new file appears when it is complete and on the disk.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The files to read, in this order
    #[arg(value_name = "IN", required = true)]
    sources: Vec<PathBuf>,
    /// The file to write
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    new: NewFile,
    #[command(flatten)]
    raw: RawArgs,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let sources: Result<Vec<_>, _> = typed.sources.iter().map(|path| settings.open(path, &typed.raw)).collect();
    typed.new.write(&sources?, &typed.output, settings, out)
}
