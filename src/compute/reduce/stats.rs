//! All statistics from one pass.

use ndarray::{Array, Axis, Dimension, RemoveAxis};

use super::extremes::{Extreme, Pair, Rank};
use super::fold::{Fold, Place, look, mend};
use super::moments::Moments;
use super::total::Total;
use crate::compute::kernel::{Columns, Native, Rows, vectorised};
use crate::compute::{Job, Number, Reduced, Source};
use crate::error::Result;

/// What one pass over an array shows. Everything but `count` and `nan` describes the elements that are not NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stats<T: Number> {
    /// The number of elements, NaN included.
    pub count: u64,
    /// The number of elements that are NaN, or complex with a part that is.
    pub nan: u64,
    /// The number of infinities of either sign.
    pub inf: u64,
    /// The number of elements that equal 0.
    pub zeros: u64,
    /// The smallest element.
    pub min: Option<T::Value>,
    /// The row-major index of the first smallest element, or its index along the axis.
    pub argmin: Option<u64>,
    /// The largest element.
    pub max: Option<T::Value>,
    /// The row-major index of the first largest element, or its index along the axis.
    pub argmax: Option<u64>,
    /// The sum, the same bits as [`Job::nan_sum`].
    pub sum: T::Sum,
    /// The mean; NaN if there is no element.
    pub mean: T::Mean,
    /// The population variance (`ddof` 0); NaN if there is no element.
    pub var: f64,
    /// The population standard deviation.
    pub std: f64,
}

impl<T: Number> Stats<T> {
    fn new(cell: Description<T::Native>) -> Self {
        let Description { nan, inf, zeros, moments, pair } = cell;
        let value = |extreme: Extreme<T::Native>| (extreme.rank == Rank::Value).then(|| T::value(extreme.value));
        let at = |extreme: Extreme<T::Native>| (extreme.rank == Rank::Value).then_some(extreme.at);
        let var = moments.var(0.0);
        Self {
            count: moments.total.count + nan,
            nan,
            inf,
            zeros,
            min: value(pair.min),
            argmin: at(pair.min),
            max: value(pair.max),
            argmax: at(pair.max),
            sum: moments.total.sum,
            mean: moments.total.mean(),
            var,
            std: var.sqrt(),
        }
    }
}

/// The same as [`Stats`], one array for each statistic; the names mean the same.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "documented at Stats")]
pub struct StatsAxis<T: Number, D: Dimension> {
    pub count: Array<u64, D>,
    pub nan: Array<u64, D>,
    pub inf: Array<u64, D>,
    pub zeros: Array<u64, D>,
    pub min: Array<Option<T::Value>, D>,
    pub argmin: Array<Option<u64>, D>,
    pub max: Array<Option<T::Value>, D>,
    pub argmax: Array<Option<u64>, D>,
    pub sum: Array<T::Sum, D>,
    pub mean: Array<T::Mean, D>,
    pub var: Array<f64, D>,
    pub std: Array<f64, D>,
}

impl<T: Number, D: Dimension> StatsAxis<T, D> {
    fn new(stats: &Array<Stats<T>, D>) -> Self {
        Self {
            count: stats.map(|stats| stats.count),
            nan: stats.map(|stats| stats.nan),
            inf: stats.map(|stats| stats.inf),
            zeros: stats.map(|stats| stats.zeros),
            min: stats.map(|stats| stats.min),
            argmin: stats.map(|stats| stats.argmin),
            max: stats.map(|stats| stats.max),
            argmax: stats.map(|stats| stats.argmax),
            sum: stats.map(|stats| stats.sum),
            mean: stats.map(|stats| stats.mean),
            var: stats.map(|stats| stats.var),
            std: stats.map(|stats| stats.std),
        }
    }
}

/// The partial result.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Description<N: Native> {
    nan: u64,
    inf: u64,
    zeros: u64,
    moments: Moments<N>,
    pair: Pair<N>,
}

/// All statistics.
#[derive(Clone, Copy, Debug)]
struct Describe;

impl<N: Native> Fold<N> for Describe {
    type Cell = Description<N>;
    type Hint = Pair<N>;

    fn empty(self) -> Description<N> {
        Description { nan: 0, inf: 0, zeros: 0, moments: Moments::default(), pair: Pair::default() }
    }

    fn run(self, place: Place<'_>, items: &[N], best: &mut Pair<N>, kept: &mut Vec<N>) -> Description<N> {
        let look = look::<N, true, true>(items, kept);
        let total = Total { count: look.values.len() as u64, sum: look.survey.sum };
        let mut pair = Pair::of_values(look.values, look.survey.min, look.survey.max);
        pair.locate(place, items, best);
        let moments = Moments::of_run(total, look.values);
        Description { nan: look.nan, inf: look.inf, zeros: look.survey.zeros, moments, pair }
    }

    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Description<N>> {
        vectorised(
            #[inline(always)]
            || {
                columns.sum(band);
                columns.extremes(band);
                columns.zeros(band);
                columns.spread(band);
            },
        );
        let count = band.rows as u64;
        let pairs = Pair::of_columns(first, &columns.extremes);
        let cells = columns.sums.iter().zip(&columns.spreads).zip(&columns.zeros).zip(pairs);
        let cell = |(((&sum, &spread), &zeros), pair)| {
            let moments = Moments::new(Total { count, sum }, spread);
            Description { nan: 0, inf: 0, zeros: u64::from(zeros), moments, pair }
        };
        let mut cells: Vec<_> = cells.map(cell).collect();
        mend(self, first, band, columns, &mut cells);
        cells
    }

    fn merge(self, a: &mut Description<N>, b: Description<N>) {
        a.nan += b.nan;
        a.inf += b.inf;
        a.zeros += b.zeros;
        a.moments.merge(b.moments);
        a.pair.merge(b.pair);
    }
}

impl Job<'_> {
    /// Every statistic of [`Stats`] from one pass over the array.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn stats<S: Source<Elem: Number>>(&self, a: &S) -> Result<Stats<S::Elem>> {
        Ok(Stats::new(self.reduce(a, Describe)?))
    }

    /// [`Self::stats`] along an axis, in one pass.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn stats_axis<S>(&self, a: &S, axis: Axis) -> Result<StatsAxis<S::Elem, <S::Dim as Dimension>::Smaller>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let blank = Stats::new(Fold::<<S::Elem as Number>::Native>::empty(Describe));
        let stats: Reduced<S, _> = self.reduce_axis(a, axis, Describe, blank, |cell| Ok(Stats::new(cell)))?;
        Ok(StatsAxis::new(&stats))
    }
}
