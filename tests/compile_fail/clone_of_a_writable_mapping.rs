//! error: E0599

use outcore::MmapArrayMut;
use outcore::ndarray::Ix2;

fn both(m: MmapArrayMut<f64, Ix2>) -> (MmapArrayMut<f64, Ix2>, MmapArrayMut<f64, Ix2>) {
    (m.clone(), m)
}

fn main() {}
