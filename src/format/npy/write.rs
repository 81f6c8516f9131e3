//! Headers as NumPy writes them, byte for byte.

use super::{MAGIC, VERSION_END, length_width};
use crate::element::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// The elements begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Characters kept for the length of the axis that appending makes longer: enough for 2^64 and a Python 2 `L`.
const GROWTH_DIGITS: usize = 21;

/// The header that `np.save` writes, up to the first element: the lowest version that can hold it.
///
/// [`Order::F`] is written only where it makes a difference, as NumPy does.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] for dtypes that NumPy has no name for, [`ErrorKind::Shape`] and [`ErrorKind::TooLarge`] for
/// shapes beyond NumPy's limits.
pub fn header(dtype: &DType, shape: &[u64], order: Order) -> Result<Vec<u8>> {
    let text = text(dtype, shape, order)?;
    let latin1 = text.chars().all(|c| u32::from(c) < 256);
    let version = match latin1 {
        true if padded_len(text.chars().count(), (1, 0)) <= u16::MAX.into() => (1, 0),
        true => (2, 0),
        false => (3, 0),
    };
    assemble(&text, version, None)
}

/// The header in a version of the caller's choice: `(1, 0)`, `(2, 0)` or `(3, 0)`.
///
/// # Errors
///
/// Those of [`header`]; [`ErrorKind::InvalidArgument`] where the version does not exist or cannot hold the header.
pub fn header_with_version(version: (u8, u8), dtype: &DType, shape: &[u64], order: Order) -> Result<Vec<u8>> {
    assemble(&text(dtype, shape, order)?, version, None)
}

/// The header in the place of an older one of the given version that ends at `end`, so that the elements need not move.
///
/// # Errors
///
/// Those of [`header_with_version`]; [`ErrorKind::TooLarge`] where it does not fit.
pub fn header_in(end: u64, version: (u8, u8), dtype: &DType, shape: &[u64], order: Order) -> Result<Vec<u8>> {
    // Growth room is a gift to the next rewrite, which is this one.
    let text = text(dtype, shape, order)?;
    assemble(text.trim_end(), version, Some(end))
}

/// The dict, with growth room.
fn text(dtype: &DType, shape: &[u64], order: Order) -> Result<String> {
    shape::sizes(shape, dtype.itemsize() as u64)?;
    check(dtype)?;
    if let DType::SubArray { .. } = dtype {
        return Err(Error::new(ErrorKind::Unsupported, format!("NumPy loads no array of {dtype}"))
            .with_hint("append its axes to the shape"));
    }
    let order = if shape::order_is_moot(shape) { Order::C } else { order };
    let (fortran_order, growing) = match order {
        Order::C => ("False", shape.first()),
        Order::F => ("True", shape.last()),
    };
    let (descr, display) = (dtype.descr(), shape::display(shape));
    let room = growing.map_or(0, |len| GROWTH_DIGITS - len.to_string().len());
    Ok(format!("{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {display}, }}{:room$}", ""))
}

/// Refuses what NumPy could not read back.
fn check(dtype: &DType) -> Result<()> {
    match dtype {
        DType::BFloat16 { .. } => Err(Error::new(ErrorKind::Unsupported, ".npy has no name for bfloat16")
            .with_hint("convert to float32, or write a raw file")),
        DType::Record(record) => record.fields().iter().try_for_each(|field| check(field.dtype())),
        DType::SubArray { base, .. } => check(base),
        _ => Ok(()),
    }
}

/// The length of the padded text, its line end included, for an encoded text of `len` bytes.
fn padded_len(len: usize, version: (u8, u8)) -> usize {
    let prefix = VERSION_END + length_width(version).unwrap_or(4);
    // A text that would be aligned gets a whole alignment more.
    len + 1 + ALIGNMENT - (prefix + len + 1) % ALIGNMENT
}

fn assemble(text: &str, version: (u8, u8), end: Option<u64>) -> Result<Vec<u8>> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidArgument, message);
    let (major, minor) = version;
    let Some(width) = length_width(version) else {
        return Err(invalid(format!(".npy has no version {major}.{minor}; there are 1.0, 2.0 and 3.0")));
    };
    let encoded = match version {
        (3, 0) => text.as_bytes().to_vec(),
        _ => text
            .chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .map_err(|_| invalid(format!(".npy version {major}.{minor} has no field names beyond Latin-1")))?,
    };
    let begin = VERSION_END + width;
    let len = match end {
        None => padded_len(encoded.len(), version),
        Some(end) => usize::try_from(end)
            .ok()
            .and_then(|end| end.checked_sub(begin))
            .filter(|&len| len > encoded.len())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::TooLarge,
                    format!("the header needs {} bytes and has {end}", begin + encoded.len() + 1),
                )
            })?,
    };
    let mut header = Vec::with_capacity(begin + len);
    header.extend(MAGIC);
    header.extend([major, minor]);
    let too_long = || invalid(format!("a header of {len} bytes is too long for .npy version {major}.{minor}"));
    if width == 2 {
        header.extend(u16::try_from(len).map_err(|_| too_long())?.to_le_bytes());
    } else {
        header.extend(u32::try_from(len).map_err(|_| too_long())?.to_le_bytes());
    }
    header.extend(encoded);
    header.resize(begin + len - 1, b' ');
    header.push(b'\n');
    Ok(header)
}
