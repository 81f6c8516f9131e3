//! How an operation runs: threads, memory, progress, cancellation.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use portable_atomic::AtomicU64;

use super::budget;
use super::cancel::CancelToken;
use super::grid::Grid;
use super::parallel::Workers;
use crate::error::{Error, ErrorKind, Result};

/// How far an operation has come, in bytes of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes whose elements are done.
    pub done: u64,
    /// Bytes in all. An operation of several passes counts each of them anew.
    pub total: u64,
}

type Report<'p> = Box<dyn Fn(Progress) + Send + Sync + 'p>;

/// The terms on which operations run; every operation is a method of it.
///
/// The results do not depend on the terms: the same array gives the same bits for any number of threads, in memory or in a
/// file.
///
/// ```
/// use outcore::Job;
/// use outcore::ndarray::{Axis, array};
///
/// let job = Job::new().threads(2).memory(256 << 20);
/// let a = array![[1.0_f64, 2.0], [3.0, 4.0]];
/// assert_eq!(job.sum(&a)?, 10.0);
/// assert_eq!(job.sum_axis(&a, Axis(0))?, array![4.0, 6.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Default)]
pub struct Job<'p> {
    pub(in crate::compute) workers: Workers,
    memory: Option<u64>,
    held: AtomicU64,
    progress: Option<Report<'p>>,
    pub(in crate::compute) cancel: Option<CancelToken>,
    pub(in crate::compute) grid: Grid,
    pub(in crate::compute) scratch_dir: Option<PathBuf>,
}

impl<'p> Job<'p> {
    /// All threads of the current rayon pool, a quarter of the available memory, no reports.
    pub fn new() -> Self {
        Self::default()
    }

    /// Works on this many threads; 0 means all threads of the current rayon pool.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.workers = Workers::new(threads);
        self
    }

    /// Allows this many bytes for buffers and results, mapped pages not counted.
    ///
    /// The default is a quarter of the memory that is available when an operation begins.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Puts temporary files into this folder; by default into the system's folder for them, which may be in memory. They have
    /// no names, and are gone when the operation ends in any way.
    #[must_use]
    pub fn scratch_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.scratch_dir = Some(dir.into());
        self
    }

    /// Calls `report` about once per block (about a half mebibyte), from any of the threads.
    #[must_use]
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'p) -> Self {
        self.progress = Some(Box::new(report));
        self
    }

    /// Ends with [`ErrorKind::Cancelled`] soon after the token is cancelled.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Cuts arrays into very small pieces, so that small arrays take every path of large ones: for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_small_grid(self) -> Self {
        self.with_grid(64, 512, 4, 3)
    }

    /// Cuts arrays into such leaves and blocks, in bytes, and bands of short axes, in rows: for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_grid(mut self, leaf: usize, block: usize, band: u64, short: u64) -> Self {
        self.grid = Grid { leaf, block, band, short };
        self
    }

    /// The memory that is left.
    pub(in crate::compute) fn budget(&self) -> u64 {
        let all = self.memory.unwrap_or_else(budget::default_budget);
        all.saturating_sub(self.held.load(Ordering::Relaxed))
    }

    /// Takes memory from the budget until the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`] where there is not as much left.
    pub(in crate::compute) fn hold(&self, bytes: u64) -> Result<Held<'_>> {
        let left = self.budget();
        if bytes > left {
            let message = format!("needs {bytes} bytes of memory; the budget has {left} left");
            return Err(Error::new(ErrorKind::OutOfMemory, message).with_hint("allow more memory for the job"));
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Ok(Held { held: &self.held, bytes })
    }

    pub(in crate::compute) fn report(&self, done: u64, total: u64) {
        if let Some(report) = &self.progress {
            report(Progress { done, total });
        }
    }
}

/// Memory that is in use.
#[derive(Debug)]
pub(in crate::compute) struct Held<'j> {
    held: &'j AtomicU64,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("workers", &self.workers)
            .field("memory", &self.memory)
            .field("progress", &self.progress.is_some())
            .field("cancel", &self.cancel)
            .field("scratch_dir", &self.scratch_dir)
            .finish()
    }
}
