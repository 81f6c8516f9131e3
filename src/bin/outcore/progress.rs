//! A line on the terminal for work that takes longer than a second.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::quantity::human_bytes;
use crate::settings::Settings;

const FIRST: Duration = Duration::from_secs(1);
const NEXT: Duration = Duration::from_millis(200);

/// Shows how many of a known number of bytes are done; the line goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    on: bool,
    total: u64,
    done: u64,
    start: Instant,
    next: Instant,
    /// Characters of the line that is shown.
    shown: usize,
}

impl Meter {
    pub(crate) fn new(settings: &Settings, total: u64) -> Self {
        let start = Instant::now();
        Self { on: settings.progress, total, done: 0, start, next: start + FIRST, shown: 0 }
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.set(self.done.saturating_add(bytes));
    }

    /// Writes over the line that is shown, with spaces, which every console understands.
    fn show(&self, line: &str) {
        // Progress is a courtesy: where it cannot be shown, the work goes on.
        let _ = write!(io::stderr(), "\r{line:0$}", self.shown);
    }

    pub(crate) fn set(&mut self, done: u64) {
        self.done = done;
        let now = Instant::now();
        if !self.on || now < self.next {
            return;
        }
        self.next = now + NEXT;
        let line = line(done, self.total, now - self.start);
        self.show(&line);
        self.shown = line.len();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.shown > 0 {
            self.show("");
            let _ = write!(io::stderr(), "\r");
        }
    }
}

fn line(done: u64, total: u64, elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = u64::try_from(u128::from(done) * 1000 / u128::from(millis)).unwrap_or(u64::MAX);
    let percent = u128::from(done) * 100 / u128::from(total.max(1));
    let left = total.saturating_sub(done) / per_second.max(1);
    format!(
        "{percent:3} %  {} of {}  {}/s  {}:{:02} left",
        human_bytes(done),
        human_bytes(total),
        human_bytes(per_second),
        left / 60,
        left % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        assert_eq!(
            line(1 << 30, 4 << 30, Duration::from_secs(2)),
            " 25 %  1.00 GiB of 4.00 GiB  512.00 MiB/s  0:06 left"
        );
        assert_eq!(line(0, 0, Duration::ZERO), "  0 %  0 B of 0 B  0 B/s  0:00 left");
    }
}
