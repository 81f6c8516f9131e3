//! `outcore checksum`: SHA-256 of files, or of the values in them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};

use crate::blocks::read_blocks;
use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Json, Out, hex, json};
use crate::progress::Meter;
use crate::settings::{RawArgs, Settings};

/// Bytes to read at a time. An array in column-major order is read in long strips, since its rows lie scattered.
const BLOCK: usize = 1 << 20;
const STRIP: usize = 64 << 20;

const EXAMPLES: &str = "\
With --json, each file gives one object, on a line of its own, with schema, path, logical and sha256;
with --logical also dtype, shape and nbytes.

Examples:
  outcore checksum m.npy                   the same as sha256sum
  outcore checksum --logical a.npy b.npy   equal if the same values are in both";

/// Print the SHA-256 of files, or with --logical of the values in them
///
/// --logical takes the elements in row-major order, each scalar little-endian and the padding of records as zeros. So it does not
/// depend on the storage order, the byte order or the header of the file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The files; - is the standard input, for which --logical does not work
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Of the values, not of the file
    #[arg(long)]
    logical: bool,
    #[command(flatten)]
    raw: RawArgs,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    if !typed.logical && typed.raw != RawArgs::default() {
        return Err(Failure::usage("a layout is for the values of a file", "give --logical"));
    }
    let mut worst = 0;
    for path in &typed.files {
        let done = if typed.logical { logical(path, typed, settings, out) } else { physical(path, settings, out) };
        match done {
            Ok(()) => {}
            Err(Failure::ClosedPipe) => return Err(Failure::ClosedPipe),
            Err(failure) => {
                out.flush()?;
                worst = worst.max(failure.print());
            }
        }
    }
    Ok(if worst == 0 { Outcome::Done } else { Outcome::Failed(worst) })
}

fn logical(path: &Path, typed: &Typed, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let file = settings.open(path, &typed.raw)?;
    let header = file.header();
    let mut hash = Sha256::new();
    let mut meter = Meter::new(settings, header.nbytes());
    let block = match header.order() {
        outcore::Order::C => BLOCK,
        outcore::Order::F => STRIP,
    };
    // Elements of no bytes may be many, and have nothing to say.
    if header.nbytes() > 0 {
        for items in read_blocks(&file, &outcore::Selection::all(), settings.block(block))? {
            let mut items = items?;
            header.dtype().to_little_endian(&mut items);
            hash.update(&items);
            meter.add(items.len() as u64);
        }
    }
    drop(meter);
    let sha256 = hex::digits(&hash.finalize());
    if !settings.json {
        return Ok(writeln!(out, "{sha256}  {}", one_line(&path.display().to_string()))?);
    }
    out.document(&json::object([
        ("schema", json::SCHEMA.into()),
        ("path", path.display().to_string().into()),
        ("logical", true.into()),
        ("sha256", sha256.into()),
        ("dtype", Json::DType(header.dtype().clone())),
        ("shape", header.shape().into()),
        ("nbytes", header.nbytes().into()),
    ]))
}

fn physical(path: &Path, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let (mut reader, len): (Box<dyn Read>, u64) = if path == Path::new("-") {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = File::open(path).map_err(|error| Failure::io(path, "cannot open", &error))?;
        let len = file.metadata().map_or(0, |metadata| metadata.len());
        (Box::new(file), len)
    };
    let mut hash = Sha256::new();
    let mut meter = Meter::new(settings, len);
    let mut buffer = vec![0; settings.block(BLOCK)];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                meter.add(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::io(path, "cannot read", &error)),
        }
    }
    drop(meter);
    let sha256 = hex::digits(&hash.finalize());
    if !settings.json {
        return Ok(writeln!(out, "{sha256}  {}", one_line(&path.display().to_string()))?);
    }
    out.document(&json::object([
        ("schema", json::SCHEMA.into()),
        ("path", path.display().to_string().into()),
        ("logical", false.into()),
        ("sha256", sha256.into()),
    ]))
}
