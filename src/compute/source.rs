//! Where the elements of an operation come from.

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
}

/// A [`Source`] without the type of its handle and shape, so that the engine is compiled once per element type.
pub(super) trait Blocks<T>: Sync {
    fn borrow(&self, range: Range<u64>) -> Option<&[T]>;
    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()>;
}

impl<S: Source> Blocks<S::Elem> for S {
    fn borrow(&self, range: Range<u64>) -> Option<&[S::Elem]> {
        Source::borrow(self, range)
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        Source::copy(self, range, scratch)
    }
}

/// The lengths of the axes of a source.
pub(super) fn shape_of<S: Source>(source: &S) -> Vec<u64> {
    source.dim().slice().iter().map(|&len| len as u64).collect()
}

/// A buffer that one worker reuses for the elements that it cannot borrow.
#[doc(hidden)]
#[derive(Debug)]
pub struct Scratch<T> {
    items: Vec<T>,
    /// Bytes read from a file, kept in words so that they are aligned for every element type.
    words: Vec<u128>,
    bytes: usize,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self { items: Vec::new(), words: Vec::new(), bytes: 0 }
    }
}

impl<T: Element> Scratch<T> {
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
    }

    /// The vector to push elements to, for sources whose elements are values in memory.
    pub(crate) fn items(&mut self) -> &mut Vec<T> {
        &mut self.items
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
    pub(super) fn elements(&self) -> Result<&[T]> {
        if self.bytes == 0 {
            return Ok(&self.items);
        }
        checked::try_cast_slice(&bytemuck::cast_slice::<u128, u8>(&self.words)[..self.bytes])
            .map_err(|_| Error::new(ErrorKind::InvalidElement, format!("bytes that are not a value of {}", T::name())))
    }

    /// The same, to change; [`Self::bytes`] gives the bytes back afterwards.
    pub(super) fn elements_mut(&mut self) -> Result<&mut [T]> {
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
pub(super) fn read<'a, T: Element>(
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
pub(super) fn read_rows<'a, T: Element>(
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
