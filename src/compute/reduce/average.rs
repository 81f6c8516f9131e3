//! Weighted means.

use std::ops::Range;

use ndarray::{Axis, Dimension, RemoveAxis};

use super::fold::Nan;
use super::total::Totals;
use crate::compute::engine::Stored;
use crate::compute::engine::source::{Blocks, Scratch, Source, read, sealed, shape_of};
use crate::compute::kernel::{Center, Native};
use crate::compute::{Job, Mean, Number, Reduced};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// Elements that are multiplied at a time.
const PIECE: u64 = 1 << 13;

/// The products of elements and weights, which are made as they are read.
struct Weighted<'a, A, W: Element> {
    a: &'a A,
    weights: &'a dyn Blocks<W>,
    /// Weights along one axis: positions for which one weight counts, and the number of weights.
    along: Option<(u64, u64)>,
}

impl<A, W: Element> sealed::Sealed for Weighted<'_, A, W> {}

impl<A, W> Source for Weighted<'_, A, W>
where
    A: Source<Elem: Number>,
    W: Number<Mean = f64>,
{
    type Elem = Mean<A>;
    type Dim = A::Dim;

    fn dim(&self) -> A::Dim {
        self.a.dim()
    }

    fn order(&self) -> Order {
        self.a.order()
    }

    fn borrow(&self, _: Range<u64>) -> Option<&[Self::Elem]> {
        None
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<Self::Elem>) -> Result<()> {
        let (mut items, mut weights, mut decoded) = (Scratch::default(), Scratch::default(), (Vec::new(), Vec::new()));
        let zero = Mean::<A>::default();
        let mut start = range.start;
        while start < range.end {
            let mut end = range.end.min(start + PIECE);
            let weighted = match self.along {
                None => start..end,
                Some((1, len)) => {
                    let first = start % len;
                    end = end.min(start + (len - first));
                    first..first + (end - start)
                }
                Some((each, len)) => {
                    end = end.min((start / each + 1) * each);
                    let at = start / each % len;
                    at..at + 1
                }
            };
            let items = A::Elem::decode(read(self.a, start..end, &mut items)?, &mut decoded.0);
            let weights = W::decode(read(self.weights, weighted, &mut weights)?, &mut decoded.1);
            let product =
                |item: <A::Elem as Number>::Native, weight: W::Native| item.distance(zero) * weight.distance(0.0);
            match weights {
                &[weight] => scratch.items().extend(items.iter().map(|&item| product(item, weight))),
                _ => scratch.items().extend(items.iter().zip(weights).map(|(&item, &weight)| product(item, weight))),
            }
            start = end;
        }
        Ok(())
    }
}

/// The weights as doubles, with the shape that the elements have.
struct Doubles<'a, W: Element, D> {
    weights: &'a dyn Blocks<W>,
    dim: D,
    order: Order,
}

impl<W: Element, D> sealed::Sealed for Doubles<'_, W, D> {}

impl<W: Number<Mean = f64>, D: Dimension> Source for Doubles<'_, W, D> {
    type Elem = f64;
    type Dim = D;

    fn dim(&self) -> D {
        self.dim.clone()
    }

    fn order(&self) -> Order {
        self.order
    }

    fn borrow(&self, _: Range<u64>) -> Option<&[f64]> {
        None
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<f64>) -> Result<()> {
        let (mut weights, mut decoded) = (Scratch::default(), Vec::new());
        for start in range.clone().step_by(usize::try_from(PIECE).unwrap_or(usize::MAX)) {
            let weights = read(self.weights, start..range.end.min(start + PIECE), &mut weights)?;
            scratch.items().extend(W::decode(weights, &mut decoded).iter().map(|&weight| weight.distance(0.0)));
        }
        Ok(())
    }
}

fn zero_weights() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the weights sum to zero")
}

fn other_shape(weights: &[u64], wanted: &str) -> Error {
    let message = format!("weights of shape {}", shape::display(weights));
    Error::new(ErrorKind::Shape, message).with_hint(format!("give weights of shape {wanted}"))
}

impl Job<'_> {
    /// The mean of all elements with these weights, which have the same shape: the sum of the products of elements and weights
    /// divided by the sum of the weights, both in double precision over a fixed tree. A NaN among either makes it NaN.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let job = Job::new();
    /// assert_eq!(job.average(&array![1.0_f64, 2.0, 4.0], &array![1, 1, 2])?, 2.75);
    /// let rows = array![[1.0_f64, 2.0], [3.0, 6.0]];
    /// assert_eq!(job.average_axis(&rows, Axis(0), &array![3.0, 1.0])?, array![1.5, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// Weights whose storage order is not that of the elements are brought into it first, in a temporary file.
    ///
    /// # Errors
    ///
    /// As [`Self::sum`]; [`ErrorKind::Shape`] where the shapes differ, [`ErrorKind::InvalidArgument`] where the weights sum to
    /// zero.
    pub fn average<S, W>(&self, a: &S, weights: &W) -> Result<Mean<S>>
    where
        S: Source<Elem: Number>,
        W: Source<Elem: Number<Mean = f64>>,
    {
        Ok(self.average_returned(a, weights)?.0)
    }

    /// [`Self::average`] and the sum of the weights: NumPy's `returned=True`.
    ///
    /// # Errors
    ///
    /// As [`Self::average`].
    pub fn average_returned<S, W>(&self, a: &S, weights: &W) -> Result<(Mean<S>, f64)>
    where
        S: Source<Elem: Number>,
        W: Source<Elem: Number<Mean = f64>>,
    {
        if shape_of(weights) != shape_of(a) {
            return Err(other_shape(&shape_of(weights), &shape::display(&shape_of(a))));
        }
        let divisor = self.total(weights)?;
        if divisor == 0.0 {
            return Err(zero_weights());
        }
        let sum = self.in_order_of(a, weights, |weights| self.sum(&Weighted { a, weights, along: None }))?;
        Ok((sum.over(divisor), divisor))
    }

    /// [`Self::average`] along an axis, with weights of the same shape, or with one axis and as long as that of the elements.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`] and [`Self::average`].
    pub fn average_axis<S, W>(&self, a: &S, axis: Axis, weights: &W) -> Result<Reduced<S, Mean<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
        W: Source<Elem: Number<Mean = f64>>,
    {
        Ok(self.average_axis_returned(a, axis, weights)?.0)
    }

    /// [`Self::average_axis`] and the sums of the weights: NumPy's `returned=True`.
    ///
    /// # Errors
    ///
    /// As [`Self::average_axis`].
    #[expect(clippy::type_complexity, reason = "two arrays")]
    pub fn average_axis_returned<S, W>(
        &self,
        a: &S,
        axis: Axis,
        weights: &W,
    ) -> Result<(Reduced<S, Mean<S>>, Reduced<S, f64>)>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
        W: Source<Elem: Number<Mean = f64>>,
    {
        let (shape, given) = (shape_of(a), shape_of(weights));
        let len = shape.get(axis.index()).copied();
        let (mut means, divisors);
        if given == shape {
            (means, divisors) = self.in_order_of(a, weights, |weights| {
                let doubles = Doubles { weights, dim: a.dim(), order: a.order() };
                let sums = self.sum_axis(&Weighted { a, weights, along: None }, axis)?;
                Ok((sums, self.sum_axis(&doubles, axis)?))
            })?;
        } else if given.len() == 1 && len == Some(given[0]) {
            let inner = match a.order() {
                Order::C => &shape[axis.index() + 1..],
                Order::F => &shape[..axis.index()],
            };
            let along = Some((inner.iter().product::<u64>().max(1), given[0]));
            means = self.sum_axis(&Weighted { a, weights, along }, axis)?;
            divisors = Reduced::<S, f64>::from_elem(means.raw_dim(), self.total(weights)?);
        } else {
            let wanted = len.map_or_else(String::new, |len| format!("({len},) or "));
            return Err(other_shape(&given, &format!("{wanted}{}", shape::display(&shape))));
        }
        if divisors.iter().any(|&divisor| divisor == 0.0) {
            return Err(zero_weights());
        }
        means.zip_mut_with(&divisors, |mean, &divisor| *mean = mean.over(divisor));
        Ok((means, divisors))
    }

    /// The sum of all weights.
    fn total<W: Source<Elem: Number<Mean = f64>>>(&self, weights: &W) -> Result<f64> {
        let total = self.reduce(weights, Totals(Nan::Propagate))?;
        Ok(<W::Elem as Number>::Native::center(total.sum, 1))
    }

    /// Hands on the weights in the storage order of the elements.
    pub(in crate::compute) fn in_order_of<S: Source, W: Source, R>(
        &self,
        a: &S,
        weights: &W,
        then: impl FnOnce(&dyn Blocks<W::Elem>) -> Result<R>,
    ) -> Result<R> {
        if weights.order() == a.order() || shape::order_is_moot(&shape_of(a)) {
            return then(weights);
        }
        let turned = Stored::new(self, weights.dim(), a.order())?;
        self.reorder_into(weights, a.order(), &turned)?;
        then(&turned)
    }
}
