//! How to create an array.

use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayRef, Dimension, IntoDimension};

use super::Commit;
use super::any::AnyArrayFile;
use super::body::Body;
use super::door::{Found, Reading};
use super::file::ArrayFile;
use super::journal;
use super::ledger::Layout;
use super::mapped_mut::MmapArrayMut;
use super::stream::for_each_piece;
use super::view::Window;
use crate::element::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::{Attributes, Head, Preamble};
use crate::format::raw::RawLayout;
use crate::format::{Format, Header, npy};
use crate::shape::Order;
use crate::storage::{self, Backend, Disk, File, LockPolicy, MapMode, Mapping, Reserve};

/// How to create an array file.
///
/// The file is prepared under a temporary name beside its own, and appears under its own when it is complete: at every instant
/// the name holds nothing, the old file, or the whole new one, through crashes too. All elements are zero.
///
/// ```
/// use ndarray::Ix2;
/// use outcore::{CreateOptions, Order};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
///
/// // SAFETY: this program owns the file; nobody else writes or truncates it while it is mapped.
/// let mut m = unsafe { CreateOptions::new().order(Order::F).overwrite(true).create::<f32, Ix2>(&path, (1000, 8))? };
/// m[[0, 1]] = 2.5;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CreateOptions {
    backend: Arc<dyn Backend>,
    lock: LockPolicy,
    format: Format,
    order: Order,
    reserve: Reserve,
    overwrite: bool,
    offset: u64,
    commit: Commit,
    attrs: Attributes,
    uuid: Option<[u8; 16]>,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl CreateOptions {
    /// The defaults: a `.npy` file in row-major order, its blocks reserved, under a name that is free.
    pub fn new() -> Self {
        Self {
            backend: Arc::new(Disk),
            lock: LockPolicy::default(),
            format: Format::Npy,
            order: Order::C,
            reserve: Reserve::Full,
            overwrite: false,
            offset: 0,
            commit: Commit::default(),
            attrs: Attributes::default(),
            uuid: None,
        }
    }

    /// The format; `.npy` by default. The name of the file plays no part.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// For [`Format::Native`]: the attributes; see [`Attributes`] for what can be one.
    #[must_use]
    pub fn attrs(mut self, attrs: Attributes) -> Self {
        self.attrs = attrs;
        self
    }

    /// For [`Format::Native`]: the identity of the array. By default it follows from dtype, order and the number of axes, so that
    /// the same input gives the same bytes.
    #[must_use]
    pub fn uuid(mut self, uuid: [u8; 16]) -> Self {
        self.uuid = Some(uuid);
        self
    }

    /// When rows that are appended to the new file become durable; before each call returns, by default.
    #[must_use]
    pub fn commit(mut self, commit: Commit) -> Self {
        self.commit = commit;
        self
    }

    /// For [`Format::Raw`]: zero bytes before the first element.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.offset = bytes;
        self
    }

    /// The storage order; row-major by default.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Whether to reserve the blocks of the file at once, so that a full disk is an error here and not a signal at a later write;
    /// by default, yes. [`Reserve::Sparse`] takes blocks as they are written.
    #[must_use]
    pub fn reserve(mut self, reserve: Reserve) -> Self {
        self.reserve = reserve;
        self
    }

    /// Whether an existing file may be replaced. Programs that have the old file open keep the old file. By default, no.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Whether to take an exclusive lock on the new file; advisory by default.
    #[must_use]
    pub fn lock(mut self, policy: LockPolicy) -> Self {
        self.lock = policy;
        self
    }

    /// The file system to use instead of the real one.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = backend;
        self
    }

    /// Creates a file of zeros and maps it. The shape is in elements along each axis.
    ///
    /// # Safety
    ///
    /// The [contract](crate::MmapArray#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists): there is such a file, and [`overwrite`](Self::overwrite) was not asked for;
    /// - [`OutOfSpace`](crate::ErrorKind::OutOfSpace): the disk has no room for the whole array;
    /// - [`TooLarge`](crate::ErrorKind::TooLarge): the array does not fit the address space;
    /// - [`Misaligned`](crate::ErrorKind::Misaligned): a raw file with an offset at which `T` cannot lie;
    /// - [`Unsupported`](crate::ErrorKind::Unsupported): the format cannot name the dtype (`bf16` in `.npy`);
    /// - [`Locked`](crate::ErrorKind::Locked): the file to replace is in use;
    /// - [`NotFound`](crate::ErrorKind::NotFound), [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Io`](crate::ErrorKind::Io): the directory.
    ///
    pub unsafe fn create<T: Element, D: Dimension>(
        &self,
        path: impl AsRef<Path>,
        shape: impl IntoDimension<Dim = D>,
    ) -> Result<MmapArrayMut<T, D>> {
        let header = self.header(T::dtype(), &lens(&shape.into_dimension()))?;
        let window = Window::new(&header, None)?;
        window.check_alignment::<T>().map_err(|error| error.in_file(path.as_ref()))?;
        let mut mapping = None;
        let body = self.body(path.as_ref(), header, |file| {
            // SAFETY: the caller makes the promise.
            mapping = Some(unsafe { file.map(MapMode::ReadWrite, window.offset, window.mapped_len()) }?);
            Ok(())
        })?;
        let mapping = mapping.expect("a file that was created was mapped");
        MmapArrayMut::new(body.header.clone(), Some(body), &window, mapping)
    }

    /// Creates a file of zeros and opens it for positional reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    pub fn create_file<T: Element, D: Dimension>(
        &self,
        path: impl AsRef<Path>,
        shape: impl IntoDimension<Dim = D>,
    ) -> Result<ArrayFile<T, D>> {
        self.create_any_file(path, &T::dtype(), &lens(&shape.into_dimension()))?.typed()
    }

    /// Creates a file of zeros of any dtype, records too, and opens it for positional reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    pub fn create_any_file(&self, path: impl AsRef<Path>, dtype: &DType, shape: &[u64]) -> Result<AnyArrayFile> {
        let header = self.header(dtype.clone(), shape)?;
        Ok(AnyArrayFile::new(self.body(path.as_ref(), header, |_| Ok(()))?))
    }

    /// An array of zeros in memory that no file backs. Of the options only the order counts.
    ///
    /// # Errors
    ///
    /// Those of [`MmapArrayMut::anonymous`].
    pub fn anonymous<T: Element, D: Dimension>(
        &self,
        shape: impl IntoDimension<Dim = D>,
    ) -> Result<MmapArrayMut<T, D>> {
        self.private(&shape.into_dimension(), Mapping::anonymous)
    }

    /// An array of zeros in a temporary file without a name. Its room is always reserved; of the options only the
    /// order counts.
    ///
    /// # Errors
    ///
    /// Those of [`MmapArrayMut::scratch`].
    pub fn scratch<T: Element, D: Dimension>(
        &self,
        directory: Option<&Path>,
        shape: impl IntoDimension<Dim = D>,
    ) -> Result<MmapArrayMut<T, D>> {
        self.private(&shape.into_dimension(), |len| Mapping::scratch(directory, len))
    }

    /// Writes an array in memory to a file, as `np.save` does: byte for byte the same `.npy`. A column-major array is stored so,
    /// every other one in row-major order; the order of the options does not count.
    ///
    /// The file appears under its name when all elements are in it and on the disk.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    ///
    /// ```
    /// use outcore::CreateOptions;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("m.npy");
    ///
    /// let array = ndarray::array![[1, 2], [3, 4]];
    /// CreateOptions::new().overwrite(true).save(&path, &array)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save<T: Element, D: Dimension>(&self, path: impl AsRef<Path>, array: &ArrayRef<T, D>) -> Result<()> {
        let column_major = !array.is_standard_layout() && array.t().is_standard_layout();
        let order = if column_major { Order::F } else { Order::C };
        let options = Self { order, ..self.clone() };
        let header = options.header(T::dtype(), &lens(&array.raw_dim()))?;
        let head = options.head(&header)?;
        self.settle(path.as_ref())?;
        storage::replace_file(&self.backend, path.as_ref(), self.overwrite, self.lock, |file| {
            if self.reserve == Reserve::Full {
                file.allocate(header.data_end())?;
            }
            file.set_len(header.data_end())?;
            file.write_all_at(&head, 0)?;
            let mut offset = header.data_offset();
            for_each_piece(array, order, false, |bytes| {
                file.write_all_at(bytes, offset)?;
                offset += bytes.len() as u64;
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Writes the array of another file, with its dtype, shape and storage order, in the format of these options; through a small
    /// buffer. Attributes go with it, unless these options have others.
    ///
    /// The file appears under its name when all elements are in it and on the disk.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), and those of reading the other file.
    ///
    /// ```
    /// use outcore::{AnyArrayFile, CreateOptions, Format};
    /// # let dir = tempfile::tempdir()?;
    /// # let (path, target) = (dir.path().join("m.npy"), dir.path().join("m.oca"));
    ///
    /// outcore::save(&path, &ndarray::array![[1, 2], [3, 4]])?;
    /// CreateOptions::new().format(Format::Native).convert(&AnyArrayFile::open(&path)?, &target)?;
    /// assert_eq!(outcore::load::<i32, ndarray::Ix2>(&target)?[[1, 0]], 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn convert(&self, source: &AnyArrayFile, path: impl AsRef<Path>) -> Result<()> {
        let body = source.body();
        let array = (body.header.dtype().clone(), body.header.shape());
        self.write_new(path.as_ref(), array, body.order(), body.attrs(), |file, mut at| {
            body.for_each_block(|bytes| {
                file.write_all_at(bytes, at)?;
                at += bytes.len() as u64;
                Ok(())
            })
        })
    }

    /// Writes a new file of that dtype and shape; `write` is told where the elements begin, and writes them.
    pub(crate) fn write_new<R>(
        &self,
        path: &Path,
        (dtype, shape): (DType, &[u64]),
        order: Order,
        attrs: Attributes,
        write: impl FnOnce(&File, u64) -> Result<R>,
    ) -> Result<R> {
        let mut options = Self { order, ..self.clone() };
        if options.attrs.is_empty() && self.format == Format::Native {
            options.attrs = attrs;
        }
        let header = options.header(dtype, shape)?;
        let head = options.head(&header)?;
        self.settle(path)?;
        let mut result = None;
        storage::replace_file(&self.backend, path, self.overwrite, self.lock, |file| {
            if self.reserve == Reserve::Full {
                file.allocate(header.data_end())?;
            }
            file.set_len(header.data_end())?;
            file.write_all_at(&head, 0)?;
            result = Some(write(file, header.data_offset())?);
            Ok(())
        })?;
        Ok(result.expect("a file that is complete was written"))
    }

    fn private<T: Element, D: Dimension>(
        &self,
        shape: &D,
        map: impl FnOnce(usize) -> Result<Mapping>,
    ) -> Result<MmapArrayMut<T, D>> {
        let header = Header::new(Format::Raw, None, T::dtype(), lens(shape), self.order, 0)?;
        let window = Window::new(&header, None)?;
        let mapping = map(window.mapped_len())?;
        MmapArrayMut::new(header, None, &window, mapping)
    }

    /// Leaves no transaction behind that a new file could be taken for the target of.
    fn settle(&self, path: &Path) -> Result<()> {
        journal::settle(&Reading::new(Arc::clone(&self.backend), self.lock), path, self.overwrite)
    }

    /// The header of the file to be, its sizes checked.
    fn header(&self, dtype: DType, shape: &[u64]) -> Result<Header> {
        if self.offset > 0 && self.format != Format::Raw {
            let message = "an offset for a file whose format says where the elements begin";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_hint("leave it out, or create a raw file"));
        }
        if self.format != Format::Native && !(self.attrs.is_empty() && self.uuid.is_none()) {
            let message = "attributes and a uuid for a format that has no place for them";
            return Err(
                Error::new(ErrorKind::InvalidArgument, message).with_hint("leave them out, or create a native file")
            );
        }
        let (version, offset) = match self.format {
            Format::Npy => {
                let head = npy::header(&dtype, shape, self.order)?;
                (Some((head[6], head[7])), head.len() as u64)
            }
            Format::Native => {
                return Head::new(self.preamble(dtype, shape.len())?, shape.to_vec(), self.attrs.clone())?.header();
            }
            Format::Raw => (None, self.offset),
        };
        Header::new(self.format, version, dtype, shape.to_vec(), self.order, offset)
    }

    /// The bytes before the first element, as far as they are not zero.
    fn head(&self, header: &Header) -> Result<Vec<u8>> {
        match self.format {
            Format::Npy => npy::header(header.dtype(), header.shape(), header.order()),
            Format::Native => self.native_head(header)?.to_bytes(),
            Format::Raw => Ok(Vec::new()),
        }
    }

    fn native_head(&self, header: &Header) -> Result<Head> {
        let preamble = self.preamble(header.dtype().clone(), header.shape().len())?;
        Head::new(preamble, header.shape().to_vec(), self.attrs.clone())
    }

    fn preamble(&self, dtype: DType, ndim: usize) -> Result<Preamble> {
        let mut preamble = Preamble::new(dtype, self.order, ndim)?;
        if let Some(uuid) = self.uuid {
            preamble.uuid = uuid;
        }
        Ok(preamble)
    }

    /// Creates the file. `then` comes before it has its name: if it fails, nothing has happened.
    fn body(&self, path: &Path, header: Header, then: impl FnOnce(&File) -> Result<()>) -> Result<Body> {
        let (head, len) = (self.head(&header)?, header.data_end());
        self.settle(path)?;
        let created = storage::create(&self.backend, path, len, self.reserve, self.overwrite, self.lock, |file| {
            file.write_all_at(&head, 0)?;
            then(file)
        })?;
        let mut reading = Reading::new(Arc::clone(&self.backend), self.lock);
        reading.commit = self.commit;
        let (order, layout) = match self.format {
            // `.npy` does not keep the order of an array for which both are the same; this handle does.
            Format::Npy => (self.order, Layout::Npy),
            Format::Native => (self.order, Layout::Native(Box::new(self.native_head(&header)?))),
            Format::Raw => {
                let layout = RawLayout::new().dtype(header.dtype().clone()).shape(header.shape());
                reading.raw = Some(layout.offset(self.offset).order(self.order));
                (self.order, Layout::Raw)
            }
        };
        Ok(Body::created(created.file, &reading, Found { header, order, layout }, created.reserved))
    }
}

/// Writes an array in memory to a new `.npy` file, as `np.save` does; an existing file is an error, which
/// [`CreateOptions::overwrite`] lifts.
///
/// # Errors
///
/// Those of [`CreateOptions::save`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// let array = ndarray::array![[1.0, 2.0], [3.0, 4.0]];
/// outcore::save(&path, &array)?;
/// assert_eq!(outcore::load::<f64, ndarray::Ix2>(&path)?, array);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save<T: Element, D: Dimension>(path: impl AsRef<Path>, array: &ArrayRef<T, D>) -> Result<()> {
    CreateOptions::new().save(path, array)
}

fn lens<D: Dimension>(shape: &D) -> Vec<u64> {
    shape.slice().iter().map(|&len| len as u64).collect()
}
