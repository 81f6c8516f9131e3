//! What Windows does by calls of its own, with the functions of `linux.rs`.
//!
//! Files are opened for sharing with all, names removed and replaced included, as std does it, but for [`Sharing::Readers`]. The
//! length of a file cannot be cut below a mapping (error 1224); an open file is replaced and removed by Windows 10 and newer. There is no
//! SIGBUS: a file cannot lose mapped pages but by a failing disk or network, which raises the exception
//! `EXCEPTION_IN_PAGE_ERROR`. Where that is to be an error, files are read by position, as `populate` does ahead of the use.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use memmap2::MmapRaw;
use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_FILENAME_EXCED_RANGE, ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER,
    ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED, ERROR_PATH_NOT_FOUND,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ALLOCATION_INFO, FILE_ATTRIBUTE_COMPRESSED, FILE_ATTRIBUTE_SPARSE_FILE,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_STANDARD_INFO, FileAllocationInfo,
    FileStandardInfo, GetFileInformationByHandle, GetFileInformationByHandleEx, LOCKFILE_EXCLUSIVE_LOCK,
    LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, MOVEFILE_WRITE_THROUGH, MoveFileExW, SetFileInformationByHandle, UnlockFile,
};
use windows_sys::Win32::System::IO::{DeviceIoControl, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

use super::backend::{Lock, Sharing};
use super::mapping::Advice;
use super::ranges::Ranges;

/// memmap2 lets `FlushFileBuffers` follow `FlushViewOfFile`.
pub(super) const MSYNC_REACHES_THE_DISK: bool = true;

/// The caller has looked at the kind of the file before the open; there is no flag.
pub(super) fn never_wait(_: &mut OpenOptions) {}

/// The system refuses opens that do not go with what every open of the file allows.
pub(super) fn share(options: &mut OpenOptions, sharing: Sharing) {
    if sharing == Sharing::Readers {
        options.share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE);
    }
}

/// The number of the file in its volume.
pub(super) fn file_id(file: &File) -> io::Result<u64> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the call writes one structure, which outlives it; the handle is open for as long as `file` is borrowed.
    let result = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    if result == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow))
}

/// There are no such files among regular ones.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn refuse_kernel_interface(_: &File) -> io::Result<()> {
    Ok(())
}

/// Only Linux has unnamed files.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn unnamed_file(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Waits until the bytes and the length of the file are on stable storage: `FlushFileBuffers`.
pub(super) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Waits until the names in a directory are on stable storage, where the file system does that.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    // There is no promise that it can: renames and removals are in the log of the file system, in their order.
    if let Ok(dir) = options.open(dir) {
        let _ = dir.sync_all();
    }
    Ok(())
}

/// Reserves clusters for the first `len` bytes and leaves the length alone; `false` if the file system cannot.
pub(super) fn allocate(file: &File, len: u64) -> io::Result<bool> {
    // Such files take clusters as they are written, whatever is asked for.
    if std::os::windows::fs::MetadataExt::file_attributes(&file.metadata()?)
        & (FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_COMPRESSED)
        != 0
    {
        return Ok(false);
    }
    // A smaller allocation would give up what is reserved, and cut the file.
    if len <= allocated(file)? {
        return Ok(true);
    }
    let Ok(size) = i64::try_from(len) else { return Err(io::ErrorKind::FileTooLarge.into()) };
    let wanted = FILE_ALLOCATION_INFO { AllocationSize: size };
    let bytes = u32::try_from(size_of_val(&wanted)).unwrap_or(u32::MAX);
    // SAFETY: for this class the call reads one structure of that size, which outlives it; the handle is open for as long as
    // `file` is borrowed.
    let result = unsafe {
        SetFileInformationByHandle(file.as_raw_handle(), FileAllocationInfo, (&raw const wanted).cast(), bytes)
    };
    if result != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_INVALID_FUNCTION | ERROR_NOT_SUPPORTED | ERROR_CALL_NOT_IMPLEMENTED | ERROR_INVALID_PARAMETER) => {
            Ok(false)
        }
        _ => Err(error),
    }
}

/// The bytes of the clusters that a file has.
fn allocated(file: &File) -> io::Result<u64> {
    let mut found = FILE_STANDARD_INFO::default();
    let bytes = u32::try_from(size_of_val(&found)).unwrap_or(u32::MAX);
    // SAFETY: for this class the call writes one structure of that size, which outlives it; the handle is open for as long as
    // `file` is borrowed.
    let result =
        unsafe { GetFileInformationByHandleEx(file.as_raw_handle(), FileStandardInfo, (&raw mut found).cast(), bytes) };
    if result == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u64::try_from(found.AllocationSize.max(found.EndOfFile)).unwrap_or(0))
}

/// Lets what is never written take no room, if the file system can.
pub(super) fn make_sparse(file: &File) {
    /// From `winioctl.h`.
    const FSCTL_SET_SPARSE: u32 = 0x0009_00c4;
    let (handle, mut returned) = (file.as_raw_handle(), 0);
    // SAFETY: this control takes and gives no bytes; the call writes one integer, which outlives it, and the handle is open for as
    // long as `file` is borrowed.
    let _ = unsafe {
        DeviceIoControl(
            handle,
            FSCTL_SET_SPARSE,
            ptr::null(),
            0,
            ptr::null_mut(),
            0,
            &raw mut returned,
            ptr::null_mut(),
        )
    };
}

/// Renames, and fails if the new name exists; `false` for paths that need more care than this call takes. A hard link would leave
/// the old name of an open file until it is closed, before Windows 10.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<bool> {
    let [from, to] = [from, to].map(|path| path.as_os_str().encode_wide().chain([0]).collect::<Vec<u16>>());
    if [&from, &to].into_iter().any(|path| path.iter().filter(|&&unit| unit == 0).count() != 1) {
        return Ok(false);
    }
    // SAFETY: the call reads two texts that end with a zero, which outlive it.
    let result = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) };
    if result != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().map(i32::cast_unsigned) {
        // More than 260 characters, which std knows how to write.
        Some(ERROR_PATH_NOT_FOUND | ERROR_FILENAME_EXCED_RANGE) => Ok(false),
        _ => Err(error),
    }
}

/// The physical memory that is not in use, in bytes.
pub(crate) fn available_memory() -> Option<u64> {
    let mut status = MEMORYSTATUSEX::default();
    status.dwLength = u32::try_from(size_of_val(&status)).ok()?;
    // SAFETY: the call writes one structure, which outlives it and says its own size.
    let result = unsafe { GlobalMemoryStatusEx(&raw mut status) };
    (result != 0).then_some(status.ullAvailPhys)
}

/// No call tells.
pub(super) fn resident(_: &File, _: u64, _: u64) -> Option<u64> {
    None
}

/// No call does.
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

/// Windows takes no advice on mapped memory.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn advise(_: &MmapRaw, _: Advice, _: usize, _: usize) -> io::Result<()> {
    Ok(())
}

/// No call reads pages and tells of those that it cannot.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux twin")]
pub(super) fn populate(_: &MmapRaw, _: usize, _: usize) -> io::Result<bool> {
    Ok(false)
}

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
