//! An array read and written by position: no mapping, no `unsafe`, no signals.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;

use ndarray::{Array, ArrayD, ArrayRef, Dimension, IntoDimension, IxDyn, RemoveAxis, ShapeBuilder};

use serde::Serialize;

use super::Commit;
use super::any::out_of_memory;
use super::body::Body;
use super::create::CreateOptions;
use super::open::OpenOptions;
use super::selection::{Resolved, Selection};
use super::view::{check_rows, dimension};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::native::Attributes;
use crate::format::raw::RawLayout;
use crate::shape::{self, Order};

/// An array in a file, read and written by position.
///
/// Where a mapped array asks the caller for a promise, this handle asks for none: whatever others do to the file, the worst is an
/// error. It works on files larger than the address space (as long as no single axis is), on elements at any address, and on both byte orders: values are always
/// the machine's own.
///
/// ```
/// use ndarray::{Ix2, array};
/// use outcore::ArrayFile;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
///
/// let mut file = ArrayFile::<f64, Ix2>::create(&path, (1000, 2))?;
/// file.write_rows(3, &array![[1.0, 2.0], [3.0, 4.0]])?;
/// assert_eq!(file.read_rows(4..6)?, array![[3.0, 4.0], [0.0, 0.0]]);
/// file.set((0, 1), 7.5)?;
/// file.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ArrayFile<T: Element, D: Dimension = IxDyn> {
    body: Body,
    /// Whether the bytes of each scalar are to be reversed on their way in and out.
    foreign: bool,
    shape: D,
    elements: PhantomData<T>,
}

impl<T: Element, D: Dimension> ArrayFile<T, D> {
    /// Opens an array file for reading. [`OpenOptions`] has more to say.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_file(path)
    }

    /// Opens an array file for reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file_mut`].
    pub fn open_mut(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_file_mut(path)
    }

    /// Opens an array file for reading, and for adding rows while others read it. [`OpenOptions`] has more to say.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_append`].
    pub fn open_append(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_append(path)
    }

    /// Opens elements without a header for reading, with the arguments of `np.memmap`. The layout may leave out the dtype.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`].
    pub fn open_raw(path: impl AsRef<Path>, layout: RawLayout) -> Result<Self> {
        OpenOptions::new().raw(layout).open_file(path)
    }

    /// Creates a `.npy` file of zeros and opens it for reading and writing. The shape is in elements along each axis.
    /// [`CreateOptions`] has more to say.
    ///
    /// # Errors
    ///
    /// Those of [`CreateOptions::create_file`].
    pub fn create(path: impl AsRef<Path>, shape: impl IntoDimension<Dim = D>) -> Result<Self> {
        CreateOptions::new().create_file(path, shape)
    }

    /// Opens elements without a header for reading and writing, with the arguments of `np.memmap`.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file_mut`].
    pub fn open_raw_mut(path: impl AsRef<Path>, layout: RawLayout) -> Result<Self> {
        OpenOptions::new().raw(layout).open_file_mut(path)
    }

    pub(crate) fn new(body: Body) -> Result<Self> {
        let foreign = body.is_foreign::<T>()?;
        let shape = shape_of(&body)?;
        Ok(Self { body, foreign, shape, elements: PhantomData })
    }

    /// The same array behind another body of the same file.
    pub(crate) fn with_body(&self, body: Body) -> Self {
        Self { body, foreign: self.foreign, shape: self.shape.clone(), elements: PhantomData }
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// What the file says of its array.
    pub fn header(&self) -> &Header {
        &self.body.header
    }

    /// The file, as the caller named it.
    pub fn path(&self) -> &Path {
        self.body.file.path()
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[usize] {
        self.shape.slice()
    }

    /// Elements along each axis, as ndarray's own type.
    pub fn raw_dim(&self) -> D {
        self.shape.clone()
    }

    /// Elements in all.
    pub fn len(&self) -> u64 {
        self.header().count()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the blocks of the file were reserved when this handle created it, so that no later write finds the disk full. Not so
    /// for sparse files, and on file systems that cannot reserve.
    pub fn is_reserved(&self) -> bool {
        self.body.reserved
    }

    /// Reads the whole array, in the storage order of the file.
    ///
    /// # Errors
    ///
    /// - [`OutOfMemory`](ErrorKind::OutOfMemory): it does not fit memory;
    /// - [`InvalidElement`](ErrorKind::InvalidElement): a `bool` that is neither 0 nor 1;
    /// - [`Truncated`](ErrorKind::Truncated), [`Io`](ErrorKind::Io): the file cannot be read to its end.
    pub fn read(&self) -> Result<Array<T, D>> {
        let shape = self.raw_dim().set_f(self.header().order() == Order::F);
        let items = self.read_with(self.len(), |bytes| self.body.read_items(0, bytes))?;
        Array::from_shape_vec(shape, items).map_err(|error| self.internal(&error))
    }

    /// Reads rows `rows` along axis 0; the end is not included. The result is in row-major order.
    ///
    /// In a column-major file a row lies scattered: each column costs a read of its own.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`InvalidArgument`](ErrorKind::InvalidArgument) for rows that are not there.
    pub fn read_rows(&self, rows: Range<usize>) -> Result<Array<T, D>> {
        let taken = self.rows(rows.start as u64..rows.end as u64)?;
        let mut shape = self.raw_dim();
        shape[0] = rows.end - rows.start;
        let items = self.read_resolved(&taken)?;
        Array::from_shape_vec(shape, items).map_err(|error| self.internal(&error))
    }

    /// Reads a selection: slices and indices along each axis.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`InvalidArgument`](ErrorKind::InvalidArgument) for an index out of bounds.
    pub fn read_selection(&self, selection: &Selection) -> Result<ArrayD<T>> {
        let taken = self.resolve(selection)?;
        let shape = shape::to_usize(&taken.shape())?;
        let items = self.read_resolved(&taken)?;
        ArrayD::from_shape_vec(shape, items).map_err(|error| self.internal(&error))
    }

    /// Reads one element.
    ///
    /// # Errors
    ///
    /// Those of [`read_selection`](Self::read_selection).
    pub fn get(&self, index: impl IntoDimension<Dim = D>) -> Result<T> {
        let taken = self.resolve(&self.element(&index.into_dimension())?)?;
        Ok(self.read_resolved(&taken)?[0])
    }

    /// Writes one element.
    ///
    /// # Errors
    ///
    /// Those of [`write_rows`](Self::write_rows).
    pub fn set(&mut self, index: impl IntoDimension<Dim = D>, value: T) -> Result<()> {
        let taken = self.resolve(&self.element(&index.into_dimension())?)?;
        self.write_resolved(&taken, &[value])
    }

    /// Writes the whole array, from an array of the same shape and any layout.
    ///
    /// # Errors
    ///
    /// Those of [`write_rows`](Self::write_rows).
    pub fn write(&mut self, array: &ArrayRef<T, D>) -> Result<()> {
        self.write_selection(&Selection::all(), &array.view().into_dyn())
    }

    /// Writes rows along axis 0, from row `start` on; all other axes are as long as the file's.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): the rows reach beyond the array, which never grows by a write;
    /// - [`Shape`](ErrorKind::Shape): the rows are longer or shorter than the file's;
    /// - [`ReadOnly`](ErrorKind::ReadOnly): the file was opened for reading;
    /// - [`OutOfSpace`](ErrorKind::OutOfSpace), [`Poisoned`](ErrorKind::Poisoned), [`Io`](ErrorKind::Io).
    pub fn write_rows(&mut self, start: usize, rows: &ArrayRef<T, D>) -> Result<()> {
        let len = rows.shape().first().copied().unwrap_or_default();
        let taken = self.rows(start as u64..(start as u64).saturating_add(len as u64))?;
        self.write_array(&taken, &rows.view().into_dyn())
    }

    /// Writes a selection, from an array of its shape and any layout.
    ///
    /// Where the selection has small gaps, their elements are read and written back: nobody else may write them meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`write_rows`](Self::write_rows).
    pub fn write_selection(&mut self, selection: &Selection, array: &ArrayRef<T, IxDyn>) -> Result<()> {
        let taken = self.resolve(selection)?;
        self.write_array(&taken, array)
    }

    /// Writes every change to the disk and waits. When it returns `Ok`, all earlier writes of this handle survive a crash of the
    /// machine.
    ///
    /// # Errors
    ///
    /// [`OutOfSpace`](ErrorKind::OutOfSpace), [`Io`](ErrorKind::Io): something was not written. The handle is poisoned then: every
    /// later write and flush is an error, since the system may answer a second attempt with a success that is none. Open the file
    /// again and look.
    pub fn flush(&mut self) -> Result<()> {
        self.body.flush()
    }

    /// Adds rows at the end: along axis 0 of a row-major array, and columns along the last axis of a column-major one; all other axes
    /// are as long as the file's. It costs the rows, whatever the size of the array.
    ///
    /// After a crash at any moment the array has its old length or the new one, and the rows below the old length are as they were.
    /// A raw file, which has no header to announce rows, may be left with some of the new ones.
    /// The rows are durable when the call returns, unless [`set_commit`](Self::set_commit) says otherwise. In `.npy` files the
    /// header has room for this where NumPy or this crate wrote it; where it has not, the file is written anew and takes the place of
    /// the old one.
    ///
    /// # Errors
    ///
    /// - [`Shape`](ErrorKind::Shape): the rows are longer or shorter than the file's, or there is no axis to grow;
    /// - [`OutOfSpace`](ErrorKind::OutOfSpace): the disk is full; the array is as long as before;
    /// - [`NoRoom`](ErrorKind::NoRoom): the header has no room and [`OpenOptions::stay_in_place`] was asked for;
    /// - [`ReadOnly`](ErrorKind::ReadOnly), [`Poisoned`](ErrorKind::Poisoned), [`Io`](ErrorKind::Io).
    ///
    /// ```
    /// use ndarray::{Ix2, array};
    /// use outcore::{ArrayFile, Commit};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log.npy");
    ///
    /// let mut log = ArrayFile::<f64, Ix2>::create(&path, (0, 2))?;
    /// log.append_rows(&array![[1.0, 2.0], [3.0, 4.0]])?;      // on the disk now
    /// log.set_commit(Commit::AtFlush);
    /// for i in 0..1000 {
    ///     log.append_row(&array![f64::from(i), 0.0])?;
    /// }
    /// log.close()?;                                          // and now these
    /// assert_eq!(outcore::peek(&path)?.shape(), [1002, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append_rows(&mut self, rows: &ArrayRef<T, D>) -> Result<()> {
        self.body.append_array(rows, self.foreign)?;
        self.follow()
    }

    /// Adds one row, or one column of a column-major array.
    ///
    /// # Errors
    ///
    /// Those of [`append_rows`](Self::append_rows).
    pub fn append_row(&mut self, row: &ArrayRef<T, D::Smaller>) -> Result<()>
    where
        D: RemoveAxis,
    {
        self.body.append_row(row, self.foreign)?;
        self.follow()
    }

    /// Makes the array `rows` rows long along the axis that [`append_rows`](Self::append_rows) adds to, durably. New rows are zero; a
    /// shorter array gives its room back to the disk.
    ///
    /// # Errors
    ///
    /// Those of [`append_rows`](Self::append_rows).
    pub fn resize_rows(&mut self, rows: u64) -> Result<()> {
        self.body.resize(rows)?;
        self.follow()?;
        self.body.cut()
    }

    /// Reserves room on the disk for so many more rows, so that appending them cannot find it full; `false` where the file system
    /// cannot. The array stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`append_rows`](Self::append_rows).
    pub fn reserve_rows(&mut self, rows: u64) -> Result<bool> {
        self.body.reserve(rows)
    }

    /// When rows that are appended become durable and visible to others.
    pub fn set_commit(&mut self, commit: Commit) {
        self.body.set_commit(commit);
    }

    /// Looks at the file again, and takes over the length that another handle or process has announced since. Whether it changed.
    ///
    /// Every row up to the length that this handle then shows is there. Where a file was replaced under its name, this handle stays
    /// with the old one.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](ErrorKind::Corrupt) where the file has become another array, and those of reading.
    pub fn refresh(&mut self) -> Result<bool> {
        let changed = self.body.refresh()?;
        self.follow()?;
        Ok(changed)
    }

    /// The attributes of a native file; none for other formats.
    pub fn attrs(&self) -> Attributes {
        self.body.attrs()
    }

    /// Replaces the attributes by a value that serialises to a JSON object, durably; see [`Attributes`].
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) where it is no object, [`TooLarge`](ErrorKind::TooLarge) where it is too long,
    /// [`Unsupported`](ErrorKind::Unsupported) for formats without attributes, and those of writing.
    ///
    /// ```
    /// use outcore::{CreateOptions, Format};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("t.oca");
    ///
    /// #[derive(serde::Serialize)]
    /// struct About { axes: [&'static str; 2], units: &'static str }
    ///
    /// let mut file = CreateOptions::new().format(Format::Native).create_file::<f32, _>(&path, (365, 24))?;
    /// file.set_attrs(&About { axes: ["day", "hour"], units: "K" })?;
    /// assert_eq!(file.attrs().get::<String>("units")?.as_deref(), Some("K"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_attrs(&mut self, attrs: &impl Serialize) -> Result<()> {
        self.body.set_attrs(Attributes::from_serialize(attrs)?)
    }

    /// Sets one attribute, durably.
    ///
    /// # Errors
    ///
    /// Those of [`set_attrs`](Self::set_attrs).
    pub fn set_attr(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut attrs = self.attrs();
        attrs.insert(name, value)?;
        self.body.set_attrs(attrs)
    }

    /// Shows the shape that the file now has.
    fn follow(&mut self) -> Result<()> {
        self.shape = shape_of(&self.body)?;
        Ok(())
    }

    /// Flushes, where the file was opened for writing, and closes.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush).
    pub fn close(mut self) -> Result<()> {
        if self.body.file.is_writable() { self.flush() } else { Ok(()) }
    }

    /// Reads the bytes of elements by their position in storage order, each scalar in the machine's byte order.
    pub(crate) fn read_native(&self, start: u64, bytes: &mut [u8]) -> Result<()> {
        self.body.read_items(start, bytes)?;
        if self.foreign {
            T::swap_bytes_in_place(bytes);
        }
        match T::find_invalid(bytes) {
            Some(index) => Err(self.invalid(start + index as u64)),
            None => Ok(()),
        }
    }

    /// Writes elements by their position in storage order.
    pub(crate) fn write_native(&self, start: u64, items: &[T]) -> Result<()> {
        self.with_file_order(items, |bytes| self.body.write_items(start, bytes))
    }

    /// Begins to write back what was written, and does not wait.
    pub(crate) fn start_writeback(&self) -> Result<()> {
        self.body.start_writeback()
    }

    fn rows(&self, rows: Range<u64>) -> Result<Resolved> {
        let fail = |error: Error| error.in_file(self.path());
        match self.header().shape().first() {
            Some(&len) => check_rows(&rows, len).map_err(fail)?,
            None => return Err(fail(Error::new(ErrorKind::Shape, "an array without axes has no rows"))),
        }
        Ok(Resolved::along(0, &rows, self.header().shape()))
    }

    fn resolve(&self, selection: &Selection) -> Result<Resolved> {
        selection.resolve(self.header().shape()).map_err(|error| error.in_file(self.path()))
    }

    fn element(&self, index: &D) -> Result<Selection> {
        if index.ndim() == self.shape.ndim() {
            return Ok(Selection::element(index.slice()));
        }
        let message = format!("an index of {} numbers into {} axes", index.ndim(), self.shape.ndim());
        Err(Error::new(ErrorKind::InvalidArgument, message).in_file(self.path()))
    }

    fn read_resolved(&self, taken: &Resolved) -> Result<Vec<T>> {
        self.read_with(taken.count(), |bytes| self.body.read_selection(taken, bytes))
    }

    /// Elements that `read` puts into a buffer, in the machine's byte order and checked.
    fn read_with(&self, count: u64, read: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Vec<T>> {
        let nbytes = count * size_of::<T>() as u64;
        let mut items: Vec<T::Bits> =
            bytemuck::allocation::try_zeroed_vec(usize::try_from(count).unwrap_or(usize::MAX))
                .map_err(|()| out_of_memory(nbytes).in_file(self.path()))?;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut items);
        read(bytes)?;
        if self.foreign {
            T::swap_bytes_in_place(bytes);
        }
        match T::find_invalid(bytes) {
            Some(index) => Err(self.invalid(index as u64)),
            None => T::from_bits(items).ok_or_else(|| self.invalid(0)),
        }
    }

    fn write_array(&self, taken: &Resolved, array: &ArrayRef<T, IxDyn>) -> Result<()> {
        let shape = taken.shape();
        if !array.shape().iter().map(|&len| len as u64).eq(shape.iter().copied()) {
            let found: Vec<u64> = array.shape().iter().map(|&len| len as u64).collect();
            let message = format!(
                "an array of shape {} into a place of shape {}",
                shape::display(&found),
                shape::display(&shape)
            );
            return Err(Error::new(ErrorKind::Shape, message).in_file(self.path()));
        }
        match array.as_slice() {
            Some(items) => self.write_resolved(taken, items),
            None => self.write_resolved(taken, &array.iter().copied().collect::<Vec<T>>()),
        }
    }

    fn write_resolved(&self, taken: &Resolved, items: &[T]) -> Result<()> {
        self.with_file_order(items, |bytes| self.body.write_selection(taken, bytes))
    }

    fn with_file_order(&self, items: &[T], write: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(items);
        if self.foreign {
            let mut swapped = bytes.to_vec();
            T::swap_bytes_in_place(&mut swapped);
            write(&swapped)
        } else {
            write(bytes)
        }
    }

    fn invalid(&self, index: u64) -> Error {
        Error::new(ErrorKind::InvalidElement, format!("element {index} of those read is not a {}", T::name()))
            .with_hint("open it as Bool8, for which every byte but 0 is true")
            .in_file(self.path())
    }

    /// The elements were counted by the header that gave the shape, so this does not happen.
    fn internal(&self, error: &ndarray::ShapeError) -> Error {
        Error::new(ErrorKind::Shape, format!("the elements do not fit the shape: {error}")).in_file(self.path())
    }
}

fn shape_of<D: Dimension>(body: &Body) -> Result<D> {
    let fail = |error: Error| error.in_file(body.file.path());
    dimension(&shape::to_usize(body.header.shape()).map_err(fail)?).map_err(fail)
}

impl<T: Element, D: Dimension> fmt::Debug for ArrayFile<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayFile").field("path", &self.path()).field("header", self.header()).finish()
    }
}
