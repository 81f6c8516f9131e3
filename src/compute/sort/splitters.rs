//! Which of some ranges of keys a key belongs to.

use super::radix;
use super::record::Record;

/// Ascending records between which the buckets lie. Bucket 2i holds what lies between two splitters, bucket 2i+1 what equals the
/// i-th splitter.
#[derive(Debug)]
pub(super) struct Splitters<R> {
    /// Followed by so many of the largest record that a search stays inside.
    padded: Vec<R>,
    count: usize,
    /// The splitters at or below the keys that begin with some bits: where a search begins.
    table: Vec<u16>,
    shift: u32,
    /// Steps of a search, each of which halves what is left.
    steps: u32,
}

impl<R: Record> Splitters<R> {
    /// Bits that the table knows.
    const BITS: u32 = 16;

    /// Splitters at about `ranges - 1` quantiles of the sample: exactly there, or else only as near as can be found fast.
    pub(super) fn from_sample(sample: &mut [R], ranges: usize, exact: bool) -> Self {
        sample.sort_unstable();
        let mut splitters: Vec<R> =
            (1..ranges).filter_map(|range| sample.get(range * sample.len() / ranges).copied()).collect();
        splitters.dedup();
        let shift = radix::varying(&splitters).end.saturating_sub(Self::BITS);
        if !exact {
            splitters.dedup_by_key(|splitter| Self::begin(*splitter, shift));
        }

        let count = splitters.len();
        let mut table = vec![0_u16; (1 << Self::BITS) + 1];
        for splitter in &splitters {
            table[Self::begin(*splitter, shift) + 1] += 1;
        }
        let most = table.iter().copied().max().unwrap_or_default();
        let mut sum = 0;
        for place in &mut table {
            sum += *place;
            *place = sum;
        }
        let steps = u16::BITS - most.leading_zeros();
        let mut padded = splitters;
        padded.resize(count + (1 << steps), R::zeroed().inverted());
        Self { padded, count, table, shift, steps }
    }

    #[inline(always)]
    fn begin(record: R, shift: u32) -> usize {
        (record.bits(shift) & ((1 << Self::BITS) - 1)) as usize
    }

    /// The number of buckets.
    pub(super) fn buckets(&self) -> usize {
        2 * self.count + 1
    }

    /// The record that all of a bucket equal, for the buckets that have one.
    pub(super) fn value(&self, bucket: usize) -> Option<R> {
        (bucket % 2 == 1).then(|| self.padded[bucket / 2])
    }

    /// Notes the bucket of each record and counts them.
    pub(super) fn classify(&self, records: &[R], buckets: &mut Vec<u16>, counts: &mut [usize]) {
        buckets.clear();
        let splitters = &self.padded[..self.count];
        if let (Some(&first), Some(&last)) = (splitters.first(), splitters.last()) {
            match self.steps {
                1 => self.search::<1>(records, (first, last), buckets),
                2 => self.search::<2>(records, (first, last), buckets),
                3 => self.search::<3>(records, (first, last), buckets),
                4 => self.search::<4>(records, (first, last), buckets),
                _ => self.search::<{ u16::BITS }>(records, (first, last), buckets),
            }
        } else {
            buckets.resize(records.len(), 0);
        }
        buckets.iter().for_each(|&bucket| counts[usize::from(bucket)] += 1);
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^15 splitters")]
    fn search<const STEPS: u32>(&self, records: &[R], (first, last): (R, R), buckets: &mut Vec<u16>) {
        let (table, padded) = (&self.table[..=1 << Self::BITS], &self.padded[..]);
        buckets.extend(records.iter().map(|&record| {
            // Between the first and the last splitter a record has the high bits that both have in common.
            let mut below = usize::from(table[Self::begin(record.clamp(first, last), self.shift)]);
            for step in (0..STEPS.min(self.steps)).rev() {
                below += usize::from(padded[below + (1 << step) - 1] <= record) << step;
            }
            let below = below.min(self.count);
            let equal = padded[below.saturating_sub(1)] == record;
            (2 * below - usize::from(equal)) as u16
        }));
    }
}
