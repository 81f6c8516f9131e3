//! Operations on whole arrays, in parallel and out of core.
//!
//! An operation is a method of [`Job`]. It takes any [`Source`]: an ndarray array or view, a mapped array, or a file. The
//! array is cut into a fixed grid of blocks of about half a mebibyte in storage order; workers reduce blocks in the cache,
//! and the partial results are folded in the order of the grid. So the bits of a result depend on the shape, the storage
//! order and the element type only, never on the number of threads or on where the elements are.
//!
//! Each operation has its own file, which states its arithmetic; `schedule` alone knows threads, progress and cancellation.

mod axis;
mod budget;
mod cancel;
mod extremes;
mod fold;
mod grid;
mod handles;
mod job;
mod kernel;
mod map;
mod max;
mod mean;
mod min;
mod moments;
mod number;
mod pairwise;
mod parallel;
mod schedule;
mod sink;
mod source;
mod stats;
mod sum;
#[cfg(test)]
mod tests;
mod total;
mod var;
mod vector;
mod verify;
mod views;
mod whole;

pub use axis::Reduced;
pub use cancel::CancelToken;
pub use job::{Job, Progress};
pub use number::Number;
pub use sink::{Part, Sink};
pub use source::{Scratch, Source};
pub use stats::{Stats, StatsAxis};
pub use verify::{Mismatch, SealState, Verification};

/// The type of a sum of the elements of `S`.
pub type Sum<S> = <<S as Source>::Elem as Number>::Sum;
/// The type of a mean of the elements of `S`.
pub type Mean<S> = <<S as Source>::Elem as Number>::Mean;
/// The type of the smallest and largest element of `S`.
pub type Value<S> = <<S as Source>::Elem as Number>::Value;
