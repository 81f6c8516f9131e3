//! Elements of a given value.

use std::ops::ControlFlow;

use ndarray::{Ix1, Ix2};

use crate::compute::kernel::Native;
use crate::compute::{Job, Number, Output, Source};
use crate::error::Result;

/// Whether an element is the value: -0 is 0, and NaN is NaN.
#[inline(always)]
pub(super) fn equals<T: Number>(value: T) -> impl Fn(T) -> bool + Copy + Send + Sync {
    let value = value.native();
    let nan = value.is_nan();
    #[inline(always)]
    move |item: T| {
        let item = item.native();
        item == value || nan && item.is_nan()
    }
}

impl Job<'_> {
    /// How many elements equal `value`: `np.count_nonzero(a == value)`.
    ///
    /// In all searches for values 0 and -0 are equal, and **NaN finds NaN**, whatever its bits. With `==`, as NumPy has it, NaN
    /// would find nothing; where that is meant, `count_where(a, |x| x == value)` is it.
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![0.0_f64, f64::NAN, -0.0, 7.0];
    /// let job = Job::new();
    /// assert_eq!(job.count_value(&a, 0.0)?, 2);
    /// assert_eq!(job.find_value(&a, f64::NAN)?, Some(1));
    /// assert_eq!(job.rfind_value(&a, 0.0)?, Some(2));
    /// assert!(!job.contains(&a, 3.0)?);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn count_value<S: Source<Elem: Number>>(&self, a: &S, value: S::Elem) -> Result<u64> {
        self.count_where(a, equals(value))
    }

    /// The row-major index of the first element that equals `value`, in the sense of [`count_value`](Self::count_value).
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    pub fn find_value<S: Source<Elem: Number>>(&self, a: &S, value: S::Elem) -> Result<Option<u64>> {
        self.position(a, equals(value))
    }

    /// The row-major index of the last element that equals `value`, in the sense of [`count_value`](Self::count_value).
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    pub fn rfind_value<S: Source<Elem: Number>>(&self, a: &S, value: S::Elem) -> Result<Option<u64>> {
        self.rposition(a, equals(value))
    }

    /// Whether some element equals `value`, in the sense of [`count_value`](Self::count_value): `value in a`.
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    pub fn contains<S: Source<Elem: Number>>(&self, a: &S, value: S::Elem) -> Result<bool> {
        Ok(self.find_value(a, value)?.is_some())
    }

    /// The row-major indices of the elements that equal `value`, in the sense of [`count_value`](Self::count_value):
    /// `np.flatnonzero(a == value)`. See [`flatnonzero`](Self::flatnonzero).
    ///
    /// # Errors
    ///
    /// As [`flatnonzero`](Self::flatnonzero).
    pub fn flatnonzero_value<'a, S: Source<Elem: Number>>(
        &'a self,
        a: &'a S,
        value: S::Elem,
    ) -> Result<Output<'a, u64, Ix1>> {
        self.flatnonzero(a, equals(value))
    }

    /// The indices, one row for each with an index for every axis, of the elements that equal `value`, in the sense of
    /// [`count_value`](Self::count_value): `np.argwhere(a == value)`. See [`argwhere`](Self::argwhere).
    ///
    /// # Errors
    ///
    /// As [`flatnonzero`](Self::flatnonzero).
    pub fn argwhere_value<'a, S: Source<Elem: Number>>(
        &'a self,
        a: &'a S,
        value: S::Elem,
    ) -> Result<Output<'a, u64, Ix2>> {
        self.argwhere(a, equals(value))
    }

    /// Calls `each` with the row-major indices of the elements that equal `value`, in the sense of
    /// [`count_value`](Self::count_value), until it breaks. See [`for_each_where`](Self::for_each_where).
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    ///
    /// # Panics
    ///
    /// Where `each` panics.
    pub fn for_each_value<S: Source<Elem: Number>>(
        &self,
        a: &S,
        value: S::Elem,
        each: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<()> {
        self.for_each_where(a, equals(value), each)
    }
}
