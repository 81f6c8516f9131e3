//! Elements between two passes that do not fit the memory of the job: in files without a name.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::{NoUninit, Pod};
use ndarray::Dimension;

use super::job::Job;
use super::source::{Scratch, Source, sealed};
use super::target::Store;
use crate::element::Element;
use crate::error::Result;
use crate::shape::Order;
use crate::storage::File;

/// A temporary file of plain values, which nobody else sees and which is gone when it is dropped.
#[derive(Debug)]
pub(in crate::compute) struct ScratchFile(File);

impl ScratchFile {
    /// In the folder that the job names.
    pub(in crate::compute) fn new(job: &Job<'_>) -> Result<Self> {
        Ok(Self(File::scratch(job.scratch_dir.as_deref())?))
    }

    /// Fills `items` with what was written from the `start`-th value of that type on.
    pub(in crate::compute) fn read<P: Pod>(&self, start: u64, items: &mut [P]) -> Result<()> {
        self.0.read_exact_at(bytemuck::cast_slice_mut(items), start * size_of::<P>() as u64)
    }

    /// Writes from the `start`-th value of that type on.
    pub(in crate::compute) fn write<P: NoUninit>(&self, start: u64, items: &[P]) -> Result<()> {
        self.0.write_all_at(bytemuck::cast_slice(items), start * size_of::<P>() as u64)
    }
}

/// An array in a temporary file: a source that is a store before.
#[derive(Debug)]
pub(in crate::compute) struct Stored<T, D> {
    file: ScratchFile,
    dim: D,
    order: Order,
    elem: PhantomData<T>,
}

impl<T: Element, D: Dimension> Stored<T, D> {
    pub(in crate::compute) fn new(job: &Job<'_>, dim: D, order: Order) -> Result<Self> {
        Ok(Self { file: ScratchFile::new(job)?, dim, order, elem: PhantomData })
    }
}

impl<T: Element, D: Dimension> Store<T> for Stored<T, D> {
    fn write(&self, start: u64, items: &[T]) -> Result<()> {
        self.file.write(start, items)
    }
}

impl<T: Element, D: Dimension> sealed::Sealed for Stored<T, D> {}

impl<T: Element, D: Dimension> Source for Stored<T, D> {
    type Elem = T;
    type Dim = D;

    fn dim(&self) -> D {
        self.dim.clone()
    }

    fn order(&self) -> Order {
        self.order
    }

    fn borrow(&self, _: Range<u64>) -> Option<&[T]> {
        None
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()> {
        let count = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        scratch.read(count, |bytes| self.file.read(range.start * size_of::<T>() as u64, bytes))
    }
}
