//! Power failures: which images of a disk are possible after one.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use outcore::storage::{Fate, MemoryDisk, Operation};

const SECTOR: usize = 512;

/// Calls `look` with the images of a failure after every number of operations of the range, none twice. `samples` is the number
/// of random subsets for each.
pub(crate) fn failures(
    disk: &MemoryDisk,
    prefixes: RangeInclusive<usize>,
    samples: u64,
    mut look: impl FnMut(usize, &str, &MemoryDisk),
) {
    let log = disk.operations();
    let end = *prefixes.end();
    let mut seen = HashSet::new();
    for prefix in prefixes {
        // What is possible after a sync was possible before, where other states were allowed, too.
        let syncs = matches!(log.get(prefix.wrapping_sub(1)), Some(Operation::Sync { .. } | Operation::SyncDir { .. }));
        if syncs && prefix != end {
            continue;
        }
        let mut open = Vec::new();
        disk.crash_image(prefix, |index, _| {
            open.push(index);
            Fate::Lost
        });
        let mut try_fates = |what: &str, fate: &mut dyn FnMut(usize) -> Fate| {
            let image = disk.crash_image(prefix, |index, _| fate(index));
            if seen.insert((prefix == end, fingerprint(&image))) {
                look(prefix, what, &image);
            }
        };
        try_fates("all lost", &mut |_| Fate::Lost);
        try_fates("all kept", &mut |_| Fate::Kept);
        for &one in &open {
            let what = format!("all but {one} lost");
            try_fates(&what, &mut |index| if index == one { Fate::Kept } else { Fate::Lost });
            let what = format!("all but {one} kept");
            try_fates(&what, &mut |index| if index == one { Fate::Lost } else { Fate::Kept });
            for count in tears(&log[one]) {
                let what = format!("{one} torn after {count} bytes, the others lost");
                try_fates(&what, &mut |index| if index == one { Fate::Torn(count) } else { Fate::Lost });
                let what = format!("{one} torn after {count} bytes, the others kept");
                try_fates(&what, &mut |index| if index == one { Fate::Torn(count) } else { Fate::Kept });
            }
        }
        if open.len() > 2 {
            for sample in 0..samples {
                let mut random = Random(sample + 1000 * prefix as u64 + 1);
                let what = format!("random subset {sample}");
                try_fates(&what, &mut |index| match (random.next() % 5, tears(&log[index]).last()) {
                    (0, Some(&count)) => Fate::Torn(count),
                    (1 | 2, _) => Fate::Lost,
                    _ => Fate::Kept,
                });
            }
        }
    }
}

/// Where a write may be torn: at the first, a middle and the last boundary of sectors.
pub(crate) fn tears(operation: &Operation) -> Vec<usize> {
    let Operation::Write { offset, bytes, .. } = operation else { return Vec::new() };
    let first = SECTOR - usize::try_from(*offset).expect("a small file") % SECTOR;
    let mut all: Vec<usize> = (first..bytes.len()).step_by(SECTOR).collect();
    if all.len() > 3 {
        all = vec![all[0], all[all.len() / 2], all[all.len() - 1]];
    }
    all
}

/// SplitMix64: the same numbers in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn fingerprint(disk: &MemoryDisk) -> u64 {
    let mut mixed = Random(0);
    let mut mix = |bytes: &[u8]| {
        mixed.0 = mixed.next() ^ bytes.len() as u64;
        let (words, rest) = bytes.as_chunks();
        for &word in words {
            mixed.0 = mixed.next() ^ u64::from_le_bytes(word);
        }
        for &byte in rest {
            mixed.0 = mixed.next() ^ u64::from(byte);
        }
    };
    for name in disk.names() {
        mix(name.as_os_str().as_encoded_bytes());
        // No CRC-32: that of a page with its own does not depend on the page.
        mix(&disk.read(&name).unwrap_or_default());
    }
    mixed.next()
}
