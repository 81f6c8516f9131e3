//! The lines along an axis, each in order.

use ndarray::Axis;

use super::input::{Input, Reader, Sorted};
use super::key::Keyed;
use super::radix;
use super::record::Record;
use crate::compute::engine::source::{Blocks, Scratch, read, read_rows, shape_of};
use crate::compute::engine::{Load, ScratchFile, Shift};
use crate::compute::{Job, Number, Output, Source, Store};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// Elements of a row of a tile, where the memory allows: enough to be read and written together.
const WIDE: u64 = 1024;
/// Rows of a tile that are turned into lines together, so that the cache lines of both are used whole.
const TURNED: usize = 32;
/// Lines whose elements lie further apart in a file are read element by element.
const NEAR: u64 = 64;

impl Job<'_> {
    /// Each line along the axis in ascending order: `numpy.sort(a, axis)`.
    ///
    /// The order is that of [`sort`](Self::sort). An array without elements gives one without elements. Lines that fit the
    /// memory of the job are sorted in memory, several at a time; others one by one, through temporary files.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let a = array![[3, 1, 2], [0, 5, 1]];
    /// let job = Job::new();
    /// assert_eq!(job.sort_axis(&a, Axis(1)).to_array()?, array![[1, 2, 3], [0, 1, 5]]);
    /// assert_eq!(job.argsort_axis(&a, Axis(0)).to_array()?, array![[1, 0, 1], [0, 1, 0]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is computed: [`ErrorKind::InvalidArgument`] where there is no such axis, and those of [`sort`](Self::sort).
    pub fn sort_axis<'a, S: Source<Elem: Number>>(&'a self, a: &'a S, axis: Axis) -> Output<'a, S::Elem, S::Dim> {
        Output::new(self, a.dim(), a.order(), move |store| {
            let lines = Lines::new(&shape_of(a), a.order(), axis)?;
            self.sort_lines(a, lines, |item, _| item.key(), <S::Elem as Keyed>::from_key, store)
        })
    }

    /// Makes a record of each element and its index in its line, sorts the lines, and makes an item of each record.
    pub(super) fn sort_lines<T: Element, R: Record, U: Element>(
        &self,
        source: &dyn Blocks<T>,
        lines: Lines,
        record: impl Fn(T, u64) -> R + Copy + Send + Sync,
        item: impl Fn(R) -> U + Copy + Send + Sync,
        store: &dyn Store<U>,
    ) -> Result<()> {
        let Lines { len, inner, outer } = lines;
        if len == 0 || inner == 0 || outer == 0 {
            return Ok(());
        }
        let each = (2 * size_of::<R>() + size_of::<T>() + size_of::<U>()) as u64;
        let (budget, block) = (self.budget(), self.grid.block_of::<R>() as u64);
        if len > budget / each {
            return self.sort_long_lines(source, lines, record, item, store);
        }
        // Elements that a worker has at a time.
        let most = (budget / self.workers.width() as u64 / each).max(len);
        let slab = len * inner;
        let tile = if slab <= most.min(block) || inner == 1 {
            Tile { slabs: (block.min(most) / slab).clamp(1, outer), width: inner }
        } else {
            Tile { slabs: 1, width: (most / len).min((block / len).max(WIDE)).min(inner) }
        };
        let (rows, columns) = (outer.div_ceil(tile.slabs), inner.div_ceil(tile.width));
        let elements = tile.slabs * len * tile.width;
        let bytes = outer * slab * size_of::<T>() as u64;
        let load = Load { units: rows * columns, bytes, scratch: elements * each, held: 0 };
        self.in_order(
            load,
            || (Scratch::default(), Vec::new(), Vec::new(), Vec::new()),
            |(scratch, records, spare, items), unit, shift| {
                let (first, column) = (unit / columns * tile.slabs, unit % columns * tile.width);
                let slabs = tile.slabs.min(outer - first);
                let width = tile.width.min(inner - column);
                let start = first * slab + column;
                let shape = if width == inner { (1, slabs * slab, slabs * slab) } else { (len, width, inner) };
                let (found, stride) = read_rows(source, start, shape, scratch)?;
                let stride = if width == inner { inner } else { stride };
                let (len, width, stride) = (size(len), size(width), size(stride));

                items.clear();
                for slab in found.chunks(len * stride) {
                    to_lines(slab, (len, width, stride), record, records);
                    spare.resize(len, R::zeroed());
                    for line in records.chunks_mut(len) {
                        shift.check()?;
                        radix::sort(line, spare, false);
                    }
                    from_lines(records, (len, width), item, items);
                }
                if width == size(inner) {
                    store.write(start, items)?;
                } else {
                    for (row, items) in (0..).zip(items.chunks(width)) {
                        store.write(start + row * inner, items)?;
                    }
                }
                shift.done(size_of_val(items.as_slice()) as u64 / size_of::<U>() as u64 * size_of::<T>() as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    /// The same for lines of which not one fits the memory: each is sorted by itself, and where its elements are not next to
    /// one another, the lines of a slab are put together again from a temporary file.
    fn sort_long_lines<T: Element, R: Record, U: Element>(
        &self,
        source: &dyn Blocks<T>,
        Lines { len, inner, outer }: Lines,
        record: impl Fn(T, u64) -> R + Copy + Send + Sync,
        item: impl Fn(R) -> U + Copy + Send + Sync,
        store: &dyn Store<U>,
    ) -> Result<()> {
        for slab in 0..outer {
            let start = slab * len * inner;
            let file = if inner > 1 { Some(ScratchFile::new(self)?) } else { None };
            for column in 0..inner {
                let open = || -> Reader<'_, R> {
                    let mut scratch = Scratch::default();
                    Box::new(move |range, records| {
                        let mut at = range.start;
                        // What is read has room in the scratch memory.
                        let batch =
                            if inner <= NEAR { (records.len() as u64 / inner).max(1) } else { records.len() as u64 };
                        for records in records.chunks_mut(size(batch)) {
                            let (first, count) = (start + column + at * inner, records.len() as u64);
                            let (found, stride) = if inner <= NEAR {
                                (read(source, first..first + (count - 1) * inner + 1, &mut scratch)?, inner)
                            } else {
                                read_rows(source, first, (count, 1, inner), &mut scratch)?
                            };
                            for (place, (&item, index)) in
                                records.iter_mut().zip(found.iter().step_by(size(stride)).zip(at..))
                            {
                                *place = record(item, index);
                            }
                            at += count;
                        }
                        Ok(())
                    })
                };
                let input = Input { count: len, itemsize: size_of::<T>(), open: Box::new(open) };
                let line = self.spread(&input, size_of::<U>().max(size_of::<R>()))?;
                match &file {
                    None => {
                        line.deliver(self, 0, &Sorted::to(|at, items: &[U]| store.write(start + at, items), item))?;
                    }
                    Some(file) => {
                        let write = |at, records: &[R]| file.write(column * len + at, records);
                        line.deliver(self, 0, &Sorted::to(write, |record| record))?;
                    }
                }
            }
            if let Some(file) = file {
                self.turn_lines(&file, (len, inner), item, |at, items| store.write(start + at, items))?;
            }
        }
        Ok(())
    }

    /// Writes lines, which are one after the other in a file, as columns.
    fn turn_lines<R: Record, U: Element>(
        &self,
        file: &ScratchFile,
        (len, inner): (u64, u64),
        item: impl Fn(R) -> U + Copy + Send + Sync,
        write: impl Fn(u64, &[U]) -> Result<()> + Sync,
    ) -> Result<()> {
        let each = (size_of::<R>() + size_of::<U>()) as u64;
        let most =
            (self.budget() / self.workers.width() as u64 / each).min(4 * self.grid.block_of::<R>() as u64).max(1);
        let width = inner.min(most);
        let height = (most / width).clamp(1, len);
        let (rows, columns) = (len.div_ceil(height), inner.div_ceil(width));
        let bytes = len * inner * size_of::<R>() as u64;
        let load = Load { units: rows * columns, bytes, scratch: width * height * each, held: 0 };
        self.in_order(
            load,
            || (Vec::new(), Vec::new()),
            |(records, items), unit, shift: &Shift<'_, '_>| {
                let (row, column) = (unit / columns * height, unit % columns * width);
                let (height, width) = (height.min(len - row), width.min(inner - column));
                records.resize(size(height * width), R::zeroed());
                for (line, records) in (column..).zip(records.chunks_mut(size(height))) {
                    file.read(line * len + row, records)?;
                }
                items.clear();
                from_lines(records, (size(height), size(width)), item, items);
                if width == inner {
                    write(row * inner, items)?;
                } else {
                    for (row, items) in (row..).zip(items.chunks(size(width))) {
                        write(row * inner + column, items)?;
                    }
                }
                shift.done(size_of_val(records.as_slice()) as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }
}

/// A size in memory.
fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The lines along an axis, in storage: `outer` slabs of `len` rows of `inner` elements, whose columns are the lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub(super) len: u64,
    inner: u64,
    outer: u64,
}

impl Lines {
    pub(super) fn new(shape: &[u64], order: Order, axis: Axis) -> Result<Self> {
        let Some(&len) = shape.get(axis.index()) else {
            let message = format!("axis {} of an array with {} axes", axis.index(), shape.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let (count, _) = shape::sizes(shape, 1)?;
        if count == 0 {
            return Ok(Self { len: 0, inner: 0, outer: 0 });
        }
        let inner = shape::strides(shape, order)[axis.index()];
        Ok(Self { len, inner, outer: count / len / inner })
    }
}

/// What is sorted at a time: whole slabs, or some columns of one.
#[derive(Clone, Copy, Debug)]
struct Tile {
    slabs: u64,
    width: u64,
}

/// Turns `len` rows of `width` elements, `stride` apart, into lines.
fn to_lines<T: Copy, R: Record>(
    rows: &[T],
    (len, width, stride): (usize, usize, usize),
    record: impl Fn(T, u64) -> R,
    lines: &mut Vec<R>,
) {
    lines.resize(len * width, R::zeroed());
    for first in (0..len).step_by(TURNED) {
        let last = len.min(first + TURNED);
        for column in 0..width {
            for (row, place) in (first..).zip(&mut lines[column * len..][first..last]) {
                *place = record(rows[row * stride + column], row as u64);
            }
        }
    }
}

/// Appends the items of `width` lines of `len` records as rows.
fn from_lines<R: Copy, U: Copy>(lines: &[R], (len, width): (usize, usize), item: impl Fn(R) -> U, rows: &mut Vec<U>) {
    let begin = rows.len();
    let Some(&any) = lines.first() else { return };
    rows.resize(begin + len * width, item(any));
    let rows = &mut rows[begin..];
    for first in (0..len).step_by(TURNED) {
        let last = len.min(first + TURNED);
        for column in 0..width {
            for (row, &record) in (first..).zip(&lines[column * len..][first..last]) {
                rows[row * width + column] = item(record);
            }
        }
    }
}
