//! The order of the bytes of whole elements, changed in place.

use super::byte_order::ByteOrder;
use super::dtype::{DType, Record};

/// What to do with each scalar.
#[derive(Clone, Copy)]
struct Job {
    /// Reverse scalars of this order only; both orders without one.
    only: Option<ByteOrder>,
    /// Write zeros over the bytes between fields.
    clear_padding: bool,
}

impl DType {
    /// Turns elements as the file holds them into NumPy's logical bytes, in place: every scalar little-endian (each half of a
    /// complex number, each code point of a text, each field) and the padding of records zero.
    ///
    /// Two arrays of the same values have the same logical bytes, whatever byte order and padding their files chose.
    /// Bytes after the last whole element are left alone.
    ///
    /// ```
    /// let mut items = [1, 2, 3, 4];
    /// ">i2".parse::<outcore::DType>()?.to_little_endian(&mut items);
    /// assert_eq!(items, [2, 1, 4, 3]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_little_endian(&self, items: &mut [u8]) {
        self.reorder(items, Job { only: Some(ByteOrder::Big), clear_padding: true });
    }

    /// Reverses the bytes of every scalar, in place, which takes elements from one byte order to the other.
    ///
    /// Bytes after the last whole element, and the padding of records, are left alone.
    pub fn swap_bytes(&self, items: &mut [u8]) {
        self.reorder(items, Job { only: None, clear_padding: false });
    }

    fn reorder(&self, items: &mut [u8], job: Job) {
        let size = self.itemsize();
        if size == 0 {
            return;
        }
        let whole = items.len() - items.len() % size;
        self.reorder_whole(&mut items[..whole], job);
    }

    /// The same for whole elements of at least one byte.
    fn reorder_whole(&self, items: &mut [u8], job: Job) {
        match self {
            Self::Record(record) => record.reorder(items, job),
            Self::SubArray { base, .. } => base.reorder(items, job),
            _ => {
                if let Some(order) = self.byte_order().filter(|&order| job.only.is_none_or(|only| only == order)) {
                    let _ = order;
                    reverse_each(items, self.scalar_size());
                }
            }
        }
    }

    /// Bytes of one scalar of a type that is neither a record nor a sub-array.
    fn scalar_size(&self) -> usize {
        match self {
            Self::Complex { size, .. } => usize::from(*size) / 2,
            Self::Text { .. } => 4,
            _ => self.itemsize(),
        }
    }

    /// Whether the job changes no byte of this type.
    fn is_untouched(&self, job: Job) -> bool {
        match self {
            Self::Record(record) => {
                let used: usize = record.fields.iter().map(|field| field.dtype.itemsize()).sum();
                (used == record.itemsize() || !job.clear_padding)
                    && record.fields.iter().all(|field| field.dtype.is_untouched(job))
            }
            Self::SubArray { base, .. } => base.is_untouched(job),
            _ => self.byte_order().is_none_or(|order| job.only.is_some_and(|only| only != order)),
        }
    }
}

impl Record {
    fn reorder(&self, items: &mut [u8], job: Job) {
        let size = self.itemsize();
        for field in &self.fields {
            let len = field.dtype.itemsize();
            if len == 0 || field.dtype.is_untouched(job) {
                continue;
            }
            let begin = field.offset();
            for item in items.chunks_exact_mut(size) {
                field.dtype.reorder_whole(&mut item[begin..begin + len], job);
            }
        }
        if job.clear_padding {
            let mut end = 0;
            let gaps = self.fields.iter().map(|field| (field.offset(), field.dtype.itemsize())).chain([(size, 0)]);
            for (begin, len) in gaps {
                if begin > end {
                    items.chunks_exact_mut(size).for_each(|item| item[end..begin].fill(0));
                }
                end = begin + len;
            }
        }
    }
}

/// Reverses each scalar; a fixed size lets the compiler shuffle many at once.
fn reverse_each(items: &mut [u8], size: usize) {
    fn fixed<const N: usize>(items: &mut [u8]) {
        items.as_chunks_mut::<N>().0.iter_mut().for_each(|scalar| scalar.reverse());
    }
    match size {
        0 | 1 => {}
        2 => fixed::<2>(items),
        4 => fixed::<4>(items),
        8 => fixed::<8>(items),
        16 => fixed::<16>(items),
        _ => items.chunks_exact_mut(size).for_each(<[u8]>::reverse),
    }
}
