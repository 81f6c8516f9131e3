//! The `outcore` command: arrays in files, from a shell.
//!
//! It uses the public interface of the library only, and reads and writes by position: nothing is mapped, so a file that shrinks
//! meanwhile is an error and not a signal.

#![forbid(unsafe_code)]

mod blocks;
mod cli;
mod command;
mod failure;
mod output;
mod progress;
mod quantity;
mod settings;
mod target;
mod value;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(outcome) => outcome.code(),
        Err(failure) => failure.report(),
    }
}
