use proptest::prelude::*;

use super::*;
use crate::element::dtype::{TimeUnit, Unit};

fn dtype(text: &str) -> DType {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> ErrorKind {
    text.parse::<DType>().expect_err(text).kind()
}

/// Any type that NumPy can write and that has a byte order of its own.
fn simple() -> impl Strategy<Value = DType> {
    let order = prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)];
    let unit = (0..Unit::ALL.len(), 1_u32..100).prop_map(|(base, multiple)| {
        let base = Unit::ALL[base];
        TimeUnit { multiple: if base == Unit::Generic { 1 } else { multiple }, base }
    });
    let native = ByteOrder::NATIVE;
    let simple = prop_oneof![
        Just(DType::Bool),
        prop_oneof![Just(1), Just(2), Just(4), Just(8)].prop_map(move |size| DType::Int { size, order: native }),
        prop_oneof![Just(1), Just(2), Just(4), Just(8)].prop_map(move |size| DType::UInt { size, order: native }),
        prop_oneof![Just(2), Just(4), Just(8), Just(16)].prop_map(move |size| DType::Float { size, order: native }),
        prop_oneof![Just(8), Just(16), Just(32)].prop_map(move |size| DType::Complex { size, order: native }),
        unit.clone().prop_map(move |unit| DType::DateTime { unit, order: native }),
        unit.prop_map(move |unit| DType::TimeDelta { unit, order: native }),
        (0_u32..20).prop_map(|len| DType::Bytes { len }),
        (0_u32..20).prop_map(move |len| DType::Text { len, order: native }),
        (0_u32..20).prop_map(|len| DType::Void { len }),
    ];
    (simple, order).prop_map(|(dtype, order)| dtype.with_byte_order(order))
}

fn sub_array(base: DType, shape: Vec<u32>) -> DType {
    // NumPy has no sub-arrays of strings without a length, and takes an empty shape for none.
    let sized = !matches!(base, DType::Bytes { len: 0 } | DType::Text { len: 0, .. } | DType::Void { len: 0 });
    if sized && !shape.is_empty() { DType::SubArray { base: Arc::new(base), shape } } else { base }
}

fn record(fields: Vec<(String, Option<String>, u32, DType)>, tail: u32) -> DType {
    let mut end = 0;
    let mut names = std::collections::HashSet::new();
    let mut kept = Vec::new();
    for (name, title, gap, dtype) in fields {
        let title = title.filter(|title| *title != name && !names.contains(title));
        let size = u32::try_from(dtype.itemsize()).unwrap();
        let field = Field { name: name.clone(), title: title.clone(), offset: end + gap, dtype };
        if names.contains(&name) || field.is_padding() {
            continue;
        }
        names.extend([Some(name), title].into_iter().flatten());
        end += gap + size;
        kept.push(field);
    }
    DType::Record(Arc::new(Record::new(kept, super::super::dtype::to_usize(end + tail)).unwrap()))
}

/// Any type that the `descr` of a header can name.
pub(crate) fn any_dtype() -> impl Strategy<Value = DType> {
    simple().prop_recursive(3, 20, 5, |inner| {
        let shape = prop::collection::vec(0_u32..4, 0..3);
        let kind = (inner, shape).prop_map(|(base, shape)| sub_array(base, shape));
        let gap = prop_oneof![3 => Just(0_u32), 1 => 0_u32..5];
        let field = (any::<String>(), any::<Option<String>>(), gap.clone(), kind);
        (prop::collection::vec(field, 0..5), gap).prop_map(|(fields, tail)| record(fields, tail))
    })
}

#[test]
fn types_print_as_numpy_prints_them() {
    for (text, printed, name, itemsize) in [
        ("?", "|b1", "bool", 1),
        (">u1", "|u1", "uint8", 1),
        ("<i8", "<i8", "int64", 8),
        (">f2", ">f2", "float16", 2),
        ("<f16", "<f16", "float128", 16),
        (">c8", ">c8", "complex64", 8),
        ("<M8[ns]", "<M8[ns]", "datetime64[ns]", 8),
        (">m8[1s]", ">m8[s]", "timedelta64[s]", 8),
        ("<M8[25s]", "<M8[25s]", "datetime64[25s]", 8),
        ("<m8[generic]", "<m8", "timedelta64", 8),
        ("<M8[0s]", "<M8[0s]", "datetime64[0s]", 8),
        ("S7", "|S7", "bytes56", 7),
        (">U5", ">U5", "str160", 20),
        ("<V16", "|V16", "void128", 16),
        ("S", "|S0", "bytes", 0),
        ("S2147483647", "|S2147483647", "bytes17179869176", 2147483647),
        (
            "[('a','>i4'),('','V4'),(('T','b'),[('x','<f8')],3)]",
            "[('a', '>i4'), ('', '|V4'), (('T', 'b'), [('x', '<f8')], (3,))]",
            "void256",
            32,
        ),
        ("[]", "[]", "void", 0),
        ("[('', '|V8')]", "[('', '|V8')]", "void64", 8),
        ("[('', '<i4', (2,)), ('x', '?')]", "[('', '|V8'), ('x', '|b1')]", "void72", 9),
        ("[('', '<i4')]", "[('', '<i4')]", "void32", 4),
        ("[((None, 'a'), '<i4', ())]", "[('a', '<i4')]", "void32", 4),
        ("[('a', ('<i4', (2,)), (3,))]", "[('a', ('<i4', (2,)), (3,))]", "void192", 24),
    ] {
        let dtype = dtype(text);
        assert_eq!(dtype.to_string(), printed, "{text}");
        assert_eq!(dtype.name(), name, "{text}");
        assert_eq!(dtype.itemsize(), itemsize, "{text}");
    }
    let native = ByteOrder::NATIVE;
    assert_eq!(dtype("bfloat16"), DType::BFloat16 { order: native });
    assert_eq!(dtype("bfloat16").to_string(), "bfloat16");
    assert_eq!(dtype(&dtype(">bfloat16").to_string()), DType::BFloat16 { order: ByteOrder::Big });
}

#[test]
fn spellings_of_numpy_are_known() {
    for (texts, code) in [
        ("b int8 byte =i1 |i1 <b i01", "i1"),
        ("d double float float64 f8 |f8 =f8", "f8"),
        ("f float32 single", "f4"),
        ("e half float16", "f2"),
        ("g longdouble float128", "f16"),
        ("F complex64 csingle", "c8"),
        ("D complex128 cdouble complex", "c16"),
        ("q int64 int longlong p n l intp", "i8"),
        ("Q uint64 uint uintp L", "u8"),
        ("I uint32 uintc", "u4"),
        ("? bool bool_ b1 >b1", "?"),
        ("M8[us] datetime64[us] =datetime64[us] M8[μs]", "M8[us]"),
        ("m8 m timedelta64", "m8[generic]"),
        ("c", "S1"),
        ("V void", "V0"),
        ("U str", "U0"),
    ] {
        for text in texts.split(' ') {
            assert_eq!(dtype(text), dtype(code), "{text}");
        }
    }
}

#[test]
fn what_numpy_refuses_is_refused() {
    for text in [
        "",
        " ",
        "|",
        "!f8",
        "<<f8",
        "<f8 ",
        "f8.0",
        "f-8",
        "f3",
        "i16",
        "b2",
        "?1",
        "u",
        "x4",
        "c4",
        "d8",
        "E4",
        "w",
        "<float64",
        "S-4",
        "S2147483648",
        "S99999999999999999999",
        "U536870912",
        "M8[",
        "M8[]",
        "M8[xx]",
        "M8[ns",
        "M8[-1s]",
        "M8[ns]]",
        "M8[2147483648s]",
        "M16",
        "m4",
        "Float64",
        "object0",
        "f8\0",
        "[('a',)]",
        "[('a', '<f8', 2, 3)]",
        "['<f8']",
        "[(1, '<f8')]",
        "[(None, '<f8')]",
        "[(('a', 'b', 'c'), '<f8')]",
        "[('a', None)]",
        "[('a', 8)]",
        "[('a', b'<f8')]",
        "[('a', {'<f8'})]",
        "[('a', '<f8'), ('a', '<i4')]",
        "[(('t', 'a'), '<f8'), (('t', 'b'), '<i4')]",
        "[(('a', 'a'), '<f8')]",
        "[('a', '<f8', -1)]",
        "[('a', '<f8', (2.0,))]",
        "[('a', '<f8', True)]",
        "[('a', '<f8', (2147483648, 0))]",
        "[('a', '<f8', None)]",
        "[('a', 'S0', (2,))]",
        "[('a', ('<f8',))]",
        "(('a', '<f8'),)",
    ] {
        assert_eq!(refusal(text), ErrorKind::InvalidArgument, "{text}");
    }
    let wide = format!("[('a', '<f8', ({}))]", "1,".repeat(65));
    assert_eq!(refusal(&wide), ErrorKind::InvalidArgument);
    for text in [
        "O",
        "|O8",
        "object",
        "[('a', 'O')]",
        "T",
        "f8,i4",
        "4f8",
        "(2,3)f8",
        "('<f8', (3,))",
        "m8[s/2]",
        "[('a', ('<f8', {'unit': 'm'}))]",
    ] {
        assert_eq!(refusal(text), ErrorKind::Unsupported, "{text}");
    }
    for text in
        ["[('a', 'V2147483647'), ('b', '?')]", "[('a', '<f8', (268435456,))]", "[('a', [], (2147483647, 2147483647))]"]
    {
        assert_eq!(refusal(text), ErrorKind::TooLarge, "{text}");
    }
}

#[test]
fn records_are_checked_when_built() {
    let field = |name: &str, offset| Field::new(name, offset, dtype("<i4"));
    let new = |fields, itemsize| Record::new(fields, itemsize).map_err(|error| error.kind());
    let record = new(vec![field("a", 1), field("b", 8).with_title("t")], 20).unwrap();
    assert_eq!(
        DType::Record(Arc::new(record)).descr(),
        "[('', '|V1'), ('a', '<i4'), ('', '|V3'), (('t', 'b'), '<i4'), ('', '|V8')]"
    );
    for (fields, itemsize) in [
        (vec![field("a", 0), field("b", 3)], 8),
        (vec![field("a", 4), field("b", 0)], 8),
        (vec![field("a", 0)], 3),
        (vec![field("a", u32::MAX)], 8),
        (vec![field("a", 0), field("a", 4)], 8),
        (vec![field("a", 0).with_title("a")], 8),
        (vec![Field::new("", 0, dtype("V4"))], 4),
        (vec![], 1 << 31),
    ] {
        assert_eq!(new(fields, itemsize), Err(ErrorKind::InvalidArgument));
    }
}

/// The obvious way: element by element, scalar by scalar.
fn little_endian(dtype: &DType, item: &[u8]) -> Vec<u8> {
    match dtype {
        DType::Record(record) => {
            let mut out = vec![0; record.itemsize()];
            for field in record.fields() {
                let range = field.offset()..field.offset() + field.dtype().itemsize();
                out[range.clone()].copy_from_slice(&little_endian(field.dtype(), &item[range]));
            }
            out
        }
        DType::SubArray { base, .. } if base.itemsize() > 0 => {
            item.chunks(base.itemsize()).flat_map(|item| little_endian(base, item)).collect()
        }
        DType::Complex { size, order: ByteOrder::Big } => {
            let (re, im) = item.split_at(usize::from(*size) / 2);
            re.iter().rev().chain(im.iter().rev()).copied().collect()
        }
        DType::Text { order: ByteOrder::Big, .. } => {
            item.chunks(4).flat_map(|code| code.iter().rev().copied()).collect()
        }
        _ if dtype.byte_order() == Some(ByteOrder::Big) => item.iter().rev().copied().collect(),
        _ => item.to_vec(),
    }
}

proptest! {
    #[test]
    fn descr_reads_back(dtype in any_dtype()) {
        let again: DType = dtype.to_string().parse().unwrap();
        prop_assert_eq!(&again, &dtype);
        let literal = literal::read(&dtype.descr(), false).unwrap();
        prop_assert_eq!(DType::from_literal(&literal).unwrap(), dtype);
    }

    #[test]
    fn json_says_what_descr_says(dtype in any_dtype()) {
        let json = serde_json::to_value(&dtype).unwrap();
        prop_assert_eq!(same(&literal::read(&dtype.descr(), false).unwrap().value), json);
    }

    #[test]
    fn little_endian_agrees_with_the_obvious_way(dtype in any_dtype(), count in 0_usize..4, rest in 0_usize..3, seed: u8) {
        let size = dtype.itemsize();
        let rest = rest.min(size.saturating_sub(1));
        let step = |at: usize| u8::try_from(at * 7 % 251).unwrap().wrapping_add(seed);
        let items: Vec<u8> = (0..size * count + rest).map(step).collect();
        let (whole, tail) = items.split_at(size * count);
        let mut expected: Vec<u8> = whole.chunks(size.max(1)).flat_map(|item| little_endian(&dtype, item)).collect();
        expected.extend(tail);
        let mut found = items.clone();
        dtype.to_little_endian(&mut found);
        prop_assert_eq!(&found, &expected);

        // Swapped twice is as before; swapped once is the same values in the other order.
        let [little, big] = [ByteOrder::Little, ByteOrder::Big].map(|order| dtype.with_byte_order(order));
        let mut swapped = items.clone();
        little.swap_bytes(&mut swapped);
        let mut logical = [items.clone(), swapped.clone()];
        little.to_little_endian(&mut logical[0]);
        big.to_little_endian(&mut logical[1]);
        prop_assert_eq!(&logical[0], &logical[1]);
        big.swap_bytes(&mut swapped);
        prop_assert_eq!(swapped, items);
    }

    #[test]
    fn no_text_panics(text in "\\PC*|[<>|=]?[a-zA-Z?]{1,3}[0-9]{0,11}|[MmU]8?\\[[0-9a-zA-Z/]{0,12}\\]?") {
        let _ = text.parse::<DType>();
    }
}

/// A literal as Python's `json.dumps` writes it.
fn same(value: &Value) -> serde_json::Value {
    match value {
        Value::Str(text) => text.clone().into(),
        Value::Int(value) => i64::try_from(*value).unwrap().into(),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().map(|item| same(&item.value)).collect::<Vec<_>>().into()
        }
        other => panic!("{other:?} in a descr"),
    }
}
