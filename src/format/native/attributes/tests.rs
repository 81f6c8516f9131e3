use std::collections::BTreeMap;

use super::*;

fn read(text: &str) -> Attributes {
    Attributes::from_json(text.as_bytes()).unwrap()
}

#[test]
fn names_come_and_go() {
    let mut attrs = Attributes::new();
    assert!(attrs.is_empty());
    attrs.insert("units", &["K", "Pa"]).unwrap();
    attrs.insert("scale", &0.1).unwrap();
    attrs.insert("scale", &0.2).unwrap();
    attrs.insert(String::from("zone"), &None::<i32>).unwrap();
    assert_eq!((attrs.len(), attrs.names().collect::<Vec<_>>()), (3, vec!["scale", "units", "zone"]));
    assert_eq!(attrs.get::<f64>("scale").unwrap(), Some(0.2));
    assert_eq!(attrs.get::<f64>("none").unwrap(), None);
    assert_eq!(attrs.get::<f64>("units").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(attrs.value("zone"), Some(&Value::Null));
    assert!(attrs.remove("zone") && !attrs.remove("zone"));
    assert_eq!(attrs.to_string(), r#"{"scale":0.2,"units":["K","Pa"]}"#);
    assert_eq!(serde_json::to_string(&attrs).unwrap(), attrs.to_string());
}

#[test]
fn structs_and_maps_become_attributes_and_back() {
    let map: BTreeMap<String, Vec<u8>> = [("a".into(), vec![1, 2]), ("b".into(), vec![])].into();
    let attrs = Attributes::from_serialize(&map).unwrap();
    assert_eq!(attrs.to::<BTreeMap<String, Vec<u8>>>().unwrap(), map);
    assert_eq!(attrs.to::<BTreeMap<String, String>>().unwrap_err().kind(), ErrorKind::InvalidArgument);
    for text in ["1", "[1]", "\"a\"", "null", "true"] {
        let value: Value = serde_json::from_str(text).unwrap();
        let error = Attributes::from_serialize(&value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        assert!(error.to_string().starts_with("expected an object, found "), "{error}");
    }
    let odd: BTreeMap<Vec<u8>, u8> = [(vec![1], 1)].into();
    assert_eq!(Attributes::from_serialize(&odd).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(Attributes::new().insert("odd", &odd).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn equal_attributes_are_equal_bytes() {
    let [a, b] =
        [r#"{"b":{"y":1,"x":[{"d":1,"c":2}]},"a":2}"#, r#" {"a" : 2, "b":{"x":[{"c":2,"d":1}],"y":1}}"#].map(read);
    assert_eq!(a, b);
    assert_eq!(a.to_json(), r#"{"a":2,"b":{"x":[{"c":2,"d":1}],"y":1}}"#);
    assert_eq!(b.to_json(), a.to_json());
    assert_eq!((Attributes::new().to_json(), Attributes::new().to_string()), (String::new(), "{}".into()));
    assert_eq!([read(""), read("{}"), read(" {} ")], [(); 3].map(|()| Attributes::new()));
    // As in most readers of JSON, the last one counts.
    assert_eq!(read(r#"{"a":1,"a":2}"#).to_json(), r#"{"a":2}"#);
}

#[test]
fn numbers_keep_every_bit() {
    for number in [0.1, 1.0 / 3.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, 123_456_789.123_456_78, -0.0] {
        let mut attrs = Attributes::new();
        attrs.insert("x", &number).unwrap();
        let back: f64 = read(&attrs.to_json()).get("x").unwrap().unwrap();
        assert_eq!(back.to_bits(), number.to_bits(), "{number:?}");
    }
    for number in [u64::MAX, i64::MAX.unsigned_abs()] {
        assert_eq!(read(&format!("{{\"x\":{number}}}")).get("x").unwrap(), Some(number));
    }
}

#[test]
fn texts_that_are_no_object_are_refused() {
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert_eq!(read(&deep(127)).len(), 1);
    for text in [
        "[]",
        "1",
        "null",
        " ",
        "{",
        "{}x",
        "{}{}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":1e999}",
        "{\"a\":01}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\n\"}",
        "{a:1}",
        "{\"a\":1,}",
        "\u{feff}{}",
        &deep(128),
        &deep(1500),
    ] {
        assert!(Attributes::from_json(text.as_bytes()).is_err(), "{text}");
    }
    for bytes in [&b"{\"a\":\"\xff\"}"[..], b"\0", b"{}\0", b"{\"\xc3\":1}"] {
        assert!(Attributes::from_json(bytes).is_err(), "{bytes:?}");
    }
}
