//! Where the elements would go.

use bytemuck::Zeroable;
use ndarray::{Axis, Ix1};

use super::axis::Lines;
use super::input::{Input, Sorted};
use super::key::{Key, Keyed};
use super::record::Record;
use super::whole::{count_of, line_of};
use crate::compute::engine::source::{Blocks, shape_of};
use crate::compute::{Job, Number, Output, Source, Store};
use crate::error::Result;
use crate::shape::{self, Order};

impl Job<'_> {
    /// The row-major indices of all elements in ascending order: `numpy.argsort(a, axis=None, kind="stable")`, with `u64` for
    /// `int64`.
    ///
    /// The order is that of [`sort`](Self::sort). Equal elements come in the order of their indices; so do -0.0 and 0.0, and NaN
    /// of all kinds. An empty array gives an empty one.
    ///
    /// Beyond the memory of the job the elements go through a temporary file together with their indices: 8 bytes for each
    /// element of up to 4 bytes, 16 for others, 24 for `Complex<f64>`.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let job = Job::new();
    /// assert_eq!(job.argsort(&array![2.5, -1.0, 2.5, 0.0]).to_array()?, array![1, 3, 0, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sort`](Self::sort).
    pub fn argsort<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, u64, Ix1> {
        self.argsort_either(a, false)
    }

    /// The row-major indices of all elements in descending order, NaN first; those of equal elements ascend.
    ///
    /// # Errors
    ///
    /// As [`sort`](Self::sort).
    pub fn argsort_descending<'a, S: Source<Elem: Number>>(&'a self, a: &'a S) -> Output<'a, u64, Ix1> {
        self.argsort_either(a, true)
    }

    fn argsort_either<'a, S: Source<Elem: Number>>(&'a self, a: &'a S, descending: bool) -> Output<'a, u64, Ix1> {
        Output::new(self, line_of(a), Order::C, move |store| {
            let index = RowMajor::new(&shape_of(a), a.order());
            self.sort_indices(a, (count_of(a)?, index), descending, store)
        })
    }

    fn sort_indices<T: Number>(
        &self,
        a: &dyn Blocks<T>,
        (count, index): (u64, RowMajor),
        descending: bool,
        store: &dyn Store<u64>,
    ) -> Result<()> {
        let zero = T::Key::zeroed();
        let ends = if descending { zero.inverted() } else { zero };
        let key = move |item: T| T::same(item.key()).differing(ends, zero);
        if fits_words::<T>(count) {
            let record = |item, position| join(key(item), index.of(position));
            let to = Sorted::to(|start, items: &[u64]| store.write(start, items), |record| record & LOW);
            return self.spread(&Input::of(a, count, record), size_of::<u64>())?.deliver(self, 0, &to);
        }
        let record = |item, position| key(item).with_index(index.of(position));
        let to = Sorted::to(|start, items: &[u64]| store.write(start, items), |record| T::Key::split(record).1);
        self.spread(&Input::of(a, count, record), size_of::<u64>())?.deliver(self, 0, &to)
    }

    /// The order along an axis: `numpy.argsort(a, axis, kind="stable")`, with `u64` for `int64`: for each place of the result
    /// the index along the axis of the element that [`sort_axis`](Self::sort_axis) would put there.
    ///
    /// Equal elements come in the order of their indices, as in [`argsort`](Self::argsort).
    ///
    /// # Errors
    ///
    /// As [`sort_axis`](Self::sort_axis).
    pub fn argsort_axis<'a, S: Source<Elem: Number>>(&'a self, a: &'a S, axis: Axis) -> Output<'a, u64, S::Dim> {
        Output::new(self, a.dim(), a.order(), move |store| {
            let lines = Lines::new(&shape_of(a), a.order(), axis)?;
            let key = |item: S::Elem| <S::Elem as Keyed>::same(item.key());
            if fits_words::<S::Elem>(lines.len) {
                return self.sort_lines(a, lines, |item, index| join(key(item), index), |record| record & LOW, store);
            }
            let index = |record| <S::Elem as Keyed>::Key::split(record).1;
            self.sort_lines(a, lines, |item, index| key(item).with_index(index), index, store)
        })
    }
}

/// The bits of an index below a key in one word.
const LOW: u64 = u32::MAX as u64;

/// Whether a key and an index below `count` fit one word.
fn fits_words<T: Keyed>(count: u64) -> bool {
    T::Key::BITS <= u32::BITS && count <= LOW
}

#[inline(always)]
fn join<K: Key>(key: K, index: u64) -> u64 {
    (u64::from(key.bits(0)) << u32::BITS) | index
}

/// The row-major index of a storage position.
#[derive(Debug)]
enum RowMajor {
    Same,
    /// The length of each axis and the row-major distance of its neighbours, the fastest axis of the storage first.
    Axes(Vec<(u64, u64)>),
}

impl RowMajor {
    fn new(shape: &[u64], order: Order) -> Self {
        if order == Order::C || shape::order_is_moot(shape) || shape::sizes(shape, 1).is_err() {
            return Self::Same;
        }
        Self::Axes(shape.iter().copied().zip(shape::strides(shape, Order::C)).collect())
    }

    #[inline(always)]
    fn of(&self, position: u64) -> u64 {
        match self {
            Self::Same => position,
            Self::Axes(axes) => {
                let mut rest = position;
                let mut index = 0;
                for &(len, stride) in axes {
                    index += rest % len * stride;
                    rest /= len;
                }
                index
            }
        }
    }
}
