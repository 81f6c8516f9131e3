//! From the bytes of a header to what it says.

use super::{MAGIC, VERSION_END, length_width};
use crate::element::DType;
use crate::element::literal::{self, Flaw, Literal, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Format, Header};
use crate::shape::{MAX_NDIM, Order};

/// The longest header text that is read unless told otherwise, in characters; NumPy's default too.
pub const DEFAULT_MAX_HEADER: usize = 10_000;

/// The version and the place of the header text.
struct Prefix {
    version: (u8, u8),
    /// Where the text begins.
    begin: usize,
    /// Where the text ends and the elements begin.
    end: u64,
}

fn truncated(what: &str, expected: u64, found: usize) -> Error {
    Error::new(ErrorKind::Truncated, format!("the file ends in its {what}: expected {expected} bytes, found {found}"))
        .at(found as u64)
}

fn too_large(len: u64, unit: &str, limit: usize) -> Error {
    Error::new(ErrorKind::HeaderTooLarge, format!("a header of {len} {unit}; the limit is {limit} characters"))
        .at(VERSION_END as u64)
        .with_hint("if the file is trusted, raise the limit (OpenOptions::max_header)")
}

/// Reads magic string, version and length from the first [`MAX_PREFIX`](super::MAX_PREFIX) bytes of a file, or all of them if it has fewer.
fn prefix(bytes: &[u8]) -> Result<Prefix> {
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Err(Error::new(ErrorKind::UnknownFormat, "not a .npy file: it does not begin with \\x93NUMPY").at(0));
    }
    let Some((version, rest)) = bytes.split_at_checked(VERSION_END) else {
        return Err(truncated("magic string", VERSION_END as u64, bytes.len()));
    };
    let version = (version[6], version[7]);
    let Some(width) = length_width(version) else {
        let (major, minor) = version;
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(".npy version {major}.{minor}; 1.0, 2.0 and 3.0 are known"),
        )
        .at(6));
    };
    let begin = VERSION_END + width;
    let len = match *rest {
        [a, b, ..] if width == 2 => u16::from_le_bytes([a, b]).into(),
        [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
        _ => return Err(truncated("header length", begin as u64, bytes.len())),
    };
    Ok(Prefix { version, begin, end: begin as u64 + u64::from(len) })
}

/// Where the header ends and the elements begin, in bytes from the beginning of the file.
///
/// `bytes` are the first [`MAX_PREFIX`](super::MAX_PREFIX) bytes of the file, or all of them if it has fewer. Nothing but the length is
/// judged: the text is read by [`parse`].
///
/// # Errors
///
/// [`ErrorKind::UnknownFormat`] without the magic string, [`ErrorKind::Unsupported`] for other versions than 1.0, 2.0 and
/// 3.0, [`ErrorKind::Truncated`] where the file ends before the length does, and [`ErrorKind::HeaderTooLarge`] where that
/// many bytes cannot hold `max_header` characters or fewer.
pub fn header_end(bytes: &[u8], max_header: usize) -> Result<u64> {
    let prefix = prefix(bytes)?;
    let len = prefix.end - prefix.begin as u64;
    // A character takes one byte in Latin-1 and up to four in UTF-8.
    let widest = if prefix.version == (3, 0) { 4 } else { 1 };
    if len > (max_header as u64).saturating_mul(widest) {
        return Err(too_large(len, "bytes", max_header));
    }
    Ok(prefix.end)
}

/// Reads a header; `bytes` are the file's first bytes up to [`header_end`], or all of them if it has fewer.
///
/// The rules are those of NumPy's reader, with two exceptions on the safe side: a key that occurs twice and a dtype with
/// Python objects are refused. Whether the file is long enough for its elements is for the caller to check.
///
/// # Errors
///
/// Those of [`header_end`], and, each with the position in the file: [`ErrorKind::Corrupt`] for text that is not a header,
/// [`ErrorKind::Unsupported`] for dtypes that cannot be handled, [`ErrorKind::Shape`] for more than
/// [`MAX_NDIM`] axes, [`ErrorKind::TooLarge`] for sizes beyond 2^63 bytes.
pub fn parse(bytes: &[u8], max_header: usize) -> Result<Header> {
    let end = header_end(bytes, max_header)?;
    let Prefix { version, begin, .. } = prefix(bytes)?;
    let text = usize::try_from(end).ok().and_then(|end| bytes.get(begin..end));
    let Some(text) = text else {
        return Err(truncated("header", end, bytes.len()));
    };
    let text = decode(text, version, begin)?;
    let characters = text.chars().count();
    if characters > max_header {
        return Err(too_large(characters as u64, "characters", max_header));
    }
    let offset = |at: usize| {
        let before: usize = match version {
            (3, 0) => text.chars().take(at).map(char::len_utf8).sum(),
            _ => at,
        };
        (begin + before) as u64
    };
    let literal = literal::read(&text, version != (3, 0)).map_err(|flaw| flaw.in_file(offset))?;
    let entries = entries(&literal).map_err(|flaw| flaw.in_file(offset))?;
    let shape = shape(entries.shape).map_err(|flaw| flaw.in_file(offset))?;
    let order = order(entries.fortran_order).map_err(|flaw| flaw.in_file(offset))?;
    let dtype = DType::from_literal(entries.descr).map_err(|flaw| flaw.in_file(offset))?;
    Header::new(Format::Npy, Some(version), dtype, shape, order, end)
        .map_err(|error| error.at(offset(entries.shape.at)))
}

fn decode(text: &[u8], version: (u8, u8), begin: usize) -> Result<String> {
    if version != (3, 0) {
        return Ok(text.iter().copied().map(char::from).collect());
    }
    match str::from_utf8(text) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(Error::new(ErrorKind::Corrupt, "the header is not UTF-8, as version 3.0 asks for")
            .at((begin + error.valid_up_to()) as u64)),
    }
}

struct Entries<'a> {
    descr: &'a Literal,
    fortran_order: &'a Literal,
    shape: &'a Literal,
}

fn corrupt(literal: &Literal, message: impl Into<std::borrow::Cow<'static, str>>) -> Flaw {
    Flaw::new(literal.at, ErrorKind::Corrupt, message)
}

/// The three entries of the header, which must be all.
fn entries(literal: &Literal) -> Result<Entries<'_>, Flaw> {
    let Value::Dict(entries) = &literal.value else {
        return Err(corrupt(literal, format!("the header is {}, not a dict", literal.value.describe())));
    };
    let [mut descr, mut fortran_order, mut shape] = [None; 3];
    for (key, value) in entries {
        let place = match &key.value {
            Value::Str(name) if name == "descr" => &mut descr,
            Value::Str(name) if name == "fortran_order" => &mut fortran_order,
            Value::Str(name) if name == "shape" => &mut shape,
            other => {
                let other = other.describe();
                return Err(corrupt(key, format!("expected the keys descr, fortran_order and shape, found {other}")));
            }
        };
        if place.replace(value).is_some() {
            return Err(corrupt(key, format!("the header holds {} twice", key.value.describe())));
        }
    }
    let need =
        |entry: Option<_>, name| entry.ok_or_else(|| corrupt(literal, format!("the header lacks the key {name}")));
    Ok(Entries {
        descr: need(descr, "descr")?,
        fortran_order: need(fortran_order, "fortran_order")?,
        shape: need(shape, "shape")?,
    })
}

fn shape(literal: &Literal) -> Result<Vec<u64>, Flaw> {
    let Value::Tuple(axes) = &literal.value else {
        return Err(corrupt(literal, format!("expected a tuple as shape, found {}", literal.value.describe())));
    };
    if axes.len() > MAX_NDIM {
        let message = format!("{} axes; {MAX_NDIM} are the most", axes.len());
        return Err(Flaw::new(literal.at, ErrorKind::Shape, message));
    }
    axes.iter().map(axis).collect()
}

fn axis(literal: &Literal) -> Result<u64, Flaw> {
    match literal.value {
        Value::Int(len) if len < 0 => Err(corrupt(literal, format!("an axis of negative length {len}"))),
        Value::Int(len) => i64::try_from(len).map(i64::unsigned_abs).map_err(|_| {
            Flaw::new(literal.at, ErrorKind::TooLarge, format!("an axis of length {len} does not fit 2^63"))
        }),
        Value::BigInt(true) => Err(corrupt(literal, "an axis of negative length")),
        Value::BigInt(false) => {
            Err(Flaw::new(literal.at, ErrorKind::TooLarge, "the length of an axis does not fit 2^63"))
        }
        ref value => Err(corrupt(literal, format!("expected an integer in the shape, found {}", value.describe()))),
    }
}

fn order(literal: &Literal) -> Result<Order, Flaw> {
    match &literal.value {
        Value::Bool(false) => Ok(Order::C),
        Value::Bool(true) => Ok(Order::F),
        value => Err(corrupt(literal, format!("expected True or False as fortran_order, found {}", value.describe()))),
    }
}
