//! Several workers at once, or one where the crate is built without rayon.

#[cfg(feature = "rayon")]
mod rayon;
#[cfg(not(feature = "rayon"))]
mod serial;

#[cfg(feature = "rayon")]
pub(super) use self::rayon::{run, width};
#[cfg(not(feature = "rayon"))]
pub(super) use serial::{run, width};
