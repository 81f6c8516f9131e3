//! An array put together from strided parts of other arrays.

use std::ops::Range;

use crate::compute::engine::source::Blocks;
use crate::shape::{self, Order};

/// A box of indices: a range along each axis.
pub(super) type Region = Vec<Range<u64>>;

/// What two boxes share, if anything.
pub(super) fn overlap(a: &[Range<u64>], b: &[Range<u64>]) -> Option<Region> {
    let shared = |(a, b): (&Range<u64>, &Range<u64>)| {
        let both = a.start.max(b.start)..a.end.min(b.end);
        (!both.is_empty()).then_some(both)
    };
    a.iter().zip(b).map(shared).collect()
}

/// The lengths of a box along its axes.
pub(super) fn lens(region: &[Range<u64>]) -> Vec<u64> {
    region.iter().map(|range| range.end - range.start).collect()
}

/// An array, and where its elements come from. Axes count from the outermost of its storage to the innermost.
pub(super) struct Mosaic<'a, T> {
    order: Order,
    pub(super) shape: Vec<u64>,
    pub(super) pieces: Vec<Piece<'a, T>>,
}

/// A box of the array, which is a strided part of a source.
pub(super) struct Piece<'a, T> {
    pub(super) source: &'a dyn Blocks<T>,
    pub(super) place: Place,
}

/// Where the elements of a box of indices are in a source.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) region: Region,
    /// The position in the source of the first index of the region.
    pub(super) first: u64,
    /// The distance in the source between neighbours along each axis.
    pub(super) strides: Vec<i64>,
}

impl Place {
    /// The position in the source of an index of the region.
    pub(super) fn position(&self, region: &[Range<u64>]) -> u64 {
        let steps = region.iter().zip(&self.region).zip(&self.strides);
        steps.fold(self.first, |at, ((range, own), &stride)| {
            at.wrapping_add_signed(stride.wrapping_mul((range.start - own.start).cast_signed()))
        })
    }
}

impl<'a, T> Mosaic<'a, T> {
    /// An array stored in `order`, of which nothing is said yet.
    pub(super) fn new(shape: &[u64], order: Order) -> Self {
        Self { order, shape: storage_order(shape, order), pieces: Vec::new() }
    }

    /// Says that the box of the array that begins at the index `start` is this part of a source.
    pub(super) fn put(&mut self, source: &'a dyn Blocks<T>, start: &[u64], part: &Part) {
        let ranges: Vec<_> = start.iter().zip(&part.axes).map(|(&start, axis)| start..start + axis.0).collect();
        let strides: Vec<_> = part.axes.iter().map(|axis| axis.1).collect();
        if ranges.iter().all(|range| !range.is_empty()) {
            let place = Place {
                region: storage_order(&ranges, self.order),
                first: part.first,
                strides: storage_order(&strides, self.order),
            };
            self.pieces.push(Piece { source, place });
        }
    }

    /// The same array with as few axes as can be: axes of length 1 go, and neighbours along which all sources go on
    /// evenly become one.
    pub(super) fn simplified(mut self) -> Self {
        for axis in (0..self.shape.len()).rev() {
            if self.shape[axis] == 1 {
                self.shape.remove(axis);
                for Piece { place, .. } in &mut self.pieces {
                    place.region.remove(axis);
                    place.strides.remove(axis);
                }
            }
        }
        for outer in (0..self.shape.len().saturating_sub(1)).rev() {
            let len = self.shape[outer + 1];
            let even = |Piece { place, .. }: &Piece<'_, T>| {
                let range = &place.region[outer];
                let whole = place.region[outer + 1] == (0..len);
                let on = place.strides[outer + 1].wrapping_mul(len.cast_signed()) == place.strides[outer];
                whole && (on || range.end - range.start == 1)
            };
            if self.pieces.iter().all(even) {
                self.shape[outer] *= len;
                self.shape.remove(outer + 1);
                for Piece { place, .. } in &mut self.pieces {
                    place.region.remove(outer + 1);
                    place.strides.remove(outer);
                    let range = &mut place.region[outer];
                    *range = range.start * len..range.end * len;
                }
            }
        }
        self
    }
}

/// A strided part of a source, in the order of the axes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The position of its first element.
    pub(super) first: u64,
    /// The length of each axis, and the distance between neighbours along it.
    pub(super) axes: Vec<(u64, i64)>,
}

impl Part {
    /// All of an array.
    pub(super) fn whole(shape: &[u64], order: Order) -> Self {
        let strides = shape::strides(shape, order);
        Self { first: 0, axes: shape.iter().copied().zip(strides.iter().map(|&stride| stride.cast_signed())).collect() }
    }

    /// The lengths of the axes.
    pub(super) fn shape(&self) -> Vec<u64> {
        self.axes.iter().map(|axis| axis.0).collect()
    }

    /// `len` indices of an axis, from `start` on and `step` apart; all of them are indices of the part.
    pub(super) fn along(&self, axis: usize, start: u64, step: i64, len: u64) -> Self {
        let mut part = self.clone();
        let stride = self.axes[axis].1;
        if len > 0 {
            part.first = part.first.wrapping_add_signed(stride.wrapping_mul(start.cast_signed()));
        }
        // The step may be anything where it is never taken.
        part.axes[axis] = (len, stride.wrapping_mul(step));
        part
    }
}

/// Axes from the outermost of storage to the innermost.
fn storage_order<V: Clone>(axes: &[V], order: Order) -> Vec<V> {
    match order {
        Order::C => axes.to_vec(),
        Order::F => axes.iter().rev().cloned().collect(),
    }
}
