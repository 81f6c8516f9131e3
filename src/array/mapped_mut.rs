//! An array mapped for reading and writing.

use std::fmt;
use std::ops::{Deref, Index, IndexMut, Range};
use std::path::Path;

use ndarray::iter::AxisChunksIterMut;
use ndarray::{ArrayRef, ArrayViewMut, Axis, Dimension, IntoDimension, IxDyn, NdIndex, RemoveAxis};

use serde::Serialize;

use super::Commit;
use super::body::Body;
use super::create::CreateOptions;
use super::mapped::axes_error;
use super::open::OpenOptions;
use super::transaction::Transaction;
use super::view::{self, Window};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::native::Attributes;
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

    /// Maps rows `rows` along axis 0 (the end is not included) of an array file for reading and writing. Several handles, in this
    /// process and others, may hold rows of one file that do not overlap; their locks are on the bytes of the rows.
    ///
    /// # Safety
    ///
    /// The [contract](crate::MmapArray#safety) of every mapping, for the rows.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`]; [`Locked`](crate::ErrorKind::Locked) where somebody has one of the rows.
    pub unsafe fn open_rows_mut(path: impl AsRef<Path>, rows: Range<u64>) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().rows(rows).open_mut(path) }
    }

    /// An array of zeros in memory that no file backs; it takes room as it is written, in the system's swap at worst, and on
    /// Windows all of it at once.
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
        self.check_poison()?;
        self.mapping.flush(0, self.mapping.len())?;
        match &self.body {
            Some(body) if self.writes_through() => body.flush_rows(),
            _ => Ok(()),
        }
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
        self.check_poison()?;
        if !self.view.is_standard_layout() {
            return self.flush();
        }
        if let Some(body) = self.body.as_ref().filter(|_| self.writes_through()) {
            body.flush_rows()?;
        }
        let row = (self.view.len() * size_of::<T>()).checked_div(len).unwrap_or_default();
        self.mapping.flush(self.skip + rows.start * row, (rows.end - rows.start) * row)
    }

    /// Asks the system to begin writing every change to the disk, and does not wait. It promises nothing;
    /// [`flush`](Self::flush) does.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush), as far as they show at once.
    pub fn flush_async(&self) -> Result<()> {
        self.check_poison()?;
        self.mapping.flush_async(0, self.mapping.len())
    }

    /// Adds rows at the end: along axis 0 of a row-major array, and columns along the last axis of a column-major one; all other axes
    /// are as long as the file's. To add one row costs the row, whatever the size of the array.
    ///
    /// After a crash at any moment the array has its old length or the new one, and the rows below the old length are as they were.
    /// A raw file, which has no header to announce rows, may be left with some of the new ones.
    /// When the rows are announced is a matter of [`Commit`]: before the call returns, unless [`set_commit`](Self::set_commit) says
    /// otherwise. In `.npy` files the header has room for this where NumPy or this crate wrote it; where it has not, the file is
    /// written anew and takes the place of the old one.
    ///
    /// # Errors
    ///
    /// - [`Shape`](ErrorKind::Shape): the rows are longer or shorter than the file's, or there is no axis to grow;
    /// - [`OutOfSpace`](ErrorKind::OutOfSpace): the disk is full; the array is as long as before;
    /// - [`NoRoom`](ErrorKind::NoRoom): the header has no room and [`OpenOptions::stay_in_place`] was asked for;
    /// - [`ReadOnly`](ErrorKind::ReadOnly): a window of rows, or a copy-on-write array; [`Unsupported`](ErrorKind::Unsupported): an
    ///   array without a file;
    /// - [`Poisoned`](ErrorKind::Poisoned), [`Io`](ErrorKind::Io).
    ///
    /// ```
    /// use ndarray::{Ix2, array};
    /// use outcore::{CreateOptions, Format};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log.oca");
    ///
    /// // SAFETY: this program owns the file; nobody else writes or truncates it while it is mapped.
    /// let mut log = unsafe { CreateOptions::new().format(Format::Native).create::<f64, Ix2>(&path, (0, 3))? };
    /// log.append_rows(&array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])?;
    /// assert_eq!(log.column(2).sum(), 9.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append_rows(&mut self, rows: &ArrayRef<T, D>) -> Result<()> {
        self.grow(|body| body.append_array(rows, false))
    }

    /// Makes the array `rows` rows long along the axis that [`append_rows`](Self::append_rows) adds to. New rows are zero; a
    /// shorter array gives its room back to the disk.
    ///
    /// # Errors
    ///
    /// Those of [`append_rows`](Self::append_rows).
    pub fn resize_rows(&mut self, rows: u64) -> Result<()> {
        self.grow(|body| {
            body.resize(rows)?;
            // Now or never: Windows does not cut what is mapped.
            if cfg!(windows) { body.cut() } else { Ok(()) }
        })?;
        self.body.as_ref().filter(|_| cfg!(not(windows))).map_or(Ok(()), Body::cut)
    }

    /// Reserves room on the disk for so many more rows, so that appending them cannot find it full; `false` where the file system
    /// cannot. The array stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`append_rows`](Self::append_rows).
    pub fn reserve_rows(&mut self, rows: u64) -> Result<bool> {
        self.body_mut()?.reserve(rows)
    }

    /// When rows that are appended become durable and visible to others.
    pub fn set_commit(&mut self, commit: Commit) {
        if let Some(body) = &self.body {
            body.set_commit(commit);
        }
    }

    /// Begins changes that reach the file all at once, or not at all.
    ///
    /// For native files the journal is in the file; for `.npy` and raw files it is a file `.NAME.outcore-journal` beside it, which is
    /// gone when the transaction is complete. Whoever moves such a file after a crash, before it was opened again for writing, moves the
    /// journal with it; another hard link of the file does not show what the journal holds.
    ///
    /// # Errors
    ///
    /// [`ReadOnly`](ErrorKind::ReadOnly) for a window of rows and for copy-on-write arrays,
    /// [`Unsupported`](ErrorKind::Unsupported) for arrays without a file, and those of mapping and flushing.
    pub fn transaction(&mut self) -> Result<Transaction<'_, T, D>> {
        self.body_mut()?.check_growth()?;
        // What the file does not show yet, its private mapping would not either.
        self.mapping.write_back()?;
        let body = self.body_mut()?;
        let window = Window::new(&body.header, None)?;
        // SAFETY: the promise that the caller made to the constructor of this handle covers each mapping of the same bytes; the
        // borrow of the handle keeps the other one from being used.
        let mapping = unsafe { body.file.map(MapMode::Copy, window.offset, window.mapped_len()) }?;
        Transaction::new(self, &window, mapping)
    }

    /// The attributes of a native file; none for other formats.
    pub fn attrs(&self) -> Attributes {
        self.body.as_ref().map(Body::attrs).unwrap_or_default()
    }

    /// Replaces the attributes by a value that serialises to a JSON object, durably; see [`Attributes`].
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) where it is no object, [`TooLarge`](ErrorKind::TooLarge) where it is too long,
    /// [`Unsupported`](ErrorKind::Unsupported) for formats without attributes, and those of writing.
    pub fn set_attrs(&mut self, attrs: &impl Serialize) -> Result<()> {
        let attrs = Attributes::from_serialize(attrs)?;
        self.body_mut()?.set_attrs(attrs)
    }

    /// Sets one attribute, durably.
    ///
    /// # Errors
    ///
    /// Those of [`set_attrs`](Self::set_attrs).
    pub fn set_attr(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut attrs = self.attrs();
        attrs.insert(name, value)?;
        self.body_mut()?.set_attrs(attrs)
    }

    pub(crate) fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// The file, where all of its elements are mapped here, and what is written to it shows in the mapping.
    pub(crate) fn positional(&self) -> Option<&Body> {
        let whole = |body: &&Body| {
            body.header.shape().iter().copied().eq(self.view.shape().iter().map(|&len| len as u64))
                && self.mapping.is_of(&body.file)
        };
        self.body.as_ref().filter(whole).filter(|_| self.writes_through() && self.mapping.is_coherent())
    }

    /// The file of the mapping may be another one, where the array was written anew and could not be mapped.
    fn check_poison(&self) -> Result<()> {
        match &self.body {
            Some(body) if self.writes_through() => body.file.check_poison(),
            _ => Ok(()),
        }
    }

    fn body_mut(&mut self) -> Result<&mut Body> {
        self.body.as_mut().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "an array without a file neither grows nor has transactions")
                .with_hint("create it in a file")
        })
    }

    /// Changes the length of the array in the file, then shows it here.
    fn grow(&mut self, change: impl FnOnce(&mut Body) -> Result<()>) -> Result<()> {
        self.body_mut()?.check_growth()?;
        self.mapping.write_back()?;
        if cfg!(windows) {
            self.let_go();
        }
        let changed = change(self.body_mut()?);
        let shown = self.reload().inspect_err(|_| {
            if let Some(body) = &self.body {
                body.file.poison();
            }
        });
        changed.and(shown)
    }

    /// Maps and shows nothing, until [`reload`](Self::reload): Windows neither cuts nor replaces a file that is mapped.
    fn let_go(&mut self) {
        let mut nowhere = self.view.raw_dim();
        nowhere.slice_mut().fill(0);
        // An array without axes has an element, and does not grow.
        if let (Ok(nothing), Ok(none)) = (ArrayViewMut::from_shape(nowhere, &mut []), Mapping::anonymous(0)) {
            self.view = nothing;
            self.mapping = none;
        }
    }

    /// Shows what the file now holds.
    pub(crate) fn reload(&mut self) -> Result<()> {
        let Some(body) = &self.body else { return Ok(()) };
        let window = Window::new(&body.header, None)?;
        let header = body.header.clone();
        if self.mapping.is_coherent() && self.mapping.is_of(&body.file) && window.mapped_len() <= self.mapping.len() {
            self.view = view::cast_mut_valid(&window, &mut self.mapping)?;
        } else {
            let len = body.extend_ahead(window.mapped_len())?;
            // SAFETY: the promise that the caller made to the constructor of this handle covers each mapping of the same bytes;
            // the view of the old one is replaced before the new one is used.
            let mut mapping = unsafe { body.file.map(MapMode::ReadWrite, window.offset, len) }?;
            self.view = view::cast_mut_valid(&window, &mut mapping)?;
            self.mapping = mapping;
        }
        self.header = header;
        self.skip = window.skip;
        Ok(())
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
    /// Adds one row, or one column of a column-major array; see [`append_rows`](Self::append_rows).
    ///
    /// # Errors
    ///
    /// Those of [`append_rows`](Self::append_rows).
    pub fn append_row(&mut self, row: &ArrayRef<T, D::Smaller>) -> Result<()> {
        self.grow(|body| body.append_row(row, false))
    }

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
