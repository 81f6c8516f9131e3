//! Workers on rayon's threads.

use std::num::NonZero;

use crate::error::{Error, Result};

/// How many workers run at once when the caller asks for `threads`: by default as many as the pool at hand has.
pub(crate) fn width(threads: Option<NonZero<usize>>) -> usize {
    threads.map_or_else(rayon::current_num_threads, NonZero::get)
}

/// Runs `work` once on each of `workers` threads and waits; a panic in it goes on to the caller.
///
/// Callers inside a rayon pool are safe: waiting threads take part in the work.
pub(crate) fn run(threads: Option<NonZero<usize>>, workers: usize, work: &(dyn Fn() + Sync)) -> Result<()> {
    let spread = || {
        rayon::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|_| work());
            }
            work();
        });
    };
    if workers <= 1 {
        work();
    } else if threads.is_none() {
        spread();
    } else {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build();
        pool.map_err(|error| Error::io("cannot start threads", std::io::Error::other(error)))?.install(spread);
    }
    Ok(())
}
