//! The command through the real binary: what it prints, what it writes, and how it ends.

#![cfg(feature = "cli")]

mod checksum;
mod create;
mod ends;
mod fixtures;
mod info;
mod set;
mod show;
mod stats;
mod support;
