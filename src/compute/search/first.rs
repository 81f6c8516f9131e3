//! The first and the last element that a predicate holds for, without a look at what comes after.

use std::sync::atomic::Ordering;

use portable_atomic::AtomicU64;

use super::marks;
use crate::compute::engine::Load;
use crate::compute::engine::source::{Blocks, Scratch, read, shape_of};
use crate::compute::{Job, Source};
use crate::element::Element;
use crate::error::Result;
use crate::shape::{self, Order};

/// Which of several is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    First,
    Last,
}

impl Job<'_> {
    /// The row-major index of the first element that `holds` is true for, whatever the storage order; none if there is none.
    ///
    /// No thread reads on when nothing before the best that was found is left. The result does not depend on the number of
    /// threads. In a column-major array, rows above the best remain of every column.
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    ///
    /// # Panics
    ///
    /// Where `holds` panics.
    pub fn position<S: Source>(&self, a: &S, holds: impl Fn(S::Elem) -> bool + Sync) -> Result<Option<u64>> {
        self.outermost(a, &shape_of(a), a.order(), End::First, &holds)
    }

    /// The row-major index of the last element that `holds` is true for; none if there is none. The search goes backwards.
    ///
    /// # Errors
    ///
    /// As [`Self::count_where`].
    ///
    /// # Panics
    ///
    /// Where `holds` panics.
    pub fn rposition<S: Source>(&self, a: &S, holds: impl Fn(S::Elem) -> bool + Sync) -> Result<Option<u64>> {
        self.outermost(a, &shape_of(a), a.order(), End::Last, &holds)
    }

    fn outermost<T: Element>(
        &self,
        source: &dyn Blocks<T>,
        shape: &[u64],
        order: Order,
        end: End,
        holds: &(impl Fn(T) -> bool + Sync),
    ) -> Result<Option<u64>> {
        let itemsize = size_of::<T>() as u64;
        let (count, bytes) = shape::sizes(shape, itemsize)?;
        let block = self.grid.block_of::<T>() as u64;
        let units = count.div_ceil(block);
        let columns = (order == Order::F && !shape::order_is_moot(shape)).then(|| Columns::new(shape));
        let best = Best::new(end);
        let next = AtomicU64::new(0);
        let load = Load { units, bytes, scratch: block * itemsize, held: 0 };
        self.each(load, Scratch::default, |scratch, shift| {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= units {
                return Ok(false);
            }
            let unit = if end == End::First { turn } else { units - 1 - turn };
            let (start, stop) = (unit * block, count.min((unit + 1) * block));
            if columns.is_none() && best.open(start, 1, stop - start).is_empty() {
                return Ok(false);
            }
            let items = read(source, start..stop, scratch)?;
            match &columns {
                None => best.look(items, start, 1, holds),
                Some(columns) => {
                    columns.each(start, items, |column, first, stride| best.look(column, first, stride, holds));
                }
            }
            shift.done((stop - start) * itemsize);
            Ok(true)
        })?;
        Ok(best.get())
    }
}

/// The best index so far of all workers.
struct Best {
    end: End,
    /// The index plus 1 of the last one, the index of the first one; none is 0, or the largest number.
    at: AtomicU64,
}

impl Best {
    fn new(end: End) -> Self {
        let none = if end == End::First { u64::MAX } else { 0 };
        Self { end, at: AtomicU64::new(none) }
    }

    fn get(&self) -> Option<u64> {
        match (self.end, self.at.load(Ordering::Relaxed)) {
            (End::First, u64::MAX) | (End::Last, 0) => None,
            (End::First, at) => Some(at),
            (End::Last, at) => Some(at - 1),
        }
    }

    /// Which of `count` elements, whose indices begin at `first` and are `stride` apart, would be better.
    fn open(&self, first: u64, stride: u64, count: u64) -> std::ops::Range<u64> {
        let at = self.at.load(Ordering::Relaxed);
        let before = at.saturating_sub(first).div_ceil(stride).min(count);
        match self.end {
            End::First => 0..before,
            End::Last => before..count,
        }
    }

    fn look<T: Copy>(&self, items: &[T], first: u64, stride: u64, holds: &impl Fn(T) -> bool) {
        let open = self.open(first, stride, items.len() as u64);
        let within = |place: u64| usize::try_from(place).unwrap_or(items.len());
        let part = &items[within(open.start)..within(open.end)];
        let index = |at: usize| first + (open.start + at as u64) * stride;
        match self.end {
            End::First => {
                marks::first(part, holds).map(|at| self.at.fetch_min(index(at), Ordering::Relaxed));
            }
            End::Last => {
                marks::last(part, holds).map(|at| self.at.fetch_max(index(at) + 1, Ordering::Relaxed));
            }
        }
    }
}

/// The columns of a column-major array: runs along its first axis, whose row-major indices are equally far apart.
struct Columns<'a> {
    shape: &'a [u64],
    strides: Vec<u64>,
}

impl<'a> Columns<'a> {
    fn new(shape: &'a [u64]) -> Self {
        Self { shape, strides: shape::strides(shape, Order::C) }
    }

    /// Cuts the elements from position `start` on into columns; each with the row-major index of its first element, and the
    /// stride.
    fn each<T>(&self, start: u64, mut items: &[T], mut take: impl FnMut(&[T], u64, u64)) {
        let mut index: Vec<u64> = Vec::with_capacity(self.shape.len());
        let mut rest = start;
        for &len in self.shape {
            index.push(rest % len);
            rest /= len;
        }
        while !items.is_empty() {
            let first = index.iter().zip(&self.strides).map(|(&index, &stride)| index * stride).sum();
            let left = usize::try_from(self.shape[0] - index[0]).map_or(items.len(), |left| left.min(items.len()));
            let (column, after) = items.split_at(left);
            take(column, first, self.strides[0]);
            items = after;
            index[0] = 0;
            for (index, &len) in index.iter_mut().zip(self.shape).skip(1) {
                *index += 1;
                if *index < len {
                    break;
                }
                *index = 0;
            }
        }
    }
}
