use serde_json::json;

use super::support::Folder;

#[test]
fn attributes_are_set_changed_and_removed() {
    let folder = Folder::new();
    let new =
        ["create", "m.oca", "--dtype", "f8", "--shape", "2,3", "--attr", "units=K", "--attr", "axes=[\"t\",\"x\"]"];
    folder.ok(&new);
    assert_eq!(folder.json(&["attrs", "--json", "m.oca"])["attrs"], json!({"axes": ["t", "x"], "units": "K"}));
    assert_eq!(folder.ok(&["attrs", "m.oca", "n=3", "note=a=b", "--unset", "axes"]), "");
    let expected = json!({"n": 3, "note": "a=b", "units": "K"});
    let printed: serde_json::Value = serde_json::from_str(&folder.ok(&["attrs", "m.oca"])).unwrap();
    assert_eq!(printed, expected);
    let dry = folder.json(&["attrs", "--json", "m.oca", "n=null", "--dry-run"]);
    assert_eq!((&dry["attrs"]["n"], &dry["dry_run"]), (&json!(null), &json!(true)));
    let info = folder.json(&["info", "--json", "m.oca"]);
    assert_eq!((&info["attrs"], &info["generation"]), (&expected, &json!(2)));
    let text = folder.ok(&["info", "m.oca"]);
    assert!(text.contains("\"a=b\"") && text.contains("generation 2"), "{text}");
    let said = folder.run(&["attrs", "m.oca", "--unset", "n", "--unset", "note", "-v"]);
    assert_eq!(String::from_utf8(said.stderr).unwrap(), "m.oca: now 1 attribute\n");
}

#[test]
fn elements_and_their_seal_stay() {
    let folder = Folder::new();
    folder.ok(&["create", "m.oca", "--dtype", "f8", "--shape", "2,3", "--arange"]);
    folder.ok(&["seal", "m.oca"]);
    folder.ok(&["attrs", "m.oca", "units=K"]);
    assert!(folder.ok(&["verify", "m.oca"]).contains("verified"));
    // Rows follow, and the attributes stay.
    folder.ok(&["append", "m.oca", "m.oca"]);
    assert_eq!(folder.json(&["attrs", "--json", "m.oca"])["attrs"]["units"], "K");
    assert!(folder.ok(&["verify", "m.oca"]).contains("not sealed"));
}

#[test]
fn mistakes_change_nothing() {
    let folder = Folder::new();
    folder.ok(&["create", "m.oca", "--dtype", "f8", "--shape", "2"]);
    folder.npy("m.npy", "'<f8'", false, "(2,)", &[0; 16]);
    let before = folder.read("m.oca");
    let long = format!("text={}", "x".repeat(5000));
    for (args, part) in [
        (&["m.oca", "units"][..], "units=K"),
        (&["m.oca", "=K"], "units=K"),
        (&["m.oca", "a=1", "--unset", "b"], "no attribute 'b'"),
        (&["m.oca", &long], "5"),
        (&["m.npy", "a=1"], ".oca"),
    ] {
        for dry in [&["--dry-run"][..], &[]] {
            let error = folder.fails(&[&["attrs"], args, dry].concat(), 2);
            assert!(error.contains(part), "{error}");
        }
    }
    assert_eq!(folder.read("m.oca"), before);
    assert_eq!(folder.ok(&["attrs", "m.npy"]), "{}\n");
    let new = ["--dtype", "f8", "--shape", "2", "--attr", "a=1"];
    assert!(folder.fails(&[&["create", "new.npy"], &new[..]].concat(), 2).contains("--format oca"));
    assert!(folder.fails(&[&["create", "new.oca", "--raw"], &new[..]].concat(), 2).contains("--format oca"));
    folder.ok(&[&["create", "new", "--format", "oca"], &new[..]].concat());
    assert_eq!(folder.json(&["attrs", "--json", "new"])["attrs"], json!({"a": 1}));
}
