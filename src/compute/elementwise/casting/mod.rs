//! Elements as another type, with an account of what is lost.

#[cfg(feature = "half")]
mod float;
mod number;

use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use portable_atomic::AtomicU64;

use super::expression::{Expression, Kernel};
use crate::compute::engine::source::shape_of;
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

pub use number::Cast;
use number::{Loss, Wide};

/// What becomes of a value that the new type does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Casting {
    /// As NumPy's `astype` in its default mode, `unsafe`.
    ///
    /// Integers keep their low bits. A float is cut off towards zero, taken into `i64` (`u64` for `u64`, if it is positive) as
    /// with [`Saturating`](Self::Saturating), and keeps the low bits of that; NaN becomes 0. NumPy leaves floats beyond the
    /// integer type to the processor, and gives different results on different machines.
    #[default]
    Wrapping,
    /// As Rust's `as`: the nearest integer that the type has is taken; floats are cut off towards zero; NaN becomes 0.
    Saturating,
    /// An element that would change is an error: that a bool is not 0 or 1, an integer out of range, a float not integral or
    /// in need of rounding, a NaN not to be had, an imaginary part not 0.
    Exact,
}

/// How many elements a cast has changed, by what they lost. An element is counted once for its real part, and once in
/// [`imaginary_lost`](Self::imaginary_lost).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CastReport {
    /// All elements.
    pub count: u64,
    /// Values out of the range of the new type: integers and floats that wrapped or saturated, finite floats that became
    /// infinite.
    pub overflowed: u64,
    /// Values within the range that are no longer the same: fractions that were cut off, floats and large integers that were
    /// rounded, numbers other than 0 and 1 that became `true`.
    pub inexact: u64,
    /// NaN that became an integer or a bool.
    pub nan_lost: u64,
    /// Imaginary parts other than 0 that were dropped.
    pub imaginary_lost: u64,
}

impl CastReport {
    /// Whether every element has kept its value.
    pub fn is_exact(&self) -> bool {
        self.overflowed + self.inexact + self.nan_lost + self.imaginary_lost == 0
    }
}

/// The report as it grows.
#[derive(Debug, Default)]
struct Counts {
    overflowed: AtomicU64,
    inexact: AtomicU64,
    nan_lost: AtomicU64,
    imaginary_lost: AtomicU64,
}

/// The kernel of a cast.
struct Conversion {
    casting: Casting,
    shape: Vec<u64>,
    order: Order,
    counts: Counts,
}

/// Losses of a run of elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Losses {
    overflowed: u64,
    inexact: u64,
    nan_lost: u64,
    imaginary_lost: u64,
}

/// Appends the values of a run that is not longer than a `u32` can count, saturated.
fn convert<W: Wide, U: Cast>(items: &[W], out: &mut Vec<U>) -> Losses {
    vectorised(
        #[inline(always)]
        || {
            let zero = W::Count::default();
            let (mut overflowed, mut inexact, mut nan_lost, mut imaginary_lost) = (zero, zero, zero, zero);
            // A loop of its own: the one inside `extend` may become a function, which knows nothing of the vector unit.
            let from = out.len();
            out.resize(from + items.len(), U::zeroed());
            for (place, &item) in out[from..].iter_mut().zip(items) {
                let (value, loss) = item.cast::<U>();
                overflowed += W::Count::from(loss.overflow);
                inexact += W::Count::from(loss.inexact);
                nan_lost += W::Count::from(loss.nan);
                imaginary_lost += W::Count::from(loss.imaginary);
                *place = value;
            }
            let [overflowed, inexact, nan_lost, imaginary_lost] =
                [overflowed, inexact, nan_lost, imaginary_lost].map(Into::into);
            Losses { overflowed, inexact, nan_lost, imaginary_lost }
        },
    )
}

/// The same where nothing can be lost.
fn convert_exact<W: Wide, U: Cast>(items: &[W], out: &mut Vec<U>) {
    vectorised(
        #[inline(always)]
        || out.extend(items.iter().map(|&item| item.cast::<U>().0)),
    );
}

/// A cast to `U`.
struct To<U> {
    conversion: Conversion,
    elem: PhantomData<fn() -> U>,
}

impl<T: Cast, U: Cast> Kernel<(T,)> for To<U> {
    type Elem = U;

    fn run(&self, start: u64, (items,): (&[T],), out: &mut Vec<U>) -> Result<()> {
        let Conversion { casting, counts, .. } = &self.conversion;
        let mut buffer = Vec::new();
        let wide = T::widen(items, &mut buffer);
        if const { U::VALUES.hold(T::VALUES) } {
            convert_exact(wide, out);
            return Ok(());
        }
        let from = out.len();
        let losses = convert(wide, out);
        if losses == Losses::default() {
            return Ok(());
        }
        if *casting == Casting::Exact {
            return Err(self.conversion.refuse::<T, U>(start, items, wide));
        }
        if *casting == Casting::Wrapping && losses.overflowed > 0 {
            out[from..].iter_mut().zip(wide).for_each(|(out, wide)| *out = wide.wrap());
        }
        counts.add(losses);
        Ok(())
    }
}

impl Counts {
    fn add(&self, losses: Losses) {
        let pairs = [
            (&self.overflowed, losses.overflowed),
            (&self.inexact, losses.inexact),
            (&self.nan_lost, losses.nan_lost),
            (&self.imaginary_lost, losses.imaginary_lost),
        ];
        for (count, more) in pairs.into_iter().filter(|(_, more)| *more > 0) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn report(&self, count: u64) -> CastReport {
        CastReport {
            count,
            overflowed: self.overflowed.load(Ordering::Relaxed),
            inexact: self.inexact.load(Ordering::Relaxed),
            nan_lost: self.nan_lost.load(Ordering::Relaxed),
            imaginary_lost: self.imaginary_lost.load(Ordering::Relaxed),
        }
    }
}

impl Conversion {
    /// Names the first element of the run that would change.
    fn refuse<T: Cast, U: Cast>(&self, start: u64, items: &[T], wide: &[T::Wide]) -> Error {
        let lost = |item: &T::Wide| item.cast::<U>().1 != Loss::default();
        let at = wide.iter().position(lost).unwrap_or_default();
        let position = start + at as u64;
        let strides = shape::strides(&self.shape, self.order);
        let index: Vec<_> =
            self.shape.iter().zip(strides).map(|(&len, stride)| (position / stride % len.max(1)).to_string()).collect();
        let value = T::value(items[at].native());
        let message = format!("the element at [{}] is {value:?}, which {} cannot hold", index.join(", "), U::name());
        Error::new(ErrorKind::InvalidElement, message).with_hint("cast with Casting::Wrapping or Casting::Saturating")
    }
}

/// The cast as an expression that counts.
fn conversion<U: Cast, S: Source<Elem: Cast>>(a: S, casting: Casting) -> Expression<(S,), S::Dim, To<U>> {
    let (dim, order) = (a.dim(), a.order());
    let conversion = Conversion { casting, shape: shape_of(&a), order, counts: Counts::default() };
    Expression { inputs: (a,), dim, order, kernel: To { conversion, elem: PhantomData } }
}

/// The elements of `a` as `U`, as a source: `a.astype(U)`. [`Job::cast`] also says what was lost.
///
/// To round to the nearest integer instead of cutting off, cast [`rint`] of the array.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::{Casting, cast, rint};
/// use outcore::ndarray::array;
///
/// let a = array![1.5_f64, -2.6, 300.0, f64::NAN];
/// let job = Job::new();
/// let (bytes, report) = job.cast::<u8, _>(&a, Casting::Saturating).to_array_and_report()?;
/// assert_eq!(bytes, array![1, 0, 255, 0]);
/// assert_eq!((report.inexact, report.overflowed, report.nan_lost), (1, 2, 1));
/// let rounded = cast::<i32, _>(rint(&a), Casting::Wrapping);
/// assert_eq!(job.copy(rounded).to_array()?, array![2, -3, 300, 0]);
/// # Ok::<(), outcore::Error>(())
/// ```
///
/// # Errors
///
/// When it is read: those of reading the source; [`ErrorKind::InvalidElement`] for [`Casting::Exact`] and an element that would
/// change.
pub fn cast<U: Cast, S: Source<Elem: Cast>>(a: S, casting: Casting) -> impl Source<Elem = U, Dim = S::Dim> {
    conversion::<U, S>(a, casting)
}

struct Rint;

impl<T: Cast> Kernel<(T,)> for Rint {
    type Elem = T;

    fn run(&self, _: u64, (items,): (&[T],), out: &mut Vec<T>) -> Result<()> {
        let mut buffer = Vec::new();
        let wide = T::widen(items, &mut buffer);
        vectorised(
            #[inline(always)]
            || out.extend(wide.iter().map(|wide| wide.rint().cast::<T>().0)),
        );
        Ok(())
    }
}

/// The elements rounded to the nearest integer, and to the even one of two that are as near, as a source of the same type:
/// `np.rint`. Integers are what they are, and each part of a complex number is rounded.
pub fn rint<S: Source<Elem: Cast>>(a: S) -> impl Source<Elem = S::Elem, Dim = S::Dim> {
    let (dim, order) = (a.dim(), a.order());
    Expression { inputs: (a,), dim, order, kernel: Rint }
}

impl Job<'_> {
    /// The elements of `a` as `U`, and what was lost: `a.astype(U)`.
    ///
    /// Between all numbers: integers, floats, bool, complex. What does not fit is treated as [`Casting`] says; floats are
    /// rounded to the nearest, and to the even one of two that are as near, in one step; a number that is not 0 is `true`, NaN
    /// too; a complex number loses its imaginary part, and as a bool it is true where either part is not 0.
    ///
    /// [`save`](Output::save) and its kin return the report. [`cast`] is the same as an expression.
    ///
    /// # Errors
    ///
    /// When it is computed: those of [`Job::copy`]; [`ErrorKind::InvalidElement`] for [`Casting::Exact`] and an element that
    /// would change, which the message names.
    pub fn cast<'a, U: Cast, S: Source<Elem: Cast> + 'a>(
        &'a self,
        a: S,
        casting: Casting,
    ) -> Output<'a, U, S::Dim, CastReport> {
        let expression = conversion::<U, S>(a, casting);
        Output::new(self, expression.dim(), expression.order(), move |store| {
            self.copy_into(&expression, store)?;
            let count = shape_of(&expression).iter().product();
            Ok(expression.kernel.conversion.counts.report(count))
        })
    }

    /// The elements rounded to the nearest integer, in the same type: `np.rint`. [`rint`] is the same as an expression, and
    /// says more.
    ///
    /// # Errors
    ///
    /// Those of [`Job::copy`].
    pub fn rint<'a, S: Source<Elem: Cast> + 'a>(&'a self, a: S) -> Output<'a, S::Elem, S::Dim> {
        self.copy(rint(a))
    }
}
