//! A file as bytes: mapping, positional input and output, advice, locks, flush, replacement.
//!
//! Everything goes through one small trait, [`Backend`]: [`Disk`] is the real file system, [`MemoryDisk`] one in memory
//! that injects failures and replays crashes. This module knows no header and no element; it holds every `unsafe` line
//! that mapping a file needs.

mod backend;
mod create;
mod disk;
mod file;
#[cfg(not(any(windows, target_vendor = "apple", all(target_os = "linux", not(outcore_portable)))))]
mod flock;
mod mapping;
mod memory;
#[cfg(any(target_vendor = "apple", all(target_os = "linux", not(outcore_portable))))]
mod ofd;
#[cfg_attr(all(target_os = "linux", not(outcore_portable)), path = "linux.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(any(windows, all(target_os = "linux", not(outcore_portable)))), path = "portable.rs")]
mod platform;
mod ranges;
mod sidecar;
#[cfg(test)]
mod tests;

pub use backend::{Access, Backend, BackendFile, Lock, Map, MapMode, Sharing};
pub use create::Reserve;
pub use disk::Disk;
pub use file::LockPolicy;
pub use mapping::Advice;
pub use memory::{Fate, MemoryDisk, Operation};

pub(crate) use create::{create, replace_file};
pub(crate) use create::{leads_to, replace_held};
pub(crate) use file::{Claim, File};
pub(crate) use mapping::Mapping;
pub(crate) use platform::available_memory;
pub(crate) use sidecar::{open_sidecar, remove_sidecar, sidecar, write_sidecar};
