//! Work on one part of an array at a time, so that memory stays bounded at any size.

use outcore::{AnyArrayFile, Header, Selection};

use crate::failure::Failure;

/// Cuts a selection of an array into selections of at most `bytes` bytes each, in row-major order.
pub(crate) fn blocks(
    header: &Header,
    selection: &Selection,
    bytes: usize,
) -> outcore::Result<impl Iterator<Item = Selection> + use<>> {
    selection.blocks(header.shape(), (bytes / header.itemsize().max(1)) as u64)
}

/// Reads a selection block by block, in row-major order.
pub(crate) fn read_blocks<'a>(
    file: &'a AnyArrayFile,
    selection: &Selection,
    bytes: usize,
) -> Result<impl Iterator<Item = Result<Vec<u8>, Failure>> + use<'a>, Failure> {
    let blocks = blocks(file.header(), selection, bytes).map_err(|error| Failure::of_file(file.path(), error))?;
    Ok(blocks.map(move |block| Ok(file.read_selection(&block)?)))
}
