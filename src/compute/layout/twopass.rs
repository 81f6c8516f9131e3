//! Rearranges an array that is many times larger than memory, through a temporary file.
//!
//! The first pass reads strips of the source, and leaves of each strip, for each strip of the result, the part that
//! both have in common, in the order of the result. The parts of one strip of the result lie together, so that the
//! second pass reads it at once, and writes it at once. With memory for m of n elements the parts have about m * m / n
//! elements, where boxes that are read and written directly would have runs of sqrt(m) elements.

use std::ops::Range;

use super::mosaic::{Piece, lens, overlap};
use super::rearrange::{Buffers, Loaded, in_memory};
use super::tile::{Tiles, Window, by_reading, by_writing};
use crate::compute::Job;
use crate::compute::engine::{Load, ScratchFile, Store};
use crate::element::Element;
use crate::error::Result;
use crate::shape::{self, Order};

impl Job<'_> {
    /// Writes an array that is one piece, in two passes with so many elements of memory for each worker, and answers
    /// whether it did: not where the parts would have fewer than `least` elements.
    pub(super) fn rearrange_twice<T: Element>(
        &self,
        shape: &[u64],
        piece: &Piece<'_, T>,
        (memory, least): (u64, u64),
        store: &dyn Store<T>,
    ) -> Result<bool> {
        let (strides, size) = (&piece.place.strides, size_of::<T>() as u64);
        let most = memory / 2;
        let sources = Tiles::strips(shape, &by_reading(strides), most);
        let results = Tiles::strips(shape, &by_writing(shape), most);
        let part: u64 = sources.lens.iter().zip(&results.lens).map(|(a, b)| a.min(b)).product();
        if part < least || Window::new(&sources.lens, strides, size).count() > most {
            return Ok(false);
        }
        let file = ScratchFile::new(self)?;
        let (_, bytes) = shape::sizes(shape, size)?;
        let load = |tiles: &Tiles| Load { units: tiles.boxes(), bytes, scratch: 2 * tiles.count() * size, held: 0 };
        self.in_order(
            load(&sources),
            Buffers::default,
            |Buffers { read, packed }, unit, shift| {
                let region = sources.region(unit);
                let loaded = piece.load(&region, read)?;
                for result in results.touching(&region) {
                    let Some(part) = overlap(&region, &result) else { continue };
                    packed.clear();
                    packed.read(in_memory(count(&part)), |bytes| {
                        loaded.pack(&part, &part, bytes);
                        Ok(())
                    })?;
                    file.write(position(shape, &result) + before(&part, &result), packed.elements()?)?;
                    shift.check()?;
                }
                shift.done(count(&region) * size);
                Ok(())
            },
            |_, ()| Ok(()),
        )?;
        self.in_order(
            load(&results),
            Buffers::default,
            |Buffers { read, packed }, unit, shift| {
                let region = results.region(unit);
                let start = position(shape, &region);
                read.clear();
                read.read(in_memory(count(&region)), |bytes| file.read(start * size, bytes))?;
                let items: &[T] = read.elements()?;
                packed.clear();
                packed.read(items.len(), |bytes| {
                    for source in sources.touching(&region) {
                        let Some(part) = overlap(&region, &source) else { continue };
                        let at = in_memory(before(&part, &region));
                        let own = &items[at..at + in_memory(count(&part))];
                        Loaded::dense(own, part.clone()).pack(&part, &region, bytes);
                    }
                    Ok(())
                })?;
                store.write(start, packed.elements()?)?;
                shift.done(count(&region) * size);
                Ok(())
            },
            |_, ()| Ok(()),
        )?;
        Ok(true)
    }
}

fn count(region: &[Range<u64>]) -> u64 {
    lens(region).iter().product()
}

/// The position of the first element of a region.
fn position(shape: &[u64], region: &[Range<u64>]) -> u64 {
    region.iter().zip(shape::strides(shape, Order::C)).map(|(range, stride)| range.start * stride).sum()
}

/// The elements of a region that lie before a part of it, where it is cut into parts by a grid, and they follow one
/// another in row-major order.
fn before(part: &[Range<u64>], region: &[Range<u64>]) -> u64 {
    let below = shape::strides(&lens(region), Order::C);
    let (mut before, mut beside) = (0, 1);
    for ((part, region), below) in part.iter().zip(region).zip(below) {
        before += beside * (part.start - region.start) * below;
        beside *= part.end - part.start;
    }
    before
}
