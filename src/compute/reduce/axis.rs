//! Reducing one axis.
//!
//! In storage order every array is `outer` blocks of `len` rows of `inner` elements, where `len` is the axis to reduce; the
//! result is `outer` rows of `inner`. [`Plan`] cuts that into units; [`Worker`] reduces the rows of a unit.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::{Array, Axis, Dimension, RemoveAxis, ShapeBuilder};

use super::fold::{Fold, Place};
use super::pairwise::Pairwise;
use crate::compute::Job;
use crate::compute::engine::grid::Grid;
use crate::compute::engine::source::{Blocks, Scratch, Source, read, read_rows, shape_of};
use crate::compute::engine::{Load, Shift};
use crate::compute::kernel::{Columns, Rows, WIDE};
use crate::compute::number::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// The result of an operation along an axis.
pub type Reduced<S, T> = Array<T, <<S as Source>::Dim as Dimension>::Smaller>;

/// How the work is cut: a function of the shape and the size of an element only.
#[derive(Clone, Copy, Debug)]
struct Plan {
    outer: u64,
    len: u64,
    inner: u64,
    /// Outer indices of a unit; 1 where one outer index is cut into several units.
    span: u64,
    /// Columns of a unit.
    width: u64,
    /// Rows of a unit.
    rows: u64,
}

/// A group of units gives one run of results; its parts are the rows of the group from top to bottom.
#[derive(Clone, Copy, Debug)]
struct Unit {
    group: u64,
    outer: u64,
    column: u64,
    row: u64,
}

impl Plan {
    fn new(outer: u64, len: u64, inner: u64, block: u64, grid: Grid) -> Self {
        let each = len * inner;
        if each <= block {
            return Self { outer, len, inner, span: (block / each).min(outer), width: inner, rows: len };
        }
        // Wide rows are cut into tiles; each tile has enough rows in a block for the sums to stay in the cache.
        let limit = (block / 16).max(block / len).max(grid.short);
        let width = inner.div_ceil(inner.div_ceil(limit));
        let parts = if width == inner { len * inner / block } else { 64 };
        let rows = len.div_ceil(parts.max(1)).max(if inner == 1 { block } else { 2 * grid.band });
        let band = grid.band.min(block / width).max(1);
        Self { outer, len, inner, span: 1, width, rows: (rows.div_ceil(band) * band).min(len) }
    }

    /// Units of a group.
    fn parts(&self) -> u64 {
        self.len.div_ceil(self.rows)
    }

    fn tiles(&self) -> u64 {
        self.inner.div_ceil(self.width)
    }

    fn units(&self) -> u64 {
        self.outer.div_ceil(self.span) * self.tiles() * self.parts()
    }

    fn unit(&self, unit: u64) -> Unit {
        let (group, part) = (unit / self.parts(), unit % self.parts());
        let (outer, tile) = (group / self.tiles(), group % self.tiles());
        Unit { group, outer: outer * self.span, column: tile * self.width, row: part * self.rows }
    }

    /// Cuts the results into those of each group.
    fn results<'a, T>(&self, results: &'a mut [T]) -> Vec<Mutex<&'a mut [T]>> {
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let outer = results.chunks_mut(size(self.span.saturating_mul(self.inner)));
        // A group of several outer indices is one tile wide.
        let tile = size(self.span.saturating_mul(self.width));
        outer.flat_map(|rows| rows.chunks_mut(tile)).map(Mutex::new).collect()
    }
}

/// What a worker keeps from unit to unit.
struct Worker<T: Number, F: Fold<T::Native>> {
    fold: F,
    grid: Grid,
    /// Rows are too short for bands: each column is turned into a run.
    narrow: bool,
    decoded: Vec<T::Native>,
    turned: Vec<T::Native>,
    kept: Vec<T::Native>,
    columns: Columns<T::Native>,
    /// Narrow rows: one sequence of runs per column.
    runs: Vec<(Pairwise<F::Cell>, F::Hint)>,
    /// Wide rows: one sequence of bands.
    bands: Pairwise<Vec<F::Cell>>,
}

/// Folds the cells of one band, column by column.
fn merge_rows<N: crate::compute::kernel::Native, F: Fold<N>>(fold: F, a: &mut [F::Cell], b: &[F::Cell]) {
    a.iter_mut().zip(b).for_each(|(a, &b)| fold.merge(a, b));
}

impl<T: Number, F: Fold<T::Native>> Worker<T, F> {
    fn new(fold: F, grid: Grid, inner: u64) -> Self {
        Self {
            fold,
            grid,
            narrow: inner < grid.short,
            decoded: Vec::new(),
            turned: Vec::new(),
            kept: Vec::new(),
            columns: Columns::default(),
            runs: Vec::new(),
            bands: Pairwise::default(),
        }
    }

    /// The rows of a leaf, or of a band.
    fn step(&self, width: usize) -> usize {
        let leaf = self.grid.leaf_of::<T>();
        match width {
            1 if self.narrow => leaf,
            _ if self.narrow => (4 * leaf / width).max(1),
            _ => usize::try_from(self.grid.band).unwrap_or(usize::MAX),
        }
    }

    /// Whether a whole axis of this length is one band.
    fn is_band(&self, len: u64) -> bool {
        !self.narrow && len <= self.grid.band
    }

    /// Takes in rows whose first has the index `row`.
    fn absorb(&mut self, mut row: u64, items: &[T], (rows, width, stride): (usize, usize, usize)) {
        let step = self.step(width);
        for first in (0..rows).step_by(step) {
            let rows = step.min(rows - first);
            let items = &items[first * stride..][..(rows - 1) * stride + width];
            let items = T::decode(items, &mut self.decoded);
            if self.narrow {
                self.runs.resize_with(width, Default::default);
                if width > 1 {
                    turn(items, (rows, width, 1), &mut self.turned);
                }
                let turned = if width > 1 { &self.turned[..] } else { items };
                for (items, (runs, hint)) in turned.chunks(rows).zip(&mut self.runs) {
                    let cell = self.fold.run(Place::along(row), items, hint, &mut self.kept);
                    runs.push(cell, |a, b| self.fold.merge(a, b));
                }
            } else {
                let band = Rows { items, rows, width, stride };
                let cells = self.fold.band(row, band, &mut self.columns);
                self.bands.push(cells, |a, b| merge_rows(self.fold, a, &b));
            }
            row += rows as u64;
        }
    }

    /// Appends the results of the rows taken in, and begins anew.
    fn take(&mut self, cells: &mut Vec<F::Cell>) {
        for (runs, hint) in &mut self.runs {
            cells.extend(runs.finish(|a, b| self.fold.merge(a, b)));
            *hint = F::Hint::default();
        }
        cells.extend(self.bands.finish(|a, b| merge_rows(self.fold, a, &b)).into_iter().flatten());
    }

    /// Reduces whole outer indices that are short both ways: turned, their rows lie side by side and become long.
    fn short(&mut self, items: &[T], len: usize, inner: usize, emit: &mut Emit<'_, F::Cell>) -> Result<()> {
        let each = len * inner;
        let step = (self.grid.leaf_of::<T>() / each).max(1) * each;
        let mut done = 0;
        for items in items.chunks(step) {
            let outer = items.len() / each;
            let items = T::decode(items, &mut self.decoded);
            turn(items, (outer, len, inner), &mut self.turned);
            let width = outer * inner;
            let band = Rows { items: &self.turned, rows: len, width, stride: width };
            emit(done, &self.fold.band(0, band, &mut self.columns))?;
            done += width;
        }
        Ok(())
    }

    /// Reduces rows that are one band, some columns at a time, so that rows and cells stay in the cache.
    fn single(
        &mut self,
        items: &[T],
        (rows, width, stride): (usize, usize, usize),
        emit: &mut Emit<'_, F::Cell>,
    ) -> Result<()> {
        let items = T::decode(items, &mut self.decoded);
        let step = (self.grid.leaf_of::<T>() / rows).next_multiple_of(WIDE);
        for column in (0..width).step_by(step) {
            let width = step.min(width - column);
            let items = &items[column..][..(rows - 1) * stride + width];
            emit(column, &self.fold.band(0, Rows { items, rows, width, stride }, &mut self.columns))?;
        }
        Ok(())
    }
}

/// Takes cells that are complete, and the place of the first of them among those of the unit.
type Emit<'a, C> = dyn FnMut(usize, &[C]) -> Result<()> + 'a;

/// Swaps the first two axes of `(outer, len, inner)`.
fn turn<N: Copy + Default>(items: &[N], (outer, len, inner): (usize, usize, usize), out: &mut Vec<N>) {
    out.resize(items.len(), N::default());
    for (row, out) in out.chunks_mut(outer * inner).enumerate() {
        if inner == 1 {
            out.iter_mut().zip(items[row..].iter().step_by(len)).for_each(|(out, &item)| *out = item);
        } else {
            let rows = items.chunks(inner).skip(row).step_by(len);
            out.chunks_mut(inner).zip(rows).for_each(|(out, row)| out.copy_from_slice(row));
        }
    }
}

/// A length inside a block.
fn small(len: u64) -> usize {
    usize::try_from(len).expect("a block fits the address space")
}

/// One reduction along an axis: what all workers read.
struct Reduction<'a, T> {
    source: &'a dyn Blocks<T>,
    plan: Plan,
    block: u64,
}

impl<T: Number> Reduction<'_, T> {
    /// Reduces a unit that consists of whole outer indices.
    fn whole<F: Fold<T::Native>>(
        &self,
        worker: &mut Worker<T, F>,
        scratch: &mut Scratch<T>,
        outer: Range<u64>,
        emit: &mut Emit<'_, F::Cell>,
    ) -> Result<u64> {
        /// Cells that are handed on together.
        const TOGETHER: usize = 256;
        let Plan { len, inner, .. } = self.plan;
        let items = read(self.source, outer.start * len * inner..outer.end * len * inner, scratch)?;
        let (rows, width) = (small(len), small(inner));
        if len < worker.grid.short && worker.narrow {
            worker.short(items, rows, width, emit)?;
        } else if worker.is_band(len) {
            for (at, items) in items.chunks(rows * width).enumerate() {
                worker.single(items, (rows, width, width), &mut |column, cells| emit(at * width + column, cells))?;
            }
        } else {
            let (mut done, mut cells) = (0, Vec::new());
            for items in items.chunks(rows * width) {
                worker.absorb(0, items, (rows, width, width));
                worker.take(&mut cells);
                if cells.len() >= TOGETHER {
                    emit(done, &cells)?;
                    done += cells.len();
                    cells.clear();
                }
            }
            emit(done, &cells)?;
        }
        Ok(size_of_val(items) as u64)
    }

    /// Reduces a unit that is a tile of one outer index. Its cells are not complete where the tile has other units below it.
    fn tile<F: Fold<T::Native>>(
        &self,
        worker: &mut Worker<T, F>,
        scratch: &mut Scratch<T>,
        unit: Unit,
        shift: &Shift<'_, '_>,
        emit: &mut Emit<'_, F::Cell>,
    ) -> Result<()> {
        let Plan { len, inner, .. } = self.plan;
        let width = self.plan.width.min(inner - unit.column);
        let step = worker.step(small(width)) as u64;
        let piece = (self.block / width / step).max(1) * step;
        let piece = piece.min((self.block / width).max(1));
        let end = len.min(unit.row + self.plan.rows);
        let mut row = unit.row;
        while row < end {
            shift.check()?;
            let rows = piece.min(end - row);
            let start = (unit.outer * len + row) * inner + unit.column;
            let (items, stride) = read_rows(self.source, start, (rows, width, inner), scratch)?;
            let extent = (small(rows), small(width), small(stride));
            if rows == len && worker.is_band(len) {
                worker.single(items, extent, emit)?;
            } else {
                worker.absorb(row, items, extent);
            }
            shift.done(rows * width * size_of::<T>() as u64);
            row += rows;
        }
        let mut cells = Vec::new();
        worker.take(&mut cells);
        if cells.is_empty() { Ok(()) } else { emit(0, &cells) }
    }
}

/// Where the cells of a group go, and the place of the first of them in the group.
type Store<'a, C> = dyn Fn(u64, usize, &[C]) -> Result<()> + Sync + 'a;

impl Job<'_> {
    /// Folds the elements along `axis`; `finish` makes a result of each cell, and `blank` fills results until then.
    pub(in crate::compute) fn reduce_axis<S, F, R>(
        &self,
        source: &S,
        axis: Axis,
        fold: F,
        blank: R,
        finish: impl Fn(F::Cell) -> Result<R> + Sync,
    ) -> Result<Reduced<S, R>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
        F: Fold<<S::Elem as Number>::Native>,
        R: Clone + Send,
    {
        let dim = source.dim();
        let shape = shape_of(source);
        let Some(&len) = shape.get(axis.index()) else {
            let message = format!("axis {} of an array with {} axes", axis.index(), shape.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        shape::sizes(&shape, size_of::<S::Elem>() as u64)?;
        shape::fits_memory(&[&shape[..axis.index()], &shape[axis.index() + 1..]].concat(), size_of::<R>() as u64)?;
        let (before, after) = (&shape[..axis.index()], &shape[axis.index() + 1..]);
        let (outer, inner) = match source.order() {
            Order::C => (before, after),
            Order::F => (after, before),
        };
        let [outer, inner] = [outer, inner].map(|shape| shape.iter().product::<u64>());
        let smaller = dim.remove_axis(axis).set_f(source.order() == Order::F);
        let held = self.room(outer * inner, size_of::<R>())?;
        if outer * inner == 0 || len == 0 {
            let blank = if outer * inner == 0 { blank } else { finish(fold.empty())? };
            return Ok(Array::from_elem(smaller, blank));
        }
        let mut results = vec![blank; small(outer * inner)];
        let plan = Plan::new(outer, len, inner, self.grid.block_of::<S::Elem>() as u64, self.grid);
        let places = plan.results(&mut results);
        let store = |group: u64, at: usize, cells: &[F::Cell]| {
            let mut place = places[small(group)].lock().unwrap_or_else(PoisonError::into_inner);
            place[at..].iter_mut().zip(cells).try_for_each(|(place, &cell)| finish(cell).map(|result| *place = result))
        };
        self.fold_units(source, plan, fold, held, &store)?;
        drop(places);
        Array::from_shape_vec(smaller, results).map_err(|error| Error::new(ErrorKind::Shape, error.to_string()))
    }

    /// Folds the units of the plan and stores the cells of each group.
    fn fold_units<T: Number, F: Fold<T::Native>>(
        &self,
        source: &dyn Blocks<T>,
        plan: Plan,
        fold: F,
        held: u64,
        store: &Store<'_, F::Cell>,
    ) -> Result<()> {
        let Plan { outer, len, inner, .. } = plan;
        let itemsize = size_of::<T>() as u64;
        let block = self.grid.block_of::<T>() as u64;
        let cells = plan.span.saturating_mul(plan.width).saturating_mul(4 * size_of::<F::Cell>() as u64);
        let scratch = (3 * block * itemsize).saturating_add(cells);
        let load = Load { units: plan.units(), bytes: outer * len * inner * itemsize, scratch, held };
        let reduction = Reduction { source, plan, block };
        let mut parts = Pairwise::default();
        let merge = |a: &mut Vec<F::Cell>, b: Vec<F::Cell>| merge_rows(fold, a, &b);
        self.in_order(
            load,
            || (Worker::<T, F>::new(fold, self.grid, inner), Scratch::default()),
            |(worker, scratch), unit, shift| {
                let unit = plan.unit(unit);
                let mut kept = None;
                let mut emit = |at: usize, cells: &[F::Cell]| {
                    if plan.parts() > 1 {
                        kept = Some(cells.to_vec());
                        return Ok(());
                    }
                    store(unit.group, at, cells)
                };
                if plan.rows == len && plan.width == inner && len * inner <= block {
                    let outer = unit.outer..outer.min(unit.outer + plan.span);
                    shift.done(reduction.whole(worker, scratch, outer, &mut emit)?);
                } else {
                    reduction.tile(worker, scratch, unit, shift, &mut emit)?;
                }
                Ok(kept)
            },
            |unit, cells| {
                if let Some(cells) = cells {
                    parts.push(cells, merge);
                    if (unit + 1) % plan.parts() == 0 {
                        store(unit / plan.parts(), 0, &parts.finish(merge).unwrap_or_default())?;
                    }
                }
                Ok(())
            },
        )
    }

    /// The bytes of a result of `count` values.
    fn room(&self, count: u64, size: usize) -> Result<u64> {
        let bytes = count.checked_mul(size as u64).filter(|&bytes| bytes <= self.budget());
        bytes.ok_or_else(|| {
            let message = format!("a result of {count} values of {size} bytes; the budget is {} bytes", self.budget());
            Error::new(ErrorKind::OutOfMemory, message)
                .with_hint("allow more memory for the job, or reduce slices of the array")
        })
    }
}
