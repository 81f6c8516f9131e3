//! The command through the real binary: what it prints, what it writes, and how it ends.

#![cfg(feature = "cli")]

mod append;
mod attrs;
mod cat;
mod checksum;
mod convert;
mod create;
mod ends;
mod fixtures;
mod info;
mod numpy;
mod set;
mod show;
mod stats;
mod support;
mod verify;
mod watch;
