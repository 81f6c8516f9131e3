//! A function of each element.

use super::expression::{Expression, Kernel};
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Output, Source};
use crate::element::Element;
use crate::error::Result;

/// A function of the elements at one position.
pub(super) struct Each<F>(pub(super) F);

impl<A: Element, U: Element, F: Fn(A) -> U + Sync> Kernel<(A,)> for Each<F> {
    type Elem = U;

    fn run(&self, _: u64, (a,): (&[A],), out: &mut Vec<U>) -> Result<()> {
        vectorised(
            #[inline(always)]
            || out.extend(a.iter().map(|&a| (self.0)(a))),
        );
        Ok(())
    }
}

/// `f` of every element, as a source: computed when an operation reads it, and never kept.
///
/// Every operation of a [`Job`] takes it, and so do other expressions; whatever is nested runs in one pass over the inputs.
/// `f` is called from several threads, in no particular order; an operation of two passes calls it twice for each element. A
/// short closure is compiled into the vector loops of the engine.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::map;
/// use outcore::ndarray::array;
///
/// let a = array![3.0_f64, 4.0];
/// let squares = map(&a, |x| x * x);
/// assert_eq!(Job::new().sum(&squares)?, 25.0);
/// assert_eq!(Job::new().max(&map(&squares, f64::sqrt))?, 4.0);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn map<S: Source, U: Element>(a: S, f: impl Fn(S::Elem) -> U + Sync) -> impl Source<Elem = U, Dim = S::Dim> {
    let (dim, order) = (a.dim(), a.order());
    Expression { inputs: (a,), dim, order, kernel: Each(f) }
}

impl Job<'_> {
    /// Calls `f` with every element, from several threads, in no particular order; the results are an array of the same shape.
    ///
    /// [`map`](crate::compute::map()) is the same as an expression that other operations take.
    ///
    /// # Errors
    ///
    /// When it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    ///
    /// # Panics
    ///
    /// Where `f` panics.
    pub fn map<'a, S: Source + 'a, U: Element>(
        &'a self,
        a: S,
        f: impl Fn(S::Elem) -> U + Sync + 'a,
    ) -> Output<'a, U, S::Dim> {
        self.copy(map(a, f))
    }
}
