//! Operations on whole arrays, in parallel and out of core.
//!
//! An operation is a method of [`Job`]. It takes any [`Source`]: an ndarray array or view, a mapped array, or a file. The
//! array is cut into a fixed grid of blocks of about half a mebibyte in storage order; workers reduce blocks in the cache,
//! and the partial results are folded in the order of the grid. So the bits of a result depend on the shape, the storage
//! order and the element type only, never on the number of threads or on where the elements are.
//!
//! An operation whose result is an array is an [`Output`]: nothing is computed until it is saved to a new file, written to an
//! array that is there, or collected into memory.
//!
//! Each operation has its own file, which states its arithmetic; the engine alone knows files, threads, progress and
//! cancellation.

mod along;
mod cumulative;
mod elementwise;
mod engine;
mod histogram;
mod kernel;
mod layout;
#[cfg(feature = "linalg")]
mod linalg;
mod methods;
mod number;
mod quantile;
mod real;
mod reduce;
mod rolling;
mod search;
mod sort;
mod verify;

pub use elementwise::{
    Cast, CastReport, Casting, broadcast_to, cast, clip, equal, greater, greater_equal, is_finite, is_infinite, is_nan,
    less, less_equal, logical_and, logical_not, logical_or, logical_xor, map, not_equal, rint, select, zip, zip_slice,
    zip3,
};
pub use engine::{CancelToken, Job, Output, Part, Progress, Scratch, Sink, Source, Store, Target, Transposed};
pub use histogram::{BinRule, Bins, Histogram, Histogram2d, WeightedHistogram, WeightedHistogram2d};
pub use layout::Index;
#[cfg(feature = "linalg")]
pub use linalg::{Columns, Entry, LeastSquares, Pca, Product, RealEntry, Svd, SvdOptions};
pub use number::Number;
pub use quantile::{Method, Side, Top, TopK};
pub use real::{Integer, Real};
pub use reduce::{Reduced, Stats, StatsAxis};
pub use rolling::Rolling;
#[cfg(feature = "search")]
pub use search::Bytes;
pub use verify::{Mismatch, SealState, Verification};

/// The type of a sum of the elements of `S`.
pub type Sum<S> = <<S as Source>::Elem as Number>::Sum;
/// The type of a mean of the elements of `S`.
pub type Mean<S> = <<S as Source>::Elem as Number>::Mean;
/// The type of a running sum or product of the elements of `S`.
pub type Running<S> = <<S as Source>::Elem as Number>::Running;
/// The type of the smallest and largest element of `S`.
pub type Value<S> = <<S as Source>::Elem as Number>::Value;
