//! Means.

use ndarray::{Axis, RemoveAxis};

use super::fold::Nan;
use super::total::{Total, Totals};
use crate::compute::{Job, Mean, Number, Reduced, Source};
use crate::error::Result;

impl Job<'_> {
    /// The mean of all elements: [`Self::sum`] divided by the count; NaN if there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn mean<S: Source<Elem: Number>>(&self, a: &S) -> Result<Mean<S>> {
        Ok(self.reduce(a, Totals(Nan::Propagate))?.mean())
    }

    /// The mean of the elements that are not NaN; NaN if there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn nan_mean<S: Source<Elem: Number>>(&self, a: &S) -> Result<Mean<S>> {
        Ok(self.reduce(a, Totals(Nan::Ignore))?.mean())
    }

    /// [`Self::mean`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn mean_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Mean<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.means(a, axis, Nan::Propagate)
    }

    /// [`Self::nan_mean`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn nan_mean_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Mean<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.means(a, axis, Nan::Ignore)
    }

    fn means<S>(&self, a: &S, axis: Axis, nan: Nan) -> Result<Reduced<S, Mean<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let blank = Mean::<S>::default();
        self.reduce_axis(a, axis, Totals(nan), blank, |total: Total<<S::Elem as Number>::Native>| Ok(total.mean()))
    }
}
