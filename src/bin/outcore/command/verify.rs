//! `outcore verify`: whether files are what they were.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use outcore::compute::{Mismatch, SealState, Verification};
use outcore::{AnyArrayFile, Format, Header, Order};

use crate::failure::{DAMAGED, Failure, Outcome, for_each, one_line};
use crate::output::{Json, Out, json};
use crate::quantity::{counted, grouped, human_bytes};
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
The exit code is 3 if a file is damaged, and 0 if none is, sealed or not; the output tells the difference.

With --json, each file gives one object, on a line of its own, with schema, path, format, sound, state (verified, damaged, unverified:
no checksums in force, none: a format without any), blocks, block_len, mismatches (each with block, bytes and elements, of which the
end is not included, expected and found), flaws (of the header), and pending (a transaction waits to be finished).

Examples:
  outcore verify m.oca
  outcore verify *.oca --json | jq -r 'select(.sound | not) | .path'";

/// Compare files with the checksums in them: the header, and every block of a sealed array
///
/// The first bad block is named, with its bytes in the file and its elements. Files that are not sealed, and those of other formats,
/// are looked at as far as that goes: the header, and the length of the file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    raw: RawArgs,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    for_each(&typed.files, out, |path, out| {
        let file = settings.open(path, &typed.raw)?;
        let found = settings.job(file.header().nbytes()).verify(&file)?;
        if settings.json {
            out.document(&document(&file, &found))?;
        } else {
            write(&file, &found, out)?;
        }
        Ok(if found.is_sound() { Outcome::Done } else { Outcome::Failed(DAMAGED) })
    })
}

fn write(file: &AnyArrayFile, found: &Verification, out: &mut Out) -> Result<(), Failure> {
    let path = file.path().display().to_string();
    for flaw in &found.flaws {
        writeln!(out, "{}", one_line(&flaw.to_string()))?;
    }
    let what = match (found.state, found.mismatches.split_first()) {
        (SealState::Damaged, Some((first, others))) => {
            let more = match others.len() {
                0 => String::new(),
                more => format!("; and {}", counted(more as u64, "further block")),
            };
            format!("damaged: {}{more}", describe(first, found.blocks, file.header()))
        }
        (SealState::Verified, _) => {
            format!("verified, {} of {}", counted(found.blocks, "block"), human_bytes(found.block_len))
        }
        // What is wrong was said above.
        _ if !found.is_sound() => return Ok(()),
        (SealState::None, _) => format!("sound, as far as {} files can tell: they have no checksums", of(file)),
        _ => "sound, but not sealed: no checksums of the elements are in force; see outcore seal".to_string(),
    };
    writeln!(out, "{}", one_line(&format!("{path}: {what}")))?;
    if file.has_pending_transaction() {
        let what = "a committed transaction waits to be finished; the next writer does it, or outcore repair";
        writeln!(out, "{}", one_line(&format!("{path}: {what}")))?;
    }
    Ok(())
}

fn of(file: &AnyArrayFile) -> &'static str {
    match file.header().format() {
        Format::Npy => ".npy",
        _ => "raw",
    }
}

/// Where a bad block is, the last byte and the last element included.
fn describe(bad: &Mismatch, blocks: u64, header: &Header) -> String {
    let range = |range: &std::ops::Range<u64>| (range.start, range.end.saturating_sub(1));
    let (from, to) = range(&bad.bytes);
    let (first, last) = range(&bad.elements);
    format!(
        "block {} of {}, bytes {} to {}, elements {} to {}",
        grouped(bad.block),
        grouped(blocks),
        grouped(from),
        grouped(to),
        index(first, header),
        index(last, header)
    )
}

/// The index of an element, by its place in storage order.
fn index(place: u64, header: &Header) -> String {
    let shape = header.shape();
    let mut rest = place;
    let mut at = vec![0; shape.len()];
    let mut take = |axis: usize| {
        at[axis] = rest % shape[axis].max(1);
        rest /= shape[axis].max(1);
    };
    match header.order() {
        Order::C => (0..shape.len()).rev().for_each(&mut take),
        Order::F => (0..shape.len()).for_each(&mut take),
    }
    format!("[{}]", at.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
}

fn document(file: &AnyArrayFile, found: &Verification) -> Json {
    let range = |range: &std::ops::Range<u64>| Json::from(&[range.start, range.end][..]);
    let state = match found.state {
        SealState::Verified => "verified",
        SealState::Damaged => "damaged",
        SealState::None => "none",
        _ => "unverified",
    };
    let mismatch = |bad: &Mismatch| {
        json::object([
            ("block", bad.block.into()),
            ("bytes", range(&bad.bytes)),
            ("elements", range(&bad.elements)),
            ("expected", format!("{:08x}", bad.expected).into()),
            ("found", format!("{:08x}", bad.found).into()),
        ])
    };
    json::object([
        ("schema", json::SCHEMA.into()),
        ("path", file.path().display().to_string().into()),
        ("format", json::format(file.header().format()).into()),
        ("sound", found.is_sound().into()),
        ("state", state.into()),
        ("blocks", found.blocks.into()),
        ("block_len", found.block_len.into()),
        ("mismatches", Json::List(found.mismatches.iter().map(mismatch).collect())),
        ("flaws", Json::List(found.flaws.iter().map(|flaw| flaw.to_string().into()).collect())),
        ("pending", file.has_pending_transaction().into()),
    ])
}
