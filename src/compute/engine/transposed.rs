//! Axes in reverse order, without a copy.

use std::ops::Range;

use ndarray::Dimension;

use super::source::{Scratch, Source, sealed};
use crate::error::Result;
use crate::shape::Order;

/// A source with its axes in reverse order, as `ndarray`'s `t()`: no element moves, and every operation takes it.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::Transposed;
/// use outcore::ndarray::{Axis, array};
///
/// let a = array![[1.0_f64, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// assert_eq!(Job::new().sum_axis(&Transposed(&a), Axis(1))?, array![5.0, 7.0, 9.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Debug)]
pub struct Transposed<'a, S: ?Sized>(pub &'a S);

impl<S: ?Sized> Clone for Transposed<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ?Sized> Copy for Transposed<'_, S> {}

impl<S: ?Sized> sealed::Sealed for Transposed<'_, S> {}

impl<S: Source + ?Sized> Source for Transposed<'_, S> {
    type Elem = S::Elem;
    type Dim = S::Dim;

    fn dim(&self) -> S::Dim {
        let mut dim = self.0.dim();
        dim.slice_mut().reverse();
        dim
    }

    fn order(&self) -> Order {
        match self.0.order() {
            Order::C => Order::F,
            Order::F => Order::C,
        }
    }

    fn borrow(&self, range: Range<u64>) -> Option<&[S::Elem]> {
        self.0.borrow(range)
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        self.0.copy(range, scratch)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis, array};

    use super::Transposed;
    use crate::compute::Job;

    #[test]
    fn every_operation_sees_the_axes_in_reverse_order() {
        let a = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| i + 10 * j + 100 * k).mapv(|x| x as f64);
        let job = Job::new();
        let b = job.map(&Transposed(&a), |x| x).to_array().unwrap();
        assert_eq!(b, a.t());
        let c = job.map(&Transposed(&a.t()), |x| x).to_array().unwrap();
        assert_eq!(c, a);
        assert_eq!(job.sum_axis(&Transposed(&array![[1_i32, 2], [3, 4]]), Axis(0)).unwrap(), array![3, 7]);
    }
}
