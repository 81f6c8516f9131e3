//! Changes that are decided and may not be in place yet: what a transaction leaves behind until it has ended.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{PAGE, Preamble, SECTOR, Slot, TAIL_HEADER, corrupt, crc32, is_zero, mismatch};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 8] = *b"OCA JRNL";

/// Where the checksum of header and index stands.
const CRC: usize = TAIL_HEADER - 4;

/// Bytes of one entry of the index.
const ENTRY: usize = size_of::<RawBlock>();

/// Sectors of a page.
const SECTORS: usize = 8;

/// What a journal says of itself and of each block; the new bytes follow in the file.
///
/// Positions in its errors are left to the caller, who knows where the journal lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The uuid of the array; zero beside a file of another format.
    pub uuid: [u8; 16],
    /// The generation of the slot that announces the journal; beside a file of another format, the number of its inode, or 0.
    pub generation: u64,
    /// Where the elements of the array end, in bytes from the beginning of its file.
    pub data_end: u64,
    /// Zero; beside a file of another format, the CRC-32 of its bytes before the elements.
    pub head_crc: u32,
    /// The changes, in ascending order.
    pub blocks: Vec<JournalBlock>,
}

/// One change: bytes of one page of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalBlock {
    /// Where the bytes go, from the beginning of the file.
    pub offset: u64,
    /// Bytes, all in one page of the file.
    pub len: u32,
    /// The CRC-32 of the new bytes.
    pub crc: u32,
    /// The CRC-32 of the old bytes in each sector of the page; 0 for a sector without any.
    pub old: [u32; SECTORS],
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    uuid: [u8; 16],
    generation: U64,
    data_end: U64,
    head_crc: U32,
    zero: [u8; 4],
    count: U64,
    zero_too: [u8; 4],
    crc: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawBlock {
    offset: U64,
    len: U32,
    crc: U32,
    old: [U32; SECTORS],
}

const _: () = assert!(size_of::<Raw>() == TAIL_HEADER && ENTRY == 48);

impl Journal {
    /// Bytes of the header.
    pub const HEADER_LEN: usize = TAIL_HEADER;

    /// Bytes of an entry of the index.
    pub const ENTRY_LEN: usize = ENTRY;

    /// Bytes of header and index, from the header; `available` is what the journal has in the file.
    ///
    /// What the header claims is checked against what there is, before anyone makes room for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] for less than a header, [`ErrorKind::Corrupt`] for what is none or claims more than there is.
    pub fn index_len(header: &[u8], available: u64) -> Result<u64> {
        let header = header.get(..TAIL_HEADER).filter(|_| available >= TAIL_HEADER as u64).ok_or_else(|| {
            let message =
                format!("a journal of {} bytes; its header has {TAIL_HEADER}", available.min(header.len() as u64));
            Error::new(ErrorKind::Truncated, message)
        })?;
        let raw = Raw::ref_from_bytes(header).map_err(|_| corrupt("not a journal"))?;
        if raw.magic != MAGIC {
            return Err(corrupt("a journal does not begin with OCA JRNL"));
        }
        // Every block has an entry and a byte at least.
        let (count, most) = (raw.count.get(), (available - TAIL_HEADER as u64) / (ENTRY as u64 + 1));
        if count > most {
            return Err(corrupt(format!("a journal of {available} bytes claims {count} blocks; {most} are the most")));
        }
        Ok(TAIL_HEADER as u64 + count * ENTRY as u64)
    }

    /// Reads header and index; `extent_len` is what the journal has in the file, new bytes included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] for fewer bytes than [`index_len`](Self::index_len), [`ErrorKind::Corrupt`] for a wrong
    /// checksum and for blocks that descend, overlap, leave their page or the array, or take another total.
    pub fn parse(header_and_index: &[u8], extent_len: u64) -> Result<Self> {
        let index_len = Self::index_len(header_and_index, extent_len)?;
        let whole = usize::try_from(index_len).ok().and_then(|len| header_and_index.get(..len)).ok_or_else(|| {
            let message =
                format!("the journal ends in its index: expected {index_len} bytes, found {}", header_and_index.len());
            Error::new(ErrorKind::Truncated, message)
        })?;
        let (header, index) = whole.split_at(TAIL_HEADER);
        let raw = Raw::ref_from_bytes(header).map_err(|_| corrupt("not a journal"))?;
        let computed = crc32(&[&header[..CRC], index]);
        if raw.crc != computed {
            return Err(mismatch("the journal", raw.crc.get(), computed));
        }
        if !is_zero(&raw.zero) || !is_zero(&raw.zero_too) {
            return Err(corrupt("reserved bytes of the journal are not zero"));
        }
        let blocks = index.chunks_exact(ENTRY).filter_map(|entry| RawBlock::ref_from_bytes(entry).ok());
        let journal = Self {
            uuid: raw.uuid,
            generation: raw.generation.get(),
            data_end: raw.data_end.get(),
            head_crc: raw.head_crc.get(),
            blocks: blocks.map(JournalBlock::from).collect(),
        };
        journal.check().map_err(corrupt)?;
        if journal.len() != extent_len {
            return Err(corrupt(format!("a journal of {} bytes in {extent_len}", journal.len())));
        }
        Ok(journal)
    }

    /// Header and index; the new bytes of all blocks follow them without a gap.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for blocks that descend, overlap, or leave their page or the array.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check().map_err(|message| Error::new(ErrorKind::InvalidArgument, message))?;
        let mut raw = Raw::new_zeroed();
        raw.magic = MAGIC;
        raw.uuid = self.uuid;
        raw.generation.set(self.generation);
        raw.data_end.set(self.data_end);
        raw.head_crc.set(self.head_crc);
        raw.count.set(self.blocks.len() as u64);
        let mut bytes = Vec::with_capacity(TAIL_HEADER + ENTRY * self.blocks.len());
        bytes.extend(raw.as_bytes());
        for block in &self.blocks {
            bytes.extend(RawBlock::from(block).as_bytes());
        }
        let crc = crc32(&[&bytes[..CRC], &bytes[TAIL_HEADER..]]);
        bytes[CRC..TAIL_HEADER].copy_from_slice(&crc.to_le_bytes());
        Ok(bytes)
    }

    /// Where the new bytes of the first block begin, from the beginning of the journal.
    pub fn data_offset(&self) -> u64 {
        (TAIL_HEADER + ENTRY * self.blocks.len()) as u64
    }

    /// Bytes of the whole journal.
    #[expect(clippy::len_without_is_empty, reason = "a journal is never empty: it has a header")]
    pub fn len(&self) -> u64 {
        self.blocks.iter().fold(self.data_offset(), |len, block| len.saturating_add(block.len.into()))
    }

    /// Whether the journal is the one that this slot of a native file announces.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] for the journal of another file or of another generation.
    pub fn check_native(&self, preamble: &Preamble, slot: &Slot) -> Result<()> {
        let before = self.blocks.first().is_some_and(|block| block.offset < preamble.data_offset);
        let stated = (self.uuid, self.generation, self.data_end, self.head_crc);
        if before || stated != (preamble.uuid, slot.generation, slot.data_end(preamble), 0) {
            return Err(corrupt(format!("the journal is not that of this file in generation {}", slot.generation)));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let mut end = 0;
        for block in &self.blocks {
            let JournalBlock { offset, len, .. } = *block;
            if !(1..=PAGE).contains(&len.into()) || offset % PAGE + u64::from(len) > PAGE {
                return Err(format!("a block of {len} bytes at byte {offset} is not in one page"));
            }
            if offset < end {
                return Err(format!("a block at byte {offset} comes after one that ends at byte {end}"));
            }
            end = offset.checked_add(len.into()).filter(|&end| end <= self.data_end).ok_or_else(|| {
                format!("a block of {len} bytes at byte {offset}, and the elements end at byte {}", self.data_end)
            })?;
            let absent = (0..SECTORS).filter(|&sector| block.part(sector).is_none());
            if absent.map(|sector| block.old[sector]).any(|crc| crc != 0) {
                return Err(format!("the block at byte {offset} has a checksum for bytes that it has not"));
            }
        }
        Ok(())
    }
}

impl JournalBlock {
    /// The change of the bytes at this place of the file from `old` to `new`, which are of one length and lie in one page.
    pub fn new(offset: u64, old: &[u8], new: &[u8]) -> Self {
        let len = u32::try_from(new.len()).unwrap_or(u32::MAX);
        let mut block = Self { offset, len, crc: crc32(&[new]), old: [0; SECTORS] };
        for sector in 0..SECTORS {
            if let Some(bytes) = block.part(sector).and_then(|part| old.get(part)) {
                block.old[sector] = crc32(&[bytes]);
            }
        }
        block
    }

    /// Whether these are the new bytes.
    pub fn check_new(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == u64::from(self.len) && crc32(&[bytes]) == self.crc
    }

    /// Whether the file, which holds `current` in this place, is one that the change was made for: each sector is the old one, or
    /// already the new one.
    pub fn admits(&self, current: &[u8], new: &[u8]) -> bool {
        let same_len = [current.len(), new.len()].iter().all(|&len| len as u64 == u64::from(self.len));
        same_len
            && (0..SECTORS).filter_map(|sector| Some((sector, self.part(sector)?))).all(|(sector, part)| {
                match (current.get(part.clone()), new.get(part)) {
                    (Some(current), Some(new)) => current == new || crc32(&[current]) == self.old[sector],
                    _ => false,
                }
            })
    }

    /// Whether some sector of these bytes is no longer that before the transaction.
    pub(crate) fn has_begun(&self, current: &[u8]) -> bool {
        (0..SECTORS)
            .filter_map(|sector| Some((sector, self.part(sector)?)))
            .any(|(sector, part)| current.get(part).is_none_or(|current| crc32(&[current]) != self.old[sector]))
    }

    /// The part of the block in a sector of its page, in bytes from the beginning of the block.
    fn part(&self, sector: usize) -> Option<std::ops::Range<usize>> {
        let begin = usize::try_from(self.offset % PAGE).ok()?;
        let end = begin.saturating_add(usize::try_from(self.len).ok()?);
        let part = begin.max(sector * SECTOR)..end.min((sector + 1) * SECTOR);
        (!part.is_empty()).then(|| part.start - begin..part.end - begin)
    }
}

impl From<&RawBlock> for JournalBlock {
    fn from(raw: &RawBlock) -> Self {
        Self { offset: raw.offset.get(), len: raw.len.get(), crc: raw.crc.get(), old: raw.old.map(U32::get) }
    }
}

impl From<&JournalBlock> for RawBlock {
    fn from(block: &JournalBlock) -> Self {
        Self {
            offset: block.offset.into(),
            len: block.len.into(),
            crc: block.crc.into(),
            old: block.old.map(U32::from),
        }
    }
}

#[cfg(test)]
mod tests;
