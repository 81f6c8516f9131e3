//! Histograms of pairs of elements.

use std::ops::Range;

use ndarray::Array2;

use super::bins::{Bins, check_count, check_edges, linspace};
use super::edges::Edges;
use super::table::{Desk, Placed, Places, counts, sums};
use super::whole::same_shape;
use crate::compute::Job;
use crate::compute::engine::source::Source;
use crate::compute::real::{Ordinal, Real};
use crate::error::{Error, ErrorKind, Result};

/// How many pairs are in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram2d {
    /// The pairs in each bin, a row for each bin of the first elements.
    pub counts: Array2<u64>,
    /// The edges of the bins of the first elements.
    pub x_edges: Vec<f64>,
    /// The edges of the bins of the second elements.
    pub y_edges: Vec<f64>,
}

impl Histogram2d {
    /// The counts as a density, whose integral over the bins is 1.
    pub fn density(&self) -> Array2<f64> {
        density(self.counts.mapv(|count| count as f64), &self.x_edges, &self.y_edges)
    }
}

/// The weights of the pairs in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedHistogram2d {
    /// The sum of the weights of the pairs in each bin, a row for each bin of the first elements.
    pub sums: Array2<f64>,
    /// The edges of the bins of the first elements.
    pub x_edges: Vec<f64>,
    /// The edges of the bins of the second elements.
    pub y_edges: Vec<f64>,
}

impl WeightedHistogram2d {
    /// The sums as a density, whose integral over the bins is 1.
    pub fn density(&self) -> Array2<f64> {
        density(self.sums.clone(), &self.x_edges, &self.y_edges)
    }
}

fn density(mut numbers: Array2<f64>, x_edges: &[f64], y_edges: &[f64]) -> Array2<f64> {
    let total = numbers.sum();
    for ((x, y), number) in numbers.indexed_iter_mut() {
        *number = *number / (x_edges[x + 1] - x_edges[x]) / (y_edges[y + 1] - y_edges[y]) / total;
    }
    numbers
}

/// Pairs of elements, each placed by its own edges.
struct Pairs<'a, X, Y> {
    x: Placed<'a, X, Edges>,
    y: Placed<'a, Y, Edges>,
}

impl<X: Real, Y: Real> Places for Pairs<'_, X, Y> {
    type Desk = (Desk<X>, Desk<Y>, Vec<u32>);

    fn bins(&self) -> u64 {
        self.x.bins() * self.y.bins()
    }

    fn bytes(&self) -> u64 {
        self.x.bytes() + self.y.bytes()
    }

    fn scratch(&self, job: &Job<'_>) -> u64 {
        self.x.scratch(job) + self.y.scratch(job) + 4 * job.grid.block_of::<u64>() as u64
    }

    fn visit(
        &self,
        job: &Job<'_>,
        (x_desk, y_desk, places): &mut Self::Desk,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u32]),
    ) -> Result<()> {
        let fitting = |bins: u64| u32::try_from(bins).unwrap_or(u32::MAX);
        let (columns, all) = (fitting(self.y.bins()), fitting(self.bins()));
        let rows = fitting(self.x.bins());
        places.clear();
        // Rows in no bin are marked by the number of all bins.
        self.x.visit(job, x_desk, range.clone(), &mut |x| {
            places.extend(x.iter().map(|&row| if row < rows { row * columns } else { all }));
        })?;
        let mut rest = &mut places[..];
        self.y.visit(job, y_desk, range, &mut |y| {
            let (here, after) = std::mem::take(&mut rest).split_at_mut(y.len());
            for (place, &column) in here.iter_mut().zip(y) {
                *place = if *place < all && column < columns { *place + column } else { all };
            }
            visit(here);
            rest = after;
        })
    }
}

impl Job<'_> {
    /// How many pairs of elements at equal places are in each bin: `np.histogram2d(x, y, bins, range)`, with the same counts,
    /// as integers.
    ///
    /// The rules are those of [`Self::histogram`], but for two: an element is placed by the edges alone, and bins may not come
    /// from a rule. If the second array is stored in the other order, it is turned first, in a temporary file.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Bins;
    /// use outcore::ndarray::array;
    ///
    /// let (x, y) = (array![0.0_f64, 1.0, 1.0, 2.0], array![0_i32, 5, 9, 10]);
    /// let bins = [Bins::Count(2), Bins::Edges(&[0.0, 5.0, 10.0])];
    /// let histogram = Job::new().histogram2d(&x, &y, bins, [None, None])?;
    /// assert_eq!(histogram.counts, array![[1, 0], [0, 3]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Self::histogram`]; [`ErrorKind::Shape`] where the shapes differ.
    pub fn histogram2d<X: Source<Elem: Real>, Y: Source<Elem: Real>>(
        &self,
        x: &X,
        y: &Y,
        bins: [Bins<'_>; 2],
        range: [Option<(f64, f64)>; 2],
    ) -> Result<Histogram2d> {
        let count = same_shape(x, y)?;
        let (x_edges, y_edges) = (self.edges(x, bins[0], range[0])?, self.edges(y, bins[1], range[1])?);
        let Some([rows, columns]) = bins_of(&x_edges, &y_edges)? else {
            let counts = Array2::zeros((bins_in(&x_edges), bins_in(&y_edges)));
            return Ok(Histogram2d { counts, x_edges, y_edges });
        };
        let (by_x, by_y) = (Edges::new(&x_edges), Edges::new(&y_edges));
        let counts = self.in_order_of(x, y, |y| {
            let pairs = Pairs { x: Placed { source: x, placer: &by_x }, y: Placed { source: y, placer: &by_y } };
            counts(self, &pairs, count)
        })?;
        Ok(Histogram2d { counts: in_rows(counts, rows, columns)?, x_edges, y_edges })
    }

    /// The sum of the weights of the pairs in each bin: `np.histogram2d(x, y, bins, range, weights=weights)`.
    ///
    /// # Errors
    ///
    /// As [`Self::histogram2d`] and [`Self::histogram_weighted`].
    pub fn histogram2d_weighted<X: Source<Elem: Real>, Y: Source<Elem: Real>, W: Source<Elem: Real>>(
        &self,
        x: &X,
        y: &Y,
        bins: [Bins<'_>; 2],
        range: [Option<(f64, f64)>; 2],
        weights: &W,
    ) -> Result<WeightedHistogram2d> {
        same_shape(x, weights)?;
        let count = same_shape(x, y)?;
        let (x_edges, y_edges) = (self.edges(x, bins[0], range[0])?, self.edges(y, bins[1], range[1])?);
        let Some([rows, columns]) = bins_of(&x_edges, &y_edges)? else {
            let sums = Array2::zeros((bins_in(&x_edges), bins_in(&y_edges)));
            return Ok(WeightedHistogram2d { sums, x_edges, y_edges });
        };
        let (by_x, by_y) = (Edges::new(&x_edges), Edges::new(&y_edges));
        let sums = self.in_order_of(x, y, |y| {
            let pairs = Pairs { x: Placed { source: x, placer: &by_x }, y: Placed { source: y, placer: &by_y } };
            self.in_order_of(x, weights, |weights| sums(self, &pairs, weights, count))
        })?;
        Ok(WeightedHistogram2d { sums: in_rows(sums, rows, columns)?, x_edges, y_edges })
    }

    /// The edges of the bins along one of the two axes.
    fn edges<S: Source<Elem: Real>>(&self, a: &S, bins: Bins<'_>, range: Option<(f64, f64)>) -> Result<Vec<f64>> {
        match bins {
            Bins::Edges(edges) => {
                check_edges(edges)?;
                Ok(edges.to_vec())
            }
            Bins::Count(bins) => {
                check_count(bins)?;
                let _room = self.hold(bins.saturating_mul(32))?;
                let span = self.span(a, range)?;
                let (low, high) = span.given.unwrap_or((span.first.to_f64(), span.last.to_f64()));
                Ok(linspace(low, high, bins))
            }
            Bins::Rule(_) => {
                let message = "a rule for the number of bins is for one array";
                Err(Error::new(ErrorKind::InvalidArgument, message).with_hint("give the number of bins, or edges"))
            }
        }
    }
}

fn bins_in(edges: &[f64]) -> usize {
    edges.len().saturating_sub(1)
}

/// The numbers of bins; None where there are none, and an error where there are more than can be counted.
fn bins_of(x_edges: &[f64], y_edges: &[f64]) -> Result<Option<[usize; 2]>> {
    let bins = [bins_in(x_edges), bins_in(y_edges)];
    if bins.contains(&0) {
        return Ok(None);
    }
    match bins[0].checked_mul(bins[1]).and_then(|all| i32::try_from(all).ok()) {
        Some(all) if all < i32::MAX => Ok(Some(bins)),
        _ => {
            let message = format!("{} x {} bins; {} are the most", bins[0], bins[1], i32::MAX - 1);
            Err(Error::new(ErrorKind::TooLarge, message))
        }
    }
}

fn in_rows<A>(numbers: Vec<A>, rows: usize, columns: usize) -> Result<Array2<A>> {
    Array2::from_shape_vec((rows, columns), numbers).map_err(|error| Error::new(ErrorKind::Shape, error.to_string()))
}
