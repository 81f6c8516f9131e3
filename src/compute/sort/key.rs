//! Elements as unsigned integers of the same order, and back.

use super::record::Record;
use crate::element::{Bool8, Element, Endian, Ordered, Scalar};

/// An element type with an order.
///
/// The order of the keys is that of the elements as NumPy sorts them: NaN stands last, and a complex number is ordered by its
/// real and then by its imaginary part. Among what NumPy calls equal, -0.0 stands before 0.0.
#[doc(hidden)]
pub trait Keyed: Element {
    /// The integer.
    type Key: Key;

    /// The key of an element.
    fn key(self) -> Self::Key;

    /// The element of a key; NaN parts of complex numbers lose their payload.
    fn from_key(key: Self::Key) -> Self;

    /// The one key for all elements that NumPy's sort takes for equal: zeros of either sign, NaN of all kinds.
    fn same(key: Self::Key) -> Self::Key;
}

/// A [`Record`] that can take the place of an element.
#[doc(hidden)]
pub trait Key: Record {
    /// The key above a word of 64 bits.
    type Wide: Record;

    /// The key above the index.
    fn with_index(self, index: u64) -> Self::Wide;

    /// The key and the index.
    fn split(wide: Self::Wide) -> (Self, u64);

    /// The key of these lowest bits.
    fn from_low_bits(bits: u32) -> Self;
}

macro_rules! narrow_keys {
    ($($type:ty),*) => {$(
        impl Key for $type {
            type Wide = u128;

            #[inline(always)]
            fn with_index(self, index: u64) -> u128 {
                (u128::from(self) << 64) | u128::from(index)
            }

            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "the two parts of what was joined")]
            fn split(wide: u128) -> (Self, u64) {
                ((wide >> 64) as Self, wide as u64)
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, reason = "the bits of a narrow key")]
            fn from_low_bits(bits: u32) -> Self {
                bits as Self
            }
        }
    )*};
}
narrow_keys!(u8, u16, u32, u64);

impl Key for u128 {
    type Wide = [u64; 3];

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the two words")]
    fn with_index(self, index: u64) -> [u64; 3] {
        [(self >> 64) as u64, self as u64, index]
    }

    #[inline(always)]
    fn split([high, low, index]: [u64; 3]) -> (Self, u64) {
        ((Self::from(high) << 64) | Self::from(low), index)
    }

    fn from_low_bits(bits: u32) -> Self {
        bits.into()
    }
}

macro_rules! plain_keys {
    ($($type:ty, $key:ty, $to:expr, $from:expr;)*) => {$(
        impl Keyed for $type {
            type Key = $key;

            #[inline(always)]
            fn key(self) -> $key {
                ($to)(self)
            }

            #[inline(always)]
            fn from_key(key: $key) -> Self {
                ($from)(key)
            }

            #[inline(always)]
            fn same(key: $key) -> $key {
                key
            }
        }
    )*};
}

plain_keys! {
    bool, u8, u8::from, |key| key != 0;
    Bool8, u8, |item: Bool8| u8::from(item.get()), |key| Bool8::from(key != 0);
    u8, u8, |item| item, |key| key;
    u16, u16, |item| item, |key| key;
    u32, u32, |item| item, |key| key;
    u64, u64, |item| item, |key| key;
    i8, u8, |item: i8| item.cast_unsigned() ^ (1 << 7), |key: u8| (key ^ (1 << 7)).cast_signed();
    i16, u16, |item: i16| item.cast_unsigned() ^ (1 << 15), |key: u16| (key ^ (1 << 15)).cast_signed();
    i32, u32, |item: i32| item.cast_unsigned() ^ (1 << 31), |key: u32| (key ^ (1 << 31)).cast_signed();
    i64, u64, |item: i64| item.cast_unsigned() ^ (1 << 63), |key: u64| (key ^ (1 << 63)).cast_signed();
}

/// The keys of floating-point numbers: negative numbers have all bits inverted, others the sign bit; then -infinity becomes 0,
/// so that the NaN of negative sign, which would stand before it, comes out above all others.
macro_rules! float_keys {
    ($($(#[$cfg:meta])? $type:ty, $key:ident;)*) => {$(
        $(#[$cfg])?
        impl Keyed for $type {
            type Key = $key;

            #[inline(always)]
            fn key(self) -> $key {
                const SIGN: $key = 1 << ($key::BITS - 1);
                let bits = self.to_bits();
                let ascending = if bits & SIGN == 0 { bits | SIGN } else { !bits };
                ascending.wrapping_sub(!<$type>::NEG_INFINITY.to_bits())
            }

            #[inline(always)]
            fn from_key(key: $key) -> Self {
                const SIGN: $key = 1 << ($key::BITS - 1);
                let ascending = key.wrapping_add(!<$type>::NEG_INFINITY.to_bits());
                Self::from_bits(if ascending & SIGN == 0 { !ascending } else { ascending ^ SIGN })
            }

            #[inline(always)]
            fn same(key: $key) -> $key {
                let infinity = <$type>::INFINITY.key();
                let negative_zero = <$type>::from_bits(1 << ($key::BITS - 1)).key();
                if key > infinity { <$type>::NAN.key() } else { key + $key::from(key == negative_zero) }
            }
        }
    )*};
}

float_keys! {
    #[cfg(feature = "half")] half::f16, u16;
    #[cfg(feature = "half")] half::bf16, u16;
    f32, u32;
    f64, u64;
}

/// The key of the real part stands above that of the imaginary part. Three things are different:
///
/// - What has a NaN part comes last: first those whose imaginary part alone is NaN, by their real part, then those whose real
///   part alone is NaN, by their imaginary part, then those of two NaN. They take keys of real parts above that of infinity.
/// - The real parts -0.0 and 0.0, whose keys are neighbours, are the same number: the imaginary part decides, and the sign of
///   the zero stands below it.
#[cfg(feature = "complex")]
macro_rules! complex_keys {
    ($($part:ty, $half:ident, $key:ident;)*) => {$(
        impl Keyed for num_complex::Complex<$part> {
            type Key = $key;

            #[inline(always)]
            fn key(self) -> $key {
                let (re, im) = (self.re.key(), self.im.key());
                let (last, zero) = (<$part>::INFINITY.key(), (-<$part>::from(0_u8)).key());
                let joined = |high: $half, low: $half| ($key::from(high) << $half::BITS) | $key::from(low);
                if re > last || im > last {
                    return match (re > last, im > last) {
                        (false, _) => joined(last + 1, re),
                        (true, false) => joined(last + 2, im),
                        (true, true) => joined(last + 3, 0),
                    };
                }
                if re.wrapping_sub(zero) < 2 {
                    return (joined(zero, 0)) + (($key::from(im) << 1) | $key::from(re - zero));
                }
                joined(re, im)
            }

            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "each half is taken by itself")]
            fn from_key(key: $key) -> Self {
                let (high, low) = ((key >> $half::BITS) as $half, key as $half);
                let (last, zero) = (<$part>::INFINITY.key(), (-<$part>::from(0_u8)).key());
                let (part, nan) = (<$part>::from_key, <$part>::NAN);
                if high > last {
                    return match high - last {
                        1 => Self::new(part(low), nan),
                        2 => Self::new(nan, part(low)),
                        _ => Self::new(nan, nan),
                    };
                }
                if high.wrapping_sub(zero) < 2 {
                    let im = (low >> 1) | ((high - zero) << ($half::BITS - 1));
                    return Self::new(part(zero + (low & 1)), part(im));
                }
                Self::new(part(high), part(low))
            }

            #[inline(always)]
            fn same(key: $key) -> $key {
                let item = Self::from_key(key);
                // A zero of either sign and 0.0 make 0.0.
                Self::new(item.re + 0.0, item.im + 0.0).key()
            }
        }
    )*};
}

#[cfg(feature = "complex")]
complex_keys! {
    f32, u32, u64;
    f64, u64, u128;
}

impl<T: Scalar + Keyed, O: Endian> Keyed for Ordered<T, O> {
    type Key = T::Key;

    #[inline(always)]
    fn key(self) -> T::Key {
        self.get().key()
    }

    #[inline(always)]
    fn from_key(key: T::Key) -> Self {
        Self::new(T::from_key(key))
    }

    #[inline(always)]
    fn same(key: T::Key) -> T::Key {
        T::same(key)
    }
}
