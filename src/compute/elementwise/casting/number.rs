//! From each type of number to each other: by way of a wider type, so that there are few loops.

#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is lost is counted")]

use std::fmt::Debug;
use std::ops::AddAssign;

#[cfg(feature = "half")]
use super::float::{round_to_odd, sticky, to_brain, to_half};
use crate::compute::Number;
use crate::compute::kernel::vectorised;
use crate::element::{Bool8, Endian, Ordered, Scalar};

#[cfg(feature = "complex")]
use num_complex::Complex;

/// What a value lost on the way to another type.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    pub overflow: bool,
    pub inexact: bool,
    pub nan: bool,
    pub imaginary: bool,
}

impl Loss {
    const NONE: Self = Self { overflow: false, inexact: false, nan: false, imaginary: false };

    #[inline(always)]
    fn overflow(overflow: bool) -> Self {
        Self { overflow, ..Self::NONE }
    }

    #[inline(always)]
    fn inexact(inexact: bool) -> Self {
        Self { inexact, ..Self::NONE }
    }
}

/// A type of machine numbers that holds every value of several element types.
#[doc(hidden)]
pub trait Wide: Copy + Debug + Send + Sync + 'static {
    /// What counts losses: as wide as the values, so that both fill the same vectors.
    type Count: Copy + Default + AddAssign + From<bool> + Into<u64>;

    /// The value as `U`, saturated.
    fn cast<U: Cast>(self) -> (U, Loss);

    /// The value as `U`, wrapped.
    fn wrap<U: Cast>(self) -> U;

    /// The nearest integer.
    #[must_use]
    fn rint(self) -> Self;
}

macro_rules! wides {
    ($($(#[$cfg:meta])? $type:ty, $count:ty, $from:ident, $wrap:expr, $rint:expr;)*) => {$(
        $(#[$cfg])?
        impl Wide for $type {
            type Count = $count;

            #[inline(always)]
            fn cast<U: Cast>(self) -> (U, Loss) {
                <U as Cast>::$from(self)
            }

            #[inline(always)]
            fn wrap<U: Cast>(self) -> U {
                $wrap(self)
            }

            #[inline(always)]
            fn rint(self) -> Self {
                $rint(self)
            }
        }
    )*};
}

wides! {
    i32, u32, from_i32, |value| U::wrap_i64(i64::from(value)), |value| value;
    i64, u64, from_i64, U::wrap_i64, |value| value;
    u64, u64, from_u64, U::wrap_u64, |value| value;
    f32, u32, from_f32, |value| U::wrap_f64(f64::from(value)), f32::round_ties_even;
    f64, u64, from_f64, U::wrap_f64, f64::round_ties_even;
    #[cfg(feature = "complex")]
    Complex<f64>, u64, from_complex, U::wrap_complex, |value: Self| Self::new(value.re.round_ties_even(), value.im.round_ties_even());
}

/// Which values a type has: signs, binary digits, the largest exponent of a float, imaginary parts.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Values {
    signed: bool,
    digits: u32,
    exponent: u32,
    imaginary: bool,
}

impl Values {
    const fn int(signed: bool, digits: u32) -> Self {
        Self { signed, digits, exponent: 0, imaginary: false }
    }

    const fn float(digits: u32, exponent: u32) -> Self {
        Self { signed: true, digits, exponent, imaginary: false }
    }

    /// Whether all values of the other type are among these.
    pub(super) const fn hold(self, other: Self) -> bool {
        (self.signed || !other.signed)
            && self.digits >= other.digits
            && self.exponent >= other.exponent
            && (self.imaginary || !other.imaginary)
    }
}

/// An element type that can be cast to any other: every [`Number`].
pub trait Cast: Number {
    #[doc(hidden)]
    type Wide: Wide;

    #[doc(hidden)]
    const VALUES: Values;

    #[doc(hidden)]
    fn wide(self) -> Self::Wide;

    /// The same values in the wider type, in `buffer` where it is another.
    #[doc(hidden)]
    fn widen<'a>(items: &'a [Self], buffer: &'a mut Vec<Self::Wide>) -> &'a [Self::Wide] {
        buffer.clear();
        vectorised(
            #[inline(always)]
            || buffer.extend(items.iter().map(|&item| item.wide())),
        );
        buffer
    }

    #[doc(hidden)]
    #[inline(always)]
    fn from_i32(value: i32) -> (Self, Loss) {
        Self::from_i64(i64::from(value))
    }
    #[doc(hidden)]
    fn from_i64(value: i64) -> (Self, Loss);
    #[doc(hidden)]
    fn from_u64(value: u64) -> (Self, Loss);
    #[doc(hidden)]
    #[inline(always)]
    fn from_f32(value: f32) -> (Self, Loss) {
        Self::from_f64(f64::from(value))
    }
    #[doc(hidden)]
    fn from_f64(value: f64) -> (Self, Loss);
    #[doc(hidden)]
    #[cfg(feature = "complex")]
    #[inline(always)]
    fn from_complex(value: Complex<f64>) -> (Self, Loss) {
        let (real, loss) = <Self as Cast>::from_f64(value.re);
        (real, Loss { imaginary: value.im != 0.0, ..loss })
    }

    #[doc(hidden)]
    #[inline(always)]
    fn wrap_i64(value: i64) -> Self {
        Self::from_i64(value).0
    }
    #[doc(hidden)]
    #[inline(always)]
    fn wrap_u64(value: u64) -> Self {
        Self::from_u64(value).0
    }
    #[doc(hidden)]
    #[inline(always)]
    fn wrap_f64(value: f64) -> Self {
        Self::from_f64(value).0
    }
    #[doc(hidden)]
    #[cfg(feature = "complex")]
    #[inline(always)]
    fn wrap_complex(value: Complex<f64>) -> Self {
        Self::wrap_f64(value.re)
    }
}

/// How elements become their wider type.
macro_rules! widened {
    ($wide:ty) => {
        type Wide = $wide;

        #[inline(always)]
        fn wide(self) -> $wide {
            <$wide>::from(self)
        }
    };
    ($wide:ty, same) => {
        type Wide = $wide;

        #[inline(always)]
        fn wide(self) -> $wide {
            self
        }

        fn widen<'a>(items: &'a [Self], _: &'a mut Vec<$wide>) -> &'a [$wide] {
            items
        }
    };
}

/// From a float to an integer of up to 32 bits, with vector instructions that every processor has: of a float that is
/// integral and not large, `1.5 * 2^52` more has the integer in its low bits.
macro_rules! short_from_float {
    () => {
        #[inline(always)]
        fn from_f64(value: f64) -> (Self, Loss) {
            let (lowest, highest) = (f64::from(Self::MIN), f64::from(Self::MAX));
            let (whole, nan) = (value.trunc(), value.is_nan());
            let (below, above) = (whole < lowest, whole > highest);
            let overflow = below | above;
            let inexact = (whole != value) & !nan & !overflow;
            let kept = if below { lowest } else { whole };
            let kept = if above { highest } else { kept };
            let kept = if nan { 0.0 } else { kept };
            let bits = (kept + 6_755_399_441_055_744.0).to_bits();
            (bits as Self, Loss { overflow, inexact, nan, imaginary: false })
        }
    };
}

/// From a float to an integer of 64 bits.
macro_rules! long_from_float {
    () => {
        #[inline(always)]
        fn from_f64(value: f64) -> (Self, Loss) {
            let nan = value.is_nan();
            let kept = value as Self;
            // Both limits are powers of two or 0; no value lies within 1 of them but outside.
            let low = if Self::MIN == 0 { value <= -1.0 } else { value < Self::MIN as f64 };
            let overflow = low | (value >= Self::MAX as f64);
            let inexact = (kept as f64 != value) & !overflow & !nan;
            (kept, Loss { overflow, inexact, nan, imaginary: false })
        }
    };
}

macro_rules! integers {
    ($($type:ident, [$($wide:tt)*], $from_float:ident, $from_i64:expr, $wrap_f64:expr;)*) => {$(
        impl Cast for $type {
            const VALUES: Values = Values::int(Self::MIN != 0, Self::MAX.count_ones());

            widened! { $($wide)* }

            #[inline(always)]
            fn from_i64(value: i64) -> (Self, Loss) {
                $from_i64(value)
            }

            #[inline(always)]
            fn from_u64(value: u64) -> (Self, Loss) {
                const MAX: u64 = $type::MAX as u64;
                (value.min(MAX) as Self, Loss::overflow(value > MAX))
            }

            $from_float! {}

            #[inline(always)]
            fn wrap_i64(value: i64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wrap_u64(value: u64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wrap_f64(value: f64) -> Self {
                $wrap_f64(value)
            }
        }
    )*};
}

/// An `i64` as a type whose values are among those of `i64`.
macro_rules! narrow {
    ($type:ty) => {
        |value: i64| {
            const MIN: i64 = <$type>::MIN as i64;
            const MAX: i64 = <$type>::MAX as i64;
            (value.clamp(MIN, MAX) as $type, Loss::overflow(!(MIN..=MAX).contains(&value)))
        }
    };
}

integers! {
    i8, [i32], short_from_float, narrow!(i8), |value| value as i64 as i8;
    i16, [i32], short_from_float, narrow!(i16), |value| value as i64 as i16;
    i32, [i32, same], short_from_float, narrow!(i32), |value| value as i64 as i32;
    i64, [i64, same], long_from_float, narrow!(i64), |value| value as i64;
    u8, [i32], short_from_float, narrow!(u8), |value| value as i64 as u8;
    u16, [i32], short_from_float, narrow!(u16), |value| value as i64 as u16;
    u32, [i64], short_from_float, narrow!(u32), |value| value as i64 as u32;
    u64, [u64, same], long_from_float, |value: i64| (value.max(0) as u64, Loss::overflow(value < 0)),
        |value| if value > 0.0 { value as u64 } else { value as i64 as u64 };
}

/// Whether a float made of an integer is another number: beyond the integer type, or not the same back again.
macro_rules! rounded {
    ($value:ident, $float:ty, $int:ty) => {{
        let near = $value as $float;
        (near, Loss::inexact((near >= <$int>::MAX as $float) | (near as $int != $value)))
    }};
}

impl Cast for f64 {
    const VALUES: Values = Values::float(53, 1023);

    widened! { f64, same }

    #[inline(always)]
    fn from_i32(value: i32) -> (Self, Loss) {
        (Self::from(value), Loss::NONE)
    }

    #[inline(always)]
    fn from_i64(value: i64) -> (Self, Loss) {
        rounded!(value, f64, i64)
    }

    #[inline(always)]
    fn from_u64(value: u64) -> (Self, Loss) {
        rounded!(value, f64, u64)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> (Self, Loss) {
        (value, Loss::NONE)
    }
}

impl Cast for f32 {
    const VALUES: Values = Values::float(24, 127);

    widened! { f32, same }

    #[inline(always)]
    fn from_i32(value: i32) -> (Self, Loss) {
        let near = value as Self;
        (near, Loss::inexact(f64::from(near) != f64::from(value)))
    }

    #[inline(always)]
    fn from_i64(value: i64) -> (Self, Loss) {
        rounded!(value, f32, i64)
    }

    #[inline(always)]
    fn from_u64(value: u64) -> (Self, Loss) {
        rounded!(value, f32, u64)
    }

    #[inline(always)]
    fn from_f32(value: f32) -> (Self, Loss) {
        (value, Loss::NONE)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> (Self, Loss) {
        let near = value as Self;
        let overflow = (near.abs() == Self::INFINITY) & (value.abs() != f64::INFINITY);
        let inexact = (f64::from(near) != value) & !value.is_nan() & !overflow;
        (near, Loss { overflow, inexact, ..Loss::NONE })
    }
}

#[cfg(feature = "half")]
macro_rules! halves {
    ($($type:ty, $values:expr, $wide:expr, $round:ident, $infinity:literal;)*) => {$(
        impl Cast for $type {
            const VALUES: Values = $values;

            type Wide = f32;

            #[inline(always)]
            fn wide(self) -> f32 {
                $wide(self)
            }

            fn widen<'a>(items: &'a [Self], buffer: &'a mut Vec<f32>) -> &'a [f32] {
                Self::decode(items, buffer)
            }

            #[inline(always)]
            fn from_i32(value: i32) -> (Self, Loss) {
                <Self as Cast>::from_f64(f64::from(value))
            }

            #[inline(always)]
            fn from_i64(value: i64) -> (Self, Loss) {
                <Self as Cast>::from_f64(sticky(value.unsigned_abs(), value < 0))
            }

            #[inline(always)]
            fn from_u64(value: u64) -> (Self, Loss) {
                <Self as Cast>::from_f64(sticky(value, false))
            }

            #[inline(always)]
            fn from_f32(value: f32) -> (Self, Loss) {
                let (bits, lost) = $round(value);
                let overflow = (bits & 0x7fff == $infinity) & lost;
                (Self::from_bits(bits), Loss { overflow, inexact: lost & !overflow, ..Loss::NONE })
            }

            #[inline(always)]
            fn from_f64(value: f64) -> (Self, Loss) {
                <Self as Cast>::from_f32(round_to_odd(value))
            }
        }
    )*};
}

#[cfg(feature = "half")]
halves! {
    half::f16, Values::float(11, 15), half::f16::to_f32, to_half, 0x7c00;
    half::bf16, Values::float(8, 127), half::bf16::to_f32, to_brain, 0x7f80;
}

macro_rules! bools {
    ($($type:ty, $wide:expr;)*) => {$(
        impl Cast for $type {
            const VALUES: Values = Values::int(false, 1);

            type Wide = i32;

            #[inline(always)]
            fn wide(self) -> i32 {
                $wide(self)
            }

            #[inline(always)]
            fn from_i64(value: i64) -> (Self, Loss) {
                (Self::from(value != 0), Loss::inexact((value != 0) & (value != 1)))
            }

            #[inline(always)]
            fn from_u64(value: u64) -> (Self, Loss) {
                (Self::from(value != 0), Loss::inexact(value > 1))
            }

            #[inline(always)]
            fn from_f64(value: f64) -> (Self, Loss) {
                let nan = value != value;
                let inexact = (value != 0.0) & (value != 1.0) & !nan;
                (Self::from(value != 0.0), Loss { inexact, nan, ..Loss::NONE })
            }

            #[cfg(feature = "complex")]
            #[inline(always)]
            fn from_complex(value: Complex<f64>) -> (Self, Loss) {
                let imaginary = value.im != 0.0;
                let (real, loss) = Self::from_f64(value.re);
                (Self::from(bool::from(real) | imaginary), Loss { imaginary, ..loss })
            }
        }
    )*};
}
bools! {
    bool, i32::from;
    Bool8, |item: Bool8| i32::from(item.get());
}

#[cfg(feature = "complex")]
macro_rules! complexes {
    ($($part:ty;)*) => {$(
        impl Cast for Complex<$part> {
            const VALUES: Values = Values { imaginary: true, ..<$part>::VALUES };

            type Wide = Complex<f64>;

            #[inline(always)]
            fn wide(self) -> Complex<f64> {
                Complex::new(f64::from(self.re), f64::from(self.im))
            }

            #[inline(always)]
            fn from_i32(value: i32) -> (Self, Loss) {
                real(<$part>::from_i32(value))
            }

            #[inline(always)]
            fn from_i64(value: i64) -> (Self, Loss) {
                real(<$part>::from_i64(value))
            }

            #[inline(always)]
            fn from_u64(value: u64) -> (Self, Loss) {
                real(<$part>::from_u64(value))
            }

            #[inline(always)]
            fn from_f32(value: f32) -> (Self, Loss) {
                real(<$part>::from_f32(value))
            }

            #[inline(always)]
            fn from_f64(value: f64) -> (Self, Loss) {
                real(<$part>::from_f64(value))
            }

            #[inline(always)]
            fn from_complex(value: Complex<f64>) -> (Self, Loss) {
                let ((re, a), (im, b)) = (<$part>::from_f64(value.re), <$part>::from_f64(value.im));
                let overflow = a.overflow | b.overflow;
                let inexact = (a.inexact | b.inexact) & !overflow;
                (Self::new(re, im), Loss { overflow, inexact, ..Loss::NONE })
            }

            #[inline(always)]
            fn wrap_complex(value: Complex<f64>) -> Self {
                Self::from_complex(value).0
            }
        }
    )*};
}

#[cfg(feature = "complex")]
#[inline(always)]
fn real<P: Default>((re, loss): (P, Loss)) -> (Complex<P>, Loss) {
    (Complex { re, im: P::default() }, loss)
}

#[cfg(feature = "complex")]
complexes! {
    f32;
    f64;
}

macro_rules! forwarded {
    ($($(#[$cfg:meta])? $from:ident, $wrap:ident, $wide:ty;)*) => {$(
        $(#[$cfg])?
        #[inline(always)]
        fn $from(value: $wide) -> (Self, Loss) {
            let (value, loss) = <T as Cast>::$from(value);
            (Self::new(value), loss)
        }

        $(#[$cfg])?
        #[inline(always)]
        fn $wrap(value: $wide) -> Self {
            Self::new(T::$wrap(value))
        }
    )*};
}

impl<T: Scalar + Cast, O: Endian> Cast for Ordered<T, O> {
    const VALUES: Values = T::VALUES;

    type Wide = T::Wide;

    #[inline(always)]
    fn wide(self) -> T::Wide {
        self.get().wide()
    }

    #[inline(always)]
    fn from_i32(value: i32) -> (Self, Loss) {
        let (value, loss) = <T as Cast>::from_i32(value);
        (Self::new(value), loss)
    }

    #[inline(always)]
    fn from_f32(value: f32) -> (Self, Loss) {
        let (value, loss) = <T as Cast>::from_f32(value);
        (Self::new(value), loss)
    }

    forwarded! {
        from_i64, wrap_i64, i64;
        from_u64, wrap_u64, u64;
        from_f64, wrap_f64, f64;
        #[cfg(feature = "complex")] from_complex, wrap_complex, Complex<f64>;
    }
}
