//! Skewness and kurtosis, by the third and fourth central moments.

use ndarray::{Axis, RemoveAxis};

use super::fold::{Fold, Nan, Place, look, mend};
use crate::compute::kernel::{Columns, Native, Rows, column_powers, powers, vectorised};
use crate::compute::{Job, Number, Reduced, Source};
use crate::error::Result;

/// The count, the mean, and the sums of the powers of the distances from it.
#[derive(Clone, Copy, Debug, Default)]
struct Central {
    count: u64,
    /// The mean, and what rounding took from it.
    mean: f64,
    rest: f64,
    squares: f64,
    cubes: f64,
    fourths: f64,
}

impl Central {
    /// From the sums of the powers of the distances from `center`, the rounded mean.
    fn new(count: u64, center: f64, [first, second, third, fourth]: [f64; 4]) -> Self {
        let n = count as f64;
        let off = first / n;
        // An overflow says nothing about the rounding of the mean.
        let off = if off.is_infinite() { 0.0 } else { off };
        Self {
            count,
            mean: center,
            rest: off,
            squares: (second - n * off * off).max(0.0),
            cubes: third - 3.0 * off * second + 2.0 * n * off.powi(3),
            fourths: fourth - 4.0 * off * third + 6.0 * off * off * second - 3.0 * n * off.powi(4),
        }
    }

    /// The moments of a run that lies in the cache and whose sum is known.
    fn of_run<N: Native<Center = f64>>(items: &[N], sum: N::Sum) -> Self {
        if items.is_empty() {
            return Self::default();
        }
        let count = items.len() as u64;
        let center = N::center(sum, count);
        let sums = vectorised(
            #[inline(always)]
            || powers(items, center),
        );
        Self::new(count, center, sums)
    }

    /// Pebay's update ("Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
    /// moments", 2008), with the mean in two parts.
    fn merge(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        let (a, b) = (*self, other);
        let (left, right) = (a.count as f64, b.count as f64);
        self.count += b.count;
        let n = self.count as f64;
        let delta = (b.mean - a.mean) + (b.rest - a.rest);
        let step = delta / n;
        let spread = delta * step * left * right;
        self.squares = a.squares + b.squares + spread;
        self.cubes =
            a.cubes + b.cubes + spread * step * (left - right) + 3.0 * step * (left * b.squares - right * a.squares);
        self.fourths = a.fourths
            + b.fourths
            + spread * step * step * (left * left - left * right + right * right)
            + 6.0 * step * step * (left * left * b.squares + right * right * a.squares)
            + 4.0 * step * (left * b.cubes - right * a.cubes);
        // Knuth's exact sum of the mean and its shift.
        let shift = step * right;
        let mean = a.mean + shift;
        let taken = mean - a.mean;
        self.rest += (a.mean - (mean - taken)) + (shift - taken);
        self.mean = mean;
    }

    /// The count and the population variance; None where that is no more than rounding.
    fn variance(self) -> Option<(f64, f64)> {
        let n = self.count as f64;
        let variance = self.squares / n;
        let noise = 1e-15 * self.mean;
        (variance > noise * noise).then_some((n, variance))
    }

    fn skew(self, bias: bool) -> f64 {
        let Some((n, variance)) = self.variance() else { return f64::NAN };
        let skew = self.cubes / n / (variance * variance.sqrt());
        if bias || self.count < 3 { skew } else { skew * ((n - 1.0) * n).sqrt() / (n - 2.0) }
    }

    fn kurtosis(self, fisher: bool, bias: bool) -> f64 {
        let Some((n, variance)) = self.variance() else { return f64::NAN };
        let mut excess = self.fourths / n / (variance * variance) - 3.0;
        if !bias && self.count > 3 {
            excess = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * excess + 6.0);
        }
        if fisher { excess } else { excess + 3.0 }
    }
}

/// Central moments up to the fourth.
#[derive(Clone, Copy, Debug)]
struct Moments(Nan);

impl<N: Native<Center = f64>> Fold<N> for Moments {
    type Cell = Central;
    type Hint = ();

    fn empty(self) -> Central {
        Central::default()
    }

    fn run(self, _: Place<'_>, items: &[N], (): &mut (), kept: &mut Vec<N>) -> Central {
        if self.0 == Nan::Ignore && N::NAN.is_some() {
            let look = look::<N, false, false>(items, kept);
            return Central::of_run(look.values, look.survey.sum);
        }
        let survey = vectorised(
            #[inline(always)]
            || N::survey::<true, false, false>(items),
        );
        Central::of_run(items, survey.sum)
    }

    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Central> {
        let count = band.rows as u64;
        let (centers, sums) = vectorised(
            #[inline(always)]
            || {
                columns.sum(band);
                let centers: Vec<_> = columns.sums.iter().map(|&sum| N::center(sum, count)).collect();
                let sums = column_powers(band, &centers);
                (centers, sums)
            },
        );
        let cells = centers.into_iter().zip(sums);
        let mut cells: Vec<_> = cells.map(|(center, sums)| Central::new(count, center, sums)).collect();
        if self.0 == Nan::Ignore {
            mend(self, first, band, columns, &mut cells);
        }
        cells
    }

    fn merge(self, a: &mut Central, b: Central) {
        a.merge(b);
    }
}

impl Job<'_> {
    /// The skewness of all elements, as `scipy.stats.skew` defines it: the third central moment divided by the population
    /// standard deviation to the third power. Without `bias` it is corrected for being an estimate from a sample, where there
    /// are three elements or more.
    ///
    /// NaN where there is a NaN or an infinity, where there is no element, and where the elements are equal up to rounding.
    ///
    /// Each piece of the grid is centred on its own mean, and pieces are merged by Pebay's formulas, so data far from zero lose
    /// no precision.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![2.0, 8.0, 0.0, 4.0, 1.0, 9.0, 9.0, 0.0];
    /// assert!((Job::new().skew(&a, true)? - 0.2650554122698573).abs() < 1e-15);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn skew<S: Source<Elem: Number<Mean = f64>>>(&self, a: &S, bias: bool) -> Result<f64> {
        Ok(self.reduce(a, Moments(Nan::Propagate))?.skew(bias))
    }

    /// [`Self::skew`] of the elements that are not NaN: SciPy's `nan_policy="omit"`.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn nan_skew<S: Source<Elem: Number<Mean = f64>>>(&self, a: &S, bias: bool) -> Result<f64> {
        Ok(self.reduce(a, Moments(Nan::Ignore))?.skew(bias))
    }

    /// [`Self::skew`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn skew_axis<S>(&self, a: &S, axis: Axis, bias: bool) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number<Mean = f64>, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Moments(Nan::Propagate), 0.0, |cell| Ok(cell.skew(bias)))
    }

    /// [`Self::nan_skew`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn nan_skew_axis<S>(&self, a: &S, axis: Axis, bias: bool) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number<Mean = f64>, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Moments(Nan::Ignore), 0.0, |cell| Ok(cell.skew(bias)))
    }

    /// The kurtosis of all elements, as `scipy.stats.kurtosis` defines it: the fourth central moment divided by the square of
    /// the population variance, less 3 (which makes it 0 for a normal distribution) with `fisher`. Without `bias` it is
    /// corrected for being an estimate from a sample, where there are four elements or more.
    ///
    /// NaN where [`Self::skew`] is.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn kurtosis<S: Source<Elem: Number<Mean = f64>>>(&self, a: &S, fisher: bool, bias: bool) -> Result<f64> {
        Ok(self.reduce(a, Moments(Nan::Propagate))?.kurtosis(fisher, bias))
    }

    /// [`Self::kurtosis`] of the elements that are not NaN: SciPy's `nan_policy="omit"`.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`].
    pub fn nan_kurtosis<S: Source<Elem: Number<Mean = f64>>>(&self, a: &S, fisher: bool, bias: bool) -> Result<f64> {
        Ok(self.reduce(a, Moments(Nan::Ignore))?.kurtosis(fisher, bias))
    }

    /// [`Self::kurtosis`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn kurtosis_axis<S>(&self, a: &S, axis: Axis, fisher: bool, bias: bool) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number<Mean = f64>, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Moments(Nan::Propagate), 0.0, |cell| Ok(cell.kurtosis(fisher, bias)))
    }

    /// [`Self::nan_kurtosis`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`].
    pub fn nan_kurtosis_axis<S>(&self, a: &S, axis: Axis, fisher: bool, bias: bool) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number<Mean = f64>, Dim: RemoveAxis>,
    {
        self.reduce_axis(a, axis, Moments(Nan::Ignore), 0.0, |cell| Ok(cell.kurtosis(fisher, bias)))
    }
}
