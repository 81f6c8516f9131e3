//! Where an operation changes elements in place.

use super::source::{Scratch, sealed};
use crate::element::Element;
use crate::error::Result;

/// An array whose elements the engine can change: an ndarray array or mutable view, a mapped array opened for writing, a file.
///
/// It splits itself into parts that do not overlap, so that several threads may work at once. The trait is sealed.
pub trait Sink: sealed::Sealed {
    /// The type of the elements.
    type Elem: Element;

    /// The share of one task.
    #[doc(hidden)]
    type Part<'a>: Part<Elem = Self::Elem>
    where
        Self: 'a;

    /// The number of elements.
    #[doc(hidden)]
    fn count(&self) -> u64;

    /// Parts of about `block` elements (at least 1), front to back, which together are the whole.
    #[doc(hidden)]
    fn parts(&mut self, block: usize) -> impl Iterator<Item = Self::Part<'_>> + Send;

    /// The same, in the order in which a [`Source`](super::Source) counts positions.
    #[doc(hidden)]
    fn parts_in_order(&mut self, block: usize) -> impl Iterator<Item = Self::Part<'_>> + Send {
        self.parts(block)
    }
}

/// Elements of a [`Sink`] that one task owns.
#[doc(hidden)]
pub trait Part: Send {
    /// The type of the elements.
    type Elem: Element;

    /// The number of elements, for the progress report.
    fn count(&self) -> u64;

    /// Hands all elements to `change`, in one or more slices, and stores them back.
    fn update(self, scratch: &mut Scratch<Self::Elem>, change: impl FnMut(&mut [Self::Elem])) -> Result<()>;

    /// As [`Self::update`], where `change` says whether it changed anything: slices that it did not change need not be stored.
    fn update_if(
        self,
        scratch: &mut Scratch<Self::Elem>,
        mut change: impl FnMut(&mut [Self::Elem]) -> bool,
    ) -> Result<()>
    where
        Self: Sized,
    {
        self.update(scratch, |items| {
            change(items);
        })
    }

    /// Stores the same value everywhere, without a look at what was there.
    fn fill(self, scratch: &mut Scratch<Self::Elem>, value: Self::Elem) -> Result<()>;
}
