//! Running sums and products: each element and all before it.
//!
//! A [`Rule`](rule::Rule) states the arithmetic, [`walk`] carries it along an axis, and [`flat`] along all elements in row-major
//! order, whatever the storage order is.

mod cumprod;
mod cumsum;
mod flat;
mod integer;
mod overflow;
mod prod;
mod rule;
mod sum;
mod walk;

pub(super) use rule::Accumulator;
