//! What is sorted: unsigned integers, in which a key stands above whatever else goes with it.

use std::fmt::Debug;
use std::ops::Range;

use bytemuck::Pod;

/// An unsigned integer of some width, ordered as such.
#[doc(hidden)]
pub trait Record: Pod + Ord + Debug + Send + Sync {
    /// Its width.
    const BITS: u32;

    /// The 32 bits from bit `shift` on, and zeros above the highest.
    fn bits(self, shift: u32) -> u32;

    /// The bits in which the two differ, and those that are set in `mask`.
    fn differing(self, other: Self, mask: Self) -> Self;

    /// From the lowest bit that is set to the one above the highest.
    fn span(self) -> Range<u32>;

    /// All bits inverted, which turns the order around.
    fn inverted(self) -> Self;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Record for $type {
            const BITS: u32 = Self::BITS;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, reason = "the low bits are asked for")]
            fn bits(self, shift: u32) -> u32 {
                (self >> shift) as u32
            }

            #[inline(always)]
            fn differing(self, other: Self, mask: Self) -> Self {
                (self ^ other) | mask
            }

            fn span(self) -> Range<u32> {
                if self == 0 { 0..0 } else { self.trailing_zeros()..Self::BITS - self.leading_zeros() }
            }

            #[inline(always)]
            fn inverted(self) -> Self {
                !self
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, u128);

/// A number of 192 bits, the highest word first.
impl Record for [u64; 3] {
    const BITS: u32 = 192;

    #[inline(always)]
    fn bits(self, shift: u32) -> u32 {
        let (word, shift) = (2 - (shift / 64) as usize, shift % 64);
        let low = self[word];
        let high = if word == 0 { 0 } else { self[word - 1] };
        ((u128::from(high) << 64) | u128::from(low)).bits(shift)
    }

    #[inline(always)]
    fn differing(self, other: Self, mask: Self) -> Self {
        std::array::from_fn(|word| self[word].differing(other[word], mask[word]))
    }

    fn span(self) -> Range<u32> {
        let spans = [(self[0].span(), 128), (self[1].span(), 64), (self[2].span(), 0)];
        let set = || spans.iter().filter(|(span, _)| !span.is_empty());
        let end = set().map(|(span, base)| span.end + base).max();
        let start = set().map(|(span, base)| span.start + base).min();
        start.unwrap_or(0)..end.unwrap_or(0)
    }

    #[inline(always)]
    fn inverted(self) -> Self {
        self.map(|word| !word)
    }
}
