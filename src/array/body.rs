//! The door of every handle: a file, what its header says, and that the elements are all there.

use std::path::Path;
use std::sync::Arc;

use crate::element::{ByteOrder, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::format::raw::RawLayout;
use crate::format::{self, Format, Header, npy};
use crate::storage::{Access, Backend, File, LockPolicy};

/// An open file whose body, the bytes that its header announces, has been seen to lie within it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) file: File,
    pub(crate) header: Header,
    /// Whether room for all elements was reserved when this handle created the file.
    pub(crate) reserved: bool,
}

/// How to find and read a header.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) lock: LockPolicy,
    pub(crate) max_header: usize,
    pub(crate) raw: Option<RawLayout>,
}

impl Body {
    /// Opens a file, takes the lock, reads the header, and compares what it announces with the length of the file.
    pub(crate) fn open(reading: &Reading, path: &Path, access: Access) -> Result<Self> {
        let file = File::open(&reading.backend, path, access)?;
        file.lock(reading.lock, access == Access::ReadWrite)?;
        let header = read_header(&file, reading)?;
        let len = file.len()?;
        if header.data_end() > len {
            let message = format!(
                "the elements need {} bytes from byte {} on, and the file ends at byte {len}",
                header.nbytes(),
                header.data_offset(),
            );
            return Err(Error::new(ErrorKind::Truncated, message)
                .at(len)
                .with_hint("the file was not written to its end; write it again")
                .in_file(path));
        }
        Ok(Self { file, header, reserved: false })
    }

    /// Whether the elements are a `T` in the machine's byte order or in the other one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DType`] where they are something else.
    pub(crate) fn is_foreign<T: Element>(&self) -> Result<bool> {
        let (found, asked) = (self.header.dtype(), T::dtype());
        if *found == asked {
            Ok(false)
        } else if found.with_byte_order(ByteOrder::NATIVE) == asked.with_byte_order(ByteOrder::NATIVE) {
            Ok(true)
        } else {
            let message = format!("the elements are {} ('{found}'), not {}", found.name(), T::name());
            let hint = match super::dispatch::ElementType::of(found) {
                Some(kind) => format!("open it as {}", kind.rust_name()),
                None => "no Rust type of this crate has these elements; read their bytes through AnyArrayFile".into(),
            };
            Err(Error::new(ErrorKind::DType, message).with_hint(hint).in_file(self.file.path()))
        }
    }

    /// Sees that the elements are a `T` as it lies in memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DType`] where they are something else, or have the other byte order.
    pub(crate) fn expect_native<T: Element>(&self) -> Result<()> {
        if !self.is_foreign::<T>()? {
            return Ok(());
        }
        let found = self.header.dtype();
        let message =
            format!("the elements are {} ('{found}'), and {} has the other byte order", found.name(), T::name());
        let native =
            super::dispatch::ElementType::of(found).map_or_else(String::new, super::dispatch::ElementType::rust_name);
        let hint = match found.byte_order() {
            Some(order) if order == ByteOrder::NATIVE => format!("map it as {native}"),
            order => {
                let wrapper = if order == Some(ByteOrder::Big) { "Be" } else { "Le" };
                format!("map it as {wrapper}<{native}>, or read it through ArrayFile, which swaps the bytes")
            }
        };
        Err(Error::new(ErrorKind::DType, message).with_hint(hint).in_file(self.file.path()))
    }

    /// Reads elements as they lie in the file: item `start` and those after it, in storage order.
    pub(crate) fn read_items(&self, start: u64, items: &mut [u8]) -> Result<()> {
        let offset = self.span(start, items.len())?;
        self.file.read_exact_at(items, offset)
    }

    /// Writes elements as they shall lie in the file, from item `start` on, in storage order.
    pub(crate) fn write_items(&self, start: u64, items: &[u8]) -> Result<()> {
        let offset = self.span(start, items.len())?;
        // A file that somebody has cut meanwhile must not grow again with a hole where elements were.
        let (len, end) = (self.file.len()?, offset + items.len() as u64);
        if end > len {
            let message = format!("the file now ends at byte {len}, and elements up to byte {end} were to be written");
            let hint = "somebody has truncated it since it was opened";
            return Err(Error::new(ErrorKind::Truncated, message).at(len).with_hint(hint).in_file(self.file.path()));
        }
        self.file.write_all_at(items, offset)
    }

    /// The byte in the file where a run of items begins, if the run lies within the array.
    fn span(&self, start: u64, len: usize) -> Result<u64> {
        let itemsize = self.header.itemsize() as u64;
        let begin = start.checked_mul(itemsize);
        match begin.and_then(|begin| begin.checked_add(len as u64)) {
            Some(end) if end <= self.header.nbytes() => Ok(self.header.data_offset() + start * itemsize),
            _ => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{len} bytes from element {start} on reach beyond the {} elements", self.header.count()),
            )
            .in_file(self.file.path())),
        }
    }
}

/// Reads and parses the header of an open file; never more of the file than the header.
pub(crate) fn read_header(file: &File, reading: &Reading) -> Result<Header> {
    let len = file.len()?;
    if let Some(raw) = &reading.raw {
        return raw.header(len).map_err(|error| error.in_file(file.path()));
    }
    let read = |wanted: u64| -> Result<Vec<u8>> {
        // The length is bounded by that of the file and by the header limit, which `header_end` has applied.
        let mut bytes = vec![0; usize::try_from(wanted.min(len)).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    };
    let prefix = read(npy::MAX_PREFIX as u64)?;
    let header = match format::detect(&prefix) {
        Some(Format::Npy) => {
            npy::header_end(&prefix, reading.max_header).and_then(|end| npy::parse(&read(end)?, reading.max_header))
        }
        _ if prefix.is_empty() => Err(Error::new(ErrorKind::Truncated, "the file is empty")
            .with_hint("an array file begins with a header; a raw file needs its dtype and shape named")),
        _ => Err(Error::new(ErrorKind::UnknownFormat, "the file begins like no format that holds arrays")
            .at(0)
            .with_hint("if it is raw elements, name their dtype and shape")),
    };
    header.map_err(|error| error.in_file(file.path()))
}
