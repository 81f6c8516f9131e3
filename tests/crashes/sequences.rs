//! All short sequences of operations, and a power failure at every moment of the last one.

use std::path::{Path, PathBuf};

use outcore::Format::{Native, Npy, Raw};
use outcore::compute::SealState;
use outcore::storage::{Backend, Fate, MemoryDisk, Operation, Sharing};
use outcore::{CreateOptions, ErrorKind, OpenOptions};

use crate::model::{Content, Observed, States, admit};
use crate::observe::{
    Kind, TINY, WIDE, WIDE_F, backend, is_journal, is_temporary, others, read, recover_and_append, seal_state,
};
use crate::power::{Random, failures};
use crate::steps::{MODES, Mode, NAMES, Start, Step, World};
use crate::{modes, thorough};

const STEPS: [Step; 18] = [
    Step::Create(Native),
    Step::Create(Npy),
    Step::Create(Raw),
    Step::Save(Native),
    Step::Append(1),
    Step::Append(3),
    Step::AppendLater(1),
    Step::Flush,
    Step::Grow,
    Step::Shrink,
    Step::Set,
    Step::Write,
    Step::Transaction,
    Step::Convert(Npy),
    Step::Convert(Native),
    Step::Back(Npy),
    Step::Seal,
    Step::Attribute,
];

/// Says where a test was when it failed.
pub(crate) struct Context<F: Fn() -> String>(pub(crate) F);

impl<F: Fn() -> String> Drop for Context<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", (self.0)());
        }
    }
}

/// How many sequences and images were looked at.
#[derive(Debug, Default)]
struct Count {
    sequences: u64,
    images: u64,
}

/// One run: the steps in order; failures during the last one.
fn sequence(kind: Kind, mode: Mode, start: Start, steps: &[Step], samples: u64, count: &mut Count) -> bool {
    let Some(mut world) = play(kind, mode, start, &steps[..steps.len() - 1]) else { return false };
    let last = steps[steps.len() - 1];
    let Some((after, during)) = world.plan(last) else { return false };
    let _context = Context(|| format!("{kind:?} {mode:?} from {start:?}: {steps:?}"));
    let begin = world.disk.operations().len();
    world.run(last).expect("nothing fails");
    world.known = after;
    world.check_now();
    let after = [world.known[0].states.clone(), world.known[1].states.clone()];
    strike(&world, begin, last, &during, &after, samples, count);
    if world.handle.is_some() {
        let begin = world.disk.operations().len();
        let (after, during) = world.plan(Step::Drop).expect("a handle");
        world.run(Step::Drop).expect("a drop never fails");
        world.known = after;
        let after = [world.known[0].states.clone(), world.known[1].states.clone()];
        if world.disk.operations().len() > begin {
            strike(&world, begin, Step::Drop, &during, &after, samples, count);
        }
    }
    check_tail(&world.disk);
    count.sequences += 1;
    true
}

fn play(kind: Kind, mode: Mode, start: Start, steps: &[Step]) -> Option<World> {
    let mut world = World::new(kind, mode, start);
    for &step in steps {
        let (after, _) = world.plan(step)?;
        let _context = Context(|| format!("{kind:?} {mode:?} from {start:?}: {steps:?}"));
        world.run(step).expect("nothing fails");
        world.known = after;
    }
    Some(world)
}

/// Fails the power at every moment since the operation `begin`.
fn strike(
    world: &World,
    begin: usize,
    step: Step,
    during: &[States; 2],
    after: &[States; 2],
    samples: u64,
    count: &mut Count,
) {
    let end = world.disk.operations().len();
    let log = world.disk.operations();
    failures(&world.disk, begin..=end, samples, |prefix, what, image| {
        count.images += 1;
        let allowed = if prefix == end { after } else { during };
        let _context = Context(|| {
            let mut text =
                format!("failure after {} of {} operations of {step:?}, {what}", prefix - begin, end - begin);
            for (index, operation) in log.iter().enumerate().take(prefix).skip(begin.saturating_sub(8)) {
                text += &format!("\n  {index} {}", brief(operation));
            }
            text
        });
        let whole = !what.contains("torn") && !what.contains("random");
        survive(image, world.kind, allowed, whole, prefix % 8 != 0);
        if step == Step::Seal && prefix == end {
            // Before a row was added.
            let image = world.disk.crash_image(prefix, |_, _| Fate::Lost);
            assert_eq!(seal_state(&image, "a").expect("verifies").0, SealState::Verified);
        }
    });
}

/// Sees that a disk shows what is allowed, and goes on from there.
pub(crate) fn survive(image: &MemoryDisk, kind: Kind, allowed: &[States; 2], whole: bool, mapped: bool) {
    for name in image.names() {
        let known = NAMES.iter().any(|known| Path::new(known) == name);
        assert!(known || is_temporary(&name) || is_journal(&name), "a file {name:?} was left");
    }
    for (name, states) in NAMES.iter().zip(allowed) {
        let found = match read(image, name, kind, mapped) {
            Ok(found) => found,
            Err(error) => panic!("{name} does not open: {error}"),
        };
        assert!(
            admit(states, found.as_ref()),
            "{name} is none of the allowed states\nfound {found:?}\nallowed {states:?}"
        );
        let Some(found) = found else { continue };
        if found.format == Native {
            let (_, flaws) = seal_state(image, name).expect("verifies");
            assert!(flaws.is_empty() || !whole, "flaws without a torn write: {flaws:?}");
        }
        recover_and_append(image, name, kind, &found, !mapped);
    }
    let left: Vec<PathBuf> = others(image).into_iter().filter(|name| !is_temporary(name)).collect();
    assert!(left.is_empty(), "{left:?} is left after a writer");
}

fn brief(operation: &Operation) -> String {
    match operation {
        Operation::Write { file, offset, bytes } => format!("write {} at {offset} of {file}", bytes.len()),
        other => format!("{other:?}"),
    }
}

/// No bytes of others, or of earlier times, follow the elements of a file that was closed.
fn check_tail(disk: &MemoryDisk) {
    for name in NAMES {
        let Some(bytes) = disk.read(Path::new(name)) else { continue };
        let Ok(file) = OpenOptions::new().backend(backend(disk)).open_any_file(name) else { continue };
        let header = file.header();
        let end = usize::try_from(header.data_end()).expect("a small file");
        let tail = &bytes[end..];
        if file.native_state().is_some_and(|state| state.sealed) {
            let table = tail.len() - 68;
            assert!(tail[..table].iter().all(|&byte| byte == 0) && tail[table..].starts_with(b"OCA SUMS"), "{name}");
        } else {
            assert!(tail.is_empty(), "{} bytes follow the elements of {name}", tail.len());
        }
    }
}

fn all_of_two(kind: Kind, modes: &[Mode], starts: &[Start]) {
    let samples = if thorough() { 16 } else { 2 };
    let mut count = Count::default();
    for (&mode, &start) in modes.iter().flat_map(|mode| starts.iter().map(move |start| (mode, start))) {
        for first in STEPS {
            if !sequence(kind, mode, start, &[first], samples, &mut count) {
                continue;
            }
            for second in STEPS {
                sequence(kind, mode, start, &[first, second], samples, &mut count);
            }
        }
    }
    println!("{count:?}");
    assert!(count.sequences > 200 && count.images > 5 * count.sequences, "{count:?}");
}

const STARTS: [Start; 3] = [Start::Array(Native), Start::Array(Npy), Start::Array(Raw)];

/// A mapped handle for each step, the last of the ways, is slow, and the steps are those of one for all.
#[test]
fn two_operations_on_a_native_file() {
    all_of_two(WIDE, modes(3), &[Start::Array(Native)]);
}

#[test]
fn two_operations_on_npy_and_raw_files() {
    all_of_two(WIDE, modes(3), &[Start::Array(Npy), Start::Array(Raw)]);
}

#[test]
fn two_operations_on_a_tiny_array_and_by_columns() {
    all_of_two(TINY, modes(2), &[Start::Array(Native), Start::Array(Npy)]);
    all_of_two(WIDE_F, modes(2), &[Start::Array(Native), Start::Array(Npy)]);
}

/// The file is written anew, and takes the place of the old one.
#[test]
fn two_operations_on_a_header_without_room() {
    all_of_two(WIDE, modes(2), &[Start::Tight]);
}

/// Whatever a failure left is put in order, and the power fails again while it is, or while the next row is added.
#[test]
fn a_second_failure_during_recovery() {
    let steps = [Step::Append(3), Step::AppendLater(1), Step::Grow, Step::Shrink, Step::Transaction, Step::Seal];
    let (mut first, mut second) = (0, 0);
    for (start, step) in STARTS.into_iter().flat_map(|start| steps.into_iter().map(move |step| (start, step))) {
        let mode = if step == Step::Transaction { MODES[1] } else { MODES[0] };
        let mut world = World::new(WIDE, mode, start);
        if world.plan(step).is_none() {
            continue;
        }
        let begin = world.disk.operations().len();
        world.run(step).expect("nothing fails");
        world.handle = None;
        let end = world.disk.operations().len();
        failures(&world.disk, begin..=end, 2, |prefix, what, image| {
            first += 1;
            let found = read(image, "a", WIDE, false).expect("opens").expect("is there");
            // The row is that of `recover_and_append`.
            recover_and_append(image, "a", WIDE, &found, false);
            let grown = read(image, "a", WIDE, false).expect("opens").expect("is there");
            let surely = |found: &Observed| {
                let items = found.items.iter().map(|&item| vec![item]).collect();
                let loose = (found.format == Raw).then(|| found.items.len() / found.row - 1);
                let (format, order, row, attr) = (found.format, found.order, found.row, found.attr);
                Some(Content { format, order, row, items, attr, loose })
            };
            let allowed = [vec![surely(&found), surely(&grown)], vec![None]];
            let end = image.operations().len();
            failures(image, 0..=end, 0, |again, what_again, image| {
                second += 1;
                let _context = Context(|| {
                    format!(
                        "{start:?} {step:?}, failure after {} operations, {what}, then after {again}, {what_again}",
                        prefix - begin
                    )
                });
                survive(image, WIDE, &allowed, false, false);
            });
        });
    }
    println!("{first} failures, {second} more");
    assert!(first > 100 && second > 1000, "{first}, {second}");
}

/// A journal beside a file that is gone is not for the next file of that name.
#[test]
fn a_journal_left_behind_is_not_for_another_file() {
    let disk = interrupted();
    for overwrite in [false, true] {
        let image = disk.crash_image(0, |_, _| Fate::Kept);
        if !overwrite {
            image.remove(Path::new("a")).expect("removes");
        }
        let options = || CreateOptions::new().backend(backend(&image)).overwrite(overwrite);
        drop(options().create_file::<u64, _>("a", (3, WIDE.row)).expect("creates"));
        assert_eq!(image.names(), [Path::new("a")], "overwrite: {overwrite}");
        let found = read(&image, "a", WIDE, false).expect("opens").expect("is there");
        assert_eq!(found.items, vec![0; 3 * WIDE.row]);
    }
}

/// A file whose transaction is not finished is finished before another takes its place, at whatever point that fails.
#[test]
fn a_pending_transaction_outlives_a_failed_replacement() {
    let disk = interrupted();
    let before = read(&disk, "a", WIDE, false).expect("opens").expect("is there");
    for kind in [std::io::ErrorKind::Other, std::io::ErrorKind::StorageFull] {
        for call in 1.. {
            let image = disk.crash_image(0, |_, _| Fate::Kept);
            image.fail_at(call, kind);
            let result =
                CreateOptions::new().backend(backend(&image)).overwrite(true).create_file::<u64, _>("a", (2, 3));
            let pending = image.failure_pending();
            image.fail_at(0, kind);
            let opens_as_new = result.is_ok();
            drop(result);
            failures(&image, image.operations().len()..=image.operations().len(), 0, |_, what, image| {
                let _context = Context(|| format!("call {call} is {kind:?}, then the power failed: {what}"));
                let found =
                    OpenOptions::new().backend(backend(image)).open_file::<u64, ndarray::Ix2>("a").expect("opens");
                let items: Vec<u64> = found.read().expect("reads").into_iter().collect();
                assert!(items == before.items && !opens_as_new || items == [0; 6], "call {call}");
            });
            if pending {
                break;
            }
        }
    }
}

/// Copies have other numbers, as files have on file systems that number them anew. Where nothing is in place yet, the number is
/// all that tells the file from a new one of the same name.
#[test]
fn a_journal_fits_a_file_of_another_number_that_it_has_begun_to_change() {
    for begun in [true, false] {
        let disk = decided(begun);
        let shown = read(&disk, "a", WIDE, false).expect("opens").expect("is there").items;
        let copy = MemoryDisk::new();
        for name in [Path::new("another")].into_iter().chain(disk.names().iter().map(PathBuf::as_path)) {
            let file = copy.create_new(name, None, Sharing::All).expect("creates");
            file.write_at(&disk.read(name).unwrap_or_default(), 0).expect("writes");
        }
        for mapped in [false, true] {
            match read(&copy, "a", WIDE, mapped) {
                Ok(found) => assert!(begun && found.expect("is there").items == shown),
                Err(error) => assert!(!begun && error.kind() == ErrorKind::Corrupt, "{error}"),
            }
        }
    }
}

/// A disk with a `.npy` file whose transaction is decided and half in place.
fn interrupted() -> MemoryDisk {
    decided(true)
}

/// A disk with a `.npy` file whose transaction is decided, and in place with its first write or not at all.
fn decided(begun: bool) -> MemoryDisk {
    let mut world = World::new(WIDE, MODES[1], Start::Array(Npy));
    world.run(Step::Transaction).expect("nothing fails");
    let log = world.disk.operations();
    let journal = log.iter().position(|operation| matches!(operation, Operation::Rename { to, .. } if is_journal(to)));
    let place =
        log.iter().skip(journal.expect("a journal")).position(|operation| matches!(operation, Operation::Write { .. }));
    let prefix = journal.expect("a journal") + if begun { place.expect("a write in place") + 1 } else { 1 };
    let image = world.disk.crash_image(prefix, |_, _| Fate::Kept);
    assert_eq!(image.names().len(), 2, "{:?}", image.names());
    image
}

#[test]
fn operations_on_an_empty_disk() {
    let mut count = Count::default();
    for (mode, first) in MODES.into_iter().flat_map(|mode| STEPS.into_iter().map(move |step| (mode, step))) {
        sequence(WIDE, mode, Start::Nothing, &[first], 4, &mut count);
    }
    assert_eq!(count.sequences, 16);
}

#[test]
fn three_operations() {
    let mut count = Count::default();
    let mut random = Random(3);
    let (wanted, samples) = if thorough() { (u64::MAX, 8) } else { (600, 2) };
    if wanted < u64::MAX {
        while count.sequences < wanted {
            let mut pick = |len: usize| usize::try_from(random.next() % len as u64).expect("an index");
            let (kind, mode, start) = ([WIDE, WIDE, TINY, WIDE_F][pick(4)], MODES[pick(4)], STARTS[pick(3)]);
            let steps = [STEPS[pick(STEPS.len())], STEPS[pick(STEPS.len())], STEPS[pick(STEPS.len())]];
            sequence(kind, mode, start, &steps, samples, &mut count);
        }
        return;
    }
    for kind in [WIDE, TINY, WIDE_F] {
        for (mode, start) in MODES.into_iter().flat_map(|mode| STARTS.into_iter().map(move |start| (mode, start))) {
            for a in STEPS {
                for b in STEPS {
                    if play(kind, mode, start, &[a, b]).is_none() {
                        continue;
                    }
                    for c in STEPS {
                        sequence(kind, mode, start, &[a, b, c], samples, &mut count);
                    }
                }
            }
        }
    }
    println!("{count:?}");
}

/// The same steps on two disks give the same bytes.
#[test]
fn the_same_input_gives_the_same_bytes() {
    let files = |disk: &MemoryDisk| -> Vec<(PathBuf, Option<Vec<u8>>)> {
        disk.names().into_iter().map(|name| (name.clone(), disk.read(&name))).collect()
    };
    for (mode, start) in MODES.into_iter().flat_map(|mode| STARTS.into_iter().map(move |start| (mode, start))) {
        let pairs = STEPS.into_iter().flat_map(|a| STEPS.into_iter().map(move |b| (a, b)));
        for (a, b) in pairs.step_by(if thorough() { 1 } else { 15 }) {
            let run = || {
                let mut world = play(WIDE, mode, start, &[a, b])?;
                world.handle = None;
                Some(files(&world.disk))
            };
            assert!(run() == run(), "{mode:?} from {start:?}: {a:?}, {b:?}");
        }
    }
}
