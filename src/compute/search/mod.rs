//! Where elements, values and byte patterns are.
//!
//! Whatever is looked for says how to look at a stretch of an array ([`sought`]); the walk over the stretches is the same for all.

#[cfg(feature = "search")]
mod bytes;
mod first;
mod marks;
mod member;
mod predicate;
#[cfg(feature = "search")]
mod regex;
mod replace;
#[cfg(feature = "search")]
mod replace_bytes;
mod sought;
#[cfg(feature = "search")]
mod stream;
mod value;

#[cfg(feature = "search")]
pub use bytes::Bytes;
