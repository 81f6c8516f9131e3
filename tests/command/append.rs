use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Folder, f8, fail, npy, succeed};

fn data(folder: &Folder, name: &str) -> Value {
    folder.json(&["show", "--json", name])["data"].clone()
}

/// The recorded appends: what NumPy saves of both arrays together. It also turns the elements into the byte order of the machine,
/// where appending in place keeps that of the file.
#[test]
fn appends_come_out_as_recorded() {
    let folder = Folder::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(fixtures.join("manifest.json")).unwrap()).unwrap();
    let mut done = 0;
    for entry in manifest["entries"].as_array().unwrap() {
        if entry["kind"] != "update" || entry["mode"] != "append" {
            continue;
        }
        let recorded = |key: &str| fs::read(fixtures.join(entry[key].as_str().unwrap())).unwrap();
        let (before, mut after) = (recorded("before"), recorded("after"));
        folder.write("copy.npy", &before);
        folder.write("after.npy", &after);
        let [own, saved] = ["copy.npy", "after.npy"].map(|name| folder.json(&["info", "--json", name]));
        let (own, dtype) = (own["dtype"].as_str().unwrap(), saved["dtype"].as_str().unwrap());
        let (order, itemsize) = (saved["order"] == "F", usize::try_from(saved["itemsize"].as_u64().unwrap()).unwrap());

        // The elements that are new are the end of the file.
        let rows = after[before.len()..].to_vec();
        let lens: Vec<String> = entry["append_shape"].as_array().unwrap().iter().map(Value::to_string).collect();
        folder.npy("rows.npy", &format!("'{dtype}'"), order, &format!("({},)", lens.join(", ")), &rows);
        if own != dtype {
            assert_eq!((&own[1..], &own[1..2]), (&dtype[1..], "i"), "integers, which differ in the byte order");
            let (head, body) = after.split_at_mut(128);
            let at = head.windows(dtype.len()).position(|text| text == dtype.as_bytes()).unwrap();
            head[at..][..own.len()].copy_from_slice(own.as_bytes());
            body.chunks_exact_mut(itemsize).for_each(<[u8]>::reverse);
        }

        folder.ok(&["append", "copy.npy", "rows.npy", "--in-place"]);
        assert!(folder.read("copy.npy") == after, "{}", entry["id"]);

        folder.write("copy.npy", &before);
        let mut child = folder.command().args(["append", "copy.npy", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&after[before.len()..]).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(folder.read("copy.npy") == after, "{} from the standard input", entry["id"]);
        done += 1;
    }
    assert!(done >= 6);
}

#[test]
fn every_format_grows() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(1, 2)", &f8(&[1.0, 2.0]));
    folder.npy("rows.npy", "'<f8'", false, "(2, 2)", &f8(&[3.0, 4.0, 5.0, 6.0]));
    folder.ok(&["convert", "m.npy", "m.oca"]);
    folder.ok(&["convert", "m.npy", "m.dat"]);
    let expected = json!([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [1.0, 2.0]]);
    for name in ["m.npy", "m.oca"] {
        folder.write("one.npy", &npy("'<f8'", false, "(1, 2)", &f8(&[1.0, 2.0])));
        assert_eq!(folder.ok(&["append", name, "rows.npy", "one.npy"]), "");
        assert_eq!(data(&folder, name), expected, "{name}");
    }
    let raw = ["--raw-dtype", "<f8", "--shape", "1,2"];
    let done = folder.json(&[&["append", "m.dat", "rows.npy", "--json"], &raw[..]].concat());
    assert_eq!((&done["rows"], &done["shape"], &done["dry_run"]), (&json!(2), &json!([3, 2]), &json!(false)));
    assert_eq!(folder.read("m.dat"), f8(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    // To itself.
    folder.ok(&["append", "rows.npy", "rows.npy"]);
    assert_eq!(data(&folder, "rows.npy").as_array().unwrap().len(), 4);
}

#[test]
fn other_orders_are_turned() {
    let folder = Folder::new();
    folder.npy("f.npy", "'>i2'", true, "(2, 2)", &[0, 1, 0, 2, 0, 3, 0, 4]);
    folder.npy("c.npy", "'<i2'", false, "(2, 2)", &[5, 0, 7, 0, 6, 0, 8, 0]);
    folder.ok(&["append", "f.npy", "c.npy"]);
    assert_eq!(data(&folder, "f.npy"), json!([[1, 3, 5, 7], [2, 4, 6, 8]]));
    assert!(folder.read("f.npy").ends_with(&[0, 4, 0, 5, 0, 6, 0, 7, 0, 8]));
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(1, 2)", &f8(&[1.0, 2.0]));
    folder.npy("wide.npy", "'<f8'", false, "(1, 3)", &[0; 24]);
    folder.npy("ints.npy", "'<i8'", false, "(1, 2)", &[0; 16]);
    folder.npy("scalar.npy", "'<f8'", false, "()", &[0; 8]);
    let before = folder.read("m.npy");
    for (rows, part) in [
        (&["wide.npy"][..], "shape (1, 3) cannot follow shape (1, 2) of m.npy"),
        // Although the first would fit.
        (&["m.npy", "ints.npy"], "<i8 cannot follow the <f8 of m.npy"),
        (&["scalar.npy"], "scalar.npy: "),
        (&["none.npy"], "none.npy: "),
        (&["-", "-"], "twice"),
    ] {
        for dry in [&["--dry-run"][..], &[]] {
            let error = folder.fails(&[&["append", "m.npy"], rows, dry].concat(), 2);
            assert!(error.contains(part), "{error}");
        }
    }
    assert!(folder.fails(&["append", "scalar.npy", "m.npy"], 2).contains("without axes"));
    assert_eq!(
        folder.ok(&["append", "m.npy", "m.npy", "m.npy", "--dry-run"]),
        "would add 2 rows to m.npy: shape (3, 2)\n"
    );
    assert_eq!(folder.read("m.npy"), before);
    let said = folder.run(&["append", "m.npy", "m.npy", "-v"]);
    assert_eq!(String::from_utf8(said.stderr).unwrap(), "added 1 row to m.npy: shape (2, 2)\n");
}

#[test]
fn bytes_of_the_standard_input_are_rows() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(0, 3)", &[]);
    for memory in ["1MiB", "3"] {
        succeed(folder.run_with_input(&["append", "m.npy", "-", "--memory", memory], "abcdef"));
    }
    assert!(folder.read("m.npy").ends_with(b"abcdefabcdef"));
    let error = fail(&folder.run_with_input(&["append", "m.npy", "-"], "ghij"), 2);
    assert!(error.contains("within a row, of which it has 1 of 3 bytes"), "{error}");
    assert_eq!(folder.json(&["info", "--json", "m.npy"])["shape"], json!([5, 3]));
    assert!(fail(&folder.run_with_input(&["append", "m.npy", "-", "--memory", "2"], "abc"), 2).contains("--memory"));
    folder.npy("v.npy", "'|u1'", false, "(2, 0)", &[]);
    assert!(fail(&folder.run_with_input(&["append", "v.npy", "-"], ""), 2).contains("no bytes"));
}

/// Whoever feeds the file slowly is not made to wait for the end.
#[test]
fn rows_of_a_slow_program_are_seen_meanwhile() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(0,)", &[]);
    let mut child = folder.command().args(["append", "m.npy", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"abc").unwrap();
    let begin = Instant::now();
    while folder.json(&["info", "--json", "m.npy"])["shape"] != json!([3]) {
        assert!(begin.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    // Readers are welcome, other writers are not.
    assert_eq!(folder.ok(&["show", "m.npy"]), "[97 98 99]\n");
    assert!(folder.fails(&["append", "m.npy", "m.npy"], 2).contains("--no-lock"));
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_header_without_room_is_written_anew_if_it_may() {
    let folder = Folder::new();
    // Nine rows in a header that ends right behind its text.
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (9,), }\n";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(b"123456789");
    folder.write("tight.npy", &file);
    folder.npy("rows.npy", "'|u1'", false, "(1,)", b"0");
    assert!(folder.fails(&["append", "tight.npy", "rows.npy", "--in-place"], 2).contains("leave out --in-place"));
    assert_eq!(folder.read("tight.npy"), file);
    if cfg!(windows) && std::env::var_os("OUTCORE_EMULATED").is_some() {
        assert!(folder.fails(&["append", "tight.npy", "rows.npy"], 2).contains("may be open"));
        assert_eq!(folder.read("tight.npy"), file);
        return println!("skipped: this system does not replace a file that is open");
    }
    folder.ok(&["append", "tight.npy", "rows.npy"]);
    assert!(folder.read("tight.npy").ends_with(b"1234567890"));
    assert_eq!(folder.json(&["info", "--json", "tight.npy"])["shape"], json!([10]));
}
