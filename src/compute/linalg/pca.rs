//! Principal components.

use ndarray::{Array1, Array2, Ix2, RemoveAxis};

use super::entry::RealEntry;
use super::scaling::Columns;
use super::svd::{Svd, SvdOptions};
use crate::compute::{Job, Output, Source};
use crate::error::Result;

/// What [`Job::pca`] finds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pca {
    /// The directions in which the rows vary most, one in each row; the largest component of each is positive.
    pub components: Array2<f64>,
    /// The variances along these directions (`ddof` 1), in descending order.
    pub explained_variance: Array1<f64>,
    /// The same as parts of the variance of all columns.
    pub explained_variance_ratio: Array1<f64>,
    /// The singular values of the centred matrix.
    pub singular_values: Array1<f64>,
    /// The means of the columns.
    pub mean: Array1<f64>,
    /// The Frobenius norm of what the components miss of the centred matrix.
    pub residual: f64,
    /// Passes over the array.
    pub passes: usize,
    svd: Svd,
}

impl Pca {
    /// The coordinates of rows along the components, after the means that were found have been taken away (and the
    /// deviations divided by, where they were): the scores of the same array, or of another one with as many columns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the array has another number of columns. When it is
    /// computed: those of reading and writing, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    pub fn transform<'a, S>(&'a self, job: &'a Job<'a>, a: &'a S) -> Result<Output<'a, f64, Ix2>>
    where
        S: Source<Elem: RealEntry>,
    {
        job.project(a, self.svd.affine(), self.components.t().as_standard_layout().into_owned())
    }
}

impl Job<'_> {
    /// The first `k` principal components of the rows of a matrix: the singular vectors of its centred columns, found
    /// as [`Self::svd_randomised`] finds them, with one pass before for the means. [`Columns::Standardised`] in the
    /// options divides the columns by their deviations too; otherwise they are centred.
    ///
    /// # Errors
    ///
    /// As [`Self::svd_randomised`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::SvdOptions;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[1.0_f64, 1.0], [2.0, 2.0], [3.0, 3.0]];
    /// let job = Job::new();
    /// let pca = job.pca(&a, 1, &SvdOptions::new())?;
    /// assert!((pca.explained_variance_ratio[0] - 1.0).abs() < 1e-14);
    /// let scores = pca.transform(&job, &a)?.to_array()?;
    /// assert!((scores[[2, 0]] - 2.0_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn pca<S>(&self, a: &S, k: usize, options: &SvdOptions) -> Result<Pca>
    where
        S: Source<Elem: RealEntry, Dim: RemoveAxis>,
    {
        let columns = if options.columns == Columns::AsIs { Columns::Centred } else { options.columns };
        let svd = self.svd_randomised(a, k, &options.columns(columns))?;
        let rows = super::gram::two_axes(a)?.rows as f64;
        let explained_variance = svd.s.mapv(|s| s * s / (rows - 1.0));
        let all = svd.norm * svd.norm;
        Ok(Pca {
            components: svd.vt.clone(),
            explained_variance,
            explained_variance_ratio: svd.s.mapv(|s| s * s / all),
            singular_values: svd.s.clone(),
            mean: svd.affine().map(|affine| affine.mean.clone()).unwrap_or_default(),
            residual: svd.residual,
            passes: svd.passes,
            svd,
        })
    }
}
