//! Elements that a predicate holds for.

use std::ops::{ControlFlow, Range};

use ndarray::{Dim, Ix1, Ix2};

use super::marks;
use super::sought::{Desk, Sought};
use crate::compute::engine::Stored;
use crate::compute::engine::source::{read, shape_of};
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// The elements of a row-major array that a predicate holds for.
struct Holding<'s, S, P> {
    source: &'s S,
    holds: P,
    count: u64,
}

impl<'s, S: Source, P: Fn(S::Elem) -> bool + Sync> Holding<'s, S, P> {
    fn new(source: &'s S, holds: P) -> Result<Self> {
        let (count, _) = shape::sizes(&shape_of(source), size_of::<S::Elem>() as u64)?;
        Ok(Self { source, holds, count })
    }
}

impl<S: Source, P: Fn(S::Elem) -> bool + Sync> Sought for Holding<'_, S, P> {
    type Elem = S::Elem;

    fn positions(&self) -> Range<u64> {
        0..self.count
    }

    /// A block of elements, or of positions where those take more room.
    fn stretch(&self, job: &Job<'_>) -> u64 {
        job.grid.block_of::<S::Elem>().min(job.grid.block_of::<u64>()) as u64
    }

    fn count(&self, desk: &mut Desk<S::Elem>, stretch: Range<u64>) -> Result<u64> {
        Ok(marks::count(read(self.source, stretch, &mut desk.scratch)?, &self.holds))
    }

    fn list(&self, desk: &mut Desk<S::Elem>, stretch: Range<u64>, places: &mut Vec<u64>) -> Result<()> {
        let start = stretch.start;
        let items = read(self.source, stretch, &mut desk.scratch)?;
        marks::list(items, &self.holds, start, &mut desk.flags, places);
        Ok(())
    }
}

impl Job<'_> {
    /// How many elements `holds` is true for: `np.count_nonzero(holds(a))` without the array in between.
    ///
    /// `holds` is called once with every element, from several threads, in no particular order. NaN is an element like any
    /// other, for which comparisons are false. Of an empty array there are 0.
    ///
    /// # Errors
    ///
    /// Those of reading the source, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    ///
    /// # Panics
    ///
    /// Where `holds` panics.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1.0_f64, f64::NAN, 3.0], [5.0, 0.0, 7.0]];
    /// let job = Job::new();
    /// assert_eq!(job.count_where(&a, |x| x > 2.0)?, 3);
    /// assert_eq!(job.position(&a, |x| x > 2.0)?, Some(2));
    /// assert_eq!(job.rposition(&a, f64::is_nan)?, Some(1));
    /// assert_eq!(job.flatnonzero(&a, |x| x > 2.0)?.to_array()?, array![2, 3, 5]);
    /// assert_eq!(job.argwhere(&a, |x| x > 2.0)?.to_array()?, array![[0, 2], [1, 0], [1, 2]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn count_where<S: Source>(&self, a: &S, holds: impl Fn(S::Elem) -> bool + Sync) -> Result<u64> {
        self.count_sought(&Holding::new(a, holds)?)
    }

    /// The row-major indices of the elements that `holds` is true for, ascending, whatever the storage order:
    /// `np.flatnonzero(holds(a))`.
    ///
    /// This call passes over the array and counts; a second pass, when the result is saved or collected, reads again those
    /// parts where something was found. `holds` is called with each element once or twice, from several threads, and has to give
    /// the same answer. Of a column-major array the answers, a byte each, are put into row-major order in a temporary file.
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`]; when it is computed also those of writing the result, and
    /// [`ErrorKind::InvalidArgument`] where the array has changed since it was counted.
    ///
    /// # Panics
    ///
    /// Where `holds` panics.
    pub fn flatnonzero<'a, S: Source>(
        &'a self,
        a: &'a S,
        holds: impl Fn(S::Elem) -> bool + Sync + 'a,
    ) -> Result<Output<'a, u64, Ix1>> {
        self.indices(a, holds, Ix1, 1, |places, numbers| numbers.extend_from_slice(places))
    }

    /// The indices of the elements that `holds` is true for, one row for each with an index for every axis, in row-major order:
    /// `np.argwhere(holds(a))`.
    ///
    /// An array without axes has rows of no numbers, one row or none. For the rest see [`flatnonzero`](Self::flatnonzero).
    ///
    /// # Errors
    ///
    /// As [`flatnonzero`](Self::flatnonzero).
    ///
    /// # Panics
    ///
    /// Where `holds` panics.
    pub fn argwhere<'a, S: Source>(
        &'a self,
        a: &'a S,
        holds: impl Fn(S::Elem) -> bool + Sync + 'a,
    ) -> Result<Output<'a, u64, Ix2>> {
        let shape = shape_of(a);
        let axes = shape.len();
        self.indices(
            a,
            holds,
            move |rows| Dim((rows, axes)),
            axes,
            move |places, numbers| unravel(&shape, places, numbers),
        )
    }

    /// Calls `each` with the row-major indices of the elements that `holds` is true for, ascending, on the calling thread, until
    /// it breaks. Needs little memory however many there are, and looks little further than the last one that was wanted.
    ///
    /// A column-major array is passed over as a whole first; see [`flatnonzero`](Self::flatnonzero).
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    ///
    /// # Panics
    ///
    /// Where `holds` or `each` panics.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let mut first = Vec::new();
    /// Job::new().for_each_where(&array![3, -1, 4, -1, -5], |x| x < 0, |index| {
    ///     first.push(index);
    ///     if first.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// })?;
    /// assert_eq!(first, [1, 3]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn for_each_where<S: Source>(
        &self,
        a: &S,
        holds: impl Fn(S::Elem) -> bool + Sync,
        mut each: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<()> {
        let each = |place| Ok(each(place));
        match self.mask(a, &holds)? {
            Some(mask) => self.for_each_sought(&Holding::new(&mask, |held| held)?, each),
            None => self.for_each_sought(&Holding::new(a, holds)?, each),
        }
    }

    /// The places, each translated to `width` numbers, as an array of the shape that `dim` gives for their number.
    fn indices<'a, S: Source, D: ndarray::Dimension>(
        &'a self,
        a: &'a S,
        holds: impl Fn(S::Elem) -> bool + Sync + 'a,
        dim: impl Fn(usize) -> D,
        width: usize,
        translate: impl Fn(&[u64], &mut Vec<u64>) + Sync + 'a,
    ) -> Result<Output<'a, u64, D>> {
        let rows = |total: u64| {
            usize::try_from(total).map_err(|_| {
                Error::new(
                    ErrorKind::TooLarge,
                    format!("{total} indices are more than an array can have on this machine"),
                )
            })
        };
        let width = width as u64;
        if let Some(mask) = self.mask(a, &holds)? {
            let finds = self.find_sought(&Holding::new(&mask, |held| held)?)?;
            let dim = dim(rows(finds.total)?);
            return Ok(Output::new(self, dim, Order::C, move |store| {
                self.write_sought(&Holding::new(&mask, |held| held)?, &finds, width, store, translate)
            }));
        }
        let sought = Holding::new(a, holds)?;
        let finds = self.find_sought(&sought)?;
        let dim = dim(rows(finds.total)?);
        Ok(Output::new(self, dim, Order::C, move |store| self.write_sought(&sought, &finds, width, store, translate)))
    }

    /// The answers of a predicate in row-major order, where the elements are not.
    fn mask<S: Source>(
        &self,
        a: &S,
        holds: &(impl Fn(S::Elem) -> bool + Sync),
    ) -> Result<Option<Stored<bool, S::Dim>>> {
        if a.order() == Order::C || shape::order_is_moot(&shape_of(a)) {
            return Ok(None);
        }
        let mask = Stored::new(self, a.dim(), Order::C)?;
        self.map(a, holds).into_store(Order::C, &mask)?;
        Ok(Some(mask))
    }
}

/// Appends the index along each axis of ascending row-major indices.
fn unravel(shape: &[u64], places: &[u64], numbers: &mut Vec<u64>) {
    let Some((&width, axes)) = shape.split_last() else { return };
    // The row that the one before lies in: most often this one lies in it too.
    let mut row = vec![0; axes.len()];
    let mut begin = 0;
    for &place in places {
        if place - begin >= width {
            let mut rest = place / width;
            begin = rest * width;
            for (index, &len) in row.iter_mut().zip(axes).rev() {
                *index = rest % len;
                rest /= len;
            }
        }
        numbers.extend_from_slice(&row);
        numbers.push(place - begin);
    }
}
