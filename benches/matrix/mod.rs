//! The file that the benches work on: a matrix of `f64` in a folder of its own, in the page cache.

#![allow(dead_code, reason = "each bench uses its part")]

use ndarray::{Array2, Ix2};
use outcore::{ArrayFile, MmapArray, MmapArrayMut};

const COLUMNS: usize = 1024;

pub(crate) struct Matrix {
    folder: tempfile::TempDir,
    rows: usize,
}

impl Matrix {
    pub(crate) fn new(mib: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let rows = (mib << 20) / (COLUMNS * size_of::<f64>());
        let mut file = ArrayFile::<f64, Ix2>::create(folder.path().join("a.npy"), (rows, COLUMNS)).expect("a new file");
        for start in (0..rows).step_by(1024) {
            let band = Array2::from_shape_fn((1024, COLUMNS), |(i, j)| ((start + i) * 7 + j) as f64 / 8.0);
            file.write_rows(start, &band).expect("rows written");
        }
        Self { folder, rows }
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.rows * COLUMNS * size_of::<f64>()) as u64
    }

    pub(crate) fn file(&self) -> ArrayFile<f64, Ix2> {
        ArrayFile::open(self.folder.path().join("a.npy")).expect("an array file")
    }

    pub(crate) fn file_mut(&self) -> ArrayFile<f64, Ix2> {
        ArrayFile::open_mut(self.folder.path().join("a.npy")).expect("an array file")
    }

    pub(crate) fn mapped(&self) -> MmapArray<f64, Ix2> {
        // SAFETY: the folder is this program's own; nobody writes or truncates the file while it is mapped.
        unsafe { MmapArray::open(self.folder.path().join("a.npy")) }.expect("a mapped array")
    }

    pub(crate) fn mapped_mut(&self) -> MmapArrayMut<f64, Ix2> {
        // SAFETY: as above, and no other handle is open.
        unsafe { MmapArrayMut::open_mut(self.folder.path().join("a.npy")) }.expect("a mapped array")
    }
}
