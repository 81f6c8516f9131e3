//! Byte patterns, as Python's `mmap` and `bytes` search for them.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;

use memchr::memmem::{Finder, FinderRev};
use ndarray::Ix1;
use portable_atomic::AtomicU64;

use super::sought::{Desk, Sought};
use crate::compute::engine::Load;
use crate::compute::engine::source::{Scratch, read, shape_of};
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// A search in the bytes of an array, by [`Job::bytes`].
///
/// Positions count the bytes in storage order, from the beginning of the array, whatever part of it is searched.
#[derive(Debug)]
#[must_use = "nothing is searched before one of the methods says for what"]
pub struct Bytes<'a, S> {
    pub(super) job: &'a Job<'a>,
    pub(super) source: &'a S,
    start: i64,
    end: Option<i64>,
    overlapping: bool,
}

impl<S> Clone for Bytes<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Bytes<'_, S> {}

impl Job<'_> {
    /// Searches the bytes of an array, all of them unless [`start`](Bytes::start) or [`end`](Bytes::end) is set. A file of any
    /// format is an array of bytes when it is opened as raw `u8`.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{arr1, array};
    ///
    /// let text = arr1(b"one two one two one");
    /// let job = Job::new();
    /// let bytes = job.bytes(&text);
    /// assert_eq!(bytes.find(b"two")?, Some(4));
    /// assert_eq!(bytes.rfind(b"one")?, Some(16));
    /// assert_eq!(bytes.start(-10).count(b"one")?, 1);
    /// assert_eq!(bytes.find_all(b"one")?.to_array()?, array![0, 8, 16]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn bytes<'a, S: Source<Elem = u8>>(&'a self, a: &'a S) -> Bytes<'a, S> {
        Bytes { job: self, source: a, start: 0, end: None, overlapping: false }
    }
}

impl<'a, S: Source<Elem = u8>> Bytes<'a, S> {
    /// Searches from this byte on; a negative number counts from the end of the array. Numbers beyond either end mean that end,
    /// as in Python.
    pub fn start(mut self, start: i64) -> Self {
        self.start = start;
        self
    }

    /// Searches up to this byte, without it; a negative number counts from the end of the array.
    pub fn end(mut self, end: i64) -> Self {
        self.end = Some(end);
        self
    }

    /// Lets occurrences overlap in [`count`](Self::count), [`find_all`](Self::find_all) and [`for_each`](Self::for_each).
    /// Otherwise the next one begins where the one before ends or later, as Python counts.
    pub fn overlapping(mut self) -> Self {
        self.overlapping = true;
        self
    }

    /// Where `needle` first occurs: `mmap.find(needle, start, end)`, with none for -1.
    ///
    /// An empty needle is found at the start, unless that lies behind the end. The result does not depend on the number of
    /// threads, and none of them reads on behind an occurrence. By `memchr::memmem`.
    ///
    /// # Errors
    ///
    /// Those of reading the source, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn find(&self, needle: &[u8]) -> Result<Option<u64>> {
        let finder = Finder::new(needle);
        self.outermost(needle, false, |bytes| finder.find(bytes))
    }

    /// Where `needle` last occurs: `mmap.rfind(needle, start, end)`. The search goes backwards; an empty needle is found at the
    /// end.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn rfind(&self, needle: &[u8]) -> Result<Option<u64>> {
        let finder = FinderRev::new(needle);
        self.outermost(needle, true, |bytes| finder.rfind(bytes))
    }

    /// How often `needle` occurs: `bytes.count(needle, start, end)`. An empty needle occurs before every byte and at the end.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn count(&self, needle: &[u8]) -> Result<u64> {
        self.job.count_sought(&self.needle(needle)?)
    }

    /// Where `needle` occurs, ascending.
    ///
    /// This call passes over the bytes and counts; when the result is saved or collected, the parts where something was found are
    /// searched again.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find); when it is computed also those of writing the result, and [`ErrorKind::InvalidArgument`] where
    /// the bytes have changed since they were counted.
    pub fn find_all(&self, needle: &'a [u8]) -> Result<Output<'a, u64, Ix1>> {
        let sought = self.needle(needle)?;
        let finds = self.job.find_sought(&sought)?;
        let many = |_| Error::new(ErrorKind::TooLarge, "more occurrences than an array can have on this machine");
        let dim = Ix1(usize::try_from(finds.total).map_err(many)?);
        let job = self.job;
        Ok(Output::new(job, dim, Order::C, move |store| {
            job.write_sought(&sought, &finds, 1, store, |places, numbers| numbers.extend_from_slice(places))
        }))
    }

    /// Calls `each` with the positions at which `needle` occurs, ascending, on the calling thread, until it breaks. Needs little
    /// memory however many there are.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    ///
    /// # Panics
    ///
    /// Where `each` panics.
    pub fn for_each(&self, needle: &[u8], mut each: impl FnMut(u64) -> ControlFlow<()>) -> Result<()> {
        self.job.for_each_sought(&self.needle(needle)?, |place| Ok(each(place)))
    }

    /// The bytes to search, and none where the start lies behind the end.
    pub(super) fn range(&self) -> Result<Option<Range<u64>>> {
        let (len, _) = shape::sizes(&shape_of(self.source), 1)?;
        let place = |bound: i64| match u64::try_from(bound) {
            Ok(bound) => bound.min(len),
            Err(_) => len.saturating_sub(bound.unsigned_abs()),
        };
        let range = place(self.start)..self.end.map_or(len, place);
        Ok((range.start <= range.end).then_some(range))
    }

    fn needle<'n>(&self, needle: &'n [u8]) -> Result<Needle<'n, S>>
    where
        'a: 'n,
    {
        Needle::new(self.job, self.source, self.range()?, needle, self.overlapping)
    }

    /// The first or last occurrence, where `find` finds it in a slice.
    fn outermost(
        &self,
        needle: &[u8],
        last: bool,
        find: impl Fn(&[u8]) -> Option<usize> + Sync,
    ) -> Result<Option<u64>> {
        let Some(range) = self.range()? else { return Ok(None) };
        let behind = (needle.len() as u64).saturating_sub(1);
        // Where it can begin, counted from the start of the search.
        let count = (range.end - range.start).saturating_sub(behind) + u64::from(needle.is_empty());
        if count == 0 {
            return Ok(None);
        }
        let block = (self.job.grid.block_of::<u8>() as u64).max(needle.len() as u64);
        let units = count.div_ceil(block);
        let load = Load { units, bytes: range.end - range.start, scratch: block + behind, held: 0 };
        // The first occurrence so far, or the last one plus 1.
        let best = AtomicU64::new(if last { 0 } else { u64::MAX });
        let next = AtomicU64::new(0);
        self.job.each(load, Scratch::default, |scratch, shift| {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let unit = if last { units.wrapping_sub(turn + 1) } else { turn };
            let (start, stop) = (unit.wrapping_mul(block), count.min(unit.saturating_add(1).saturating_mul(block)));
            let found = best.load(Ordering::Relaxed);
            if turn >= units || if last { found >= stop } else { found <= start } {
                return Ok(false);
            }
            let bytes = range.start + start..range.end.min(range.start + stop + behind);
            if let Some(at) = find(read(self.source, bytes, scratch)?) {
                let place = start + at as u64;
                if last {
                    best.fetch_max(place + 1, Ordering::Relaxed)
                } else {
                    best.fetch_min(place, Ordering::Relaxed)
                };
            }
            shift.done(stop - start);
            Ok(true)
        })?;
        let found = match best.into_inner() {
            u64::MAX => None,
            place if last => place.checked_sub(1),
            place => Some(place),
        };
        Ok(found.map(|place| range.start + place))
    }
}

/// The occurrences of a needle.
pub(super) struct Needle<'n, S> {
    source: &'n S,
    bytes: Range<u64>,
    positions: Range<u64>,
    finder: Finder<'n>,
    /// The smallest distance at which two occurrences can overlap; the length of the needle where they cannot.
    period: usize,
    apart: u64,
    /// Positions of a stretch, if not the usual number.
    stretch: Option<u64>,
}

impl<'n, S: Source<Elem = u8>> Needle<'n, S> {
    /// Looks in `bytes`, or nowhere.
    fn new(
        job: &Job<'_>,
        source: &'n S,
        bytes: Option<Range<u64>>,
        needle: &'n [u8],
        overlapping: bool,
    ) -> Result<Self> {
        let positions = bytes.clone().map_or(0..0, |bytes| {
            let places = (bytes.end - bytes.start + 1).saturating_sub(needle.len() as u64);
            bytes.start..bytes.start + places
        });
        let _held = job.hold(size_of_val(needle).saturating_mul(size_of::<usize>()) as u64)?;
        let (finder, period) = (Finder::new(needle), period(needle));
        let apart = if overlapping || period == needle.len() { 1 } else { needle.len() as u64 };
        Ok(Self { source, bytes: bytes.unwrap_or(0..0), positions, finder, period, apart, stretch: None })
    }

    /// The occurrences in all bytes that do not overlap, such that the walk tells after each stretch where the last of them ends.
    pub(super) fn apart(job: &Job<'_>, source: &'n S, needle: &'n [u8], stretch: u64) -> Result<Self> {
        let (len, _) = shape::sizes(&shape_of(source), 1)?;
        let needle = Self::new(job, source, Some(0..len), needle, false)?;
        // The last stretches count too where nothing can begin but something can end.
        Ok(Self { positions: 0..len, apart: needle.finder.needle().len() as u64, stretch: Some(stretch), ..needle })
    }

    fn read<'b>(&self, scratch: &'b mut Scratch<u8>, stretch: Range<u64>) -> Result<&'b [u8]>
    where
        'n: 'b,
    {
        let end = self.bytes.end.min(stretch.end.saturating_add(self.behind()));
        read(self.source, stretch.start..end, scratch)
    }

    /// Calls `take` with every place, occurrences that overlap too.
    ///
    /// Behind an occurrence the next one may begin after the period of the needle, which only the last bytes tell. If it does
    /// not, two periodic occurrences cannot share a whole period, so the next one begins when less than that is left of this
    /// one. So the time is proportional to the bytes, whatever the needle.
    fn each_place(&self, bytes: &[u8], mut take: impl FnMut(usize)) {
        let (needle, period) = (self.finder.needle(), self.period);
        let len = needle.len();
        let mut from = 0;
        while let Some(at) = bytes.get(from..).and_then(|rest| self.finder.find(rest)) {
            let mut at = from + at;
            take(at);
            while period < len && bytes.get(at + len..at + period + len) == Some(&needle[len - period..]) {
                at += period;
                take(at);
            }
            from = at + if period < len { (period + 1).max(len + 1 - period) } else { len };
        }
    }
}

impl<S: Source<Elem = u8>> Sought for Needle<'_, S> {
    type Elem = u8;

    fn positions(&self) -> Range<u64> {
        self.positions.clone()
    }

    /// So few that the places fit a block, even if there is one at every byte.
    fn stretch(&self, job: &Job<'_>) -> u64 {
        self.stretch.unwrap_or((job.grid.block_of::<u64>() as u64).max(self.finder.needle().len() as u64))
    }

    fn behind(&self) -> u64 {
        (self.finder.needle().len() as u64).saturating_sub(1)
    }

    fn count(&self, desk: &mut Desk<u8>, stretch: Range<u64>) -> Result<u64> {
        if self.finder.needle().is_empty() {
            return Ok(stretch.end - stretch.start);
        }
        let bytes = self.read(&mut desk.scratch, stretch)?;
        let mut count = 0;
        self.each_place(bytes, |_| count += 1);
        Ok(count)
    }

    fn list(&self, desk: &mut Desk<u8>, stretch: Range<u64>, places: &mut Vec<u64>) -> Result<()> {
        if self.finder.needle().is_empty() {
            places.extend(stretch);
            return Ok(());
        }
        let bytes = self.read(&mut desk.scratch, stretch.clone())?;
        self.each_place(bytes, |at| places.push(stretch.start + at as u64));
        Ok(())
    }

    fn apart(&self) -> u64 {
        self.apart
    }
}

/// The smallest distance at which the needle fits onto itself: its length less its longest border, found as Knuth, Morris and
/// Pratt (1977) find it.
fn period(needle: &[u8]) -> usize {
    let mut borders = vec![0; needle.len()];
    let mut border = 0;
    for at in 1..needle.len() {
        while border > 0 && needle[at] != needle[border] {
            border = borders[border - 1];
        }
        border += usize::from(needle[at] == needle[border]);
        borders[at] = border;
    }
    needle.len() - border
}
