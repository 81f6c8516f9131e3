use super::super::tests::{Place, on_both};
use super::super::{Fate, MemoryDisk};
use super::*;

fn put(place: &Place, file: &File, content: &[u8]) -> Result<()> {
    let journal = sidecar(&place.backend, file.path())?;
    write_sidecar(&place.backend, &journal, file, |file| file.write_all_at(content, 0))
}

#[test]
fn a_sidecar_comes_and_goes() {
    on_both(|place| {
        let path = place.with("a.npy", b"array");
        let file = place.open(&path, Access::ReadWrite).unwrap();
        let journal = sidecar(&place.backend, &path).unwrap();
        assert_eq!(journal, place.path(".a.npy.outcore-journal"));
        // Before the file exists, too.
        let early = sidecar(&place.backend, &place.path("b")).unwrap();
        assert_eq!(early, place.path(".b.outcore-journal"));
        remove_sidecar(&place.backend, &journal).unwrap();
        for access in [Access::Read, Access::ReadWrite] {
            assert!(open_sidecar(&place.backend, &journal, access).unwrap().is_none());
        }
        for content in [&b"first"[..], b"2nd"] {
            put(place, &file, content).unwrap();
            let found = open_sidecar(&place.backend, &journal, Access::Read).unwrap().unwrap();
            let mut bytes = vec![0; usize::try_from(found.len().unwrap()).unwrap()];
            found.read_exact_at(&mut bytes, 0).unwrap();
            assert_eq!((&*bytes, place.names().len()), (content, 2));
        }
        remove_sidecar(&place.backend, &journal).unwrap();
        assert_eq!((place.names(), place.content(&path)), (vec![path], b"array".to_vec()));
        let error = sidecar(&place.backend, Path::new("..")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAFile);
    });
}

#[test]
fn a_sidecar_is_all_there_or_the_old_one_is() {
    for n in 1.. {
        let place = Place::memory();
        let disk = place.memory.clone().unwrap();
        let path = place.with("a", b"array");
        let file = place.open(&path, Access::ReadWrite).unwrap();
        put(&place, &file, b"old").unwrap();
        let journal = sidecar(&place.backend, &path).unwrap();
        disk.fail_at(n, io::ErrorKind::Other);
        let result = put(&place, &file, b"new").and_then(|()| remove_sidecar(&place.backend, &journal));
        if disk.failure_pending() {
            result.unwrap();
            assert_eq!(disk.names(), [path]);
            break;
        }
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Io);
        assert!(disk.names().iter().all(|name| *name == path || *name == journal), "{:?}", disk.names());
        assert!(disk.read(&journal).is_none_or(|content| content == b"old" || content == b"new"));
    }
}

/// After the call it is there for good, after the other gone for good, and between them anything but half.
#[test]
fn a_sidecar_is_durable_when_it_is_written_and_when_it_is_removed() {
    let place = Place::memory();
    let disk = place.memory.clone().unwrap();
    let path = place.with("a", b"array");
    let file = place.open(&path, Access::ReadWrite).unwrap();
    let journal = sidecar(&place.backend, &path).unwrap();
    let after = |fate| -> MemoryDisk { disk.crash_image(disk.operations().len(), |_, _| fate) };
    put(&place, &file, b"all of it").unwrap();
    let written = disk.operations().len();
    assert_eq!(after(Fate::Lost).read(&journal).unwrap(), b"all of it");
    for prefix in 0..written {
        for fate in [Fate::Lost, Fate::Kept, Fate::Torn(3)] {
            let found = disk.crash_image(prefix, |_, _| fate).read(&journal);
            assert!(found.is_none_or(|content| content == b"all of it"));
        }
    }
    // Also if the first attempt removed the name and could not make that durable.
    disk.fail_at(2, io::ErrorKind::Other);
    assert_eq!(remove_sidecar(&place.backend, &journal).unwrap_err().path(), Some(&*journal));
    assert_eq!(after(Fate::Lost).read(&journal).unwrap(), b"all of it");
    remove_sidecar(&place.backend, &journal).unwrap();
    assert_eq!(after(Fate::Lost).read(&journal), None);
}

#[cfg(not(unix))]
#[test]
#[ignore = "links and modes are those of Unix"]
fn unix() {}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn it_lies_beside_the_file_behind_a_link_with_its_permissions() {
        let place = Place::disk();
        let dir = place.path("dir");
        fs::create_dir(&dir).unwrap();
        let target = dir.join("target");
        fs::write(&target, b"array").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        let link = place.path("link");
        symlink("dir/target", &link).unwrap();
        let file = place.open(&link, Access::ReadWrite).unwrap();
        put(&place, &file, b"journal").unwrap();
        let journal = sidecar(&place.backend, &link).unwrap();
        assert_eq!(journal, fs::canonicalize(dir).unwrap().join(".target.outcore-journal"));
        assert_eq!(fs::metadata(journal).unwrap().mode() & 0o7777, 0o640);
    }

    /// What somebody has planted in its place is neither followed nor read, and nothing hangs.
    #[test]
    fn what_is_no_file_is_no_sidecar() {
        let place = Place::disk();
        let victim = place.with("victim", b"theirs");
        let path = place.with("a", b"array");
        let journal = sidecar(&place.backend, &path).unwrap();
        symlink(&victim, &journal).unwrap();
        for access in [Access::Read, Access::ReadWrite] {
            let error = open_sidecar(&place.backend, &journal, access).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::NotAFile, Some(&*journal)));
        }
        // Writing and removing it concern the link.
        let file = place.open(&path, Access::ReadWrite).unwrap();
        put(&place, &file, b"journal").unwrap();
        assert!(fs::symlink_metadata(&journal).unwrap().is_file());
        remove_sidecar(&place.backend, &journal).unwrap();
        assert_eq!(place.content(&victim), b"theirs");
        assert!(std::process::Command::new("mkfifo").arg(&journal).status().unwrap().success());
        let error = open_sidecar(&place.backend, &journal, Access::Read).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAFile);
    }

    /// A file whose name leaves no room for a longer one has no sidecar, and can be opened nevertheless.
    #[test]
    fn a_name_too_long_for_a_sidecar_has_none() {
        let place = Place::disk();
        let path = place.with(&"n".repeat(250), b"array");
        let journal = sidecar(&place.backend, &path).unwrap();
        assert!(open_sidecar(&place.backend, &journal, Access::Read).unwrap().is_none());
        remove_sidecar(&place.backend, &journal).unwrap();
        let file = place.open(&path, Access::ReadWrite).unwrap();
        assert!(put(&place, &file, b"journal").is_err());
        assert_eq!(place.names(), [path]);
    }
}
