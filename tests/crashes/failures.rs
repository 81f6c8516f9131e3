//! Every call to the disk fails once: the operation says so and names the file, the handle works on or says that it does not, and
//! nothing is lost.

use std::io;
use std::path::Path;

use outcore::ErrorKind;
use outcore::Format::{Native, Npy, Raw};

use crate::model::Observed;
use crate::modes;
use crate::observe::{Kind, TINY, WIDE, is_journal, is_temporary, others, read};
use crate::power::failures;
use crate::sequences::{Context, survive};
use crate::steps::{MODES, Mode, Start, Step, World};

/// Each with what comes before it, on a handle that stays open.
const RUNS: &[&[Step]] = &[
    &[Step::Create(Native)],
    &[Step::Create(Npy)],
    &[Step::Save(Raw)],
    &[Step::Append(1)],
    &[Step::Append(1), Step::Append(3)],
    &[Step::AppendLater(1)],
    &[Step::AppendLater(1), Step::Flush],
    &[Step::AppendLater(2), Step::Append(1)],
    &[Step::Append(1), Step::Grow],
    &[Step::Grow],
    &[Step::Shrink],
    &[Step::Set],
    &[Step::Write, Step::Flush],
    &[Step::Transaction],
    &[Step::Append(1), Step::Transaction],
    &[Step::AppendLater(1), Step::Transaction],
    &[Step::Convert(Native)],
    &[Step::Convert(Npy), Step::Back(Npy)],
    &[Step::Seal],
    &[Step::Seal, Step::Set],
    &[Step::Seal, Step::Append(1)],
    &[Step::Seal, Step::Seal],
    &[Step::Attribute],
    &[Step::AppendLater(1), Step::Attribute],
];

const KINDS: [(io::ErrorKind, &[ErrorKind]); 3] = [
    (io::ErrorKind::StorageFull, &[ErrorKind::OutOfSpace]),
    (io::ErrorKind::Other, &[ErrorKind::Io]),
    (io::ErrorKind::Interrupted, &[ErrorKind::Io]),
];

fn fail_each(kind: Kind, mode: Mode, start: Start, steps: &[Step]) -> u64 {
    let mut failed = 0;
    for (injected, kinds) in KINDS {
        for call in 1.. {
            let mut world = World::new(kind, mode, start);
            let (&last, before) = steps.split_last().expect("a step");
            for &step in before {
                let Some((after, _)) = world.plan(step) else { return failed };
                world.run(step).expect("nothing fails yet");
                world.known = after;
            }
            let Some((after, during)) = world.plan(last) else { return failed };
            let _context =
                Context(|| format!("{kind:?} {mode:?} from {start:?}: {steps:?}, call {call} is {injected:?}"));
            world.disk.fail_at(call, injected);
            let result = world.run(last);
            let pending = world.disk.failure_pending();
            world.disk.fail_at(0, injected);
            match result {
                // Where a failure did no harm.
                Ok(()) => {
                    world.known = after;
                    world.check_now();
                    if pending {
                        break;
                    }
                }
                Err(error) => {
                    assert!(!pending, "an error without a cause: {error}");
                    assert!(kinds.contains(&error.kind()), "{error:?}");
                    assert!(error.path().is_some_and(|path| !is_temporary(path)), "an error names the file: {error:?}");
                    assert!(error.io_error().is_some_and(|source| source.kind() == injected), "{error:?}");
                    let temporary: Vec<_> = others(&world.disk).into_iter().filter(|name| is_temporary(name)).collect();
                    assert!(temporary.is_empty(), "{temporary:?} was left after {error}");
                    // Of the array; a journal or a new file that was not written is forgotten.
                    let lost = start != Start::Tight
                        && error.path() == Some(Path::new("a"))
                        && error.to_string().contains("cannot write back");
                    let shown = go_on(&mut world, lost);
                    world.handle = None;
                    match shown {
                        Some(shown) => {
                            let found = read(&world.disk, "a", kind, false).expect("opens").map(|found| found.items);
                            assert_eq!(found, Some(shown), "what the handle showed at last, after {error}");
                        }
                        None => {
                            let end = world.disk.operations().len();
                            failures(&world.disk, end..=end, 2, |_, what, image| {
                                let _context = Context(|| format!("then the power failed: {what}, after {error}"));
                                survive(image, kind, &during, !what.contains("torn"), false);
                            });
                            survive(&world.disk, kind, &during, false, false);
                        }
                    }
                }
            }
            failed += 1;
        }
    }
    failed
}

/// Uses the handle after an error: it is poisoned for ever, or works. What it shows at last, if it works.
fn go_on(world: &mut World, sync_failed: bool) -> Option<Vec<u64>> {
    let kind = world.kind;
    let path = Path::new("a");
    let handle = world.handle.as_mut()?;
    let row = kind.array((0..kind.row as u64).map(|at| 8_000_000_000 + at).collect());
    match handle.flush() {
        Err(error) => {
            assert_eq!((error.kind(), error.path()), (ErrorKind::Poisoned, Some(path)));
            for _ in 0..2 {
                assert_eq!(handle.append_rows(&row).expect_err("poisoned").kind(), ErrorKind::Poisoned);
                assert_eq!(handle.resize(5).expect_err("poisoned").kind(), ErrorKind::Poisoned);
                assert_eq!(handle.flush().expect_err("poisoned").kind(), ErrorKind::Poisoned);
            }
            None
        }
        Ok(()) => {
            assert!(!sync_failed, "a flush after one that failed");
            handle.append_rows(&row).expect("a handle that is not poisoned works");
            let shown = handle.items(kind).expect("reads");
            assert_eq!(
                shown[shown.len() - kind.row..],
                (0..kind.row as u64).map(|at| 8_000_000_000 + at).collect::<Vec<_>>()
            );
            Some(shown)
        }
    }
}

fn fail_all(kinds: &[Kind], modes: &[Mode], starts: &[Start]) {
    let mut failed = 0;
    for &kind in kinds {
        for &mode in modes {
            for &start in starts {
                for steps in RUNS {
                    failed += fail_each(kind, mode, start, steps);
                }
            }
        }
    }
    println!("{failed} failures");
    assert!(failed > 300, "{failed}");
}

#[test]
fn every_call_fails_on_a_native_file() {
    fail_all(&[WIDE], modes(2), &[Start::Array(Native)]);
    fail_all(&[TINY], &MODES[..1], &[Start::Array(Native)]);
}

#[test]
fn every_call_fails_on_npy_and_raw_files() {
    fail_all(&[WIDE], modes(2), &[Start::Array(Npy), Start::Array(Raw), Start::Tight]);
}

/// Reading says what failed, and never anything else.
#[test]
fn every_call_fails_of_a_reader() {
    for (start, mapped) in [Native, Npy, Raw].into_iter().flat_map(|start| [(start, false), (start, true)]) {
        let world = World::new(WIDE, MODES[0], Start::Array(start));
        let whole: Observed = read(&world.disk, "a", WIDE, mapped).expect("reads").expect("is there");
        for call in 1.. {
            world.disk.fail_at(call, io::ErrorKind::Other);
            let options = WIDE.opening(&world.disk, "a", start);
            let found = if mapped {
                // SAFETY: the mapping is a copy, and nobody writes the file.
                unsafe { options.open::<u64, ndarray::Ix2>("a") }.map(|array| crate::observe::in_order(WIDE, &array))
            } else {
                options
                    .open_file::<u64, ndarray::Ix2>("a")
                    .and_then(|file| Ok(crate::observe::in_order(WIDE, &file.read()?)))
            };
            let pending = world.disk.failure_pending();
            world.disk.fail_at(0, io::ErrorKind::Other);
            match found {
                Ok(items) => assert_eq!(items, whole.items),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Io);
                    assert!(error.path().is_some_and(|path| path == Path::new("a") || is_journal(path)), "{error:?}");
                }
            }
            if pending {
                break;
            }
        }
    }
}
