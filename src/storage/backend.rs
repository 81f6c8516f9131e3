//! What the store asks of a file system, and nothing more.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::{MmapOptions, MmapRaw};

/// What an opened file may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// Who else may have a file open, in any program.
///
/// Windows holds everybody to it: an open that it forbids fails, of this file by others and of others' files by this. Other
/// systems have nothing of the kind, and a backend may ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Everybody.
    #[default]
    All,
    /// Who reads.
    Readers,
}

/// A lock on a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// Held by any number of handles.
    Shared,
    /// Held by one handle, and nobody else.
    Exclusive,
}

/// How a mapping relates to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapMode {
    /// Stores are not possible.
    Read,
    /// Stores reach the file.
    ReadWrite,
    /// Stores stay in this mapping and never reach the file (copy on write).
    Copy,
}

/// The calls that the store makes of a file system.
///
/// Errors are those of the operating system; the callers add the path and say what was tried.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Opens an existing regular file. Never creates, never truncates, never waits.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for what is not a regular file (directory, pipe, device, kernel interface), and
    /// those of the operating system.
    fn open(&self, path: &Path, access: Access, sharing: Sharing) -> io::Result<Box<dyn BackendFile>>;

    /// Creates a file for reading and writing that did not exist; a symbolic link counts as existing and is not followed.
    ///
    /// The permissions are those of every new file (0666 without the umask), or exactly `permissions`, never wider at any
    /// instant.
    fn create_new(
        &self,
        path: &Path,
        permissions: Option<&Permissions>,
        sharing: Sharing,
    ) -> io::Result<Box<dyn BackendFile>>;

    /// Where a write to `path` would land: `path` itself, or the end of its chain of symbolic links. `None` if nothing has
    /// that name.
    fn resolve(&self, path: &Path) -> io::Result<Option<PathBuf>>;

    /// Gives a file another name in one step. Where `to` exists, it is replaced or the call fails with
    /// [`io::ErrorKind::AlreadyExists`].
    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()>;

    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file of a [`Backend`]. Dropping it closes the file and releases its locks, once no mapping of it is left.
pub trait BackendFile: fmt::Debug + Send + Sync {
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The permissions, where the backend has such a thing.
    fn permissions(&self) -> io::Result<Option<Permissions>>;

    /// Reads up to `buf.len()` bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes up to `buf.len()` bytes at `offset`, growing the file where needed.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file, or grows it by zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reserves room on the disk for the first `len` bytes; the length stays. `false`: this file system cannot.
    fn allocate(&self, len: u64) -> io::Result<bool>;

    /// Lets what is never written of the file take no room, where the file system has to be told. A hint.
    fn make_sparse(&self) {}

    /// Waits until the bytes and the length are on stable storage.
    fn sync(&self) -> io::Result<()>;

    /// Begins to write changed pages back, and does not wait. A hint: it may do nothing.
    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()>;

    /// How many bytes of a range can be read without the disk; `None` where nobody knows. A hint.
    fn resident(&self, offset: u64, len: u64) -> Option<u64> {
        let _ = (offset, len);
        None
    }

    /// Lets what is cached of a range go, since it will not be read soon again. A hint.
    fn forget(&self, offset: u64, len: u64) {
        let _ = (offset, len);
    }

    /// A number that tells the file from every other on its file system for as long as it is open, whatever its names; 0
    /// where the backend has no such number.
    fn id(&self) -> io::Result<u64>;

    /// Locks the bytes `range`, not empty and below 2^62, at once, or says `false` if a lock of another handle excludes it.
    /// What this handle held in the range is replaced, by a stronger lock or a weaker one; on `false` and on errors it stays.
    ///
    /// The positions need not lie in the file, and a lock keeps nobody from reading or writing. A backend that cannot lock
    /// ranges may exclude more than was asked for.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] on a file system without locks. [`io::ErrorKind::Deadlock`] if the system can only give
    /// a lock up to replace it, and another handle came between: this one holds nothing any more.
    fn try_lock(&self, range: Range<u64>, lock: Lock) -> io::Result<bool>;

    /// Releases what this handle holds of the bytes `range`.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    fn unlock(&self, range: Range<u64>) -> io::Result<()>;

    /// Maps `len` bytes, not zero, from `offset`.
    ///
    /// This is safe, since a [`Map`] gives raw pointers only. The caller has compared the range with the file's length.
    fn map(&self, mode: MapMode, offset: u64, len: usize) -> io::Result<Map>;
}

/// Memory that a [`BackendFile`] has mapped.
pub struct Map {
    pub(super) memory: MmapRaw,
    pub(super) mode: MapMode,
    /// The memory is a copy: the store writes changed pages back by [`BackendFile::write_at`] at each flush.
    pub(super) copied: bool,
}

impl Map {
    /// Maps a file of the operating system.
    pub fn of_file(file: &std::fs::File, mode: MapMode, offset: u64, len: usize) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.offset(offset).len(len);
        let memory = match mode {
            MapMode::Read => options.map_raw_read_only(file)?,
            MapMode::ReadWrite => options.map_raw(file)?,
            // SAFETY: what memmap2 asks concerns the references that its type hands out. None is made: the owner of the
            // memory becomes a raw one in the same expression.
            // Room is only taken for pages that are written, which may be few of many.
            MapMode::Copy => unsafe { options.no_reserve_swap().map_copy(file)? }.into(),
        };
        Ok(Self { memory, mode, copied: false })
    }

    /// A page-aligned copy of `bytes`, for a backend whose files are not files of the operating system.
    ///
    /// Stores do not show in the file before a flush, and later changes of the file do not show in the copy.
    pub fn copy_of(bytes: &[u8], mode: MapMode) -> io::Result<Self> {
        let mut memory = MmapOptions::new().len(bytes.len()).map_anon()?;
        memory.copy_from_slice(bytes);
        Ok(Self { memory: memory.into(), mode, copied: true })
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("len", &self.memory.len()).field("copied", &self.copied).finish()
    }
}
