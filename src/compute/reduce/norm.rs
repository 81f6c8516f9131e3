//! Norms of vectors.

use ndarray::{Axis, RemoveAxis};

use super::fold::{Fold, Place};
use super::truth::Truth;
use crate::compute::kernel::{Center, Columns, Native, Rows, fold_columns, fold_run, vectorised};
use crate::compute::{Job, Number, Reduced, Source};
use crate::error::{Error, ErrorKind, Result};

/// `sum * 2^(power * exponent)`, where the exponent is 0 unless the sum itself would be out of range.
#[derive(Clone, Copy, Debug, Default)]
struct Scaled {
    sum: f64,
    exponent: f64,
}

/// Sums of the absolute values to a power.
#[derive(Clone, Copy, Debug)]
struct Powers(f64);

/// Sums below this may have lost terms to underflow.
const LOWEST: f64 = 1e-280;

/// The powers that have loops of their own, in quarters; `ANY` is the loop for the others.
const ANY: u8 = 0;

/// The absolute value to the power, after scaling.
#[inline(always)]
fn term<N: Native, const QUARTERS: u8>(item: N, scale: f64, power: f64) -> f64 {
    let square = |item: N| (item.distance(N::Center::default()) * scale).square();
    match QUARTERS {
        2 => (item.magnitude() * scale).sqrt(),
        4 => item.magnitude() * scale,
        8 => square(item),
        12 => square(item) * (item.magnitude() * scale),
        16 => square(item) * square(item),
        _ => (item.magnitude() * scale).powf(power),
    }
}

/// Calls the loop for a power: `$loop::<N, QUARTERS>($($arg),*)`.
macro_rules! by_power {
    ($power:expr, $self:ident.$loop:ident($($arg:expr),*)) => {
        match $power {
            0.5 => $self.$loop::<N, 2>($($arg),*),
            1.0 => $self.$loop::<N, 4>($($arg),*),
            2.0 => $self.$loop::<N, 8>($($arg),*),
            3.0 => $self.$loop::<N, 12>($($arg),*),
            4.0 => $self.$loop::<N, 16>($($arg),*),
            _ => $self.$loop::<N, ANY>($($arg),*),
        }
    };
}

impl Powers {
    fn is_safe(self, sum: f64) -> bool {
        self.0 < 0.0 || (LOWEST..f64::INFINITY).contains(&sum)
    }

    fn run_loop<N: Native, const QUARTERS: u8>(self, items: &[N], scale: f64) -> f64 {
        vectorised(
            #[inline(always)]
            || fold_run(items, 0.0, |sum, item| sum + term::<N, QUARTERS>(item, scale, self.0), |a, b| a + b),
        )
    }

    fn band_loop<N: Native, const QUARTERS: u8>(self, band: Rows<'_, N>) -> Vec<f64> {
        vectorised(
            #[inline(always)]
            || fold_columns(band, 0.0, |sum, item| sum + term::<N, QUARTERS>(item, 1.0, self.0)),
        )
    }

    fn sum<N: Native>(self, items: &[N], scale: f64) -> f64 {
        by_power!(self.0, self.run_loop(items, scale))
    }

    /// The sum of a run by the largest absolute value in it.
    fn scaled<N: Native>(self, items: &[N]) -> Scaled {
        let largest = Sizes.of_run(items).max;
        if largest == 0.0 || !largest.is_finite() {
            return Scaled { sum: self.sum(items, 1.0), exponent: 0.0 };
        }
        // Far enough from the end of the range for the inverse to be a normal number.
        let exponent = largest.log2().floor().clamp(-1000.0, 1000.0);
        Scaled { sum: self.sum(items, (-exponent).exp2()), exponent }
    }

    fn norm(self, Scaled { sum, exponent }: Scaled) -> f64 {
        let root = match self.0 {
            1.0 => sum,
            2.0 => sum.sqrt(),
            power => sum.powf(1.0 / power),
        };
        root * exponent.exp2()
    }
}

impl<N: Native> Fold<N> for Powers {
    type Cell = Scaled;
    type Hint = ();

    fn empty(self) -> Scaled {
        Scaled::default()
    }

    fn run(self, _: Place<'_>, items: &[N], (): &mut (), _: &mut Vec<N>) -> Scaled {
        let sum = self.sum(items, 1.0);
        if self.is_safe(sum) { Scaled { sum, exponent: 0.0 } } else { self.scaled(items) }
    }

    fn band(self, _: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Scaled> {
        let sums = by_power!(self.0, self.band_loop(band));
        let mut mend = |(at, sum): (usize, f64)| {
            if self.is_safe(sum) {
                return Scaled { sum, exponent: 0.0 };
            }
            band.column(at, &mut columns.column);
            self.scaled(&columns.column)
        };
        sums.into_iter().enumerate().map(&mut mend).collect()
    }

    fn merge(self, a: &mut Scaled, b: Scaled) {
        if b.sum == 0.0 {
            return;
        }
        if a.sum == 0.0 {
            *a = b;
            return;
        }
        let (large, small) = if a.exponent >= b.exponent { (*a, b) } else { (b, *a) };
        a.exponent = large.exponent;
        // An infinity is one on any scale, even where the factor is 0.
        let factor = if small.sum.is_finite() { (self.0 * (small.exponent - large.exponent)).exp2() } else { 1.0 };
        a.sum = large.sum + small.sum * factor;
    }
}

/// The smallest and the largest absolute value, both NaN where an element is.
#[derive(Clone, Copy, Debug)]
struct Size {
    min: f64,
    max: f64,
}

/// Smallest and largest absolute values.
#[derive(Clone, Copy, Debug)]
struct Sizes;

#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

#[inline(always)]
fn smaller(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

impl Sizes {
    fn of_run<N: Native>(self, items: &[N]) -> Size {
        let (min, max) = vectorised(
            #[inline(always)]
            || {
                let min = fold_run(items, f64::INFINITY, |min, item| smaller(min, item.magnitude()), smaller);
                (min, fold_run(items, 0.0, |max, item| larger(max, item.magnitude()), larger))
            },
        );
        Size { min, max }
    }
}

impl<N: Native> Fold<N> for Sizes {
    type Cell = Size;
    type Hint = ();

    fn empty(self) -> Size {
        Size { min: f64::INFINITY, max: 0.0 }
    }

    fn run(self, _: Place<'_>, items: &[N], (): &mut (), _: &mut Vec<N>) -> Size {
        self.of_run(items)
    }

    fn band(self, _: u64, band: Rows<'_, N>, _: &mut Columns<N>) -> Vec<Size> {
        let (min, max) = vectorised(
            #[inline(always)]
            || {
                let min = fold_columns(band, f64::INFINITY, |min, item| smaller(min, item.magnitude()));
                (min, fold_columns(band, 0.0, |max, item| larger(max, item.magnitude())))
            },
        );
        min.into_iter().zip(max).map(|(min, max)| Size { min, max }).collect()
    }

    fn merge(self, a: &mut Size, b: Size) {
        *a = Size { min: smaller(a.min, b.min), max: larger(a.max, b.max) };
    }
}

fn not_a_number() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the order of a norm is NaN")
        .with_hint("orders are 0, 1, 2, any other number, and the two infinities")
}

fn nothing() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the smallest absolute value of no element")
}

impl Job<'_> {
    /// The norm of all elements as one vector, in `f64`: NumPy's `linalg.norm(a.ravel(), ord)`.
    ///
    /// | `ord` | norm |
    /// |---|---|
    /// | `2.0` | the square root of the sum of squares (of an array of two axes: the Frobenius norm) |
    /// | `1.0` | the sum of the absolute values |
    /// | `0.0` | the number of elements that are not 0 |
    /// | `f64::INFINITY`, `f64::NEG_INFINITY` | the largest, the smallest absolute value |
    /// | `p` | the sum of the absolute values to the power of `p`, to the power of `1/p` |
    ///
    /// Sums run over a fixed tree and are scaled where they would overflow or underflow (for `p > 0`), so the norm is infinite
    /// only if it is too large itself. A NaN makes it NaN, but for `ord` 0, which counts it. Of no element it is 0, for
    /// negative powers infinite.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![3e300, -4e300];
    /// assert_eq!(Job::new().norm(&a, 2.0)?, 5e300);
    /// assert_eq!(Job::new().norm(&a, f64::INFINITY)?, 4e300);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::sum`]; [`ErrorKind::InvalidArgument`] for an `ord` of NaN, and for minus infinity where there is no element.
    pub fn norm<S: Source<Elem: Number>>(&self, a: &S, ord: f64) -> Result<f64> {
        if ord == 0.0 {
            return Ok(self.reduce(a, Truth::default())?.nonzero as f64);
        }
        if ord == f64::INFINITY {
            return Ok(self.reduce(a, Sizes)?.max);
        }
        if ord == f64::NEG_INFINITY {
            let count = crate::compute::engine::source::shape_of(a);
            let min = self.reduce(a, Sizes)?.min;
            return if count.contains(&0) { Err(nothing()) } else { Ok(min) };
        }
        if ord.is_nan() {
            return Err(not_a_number());
        }
        Ok(Powers(ord).norm(self.reduce(a, Powers(ord))?))
    }

    /// [`Self::norm`] along an axis: NumPy's `linalg.norm(a, ord, axis)`.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`] and [`Self::norm`].
    pub fn norm_axis<S>(&self, a: &S, axis: Axis, ord: f64) -> Result<Reduced<S, f64>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        if ord == 0.0 {
            return self.reduce_axis(a, axis, Truth::default(), 0.0, |count| Ok(count.nonzero as f64));
        }
        if ord == f64::INFINITY {
            return self.reduce_axis(a, axis, Sizes, 0.0, |size: Size| Ok(size.max));
        }
        if ord == f64::NEG_INFINITY {
            let empty = crate::compute::engine::source::shape_of(a).get(axis.index()) == Some(&0);
            let min = |size: Size| if empty { Err(nothing()) } else { Ok(size.min) };
            return self.reduce_axis(a, axis, Sizes, 0.0, min);
        }
        if ord.is_nan() {
            return Err(not_a_number());
        }
        self.reduce_axis(a, axis, Powers(ord), 0.0, |cell| Ok(Powers(ord).norm(cell)))
    }
}
