//! Who works on which unit when: the only place that knows of workers, progress, cancellation and the memory budget.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portable_atomic::AtomicU64;

use super::job::Job;
use crate::error::{Error, ErrorKind, Result};

/// What one operation is going to do.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Load {
    /// The units, which workers take in ascending order.
    pub(in crate::compute) units: u64,
    /// Bytes to be passed over in all, for progress reports.
    pub(in crate::compute) bytes: u64,
    /// Bytes of buffers that each worker needs.
    pub(in crate::compute) scratch: u64,
    /// Bytes that the operation holds once, such as its result.
    pub(in crate::compute) held: u64,
}

/// What the workers of one operation share.
#[derive(Debug)]
pub(in crate::compute) struct Shift<'a, 'p> {
    job: &'a Job<'p>,
    total: u64,
    done: AtomicU64,
    stop: AtomicBool,
}

impl Shift<'_, '_> {
    /// To be called once per block, after it: counts, reports.
    pub(in crate::compute) fn done(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.job.report(done, self.total);
    }

    /// To be called before each block.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cancelled`] when the caller or another worker has stopped the operation.
    pub(in crate::compute) fn check(&self) -> Result<()> {
        let cancelled = self.job.cancel.as_ref().is_some_and(crate::compute::CancelToken::is_cancelled);
        if cancelled || self.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "the operation was cancelled"));
        }
        Ok(())
    }
}

/// Stops the other workers when a worker unwinds.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Results that came before their turn.
struct Turn<P, F> {
    next: u64,
    waiting: BTreeMap<u64, P>,
    deliver: F,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job<'_> {
    /// Runs `work` on the units 0, 1, .. with a `worker` state per thread, and hands its results to `deliver` in that order.
    ///
    /// # Errors
    ///
    /// The first error of `work` or `deliver`, [`ErrorKind::Cancelled`], or [`ErrorKind::OutOfMemory`] where the budget does
    /// not hold the result and the buffers of one worker.
    pub(in crate::compute) fn in_order<W, P: Send>(
        &self,
        load: Load,
        worker: impl Fn() -> W + Sync,
        work: impl Fn(&mut W, u64, &Shift<'_, '_>) -> Result<P> + Sync,
        deliver: impl FnMut(u64, P) -> Result<()> + Send,
    ) -> Result<()> {
        let counter = AtomicU64::new(0);
        let turn = Mutex::new(Turn { next: 0, waiting: BTreeMap::new(), deliver });
        self.each(load, worker, |state, shift| {
            let unit = counter.fetch_add(1, Ordering::Relaxed);
            if unit >= load.units {
                return Ok(false);
            }
            let result = work(state, unit, shift)?;
            let turn = &mut *lock(&turn);
            turn.waiting.insert(unit, result);
            while let Some(result) = turn.waiting.remove(&turn.next) {
                (turn.deliver)(turn.next, result)?;
                turn.next += 1;
            }
            Ok(true)
        })
    }

    /// Runs `work` with a `worker` state per thread, again and again until it answers that nothing is left.
    ///
    /// # Errors
    ///
    /// As [`Self::in_order`].
    pub(in crate::compute) fn each<W>(
        &self,
        load: Load,
        worker: impl Fn() -> W + Sync,
        work: impl Fn(&mut W, &Shift<'_, '_>) -> Result<bool> + Sync,
    ) -> Result<()> {
        let workers = self.crew(load)?;
        let shift = Shift { job: self, total: load.bytes, done: AtomicU64::new(0), stop: AtomicBool::new(false) };
        let failure = Mutex::new(None);
        self.workers.run(workers, &|| {
            let _guard = StopOnPanic(&shift.stop);
            let mut state = worker();
            let work = |state: &mut W| shift.check().and_then(|()| work(state, &shift));
            loop {
                match work(&mut state) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        shift.stop.store(true, Ordering::Relaxed);
                        lock(&failure).get_or_insert(error);
                        break;
                    }
                }
            }
        })?;
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// The number of workers that there is work and memory for.
    fn crew(&self, load: Load) -> Result<usize> {
        let budget = self.budget();
        let needed = load.held.saturating_add(load.scratch);
        if needed > budget {
            let message = format!("needs {needed} bytes of memory; the budget is {budget}");
            return Err(Error::new(ErrorKind::OutOfMemory, message).with_hint("allow more memory for the job"));
        }
        let fitting = (budget - load.held).checked_div(load.scratch).unwrap_or(u64::MAX).min(load.units).max(1);
        Ok(usize::try_from(fitting).unwrap_or(usize::MAX).min(self.workers.width()))
    }
}
