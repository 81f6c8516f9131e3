//! Which elements lie in memory, and letting go of those that a long scan has passed.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use portable_atomic::AtomicU64;

use super::body::Body;
use crate::error::Result;
use crate::storage;

/// What a file has learnt of its readers; shared by all handles of one opening.
#[derive(Debug, Default)]
pub(crate) struct Residency {
    /// Whether the elements would take most of the memory.
    large: OnceLock<bool>,
    /// Where the last long read began, in bytes.
    last: AtomicU64,
}

/// Reads shorter than this are not worth a question to the system.
const LONG: u64 = 64 << 10;
/// The unit of letting go.
const WINDOW: u64 = 16 << 20;
/// Reads this close to one another belong to one scan, whose workers are not in step.
const NEAR: u64 = 8 << 20;

impl Body {
    /// Whether most of these elements would have to come from the disk; `false` for short runs, and where nobody knows.
    ///
    /// Such elements are better read by position than through a mapping: the system then fills its cache in large pieces, which
    /// later scans through the mapping profit from, and no thread waits once for every few pages.
    pub(crate) fn is_cold(&self, items: &Range<u64>) -> bool {
        let (start, len) = self.bytes_of(items);
        len >= LONG && !self.file.is_resident(self.header.data_offset() + start, len)
    }

    /// Calls `read` for these elements. In a long scan over cold elements of a file that would fill the memory, what the scan has
    /// passed is let go, so that the cache keeps what others need.
    pub(crate) fn scan(&self, items: &Range<u64>, read: impl FnOnce() -> Result<()>) -> Result<()> {
        let (start, len) = self.bytes_of(items);
        let last = self.residency.last.swap(start, Ordering::Relaxed);
        let release = start.abs_diff(last) <= NEAR && self.is_large() && self.is_cold(items);
        read()?;
        let passed = (start + len) / WINDOW;
        if release && passed > start / WINDOW && passed >= 2 {
            self.file.forget(self.header.data_offset() + (passed - 2) * WINDOW, WINDOW);
        }
        Ok(())
    }

    fn is_large(&self) -> bool {
        *self
            .residency
            .large
            .get_or_init(|| storage::available_memory().is_some_and(|available| self.header.nbytes() > available / 2))
    }

    fn bytes_of(&self, items: &Range<u64>) -> (u64, u64) {
        let itemsize = self.header.itemsize() as u64;
        (items.start * itemsize, (items.end - items.start) * itemsize)
    }
}
