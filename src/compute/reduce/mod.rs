//! Reductions: of all elements, or along an axis.

mod average;
mod axis;
mod extremes;
mod fold;
mod higher;
mod max;
mod mean;
mod min;
mod moments;
mod norm;
pub(in crate::compute) mod pairwise;
mod prod;
mod ptp;
mod stats;
mod sum;
mod total;
mod truth;
mod var;
mod whole;

pub(in crate::compute) use extremes::{Extremes, Rank};
pub(in crate::compute) use fold::Nan;

pub use axis::Reduced;
pub use stats::{Stats, StatsAxis};
