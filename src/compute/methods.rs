//! The operations that the handles offer themselves: those of [`Job`] whose result is a few numbers, on its default terms.
//!
//! Mapped arrays have ndarray's own methods too (`sum`, `mean`, `var`, `std`, `product` and their `_axis` forms), which run on one
//! thread in the type of the elements. Those names stay ndarray's on mapped arrays, and [`Job`] has the operations of the same
//! name; [`ArrayFile`] has no other methods of these names, and offers them too.

use ndarray::{Array, Axis, Dimension, RemoveAxis};

use super::{Job, Mean, Method, Number, Real, Stats, StatsAxis, Sum, Value};
use crate::array::{ArrayFile, MmapArray, MmapArrayMut};
use crate::error::Result;

/// Methods that call those of a [`Job`] on its default terms.
macro_rules! offered {
    ($handle:ident of $bound:ident: $(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        impl<T: $bound, D: Dimension> $handle<T, D> {$(
            #[doc = concat!("[`Job::", stringify!($name), "`](crate::Job::", stringify!($name), ") on its default terms.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("Those of [`Job::", stringify!($name), "`](crate::Job::", stringify!($name), ").")]
            pub fn $name(&self, $($arg: $type),*) -> Result<$out> {
                Job::new().$name(self, $($arg),*)
            }
        )*}
    };
}

/// The same along an axis.
macro_rules! offered_axis {
    ($handle:ident: $(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        impl<T: Number, D: RemoveAxis> $handle<T, D> {$(
            #[doc = concat!("[`Job::", stringify!($name), "`](crate::Job::", stringify!($name), ") on its default terms.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("Those of [`Job::", stringify!($name), "`](crate::Job::", stringify!($name), ").")]
            pub fn $name(&self, axis: Axis, $($arg: $type),*) -> Result<$out> {
                Job::new().$name(self, axis, $($arg),*)
            }
        )*}
    };
}

macro_rules! methods {
    ($($handle:ident),*) => {$(
        offered! {
            $handle of Number:
            fn stats() -> Stats<T>;
            fn min() -> Value<Self>;
            fn max() -> Value<Self>;
            fn argmin() -> u64;
            fn argmax() -> u64;
            fn nan_min() -> Value<Self>;
            fn nan_max() -> Value<Self>;
            fn nan_sum() -> Sum<Self>;
            fn nan_mean() -> Mean<Self>;
            fn nan_var(ddof: f64) -> f64;
            fn nan_std(ddof: f64) -> f64;
            fn ptp() -> Sum<Self>;
            fn prod() -> Sum<Self>;
            fn norm(ord: f64) -> f64;
            fn any() -> bool;
            fn all() -> bool;
            fn count_nonzero() -> u64;
        }

        offered! {
            $handle of Real:
            fn median() -> f64;
            fn nan_median() -> f64;
            fn quantile(q: &[f64], method: Method) -> Vec<f64>;
            fn nan_quantile(q: &[f64], method: Method) -> Vec<f64>;
            fn percentile(q: &[f64], method: Method) -> Vec<f64>;
        }

        offered_axis! {
            $handle:
            fn stats_axis() -> StatsAxis<T, D::Smaller>;
            fn min_axis() -> Array<T::Value, D::Smaller>;
            fn max_axis() -> Array<T::Value, D::Smaller>;
            fn argmin_axis() -> Array<u64, D::Smaller>;
            fn argmax_axis() -> Array<u64, D::Smaller>;
            fn nan_min_axis() -> Array<T::Value, D::Smaller>;
            fn nan_max_axis() -> Array<T::Value, D::Smaller>;
            fn nan_sum_axis() -> Array<T::Sum, D::Smaller>;
            fn nan_mean_axis() -> Array<T::Mean, D::Smaller>;
            fn nan_var_axis(ddof: f64) -> Array<f64, D::Smaller>;
            fn nan_std_axis(ddof: f64) -> Array<f64, D::Smaller>;
            fn ptp_axis() -> Array<T::Sum, D::Smaller>;
            fn prod_axis() -> Array<T::Sum, D::Smaller>;
            fn norm_axis(ord: f64) -> Array<f64, D::Smaller>;
            fn any_axis() -> Array<bool, D::Smaller>;
            fn all_axis() -> Array<bool, D::Smaller>;
            fn count_nonzero_axis() -> Array<u64, D::Smaller>;
        }
    )*};
}
methods!(MmapArray, MmapArrayMut, ArrayFile);

// Names that ndarray has on mapped arrays.
offered! {
    ArrayFile of Number:
    fn sum() -> Sum<Self>;
    fn mean() -> Mean<Self>;
    fn var(ddof: f64) -> f64;
    fn std(ddof: f64) -> f64;
}

offered_axis! {
    ArrayFile:
    fn sum_axis() -> Array<T::Sum, D::Smaller>;
    fn mean_axis() -> Array<T::Mean, D::Smaller>;
    fn var_axis(ddof: f64) -> Array<f64, D::Smaller>;
    fn std_axis(ddof: f64) -> Array<f64, D::Smaller>;
}
