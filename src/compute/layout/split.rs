//! One array into several.

use ndarray::{Axis, Dimension};

use super::mosaic::Part;
use super::permute::check_axis;
use crate::compute::engine::source::shape_of;
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

impl Job<'_> {
    /// The array cut along an axis into so many pieces of equal length, as `numpy.split` with a number.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let job = Job::new();
    /// let a = array![1, 2, 3, 4, 5, 6];
    /// let pieces = job.split(&a, 3, Axis(0))?.into_iter().map(|piece| piece.to_array());
    /// assert_eq!(pieces.collect::<Result<Vec<_>, _>>()?, [array![1, 2], array![3, 4], array![5, 6]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an axis that the array does not have, for no pieces, and where the pieces
    /// would not be of equal length. When a piece is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn split<'a, S: Source>(
        &'a self,
        a: &'a S,
        sections: usize,
        axis: Axis,
    ) -> Result<Vec<Output<'a, S::Elem, S::Dim>>> {
        check_axis(axis.0, a.dim().ndim())?;
        let len = a.dim()[axis.0];
        if len.checked_rem(sections).is_some_and(|rest| rest != 0) {
            let message = format!("an axis of length {len} into {sections} equal pieces");
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_hint("array_split makes unequal ones"));
        }
        self.array_split(a, sections, axis)
    }

    /// The array cut along an axis into so many pieces, the first of them longer by one where it does not come out
    /// even, as `numpy.array_split`.
    ///
    /// # Errors
    ///
    /// As [`split`](Self::split), but for the last.
    pub fn array_split<'a, S: Source>(
        &'a self,
        a: &'a S,
        sections: usize,
        axis: Axis,
    ) -> Result<Vec<Output<'a, S::Elem, S::Dim>>> {
        check_axis(axis.0, a.dim().ndim())?;
        let len = a.dim()[axis.0];
        let Some((each, longer)) = len.checked_div(sections).zip(len.checked_rem(sections)) else {
            return Err(Error::new(ErrorKind::InvalidArgument, "an array into no pieces"));
        };
        let ends: Vec<_> = (1..sections).map(|piece| piece * each + piece.min(longer)).collect();
        self.split_at(a, &ends, axis)
    }

    /// The array cut along an axis before each of these indices, as `numpy.split` with indices: those beyond the end
    /// make empty pieces, and so does an index that is not larger than the one before.
    ///
    /// # Errors
    ///
    /// As [`split`](Self::split), for the axis and for computing.
    pub fn split_at<'a, S: Source>(
        &'a self,
        a: &'a S,
        indices: &[usize],
        axis: Axis,
    ) -> Result<Vec<Output<'a, S::Elem, S::Dim>>> {
        let shape = shape_of(a);
        check_axis(axis.0, shape.len())?;
        let len = shape[axis.0];
        let whole = Part::whole(&shape, a.order());
        let starts = std::iter::once(0).chain(indices.iter().map(|&index| len.min(index as u64)));
        let ends = indices.iter().map(|&index| index as u64).chain([len]);
        let piece = |(start, end): (u64, u64)| {
            let part = whole.along(axis.0, start, 1, end.min(len).saturating_sub(start));
            let mut dim = a.dim();
            dim[axis.0] = shape::to_usize(&part.shape())?[axis.0];
            Ok(self.part(a, dim, part))
        };
        starts.zip(ends).map(piece).collect()
    }
}
