use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

fn dtype(text: &str) -> DType {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The text of an integer or time, given as a number.
fn shown(code: &str, value: i64) -> String {
    let dtype = dtype(&format!("<{code}"));
    dtype.format_item(&value.to_le_bytes()[..dtype.itemsize()])
}

fn real(code: &str, value: f64) -> String {
    let dtype = dtype(&format!("<{code}"));
    let bits = float::from_f64(value, dtype.float_kind());
    dtype.format_item(&bits.to_le_bytes()[..dtype.itemsize()])
}

fn parsed(code: &str, text: &str) -> Vec<u8> {
    dtype(code).parse_item(text).unwrap_or_else(|error| panic!("{code} {text}: {error}"))
}

fn refused(code: &str, text: &str) -> ErrorKind {
    dtype(code).parse_item(text).expect_err(&format!("{code} {text}")).kind()
}

#[test]
fn floats_print_as_numpy_prints_them() {
    for (code, value, text) in [
        ("f8", 1.0, "1.0"),
        ("f8", -0.0, "-0.0"),
        ("f8", 0.1, "0.1"),
        ("f8", 1e15, "1000000000000000.0"),
        ("f8", 9.999e15, "9999000000000000.0"),
        ("f8", 1e16, "1e+16"),
        ("f8", 1e-4, "0.0001"),
        ("f8", 9.9e-5, "9.9e-05"),
        ("f8", 1.234_567_890_123_456_7e16, "1.2345678901234568e+16"),
        ("f8", 5e-324, "5e-324"),
        ("f8", 1e300, "1e+300"),
        ("f8", f64::NEG_INFINITY, "-inf"),
        ("f8", -f64::NAN, "nan"),
        ("f4", 123_456.789, "123456.79"),
        ("f4", 1_234_567.8, "1.2345678e+06"),
        ("f4", 1e-4, "1e-04"),
        ("f4", 1e-45, "1e-45"),
        ("f4", f64::INFINITY, "inf"),
        ("f2", 100.5, "100.5"),
        ("f2", 0.001234, "0.001234"),
        ("f2", 65504.0, "6.55e+04"),
        ("f2", 6e-8, "6e-08"),
        ("f2", 0.015_625, "0.01563"),
        ("f2", 999.5, "999.5"),
        ("bfloat16", 1.0, "1.0"),
        ("bfloat16", 0.1, "0.1"),
        ("bfloat16", 3.3895e38, "3.39e+38"),
    ] {
        assert_eq!(real(code, value), text, "{code} {value}");
    }
}

#[test]
fn complex_numbers_print_as_numpy_prints_them() {
    let shown = |re: f64, im: f64| dtype(">c16").format_item(&[re.to_be_bytes(), im.to_be_bytes()].concat());
    for (re, im, text) in [
        (1.0, 2.0, "(1+2j)"),
        (0.0, 2.0, "2j"),
        (-0.0, 2.0, "(-0+2j)"),
        (0.0, -0.0, "-0j"),
        (1.5, -2.5, "(1.5-2.5j)"),
        (f64::NAN, f64::NEG_INFINITY, "(nan-infj)"),
        (0.0, f64::NAN, "nanj"),
        (1e16, 1e-5, "(1e+16+1e-05j)"),
    ] {
        assert_eq!(shown(re, im), text);
    }
}

#[test]
fn times_print_as_numpy_prints_them() {
    for (code, value, text) in [
        ("M8[Y]", 54, "2024"),
        ("M8[Y]", -3000, "-1030"),
        ("M8[Y]", -1971, "-001"),
        ("M8[M]", 1_234_567, "104850-08"),
        ("M8[M]", -1, "1969-12"),
        ("M8[W]", 1_234_567, "25630-11-28"),
        ("M8[D]", 19_782, "2024-02-29"),
        ("M8[D]", -1_098_000, "-1037-10-12"),
        ("M8[h]", 1_234_567, "2110-11-03T07"),
        ("M8[m]", 1_234_567, "1972-05-07T08:07"),
        ("M8[s]", 1_234_567, "1970-01-15T06:56:07"),
        ("M8[25s]", -1, "1969-12-31T23:59:35"),
        ("M8[ms]", -1, "1969-12-31T23:59:59.999"),
        ("M8[us]", 1_234_567, "1970-01-01T00:00:01.234567"),
        ("M8[ns]", 1_704_067_200_000_000_000, "2024-01-01T00:00:00.000000000"),
        ("M8[as]", 5, "1970-01-01T00:00:00.000000000000000005"),
        ("M8[s]", i64::MIN, "NaT"),
        ("M8[D]", i64::MAX, "25252734927768524-07-27"),
        ("M8", 7, "7"),
        ("m8[s]", 5, "5 seconds"),
        ("m8[25s]", 3, "75 seconds"),
        ("m8[Y]", -1, "-1 years"),
        ("m8[as]", i64::MIN, "NaT"),
        ("m8", 7, "7"),
        ("i1", -1, "-1"),
        ("i8", i64::MIN, "-9223372036854775808"),
        ("u8", -1, "18446744073709551615"),
    ] {
        assert_eq!(shown(code, value), text, "{code} {value}");
    }
}

#[test]
fn other_values_print_as_numpy_prints_them() {
    assert_eq!(dtype("?").format_item(&[7]), "True");
    assert_eq!(dtype("S5").format_item(b"a'\n\0\0"), "b\"a'\\n\"");
    assert_eq!(dtype("S0").format_item(b""), "b''");
    assert_eq!(dtype("V3").format_item(b"a\0\xcb"), "b'\\x61\\x00\\xCB'");
    let codes = [u32::from('é'), 0xd800, 0x11_0000, 0, 0];
    assert_eq!(dtype(">U5").format_item(&codes.map(u32::to_be_bytes).concat()), r"'é\ud800\U00110000'");
    assert_eq!(
        dtype("[('a', 'u1'), ('', 'V1'), ('b', '?', (2, 1))]").format_item(&[1, 9, 0, 1]),
        "(1, [[False], [True]])"
    );
    assert_eq!(dtype("[('a', [('b', 'u1')])]").format_item(&[1]), "((1,),)");
    assert_eq!(dtype("[]").format_item(&[]), "()");
    // Elements without bytes cost nothing in the file, and little here.
    let endless = dtype("[('a', [], (2147483647,))]").format_item(&[]);
    assert!(
        endless.len() < 10_000 && endless.ends_with("..."[..].to_owned().as_str().trim_end())
            || endless.contains("...")
    );
}

#[test]
fn text_is_read_within_the_range_of_the_type() {
    assert_eq!(parsed("u1", "255"), [255]);
    assert_eq!(parsed(">i2", "-2"), [0xff, 0xfe]);
    assert_eq!(parsed("<u8", "18446744073709551615"), [255; 8]);
    assert_eq!(parsed("?", "True"), [1]);
    assert_eq!(parsed("<f4", "1e-3"), 1e-3_f32.to_le_bytes());
    assert_eq!(parsed(">f8", "-inf"), f64::NEG_INFINITY.to_be_bytes());
    assert_eq!(parsed("<f2", "65519"), 0x7bff_u16.to_le_bytes());
    assert_eq!(parsed("S4", "ab"), b"ab\0\0");
    assert_eq!(parsed("S4", r"b'\xff'"), b"\xff\0\0\0");
    assert_eq!(parsed(">U2", "é"), [0, 0, 0, 0xe9, 0, 0, 0, 0]);
    assert_eq!(parsed("V2", "0aFF"), [10, 255]);
    for text in ["1+2j", "(1+2j)", "(1,2)", "1,2", "1e0+20e-1j"] {
        assert_eq!(parsed("<c16", text), [1_f64.to_le_bytes(), 2_f64.to_le_bytes()].concat(), "{text}");
    }
    assert_eq!(parsed("<c16", "-2j"), [0_f64.to_le_bytes(), (-2_f64).to_le_bytes()].concat());
    assert_eq!(parsed("<c16", "3"), [3_f64.to_le_bytes(), 0_f64.to_le_bytes()].concat());
    for (code, text, count) in [
        ("M8[D]", "2024-02-29", 19_782),
        ("M8[D]", "19782", 19_782),
        ("M8[D]", "2024", 2024),
        ("M8[Y]", "2024", 54),
        ("M8[M]", "1969-12", -1),
        ("M8[s]", "1970-01-01T00:01", 60),
        ("M8[s]", "1970-01-01 00:00:01Z", 1),
        ("M8[25s]", "1970-01-01T00:00:50", 2),
        ("M8[ms]", "1970-01-01T00:00:00.5", 500),
        ("M8[ns]", "NaT", i64::MIN),
        ("m8[25s]", "3", 3),
        ("m8[25s]", "75 seconds", 3),
        ("m8[D]", "-2D", -2),
    ] {
        assert_eq!(parsed(&format!("<{code}"), text), count.to_le_bytes(), "{code} {text}");
    }
    for (code, text) in [
        ("u1", "256"),
        ("u1", "-1"),
        ("u1", "1.5"),
        ("u1", ""),
        ("i1", "128"),
        ("i8", "99999999999999999999999999999999999999999999"),
        ("?", "2"),
        ("f4", "1e39"),
        ("f2", "65520"),
        ("f8", "1e999"),
        ("f8", "one"),
        ("c8", "1+2"),
        ("c8", "(1+2j"),
        ("c8", "j"),
        ("S1", "ab"),
        ("S1", "é"),
        ("U1", "ab"),
        ("V2", "00"),
        ("V2", "0g"),
        ("M8[D]", "2023-02-29"),
        ("M8[D]", "2024-13-01"),
        ("M8[D]", "2024-01-01T12"),
        ("M8[s]", "2024-01-01T24:00"),
        ("M8[s]", "2024-01-01T00:00:00.5"),
        ("M8[25s]", "1970-01-01T00:00:51"),
        ("M8[0s]", "1970-01-01"),
        ("M8[ns]", "9999-01-01"),
        ("M8[s]", "-9223372036854775808"),
        ("M8[s]", "yesterday"),
        ("M8", "2024-01-01"),
        ("m8[25s]", "76 seconds"),
        ("m8[s]", "5 minutes"),
    ] {
        assert_eq!(refused(code, text), ErrorKind::InvalidArgument, "{code} {text}");
    }
    assert_eq!(refused("[('a', '<f8')]", "1"), ErrorKind::Unsupported);
}

#[test]
fn the_calendar_counts_every_day() {
    // From 1 January 1600, one day at a time, against the rule of the leap years.
    let (mut year, mut month, mut day) = (1600, 1, 1);
    for days in -135_140_i64..150_000 {
        assert_eq!(shown("M8[D]", days), format!("{year:04}-{month:02}-{day:02}"));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let len = match month {
            2 => 28 + i32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > len {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
}

#[cfg(feature = "half")]
#[test]
fn small_floats_agree_with_the_half_crate() {
    for bits in 0..=u16::MAX {
        for (kind, expected) in [
            (float::Kind::Half, half::f16::from_bits(bits).to_f64()),
            (float::Kind::Brain, half::bf16::from_bits(bits).to_f64()),
        ] {
            let value = float::to_f64(bits.into(), kind);
            assert_eq!(value.to_bits() >> 63, u64::from(bits >> 15));
            assert!(value == expected || value.is_nan() && expected.is_nan(), "{bits:04x}");
            if !value.is_nan() {
                assert_eq!(float::from_f64(value, kind), u64::from(bits));
                // The neighbourhood of the midpoint to the next number, where rounding decides. The half crate rounds
                // an f64 twice, an f32 once.
                let middle =
                    f32::midpoint(half::f16::from_bits(bits).to_f32(), half::f16::from_bits(bits + 1).to_f32());
                for near in [middle, middle.next_up(), middle.next_down()] {
                    if kind == float::Kind::Half && !near.is_nan() {
                        let expected = half::f16::from_f32(near).to_bits();
                        assert_eq!(float::from_f64(near.into(), kind), u64::from(expected), "{near:e}");
                    }
                }
            }
        }
    }
}

proptest! {
    #[cfg(feature = "half")]
    #[test]
    fn rounding_agrees_with_the_half_crate(bits: u32, exponent in 100_u32..145) {
        for value in [f32::from_bits(bits), f32::from_bits(bits & !(0xff << 23) | exponent << 23)] {
            if !value.is_nan() {
                let [half, brain] = [float::Kind::Half, float::Kind::Brain].map(|kind| float::from_f64(value.into(), kind));
                prop_assert_eq!(half, u64::from(half::f16::from_f32(value).to_bits()));
                prop_assert_eq!(brain, u64::from(half::bf16::from_f32(value).to_bits()));
            }
        }
    }

    #[test]
    fn what_is_printed_reads_back(
        code in prop::sample::select(vec![
            "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "bfloat16", "c8", "c16", "f16", "V5", "S5", "M8", "m8",
            "M8[Y]", "M8[M]", "M8[7W]", "M8[D]", "M8[h]", "M8[m]", "M8[25s]", "M8[ms]", "M8[us]", "M8[ns]", "M8[ps]", "M8[fs]", "M8[as]",
            "m8[7D]", "m8[as]",
        ]),
        big: bool,
        bytes: [u8; 16],
        small: bool,
    ) {
        let dtype = dtype(code).with_byte_order(if big { ByteOrder::Big } else { ByteOrder::Little });
        let mut item = bytes[..dtype.itemsize()].to_vec();
        if small && item.len() == 8 {
            // A small negative count: a date near 1970.
            item = (-i64::from(bytes[0])).to_le_bytes().to_vec();
            if big {
                item.reverse();
            }
        }
        let text = dtype.format_item(&item);
        if !text.contains("nan") {
            prop_assert_eq!(dtype.parse_item(&text).unwrap(), item, "{}", text);
        }
    }

    #[test]
    fn texts_read_back(text in "[^\0]{0,8}") {
        let dtype = dtype("<U8");
        let item = dtype.parse_item(&repr::string(&text)).unwrap();
        let shown = dtype.format_item(&item);
        prop_assert_eq!(shown, repr::string(&text));
    }

    #[test]
    fn no_value_and_no_text_panics(dtype in crate::element::descr::tests::any_dtype(), byte: u8, text in "\\PC{0,12}|[-+0-9T:.Zjeinf(), ]{0,12}") {
        let _ = dtype.format_item(&vec![byte; dtype.itemsize()]);
        if let Ok(item) = dtype.parse_item(&text) {
            prop_assert_eq!(item.len(), dtype.itemsize());
        }
    }
}
