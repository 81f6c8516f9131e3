//! Several arrays into one.

use std::ops::Range;

use ndarray::{Axis, Dimension, IxDyn};

use super::mosaic::{Mosaic, Part};
use super::permute::check_axis;
use crate::compute::engine::source::{Blocks, Scratch, shape_of_dim};
use crate::compute::{Job, Output, Source};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

impl Job<'_> {
    /// The arrays one behind the other along an axis, as `numpy.concatenate`, in the storage order of the first.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let (a, b) = (array![[1, 2]], array![[3, 4]]);
    /// let job = Job::new();
    /// assert_eq!(job.concatenate(&[&a, &b], Axis(0))?.to_array()?, array![[1, 2], [3, 4]]);
    /// assert_eq!(job.concatenate(&[&a, &b], Axis(1))?.to_array()?, array![[1, 2, 3, 4]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for no arrays at all, and for an axis that they do not have; [`ErrorKind::Shape`]
    /// where they differ in another axis; [`ErrorKind::TooLarge`]. When it is computed: those of reading the sources
    /// and writing the result, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn concatenate<'a, T: Element, D: Dimension>(
        &'a self,
        arrays: &[&'a dyn Source<Elem = T, Dim = D>],
        axis: Axis,
    ) -> Result<Output<'a, T, D>> {
        let mut dim = first(arrays)?.dim();
        check_axis(axis.0, dim.ndim())?;
        let mut all: usize = 0;
        for (at, array) in arrays.iter().enumerate() {
            let (own, mut like) = (array.dim(), dim.clone());
            if own.ndim() == like.ndim() {
                like[axis.0] = own[axis.0];
            }
            if own != like {
                return Err(misfit(at, &own, &dim).with_hint("they may differ in length along the axis only"));
            }
            all = all.checked_add(own[axis.0]).ok_or_else(|| Error::new(ErrorKind::TooLarge, "an axis too long"))?;
        }
        dim[axis.0] = all;
        let shape = shape_of_dim(&dim);
        shape::sizes(&shape, size_of::<T>() as u64)?;
        let arrays: Vec<_> = arrays.iter().copied().map(Erased).collect();
        Ok(Output::in_any_order(self, dim, arrays[0].0.order(), move |order, store| {
            let mut mosaic = Mosaic::new(&shape, order);
            let mut start = vec![0; shape.len()];
            for array in &arrays {
                let part = array.whole();
                mosaic.put(array, &start, &part);
                start[axis.0] += part.axes[axis.0].0;
            }
            self.rearrange(mosaic, store)
        }))
    }

    /// The arrays, which have one shape, side by side along a new axis, as `numpy.stack`, in the storage order of the
    /// first.
    ///
    /// # Errors
    ///
    /// As [`concatenate`](Self::concatenate); the axis may be the number of their axes.
    pub fn stack<'a, T: Element, D: Dimension>(
        &'a self,
        arrays: &[&'a dyn Source<Elem = T, Dim = D>],
        axis: Axis,
    ) -> Result<Output<'a, T, D::Larger>> {
        let dim = first(arrays)?.dim();
        check_axis(axis.0, dim.ndim() + 1)?;
        for (at, array) in arrays.iter().enumerate() {
            if array.dim() != dim {
                return Err(misfit(at, &array.dim(), &dim).with_hint("all are to have one shape"));
            }
        }
        let mut lens = dim.slice().to_vec();
        lens.insert(axis.0, arrays.len());
        let dim = D::Larger::from_dimension(&IxDyn(&lens)).expect("one axis more");
        let shape = shape_of_dim(&dim);
        shape::sizes(&shape, size_of::<T>() as u64)?;
        let arrays: Vec<_> = arrays.iter().copied().map(Erased).collect();
        Ok(Output::in_any_order(self, dim, arrays[0].0.order(), move |order, store| {
            let mut mosaic = Mosaic::new(&shape, order);
            let mut start = vec![0; shape.len()];
            for array in &arrays {
                let mut part = array.whole();
                part.axes.insert(axis.0, (1, 0));
                mosaic.put(array, &start, &part);
                start[axis.0] += 1;
            }
            self.rearrange(mosaic, store)
        }))
    }
}

fn first<'a, T, D>(arrays: &[&'a dyn Source<Elem = T, Dim = D>]) -> Result<&'a dyn Source<Elem = T, Dim = D>> {
    arrays.first().copied().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "no arrays to put together"))
}

fn misfit<D: Dimension>(at: usize, own: &D, first: &D) -> Error {
    let (own, first) = (shape::display(&shape_of_dim(own)), shape::display(&shape_of_dim(first)));
    Error::new(ErrorKind::Shape, format!("array {at} of shape {own} beside the first of shape {first}"))
}

/// An array of any kind.
struct Erased<'a, T, D>(&'a dyn Source<Elem = T, Dim = D>);

impl<T: Element, D: Dimension> Erased<'_, T, D> {
    fn whole(&self) -> Part {
        Part::whole(&shape_of_dim(&self.0.dim()), self.0.order())
    }
}

impl<T: Element, D: Dimension> Blocks<T> for Erased<'_, T, D> {
    fn borrow(&self, range: Range<u64>) -> Option<&[T]> {
        self.0.borrow(range)
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()> {
        self.0.copy(range, scratch)
    }

    fn buffer_bytes(&self) -> u64 {
        self.0.buffers()
    }
}
