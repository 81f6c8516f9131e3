//! Changing elements in place.

use std::sync::{Mutex, PoisonError};

use super::Job;
use super::schedule::Load;
use super::sink::{Part, Sink};
use super::source::Scratch;
use crate::error::Result;

impl Job<'_> {
    /// Calls `change` with every element, from several threads, in no particular order.
    ///
    /// After an error or a panic some elements are changed and others are not.
    ///
    /// # Errors
    ///
    /// Those of reading and writing the sink, [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled),
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory).
    ///
    /// # Panics
    ///
    /// Where `change` panics.
    pub fn map_inplace<S: Sink + ?Sized>(&self, a: &mut S, change: impl Fn(&mut S::Elem) + Sync) -> Result<()> {
        self.each_part(a, |part, scratch| part.update(scratch, |items| items.iter_mut().for_each(&change)))
    }

    /// Sets every element to `value`.
    ///
    /// # Errors
    ///
    /// As [`Self::map_inplace`].
    pub fn fill<S: Sink + ?Sized>(&self, a: &mut S, value: S::Elem) -> Result<()> {
        self.each_part(a, |part, scratch| part.fill(scratch, value))
    }

    fn each_part<S: Sink + ?Sized>(
        &self,
        a: &mut S,
        work: impl Fn(S::Part<'_>, &mut Scratch<S::Elem>) -> Result<()> + Sync,
    ) -> Result<()> {
        let block = self.grid.block_of::<S::Elem>();
        let itemsize = size_of::<S::Elem>() as u64;
        let bytes = a.count() * itemsize;
        let load = Load { units: u64::MAX, bytes, scratch: block as u64 * itemsize, held: 0 };
        let parts = Mutex::new(a.parts(block));
        self.each(load, Scratch::default, |scratch, shift| {
            let Some(part) = parts.lock().unwrap_or_else(PoisonError::into_inner).next() else { return Ok(false) };
            let bytes = part.count() * itemsize;
            work(part, scratch)?;
            shift.done(bytes);
            Ok(true)
        })
    }
}
