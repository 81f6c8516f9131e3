//! Going along an axis of an array in storage: how it is cut into units, and how these are read.

pub(in crate::compute) mod items;
pub(in crate::compute) mod lanes;
