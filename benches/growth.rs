//! Appending and checking, beside raw loops on the same disk in the same run: `cargo bench --features full --bench growth`.
//!
//! Rows of 1 KiB are added one at a time to a native array of 1 GiB, in batches that are flushed, and by `write_at` alone; then a
//! sealed array of 2 GiB is verified and summed in turn. `OUTCORE_BENCH_MIB` changes the 2048, `OUTCORE_BENCH_ROUNDS` the rounds.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use ndarray::{Array1, Ix2};
use outcore::compute::SealState;
use outcore::{ArrayFile, Commit, CreateOptions, Format, Job, MmapArrayMut, OpenOptions};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const COLUMNS: usize = 128;
const ROWS: u32 = 200_000;
/// Appended rows between two flushes.
const BATCH: u32 = 50_000;

fn main() -> Fallible<()> {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (mib, rounds) = (number("OUTCORE_BENCH_MIB", 2048), number("OUTCORE_BENCH_ROUNDS", 5));
    let dir = tempfile::tempdir_in(".")?;
    append(&dir.path().join("grows.oca"), mib / 2, rounds)?;
    verify(&dir.path().join("sealed.oca"), mib, rounds)
}

fn native() -> CreateOptions {
    CreateOptions::new().format(Format::Native)
}

fn append(path: &Path, mib: usize, rounds: usize) -> Fallible<()> {
    native().create_file::<f64, Ix2>(path, (mib << 10, COLUMNS))?.close()?;
    let row = Array1::from_elem(COLUMNS, 1.5);
    let bytes: Vec<u8> = row.iter().flat_map(|value: &f64| value.to_le_bytes()).collect();
    let options = OpenOptions::new().commit(Commit::AtFlush);
    let (mut files, mut maps, mut raws) = (Vec::new(), Vec::new(), Vec::new());
    let before = anonymous_kib();
    for _ in 0..rounds {
        let mut file = options.open_file_mut::<f64, Ix2>(path)?;
        files.push(rate(|i| {
            file.append_row(&row)?;
            if i % BATCH == 0 { Ok(file.flush()?) } else { Ok(()) }
        })?);
        let grown = file.shape()[0] as u64;
        file.close()?;
        // SAFETY: the file is this program's own.
        let mut map: MmapArrayMut<f64, Ix2> = unsafe { options.open_mut(path) }?;
        maps.push(rate(|i| {
            map.append_row(&row)?;
            if i % BATCH == 0 { Ok(map.flush()?) } else { Ok(()) }
        })?);
        assert_eq!(map[[map.nrows() - 1, 0]], 1.5);
        map.resize_rows(grown - u64::from(ROWS))?;
        map.close()?;
        let plain = std::fs::File::create(path.with_extension("raw"))?;
        raws.push(rate(|i| {
            plain.write_all_at(&bytes, u64::from(i - 1) * bytes.len() as u64)?;
            if i % BATCH == 0 { Ok(plain.sync_data()?) } else { Ok(()) }
        })?);
    }
    let grown = anonymous_kib().saturating_sub(before);
    let raw = median(raws);
    println!(
        "one-row appends to {mib} MiB, rows of 1 KiB, a flush every {BATCH}; anonymous memory grew by {grown} KiB"
    );
    for (name, rates) in [("ArrayFile::append_row", files), ("MmapArrayMut::append_row", maps)] {
        let rate = median(rates);
        println!("  {name:26} {rate:9.0} rows/s   {:.2} of write_at alone", rate / raw);
    }
    println!("  {:26} {raw:9.0} rows/s", "write_at, sync_data");
    Ok(())
}

/// Rows per second of [`ROWS`] calls with 1, 2, ...
fn rate(mut append: impl FnMut(u32) -> Fallible<()>) -> Fallible<f64> {
    let start = Instant::now();
    for i in 1..=ROWS {
        append(i)?;
    }
    Ok(f64::from(ROWS) / start.elapsed().as_secs_f64())
}

fn verify(path: &Path, mib: usize, rounds: usize) -> Fallible<()> {
    let mut file: ArrayFile<f64, Ix2> = native().create_file(path, (mib << 10, COLUMNS))?;
    Job::new().fill(&mut file, 1.5)?;
    file.seal()?;
    let (mut sums, mut checks) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let start = Instant::now();
        assert_eq!(Job::new().sum(&file)?, 1.5 * (mib << 10) as f64 * COLUMNS as f64);
        sums.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        assert_eq!(file.verify()?.state, SealState::Verified);
        checks.push(start.elapsed().as_secs_f64());
    }
    // The first round may read the disk.
    let (sum, check) = (median(sums.split_off(1)), median(checks.split_off(1)));
    println!("verify of a sealed file of {mib} MiB: {:.2} of the rate of Job::sum on the same file", sum / check);
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Anonymous memory of this process, in KiB.
fn anonymous_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
