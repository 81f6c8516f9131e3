//! The four pages before the elements, taken together.

use super::{Attributes, HEAD_LEN, PAGE_LEN, Preamble, SLOT_OFFSETS, Slot, corrupt, is_zero};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Format, Header};
use crate::shape::MAX_NDIM;

/// The four pages before the elements: a preamble, two slots of which one counts, and a page in reserve.
#[derive(Debug)]
pub struct Head {
    /// What never changes.
    pub preamble: Preamble,
    /// The slots, or why one cannot be used.
    pub slots: [Result<Slot>; 2],
    /// Which of them counts.
    pub active: usize,
}

impl Head {
    /// The head of a new file, in generation 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the number of axes is not that of the preamble, and those of [`Slot::to_bytes`].
    pub fn new(preamble: Preamble, shape: Vec<u64>, attrs: Attributes) -> Result<Self> {
        if shape.len() != preamble.ndim || shape.len() > MAX_NDIM {
            let message = format!("a shape of {} axes for a file of {}", shape.len(), preamble.ndim);
            return Err(Error::new(ErrorKind::Shape, message));
        }
        let slot = Slot { generation: 1, shape, journal: None, seal: None, attrs };
        slot.to_bytes(&preamble)?;
        Ok(Self { preamble, slots: [Ok(slot.clone()), Ok(slot)], active: 0 })
    }

    /// Reads a head; `bytes` are the first [`HEAD_LEN`] bytes of the file, or all of them if it has fewer, and `file_len` is
    /// its length.
    ///
    /// Of two slots the one with the greater generation counts. A slot that is damaged or breaks a rule is passed over.
    ///
    /// # Errors
    ///
    /// Those of [`Preamble::parse`]; [`ErrorKind::Truncated`] where the file ends before its elements or its journal;
    /// [`ErrorKind::Unsupported`] where a whole slot has flags that a later version has added;
    /// [`ErrorKind::Corrupt`] where no slot can be used, where two differ in one generation, and where the page in reserve is
    /// not zero.
    pub fn parse(bytes: &[u8], file_len: u64) -> Result<Self> {
        let preamble = Preamble::parse(bytes)?;
        let Some(bytes) = bytes.get(..HEAD_LEN) else {
            let message = format!("the file ends in its head: expected {HEAD_LEN} bytes, found {}", bytes.len());
            return Err(Error::new(ErrorKind::Truncated, message).at(bytes.len() as u64));
        };
        let reserved = &bytes[HEAD_LEN - PAGE_LEN..];
        if preamble.is_of_known_version() && !is_zero(reserved) {
            let message = "the reserved page is not zero";
            return Err(corrupt(message).at((HEAD_LEN - PAGE_LEN) as u64));
        }
        let pages = [&bytes[PAGE_LEN..2 * PAGE_LEN], &bytes[2 * PAGE_LEN..3 * PAGE_LEN]];
        let read = |index: usize| -> Result<Slot> { Slot::parse_at(&preamble, pages[index], SLOT_OFFSETS[index]) };
        let (active, slots) = match [read(0), read(1)] {
            // What a later version has written is not for this one to pass over.
            [Err(error), _] | [_, Err(error)] if error.kind() == ErrorKind::Unsupported => return Err(error),
            [Ok(a), Ok(b)] if a.generation == b.generation && pages[0] != pages[1] => {
                let message = format!("two slots of generation {} differ", a.generation);
                return Err(corrupt(message).at(SLOT_OFFSETS[1]));
            }
            [Ok(a), Ok(b)] => (usize::from(b.generation > a.generation), [Ok(a), Ok(b)]),
            [a @ Ok(_), b] => (0, [a, b]),
            [a, b @ Ok(_)] => (1, [a, b]),
            [Err(a), Err(b)] => {
                return Err(corrupt(format!("neither slot can be used: {a}; {b}")).at(SLOT_OFFSETS[0]));
            }
        };
        let head = Self { preamble, slots, active };
        // Elements are on the disk before a slot speaks of them: where they are gone, the other slot is not what is left, but what
        // was long ago.
        let end = head.slot().data_end(&head.preamble);
        if end > file_len {
            let message = format!("the elements end at byte {end} of a file of {file_len} bytes");
            return Err(Error::new(ErrorKind::Truncated, message).at(file_len).with_hint(
                "the file has lost its end; `outcore repair --rows-from-size` keeps the rows that are whole",
            ));
        }
        // The journal came before the slot: where it is gone, bytes have been lost, and they may be half of a change.
        match head.slot().journal.map(|journal| (journal, journal.end())) {
            Some((journal, end)) if end.is_none_or(|end| end > file_len) => {
                let message = format!(
                    "the file ends in its journal: expected {} bytes from byte {} on, found a file of {file_len} bytes",
                    journal.len, journal.offset
                );
                Err(Error::new(ErrorKind::Truncated, message).at(file_len))
            }
            _ => Ok(head),
        }
    }

    /// The slot that counts.
    ///
    /// # Panics
    ///
    /// Where `active` names a slot that cannot be used; [`Head::new`] and [`Head::parse`] never do.
    pub fn slot(&self) -> &Slot {
        match &self.slots[self.active] {
            Ok(slot) => slot,
            Err(error) => panic!("the active slot cannot be used: {error}"),
        }
    }

    /// What the file says of its array.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] where the elements end beyond 2^63 bytes, which no head that was read says.
    pub fn header(&self) -> Result<Header> {
        let (preamble, slot) = (&self.preamble, self.slot());
        let [major, minor] = <[u16; 2]>::from(preamble.version).map(|part| u8::try_from(part).unwrap_or(u8::MAX));
        let (dtype, shape) = (preamble.dtype.clone(), slot.shape.clone());
        Header::new(Format::Native, Some((major, minor)), dtype, shape, preamble.order, preamble.data_offset)
    }

    /// The four pages; a slot that cannot be used becomes a copy of the one that counts.
    ///
    /// # Errors
    ///
    /// Those of [`Preamble::to_bytes`] and [`Slot::to_bytes`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = self.preamble.to_bytes()?;
        for slot in &self.slots {
            bytes.extend(slot.as_ref().unwrap_or_else(|_| self.slot()).to_bytes(&self.preamble)?);
        }
        bytes.resize(HEAD_LEN, 0);
        Ok(bytes)
    }
}
