//! A file larger than the memory that the job may use: `cargo run --release --example out_of_core`.
//!
//! Writes 256 MiB, computes statistics of it with a budget of 64 MiB, and prints how much memory of its own the process took.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ndarray::{Array2, Axis, Ix2};
use outcore::{ArrayFile, Job};

const ROWS: usize = 1 << 15;
const COLUMNS: usize = 1 << 10;
const BUDGET: usize = 64 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut file = ArrayFile::<f64, Ix2>::create(folder.path().join("big.npy"), (ROWS, COLUMNS))?;
    for start in (0..ROWS).step_by(1024) {
        file.write_rows(start, &Array2::from_shape_fn((1024, COLUMNS), |(i, j)| ((start + i) ^ j) as f64))?;
    }
    file.flush()?;
    let bytes = file.header().nbytes();
    println!("file    {} MiB, four times the budget of {} MiB", bytes >> 20, BUDGET >> 20);

    // Asked for at every block, so that no peak goes unseen.
    let peak = AtomicUsize::new(0);
    let job = Job::new().memory(BUDGET as u64).progress(|_| {
        peak.fetch_max(own_memory().unwrap_or_default(), Ordering::Relaxed);
    });
    let start = Instant::now();
    let all = job.stats(&file)?;
    let rows = job.stats_axis(&file, Axis(1))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("stats   mean {:.3}, std {:.3}; row 0 has mean {:.3}", all.mean, all.std, rows.mean[0]);
    println!("rate    {:.1} GiB/s over two passes", 2.0 * bytes as f64 / seconds / (1_u64 << 30) as f64);
    match peak.load(Ordering::Relaxed) {
        0 => println!("memory  this system does not tell"),
        kib => println!("memory  {} MiB of its own (RssAnon) at the peak", kib >> 10),
    }
    Ok(())
}

/// Anonymous memory of this process in KiB, without the page cache, as Linux tells it.
fn own_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
