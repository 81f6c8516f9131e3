//! The twin of `linux.rs` for macOS and every other Unix, by the calls of std and memmap2. `F_FULLFSYNC` of macOS is in std's
//! `sync_data`.

use std::fs::TryLockError;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use memmap2::MmapRaw;

use super::backend::{Lock, Sharing};
use super::mapping::Advice;
use super::ranges::Ranges;

/// POSIX does not say that `msync` empties the disk's own cache, and on macOS it does not.
pub(super) const MSYNC_REACHES_THE_DISK: bool = false;

/// The caller has looked at the kind of the file before the open; there is no portable flag.
pub(super) fn never_wait(_: &mut OpenOptions) {}

/// Nothing here keeps other programs from opening a file.
pub(super) fn share(_: &mut OpenOptions, _: Sharing) {}

/// The number of the file in its file system.
pub(super) fn file_id(file: &File) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::ino(&file.metadata()?))
}

/// Other systems have no such files, or give them another type.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn refuse_kernel_interface(_: &File) -> io::Result<()> {
    Ok(())
}

/// Only Linux has unnamed files.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn unnamed_file(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Reserves blocks for the first `len` bytes of a file that has no holes, and leaves the length alone: `F_PREALLOCATE` counts
/// from the end of what is reserved already (`fcntl(2)` of macOS).
#[cfg(target_vendor = "apple")]
pub(super) fn allocate(file: &File, len: u64) -> io::Result<bool> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    /// The unit of `st_blocks`, in bytes.
    const BLOCK: u64 = 512;
    let more = len.saturating_sub(file.metadata()?.blocks() * BLOCK);
    let Ok(more @ 1..) = i64::try_from(more) else { return Ok(true) };
    let mut store = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: more,
        fst_bytesalloc: 0,
    };
    // SAFETY: for this command the call reads and writes one `fstore_t`, which outlives it; the descriptor is open for as long
    // as `file` is borrowed.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PREALLOCATE, &raw mut store) };
    if result != -1 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENOTSUP | libc::EINVAL) => Ok(false),
        _ => Err(error),
    }
}

/// There is no portable reservation that keeps the length.
#[cfg(not(target_vendor = "apple"))]
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn allocate(_: &File, _: u64) -> io::Result<bool> {
    Ok(false)
}

/// Every file is, where the file system can.
pub(super) fn make_sparse(_: &File) {}

/// There is no portable rename that refuses to replace.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn rename_new(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// No portable call tells.
pub(crate) fn available_memory() -> Option<u64> {
    None
}

/// No portable call tells.
pub(super) fn resident(_: &File, _: u64, _: u64) -> Option<u64> {
    None
}

/// No portable call does.
pub(super) fn forget(_: &File, _: u64, _: u64) {}

/// A hint that only Linux takes.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn start_writeback(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

/// Locks of whole files: shared while the handle holds shared locks only, exclusive as soon as one is exclusive.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<Ranges>);

impl Locks {
    pub(super) fn try_lock(&self, file: &File, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        self.change(file, &range, Some(lock))
    }

    pub(super) fn unlock(&self, file: &File, range: Range<u64>) -> io::Result<()> {
        // Less never has to wait for others, but what cannot be weakened in one step can be lost.
        if self.change(file, &range, None)? { Ok(()) } else { Err(io::ErrorKind::Deadlock.into()) }
    }

    fn change(&self, file: &File, range: &Range<u64>, lock: Option<Lock>) -> io::Result<bool> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = held.clone();
        wanted.set(range, lock);
        let (before, after) = (strongest(&held), strongest(&wanted));
        if before == after || lock_file(file, after)? {
            *held = wanted;
            return Ok(true);
        }
        // Some systems give the old lock up before they try the new one.
        if before.is_some() && !lock_file(file, before)? {
            *held = Ranges::default();
            return Err(io::ErrorKind::Deadlock.into());
        }
        Ok(false)
    }
}

fn strongest(held: &Ranges) -> Option<Lock> {
    held.iter().map(|(_, lock)| *lock).max_by_key(|lock| *lock == Lock::Exclusive)
}

fn lock_file(file: &File, lock: Option<Lock>) -> io::Result<bool> {
    let tried = match lock {
        Some(Lock::Shared) => file.try_lock_shared(),
        Some(Lock::Exclusive) => file.try_lock(),
        None => file.unlock().map_err(TryLockError::Error),
    };
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Only Linux tells which pages of a private mapping have been written.
pub(super) fn touched(_: &MmapRaw) -> Option<Vec<Range<usize>>> {
    None
}

/// Tells the kernel how a range will be used. Advice that this system does not know is dropped.
pub(super) fn advise(memory: &MmapRaw, advice: Advice, offset: usize, len: usize) -> io::Result<()> {
    let advice = match advice {
        Advice::Normal => memmap2::Advice::Normal,
        Advice::Sequential => memmap2::Advice::Sequential,
        Advice::Random => memmap2::Advice::Random,
        Advice::WillNeed => memmap2::Advice::WillNeed,
        Advice::HugePages | Advice::NoHugePages | Advice::DontDump => return Ok(()),
    };
    memory.advise_range(advice, offset, len)
}

/// No portable call reads pages and tells of those that it cannot.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn populate(_: &MmapRaw, _: usize, _: usize) -> io::Result<bool> {
    Ok(false)
}
