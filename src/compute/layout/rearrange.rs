//! Computes a mosaic, box by box.
//!
//! A box is read in runs that are long in the source, packed in memory into the order of the result, and written in
//! runs that are long there. `twopass` is for arrays whose boxes would not fit memory with both runs long.

use std::ops::Range;

use super::mosaic::{Mosaic, Piece, Region, lens, overlap};
use super::pack::{Axis, pack};
use super::tile::{Tiles, Window, Wish, offsets};
use crate::compute::Job;
use crate::compute::engine::source::Scratch;
use crate::compute::engine::{Load, Store, page_of};
use crate::element::Element;
use crate::error::Result;
use crate::shape::{self, Order};

/// Bytes of a box and of its copy from the source that are enough for any machine.
const ENOUGH: u64 = 256 << 20;

/// What one worker keeps from box to box.
pub(super) struct Buffers<T> {
    pub(super) read: Scratch<T>,
    pub(super) packed: Scratch<T>,
}

impl<T> Default for Buffers<T> {
    fn default() -> Self {
        Self { read: Scratch::default(), packed: Scratch::default() }
    }
}

impl Job<'_> {
    /// Writes the array to a store whose positions count in its order.
    pub(super) fn rearrange<T: Element>(&self, mosaic: Mosaic<'_, T>, store: &dyn Store<T>) -> Result<()> {
        let mosaic = mosaic.simplified();
        let size = size_of::<T>() as u64;
        let (count, bytes) = shape::sizes(&mosaic.shape, size)?;
        let Some(largest) = mosaic.pieces.iter().max_by_key(|piece| lens(&piece.place.region).iter().product::<u64>())
        else {
            return Ok(());
        };
        let strides = &largest.place.strides;
        let block = self.grid.block_of::<T>() as u64;
        // The lists of what goes where need a little besides the elements.
        let budget = self.budget();
        let (budget, width) = ((budget - budget / 64) / size, self.workers.width() as u64);
        // Each worker finds several boxes to do, and two blocks of memory where there are as many for one.
        let share = (budget / width).max(budget.min(2 * block)).min(ENOUGH / size);
        let most = share.min((count / width / 2).max(2 * block));
        let wish = Wish { run: (block / 8).max(1), least: block, most };
        let tiles = Tiles::new(&mosaic.shape, strides, size, wish);
        let run = tiles.shorter_run(strides);
        // Runs that are short for want of memory, and not because the array is small.
        if let [piece] = &*mosaic.pieces
            && most == share
            && run < wish.run / 8
            && self.rearrange_twice(&mosaic.shape, piece, (share, 2 * run), store)?
        {
            return Ok(());
        }
        let tiles = tiles.at_pages(store.page_phase(), page_of::<T>());
        let load = Load { units: tiles.boxes(), bytes, scratch: wish.most.min(2 * tiles.count()) * size, held: 0 };
        self.in_order(
            load,
            Buffers::default,
            |buffers, unit, shift| {
                let region = tiles.region(unit);
                mosaic.write(&region, buffers, store)?;
                shift.done(lens(&region).iter().product::<u64>() * size);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }
}

impl<T: Element> Mosaic<'_, T> {
    /// Writes a box of the array.
    fn write(&self, region: &[Range<u64>], buffers: &mut Buffers<T>, store: &dyn Store<T>) -> Result<()> {
        if let Some(items) = self.borrow(region) {
            return self.store(region, items, store);
        }
        let Buffers { read, packed } = buffers;
        packed.clear();
        packed.read(in_memory(lens(region).iter().product()), |bytes| {
            for piece in &self.pieces {
                if let Some(shared) = overlap(&piece.place.region, region) {
                    piece.load(&shared, read)?.pack(&shared, region, bytes);
                }
            }
            Ok(())
        })?;
        self.store(region, packed.elements()?, store)
    }

    /// The elements of a box where they lie in memory one after the other.
    fn borrow(&self, region: &[Range<u64>]) -> Option<&[T]> {
        let covers = |piece: &&Piece<'_, T>| overlap(&piece.place.region, region).is_some_and(|both| both == region);
        let piece = self.pieces.iter().find(covers)?;
        let lens = lens(region);
        let dense = shape::strides(&lens, Order::C);
        let mut steps = lens.iter().zip(dense.iter().zip(&piece.place.strides));
        if !steps.all(|(&len, (&dense, &stride))| len == 1 || dense.cast_signed() == stride) {
            return None;
        }
        let start = piece.place.position(region);
        piece.source.borrow(start..start + lens.iter().product::<u64>())
    }

    /// Writes the elements of a box, which are in the order of the array.
    fn store(&self, region: &[Range<u64>], items: &[T], store: &dyn Store<T>) -> Result<()> {
        let strides = shape::strides(&self.shape, Order::C);
        let start: u64 = region.iter().zip(&strides).map(|(range, stride)| range.start * stride).sum();
        let mut axes = region
            .iter()
            .zip(&self.shape)
            .zip(&strides)
            .rev()
            .map(|((range, &len), &stride)| (range.end - range.start, len, stride));
        let mut run = 1;
        for (own, len, _) in axes.by_ref() {
            run *= own;
            if own < len {
                break;
            }
        }
        let outer: Vec<_> = axes.map(|(own, _, stride)| (own, stride)).collect();
        let runs = items.chunks_exact(in_memory(run));
        runs.zip(offsets(&outer)).try_for_each(|(run, offset)| store.write(start + offset, run))
    }
}

/// The elements of a box, in memory at certain distances.
pub(super) struct Loaded<'m, T> {
    items: &'m [T],
    /// Where the first element of the box is.
    first: u64,
    strides: Vec<i64>,
    region: Region,
}

impl<T: Element> Piece<'_, T> {
    /// Brings the elements of a box of the piece into memory.
    pub(super) fn load<'m>(&'m self, region: &[Range<u64>], read: &'m mut Scratch<T>) -> Result<Loaded<'m, T>> {
        let Window { run, outer, strides, skip, before, span } =
            Window::new(&lens(region), &self.place.strides, size_of::<T>() as u64);
        let low = self.place.position(region) - before;
        let region = region.to_vec();
        if let Some(items) = self.source.borrow(low..low + span) {
            return Ok(Loaded { items, first: before, strides: self.place.strides.clone(), region });
        }
        read.clear();
        for offset in offsets(&outer) {
            self.source.copy(low + offset..low + offset + run, read)?;
        }
        Ok(Loaded { items: read.elements()?, first: skip, strides, region })
    }
}

impl<'m, T: Element> Loaded<'m, T> {
    /// The elements of a box, one after the other in row-major order.
    pub(super) fn dense(items: &'m [T], region: Region) -> Self {
        let strides = shape::strides(&lens(&region), Order::C).iter().map(|stride| stride.cast_signed()).collect();
        Self { items, first: 0, strides, region }
    }

    /// Puts the elements of a part of the box to their places among the bytes of another box, which are in row-major
    /// order.
    pub(super) fn pack(&self, part: &[Range<u64>], target: &[Range<u64>], bytes: &mut [u8]) {
        let inside = shape::strides(&lens(target), Order::C);
        let (mut to, mut from) = (0, self.first);
        let mut axes = Vec::with_capacity(part.len());
        for (axis, range) in part.iter().enumerate() {
            to += (range.start - target[axis].start) * inside[axis];
            let skipped = (range.start - self.region[axis].start).cast_signed();
            from = from.wrapping_add_signed(self.strides[axis].wrapping_mul(skipped));
            axes.push(Axis {
                len: in_memory(range.end - range.start),
                to: in_memory(inside[axis]).cast_signed(),
                from: isize::try_from(self.strides[axis]).expect("a distance between elements in memory"),
            });
        }
        let source = bytemuck::cast_slice(self.items);
        pack(size_of::<T>(), (bytes, in_memory(to)), (source, in_memory(from)), &axes);
    }
}

/// A count of elements that are in memory.
pub(super) fn in_memory(count: u64) -> usize {
    usize::try_from(count).expect("a count of elements in memory")
}
