//! error: E0505

use outcore::MmapArrayMut;
use outcore::ndarray::Ix2;

fn row(mut m: MmapArrayMut<f64, Ix2>) {
    let mut row = m.view_mut();
    m.close().unwrap();
    row.fill(1.0);
}

fn main() {}
