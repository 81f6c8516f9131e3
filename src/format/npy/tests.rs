use proptest::prelude::*;

use super::*;
use crate::element::{ByteOrder, DType};
use crate::error::ErrorKind;
use crate::format::{Format, Header};
use crate::shape::{Order, order_is_moot};

fn dtype(text: &str) -> DType {
    text.parse().unwrap()
}

/// A file that begins with this header text.
fn file(version: u8, text: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend(u16::try_from(text.len()).unwrap().to_le_bytes()),
        _ => file.extend(u32::try_from(text.len()).unwrap().to_le_bytes()),
    }
    file.extend(text);
    file
}

fn refusal(file: &[u8]) -> (ErrorKind, Option<u64>) {
    let error = parse(file, DEFAULT_MAX_HEADER).expect_err("the header is wrong");
    (error.kind(), error.offset())
}

fn text_of(header: &[u8]) -> &str {
    str::from_utf8(&header[VERSION_END + length_width((header[6], header[7])).unwrap()..]).unwrap()
}

#[test]
fn headers_are_those_of_np_save() {
    let shown = |code: &str, shape: &[u64], order| {
        let header = header(&dtype(code), shape, order).unwrap();
        assert_eq!(header.len() % 64, 0);
        text_of(&header).to_owned()
    };
    let f8 = |shape: &[u64], order| shown("<f8", shape, order);
    let expected =
        |text: &str, room: usize, len: usize| format!("{:len$}\n", format!("{text}{:room$}", ""), len = len - 11);
    // (text, growth room, data offset)
    assert_eq!(f8(&[], Order::C), expected("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 0, 128));
    assert_eq!(f8(&[3], Order::C), expected("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", 20, 128));
    assert_eq!(
        f8(&[3, 40], Order::C),
        expected("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 40), }", 20, 128)
    );
    assert_eq!(
        f8(&[3, 40], Order::F),
        expected("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 40), }", 19, 128)
    );
    assert_eq!(
        f8(&[1, 40], Order::F),
        expected("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 40), }", 20, 128)
    );
    assert_eq!(
        f8(&[0, 4, 2], Order::F),
        expected("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4, 2), }", 20, 128)
    );
    assert_eq!(
        shown("[('it\\'s', '<i4'), ('', 'V4')]", &[2], Order::C),
        expected("{'descr': [(\"it's\", '<i4'), ('', '|V4')], 'fortran_order': False, 'shape': (2,), }", 20, 128)
    );
}

#[test]
fn an_aligned_header_gets_a_whole_alignment_more() {
    // Field names of every length meet every remainder; the growth room is constant.
    for len in 1..200 {
        let header = header(&dtype(&format!("[('{}', '?')]", "x".repeat(len))), &[5], Order::C).unwrap();
        let text = text_of(&header);
        let spaces = text.len() - text.trim_end().len() - 1;
        assert!((20 + 1..=20 + 64).contains(&spaces), "{len}: {spaces}");
        assert_eq!(header.len() % 64, 0);
        assert!(header.ends_with(b" \n"));
    }
}

#[test]
fn the_version_is_the_lowest_that_fits() {
    let version = |code: &str| header(&dtype(code), &[2], Order::C).unwrap()[6];
    assert_eq!(version("[('é', '<f4')]"), 1);
    assert_eq!(version("[('温', '<f4')]"), 3);
    // At the largest aligned header of version 1.0, 65536 - 64 + 64 - 10 - 1 bytes of text cannot be.
    let with_name = |len| format!("[('{}', '<f4')]", "x".repeat(len));
    let first = (65_000..65_600).find(|&len| version(&with_name(len)) == 2).unwrap();
    let last = header(&dtype(&with_name(first - 1)), &[2], Order::C).unwrap();
    assert_eq!(last.len(), 65_536);
    let next = header(&dtype(&with_name(first)), &[2], Order::C).unwrap();
    assert_eq!((next[6], next.len() % 64), (2, 0));
    assert_eq!(parse(&next, 1 << 20).unwrap().version(), Some((2, 0)));

    let f8 = dtype("<f8");
    for version in [(1, 0), (2, 0), (3, 0)] {
        let header = header_with_version(version, &f8, &[2], Order::C).unwrap();
        assert_eq!(parse(&header, DEFAULT_MAX_HEADER).unwrap().version(), Some(version));
    }
    let kind = |version, code: &str| header_with_version(version, &dtype(code), &[2], Order::C).unwrap_err().kind();
    assert_eq!(kind((1, 1), "<f8"), ErrorKind::InvalidArgument);
    assert_eq!(kind((2, 0), "[('温', '<f4')]"), ErrorKind::InvalidArgument);
    assert_eq!(kind((1, 0), &with_name(70_000)), ErrorKind::InvalidArgument);
}

#[test]
fn what_npy_cannot_say_is_not_written() {
    let kind = |dtype: &DType, shape: &[u64]| header(dtype, shape, Order::C).unwrap_err().kind();
    assert_eq!(kind(&dtype("bfloat16"), &[2]), ErrorKind::Unsupported);
    let record = "[('a', 'bfloat16')]".parse().unwrap();
    assert_eq!(kind(&record, &[2]), ErrorKind::Unsupported);
    assert_eq!(kind(&dtype("<f8"), &[1; 65]), ErrorKind::Shape);
    assert_eq!(kind(&dtype("<f8"), &[1 << 60, 2]), ErrorKind::TooLarge);
    assert_eq!(kind(&dtype("<f8"), &[u64::MAX]), ErrorKind::TooLarge);
    let sub_array = DType::SubArray { base: dtype("<f8").into(), shape: vec![2] };
    assert_eq!(kind(&sub_array, &[2]), ErrorKind::Unsupported);
}

#[test]
fn a_header_grows_in_its_place() {
    let f8 = dtype("<f8");
    let old = header(&f8, &[3, 4], Order::C).unwrap();
    let end = old.len() as u64;
    for len in [0, 9, 1_000_000, 1 << 57] {
        let new = header_in(end, (1, 0), &f8, &[len, 4], Order::C).unwrap();
        assert_eq!(new.len(), old.len());
        assert_eq!(parse(&new, DEFAULT_MAX_HEADER).unwrap().shape(), [len, 4]);
        // What growing leaves is what a new file would have had.
        assert_eq!(new, header(&f8, &[len, 4], Order::C).unwrap());
    }
    // A header without any padding has no room at all, not even for its line end.
    let tight = text_of(&old).trim_end().len() as u64 + 10;
    assert_eq!(header_in(tight, (1, 0), &f8, &[3, 4], Order::C).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(header_in(tight + 1, (1, 0), &f8, &[3, 4], Order::C).unwrap().len() as u64, tight + 1);
    assert_eq!(header_in(0, (1, 0), &f8, &[3, 4], Order::C).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn every_truncation_is_told_with_the_numbers() {
    for version in [(1, 0), (2, 0), (3, 0)] {
        let whole = header_with_version(version, &dtype("<f8"), &[3], Order::C).unwrap();
        for len in 0..whole.len() {
            assert_eq!(refusal(&whole[..len]), (ErrorKind::Truncated, Some(len as u64)), "{version:?} {len}");
        }
        assert_eq!(parse(&whole, DEFAULT_MAX_HEADER).unwrap().data_offset(), whole.len() as u64);
    }
    let error = parse(b"\x93NUMPY\x01\x00\x76\x00{", DEFAULT_MAX_HEADER).unwrap_err();
    assert_eq!(error.to_string(), "the file ends in its header: expected 128 bytes, found 11 (at byte 11)");
}

#[test]
fn only_the_three_versions_are_read() {
    assert_eq!(refusal(b"\x92NUMPY\x01\x00"), (ErrorKind::UnknownFormat, Some(0)));
    assert_eq!(refusal(b"PK\x03\x04"), (ErrorKind::UnknownFormat, Some(0)));
    for version in [[0, 0], [0, 1], [1, 1], [2, 1], [4, 0], [255, 255]] {
        let mut file = header(&dtype("<f8"), &[3], Order::C).unwrap();
        file[6..8].copy_from_slice(&version);
        assert_eq!(refusal(&file), (ErrorKind::Unsupported, Some(6)), "{version:?}");
    }
}

#[test]
fn the_limit_counts_characters() {
    let text = |len: usize, name: &str| {
        let text = format!("{{'descr': [('{name}', '<f8')], 'fortran_order': False, 'shape': (3,)}}");
        let room = len - text.chars().count();
        format!("{text}{:room$}", "")
    };
    for (version, name) in [(1, "x"), (2, "x"), (3, "x"), (3, "😀")] {
        for (len, fits) in [(10_000, true), (10_001, false)] {
            let file = file(version, text(len, name).as_bytes());
            match parse(&file, DEFAULT_MAX_HEADER) {
                Ok(header) => assert!(fits && header.data_offset() == file.len() as u64),
                Err(error) => assert!(!fits && error.kind() == ErrorKind::HeaderTooLarge, "{error}"),
            }
            assert!(parse(&file, len).is_ok());
        }
    }
    // Seen from the length field alone, before a byte of the header is read.
    let huge = |version: u8, len: u32| {
        let mut prefix = file(version, b"");
        prefix.truncate(VERSION_END);
        prefix.extend(len.to_le_bytes());
        header_end(&prefix, DEFAULT_MAX_HEADER).map_err(|error| error.kind())
    };
    assert_eq!(huge(2, 10_000), Ok(10_012));
    assert_eq!(huge(2, 10_001), Err(ErrorKind::HeaderTooLarge));
    assert_eq!(huge(3, 40_000), Ok(40_012));
    assert_eq!(huge(3, u32::MAX), Err(ErrorKind::HeaderTooLarge));
}

#[test]
fn errors_carry_the_position_in_the_file() {
    for (version, text, kind, offset) in [
        (1, "", ErrorKind::Corrupt, 10),
        (1, "[1]", ErrorKind::Corrupt, 10),
        (1, "{'descr': '<f8', 'fortran_order': 0, 'shape': ()}", ErrorKind::Corrupt, 44),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,-1)}", ErrorKind::Corrupt, 63),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': [3]}", ErrorKind::Corrupt, 60),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}", ErrorKind::Corrupt, 61),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808,)}", ErrorKind::TooLarge, 61),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", ErrorKind::TooLarge, 60),
        (1, "{'descr': '<f8', 'fortran_order': False}", ErrorKind::Corrupt, 10),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), 'x': 1}", ErrorKind::Corrupt, 64),
        (1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), 'shape': ()}", ErrorKind::Corrupt, 64),
        (1, "{'descr': '|O', 'fortran_order': False, 'shape': ()}", ErrorKind::Unsupported, 20),
        (1, "{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': ()}", ErrorKind::Unsupported, 20),
        (3, "{'descr': [('温', '<q9')], 'fortran_order': False, 'shape': ()}", ErrorKind::Corrupt, 31),
        (3, "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,)}", ErrorKind::Corrupt, 64),
    ] {
        assert_eq!(refusal(&file(version, text.as_bytes())), (kind, Some(offset)), "{text}");
    }
    let dims = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({})}}", "1,".repeat(65));
    assert_eq!(refusal(&file(1, dims.as_bytes())), (ErrorKind::Shape, Some(60)));
    assert_eq!(refusal(&file(3, b"{'descr': '\xff'}")), (ErrorKind::Corrupt, Some(23)));
    let error = parse(&file(1, b"{'descr': [('a', '|O')]"), DEFAULT_MAX_HEADER).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn headers_of_other_writers_are_read() {
    let read = |version, text: &[u8]| parse(&file(version, text), DEFAULT_MAX_HEADER).unwrap();
    let header = read(1, b"{\"shape\":( 2L , 3 ),\n u'fortran_order' :True,'descr':'>u2'}");
    let expected = Header::new(Format::Npy, Some((1, 0)), dtype(">u2"), vec![2, 3], Order::F, 69).unwrap();
    assert_eq!(header, expected);
    assert_eq!(
        read(1, b"{'descr': [('\xe9', '<f8')], 'fortran_order': False, 'shape': ()}").dtype(),
        &dtype("[('é', '<f8')]")
    );
    assert_eq!(read(1, b"{'descr': '|u1', 'fortran_order': True, 'shape': (5,)} # by hand\n\n").order(), Order::C);
}

fn any_shape() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![prop::collection::vec(0_u64..2000, 0..5), prop::collection::vec(0_u64..3, 0..12)]
}

proptest! {
    #[test]
    fn headers_read_back(dtype in crate::element::descr::tests::any_dtype(), shape in any_shape(), fortran: bool, version in 1_u8..4) {
        let order = if fortran { Order::F } else { Order::C };
        let guessed = header(&dtype, &shape, order).unwrap();
        for bytes in [Ok(guessed), header_with_version((version, 0), &dtype, &shape, order)].into_iter().flatten() {
            prop_assert_eq!(bytes.len() % 64, 0);
            let read = parse(&bytes, 1 << 20).unwrap();
            prop_assert_eq!(read.dtype(), &dtype);
            prop_assert_eq!(read.shape(), &shape[..]);
            prop_assert_eq!(read.order(), if order_is_moot(&shape) { Order::C } else { order });
            prop_assert_eq!(read.data_offset(), bytes.len() as u64);
        }
    }

    #[test]
    fn no_damage_panics(at in 0_usize..140, byte: u8, len in 0_usize..140, version in 0_u8..5) {
        let mut file = header(&dtype("[('a', '<f8', (2, 3)), (('t', 'b'), '>M8[25s]')]"), &[3, 4], Order::F).unwrap();
        if version > 0 {
            file[6] = version;
        }
        let at = at % file.len();
        file[at] = byte;
        let _ = parse(&file[..len.min(file.len())], DEFAULT_MAX_HEADER);
        let _ = parse(&file, DEFAULT_MAX_HEADER);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, version in 1_u8..4) {
        let _ = parse(&bytes, DEFAULT_MAX_HEADER);
        let _ = parse(&file(version, &bytes), DEFAULT_MAX_HEADER);
    }
}

#[test]
fn big_endian_and_little_endian_types_keep_their_sign() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let dtype = dtype("<f8").with_byte_order(order);
        let bytes = header(&dtype, &[3], Order::C).unwrap();
        assert_eq!(parse(&bytes, DEFAULT_MAX_HEADER).unwrap().dtype().byte_order(), Some(order));
    }
}
