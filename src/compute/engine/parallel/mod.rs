//! Several workers at once, or one where the crate is built without rayon.

#[cfg(feature = "rayon")]
mod rayon;
#[cfg(not(feature = "rayon"))]
mod serial;

#[cfg(feature = "rayon")]
pub(in crate::compute) use self::rayon::Workers;
#[cfg(not(feature = "rayon"))]
pub(in crate::compute) use serial::Workers;
