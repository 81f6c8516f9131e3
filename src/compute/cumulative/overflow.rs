//! Naming the first result that is out of the range of its type.

use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// What is needed to name an element.
pub(super) struct Overflow<'a> {
    pub(super) shape: &'a [u64],
    pub(super) order: Order,
    /// "sum" or "product".
    pub(super) result: &'static str,
    /// The name of the type.
    pub(super) dtype: String,
}

impl Overflow<'_> {
    /// Whether positions in storage are row-major indices.
    pub(super) fn is_sequential(&self) -> bool {
        self.order == Order::C || shape::order_is_moot(self.shape)
    }

    /// The row-major index of the element at a position in storage.
    pub(super) fn index(&self, position: u64) -> u64 {
        if self.is_sequential() {
            return position;
        }
        let strides = shape::strides(self.shape, Order::C);
        let mut rest = position;
        let mut index = 0;
        for (&len, stride) in self.shape.iter().zip(strides) {
            index += rest % len * stride;
            rest /= len;
        }
        index
    }

    /// Fails where there is such an element.
    pub(super) fn check(&self, first: Option<u64>) -> Result<()> {
        let Some(first) = first else { return Ok(()) };
        let strides = shape::strides(self.shape, Order::C);
        let place: Vec<_> = self.shape.iter().zip(strides).map(|(&len, stride)| first / stride % len).collect();
        let (result, dtype, place) = (self.result, &self.dtype, shape::display(&place));
        let message = format!("the {result} up to the element at {place} does not fit {dtype}");
        Err(Error::new(ErrorKind::TooLarge, message).with_hint("convert the elements to f64 first"))
    }
}
