//! Smallest elements, and where they are.

use ndarray::{Axis, RemoveAxis};

use super::extremes::{Extremes, Pair, index, value};
use super::fold::Nan;
use crate::compute::{Job, Number, Reduced, Source, Value};
use crate::error::Result;

impl Job<'_> {
    /// The smallest element; NaN if there is a NaN.
    ///
    /// Which of two equal zeros of different sign it is, is not specified.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is no element.
    pub fn min<S: Source<Elem: Number>>(&self, a: &S) -> Result<Value<S>> {
        value::<S::Elem>(self.reduce(a, Extremes { nan: Nan::Propagate, locate: false })?.min, "min")
    }

    /// The smallest element that is not NaN; NaN if there is no other, as NumPy has it.
    ///
    /// # Errors
    ///
    /// As [`Self::min`].
    pub fn nan_min<S: Source<Elem: Number>>(&self, a: &S) -> Result<Value<S>> {
        value::<S::Elem>(self.reduce(a, Extremes { nan: Nan::Ignore, locate: false })?.min, "nan_min")
    }

    /// The row-major index of the first smallest element, whatever the storage order; of the first NaN if there is one.
    ///
    /// # Errors
    ///
    /// As [`Self::min`].
    pub fn argmin<S: Source<Elem: Number>>(&self, a: &S) -> Result<u64> {
        index(self.reduce(a, Extremes { nan: Nan::Propagate, locate: true })?.min, "argmin")
    }

    /// The row-major index of the first smallest element that is not NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::min`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) also if all elements are NaN.
    pub fn nan_argmin<S: Source<Elem: Number>>(&self, a: &S) -> Result<u64> {
        index(self.reduce(a, Extremes { nan: Nan::Ignore, locate: true })?.min, "nan_argmin")
    }

    /// [`Self::min`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if the axis is empty.
    pub fn min_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Value<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Propagate, locate: false };
        let blank = S::Elem::value(Default::default());
        self.reduce_axis(a, axis, fold, blank, |pair: Pair<_>| value::<S::Elem>(pair.min, "min_axis"))
    }

    /// [`Self::nan_min`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::min_axis`].
    pub fn nan_min_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Value<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Ignore, locate: false };
        let blank = S::Elem::value(Default::default());
        self.reduce_axis(a, axis, fold, blank, |pair: Pair<_>| value::<S::Elem>(pair.min, "nan_min_axis"))
    }

    /// The index along the axis of the first smallest element; of the first NaN if there is one.
    ///
    /// # Errors
    ///
    /// As [`Self::min_axis`].
    pub fn argmin_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, u64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Propagate, locate: true };
        self.reduce_axis(a, axis, fold, 0, |pair: Pair<_>| index(pair.min, "argmin_axis"))
    }

    /// The index along the axis of the first smallest element that is not NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::min_axis`], and also where all elements along the axis are NaN.
    pub fn nan_argmin_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, u64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Ignore, locate: true };
        self.reduce_axis(a, axis, fold, 0, |pair: Pair<_>| index(pair.min, "nan_argmin_axis"))
    }
}
