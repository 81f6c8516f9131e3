//! What must not compile does not, for the reason it should: each program under `tests/compile_fail` names the compiler's error code.
//!
//! The compiler is asked directly, with the library that this test was built with. Its codes are stable from release to release, the
//! text of its messages is not; and doctests marked `compile_fail` would pass for any mistake, since a stable rustdoc does not
//! compare the code. A program that does compile stands beside them, so that none fails for a missing library.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a program against a library, and gives the codes of the compiler's errors.
fn errors_of(program: &Path, library: &Path) -> (BTreeSet<String>, String) {
    let deps = library.parent().expect("the folder of the library");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "bin",
            "--emit",
            "metadata",
            "--error-format",
            "json",
            "--cap-lints",
            "allow",
        ])
        .arg("--extern")
        .arg(format!("outcore={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("-o")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join(program.file_stem().expect("a name")).with_extension("rmeta"))
        .arg(program)
        .output()
        .expect("rustc runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let (mut codes, mut rendered) = (BTreeSet::new(), String::new());
    for line in stderr.lines().filter(|line| line.starts_with('{')) {
        let message: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if message["level"] == "error" && !message["message"].as_str().unwrap_or_default().starts_with("aborting") {
            codes.insert(message["code"]["code"].as_str().unwrap_or("no code").to_owned());
            rendered.push_str(message["rendered"].as_str().unwrap_or_default());
        }
    }
    assert_eq!(output.status.success(), codes.is_empty(), "{stderr}");
    (codes, rendered)
}

/// The builds of the library beside this test program, newest first. There may be several, of other features or compilers.
fn libraries() -> Vec<PathBuf> {
    let this = std::env::current_exe().expect("the path of this program");
    let deps = this.parent().expect("the folder of this program");
    let mut found: Vec<_> = fs::read_dir(deps)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("liboutcore-") && name.ends_with(".rlib")
        })
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).and_then(|data| data.modified()).ok()));
    found
}

#[test]
fn what_must_not_compile_does_not() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let control = dir.join("compiles.rs");
    if cfg!(windows) && std::env::var_os("OUTCORE_EMULATED").is_some() {
        println!("skipped: wine has no compiler");
        return;
    }
    let (mut answers, mut foreign) = (Vec::new(), false);
    let library = libraries().into_iter().find(|library| {
        let (codes, stderr) = errors_of(&control, library);
        answers.push(stderr);
        foreign |= codes.contains("E0461");
        codes.is_empty()
    });
    if library.is_none() && foreign {
        println!("skipped: the compiler makes programs for another system than this");
        return;
    }
    let library =
        library.unwrap_or_else(|| panic!("{} compiles with no library:\n{}", control.display(), answers.concat()));

    let (mut count, mut wrong) = (0, String::new());
    for entry in fs::read_dir(&dir).expect("the programs are there") {
        let program = entry.expect("an entry").path();
        if program == control || program.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&program).expect("a program");
        let expected = text.lines().next().and_then(|line| line.strip_prefix("//! error: ")).expect("an expected code");
        let (codes, rendered) = errors_of(&program, &library);
        let expected: BTreeSet<String> = [expected.to_owned()].into();
        if codes != expected {
            wrong += &format!("{}: expected {expected:?}, found {codes:?}\n{rendered}", program.display());
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(count, 13);
}
