//! What Linux alone can do. `portable.rs` has the same functions for every other system.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::OnceLock;

use memmap2::{MmapMut, MmapRaw};
use rustix::fs::{CWD, FallocateFlags, OFlags, RenameFlags};
use rustix::io::Errno;

use super::backend::Sharing;
use super::mapping::Advice;
pub(super) use super::ofd::Locks;

/// `msync` waits for the bytes, the length and the disk's own cache; no further sync is needed.
pub(super) const MSYNC_REACHES_THE_DISK: bool = true;

/// An open of a pipe or a device returns at once, and takes no terminal.
pub(super) fn never_wait(options: &mut OpenOptions) {
    options.custom_flags(flags(OFlags::NONBLOCK | OFlags::NOCTTY));
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// Nothing here keeps other programs from opening a file.
pub(super) fn share(_: &mut OpenOptions, _: Sharing) {}

/// The number of the file in its file system.
pub(super) fn file_id(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.ino())
}

/// The kernel's own file systems call their files regular, but compute them at each read, and their lengths are made up.
pub(super) fn refuse_kernel_interface(file: &File) -> io::Result<()> {
    /// Of proc, sysfs, debugfs, tracefs, cgroup, cgroup2, securityfs and configfs, from `linux/magic.h`.
    const MAGIC: [u32; 8] =
        [0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x0027_e0eb, 0x6367_7270, 0x7363_6673, 0x6265_6570];
    let kind = rustix::fs::fstatfs(file)?.f_type;
    if MAGIC.iter().any(|&magic| u32::try_from(kind) == Ok(magic)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is an interface of the kernel, not a regular file"));
    }
    Ok(())
}

/// An unnamed file in `dir`, which no path will ever reach; `None` if the file system has no such thing.
pub(super) fn unnamed_file(dir: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(flags(OFlags::TMPFILE | OFlags::EXCL));
    match options.open(dir) {
        Ok(file) => Ok(Some(file)),
        // Kernels and file systems that do not know the flag see the opening of a directory for writing.
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Waits until the bytes and the length of the file are on stable storage.
pub(super) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Waits until the names in a directory are on stable storage.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Reserves blocks for the first `len` bytes and leaves the length alone; `false` if the file system cannot.
pub(super) fn allocate(file: &File, len: u64) -> io::Result<bool> {
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, len) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Every file is, where the file system can.
pub(super) fn make_sparse(_: &File) {}

/// Renames, and fails if the new name exists; `false` if the file system cannot do that in one step.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<bool> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Starts to write the changed pages of a range and does not wait. `sync_file_range(2)`; rustix does not have it.
pub(super) fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let (Ok(offset), Ok(len)) = (i64::try_from(offset), i64::try_from(len)) else { return Ok(()) };
    // A length of 0 would mean "to the end".
    if len == 0 {
        return Ok(());
    }
    // SAFETY: the call takes four integers and no address; the descriptor is open for as long as `file` is borrowed.
    let result = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What the kernel could give without swapping, in bytes.
pub(crate) fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// How many bytes of a range lie in the page cache; `None` where the kernel does not tell. `cachestat(2)`, from Linux 6.5 on;
/// neither rustix nor libc has it.
pub(super) fn resident(file: &File, offset: u64, len: u64) -> Option<u64> {
    /// The number of the call on every architecture that Rust knows.
    const CACHESTAT: libc::c_long = 451;
    let range = [offset, len];
    // Pages that are cached, dirty, being written back, evicted, recently evicted.
    let mut pages = [0_u64; 5];
    // SAFETY: the kernel reads two and writes five 64-bit integers, the layouts of its structures, which outlive the call; the
    // descriptor is open for as long as `file` is borrowed.
    let result =
        unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), range.as_ptr(), pages.as_mut_ptr(), 0 as libc::c_uint) };
    (result == 0).then(|| pages[0] * rustix::param::page_size() as u64)
}

/// Lets the pages of a range go from the page cache, those that are on the disk.
pub(super) fn forget(file: &File, offset: u64, len: u64) {
    if let Some(len) = std::num::NonZero::new(len) {
        let _ = rustix::fs::fadvise(file, offset, Some(len), rustix::fs::Advice::DontNeed);
    }
}

/// The pages of a private mapping that are no longer those of its file, as ranges of bytes from its begin; `None` if the
/// kernel does not tell.
pub(super) fn touched(memory: &MmapRaw) -> Option<Vec<Range<usize>>> {
    static TRUTHFUL: OnceLock<bool> = OnceLock::new();
    if *TRUTHFUL.get_or_init(|| tells_the_truth().unwrap_or(false)) {
        private_pages(memory.as_mut_ptr(), memory.len())
    } else {
        None
    }
}

/// Whether the kernel tells written pages from others. An emulator of another processor may pass its own pages off as those of the
/// program, or numbers in the wrong byte order.
fn tells_the_truth() -> Option<bool> {
    const PAGES: usize = 8;
    let (page, len) = (rustix::param::page_size(), PAGES * rustix::param::page_size());
    // Not to be written, so that no huge page of its neighbours comes to cover it.
    let blank = MmapMut::map_anon(len).and_then(MmapMut::make_read_only).ok()?;
    let mut written = MmapMut::map_anon(len).ok()?;
    written.iter_mut().step_by(page).for_each(|byte| *byte = 1);
    let told = [private_pages(blank.as_ptr(), len)?, private_pages(written.as_ptr(), len)?];
    Some(told == [vec![], vec![Range { start: 0, end: len }]])
}

/// The pages of so many bytes of memory that belong to this process alone, as ranges of bytes from their begin.
fn private_pages(begin: *const u8, len: usize) -> Option<Vec<Range<usize>>> {
    /// A page that lies in memory, one that has been swapped out, and one that belongs to a file; from
    /// `Documentation/admin-guide/mm/pagemap.rst` of the kernel.
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const OF_FILE: u64 = 1 << 61;
    const AT_ONCE: usize = 8192;
    let page = rustix::param::page_size();
    let begin = begin.addr();
    let end = begin + len;
    let pagemap = File::open("/proc/self/pagemap").ok()?;
    let mut entries = vec![0_u64; AT_ONCE.min(len.div_ceil(page) + 1)];
    let (mut touched, mut number) = (Vec::<Range<usize>>::new(), begin / page);
    while number < end.div_ceil(page) {
        let count = (end.div_ceil(page) - number).min(entries.len());
        let bytes = bytemuck::cast_slice_mut(&mut entries[..count]);
        pagemap.read_exact_at(bytes, (number * size_of::<u64>()) as u64).ok()?;
        for entry in &entries[..count] {
            if entry & SWAPPED != 0 || entry & (PRESENT | OF_FILE) == PRESENT {
                let found = (number * page).max(begin) - begin..((number + 1) * page).min(end) - begin;
                match touched.last_mut() {
                    Some(last) if last.end == found.start => last.end = found.end,
                    _ => touched.push(found),
                }
            }
            number += 1;
        }
    }
    Some(touched)
}

/// Tells the kernel how a range will be used. Advice that this kernel does not know is dropped.
pub(super) fn advise(memory: &MmapRaw, advice: Advice, offset: usize, len: usize) -> io::Result<()> {
    let advice = match advice {
        Advice::Normal => memmap2::Advice::Normal,
        Advice::Sequential => memmap2::Advice::Sequential,
        Advice::Random => memmap2::Advice::Random,
        Advice::WillNeed => memmap2::Advice::WillNeed,
        Advice::HugePages => memmap2::Advice::HugePage,
        Advice::NoHugePages => memmap2::Advice::NoHugePage,
        Advice::DontDump => memmap2::Advice::DontDump,
    };
    ignore_unknown(memory.advise_range(advice, offset, len))
}

/// Reads a range into memory and enters it in the page tables. A page that cannot be read is an error, not a signal. `false`
/// before Linux 5.14.
pub(super) fn populate(memory: &MmapRaw, offset: usize, len: usize) -> io::Result<bool> {
    match memory.advise_range(memmap2::Advice::PopulateRead, offset, len) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
        other => other.map(|()| true),
    }
}

fn ignore_unknown(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}
