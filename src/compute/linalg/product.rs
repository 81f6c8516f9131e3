//! Products of matrices of any size: `a^T b`, with the result cut into tiles that stay in memory while panels of both
//! factors pass by.
//!
//! A tile takes as much of the memory as it can, so that the factors are read as few times as the memory allows: Hong
//! and Kung (1981), Irony, Toledo and Tiskin (2004). While the blocks of a tile are multiplied by one panel of rows,
//! the next panel is read. A result that is small beside the length of the sums is instead a sum over slabs of rows,
//! each of them the work of one thread.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::entry::{DEPTH, Field, Tile};
use super::factor::Factor;
use super::matrix::in_memory;
use crate::compute::Job;
use crate::compute::engine::{Load, Shift, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// The depth of a panel is a multiple of it.
const DEPTH64: u64 = DEPTH as u64;
/// The deepest panel, so that rows are read in long runs.
const DEEPEST: u64 = 4 * DEPTH64;

/// Whether all of a result is computed, or one triangle of a symmetric one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// Both factors are the same: the lower triangle is computed, and mirrored.
    Symmetric,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a result is cut; all of it but `high`, `wide` and `depth` follows from the shape alone.
#[derive(Clone, Copy, Debug)]
struct Plan {
    part: Part,
    /// The sizes of the result, and the length of the sums.
    rows: u64,
    cols: u64,
    terms: u64,
    /// The sizes of a block, which is the work of one thread at a time.
    block_rows: u64,
    block_cols: u64,
    /// The sizes of a tile, in blocks.
    high: u64,
    wide: u64,
    /// The rows of a panel.
    depth: u64,
}

impl Plan {
    fn down(&self) -> u64 {
        self.rows.div_ceil(self.block_rows)
    }

    fn across(&self) -> u64 {
        self.cols.div_ceil(self.block_cols)
    }

    fn panels(&self) -> u64 {
        self.terms.div_ceil(self.depth)
    }

    fn rows_of(&self, block: u64) -> Range<u64> {
        block * self.block_rows..self.rows.min((block + 1) * self.block_rows)
    }

    fn cols_of(&self, block: u64) -> Range<u64> {
        block * self.block_cols..self.cols.min((block + 1) * self.block_cols)
    }

    fn terms_of(&self, panel: u64) -> Range<u64> {
        panel * self.depth..self.terms.min((panel + 1) * self.depth)
    }

    /// Elements that a tile and two panels take.
    fn resident(&self) -> u64 {
        let (rows, cols) = (self.block_rows.min(self.rows), self.block_cols.min(self.cols));
        let panels = 2 * self.depth * (self.high * rows + self.wide * cols);
        (self.high * self.wide * rows * cols).saturating_add(panels)
    }

    /// Elements that are read in all.
    fn traffic(&self) -> u64 {
        let (down, across) = (self.down().div_ceil(self.high), self.across().div_ceil(self.wide));
        (across * self.rows).saturating_add(down * self.cols).saturating_mul(self.terms)
    }

    /// The tile that has the least to read within so many elements of memory, and is no larger than that needs.
    fn fit(mut self, elements: u64) -> Option<Self> {
        /// Blocks that a tile has at least, for the threads to share.
        const SHARED: u64 = 64;
        let (down, across) = (self.down(), self.across());
        let mut fits: Vec<Self> = Vec::new();
        // Sizes a sixteenth apart are close enough.
        for high in std::iter::successors(Some(1), |high| Some(high + 1 + high / 16))
            .take_while(|&high| high < down)
            .chain([down])
        {
            self.high = high;
            self.wide = 1;
            let least = self.resident();
            if least > elements {
                break;
            }
            self.wide = 2;
            let each = self.resident() - least;
            self.wide = (1 + (elements - least) / each).min(across);
            if self.part == Part::Symmetric {
                // The blocks on the diagonal of the result must lie on the diagonal of a tile.
                self.wide = self.wide.min(high);
                self.high = self.wide;
            }
            fits.push(self);
        }
        let best = fits.iter().map(Self::traffic).min()?;
        let enough =
            |plan: &&Self| plan.traffic() <= best + best / 50 && plan.high * plan.wide >= SHARED.min(down * across);
        let smallest = fits.iter().filter(enough).min_by_key(|plan| plan.resident());
        smallest.or_else(|| fits.iter().min_by_key(|plan| plan.traffic())).copied()
    }
}

/// A tile while one panel passes by.
#[derive(Clone, Copy, Debug)]
struct Step {
    number: u64,
    /// The first block of the tile.
    top: u64,
    left: u64,
    /// The sizes of the tile, in blocks.
    high: u64,
    wide: u64,
    panel: u64,
}

impl Step {
    fn is_shared(&self, plan: &Plan) -> bool {
        plan.part == Part::Symmetric && self.top == self.left
    }

    /// Pieces of panels to read.
    fn loads(&self, plan: &Plan) -> u64 {
        if self.is_shared(plan) { self.wide } else { self.high + self.wide }
    }

    /// Blocks to multiply.
    fn products(&self, plan: &Plan) -> u64 {
        if self.is_shared(plan) { self.wide * (self.wide + 1) / 2 } else { self.high * self.wide }
    }
}

#[derive(Clone, Copy, Debug)]
enum Task {
    Load(Step, u64),
    Multiply(Step, u64, u64),
}

fn steps(plan: Plan) -> impl Iterator<Item = Step> {
    let (down, across) = (plan.down(), plan.across());
    let tiles = (0..down).step_by(in_memory(plan.high)).flat_map(move |top| {
        let last = if plan.part == Part::Symmetric { top + 1 } else { across };
        (0..last).step_by(in_memory(plan.wide)).map(move |left| (top, left))
    });
    let each = tiles.flat_map(move |(top, left)| (0..plan.panels()).map(move |panel| (top, left, panel)));
    each.enumerate().map(move |(number, (top, left, panel))| Step {
        number: number as u64,
        top,
        left,
        high: plan.high.min(down - top),
        wide: plan.wide.min(across - left),
        panel,
    })
}

/// Everything that is to be done, in an order in which each task needs only earlier ones.
fn tasks(plan: Plan) -> impl Iterator<Item = Task> {
    let loads = move |step: Step| (0..step.loads(&plan)).map(move |piece| Task::Load(step, piece));
    let products = move |step: Step| {
        let blocks = (0..step.high).flat_map(move |i| {
            let last = if step.is_shared(&plan) { i + 1 } else { step.wide };
            (0..last).map(move |j| (i, j))
        });
        blocks.map(move |(i, j)| Task::Multiply(step, i, j))
    };
    let first = steps(plan).next();
    let later = steps(plan).skip(1).map(Some).chain([None]);
    let rest =
        steps(plan).zip(later).flat_map(move |(now, next)| next.into_iter().flat_map(loads).chain(products(now)));
    first.into_iter().flat_map(loads).chain(rest)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Event {
    Loaded(u64),
    Multiplied(u64),
}

/// How many tasks of each step are done. Tasks are begun in an order in which they need only earlier ones, so that a
/// worker that waits for others waits for those that work.
#[derive(Default)]
struct Ledger {
    done: Mutex<HashMap<Event, u64>>,
    changed: Condvar,
}

impl Ledger {
    fn record(&self, event: Event) {
        let mut done = lock(&self.done);
        *done.entry(event).or_default() += 1;
        let (Event::Loaded(step) | Event::Multiplied(step)) = event;
        if let Some(old) = step.checked_sub(4) {
            done.remove(&Event::Loaded(old));
            done.remove(&Event::Multiplied(old));
        }
        drop(done);
        self.changed.notify_all();
    }

    fn wait(&self, event: Event, count: u64, shift: &Shift<'_, '_>) -> Result<()> {
        /// Between two looks whether the others have failed.
        const PATIENCE: Duration = Duration::from_millis(20);
        let mut done = lock(&self.done);
        while done.get(&event).copied().unwrap_or(0) < count {
            shift.check()?;
            done = self.changed.wait_timeout(done, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

/// A piece of a panel: a copy, or nothing where the elements lie in memory.
struct Piece<F> {
    items: Vec<F>,
    order: Order,
}

impl<F> Default for Piece<F> {
    fn default() -> Self {
        Self { items: Vec::new(), order: Order::C }
    }
}

impl<F: Field> Piece<F> {
    fn load<X: Factor<F>>(
        &mut self,
        of: &X,
        terms: &Range<u64>,
        cols: &Range<u64>,
        reader: &mut X::Reader,
    ) -> Result<()> {
        self.items.clear();
        if !of.lies_in_memory(terms, cols) {
            let tile = of.tile(terms, cols, reader)?;
            self.order = tile.order;
            tile.lines().for_each(|line| self.items.extend_from_slice(line));
        }
        Ok(())
    }

    fn tile<'b, X: Factor<F>>(
        &'b self,
        of: &'b X,
        terms: &Range<u64>,
        cols: &Range<u64>,
        reader: &'b mut X::Reader,
    ) -> Result<Tile<'b, F>> {
        if self.items.is_empty() {
            return of.tile(terms, cols, reader);
        }
        let (rows, cols) = (in_memory(terms.end - terms.start), in_memory(cols.end - cols.start));
        let stride = if self.order == Order::C { cols } else { rows };
        Ok(Tile { items: &self.items, rows, cols, stride, order: self.order })
    }
}

/// A product while it is computed.
struct Tiled<'a, F, A, B> {
    plan: Plan,
    a: &'a A,
    b: &'a B,
    store: &'a dyn Store<F>,
    finish: &'a (dyn Fn(&mut [F]) + Sync),
    blocks: Vec<Mutex<Vec<F>>>,
    /// Pieces of the panels of this step and of the next one.
    of_a: [Vec<RwLock<Piece<F>>>; 2],
    of_b: [Vec<RwLock<Piece<F>>>; 2],
    ledger: Ledger,
}

type Readers<F, A, B> = (<A as Factor<F>>::Reader, <B as Factor<F>>::Reader);

impl<F: Field, A: Factor<F>, B: Factor<F>> Tiled<'_, F, A, B> {
    fn run(&self, task: Task, readers: &mut Readers<F, A, B>, shift: &Shift<'_, '_>) -> Result<u64> {
        match task {
            Task::Load(step, piece) => {
                // The place is that of the step before the last.
                if let Some(before) = step.number.checked_sub(2) {
                    self.ledger.wait(Event::Multiplied(before), self.products_of(before), shift)?;
                }
                let bytes = self.load(step, piece, readers)?;
                self.ledger.record(Event::Loaded(step.number));
                Ok(bytes)
            }
            Task::Multiply(step, i, j) => {
                self.ledger.wait(Event::Loaded(step.number), step.loads(&self.plan), shift)?;
                // Blocks take their panels in order, and their next tile when the last one is written.
                if let Some(before) = step.number.checked_sub(1) {
                    self.ledger.wait(Event::Multiplied(before), self.products_of(before), shift)?;
                }
                self.multiply(step, (i, j), readers)?;
                self.ledger.record(Event::Multiplied(step.number));
                Ok(0)
            }
        }
    }

    /// The blocks that a step multiplies.
    fn products_of(&self, number: u64) -> u64 {
        let panels = self.plan.panels();
        let tile = steps(Plan { depth: self.plan.terms, ..self.plan }).nth(in_memory(number / panels));
        tile.map_or(0, |step| step.products(&self.plan))
    }

    fn load(&self, step: Step, piece: u64, readers: &mut Readers<F, A, B>) -> Result<u64> {
        let (plan, slot) = (&self.plan, usize::from(step.number % 2 == 1));
        let terms = plan.terms_of(step.panel);
        let bytes = |of: u64, count: u64, cols: &Range<u64>| {
            of / count.max(1) * (cols.end - cols.start) / plan.terms * (terms.end - terms.start)
        };
        if piece < step.wide {
            let cols = plan.cols_of(step.left + piece);
            let mut place = self.of_b[slot][in_memory(piece)].write().unwrap_or_else(PoisonError::into_inner);
            place.load(self.b, &terms, &cols, &mut readers.1)?;
            Ok(bytes(self.b.bytes(), plan.cols, &cols))
        } else {
            let cols = plan.rows_of(step.top + piece - step.wide);
            let mut place =
                self.of_a[slot][in_memory(piece - step.wide)].write().unwrap_or_else(PoisonError::into_inner);
            place.load(self.a, &terms, &cols, &mut readers.0)?;
            Ok(bytes(self.a.bytes(), plan.rows, &cols))
        }
    }

    fn multiply(&self, step: Step, (i, j): (u64, u64), readers: &mut Readers<F, A, B>) -> Result<()> {
        let (plan, slot) = (&self.plan, usize::from(step.number % 2 == 1));
        let terms = plan.terms_of(step.panel);
        let (rows, cols) = (plan.rows_of(step.top + i), plan.cols_of(step.left + j));
        let lower = step.is_shared(plan) && i == j;
        let mut block = lock(&self.blocks[in_memory(i * plan.wide + j)]);
        if step.panel == 0 {
            block.clear();
            block.resize(in_memory((rows.end - rows.start) * (cols.end - cols.start)), F::default());
        }
        let of_a = if step.is_shared(plan) { &self.of_b } else { &self.of_a };
        let a = of_a[slot][in_memory(i)].read().unwrap_or_else(PoisonError::into_inner);
        let b = self.of_b[slot][in_memory(j)].read().unwrap_or_else(PoisonError::into_inner);
        let a = a.tile(self.a, &terms, &rows, &mut readers.0)?.t();
        let b = b.tile(self.b, &terms, &cols, &mut readers.1)?;
        if lower {
            F::accumulate_lower(&mut block, a, b);
        } else {
            F::accumulate(&mut block, a, b);
        }
        if step.panel + 1 == plan.panels() {
            let width = in_memory(cols.end - cols.start);
            if lower {
                mirror(&mut block, width);
            }
            (self.finish)(&mut block);
            self.write(&block, &rows, &cols)?;
            if plan.part == Part::Symmetric && rows.start != cols.start {
                let height = in_memory(rows.end - rows.start);
                let turned: Vec<F> = (0..width)
                    .flat_map(|j| (0..height).map(move |i| (i, j)))
                    .map(|(i, j)| block[i * width + j])
                    .collect();
                self.write(&turned, &cols, &rows)?;
            }
        }
        Ok(())
    }

    fn write(&self, block: &[F], rows: &Range<u64>, cols: &Range<u64>) -> Result<()> {
        let (width, all) = (cols.end - cols.start, self.plan.cols);
        if width == all {
            return self.store.write(rows.start * all, block);
        }
        for (row, items) in rows.clone().zip(block.chunks(in_memory(width))) {
            self.store.write(row * all + cols.start, items)?;
        }
        Ok(())
    }
}

/// Copies the lower triangle of a row-major square matrix onto the upper one.
pub(super) fn mirror<F: Copy>(items: &mut [F], side: usize) {
    for i in 0..side {
        for j in 0..i {
            items[j * side + i] = items[i * side + j];
        }
    }
}

impl Job<'_> {
    /// Writes `a^T b`, passed through `finish` in pieces, to a row-major store.
    pub(super) fn product<F: Field, A: Factor<F>, B: Factor<F>>(
        &self,
        (a, b, part): (&A, &B, Part),
        finish: &(dyn Fn(&mut [F]) + Sync),
        store: &dyn Store<F>,
    ) -> Result<()> {
        let (rows, cols, terms) = (a.cols(), b.cols(), a.rows());
        if rows == 0 || cols == 0 {
            return Ok(());
        }
        if terms == 0 {
            return self.zeros(rows * cols, finish, store);
        }
        if self.is_flat(rows, cols, terms) {
            let mut sum = self.sum_of_slabs(a, b, part)?;
            finish(&mut sum);
            return store.write(0, &sum);
        }
        self.tiled((a, b, part), finish, store)
    }

    /// Whether a result is small beside the length of its sums, which are then cut into slabs.
    fn is_flat(&self, rows: u64, cols: u64, terms: u64) -> bool {
        let small = self.grid.block_of::<f64>() as u64 * 16;
        rows.saturating_mul(cols) <= small && terms >= 4 * self.slab(rows, cols)
    }

    /// The rows of a slab.
    pub(super) fn slab(&self, rows: u64, cols: u64) -> u64 {
        let items = self.grid.block_of::<f64>() as u64 * 16;
        (items / rows.max(cols).max(1)).max(8 * rows.min(cols)).next_multiple_of(DEPTH64)
    }

    /// The rows of a slab that are read together, when a row has so many elements.
    pub(super) fn band(&self, width: u64) -> u64 {
        let block = self.grid.block_of::<f64>() as u64;
        (block / width.max(1)).next_multiple_of(DEPTH64).max(DEPTH64)
    }

    /// `a^T b` as a sum over slabs of rows.
    fn sum_of_slabs<F: Field, A: Factor<F>, B: Factor<F>>(&self, a: &A, b: &B, part: Part) -> Result<Vec<F>> {
        let (rows, cols, terms) = (a.cols(), b.cols(), a.rows());
        let (slab, band) = (self.slab(rows, cols), self.band(rows.max(cols)));
        let count = in_memory(rows * cols);
        let bytes = rows * cols * size_of::<F>() as u64;
        let load = Load {
            units: terms.div_ceil(slab),
            bytes: a.bytes() + if part == Part::All { b.bytes() } else { 0 },
            // A slab's sum, and one that waits for its turn.
            scratch: 2 * bytes + band * (rows * A::cost() + cols * B::cost()),
            held: bytes,
        };
        let mut total = vec![F::default(); count];
        self.in_order(
            load,
            || (A::Reader::default(), B::Reader::default()),
            |(of_a, of_b), unit, shift| {
                let mut sum = vec![F::default(); count];
                let end = terms.min((unit + 1) * slab);
                for start in (unit * slab..end).step_by(in_memory(band)) {
                    shift.check()?;
                    let terms_now = start..end.min(start + band);
                    let b_now = b.tile(&terms_now, &(0..cols), of_b)?;
                    match part {
                        Part::All => F::accumulate(&mut sum, a.tile(&terms_now, &(0..rows), of_a)?.t(), b_now),
                        Part::Symmetric => F::accumulate_lower(&mut sum, b_now.t(), b_now),
                    }
                    shift.done(load.bytes / terms * (terms_now.end - terms_now.start));
                }
                Ok(sum)
            },
            |_, sum| {
                total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
                Ok(())
            },
        )?;
        if part == Part::Symmetric {
            mirror(&mut total, in_memory(cols));
        }
        Ok(total)
    }

    fn zeros<F: Field>(&self, count: u64, finish: &dyn Fn(&mut [F]), store: &dyn Store<F>) -> Result<()> {
        let block = self.grid.block_of::<F>() as u64;
        let _held = self.hold(block.min(count) * size_of::<F>() as u64)?;
        let mut zeros = vec![F::default(); in_memory(block.min(count))];
        finish(&mut zeros);
        for start in (0..count).step_by(in_memory(block)) {
            store.write(start, &zeros[..in_memory(block.min(count - start))])?;
        }
        Ok(())
    }

    fn tiled<F: Field, A: Factor<F>, B: Factor<F>>(
        &self,
        (a, b, part): (&A, &B, Part),
        finish: &(dyn Fn(&mut [F]) + Sync),
        store: &dyn Store<F>,
    ) -> Result<()> {
        let itemsize = size_of::<F>() as u64;
        let (plan, reading) = self.product_plan(a, b, part, itemsize)?;
        // In whole columns of the factors, as the pieces are counted: the last blocks are smaller than the others.
        let bytes = steps(plan).filter(|step| step.panel == 0).map(|step| {
            let height = plan.rows_of(step.top + step.high - 1).end - plan.rows_of(step.top).start;
            let width = plan.cols_of(step.left + step.wide - 1).end - plan.cols_of(step.left).start;
            let of_a = if step.is_shared(&plan) { 0 } else { a.bytes() / plan.rows * height };
            of_a + b.bytes() / plan.cols * width
        });
        let load = Load {
            units: (plan.high * plan.wide).max(1),
            bytes: bytes.sum(),
            scratch: reading,
            held: plan.resident() * itemsize,
        };
        let pieces = |count: u64| (0..count).map(|_| RwLock::default()).collect::<Vec<_>>();
        let tiled = Tiled {
            plan,
            a,
            b,
            store,
            finish,
            blocks: (0..plan.high * plan.wide).map(|_| Mutex::default()).collect(),
            of_a: [pieces(plan.high), pieces(plan.high)],
            of_b: [pieces(plan.wide), pieces(plan.wide)],
            ledger: Ledger::default(),
        };
        let tasks: Mutex<Box<dyn Iterator<Item = Task> + Send>> = Mutex::new(Box::new(tasks(plan)));
        self.each(
            load,
            || (A::Reader::default(), B::Reader::default()),
            |readers, shift| {
                let Some(task) = lock(&tasks).next() else { return Ok(false) };
                shift.done(tiled.run(task, readers, shift)?);
                Ok(true)
            },
        )
    }

    /// How a product is cut, and the bytes that each worker needs for reading.
    fn product_plan<F: Field, A: Factor<F>, B: Factor<F>>(
        &self,
        a: &A,
        b: &B,
        part: Part,
        itemsize: u64,
    ) -> Result<(Plan, u64)> {
        let (rows, cols, terms) = (a.cols(), b.cols(), a.rows());
        let side = (self.grid.block_of::<f64>() as u64).isqrt().max(1);
        // Large results have larger blocks, for which less is packed and written in longer rows.
        let side = if rows.min(cols) >= 8 * side { 2 * side } else { side };
        // The kernels take 12 rows at a time, or 6, and 4 columns.
        let side = if side < 12 { side } else { side - side % 12 };
        let area = side * side;
        // A thin result has longer blocks, as long as the pieces of the panels stay small.
        let long = |across: u64| {
            let few = 4 * area / terms.min(DEPTH64);
            (area / across.min(side)).min(few).max(side) / side * side
        };
        let mut plan = Plan {
            part,
            rows,
            cols,
            terms,
            block_rows: if part == Part::Symmetric { side } else { long(cols) },
            block_cols: if part == Part::Symmetric { side } else { long(rows) },
            high: 1,
            wide: 1,
            depth: DEPTH64,
        };
        // The kernels pack their operands once more.
        let budget = self.budget() - self.budget() / 16;
        // Panels take less than a fifth of the memory.
        let depth = (budget / itemsize).isqrt() / 18 / DEPTH64 * DEPTH64;
        plan.depth = depth.clamp(DEPTH64, DEEPEST).min(terms);
        let reading =
            |plan: &Plan| plan.depth * (plan.block_rows.min(rows) * A::cost() + plan.block_cols.min(cols) * B::cost());
        for workers in (1..=self.workers.width() as u64).rev() {
            let left = budget.saturating_sub(workers * reading(&plan));
            // Few workers rather than a tile that is read around too often.
            if (left >= budget / 4 * 3 || workers == 1)
                && let Some(plan) = plan.fit(left / itemsize)
            {
                return Ok((plan, reading(&plan)));
            }
        }
        let needed = reading(&plan) + plan.resident() * itemsize;
        let message = format!("needs {needed} bytes of memory; the budget is {budget}");
        Err(Error::new(ErrorKind::OutOfMemory, message).with_hint("allow more memory for the job"))
    }
}
