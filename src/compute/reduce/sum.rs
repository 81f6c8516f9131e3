//! Sums.

use ndarray::{Axis, RemoveAxis};

use super::fold::Nan;
use super::total::{Total, Totals};
use crate::compute::{Job, Number, Reduced, Source, Sum};
use crate::error::Result;

impl Job<'_> {
    /// The sum of all elements; 0 if there is none.
    ///
    /// Floats are summed in `f64` over a fixed tree, so the rounding error grows with the logarithm of the count; a NaN makes
    /// the sum NaN. Integers are summed in `i128`: exactly, without overflow.
    ///
    /// # Errors
    ///
    /// Those of reading the source, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn sum<S: Source<Elem: Number>>(&self, a: &S) -> Result<Sum<S>> {
        Ok(self.reduce(a, Totals(Nan::Propagate))?.sum)
    }

    /// The sum of the elements that are not NaN; otherwise like [`Self::sum`].
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn nan_sum<S: Source<Elem: Number>>(&self, a: &S) -> Result<Sum<S>> {
        Ok(self.reduce(a, Totals(Nan::Ignore))?.sum)
    }

    /// [`Self::sum`] along an axis: an array of the other axes, stored in the order of the source.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is no such axis.
    pub fn sum_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Sum<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.sums(a, axis, Nan::Propagate)
    }

    /// [`Self::nan_sum`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn nan_sum_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Sum<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.sums(a, axis, Nan::Ignore)
    }

    fn sums<S>(&self, a: &S, axis: Axis, nan: Nan) -> Result<Reduced<S, Sum<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let zero = Total::<<S::Elem as Number>::Native>::default().sum;
        self.reduce_axis(a, axis, Totals(nan), zero, |total| Ok(total.sum))
    }
}
