//! Replacing byte patterns in place.

use std::sync::{Mutex, PoisonError};

use memchr::memmem::Finder;

use super::bytes::Needle;
use crate::compute::engine::sink::{Part, Sink};
use crate::compute::engine::{Load, Scratch};
use crate::compute::{Job, Source, Target};
use crate::error::{Error, ErrorKind, Result};

/// A part of the array to change.
#[derive(Clone, Copy, Debug)]
struct Seam {
    /// The part, counted from 0.
    part: u64,
    /// Where the last occurrence that begins before the part ends, if it reaches into it.
    open: u64,
}

impl Job<'_> {
    /// Replaces every occurrence of `needle` by as many bytes, in place, and returns how many there were: what Python's
    /// `bytes.replace(needle, replacement)` makes of the bytes. They are taken in storage order; occurrences do not overlap, and
    /// each is the first behind the one before. An empty needle replaces nothing.
    ///
    /// One pass finds the occurrences, a second one reads and writes only those parts in which there are any. After an error some
    /// may be replaced and others not; nothing is flushed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where the lengths differ, or for an array in memory whose elements have gaps between them;
    /// those of reading and writing, [`ErrorKind::Cancelled`], [`ErrorKind::OutOfMemory`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::arr1;
    ///
    /// let mut text = arr1(b"colour, colours");
    /// assert_eq!(Job::new().replace(&mut text, b"our", b"or ")?, 2);
    /// assert_eq!(text, arr1(b"color , color s"));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn replace<S>(&self, a: &mut S, needle: &[u8], replacement: &[u8]) -> Result<u64>
    where
        S: Sink<Elem = u8> + Source<Elem = u8> + Target<Elem = u8>,
    {
        if needle.len() != replacement.len() {
            let message = format!("{} bytes cannot take the place of {}", replacement.len(), needle.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message)
                .with_hint("make both as long, with spaces or zeros, or write a new file"));
        }
        if needle.is_empty() {
            return Ok(0);
        }
        // Parts are in storage order where positions are, which is what a store asks for.
        drop(Target::store(a)?);
        // So few bytes that the places fit a block, even if there is one at every byte.
        let each = self.grid.block_of::<u64>().max(needle.len());
        let parts = Sink::count(a).div_ceil(each as u64);
        let _held = self.hold(parts.saturating_mul(size_of::<Seam>() as u64))?;
        let (mut total, mut seams) = (0, Vec::new());
        self.tally(&Needle::apart(self, a, needle, each as u64)?, |part, count, open| {
            total += count;
            if count > 0 || open > part * each as u64 {
                seams.push(Seam { part, open });
            }
        })?;
        self.replace_at(a, &seams, each, needle, replacement)?;
        Ok(total)
    }

    /// Changes the parts that the seams name, of `each` bytes.
    fn replace_at<S: Sink<Elem = u8>>(
        &self,
        a: &mut S,
        seams: &[Seam],
        each: usize,
        needle: &[u8],
        replacement: &[u8],
    ) -> Result<()> {
        let (finder, len) = (Finder::new(needle), needle.len());
        let bytes = seams.len() as u64 * each as u64;
        let load = Load { units: seams.len() as u64, bytes, scratch: each as u64, held: 0 };
        let seam = |at: usize| seams.get(at).copied();
        // Bytes of an occurrence behind a border.
        let beyond =
            |open: u64, border: u64| usize::try_from(open.saturating_sub(border)).map_or(len, |beyond| beyond.min(len));
        let parts = Mutex::new((a.parts(each).zip(0..), 0));
        self.each(load, Scratch::default, |scratch, shift| {
            let (part, start, at) = {
                let (parts, next) = &mut *parts.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(wanted) = seam(*next) else { return Ok(false) };
                let Some((part, _)) = parts.find(|&(_, number)| number == wanted.part) else { return Ok(false) };
                *next += 1;
                (part, wanted.part * each as u64, *next - 1)
            };
            let end = start + part.count();
            let inherited = beyond(seams[at].open, start);
            let left = seam(at + 1).filter(|next| next.open > end).map_or(0, |next| len - beyond(next.open, end));
            part.update(scratch, |bytes| {
                bytes[..inherited].copy_from_slice(&replacement[len - inherited..]);
                let mut from = inherited;
                while let Some(at) = finder.find(&bytes[from..]) {
                    from += at + len;
                    bytes[from - len..from].copy_from_slice(replacement);
                }
                let tail = bytes.len() - left;
                bytes[tail..].copy_from_slice(&replacement[..left]);
            })?;
            shift.done(end - start);
            Ok(true)
        })
    }
}
