use super::support::{Folder, f8, npy};

#[test]
fn dtype_and_orders_stay_in_every_format() {
    let folder = Folder::new();
    let descr = "[('id', '>u2'), ('', '|V1'), ('x', '<f4', (2,))]";
    let items: Vec<u8> = (0..66).collect();
    folder.npy("tight.npy", descr, true, "(2, 3)", &items);
    folder.ok(&["convert", "tight.npy", "m.npy"]);
    folder.ok(&["convert", "m.npy", "m.oca"]);
    folder.ok(&["convert", "m.oca", "back.npy"]);
    folder.ok(&["convert", "m.oca", "m.dat"]);
    assert_eq!(folder.read("back.npy"), folder.read("m.npy"));
    assert_eq!(folder.read("m.dat"), items);
    let info = folder.json(&["info", "--json", "m.oca"]);
    assert_eq!((&info["format"], &info["order"], &info["generation"]), (&"native".into(), &"F".into(), &1.into()));
    assert_eq!(folder.read("m.oca")[16384..], items);
    let raw = ["--raw-dtype", descr, "--shape", "2,3", "--order", "F"];
    folder.ok(&[&["convert", "m.dat", "again.npy"], &raw[..]].concat());
    assert_eq!(folder.read("again.npy"), folder.read("m.npy"));
    // The same input gives the same bytes.
    folder.ok(&["convert", "m.npy", "twin", "--format", "oca"]);
    assert_eq!(folder.read("twin"), folder.read("m.oca"));
}

#[test]
fn empty_arrays_and_single_elements_too() {
    let folder = Folder::new();
    folder.npy("scalar.npy", "'<f8'", false, "()", &f8(&[1.5]));
    folder.npy("empty.npy", "'>i2'", false, "(0, 3)", &[]);
    for name in ["scalar", "empty"] {
        let [npy, oca, back] = ["npy", "oca", "back.npy"].map(|end| format!("{name}.{end}"));
        folder.ok(&["convert", &npy, &oca]);
        folder.ok(&["convert", &oca, &back]);
        assert_eq!(folder.read(&back), folder.read(&npy));
    }
}

#[test]
fn attributes_go_along_or_their_loss_is_told() {
    let folder = Folder::new();
    folder.ok(&["create", "m.oca", "--dtype", "<f8", "--shape", "2", "--attr", "units=K"]);
    folder.ok(&["convert", "m.oca", "copy.oca"]);
    assert_eq!(folder.json(&["attrs", "--json", "copy.oca"])["attrs"]["units"], "K");
    for args in [&["convert", "m.oca", "m.npy", "--dry-run"][..], &["convert", "m.oca", "m.npy"]] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(0));
        let note = String::from_utf8(output.stderr).unwrap();
        assert_eq!(note, "outcore: note: m.npy: no place for the 1 attribute of m.oca\n");
    }
}

#[test]
fn nothing_is_replaced_unasked() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(2,)", &f8(&[1.0, 2.0]));
    folder.write("m.oca", b"precious");
    for dry in [&["--dry-run"][..], &[]] {
        assert!(folder.fails(&[&["convert", "m.npy", "m.oca"], dry].concat(), 2).contains("--force"));
    }
    let text = folder.ok(&["convert", "m.npy", "m.oca", "--force", "--dry-run"]);
    assert!(text.starts_with("would write m.oca: <f8 of shape (2,), 2 elements"), "{text}");
    assert_eq!(folder.read("m.oca"), b"precious");
    let done = folder.json(&["convert", "m.npy", "m.oca", "--overwrite", "--json"]);
    assert_eq!((&done["format"], &done["data_offset"], &done["nbytes"]), (&"native".into(), &16384.into(), &16.into()));
    assert_eq!(folder.read("m.oca")[16384..], f8(&[1.0, 2.0]));
}

#[test]
fn what_cannot_be_leaves_nothing() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(2,)", &f8(&[1.0, 2.0]));
    assert!(folder.fails(&["convert", "m.npy", "m.txt"], 2).contains("--format"));
    assert!(folder.fails(&["convert", "m.npy", "./m.npy", "--force"], 2).contains("another name"));
    assert!(folder.fails(&["convert", "none.npy", "m.oca"], 2).starts_with("none.npy: "));
    folder.write("x.dat", &[0; 4]);
    let bfloat16 = ["convert", "x.dat", "x.npy", "--raw-dtype", "bfloat16"];
    for dry in [&["--dry-run"][..], &[]] {
        assert!(folder.fails(&[&bfloat16[..], dry].concat(), 2).contains("bfloat16"));
    }
    folder.write("short.npy", &npy("'<f8'", false, "(3,)", &[0; 8]));
    folder.fails(&["convert", "short.npy", "short.oca"], 3);
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["m.npy", "short.npy", "x.dat"]);
    // What .npy cannot name, .oca can.
    folder.ok(&["convert", "x.dat", "x.oca", "--raw-dtype", "bfloat16"]);
    assert_eq!(folder.json(&["info", "--json", "x.oca"])["mappable"], "bf16");
}
