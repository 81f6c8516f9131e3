//! Real numbers: elements that have an order, a key, and a value in `f64`.

use std::ops::{Add, Div, Mul, Sub};

use super::kernel::Native;
use super::number::Number;

/// An element type of real numbers, which have an order: every [`Number`] that is not complex.
///
/// `bool` counts as 0 and 1. NaN comes after every number, as NumPy sorts. The trait is sealed, since [`Number`] is.
pub trait Real: Number<Native: Ordinal> {}

impl<T: Number<Native: Ordinal>> Real for T {}

/// An element type of integers, `bool` among them as 0 and 1. The trait is sealed, since [`Number`] is.
pub trait Integer: Number<Native: Ordinal + Integral> {}

impl<T: Number<Native: Ordinal + Integral>> Integer for T {}

/// A machine integer.
#[doc(hidden)]
pub trait Integral {
    /// The integer as an index; None where it is negative.
    fn index(self) -> Option<u64>;
}

/// A machine number with an order.
#[doc(hidden)]
pub trait Ordinal: Native + PartialOrd {
    /// What counts the elements of a leaf: as wide as an element, so that the vector lanes of both agree.
    type Count: Copy + Default + std::ops::AddAssign + From<bool> + Into<u64>;

    /// The smallest number.
    const MIN: Self;
    /// The largest number.
    const MAX: Self;
    /// Whether the numbers are integers.
    const INTEGER: bool;

    /// An integer that orders as the number does: equal for zeros of either sign, the largest of all for NaN.
    fn key(self) -> u64;
    /// The number of such an integer, which is none of NaN.
    fn from_key(key: u64) -> Self;
    /// The nearest `f64`.
    fn to_f64(self) -> f64;

    /// The float in which NumPy computes with these numbers: `f32` for themselves, `f64` for all others.
    type Float: Float;
    /// The number in it.
    fn to_float(self) -> Self::Float;
}

/// `f32` or `f64`, with the operations that need the type of the array.
#[doc(hidden)]
pub trait Float: Ordinal + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> {
    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
}

impl Float for f32 {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "it rounds, as is wanted")]
    fn from_f64(value: f64) -> Self {
        value as Self
    }
}

impl Float for f64 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// Counts the numbers below 0 downwards from the middle of the range, so that both zeros are in the middle.
macro_rules! floats {
    ($($type:ty, $bits:ty, $to_f64:expr;)*) => {$(
        impl Ordinal for $type {
            type Count = $bits;

            const MIN: Self = Self::NEG_INFINITY;
            const MAX: Self = Self::INFINITY;
            const INTEGER: bool = false;

            #[inline(always)]
            fn key(self) -> u64 {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let bits = self.to_bits();
                let key = if bits & SIGN == 0 { bits | SIGN } else { bits.wrapping_neg() };
                u64::from(if self != self { <$bits>::MAX } else { key })
            }

            #[inline(always)]
            fn from_key(key: u64) -> Self {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let key = <$bits>::try_from(key).unwrap_or(<$bits>::MAX);
                Self::from_bits(if key & SIGN == 0 { key.wrapping_neg() } else { key ^ SIGN })
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                ($to_f64)(self)
            }

            type Float = Self;

            #[inline(always)]
            fn to_float(self) -> Self {
                self
            }
        }
    )*};
}

floats! {
    f32, u32, f64::from;
    f64, u64, |value| value;
}

macro_rules! ints {
    ($($type:ty, $count:ty, $to:expr, $from:expr;)*) => {$(
        impl Ordinal for $type {
            type Count = $count;

            const MIN: Self = Self::MIN;
            const MAX: Self = Self::MAX;
            const INTEGER: bool = true;

            #[inline(always)]
            fn key(self) -> u64 {
                u64::from(($to)(self))
            }

            #[inline(always)]
            fn from_key(key: u64) -> Self {
                ($from)(key.try_into().unwrap_or(Self::MAX.abs_diff(Self::MIN)))
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            type Float = f64;

            #[inline(always)]
            fn to_float(self) -> f64 {
                self as f64
            }
        }

        impl Integral for $type {
            #[inline(always)]
            fn index(self) -> Option<u64> {
                u64::try_from(self).ok()
            }
        }
    )*};
}

ints! {
    i8, u16, |value: i8| value.cast_unsigned() ^ (1 << 7), |key: u8| (key ^ (1 << 7)).cast_signed();
    i16, u16, |value: i16| value.cast_unsigned() ^ (1 << 15), |key: u16| (key ^ (1 << 15)).cast_signed();
    i32, u32, |value: i32| value.cast_unsigned() ^ (1 << 31), |key: u32| (key ^ (1 << 31)).cast_signed();
    i64, u64, |value: i64| value.cast_unsigned() ^ (1 << 63), |key: u64| (key ^ (1 << 63)).cast_signed();
    u8, u16, |value| value, |key: u8| key;
    u16, u16, |value| value, |key: u16| key;
    u32, u32, |value| value, |key: u32| key;
    u64, u64, |value| value, |key: u64| key;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_the_numbers_do() {
        let values = [f64::NEG_INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 2.5, f64::MAX, f64::INFINITY];
        for pair in values.windows(2) {
            assert!(pair[0].key() < pair[1].key());
        }
        assert!(values.iter().all(|&value| f64::from_key(value.key()) == value));
        assert_eq!((-0.0_f64).key(), 0.0_f64.key());
        assert_eq!((-5e-324_f64).key() + 1, 0.0_f64.key());
        assert_eq!((f64::NAN.key(), (-f64::NAN).key(), (-f32::NAN).key()), (u64::MAX, u64::MAX, u64::from(u32::MAX)));
        assert!([-128_i8, -1, 0, 1, 127].is_sorted_by_key(|value| value.key()));
        assert!([i64::MIN, -1, 0, i64::MAX].iter().all(|&value| i64::from_key(value.key()) == value));
        assert!([-2.5_f32, -0.5, 3.0].iter().all(|&value| f32::from_key(value.key()) == value));
    }
}
