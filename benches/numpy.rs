//! outcore beside NumPy and a raw loop, on the same file, in the same run: `cargo bench --features full --bench numpy`.
//!
//! Writes a matrix of 2 GiB, and in each round measures every contestant once, in turn, so that a machine that drifts drifts for all
//! of them. Results are compared before they are printed. Needs a Python with NumPy: `OUTCORE_PYTHON` names it, `python3` is the
//! default. `OUTCORE_BENCH_MIB` and `OUTCORE_BENCH_ROUNDS` change size and rounds.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use ndarray::{Axis, Ix2};
use outcore::{ArrayFile, Job, MmapArray, MmapArrayMut};
use rayon::prelude::*;

const COLUMNS: usize = 1024;

/// What is measured, and a way to measure it in seconds.
type Contestant<'a> = (&'static str, Box<dyn FnMut() -> Fallible<f64> + 'a>);

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// A Python process that evaluates expressions of the mapped array `a` and answers with seconds and value.
struct Numpy {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Numpy {
    fn start(path: &Path) -> Fallible<Self> {
        let python = std::env::var("OUTCORE_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = format!(
            "import sys, time, numpy as np\n\
             a = np.load({path:?}, mmap_mode='r')\n\
             print(np.__version__, flush=True)\n\
             for line in sys.stdin:\n    \
                 t = time.perf_counter(); v = eval(line); s = time.perf_counter() - t\n    \
                 print(s, float(np.sum(v)).hex(), flush=True)\n"
        );
        let mut child =
            Command::new(python).args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no pipe")?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut version = String::new();
        output.read_line(&mut version)?;
        if version.is_empty() {
            return Err("this Python has no NumPy; name one that has in OUTCORE_PYTHON".into());
        }
        println!("NumPy {}", version.trim());
        Ok(Self { child, input, output })
    }

    fn eval(&mut self, expression: &str) -> Fallible<f64> {
        writeln!(self.input, "{expression}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.split_whitespace().next().ok_or("NumPy did not answer")?.parse()?)
    }
}

impl Drop for Numpy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sum of a slice with as many independent accumulators as hide the latency of an addition, on all threads.
fn raw_loop(items: &[f64]) -> f64 {
    items
        .par_chunks(1 << 17)
        .map(|block| {
            let (chunks, _) = block.as_chunks::<32>();
            let mut lanes = [0.0; 32];
            for chunk in chunks {
                lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x);
            }
            lanes.iter().sum::<f64>()
        })
        .sum()
}

fn main() -> Fallible<()> {
    let setting =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let rows = (setting("OUTCORE_BENCH_MIB", 2048) << 20) / (COLUMNS * size_of::<f64>());
    let rounds = setting("OUTCORE_BENCH_ROUNDS", 7);
    // `cargo test --benches` and `cargo bench -- --list` only want to see it start.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return Ok(());
    }

    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = folder.path().join("a.npy");
    let mut file = ArrayFile::<f64, Ix2>::create(&path, (rows, COLUMNS))?;
    // Small multiples of 1/8, so that every order of summation gives the same bits.
    for start in (0..rows).step_by(1024) {
        let band = ndarray::Array2::from_shape_fn((1024.min(rows - start), COLUMNS), |(i, j)| {
            (((start + i) * 7 + j * 13) % 1009) as f64 / 8.0
        });
        file.write_rows(start, &band)?;
    }
    file.close()?;

    // SAFETY: the folder is this program's own; nobody writes or truncates the file while it is mapped.
    let mapped = unsafe { MmapArray::<f64, Ix2>::open(&path)? };
    let file = ArrayFile::<f64, Ix2>::open(&path)?;
    let mut memory = MmapArrayMut::<f64, Ix2>::anonymous((rows, COLUMNS))?;
    memory.view_mut().assign(&mapped);
    let raw = memory.as_slice().ok_or("not contiguous")?;
    let mut numpy = Numpy::start(&path)?;
    let job = Job::new();

    let expected = raw_loop(raw);
    assert_eq!(job.sum(&mapped)?.to_bits(), expected.to_bits(), "the sums differ");
    assert_eq!(job.stats(&file)?.sum.to_bits(), expected.to_bits(), "the sums differ");

    println!("{} MiB of float64, {rows} x {COLUMNS}, warm; {rounds} rounds; GB/s\n", (rows * COLUMNS * 8) >> 20);
    println!("{:<34}{:>8}{:>8}{:>8}", "", "least", "median", "most");
    let bytes = (rows * COLUMNS * size_of::<f64>()) as f64;
    let mut contest: Vec<Contestant<'_>> = vec![
        ("raw loop over anonymous memory", Box::new(|| timed(|| Ok(raw_loop(raw))))),
        ("sum, mapped", Box::new(|| timed(|| Ok(job.sum(&mapped)?)))),
        ("sum, positional", Box::new(|| timed(|| Ok(job.sum(&file)?)))),
        ("stats, mapped", Box::new(|| timed(|| Ok(job.stats(&mapped)?.sum)))),
        ("stats, positional", Box::new(|| timed(|| Ok(job.stats(&file)?.sum)))),
        ("mean by axis 0, mapped", Box::new(|| timed(|| Ok(job.mean_axis(&mapped, Axis(0))?[0])))),
        ("mean by axis 1, mapped", Box::new(|| timed(|| Ok(job.mean_axis(&mapped, Axis(1))?[0])))),
        ("var by axis 0, mapped", Box::new(|| timed(|| Ok(job.var_axis(&mapped, Axis(0), 0.0)?[0])))),
        ("min, mapped", Box::new(|| timed(|| Ok(job.min(&mapped)?)))),
    ];
    let expressions = ["a.sum()", "a.mean(axis=0)", "a.mean(axis=1)", "a.var(axis=0)", "a.min()", "a.std()"];
    let mut ours = vec![Vec::new(); contest.len()];
    let mut theirs = vec![Vec::new(); expressions.len()];
    for _ in 0..rounds {
        for (seconds, (_, run)) in ours.iter_mut().zip(&mut contest) {
            seconds.push(run()?);
        }
        for (seconds, expression) in theirs.iter_mut().zip(expressions) {
            seconds.push(numpy.eval(expression)?);
        }
    }
    let rate = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        let gb = |seconds: f64| bytes / seconds / 1e9;
        (gb(seconds[seconds.len() - 1]), gb(seconds[seconds.len() / 2]), gb(seconds[0]))
    };
    let mut medians = Vec::new();
    for ((name, _), seconds) in contest.iter().zip(&mut ours) {
        let (least, median, most) = rate(seconds);
        println!("{name:<34}{least:>8.1}{median:>8.1}{most:>8.1}");
        medians.push((*name, median));
    }
    let mut numpy_medians = Vec::new();
    for (expression, seconds) in expressions.iter().zip(&mut theirs) {
        let (least, median, most) = rate(seconds);
        println!("{:<34}{least:>8.1}{median:>8.1}{most:>8.1}", format!("NumPy {expression}"));
        numpy_medians.push(median);
    }
    println!("\nratios of medians");
    for (name, rival) in [
        ("sum, mapped", 0),
        ("sum, positional", 0),
        ("stats, mapped", 0),
        ("stats, positional", 0),
        ("mean by axis 0, mapped", 1),
        ("mean by axis 1, mapped", 2),
        ("var by axis 0, mapped", 3),
        ("min, mapped", 4),
    ] {
        let median = medians.iter().find(|(found, _)| *found == name).map_or(0.0, |(_, median)| *median);
        let (raw, numpy) = (medians[0].1, numpy_medians[rival]);
        println!("{name:<26}{:>6.2} x raw loop{:>8.2} x NumPy {}", median / raw, median / numpy, expressions[rival]);
    }
    Ok(())
}

fn timed(run: impl FnOnce() -> Fallible<f64>) -> Fallible<f64> {
    let start = Instant::now();
    std::hint::black_box(run()?);
    Ok(start.elapsed().as_secs_f64())
}
