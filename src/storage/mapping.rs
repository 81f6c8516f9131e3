//! Memory that is a file, or that only behaves so.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::ptr::NonNull;
use std::slice;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use memmap2::{MmapOptions, MmapRaw};

use super::backend::MapMode;
use super::file::File;
use super::platform;
use crate::{Error, ErrorKind, Result};

/// How a range of a mapping will be used. Advice changes speed and never content; a system that does not know one ignores
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// Nothing special; takes back [`Sequential`](Self::Sequential) and [`Random`](Self::Random).
    Normal,
    /// From the first byte to the last: read ahead far.
    Sequential,
    /// Here and there: do not read ahead.
    Random,
    /// Soon: begin to read. Linux caps this at one read-ahead window and fills it with small pages.
    WillNeed,
    /// Use huge pages.
    HugePages,
    /// Do not use huge pages.
    NoHugePages,
    /// Leave the range out of core dumps.
    DontDump,
}

/// The unit in which a copied mapping is compared with its file and written back, in bytes.
const COMPARED: usize = 4 << 10;

/// The unit in which a range is read where the system has no call for that, in bytes.
const READ_AHEAD: usize = 1 << 20;

/// What is written back of a page begins and ends at a multiple of this.
const WORD: usize = 8;

/// The address of an empty mapping: not null, and aligned for every element.
#[repr(align(64))]
struct Aligned;

/// Bytes of a file in memory, or anonymous memory.
pub(crate) struct Mapping {
    /// `None` exactly if the length is 0: no system maps nothing.
    memory: Option<MmapRaw>,
    mode: MapMode,
    /// The memory is a copy of the file, made when it was mapped.
    copied: bool,
    backing: Option<Backing>,
}

struct Backing {
    file: File,
    offset: u64,
    /// Nobody will read the file after this process.
    scratch: bool,
    /// For a copied mapping: the bytes as the file last had them.
    shadow: Option<Mutex<Vec<u8>>>,
}

impl Mapping {
    /// The caller has checked the range, and answers for the contract of [`File::map`].
    pub(super) fn of_file(file: &File, mode: MapMode, offset: u64, len: usize) -> Result<Self> {
        let mut backing = Backing { file: file.clone(), offset, scratch: false, shadow: None };
        if len == 0 {
            return Ok(Self { memory: None, mode, copied: false, backing: Some(backing) });
        }
        let map = file.name(file.backend_file().map(mode, offset, len), || format!("cannot map {len} bytes"))?;
        if map.mode != mode || map.memory.len() != len {
            let message =
                format!("the backend mapped {} bytes as {:?} for {len} as {mode:?}", map.memory.len(), map.mode);
            return Err(Error::new(ErrorKind::Io, message).in_file(file.path()));
        }
        let mut mapping = Self { memory: Some(map.memory), mode, copied: map.copied, backing: None };
        if mapping.copied && mode == MapMode::ReadWrite {
            backing.shadow = Some(Mutex::new(mapping.as_slice().to_vec()));
        }
        mapping.backing = Some(backing);
        Ok(mapping)
    }

    /// Zeroed memory that belongs to no file.
    pub(crate) fn anonymous(len: usize) -> Result<Self> {
        let memory = if len == 0 {
            None
        } else {
            check_len(len)?;
            let memory = MmapOptions::new().len(len).map_anon();
            Some(memory.map_err(|error| Error::io(format!("cannot allocate {len} bytes"), error))?.into())
        };
        Ok(Self { memory, mode: MapMode::ReadWrite, copied: false, backing: None })
    }

    /// Zeroed memory that the system may move out to an unnamed file in `dir`, the system's folder for temporary files by
    /// default, with all its room reserved. The file is gone when the mapping is dropped, or the process ends in any way.
    pub(crate) fn scratch(dir: Option<&Path>, len: usize) -> Result<Self> {
        check_len(len)?;
        let bytes = u64::try_from(len).expect("a length of memory fits 64 bits");
        let file = File::scratch(dir)?;
        let reserved = file.allocate(bytes)?;
        file.set_len(bytes)?;
        if !reserved {
            // A store to the mapping must not find the disk full: this is a safe function.
            file.write_zeros(0, bytes)?;
        }
        // SAFETY: the file has no name by which anybody could open it, and its only handle is inside the mapping, which lends it
        // to nobody.
        let mut mapping = unsafe { file.map(MapMode::ReadWrite, 0, len) }?;
        if let Some(backing) = &mut mapping.backing {
            backing.scratch = true;
        }
        Ok(mapping)
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.memory.as_ref().map_or(0, MmapRaw::len)
    }

    pub(crate) fn mode(&self) -> MapMode {
        self.mode
    }

    /// The first byte, at an address that is a multiple of the page size if the file offset was.
    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.as_mut_ptr().cast_const()
    }

    /// The first byte; not to be stored to if the mode is [`MapMode::Read`].
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.memory.as_ref().map_or_else(|| NonNull::<Aligned>::dangling().as_ptr().cast(), MmapRaw::as_mut_ptr)
    }

    /// All bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the pointer is the begin of `len` mapped and readable bytes that live as long as `self`, or not null
        // and aligned with a length of 0; `len` is at most `isize::MAX`. Nobody stores to them while the slice lives: not
        // through `as_mut_slice`, which borrows `self` mutably, and not from elsewhere, by the contract of `File::map`.
        unsafe { slice::from_raw_parts(self.as_ptr(), self.len()) }
    }

    /// Some bytes, and no reference to any others, which somebody else may be changing.
    ///
    /// # Panics
    ///
    /// If the mapping has not all of them.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.len(), "{range:?} of {} mapped bytes", self.len());
        let begin = self.as_ptr().wrapping_add(range.start);
        // SAFETY: as in `as_slice`, of which this is a part, as was just seen.
        unsafe { slice::from_raw_parts(begin, range.end - range.start) }
    }

    /// All bytes, to change.
    ///
    /// # Panics
    ///
    /// If the mode is [`MapMode::Read`].
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        assert!(self.mode != MapMode::Read, "a read-only mapping was asked for a mutable slice");
        // SAFETY: as in `as_slice`; the pages are writable in every mode but `Read`, and the exclusive borrow of `self`
        // leaves no other slice of them alive.
        unsafe { slice::from_raw_parts_mut(self.as_mut_ptr(), self.len()) }
    }

    /// Waits until every earlier store to the range and the length of the file are on stable storage. Nothing to do for
    /// memory without a lasting file: anonymous, scratch and copy-on-write mappings.
    ///
    /// A failure poisons the file for ever.
    pub(crate) fn flush(&self, offset: usize, len: usize) -> Result<()> {
        self.check_range(offset, len)?;
        let Some(backing) = self.lasting() else { return Ok(()) };
        backing.file.check_poison()?;
        match &self.memory {
            Some(_) if backing.shadow.is_some() => {
                self.write_back_copy(backing, offset, len)?;
                backing.file.flush()
            }
            Some(memory) if len > 0 => {
                let flushed = retry(|| memory.flush_range(offset, len));
                backing.file.poison_on_error(flushed)?;
                if platform::MSYNC_REACHES_THE_DISK { Ok(()) } else { backing.file.flush() }
            }
            _ => backing.file.flush(),
        }
    }

    /// Begins to write back a range and does not wait. Errors show at the next [`flush`](Self::flush).
    pub(crate) fn flush_async(&self, offset: usize, len: usize) -> Result<()> {
        self.check_range(offset, len)?;
        let (Some(backing), Some(memory)) = (self.lasting(), &self.memory) else { return Ok(()) };
        backing.file.check_poison()?;
        if backing.shadow.is_some() || len == 0 {
            return Ok(());
        }
        // On Linux the first call does nothing and the second starts the write-back; elsewhere it is the other way round.
        let begun = retry(|| memory.flush_async_range(offset, len));
        backing.file.poison_on_error(begun)?;
        backing.file.start_writeback(backing.offset + widen(offset), widen(len))
    }

    /// Tells the system how a range will be used.
    pub(crate) fn advise(&self, offset: usize, len: usize, advice: Advice) -> Result<()> {
        self.check_range(offset, len)?;
        let Some(memory) = &self.memory else { return Ok(()) };
        self.name(platform::advise(memory, advice, offset, len), "cannot advise the system of the use of a mapping")
    }

    /// Reads a range into memory ahead of its use, as far as the system can. Where it tries and a page cannot be read, the
    /// error comes here instead of a signal later.
    pub(crate) fn populate(&self, offset: usize, len: usize) -> Result<()> {
        self.check_range(offset, len)?;
        let Some(memory) = &self.memory else { return Ok(()) };
        let populated = retry(|| platform::populate(memory, offset, len));
        if let Ok(true) = populated {
            return Ok(());
        }
        // The system does not populate, or says "bad address" and not why; reads of the file do.
        if let Some(backing) = &self.backing {
            let mut buffer = vec![0; len.min(READ_AHEAD)];
            for at in (offset..offset + len).step_by(READ_AHEAD) {
                let count = READ_AHEAD.min(offset + len - at);
                backing.file.read_exact_at(&mut buffer[..count], backing.offset + widen(at))?;
            }
        }
        self.name(populated.map(drop), "cannot read mapped pages")
    }

    /// Whether this is a mapping of the file that the handle is.
    pub(crate) fn is_of(&self, file: &File) -> bool {
        self.backing.as_ref().is_some_and(|backing| backing.file.is(file))
    }

    /// Whether stores through the mapping and positional reads and writes of its file see each other.
    ///
    /// Who writes through the file keeps the contract of [`File::map`]: no slice of those bytes is alive, the length stays.
    pub(crate) fn is_coherent(&self) -> bool {
        // OpenBSD keeps the two apart until `msync`.
        self.backing.is_some() && self.mode != MapMode::Copy && !self.copied && cfg!(not(target_os = "openbsd"))
    }

    /// Sees that reads of the file find what was stored through a [`MapMode::ReadWrite`] mapping that is a copy. Waits for
    /// nothing; other mappings have nothing to do.
    pub(crate) fn write_back(&self) -> Result<()> {
        let Some(backing) = self.lasting().filter(|backing| backing.shadow.is_some()) else { return Ok(()) };
        backing.file.check_poison()?;
        self.write_back_copy(backing, 0, self.len())
    }

    /// Where a [`MapMode::Copy`] mapping may differ from its file: ranges of bytes, in order, apart from each other, of whole
    /// pages but for the ends of the mapping. Everywhere else it certainly is as the file.
    ///
    /// All of it, where the system does not tell, and for every other mapping.
    pub(crate) fn touched(&self) -> Result<Vec<Range<usize>>> {
        let Some(memory) = &self.memory else { return Ok(Vec::new()) };
        let told = if self.mode == MapMode::Copy && !self.copied { platform::touched(memory) } else { None };
        Ok(told.unwrap_or_else(|| vec![Range { start: 0, end: self.len() }]))
    }

    /// The backing, if stores are to reach a file that outlives the process.
    fn lasting(&self) -> Option<&Backing> {
        self.backing.as_ref().filter(|backing| self.mode == MapMode::ReadWrite && !backing.scratch)
    }

    /// Writes the changed pages of a copied mapping to its file.
    fn write_back_copy(&self, backing: &Backing, offset: usize, len: usize) -> Result<()> {
        let Some(shadow) = &backing.shadow else { return Ok(()) };
        let mut shadow = shadow.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = offset - offset % COMPARED;
        let pages =
            self.as_slice()[begin..offset + len].chunks(COMPARED).zip(shadow[begin..offset + len].chunks_mut(COMPARED));
        // Most pages are as they were, which a comparison of the whole sees sooner than one byte by byte.
        for (index, (now, before)) in pages.enumerate().filter(|(_, (now, before))| now != before) {
            let differs = |at: &usize| now[*at] != before[*at];
            let first = (0..now.len()).find(differs).unwrap_or(0);
            let last = (0..now.len()).rfind(differs).unwrap_or(first);
            // Not the whole page: others of this process may have written the rest of it, such as the header. But whole words: no
            // disk tears one.
            let (first, end) = (first - first % WORD, (last + 1).next_multiple_of(WORD).min(now.len()));
            let at = backing.offset + widen(begin + index * COMPARED + first);
            backing.file.write_all_at(&now[first..end], at).inspect_err(|_| backing.file.poison())?;
            before.copy_from_slice(now);
        }
        Ok(())
    }

    fn check_range(&self, offset: usize, len: usize) -> Result<()> {
        if offset.checked_add(len).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        let message = format!("bytes {offset} + {len} are not inside a mapping of {} bytes", self.len());
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    fn name(&self, result: io::Result<()>, doing: &'static str) -> Result<()> {
        result.map_err(|error| {
            let error = Error::io(doing, error);
            match &self.backing {
                Some(backing) => error.in_file(backing.file.path()),
                None => error,
            }
        })
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.backing.as_ref().map(|backing| backing.file.path());
        f.debug_struct("Mapping").field("len", &self.len()).field("mode", &self.mode).field("path", &path).finish()
    }
}

fn check_len(len: usize) -> Result<()> {
    if isize::try_from(len).is_ok() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge, format!("{len} bytes do not fit the address space")))
}

fn widen(len: usize) -> u64 {
    len as u64
}

/// How often a flush that Windows refuses for a moment is tried again, and how much longer it waits each time: 4 s in all.
const BUSY: u32 = 20;
const PAUSE: Duration = Duration::from_millis(20);

/// Makes a call again that a signal interrupted, or that has to wait for the system.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut busy = 0;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // `ERROR_LOCK_VIOLATION`, while Windows itself writes the same pages back.
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(33) && busy < BUSY => {
                std::thread::sleep(PAUSE * busy);
                busy += 1;
            }
            other => return other,
        }
    }
}
