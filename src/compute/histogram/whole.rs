//! Histograms of one array.

use std::marker::PhantomData;

use super::bins::{Bins, check_count, check_edges};
use super::edges::Edges;
use super::table::{Placed, Placer, counts, sums};
use super::uniform::Uniform;
use crate::compute::Job;
use crate::compute::engine::source::{Blocks, Source, shape_of};
use crate::compute::number::Number;
use crate::compute::real::{Ordinal, Real};
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

/// How many elements are in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The elements in each bin.
    pub counts: Vec<u64>,
    /// The edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
}

impl Histogram {
    /// The counts as a density, whose integral over the bins is 1: `np.histogram(.., density=True)`. All are NaN where no
    /// element is in any bin. The widths of the bins are those of the edges in `f64`, where NumPy rounds them to `f32` for
    /// elements of that type.
    pub fn density(&self) -> Vec<f64> {
        let total = self.counts.iter().sum::<u64>() as f64;
        density(self.counts.iter().map(|&count| count as f64), &self.edges, total)
    }
}

/// The weights of the elements in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedHistogram {
    /// The sum of the weights of the elements in each bin.
    pub sums: Vec<f64>,
    /// The edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
}

impl WeightedHistogram {
    /// The sums as a density, whose integral over the bins is 1.
    pub fn density(&self) -> Vec<f64> {
        density(self.sums.iter().copied(), &self.edges, self.sums.iter().sum())
    }
}

fn density(numbers: impl Iterator<Item = f64>, edges: &[f64], total: f64) -> Vec<f64> {
    numbers.zip(edges.windows(2)).map(|(number, edge)| number / (edge[1] - edge[0]) / total).collect()
}

/// Bins that are laid out, and know where elements go.
enum Laid<N: Ordinal> {
    Uniform(Uniform<N>),
    Edges(Vec<f64>, Edges),
    /// Fewer than two edges.
    None(Vec<f64>),
}

impl Job<'_> {
    /// How many elements are in each bin: `np.histogram(a, bins, range)`, with the same counts.
    ///
    /// `bins` is a number of bins, a slice of edges, or a [`BinRule`](super::BinRule). Bins of equal width lie over `range`, or
    /// from the smallest to the largest element, which takes a pass of its own. Each bin holds its lower edge; the last holds
    /// both. Elements outside of all bins do not count, and neither do NaN. An array without elements has its bins from 0 to
    /// 1, one whose elements are all equal has them half a unit to each side.
    ///
    /// As in NumPy, `f32` are placed in the arithmetic of `f32`, all other types in that of `f64`; `f16` as `f32`.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::BinRule;
    /// use outcore::ndarray::array;
    ///
    /// let job = Job::new();
    /// let a = array![1.0_f64, 2.0, 1.0, 4.0, 5.0];
    /// let histogram = job.histogram(&a, 4, None)?;
    /// assert_eq!(histogram.counts, [2, 1, 0, 2]);
    /// assert_eq!(histogram.edges, [1.0, 2.0, 3.0, 4.0, 5.0]);
    /// assert_eq!(histogram.density(), [0.4, 0.2, 0.0, 0.4]);
    /// assert_eq!(job.histogram(&a, &[0.0, 2.0, 10.0], None)?.counts, [2, 3]);
    /// assert_eq!(job.histogram(&a, 2, Some((0.0, 4.0)))?.counts, [2, 2]);
    /// assert_eq!(job.histogram(&a, BinRule::Sturges, None)?.counts, [2, 1, 0, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for no bins, edges that do not ascend or are NaN, a range that is not finite or runs
    /// backwards, elements whose range is not finite, and bins without a width; [`ErrorKind::TooLarge`] for 2^31 bins; those
    /// of reading the source, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn histogram<'e, S: Source<Elem: Real>>(
        &self,
        a: &S,
        bins: impl Into<Bins<'e>>,
        range: Option<(f64, f64)>,
    ) -> Result<Histogram> {
        let count = shape::sizes(&shape_of(a), size_of::<S::Elem>() as u64)?.0;
        match self.lay_out(a, bins.into(), range)? {
            Laid::Uniform(uniform) => {
                let edges = uniform.edges.iter().map(|edge| edge.to_f64()).collect();
                Ok(Histogram { counts: self.counts_of(a, &uniform, count)?, edges })
            }
            Laid::Edges(edges, search) => Ok(Histogram { counts: self.counts_of(a, &search, count)?, edges }),
            Laid::None(edges) => Ok(Histogram { counts: Vec::new(), edges }),
        }
    }

    /// The sum of the weights of the elements in each bin: `np.histogram(a, bins, range, weights=weights)`.
    ///
    /// The weights are added up in `f64`, in an order that depends on the shape only. A NaN weight makes a NaN of its bin.
    /// Weights whose storage order is not that of the elements are brought into it first, in a temporary file.
    ///
    /// # Errors
    ///
    /// As [`Self::histogram`]; [`ErrorKind::Shape`] where the shapes differ; [`ErrorKind::InvalidArgument`] for a
    /// [`BinRule`](super::BinRule), as in NumPy.
    pub fn histogram_weighted<'e, S: Source<Elem: Real>, W: Source<Elem: Real>>(
        &self,
        a: &S,
        bins: impl Into<Bins<'e>>,
        range: Option<(f64, f64)>,
        weights: &W,
    ) -> Result<WeightedHistogram> {
        let count = same_shape(a, weights)?;
        let bins = bins.into();
        if let Bins::Rule(_) = bins {
            let message = "a rule for the number of bins does not know of weights";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_hint("give the number of bins, or edges"));
        }
        match self.lay_out(a, bins, range)? {
            Laid::Uniform(uniform) => {
                let edges = uniform.edges.iter().map(|edge| edge.to_f64()).collect();
                let places = Placed { source: a, placer: &uniform };
                let sums = self.in_order_of(a, weights, |weights| sums(self, &places, weights, count))?;
                Ok(WeightedHistogram { sums, edges })
            }
            Laid::Edges(edges, search) => {
                let places = Placed { source: a, placer: &search };
                let sums = self.in_order_of(a, weights, |weights| sums(self, &places, weights, count))?;
                Ok(WeightedHistogram { sums, edges })
            }
            Laid::None(edges) => Ok(WeightedHistogram { sums: Vec::new(), edges }),
        }
    }

    fn lay_out<S: Source<Elem: Real>>(
        &self,
        a: &S,
        bins: Bins<'_>,
        range: Option<(f64, f64)>,
    ) -> Result<Laid<<S::Elem as Number>::Native>> {
        let (span, bins) = match bins {
            Bins::Edges(edges) => {
                check_edges(edges)?;
                return Ok(match edges {
                    [] | [_] => Laid::None(edges.to_vec()),
                    _ => Laid::Edges(edges.to_vec(), Edges::new(edges)),
                });
            }
            Bins::Count(bins) => {
                check_count(bins)?;
                (self.span(a, range)?, bins)
            }
            Bins::Rule(rule) => {
                let span = self.span(a, range)?;
                (span, self.bins_by(rule, a, span)?)
            }
        };
        let few = u32::try_from(bins).ok().filter(|&bins| bins < i32::MAX.unsigned_abs());
        let Some(few) = few else {
            return Err(Error::new(ErrorKind::TooLarge, format!("{bins} bins; {} are the most", i32::MAX - 1)));
        };
        // The edges, in two types, and the tables.
        let _room = self.hold(bins * 32)?;
        Ok(Laid::Uniform(Uniform::new(span, few)?))
    }

    fn counts_of<T: Real>(
        &self,
        source: &dyn Blocks<T>,
        placer: &impl Placer<T::Native>,
        count: u64,
    ) -> Result<Vec<u64>> {
        let values = Keys::<T::Native>::count();
        if values > count || !self.has_room_for(values) {
            return counts(self, &Placed { source, placer }, count);
        }
        // Few values occur often: each is counted by itself, and placed once.
        let by_value = counts(self, &Placed { source, placer: &Keys::<T::Native>::new() }, count)?;
        let mut counts = vec![0; usize::try_from(placer.bins()).unwrap_or(usize::MAX) + 1];
        let values: Vec<T::Native> = (0..values).map(T::Native::from_key).collect();
        let mut places = vec![0; values.len()];
        placer.place(&values, &mut places);
        places.iter().zip(by_value).for_each(|(&place, count)| counts[place as usize] += count);
        counts.pop();
        Ok(counts)
    }
}

/// Each value of a short integer type is its own bin.
struct Keys<N>(PhantomData<N>);

impl<N: Ordinal> Keys<N> {
    fn new() -> Self {
        Self(PhantomData)
    }

    /// The number of values; too many for a table where the type is not that of short integers.
    fn count() -> u64 {
        if N::INTEGER { N::MAX.key().saturating_add(1) } else { u64::MAX }
    }
}

impl<N: Ordinal> Placer<N> for Keys<N> {
    fn bins(&self) -> u64 {
        Self::count()
    }

    fn place(&self, items: &[N], places: &mut [u32]) {
        for (item, place) in items.iter().zip(places) {
            *place = u32::try_from(item.key()).unwrap_or(u32::MAX);
        }
    }
}

/// The number of elements of two sources of the same shape.
pub(super) fn same_shape<A: Source, B: Source>(a: &A, b: &B) -> Result<u64> {
    let (shape, other) = (shape_of(a), shape_of(b));
    if shape != other {
        let message =
            format!("shapes {} and {}, which should be the same", shape::display(&shape), shape::display(&other));
        return Err(Error::new(ErrorKind::Shape, message));
    }
    shape::sizes(&other, size_of::<B::Elem>() as u64)?;
    Ok(shape::sizes(&shape, size_of::<A::Elem>() as u64)?.0)
}
