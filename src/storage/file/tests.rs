//! Who excludes whom.

use std::path::Path;
use std::sync::Arc;

use super::super::tests::{Place, on_both};
use super::super::{Access, Backend, Disk, MapMode};
use super::*;

const ADVISORY: LockPolicy = LockPolicy::Advisory;

fn claims() -> Vec<Claim> {
    vec![
        Claim::Read,
        Claim::ReadBytes(128..1000),
        Claim::ReadBytes(1000..2000),
        Claim::WriteBytes(128..1000),
        Claim::WriteBytes(1000..2000),
        Claim::WriteBytes(999..1001),
        Claim::WriteBytes(1500..1500),
        Claim::Append,
        Claim::Write,
    ]
}

/// The rule, said without positions in lock space.
fn coexist(a: &Claim, b: &Claim) -> bool {
    let meet = |a: &Range<u64>, b: &Range<u64>| a.clone().any(|at| b.contains(&at));
    match (a, b) {
        (Claim::Write, _) | (_, Claim::Write) => false,
        (Claim::Append, Claim::Append) => false,
        (Claim::WriteBytes(a), Claim::WriteBytes(b) | Claim::ReadBytes(b)) => !meet(a, b),
        (Claim::ReadBytes(a), Claim::WriteBytes(b)) => !meet(a, b),
        _ => true,
    }
}

/// The rule where a file is locked as a whole.
fn coexist_coarsely(a: &Claim, b: &Claim) -> bool {
    let reads = |claim: &Claim| matches!(claim, Claim::Read | Claim::ReadBytes(_));
    let empty = |claim: &Claim| matches!(claim, Claim::WriteBytes(bytes) if bytes.is_empty());
    (reads(a) || empty(a)) && (reads(b) || empty(b))
}

/// On the twin of Linux, which has the whole-file locks of the other Unix systems, ranges exclude more than they need.
fn has_ranges(place: &Place) -> bool {
    place.memory.is_some()
        || cfg!(any(windows, target_vendor = "apple", all(target_os = "linux", not(outcore_portable))))
}

fn locked(result: Result<()>) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("open without a lock")), "{error}");
    error
}

#[test]
fn who_excludes_whom() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let open = || place.open(&path, Access::ReadWrite).unwrap();
        let rule = if has_ranges(place) { coexist } else { coexist_coarsely };
        let mut allowed = 0;
        for a in claims() {
            for b in claims() {
                let (first, second) = (open(), open());
                first.claim(ADVISORY, &a).unwrap();
                let result = second.claim(ADVISORY, &b);
                assert_eq!(result.is_ok(), rule(&a, &b), "{b:?} beside {a:?}: {result:?}");
                allowed += usize::from(result.is_ok());
                if result.is_err() {
                    let error = locked(result);
                    assert_eq!(error.path(), Some(&*path));
                    // A failed claim leaves nothing: the first one can have everything.
                    first.claim(ADVISORY, &Claim::Write).unwrap();
                }
                // Without a lock nothing is in the way, and nothing is held.
                let third = open();
                third.claim(LockPolicy::None, &b).unwrap();
                assert!(!third.holds_write());
                drop((first, second, third));
                // All is gone with the handles.
                open().claim(ADVISORY, &Claim::Write).unwrap();
            }
        }
        assert!(allowed > 15, "{allowed}");
    });
}

#[test]
fn a_refusal_says_what_was_asked_for() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let first = place.open(&path, Access::ReadWrite).unwrap();
        first.claim(ADVISORY, &Claim::Write).unwrap();
        assert!(first.holds_write());
        let second = place.open(&path, Access::ReadWrite).unwrap();
        for (claim, words) in [
            (Claim::Read, "the shared lock of a reader: another handle has the file open for writing"),
            (Claim::ReadBytes(128..256), "the rows' bytes 128..256 for reading"),
            (Claim::WriteBytes(128..256), "the rows' bytes 128..256 for writing"),
            (Claim::Append, "the lock of an appender: another handle is appending or has the file open for writing"),
            (Claim::Write, "the exclusive lock of a writer: another handle has the file open"),
        ] {
            let error = locked(second.claim(ADVISORY, &claim));
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        }
        assert!(!second.holds_write());
    });
}

#[test]
fn claims_add_up_and_none_weakens_another() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let open = || place.open(&path, Access::ReadWrite).unwrap();
        let first = open();
        first.claim(ADVISORY, &Claim::Read).unwrap();
        first.claim(ADVISORY, &Claim::WriteBytes(100..200)).unwrap();
        // Would weaken it, if it were taken as it is.
        first.claim(ADVISORY, &Claim::ReadBytes(50..300)).unwrap();
        first.claim(ADVISORY, &Claim::Append).unwrap();
        first.clone().claim(ADVISORY, &Claim::Read).unwrap();
        locked(open().claim(ADVISORY, &Claim::ReadBytes(199..201)));
        locked(open().claim(ADVISORY, &Claim::WriteBytes(60..61)));
        locked(open().claim(ADVISORY, &Claim::Append));
        if has_ranges(place) {
            open().claim(ADVISORY, &Claim::ReadBytes(50..100)).unwrap();
            open().claim(ADVISORY, &Claim::WriteBytes(300..400)).unwrap();
        }
        first.claim(ADVISORY, &Claim::Write).unwrap();
        for claim in claims() {
            first.claim(ADVISORY, &claim).unwrap();
            assert!(first.holds_write());
            locked(open().claim(ADVISORY, &Claim::Read));
        }
    });
}

#[test]
fn a_failed_upgrade_keeps_the_older_claim() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let open = || place.open(&path, Access::ReadWrite).unwrap();
        let mut upgrades = vec![(Claim::Read, Claim::Write, Claim::Read)];
        // With locks of the whole file, whoever may write is alone.
        if has_ranges(place) {
            upgrades.extend([
                (Claim::Append, Claim::Write, Claim::Read),
                (Claim::WriteBytes(0..10), Claim::Write, Claim::Read),
                (Claim::WriteBytes(0..10), Claim::WriteBytes(0..20), Claim::ReadBytes(15..16)),
                (Claim::ReadBytes(0..10), Claim::WriteBytes(0..10), Claim::ReadBytes(9..10)),
                (Claim::Append, Claim::ReadBytes(0..20), Claim::WriteBytes(15..16)),
                (Claim::WriteBytes(0..10), Claim::ReadBytes(0..20), Claim::WriteBytes(15..16)),
            ]);
        }
        for (held, wanted, other) in upgrades {
            let (first, second) = (open(), open());
            first.claim(ADVISORY, &held).unwrap();
            second.claim(ADVISORY, &other).unwrap();
            for _ in 0..2 {
                locked(first.claim(ADVISORY, &wanted));
                assert!(!first.holds_write());
            }
            drop(second);
            // It holds what it held, and nothing more.
            let rule = if has_ranges(place) { coexist } else { coexist_coarsely };
            for claim in claims() {
                let result = open().claim(ADVISORY, &claim);
                assert_eq!(result.is_ok(), rule(&held, &claim), "{claim:?} beside {held:?}, not {wanted:?}");
            }
            first.claim(ADVISORY, &wanted).unwrap();
            locked(open().claim(ADVISORY, &Claim::Write));
        }
    });
}

/// Two readers want to become writers: the one waits for the other, neither loses what it has.
#[test]
fn of_two_upgrades_neither_succeeds() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let (first, second) =
            (place.open(&path, Access::ReadWrite).unwrap(), place.open(&path, Access::ReadWrite).unwrap());
        first.claim(ADVISORY, &Claim::Read).unwrap();
        second.claim(ADVISORY, &Claim::Read).unwrap();
        locked(first.claim(ADVISORY, &Claim::Write));
        locked(second.claim(ADVISORY, &Claim::Write));
        drop(second);
        first.claim(ADVISORY, &Claim::Write).unwrap();
    });
}

#[test]
fn a_writer_goes_back_to_less() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let open = || place.open(&path, Access::ReadWrite).unwrap();
        for smaller in claims() {
            let first = open();
            // Without the greatest claim there is nothing to give back.
            first.release_to(&smaller).unwrap();
            first.claim(ADVISORY, &Claim::Append).unwrap();
            first.release_to(&Claim::Read).unwrap();
            locked(open().claim(ADVISORY, &Claim::Append));
            first.claim(ADVISORY, &Claim::Write).unwrap();
            first.release_to(&smaller).unwrap();
            assert_eq!(first.holds_write(), smaller == Claim::Write);
            let rule = if has_ranges(place) { coexist } else { coexist_coarsely };
            for claim in claims() {
                let result = open().claim(ADVISORY, &claim);
                assert_eq!(result.is_ok(), rule(&smaller, &claim), "{claim:?} beside {smaller:?}");
            }
            first.claim(ADVISORY, &Claim::Write).unwrap();
            locked(open().claim(ADVISORY, &Claim::Read));
        }
    });
}

/// Others try all the time, never come in, and are never in the way.
#[test]
#[cfg_attr(
    not(all(target_os = "linux", not(outcore_portable))),
    ignore = "elsewhere a lock may be given up before another is taken"
)]
fn a_writer_that_goes_back_never_lets_go() {
    let place = Place::disk();
    let path = place.with("a", &[1; 3000]);
    let open = || place.open(&path, Access::ReadWrite).unwrap();
    let first = open();
    first.claim(ADVISORY, &Claim::Write).unwrap();
    std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let other = open();
            // A claim that is refused waits between its attempts; an attempt does not.
            for _ in 0..40 {
                locked(other.claim(ADVISORY, &Claim::Append));
                locked(other.claim(ADVISORY, &Claim::Write));
                for _ in 0..100 {
                    assert!(!other.backend_file().try_lock(APPEND, Lock::Exclusive).unwrap());
                    assert!(!other.backend_file().try_lock(EVERYTHING, Lock::Exclusive).unwrap());
                }
            }
        });
        while !others.is_finished() {
            first.release_to(&Claim::Append).unwrap();
            first.claim(ADVISORY, &Claim::Write).unwrap();
        }
    });
}

#[test]
fn a_mapping_keeps_the_locks_of_its_file() {
    on_both(|place| {
        let path = place.with("a", &[1; 5000]);
        let open = || place.open(&path, Access::ReadWrite).unwrap();
        for claim in [Claim::WriteBytes(0..4096), Claim::Append, Claim::Write] {
            let file = open();
            file.claim(ADVISORY, &claim).unwrap();
            // SAFETY: nobody else knows the file, and nobody changes it.
            let mapping = unsafe { file.map(MapMode::ReadWrite, 0, 5000) }.unwrap();
            drop(file);
            locked(open().claim(ADVISORY, &claim));
            drop(mapping);
            open().claim(ADVISORY, &claim).unwrap();
        }
    });
}

#[test]
fn what_cannot_be_locked_is_an_error() {
    on_both(|place| {
        let path = place.with("a", &[1; 3000]);
        let writer = place.open(&path, Access::ReadWrite).unwrap();
        let reversed = Range { start: 7, end: 6 };
        for bytes in [reversed, 0..(1 << 61) + 1, u64::MAX - 1..u64::MAX] {
            for claim in [Claim::ReadBytes(bytes.clone()), Claim::WriteBytes(bytes)] {
                let error = writer.claim(ADVISORY, &claim).unwrap_err();
                assert_eq!((error.kind(), error.path()), (ErrorKind::InvalidArgument, Some(&*path)));
            }
        }
        writer.claim(ADVISORY, &Claim::WriteBytes(0..1 << 61)).unwrap();
        drop(writer);
        // Who may not write has no writer's locks, and keeps those of a reader.
        let reader = place.open(&path, Access::Read).unwrap();
        reader.claim(ADVISORY, &Claim::ReadBytes(0..10)).unwrap();
        for claim in [Claim::WriteBytes(0..10), Claim::Append, Claim::Write] {
            assert_eq!(reader.claim(ADVISORY, &claim).unwrap_err().kind(), ErrorKind::ReadOnly);
        }
        locked(place.open(&path, Access::ReadWrite).unwrap().claim(ADVISORY, &Claim::WriteBytes(9..11)));
    });
}

#[test]
fn a_failing_call_leaves_the_older_claim() {
    for (held, wanted) in [
        (None, Claim::WriteBytes(0..10)),
        (Some(Claim::Append), Claim::Write),
        (Some(Claim::Read), Claim::Append),
        (Some(Claim::WriteBytes(3..5)), Claim::ReadBytes(0..10)),
    ] {
        for n in 1.. {
            let place = Place::memory();
            let disk = place.memory.clone().unwrap();
            let path = place.with("a", &[1; 3000]);
            let file = place.open(&path, Access::ReadWrite).unwrap();
            if let Some(held) = &held {
                file.claim(ADVISORY, held).unwrap();
            }
            disk.fail_at(n, io::ErrorKind::Other);
            let result = file.claim(ADVISORY, &wanted);
            if disk.failure_pending() {
                result.unwrap();
                assert!(n > 1);
                break;
            }
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Io);
            for claim in claims() {
                let open = place.open(&path, Access::ReadWrite).unwrap();
                let expected = held.as_ref().is_none_or(|held| coexist(held, &claim));
                assert_eq!(open.claim(ADVISORY, &claim).is_ok(), expected, "{claim:?} beside {held:?}");
            }
        }
    }
}

/// A file system that has no locks is used without, and nobody takes that for a writer's lock.
#[test]
fn without_locks_every_claim_is_granted_and_none_is_held() {
    let place = Place::memory();
    let disk = place.memory.clone().unwrap();
    let file = place.open(&place.with("a", b"x"), Access::ReadWrite).unwrap();
    disk.fail_at(1, io::ErrorKind::Unsupported);
    file.claim(ADVISORY, &Claim::Write).unwrap();
    assert!(!file.holds_write());
    file.release_to(&Claim::Append).unwrap();
}

#[test]
fn a_lock_that_was_lost_is_not_believed_in() {
    let place = Place::memory();
    let disk = place.memory.clone().unwrap();
    let file = place.open(&place.with("a", b"x"), Access::ReadWrite).unwrap();
    file.claim(ADVISORY, &Claim::Read).unwrap();
    disk.fail_at(1, io::ErrorKind::Deadlock);
    assert_eq!(file.claim(ADVISORY, &Claim::Write).unwrap_err().kind(), ErrorKind::Locked);
    // It asks anew.
    disk.fail_at(1, io::ErrorKind::Other);
    file.claim(ADVISORY, &Claim::Read).unwrap_err();
}

#[test]
fn locks_hold_across_processes_and_go_with_a_killed_one() {
    const CHILD: &str = "OUTCORE_TEST_LOCK_HOLDER";
    let claim_number = |number: usize| claims()[number].clone();
    if let Some(told) = std::env::var_os(CHILD) {
        let told = told.into_string().unwrap();
        let (number, dir) = told.split_once(':').unwrap();
        let dir = Path::new(dir);
        let backend: Arc<dyn Backend> = Arc::new(Disk);
        let file = File::open(&backend, &dir.join("a"), Access::ReadWrite).unwrap();
        file.claim(ADVISORY, &claim_number(number.parse().unwrap())).unwrap();
        // SAFETY: nobody changes the file.
        let mapping = unsafe { file.map(MapMode::ReadWrite, 0, 3000) }.unwrap();
        drop(file);
        std::fs::write(dir.join("ready"), "").unwrap();
        // Until the parent kills this process, or is gone itself.
        let _ = io::stdin().read_line(&mut String::new());
        drop(mapping);
        return;
    }
    let place = Place::disk();
    let path = place.with("a", &[1; 3000]);
    let rule = if has_ranges(&place) { coexist } else { coexist_coarsely };
    for (number, held) in claims().into_iter().enumerate() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["locks_hold_across_processes", "--quiet"])
            .env(CHILD, format!("{number}:{}", path.parent().unwrap().display()))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let ready = place.path("ready");
        while !ready.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the holder ended early");
            std::thread::sleep(Duration::from_millis(1));
        }
        for claim in claims() {
            let result = place.open(&path, Access::ReadWrite).unwrap().claim(ADVISORY, &claim);
            assert_eq!(result.is_ok(), rule(&held, &claim), "{claim:?} beside {held:?}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_file(ready).unwrap();
        place.open(&path, Access::ReadWrite).unwrap().claim(ADVISORY, &Claim::Write).unwrap();
    }
}
