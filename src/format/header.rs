//! What every format says of an array: dtype, shape, order, and where the elements begin.

use serde::Serialize;

use crate::element::DType;
use crate::error::Result;
use crate::shape::{self, Order};

/// A file format of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// NumPy's `.npy`.
    Npy,
    /// No header: dtype, shape, offset and order come from the caller, as for `np.memmap`.
    Raw,
    /// The format of this crate, `.oca`: NumPy's dtypes with attributes, checksums, and changes that a crash cannot tear.
    Native,
}

impl Format {
    /// What to call it in a sentence: `.npy`, `raw`, `native`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Npy => ".npy",
            Self::Native => "native",
            Self::Raw => "raw",
        }
    }
}

/// What a file says of its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    format: Format,
    version: Option<(u8, u8)>,
    dtype: DType,
    shape: Vec<u64>,
    order: Order,
    data_offset: u64,
    count: u64,
    nbytes: u64,
}

impl Header {
    /// A header whose sizes have been checked. The order is [`Order::C`] where both orders are the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) for too many axes,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) where the elements, or their end in the file, do not fit an `i64`.
    pub(crate) fn new(
        format: Format,
        version: Option<(u8, u8)>,
        dtype: DType,
        shape: Vec<u64>,
        order: Order,
        data_offset: u64,
    ) -> Result<Self> {
        let (count, nbytes) = shape::sizes(&shape, dtype.itemsize() as u64)?;
        let end = data_offset.checked_add(nbytes).filter(|&end| i64::try_from(end).is_ok());
        if end.is_none() {
            return Err(crate::Error::new(
                crate::ErrorKind::TooLarge,
                format!("{nbytes} bytes from byte {data_offset} on end beyond 2^63"),
            ));
        }
        let order = if shape::order_is_moot(&shape) { Order::C } else { order };
        Ok(Self { format, version, dtype, shape, order, data_offset, count, nbytes })
    }

    /// The same with another length of one axis; `order` is the one to have where the orders differ.
    pub(crate) fn with_len(&self, axis: usize, len: u64, order: Order) -> Result<Self> {
        let mut shape = self.shape.clone();
        shape[axis] = len;
        Self::new(self.format, self.version, self.dtype.clone(), shape, order, self.data_offset)
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The version of the format, where it has one: `(1, 0)` for `.npy` 1.0.
    pub fn version(&self) -> Option<(u8, u8)> {
        self.version
    }

    /// The type of the elements.
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The storage order; [`Order::C`] where both are the same.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Where the elements begin, in bytes from the beginning of the file.
    pub fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// Bytes of one element.
    pub fn itemsize(&self) -> usize {
        self.dtype.itemsize()
    }

    /// Elements in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes of all elements.
    pub fn nbytes(&self) -> u64 {
        self.nbytes
    }

    /// Where the elements end, in bytes from the beginning of the file.
    pub fn data_end(&self) -> u64 {
        self.data_offset + self.nbytes
    }
}
