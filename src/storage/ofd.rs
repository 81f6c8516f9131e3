//! Locks of byte ranges, of Linux and macOS.

use std::fs::File;
use std::io;
use std::mem;
use std::ops::Range;
use std::os::fd::AsRawFd;

use super::backend::Lock;

/// With 64-bit positions everywhere.
#[cfg(target_vendor = "apple")]
use libc::flock as Flock;
#[cfg(target_os = "linux")]
use libc::flock64 as Flock;

/// Locks of the open file description: the kernel keeps them for as long as a descriptor of it is left, counts two opens in one
/// process as two owners, and widens and weakens a lock in one step. `fcntl(2)`; rustix does not have them.
#[derive(Debug, Default)]
pub(super) struct Locks(());

impl Locks {
    #[expect(clippy::unused_self, reason = "the signature of the portable twin, which keeps a list")]
    pub(super) fn try_lock(&self, file: &File, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        let kind = match lock {
            Lock::Shared => libc::F_RDLCK,
            Lock::Exclusive => libc::F_WRLCK,
        };
        let Err(error) = set_lock(file, &range, kind) else { return Ok(true) };
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            // Of file systems without locks. The last two are one number on Linux.
            Some(code)
                if [libc::ENOLCK, libc::ENOSYS, libc::EINVAL, libc::EOPNOTSUPP, libc::ENOTSUP].contains(&code) =>
            {
                Err(io::ErrorKind::Unsupported.into())
            }
            _ => Err(error),
        }
    }

    #[expect(clippy::unused_self, reason = "the signature of the portable twin, which keeps a list")]
    pub(super) fn unlock(&self, file: &File, range: Range<u64>) -> io::Result<()> {
        set_lock(file, &range, libc::F_UNLCK)
    }
}

fn set_lock(file: &File, range: &Range<u64>, kind: impl Into<libc::c_int>) -> io::Result<()> {
    let overflow = || io::Error::from_raw_os_error(libc::EOVERFLOW);
    let (Ok(start), Ok(len)) = (i64::try_from(range.start), i64::try_from(range.end.saturating_sub(range.start)))
    else {
        return Err(overflow());
    };
    // A length of 0 would mean "to the end".
    if len == 0 {
        return Ok(());
    }
    // SAFETY: the structure has integer fields only, for which zeros are values.
    let mut lock: Flock = unsafe { mem::zeroed() };
    // The zero of `l_whence` counts from the beginning of the file.
    lock.l_type = kind.into().try_into().map_err(|_| overflow())?;
    (lock.l_start, lock.l_len) = (start, len);
    // The kernel's own call takes 64-bit positions everywhere; on these the function of the C library may not.
    #[cfg(all(
        target_os = "linux",
        any(
            target_arch = "x86",
            target_arch = "arm",
            target_arch = "powerpc",
            target_arch = "mips",
            target_arch = "sparc",
            target_arch = "m68k"
        )
    ))]
    // SAFETY: the call reads, and for this command does not write, one `flock64`, which outlives it, and the descriptor is
    // open for as long as `file` is borrowed.
    let result = unsafe { libc::syscall(libc::SYS_fcntl64, file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    #[cfg(not(all(
        target_os = "linux",
        any(
            target_arch = "x86",
            target_arch = "arm",
            target_arch = "powerpc",
            target_arch = "mips",
            target_arch = "sparc",
            target_arch = "m68k"
        )
    )))]
    // SAFETY: the call reads, and for this command does not write, one structure with 64-bit positions, which outlives it, and
    // the descriptor is open for as long as `file` is borrowed.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
