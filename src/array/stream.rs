//! Arrays in memory as the bytes that a file has for them.

use ndarray::{ArrayRef, ArrayView, Dimension};

use crate::element::Element;
use crate::error::Result;
use crate::shape::Order;

/// Elements that do not lie in memory as they shall lie in the file go through pieces of so many bytes.
const PIECE_BYTES: usize = 1 << 20;

/// Hands out the elements of an array in storage order, with the bytes of each scalar reversed if `foreign`.
pub(crate) fn for_each_piece<T: Element, D: Dimension>(
    array: &ArrayRef<T, D>,
    order: Order,
    foreign: bool,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let in_order: ArrayView<'_, T, D> = if order == Order::F { array.t() } else { array.view() };
    let piece = PIECE_BYTES / size_of::<T>().max(1);
    let mut write_items = |items: &[T]| {
        let bytes: &[u8] = bytemuck::cast_slice(items);
        if !foreign {
            return write(bytes);
        }
        let mut swapped = bytes.to_vec();
        T::swap_bytes_in_place(&mut swapped);
        write(&swapped)
    };
    match in_order.as_slice() {
        Some(items) if foreign => items.chunks(piece).try_for_each(write_items),
        Some(items) => write_items(items),
        None => {
            let mut elements = in_order.iter().copied();
            let mut items: Vec<T> = Vec::with_capacity(piece.min(in_order.len()));
            loop {
                items.clear();
                items.extend(elements.by_ref().take(piece));
                if items.is_empty() {
                    return Ok(());
                }
                write_items(&items)?;
            }
        }
    }
}
