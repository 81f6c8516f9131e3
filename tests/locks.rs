//! Locks between processes, by default: who may be there beside whom, what the refused are told, and what the dead leave.

#[path = "support/children.rs"]
mod children;

use std::path::Path;

use ndarray::{Array2, Ix2};
use outcore::compute::SealState;
use outcore::{ArrayFile, CreateOptions, Error, ErrorKind, Format, LockPolicy, MmapArrayMut, OpenOptions};
use outcore::{Order, Result};

use children::Talk;

const FORMATS: [(&str, Format); 2] = [("a.npy", Format::Npy), ("a.oca", Format::Native)];

fn make(path: &Path, format: Format) {
    CreateOptions::new().format(format).save(path, &Array2::<u64>::zeros((64, 16))).unwrap();
}

/// A handle of some kind, whose only use is that it is there.
type Held = Box<dyn std::fmt::Debug>;

fn hold(kind: &str, path: &Path) -> Result<Held> {
    fn held(handle: impl std::fmt::Debug + 'static) -> Result<Held> {
        Ok(Box::new(handle))
    }
    let options = if kind.contains("..") { OpenOptions::new().rows(rows(kind)) } else { OpenOptions::new() };
    match kind {
        "reader" => held(options.open_file::<u64, Ix2>(path)?),
        "appender" => held(options.open_append::<u64, Ix2>(path)?),
        "writer" => held(options.open_file_mut::<u64, Ix2>(path)?),
        "writer without locks" => held(options.lock(LockPolicy::None).open_file_mut::<u64, Ix2>(path)?),
        _ if kind.contains("reader") => {
            // SAFETY: all who use the file are children of this test, and write nothing.
            held(unsafe { options.open::<u64, Ix2>(path) }?)
        }
        _ => {
            // SAFETY: as above.
            held(unsafe { options.open_mut::<u64, Ix2>(path) }?)
        }
    }
}

/// A child that opens a file, says how that went, and holds it until it is told to go.
fn holder(test: &str, kind: &str, path: &Path) -> Talk {
    let mut child = Talk::start(test, &["hold", kind, path.to_str().unwrap()]);
    assert_eq!(child.next().as_deref(), Some("held"), "{kind}");
    child
}

/// The task of a holder, if this is one.
fn be_a_holder() -> bool {
    let Some(task) = children::task() else { return false };
    if let ["hold", kind, path] = task.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        let held = hold(kind, Path::new(path)).unwrap();
        children::say("held");
        children::hear();
        drop(held);
        std::process::exit(0);
    }
    true
}

fn assert_locked(error: &Error, path: &Path, asked: &str) {
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Locked, "{text}");
    assert!(text.contains(path.to_str().unwrap()) && text.contains(asked), "{text} does not name {asked}");
}

const ALL: [&str; 10] = [
    "reader",
    "mapped reader",
    "reader of rows 0..8",
    "reader of rows 8..16",
    "appender",
    "writer of rows 0..8",
    "writer of rows 7..12",
    "writer of rows 8..64",
    "writer",
    "mapped writer",
];

/// Which rows a kind of handle reads or writes, of 64.
fn rows(kind: &str) -> std::ops::Range<u64> {
    match kind.rsplit_once(' ').unwrap().1.split_once("..") {
        Some((begin, end)) => begin.parse().unwrap()..end.parse().unwrap(),
        None => 0..64,
    }
}

/// What the documentation of [`OpenOptions::lock`] says.
fn get_along(a: &str, b: &str) -> bool {
    let whole_writer = |kind: &str| kind.ends_with("writer");
    let writes_rows = |kind: &str| kind.starts_with("writer of rows");
    let meet = |a: &str, b: &str| {
        let (a, b) = (if a.contains("..") { rows(a) } else { 0..64 }, if b.contains("..") { rows(b) } else { 0..64 });
        a.start < b.end && b.start < a.end
    };
    if whole_writer(a) || whole_writer(b) {
        false
    } else if a == "appender" || b == "appender" {
        a != b
    } else {
        !((writes_rows(a) || writes_rows(b)) && meet(a, b))
    }
}

#[test]
fn handles_exclude_each_other_across_processes_as_documented() {
    const TEST: &str = "handles_exclude_each_other_across_processes_as_documented";
    if be_a_holder() {
        return;
    }
    let (_alone, dir) = (children::alone(), tempfile::tempdir().unwrap());
    for (name, format) in FORMATS {
        let path = dir.path().join(name);
        make(&path, format);
        for first in ALL {
            let mut child = holder(TEST, first, &path);
            for second in ALL {
                let at = format!("{name}: {second} beside {first}");
                match hold(second, &path) {
                    Ok(_) => assert!(get_along(first, second), "{at}"),
                    Err(error) => {
                        assert!(!get_along(first, second), "{at}: {error}");
                        let asked = match second {
                            "appender" => "appender",
                            "writer" | "mapped writer" => "writer",
                            _ if error.to_string().contains("bytes") => "rows",
                            _ => "reader",
                        };
                        assert_locked(&error, &path, asked);
                        assert!(error.hint().is_some_and(|hint| hint.contains("close")), "{at}: {error}");
                    }
                }
            }
            // Without locks nobody asks, but where a writer does not share the file.
            match hold("writer without locks", &path) {
                Err(error) if cfg!(windows) && first.ends_with("writer") => assert_locked(&error, &path, "writer"),
                held => drop(held.unwrap()),
            }
            // The dead hold nothing.
            if first.ends_with("writer") || first == "appender" {
                child.kill();
                hold("writer", &path).unwrap_or_else(|error| panic!("{name}: after {first} was killed: {error}"));
            } else {
                child.end();
            }
        }
        let without = holder(TEST, "writer without locks", &path);
        match hold("writer", &path) {
            Err(error) if cfg!(windows) => assert_locked(&error, &path, "writer"),
            held => drop(held.unwrap()),
        }
        without.end();
    }
}

#[test]
fn writers_of_disjoint_rows_write_at_once() {
    const TEST: &str = "writers_of_disjoint_rows_write_at_once";
    const WRITERS: usize = 4;
    const ROUNDS: u64 = 200;
    let value = |row: usize, column: usize, round: u64| (row * 1000 + column) as u64 + (round << 32);
    if let Some(task) = children::task() {
        let [begin, end, path] = &task[..] else { panic!("{task:?}") };
        let (begin, end): (usize, usize) = (begin.parse().unwrap(), end.parse().unwrap());
        // SAFETY: everybody writes rows of his own, which the locks see to.
        let mut m = unsafe { MmapArrayMut::<u64, Ix2>::open_rows_mut(path, begin as u64..end as u64).unwrap() };
        assert_eq!(m.dim(), (end - begin, 16));
        children::say("held");
        children::hear();
        for round in 1..=ROUNDS {
            for ((row, column), x) in m.view_mut().indexed_iter_mut() {
                assert_eq!(*x, if round == 1 { 0 } else { value(begin + row, column, round - 1) });
                *x = value(begin + row, column, round);
            }
        }
        m.flush().unwrap();
        std::process::exit(0);
    }
    let (_alone, dir) = (children::alone(), tempfile::tempdir().unwrap());
    for (name, format) in FORMATS {
        for sealed in [false, true] {
            if sealed && format != Format::Native {
                continue;
            }
            let path = dir.path().join(name);
            // Rows of 128 bytes: several writers share a page.
            CreateOptions::new().format(format).overwrite(true).save(&path, &Array2::<u64>::zeros((64, 16))).unwrap();
            if sealed {
                ArrayFile::<u64, Ix2>::open_mut(&path).unwrap().seal().unwrap();
                assert_eq!(ArrayFile::<u64, Ix2>::open(&path).unwrap().verify().unwrap().state, SealState::Verified);
            }
            let cuts: Vec<String> = (0..=WRITERS).map(|at| (3 + at * 58 / WRITERS).to_string()).collect();
            let mut writers: Vec<_> =
                cuts.windows(2).map(|cut| Talk::start(TEST, &[&cut[0], &cut[1], path.to_str().unwrap()])).collect();
            for writer in &mut writers {
                assert_eq!(writer.next().as_deref(), Some("held"), "{name}, sealed: {sealed}");
            }
            writers.iter_mut().for_each(|writer| writer.tell("go"));
            writers.into_iter().for_each(Talk::end);
            let found = ArrayFile::<u64, Ix2>::open(&path).unwrap();
            let expected = Array2::from_shape_fn((64, 16), |(row, column)| match row {
                3..61 => value(row, column, ROUNDS),
                _ => 0,
            });
            assert_eq!(found.read().unwrap(), expected, "{name}, sealed: {sealed}");
            let state = if format == Format::Native { SealState::Unverified } else { SealState::None };
            let verification = found.verify().unwrap();
            assert!(
                verification.is_sound() && verification.state == state,
                "{name}, sealed: {sealed}: {verification:?}"
            );
        }
    }
}

/// An error that says that the handle is not made for this, and what is.
fn assert_refused(what: &str, done: Result<()>) {
    let error = done.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{what}: {error}");
    assert!(error.hint().is_some(), "{what}: {error}");
}

#[test]
fn handles_refuse_what_they_are_not_for() {
    let (_alone, dir) = (children::alone(), tempfile::tempdir().unwrap());
    for (name, format) in FORMATS {
        let path = dir.path().join(name);
        make(&path, format);
        let before = std::fs::read(&path).unwrap();
        let row = Array2::ones((1, 16));

        // SAFETY: nobody else uses the file.
        let mut rows = unsafe { MmapArrayMut::<u64, Ix2>::open_rows_mut(&path, 8..16).unwrap() };
        assert_refused("rows: append_rows", rows.append_rows(&row));
        assert_refused("rows: append_row", rows.append_row(&row.row(0)));
        assert_refused("rows: resize_rows", rows.resize_rows(3));
        assert_refused("rows: reserve_rows", rows.reserve_rows(3).map(drop));
        assert_refused("rows: transaction", rows.transaction().map(drop));
        assert_refused("rows: set_attrs", rows.set_attr("a", &1));
        drop(rows);

        let mut file = ArrayFile::<u64, Ix2>::open_append(&path).unwrap();
        assert_refused("appender: write_rows", file.write_rows(0, &row));
        assert_refused("appender: set", file.set((0, 0), 1));
        assert_refused("appender: write", file.write(&Array2::ones((64, 16))));
        assert_refused("appender: resize_rows", file.resize_rows(3));
        assert_refused("appender: resize_rows", file.resize_rows(65));
        assert_refused("appender: transaction", file.transaction().map(drop));
        if format == Format::Native {
            assert_refused("appender: seal", file.seal());
        }
        drop(file);

        let mut file = ArrayFile::<u64, Ix2>::open(&path).unwrap();
        assert_refused("reader: append_rows", file.append_rows(&row));
        assert_refused("reader: resize_rows", file.resize_rows(3));
        assert_refused("reader: set_attrs", file.set_attr("a", &1));
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
    }
}

/// Rows of a column-major array lie everywhere, and so their writer is alone.
#[test]
fn rows_of_a_column_major_array_are_locked_as_a_whole() {
    let (_alone, dir) = (children::alone(), tempfile::tempdir().unwrap());
    let path = dir.path().join("f.npy");
    CreateOptions::new().order(Order::F).create_file::<u64, Ix2>(&path, (64, 16)).unwrap().close().unwrap();
    // SAFETY: nobody else uses the file.
    let _first = unsafe { MmapArrayMut::<u64, Ix2>::open_rows_mut(&path, 0..8).unwrap() };
    // SAFETY: as above.
    let second = unsafe { MmapArrayMut::<u64, Ix2>::open_rows_mut(&path, 8..16) };
    assert_locked(&second.unwrap_err(), &path, "");
}
