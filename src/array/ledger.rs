//! What a file announces of its length, and how it comes to announce another one: one account for all clones of a handle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::door::{Found, Reading};
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::{Attributes, Head, SECTOR, SLOT_OFFSETS, Slot};
use crate::format::{Header, npy};
use crate::shape::Order;
use crate::storage::File;

/// When rows that were appended become part of the array for everybody, power failures included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Commit {
    /// Before each call that grows the array returns: it waits for the disk twice.
    #[default]
    Always,
    /// At `flush` and `close`, for all rows since the last one: fit for many small appends. Rows of a program that dies before
    /// are not in the array; a handle that is dropped tries its best.
    AtFlush,
}

/// How a format announces its length.
#[derive(Debug)]
pub(crate) enum Layout {
    /// In the slot that is not active.
    Native(Box<Head>),
    /// In the text of the header.
    Npy,
    /// By the length of the file.
    Raw,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) reading: Reading,
    /// Whether checksums of the body are in force, which the first write ends.
    sealed: AtomicBool,
    gate: RwLock<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) file: File,
    /// With the rows that are written and not announced.
    pub(crate) header: Header,
    /// The order that says which axis grows; kept where both orders are the same.
    pub(crate) order: Order,
    pub(crate) layout: Layout,
    pub(crate) commit: Commit,
    /// There are rows that the file does not announce.
    pub(crate) pending: bool,
    /// What lay behind the last element has been seen to, and may be overwritten.
    pub(crate) tail_ready: bool,
    /// The end of the room reserved ahead of need.
    pub(crate) ahead: u64,
    /// The end of the room that the caller asked for.
    pub(crate) kept: u64,
    /// The file may be longer than its content, and is cut when the last handle goes.
    pub(crate) slack: bool,
}

impl Ledger {
    pub(crate) fn new(file: File, reading: Reading, found: Found) -> Self {
        let Found { header, order, layout } = found;
        let sealed = matches!(&layout, Layout::Native(head) if head.slot().seal.is_some());
        let state = State {
            file,
            header,
            order,
            layout,
            commit: reading.commit,
            pending: false,
            tail_ready: false,
            ahead: 0,
            kept: 0,
            slack: false,
        };
        Self { reading, sealed: AtomicBool::new(sealed), gate: RwLock::new(()), state: Mutex::new(state) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be held while the body changes: a seal that was in force ends first, and none is made meanwhile.
    pub(crate) fn writing(&self) -> Result<RwLockReadGuard<'_, ()>> {
        let guard = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        self.break_seal()?;
        Ok(guard)
    }

    /// To be held while checksums are made: nobody of this process changes the body meanwhile.
    pub(crate) fn sealing(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the seal, durably, before the first byte of the body or the tail changes.
    pub(crate) fn break_seal(&self) -> Result<()> {
        if !self.is_sealed() {
            return Ok(());
        }
        let mut state = self.state();
        // Another thread may have come first.
        if self.is_sealed() {
            // In both slots: were the newer one damaged, the older would call elements damaged that were only written.
            state.commit_slot(|slot| slot.seal = None)?;
            state.commit_slot(|_| ())?;
            self.note_seal(false);
            // The table means nothing from here on.
            if state.file.holds_write() {
                state.cut_slack();
            }
        }
        Ok(())
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// Follows a slot that was committed with or without a seal.
    pub(crate) fn note_seal(&self, sealed: bool) {
        self.sealed.store(sealed, Ordering::Release);
    }
}

impl State {
    /// The slot in force, of a native file.
    pub(crate) fn slot(&self) -> Option<&Slot> {
        match &self.layout {
            Layout::Native(head) => Some(head.slot()),
            Layout::Npy | Layout::Raw => None,
        }
    }

    pub(crate) fn attrs(&self) -> Attributes {
        self.slot().map(|slot| slot.attrs.clone()).unwrap_or_default()
    }

    /// Where the content ends that must not be lost: the elements, and the checksums behind them.
    pub(crate) fn content_end(&self) -> u64 {
        let table = self.slot().and_then(|slot| slot.seal).map_or(0, |seal| seal.table.offset + seal.table.len);
        self.header.data_end().max(table)
    }

    /// Makes the number of rows that are written the one that the file announces, durably. A failure poisons the file: the rows are
    /// neither announced nor forgotten.
    pub(crate) fn announce(&mut self) -> Result<()> {
        self.try_announce().inspect_err(|_| self.file.poison())?;
        self.pending = false;
        Ok(())
    }

    fn try_announce(&mut self) -> Result<()> {
        self.file.flush()?;
        match &self.layout {
            Layout::Native(_) => {
                let shape = self.header.shape().to_vec();
                self.commit_slot(|slot| slot.shape = shape)
            }
            Layout::Npy => {
                let Some((at, bytes)) = self.header_change(&self.header)? else {
                    return Err(Error::new(ErrorKind::NoRoom, "the header has no room for the new shape")
                        .in_file(self.file.path()));
                };
                if bytes.is_empty() {
                    return Ok(());
                }
                self.file.write_all_at(&bytes, at)?;
                self.file.flush()
            }
            Layout::Raw => Ok(()),
        }
    }

    /// Commits the next generation, in the slot that is not active. A failure poisons the file: nobody knows which slot is on
    /// the disk.
    pub(crate) fn commit_slot(&mut self, change: impl FnOnce(&mut Slot)) -> Result<()> {
        let Layout::Native(head) = &mut self.layout else {
            return Err(unsupported("slots", &self.header).in_file(self.file.path()));
        };
        let mut slot = head.slot().clone();
        slot.generation += 1;
        change(&mut slot);
        let bytes = slot.to_bytes(&head.preamble).map_err(|error| error.in_file(self.file.path()))?;
        let inactive = 1 - head.active;
        self.file
            .write_all_at(&bytes, SLOT_OFFSETS[inactive])
            .and_then(|()| self.file.flush())
            .inspect_err(|_| self.file.poison())?;
        head.slots[inactive] = Ok(slot);
        head.active = inactive;
        Ok(())
    }

    /// The bytes of a `.npy` header that differ from those in the file, and where they belong. None where there is no room, or
    /// where a crash could leave half of them: a disk writes sectors, not files.
    pub(crate) fn header_change(&self, header: &Header) -> Result<Option<(u64, Vec<u8>)>> {
        let (end, version) = (header.data_offset(), header.version().unwrap_or((1, 0)));
        let new = match npy::header_in(end, version, header.dtype(), header.shape(), header.order()) {
            Ok(new) => new,
            Err(error) if error.kind() == ErrorKind::TooLarge => return Ok(None),
            Err(error) => return Err(error.in_file(self.file.path())),
        };
        let mut old = vec![0; new.len()];
        self.file.read_exact_at(&mut old, 0)?;
        let differs = |index: &usize| old[*index] != new[*index];
        let Some(first) = (0..new.len()).find(differs) else { return Ok(Some((0, Vec::new()))) };
        let last = (0..new.len()).rfind(differs).unwrap_or(first);
        let one_sector = first / SECTOR == last / SECTOR;
        Ok(one_sector.then(|| (first as u64, new[first..=last].to_vec())))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !state.file.is_writable() || state.file.check_poison().is_err() {
            return;
        }
        // Nobody is left to tell; `flush` and `close` do.
        if state.pending && state.announce().is_err() {
            return;
        }
        if state.slack {
            state.cut_slack();
        }
    }
}

/// Something that only the native format has.
pub(crate) fn unsupported(what: &str, header: &Header) -> Error {
    let format = header.format().name();
    Error::new(ErrorKind::Unsupported, format!("{format} files have no {what}"))
        .with_hint("convert the file to the native format (.oca)")
}
