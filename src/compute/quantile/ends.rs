//! The ends of many brackets, among which elements are searched for: cheaper than to compare each element with all of them.

use super::sift::{Bracket, Catch, Tally};
use crate::compute::real::Ordinal;

/// The ends of the brackets of a line.
///
/// The ends part the keys into cells: those before the first end, those that equal it, those between it and the next, and so on.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    /// The keys of the ends, ascending, each once.
    keys: Vec<u64>,
    /// Where the ends of each bracket are among the keys.
    places: Vec<[usize; 2]>,
    /// The bracket inside of which a cell lies; as many as there are brackets where it lies in none.
    owners: Vec<usize>,
}

impl Ends {
    /// The ends of brackets whose insides are disjoint.
    pub(super) fn new<N: Ordinal>(brackets: &[Bracket<N>]) -> Self {
        let ends = |bracket: &Bracket<N>| [bracket.low.key(), bracket.high.key()];
        let mut keys: Vec<u64> = brackets.iter().flat_map(ends).collect();
        keys.sort_unstable();
        keys.dedup();
        let place = |end: u64| keys.partition_point(|&key| key < end);
        let places: Vec<[usize; 2]> = brackets.iter().map(|bracket| ends(bracket).map(place)).collect();
        let mut owners = vec![brackets.len(); 2 * keys.len() + 1];
        for (bracket, &[low, high]) in places.iter().enumerate() {
            (2 * low + 2..=2 * high).for_each(|cell| owners[cell] = bracket);
        }
        Self { keys, places, owners }
    }

    /// Bytes for each bracket, and for its counts.
    pub(super) const fn room() -> usize {
        2 * 8 + size_of::<[usize; 2]>() + 4 * size_of::<usize>() + 4 * 8
    }

    /// The number of cells.
    pub(super) fn cells(&self) -> usize {
        self.owners.len()
    }

    /// Counts the items by their cells, and collects those inside of brackets if wanted. NaN count as the largest.
    pub(super) fn see<N: Ordinal>(&self, items: &[N], counts: &mut [u64], catches: &mut [Catch<N>], collect: bool) {
        for &item in items {
            let key = item.key();
            let behind = self.keys.partition_point(|&end| end <= key);
            let equal = behind > 0 && self.keys[behind - 1] == key;
            let cell = 2 * behind - usize::from(equal);
            counts[cell] += 1;
            if let Some(catch) = catches.get_mut(self.owners[cell]).filter(|_| collect) {
                catch.caught.push(item);
            }
        }
    }

    /// What the counts of the cells say of each bracket.
    pub(super) fn tallies(&self, counts: &[u64]) -> impl Iterator<Item = Tally> {
        let sum = |before: &mut u64, &count: &u64| {
            *before += count;
            Some(*before)
        };
        let up_to: Vec<u64> = counts.iter().scan(0, sum).collect();
        self.places.iter().map(move |&[low, high]| Tally {
            below: up_to[2 * low],
            to_low: up_to[2 * low + 1],
            below_high: up_to[2 * high],
            to_high: up_to[2 * high + 1],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_told_by_the_ends() {
        let bracket = |low, high| Bracket { low, high };
        let brackets = [bracket(-1.0, 2.0), bracket(2.0, 2.0), bracket(2.0, 5.0), bracket(7.0, f64::INFINITY)];
        let items = [-3.0, -1.0, -0.0, 0.5, 2.0, 2.0, 3.0, 6.0, 7.0, 9.0, f64::INFINITY, f64::NAN];
        let ends = Ends::new(&brackets);
        let mut counts = vec![0; ends.cells()];
        let mut catches = vec![Catch::default(); brackets.len()];
        ends.see(&items, &mut counts, &mut catches, true);
        assert_eq!(counts.iter().sum::<u64>(), 12);
        for ((tally, Bracket { low, high }), catch) in ends.tallies(&counts).zip(brackets).zip(&catches) {
            let count = |is: &dyn Fn(f64) -> bool| items.iter().filter(|&&item| is(item)).count() as u64;
            assert_eq!((tally.below, tally.to_low), (count(&|item| item < low), count(&|item| item <= low)));
            assert_eq!((tally.below_high, tally.to_high), (count(&|item| item < high), count(&|item| item <= high)));
            assert_eq!(catch.caught.len() as u64, tally.inside());
            assert!(catch.caught.iter().all(|&item| low < item && item < high));
        }
    }
}
