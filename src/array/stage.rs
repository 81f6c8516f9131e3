//! Changes that a positional handle keeps in memory until they are committed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::body::Body;
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::{JournalBlock, PAGE};
use crate::storage::File;

/// The changed pages of a file, as they shall be. None once the transaction is over.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The bytes of the file that are elements.
    body: Range<u64>,
    /// By the offset of its first byte in the file: the part of a page that is elements.
    pages: Mutex<Option<BTreeMap<u64, Vec<u8>>>>,
}

impl Stage {
    pub(crate) fn new(body: Range<u64>) -> Self {
        Self { body, pages: Mutex::new(Some(BTreeMap::new())) }
    }

    /// Shows the changes in the bytes of the file from `offset` on.
    pub(crate) fn overlay(&self, offset: u64, bytes: &mut [u8]) {
        let end = offset + bytes.len() as u64;
        let pages = self.pages();
        for (&begin, page) in pages.iter().flat_map(|pages| pages.range(offset.saturating_sub(PAGE)..end)) {
            let (from, to) = (begin.max(offset), (begin + page.len() as u64).min(end));
            if from < to {
                bytes[within(offset, from, to)].copy_from_slice(&page[within(begin, from, to)]);
            }
        }
    }

    /// Changes bytes of elements.
    pub(crate) fn write(&self, file: &File, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut pages = self.pages();
        let Some(pages) = &mut *pages else {
            return Err(
                Error::new(ErrorKind::InvalidArgument, "the transaction of this handle is over").in_file(file.path())
            );
        };
        let end = offset + bytes.len() as u64;
        let mut at = offset;
        while at < end {
            let part = self.page(at);
            let page = match pages.entry(part.start) {
                std::collections::btree_map::Entry::Occupied(page) => page.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let mut page = vec![0; within(part.start, part.start, part.end).len()];
                    if at > part.start || end < part.end {
                        file.read_exact_at(&mut page, part.start)?;
                    }
                    place.insert(page)
                }
            };
            let next = part.end.min(end);
            page[within(part.start, at, next)].copy_from_slice(&bytes[within(offset, at, next)]);
            at = next;
        }
        Ok(())
    }

    /// The elements of the page in which a byte lies.
    fn page(&self, at: u64) -> Range<u64> {
        let begin = at - at % PAGE;
        begin.max(self.body.start)..(begin + PAGE).min(self.body.end)
    }

    /// Puts the changes into the file, all or none.
    pub(crate) fn commit(&self, body: &Body) -> Result<()> {
        let pages = self.pages().take().unwrap_or_default();
        // What is compared with is on the disk: only so can a sector be told to be old.
        body.flush()?;
        let mut blocks = Vec::new();
        let mut old = Vec::new();
        for (&begin, new) in &pages {
            old.resize(new.len(), 0);
            body.file.read_exact_at(&mut old, begin)?;
            if old != *new {
                blocks.push(JournalBlock::new(begin, &old, new));
            }
        }
        body.change(blocks, |block| pages.get(&block.offset).map_or(&[], Vec::as_slice))
    }

    pub(crate) fn end(&self) {
        *self.pages() = None;
    }

    fn pages(&self) -> MutexGuard<'_, Option<BTreeMap<u64, Vec<u8>>>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes `from..to` of a file inside a buffer that begins at `begin`.
pub(crate) fn within(begin: u64, from: u64, to: u64) -> Range<usize> {
    let index = |at: u64| usize::try_from(at - begin).expect("a position inside a buffer");
    index(from)..index(to)
}
