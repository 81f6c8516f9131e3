//! Moves a selection of elements between memory, in row-major order, and a file, in whatever order it has.

use super::body::Body;
use super::selection::Resolved;
use crate::error::Result;
use crate::shape;
use crate::shape::Order;

/// The longest stretch of a file that is held in memory to pick elements from.
const SPAN_BYTES: u64 = 1 << 20;

/// Elements further apart than this are read and written one by one.
const FAR_BYTES: u64 = 1 << 14;

/// `len` elements at equal distances, in the file and in memory.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first element in the file, in storage order.
    item: u64,
    /// The first element in memory, in row-major order.
    at: u64,
    len: u64,
    /// Elements between neighbours in the file.
    item_step: i64,
    /// Elements between neighbours in memory.
    at_step: u64,
}

impl Run {
    /// The part of the run from element `start` on, `len` elements long.
    fn part(&self, start: u64, len: u64) -> Self {
        let item = self.item.wrapping_add_signed(self.item_step.wrapping_mul(start.cast_signed()));
        Self { item, at: self.at + start * self.at_step, len, ..*self }
    }
}

impl Body {
    /// Reads the elements of a selection in row-major order; `out` has room for just these.
    pub(crate) fn read_selection(&self, selection: &Resolved, out: &mut [u8]) -> Result<()> {
        let itemsize = self.header.itemsize();
        self.for_each_span(selection, |run, span| {
            if run.item_step == 1 && run.at_step == 1 {
                return self.read_items(run.item, &mut out[bytes(run.at, itemsize)..][..bytes(run.len, itemsize)]);
            }
            let low = self.read_span(run, span)?;
            for (k, place) in places(run, low, itemsize).enumerate() {
                let at = bytes(run.at + k as u64 * run.at_step, itemsize);
                out[at..at + itemsize].copy_from_slice(&span[place..place + itemsize]);
            }
            Ok(())
        })
    }

    /// Writes the elements of a selection, given in row-major order.
    pub(crate) fn write_selection(&self, selection: &Resolved, items: &[u8]) -> Result<()> {
        let itemsize = self.header.itemsize();
        self.for_each_span(selection, |run, span| {
            if run.item_step == 1 && run.at_step == 1 {
                return self.write_items(run.item, &items[bytes(run.at, itemsize)..][..bytes(run.len, itemsize)]);
            }
            let low = self.read_span(run, span)?;
            for (k, place) in places(run, low, itemsize).enumerate() {
                let at = bytes(run.at + k as u64 * run.at_step, itemsize);
                span[place..place + itemsize].copy_from_slice(&items[at..at + itemsize]);
            }
            self.write_items(low, span)
        })
    }

    /// Writes the same element everywhere in a selection.
    pub(crate) fn fill_selection(&self, selection: &Resolved, item: &[u8]) -> Result<()> {
        let itemsize = self.header.itemsize();
        self.for_each_span(selection, |run, span| {
            if run.item_step == 1 {
                span.resize(bytes(run.len, itemsize), 0);
                span.chunks_exact_mut(itemsize).for_each(|place| place.copy_from_slice(item));
                return self.write_items(run.item, span);
            }
            let low = self.read_span(run, span)?;
            for place in places(run, low, itemsize) {
                span[place..place + itemsize].copy_from_slice(item);
            }
            self.write_items(low, span)
        })
    }

    /// Reads the stretch of the file that a run spans, gaps included, and says which element it begins with.
    fn read_span(&self, run: &Run, span: &mut Vec<u8>) -> Result<u64> {
        let last = run.part(run.len - 1, 1).item;
        let (low, high) = (run.item.min(last), run.item.max(last));
        span.resize(bytes(high - low + 1, self.header.itemsize()), 0);
        self.read_items(low, span)?;
        Ok(low)
    }

    /// Calls `visit` with runs that each span a bounded stretch of the file, in the order of the file, and one buffer for all.
    fn for_each_span(
        &self,
        selection: &Resolved,
        mut visit: impl FnMut(&Run, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let itemsize = self.header.itemsize() as u64;
        if itemsize == 0 || selection.count() == 0 {
            return Ok(());
        }
        let mut span = Vec::new();
        for_each_run(selection, self.header.shape(), self.header.order(), |run| {
            let apart = run.item_step.unsigned_abs().saturating_mul(itemsize);
            let longest = if apart > FAR_BYTES { 1 } else { (SPAN_BYTES / apart).max(1) };
            let mut start = 0;
            while start < run.len {
                let len = longest.min(run.len - start);
                visit(&run.part(start, len), &mut span)?;
                start += len;
            }
            Ok(())
        })
    }
}

/// Where the elements of a run lie in a span that begins with element `low`, in bytes.
fn places(run: &Run, low: u64, itemsize: usize) -> impl Iterator<Item = usize> {
    (0..run.len).map(move |k| bytes(run.part(k, 1).item - low, itemsize))
}

/// Bytes of so many elements that are held in memory, and whose bytes therefore fit a `usize`.
#[expect(clippy::cast_possible_truncation, reason = "an index into a buffer that is in memory")]
fn bytes(items: u64, itemsize: usize) -> usize {
    items as usize * itemsize
}

/// Walks a selection that is not empty along the storage order, in the longest runs that there are.
fn for_each_run(
    selection: &Resolved,
    shape: &[u64],
    order: Order,
    mut visit: impl FnMut(&Run) -> Result<()>,
) -> Result<()> {
    let in_file = shape::strides(shape, order);
    let taken: Vec<u64> = selection.axes.iter().map(|axis| axis.len).collect();
    let in_memory = shape::strides(&taken, Order::C);

    // Axes from the fastest in the file to the slowest: length, step in the file, step in memory. Neighbours that continue each
    // other on both sides are one.
    let mut axes: Vec<(u64, i64, u64)> = Vec::with_capacity(shape.len());
    let fastest_first: Vec<usize> = match order {
        Order::C => (0..shape.len()).rev().collect(),
        Order::F => (0..shape.len()).collect(),
    };
    let mut first = 0;
    for axis in fastest_first {
        let part = selection.axes[axis];
        first += part.first * in_file[axis];
        if part.len == 1 {
            continue;
        }
        let (item_step, at_step) = (part.step.wrapping_mul(in_file[axis].cast_signed()), in_memory[axis]);
        match axes.last_mut() {
            Some((len, item, at))
                if item.checked_mul(len.cast_signed()) == Some(item_step) && *at * *len == at_step =>
            {
                *len *= part.len;
            }
            _ => axes.push((part.len, item_step, at_step)),
        }
    }

    let (&(len, item_step, at_step), outer) = axes.split_first().unwrap_or((&(1, 1, 1), &[]));
    let mut index = vec![0; outer.len()];
    let mut run = Run { item: first, at: 0, len, item_step, at_step };
    loop {
        visit(&run)?;
        let mut axis = 0;
        loop {
            let Some(&(len, item_step, at_step)) = outer.get(axis) else { return Ok(()) };
            index[axis] += 1;
            if index[axis] < len {
                run.item = run.item.wrapping_add_signed(item_step);
                run.at += at_step;
                break;
            }
            index[axis] = 0;
            run.item = run.item.wrapping_add_signed(item_step.wrapping_mul(1 - len.cast_signed()));
            run.at -= at_step * (len - 1);
            axis += 1;
        }
    }
}
