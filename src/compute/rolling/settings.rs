//! What is computed of each window.

use ndarray::{Axis, Dimension};

use super::rule::{CountedExtremes, CountedSum, Extremes, Rule, Spread, Sum};
use crate::compute::along::items::Elements;
use crate::compute::along::lanes::Lanes;
use crate::compute::engine::source::shape_of;
use crate::compute::kernel::Native;
use crate::compute::{Job, Number, Output, Source, Value};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

/// A window that moves along an axis, from [`Job::rolling`].
///
/// Each method is an array of the shape of the source, but with `n - window + 1` elements along the axis: one for each place
/// where the window is wholly inside, as in NumPy's `sliding_window_view`. (pandas puts `window - 1` NaN before them.) It is
/// stored in the order of the source.
///
/// A window with a NaN gives NaN, unless [`min_periods`](Self::min_periods) says otherwise. Only that window does: nothing is
/// carried from window to window, so neither NaN nor infinities nor rounding errors stay behind.
///
/// Errors come when the output is computed: those of reading the source and writing the result,
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an axis that is not there, for a window of no element or
/// of more than the axis has, and for more `min_periods` than a window has elements, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
/// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
#[derive(Debug)]
pub struct Rolling<'a, S> {
    job: &'a Job<'a>,
    a: &'a S,
    axis: Axis,
    window: usize,
    min_periods: Option<usize>,
}

impl<S> Clone for Rolling<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Rolling<'_, S> {}

impl Job<'_> {
    /// A window of so many elements that moves along an axis.
    ///
    /// The work does not depend on the length of the window, which may be as long as the axis, in a file of any size. A window
    /// that is longer than a block of the grid is put together from the statistics of blocks, which wait in a temporary file;
    /// the source is then read about three times, otherwise once or twice.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let (job, a) = (Job::new(), array![1.0, 5.0, f64::NAN, 2.0, 4.0]);
    /// let pairs = job.rolling(&a, Axis(0), 2);
    /// assert_eq!(pairs.min_periods(1).mean().to_array()?, array![3.0, 5.0, 2.0, 3.0]);
    /// assert!(pairs.max().to_array()?[1].is_nan());
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn rolling<'a, S: Source>(&'a self, a: &'a S, axis: Axis, window: usize) -> Rolling<'a, S> {
        Rolling { job: self, a, axis, window, min_periods: None }
    }
}

impl<'a, S: Source<Elem: Number<Mean = f64>>> Rolling<'a, S> {
    /// Skips NaN: a window gives the result of its other elements where there are at least so many of them, and NaN elsewhere.
    /// Without it a window must have no NaN. Types that have no NaN have nothing to skip.
    #[must_use]
    pub fn min_periods(mut self, least: usize) -> Self {
        self.min_periods = Some(least);
        self
    }

    /// The sums, in `f64`.
    pub fn sum(self) -> Output<'a, f64, S::Dim> {
        self.total(false)
    }

    /// The means, in `f64`.
    pub fn mean(self) -> Output<'a, f64, S::Dim> {
        self.total(true)
    }

    /// The variances: the sum of the squared distances from the mean, divided by their count less `ddof` (0 in NumPy, 1 in
    /// pandas). Pieces are merged by the formula of Chan, Golub and LeVeque.
    pub fn var(self, ddof: f64) -> Output<'a, f64, S::Dim> {
        self.spread(ddof, false)
    }

    /// The standard deviations, the square roots of [`var`](Self::var).
    pub fn std(self, ddof: f64) -> Output<'a, f64, S::Dim> {
        self.spread(ddof, true)
    }

    /// The smallest elements; NaN where there is one.
    pub fn min(self) -> Output<'a, Value<S>, S::Dim> {
        self.extreme::<false>()
    }

    /// The largest elements; NaN where there is one.
    pub fn max(self) -> Output<'a, Value<S>, S::Dim> {
        self.extreme::<true>()
    }

    /// How many elements that are not NaN a window must have, if the others are to be skipped.
    fn least(&self) -> Option<f64> {
        let least = self.min_periods.filter(|_| <S::Elem as Number>::Native::NAN.is_some());
        least.map(|least| least as f64)
    }

    fn extreme<const MAX: bool>(self) -> Output<'a, Value<S>, S::Dim> {
        match self.least() {
            Some(least) => self.over(CountedExtremes::<S::Elem, MAX>::new(least)),
            None => self.over(Extremes::<S::Elem, MAX>::default()),
        }
    }

    fn total(self, mean: bool) -> Output<'a, f64, S::Dim> {
        match self.least() {
            Some(least) => self.over(CountedSum { least, mean }),
            None => {
                let divisor = if mean { self.window as f64 } else { 1.0 };
                self.over(Sum { divisor })
            }
        }
    }

    fn spread(self, ddof: f64, root: bool) -> Output<'a, f64, S::Dim> {
        let least = self.least();
        self.over(Spread { ddof, least: least.unwrap_or(0.0), skip: least.is_some(), root })
    }

    fn over<R>(self, rule: R) -> Output<'a, R::Out, S::Dim>
    where
        R: Rule<<S::Elem as Number>::Native, Out: Element> + 'a,
    {
        let Self { job, a, axis, window, min_periods } = self;
        let mut dim = a.dim();
        if let Some(len) = dim.slice_mut().get_mut(axis.index()) {
            *len = (*len + 1).saturating_sub(window.max(1));
        }
        Output::new(job, dim, a.order(), move |store| {
            let shape = shape_of(a);
            shape::sizes(&shape, size_of::<S::Elem>().max(size_of::<R::Out>()) as u64)?;
            let lanes = Lanes::new(&shape, a.order(), axis)?;
            check(window as u64, lanes.len)?;
            if let Some(least) = min_periods.filter(|&least| least > window) {
                let message = format!("{least} elements that are not NaN in a window of {window}");
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            job.move_window(&Elements(a), lanes, window as u64, rule, store)
        })
    }
}

fn check(window: u64, len: u64) -> Result<()> {
    if window == 0 || window > len {
        let message = format!("a window of {window} elements along an axis of {len}");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}
