//! The same program writes the same bytes on every system, and reads what it wrote on any other: `format-spec/vectors/written` has
//! a folder of files for each system that wrote them.
//!
//! `cargo test --test written_vectors -- --ignored write` writes those of the system that it runs on.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2, ShapeBuilder, array, s};
use outcore::compute::SealState;
use outcore::{
    AnyArrayFile, ArrayFile, Be, CreateOptions, Element, Format, Le, MmapArray, Order, Reserve, Selection, save,
};
use serde_json::json;

fn written() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format-spec/vectors/written")
}

fn system() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

const BIG: bool = cfg!(target_endian = "big");

/// What the files hold, in the order of the machine.
fn rows() -> Array2<f64> {
    Array2::from_shape_fn((7, 3), |(i, j)| (i * 3 + j) as f64 / 8.0 - 1.0)
}

fn columns() -> Array2<i16> {
    Array2::from_shape_fn((4, 5).f(), |(i, j)| 1000 * i16::try_from(i).unwrap() - i16::try_from(j).unwrap())
}

fn wide() -> Array1<u64> {
    array![0, 1, 1 << 40, u64::MAX]
}

/// A native file that grew, has attributes, took part in a transaction, and is sealed.
fn grown<T: Element>(path: &Path, item: impl Fn(f64) -> T) {
    let rows = rows().mapv(item);
    let options = CreateOptions::new().format(Format::Native).reserve(Reserve::Sparse);
    options.save(path, &rows.slice(s![..2, ..])).unwrap();
    let mut file = ArrayFile::<T, Ix2>::open_mut(path).unwrap();
    file.append_rows(&rows.slice(s![2..6, ..])).unwrap();
    file.append_rows(&rows.slice(s![6.., ..])).unwrap();
    file.set_attrs(&json!({ "unit": "µm", "scale": 0.125, "steps": [1, 2, 3] })).unwrap();
    let mut transaction = file.transaction().unwrap();
    let all: Selection = "[...]".parse().unwrap();
    transaction.write_selection(&all, &rows.view().into_dyn()).unwrap();
    transaction.commit().unwrap();
    file.seal().unwrap();
}

/// An `.npy` file that grew in place.
fn appended<T: Element>(path: &Path, item: impl Fn(u64) -> T) {
    let items = wide().mapv(item);
    save(path, &items.slice(s![..1])).unwrap();
    let mut file = ArrayFile::<T, Ix1>::open_mut(path).unwrap();
    file.append_rows(&items.slice(s![1..])).unwrap();
}

/// Writes all files to a folder.
fn write_all(to: &Path) {
    let native = CreateOptions::new().format(Format::Native).reserve(Reserve::Sparse);
    grown(&to.join("grown-little.oca"), Le::new);
    grown(&to.join("grown-big.oca"), Be::new);
    appended(&to.join("appended-little.npy"), Le::new);
    appended(&to.join("appended-big.npy"), Be::new);
    save(to.join("columns-little.npy"), &columns().mapv(Le::new)).unwrap();
    native.save(to.join("columns-big.oca"), &columns().mapv(Be::new)).unwrap();
    save(to.join("bytes.npy"), &array![[1_u8, 2], [3, 255]]).unwrap();
    // In the order of the machine that writes them.
    save(to.join("machine.npy"), &rows()).unwrap();
    native.save(to.join("machine.oca"), &rows()).unwrap();
}

/// The folders, and whether a big-endian machine wrote them.
fn folders() -> Vec<(PathBuf, bool)> {
    let mut folders: Vec<_> = fs::read_dir(written()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let big = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("s390x") || name.starts_with("powerpc")
    };
    folders.into_iter().map(|path| (path.clone(), big(&path))).collect()
}

#[test]
#[ignore = "writes format-spec/vectors/written anew for this system"]
fn write() {
    let to = written().join(system());
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(&to).unwrap();
    write_all(&to);
}

#[test]
fn every_system_writes_the_same_bytes() {
    let here = tempfile::tempdir().unwrap();
    write_all(here.path());
    let folders = folders();
    assert!(folders.iter().any(|(_, big)| *big) && folders.iter().any(|(_, big)| !*big));
    for (folder, big) in folders {
        let mut compared = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with("machine") && big != BIG {
                continue;
            }
            assert_eq!(fs::read(&path).unwrap(), fs::read(here.path().join(name)).unwrap(), "{}", path.display());
            compared += 1;
        }
        assert_eq!(compared, if big == BIG { 9 } else { 7 });
    }
}

fn same<T: Element + PartialEq>(path: &Path, expected: &ArrayD<T>) {
    assert_eq!(ArrayFile::<T>::open(path).unwrap().read().unwrap(), *expected, "{}", path.display());
}

#[test]
fn every_system_reads_what_the_others_wrote() {
    for (folder, big) in folders() {
        for name in ["grown-little.oca", "grown-big.oca", "machine.npy", "machine.oca"] {
            same(&folder.join(name), &rows().into_dyn());
        }
        for name in ["appended-little.npy", "appended-big.npy"] {
            same(&folder.join(name), &wide().into_dyn());
        }
        for name in ["columns-little.npy", "columns-big.oca"] {
            same(&folder.join(name), &columns().into_dyn());
            assert_eq!(AnyArrayFile::open(folder.join(name)).unwrap().header().order(), Order::F);
        }
        for name in ["grown-little.oca", "grown-big.oca"] {
            let file = AnyArrayFile::open(folder.join(name)).unwrap();
            assert_eq!(file.verify().unwrap().state, SealState::Verified);
            assert_eq!(file.attrs().get::<f64>("scale").unwrap(), Some(0.125));
            assert_eq!(file.attrs().get::<String>("unit").unwrap().as_deref(), Some("µm"));
        }
        // Mapped as they lie: natively where the orders agree.
        let own = folder.join("machine.npy");
        // SAFETY: nobody changes the files of the repository while the tests run.
        let native = unsafe { MmapArray::<f64, Ix2>::open(&own) };
        assert_eq!(native.is_ok(), big == BIG, "{}", own.display());
        if let Ok(native) = native {
            assert_eq!(*native, rows());
        }
        // SAFETY: as above.
        let little = unsafe { MmapArray::<Le<f64>, Ix2>::open(&own) };
        // SAFETY: as above.
        let bigger = unsafe { MmapArray::<Be<f64>, Ix2>::open(&own) };
        if big {
            assert_eq!(bigger.unwrap().mapv(Be::get), rows());
            assert!(little.is_err());
        } else {
            assert_eq!(little.unwrap().mapv(Le::get), rows());
            assert!(bigger.is_err());
        }
    }
}

/// A mapped element of the machine's own order is that machine's number.
#[test]
fn the_order_of_the_machine_is_native() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    if BIG {
        save(&path, &rows().mapv(Be::new)).unwrap();
    } else {
        save(&path, &rows().mapv(Le::new)).unwrap();
    }
    // SAFETY: the folder is that of this test.
    let native = unsafe { MmapArray::<f64, Ix2>::open(&path) }.unwrap();
    assert_eq!(*native, rows());
}
