//! Exit codes, lines of error, and readers that go away.

use std::io::Read;
use std::process::Stdio;

use super::support::{Folder, npy};

#[test]
fn damaged_files_are_3_and_say_what_and_where() {
    let folder = Folder::new();
    let whole = npy("'<f8'", false, "(2,)", &[0; 16]);
    let cases: [(&[u8], &str); 7] = [
        (&whole[..whole.len() - 1], "128"),
        (&whole[..20], "header"),
        (b"", "empty"),
        (b"not an array", "--raw-dtype"),
        (&npy("'O'", false, "(2,)", &[0; 16]), "O"),
        (&npy("'<f8'", false, "(-2,)", &[0; 16]), "-2"),
        (&npy("'<f8'", false, "(9223372036854775807, 3)", &[0; 16]), "2^63"),
    ];
    for (bytes, part) in cases {
        folder.write("m.npy", bytes);
        for verb in ["info", "show", "stats"] {
            let error = folder.fails(&[verb, "m.npy"], 3);
            assert!(error.starts_with("m.npy: ") && error.contains(part), "{part}: {error}");
        }
        for args in [
            &["checksum", "--logical", "m.npy"][..],
            &["fill", "m.npy", "1"],
            &["set", "m.npy[0]", "1"],
            &["convert", "m.npy", "new.oca"],
            &["cat", "m.npy", "m.npy", "-o", "new.oca"],
            &["append", "m.npy", "m.npy"],
            &["watch", "m.npy"],
            &["attrs", "m.npy"],
            &["seal", "m.npy"],
            &["verify", "m.npy"],
            &["repair", "m.npy"],
        ] {
            folder.fails(args, 3);
        }
        assert_eq!(folder.read("m.npy"), bytes, "nothing is changed");
    }
}

#[test]
fn a_long_header_is_read_when_asked() {
    let folder = Folder::new();
    let fields: Vec<String> = (0..1000).map(|k| format!("('field{k}', '|u1')")).collect();
    folder.npy("m.npy", &format!("[{}]", fields.join(", ")), false, "(1,)", &[0; 1000]);
    assert!(folder.fails(&["info", "m.npy"], 3).contains("--max-header"));
    folder.ok(&["info", "m.npy", "--max-header", "100000"]);
}

#[test]
fn wrong_usage_is_2_and_one_line() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(2,)", &[0; 16]);
    let cases: [(&[&str], &str); 14] = [
        (&["info"], "FILE"),
        (&["--json"], "FILE"),
        (&["info", "--jsn", "m.npy"], "--json"),
        (&["inof", "m.npy"], "'inof' is neither a command nor a file"),
        (&["info", "none.npy"], "none.npy: "),
        (&["show", "m.npy[2]"], "out of bounds"),
        (&["show", "m.npy[0,0]"], "2 axes"),
        (&["show", "m.npy[x]"], "whole number"),
        (&["--memory", "many", "info", "m.npy"], "4GiB"),
        (&["--threads", "0", "info", "m.npy"], "--threads"),
        (&["--raw-dtype", "f4", "info", "m.npy"], "after the command"),
        (&["show", "m.npy", "--csv", "--json"], "--csv"),
        (&["show", "m.npy", "--raw-dtype", "nonsense"], "dtype"),
        (&["info", "."], "."),
    ];
    for (args, part) in cases {
        let error = folder.fails(args, 2);
        assert!(error.contains(part), "{args:?}: {error}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let folder = Folder::new();
    for verb in [
        "info", "show", "stats", "create", "set", "fill", "convert", "cat", "append", "watch", "attrs", "checksum",
        "seal", "verify", "repair",
    ] {
        let help = folder.ok(&[verb, "--help"]);
        assert!(help.contains("Examples:") && help.contains("--json"), "{help}");
    }
    let help = folder.ok(&["--help"]);
    assert!(help.contains("Exit codes:") && help.contains("checksum"), "{help}");
    assert!(folder.ok(&["--version"]).starts_with("outcore 0."));
    let none = folder.run(&[]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(2), 0));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(1000, 1000)", &vec![7; 1_000_000]);
    for form in [&["--csv"][..], &["--json"], &["--hex"]] {
        let mut child = folder
            .command()
            .args(["show", "m.npy"])
            .args(form)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut start = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut start).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{form:?}");
    }
}

#[cfg(unix)]
#[test]
fn names_cannot_speak_to_the_terminal() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let error = folder.fails(&["info", "a\nb\x1b[31m.npy"], 2);
    assert!(error.starts_with("a\\nb\\u{1b}[31m.npy: "), "{error}");
    folder.npy("a\nb.npy", "'|u1'", false, "(1,)", &[7]);
    assert!(folder.ok(&["info", "a\nb.npy"]).starts_with("a\\nb.npy "));
    // A name that is not text works all the same, with a slice.
    let name = std::ffi::OsStr::from_bytes(b"\xff.npy[0]");
    folder.npy("plain.npy", "'|u1'", false, "(1,)", &[7]);
    std::fs::rename(
        folder.path("plain.npy"),
        folder.path("x").with_file_name(std::ffi::OsStr::from_bytes(b"\xff.npy")),
    )
    .unwrap();
    let output = folder.command().arg("show").arg(name).output().unwrap();
    assert_eq!(super::support::succeed(output), "7\n");
}

#[cfg(not(unix))]
#[test]
#[ignore = "no name of a Windows file has control characters or bytes that are not text"]
fn names_cannot_speak_to_the_terminal() {}

#[test]
fn brackets_may_belong_to_the_name() {
    let folder = Folder::new();
    folder.npy("m[0].npy", "'|u1'", false, "(2,)", &[7, 8]);
    folder.npy("n.npy[0]", "'|u1'", false, "(2,)", &[7, 8]);
    assert_eq!(folder.ok(&["show", "m[0].npy[1]"]), "8\n");
    assert_eq!(folder.ok(&["show", "n.npy[0]"]), "[7 8]\n");
    assert_eq!(folder.ok(&["show", "n.npy[0][1]"]), "8\n");
}
