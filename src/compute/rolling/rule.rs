//! What a rolling operation is: the statistics of one element, of a piece and the piece after it, and its result.

use std::marker::PhantomData;

use bytemuck::Pod;

use crate::compute::Number;
use crate::compute::kernel::Native;

/// The arithmetic of a rolling operation on items of type `I`.
pub(super) trait Rule<I: Copy>: Copy + Send + Sync {
    /// The statistics of a piece.
    type Cell: Pod + Send + Sync;
    /// The result at a window.
    type Out: Copy + Send + Sync;

    /// One element.
    fn one(self, item: I) -> Self::Cell;
    /// A piece, and the piece after it.
    fn join(self, a: Self::Cell, b: Self::Cell) -> Self::Cell;
    /// The result.
    fn out(self, cell: Self::Cell) -> Self::Out;
}

/// The statistics of pieces themselves, by the rule `R` for elements of type `I`.
#[derive(Clone, Copy)]
pub(super) struct Joined<R, I>(R, PhantomData<fn() -> I>);

impl<R, I> Joined<R, I> {
    pub(super) fn new(rule: R) -> Self {
        Self(rule, PhantomData)
    }
}

impl<I: Copy, R: Rule<I>> Rule<R::Cell> for Joined<R, I> {
    type Cell = R::Cell;
    type Out = R::Cell;

    #[inline(always)]
    fn one(self, item: R::Cell) -> R::Cell {
        item
    }

    #[inline(always)]
    fn join(self, a: R::Cell, b: R::Cell) -> R::Cell {
        self.0.join(a, b)
    }

    #[inline(always)]
    fn out(self, cell: R::Cell) -> R::Cell {
        cell
    }
}

/// Sums, multiplied by a factor: 1, or for means the inverse of the length.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    /// The length to divide by.
    pub(super) divisor: f64,
}

impl<N: Native<Center = f64>> Rule<N> for Sum {
    type Cell = f64;
    type Out = f64;

    #[inline(always)]
    fn one(self, item: N) -> f64 {
        item.distance(0.0)
    }

    #[inline(always)]
    fn join(self, a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    fn out(self, cell: f64) -> f64 {
        cell / self.divisor
    }
}

/// Sums of the elements that are not NaN, where there are enough of them, divided by their number for means.
#[derive(Clone, Copy)]
pub(super) struct CountedSum {
    pub(super) least: f64,
    pub(super) mean: bool,
}

impl<N: Native<Center = f64>> Rule<N> for CountedSum {
    /// The sum and the number of elements.
    type Cell = [f64; 2];
    type Out = f64;

    #[inline(always)]
    fn one(self, item: N) -> [f64; 2] {
        if item.is_nan() { [0.0; 2] } else { [item.distance(0.0), 1.0] }
    }

    #[inline(always)]
    fn join(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] + b[0], a[1] + b[1]]
    }

    #[inline(always)]
    fn out(self, [sum, count]: [f64; 2]) -> f64 {
        match (count >= self.least, self.mean) {
            (false, _) => f64::NAN,
            (true, false) => sum,
            (true, true) => sum / count,
        }
    }
}

/// Smallest or largest elements.
pub(super) struct Extremes<T, const MAX: bool>(PhantomData<fn() -> T>);

impl<T, const MAX: bool> Default for Extremes<T, MAX> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, const MAX: bool> Clone for Extremes<T, MAX> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const MAX: bool> Copy for Extremes<T, MAX> {}

/// The better of two; the first of equals, and NaN before anything else.
#[inline(always)]
fn better<N: Native, const MAX: bool>(a: N, b: N) -> N {
    let second = if MAX { a.less(b) } else { b.less(a) };
    if second || b.is_nan() { b } else { a }
}

impl<T: Number, const MAX: bool> Rule<T::Native> for Extremes<T, MAX> {
    type Cell = T::Native;
    type Out = T::Value;

    #[inline(always)]
    fn one(self, item: T::Native) -> T::Native {
        item
    }

    #[inline(always)]
    fn join(self, a: T::Native, b: T::Native) -> T::Native {
        better::<T::Native, MAX>(a, b)
    }

    #[inline(always)]
    fn out(self, cell: T::Native) -> T::Value {
        T::value(cell)
    }
}

/// Smallest or largest of the floats that are not NaN, where there are enough of them.
pub(super) struct CountedExtremes<T, const MAX: bool> {
    least: f64,
    elem: PhantomData<fn() -> T>,
}

impl<T, const MAX: bool> CountedExtremes<T, MAX> {
    pub(super) fn new(least: f64) -> Self {
        Self { least, elem: PhantomData }
    }
}

impl<T, const MAX: bool> Clone for CountedExtremes<T, MAX> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const MAX: bool> Copy for CountedExtremes<T, MAX> {}

impl<T: Number<Mean = f64>, const MAX: bool> Rule<T::Native> for CountedExtremes<T, MAX> {
    /// The extreme and the number of elements.
    type Cell = [f64; 2];
    type Out = T::Value;

    #[inline(always)]
    fn one(self, item: T::Native) -> [f64; 2] {
        let none = if MAX { f64::NEG_INFINITY } else { f64::INFINITY };
        if item.is_nan() { [none, 0.0] } else { [item.distance(0.0), 1.0] }
    }

    #[inline(always)]
    fn join(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [better::<f64, MAX>(a[0], b[0]), a[1] + b[1]]
    }

    #[inline(always)]
    fn out(self, [extreme, count]: [f64; 2]) -> T::Value {
        let enough = count >= self.least.max(1.0);
        T::value(T::Native::narrowed(if enough { extreme } else { f64::NAN }))
    }
}

/// Variances, or their square roots, of the elements that are not NaN, where there are enough of them.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) ddof: f64,
    pub(super) least: f64,
    pub(super) skip: bool,
    pub(super) root: bool,
}

/// The number of elements, one of them, and the mean and the sum of squares of the distances from it: of data far from zero
/// the distances have digits that the mean has no room for.
pub(super) type Moments = [f64; 4];

impl<N: Native<Center = f64>> Rule<N> for Spread {
    type Cell = Moments;
    type Out = f64;

    #[inline(always)]
    fn one(self, item: N) -> Moments {
        let item = item.distance(0.0);
        // Zero, but for an infinity, around which there is no distance.
        #[expect(clippy::eq_op, reason = "NaN for an infinity")]
        let nothing = item - item;
        if self.skip && item.is_nan() { [0.0; 4] } else { [1.0, item, 0.0, nothing] }
    }

    /// Chan, Golub and LeVeque's update.
    #[inline(always)]
    fn join(self, a: Moments, b: Moments) -> Moments {
        let ([left, pivot, mean, squares], [right, other, other_mean, other_squares]) = (a, b);
        if self.skip && (left == 0.0 || right == 0.0) {
            return if left == 0.0 { b } else { a };
        }
        let count = left + right;
        let delta = (other - pivot) + (other_mean - mean);
        let step = delta * (right / count);
        [count, pivot, mean + step, squares + other_squares + delta * step * left]
    }

    #[inline(always)]
    fn out(self, [count, _, _, squares]: Moments) -> f64 {
        if count < self.least {
            return f64::NAN;
        }
        let freedom = count - self.ddof;
        let variance = squares / if freedom > 0.0 { freedom } else { 0.0 };
        if self.root { variance.sqrt() } else { variance }
    }
}
