//! The door of a file: how to read its beginning, what a handle is for, and which lock goes with that.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::Commit;
use super::ledger::Layout;
use super::view::check_rows;
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::{HEAD_LEN, Head};
use crate::format::raw::RawLayout;
use crate::format::{self, Format, Header, npy};
use crate::shape::Order;
use crate::storage::{self, Access, Backend, Claim, File, LockPolicy};

/// How to find and read a header, and how to treat the file.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) lock: LockPolicy,
    pub(crate) max_header: usize,
    pub(crate) raw: Option<RawLayout>,
    /// Whether a `.npy` file whose header has no room is an error, and not written anew.
    pub(crate) stay_in_place: bool,
    pub(crate) commit: Commit,
    /// Whether a file may be shorter than its header says.
    pub(crate) any_length: bool,
}

impl Reading {
    pub(crate) fn new(backend: Arc<dyn Backend>, lock: LockPolicy) -> Self {
        let (max_header, commit) = (npy::DEFAULT_MAX_HEADER, Commit::default());
        Self { backend, lock, max_header, raw: None, stay_in_place: false, commit, any_length: false }
    }
}

/// What a handle is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Reading, of some rows along axis 0 or of all.
    Read(Option<Range<u64>>),
    /// Writing elements of some rows along axis 0, beside others who write other rows.
    WriteRows(Range<u64>),
    /// Adding rows, beside others who read.
    Append,
    /// Everything, alone.
    Write,
}

/// What the beginning of a file says.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) header: Header,
    /// Which axis grows, also where both orders are the same.
    pub(crate) order: Order,
    pub(crate) layout: Layout,
}

impl Intent {
    /// The lock that goes with it, for a file of this header.
    pub(crate) fn claim(&self, header: &Header) -> Result<Claim> {
        let bytes = |rows: &Range<u64>| -> Result<Option<Range<u64>>> {
            let Some(&len) = header.shape().first() else { return Ok(None) };
            check_rows(rows, len)?;
            if header.order() == Order::F && header.shape().len() > 1 {
                return Ok(None);
            }
            let row = header.nbytes().checked_div(len).unwrap_or_default();
            Ok(Some(header.data_offset() + rows.start * row..header.data_offset() + rows.end * row))
        };
        let all = header.data_offset()..header.data_end();
        Ok(match self {
            Self::Read(None) => Claim::ReadBytes(all),
            Self::Read(Some(rows)) => Claim::ReadBytes(bytes(rows)?.unwrap_or(all)),
            // Rows of a column-major array lie everywhere.
            Self::WriteRows(rows) => bytes(rows)?.map_or(Claim::Write, Claim::WriteBytes),
            Self::Append => Claim::Append,
            Self::Write => Claim::Write,
        })
    }
}

/// Opens a file and takes its lock. A writer sees to it that the file still has that name then: it may have been replaced in
/// between, and what is written to the old one is lost.
pub(crate) fn open_claimed(reading: &Reading, path: &Path, access: Access, claim: &Claim) -> Result<File> {
    for _ in 0..ATTEMPTS {
        let file = File::open_claimed(&reading.backend, path, access, reading.lock, claim)?;
        if access == Access::Read || storage::leads_to(&reading.backend, path, &file)? {
            return Ok(file);
        }
    }
    let message = "the file is replaced again and again while it is opened";
    Err(Error::new(ErrorKind::Locked, message).in_file(path))
}

/// Refuses a file that ends before its elements do.
pub(crate) fn check_end(file: &File, header: &Header) -> Result<()> {
    let len = file.len()?;
    if header.data_end() <= len {
        return Ok(());
    }
    let message = format!(
        "the elements need {} bytes from byte {} on, and the file ends at byte {len}",
        header.nbytes(),
        header.data_offset(),
    );
    Err(Error::new(ErrorKind::Truncated, message)
        .at(len)
        .with_hint("the file was not written to its end; write it again, or `outcore repair --rows-from-size` keeps what is there")
        .in_file(file.path()))
}

/// Reads and parses the header of an open file; never more of the file than the header.
pub(crate) fn read_header(file: &File, reading: &Reading) -> Result<Header> {
    find(file, reading).map(|found| found.header)
}

/// Reads what the beginning of an open file says.
pub(crate) fn find(file: &File, reading: &Reading) -> Result<Found> {
    find_once(file, reading).map_err(|error| error.in_file(file.path()))
}

fn find_once(file: &File, reading: &Reading) -> Result<Found> {
    let len = file.len()?;
    if let Some(raw) = &reading.raw {
        let header = raw.header(len)?;
        return Ok(Found { header, order: raw.storage_order(), layout: Layout::Raw });
    }
    let read = |wanted: u64| -> Result<Vec<u8>> {
        // The length is bounded by that of the file and by the header limit, which `header_end` has applied.
        let mut bytes = vec![0; usize::try_from(wanted.min(len)).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    };
    let prefix = read(npy::MAX_PREFIX as u64)?;
    match format::detect(&prefix) {
        Some(Format::Npy) => {
            let end = npy::header_end(&prefix, reading.max_header)?;
            let header = npy::parse(&steady(|| read(end))?, reading.max_header)?;
            Ok(Found { order: header.order(), header, layout: Layout::Npy })
        }
        Some(Format::Native) => {
            let file_len = || if reading.any_length { Ok(u64::MAX) } else { file.len() };
            let head = find_head(|| read(HEAD_LEN as u64), file_len)?;
            Ok(Found { header: head.header()?, order: head.preamble.order, layout: Layout::Native(Box::new(head)) })
        }
        _ if prefix.is_empty() => Err(Error::new(ErrorKind::Truncated, "the file is empty")
            .with_hint("an array file begins with a header; a raw file needs its dtype and shape named")),
        _ => Err(Error::new(ErrorKind::UnknownFormat, "the file begins like no format that holds arrays")
            .at(0)
            .with_hint("if it is raw elements, name their dtype and shape")),
    }
}

/// Reads of a header while somebody rewrites it may be half old and half new.
const ATTEMPTS: usize = 8;

/// Reads until two reads are the same.
fn steady(read: impl Fn() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let mut last = read()?;
    for _ in 0..ATTEMPTS {
        let next = read()?;
        if next == last {
            break;
        }
        last = next;
    }
    Ok(last)
}

/// Reads the head of a native file, whose checksums tell a torn read. The length of the file is asked for afterwards: it does
/// not shrink below what the slots announce.
fn find_head(read: impl Fn() -> Result<Vec<u8>>, file_len: impl Fn() -> Result<u64>) -> Result<Head> {
    let mut attempt = 0;
    loop {
        let bytes = read()?;
        match Head::parse(&bytes, file_len()?) {
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Truncated) && attempt < ATTEMPTS => {
                attempt += 1;
            }
            found => return found,
        }
    }
}
