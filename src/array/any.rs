//! Arrays whose dtype is known at run time only, records and strings included: their elements as bytes.

use std::fmt;
use std::path::Path;

use ndarray::Dimension;
use serde::Serialize;

use super::Commit;
use super::blocks::Blocks;
use super::body::Body;
use super::create::CreateOptions;
use super::file::ArrayFile;
use super::ledger::Layout;
use super::mapped::MmapArray;
use super::open::OpenOptions;
use super::selection::{Resolved, Selection};
use super::view::Window;
use crate::element::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::native::Attributes;
use crate::storage::Mapping;

/// An array file of any dtype, read and written by position.
///
/// Elements are bytes here, in the byte order of the file; [`typed`](Self::typed) and [`dispatch!`](crate::dispatch) give them a
/// type. As for [`ArrayFile`], nothing is mapped.
///
/// ```
/// use outcore::{AnyArrayFile, CreateOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
///
/// let dtype = "[('id', '<u4'), ('name', '|S8')]".parse()?;
/// let mut file = CreateOptions::new().create_any_file(&path, &dtype, &[1000])?;
/// file.write_selection(&"[7]".parse()?, b"\x05\0\0\0Ada\0\0\0\0\0")?;
/// let item = file.read_selection(&"[7]".parse()?)?;
/// assert_eq!(dtype.format_item(&item), "(5, b'Ada')");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AnyArrayFile {
    body: Body,
}

impl AnyArrayFile {
    /// Opens an array file for reading. [`OpenOptions`] has more to say.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_any_file`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_any_file(path)
    }

    /// Opens an array file for reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_any_file_mut`].
    pub fn open_mut(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_any_file_mut(path)
    }

    /// Creates a `.npy` file of zeros. The shape is in elements along each axis.
    ///
    /// # Errors
    ///
    /// Those of [`CreateOptions::create_any_file`].
    pub fn create(path: impl AsRef<Path>, dtype: &DType, shape: &[u64]) -> Result<Self> {
        CreateOptions::new().create_any_file(path, dtype, shape)
    }

    /// Opens an array file for reading, and for adding rows while others read it.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_any_append`].
    pub fn open_append(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_any_append(path)
    }

    pub(crate) fn new(body: Body) -> Self {
        Self { body }
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// The same file as an array of `T`, in either byte order, with the axes of `D`.
    ///
    /// # Errors
    ///
    /// [`DType`](ErrorKind::DType), [`Shape`](ErrorKind::Shape).
    pub fn typed<T: Element, D: Dimension>(&self) -> Result<ArrayFile<T, D>> {
        ArrayFile::new(self.body.clone())
    }

    /// What the file says of its array.
    pub fn header(&self) -> &Header {
        &self.body.header
    }

    /// The file, as the caller named it.
    pub fn path(&self) -> &Path {
        self.body.file.path()
    }

    /// Whether the blocks of the file were reserved when this handle created it, so that no later write finds the disk full. Not so
    /// for sparse files, and on file systems that cannot reserve.
    pub fn is_reserved(&self) -> bool {
        self.body.reserved
    }

    /// Reads the elements of a selection in row-major order, as bytes in the byte order of the file.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a selection that the array does not have,
    /// [`OutOfMemory`](ErrorKind::OutOfMemory) where it does not fit memory, [`Truncated`](ErrorKind::Truncated),
    /// [`Io`](ErrorKind::Io).
    pub fn read_selection(&self, selection: &Selection) -> Result<Vec<u8>> {
        self.read_resolved(&self.resolve(selection)?)
    }

    /// Writes the elements of a selection, given in row-major order, as bytes in the byte order of the file.
    ///
    /// Where the selection has small gaps, their elements are read and written back: nobody else may write them meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`read_selection`](Self::read_selection); [`Shape`](ErrorKind::Shape) where `items` are not as many;
    /// [`ReadOnly`](ErrorKind::ReadOnly), [`OutOfSpace`](ErrorKind::OutOfSpace), [`Poisoned`](ErrorKind::Poisoned).
    pub fn write_selection(&mut self, selection: &Selection, items: &[u8]) -> Result<()> {
        let resolved = self.resolve(selection)?;
        let expected = resolved.count() * self.header().itemsize() as u64;
        self.expect_bytes(items.len(), expected)?;
        self.body.write_selection(&resolved, items)
    }

    /// Writes the same element everywhere in a selection, given as bytes in the byte order of the file.
    ///
    /// # Errors
    ///
    /// Those of [`write_selection`](Self::write_selection).
    pub fn fill_selection(&mut self, selection: &Selection, item: &[u8]) -> Result<()> {
        let resolved = self.resolve(selection)?;
        self.expect_bytes(item.len(), self.header().itemsize() as u64)?;
        self.body.fill_selection(&resolved, item)
    }

    /// All elements in row-major order, in blocks of at most `bytes` bytes (and of one element at least), as bytes in the byte
    /// order of the file. There is no block of elements that have no bytes.
    ///
    /// # Errors
    ///
    /// Each block: [`OutOfMemory`](ErrorKind::OutOfMemory), [`Truncated`](ErrorKind::Truncated), [`Io`](ErrorKind::Io).
    pub fn blocks(&self, bytes: usize) -> impl Iterator<Item = Result<Vec<u8>>> + '_ {
        let header = self.header();
        let items = (bytes / header.itemsize().max(1)) as u64;
        let whole = Resolved::all(header.shape());
        // Elements without bytes may be many, and have nothing to say.
        let blocks = (header.nbytes() > 0).then(|| Blocks::new(whole, items));
        blocks.into_iter().flatten().map(|block| self.read_selection(&block))
    }

    /// The axis along which rows are added: the outermost one of storage.
    ///
    /// # Errors
    ///
    /// [`Shape`](ErrorKind::Shape) for an array without axes.
    pub fn growth_axis(&self) -> Result<usize> {
        self.body.growth_axis()
    }

    /// Adds rows given as bytes, in the byte order and the storage order of the file; see [`ArrayFile::append_rows`].
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::append_rows`]; [`Shape`](ErrorKind::Shape) also where the bytes are not a whole number of rows.
    pub fn append_bytes(&mut self, rows: &[u8]) -> Result<()> {
        self.body.append_bytes(rows)
    }

    /// Adds all elements of another file as rows, whatever its byte order and storage order; all at once, through a small buffer.
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::append_rows`]; [`DType`](ErrorKind::DType) where it holds elements of another type.
    pub fn append_from(&mut self, source: &Self) -> Result<()> {
        self.body.append_from(&source.body)
    }

    /// Sees whether [`append_from`](Self::append_from) could add the elements of another file: of the same type, but for the byte order,
    /// and with all other axes as long as here.
    ///
    /// # Errors
    ///
    /// [`DType`](ErrorKind::DType), [`Shape`](ErrorKind::Shape).
    pub fn check_rows_of(&self, source: &Self) -> Result<()> {
        source.body.expect_rows_of(&self.body.header, self.path(), self.growth_axis()?)
    }

    /// Makes the array `rows` rows long; see [`ArrayFile::resize_rows`].
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::resize_rows`].
    pub fn resize_rows(&mut self, rows: u64) -> Result<()> {
        self.body.resize(rows)?;
        self.body.cut()
    }

    /// Reserves room on the disk for so many more rows; see [`ArrayFile::reserve_rows`].
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::reserve_rows`].
    pub fn reserve_rows(&mut self, rows: u64) -> Result<bool> {
        self.body.reserve(rows)
    }

    /// When rows that are appended become durable and visible to others.
    pub fn set_commit(&mut self, commit: Commit) {
        self.body.set_commit(commit);
    }

    /// Takes over the length that another handle or process has announced since; see [`ArrayFile::refresh`].
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::refresh`].
    pub fn refresh(&mut self) -> Result<bool> {
        self.body.refresh()
    }

    /// The attributes of a native file; none for other formats.
    pub fn attrs(&self) -> Attributes {
        self.body.attrs()
    }

    /// Replaces the attributes, durably; see [`ArrayFile::set_attrs`].
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::set_attrs`].
    pub fn set_attrs(&mut self, attrs: &impl Serialize) -> Result<()> {
        self.body.set_attrs(Attributes::from_serialize(attrs)?)
    }

    /// Sets one attribute, durably.
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::set_attrs`].
    pub fn set_attr(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut attrs = self.attrs();
        attrs.insert(name, value)?;
        self.body.set_attrs(attrs)
    }

    /// What a native file says besides its [`header`](Self::header); `None` for other formats.
    pub fn native_state(&self) -> Option<NativeState> {
        self.body.native_state()
    }

    /// Whether a committed transaction waits to be finished by the next handle that is opened for writing; what is read here shows it
    /// finished.
    pub fn has_pending_transaction(&self) -> bool {
        self.body.overlay.is_some()
    }

    /// Writes every change to the disk and waits; see [`ArrayFile::flush`].
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::flush`].
    pub fn flush(&mut self) -> Result<()> {
        self.body.flush()
    }

    /// Flushes and closes.
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::flush`].
    pub fn close(mut self) -> Result<()> {
        if self.body.file.is_writable() { self.flush() } else { Ok(()) }
    }

    fn resolve(&self, selection: &Selection) -> Result<Resolved> {
        selection.resolve(self.header().shape()).map_err(|error| error.in_file(self.path()))
    }

    fn read_resolved(&self, selection: &Resolved) -> Result<Vec<u8>> {
        let nbytes = selection.count() * self.header().itemsize() as u64;
        let mut items = bytemuck::allocation::try_zeroed_vec(usize::try_from(nbytes).unwrap_or(usize::MAX))
            .map_err(|()| out_of_memory(nbytes).in_file(self.path()))?;
        self.body.read_selection(selection, &mut items)?;
        Ok(items)
    }

    fn expect_bytes(&self, found: usize, expected: u64) -> Result<()> {
        if found as u64 == expected {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Shape, format!("{expected} bytes are to be written, and {found} were given"))
            .in_file(self.path()))
    }
}

pub(crate) fn out_of_memory(nbytes: u64) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("{nbytes} bytes are not to be had in memory"))
        .with_hint("read the array in parts, such as rows or selections")
}

impl fmt::Debug for AnyArrayFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyArrayFile").field("path", &self.path()).field("header", self.header()).finish()
    }
}

/// What a native file says of itself besides its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NativeState {
    /// Commits since the file was created, the creation included.
    pub generation: u64,
    /// Whether checksums of the elements are in force; see [`AnyArrayFile::verify`].
    pub sealed: bool,
    /// The identity of the array.
    pub uuid: [u8; 16],
}

impl Body {
    fn native_state(&self) -> Option<NativeState> {
        let state = self.ledger.state();
        let Layout::Native(head) = &state.layout else { return None };
        let slot = head.slot();
        Some(NativeState { generation: slot.generation, sealed: slot.seal.is_some(), uuid: head.preamble.uuid })
    }
}

/// An array file of any dtype, mapped for reading.
///
/// Elements are bytes here, in the byte order and the storage order of the file; [`typed`](Self::typed) gives them a type.
///
/// ```
/// use ndarray::Ix2;
/// use outcore::AnyMmapArray;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::ArrayFile::<i16, _>::create(&path, (30, 4))?.close()?;
///
/// // SAFETY: nobody writes or truncates the file while it is mapped.
/// let any = unsafe { AnyMmapArray::open(&path)? };
/// assert_eq!(any.header().dtype().name(), "int16");
/// assert_eq!(any.as_bytes().len(), 240);
/// let m = any.typed::<i16, Ix2>()?;
/// assert_eq!(m.shape(), [30, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AnyMmapArray {
    body: Body,
    window: Window,
    mapping: Mapping,
}

impl AnyMmapArray {
    /// Maps an array file of any dtype for reading. [`OpenOptions`] has more to say.
    ///
    /// # Safety
    ///
    /// The [contract](MmapArray#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_any`].
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().open_any(path) }
    }

    pub(crate) fn new(body: Body, window: Window, mapping: Mapping) -> Self {
        Self { body, window, mapping }
    }

    /// The same mapping as an array of `T` with the axes of `D`.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`] that depend on a type.
    pub fn typed<T: Element, D: Dimension>(self) -> Result<MmapArray<T, D>> {
        self.body.expect_native::<T>()?;
        MmapArray::new(self.body, &self.window, self.mapping)
    }

    /// What the file says of its array.
    pub fn header(&self) -> &Header {
        &self.body.header
    }

    /// The file, as the caller named it.
    pub fn path(&self) -> &Path {
        self.body.file.path()
    }

    /// The bytes of the elements, in storage order; of a window of rows, those of its rows.
    pub fn as_bytes(&self) -> &[u8] {
        self.mapping.bytes(self.window.skip..self.window.mapped_len())
    }
}

impl fmt::Debug for AnyMmapArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyMmapArray").field("path", &self.path()).field("header", self.header()).finish()
    }
}
