//! Matrix products.

use ndarray::Ix2;

use super::entry::Entry;
use super::matrix::{Matrix, in_memory};
use super::product::Part;
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// The type of an entry of a product with `S`.
pub type Product<S> = <<S as Source>::Elem as Entry>::Product;

impl Job<'_> {
    /// The matrix product of two arrays with two axes, as `np.matmul`. Either of them, and the result, may be larger
    /// than memory.
    ///
    /// A transposed factor is [`Transposed(&a)`](crate::compute::Transposed), which costs nothing. The product is
    /// stored in the order of `a`. Both factors must be computed in the same type: see [`Entry`].
    ///
    /// Each entry is a sum of its terms in a fixed order: 256 after 256, or slabs of such sums where the result is
    /// small. Its error is at most `k * epsilon` times the sum of the absolute values of its `k` terms. NaN and
    /// infinities spread as the arithmetic has it. A sum of no terms is 0.
    ///
    /// With a memory of `M` elements, no fewer than about `2 m n k / sqrt(M)` elements have to be read, or each factor
    /// once (Hong and Kung, 1981); it is within a quarter of the sum of both where the memory is 64 MiB or more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where an array does not have two axes, or they do not fit. When it is computed: those of
    /// reading and writing, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Transposed;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1.0_f64, 2.0], [3.0, 4.0], [5.0, 6.0]];
    /// let job = Job::new();
    /// assert_eq!(job.matmul(&Transposed(&a), &a)?.to_array()?, array![[35.0, 44.0], [44.0, 56.0]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul<'a, A, B>(&'a self, a: &'a A, b: &'a B) -> Result<Output<'a, Product<A>, Ix2>>
    where
        A: Source<Elem: Entry>,
        B: Source<Elem: Entry<Product = Product<A>>>,
    {
        let (left, right) = (axes(a, 2)?, axes(b, 2)?);
        fits(&left, &right, (left.cols, right.rows))?;
        let order = left.order;
        Ok(Output::new(self, Ix2(in_memory(left.rows), in_memory(right.cols)), order, move |store| match order {
            Order::C => self.product((&left.t(), &right, Part::All), &|_| (), store),
            // The transposed product, in the other order.
            Order::F => self.product((&right, &left.t(), Part::All), &|_| (), store),
        }))
    }
}

/// The matrix of a source with so many axes.
pub(super) fn axes<S: Source<Elem: Entry>>(source: &S, count: usize) -> Result<Matrix<'_, S::Elem>> {
    use ndarray::Dimension;
    let found = source.dim().ndim();
    if found != count {
        let message = format!("an array with {found} axes, where one with {count} is asked for");
        return Err(Error::new(ErrorKind::Shape, message));
    }
    Matrix::new(source)
}

/// Sees that the inner sizes of a product are the same.
pub(super) fn fits<A: Entry, B: Entry>(a: &Matrix<'_, A>, b: &Matrix<'_, B>, (left, right): (u64, u64)) -> Result<()> {
    if left == right {
        return Ok(());
    }
    let message = format!("a matrix of shape {} times one of shape {}", a.shown(), b.shown());
    Err(Error::new(ErrorKind::Shape, message).with_hint("give as many columns on the left as rows on the right"))
}
