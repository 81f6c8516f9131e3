//! An open file that knows its path, and that never trusts itself again after a failed flush.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::backend::{Access, Backend, BackendFile, Lock, MapMode};
use super::mapping::Mapping;
use crate::{Error, ErrorKind, Result};

/// Whether opening a file locks it.
///
/// The locks are advisory on Unix: they keep apart the handles of this crate and others that ask for `flock`, and prove
/// nothing about a program that does not ask. File systems without locks are used without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockPolicy {
    /// A reader takes a shared lock and a writer an exclusive one; if another handle is in the way, the call fails at once
    /// with [`ErrorKind::Locked`].
    #[default]
    Advisory,
    /// No lock is taken or looked at.
    None,
}

/// An open file. Clones share it, with its lock and its poison.
#[derive(Clone, Debug)]
pub(crate) struct File(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Box<dyn BackendFile>,
    path: PathBuf,
    access: Access,
    poisoned: AtomicBool,
    held: Mutex<Option<Lock>>,
}

impl File {
    /// Opens an existing regular file; never creates, truncates or waits.
    pub(crate) fn open(backend: &Arc<dyn Backend>, path: &Path, access: Access) -> Result<Self> {
        match backend.open(path, access) {
            Ok(file) => Ok(Self::new(file, path, access)),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(Error::new(ErrorKind::NotAFile, format!("cannot open: {error}")).in_file(path))
            }
            Err(error) => Err(Error::io("cannot open", error).in_file(path)),
        }
    }

    pub(super) fn new(file: Box<dyn BackendFile>, path: &Path, access: Access) -> Self {
        let (poisoned, held) = (AtomicBool::new(false), Mutex::new(None));
        Self(Arc::new(Inner { file, path: path.to_path_buf(), access, poisoned, held }))
    }

    pub(super) fn backend_file(&self) -> &dyn BackendFile {
        &*self.0.file
    }

    /// The path, as the caller gave it.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.0.access == Access::ReadWrite
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> Result<u64> {
        self.name(self.0.file.len(), || "cannot ask for the length".into())
    }

    /// Fills `buf` from `offset`; a file that ends before is [`ErrorKind::Truncated`].
    pub(crate) fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let wanted = buf.len();
        let mut done = 0;
        while done < wanted {
            let at = self.position(offset, done)?;
            match self.0.file.read_at(&mut buf[done..], at) {
                Ok(0) => {
                    let message = format!("the file ends too early: expected {wanted} bytes, found {done}");
                    return Err(Error::new(ErrorKind::Truncated, message).at(offset).in_file(self.path()));
                }
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("cannot read", error).at(at).in_file(self.path())),
            }
        }
        Ok(())
    }

    /// Writes all of `buf` at `offset`, growing the file where needed.
    pub(crate) fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.check_writable()?;
        let mut done = 0;
        while done < buf.len() {
            let at = self.position(offset, done)?;
            let error = match self.0.file.write_at(&buf[done..], at) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(count) => {
                    done += count;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            return Err(Error::io("cannot write", error).at(at).in_file(self.path()));
        }
        Ok(())
    }

    /// Cuts the file, or grows it by zeros.
    pub(crate) fn set_len(&self, len: u64) -> Result<()> {
        self.check_writable()?;
        self.check_size(len)?;
        self.name(self.0.file.set_len(len), || format!("cannot set the length to {len} bytes"))
    }

    /// Reserves room for the first `len` bytes; `false` if the file system cannot.
    pub(crate) fn allocate(&self, len: u64) -> Result<bool> {
        self.check_writable()?;
        self.check_size(len)?;
        self.name(self.0.file.allocate(len), || format!("cannot reserve {len} bytes"))
    }

    /// Waits until all that was written and the length are on stable storage. A failure poisons the file for ever, since
    /// a second attempt may succeed although the data is lost.
    pub(crate) fn flush(&self) -> Result<()> {
        self.check_poison()?;
        self.poison_on_error(self.0.file.sync())
    }

    /// Begins to write back a range and does not wait; a failure shows at the next flush.
    pub(crate) fn start_writeback(&self, offset: u64, len: u64) -> Result<()> {
        self.check_poison()?;
        self.name(self.0.file.start_writeback(offset, len), || "cannot start to write back".into())
    }

    /// Marks the content as unknown: every later write and flush fails.
    pub(crate) fn poison(&self) {
        self.0.poisoned.store(true, Ordering::Release);
    }

    /// [`ErrorKind::Poisoned`] after a failed flush.
    pub(crate) fn check_poison(&self) -> Result<()> {
        if !self.0.poisoned.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Poisoned, "an earlier write-back failed, so what the file holds is unknown")
            .with_hint("open the file again and check its content")
            .in_file(self.path()))
    }

    /// Takes the lock that `policy` asks for, a writer's or a reader's, and holds it as long as the file or a mapping of it
    /// is open.
    pub(crate) fn lock(&self, policy: LockPolicy, writer: bool) -> Result<()> {
        if policy == LockPolicy::None {
            return Ok(());
        }
        let lock = if writer { Lock::Exclusive } else { Lock::Shared };
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        // A second call on the same handle would contradict the first on Windows.
        if *held == Some(Lock::Exclusive) || *held == Some(lock) {
            return Ok(());
        }
        match self.0.file.try_lock(lock) {
            Ok(true) => {
                *held = Some(lock);
                Ok(())
            }
            Ok(false) => {
                // A lock that could not be widened is lost on Linux.
                *held = None;
                let message = if writer {
                    "cannot take the exclusive lock of a writer: another handle has the file open"
                } else {
                    "cannot take the shared lock of a reader: another handle has the file open for writing"
                };
                Err(Error::new(ErrorKind::Locked, message)
                    .with_hint("close it, in this process or another, or open without a lock")
                    .in_file(self.path()))
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            Err(error) => Err(Error::io("cannot lock", error).in_file(self.path())),
        }
    }

    /// Maps `len` bytes from `offset`, a multiple of the system's allocation granularity (0 always is), after comparing
    /// the range with the file's length.
    ///
    /// # Safety
    ///
    /// While the mapping lives nobody, in this process or another, shortens the file to an end inside the mapped range.
    /// While a slice of the mapping lives nobody else writes the bytes that it shows, through this file, another handle,
    /// another mapping or a raw pointer; nor does anybody during a [`Mapping::flush`], if the backend maps by copying.
    pub(crate) unsafe fn map(&self, mode: MapMode, offset: u64, len: usize) -> Result<Mapping> {
        if mode == MapMode::ReadWrite {
            self.check_writable()?;
        }
        let end = u64::try_from(len).ok().and_then(|len| offset.checked_add(len));
        let (Some(end), true) = (end, isize::try_from(len).is_ok()) else {
            let message = format!("{len} bytes do not fit the address space");
            return Err(Error::new(ErrorKind::TooLarge, message).at(offset).in_file(self.path()));
        };
        let found = self.len()?;
        if found < end {
            let message = format!("the file is too short to map: expected {end} bytes, found {found}");
            return Err(Error::new(ErrorKind::Truncated, message).in_file(self.path()));
        }
        Mapping::of_file(self, mode, offset, len)
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        if !self.is_writable() {
            return Err(Error::new(ErrorKind::ReadOnly, "the file is open for reading only").in_file(self.path()));
        }
        self.check_poison()
    }

    pub(super) fn poison_on_error(&self, result: io::Result<()>) -> Result<()> {
        result.map_err(|error| {
            self.poison();
            Error::io("cannot write back; some of what was stored may be lost", error)
                .with_hint("this handle will not write again: open the file anew and check its content")
                .in_file(self.path())
        })
    }

    pub(super) fn name<T>(&self, result: io::Result<T>, doing: impl FnOnce() -> String) -> Result<T> {
        result.map_err(|error| Error::io(doing(), error).in_file(self.path()))
    }

    fn position(&self, offset: u64, done: usize) -> Result<u64> {
        let at = u64::try_from(done).map_or(u64::MAX, |done| offset.saturating_add(done));
        self.check_size(at)?;
        Ok(at)
    }

    /// The systems count bytes of a file in a signed type.
    fn check_size(&self, size: u64) -> Result<()> {
        if i64::try_from(size).is_ok() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::TooLarge, format!("no file can have {size} bytes")).in_file(self.path()))
    }
}
