//! Handing a value from unit to unit, for results that depend on all that came before.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::schedule::Shift;
use crate::error::Result;

/// How long a worker waits before it looks whether the operation was stopped.
const LOOK: Duration = Duration::from_millis(1);

/// A value that the units of one operation pass on in their order.
///
/// Workers take units in ascending order, so the unit that is waited for is always in the hands of a worker.
#[derive(Debug)]
pub(in crate::compute) struct Relay<C> {
    state: Mutex<(u64, C)>,
    moved: Condvar,
}

impl<C> Relay<C> {
    /// Unit 0 gets this value.
    pub(in crate::compute) fn new(value: C) -> Self {
        Self { state: Mutex::new((0, value)), moved: Condvar::new() }
    }

    /// Waits for the turn of the unit, and lets it change the value. Every unit must come here exactly once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) where the operation was stopped.
    pub(in crate::compute) fn pass<R>(
        &self,
        unit: u64,
        shift: &Shift<'_, '_>,
        hand: impl FnOnce(&mut C) -> R,
    ) -> Result<R> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 != unit {
            shift.check()?;
            state = self.moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        let result = hand(&mut state.1);
        state.0 += 1;
        self.moved.notify_all();
        Ok(result)
    }
}
