//! The twin of `linux.rs` for every other system, by the calls of std and memmap2, but for the locks of Windows.

#[cfg(not(windows))]
use std::fs::TryLockError;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::Path;
#[cfg(not(windows))]
use std::sync::{Mutex, PoisonError};

use memmap2::MmapRaw;

#[cfg(not(windows))]
use super::backend::Lock;
use super::mapping::Advice;
#[cfg(not(windows))]
use super::ranges::Ranges;
#[cfg(windows)]
pub(super) use super::windows::Locks;

/// POSIX does not say that `msync` empties the disk's own cache, nor does Windows of `FlushViewOfFile`.
pub(super) const MSYNC_REACHES_THE_DISK: bool = false;

/// The caller has looked at the kind of the file before the open; there is no portable flag.
pub(super) fn never_wait(_: &mut OpenOptions) {}

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

/// There is no portable reservation that keeps the length.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn allocate(_: &File, _: u64) -> io::Result<bool> {
    Ok(false)
}

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
#[cfg(not(windows))]
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<Ranges>);

#[cfg(not(windows))]
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

#[cfg(not(windows))]
fn strongest(held: &Ranges) -> Option<Lock> {
    held.iter().map(|(_, lock)| *lock).max_by_key(|lock| *lock == Lock::Exclusive)
}

#[cfg(not(windows))]
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
#[cfg(unix)]
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

/// Windows takes no advice on mapped memory.
#[cfg(not(unix))]
pub(super) fn advise(_: &MmapRaw, _: Advice, _: usize, _: usize) -> io::Result<()> {
    Ok(())
}

/// The nearest portable thing is a request to read ahead.
pub(super) fn populate(memory: &MmapRaw, offset: usize, len: usize) -> io::Result<()> {
    advise(memory, Advice::WillNeed, offset, len)
}
