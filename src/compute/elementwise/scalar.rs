//! Numbers as arrays without axes, so that an operation of two arrays also takes an array and a number.

use std::ops::Range;
use std::slice;

use ndarray::{Dimension, Ix0};

use crate::compute::engine::source::sealed;
use crate::compute::{Scratch, Source};
use crate::element::{Bool8, Endian, Ordered, Scalar};
use crate::error::Result;
use crate::shape::Order;

macro_rules! scalar_source {
    ($($(#[$cfg:meta])? [$($of:tt)*] $type:ty;)*) => {$(
        $(#[$cfg])?
        impl<$($of)*> sealed::Sealed for $type {}

        /// An array without axes.
        $(#[$cfg])?
        impl<$($of)*> Source for $type {
            type Elem = Self;
            type Dim = Ix0;

            fn dim(&self) -> Ix0 {
                Ix0::zeros(0)
            }

            fn order(&self) -> Order {
                Order::C
            }

            fn borrow(&self, range: Range<u64>) -> Option<&[Self]> {
                Some(if range.is_empty() { &[] } else { slice::from_ref(self) })
            }

            fn copy(&self, range: Range<u64>, scratch: &mut Scratch<Self>) -> Result<()> {
                scratch.items().extend(range.map(|_| *self));
                Ok(())
            }
        }
    )*};
}

scalar_source! {
    [] bool; [] Bool8;
    [] i8; [] i16; [] i32; [] i64; [] u8; [] u16; [] u32; [] u64; [] f32; [] f64;
    #[cfg(feature = "half")] [] half::f16;
    #[cfg(feature = "half")] [] half::bf16;
    #[cfg(feature = "complex")] [] num_complex::Complex<f32>;
    #[cfg(feature = "complex")] [] num_complex::Complex<f64>;
    [T: Scalar, O: Endian] Ordered<T, O>;
}
