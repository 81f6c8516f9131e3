//! Whether elements are among given values.

use std::cmp::Ordering;

use crate::compute::engine::source::{Blocks, Scratch, read, shape_of};
use crate::compute::engine::{Load, Store};
use crate::compute::kernel::{Native, vectorised};
use crate::compute::{Job, Number, Output, Source};
use crate::error::Result;
use crate::shape;

/// Values up to which every element is compared with each of them.
const FEW: usize = 8;

/// Items that are looked up side by side.
const SIDE: usize = 32;

impl Job<'_> {
    /// Whether each element is among `values`, as an array of the same shape: `np.isin(a, values)`.
    ///
    /// 0 and -0 are equal. Here **NaN is in `values` if there is a NaN in it**; to `np.isin` it is in nothing, which is the result
    /// without a NaN in `values`. No value, no element is in it. `values` are kept in memory, sorted and without duplicates, and
    /// looked up by bisection.
    ///
    /// # Errors
    ///
    /// When it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[3, 1, 4], [1, 5, 9]];
    /// let found = Job::new().is_in(&a, &[1, 9, 2]).to_array()?;
    /// assert_eq!(found, array![[false, true, false], [true, false, true]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn is_in<'a, S: Source<Elem: Number>>(&'a self, a: &'a S, values: &[S::Elem]) -> Output<'a, bool, S::Dim> {
        let set = Set::<<S::Elem as Number>::Native>::new(values.iter().map(|&value| value.native()));
        Output::new(self, a.dim(), a.order(), move |store| self.mark_members(a, &shape_of(a), &set, store))
    }

    fn mark_members<T: Number>(
        &self,
        source: &dyn Blocks<T>,
        shape: &[u64],
        set: &Set<T::Native>,
        store: &dyn Store<bool>,
    ) -> Result<()> {
        let (count, bytes) = shape::sizes(shape, size_of::<T>() as u64)?;
        let (leaf, block) = (self.grid.leaf_of::<T>(), self.grid.block_of::<T>() as u64);
        let scratch = block * (size_of::<T>() + 1) as u64;
        let load = Load { units: count.div_ceil(block), bytes, scratch, held: size_of_val(&*set.values) as u64 };
        self.in_order(
            load,
            <(Scratch<T>, Vec<T::Native>, Vec<bool>)>::default,
            |(scratch, decoded, answers), unit, shift| {
                let start = unit * block;
                let items = read(source, start..count.min(start + block), scratch)?;
                answers.clear();
                for items in items.chunks(leaf) {
                    set.look_up(T::decode(items, decoded), answers);
                }
                store.write(start, answers)?;
                shift.done(size_of_val(items) as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }
}

/// Values to look up.
struct Set<N> {
    /// Ascending, each once, without NaN.
    values: Vec<N>,
    /// Whether there was a NaN.
    nan: bool,
}

impl<N: Native> Set<N> {
    fn new(values: impl Iterator<Item = N>) -> Self {
        let mut nan = false;
        let mut values: Vec<N> = values
            .filter(|value| {
                nan |= value.is_nan();
                !value.is_nan()
            })
            .collect();
        values.sort_unstable_by(|a, b| match (a.less(*b), b.less(*a)) {
            (true, _) => Ordering::Less,
            (_, true) => Ordering::Greater,
            _ => Ordering::Equal,
        });
        values.dedup();
        Self { values, nan }
    }

    /// Appends an answer for each item.
    fn look_up(&self, items: &[N], answers: &mut Vec<bool>) {
        let nan = self.nan;
        let Some(&first) = self.values.first() else {
            return answers.extend(items.iter().map(|&item| nan && item.is_nan()));
        };
        if self.values.len() > FEW {
            return self.bisect(items, answers);
        }
        let mut few = [first; FEW];
        few[..self.values.len()].copy_from_slice(&self.values);
        vectorised(
            #[inline(always)]
            || {
                answers.extend(
                    items
                        .iter()
                        .map(|&item| few.iter().fold(nan && item.is_nan(), |any, &value| any | (item == value))),
                );
            },
        );
    }

    /// Looks up several items side by side, so that their steps overlap.
    fn bisect(&self, items: &[N], answers: &mut Vec<bool>) {
        for items in items.chunks(SIDE) {
            let mut at = [0; SIDE];
            let mut len = self.values.len();
            while len > 1 {
                let half = len / 2;
                for (at, &item) in at.iter_mut().zip(items) {
                    // Without a branch, which nobody could predict.
                    *at += half * usize::from(!item.less(self.values[*at + half]));
                }
                len -= half;
            }
            let found = |(&at, &item): (&usize, &N)| self.values[at] == item || self.nan && item.is_nan();
            answers.extend(at.iter().zip(items).map(found));
        }
    }
}
