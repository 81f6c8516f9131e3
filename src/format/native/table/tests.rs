use proptest::prelude::*;

use super::*;
use crate::format::native::{Attributes, CHECKSUM_BLOCK, Extent, Seal};
use crate::shape::Order;

fn sample() -> ChecksumTable {
    ChecksumTable { uuid: [5; 16], generation: 9, body_len: 10_000, block_len: 4096, sums: vec![1, 0x0102_0304, 3] }
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
    let mut expected = b"OCA SUMS".to_vec();
    expected.extend([5; 16]);
    expected.extend([9_u64, 10_000].into_iter().flat_map(u64::to_le_bytes));
    expected.extend([0, 0x10, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let sums = [1, 0, 0, 0, 4, 3, 2, 1, 3, 0, 0, 0];
    expected.extend(crc32fast::hash(&[&expected[..], &sums].concat()).to_le_bytes());
    expected.extend(sums);
    assert_eq!(sample().to_bytes().unwrap(), expected);
    assert_eq!(ChecksumTable::len_for(10_000, 4096), expected.len() as u64);
}

#[test]
fn lengths_follow_from_the_body() {
    for (body_len, block_len, expected) in [
        (0, CHECKSUM_BLOCK, 64),
        (1, CHECKSUM_BLOCK, 68),
        (1 << 20, CHECKSUM_BLOCK, 68),
        ((1 << 20) + 1, CHECKSUM_BLOCK, 72),
        (u64::MAX, 4096, 64 + (1 << 54)),
        (1, 0, u64::MAX),
    ] {
        assert_eq!(ChecksumTable::len_for(body_len, block_len), expected, "{body_len} {block_len}");
    }
    let none = ChecksumTable { body_len: 0, sums: Vec::new(), ..sample() };
    assert_eq!(ChecksumTable::parse(&none.to_bytes().unwrap()).unwrap(), none);
}

#[test]
fn every_flipped_bit_and_every_truncation_is_noticed() {
    let whole = sample().to_bytes().unwrap();
    assert_eq!(ChecksumTable::parse(&whole).unwrap(), sample());
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(kind(ChecksumTable::parse(&bytes)), ErrorKind::Corrupt, "{bit}");
    }
    for end in 0..whole.len() {
        let expected = if end < 64 { ErrorKind::Truncated } else { ErrorKind::Corrupt };
        assert_eq!(kind(ChecksumTable::parse(&whole[..end])), expected, "{end}");
    }
    assert_eq!(kind(ChecksumTable::parse(&[&whole[..], &[0]].concat())), ErrorKind::Corrupt);
}

#[test]
fn tables_that_lie_are_refused() {
    let whole = sample().to_bytes().unwrap();
    let mut odd = whole.clone();
    odd.push(0);
    for (bytes, at, value) in [
        (&whole, 0, b"OCA JRNL".to_vec()),
        (&whole, 44, vec![1]),
        (&whole, 56, vec![1]),
        (&odd, 56, vec![0]),
        (&whole, 48, vec![2]),
        (&whole, 48, vec![0xff; 8]),
        (&whole, 48, (1_u64 << 62).to_le_bytes().to_vec()),
        (&whole, 32, 8192_u64.to_le_bytes().to_vec()),
        (&whole, 32, vec![0xff; 8]),
        (&whole, 40, vec![0, 0, 0, 0]),
        (&whole, 40, vec![1, 0, 0, 0]),
        (&whole, 40, 4095_u32.to_le_bytes().to_vec()),
    ] {
        assert_eq!(kind(ChecksumTable::parse(&with(bytes.clone(), at, &value))), ErrorKind::Corrupt, "{at} {value:?}");
    }
    for table in [
        ChecksumTable { block_len: 0, ..sample() },
        ChecksumTable { block_len: 512, ..sample() },
        ChecksumTable { body_len: 12_289, ..sample() },
    ] {
        assert_eq!(kind(table.to_bytes()), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_table_is_bound_to_its_slot() {
    let preamble = Preamble::new("u1".parse().unwrap(), Order::C, 1).unwrap();
    let seal = Some(Seal { table: Extent { offset: 28_672, len: 76 }, generation: 9 });
    let slot = Slot { generation: 11, shape: vec![10_000], journal: None, seal, attrs: Attributes::new() };
    let table = ChecksumTable { uuid: preamble.uuid, ..sample() };
    table.check_native(&preamble, &slot).unwrap();
    for other in [
        sample(),
        ChecksumTable { generation: 8, ..table.clone() },
        ChecksumTable { body_len: 10_001, ..table.clone() },
    ] {
        assert_eq!(kind(other.check_native(&preamble, &slot)), ErrorKind::Corrupt);
    }
    assert_eq!(kind(table.check_native(&preamble, &Slot { seal: None, ..slot })), ErrorKind::Corrupt);
}

proptest! {
    #[test]
    fn any_sums_read_back(sums in prop::collection::vec(any::<u32>(), 0..9), pages in 1_u32..1 << 20, generation: u64) {
        let block_len = pages.saturating_mul(4096) & !4095;
        let body_len = sums.len() as u64 * u64::from(block_len);
        let table = ChecksumTable { uuid: [1; 16], generation, body_len, block_len, sums };
        let bytes = table.to_bytes().unwrap();
        prop_assert_eq!(bytes.len() as u64, ChecksumTable::len_for(body_len, block_len));
        prop_assert_eq!(ChecksumTable::parse(&bytes).unwrap(), table);
    }

    #[test]
    fn no_bytes_panic(edits in prop::collection::vec((0_usize..72, any::<[u8; 4]>()), 1..5)) {
        let mut bytes = sample().to_bytes().unwrap();
        for (at, value) in edits {
            bytes = with(bytes, at, &value);
        }
        if let Ok(table) = ChecksumTable::parse(&bytes) {
            prop_assert_eq!(ChecksumTable::len_for(table.body_len, table.block_len), bytes.len() as u64);
        }
    }
}
