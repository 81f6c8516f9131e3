//! Reducing all elements to one result.

use super::fold::{Fold, Place};
use super::pairwise::Pairwise;
use crate::compute::Job;
use crate::compute::engine::Load;
use crate::compute::engine::source::{Blocks, Scratch, Source, read, shape_of};
use crate::compute::number::Number;
use crate::error::Result;
use crate::shape::{self, Order};

/// What a worker keeps from block to block.
struct Worker<T: Number, F: Fold<T::Native>> {
    scratch: Scratch<T>,
    decoded: Vec<T::Native>,
    kept: Vec<T::Native>,
    hint: F::Hint,
    leaves: Pairwise<F::Cell>,
}

impl Job<'_> {
    /// Folds all elements.
    pub(in crate::compute) fn reduce<S, F>(&self, source: &S, fold: F) -> Result<F::Cell>
    where
        S: Source<Elem: Number>,
        F: Fold<<S::Elem as Number>::Native>,
    {
        self.fold_blocks(source, &shape_of(source), source.order(), fold)
    }

    /// Folds the leaves of each block, and the blocks in the order of the grid.
    fn fold_blocks<T, F>(&self, source: &dyn Blocks<T>, shape: &[u64], order: Order, fold: F) -> Result<F::Cell>
    where
        T: Number,
        F: Fold<T::Native>,
    {
        let itemsize = size_of::<T>() as u64;
        let (count, bytes) = shape::sizes(shape, itemsize)?;
        let (leaf, block) = (self.grid.leaf_of::<T>(), self.grid.block_of::<T>() as u64);
        let fortran = (order == Order::F && !shape::order_is_moot(shape)).then_some(shape);
        let merge = |a: &mut F::Cell, b| fold.merge(a, b);
        let mut blocks = Pairwise::default();
        let load = Load { units: count.div_ceil(block), bytes, scratch: block * itemsize * 2, held: 0 };
        self.in_order(
            load,
            || Worker::<T, F> {
                scratch: Scratch::default(),
                decoded: Vec::new(),
                kept: Vec::new(),
                hint: F::Hint::default(),
                leaves: Pairwise::default(),
            },
            |worker, unit, shift| {
                if fold.settled() {
                    return Ok(None);
                }
                let start = unit * block;
                let items = read(source, start..count.min(start + block), &mut worker.scratch)?;
                let mut place = Place { start, fortran };
                for items in items.chunks(leaf) {
                    let native = T::decode(items, &mut worker.decoded);
                    let cell = fold.run(place, native, &mut worker.hint, &mut worker.kept);
                    worker.leaves.push(cell, merge);
                    place.start += items.len() as u64;
                }
                shift.done(items.len() as u64 * itemsize);
                Ok(worker.leaves.finish(merge))
            },
            |_, cell| {
                if let Some(cell) = cell {
                    blocks.push(cell, merge);
                }
                Ok(())
            },
        )?;
        Ok(blocks.finish(merge).unwrap_or_else(|| fold.empty()))
    }
}
