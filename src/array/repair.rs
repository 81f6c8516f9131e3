//! What a crash or a careless program has left, put in order.

use std::path::Path;
use std::sync::Arc;

use super::body::Body;
use super::door::Reading;
use super::growth::{growth_axis, row_bytes};
use super::journal;
use super::ledger::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::SLOT_OFFSETS;
use crate::format::raw::RawLayout;
use crate::storage::{Backend, Disk, LockPolicy};

/// What to do with a transaction that was committed and could not be finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JournalChoice {
    /// Put its elements in their places, as the next handle that is opened for writing would.
    #[default]
    Finish,
    /// Give it up without looking at it. Elements that had already been put in their places stay.
    Discard,
}

/// Puts an array file in order: finishes or discards a journal, rewrites a damaged slot, and takes the number of rows from the length
/// of the file.
///
/// ```
/// use outcore::{ArrayFile, RepairOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # outcore::save(&path, &ndarray::array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])?;
///
/// // Somebody has lost the end of the file: 8 bytes of the last row.
/// let len = std::fs::metadata(&path)?.len();
/// std::fs::OpenOptions::new().write(true).open(&path)?.set_len(len - 8)?;
/// assert!(ArrayFile::<f64>::open(&path).is_err());
///
/// let done = RepairOptions::new().rows_from_size(true).repair(&path)?;
/// assert_eq!(done.len(), 2);                             // the rows, and 8 bytes that were cut off
/// assert_eq!(ArrayFile::<f64>::open(&path)?.shape(), [2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RepairOptions {
    reading: Reading,
    journal: JournalChoice,
    rows_from_size: bool,
    dry_run: bool,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl RepairOptions {
    /// The defaults: a journal is finished, and the number of rows is the one that the header states.
    pub fn new() -> Self {
        let mut reading = Reading::new(Arc::new(Disk), LockPolicy::default());
        reading.any_length = true;
        Self { reading, journal: JournalChoice::default(), rows_from_size: false, dry_run: false }
    }

    /// What to do with a pending transaction.
    #[must_use]
    pub fn journal(mut self, choice: JournalChoice) -> Self {
        self.journal = choice;
        self
    }

    /// Whether the array is to have as many rows as the file has whole ones, more or fewer than its header states. Bytes of a row that is
    /// not whole are cut off.
    #[must_use]
    pub fn rows_from_size(mut self, rows_from_size: bool) -> Self {
        self.rows_from_size = rows_from_size;
        self
    }

    /// Whether to say what would be done, and to change nothing.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Takes the file as elements without a header.
    #[must_use]
    pub fn raw(mut self, layout: RawLayout) -> Self {
        self.reading.raw = Some(layout);
        self
    }

    /// Whether to take a lock; advisory by default.
    #[must_use]
    pub fn lock(mut self, policy: LockPolicy) -> Self {
        self.reading.lock = policy;
        self
    }

    /// The longest header to accept, in characters; see [`OpenOptions::max_header`](crate::OpenOptions::max_header).
    #[must_use]
    pub fn max_header(mut self, characters: usize) -> Self {
        self.reading.max_header = characters;
        self
    }

    /// The file system to use instead of the real one.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.reading.backend = backend;
        self
    }

    /// Repairs the file, and says what was done, one line each; nothing where there was nothing to do.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](ErrorKind::Corrupt) where the header cannot be read at all, or the journal is not this file's;
    /// [`Truncated`](ErrorKind::Truncated) where rows are missing and [`rows_from_size`](Self::rows_from_size) was not asked for;
    /// [`Locked`](ErrorKind::Locked), and those of writing.
    pub fn repair(&self, path: impl AsRef<Path>) -> Result<Vec<String>> {
        let path = path.as_ref();
        let body = Body::open_damaged(&self.reading, path, !self.dry_run)?;
        let mut done = Vec::new();
        self.mend_slots(&body, &mut done)?;
        self.settle_journal(&body, &mut done)?;
        self.settle_rows(&body, &mut done)?;
        Ok(done)
    }

    /// Writes the slot in force over one that is damaged.
    fn mend_slots(&self, body: &Body, done: &mut Vec<String>) -> Result<()> {
        let state = body.ledger.state();
        let Layout::Native(head) = &state.layout else { return Ok(()) };
        for (slot, offset) in head.slots.iter().zip(SLOT_OFFSETS) {
            if matches!(slot, Err(error) if error.kind() == ErrorKind::Corrupt) {
                let generation = head.slot().generation;
                done.push(format!(
                    "the damaged slot at byte {offset} becomes a copy of the other, generation {generation}"
                ));
                if !self.dry_run {
                    state.file.write_all_at(&head.slot().to_bytes(&head.preamble)?, offset)?;
                    state.file.flush()?;
                }
            }
        }
        Ok(())
    }

    fn settle_journal(&self, body: &Body, done: &mut Vec<String>) -> Result<()> {
        if self.journal == JournalChoice::Discard {
            if journal::discard(&body.ledger, self.dry_run)? {
                done.push("the pending transaction is given up".into());
            }
            return Ok(());
        }
        if let Some(pending) = journal::pending(&body.ledger)? {
            done.push(format!(
                "the pending transaction is finished: {} blocks are put in their places",
                pending.blocks()
            ));
            if !self.dry_run {
                journal::finish(&body.ledger, &pending)?;
            }
        }
        Ok(())
    }

    fn settle_rows(&self, body: &Body, done: &mut Vec<String>) -> Result<()> {
        let mut state = body.ledger.state();
        let (len, end) = (state.file.len()?, state.header.data_end());
        let content_end = state.content_end();
        if len == content_end || (len < end && state.header.nbytes() == 0) {
            return Ok(());
        }
        if !self.rows_from_size {
            if len < end {
                let message = format!("the elements end at byte {end}, and the file at byte {len}");
                return Err(Error::new(ErrorKind::Truncated, message)
                    .at(len)
                    .with_hint("ask for the number of rows to be taken from the size of the file")
                    .in_file(state.file.path()));
            }
            // In other formats they may be somebody's.
            if matches!(state.layout, Layout::Native(_)) && len > content_end {
                done.push(format!("{} bytes behind the content are cut off", len - content_end));
                if !self.dry_run {
                    state.file.set_len(content_end)?;
                    state.file.flush()?;
                }
            }
            return Ok(());
        }
        let axis = growth_axis(state.order, state.header.shape())?;
        let behind = len.saturating_sub(state.header.data_offset());
        let Some(rows) = behind.checked_div(row_bytes(&state.header, axis)?) else { return Ok(()) };
        let found = state.header.shape()[axis];
        // What follows the elements of a native file need not be rows.
        let rows = if matches!(state.layout, Layout::Native(_)) { rows.min(found) } else { rows };
        // Behind the elements of a sealed file there are checksums, and no rows.
        if content_end > end && len >= content_end {
            return Ok(());
        }
        let header = state.header.with_len(axis, rows, state.order)?;
        let rest = len.saturating_sub(header.data_end());
        if rows != found {
            done.push(format!(
                "the array has {rows} rows, as many as the file has whole ones; its header stated {found}"
            ));
        }
        if rest > 0 {
            done.push(format!("{rest} bytes of a row that is not whole are cut off"));
        }
        if self.dry_run || (rows == found && rest == 0) {
            return Ok(());
        }
        state.header = header;
        if state.slot().is_some_and(|slot| slot.seal.is_some()) {
            state.commit_slot(|slot| slot.seal = None)?;
        }
        state.announce()?;
        let end = state.header.data_end();
        if state.file.len()? > end {
            state.file.set_len(end)?;
            state.file.flush()?;
        }
        Ok(())
    }
}
