//! An open file that knows its path, and that never trusts itself again after a failed flush.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backend::{Access, Backend, BackendFile, Lock, MapMode, Sharing};
use super::create::unnamed_sibling;
use super::disk::DiskFile;
use super::mapping::Mapping;
use super::platform;
use super::ranges::Ranges;
use crate::{Error, ErrorKind, Result};

/// Whether opening a file locks it.
///
/// The locks are advisory: they keep apart the handles of this crate, and on Linux and macOS programs that ask for record locks
/// by `fcntl`, and prove nothing about a program that does not ask. They are locks of byte ranges on Linux, Windows and macOS;
/// elsewhere of the whole file, so that an appender excludes readers. File systems without locks are used without.
///
/// Windows has besides them sharing modes, which no program can ignore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockPolicy {
    /// A reader takes a shared lock and a writer an exclusive one, of the bytes or of the whole file, as far as it needs; if
    /// another handle is in the way, the call fails within some milliseconds with [`ErrorKind::Locked`]. On Windows a handle
    /// that needs the whole file for writing keeps every program from opening it for writing, for as long as it lives.
    #[default]
    Advisory,
    /// As `Advisory`, and on Windows every handle keeps every program from opening the file for writing, and is not to be had
    /// while one has it open so: what a mapping asks of others ([safety](crate::MmapArray#safety)) is then so. It excludes
    /// appenders and writers of rows beside it, of this crate too. Other systems have no such thing, and say
    /// [`ErrorKind::Unsupported`].
    Mandatory,
    /// No lock is taken or looked at.
    None,
}

impl LockPolicy {
    /// Sees that the system can keep to it.
    pub(super) fn check(self) -> Result<()> {
        if self == Self::Mandatory && cfg!(not(windows)) {
            let message = "this system cannot keep other programs from opening a file for writing";
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_hint("LockPolicy::Advisory keeps apart those who ask for locks"));
        }
        Ok(())
    }

    /// How a file is opened to be claimed so.
    pub(super) fn sharing(self, claim: &Claim) -> Sharing {
        match self {
            Self::Mandatory => Sharing::Readers,
            Self::Advisory if *claim == Claim::Write => Sharing::Readers,
            Self::Advisory | Self::None => Sharing::All,
        }
    }
}

/// Where everybody but a [`Claim::Write`] holds a shared lock.
const GUARD: Range<u64> = 1 << 61..(1 << 61) + 1;

/// What an appender locks.
const APPEND: Range<u64> = (1 << 61) + 1..(1 << 61) + 2;

/// Where the bytes of the file are locked, each at its own position: before all else.
const BYTES: Range<u64> = 0..1 << 61;

/// All of the above.
const EVERYTHING: Range<u64> = 0..1 << 62;

/// What a handle is going to do, and so what others may not do meanwhile.
///
/// Readers and an appender get along, and so do writers of disjoint ranges; a `Write` excludes everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Reading.
    Read,
    /// Reading bytes that nobody else may be writing.
    ReadBytes(Range<u64>),
    /// Writing these bytes, that nobody else may be reading or writing.
    WriteBytes(Range<u64>),
    /// Adding at the end, and publishing what was added.
    Append,
    /// Everything.
    Write,
}

impl Claim {
    /// The locks, in the order in which they are to be taken. The guard is the last: a claim that is refused then was in
    /// nobody's way for a moment, and whoever holds anything has it, so that only a first claim can fail there.
    fn locks(&self) -> Result<Vec<(Range<u64>, Lock)>> {
        let guard = (GUARD, Lock::Shared);
        Ok(match self {
            Self::Read => vec![guard],
            Self::ReadBytes(bytes) => vec![(checked(bytes)?, Lock::Shared), guard],
            Self::WriteBytes(bytes) => vec![(checked(bytes)?, Lock::Exclusive), guard],
            Self::Append => vec![(APPEND, Lock::Exclusive), guard],
            Self::Write => vec![(EVERYTHING, Lock::Exclusive)],
        })
    }

    fn refused(&self) -> String {
        match self {
            Self::Read => {
                "cannot take the shared lock of a reader: another handle has the file open for writing".into()
            }
            Self::ReadBytes(bytes) => {
                let Range { start, end } = bytes;
                format!(
                    "cannot lock the rows' bytes {start}..{end} for reading: another handle writes them or has the file open for writing"
                )
            }
            Self::WriteBytes(bytes) => {
                let Range { start, end } = bytes;
                format!(
                    "cannot lock the rows' bytes {start}..{end} for writing: another handle uses them or has the file open for writing"
                )
            }
            Self::Append => {
                "cannot take the lock of an appender: another handle is appending or has the file open for writing"
                    .into()
            }
            Self::Write => "cannot take the exclusive lock of a writer: another handle has the file open".into(),
        }
    }
}

/// A range of bytes that a file can have.
fn checked(bytes: &Range<u64>) -> Result<Range<u64>> {
    if bytes.start <= bytes.end && bytes.end <= BYTES.end {
        return Ok(bytes.clone());
    }
    let message = format!("no file has the bytes {}..{} to lock", bytes.start, bytes.end);
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// An open file. Clones share it, with its locks and its poison.
#[derive(Clone, Debug)]
pub(crate) struct File(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Box<dyn BackendFile>,
    path: PathBuf,
    access: Access,
    poisoned: AtomicBool,
    held: Mutex<Ranges>,
}

impl File {
    /// Opens an existing regular file; never creates, truncates or waits.
    pub(crate) fn open(backend: &Arc<dyn Backend>, path: &Path, access: Access) -> Result<Self> {
        Self::open_shared(backend, path, access, Sharing::All, || "cannot open".into())
    }

    /// Opens an existing regular file and takes the locks of `claim`, as far as `policy` asks for it.
    pub(crate) fn open_claimed(
        backend: &Arc<dyn Backend>,
        path: &Path,
        access: Access,
        policy: LockPolicy,
        claim: &Claim,
    ) -> Result<Self> {
        policy.check().map_err(|error| error.in_file(path))?;
        let file = Self::open_shared(backend, path, access, policy.sharing(claim), || claim.refused())?;
        file.claim(policy, claim)?;
        Ok(file)
    }

    fn open_shared(
        backend: &Arc<dyn Backend>,
        path: &Path,
        access: Access,
        sharing: Sharing,
        refused: impl FnOnce() -> String,
    ) -> Result<Self> {
        /// Somebody has the file open and does not share it so, or the other way round.
        const ERROR_SHARING_VIOLATION: i32 = 32;
        match backend.open(path, access, sharing) {
            Ok(file) => Ok(Self::new(file, path, access)),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(Error::new(ErrorKind::NotAFile, format!("cannot open: {error}")).in_file(path))
            }
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => {
                Err(Error::io(refused(), error).in_file(path))
            }
            Err(error) => Err(Error::io("cannot open", error).in_file(path)),
        }
    }

    /// An empty file for this process alone, in `dir` or the system's folder for temporary files. It has no name, or loses it at
    /// once, and is gone when the last handle is dropped, or the process ends in any way.
    pub(crate) fn scratch(dir: Option<&Path>) -> Result<Self> {
        let dir = dir.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let file =
            unnamed_file(&dir).map_err(|error| Error::io("cannot create a scratch file", error).in_file(&dir))?;
        Ok(Self::new(Box::new(DiskFile::new(file)), &dir, Access::ReadWrite))
    }

    pub(super) fn new(file: Box<dyn BackendFile>, path: &Path, access: Access) -> Self {
        let (poisoned, held) = (AtomicBool::new(false), Mutex::new(Ranges::default()));
        Self(Arc::new(Inner { file, path: path.to_path_buf(), access, poisoned, held }))
    }

    pub(super) fn backend_file(&self) -> &dyn BackendFile {
        &*self.0.file
    }

    /// The path, as the caller gave it.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// A number that tells the file from others of its file system for as long as it is open; 0 where there is no such number.
    pub(crate) fn id(&self) -> Result<u64> {
        self.name(self.0.file.id(), || "cannot ask which file it is".into())
    }

    /// Whether the two are clones of one another.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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

    /// Writes `len` zeros at `offset`, growing the file where needed.
    pub(crate) fn write_zeros(&self, offset: u64, len: u64) -> Result<()> {
        const AT_ONCE: u64 = 1 << 20;
        let end = offset.saturating_add(len);
        self.check_size(end)?;
        let zeros = vec![0; usize::try_from(len.min(AT_ONCE)).unwrap_or(usize::MAX)];
        let mut at = offset;
        while at < end {
            let count = (end - at).min(AT_ONCE);
            self.write_all_at(&zeros[..usize::try_from(count).unwrap_or(usize::MAX)], at)?;
            at += count;
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
        if !self.is_writable() {
            return Ok(());
        }
        self.poison_on_error(self.0.file.sync())
    }

    /// Begins to write back a range and does not wait; a failure shows at the next flush.
    pub(crate) fn start_writeback(&self, offset: u64, len: u64) -> Result<()> {
        self.check_poison()?;
        self.name(self.0.file.start_writeback(offset, len), || "cannot start to write back".into())
    }

    /// Whether most of a range can be read without the disk; `true` where nobody knows.
    pub(crate) fn is_resident(&self, offset: u64, len: u64) -> bool {
        self.0.file.resident(offset, len).is_none_or(|bytes| bytes >= len / 8 * 7)
    }

    /// Lets what is cached of a range go.
    pub(crate) fn forget(&self, offset: u64, len: u64) {
        self.0.file.forget(offset, len);
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

    /// Takes the locks of `claim`, if `policy` asks for any, besides those that the handle already has, and holds them as long
    /// as the file or a mapping of it is open. On an error it holds what it held before.
    pub(crate) fn claim(&self, policy: LockPolicy, claim: &Claim) -> Result<()> {
        if policy == LockPolicy::None {
            return Ok(());
        }
        let wanted = claim.locks().map_err(|error| error.in_file(self.path()))?;
        let mut held = self.held();
        let (mut after, mut taken) = (held.clone(), Vec::new());
        for (range, lock) in wanted {
            let mut parts = held.missing(&range, lock);
            if lock == Lock::Exclusive && !parts.is_empty() {
                if !self.is_writable() {
                    self.give_back(&taken);
                    let message = "the file is open for reading only, and a writer's lock was asked for";
                    return Err(Error::new(ErrorKind::ReadOnly, message).in_file(self.path()));
                }
                // In one step, which succeeds or changes nothing. A shared lock is taken only where there is none, since it
                // would weaken an exclusive one.
                parts = vec![range];
            }
            for part in parts {
                match self.try_lock(&part, lock) {
                    Ok(true) => {
                        after.set(&part, Some(lock));
                        taken.push(part);
                    }
                    refused => {
                        self.give_back(&taken);
                        return self.refuse(refused, claim, &mut held);
                    }
                }
            }
        }
        *held = after;
        Ok(())
    }

    /// Runs `job` with the lock of an appender besides what the handle holds, and gives the lock back, unless it was held before.
    pub(crate) fn while_appender<T>(&self, policy: LockPolicy, job: impl FnOnce() -> Result<T>) -> Result<T> {
        let holds = || self.held().missing(&APPEND, Lock::Exclusive).is_empty();
        let before = holds();
        self.claim(policy, &Claim::Append)?;
        let done = job();
        // A lock too many keeps others out and harms nothing; it goes when the file is closed.
        if !before && holds() && self.0.file.unlock(APPEND).is_ok() {
            self.held().set(&APPEND, None);
        }
        done
    }

    /// Goes from the claim of a [`Claim::Write`] back to a smaller one, without a moment in which nothing is held, if the
    /// system can. A handle that has no such claim stays as it is.
    pub(crate) fn release_to(&self, claim: &Claim) -> Result<()> {
        let wanted = claim.locks().map_err(|error| error.in_file(self.path()))?;
        let mut held = self.held();
        if !held.missing(&EVERYTHING, Lock::Exclusive).is_empty() {
            return Ok(());
        }
        let mut rest = held.clone();
        for (range, lock) in wanted {
            if lock == Lock::Shared && !range.is_empty() {
                match self.0.file.try_lock(range.clone(), lock) {
                    Ok(true) => held.set(&range, Some(lock)),
                    refused => return self.refuse(refused, claim, &mut held),
                }
            }
            rest.set(&range, None);
        }
        for (range, _) in rest.iter() {
            if let Err(error) = self.0.file.unlock(range.clone()) {
                return self.refuse(Err(error), claim, &mut held);
            }
            held.set(range, None);
        }
        Ok(())
    }

    /// Whether this handle keeps everybody else out. Never, if it was opened without locks or the file system has none.
    pub(crate) fn holds_write(&self) -> bool {
        self.held().missing(&EVERYTHING, Lock::Exclusive).is_empty()
    }

    /// The policy under which this handle got its claim: with locks, if it keeps everybody else out.
    pub(super) fn policy(&self) -> LockPolicy {
        if self.holds_write() { LockPolicy::Advisory } else { LockPolicy::None }
    }

    /// Tries for some milliseconds. Between `fork` and `exec` a child of this process has all its open files, and with them the locks
    /// of one that was closed a moment ago.
    fn try_lock(&self, range: &Range<u64>, lock: Lock) -> io::Result<bool> {
        for milliseconds in [1, 2, 4, 8] {
            match self.0.file.try_lock(range.clone(), lock) {
                Ok(false) => std::thread::sleep(Duration::from_millis(milliseconds)),
                other => return other,
            }
        }
        self.0.file.try_lock(range.clone(), lock)
    }

    fn held(&self) -> MutexGuard<'_, Ranges> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Undoes what a claim took before it failed: locks where there was none.
    fn give_back(&self, taken: &[Range<u64>]) {
        for range in taken {
            // A lock too many keeps others out and harms nothing; it goes when the file is closed.
            let _ = self.0.file.unlock(range.clone());
        }
    }

    fn refuse(&self, refused: io::Result<bool>, claim: &Claim, held: &mut Ranges) -> Result<()> {
        let error = match refused {
            Ok(_) => Error::new(ErrorKind::Locked, claim.refused())
                .with_hint("close it, in this process or another, or open without a lock"),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Deadlock => {
                *held = Ranges::default();
                Error::new(
                    ErrorKind::Locked,
                    "another handle locked the file while this one changed its lock, and has it now",
                )
                .with_hint("close this handle and open the file again")
            }
            Err(error) => Error::io("cannot lock", error),
        };
        Err(error.in_file(self.path()))
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

    /// Whether writing can be tried.
    pub(crate) fn check_writable(&self) -> Result<()> {
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

/// A file in `dir` that has no name, or loses it at once, or on Windows is removed when it is closed and shared with nobody.
fn unnamed_file(dir: &Path) -> io::Result<std::fs::File> {
    match platform::unnamed_file(dir)? {
        Some(file) => Ok(file),
        None => unnamed_sibling(dir),
    }
}

#[cfg(test)]
mod tests;
