//! The elements that a mask or a predicate chooses.
//!
//! Two passes: the first evaluates the mask and counts what it chooses of each block, so that the second knows where each
//! block's elements go.

use ndarray::Ix1;

use super::align::Aligned;
use super::map::map;
use crate::compute::engine::source::{Blocks, read, shape_of};
use crate::compute::engine::{Load, Scratch, Store};
use crate::compute::kernel::{Native, vectorised};
use crate::compute::{Job, Number, Output, Source};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// Truth values, 64 in a word, the first in the lowest bit.
type Bits = Vec<u64>;

/// What a mask chooses of each block.
struct Choice {
    /// Elements chosen before the block, for each block and the end.
    offsets: Vec<u64>,
    /// The mask itself, where it fits the memory of the job.
    masks: Option<Vec<Bits>>,
}

/// Appends the truth of the numbers to the empty bits, and counts what is true.
fn pack<T: Number>(items: &[T], buffer: &mut Vec<T::Native>, bits: &mut Bits) -> u64 {
    let truth = |numbers: &[T::Native]| {
        numbers.iter().enumerate().fold(0, |bits, (at, number)| bits | u64::from(!number.is_zero()) << at)
    };
    let (chunks, rest) = T::decode(items, buffer).as_chunks::<64>();
    vectorised(
        #[inline(always)]
        || bits.extend(chunks.iter().map(|chunk| truth(chunk))),
    );
    if !rest.is_empty() {
        bits.push(truth(rest));
    }
    bits.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Appends the items whose bits are set.
fn keep<T: Copy>(items: &[T], bits: &[u64], kept: &mut Vec<T>) {
    for (items, &word) in items.chunks(64).zip(bits) {
        if word.count_ones() as usize == items.len() {
            kept.extend_from_slice(items);
            continue;
        }
        let mut word = word;
        while word != 0 {
            kept.push(items[word.trailing_zeros() as usize]);
            word &= word - 1;
        }
    }
}

impl Job<'_> {
    /// The elements of `a` where the mask is true, in row-major order: `a[mask]` in NumPy.
    ///
    /// The mask is any array of numbers of the same shape; what is not 0 is true. It is evaluated at once, since the result has
    /// as many elements as it chooses; the elements are read when the result is saved or collected. Blocks without a chosen
    /// element are not read. The mask is kept in memory, a bit for each element, or evaluated again where it does not fit.
    ///
    /// Arrays in column-major order are gathered in row-major order, block by block; from a file with long rows, that costs
    /// many small reads.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let (a, mask) = (array![[1, 2], [3, 4]], array![[true, false], [false, true]]);
    /// let job = Job::new();
    /// assert_eq!(job.compress(&mask, &a)?.to_array()?, array![1, 4]);
    /// assert_eq!(job.filter(&a, |x| x > 1)?.to_array()?, array![2, 3, 4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] where the shapes differ, and those of evaluating the mask; when it is computed, those of
    /// [`Job::copy`].
    pub fn compress<'a, M, S>(&'a self, mask: M, a: S) -> Result<Output<'a, S::Elem, Ix1>>
    where
        M: Source<Elem: Number, Dim = S::Dim> + 'a,
        S: Source + 'a,
    {
        let (shape, of_mask) = (shape_of(&a), shape_of(&mask));
        if shape != of_mask {
            let (mask, shape) = (shape::display(&of_mask), shape::display(&shape));
            let message = format!("a mask of shape {mask} for an array of shape {shape}");
            return Err(Error::new(ErrorKind::Shape, message).with_hint("give both the same shape: see broadcast_to"));
        }
        let dim = a.dim();
        let mask = Aligned::new(mask, dim.clone(), Order::C)?;
        let a = Aligned::new(a, dim, Order::C)?;
        let block = self.grid.block_of::<S::Elem>() as u64;
        let (count, _) = shape::sizes(&shape, size_of::<S::Elem>() as u64)?;
        let units = count.div_ceil(block);
        let held = self.hold(units.saturating_mul(8))?;
        let bits = units.saturating_mul(block.div_ceil(64) * 8 + size_of::<Bits>() as u64);
        let held_bits = if bits <= self.budget() / 2 { Some(self.hold(bits)?) } else { None };
        let choice = self.choose(&mask, mask.buffers(), count, block, held_bits.is_some())?;
        let total = choice.offsets.last().copied().unwrap_or(0);
        let len = usize::try_from(total).map_err(|_| {
            Error::new(ErrorKind::TooLarge, format!("{total} chosen elements do not fit this address space"))
        })?;
        Ok(Output::new(self, Ix1(len), Order::C, move |store| {
            let _held = (held, held_bits);
            let buffers = mask.buffers() + a.buffers();
            self.gather_chosen(&choice, (&mask, &a), (count, block), buffers, store)
        }))
    }

    /// Reads the chosen elements of `count`, block by block, and writes each where the choice says.
    fn gather_chosen<T: Element, M: Number>(
        &self,
        choice: &Choice,
        (mask, a): (&dyn Blocks<M>, &dyn Blocks<T>),
        (count, block): (u64, u64),
        buffers: u64,
        store: &dyn Store<T>,
    ) -> Result<()> {
        let itemsize = size_of::<T>() as u64;
        let scratch = block * (2 * itemsize + size_of::<M>() as u64) + buffers;
        self.in_order(
            Load { units: count.div_ceil(block), bytes: count * itemsize, scratch, held: 0 },
            || (Scratch::default(), Scratch::default(), Vec::new(), Vec::new(), Vec::new()),
            |(scratch, mask_scratch, buffer, bits, kept), unit, shift| {
                let range = unit * block..count.min((unit + 1) * block);
                let bytes = (range.end - range.start) * itemsize;
                let at = usize::try_from(unit).expect("an index of what is in memory");
                if choice.offsets[at] < choice.offsets[at + 1] {
                    let bits = match &choice.masks {
                        Some(masks) => &masks[at],
                        None => {
                            bits.clear();
                            pack(read(mask, range.clone(), mask_scratch)?, buffer, bits);
                            &*bits
                        }
                    };
                    kept.clear();
                    keep(read(a, range, scratch)?, bits, kept);
                    if kept.len() as u64 != choice.offsets[at + 1] - choice.offsets[at] {
                        let message = "the mask has changed between two passes over it";
                        return Err(Error::new(ErrorKind::InvalidArgument, message));
                    }
                    store.write(choice.offsets[at], kept)?;
                }
                shift.done(bytes);
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    /// The elements of which `predicate` is true, in row-major order: `a[a > 3]` in NumPy.
    ///
    /// The predicate is called at once for all elements, from several threads, in no particular order; the elements that it
    /// chooses are read when the result is saved or collected. Otherwise as [`Self::compress`].
    ///
    /// # Errors
    ///
    /// As [`Self::compress`].
    ///
    /// # Panics
    ///
    /// Where the predicate panics.
    pub fn filter<'a, S: Source + Copy + 'a>(
        &'a self,
        a: S,
        predicate: impl Fn(S::Elem) -> bool + Sync + 'a,
    ) -> Result<Output<'a, S::Elem, Ix1>> {
        self.compress(map(a, predicate), a)
    }

    /// Evaluates a mask of `count` elements.
    fn choose<T: Number>(
        &self,
        mask: &dyn Blocks<T>,
        buffers: u64,
        count: u64,
        block: u64,
        keep_masks: bool,
    ) -> Result<Choice> {
        let itemsize = size_of::<T>() as u64;
        let units = count.div_ceil(block);
        let capacity = usize::try_from(units).unwrap_or(usize::MAX);
        let mut offsets = Vec::with_capacity(capacity.saturating_add(1));
        offsets.push(0);
        let mut masks = keep_masks.then(|| Vec::with_capacity(capacity));
        let mut total = 0;
        self.in_order(
            Load { units, bytes: count * itemsize, scratch: 2 * block * itemsize + buffers, held: 0 },
            || (Scratch::default(), Vec::new(), Bits::new()),
            |(scratch, buffer, bits), unit, shift| {
                let items = read(mask, unit * block..count.min((unit + 1) * block), scratch)?;
                bits.clear();
                let chosen = pack(items, buffer, bits);
                shift.done(size_of_val(items) as u64);
                Ok((chosen, if keep_masks { bits.clone() } else { Bits::new() }))
            },
            |_, (chosen, bits)| {
                total += chosen;
                offsets.push(total);
                if let Some(masks) = &mut masks {
                    masks.push(bits);
                }
                Ok(())
            },
        )?;
        Ok(Choice { offsets, masks })
    }
}
