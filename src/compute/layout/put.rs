//! Rows written where indices say.

use ndarray::ArrayView1;

use super::index::resolve;
use super::rearrange::in_memory;
use crate::compute::engine::Load;
use crate::compute::engine::source::{Scratch, read, shape_of, shape_of_dim};
use crate::compute::{Job, Source, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

impl Job<'_> {
    /// Writes row `k` of `rows` over the row of the target that index `k` names, as NumPy's `target[indices] = rows`.
    /// Negative indices count from the end; where an index occurs several times, the last of its rows stays.
    ///
    /// All indices are looked at before anything is written. They are sorted in memory, and rows that are neighbours in
    /// the target are written together. After an error of reading or writing some rows may be written and others not.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let mut a = array![[1, 2], [3, 4], [5, 6]];
    /// Job::new().put_rows(&mut a, &[-1, 0], &array![[7, 7], [8, 8]])?;
    /// assert_eq!(a, array![[8, 8], [3, 4], [7, 7]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an index out of bounds, which it names with its position, and for a
    /// column-major target, whose rows are not in one place; [`ErrorKind::Shape`] where the rows do not fit the target,
    /// or are not as many as the indices; those of reading and writing, [`ErrorKind::Cancelled`],
    /// [`ErrorKind::OutOfMemory`].
    pub fn put_rows<O: Target + ?Sized, S: Source<Elem = O::Elem>>(
        &self,
        target: &mut O,
        indices: &[i64],
        rows: &S,
    ) -> Result<()> {
        let (dim, order) = target.layout();
        let (own, given) = (shape_of_dim(&dim), shape_of(rows));
        let count = indices.len() as u64;
        let Some((&len, row)) = own.split_first() else {
            return Err(Error::new(ErrorKind::Shape, "an array without axes has no rows"));
        };
        if given.split_first() != Some((&count, row)) {
            let (given, own) = (shape::display(&given), shape::display(&own));
            let message = format!("{count} rows of an array of shape {own} from an array of shape {given}");
            return Err(Error::new(ErrorKind::Shape, message));
        }
        if order == Order::F && !shape::order_is_moot(&own) {
            let message = "rows of a column-major array are not in one place";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_hint("write to a row-major array"));
        }
        let size = size_of::<O::Elem>() as u64;
        let width: u64 = row.iter().product();
        let _held = self.hold(count * 32)?;
        let mut places = Vec::new();
        resolve(&ArrayView1::from(indices), (0, count), len, &mut Scratch::default(), &mut places)?;
        let mut sorted: Vec<_> = places.into_iter().zip(0_u64..).collect();
        sorted.sort_unstable();
        let mut last = sorted.iter().zip(sorted.iter().skip(1).map(Some).chain([None]));
        let mut kept = Vec::with_capacity(sorted.len());
        kept.extend(last.by_ref().filter(|(one, next)| next.is_none_or(|next| next.0 != one.0)).map(|(one, _)| *one));
        if width == 0 || kept.is_empty() {
            return Ok(());
        }
        let each = in_memory((self.grid.block_of::<O::Elem>() as u64 / width).max(1));
        let load = Load {
            units: kept.len().div_ceil(each) as u64,
            bytes: kept.len() as u64 * width * size,
            scratch: (each as u64 + 1) * width * size,
            held: 0,
        };
        let store = target.store()?;
        self.with_row_major(rows, |rows| {
            self.in_order(
                load,
                || (Scratch::default(), Vec::new()),
                |(scratch, packed), unit, shift| {
                    let start = in_memory(unit) * each;
                    let batch = &kept[start..kept.len().min(start + each)];
                    for neighbours in batch.chunk_by(|one, next| one.0 + 1 == next.0) {
                        packed.clear();
                        for &(_, number) in neighbours {
                            packed.extend_from_slice(read(rows, number * width..(number + 1) * width, scratch)?);
                        }
                        store.write(neighbours[0].0 * width, packed)?;
                    }
                    shift.done(batch.len() as u64 * width * size);
                    Ok(())
                },
                |_, ()| Ok(()),
            )
        })
    }
}
