//! The elements of a source as they are: what computes an expression.

use crate::compute::engine::source::{Blocks, read, shape_of};
use crate::compute::engine::{Load, Scratch};
use crate::compute::engine::{Store, page_of};
use crate::compute::{Job, Output, Source};
use crate::element::Element;
use crate::error::Result;
use crate::shape;

/// Bytes of results that are written at a time.
const PIECE: u64 = 128 << 10;

impl Job<'_> {
    /// The elements of any source: a copy of an array in another place or format, or the results of an expression.
    ///
    /// ```
    /// use outcore::compute::zip;
    /// use outcore::ndarray::array;
    /// use outcore::{ArrayFile, Job, Order};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("sums.npy");
    ///
    /// let (a, b) = (array![[1, 2], [3, 4]], array![10, 20]);
    /// Job::new().copy(zip(&a, &b, |a, b| a + b)?).order(Order::F).save(&path)?;
    /// assert_eq!(ArrayFile::<i32>::open(&path)?.read()?, array![[11, 22], [13, 24]].into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn copy<'a, S: Source + 'a>(&'a self, source: S) -> Output<'a, S::Elem, S::Dim> {
        Output::new(self, source.dim(), source.order(), move |store| self.copy_into(&source, store))
    }

    /// Writes every element at its position.
    pub(in crate::compute) fn copy_into<S: Source>(&self, source: &S, store: &dyn Store<S::Elem>) -> Result<()> {
        let (count, _) = shape::sizes(&shape_of(source), size_of::<S::Elem>() as u64)?;
        self.copy_blocks(source, count, source.buffers(), store)
    }

    /// The same for all sources with elements of one type, and compiled once for them.
    fn copy_blocks<T: Element>(
        &self,
        source: &dyn Blocks<T>,
        count: u64,
        buffers: u64,
        store: &dyn Store<T>,
    ) -> Result<()> {
        let itemsize = size_of::<T>() as u64;
        let block = self.grid.block_of::<T>() as u64;
        // What is computed is written before it leaves the second-level cache; what is there is written as it lies.
        let piece = if source.borrow(0..count.min(1)).is_some() { block } else { (PIECE / itemsize).clamp(1, block) };
        let scratch = piece * itemsize + buffers;
        // Units and pieces end where pages of the result do.
        let phase = if page_of::<T>() > 0 && piece.is_multiple_of(page_of::<T>()) { store.page_phase() } else { 0 };
        let cut = |unit: u64| if unit == 0 { 0 } else { count.min(unit * block + phase) };
        let units = count.saturating_sub(phase).div_ceil(block).max(1);
        self.in_order(
            Load { units, bytes: count * itemsize, scratch, held: 0 },
            Scratch::default,
            |scratch, unit, shift| {
                let (mut start, end) = (cut(unit), if unit + 1 == units { count } else { cut(unit + 1) });
                let whole = end - start;
                while start < end {
                    let next = end.min(start + if start < phase { phase } else { piece });
                    store.write(start, read(source, start..next, scratch)?)?;
                    start = next;
                }
                shift.done(whole * itemsize);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }
}
