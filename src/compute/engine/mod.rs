//! How every operation runs: where elements come from and go to, in which pieces, on which threads, within which memory.

mod budget;
mod cancel;
pub(in crate::compute) mod grid;
mod handles;
mod job;
mod output;
mod parallel;
pub(in crate::compute) mod pool;
mod relay;
mod schedule;
mod scratch;
pub(in crate::compute) mod sink;
pub(in crate::compute) mod source;
pub(in crate::compute) mod target;
mod transposed;
pub(in crate::compute) mod vector;
mod views;

pub use cancel::CancelToken;
pub use job::{Job, Progress};
pub use output::Output;
pub use sink::{Part, Sink};
pub use source::{Scratch, Source};
pub(in crate::compute) use target::page_of;
pub use target::{Store, Target};
pub use transposed::Transposed;

pub(in crate::compute) use job::Held;
pub(in crate::compute) use relay::Relay;
pub(in crate::compute) use schedule::{Load, Shift};
pub(in crate::compute) use scratch::{ScratchFile, Stored};
