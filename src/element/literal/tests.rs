use super::reader::MAX_DEPTH;
use super::*;
use proptest::prelude::*;

fn ok(text: &str) -> Value {
    read(text, false).unwrap_or_else(|flaw| panic!("{text}: {flaw:?}")).value
}

fn flaw(text: &str) -> Flaw {
    read(text, false).expect_err(text)
}

fn ints(values: &[i128]) -> Vec<Literal> {
    // Positions are compared elsewhere.
    values.iter().map(|&value| Literal { at: 0, value: Value::Int(value) }).collect()
}

fn without_positions(value: Value) -> Value {
    let strip = |items: Vec<Literal>| {
        items.into_iter().map(|item| Literal { at: 0, value: without_positions(item.value) }).collect()
    };
    match value {
        Value::Tuple(items) => Value::Tuple(strip(items)),
        Value::List(items) => Value::List(strip(items)),
        Value::Set(items) => Value::Set(strip(items)),
        Value::Dict(entries) => Value::Dict(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let [key, value] = [key, value].map(|item| Literal { at: 0, value: without_positions(item.value) });
                    (key, value)
                })
                .collect(),
        ),
        value => value,
    }
}

#[test]
fn numbers_read_as_python_reads_them() {
    for (text, value) in [
        ("0", 0),
        ("00_0", 0),
        ("12", 12),
        ("+12", 12),
        ("- 12", -12),
        ("1_000", 1000),
        ("0x_fF", 255),
        ("0o17", 15),
        ("0B101", 5),
        ("(7)", 7),
        ("((7))", 7),
    ] {
        assert_eq!(ok(text), Value::Int(value), "{text}");
    }
    assert_eq!(ok(&"9".repeat(5000)), Value::BigInt(false));
    assert_eq!(ok("-99999999999999999999999999999999999999999"), Value::BigInt(true));
    for text in ["1.", ".5", "1e5", "03.5", "1_0.0_1e1_0", "-1.5"] {
        assert_eq!(ok(text), Value::Float, "{text}");
    }
    assert_eq!(ok("3j"), Value::Complex);
    for text in ["03", "1__0", "1_", "0x", "0b2", "1e", "1a", "3L", ".", "--1", "-True", "~1", "1.5.2", "0_x1"] {
        flaw(text);
    }
}

#[test]
fn strings_read_as_python_reads_them() {
    for (text, value) in [
        (r"'a'", "a"),
        (r#""it's""#, "it's"),
        (r"'''a'b''c'''", "a'b''c"),
        ("'''a\r\nb\rc'''", "a\nb\nc"),
        (r"r'\x'", r"\x"),
        (r"R'\''", r"\'"),
        (r"u'a' U'b'", "ab"),
        (r"'a' r'\b'", r"a\b"),
        (r"'\x41\u00e9\U0001F600\101\777\0'", "Aé😀A\u{1ff}\0"),
        (r"'\a\b\t\n\v\f\r\\\'\q'", "\x07\x08\t\n\x0b\x0c\r\\'\\q"),
        ("'a\\\nb'", "ab"),
        ("''", ""),
        ("''''''", ""),
    ] {
        assert_eq!(ok(text), Value::Str(value.into()), "{text}");
    }
    assert_eq!(ok(r"b'\xff\777a' br'\x'"), Value::Bytes(b"\xff\xffa\\x".to_vec()));
    for text in [
        "'",
        "'a",
        "'a\n'",
        r"'\x4'",
        r"'\ud800'",
        r"'\U00110000'",
        r"'\N{DASH}'",
        "f'a'",
        "b'é'",
        "'a' b'b'",
        "'\0'",
        "'''a''",
    ] {
        flaw(text);
    }
}

#[test]
fn containers_read_as_python_reads_them() {
    let tuple = |values: &[i128]| Value::Tuple(ints(values));
    for (text, value) in [
        ("()", tuple(&[])),
        ("(1,)", tuple(&[1])),
        ("( 1 , 2 , )", tuple(&[1, 2])),
        ("(1, # one\n 2)", tuple(&[1, 2])),
        ("(1, \\\n 2)", tuple(&[1, 2])),
        ("\n\n(1,)\n \n# end", tuple(&[1])),
        ("  (1,)", tuple(&[1])),
        ("\x0c(1,\x0c)", tuple(&[1])),
        ("[1, 2]", Value::List(ints(&[1, 2]))),
        ("{1, 2}", Value::Set(ints(&[1, 2]))),
        ("{}", Value::Dict(vec![])),
        ("...", Value::Ellipsis),
        ("(None)", Value::None),
    ] {
        assert_eq!(without_positions(ok(text)), value, "{text}");
    }
    let Value::Dict(entries) = ok("{'a': True, 'b' : (1,) , }") else { panic!() };
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[1].0.at, entries[1].1.at), (12, 18));
    for text in [
        "",
        " ",
        "\n",
        "(,)",
        "[,]",
        "(1 2)",
        "(1",
        "1)",
        "{1:}",
        "{1: 2, 3}",
        "{1, 2: 3}",
        "{'a' 1}",
        "{1:2,,}",
        "1, 2",
        "1\n2",
        "\n (1,)",
        "(1,)\\",
        "(1,)\\\n",
        "\\ 1",
        "false",
        "f(1)",
        "a.b",
        "2**3",
        "1+2",
        "not 1",
        "lambda: 1",
        "[i for i in ()]",
        "{**{}}",
        "(*(1,),)",
        "\u{feff}1",
        "1\0",
        "é",
        "(1,)\u{a0}",
    ] {
        flaw(text);
    }
}

#[test]
fn a_python_2_long_loses_its_letter() {
    let long = |text| read(text, true).map(|literal| without_positions(literal.value));
    assert_eq!(long("(3L, 4 L, 0x5L)").unwrap(), Value::Tuple(ints(&[3, 4, 5])));
    for text in ["3l", "3LL", "3L_", "L", "'a'L", "3\nL"] {
        long(text).expect_err(text);
    }
}

#[test]
fn flaws_carry_the_position() {
    assert_eq!(flaw("(1, false)").at, 4);
    assert_eq!(flaw("{'é': 'a}").at, 6);
    assert_eq!(flaw("(1").at, 2);
}

#[test]
fn hostile_texts_end_quickly() {
    const LEN: usize = 100_000;
    for unit in [
        "[", "(", "{", "-", "+", "not ", "a.", "'a' ", "\\\n", "#", "''", "{'a':", "((),", "lambda:", "0x", "1_", "\"",
        "b'",
    ] {
        let _ = read(&unit.repeat(LEN), true);
    }
    let _ = read(&"9".repeat(LEN), true);
    assert_eq!(flaw(&"[".repeat(LEN)).at, MAX_DEPTH);
    assert!(read(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH)), false).is_ok());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*|[\\[\\](){}'\"\\\\,:0-9xLrbu_.+\\-# \n\r]{0,40}", py2_long: bool) {
        let _ = read(&text, py2_long);
    }

    #[test]
    fn repr_reads_back(text: String) {
        prop_assert_eq!(ok(&crate::element::repr::string(&text)), Value::Str(text));
    }

    #[test]
    fn bytes_repr_reads_back(bytes: Vec<u8>) {
        prop_assert_eq!(ok(&crate::element::repr::bytes(&bytes)), Value::Bytes(bytes));
    }
}
