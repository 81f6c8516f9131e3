//! Keys of so few bits that it is enough to count each of them (Knuth, 5.2, algorithm D).

use std::sync::atomic::Ordering;

use portable_atomic::AtomicU64;

use super::input::{Input, Run, Sorted};
use super::key::Key;
use crate::compute::Job;
use crate::compute::engine::Load;
use crate::error::Result;

/// The most bits of such a key.
const BITS: u32 = 16;

/// Tables that are filled in turn, since adding to the place that was just added to takes longer.
const TABLES: usize = 4;

impl Job<'_> {
    /// How often each key occurs, by the bits of the key; nothing where there are too many different keys to be counted, too few
    /// records to be worth the tables, or no memory for these.
    pub(super) fn count_keys<K: Key>(&self, input: &Input<'_, K>) -> Result<Option<Vec<u64>>> {
        if K::BITS > BITS || input.count < 1 << (K::BITS - 2) {
            return Ok(None);
        }
        let each = (size_of::<K>() + input.itemsize) as u64;
        let piece = self.grid.block_of::<K>() as u64;
        let values = 1 << K::BITS;
        // A unit is so long that its tables cost little beside it.
        let unit = piece * (input.count / piece / (4 * self.workers.width() as u64)).max(1);
        let table = (TABLES * values * size_of::<u32>() + values * size_of::<u64>()) as u64;
        let load = Load {
            units: input.count.div_ceil(unit),
            bytes: input.count * size_of::<K>() as u64,
            scratch: piece * each + table,
            held: (values * size_of::<u64>()) as u64,
        };
        if load.scratch + load.held > self.budget() {
            return Ok(None);
        }
        let mut counts = vec![0; values];
        self.in_order(
            load,
            || ((input.open)(), Vec::new(), vec![[0_u32; TABLES]; values]),
            |(read, keys, tables), number, shift| {
                let (mut start, end) = (number * unit, input.count.min((number + 1) * unit));
                let mut counts = vec![0_u64; values];
                while start < end {
                    shift.check()?;
                    let stop = end.min(start + piece);
                    keys.resize(usize::try_from(stop - start).unwrap_or(usize::MAX), K::zeroed());
                    read(start..stop, keys)?;
                    let (fours, rest) = keys.as_chunks::<TABLES>();
                    for four in fours {
                        for (table, key) in four.iter().enumerate() {
                            tables[key.bits(0) as usize][table] += 1;
                        }
                    }
                    rest.iter().for_each(|key| tables[key.bits(0) as usize][0] += 1);
                    shift.done(size_of_val(keys.as_slice()) as u64);
                    start = stop;
                    // Before a count of 32 bits is full.
                    if start == end || (start / piece).is_multiple_of(1 << 10) {
                        for (count, table) in counts.iter_mut().zip(&mut *tables) {
                            *count += std::mem::take(table).iter().map(|&count| u64::from(count)).sum::<u64>();
                        }
                    }
                }
                Ok(counts)
            },
            |_, found: Vec<u64>| {
                counts.iter_mut().zip(found).for_each(|(count, found)| *count += found);
                Ok(())
            },
        )?;
        Ok(Some(counts))
    }

    /// Hands on each key as often as it was counted.
    pub(super) fn deliver_counted<K: Key>(&self, counts: &[u64], to: &Sorted<'_, K>) -> Result<()> {
        let ends: Vec<u64> = counts
            .iter()
            .scan(0, |sum, &count| {
                *sum += count;
                Some(*sum)
            })
            .collect();
        let total = ends.last().copied().unwrap_or_default();
        let block = self.grid.block_of::<K>();
        let piece = block as u64;
        let load = Load {
            units: total.div_ceil(piece).min(self.workers.width() as u64),
            bytes: total * size_of::<K>() as u64,
            scratch: piece * (size_of::<K>() + to.itemsize) as u64,
            held: 0,
        };
        let next = AtomicU64::new(0);
        self.each(
            load,
            || ((to.open)(block), Vec::with_capacity(block)),
            |(write, keys), shift| {
                let start = next.fetch_add(1, Ordering::Relaxed) * piece;
                if start >= total {
                    return Ok(false);
                }
                let stop = total.min(start + piece);
                let mut at = start;
                keys.clear();
                let first = ends.partition_point(|&end| end <= start);
                for (key, &end) in (0..).zip(&ends).skip(first) {
                    let until = end.min(stop);
                    let len = usize::try_from(until - start).unwrap_or(usize::MAX);
                    keys.resize(len, K::from_low_bits(key));
                    at = until;
                    if at == stop {
                        break;
                    }
                }
                write(start, Run::Sorted(keys))?;
                shift.done((at - start) * size_of::<K>() as u64);
                Ok(true)
            },
        )
    }
}
