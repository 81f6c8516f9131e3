//! Arrays of files behind one another, along the outermost axis of storage.

use std::path::Path;

use super::any::{AnyArrayFile, out_of_memory};
use super::body::Body;
use super::create::CreateOptions;
use super::growth::growth_axis;
use super::selection::Resolved;
use crate::element::{ByteOrder, DType};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::shape::{self, Order};

/// Elements are copied through a buffer of this size.
const COPY_BYTES: usize = 1 << 20;

impl CreateOptions {
    /// Writes the arrays of several files behind one another, as `np.concatenate` does along the outermost axis of storage: the first
    /// of a row-major array, the last of a column-major one. Dtype, byte order, storage order and attributes are those of the first,
    /// and all its other axes are to be as long in the others. Nothing is held in memory but a small buffer.
    ///
    /// The file appears under its name when all elements are in it and on the disk.
    ///
    /// # Errors
    ///
    /// Those of [`convert`](Self::convert); [`DType`](ErrorKind::DType) and [`Shape`](ErrorKind::Shape) where arrays do not fit together;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for none at all.
    ///
    /// ```
    /// use outcore::{AnyArrayFile, CreateOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let (path, target) = (dir.path().join("m.npy"), dir.path().join("all.npy"));
    ///
    /// outcore::save(&path, &ndarray::array![[1, 2], [3, 4]])?;
    /// let file = AnyArrayFile::open(&path)?;
    /// CreateOptions::new().concatenate(&[&file, &file], &target)?;
    /// assert_eq!(AnyArrayFile::open(&target)?.header().shape(), [4, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn concatenate(&self, sources: &[&AnyArrayFile], path: impl AsRef<Path>) -> Result<()> {
        let Some((first, others)) = sources.split_first() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "no arrays to concatenate").in_file(path.as_ref()));
        };
        if others.is_empty() {
            return self.convert(first, path);
        }
        let (first, order) = (first.body(), first.body().order());
        let axis = first.growth_axis()?;
        let mut rows = first.header.shape()[axis];
        for other in others {
            let other = other.body();
            other.expect_rows_of(&first.header, first.file.path(), axis)?;
            rows = rows.checked_add(other.header.shape()[axis]).ok_or_else(|| {
                Error::new(ErrorKind::TooLarge, "too many rows for an axis").in_file(other.file.path())
            })?;
        }
        let all = first.header.with_len(axis, rows, order).map_err(|error| error.in_file(path.as_ref()))?;
        self.write_new(path.as_ref(), (all.dtype().clone(), all.shape()), order, first.attrs(), |file, mut at| {
            for source in sources {
                source.body().copy_rows(all.dtype(), order, |bytes| {
                    file.write_all_at(bytes, at)?;
                    at += bytes.len() as u64;
                    Ok(())
                })?;
            }
            Ok(())
        })
    }
}

impl Body {
    /// Adds the elements of another array, in the storage order and the byte order of this one.
    pub(super) fn append_from(&mut self, source: &Self) -> Result<()> {
        let axis = self.growth_axis()?;
        source.expect_rows_of(&self.header, self.file.path(), axis)?;
        let order = if axis == 0 { Order::C } else { Order::F };
        let dtype = self.header.dtype().clone();
        self.append(source.header.shape()[axis], |file, mut at| {
            source.copy_rows(&dtype, order, |bytes| {
                file.write_all_at(bytes, at)?;
                at += bytes.len() as u64;
                Ok(())
            })
        })
    }

    /// Sees that the elements are rows of another array, which the file at `path` holds.
    pub(super) fn expect_rows_of(&self, array: &Header, path: &Path, axis: usize) -> Result<()> {
        let (given, own) = (&self.header, array);
        let fail = |error: Error| Err(error.in_file(self.file.path()));
        let order = ByteOrder::NATIVE;
        if own.dtype().with_byte_order(order) != given.dtype().with_byte_order(order) {
            let message = format!("{} cannot follow the {} of {}", given.dtype(), own.dtype(), path.display());
            return fail(Error::new(ErrorKind::DType, message).with_hint("the elements are to be of one type"));
        }
        let axes = own.shape().len();
        if given.shape().len() != axes || (0..axes).any(|at| at != axis && given.shape()[at] != own.shape()[at]) {
            let message = format!(
                "shape {} cannot follow shape {} of {} along axis {axis}",
                shape::display(given.shape()),
                shape::display(own.shape()),
                path.display()
            );
            return fail(
                Error::new(ErrorKind::Shape, message).with_hint("all other axes are to have the same lengths"),
            );
        }
        Ok(())
    }

    /// Hands out all elements as they lie in a file of this dtype, which may differ in the byte order, and of this storage order.
    fn copy_rows(&self, dtype: &DType, order: Order, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let header = &self.header;
        let mut put = |bytes: &mut [u8]| {
            if header.dtype() != dtype {
                header.dtype().swap_bytes(bytes);
            }
            take(bytes)
        };
        if header.order() == order || shape::order_is_moot(header.shape()) {
            return self.for_each_block(put);
        }
        let axis = growth_axis(order, header.shape())?;
        let rows = header.shape()[axis];
        let row = header.nbytes().checked_div(rows).unwrap_or_default();
        let step = (COPY_BYTES as u64).checked_div(row).unwrap_or(u64::MAX).max(1);
        let mut start = 0;
        while start < rows {
            let end = rows.min(start.saturating_add(step));
            let part = Resolved::along(axis, &(start..end), header.shape());
            let nbytes = part.count() * header.itemsize() as u64;
            let len = usize::try_from(nbytes).unwrap_or(usize::MAX);
            let mut buffer = bytemuck::allocation::try_zeroed_vec(len)
                .map_err(|()| out_of_memory(nbytes).in_file(self.file.path()))?;
            self.read_selection(&part, &mut buffer)?;
            if order == Order::F {
                buffer = shape::column_major(&buffer, &part.shape(), header.itemsize())?;
            }
            put(&mut buffer)?;
            start = end;
        }
        Ok(())
    }
}
