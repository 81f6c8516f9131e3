//! Checksums of the elements, block by block.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{PAGE, Preamble, Slot, TAIL_HEADER, corrupt, crc32, is_zero, mismatch};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 8] = *b"OCA SUMS";

/// Where the checksum of header and sums stands.
const CRC: usize = TAIL_HEADER - 4;

/// A CRC-32 for each block of the elements.
///
/// Positions in its errors are left to the caller, who knows where the table lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecksumTable {
    /// The uuid of the array.
    pub uuid: [u8; 16],
    /// The generation in which it was made.
    pub generation: u64,
    /// Bytes of all elements.
    pub body_len: u64,
    /// Bytes of a block; the last one may have fewer.
    pub block_len: u32,
    /// The checksum of each block.
    pub sums: Vec<u32>,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    uuid: [u8; 16],
    generation: U64,
    body_len: U64,
    block_len: U32,
    zero: [u8; 4],
    count: U64,
    zero_too: [u8; 4],
    crc: U32,
}

const _: () = assert!(size_of::<Raw>() == TAIL_HEADER);

impl ChecksumTable {
    /// Reads a table: `bytes` are all of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] for less than a header, [`ErrorKind::Corrupt`] for everything else.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Some((header, sums)) = bytes.split_at_checked(TAIL_HEADER) else {
            let message = format!("a checksum table of {} bytes; its header has {TAIL_HEADER}", bytes.len());
            return Err(Error::new(ErrorKind::Truncated, message));
        };
        let raw = Raw::ref_from_bytes(header).map_err(|_| corrupt("not a checksum table"))?;
        if raw.magic != MAGIC {
            return Err(corrupt("a checksum table does not begin with OCA SUMS"));
        }
        let computed = crc32(&[&header[..CRC], sums]);
        if raw.crc != computed {
            return Err(mismatch("the checksum table", raw.crc.get(), computed));
        }
        if !is_zero(&raw.zero) || !is_zero(&raw.zero_too) {
            return Err(corrupt("reserved bytes of the checksum table are not zero"));
        }
        if !sums.len().is_multiple_of(4) || raw.count != (sums.len() / 4) as u64 {
            return Err(corrupt(format!("{} checksums in {} bytes", raw.count, sums.len())));
        }
        let table = Self {
            uuid: raw.uuid,
            generation: raw.generation.get(),
            body_len: raw.body_len.get(),
            block_len: raw.block_len.get(),
            sums: sums.chunks_exact(4).map(|sum| U32::read_from_bytes(sum).map_or(0, U32::get)).collect(),
        };
        table.check().map_err(corrupt)?;
        Ok(table)
    }

    /// The bytes of the table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where the number of checksums or the length of a block is wrong.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check().map_err(|message| Error::new(ErrorKind::InvalidArgument, message))?;
        let mut raw = Raw::new_zeroed();
        raw.magic = MAGIC;
        raw.uuid = self.uuid;
        raw.generation.set(self.generation);
        raw.body_len.set(self.body_len);
        raw.block_len.set(self.block_len);
        raw.count.set(self.sums.len() as u64);
        let mut bytes = Vec::with_capacity(TAIL_HEADER + 4 * self.sums.len());
        bytes.extend(raw.as_bytes());
        bytes.extend(self.sums.iter().flat_map(|sum| sum.to_le_bytes()));
        let crc = crc32(&[&bytes[..CRC], &bytes[TAIL_HEADER..]]);
        bytes[CRC..TAIL_HEADER].copy_from_slice(&crc.to_le_bytes());
        Ok(bytes)
    }

    /// Bytes of the table for a body of this length in blocks of this length; `u64::MAX` where there is none.
    pub fn len_for(body_len: u64, block_len: u32) -> u64 {
        if block_len == 0 {
            return u64::MAX;
        }
        let sums = body_len.div_ceil(block_len.into());
        sums.checked_mul(4).and_then(|len| len.checked_add(TAIL_HEADER as u64)).unwrap_or(u64::MAX)
    }

    /// Whether the table is the one that this slot points at; if not, it says nothing of the elements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] for the table of another file, of another generation, or of another length.
    pub fn check_native(&self, preamble: &Preamble, slot: &Slot) -> Result<()> {
        let generation = slot.seal.map(|seal| seal.generation);
        if (self.uuid, Some(self.generation), self.body_len) != (preamble.uuid, generation, slot.body_len(preamble)) {
            return Err(corrupt("the checksum table is not that of these elements"));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.block_len == 0 || !u64::from(self.block_len).is_multiple_of(PAGE) {
            return Err(format!("blocks of {} bytes, which is no multiple of {PAGE}", self.block_len));
        }
        let expected = self.body_len.div_ceil(self.block_len.into());
        if self.sums.len() as u64 != expected {
            return Err(format!(
                "expected {expected} checksums for {} bytes, found {}",
                self.body_len,
                self.sums.len()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
