//! Shapes, storage orders, and the overflow-checked sizes that follow from them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// The order in which the elements of an array follow one another in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Order {
    /// Row-major: the last axis varies fastest.
    #[default]
    C,
    /// Column-major ("Fortran"): the first axis varies fastest.
    F,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::C => "C",
            Self::F => "F",
        })
    }
}

impl FromStr for Order {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "C" | "c" => Ok(Self::C),
            "F" | "f" => Ok(Self::F),
            _ => Err(Error::new(ErrorKind::InvalidArgument, format!("'{text}' is not an order"))
                .with_hint("write C for row-major or F for column-major")),
        }
    }
}

/// The largest number of axes, as in NumPy 2.
pub const MAX_NDIM: usize = 64;

/// The number of elements of an array of this shape and of the bytes that they take.
///
/// As NumPy does, the product runs over the axes that are not empty, so that `(0, 2^62)` of 8-byte elements is refused
/// although it would hold nothing.
///
/// # Errors
///
/// [`ErrorKind::Shape`] for more than [`MAX_NDIM`] axes, [`ErrorKind::TooLarge`] where the bytes do not fit an `i64`.
pub(crate) fn sizes(shape: &[u64], itemsize: u64) -> Result<(u64, u64)> {
    if shape.len() > MAX_NDIM {
        return Err(Error::new(ErrorKind::Shape, format!("{} axes; {MAX_NDIM} are the most", shape.len())));
    }
    let overflow = || {
        Error::new(
            ErrorKind::TooLarge,
            format!("shape {} of {itemsize}-byte elements does not fit 2^63 bytes", display(shape)),
        )
    };
    let limit = i64::MAX.unsigned_abs();
    let mut bytes = itemsize.max(1);
    for &len in shape.iter().filter(|&&len| len != 0) {
        bytes = bytes.checked_mul(len).filter(|&bytes| bytes <= limit).ok_or_else(overflow)?;
    }
    let count = if shape.contains(&0) { 0 } else { bytes / itemsize.max(1) };
    Ok((count, count * itemsize))
}

/// Refuses shapes that no array in memory may have, empty or not: ndarray wants the product of the axes that are not empty to
/// fit an `isize`, and their bytes too.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`].
pub(crate) fn fits_memory(shape: &[u64], itemsize: u64) -> Result<()> {
    let bytes = shape.iter().filter(|&&len| len != 0).try_fold(itemsize.max(1), |bytes, &len| bytes.checked_mul(len));
    match bytes.and_then(|bytes| isize::try_from(bytes).ok()) {
        Some(_) => Ok(()),
        None => {
            let message = format!("shape {} does not fit this address space", display(shape));
            Err(Error::new(ErrorKind::TooLarge, message)
                .with_hint("map a window of it with OpenOptions::rows(a..b), or read it through ArrayFile"))
        }
    }
}

/// The shape in `usize`.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] where an axis does not fit the address space.
pub(crate) fn to_usize(shape: &[u64]) -> Result<Vec<usize>> {
    shape
        .iter()
        .map(|&len| {
            usize::try_from(len).map_err(|_| {
                Error::new(ErrorKind::TooLarge, format!("shape {} does not fit this address space", display(shape)))
            })
        })
        .collect()
}

/// The distance between neighbours along each axis, in elements, for a contiguous array.
///
/// The shape must have passed [`sizes`]: the products over axes that are not empty then fit.
pub(crate) fn strides(shape: &[u64], order: Order) -> Vec<u64> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1;
    let mut place = |axis: usize| {
        strides[axis] = step;
        step *= shape[axis].max(1);
    };
    match order {
        Order::C => (0..shape.len()).rev().for_each(&mut place),
        Order::F => (0..shape.len()).for_each(&mut place),
    }
    strides
}

/// Whether row-major and column-major storage are the same for this shape: at most one axis longer than 1, or empty.
pub(crate) fn order_is_moot(shape: &[u64]) -> bool {
    shape.contains(&0) || shape.iter().filter(|&&len| len > 1).count() <= 1
}

/// The shape as Python writes it: `()`, `(3,)`, `(3, 4)`.
/// Items in row-major order, put into column-major order.
pub(crate) fn column_major(items: &[u8], shape: &[u64], itemsize: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let no_memory =
        |_| Error::new(ErrorKind::OutOfMemory, format!("{} bytes are not to be had in memory", items.len()));
    out.try_reserve_exact(items.len()).map_err(no_memory)?;
    let (shape, strides) = (to_usize(shape)?, to_usize(&strides(shape, Order::C))?);
    let mut index = vec![0; shape.len()];
    while out.len() < items.len() {
        let at: usize = index.iter().zip(&strides).map(|(&at, &stride)| at * stride).sum();
        out.extend_from_slice(&items[at * itemsize..(at + 1) * itemsize]);
        for (at, &len) in index.iter_mut().zip(&shape) {
            *at += 1;
            if *at < len {
                break;
            }
            *at = 0;
        }
    }
    Ok(out)
}

pub(crate) fn display(shape: &[u64]) -> String {
    match shape {
        [only] => format!("({only},)"),
        _ => {
            let lens: Vec<_> = shape.iter().map(u64::to_string).collect();
            format!("({})", lens.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_multiply_the_axes_that_are_not_empty() {
        assert_eq!(sizes(&[], 8).unwrap(), (1, 8));
        assert_eq!(sizes(&[3, 4], 8).unwrap(), (12, 96));
        assert_eq!(sizes(&[3, 0, 4], 8).unwrap(), (0, 0));
        assert_eq!(sizes(&[3], 0).unwrap(), (3, 0));
        assert_eq!(sizes(&[0, 1 << 62], 8).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(sizes(&[1 << 32, 1 << 32], 1).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(sizes(&[1; 65], 1).unwrap_err().kind(), ErrorKind::Shape);
    }

    #[test]
    fn strides_follow_the_order() {
        assert_eq!(strides(&[2, 3, 4], Order::C), [12, 4, 1]);
        assert_eq!(strides(&[2, 3, 4], Order::F), [1, 2, 6]);
        assert_eq!(strides(&[], Order::F), [0; 0]);
    }

    #[test]
    fn shapes_print_as_python_tuples() {
        assert_eq!(display(&[]), "()");
        assert_eq!(display(&[3]), "(3,)");
        assert_eq!(display(&[3, 4]), "(3, 4)");
    }
}
