//! NumPy's `.npy`, versions 1.0, 2.0 and 3.0: what its header says, and headers as NumPy writes them.
//!
//! A header is a magic string, a version, a length, and the text of a Python dict; the elements follow.

mod read;
mod write;

pub use read::{DEFAULT_MAX_HEADER, header_end, parse};
pub use write::{header, header_in, header_with_version};

/// The first bytes of every `.npy` file.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Magic string and version.
const VERSION_END: usize = 8;

/// The width of the length field for a version that exists.
fn length_width(version: (u8, u8)) -> Option<usize> {
    match version {
        (1, 0) => Some(2),
        (2 | 3, 0) => Some(4),
        _ => None,
    }
}

/// Bytes before the text of the header: the most that [`header_end`] looks at.
pub const MAX_PREFIX: usize = VERSION_END + 4;

#[cfg(test)]
mod tests;
