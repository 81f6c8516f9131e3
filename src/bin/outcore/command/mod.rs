//! One file for each verb: what can be typed, and what is done.

pub(crate) mod append;
mod arange;
pub(crate) mod attrs;
pub(crate) mod cat;
pub(crate) mod checksum;
pub(crate) mod convert;
pub(crate) mod create;
pub(crate) mod fill;
pub(crate) mod info;
mod new_file;
pub(crate) mod repair;
pub(crate) mod seal;
pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod verify;
pub(crate) mod watch;
mod writing;
