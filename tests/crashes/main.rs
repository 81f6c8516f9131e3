//! What a power failure, a full disk or a failing call leaves behind, on a disk in memory that remembers every change.
//!
//! The promises are: a name shows the complete old file or the complete new one; an array has its old length or the new one and the
//! rows below are untouched; what was flushed is there; an element that was not flushed is old or new; a transaction has happened
//! or not; every handle that meets an error works on or says that it does not; and no damage is taken for data.
//!
//! The default run makes every sequence of two operations and a sample of those of three. All sequences of three, with more
//! subsets of unsynced writes, and many more random runs:
//!
//! ```text
//! OUTCORE_THOROUGH=1 cargo test --release --test crashes
//! ```
//!
//! Under an emulator, which takes ten times as long, the sweeps go through the first of the ways to write only.

mod failures;
mod flips;
mod model;
mod observe;
mod power;
mod random;
mod sequences;
mod steps;

use steps::{MODES, Mode};

/// The ways to write that the sweeps go through: all, so many of them, or one.
fn modes(usual: usize) -> &'static [Mode] {
    let emulated = std::env::var_os("OUTCORE_EMULATED").is_some();
    if thorough() { &MODES } else { &MODES[..if emulated { 1 } else { usual }] }
}

/// Whether the long sweeps were asked for.
fn thorough() -> bool {
    std::env::var_os("OUTCORE_THOROUGH").is_some_and(|value| value != "0")
}
