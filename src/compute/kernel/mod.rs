//! The inner loops: what the processor does with a leaf or with a band of rows.
//!
//! Every loop runs over explicit lanes whose number is fixed, so the bits of a result do not depend on the vector
//! instructions that the processor has. The caller runs them under `vectorised`.

#[cfg(feature = "complex")]
mod complex;
mod float;
mod int;
mod lanes;
mod powers;
mod product;
mod rows;

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Sub};

pub(super) use super::engine::vector::vectorised;
pub(super) use lanes::{fold_columns, fold_run};
pub(super) use powers::{column_powers, powers};
pub(super) use product::{Product, Scaled};
pub(super) use rows::{Columns, Rows};

/// Lanes of the float kernels.
const LANES: usize = 16;

/// Columns that are reduced together. They are too many to be unrolled, so the compiler keeps the loop over them and makes it
/// a vector loop.
pub(super) const WIDE: usize = 64;

/// A machine number with its loops.
#[doc(hidden)]
pub trait Native: bytemuck::Pod + PartialEq + Debug + Default + Send + Sync {
    /// The type of a sum.
    type Sum: Copy + PartialEq + Debug + Default + AddAssign + Sub<Output = Self::Sum> + Send + Sync + 'static;
    /// The type of a mean.
    type Center: Center;
    /// A product on its way.
    type Product: Product<Self, Self::Sum>;
    /// What sums up the rows of one band.
    type RowSum: Copy + Default + Add<Output = Self::RowSum>;

    /// The value of a smallest element where there is none, if the type has such a value.
    const NAN: Option<Self>;

    /// Whether `self` comes before `other`; false where either is NaN.
    fn less(self, other: Self) -> bool;
    /// Whether the number, or a part of it, is NaN.
    fn is_nan(self) -> bool;
    /// Whether the number, or a part of it, is infinite, and no part is NaN.
    fn is_inf(self) -> bool;
    /// Whether the number equals 0.
    fn is_zero(self) -> bool;
    /// One number as the start of the sum of rows.
    fn widen(self) -> Self::RowSum;
    /// The end of the sum of rows.
    fn row_sum(sum: Self::RowSum) -> Self::Sum;
    /// Whether a sum shows that its terms hold neither NaN nor infinity.
    fn is_finite(sum: Self::Sum) -> bool;
    /// The sum of no value.
    fn nan_center() -> Self::Center;
    /// The sum divided by the count.
    fn center(sum: Self::Sum, count: u64) -> Self::Center;
    /// The number of a double that was one of these.
    fn narrowed(value: f64) -> Self;
    /// The absolute value.
    fn magnitude(self) -> f64;
    /// The distance from a center.
    fn distance(self, center: Self::Center) -> Self::Center;
    /// Sum, extremes and zeros of a run, as the flags ask. The extremes skip NaN.
    fn survey<const SUM: bool, const EXTREMES: bool, const ZEROS: bool>(items: &[Self]) -> Survey<Self>;
    /// The sum of the distances from the center, and of their squared sizes, such that `second - |first|^2 / n` is the sum
    /// of the squares around the mean of the run.
    fn spread(items: &[Self], sum: Self::Sum, center: Self::Center) -> (Self::Center, f64);
}

/// What [`Native::survey`] finds.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Survey<N: Native> {
    /// The sum.
    pub sum: N::Sum,
    /// The smallest element.
    pub min: N,
    /// The largest element.
    pub max: N,
    /// The number of elements that equal 0.
    pub zeros: u64,
}

/// A mean: a real or complex number in double precision.
#[doc(hidden)]
pub trait Center:
    Copy
    + PartialEq
    + Debug
    + Default
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<f64, Output = Self>
    + Send
    + Sync
    + 'static
{
    /// The square of the absolute value.
    fn square(self) -> f64;
    /// The quotient.
    fn over(self, divisor: f64) -> Self;
}

impl Center for f64 {
    fn over(self, divisor: f64) -> Self {
        self / divisor
    }

    #[inline(always)]
    fn square(self) -> f64 {
        self * self
    }
}

/// The sums of the distances from a center and of their squares, in lanes.
#[inline(always)]
fn centred<N: Native<Center = f64>>(items: &[N], center: f64) -> (f64, f64) {
    let (chunks, rest) = items.as_chunks::<LANES>();
    let (mut first, mut second) = {
        let mut first = [0.0; LANES];
        let mut second = [0.0; LANES];
        for chunk in chunks {
            for lane in 0..LANES {
                let distance = chunk[lane].distance(center);
                first[lane] += distance;
                second[lane] += distance * distance;
            }
        }
        (first, second)
    };
    for (lane, &item) in rest.iter().enumerate() {
        let distance = item.distance(center);
        first[lane] += distance;
        second[lane] += distance * distance;
    }
    (fold_lanes(&first, |a, b| a + b), fold_lanes(&second, |a, b| a + b))
}

/// Folds lanes pairwise: the upper half onto the lower half, until one is left.
///
/// For the compiler to make a vector loop, the lanes must leave it as values: lanes that the rest of a run is added to in place
/// stay in memory, and lanes that are folded in the same function are grouped by what the fold adds. So loops end in a block of
/// their own, and the fold is a call.
#[inline(never)]
fn fold_lanes<T: Copy, const L: usize>(lanes: &[T; L], fold: impl Fn(T, T) -> T) -> T {
    let mut lanes = *lanes;
    let mut half = L / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = fold(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Appends the elements that are not NaN to the empty buffer and counts the infinities among them.
#[inline(always)]
pub(super) fn without_nan<N: Native>(items: &[N], kept: &mut Vec<N>) -> u64 {
    kept.clear();
    kept.resize(items.len(), N::default());
    let (mut count, mut infs) = (0, 0);
    for &item in items {
        kept[count] = item;
        count += usize::from(!item.is_nan());
        infs += u64::from(item.is_inf());
    }
    kept.truncate(count);
    infs
}
