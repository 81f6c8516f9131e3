//! Factorisations of matrices in memory, on one thread.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Conj, Mat, MatRef, Par, Spec};

use crate::error::{Error, ErrorKind, Result};

/// The Householder form of `a = q r`.
pub(super) struct Qr {
    factors: Mat<f64>,
    coefficients: Mat<f64>,
}

impl Qr {
    pub(super) fn new(mut a: Mat<f64>) -> Self {
        let (rows, cols) = a.shape();
        let block = recommended_block_size::<f64>(rows, cols);
        let mut coefficients = Mat::zeros(block, rows.min(cols));
        if rows > 0 && cols > 0 {
            let scratch = qr_in_place_scratch::<f64>(rows, cols, block, Par::Seq, Spec::default());
            let mut memory = MemBuffer::new(scratch);
            let stack = MemStack::new(&mut memory);
            qr_in_place(a.as_mut(), coefficients.as_mut(), Par::Seq, stack, Spec::default());
        }
        Self { factors: a, coefficients }
    }

    /// The upper triangle, of as many rows as the smaller size.
    pub(super) fn r(&self) -> Mat<f64> {
        let (rows, cols) = self.factors.shape();
        Mat::from_fn(rows.min(cols), cols, |i, j| if i <= j { self.factors[(i, j)] } else { 0.0 })
    }

    /// The first columns of the orthogonal factor, as many as the smaller size.
    pub(super) fn into_q(self) -> Mat<f64> {
        let (rows, cols) = self.factors.shape();
        let size = rows.min(cols);
        let mut q = Mat::identity(rows, size);
        if size > 0 {
            let mut memory = MemBuffer::new(apply_scratch::<f64>(rows, self.coefficients.nrows(), size));
            let basis = self.factors.subcols(0, size);
            apply(basis, self.coefficients.as_ref(), Conj::No, q.as_mut(), Par::Seq, MemStack::new(&mut memory));
        }
        q
    }
}

/// One matrix above the other.
pub(super) fn stack(top: MatRef<'_, f64>, bottom: MatRef<'_, f64>) -> Mat<f64> {
    let mut both = Mat::zeros(top.nrows() + bottom.nrows(), top.ncols());
    both.subrows_mut(0, top.nrows()).copy_from(top);
    both.subrows_mut(top.nrows(), bottom.nrows()).copy_from(bottom);
    both
}

pub(super) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut c = Mat::zeros(a.nrows(), b.ncols());
    faer::linalg::matmul::matmul(&mut c, faer::Accum::Replace, a, b, 1.0, Par::Seq);
    c
}

/// `a = u s v^T`, of as many singular values as the smaller size, in descending order.
pub(super) struct Svd {
    pub(super) u: Mat<f64>,
    pub(super) s: Vec<f64>,
    pub(super) v: Mat<f64>,
}

impl Svd {
    /// # Errors
    ///
    /// [`ErrorKind::InvalidElement`] where the matrix is not finite.
    pub(super) fn new(a: MatRef<'_, f64>) -> Result<Self> {
        let (rows, cols) = a.shape();
        let size = rows.min(cols);
        let (mut u, mut s, mut v) = (Mat::zeros(rows, size), Diag::zeros(size), Mat::zeros(cols, size));
        if size == 0 {
            return Ok(Self { u, s: Vec::new(), v });
        }
        let finite = a.col_iter().all(|col| col.iter().all(|x| x.is_finite()));
        let thin = ComputeSvdVectors::Thin;
        let scratch = svd_scratch::<f64>(rows, cols, thin, thin, Par::Seq, Spec::default());
        let mut memory = MemBuffer::new(scratch);
        let stack = MemStack::new(&mut memory);
        let (u_mut, v_mut) = (Some(u.as_mut()), Some(v.as_mut()));
        if !finite || svd(a, s.as_mut(), u_mut, v_mut, Par::Seq, stack, Spec::default()).is_err() {
            let message = "the singular values do not converge: the matrix holds a NaN or an infinity";
            return Err(Error::new(ErrorKind::InvalidElement, message));
        }
        let s = s.column_vector().iter().copied().collect();
        Ok(Self { u, s, v })
    }
}

/// The same matrix as an ndarray array.
pub(super) fn to_array(a: MatRef<'_, f64>) -> ndarray::Array2<f64> {
    ndarray::Array2::from_shape_fn(a.shape(), |(i, j)| a[(i, j)])
}
