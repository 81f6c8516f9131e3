//! An array mapped for reading and writing.

use std::fmt;
use std::ops::{Deref, Index, IndexMut, Range};
use std::path::Path;

use ndarray::iter::AxisChunksIterMut;
use ndarray::{ArrayRef, ArrayViewMut, Axis, Dimension, IntoDimension, IxDyn, NdIndex, RemoveAxis};

use super::body::Body;
use super::create::CreateOptions;
use super::mapped::axes_error;
use super::open::OpenOptions;
use super::view::{self, Window};
use crate::element::Element;
use crate::error::Result;
use crate::format::Header;
use crate::format::raw::RawLayout;
use crate::storage::{Advice, MapMode, Mapping};

/// An array in a file, mapped into memory for reading and writing.
///
/// Elements are written with `m[[i, j]] = x` or through [`view_mut`](Self::view_mut), and each write goes straight to the
/// system's copy of the file: other programs see it at once. After [`flush`](Self::flush) it is on the disk as well.
///
/// It dereferences to [`ndarray::ArrayRef`] for reading, and not for writing: ndarray's operations on the array itself, such as
/// `swap_axes`, would change the shape in memory and not in the file, and do not compile.
///
/// ```
/// use ndarray::{Axis, Ix2};
/// use outcore::MmapArrayMut;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
///
/// // SAFETY: this program owns the file; nobody else writes or truncates it while it is mapped.
/// let mut m = unsafe { MmapArrayMut::<f64, Ix2>::create(&path, (1000, 8))? };
/// m[[3, 4]] = 7.5;
/// m.view_mut().column_mut(0).fill(1.0);
/// m.flush()?;
/// assert_eq!(m.sum(), 1007.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Besides files there are [`anonymous`](Self::anonymous) and [`scratch`](Self::scratch) arrays, which nobody else can reach and
/// which are therefore safe to make, and copy-on-write arrays ([`open_cow`](Self::open_cow)), whose writes stay in memory.
pub struct MmapArrayMut<T: Element, D: Dimension = IxDyn> {
    /// Borrowed from `mapping`, and never handed out for longer than a borrow of this handle.
    view: ArrayViewMut<'static, T, D>,
    mapping: Mapping,
    header: Header,
    /// None for anonymous and scratch arrays.
    body: Option<Body>,
    /// Bytes of the mapping before the first element.
    skip: usize,
}

impl<T: Element, D: Dimension> MmapArrayMut<T, D> {
    /// Creates a `.npy` file of zeros and maps it. The shape is in elements along each axis, `(rows, columns)`.
    /// [`CreateOptions`] has more to say, such as column-major order.
    ///
    /// The file appears under its name when it is complete, its blocks are reserved, and an existing file is an error.
    ///
    /// # Safety
    ///
    /// The [contract](crate::MmapArray#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`CreateOptions::create`].
    pub unsafe fn create(path: impl AsRef<Path>, shape: impl IntoDimension<Dim = D>) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { CreateOptions::new().create(path, shape) }
    }

    /// Maps an array file for reading and writing. [`OpenOptions`] has more to say.
    ///
    /// # Safety
    ///
    /// The [contract](crate::MmapArray#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open_mut(path: impl AsRef<Path>) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().open_mut(path) }
    }

    /// Maps an array file copy-on-write: writes stay in memory and never reach the file, for which read permission is enough.
    ///
    /// # Safety
    ///
    /// The [contract](crate::MmapArray#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open_cow(path: impl AsRef<Path>) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().open_cow(path) }
    }

    /// Maps elements without a header for reading and writing, as `np.memmap(path, dtype, mode="r+", ...)` does, except that a
    /// file that is too short is an error and is not extended.
    ///
    /// # Safety
    ///
    /// The [contract](crate::MmapArray#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open_raw_mut(path: impl AsRef<Path>, layout: RawLayout) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().raw(layout).open_mut(path) }
    }

    /// An array of zeros in memory that no file backs; it takes room as it is written, in the system's swap at worst.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::ErrorKind::TooLarge), [`OutOfMemory`](crate::ErrorKind::OutOfMemory).
    ///
    /// ```
    /// let mut a = outcore::MmapArrayMut::<f32, _>::anonymous((1000, 1000))?;
    /// a[[1, 2]] = 3.0;
    /// assert_eq!(a.sum(), 3.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn anonymous(shape: impl IntoDimension<Dim = D>) -> Result<Self> {
        CreateOptions::new().anonymous(shape)
    }

    /// An array of zeros in a temporary file that has no name and is gone with the handle: for results larger than memory.
    /// `directory` says where, or the system's place for temporary files.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::ErrorKind::TooLarge), [`OutOfSpace`](crate::ErrorKind::OutOfSpace), and those of opening a file.
    ///
    /// ```
    /// let mut a = outcore::MmapArrayMut::<f64, _>::scratch(None, (100, 100))?;
    /// a[[1, 2]] = 3.0;
    /// assert_eq!(a.sum(), 3.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn scratch(directory: Option<&Path>, shape: impl IntoDimension<Dim = D>) -> Result<Self> {
        CreateOptions::new().scratch(directory, shape)
    }

    pub(crate) fn new(header: Header, body: Option<Body>, window: &Window, mut mapping: Mapping) -> Result<Self> {
        let view = view::cast_mut(window, &mut mapping).map_err(|error| match &body {
            Some(body) => error.in_file(body.file.path()),
            None => error,
        })?;
        Ok(Self { view, mapping, header, body, skip: window.skip })
    }

    /// What the file says of its array. The shape is that of the whole array, also where this handle is a window of rows.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file, as the caller named it; none for anonymous and scratch arrays.
    pub fn path(&self) -> Option<&Path> {
        self.body.as_ref().map(|body| body.file.path())
    }

    /// Whether writes reach the file: false for copy-on-write, anonymous and scratch arrays.
    pub fn writes_through(&self) -> bool {
        self.body.is_some() && self.mapping.mode() == MapMode::ReadWrite
    }

    /// Whether the blocks of the file were reserved when this handle created it, so that no later write finds the disk full. Not so
    /// for sparse files, and on file systems that cannot reserve; always so for anonymous and scratch arrays.
    pub fn is_reserved(&self) -> bool {
        self.body.as_ref().is_none_or(|body| body.reserved)
    }

    /// All elements, to be written by any of ndarray's means, in parallel too.
    ///
    /// ```
    /// use ndarray::{Axis, parallel::prelude::*};
    /// # let mut m = outcore::MmapArrayMut::<f64, _>::anonymous((100, 8))?;
    /// m.view_mut().axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut row| row.fill(1.0));
    /// assert_eq!(m.sum(), 800.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T, D> {
        self.view.view_mut()
    }

    /// Tells the system how the mapping will be used from now on.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system refuses the advice.
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.mapping.advise(0, self.mapping.len(), advice)
    }

    /// Writes every change to the disk and waits. When it returns `Ok`, all earlier writes of this handle survive a crash of the
    /// machine. For copy-on-write and anonymous arrays there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`OutOfSpace`](crate::ErrorKind::OutOfSpace), [`Io`](crate::ErrorKind::Io): something was not written. The handle is
    /// poisoned then: this and every later flush is an error, since the system may have forgotten which pages were lost, and would
    /// answer a second attempt with a success that is none. Open the file again and look.
    pub fn flush(&self) -> Result<()> {
        self.mapping.flush(0, self.mapping.len())
    }

    /// As [`flush`](Self::flush), for rows `rows` along axis 0; the end is not included. For column-major arrays, whose rows lie
    /// scattered over the file, it flushes all.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush), and [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for rows that are not there.
    pub fn flush_rows(&self, rows: Range<usize>) -> Result<()> {
        let len = self.view.shape().first().copied().unwrap_or_default();
        view::check_rows(&(rows.start as u64..rows.end as u64), len as u64)?;
        if !self.view.is_standard_layout() {
            return self.flush();
        }
        let row = (self.mapping.len() - self.skip).checked_div(len).unwrap_or_default();
        self.mapping.flush(self.skip + rows.start * row, (rows.end - rows.start) * row)
    }

    /// Asks the system to begin writing every change to the disk, and does not wait. It promises nothing;
    /// [`flush`](Self::flush) does.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush), as far as they show at once.
    pub fn flush_async(&self) -> Result<()> {
        self.mapping.flush_async(0, self.mapping.len())
    }

    /// Flushes and closes. Dropping the handle closes it too; the system then writes the changes in its own time, and nobody hears
    /// of a failure.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush).
    pub fn close(self) -> Result<()> {
        self.flush()
    }

    /// The same array with a number of axes known at run time only.
    pub fn into_dyn(self) -> MmapArrayMut<T, IxDyn> {
        let Self { view, mapping, header, body, skip } = self;
        MmapArrayMut { view: view.into_dyn(), mapping, header, body, skip }
    }

    /// The same array with the number of axes in its type.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where it has another number of axes.
    pub fn into_dimensionality<D2: Dimension>(self) -> Result<MmapArrayMut<T, D2>> {
        let Self { view, mapping, header, body, skip } = self;
        let found = view.ndim();
        match view.into_dimensionality() {
            Ok(view) => Ok(MmapArrayMut { view, mapping, header, body, skip }),
            Err(_) => Err(match body {
                Some(body) => axes_error(found, D2::NDIM).in_file(body.file.path()),
                None => axes_error(found, D2::NDIM),
            }),
        }
    }
}

impl<T: Element, D: Dimension + RemoveAxis> MmapArrayMut<T, D> {
    /// Disjoint blocks of `rows` rows along axis 0, the last one perhaps smaller; with `into_par_iter` for several threads.
    ///
    /// # Panics
    ///
    /// Where `rows` is 0, or the array has no axis.
    ///
    /// ```
    /// use ndarray::parallel::prelude::*;
    /// # let mut m = outcore::MmapArrayMut::<f64, _>::anonymous((100, 8))?;
    /// m.row_blocks_mut(16).into_par_iter().enumerate().for_each(|(i, mut block)| block.fill(i as f64));
    /// assert_eq!(m[[99, 7]], 6.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn row_blocks_mut(&mut self, rows: usize) -> AxisChunksIterMut<'_, T, D> {
        self.view.axis_chunks_iter_mut(Axis(0), rows)
    }
}

impl<T: Element, D: Dimension> Deref for MmapArrayMut<T, D> {
    type Target = ArrayRef<T, D>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl<T: Element, D: Dimension, I: NdIndex<D>> Index<I> for MmapArrayMut<T, D> {
    type Output = T;

    /// # Panics
    ///
    /// Where the index is out of bounds.
    fn index(&self, index: I) -> &T {
        &self.view[index]
    }
}

impl<T: Element, D: Dimension, I: NdIndex<D>> IndexMut<I> for MmapArrayMut<T, D> {
    /// # Panics
    ///
    /// Where the index is out of bounds.
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.view[index]
    }
}

impl<T: Element, D: Dimension> fmt::Debug for MmapArrayMut<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view, f)
    }
}
