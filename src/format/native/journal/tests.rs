use proptest::prelude::*;

use super::*;
use crate::format::native::Attributes;
use crate::shape::Order;

/// A journal of three blocks, and their new bytes.
fn sample() -> (Journal, Vec<Vec<u8>>) {
    let new: Vec<_> = [16, 4096, 1000].map(|len| (0..=250).cycle().take(len).collect::<Vec<u8>>()).into();
    let blocks = [16384 + 504, 20480, 24576 + 100].into_iter().zip(&new).map(|(offset, new)| {
        let old: Vec<_> = new.iter().map(|byte| !byte).collect();
        JournalBlock::new(offset, &old, new)
    });
    let journal = Journal { uuid: [5; 16], generation: 9, data_end: 30_000, head_crc: 0, blocks: blocks.collect() };
    (journal, new)
}

/// The bytes with some changed and the checksum made right again.
fn with(mut bytes: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    bytes[at..at + value.len()].copy_from_slice(value);
    let crc = crc32(&[&bytes[..CRC], &bytes[TAIL_HEADER..]]);
    bytes[CRC..TAIL_HEADER].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("this is wrong").kind()
}

#[test]
fn the_bytes_are_as_the_specification_draws_them() {
    let block = JournalBlock { offset: 0x4210, len: 3, crc: 0x0102_0304, old: [0, 7, 0, 0, 0, 0, 0, 0] };
    let journal = Journal { uuid: [5; 16], generation: 9, data_end: 30_000, head_crc: 6, blocks: vec![block] };
    let mut expected = b"OCA JRNL".to_vec();
    expected.extend([5; 16]);
    expected.extend(9_u64.to_le_bytes());
    expected.extend(30_000_u64.to_le_bytes());
    expected.extend([6, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(1_u64.to_le_bytes());
    expected.extend([0; 4]);
    let mut index = 0x4210_u64.to_le_bytes().to_vec();
    index.extend([3, 0, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0, 7, 0, 0, 0]);
    index.resize(48, 0);
    expected.extend(crc32fast::hash(&[&expected[..], &index].concat()).to_le_bytes());
    expected.extend(index);
    assert_eq!(journal.to_bytes().unwrap(), expected);
    assert_eq!((journal.data_offset(), journal.len()), (112, 115));
}

#[test]
fn journals_read_back() {
    let (journal, _) = sample();
    let bytes = journal.to_bytes().unwrap();
    let len = 64 + 3 * 48 + 16 + 4096 + 1000;
    assert_eq!((journal.len(), bytes.len() as u64), (len, journal.data_offset()));
    assert_eq!(Journal::index_len(&bytes[..64], len).unwrap(), 64 + 3 * 48);
    assert_eq!(Journal::parse(&bytes, len).unwrap(), journal);
    let empty = Journal { blocks: Vec::new(), ..journal };
    assert_eq!(Journal::parse(&empty.to_bytes().unwrap(), 64).unwrap(), empty);
}

#[test]
fn every_flipped_bit_and_every_truncation_is_noticed() {
    let (journal, _) = sample();
    let whole = journal.to_bytes().unwrap();
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // A greater count asks for more of the file than the caller has read.
        let expected = [ErrorKind::Corrupt, ErrorKind::Truncated];
        assert!(expected.contains(&kind(Journal::parse(&bytes, journal.len()))), "{bit}");
    }
    for end in 0..whole.len() {
        assert_eq!(kind(Journal::parse(&whole[..end], journal.len())), ErrorKind::Truncated, "{end}");
    }
    for len in [0, 63, 64, journal.len() - 1, journal.len() + 1, u64::MAX] {
        let expected = if len < 64 { ErrorKind::Truncated } else { ErrorKind::Corrupt };
        assert_eq!(kind(Journal::parse(&whole, len)), expected, "{len}");
    }
}

#[test]
fn a_count_is_checked_before_anyone_makes_room() {
    let (journal, _) = sample();
    let bytes = journal.to_bytes().unwrap();
    for count in [4_u64, 107, 108, 1 << 32, u64::MAX / 48, u64::MAX / 48 + 1, u64::MAX] {
        let bytes = with(bytes.clone(), 48, &count.to_le_bytes());
        let fits = Journal::index_len(&bytes[..64], journal.len());
        assert_eq!(fits.is_ok(), count <= (journal.len() - 64) / 49, "{count}");
        assert!(Journal::parse(&bytes, journal.len()).is_err());
    }
}

#[test]
fn journals_that_lie_are_refused() {
    let (journal, _) = sample();
    let (bytes, len) = (journal.to_bytes().unwrap(), journal.len());
    let entry = |index: usize| 64 + 48 * index;
    for (at, value) in [
        (0, b"OCA SLOT".to_vec()),
        (44, vec![1]),
        (56, vec![1]),
        // Fewer blocks than the bytes behind the header have.
        (48, vec![2]),
        // The last block ends at 25676.
        (32, 25_675_u64.to_le_bytes().to_vec()),
        // The second block: over the first one, before it, out of its page, beyond every file.
        (entry(1), 16_888_u64.to_le_bytes().to_vec()),
        (entry(1), 0_u64.to_le_bytes().to_vec()),
        (entry(1), 20_481_u64.to_le_bytes().to_vec()),
        (entry(1), (u64::MAX - 4095).to_le_bytes().to_vec()),
        // Lengths of the first one: none, more than a page, over the end of the page.
        (entry(0) + 8, vec![0, 0, 0, 0]),
        (entry(0) + 8, 4097_u32.to_le_bytes().to_vec()),
        (entry(0) + 8, vec![0xff; 4]),
        (entry(0) + 8, (4096_u32 - 503).to_le_bytes().to_vec()),
        // A total that is not that of the file.
        (entry(0) + 8, vec![15, 0, 0, 0]),
        // A checksum for a sector in which the first block has no bytes.
        (entry(0) + 16 + 4 * 2, vec![1]),
    ] {
        assert_eq!(kind(Journal::parse(&with(bytes.clone(), at, &value), len)), ErrorKind::Corrupt, "{at} {value:?}");
    }
    let blocks = |blocks: Vec<JournalBlock>| kind(Journal { blocks, ..journal.clone() }.to_bytes());
    let [a, b, c] = [journal.blocks[0], journal.blocks[1], journal.blocks[2]];
    for bad in [
        vec![b, a],
        vec![a, a],
        // Over the last byte of the one before.
        vec![a, JournalBlock::new(16_903, &[1], &[2])],
        vec![JournalBlock { len: 0, ..a }],
        vec![JournalBlock { len: 4097, ..b }],
        vec![JournalBlock { offset: 28_672, ..b }],
        vec![JournalBlock { old: [1; 8], ..c }],
    ] {
        assert_eq!(blocks(bad), ErrorKind::InvalidArgument);
    }
    let next = Journal { blocks: vec![a, JournalBlock::new(16_904, &[1], &[2])], ..journal.clone() };
    assert_eq!(Journal::parse(&next.to_bytes().unwrap(), next.len()).unwrap(), next);
}

/// A replay may have been cut off between two sectors, and may not run over what somebody else has written.
#[test]
fn every_sector_is_old_or_new() {
    let new: Vec<u8> = (0..=250_u8).cycle().take(1500).collect();
    let old: Vec<u8> = new.iter().map(|byte| byte.wrapping_add(1)).collect();
    let block = JournalBlock::new(4096 + 300, &old, &new);
    assert!(block.check_new(&new) && !block.check_new(&old) && !block.check_new(&new[..1499]));
    // Sectors 0 to 3 of the page, cut at 512, 1024 and 1536.
    assert_eq!(block.old.map(|crc| crc != 0), [true, true, true, true, false, false, false, false]);
    let cuts = [0, 212, 724, 1236, 1500];
    for mask in 0..16 {
        let mut current = old.clone();
        for sector in (0..4).filter(|sector| mask >> sector & 1 == 1) {
            let part = cuts[sector]..cuts[sector + 1];
            current[part.clone()].copy_from_slice(&new[part]);
        }
        assert!(block.admits(&current, &new), "{mask}");
        for at in [0, 211, 212, 723, 724, 1235, 1236, 1499] {
            let mut foreign = current.clone();
            foreign[at] ^= 0x80;
            assert!(!block.admits(&foreign, &new), "{mask} {at}");
        }
    }
    // A sector that is half old and half new is neither.
    let torn = [&new[..300], &old[300..]].concat();
    assert!(!block.admits(&torn, &new));
    assert!(!block.admits(&old[..1499], &new) && !block.admits(&old, &new[..1499]));
}

#[test]
fn a_journal_is_bound_to_its_slot() {
    let preamble = Preamble::new("u1".parse().unwrap(), Order::C, 1).unwrap();
    let slot = Slot { generation: 9, shape: vec![13_616], journal: None, seal: None, attrs: Attributes::new() };
    let journal = Journal { uuid: preamble.uuid, ..sample().0 };
    journal.check_native(&preamble, &slot).unwrap();
    let early = JournalBlock::new(16_383, &[1], &[2]);
    for other in [
        Journal { uuid: [5; 16], ..journal.clone() },
        Journal { generation: 8, ..journal.clone() },
        Journal { data_end: 30_001, ..journal.clone() },
        Journal { head_crc: 1, ..journal.clone() },
        Journal { blocks: vec![early], ..journal },
    ] {
        assert_eq!(kind(other.check_native(&preamble, &slot)), ErrorKind::Corrupt);
    }
}

proptest! {
    #[test]
    fn any_blocks_read_back(places in prop::collection::vec((1_u64..3, 0_u32..4096, 1_u32..4097, any::<u8>()), 0..8)) {
        let mut page = 0;
        let blocks: Vec<_> = places.into_iter().map(|(step, begin, len, byte)| {
            page += step;
            let len = len.min(4096 - begin);
            let new = vec![byte; len as usize];
            let old = vec![byte ^ 1; len as usize];
            let block = JournalBlock::new(page * 4096 + u64::from(begin), &old, &new);
            assert!(block.check_new(&new) && block.admits(&old, &new) && block.admits(&new, &new));
            block
        }).collect();
        let journal = Journal { uuid: [0; 16], generation: 1, data_end: 1 << 20, head_crc: 3, blocks };
        let bytes = journal.to_bytes().unwrap();
        prop_assert_eq!(Journal::parse(&bytes, journal.len()).unwrap(), journal);
    }

    #[test]
    fn no_bytes_panic(edits in prop::collection::vec((0_usize..204, any::<[u8; 4]>()), 1..5), len in any::<u64>()) {
        let mut bytes = sample().0.to_bytes().unwrap();
        for (at, value) in edits {
            bytes = with(bytes, at.clamp(8, 204), &value);
        }
        for len in [len, sample().0.len()] {
            if let Ok(journal) = Journal::parse(&bytes, len) {
                prop_assert_eq!(journal.len(), len);
            }
        }
    }
}
