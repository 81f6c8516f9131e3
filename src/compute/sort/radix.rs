//! Sorting in memory on one thread: by digits from the highest while the elements do not fit the cache, then by digits from the
//! lowest over as many bits as tell most elements apart; what these leave equal is sorted by the bits below.
//!
//! Knuth, The Art of Computer Programming 3, 5.2.5.

use std::ops::Range;

use super::record::Record;

/// Runs shorter than this are left to the comparison sort of the standard library.
const SHORT: usize = 384;
/// Bytes that stay in the second-level cache together with their copy.
const CACHED: usize = 192 << 10;
/// Bits of a digit inside the cache.
const DIGIT: u32 = 11;
/// Bits of a digit of elements that do not fit the cache: so few that the places written to stay there.
const WIDE_DIGIT: u32 = 8;
/// Bits by which the digits tell more apart than there are elements: few pairs are left equal.
const MARGIN: u32 = 6;
/// Records looked at to see how many of the high bits tell little.
const SAMPLE: usize = 64;

/// Some bits of a record.
#[derive(Clone, Copy, Debug)]
struct Digit {
    shift: u32,
    bits: u32,
}

impl Digit {
    #[inline(always)]
    fn of<R: Record>(self, record: R) -> usize {
        (record.bits(self.shift) & ((1 << self.bits) - 1)) as usize
    }
}

/// The bits in which some of the records differ.
pub(super) fn varying<R: Record>(items: &[R]) -> Range<u32> {
    let Some(&first) = items.first() else { return 0..0 };
    items.iter().fold(first.differing(first, R::zeroed()), |mask, &item| item.differing(first, mask)).span()
}

/// Sorts `items`; `spare` is as long, and what it holds is lost. The result is in `spare` where `into_spare` says so, and in
/// `items` otherwise.
pub(super) fn sort<R: Record>(items: &mut [R], spare: &mut [R], into_spare: bool) {
    let span = if items.len() < SHORT { 0..0 } else { varying(items) };
    if span.is_empty() {
        if items.len() < SHORT {
            items.sort_unstable();
        }
        if into_spare {
            spare.copy_from_slice(items);
        }
    } else if size_of_val(items) > CACHED && span.len() > 2 * DIGIT as usize || u32::try_from(items.len()).is_err() {
        let bits = ((size_of_val(items) / CACHED).ilog2() + 2).clamp(3, WIDE_DIGIT.min(span.end - span.start));
        by_high_digit(items, spare, Digit { shift: span.end - bits, bits }, into_spare);
    } else {
        by_low_digits(items, spare, span, into_spare);
    }
}

fn by_high_digit<R: Record>(items: &mut [R], spare: &mut [R], digit: Digit, into_spare: bool) {
    let mut places = [0; 1 << WIDE_DIGIT];
    items.iter().for_each(|&item| places[digit.of(item)] += 1);
    let mut sum = 0;
    for count in &mut places {
        sum += std::mem::replace(count, sum);
    }
    for &item in &*items {
        let place = &mut places[digit.of(item)];
        spare[*place] = item;
        *place += 1;
    }
    let (mut from, mut to, mut start) = (spare, items, 0);
    for end in places {
        let (bucket, from_rest) = from.split_at_mut(end - start);
        let (place, to_rest) = to.split_at_mut(end - start);
        sort(bucket, place, !into_spare);
        (from, to, start) = (from_rest, to_rest, end);
    }
}

fn by_low_digits<R: Record>(items: &mut [R], spare: &mut [R], span: Range<u32>, into_spare: bool) {
    const PASSES: usize = 3;
    // Not more bits than can be compared at once, so that each tie is of records that agree in all of them.
    let enough = items.len().ilog2() + MARGIN + idle_bits(items, span.end);
    let width = span.end - span.start;
    let taken = if width <= enough + MARGIN { width } else { enough }.min(u32::BITS);
    let passes = taken.div_ceil(DIGIT);
    let bits = taken.div_ceil(passes);
    let low = span.end - taken;
    let digits: [Digit; PASSES] =
        [0, bits, 2 * bits].map(|up| Digit { shift: low + up, bits: bits.min(taken - up.min(taken)) });
    let digits = &digits[..passes as usize];

    let mut table = [[0_u32; 1 << DIGIT]; PASSES];
    for &item in items.iter() {
        for (places, digit) in table.iter_mut().zip(digits) {
            places[digit.of(item)] += 1;
        }
    }
    let mut in_spare = false;
    let (mut from, mut to) = (items, spare);
    for (places, &digit) in table.iter_mut().zip(digits) {
        let places = &mut places[..1 << bits];
        let mut sum = 0;
        for count in &mut *places {
            sum += std::mem::replace(count, sum);
        }
        for &item in &*from {
            let place = &mut places[digit.of(item)];
            to[*place as usize] = item;
            *place += 1;
        }
        (from, to, in_spare) = (to, from, !in_spare);
    }
    if low > span.start {
        sort_ties(from, to, low);
    }
    if in_spare != into_spare {
        to.copy_from_slice(from);
    }
}

/// How many of the bits below `end` tell nothing, in effect: evenly spread keys have none, floating-point numbers of similar size
/// about as many as the exponent has.
fn idle_bits<R: Record>(items: &[R], end: u32) -> u32 {
    let mut sample: [R; SAMPLE] = std::array::from_fn(|at| items[(2 * at + 1) * items.len() / (2 * SAMPLE)]);
    sample.sort_unstable();
    let mut depths = [0; SAMPLE - 1];
    for (depth, pair) in depths.iter_mut().zip(sample.windows(2)) {
        let span = pair[0].differing(pair[1], R::zeroed()).span();
        *depth = if span.is_empty() { 0 } else { end - span.end };
    }
    depths.sort_unstable();
    depths[SAMPLE * 3 / 4].saturating_sub(SAMPLE.ilog2())
}

/// Sorts what is ordered by the bits from `low` on by the bits below.
fn sort_ties<R: Record>(items: &mut [R], spare: &mut [R], low: u32) {
    let mut at = 1;
    while at < items.len() {
        if items[at - 1] <= items[at] {
            at += 1;
            continue;
        }
        let high = items[at].bits(low);
        let start = items[..at].iter().rposition(|item| item.bits(low) != high).map_or(0, |before| before + 1);
        let end = items[at..].iter().position(|item| item.bits(low) != high).map_or(items.len(), |len| at + len);
        sort(&mut items[start..end], &mut spare[start..end], false);
        at = end;
    }
}
