//! A process that dies at any of its system calls leaves the old array or the new one, rows below untouched, and no lock.
//!
//! Children do one thing each, under `strace`, which kills them as they enter the N-th call of a kind, for every N. The page cache
//! outlives a process, so that this is about its death and not about power failures. Without `strace`, or where it may not trace,
//! the tests are skipped, with the reason and the count on the standard error output.

#[path = "support/children.rs"]
mod children;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Output};

use ndarray::{Array2, Axis, Ix2, s};
use outcore::compute::SealState;
use outcore::{AnyArrayFile, ArrayFile, CreateOptions, ErrorKind, Format, LockPolicy, MmapArrayMut, OpenOptions};
use outcore::{RawLayout, Reserve};

const TEST: &str = "a_process_that_dies_leaves_the_old_array_or_the_new_one";

/// Where strace knows no such call, the question mark lets it go on.
const CALLS: [&str; 11] = [
    "pwrite64",
    "?ftruncate",
    "?ftruncate64",
    "fallocate",
    "fdatasync",
    "fsync",
    "msync",
    "?rename",
    "?renameat2",
    "?unlink",
    "?unlinkat",
];

const WIDTH: usize = 16;

/// Rows that tell where they belong.
fn numbered(rows: std::ops::Range<usize>) -> Array2<u64> {
    Array2::from_shape_fn((rows.len(), WIDTH), |(row, column)| ((rows.start + row) * 1000 + column + 1) as u64)
}

fn stacked(parts: &[Array2<u64>]) -> Array2<u64> {
    ndarray::concatenate(Axis(0), &parts.iter().map(|part| part.view()).collect::<Vec<_>>()).unwrap()
}

/// Elements all over the array, other than they were.
fn changed(mut array: Array2<u64>) -> Array2<u64> {
    array.indexed_iter_mut().filter(|((row, column), _)| (row + column) % 7 == 0).for_each(|(_, x)| *x ^= 0xff00_ff00);
    array
}

/// Which arrays may be there after a death.
enum Left {
    /// The old one or the new one; `None` is no file.
    OldOrNew(Option<Array2<u64>>, Array2<u64>),
    /// Each element old or new.
    Mixed(Array2<u64>, Array2<u64>),
    /// Some of the new rows: a format without a header has nothing that would announce them all at once.
    SomeRows(Array2<u64>, Array2<u64>),
}

struct Case {
    name: &'static str,
    file: &'static str,
    prepare: fn(&Path),
    act: fn(&Path),
    left: fn() -> Left,
    /// The fewest deaths that the case must have seen, so that it cannot pass by having none.
    deaths: usize,
}

const OLD: usize = 40;
const NEW: usize = 90;

/// The rows of an array of several pages: 13 for a transaction to change.
const LONG: usize = 400;

fn options(format: Format) -> CreateOptions {
    CreateOptions::new().format(format).reserve(Reserve::Sparse)
}

fn make(path: &Path, array: &Array2<u64>) {
    let format = match path.extension().unwrap().to_str().unwrap() {
        "npy" => Format::Npy,
        "oca" => Format::Native,
        _ => Format::Raw,
    };
    options(format).save(path, array).unwrap();
}

fn old(path: &Path) {
    make(path, &numbered(0..OLD));
}

/// A `.npy` file of nine rows, whose header has no byte to spare for the tenth.
fn tight(path: &Path) {
    let text = format!("{{'descr': '<u8', 'fortran_order': False, 'shape': (9, {WIDTH}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(numbered(0..9).iter().flat_map(|x| x.to_le_bytes()));
    fs::write(path, bytes).unwrap();
}

fn layout(path: &Path) -> OpenOptions {
    let options = OpenOptions::new();
    if path.extension().unwrap() != "raw" {
        return options;
    }
    let rows = fs::metadata(path).unwrap().len() / (WIDTH * 8) as u64;
    options.raw(RawLayout::new().shape([rows, WIDTH as u64]))
}

fn open_mut(path: &Path) -> ArrayFile<u64, Ix2> {
    layout(path).open_file_mut(path).unwrap()
}

fn map_mut(path: &Path) -> MmapArrayMut<u64, Ix2> {
    // SAFETY: the file is in a folder of this test, and no other process uses it while this one does.
    unsafe { layout(path).open_mut(path).unwrap() }
}

fn append(path: &Path) {
    let mut file = open_mut(path);
    file.append_rows(&numbered(OLD..OLD + 1)).unwrap();
    file.append_rows(&numbered(OLD + 1..NEW)).unwrap();
    file.close().unwrap();
}

fn append_mapped(path: &Path) {
    let mut m = map_mut(path);
    m.append_rows(&numbered(OLD..NEW)).unwrap();
    m.close().unwrap();
}

fn grow(path: &Path) {
    let mut file = open_mut(path);
    file.resize_rows(1000).unwrap();
    file.close().unwrap();
}

fn shrink(path: &Path) {
    open_mut(path).resize_rows(7).unwrap();
}

fn transact(path: &Path) {
    let mut m = map_mut(path);
    let mut transaction = m.transaction().unwrap();
    transaction.view_mut().assign(&changed(numbered(0..LONG)));
    transaction.commit().unwrap();
    m.close().unwrap();
}

fn transact_by_position(path: &Path) {
    let mut file = open_mut(path);
    let mut transaction = file.transaction().unwrap();
    transaction.write(&changed(numbered(0..LONG))).unwrap();
    transaction.commit().unwrap();
    file.close().unwrap();
}

fn store(path: &Path) {
    let mut m = map_mut(path);
    m.view_mut().assign(&changed(numbered(0..LONG)));
    m.flush().unwrap();
}

fn seal(path: &Path) {
    open_mut(path).seal().unwrap();
}

fn long(path: &Path) {
    make(path, &numbered(0..LONG));
}

fn long_and_sealed(path: &Path) {
    long(path);
    seal(path);
}

fn old_and_sealed(path: &Path) {
    old(path);
    seal(path);
}

fn nothing(_: &Path) {}

fn appended() -> Left {
    Left::OldOrNew(Some(numbered(0..OLD)), numbered(0..NEW))
}

fn grown() -> Left {
    Left::OldOrNew(Some(numbered(0..OLD)), stacked(&[numbered(0..OLD), Array2::zeros((1000 - OLD, WIDTH))]))
}

fn shrunk() -> Left {
    Left::OldOrNew(Some(numbered(0..LONG)), numbered(0..7))
}

fn transacted() -> Left {
    Left::OldOrNew(Some(numbered(0..LONG)), changed(numbered(0..LONG)))
}

fn stored() -> Left {
    Left::Mixed(numbered(0..LONG), changed(numbered(0..LONG)))
}

const CASES: &[Case] = &[
    Case {
        name: "create .npy",
        file: "a.npy",
        prepare: nothing,
        act: |path| {
            CreateOptions::new().create_file::<u64, Ix2>(path, (50, WIDTH)).unwrap().close().unwrap();
        },
        left: || Left::OldOrNew(None, Array2::zeros((50, WIDTH))),
        deaths: 5,
    },
    Case {
        name: "create native, mapped",
        file: "a.oca",
        prepare: nothing,
        act: |path| {
            // SAFETY: as in `map_mut`.
            let m = unsafe { CreateOptions::new().format(Format::Native).create::<u64, Ix2>(path, (50, WIDTH)) };
            m.unwrap().close().unwrap();
        },
        left: || Left::OldOrNew(None, Array2::zeros((50, WIDTH))),
        deaths: 5,
    },
    Case {
        name: "save over a .npy",
        file: "a.npy",
        prepare: old,
        act: |path| CreateOptions::new().overwrite(true).save(path, &numbered(7..300)).unwrap(),
        left: || Left::OldOrNew(Some(numbered(0..OLD)), numbered(7..300)),
        deaths: 5,
    },
    Case {
        name: "convert over a native file",
        file: "a.oca",
        prepare: |path| {
            old(path);
            make(&path.with_file_name("source.npy"), &numbered(7..300));
        },
        act: |path| {
            let source = AnyArrayFile::open(path.with_file_name("source.npy")).unwrap();
            options(Format::Native).overwrite(true).convert(&source, path).unwrap();
        },
        left: || Left::OldOrNew(Some(numbered(0..OLD)), numbered(7..300)),
        deaths: 5,
    },
    Case {
        name: "append to a .npy with room",
        file: "a.npy",
        prepare: old,
        act: |path| {
            let mut file = open_mut(path);
            file.append_rows(&numbered(OLD..NEW)).unwrap();
            file.close().unwrap();
        },
        left: appended,
        deaths: 5,
    },
    Case {
        name: "append to a .npy without room",
        file: "a.npy",
        prepare: tight,
        act: |path| {
            let mut file = open_mut(path);
            file.append_rows(&numbered(9..30)).unwrap();
            file.close().unwrap();
        },
        left: || Left::OldOrNew(Some(numbered(0..9)), numbered(0..30)),
        deaths: 5,
    },
    // Two appends, and so whole ones only.
    Case {
        name: "append to a native file, twice",
        file: "a.oca",
        prepare: old,
        act: append,
        left: || Left::SomeRows(numbered(0..OLD), numbered(0..NEW)),
        deaths: 10,
    },
    Case {
        name: "append to a native file, mapped",
        file: "a.oca",
        prepare: old,
        act: append_mapped,
        left: appended,
        deaths: 6,
    },
    Case {
        name: "append to a sealed file, mapped",
        file: "a.oca",
        prepare: old_and_sealed,
        act: append_mapped,
        left: appended,
        deaths: 8,
    },
    Case {
        name: "append to a .npy, mapped",
        file: "a.npy",
        prepare: old,
        act: append_mapped,
        left: appended,
        deaths: 6,
    },
    Case {
        name: "append by an appender",
        file: "a.oca",
        prepare: old,
        act: |path| {
            let mut file = ArrayFile::<u64, Ix2>::open_append(path).unwrap();
            file.append_rows(&numbered(OLD..NEW)).unwrap();
            file.close().unwrap();
        },
        left: appended,
        deaths: 5,
    },
    Case {
        name: "append to a raw file",
        file: "a.raw",
        prepare: old,
        act: append,
        left: || Left::SomeRows(numbered(0..OLD), numbered(0..NEW)),
        deaths: 4,
    },
    Case { name: "grow a native file", file: "a.oca", prepare: old, act: grow, left: grown, deaths: 5 },
    Case { name: "grow a .npy", file: "a.npy", prepare: old, act: grow, left: grown, deaths: 5 },
    Case { name: "grow a raw file", file: "a.raw", prepare: old, act: grow, left: grown, deaths: 3 },
    Case { name: "shrink a native file", file: "a.oca", prepare: long, act: shrink, left: shrunk, deaths: 3 },
    Case {
        name: "shrink a sealed file",
        file: "a.oca",
        prepare: long_and_sealed,
        act: shrink,
        left: shrunk,
        deaths: 5,
    },
    Case { name: "shrink a .npy", file: "a.npy", prepare: long, act: shrink, left: shrunk, deaths: 3 },
    Case { name: "shrink a raw file", file: "a.raw", prepare: long, act: shrink, left: shrunk, deaths: 2 },
    Case {
        name: "a transaction in a native file",
        file: "a.oca",
        prepare: long,
        act: transact,
        left: transacted,
        deaths: 25,
    },
    Case {
        name: "a transaction in a sealed file",
        file: "a.oca",
        prepare: long_and_sealed,
        act: transact,
        left: transacted,
        deaths: 25,
    },
    Case {
        name: "a transaction beside a .npy",
        file: "a.npy",
        prepare: long,
        act: transact,
        left: transacted,
        deaths: 25,
    },
    Case {
        name: "a transaction beside a raw file",
        file: "a.raw",
        prepare: long,
        act: transact,
        left: transacted,
        deaths: 25,
    },
    Case {
        name: "a transaction by position",
        file: "a.oca",
        prepare: long,
        act: transact_by_position,
        left: transacted,
        deaths: 25,
    },
    Case {
        name: "a transaction by position beside a .npy",
        file: "a.npy",
        prepare: long,
        act: transact_by_position,
        left: transacted,
        deaths: 25,
    },
    Case { name: "stores and a flush", file: "a.oca", prepare: long, act: store, left: stored, deaths: 1 },
    Case {
        name: "stores in a sealed file and a flush",
        file: "a.oca",
        prepare: long_and_sealed,
        act: store,
        left: stored,
        deaths: 3,
    },
    Case {
        name: "seal",
        file: "a.oca",
        prepare: long,
        act: seal,
        left: || Left::OldOrNew(None, numbered(0..LONG)),
        deaths: 3,
    },
    Case {
        name: "attributes",
        file: "a.oca",
        prepare: old_and_sealed,
        act: |path| open_mut(path).set_attr("units", &"K").unwrap(),
        left: || Left::OldOrNew(None, numbered(0..OLD)),
        deaths: 2,
    },
];

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs strace, which only Linux has")]
fn a_process_that_dies_leaves_the_old_array_or_the_new_one() {
    if let Some(task) = children::task() {
        let [case, dir] = &task[..] else { panic!("{task:?}") };
        let path = Path::new(dir).join(case.parse::<usize>().map_or("a.oca", |case| CASES[case].file));
        match case.parse::<usize>() {
            Ok(case) => (CASES[case].act)(&path),
            Err(_) => drop(open_mut(Path::new(case))),
        }
        std::process::exit(0);
    }
    if let Err(reason) = probe() {
        let text = format!("skipped {} of {} kinds of deaths: {reason}\n", CASES.len(), CASES.len());
        return io::stderr().write_all(text.as_bytes()).unwrap();
    }
    let _alone = children::alone();
    let mut failed = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        if std::panic::catch_unwind(|| die_everywhere(number, case)).is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// Whether a process was killed, or says so of its child.
fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    if std::os::unix::process::ExitStatusExt::signal(&status) == Some(9) {
        return true;
    }
    status.code() == Some(137)
}

/// Whether there is a `strace` that may trace and inject.
fn probe() -> Result<(), String> {
    if std::env::var_os("OUTCORE_EMULATED").is_some() {
        return Err("the calls are those of an emulator".into());
    }
    let command =
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=openat", "-e", "inject=openat:signal=KILL:when=1"];
    let output = Command::new(command[0]).args(&command[1..]).args(["cat", "/dev/null"]).output();
    match output {
        Ok(output) if was_killed(output.status) => Ok(()),
        Ok(output) => Err(format!("strace may not trace: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("there is no strace: {error}")),
    }
}

/// Runs a child that dies as it enters its N-th call of a kind. Whether it did.
fn dies(call: &str, count: usize, words: &[&str]) -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "signal=none"]);
    command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:signal=KILL:when={count}")]);
    let Output { status, stdout, stderr } =
        children::with_task(command.args(children::arguments(TEST)), words).output().unwrap();
    let killed = was_killed(status);
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(killed || status.success(), "{call} {count}: {status}\n{said}");
    killed
}

fn die_everywhere(number: usize, case: &Case) {
    let (mut deaths, left) = (0, (case.left)());
    for call in CALLS {
        for count in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(case.file);
            (case.prepare)(&path);
            let killed = dies(call, count, &[&number.to_string(), dir.path().to_str().unwrap()]);
            let at = format!("{}: {} {call} {count}", case.name, if killed { "killed at" } else { "lived through" });
            check(&path, &left, killed, &at);
            if !killed {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths >= case.deaths, "{}: only {deaths} deaths", case.name);
}

fn read(path: &Path) -> Result<Array2<u64>, outcore::Error> {
    layout(path).open_file(path)?.read()
}

fn allowed(found: &Array2<u64>, left: &Left, killed: bool) -> bool {
    match left {
        Left::OldOrNew(old, new) => found == new || killed && old.as_ref() == Some(found),
        Left::Mixed(old, new) => {
            let mut elements = found.iter().zip(old.iter().zip(new));
            found.dim() == new.dim() && elements.all(|(x, (old, new))| x == new || killed && x == old)
        }
        Left::SomeRows(old, new) => {
            let rows = found.nrows();
            (if killed { old.nrows()..=new.nrows() } else { new.nrows()..=new.nrows() }).contains(&rows)
                && found == new.slice(s![..rows, ..])
        }
    }
}

fn check(path: &Path, left: &Left, killed: bool, at: &str) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let journal = format!(".{name}.outcore-journal");
    let names = || {
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|found| found != name && found != "source.npy").collect::<Vec<_>>()
    };
    for found in names() {
        let temporary = found.starts_with(&format!(".{name}.")) && found.ends_with(".outcore-tmp");
        let of_journal = found.starts_with(&format!(".{journal}.")) && found.ends_with(".outcore-tmp");
        assert!(killed && (temporary || of_journal || found == journal), "{at}: {found}");
    }
    if !path.exists() {
        assert!(killed && matches!(left, Left::OldOrNew(None, _)), "{at}: the file is gone");
        return;
    }
    // A reader sees one of the arrays, before anybody has put the file in order.
    let seen = read(path).unwrap_or_else(|error| panic!("{at}: {error}"));
    assert!(allowed(&seen, left, killed), "{at}: {:?} {seen}", seen.dim());
    // A writer gets the lock of the dead one, and shows the same array when it has put the file in order.
    let mut file = layout(path).open_file_mut::<u64, Ix2>(path).unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_eq!(file.read().unwrap(), seen, "{at}: the writer");
    assert!(!names().contains(&journal), "{at}: the journal is still there");
    let verification = file.verify().unwrap();
    assert!(verification.is_sound() && verification.state != SealState::Damaged, "{at}: {verification:?}");
    let attributes = file.attrs();
    let units = attributes.get::<String>("units").unwrap();
    assert!(units.is_none_or(|units| units == "K"), "{at}");
    // And the file is as good as any.
    file.append_rows(&numbered(5..8)).unwrap_or_else(|error| panic!("{at}: {error}"));
    file.close().unwrap();
    assert_eq!(read(path).unwrap(), stacked(&[seen, numbered(5..8)]), "{at}: after another append");
}

/// The death of the one who mends is as harmless.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs strace, which only Linux has")]
fn a_process_that_dies_while_it_finishes_a_transaction_leaves_it_to_the_next() {
    if let Err(reason) = probe() {
        return io::stderr().write_all(format!("skipped 2 of 2 deaths of menders: {reason}\n").as_bytes()).unwrap();
    }
    let _alone = children::alone();
    for file in ["a.oca", "a.npy"] {
        let number = CASES.iter().position(|case| case.file == file && case.name.starts_with("a transaction")).unwrap();
        let mut deaths = 0;
        for call in CALLS {
            for count in 1.. {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join(file);
                (CASES[number].prepare)(&path);
                // Half of the blocks are in their places.
                let journaled = if file == "a.oca" { 24 } else { 22 };
                assert!(dies("pwrite64", journaled, &[&number.to_string(), dir.path().to_str().unwrap()]));
                assert_eq!(read(&path).unwrap(), changed(numbered(0..LONG)), "{file}: committed");
                let direct = OpenOptions::new().lock(LockPolicy::None);
                assert!(direct.open_any_file(&path).unwrap().has_pending_transaction(), "{file}");
                let killed = dies(call, count, &[path.to_str().unwrap(), dir.path().to_str().unwrap()]);
                let at = format!("{file}: {call} {count}");
                assert_eq!(read(&path).unwrap(), changed(numbered(0..LONG)), "{at}");
                check(&path, &transacted(), true, &at);
                if !killed {
                    break;
                }
                deaths += 1;
            }
        }
        assert!(deaths > 12, "{file}: only {deaths} deaths");
    }
    let absent = read(Path::new("/nowhere/a.npy")).map_err(|error| error.kind());
    assert_eq!(absent, Err(ErrorKind::NotFound));
}
