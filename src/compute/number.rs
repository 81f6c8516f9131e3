//! Which element types are numbers, and the machine numbers that the kernels compute with.

use super::cumulative::Accumulator;
use super::kernel::{Center, Native, vectorised};
use super::sort::Keyed;
use crate::element::{Bool8, Element, Endian, Ordered, Scalar};

/// An element type that can be summed and compared.
///
/// | elements | [`Value`](Self::Value) of `min`, `max` | [`Sum`](Self::Sum) | [`Mean`](Self::Mean) | [`Running`](Self::Running) |
/// |---|---|---|---|---|
/// | `f16`, `bf16`, `f32`, `f64` | the same | `f64` | `f64` | `f64` |
/// | `i8` ... `i64` | the same | `i128`, exact | `f64` | `i64` |
/// | `u8` ... `u64` | the same | `i128`, exact | `f64` | `u64` |
/// | `bool`, [`Bool8`] (false is 0, true is 1) | `bool` | `i128`, exact | `f64` | `i64` |
/// | `Complex<f32>`, `Complex<f64>` | the same | `Complex<f64>` | `Complex<f64>` | `Complex<f64>` |
/// | [`Be<T>`](crate::Be), [`Le<T>`](crate::Le) | that of `T` | that of `T` | that of `T` | that of `T` |
///
/// Complex numbers are ordered as NumPy orders them: by the real part, then by the imaginary part. The trait is sealed.
pub trait Number: Element + Keyed {
    /// The type of the smallest and largest element.
    type Value: Element + PartialEq;

    /// The type of a sum.
    type Sum: Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static;

    /// The type of a mean.
    type Mean: Number<Sum = Self::Mean> + Center;

    /// The type of a running sum or product, an element type as it may be stored.
    type Running: Accumulator<Self::Native>;

    /// The machine number that the kernels see.
    #[doc(hidden)]
    type Native: Native<Sum = Self::Sum, Center = Self::Mean>;

    /// The same elements as machine numbers, in `buffer` where they have to be converted.
    #[doc(hidden)]
    fn decode<'a>(items: &'a [Self], buffer: &'a mut Vec<Self::Native>) -> &'a [Self::Native];

    /// One element as a machine number.
    #[doc(hidden)]
    fn native(self) -> Self::Native;

    /// One machine number as a value.
    #[doc(hidden)]
    fn value(native: Self::Native) -> Self::Value;
}

/// Fills the buffer with converted items, on the vector units at hand.
#[inline]
fn convert<'a, T: Copy, N>(items: &[T], buffer: &'a mut Vec<N>, each: impl Fn(T) -> N) -> &'a [N] {
    buffer.clear();
    vectorised(
        #[inline(always)]
        || buffer.extend(items.iter().map(|&item| each(item))),
    );
    buffer
}

macro_rules! native_numbers {
    ($($(#[$cfg:meta])? $type:ty, $running:ty;)*) => {$(
        $(#[$cfg])?
        impl Number for $type {
            type Value = Self;
            type Sum = <Self as Native>::Sum;
            type Mean = <Self as Native>::Center;
            type Running = $running;
            type Native = Self;

            fn decode<'a>(items: &'a [Self], _: &'a mut Vec<Self>) -> &'a [Self] {
                items
            }

            #[inline(always)]
            fn native(self) -> Self {
                self
            }

            fn value(native: Self) -> Self {
                native
            }
        }
    )*};
}

native_numbers! {
    i8, i64; i16, i64; i32, i64; i64, i64; u8, u64; u16, u64; u32, u64; u64, u64; f32, f64; f64, f64;
    #[cfg(feature = "complex")] num_complex::Complex<f32>, num_complex::Complex<f64>;
    #[cfg(feature = "complex")] num_complex::Complex<f64>, Self;
}

macro_rules! converted_numbers {
    ($($(#[$cfg:meta])? $type:ty, $value:ty, $running:ty, $native:ty, $to:expr, $from:expr;)*) => {$(
        $(#[$cfg])?
        impl Number for $type {
            type Value = $value;
            type Sum = <$native as Native>::Sum;
            type Mean = <$native as Native>::Center;
            type Running = $running;
            type Native = $native;

            fn decode<'a>(items: &'a [Self], buffer: &'a mut Vec<$native>) -> &'a [$native] {
                convert(items, buffer, $to)
            }

            #[inline(always)]
            fn native(self) -> $native {
                ($to)(self)
            }

            fn value(native: $native) -> $value {
                ($from)(native)
            }
        }
    )*};
}

converted_numbers! {
    bool, bool, i64, u8, u8::from, |native| native != 0;
    Bool8, bool, i64, u8, |item: Bool8| u8::from(item.get()), |native| native != 0;
    #[cfg(feature = "half")] half::bf16, half::bf16, f64, f32, |item: half::bf16| f32::from_bits(u32::from(item.to_bits()) << 16), half::bf16::from_f32;
}

#[cfg(feature = "half")]
impl Number for half::f16 {
    type Value = Self;
    type Sum = f64;
    type Mean = f64;
    type Running = f64;
    type Native = f32;

    fn decode<'a>(items: &'a [Self], buffer: &'a mut Vec<f32>) -> &'a [f32] {
        use half::slice::HalfFloatSliceExt;
        buffer.resize(items.len(), 0.0);
        items.convert_to_f32_slice(buffer);
        buffer
    }

    fn native(self) -> f32 {
        self.to_f32()
    }

    fn value(native: f32) -> Self {
        Self::from_f32(native)
    }
}

impl<T: Scalar + Number, O: Endian> Number for Ordered<T, O> {
    type Value = T::Value;
    type Sum = T::Sum;
    type Mean = T::Mean;
    type Running = T::Running;
    type Native = T::Native;

    fn decode<'a>(items: &'a [Self], buffer: &'a mut Vec<T::Native>) -> &'a [T::Native] {
        convert(items, buffer, |item| T::native(item.get()))
    }

    #[inline(always)]
    fn native(self) -> T::Native {
        T::native(self.get())
    }

    fn value(native: T::Native) -> T::Value {
        T::value(native)
    }
}
