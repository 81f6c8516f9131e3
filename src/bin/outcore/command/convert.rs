//! `outcore convert`: the same array in another format.

use std::path::PathBuf;

use clap::Args;

use super::new_file::NewFile;
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
Examples:
  outcore convert m.npy m.oca
  outcore convert m.oca m.npy --force
  outcore convert m.npy m.dat              the elements alone
  outcore convert x.dat x.npy --raw-dtype '>f4' --shape 1000,64 --offset 128";

/// Write an array to a new file, in the format that its name tells
///
/// Dtype, byte order and storage order stay. Attributes go along into .oca files, and it is said if they cannot. Memory is small
/// at any size. The new file appears when it is complete and on the disk, and an existing one is not replaced without --force.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file to read
    #[arg(value_name = "IN")]
    source: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT")]
    target: PathBuf,
    #[command(flatten)]
    new: NewFile,
    #[command(flatten)]
    raw: RawArgs,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let source = settings.open(&typed.source, &typed.raw)?;
    typed.new.write(&[source], &typed.target, settings, out)
}
