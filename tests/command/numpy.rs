//! The line that `info` prints for NumPy, run by a Python with NumPy.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::{Folder, f8};

#[path = "../support/numpy.rs"]
mod python;

/// The call in the output for people.
fn line(text: &str) -> String {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("numpy  ")).expect("a line for NumPy");
    line.to_string()
}

/// Runs each line in a folder and compares the array with the one that NumPy loads: type, shape, order and bytes.
fn compare(folder: &Path, lines: &[(String, String)]) {
    let script = r"
os.chdir(args[0])
for case in json.load(open(args[1])):
    name, line = case
    found, expected = eval(line), np.load(name)
    assert isinstance(found, np.memmap), line
    assert found.dtype == expected.dtype, (line, expected.dtype)
    assert found.shape == expected.shape, (line, expected.shape)
    assert found.flags.f_contiguous == expected.flags.f_contiguous, line
    assert found.tobytes('A') == expected.tobytes('A'), line
print('ok')
";
    let cases: Vec<_> = lines.iter().map(|(name, line)| [name, line]).collect();
    let list = folder.join("cases.json");
    fs::write(&list, serde_json::to_string(&cases).unwrap()).unwrap();
    if let Some(answer) = python::run(script, &[folder.as_os_str(), list.as_os_str()]) {
        assert_eq!(answer.trim(), "ok");
    }
}

#[test]
fn the_printed_line_maps_every_fixture() {
    let folder = Folder::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(fixtures.join("manifest.json")).unwrap()).unwrap();
    let mut lines = Vec::new();
    for entry in manifest["entries"].as_array().unwrap() {
        if entry["kind"] != "npy" || entry["writer"] != "numpy" || entry["policy"] != "accept" {
            continue;
        }
        let path = fixtures.join(entry["path"].as_str().unwrap()).to_str().unwrap().to_string();
        let call = line(&folder.ok(&["info", &path]));
        assert_eq!(folder.json(&["info", "--json", &path])["numpy"], call.as_str());
        lines.push((path, call));
    }
    assert!(lines.len() > 100);
    compare(&folder.path("."), &lines);
}

#[test]
fn names_and_types_are_quoted_as_python_does() {
    let folder = Folder::new();
    let plain = f8(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let mut lines = Vec::new();
    for name in ["it's.npy", "a \"b\".npy", "größe.npy", "both'\".npy"] {
        if cfg!(windows) && name.contains('"') {
            continue;
        }
        folder.npy(name, "'>f8'", true, "(2, 3)", &plain);
        lines.push((name.to_string(), line(&folder.ok(&["info", name]))));
    }
    for (name, descr, itemsize) in [
        ("padded.npy", "[('a', '|u1'), ('', '|V3'), (('t\\'s', 'b'), '<f4', (2,))]", 12),
        ("nested.npy", "[('p', [('x', '>f4'), ('y', '>f4')], (2,)), ('s', '|S3')]", 19),
        ("empty.npy", "'<M8[25s]'", 0),
    ] {
        let shape = if itemsize == 0 { "(3, 0)" } else { "(2,)" };
        folder.npy(name, descr, false, shape, &vec![0x41; 2 * itemsize]);
        lines.push((name.to_string(), line(&folder.ok(&["info", name]))));
    }
    compare(&folder.path("."), &lines);
}

/// NumPy maps the elements of a native file, of which it knows nothing.
#[test]
fn native_files_map_too() {
    let folder = Folder::new();
    let mut lines = Vec::new();
    for (name, descr, fortran, shape, itemsize) in [
        ("f8", "'<f8'", false, "(3, 4)", 8),
        ("big", "'>c16'", true, "(3, 4)", 16),
        ("scalar", "'|S5'", false, "()", 5),
        ("none", "'<i2'", false, "(0, 4)", 2),
        ("record", "[('a', '|u1'), ('', '|V3'), ('b', '<f4', (2,))]", true, "(3, 4)", 12),
    ] {
        let count = match shape {
            "()" => 1,
            "(0, 4)" => 0,
            _ => 12,
        };
        let [npy, oca] = ["npy", "oca"].map(|end| format!("{name}.{end}"));
        folder.npy(&npy, descr, fortran, shape, &vec![0x42; count * itemsize]);
        folder.ok(&["convert", &npy, &oca]);
        folder.ok(&["seal", &oca]);
        lines.push((npy, line(&folder.ok(&["info", &oca]))));
    }
    assert!(lines.iter().all(|(_, line)| line.contains(".oca', dtype=") && line.contains("offset=16384")));
    compare(&folder.path("."), &lines);
}

#[test]
fn what_numpy_has_no_type_for_is_told() {
    let folder = Folder::new();
    // 1 and 2, in the order of the machine, which is what the type means.
    folder.write("x.dat", if cfg!(target_endian = "big") { &[0x3f, 0x80, 0x40, 0] } else { &[0x80, 0x3f, 0, 0x40] });
    let text = folder.ok(&["info", "x.dat", "--raw-dtype", "bfloat16"]);
    assert!(text.contains("with bfloat16 as the integers"), "{text}");
    let script = "os.chdir(args[0]); print((eval(args[1]).astype('<u4') << 16).view('<f4').tolist())";
    let call = line(&text);
    if let Some(answer) = python::run(script, &[folder.path(".").as_os_str(), OsStr::new(&call)]) {
        assert_eq!(answer.trim(), "[1.0, 2.0]");
    }
    folder.write("none.dat", b"");
    let info = folder.json(&["info", "--json", "none.dat", "--raw-dtype", "f4", "--shape", "0"]);
    assert_eq!(info["numpy"], Value::Null);
}
