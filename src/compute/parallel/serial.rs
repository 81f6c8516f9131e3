//! One worker: the caller's own thread.

use std::num::NonZero;

use crate::error::Result;

/// One, whatever the caller asks for.
pub(crate) fn width(_threads: Option<NonZero<usize>>) -> usize {
    1
}

/// Runs `work` once.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the parallel twin")]
pub(crate) fn run(_threads: Option<NonZero<usize>>, _workers: usize, work: &(dyn Fn() + Sync)) -> Result<()> {
    work();
    Ok(())
}
