//! Gram matrices, covariances, correlations.

use ndarray::{Dimension, Ix2, RemoveAxis};

use super::entry::{Field, RealEntry, Tile};
use super::factor::Scaled;
use super::matrix::{Matrix, Reader, in_memory};
use super::product::{Part, mirror};
use super::scaling::Columns;
use crate::compute::engine::{Load, Store};
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// Means of columns, and sums of products of the distances from them (the lower triangle).
struct Spread {
    count: f64,
    mean: Vec<f64>,
    sums: Vec<f64>,
}

impl Spread {
    fn new(cols: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; cols], sums: vec![0.0; cols * cols] }
    }

    /// Takes in a band of rows, centred on its own means. The distance of these means from those so far counts as one
    /// more row: the formula of Chan, Golub and LeVeque (1979) as a part of the product, so that nothing cancels.
    fn push(&mut self, band: Tile<'_, f64>, buffer: &mut Vec<f64>) {
        let count = band.rows as f64;
        let all = self.count + count;
        let mean = means(band);
        let weight = (self.count * count / all).sqrt();
        let step: Vec<f64> = mean.iter().zip(&self.mean).map(|(new, old)| new - old).collect();
        let between = step.iter().map(|step| step * weight);
        buffer.clear();
        match band.order {
            Order::C => {
                vectorised(
                    #[inline(always)]
                    || band.lines().for_each(|row| buffer.extend(row.iter().zip(&mean).map(|(x, mean)| x - mean))),
                );
                buffer.extend(between);
            }
            Order::F => {
                for ((col, mean), between) in band.lines().zip(&mean).zip(between) {
                    vectorised(
                        #[inline(always)]
                        || buffer.extend(col.iter().map(|x| x - mean)),
                    );
                    buffer.push(between);
                }
            }
        }
        let rows = band.rows + 1;
        let stride = if band.order == Order::C { band.cols } else { rows };
        let centred = Tile { items: buffer, rows, cols: band.cols, stride, order: band.order };
        f64::accumulate_lower(&mut self.sums, centred.t(), centred);
        self.mean.iter_mut().zip(&step).for_each(|(mean, step)| *mean += step * (count / all));
        self.count = all;
    }

    /// Takes in what was found in the rows that follow.
    fn merge(&mut self, next: &Self) {
        let all = self.count + next.count;
        let weight = self.count * next.count / all;
        let step: Vec<f64> = next.mean.iter().zip(&self.mean).map(|(new, old)| new - old).collect();
        let cols = self.mean.len();
        for (i, (sums, new)) in self.sums.chunks_mut(cols).zip(next.sums.chunks(cols)).enumerate() {
            for (j, (sum, new)) in sums[..=i].iter_mut().zip(new).enumerate() {
                *sum += new + step[i] * step[j] * weight;
            }
        }
        self.mean.iter_mut().zip(&step).for_each(|(mean, step)| *mean += step * (next.count / all));
        self.count = all;
    }

    /// The standard deviations, without a correction of the degrees of freedom.
    fn std(&self) -> Vec<f64> {
        let cols = self.mean.len();
        self.sums.iter().step_by(cols + 1).map(|sum| (sum / self.count).sqrt()).collect()
    }
}

/// The means of the columns of a band.
fn means(band: Tile<'_, f64>) -> Vec<f64> {
    let mut sums = vec![0.0; band.cols];
    match band.order {
        Order::C => vectorised(
            #[inline(always)]
            || {
                for row in band.lines() {
                    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                }
            },
        ),
        Order::F => {
            for (sum, col) in sums.iter_mut().zip(band.lines()) {
                *sum = col.chunks(64).map(|items| items.iter().sum::<f64>()).sum();
            }
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= band.rows as f64);
    sums
}

/// What becomes of the sums of products of centred columns.
#[derive(Clone, Copy, Debug)]
enum Finish {
    /// They are divided by it.
    Divided(f64),
    /// They are divided by the standard deviations; the columns without one become 0.
    Standardised,
    /// They become correlations.
    Correlations,
}

impl Job<'_> {
    /// The Gram matrix `a^T a` of the columns, in `f64`; [`Columns`] says whether they are centred or standardised
    /// first, which is part of the same pass.
    ///
    /// One triangle is computed, and mirrored. Rows are read once, in bands, where there are at most 1024 columns; or
    /// once where the memory holds the result, and a second time before, for the means, where they are wanted; or as
    /// often as [`Self::matmul`] says. Each entry is a sum of sums of 256 terms; its error is at most `m * epsilon`
    /// times the sum of the absolute values of its `m` terms. A NaN or an infinity spreads to the row and the column of
    /// its column.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the array does not have two axes. When it is computed: those of reading and writing,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Columns;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1_i32, 2], [3, 6]];
    /// let job = Job::new();
    /// assert_eq!(job.gram(&a, Columns::AsIs)?.to_array()?, array![[10.0, 20.0], [20.0, 40.0]]);
    /// assert_eq!(job.gram(&a, Columns::Centred)?.to_array()?, array![[2.0, 4.0], [4.0, 8.0]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn gram<'a, S>(&'a self, a: &'a S, columns: Columns) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        match columns {
            Columns::AsIs => {
                let scaled = Scaled { matrix: two_axes(a)?, columns: None };
                let cols = in_memory(scaled.matrix.cols);
                Ok(Output::new(self, Ix2(cols, cols), Order::C, move |store| {
                    self.product((&scaled, &scaled, Part::Symmetric), &|_| (), store)
                }))
            }
            Columns::Centred => self.centred_products(a, Finish::Divided(1.0)),
            Columns::Standardised => self.centred_products(a, Finish::Standardised),
        }
    }

    /// The covariances of the columns, in `f64`, as `np.cov(a, rowvar=False, ddof=ddof)`: NumPy's default for `ddof` is
    /// 1. For variables in rows, NumPy's default, give [`Transposed(&a)`](crate::compute::Transposed).
    ///
    /// Each band of rows is centred on its own means before it is multiplied, and bands are merged by the formula of
    /// Chan, Golub and LeVeque, so data far from zero lose no precision. With more than 1024 columns the means are
    /// found in a pass of their own. A NaN or an infinity makes the row and the column of its column NaN; `m - ddof <=
    /// 0` makes the result NaN or infinite.
    ///
    /// # Errors
    ///
    /// As [`Self::gram`].
    pub fn cov<'a, S>(&'a self, a: &'a S, ddof: f64) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        let rows = two_axes(a)?.rows;
        self.centred_products(a, Finish::Divided((rows as f64 - ddof).max(0.0)))
    }

    /// The correlations of the columns, in `f64`, as `np.corrcoef(a, rowvar=False)`, between -1 and 1. For variables in
    /// rows, NumPy's default, give [`Transposed(&a)`](crate::compute::Transposed).
    ///
    /// Found as [`Self::cov`] is. A column whose elements are all the same has the correlation NaN with every other one
    /// and itself.
    ///
    /// # Errors
    ///
    /// As [`Self::gram`].
    pub fn corr<'a, S>(&'a self, a: &'a S) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        self.centred_products(a, Finish::Correlations)
    }

    fn centred_products<'a, S>(&'a self, a: &'a S, finish: Finish) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        let matrix = two_axes(a)?;
        let cols = in_memory(matrix.cols);
        Ok(Output::new(self, Ix2(cols, cols), Order::C, move |store| {
            let small = self.grid.block_of::<f64>() as u64 * 16;
            if matrix.cols.saturating_mul(matrix.cols) <= small {
                return self.small_spread(matrix, finish, store);
            }
            let mut affine = match finish {
                Finish::Divided(_) => self.affine(a, Columns::Centred)?,
                Finish::Standardised => self.affine(a, Columns::Standardised)?,
                Finish::Correlations => Some(self.affine_by(a, |std| 1.0 / std)?),
            };
            if matrix.rows == 0 {
                affine = None;
            }
            let scaled = Scaled { matrix, columns: affine.as_ref() };
            let rows = matrix.rows as f64;
            let last = move |items: &mut [f64]| match finish {
                Finish::Divided(by) => items.iter_mut().for_each(|item| *item /= by),
                Finish::Standardised => {}
                Finish::Correlations => items.iter_mut().for_each(|item| *item = (*item / rows).clamp(-1.0, 1.0)),
            };
            self.product((&scaled, &scaled, Part::Symmetric), &last, store)
        }))
    }

    /// A result that each worker has room for, in one pass.
    fn small_spread<T: RealEntry>(&self, matrix: Matrix<'_, T>, finish: Finish, store: &dyn Store<f64>) -> Result<()> {
        let cols = in_memory(matrix.cols);
        if cols == 0 {
            return Ok(());
        }
        let slab = self.slab(matrix.cols, matrix.cols);
        // With the row that links it to the bands before, a band is as deep as a product likes it.
        let band = self.band(matrix.cols) - 1;
        let bytes = matrix.cols * matrix.cols * size_of::<f64>() as u64;
        let load = Load {
            units: matrix.rows.div_ceil(slab),
            bytes: matrix.bytes(),
            scratch: 2 * bytes + (band + 1) * matrix.cols * (Reader::<T>::cost() + size_of::<f64>() as u64),
            held: bytes,
        };
        let mut total = Spread::new(cols);
        self.in_order(
            load,
            || (Reader::default(), Vec::new()),
            |(reader, buffer), unit, shift| {
                let mut spread = Spread::new(cols);
                let end = matrix.rows.min((unit + 1) * slab);
                for start in (unit * slab..end).step_by(in_memory(band)) {
                    shift.check()?;
                    let rows = start..end.min(start + band);
                    spread.push(matrix.reals(&rows, &(0..matrix.cols), reader)?, buffer);
                    shift.done((rows.end - rows.start) * matrix.cols * size_of::<T>() as u64);
                }
                Ok(spread)
            },
            |_, spread| {
                if total.count == 0.0 {
                    total = spread;
                } else {
                    total.merge(&spread);
                }
                Ok(())
            },
        )?;
        let std = total.std();
        mirror(&mut total.sums, cols);
        for (row, items) in total.sums.chunks_mut(cols).enumerate() {
            for (item, std_of_col) in items.iter_mut().zip(&std) {
                *item = match finish {
                    Finish::Divided(by) => *item / by,
                    Finish::Standardised if std[row] == 0.0 || *std_of_col == 0.0 => 0.0,
                    Finish::Standardised => *item / std[row] / std_of_col,
                    Finish::Correlations => (*item / total.count / std[row] / std_of_col).clamp(-1.0, 1.0),
                };
            }
        }
        store.write(0, &total.sums)
    }
}

/// The matrix of a source with two axes.
pub(super) fn two_axes<S: Source<Elem: RealEntry>>(a: &S) -> Result<Matrix<'_, S::Elem>> {
    match a.dim().ndim() {
        2 => Matrix::new(a),
        axes => Err(Error::new(ErrorKind::Shape, format!("an array with {axes} axes is no matrix"))),
    }
}
