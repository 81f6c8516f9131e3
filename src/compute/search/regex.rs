//! Regular expressions over bytes.

use std::ops::{ControlFlow, Range};

use ndarray::{Dim, Ix2};
use regex_automata::util::syntax;
use regex_automata::{Input, meta};

use super::bytes::Bytes;
use super::stream::Stream;
use crate::compute::engine::source::{Blocks, Scratch, read};
use crate::compute::engine::{Load, ScratchFile};
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// Bytes before a search that assertions such as `\b` may look at: those of a character.
const CONTEXT: u64 = 4;

/// The largest compiled expression in bytes, and what its searches keep; the same as in the regex crate.
pub(super) const COMPILED: usize = 10 << 20;
const CACHE: usize = 2 << 20;

/// Bytes are any bytes, and need not be UTF-8.
pub(super) fn any_bytes() -> syntax::Config {
    syntax::Config::new().utf8(false)
}

impl<'a, S: Source<Elem = u8>> Bytes<'a, S> {
    /// The first match of a regular expression, as a range of bytes.
    ///
    /// Syntax and results are those of `regex::bytes::Regex` over the whole of the bytes up to the [`end`](Bytes::end), from the
    /// [`start`](Bytes::start) on, at any length of the matches: leftmost-first, with `^`, `$`, `\b` seeing what lies before the
    /// start, but not what lies behind the end. Flags are part of the pattern: `(?i)`, `(?m)`, `(?s)`, `(?-u)`.
    ///
    /// Bytes in memory, in a mapping, or in a file that fits half the memory of the job, are searched as one slice. Larger files
    /// are read through an automaton that keeps no bytes: a match ends for it when nothing that follows could change it, however
    /// far that is, and its beginning is found by reading backwards. That automaton has no Unicode word boundaries next to bytes
    /// that are not ASCII, and says so; `(?-u:\b)` is the boundary of ASCII words.
    ///
    /// A search runs on the calling thread, as every match depends on the one before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a pattern that is wrong or compiles to more than 10 MiB;
    /// [`ErrorKind::Unsupported`] for a Unicode word boundary in a file too large for the memory, see above; those of reading the
    /// source, [`ErrorKind::Cancelled`] (between matches only, where one slice is searched), [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::arr1;
    ///
    /// let log = arr1(b"ok\nerror 17\nok\nerror 4\n");
    /// let job = Job::new();
    /// assert_eq!(job.bytes(&log).find_regex(r"(?m)^error (\d+)$")?, Some(3..11));
    /// assert_eq!(job.bytes(&log).count_regex(r"ok|error")?, 4);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn find_regex(&self, pattern: &str) -> Result<Option<Range<u64>>> {
        let mut first = None;
        self.for_each_regex(pattern, |found| {
            first = Some(found);
            ControlFlow::Break(())
        })?;
        Ok(first)
    }

    /// How many matches a regular expression has that do not overlap. See [`find_regex`](Self::find_regex).
    ///
    /// # Errors
    ///
    /// As [`find_regex`](Self::find_regex).
    pub fn count_regex(&self, pattern: &str) -> Result<u64> {
        let mut count = 0;
        self.for_each_regex(pattern, |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// All matches of a regular expression that do not overlap, in order: a row for each, with where it begins and where it ends.
    /// See [`find_regex`](Self::find_regex).
    ///
    /// This call does the search; the matches are in a temporary file until they are saved or collected.
    ///
    /// # Errors
    ///
    /// As [`find_regex`](Self::find_regex), and those of the temporary file.
    pub fn find_all_regex(&self, pattern: &str) -> Result<Output<'a, u64, Ix2>> {
        let job = self.job;
        let batch = job.grid.block_of::<u64>();
        let file = ScratchFile::new(job)?;
        let (mut numbers, mut written) = (Vec::new(), 0);
        self.walk(pattern, |found| {
            numbers.extend([found.start, found.end]);
            if numbers.len() >= batch {
                file.write(written, &numbers)?;
                written += numbers.len() as u64;
                numbers.clear();
            }
            Ok(ControlFlow::Continue(()))
        })?;
        file.write(written, &numbers)?;
        let total = written + numbers.len() as u64;
        let many = |_| Error::new(ErrorKind::TooLarge, "more matches than an array can have on this machine");
        let dim = Dim((usize::try_from(total / 2).map_err(many)?, 2));
        Ok(Output::new(job, dim, Order::C, move |store| {
            let batch = batch as u64;
            let load = Load { units: total.div_ceil(batch), bytes: total * 8, scratch: batch * 8, held: 0 };
            let copy = |numbers: &mut Vec<u64>, unit: u64, shift: &crate::compute::engine::Shift<'_, '_>| {
                let start = unit * batch;
                let count = batch.min(total - start);
                numbers.resize(usize::try_from(count).unwrap_or(usize::MAX), 0);
                file.read(start, numbers)?;
                store.write(start, numbers)?;
                shift.done(count * 8);
                Ok(())
            };
            job.in_order(load, Vec::new, copy, |_, ()| Ok(()))
        }))
    }

    /// Calls `each` with the matches of a regular expression that do not overlap, in order, until it breaks. See
    /// [`find_regex`](Self::find_regex).
    ///
    /// # Errors
    ///
    /// As [`find_regex`](Self::find_regex).
    ///
    /// # Panics
    ///
    /// Where `each` panics.
    pub fn for_each_regex(&self, pattern: &str, mut each: impl FnMut(Range<u64>) -> ControlFlow<()>) -> Result<()> {
        self.walk(pattern, |found| Ok(each(found)))
    }

    fn walk(&self, pattern: &str, take: impl FnMut(Range<u64>) -> Result<ControlFlow<()>>) -> Result<()> {
        let range = self.range()?;
        let source: &dyn Blocks<u8> = self.source;
        let Some(range) = range else { return compile(pattern).map(drop) };
        if let Some(bytes) = source.borrow(0..range.end) {
            return self.job.walk_slice(&compile(pattern)?, bytes, 0, range, take);
        }
        let before = range.start.saturating_sub(CONTEXT);
        let len = range.end - before;
        if len <= self.job.budget() / 2 {
            let _held = self.job.hold(len)?;
            let mut scratch = Scratch::default();
            let bytes = read(source, before..range.end, &mut scratch)?;
            return self.job.walk_slice(&compile(pattern)?, bytes, before, range, take);
        }
        let cache = usize::try_from(self.job.budget() / 8).map_or(CACHE, |most| most.min(CACHE));
        let _held = self.job.hold(2 * cache as u64)?;
        let mut stream = Stream::new(self.job, source, range, pattern, cache)?;
        self.job.walk_matches(stream.range(), |from| stream.next_match(from), take)
    }
}

impl Job<'_> {
    /// Hands out the matches in `range`; the bytes are those from `offset` on up to its end.
    fn walk_slice(
        &self,
        regex: &meta::Regex,
        bytes: &[u8],
        offset: u64,
        range: Range<u64>,
        take: impl FnMut(Range<u64>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut cache = regex.create_cache();
        let find = |from: u64| {
            let from = usize::try_from(from - offset).unwrap_or(usize::MAX);
            let found = regex.search_with(&mut cache, &Input::new(bytes).range(from..));
            Ok(found.map(|found| offset + found.start() as u64..offset + found.end() as u64))
        };
        self.walk_matches(range, find, take)
    }

    /// Hands out what `find` finds, which is told from where on: each from the end of the one before. An empty match does not
    /// count where the one before ends, as in the regex crate.
    fn walk_matches(
        &self,
        range: Range<u64>,
        mut find: impl FnMut(u64) -> Result<Option<Range<u64>>>,
        mut take: impl FnMut(Range<u64>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let bytes = range.end - range.start;
        let (mut from, mut ended, mut told) = (range.start, None, 0);
        while from <= range.end {
            self.check()?;
            let Some(found) = find(from)? else { break };
            if found.is_empty() && ended == Some(found.end) {
                // The empty match is at `from`, where the one before ended.
                ended = None;
                from += 1;
                continue;
            }
            from = found.end;
            ended = Some(found.end);
            let done = found.end - range.start;
            if done - told >= self.grid.block as u64 {
                self.report(done, bytes);
                told = done;
            }
            if take(found)?.is_break() {
                return Ok(());
            }
        }
        self.report(bytes, bytes);
        Ok(())
    }

    /// Whether the caller has not cancelled.
    pub(super) fn check(&self) -> Result<()> {
        match &self.cancel {
            Some(cancel) if cancel.is_cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, "the operation was cancelled"))
            }
            _ => Ok(()),
        }
    }
}

/// The expression as the regex crate compiles it.
fn compile(pattern: &str) -> Result<meta::Regex> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(COMPILED))
        .hybrid_cache_capacity(CACHE)
        .which_captures(regex_automata::nfa::thompson::WhichCaptures::Implicit);
    meta::Builder::new().configure(config).syntax(any_bytes()).build(pattern).map_err(|error| {
        let what = match (error.syntax_error(), error.size_limit()) {
            (Some(error), _) => error.to_string(),
            (_, Some(limit)) => format!("it compiles to more than {limit} bytes"),
            _ => error.to_string(),
        };
        wrong(pattern, &what)
    })
}

/// A pattern that cannot be searched for.
pub(super) fn wrong(pattern: &str, what: &str) -> Error {
    // An error is one line; the parser draws its own under the pattern.
    let what = what.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Error::new(ErrorKind::InvalidArgument, format!("not a regular expression: {}: {what}", pattern.escape_debug()))
}
