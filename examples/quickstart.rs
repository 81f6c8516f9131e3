//! One gigabyte, from nothing to statistics: `cargo run --release --example quickstart`.
//!
//! Creates a matrix of 1 GiB in a scratch folder, fills it in parallel through the mapping, reopens it, prints statistics of its
//! columns, changes an element and shows that it is on disk, exports a part of it as `.npy`, and cleans up.

use std::time::Instant;

use ndarray::parallel::prelude::*;
use ndarray::{Axis, Ix2, s};
use outcore::{ArrayFile, MmapArray, MmapArrayMut};

const ROWS: usize = 1 << 20;
const COLUMNS: usize = 128;
const GIB: f64 = (ROWS * COLUMNS * size_of::<f64>()) as f64 / (1_u64 << 30) as f64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("prices.npy");

    let start = Instant::now();
    // SAFETY: the folder is this program's own; nobody else writes or truncates the file while it is mapped.
    let mut m = unsafe { MmapArrayMut::<f64, Ix2>::create(&path, (ROWS, COLUMNS))? };
    m.view_mut().axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(i, mut row)| {
        row.iter_mut().enumerate().for_each(|(j, x)| *x = (i % 1000) as f64 + j as f64 / 1000.0);
    });
    m.close()?;
    let seconds = start.elapsed().as_secs_f64();
    println!("created     {ROWS} x {COLUMNS} float64, {GIB:.1} GiB filled and on the disk in {seconds:.2} s");

    let start = Instant::now();
    // SAFETY: as above.
    let m = unsafe { MmapArray::<f64, Ix2>::open(&path)? };
    println!("reopened    {:?} in {:.0} us", m.header().shape(), start.elapsed().as_secs_f64() * 1e6);

    let start = Instant::now();
    let columns = m.stats_axis(Axis(0))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("statistics  of each column in {seconds:.3} s, {:.1} GiB/s", GIB / seconds);
    println!("            column     mean       std       min       max");
    for j in [0, 1, COLUMNS - 1] {
        let (mean, std) = (columns.mean[j], columns.std[j]);
        let (min, max) = (columns.min[j].unwrap_or(f64::NAN), columns.max[j].unwrap_or(f64::NAN));
        println!("            {j:>6} {mean:>8.3}  {std:>8.3}  {min:>8.3}  {max:>8.3}");
    }
    drop(m);

    // SAFETY: as above.
    let mut m = unsafe { MmapArrayMut::<f64, Ix2>::open_mut(&path)? };
    m[[3, 4]] = 7.5;
    m.flush_rows(3..4)?;
    drop(m);
    let file = ArrayFile::<f64, Ix2>::open(&path)?;
    println!("changed     element [3, 4]; the file says {}", file.get((3, 4))?);

    let part = folder.path().join("corner.npy");
    outcore::save(&part, &file.read_rows(0..1000)?.slice(s![.., ..8]))?;
    println!("exported    {} as {:?}", part.display(), outcore::peek(&part)?.shape());

    folder.close()?;
    println!("cleaned up");
    Ok(())
}
