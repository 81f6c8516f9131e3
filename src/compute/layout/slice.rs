//! Slices, and arrays the other way round.

use ndarray::{Axis, IxDyn};

use super::mosaic::Part;
use super::permute::check_axis;
use crate::array::Selection;
use crate::compute::engine::source::shape_of;
use crate::compute::{Job, Output, Source};
use crate::error::Result;
use crate::shape;

impl Job<'_> {
    /// What a selection takes from an array, as NumPy's basic indexing: `a[10:20, ::-2, 3]`.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1, 2, 3], [4, 5, 6]];
    /// let backwards = Job::new().slice(&a, &"[:, ::-2]".parse()?)?.to_array()?;
    /// assert_eq!(backwards, array![[3, 1], [6, 4]].into_dyn());
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument): an index out of bounds, or more indices than
    /// axes. When it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn slice<'a, S: Source>(&'a self, a: &'a S, selection: &Selection) -> Result<Output<'a, S::Elem, IxDyn>> {
        let shape = shape_of(a);
        let taken = selection.resolve(&shape)?;
        let whole = Part::whole(&shape, a.order());
        let mut part = taken
            .axes
            .iter()
            .enumerate()
            .fold(whole, |part, (axis, taken)| part.along(axis, taken.first, taken.step, taken.len));
        let mut kept = taken.axes.iter().map(|taken| taken.kept);
        part.axes.retain(|_| kept.next().unwrap_or(true));
        let dim = IxDyn(&shape::to_usize(&part.shape())?);
        Ok(self.part(a, dim, part))
    }

    /// The array with the elements along an axis the other way round, as `numpy.flip`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an axis that the array does not have; when
    /// it is computed, as [`slice`](Self::slice).
    pub fn flip<'a, S: Source>(&'a self, a: &'a S, axis: Axis) -> Result<Output<'a, S::Elem, S::Dim>> {
        let shape = shape_of(a);
        check_axis(axis.0, shape.len())?;
        let len = shape[axis.0];
        let part = Part::whole(&shape, a.order()).along(axis.0, len.saturating_sub(1), -1, len);
        Ok(self.part(a, a.dim(), part))
    }

    /// The array with the elements along every axis the other way round, as `numpy.flip` without an axis.
    ///
    /// # Errors
    ///
    /// When it is computed, as [`slice`](Self::slice).
    pub fn flip_all<'a, S: Source>(&'a self, a: &'a S) -> Output<'a, S::Elem, S::Dim> {
        let shape = shape_of(a);
        let whole = Part::whole(&shape, a.order());
        let turn = |part: Part, (axis, &len): (usize, &u64)| part.along(axis, len.saturating_sub(1), -1, len);
        self.part(a, a.dim(), shape.iter().enumerate().fold(whole, turn))
    }
}
