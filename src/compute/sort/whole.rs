//! All elements in order.

use bytemuck::Zeroable;
use ndarray::{Dim, Ix1};

use super::input::{Input, Sorted};
use super::key::Keyed;
use super::record::Record;
use super::spread::Spread;
use crate::compute::engine::source::{Blocks, shape_of};
use crate::compute::{Job, Number, Output, Source, Store};
use crate::error::Result;
use crate::shape::{self, Order};

impl Job<'_> {
    /// All elements in ascending order, as an array of one axis: `numpy.sort(a, axis=None)`.
    ///
    /// NaN comes last. -0.0 comes before 0.0, which NumPy leaves open. Complex numbers are ordered by their real part, then by
    /// their imaginary part, those with a NaN part last, as NumPy documents; their NaN parts come out as the plain NaN. `false`
    /// comes before `true`. An empty array gives an empty one.
    ///
    /// In memory where the array fits the memory of the job; otherwise the elements are read once, pass once through a
    /// temporary file of the size of the array, which is read once, and the result is written once. Many elements of
    /// one or two bytes are counted, which takes neither.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[3.0, f64::NAN], [-1.0, 2.0]];
    /// let job = Job::new();
    /// let sorted = job.sort(&a).to_array()?;
    /// assert_eq!(sorted.as_slice().unwrap()[..3], [-1.0, 2.0, 3.0]);
    /// assert!(sorted[3].is_nan());
    /// assert_eq!(job.sort_descending(&array![2, 3, 1]).to_array()?, array![3, 2, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is computed: those of reading the source, of the temporary file and of writing the result,
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn sort<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, S::Elem, Ix1> {
        self.sort_either(a, false)
    }

    /// All elements in descending order, the exact reverse of [`sort`](Self::sort): NaN comes first.
    ///
    /// # Errors
    ///
    /// As [`sort`](Self::sort).
    pub fn sort_descending<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, S::Elem, Ix1> {
        self.sort_either(a, true)
    }

    fn sort_either<'a, S: Source<Elem: Number>>(&'a self, a: &'a S, descending: bool) -> Output<'a, S::Elem, Ix1> {
        Output::new(self, line_of(a), Order::C, move |store| {
            self.gather(a, count_of(a)?, descending)?.write(self, store)
        })
    }

    /// Reads all of a source, and puts it in order as far as it has to be read for that.
    pub(super) fn gather<T: Number>(&self, a: &dyn Blocks<T>, count: u64, descending: bool) -> Result<Gathered<'_, T>> {
        let ends = if descending { T::Key::zeroed().inverted() } else { T::Key::zeroed() };
        let input = Input::of(a, count, move |item: T, _| item.key().differing(ends, T::Key::zeroed()));
        let keys = match self.count_keys(&input)? {
            Some(counts) => Keys::Counted(counts),
            None => Keys::Spread(self.spread(&input, size_of::<T>())?),
        };
        Ok(Gathered { keys, ends })
    }
}

/// The elements of an array on their way to their places.
#[derive(Debug)]
pub(super) struct Gathered<'j, T: Keyed> {
    keys: Keys<'j, T::Key>,
    /// What is different between a key and what was sorted.
    ends: T::Key,
}

#[derive(Debug)]
enum Keys<'j, K> {
    Counted(Vec<u64>),
    Spread(Spread<'j, K>),
}

impl<T: Number> Gathered<'_, T> {
    /// Writes the elements in order.
    pub(super) fn write(self, job: &Job<'_>, store: &dyn Store<T>) -> Result<()> {
        let Self { keys, ends } = self;
        let element = move |key: T::Key| T::from_key(key.differing(ends, T::Key::zeroed()));
        let to = Sorted::to(|start, items: &[T]| store.write(start, items), element);
        match keys {
            Keys::Counted(counts) => job.deliver_counted(&counts, &to),
            Keys::Spread(spread) => spread.deliver(job, 0, &to),
        }
    }
}

/// The number of elements of a source.
pub(super) fn count_of<S: Source>(a: &S) -> Result<u64> {
    Ok(shape::sizes(&shape_of(a), size_of::<S::Elem>() as u64)?.0)
}

/// The shape of all elements on one axis; a count beyond all limits is found when the result is computed.
pub(super) fn line_of<S: Source>(a: &S) -> Ix1 {
    Dim(count_of(a).ok().and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
}
