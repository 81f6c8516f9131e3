//! Elements shifted round.

use ndarray::Axis;

use super::mosaic::{Mosaic, Part};
use super::permute::check_axis;
use crate::compute::engine::source::shape_of;
use crate::compute::{Job, Output, Source};
use crate::error::Result;
use crate::shape::{self, Order};

impl Job<'_> {
    /// The array with its elements shifted along an axis, those that leave at one end coming in at the other, as
    /// `numpy.roll` with an axis.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let a = array![[1, 2, 3], [4, 5, 6]];
    /// assert_eq!(Job::new().roll_axis(&a, 1, Axis(1))?.to_array()?, array![[3, 1, 2], [6, 4, 5]]);
    /// assert_eq!(Job::new().roll(&a, 1).to_array()?, array![[6, 1, 2], [3, 4, 5]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an axis that the array does not have. When
    /// it is computed: those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn roll_axis<'a, S: Source>(&'a self, a: &'a S, shift: i64, axis: Axis) -> Result<Output<'a, S::Elem, S::Dim>> {
        let shape = shape_of(a);
        check_axis(axis.0, shape.len())?;
        Ok(Output::in_any_order(self, a.dim(), a.order(), move |order, store| {
            let mut mosaic = Mosaic::new(&shape, order);
            let whole = Part::whole(&shape, a.order());
            let (len, shift) = (shape[axis.0], turned(shift, shape[axis.0]));
            let mut start = vec![0; shape.len()];
            mosaic.put(a, &start, &whole.along(axis.0, len - shift, 1, shift));
            start[axis.0] = shift;
            mosaic.put(a, &start, &whole.along(axis.0, 0, 1, len - shift));
            self.rearrange(mosaic, store)
        }))
    }

    /// The array with its elements shifted in row-major order, those that leave at the end coming in at the beginning,
    /// as `numpy.roll` without an axis.
    ///
    /// The result is row-major, unless [`Output::order`] says otherwise. A column-major array goes through a temporary
    /// file as large as itself.
    ///
    /// # Errors
    ///
    /// When it is computed, as [`roll_axis`](Self::roll_axis).
    pub fn roll<'a, S: Source>(&'a self, a: &'a S, shift: i64) -> Output<'a, S::Elem, S::Dim> {
        Output::new(self, a.dim(), Order::C, move |store| {
            let shape = shape_of(a);
            let count = shape::sizes(&shape, size_of::<S::Elem>() as u64)?.0;
            self.with_row_major(a, |blocks| {
                let mut mosaic = Mosaic::new(&[count], Order::C);
                let (flat, shift) = (Part::whole(&[count], Order::C), turned(shift, count));
                mosaic.put(blocks, &[0], &flat.along(0, count - shift, 1, shift));
                mosaic.put(blocks, &[shift], &flat.along(0, 0, 1, count - shift));
                self.rearrange(mosaic, store)
            })
        })
    }
}

/// The shift that has the same effect on an axis and is shorter than it.
fn turned(shift: i64, len: u64) -> u64 {
    let turned = i128::from(shift).rem_euclid(i128::from(len.max(1)));
    u64::try_from(turned).expect("less than the length")
}
