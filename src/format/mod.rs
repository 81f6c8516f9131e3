//! What the first bytes of a file say: pure functions on byte slices.

mod header;
pub mod native;
pub mod npy;
pub mod raw;

pub use header::{Format, Header};

/// The format of a file that begins with these bytes, or `None` for one without a known beginning.
///
/// [`npy::MAX_PREFIX`] bytes are enough. A raw file has no mark of its own and is never detected.
pub fn detect(prefix: &[u8]) -> Option<Format> {
    if prefix.starts_with(npy::MAGIC) {
        Some(Format::Npy)
    } else if prefix.starts_with(&native::MAGIC) {
        Some(Format::Native)
    } else {
        None
    }
}
