//! An array mapped for reading.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayRef, ArrayView, Dimension, IxDyn};

use super::body::Body;
use super::open::{OpenOptions, map_shown};
use super::view::{self, Window};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::native::Attributes;
use crate::format::raw::RawLayout;
use crate::storage::{Advice, MapMode, Mapping};

/// An array in a file, mapped into memory for reading.
///
/// It dereferences to [`ndarray::ArrayRef`], so that indexing, slicing, arithmetic, iteration and every function that takes
/// `&ArrayRef<T, D>` work on the file itself; pages are read when they are touched. A clone shares the mapping; so
/// does `m.to_owned()`, and `m.view().to_owned()` copies the elements into memory.
///
/// ```
/// use ndarray::{Axis, Ix2, s};
/// use outcore::MmapArray;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::ArrayFile::<f64, _>::create(&path, (3, 4))?.close()?;
///
/// // SAFETY: nobody writes or truncates the file while it is mapped.
/// let m = unsafe { MmapArray::<f64, Ix2>::open(&path)? };
/// assert_eq!(m.shape(), [3, 4]);
/// assert_eq!(m.slice(s![..2, 1..]).sum(), 0.0);
/// assert_eq!(m.sum_axis(Axis(0)).len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Safety
///
/// Mapping a file is a promise, for as long as any handle, clone or view of it lives:
///
/// 1. nobody else, in this process or another, writes the bytes of the elements: Rust takes them to be constant behind `&T`, and to
///    be its own behind `&mut T`;
/// 2. nobody truncates the file: an access beyond the new end is a SIGBUS signal, or an exception on Windows;
/// 3. no second handle that can write overlaps this one.
///
/// Where the files come from a [backend](OpenOptions::backend) of your own, its `map` has to keep to the same terms.
///
/// The advisory lock, which is on by default, keeps handles of this crate to it; it cannot hold back programs that do not ask.
/// Where the promise cannot be made, [`ArrayFile`](crate::ArrayFile) needs none.
pub struct MmapArray<T: Element, D: Dimension = IxDyn> {
    /// Borrowed from `mapped`, and never handed out for longer than a borrow of this handle.
    view: ArrayView<'static, T, D>,
    mapped: Arc<Mapped>,
}

#[derive(Debug)]
struct Mapped {
    body: Body,
    mapping: Mapping,
    /// Not all rows of the array.
    partial: bool,
}

impl<T: Element, D: Dimension> MmapArray<T, D> {
    /// Maps an array file for reading. [`OpenOptions`] has more to say.
    ///
    /// # Safety
    ///
    /// The [contract](#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().open(path) }
    }

    /// Maps elements without a header, as `np.memmap(path, dtype, mode="r", offset=..., shape=..., order=...)` does. The layout
    /// may leave out the dtype.
    ///
    /// # Safety
    ///
    /// The [contract](#safety) of every mapping.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub unsafe fn open_raw(path: impl AsRef<Path>, layout: RawLayout) -> Result<Self> {
        // SAFETY: the caller makes the promise.
        unsafe { OpenOptions::new().raw(layout).open(path) }
    }

    pub(crate) fn new(body: Body, window: &Window, mapping: Mapping) -> Result<Self> {
        let view = view::cast(window, &mapping).map_err(|error| error.in_file(body.file.path()))?;
        Ok(Self { view, mapped: Arc::new(Mapped { body, mapping, partial: window.is_partial() }) })
    }

    /// What the file says of its array. The shape is that of the whole array, also where this handle is a window of rows.
    pub fn header(&self) -> &Header {
        &self.mapped.body.header
    }

    /// The file, where all of its elements are mapped here.
    pub(crate) fn positional(&self) -> Option<&Body> {
        let Mapped { body, mapping, partial } = &*self.mapped;
        let whole = body.header.count() == self.view.len() as u64 && !partial;
        Some(body).filter(|body| whole && mapping.is_coherent() && mapping.is_of(&body.file))
    }

    /// The file, as the caller named it.
    pub fn path(&self) -> &Path {
        self.mapped.body.file.path()
    }

    /// Tells the system how the mapping will be used from now on, by this handle and its clones.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) where the system refuses the advice.
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.mapped.mapping.advise(0, self.mapped.mapping.len(), advice)
    }

    /// The attributes of a native file; none for other formats.
    pub fn attrs(&self) -> Attributes {
        self.mapped.body.attrs()
    }

    /// Looks at the file again, and maps the length that another handle or process has announced since. Whether it changed.
    ///
    /// Clones keep the old length. Every row up to the length that this handle then shows is there.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](ErrorKind::Corrupt) where the file has become another array, [`InvalidArgument`](ErrorKind::InvalidArgument) for a
    /// window of rows, and those of opening.
    ///
    /// ```
    /// use ndarray::{Ix1, array};
    /// use outcore::{ArrayFile, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log.npy");
    /// # ArrayFile::<f64, Ix1>::create(&path, 0)?.close()?;
    ///
    /// // SAFETY: nobody truncates the file or writes the rows that are there; it only grows.
    /// let mut seen = unsafe { MmapArray::<f64, Ix1>::open(&path)? };
    /// let mut log = ArrayFile::<f64, Ix1>::open_append(&path)?;
    /// log.append_rows(&array![1.0, 2.0])?;
    /// assert_eq!(seen.len(), 0);
    /// assert!(seen.refresh()?);
    /// assert_eq!(seen.sum(), 3.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh(&mut self) -> Result<bool> {
        if self.mapped.partial {
            return Err(Error::new(ErrorKind::InvalidArgument, "a window of rows does not follow a growing file")
                .with_hint("open another window")
                .in_file(self.path()));
        }
        let mut body = self.mapped.body.clone();
        if !body.refresh()? {
            return Ok(false);
        }
        let window = Window::new(&body.header, None).map_err(|error| error.in_file(self.path()))?;
        // SAFETY: the promise that the caller made to the constructor of this handle holds for the file, as long as any handle of it.
        let mapping = unsafe { map_shown(&body, &window, MapMode::Read) }?;
        *self = Self::new(body, &window, mapping)?;
        Ok(true)
    }

    /// The same array with a number of axes known at run time only.
    pub fn into_dyn(self) -> MmapArray<T, IxDyn> {
        MmapArray { view: self.view.into_dyn(), mapped: self.mapped }
    }

    /// The same array with the number of axes in its type.
    ///
    /// # Errors
    ///
    /// [`Shape`](ErrorKind::Shape) where it has another number of axes.
    pub fn into_dimensionality<D2: Dimension>(self) -> Result<MmapArray<T, D2>> {
        let found = self.view.ndim();
        match self.view.into_dimensionality() {
            Ok(view) => Ok(MmapArray { view, mapped: self.mapped }),
            Err(_) => Err(axes_error(found, D2::NDIM).in_file(self.mapped.body.file.path())),
        }
    }
}

/// The array has not the axes that a dimension type asks for.
pub(crate) fn axes_error(found: usize, asked: Option<usize>) -> Error {
    Error::new(ErrorKind::Shape, format!("the array has {found} axes, not {}", asked.unwrap_or_default()))
        .with_hint(format!("ask for Ix{found} or IxDyn"))
}

impl<T: Element, D: Dimension> Deref for MmapArray<T, D> {
    type Target = ArrayRef<T, D>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl<T: Element, D: Dimension> Clone for MmapArray<T, D> {
    fn clone(&self) -> Self {
        Self { view: self.view.clone(), mapped: Arc::clone(&self.mapped) }
    }
}

impl<T: Element, D: Dimension> fmt::Debug for MmapArray<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view, f)
    }
}
