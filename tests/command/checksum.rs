use serde_json::json;
use sha2::{Digest, Sha256};

use super::support::{Folder, f8};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn of_the_file_or_of_the_values() {
    let folder = Folder::new();
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    folder.npy("c.npy", "'<f8'", false, "(2, 3)", &f8(&values));
    let big: Vec<u8> = [1.0_f64, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    folder.npy("f.npy", "'>f8'", true, "(2, 3)", &big);
    let expected = sha256(&f8(&values));
    assert_eq!(
        folder.ok(&["checksum", "--logical", "c.npy", "f.npy"]),
        format!("{expected}  c.npy\n{expected}  f.npy\n")
    );
    for memory in ["1", "40", "1GiB"] {
        let document = folder.json(&["checksum", "--logical", "--json", "--memory", memory, "f.npy"]);
        assert_eq!(document["sha256"], json!(expected));
    }
    assert_eq!(folder.ok(&["checksum", "c.npy"]), format!("{}  c.npy\n", sha256(&folder.read("c.npy"))));
    assert_eq!(folder.json(&["checksum", "--json", "c.npy"])["sha256"], json!(sha256(&folder.read("c.npy"))));
    assert_eq!(
        super::support::succeed(folder.run_with_input(&["checksum", "-"], "abc")),
        format!("{}  -\n", sha256(b"abc"))
    );
}

#[test]
fn padding_does_not_count() {
    let folder = Folder::new();
    let descr = "[('a', '>u2'), ('', '|V2'), ('b', '|S1')]";
    folder.npy("r.npy", descr, false, "(2,)", &[0, 1, 9, 9, b'x', 0, 2, 8, 8, b'y']);
    let document = folder.json(&["checksum", "--logical", "--json", "r.npy"]);
    assert_eq!(document["sha256"], json!(sha256(&[1, 0, 0, 0, b'x', 2, 0, 0, 0, b'y'])));
}

#[test]
fn nothing_has_a_checksum_too() {
    let folder = Folder::new();
    folder.npy("empty.npy", "'<f8'", false, "(0, 3)", &[]);
    folder.npy("sizeless.npy", "'|V0'", false, "(4611686018427387904,)", &[]);
    for name in ["empty.npy", "sizeless.npy"] {
        assert_eq!(folder.json(&["checksum", "--logical", "--json", name])["sha256"], json!(sha256(b"")), "{name}");
    }
}

#[test]
fn a_file_without_a_header() {
    let folder = Folder::new();
    folder.write("x.dat", &[0xff, 0, 1, 0, 2]);
    let args = ["checksum", "--logical", "--json", "x.dat", "--raw-dtype", ">u2", "--offset", "1"];
    assert_eq!(folder.json(&args)["sha256"], json!(sha256(&[1, 0, 2, 0])));
    assert!(folder.fails(&["checksum", "x.dat", "--raw-dtype", "u2"], 2).contains("--logical"));
    assert!(folder.fails(&["checksum", "none"], 2).starts_with("none: "));
}
