//! Windows along one axis of an array in storage.
//!
//! In storage order every array is `outer` blocks of `len` rows of `inner` elements. A unit is some rows of results; where the
//! window is no longer than that, the unit reads the rows of its windows. A longer window is the end of a block of rows, some
//! whole blocks, and the beginning of another. The statistics of blocks are kept in a temporary file, and those of several
//! blocks in turn are windows over that file: the same question about an array that is shorter by the length of a block.

use super::rule::{Joined, Rule};
use super::window::{Panel, Windows};
use crate::compute::Job;
use crate::compute::along::items::{Carried, Items, Span};
use crate::compute::along::lanes::{Lanes, Place, Plan};
use crate::compute::engine::{Load, ScratchFile, Store};
use crate::compute::kernel::vectorised;
use crate::error::Result;

/// What a worker keeps from unit to unit.
struct Worker<I: Items, R: Rule<I::Item>> {
    buffer: I::Buffer,
    windows: Windows<R, R::Cell>,
    middle: Vec<R::Cell>,
    whole: Vec<R::Cell>,
    results: Vec<R::Out>,
}

impl<I: Items, R: Rule<I::Item>> Worker<I, R> {
    fn new(rule: R) -> Self {
        let windows = Windows::new(rule);
        Self { buffer: I::Buffer::default(), windows, middle: Vec::new(), whole: Vec::new(), results: Vec::new() }
    }

    /// Makes room for results, all of which are written before they are used.
    fn clear(&mut self, count: usize, any: I::Item) {
        let rule = self.windows.rule;
        self.results.resize(count, rule.out(rule.one(any)));
    }
}

/// A length inside a unit.
fn small(len: u64) -> usize {
    usize::try_from(len).expect("a unit fits the address space")
}

/// Writes rows of `width` results whose beginnings lie `inner` apart.
fn write_rows<O>(store: &dyn Store<O>, start: u64, results: &[O], width: usize, inner: u64) -> Result<()> {
    if width as u64 == inner {
        return store.write(start, results);
    }
    (0..).zip(results.chunks(width)).try_for_each(|(row, results)| store.write(start + row * inner, results))
}

impl Job<'_> {
    /// Moves windows of `window` rows along the rows of `lanes`; there are as many rows at least.
    pub(super) fn move_window<I, R>(
        &self,
        items: &I,
        lanes: Lanes,
        window: u64,
        rule: R,
        store: &dyn Store<R::Out>,
    ) -> Result<()>
    where
        I: Items,
        R: Rule<I::Item>,
    {
        if lanes.count() == 0 {
            return Ok(());
        }
        let plan = self.rolling_plan::<I, R>(lanes);
        if window <= plan.rows {
            return self.roll_short(items, lanes, window, rule, store);
        }
        let blocks = self.blocks(items, lanes, rule)?;
        let above = Lanes { len: lanes.len / plan.rows, ..lanes };
        let middle = self.middle(&blocks, above, window / plan.rows - 1, Joined::<R, I::Item>::new(rule))?;
        self.roll_long(items, lanes, window, rule, (&blocks, middle.as_ref()), store)
    }

    /// The statistics of `window` blocks in turn, in the same two ways.
    fn middle<C, R>(&self, items: &Carried<C>, lanes: Lanes, window: u64, rule: R) -> Result<Option<Carried<C>>>
    where
        C: bytemuck::Pod + Send + Sync,
        R: Rule<C, Cell = C, Out = C>,
    {
        if window == 0 {
            return Ok(None);
        }
        let plan = self.rolling_plan::<Carried<C>, R>(lanes);
        let results = Carried::new(ScratchFile::new(self)?);
        if window <= plan.rows {
            self.roll_short(items, lanes, window, rule, &results)?;
        } else {
            let blocks = self.blocks(items, lanes, rule)?;
            let above = Lanes { len: lanes.len / plan.rows, ..lanes };
            let middle = self.middle(&blocks, above, window / plan.rows - 1, rule)?;
            self.roll_long(items, lanes, window, rule, (&blocks, middle.as_ref()), &results)?;
        }
        Ok(Some(results))
    }

    fn rolling_plan<I: Items, R: Rule<I::Item>>(&self, lanes: Lanes) -> Plan {
        let unit = self.grid.block_of::<I::Item>().min(self.grid.block_of::<R::Cell>());
        Plan::new(lanes, unit, self.grid)
    }

    /// What a pass over units of `rows` rows of input needs.
    fn load<I: Items, R: Rule<I::Item>>(plan: Plan, parts: u64, rows: u64) -> Load {
        let each = I::ROOM + size_of::<R::Cell>() + size_of::<R::Out>();
        let cells = rows * plan.width * plan.span;
        Load {
            units: plan.units(parts),
            bytes: plan.lanes.count() * I::SIZE as u64,
            scratch: cells * each as u64 + 4 * plan.width * size_of::<R::Cell>() as u64,
            held: 0,
        }
    }

    /// Windows that are no longer than a unit.
    fn roll_short<I, R>(&self, items: &I, lanes: Lanes, window: u64, rule: R, store: &dyn Store<R::Out>) -> Result<()>
    where
        I: Items,
        R: Rule<I::Item>,
    {
        let Lanes { outer, len, inner } = lanes;
        let plan = self.rolling_plan::<I, R>(lanes);
        let count = len + 1 - window;
        let parts = count.div_ceil(plan.rows);
        self.in_order(
            Self::load::<I, R>(plan, parts, (plan.rows + window - 1).min(len)),
            || Worker::<I, R>::new(rule),
            |worker, unit, shift| {
                let Place { outer: outer_at, column, width, part } = plan.place(parts, unit);
                let outers = small(plan.span.min(outer - outer_at));
                let row = part * plan.rows;
                let rows = plan.rows.min(count - row);
                let (above, width) = (small(rows + window - 1), small(width));
                let start = (outer_at * len + row) * inner + column;
                let span = Span { start, rows: above * outers, width, stride: inner };
                let mut buffer = std::mem::take(&mut worker.buffer);
                let (items, stride) = items.read(span, &mut buffer)?;
                worker.clear(small(rows) * width * outers, items[0]);
                let Worker { windows, results, .. } = worker;
                vectorised(
                    #[inline(always)]
                    || {
                        for (lane, results) in results.chunks_mut(small(rows) * width).enumerate() {
                            let items = &items[lane * above * stride..];
                            let panel =
                                Panel { items: &items[..(above - 1) * stride + width], rows: above, width, stride };
                            windows.all(panel, small(window), results);
                        }
                    },
                );
                write_rows(store, (outer_at * count + row) * inner + column, results, width, inner)?;
                worker.buffer = buffer;
                // The rows that the next unit reads again count once.
                let fresh = if part + 1 == parts { above } else { small(rows) };
                shift.done((fresh * width * outers * I::SIZE) as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    /// The statistics of each block of rows; of a last block that is not whole there are none.
    fn blocks<I, R>(&self, items: &I, lanes: Lanes, rule: R) -> Result<Carried<R::Cell>>
    where
        I: Items,
        R: Rule<I::Item>,
    {
        let Lanes { len, inner, .. } = lanes;
        let plan = self.rolling_plan::<I, R>(lanes);
        let parts = len / plan.rows;
        let blocks = Carried::new(ScratchFile::new(self)?);
        self.in_order(
            Self::load::<I, R>(plan, parts, plan.rows),
            || Worker::<I, R>::new(rule),
            |worker, unit, shift| {
                let Place { outer, column, width, part } = plan.place(parts, unit);
                let start = (outer * len + part * plan.rows) * inner + column;
                let span = Span { start, rows: small(plan.rows), width: small(width), stride: inner };
                let (items, stride) = items.read(span, &mut worker.buffer)?;
                let windows = &mut worker.windows;
                let panel = Panel { items, rows: span.rows, width: span.width, stride };
                vectorised(
                    #[inline(always)]
                    || windows.ends(panel),
                );
                blocks.write((outer * parts + part) * inner + column, windows.end(0, span.width))?;
                shift.done((span.rows * span.width * I::SIZE) as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )?;
        Ok(blocks)
    }

    /// Windows that are longer than a unit.
    fn roll_long<I, R>(
        &self,
        items: &I,
        lanes: Lanes,
        window: u64,
        rule: R,
        (blocks, middle): (&Carried<R::Cell>, Option<&Carried<R::Cell>>),
        store: &dyn Store<R::Out>,
    ) -> Result<()>
    where
        I: Items,
        R: Rule<I::Item>,
    {
        let Lanes { len, inner, .. } = lanes;
        let plan = self.rolling_plan::<I, R>(lanes);
        let block = plan.rows;
        let count = len + 1 - window;
        let parts = count.div_ceil(block);
        let (whole, rest) = (window / block, window % block);
        let (all, middles) = (len / block, (len / block + 2).saturating_sub(whole));
        self.in_order(
            Self::load::<I, R>(plan, parts, 2 * block),
            || Worker::<I, R>::new(rule),
            |worker, unit, shift| {
                let Place { outer, column, width, part } = plan.place(parts, unit);
                let rows = block.min(count - part * block);
                let at = |row: u64| (outer * len + row) * inner + column;
                let span = |row: u64, rows: u64| Span {
                    start: at(row),
                    rows: small(rows),
                    width: small(width),
                    stride: inner,
                };
                let cells = |length: u64, row: u64| Span {
                    start: (outer * length + row) * inner + column,
                    rows: 1,
                    width: small(width),
                    stride: width,
                };
                // The end of the first block.
                let head = span(part * block, block);
                let (head_items, stride) = items.read(head, &mut worker.buffer)?;
                let panel = Panel { items: head_items, rows: head.rows, width: head.width, stride };
                let windows = &mut worker.windows;
                vectorised(
                    #[inline(always)]
                    || windows.ends(panel),
                );
                // The whole blocks between; later windows have one more of them.
                if let Some(middle) = middle {
                    middle.read(cells(middles, part + 1), &mut worker.middle)?;
                }
                let tail = part + whole;
                let reach = rest + rows - 1;
                if rest + rows > block {
                    blocks.read(cells(all, tail), &mut worker.whole)?;
                }
                // The beginning of the last block, or of the last two.
                let tail = span(tail * block, reach.max(1).min(len - tail * block).max(1));
                let tail = if reach == 0 { span(part * block, 1) } else { tail };
                let (tail_items, stride) = items.read(tail, &mut worker.buffer)?;
                let any = tail_items[0];
                let panel = Panel { items: tail_items, rows: small(reach), width: tail.width, stride };
                let size = small(rows) * tail.width;
                worker.results.resize(size, rule.out(rule.one(any)));
                let Worker { windows, middle: between, whole: next, results, .. } = worker;
                let long = Long { block: small(block), rest: small(rest), middle: middle.is_some() };
                vectorised(
                    #[inline(always)]
                    || long.segment(windows, panel, between, next, results),
                );
                let start = (outer * count + part * block) * inner + column;
                write_rows(store, start, results, tail.width, inner)?;
                shift.done((small(rows) * tail.width * I::SIZE) as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }
}

/// The windows that begin in one block and end beyond the next.
struct Long {
    block: usize,
    /// Rows of the window that are not whole blocks.
    rest: usize,
    /// Whether there are whole blocks between the first and the last for every window.
    middle: bool,
}

impl Long {
    #[inline(always)]
    fn segment<I: Copy, R: Rule<I>>(
        &self,
        windows: &mut Windows<R, R::Cell>,
        panel: Panel<'_, I>,
        between: &mut Vec<R::Cell>,
        next: &[R::Cell],
        results: &mut [R::Out],
    ) {
        let rule = windows.rule;
        let width = panel.width;
        let mut begins = std::mem::take(&mut windows.begins);
        let mut known = false;
        let mut middle = self.middle;
        let take = |begins: &mut Vec<R::Cell>, row: usize, known: bool| {
            if !known {
                begins.clear();
                begins.extend(panel.row(row).iter().map(|&item| rule.one(item)));
                return;
            }
            for (begin, &item) in begins.iter_mut().zip(panel.row(row)) {
                *begin = rule.join(*begin, rule.one(item));
            }
        };
        for row in 0..self.rest {
            take(&mut begins, row, known);
            known = true;
        }
        let rows = results.len() / width;
        for (at, results) in results.chunks_exact_mut(width).enumerate() {
            if self.rest + at == self.block {
                // The last block is whole now, and another one begins.
                if middle {
                    between.iter_mut().zip(next).for_each(|(a, &b)| *a = rule.join(*a, b));
                } else {
                    between.clear();
                    between.extend_from_slice(next);
                }
                (middle, known) = (true, false);
            }
            let ends = windows.end(at, width);
            for column in 0..width {
                let mut cell = ends[column];
                if middle {
                    cell = rule.join(cell, between[column]);
                }
                if known {
                    cell = rule.join(cell, begins[column]);
                }
                results[column] = rule.out(cell);
            }
            if at + 1 < rows {
                take(&mut begins, self.rest + at, known);
                known = true;
            }
        }
        windows.begins = begins;
    }
}
