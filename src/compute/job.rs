//! How an operation runs: threads, memory, progress, cancellation.

use std::fmt;
use std::num::NonZero;

use super::budget;
use super::cancel::CancelToken;
use super::grid::Grid;

/// How far an operation has come, in bytes of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes whose elements are done.
    pub done: u64,
    /// Bytes in all.
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
    pub(super) threads: Option<NonZero<usize>>,
    memory: Option<u64>,
    progress: Option<Report<'p>>,
    pub(super) cancel: Option<CancelToken>,
    pub(super) grid: Grid,
}

impl<'p> Job<'p> {
    /// All threads of the current rayon pool, a quarter of the available memory, no reports.
    pub fn new() -> Self {
        Self::default()
    }

    /// Works on this many threads; 0 means all threads of the current rayon pool.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = NonZero::new(threads);
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

    /// Calls `report` about once per block (about a half mebibyte), from any of the threads.
    #[must_use]
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'p) -> Self {
        self.progress = Some(Box::new(report));
        self
    }

    /// Ends with [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) soon after the token is cancelled.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    pub(super) fn budget(&self) -> u64 {
        self.memory.unwrap_or_else(budget::default_budget)
    }

    pub(super) fn report(&self, done: u64, total: u64) {
        if let Some(report) = &self.progress {
            report(Progress { done, total });
        }
    }
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("threads", &self.threads)
            .field("memory", &self.memory)
            .field("progress", &self.progress.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}
