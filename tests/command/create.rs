use std::fs;

use super::support::{Folder, f8, npy};

#[test]
fn zeros_values_and_ranges() {
    let folder = Folder::new();
    folder.ok(&["create", "zeros.npy", "--dtype", "f4", "--shape", "(2, 3)"]);
    assert_eq!(folder.json(&["show", "--json", "zeros.npy"])["data"].to_string(), "[[0.0,0.0,0.0],[0.0,0.0,0.0]]");
    folder.ok(&["create", "fill.npy", "--dtype", ">i2", "--shape", "3", "--fill", "-2"]);
    assert!(folder.read("fill.npy").ends_with(&[0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe]));
    folder.ok(&["create", "range.npy", "--dtype", "<f8", "--shape", "2,2", "--order", "F", "--arange=-1,0.5"]);
    assert!(folder.read("range.npy").ends_with(&f8(&[-1.0, 0.0, -0.5, 0.5])));
    folder.ok(&["create", "numbers.npy", "--dtype", ">u2", "--shape", "300", "--arange", "--memory", "100"]);
    let expected: Vec<u8> = (0..300_u16).flat_map(u16::to_be_bytes).collect();
    assert!(folder.read("numbers.npy").ends_with(&expected));
    for shape in ["", "()"] {
        folder.ok(&["create", "scalar.npy", "--dtype", "c16", "--shape", shape, "--fill", "1-2j", "--force"]);
        assert_eq!(folder.json(&["show", "--json", "scalar.npy"])["data"].to_string(), "[1.0,-2.0]");
    }
}

/// The files that `np.save` writes.
#[test]
fn files_are_those_of_numpy() {
    let folder = Folder::new();
    folder.ok(&["create", "a.npy", "--dtype", "<f8", "--shape", "3,4", "--order", "F"]);
    let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }";
    let bytes = folder.read("a.npy");
    assert!(bytes[10..].starts_with(header.as_bytes()));
    assert_eq!(bytes.len(), npy("'<f8'", true, "(3, 4)", &[0; 96]).len());
    folder.ok(&["create", "r.npy", "--dtype", "[('a', '<u2'), ('s', 'S3')]", "--shape", "2"]);
    assert!(
        folder.read("r.npy")[10..].starts_with(b"{'descr': [('a', '<u2'), ('s', '|S3')], 'fortran_order': False, ")
    );
}

#[test]
fn without_a_header() {
    let folder = Folder::new();
    folder.ok(&["create", "x.dat", "--raw", "--offset", "3", "--dtype", ">u2", "--shape", "2", "--fill", "258"]);
    assert_eq!(folder.read("x.dat"), [0, 0, 0, 1, 2, 1, 2]);
    folder.ok(&["create", "b.dat", "--raw", "--dtype", "bfloat16", "--shape", "2", "--fill", "1"]);
    assert_eq!(folder.read("b.dat").len(), 4);
    folder.fails(&["create", "b.npy", "--dtype", "bfloat16", "--shape", "2"], 2);
    folder.fails(&["create", "y.dat", "--offset", "3", "--dtype", "u2", "--shape", "2"], 2);
}

#[test]
fn like_another() {
    let folder = Folder::new();
    folder.npy("m.npy", "'>f4'", true, "(2, 3)", &[1; 24]);
    folder.ok(&["create", "same.npy", "--like", "m.npy"]);
    let info = folder.json(&["info", "--json", "same.npy"]);
    assert_eq!((&info["dtype"], &info["order"]), (&">f4".into(), &"F".into()));
    assert_eq!(info["shape"].to_string(), "[2,3]");
    folder.ok(&["create", "other.npy", "--like", "m.npy", "--dtype", "i1", "--shape", "5"]);
    let info = folder.json(&["info", "--json", "other.npy"]);
    assert_eq!((&info["dtype"], info["shape"].to_string()), (&"|i1".into(), "[5]".to_string()));
}

#[test]
fn nothing_is_replaced_unasked_and_nothing_is_left_of_a_failure() {
    let folder = Folder::new();
    folder.write("m.npy", b"precious");
    let new = ["create", "m.npy", "--dtype", "u1", "--shape", "2"];
    assert!(folder.fails(&new, 2).contains("--force"));
    assert!(folder.fails(&[&new[..], &["--dry-run"]].concat(), 2).contains("--force"));
    assert_eq!(folder.read("m.npy"), b"precious");
    let dry = folder.ok(&[&new[..], &["--dry-run", "--force"]].concat());
    assert!(dry.starts_with("would create m.npy: |u1 of shape (2,)"), "{dry}");
    assert_eq!(folder.read("m.npy"), b"precious");
    for bad in [
        &["--arange", "255,1"][..],
        &["--fill", "256"],
        &["--dtype", "O"],
        &["--shape", "-1"],
        &["--shape", "9223372036854775807,9223372036854775807"],
        &["--shape", "1000000000000000000"],
        &["--fill", "1", "--arange", "1"],
    ] {
        let mut args = vec!["create", "new.npy", "--force"];
        args.extend(bad);
        for (name, value) in [("--dtype", "u1"), ("--shape", "2")] {
            if !bad.contains(&name) {
                args.extend([name, value]);
            }
        }
        folder.fails(&args, 2);
        let left: Vec<_> = fs::read_dir(folder.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["m.npy"], "{bad:?}");
    }
    folder.ok(&[&new[..], &["--force"]].concat());
    assert!(folder.read("m.npy").starts_with(b"\x93NUMPY"));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux reserves blocks and tells how many")]
fn blocks_are_reserved_or_not() {
    let folder = Folder::new();
    let args = ["--dtype", "f8", "--shape", "1000,1000"];
    folder.ok(&[&["create", "sparse.npy", "--sparse"], &args[..]].concat());
    folder.ok(&[&["create", "full.npy"], &args[..]].concat());
    let allocated = |name| folder.json(&["info", "--json", name])["allocated"].as_u64().unwrap();
    assert!(allocated("sparse.npy") < 1 << 20);
    assert!(allocated("full.npy") >= 8_000_000);
}
