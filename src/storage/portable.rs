//! The twin of `linux.rs` for macOS and every other Unix, by the calls of std and memmap2.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::Path;

use memmap2::MmapRaw;

use super::backend::Sharing;
#[cfg(not(target_vendor = "apple"))]
pub(super) use super::flock::Locks;
use super::mapping::Advice;
#[cfg(target_vendor = "apple")]
pub(super) use super::ofd::Locks;

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

/// Waits until the file is on stable storage. On macOS that is `F_FULLFSYNC` in std; file systems that do not have it, such as those
/// of SMB, know `fsync(2)`.
pub(super) fn sync(file: &File) -> io::Result<()> {
    let synced = file.sync_data();
    #[cfg(target_vendor = "apple")]
    if let Err(error) = &synced
        && matches!(error.raw_os_error(), Some(libc::ENOTSUP | libc::EINVAL | libc::ENOTTY))
    {
        // SAFETY: the call takes a descriptor, which is open for as long as `file` is borrowed.
        let result = unsafe { libc::fsync(std::os::fd::AsRawFd::as_raw_fd(file)) };
        return if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    }
    synced
}

/// Waits until the names in a directory are on stable storage.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    sync(&File::open(dir)?)
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
