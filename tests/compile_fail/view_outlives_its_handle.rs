//! error: E0505

use outcore::MmapArray;
use outcore::ndarray::Ix2;

fn row(m: MmapArray<f64, Ix2>) -> f64 {
    let row = m.row(0);
    drop(m);
    row.sum()
}

fn main() {}
