//! Tables with a number for each bin, and the passes that fill them.

use std::ops::{AddAssign, Range};

use crate::compute::Job;
use crate::compute::engine::Load;
use crate::compute::engine::pool::Pool;
use crate::compute::engine::source::{Blocks, Scratch, read};
use crate::compute::number::Number;
use crate::compute::real::{Ordinal, Real};
use crate::error::{Error, ErrorKind, Result};

/// Tells the bins of elements.
pub(super) trait Placer<N>: Sync {
    /// The number of bins.
    fn bins(&self) -> u64;

    /// The bin of each item; the number of bins for those in none.
    fn place(&self, items: &[N], places: &mut [u32]);
}

/// The bins of the elements at some positions.
pub(super) trait Places: Sync {
    /// What a worker reads with.
    type Desk: Default;

    /// The number of bins; places are at most this.
    fn bins(&self) -> u64;

    /// Bytes of an element of all sources.
    fn bytes(&self) -> u64;

    /// Bytes of a desk.
    fn scratch(&self, job: &Job<'_>) -> u64;

    /// Hands out the bins of the elements, a leaf at a time, from front to back.
    fn visit(
        &self,
        job: &Job<'_>,
        desk: &mut Self::Desk,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u32]),
    ) -> Result<()>;
}

/// The elements of one source, told by a placer.
pub(super) struct Placed<'a, T, P> {
    pub(super) source: &'a dyn Blocks<T>,
    pub(super) placer: &'a P,
}

/// What a worker reads one source with.
pub(super) struct Desk<T: Number> {
    scratch: Scratch<T>,
    decoded: Vec<T::Native>,
    places: Vec<u32>,
}

impl<T: Number> Default for Desk<T> {
    fn default() -> Self {
        Self { scratch: Scratch::default(), decoded: Vec::new(), places: Vec::new() }
    }
}

impl<T: Real, P: Placer<T::Native>> Places for Placed<'_, T, P> {
    type Desk = Desk<T>;

    fn bins(&self) -> u64 {
        self.placer.bins()
    }

    fn bytes(&self) -> u64 {
        size_of::<T>() as u64
    }

    fn scratch(&self, job: &Job<'_>) -> u64 {
        let block = job.grid.block_of::<T>() * size_of::<T>();
        self.source.buffer_bytes() + (block + job.grid.leaf_of::<T>() * (size_of::<T::Native>() + 4)) as u64
    }

    fn visit(&self, job: &Job<'_>, desk: &mut Desk<T>, range: Range<u64>, visit: &mut dyn FnMut(&[u32])) -> Result<()> {
        let Desk { scratch, decoded, places } = desk;
        for items in read(self.source, range, scratch)?.chunks(job.grid.leaf_of::<T>()) {
            places.resize(items.len(), 0);
            self.placer.place(T::decode(items, decoded), places);
            visit(places);
        }
        Ok(())
    }
}

/// A number for each bin and one for the elements in none, several times: neighbours in the same bin go to different ones.
#[derive(Clone, Debug)]
struct Table<A> {
    numbers: Vec<A>,
    ways: usize,
}

/// Sub-tables of a small table.
const WAYS: usize = 4;

/// Bins up to which there are several sub-tables.
const FEW: usize = 4096;

impl<A: Copy + Default + AddAssign> Table<A> {
    fn new(bins: usize) -> Self {
        let ways = if bins < FEW { WAYS } else { 1 };
        Self { numbers: vec![A::default(); ways * (bins + 1)], ways }
    }

    /// Bytes of a table.
    fn room(bins: u64) -> u64 {
        let ways = if bins < FEW as u64 { WAYS as u64 } else { 1 };
        (bins + 1).saturating_mul(ways * size_of::<A>() as u64)
    }

    /// Adds to the bin of each place what belongs to it.
    #[inline(always)]
    fn add(&mut self, places: &[u32], amount: impl Fn(usize) -> A) {
        let stride = self.numbers.len() / self.ways;
        if self.ways < WAYS {
            for (at, &place) in places.iter().enumerate() {
                self.numbers[place as usize] += amount(at);
            }
            return;
        }
        let (first, rest) = self.numbers.split_at_mut(stride);
        let (second, rest) = rest.split_at_mut(stride);
        let (third, fourth) = rest.split_at_mut(stride);
        let (chunks, rest) = places.as_chunks::<WAYS>();
        for (at, chunk) in chunks.iter().enumerate() {
            let [a, b, c, d] = chunk.map(|place| place as usize);
            first[a] += amount(WAYS * at);
            second[b] += amount(WAYS * at + 1);
            third[c] += amount(WAYS * at + 2);
            fourth[d] += amount(WAYS * at + 3);
        }
        for (at, &place) in rest.iter().enumerate() {
            first[place as usize] += amount(WAYS * chunks.len() + at);
        }
    }

    /// Adds the sub-tables to numbers of as many bins.
    fn add_to(&self, sums: &mut [A]) {
        for numbers in self.numbers.chunks(self.numbers.len() / self.ways) {
            sums.iter_mut().zip(numbers).for_each(|(sum, &number)| *sum += number);
        }
    }
}

/// As many numbers as there are bins.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] where a place would not fit its type, [`ErrorKind::OutOfMemory`].
fn zeros<A: Clone + Default>(job: &Job<'_>, bins: u64) -> Result<Vec<A>> {
    let Some(count) = i32::try_from(bins).ok().filter(|&count| count < i32::MAX) else {
        return Err(Error::new(ErrorKind::TooLarge, format!("{bins} bins; {} are the most", i32::MAX - 1)));
    };
    let _room = job.hold(bins.saturating_mul(2 * size_of::<A>() as u64))?;
    Ok(vec![A::default(); usize::try_from(count).unwrap_or(0)])
}

impl Job<'_> {
    /// Whether tables of a bin for each value of a type take a small part of the budget.
    pub(super) fn has_room_for(&self, values: u64) -> bool {
        values.saturating_mul(64) <= self.budget()
    }
}

/// How many of the `count` elements are in each bin.
pub(super) fn counts<P: Places>(job: &Job<'_>, places: &P, count: u64) -> Result<Vec<u64>> {
    let mut counts: Vec<u64> = zeros(job, places.bins())?;
    let block = job.grid.block_of::<u64>() as u64;
    let bytes = places.bytes();
    let load = Load {
        units: count.div_ceil(block),
        bytes: count * bytes,
        scratch: places.scratch(job) + Table::<u64>::room(places.bins()),
        held: places.bins() * 8,
    };
    let pool = Pool::default();
    job.in_order(
        load,
        P::Desk::default,
        |desk, unit, shift| {
            let range = unit * block..count.min((unit + 1) * block);
            pool.lend(
                || Table::new(counts.len()),
                |table| places.visit(job, desk, range.clone(), &mut |places| table.add(places, |_| 1_u64)),
            )?;
            shift.done((range.end - range.start) * bytes);
            Ok(())
        },
        |_, ()| Ok(()),
    )?;
    pool.into_all().iter().for_each(|table| table.add_to(&mut counts));
    Ok(counts)
}

/// Segments whose sums are added up in order, at most.
const SEGMENTS: u64 = 256;

/// The sum of the weights of the elements in each bin.
pub(super) fn sums<P: Places, W: Real>(
    job: &Job<'_>,
    places: &P,
    weights: &dyn Blocks<W>,
    count: u64,
) -> Result<Vec<f64>> {
    let mut sums: Vec<f64> = zeros(job, places.bins())?;
    let bins = sums.len();
    let block = job.grid.block_of::<u64>() as u64;
    let segment = count.div_ceil(block).div_ceil(SEGMENTS).max(1) * block;
    let bytes = places.bytes() + size_of::<W>() as u64;
    let room = Table::<f64>::room(places.bins());
    let load = Load {
        units: count.div_ceil(segment),
        bytes: count * bytes,
        scratch: places.scratch(job)
            + weights.buffer_bytes()
            + 2 * room
            + block * (size_of::<W>() + size_of::<W::Native>()) as u64,
        held: places.bins() * 8,
    };
    job.in_order(
        load,
        || (P::Desk::default(), Scratch::default(), Vec::new()),
        |(desk, scratch, decoded), unit, shift| {
            let mut table = Table::<f64>::new(bins);
            let end = count.min((unit + 1) * segment);
            for start in (unit * segment..end).step_by(usize::try_from(block).unwrap_or(usize::MAX)) {
                shift.check()?;
                let range = start..end.min(start + block);
                let mut weights = W::decode(read(weights, range.clone(), scratch)?, decoded);
                let done = (range.end - range.start) * bytes;
                places.visit(job, desk, range, &mut |places| {
                    let (here, rest) = weights.split_at(places.len());
                    table.add(places, |at| here[at].to_f64());
                    weights = rest;
                })?;
                shift.done(done);
            }
            Ok(table)
        },
        |_, table| {
            table.add_to(&mut sums);
            Ok(())
        },
    )?;
    Ok(sums)
}
