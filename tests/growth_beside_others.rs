//! What growth, seals and repair do when somebody else uses the file, or has cut it.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Ix1, array};
use outcore::compute::SealState;
use outcore::format::npy;
use outcore::{
    AnyArrayFile, ArrayFile, CreateOptions, Error, ErrorKind, Format, LockPolicy, MmapArrayMut, OpenOptions, Order,
    RepairOptions, Result,
};

fn native(dir: &Path, len: usize) -> PathBuf {
    let path = dir.join("a.oca");
    let mut file = CreateOptions::new().format(Format::Native).create_file::<f64, Ix1>(&path, 0).unwrap();
    file.append_rows(&Array1::ones(len)).unwrap();
    file.close().unwrap();
    path
}

fn shorten(path: &Path, len: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[track_caller]
fn fails<T>(result: Result<T>, kind: ErrorKind) {
    assert_eq!(result.map(drop).as_ref().map_err(Error::kind), Err(kind));
}

#[test]
fn a_native_file_that_lost_its_end_is_truncated_and_not_an_older_array() {
    let dir = tempfile::tempdir().unwrap();
    let path = native(dir.path(), 1000);
    shorten(&path, 16_384 + 7_999);
    let before = fs::read(&path).unwrap();
    fails(ArrayFile::<f64>::open(&path), ErrorKind::Truncated);
    fails(ArrayFile::<f64>::open_append(&path), ErrorKind::Truncated);
    assert_eq!(fs::read(&path).unwrap(), before);
    RepairOptions::new().rows_from_size(true).repair(&path).unwrap();
    assert_eq!(outcore::load::<f64, Ix1>(&path).unwrap(), Array1::<f64>::ones(999));
}

#[test]
fn what_others_cut_does_not_become_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    outcore::save(&path, &Array1::<f64>::ones(1000)).unwrap();
    let mut file = OpenOptions::new().lock(LockPolicy::None).open_file_mut::<f64, Ix1>(&path).unwrap();
    shorten(&path, 128 + 80);
    fails(file.append_rows(&array![1.0]), ErrorKind::Truncated);
    fails(file.resize_rows(2000), ErrorKind::Truncated);
    fails(file.reserve_rows(10), ErrorKind::Truncated);
    drop(file);
    assert_eq!(fs::metadata(&path).unwrap().len(), 128 + 80);
}

#[test]
fn a_second_array_in_the_file_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    outcore::save(&path, &array![1.0, 2.0]).unwrap();
    let twice = fs::read(&path).unwrap().repeat(2);
    fs::write(&path, &twice).unwrap();
    let mut file = ArrayFile::<f64, Ix1>::open_mut(&path).unwrap();
    fails(file.append_rows(&array![3.0]), ErrorKind::Unsupported);
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), twice);
}

#[test]
fn a_file_is_written_anew_only_when_nobody_else_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let dtype = "|u1".parse().unwrap();
    let head = (20..200).find_map(|end| npy::header_in(end, (1, 0), &dtype, &[9], Order::C).ok()).unwrap();
    fs::write(&path, [&head[..], &[1; 9]].concat()).unwrap();
    // SAFETY: what this test does to the file goes through the locks.
    let rows = unsafe { MmapArrayMut::<u8, Ix1>::open_rows_mut(&path, 0..4) }.unwrap();
    let mut file = ArrayFile::<u8, Ix1>::open_append(&path).unwrap();
    fails(file.append_rows(&array![2]), ErrorKind::NoRoom);
    drop(rows);
    match file.append_rows(&array![2]) {
        Err(error) if cfg!(windows) && error.kind() == ErrorKind::PermissionDenied => {
            drop(file);
            assert_eq!(outcore::load::<u8, Ix1>(&path).unwrap(), Array1::<u8>::ones(9));
            return eprintln!("skipped: this system does not replace a file that is open");
        }
        done => done.unwrap(),
    }
    // The new file is locked as the old one was.
    fails(ArrayFile::<u8, Ix1>::open_append(&path), ErrorKind::Locked);
    assert_eq!(outcore::load::<u8, Ix1>(&path).unwrap(), array![1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
}

#[test]
fn refresh_shows_no_rows_that_somebody_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = native(dir.path(), 10);
    let mut reader = ArrayFile::<f64, Ix1>::open(&path).unwrap();
    ArrayFile::<f64, Ix1>::open_append(&path).unwrap().append_rows(&Array1::zeros(10)).unwrap();
    // SAFETY: as above.
    let rows = unsafe { MmapArrayMut::<f64, Ix1>::open_rows_mut(&path, 10..20) }.unwrap();
    fails(reader.refresh(), ErrorKind::Locked);
    assert_eq!(reader.shape(), [10]);
    drop(rows);
    assert!(reader.refresh().unwrap());
    assert_eq!(reader.shape(), [20]);
}

#[test]
fn a_stale_clone_and_a_transaction_neither_seal_nor_verify() {
    let dir = tempfile::tempdir().unwrap();
    let path = native(dir.path(), 10);
    let mut any = AnyArrayFile::open_mut(&path).unwrap();
    let mut typed = any.typed::<f64, Ix1>().unwrap();
    typed.append_rows(&array![2.0]).unwrap();
    fails(any.seal(), ErrorKind::Shape);
    typed.seal().unwrap();
    fails(any.verify(), ErrorKind::Shape);
    let mut transaction = typed.transaction().unwrap();
    transaction.set(0, 5.0).unwrap();
    fails(transaction.verify(), ErrorKind::InvalidArgument);
    drop(transaction);
    assert_eq!(typed.verify().unwrap().state, SealState::Verified);
}

#[test]
fn a_seal_that_an_appender_ended_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = native(dir.path(), 10);
    ArrayFile::<f64, Ix1>::open_mut(&path).unwrap().seal().unwrap();
    let reader = ArrayFile::<f64, Ix1>::open(&path).unwrap();
    ArrayFile::<f64, Ix1>::open_append(&path).unwrap().append_rows(&Array1::zeros(5000)).unwrap();
    let found = reader.verify().unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.state, SealState::Unverified);
}

#[test]
fn repair_makes_no_rows_of_what_follows_a_native_array() {
    let dir = tempfile::tempdir().unwrap();
    let path = native(dir.path(), 10);
    let len = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len + 8000).unwrap();
    RepairOptions::new().rows_from_size(true).repair(&path).unwrap();
    assert_eq!(outcore::load::<f64, Ix1>(&path).unwrap(), Array1::<f64>::ones(10));
}
