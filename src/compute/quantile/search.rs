//! Finding the elements of some ranks in lines that may not fit memory.

use std::cmp::Ordering;

use super::lines::{Lines, small};
use super::method::Wanted;
use super::radix::{self, Range};
use super::sample::{self, Guess};
use super::sift::{Bracket, Sifted, sift};
use crate::compute::Job;
use crate::compute::engine::source::Blocks;
use crate::compute::real::{Ordinal, Real};
use crate::error::Result;

/// The order of numbers of which none is NaN.
pub(super) fn compare<N: Ordinal>(a: &N, b: &N) -> Ordering {
    if a < b {
        Ordering::Less
    } else if b < a {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// Puts the elements of these ranks, which ascend, where sorting would put them; `first` is the rank of the first item.
pub(super) fn select<N: Ordinal>(items: &mut [N], first: u64, ranks: &[u64]) {
    let middle = ranks.len() / 2;
    let Some(&rank) = ranks.get(middle) else { return };
    let at = small(rank - first);
    let (before, _, after) = items.select_nth_unstable_by(at, compare);
    select(before, first, &ranks[..middle]);
    select(after, rank + 1, &ranks[middle + 1..]);
}

/// The answers of one line.
#[derive(Clone, Debug)]
pub(super) struct Found<N> {
    /// The elements that are not NaN.
    pub(super) valid: u64,
    pub(super) nan: u64,
    /// The ranks that the recipes need, ascending.
    pub(super) ranks: Vec<u64>,
    /// The elements of these ranks.
    pub(super) values: Vec<N>,
}

impl<N: Ordinal> Found<N> {
    /// The element of a rank.
    pub(super) fn at(&self, rank: u64) -> N {
        self.ranks.binary_search(&rank).map_or(N::default(), |at| self.values[at])
    }
}

/// What is known of a rank.
#[derive(Clone, Copy, Debug)]
enum State<N> {
    Value(N),
    Within(Range),
}

/// What is known of the ranks of a line.
struct Line<N> {
    valid: u64,
    nan: u64,
    ranks: Vec<u64>,
    states: Vec<State<N>>,
}

impl<N: Ordinal> Line<N> {
    /// A line of which the elements are counted, and nothing else is known.
    fn new(valid: u64, nan: u64, wanted: &Wanted<'_>, propagate: bool) -> Self {
        let ranks = if nan > 0 && propagate { Vec::new() } else { wanted.ranks(valid) };
        let all = Range { low: N::MIN.key(), high: N::MAX.key(), below: 0, count: valid };
        Self { valid, nan, states: vec![State::Within(all); ranks.len()], ranks }
    }

    /// The ranges of the ranks that are not found, ascending, each once.
    fn ranges(&self) -> Vec<Range> {
        let range = |state: &State<N>| match state {
            State::Value(_) => None,
            State::Within(range) => Some(*range),
        };
        let mut ranges: Vec<Range> = self.states.iter().filter_map(range).collect();
        ranges.dedup();
        ranges
    }

    /// Looks the ranks up in what one pass has found around some brackets, which ascend.
    fn learn(&mut self, brackets: &[Bracket<N>], mut sifted: Sifted<N>, kept: bool) {
        let catches = sifted.catches.len();
        let places: Vec<_> = self
            .states
            .iter()
            .zip(&self.ranks)
            .map(|(&state, &rank)| match state {
                State::Value(_) => (catches, state),
                State::Within(_) => locate(rank, brackets, &sifted, self.valid),
            })
            .collect();
        for (at, catch) in sifted.catches.iter_mut().enumerate().filter(|_| kept) {
            let here = places.iter().zip(&self.ranks).filter(|(place, _)| place.0 == at);
            let ranks: Vec<u64> = here.map(|(_, &rank)| rank).collect();
            select(&mut catch.caught, catch.tally.to_low, &ranks);
        }
        for ((state, (at, place)), &rank) in self.states.iter_mut().zip(places).zip(&self.ranks) {
            *state = match sifted.catches.get(at) {
                Some(catch) if kept => State::Value(catch.caught[small(rank - catch.tally.to_low)]),
                _ => place,
            };
        }
    }

    /// Looks the ranks up in the counts of the parts of the ranges that were not resolved.
    fn narrow(&mut self, parts: &[radix::Parts]) {
        let ranges = self.ranges();
        for (state, &rank) in self.states.iter_mut().zip(&self.ranks) {
            if let State::Within(range) = *state {
                let at = ranges.binary_search(&range).unwrap_or(0);
                let part = parts[at].narrow(rank, range.below);
                let single = part.low == part.high;
                *state = if single { State::Value(N::from_key(part.low)) } else { State::Within(part) };
            }
        }
    }

    fn finish(self) -> Found<N> {
        let value = |state| match state {
            State::Value(value) => value,
            State::Within(range) => N::from_key(range.low),
        };
        let values = self.states.into_iter().map(value).collect();
        Found { valid: self.valid, nan: self.nan, ranks: self.ranks, values }
    }
}

/// Where the rank lies: inside a bracket of this number, or with a value, or in a range outside of all brackets.
fn locate<N: Ordinal>(rank: u64, brackets: &[Bracket<N>], sifted: &Sifted<N>, valid: u64) -> (usize, State<N>) {
    let nowhere = brackets.len();
    // The first key behind the brackets so far, and the elements before it.
    let (mut low, mut below) = (N::MIN.key(), 0);
    for (at, (bracket, catch)) in brackets.iter().zip(&sifted.catches).enumerate() {
        let tally = catch.tally;
        if rank < tally.below {
            let range = Range { low, high: bracket.low.key() - 1, below, count: tally.below - below };
            return (nowhere, State::Within(range));
        }
        if rank < tally.to_low {
            return (nowhere, State::Value(bracket.low));
        }
        if rank < tally.below_high {
            let (low, high) = (bracket.low.key() + 1, bracket.high.key() - 1);
            return (at, State::Within(Range { low, high, below: tally.to_low, count: tally.inside() }));
        }
        if rank < tally.to_high {
            return (nowhere, State::Value(bracket.high));
        }
        (low, below) = (bracket.high.key().saturating_add(1), tally.to_high);
    }
    (nowhere, State::Within(Range { low, high: N::MAX.key(), below, count: valid - below }))
}

/// The elements of the wanted ranks of each line. With `propagate` a line that holds a NaN is not searched.
pub(super) fn search<T: Real>(
    job: &Job<'_>,
    source: &dyn Blocks<T>,
    lines: Lines,
    wanted: &Wanted<'_>,
    propagate: bool,
) -> Result<Vec<Found<T::Native>>> {
    let size = size_of::<T::Native>() as u64;
    let block = job.grid.block_of::<T>() as u64;
    // More than this would make the last step, the selection, longer than another pass.
    let most = (job.budget() / 4 / size).min((lines.count() / 8).max(8 * block));
    let mut found: Vec<Line<T::Native>>;
    let guess = if lines.count() <= most.min(8 * block) {
        Some(Guess { brackets: vec![vec![Bracket::everything()]; lines.width()], narrow: true })
    } else {
        sample::guess(job, source, lines, wanted, most)?
    };
    if let Some(Guess { brackets, narrow }) = guess {
        // Where the brackets hold too much, the pass only counts.
        let (sifted, kept) = sift(job, source, lines, &brackets, if narrow { most } else { 0 })?;
        found = Vec::with_capacity(sifted.len());
        for (sifted, brackets) in sifted.into_iter().zip(&brackets) {
            let mut line = Line::new(lines.len - sifted.nan, sifted.nan, wanted, propagate);
            line.learn(brackets, sifted, kept);
            found.push(line);
        }
    } else {
        let whole = Range { low: T::Native::MIN.key(), high: T::Native::MAX.key(), below: 0, count: lines.len };
        let parts = radix::count(job, source, lines, &vec![vec![whole]; lines.width()])?;
        found = Vec::with_capacity(parts.len());
        for parts in parts {
            let valid = parts[0].total();
            let mut line = Line::new(valid, lines.len - valid, wanted, propagate);
            line.narrow(&parts);
            found.push(line);
        }
    }
    loop {
        let ranges: Vec<Vec<Range>> = found.iter().map(Line::ranges).collect();
        let open: u64 = ranges.iter().flatten().map(|range| range.count).sum();
        if ranges.iter().all(Vec::is_empty) {
            return Ok(found.into_iter().map(Line::finish).collect());
        }
        if open <= most {
            let bracket = |range: &Range| {
                let [low, high] = [range.low, range.high].map(T::Native::from_key);
                Bracket { low, high }
            };
            let brackets: Vec<Vec<_>> = ranges.iter().map(|ranges| ranges.iter().map(bracket).collect()).collect();
            let (sifted, kept) = sift(job, source, lines, &brackets, most)?;
            for ((line, sifted), brackets) in found.iter_mut().zip(sifted).zip(&brackets) {
                line.learn(brackets, sifted, kept);
            }
        } else {
            let parts = radix::count(job, source, lines, &ranges)?;
            for (line, parts) in found.iter_mut().zip(parts) {
                line.narrow(&parts);
            }
        }
    }
}
