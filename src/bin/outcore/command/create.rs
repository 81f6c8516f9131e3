//! `outcore create`: a new array file.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use outcore::format::npy;
use outcore::{CreateOptions, DType, Format, Order, Reserve, Selection};

use super::arange::Arange;
use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Json, Out, json};
use crate::quantity::{Shape, counted, human_bytes, parse_dtype, parse_order, tuple};
use crate::settings::{RawArgs, Settings};
use crate::value;

const EXAMPLES: &str = "\
Examples:
  outcore create m.npy --dtype f8 --shape 5000000,1000
  outcore create m.npy --dtype f4 --shape 100,100 --fill nan
  outcore create m.npy --dtype i8 --shape 1000 --arange 1,2
  outcore create m.npy --like other.npy --force
  outcore create x.dat --dtype '>f4' --shape 1000,64 --raw --offset 128
  outcore create r.npy --dtype \"[('id', '<u4'), ('name', 'S8')]\" --shape 100";

/// Create an array file of zeros, or of a value, or of a range
///
/// Its blocks are reserved on the disk, so that a full disk is an error now and not later. The file appears under its name when it
/// is complete, and an existing one is not replaced without --force.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file to create
    file: PathBuf,
    /// The type of the elements, in NumPy's words: f8, float32, '>i2', M8[ns], S16, "[('x', '<f4'), ('n', '<u2')]"
    #[arg(long, value_parser = parse_dtype, required_unless_present = "like")]
    dtype: Option<DType>,
    /// Elements along each axis: 1000, or 1000,64, or '()' for a single element without axes
    #[arg(long, value_name = "N,N", required_unless_present = "like", allow_hyphen_values = true)]
    shape: Option<Shape>,
    /// C for row-major, F for column-major [default: C]
    #[arg(long, value_parser = parse_order)]
    order: Option<Order>,
    /// Take dtype, shape and order from this file, where they are not given
    #[arg(long, value_name = "OTHER")]
    like: Option<PathBuf>,
    /// Write this value to all elements, given as for the command fill
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, conflicts_with = "arange")]
    fill: Option<String>,
    /// Number the elements in row-major order, from START in steps of STEP; from 0 by 1 without them. A
    /// negative START needs the form --arange=-1,2
    #[arg(long, value_name = "START,STEP", num_args = 0..=1, default_missing_value = "0,1")]
    arange: Option<Arange>,
    /// Let the disk give blocks as they are written, instead of reserving all at once
    #[arg(long)]
    sparse: bool,
    /// Write the elements alone, without a header
    #[arg(long)]
    raw: bool,
    /// With --raw: zero bytes before the first element
    #[arg(long, value_name = "BYTES", requires = "raw")]
    offset: Option<u64>,
    /// Replace the file, if there is one
    #[arg(long)]
    force: bool,
    /// Check everything and say what would be created, but create nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is to be created.
#[derive(Debug)]
struct Plan {
    format: Format,
    dtype: DType,
    shape: Vec<u64>,
    order: Order,
    /// Bytes before the elements.
    offset: u64,
    count: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Zeros,
    Fill(Vec<u8>),
    Arange(Arange),
}

impl Plan {
    fn new(typed: &Typed, settings: &Settings) -> Result<Self, Failure> {
        let like = match &typed.like {
            Some(path) => Some(settings.open_unlocked(path, &RawArgs::default())?),
            None => None,
        };
        let like = like.as_ref().map(outcore::AnyArrayFile::header);
        let missing = || Failure::usage("dtype and shape are needed", "give both, or --like a file");
        let dtype = typed.dtype.clone().or_else(|| like.map(|like| like.dtype().clone())).ok_or_else(missing)?;
        let shape = typed.shape.clone().map(|shape| shape.0).or_else(|| like.map(|like| like.shape().to_vec()));
        let shape = shape.ok_or_else(missing)?;
        let order = typed.order.or_else(|| like.map(outcore::Header::order)).unwrap_or_default();
        let (format, offset) = if typed.raw {
            (Format::Raw, typed.offset.unwrap_or(0))
        } else {
            (Format::Npy, npy::header(&dtype, &shape, order)?.len() as u64)
        };
        // The library refuses what does not fit 2^63 bytes; the product is only used after it has agreed.
        let count = shape.iter().fold(1_u64, |count, &len| count.saturating_mul(len));
        let content = match (&typed.fill, typed.arange) {
            (Some(text), _) => Content::Fill(value::item(text, false, &dtype)?),
            (None, Some(range)) => {
                range.check(&dtype, count)?;
                Content::Arange(range)
            }
            (None, None) => Content::Zeros,
        };
        Ok(Self { format, dtype, shape, order, offset, count, content })
    }

    fn nbytes(&self) -> u64 {
        self.count.saturating_mul(self.dtype.itemsize() as u64)
    }
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let plan = Plan::new(typed, settings)?;
    if typed.dry_run {
        if !typed.force && typed.file.symlink_metadata().is_ok() {
            return Err(Failure::of_file(&typed.file, "the file exists; give --force to replace it"));
        }
    } else {
        create(&plan, typed, settings)?;
    }
    let path = typed.file.display().to_string();
    if settings.json {
        out.document(&json::object([
            ("schema", json::SCHEMA.into()),
            ("path", path.into()),
            ("format", if typed.raw { "raw" } else { "npy" }.into()),
            ("dtype", Json::DType(plan.dtype.clone())),
            ("shape", plan.shape.as_slice().into()),
            ("order", plan.order.to_string().into()),
            ("data_offset", plan.offset.into()),
            ("count", plan.count.into()),
            ("nbytes", plan.nbytes().into()),
            ("dry_run", typed.dry_run.into()),
        ]))?;
        return Ok(Outcome::Done);
    }
    let line = one_line(&format!(
        "{path}: {} of shape {}, {} of {} ({} with what comes before)",
        plan.dtype,
        tuple(&plan.shape),
        counted(plan.count, "element"),
        counted(plan.dtype.itemsize() as u64, "byte"),
        human_bytes(plan.nbytes().saturating_add(plan.offset)),
    ));
    if typed.dry_run {
        writeln!(out, "would create {line}")?;
    } else if settings.verbose {
        // The standard error may be closed; the work is done all the same.
        let _ = writeln!(std::io::stderr(), "created {line}");
    }
    Ok(Outcome::Done)
}

fn create(plan: &Plan, typed: &Typed, settings: &Settings) -> Result<(), Failure> {
    let options = CreateOptions::new()
        .format(plan.format)
        .order(plan.order)
        .reserve(if typed.sparse { Reserve::Sparse } else { Reserve::Full })
        .overwrite(typed.force)
        .lock(settings.lock());
    let options = if plan.format == Format::Raw { options.offset(plan.offset) } else { options };
    let mut file = options.create_any_file(&typed.file, &plan.dtype, &plan.shape)?;
    match &plan.content {
        Content::Zeros => {}
        Content::Fill(item) => file.fill_selection(&Selection::all(), item)?,
        Content::Arange(range) => range.write(&mut file, settings)?,
    }
    Ok(file.close()?)
}
