//! What the handles refuse, with which kind and in which words: the file, the place, what was expected and found, and what to do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, Ix1, Ix2, Ix3, array};
use outcore::storage::MemoryDisk;
use outcore::{
    AnyArrayFile, ArrayFile, Bool8, CreateOptions, Error, ErrorKind, Format, LockPolicy, MmapArray, MmapArrayMut,
    OpenOptions, RawLayout, peek,
};

/// This machine's byte order and the other one, and how errors speak of this one.
#[cfg(target_endian = "little")]
use outcore::{Be as Swapped, Le as Own};
#[cfg(target_endian = "big")]
use outcore::{Be as Own, Le as Swapped};
const STORED: &str = if cfg!(target_endian = "big") { ">f8" } else { "<f8" };
const AT_ANY_ADDRESS: &str = if cfg!(target_endian = "big") { "Be<f64>" } else { "Le<f64>" };

/// A folder with a file of `[[0, 1, 2], [3, 4, 5]]` in it.
fn numbers() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers.npy");
    let mut file = ArrayFile::<f64, Ix2>::create(&path, (2, 3)).unwrap();
    file.write(&Array2::from_shape_fn((2, 3), |(i, j)| f64::from(u8::try_from(3 * i + j).unwrap()))).unwrap();
    file.close().unwrap();
    (dir, path)
}

/// The kind is right, the file is named, and the text says each of the parts.
fn says<T>(answer: Result<T, Error>, path: &Path, kind: ErrorKind, parts: &[&str]) -> Error {
    let Err(error) = answer else { panic!("no error; expected {kind:?}") };
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert_eq!(error.path(), Some(path), "{text}");
    assert!(text.starts_with(&format!("{}: ", path.display())), "{text}");
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
    assert!(!text.contains('\n'), "{text}");
    error
}

/// Maps read-only.
fn map<T: outcore::Element, D: ndarray::Dimension>(path: &Path) -> Result<MmapArray<T, D>, Error> {
    // SAFETY: nobody writes the file of a test while the mapping lives.
    unsafe { MmapArray::open(path) }
}

/// Maps for writing.
fn map_mut(path: &Path) -> Result<MmapArrayMut<f64, Ix2>, Error> {
    // SAFETY: nobody else uses the file of a test.
    unsafe { MmapArrayMut::open_mut(path) }
}

#[test]
fn another_dtype_is_named_with_its_rust_type() {
    let (_dir, path) = numbers();
    for error in [
        says(ArrayFile::<f32, Ix2>::open(&path), &path, ErrorKind::DType, &["float64", STORED, "f32"]),
        says(map::<f32, Ix2>(&path), &path, ErrorKind::DType, &["float64", STORED, "f32"]),
        says(AnyArrayFile::open(&path).unwrap().typed::<i64, Ix2>(), &path, ErrorKind::DType, &["i64"]),
    ] {
        assert!(error.hint().unwrap().contains("f64"), "{error}");
    }
    says(map::<Swapped<f64>, Ix2>(&path), &path, ErrorKind::DType, &["byte order"]);
}

#[test]
fn the_other_byte_order_is_mapped_as_what_the_hint_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swapped.npy");
    let (dtype, item, named) = match cfg!(target_endian = "big") {
        true => ("<i4", [2, 1, 0, 0], "Le<i32>"),
        false => (">i4", [0, 0, 1, 2], "Be<i32>"),
    };
    let mut file = CreateOptions::new().create_any_file(&path, &dtype.parse().unwrap(), &[2]).unwrap();
    file.write_selection(&"[1]".parse().unwrap(), &item).unwrap();
    file.close().unwrap();
    let error = says(map::<i32, Ix1>(&path), &path, ErrorKind::DType, &["i32", dtype]);
    assert!(error.hint().unwrap().contains(named) && error.hint().unwrap().contains("ArrayFile"), "{error}");
    assert_eq!(map::<Swapped<i32>, Ix1>(&path).unwrap()[1].get(), 0x102);
    assert_eq!(ArrayFile::<i32, Ix1>::open(&path).unwrap().read().unwrap(), array![0, 0x102]);
}

#[test]
fn another_number_of_axes_is_told() {
    let (_dir, path) = numbers();
    says(ArrayFile::<f64, Ix3>::open(&path), &path, ErrorKind::Shape, &["2 axes", "3", "Ix2"]);
    says(map::<f64, Ix1>(&path), &path, ErrorKind::Shape, &["2 axes", "1", "Ix2"]);
    let m = map::<f64, Ix2>(&path).unwrap().into_dyn();
    says(m.clone().into_dimensionality::<Ix3>(), &path, ErrorKind::Shape, &["2 axes", "3"]);
    assert_eq!(m.into_dimensionality::<Ix2>().unwrap()[[1, 2]], 5.0);
    let m = map_mut(&path).unwrap().into_dyn();
    assert_eq!(m.into_dimensionality::<Ix1>().unwrap_err().kind(), ErrorKind::Shape);
    let m = map_mut(&path).unwrap().into_dyn().into_dimensionality::<Ix2>().unwrap();
    assert_eq!(m[[1, 2]], 5.0);
}

#[test]
fn what_is_out_of_bounds_is_told_with_the_bounds() {
    let (_dir, path) = numbers();
    let mut file = ArrayFile::<f64, Ix2>::open_mut(&path).unwrap();
    use ErrorKind::InvalidArgument;
    says(file.get((2, 0)), &path, InvalidArgument, &["index 2", "axis 0", "length 2"]);
    says(file.set((0, 3), 1.0), &path, InvalidArgument, &["index 3", "axis 1", "length 3"]);
    says(file.read_rows(1..3), &path, InvalidArgument, &["1..3", "2 rows"]);
    #[expect(clippy::reversed_empty_ranges, reason = "it must be refused")]
    says(file.read_rows(2..1), &path, InvalidArgument, &["2..1"]);
    says(file.write_rows(1, &Array2::zeros((2, 3))), &path, InvalidArgument, &["1..3", "2 rows"]);
    says(file.write_rows(usize::MAX, &Array2::zeros((2, 3))), &path, InvalidArgument, &[]);
    says(file.write_rows(0, &Array2::zeros((1, 4))), &path, ErrorKind::Shape, &["(1, 4)", "(1, 3)"]);
    says(file.write(&Array2::zeros((3, 2))), &path, ErrorKind::Shape, &["(3, 2)", "(2, 3)"]);
    says(file.read_selection(&"[0, 0, 0]".parse().unwrap()), &path, InvalidArgument, &["3 axes", "(2, 3)"]);
    // SAFETY: nobody writes the file.
    let window = unsafe { OpenOptions::new().lock(LockPolicy::None).rows(1..3).open::<f64, Ix2>(&path) };
    says(window, &path, InvalidArgument, &["1..3", "2 rows"]);
    assert_eq!(file.read().unwrap().sum(), 15.0);
}

#[test]
fn a_missing_end_is_told_in_bytes() {
    let (_dir, path) = numbers();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(128 + 47).unwrap();
    let error = says(map::<f64, Ix2>(&path), &path, ErrorKind::Truncated, &["48 bytes", "byte 128", "byte 175"]);
    assert_eq!(error.offset(), Some(175), "{error}");
    says(ArrayFile::<f64, Ix2>::open(&path), &path, ErrorKind::Truncated, &[]);
    assert_eq!(peek(&path).unwrap().shape(), [2, 3]);
    assert_eq!(fs::metadata(&path).unwrap().len(), 175);
}

/// A file cut behind the back of a positional handle is an error at the next read, no signal.
#[test]
fn r7_a_file_cut_while_open_is_an_error() {
    let (_dir, path) = numbers();
    let file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(140).unwrap();
    says(file.read(), &path, ErrorKind::Truncated, &[]);
    assert_eq!(file.get((0, 0)).unwrap(), 0.0);
}

#[test]
fn d2_a_bool_of_two_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bool.npy");
    let mut file = ArrayFile::<Bool8, Ix2>::create(&path, (3, 5)).unwrap();
    file.set((2, 1), Bool8::from_byte(2)).unwrap();
    file.close().unwrap();
    let error = says(map::<bool, Ix2>(&path), &path, ErrorKind::InvalidElement, &["0x02", "bool", "Bool8"]);
    assert_eq!(error.offset(), Some(128 + 11), "{error}");
    says(ArrayFile::<bool, Ix2>::open(&path).unwrap().read(), &path, ErrorKind::InvalidElement, &["bool", "Bool8"]);
    says(ArrayFile::<bool, Ix2>::open(&path).unwrap().get((2, 1)), &path, ErrorKind::InvalidElement, &[]);
    assert_eq!(ArrayFile::<bool, Ix2>::open(&path).unwrap().read_rows(0..2).unwrap().len(), 10);
    assert!(map::<Bool8, Ix2>(&path).unwrap()[[2, 1]].get());
    // SAFETY: nobody else uses the file.
    let error = unsafe { MmapArrayMut::<bool, Ix2>::open_mut(&path) };
    says(error, &path, ErrorKind::InvalidElement, &[]);
}

#[test]
fn f20_elements_at_an_odd_address_have_two_ways_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd.dat");
    let bytes = |x: f64| if cfg!(target_endian = "big") { x.to_be_bytes() } else { x.to_le_bytes() };
    fs::write(&path, [&[9; 3][..], &bytes(1.5), &bytes(2.5)].concat()).unwrap();
    let layout = RawLayout::new().offset(3);
    // SAFETY: nobody writes the file.
    let answer = unsafe { MmapArray::<f64, Ix1>::open_raw(&path, layout.clone()) };
    let error = says(answer, &path, ErrorKind::Misaligned, &["byte 3", &align_of::<f64>().to_string()]);
    assert!(error.hint().unwrap().contains(AT_ANY_ADDRESS) && error.hint().unwrap().contains("ArrayFile"), "{error}");
    // SAFETY: nobody writes the file.
    let mapped = unsafe { MmapArray::<Own<f64>, Ix1>::open_raw(&path, layout.clone()) }.unwrap();
    assert_eq!(mapped.iter().map(|value| value.get()).sum::<f64>(), 4.0);
    assert_eq!(ArrayFile::<f64, Ix1>::open_raw(&path, layout).unwrap().read().unwrap(), array![1.5, 2.5]);
}

#[test]
fn a_handle_for_reading_does_not_write() {
    let (_dir, path) = numbers();
    let before = fs::read(&path).unwrap();
    let mut file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
    says(file.set((0, 0), 1.0), &path, ErrorKind::ReadOnly, &[]);
    says(file.write_rows(0, &Array2::zeros((1, 3))), &path, ErrorKind::ReadOnly, &[]);
    let mut any = AnyArrayFile::open(&path).unwrap();
    says(any.fill_selection(&"".parse().unwrap(), &[0; 8]), &path, ErrorKind::ReadOnly, &[]);
    file.close().unwrap();
    any.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn items_of_the_wrong_size_are_told() {
    let (_dir, path) = numbers();
    let mut any = AnyArrayFile::open_mut(&path).unwrap();
    says(any.write_selection(&"[0]".parse().unwrap(), &[0; 23]), &path, ErrorKind::Shape, &["24 bytes", "23"]);
    says(any.fill_selection(&"[0]".parse().unwrap(), &[0; 4]), &path, ErrorKind::Shape, &["8 bytes", "4"]);
}

/// Readers share, a writer is alone, and `LockPolicy::None` asks nobody.
#[test]
fn locks_keep_writers_apart() {
    let (_dir, path) = numbers();
    let none = OpenOptions::new().lock(LockPolicy::None);

    let reader = ArrayFile::<f64, Ix2>::open(&path).unwrap();
    let mapped = map::<f64, Ix2>(&path).unwrap();
    says(ArrayFile::<f64, Ix2>::open_mut(&path), &path, ErrorKind::Locked, &[]);
    says(map_mut(&path), &path, ErrorKind::Locked, &[]);
    assert_eq!(none.open_file_mut::<f64, Ix2>(&path).unwrap().read().unwrap().sum(), 15.0);
    drop(reader);
    says(map_mut(&path), &path, ErrorKind::Locked, &[]);
    let clone = mapped.clone();
    drop(mapped);
    says(map_mut(&path), &path, ErrorKind::Locked, &[]);
    assert_eq!(clone.sum(), 15.0);
    drop(clone);

    let writer = map_mut(&path).unwrap();
    says(map_mut(&path), &path, ErrorKind::Locked, &[]);
    says(map::<f64, Ix2>(&path), &path, ErrorKind::Locked, &[]);
    says(ArrayFile::<f64, Ix2>::open(&path), &path, ErrorKind::Locked, &[]);
    let answer = CreateOptions::new().overwrite(true).create_file::<f64, Ix2>(&path, (1, 1));
    says(answer, &path, ErrorKind::Locked, &[]);
    assert_eq!(peek(&path).unwrap().shape(), [2, 3]);
    writer.close().unwrap();
    drop(map_mut(&path).unwrap());

    // A new file is its creator's.
    let fresh = path.with_file_name("fresh.npy");
    let created = ArrayFile::<f64, Ix2>::create(&fresh, (2, 2)).unwrap();
    says(ArrayFile::<f64, Ix2>::open(&fresh), &fresh, ErrorKind::Locked, &[]);
    drop(created);
    ArrayFile::<f64, Ix2>::open(&fresh).unwrap();
}

/// r2: an existing file stays what it was; replaced on request, those who have it open keep it.
#[test]
fn r2_create_never_harms_an_existing_file() {
    let (dir, path) = numbers();
    let before = fs::read(&path).unwrap();
    says(ArrayFile::<f64, Ix2>::create(&path, (5, 5)), &path, ErrorKind::AlreadyExists, &[]);
    // SAFETY: nobody else uses the file.
    says(unsafe { MmapArrayMut::<f64, Ix2>::create(&path, (5, 5)) }, &path, ErrorKind::AlreadyExists, &[]);
    assert_eq!(fs::read(&path).unwrap(), before);

    let overwrite = CreateOptions::new().overwrite(true);
    let none = OpenOptions::new().lock(LockPolicy::None);
    // SAFETY: nobody writes the old file.
    let old = unsafe { none.open::<f64, Ix2>(&path) }.unwrap();
    let old_positional = none.open_file::<f64, Ix2>(&path).unwrap();
    match overwrite.create_file::<f64, Ix2>(&path, (5, 5)) {
        Ok(mut new) => {
            new.write(&Array2::ones((5, 5))).unwrap();
            new.close().unwrap();
            assert_eq!(old.sum(), 15.0);
            assert_eq!(old_positional.read().unwrap(), old.view());
        }
        // Before Windows 10 a file that is open is not replaced.
        Err(error) => {
            assert!(cfg!(windows) && error.kind() == ErrorKind::PermissionDenied, "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
            drop((old, old_positional));
            overwrite.create_file::<f64, Ix2>(&path, (5, 5)).unwrap().write(&Array2::ones((5, 5))).unwrap();
        }
    }
    assert_eq!(ArrayFile::<f64, Ix2>::open(&path).unwrap().read().unwrap().sum(), 25.0);

    // What cannot be created leaves nothing behind, and the old file.
    let before = fs::read(&path).unwrap();
    let huge = overwrite.create_any_file(&path, &"<f8".parse().unwrap(), &[u64::MAX / 2, 2]);
    assert_eq!(huge.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(fs::read(&path).unwrap(), before);
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["numbers.npy"]);
    let lost = dir.path().join("no/such/folder.npy");
    says(ArrayFile::<f64, Ix2>::create(&lost, (1, 1)), &lost, ErrorKind::NotFound, &[]);
}

/// d8: all bytes are on the disk at creation, or none by choice.
#[cfg(target_os = "linux")]
#[test]
fn d8_creation_reserves_blocks() {
    use outcore::Reserve;
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let blocks = |reserve| {
        let path = dir.path().join(format!("{reserve:?}.npy"));
        CreateOptions::new().reserve(reserve).create_file::<f64, Ix1>(&path, 1 << 20).unwrap().close().unwrap();
        fs::metadata(path).unwrap().blocks() * 512
    };
    let (full, sparse) = (blocks(Reserve::Full), blocks(Reserve::Sparse));
    assert!(sparse < 1 << 20, "{sparse}");
    // Some file systems cannot reserve.
    assert!(full >= 8 << 20 || full == sparse, "{full}");
}

#[cfg(not(target_os = "linux"))]
#[test]
#[ignore = "only Linux reserves blocks and tells how many"]
fn d8_creation_reserves_blocks() {}

#[test]
fn what_npy_cannot_name_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npy");
    #[cfg(feature = "half")]
    {
        let error = ArrayFile::<outcore::element::bf16, Ix1>::create(&path, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    let axes = vec![1; 65];
    let error = CreateOptions::new().create_any_file(&path, &"<f8".parse().unwrap(), &axes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    assert!(!path.exists());
}

/// d9: a failed flush is for ever, through every later flush and write of the handle; a new handle starts afresh.
#[test]
fn d9_a_failed_flush_poisons_the_handle() {
    let disk = MemoryDisk::new();
    let path = Path::new("m.npy");
    let create = CreateOptions::new().backend(Arc::new(disk.clone()));
    let open = OpenOptions::new().backend(Arc::new(disk.clone()));
    let mut file = create.create_file::<f64, Ix2>(path, (2, 3)).unwrap();
    file.set((0, 0), 1.0).unwrap();
    disk.fail_at(1, io::ErrorKind::StorageFull);
    says(file.flush(), path, ErrorKind::OutOfSpace, &[]);
    says(file.flush(), path, ErrorKind::Poisoned, &[]);
    says(file.set((0, 1), 1.0), path, ErrorKind::Poisoned, &[]);
    says(file.close(), path, ErrorKind::Poisoned, &[]);
    let mut file = open.open_file_mut::<f64, Ix2>(path).unwrap();
    file.set((0, 1), 1.0).unwrap();
    file.close().unwrap();

    // SAFETY: a file in memory, which nobody else uses.
    let mut mapped = unsafe { open.open_mut::<f64, Ix2>(path) }.unwrap();
    mapped[[1, 1]] = 2.0;
    disk.fail_at(1, io::ErrorKind::Other);
    says(mapped.flush(), path, ErrorKind::Io, &[]);
    says(mapped.flush(), path, ErrorKind::Poisoned, &[]);
    says(mapped.flush_async(), path, ErrorKind::Poisoned, &[]);
    says(mapped.flush_rows(0..1), path, ErrorKind::Poisoned, &[]);
    says(mapped.close(), path, ErrorKind::Poisoned, &[]);
}

/// Whatever call of the file system fails, creating, writing and reading give an error or the right answer, and never a panic.
#[test]
fn r7_every_failing_call_is_an_error() {
    let mut failures = 0;
    for n in 1.. {
        let disk = MemoryDisk::new();
        let path = Path::new("m.npy");
        let run = || -> Result<f64, Error> {
            let create = CreateOptions::new().backend(Arc::new(disk.clone()));
            let open = OpenOptions::new().backend(Arc::new(disk.clone()));
            let mut file = create.create_file::<f64, Ix2>(path, (2, 3))?;
            file.write(&Array2::ones((2, 3)))?;
            file.close()?;
            // SAFETY: a file in memory, which nobody else uses.
            let mut mapped = unsafe { open.open_mut::<f64, Ix2>(path) }?;
            mapped[[0, 0]] = 2.0;
            mapped.close()?;
            Ok(open.open_file::<f64, Ix2>(path)?.read()?.sum())
        };
        disk.fail_at(n, io::ErrorKind::Other);
        match run() {
            Ok(sum) => {
                assert_eq!(sum, 7.0, "call {n}");
                if disk.failure_pending() {
                    break;
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Io, "call {n}: {error}");
                // The journal of a transaction would lie beside the file.
                let names = [path, Path::new(".m.npy.outcore-journal")];
                assert!(error.path().is_some_and(|path| names.contains(&path)), "call {n}: {error}");
                failures += 1;
            }
        }
        let left: Vec<_> = disk.names().into_iter().filter(|name| name != path).collect();
        assert!(left.len() <= 1, "call {n} left {left:?}");
    }
    println!("{failures} calls made to fail");
    assert!(failures > 10, "{failures}");
}

#[test]
fn r2_a_creation_that_cannot_be_mapped_never_happened() {
    let (_dir, path) = numbers();
    let before = fs::read(&path).unwrap();
    let options = CreateOptions::new().format(Format::Raw).offset(3).overwrite(true);
    // SAFETY: the file is this test's own.
    let answer = unsafe { options.create::<f64, Ix1>(&path, 10) };
    says(answer, &path, ErrorKind::Misaligned, &["byte 3", "multiple of", AT_ANY_ADDRESS]);
    assert_eq!(fs::read(&path).unwrap(), before);
    // At any address there is no such trouble.
    // SAFETY: as above.
    let m = unsafe { options.create::<Own<f64>, Ix1>(&path, 10) }.unwrap();
    assert_eq!(m.header().data_offset(), 3);
}

#[test]
fn options_that_a_door_cannot_honour_are_refused() {
    let (dir, path) = numbers();
    let window = OpenOptions::new().rows(0..1);
    says(window.open_file::<f64, Ix2>(&path), &path, ErrorKind::InvalidArgument, &["window of rows", "read_rows"]);
    says(window.open_any_file(&path), &path, ErrorKind::InvalidArgument, &["window of rows"]);
    let answer = CreateOptions::new().offset(3).create_file::<f64, Ix1>(dir.path().join("new.npy"), 10);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn r7_a_file_cut_while_open_does_not_grow_again() {
    let (_dir, path) = numbers();
    let mut file = OpenOptions::new().lock(LockPolicy::None).open_file_mut::<f64, Ix2>(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(136).unwrap();
    says(file.set((1, 2), 9.0), &path, ErrorKind::Truncated, &["byte 136", "176"]);
    assert_eq!(fs::metadata(&path).unwrap().len(), 136);
    file.set((0, 0), 9.0).unwrap();
}

#[test]
fn elements_without_bytes_make_no_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nothing.npy");
    let file = AnyArrayFile::create(&path, &"|V0".parse().unwrap(), &[1 << 62]).unwrap();
    assert_eq!(file.blocks(1 << 20).count(), 0);
}
