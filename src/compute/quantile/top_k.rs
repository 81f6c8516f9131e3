//! The largest or smallest elements, and where they are.

use std::cmp::Ordering;

use crate::compute::engine::Load;
use crate::compute::engine::pool::Pool;
use crate::compute::engine::source::{Blocks, Scratch, Source, read, shape_of};
use crate::compute::kernel::vectorised;
use crate::compute::real::{Ordinal, Real};
use crate::compute::{Job, Number, Value};
use crate::error::Result;
use crate::shape::{self, Order};

/// Which end of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Top {
    /// The largest elements, descending.
    Largest,
    /// The smallest elements, ascending.
    Smallest,
}

/// Some elements and where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK<V> {
    /// The elements, the best first.
    pub values: Vec<V>,
    /// Their indices in row-major order, whatever the storage order.
    pub indices: Vec<u64>,
}

/// An element that may be among the best: the better, the greater.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// The key of the element, turned around for the smallest.
    key: u64,
    index: u64,
}

impl Candidate {
    /// The best come first: by key, then by the smaller index.
    fn order(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(self.index.cmp(&other.index))
    }
}

/// The best candidates of one worker so far, and others that are to be weeded out.
struct Best<N> {
    k: usize,
    candidates: Vec<Candidate>,
    /// The last of the best, once there are `k`.
    last: Option<(Candidate, N)>,
}

/// Items that are looked at together.
const CHUNK: usize = 64;

impl<N: Ordinal> Best<N> {
    fn new(k: usize) -> Self {
        Self { k, candidates: Vec::new(), last: None }
    }

    /// Takes in the items from a storage position on.
    fn see(&mut self, top: Top, items: &[N], start: u64, row_major: &dyn Fn(u64) -> u64) {
        for (at, items) in items.chunks(CHUNK).enumerate() {
            let Some((_, limit)) = self.last else {
                self.take(top, items, start + (at * CHUNK) as u64, row_major);
                continue;
            };
            let any = vectorised(
                #[inline(always)]
                || match top {
                    Top::Largest => items.iter().fold(false, |any, &item| any | (item >= limit)),
                    Top::Smallest => items.iter().fold(false, |any, &item| any | (item <= limit)),
                },
            );
            if any {
                self.take(top, items, start + (at * CHUNK) as u64, row_major);
            }
        }
    }

    #[inline(never)]
    fn take(&mut self, top: Top, items: &[N], start: u64, row_major: &dyn Fn(u64) -> u64) {
        for (&item, position) in items.iter().zip(start..) {
            if item.is_nan() {
                continue;
            }
            let key = turned(top, item.key());
            match self.last {
                Some((last, _)) if key < last.key => continue,
                _ => {}
            }
            let candidate = Candidate { key, index: row_major(position) };
            match self.last {
                Some((last, _)) if candidate.order(&last) != Ordering::Less => continue,
                _ => self.candidates.push(candidate),
            }
            if self.candidates.len() >= 2 * self.k {
                self.weed(top);
            }
        }
        if self.last.is_none() && self.candidates.len() >= self.k {
            self.weed(top);
        }
    }

    /// Keeps the best.
    fn weed(&mut self, top: Top) {
        if self.candidates.len() < self.k {
            return;
        }
        let (_, &mut last, _) = self.candidates.select_nth_unstable_by(self.k - 1, Candidate::order);
        self.candidates.truncate(self.k);
        self.last = Some((last, N::from_key(turned(top, last.key))));
    }
}

/// The key by which the wanted end is the greatest; its own inverse.
fn turned(top: Top, key: u64) -> u64 {
    match top {
        Top::Largest => key,
        Top::Smallest => !key,
    }
}

impl Job<'_> {
    /// The `k` largest or smallest elements with their row-major indices, the best first; equal elements by their indices, the
    /// lowest first.
    ///
    /// NaN are never among them, and where there are fewer than `k` other elements, these are all. One pass at the speed of a
    /// scan: elements that are not better than the `k` best of a worker are passed over many at a time. Zeros of either sign
    /// are equal, and come out positive.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Top;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[3.0_f64, 9.0, f64::NAN], [9.0, -1.0, 4.0]];
    /// let best = Job::new().top_k(&a, 3, Top::Largest)?;
    /// assert_eq!((best.values, best.indices), (vec![9.0, 9.0, 4.0], vec![1, 3, 5]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of reading the source, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory) where `k` elements and as many candidates do not fit.
    pub fn top_k<S: Source<Elem: Real>>(&self, a: &S, k: u64, top: Top) -> Result<TopK<Value<S>>> {
        let shape = shape_of(a);
        let count = shape::sizes(&shape, size_of::<S::Elem>() as u64)?.0;
        let best = match k.min(count) {
            0 => Vec::new(),
            k if a.order() == Order::C || shape::order_is_moot(&shape) => self.best(a, (k, count), top, &|at| at)?,
            k => self.best(a, (k, count), top, &|at| row_major(at, &shape))?,
        };
        let value = |best: &Candidate| S::Elem::value(<S::Elem as Number>::Native::from_key(turned(top, best.key)));
        Ok(TopK { values: best.iter().map(value).collect(), indices: best.iter().map(|best| best.index).collect() })
    }

    fn best<T: Real>(
        &self,
        source: &dyn Blocks<T>,
        (k, count): (u64, u64),
        top: Top,
        row_major: &(dyn Fn(u64) -> u64 + Sync),
    ) -> Result<Vec<Candidate>> {
        let (block, leaf) = (self.grid.block_of::<T>() as u64, self.grid.leaf_of::<T>());
        let size = size_of::<T>() as u64;
        let most = usize::try_from(k).unwrap_or(usize::MAX);
        // Candidates grow by doubling, to twice the number wanted.
        let room = k.saturating_mul(4 * size_of::<Candidate>() as u64);
        let load = Load {
            units: count.div_ceil(block),
            bytes: count * size,
            scratch: (block * size + source.buffer_bytes() + (leaf * size_of::<T::Native>()) as u64)
                .saturating_add(room),
            held: room,
        };
        let pool = Pool::default();
        self.in_order(
            load,
            || (Scratch::default(), Vec::new()),
            |(scratch, decoded), unit, shift| {
                let start = unit * block;
                let items = read(source, start..count.min(start + block), scratch)?;
                pool.lend(
                    || Best::<T::Native>::new(most),
                    |best| {
                        for (at, items) in items.chunks(leaf).enumerate() {
                            best.see(top, T::decode(items, decoded), start + (at * leaf) as u64, row_major);
                        }
                    },
                );
                shift.done(items.len() as u64 * size);
                Ok(())
            },
            |_, ()| Ok(()),
        )?;
        let mut all = Vec::new();
        for mut best in pool.into_all() {
            best.weed(top);
            all.append(&mut best.candidates);
        }
        all.sort_unstable_by(Candidate::order);
        all.truncate(most);
        Ok(all)
    }
}

/// The row-major index of a position in column-major order.
fn row_major(position: u64, shape: &[u64]) -> u64 {
    let mut rest = position;
    let mut index = 0;
    let mut stride: u64 = shape.iter().product();
    for &len in shape {
        stride /= len;
        index += rest % len * stride;
        rest /= len;
    }
    index
}
