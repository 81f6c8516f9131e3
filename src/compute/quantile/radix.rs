//! One pass that counts the keys in parts of given ranges.

use super::lines::{Lines, Reader, small};
use crate::compute::Job;
use crate::compute::engine::pool::Pool;
use crate::compute::engine::source::Blocks;
use crate::compute::engine::{Load, Shift};
use crate::compute::real::{Ordinal, Real};
use crate::error::Result;

/// Parts of a range, at most: their counts stay in the second-level cache.
const MOST_PARTS: u64 = 1 << 16;

/// Keys that hold a wanted rank, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) low: u64,
    pub(super) high: u64,
    /// The elements with smaller keys.
    pub(super) below: u64,
    /// The elements in the range.
    pub(super) count: u64,
}

/// The counts of the parts of a range.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    low: u64,
    high: u64,
    /// A part has `1 << shift` keys.
    shift: u32,
    counts: Vec<u64>,
}

impl Parts {
    fn new(range: Range, most: u64) -> Self {
        let span = range.high - range.low;
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(most.ilog2());
        Self { low: range.low, high: range.high, shift, counts: vec![0; small((span >> shift) + 1)] }
    }

    fn count(&mut self, key: u64) {
        if key <= self.high {
            self.counts[small((key - self.low) >> self.shift)] += 1;
        }
    }

    /// The elements in the range.
    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The part of the range that holds the element of this rank, given how many elements have smaller keys than the range.
    pub(super) fn narrow(&self, rank: u64, below: u64) -> Range {
        let mut below = below;
        let mut part = 0;
        while part + 1 < self.counts.len() && rank >= below + self.counts[part] {
            below += self.counts[part];
            part += 1;
        }
        let low = self.low + ((part as u64) << self.shift);
        let high = self.high.min(low.saturating_add((1 << self.shift) - 1));
        Range { low, high, below, count: self.counts[part] }
    }
}

/// Counts the parts of the ranges of each line, which are disjoint and ascend.
pub(super) fn count<T: Real>(
    job: &Job<'_>,
    source: &dyn Blocks<T>,
    lines: Lines,
    ranges: &[Vec<Range>],
) -> Result<Vec<Vec<Parts>>> {
    let block = job.grid.block_of::<T>() as u64;
    let total: usize = ranges.iter().map(Vec::len).sum();
    let room = job.budget() / 4 / 8 / (job.workers.width() as u64 + 1) / (total as u64).max(1);
    let most = room.clamp(16, MOST_PARTS);
    let blank = || -> Vec<Vec<Parts>> {
        ranges.iter().map(|ranges| ranges.iter().map(|&range| Parts::new(range, most)).collect()).collect()
    };
    let size = total as u64 * (2 * 8 * most + size_of::<Parts>() as u64);
    let load = Load {
        units: lines.units::<T>(block),
        bytes: lines.count() * size_of::<T>() as u64,
        scratch: Reader::<T>::room(job, source, lines) + size,
        held: size,
    };
    let pool = Pool::default();
    job.in_order(
        load,
        Reader::<T>::default,
        |reader, unit, shift: &Shift<'_, '_>| {
            let bytes = pool.lend(blank, |counts: &mut Vec<Vec<Parts>>| {
                reader.runs(job, source, lines, unit, |line, items| add(&mut counts[line], items))
            })?;
            shift.done(bytes);
            Ok(())
        },
        |_, ()| Ok(()),
    )?;
    let mut sum = blank();
    for counts in pool.into_all() {
        for (sum, counts) in sum.iter_mut().flatten().zip(counts.into_iter().flatten()) {
            sum.counts.iter_mut().zip(counts.counts).for_each(|(sum, count)| *sum += count);
        }
    }
    Ok(sum)
}

fn add<N: Ordinal>(parts: &mut [Parts], items: &[N]) {
    match parts {
        [] => {}
        [only] => {
            for item in items {
                let key = item.key();
                if key >= only.low {
                    only.count(key);
                }
            }
        }
        parts => {
            for item in items {
                let key = item.key();
                if let Some(at) = parts.partition_point(|parts| parts.low <= key).checked_sub(1) {
                    parts[at].count(key);
                }
            }
        }
    }
}
