//! How to open an array: the options that every handle shares, and the doors.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array, Dimension};

use super::Commit;
use super::any::{AnyArrayFile, AnyMmapArray};
use super::body::Body;
use super::door::{self, Intent, Reading};
use super::file::ArrayFile;
use super::mapped::MmapArray;
use super::mapped_mut::MmapArrayMut;
use super::view::Window;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::raw::RawLayout;
use crate::storage::{Access, Advice, Backend, Disk, File, LockPolicy, MapMode, Mapping};

/// Reads the header of an array file and nothing else; instant at any size.
///
/// No lock is taken, and the length of the file is not compared with what the header announces.
///
/// # Errors
///
/// As for [`OpenOptions::peek`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::ArrayFile::<f32, _>::create(&path, (3, 4))?.close()?;
/// let header = outcore::peek(&path)?;
/// assert_eq!(header.dtype().name(), "float32");
/// assert_eq!(header.shape(), [3, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn peek(path: impl AsRef<Path>) -> Result<Header> {
    OpenOptions::new().peek(path)
}

/// Reads a whole array file into memory, as `np.load` does.
///
/// # Errors
///
/// Those of [`ArrayFile::open`] and [`ArrayFile::read`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::save(&path, &ndarray::array![1, 2, 3])?;
/// let array = outcore::load::<i32, ndarray::Ix1>(&path)?;
/// assert_eq!(array.sum(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load<T: Element, D: Dimension>(path: impl AsRef<Path>) -> Result<Array<T, D>> {
    ArrayFile::open(path)?.read()
}

/// How to open an array file.
///
/// Opening finds the format by the content of the file, never by its name, and never changes the file.
///
/// ```
/// use ndarray::Ix2;
/// use outcore::{Advice, OpenOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::ArrayFile::<f64, _>::create(&path, (30, 4))?.close()?;
///
/// // SAFETY: nobody writes or truncates the file while it is mapped.
/// let window = unsafe {
///     OpenOptions::new().rows(10..20).advice(Advice::Sequential).open::<f64, Ix2>(&path)?
/// };
/// assert_eq!(window.shape(), [10, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    reading: Reading,
    rows: Option<Range<u64>>,
    advice: Advice,
    populate: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenOptions {
    /// The defaults: a format with a header, an advisory lock, all rows, no advice.
    pub fn new() -> Self {
        let reading = Reading::new(Arc::new(Disk), LockPolicy::default());
        Self { reading, rows: None, advice: Advice::Normal, populate: false }
    }

    /// Whether to take a lock. Advisory by default.
    ///
    /// Locks keep the handles of this crate apart, in this process and in others. Readers exclude writers, and a writer everybody;
    /// one that only appends ([`open_append`](Self::open_append)) excludes neither readers nor those who write old rows; writers
    /// of [rows](Self::rows) exclude whoever has one of these rows. Programs that do not ask, NumPy among them, are not held back.
    #[must_use]
    pub fn lock(mut self, policy: LockPolicy) -> Self {
        self.reading.lock = policy;
        self
    }

    /// When rows that are appended become durable and visible to others; before each call returns, by default.
    #[must_use]
    pub fn commit(mut self, commit: Commit) -> Self {
        self.reading.commit = commit;
        self
    }

    /// Whether growing a `.npy` file whose header has no room for the new shape is an error
    /// ([`NoRoom`](crate::ErrorKind::NoRoom)); otherwise the file is written anew under a temporary name and replaces the old
    /// one, which takes the time of a copy, and leaves programs that have the old one open with it.
    #[must_use]
    pub fn stay_in_place(mut self, stay: bool) -> Self {
        self.reading.stay_in_place = stay;
        self
    }

    /// How the mapping will be used. Positional handles ignore it.
    #[must_use]
    pub fn advice(mut self, advice: Advice) -> Self {
        self.advice = advice;
        self
    }

    /// Reads the body into the page cache, and enters it into the page table, before the call returns. It is a request: memory
    /// may be short. Positional handles ignore it.
    #[must_use]
    pub fn populate(mut self, populate: bool) -> Self {
        self.populate = populate;
        self
    }

    /// The longest header to accept, in characters; 10,000 by default, as in NumPy. A record with hundreds of fields needs more.
    #[must_use]
    pub fn max_header(mut self, characters: usize) -> Self {
        self.reading.max_header = characters;
        self
    }

    /// Takes the file as elements without a header, as `np.memmap` does. For typed handles the dtype may be left out; without a
    /// shape the array is one-dimensional and reaches to the end of the file.
    #[must_use]
    pub fn raw(mut self, layout: RawLayout) -> Self {
        self.reading.raw = Some(layout);
        self
    }

    /// Opens only rows `rows` along axis 0 (the end is not included): the array has `rows.end - rows.start` of them. So a window of
    /// a file that is larger than the address space can be mapped.
    ///
    /// Only mapped handles have windows, and positional ones refuse to open with one: [`ArrayFile::read_rows`] reads any rows of the
    /// whole. A window of a column-major array spans the other rows too; their bytes must be values of the type as well.
    #[must_use]
    pub fn rows(mut self, rows: Range<u64>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// The file system to use instead of the real one, such as a [`MemoryDisk`](crate::storage::MemoryDisk) in tests.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.reading.backend = backend;
        self
    }

    /// Reads the header and nothing else; takes no lock. A raw layout is compared with the length of the file.
    ///
    /// # Errors
    ///
    /// The kinds of [`OpenOptions::open_file`] but `Locked`, `DType`, `Shape`, and `Truncated` for missing elements.
    pub fn peek(&self, path: impl AsRef<Path>) -> Result<Header> {
        let file = File::open(&self.reading.backend, path.as_ref(), Access::Read)?;
        door::read_header(&file, &self.reading)
    }

    /// Maps an array for reading.
    ///
    /// # Safety
    ///
    /// The contract of [every mapping](MmapArray#safety).
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`], and
    /// - [`Misaligned`](crate::ErrorKind::Misaligned): the elements do not begin at a multiple of their alignment;
    /// - [`DType`](crate::ErrorKind::DType) also for the right type in the other byte order: map it as [`Be`](crate::Be);
    /// - [`InvalidElement`](crate::ErrorKind::InvalidElement): a `bool` that is neither 0 nor 1;
    /// - [`TooLarge`](crate::ErrorKind::TooLarge): more bytes than the address space has room for; see [`OpenOptions::rows`].
    pub unsafe fn open<T: Element, D: Dimension>(&self, path: impl AsRef<Path>) -> Result<MmapArray<T, D>> {
        // SAFETY: the caller makes the promise.
        let (body, window, mapping) = unsafe { self.map::<T>(path.as_ref(), MapMode::Read) }?;
        MmapArray::new(body, &window, mapping)
    }

    /// Maps an array for reading and writing; writes go to the file.
    ///
    /// # Safety
    ///
    /// The contract of [every mapping](MmapArray#safety).
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open_mut<T: Element, D: Dimension>(&self, path: impl AsRef<Path>) -> Result<MmapArrayMut<T, D>> {
        // SAFETY: the caller makes the promise.
        let (body, window, mapping) = unsafe { self.map::<T>(path.as_ref(), MapMode::ReadWrite) }?;
        MmapArrayMut::new(body.header.clone(), Some(body), &window, mapping)
    }

    /// Maps an array copy-on-write: it can be written, and the writes stay in memory, private to this handle. The file needs no
    /// write permission.
    ///
    /// # Safety
    ///
    /// The contract of [every mapping](MmapArray#safety).
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open_cow<T: Element, D: Dimension>(&self, path: impl AsRef<Path>) -> Result<MmapArrayMut<T, D>> {
        // SAFETY: the caller makes the promise.
        let (body, window, mapping) = unsafe { self.map::<T>(path.as_ref(), MapMode::Copy) }?;
        MmapArrayMut::new(body.header.clone(), Some(body), &window, mapping)
    }

    /// Maps an array of any dtype for reading.
    ///
    /// # Safety
    ///
    /// The contract of [every mapping](MmapArray#safety).
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`] that do not depend on a type.
    pub unsafe fn open_any(&self, path: impl AsRef<Path>) -> Result<AnyMmapArray> {
        let body = Body::open(&self.reading, path.as_ref(), Intent::Read(self.rows.clone()))?;
        // SAFETY: the caller makes the promise.
        let (window, mapping) = unsafe { self.map_body(&body, MapMode::Read) }?;
        if !window.is_contiguous() {
            let message = "rows of a column-major array do not lie together";
            let hint = "open the window with a type, or map the whole array";
            return Err(Error::new(ErrorKind::Unsupported, message).with_hint(hint).in_file(path.as_ref()));
        }
        Ok(AnyMmapArray::new(body, window, mapping))
    }

    /// Opens an array for positional reading. No mapping, and nothing that others do to the file can do worse than an error.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound), [`PermissionDenied`](crate::ErrorKind::PermissionDenied),
    ///   [`NotAFile`](crate::ErrorKind::NotAFile), [`Io`](crate::ErrorKind::Io): the file cannot be opened or read;
    /// - [`Locked`](crate::ErrorKind::Locked): another handle holds a lock that excludes this one;
    /// - [`UnknownFormat`](crate::ErrorKind::UnknownFormat), [`Corrupt`](crate::ErrorKind::Corrupt),
    ///   [`HeaderTooLarge`](crate::ErrorKind::HeaderTooLarge), [`Unsupported`](crate::ErrorKind::Unsupported): the header;
    /// - [`Truncated`](crate::ErrorKind::Truncated): the file ends before its header or its elements do;
    /// - [`DType`](crate::ErrorKind::DType), [`Shape`](crate::ErrorKind::Shape): the array is not of type `T` or has not the axes
    ///   of `D`.
    pub fn open_file<T: Element, D: Dimension>(&self, path: impl AsRef<Path>) -> Result<ArrayFile<T, D>> {
        self.open_any_file_with::<T>(path.as_ref(), Intent::Read(None))?.typed()
    }

    /// Opens an array for positional reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`].
    pub fn open_file_mut<T: Element, D: Dimension>(&self, path: impl AsRef<Path>) -> Result<ArrayFile<T, D>> {
        self.open_any_file_with::<T>(path.as_ref(), Intent::Write)?.typed()
    }

    /// Opens an array for reading, and for adding rows while others read it: the lock is that of the end of the array alone.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`].
    pub fn open_append<T: Element, D: Dimension>(&self, path: impl AsRef<Path>) -> Result<ArrayFile<T, D>> {
        self.open_any_file_with::<T>(path.as_ref(), Intent::Append)?.typed()
    }

    /// Opens an array of any dtype for positional reading.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`] that do not depend on a type.
    pub fn open_any_file(&self, path: impl AsRef<Path>) -> Result<AnyArrayFile> {
        self.positional(&self.reading, path.as_ref(), Intent::Read(None))
    }

    /// Opens an array of any dtype for positional reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_file`] that do not depend on a type.
    pub fn open_any_file_mut(&self, path: impl AsRef<Path>) -> Result<AnyArrayFile> {
        self.positional(&self.reading, path.as_ref(), Intent::Write)
    }

    /// Opens an array of any dtype for reading, and for adding rows while others read it.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open_append`] that do not depend on a type.
    pub fn open_any_append(&self, path: impl AsRef<Path>) -> Result<AnyArrayFile> {
        self.positional(&self.reading, path.as_ref(), Intent::Append)
    }

    fn open_any_file_with<T: Element>(&self, path: &Path, intent: Intent) -> Result<AnyArrayFile> {
        self.positional(&self.reading_as::<T>(), path, intent)
    }

    fn positional(&self, reading: &Reading, path: &Path, intent: Intent) -> Result<AnyArrayFile> {
        if self.rows.is_some() {
            let message = "a window of rows is for mapped arrays";
            let hint = "open the whole file, and read rows with read_rows or a selection";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_hint(hint).in_file(path));
        }
        Ok(AnyArrayFile::new(Body::open(reading, path, intent)?))
    }

    /// A raw layout without a dtype takes the one of the handle.
    fn reading_as<T: Element>(&self) -> Reading {
        let mut reading = self.reading.clone();
        reading.raw = reading.raw.map(|raw| raw.dtype_or(T::dtype()));
        reading
    }

    /// # Safety
    ///
    /// The contract of every mapping.
    unsafe fn map<T: Element>(&self, path: &Path, mode: MapMode) -> Result<(Body, Window, Mapping)> {
        let intent = match (mode, &self.rows) {
            (MapMode::ReadWrite, None) => Intent::Write,
            (MapMode::ReadWrite, Some(rows)) => Intent::WriteRows(rows.clone()),
            _ => Intent::Read(self.rows.clone()),
        };
        let mut body = Body::open(&self.reading_as::<T>(), path, intent)?;
        body.expect_native::<T>()?;
        if mode == MapMode::ReadWrite {
            body.begin_stores()?;
        }
        // SAFETY: the caller makes the promise.
        let (window, mapping) = unsafe { self.map_body(&body, mode) }?;
        Ok((body, window, mapping))
    }

    /// # Safety
    ///
    /// The contract of every mapping.
    unsafe fn map_body(&self, body: &Body, mode: MapMode) -> Result<(Window, Mapping)> {
        let fail = |error: Error| error.in_file(body.file.path());
        let window = Window::new(&body.header, self.rows.as_ref()).map_err(fail)?;
        let len = window.mapped_len();
        // SAFETY: the caller makes the promise.
        let mapping = unsafe { map_shown(body, &window, mode) }?;
        mapping.advise(0, len, self.advice)?;
        if self.populate {
            mapping.populate(0, len)?;
        }
        Ok((window, mapping))
    }
}

/// Maps a window as a reader is to see it: the bytes of a pending journal lie in private pages, over those of the file.
///
/// # Safety
///
/// The contract of every mapping.
pub(super) unsafe fn map_shown(body: &Body, window: &Window, mode: MapMode) -> Result<Mapping> {
    let Some(pending) = &body.overlay else {
        // SAFETY: the caller makes the promise.
        return unsafe { body.file.map(mode, window.offset, window.mapped_len()) };
    };
    // SAFETY: as above.
    let mut mapping = unsafe { body.file.map(MapMode::Copy, window.offset, window.mapped_len()) }?;
    pending.overlay(window.offset, mapping.as_mut_slice())?;
    Ok(mapping)
}
