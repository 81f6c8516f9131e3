//! `seal`, `verify` and `repair`.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use outcore::format::native::{Extent, Head, Journal, JournalBlock, PAGE, SLOT_OFFSETS, Slot};
use serde_json::{Value, json};

use super::support::{Folder, f8, npy};

/// Runs that report damage in their output, and not as an error.
fn damaged(folder: &Folder, args: &[&str]) -> String {
    let output = folder.run(args);
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(3), String::new()));
    String::from_utf8(output.stdout).unwrap()
}

fn flip(folder: &Folder, name: &str, at: u64) {
    let mut file = OpenOptions::new().read(true).write(true).open(folder.path(name)).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    write_at(&mut file, &[byte[0] ^ 4], at);
}

fn write_at(file: &mut File, bytes: &[u8], at: u64) {
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

fn cut(folder: &Folder, name: &str, by: u64) {
    let file = OpenOptions::new().write(true).open(folder.path(name)).unwrap();
    file.set_len(file.metadata().unwrap().len() - by).unwrap();
}

#[test]
fn a_sealed_array_is_verified_to_the_bit() {
    let folder = Folder::new();
    folder.ok(&["create", "m.oca", "--dtype", "<f8", "--shape", "3000,100", "--arange"]);
    assert!(folder.ok(&["verify", "m.oca"]).contains("m.oca: sound, but not sealed"));
    assert_eq!(folder.ok(&["seal", "m.oca", "--dry-run"]), "would seal m.oca: 3 blocks\n");
    assert_eq!(folder.json(&["info", "--json", "m.oca"])["sealed"], false);
    assert_eq!(folder.json(&["seal", "m.oca", "--json"])["blocks"], 3);
    let info = folder.json(&["info", "--json", "m.oca"]);
    assert_eq!((&info["sealed"], &info["generation"]), (&json!(true), &json!(2)));
    for threads in ["1", "2"] {
        assert_eq!(folder.ok(&["verify", "m.oca", "--threads", threads]), "m.oca: verified, 3 blocks of 1.00 MiB\n");
    }
    // A bit of element 131072, the first of the second block, and one of the last element.
    flip(&folder, "m.oca", 16384 + (1 << 20));
    flip(&folder, "m.oca", 16384 + 2_399_999);
    assert_eq!(
        damaged(&folder, &["verify", "m.oca"]),
        "m.oca: damaged: block 1 of 3, bytes 1,064,960 to 2,113,535, elements [1310, 72] to [2621, 43]; and 1 further block\n"
    );
    let found: Value = serde_json::from_str(&damaged(&folder, &["verify", "m.oca", "--json"])).unwrap();
    assert_eq!((&found["sound"], &found["state"], &found["blocks"]), (&json!(false), &json!("damaged"), &json!(3)));
    let bad = found["mismatches"].as_array().unwrap();
    assert_eq!(bad.len(), 2);
    assert_eq!((&bad[0]["block"], &bad[0]["bytes"]), (&json!(1), &json!([1_064_960, 2_113_536])));
    assert_eq!(bad[1]["elements"], json!([262_144, 300_000]));
    // What is written after the seal is not damaged.
    folder.ok(&["set", "m.oca[0, 0]", "1"]);
    assert!(folder.ok(&["verify", "m.oca"]).contains("not sealed"));
    assert_eq!(folder.json(&["verify", "m.oca", "--json"])["state"], "unverified");
}

#[test]
fn column_major_elements_have_their_index() {
    let folder = Folder::new();
    folder.ok(&["create", "f.oca", "--dtype", "|u1", "--shape", "1000,1049", "--order", "F"]);
    folder.ok(&["seal", "f.oca"]);
    flip(&folder, "f.oca", 16384 + (1 << 20));
    let text = damaged(&folder, &["verify", "f.oca"]);
    assert!(text.contains("block 1 of 2") && text.contains("elements [576, 1048] to [999, 1048]"), "{text}");
}

#[test]
fn other_formats_are_as_sound_as_they_can_tell() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(2,)", &[0; 16]);
    folder.write("x.dat", &[0; 16]);
    folder.write("short.npy", &npy("'<f8'", false, "(3,)", &[0; 16]));
    assert!(folder.ok(&["verify", "m.npy"]).contains("m.npy: sound, as far as .npy files can tell"));
    let found = folder.json(&["verify", "--json", "x.dat", "--raw-dtype", "f4", "--shape", "4"]);
    assert_eq!((&found["sound"], &found["state"], &found["format"]), (&json!(true), &json!("none"), &json!("raw")));
    assert!(folder.fails(&["verify", "short.npy"], 3).contains("--rows-from-size"));
    assert!(folder.fails(&["seal", "m.npy"], 2).contains(".oca"));
    assert!(folder.fails(&["seal", "m.npy", "--dry-run"], 2).contains(".oca"));
    // Each of several is looked at, and the worst counts.
    let output = folder.run(&["verify", "none.npy", "short.npy", "m.npy"]);
    assert_eq!((output.status.code(), output.stderr.iter().filter(|byte| **byte == b'\n').count()), (Some(3), 2));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("m.npy: sound"));
}

#[test]
fn a_damaged_slot_is_found_and_mended() {
    let folder = Folder::new();
    folder.ok(&["create", "m.oca", "--dtype", "<f8", "--shape", "2", "--arange"]);
    folder.ok(&["attrs", "m.oca", "units=K"]);
    assert_eq!(folder.ok(&["repair", "m.oca"]), "m.oca: nothing to repair\n");
    flip(&folder, "m.oca", 4096 + 30);
    let broken = folder.read("m.oca");
    let text = damaged(&folder, &["verify", "m.oca"]);
    assert!(text.starts_with("m.oca: ") && text.contains("slot"), "{text}");
    let found: Value = serde_json::from_str(&damaged(&folder, &["verify", "m.oca", "--json"])).unwrap();
    assert_eq!(found["flaws"].as_array().unwrap().len(), 1);
    let line = "the damaged slot at byte 4096 becomes a copy of the other, generation 2";
    assert_eq!(folder.ok(&["repair", "m.oca", "--dry-run"]), format!("m.oca: to do: {line}\n"));
    assert_eq!(folder.read("m.oca"), broken);
    let done = folder.json(&["repair", "m.oca", "--json"]);
    assert_eq!((&done["done"], &done["dry_run"]), (&json!([line]), &json!(false)));
    folder.ok(&["verify", "m.oca"]);
    assert_eq!(folder.json(&["attrs", "--json", "m.oca"])["attrs"], json!({"units": "K"}));
    flip(&folder, "m.oca", 20);
    assert!(folder.fails(&["repair", "m.oca"], 3).starts_with("m.oca: "));
}

#[test]
fn rows_are_taken_from_the_size_when_asked() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(3, 2)", &f8(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    cut(&folder, "m.npy", 8);
    let before = folder.read("m.npy");
    assert!(folder.fails(&["repair", "m.npy"], 3).contains("give --rows-from-size"));
    assert_eq!(folder.ok(&["repair", "m.npy", "--rows-from-size", "--dry-run"]).lines().count(), 2);
    assert_eq!(folder.read("m.npy"), before);
    let text = folder.ok(&["repair", "m.npy", "--rows-from-size"]);
    assert!(text.contains("2 rows") && text.contains("8 bytes"), "{text}");
    assert_eq!(folder.ok(&["show", "m.npy"]), "[[1. 2.]\n [3. 4.]]\n");
    let long = ["repair", "m.npy", "--rows-from-size", "--max-header", "10"];
    assert!(folder.fails(&long, 3).contains("--max-header"));
}

/// A file with a transaction that was committed and not finished: elements 1 and 2 become 7.
fn with_pending_transaction(folder: &Folder) {
    folder.ok(&["create", "m.oca", "--dtype", "<f8", "--shape", "4", "--arange", "--force"]);
    let bytes = folder.read("m.oca");
    let head = Head::parse(&bytes, bytes.len() as u64).unwrap();
    let (old, new) = (&bytes[16392..16408], f8(&[7.0, 7.0]));
    let journal = Journal {
        uuid: head.preamble.uuid,
        generation: 2,
        data_end: 16384 + 32,
        head_crc: 0,
        blocks: vec![JournalBlock::new(16392, old, &new)],
    };
    let extent = Extent { offset: (bytes.len() as u64).next_multiple_of(PAGE), len: journal.len() };
    let slot = Slot { generation: 2, journal: Some(extent), ..head.slot().clone() };
    let mut file = OpenOptions::new().write(true).open(folder.path("m.oca")).unwrap();
    write_at(&mut file, &journal.to_bytes().unwrap(), extent.offset);
    write_at(&mut file, &new, extent.offset + journal.data_offset());
    write_at(&mut file, &slot.to_bytes(&head.preamble).unwrap(), SLOT_OFFSETS[1 - head.active]);
}

#[test]
fn a_pending_transaction_is_shown_and_finished_or_given_up() {
    let folder = Folder::new();
    with_pending_transaction(&folder);
    let before = folder.read("m.oca");
    // Readers see it done, and NumPy is told that it does not.
    assert_eq!(folder.ok(&["show", "m.oca"]), "[0. 7. 7. 3.]\n");
    assert_eq!(folder.json(&["info", "--json", "m.oca"])["pending"], true);
    assert!(folder.ok(&["info", "m.oca"]).contains("waits to be finished"));
    assert!(folder.ok(&["verify", "m.oca"]).contains("waits to be finished"));
    assert_eq!(folder.json(&["verify", "--json", "m.oca"])["pending"], true);
    let text = folder.ok(&["repair", "m.oca", "--dry-run"]);
    assert!(text.starts_with("m.oca: to do: the pending transaction is finished"), "{text}");
    folder.ok(&["convert", "m.oca", "done.npy"]);
    assert!(folder.read("done.npy").ends_with(&f8(&[0.0, 7.0, 7.0, 3.0])));
    assert_eq!(folder.read("m.oca"), before);

    folder.ok(&["repair", "m.oca"]);
    assert_eq!(folder.json(&["info", "--json", "m.oca"])["pending"], false);
    assert_eq!(folder.read("m.oca")[16384..][..32], f8(&[0.0, 7.0, 7.0, 3.0]));

    with_pending_transaction(&folder);
    assert_eq!(folder.ok(&["repair", "m.oca", "--discard-journal"]), "m.oca: the pending transaction is given up\n");
    assert_eq!(folder.ok(&["show", "m.oca"]), "[0. 1. 2. 3.]\n");
    assert_eq!(folder.ok(&["repair", "m.oca"]), "m.oca: nothing to repair\n");
}
