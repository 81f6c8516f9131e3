//! The axes in another order.

use ndarray::Dimension;

use super::mosaic::{Mosaic, Part};
use crate::compute::engine::Store;
use crate::compute::engine::source::{Blocks, shape_of};
use crate::compute::{Job, Output, Source};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

impl Job<'_> {
    /// The array with its axes in reverse order, as `numpy.transpose`; for a matrix, rows and columns exchanged.
    ///
    /// The result is stored in the order of the input, so that a row-major matrix becomes a row-major matrix;
    /// [`Output::order`] chooses the other order, in which the elements of a transposed array do not move.
    ///
    /// Large squares are read in long runs, transposed in memory in squares of a cache line, and written in long runs.
    /// Where the memory of the job is too small for long runs, the squares go through a temporary file as large as the
    /// array.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1, 2, 3], [4, 5, 6]];
    /// assert_eq!(Job::new().transpose(&a).to_array()?, array![[1, 4], [2, 5], [3, 6]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn transpose<'a, S: Source>(&'a self, a: &'a S) -> Output<'a, S::Elem, S::Dim> {
        let axes: Vec<_> = (0..a.dim().ndim()).rev().collect();
        self.permuted(a, &axes)
    }

    /// The array with axis `axes[0]` first, axis `axes[1]` second and so on, as `numpy.transpose` with axes and
    /// ndarray's `permuted_axes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where `axes` does not name each axis once; when it is computed, as
    /// [`transpose`](Self::transpose).
    pub fn permute_axes<'a, S: Source>(&'a self, a: &'a S, axes: &[usize]) -> Result<Output<'a, S::Elem, S::Dim>> {
        let mut named = axes.to_vec();
        named.sort_unstable();
        if !named.iter().copied().eq(0..a.dim().ndim()) {
            let message = format!("{axes:?} does not name each axis of {} once", a.dim().ndim());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(self.permuted(a, axes))
    }

    /// The array with two axes exchanged, as `numpy.swapaxes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an axis that the array does not have; when it is computed, as
    /// [`transpose`](Self::transpose).
    pub fn swap_axes<'a, S: Source>(
        &'a self,
        a: &'a S,
        first: usize,
        second: usize,
    ) -> Result<Output<'a, S::Elem, S::Dim>> {
        let mut axes: Vec<_> = (0..a.dim().ndim()).collect();
        check_axis(first, axes.len())?;
        check_axis(second, axes.len())?;
        axes.swap(first, second);
        Ok(self.permuted(a, &axes))
    }

    /// The array with axis `from` moved to place `to`, the others in their order, as `numpy.moveaxis`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an axis that the array does not have; when it is computed, as
    /// [`transpose`](Self::transpose).
    pub fn move_axis<'a, S: Source>(&'a self, a: &'a S, from: usize, to: usize) -> Result<Output<'a, S::Elem, S::Dim>> {
        let mut axes: Vec<_> = (0..a.dim().ndim()).collect();
        check_axis(from, axes.len())?;
        check_axis(to, axes.len())?;
        let axis = axes.remove(from);
        axes.insert(to, axis);
        Ok(self.permuted(a, &axes))
    }

    fn permuted<'a, S: Source>(&'a self, a: &'a S, axes: &[usize]) -> Output<'a, S::Elem, S::Dim> {
        let whole = Part::whole(&shape_of(a), a.order());
        let mut dim = a.dim();
        axes.iter().enumerate().for_each(|(to, &from)| dim[to] = a.dim()[from]);
        self.part(a, dim, Part { first: 0, axes: axes.iter().map(|&axis| whole.axes[axis]).collect() })
    }

    /// A strided part of an array, as an array of shape `dim`, in the order of the source.
    pub(super) fn part<'a, S: Source, D: Dimension>(&'a self, a: &'a S, dim: D, part: Part) -> Output<'a, S::Elem, D> {
        Output::in_any_order(self, dim, a.order(), move |order, store| self.write_part(a, &part, order, store))
    }

    /// Writes a strided part of an array to a store whose positions count in `order`.
    pub(super) fn write_part<T: Element>(
        &self,
        source: &dyn Blocks<T>,
        part: &Part,
        order: Order,
        store: &dyn Store<T>,
    ) -> Result<()> {
        let mut mosaic = Mosaic::new(&part.shape(), order);
        mosaic.put(source, &vec![0; part.axes.len()], part);
        self.rearrange(mosaic, store)
    }
}

/// Refuses an axis that an array of so many axes does not have.
pub(super) fn check_axis(axis: usize, axes: usize) -> Result<()> {
    if axis < axes {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidArgument, format!("axis {axis} of an array of {axes} axes")))
}
