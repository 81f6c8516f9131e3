//! Matrices: products, covariances, factorisations.

mod dense;
mod dot;
mod entry;
mod factor;
mod gram;
mod matmul;
mod matrix;
mod matvec;
mod pca;
mod product;
mod qr;
mod scaling;
mod svd;

pub use entry::{Entry, RealEntry};
pub use matmul::Product;
pub use pca::Pca;
pub use qr::LeastSquares;
pub use scaling::Columns;
pub use svd::{Svd, SvdOptions};
