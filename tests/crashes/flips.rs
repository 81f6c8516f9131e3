//! Every bit of a small native file turned over, and every length it may be cut to, through all doors: what is read was committed
//! once, or there is an error; and `verify` finds every flip.

use std::path::Path;
use std::sync::Arc;

use outcore::compute::{SealState, Verification};
use outcore::storage::{Backend, Fate, MemoryDisk, Sharing};
use outcore::{ArrayFile, CreateOptions, Error, ErrorKind, Format, OpenOptions, Result};

use crate::observe::{TINY, backend, doors};

const HEAD: usize = 16_384;

/// A file that was committed several times, sealed in the end, and every content that it announced.
fn sealed() -> (Vec<u8>, Vec<Vec<u64>>) {
    let disk = MemoryDisk::new();
    let options = CreateOptions::new().backend(backend(&disk)).format(Format::Native);
    let mut file: ArrayFile<u64, _> = options.create_file("a", (2, 3)).unwrap();
    let mut committed = vec![vec![0; 6]];
    file.append_rows(&TINY.array(vec![1, 2, 3, 4, 5, 6])).unwrap();
    committed.push(file.read().unwrap().into_raw_vec_and_offset().0);
    file.set_attr("units", &"K").unwrap();
    file.seal().unwrap();
    drop(file);
    (disk.read(Path::new("a")).unwrap(), committed)
}

/// A file whose other slot announces fewer rows.
fn grown() -> (Vec<u8>, Vec<Vec<u64>>) {
    let disk = MemoryDisk::new();
    let options = CreateOptions::new().backend(backend(&disk)).format(Format::Native);
    let mut file: ArrayFile<u64, _> = options.create_file("a", (2, 3)).unwrap();
    file.append_rows(&TINY.array(vec![1, 2, 3])).unwrap();
    let committed = vec![vec![0; 6], file.read().unwrap().into_raw_vec_and_offset().0];
    drop(file);
    (disk.read(Path::new("a")).unwrap(), committed)
}

/// A file whose transaction is decided, and not in place.
fn pending() -> (Vec<u8>, Vec<Vec<u64>>) {
    let disk = MemoryDisk::new();
    let options = CreateOptions::new().backend(backend(&disk)).format(Format::Native);
    // SAFETY: the mapping is a copy, and nothing else uses the file.
    let mut array = unsafe { options.create::<u64, _>("a", (2, 3)) }.unwrap();
    let mut transaction = array.transaction().unwrap();
    transaction.view_mut().fill(7);
    transaction.commit().unwrap();
    let image = (0..disk.operations().len())
        .map(|prefix| disk.crash_image(prefix, |_, _| Fate::Lost))
        .find(|image| {
            let file = OpenOptions::new().backend(backend(image)).open_any_file("a");
            file.is_ok_and(|file| file.has_pending_transaction())
        })
        .unwrap();
    (image.read(Path::new("a")).unwrap(), vec![vec![0; 6], vec![7; 6]])
}

fn disk_of(bytes: &[u8]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let file = disk.create_new(Path::new("a"), None, Sharing::All).unwrap();
    file.write_at(bytes, 0).unwrap();
    disk
}

fn verify(disk: &MemoryDisk) -> Result<Verification> {
    OpenOptions::new().backend(backend(disk)).open_any_file("a")?.verify()
}

/// What all doors show: one answer, or errors of one kind.
fn shown(disk: &MemoryDisk, what: &str) -> Result<Vec<u64>, ErrorKind> {
    let [first, second, third] = doors(disk, "a").map(|found| {
        found.map_err(|error: Error| {
            assert_eq!(error.path(), Some(Path::new("a")), "{what}: {error:?}");
            error.kind()
        })
    });
    assert_eq!(first, second, "{what}");
    assert_eq!(first, third, "{what}");
    first
}

fn never_a_third_state(bytes: &[u8], committed: &[Vec<u64>], what: &str) {
    let disk = disk_of(bytes);
    match shown(&disk, what) {
        Ok(items) => assert!(committed.contains(&items), "{what}: {items:?}"),
        Err(kind) => assert!(
            matches!(
                kind,
                ErrorKind::Corrupt | ErrorKind::Truncated | ErrorKind::Unsupported | ErrorKind::UnknownFormat
            ),
            "{what}: {kind:?}"
        ),
    }
}

#[test]
fn every_flipped_bit_of_the_head_is_told() {
    for (whole, committed) in [sealed(), grown(), pending()] {
        flip_head(&whole, &committed);
    }
}

/// Of a transaction that is decided, all is shown, or that it cannot be.
#[test]
fn every_flipped_bit_of_a_journal_is_told() {
    let (whole, committed) = pending();
    assert_eq!(shown(&disk_of(&whole), "whole"), Ok(committed[1].clone()));
    assert!(whole[20_480..].starts_with(b"OCA JRNL"));
    for at in 20_480..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert_eq!(shown(&disk_of(&bytes), "a flip"), Err(ErrorKind::Corrupt), "bit {bit} of byte {at}");
        }
    }
    for len in 20_480..whole.len() {
        assert_eq!(shown(&disk_of(&whole[..len]), "a cut"), Err(ErrorKind::Truncated), "{len} bytes");
    }
}

fn flip_head(whole: &[u8], committed: &[Vec<u64>]) {
    let mut opened = 0;
    for at in 0..HEAD {
        // The middle of each zero stretch is sampled; the checksums treat its bytes alike.
        let zeros = whole[at.saturating_sub(64)..(at + 64).min(HEAD)].iter().all(|&byte| byte == 0);
        if zeros && at % 97 != 0 && !crate::thorough() {
            continue;
        }
        for bit in 0..8 {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1 << bit;
            let what = format!("bit {bit} of byte {at}");
            never_a_third_state(&bytes, committed, &what);
            let disk = disk_of(&bytes);
            match verify(&disk) {
                Ok(found) => {
                    assert!(!found.is_sound(), "{what}: {found:?}");
                    assert!(found.mismatches.is_empty(), "{what}: no false mismatch: {found:?}");
                    opened += 1;
                }
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::Corrupt | ErrorKind::Truncated | ErrorKind::Unsupported | ErrorKind::UnknownFormat
                    ),
                    "{what}: {error:?}"
                ),
            }
        }
    }
    assert!(opened > 1000, "a damaged slot is no reason to refuse: {opened}");
}

#[test]
fn every_flipped_bit_of_the_elements_and_their_checksums_is_told() {
    let (whole, _) = sealed();
    let table = 20_480;
    assert!(whole[table..].starts_with(b"OCA SUMS"));
    for at in (HEAD..HEAD + 96).chain(table..whole.len()) {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let disk = disk_of(&bytes);
            let found = verify(&disk).unwrap();
            let what = format!("bit {bit} of byte {at}: {found:?}");
            assert!(!found.is_sound(), "{what}");
            if at < table {
                assert_eq!(found.state, SealState::Damaged, "{what}");
                assert_eq!((found.mismatches.len(), found.mismatches[0].block), (1, 0), "{what}");
                assert_eq!(found.mismatches[0].bytes, HEAD as u64..HEAD as u64 + 96, "{what}");
                assert_eq!(found.mismatches[0].elements, 0..12, "{what}");
            } else {
                // The elements are what they were.
                assert!(found.mismatches.is_empty() && !found.flaws.is_empty(), "{what}");
            }
        }
    }
}

#[test]
fn every_length_is_an_error_or_what_was_committed() {
    let (whole, committed) = sealed();
    for len in 0..whole.len() {
        // Nothing but zeros was cut off.
        let zeros = whole[len.saturating_sub(40)..(len + 40).min(whole.len())].iter().all(|&byte| byte == 0);
        if zeros && len % 61 != 0 && !crate::thorough() {
            continue;
        }
        let what = format!("{len} bytes");
        never_a_third_state(&whole[..len], &committed, &what);
        let disk = disk_of(&whole[..len]);
        match verify(&disk) {
            Ok(found) => assert!(len >= HEAD + 48 && !found.is_sound(), "{what}: {found:?}"),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Truncated | ErrorKind::UnknownFormat | ErrorKind::Corrupt),
                "{what}: {error:?}"
            ),
        }
        // A writer sees no more.
        let disk: Arc<dyn Backend> = Arc::new(disk_of(&whole[..len]));
        let options = OpenOptions::new().backend(disk);
        if let Ok(file) = options.open_file_mut::<u64, ndarray::Ix2>("a") {
            assert!(committed.contains(&file.read().unwrap().into_raw_vec_and_offset().0), "{what}");
        }
    }
}
