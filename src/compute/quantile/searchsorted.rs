//! Where values belong in a sorted array.

use std::cmp::Ordering;
use std::ops::Range;

use crate::compute::Job;
use crate::compute::engine::source::{Blocks, Scratch, Source, read, shape_of};
use crate::compute::engine::{Load, Shift};
use crate::compute::real::{Ordinal, Real};
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

/// On which side of elements that equal the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Before all of them.
    #[default]
    Left,
    /// Behind all of them.
    Right,
}

/// Bytes that are read at a time, whatever the pages of the system are.
const STEP: u64 = 4096;

/// Values of a unit.
const VALUES: usize = 4096;

/// The order of NumPy, with NaN last and all NaN equal.
fn compare<N: Ordinal>(a: &N, b: &N) -> Ordering {
    super::search::compare(a, b).then_with(|| a.is_nan().cmp(&b.is_nan()))
}

/// A search in progress.
struct Search<'a, T: Real> {
    source: &'a dyn Blocks<T>,
    side: Side,
    page: u64,
    scratch: Scratch<T>,
    decoded: Vec<T::Native>,
}

impl<T: Real> Search<'_, T> {
    /// Whether the value belongs behind the element.
    fn behind(side: Side, element: &T::Native, value: &T::Native) -> bool {
        match compare(element, value) {
            Ordering::Less => true,
            Ordering::Equal => side == Side::Right,
            Ordering::Greater => false,
        }
    }

    /// Appends the places of values that ascend and belong somewhere in the range.
    fn run(
        &mut self,
        range: Range<u64>,
        values: &[T::Native],
        places: &mut Vec<u64>,
        shift: &Shift<'_, '_>,
    ) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        shift.check()?;
        let len = range.end - range.start;
        // The page in the middle, or all that is left.
        let start = if len <= self.page { range.start } else { range.start + (len - self.page) / 2 };
        let end = range.end.min(start + self.page);
        let side = self.side;
        let items = T::decode(read(self.source, start..end, &mut self.scratch)?, &mut self.decoded);
        // Values that belong before the page, in it, and behind it.
        let before = match items.first() {
            Some(first) if start > range.start => values.partition_point(|value| !Self::behind(side, first, value)),
            _ => 0,
        };
        let within = match items.last() {
            Some(last) if end < range.end => values.partition_point(|value| !Self::behind(side, last, value)),
            _ => values.len(),
        };
        let within = within.max(before);
        let in_page =
            |value: &T::Native| start + items.partition_point(|element| Self::behind(side, element, value)) as u64;
        let inside: Vec<u64> = values[before..within].iter().map(in_page).collect();
        shift.done((end - start) * size_of::<T>() as u64);
        self.run(range.start..start, &values[..before], places, shift)?;
        places.extend(inside);
        self.run(end..range.end, &values[within..], places, shift)
    }
}

impl Job<'_> {
    /// For each value the index at which it would have to be inserted into the sorted array: `np.searchsorted(a, v, side)`.
    ///
    /// With [`Side::Left`] all elements before the index are less than the value, with [`Side::Right`] they are at most the
    /// value. NaN are sorted last and equal one another. If the array is not sorted, the indices mean nothing.
    ///
    /// The values are sorted, and searched for together: pages of 4 KiB around the middles of what is left are read, each
    /// once, so one value takes about as many reads as the logarithm of the number of pages.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::compute::Side;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![11, 12, 13, 13, 15];
    /// assert_eq!(Job::new().searchsorted(&a, &[13, -10, 20, 14], Side::Left)?, [2, 0, 5, 4]);
    /// assert_eq!(Job::new().searchsorted(&a, &[13], Side::Right)?, [4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] if the array has not one axis; those of reading it, [`ErrorKind::Cancelled`],
    /// [`ErrorKind::OutOfMemory`].
    pub fn searchsorted<S: Source<Elem: Real>>(&self, a: &S, v: &[S::Elem], side: Side) -> Result<Vec<u64>> {
        let shape = shape_of(a);
        let &[len] = &shape[..] else {
            let message =
                format!("searchsorted in an array of shape {}, which has not one axis", shape::display(&shape));
            return Err(Error::new(ErrorKind::Shape, message));
        };
        shape::sizes(&shape, size_of::<S::Elem>() as u64)?;
        self.places(a, len, v, side)
    }

    fn places<T: Real>(&self, source: &dyn Blocks<T>, len: u64, v: &[T], side: Side) -> Result<Vec<u64>> {
        let _room = self.hold((v.len() as u64).saturating_mul((8 + size_of::<(T::Native, usize)>()) as u64))?;
        let mut sorted: Vec<(T::Native, usize)> =
            v.iter().enumerate().map(|(at, value)| (value.native(), at)).collect();
        sorted.sort_unstable_by(|a, b| compare(&a.0, &b.0));
        let mut found = vec![0; v.len()];
        let size = size_of::<T>() as u64;
        let page = (STEP / size).min(self.grid.block_of::<T>() as u64);
        let load = Load {
            units: v.len().div_ceil(VALUES) as u64,
            bytes: len * size,
            scratch: 2 * STEP + source.buffer_bytes() + (VALUES * (size_of::<T::Native>() + 16)) as u64,
            held: 0,
        };
        let chunks: Vec<_> = sorted.chunks(VALUES).collect();
        self.in_order(
            load,
            || Search { source, side, page, scratch: Scratch::default(), decoded: Vec::new() },
            |search, unit, shift| {
                let chunk = usize::try_from(unit).map_or(&[][..], |unit| chunks[unit]);
                let values: Vec<T::Native> = chunk.iter().map(|&(value, _)| value).collect();
                let mut places = Vec::with_capacity(values.len());
                search.run(0..len, &values, &mut places, shift)?;
                Ok(places)
            },
            |unit, places| {
                let chunk = usize::try_from(unit).map_or(&[][..], |unit| chunks[unit]);
                chunk.iter().zip(places).for_each(|(&(_, at), place)| found[at] = place);
                Ok(())
            },
        )?;
        Ok(found)
    }
}
