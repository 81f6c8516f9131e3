//! Inner products.

use super::entry::{Entry, Field};
use super::matmul::{Product, axes};
use super::matrix::{Reader, in_memory};
use crate::compute::engine::Load;
use crate::compute::reduce::pairwise::Pairwise;
use crate::compute::{Job, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

impl Job<'_> {
    /// The inner product of two vectors, as `np.dot`; nothing is conjugated. That of no elements is 0.
    ///
    /// Products are summed in a fixed tree over the blocks of the grid, those of `f32` in `f64`, so that the error
    /// grows with the logarithm of the length.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where an array does not have one axis, or they have different lengths; those of reading;
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// assert_eq!(Job::new().dot(&array![1.0_f64, 2.0, 3.0], &array![4_i16, 5, 6])?, 32.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn dot<X, Y>(&self, x: &X, y: &Y) -> Result<Product<X>>
    where
        X: Source<Elem: Entry>,
        Y: Source<Elem: Entry<Product = Product<X>>>,
    {
        let (x, y) = (axes(x, 1)?, axes(y, 1)?);
        let count = x.rows;
        if count != y.rows {
            let (x, y) = (shape::display(&[x.rows]), shape::display(&[y.rows]));
            return Err(Error::new(ErrorKind::Shape, format!("the inner product of vectors of shapes {x} and {y}")));
        }
        let (leaf, block) = (self.grid.leaf_of::<f64>(), self.grid.block_of::<f64>() as u64);
        let load = Load {
            units: count.div_ceil(block),
            bytes: x.bytes() + y.bytes(),
            scratch: block * (Reader::<X::Elem>::cost() + Reader::<Y::Elem>::cost()),
            held: 0,
        };
        let itemsize = (size_of::<X::Elem>() + size_of::<Y::Elem>()) as u64;
        let merge = |a: &mut <Product<X> as Field>::Wide, b| *a += b;
        let mut blocks = Pairwise::default();
        self.in_order(
            load,
            || (Reader::default(), Reader::default()),
            |(of_x, of_y), unit, shift| {
                let range = unit * block..count.min((unit + 1) * block);
                let x = x.tile(&range, &(0..1), of_x)?;
                let y = y.tile(&range, &(0..1), of_y)?;
                let mut leaves = Pairwise::default();
                for (x, y) in x.items.chunks(leaf).zip(y.items.chunks(leaf)) {
                    leaves.push(Product::<X>::inner(x, y), merge);
                }
                shift.done(in_memory(range.end - range.start) as u64 * itemsize);
                Ok(leaves.finish(merge).unwrap_or_default())
            },
            |_, sum| {
                blocks.push(sum, merge);
                Ok(())
            },
        )?;
        Ok(Product::<X>::narrow(blocks.finish(merge).unwrap_or_default()))
    }
}
