//! ndarray arrays and views as sources and sinks.

use std::ops::Range;

use ndarray::{ArrayBase, ArrayRef, ArrayViewD, ArrayViewMut, Axis, Data, DataMut, Dimension, Slice};

use super::sink::{Part, Sink};
use super::source::{Scratch, Source, sealed};
use crate::element::Element;
use crate::error::Result;
use crate::shape::Order;

impl<T: Element, D: Dimension> sealed::Sealed for ArrayRef<T, D> {}

impl<T: Element, D: Dimension> Source for ArrayRef<T, D> {
    type Elem = T;
    type Dim = D;

    fn dim(&self) -> D {
        self.raw_dim()
    }

    fn order(&self) -> Order {
        if !self.is_standard_layout() && self.view().reversed_axes().is_standard_layout() { Order::F } else { Order::C }
    }

    fn borrow(&self, range: Range<u64>) -> Option<&[T]> {
        let items = self.as_slice().or_else(|| self.view().reversed_axes().to_slice())?;
        Some(&items[index(range.start)..index(range.end)])
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()> {
        gather(&self.view().into_dyn(), index(range.start)..index(range.end), scratch.items());
        Ok(())
    }
}

impl<T: Element, D: Dimension, S: Data<Elem = T>> sealed::Sealed for ArrayBase<S, D> {}

impl<T: Element, D: Dimension, S: Data<Elem = T> + Sync> Source for ArrayBase<S, D> {
    type Elem = T;
    type Dim = D;

    fn dim(&self) -> D {
        self.raw_dim()
    }

    fn order(&self) -> Order {
        Source::order(&**self)
    }

    fn borrow(&self, range: Range<u64>) -> Option<&[T]> {
        Source::borrow(&**self, range)
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()> {
        Source::copy(&**self, range, scratch)
    }
}

/// A position in an array in memory, whose count of elements fits a `usize`.
fn index(position: u64) -> usize {
    usize::try_from(position).expect("a position inside an array in memory")
}

/// Appends the elements `range` of the view, counted in row-major order: the ragged ends by recursion, the rest at once.
fn gather<T: Copy>(view: &ArrayViewD<'_, T>, range: Range<usize>, out: &mut Vec<T>) {
    if range.is_empty() {
        return;
    }
    if range.len() == view.len() {
        return view.iter().for_each(|&item| out.push(item));
    }
    let below = view.len() / view.len_of(Axis(0));
    let (first, last) = (range.start.div_ceil(below), range.end / below);
    let ragged = |at: usize, part: Range<usize>, out: &mut Vec<T>| {
        if !part.is_empty() {
            gather(&view.index_axis(Axis(0), at), part, out);
        }
    };
    if first > last {
        return ragged(last, range.start - last * below..range.end - last * below, out);
    }
    if first > 0 {
        ragged(first - 1, range.start - (first - 1) * below..below.min(range.end - (first - 1) * below), out);
    }
    let middle = view.slice_axis(Axis(0), Slice::from(first..last));
    middle.iter().for_each(|&item| out.push(item));
    ragged(last.min(view.len_of(Axis(0)) - 1), 0..range.end - last * below, out);
}

impl<T: Element, D: Dimension> Sink for ArrayRef<T, D> {
    type Elem = T;
    type Part<'a>
        = ViewPart<'a, T, D>
    where
        Self: 'a;

    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn parts(&mut self, block: usize) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
        parts(self.view_mut(), block)
    }

    fn parts_in_order(&mut self, block: usize) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
        parts_in_order(self.view_mut(), block)
    }
}

impl<T: Element, D: Dimension, S: DataMut<Elem = T>> Sink for ArrayBase<S, D> {
    type Elem = T;
    type Part<'a>
        = ViewPart<'a, T, D>
    where
        Self: 'a;

    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn parts(&mut self, block: usize) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
        Sink::parts(&mut **self, block)
    }

    fn parts_in_order(&mut self, block: usize) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
        Sink::parts_in_order(&mut **self, block)
    }
}

/// The parts of a view: slices where its elements lie next to one another, smaller views elsewhere.
pub(in crate::compute) fn parts<T: Element, D: Dimension>(
    view: ArrayViewMut<'_, T, D>,
    block: usize,
) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
    let dense = view.as_slice_memory_order().is_some();
    let (slice, view) = if dense { (view.into_slice_memory_order(), None) } else { (None, Some(view)) };
    let slices = slice.unwrap_or_default().chunks_mut(block).map(ViewPart::Dense);
    slices.chain(view.into_iter().flat_map(move |view| split(view, block)).map(ViewPart::Strided))
}

/// The parts of a view in the order in which its elements have positions.
pub(in crate::compute) fn parts_in_order<T: Element, D: Dimension>(
    view: ArrayViewMut<'_, T, D>,
    block: usize,
) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
    let mut strided = Vec::new();
    let mut dense: &mut [T] = &mut [];
    if view.is_standard_layout() || view.view().reversed_axes().is_standard_layout() {
        dense = view.into_slice_memory_order().expect("seen above");
    } else {
        split_in_order(view, 0, block, &mut strided);
    }
    dense.chunks_mut(block).map(ViewPart::Dense).chain(strided.into_iter().map(ViewPart::Strided))
}

/// Cuts the view, whose axes before `axis` have the length 1, into pieces of about `block` elements in row-major order.
fn split_in_order<'a, T, D: Dimension>(
    view: ArrayViewMut<'a, T, D>,
    axis: usize,
    block: usize,
    pieces: &mut Vec<ArrayViewMut<'a, T, D>>,
) {
    if view.len() <= block || axis == view.ndim() {
        return pieces.push(view);
    }
    let each = block / (view.len() / view.len_of(Axis(axis)));
    let mut rest = view;
    while !rest.is_empty() {
        let now = each.clamp(1, rest.len_of(Axis(axis)));
        let (piece, after) = rest.split_at(Axis(axis), now);
        if each == 0 {
            split_in_order(piece, axis + 1, block, pieces);
        } else {
            pieces.push(piece);
        }
        rest = after;
    }
}

/// Cuts the view along its longest axis into pieces of about `block` elements.
fn split<T, D: Dimension>(view: ArrayViewMut<'_, T, D>, block: usize) -> Vec<ArrayViewMut<'_, T, D>> {
    let axis = (0..view.ndim()).map(Axis).max_by_key(|&axis| view.len_of(axis));
    let mut pieces = Vec::new();
    let mut rest = view;
    if let Some(axis) = axis.filter(|_| !rest.is_empty()) {
        let each = (block / (rest.len() / rest.len_of(axis))).max(1);
        while rest.len_of(axis) > each {
            let (piece, after) = rest.split_at(axis, each);
            pieces.push(piece);
            rest = after;
        }
    }
    pieces.push(rest);
    pieces
}

/// A piece of an array in memory.
#[doc(hidden)]
#[derive(Debug)]
pub enum ViewPart<'a, T, D: Dimension> {
    /// Elements next to one another.
    Dense(&'a mut [T]),
    /// Elements with gaps.
    Strided(ArrayViewMut<'a, T, D>),
}

/// The elements of a view with gaps that are copied out, changed and copied back together.
const GATHERED: usize = 1024;

impl<T: Element, D: Dimension> Part for ViewPart<'_, T, D> {
    type Elem = T;

    fn count(&self) -> u64 {
        match self {
            Self::Dense(items) => items.len() as u64,
            Self::Strided(view) => view.len() as u64,
        }
    }

    fn update(self, scratch: &mut Scratch<T>, mut change: impl FnMut(&mut [T])) -> Result<()> {
        match self {
            Self::Dense(items) => change(items),
            Self::Strided(view) => {
                let mut cells = view.into_iter();
                loop {
                    let places: Vec<&mut T> = cells.by_ref().take(GATHERED).collect();
                    if places.is_empty() {
                        break;
                    }
                    scratch.clear();
                    scratch.items().extend(places.iter().map(|place| **place));
                    let items = scratch.elements_mut()?;
                    change(items);
                    places.into_iter().zip(items).for_each(|(place, item)| *place = *item);
                }
            }
        }
        Ok(())
    }

    fn fill(self, _: &mut Scratch<T>, value: T) -> Result<()> {
        match self {
            Self::Dense(items) => items.fill(value),
            Self::Strided(mut view) => view.fill(value),
        }
        Ok(())
    }
}
