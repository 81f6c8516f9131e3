//! Where operations write whole arrays.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use ndarray::{ArrayBase, ArrayRef, DataMut, Dimension};
use portable_atomic::AtomicU64;

use super::source::sealed;
use crate::array::{ArrayFile, MmapArrayMut};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;
use crate::storage::{self, File};

/// An array that an operation can write its result to: an ndarray array or mutable view, a mapped array opened for writing, a
/// file.
///
/// Files are written by position, mapped ones too, since stores through a shared mapping cost a page fault for every 4 KiB. The
/// trait is sealed.
pub trait Target: sealed::Sealed {
    /// The type of the elements.
    type Elem: Element;
    /// The type of the shape.
    type Dim: Dimension;

    /// The lengths of the axes, and the order in which positions count the elements.
    #[doc(hidden)]
    fn layout(&self) -> (Self::Dim, Order);

    /// What takes the elements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an array in memory whose elements have gaps between them.
    #[doc(hidden)]
    fn store(&mut self) -> Result<Box<dyn Store<Self::Elem> + '_>>;
}

/// Takes elements by their positions in storage order, from several threads at once.
#[doc(hidden)]
pub trait Store<T>: Sync {
    /// Writes the elements from position `start` on. No position is written by two threads at the same time.
    fn write(&self, start: u64, items: &[T]) -> Result<()>;

    /// The first position that begins a page of the file, if any does. Who cuts what he writes there, and at [`page_of`]
    /// elements from there, spares the system the reading of pages that are written in two parts.
    fn page_phase(&self) -> u64 {
        0
    }
}

/// A multiple of the page sizes of most systems, in bytes.
const PAGE: u64 = 16 << 10;

/// The elements of a page; 0 where a page is no whole number of them.
pub(in crate::compute) fn page_of<T>() -> u64 {
    let size = (size_of::<T>() as u64).max(1);
    if PAGE.is_multiple_of(size) { PAGE / size } else { 0 }
}

/// [`Store::page_phase`] of elements that begin at a byte of a file.
fn page_phase<T>(offset: u64) -> u64 {
    let (size, before) = ((size_of::<T>() as u64).max(1), offset.wrapping_neg() % PAGE);
    if before.is_multiple_of(size) { before / size } else { 0 }
}

/// An array in memory, cut into pieces that different threads write.
struct Shards<'a, T> {
    each: usize,
    pieces: Vec<Mutex<&'a mut [T]>>,
}

impl<'a, T> Shards<'a, T> {
    /// Elements of a piece.
    const EACH: usize = 1 << 16;

    fn new(items: &'a mut [T]) -> Self {
        Self { each: Self::EACH, pieces: items.chunks_mut(Self::EACH).map(Mutex::new).collect() }
    }
}

impl<T: Copy + Send> Store<T> for Shards<'_, T> {
    fn write(&self, start: u64, mut items: &[T]) -> Result<()> {
        let start = usize::try_from(start).expect("a position inside an array in memory");
        let (mut piece, mut skip) = (start / self.each, start % self.each);
        while !items.is_empty() {
            let mut place = self.pieces[piece].lock().unwrap_or_else(PoisonError::into_inner);
            let (now, later) = items.split_at(items.len().min(place.len() - skip));
            place[skip..skip + now.len()].copy_from_slice(now);
            (items, piece, skip) = (later, piece + 1, 0);
        }
        Ok(())
    }
}

/// What takes the elements of an array in memory.
pub(in crate::compute) fn in_memory<T: Element>(items: &mut [T]) -> Box<dyn Store<T> + '_> {
    Box::new(Shards::new(items))
}

impl<T: Element, D: Dimension> Target for ArrayRef<T, D> {
    type Elem = T;
    type Dim = D;

    fn layout(&self) -> (D, Order) {
        (self.raw_dim(), super::Source::order(self))
    }

    fn store(&mut self) -> Result<Box<dyn Store<T> + '_>> {
        let dense = self.is_standard_layout() || self.view().reversed_axes().is_standard_layout();
        match self.as_slice_memory_order_mut().filter(|_| dense) {
            Some(items) => Ok(in_memory(items)),
            None => Err(Error::new(ErrorKind::InvalidArgument, "an array in memory with gaps between its elements")
                .with_hint("write to a contiguous array, and assign it")),
        }
    }
}

impl<T: Element, D: Dimension, S: DataMut<Elem = T> + Sync> Target for ArrayBase<S, D> {
    type Elem = T;
    type Dim = D;

    fn layout(&self) -> (D, Order) {
        (self.raw_dim(), super::Source::order(&**self))
    }

    fn store(&mut self) -> Result<Box<dyn Store<T> + '_>> {
        Target::store(&mut **self)
    }
}

impl<T: Element, D: Dimension> Target for ArrayFile<T, D> {
    type Elem = T;
    type Dim = D;

    fn layout(&self) -> (D, Order) {
        (self.raw_dim(), self.header().order())
    }

    fn store(&mut self) -> Result<Box<dyn Store<T> + '_>> {
        Ok(Box::new(Positional { file: self, pace: Pace::default() }))
    }
}

impl<T: Element, D: Dimension> Target for MmapArrayMut<T, D> {
    type Elem = T;
    type Dim = D;

    fn layout(&self) -> (D, Order) {
        (self.raw_dim(), super::Source::order(self))
    }

    fn store(&mut self) -> Result<Box<dyn Store<T> + '_>> {
        if self.positional().is_none() {
            let view = self.view_mut();
            let dense = view.is_standard_layout() || view.view().reversed_axes().is_standard_layout();
            return match view.into_slice_memory_order().filter(|_| dense) {
                Some(items) => Ok(in_memory(items)),
                None => Err(Error::new(ErrorKind::InvalidArgument, "rows of a column-major array have gaps")
                    .with_hint("open the whole array for writing")),
            };
        }
        let file = self.positional().expect("seen above");
        Ok(Box::new(Whole { file, pace: Pace::default() }))
    }
}

/// Starts the write-back of what was written every so often, so that dirty pages do not pile up until the system stops the
/// writer. What the system keeps anyway is left to it: pages under write-back make those wait who write them again.
#[derive(Debug)]
struct Pace {
    written: AtomicU64,
    /// Bytes that are left to the system.
    kept: u64,
}

impl Default for Pace {
    fn default() -> Self {
        /// Linux begins with a tenth, `dirty_background_ratio` (`Documentation/admin-guide/sysctl/vm.rst`).
        const SHARE: u64 = 16;
        Self { written: AtomicU64::new(0), kept: storage::available_memory().unwrap_or_default() / SHARE }
    }
}

impl Pace {
    /// Bytes between two calls.
    const EVERY: u64 = 64 << 20;

    fn wrote(&self, bytes: usize, start_writeback: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        let after = before + bytes as u64;
        if after > self.kept && before / Self::EVERY < after / Self::EVERY { start_writeback() } else { Ok(()) }
    }
}

struct Positional<'a, T: Element, D: Dimension> {
    file: &'a ArrayFile<T, D>,
    pace: Pace,
}

impl<T: Element, D: Dimension> Store<T> for Positional<'_, T, D> {
    fn write(&self, start: u64, items: &[T]) -> Result<()> {
        self.file.write_native(start, items)?;
        self.pace.wrote(size_of_val(items), || self.file.start_writeback())
    }

    fn page_phase(&self) -> u64 {
        page_phase::<T>(self.file.header().data_offset())
    }
}

/// The file behind a mapping of a whole array, whose elements have the machine's byte order.
struct Whole<'a> {
    file: &'a crate::array::Body,
    pace: Pace,
}

impl<T: Element> Store<T> for Whole<'_> {
    fn write(&self, start: u64, items: &[T]) -> Result<()> {
        self.file.write_items(start, bytemuck::cast_slice(items))?;
        self.pace.wrote(size_of_val(items), || self.file.start_writeback())
    }

    fn page_phase(&self) -> u64 {
        page_phase::<T>(self.file.header.data_offset())
    }
}

/// The elements of a file that is being created.
pub(in crate::compute) struct NewFile<'a> {
    file: &'a File,
    offset: u64,
    pace: Pace,
}

impl<'a> NewFile<'a> {
    pub(in crate::compute) fn new(file: &'a File, offset: u64) -> Self {
        Self { file, offset, pace: Pace::default() }
    }
}

impl<T: Element> Store<T> for NewFile<'_> {
    fn write(&self, start: u64, items: &[T]) -> Result<()> {
        self.file.write_all_at(bytemuck::cast_slice(items), self.offset + start * size_of::<T>() as u64)?;
        self.pace.wrote(size_of_val(items), || self.file.start_writeback(0, i64::MAX.unsigned_abs()))
    }

    fn page_phase(&self) -> u64 {
        page_phase::<T>(self.offset)
    }
}
