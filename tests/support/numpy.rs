//! A Python with NumPy, made once under the target folder, and scripts run in it.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The environment variable that skips the tests against NumPy.
const OPT_OUT: &str = "OUTCORE_NO_PYTHON";

/// The NumPy to ask, by the oldest Python that it runs on.
const NUMPY: [((u32, u32), &str); 3] = [((3, 11), "2.4.6"), ((3, 10), "2.2.6"), ((3, 9), "2.0.2")];

/// Runs a script with NumPy imported as `np` and the arguments in `args`; what it prints, or None where the tests are skipped.
///
/// # Panics
///
/// Where there is no Python, or no NumPy to be had, and where the script fails.
pub(crate) fn run(script: &str, args: &[&OsStr]) -> Option<String> {
    let mut child = spawn(script, args)?;
    child.stdin.take();
    let output = child.wait_with_output().expect("Python runs");
    Some(stdout_of("the script", &output))
}

/// Starts such a script, with pipes to speak with it.
pub(crate) fn spawn(script: &str, args: &[&OsStr]) -> Option<std::process::Child> {
    let python = python()?;
    let script = format!("import hashlib, json, os, sys\nimport numpy as np\nargs = sys.argv[1:]\n{script}");
    let child = Command::new(python)
        .arg("-c")
        .arg(script)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Some(child.expect("Python starts"))
}

/// The Python of this machine with its standard library and nothing else; None where the tests are skipped.
pub(crate) fn plain() -> Option<Command> {
    if opted_out() {
        return None;
    }
    let mut python = Command::new(host_python().0);
    python.args(["-I", "-S"]);
    Some(python)
}

/// The interpreter of the virtual environment, which is made on first use; None where the tests are skipped.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON
        .get_or_init(|| {
            if opted_out() {
                return None;
            }
            Some(environment())
        })
        .as_deref()
}

fn opted_out() -> bool {
    let out = std::env::var_os(OPT_OUT).is_some_and(|value| !value.is_empty() && value != "0");
    if out {
        println!("skipped: {OPT_OUT} is set");
    }
    out
}

fn environment() -> PathBuf {
    let (host, version) = host_python();
    let Some((_, numpy)) = NUMPY.iter().find(|(oldest, _)| version >= *oldest) else {
        missing(&format!("Python {}.{} is too old; 3.9 is the oldest that will do", version.0, version.1))
    };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(target).expect("the target folder can be written");
    let home = target.join(format!("numpy-{numpy}-python-{}.{}", version.0, version.1));
    let python = if cfg!(windows) { home.join("Scripts/python.exe") } else { home.join("bin/python") };
    let ready = home.join("ready");

    // Several test programs may come at once; the first one makes it.
    let lock = File::create(target.join("numpy.lock")).expect("the target folder can be written");
    lock.lock().expect("a lock on a file in the target folder");
    if ready.exists() {
        return python;
    }
    let _ = fs::remove_dir_all(&home);
    let venv = Command::new(host).args(["-m", "venv"]).arg(&home).output().expect("Python starts");
    if !venv.status.success() {
        missing(&format!(
            "python3 cannot make a virtual environment (Debian: apt install python3-venv):\n{}",
            both(&venv)
        ));
    }
    let pip = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"])
        .arg(format!("numpy=={numpy}"))
        .output()
        .expect("the new Python starts");
    if !pip.status.success() {
        missing(&format!("pip cannot install numpy {numpy} (is there a network?):\n{}", both(&pip)));
    }
    File::create(ready)
        .and_then(|mut file| file.write_all(numpy.as_bytes()))
        .expect("the target folder can be written");
    python
}

/// The Python of this machine, and its version.
fn host_python() -> (&'static str, (u32, u32)) {
    let names = if cfg!(windows) { ["python", "python3"] } else { ["python3", "python"] };
    for name in names {
        let script = "import sys; print(sys.version_info[0], sys.version_info[1])";
        let Ok(output) = Command::new(name).args(["-c", script]).output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
        if let (true, Some(major), Some(minor)) = (output.status.success(), numbers.next(), numbers.next()) {
            return (name, (major, minor));
        }
    }
    missing("there is no python3")
}

fn missing(what: &str) -> ! {
    panic!("the tests against NumPy cannot run: {what}\nSet {OPT_OUT}=1 to skip them.")
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn stdout_of(what: &str, output: &Output) -> String {
    assert!(output.status.success(), "{what} failed:\n{}", both(output));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}
