//! A function of the elements of several arrays.

use ndarray::{DimMax, Dimension};

use super::align::{Aligned, common_dim};
use super::expression::{Expression, Kernel};
use super::map::Each;
use crate::compute::engine::source::{shape_of, shape_of_dim};
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Output, Source};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

impl<A: Element, B: Element, U: Element, F: Fn(A, B) -> U + Sync> Kernel<(A, B)> for Each<F> {
    type Elem = U;

    fn run(&self, _: u64, (a, b): (&[A], &[B]), out: &mut Vec<U>) -> Result<()> {
        vectorised(
            #[inline(always)]
            || out.extend(a.iter().zip(b).map(|(&a, &b)| (self.0)(a, b))),
        );
        Ok(())
    }
}

impl<A, B, C, U, F> Kernel<(A, B, C)> for Each<F>
where
    A: Element,
    B: Element,
    C: Element,
    U: Element,
    F: Fn(A, B, C) -> U + Sync,
{
    type Elem = U;

    fn run(&self, _: u64, (a, b, c): (&[A], &[B], &[C]), out: &mut Vec<U>) -> Result<()> {
        vectorised(
            #[inline(always)]
            || out.extend(a.iter().zip(b).zip(c).map(|((&a, &b), &c)| (self.0)(a, b, c))),
        );
        Ok(())
    }
}

impl<A: Element, U: Element, F: Fn(&[A]) -> U + Sync> Kernel<Vec<A>> for Each<F> {
    type Elem = U;

    fn run(&self, _: u64, pieces: Vec<&[A]>, out: &mut Vec<U>) -> Result<()> {
        let mut items: Vec<A> = Vec::with_capacity(pieces.len());
        let count = pieces.first().map_or(0, |piece| piece.len());
        out.extend((0..count).map(|at| {
            items.clear();
            items.extend(pieces.iter().map(|piece| piece[at]));
            (self.0)(&items)
        }));
        Ok(())
    }
}

/// The order of the first input that is not repeated.
pub(super) fn order_of<D: Dimension>(dim: &D, inputs: &[(Vec<u64>, Order)]) -> Order {
    let shape = shape_of_dim(dim);
    inputs.iter().find(|(own, _)| *own == shape).map_or(Order::C, |&(_, order)| order)
}

pub(super) fn layout_of<S: Source>(source: &S) -> (Vec<u64>, Order) {
    (shape_of(source), source.order())
}

/// `f` of the elements of two arrays, as a source: computed when an operation reads it, and never kept.
///
/// Shapes broadcast as in NumPy: axes that one array lacks, or where its length is 1, repeat its elements. A number is an array
/// without axes: `zip(&a, 2.0, ..)`. The result has the storage order of the first input that is not repeated. An input in the
/// other order is gathered block by block; from a file, that costs many small reads: copy it into the same order first.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::zip;
/// use outcore::ndarray::array;
///
/// let (a, weights) = (array![[1.0_f64, 2.0], [3.0, 4.0]], array![0.5, 0.25]);
/// let weighted = zip(&a, &weights, |x, w| x * w)?;
/// assert_eq!(Job::new().sum(&weighted)?, 3.5);
/// # Ok::<(), outcore::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Shape`] where the shapes do not broadcast, [`ErrorKind::TooLarge`] where the result has more elements than can
/// be counted.
pub fn zip<A, B, U: Element, D>(
    a: A,
    b: B,
    f: impl Fn(A::Elem, B::Elem) -> U + Sync,
) -> Result<impl Source<Elem = U, Dim = D>>
where
    A: Source<Dim: DimMax<B::Dim, Output = D>>,
    B: Source,
    D: Dimension,
{
    binary(a, b, Each(f))
}

/// Two arrays in the shape of both.
type Two<A, B, D> = (Aligned<A, D>, Aligned<B, D>);
/// Three arrays in the shape of all.
type Three<A, B, C, D> = (Aligned<A, D>, Aligned<B, D>, Aligned<C, D>);

/// A function of three arrays.
type Ternary<A, B, C, D, K> = Expression<Three<A, B, C, D>, D, K>;

/// A kernel over two arrays.
pub(super) fn binary<A, B, K, D>(a: A, b: B, kernel: K) -> Result<Expression<Two<A, B, D>, D, K>>
where
    A: Source<Dim: DimMax<B::Dim, Output = D>>,
    B: Source,
    D: Dimension,
{
    let dim: D = common_dim(&a.dim(), &b.dim())?;
    let order = order_of(&dim, &[layout_of(&a), layout_of(&b)]);
    let inputs = (Aligned::new(a, dim.clone(), order)?, Aligned::new(b, dim.clone(), order)?);
    Ok(Expression { inputs, dim, order, kernel })
}

/// [`zip`] of three arrays.
///
/// # Errors
///
/// As [`zip`].
pub fn zip3<A, B, C, U: Element, D>(
    a: A,
    b: B,
    c: C,
    f: impl Fn(A::Elem, B::Elem, C::Elem) -> U + Sync,
) -> Result<impl Source<Elem = U, Dim = D>>
where
    A: Source<Dim: DimMax<B::Dim, Output: DimMax<C::Dim, Output = D>>>,
    B: Source,
    C: Source,
    D: Dimension,
{
    ternary(a, b, c, Each(f))
}

/// A kernel over three arrays.
pub(super) fn ternary<A, B, C, D, K>(a: A, b: B, c: C, kernel: K) -> Result<Ternary<A, B, C, D, K>>
where
    A: Source<Dim: DimMax<B::Dim, Output: DimMax<C::Dim, Output = D>>>,
    B: Source,
    C: Source,
    D: Dimension,
{
    let dim: D = common_dim(&common_dim(&a.dim(), &b.dim())?, &c.dim())?;
    let order = order_of(&dim, &[layout_of(&a), layout_of(&b), layout_of(&c)]);
    let (a, b) = (Aligned::new(a, dim.clone(), order)?, Aligned::new(b, dim.clone(), order)?);
    let inputs = (a, b, Aligned::new(c, dim.clone(), order)?);
    Ok(Expression { inputs, dim, order, kernel })
}

/// [`zip`] of any number of arrays of one type: `f` takes a slice with an element of each.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::zip_slice;
/// use outcore::ndarray::array;
///
/// let (a, b, c) = (array![1, 2], array![3, 4], array![5, 6]);
/// let sums = zip_slice([&a, &b, &c], |items| items.iter().sum::<i32>())?;
/// assert_eq!(Job::new().copy(sums).to_array()?, array![9, 12]);
/// # Ok::<(), outcore::Error>(())
/// ```
///
/// # Errors
///
/// As [`zip`]; [`ErrorKind::InvalidArgument`] where there is no array.
pub fn zip_slice<A: Source<Dim: DimMax<A::Dim, Output = A::Dim>>, U: Element>(
    arrays: impl IntoIterator<Item = A>,
    f: impl Fn(&[A::Elem]) -> U + Sync,
) -> Result<impl Source<Elem = U, Dim = A::Dim>> {
    let arrays: Vec<A> = arrays.into_iter().collect();
    let Some((first, others)) = arrays.split_first() else {
        return Err(Error::new(ErrorKind::InvalidArgument, "no array to compute with"));
    };
    let dim = others.iter().try_fold(first.dim(), |dim, array| common_dim(&dim, &array.dim()))?;
    let order = order_of(&dim, &arrays.iter().map(layout_of).collect::<Vec<_>>());
    let inputs = arrays.into_iter().map(|array| Aligned::new(array, dim.clone(), order)).collect::<Result<Vec<_>>>()?;
    Ok(Expression { inputs, dim, order, kernel: Each(f) })
}

impl Job<'_> {
    /// Calls `f` with the elements of two arrays, from several threads, in no particular order; the results are an array of the
    /// shape that both broadcast to. [`zip`] is the same as an expression, and says more.
    ///
    /// # Errors
    ///
    /// Those of [`zip`]; when it is computed, those of [`Job::copy`].
    ///
    /// # Panics
    ///
    /// Where `f` panics.
    pub fn zip<'a, A, B, U: Element, D>(
        &'a self,
        a: A,
        b: B,
        f: impl Fn(A::Elem, B::Elem) -> U + Sync + 'a,
    ) -> Result<Output<'a, U, D>>
    where
        A: Source<Dim: DimMax<B::Dim, Output = D>> + 'a,
        B: Source + 'a,
        D: Dimension + 'a,
    {
        Ok(self.copy(zip(a, b, f)?))
    }

    /// [`Self::zip`] of three arrays.
    ///
    /// # Errors
    ///
    /// As [`Self::zip`].
    pub fn zip3<'a, A, B, C, U: Element, D>(
        &'a self,
        a: A,
        b: B,
        c: C,
        f: impl Fn(A::Elem, B::Elem, C::Elem) -> U + Sync + 'a,
    ) -> Result<Output<'a, U, D>>
    where
        A: Source<Dim: DimMax<B::Dim, Output: DimMax<C::Dim, Output = D>>> + 'a,
        B: Source + 'a,
        C: Source + 'a,
        D: Dimension + 'a,
    {
        Ok(self.copy(zip3(a, b, c, f)?))
    }
}
