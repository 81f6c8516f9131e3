//! error: E0133

use outcore::MmapArrayMut;
use outcore::ndarray::Ix2;

fn main() {
    let m = MmapArrayMut::<f64, Ix2>::create("m.npy", (4, 3));
    drop(m);
}
