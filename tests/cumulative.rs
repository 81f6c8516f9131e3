//! Running sums and products against a naive oracle, on many shapes, orders, element types and terms.

#[path = "support/shapes.rs"]
mod shapes;

use std::fmt::Debug;

use ndarray::{Array, ArrayD, ArrayViewD, Axis, Dimension, IxDyn, ShapeBuilder, Slice};
use outcore::compute::{Number, Source};
use outcore::{ArrayFile, Be, ErrorKind, Job, Order};
use proptest::prelude::*;
use shapes::shapes;

fn job(threads: usize) -> Job<'static> {
    Job::new().with_small_grid().threads(threads)
}

/// An array of the shape, filled in row-major order from `items` again and again, in one of several layouts.
fn lay_out<T: Clone + Default>(shape: &[usize], items: &[T], layout: usize, test: impl FnOnce(ArrayViewD<'_, T>)) {
    let fill = |mut view: ndarray::ArrayViewMutD<'_, T>| {
        view.iter_mut().zip(items.iter().cycle()).for_each(|(place, item)| *place = item.clone());
    };
    match layout {
        0 | 1 => {
            let mut array = ArrayD::<T>::default(IxDyn(shape).set_f(layout == 1));
            fill(array.view_mut());
            test(array.view());
        }
        _ => {
            let doubled: Vec<_> = shape.iter().map(|len| len * 2).collect();
            let mut array = ArrayD::<T>::default(IxDyn(&doubled));
            let mut view = array.view_mut();
            view.slice_each_axis_inplace(|_| Slice::new(0, None, 2));
            fill(view.view_mut());
            test(view.view());
        }
    }
}

/// Small enough that products of hundreds stay in range, and specials now and then.
fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        30 => (-40..41_i32).prop_map(|n| f64::from(n) / 32.0),
        30 => 0.5..2.0_f64,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.0, 0.0]),
    ]
}

/// The same array, with `step` carried along each lane of `axis`, or along everything in row-major order.
fn naive<T: Copy, A: Copy>(
    view: &ArrayViewD<'_, T>,
    axis: Option<usize>,
    start: A,
    step: impl Fn(A, T) -> A,
) -> ArrayD<A> {
    let mut out = Array::from_elem(view.raw_dim(), start);
    match axis {
        None => {
            let mut state = start;
            for (place, &item) in out.iter_mut().zip(view.iter()) {
                state = step(state, item);
                *place = state;
            }
        }
        Some(axis) => {
            for (lane, mut out) in view.lanes(Axis(axis)).into_iter().zip(out.lanes_mut(Axis(axis))) {
                let mut state = start;
                for (place, &item) in out.iter_mut().zip(lane.iter()) {
                    state = step(state, item);
                    *place = state;
                }
            }
        }
    }
    out
}

#[track_caller]
fn close(found: &ArrayD<f64>, expected: &ArrayD<f64>, scale: f64) {
    assert_eq!(found.shape(), expected.shape());
    for ((index, &found), &expected) in found.indexed_iter().zip(expected.iter()) {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        let bound = 1e-13 * (scale + expected.abs()) + 1e-300;
        assert!(same || (found - expected).abs() <= bound, "at {index:?}: {found:e}, not {expected:e}");
    }
}

/// Whether all jobs give the same bits.
#[track_caller]
fn same_bits<R: PartialEq + Debug>(results: impl Fn(&Job<'_>) -> R) -> R {
    let first = results(&job(1));
    for threads in [2, 3, 7] {
        let other = results(&job(threads));
        assert!(format!("{other:?}") == format!("{first:?}"), "{threads} threads: {other:?}, not {first:?}");
    }
    first
}

fn check_floats<T>(view: &ArrayViewD<'_, T>, double: fn(T) -> f64)
where
    T: Number<Running = f64>,
{
    let axes = std::iter::once(None).chain((0..view.ndim()).map(Some));
    let size: f64 = view.iter().map(|&x| double(x).abs()).filter(|x| x.is_finite()).sum();
    for axis in axes {
        let run = |name: &str| {
            same_bits(|job| {
                let output = match (name, axis) {
                    ("sum", None) => job.cumsum(view),
                    ("sum", Some(axis)) => job.cumsum_axis(view, Axis(axis)),
                    ("nan_sum", None) => job.nan_cumsum(view),
                    ("nan_sum", Some(axis)) => job.nan_cumsum_axis(view, Axis(axis)),
                    ("prod", None) => job.cumprod(view),
                    ("prod", Some(axis)) => job.cumprod_axis(view, Axis(axis)),
                    ("nan_prod", None) => job.nan_cumprod(view),
                    (_, axis) => job.nan_cumprod_axis(view, Axis(axis.unwrap())),
                };
                output.to_array().unwrap()
            })
        };
        let skip = |x: f64, other: f64| if x.is_nan() { other } else { x };
        close(&run("sum"), &naive(view, axis, 0.0, |a, x| a + double(x)), size);
        close(&run("nan_sum"), &naive(view, axis, 0.0, |a, x| a + skip(double(x), 0.0)), size);
        // Where the naive product leaves the range, ours may come back.
        let product = |skipping: bool| {
            let step = |(a, gone): (f64, bool), x: T| {
                let x = if skipping { skip(double(x), 1.0) } else { double(x) };
                let next = a * x;
                let left = a.is_normal() && x != 0.0 && x.is_finite() && !next.is_normal();
                (next, gone || left)
            };
            naive(view, axis, (1.0, false), step)
        };
        for (found, expected) in [(run("prod"), product(false)), (run("nan_prod"), product(true))] {
            for (&found, &(expected, gone)) in found.iter().zip(&expected) {
                let same = found == expected || (found.is_nan() && expected.is_nan());
                assert!(
                    gone || same || (found - expected).abs() <= 1e-12 * expected.abs(),
                    "{found:e}, not {expected:e}"
                );
            }
        }
    }
}

fn check_ints<T>(view: &ArrayViewD<'_, T>)
where
    T: Number + Copy + Into<i128>,
    T::Running: Into<i128> + PartialEq,
{
    let range = if view.len() == usize::MAX { 0..0 } else { i128::from(i64::MIN)..i128::from(i64::MAX) + 1 };
    for axis in std::iter::once(None).chain((0..view.ndim()).map(Some)) {
        for product in [false, true] {
            let result = same_bits(|job| {
                let output = match (product, axis) {
                    (false, None) => job.cumsum(view),
                    (false, Some(axis)) => job.cumsum_axis(view, Axis(axis)),
                    (true, None) => job.cumprod(view),
                    (true, Some(axis)) => job.cumprod_axis(view, Axis(axis)),
                };
                let result = output.to_array().map_err(|error| (error.kind(), error.to_string()));
                result.map(|array| array.mapv(Into::<i128>::into))
            });
            // Once out of range, a lane stays so.
            let start = Some(if product { 1_i128 } else { 0 });
            let expected = naive(view, axis, start, |state, x| {
                let next = state
                    .and_then(|state| if product { state.checked_mul(x.into()) } else { state.checked_add(x.into()) });
                next.filter(|next| range.contains(next))
            });
            match result {
                Ok(found) => assert_eq!(found.mapv(Some), expected),
                Err((kind, text)) => {
                    assert_eq!(kind, ErrorKind::TooLarge);
                    let first = expected.indexed_iter().find(|(_, value)| value.is_none()).expect("no overflow").0;
                    let place: Vec<_> = first.slice().iter().map(ToString::to_string).collect();
                    let place = place.join(", ");
                    assert!(
                        text.contains(&format!("({place})")) || text.contains(&format!("({place},)")),
                        "{text}: {place}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn f64_elements(shape in shapes(), items in prop::collection::vec(floats(), 1..300), layout in 0..3_usize) {
        lay_out(&shape, &items, layout, |view| check_floats(&view, |x| x));
    }

    #[test]
    fn big_endian_f32_elements(shape in shapes(), items in prop::collection::vec(floats(), 1..300), layout in 0..3_usize) {
        #[expect(clippy::cast_possible_truncation, reason = "any float will do")]
        let items: Vec<Be<f32>> = items.iter().map(|&x| Be::new(x as f32)).collect();
        lay_out(&shape, &items, layout, |view| check_floats(&view, |x| x.get().into()));
    }

    #[test]
    fn i64_elements(shape in shapes(), items in prop::collection::vec(prop_oneof![20 => -2..3_i64, 1 => any::<i64>()], 1..300), layout in 0..3_usize) {
        lay_out(&shape, &items, layout, |view| check_ints(&view));
    }

    #[test]
    fn i16_elements(shape in shapes(), items in prop::collection::vec(prop_oneof![5 => -1..2_i16, 1 => any::<i16>()], 1..300), layout in 0..3_usize) {
        lay_out(&shape, &items, layout, |view| check_ints(&view));
    }

    #[test]
    fn bool_elements(shape in shapes(), items in prop::collection::vec(any::<bool>(), 1..300), layout in 0..3_usize) {
        lay_out(&shape, &items, layout, |view| {
            let found = same_bits(|job| job.cumsum(&view).to_array().unwrap());
            assert_eq!(found, naive(&view, None, 0_i64, |a, x| a + i64::from(x)));
        });
    }
}

#[test]
fn unsigned_sums_use_all_64_bits() {
    let a = ndarray::array![u64::MAX - 1, 1, 0, 1];
    let error = Job::new().cumsum(&a).to_array().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("the sum up to the element at (3,) does not fit u64"), "{error}");
}

#[test]
fn a_product_beyond_the_range_does_not_spoil_the_rest() {
    let mut a = vec![0.5_f64; 3000];
    a.extend([2.0; 3001]);
    let a = ArrayD::from_shape_vec(vec![a.len()], a).unwrap();
    for job in [Job::new(), job(2)] {
        let products = job.cumprod(&a).to_array().unwrap();
        assert_eq!((products[1073], products[1074], products[2999]), (5e-324, 0.0, 0.0));
        assert_eq!((products[5999], products[6000]), (1.0, 2.0));
    }
}

/// A million numbers whose sums must not drift.
#[test]
fn running_sums_do_not_lose_digits() {
    let a = ndarray::Array1::from_elem(1_000_000, 0.1_f64);
    let sums = Job::new().threads(2).cumsum(&a).to_array().unwrap();
    for (at, &sum) in sums.iter().enumerate().step_by(9973) {
        let exact = (at + 1) as f64 * 0.1;
        assert!((sum - exact).abs() <= 1e-13 * exact, "{at}: {sum} {exact}");
    }
}

#[test]
fn files_of_four_times_the_budget_give_the_bits_of_memory() {
    let dir = tempfile::tempdir().unwrap();
    for (name, shape, order) in [
        ("c1", vec![4_000_000], Order::C),
        ("c2", vec![2000, 2000], Order::C),
        ("f2", vec![2000, 2000], Order::F),
        ("f3", vec![400_000, 5, 2], Order::F),
        ("wide", vec![2, 2_000_000], Order::C),
        ("tall", vec![2_000_000, 2], Order::C),
    ] {
        let path = dir.path().join(format!("{name}.npy"));
        let dim = IxDyn(&shape).set_f(order == Order::F);
        let mut next = 0_u32;
        let a = ArrayD::from_shape_simple_fn(dim, || {
            next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(next) / 4e9 - 0.5
        });
        outcore::save(&path, &a).unwrap();
        let file = ArrayFile::<f64, IxDyn>::open(&path).unwrap();
        assert_eq!(Source::order(&file), order);
        let small = Job::new().memory(8 << 20).threads(2);
        let axes = std::iter::once(None).chain((0..shape.len()).map(Some));
        for axis in axes {
            let target = dir.path().join(format!("{name}-{axis:?}.npy"));
            let (saved, expected) = match axis {
                None => (small.cumsum(&file).save(&target), Job::new().threads(1).cumsum(&a).to_array()),
                Some(axis) => (
                    small.cumsum_axis(&file, Axis(axis)).save(&target),
                    Job::new().threads(1).cumsum_axis(&a, Axis(axis)).to_array(),
                ),
            };
            saved.unwrap();
            let found: ArrayD<f64> = outcore::load(&target).unwrap();
            assert!(found == expected.unwrap(), "{name} {axis:?}");
        }
    }
}

#[test]
fn bad_requests_are_errors() {
    let a = ndarray::array![1.0, 2.0];
    assert_eq!(Job::new().cumsum_axis(&a, Axis(1)).to_array().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(Job::new().memory(1).cumsum(&a).to_array().unwrap_err().kind(), ErrorKind::OutOfMemory);
    let scalar = ndarray::arr0(3.0);
    assert_eq!(Job::new().cumsum(&scalar).to_array().unwrap(), scalar);
    let empty = ndarray::Array2::<i32>::zeros((3, 0));
    assert_eq!(Job::new().cumprod_axis(&empty, Axis(0)).to_array().unwrap().shape(), [3, 0]);
}

/// The windows of a lane, each by itself.
fn naive_windows(view: &ArrayViewD<'_, f64>, axis: usize, window: usize, of: impl Fn(&[f64]) -> f64) -> ArrayD<f64> {
    let mut shape = view.shape().to_vec();
    shape[axis] = (shape[axis] + 1).saturating_sub(window);
    let mut out = ArrayD::zeros(IxDyn(&shape));
    if out.is_empty() {
        return out;
    }
    for (lane, mut out) in view.lanes(Axis(axis)).into_iter().zip(out.lanes_mut(Axis(axis))) {
        let lane = lane.to_vec();
        for (place, items) in out.iter_mut().zip(lane.windows(window)) {
            *place = of(items);
        }
    }
    out
}

fn variance(items: &[f64], ddof: f64) -> f64 {
    let n = items.len() as f64;
    let mean = items.iter().sum::<f64>() / n;
    items.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - ddof)
}

fn smallest(items: &[f64]) -> f64 {
    items.iter().fold(f64::INFINITY, |a, &b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) })
}

fn check_rolling<T>(view: &ArrayViewD<'_, T>, axis: usize, window: usize, double: fn(T) -> f64)
where
    T: Number<Mean = f64>,
    f64: From<T::Value>,
{
    let doubles = view.mapv(double);
    let doubles = doubles.view();
    let axis_of = Axis(axis);
    let expect = |of: &dyn Fn(&[f64]) -> f64| naive_windows(&doubles, axis, window, of);
    let found = |which: usize, least: Option<usize>| {
        same_bits(|job| {
            let rolling = job.rolling(view, axis_of, window);
            let rolling = least.map_or(rolling, |least| rolling.min_periods(least));
            let values = |array: ArrayD<T::Value>| array.mapv(f64::from);
            match which {
                0 => rolling.sum().to_array().unwrap(),
                1 => rolling.mean().to_array().unwrap(),
                2 => values(rolling.min().to_array().unwrap()),
                3 => values(rolling.max().to_array().unwrap()),
                4 => rolling.var(0.0).to_array().unwrap(),
                _ => rolling.std(1.0).to_array().unwrap(),
            }
        })
    };
    let n = window as f64;
    let largest = |items: &[f64]| -smallest(&items.iter().map(|x| -x).collect::<Vec<_>>());
    close(&found(0, None), &expect(&|items| items.iter().sum()), n);
    close(&found(1, None), &expect(&|items| items.iter().sum::<f64>() / n), 1.0);
    close(&found(2, None), &expect(&smallest), 0.0);
    close(&found(3, None), &expect(&largest), 0.0);
    close(&found(4, None), &expect(&|items| variance(items, 0.0)), n);
    let squared = |array: ArrayD<f64>| array.mapv(|x| x * x);
    if window > 1 {
        close(&squared(found(5, None)), &expect(&|items| variance(items, 1.0)), n);
    }
    for least in [1, 2.min(window), window] {
        let kept = |items: &[f64]| items.iter().copied().filter(|x| !x.is_nan()).collect::<Vec<_>>();
        let counted = |of: &dyn Fn(&[f64]) -> f64| {
            expect(&|items| {
                let kept = kept(items);
                if kept.len() < least { f64::NAN } else { of(&kept) }
            })
        };
        close(&found(0, Some(least)), &counted(&|items| items.iter().sum()), n);
        close(&found(1, Some(least)), &counted(&|items| items.iter().sum::<f64>() / items.len() as f64), 1.0);
        close(&found(2, Some(least)), &counted(&smallest), 0.0);
        close(&found(3, Some(least)), &counted(&largest), 0.0);
        close(&found(4, Some(least)), &counted(&|items| variance(items, 0.0)), n);
    }
}

fn some_window(view_shape: &[usize], axis: usize, window: usize) -> Option<(usize, usize)> {
    let axis = axis.checked_rem(view_shape.len())?;
    let len = view_shape[axis];
    // Short windows, windows of any length, and the whole axis.
    let window = match window % 4 {
        0 => 1 + window / 4 % 5,
        1 => len,
        _ => 1 + window.checked_rem(len)?,
    };
    (1..=len).contains(&window).then_some((axis, window))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_f64(shape in shapes(), items in prop::collection::vec(floats(), 1..300), layout in 0..3_usize, axis in 0..4_usize, window in any::<usize>()) {
        if let Some((axis, window)) = some_window(&shape, axis, window) {
            lay_out(&shape, &items, layout, |view| check_rolling(&view, axis, window, |x| x));
        }
    }

    #[test]
    fn windows_of_big_endian_i16(shape in shapes(), items in prop::collection::vec(any::<i8>(), 1..300), layout in 0..3_usize, axis in 0..4_usize, window in any::<usize>()) {
        if let Some((axis, window)) = some_window(&shape, axis, window) {
            let items: Vec<Be<i16>> = items.iter().map(|&x| Be::new(i16::from(x) / 16)).collect();
            lay_out(&shape, &items, layout, |view| check_rolling(&view, axis, window, |x| x.get().into()));
        }
    }
}

#[test]
fn windows_forget() {
    let mut a = vec![1e8 + 1.0; 5000];
    (a[1000], a[1001], a[2000]) = (1e300, f64::NAN, f64::INFINITY);
    for (at, item) in a.iter_mut().enumerate().skip(3000) {
        *item = 1e8 + f64::from(u32::try_from(at % 2).unwrap());
    }
    let a = ndarray::Array1::from(a);
    for job in [Job::new(), job(2)] {
        for window in [2, 100, 400] {
            let rolling = job.rolling(&a, Axis(0), window);
            let (means, variances) = (rolling.mean().to_array().unwrap(), rolling.var(0.0).to_array().unwrap());
            assert_eq!(means[1002], 1e8 + 1.0);
            assert_eq!((means[2001], variances[2001]), (1e8 + 1.0, 0.0));
            assert!((variances[4000] - 0.25).abs() < 1e-14, "{window}: {}", variances[4000]);
        }
    }
}

#[test]
fn long_windows_over_files_of_four_times_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    for (name, shape, axis, window) in [
        ("short", vec![4_000_000], 0, 1000),
        ("long", vec![4_000_000], 0, 1_500_001),
        ("tall", vec![2_000_000, 2], 0, 1_000_000),
        ("wide", vec![40, 100_000], 0, 30),
        ("rows", vec![4, 1_000_000], 1, 999_999),
    ] {
        let path = dir.path().join(format!("{name}.npy"));
        let mut next = 0_u32;
        let a = ArrayD::from_shape_simple_fn(IxDyn(&shape), || {
            next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(next) / 4e9 - 0.5
        });
        outcore::save(&path, &a).unwrap();
        let file = ArrayFile::<f64, IxDyn>::open(&path).unwrap();
        let (small, large) = (Job::new().memory(8 << 20).threads(2), Job::new().threads(1));
        let (means, spreads) =
            (dir.path().join(format!("{name}-mean.npy")), dir.path().join(format!("{name}-std.npy")));
        small.rolling(&file, Axis(axis), window).mean().save(&means).unwrap();
        small.rolling(&file, Axis(axis), window).std(0.0).save(&spreads).unwrap();
        let rolling = large.rolling(&a, Axis(axis), window);
        let (mean, spread) = (rolling.mean().to_array().unwrap(), rolling.std(0.0).to_array().unwrap());
        assert!(outcore::load::<f64, IxDyn>(&means).unwrap() == mean, "{name}");
        assert!(outcore::load::<f64, IxDyn>(&spreads).unwrap() == spread, "{name}");
        // And a window here and there by itself.
        let lane = a.lanes(Axis(axis)).into_iter().next().unwrap().to_vec();
        let (mean, spread) = (
            mean.lanes(Axis(axis)).into_iter().next().unwrap().to_vec(),
            spread.lanes(Axis(axis)).into_iter().next().unwrap().to_vec(),
        );
        for at in (0..mean.len()).step_by(mean.len().div_ceil(7)) {
            let items = &lane[at..at + window];
            assert!((mean[at] - items.iter().sum::<f64>() / window as f64).abs() < 1e-12, "{name}");
            assert!((spread[at] - variance(items, 0.0).sqrt()).abs() < 1e-12, "{name}");
        }
    }
}

#[test]
fn windows_that_do_not_fit_are_errors() {
    let a = ndarray::array![[1.0, 2.0]];
    for (axis, window) in [(0, 0), (0, 2), (1, 3), (2, 1)] {
        let error = Job::new().rolling(&a, Axis(axis), window).sum().to_array().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    let error = Job::new().rolling(&a, Axis(1), 1).min_periods(2).sum().to_array().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let none = ndarray::Array2::<f64>::zeros((0, 3));
    assert_eq!(Job::new().rolling(&none, Axis(1), 2).sum().to_array().unwrap().shape(), [0, 2]);
}
