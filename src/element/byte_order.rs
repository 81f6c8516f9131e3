//! The order of the bytes of one scalar.

use serde::Serialize;

/// The order of the bytes of one scalar in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum ByteOrder {
    /// The lowest byte comes first; NumPy's `<`.
    Little,
    /// The highest byte comes first; NumPy's `>`.
    Big,
}

impl ByteOrder {
    /// The order of the machine that runs this code.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };

    /// NumPy's sign for it.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Little => '<',
            Self::Big => '>',
        }
    }
}
