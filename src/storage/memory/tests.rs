//! The disk that judges the others is judged here.

use std::sync::Arc;

use super::super::{Claim, File, LockPolicy, MapMode};
use super::*;

fn path(name: &str) -> PathBuf {
    Path::new("d").join(name)
}

fn all_of(fate: Fate) -> impl FnMut(usize, &Operation) -> Fate {
    move |_, _| fate
}

/// A durable file "a" on a disk with an empty log.
fn disk_with(content: &[u8]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_new(&path("a"), None, Sharing::All).unwrap().write_at(content, 0).unwrap();
    disk.crash_image(2, all_of(Fate::Kept))
}

#[test]
fn without_a_sync_anything_may_be_lost_and_with_it_nothing() {
    let disk = disk_with(b"0123456789");
    let file = disk.open(&path("a"), Access::ReadWrite, Sharing::All).unwrap();
    file.write_at(b"AB", 0).unwrap();
    file.sync().unwrap();
    file.write_at(b"CD", 4).unwrap();
    file.set_len(7).unwrap();
    let after = |prefix, fate| disk.crash_image(prefix, all_of(fate)).read(&path("a")).unwrap();
    assert_eq!(after(0, Fate::Kept), b"0123456789");
    assert_eq!(after(1, Fate::Lost), b"0123456789");
    assert_eq!(after(1, Fate::Kept), b"AB23456789");
    assert_eq!(after(2, Fate::Lost), b"AB23456789");
    assert_eq!(after(4, Fate::Lost), b"AB23456789");
    assert_eq!(after(4, Fate::Kept), b"AB23CD6");
    // Any subset: the length arrived and the bytes did not.
    let image = disk.crash_image(4, |index, _| if index == 3 { Fate::Kept } else { Fate::Lost });
    assert_eq!(image.read(&path("a")).unwrap(), b"AB23456");
    assert_eq!(image.operations(), []);
}

#[test]
fn a_torn_write_brings_its_length_and_its_first_bytes() {
    let disk = disk_with(b"0123");
    disk.open(&path("a"), Access::ReadWrite, Sharing::All).unwrap().write_at(b"ABCD", 2).unwrap();
    let torn = |count| disk.crash_image(1, all_of(Fate::Torn(count))).read(&path("a")).unwrap();
    assert_eq!(torn(0), b"0123\0\0");
    assert_eq!(torn(3), b"01ABC\0");
    assert_eq!(torn(99), b"01ABCD");
}

#[test]
fn a_failed_sync_makes_nothing_durable() {
    let disk = disk_with(b"0123");
    let file = disk.open(&path("a"), Access::ReadWrite, Sharing::All).unwrap();
    file.write_at(b"AB", 0).unwrap();
    disk.fail_at(1, io::ErrorKind::Other);
    file.sync().unwrap_err();
    let image = disk.crash_image(disk.operations().len(), all_of(Fate::Lost));
    assert_eq!(image.read(&path("a")).unwrap(), b"0123");
}

#[test]
fn names_are_durable_only_by_a_sync_of_their_directory() {
    let disk = disk_with(b"old");
    let new = disk.create_new(&path("new"), None, Sharing::All).unwrap();
    new.write_at(b"new", 0).unwrap();
    new.sync().unwrap();
    disk.rename(&path("new"), &path("a"), true).unwrap();
    disk.sync_dir(Path::new("elsewhere")).unwrap();
    let lost = disk.crash_image(5, all_of(Fate::Lost));
    assert_eq!((lost.names(), lost.read(&path("a")).unwrap()), (vec![path("a")], b"old".to_vec()));
    // The creation lost and the rename kept: the file is there, complete.
    let renamed = disk.crash_image(5, |index, _| if index == 3 { Fate::Kept } else { Fate::Lost });
    assert_eq!((renamed.names(), renamed.read(&path("a")).unwrap()), (vec![path("a")], b"new".to_vec()));
    // The other way round, both names.
    let created = disk.crash_image(5, |index, _| if index == 0 { Fate::Kept } else { Fate::Lost });
    assert_eq!(created.names(), [path("a"), path("new")]);
    disk.sync_dir(Path::new("d")).unwrap();
    disk.remove(&path("a")).unwrap();
    assert_eq!(disk.crash_image(7, all_of(Fate::Lost)).read(&path("a")).unwrap(), b"new");
    assert!(disk.crash_image(7, all_of(Fate::Kept)).names().is_empty());
}

#[test]
fn the_call_that_was_asked_for_fails_and_changes_nothing() {
    let disk = disk_with(b"old");
    let file = disk.open(&path("a"), Access::ReadWrite, Sharing::All).unwrap();
    disk.fail_at(3, io::ErrorKind::StorageFull);
    file.len().unwrap();
    file.write_at(b"1", 0).unwrap();
    assert!(disk.failure_pending());
    assert_eq!(file.write_at(b"2", 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
    file.write_at(b"3", 2).unwrap();
    assert_eq!(disk.read(&path("a")).unwrap(), b"1l3");
    assert_eq!(disk.operations().len(), 2);
}

#[test]
fn a_flushed_mapping_writes_what_changed_in_each_page_and_syncs() {
    let disk = disk_with(&[1; 13_000]);
    let backend: Arc<dyn Backend> = Arc::new(disk.clone());
    let file = File::open(&backend, &path("a"), Access::ReadWrite).unwrap();
    file.claim(LockPolicy::Advisory, &Claim::Write).unwrap();
    // SAFETY: nobody else knows the disk.
    let mut mapping = unsafe { file.map(MapMode::ReadWrite, 4096, 8_904) }.unwrap();
    mapping.as_mut_slice()[100] = 2;
    mapping.as_mut_slice()[103] = 2;
    mapping.as_mut_slice()[8_903] = 3;
    // A change of the file under unchanged bytes is not undone.
    file.write_all_at(&[9], 9_000).unwrap();
    file.write_all_at(&[9], 4_300).unwrap();
    assert_eq!((mapping.as_slice()[4_904], mapping.as_slice()[204]), (1, 1));
    mapping.flush(50, 8_854).unwrap();
    let spans: Vec<_> = disk
        .operations()
        .iter()
        .map(|operation| match operation {
            Operation::Write { offset, bytes, .. } => (*offset, bytes.len()),
            Operation::Sync { .. } => (0, 0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(spans, [(9_000, 1), (4_300, 1), (4_192, 8), (12_992, 8), (0, 0)]);
    let content = disk.read(&path("a")).unwrap();
    assert_eq!((content[4_196], content[4_300], content[9_000], content[12_999]), (2, 9, 9, 3));
    // What is written back is not written again.
    mapping.flush(0, 8_904).unwrap();
    assert_eq!(disk.operations().len(), 6);
}
