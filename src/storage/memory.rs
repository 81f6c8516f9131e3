//! A file system in memory that remembers every change, fails on demand, and shows what a power failure would leave.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::backend::{Access, Backend, BackendFile, Lock, Map, MapMode, Sharing};
use super::create::parent;
use super::ranges::Ranges;

/// A file system in memory, for tests. Clones share it.
///
/// It has no directories of its own: a name is the whole path, and every directory exists. It has no symbolic links and no
/// permissions. It keeps a log of all changes for as long as it lives.
///
/// A mapping is a copy of the file: stores show in the file when the mapping is flushed, one write for each changed page of
/// 4096 bytes, from its first changed byte to its last, and changes of the file do not show in the mapping. Nobody may store to a mapping while it is flushed.
///
/// ```
/// use std::path::Path;
/// use outcore::storage::{Backend, Fate, MemoryDisk, Sharing};
///
/// let disk = MemoryDisk::new();
/// let file = disk.create_new(Path::new("a"), None, Sharing::All)?;
/// file.write_at(b"kept", 0)?;
/// file.sync()?;
/// disk.sync_dir(Path::new("."))?;
/// file.write_at(b"lost", 4)?;
/// let after = disk.crash_image(disk.operations().len(), |_, _| Fate::Lost);
/// assert_eq!(after.read(Path::new("a")).unwrap(), b"kept");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: Image,
    /// What was there, durably, before the first operation of the log.
    base: Image,
    log: Vec<Operation>,
    /// The calls to come until one fails, counting it, and its failure.
    failure: Option<(u64, io::ErrorKind)>,
    handles: u64,
    /// By file: what each handle has locked.
    locks: BTreeMap<usize, BTreeMap<u64, Ranges>>,
}

/// Names and contents at one instant. A file is its number, and stays when its name goes.
#[derive(Clone, Debug, Default)]
struct Image {
    names: BTreeMap<PathBuf, usize>,
    files: BTreeMap<usize, Vec<u8>>,
}

/// A change of a [`MemoryDisk`]. Files go by number, in the order of their creation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A new, empty file.
    Create {
        /// Its name.
        path: PathBuf,
        /// Its number.
        file: usize,
    },
    /// Bytes written, by a call or from a mapping.
    Write {
        /// The file.
        file: usize,
        /// The position of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A new length.
    SetLen {
        /// The file.
        file: usize,
        /// The length in bytes.
        len: u64,
    },
    /// All earlier changes of the content of a file became durable.
    Sync {
        /// The file.
        file: usize,
    },
    /// A file got another name, and whatever had that name lost it.
    Rename {
        /// The file.
        file: usize,
        /// The old name.
        from: PathBuf,
        /// The new name.
        to: PathBuf,
    },
    /// A name was removed.
    Remove {
        /// The name.
        path: PathBuf,
    },
    /// All earlier changes of names in a directory became durable.
    SyncDir {
        /// The directory.
        dir: PathBuf,
    },
}

/// What a power failure does to an operation that no sync has made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It never happened.
    Lost,
    /// It reached the disk.
    Kept,
    /// Of a write, only so many bytes reached the disk; the file is as long as if all had. Other operations are lost.
    Torn(usize),
}

impl MemoryDisk {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change since the beginning, in order.
    pub fn operations(&self) -> Vec<Operation> {
        self.state().log.clone()
    }

    /// The names of all files, in order.
    pub fn names(&self) -> Vec<PathBuf> {
        self.state().now.names.keys().cloned().collect()
    }

    /// The content of the file of that name.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.now.names.get(path)?;
        state.now.files.get(file).cloned()
    }

    /// Makes the `n`-th call from now fail with `kind` and change nothing; the next call is number 1. Other calls are not
    /// touched. `fail_at(0, ...)` cancels.
    pub fn fail_at(&self, n: u64, kind: io::ErrorKind) {
        self.state().failure = (n > 0).then_some((n, kind));
    }

    /// Whether a failure asked for by [`fail_at`](Self::fail_at) is still to come.
    pub fn failure_pending(&self) -> bool {
        self.state().failure.is_some()
    }

    /// The disk after a power failure that came when the first `prefix` operations had been made.
    ///
    /// Those that a later sync inside the prefix covers have happened: a sync of the file for content, of the directory
    /// for names. For each other one `fate` is asked, with its index in [`operations`](Self::operations). The image starts
    /// a new log.
    ///
    /// # Panics
    ///
    /// If there are fewer than `prefix` operations.
    pub fn crash_image(&self, prefix: usize, mut fate: impl FnMut(usize, &Operation) -> Fate) -> Self {
        let state = self.state();
        let log = &state.log[..prefix];
        let mut image = state.base.clone();
        for (index, operation) in log.iter().enumerate() {
            let durable = log[index..].iter().any(|later| operation.is_covered_by(later));
            image.apply(operation, if durable { Fate::Kept } else { fate(index, operation) });
        }
        // A file without a name is gone.
        let named: BTreeSet<_> = image.names.values().copied().collect();
        image.files.retain(|file, _| named.contains(file));
        Self(Arc::new(Mutex::new(State { now: image.clone(), base: image, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call, which may be the one to fail.
    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match &mut state.failure {
            Some((1, kind)) => {
                let error = io::Error::new(*kind, "injected failure");
                state.failure = None;
                Err(error)
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(state)
            }
            None => Ok(state),
        }
    }

    fn open_handle(&self, state: &mut State, file: usize, access: Access) -> Box<dyn BackendFile> {
        state.handles += 1;
        Box::new(MemoryFile { disk: self.clone(), file, access, handle: state.handles })
    }
}

impl Operation {
    fn is_covered_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Write { file, .. } | Self::SetLen { file, .. }, Self::Sync { file: synced }) => file == synced,
            (Self::Create { path, .. } | Self::Remove { path }, Self::SyncDir { dir }) => parent(path) == dir,
            (Self::Rename { from, to, .. }, Self::SyncDir { dir }) => parent(from) == dir && parent(to) == dir,
            (Self::Sync { .. } | Self::SyncDir { .. }, _) => true,
            _ => false,
        }
    }
}

impl State {
    fn change(&mut self, operation: Operation) {
        self.now.apply(&operation, Fate::Kept);
        self.log.push(operation);
    }
}

impl Image {
    fn apply(&mut self, operation: &Operation, fate: Fate) {
        match (operation, fate) {
            (Operation::Write { file, offset, bytes }, Fate::Kept) => self.write(*file, *offset, bytes, bytes.len()),
            (Operation::Write { file, offset, bytes }, Fate::Torn(count)) => self.write(*file, *offset, bytes, count),
            (Operation::Create { path, file }, fate) => {
                self.files.entry(*file).or_default();
                if fate == Fate::Kept {
                    self.names.insert(path.clone(), *file);
                }
            }
            (_, Fate::Lost | Fate::Torn(_)) | (Operation::Sync { .. } | Operation::SyncDir { .. }, _) => {}
            (Operation::SetLen { file, len }, Fate::Kept) => set_len(self.content(*file), index(*len)),
            (Operation::Rename { file, from, to }, Fate::Kept) => {
                if self.names.get(from) == Some(file) {
                    self.names.remove(from);
                }
                self.names.insert(to.clone(), *file);
            }
            (Operation::Remove { path }, Fate::Kept) => {
                self.names.remove(path);
            }
        }
    }

    fn content(&mut self, file: usize) -> &mut Vec<u8> {
        self.files.entry(file).or_default()
    }

    fn write(&mut self, file: usize, offset: u64, bytes: &[u8], count: usize) {
        let (content, begin) = (self.content(file), index(offset));
        set_len(content, content.len().max(begin + bytes.len()));
        let count = count.min(bytes.len());
        content[begin..begin + count].copy_from_slice(&bytes[..count]);
    }
}

/// Cut, or longer by zeros: by a copy of them, since `resize` sets bytes one by one in tests, which nothing optimises.
fn set_len(content: &mut Vec<u8>, len: usize) {
    match len.checked_sub(content.len()) {
        Some(more) => content.extend_from_slice(&vec![0; more]),
        None => content.truncate(len),
    }
}

/// Positions were checked when the operation was made.
fn index(position: u64) -> usize {
    usize::try_from(position).expect("a position inside a file in memory")
}

/// A file in memory ends where a `Vec` does.
fn checked_end(offset: u64, len: usize) -> io::Result<usize> {
    let end = usize::try_from(offset).ok().and_then(|begin| begin.checked_add(len));
    end.filter(|&end| isize::try_from(end).is_ok()).ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

impl Backend for MemoryDisk {
    fn open(&self, path: &Path, access: Access, _: Sharing) -> io::Result<Box<dyn BackendFile>> {
        let mut state = self.call()?;
        let file = *state.now.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.open_handle(&mut state, file, access))
    }

    fn create_new(&self, path: &Path, _: Option<&Permissions>, _: Sharing) -> io::Result<Box<dyn BackendFile>> {
        let mut state = self.call()?;
        if state.now.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.now.files.last_key_value().map_or(0, |(last, _)| last + 1);
        state.change(Operation::Create { path: path.to_path_buf(), file });
        Ok(self.open_handle(&mut state, file, Access::ReadWrite))
    }

    fn resolve(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Ok(self.call()?.now.names.contains_key(path).then(|| path.to_path_buf()))
    }

    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        let mut state = self.call()?;
        let file = *state.now.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        if !replace && state.now.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(Operation::Rename { file, from: from.to_path_buf(), to: to.to_path_buf() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        if !state.now.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Operation::Remove { path: path.to_path_buf() });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?.change(Operation::SyncDir { dir: dir.to_path_buf() });
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
    access: Access,
    handle: u64,
}

impl MemoryFile {
    fn call_to_change(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.call()?;
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(state)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        if let Some(holders) = self.disk.state().locks.get_mut(&self.file) {
            holders.remove(&self.handle);
        }
    }
}

impl BackendFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.call()?.now.files[&self.file].len() as u64)
    }

    fn permissions(&self) -> io::Result<Option<Permissions>> {
        self.disk.call().map(|_| None)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.call()?;
        let content = &state.now.files[&self.file];
        let rest = usize::try_from(offset).ok().and_then(|begin| content.get(begin..)).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.call_to_change()?;
        checked_end(offset, buf.len())?;
        state.change(Operation::Write { file: self.file, offset, bytes: buf.to_vec() });
        Ok(buf.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.call_to_change()?;
        checked_end(len, 0)?;
        state.change(Operation::SetLen { file: self.file, len });
        Ok(())
    }

    fn allocate(&self, _: u64) -> io::Result<bool> {
        self.call_to_change().map(|_| true)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.call()?.change(Operation::Sync { file: self.file });
        Ok(())
    }

    fn start_writeback(&self, _: u64, _: u64) -> io::Result<()> {
        self.disk.call().map(drop)
    }

    fn id(&self) -> io::Result<u64> {
        drop(self.disk.call()?);
        Ok(self.file as u64 + 1)
    }

    fn try_lock(&self, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        let mut state = self.disk.call()?;
        let holders = state.locks.entry(self.file).or_default();
        if holders.iter().any(|(&handle, held)| handle != self.handle && held.exclude(&range, lock)) {
            return Ok(false);
        }
        holders.entry(self.handle).or_default().set(&range, Some(lock));
        Ok(true)
    }

    fn unlock(&self, range: Range<u64>) -> io::Result<()> {
        let mut state = self.disk.call()?;
        if let Some(held) = state.locks.get_mut(&self.file).and_then(|holders| holders.get_mut(&self.handle)) {
            held.set(&range, None);
        }
        Ok(())
    }

    fn map(&self, mode: MapMode, offset: u64, len: usize) -> io::Result<Map> {
        let state = self.disk.call()?;
        let end = checked_end(offset, len)?;
        let bytes = state.now.files[&self.file].get(end - len..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        Map::copy_of(bytes, mode)
    }
}

#[cfg(test)]
mod tests;
