//! Products.

use ndarray::{Axis, RemoveAxis};

use super::fold::{Fold, Nan, Place, look};
use crate::compute::kernel::{Columns, Native, Product, Rows, vectorised};
use crate::compute::{Job, Number, Reduced, Source, Sum};
use crate::error::{Error, ErrorKind, Result};

/// Products.
#[derive(Clone, Copy, Debug)]
struct Products(Nan);

impl<N: Native> Fold<N> for Products {
    type Cell = N::Product;
    /// Whether an earlier run has made the product too large for anything but a factor of 0.
    type Hint = bool;

    fn empty(self) -> N::Product {
        N::Product::ONE
    }

    fn run(self, _: Place<'_>, items: &[N], lost: &mut bool, kept: &mut Vec<N>) -> N::Product {
        let ignore = self.0 == Nan::Ignore && N::NAN.is_some();
        let items = if ignore { look::<N, false, false>(items, kept).values } else { items };
        if *lost {
            let zeros = vectorised(
                #[inline(always)]
                || N::survey::<false, false, true>(items).zeros,
            );
            if zeros == 0 {
                return N::Product::ONE;
            }
        }
        let product = vectorised(
            #[inline(always)]
            || N::Product::of_run(items),
        );
        *lost |= product.is_lost();
        product
    }

    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<N::Product> {
        let mut column = std::mem::take(&mut columns.column);
        let each = |at: usize| {
            band.column(at, &mut column);
            self.run(Place::along(first), &column, &mut false, &mut columns.kept)
        };
        let products = vectorised(
            #[inline(always)]
            || N::Product::of_columns(band, each),
        );
        columns.column = column;
        products
    }

    fn merge(self, a: &mut N::Product, b: N::Product) {
        *a = a.times(b);
    }
}

fn value<N: Native>(product: N::Product) -> Result<N::Sum> {
    product.value().ok_or_else(|| {
        Error::new(ErrorKind::TooLarge, "the product does not fit a 128-bit integer")
            .with_hint("multiply the elements as f64, or add up their logarithms")
    })
}

impl Job<'_> {
    /// The product of all elements; 1 if there is none.
    ///
    /// Floats are multiplied in `f64` over a fixed tree, with exponents kept apart: the product is the nearest `f64` but for
    /// the rounding of each step, infinite or 0 only where it is beyond the range itself, whatever the products of some
    /// elements are. A NaN makes it NaN. Complex numbers are multiplied in `Complex<f64>` over the same tree. Integers are
    /// multiplied exactly.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let job = Job::new();
    /// assert_eq!(job.prod(&array![2_i32, -3, 7])?, -42);
    /// assert_eq!(job.prod(&array![1e200_f64, 1e200, 1e-200, 1e-200])?, 1.0);
    /// assert_eq!(job.nan_prod(&array![2.0, f64::NAN])?, 2.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::sum`]; [`ErrorKind::TooLarge`] where a product of integers does not fit an `i128`.
    pub fn prod<S: Source<Elem: Number>>(&self, a: &S) -> Result<Sum<S>> {
        value::<<S::Elem as Number>::Native>(self.reduce(a, Products(Nan::Propagate))?)
    }

    /// The product of the elements that are not NaN; otherwise like [`Self::prod`].
    ///
    /// # Errors
    ///
    /// As [`Self::prod`].
    pub fn nan_prod<S: Source<Elem: Number>>(&self, a: &S) -> Result<Sum<S>> {
        value::<<S::Elem as Number>::Native>(self.reduce(a, Products(Nan::Ignore))?)
    }

    /// [`Self::prod`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::sum_axis`] and [`Self::prod`].
    pub fn prod_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Sum<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let blank = <<S::Elem as Number>::Native as Native>::Sum::default();
        self.reduce_axis(a, axis, Products(Nan::Propagate), blank, value::<<S::Elem as Number>::Native>)
    }

    /// [`Self::nan_prod`] along an axis.
    ///
    /// # Errors
    ///
    /// As [`Self::prod_axis`].
    pub fn nan_prod_axis<S>(&self, a: &S, axis: Axis) -> Result<Reduced<S, Sum<S>>>
    where
        S: Source<Elem: Number, Dim: RemoveAxis>,
    {
        let blank = <<S::Elem as Number>::Native as Native>::Sum::default();
        self.reduce_axis(a, axis, Products(Nan::Ignore), blank, value::<<S::Elem as Number>::Native>)
    }
}
