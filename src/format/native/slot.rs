//! Pages 1 and 2: what changes, written in turns so that one of them is always whole.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{
    Attributes, PAGE, PAGE_CRC, PAGE_LEN, Preamble, TAIL_HEADER, corrupt, crc32, is_zero, mismatch, unknown_flags,
};
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

const MAGIC: [u8; 8] = *b"OCA SLOT";

/// Bytes before the shape.
const FIXED: usize = 96;

/// Bytes for the shape and the attributes.
const VARIABLE: usize = PAGE_CRC - FIXED;

/// A range of bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The first byte, from the beginning of the file.
    pub offset: u64,
    /// The number of bytes.
    pub len: u64,
}

/// Where the checksums of the elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seal {
    /// The [`ChecksumTable`](super::ChecksumTable).
    pub table: Extent,
    /// The generation that the table states.
    pub generation: u64,
}

/// What a file holds as of one commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The number of the commit, from 1 to 2^63 - 1; the greater one of a file counts.
    pub generation: u64,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// Changes that are decided and may not be in place yet.
    pub journal: Option<Extent>,
    /// Checksums of the elements, if none has changed since they were made.
    pub seal: Option<Seal>,
    /// What the owner of the file says of it.
    pub attrs: Attributes,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawExtent {
    offset: U64,
    len: U64,
}

/// The page as it lies in the file.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    generation: U64,
    refuse: U32,
    ignore: U32,
    body_len: U64,
    journal: RawExtent,
    table: RawExtent,
    table_generation: U64,
    attrs_len: U32,
    zero: [u8; 20],
    variable: [u8; VARIABLE],
    crc: U32,
}

const _: () = assert!(size_of::<Raw>() == PAGE_LEN);

/// What is wrong, and where in the page.
struct Flaw(u64, String);

impl Slot {
    /// Reads a slot; `page` is its page. Positions in errors count from the beginning of the page.
    ///
    /// Whether the elements are there is for [`Head::parse`](super::Head::parse) to say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] for less than a page, [`ErrorKind::Unsupported`] where the page is whole and has flags that a
    /// later version has added, [`ErrorKind::Corrupt`] for everything else.
    pub fn parse(preamble: &Preamble, page: &[u8]) -> Result<Self> {
        Self::parse_at(preamble, page, 0)
    }

    /// Reads the slot that begins at this byte of the file.
    pub(super) fn parse_at(preamble: &Preamble, page: &[u8], begin: u64) -> Result<Self> {
        let Some(page) = page.get(..PAGE_LEN) else {
            let message = format!("the file ends in a slot: expected {PAGE} bytes, found {}", page.len());
            return Err(Error::new(ErrorKind::Truncated, message).at(begin + page.len() as u64));
        };
        let raw = Raw::ref_from_bytes(page).map_err(|_| corrupt("not a page"))?;
        let computed = crc32(&[&preamble.uuid, &page[..PAGE_CRC]]);
        if raw.crc != computed {
            return Err(mismatch("the slot", raw.crc.get(), computed).at(begin + PAGE_CRC as u64));
        }
        if raw.magic != MAGIC {
            return Err(corrupt("a slot does not begin with OCA SLOT").at(begin));
        }
        if raw.refuse != 0 {
            return Err(unknown_flags("the slot", raw.refuse.get()).at(begin + 16));
        }
        let flaw = |Flaw(at, message)| corrupt(message).at(begin + at);
        let (lens, rest) = raw.variable.split_at(8 * preamble.ndim);
        let attrs_len = usize::try_from(raw.attrs_len.get()).unwrap_or(usize::MAX);
        let Some((attrs, rest)) = rest.split_at_checked(attrs_len) else {
            return Err(corrupt(format!("attributes of {attrs_len} bytes; {} are the most", rest.len())).at(begin + 72));
        };
        if preamble.is_of_known_version() && !(is_zero(&raw.zero) && is_zero(rest)) {
            return Err(corrupt("reserved bytes of the slot are not zero").at(begin + 76));
        }
        let shape = lens.chunks_exact(8).map(|len| U64::read_from_bytes(len).map_or(0, U64::get)).collect();
        let attrs = Attributes::from_json(attrs).map_err(|message| {
            flaw(Flaw((FIXED + lens.len()) as u64, format!("the attributes are damaged: {message}")))
        })?;
        let table = raw.table.read();
        if table.is_none() && raw.table_generation != 0 {
            return Err(corrupt("a checksum table of a generation and without a place").at(begin + 64));
        }
        let slot = Self {
            generation: raw.generation.get(),
            shape,
            journal: raw.journal.read(),
            seal: table.map(|table| Seal { table, generation: raw.table_generation.get() }),
            attrs,
        };
        slot.check(preamble).map_err(flaw)?;
        if raw.body_len != slot.body_len(preamble) {
            let shape = shape::display(&slot.shape);
            let message = format!(
                "a body of {} bytes, and shape {shape} of {} takes {}",
                raw.body_len,
                preamble.dtype,
                slot.body_len(preamble)
            );
            return Err(corrupt(message).at(begin + 24));
        }
        Ok(slot)
    }

    /// The page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] where the attributes do not fit or the elements would end beyond 2^63 bytes;
    /// [`ErrorKind::InvalidArgument`] for what no slot may say.
    pub fn to_bytes(&self, preamble: &Preamble) -> Result<Vec<u8>> {
        shape::sizes(&self.shape, preamble.dtype.itemsize() as u64)?;
        self.check(preamble).map_err(|Flaw(_, message)| Error::new(ErrorKind::InvalidArgument, message))?;
        let attrs = self.attrs.to_json();
        let room = VARIABLE - 8 * self.shape.len();
        let too_long = || {
            let message = format!("the attributes have {} bytes as JSON; {room} are the most", attrs.len());
            Error::new(ErrorKind::TooLarge, message).with_hint("keep what is longer in a file beside the array")
        };
        let attrs_len = u32::try_from(attrs.len()).ok().filter(|_| attrs.len() <= room).ok_or_else(too_long)?;
        let mut raw = Raw::new_zeroed();
        raw.magic = MAGIC;
        raw.generation.set(self.generation);
        raw.body_len.set(self.body_len(preamble));
        raw.journal = RawExtent::new(self.journal);
        raw.table = RawExtent::new(self.seal.map(|seal| seal.table));
        raw.table_generation.set(self.seal.map_or(0, |seal| seal.generation));
        raw.attrs_len.set(attrs_len);
        let (lens, rest) = raw.variable.split_at_mut(8 * self.shape.len());
        for (place, &len) in lens.chunks_exact_mut(8).zip(&self.shape) {
            place.copy_from_slice(&len.to_le_bytes());
        }
        rest[..attrs.len()].copy_from_slice(attrs.as_bytes());
        raw.crc.set(crc32(&[&preamble.uuid, &raw.as_bytes()[..PAGE_CRC]]));
        Ok(raw.as_bytes().to_vec())
    }

    /// Bytes of all elements; `u64::MAX` for a shape that no file has.
    pub fn body_len(&self, preamble: &Preamble) -> u64 {
        shape::sizes(&self.shape, preamble.dtype.itemsize() as u64).map_or(u64::MAX, |(_, nbytes)| nbytes)
    }

    /// Where the elements end, in bytes from the beginning of the file.
    pub fn data_end(&self, preamble: &Preamble) -> u64 {
        preamble.data_offset.saturating_add(self.body_len(preamble))
    }

    /// The rules for what a slot says, but for those on its bytes.
    fn check(&self, preamble: &Preamble) -> Result<(), Flaw> {
        // So that there is a next one to count with.
        if self.generation == 0 || i64::try_from(self.generation).is_err() {
            return Err(Flaw(8, format!("generations count from 1 to 2^63 - 1, found {}", self.generation)));
        }
        if self.shape.len() != preamble.ndim {
            return Err(Flaw(FIXED as u64, format!("{} axes, and the file has {}", self.shape.len(), preamble.ndim)));
        }
        let data_end = self.data_end(preamble);
        if i64::try_from(data_end).is_err() {
            let message = format!("shape {} of {} ends beyond 2^63 bytes", shape::display(&self.shape), preamble.dtype);
            return Err(Flaw(FIXED as u64, message));
        }
        let check = |at, what: &str, extent: Extent| match extent.end() {
            Some(_) if extent.offset < data_end => {
                Err(Flaw(at, format!("{what} at byte {}, and the elements end at {data_end}", extent.offset)))
            }
            Some(_) if extent.offset.is_multiple_of(PAGE) && extent.len >= TAIL_HEADER as u64 => Ok(()),
            _ => Err(Flaw(at, format!("{what} of {} bytes at byte {}", extent.len, extent.offset))),
        };
        self.journal.map_or(Ok(()), |journal| check(32, "a journal", journal))?;
        let Some(seal) = self.seal else { return Ok(()) };
        check(48, "a checksum table", seal.table)?;
        if !(1..=self.generation).contains(&seal.generation) {
            let message =
                format!("a checksum table of generation {} in generation {}", seal.generation, self.generation);
            return Err(Flaw(64, message));
        }
        Ok(())
    }
}

impl Extent {
    /// Where it ends, if a file can be as long.
    pub(super) fn end(self) -> Option<u64> {
        self.offset.checked_add(self.len).filter(|&end| i64::try_from(end).is_ok())
    }
}

impl RawExtent {
    fn new(extent: Option<Extent>) -> Self {
        let (offset, len) = extent.map_or((0, 0), |extent| (extent.offset, extent.len));
        Self { offset: offset.into(), len: len.into() }
    }

    /// None where both are zero.
    fn read(&self) -> Option<Extent> {
        let (offset, len) = (self.offset.get(), self.len.get());
        (offset != 0 || len != 0).then_some(Extent { offset, len })
    }
}
