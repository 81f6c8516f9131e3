//! Sorting by distribution: one pass puts every record into the bucket of its range of keys, then the buckets are sorted one by
//! one, each by one worker, and written to their places. Buckets are lists of chunks, which stay in memory while there is room
//! and go to a scratch file beyond. So an array that fits is sorted in memory, and another one is read once, spilled once, read
//! back once and written once.
//!
//! The ranges come from a sample (Frazer and McKellar, Samplesort, 1970), and what equals a bound of a range is only counted,
//! so that keys that many records have cost nothing (Axtmann, Witt, Ferizovic and Sanders, In-place Parallel Super Scalar
//! Samplesort, 2017). A bucket that is too large for one worker is distributed again.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use portable_atomic::AtomicU64;

use super::input::{Input, Reader, Run, Sorted};
use super::radix;
use super::record::Record;
use super::splitters::Splitters;
use crate::compute::Job;
use crate::compute::engine::{Held, Load, ScratchFile, Shift};
use crate::error::{Error, ErrorKind, Result};

/// The most ranges of keys in memory, where more would make the places written to leave the cache.
const MOST: u64 = 1024;
/// Sampled records for each range, and how many of them lie next to one another.
const SAMPLED: u64 = 64;
const NEIGHBOURS: u64 = 8;
/// How much larger than the average a bucket is expected to be at most.
const UNEVEN: u64 = 2;

/// The sizes of one distribution, in records where nothing else is said.
#[derive(Clone, Copy, Debug)]
struct Plan {
    workers: u64,
    /// What is read and distributed at a time.
    piece: u64,
    /// Ranges of keys.
    ranges: u64,
    chunk: u64,
    /// Chunks that may stay in memory when they are full.
    kept: u64,
    /// The largest bucket that is sorted by one worker.
    largest: u64,
    /// Whether chunks go to a file, where buckets of the right sizes are worth more than a fast way to find them.
    spills: bool,
}

impl Plan {
    /// `read` and `written` are the bytes of an element before and after.
    fn new<R: Record>(job: &Job<'_>, count: u64, (read, written): (usize, usize), again: bool) -> Result<Self> {
        let size = size_of::<R>() as u64;
        let (budget, block) = (job.budget(), job.grid.block as u64);
        // A worker with less memory than two blocks does not work well.
        let workers = (budget / (2 * block)).clamp(1, job.workers.width() as u64);
        let share = budget / workers;
        // To distribute a piece takes its elements, its records as they come and in order, and the numbers of their buckets.
        let each = (2 * size_of::<R>() + size_of::<u16>() + read.max(written)) as u64;
        let piece = (share / 8 / each).clamp(1, job.grid.block_of::<R>() as u64);
        let pieces = workers * piece * each;

        let ranges = (count / (block / 4 / size).max(1)).clamp(1, MOST);
        let chunk = (block / 16 / size).clamp(1, count.max(1));
        let kept = count.div_ceil(chunk);
        let largest = (UNEVEN * count / ranges).max(count / (2 * workers)).min(count);
        let plan = Self { workers, piece, ranges, chunk, kept, largest, spills: false };
        let expected = workers * 2 * (UNEVEN * count / ranges).min(count) * size;
        if !again && plan.held::<R>() + pieces + expected <= budget {
            return Ok(plan);
        }

        // Half of the memory for the buckets that are sorted, a quarter for chunks that are filled, the rest for chunks that stay.
        let largest = (share / 2).saturating_sub(piece * written as u64) / (2 * size);
        let (small, large) = ((block / 32 / size).max(1), 2 * block / size);
        let fitting = (budget / 4 / (small * size)).saturating_sub(workers);
        let ranges = (count * 5 / 3).div_ceil(largest.max(1)).min(fitting).clamp(2, 1 << 14);
        let chunk = (budget / 4 / ((ranges + workers) * size)).clamp(1, large);
        let kept = if again { 0 } else { (budget / 4).saturating_sub(pieces) / (chunk * size) };
        let plan = Self { workers, piece, ranges, chunk, kept, largest, spills: true };
        let needed = plan.held::<R>() + pieces;
        if largest < 2 || needed > budget {
            let message =
                format!("sorting needs {} bytes of memory; the budget has {budget} left", needed.max(2 * block));
            return Err(Error::new(ErrorKind::OutOfMemory, message).with_hint("allow more memory for the job"));
        }
        Ok(plan)
    }

    /// Bytes of the chunks in memory: those that stay, one of each range, and one of each worker.
    fn held<R>(&self) -> u64 {
        (self.kept + self.ranges + self.workers) * self.chunk * size_of::<R>() as u64
    }

    /// The share of a worker in what a bucket takes to be sorted.
    fn arena<R>(count: u64) -> u64 {
        2 * count * size_of::<R>() as u64
    }
}

/// Records of a bucket that belong together only by their place.
#[derive(Debug)]
enum Chunk<R> {
    Kept(Vec<R>),
    /// In the scratch file from this record on.
    Spilled(u64, u64),
}

impl<R> Chunk<R> {
    fn len(&self) -> u64 {
        match self {
            Self::Kept(records) => records.len() as u64,
            Self::Spilled(_, len) => *len,
        }
    }
}

/// A bucket while it is being filled.
#[derive(Debug)]
struct Filling<R> {
    last: Vec<R>,
    full: Vec<Chunk<R>>,
    count: u64,
}

/// Where the chunks go when they are full.
struct Store<'a> {
    job: &'a Job<'a>,
    plan: Plan,
    kept: AtomicU64,
    spilled: AtomicU64,
    file: OnceLock<ScratchFile>,
}

/// A bucket with its place in the result.
#[derive(Debug)]
struct Bucket<R> {
    start: u64,
    count: u64,
    content: Content<R>,
}

#[derive(Debug)]
enum Content<R> {
    Same(R),
    Chunks(Vec<Chunk<R>>),
}

/// Records in buckets of ascending ranges.
#[derive(Debug)]
pub(super) struct Spread<'j, R> {
    plan: Plan,
    buckets: Vec<Bucket<R>>,
    file: Option<ScratchFile>,
    _held: Held<'j>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A size in memory.
fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl Store<'_> {
    /// The scratch file, made when it is first needed.
    fn file(&self) -> Result<&ScratchFile> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = ScratchFile::new(self.job)?;
        Ok(self.file.get_or_init(|| file))
    }

    /// Adds records of one bucket to it; `spare` is an empty chunk of the worker.
    fn add<R: Record>(&self, bucket: &Mutex<Filling<R>>, mut records: &[R], spare: &mut Vec<R>) -> Result<()> {
        let chunk = size(self.plan.chunk);
        while !records.is_empty() {
            let mut filling = lock(bucket);
            if filling.last.capacity() == 0 {
                filling.last.reserve_exact(chunk);
            }
            let (now, later) = records.split_at(records.len().min(chunk - filling.last.len()));
            filling.last.extend_from_slice(now);
            filling.count += now.len() as u64;
            records = later;
            if filling.last.len() == chunk {
                let full = std::mem::replace(&mut filling.last, std::mem::take(spare));
                drop(filling);
                let full = self.put_away(full, spare)?;
                lock(bucket).full.push(full);
            }
        }
        Ok(())
    }

    fn put_away<R: Record>(&self, mut records: Vec<R>, spare: &mut Vec<R>) -> Result<Chunk<R>> {
        if self.kept.fetch_add(1, Ordering::Relaxed) < self.plan.kept {
            return Ok(Chunk::Kept(records));
        }
        let len = records.len() as u64;
        let start = self.spilled.fetch_add(len, Ordering::Relaxed);
        self.file()?.write(start, &records)?;
        records.clear();
        *spare = records;
        Ok(Chunk::Spilled(start, len))
    }
}

/// What a worker keeps while it distributes.
struct Distributor<'a, R> {
    reader: Reader<'a, R>,
    records: Vec<R>,
    buckets: Vec<u16>,
    counts: Vec<usize>,
    places: Vec<usize>,
    ordered: Vec<R>,
    spare: Vec<R>,
}

impl<'a, R: Record> Distributor<'a, R> {
    fn new(input: &'a Input<'_, R>, plan: &Plan, splitters: &Splitters<R>) -> Self {
        Self {
            reader: (input.open)(),
            records: vec![R::zeroed(); size(plan.piece)],
            buckets: Vec::new(),
            counts: vec![0; splitters.buckets()],
            places: vec![0; splitters.buckets()],
            ordered: vec![R::zeroed(); size(plan.piece)],
            spare: Vec::new(),
        }
    }

    /// Reads some records and distributes them.
    fn distribute(
        &mut self,
        range: std::ops::Range<u64>,
        splitters: &Splitters<R>,
        (store, fillings): (&Store<'_>, &[Mutex<Filling<R>>]),
    ) -> Result<()> {
        let records = &mut self.records[..size(range.end - range.start)];
        (self.reader)(range, records)?;
        if let [bucket] = fillings {
            return store.add(bucket, records, &mut self.spare);
        }
        self.counts.fill(0);
        splitters.classify(records, &mut self.buckets, &mut self.counts);
        let mut sum = 0;
        for (place, count) in self.places.iter_mut().zip(&self.counts) {
            *place = sum;
            sum += count;
        }
        for (&record, &bucket) in records.iter().zip(&self.buckets) {
            let place = &mut self.places[usize::from(bucket)];
            self.ordered[*place] = record;
            *place += 1;
        }
        let mut start = 0;
        for (number, &count) in self.counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let bucket = &fillings[number];
            if splitters.value(number).is_some() {
                lock(bucket).count += count as u64;
            } else {
                store.add(bucket, &self.ordered[start..start + count], &mut self.spare)?;
            }
            start += count;
        }
        Ok(())
    }
}

impl Job<'_> {
    /// Distributes records, `written` bytes each in the end.
    pub(super) fn spread<R: Record>(&self, input: &Input<'_, R>, written: usize) -> Result<Spread<'_, R>> {
        self.distribute(input, written, false)
    }

    /// The records of `again` come out of a bucket that was too large.
    fn distribute<R: Record>(&self, input: &Input<'_, R>, written: usize, again: bool) -> Result<Spread<'_, R>> {
        let plan = Plan::new::<R>(self, input.count, (input.itemsize, written), again)?;
        let held = self.hold(plan.held::<R>())?;
        let splitters = Splitters::from_sample(&mut self.sample(input, plan.ranges)?, size(plan.ranges), plan.spills);
        let filling = || Mutex::new(Filling { last: Vec::new(), full: Vec::new(), count: 0 });
        let fillings: Vec<_> = std::iter::repeat_with(filling).take(splitters.buckets()).collect();
        let store =
            Store { job: self, plan, kept: AtomicU64::new(0), spilled: AtomicU64::new(0), file: OnceLock::new() };

        let pieces = input.count.div_ceil(plan.piece);
        let bytes = size_of::<R>() as u64;
        let load = Load { units: pieces.min(plan.workers), bytes: input.count * bytes, scratch: 0, held: 0 };
        let next = AtomicU64::new(0);
        self.each(
            load,
            || Distributor::new(input, &plan, &splitters),
            |worker, shift| {
                let start = next.fetch_add(1, Ordering::Relaxed) * plan.piece;
                if start >= input.count {
                    return Ok(false);
                }
                let range = start..input.count.min(start + plan.piece);
                worker.distribute(range.clone(), &splitters, (&store, &fillings))?;
                shift.done((range.end - range.start) * bytes);
                Ok(true)
            },
        )?;

        let mut start = 0;
        let buckets = fillings.into_iter().enumerate().filter_map(|(number, filling)| {
            let Filling { last, mut full, count } = filling.into_inner().unwrap_or_else(PoisonError::into_inner);
            if !last.is_empty() {
                full.push(Chunk::Kept(last));
            }
            let content = splitters.value(number).map_or(Content::Chunks(full), Content::Same);
            start += count;
            (count > 0).then_some(Bucket { start: start - count, count, content })
        });
        Ok(Spread { plan, buckets: buckets.collect(), file: store.file.into_inner(), _held: held })
    }

    /// Records from all over the input, in small groups; none where there is one range.
    fn sample<R: Record>(&self, input: &Input<'_, R>, ranges: u64) -> Result<Vec<R>> {
        let mut sample = Vec::new();
        // At least one record of those that are left, so that every distribution takes some away.
        let near = NEIGHBOURS.min(input.count).max(1);
        let groups = if ranges < 2 || input.count == 0 {
            0
        } else {
            (ranges * SAMPLED / NEIGHBOURS).min(input.count / near).max(1)
        };
        let mut reader = (input.open)();
        for group in 0..groups {
            // Not at regular distances, which may be those of a pattern in the array.
            let stride = input.count / groups;
            let start = group * stride + group.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (stride - near + 1);
            let from = sample.len();
            sample.resize(from + size(near), R::zeroed());
            reader(start..start + near, &mut sample[from..])?;
        }
        Ok(sample)
    }
}

impl<R: Record> Spread<'_, R> {
    /// Sorts each bucket and hands it on; what comes first goes to position `base`.
    pub(super) fn deliver(self, job: &Job<'_>, base: u64, to: &Sorted<'_, R>) -> Result<()> {
        let Self { plan, buckets, file, _held } = self;
        let piece = plan.piece * to.itemsize as u64;
        let share = job.budget() / plan.workers;
        let largest = plan.largest.min(share.saturating_sub(piece) / Plan::arena::<R>(1));
        let (tasks, later): (Vec<_>, Vec<_>) = buckets
            .into_iter()
            .partition(|bucket| matches!(bucket.content, Content::Same(_)) || bucket.count <= largest);
        let arena = tasks
            .iter()
            .filter(|task| matches!(task.content, Content::Chunks(_)))
            .map(|task| task.count)
            .max()
            .unwrap_or_default();

        let bytes = size_of::<R>() as u64;
        let total = tasks.iter().map(|task| task.count).sum::<u64>() * bytes;
        let scratch = Plan::arena::<R>(arena) + piece;
        // Many of the same are written by several workers.
        let most = 16 * plan.piece;
        let tasks = Mutex::new(tasks.into_iter().flat_map(|task| task.parts(most)));
        job.each(
            Load { units: plan.workers, bytes: total, scratch, held: 0 },
            || {
                // As much as the largest bucket takes, so that nothing is moved to a larger place.
                let buffer = || Vec::with_capacity(size(arena));
                ((to.open)(size(plan.piece)), buffer(), buffer())
            },
            |(write, records, spare), shift| {
                let Some(task) = lock(&tasks).next() else { return Ok(false) };
                match task.content {
                    Content::Same(record) => write(base + task.start, Run::Same(record, task.count))?,
                    Content::Chunks(chunks) => {
                        collect(chunks, file.as_ref(), records, shift)?;
                        let len = records.len();
                        if spare.len() < len {
                            spare.resize(len, R::zeroed());
                        }
                        radix::sort(records, &mut spare[..len], false);
                        shift.check()?;
                        write(base + task.start, Run::Sorted(records))?;
                    }
                }
                shift.done(task.count * bytes);
                Ok(true)
            },
        )?;

        for Bucket { start, count, content } in later {
            let Content::Chunks(chunks) = content else { continue };
            let open = || -> Reader<'_, R> {
                Box::new(|range, records| read_chunks(&chunks, file.as_ref(), range.start, records))
            };
            let input = Input { count, itemsize: 0, open: Box::new(open) };
            job.distribute(&input, to.itemsize, true)?.deliver(job, base + start, to)?;
        }
        Ok(())
    }
}

impl<R: Copy> Bucket<R> {
    /// The bucket, or where its records are all the same, parts of it of at most so many.
    fn parts(self, most: u64) -> impl Iterator<Item = Self> {
        let (start, count) = (self.start, self.count);
        let (whole, same) = match self.content {
            Content::Same(record) => (None, Some(record)),
            Content::Chunks(_) => (Some(self), None),
        };
        let parts = same.into_iter().flat_map(move |record| {
            (0..count.div_ceil(most)).map(move |part| Self {
                start: start + part * most,
                count: most.min(count - part * most),
                content: Content::Same(record),
            })
        });
        whole.into_iter().chain(parts)
    }
}

fn scratch_file(file: Option<&ScratchFile>) -> &ScratchFile {
    file.expect("chunks are spilled to a file")
}

/// Puts all records of a bucket together, and lets go of the chunks.
fn collect<R: Record>(
    chunks: Vec<Chunk<R>>,
    file: Option<&ScratchFile>,
    records: &mut Vec<R>,
    shift: &Shift<'_, '_>,
) -> Result<()> {
    records.clear();
    records.reserve_exact(size(chunks.iter().map(Chunk::len).sum()));
    for chunk in chunks {
        match chunk {
            Chunk::Kept(kept) => records.extend_from_slice(&kept),
            Chunk::Spilled(start, len) => {
                shift.check()?;
                let from = records.len();
                records.resize(from + size(len), R::zeroed());
                scratch_file(file).read(start, &mut records[from..])?;
            }
        }
    }
    Ok(())
}

/// Fills `records` with those of the bucket from the `start`-th on.
fn read_chunks<R: Record>(
    chunks: &[Chunk<R>],
    file: Option<&ScratchFile>,
    start: u64,
    mut records: &mut [R],
) -> Result<()> {
    let mut skip = start;
    for chunk in chunks {
        if records.is_empty() {
            break;
        }
        if skip >= chunk.len() {
            skip -= chunk.len();
            continue;
        }
        let (now, later) = records.split_at_mut(records.len().min(size(chunk.len() - skip)));
        match chunk {
            Chunk::Kept(kept) => now.copy_from_slice(&kept[size(skip)..][..now.len()]),
            Chunk::Spilled(at, _) => scratch_file(file).read(at + skip, now)?,
        }
        (records, skip) = (later, 0);
    }
    Ok(())
}
