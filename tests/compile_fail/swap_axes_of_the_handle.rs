//! error: E0596

use outcore::MmapArrayMut;
use outcore::ndarray::Ix2;

/// The shape in memory would no longer be the shape in the file.
fn main() {
    let mut m = MmapArrayMut::<f64, Ix2>::anonymous((4, 3)).unwrap();
    m.swap_axes(0, 1);
}
