//! error: E0499

use outcore::MmapArrayMut;
use outcore::ndarray::Ix2;

fn main() {
    let mut m = MmapArrayMut::<f64, Ix2>::anonymous((4, 3)).unwrap();
    let first = m.row_blocks_mut(2);
    let second = m.row_blocks_mut(3);
    first.zip(second).for_each(|(mut a, b)| a.assign(&b));
}
