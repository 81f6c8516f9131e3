//! A band of rows, reduced column by column.

use super::{Center, LANES, Native, WIDE};

/// Some rows of equal width, their beginnings `stride` elements apart.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Rows<'a, N> {
    pub(in crate::compute) items: &'a [N],
    pub(in crate::compute) rows: usize,
    pub(in crate::compute) width: usize,
    pub(in crate::compute) stride: usize,
}

impl<'a, N: Native> Rows<'a, N> {
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [N] {
        &self.items[row * self.stride..][..self.width]
    }

    /// One column, appended to the empty buffer.
    pub(in crate::compute) fn column(&self, column: usize, out: &mut Vec<N>) {
        out.clear();
        out.extend(self.items[column..].iter().step_by(self.stride).take(self.rows));
    }
}

/// What is known of each column of a band; the buffers are kept from band to band.
#[derive(Debug)]
pub(in crate::compute) struct Columns<N: Native> {
    row_sums: Vec<N::RowSum>,
    pub(in crate::compute) sums: Vec<N::Sum>,
    /// Sum of the distances from the mean, and of their squares.
    pub(in crate::compute) spreads: Vec<(N::Center, f64)>,
    /// Smallest and largest element with their first rows.
    pub(in crate::compute) extremes: Vec<[(N, u32); 2]>,
    pub(in crate::compute) zeros: Vec<u32>,
    /// Room for one column, and for one column without its NaN.
    pub(in crate::compute) column: Vec<N>,
    pub(in crate::compute) kept: Vec<N>,
}

impl<N: Native> Default for Columns<N> {
    fn default() -> Self {
        Self {
            row_sums: Vec::new(),
            sums: Vec::new(),
            spreads: Vec::new(),
            extremes: Vec::new(),
            zeros: Vec::new(),
            column: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl<N: Native> Columns<N> {
    /// Sums, in long sweeps along the rows, four rows at a time; this is the pass that brings the band into the cache.
    #[inline(always)]
    pub(in crate::compute) fn sum(&mut self, band: Rows<'_, N>) {
        self.row_sums.clear();
        self.row_sums.resize(band.width, N::RowSum::default());
        let sums = &mut self.row_sums[..band.width];
        let mut row = 0;
        while row + 4 <= band.rows {
            let [a, b, c, d] = [0, 1, 2, 3].map(|next| &band.row(row + next)[..sums.len()]);
            for column in 0..sums.len() {
                let (ab, cd) = (a[column].widen() + b[column].widen(), c[column].widen() + d[column].widen());
                sums[column] = sums[column] + (ab + cd);
            }
            row += 4;
        }
        for row in row..band.rows {
            let items = &band.row(row)[..sums.len()];
            for column in 0..sums.len() {
                sums[column] = sums[column] + items[column].widen();
            }
        }
        self.sums.clear();
        self.sums.extend(sums.iter().map(|&sum| N::row_sum(sum)));
    }

    /// Distances from the means; after [`Self::sum`].
    #[inline(always)]
    pub(in crate::compute) fn spread(&mut self, band: Rows<'_, N>) {
        self.spreads.clear();
        self.spreads.reserve(band.width);
        let rows = band.rows as u64;
        for column in (0..band.width).step_by(WIDE) {
            let width = WIDE.min(band.width - column);
            let mut centers = [N::Center::default(); WIDE];
            let mut first = [N::Center::default(); WIDE];
            let mut second = [0.0; WIDE];
            for (center, &sum) in centers.iter_mut().zip(&self.sums[column..]) {
                *center = N::center(sum, rows);
            }
            for row in 0..band.rows {
                let items = &band.row(row)[column..][..width];
                for lane in 0..width {
                    let distance = items[lane].distance(centers[lane]);
                    first[lane] += distance;
                    second[lane] += distance.square();
                }
            }
            self.spreads.extend(first.into_iter().zip(second).take(width));
        }
    }

    /// Smallest and largest elements of columns without NaN, and the first rows of each.
    #[inline(always)]
    pub(in crate::compute) fn extremes(&mut self, band: Rows<'_, N>) {
        self.extremes.clear();
        self.extremes.reserve(band.width);
        for column in (0..band.width).step_by(WIDE) {
            let width = WIDE.min(band.width - column);
            let mut min = [N::default(); WIDE];
            let mut max = [N::default(); WIDE];
            let mut argmin = [0_u32; WIDE];
            let mut argmax = [0_u32; WIDE];
            min[..width].copy_from_slice(&band.row(0)[column..][..width]);
            max[..width].copy_from_slice(&band.row(0)[column..][..width]);
            for (row, at) in (1..band.rows).zip(1_u32..) {
                let items = &band.row(row)[column..][..width];
                for lane in 0..width {
                    let item = items[lane];
                    let below = item.less(min[lane]);
                    min[lane] = if below { item } else { min[lane] };
                    argmin[lane] = if below { at } else { argmin[lane] };
                }
                for lane in 0..width {
                    let item = items[lane];
                    let above = max[lane].less(item);
                    max[lane] = if above { item } else { max[lane] };
                    argmax[lane] = if above { at } else { argmax[lane] };
                }
            }
            self.extremes.extend((0..width).map(|lane| [(min[lane], argmin[lane]), (max[lane], argmax[lane])]));
        }
    }

    /// The same without the rows, which are 0.
    #[inline(always)]
    pub(in crate::compute) fn bounds(&mut self, band: Rows<'_, N>) {
        self.extremes.clear();
        self.extremes.reserve(band.width);
        for column in (0..band.width).step_by(LANES) {
            let width = LANES.min(band.width - column);
            let mut padded = [N::default(); LANES];
            padded[..width].copy_from_slice(&band.row(0)[column..][..width]);
            // In a block of their own the lanes stay in registers.
            let (min, max) = {
                let (mut min, mut max) = (padded, padded);
                for row in 1..band.rows {
                    let items = &band.row(row)[column..][..width];
                    let items: &[N; LANES] = match items.try_into() {
                        Ok(items) => items,
                        Err(_) => {
                            padded[..width].copy_from_slice(items);
                            &padded
                        }
                    };
                    for lane in 0..LANES {
                        let item = items[lane];
                        min[lane] = if item.less(min[lane]) { item } else { min[lane] };
                        max[lane] = if max[lane].less(item) { item } else { max[lane] };
                    }
                }
                (min, max)
            };
            self.extremes.extend((0..width).map(|lane| [(min[lane], 0), (max[lane], 0)]));
        }
    }

    /// Elements that equal 0.
    #[inline(always)]
    pub(in crate::compute) fn zeros(&mut self, band: Rows<'_, N>) {
        self.zeros.clear();
        self.zeros.resize(band.width, 0);
        for row in 0..band.rows {
            for (zeros, item) in self.zeros.iter_mut().zip(band.row(row)) {
                *zeros += u32::from(item.is_zero());
            }
        }
    }
}
