//! What Windows does otherwise: a mapped file is not cut, whoever opens a file says what others may do with it, and locks are
//! mandatory. Whatever holds elsewhere too is tested there as well.
//!
//! Wine is not Windows: it neither replaces nor removes files as Windows 10 does, so that the tests take both answers.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Ix2};
use outcore::{ArrayFile, CreateOptions, Error, ErrorKind, Format, LockPolicy, MmapArray, MmapArrayMut, OpenOptions};
use outcore::{RawLayout, Result};
use tempfile::TempDir;

const FORMATS: [(&str, Format); 2] = [("a.npy", Format::Npy), ("a.oca", Format::Native)];

fn numbers(rows: Range<usize>) -> Array2<u64> {
    Array2::from_shape_fn((rows.len(), 16), |(row, column)| ((rows.start + row) * 100 + column) as u64)
}

/// A new file of so many rows.
fn made(name: &str, format: Format, rows: usize) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    CreateOptions::new().format(format).save(&path, &numbers(0..rows)).unwrap();
    (dir, path)
}

fn map(path: &Path, policy: LockPolicy) -> Result<MmapArray<u64, Ix2>> {
    // SAFETY: the tests change no row that a mapping shows while they look at it.
    unsafe { OpenOptions::new().lock(policy).open(path) }
}

fn map_mut(path: &Path) -> MmapArrayMut<u64, Ix2> {
    // SAFETY: as above.
    unsafe { MmapArrayMut::open_mut(path) }.unwrap()
}

fn system_error(error: &Error) -> Option<i32> {
    error.io_error().and_then(io::Error::raw_os_error)
}

#[test]
fn a_file_grows_under_a_mapping_of_the_same_process() {
    for (name, format) in FORMATS {
        let (_dir, path) = made(name, format, 10);
        let first = map(&path, LockPolicy::Advisory).unwrap();
        let mut seen = map(&path, LockPolicy::Advisory).unwrap();
        let mut appender = ArrayFile::<u64, Ix2>::open_append(&path).unwrap();
        let mut end = 10;
        for more in [1, 100, 20_000] {
            appender.append_rows(&numbers(end..end + more)).unwrap();
            assert_eq!(seen.view(), numbers(0..end), "{name}");
            assert!(seen.refresh().unwrap());
            end += more;
            assert_eq!(seen.view(), numbers(0..end), "{name}");
            assert_eq!(first.view(), numbers(0..10), "{name}");
        }
        appender.close().unwrap();
        assert_eq!(seen.view(), numbers(0..end), "{name}");
        drop((first, seen));
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..end), "{name}");
    }
}

/// The handle itself maps what it changes the length of.
#[test]
fn a_mapped_handle_grows_and_shrinks_its_file() {
    for (name, format) in FORMATS.into_iter().chain([("a.raw", Format::Raw)]) {
        let (_dir, path) = made(name, format, 100);
        let options = match format {
            Format::Raw => OpenOptions::new().raw(RawLayout::new().shape([100, 16])),
            _ => OpenOptions::new(),
        };
        // SAFETY: nobody else uses the file.
        let mut m = unsafe { options.open_mut::<u64, Ix2>(&path) }.unwrap();
        let begin = fs::metadata(&path).unwrap().len() - 100 * 128;
        m.append_rows(&numbers(100..30_000)).unwrap();
        assert_eq!(m.view(), numbers(0..30_000), "{name}");
        m.resize_rows(40).unwrap();
        assert_eq!(m.view(), numbers(0..40), "{name}");
        m.append_rows(&numbers(40..50)).unwrap();
        m[[0, 0]] = 1;
        m.close().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), begin + 50 * 128, "{name}");
        if format != Format::Raw {
            let mut expected = numbers(0..50);
            expected[[0, 0]] = 1;
            assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), expected, "{name}");
        }
    }
}

/// A `.npy` file whose header has no byte to spare is written anew, and takes the place of the one that is mapped.
#[test]
fn a_mapped_file_without_room_in_its_header_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let text = "{'descr': '<u8', 'fortran_order': False, 'shape': (9, 16), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(numbers(0..9).iter().flat_map(|x| x.to_le_bytes()));
    fs::write(&path, &bytes).unwrap();
    // SAFETY: nobody else uses the file. Its elements begin at an odd address.
    let mut m = unsafe { MmapArrayMut::<outcore::Le<u64>, Ix2>::open_mut(&path) }.unwrap();
    let done = m.append_rows(&numbers(9..12).mapv(outcore::Le::new));
    let rows = match &done {
        Ok(()) => 12,
        Err(error) => {
            assert!(cfg!(windows) && error.kind() == ErrorKind::PermissionDenied, "{error}");
            assert!(error.hint().unwrap().contains("open or mapped"), "{error}");
            9
        }
    };
    assert_eq!(m.mapv(outcore::Le::get), numbers(0..rows));
    m.close().unwrap();
    assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..rows));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left of the attempt");
}

#[test]
#[cfg_attr(not(windows), ignore = "other systems cut files that are mapped")]
fn a_mapped_file_is_not_cut() {
    let (_dir, path) = made("a.raw", Format::Raw, 5000);
    let options = OpenOptions::new().lock(LockPolicy::None).raw(RawLayout::new().shape([5000, 16]));
    // SAFETY: nobody writes the file.
    let mapped = unsafe { options.open::<u64, Ix2>(&path) }.unwrap();
    let mut file = options.open_file_mut::<u64, Ix2>(&path).unwrap();
    let error = file.resize_rows(3).unwrap_err();
    assert_eq!((error.kind(), system_error(&error)), (ErrorKind::Locked, Some(1224)), "{error}");
    assert!(error.hint().unwrap().contains("mapping"), "{error}");
    // What the handle believes of the length is no longer true.
    assert_eq!(file.append_rows(&numbers(0..1)).unwrap_err().kind(), ErrorKind::Poisoned);
    drop(file);
    assert_eq!(mapped.view(), numbers(0..5000));
    drop(mapped);
    let mut file = options.open_file_mut::<u64, Ix2>(&path).unwrap();
    file.resize_rows(3).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 3 * 128);
}

/// The header says how long it is, and the file is cut when it can be.
#[test]
#[cfg_attr(not(windows), ignore = "other systems cut files that are mapped")]
fn a_mapped_array_with_a_header_is_shortened_by_its_header() {
    for (name, format) in FORMATS {
        let (_dir, path) = made(name, format, 5000);
        let long = fs::metadata(&path).unwrap().len();
        let mapped = map(&path, LockPolicy::None).unwrap();
        let options = OpenOptions::new().lock(LockPolicy::None);
        let mut file = options.open_file_mut::<u64, Ix2>(&path).unwrap();
        file.resize_rows(3).unwrap();
        file.close().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), long, "{name}");
        assert_eq!(mapped.view(), numbers(0..5000), "{name}");
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..3), "{name}");
        drop(mapped);
        let mut file = ArrayFile::<u64, Ix2>::open_mut(&path).unwrap();
        file.append_rows(&numbers(3..4)).unwrap();
        file.close().unwrap();
        assert!(fs::metadata(&path).unwrap().len() < long, "{name}");
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..4), "{name}");
    }
}

/// Either it is refused, or the mapping keeps the old file.
#[test]
fn a_mapped_file_is_replaced_and_removed_whole_or_not_at_all() {
    for (name, format) in FORMATS {
        let (dir, path) = made(name, format, 5000);
        let mapped = map(&path, LockPolicy::None).unwrap();
        let options = CreateOptions::new().format(format).overwrite(true).lock(LockPolicy::None);
        let rows = match options.save(&path, &numbers(0..7)) {
            Ok(()) => 7,
            Err(error) if cfg!(not(windows)) => panic!("{error}"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Locked), "{error}");
                assert!(error.hint().unwrap().contains("mapped"), "{error}");
                5000
            }
        };
        assert_eq!(mapped.view(), numbers(0..5000), "{name}");
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..rows), "{name}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{name}: nothing is left of the attempt");
        let removed = fs::remove_file(&path);
        assert!(removed.is_ok() || cfg!(windows), "{name}: {removed:?}");
        assert_eq!(mapped.view(), numbers(0..5000), "{name}");
        drop(mapped);
        if removed.is_ok() {
            assert_eq!(ArrayFile::<u64, Ix2>::open(&path).unwrap_err().kind(), ErrorKind::NotFound, "{name}");
        }
        // The name is free again.
        options.save(&path, &numbers(0..2)).unwrap();
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..2), "{name}");
    }
}

/// The error of a program that opens the file for writing, and knows nothing of this crate; 0 if there is none.
fn plain_writer(path: &Path) -> Option<i32> {
    match fs::OpenOptions::new().write(true).open(path) {
        Ok(_) => Some(0),
        Err(error) => error.raw_os_error(),
    }
}

#[test]
#[cfg_attr(not(windows), ignore = "only Windows has sharing modes")]
fn nobody_writes_beside_a_writer_or_a_mandatory_reader() {
    const SHARING: Option<i32> = Some(32);
    let (_dir, path) = made("a.npy", Format::Npy, 50);
    let whole = fs::read(&path).unwrap();
    let mandatory = OpenOptions::new().lock(LockPolicy::Mandatory);

    let advisory = map(&path, LockPolicy::Advisory).unwrap();
    assert_eq!(plain_writer(&path), Some(0), "an advisory reader");
    let appender = ArrayFile::<u64, Ix2>::open_append(&path).unwrap();
    assert_eq!(plain_writer(&path), Some(0), "an appender");
    // A file that somebody has open for writing is not to be had so.
    let error = mandatory.open_file::<u64, Ix2>(&path).unwrap_err();
    assert_eq!((error.kind(), system_error(&error)), (ErrorKind::Locked, SHARING), "{error}");
    assert!(error.hint().is_some(), "{error}");
    drop((advisory, appender));

    let reader = mandatory.open_file::<u64, Ix2>(&path).unwrap();
    let mapped = map(&path, LockPolicy::Mandatory).unwrap();
    assert_eq!(plain_writer(&path), SHARING, "a mandatory reader");
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..50));
    for policy in [LockPolicy::None, LockPolicy::Advisory, LockPolicy::Mandatory] {
        let error = OpenOptions::new().lock(policy).open_append::<u64, Ix2>(&path).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(&*path)), "{error}");
    }
    drop(reader);
    assert_eq!(plain_writer(&path), SHARING, "a mandatory mapping");
    drop(mapped);
    assert_eq!(plain_writer(&path), Some(0), "nobody");

    for policy in [LockPolicy::Advisory, LockPolicy::Mandatory] {
        let mut writer = OpenOptions::new().lock(policy).open_file_mut::<u64, Ix2>(&path).unwrap();
        assert_eq!(plain_writer(&path), SHARING, "a writer");
        writer.set((0, 0), 7).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), whole.len());
        writer.set((0, 0), 0).unwrap();
        writer.close().unwrap();
        assert_eq!(plain_writer(&path), Some(0), "nobody");
    }
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
#[cfg_attr(windows, ignore = "Windows has sharing modes")]
fn what_the_system_cannot_keep_others_from_is_not_promised() {
    let (dir, path) = made("a.npy", Format::Npy, 50);
    let error = OpenOptions::new().lock(LockPolicy::Mandatory).open_file::<u64, Ix2>(&path).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)));
    let new = dir.path().join("new.npy");
    let error = CreateOptions::new().lock(LockPolicy::Mandatory).create_file::<u64, Ix2>(&new, (2, 2)).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*new)));
    assert!(!new.exists());
}

/// The call behind it needs a handle that may write.
#[test]
fn a_reader_has_nothing_to_flush() {
    let (_dir, path) = made("a.npy", Format::Npy, 50);
    let mut file = ArrayFile::<u64, Ix2>::open(&path).unwrap();
    file.flush().unwrap();
    assert_eq!(file.read().unwrap(), numbers(0..50));
}

#[test]
fn locks_of_rows_exclude_those_that_overlap() {
    for (name, format) in FORMATS {
        let (_dir, path) = made(name, format, 100);
        // SAFETY: the rows of the handles are disjoint.
        let rows = |rows: Range<u64>| unsafe { MmapArrayMut::<u64, Ix2>::open_rows_mut(&path, rows) };
        let mut first = rows(10..20).unwrap();
        let mut second = rows(20..30).unwrap();
        for overlapping in [19..21, 0..11, 0..100, 15..16, 29..31] {
            let error = rows(overlapping.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked, "{overlapping:?}: {error}");
        }
        let third = rows(0..10).unwrap();
        first.view_mut().fill(1);
        second.view_mut().fill(2);
        drop(first);
        rows(5..11).unwrap_err();
        drop(third);
        // Rows that nobody has any more, and those beside somebody else's.
        let fourth = rows(5..20).unwrap();
        assert_eq!((fourth[[4, 15]], fourth[[5, 0]]), (915, 1));
        drop((fourth, second));
        drop(rows(0..100).unwrap());
        // A lock keeps nobody from reading the bytes, on no system.
        let writer = map_mut(&path);
        assert!(fs::read(&path).unwrap().len() > 100 * 128);
        drop(writer);
    }
}

#[test]
fn a_flush_reaches_whoever_reads_the_file() {
    for (name, format) in FORMATS {
        let (_dir, path) = made(name, format, 3000);
        let begin = usize::try_from(outcore::peek(&path).unwrap().data_offset()).unwrap();
        let mut m = map_mut(&path);
        for (row, value) in [(0, 1_u64), (1500, 2), (2999, 3)] {
            m[[row, 15]] = value;
            m.flush_rows(row..row + 1).unwrap();
            let at = begin + row * 128 + 120;
            let expected = if cfg!(target_endian = "big") { value.to_be_bytes() } else { value.to_le_bytes() };
            assert_eq!(fs::read(&path).unwrap()[at..at + 8], expected, "{name}");
        }
        m.flush().unwrap();
        m.flush_async().unwrap();
        m.close().unwrap();
    }
}

/// Mappings begin at multiples of 64 KiB there, and windows where their rows do.
#[test]
fn windows_of_rows_begin_anywhere() {
    for (name, format) in FORMATS {
        let (_dir, path) = made(name, format, 5000);
        for begin in [0, 1, 3, 511, 512, 513, 1023, 1024, 2000, 4095, 4999] {
            for len in [0, 1, 600] {
                let rows = begin..(begin + len).min(5000);
                let window = rows.start as u64..rows.end as u64;
                // SAFETY: nobody else uses the file.
                let mapped = unsafe { OpenOptions::new().rows(window.clone()).open::<u64, Ix2>(&path) }.unwrap();
                assert_eq!(mapped.view(), numbers(rows.clone()), "{name}: {rows:?}");
                drop(mapped);
                // SAFETY: as above.
                let mut mapped = unsafe { OpenOptions::new().rows(window).open_mut::<u64, Ix2>(&path) }.unwrap();
                mapped.view_mut().map_inplace(|x| *x += 1);
                mapped.flush().unwrap();
                mapped.view_mut().map_inplace(|x| *x -= 1);
                mapped.close().unwrap();
            }
        }
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..5000), "{name}");
    }
}

#[test]
fn names_may_be_written_in_any_script() {
    let dir = tempfile::tempdir().unwrap();
    for stem in ["Größenmaße", "配列のファイル", "🦀 数 ä", "e\u{301}ludes"] {
        for (extension, format) in [("npy", Format::Npy), ("oca", Format::Native)] {
            let folder = dir.path().join(stem);
            fs::create_dir_all(&folder).unwrap();
            let path = folder.join(format!("{stem}.{extension}"));
            let options = CreateOptions::new().format(format);
            options.create_file::<u64, Ix2>(&path, (5, 16)).unwrap().close().unwrap();
            let mut file = ArrayFile::<u64, Ix2>::open_mut(&path).unwrap();
            file.write(&numbers(0..5)).unwrap();
            file.append_rows(&numbers(5..9)).unwrap();
            let mut transaction = file.transaction().unwrap();
            transaction.write_rows(0, &numbers(0..1)).unwrap();
            transaction.commit().unwrap();
            file.close().unwrap();
            assert_eq!(map(&path, LockPolicy::Advisory).unwrap().view(), numbers(0..9), "{stem}");
            options.overwrite(true).save(&path, &numbers(0..3)).unwrap();
            assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), numbers(0..3), "{stem}");
            let lost = path.with_extension("none");
            let error = ArrayFile::<u64, Ix2>::open(&lost).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, Some(&*lost)), "{error}");
            assert!(error.to_string().contains(stem), "{error}");
            let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert_eq!(names, [&*path], "{stem}");
            fs::remove_file(path).unwrap();
        }
    }
}
