//! How often each integer occurs.

use std::ops::Range;

use super::table::{Placed, Placer, counts, sums};
use super::whole::same_shape;
use crate::compute::Job;
use crate::compute::engine::Load;
use crate::compute::engine::source::{Blocks, Scratch, Source, read, shape_of};
use crate::compute::number::Number;
use crate::compute::real::{Integer, Integral, Ordinal, Real};
use crate::compute::reduce::{Extremes, Nan, Rank};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// Each integer is its own bin.
struct Itself(u32);

impl<N: Ordinal + Integral> Placer<N> for Itself {
    fn bins(&self) -> u64 {
        self.0.into()
    }

    fn place(&self, items: &[N], places: &mut [u32]) {
        for (item, place) in items.iter().zip(places) {
            *place = item.index().and_then(|index| u32::try_from(index).ok()).unwrap_or(self.0).min(self.0);
        }
    }
}

impl Job<'_> {
    /// How often each of the integers 0, 1, .. occurs: `np.bincount(a.ravel(), minlength=minlength)`.
    ///
    /// The result is as long as the largest element asks for, and `minlength` at least. It takes a pass for the largest
    /// element, where the type does not say enough, and one to count. `bool` counts as 0 and 1.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![0_u8, 1, 1, 3, 2, 1, 7];
    /// assert_eq!(Job::new().bincount(&a, 0)?, [1, 3, 1, 1, 0, 0, 0, 1]);
    /// let weights = array![0.5_f64, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
    /// assert_eq!(Job::new().bincount_weighted(&a, &weights, 0)?, [0.5, 19.0, 8.0, 4.0, 0.0, 0.0, 0.0, 32.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a negative element, whose position it says; [`ErrorKind::TooLarge`] for elements
    /// from 2^31 - 2 on; those of reading the source, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`] where the budget
    /// does not hold the counts of one worker.
    pub fn bincount<S: Source<Elem: Integer>>(&self, a: &S, minlength: u64) -> Result<Vec<u64>> {
        let count = shape::sizes(&shape_of(a), size_of::<S::Elem>() as u64)?.0;
        let (bins, fixed) = self.integers(a, count)?;
        let placer = Itself(self.table(bins.max(minlength))?);
        let mut counts = counts(self, &Placed { source: a, placer: &placer }, count)?;
        if fixed {
            let used = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
            counts.truncate(used.max(usize::try_from(minlength).unwrap_or(usize::MAX)));
        }
        Ok(counts)
    }

    /// The sum of the weights at each of the integers 0, 1, ..: `np.bincount(a.ravel(), weights.ravel(), minlength)`.
    ///
    /// The weights are added up in `f64`, in an order that depends on the shape only.
    ///
    /// # Errors
    ///
    /// As [`Self::bincount`]; [`ErrorKind::Shape`] where the shapes differ.
    pub fn bincount_weighted<S: Source<Elem: Integer>, W: Source<Elem: Real>>(
        &self,
        a: &S,
        weights: &W,
        minlength: u64,
    ) -> Result<Vec<f64>> {
        let count = same_shape(a, weights)?;
        let bins = self.largest(a)?.map_or(0, |largest| largest.saturating_add(1));
        let placer = Itself(self.table(bins.max(minlength))?);
        let places = Placed { source: a, placer: &placer };
        self.in_order_of(a, weights, |weights| sums(self, &places, weights, count))
    }

    /// How many bins there must be, and whether they are those of the type and not of the elements.
    fn integers<S: Source<Elem: Integer>>(&self, a: &S, count: u64) -> Result<(u64, bool)> {
        type Native<S> = <<S as Source>::Elem as Number>::Native;
        let unsigned = Native::<S>::MIN.index() == Some(0);
        let values = Native::<S>::MAX.index().map_or(u64::MAX, |largest| largest.saturating_add(1));
        if unsigned && size_of::<Native<S>>() <= 2 && count > 0 && self.has_room_for(values) {
            return Ok((values, true));
        }
        Ok((self.largest(a)?.map_or(0, |largest| largest.saturating_add(1)), false))
    }

    /// The largest element, if there is one.
    fn largest<S: Source<Elem: Integer>>(&self, a: &S) -> Result<Option<u64>> {
        let pair = self.reduce(a, Extremes { nan: Nan::Propagate, locate: false })?;
        if pair.min.rank == Rank::None {
            return Ok(None);
        }
        match (pair.min.value.index(), pair.max.value.index()) {
            (Some(_), Some(largest)) => Ok(Some(largest)),
            _ => Err(self.negative(a)?),
        }
    }

    /// The number of bins, if a table can have it.
    fn table(&self, bins: u64) -> Result<u32> {
        let few = u32::try_from(bins).ok().filter(|&bins| bins < i32::MAX.unsigned_abs());
        let too_many = || {
            let message = format!("the largest element asks for {bins} counts; {} are the most", i32::MAX - 1);
            Error::new(ErrorKind::TooLarge, message)
        };
        let few = few.ok_or_else(too_many)?;
        let _room = self.hold(bins * 16)?;
        Ok(few)
    }

    /// The error of a negative element: the first in storage order.
    fn negative<S: Source<Elem: Integer>>(&self, a: &S) -> Result<Error> {
        let shape = shape_of(a);
        let first = self.first_negative(a, shape::sizes(&shape, size_of::<S::Elem>() as u64)?.0)?;
        let Some((mut position, value)) = first else {
            return Ok(Error::new(ErrorKind::InvalidArgument, "a negative element, which is gone now"));
        };
        let mut index = vec![0; shape.len()];
        let mut take = |axis: usize| {
            index[axis] = position % shape[axis];
            position /= shape[axis];
        };
        match a.order() {
            Order::C => (0..shape.len()).rev().for_each(&mut take),
            Order::F => (0..shape.len()).for_each(&mut take),
        }
        let message = format!("element {index:?} is {value:?}; only integers from 0 on can be counted");
        Ok(Error::new(ErrorKind::InvalidArgument, message))
    }

    fn first_negative<T: Integer>(&self, source: &dyn Blocks<T>, count: u64) -> Result<Option<(u64, T::Native)>> {
        let (block, size) = (self.grid.block_of::<T>() as u64, size_of::<T>() as u64);
        let scratch = 2 * block * size + source.buffer_bytes();
        let load = Load { units: count.div_ceil(block), bytes: count * size, scratch, held: 0 };
        let mut first = None;
        self.in_order(
            load,
            || (Scratch::default(), Vec::new()),
            |(scratch, decoded), unit, shift| {
                let range: Range<u64> = unit * block..count.min((unit + 1) * block);
                let start = range.start;
                let items = T::decode(read(source, range, scratch)?, decoded);
                let at = items.iter().position(|item| item.index().is_none());
                shift.done(items.len() as u64 * size);
                Ok(at.map(|at| (start + at as u64, items[at])))
            },
            |_, found| {
                first = first.or(found);
                Ok(())
            },
        )?;
        Ok(first)
    }
}
