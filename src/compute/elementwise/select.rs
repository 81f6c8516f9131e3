//! Limits, and choices between two arrays.

use ndarray::{DimMax, Dimension};

use super::expression::Kernel;
use super::zip::ternary;
use crate::compute::kernel::{Native, vectorised};
use crate::compute::{Job, Number, Output, Source};
use crate::element::Element;
use crate::error::Result;

/// The element within its limits.
#[inline(always)]
fn between<T: Number>(item: T, min: T, max: T) -> T {
    let (native, low, high) = (item.native(), min.native(), max.native());
    let raise = native.less(low) | low.is_nan();
    let (item, native) = if raise { (min, low) } else { (item, native) };
    if high.less(native) | high.is_nan() { max } else { item }
}

struct Clip;

impl<T: Number> Kernel<(T, T, T)> for Clip {
    type Elem = T;

    fn run(&self, _: u64, (items, min, max): (&[T], &[T], &[T]), out: &mut Vec<T>) -> Result<()> {
        vectorised(
            #[inline(always)]
            || out.extend(items.iter().zip(min).zip(max).map(|((&item, &min), &max)| between(item, min, max))),
        );
        Ok(())
    }
}

struct Select;

impl<C: Number, T: Element> Kernel<(C, T, T)> for Select {
    type Elem = T;

    fn run(&self, _: u64, (condition, a, b): (&[C], &[T], &[T]), out: &mut Vec<T>) -> Result<()> {
        let mut buffer = Vec::new();
        let condition = C::decode(condition, &mut buffer);
        vectorised(
            #[inline(always)]
            || out.extend(condition.iter().zip(a).zip(b).map(|((c, &a), &b)| if c.is_zero() { b } else { a })),
        );
        Ok(())
    }
}

/// The elements of `a`, and `min` or `max` where they lie beyond, as a source.
///
/// As in `np.clip`, the limits are numbers or arrays that broadcast, NaN in any of the three gives NaN, and where `min` is
/// greater than `max` the result is `max`.
///
/// # Errors
///
/// Those of [`zip`](super::zip()).
pub fn clip<T, S, L, H, D>(a: S, min: L, max: H) -> Result<impl Source<Elem = T, Dim = D>>
where
    T: Number,
    S: Source<Elem = T, Dim: DimMax<L::Dim, Output: DimMax<H::Dim, Output = D>>>,
    L: Source<Elem = T>,
    H: Source<Elem = T>,
    D: Dimension,
{
    ternary(a, min, max, Clip)
}

/// The element of `a` where the condition is true, and of `b` elsewhere, as a source: `np.where` with three arguments.
///
/// The three broadcast, and a number is an array without axes, as in [`zip`](super::zip()). A condition is true where it is not
/// 0; NaN is true.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::{less, select};
/// use outcore::ndarray::array;
///
/// let a = array![-1.0_f64, 2.0, -3.0];
/// let rectified = select(less(&a, 0.0)?, 0.0, &a)?;
/// assert_eq!(Job::new().sum(&rectified)?, 2.0);
/// # Ok::<(), outcore::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`zip`](super::zip()).
pub fn select<T, C, A, B, D>(condition: C, a: A, b: B) -> Result<impl Source<Elem = T, Dim = D>>
where
    T: Element,
    C: Source<Elem: Number, Dim: DimMax<A::Dim, Output: DimMax<B::Dim, Output = D>>>,
    A: Source<Elem = T>,
    B: Source<Elem = T>,
    D: Dimension,
{
    ternary(condition, a, b, Select)
}

/// Limits and choices.
impl Job<'_> {
    /// The elements of `a`, and `min` or `max` where they lie beyond. [`clip`] is the same as an expression, and says more.
    ///
    /// # Errors
    ///
    /// Those of [`zip`](super::zip()); when it is computed, those of [`Job::copy`].
    pub fn clip<'a, T, S, L, H, D>(&'a self, a: S, min: L, max: H) -> Result<Output<'a, T, D>>
    where
        T: Number,
        S: Source<Elem = T, Dim: DimMax<L::Dim, Output: DimMax<H::Dim, Output = D>>> + 'a,
        L: Source<Elem = T> + 'a,
        H: Source<Elem = T> + 'a,
        D: Dimension + 'a,
    {
        Ok(self.copy(clip(a, min, max)?))
    }

    /// The element of `a` where the condition is true, and of `b` elsewhere. [`select`] is the same as an expression, and says
    /// more.
    ///
    /// # Errors
    ///
    /// Those of [`zip`](super::zip()); when it is computed, those of [`Job::copy`].
    pub fn select<'a, T, C, A, B, D>(&'a self, condition: C, a: A, b: B) -> Result<Output<'a, T, D>>
    where
        T: Element,
        C: Source<Elem: Number, Dim: DimMax<A::Dim, Output: DimMax<B::Dim, Output = D>>> + 'a,
        A: Source<Elem = T> + 'a,
        B: Source<Elem = T> + 'a,
        D: Dimension + 'a,
    {
        Ok(self.copy(select(condition, a, b)?))
    }
}
