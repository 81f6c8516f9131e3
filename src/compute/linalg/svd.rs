//! The largest singular values of a matrix in a few passes.
//!
//! Randomised subspace iteration by Halko, Martinsson and Tropp (2011), on the side of the columns: an iteration is `q
//! = orth(a^T (a q))`, one pass over the rows. The last pass takes the triangle of `a q` (TSQR), whose singular values
//! those of the matrix are near to.

use std::ops::Range;

use faer::{Mat, MatRef};
use ndarray::{Array1, Array2, Ix2, RemoveAxis};

use super::dense::{self, Qr, to_array};
use super::entry::{Field, RealEntry, Tile};
use super::factor::{Factor, Scaled, ScaledReader};
use super::gram::two_axes;
use super::matrix::in_memory;
use super::qr::join;
use super::scaling::{Affine, Columns};
use crate::compute::engine::{Load, Shift, Store};
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// How [`Job::svd_randomised`] and [`Job::pca`] go about it.
///
/// ```
/// use outcore::compute::SvdOptions;
///
/// let options = SvdOptions::new().power_iterations(4).seed(7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvdOptions {
    oversample: usize,
    power_iterations: usize,
    seed: u64,
    pub(super) columns: Columns,
}

impl Default for SvdOptions {
    fn default() -> Self {
        Self { oversample: 10, power_iterations: 2, seed: 0, columns: Columns::AsIs }
    }
}

impl SvdOptions {
    /// 10 more directions than are asked for, 2 power iterations, the seed 0, columns as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// Searches so many more directions than are asked for.
    #[must_use]
    pub fn oversample(mut self, directions: usize) -> Self {
        self.oversample = directions;
        self
    }

    /// Iterates so many times more, a pass each. More of them are for singular values that fall slowly.
    #[must_use]
    pub fn power_iterations(mut self, count: usize) -> Self {
        self.power_iterations = count;
        self
    }

    /// Begins with other random directions. The same seed gives the same bits.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Centres or standardises the columns first, as a part of each pass.
    #[must_use]
    pub fn columns(mut self, columns: Columns) -> Self {
        self.columns = columns;
        self
    }
}

/// What [`Job::svd_randomised`] finds: `a` is nearly `u diag(s) vt`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Svd {
    /// The largest singular values, in descending order.
    pub s: Array1<f64>,
    /// The right singular vectors, one in each row; the largest component of each is positive.
    pub vt: Array2<f64>,
    /// The Frobenius norm of `a - u diag(s) vt`.
    pub residual: f64,
    /// The Frobenius norm of `a`, its columns centred or standardised as asked.
    pub norm: f64,
    /// Passes over the array.
    pub passes: usize,
    affine: Option<Affine>,
}

impl Svd {
    /// The left singular vectors, one in each column, in one more pass over the same array: `a vt^T / s`. Where a
    /// singular value is 0, they are 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the array has another number of columns. When it is computed: those of reading and
    /// writing, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    pub fn left<'a, S>(&'a self, job: &'a Job<'a>, a: &'a S) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry>,
    {
        let scale = self.s.mapv(|s| if s > 0.0 { 1.0 / s } else { 0.0 });
        let mut directions = self.vt.t().as_standard_layout().into_owned();
        directions.rows_mut().into_iter().for_each(|mut row| row *= &scale);
        job.project(a, self.affine.as_ref(), directions)
    }

    pub(super) fn affine(&self) -> Option<&Affine> {
        self.affine.as_ref()
    }
}

/// Numbers between -1 and 1: `SplitMix64` by Steele, Lea and Flood (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// What a worker reads bands with, and the products of a band.
struct Worker<T: RealEntry> {
    reader: ScaledReader<T>,
    projected: Vec<f64>,
    rest: Vec<f64>,
}

impl<T: RealEntry> Default for Worker<T> {
    fn default() -> Self {
        Self { reader: ScaledReader::default(), projected: Vec::new(), rest: Vec::new() }
    }
}

/// A matrix in memory as a row-major tile.
struct Directions {
    items: Vec<f64>,
    rows: usize,
    cols: usize,
}

impl Directions {
    fn new(of: MatRef<'_, f64>) -> Self {
        let items = of.row_iter().flat_map(|row| row.iter().copied()).collect();
        Self { items, rows: of.nrows(), cols: of.ncols() }
    }

    fn tile(&self) -> Tile<'_, f64> {
        Tile { items: &self.items, rows: self.rows, cols: self.cols, stride: self.cols, order: Order::C }
    }
}

/// A row-major tile without gaps.
fn dense(items: &[f64], rows: usize, cols: usize) -> Tile<'_, f64> {
    Tile { items, rows, cols, stride: cols, order: Order::C }
}

/// `a b` in the buffer.
fn times<'b>(a: Tile<'_, f64>, b: Tile<'_, f64>, buffer: &'b mut Vec<f64>) -> Tile<'b, f64> {
    buffer.clear();
    buffer.resize(a.rows * b.cols, 0.0);
    f64::accumulate(buffer, a, b);
    dense(buffer, a.rows, b.cols)
}

impl Job<'_> {
    /// The `k` largest singular values of a matrix and the vectors that belong to them, in `f64`, in a few passes over
    /// the rows: for matrices of any length whose `n` by `k + oversample` numbers fit memory. A wide matrix is given as
    /// [`Transposed(&a)`](crate::compute::Transposed), which exchanges left and right vectors.
    ///
    /// It takes `power_iterations + 2` passes, and one more for means and deviations where columns are centred or
    /// standardised; [`Svd::passes`] says how many. With `k + oversample >= n` one pass is enough, and the result is
    /// exact to machine precision. [`Svd::residual`] says how much of the matrix is missing, measured in the last pass.
    /// No more than `min(m, n)` values are found. The same seed gives the same bits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the array does not have two axes; [`ErrorKind::InvalidElement`] where there is a NaN
    /// or an infinity; those of reading; [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::SvdOptions;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[3.0_f64, 0.0], [0.0, 4.0], [0.0, 0.0]];
    /// let job = Job::new();
    /// let svd = job.svd_randomised(&a, 1, &SvdOptions::new())?;
    /// assert!((svd.s[0] - 4.0).abs() < 1e-14 && (svd.residual - 3.0).abs() < 1e-14);
    /// assert!((svd.left(&job, &a)?.to_array()?[[1, 0]] - 1.0).abs() < 1e-14);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn svd_randomised<S>(&self, a: &S, k: usize, options: &SvdOptions) -> Result<Svd>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        let matrix = two_axes(a)?;
        let affine = self.affine(a, options.columns)?;
        let scaled = Scaled { matrix, columns: affine.as_ref() };
        let cols = in_memory(matrix.cols);
        let size = in_memory(matrix.rows.min(matrix.cols));
        let k = k.min(size);
        let width = k.saturating_add(options.oversample).min(cols);
        let mut passes = usize::from(affine.is_some());
        let held = (cols * width * 4 * size_of::<f64>()) as u64;
        let _held = self.hold(held)?;
        let mut directions: Mat<f64>;
        if width == cols {
            directions = Mat::identity(cols, cols);
        } else {
            let mut random = Random(options.seed);
            let start = Mat::from_fn(cols, width, |_, _| random.next());
            directions = Qr::new(start).into_q();
            for _ in 0..=options.power_iterations {
                directions = Qr::new(self.iterate(&scaled, directions.as_ref())?).into_q();
                passes += 1;
            }
        }
        let (triangle, missed, norm) = self.last_pass(&scaled, directions.as_ref())?;
        passes += 1;
        let svd = dense::Svd::new(triangle.as_ref())?;
        let right = dense::product(directions.as_ref(), svd.v.as_ref());
        let rest: f64 = svd.s.iter().skip(k).map(|s| s * s).sum();
        let mut vt = to_array(right.transpose().subrows(0, k.min(right.ncols())));
        for mut row in vt.rows_mut() {
            let largest = row.iter().fold(0.0_f64, |a, &b| if b.abs() > a.abs() { b } else { a });
            if largest < 0.0 {
                row.mapv_inplace(|x| -x);
            }
        }
        let s = svd.s.iter().take(k).copied().collect();
        Ok(Svd { s, vt, residual: (missed + rest).sqrt(), norm: norm.sqrt(), passes, affine })
    }

    /// `a^T (a q)`.
    fn iterate<T: RealEntry>(&self, a: &Scaled<'_, T>, q: MatRef<'_, f64>) -> Result<Mat<f64>> {
        let (cols, width) = q.shape();
        let q = Directions::new(q);
        let mut total = vec![0.0; cols * width];
        self.over_bands(
            a,
            (width, 1),
            (cols * width) as u64,
            || vec![0.0; cols * width],
            |sum: &mut Vec<f64>, band, (projected, _)| {
                let projected = times(band, q.tile(), projected);
                f64::accumulate(sum, band.t(), projected);
            },
            |sum| total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum),
        )?;
        Ok(MatRef::from_row_major_slice(&total, cols, width).to_owned())
    }

    /// The triangle of `a q`, the square of the norm of `a - a q q^T`, and that of the norm of `a`.
    fn last_pass<T: RealEntry>(&self, a: &Scaled<'_, T>, q: MatRef<'_, f64>) -> Result<(Mat<f64>, f64, f64)> {
        /// What is found in a slab.
        struct Found {
            triangle: Option<Mat<f64>>,
            missed: f64,
            norm: f64,
        }
        let width = q.ncols();
        let whole = q.nrows() == width;
        let q = Directions::new(q);
        let none = || Found { triangle: None, missed: 0.0, norm: 0.0 };
        let mut total = none();
        self.over_bands(
            a,
            // A row is projected, factored with the others, and taken back to all columns.
            (3 * width + in_memory(a.matrix.cols), 8 * width),
            (4 * width * width) as u64,
            none,
            |found: &mut Found, band, (projected, rest)| {
                let projected = if whole { band } else { times(band, q.tile(), projected) };
                let slab = projected.mat().to_owned();
                found.triangle = Some(join(found.triangle.take(), Qr::new(slab).r()));
                found.norm += band.lines().map(|line| f64::inner(line, line)).sum::<f64>();
                if !whole {
                    let mut back = std::mem::take(rest);
                    let near = times(projected, q.tile().t(), &mut back);
                    found.missed += squared_distance(band, near);
                    *rest = back;
                }
            },
            |found| {
                if let Some(triangle) = found.triangle {
                    total.triangle = Some(join(total.triangle.take(), triangle));
                }
                total.missed += found.missed;
                total.norm += found.norm;
            },
        )?;
        let triangle = total.triangle.unwrap_or_else(|| Mat::zeros(0, width));
        Ok((triangle, total.missed, total.norm))
    }

    /// `(a - mean) * scale * directions`, row after row.
    pub(super) fn project<'a, S>(
        &'a self,
        a: &'a S,
        affine: Option<&'a Affine>,
        directions: Array2<f64>,
    ) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry>,
    {
        let matrix = two_axes(a)?;
        let (cols, width) = directions.dim();
        if in_memory(matrix.cols) != cols {
            let message = format!("a matrix of shape {} where one with {cols} columns was decomposed", matrix.shown());
            return Err(Error::new(ErrorKind::Shape, message));
        }
        let scaled = Scaled { matrix, columns: affine };
        let dim = Ix2(in_memory(matrix.rows), width);
        Ok(Output::new(self, dim, Order::C, move |store| {
            let items: Vec<f64> = directions.iter().copied().collect();
            self.write_projected(&scaled, dense(&items, cols, width), store)
        }))
    }

    fn write_projected<T: RealEntry>(
        &self,
        a: &Scaled<'_, T>,
        directions: Tile<'_, f64>,
        store: &dyn Store<f64>,
    ) -> Result<()> {
        if directions.cols == 0 {
            return Ok(());
        }
        let width = directions.cols as u64;
        let band = self.band(a.matrix.cols.max(width));
        let load = Load {
            units: a.matrix.rows.div_ceil(band),
            bytes: a.matrix.bytes(),
            scratch: band * (a.matrix.cols * Scaled::<T>::cost() + width * size_of::<f64>() as u64),
            held: 0,
        };
        self.in_order(
            load,
            Worker::<T>::default,
            |worker, unit, shift| {
                let rows = unit * band..a.matrix.rows.min((unit + 1) * band);
                if a.matrix.cols == 0 {
                    let zeros = vec![0.0; in_memory((rows.end - rows.start) * width)];
                    return store.write(rows.start * width, &zeros);
                }
                let tile = a.tile(&rows, &(0..a.matrix.cols), &mut worker.reader)?;
                let projected = times(tile, directions, &mut worker.projected);
                store.write(rows.start * width, projected.items)?;
                pass(a, &rows, shift);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    /// Folds the bands of each slab with `work`, and hands the results of the slabs to `deliver` in their order. A
    /// result takes `result` numbers, and `work` as many as `extra` for each row of a band, which has `least` rows if
    /// there are as many.
    fn over_bands<T: RealEntry, P: Send>(
        &self,
        a: &Scaled<'_, T>,
        (extra, least): (usize, usize),
        result: u64,
        new: impl Fn() -> P + Sync,
        work: impl Fn(&mut P, Tile<'_, f64>, (&mut Vec<f64>, &mut Vec<f64>)) + Sync,
        mut deliver: impl FnMut(P) + Send,
    ) -> Result<()> {
        let (rows, cols) = (a.matrix.rows, a.matrix.cols);
        if cols == 0 {
            return Ok(());
        }
        let (slab, band) = (self.slab(cols, extra as u64), self.band(cols));
        let band = band.max(least as u64).min(slab);
        let itemsize = size_of::<f64>() as u64;
        let load = Load {
            units: rows.div_ceil(slab),
            bytes: a.matrix.bytes(),
            scratch: 2 * result * itemsize + band * (cols * Scaled::<T>::cost() + extra as u64 * itemsize),
            held: result * itemsize,
        };
        self.in_order(
            load,
            Worker::<T>::default,
            |worker, unit, shift| {
                let mut partial = new();
                let end = rows.min((unit + 1) * slab);
                for start in (unit * slab..end).step_by(in_memory(band)) {
                    shift.check()?;
                    let rows = start..end.min(start + band);
                    let tile = a.tile(&rows, &(0..cols), &mut worker.reader)?;
                    work(&mut partial, tile, (&mut worker.projected, &mut worker.rest));
                    pass(a, &rows, shift);
                }
                Ok(partial)
            },
            |_, partial| {
                deliver(partial);
                Ok(())
            },
        )
    }
}

fn pass<T: RealEntry>(a: &Scaled<'_, T>, rows: &Range<u64>, shift: &Shift<'_, '_>) {
    shift.done((rows.end - rows.start) * a.matrix.cols * size_of::<T>() as u64);
}

/// The sum of the squares of the differences from a row-major tile without gaps.
fn squared_distance(a: Tile<'_, f64>, b: Tile<'_, f64>) -> f64 {
    let mut sum = 0.0;
    let mut line_of_b = vec![0.0; a.line()];
    for (at, line) in a.lines().enumerate() {
        match a.order {
            Order::C => line_of_b.copy_from_slice(&b.items[at * b.stride..at * b.stride + line.len()]),
            Order::F => {
                line_of_b.iter_mut().zip(b.items[at..].iter().step_by(b.stride)).for_each(|(to, &from)| *to = from);
            }
        }
        line_of_b.iter_mut().zip(line).for_each(|(b, a)| *b -= a);
        sum += f64::inner(&line_of_b, &line_of_b);
    }
    sum
}
