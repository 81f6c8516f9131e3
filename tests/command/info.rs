use serde_json::json;

use super::support::{Folder, f8};

/// The element type that maps a dtype of this byte order: the plain one in the order of the machine.
fn in_order(order: &str, element: &str) -> String {
    let own = if cfg!(target_endian = "big") { "Be" } else { "Le" };
    if order == own { element.to_string() } else { format!("{order}<{element}>") }
}

#[test]
fn the_keys_of_the_contract() {
    let folder = Folder::new();
    folder.npy("m.npy", "'>f8'", true, "(3, 4)", &[0; 96]);
    let info = folder.json(&["info", "--json", "m.npy"]);
    let expected = json!({
        "path": "m.npy", "format": "npy", "version": "1.0", "dtype": ">f8", "shape": [3, 4], "order": "F",
        "data_offset": 128, "itemsize": 8, "count": 12, "nbytes": 96, "file_len": 224, "trailing": 0,
        "mappable": in_order("Be", "f64"), "aligned": true,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(info[key], *value, "{key}");
    }
}

#[test]
fn a_file_without_a_command_is_info() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f4'", false, "(2, 3)", &[0; 24]);
    assert_eq!(folder.ok(&["m.npy"]), folder.ok(&["info", "m.npy"]));
    assert_eq!(folder.json(&["--json", "m.npy"]), folder.json(&["info", "m.npy", "--json"]));
    assert_eq!(folder.json(&["--json", "info", "m.npy"]), folder.json(&["m.npy", "--json"]));
}

#[test]
fn people_see_sizes_in_their_units() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f4'", false, "(2000, 3)", &[0; 24_000]);
    let text = folder.ok(&["info", "m.npy"]);
    for part in
        ["m.npy", "NumPy .npy 1.0", "float32, little-endian", "2,000 x 3", "6,000 elements", "row 12 B", "23.44 KiB"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('\x1b'), "no colour into a pipe");
    assert!(folder.ok(&["info", "m.npy", "--color", "always"]).contains("\x1b["));
}

#[test]
fn every_kind_of_dtype_is_described() {
    let folder = Folder::new();
    let records = "[('id', '<u4'), ('', '|V4'), ('p', [('x', '>f4'), ('y', '>f4')], (2,)), (('title', 'n'), '|S3')]";
    for (descr, itemsize, mappable, printed) in [
        ("'|b1'", 1, json!("bool"), json!("|b1")),
        ("'<f2'", 2, json!(in_order("Le", "f16")), json!("<f2")),
        ("'<c16'", 16, json!(in_order("Le", "Complex<f64>")), json!("<c16")),
        ("'<f16'", 16, json!(null), json!("<f16")),
        ("'<M8[25s]'", 8, json!(null), json!("<M8[25s]")),
        ("'>U3'", 12, json!(null), json!(">U3")),
        ("'|S0'", 0, json!(null), json!("|S0")),
        (
            records,
            27,
            json!(null),
            json!([["id", "<u4"], ["", "|V4"], ["p", [["x", ">f4"], ["y", ">f4"]], [2]], [["title", "n"], "|S3"]]),
        ),
    ] {
        folder.npy("m.npy", descr, false, "(2,)", &vec![0; 2 * itemsize]);
        let info = folder.json(&["info", "--json", "m.npy"]);
        assert_eq!(info["dtype"], printed, "{descr}");
        assert_eq!(info["itemsize"], itemsize, "{descr}");
        assert_eq!(info["mappable"], mappable, "{descr}");
        assert!(folder.ok(&["info", "m.npy"]).contains("shape"), "{descr}");
    }
}

#[test]
fn shapes_without_axes_or_elements() {
    let folder = Folder::new();
    folder.npy("zero.npy", "'<f8'", true, "()", &f8(&[1.5]));
    let info = folder.json(&["info", "--json", "zero.npy"]);
    assert_eq!((&info["shape"], &info["order"], &info["count"]), (&json!([]), &json!("C"), &json!(1)));
    folder.npy("empty.npy", "'<f8'", true, "(0, 4)", &[]);
    let info = folder.json(&["info", "--json", "empty.npy"]);
    assert_eq!((&info["shape"], &info["order"], &info["nbytes"]), (&json!([0, 4]), &json!("C"), &json!(0)));
}

#[test]
fn a_file_without_a_header() {
    let folder = Folder::new();
    folder.write("x.dat", &[0; 40]);
    let layout = ["--raw-dtype", ">f4", "--shape", "3,2", "--offset", "8", "--order", "F"];
    let info = folder.json(&[&["info", "--json", "x.dat"], &layout[..]].concat());
    let expected = json!({
        "format": "raw", "version": null, "dtype": ">f4", "shape": [3, 2], "order": "F", "data_offset": 8, "itemsize": 4,
        "count": 6, "nbytes": 24, "trailing": 8,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(info[key], *value, "{key}");
    }
    assert_eq!(folder.json(&["--json", "x.dat", "--raw-dtype", "f4"])["shape"], json!([10]));
    assert!(folder.fails(&["info", "x.dat", "--raw-dtype", "f4", "--shape", "11"], 3).contains("44"));
    assert!(folder.fails(&["info", "x.dat"], 3).contains("--raw-dtype"));
    assert!(folder.fails(&["info", "x.dat", "--shape", "3"], 2).contains("--raw-dtype"));
}

#[test]
fn several_files_give_a_line_each_and_a_bad_one_stops_nothing() {
    let folder = Folder::new();
    folder.npy("a.npy", "'<f8'", false, "(1,)", &[0; 8]);
    folder.npy("short.npy", "'<f8'", false, "(2,)", &[0; 8]);
    folder.npy("z.npy", "'<i2'", false, "(1,)", &[0; 2]);
    let output = folder.run(&["info", "--json", "a.npy", "none.npy", "short.npy", "z.npy"]);
    assert_eq!(output.status.code(), Some(3));
    let paths: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].clone())
        .collect();
    assert_eq!(paths, ["a.npy", "z.npy"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.lines().count(), 2);
    assert!(errors.lines().all(|line| line.starts_with("outcore: ")), "{errors}");
}

#[test]
fn no_lock_is_taken() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(1,)", &[0; 8]);
    let writer = outcore::AnyArrayFile::open_mut(folder.path("m.npy")).unwrap();
    folder.json(&["info", "--json", "m.npy"]);
    assert!(folder.fails(&["show", "m.npy"], 2).contains("--no-lock"));
    assert_eq!(folder.ok(&["show", "--no-lock", "m.npy"]), "[0.]\n");
    drop(writer);
    assert_eq!(folder.soon_ok(&["show", "m.npy"]), "[0.]\n");
}
