//! The expected texts are what NumPy 2 prints.

use super::support::{Folder, f8};

fn numbers(count: i32) -> Vec<u8> {
    (0..count).flat_map(i32::to_le_bytes).collect()
}

#[test]
fn arrays_print_as_in_numpy() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(2, 3)", &f8(&[1.0, -2.5, 3.0, 0.125, f64::NAN, 100.0]));
    assert_eq!(folder.ok(&["show", "m.npy"]), "[[  1.     -2.5     3.   ]\n [  0.125     nan 100.   ]]\n");
    assert_eq!(folder.ok(&["show", "m.npy[0]", "--precision", "0"]), "[ 1. -2.  3.]\n");
    assert_eq!(folder.ok(&["show", "m.npy[1, ::-2]"]), "[100.      0.125]\n");
    assert_eq!(folder.ok(&["show", "m.npy[1, 2]"]), "100.0\n");
    assert_eq!(folder.ok(&["show", "m.npy[:0]"]), "[]\n");
    folder.npy("b.npy", "'|b1'", false, "(3,)", &[1, 0, 1]);
    assert_eq!(folder.ok(&["show", "b.npy"]), "[ True False  True]\n");
    folder.npy("s.npy", "'|S2'", false, "(3,)", b"a\0bb\0\0");
    assert_eq!(folder.ok(&["show", "s.npy"]), "[b'a' b'bb' b'']\n");
    folder.npy("t.npy", "'<M8[D]'", false, "(2,)", &[(-1_i64).to_le_bytes(), i64::MIN.to_le_bytes()].concat());
    assert_eq!(folder.ok(&["show", "t.npy"]), "['1969-12-31'        'NaT']\n");
    folder.npy("c.npy", "'>c8'", false, "(2,)", &[1.5_f32, -1.0, 10.0, 0.25].map(f32::to_be_bytes).concat());
    assert_eq!(folder.ok(&["show", "c.npy"]), "[ 1.5-1.j   10. +0.25j]\n");
    folder.npy("r.npy", "[('id', '<u2'), ('x', '<f4')]", false, "(2,)", &[1, 0, 0, 0, 0, 63, 2, 0, 0, 0, 128, 191]);
    assert_eq!(folder.ok(&["show", "r.npy"]), "[(1, 0.5) (2, -1.0)]\n");
}

#[test]
fn a_large_array_shows_its_corners() {
    let folder = Folder::new();
    folder.npy("line.npy", "'<i4'", false, "(1001,)", &numbers(1001));
    assert_eq!(folder.ok(&["show", "line.npy"]), "[   0    1    2 ...  998  999 1000]\n");
    folder.npy("f.npy", "'<i4'", true, "(2, 20, 30)", &numbers(1200));
    let expected = "\
[[[   0   40   80 ... 1080 1120 1160]
  [   2   42   82 ... 1082 1122 1162]
  [   4   44   84 ... 1084 1124 1164]
  ...
  [  34   74  114 ... 1114 1154 1194]
  [  36   76  116 ... 1116 1156 1196]
  [  38   78  118 ... 1118 1158 1198]]

 [[   1   41   81 ... 1081 1121 1161]
  [   3   43   83 ... 1083 1123 1163]
  [   5   45   85 ... 1085 1125 1165]
  ...
  [  35   75  115 ... 1115 1155 1195]
  [  37   77  117 ... 1117 1157 1197]
  [  39   79  119 ... 1119 1159 1199]]]
";
    assert_eq!(folder.ok(&["show", "f.npy"]), expected);
    // Of a slice as well, and backwards.
    assert_eq!(folder.ok(&["show", "line.npy[::-1]"]), "[1000  999  998 ...    2    1    0]\n");
}

#[test]
fn long_lines_are_wrapped() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<i4'", false, "(2, 30)", &numbers(60));
    let text = folder.ok(&["show", "m.npy"]);
    let expected = "\
[[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
  24 25 26 27 28 29]
 [30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53
  54 55 56 57 58 59]]
";
    assert_eq!(text, expected);
}

#[test]
fn any_size_prints_at_once() {
    let folder = Folder::new();
    // 8 TiB that take no room on the disk.
    let made = folder.run(&["create", "m.npy", "--dtype", "f8", "--shape", "1048576,1048576", "--sparse"]);
    if made.status.success() {
        let text = folder.ok(&["show", "m.npy", "--memory", "1MiB"]);
        assert_eq!((text.lines().count(), text.lines().next()), (7, Some("[[0. 0. 0. ... 0. 0. 0.]")));
    }
    let many_axes = vec!["7"; 20].join(",");
    let made = folder.run(&["create", "axes.npy", "--dtype", "u1", "--shape", &many_axes, "--sparse"]);
    if made.status.success() {
        assert!(folder.fails(&["show", "axes.npy"], 2).contains("slice"));
    }
}

#[test]
fn comma_separated_values() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", true, "(2, 2)", &f8(&[1.0, f64::NAN, 0.1, 1e300]));
    for memory in ["1", "1GiB"] {
        assert_eq!(folder.ok(&["show", "m.npy", "--csv", "--memory", memory]), "1.0,0.1\nnan,1e+300\n");
    }
    assert_eq!(folder.ok(&["show", "m.npy[:, 0]", "--csv"]), "1.0,nan\n");
    assert_eq!(folder.ok(&["show", "m.npy[0, 0]", "--csv"]), "1.0\n");
    folder.npy(
        "r.npy",
        "[('id', '<u2'), ('p', '|i1', (2,)), ('s', '|S4')]",
        false,
        "(2,)",
        b"\x01\0\xff\x02a,b\0\x02\0\0\0\"c\"\0",
    );
    assert_eq!(folder.ok(&["show", "r.npy", "--csv"]), "id,p[0],p[1],s\n1,-1,2,\"a,b\"\n2,0,0,\"\"\"c\"\"\"\n");
}

#[test]
fn json_is_lists_within_lists() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", true, "(2, 1, 2)", &f8(&[1.0, f64::NAN, f64::INFINITY, -0.5]));
    for memory in ["1", "40", "1GiB"] {
        let document = folder.json(&["show", "--json", "m.npy", "--memory", memory]);
        assert_eq!(document["data"].to_string(), r#"[[[1.0,"inf"]],[["nan",-0.5]]]"#);
        assert_eq!((&document["dtype"], document["shape"].to_string()), (&"<f8".into(), "[2,1,2]".into()));
    }
    folder.npy("e.npy", "'<f8'", false, "(2, 0)", &[]);
    assert_eq!(folder.json(&["show", "--json", "e.npy"])["data"].to_string(), "[[],[]]");
    folder.npy("u.npy", "'<u8'", false, "(2,)", &[(1_u64 << 53).to_le_bytes(), u64::MAX.to_le_bytes()].concat());
    assert_eq!(
        folder.json(&["show", "--json", "u.npy"])["data"].to_string(),
        r#"[9007199254740992,"18446744073709551615"]"#
    );
    folder.npy("r.npy", "[('z', '<u2'), ('a', '<U1')]", false, "(1,)", &[1, 0, 0x41, 0, 0, 0]);
    assert!(folder.ok(&["show", "--json", "r.npy"]).contains(r#""data":[{"z":1,"a":"A"}]"#));
}

#[test]
fn lists_without_end_are_refused() {
    let folder = Folder::new();
    folder.npy("v.npy", "'|V0'", false, "(4611686018427387904,)", &[]);
    folder.npy("e.npy", "'<f8'", false, "(576460752303423488, 0)", &[]);
    folder.npy("s.npy", "'|S0'", false, "(2147483648, 2147483648)", &[]);
    for name in ["v.npy", "e.npy", "s.npy"] {
        assert!(folder.fails(&["show", "--json", name], 2).contains("name a slice"), "{name}");
    }
    assert_eq!(folder.json(&["show", "--json", "v.npy[:2]"])["data"].as_array().map(Vec::len), Some(2));
}
