//! The two sides of a product, as the product asks for them.

use std::ops::Range;

use super::entry::{Entry, Field, RealEntry, Tile};
use super::matrix::{Matrix, Reader, is};
use super::scaling::Affine;
use crate::error::Result;

/// A factor of a product, whose rows are the terms that are summed over: a product is `a^T b`.
pub(super) trait Factor<F: Field>: Sync {
    /// What a worker needs to read tiles.
    type Reader: Default;
    /// The bytes of a reader for every element of a tile.
    fn cost() -> u64;

    fn rows(&self) -> u64;
    fn cols(&self) -> u64;
    /// The bytes of all elements.
    fn bytes(&self) -> u64;
    /// A rectangle that is not empty.
    fn tile<'b>(&'b self, rows: &Range<u64>, cols: &Range<u64>, reader: &'b mut Self::Reader) -> Result<Tile<'b, F>>;
    /// Whether [`Self::tile`] costs nothing.
    fn lies_in_memory(&self, rows: &Range<u64>, cols: &Range<u64>) -> bool;
}

impl<T: Entry> Factor<T::Product> for Matrix<'_, T> {
    type Reader = Reader<T>;

    fn cost() -> u64 {
        Reader::<T>::cost()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn cols(&self) -> u64 {
        self.cols
    }

    fn bytes(&self) -> u64 {
        self.bytes()
    }

    fn tile<'b>(
        &'b self,
        rows: &Range<u64>,
        cols: &Range<u64>,
        reader: &'b mut Reader<T>,
    ) -> Result<Tile<'b, T::Product>> {
        self.tile(rows, cols, reader)
    }

    fn lies_in_memory(&self, rows: &Range<u64>, cols: &Range<u64>) -> bool {
        self.lies_in_memory(rows, cols)
    }
}

/// A matrix in double precision, its columns moved and scaled.
#[derive(Clone, Copy)]
pub(super) struct Scaled<'a, T> {
    pub(super) matrix: Matrix<'a, T>,
    pub(super) columns: Option<&'a Affine>,
}

/// What a worker needs to read tiles of a [`Scaled`] matrix.
pub(super) struct ScaledReader<T: Entry> {
    reader: Reader<T>,
    items: Vec<f64>,
}

impl<T: Entry> Default for ScaledReader<T> {
    fn default() -> Self {
        Self { reader: Reader::default(), items: Vec::new() }
    }
}

impl<T: RealEntry> Factor<f64> for Scaled<'_, T> {
    type Reader = ScaledReader<T>;

    fn cost() -> u64 {
        Reader::<T>::cost() + size_of::<f64>() as u64
    }

    fn rows(&self) -> u64 {
        self.matrix.rows
    }

    fn cols(&self) -> u64 {
        self.matrix.cols
    }

    fn bytes(&self) -> u64 {
        self.matrix.bytes()
    }

    fn tile<'b>(
        &'b self,
        rows: &Range<u64>,
        cols: &Range<u64>,
        state: &'b mut ScaledReader<T>,
    ) -> Result<Tile<'b, f64>> {
        let tile = self.matrix.reals(rows, cols, &mut state.reader)?;
        let Some(columns) = self.columns else { return Ok(tile) };
        columns.apply(tile, cols, &mut state.items);
        Ok(Tile { items: &state.items, stride: tile.line(), ..tile })
    }

    fn lies_in_memory(&self, rows: &Range<u64>, cols: &Range<u64>) -> bool {
        is::<T, f64>() && self.columns.is_none() && self.matrix.lies_in_memory(rows, cols)
    }
}
