//! `outcore create`: a new array file.

use std::path::PathBuf;

use clap::Args;
use outcore::{Attributes, CreateOptions, DType, Format, Order, Reserve, Selection};

use super::arange::Arange;
use super::attrs::Assignment;
use super::new_file::{FormatName, NewArray, expect_free};
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::quantity::{Shape, parse_dtype, parse_order};
use crate::settings::{RawArgs, Settings};
use crate::value;

const EXAMPLES: &str = "\
Examples:
  outcore create m.npy --dtype f8 --shape 5000000,1000
  outcore create m.npy --dtype f4 --shape 100,100 --fill nan
  outcore create m.npy --dtype i8 --shape 1000 --arange 1,2
  outcore create m.npy --like other.npy --force
  outcore create m.oca --dtype f8 --shape 0,64 --attr units=K --attr 'axes=[\"time\", \"station\"]'
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
    /// npy, oca, or raw for the elements alone [default: oca for a name that ends in .oca, else npy]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<FormatName>,
    /// The same as --format raw: write the elements alone, without a header
    #[arg(long, conflicts_with = "format")]
    raw: bool,
    /// Without a header: zero bytes before the first element
    #[arg(long, value_name = "BYTES")]
    offset: Option<u64>,
    /// For .oca: an attribute; the value is JSON, or else a text. May be given several times
    #[arg(long = "attr", value_name = "NAME=VALUE")]
    attrs: Vec<Assignment>,
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
    array: NewArray,
    attrs: Attributes,
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
        let named = typed.format.or_else(|| FormatName::of(&typed.file).filter(|name| *name == FormatName::Oca));
        let format = if typed.raw { Format::Raw } else { named.map_or(Format::Npy, FormatName::format) };
        if typed.offset.is_some() && format != Format::Raw {
            return Err(Failure::usage("an offset for a file with a header", "give --raw, or leave it out"));
        }
        let mut attrs = Attributes::new();
        for Assignment { name, value } in &typed.attrs {
            attrs.insert(name, value)?;
        }
        if !attrs.is_empty() && format != Format::Native {
            return Err(Failure::usage("only .oca files have attributes", "give --format oca, or leave out --attr"));
        }
        let mut array = NewArray::new(format, &dtype, &shape, order, &attrs)?;
        if format == Format::Raw {
            array.offset = typed.offset.unwrap_or(0);
        }
        let content = match (&typed.fill, typed.arange) {
            (Some(text), _) => Content::Fill(value::item(text, false, &dtype)?),
            (None, Some(range)) => {
                range.check(&dtype, array.count)?;
                Content::Arange(range)
            }
            (None, None) => Content::Zeros,
        };
        Ok(Self { array, attrs, content })
    }
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let plan = Plan::new(typed, settings)?;
    if typed.dry_run {
        expect_free(&typed.file, typed.force)?;
    } else {
        create(&plan, typed, settings)?;
    }
    plan.array.tell(&typed.file, ["create", "created"], typed.dry_run, settings, out)
}

fn create(plan: &Plan, typed: &Typed, settings: &Settings) -> Result<(), Failure> {
    let array = &plan.array;
    let options = CreateOptions::new()
        .format(array.format)
        .order(array.order)
        .attrs(plan.attrs.clone())
        .reserve(if typed.sparse { Reserve::Sparse } else { Reserve::Full })
        .overwrite(typed.force)
        .lock(settings.lock());
    let options = if array.format == Format::Raw { options.offset(array.offset) } else { options };
    let mut file = options.create_any_file(&typed.file, &array.dtype, &array.shape)?;
    match &plan.content {
        Content::Zeros => {}
        Content::Fill(item) => file.fill_selection(&Selection::all(), item)?,
        Content::Arange(range) => range.write(&mut file, settings)?,
    }
    Ok(file.close()?)
}
