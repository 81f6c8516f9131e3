//! Results that may be added up in any order: one for each worker at a time, not one for each unit.

use std::sync::{Mutex, PoisonError};

/// Partial results, each of which one worker at a time has.
#[derive(Debug)]
pub(in crate::compute) struct Pool<A>(Mutex<Vec<A>>);

impl<A> Default for Pool<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A> Pool<A> {
    /// Lends a partial result to `work`, a new one where all are taken.
    pub(in crate::compute) fn lend<R>(&self, new: impl FnOnce() -> A, work: impl FnOnce(&mut A) -> R) -> R {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lent = free.unwrap_or_else(new);
        let result = work(&mut lent);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lent);
        result
    }

    /// All partial results, in no particular order.
    pub(in crate::compute) fn into_all(self) -> Vec<A> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
