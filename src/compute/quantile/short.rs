//! Lines that fit memory: gathered whole, several at a time, and selected from.

use super::lines::{Lines, Reader, small, turn};
use super::method::{Recipe, Wanted};
use super::search::select;
use crate::compute::Job;
use crate::compute::engine::source::{Blocks, Scratch, read};
use crate::compute::engine::{Load, Shift};
use crate::compute::kernel::without_nan;
use crate::compute::real::{Ordinal, Real};
use crate::error::Result;

/// The array as `outer` times `len` rows of `inner` elements; the lines run along `len`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) outer: u64,
    pub(super) len: u64,
    pub(super) inner: u64,
}

impl Extent {
    /// The lines `column .. column + width` at one outer index.
    pub(super) fn lines(&self, outer: u64, column: u64, width: u64) -> Lines {
        Lines { start: outer * self.len * self.inner + column, len: self.len, stride: self.inner, width }
    }
}

/// Answers line after line.
struct Selector<'a> {
    wanted: &'a Wanted<'a>,
    propagate: bool,
    /// The recipes for the number of elements of the line before, which mostly is that of the next.
    count: u64,
    recipes: Vec<Recipe>,
    ranks: Vec<u64>,
}

impl<'a> Selector<'a> {
    fn new(wanted: &'a Wanted<'a>, propagate: bool) -> Self {
        Self { wanted, propagate, count: 0, recipes: Vec::new(), ranks: Vec::new() }
    }

    /// Appends the results of a line, whose elements it puts into another order.
    fn answer<N: Ordinal>(&mut self, line: &mut [N], kept: &mut Vec<N>, results: &mut Vec<f64>) {
        let nan = N::NAN.is_some() && line.iter().any(|item| item.is_nan());
        let line = if nan {
            without_nan(line, kept);
            &mut kept[..]
        } else {
            line
        };
        if line.is_empty() || (nan && self.propagate) {
            results.resize(results.len() + self.wanted.len(), f64::NAN);
            return;
        }
        let count = line.len() as u64;
        if count != self.count {
            (self.count, self.recipes, self.ranks) = (count, self.wanted.recipes(count), self.wanted.ranks(count));
        }
        select(line, 0, &self.ranks);
        results.extend(self.recipes.iter().map(|recipe| recipe.value(|rank| line[small(rank)].to_f64())));
    }
}

/// How lines are gathered.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// This many outer indices at a time, all of each.
    Whole(u64),
    /// This many columns of one outer index at a time.
    Tile(u64),
}

/// How to cut the array so that the workers have room for whole lines and their results; None where the lines are better
/// searched in place.
fn cut<T: Real>(job: &Job<'_>, source: &dyn Blocks<T>, extent: Extent, results: u64) -> Option<Cut> {
    let Extent { outer, len, inner } = extent;
    let (block, size) = (job.grid.block_of::<T>() as u64, size_of::<T::Native>() as u64);
    if len * inner <= block {
        let span = (block / (inner * len.max(results))).max(1);
        return Some(Cut::Whole(span.min(outer)));
    }
    let line = len * size;
    let room = (job.budget() / 2).checked_sub(Reader::<T>::room(job, source, extent.lines(0, 0, 1)))?;
    if inner == 1 {
        return (line <= (8 * block * size).min(room / 2)).then_some(Cut::Tile(1));
    }
    let share = room / job.workers.width() as u64;
    let width = (4096 / size).max(block / len.max(results)).min(inner).min(share / (line + size));
    let narrow = width < inner && width * size < 64;
    (len <= block / 2 && !narrow && width > 0).then_some(Cut::Tile(width))
}

/// Selects in all lines and hands the results of some at a time to `place`, with the number of the first line, line by line;
/// false where the lines do not fit and nothing was done.
pub(super) fn select_lines<T: Real>(
    job: &Job<'_>,
    source: &dyn Blocks<T>,
    extent: Extent,
    wanted: &Wanted<'_>,
    propagate: bool,
    place: &(dyn Fn(u64, &[f64]) -> Result<()> + Sync),
) -> Result<bool> {
    let Some(cut) = cut(job, source, extent, wanted.len() as u64) else { return Ok(false) };
    let Extent { outer, len, inner } = extent;
    let (block, size) = (job.grid.block_of::<T>() as u64, size_of::<T::Native>() as u64);
    let (units, tiles, gathered, lines) = match cut {
        Cut::Whole(span) => (outer.div_ceil(span), 1, 3 * block, span * inner),
        Cut::Tile(width) => (outer * inner.div_ceil(width), inner.div_ceil(width), (width + 1) * len, width),
    };
    let widest = extent.lines(0, 0, inner.min(lines));
    let results = 3 * lines * wanted.len() as u64 * 8;
    let load = Load {
        units,
        bytes: outer * len * inner * size_of::<T>() as u64,
        scratch: Reader::<T>::room(job, source, widest) + source.buffer_bytes() + gathered * size + results,
        held: 0,
    };
    job.in_order(
        load,
        || Worker::<T>::new(wanted, propagate),
        |worker, unit, shift| {
            worker.results.clear();
            let first = match cut {
                Cut::Whole(span) => {
                    let from = unit * span;
                    worker.whole(source, extent, from, outer.min(from + span), shift)?;
                    from * inner
                }
                Cut::Tile(width) => {
                    let (outer, column) = (unit / tiles, unit % tiles * width);
                    let lines = extent.lines(outer, column, width.min(inner - column));
                    worker.tile(job, source, lines, shift)?;
                    outer * inner + column
                }
            };
            place(first, &worker.results)
        },
        |_, ()| Ok(()),
    )?;
    Ok(true)
}

/// What a worker keeps from unit to unit.
struct Worker<'a, T: Real> {
    selector: Selector<'a>,
    reader: Reader<T>,
    scratch: Scratch<T>,
    turned: Vec<T>,
    decoded: Vec<T::Native>,
    lines: Vec<T::Native>,
    kept: Vec<T::Native>,
    results: Vec<f64>,
}

impl<'a, T: Real> Worker<'a, T> {
    fn new(wanted: &'a Wanted<'a>, propagate: bool) -> Self {
        Self {
            selector: Selector::new(wanted, propagate),
            reader: Reader::default(),
            scratch: Scratch::default(),
            turned: Vec::new(),
            decoded: Vec::new(),
            lines: Vec::new(),
            kept: Vec::new(),
            results: Vec::new(),
        }
    }

    /// All lines of some outer indices.
    fn whole(
        &mut self,
        source: &dyn Blocks<T>,
        Extent { len, inner, .. }: Extent,
        from: u64,
        to: u64,
        shift: &Shift<'_, '_>,
    ) -> Result<()> {
        let each = len * inner;
        let items = read(source, from * each..to * each, &mut self.scratch)?;
        let (rows, columns) = (small(len), small(inner));
        for items in items.chunks(small(each)) {
            let items = if columns > 1 {
                turn(items, (rows, columns, columns), &mut self.turned);
                &self.turned
            } else {
                items
            };
            self.lines.clear();
            self.lines.extend_from_slice(T::decode(items, &mut self.decoded));
            for line in self.lines.chunks_mut(rows) {
                self.selector.answer(line, &mut self.kept, &mut self.results);
            }
        }
        shift.done(size_of_val(items) as u64);
        Ok(())
    }

    /// Some neighbouring lines.
    fn tile(&mut self, job: &Job<'_>, source: &dyn Blocks<T>, lines: Lines, shift: &Shift<'_, '_>) -> Result<()> {
        let len = small(lines.len);
        self.lines.clear();
        self.lines.resize(len * lines.width(), T::Native::default());
        let mut filled = vec![0; lines.width()];
        for unit in 0..lines.units::<T>(job.grid.block_of::<T>() as u64) {
            shift.check()?;
            let bytes = self.reader.runs(job, source, lines, unit, |line, items| {
                self.lines[line * len + filled[line]..][..items.len()].copy_from_slice(items);
                filled[line] += items.len();
            })?;
            shift.done(bytes);
        }
        for line in self.lines.chunks_mut(len) {
            self.selector.answer(line, &mut self.kept, &mut self.results);
        }
        Ok(())
    }
}
