//! The same elements in another arrangement.
//!
//! Every operation here but the gathers by index states its result as a [`Mosaic`](mosaic::Mosaic): which part of the
//! result is which strided part of which source. `rearrange` computes any mosaic, and `pack` moves its elements in
//! memory.

mod concatenate;
mod index;
mod mosaic;
mod pack;
mod permute;
mod put;
mod rearrange;
mod reorder;
mod reshape;
mod roll;
mod slice;
mod split;
mod take;
mod tile;
mod twopass;

pub use index::Index;
