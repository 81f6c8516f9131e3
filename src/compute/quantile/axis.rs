//! Quantiles along an axis.

use ndarray::{Axis, Dimension, RemoveAxis};

use super::lines::DENSE;
use super::method::{Method, Wanted};
use super::search::search;
use super::short::{Extent, select_lines};
use super::whole::answers;
use crate::compute::engine::source::{Blocks, Source, shape_of};
use crate::compute::engine::{Output, Store};
use crate::compute::real::Real;
use crate::compute::{Job, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// The result of an operation along an axis, which goes to a file or into memory.
type Along<'a, S> = Output<'a, f64, <<S as Source>::Dim as Dimension>::Smaller>;

impl Job<'_> {
    /// [`Self::quantile`] along an axis: `np.quantile(a, q, axis, method=method)`. The first axis of the result counts the
    /// quantiles, the others are those of the array without `axis`.
    ///
    /// Lines along the axis that fit memory are gathered, as many at a time as there is room for, in one pass. Longer ones
    /// are searched like a whole array, many of them in the same passes.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Method;
    /// use outcore::ndarray::{Axis, array};
    ///
    /// let job = Job::new();
    /// let a = array![[10.0_f64, 7.0, 4.0], [3.0, 2.0, 1.0]];
    /// assert_eq!(job.median_axis(&a, Axis(0)).to_array()?, array![6.5, 4.5, 2.5]);
    /// let ends = job.quantile_axis(&a, &[0.0, 1.0], Axis(1), Method::Linear).to_array()?;
    /// assert_eq!(ends, array![[4.0, 1.0], [10.0, 3.0]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is computed: [`ErrorKind::InvalidArgument`] for a `q` outside of 0 to 1, an axis that the array does not have,
    /// and if the axis is empty and the result is not, as NumPy has it; those of reading the source and writing the result,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn quantile_axis<'a, S>(&'a self, a: &'a S, q: &'a [f64], axis: Axis, method: Method) -> Output<'a, f64, S::Dim>
    where
        S: Source<Elem: Real>,
    {
        self.quantiles(a, Wanted::Quantiles(q, method), axis, true)
    }

    /// [`Self::nan_quantile`] along an axis: `np.nanquantile`.
    ///
    /// # Errors
    ///
    /// As [`Self::quantile_axis`], but an empty axis gives NaN.
    pub fn nan_quantile_axis<'a, S>(
        &'a self,
        a: &'a S,
        q: &'a [f64],
        axis: Axis,
        method: Method,
    ) -> Output<'a, f64, S::Dim>
    where
        S: Source<Elem: Real>,
    {
        self.quantiles(a, Wanted::Quantiles(q, method), axis, false)
    }

    /// [`Self::median`] along an axis: `np.median(a, axis)`. An empty axis gives NaN.
    ///
    /// # Errors
    ///
    /// As [`Self::quantile_axis`].
    pub fn median_axis<'a, S>(&'a self, a: &'a S, axis: Axis) -> Along<'a, S>
    where
        S: Source<Elem: Real, Dim: RemoveAxis>,
    {
        self.medians(a, axis, true)
    }

    /// [`Self::nan_median`] along an axis: `np.nanmedian(a, axis)`.
    ///
    /// # Errors
    ///
    /// As [`Self::median_axis`].
    pub fn nan_median_axis<'a, S>(&'a self, a: &'a S, axis: Axis) -> Along<'a, S>
    where
        S: Source<Elem: Real, Dim: RemoveAxis>,
    {
        self.medians(a, axis, false)
    }

    fn quantiles<'a, S>(&'a self, a: &'a S, wanted: Wanted<'a>, axis: Axis, propagate: bool) -> Output<'a, f64, S::Dim>
    where
        S: Source<Elem: Real>,
    {
        let mut dim = a.dim();
        if axis.index() < dim.ndim() {
            dim.slice_mut()[..=axis.index()].rotate_right(1);
            dim[0] = wanted.len();
        }
        Output::new(self, dim, a.order(), move |store| self.along(a, &wanted, axis, propagate, store))
    }

    fn medians<'a, S>(&'a self, a: &'a S, axis: Axis, propagate: bool) -> Along<'a, S>
    where
        S: Source<Elem: Real, Dim: RemoveAxis>,
    {
        // The run refuses an axis that is not there.
        let lens = a.dim();
        let mut dim = <S::Dim as Dimension>::Smaller::zeros(lens.ndim().saturating_sub(1));
        let others = lens.slice().iter().enumerate().filter(|&(at, _)| at != axis.index());
        dim.slice_mut().iter_mut().zip(others).for_each(|(len, (_, &there))| *len = there);
        Output::new(self, dim, a.order(), move |store| self.along(a, &Wanted::Median, axis, propagate, store))
    }

    fn along<S: Source<Elem: Real>>(
        &self,
        a: &S,
        wanted: &Wanted<'_>,
        axis: Axis,
        propagate: bool,
        store: &dyn Store<f64>,
    ) -> Result<()> {
        wanted.check()?;
        let shape = shape_of(a);
        let Some(&len) = shape.get(axis.index()) else {
            let message = format!("axis {} of an array with {} axes", axis.index(), shape.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        shape::sizes(&shape, size_of::<S::Elem>() as u64)?;
        let (before, after) = (&shape[..axis.index()], &shape[axis.index() + 1..]);
        let (outer, inner) = match a.order() {
            Order::C => (before, after),
            Order::F => (after, before),
        };
        let [outer, inner] = [outer, inner].map(|shape| shape.iter().product::<u64>());
        let places = Places { store, order: a.order(), lanes: outer * inner, results: wanted.len() };
        if places.lanes == 0 || places.results == 0 {
            return Ok(());
        }
        if len == 0 {
            if propagate && matches!(wanted, Wanted::Quantiles(..)) {
                return Err(Error::new(ErrorKind::InvalidArgument, "quantile of no element along the axis"));
            }
            return places.nothing(self.grid.block_of::<f64>());
        }
        self.along_lines(a, Extent { outer, len, inner }, wanted, propagate, &places)
    }

    fn along_lines<T: Real>(
        &self,
        source: &dyn Blocks<T>,
        extent: Extent,
        wanted: &Wanted<'_>,
        propagate: bool,
        places: &Places<'_>,
    ) -> Result<()> {
        let place = |first: u64, results: &[f64]| places.write(first, results);
        if select_lines(self, source, extent, wanted, propagate, &place)? {
            return Ok(());
        }
        let width = self.group::<T>(extent, wanted.len() as u64);
        for outer in 0..extent.outer {
            for column in (0..extent.inner).step_by(usize::try_from(width).unwrap_or(usize::MAX)) {
                let lines = extent.lines(outer, column, width.min(extent.inner - column));
                let found = search(self, source, lines, wanted, propagate)?;
                let results: Vec<f64> = found.iter().flat_map(|found| answers(found, wanted, propagate)).collect();
                places.write(outer * extent.inner + column, &results)?;
            }
        }
        Ok(())
    }

    /// How many neighbouring lines are searched in the same passes: all that share pages, as far as there is memory for a
    /// sample of 256 rows and for the coarsest histograms.
    fn group<T: Real>(&self, extent: Extent, results: u64) -> u64 {
        let native = size_of::<<T as Number>::Native>() as u64;
        let size = size_of::<T>() as u64;
        let sharing = if extent.inner * size <= DENSE { extent.inner } else { (4096 / size).max(1) };
        sharing.min(self.budget() / (16 * 256 * native)).min(self.budget() / (8 * 2048 * results)).max(1)
    }
}

/// Where the results of a line go.
struct Places<'a> {
    store: &'a dyn Store<f64>,
    order: Order,
    lanes: u64,
    /// Results of a line.
    results: usize,
}

impl Places<'_> {
    /// Writes the results of some neighbouring lines, given line by line.
    fn write(&self, first: u64, results: &[f64]) -> Result<()> {
        match self.order {
            Order::F => self.store.write(first * self.results as u64, results),
            Order::C if self.results == 1 => self.store.write(first, results),
            Order::C => (0..self.results).try_for_each(|at| {
                let run: Vec<f64> = results[at..].iter().step_by(self.results).copied().collect();
                self.store.write(at as u64 * self.lanes + first, &run)
            }),
        }
    }

    /// Writes NaN everywhere.
    fn nothing(&self, block: usize) -> Result<()> {
        let count = self.lanes * self.results as u64;
        (0..count).step_by(block).try_for_each(|start| {
            let here = usize::try_from(count - start).map_or(block, |left| left.min(block));
            self.store.write(start, &vec![f64::NAN; here])
        })
    }
}
