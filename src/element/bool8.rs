//! A truth value of one byte for which every byte is legal.

use std::fmt;

use bytemuck::{Pod, Zeroable};

/// A truth value of one byte: 0 is false, every other byte is true, as NumPy reads its `bool`.
///
/// A Rust `bool` may only be 0 or 1, so opening a file as `bool` looks at every byte first. `Bool8` opens at once.
///
/// ```
/// use outcore::Bool8;
///
/// assert!(Bool8::from(true).get());
/// assert_eq!(Bool8::from_byte(7), Bool8::from(true));
/// ```
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct Bool8(u8);

// SAFETY: a transparent wrapper of `u8`, whose all-zero pattern is a value.
unsafe impl Zeroable for Bool8 {}
// SAFETY: a transparent wrapper of `u8`: `Copy`, `'static`, no padding, every bit pattern a value.
unsafe impl Pod for Bool8 {}

impl Bool8 {
    /// The value of a byte as found in a file.
    pub fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// True for every byte but 0.
    pub fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Bool8 {
    fn from(value: bool) -> Self {
        Self(u8::from(value))
    }
}

impl From<Bool8> for bool {
    fn from(value: Bool8) -> Self {
        value.get()
    }
}

impl PartialEq for Bool8 {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Bool8 {}

impl PartialOrd for Bool8 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bool8 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.get().cmp(&other.get())
    }
}

impl std::hash::Hash for Bool8 {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl fmt::Debug for Bool8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl fmt::Display for Bool8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
