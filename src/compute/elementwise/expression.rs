//! Sources whose elements are computed from those of other sources.

use std::ops::Range;

use ndarray::Dimension;

use crate::compute::engine::source::sealed;
use crate::compute::{Scratch, Source};
use crate::element::Element;
use crate::error::Result;
use crate::shape::Order;

/// Bytes of one input that are read at a time: enough for a system call, little enough for the second-level cache.
pub(super) const WINDOW: usize = 256 << 10;

/// Bytes of one input that are computed with at a time: few enough for the first-level cache.
const TILE: usize = 16 << 10;

/// The types of the elements that a function takes.
pub(super) trait Items {
    /// A run of elements of each type.
    type Pieces<'a>;
}

/// What a function takes: one or several sources of the same shape and order.
pub(super) trait Inputs: Sync {
    /// The types of their elements.
    type Items: Items;
    /// The buffers that a worker reads into.
    type Scratch: Default + Send + 'static;

    fn fetch(&self, range: Range<u64>, scratch: &mut Self::Scratch) -> Result<()>;
    fn pieces<'a>(&'a self, range: Range<u64>, scratch: &'a mut Self::Scratch) -> Result<Pieces<'a, Self>>;
    /// The widest element of any of them, in bytes.
    fn widest(&self) -> usize;
    /// The bytes of the buffers of all of them.
    fn buffers(&self) -> u64;
}

/// A run of elements of each input.
pub(super) type Pieces<'a, I> = <<I as Inputs>::Items as Items>::Pieces<'a>;

/// A function of runs of elements.
pub(super) trait Kernel<I: Items>: Sync {
    /// The type of its results.
    type Elem: Element;

    /// Appends the results for the pieces, whose first elements have the position `start`.
    fn run(&self, start: u64, pieces: I::Pieces<'_>, out: &mut Vec<Self::Elem>) -> Result<()>;
}

/// A function of the elements of its inputs, computed when it is read.
pub(super) struct Expression<I, D, K> {
    pub(super) inputs: I,
    pub(super) dim: D,
    pub(super) order: Order,
    pub(super) kernel: K,
}

impl<I, D, K> sealed::Sealed for Expression<I, D, K> {}

impl<I: Inputs, D: Dimension, K: Kernel<I::Items>> Source for Expression<I, D, K> {
    type Elem = K::Elem;
    type Dim = D;

    fn dim(&self) -> D {
        self.dim.clone()
    }

    fn order(&self) -> Order {
        self.order
    }

    fn borrow(&self, _: Range<u64>) -> Option<&[K::Elem]> {
        None
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<K::Elem>) -> Result<()> {
        let (out, inner) = scratch.with_inner::<I::Scratch>();
        tiles(&self.inputs, Source::widest(self), range, inner, |tile, pieces| self.kernel.run(tile.start, pieces, out))
    }

    fn fetch(&self, range: Range<u64>, scratch: &mut Scratch<K::Elem>) -> Result<()> {
        self.inputs.fetch(range, scratch.with_inner().1)
    }

    fn piece<'a>(&'a self, range: Range<u64>, scratch: &'a mut Scratch<K::Elem>) -> Result<&'a [K::Elem]> {
        let (out, inner) = scratch.with_inner();
        out.clear();
        self.kernel.run(range.start, self.inputs.pieces(range, inner)?, out)?;
        Ok(out)
    }

    fn widest(&self) -> usize {
        self.inputs.widest().max(size_of::<K::Elem>())
    }

    fn buffers(&self) -> u64 {
        self.inputs.buffers() + TILE as u64
    }
}

/// Reads the inputs in windows and hands them out in tiles; `widest` is the widest element in play.
pub(super) fn tiles<I: Inputs>(
    inputs: &I,
    widest: usize,
    range: Range<u64>,
    scratch: &mut I::Scratch,
    mut work: impl FnMut(Range<u64>, Pieces<'_, I>) -> Result<()>,
) -> Result<()> {
    let tile = (TILE / widest.max(1)).max(1);
    let window = (WINDOW / widest.max(1)).max(tile) / tile * tile;
    for window in cut(range, window as u64) {
        inputs.fetch(window.clone(), scratch)?;
        for tile in cut(window, tile as u64) {
            work(tile.clone(), inputs.pieces(tile, scratch)?)?;
        }
    }
    Ok(())
}

/// Pieces of `each` positions and what is left.
fn cut(range: Range<u64>, each: u64) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    let count = (end - range.start).div_ceil(each);
    (0..count).map(move |at| range.start + at * each..end.min(range.start + (at + 1) * each))
}

/// What a worker may need to read one input.
pub(super) fn buffers_of<S: Source>(source: &S) -> u64 {
    source.buffers() + WINDOW as u64
}

macro_rules! tuples_of_sources {
    ($($($name:ident $at:tt),*;)*) => {$(
        impl<$($name: Element),*> Items for ($($name,)*) {
            type Pieces<'a> = ($(&'a [$name],)*);
        }

        impl<$($name: Source),*> Inputs for ($($name,)*) {
            type Items = ($($name::Elem,)*);
            type Scratch = ($(Scratch<$name::Elem>,)*);

            fn fetch(&self, range: Range<u64>, scratch: &mut Self::Scratch) -> Result<()> {
                $(self.$at.fetch(range.clone(), &mut scratch.$at)?;)*
                Ok(())
            }

            fn pieces<'a>(&'a self, range: Range<u64>, scratch: &'a mut Self::Scratch) -> Result<Pieces<'a, Self>> {
                Ok(($(self.$at.piece(range.clone(), &mut scratch.$at)?,)*))
            }

            fn widest(&self) -> usize {
                0 $(.max(self.$at.widest()))*
            }

            fn buffers(&self) -> u64 {
                0 $(+ buffers_of(&self.$at))*
            }
        }
    )*};
}
tuples_of_sources! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
}

impl<A: Element> Items for Vec<A> {
    type Pieces<'a> = Vec<&'a [A]>;
}

/// Any number of sources of one type.
impl<A: Source> Inputs for Vec<A> {
    type Items = Vec<A::Elem>;
    type Scratch = Vec<Scratch<A::Elem>>;

    fn fetch(&self, range: Range<u64>, scratch: &mut Self::Scratch) -> Result<()> {
        scratch.resize_with(self.len(), Scratch::default);
        self.iter().zip(scratch).try_for_each(|(source, scratch)| source.fetch(range.clone(), scratch))
    }

    fn pieces<'a>(&'a self, range: Range<u64>, scratch: &'a mut Self::Scratch) -> Result<Pieces<'a, Self>> {
        self.iter().zip(scratch).map(|(source, scratch)| source.piece(range.clone(), scratch)).collect()
    }

    fn widest(&self) -> usize {
        self.iter().map(Source::widest).max().unwrap_or(0)
    }

    fn buffers(&self) -> u64 {
        self.iter().map(buffers_of).sum()
    }
}
