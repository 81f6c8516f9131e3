//! The native format, `.oca`: a head of four pages that a crash cannot tear, then the elements.
//!
//! An immutable [`Preamble`] says what the elements are; two [`Slot`]s say, in turns, how many there are. Behind the elements
//! there may be a [`ChecksumTable`] and a [`Journal`] of changes that are not yet in place. All of it is in
//! `format-spec/native.md`; here are pure functions on bytes.

mod attributes;
mod head;
mod journal;
mod preamble;
mod slot;
mod table;

use crate::error::{Error, ErrorKind};

pub use attributes::Attributes;
pub use head::Head;
pub use journal::{Journal, JournalBlock};
pub use preamble::Preamble;
pub use slot::{Extent, Seal, Slot};
pub use table::ChecksumTable;

/// The first bytes of every native file.
pub const MAGIC: [u8; 8] = *b"\x89OCA\r\n\x1a\n";

/// Bytes of a page: preamble and slots take one each, and what lies behind the elements begins at a multiple of it.
pub const PAGE: u64 = 4096;

/// Bytes from the beginning of the file that say what is in it.
pub const HEAD_LEN: usize = 4 * PAGE_LEN;

/// Where the two slots begin, in bytes from the beginning of the file.
pub const SLOT_OFFSETS: [u64; 2] = [PAGE, 2 * PAGE];

/// Bytes that a disk writes whole or not at all.
pub const SECTOR: usize = 512;

/// Bytes of the body for which this crate makes one checksum.
pub const CHECKSUM_BLOCK: u32 = 1 << 20;

/// [`PAGE`] in memory.
pub(crate) const PAGE_LEN: usize = 4096;

/// Where the checksum of a page stands in it.
const PAGE_CRC: usize = PAGE_LEN - 4;

/// Bytes of the header of a journal and of a checksum table.
const TAIL_HEADER: usize = 64;

/// The CRC-32 of zlib over the parts in a row.
fn crc32(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

fn is_zero(bytes: &[u8]) -> bool {
    // Blocks are compared by words; a loop that may end at each byte is not.
    const ZEROS: [u8; 256] = [0; 256];
    bytes.chunks(ZEROS.len()).all(|block| *block == ZEROS[..block.len()])
}

fn corrupt(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// The error for a checksum that does not match.
fn mismatch(what: &str, stated: u32, computed: u32) -> Error {
    corrupt(format!("{what} is damaged: it states the checksum {stated:08x}, and its bytes have {computed:08x}"))
}

/// The error for flags of a later version that change the meaning of what follows.
fn unknown_flags(what: &str, flags: u32) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what} has the flags {flags:#010x}, which this version does not know"))
        .with_hint("a later version of outcore reads it")
}

#[cfg(test)]
mod tests;
