//! What is to be written: a value as text or as bytes, an array in another file, or values on the standard input.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use outcore::{AnyArrayFile, DType, Selection};

use crate::blocks::{blocks, read_blocks};
use crate::failure::Failure;
use crate::output::hex;
use crate::quantity::{counted, human_bytes, tuple};
use crate::settings::{RawArgs, Settings};

/// Bytes to copy at a time.
const BLOCK: usize = 16 << 20;

/// What VALUE means for elements of a dtype. Items are bytes in the byte order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// One item for all elements.
    One(Vec<u8>),
    /// The array of the same shape in another file.
    Array(PathBuf),
    /// An item for each element, on the standard input.
    Stdin,
}

impl Value {
    pub(crate) fn new(typed: &str, hex: bool, dtype: &DType) -> Result<Self, Failure> {
        match typed {
            "-" => Ok(Self::Stdin),
            _ if !hex && typed.starts_with('@') => Ok(Self::Array(typed[1..].into())),
            _ => item(typed, hex, dtype).map(Self::One),
        }
    }
}

/// The bytes of one element, as the file is to hold them.
pub(crate) fn item(text: &str, hex: bool, dtype: &DType) -> Result<Vec<u8>, Failure> {
    if !hex {
        return Ok(dtype.parse_item(text)?);
    }
    let hint = "give two digits for each byte, little-endian";
    let mut item = hex::bytes(text).map_err(|what| Failure::usage(what, hint))?;
    if item.len() != dtype.itemsize() {
        let what = format!("{} for an element of {}", counted(item.len() as u64, "byte"), dtype.itemsize());
        return Err(Failure::usage(what, hint));
    }
    // What turns the file's order into little-endian also turns it back.
    dtype.to_little_endian(&mut item);
    Ok(item)
}

/// What a write will do, once everything about it has been checked.
#[derive(Debug)]
pub(crate) enum Source {
    One(Vec<u8>),
    Items(Vec<u8>),
    Array(AnyArrayFile),
}

impl Source {
    /// Reads and checks what is to be written into a selection of a file.
    pub(crate) fn new(
        value: Value,
        hex: bool,
        file: &AnyArrayFile,
        selection: &Selection,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let header = file.header();
        let shape = selection.shape_in(header.shape()).map_err(|error| Failure::of_file(file.path(), error))?;
        match value {
            Value::One(item) => Ok(Self::One(item)),
            Value::Array(path) => {
                let other = settings.open(&path, &RawArgs::default())?;
                same_kind(&other, file.path(), header.dtype(), &shape)?;
                Ok(Self::Array(other))
            }
            Value::Stdin => {
                let count: u64 = shape.iter().product();
                let nbytes = count.saturating_mul(header.itemsize() as u64);
                if nbytes > settings.budget() {
                    let what = format!("{} of values exceed the memory budget", human_bytes(nbytes));
                    return Err(Failure::usage(what, "write a part at a time, or raise --memory"));
                }
                stdin_items(count, hex, header.dtype()).map(Self::Items)
            }
        }
    }

    /// Writes, and flushes.
    pub(crate) fn write(
        &self,
        file: &mut AnyArrayFile,
        selection: &Selection,
        settings: &Settings,
    ) -> Result<(), Failure> {
        match self {
            Self::One(item) => file.fill_selection(selection, item)?,
            Self::Items(items) => file.write_selection(selection, items)?,
            Self::Array(other) => copy(other, file, selection, settings)?,
        }
        Ok(file.flush()?)
    }
}

fn same_kind(other: &AnyArrayFile, path: &Path, dtype: &DType, shape: &[u64]) -> Result<(), Failure> {
    let header = other.header();
    let order = outcore::ByteOrder::Little;
    if header.dtype().with_byte_order(order) != dtype.with_byte_order(order) {
        let what = format!("the elements are {}, and those of {} are {dtype}", header.dtype(), path.display());
        return Err(Failure::of_file(other.path(), format_args!("{what}; they must be of the same type")));
    }
    if header.shape() != shape {
        let what = format!("an array of shape {} into a place of shape {}", tuple(header.shape()), tuple(shape));
        return Err(Failure::of_file(other.path(), format_args!("{what}; they must be of the same shape")));
    }
    Ok(())
}

fn copy(from: &AnyArrayFile, to: &mut AnyArrayFile, selection: &Selection, settings: &Settings) -> Result<(), Failure> {
    let header = to.header().clone();
    let (old, new) = (from.header().dtype().clone(), header.dtype());
    let bytes = settings.block(BLOCK);
    // Both have the same shape, so that they are cut at the same places.
    let places = blocks(&header, selection, bytes)?;
    for (place, items) in places.zip(read_blocks(from, &Selection::all(), bytes)?) {
        let mut items = items?;
        if old != *new {
            old.to_little_endian(&mut items);
            // As above: the same step leads there and back.
            new.to_little_endian(&mut items);
        }
        to.write_selection(&place, &items)?;
    }
    Ok(())
}

/// Values on the standard input: separated by white space or commas; by lines where a value may hold a space.
fn stdin_items(count: u64, hex: bool, dtype: &DType) -> Result<Vec<u8>, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read the standard input: {error}"), "give values as text"))?;
    let by_line = !hex && matches!(dtype, DType::Bytes { .. } | DType::Text { .. });
    let words: Vec<&str> = if by_line {
        text.lines().collect()
    } else {
        text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect()
    };
    if words.len() as u64 != count {
        let what =
            format!("{} on the standard input for {}", counted(words.len() as u64, "value"), counted(count, "element"));
        return Err(Failure::usage(what, "give one for each, in row-major order"));
    }
    let mut items = Vec::with_capacity(words.len() * dtype.itemsize());
    for (place, word) in words.iter().enumerate() {
        match item(word, hex, dtype) {
            Ok(bytes) => items.extend(bytes),
            Err(Failure::Line(line, code)) => return Err(Failure::Line(format!("value {}: {line}", place + 1), code)),
            Err(other) => return Err(other),
        }
    }
    Ok(items)
}

/// The first line of the standard input.
pub(crate) fn stdin_line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("cannot read the standard input: {error}"), "give a value as text"))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_string())
}
