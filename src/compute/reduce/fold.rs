//! What an operation is to the engine: its arithmetic on a run, on a band, and on two partial results.

use crate::compute::kernel::{Columns, Native, Rows, vectorised, without_nan};

/// The arithmetic of one operation. It knows nothing of blocks, threads or files.
pub(in crate::compute) trait Fold<N: Native>: Copy + Send + Sync {
    /// A partial result.
    type Cell: Copy + Send + Sync;
    /// What a worker remembers from run to run to save work; it never changes the result.
    type Hint: Default;

    /// The result of no element.
    fn empty(self) -> Self::Cell;

    /// The result of a run of at least one element.
    fn run(self, place: Place<'_>, items: &[N], hint: &mut Self::Hint, kept: &mut Vec<N>) -> Self::Cell;

    /// The results of the columns of a band whose first row has the index `first`.
    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Self::Cell>;

    /// Folds `b` into its left neighbour `a`.
    fn merge(self, a: &mut Self::Cell, b: Self::Cell);

    /// Whether the result over all elements is known already, whatever the elements to come are.
    fn settled(&self) -> bool {
        false
    }
}

/// Whether a result is NaN where an element is, or describes the other elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compute) enum Nan {
    Propagate,
    Ignore,
}

/// Where a run lies.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Place<'a> {
    /// The position of its first element in storage order, or the index along the axis.
    pub(in crate::compute) start: u64,
    /// The shape, where storage is column-major and the index asked for is row-major.
    pub(in crate::compute) fortran: Option<&'a [u64]>,
}

impl Place<'_> {
    pub(in crate::compute) fn along(start: u64) -> Self {
        Self { start, fortran: None }
    }
}

/// What one pass over a run shows.
pub(in crate::compute) struct Look<'a, N: Native> {
    /// The elements that are not NaN.
    pub(in crate::compute) values: &'a [N],
    pub(in crate::compute) survey: crate::compute::kernel::Survey<N>,
    pub(in crate::compute) nan: u64,
    pub(in crate::compute) inf: u64,
}

/// Surveys a run without its NaN. As long as the sum is finite there is none, and nothing is copied.
pub(in crate::compute) fn look<'a, N: Native, const EXTREMES: bool, const ZEROS: bool>(
    items: &'a [N],
    kept: &'a mut Vec<N>,
) -> Look<'a, N> {
    let survey = vectorised(
        #[inline(always)]
        || N::survey::<true, EXTREMES, ZEROS>(items),
    );
    if N::is_finite(survey.sum) {
        return Look { values: items, survey, nan: 0, inf: 0 };
    }
    let inf = without_nan(items, kept);
    let values = &kept[..];
    let survey = vectorised(
        #[inline(always)]
        || N::survey::<true, EXTREMES, ZEROS>(values),
    );
    Look { values, survey, nan: (items.len() - values.len()) as u64, inf }
}

/// Replaces the cells of the columns whose sum is not finite: each is taken out and folded as a run.
pub(in crate::compute) fn mend<N: Native, F: Fold<N>>(
    fold: F,
    first: u64,
    band: Rows<'_, N>,
    columns: &mut Columns<N>,
    cells: &mut [F::Cell],
) {
    if N::NAN.is_none() {
        return;
    }
    let mut column = std::mem::take(&mut columns.column);
    for (at, (cell, &sum)) in cells.iter_mut().zip(&columns.sums).enumerate() {
        if !N::is_finite(sum) {
            band.column(at, &mut column);
            *cell = fold.run(Place::along(first), &column, &mut F::Hint::default(), &mut columns.kept);
        }
    }
    columns.column = column;
}
