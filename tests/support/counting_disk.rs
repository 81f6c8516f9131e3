//! The file system, counting the bytes that are read from each file that was opened through it, and those that are written.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs::Permissions;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use outcore::storage::{Access, Backend, BackendFile, Disk, Lock, Map, MapMode, Sharing};
use portable_atomic::AtomicU64;

/// Bytes that went through positional calls.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    read: AtomicU64,
    written: AtomicU64,
    /// Beginnings and ends of writes inside a page of 4 KiB, which somebody has to read for that.
    cuts: AtomicU64,
}

impl Counts {
    /// Bytes read and written since the last call.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.read.swap(0, Ordering::Relaxed), self.written.swap(0, Ordering::Relaxed))
    }

    /// Pages that were cut by writes since the last call.
    pub(crate) fn take_cuts(&self) -> u64 {
        self.cuts.swap(0, Ordering::Relaxed)
    }
}

/// [`Disk`], counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountingDisk(pub(crate) Arc<Counts>);

#[derive(Debug)]
struct CountedFile {
    file: Box<dyn BackendFile>,
    counts: Arc<Counts>,
}

impl CountingDisk {
    fn counted(&self, file: Box<dyn BackendFile>) -> Box<dyn BackendFile> {
        Box::new(CountedFile { file, counts: Arc::clone(&self.0) })
    }
}

impl Backend for CountingDisk {
    fn open(&self, path: &Path, access: Access, sharing: Sharing) -> io::Result<Box<dyn BackendFile>> {
        Ok(self.counted(Disk.open(path, access, sharing)?))
    }

    fn create_new(
        &self,
        path: &Path,
        permissions: Option<&Permissions>,
        sharing: Sharing,
    ) -> io::Result<Box<dyn BackendFile>> {
        Ok(self.counted(Disk.create_new(path, permissions, sharing)?))
    }

    fn resolve(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Disk.resolve(path)
    }

    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        Disk.rename(from, to, replace)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
}

impl BackendFile for CountedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn permissions(&self) -> io::Result<Option<Permissions>> {
        self.file.permissions()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.file.read_at(buf, offset)?;
        self.counts.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let count = self.file.write_at(buf, offset)?;
        self.counts.written.fetch_add(count as u64, Ordering::Relaxed);
        let cuts = [offset, offset + count as u64].iter().filter(|at| !at.is_multiple_of(4096)).count();
        self.counts.cuts.fetch_add(cuts as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<bool> {
        self.file.allocate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        self.file.start_writeback(offset, len)
    }

    fn resident(&self, offset: u64, len: u64) -> Option<u64> {
        self.file.resident(offset, len)
    }

    fn forget(&self, offset: u64, len: u64) {
        self.file.forget(offset, len);
    }

    fn id(&self) -> io::Result<u64> {
        self.file.id()
    }

    fn try_lock(&self, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        self.file.try_lock(range, lock)
    }

    fn unlock(&self, range: Range<u64>) -> io::Result<()> {
        self.file.unlock(range)
    }

    fn map(&self, mode: MapMode, offset: u64, len: usize) -> io::Result<Map> {
        self.file.map(mode, offset, len)
    }
}
