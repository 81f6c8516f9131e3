//! The same elements under another shape.

use ndarray::{IntoDimension, Ix1};

use super::mosaic::Part;
use crate::compute::engine::Stored;
use crate::compute::engine::source::{Blocks, shape_of, shape_of_dim};
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

impl Job<'_> {
    /// The elements in row-major order, under another shape of as many elements, as `numpy.reshape`.
    ///
    /// The result is row-major, unless [`Output::order`] says otherwise. From a row-major array to a row-major one it
    /// is a plain copy.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1, 2, 3], [4, 5, 6]];
    /// assert_eq!(Job::new().reshape(&a, (3, 2))?.to_array()?, array![[1, 2], [3, 4], [5, 6]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the shape has another number of elements. When it is computed: those of reading the
    /// source and writing the result, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn reshape<'a, S: Source, E: IntoDimension>(
        &'a self,
        a: &'a S,
        shape: E,
    ) -> Result<Output<'a, S::Elem, E::Dim>> {
        let dim = shape.into_dimension();
        let (own, asked) = (shape_of(a), shape_of_dim(&dim));
        let size = size_of::<S::Elem>() as u64;
        if shape::sizes(&own, size)?.0 != shape::sizes(&asked, size)?.0 {
            let message =
                format!("shape {} has not as many elements as {}", shape::display(&asked), shape::display(&own));
            return Err(Error::new(ErrorKind::Shape, message));
        }
        Ok(Output::new(self, dim, Order::C, move |store| self.reorder_into(a, Order::C, store)))
    }

    /// The elements in row-major order, as `numpy.ravel`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] where their number does not fit the address space; when it is computed, as
    /// [`reshape`](Self::reshape).
    pub fn ravel<'a, S: Source>(&'a self, a: &'a S) -> Result<Output<'a, S::Elem, Ix1>> {
        let count = shape::sizes(&shape_of(a), size_of::<S::Elem>() as u64)?.0;
        self.reshape(a, Ix1(shape::to_usize(&[count])?[0]))
    }

    /// Calls `work` with the elements of an array in row-major order: the array itself, or a temporary file.
    pub(super) fn with_row_major<S: Source, R>(
        &self,
        a: &S,
        work: impl FnOnce(&dyn Blocks<S::Elem>) -> Result<R>,
    ) -> Result<R> {
        if a.order() == Order::C || shape::order_is_moot(&shape_of(a)) {
            return work(a);
        }
        let between = Stored::new(self, a.dim(), Order::C)?;
        self.write_part(a, &Part::whole(&shape_of(a), a.order()), Order::C, &between)?;
        work(&between)
    }
}
