//! Which bins: how many over which range, or explicit edges.

use crate::compute::engine::source::Source;
use crate::compute::real::{Float, Ordinal, Real};
use crate::compute::reduce::{Extremes, Nan, Rank};
use crate::compute::{Job, Number};
use crate::error::{Error, ErrorKind, Result};

/// The bins of a histogram: the `bins` of `np.histogram`.
///
/// Numbers, slices of edges and rules turn into it by themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Bins<'e> {
    /// So many bins of equal width.
    Count(u64),
    /// These edges, ascending, one more than there are bins. The last bin holds its upper edge too.
    Edges(&'e [f64]),
    /// As many bins of equal width as a rule makes of the data.
    Rule(BinRule),
}

impl From<u64> for Bins<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<i32> for Bins<'_> {
    /// A negative number of bins is refused like 0.
    fn from(count: i32) -> Self {
        Self::Count(count.try_into().unwrap_or(0))
    }
}

impl From<usize> for Bins<'_> {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl<'e> From<&'e [f64]> for Bins<'e> {
    fn from(edges: &'e [f64]) -> Self {
        Self::Edges(edges)
    }
}

impl<'e, const N: usize> From<&'e [f64; N]> for Bins<'e> {
    fn from(edges: &'e [f64; N]) -> Self {
        Self::Edges(edges)
    }
}

impl<'e> From<&'e Vec<f64>> for Bins<'e> {
    fn from(edges: &'e Vec<f64>) -> Self {
        Self::Edges(edges)
    }
}

impl From<BinRule> for Bins<'_> {
    fn from(rule: BinRule) -> Self {
        Self::Rule(rule)
    }
}

/// How the number of bins follows from the data: the rules of `np.histogram_bin_edges`, by their names there, but for `stone`,
/// which takes a histogram for each number of bins that it tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BinRule {
    /// The narrower of `Sturges` and of `FreedmanDiaconis`, the latter at least half as wide as `Sqrt`.
    #[default]
    Auto,
    /// `fd`: twice the interquartile range over the cube root of the count.
    FreedmanDiaconis,
    /// Sturges with a correction for skewness.
    Doane,
    /// By the standard deviation and the cube root of the count.
    Scott,
    /// Twice the cube root of the count.
    Rice,
    /// The binary logarithm of the count, and 1.
    Sturges,
    /// The square root of the count.
    Sqrt,
}

/// The ends of bins of equal width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<N: Ordinal> {
    pub(super) first: N::Float,
    pub(super) last: N::Float,
    /// The distance of the ends, as NumPy has it: of the given numbers, or of the elements themselves.
    pub(super) distance: f64,
    /// The ends, where the caller gave them: NumPy then computes with their type.
    pub(super) given: Option<(f64, f64)>,
}

impl<N: Ordinal> Span<N> {
    fn new(low: f64, high: f64, given: bool) -> Self {
        let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
        let [first, last] = [low, high].map(N::Float::from_f64);
        let distance = if given { high - low } else { (last - first).to_f64() };
        Self { first, last, distance, given: given.then_some((low, high)) }
    }

    /// `np.linspace` from end to end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where neighbouring edges would be equal.
    pub(super) fn edges(&self, bins: u64) -> Result<Vec<N::Float>> {
        let edges: Vec<N::Float> = match self.given {
            Some((low, high)) => linspace(low, high, bins).into_iter().map(N::Float::from_f64).collect(),
            None => linspace(self.first, self.last, bins),
        };
        if edges.windows(2).any(|pair| pair[0] >= pair[1]) {
            let message = format!("too many bins for the range of the data: {bins} bins would have no width");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(edges)
    }
}

/// Evenly spaced numbers, one more than `bins`, with the roundings of NumPy.
pub(super) fn linspace<F: Float>(first: F, last: F, bins: u64) -> Vec<F> {
    let (parts, delta) = (F::from_f64(bins as f64), last - first);
    let step = delta / parts;
    let place = |at: u64| {
        let at = F::from_f64(at as f64);
        if step.is_zero() { at / parts * delta + first } else { at * step + first }
    };
    (0..bins).map(place).chain([last]).collect()
}

/// Refuses edges that do not ascend.
pub(super) fn check_edges(edges: &[f64]) -> Result<()> {
    let ascending = |pair: &[f64]| pair[0] <= pair[1];
    if edges.iter().any(|edge| edge.is_nan()) || !edges.windows(2).all(ascending) {
        let at = edges.windows(2).position(|pair| !ascending(pair)).unwrap_or(0);
        let message =
            format!("the edges of bins must ascend; edge {at} is {:?}, the next is {:?}", edges[at], edges.get(at + 1));
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

/// The error of no bins.
pub(super) fn check_count(bins: u64) -> Result<()> {
    if bins == 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, "a histogram needs one bin at least"));
    }
    Ok(())
}

impl Job<'_> {
    /// The ends of the bins: those given, or the smallest and largest element, or 0 and 1 where there is none.
    pub(super) fn span<S: Source<Elem: Real>>(
        &self,
        a: &S,
        range: Option<(f64, f64)>,
    ) -> Result<Span<<S::Elem as Number>::Native>> {
        if let Some((low, high)) = range {
            if low > high {
                let message = format!("a range from {low} to {high}: the second must not be less");
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            finite(low, high, "the given range")?;
            return Ok(Span::new(low, high, true));
        }
        let pair = self.reduce(a, Extremes { nan: Nan::Propagate, locate: false })?;
        let (low, high) = match pair.min.rank {
            Rank::None => (<S::Elem as Number>::Native::default(), <S::Elem as Number>::Native::default()),
            _ => (pair.min.value, pair.max.value),
        };
        if pair.min.rank == Rank::None {
            return Ok(Span::new(0.0, 1.0, true));
        }
        finite(low.to_f64(), high.to_f64(), "the range of the elements")?;
        let mut span: Span<<S::Elem as Number>::Native> = Span::new(low.to_f64(), high.to_f64(), false);
        if <S::Elem as Number>::Native::INTEGER && low < high {
            // The distance of 64-bit integers is exact before it is rounded.
            span.distance = (high.key() - low.key()) as f64;
        }
        Ok(span)
    }
}

fn finite(low: f64, high: f64, what: &str) -> Result<()> {
    if low.is_finite() && high.is_finite() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidArgument, format!("{what} is {low} to {high}, which is not finite"))
        .with_hint("give a finite range"))
}
