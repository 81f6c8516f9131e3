//! Byte-range locks of Windows.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::windows::io::AsRawHandle;
use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Foundation::{ERROR_INVALID_FUNCTION, ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFile,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

use super::backend::Lock;
use super::ranges::Ranges;

/// Locks are mandatory here, so they lie where no file has bytes.
const SHIFT: u64 = 1 << 62;

/// The locks of one handle. The system neither joins nor splits nor converts them: a change gives up what it cuts, and takes
/// what shall be there instead.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<Ranges>);

impl Locks {
    pub(super) fn try_lock(&self, file: &File, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        self.change(file, &range, Some(lock))
    }

    pub(super) fn unlock(&self, file: &File, range: Range<u64>) -> io::Result<()> {
        if self.change(file, &range, None)? { Ok(()) } else { Err(io::ErrorKind::Deadlock.into()) }
    }

    fn change(&self, file: &File, range: &Range<u64>, lock: Option<Lock>) -> io::Result<bool> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = held.clone();
        wanted.set(range, lock);
        let not_in = |some: &Ranges, others: &Ranges| -> Vec<(Range<u64>, Lock)> {
            some.iter().filter(|one| others.iter().all(|other| other != *one)).cloned().collect()
        };
        let (old, new) = (not_in(&held, &wanted), not_in(&wanted, &held));
        for (range, _) in &old {
            unlock(file, range)?;
        }
        let Err((error, taken)) = take_all(file, &new) else {
            *held = wanted;
            return Ok(true);
        };
        for (range, _) in &new[..taken] {
            unlock(file, range)?;
        }
        if take_all(file, &old).is_err() {
            for (range, _) in held.iter() {
                // Some are held and some are not; none shall be.
                let _ = unlock(file, range);
            }
            *held = Ranges::default();
            return Err(io::ErrorKind::Deadlock.into());
        }
        error.map_or(Ok(false), Err)
    }
}

/// Takes one lock after the other, or says how many it took and, if it was not another handle, what was in the way.
fn take_all(file: &File, locks: &[(Range<u64>, Lock)]) -> Result<(), (Option<io::Error>, usize)> {
    for (taken, (range, lock)) in locks.iter().enumerate() {
        match take(file, range, *lock) {
            Ok(true) => {}
            Ok(false) => return Err((None, taken)),
            Err(error) => return Err((Some(error), taken)),
        }
    }
    Ok(())
}

fn take(file: &File, range: &Range<u64>, lock: Lock) -> io::Result<bool> {
    let (at, len) = (halves(range.start + SHIFT), halves(range.end - range.start));
    let position = OVERLAPPED_0_0 { Offset: at.0, OffsetHigh: at.1 };
    let mut overlapped = OVERLAPPED { Anonymous: OVERLAPPED_0 { Anonymous: position }, ..OVERLAPPED::default() };
    let exclusive = if lock == Lock::Exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
    let flags = LOCKFILE_FAIL_IMMEDIATELY | exclusive;
    // SAFETY: the handle is open for as long as `file` is borrowed, and was opened for synchronous use, so that the call is
    // done with the structure, which lives here, when it returns.
    let result = unsafe { LockFileEx(file.as_raw_handle(), flags, 0, len.0, len.1, &raw mut overlapped) };
    if result != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    let code = error.raw_os_error().map(i32::cast_unsigned);
    match code {
        Some(ERROR_LOCK_VIOLATION) => Ok(false),
        Some(ERROR_INVALID_FUNCTION | ERROR_NOT_SUPPORTED) => Err(io::ErrorKind::Unsupported.into()),
        _ => Err(error),
    }
}

fn unlock(file: &File, range: &Range<u64>) -> io::Result<()> {
    let (at, len) = (halves(range.start + SHIFT), halves(range.end - range.start));
    // SAFETY: the call takes four integers and a handle, which is open for as long as `file` is borrowed.
    let result = unsafe { UnlockFile(file.as_raw_handle(), at.0, at.1, len.0, len.1) };
    if result != 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The low and the high half.
#[expect(clippy::cast_possible_truncation, reason = "that is what a half is")]
fn halves(value: u64) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}
