use serde_json::json;

use super::support::{Folder, f8};

#[test]
fn arrays_follow_one_another_as_in_numpy() {
    let folder = Folder::new();
    folder.npy("a.npy", "'<f8'", false, "(2, 2)", &f8(&[1.0, 2.0, 3.0, 4.0]));
    folder.npy("b.npy", "'<f8'", false, "(1, 2)", &f8(&[5.0, 6.0]));
    folder.ok(&["cat", "a.npy", "b.npy", "a.npy", "-o", "all.npy"]);
    let expected = f8(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0]);
    folder.npy("expected.npy", "'<f8'", false, "(5, 2)", &expected);
    let saved = |name| folder.json(&["checksum", "--logical", "--json", name])["sha256"].clone();
    assert_eq!(saved("all.npy"), saved("expected.npy"));
    assert_eq!(folder.json(&["info", "--json", "all.npy"])["shape"], json!([5, 2]));
    folder.ok(&["cat", "a.npy", "b.npy", "a.npy", "--output", "all.dat"]);
    assert_eq!(folder.read("all.dat"), expected);
    folder.ok(&["cat", "all.dat", "all.dat", "-o", "twice.oca", "--raw-dtype", "f8", "--shape", "5,2"]);
    assert_eq!(folder.json(&["info", "--json", "twice.oca"])["shape"], json!([10, 2]));
    // One is a copy, also without axes.
    folder.npy("scalar.npy", "'<f8'", false, "()", &f8(&[7.0]));
    folder.ok(&["cat", "scalar.npy", "-o", "copy.npy"]);
    assert_eq!(folder.ok(&["show", "copy.npy"]), "7.0\n");
    assert!(folder.fails(&["cat", "scalar.npy", "scalar.npy", "-o", "two.npy"], 2).contains("without axes"));
}

#[test]
fn a_column_major_array_grows_along_its_last_axis() {
    let folder = Folder::new();
    // [[1, 3], [2, 4]], and [[5], [6]] in the other byte order and the other storage order.
    folder.npy("f.npy", "'<f8'", true, "(2, 2)", &f8(&[1.0, 2.0, 3.0, 4.0]));
    let big: Vec<u8> = [5.0_f64, 7.0, 6.0, 8.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    folder.npy("c.npy", "'>f8'", false, "(2, 2)", &big);
    folder.ok(&["cat", "f.npy", "c.npy", "-o", "all.npy"]);
    let info = folder.json(&["info", "--json", "all.npy"]);
    assert_eq!((&info["dtype"], &info["order"], &info["shape"]), (&json!("<f8"), &json!("F"), &json!([2, 4])));
    assert_eq!(
        folder.json(&["show", "--json", "all.npy"])["data"],
        json!([[1.0, 3.0, 5.0, 7.0], [2.0, 4.0, 6.0, 8.0]])
    );
    folder.ok(&["cat", "c.npy", "f.npy", "-o", "rows.oca"]);
    assert_eq!(
        folder.json(&["show", "--json", "rows.oca"])["data"],
        json!([[5.0, 7.0], [6.0, 8.0], [1.0, 3.0], [2.0, 4.0]])
    );
    assert_eq!(folder.json(&["info", "--json", "rows.oca"])["dtype"], ">f8");
}

#[test]
fn what_does_not_fit_is_told_by_both_names() {
    let folder = Folder::new();
    folder.npy("a.npy", "'<f8'", false, "(2, 2)", &[0; 32]);
    folder.npy("wide.npy", "'<f8'", false, "(2, 3)", &[0; 48]);
    folder.npy("line.npy", "'<f8'", false, "(2,)", &[0; 16]);
    folder.npy("ints.npy", "'<i8'", false, "(2, 2)", &[0; 32]);
    for other in ["wide.npy", "line.npy", "ints.npy"] {
        for dry in [&["--dry-run"][..], &[]] {
            let error = folder.fails(&[&["cat", "a.npy", other, "-o", "all.npy"], dry].concat(), 2);
            assert!(error.starts_with(&format!("{other}: ")) && error.contains("a.npy"), "{error}");
        }
    }
    assert!(!folder.path("all.npy").exists());
    folder.write("all.npy", b"precious");
    assert!(folder.fails(&["cat", "a.npy", "a.npy", "-o", "all.npy"], 2).contains("--force"));
    let done = folder.json(&["cat", "a.npy", "a.npy", "-o", "all.npy", "--force", "--dry-run", "--json"]);
    assert_eq!((&done["shape"], &done["dry_run"]), (&json!([4, 2]), &json!(true)));
    assert_eq!(folder.read("all.npy"), b"precious");
}

/// Files of many times the memory that a run may take.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux tells of the memory of another process")]
fn memory_stays_small() {
    let folder = Folder::new();
    folder.ok(&["create", "big.npy", "--dtype", "f8", "--shape", "4096,1024", "--arange"]);
    let Some(peak) = folder.peak_kib(&["cat", "big.npy", "big.npy", "-o", "all.oca"]) else { return };
    assert!(peak < 8 << 10, "{peak} KiB");
    assert_eq!(folder.json(&["show", "--json", "all.oca[4095:4097, -1]"])["data"], json!([4_194_303.0, 1023.0]));
}
