//! Every operation on a file of four times the budget: what it holds at its peak, how often it reads the file, and that the
//! result is that of an array in memory.
//!
//! What is counted is every allocation of the process, and every byte of a positional read of the input; scratch files and
//! results are not read through the counted disk.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ndarray::{Array2, Axis, Ix2};
use outcore::compute::{Bins, Casting, Method, Top, map};
use outcore::{ArrayFile, Job, OpenOptions, Order};

#[path = "support/counting_alloc.rs"]
mod counting_alloc;
#[path = "support/counting_disk.rs"]
mod counting_disk;
#[cfg(feature = "linalg")]
#[path = "support/emulated.rs"]
mod emulated;

use counting_alloc::{Counting, peak_of_all};
use counting_disk::CountingDisk;

const ROWS: usize = 4096;
const COLUMNS: usize = 512;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What an operation works on.
struct Bench<'a> {
    job: Job<'a>,
    a: ArrayFile<f64, Ix2>,
    folder: &'a Path,
}

impl Bench<'_> {
    /// A path for a result, which nothing has.
    fn target(&self) -> std::path::PathBuf {
        let path = self.folder.join("result.npy");
        let _ = std::fs::remove_file(&path);
        path
    }
}

/// Numbers that are all different, in no order.
fn numbers(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        let at = (row * columns + column) as u64;
        (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64 - 0.25
    })
}

/// What was more than it should be, of all operations.
static FAILURES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs an operation within the budget on the file, and sees that it held no more and read the file at most so many times.
fn expect<R>(name: &str, passes: f64, run: impl FnOnce(&Bench<'_>) -> R) {
    expect_of(ROWS, COLUMNS, name, passes, run);
}

/// The same, of a matrix of another shape.
fn expect_of<R>(rows: usize, columns: usize, name: &str, passes: f64, run: impl FnOnce(&Bench<'_>) -> R) {
    let bytes = (rows * columns * 8) as u64;
    let budget = bytes / 4;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    outcore::save(&path, &numbers(rows, columns)).unwrap();
    let disk = CountingDisk::default();
    let counts = Arc::clone(&disk.0);
    let a = OpenOptions::new().backend(Arc::new(disk)).open_file(&path).unwrap();
    let job = Job::new().threads(2).memory(budget).scratch_dir(folder.path());
    // The threads and what they keep.
    job.sum(&ndarray::Array1::<f64>::zeros(1 << 18)).unwrap();
    counts.take();
    let bench = Bench { job, a, folder: folder.path() };
    let (_, peak) = peak_of_all(|| run(&bench));
    let read = counts.take().0 as f64 / bytes as f64;
    println!("{name:24} read {read:5.2} x   held {:5.2} of the budget", peak as f64 / budget as f64);
    let mut failures = FAILURES.lock().unwrap();
    if read > passes * 1.02 {
        failures.push(format!("{name}: the file was read {read:.3} times"));
    }
    if peak as u64 > budget {
        failures.push(format!("{name}: {peak} bytes held, with a budget of {budget}"));
    }
}

/// One test, since the counts are those of the process.
#[test]
fn d12_every_operation_keeps_within_the_budget_and_reads_the_file_as_often_as_it_says() {
    statistics();
    order();
    elementwise();
    layout();
    #[cfg(feature = "linalg")]
    linear_algebra();
    let failures = FAILURES.lock().unwrap();
    assert!(failures.is_empty(), "{failures:#?}");
}

fn statistics() {
    expect("sum", 1.0, |b| b.job.sum(&b.a).unwrap());
    expect("stats", 1.0, |b| b.job.stats(&b.a).unwrap());
    expect("var_axis 0", 1.0, |b| b.job.var_axis(&b.a, Axis(0), 0.0).unwrap());
    expect("var_axis 1", 1.0, |b| b.job.var_axis(&b.a, Axis(1), 0.0).unwrap());
    expect("kurtosis", 1.0, |b| b.job.kurtosis(&b.a, true, true).unwrap());
    expect("skew_axis 1", 1.0, |b| b.job.skew_axis(&b.a, Axis(1), true).unwrap());
    expect("prod", 1.0, |b| b.job.prod(&b.a).unwrap());
    expect("count_nonzero", 1.0, |b| b.job.count_nonzero(&b.a).unwrap());
    expect("norm", 1.0, |b| b.job.norm(&b.a, 2.0).unwrap());
    expect("ptp_axis 0", 1.0, |b| b.job.ptp_axis(&b.a, Axis(0)).unwrap());
    // Two arrays, and the sum of the weights first.
    expect("average", 3.0, |b| b.job.average(&b.a, &b.a).unwrap());
    expect("cumsum", 2.0, |b| b.job.cumsum(&b.a).save(b.target()).unwrap());
    expect("cumsum_axis 0", 2.0, |b| b.job.cumsum_axis(&b.a, Axis(0)).save(b.target()).unwrap());
    // Windows reach beyond the rows of a unit, which are read again.
    expect("rolling mean 0", 1.2, |b| b.job.rolling(&b.a, Axis(0), 20).mean().save(b.target()).unwrap());
    expect("rolling max 1", 1.0, |b| b.job.rolling(&b.a, Axis(1), 20).max().save(b.target()).unwrap());
    expect("cumsum_axis 1", 1.0, |b| b.job.cumsum_axis(&b.a, Axis(1)).save(b.target()).unwrap());
}

fn order() {
    let q = [0.05, 0.5, 0.95];
    // Besides one pass a sample, in blocks that are spread over the file.
    expect("median", 1.2, |b| b.job.median(&b.a).unwrap());
    expect("quantile", 1.2, |b| b.job.quantile(&b.a, &q, Method::Linear).unwrap());
    // Rows are short, and read whole for each group of columns whose lines fit the memory.
    expect("median_axis 0", 28.0, |b| b.job.median_axis(&b.a, Axis(0)).save(b.target()).unwrap());
    expect("median_axis 1", 1.0, |b| b.job.median_axis(&b.a, Axis(1)).save(b.target()).unwrap());
    expect("histogram", 2.0, |b| b.job.histogram(&b.a, Bins::Count(100), None).unwrap());
    expect("top_k", 1.0, |b| b.job.top_k(&b.a, 100, Top::Largest).unwrap());
    expect("sort", 1.0, |b| b.job.sort(&b.a).save(b.target()).unwrap());
    expect("sort_axis 0", 1.0, |b| b.job.sort_axis(&b.a, Axis(0)).save(b.target()).unwrap());
    expect("sort_axis 1", 1.0, |b| b.job.sort_axis(&b.a, Axis(1)).save(b.target()).unwrap());
    expect("argsort", 1.0, |b| b.job.argsort(&b.a).save(b.target()).unwrap());
}

fn elementwise() {
    expect("map", 1.0, |b| b.job.map(&b.a, f64::sqrt).save(b.target()).unwrap());
    expect("zip", 2.0, |b| b.job.zip(&b.a, &b.a, |x, y| x * y).unwrap().save(b.target()).unwrap());
    expect("cast", 1.0, |b| b.job.cast::<f32, _>(&b.a, Casting::Saturating).save(b.target()).unwrap());
    expect("filter", 2.0, |b| b.job.filter(&b.a, |x| x > 0.5).unwrap().save(b.target()).unwrap());
    expect("flatnonzero", 2.0, |b| b.job.flatnonzero(&b.a, |x| x > 0.5).unwrap().save(b.target()).unwrap());
    expect("fused", 1.0, |b| b.job.sum(&map(&b.a, |x| x * x)).unwrap());
    expect("other order", 1.0, |b| b.job.copy(&b.a).order(Order::F).save(b.target()).unwrap());
}

fn layout() {
    expect("transpose", 1.0, |b| b.job.transpose(&b.a).save(b.target()).unwrap());
    expect("flip 1", 1.0, |b| b.job.flip(&b.a, Axis(1)).unwrap().save(b.target()).unwrap());
    expect("roll", 1.0, |b| b.job.roll(&b.a, 12_345).save(b.target()).unwrap());
    let every_second = "[::2, ::-1]".parse().unwrap();
    // Every row that is left out lies between two that are read, and the gap is read with them.
    expect("slice", 1.0, |b| b.job.slice(&b.a, &every_second).unwrap().save(b.target()).unwrap());
    let rows: Vec<i64> = (0..4096).map(|at| at * 2731 % 4096).collect();
    // Each of the batches that the result is made in reads some rows with their neighbours.
    expect("take", 1.0, |b| b.job.take(&b.a, &rows, Axis(0)).unwrap().save(b.target()).unwrap());
}

#[cfg(feature = "linalg")]
fn linear_algebra() {
    use ndarray::Array1;
    use outcore::compute::{Columns, SvdOptions};
    if emulated::processor() {
        println!("skipped: the linear algebra of a file of four times the budget takes an emulated processor too long");
        return;
    }
    // Tall: the square of the columns is small beside the memory; and larger, since the kernels pack their operands.
    let (rows, columns) = (131_072, 64);
    expect_of(rows, columns, "gram", 1.0, |b| b.job.gram(&b.a, Columns::AsIs).unwrap().to_array().unwrap());
    expect_of(rows, columns, "cov", 1.0, |b| b.job.cov(&b.a, 1.0).unwrap().to_array().unwrap());
    expect_of(rows, columns, "matvec", 1.0, |b| {
        b.job.matvec(&b.a, &Array1::<f64>::ones(columns)).unwrap().save(b.target()).unwrap();
    });
    expect_of(rows, columns, "qr", 2.0, |b| b.job.qr(&b.a).unwrap().save(b.target()).unwrap());
    expect_of(rows, columns, "lstsq", 1.0, |b| {
        b.job.lstsq(&b.a, &Array1::<f64>::ones(rows), None).unwrap().coefficients
    });
    expect_of(rows, columns, "pca", 8.0, |b| b.job.pca(&b.a, 3, &SvdOptions::new()).unwrap());
}
