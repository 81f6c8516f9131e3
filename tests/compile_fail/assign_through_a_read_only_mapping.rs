//! error: E0596

use outcore::MmapArray;
use outcore::ndarray::Ix2;

fn write(m: &mut MmapArray<f64, Ix2>) {
    m[[0, 0]] = 1.0;
}

fn main() {}
