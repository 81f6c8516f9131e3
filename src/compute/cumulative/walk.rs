//! Carrying a rule along one axis.
//!
//! In storage order every array is `outer` blocks of `len` rows of `inner` elements, and the rule goes down the rows. The work
//! is cut into units of about a block. Where a column is longer than a unit, a unit first computes the totals of its columns,
//! then takes over what came before from the unit above, and hands on the sum of both before it computes its results. So the
//! source is read once, and the bits depend on the cut alone.

use super::overflow::Overflow;
use super::rule::Rule;
use crate::compute::Job;
use crate::compute::along::items::{Carried, Items, Span};
use crate::compute::along::lanes::{Lanes, Place, Plan};
use crate::compute::engine::{Load, Relay, Shift, Store};
use crate::compute::kernel::vectorised;
use crate::error::Result;

/// What a walk leaves behind.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a, O, C> {
    /// The results, each with its own element.
    Inclusive(&'a dyn Store<O>),
    /// The results of what came before each element.
    Exclusive(&'a dyn Store<O>),
    /// The totals of the columns.
    Totals(&'a dyn Store<C>),
}

/// What a worker keeps from unit to unit.
struct Worker<I: Items, R: Rule<I::Item>> {
    buffer: I::Buffer,
    earlier: Vec<R::Carry>,
    totals: Vec<R::Carry>,
    states: Vec<R::State>,
    results: Vec<R::Out>,
}

/// The columns of a unit.
#[derive(Clone, Copy)]
struct Panel<'a, I> {
    items: &'a [I],
    rows: usize,
    width: usize,
    stride: usize,
}

impl<'a, I> Panel<'a, I> {
    #[inline(always)]
    fn row(&self, row: usize) -> &'a [I] {
        &self.items[row * self.stride..][..self.width]
    }
}

/// Runs that are gone through side by side, so that the processor need not wait for each step.
const ABREAST: usize = 4;

/// The arithmetic of a unit.
struct Arithmetic<R> {
    rule: R,
    exclusive: bool,
    /// Elements after which a long run begins anew, from a sum with more digits.
    leaf: usize,
}

impl<R: Copy> Arithmetic<R> {
    /// The totals of the columns, appended to the empty buffer.
    #[inline(always)]
    fn totals<I: Copy>(&self, panel: Panel<'_, I>, states: &mut Vec<R::State>, totals: &mut Vec<R::Carry>)
    where
        R: Rule<I>,
    {
        let rule = self.rule;
        totals.clear();
        if panel.width == 1 && panel.stride == 1 {
            let leaves = panel.items.chunks(self.leaf).map(|leaf| rule.total(leaf));
            totals.push(leaves.fold(rule.none(), |a, b| rule.join(a, b)));
            return;
        }
        states.clear();
        states.resize(panel.width, rule.begin(rule.none()));
        let states = &mut states[..panel.width];
        for row in 0..panel.rows {
            let items = &panel.row(row)[..states.len()];
            for column in 0..states.len() {
                states[column] = rule.step(states[column], items[column]);
            }
        }
        totals.extend(states.iter().map(|&state| rule.end(state)));
    }

    /// The results of the columns; whether one of them is out of range.
    #[inline(always)]
    fn results<I: Copy>(
        &self,
        panel: Panel<'_, I>,
        earlier: &[R::Carry],
        states: &mut Vec<R::State>,
        results: &mut [R::Out],
    ) -> bool
    where
        R: Rule<I>,
    {
        let rule = self.rule;
        if panel.width == 1 && panel.stride == 1 {
            return self.run(panel.items, earlier[0], results);
        }
        states.clear();
        states.extend(earlier.iter().map(|&carry| rule.begin(carry)));
        let states = &mut states[..panel.width];
        let mut lost = false;
        for (row, results) in (0..panel.rows).zip(results.chunks_exact_mut(panel.width)) {
            let items = &panel.row(row)[..states.len()];
            let results = &mut results[..states.len()];
            for column in 0..states.len() {
                let before = states[column];
                let after = rule.step(before, items[column]);
                lost |= rule.overflows(before, items[column], after);
                states[column] = after;
                results[column] = rule.out(if self.exclusive { before } else { after });
            }
        }
        lost
    }

    /// The results of one long run: its leaves begin with what is known of all before them.
    #[inline(always)]
    fn run<I: Copy>(&self, items: &[I], earlier: R::Carry, results: &mut [R::Out]) -> bool
    where
        R: Rule<I>,
    {
        let rule = self.rule;
        let mut lost = false;
        let mut carry = earlier;
        for (items, results) in items.chunks(self.leaf * ABREAST).zip(results.chunks_mut(self.leaf * ABREAST)) {
            let mut begins = [carry; ABREAST];
            let mut leaves = items.chunks(self.leaf);
            for begin in &mut begins {
                *begin = carry;
                if let Some(leaf) = leaves.next() {
                    carry = rule.join(carry, rule.total(leaf));
                }
            }
            lost |= self.abreast(items, self.leaf, begins, results);
        }
        lost
    }

    /// The results of up to [`ABREAST`] runs of `len` items.
    #[inline(always)]
    fn abreast<I: Copy>(&self, items: &[I], len: usize, begins: [R::Carry; ABREAST], results: &mut [R::Out]) -> bool
    where
        R: Rule<I>,
    {
        let rule = self.rule;
        let mut lost = false;
        if items.len() == ABREAST * len {
            let mut states = begins.map(|begin| rule.begin(begin));
            let items: [&[I]; ABREAST] = std::array::from_fn(|run| &items[run * len..][..len]);
            let (a, rest) = results.split_at_mut(len);
            let (b, rest) = rest.split_at_mut(len);
            let (c, d) = rest.split_at_mut(len);
            let results = [a, b, c, &mut d[..len]];
            for at in 0..len {
                for run in 0..ABREAST {
                    let before = states[run];
                    let after = rule.step(before, items[run][at]);
                    lost |= rule.overflows(before, items[run][at], after);
                    states[run] = after;
                    results[run][at] = rule.out(if self.exclusive { before } else { after });
                }
            }
            return lost;
        }
        for ((items, results), begin) in items.chunks(len).zip(results.chunks_mut(len)).zip(begins) {
            let mut state = rule.begin(begin);
            for (&item, result) in items.iter().zip(results) {
                let after = rule.step(state, item);
                lost |= rule.overflows(state, item, after);
                *result = rule.out(if self.exclusive { state } else { after });
                state = after;
            }
        }
        lost
    }

    /// The results of whole outer indices, each of which begins with nothing.
    #[inline(always)]
    fn whole<I: Copy>(
        &self,
        items: &[I],
        (rows, width): (usize, usize),
        states: &mut Vec<R::State>,
        results: &mut [R::Out],
    ) -> bool
    where
        R: Rule<I>,
    {
        let none = self.rule.none();
        let mut lost = false;
        if width == 1 && rows <= self.leaf {
            let step = rows * ABREAST;
            for (items, results) in items.chunks(step).zip(results.chunks_mut(step)) {
                lost |= self.abreast(items, rows, [none; ABREAST], results);
            }
            return lost;
        }
        let each = rows * width;
        let begin = vec![none; width];
        for (items, results) in items.chunks(each).zip(results.chunks_mut(each)) {
            let panel = Panel { items, rows, width, stride: width };
            lost |= self.results(panel, &begin, states, results);
        }
        lost
    }
}

/// A length inside a unit.
fn small(len: u64) -> usize {
    usize::try_from(len).expect("a unit fits the address space")
}

impl Job<'_> {
    /// Goes along the rows of `lanes`, from the carries of `before` on where there are any.
    pub(super) fn walk<I, R>(
        &self,
        items: &I,
        lanes: Lanes,
        rule: R,
        before: Option<&Carried<R::Carry>>,
        goal: Goal<'_, R::Out, R::Carry>,
        overflow: &Overflow<'_>,
    ) -> Result<()>
    where
        I: Items,
        R: Rule<I::Item>,
    {
        if lanes.count() == 0 {
            return Ok(());
        }
        let unit = self.grid.block_of::<I::Item>().min(self.grid.block_of::<R::Out>());
        let plan = Plan::new(lanes, unit, self.grid);
        let parts = lanes.len.div_ceil(plan.rows);
        let each = (I::ROOM + size_of::<R::Out>()) as u64;
        let column = (3 * size_of::<R::Carry>() + size_of::<R::State>()) as u64;
        let load = Load {
            units: plan.units(parts),
            bytes: lanes.count() * I::SIZE as u64,
            scratch: (unit as u64).max(plan.width) * each + plan.width * column,
            held: plan.width * size_of::<R::Carry>() as u64,
        };
        let exclusive = matches!(goal, Goal::Exclusive(_));
        let walk = Walk {
            items,
            plan,
            parts,
            arithmetic: Arithmetic { rule, exclusive, leaf: (self.grid.leaf_of::<I::Item>() / 4).max(1) },
            before,
            goal,
            relay: Relay::new(Vec::new()),
            overflow,
        };
        let worker = || Worker {
            buffer: I::Buffer::default(),
            earlier: Vec::new(),
            totals: Vec::new(),
            states: Vec::new(),
            results: Vec::new(),
        };
        let mut first = None;
        self.in_order(
            load,
            worker,
            |worker: &mut Worker<I, R>, unit, shift| walk.unit(worker, unit, shift),
            |_, lost| {
                first = [first, lost].into_iter().flatten().min();
                // Units of one tile follow one another in storage order.
                if plan.tiles() == 1 && overflow.is_sequential() { overflow.check(first) } else { Ok(()) }
            },
        )?;
        overflow.check(first)
    }
}

/// What all workers of a walk read.
struct Walk<'a, I: Items, R: Rule<I::Item>> {
    items: &'a I,
    plan: Plan,
    /// Units from top to bottom.
    parts: u64,
    arithmetic: Arithmetic<R>,
    before: Option<&'a Carried<R::Carry>>,
    goal: Goal<'a, R::Out, R::Carry>,
    /// What is known of the columns above the next unit.
    relay: Relay<Vec<R::Carry>>,
    overflow: &'a Overflow<'a>,
}

impl<I: Items, R: Rule<I::Item>> Walk<'_, I, R> {
    /// Computes a unit; the smallest index of a result out of range.
    fn unit(&self, worker: &mut Worker<I, R>, unit: u64, shift: &Shift<'_, '_>) -> Result<Option<u64>> {
        let Plan { lanes: Lanes { outer, len, inner }, span, rows, .. } = self.plan;
        let parts = self.parts;
        let Place { outer: outer_at, column, width, part } = self.plan.place(parts, unit);
        let row = part * rows;
        let rows = rows.min(len - row);
        let outers = span.min(outer - outer_at);
        let start = (outer_at * len + row) * inner + column;
        let span = Span { start, rows: small(rows * outers), width: small(width), stride: inner };
        let (items, stride) = self.items.read(span, &mut worker.buffer)?;
        let panel = Panel { items, rows: span.rows, width: span.width, stride };
        let arithmetic = &self.arithmetic;
        let rule = arithmetic.rule;

        let totals = matches!(self.goal, Goal::Totals(_));
        if totals || part + 1 < parts {
            vectorised(
                #[inline(always)]
                || arithmetic.totals(panel, &mut worker.states, &mut worker.totals),
            );
        }
        if part == 0 {
            worker.earlier.clear();
            match self.before {
                None => worker.earlier.resize(span.width, rule.none()),
                Some(before) => {
                    let row = Span { start: outer_at * inner + column, rows: 1, ..span };
                    before.read(Span { stride: width, ..row }, &mut worker.earlier)?;
                }
            }
        }
        if parts > 1 {
            let (earlier, totals) = (&mut worker.earlier, &worker.totals);
            self.relay.pass(unit, shift, |above: &mut Vec<R::Carry>| {
                if part > 0 {
                    earlier.clear();
                    earlier.extend_from_slice(above);
                }
                if part + 1 < parts {
                    above.clear();
                    above.extend(earlier.iter().zip(totals).map(|(&a, &b)| rule.join(a, b)));
                }
            })?;
        }
        let store = match self.goal {
            Goal::Inclusive(store) | Goal::Exclusive(store) => store,
            Goal::Totals(store) => {
                if part + 1 == parts {
                    let all = worker.earlier.iter().zip(&worker.totals).map(|(&a, &b)| rule.join(a, b));
                    store.write(outer_at * inner + column, &all.collect::<Vec<_>>())?;
                }
                shift.done((span.rows * span.width * I::SIZE) as u64);
                return Ok(None);
            }
        };
        let results = &mut worker.results;
        results.clear();
        results.resize(span.rows * span.width, rule.out(rule.begin(rule.none())));
        let states = &mut worker.states;
        let earlier = &worker.earlier[..];
        let lost = vectorised(
            #[inline(always)]
            || match outers {
                1 => arithmetic.results(panel, earlier, states, results),
                _ => arithmetic.whole(panel.items, (small(rows), span.width), states, results),
            },
        );
        if width == inner {
            store.write(start, results)?;
        } else {
            for (row, results) in (0..).zip(results.chunks(span.width)) {
                store.write(start + row * inner, results)?;
            }
        }
        shift.done((span.rows * span.width * I::SIZE) as u64);
        Ok(if lost { self.first_lost(panel, small(rows), span, earlier) } else { None })
    }

    /// The smallest row-major index of a result out of range in a unit that has one.
    #[cold]
    fn first_lost(&self, panel: Panel<'_, I::Item>, len: usize, span: Span, earlier: &[R::Carry]) -> Option<u64> {
        let rule = self.arithmetic.rule;
        let mut first: Option<u64> = None;
        for (column, &carry) in earlier.iter().enumerate().take(panel.width) {
            let mut state = rule.begin(carry);
            let mut found = false;
            for row in 0..panel.rows {
                if row > 0 && row % len == 0 {
                    state = rule.begin(rule.none());
                    found = false;
                }
                let item = panel.row(row)[column];
                let after = rule.step(state, item);
                if !found && rule.overflows(state, item, after) {
                    let at = self.overflow.index(span.start + row as u64 * span.stride + column as u64);
                    first = Some(first.map_or(at, |first| first.min(at)));
                    found = true;
                }
                state = after;
            }
        }
        first
    }
}
