//! Locks where the system has none of byte ranges that belong to an open file.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::backend::Lock;
use super::ranges::Ranges;

/// Locks of whole files: shared while the handle holds shared locks only, exclusive as soon as one is exclusive.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<Ranges>);

impl Locks {
    pub(super) fn try_lock(&self, file: &File, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        self.change(file, &range, Some(lock))
    }

    pub(super) fn unlock(&self, file: &File, range: Range<u64>) -> io::Result<()> {
        // Less never has to wait for others, but what cannot be weakened in one step can be lost.
        if self.change(file, &range, None)? { Ok(()) } else { Err(io::ErrorKind::Deadlock.into()) }
    }

    fn change(&self, file: &File, range: &Range<u64>, lock: Option<Lock>) -> io::Result<bool> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = held.clone();
        wanted.set(range, lock);
        let (before, after) = (strongest(&held), strongest(&wanted));
        if before == after || lock_file(file, after)? {
            *held = wanted;
            return Ok(true);
        }
        // Some systems give the old lock up before they try the new one.
        if before.is_some() && !lock_file(file, before)? {
            *held = Ranges::default();
            return Err(io::ErrorKind::Deadlock.into());
        }
        Ok(false)
    }
}

fn strongest(held: &Ranges) -> Option<Lock> {
    held.iter().map(|(_, lock)| *lock).max_by_key(|lock| *lock == Lock::Exclusive)
}

fn lock_file(file: &File, lock: Option<Lock>) -> io::Result<bool> {
    let tried = match lock {
        Some(Lock::Shared) => file.try_lock_shared(),
        Some(Lock::Exclusive) => file.try_lock(),
        None => file.unlock().map_err(TryLockError::Error),
    };
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
