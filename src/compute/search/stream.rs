//! Regular expressions over bytes that do not fit memory: lazy automata that are fed block by block.

use std::ops::Range;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{self, Cache, DFA};
use regex_automata::hybrid::regex::{Builder, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind, Span};

use super::regex::{COMPILED, any_bytes, wrong};
use super::sought::changed;
use crate::compute::Job;
use crate::compute::engine::source::{Blocks, Scratch};
use crate::error::{Error, ErrorKind, Result};

/// Bytes that are read backwards at first, which hold the beginning of most matches.
const BACK: u64 = 256;

/// A search in a source that cannot be borrowed.
pub(super) struct Stream<'s, 'p> {
    job: &'s Job<'p>,
    range: Range<u64>,
    regex: Regex,
    caches: (Cache, Cache),
    /// Finds where a match may begin, faster than the automaton.
    prefilter: Option<Prefilter>,
    ahead: Window<'s>,
    back: Window<'s>,
}

/// Bytes that were read.
struct Window<'s> {
    source: &'s dyn Blocks<u8>,
    range: Range<u64>,
    scratch: Scratch<u8>,
}

impl<'s> Window<'s> {
    fn new(source: &'s dyn Blocks<u8>) -> Self {
        Self { source, range: 0..0, scratch: Scratch::default() }
    }

    /// Reads these bytes unless the window has the byte `at` already; where the window begins, and its bytes.
    fn at(&mut self, at: u64, range: Range<u64>) -> Result<(u64, &[u8])> {
        if !self.range.contains(&at) {
            self.scratch.clear();
            self.range = 0..0;
            self.source.copy(range.clone(), &mut self.scratch)?;
            self.range = range;
        }
        Ok((self.range.start, self.scratch.elements()?))
    }

    /// One byte.
    fn byte(&mut self, at: u64) -> Result<u8> {
        let (begin, bytes) = self.at(at, at..at + 1)?;
        Ok(bytes[within(at - begin)])
    }
}

/// A distance inside a window.
fn within(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

impl<'s, 'p> Stream<'s, 'p> {
    /// Each of two automata may keep `cache` bytes.
    pub(super) fn new(
        job: &'s Job<'p>,
        source: &'s dyn Blocks<u8>,
        range: Range<u64>,
        pattern: &str,
        cache: usize,
    ) -> Result<Self> {
        let hir = syntax::parse_with(pattern, &any_bytes()).map_err(|error| wrong(pattern, &error.to_string()))?;
        let prefilter = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &hir).filter(Prefilter::is_fast);
        let config = dfa::Config::new()
            .prefilter(prefilter.clone())
            .unicode_word_boundary(true)
            .cache_capacity(cache)
            .skip_cache_capacity_check(true);
        let regex = Builder::new()
            .dfa(config)
            .syntax(any_bytes())
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(COMPILED)))
            .build(pattern)
            .map_err(|error| wrong(pattern, &error.to_string()))?;
        let caches = (regex.forward().create_cache(), regex.reverse().create_cache());
        Ok(Self { job, range, regex, caches, prefilter, ahead: Window::new(source), back: Window::new(source) })
    }

    pub(super) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The first match that begins at `from` or later.
    pub(super) fn next_match(&mut self, from: u64) -> Result<Option<Range<u64>>> {
        let Some(end) = self.find_end(from)? else { return Ok(None) };
        // Somebody wrote to the file if what led to an end leads to no beginning.
        let start = self.find_start(from, end)?.ok_or_else(changed)?;
        Ok(Some(start..end))
    }

    /// Where that match ends: known when the automaton is dead, since no byte that follows can then change it.
    fn find_end(&mut self, from: u64) -> Result<Option<u64>> {
        let Self { job, range, regex, caches: (cache, _), prefilter, ahead, back } = self;
        let dfa = regex.forward();
        let before = if from > 0 { Some(back.byte(from - 1)?) } else { None };
        let mut state = first_state(dfa, cache, Anchored::No, before)?;
        let (mut at, mut end) = (from, None);
        while at < range.end {
            job.check()?;
            let block = job.grid.block as u64;
            let (begin, bytes) = ahead.at(at, at..range.end.min(at + block))?;
            let mut place = within(at - begin);
            while place < bytes.len() {
                if let (Some(prefilter), true) = (&*prefilter, state.is_start()) {
                    let found = prefilter.find(bytes, Span { start: place, end: bytes.len() });
                    // The first part of a literal may be at the end of the window.
                    let tail = bytes.len().saturating_sub(prefilter.max_needle_len().saturating_sub(1));
                    let skipped = found.map_or(tail.max(place), |found| found.start);
                    if skipped > place {
                        place = skipped;
                        state = first_state(dfa, cache, Anchored::No, Some(bytes[place - 1]))?;
                        if place == bytes.len() {
                            break;
                        }
                    }
                }
                state = dfa.next_state(cache, state, bytes[place]).map_err(|_| gave_up())?;
                if state.is_tagged() {
                    // Automata learn of the end of a match one byte later.
                    if state.is_match() {
                        end = Some(begin + place as u64);
                    } else if state.is_dead() {
                        return Ok(end);
                    } else if state.is_quit() {
                        return Err(no_boundary(begin + place as u64));
                    }
                }
                place += 1;
            }
            at = begin + place as u64;
        }
        state = dfa.next_eoi_state(cache, state).map_err(|_| gave_up())?;
        Ok(if state.is_match() { Some(range.end) } else { end })
    }

    /// Where the match that ends at `end` begins, not before `from`: as far back as the reversed expression reaches.
    fn find_start(&mut self, from: u64, end: u64) -> Result<Option<u64>> {
        let Self { job, range, regex, caches: (_, cache), ahead, back, .. } = self;
        let dfa = regex.reverse();
        let behind = if end < range.end { Some(back.byte(end)?) } else { None };
        let mut state = first_state(dfa, cache, Anchored::Yes, behind)?;
        let (mut at, mut start, mut reach) = (end, None, BACK);
        while at > from {
            job.check()?;
            let last = at - 1;
            let window = if ahead.range.contains(&last) { &mut *ahead } else { &mut *back };
            let (begin, bytes) = window.at(last, from.max(at.saturating_sub(reach))..at)?;
            reach = (reach * 2).min(job.grid.block as u64);
            let lowest = within(from.saturating_sub(begin));
            for place in (lowest..=within(last - begin)).rev() {
                state = dfa.next_state(cache, state, bytes[place]).map_err(|_| gave_up())?;
                if state.is_tagged() {
                    if state.is_match() {
                        start = Some(begin + place as u64 + 1);
                    } else if state.is_dead() {
                        return Ok(start);
                    } else if state.is_quit() {
                        return Err(no_boundary(begin + place as u64));
                    }
                }
            }
            at = begin + lowest as u64;
        }
        state = if from > 0 {
            dfa.next_state(cache, state, back.byte(from - 1)?)
        } else {
            dfa.next_eoi_state(cache, state)
        }
        .map_err(|_| gave_up())?;
        if state.is_quit() {
            return Err(no_boundary(from - 1));
        }
        Ok(if state.is_match() { Some(from) } else { start })
    }
}

/// The state before the first byte, which depends on the byte next to it.
fn first_state(dfa: &DFA, cache: &mut Cache, anchored: Anchored, neighbour: Option<u8>) -> Result<LazyStateID> {
    let config = start::Config::new().anchored(anchored).look_behind(neighbour);
    dfa.start_state(cache, &config).map_err(|_| no_boundary_here())
}

fn no_boundary(at: u64) -> Error {
    no_boundary_here().at(at)
}

fn no_boundary_here() -> Error {
    let message =
        "a Unicode word boundary next to a byte that is not ASCII, in bytes that do not fit the memory of the job";
    Error::new(ErrorKind::Unsupported, message)
        .with_hint(r"write (?-u:\b), map the file, or allow more memory for the job")
}

fn gave_up() -> Error {
    Error::new(ErrorKind::OutOfMemory, "the automaton of the regular expression does not fit its memory")
}
