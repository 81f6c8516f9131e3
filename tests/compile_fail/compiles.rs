//! The control: everything that the other programs do right.

use outcore::ndarray::{Ix2, s};
use outcore::{ArrayFile, Element, MmapArray, MmapArrayMut};

fn takes<T: Element>() {}

fn main() -> outcore::Result<()> {
    takes::<f64>();
    let mut m = MmapArrayMut::<f64, Ix2>::anonymous((4, 3))?;
    m[[1, 2]] = 1.0;
    let mut view = m.view_mut();
    view.swap_axes(0, 1);
    view.slice_mut(s![.., 0]).fill(2.0);
    for mut block in m.row_blocks_mut(2) {
        block.fill(3.0);
    }
    // SAFETY: nobody writes the file.
    let mapped = unsafe { MmapArray::<f64, Ix2>::open("m.npy") }?;
    let again = mapped.clone();
    let row = again.row(0);
    let mut file = ArrayFile::<f64, Ix2>::open_mut("m.npy")?;
    file.set((0, 0), row[0])?;
    m.close()
}
