//! One file for each verb: what can be typed, and what is done.

mod arange;
pub(crate) mod checksum;
pub(crate) mod create;
pub(crate) mod fill;
pub(crate) mod info;
pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod stats;
mod writing;
