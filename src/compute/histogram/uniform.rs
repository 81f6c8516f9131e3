//! Bins of equal width: which bin an element falls into, as NumPy has it.
//!
//! NumPy scales an element to a position, cuts it to a whole number, and then compares with the edges and moves by one bin
//! where the rounding was wrong. Scaling never turns the order around, so for positions farther from a whole number than any
//! edge is from its own, the comparisons cannot change anything; only the others are compared. How far the edges are is
//! measured once. That also leaves the choice of a multiplication in the place of NumPy's division, where both put every edge
//! within half a bin of its place.

use super::bins::Span;
use super::table::Placer;
use crate::compute::kernel::vectorised;
use crate::compute::real::{Float, Ordinal};
use crate::error::Result;

/// Elements that are placed together: too many to be unrolled, so that the loop over them becomes a vector loop.
const CHUNK: usize = 64;

/// Bins of equal width.
#[derive(Clone, Debug)]
pub(super) struct Uniform<N: Ordinal> {
    span: Span<N>,
    pub(super) edges: Vec<N::Float>,
    bins: u32,
    /// Bins in a unit of length.
    scale: f64,
    /// Positions this near to a whole number are compared with the edges.
    doubt: f64,
}

impl<N: Ordinal> Uniform<N> {
    pub(super) fn new(span: Span<N>, bins: u32) -> Result<Self> {
        let edges = span.edges(bins.into())?;
        let scale = f64::from(bins) / span.distance;
        let mut uniform = Self { span, edges, bins, scale, doubt: 0.0 };
        let off = |position: &dyn Fn(N::Float) -> f64| {
            let far = |(at, &edge): (usize, &N::Float)| (position(edge) - at as f64).abs();
            uniform.edges.iter().enumerate().map(far).fold(0.0, |a: f64, b| if b <= a { a } else { b })
        };
        let (quick, exact) = (off(&|edge| uniform.quick(edge)), off(&|edge| uniform.position(edge)));
        // Where positions are too coarse to tell bins apart, every element goes NumPy's way.
        uniform.doubt = if quick < 0.25 && exact < 0.25 { quick } else { f64::INFINITY };
        Ok(uniform)
    }

    /// The position by multiplication.
    #[inline(always)]
    fn quick(&self, item: N::Float) -> f64 {
        (item - self.span.first).to_f64() * self.scale
    }

    /// The position in the arithmetic of NumPy: in `f32` where the elements are, but for a range that the caller gave.
    fn position(&self, item: N::Float) -> f64 {
        let from = item - self.span.first;
        if self.span.given.is_some() {
            return from.to_f64() / self.span.distance * f64::from(self.bins);
        }
        let [distance, bins] = [self.span.distance, f64::from(self.bins)].map(N::Float::from_f64);
        (from / distance * bins).to_f64()
    }

    /// The bin of an element, step by step as in NumPy; that after the last for an element outside of the range.
    fn slow(&self, item: N::Float) -> u32 {
        if !(self.span.first <= item && item <= self.span.last) {
            return self.bins;
        }
        let mut bin = whole(self.position(item)).cast_unsigned().min(self.bins - 1);
        if item < self.edges[bin as usize] {
            bin = bin.saturating_sub(1);
        }
        if item >= self.edges[bin as usize + 1] && bin + 1 < self.bins {
            bin += 1;
        }
        bin
    }
}

/// The whole part of a position. Vectors convert to signed integers only; a table has fewer bins than those count.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the cast of floats saturates, as is wanted")]
fn whole(position: f64) -> i32 {
    position as i32
}

impl<N: Ordinal> Placer<N> for Uniform<N> {
    fn bins(&self) -> u64 {
        self.bins.into()
    }

    fn place(&self, items: &[N], places: &mut [u32]) {
        let (chunks, rest) = items.as_chunks::<CHUNK>();
        let (places, last) = places.as_chunks_mut::<CHUNK>();
        for (items, places) in chunks.iter().zip(places) {
            let unsure = vectorised(
                #[inline(always)]
                || self.guess(items, places),
            );
            if unsure {
                self.settle(items, places);
            }
        }
        for (&item, place) in rest.iter().zip(last) {
            *place = self.slow(item.to_float());
        }
    }
}

impl<N: Ordinal> Uniform<N> {
    /// Places items by their positions; whether one of them must be compared with the edges.
    #[inline(always)]
    fn guess(&self, items: &[N; CHUNK], places: &mut [u32; CHUNK]) -> bool {
        let (first, last, low, high) = (self.span.first, self.span.last, self.doubt, 1.0 - self.doubt);
        let mut unsure = 0;
        for lane in 0..CHUNK {
            let item = items[lane].to_float();
            let inside = (first <= item) & (item <= last);
            let position = self.quick(item);
            let bin = whole(position);
            let part = position - f64::from(bin);
            places[lane] = if inside { bin.cast_unsigned() } else { self.bins };
            unsure |= u32::from(inside & !((part > low) & (part < high)));
        }
        unsure != 0
    }

    /// Moves items that were placed by their positions to the bins whose edges are around them.
    fn settle(&self, items: &[N; CHUNK], places: &mut [u32; CHUNK]) {
        for (&item, place) in items.iter().zip(places) {
            let item = item.to_float();
            if self.doubt.is_infinite() {
                *place = self.slow(item);
            } else if self.span.first <= item && item <= self.span.last {
                let bin = (*place).min(self.bins - 1);
                let below = u32::from(item < self.edges[bin as usize]);
                let above = u32::from(item >= self.edges[bin as usize + 1]) & u32::from(bin + 1 < self.bins);
                *place = bin.wrapping_add(above).wrapping_sub(below);
            }
        }
    }
}
