//! `outcore show`: elements as text.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use outcore::{AnyArrayFile, Selection};

use crate::failure::{Failure, Outcome};
use crate::output::{Json, Out, csv, floats, hex, json, numpy};
use crate::settings::{RawArgs, Settings};
use crate::target::Target;

/// Bytes to read at a time.
const BLOCK: usize = 1 << 20;

const EXAMPLES: &str = "\
With --json: an object with schema, path, dtype, shape and data (lists within lists).

Examples:
  outcore show m.npy
  outcore show 'm.npy[:10, -1]'
  outcore show 'm.npy[0]' --precision 3
  outcore show m.npy --csv > m.csv
  outcore show 'm.npy[3,4]' --hex          the bytes, as set --hex takes them";

/// Print elements as NumPy does: the corners only, where there are more than 1000
///
/// No more of the file is read than is printed. --csv, --hex and --json print all elements of the slice.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file, and a slice of it if not all is wanted
    #[arg(value_name = "FILE[SLICE]")]
    target: OsString,
    /// Most digits behind the decimal point
    #[arg(long, value_name = "N", default_value_t = floats::PRECISION, value_parser = precision)]
    precision: usize,
    /// Print all elements as comma-separated values, a line for each row; records with a line of names
    #[arg(long, conflicts_with_all = ["hex", "json"])]
    csv: bool,
    /// Print all elements as bytes in hexadecimal, one on each line, little-endian whatever the order in the file
    #[arg(long, conflicts_with = "json")]
    hex: bool,
    #[command(flatten)]
    raw: RawArgs,
}

fn precision(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&digits| digits <= 100).ok_or_else(|| "write a number from 0 to 100".to_string())
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let target = Target::new(&typed.target)?;
    let file = settings.open(&target.path, &typed.raw)?;
    let selection = target.selection();
    let block = settings.block(BLOCK);
    if typed.csv {
        csv::write(out, &file, &selection, block)?;
    } else if typed.hex {
        hex::write(out, &file, &selection, block)?;
    } else if settings.json {
        write_json(out, &file, &selection, block)?;
    } else {
        numpy::write(out, &file, &selection, typed.precision, settings.budget())?;
    }
    Ok(Outcome::Done)
}

/// Writes the document piece by piece, since the list may be long.
fn write_json(out: &mut Out, file: &AnyArrayFile, selection: &Selection, block: usize) -> Result<(), Failure> {
    let header = file.header();
    let shape = selection.shape_in(header.shape())?;
    json::expect_end(header, &shape)?;
    let head = [
        ("schema", json::SCHEMA.into()),
        ("path", Json::from(file.path().display().to_string())),
        ("dtype", Json::DType(header.dtype().clone())),
        ("shape", shape.as_slice().into()),
    ];
    write!(out, "{{")?;
    for (key, value) in head {
        write!(out, "\"{key}\":")?;
        out.json(&value)?;
        write!(out, ",")?;
    }
    write!(out, "\"data\":")?;
    json::write_lists(out, file, selection, block)?;
    Ok(writeln!(out, "}}")?)
}
