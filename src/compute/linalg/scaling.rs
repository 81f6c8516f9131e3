//! Columns with their mean taken away, and divided by their standard deviation.

use std::ops::Range;

use ndarray::{Array1, Axis, Dimension, RemoveAxis};

use super::entry::{RealEntry, Tile};
use super::factor::{Factor, Scaled, ScaledReader};
use super::matrix::{Matrix, in_memory};
use crate::compute::engine::Load;
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Output, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// What is done to the columns of a matrix before it is used; nothing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Columns {
    /// Nothing.
    #[default]
    AsIs,
    /// The mean of each column is taken away.
    Centred,
    /// The mean of each column is taken away, and the rest divided by the standard deviation (`ddof` 0). A column whose
    /// elements are all the same becomes 0.
    Standardised,
}

/// `(x - mean) * scale` for each column.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) mean: Array1<f64>,
    pub(super) scale: Array1<f64>,
}

impl<F> Tile<'_, F> {
    /// The length of a line.
    pub(super) fn line(&self) -> usize {
        if self.order == Order::C { self.cols } else { self.rows }
    }

    /// The lines one after the other.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[F]> {
        let line = self.line();
        self.items.chunks(self.stride.max(1)).map(move |items| &items[..line])
    }
}

impl Affine {
    /// Fills the buffer with the moved and scaled elements of a tile that holds these columns, without gaps.
    pub(super) fn apply(&self, tile: Tile<'_, f64>, cols: &Range<u64>, buffer: &mut Vec<f64>) {
        let cols = in_memory(cols.start)..in_memory(cols.end);
        let (mean, scale) = (self.mean.as_slice().unwrap_or_default(), self.scale.as_slice().unwrap_or_default());
        let (mean, scale) = (&mean[cols.clone()], &scale[cols]);
        buffer.clear();
        vectorised(
            #[inline(always)]
            || match tile.order {
                Order::C => {
                    for row in tile.lines() {
                        buffer.extend(row.iter().zip(mean).zip(scale).map(|((x, mean), scale)| (x - mean) * scale));
                    }
                }
                Order::F => {
                    for ((col, mean), scale) in tile.lines().zip(mean).zip(scale) {
                        buffer.extend(col.iter().map(|x| (x - mean) * scale));
                    }
                }
            },
        );
    }
}

impl Job<'_> {
    /// What has to be done to the columns, found in one pass; None where it is nothing.
    pub(super) fn affine<S>(&self, a: &S, columns: Columns) -> Result<Option<Affine>>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        match columns {
            Columns::AsIs => Ok(None),
            Columns::Centred => self.affine_by(a, |_| 1.0).map(Some),
            Columns::Standardised => self.affine_by(a, |std| if std == 0.0 { 1.0 } else { 1.0 / std }).map(Some),
        }
    }

    /// The means of the columns, and what `scale` makes of their standard deviations, in one pass. The mean of a column
    /// that is not finite is NaN.
    pub(super) fn affine_by<S>(&self, a: &S, scale: impl Fn(f64) -> f64) -> Result<Affine>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        let stats = self.stats_axis(a, Axis(0))?;
        let spoilt = stats.nan.iter().zip(&stats.inf).map(|(nan, inf)| nan + inf > 0);
        let mean = stats.mean.iter().zip(spoilt).map(|(&mean, spoilt)| if spoilt { f64::NAN } else { mean });
        Ok(Affine { mean: mean.collect(), scale: stats.std.iter().map(|&std| scale(std)).collect() })
    }

    /// The matrix with the mean of each column taken away and the rest divided by the standard deviation (`ddof` 0), in
    /// `f64`. A column whose elements are all the same becomes 0; one that holds a NaN or an infinity becomes NaN.
    ///
    /// Mean and deviation are found in one pass, and used in another one. [`Columns::Standardised`] does the same to
    /// the input of [`Self::gram`] and [`Self::pca`], where nothing is written.
    ///
    /// # Errors
    ///
    /// When it is computed: [`ErrorKind::Shape`] where the array does not have two axes, those of reading and writing,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1.0_f64, 5.0], [3.0, 5.0]];
    /// assert_eq!(Job::new().standardise(&a).to_array()?, array![[-1.0, 0.0], [1.0, 0.0]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn standardise<'a, S>(&'a self, a: &'a S) -> Output<'a, f64, S::Dim>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        Output::new(self, a.dim(), a.order(), move |store| {
            if a.dim().ndim() != 2 {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!("an array with {} axes is no matrix", a.dim().ndim()),
                ));
            }
            let affine = self.affine(a, Columns::Standardised)?;
            let matrix = Matrix::new(a)?;
            let scaled = Scaled { matrix, columns: affine.as_ref() };
            let (lines, line) = match matrix.order {
                Order::C => (matrix.rows, matrix.cols),
                Order::F => (matrix.cols, matrix.rows),
            };
            if lines == 0 || line == 0 {
                return Ok(());
            }
            // Whole lines, or parts of one that is longer than a block.
            let block = self.grid.block_of::<f64>() as u64;
            let (high, wide) = ((block / line).max(1), line.min(block));
            let across = line.div_ceil(wide);
            let load = Load {
                units: lines.div_ceil(high) * across,
                bytes: matrix.bytes(),
                scratch: high * wide * <Scaled<'_, S::Elem> as Factor<f64>>::cost(),
                held: 0,
            };
            let itemsize = size_of::<S::Elem>() as u64;
            self.in_order(
                load,
                ScaledReader::default,
                |reader, unit, shift| {
                    let (first, start) = (unit / across * high, unit % across * wide);
                    let (lines, within) = (first..lines.min(first + high), start..line.min(start + wide));
                    let (rows, cols) = if matrix.order == Order::C { (&lines, &within) } else { (&within, &lines) };
                    let tile = scaled.tile(rows, cols, reader)?;
                    store.write(lines.start * line + within.start, tile.items)?;
                    shift.done(tile.items.len() as u64 * itemsize);
                    Ok(())
                },
                |_, ()| Ok(()),
            )
        })
    }
}
