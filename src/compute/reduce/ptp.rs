//! Peak to peak: the largest element less the smallest.

use ndarray::{Axis, RemoveAxis};

use super::extremes::{Extremes, Pair, Rank};
use super::fold::Nan;
use crate::compute::kernel::Native;
use crate::compute::{Job, Number, Reduced, Source, Sum};
use crate::error::{Error, ErrorKind, Result};

const RANGE: Extremes = Extremes { nan: Nan::Propagate, locate: false };

fn range<N: Native>(pair: Pair<N>) -> Result<N::Sum> {
    if pair.min.rank == Rank::None {
        return Err(Error::new(ErrorKind::InvalidArgument, "ptp of no element"));
    }
    Ok(N::row_sum(pair.max.value.widen()) - N::row_sum(pair.min.value.widen()))
}

impl Job<'_> {
    /// The largest element less the smallest, in the type of a sum, so that it cannot overflow as NumPy's does; NaN if there
    /// is a NaN.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// assert_eq!(Job::new().ptp(&array![100_i8, -100])?, 200);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::min`].
    pub fn ptp<S: Source<Elem: Number>>(&self, a: &S) -> Result<Sum<S>> {
        range(self.reduce(a, RANGE)?)
    }

    /// [`Self::ptp`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::min_axis`].
    pub fn ptp_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Sum<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let blank = <<S::Elem as Number>::Native as Native>::Sum::default();
        self.reduce_axis(a, axis, RANGE, blank, range)
    }
}
