//! Variances and standard deviations.

use ndarray::{Axis, RemoveAxis};

use super::fold::Nan;
use super::moments::{Moments, Spread};
use crate::compute::{Job, Number, Reduced, Source};
use crate::error::Result;

impl Job<'_> {
    /// The variance of all elements: the sum of `|x - mean|^2` divided by `count - ddof`; NaN if there is none.
    ///
    /// Each piece of the grid is centred on its own mean before squaring, and pieces are merged by the formula of Chan, Golub
    /// and LeVeque, so data far from zero lose no precision. A NaN or an infinity makes the result NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn var<S: Source<Elem: Number>>(&self, a: &S, ddof: f64) -> Result<f64> {
        Ok(self.reduce(a, Spread(Nan::Propagate))?.var(ddof))
    }

    /// [`Self::var`] of the elements that are not NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn nan_var<S: Source<Elem: Number>>(&self, a: &S, ddof: f64) -> Result<f64> {
        Ok(self.reduce(a, Spread(Nan::Ignore))?.var(ddof))
    }

    /// [`Self::var`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn var_axis<S>(&self, a: &S, axis: Axis, ddof: f64) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.spreads(a, axis, Nan::Propagate, |moments| moments.var(ddof))
    }

    /// [`Self::nan_var`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn nan_var_axis<S>(&self, a: &S, axis: Axis, ddof: f64) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.spreads(a, axis, Nan::Ignore, |moments| moments.var(ddof))
    }

    /// The standard deviation of all elements: the square root of [`Self::var`].
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn std<S: Source<Elem: Number>>(&self, a: &S, ddof: f64) -> Result<f64> {
        Ok(self.reduce(a, Spread(Nan::Propagate))?.var(ddof).sqrt())
    }

    /// [`Self::std`] of the elements that are not NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn nan_std<S: Source<Elem: Number>>(&self, a: &S, ddof: f64) -> Result<f64> {
        Ok(self.reduce(a, Spread(Nan::Ignore))?.var(ddof).sqrt())
    }

    /// [`Self::std`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn std_axis<S>(&self, a: &S, axis: Axis, ddof: f64) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.spreads(a, axis, Nan::Propagate, |moments| moments.var(ddof).sqrt())
    }

    /// [`Self::nan_std`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn nan_std_axis<S>(&self, a: &S, axis: Axis, ddof: f64) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.spreads(a, axis, Nan::Ignore, |moments| moments.var(ddof).sqrt())
    }

    fn spreads<S>(
        &self,
        a: &S,
        axis: Axis,
        nan: Nan,
        finish: impl Fn(Moments<<S::Elem as Number>::Native>) -> f64 + Sync,
    ) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Spread(nan), 0.0, |moments| Ok(finish(moments)))
    }
}
