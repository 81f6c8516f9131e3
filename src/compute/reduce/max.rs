//! Largest elements, and where they are.

use ndarray::{Axis, RemoveAxis};

use super::extremes::{Extremes, Pair, index, value};
use super::fold::Nan;
use crate::compute::{Job, Number, Reduced, Source, Value};
use crate::error::Result;

impl Job<'_> {
    /// The largest element; NaN if there is a NaN.
    ///
    /// Which of two equal zeros of different sign it is, is not specified.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is no element.
    pub fn max<S: Source<Elem: Number>>(&self, a: &S) -> Result<Value<S>> {
        value::<S::Elem>(self.reduce(a, Extremes { nan: Nan::Propagate, locate: false })?.max, "max")
    }

    /// The largest element that is not NaN; NaN if there is no other, as NumPy has it.
    ///
    /// # Errors
    ///
    /// As [`Self::max`].
    pub fn nan_max<S: Source<Elem: Number>>(&self, a: &S) -> Result<Value<S>> {
        value::<S::Elem>(self.reduce(a, Extremes { nan: Nan::Ignore, locate: false })?.max, "nan_max")
    }

    /// The row-major index of the first largest element, whatever the storage order; of the first NaN if there is one.
    ///
    /// # Errors
    ///
    /// As [`Self::max`].
    pub fn argmax<S: Source<Elem: Number>>(&self, a: &S) -> Result<u64> {
        index(self.reduce(a, Extremes { nan: Nan::Propagate, locate: true })?.max, "argmax")
    }

    /// The row-major index of the first largest element that is not NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::max`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) also if all elements are NaN.
    pub fn nan_argmax<S: Source<Elem: Number>>(&self, a: &S) -> Result<u64> {
        index(self.reduce(a, Extremes { nan: Nan::Ignore, locate: true })?.max, "nan_argmax")
    }

    /// [`Self::max`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if the axis is empty.
    pub fn max_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Value<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Propagate, locate: false };
        let blank = S::Elem::value(Default::default());
        self.reduce_axis(a, axis, fold, blank, |pair: Pair<_>| value::<S::Elem>(pair.max, "max_axis"))
    }

    /// [`Self::nan_max`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::max_axis`].
    pub fn nan_max_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Value<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Ignore, locate: false };
        let blank = S::Elem::value(Default::default());
        self.reduce_axis(a, axis, fold, blank, |pair: Pair<_>| value::<S::Elem>(pair.max, "nan_max_axis"))
    }

    /// The index along the axis of the first largest element; of the first NaN if there is one.
    ///
    /// # Errors
    ///
    /// As [`Self::max_axis`].
    pub fn argmax_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, u64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Propagate, locate: true };
        self.reduce_axis(a, axis, fold, 0, |pair: Pair<_>| index(pair.max, "argmax_axis"))
    }

    /// The index along the axis of the first largest element that is not NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::max_axis`], and also where all elements along the axis are NaN.
    pub fn nan_argmax_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, u64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let fold = Extremes { nan: Nan::Ignore, locate: true };
        self.reduce_axis(a, axis, fold, 0, |pair: Pair<_>| index(pair.max, "nan_argmax_axis"))
    }
}
