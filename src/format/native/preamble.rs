//! Page 0: what never changes in the life of a file.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{HEAD_LEN, MAGIC, PAGE, PAGE_CRC, PAGE_LEN, corrupt, crc32, is_zero, mismatch, unknown_flags};
use crate::element::literal::{self, Literal, Value};
use crate::element::{ByteOrder, DType};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{MAX_NDIM, Order};

/// The version that this crate writes; every greater minor version is read too.
const VERSION: (u16, u16) = (1, 0);

/// The most bytes that the text of a dtype may have.
const MAX_TEXT: usize = PAGE_CRC - 64;

/// What never changes in the life of a file: the type of its elements, their order, the number of axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// What tells the file from others; its slots, journal and checksums are bound to it.
    pub uuid: [u8; 16],
    /// Major and minor version of the format.
    pub version: (u16, u16),
    /// The type of the elements.
    pub dtype: DType,
    /// The storage order, also where both are the same: it says which axis grows.
    pub order: Order,
    /// The number of axes.
    pub ndim: usize,
    /// Where the elements begin, in bytes from the beginning of the file.
    pub data_offset: u64,
}

/// The page as it lies in the file.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    major: U16,
    minor: U16,
    refuse: U32,
    ignore: U32,
    byte_order: u8,
    order: u8,
    ndim: U16,
    itemsize: U64,
    data_offset: U64,
    uuid: [u8; 16],
    text_len: U16,
    zero: [u8; 6],
    text: [u8; MAX_TEXT],
    crc: U32,
}

const _: () = assert!(size_of::<Raw>() == PAGE_LEN);

impl Preamble {
    /// The preamble of a new file. Its uuid follows from the rest: the same input gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] for too many axes, [`ErrorKind::Unsupported`] for a dtype that is a sub-array,
    /// [`ErrorKind::TooLarge`] where the text of the dtype does not fit the page.
    pub fn new(dtype: DType, order: Order, ndim: usize) -> Result<Self> {
        if ndim > MAX_NDIM {
            return Err(Error::new(ErrorKind::Shape, format!("{ndim} axes; {MAX_NDIM} are the most")));
        }
        let mut preamble = Self { uuid: [0; 16], version: VERSION, dtype, order, ndim, data_offset: HEAD_LEN as u64 };
        // A dtype put together by hand may be one that no text stands for.
        preamble.dtype = preamble.dtype.descr().parse()?;
        preamble.uuid = uuid(&preamble.to_bytes()?[..PAGE_CRC]);
        Ok(preamble)
    }

    /// Reads a preamble; `page` is the beginning of a file.
    ///
    /// # Errors
    ///
    /// With the position in the file: [`ErrorKind::UnknownFormat`] without the first bytes of the format,
    /// [`ErrorKind::Truncated`] for less than a page, [`ErrorKind::Unsupported`] for what a later version has added, and
    /// [`ErrorKind::Corrupt`] for what breaks the rules. A dtype may be refused as in [`npy`](super::super::npy).
    pub fn parse(page: &[u8]) -> Result<Self> {
        if !MAGIC.starts_with(&page[..page.len().min(MAGIC.len())]) {
            return Err(
                Error::new(ErrorKind::UnknownFormat, "not a native file: it does not begin with \\x89OCA").at(0)
            );
        }
        let Some(page) = page.get(..PAGE_LEN) else {
            let message = format!("the file ends in its preamble: expected {PAGE} bytes, found {}", page.len());
            return Err(Error::new(ErrorKind::Truncated, message).at(page.len() as u64));
        };
        let raw = Raw::ref_from_bytes(page).map_err(|_| corrupt("not a page"))?;
        let computed = crc32(&[&page[..PAGE_CRC]]);
        if raw.crc != computed {
            return Err(mismatch("the preamble", raw.crc.get(), computed).at(PAGE_CRC as u64));
        }
        if raw.major != VERSION.0 {
            let message = format!("native format version {}.{}; {}.x is known", raw.major, raw.minor, VERSION.0);
            return Err(Error::new(ErrorKind::Unsupported, message).at(8));
        }
        if raw.refuse != 0 {
            return Err(unknown_flags("the preamble", raw.refuse.get()).at(12));
        }
        let order = match raw.order {
            b'C' => Order::C,
            b'F' => Order::F,
            other => return Err(corrupt(format!("expected C or F as order, found byte {other:#04x}")).at(21)),
        };
        let ndim = usize::from(raw.ndim.get());
        if ndim > MAX_NDIM {
            return Err(corrupt(format!("{ndim} axes; {MAX_NDIM} are the most")).at(22));
        }
        let data_offset = raw.data_offset.get();
        if !is_data_offset(data_offset) {
            let message =
                format!("the elements begin at byte {data_offset}, which is no multiple of {PAGE} from {HEAD_LEN} on");
            return Err(corrupt(message).at(32));
        }
        let text_len = usize::from(raw.text_len.get());
        let Some((text, rest)) = raw.text.split_at_checked(text_len) else {
            return Err(corrupt(format!("a dtype of {text_len} bytes; {MAX_TEXT} are the most")).at(56));
        };
        let version = (raw.major.get(), raw.minor.get());
        if version <= VERSION && !(is_zero(&raw.zero) && is_zero(rest)) {
            return Err(corrupt("reserved bytes of the preamble are not zero").at(58));
        }
        let dtype = dtype(text)?;
        if raw.itemsize != dtype.itemsize() as u64 {
            let message = format!("an item size of {}, and {dtype} takes {}", raw.itemsize, dtype.itemsize());
            return Err(corrupt(message).at(24));
        }
        if raw.byte_order != byte_order_sign(&dtype) {
            let message = format!(
                "expected {:?} as byte order of {dtype}, found byte {:#04x}",
                char::from(byte_order_sign(&dtype)),
                raw.byte_order
            );
            return Err(corrupt(message).at(20));
        }
        Ok(Self { uuid: raw.uuid, version, dtype, order, ndim, data_offset })
    }

    /// The page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] where the text of the dtype does not fit, [`ErrorKind::InvalidArgument`] for a data offset or
    /// a number of axes that the format does not have.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let text = self.dtype.descr();
        let too_long = || {
            let message = format!("the text of the dtype has {} bytes; {MAX_TEXT} are the most", text.len());
            Error::new(ErrorKind::TooLarge, message).with_hint("use fewer or shorter field names")
        };
        let text_len = u16::try_from(text.len()).ok().filter(|_| text.len() <= MAX_TEXT).ok_or_else(too_long)?;
        let ndim = u16::try_from(self.ndim).ok().filter(|_| self.ndim <= MAX_NDIM);
        let Some(ndim) = ndim.filter(|_| is_data_offset(self.data_offset)) else {
            let message = format!("{} axes from byte {} on is no native file", self.ndim, self.data_offset);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let mut raw = Raw::new_zeroed();
        raw.magic = MAGIC;
        raw.major.set(self.version.0);
        raw.minor.set(self.version.1);
        raw.byte_order = byte_order_sign(&self.dtype);
        raw.order = match self.order {
            Order::C => b'C',
            Order::F => b'F',
        };
        raw.ndim.set(ndim);
        raw.itemsize.set(self.dtype.itemsize() as u64);
        raw.data_offset.set(self.data_offset);
        raw.uuid = self.uuid;
        raw.text_len.set(text_len);
        raw.text[..text.len()].copy_from_slice(text.as_bytes());
        raw.crc.set(crc32(&[&raw.as_bytes()[..PAGE_CRC]]));
        Ok(raw.as_bytes().to_vec())
    }

    /// Whether every reserved byte must be zero: a later minor version may use some.
    pub(super) fn is_of_known_version(&self) -> bool {
        self.version <= VERSION
    }

    /// The axis along which rows are appended: the first one in row-major order, else the last one.
    pub fn growth_axis(&self) -> Option<usize> {
        let last = self.ndim.checked_sub(1)?;
        Some(match self.order {
            Order::C => 0,
            Order::F => last,
        })
    }
}

fn is_data_offset(offset: u64) -> bool {
    offset >= HEAD_LEN as u64 && offset.is_multiple_of(PAGE) && i64::try_from(offset).is_ok()
}

/// Reads the text of a dtype, which must mean the same on every machine: NumPy's spellings without a byte order do not.
fn dtype(text: &[u8]) -> Result<DType> {
    const BEGIN: usize = 64;
    let text = str::from_utf8(text)
        .map_err(|error| corrupt("the dtype is not UTF-8").at((BEGIN + error.valid_up_to()) as u64))?;
    let offset = |at: usize| (BEGIN + text.chars().take(at).map(char::len_utf8).sum::<usize>()) as u64;
    let literal = literal::read(text, false).map_err(|flaw| flaw.in_file(offset))?;
    let dtype = DType::from_literal(&literal).map_err(|flaw| flaw.in_file(offset))?;
    let descr = dtype.descr();
    if !literal::read(&descr, false).is_ok_and(|canonical| same(&literal, &canonical)) {
        let message = format!("expected the dtype {}, found {}", literal::excerpt(&descr), literal::excerpt(text));
        return Err(corrupt(message).at(BEGIN as u64));
    }
    Ok(dtype)
}

/// Whether two literals have the same value, wherever they stand.
fn same(a: &Literal, b: &Literal) -> bool {
    match (&a.value, &b.value) {
        (Value::Tuple(a), Value::Tuple(b)) | (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}

/// The byte order that all scalars share, as NumPy's sign; `|` where they share none.
fn byte_order_sign(dtype: &DType) -> u8 {
    fn collect(dtype: &DType, found: &mut Vec<ByteOrder>) {
        match dtype {
            DType::Record(record) => record.fields().iter().for_each(|field| collect(field.dtype(), found)),
            DType::SubArray { base, .. } => collect(base, found),
            _ => found.extend(dtype.byte_order()),
        }
    }
    let mut found = Vec::new();
    collect(dtype, &mut found);
    match found.split_first() {
        Some((ByteOrder::Little, rest)) if !rest.contains(&ByteOrder::Big) => b'<',
        Some((ByteOrder::Big, rest)) if !rest.contains(&ByteOrder::Little) => b'>',
        _ => b'|',
    }
}

/// A UUID of version 8 made from the 128-bit FNV-1a of these bytes.
fn uuid(bytes: &[u8]) -> [u8; 16] {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    let hash = bytes.iter().fold(BASIS, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    let mut uuid = hash.to_be_bytes();
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}
