//! Shapes to try: empty axes and axes of one element, many axes, and arrays that are long, narrow or wide.

use proptest::prelude::*;

pub(crate) fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        4 => prop::collection::vec(0..7_usize, 0..5),
        2 => prop::collection::vec(1..40_usize, 1..3),
        1 => (1..900_usize).prop_map(|len| vec![len]),
        1 => (1..300_usize, 1..5_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..5_usize, 1..300_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..40_usize, 1..5_usize, 1..9_usize).prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}
