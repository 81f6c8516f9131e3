//! The inner loops: which elements of a slice a predicate holds for.

use crate::compute::kernel::vectorised;

/// Elements that are looked at together. Each has a lane of its own.
const LANES: usize = 64;

/// Chunks after which lanes of a byte are emptied.
const ROUNDS: usize = 255;

/// Elements that are looked at before the next look whether one of them holds.
const STEP: usize = 1024;

/// How many elements the predicate holds for.
pub(super) fn count<T: Copy>(items: &[T], holds: &impl Fn(T) -> bool) -> u64 {
    vectorised(
        #[inline(always)]
        || match size_of::<T>() {
            1 | 2 => count_in_lanes(items, holds),
            3..8 => items
                .chunks(1 << 30)
                .map(|part| u64::from(part.iter().map(|&item| u32::from(holds(item))).sum::<u32>()))
                .sum(),
            _ => items.iter().map(|&item| u64::from(holds(item))).sum(),
        },
    )
}

/// Counts in bytes, where the elements are so narrow that wider counters would slow the loop.
#[inline(always)]
fn count_in_lanes<T: Copy>(items: &[T], holds: &impl Fn(T) -> bool) -> u64 {
    let mut total = 0;
    for round in items.chunks(LANES * ROUNDS) {
        let (chunks, rest) = round.as_chunks::<LANES>();
        let lanes = {
            let mut lanes = [0_u8; LANES];
            for chunk in chunks {
                for lane in 0..LANES {
                    lanes[lane] += u8::from(holds(chunk[lane]));
                }
            }
            lanes
        };
        total += sum_lanes(&lanes) + rest.iter().map(|&item| u64::from(holds(item))).sum::<u64>();
    }
    total
}

/// A call of its own, so that the lanes stay lanes in the loop before it.
#[inline(never)]
fn sum_lanes(lanes: &[u8; LANES]) -> u64 {
    lanes.iter().map(|&lane| u64::from(lane)).sum()
}

/// The first element that the predicate holds for.
pub(super) fn first<T: Copy>(items: &[T], holds: &impl Fn(T) -> bool) -> Option<usize> {
    let step = items.chunks(STEP).position(|step| any(step, holds))?;
    items[step * STEP..].iter().position(|&item| holds(item)).map(|at| step * STEP + at)
}

/// The last element that the predicate holds for.
pub(super) fn last<T: Copy>(items: &[T], holds: &impl Fn(T) -> bool) -> Option<usize> {
    let step = items.rchunks(STEP).position(|step| any(step, holds))?;
    items[..items.len() - step * STEP].iter().rposition(|&item| holds(item))
}

fn any<T: Copy>(items: &[T], holds: &impl Fn(T) -> bool) -> bool {
    vectorised(
        #[inline(always)]
        || items.iter().fold(false, |any, &item| any | holds(item)),
    )
}

/// Appends the positions of the elements that the predicate holds for, the first element being at `start`.
pub(super) fn list<T: Copy>(
    items: &[T],
    holds: &impl Fn(T) -> bool,
    start: u64,
    flags: &mut Vec<u8>,
    places: &mut Vec<u64>,
) {
    let mut start = start;
    for step in items.chunks(STEP) {
        flags.clear();
        vectorised(
            #[inline(always)]
            || flags.extend(step.iter().map(|&item| u8::from(holds(item)))),
        );
        gather(flags, start, places);
        start += step.len() as u64;
    }
}

/// Appends the positions of the flags that are 1: without a branch for each, and past runs of zeros at once.
fn gather(flags: &[u8], start: u64, places: &mut Vec<u64>) {
    let mut found = [0; LANES];
    for (chunk, start) in flags.chunks(LANES).zip((start..).step_by(LANES)) {
        let mut count = 0;
        let (words, rest) = chunk.as_chunks::<8>();
        for (word, start) in words.iter().zip((start..).step_by(8)) {
            if u64::from_le_bytes(*word) != 0 {
                for (&flag, place) in word.iter().zip(start..) {
                    found[count % LANES] = place;
                    count += usize::from(flag);
                }
            }
        }
        let after = start + (chunk.len() - rest.len()) as u64;
        for (&flag, place) in rest.iter().zip(after..) {
            found[count % LANES] = place;
            count += usize::from(flag);
        }
        places.extend_from_slice(&found[..count]);
    }
}
