//! Exact order statistics: quantiles, medians, percentiles, and single values by rank.
//!
//! Sorting is not needed to find some ranks. A small sample at fixed places brackets each of them; one pass counts the
//! elements around every bracket and collects those inside; the ranks are then selected among the collected. That is Floyd and
//! Rivest, "Expected time bounds for selection", CACM 18 (1975), with the file in the place of the array. Where a bracket
//! misses its rank, or holds more than the memory does, a histogram of order-preserving keys narrows the range, pass by pass,
//! to 1/65536 of it. Nothing is written, and the source is not copied.
//!
//! [`method`] says which ranks a quantile needs and what it makes of their values; [`search`] finds the values, with
//! [`sample`], [`sift`] (by [`ends`]) and [`radix`] as its steps on [`lines`]; [`short`] selects in lines that fit memory. [`top_k`] and
//! [`searchsorted`] go their own ways.

mod axis;
mod ends;
mod lines;
mod method;
mod radix;
mod sample;
mod search;
mod searchsorted;
mod short;
mod sift;
mod top_k;
mod whole;

pub use method::Method;
pub use searchsorted::Side;
pub use top_k::{Top, TopK};
