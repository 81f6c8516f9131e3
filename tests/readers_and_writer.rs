//! Readers beside a writer that appends: every row that a reader is told of is there, and right, and no length ever shrinks.
//!
//! A writer and three readers are processes of their own, with the locks that everybody has who asks for nothing else. Each row says
//! which it is, and every element of it follows from that.

#[path = "support/children.rs"]
mod children;

use std::path::Path;
use std::time::{Duration, Instant};

use ndarray::{Array1, Array2, ArrayView2, Ix2};
use outcore::{ArrayFile, Commit, CreateOptions, Format, MmapArray, Result};

use children::Talk;

const TEST: &str = "readers_see_rows_that_are_there_and_never_fewer";
const WIDTH: usize = 8;

/// So many rows, announced in groups of so many.
const NATIVE: &[(usize, usize)] = &[(300, 1), (20_000, 37), (79_700, 1000)];
const NPY: &[(usize, usize)] = &[(150, 1), (5000, 50), (4850, 700)];

fn row(number: usize) -> Array1<u64> {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut row = Array1::from_shape_fn(WIDTH, |column| mixed.wrapping_mul(2 * column as u64 + 1));
    row[0] = number as u64;
    row
}

fn check(rows: &ArrayView2<'_, u64>, first: usize) {
    for (index, found) in rows.rows().into_iter().enumerate() {
        assert_eq!(found, row(first + index), "row {}", first + index);
    }
}

fn phases(path: &Path) -> &'static [(usize, usize)] {
    if path.extension().unwrap() == "oca" { NATIVE } else { NPY }
}

fn total(path: &Path) -> usize {
    phases(path).iter().map(|phase| phase.0).sum()
}

fn write(path: &Path) -> Result<()> {
    let mut file = ArrayFile::<u64, Ix2>::open_append(path)?;
    let mut next = 0;
    for &(rows, together) in phases(path) {
        file.set_commit(if together == 1 { Commit::Always } else { Commit::AtFlush });
        for count in 1..=rows {
            file.append_row(&row(next))?;
            next += 1;
            if together > 1 && count % together == 0 {
                file.flush()?;
            }
        }
        file.flush()?;
    }
    file.close()
}

/// Reads what is new until all is there; `see` gives the number of rows by now, having checked those from the given one on.
fn follow(path: &Path, mut see: impl FnMut(usize) -> Result<usize>) -> Result<()> {
    let (mut seen, mut looks, begin) = (0, 0, Instant::now());
    children::say("ready");
    while seen < total(path) {
        let now = see(seen)?;
        assert!(now >= seen, "{now} rows after {seen}");
        looks += usize::from(now > seen);
        if now == seen {
            assert!(begin.elapsed() < Duration::from_secs(300), "only {seen} rows came");
            std::thread::yield_now();
        }
        seen = now;
    }
    assert_eq!(seen, total(path));
    children::say(&format!("seen {looks}"));
    Ok(())
}

fn read_by_position(path: &Path) -> Result<()> {
    let mut file = ArrayFile::<u64, Ix2>::open(path)?;
    follow(path, |seen| {
        let changed = file.refresh()?;
        let rows = file.shape()[0];
        assert_eq!(changed, rows != seen);
        check(&file.read_rows(seen..rows)?.view(), seen);
        Ok(rows)
    })
}

fn read_mapped(path: &Path) -> Result<()> {
    // SAFETY: the rows that are there are not written again, and nobody truncates the file.
    let mut m = unsafe { MmapArray::<u64, Ix2>::open(path)? };
    follow(path, |seen| {
        m.refresh()?;
        check(&m.slice(ndarray::s![seen.., ..]), seen);
        // Those of before are the same, in this mapping too.
        let old = seen / 2;
        check(&m.slice(ndarray::s![old..seen.min(old + 3), ..]), old);
        Ok(m.nrows())
    })
}

fn read_anew(path: &Path) -> Result<()> {
    follow(path, |seen| {
        let file = ArrayFile::<u64, Ix2>::open(path)?;
        let rows = file.shape()[0];
        check(&file.read_rows(seen.min(rows)..rows)?.view(), seen);
        Ok(rows)
    })
}

#[test]
fn readers_see_rows_that_are_there_and_never_fewer() {
    if let Some(task) = children::task() {
        let [role, path] = &task[..] else { panic!("{task:?}") };
        let path = Path::new(path);
        let done = match role.as_str() {
            "write" => write(path),
            "position" => read_by_position(path),
            "mapped" => read_mapped(path),
            "anew" => read_anew(path),
            _ => unreachable!("{role}"),
        };
        done.unwrap_or_else(|error| panic!("{role}: {error}"));
        std::process::exit(0);
    }
    if cfg!(windows) && std::env::var_os("OUTCORE_EMULATED").is_some() {
        println!(
            "skipped: wine keeps files open that were closed while others hold locks on them, until it can open no more"
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, format) in [("log.oca", Format::Native), ("log.npy", Format::Npy)] {
        let path = dir.path().join(name);
        CreateOptions::new().format(format).save(&path, &Array2::<u64>::zeros((0, WIDTH))).unwrap();
        let words = |role| [role, path.to_str().unwrap()];
        let mut readers = ["position", "mapped", "anew"].map(|role| Talk::start(TEST, &words(role)));
        for reader in &mut readers {
            assert_eq!(reader.next().as_deref(), Some("ready"), "{name}");
        }
        let writer = Talk::start(TEST, &words("write"));
        for mut reader in readers {
            let said = reader.next().unwrap_or_else(|| panic!("{name}: a reader failed"));
            let looks: usize = said.strip_prefix("seen ").unwrap().parse().unwrap();
            assert!(looks > 3, "{name}: a reader that looks {looks} times proves little");
            reader.end();
        }
        writer.end();
    }
}
