//! Which order statistics make up a quantile: NumPy's definitions, in NumPy's arithmetic.

use crate::error::{Error, ErrorKind, Result};

/// How a quantile is made of the sorted elements, as the `method` of `np.quantile`.
///
/// The first nine are those of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50
/// (1996), in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// The smallest element whose share of elements up to it is at least `q`.
    InvertedCdf,
    /// The same, with the mean of two elements where the share is met exactly.
    AveragedInvertedCdf,
    /// The element of the nearest rank; at ties the even one, counted from 1.
    ClosestObservation,
    /// Linear between the steps of the inverted distribution function.
    InterpolatedInvertedCdf,
    /// Linear, with the elements in the middle of their shares.
    Hazen,
    /// Linear, with the elements at their expected shares.
    Weibull,
    /// Linear, with the smallest element at 0 and the largest at 1.
    #[default]
    Linear,
    /// Linear, about median-unbiased whatever the distribution.
    MedianUnbiased,
    /// Linear, about unbiased for a normal distribution.
    NormalUnbiased,
    /// Of the two elements around the linear position, the lower.
    Lower,
    /// Of the two elements around the linear position, the higher.
    Higher,
    /// Of the two elements around the linear position, the nearer; at ties the one of even rank, counted from 0.
    Nearest,
    /// The middle between the two elements around the linear position.
    Midpoint,
}

/// The ranks that a quantile needs, counted from 0, and what becomes of their elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Recipe {
    /// One element.
    Pick(u64),
    /// Between two elements.
    Between(u64, u64, f64),
    /// The mean of two elements, which may be the same.
    Mean(u64, u64),
}

impl Recipe {
    /// The ranks, ascending.
    pub(super) fn ranks(self) -> [u64; 2] {
        match self {
            Self::Pick(rank) => [rank, rank],
            Self::Between(a, b, _) | Self::Mean(a, b) => [a, b],
        }
    }

    /// The quantile, given what is found at a rank.
    pub(super) fn value(self, at: impl Fn(u64) -> f64) -> f64 {
        match self {
            Self::Pick(rank) => at(rank),
            Self::Between(a, b, weight) => lerp(at(a), at(b), weight),
            Self::Mean(a, b) if a == b => at(a),
            Self::Mean(a, b) => (at(a) + at(b)) / 2.0,
        }
    }
}

/// Linear interpolation that meets both ends and never turns back, with the roundings of NumPy.
fn lerp(a: f64, b: f64, weight: f64) -> f64 {
    let distance = b - a;
    if weight >= 0.5 { b - distance * (1.0 - weight) } else { a + distance * weight }
}

impl Method {
    /// The recipe of the quantile `q` of `count` elements; the count is not 0.
    pub(super) fn recipe(self, q: f64, count: u64) -> Recipe {
        let n = count as f64;
        let between = |alpha: f64, beta: f64| n * q + (alpha + q * (1.0 - alpha - beta)) - 1.0;
        let pick = |position: f64| Recipe::Pick(rank(position, count));
        let linear = (n - 1.0) * q;
        let weighted = |position: f64, fix: &dyn Fn(f64) -> f64| {
            // At and beyond the last element NumPy counts the weight from index -1, before the first from index 0.
            let (from, ranks) = if position >= n - 1.0 {
                (-1.0, [count - 1, count - 1])
            } else if position < 0.0 {
                (0.0, [0, 0])
            } else {
                let before = rank(position.floor(), count);
                (position.floor(), [before, (before + 1).min(count - 1)])
            };
            Recipe::Between(ranks[0], ranks[1], fix(position - from))
        };
        let as_it_is = |weight| weight;
        match self {
            Self::InvertedCdf => pick(step(n * q - 1.0, |_| true)),
            Self::ClosestObservation => pick(step(n * q - 1.0 - 0.5, |before| before.rem_euclid(2.0) == 1.0)),
            Self::Lower => pick(linear.floor()),
            Self::Higher => pick(linear.ceil()),
            Self::Nearest => pick(linear.round_ties_even()),
            Self::AveragedInvertedCdf => weighted(n * q - 1.0, &|weight| if weight == 0.0 { 0.5 } else { 1.0 }),
            Self::InterpolatedInvertedCdf => weighted(between(0.0, 1.0), &as_it_is),
            Self::Hazen => weighted(between(0.5, 0.5), &as_it_is),
            Self::Weibull => weighted(between(0.0, 0.0), &as_it_is),
            Self::Linear => weighted(linear, &as_it_is),
            Self::MedianUnbiased => weighted(between(1.0 / 3.0, 1.0 / 3.0), &as_it_is),
            Self::NormalUnbiased => weighted(between(3.0 / 8.0, 3.0 / 8.0), &as_it_is),
            Self::Midpoint => {
                let position = 0.5 * (linear.floor() + linear.ceil());
                weighted(position, &|_| if position % 1.0 == 0.0 { 0.0 } else { 0.5 })
            }
        }
    }
}

/// The next whole number, or the one before where the position is whole and `stay` says so of it.
fn step(position: f64, stay: impl Fn(f64) -> bool) -> f64 {
    let before = position.floor();
    if position == before && stay(before) { before } else { before + 1.0 }
}

/// A position as a rank.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of floats saturates, as is wanted"
)]
fn rank(position: f64, count: u64) -> u64 {
    (position as u64).min(count - 1)
}

/// What is asked of each line: quantiles, a median, or elements by their ranks.
#[derive(Clone, Debug)]
pub(super) enum Wanted<'a> {
    Quantiles(&'a [f64], Method),
    Median,
    Ranks(&'a [u64]),
}

impl Wanted<'_> {
    /// How many results a line has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Quantiles(q, _) => q.len(),
            Self::Median => 1,
            Self::Ranks(ranks) => ranks.len(),
        }
    }

    /// The recipes for a line of so many elements; none where there are no elements.
    pub(super) fn recipes(&self, count: u64) -> Vec<Recipe> {
        match self {
            _ if count == 0 => Vec::new(),
            Self::Quantiles(q, method) => q.iter().map(|&q| method.recipe(q, count)).collect(),
            Self::Median => vec![Recipe::Mean((count - 1) / 2, count / 2)],
            Self::Ranks(ranks) => ranks.iter().map(|&rank| Recipe::Pick(rank.min(count - 1))).collect(),
        }
    }

    /// The ranks that these need, ascending, each once.
    pub(super) fn ranks(&self, count: u64) -> Vec<u64> {
        let mut ranks: Vec<u64> = self.recipes(count).into_iter().flat_map(Recipe::ranks).collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks
    }

    /// Refuses quantiles outside of 0 to 1.
    pub(super) fn check(&self) -> Result<()> {
        let outside = |q: &&f64| !(0.0..=1.0).contains(*q);
        match self {
            Self::Quantiles(q, _) => match q.iter().find(outside) {
                Some(q) => {
                    let message = format!("quantile {q}: quantiles lie between 0 and 1");
                    Err(Error::new(ErrorKind::InvalidArgument, message))
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
