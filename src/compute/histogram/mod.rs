//! Counting: histograms, and occurrences of integers.
//!
//! A *placer* turns the elements of a leaf into the numbers of their bins; a table per worker counts them, in several
//! sub-tables so that neighbours in the same bin do not wait for one another. Weights are added up in segments that are fixed
//! by the shape, and the segments in order, so the sums have the same bits for any number of threads.

mod bincount;
mod bins;
mod edges;
mod plane;
mod rules;
mod table;
mod uniform;
mod whole;

pub use bins::{BinRule, Bins};
pub use plane::{Histogram2d, WeightedHistogram2d};
pub use whole::{Histogram, WeightedHistogram};
