//! Running products.

use ndarray::Axis;

use super::rule::{Accumulator, SkipNan};
use crate::compute::{Job, Number, Output, Running, Source};

type Products<S> = <Running<S> as Accumulator<<<S as Source>::Elem as Number>::Native>>::Products;

impl Job<'_> {
    /// The products of the elements up to each one, in row-major order whatever the storage order is: an array of the same
    /// shape, stored in the order of the source.
    ///
    /// Floats are multiplied in `f64` with exponents kept apart, so a product that is too large or too small for an `f64` does
    /// not spoil those after it; complex numbers in `Complex<f64>`; integers exactly in `i64` or `u64`: see
    /// [`Running`](Number::Running). A NaN makes all products from there on NaN.
    ///
    /// The source is read as [`Self::cumsum`] reads it.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let job = Job::new();
    /// assert_eq!(job.cumprod(&array![1, 2, 3, 4]).to_array()?, array![1_i64, 2, 6, 24]);
    /// assert_eq!(job.nan_cumprod(&array![2.0, f64::NAN, 3.0]).to_array()?, array![2.0, 2.0, 6.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum`].
    pub fn cumprod<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, Running<S>, S::Dim> {
        self.along_all(a, Products::<S>::default(), "product")
    }

    /// [`Self::cumprod`] of the elements that are not NaN; where one is, the product stays what it was.
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum`].
    pub fn nan_cumprod<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, Running<S>, S::Dim> {
        self.along_all(a, SkipNan::<Products<S>>::default(), "product")
    }

    /// The products of the elements up to each one along an axis; otherwise like [`Self::cumprod`].
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum_axis`].
    pub fn cumprod_axis<'a, S>(&'a self, a: &'a S, axis: Axis) -> Output<'a, Running<S>, S::Dim>
    where
        S: Source<Elem: Number>,
    {
        self.along_axis(a, axis, Products::<S>::default(), "product")
    }

    /// [`Self::nan_cumprod`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum_axis`].
    pub fn nan_cumprod_axis<'a, S>(&'a self, a: &'a S, axis: Axis) -> Output<'a, Running<S>, S::Dim>
    where
        S: Source<Elem: Number>,
    {
        self.along_axis(a, axis, SkipNan::<Products<S>>::default(), "product")
    }
}
