//! Running sums.

use ndarray::Axis;

use super::rule::{Accumulator, SkipNan};
use crate::compute::{Job, Number, Output, Running, Source};

type Sums<S> = <Running<S> as Accumulator<<<S as Source>::Elem as Number>::Native>>::Sums;

impl Job<'_> {
    /// The sums of the elements up to each one, in row-major order whatever the storage order is: an array of the same shape,
    /// stored in the order of the source.
    ///
    /// Floats are summed in `f64`, integers exactly in `i64` or `u64`: see [`Running`](Number::Running). (NumPy stays in the
    /// type of the floats, and lets integers wrap.) Each leaf of the grid begins with the sum of all before it, which is carried
    /// in twice the precision, so rounding errors do not pile up over long arrays. A NaN makes all sums from there on NaN.
    ///
    /// The source is read once. In column-major order it is read twice, and the sums along the last axis wait in a temporary
    /// file.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let (job, a) = (Job::new(), array![[1, 2], [3, 4]]);
    /// assert_eq!(job.cumsum(&a).to_array()?, array![[1_i64, 3], [6, 10]]);
    /// assert_eq!(job.cumsum_axis(&a, Axis(0)).to_array()?, array![[1_i64, 2], [4, 6]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) with the first element, in row-major order, at which a sum of integers
    /// does not fit, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn cumsum<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, Running<S>, S::Dim> {
        self.along_all(a, Sums::<S>::default(), "sum")
    }

    /// [`Self::cumsum`] of the elements that are not NaN; where one is, the sum stays what it was.
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum`].
    pub fn nan_cumsum<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, Running<S>, S::Dim> {
        self.along_all(a, SkipNan::<Sums<S>>::default(), "sum")
    }

    /// The sums of the elements up to each one along an axis; otherwise like [`Self::cumsum`].
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum`]; [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is no such axis.
    pub fn cumsum_axis<'a, S>(&'a self, a: &'a S, axis: Axis) -> Output<'a, Running<S>, S::Dim>
    where
        S: Source<Elem: Number>,
    {
        self.along_axis(a, axis, Sums::<S>::default(), "sum")
    }

    /// [`Self::nan_cumsum`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::cumsum_axis`].
    pub fn nan_cumsum_axis<'a, S>(&'a self, a: &'a S, axis: Axis) -> Output<'a, Running<S>, S::Dim>
    where
        S: Source<Elem: Number>,
    {
        self.along_axis(a, axis, SkipNan::<Sums<S>>::default(), "sum")
    }
}
