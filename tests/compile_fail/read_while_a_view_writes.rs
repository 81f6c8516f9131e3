//! error: E0502

use outcore::MmapArrayMut;
use outcore::ndarray::Ix2;

fn main() {
    let mut m = MmapArrayMut::<f64, Ix2>::anonymous((4, 3)).unwrap();
    let mut view = m.view_mut();
    let sum = m.sum();
    view.fill(sum);
}
