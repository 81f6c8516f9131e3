//! Quantiles of all elements.

use super::lines::Lines;
use super::method::{Method, Wanted};
use super::search::{Found, search};
use crate::compute::engine::source::{Source, shape_of};
use crate::compute::kernel::Native;
use crate::compute::real::{Ordinal, Real};
use crate::compute::{Job, Number, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

impl Job<'_> {
    /// The quantiles `q`, each between 0 and 1, of all elements: `np.quantile(a, q, method=method)`, exactly.
    ///
    /// All quantiles come from the same passes: a small sample brackets them, one pass over the source counts and collects
    /// what is inside the brackets. Data that defeat the sample cost further passes. The source is neither changed nor copied.
    ///
    /// The arithmetic is that of NumPy on the elements as `f64`, in every bit; `np.quantile` itself first subtracts in the
    /// type of the array, so for integers and `f32` it may differ by rounding or by overflow. Integers beyond 2^53 are
    /// rounded: [`Self::order_statistics`] has them exact. As in NumPy, a quantile that is interpolated between infinities,
    /// even of the same sign, is NaN; [`Self::median`] is not interpolated.
    ///
    /// Every quantile is NaN if there is a NaN. The sign of a quantile that is zero is not specified.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Method;
    /// use outcore::ndarray::array;
    ///
    /// let job = Job::new();
    /// let a = array![[10.0_f64, 7.0, 4.0], [3.0, 2.0, 1.0]];
    /// assert_eq!(job.quantile(&a, &[0.0, 0.5, 0.9], Method::Linear)?, [1.0, 3.5, 8.5]);
    /// assert_eq!(job.quantile(&a, &[0.5], Method::Lower)?, [3.0]);
    /// assert_eq!(job.median(&a)?, 3.5);
    /// assert_eq!(job.percentile(&a, &[25.0], Method::Hazen)?, [2.0]);
    /// assert_eq!(job.order_statistics(&a, &[0, 5])?, [1.0, 10.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a `q` outside of 0 to 1, and if there is no element, as NumPy has it; those of
    /// reading the source, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn quantile<S: Source<Elem: Real>>(&self, a: &S, q: &[f64], method: Method) -> Result<Vec<f64>> {
        self.find(a, &Wanted::Quantiles(q, method), true, Some("quantile"))
    }

    /// [`Self::quantile`] of the elements that are not NaN, and NaN if there is no other, or no element at all:
    /// `np.nanquantile`.
    ///
    /// # Errors
    ///
    /// As [`Self::quantile`].
    pub fn nan_quantile<S: Source<Elem: Real>>(&self, a: &S, q: &[f64], method: Method) -> Result<Vec<f64>> {
        self.find(a, &Wanted::Quantiles(q, method), false, None)
    }

    /// The quantiles `q / 100`, each `q` between 0 and 100: `np.percentile`.
    ///
    /// # Errors
    ///
    /// As [`Self::quantile`].
    pub fn percentile<S: Source<Elem: Real>>(&self, a: &S, q: &[f64], method: Method) -> Result<Vec<f64>> {
        self.quantile(a, &hundredths(q), method)
    }

    /// [`Self::percentile`] of the elements that are not NaN: `np.nanpercentile`.
    ///
    /// # Errors
    ///
    /// As [`Self::quantile`].
    pub fn nan_percentile<S: Source<Elem: Real>>(&self, a: &S, q: &[f64], method: Method) -> Result<Vec<f64>> {
        self.nan_quantile(a, &hundredths(q), method)
    }

    /// The middle one of the sorted elements, or the mean of the middle two, in `f64`; NaN if there is a NaN or no element:
    /// `np.median`.
    ///
    /// # Errors
    ///
    /// Those of reading the source, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn median<S: Source<Elem: Real>>(&self, a: &S) -> Result<f64> {
        Ok(self.find(a, &Wanted::Median, true, None)?[0])
    }

    /// The median of the elements that are not NaN; NaN if there is no other: `np.nanmedian`.
    ///
    /// # Errors
    ///
    /// As [`Self::median`].
    pub fn nan_median<S: Source<Elem: Real>>(&self, a: &S) -> Result<f64> {
        Ok(self.find(a, &Wanted::Median, false, None)?[0])
    }

    /// The elements that sorting would put at these places, counted from 0, in their own type: `np.partition(a, ranks)[ranks]`.
    ///
    /// NaN come last. Zeros of either sign are equal, and come out positive or negative.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where there are not as many elements; those of [`Self::median`].
    pub fn order_statistics<S: Source<Elem: Real>>(&self, a: &S, ranks: &[u64]) -> Result<Vec<Value<S>>> {
        let count = shape::sizes(&shape_of(a), size_of::<S::Elem>() as u64)?.0;
        if let Some(rank) = ranks.iter().find(|&&rank| rank >= count) {
            let message = format!("rank {rank} of {count} elements; ranks count from 0");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let found = self.search_all(a, &Wanted::Ranks(ranks), count, false)?;
        let nan = <S::Elem as Number>::Native::NAN.unwrap_or_default();
        let native = |&rank: &u64| if rank < found.valid { found.at(rank) } else { nan };
        Ok(ranks.iter().map(native).map(S::Elem::value).collect())
    }

    /// What is wanted of all elements; an empty source is an error of the operation that is named.
    fn find<S: Source<Elem: Real>>(
        &self,
        a: &S,
        wanted: &Wanted<'_>,
        propagate: bool,
        never_empty: Option<&str>,
    ) -> Result<Vec<f64>> {
        wanted.check()?;
        let count = shape::sizes(&shape_of(a), size_of::<S::Elem>() as u64)?.0;
        match never_empty {
            Some(operation) if count == 0 && wanted.len() > 0 => {
                return Err(Error::new(ErrorKind::InvalidArgument, format!("{operation} of no element")));
            }
            _ => {}
        }
        let found = self.search_all(a, wanted, count, propagate)?;
        Ok(answers(&found, wanted, propagate))
    }

    fn search_all<S: Source<Elem: Real>>(
        &self,
        a: &S,
        wanted: &Wanted<'_>,
        count: u64,
        propagate: bool,
    ) -> Result<Found<<S::Elem as Number>::Native>> {
        let lines = Lines { start: 0, len: count, stride: 1, width: 1 };
        if count == 0 || wanted.len() == 0 {
            return Ok(Found { valid: 0, nan: 0, ranks: Vec::new(), values: Vec::new() });
        }
        let mut found = search(self, a, lines, wanted, propagate)?;
        Ok(found.remove(0))
    }
}

fn hundredths(q: &[f64]) -> Vec<f64> {
    q.iter().map(|q| q / 100.0).collect()
}

/// The results of a line.
pub(super) fn answers<N: Ordinal>(found: &Found<N>, wanted: &Wanted<'_>, propagate: bool) -> Vec<f64> {
    if found.valid == 0 || (propagate && found.nan > 0) {
        return vec![f64::NAN; wanted.len()];
    }
    let recipes = wanted.recipes(found.valid);
    recipes.iter().map(|recipe| recipe.value(|rank| found.at(rank).to_f64())).collect()
}
