//! Rows by their indices.

use ndarray::{ArrayView1, Axis, Dimension, Ix1};

use super::index::{Index, resolve};
use super::permute::check_axis;
use super::rearrange::in_memory;
use crate::compute::engine::source::{Blocks, Scratch, read, shape_of, shape_of_dim};
use crate::compute::engine::{Load, Shift, Store};
use crate::compute::{Job, Output, Source};
use crate::element::Element;
use crate::error::Result;
use crate::shape::{self, Order};

/// Rows that are no further apart in bytes are read together.
const GAP: u64 = 4 << 10;

/// A table of no more blocks is looked up in the caller's order.
const SMALL: u64 = 16;

/// Bytes of a batch that are enough for any machine.
const ENOUGH: u64 = 64 << 20;

impl Job<'_> {
    /// The rows of an array that the indices name, in their order and as often as they name them, as `numpy.take` along
    /// an axis. Negative indices count from the end. The result is stored in the order of the array.
    ///
    /// Rows of large arrays are read in ascending order, neighbours together and each row once for every batch of
    /// indices that fits the memory of the job.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let a = array![[1, 2], [3, 4], [5, 6]];
    /// assert_eq!(Job::new().take(&a, &[-1, 0, -1], Axis(0))?.to_array()?, array![[5, 6], [1, 2], [5, 6]]);
    /// assert!(Job::new().take(&a, &[0, 3], Axis(0))?.to_array().is_err());
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an axis that the array does not have. When
    /// it is computed: the same for an index out of bounds, which it names with its position; those of reading the
    /// sources and writing the result, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn take<'a, S: Source>(
        &'a self,
        a: &'a S,
        indices: &'a [i64],
        axis: Axis,
    ) -> Result<Output<'a, S::Elem, S::Dim>> {
        let dim = taken_dim(a, indices.len(), axis)?;
        Ok(Output::new(self, dim, a.order(), move |store| {
            self.take_rows(&Table::new(a, axis), &ArrayView1::from(indices), indices.len() as u64, store)
        }))
    }

    /// As [`take`](Self::take), with indices from an array of its own: a file of any integers, of any length.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn take_by<'a, S: Source, I: Source<Elem: Index, Dim = Ix1>>(
        &'a self,
        a: &'a S,
        indices: &'a I,
        axis: Axis,
    ) -> Result<Output<'a, S::Elem, S::Dim>> {
        let count = indices.dim()[0];
        let dim = taken_dim(a, count, axis)?;
        Ok(Output::new(self, dim, a.order(), move |store| {
            self.take_rows(&Table::new(a, axis), indices, count as u64, store)
        }))
    }

    /// Writes the rows of every table of rows at `count` indices.
    fn take_rows<T: Element, I: Index>(
        &self,
        table: &Table<'_, T>,
        indices: &dyn Blocks<I>,
        count: u64,
        store: &dyn Store<T>,
    ) -> Result<()> {
        let size = size_of::<T>() as u64;
        let &Table { tables, rows, width, .. } = table;
        if tables * count * width == 0 {
            return self.check_indices(indices, count, rows);
        }
        let block = self.grid.block_of::<T>() as u64;
        let workers = self.workers.width() as u64;
        let (small, share) = (rows * width <= SMALL * block, self.budget() / size / workers);
        let small = small && rows * width <= share.max(block) / 2;
        let batch = match small {
            true => Batch { tables: 1, indices: (block / width).clamp(1, count), width },
            false => {
                let even = (tables * count * width).div_ceil(4 * workers);
                // Rows that lie in memory need no order, and stay in the cache until they are written.
                let whole = table.source.borrow(0..tables * rows * width).is_some();
                let room = if whole { block } else { (share / 2).min(ENOUGH / size).min(even).max(block) };
                let part = width.min(room);
                // An index takes a place, a number and its own bytes besides the row.
                let each = part + 40 / size;
                Batch { tables: 1, indices: (room / each).clamp(1, count), width: part }
            }
        };
        let batch = match small && batch.indices == count {
            true => Batch { tables: (block / (count.max(rows) * width)).clamp(1, tables), ..batch },
            false => batch,
        };
        let (along, parts) = (count.div_ceil(batch.indices), width.div_ceil(batch.width));
        let read = if small { batch.tables * rows * width } else { block.max(batch.width) };
        let written = batch.tables * batch.indices * batch.width;
        let load = Load {
            units: tables.div_ceil(batch.tables) * along * parts,
            bytes: tables * count * width * size,
            scratch: (read + written) * size + batch.indices * 40,
            held: 0,
        };
        self.in_order(
            load,
            Worker::default,
            |worker: &mut Worker<T, I>, unit, shift| {
                let (group, batch_at, part) = (unit / parts / along, unit / parts % along, unit % parts);
                let start = batch_at * batch.indices;
                let end = count.min(start + batch.indices);
                if worker.resolved != Some((start, end)) {
                    worker.resolved = None;
                    resolve(indices, (start, end), rows, &mut worker.indices, &mut worker.places)?;
                    worker.resolved = Some((start, end));
                }
                let first = group * batch.tables;
                let from = part * batch.width;
                let to = width.min(from + batch.width);
                if small {
                    let last = tables.min(first + batch.tables);
                    worker.look_up(table, (first, last))?;
                    let at = (first * count + start) * width;
                    store.write(at, worker.rows.items())?;
                } else {
                    worker.collect(table, first, (from, to), block, shift)?;
                    let at = (first * count + start) * width + from;
                    if from == 0 && to == width {
                        store.write(at, worker.rows.items())?;
                    } else {
                        let pieces = worker.rows.items().chunks_exact(in_memory(to - from));
                        let mut starts = (at..).step_by(in_memory(width));
                        pieces.zip(&mut starts).try_for_each(|(piece, start)| store.write(start, piece))?;
                    }
                }
                shift.done(worker.rows.items().len() as u64 * size);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    /// Looks at the indices alone, where there is nothing to gather.
    fn check_indices<I: Index>(&self, indices: &dyn Blocks<I>, count: u64, rows: u64) -> Result<()> {
        let block = self.grid.block_of::<I>() as u64;
        let (mut scratch, mut places) = (Scratch::default(), Vec::new());
        (0..count.div_ceil(block)).try_for_each(|unit| {
            let start = unit * block;
            resolve(indices, (start, count.min(start + block)), rows, &mut scratch, &mut places)
        })
    }
}

/// The shape of so many rows of an array.
fn taken_dim<S: Source>(a: &S, count: usize, axis: Axis) -> Result<S::Dim> {
    let mut dim = a.dim();
    check_axis(axis.0, dim.ndim())?;
    dim[axis.0] = count;
    shape::sizes(&shape_of_dim(&dim), size_of::<S::Elem>() as u64)?;
    Ok(dim)
}

/// What a worker does at a time: so many indices of so many tables, and a part of each row.
#[derive(Clone, Copy, Debug)]
struct Batch {
    tables: u64,
    indices: u64,
    width: u64,
}

/// An array as tables, one behind the other, of `rows` rows of `width` elements.
struct Table<'a, T> {
    source: &'a dyn Blocks<T>,
    tables: u64,
    rows: u64,
    width: u64,
}

impl<'a, T: Element> Table<'a, T> {
    fn new<S: Source<Elem = T>>(a: &'a S, axis: Axis) -> Self {
        let shape = shape_of(a);
        let (before, after) = (&shape[..axis.0], &shape[axis.0 + 1..]);
        let (before, after) = if a.order() == Order::C { (before, after) } else { (after, before) };
        let product = |lens: &[u64]| lens.iter().product();
        let (tables, width) = match shape.contains(&0) {
            true => (0, 0),
            false => (product(before), product(after)),
        };
        Self { source: a, tables, rows: shape[axis.0], width }
    }
}

/// What a worker keeps from batch to batch.
struct Worker<T, I> {
    indices: Scratch<I>,
    /// The indices whose places are known.
    resolved: Option<(u64, u64)>,
    places: Vec<u64>,
    /// The places in ascending order, each with its number.
    sorted: Vec<(u64, usize)>,
    read: Scratch<T>,
    /// The tables that were read.
    held: Option<(u64, u64)>,
    rows: Scratch<T>,
}

impl<T, I> Default for Worker<T, I> {
    fn default() -> Self {
        Self {
            indices: Scratch::default(),
            resolved: None,
            places: Vec::new(),
            sorted: Vec::new(),
            read: Scratch::default(),
            held: None,
            rows: Scratch::default(),
        }
    }
}

impl<T: Element, I> Worker<T, I> {
    /// Collects the rows of whole tables in the caller's order.
    fn look_up(&mut self, table: &Table<'_, T>, (first, last): (u64, u64)) -> Result<()> {
        let each = table.rows * table.width;
        let range = first * each..last * each;
        let items = match table.source.borrow(range.clone()) {
            Some(items) => items,
            None => {
                if self.held != Some((first, last)) {
                    self.held = None;
                    self.read.clear();
                    table.source.copy(range, &mut self.read)?;
                    self.held = Some((first, last));
                }
                self.read.elements()?
            }
        };
        let (rows, width) = (self.rows.items(), in_memory(table.width));
        rows.clear();
        for table in items.chunks_exact(in_memory(each)) {
            match width {
                1 => rows.extend(self.places.iter().map(|&place| table[in_memory(place)])),
                _ => self.places.iter().for_each(|&place| {
                    rows.extend_from_slice(&table[in_memory(place) * width..][..width]);
                }),
            }
        }
        Ok(())
    }

    /// Collects a part of the rows of one table, reading them in ascending order.
    fn collect(
        &mut self,
        table: &Table<'_, T>,
        number: u64,
        (from, to): (u64, u64),
        most: u64,
        shift: &Shift<'_, '_>,
    ) -> Result<()> {
        let (width, part) = (table.width, in_memory(to - from));
        self.sorted.clear();
        self.sorted.extend(self.places.iter().enumerate().map(|(number, &place)| (place, number)));
        self.sorted.sort_unstable();
        let rows = self.rows.items();
        rows.clear();
        rows.resize(self.sorted.len() * part, T::zeroed());
        let base = number * table.rows * width;
        let near = GAP / size_of::<T>() as u64;
        let mut rest = &*self.sorted;
        while let Some(&(start, _)) = rest.first() {
            // Parts of rows are long, and not worth reading together.
            let joined = |pair: &[(u64, usize)]| {
                let gap = (pair[1].0 - pair[0].0).saturating_sub(1) * width;
                pair[1].0 == pair[0].0 || part as u64 == width && gap <= near && (pair[1].0 + 1 - start) * width <= most
            };
            let ready = rest.windows(2).position(|pair| !joined(pair)).map_or(rest.len(), |at| at + 1);
            let (now, later) = rest.split_at(ready);
            let last = now[ready - 1].0;
            let items = read(table.source, base + start * width + from..base + last * width + to, &mut self.read)?;
            for &(place, number) in now {
                let skip = in_memory((place - start) * width);
                rows[number * part..][..part].copy_from_slice(&items[skip..skip + part]);
            }
            rest = later;
            shift.check()?;
        }
        Ok(())
    }
}
