use std::fs;
use std::time::{Duration, SystemTime};

use super::support::{Folder, f8, fail, modified, succeed};

fn values(folder: &Folder, name: &str) -> String {
    folder.json(&["show", "--json", name])["data"].to_string()
}

#[test]
fn one_value_for_one_element_or_many() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<i2'", false, "(2, 3)", &[0; 12]);
    assert_eq!(folder.ok(&["set", "m.npy[1,2]", "-7"]), "");
    assert_eq!(values(&folder, "m.npy"), "[[0,0,0],[0,0,-7]]");
    folder.ok(&["set", "m.npy[:, ::-2]", "300"]);
    assert_eq!(values(&folder, "m.npy"), "[[300,0,300],[300,0,300]]");
    folder.ok(&["fill", "m.npy[0]", "1"]);
    assert_eq!(values(&folder, "m.npy"), "[[1,1,1],[300,0,300]]");
    folder.ok(&["fill", "m.npy", "-1"]);
    assert!(folder.read("m.npy").ends_with(&[0xff; 12]));
    folder.ok(&["set", "m.npy[5:9]", "1"]);
    assert!(folder.read("m.npy").ends_with(&[0xff; 12]));
}

#[test]
fn values_of_every_kind() {
    let folder = Folder::new();
    for (descr, value, bytes) in [
        ("'|b1'", "True", &[1][..]),
        ("'>f4'", "-inf", &[0xff, 0x80, 0, 0]),
        ("'<f8'", "-1e-3", &(-1e-3_f64).to_le_bytes()),
        ("'<c8'", "-1+2j", &[0, 0, 0x80, 0xbf, 0, 0, 0, 0x40]),
        ("'<M8[D]'", "1970-01-11", &[10, 0, 0, 0, 0, 0, 0, 0]),
        ("'>m8[s]'", "NaT", &[0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("'|S3'", "ab", b"ab\0"),
        ("'|S3'", "'-'", b"-\0\0"),
        ("'|S3'", "'@x'", b"@x\0"),
        (">U2'", "é", &[0, 0, 0, 0xe9, 0, 0, 0, 0]),
        ("'|V2'", "ff01", &[0xff, 1]),
    ] {
        let descr = if descr.starts_with('\'') { descr.to_string() } else { format!("'{descr}") };
        folder.npy("m.npy", &descr, false, "(2,)", &vec![0x55; 2 * bytes.len()]);
        folder.ok(&["set", "m.npy[1]", value]);
        let expected = [&vec![0x55; bytes.len()], bytes].concat();
        assert!(folder.read("m.npy").ends_with(&expected), "{descr} {value}");
        folder.npy("s.npy", &descr, false, "()", &vec![0x55; bytes.len()]);
        folder.ok(&["set", "s.npy", value]);
        assert!(folder.read("s.npy").ends_with(bytes), "{descr} {value}");
    }
}

#[test]
fn hexadecimal_is_little_endian_in_every_file() {
    let folder = Folder::new();
    for (descr, bytes) in [("'<u4'", [1, 2, 3, 4]), ("'>u4'", [4, 3, 2, 1])] {
        folder.npy("m.npy", descr, false, "(2,)", &[0; 8]);
        folder.ok(&["set", "m.npy[0]", "--hex", "01020304"]);
        folder.ok(&["fill", "m.npy[1:]", "--hex", "0x01020304"]);
        assert!(folder.read("m.npy").ends_with(&[bytes, bytes].concat()), "{descr}");
        assert_eq!(folder.ok(&["show", "m.npy", "--hex"]), "01020304\n01020304\n");
    }
    let descr = "[('a', '>u2'), ('b', '<u2', (2,)), ('c', '|S1')]";
    folder.npy("r.npy", descr, false, "(2,)", &[0; 14]);
    folder.ok(&["set", "r.npy[1]", "--hex", "0102030405067a"]);
    assert!(folder.read("r.npy").ends_with(&[2, 1, 3, 4, 5, 6, b'z']));
    assert!(folder.fails(&["set", "r.npy[1]", "--hex", "0102"], 2).contains("2 bytes for an element of 7"));
    assert!(folder.fails(&["set", "r.npy[1]", "--hex", "01020"], 2).contains("odd"));
    assert!(folder.fails(&["set", "r.npy[1]", "1"], 2).contains("--hex"));
}

#[test]
fn one_value_for_each_element() {
    let folder = Folder::new();
    folder.npy("m.npy", "'>i2'", true, "(2, 3)", &[0; 12]);
    succeed(folder.run_with_input(&["set", "m.npy[1, ::-1]", "-"], "1, 2\n3\n"));
    assert_eq!(values(&folder, "m.npy"), "[[0,0,0],[3,2,1]]");
    succeed(folder.run_with_input(&["set", "m.npy[0]", "-", "--hex"], "0a00 0b00 0c00"));
    assert_eq!(values(&folder, "m.npy"), "[[10,11,12],[3,2,1]]");
    succeed(folder.run_with_input(&["fill", "m.npy[0]", "-"], "-4\n"));
    assert_eq!(values(&folder, "m.npy"), "[[-4,-4,-4],[3,2,1]]");
    let before = folder.read("m.npy");
    assert!(fail(&folder.run_with_input(&["set", "m.npy[0]", "-"], "1 2"), 2).contains("2 values"));
    assert!(fail(&folder.run_with_input(&["set", "m.npy[0]", "-"], "1 2 x"), 2).contains("value 3"));
    assert_eq!(folder.read("m.npy"), before);
    folder.npy("s.npy", "'|S5'", false, "(2,)", &[0; 10]);
    succeed(folder.run_with_input(&["set", "s.npy[:]", "-"], "a b,\nc\n"));
    assert!(folder.read("s.npy").ends_with(b"a b,\0c\0\0\0\0"));
}

#[test]
fn an_array_from_another_file() {
    let folder = Folder::new();
    folder.npy("m.npy", "'>f8'", true, "(2, 3)", &[0; 48]);
    folder.npy("row.npy", "'<f8'", false, "(3,)", &f8(&[1.0, 2.0, 3.0]));
    for memory in ["1", "1GiB"] {
        folder.ok(&["fill", "m.npy", "0"]);
        folder.ok(&["set", "m.npy[1, ::-1]", "@row.npy", "--memory", memory]);
        assert_eq!(values(&folder, "m.npy"), "[[0.0,0.0,0.0],[3.0,2.0,1.0]]");
    }
    assert!(folder.fails(&["set", "m.npy[:, 0]", "@row.npy"], 2).contains("shape (3,) into a place of shape (2,)"));
    folder.npy("ints.npy", "'<i8'", false, "(3,)", &[0; 24]);
    assert!(folder.fails(&["set", "m.npy[0]", "@ints.npy"], 2).contains("same type"));
    assert!(folder.fails(&["set", "m.npy[0]", "@none.npy"], 2).starts_with("none.npy: "));
}

#[test]
fn mistakes_change_nothing() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(3,)", &[1, 2, 3]);
    let before = folder.read("m.npy");
    for (args, part) in [
        (["set", "m.npy[0]", "300"], "0 to 255"),
        (["set", "m.npy[0]", "-1"], "0 to 255"),
        (["set", "m.npy[0]", "1.5"], "1.5"),
        (["set", "m.npy[3]", "1"], "out of bounds"),
        (["set", "m.npy", "1"], "fill"),
        (["fill", "m.npy", "x"], "x"),
    ] {
        let error = folder.fails(&args, 2);
        assert!(error.contains(part), "{args:?}: {error}");
    }
    assert_eq!(folder.read("m.npy"), before);
}

#[test]
fn a_dry_run_changes_nothing() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(2, 2)", &f8(&[1.0, 2.0, 3.0, 4.0]));
    let path = folder.path("m.npy");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    let before = folder.read("m.npy");
    assert_eq!(
        folder.ok(&["set", "m.npy[1,0]", "7.5", "--dry-run"]),
        "would write 1 element (8 bytes) in m.npy[1, 0]: 7.5 over 3.0\n"
    );
    assert_eq!(
        folder.ok(&["fill", "m.npy", "0", "--dry-run"]),
        "would write 4 elements (32 bytes) in m.npy: 0.0 to each\n"
    );
    assert!(folder.fails(&["fill", "m.npy", "x", "--dry-run"], 2).contains('x'));
    let document = folder.json(&["fill", "m.npy[0]", "0", "--dry-run", "--json"]);
    assert_eq!((&document["count"], &document["dry_run"]), (&2.into(), &true.into()));
    assert_eq!((folder.read("m.npy"), modified(&path)), (before, long_ago));
    folder.ok(&["fill", "m.npy", "0"]);
    assert_ne!(modified(&path), long_ago);
}

#[test]
fn a_run_can_say_what_it_did() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(3,)", &[1, 2, 3]);
    let output = folder.run(&["set", "m.npy[0]", "9", "--verbose"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "wrote 1 element (1 byte) in m.npy[0]: 9 over 1\n");
    assert_eq!(folder.json(&["fill", "m.npy", "0", "--json"])["nbytes"], 3);
}

#[test]
fn locks_are_honoured() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(3,)", &[1, 2, 3]);
    let reader = outcore::AnyArrayFile::open(folder.path("m.npy")).unwrap();
    assert!(folder.fails(&["set", "m.npy[0]", "9"], 2).contains("--no-lock"));
    assert!(folder.fails(&["create", "m.npy", "--dtype", "u1", "--shape", "1", "--force"], 2).contains("--no-lock"));
    assert!(folder.read("m.npy").ends_with(&[1, 2, 3]));
    folder.ok(&["set", "m.npy[0]", "9", "--no-lock"]);
    drop(reader);
    folder.soon_ok(&["set", "m.npy[1]", "9"]);
    assert!(folder.read("m.npy").ends_with(&[9, 9, 3]));
}

#[test]
fn a_file_without_a_header() {
    let folder = Folder::new();
    folder.write("x.dat", &[9; 7]);
    folder.ok(&["set", "x.dat[1,0]", "258", "--raw-dtype", ">u2", "--shape", "2,1", "--offset", "2"]);
    assert_eq!(folder.read("x.dat"), [9, 9, 9, 9, 1, 2, 9]);
    folder.fails(&["fill", "x.dat", "0", "--raw-dtype", "u2", "--shape", "4"], 3);
    assert_eq!(folder.read("x.dat").len(), 7);
}
