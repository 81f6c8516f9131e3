//! What is added up: the elements of a source, or totals in a temporary file.

use std::any::TypeId;
use std::marker::PhantomData;

use bytemuck::Pod;

use crate::compute::Number;
use crate::compute::engine::source::{Blocks, Scratch, read_rows};
use crate::compute::engine::{ScratchFile, Store};
use crate::error::Result;

/// Some rows of equal width that lie one after the other in storage.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Span {
    /// The position of the first element.
    pub(in crate::compute) start: u64,
    pub(in crate::compute) rows: usize,
    pub(in crate::compute) width: usize,
    /// Positions from one row to the next.
    pub(in crate::compute) stride: u64,
}

/// Items that are read by position.
pub(in crate::compute) trait Items: Sync {
    type Item: Copy + Send + Sync;
    /// What a worker keeps from read to read.
    type Buffer: Default;
    /// Bytes of buffers for each item of a read.
    const ROOM: usize;
    /// Bytes of an item where it comes from.
    const SIZE: usize;

    /// The items of the rows, and the stride at which they are handed out.
    fn read<'a>(&'a self, span: Span, buffer: &'a mut Self::Buffer) -> Result<(&'a [Self::Item], usize)>;
}

/// The elements of a source as machine numbers.
pub(in crate::compute) struct Elements<'a, T>(pub(in crate::compute) &'a dyn Blocks<T>);

impl<T: Number> Items for Elements<'_, T> {
    type Item = T::Native;
    type Buffer = (Scratch<T>, Vec<T::Native>, Vec<T::Native>);

    const ROOM: usize = size_of::<T>() + 2 * size_of::<T::Native>();
    const SIZE: usize = size_of::<T>();

    fn read<'a>(&'a self, span: Span, buffer: &'a mut Self::Buffer) -> Result<(&'a [T::Native], usize)> {
        let Span { start, rows, width, stride } = span;
        let (scratch, decoded, packed) = buffer;
        let (items, stride) = read_rows(self.0, start, (rows as u64, width as u64, stride), scratch)?;
        let stride = usize::try_from(stride).unwrap_or(usize::MAX);
        if stride == width || rows == 1 || TypeId::of::<T>() == TypeId::of::<T::Native>() {
            return Ok((T::decode(items, decoded), stride));
        }
        // What lies between the rows is not worth converting.
        packed.clear();
        for row in items.chunks(stride) {
            packed.extend_from_slice(T::decode(&row[..width], decoded));
        }
        Ok((packed, width))
    }
}

/// Values in a temporary file.
pub(in crate::compute) struct Carried<C> {
    file: ScratchFile,
    value: PhantomData<fn() -> C>,
}

impl<C> Carried<C> {
    pub(in crate::compute) fn new(file: ScratchFile) -> Self {
        Self { file, value: PhantomData }
    }
}

impl<C: Pod + Send + Sync> Items for Carried<C> {
    type Item = C;
    type Buffer = Vec<C>;

    const ROOM: usize = size_of::<C>();
    const SIZE: usize = size_of::<C>();

    fn read<'a>(&'a self, span: Span, buffer: &'a mut Vec<C>) -> Result<(&'a [C], usize)> {
        let Span { start, rows, width, stride } = span;
        buffer.resize(rows * width, C::zeroed());
        if stride == width as u64 {
            self.file.read(start, buffer)?;
        } else {
            for (row, items) in (0..).zip(buffer.chunks_mut(width)) {
                self.file.read(start + row * stride, items)?;
            }
        }
        Ok((buffer, width))
    }
}

impl<C: Pod + Send + Sync> Store<C> for Carried<C> {
    fn write(&self, start: u64, items: &[C]) -> Result<()> {
        self.file.write(start, items)
    }
}
