//! Arrays of indices.

use crate::compute::engine::source::{Blocks, Scratch, read};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};

/// An element type whose values can be indices: the integers of the machine.
pub trait Index: Element {
    /// The value; none where it is beyond every axis.
    #[doc(hidden)]
    fn to_i64(self) -> Option<i64>;
}

macro_rules! indices {
    ($($int:ty),*) => {$(
        impl Index for $int {
            fn to_i64(self) -> Option<i64> {
                i64::try_from(self).ok()
            }
        }
    )*};
}
indices!(i8, i16, i32, i64, u8, u16, u32, u64);

/// Replaces `places` by the places along an axis of length `len` that the indices from `start` on stand for: negative
/// ones count from the end.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] names the first index that is out of bounds, and its position.
pub(super) fn resolve<I: Index>(
    indices: &dyn Blocks<I>,
    (start, end): (u64, u64),
    len: u64,
    scratch: &mut Scratch<I>,
    places: &mut Vec<u64>,
) -> Result<()> {
    places.clear();
    for (at, &index) in read(indices, start..end, scratch)?.iter().enumerate() {
        let place = index.to_i64().and_then(|index| {
            let from_start = if index < 0 { index.checked_add_unsigned(len)? } else { index };
            u64::try_from(from_start).ok().filter(|&place| place < len)
        });
        places.push(place.ok_or_else(|| {
            let position = start + at as u64;
            let message =
                format!("index {index:?} at position {position} is out of bounds for an axis of length {len}");
            Error::new(ErrorKind::InvalidArgument, message)
        })?);
    }
    Ok(())
}
