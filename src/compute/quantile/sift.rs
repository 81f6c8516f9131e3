//! One pass that counts the elements around brackets and collects those inside.

use std::sync::atomic::{AtomicBool, Ordering};

use super::ends::Ends;
use super::lines::{Lines, Reader};
use crate::compute::Job;
use crate::compute::engine::source::Blocks;
use crate::compute::engine::{Load, Shift};
use crate::compute::kernel::{Native, vectorised};
use crate::compute::real::{Ordinal, Real};
use crate::error::Result;

/// A range of values, both ends of which belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bracket<N> {
    pub(super) low: N,
    pub(super) high: N,
}

impl<N: Ordinal> Bracket<N> {
    pub(super) fn everything() -> Self {
        Self { low: N::MIN, high: N::MAX }
    }
}

/// Elements around a bracket. Those that equal an end are counted, not collected, so that values which most of the elements
/// have take no memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Less than the low end.
    pub(super) below: u64,
    /// At most the low end.
    pub(super) to_low: u64,
    /// Less than the high end.
    pub(super) below_high: u64,
    /// At most the high end.
    pub(super) to_high: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.below += other.below;
        self.to_low += other.to_low;
        self.below_high += other.below_high;
        self.to_high += other.to_high;
    }

    /// Elements between the ends, equal to neither.
    pub(super) fn inside(&self) -> u64 {
        self.below_high.saturating_sub(self.to_low)
    }
}

/// What a pass found around one bracket.
#[derive(Clone, Debug, Default)]
pub(super) struct Catch<N> {
    pub(super) tally: Tally,
    /// The elements inside, in no particular order.
    pub(super) caught: Vec<N>,
}

/// What a pass found in one line.
#[derive(Clone, Debug)]
pub(super) struct Sifted<N> {
    pub(super) nan: u64,
    /// One for each bracket.
    pub(super) catches: Vec<Catch<N>>,
}

impl<N: Clone + Default> Sifted<N> {
    fn new(brackets: usize) -> Self {
        Self { nan: 0, catches: vec![Catch::default(); brackets] }
    }
}

/// Brackets of a line beyond which each element is searched for among them.
const FEW: usize = 32;

/// The bracketed elements of each line, and whether they were all kept: where they are more than `most`, they are only counted.
pub(super) fn sift<T: Real>(
    job: &Job<'_>,
    source: &dyn Blocks<T>,
    lines: Lines,
    brackets: &[Vec<Bracket<T::Native>>],
    most: u64,
) -> Result<(Vec<Sifted<T::Native>>, bool)> {
    let block = job.grid.block_of::<T>() as u64;
    let size = size_of::<T::Native>() as u64;
    let bounds: usize = brackets.iter().map(Vec::len).sum();
    let tallies = (bounds * (size_of::<Catch<T::Native>>() + Ends::room())
        + lines.width() * size_of::<Sifted<T::Native>>()) as u64;
    let load = Load {
        units: lines.units::<T>(block),
        bytes: lines.count() * size_of::<T>() as u64,
        // What a worker collects of a unit, which grows by doubling, counts twice.
        scratch: Reader::<T>::room(job, source, lines) + 2 * block * size + tallies,
        held: most * size + tallies,
    };
    let blank = || brackets.iter().map(|brackets| Sifted::new(brackets.len())).collect::<Vec<_>>();
    let ends: Vec<Option<Ends>> =
        brackets.iter().map(|brackets| (brackets.len() > FEW).then(|| Ends::new(brackets))).collect();
    let overflow = AtomicBool::new(false);
    let mut total = 0;
    let mut found = blank();
    job.in_order(
        load,
        || (Reader::<T>::default(), vec![T::Native::default(); job.grid.leaf_of::<T>()]),
        |(reader, kept), unit, shift: &Shift<'_, '_>| {
            let mut sifted = blank();
            let mut cells: Vec<Vec<u64>> =
                ends.iter().map(|ends| vec![0; ends.as_ref().map_or(0, Ends::cells)]).collect();
            let collect = !overflow.load(Ordering::Relaxed);
            let bytes = reader.runs(job, source, lines, unit, |line, items| {
                let Sifted { nan, catches } = &mut sifted[line];
                *nan += count_nan(items);
                if let Some(ends) = &ends[line] {
                    return ends.see(items, &mut cells[line], catches, collect);
                }
                for (bracket, catch) in brackets[line].iter().zip(catches) {
                    let tally = tally(items, *bracket);
                    catch.tally.add(tally);
                    let inside = super::lines::small(tally.inside());
                    if collect && inside == items.len() {
                        catch.caught.extend_from_slice(items);
                    } else if collect && inside > 0 {
                        keep(items, *bracket, kept);
                        catch.caught.extend_from_slice(&kept[..inside]);
                    }
                }
            })?;
            for ((sifted, ends), cells) in sifted.iter_mut().zip(&ends).zip(&cells) {
                if let Some(ends) = ends {
                    sifted.catches.iter_mut().zip(ends.tallies(cells)).for_each(|(catch, tally)| catch.tally = tally);
                }
            }
            shift.done(bytes);
            Ok(sifted)
        },
        |_, sifted| {
            for (found, sifted) in found.iter_mut().zip(sifted) {
                found.nan += sifted.nan;
                for (found, catch) in found.catches.iter_mut().zip(sifted.catches) {
                    found.tally.add(catch.tally);
                    total += catch.tally.inside();
                    if total <= most {
                        found.caught.extend_from_slice(&catch.caught);
                    } else {
                        found.caught = Vec::new();
                    }
                }
            }
            if total > most {
                overflow.store(true, Ordering::Relaxed);
                found.iter_mut().flat_map(|line| &mut line.catches).for_each(|catch| catch.caught = Vec::new());
            }
            Ok(())
        },
    )?;
    Ok((found, total <= most))
}

fn count_nan<N: Ordinal>(items: &[N]) -> u64 {
    if N::NAN.is_none() {
        return 0;
    }
    vectorised(
        #[inline(always)]
        || {
            let mut nan = N::Count::default();
            for &item in items {
                nan += N::Count::from(item.is_nan());
            }
            nan.into()
        },
    )
}

/// Counts the elements of a leaf around a bracket.
fn tally<N: Ordinal>(items: &[N], Bracket { low, high }: Bracket<N>) -> Tally {
    let [below, to_low, below_high, to_high] = vectorised(
        #[inline(always)]
        || {
            let mut counts = [N::Count::default(); 4];
            for &item in items {
                counts[0] += N::Count::from(item < low);
                counts[1] += N::Count::from(item <= low);
                counts[2] += N::Count::from(item < high);
                counts[3] += N::Count::from(item <= high);
            }
            counts.map(Into::into)
        },
    );
    Tally { below, to_low, below_high, to_high }
}

/// Puts the elements inside the bracket, which are not all, at the front of `kept`.
fn keep<N: Native + Ordinal>(items: &[N], Bracket { low, high }: Bracket<N>, kept: &mut [N]) {
    let mut count = 0;
    for &item in items {
        kept[count] = item;
        count += usize::from((low < item) & (item < high));
    }
}
