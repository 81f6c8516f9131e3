//! Elements as truth values: 0 is false, everything else is true, NaN too.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{Axis, RemoveAxis};

use super::fold::{Fold, Place};
use crate::compute::kernel::{Columns, Native, Rows, vectorised};
use crate::compute::{Job, Number, Reduced, Source};
use crate::error::Result;

/// How many elements are true, and how many are false.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) nonzero: u64,
    pub(super) zero: u64,
}

/// Counts of true and false elements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Truth<'a> {
    /// Set as soon as there is an element with this truth value, which ends the scan.
    seen: Option<(&'a AtomicBool, bool)>,
}

impl<N: Native> Fold<N> for Truth<'_> {
    type Cell = Count;
    type Hint = ();

    fn empty(self) -> Count {
        Count::default()
    }

    fn run(self, _: Place<'_>, items: &[N], (): &mut (), _: &mut Vec<N>) -> Count {
        let zero = vectorised(
            #[inline(always)]
            || N::survey::<false, false, true>(items).zeros,
        );
        let count = Count { nonzero: items.len() as u64 - zero, zero };
        if let Some((seen, wanted)) = self.seen
            && 0 < if wanted { count.nonzero } else { count.zero }
        {
            seen.store(true, Ordering::Relaxed);
        }
        count
    }

    fn band(self, _: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Count> {
        vectorised(
            #[inline(always)]
            || columns.zeros(band),
        );
        let count = |&zero: &u32| Count { nonzero: band.rows as u64 - u64::from(zero), zero: u64::from(zero) };
        columns.zeros.iter().map(count).collect()
    }

    fn merge(self, a: &mut Count, b: Count) {
        a.nonzero += b.nonzero;
        a.zero += b.zero;
    }

    fn settled(&self) -> bool {
        self.seen.is_some_and(|(seen, _)| seen.load(Ordering::Relaxed))
    }
}

impl Job<'_> {
    /// Whether an element is true, that is, not 0; false if there is none. NaN is true, as in NumPy.
    ///
    /// The scan ends with the first block that holds one.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let (job, a) = (Job::new(), array![[0, 0], [0, 7]]);
    /// assert_eq!((job.any(&a)?, job.all(&a)?, job.count_nonzero(&a)?), (true, false, 1));
    /// assert_eq!(job.any_axis(&a, Axis(0))?, array![false, true]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn any<S: Source<Elem: Number>>(&self, a: &S) -> Result<bool> {
        let seen = AtomicBool::new(false);
        self.reduce(a, Truth { seen: Some((&seen, true)) })?;
        Ok(seen.into_inner())
    }

    /// Whether all elements are true, that is, not 0; true if there is none. NaN is true, as in NumPy.
    ///
    /// The scan ends with the first block that holds a 0.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn all<S: Source<Elem: Number>>(&self, a: &S) -> Result<bool> {
        let seen = AtomicBool::new(false);
        self.reduce(a, Truth { seen: Some((&seen, false)) })?;
        Ok(!seen.into_inner())
    }

    /// The number of elements that are not 0. NaN is not 0.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn count_nonzero<S: Source<Elem: Number>>(&self, a: &S) -> Result<u64> {
        Ok(self.reduce(a, Truth::default())?.nonzero)
    }

    /// [`Self::any`] along an axis; it looks at all elements.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn any_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, bool>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Truth::default(), false, |count| Ok(count.nonzero > 0))
    }

    /// [`Self::all`] along an axis; it looks at all elements.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn all_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, bool>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Truth::default(), false, |count| Ok(count.zero == 0))
    }

    /// [`Self::count_nonzero`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn count_nonzero_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, u64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Truth::default(), 0, |count| Ok(count.nonzero))
    }
}
