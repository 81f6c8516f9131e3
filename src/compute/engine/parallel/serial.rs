//! One worker: the caller's own thread.

use crate::error::Result;

/// The caller's thread.
#[derive(Debug, Default)]
pub(in crate::compute) struct Workers;

impl Workers {
    /// One, whatever the caller asks for.
    pub(in crate::compute) fn new(_threads: usize) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the signature of the parallel twin")]
    pub(in crate::compute) fn width(&self) -> usize {
        1
    }

    /// Runs `work` once.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the signature of the parallel twin")]
    pub(in crate::compute) fn run(&self, _workers: usize, work: &(dyn Fn() + Sync)) -> Result<()> {
        work();
        Ok(())
    }
}
