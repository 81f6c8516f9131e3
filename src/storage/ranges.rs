//! Which bytes a handle has locked, and how.

use std::ops::Range;

use super::backend::Lock;

/// Locked ranges, disjoint and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(Range<u64>, Lock)>);

impl Ranges {
    /// The ranges, in order. Neighbours are not joined.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Range<u64>, Lock)> {
        self.0.iter()
    }

    /// Locks all of `range`, or unlocks it, whatever was there before.
    pub(super) fn set(&mut self, range: &Range<u64>, lock: Option<Lock>) {
        let mut changed = Vec::with_capacity(self.0.len() + 2);
        for (old, held) in self.0.drain(..) {
            let before = old.start..old.end.min(range.start);
            let after = old.start.max(range.end)..old.end;
            changed.extend([before, after].into_iter().filter(|part| !part.is_empty()).map(|part| (part, held)));
        }
        changed.extend(lock.map(|lock| (range.clone(), lock)).filter(|_| !range.is_empty()));
        changed.sort_unstable_by_key(|(range, _)| range.start);
        self.0 = changed;
    }

    /// The parts of `range` where there is no lock, or for an exclusive one no exclusive lock.
    pub(super) fn missing(&self, range: &Range<u64>, lock: Lock) -> Vec<Range<u64>> {
        let (mut missing, mut at) = (Vec::new(), range.start);
        for (held, _) in self.iter().filter(|(_, held)| *held == lock || *held == Lock::Exclusive) {
            if at < held.start.min(range.end) {
                missing.push(at..held.start.min(range.end));
            }
            at = at.max(held.end);
        }
        if at < range.end {
            missing.push(at..range.end);
        }
        missing
    }

    /// Whether these locks keep another handle from taking that one.
    pub(super) fn exclude(&self, range: &Range<u64>, lock: Lock) -> bool {
        let meets = |held: &Range<u64>| held.start < range.end && range.start < held.end;
        self.iter().any(|(held, other)| meets(held) && (*other, lock) != (Lock::Shared, Lock::Shared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, byte by byte.
    #[derive(Clone, Default)]
    struct Bytes([Option<Lock>; 12]);

    #[test]
    fn ranges_are_what_a_lock_for_each_byte_would_be() {
        let mut state = 1_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let kinds = [None, Some(Lock::Shared), Some(Lock::Exclusive)];
        for _ in 0..200 {
            let (mut ranges, mut bytes) = (Ranges::default(), Bytes::default());
            for _ in 0..12 {
                let (a, b) = (random(13), random(13));
                let (range, kind) = (a.min(b)..a.max(b), kinds[usize::try_from(random(3)).unwrap()]);
                ranges.set(&range, kind);
                (range.start..range.end).for_each(|at| bytes.0[usize::try_from(at).unwrap()] = kind);
                let mut flat = Bytes::default();
                for (held, lock) in ranges.iter() {
                    assert!(!held.is_empty());
                    for at in held.clone() {
                        assert_eq!(flat.0[usize::try_from(at).unwrap()].replace(*lock), None, "disjoint");
                    }
                }
                assert_eq!(flat.0, bytes.0);
                assert!(ranges.iter().zip(ranges.iter().skip(1)).all(|((a, _), (b, _))| a.end <= b.start));
                for lock in [Lock::Shared, Lock::Exclusive] {
                    let lacks = |held: Option<Lock>| held.is_none_or(|held| held != lock && held == Lock::Shared);
                    let missing: Vec<u64> = ranges.missing(&range, lock).into_iter().flatten().collect();
                    let expected: Vec<u64> =
                        range.clone().filter(|&at| lacks(bytes.0[usize::try_from(at).unwrap()])).collect();
                    assert_eq!(missing, expected);
                    let excluded = range.clone().any(|at| match bytes.0[usize::try_from(at).unwrap()] {
                        None => false,
                        Some(held) => held == Lock::Exclusive || lock == Lock::Exclusive,
                    });
                    assert_eq!(ranges.exclude(&range, lock), excluded);
                }
            }
        }
    }
}
