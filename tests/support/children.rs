//! This test program again, as another process with one task of its own.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::env;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

const TASK: &str = "OUTCORE_TEST_TASK";

/// What the harness prints is not meant for the parent.
const MARK: &str = "= ";

/// The task of this process, if it is such a child: its words.
pub(crate) fn task() -> Option<Vec<String>> {
    let task = env::var(TASK).ok()?;
    Some(task.split('\n').map(str::to_owned).collect())
}

/// The command line that runs the test of this name once more, in this program.
pub(crate) fn arguments(test: &str) -> [String; 5] {
    let program = env::current_exe().unwrap().into_os_string().into_string().unwrap();
    [&program, "--exact", test, "--nocapture", "--test-threads=1"].map(str::to_owned)
}

/// A task for [`task`] in the child.
pub(crate) fn with_task<'a>(command: &'a mut Command, words: &[&str]) -> &'a mut Command {
    command.env(TASK, words.join("\n")).env("RUST_BACKTRACE", "0")
}

/// One test of a program at a time: between its fork and its start, a child has the open files of all threads, and so their locks.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the parent something, at once.
pub(crate) fn say(line: &str) {
    let mut out = io::stdout().lock();
    out.write_all(format!("\n{MARK}{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Waits until the parent says something, or is gone.
pub(crate) fn hear() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).unwrap();
    (read > 0).then(|| line.trim_end().to_owned())
}

/// What a child says.
pub(crate) struct Said(Lines<BufReader<ChildStdout>>);

impl Iterator for Said {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            let line = self.0.next()?.unwrap();
            if let Some(said) = line.strip_prefix(MARK) {
                return Some(said.to_owned());
            }
        }
    }
}

/// A child that is spoken with. It is killed when this is dropped.
pub(crate) struct Talk {
    pub(crate) child: Child,
    said: Option<Said>,
}

impl Talk {
    pub(crate) fn start(test: &str, words: &[&str]) -> Self {
        let [program, arguments @ ..] = arguments(test);
        let mut command = Command::new(program);
        command.args(arguments);
        Self::run(with_task(&mut command, words))
    }

    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = Said(BufReader::new(child.stdout.take().unwrap()).lines());
        Self { child, said: Some(said) }
    }

    /// What the child says next; `None` when it is gone.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.said.as_mut()?.next()
    }

    /// All that the child will say, for another thread to wait for.
    pub(crate) fn said(&mut self) -> Said {
        self.said.take().unwrap()
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Closes its input, and waits for a good end.
    pub(crate) fn end(mut self) {
        drop(self.child.stdin.take());
        while self.next().is_some() {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
