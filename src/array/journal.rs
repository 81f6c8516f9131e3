//! Many elements changed at once or not at all: a journal of the new bytes is on the disk before the first old one is overwritten.
//!
//! A native file holds its journal behind the body and announces it by a slot; other formats have it in a file beside their own.
//! Redo, not undo, since the system may write a page of a mapping whenever it likes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::any::out_of_memory;
use super::body::Body;
use super::door::{Intent, Reading};
use super::ledger::{Layout, Ledger, State};
use super::stage::within;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::native::{Extent, Journal, JournalBlock, PAGE, PAGE_LEN};
use crate::storage::{self, Access, File};

/// A journal that was found, checked as far as it goes without its target.
#[derive(Debug)]
pub(crate) struct Pending {
    journal: Journal,
    source: File,
    /// Where the bytes of each block begin in the source.
    places: Vec<u64>,
    /// The file beside the target that holds it; none for a native file.
    sidecar: Option<PathBuf>,
}

impl Pending {
    /// Reads the journal that a slot announces.
    fn in_tail(file: &File, extent: Extent) -> Result<Self> {
        Self::read(file, extent, None)
    }

    /// Reads the journal beside a file, if there is one.
    fn beside(ledger: &Ledger, target: &File) -> Result<Option<Self>> {
        let backend = &ledger.reading.backend;
        let sidecar = match storage::sidecar(backend, target.path()) {
            // Open, and without a name in any folder: nothing can lie beside it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            sidecar => sidecar?,
        };
        let Some(source) = storage::open_sidecar(backend, &sidecar, Access::Read)? else { return Ok(None) };
        let extent = Extent { offset: 0, len: source.len()? };
        Self::read(&source, extent, Some(sidecar)).map(Some)
    }

    fn read(source: &File, extent: Extent, sidecar: Option<PathBuf>) -> Result<Self> {
        let fail = |error: Error| error.with_hint(DISCARD).in_file(source.path());
        let read = |len: u64| -> Result<Vec<u8>> {
            let len = usize::try_from(len.min(extent.len)).unwrap_or(usize::MAX);
            let mut bytes = bytemuck::allocation::try_zeroed_vec(len).map_err(|()| out_of_memory(len as u64))?;
            source.read_exact_at(&mut bytes, extent.offset)?;
            Ok(bytes)
        };
        let head = read(Journal::HEADER_LEN as u64)?;
        let len = Journal::index_len(&head, extent.len).map_err(fail)?;
        check_index(source, extent.offset, len).map_err(fail)?;
        let journal = Journal::parse(&read(len)?, extent.len).map_err(fail)?;
        let mut place = extent.offset + journal.data_offset();
        let places = journal
            .blocks
            .iter()
            .map(|block| {
                place += u64::from(block.len);
                place - u64::from(block.len)
            })
            .collect();
        Ok(Self { journal, source: source.clone(), places, sidecar })
    }

    fn corrupt(&self, message: String) -> Error {
        Error::new(ErrorKind::Corrupt, message).with_hint(DISCARD).in_file(self.source.path())
    }

    /// Sees that the journal belongs to this file as it is now.
    fn check(&self, target: &File, header: &Header) -> Result<()> {
        if self.journal.data_end != header.data_end() {
            let (found, expected) = (self.journal.data_end, header.data_end());
            return Err(self.corrupt(format!(
                "the journal is for elements that end at byte {found}, and those of the array end at byte {expected}"
            )));
        }
        let beside = self.sidecar.is_some();
        if beside && self.journal.head_crc != head_crc(target, header)? {
            return Err(self.of_another());
        }
        // Some file systems number their files anew each time they are mounted, and copies have other numbers, too. A file that
        // the transaction has begun to change is the one that was meant, whatever its number.
        let renumbered = beside && self.journal.generation != target.id()?;
        let mut fits = !renumbered;
        let mut now = [0; PAGE_LEN];
        for index in 0..self.journal.blocks.len() {
            let (block, new) = self.block(index)?;
            if block.offset < header.data_offset() || block.offset + u64::from(block.len) > header.data_end() {
                return Err(self.corrupt(format!("block {index} of the journal lies outside the elements")));
            }
            let now = &mut now[..new.len()];
            target.read_exact_at(now, block.offset)?;
            fits = fits || block.has_begun(now);
            if !block.admits(now, &new) {
                if renumbered {
                    return Err(self.of_another());
                }
                return Err(self
                    .corrupt(format!(
                        "the bytes at {} are neither those before nor those after the transaction: another program has \
                         written them since",
                        block.offset
                    ))
                    .at(block.offset));
            }
        }
        if fits { Ok(()) } else { Err(self.of_another()) }
    }

    fn of_another(&self) -> Error {
        let message = "the journal beside the file belongs to another one that had this name";
        Error::new(ErrorKind::Corrupt, message)
            .with_hint(
                "if the other one was renamed, rename its journal to .NEWNAME.outcore-journal; \
                 `outcore repair --discard-journal` gives the transaction up",
            )
            .in_file(self.source.path())
    }

    /// A block and its new bytes.
    fn block(&self, index: usize) -> Result<(&JournalBlock, Vec<u8>)> {
        let block = &self.journal.blocks[index];
        let mut new = vec![0; block.len as usize];
        self.source.read_exact_at(&mut new, self.places[index])?;
        if block.check_new(&new) {
            return Ok((block, new));
        }
        Err(self.corrupt(format!("the checksum of block {index} of the journal is wrong")).at(self.places[index]))
    }

    /// Shows the new bytes in those of the file from `offset` on.
    pub(crate) fn overlay(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let end = offset + bytes.len() as u64;
        let blocks = &self.journal.blocks;
        let first = blocks.partition_point(|block| block.offset + u64::from(block.len) <= offset);
        let last = blocks.partition_point(|block| block.offset < end);
        for index in first..last {
            let (block, new) = self.block(index)?;
            let (from, to) = (block.offset.max(offset), (block.offset + new.len() as u64).min(end));
            bytes[within(offset, from, to)].copy_from_slice(&new[within(block.offset, from, to)]);
        }
        Ok(())
    }

    /// Puts the new bytes in their places, durably.
    fn replay(&self, target: &File) -> Result<()> {
        for index in 0..self.journal.blocks.len() {
            let (block, new) = self.block(index)?;
            target.write_all_at(&new, block.offset)?;
        }
        target.flush()
    }

    pub(crate) fn blocks(&self) -> usize {
        self.journal.blocks.len()
    }
}

const DISCARD: &str = "`outcore repair --discard-journal` gives the transaction up";

/// Reads the index of a journal once through a small buffer, so that memory is only taken for one that is real.
fn check_index(source: &File, begin: u64, len: u64) -> Result<()> {
    const ENTRY: usize = Journal::ENTRY_LEN;
    let mut buffer = vec![0; 1024 * ENTRY];
    let (mut at, mut last) = (Journal::HEADER_LEN as u64, None);
    while at < len {
        let part = &mut buffer[within(0, 0, (len - at).min(1024 * ENTRY as u64))];
        source.read_exact_at(part, begin + at)?;
        for entry in part.chunks_exact(ENTRY) {
            let offset = entry.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            if last.is_some_and(|last| offset <= last) {
                let message = "the blocks of the journal are not in order";
                return Err(Error::new(ErrorKind::Corrupt, message).at(begin + at));
            }
            last = Some(offset);
        }
        at += part.len() as u64;
    }
    Ok(())
}

/// The checksum of what precedes the elements, by which a journal knows its file.
fn head_crc(target: &File, header: &Header) -> Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = [0; PAGE_LEN];
    let mut at = 0;
    while at < header.data_offset() {
        let part = within(0, 0, (header.data_offset() - at).min(PAGE));
        target.read_exact_at(&mut buffer[part.clone()], at)?;
        hasher.update(&buffer[part.clone()]);
        at += part.len() as u64;
    }
    Ok(hasher.finalize())
}

/// The journal that is pending in a file or beside it, seen to belong to it.
pub(crate) fn pending(ledger: &Ledger) -> Result<Option<Pending>> {
    let state = ledger.state();
    let pending = match &state.layout {
        Layout::Native(head) => match head.slot().journal {
            Some(extent) => {
                let pending = Pending::in_tail(&state.file, extent)?;
                let fail = |error: Error| error.with_hint(DISCARD).in_file(state.file.path());
                pending.journal.check_native(&head.preamble, head.slot()).map_err(fail)?;
                Some(pending)
            }
            None => None,
        },
        Layout::Npy | Layout::Raw => Pending::beside(ledger, &state.file)?,
    };
    if let Some(pending) = &pending {
        pending.check(&state.file, &state.header)?;
    }
    Ok(pending)
}

/// Finishes a pending transaction in a file that is open for writing, with everybody else kept out.
pub(crate) fn finish(ledger: &Ledger, pending: &Pending) -> Result<()> {
    let mut state = ledger.state();
    pending.replay(&state.file)?;
    forget(ledger, &mut state, pending.sidecar.clone())
}

/// Ends the journal, whose blocks are in place.
fn forget(ledger: &Ledger, state: &mut State, sidecar: Option<PathBuf>) -> Result<()> {
    match sidecar {
        Some(sidecar) => storage::remove_sidecar(&ledger.reading.backend, &sidecar),
        None => {
            state.commit_slot(|slot| slot.journal = None)?;
            // The bytes behind the body mean nothing from here on, also where the file cannot be cut.
            state.cut_slack();
            Ok(())
        }
    }
}

/// Finishes what is pending beside a file that is about to be replaced, so that nothing is left for the new one, nor where there is
/// no file any more. One that is there and not to be replaced is not touched.
pub(crate) fn settle(reading: &Reading, path: &Path, replace: bool) -> Result<()> {
    let backend = &reading.backend;
    let found = backend.resolve(path).map_err(|error| Error::io("cannot create", error).in_file(path))?;
    if found.is_some() && !replace {
        return Ok(());
    }
    let sidecar = match storage::sidecar(backend, path) {
        // No file can have that name, which the caller says better.
        Err(error) if error.kind() == ErrorKind::NotAFile => return Ok(()),
        sidecar => sidecar?,
    };
    if storage::open_sidecar(backend, &sidecar, Access::Read)?.is_none() {
        return Ok(());
    }
    match Body::open(reading, path, Intent::Write).map_err(|error| (error.kind(), error)) {
        // A file that is no array is none whose content would be missed.
        Ok(_)
        | Err((
            ErrorKind::NotFound
            | ErrorKind::UnknownFormat
            | ErrorKind::Corrupt
            | ErrorKind::Truncated
            | ErrorKind::HeaderTooLarge
            | ErrorKind::Unsupported,
            _,
        )) => storage::remove_sidecar(backend, &sidecar),
        Err((_, error)) => Err(error),
    }
}

/// Gives up a pending transaction, without looking at it, unless this is a rehearsal. Whether there is one.
pub(crate) fn discard(ledger: &Ledger, rehearsal: bool) -> Result<bool> {
    let mut state = ledger.state();
    let native = matches!(state.layout, Layout::Native(_));
    if native {
        if state.slot().and_then(|slot| slot.journal).is_none() {
            return Ok(false);
        }
        if !rehearsal {
            forget(ledger, &mut state, None)?;
        }
        return Ok(true);
    }
    let sidecar = storage::sidecar(&ledger.reading.backend, state.file.path())?;
    if storage::open_sidecar(&ledger.reading.backend, &sidecar, Access::Read)?.is_none() {
        return Ok(false);
    }
    if !rehearsal {
        forget(ledger, &mut state, Some(sidecar))?;
    }
    Ok(true)
}

impl Body {
    /// Changes blocks of elements all at once or not at all; `new` has the bytes of each, as long as the block.
    ///
    /// If this fails before the journal is complete, nothing has happened; if later, the handle is poisoned and the next one that is
    /// opened for writing finishes.
    pub(crate) fn change<'a>(&self, blocks: Vec<JournalBlock>, new: impl Fn(&JournalBlock) -> &'a [u8]) -> Result<()> {
        if blocks.is_empty() {
            return Ok(());
        }
        let ledger = Arc::clone(&self.ledger);
        let _writing = ledger.writing()?;
        let mut state = ledger.state();
        self.check_current(&state)?;
        let (uuid, generation, head_crc) = match &state.layout {
            Layout::Native(head) => (head.preamble.uuid, head.slot().generation + 1, 0),
            Layout::Npy | Layout::Raw => ([0; 16], state.file.id()?, head_crc(&state.file, &state.header)?),
        };
        let journal = Journal { uuid, generation, data_end: state.header.data_end(), head_crc, blocks };
        let write = |file: &File, at: u64| {
            let index = journal.to_bytes()?;
            file.allocate(at + journal.len())?;
            file.write_all_at(&index, at)?;
            let mut at = at + index.len() as u64;
            for block in &journal.blocks {
                file.write_all_at(new(block), at)?;
                at += u64::from(block.len);
            }
            Ok(())
        };
        let sidecar = if let Layout::Native(_) = state.layout {
            let extent = Extent { offset: state.content_end().next_multiple_of(PAGE), len: journal.len() };
            let before = state.file.len()?;
            if let Err(error) = write(&state.file, extent.offset) {
                let _ = state.cut_to(before);
                return Err(error);
            }
            state.file.flush()?;
            state.commit_slot(|slot| slot.journal = Some(extent))?;
            None
        } else {
            let backend = &ledger.reading.backend;
            // The journal is looked for beside the path that leads to the file.
            if !storage::leads_to(backend, state.file.path(), &state.file)? {
                return Err(Error::new(ErrorKind::NotFound, "the path of this handle leads to another file now")
                    .with_hint("open the file again by the path that it has")
                    .in_file(state.file.path()));
            }
            let sidecar = storage::sidecar(backend, state.file.path())?;
            if let Err(error) = storage::write_sidecar(backend, &sidecar, &state.file, |file| write(file, 0)) {
                // It may have its name, and not for certain.
                if !matches!(storage::open_sidecar(backend, &sidecar, Access::Read), Ok(None)) {
                    state.file.poison();
                }
                return Err(error);
            }
            Some(sidecar)
        };
        // The transaction has happened. What follows only moves it.
        let moved = journal
            .blocks
            .iter()
            .try_for_each(|block| state.file.write_all_at(new(block), block.offset))
            .and_then(|()| state.file.flush())
            .and_then(|()| forget(&ledger, &mut state, sidecar));
        moved.map_err(|error| {
            state.file.poison();
            error.with_hint("the transaction is in the journal: open the file for writing again to finish it")
        })
    }
}
