//! Files without a header, of which the caller states dtype, shape, offset and order: what `np.memmap` takes.

use super::{Format, Header};
use crate::element::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// What the caller knows of a file without a header; the arguments of `np.memmap`.
///
/// ```
/// use outcore::format::raw::RawLayout;
///
/// let layout = RawLayout::new().dtype("<f4".parse()?).offset(16);
/// let header = layout.header(56)?;
/// assert_eq!(header.shape(), [10]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawLayout {
    dtype: Option<DType>,
    shape: Option<Vec<u64>>,
    offset: u64,
    order: Order,
    /// The outermost axis of storage reaches to the end of the file, whatever the shape says, up to its last whole row.
    growing: bool,
}

impl RawLayout {
    /// Nothing known but that the elements begin at byte 0, in row-major order.
    pub fn new() -> Self {
        Self::default()
    }

    /// The type of the elements, which no default replaces.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = Some(dtype);
        self
    }

    /// The type of the elements, unless one is stated already.
    #[must_use]
    pub fn dtype_or(mut self, dtype: DType) -> Self {
        self.dtype.get_or_insert(dtype);
        self
    }

    /// The elements along each axis. Without it, the array is one-dimensional and takes the rest of the file.
    #[must_use]
    pub fn shape(mut self, shape: impl Into<Vec<u64>>) -> Self {
        self.shape = Some(shape.into());
        self
    }

    /// Where the elements begin, in bytes; it need not be aligned.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// The storage order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// The storage order, also where both are the same.
    pub(crate) fn storage_order(&self) -> Order {
        self.order
    }

    /// The same for a file that somebody makes longer: as many whole rows as there are.
    pub(crate) fn growing(mut self) -> Self {
        self.growing = true;
        self
    }

    /// What the file holds, given its length in bytes.
    ///
    /// Where `np.memmap` would make the file longer to fit, this is an error; bytes after the elements are fine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] without a dtype; without a shape, [`ErrorKind::InvalidArgument`] where the elements have
    /// no size, [`ErrorKind::Truncated`] where the offset lies beyond the end, [`ErrorKind::Shape`] where the rest of the file
    /// is not a whole number of elements; with one, [`ErrorKind::Truncated`] where the file is too short for it, and
    /// [`ErrorKind::Shape`] and [`ErrorKind::TooLarge`] where no file could hold it.
    pub fn header(&self, file_len: u64) -> Result<Header> {
        let Some(dtype) = self.dtype.clone() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a file without a header needs a dtype")
                .with_hint("name the type of its elements, such as <f8"));
        };
        let shape = match &self.shape {
            Some(shape) if self.growing => self.whole_rows(shape, &dtype, file_len)?,
            Some(shape) => shape.clone(),
            None if self.growing => self.whole_rows(&[0], &dtype, file_len)?,
            None => vec![self.count(&dtype, file_len)?],
        };
        let header = Header::new(Format::Raw, None, dtype, shape, self.order, self.offset)?;
        let end = header.data_end();
        if end > file_len {
            let message = format!(
                "shape {} of {} from byte {} needs a file of {end} bytes, found {file_len}",
                shape::display(header.shape()),
                header.dtype(),
                self.offset,
            );
            return Err(Error::new(ErrorKind::Truncated, message).at(file_len));
        }
        Ok(header)
    }

    /// The shape with as many rows as the file has whole ones.
    fn whole_rows(&self, shape: &[u64], dtype: &DType, file_len: u64) -> Result<Vec<u64>> {
        let mut shape = shape.to_vec();
        let grows = if self.order == Order::C { shape.first_mut() } else { shape.last_mut() };
        let Some(rows) = grows.map(|len| std::mem::replace(len, 1)) else { return Ok(shape) };
        let row = shape::sizes(&shape, dtype.itemsize() as u64)?.1;
        let rows = file_len.saturating_sub(self.offset).checked_div(row).unwrap_or(rows);
        let grows = if self.order == Order::C { shape.first_mut() } else { shape.last_mut() };
        grows.into_iter().for_each(|len| *len = rows);
        Ok(shape)
    }

    /// The elements from the offset to the end of the file.
    fn count(&self, dtype: &DType, file_len: u64) -> Result<u64> {
        let Some(rest) = file_len.checked_sub(self.offset) else {
            let message = format!("offset {} lies beyond the end of a file of {file_len} bytes", self.offset);
            return Err(Error::new(ErrorKind::Truncated, message).at(file_len));
        };
        let itemsize = dtype.itemsize() as u64;
        if itemsize == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("elements of {dtype} take no bytes"))
                .with_hint("state the shape"));
        }
        if rest % itemsize != 0 {
            let message = format!(
                "{rest} bytes from byte {} are not a whole number of {itemsize}-byte elements ({dtype}): {} remain",
                self.offset,
                rest % itemsize
            );
            return Err(Error::new(ErrorKind::Shape, message).with_hint("state the shape, or check dtype and offset"));
        }
        Ok(rest / itemsize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(dtype: &str, offset: u64) -> RawLayout {
        RawLayout::new().dtype(dtype.parse().unwrap()).offset(offset)
    }

    fn shape(layout: &RawLayout, file_len: u64) -> Result<Vec<u64>, ErrorKind> {
        layout.header(file_len).map(|header| header.shape().to_vec()).map_err(|error| error.kind())
    }

    #[test]
    fn without_a_shape_the_rest_of_the_file_is_one_axis() {
        for (dtype, offset, file_len, expected) in [
            ("<f8", 0, 70_000, Ok(8750)),
            ("u1", 8, 4100, Ok(4092)),
            ("<f8", 4, 12, Ok(1)),
            ("u1", 4096, 4096, Ok(0)),
            ("<f8", 0, 0, Ok(0)),
            ("<f8", 100, 70_000, Err(ErrorKind::Shape)),
            ("<f8", 0, 7, Err(ErrorKind::Shape)),
            ("u1", 100, 1, Err(ErrorKind::Truncated)),
            ("<f8", 100, 0, Err(ErrorKind::Truncated)),
            ("S0", 0, 104, Err(ErrorKind::InvalidArgument)),
        ] {
            assert_eq!(
                shape(&layout(dtype, offset), file_len),
                expected.map(|len| vec![len]),
                "{dtype} {offset} {file_len}"
            );
        }
        assert_eq!(shape(&RawLayout::new(), 8), Err(ErrorKind::InvalidArgument));
    }

    #[test]
    fn a_shape_must_fit_the_file_and_may_leave_a_rest() {
        for (dtype, offset, lens, file_len, fits) in [
            ("<f8", 0, &[3, 4][..], 96, true),
            ("<f8", 0, &[3, 4], 95, false),
            ("<f8", 3, &[], 11, true),
            ("<f8", 4, &[], 11, false),
            ("u1", 4096, &[0], 4096, true),
            // Nothing is read, and yet the place must exist.
            ("u1", 5000, &[0, 4], 4100, false),
            ("<f8", 0, &[3, 4], 70_000, true),
            ("S0", 0, &[3], 104, true),
        ] {
            let expected = if fits { Ok(lens.to_vec()) } else { Err(ErrorKind::Truncated) };
            assert_eq!(
                shape(&layout(dtype, offset).shape(lens), file_len),
                expected,
                "{dtype} {offset} {lens:?} {file_len}"
            );
        }
        let huge = layout("u1", 0).shape([1 << 62, 4]);
        assert_eq!(shape(&huge, 100), Err(ErrorKind::TooLarge));
        assert_eq!(shape(&layout("u1", u64::MAX).shape([1]), 100), Err(ErrorKind::TooLarge));
        assert_eq!(shape(&layout("u1", 0).shape([1; 65]), 100), Err(ErrorKind::Shape));
        let error = layout("<f8", 16).shape([3, 4]).header(100).unwrap_err();
        assert_eq!(
            error.to_string(),
            "shape (3, 4) of <f8 from byte 16 needs a file of 112 bytes, found 100 (at byte 100)"
        );
    }

    #[test]
    fn the_order_is_kept_where_it_matters() {
        let order = |lens: &[u64]| layout("u1", 0).shape(lens).order(Order::F).header(100).unwrap().order();
        assert_eq!(order(&[2, 3]), Order::F);
        assert_eq!(order(&[1, 3]), Order::C);
    }
}
