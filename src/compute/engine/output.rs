//! Results that are arrays: computed when it is known where they go.

use std::fmt;
use std::path::Path;

use ndarray::{Array, Dimension, ShapeBuilder};

use super::job::Job;
use super::scratch::Stored;
use super::source::shape_of_dim;
use super::target::{NewFile, Store, Target, in_memory};
use crate::array::CreateOptions;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::Attributes;
use crate::shape::{self, Order};

type Run<'a, T, R> = Box<dyn FnOnce(Order, &dyn Store<T>) -> Result<R> + 'a>;

/// The result of an operation, an array, which is computed when it is known where it goes: to a new file
/// ([`save`](Self::save), [`save_as`](Self::save_as)), into an array that is there ([`write_to`](Self::write_to)), or into
/// memory ([`to_array`](Self::to_array)).
///
/// `R` is what the operation reports besides, such as the losses of a cast; mostly nothing.
///
/// ```
/// use outcore::Job;
/// use outcore::ndarray::array;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("roots.npy");
///
/// let a = array![[1.0_f64, 4.0], [9.0, 16.0]];
/// let job = Job::new();
/// job.map(&a, |x| x.sqrt()).save(&path)?;
/// assert_eq!(job.map(&a, |x| x.sqrt()).to_array()?, array![[1.0, 2.0], [3.0, 4.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is computed until the result is saved, written or collected"]
pub struct Output<'a, T: Element, D: Dimension, R = ()> {
    job: &'a Job<'a>,
    dim: D,
    order: Order,
    /// Whether `run` writes in the other order just as well.
    any_order: bool,
    /// The order that the caller wants in a new place.
    wanted: Option<Order>,
    run: Run<'a, T, R>,
}

impl<'a, T: Element, D: Dimension, R> Output<'a, T, D, R> {
    /// A result of shape `dim`, whose elements `run` writes by their positions in `order`.
    pub(in crate::compute) fn new(
        job: &'a Job<'a>,
        dim: D,
        order: Order,
        run: impl FnOnce(&dyn Store<T>) -> Result<R> + 'a,
    ) -> Self {
        Self { job, dim, order, any_order: false, wanted: None, run: Box::new(move |_, store| run(store)) }
    }

    /// A result of shape `dim`, whose elements `run` writes by their positions in the order that it is told; `order` where the
    /// caller names none.
    pub(in crate::compute) fn in_any_order(
        job: &'a Job<'a>,
        dim: D,
        order: Order,
        run: impl FnOnce(Order, &dyn Store<T>) -> Result<R> + 'a,
    ) -> Self {
        Self { job, dim, order, any_order: true, wanted: None, run: Box::new(run) }
    }

    /// The lengths of the axes of the result.
    pub fn dim(&self) -> D {
        self.dim.clone()
    }

    /// Stores a new array in this order; without it, in the order of the first input.
    ///
    /// An order that is not that of the operation costs a temporary file and a second pass, unless the operation only moves
    /// elements.
    pub fn order(mut self, order: Order) -> Self {
        self.wanted = Some(order);
        self
    }

    /// Computes, and writes a new `.npy` file, which appears under its name when it is complete and on the disk. An existing
    /// file is an error.
    ///
    /// # Errors
    ///
    /// Those of the operation, and of [`CreateOptions::save`].
    pub fn save(self, path: impl AsRef<Path>) -> Result<R> {
        self.save_as(&CreateOptions::new(), path)
    }

    /// Computes, and writes a new file with these options: format, overwriting, attributes. The order of the options does not
    /// count; see [`order`](Self::order).
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn save_as(self, options: &CreateOptions, path: impl AsRef<Path>) -> Result<R> {
        let shape = shape_of_dim(&self.dim);
        let order = self.wanted.unwrap_or(self.order);
        options.write_new(path.as_ref(), (T::dtype(), &shape), order, Attributes::default(), |file, offset| {
            self.into_store(order, &NewFile::new(file, offset))
        })
    }

    /// Computes, and writes to an array of the same shape, in its storage order.
    ///
    /// After an error some elements may be written and others not. Nothing is flushed.
    ///
    /// # Errors
    ///
    /// Those of the operation and of writing; [`ErrorKind::Shape`] where the shapes differ.
    pub fn write_to<O: Target<Elem = T> + ?Sized>(self, target: &mut O) -> Result<R> {
        let (dim, order) = target.layout();
        let (found, asked) = (shape_of_dim(&dim), shape_of_dim(&self.dim));
        if found != asked {
            let message = format!(
                "a result of shape {} into an array of shape {}",
                shape::display(&asked),
                shape::display(&found)
            );
            return Err(Error::new(ErrorKind::Shape, message));
        }
        self.into_store(order, &*target.store()?)
    }

    /// Computes into memory.
    ///
    /// # Errors
    ///
    /// Those of the operation; [`ErrorKind::OutOfMemory`] where the array does not fit the memory of the job.
    pub fn to_array(self) -> Result<Array<T, D>> {
        Ok(self.to_array_and_report()?.0)
    }

    /// As [`to_array`](Self::to_array), with what the operation reports.
    ///
    /// # Errors
    ///
    /// As [`to_array`](Self::to_array).
    pub fn to_array_and_report(self) -> Result<(Array<T, D>, R)> {
        let (count, bytes) = shape::sizes(&shape_of_dim(&self.dim), size_of::<T>() as u64)?;
        let held = self.job.hold(bytes).map_err(|error| error.with_hint("save the result to a file"))?;
        let zeros = bytemuck::allocation::try_zeroed_vec(usize::try_from(count).unwrap_or(usize::MAX)).ok();
        let mut items = zeros
            .and_then(T::from_bits)
            .ok_or_else(|| Error::new(ErrorKind::OutOfMemory, format!("cannot allocate {bytes} bytes")))?;
        let order = self.wanted.unwrap_or(self.order);
        let dim = self.dim.clone();
        let report = self.into_store(order, &*in_memory(&mut items))?;
        drop(held);
        let array = Array::from_shape_vec(dim.set_f(order == Order::F), items);
        Ok((array.map_err(|error| Error::new(ErrorKind::Shape, error.to_string()))?, report))
    }

    /// Runs the operation into a store whose positions count in `order`.
    pub(in crate::compute) fn into_store(self, order: Order, store: &dyn Store<T>) -> Result<R> {
        let shape = shape_of_dim(&self.dim);
        if order == self.order || self.any_order || shape::order_is_moot(&shape) {
            return (self.run)(order, store);
        }
        let between = Stored::new(self.job, self.dim, self.order)?;
        let report = (self.run)(self.order, &between)?;
        self.job.reorder_into(&between, order, store)?;
        Ok(report)
    }
}

impl<T: Element, D: Dimension, R> fmt::Debug for Output<'_, T, D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("dtype", &T::dtype())
            .field("dim", &self.dim)
            .field("order", &self.order)
            .finish()
    }
}
