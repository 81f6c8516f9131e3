//! Brackets from a small sample.
//!
//! The places are fixed: one in each stratum of the rows, at an offset that a hash of the stratum's number gives, so that no
//! period of the data meets all of them. A row of several lines is one draw for each line; a single line is drawn from in runs,
//! and how much the runs differ says how wide the brackets must be.

use super::lines::{Lines, small};
use super::method::Wanted;
use super::sift::{Bracket, Catch};
use crate::compute::Job;
use crate::compute::engine::source::{Blocks, Scratch, read};
use crate::compute::engine::{Load, Shift};
use crate::compute::kernel::Native;
use crate::compute::real::{Ordinal, Real};
use crate::error::Result;

/// Strata, at most.
const STRATA: u64 = 1024;
/// Elements of a run in a single line.
const RUN: u64 = 128;
/// Strata for each one that is left, where elements have to be read: in fewer places, and longer runs.
const FEWER: u64 = 4;
/// Rows that are drawn from several lines, at most.
const ROWS: u64 = 4096;
/// Elements for each one that is drawn, at least.
const THIN: u64 = 8;
/// Standard deviations to both sides; the second where brackets would hold too much. With one of them most passes for several
/// ranks would miss some.
const MARGINS: [f64; 2] = [4.0, 2.0];
/// Ranks for which it pays.
const RANKS: usize = 32;

/// Pieces that wide brackets are cut into.
const PIECES: usize = 256;

/// Brackets of the wanted ranks of each line.
pub(super) struct Guess<N> {
    pub(super) brackets: Vec<Vec<Bracket<N>>>,
    /// Whether all that lies inside fits memory; otherwise what lies inside of those that hold the ranks does.
    pub(super) narrow: bool,
}

/// Brackets that together hold about `most` elements at most, or, for a single line, pieces of wider ones of which those that
/// matter do; None where none will do.
pub(super) fn guess<T: Real>(
    job: &Job<'_>,
    source: &dyn Blocks<T>,
    lines: Lines,
    wanted: &Wanted<'_>,
    most: u64,
) -> Result<Option<Guess<T::Native>>> {
    let ranks = wanted.ranks(lines.len);
    if ranks.is_empty() || ranks.len() > RANKS {
        return Ok(None);
    }
    let mut draws = draw(job, source, lines)?;
    let shares: Vec<f64> = ranks.iter().map(|&rank| (rank as f64 + 0.5) / lines.len as f64).collect();
    for draw in &mut draws {
        draw.sorted = draw.items.iter().copied().filter(|item| !item.is_nan()).collect();
        draw.sorted.sort_unstable_by(super::search::compare);
        if draw.sorted.len() < 8 {
            return Ok(None);
        }
    }
    for margin in MARGINS {
        let mut expected = 0.0;
        let brackets = draws.iter().map(|draw| draw.brackets(&shares, margin, &mut expected)).collect();
        if expected * (lines.len as f64) < 0.8 * most as f64 {
            return Ok(Some(Guess { brackets, narrow: true }));
        }
    }
    let [draw] = &draws[..] else { return Ok(None) };
    // What is kept of each piece, by the pass and by each worker.
    let room = (PIECES * 4 * size_of::<Catch<T::Native>>()) as u64 * (job.workers.width() as u64 + 1);
    let pieces = draw.pieces(&shares, MARGINS[0]);
    let held = ranks.len() as f64 / PIECES as f64 * lines.len as f64;
    let narrow = room <= job.budget() / 4 && held < 0.8 * most as f64;
    Ok(narrow.then(|| Guess { brackets: vec![pieces], narrow: false }))
}

/// What was drawn from a line.
struct Draw<N> {
    items: Vec<N>,
    /// The elements of a run.
    run: usize,
    sorted: Vec<N>,
}

impl<N: Ordinal> Draw<N> {
    /// Disjoint brackets of the shares, ascending; adds to `expected` the share of the elements that lies inside.
    fn brackets(&self, shares: &[f64], margin: f64, expected: &mut f64) -> Vec<Bracket<N>> {
        let count = self.sorted.len() as f64;
        let share = |(low, high): &(usize, usize)| match self.sorted[*low] == self.sorted[*high] {
            true => 0.0,
            false => (high - low) as f64 / count,
        };
        let spans = self.spans(shares, margin);
        *expected += spans.iter().map(share).sum::<f64>();
        spans.into_iter().map(|(low, high)| self.bracket(low, high)).collect()
    }

    /// The same in pieces, each of which holds about the same share of the elements.
    fn pieces(&self, shares: &[f64], margin: f64) -> Vec<Bracket<N>> {
        let step = self.sorted.len().div_ceil(PIECES);
        let cut = |(low, high)| {
            let pieces = (low..high).step_by(step);
            pieces.map(move |from| self.bracket(from, high.min(from + step)))
        };
        self.spans(shares, margin).into_iter().flat_map(cut).collect()
    }

    /// From one element of the sample to another; the outermost stand for all that lies beyond the sample.
    fn bracket(&self, low: usize, high: usize) -> Bracket<N> {
        let end = |at: usize| match at {
            0 => N::MIN,
            at if at + 1 >= self.sorted.len() => N::MAX,
            at => self.sorted[at],
        };
        Bracket { low: end(low), high: end(high) }
    }

    /// Between which elements of the sample the shares are, ascending.
    fn spans(&self, shares: &[f64], margin: f64) -> Vec<(usize, usize)> {
        let count = self.sorted.len();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for share in shares {
            let at = place(share * count as f64, count);
            let reach = margin * self.deviation(at) + 2.0;
            let low = place(at as f64 - reach, count);
            let high = place(at as f64 + reach, count);
            // What lies beyond the sample belongs to the outermost brackets.
            let (low, high) = (if (at as f64) < reach { 0 } else { low }, high);
            match spans.last_mut() {
                Some(last) if low <= last.1 => last.1 = last.1.max(high),
                _ => spans.push((low, high)),
            }
        }
        spans
    }

    /// The standard deviation of the number of drawn elements before the one at a rank, from how neighbouring runs differ: what
    /// the data do in the large is no error, since each stratum is drawn from. Those that equal the element count as before it
    /// or not, whichever varies more.
    fn deviation(&self, at: usize) -> f64 {
        let threshold = self.sorted[at];
        let spread = |before: &dyn Fn(&N) -> bool| {
            let (mut squares, mut last) = (0.0, None);
            for run in self.items.chunks(self.run) {
                let count = run.iter().filter(|item| before(item)).count() as f64;
                squares += last.map_or(0.0, |last: f64| (count - last).powi(2));
                last = Some(count);
            }
            (squares / 2.0).sqrt()
        };
        spread(&|item| *item < threshold).max(spread(&|item| *item <= threshold))
    }
}

/// A position in the sorted sample.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of floats saturates, as is wanted"
)]
fn place(position: f64, count: usize) -> usize {
    (position as usize).min(count - 1)
}

fn draw<T: Real>(job: &Job<'_>, source: &dyn Blocks<T>, lines: Lines) -> Result<Vec<Draw<T::Native>>> {
    let lies = lines.stride > 1 || source.borrow(lines.start..lines.start + lines.len).is_some();
    let fewer = if lies { 1 } else { FEWER };
    let run = if lines.stride == 1 { (fewer * RUN).min(lines.len.div_ceil(4 * THIN)) } else { 1 };
    let room = job.budget() / 16 / size_of::<T::Native>() as u64 / (run * lines.width);
    let most = if lines.stride == 1 { STRATA / fewer } else { ROWS };
    let strata = (lines.len / THIN / run).min(most).min(room).max(1);
    let stratum = lines.len / strata;
    let each = run * lines.width;
    let bytes = each * size_of::<T>() as u64;
    let drawn = strata * each * size_of::<T::Native>() as u64;
    let load =
        Load { units: strata, bytes: strata * bytes, scratch: 4 * bytes + source.buffer_bytes(), held: 2 * drawn };
    let line = || Draw { items: Vec::with_capacity(small(strata * run)), run: small(run), sorted: Vec::new() };
    let mut draws: Vec<_> = (0..lines.width).map(|_| line()).collect();
    job.in_order(
        load,
        || (Scratch::default(), Vec::new()),
        |(scratch, decoded), unit, shift: &Shift<'_, '_>| {
            let row = unit * stratum + hash(unit) % (stratum - run + 1);
            let start = lines.start + row * lines.stride;
            let items = read(source, start..start + each, scratch)?;
            shift.done(bytes);
            Ok(T::decode(items, decoded).to_vec())
        },
        |_, items: Vec<_>| {
            let run = small(run);
            draws.iter_mut().zip(items.chunks(run)).for_each(|(draw, items)| draw.items.extend_from_slice(items));
            Ok(())
        },
    )?;
    Ok(draws)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn hash(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
