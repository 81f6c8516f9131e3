//! Element by element.
//!
//! An expression is a source: it reads its inputs when it is read, so that every operation takes it, and nothing lies between
//! in memory but tiles that fit the first-level cache. An operation that makes an array is the copy of an expression.

mod align;
mod casting;
mod compress;
mod copy;
mod expression;
mod inplace;
mod map;
mod numeric;
mod scalar;
mod select;
mod zip;

pub use align::broadcast_to;
pub use casting::{Cast, CastReport, Casting, cast, rint};
pub use map::map;
pub use numeric::{
    equal, greater, greater_equal, is_finite, is_infinite, is_nan, less, less_equal, logical_and, logical_not,
    logical_or, logical_xor, not_equal,
};
pub use select::{clip, select};
pub use zip::{zip, zip_slice, zip3};
