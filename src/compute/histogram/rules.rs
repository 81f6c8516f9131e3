//! How many bins the rules make of the data.

use super::bins::{BinRule, Span};
use crate::compute::engine::source::Source;
use crate::compute::quantile::Method;
use crate::compute::real::{Ordinal, Real};
use crate::compute::{Job, Number, map};
use crate::error::Result;

impl Job<'_> {
    /// The number of bins by a rule, for the elements in the range. The statistics are those of `f64`, so that for `f32` the
    /// number may differ by one from NumPy's.
    pub(super) fn bins_by<S: Source<Elem: Real>>(
        &self,
        rule: BinRule,
        a: &S,
        span: Span<<S::Elem as Number>::Native>,
    ) -> Result<u64> {
        let (first, last) = (span.first.to_f64(), span.last.to_f64());
        let inside = |item: f64| if first <= item && item <= last { item } else { f64::NAN };
        let trimmed = map(a, |item: S::Elem| inside(item.native().to_f64()));
        let stats = self.stats(&trimmed)?;
        let count = stats.count - stats.nan;
        let (Some(min), Some(max)) = (stats.min, stats.max) else { return Ok(1) };
        let (n, reach) = (count as f64, max - min);
        let iqr = || -> Result<f64> {
            let quartiles = self.nan_quantile(&trimmed, &[0.75, 0.25], Method::Linear)?;
            Ok(quartiles[0] - quartiles[1])
        };
        let sqrt = reach / n.sqrt();
        let sturges = reach / (n.log2() + 1.0);
        let width = match rule {
            BinRule::Sqrt => sqrt,
            BinRule::Sturges => sturges,
            BinRule::Rice => reach / (2.0 * n.powf(1.0 / 3.0)),
            BinRule::Scott => (24.0 * std::f64::consts::PI.sqrt() / n).powf(1.0 / 3.0) * stats.std,
            BinRule::FreedmanDiaconis => 2.0 * iqr()? * n.powf(-1.0 / 3.0),
            BinRule::Auto => (2.0 * iqr()? * n.powf(-1.0 / 3.0)).max(sqrt / 2.0).min(sturges),
            BinRule::Doane if count > 2 && stats.std > 0.0 => {
                let skewness = self.nan_mean(&map(&trimmed, |item| ((item - stats.mean) / stats.std).powi(3)))?;
                let error = (6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0))).sqrt();
                reach / (1.0 + n.log2() + (1.0 + skewness.abs() / error).log2())
            }
            BinRule::Doane => 0.0,
        };
        // NumPy does not divide integers, and bins narrower than they are would be empty.
        let integers = <S::Elem as Number>::Native::INTEGER;
        let width = if integers && width > 0.0 && width < 1.0 { 1.0 } else { width };
        Ok(if width > 0.0 { whole((span.distance / width).ceil()) } else { 1 })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of floats saturates, as is wanted"
)]
fn whole(bins: f64) -> u64 {
    bins as u64
}
