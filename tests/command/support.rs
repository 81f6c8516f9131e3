//! A folder of its own for each test, files made by hand, and runs of the binary in it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Puts a `.npy` file into the folder.
    pub(crate) fn npy(&self, name: &str, descr: &str, fortran: bool, shape: &str, elements: &[u8]) {
        self.write(name, &npy(descr, fortran, shape, elements));
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outcore"));
        command.current_dir(&self.0).env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .command()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that has found an error elsewhere does not wait for it.
        let given = child.stdin.take().unwrap().write_all(input.as_bytes());
        assert!(given.is_ok() || given.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
        child.wait_with_output().unwrap()
    }

    /// The standard output of a run that ends well and has nothing to complain about.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        succeed(self.run(args))
    }

    /// The same, after a moment: while another test starts a process, that process holds the locks of this one, too.
    #[track_caller]
    pub(crate) fn soon_ok(&self, args: &[&str]) -> String {
        for _ in 0..100 {
            let output = self.run(args);
            if output.status.success() {
                return succeed(output);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.ok(args)
    }

    /// The one document of such a run.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let text = self.ok(args);
        assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], 1);
        value
    }

    /// The most memory of its own, in KiB, that a run takes; of a program that an emulator runs, nobody can tell.
    pub(crate) fn peak_kib(&self, args: &[&str]) -> Option<u64> {
        if std::env::var_os("OUTCORE_EMULATED").is_some() {
            println!("skipped: the memory of the process is that of its emulator");
            return None;
        }
        let mut process = self.command().args(args).stdout(Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        while process.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            peak = peak.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0));
        }
        assert!(process.wait().unwrap().success());
        assert!(peak > 0, "{args:?}: never seen at work");
        Some(peak)
    }

    /// The error of a run that ends with this code: one line, after the name of the command.
    #[track_caller]
    pub(crate) fn fails(&self, args: &[&str], code: i32) -> String {
        fail(&self.run(args), code)
    }
}

#[track_caller]
pub(crate) fn succeed(output: Output) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*error), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
pub(crate) fn fail(output: &Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), "");
    let line = error.strip_suffix('\n').expect("a line");
    assert!(!line.contains(['\n', '\x1b']), "{line:?}");
    line.strip_prefix("outcore: ").expect("the name of the command").to_string()
}

/// A `.npy` file, version 1.0.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &str, elements: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(elements);
    file
}

/// Doubles, little-endian.
pub(crate) fn f8(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}
