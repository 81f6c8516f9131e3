//! Changing elements in place.

use std::sync::{Mutex, PoisonError};

use super::align::Aligned;
use super::expression::{Inputs, Pieces, tiles};
use crate::compute::engine::Load;
use crate::compute::engine::sink::{Part, Sink};
use crate::compute::engine::source::Scratch;
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Source};
use crate::error::Result;

/// The elements of an array that changes.
type Item<A> = <A as Sink>::Elem;

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
        self.each_part(a, |part, scratch| {
            part.update(scratch, |items| {
                vectorised(
                    #[inline(always)]
                    || items.iter_mut().for_each(&change),
                );
            })
        })
    }

    /// Calls `change` with every element of `a` and the element of `b` at the same place, from several threads, in no
    /// particular order. `b` broadcasts to the shape of `a`, as in [`zip`](super::zip()); it may be an expression or a number.
    ///
    /// After an error or a panic some elements are changed and others are not.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let mut a = array![[1, 2], [3, 4]];
    /// Job::new().zip_inplace(&mut a, &array![10, 20], |a, b| *a += b)?;
    /// assert_eq!(a, array![[11, 22], [13, 24]]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Self::map_inplace`] and of reading `b`; [`ErrorKind::Shape`](crate::ErrorKind::Shape) where `b` does not
    /// broadcast to the shape of `a`.
    ///
    /// # Panics
    ///
    /// Where `change` panics.
    pub fn zip_inplace<A, B>(&self, a: &mut A, b: B, change: impl Fn(&mut Item<A>, B::Elem) + Sync) -> Result<()>
    where
        A: Sink + Source<Elem = Item<A>> + ?Sized,
        B: Source,
    {
        let b = Aligned::new(b, a.dim(), a.order())?;
        self.update_with(a, &(b,), |a, (b,)| {
            vectorised(
                #[inline(always)]
                || a.iter_mut().zip(b).for_each(|(a, &b)| change(a, b)),
            );
        })
    }

    /// [`Self::zip_inplace`] with two arrays beside the one that changes.
    ///
    /// # Errors
    ///
    /// As [`Self::zip_inplace`].
    ///
    /// # Panics
    ///
    /// Where `change` panics.
    pub fn zip3_inplace<A, B, C>(
        &self,
        a: &mut A,
        b: B,
        c: C,
        change: impl Fn(&mut Item<A>, B::Elem, C::Elem) + Sync,
    ) -> Result<()>
    where
        A: Sink + Source<Elem = Item<A>> + ?Sized,
        B: Source,
        C: Source,
    {
        let (dim, order) = (a.dim(), a.order());
        let inputs = (Aligned::new(b, dim.clone(), order)?, Aligned::new(c, dim, order)?);
        self.update_with(a, &inputs, |a, (b, c)| {
            vectorised(
                #[inline(always)]
                || a.iter_mut().zip(b).zip(c).for_each(|((a, &b), &c)| change(a, b, c)),
            );
        })
    }

    /// Hands runs of the elements of `a`, and those of the inputs at the same positions, to `change`.
    fn update_with<A, I>(
        &self,
        a: &mut A,
        inputs: &I,
        change: impl Fn(&mut [Item<A>], Pieces<'_, I>) + Sync,
    ) -> Result<()>
    where
        A: Sink + ?Sized,
        I: Inputs,
    {
        let block = self.grid.block_of::<Item<A>>();
        let itemsize = size_of::<Item<A>>();
        let widest = inputs.widest().max(itemsize);
        let bytes = a.count() * itemsize as u64;
        let scratch = (block * itemsize) as u64 + inputs.buffers();
        let mut position = 0;
        let parts = Mutex::new(a.parts_in_order(block).map(move |part| {
            let start = position;
            position += part.count();
            (start, part)
        }));
        self.each(
            Load { units: u64::MAX, bytes, scratch, held: 0 },
            || (Scratch::default(), I::Scratch::default()),
            |(scratch, inner), shift| {
                let next = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((mut position, part)) = next else { return Ok(false) };
                let bytes = part.count() * itemsize as u64;
                let mut done = Ok(());
                part.update(scratch, |mut items| {
                    let range = position..position + items.len() as u64;
                    position = range.end;
                    if done.is_ok() {
                        done = tiles(inputs, widest, range, inner, |tile, pieces| {
                            let len = usize::try_from(tile.end - tile.start).unwrap_or(usize::MAX);
                            let (now, later) = std::mem::take(&mut items).split_at_mut(len);
                            change(now, pieces);
                            items = later;
                            Ok(())
                        });
                    }
                })?;
                done?;
                shift.done(bytes);
                Ok(true)
            },
        )
    }

    /// Sets every element to `value`.
    ///
    /// # Errors
    ///
    /// As [`Self::map_inplace`].
    pub fn fill<S: Sink + ?Sized>(&self, a: &mut S, value: S::Elem) -> Result<()> {
        self.each_part(a, |part, scratch| part.fill(scratch, value))
    }

    /// Does some work on each part of an array, which it may change.
    pub(in crate::compute) fn each_part<S: Sink + ?Sized>(
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
