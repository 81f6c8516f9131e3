//! Arrays in files as sources and sinks.

use std::ops::Range;

use ndarray::{ArrayRef, Dimension};

use super::sink::{Part, Sink};
use super::source::{Scratch, Source, sealed};
use super::views::{ViewPart, parts, parts_in_order};
use crate::array::{ArrayFile, MmapArray, MmapArrayMut};
use crate::element::Element;
use crate::error::Result;
use crate::shape::Order;

/// A mapped array is read like the ndarray view that it is, but for what is not in memory, which is read by position.
macro_rules! mapped_source {
    ($($handle:ident),*) => {$(
        impl<T: Element, D: Dimension> sealed::Sealed for $handle<T, D> {}

        impl<T: Element, D: Dimension> Source for $handle<T, D> {
            type Elem = T;
            type Dim = D;

            fn dim(&self) -> D {
                self.raw_dim()
            }

            fn order(&self) -> Order {
                <ArrayRef<T, D> as Source>::order(self)
            }

            fn borrow(&self, range: Range<u64>) -> Option<&[T]> {
                if self.positional().is_some_and(|file| file.is_cold(&range)) {
                    return None;
                }
                <ArrayRef<T, D> as Source>::borrow(self, range)
            }

            fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()> {
                // What is mapped as a whole is borrowed, unless it is cold.
                let Some(file) = self.positional() else {
                    return <ArrayRef<T, D> as Source>::copy(self, range, scratch);
                };
                scratch.read(in_memory(&range), |bytes| file.scan(&range, || file.read_items(range.start, bytes)))
            }
        }
    )*};
}
mapped_source!(MmapArray, MmapArrayMut);

impl<T: Element, D: Dimension> sealed::Sealed for ArrayFile<T, D> {}

impl<T: Element, D: Dimension> Source for ArrayFile<T, D> {
    type Elem = T;
    type Dim = D;

    fn dim(&self) -> D {
        self.raw_dim()
    }

    fn order(&self) -> Order {
        self.header().order()
    }

    fn borrow(&self, _: Range<u64>) -> Option<&[T]> {
        None
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<T>) -> Result<()> {
        scratch.read(in_memory(&range), |bytes| self.body().scan(&range, || self.read_native(range.start, bytes)))
    }
}

impl<T: Element, D: Dimension> Sink for MmapArrayMut<T, D> {
    type Elem = T;
    type Part<'a>
        = ViewPart<'a, T, D>
    where
        Self: 'a;

    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn parts(&mut self, block: usize) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
        parts(self.view_mut(), block)
    }

    fn parts_in_order(&mut self, block: usize) -> impl Iterator<Item = ViewPart<'_, T, D>> + Send {
        parts_in_order(self.view_mut(), block)
    }
}

impl<T: Element, D: Dimension> Sink for ArrayFile<T, D> {
    type Elem = T;
    type Part<'a>
        = FilePart<'a, T, D>
    where
        Self: 'a;

    fn count(&self) -> u64 {
        self.len()
    }

    fn parts(&mut self, block: usize) -> impl Iterator<Item = FilePart<'_, T, D>> + Send {
        let (file, len) = (&*self, self.len());
        (0..len).step_by(block).map(move |start| FilePart { file, range: start..len.min(start + block as u64) })
    }
}

/// Elements of a range that the engine asks for: no more than a block, which fits memory.
fn in_memory(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
}

/// Elements of a file that one task owns.
#[doc(hidden)]
#[derive(Debug)]
pub struct FilePart<'a, T: Element, D: Dimension> {
    file: &'a ArrayFile<T, D>,
    range: Range<u64>,
}

impl<T: Element, D: Dimension> Part for FilePart<'_, T, D> {
    type Elem = T;

    fn count(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn update(self, scratch: &mut Scratch<T>, mut change: impl FnMut(&mut [T])) -> Result<()> {
        self.update_if(scratch, |items| {
            change(items);
            true
        })
    }

    fn update_if(self, scratch: &mut Scratch<T>, mut change: impl FnMut(&mut [T]) -> bool) -> Result<()> {
        scratch.clear();
        self.file.copy(self.range.clone(), scratch)?;
        let items = scratch.elements_mut()?;
        if change(items) { self.file.write_native(self.range.start, items) } else { Ok(()) }
    }

    fn fill(self, scratch: &mut Scratch<T>, value: T) -> Result<()> {
        scratch.clear();
        let items = scratch.items();
        items.resize(in_memory(&self.range), value);
        self.file.write_native(self.range.start, items)
    }
}
