//! Count, sum, mean, and squares around the mean.

use super::fold::{Fold, Nan, Place, look, mend};
use super::total::Total;
use crate::compute::kernel::{Center, Columns, Native, Rows, vectorised};

/// The sum of some elements and the sum of their squared distances from the mean.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Moments<N: Native> {
    pub(in crate::compute) total: Total<N>,
    /// The mean, and what rounding took from it: of data far from zero the mean's last bits matter to the variance.
    mean: N::Center,
    rest: N::Center,
    /// The sum of the squared distances from the mean.
    squares: f64,
}

impl<N: Native> Default for Moments<N> {
    fn default() -> Self {
        let zero = N::Center::default();
        Self { total: Total::default(), mean: zero, rest: zero, squares: 0.0 }
    }
}

impl<N: Native> Moments<N> {
    /// `(first, second)` are the sums of the distances from the rounded mean and of their squares.
    pub(in crate::compute) fn new(total: Total<N>, (first, second): (N::Center, f64)) -> Self {
        let count = total.count as f64;
        let excess = first.square() / count;
        // Sums that overflow say nothing about the rounding of the mean.
        let squares = if excess.is_finite() { (second - excess).max(0.0) } else { second };
        Self { total, mean: total.mean(), rest: first * (1.0 / count), squares }
    }

    /// The second pass over a run whose first pass gave the total; the run lies in the cache.
    pub(in crate::compute) fn of_run(total: Total<N>, items: &[N]) -> Self {
        if items.is_empty() {
            return Self::default();
        }
        let center = total.mean();
        let spread = vectorised(
            #[inline(always)]
            || N::spread(items, total.sum, center),
        );
        Self::new(total, spread)
    }

    /// Chan, Golub and LeVeque's update, with the mean in two parts.
    pub(in crate::compute) fn merge(&mut self, other: Self) {
        if other.total.count == 0 {
            return;
        }
        if self.total.count == 0 {
            *self = other;
            return;
        }
        let (left, right) = (self.total.count as f64, other.total.count as f64);
        self.total.merge(other.total);
        let share = right / self.total.count as f64;
        let delta = (other.mean - self.mean) + (other.rest - self.rest);
        self.squares = self.squares + other.squares + delta.square() * (left * share);
        // Knuth's exact sum of the mean and its shift.
        let shift = delta * share;
        let mean = self.mean + shift;
        let taken = mean - self.mean;
        self.rest += (self.mean - (mean - taken)) + (shift - taken);
        self.mean = mean;
    }

    /// The sum of squared distances divided by `count - ddof`; NaN where that is not positive.
    pub(in crate::compute) fn var(self, ddof: f64) -> f64 {
        let freedom = self.total.count as f64 - ddof;
        match (self.total.count, freedom > 0.0) {
            (0, _) => f64::NAN,
            (_, true) => self.squares / freedom,
            // NumPy divides by zero, for a single element or too large a ddof.
            (_, false) => self.squares / 0.0,
        }
    }
}

/// Means and variances.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Spread(pub(in crate::compute) Nan);

impl<N: Native> Fold<N> for Spread {
    type Cell = Moments<N>;
    type Hint = ();

    fn empty(self) -> Moments<N> {
        Moments::default()
    }

    fn run(self, _: Place<'_>, items: &[N], (): &mut (), kept: &mut Vec<N>) -> Moments<N> {
        if self.0 == Nan::Ignore && N::NAN.is_some() {
            let look = look::<N, false, false>(items, kept);
            return Moments::of_run(Total { count: look.values.len() as u64, sum: look.survey.sum }, look.values);
        }
        let survey = vectorised(
            #[inline(always)]
            || N::survey::<true, false, false>(items),
        );
        Moments::of_run(Total { count: items.len() as u64, sum: survey.sum }, items)
    }

    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Moments<N>> {
        vectorised(
            #[inline(always)]
            || {
                columns.sum(band);
                columns.spread(band);
            },
        );
        let count = band.rows as u64;
        let cells = columns.sums.iter().zip(&columns.spreads);
        let mut cells: Vec<_> = cells.map(|(&sum, &spread)| Moments::new(Total { count, sum }, spread)).collect();
        if self.0 == Nan::Ignore {
            mend(self, first, band, columns, &mut cells);
        }
        cells
    }

    fn merge(self, a: &mut Moments<N>, b: Moments<N>) {
        a.merge(b);
    }
}
