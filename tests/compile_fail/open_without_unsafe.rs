//! error: E0133

use outcore::MmapArray;
use outcore::ndarray::Ix2;

fn main() {
    let m = MmapArray::<f64, Ix2>::open("m.npy");
    drop(m);
}
