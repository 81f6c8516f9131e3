//! Workers on rayon's threads.

use std::num::NonZero;
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// The threads of a job: those of the pool at hand, or a pool of its own, started when it is first needed.
#[derive(Debug, Default)]
pub(in crate::compute) struct Workers {
    threads: Option<NonZero<usize>>,
    pool: OnceLock<ThreadPool>,
}

impl Workers {
    /// This many threads; 0 means as many as the pool at hand has.
    pub(in crate::compute) fn new(threads: usize) -> Self {
        Self { threads: NonZero::new(threads), pool: OnceLock::new() }
    }

    /// How many workers run at once.
    pub(in crate::compute) fn width(&self) -> usize {
        self.threads.map_or_else(rayon::current_num_threads, NonZero::get)
    }

    /// Runs `work` once on each of `workers` threads and waits; a panic in it goes on to the caller.
    ///
    /// Callers inside a rayon pool are safe: waiting threads take part in the work.
    pub(in crate::compute) fn run(&self, workers: usize, work: &(dyn Fn() + Sync)) -> Result<()> {
        let spread = || {
            rayon::scope(|scope| {
                for _ in 1..workers {
                    scope.spawn(|_| work());
                }
                work();
            });
        };
        match self.threads {
            _ if workers <= 1 => work(),
            None => spread(),
            Some(threads) => self.pool(threads)?.install(spread),
        }
        Ok(())
    }

    fn pool(&self, threads: NonZero<usize>) -> Result<&ThreadPool> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let pool = ThreadPoolBuilder::new().num_threads(threads.get()).build();
        let pool = pool.map_err(|error| Error::io("cannot start threads", std::io::Error::other(error)))?;
        Ok(self.pool.get_or_init(|| pool))
    }
}
