//! error: E0596

use outcore::MmapArrayMut;
use outcore::ndarray::{Axis, Ix2};

fn main() {
    let mut m = MmapArrayMut::<f64, Ix2>::anonymous((4, 3)).unwrap();
    m.slice_axis_inplace(Axis(0), (1..).into());
}
