use std::io;
use std::path::Path;
use std::sync::Arc;

use super::super::tests::{Place, on_both};
use super::super::{Access, Backend, Fate, LockPolicy, MemoryDisk, Operation};
use super::*;

const HEAD: &[u8] = b"head";
const LEN: u64 = 9_000;

/// What the new files begin with.
fn head(file: &File) -> Result<()> {
    file.write_all_at(HEAD, 0)
}

fn expected() -> Vec<u8> {
    let mut all = vec![0; usize::try_from(LEN).unwrap()];
    all[..HEAD.len()].copy_from_slice(HEAD);
    all
}

fn create_at(place: &Place, path: &Path, overwrite: bool) -> Result<Created> {
    create(&place.backend, path, LEN, Reserve::Full, overwrite, LockPolicy::Advisory, head)
}

#[test]
fn a_new_file_is_head_and_zeros() {
    on_both(|place| {
        let path = place.path("new");
        let created = create_at(place, &path, false).unwrap();
        assert_eq!(place.names(), [&*path]);
        // Through the handle, since on Windows its lock keeps others from reading.
        let mut content = vec![9; expected().len()];
        created.file.read_exact_at(&mut content, 0).unwrap();
        assert_eq!((content, created.file.len().unwrap()), (expected(), LEN));
        assert_eq!((created.file.path(), created.file.is_writable()), (&*path, true));
        // It holds the writer's lock already.
        let other =
            place.open(&path, Access::ReadWrite).and_then(|other| other.claim(LockPolicy::Advisory, &Claim::Read));
        assert_eq!(other.unwrap_err().kind(), ErrorKind::Locked);
        created.file.write_all_at(b"tail", LEN - 4).unwrap();
        drop(created);
        assert!(place.content(&path).ends_with(b"tail"));
    });
}

#[test]
fn an_existing_file_stays_without_overwrite() {
    on_both(|place| {
        let path = place.with("old", b"old");
        for _ in 0..2 {
            let error = create_at(place, &path, false).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::AlreadyExists, Some(&*path)));
            assert!(error.hint().unwrap().contains("overwrit"), "{error}");
        }
        assert_eq!((place.names(), place.content(&path)), (vec![path], b"old".to_vec()));
    });
}

/// Somebody else creates the file while ours is being written.
#[test]
fn a_file_that_appears_meanwhile_stays() {
    on_both(|place| {
        let path = place.path("new");
        let error = replace_file(&place.backend, &path, false, LockPolicy::Advisory, |_| {
            place.with("new", b"theirs");
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!((place.names(), place.content(&path)), (vec![path], b"theirs".to_vec()));
    });
}

#[test]
fn overwrite_replaces_and_old_handles_keep_the_old_file() {
    on_both(|place| {
        if !place.replaces_open_files() {
            return;
        }
        let path = place.with("old", b"old");
        let old = place.open(&path, Access::Read).unwrap();
        create_at(place, &path, true).unwrap();
        assert_eq!((place.names(), place.content(&path)), (vec![path], expected()));
        let mut found = [0; 3];
        old.read_exact_at(&mut found, 0).unwrap();
        assert_eq!(&found, b"old");
        // Where there is nothing to overwrite, it creates.
        create_at(place, &place.path("new"), true).unwrap();
        assert_eq!(place.content(&place.path("new")), expected());
    });
}

#[test]
fn a_locked_file_is_not_replaced() {
    on_both(|place| {
        let path = place.with("old", b"old");
        for writer in [false, true] {
            let user = place.open(&path, Access::ReadWrite).unwrap();
            user.claim(LockPolicy::Advisory, if writer { &Claim::Write } else { &Claim::Read }).unwrap();
            assert_eq!(create_at(place, &path, true).unwrap_err().kind(), ErrorKind::Locked);
            drop(user);
            assert_eq!((place.names(), place.content(&path)), (vec![path.clone()], b"old".to_vec()));
        }
        if !place.replaces_open_files() {
            return;
        }
        let user = place.open(&path, Access::Read).unwrap();
        user.claim(LockPolicy::Advisory, &Claim::Read).unwrap();
        create(&place.backend, &path, LEN, Reserve::Sparse, true, LockPolicy::None, head).unwrap();
        assert_eq!(place.content(&path), expected());
    });
}

fn held(place: &Place, path: &Path) -> File {
    let file = place.open(path, Access::ReadWrite).unwrap();
    file.claim(LockPolicy::Advisory, &Claim::Write).unwrap();
    file
}

#[test]
fn a_file_that_is_held_can_be_replaced_by_its_holder_alone() {
    on_both(|place| {
        if !place.replaces_open_files() {
            return;
        }
        let path = place.with("old", b"old");
        let old = held(place, &path);
        assert_eq!(create_at(place, &path, true).unwrap_err().kind(), ErrorKind::Locked);
        let new = replace_held(&place.backend, &path, &old, |file| file.write_all_at(b"new", 0)).unwrap();
        assert_eq!((place.names(), place.content(&path)), (vec![path.clone()], b"new".to_vec()));
        // Both are locked: the old one, which is nameless, and the new one.
        assert!(old.holds_write() && new.holds_write());
        drop(old);
        let other = place.open(&path, Access::ReadWrite).unwrap();
        assert_eq!(other.claim(LockPolicy::Advisory, &Claim::Read).unwrap_err().kind(), ErrorKind::Locked);
        // Again, by the new handle.
        drop(replace_held(&place.backend, &path, &new, |file| file.write_all_at(b"newer", 0)).unwrap());
        assert_eq!(place.content(&path), b"newer");
    });
}

#[test]
fn who_holds_no_lock_gets_none() {
    on_both(|place| {
        if !place.replaces_open_files() {
            return;
        }
        let path = place.with("old", b"old");
        let old = place.open(&path, Access::ReadWrite).unwrap();
        let new = replace_held(&place.backend, &path, &old, |file| file.write_all_at(b"new", 0)).unwrap();
        assert!(!new.holds_write());
        place.open(&path, Access::ReadWrite).unwrap().claim(LockPolicy::Advisory, &Claim::Write).unwrap();
    });
}

#[test]
fn a_name_that_leads_elsewhere_by_now_is_not_replaced() {
    on_both(|place| {
        let path = place.with("old", b"old");
        let old = held(place, &path);
        place.backend.rename(&path, &place.path("moved"), false).unwrap();
        let forbidden = |_: &File| panic!("must not be called");
        let error = replace_held(&place.backend, &path, &old, forbidden).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, Some(&*path)), "{error}");
        place.with("old", b"theirs");
        let error = replace_held(&place.backend, &path, &old, forbidden).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)), "{error}");
        assert_eq!((place.names().len(), place.content(&path)), (2, b"theirs".to_vec()));
    });
}

#[test]
fn replacing_a_held_file_fails_whole() {
    on_both(|place| {
        let path = place.with("old", b"old");
        let old = held(place, &path);
        let failing = |file: &File| file.write_all_at(b"half", 0).and(Err(Error::new(ErrorKind::Cancelled, "stop")));
        assert_eq!(replace_held(&place.backend, &path, &old, failing).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!((place.names(), place.content(&path)), (vec![path], b"old".to_vec()));
        assert!(old.holds_write());
    });
    for n in 1.. {
        let place = Place::memory();
        let disk = place.memory.clone().unwrap();
        let path = place.with("old", b"old");
        let old = held(&place, &path);
        disk.fail_at(n, io::ErrorKind::Other);
        let result = replace_held(&place.backend, &path, &old, |file| file.write_all_at(b"new", 0));
        let content = disk.read(&path).unwrap();
        assert_eq!(disk.names(), [&*path]);
        if disk.failure_pending() {
            result.unwrap();
            assert_eq!(content, b"new");
            assert!(n > 8, "{n}");
            break;
        }
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)));
        assert!(content == b"old" || content == b"new");
    }
}

#[test]
fn an_error_or_a_panic_of_the_writer_leaves_nothing() {
    on_both(|place| {
        let path = place.with("old", b"old");
        let failing = |_: &File| Err(Error::new(ErrorKind::Cancelled, "stop"));
        let error = replace_file(&place.backend, &path, true, LockPolicy::Advisory, failing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let panicking = std::panic::AssertUnwindSafe(|| {
            replace_file(&place.backend, &path, true, LockPolicy::Advisory, |_| panic!("on purpose"))
        });
        assert!(std::panic::catch_unwind(panicking).is_err());
        assert_eq!((place.names(), place.content(&path)), (vec![path], b"old".to_vec()));
    });
}

#[test]
fn paths_without_a_name_or_a_folder_are_errors() {
    on_both(|place| {
        for name in ["..", "/", ""] {
            let error = create_at(place, Path::new(name), false).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::NotAFile | ErrorKind::AlreadyExists), "{name}: {error}");
        }
    });
    let place = Place::disk();
    let path = place.path("none").join("a");
    let error = create_at(&place, &path, false).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, Some(&*path)));
}

#[test]
fn temporary_names_are_recognisable_short_and_fresh() {
    let long = "ü".repeat(127);
    let mut seen = Vec::new();
    for stem in ["a.npy", "a.npy", &long] {
        let (path, ()) = with_free_name(Path::new("d"), OsStr::new(stem), |_| Ok(())).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.starts_with('.') && name.ends_with(".outcore-tmp") && name.len() < 255, "{name}");
        assert!(!seen.contains(&name));
        seen.push(name);
    }
    assert!(seen[0].starts_with(".a.npy."));
    // A name that is taken is not the end.
    let mut taken = 3;
    let found = with_free_name(Path::new("d"), OsStr::new("a"), |_| {
        taken -= 1;
        if taken > 0 { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(()) }
    });
    assert!(found.is_ok());
}

#[test]
fn every_failing_call_leaves_the_old_file_or_the_new_one_and_nothing_else() {
    for failure in [io::ErrorKind::Other, io::ErrorKind::StorageFull] {
        for old in [None, Some(b"old".to_vec())] {
            let mut tried = 0;
            for n in 1.. {
                let place = Place::memory();
                let disk = place.memory.clone().unwrap();
                let path = place.path("a");
                if let Some(old) = &old {
                    place.with("a", old);
                }
                disk.fail_at(n, failure);
                let result = create_at(&place, &path, true);
                let exhausted = disk.failure_pending();
                disk.fail_at(0, failure);
                let content = disk.read(&path);
                match result {
                    Ok(_) => {
                        assert!(exhausted, "call {n} failed unnoticed");
                        assert_eq!(content, Some(expected()));
                        break;
                    }
                    Err(error) => {
                        assert_eq!(error.path(), Some(&*path), "{error}");
                        let kind = if failure == io::ErrorKind::Other { ErrorKind::Io } else { ErrorKind::OutOfSpace };
                        assert_eq!(error.kind(), kind, "{error}");
                    }
                }
                assert!(content == old || content == Some(expected()));
                assert!(disk.names().iter().all(|name| *name == path), "{:?}", disk.names());
                tried += 1;
            }
            assert!(tried >= 8, "{tried}");
        }
    }
}

/// All ways in which the operations that no sync covers can end, as numbers to the base of three.
fn crash_images(disk: &MemoryDisk, mut check: impl FnMut(&MemoryDisk)) -> u32 {
    let mut count = 0;
    for prefix in 0..=disk.operations().len() {
        for choice in 0.. {
            let mut digits = choice;
            let image = disk.crash_image(prefix, |_, _| {
                let fate = [Fate::Lost, Fate::Kept, Fate::Torn(2)][digits % 3];
                digits /= 3;
                fate
            });
            if digits > 0 {
                break;
            }
            check(&image);
            count += 1;
        }
    }
    count
}

#[test]
fn every_crash_leaves_the_old_file_nothing_or_the_new_one() {
    for old in [None, Some(b"old".to_vec())] {
        let place = Place::memory();
        let path = place.path("a");
        if let Some(old) = &old {
            place.with("a", old);
        }
        // The old file is durable.
        let before = place.memory.clone().unwrap();
        let disk = before.crash_image(before.operations().len(), |_, _| Fate::Kept);
        let backend: Arc<dyn Backend> = Arc::new(disk.clone());
        create(&backend, &path, LEN, Reserve::Full, true, LockPolicy::Advisory, head).unwrap();
        let (mut saw_old, mut saw_new) = (false, false);
        let count = crash_images(&disk, |image| {
            let content = image.read(&path);
            (saw_old, saw_new) = (saw_old || content == old, saw_new || content == Some(expected()));
            assert!(content == old || content == Some(expected()), "{:?}", image.names());
            for name in image.names() {
                assert!(name == path || name.to_string_lossy().ends_with(".outcore-tmp"));
            }
        });
        assert!(saw_old && saw_new && count > 50, "{count}");
        // After the return it is the new one for good.
        let after = disk.crash_image(disk.operations().len(), |_, _| Fate::Lost);
        assert_eq!((after.names(), after.read(&path)), (vec![path], Some(expected())));
    }
}

/// The order that the crash test depends on: content is durable before the name moves.
#[test]
fn the_file_is_synced_before_it_gets_its_name() {
    let place = Place::memory();
    create_at(&place, &place.path("a"), false).unwrap();
    let log = place.memory.unwrap().operations();
    let at = |wanted: fn(&Operation) -> bool| log.iter().rposition(wanted).unwrap();
    let sync = at(|operation| matches!(operation, Operation::Sync { .. }));
    let rename = at(|operation| matches!(operation, Operation::Rename { .. }));
    assert!(at(|operation| matches!(operation, Operation::Write { .. })) < sync);
    assert!(at(|operation| matches!(operation, Operation::SetLen { .. })) < sync);
    assert!(sync < rename);
    assert!(rename < at(|operation| matches!(operation, Operation::SyncDir { .. })));
}

#[cfg(not(unix))]
#[test]
#[ignore = "links, modes and the umask are those of Unix"]
fn unix() {}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::super::super::Disk;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let place = Place::disk();
        let target = place.with("target", b"old");
        let link = place.path("link");
        symlink("target", &link).unwrap();
        assert_eq!(create_at(&place, &link, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let created = create_at(&place, &link, true).unwrap();
        assert_eq!(created.file.path(), link);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(place.content(&target), expected());
        let dangling = place.path("dangling");
        symlink("none", &dangling).unwrap();
        assert_eq!(create_at(&place, &dangling, false).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(create_at(&place, &dangling, true).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
    }

    #[test]
    fn a_held_file_is_replaced_behind_its_link_and_keeps_its_permissions() {
        let place = Place::disk();
        let target = place.with("target", b"old");
        fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
        let link = place.path("link");
        symlink("target", &link).unwrap();
        let old = held(&place, &link);
        replace_held(&place.backend, &link, &old, |file| file.write_all_at(b"new", 0)).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((place.content(&target), mode(&target)), (b"new".to_vec(), 0o640));
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let place = Place::disk();
        let dir = place.path("dir");
        fs::create_dir(&dir).unwrap();
        assert_eq!(create_at(&place, &dir, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        for path in [&*dir, Path::new("/dev/null")] {
            assert_eq!(create_at(&place, path, true).unwrap_err().kind(), ErrorKind::NotAFile);
        }
        assert_eq!(place.names(), [dir]);
    }

    #[test]
    fn the_permissions_of_the_old_file_are_kept() {
        let place = Place::disk();
        for wanted in [0o600, 0o640, 0o666, 0o755] {
            let path = place.with("old", b"old");
            fs::set_permissions(&path, Permissions::from_mode(wanted)).unwrap();
            create_at(&place, &path, true).unwrap();
            assert_eq!(mode(&path), wanted);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_write_protected_file_is_not_replaced() {
        let place = Place::disk();
        let path = place.with("old", b"old");
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        if OpenOptions::new().write(true).open(&path).is_ok() {
            eprintln!("skipped: this user may write to protected files");
            return;
        }
        assert_eq!(create_at(&place, &path, true).unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!((place.names(), place.content(&path)), (vec![path], b"old".to_vec()));
    }

    /// The umask belongs to the process, so that another one must try it.
    #[test]
    fn new_files_honour_the_umask() {
        const CHILD: &str = "OUTCORE_TEST_UMASK_DIR";
        if let Some(dir) = std::env::var_os(CHILD) {
            let backend: Arc<dyn Backend> = Arc::new(Disk);
            let path = PathBuf::from(dir).join("new");
            create(&backend, &path, LEN, Reserve::Full, false, LockPolicy::Advisory, head).unwrap();
            return;
        }
        for (umask, wanted) in [("077", 0o600), ("022", 0o644), ("000", 0o666)] {
            let place = Place::disk();
            let path = place.path("new");
            let status = std::process::Command::new("sh")
                .args(["-c", &format!("umask {umask}; exec \"$0\" new_files_honour_the_umask --quiet")])
                .arg(std::env::current_exe().unwrap())
                .env(CHILD, path.parent().unwrap())
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap();
            assert!(status.success());
            assert_eq!(mode(&path), wanted, "umask {umask}");
        }
    }

    #[cfg(all(target_os = "linux", not(outcore_portable)))]
    #[test]
    fn room_is_reserved_unless_sparse() {
        let place = Place::disk();
        let make = |name: &str, reserve| {
            let path = place.path(name);
            let len = 1 << 20;
            let created = create(&place.backend, &path, len, reserve, false, LockPolicy::Advisory, head).unwrap();
            (created.reserved, fs::metadata(&path).unwrap().blocks() * 512)
        };
        let (reserved, bytes) = make("full", Reserve::Full);
        assert!(!reserved || bytes >= 1 << 20, "{bytes}");
        let (reserved, bytes) = make("sparse", Reserve::Sparse);
        assert!(!reserved && bytes < 1 << 20, "{bytes}");
    }

    /// More than any disk has: refused by the reservation, with the size, and nothing stays.
    #[cfg(all(target_os = "linux", not(outcore_portable)))]
    #[test]
    fn a_reservation_that_cannot_be_met_leaves_nothing() {
        let place = Place::disk();
        let path = place.path("new");
        match create(&place.backend, &path, 1 << 62, Reserve::Full, false, LockPolicy::Advisory, head) {
            Ok(created) => assert!(!created.reserved),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::OutOfSpace | ErrorKind::TooLarge), "{error}");
                assert!(error.to_string().contains("4611686018427387904 bytes"), "{error}");
                assert!(place.names().is_empty());
            }
        }
    }
}
