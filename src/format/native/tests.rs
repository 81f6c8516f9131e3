use proptest::prelude::*;

use super::*;
use crate::element::{ByteOrder, DType};
use crate::error::Result;
use crate::format::{Format, detect};
use crate::shape::Order;

fn dtype(text: &str) -> DType {
    text.parse().unwrap()
}

fn preamble(code: &str, order: Order, ndim: usize) -> Preamble {
    Preamble::new(dtype(code), order, ndim).unwrap()
}

fn slot(generation: u64, shape: &[u64]) -> Slot {
    Slot { generation, shape: shape.to_vec(), journal: None, seal: None, attrs: Attributes::new() }
}

fn attrs(text: &str) -> Attributes {
    Attributes::from_json(text.as_bytes()).unwrap()
}

/// A head of two slots as they lie in the file.
fn head_of(preamble: &Preamble, a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut head = preamble.to_bytes().unwrap();
    head.extend(a);
    head.extend(b);
    head.resize(HEAD_LEN, 0);
    head
}

/// A head with generations 6 and 7 of different shapes, and the length of a file that holds both.
fn two_generations() -> (Vec<u8>, u64) {
    let preamble = preamble("<f8", Order::C, 2);
    let [old, new] = [[3, 4], [5, 4]].map(|shape| Slot {
        attrs: attrs(r#"{"axes":["row","column"],"units":"K"}"#),
        ..slot(shape[0] / 5 + 6, &shape)
    });
    let pages = [&new, &old].map(|slot| slot.to_bytes(&preamble).unwrap());
    (head_of(&preamble, &pages[0], &pages[1]), HEAD_LEN as u64 + 160)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// The preamble with some bytes changed and its checksum made right again.
fn preamble_with(mut page: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    put(&mut page, at, value);
    let crc = crc32(&[&page[..PAGE_CRC]]);
    put(&mut page, PAGE_CRC, &crc.to_le_bytes());
    page
}

/// The same for a slot.
fn slot_with(preamble: &Preamble, mut page: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    put(&mut page, at, value);
    let crc = crc32(&[&preamble.uuid, &page[..PAGE_CRC]]);
    put(&mut page, PAGE_CRC, &crc.to_le_bytes());
    page
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (ErrorKind, Option<u64>) {
    let error = result.expect_err("this is wrong");
    assert!(!error.to_string().contains('\n'), "{error}");
    (error.kind(), error.offset())
}

#[test]
fn the_pages_are_as_the_specification_draws_them() {
    let preamble = preamble("[('t', '<M8[s]'), ('x', '<f4')]", Order::F, 2);
    let page = preamble.to_bytes().unwrap();
    let text = b"[('t', '<M8[s]'), ('x', '<f4')]";
    assert_eq!(page[..12], *b"\x89OCA\r\n\x1a\n\x01\0\0\0");
    assert_eq!(page[12..20], [0; 8]);
    assert_eq!(page[20..24], *b"<F\x02\0");
    assert_eq!(page[24..40], *b"\x0c\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0");
    assert_eq!(page[40..56], preamble.uuid);
    // A UUID of version 8 and of the variant of RFC 9562.
    assert_eq!((page[46] >> 4, page[48] >> 6), (8, 2));
    assert_eq!(page[56..64], [31, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(page[64..64 + 31], *text);
    assert!(is_zero(&page[64 + 31..4092]));
    assert_eq!(page[4092..], crc32fast::hash(&page[..4092]).to_le_bytes());
    assert_eq!(page.len(), 4096);

    let slot = Slot {
        generation: 0x0102,
        shape: vec![3, 258],
        journal: Some(Extent { offset: 32768, len: 70 }),
        seal: Some(Seal { table: Extent { offset: 28672, len: 68 }, generation: 0x0101 }),
        attrs: attrs(r#"{"a": 1}"#),
    };
    let page = slot.to_bytes(&preamble).unwrap();
    let numbers = [3 * 258 * 12, 32768, 70, 28672, 68, 0x0101_u64];
    let mut expected = b"OCA SLOT\x02\x01\0\0\0\0\0\0".to_vec();
    expected.extend([0; 8]);
    expected.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
    expected.extend([7, 0, 0, 0]);
    expected.extend([0; 20]);
    expected.extend([3_u64, 258].into_iter().flat_map(u64::to_le_bytes));
    expected.extend(br#"{"a":1}"#);
    expected.resize(4092, 0);
    let signed = [&preamble.uuid[..], &expected].concat();
    expected.extend(crc32fast::hash(&signed).to_le_bytes());
    assert_eq!(page, expected);
}

/// The check value that every description of this CRC gives.
#[test]
fn the_checksum_is_that_of_zlib() {
    assert_eq!(crc32(&[b"123", b"", b"456789"]), 0xcbf4_3926);
}

#[test]
fn the_same_input_gives_the_same_uuid_and_another_one_another() {
    let uuids: Vec<_> = [("<f8", Order::C, 2), ("<f8", Order::F, 2), ("<f8", Order::C, 1), (">f8", Order::C, 2)]
        .map(|(code, order, ndim)| {
            let uuid = preamble(code, order, ndim).uuid;
            assert_eq!(uuid, preamble(code, order, ndim).uuid);
            uuid
        })
        .into();
    for (index, uuid) in uuids.iter().enumerate() {
        assert!(!uuids[..index].contains(uuid));
    }
}

#[test]
fn every_byte_order_is_stated() {
    for (code, text, sign) in [
        ("bfloat16", format!("'{}bfloat16'", ByteOrder::NATIVE.sign()), ByteOrder::NATIVE.sign()),
        (">bfloat16", "'>bfloat16'".into(), '>'),
        ("<bfloat16", "'<bfloat16'".into(), '<'),
        ("[('a', '<bfloat16')]", "[('a', '<bfloat16')]".into(), '<'),
        ("[('a', '>i2'), ('b', 'S3')]", "[('a', '>i2'), ('b', '|S3')]".into(), '>'),
        ("[('a', '>i2'), ('b', '<i2')]", "[('a', '>i2'), ('b', '<i2')]".into(), '|'),
        ("[('a', [('b', '<i2', (2,))])]", "[('a', [('b', '<i2', (2,))])]".into(), '<'),
        ("i1", "'|i1'".into(), '|'),
        ("?", "'|b1'".into(), '|'),
        ("S0", "'|S0'".into(), '|'),
        (">U3", "'>U3'".into(), '>'),
    ] {
        let page = preamble(code, Order::C, 1).to_bytes().unwrap();
        let end = 64 + usize::from(page[56]);
        assert_eq!((str::from_utf8(&page[64..end]), char::from(page[20])), (Ok(text.as_str()), sign), "{code}");
        assert_eq!(Preamble::parse(&page).unwrap().dtype, dtype(&text));
    }
}

#[test]
fn the_order_says_which_axis_grows() {
    let axis = |order, ndim| preamble("u1", order, ndim).growth_axis();
    assert_eq!(
        [axis(Order::C, 0), axis(Order::C, 3), axis(Order::F, 3), axis(Order::F, 0)],
        [None, Some(0), Some(2), None]
    );
    // Also where both orders are the same, of which the header has nothing.
    let head = Head::new(preamble("u1", Order::F, 2), vec![1, 5], Attributes::new()).unwrap();
    let read = Head::parse(&head.to_bytes().unwrap(), 1 << 20).unwrap();
    assert_eq!((read.preamble.growth_axis(), read.header().unwrap().order()), (Some(1), Order::C));
}

#[test]
fn the_header_is_that_of_the_active_slot() {
    let (head, len) = two_generations();
    assert_eq!(detect(&head[..12]), Some(Format::Native));
    let head = Head::parse(&head, len).unwrap();
    let header = head.header().unwrap();
    assert_eq!((header.format(), header.version(), header.shape()), (Format::Native, Some((1, 0)), &[5, 4][..]));
    assert_eq!((header.data_offset(), header.data_end(), header.nbytes()), (16384, len, 160));
    assert_eq!((head.active, head.slot().generation), (0, 7));
}

#[test]
fn the_greater_generation_counts() {
    const MOST: u64 = i64::MAX.unsigned_abs();
    let preamble = preamble("u1", Order::C, 1);
    let page = |generation, len| slot(generation, &[len]).to_bytes(&preamble).unwrap();
    let active = |a: &[u8], b: &[u8]| Head::parse(&head_of(&preamble, a, b), 1 << 20).map(|head| head.active);
    for (a, b, expected) in [(1, 2, 1), (2, 1, 0), (MOST, 1, 0), (MOST - 1, MOST, 1), (255, 256, 1)] {
        assert_eq!(active(&page(a, 3), &page(b, 4)).unwrap(), expected, "{a} {b}");
    }
    assert_eq!(active(&page(5, 3), &page(5, 3)).unwrap(), 0);
    assert_eq!(refusal(active(&page(5, 3), &page(5, 4))), (ErrorKind::Corrupt, Some(8192)));
}

/// A flip leaves two states: the head is refused, or the other slot counts.
#[test]
fn every_flipped_bit_of_a_head_is_noticed() {
    let (whole, len) = two_generations();
    let good = Head::parse(&whole, len).unwrap();
    let mut head = whole.clone();
    for bit in 0..8 * HEAD_LEN {
        head[bit / 8] ^= 1 << (bit % 8);
        let read = Head::parse(&head, len);
        match bit / 8 / PAGE_LEN {
            0 if bit < 64 => assert_eq!(refusal(read), (ErrorKind::UnknownFormat, Some(0)), "{bit}"),
            0 => assert_eq!(refusal(read), (ErrorKind::Corrupt, Some(4092)), "{bit}"),
            3 => assert_eq!(refusal(read), (ErrorKind::Corrupt, Some(12288)), "{bit}"),
            page => {
                let read = read.unwrap();
                let [damaged, other] = [page - 1, 2 - page];
                assert_eq!(read.active, other, "{bit}");
                assert_eq!(read.slots[other].as_ref().unwrap(), good.slots[other].as_ref().unwrap(), "{bit}");
                let (kind, at) = refusal(read.slots.into_iter().nth(damaged).unwrap());
                assert_eq!((kind, at), (ErrorKind::Corrupt, Some((page * PAGE_LEN + PAGE_CRC) as u64)), "{bit}");
            }
        }
        head[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(head, whole);
    // Where both are damaged there is none to take.
    for bit in (0..8 * PAGE_LEN).step_by(97) {
        let mut head = whole.clone();
        head[PAGE_LEN + bit / 8] ^= 1 << (bit % 8);
        head[3 * PAGE_LEN - 1 - bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refusal(Head::parse(&head, len)), (ErrorKind::Corrupt, Some(4096)));
    }
}

#[test]
fn every_truncation_is_told() {
    let (head, len) = two_generations();
    for end in 0..HEAD_LEN {
        assert_eq!(refusal(Head::parse(&head[..end], end as u64)), (ErrorKind::Truncated, Some(end as u64)), "{end}");
    }
    // The older slot would have its elements in a file of fewer bytes, and is not taken for that.
    for file_len in HEAD_LEN as u64..=len + 1 {
        let read = Head::parse(&head, file_len);
        if file_len < len {
            assert_eq!(refusal(read), (ErrorKind::Truncated, Some(file_len)));
        } else {
            assert_eq!(read.unwrap().slot().shape, [5, 4], "{file_len}");
        }
    }
}

/// Half a change may be in place, and the rest is gone.
#[test]
fn a_file_without_its_announced_journal_is_truncated() {
    let preamble = preamble("u1", Order::C, 1);
    let journal = |extent| Slot { journal: Some(extent), ..slot(2, &[5]) }.to_bytes(&preamble).unwrap();
    let old = slot(1, &[5]).to_bytes(&preamble).unwrap();
    let head = head_of(&preamble, &old, &journal(Extent { offset: 20480, len: 100 }));
    assert_eq!(refusal(Head::parse(&head, 20579)), (ErrorKind::Truncated, Some(20579)));
    assert_eq!(Head::parse(&head, 20580).unwrap().active, 1);
}

#[test]
fn a_later_version_is_refused_or_read_as_it_asks() {
    let (head, len) = two_generations();
    let with = |at, value: &[u8]| {
        let mut head = head.clone();
        let page = preamble_with(head[..PAGE_LEN].to_vec(), at, value);
        put(&mut head, 0, &page);
        head
    };
    let read = |at, value: &[u8]| Head::parse(&with(at, value), len);
    assert_eq!(refusal(read(8, &[2, 0])), (ErrorKind::Unsupported, Some(8)));
    assert_eq!(refusal(read(8, &[0, 0])), (ErrorKind::Unsupported, Some(8)));
    assert_eq!(read(10, &[9, 0]).unwrap().preamble.version, (1, 9));
    assert_eq!(read(10, &[9, 1]).unwrap().header().unwrap().version(), Some((1, 255)));
    for bit in 0..32 {
        let flag = (1_u32 << bit).to_le_bytes();
        assert_eq!(refusal(read(12, &flag)), (ErrorKind::Unsupported, Some(12)), "{bit}");
        assert_eq!(read(16, &flag).unwrap().slot().generation, 7, "{bit}");
        // The same in the slots, of which none is passed over for its flags.
        let preamble = Preamble::parse(&head).unwrap();
        for (page, flagged) in [(1, 4112), (2, 8208)] {
            let mut head = head.clone();
            let begin = page * PAGE_LEN;
            let whole = head[begin..begin + PAGE_LEN].to_vec();
            put(&mut head, begin, &slot_with(&preamble, whole.clone(), 16, &flag));
            assert_eq!(refusal(Head::parse(&head, len)), (ErrorKind::Unsupported, Some(flagged)), "{bit} {page}");
            put(&mut head, begin, &slot_with(&preamble, whole, 20, &flag));
            assert_eq!(Head::parse(&head, len).unwrap().slot().generation, 7, "{bit} {page}");
        }
    }
    // Reserved bytes are for later minor versions to use.
    let mut head = with(10, &[1, 0]);
    head[HEAD_LEN - 1] = 1;
    let page = preamble_with(head[..PAGE_LEN].to_vec(), 58, &[1]);
    put(&mut head, 0, &page);
    let page = slot_with(&Preamble::parse(&head).unwrap(), head[PAGE_LEN..2 * PAGE_LEN].to_vec(), 76, &[1]);
    put(&mut head, PAGE_LEN, &page);
    assert_eq!(Head::parse(&head, len).unwrap().slot().generation, 7);
}

#[test]
fn preambles_that_lie_are_refused_with_the_place() {
    let page = preamble("<f8", Order::C, 2).to_bytes().unwrap();
    let long = preamble(&format!("[('{}', '<f8')]", "x".repeat(200)), Order::C, 2).to_bytes().unwrap();
    for (at, value, expected) in [
        // Byte order and item size must be those of the dtype.
        (20, &b">"[..], (ErrorKind::Corrupt, Some(20))),
        (20, b"|", (ErrorKind::Corrupt, Some(20))),
        (24, &[9], (ErrorKind::Corrupt, Some(24))),
        (31, &[1], (ErrorKind::Corrupt, Some(24))),
        (21, b"A", (ErrorKind::Corrupt, Some(21))),
        (21, b"\0", (ErrorKind::Corrupt, Some(21))),
        (22, &[65, 0], (ErrorKind::Corrupt, Some(22))),
        (22, &[0, 1], (ErrorKind::Corrupt, Some(22))),
        // A multiple of the page from byte 16384 on.
        (32, &0_u64.to_le_bytes(), (ErrorKind::Corrupt, Some(32))),
        (32, &12288_u64.to_le_bytes(), (ErrorKind::Corrupt, Some(32))),
        (32, &16385_u64.to_le_bytes(), (ErrorKind::Corrupt, Some(32))),
        (32, &(1_u64 << 63).to_le_bytes(), (ErrorKind::Corrupt, Some(32))),
        (32, &(u64::MAX - 4095).to_le_bytes(), (ErrorKind::Corrupt, Some(32))),
        (56, &4029_u16.to_le_bytes(), (ErrorKind::Corrupt, Some(56))),
        (56, &u16::MAX.to_le_bytes(), (ErrorKind::Corrupt, Some(56))),
        (58, &[1], (ErrorKind::Corrupt, Some(58))),
        (63, &[1], (ErrorKind::Corrupt, Some(58))),
        (4091, &[1], (ErrorKind::Corrupt, Some(58))),
        // A shorter text: what follows is not zero, a longer one: NUL is no literal.
        (56, &[4, 0], (ErrorKind::Corrupt, Some(58))),
        (56, &[6, 0], (ErrorKind::Corrupt, Some(69))),
        (64, b"'\xff", (ErrorKind::Corrupt, Some(65))),
        (64, b"'|O8'", (ErrorKind::Unsupported, Some(64))),
        // What would mean another thing on another machine.
        (64, b"'=f8'", (ErrorKind::Corrupt, Some(64))),
        (64, b"'|f8'", (ErrorKind::Corrupt, Some(64))),
        (64, b"'d'  ", (ErrorKind::Corrupt, Some(64))),
        (64, b"'f8' ", (ErrorKind::Corrupt, Some(64))),
    ] {
        assert_eq!(refusal(Preamble::parse(&preamble_with(page.clone(), at, value))), expected, "{at} {value:?}");
    }
    for text in [
        "'<f08'",
        "'float64'",
        "[('', '|V4'), ('', '|V4')]",
        "[('a', '<f4'), ('', '|V0'), ('b', '<f4')]",
        "[['a', '<f8']]",
    ] {
        let len = u8::try_from(text.len()).unwrap();
        let page = preamble_with(preamble_with(page.clone(), 64, text.as_bytes()), 56, &[len]);
        assert_eq!(refusal(Preamble::parse(&page)), (ErrorKind::Corrupt, Some(64)), "{text}");
    }
    // The same value in other clothes is the same.
    assert_eq!(Preamble::parse(&preamble_with(page.clone(), 64, b"\"<f8\"")).unwrap().dtype, dtype("<f8"));
    // Positions in the text count bytes.
    let text = "[('\u{e9}', '<f8'), ('b', '<?8')]".as_bytes();
    let odd = preamble_with(preamble_with(long, 64, text), 56, &[u8::try_from(text.len()).unwrap(), 0]);
    let mut odd = preamble_with(odd, 64 + text.len(), &[0; 240][text.len()..]);
    odd[24] = 16;
    assert_eq!(refusal(Preamble::parse(&preamble_with(odd, 24, &[16]))), (ErrorKind::Corrupt, Some(64 + 22)));
    for (bytes, expected) in [
        (&b""[..], (ErrorKind::Truncated, Some(0))),
        (b"\x89OCA", (ErrorKind::Truncated, Some(4))),
        (b"\x89OCB", (ErrorKind::UnknownFormat, Some(0))),
        (b"\x93NUMPY\x01\0", (ErrorKind::UnknownFormat, Some(0))),
        // What a transfer as text makes of it.
        (b"\x89OCA\n\x1a\n\x01\0\0", (ErrorKind::UnknownFormat, Some(0))),
        (b"\x09OCA\r\n\x1a\n", (ErrorKind::UnknownFormat, Some(0))),
    ] {
        assert_eq!(refusal(Preamble::parse(bytes)), expected, "{bytes:?}");
    }
}

#[test]
fn preambles_that_cannot_be_are_not_written() {
    let new = |dtype, ndim| refusal(Preamble::new(dtype, Order::C, ndim)).0;
    assert_eq!(new(dtype("<f8"), 65), ErrorKind::Shape);
    assert_eq!(new(DType::SubArray { base: dtype("<f8").into(), shape: vec![2] }, 1), ErrorKind::Unsupported);
    assert_eq!(new(DType::Int { size: 3, order: ByteOrder::Little }, 1), ErrorKind::InvalidArgument);
    // The text of a record with one field of this many letters.
    let name = |len: usize| dtype(&format!("[('{}', '<f8')]", "x".repeat(len - 13)));
    assert_eq!(name(4028).descr().len(), 4028);
    let widest = Preamble::new(name(4028), Order::F, 64).unwrap();
    assert_eq!(Preamble::parse(&widest.to_bytes().unwrap()).unwrap(), widest);
    assert_eq!(new(name(4029), 1), ErrorKind::TooLarge);
    assert_eq!(new(name(70_000), 1), ErrorKind::TooLarge);
    let offset = |data_offset| refusal(Preamble { data_offset, ..widest.clone() }.to_bytes()).0;
    assert_eq!([offset(12288), offset(16385), offset(1 << 63)], [ErrorKind::InvalidArgument; 3]);
    let far = Preamble { data_offset: 1 << 40, ..widest };
    assert_eq!(Preamble::parse(&far.to_bytes().unwrap()).unwrap(), far);
}

#[test]
fn slots_that_lie_are_refused_with_the_place() {
    let preamble = preamble("<f8", Order::C, 2);
    let page = Slot { attrs: attrs(r#"{"a":1}"#), ..slot(3, &[3, 4]) }.to_bytes(&preamble).unwrap();
    let u64s = |values: &[u64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    for (at, value, place) in [
        (0, b"OCA SLOt".to_vec(), 0),
        (8, u64s(&[0]), 8),
        (8, u64s(&[1 << 63]), 8),
        (8, u64s(&[u64::MAX]), 8),
        (24, u64s(&[95]), 24),
        (24, u64s(&[u64::MAX]), 24),
        (72, vec![0xff; 4], 72),
        (72, 3981_u32.to_le_bytes().to_vec(), 72),
        (76, vec![1], 76),
        (95, vec![1], 76),
        (4091, vec![1], 76),
        // Shapes beyond 2^63 bytes, empty ones too, and one whose end is.
        (96, u64s(&[1 << 62, 4]), 96),
        (96, u64s(&[1 << 32, 1 << 32]), 96),
        (96, u64s(&[u64::MAX, 1]), 96),
        (96, u64s(&[0, 1 << 60]), 96),
        (96, u64s(&[(1 << 60) - 1, 1]), 96),
        (96, u64s(&[4, 4]), 24),
        // A journal must lie behind the elements, at a page, and in a file that can be.
        (32, u64s(&[0, 100]), 32),
        (32, u64s(&[16384, 100]), 32),
        (32, u64s(&[16480, 100]), 32),
        (32, u64s(&[20480, 0]), 32),
        (32, u64s(&[20480, 63]), 32),
        (32, u64s(&[20480, u64::MAX]), 32),
        (32, u64s(&[u64::MAX - 4095, 100]), 32),
        (48, u64s(&[0, 100, 3]), 48),
        (48, u64s(&[16384, 68, 3]), 48),
        (48, u64s(&[20481, 68, 3]), 48),
        (48, u64s(&[20480, 63, 3]), 48),
        (48, u64s(&[20480, i64::MAX.unsigned_abs(), 3]), 48),
        (48, u64s(&[0, 0, 3]), 64),
        (48, u64s(&[20480, 68, 0]), 64),
        (48, u64s(&[20480, 68, 4]), 64),
        // The attributes.
        (112, b"\xff\"a\":1}".to_vec(), 112),
        (112, b"[\"a\",1]".to_vec(), 112),
        (112, b"\"a    \"".to_vec(), 112),
        (112, b"1234567".to_vec(), 112),
        (112, b"   null".to_vec(), 112),
        (112, b"{\"a\":1,".to_vec(), 112),
        (112, b"{\"a\":}}".to_vec(), 112),
        (112, b"       ".to_vec(), 112),
        (112, b"{'a':1}".to_vec(), 112),
        (72, vec![6, 0, 0, 0], 76),
        (72, vec![8, 0, 0, 0], 112),
    ] {
        let bad = slot_with(&preamble, page.clone(), at, &value);
        assert_eq!(refusal(Slot::parse(&preamble, &bad)), (ErrorKind::Corrupt, Some(place)), "{at} {value:?}");
        // A head passes it over, and says where in the file.
        let other = slot(1, &[1, 1]).to_bytes(&preamble).unwrap();
        let head = Head::parse(&head_of(&preamble, &other, &bad), 1 << 20).unwrap();
        assert_eq!((head.active, head.slot().generation), (0, 1));
        let [_, bad] = head.slots;
        assert_eq!(refusal(bad), (ErrorKind::Corrupt, Some(8192 + place)), "{at} {value:?}");
    }
    // A slot of another file.
    let other = Preamble { uuid: [7; 16], ..preamble.clone() };
    assert_eq!(refusal(Slot::parse(&other, &page)), (ErrorKind::Corrupt, Some(4092)));
    assert_eq!(refusal(Slot::parse(&preamble, &page[..4095])), (ErrorKind::Truncated, Some(4095)));
}

#[test]
fn slots_that_cannot_be_are_not_written() {
    let preamble = preamble("<f8", Order::C, 2);
    let kind = |slot: Slot| refusal(slot.to_bytes(&preamble)).0;
    assert_eq!(kind(slot(0, &[3, 4])), ErrorKind::InvalidArgument);
    assert_eq!(kind(slot(1 << 63, &[3, 4])), ErrorKind::InvalidArgument);
    assert_eq!(kind(slot(1, &[3])), ErrorKind::InvalidArgument);
    assert_eq!(kind(slot(1, &[1; 65])), ErrorKind::Shape);
    assert_eq!(kind(slot(1, &[1 << 62, 4])), ErrorKind::TooLarge);
    assert_eq!(kind(slot(1, &[0, 1 << 62])), ErrorKind::TooLarge);
    let journal = |offset, len| Slot { journal: Some(Extent { offset, len }), ..slot(1, &[3, 4]) };
    assert_eq!(kind(journal(16384, 100)), ErrorKind::InvalidArgument);
    assert_eq!(kind(journal(20480, 10)), ErrorKind::InvalidArgument);
    let table = Extent { offset: 20480, len: 68 };
    let seal = |generation| Slot { seal: Some(Seal { table, generation }), ..slot(1, &[3, 4]) };
    assert_eq!([kind(seal(0)), kind(seal(2))], [ErrorKind::InvalidArgument; 2]);
    assert_eq!(slot(1, &[1 << 62, 4]).body_len(&preamble), u64::MAX);
}

#[test]
fn attributes_fill_a_slot_and_no_more() {
    for ndim in [0, 1, 64] {
        let preamble = preamble("u1", Order::C, ndim);
        let room = 3996 - 8 * ndim;
        let with = |len: usize| {
            let mut attrs = Attributes::new();
            attrs.insert("a", &"x".repeat(len - 8)).unwrap();
            assert_eq!(attrs.to_string().len(), len);
            Slot { attrs, ..slot(1, &vec![1; ndim]) }
        };
        let page = with(room).to_bytes(&preamble).unwrap();
        assert_eq!(Slot::parse(&preamble, &page).unwrap(), with(room));
        let error = with(room + 1).to_bytes(&preamble).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let message = format!("the attributes have {} bytes as JSON; {room} are the most", room + 1);
        assert!(error.to_string().starts_with(&message), "{error}");
    }
}

#[test]
fn a_head_needs_as_many_axes_as_its_file() {
    let new = |shape: &[u64]| Head::new(preamble("<f8", Order::C, 2), shape.to_vec(), Attributes::new());
    assert_eq!(refusal(new(&[3])).0, ErrorKind::Shape);
    assert_eq!(refusal(new(&[1 << 61, 4])).0, ErrorKind::TooLarge);
    assert_eq!(new(&[0, 4]).unwrap().to_bytes().unwrap().len(), HEAD_LEN);
}

#[test]
fn writing_a_head_mends_its_slots() {
    let (mut bytes, len) = two_generations();
    bytes[2 * PAGE_LEN + 100] ^= 1;
    let head = Head::parse(&bytes, len).unwrap();
    let again = Head::parse(&head.to_bytes().unwrap(), len).unwrap();
    assert_eq!(again.slots.map(|slot| slot.unwrap().generation), [7, 7]);
}

fn any_shape() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![
        4 => prop::collection::vec(0_u64..50, 0..6),
        1 => prop::collection::vec(1_u64..2, 0..65),
        1 => prop::collection::vec(prop_oneof![Just(0), Just(1), Just(1 << 31), 0..u64::MAX], 0..4),
    ]
}

fn any_dtype() -> impl Strategy<Value = DType> {
    let bf16 = prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)].prop_map(|order| DType::BFloat16 { order });
    prop_oneof![8 => crate::element::descr::tests::any_dtype(), 1 => bf16]
}

fn any_extent() -> impl Strategy<Value = Extent> {
    (0_u64..1 << 20, 64_u64..1 << 20).prop_map(|(page, len)| Extent { offset: (1 << 40) + page * PAGE, len })
}

proptest! {
    #[test]
    fn heads_read_back(
        dtype in any_dtype(),
        shape in any_shape(),
        fortran: bool,
        generations in (1_u64..1 << 63, 0..u64::MAX),
        journal in prop::option::of(any_extent()),
        table in prop::option::of(any_extent()),
        names in prop::collection::btree_map(any::<String>(), any::<(String, i64, f64)>(), 0..3),
    ) {
        let order = if fortran { Order::F } else { Order::C };
        let (generation, made) = (generations.0, 1 + generations.1 % generations.0);
        let made = made.min(generation);
        let Ok(preamble) = Preamble::new(dtype.clone(), order, shape.len()) else {
            prop_assert!(dtype.descr().len() > 4028);
            return Ok(());
        };
        prop_assert_eq!(&preamble.dtype, &dtype);
        prop_assert_eq!(&Preamble::parse(&preamble.to_bytes().unwrap()).unwrap(), &preamble);
        let attrs = Attributes::from_serialize(&names).unwrap();
        let seal = table.map(|table| Seal { table, generation: made });
        let slot = Slot { generation, shape, journal, seal, attrs };
        match slot.to_bytes(&preamble) {
            Ok(page) => {
                prop_assert_eq!(Slot::parse(&preamble, &page).unwrap(), slot.clone());
                let head = head_of(&preamble, &page, &page);
                let head = Head::parse(&head, i64::MAX.unsigned_abs()).unwrap();
                prop_assert_eq!(head.slot(), &slot);
                let header = head.header().unwrap();
                prop_assert_eq!(header.shape(), &slot.shape[..]);
                prop_assert_eq!(header.dtype(), &dtype);
                prop_assert_eq!(header.data_end(), slot.data_end(&preamble));
            }
            Err(error) => {
                let itemsize = u128::try_from(dtype.itemsize().max(1)).unwrap();
                let bytes = slot.shape.iter().filter(|&&len| len > 0).try_fold(itemsize, |bytes, &len| bytes.checked_mul(len.into()));
                let far = bytes.is_none_or(|bytes| bytes > 1 << 40);
                let long = slot.attrs.to_string().len() > 3996 - 8 * slot.shape.len();
                prop_assert!(far || long, "{}", error);
            }
        }
    }

    /// Whatever a page holds, as long as its checksum is right, it is read or refused.
    #[test]
    fn no_page_panics(edits in prop::collection::vec((0_usize..160, any::<[u8; 4]>()), 1..6), ndim in 0_usize..4) {
        let preamble = preamble("[('a', '<i4'), ('b', '>f8', (2,))]", Order::C, ndim);
        let [mut page, mut other] = [preamble.to_bytes().unwrap(), slot(3, &vec![2; ndim]).to_bytes(&preamble).unwrap()];
        for (at, value) in edits {
            page = preamble_with(page, at.max(8), &value);
            other = slot_with(&preamble, other, at.max(8), &value);
        }
        let _ = Preamble::parse(&page);
        if let Ok(slot) = Slot::parse(&preamble, &other) {
            prop_assert!(slot.data_end(&preamble) < 1 << 63);
        }
    }
}
