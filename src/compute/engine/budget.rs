//! The memory that an operation may use when the caller names none.

use crate::storage;

/// Used where the system does not say how much memory is available: 1 GiB.
const FALLBACK: u64 = 1 << 30;

/// A quarter of the memory that is available now, in bytes.
pub(in crate::compute) fn default_budget() -> u64 {
    storage::available_memory().map_or(FALLBACK, |bytes| bytes / 4)
}
