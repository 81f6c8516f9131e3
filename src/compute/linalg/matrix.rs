//! Sources with two axes, read in rectangles.

use std::any::TypeId;
use std::ops::Range;

use super::entry::{Entry, Operand, Real, RealEntry, Tile};
use crate::compute::Source;
use crate::compute::engine::Scratch;
use crate::compute::engine::source::{Blocks, read_rows, shape_of};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// A source of rows and columns.
pub(super) struct Matrix<'a, T> {
    blocks: &'a dyn Blocks<T>,
    pub(super) rows: u64,
    pub(super) cols: u64,
    pub(super) order: Order,
}

impl<T> Clone for Matrix<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matrix<'_, T> {}

/// What a worker needs to read rectangles.
pub(super) struct Reader<T: Entry> {
    scratch: Scratch<T>,
    natives: Vec<T::Native>,
    fields: Vec<T::Product>,
    reals: Vec<f64>,
}

impl<T: Entry> Default for Reader<T> {
    fn default() -> Self {
        Self { scratch: Scratch::default(), natives: Vec::new(), fields: Vec::new(), reals: Vec::new() }
    }
}

impl<T: Entry> Reader<T> {
    /// The bytes that it needs for every element of a rectangle: those read, and those of other types that they become.
    pub(super) fn cost() -> u64 {
        let natives = if is::<T, T::Native>() { 0 } else { size_of::<T::Native>() };
        let numbers = if is::<T::Native, f64>() { 0 } else { size_of::<f64>() };
        (size_of::<T>() + natives + numbers) as u64
    }
}

/// Whether two types are the same.
pub(super) fn is<T: 'static, U: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<U>()
}

/// A number of elements that are in memory, or go there.
pub(super) fn in_memory(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl<'a, T: Entry> Matrix<'a, T> {
    /// The source as a matrix; a vector is a column.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where it has no axis or more than two, [`ErrorKind::TooLarge`] where its size overflows.
    pub(super) fn new<S: Source<Elem = T>>(source: &'a S) -> Result<Self> {
        let lens = shape_of(source);
        shape::sizes(&lens, size_of::<T>() as u64)?;
        let (rows, cols) = match lens[..] {
            [rows] => (rows, 1),
            [rows, cols] => (rows, cols),
            _ => {
                let message = format!("an array of shape {} is no matrix", shape::display(&lens));
                return Err(Error::new(ErrorKind::Shape, message).with_hint("give an array with two axes"));
            }
        };
        let order = if lens.len() == 1 { Order::C } else { source.order() };
        Ok(Self { blocks: source, rows, cols, order })
    }

    /// The same elements with rows and columns exchanged.
    pub(super) fn t(self) -> Self {
        let order = if self.order == Order::C { Order::F } else { Order::C };
        Self { rows: self.cols, cols: self.rows, order, ..self }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.rows * self.cols * size_of::<T>() as u64
    }

    /// The elements of a rectangle that is not empty, and the distance of its lines.
    fn items<'b>(&self, rows: &Range<u64>, cols: &Range<u64>, scratch: &'b mut Scratch<T>) -> Result<(&'b [T], usize)>
    where
        'a: 'b,
    {
        let (lines, within, len) = match self.order {
            Order::C => (rows, cols, self.cols),
            Order::F => (cols, rows, self.rows),
        };
        let shape = (lines.end - lines.start, within.end - within.start, len);
        let (items, stride) = read_rows(self.blocks, lines.start * len + within.start, shape, scratch)?;
        Ok((items, in_memory(stride)))
    }

    fn tile_of<'b, F>(&self, rows: &Range<u64>, cols: &Range<u64>, items: &'b [F], stride: usize) -> Tile<'b, F> {
        let len = |range: &Range<u64>| in_memory(range.end - range.start);
        Tile { items, rows: len(rows), cols: len(cols), stride, order: self.order }
    }

    /// A rectangle that is not empty, as factors of a product.
    pub(super) fn tile<'b>(
        &self,
        rows: &Range<u64>,
        cols: &Range<u64>,
        reader: &'b mut Reader<T>,
    ) -> Result<Tile<'b, T::Product>>
    where
        'a: 'b,
    {
        let (items, stride) = self.items(rows, cols, &mut reader.scratch)?;
        let items = T::Native::fields(T::decode(items, &mut reader.natives), &mut reader.fields);
        Ok(self.tile_of(rows, cols, items, stride))
    }

    /// A rectangle that is not empty, in double precision.
    pub(super) fn reals<'b>(
        &self,
        rows: &Range<u64>,
        cols: &Range<u64>,
        reader: &'b mut Reader<T>,
    ) -> Result<Tile<'b, f64>>
    where
        'a: 'b,
        T: RealEntry,
    {
        let (items, stride) = self.items(rows, cols, &mut reader.scratch)?;
        let items = T::Native::reals(T::decode(items, &mut reader.natives), &mut reader.reals);
        Ok(self.tile_of(rows, cols, items, stride))
    }

    /// The shape, for messages.
    pub(super) fn shown(&self) -> String {
        shape::display(&[self.rows, self.cols])
    }

    /// Whether a rectangle lies in memory as it is used, so that a copy of it is of no use.
    pub(super) fn lies_in_memory(&self, rows: &Range<u64>, cols: &Range<u64>) -> bool {
        let (lines, within, len) = match self.order {
            Order::C => (rows, cols, self.cols),
            Order::F => (cols, rows, self.rows),
        };
        let start = lines.start * len + within.start;
        let end = (lines.end - 1) * len + within.end;
        is::<T, T::Product>() && self.blocks.borrow(start..end).is_some()
    }
}
