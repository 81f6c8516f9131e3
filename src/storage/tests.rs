//! What holds on every backend, and then what only the real disk can show.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::{ErrorKind, Result};

/// A backend and an empty directory of it.
pub(super) struct Place {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) memory: Option<MemoryDisk>,
    dir: PathBuf,
    _kept: Option<tempfile::TempDir>,
}

impl Place {
    pub(super) fn disk() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { backend: Arc::new(Disk), memory: None, dir: dir.path().to_path_buf(), _kept: Some(dir) }
    }

    pub(super) fn memory() -> Self {
        let disk = MemoryDisk::new();
        Self { backend: Arc::new(disk.clone()), memory: Some(disk), dir: PathBuf::from("d"), _kept: None }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A file with this content, closed.
    pub(super) fn with(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        let file = self.backend.create_new(&path, None, Sharing::All).unwrap();
        assert_eq!(file.write_at(content, 0).unwrap(), content.len());
        path
    }

    pub(super) fn open(&self, path: &Path, access: Access) -> Result<File> {
        File::open(&self.backend, path, access)
    }

    pub(super) fn content(&self, path: &Path) -> Vec<u8> {
        match &self.memory {
            Some(disk) => disk.read(path).unwrap(),
            None => std::fs::read(path).unwrap(),
        }
    }

    /// Whether a file can take the name of one that is open. Windows does that from version 10 on, and wine does not.
    pub(super) fn replaces_open_files(&self) -> bool {
        let (new, old) = (self.with("probe of the new", b""), self.with("probe of the old", b""));
        let open = self.open(&old, Access::Read).unwrap();
        let replaced = self.backend.rename(&new, &old, true).is_ok();
        drop(open);
        self.backend.remove(if replaced { &old } else { &new }).unwrap();
        if !replaced {
            self.backend.remove(&old).unwrap();
            eprintln!("skipped: this system does not replace a file that is open");
        }
        replaced
    }

    pub(super) fn names(&self) -> Vec<PathBuf> {
        match &self.memory {
            Some(disk) => disk.names(),
            None => std::fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().path()).collect(),
        }
    }
}

pub(super) fn on_both(test: impl Fn(&Place)) {
    test(&Place::disk());
    test(&Place::memory());
}

/// Maps all of a file that only the test knows.
fn map(file: &File, mode: MapMode) -> Result<Mapping> {
    let len = usize::try_from(file.len()?).unwrap();
    // SAFETY: each test keeps its files to itself, changes none under a living slice and shortens none while it is mapped.
    unsafe { file.map(mode, 0, len) }
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn threads_may_share_all_of_it() {
    fn shared<T: Send + Sync>() {}
    shared::<File>();
    shared::<Mapping>();
    shared::<MemoryDisk>();
}

#[test]
fn reads_and_writes_at_positions() {
    on_both(|place| {
        let file = place.open(&place.with("a", b"0123456789"), Access::ReadWrite).unwrap();
        file.write_all_at(b"xyz", 4).unwrap();
        file.write_all_at(b"end", 12).unwrap();
        assert_eq!(file.len().unwrap(), 15);
        let mut all = [9; 15];
        file.read_exact_at(&mut all, 0).unwrap();
        assert_eq!(&all, b"0123xyz789\0\0end");
        file.set_len(6).unwrap();
        file.set_len(8).unwrap();
        file.flush().unwrap();
        assert_eq!(place.content(file.path()), b"0123xy\0\0");
    });
}

#[test]
fn reading_past_the_end_says_what_was_there() {
    on_both(|place| {
        let file = place.open(&place.with("a", b"0123456789"), Access::Read).unwrap();
        let error = file.read_exact_at(&mut [0; 8], 7).unwrap_err();
        assert_eq!((error.kind(), error.offset(), error.path()), (ErrorKind::Truncated, Some(7), Some(file.path())));
        assert!(error.to_string().contains("expected 8 bytes, found 3"), "{error}");
        file.read_exact_at(&mut [], 10).unwrap();
    });
}

#[test]
fn positions_beyond_any_file_are_errors() {
    on_both(|place| {
        let file = place.open(&place.with("a", b"0"), Access::ReadWrite).unwrap();
        for offset in [u64::MAX, 1 << 63] {
            assert_eq!(kind(file.read_exact_at(&mut [0; 4], offset)), ErrorKind::TooLarge);
            assert_eq!(kind(file.write_all_at(&[0; 4], offset)), ErrorKind::TooLarge);
            assert_eq!(kind(file.set_len(offset)), ErrorKind::TooLarge);
            assert_eq!(kind(file.allocate(offset)), ErrorKind::TooLarge);
        }
        assert_eq!(place.content(file.path()), b"0");
    });
}

#[test]
fn opening_neither_creates_nor_writes() {
    on_both(|place| {
        assert_eq!(kind(place.open(&place.path("none"), Access::ReadWrite)), ErrorKind::NotFound);
        assert!(place.names().is_empty());
        let path = place.with("a", b"old");
        drop(place.open(&path, Access::ReadWrite).unwrap());
        assert_eq!(place.content(&path), b"old");
    });
}

#[test]
fn a_reader_cannot_write() {
    on_both(|place| {
        let file = place.open(&place.with("a", b"old"), Access::Read).unwrap();
        assert!(!file.is_writable());
        assert_eq!(kind(file.write_all_at(b"new", 0)), ErrorKind::ReadOnly);
        assert_eq!(kind(file.set_len(0)), ErrorKind::ReadOnly);
        assert_eq!(kind(file.allocate(9)), ErrorKind::ReadOnly);
        assert_eq!(kind(map(&file, MapMode::ReadWrite)), ErrorKind::ReadOnly);
        assert_eq!(place.content(file.path()), b"old");
    });
}

#[test]
fn create_new_refuses_what_exists() {
    on_both(|place| {
        let path = place.with("a", b"old");
        let error = place.backend.create_new(&path, None, Sharing::All).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(place.content(&path), b"old");
    });
}

#[test]
fn rename_replaces_only_on_request() {
    on_both(|place| {
        let (a, b) = (place.with("a", b"A"), place.with("b", b"B"));
        let error = place.backend.rename(&a, &b, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((place.content(&a), place.content(&b)), (b"A".to_vec(), b"B".to_vec()));
        place.backend.rename(&a, &b, true).unwrap();
        assert_eq!(place.content(&b), b"A");
        let c = place.path("c");
        place.backend.rename(&b, &c, false).unwrap();
        assert_eq!(place.names(), [c]);
    });
}

#[test]
fn zeros_are_written_where_they_were_asked_for() {
    on_both(|place| {
        const MIB: usize = 1 << 20;
        for (before, offset, len) in [(10, 3, 4), (10, 8, 5), (10, 12, 3), (5, 2, 0), (9, 1, 2 * MIB + 7), (9, 0, MIB)]
        {
            let file = place.open(&place.with("a", &vec![1; before]), Access::ReadWrite).unwrap();
            file.write_zeros(offset as u64, len as u64).unwrap();
            let mut expected = vec![1; before];
            expected.resize(before.max(if len > 0 { offset + len } else { 0 }), 0);
            let filled = offset.min(expected.len())..(offset + len).min(expected.len());
            expected[filled].fill(0);
            assert!(place.content(file.path()) == expected, "{before} {offset} {len}");
            place.backend.remove(file.path()).unwrap();
        }
        let file = place.open(&place.with("a", b"x"), Access::ReadWrite).unwrap();
        assert_eq!(kind(file.write_zeros(u64::MAX, 2)), ErrorKind::TooLarge);
        assert_eq!(kind(file.write_zeros(0, 1 << 63)), ErrorKind::TooLarge);
        assert_eq!(kind(place.open(file.path(), Access::Read).unwrap().write_zeros(0, 1)), ErrorKind::ReadOnly);
        assert_eq!(place.content(file.path()), b"x");
    });
}

#[test]
fn a_file_keeps_its_number_under_every_name() {
    on_both(|place| {
        let (a, b) = (place.with("a", b"A"), place.with("b", b"B"));
        let file = place.open(&a, Access::Read).unwrap();
        let same = |path: &Path| leads_to(&place.backend, path, &file).unwrap();
        assert!(same(&a));
        assert_ne!(file.id().unwrap(), 0);
        assert!(!same(&b));
        place.backend.rename(&a, &b, true).unwrap();
        assert!(same(&b));
        place.with("a", b"A");
        assert!(!same(&a));
    });
}

#[test]
fn one_writer_or_many_readers() {
    on_both(|place| {
        let path = place.with("a", b"x");
        let open = || place.open(&path, Access::ReadWrite).unwrap();
        let (first, second) = (open(), open());
        first.claim(LockPolicy::Advisory, &Claim::Read).unwrap();
        second.claim(LockPolicy::Advisory, &Claim::Read).unwrap();
        let third = open();
        let error = third.claim(LockPolicy::Advisory, &Claim::Write).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(&*path)));
        assert!(error.to_string().contains("exclusive"), "{error}");
        third.claim(LockPolicy::None, &Claim::Write).unwrap();
        drop((first, second));
        third.claim(LockPolicy::Advisory, &Claim::Write).unwrap();
        // Again on the same handle, and as a reader, which a writer also is.
        third.claim(LockPolicy::Advisory, &Claim::Write).unwrap();
        third.clone().claim(LockPolicy::Advisory, &Claim::Read).unwrap();
        assert_eq!(kind(open().claim(LockPolicy::Advisory, &Claim::Write)), ErrorKind::Locked);
        assert_eq!(kind(open().claim(LockPolicy::Advisory, &Claim::Read)), ErrorKind::Locked);
        // The mapping alone keeps the file, and so the lock.
        let mapping = map(&third, MapMode::ReadWrite).unwrap();
        drop(third);
        assert_eq!(kind(open().claim(LockPolicy::Advisory, &Claim::Read)), ErrorKind::Locked);
        drop(mapping);
        open().claim(LockPolicy::Advisory, &Claim::Write).unwrap();
    });
}

#[test]
fn a_mapping_shows_the_file_and_its_stores_reach_it() {
    on_both(|place| {
        let content: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();
        let path = place.with("a", &content);
        let file = place.open(&path, Access::ReadWrite).unwrap();
        let mut mapping = map(&file, MapMode::ReadWrite).unwrap();
        assert_eq!(mapping.as_slice(), content);
        assert_eq!((mapping.len(), mapping.mode()), (20_000, MapMode::ReadWrite));
        assert_eq!(mapping.as_ptr().addr() % 4096, 0);
        for at in [0, 4095, 4096, 13_000, 19_999] {
            mapping.as_mut_slice()[at] = 255;
        }
        mapping.flush_async(5, 9_000).unwrap();
        mapping.flush(0, 20_000).unwrap();
        let mut changed = content.clone();
        for at in [0, 4095, 4096, 13_000, 19_999] {
            changed[at] = 255;
        }
        assert_eq!(place.content(&path), changed);
        // A partial flush, beginning and ending inside pages.
        mapping.as_mut_slice()[9_001] = 254;
        changed[9_001] = 254;
        mapping.flush(9_000, 10).unwrap();
        assert_eq!(place.content(&path), changed);
        // Seen by a reader, who cannot store.
        let reader = place.open(&path, Access::Read).unwrap();
        assert_eq!(map(&reader, MapMode::Read).unwrap().as_slice(), changed);
    });
}

#[test]
#[should_panic(expected = "read-only mapping")]
fn a_read_only_mapping_gives_no_mutable_slice() {
    let place = Place::memory();
    let file = place.open(&place.with("a", b"x"), Access::Read).unwrap();
    map(&file, MapMode::Read).unwrap().as_mut_slice();
}

#[test]
fn copy_on_write_never_reaches_the_file() {
    on_both(|place| {
        let path = place.with("a", &[1; 5000]);
        let file = place.open(&path, Access::Read).unwrap();
        let mut mapping = map(&file, MapMode::Copy).unwrap();
        mapping.as_mut_slice().fill(2);
        mapping.flush_async(0, 5000).unwrap();
        mapping.flush(0, 5000).unwrap();
        assert!(!mapping.is_coherent());
        assert_eq!(mapping.as_slice(), [2; 5000]);
        drop(mapping);
        assert_eq!(place.content(&path), [1; 5000]);
    });
}

#[test]
fn written_back_stores_are_in_the_file_and_not_yet_durable() {
    let place = Place::memory();
    let disk = place.memory.clone().unwrap();
    let path = place.with("a", &[1; 9000]);
    let file = place.open(&path, Access::ReadWrite).unwrap();
    let mut mapping = map(&file, MapMode::ReadWrite).unwrap();
    assert!(!mapping.is_coherent());
    mapping.as_mut_slice()[8_999] = 2;
    let before = disk.operations().len();
    mapping.write_back().unwrap();
    assert_eq!(place.content(&path)[8_999], 2);
    let made = &disk.operations()[before..];
    assert!(matches!(made, [Operation::Write { offset: 8992, .. }]), "{made:?}");
    // Nothing has changed, and nothing of a private mapping ever goes back.
    let mut private = map(&file, MapMode::Copy).unwrap();
    private.as_mut_slice().fill(3);
    for mapping in [&mapping, &private, &map(&file, MapMode::Read).unwrap()] {
        mapping.write_back().unwrap();
        assert!(!mapping.is_coherent());
    }
    assert_eq!(disk.operations().len(), before + 1);
    mapping.as_mut_slice()[0] = 4;
    disk.fail_at(1, io::ErrorKind::StorageFull);
    assert_eq!(kind(mapping.write_back()), ErrorKind::OutOfSpace);
    assert_eq!(kind(mapping.write_back()), ErrorKind::Poisoned);
}

#[test]
fn where_nobody_tells_all_of_a_mapping_may_have_been_touched() {
    let place = Place::memory();
    let file = place.open(&place.with("a", &[1; 9000]), Access::ReadWrite).unwrap();
    for mode in [MapMode::Copy, MapMode::ReadWrite, MapMode::Read] {
        assert_eq!(map(&file, mode).unwrap().touched().unwrap(), [Range { start: 0, end: 9000 }]);
    }
    assert_eq!(Mapping::anonymous(9000).unwrap().touched().unwrap(), [Range { start: 0, end: 9000 }]);
    assert!(Mapping::anonymous(0).unwrap().touched().unwrap().is_empty());
    let place = Place::disk();
    let file = place.open(&place.with("a", &[1; 9000]), Access::ReadWrite).unwrap();
    for mode in [MapMode::ReadWrite, MapMode::Read] {
        assert_eq!(map(&file, mode).unwrap().touched().unwrap(), [Range { start: 0, end: 9000 }]);
    }
}

/// Nothing to write back is no reason to touch the file, which may be on a read-only disk or poisoned by another.
#[test]
fn flushing_what_cannot_have_changed_the_file_calls_nothing() {
    let place = Place::memory();
    let disk = place.memory.clone().unwrap();
    let file = place.open(&place.with("a", &[1; 5000]), Access::ReadWrite).unwrap();
    for mode in [MapMode::Read, MapMode::Copy] {
        let mapping = map(&file, mode).unwrap();
        disk.fail_at(1, io::ErrorKind::Other);
        mapping.flush(0, 5000).unwrap();
        mapping.flush_async(0, 5000).unwrap();
        assert!(disk.failure_pending());
        disk.fail_at(0, io::ErrorKind::Other);
    }
}

#[test]
fn reserving_leaves_the_length_and_the_content() {
    on_both(|place| {
        let path = place.with("a", b"old");
        let file = place.open(&path, Access::ReadWrite).unwrap();
        for len in [0, 1, 100_000] {
            file.allocate(len).unwrap();
            assert_eq!(place.content(&path), b"old");
        }
    });
}

#[test]
fn a_short_file_is_refused_before_mapping() {
    on_both(|place| {
        let file = place.open(&place.with("a", &[1; 5000]), Access::ReadWrite).unwrap();
        for mode in [MapMode::Read, MapMode::ReadWrite, MapMode::Copy] {
            for (offset, len) in [(0, 5001), (4096, 905), (8192, 0), (0, 8192)] {
                // SAFETY: as in `map`.
                let error = unsafe { file.map(mode, offset, len) }.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
                let text = format!("expected {} bytes, found 5000", offset + len as u64);
                assert!(error.to_string().contains(&text), "{error}");
            }
            for (offset, len) in [(0, usize::MAX), (u64::MAX, 1), (0, isize::MAX as usize + 1)] {
                // SAFETY: as in `map`.
                assert_eq!(kind(unsafe { file.map(mode, offset, len) }), ErrorKind::TooLarge);
            }
            // SAFETY: as in `map`.
            let fits = unsafe { file.map(mode, 0, 5000) }.unwrap();
            assert_eq!(fits.as_slice(), [1; 5000]);
        }
        assert_eq!(place.content(file.path()).len(), 5000);
    });
}

#[test]
fn nothing_can_be_mapped() {
    on_both(|place| {
        let file = place.open(&place.with("a", b""), Access::ReadWrite).unwrap();
        let scratch = Mapping::scratch(None, 0).unwrap();
        for mut mapping in [map(&file, MapMode::ReadWrite).unwrap(), Mapping::anonymous(0).unwrap(), scratch] {
            assert_eq!((mapping.len(), mapping.as_slice()), (0, &[][..]));
            assert!(mapping.as_mut_slice().is_empty());
            assert!(!mapping.as_ptr().is_null());
            assert_eq!(mapping.as_ptr().addr() % 64, 0);
            mapping.flush(0, 0).unwrap();
            mapping.flush_async(0, 0).unwrap();
            mapping.populate(0, 0).unwrap();
            mapping.advise(0, 0, Advice::Sequential).unwrap();
            assert_eq!(kind(mapping.flush(0, 1)), ErrorKind::InvalidArgument);
        }
    });
}

#[test]
fn ranges_outside_a_mapping_are_errors() {
    on_both(|place| {
        let file = place.open(&place.with("a", &[1; 5000]), Access::ReadWrite).unwrap();
        let mapping = map(&file, MapMode::ReadWrite).unwrap();
        for (offset, len) in [(0, 5001), (5000, 1), (4999, 2), (usize::MAX, 1), (1, usize::MAX)] {
            assert_eq!(kind(mapping.flush(offset, len)), ErrorKind::InvalidArgument);
            assert_eq!(kind(mapping.flush_async(offset, len)), ErrorKind::InvalidArgument);
            assert_eq!(kind(mapping.populate(offset, len)), ErrorKind::InvalidArgument);
            assert_eq!(kind(mapping.advise(offset, len, Advice::Random)), ErrorKind::InvalidArgument);
        }
    });
}

#[test]
fn advice_never_changes_content() {
    let all = [
        Advice::Normal,
        Advice::Sequential,
        Advice::Random,
        Advice::WillNeed,
        Advice::HugePages,
        Advice::NoHugePages,
        Advice::DontDump,
    ];
    on_both(|place| {
        let file = place.open(&place.with("a", &[1; 50_000]), Access::ReadWrite).unwrap();
        let mut anonymous = Mapping::anonymous(50_000).unwrap();
        anonymous.as_mut_slice().fill(1);
        let mut copy = map(&file, MapMode::Copy).unwrap();
        copy.as_mut_slice().fill(1);
        for mapping in [map(&file, MapMode::Read).unwrap(), map(&file, MapMode::ReadWrite).unwrap(), anonymous, copy] {
            for advice in all {
                mapping.advise(0, 50_000, advice).unwrap();
                mapping.advise(4_097, 10_001, advice).unwrap();
                mapping.populate(4_097, 10_001).unwrap();
                assert_eq!(mapping.as_slice(), [1; 50_000]);
            }
        }
    });
}

#[test]
fn a_failed_flush_poisons_for_ever() {
    for through_mapping in [false, true] {
        for failure in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
            let place = Place::memory();
            let disk = place.memory.clone().unwrap();
            let file = place.open(&place.with("a", &[1; 5000]), Access::ReadWrite).unwrap();
            let mut mapping = map(&file, MapMode::ReadWrite).unwrap();
            mapping.as_mut_slice()[4500] = 2;
            disk.fail_at(1, failure);
            let error = if through_mapping { mapping.flush(0, 5000) } else { file.flush() }.unwrap_err();
            let expected = if failure == io::ErrorKind::StorageFull { ErrorKind::OutOfSpace } else { ErrorKind::Io };
            assert_eq!(error.kind(), expected);
            assert!(!disk.failure_pending());
            // The disk is well again; the handle does not believe it.
            for _ in 0..2 {
                assert_eq!(kind(mapping.flush(0, 5000)), ErrorKind::Poisoned);
                assert_eq!(kind(mapping.flush(0, 0)), ErrorKind::Poisoned);
                assert_eq!(kind(mapping.flush_async(0, 5000)), ErrorKind::Poisoned);
                assert_eq!(kind(file.flush()), ErrorKind::Poisoned);
                assert_eq!(kind(file.clone().write_all_at(b"x", 0)), ErrorKind::Poisoned);
                assert_eq!(kind(file.set_len(1)), ErrorKind::Poisoned);
                assert_eq!(kind(file.allocate(1)), ErrorKind::Poisoned);
                assert_eq!(kind(map(&file, MapMode::ReadWrite)), ErrorKind::Poisoned);
            }
            let error = file.check_poison().unwrap_err();
            assert!(error.hint().unwrap().contains("open the file again"), "{error}");
            drop((mapping, file));
            place.open(&place.path("a"), Access::ReadWrite).unwrap().flush().unwrap();
        }
    }
}

#[test]
fn interrupted_calls_are_made_again() {
    let place = Place::memory();
    let disk = place.memory.clone().unwrap();
    let file = place.open(&place.with("a", b"0123"), Access::ReadWrite).unwrap();
    disk.fail_at(1, io::ErrorKind::Interrupted);
    file.write_all_at(b"new!", 0).unwrap();
    disk.fail_at(1, io::ErrorKind::Interrupted);
    let mut found = [0; 4];
    file.read_exact_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"new!");
}

#[test]
fn anonymous_memory_is_zero_and_writable() {
    let mut mapping = Mapping::anonymous(10_000).unwrap();
    assert_eq!(mapping.as_slice(), [0; 10_000]);
    mapping.as_mut_slice()[9_999] = 7;
    mapping.flush(0, 10_000).unwrap();
    assert!(!mapping.is_coherent());
    assert_eq!(kind(Mapping::anonymous(usize::MAX)), ErrorKind::TooLarge);
}

#[test]
fn scratch_leaves_nothing_behind() {
    let place = Place::disk();
    let mut mapping = Mapping::scratch(Some(&place.dir), 10_000).unwrap();
    if cfg!(unix) {
        assert!(place.names().is_empty());
    }
    assert_eq!(mapping.as_slice(), [0; 10_000]);
    mapping.as_mut_slice()[9_999] = 7;
    mapping.flush(0, 10_000).unwrap();
    assert!(mapping.is_coherent());
    drop(mapping);
    assert!(place.names().is_empty());
    let error = Mapping::scratch(Some(&place.path("none")), 1).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, Some(&*place.path("none"))));
    assert_eq!(kind(Mapping::scratch(None, usize::MAX)), ErrorKind::TooLarge);
}

#[test]
fn a_scratch_file_by_name_is_removed_at_once() {
    let place = Place::disk();
    let file = create::unnamed_sibling(&place.dir).unwrap();
    if cfg!(unix) {
        assert!(place.names().is_empty());
    }
    file.set_len(10).unwrap();
    drop(file);
    assert!(place.names().is_empty());
}

#[test]
fn a_hard_link_renames_and_never_replaces() {
    let place = Place::disk();
    let (a, b, c) = (place.with("a", b"A"), place.with("b", b"B"), place.path("c"));
    let error = disk::rename_by_link(&a, &b).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(place.content(&b), b"B");
    disk::rename_by_link(&a, &c).unwrap();
    assert_eq!(place.content(&c), b"A");
    assert!(!a.exists());
}

#[test]
fn a_mapping_and_its_file_are_one() {
    let place = Place::disk();
    let file = place.open(&place.with("a", &[1; 5000]), Access::ReadWrite).unwrap();
    let mut mapping = map(&file, MapMode::ReadWrite).unwrap();
    mapping.as_mut_slice()[4999] = 2;
    let mut last = [0];
    assert!(mapping.is_coherent());
    mapping.write_back().unwrap();
    file.read_exact_at(&mut last, 4999).unwrap();
    assert_eq!(last, [2]);
    file.write_all_at(&[3], 0).unwrap();
    assert_eq!(mapping.as_slice()[0], 3);
    file.start_writeback(0, 5000).unwrap();
    file.start_writeback(0, 0).unwrap();
}

#[cfg(not(unix))]
#[test]
#[ignore = "pipes, links and the pages that Linux tells of are those of Unix"]
fn unix() {}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_regular_files_open_and_nothing_hangs() {
        let place = Place::disk();
        let fifo = place.path("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let socket = place.path("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = place.path("link");
        symlink(&fifo, &link).unwrap();
        let named = [(fifo, "a pipe"), (link, "a pipe"), (socket, "a socket"), (place.dir.clone(), "a directory")];
        let device = (PathBuf::from("/dev/null"), "a device");
        for (path, what) in named.into_iter().chain([device]) {
            for access in [Access::Read, Access::ReadWrite] {
                let error = place.open(&path, access).unwrap_err();
                assert_eq!((error.kind(), error.path()), (ErrorKind::NotAFile, Some(&*path)));
                assert!(error.to_string().contains(what), "{error}");
            }
        }
    }

    #[cfg(all(target_os = "linux", not(outcore_portable)))]
    #[test]
    fn interfaces_of_the_kernel_are_not_files() {
        for path in ["/proc/self/status", "/proc/kmsg", "/sys/kernel/mm/transparent_hugepage/enabled"] {
            let path = Path::new(path);
            if std::fs::File::open(path).is_err() {
                continue;
            }
            assert_eq!(kind(Place::disk().open(path, Access::Read)), ErrorKind::NotAFile, "{}", path.display());
        }
    }

    /// A name that somebody has planted is not followed, wherever it leads.
    #[test]
    fn create_new_follows_no_link() {
        let place = Place::disk();
        let victim = place.with("victim", b"old");
        for (name, to) in [("link", &victim), ("dangling", &place.path("none"))] {
            symlink(to, place.path(name)).unwrap();
            let error = place.backend.create_new(&place.path(name), None, Sharing::All).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(place.content(&victim), b"old");
        assert!(!place.path("none").exists());
    }

    /// Pages written are those found, whatever was read, wherever they lie, and however the rest came into memory.
    #[test]
    fn the_touched_pages_of_a_private_mapping_are_found() {
        let page = page_size();
        let place = Place::disk();
        let mut tried = 0;
        // The last one is longer than what is asked of the kernel at once, and sparse.
        for (pages, odd) in [(1, 0), (1, 100), (2, 1), (40, 0), (41, 7), ((64 << 20) / page, page / 2), (20_000, 0)] {
            let len = pages * page - odd;
            let path = place.with("a", b"");
            let file = place.open(&path, Access::ReadWrite).unwrap();
            file.set_len(len as u64).unwrap();
            file.write_all_at(&[5; 10], 0).unwrap();
            for (read, populate) in [(false, false), (true, false), (false, true)] {
                let mut mapping = map(&file, MapMode::Copy).unwrap();
                if read {
                    assert_eq!(mapping.as_slice().iter().filter(|&&byte| byte == 5).count(), 10);
                }
                if populate {
                    mapping.populate(0, len).unwrap();
                }
                if mapping.touched().unwrap() == [Range { start: 0, end: len }] {
                    let emulated = std::env::var_os("OUTCORE_EMULATED").is_some();
                    assert!(emulated || cfg!(outcore_portable) || std::fs::File::open("/proc/self/pagemap").is_err());
                    continue;
                }
                assert!(mapping.touched().unwrap().is_empty());
                let mut expected = Vec::new();
                for (first, count) in [(0, 1), (3, 2), (9, 1), (10, 1), (8_190, 5), (pages - 1, 1)] {
                    let written = first * page..((first + count) * page).min(len);
                    if first + count > pages
                        || expected.last().is_some_and(|last: &Range<usize>| last.end > first * page)
                    {
                        continue;
                    }
                    for at in written.clone().step_by(page) {
                        // The same value: what counts is that the page was written, and is private now.
                        let value = mapping.as_slice()[at];
                        mapping.as_mut_slice()[at] = value;
                    }
                    match expected.last_mut() {
                        Some(last) if last.end == written.start => last.end = written.end,
                        _ => expected.push(written),
                    }
                }
                assert_eq!(mapping.touched().unwrap(), expected, "{pages} pages");
                tried += 1;
            }
            // A part of the file.
            if pages == 41 {
                // SAFETY: as in `map`.
                let mut part = unsafe { file.map(MapMode::Copy, page as u64, 3 * page - 9) }.unwrap();
                part.as_mut_slice()[3 * page - 10] = 1;
                let touched = part.touched().unwrap();
                assert!(touched == [Range { start: 2 * page, end: 3 * page - 9 }] || tried == 0, "{touched:?}");
            }
            std::fs::remove_file(path).unwrap();
        }
        if tried == 0 {
            eprintln!("skipped: this system does not tell which pages have been written");
        }
    }

    fn page_size() -> usize {
        let told = Command::new("getconf").arg("PAGESIZE").output().unwrap();
        String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
    }

    /// What would be a signal at the first load is an error.
    #[cfg(all(target_os = "linux", not(outcore_portable)))]
    #[test]
    fn populate_reports_a_file_cut_by_somebody_else() {
        let place = Place::disk();
        let file = place.open(&place.with("a", &[1; 50_000]), Access::Read).unwrap();
        let mapping = map(&file, MapMode::Read).unwrap();
        mapping.populate(0, 50_000).unwrap();
        std::fs::OpenOptions::new().write(true).open(file.path()).unwrap().set_len(9_000).unwrap();
        if std::env::var_os("OUTCORE_EMULATED").is_some() {
            eprintln!("skipped: the emulator takes advice that it does not pass on");
            return;
        }
        let error = mapping.populate(0, 50_000).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (ErrorKind::Truncated, Some(0)), "{error}");
        mapping.populate(0, 9_000).unwrap();
    }
}
