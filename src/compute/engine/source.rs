//! Where the elements of an operation come from.

use std::any::Any;
use std::ops::Range;

use bytemuck::checked;
use ndarray::Dimension;

use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// An array whose elements the engine can read by position: an ndarray array or view, a mapped array, a file.
///
/// Positions count the elements in storage order: position 1 is the next element along the last axis for [`Order::C`] and
/// along the first axis for [`Order::F`]. The trait is sealed.
pub trait Source: sealed::Sealed + Sync {
    /// The type of the elements.
    type Elem: Element;
    /// The type of the shape.
    type Dim: Dimension;

    /// The lengths of the axes.
    fn dim(&self) -> Self::Dim;

    /// The order in which positions count the elements.
    fn order(&self) -> Order;

    /// The elements at these positions where they lie next to one another in memory.
    #[doc(hidden)]
    fn borrow(&self, range: Range<u64>) -> Option<&[Self::Elem]>;

    /// Appends the elements at these positions to the scratch buffer.
    #[doc(hidden)]
    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<Self::Elem>) -> Result<()>;

    /// Reads what [`Self::piece`] then hands out.
    #[doc(hidden)]
    fn fetch(&self, range: Range<u64>, scratch: &mut Scratch<Self::Elem>) -> Result<()> {
        scratch.clear();
        if self.borrow(range.clone()).is_none() {
            scratch.fetched(range.start);
            self.copy(range, scratch)?;
        }
        Ok(())
    }

    /// The elements at these positions, which are among those fetched last, in a piece that fits the first-level cache.
    #[doc(hidden)]
    fn piece<'a>(&'a self, range: Range<u64>, scratch: &'a mut Scratch<Self::Elem>) -> Result<&'a [Self::Elem]> {
        match scratch.fetched {
            Some(first) => scratch.elements_at(range.start - first..range.end - first),
            None => Ok(self.borrow(range).expect("what was borrowed as a whole")),
        }
    }

    /// Bytes of the widest element that is in play at one position: its own, or one that it is computed from.
    #[doc(hidden)]
    fn widest(&self) -> usize {
        size_of::<Self::Elem>()
    }

    /// Bytes of the buffers that a worker needs besides one for the elements themselves.
    #[doc(hidden)]
    fn buffers(&self) -> u64 {
        0
    }
}

impl<S: Source + ?Sized> sealed::Sealed for &S {}

impl<S: Source + ?Sized> Source for &S {
    type Elem = S::Elem;
    type Dim = S::Dim;

    fn dim(&self) -> S::Dim {
        (**self).dim()
    }

    fn order(&self) -> Order {
        (**self).order()
    }

    fn borrow(&self, range: Range<u64>) -> Option<&[S::Elem]> {
        (**self).borrow(range)
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        (**self).copy(range, scratch)
    }

    fn fetch(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        (**self).fetch(range, scratch)
    }

    fn piece<'a>(&'a self, range: Range<u64>, scratch: &'a mut Scratch<S::Elem>) -> Result<&'a [S::Elem]> {
        (**self).piece(range, scratch)
    }

    fn widest(&self) -> usize {
        (**self).widest()
    }

    fn buffers(&self) -> u64 {
        (**self).buffers()
    }
}

/// A [`Source`] without the type of its handle and shape, so that the engine is compiled once per element type.
pub(in crate::compute) trait Blocks<T>: Sync {
    fn borrow(&self, range: Range<u64>) -> Option<&[T]>;
    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()>;
    /// As [`Source::buffers`].
    fn buffer_bytes(&self) -> u64;
}

impl<S: Source> Blocks<S::Elem> for S {
    fn borrow(&self, range: Range<u64>) -> Option<&[S::Elem]> {
        Source::borrow(self, range)
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        Source::copy(self, range, scratch)
    }

    fn buffer_bytes(&self) -> u64 {
        self.buffers()
    }
}

/// The lengths of the axes of a source.
pub(in crate::compute) fn shape_of<S: Source>(source: &S) -> Vec<u64> {
    shape_of_dim(&source.dim())
}

/// The lengths of the axes.
pub(in crate::compute) fn shape_of_dim<D: Dimension>(dim: &D) -> Vec<u64> {
    dim.slice().iter().map(|&len| len as u64).collect()
}

/// A buffer that one worker reuses for the elements that it cannot borrow.
#[doc(hidden)]
#[derive(Debug)]
pub struct Scratch<T> {
    items: Vec<T>,
    /// Bytes read from a file, kept in words so that they are aligned for every element type.
    words: Vec<u128>,
    bytes: usize,
    /// The position of the first element, where a fetch has put them here.
    fetched: Option<u64>,
    /// The buffers of the sources that this source is computed from.
    inner: Option<Box<dyn Any + Send>>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self { items: Vec::new(), words: Vec::new(), bytes: 0, fetched: None, inner: None }
    }
}

impl<T: Element> Scratch<T> {
    pub(in crate::compute) fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
        self.fetched = None;
    }

    /// The vector to push elements to, for sources whose elements are values in memory.
    pub(crate) fn items(&mut self) -> &mut Vec<T> {
        &mut self.items
    }

    /// Says that what is put in next are the elements from this position on, for pieces to be taken.
    pub(in crate::compute) fn fetched(&mut self, first: u64) {
        self.fetched = Some(first);
    }

    /// The position of the first element, where they were fetched.
    pub(in crate::compute) fn first(&self) -> Option<u64> {
        self.fetched
    }

    /// The vector to push elements to, and the buffers `I` of the sources that they are computed from.
    pub(in crate::compute) fn with_inner<I: Default + Send + 'static>(&mut self) -> (&mut Vec<T>, &mut I) {
        let inner = self.inner.get_or_insert_with(|| Box::new(I::default()));
        if !inner.is::<I>() {
            *inner = Box::new(I::default());
        }
        (&mut self.items, inner.downcast_mut().expect("seen above"))
    }

    /// Appends `count` elements whose bytes `read` fills in; for one buffer use either this or [`Self::items`].
    #[allow(dead_code, reason = "the file handles read through it")]
    pub(crate) fn read(&mut self, count: usize, read: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<()> {
        let end = self.bytes + count * size_of::<T>();
        if self.words.len() * 16 < end {
            self.words.resize(end.div_ceil(16), 0);
        }
        read(&mut bytemuck::cast_slice_mut(&mut self.words)[self.bytes..end])?;
        self.bytes = end;
        Ok(())
    }

    /// The elements put in since the last [`Self::clear`].
    pub(in crate::compute) fn elements(&self) -> Result<&[T]> {
        if self.bytes == 0 {
            return Ok(&self.items);
        }
        self.cast(0..self.bytes)
    }

    /// Some of them, counted from the first.
    pub(in crate::compute) fn elements_at(&self, range: Range<u64>) -> Result<&[T]> {
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        if self.bytes == 0 {
            return Ok(&self.items[start..end]);
        }
        self.cast(start * size_of::<T>()..end * size_of::<T>())
    }

    fn cast(&self, bytes: Range<usize>) -> Result<&[T]> {
        checked::try_cast_slice(&bytemuck::cast_slice::<u128, u8>(&self.words)[bytes])
            .map_err(|_| Error::new(ErrorKind::InvalidElement, format!("bytes that are not a value of {}", T::name())))
    }

    /// The same, to change; [`Self::bytes`] gives the bytes back afterwards.
    pub(in crate::compute) fn elements_mut(&mut self) -> Result<&mut [T]> {
        if self.bytes == 0 {
            return Ok(&mut self.items);
        }
        checked::try_cast_slice_mut(&mut bytemuck::cast_slice_mut::<u128, u8>(&mut self.words)[..self.bytes])
            .map_err(|_| Error::new(ErrorKind::InvalidElement, format!("bytes that are not a value of {}", T::name())))
    }

    /// The bytes of the elements.
    #[allow(dead_code, reason = "the file handles write back from it")]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self.bytes {
            0 => bytemuck::cast_slice::<T, u8>(&self.items),
            bytes => &bytemuck::cast_slice(&self.words)[..bytes],
        }
    }
}

/// The elements at these positions, borrowed where they can be and copied into `scratch` otherwise.
pub(in crate::compute) fn read<'a, T: Element>(
    source: &'a dyn Blocks<T>,
    range: Range<u64>,
    scratch: &'a mut Scratch<T>,
) -> Result<&'a [T]> {
    if let Some(items) = source.borrow(range.clone()) {
        return Ok(items);
    }
    scratch.clear();
    source.copy(range, scratch)?;
    scratch.elements()
}

/// `rows` runs of `width` elements whose beginnings lie `stride` apart, and the stride at which they were handed out.
pub(in crate::compute) fn read_rows<'a, T: Element>(
    source: &'a dyn Blocks<T>,
    start: u64,
    (rows, width, stride): (u64, u64, u64),
    scratch: &'a mut Scratch<T>,
) -> Result<(&'a [T], u64)> {
    let span = (rows - 1) * stride + width;
    if width == stride {
        return Ok((read(source, start..start + span, scratch)?, stride));
    }
    if let Some(items) = source.borrow(start..start + span) {
        return Ok((items, stride));
    }
    scratch.clear();
    for row in 0..rows {
        let first = start + row * stride;
        source.copy(first..first + width, scratch)?;
    }
    Ok((scratch.elements()?, width))
}
