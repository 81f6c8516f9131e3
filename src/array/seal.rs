//! Checksums of the elements: the table behind them, and the slot that puts it in force.

use super::any::out_of_memory;
use super::body::Body;
use super::door;
use super::ledger::{self, Layout};
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::{CHECKSUM_BLOCK, ChecksumTable, Extent, PAGE, Seal};

/// The blocks of a table have a multiple of so many bytes.
const SMALLEST_BLOCK: u32 = 4096;

impl Body {
    /// The table in force; none where the elements may have changed since they were sealed, or never were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] where the table is damaged.
    pub(crate) fn checksum_table(&self) -> Result<Option<ChecksumTable>> {
        let state = self.ledger.state();
        let (Layout::Native(head), Some(seal)) = (&state.layout, state.slot().and_then(|slot| slot.seal)) else {
            return Ok(None);
        };
        let fail = |error: Error| error.at(seal.table.offset).in_file(self.file.path());
        let longest = ChecksumTable::len_for(self.header.nbytes(), SMALLEST_BLOCK);
        if seal.table.len > longest {
            let message =
                format!("{} bytes of checksums for {} bytes of elements", seal.table.len, self.header.nbytes());
            return Err(fail(Error::new(ErrorKind::Corrupt, message)));
        }
        let len = usize::try_from(seal.table.len).unwrap_or(usize::MAX);
        let mut bytes = bytemuck::allocation::try_zeroed_vec(len).map_err(|()| fail(out_of_memory(seal.table.len)))?;
        self.file.read_exact_at(&mut bytes, seal.table.offset)?;
        let table = ChecksumTable::parse(&bytes).map_err(fail)?;
        table.check_native(&head.preamble, head.slot()).map_err(fail)?;
        Ok(Some(table))
    }

    /// Puts checksums of blocks of [`CHECKSUM_BLOCK`] bytes in force.
    pub(crate) fn seal(&self, sums: Vec<u32>) -> Result<()> {
        // A table in force is not overwritten: half of the new one would pass for damage.
        self.ledger.break_seal()?;
        let mut state = self.ledger.state();
        let Layout::Native(head) = &state.layout else {
            return Err(ledger::unsupported("checksums", &self.header).in_file(self.file.path()));
        };
        let generation = head.slot().generation + 1;
        let table = ChecksumTable {
            uuid: head.preamble.uuid,
            generation,
            body_len: state.header.nbytes(),
            block_len: CHECKSUM_BLOCK,
            sums,
        };
        let bytes = table.to_bytes()?;
        let extent = Extent { offset: state.header.data_end().next_multiple_of(PAGE), len: bytes.len() as u64 };
        let before = state.file.len()?;
        // What lies between the elements and the table is zero.
        let written = state
            .file
            .write_zeros(state.header.data_end(), extent.offset - state.header.data_end())
            .and_then(|()| state.file.write_all_at(&bytes, extent.offset));
        if let Err(error) = written {
            let _ = state.cut_to(before);
            return Err(error);
        }
        state.file.flush()?;
        state.commit_slot(|slot| slot.seal = Some(Seal { table: extent, generation }))?;
        // The next growth begins behind the elements again.
        state.tail_ready = false;
        self.ledger.note_seal(true);
        Ok(())
    }

    /// Sees that the format has checksums.
    pub(crate) fn expect_checksums(&self) -> Result<()> {
        match self.ledger.state().layout {
            Layout::Native(_) => Ok(()),
            _ => Err(ledger::unsupported("checksums", &self.header).in_file(self.file.path())),
        }
    }

    /// Whether the file still announces the checksums that this handle knows; an appender beside it may have ended them.
    pub(crate) fn is_still_sealed(&self) -> Result<bool> {
        let known = self.ledger.state().slot().and_then(|slot| slot.seal);
        let found = door::find(&self.file, &self.ledger.reading)?;
        Ok(matches!(found.layout, Layout::Native(head) if head.slot().seal == known))
    }

    /// What is wrong with the parts of the header that are not in force, as the file has them now.
    pub(crate) fn flaws(&self) -> Result<Vec<Error>> {
        if self.expect_checksums().is_err() {
            return Ok(Vec::new());
        }
        let found = door::find(&self.file, &self.ledger.reading)?;
        let Layout::Native(head) = found.layout else { return Ok(Vec::new()) };
        // A slot of a time when the array was longer is as good as any.
        let damaged = head.slots.into_iter().filter_map(Result::err).filter(|error| error.kind() == ErrorKind::Corrupt);
        Ok(damaged.map(|error| error.in_file(self.file.path())).collect())
    }
}
