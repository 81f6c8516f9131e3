//! The twin of `linux.rs` for every other system, by the calls of std and memmap2 alone.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use memmap2::MmapRaw;

use super::mapping::Advice;

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

/// A hint that only Linux takes.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn start_writeback(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

/// Whether a failed lock means that the file system has no locks.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
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
