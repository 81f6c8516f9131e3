//! Count and sum.

use super::fold::{Fold, Nan, Place, look, mend};
use crate::compute::kernel::{Columns, Native, Rows, vectorised};

/// The sum of the elements, and how many they are.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Total<N: Native> {
    pub(in crate::compute) count: u64,
    pub(in crate::compute) sum: N::Sum,
}

impl<N: Native> Default for Total<N> {
    fn default() -> Self {
        Self { count: 0, sum: N::Sum::default() }
    }
}

impl<N: Native> Total<N> {
    pub(in crate::compute) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
    }

    pub(in crate::compute) fn mean(self) -> N::Center {
        match self.count {
            0 => N::nan_center(),
            count => N::center(self.sum, count),
        }
    }
}

/// Sums.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Totals(pub(in crate::compute) Nan);

impl<N: Native> Fold<N> for Totals {
    type Cell = Total<N>;
    type Hint = ();

    fn empty(self) -> Total<N> {
        Total::default()
    }

    fn run(self, _: Place<'_>, items: &[N], (): &mut (), kept: &mut Vec<N>) -> Total<N> {
        if self.0 == Nan::Ignore && N::NAN.is_some() {
            let look = look::<N, false, false>(items, kept);
            return Total { count: look.values.len() as u64, sum: look.survey.sum };
        }
        let survey = vectorised(
            #[inline(always)]
            || N::survey::<true, false, false>(items),
        );
        Total { count: items.len() as u64, sum: survey.sum }
    }

    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Total<N>> {
        vectorised(
            #[inline(always)]
            || columns.sum(band),
        );
        let count = band.rows as u64;
        let mut cells: Vec<_> = columns.sums.iter().map(|&sum| Total { count, sum }).collect();
        if self.0 == Nan::Ignore {
            mend(self, first, band, columns, &mut cells);
        }
        cells
    }

    fn merge(self, a: &mut Total<N>, b: Total<N>) {
        a.merge(b);
    }
}
