//! `outcore checksum`: SHA-256 of files, or of the values in them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use outcore::{Header, Order, Selection};
use sha2::{Digest, Sha256};

use crate::blocks::read_blocks;
use crate::failure::{Failure, Outcome, for_each, one_line};
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
    for_each(&typed.files, out, |path, out| {
        if typed.logical { logical(path, typed, settings, out) } else { physical(path, settings, out) }
    })
}

fn logical(path: &Path, typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let file = settings.open(path, &typed.raw)?;
    let header = file.header();
    let mut hash = Sha256::new();
    let mut meter = Meter::new(settings, header.nbytes());
    let block = match header.order() {
        Order::C => BLOCK,
        Order::F => STRIP,
    };
    // Elements of no bytes may be many, and have nothing to say.
    if header.nbytes() > 0 {
        for items in read_blocks(&file, &Selection::all(), settings.block(block))? {
            let mut items = items?;
            header.dtype().to_little_endian(&mut items);
            hash.update(&items);
            meter.add(items.len() as u64);
        }
    }
    drop(meter);
    tell(path, &hash.finalize(), Some(header), settings, out)
}

fn physical(path: &Path, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
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
    tell(path, &hash.finalize(), None, settings, out)
}

/// Prints a checksum: of the values, with their header, or of the file.
fn tell(
    path: &Path,
    hash: &[u8],
    header: Option<&Header>,
    settings: &Settings,
    out: &mut Out,
) -> Result<Outcome, Failure> {
    let (path, sha256) = (path.display().to_string(), hex::digits(hash));
    if !settings.json {
        writeln!(out, "{sha256}  {}", one_line(&path))?;
        return Ok(Outcome::Done);
    }
    let mut fields = vec![
        ("schema", json::SCHEMA.into()),
        ("path", path.into()),
        ("logical", header.is_some().into()),
        ("sha256", sha256.into()),
    ];
    if let Some(header) = header {
        fields.extend([
            ("dtype", Json::DType(header.dtype().clone())),
            ("shape", header.shape().into()),
            ("nbytes", header.nbytes().into()),
        ]);
    }
    out.document(&json::object(fields))?;
    Ok(Outcome::Done)
}
