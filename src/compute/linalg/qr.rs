//! QR factorisations of tall matrices, and least squares by them.
//!
//! The rows are cut into slabs, each of which is factored in memory; the triangles are factored again, one after the
//! other: TSQR by Demmel, Grigori, Hoemmen and Langou (2012). The orthogonal factor is made in a second pass from the
//! factors of the slabs, which are computed anew, and those of the triangles, which are kept in a temporary file: the
//! "direct" method of Benson, Gleich and Demmel (2013), stable for matrices of any condition.

use std::ops::Range;

use faer::prelude::ReborrowMut;
use faer::{Mat, MatMut, MatRef};
use ndarray::{Array, Array1, Array2, Dimension, Ix2, RemoveAxis};

use super::dense::{Qr, Svd, product, stack, to_array};
use super::entry::RealEntry;
use super::gram::two_axes;
use super::matrix::{Matrix, Reader, in_memory};
use crate::compute::engine::{Load, ScratchFile, Store};
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// What [`Job::lstsq`] finds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LeastSquares<D: Dimension> {
    /// The coefficients, a column for each column of `b`: the shortest of all that make the residuals smallest.
    pub coefficients: Array<f64, D>,
    /// The sum of the squares of the residuals, for each column of `b`.
    pub residuals: Array1<f64>,
    /// The number of singular values that count.
    pub rank: usize,
    /// The singular values of `a`, in descending order.
    pub singular_values: Array1<f64>,
}

/// The rows of the slabs, each of which is factored on its own: the last one has what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slabs {
    rows: u64,
    each: u64,
    count: u64,
}

impl Slabs {
    pub(super) fn rows(&self, slab: u64) -> Range<u64> {
        slab * self.each..if slab + 1 == self.count { self.rows } else { (slab + 1) * self.each }
    }

    fn longest(&self) -> u64 {
        self.rows - self.each * (self.count - 1)
    }
}

/// Rows of a matrix as a matrix in memory, in place of the columns from `col` on.
fn fill<T: RealEntry>(
    mut slab: MatMut<'_, f64>,
    matrix: &Matrix<'_, T>,
    rows: &Range<u64>,
    reader: &mut Reader<T>,
) -> Result<()> {
    /// Elements that are read at once.
    const PIECE: u64 = 1 << 16;
    let piece = (PIECE / matrix.cols.max(1)).max(256);
    for start in (rows.start..rows.end).step_by(in_memory(piece)) {
        let now = start..rows.end.min(start + piece);
        let count = in_memory(now.end - now.start);
        let tile = matrix.reals(&now, &(0..matrix.cols), reader)?;
        slab.rb_mut().subrows_mut(in_memory(start - rows.start), count).copy_from(tile.mat());
    }
    Ok(())
}

/// The first `cols` columns hold `r`: signs such that its diagonal is not negative.
fn signs(r: MatRef<'_, f64>) -> Vec<f64> {
    (0..r.nrows().min(r.ncols())).map(|i| if r[(i, i)] < 0.0 { -1.0 } else { 1.0 }).collect()
}

impl Job<'_> {
    /// How the rows of a matrix with so many columns are cut.
    pub(super) fn slabs(&self, rows: u64, cols: u64) -> Slabs {
        let items = self.grid.block_of::<f64>() as u64 * 2;
        let each = (items / cols.max(1)).max(8 * cols).max(1);
        Slabs { rows, each, count: (rows / each).max(1) }
    }

    /// The triangle of a matrix whose slabs `read` fills in; `join` gets the Householder form of each two triangles
    /// that are joined.
    fn triangle<W>(
        &self,
        (slabs, cols, load): (Slabs, u64, Load),
        worker: impl Fn() -> W + Sync,
        read: impl Fn(MatMut<'_, f64>, &Range<u64>, &mut W) -> Result<()> + Sync,
        mut join: impl FnMut(u64, Qr) -> Result<()> + Send,
    ) -> Result<Mat<f64>> {
        let mut total: Option<Mat<f64>> = None;
        self.in_order(
            load,
            worker,
            |worker, unit, shift| {
                let rows = slabs.rows(unit);
                let mut slab = Mat::zeros(in_memory(rows.end - rows.start), in_memory(cols));
                read(slab.as_mut(), &rows, worker)?;
                shift.done(load.bytes / slabs.rows.max(1) * (rows.end - rows.start));
                Ok(Qr::new(slab).r())
            },
            |unit, r| {
                total = Some(match total.take() {
                    None => r,
                    Some(above) => {
                        let both = Qr::new(stack(above.as_ref(), r.as_ref()));
                        let r = both.r();
                        join(unit, both)?;
                        r
                    }
                });
                Ok(())
            },
        )?;
        Ok(total.unwrap_or_else(|| Mat::zeros(0, in_memory(cols))))
    }

    /// The factors `a = q r` of a tall matrix, in `f64`, as `np.linalg.qr` in its mode `reduced`: an array whose
    /// `min(m, n)` columns are orthonormal, and with it, as what [`Output::save`] returns, the upper triangular `r`,
    /// which must fit memory.
    ///
    /// The diagonal of `r` is not negative, so that the factors of a matrix of full rank are the only ones; NumPy's
    /// differ by the signs of rows and columns. Two passes over the array; `q` is orthogonal to machine precision for a
    /// matrix of any condition. Slabs of `max(8 n, 131072 / n)` rows are factored in memory. A NaN or an infinity
    /// spreads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the array does not have two axes. When it is computed: those of reading and writing,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[3.0_f64, 1.0], [4.0, 2.0], [0.0, 2.0]];
    /// let (q, r) = Job::new().qr(&a)?.to_array_and_report()?;
    /// assert_eq!(r.dim(), (2, 2));
    /// assert!((&q.dot(&r) - &a).iter().all(|x| x.abs() < 1e-14));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn qr<'a, S>(&'a self, a: &'a S) -> Result<Output<'a, f64, Ix2, Array2<f64>>>
    where
        S: Source<Elem: RealEntry>,
    {
        let matrix = two_axes(a)?;
        let size = matrix.rows.min(matrix.cols);
        let dim = Ix2(in_memory(matrix.rows), in_memory(size));
        Ok(Output::new(self, dim, Order::C, move |store| self.both_factors(matrix, store)))
    }

    fn both_factors<T: RealEntry>(&self, matrix: Matrix<'_, T>, store: &dyn Store<f64>) -> Result<Array2<f64>> {
        let (cols, size) = (in_memory(matrix.cols), in_memory(matrix.rows.min(matrix.cols)));
        if size == 0 {
            return Ok(Array2::zeros((0, cols)));
        }
        let slabs = self.slabs(matrix.rows, matrix.cols);
        // The orthogonal factor of each two triangles, column by column; later the share of each slab in the same
        // place.
        let kept = ScratchFile::new(self)?;
        let place = |unit: u64| unit * 2 * (cols * cols) as u64;
        let write = |unit: u64, q: MatRef<'_, f64>| -> Result<()> {
            let items: Vec<f64> = q.col_iter().flat_map(|col| col.iter().copied()).collect();
            kept.write(place(unit), &items)
        };
        let read = |unit: u64, rows: usize, cols: usize| -> Result<Mat<f64>> {
            let mut items = vec![0.0; rows * cols];
            kept.read(place(unit), &mut items)?;
            Ok(MatRef::from_column_major_slice(&items, rows, cols).to_owned())
        };
        // What the kernels set aside to pack their operands, much of which they never touch.
        let packed = (self.budget() / 4).min(4 << 20);
        let load = |copies| {
            let load = qr_load::<T>(slabs, matrix.cols, matrix.bytes(), copies);
            Load { scratch: load.scratch + packed, ..load }
        };
        let r = self.triangle(
            (slabs, matrix.cols, load(3)),
            Reader::default,
            |slab, rows, reader| fill(slab, &matrix, rows, reader),
            |unit, both| write(unit, both.into_q().as_ref()),
        )?;
        let signs = signs(r.as_ref());
        // From the last triangle to the first: what the orthogonal factor of each slab is multiplied by.
        let mut share = Mat::from_fn(size, size, |i, j| if i == j { signs[j] } else { 0.0 });
        for unit in (1..slabs.count).rev() {
            let both = product(read(unit, 2 * cols, cols)?.as_ref(), share.as_ref());
            write(unit, both.subrows(cols, cols))?;
            share = both.subrows(0, cols).to_owned();
        }
        write(0, share.as_ref())?;
        self.in_order(
            load(4),
            Reader::default,
            |reader, unit, shift| {
                let rows = slabs.rows(unit);
                let mut slab = Mat::zeros(in_memory(rows.end - rows.start), cols);
                fill(slab.as_mut(), &matrix, &rows, reader)?;
                // Each step lets go of what the one before was made of.
                let own = Qr::new(slab).into_q();
                let q = product(own.as_ref(), read(unit, size, size)?.as_ref());
                drop(own);
                let items: Vec<f64> = q.row_iter().flat_map(|row| row.iter().copied()).collect();
                drop(q);
                store.write(rows.start * size as u64, &items)?;
                shift.done((rows.end - rows.start) * matrix.cols * size_of::<T>() as u64);
                Ok(())
            },
            |_, ()| Ok(()),
        )?;
        let mut r = to_array(r.as_ref());
        r.rows_mut().into_iter().zip(&signs).for_each(|(mut row, &sign)| row *= sign);
        // No negative zeros below the diagonal.
        r.mapv_inplace(|x| x + 0.0);
        Ok(r)
    }

    /// The coefficients `x` that make the sum of the squares of `b - a x` smallest, in `f64`, as `np.linalg.lstsq`; `b`
    /// is a vector or has a column for each problem.
    ///
    /// One pass over `a` and `b`: the triangle of both beside each other (TSQR), then the singular values of its part
    /// that belongs to `a`. Singular values up to `rcond` times the largest one count as 0; without it, `epsilon *
    /// max(m, n)`, as in NumPy. Residuals are given for any rank, where NumPy gives none for a matrix without full
    /// rank. The error is that of Householder's method, which is backward stable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where `a` does not have two axes, `b` not one or two, or their rows are not as many;
    /// [`ErrorKind::InvalidElement`] where there is a NaN or an infinity; those of reading; [`ErrorKind::Cancelled`],
    /// [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// // A line through three points.
    /// let a = array![[1.0_f64, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let fit = Job::new().lstsq(&a, &array![1.0_f64, 3.0, 5.0], None)?;
    /// assert!((&fit.coefficients - &array![1.0, 2.0]).iter().all(|x| x.abs() < 1e-14));
    /// assert_eq!(fit.rank, 2);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn lstsq<A, B>(&self, a: &A, b: &B, rcond: Option<f64>) -> Result<LeastSquares<B::Dim>>
    where
        A: Source<Elem: RealEntry>,
        B: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        let (left, right) = (two_axes(a)?, Matrix::new(b)?);
        if left.rows != right.rows {
            let message =
                format!("least squares of a matrix of shape {} and one of shape {}", left.shown(), right.shown());
            return Err(Error::new(ErrorKind::Shape, message).with_hint("give as many rows in both"));
        }
        let (both, bytes) = (left.cols + right.cols, left.bytes() + right.bytes());
        let slabs = self.slabs(left.rows, both);
        let load = qr_load::<A::Elem>(slabs, both, bytes, 3);
        let r = self.triangle(
            (slabs, both, load),
            || (Reader::default(), Reader::default()),
            |slab, rows, (of_a, of_b)| {
                let (a, b) = slab.split_at_col_mut(in_memory(left.cols));
                fill(a, &left, rows, of_a)?;
                fill(b, &right, rows, of_b)
            },
            |_, _| Ok(()),
        )?;
        let (cols, all) = (in_memory(left.cols), r.ncols());
        let upper = r.nrows().min(cols);
        let svd = Svd::new(r.submatrix(0, 0, upper, cols))?;
        let wide = right.cols;
        let floor =
            rcond.unwrap_or(f64::EPSILON * left.rows.max(left.cols) as f64) * svd.s.first().copied().unwrap_or(0.0);
        let rank = svd.s.iter().filter(|&&s| s > floor).count();
        let known = r.submatrix(0, cols, upper, all - cols);
        let along = product(svd.u.subcols(0, rank).transpose(), known);
        let scaled = Mat::from_fn(rank, all - cols, |i, j| along[(i, j)] / svd.s[i]);
        let x = product(svd.v.subcols(0, rank), scaled.as_ref());
        let missed = known - product(svd.u.subcols(0, rank), along.as_ref());
        let below = r.submatrix(upper, cols, r.nrows() - upper, all - cols);
        let squares = |m: MatRef<'_, f64>, col: usize| m.col(col).iter().map(|x| x * x).sum::<f64>();
        let residuals = (0..in_memory(wide)).map(|col| squares(missed.as_ref(), col) + squares(below, col)).collect();
        let mut dim = b.dim();
        dim.slice_mut()[0] = cols;
        let coefficients = Array::from_shape_vec(dim, to_array(x.as_ref()).into_raw_vec_and_offset().0);
        let coefficients = coefficients.map_err(|error| Error::new(ErrorKind::Shape, error.to_string()))?;
        Ok(LeastSquares { coefficients, residuals, rank, singular_values: svd.s.into() })
    }
}

/// The triangle of two triangles, the first of which may be missing.
pub(super) fn join(above: Option<Mat<f64>>, r: Mat<f64>) -> Mat<f64> {
    match above {
        None => r,
        Some(above) => Qr::new(stack(above.as_ref(), r.as_ref())).r(),
    }
}

/// What factoring slabs takes: so many copies of a slab (its factors, what is made of them, what the kernels pack), and
/// triangles that are joined.
fn qr_load<T: RealEntry>(slabs: Slabs, cols: u64, bytes: u64, copies: u64) -> Load {
    let itemsize = size_of::<f64>() as u64;
    Load {
        units: slabs.count,
        bytes,
        scratch: (copies * slabs.longest() + 2 * cols) * cols * itemsize + (1 << 16) * Reader::<T>::cost(),
        held: 5 * cols * cols * itemsize,
    }
}
