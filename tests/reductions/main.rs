//! The reductions of the foundation: every one against a naive oracle, on many shapes, layouts, element types and grids.

use ndarray::{Array, ArrayD, ArrayViewD, Axis, Dimension, IxDyn, ShapeBuilder, Slice, arr0, array};
use proptest::prelude::*;

use outcore::compute::{CancelToken, Number, Source};
use outcore::{Be, Bool8, ErrorKind, Job, Le};

mod exact;
mod oracle;
mod terms;

use oracle::Plain;

/// On a grid on which small arrays have many leaves, blocks and bands, or the usual one.
fn job(threads: usize, grid: usize) -> Job<'static> {
    let job = Job::new().threads(threads);
    match grid {
        0 => job.with_small_grid(),
        1 => job.with_grid(96, 1024, 8, 8),
        _ => job,
    }
}

/// A layout of the same elements: C, F, transposed axes, every second element, reversed, a window.
fn lay_out<T: Clone + Default>(shape: &[usize], items: &[T], layout: usize, test: impl FnOnce(ArrayViewD<'_, T>)) {
    let fill = |mut view: ndarray::ArrayViewMutD<'_, T>| {
        view.iter_mut().zip(items.iter().cycle()).for_each(|(place, item)| *place = item.clone());
    };
    let default = |shape: &[usize], fortran: bool| ArrayD::<T>::default(IxDyn(shape).set_f(fortran));
    match layout {
        0 | 1 => {
            let mut array = default(shape, layout == 1);
            fill(array.view_mut());
            test(array.view());
        }
        2 => {
            let doubled: Vec<_> = shape.iter().map(|len| len * 2).collect();
            let mut array = default(&doubled, false);
            let mut view = array.view_mut();
            view.slice_each_axis_inplace(|_| Slice::new(0, None, 2));
            fill(view.view_mut());
            test(view.view());
        }
        3 => {
            let mut array = default(shape, false);
            let mut view = array.view_mut();
            (0..shape.len()).for_each(|axis| view.invert_axis(Axis(axis)));
            fill(view.view_mut());
            test(view.view());
        }
        _ => {
            let mut turned = shape.to_vec();
            turned.rotate_left(1.min(shape.len()));
            let mut array = default(&turned, false);
            let mut view = array.view_mut();
            if shape.len() > 1 {
                let axes: Vec<_> = (0..shape.len()).map(|axis| (axis + shape.len() - 1) % shape.len()).collect();
                view = view.permuted_axes(IxDyn(&axes));
            }
            fill(view.view_mut());
            test(view.view());
        }
    }
}

/// Compares every operation over all elements and along every axis with the oracle.
fn check<T: Number + Plain + Default>(shape: &[usize], items: &[T], layout: usize, grid: usize) {
    lay_out(shape, items, layout, |view| {
        oracle::check(&job(1, grid), &view);
        terms::same_bits(&view, grid);
    });
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        4 => prop::collection::vec(0..9_usize, 0..5),
        2 => prop::collection::vec(1..40_usize, 1..3),
        1 => (1..700_usize).prop_map(|len| vec![len]),
        1 => (1..300_usize, 1..5_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..5_usize, 1..300_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..70_usize, 1..5_usize, 1..5_usize).prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}

macro_rules! against_oracle {
    ($($(#[$cfg:meta])? $name:ident, $type:ty, $items:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
            $(
                $(#[$cfg])?
                #[test]
                fn $name(shape in shapes(), items in prop::collection::vec($items, 1..400), layout in 0..5_usize, grid in 0..3_usize) {
                    check::<$type>(&shape, &items, layout, grid);
                }
            )*
        }
    };
}

/// Numbers with many ties, so that the first of equals matters, or extremes and specials.
fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => (-40..40_i32).prop_map(|n| f64::from(n) / 8.0),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.0, 0.0, 1e300]),
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![(-3..4_i32).prop_map(f64::from), -1e3..1e3_f64]
}

fn ints() -> impl Strategy<Value = i64> {
    prop_oneof![-3..4_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any bits will do")]
mod properties {
    use super::*;

    against_oracle! {
        f64_with_specials, f64, floats();
        f64_finite, f64, finite();
        f32_with_specials, f32, floats().prop_map(|x| x as f32);
        i8_elements, i8, ints().prop_map(|x| x as i8);
        i32_elements, i32, ints().prop_map(|x| x as i32);
        i64_elements, i64, ints();
        u16_elements, u16, ints().prop_map(|x| x as u16);
        u64_elements, u64, ints().prop_map(|x| x as u64);
        bool_elements, bool, any::<bool>();
        be_f64, Be<f64>, floats().prop_map(Be::new);
        #[cfg(feature = "half")] f16_elements, half::f16, floats().prop_map(half::f16::from_f64);
        #[cfg(feature = "complex")] c64_elements, num_complex::Complex<f32>, (floats(), floats()).prop_map(|(a, b)| num_complex::Complex::new(a as f32, b as f32));
    }
}
