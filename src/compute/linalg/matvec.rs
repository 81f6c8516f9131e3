//! Products of a matrix and a vector.

use ndarray::Ix1;

use super::entry::{Entry, Field};
use super::matmul::{Product, axes, fits};
use super::matrix::{Matrix, Reader, in_memory};
use super::product::Part;
use crate::compute::engine::{Load, Store};
use crate::compute::reduce::pairwise::Pairwise;
use crate::compute::{Job, Output, Source};
use crate::error::Result;
use crate::shape::Order;

impl Job<'_> {
    /// The product of a matrix and a vector, as `np.matvec`. The matrix may be larger than memory; the types are as for
    /// [`Self::matmul`].
    ///
    /// One pass over the matrix. Where its rows lie one after the other and the vector fits the memory, each entry is an
    /// inner product as of [`Self::dot`]; otherwise the terms of [`Self::matmul`] hold.
    ///
    /// # Errors
    ///
    /// As [`Self::matmul`].
    pub fn matvec<'a, A, X>(&'a self, a: &'a A, x: &'a X) -> Result<Output<'a, Product<A>, Ix1>>
    where
        A: Source<Elem: Entry>,
        X: Source<Elem: Entry<Product = Product<A>>>,
    {
        let (left, right) = (axes(a, 2)?, axes(x, 1)?);
        fits(&left, &right, (left.cols, right.rows))?;
        let dim = Ix1(in_memory(left.rows));
        Ok(Output::new(self, dim, Order::C, move |store| {
            if left.order == Order::C && self.keeps(&right) {
                return self.inner_products(left, right, store);
            }
            self.product((&left.t(), &right, Part::All), &|_| (), store)
        }))
    }

    /// The product of a vector, as a row, and a matrix, on the terms of [`Self::matvec`] of the transposed matrix. Nothing
    /// is conjugated.
    ///
    /// # Errors
    ///
    /// As [`Self::matmul`].
    pub fn vecmat<'a, X, A>(&'a self, x: &'a X, a: &'a A) -> Result<Output<'a, Product<A>, Ix1>>
    where
        A: Source<Elem: Entry>,
        X: Source<Elem: Entry<Product = Product<A>>>,
    {
        let (left, right) = (axes(x, 1)?, axes(a, 2)?);
        fits(&left.t(), &right, (left.rows, right.rows))?;
        let dim = Ix1(in_memory(right.cols));
        Ok(Output::new(self, dim, Order::C, move |store| {
            if right.order == Order::F && self.keeps(&left) {
                return self.inner_products(right.t(), left, store);
            }
            self.product((&right, &left, Part::All), &|_| (), store)
        }))
    }

    /// Whether a vector takes no more than a quarter of the memory, which leaves blocks of the matrix the rest.
    fn keeps<T: Entry>(&self, vector: &Matrix<'_, T>) -> bool {
        vector.rows.saturating_mul(size_of::<T::Product>() as u64) <= self.budget() / 4
    }

    /// The inner products of a vector with the rows of a matrix in row-major order.
    fn inner_products<A: Entry, X: Entry<Product = A::Product>>(
        &self,
        matrix: Matrix<'_, A>,
        vector: Matrix<'_, X>,
        store: &dyn Store<A::Product>,
    ) -> Result<()> {
        let (leaf, block) = (self.grid.leaf_of::<f64>(), self.grid.block_of::<f64>());
        let size = size_of::<A::Product>();
        let _held = self.hold(vector.rows * size as u64)?;
        let mut x = Vec::with_capacity(in_memory(vector.rows));
        let mut reader = Reader::default();
        for start in (0..vector.rows).step_by(block) {
            let rows = start..vector.rows.min(start + block as u64);
            x.extend_from_slice(vector.tile(&rows, &(0..1), &mut reader)?.items);
        }
        drop(reader);
        let cols = x.len();
        let each = (block / cols.max(1)).max(1) as u64;
        let load = Load {
            units: matrix.rows.div_ceil(each),
            bytes: matrix.bytes(),
            scratch: (block as u64 + each) * (Reader::<A>::cost() + size as u64),
            held: 0,
        };
        let merge = |a: &mut <A::Product as Field>::Wide, b| *a += b;
        self.in_order(
            load,
            || (Reader::<A>::default(), Vec::new()),
            |(reader, sums), unit, shift| {
                let rows = unit * each..matrix.rows.min((unit + 1) * each);
                sums.resize_with(in_memory(rows.end - rows.start), Pairwise::default);
                // More than one piece only if a row alone is longer than a block.
                for (x, start) in x.chunks(block).zip((0..matrix.cols).step_by(block)) {
                    let tile = matrix.tile(&rows, &(start..start + x.len() as u64), reader)?;
                    for (row, sums) in tile.items.chunks(tile.stride).zip(&mut *sums) {
                        for (row, x) in row[..x.len()].chunks(leaf).zip(x.chunks(leaf)) {
                            sums.push(A::Product::inner(row, x), merge);
                        }
                    }
                    shift.done((rows.end - rows.start) * (x.len() * size_of::<A>()) as u64);
                }
                let entry = |sums: &mut Pairwise<_>| A::Product::narrow(sums.finish(merge).unwrap_or_default());
                let entries: Vec<_> = sums.iter_mut().map(entry).collect();
                store.write(rows.start, &entries)
            },
            |_, ()| Ok(()),
        )
    }
}
