//! Transactions: on a mapped array, and on a file.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Index, IndexMut};
use std::sync::Arc;

use ndarray::{ArrayRef, ArrayViewMut, Dimension, IxDyn, NdIndex};

use super::any::AnyArrayFile;
use super::body::Body;
use super::file::ArrayFile;
use super::mapped_mut::MmapArrayMut;
use super::stage::Stage;
use super::view::{self, Window};
use crate::element::Element;
use crate::error::Result;
use crate::format::native::{JournalBlock, PAGE_LEN};
use crate::storage::Mapping;

/// Bytes of the file that are read at a time to be compared with those of the transaction.
const READ_BYTES: usize = 1 << 20;

/// Changes of a mapped array that reach the file all at once, or not at all.
///
/// It shows the array in a private copy-on-write mapping, so that any ndarray or rayon code works inside.
/// [`commit`](Self::commit) puts the changes into the file: whatever happens meanwhile, a kill or a power failure, the file holds all
/// of them or none when it is opened again. Dropping the transaction forgets them.
///
/// Changed pages are in memory until the commit, and go to the disk twice: into a journal, then to their places.
///
/// ```
/// use ndarray::Ix2;
/// use outcore::MmapArrayMut;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
///
/// // SAFETY: this program owns the file; nobody else writes or truncates it while it is mapped.
/// let mut m = unsafe { MmapArrayMut::<f64, Ix2>::create(&path, (1000, 8))? };
/// let mut transfer = m.transaction()?;
/// transfer[[0, 0]] -= 5.0;
/// transfer[[999, 7]] += 5.0;
/// transfer.commit()?;
/// assert_eq!((m[[0, 0]], m[[999, 7]]), (-5.0, 5.0));
///
/// let mut forgotten = m.transaction()?;
/// forgotten.view_mut().fill(1.0);
/// drop(forgotten);
/// assert_eq!(m.sum(), 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Transaction<'a, T: Element, D: Dimension = IxDyn> {
    /// Borrowed from `mapping`, and never handed out for longer than a borrow of this value.
    view: ArrayViewMut<'static, T, D>,
    /// Copy on write, of the file from its beginning.
    mapping: Mapping,
    target: &'a mut MmapArrayMut<T, D>,
}

impl<'a, T: Element, D: Dimension> Transaction<'a, T, D> {
    pub(crate) fn new(target: &'a mut MmapArrayMut<T, D>, window: &Window, mut mapping: Mapping) -> Result<Self> {
        let view = view::cast_mut_valid(window, &mut mapping)?;
        Ok(Self { view, mapping, target })
    }

    /// All elements, to be changed by any of ndarray's means, in parallel too.
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T, D> {
        self.view.view_mut()
    }

    /// Puts all changes into the file. When it returns `Ok` they are on the disk, with every earlier write of the handle.
    ///
    /// # Errors
    ///
    /// [`OutOfSpace`](crate::ErrorKind::OutOfSpace) and other errors before the journal is complete: nothing has happened, and the
    /// handle shows the elements as before. [`Io`](crate::ErrorKind::Io) after that: the handle is poisoned, and the next one that is
    /// opened for writing finishes the transaction; one opened for reading shows it finished.
    pub fn commit(self) -> Result<()> {
        let Self { view, mapping, target } = self;
        drop(view);
        // What is compared with is on the disk: only so can a sector be told to be old.
        target.flush()?;
        let Some(body) = target.body() else { return Ok(()) };
        let blocks = changed(body, &mapping)?;
        body.change(blocks, |block| {
            let begin = usize::try_from(block.offset).expect("a position inside the mapping");
            mapping.bytes(begin..begin + block.len as usize)
        })?;
        target.reload()
    }

    /// Forgets all changes, as dropping the transaction does.
    pub fn abort(self) {}
}

/// The parts of pages in which the private mapping differs from the file.
fn changed(body: &Body, mapping: &Mapping) -> Result<Vec<JournalBlock>> {
    let index = |offset: u64| usize::try_from(offset).expect("a position inside the mapping");
    let (begin, end) = (index(body.header.data_offset()), index(body.header.data_end()));
    let mut blocks = Vec::new();
    let mut old = vec![0; READ_BYTES];
    for touched in mapping.touched()? {
        let (mut at, stop) = (touched.start.max(begin), touched.end.min(end));
        while at < stop {
            // Up to the end of a page, so that no block spans two.
            let next = ((at / READ_BYTES + 1) * READ_BYTES).min(stop);
            let old = &mut old[..next - at];
            body.file.read_exact_at(old, at as u64)?;
            let mut first = at;
            while first < next {
                let last = ((first / PAGE_LEN + 1) * PAGE_LEN).min(next);
                let (before, after) = (&old[first - at..last - at], mapping.bytes(first..last));
                if before != after {
                    blocks.push(JournalBlock::new(first as u64, before, after));
                }
                first = last;
            }
            at = next;
        }
    }
    Ok(blocks)
}

impl<T: Element, D: Dimension> Deref for Transaction<'_, T, D> {
    type Target = ArrayRef<T, D>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl<T: Element, D: Dimension, I: NdIndex<D>> Index<I> for Transaction<'_, T, D> {
    type Output = T;

    /// # Panics
    ///
    /// Where the index is out of bounds.
    fn index(&self, index: I) -> &T {
        &self.view[index]
    }
}

impl<T: Element, D: Dimension, I: NdIndex<D>> IndexMut<I> for Transaction<'_, T, D> {
    /// # Panics
    ///
    /// Where the index is out of bounds.
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.view[index]
    }
}

impl<T: Element, D: Dimension> fmt::Debug for Transaction<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view, f)
    }
}

/// Changes of an array file that reach it all at once, or not at all.
///
/// It dereferences to the handle that it was made of, whose reads show the changes and whose writes stay in memory;
/// [`commit`](Self::commit) puts them into the file. Whatever happens meanwhile, a kill or a power failure, the file holds all of them or
/// none when it is opened again. Dropping the transaction forgets them. The array keeps its length inside.
///
/// ```
/// use ndarray::{Ix1, array};
/// use outcore::{ArrayFile, Job};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::save(&path, &array![10.0, 20.0, 30.0])?;
///
/// let mut file = ArrayFile::<f64, Ix1>::open_mut(&path)?;
/// let mut tx = file.transaction()?;
/// tx.set(0, 5.0)?;
/// tx.set(2, 35.0)?;
/// assert_eq!(Job::new().sum(&*tx)?, 60.0);
/// tx.commit()?;
/// assert_eq!(file.read()?, array![5.0, 20.0, 35.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileTransaction<'a, F> {
    inside: F,
    outside: Body,
    stage: Arc<Stage>,
    target: PhantomData<&'a mut F>,
}

impl<F> FileTransaction<'_, F> {
    fn new(outside: &Body, inside: impl FnOnce(Body) -> F) -> Result<Self> {
        let (body, stage) = outside.staged()?;
        Ok(Self { inside: inside(body), outside: outside.clone(), stage, target: PhantomData })
    }

    /// Puts all changes into the file. When it returns `Ok` they are on the disk, with every earlier write of the handle.
    ///
    /// # Errors
    ///
    /// Those of [`Transaction::commit`].
    pub fn commit(self) -> Result<()> {
        self.stage.commit(&self.outside)
    }

    /// Forgets all changes, as dropping the transaction does.
    pub fn abort(self) {}
}

impl<F> Drop for FileTransaction<'_, F> {
    fn drop(&mut self) {
        // Handles that were made of the one inside know that it is over.
        self.stage.end();
    }
}

impl<F> Deref for FileTransaction<'_, F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.inside
    }
}

impl<F> DerefMut for FileTransaction<'_, F> {
    fn deref_mut(&mut self) -> &mut F {
        &mut self.inside
    }
}

impl<F: fmt::Debug> fmt::Debug for FileTransaction<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileTransaction").field(&self.inside).finish()
    }
}

impl<T: Element, D: Dimension> ArrayFile<T, D> {
    /// Begins changes that reach the file all at once, or not at all.
    ///
    /// # Errors
    ///
    /// [`ReadOnly`](crate::ErrorKind::ReadOnly) for a file that is open for reading or appending,
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) inside another transaction.
    pub fn transaction(&mut self) -> Result<FileTransaction<'_, Self>> {
        FileTransaction::new(self.body(), |body| self.with_body(body))
    }
}

impl AnyArrayFile {
    /// Begins changes that reach the file all at once, or not at all.
    ///
    /// # Errors
    ///
    /// Those of [`ArrayFile::transaction`].
    pub fn transaction(&mut self) -> Result<FileTransaction<'_, Self>> {
        FileTransaction::new(self.body(), Self::new)
    }
}
