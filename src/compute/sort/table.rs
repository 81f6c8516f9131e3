//! A hash table that counts a small number of different records.

use super::record::Record;

/// Open addressing with linear probing, at most half full (Knuth, 6.4, algorithm L).
#[derive(Debug)]
pub(super) struct Table<R> {
    /// A record and how often it was found; 0 where the place is free.
    places: Vec<(R, u64)>,
    used: usize,
}

impl<R: Record> Table<R> {
    /// The logarithm of the number of places.
    const BITS: u32 = 15;
    /// Different records that a table holds.
    pub(super) const MOST: usize = 1 << (Self::BITS - 1);
    /// Bytes of a table.
    pub(super) const BYTES: u64 = (size_of::<(R, u64)>() << Self::BITS) as u64;

    pub(super) fn new() -> Self {
        Self { places: vec![(R::zeroed(), 0); 1 << Self::BITS], used: 0 }
    }

    /// Counts records; false where they are of too many kinds.
    #[must_use]
    pub(super) fn add(&mut self, records: &[R], count: u64) -> bool {
        let mask = self.places.len() - 1;
        for &record in records {
            let mut at = Self::home(record);
            loop {
                let place = &mut self.places[at & mask];
                if place.1 > 0 && place.0 == record {
                    place.1 += count;
                    break;
                }
                if place.1 == 0 {
                    if self.used == Self::MOST {
                        return false;
                    }
                    *place = (record, count);
                    self.used += 1;
                    break;
                }
                at += 1;
            }
        }
        true
    }

    /// Where the search for a record begins: Fibonacci hashing of all its words.
    #[inline(always)]
    fn home(record: R) -> usize {
        let words = (0..R::BITS).step_by(32).map(|shift| u64::from(record.bits(shift)));
        let hash = words.fold(0, |hash: u64, word| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - Self::BITS)) as usize
    }

    /// What was counted, in no order.
    pub(super) fn counts(&self) -> impl Iterator<Item = (R, u64)> + '_ {
        self.places.iter().copied().filter(|&(_, count)| count > 0)
    }
}
