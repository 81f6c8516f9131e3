//! Lines of equally many elements that lie side by side in storage, read band by band.

use crate::compute::Job;
use crate::compute::engine::source::{Blocks, Scratch, read, read_rows};
use crate::compute::number::Number;
use crate::error::Result;

/// Rows that are read whole though only some of their columns are wanted: reading the gaps costs less than leaving them out.
pub(super) const DENSE: u64 = 16 << 10;

/// Columns that are turned into runs together: as many as share a few cache lines.
const TURNED: usize = 16;

/// `width` lines; element `row` of line `column` has the position `start + row * stride + column`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) stride: u64,
    pub(super) width: u64,
}

impl Lines {
    /// The elements of all lines.
    pub(super) fn count(&self) -> u64 {
        self.len * self.width
    }

    pub(super) fn width(&self) -> usize {
        small(self.width)
    }

    /// Columns that are read of each row.
    fn read_width<T>(&self) -> u64 {
        if self.stride * size_of::<T>() as u64 <= DENSE { self.stride } else { self.width }
    }

    /// Rows of a unit of about a block.
    fn rows<T>(&self, block: u64) -> u64 {
        (block / self.read_width::<T>()).max(1)
    }

    /// How many units there are.
    pub(super) fn units<T>(&self, block: u64) -> u64 {
        self.len.div_ceil(self.rows::<T>(block))
    }
}

/// A length that the caller has fitted into memory.
pub(super) fn small(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// What a worker reads with.
pub(super) struct Reader<T: Number> {
    scratch: Scratch<T>,
    turned: Vec<T>,
    decoded: Vec<T::Native>,
}

impl<T: Number> Default for Reader<T> {
    fn default() -> Self {
        Self { scratch: Scratch::default(), turned: Vec::new(), decoded: Vec::new() }
    }
}

impl<T: Number> Reader<T> {
    /// Bytes that a reader takes.
    pub(super) fn room(job: &Job<'_>, source: &dyn Blocks<T>, lines: Lines) -> u64 {
        let block = job.grid.block_of::<T>() as u64;
        let read = block.max(lines.read_width::<T>()) * size_of::<T>() as u64;
        let leaf = TURNED * job.grid.leaf_of::<T>() * size_of::<T>() + job.grid.leaf_of::<T>() * size_of::<T::Native>();
        read + source.buffer_bytes() + leaf as u64
    }

    /// Hands out the elements of a unit in runs of at most a leaf, each with the line that it belongs to, and says how many
    /// bytes they were.
    pub(super) fn runs(
        &mut self,
        job: &Job<'_>,
        source: &dyn Blocks<T>,
        lines: Lines,
        unit: u64,
        mut visit: impl FnMut(usize, &[T::Native]),
    ) -> Result<u64> {
        let (block, leaf) = (job.grid.block_of::<T>() as u64, job.grid.leaf_of::<T>());
        let first = unit * lines.rows::<T>(block);
        let rows = lines.rows::<T>(block).min(lines.len - first);
        let bytes = rows * lines.width * size_of::<T>() as u64;
        let start = lines.start + first * lines.stride;
        if lines.stride == 1 {
            for items in read(source, start..start + rows, &mut self.scratch)?.chunks(leaf) {
                visit(0, T::decode(items, &mut self.decoded));
            }
            return Ok(bytes);
        }
        let (items, stride) = if lines.read_width::<T>() == lines.stride {
            // The last row may be the last of the array, and end with the lines.
            let end = start + (rows - 1) * lines.stride + lines.width;
            (read(source, start..end, &mut self.scratch)?, lines.stride)
        } else {
            read_rows(source, start, (rows, lines.width, lines.stride), &mut self.scratch)?
        };
        let (rows, stride, width) = (small(rows), small(stride), lines.width());
        for top in (0..rows).step_by(leaf) {
            let rows = leaf.min(rows - top);
            for left in (0..width).step_by(TURNED) {
                let columns = TURNED.min(width - left);
                turn(&items[top * stride + left..], (rows, columns, stride), &mut self.turned);
                for (column, items) in self.turned.chunks(rows).enumerate() {
                    visit(left + column, T::decode(items, &mut self.decoded));
                }
            }
        }
        Ok(bytes)
    }
}

/// Puts the columns of some rows one behind the other.
pub(super) fn turn<T: Copy>(items: &[T], (rows, columns, stride): (usize, usize, usize), turned: &mut Vec<T>) {
    turned.clear();
    turned.resize(rows * columns, items[0]);
    for (row, items) in items.chunks(stride).take(rows).enumerate() {
        for (column, &item) in items[..columns].iter().enumerate() {
            turned[column * rows + row] = item;
        }
    }
}
