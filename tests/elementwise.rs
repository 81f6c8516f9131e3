//! Expressions against naive loops: every layout, broadcasting, many element types, threads, places and budgets.

#[path = "support/numpy.rs"]
mod numpy;

use std::fmt::Debug;

use ndarray::{Array1, ArrayD, ArrayViewD, Axis, IxDyn, ShapeBuilder, Slice, array};
use outcore::compute::{
    Number, Source, broadcast_to, clip, equal, greater, greater_equal, is_finite, is_infinite, is_nan, less,
    less_equal, logical_and, logical_not, logical_or, logical_xor, map, not_equal, select, zip, zip_slice, zip3,
};
use outcore::{ArrayFile, Be, CreateOptions, Element, ErrorKind, Job, MmapArray, MmapArrayMut, Order};
use proptest::prelude::*;

const THREADS: [usize; 4] = [1, 2, 3, 7];

/// An array of this shape in one of several layouts: C, F, every second element, reversed, axes turned.
fn lay_out<T: Clone + Default>(shape: &[usize], items: &[T], layout: usize) -> Laid<T> {
    let (of, fortran) = match layout {
        2 => (shape.iter().map(|len| len * 2).collect(), false),
        4 => {
            let mut turned = shape.to_vec();
            turned.rotate_left(1.min(shape.len()));
            (turned, false)
        }
        _ => (shape.to_vec(), layout == 1),
    };
    let mut laid = Laid { array: ArrayD::default(IxDyn(&of).set_f(fortran)), layout };
    let places: Vec<_> = items.iter().cycle().take(shape.iter().product()).cloned().collect();
    let values = ArrayD::from_shape_vec(IxDyn(shape), places).unwrap();
    match layout {
        2 => {
            let mut view = laid.array.view_mut();
            view.slice_each_axis_inplace(|_| Slice::new(0, None, 2));
            view.assign(&values);
        }
        3 => {
            let mut view = laid.array.view_mut();
            (0..shape.len()).for_each(|axis| view.invert_axis(Axis(axis)));
            view.assign(&values);
        }
        4 if shape.len() > 1 => {
            laid.array.view_mut().permuted_axes(IxDyn(&back(shape.len()))).assign(&values);
        }
        _ => laid.array.assign(&values),
    }
    laid
}

fn back(ndim: usize) -> Vec<usize> {
    (0..ndim).map(|axis| (axis + ndim - 1) % ndim).collect()
}

struct Laid<T> {
    array: ArrayD<T>,
    layout: usize,
}

impl<T> Laid<T> {
    fn view(&self) -> ArrayViewD<'_, T> {
        let mut view = self.array.view();
        match self.layout {
            2 => view.slice_each_axis_inplace(|_| Slice::new(0, None, 2)),
            3 => (0..view.ndim()).for_each(|axis| view.invert_axis(Axis(axis))),
            4 if view.ndim() > 1 => view = view.permuted_axes(IxDyn(&back(self.array.ndim()))),
            _ => {}
        }
        view
    }
}

/// A shape, with zeros and ones among the axes.
fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        4 => prop::collection::vec(0..7_usize, 0..5),
        3 => prop::collection::vec(1..30_usize, 1..4),
        1 => (1..9000_usize).prop_map(|len| vec![len]),
        1 => (1..900_usize, 1..12_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..12_usize, 1..900_usize).prop_map(|(a, b)| vec![a, b]),
    ]
}

/// Which axes an operand has in full, and how many it lacks.
fn operand(shape: &[usize], full: u32, lacks: usize) -> Vec<usize> {
    let kept = shape.iter().enumerate().map(|(axis, &len)| if full >> axis & 1 == 1 { len } else { 1 });
    kept.skip(lacks.min(shape.len())).collect()
}

/// Elements with a file of their own.
fn in_file<T: Element>(
    view: &ArrayViewD<'_, T>,
    order: Order,
    test: impl FnOnce(&ArrayFile<T, IxDyn>, &MmapArray<T, IxDyn>),
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    CreateOptions::new().order(order).save(&path, view).unwrap();
    let file = ArrayFile::<T, IxDyn>::open(&path).unwrap();
    // SAFETY: the file is this test's own.
    let mapped = unsafe { MmapArray::<T, IxDyn>::open(&path).unwrap() };
    test(&file, &mapped);
}

fn jobs() -> impl Iterator<Item = Job<'static>> {
    let small = THREADS.into_iter().map(|threads| Job::new().threads(threads).with_small_grid());
    small.chain([Job::new().threads(2)])
}

/// The same elements from every job, compared as text, where floats are exact and NaN equal.
fn all_jobs<S: Source<Elem: Debug, Dim = IxDyn>>(source: &S, expected: &ArrayD<S::Elem>) {
    for job in jobs() {
        let found = job.copy(source).to_array().unwrap();
        assert_eq!(found.shape(), expected.shape());
        assert!(
            found.iter().map(|x| format!("{x:?}")).eq(expected.iter().map(|x| format!("{x:?}"))),
            "{found:?}\n{expected:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn zip_is_what_broadcast_loops_compute(
        shape in shapes(),
        items in prop::collection::vec(-1e3..1e3_f64, 1..300),
        full in (any::<u32>(), any::<u32>()),
        lacks in (0..3_usize, 0..3_usize),
        layouts in (0..5_usize, 0..5_usize),
        orders in (any::<bool>(), any::<bool>()),
    ) {
        let (of_a, of_b) = (operand(&shape, full.0 | full.1, 0), operand(&shape, full.1, lacks.1));
        let of_a = if lacks.0 == 0 { of_a } else { operand(&shape, full.0, lacks.0) };
        let (a, b) = (lay_out(&of_a, &items, layouts.0), lay_out(&of_b, &items[items.len() / 2..], layouts.1));
        let (a, b) = (a.view(), b.view());
        let f = |a: f64, b: f64| a * 3.0 - b;
        let expected = &a.mapv(|a| a * 3.0) - &b;
        all_jobs(&zip(&a, &b, f).unwrap(), &expected);
        let order = |f| if f { Order::F } else { Order::C };
        in_file(&a, order(orders.0), |file_a, mapped_a| {
            in_file(&b, order(orders.1), |file_b, mapped_b| {
                all_jobs(&zip(file_a, file_b, f).unwrap(), &expected);
                all_jobs(&zip(mapped_a, mapped_b, f).unwrap(), &expected);
                all_jobs(&zip(map(file_a, |a| a), zip(mapped_b, 0.0, |b, _| b).unwrap(), f).unwrap(), &expected);
            });
        });
    }

    #[test]
    fn nested_expressions_are_sources_of_everything(
        shape in shapes(),
        items in prop::collection::vec(-100..100_i64, 1..300),
        layouts in (0..5_usize, 0..5_usize, 0..5_usize),
    ) {
        let arrays = [layouts.0, layouts.1, layouts.2].map(|layout| lay_out(&shape, &items, layout));
        let [a, b, c] = arrays.each_ref().map(Laid::view);
        let nested = zip3(map(&a, |a| a + 1), zip(&b, 7_i64, |b, seven| b * seven).unwrap(), &c, |a, b, c| a * b - c).unwrap();
        let expected = (&a + 1) * (&b * 7) - &c;
        all_jobs(&nested, &expected);
        let sum: i64 = expected.iter().sum();
        for job in jobs() {
            assert_eq!(job.sum(&nested).unwrap(), i128::from(sum));
            assert_eq!(job.sum(&map(&nested, |x| u8::from(x > 3))).unwrap(), expected.iter().filter(|&&x| x > 3).count() as i128);
            assert_eq!(job.sum(&map(&nested, |x| u8::from(x > 3))).unwrap(), job.sum(&greater(&nested, 3_i64).unwrap()).unwrap());
            for axis in (0..shape.len()).map(Axis) {
                assert_eq!(job.sum_axis(&nested, axis).unwrap(), expected.sum_axis(axis).mapv(i128::from));
            }
        }
        let many = zip_slice([&a, &b, &c], |x| x[0] * x[1] - x[2]).unwrap();
        all_jobs(&many, &(&a * &b - &c));
    }

    #[test]
    fn masks_choose_in_row_major_order(
        shape in shapes(),
        items in prop::collection::vec(-100..100_i16, 1..300),
        layouts in (0..5_usize, 0..5_usize),
        threshold in -110..110_i16,
        orders in (any::<bool>(), any::<bool>()),
    ) {
        let (a, mask) = (lay_out(&shape, &items, layouts.0), lay_out(&shape, &items[items.len() / 2..], layouts.1));
        let (a, mask) = (a.view(), mask.view());
        let chosen: Vec<i16> = a.iter().zip(&mask).filter(|(_, m)| **m > threshold).map(|(a, _)| *a).collect();
        let filtered: Vec<i16> = a.iter().copied().filter(|&a| a > threshold).collect();
        let check = |job: &Job<'_>, a: &ArrayFile<i16, IxDyn>, m: &MmapArray<i16, IxDyn>| {
            assert_eq!(job.compress(greater(m, threshold).unwrap(), a).unwrap().to_array().unwrap().to_vec(), chosen);
        };
        for job in jobs() {
            assert_eq!(job.compress(map(&mask, |m| m > threshold), &a).unwrap().to_array().unwrap().to_vec(), chosen);
            assert_eq!(job.filter(&a, |a| a > threshold).unwrap().to_array().unwrap().to_vec(), filtered);
        }
        let order = |f| if f { Order::F } else { Order::C };
        in_file(&a, order(orders.0), |a, _| in_file(&mask, order(orders.1), |_, m| jobs().for_each(|job| check(&job, a, m))));
    }
}

/// Elements of many kinds, the odd ones among them.
trait Sample: Number + PartialOrd + Default {
    fn samples() -> Vec<Self>;
}

macro_rules! samples {
    ($($type:ty, [$($value:expr),*];)*) => {$(
        impl Sample for $type {
            fn samples() -> Vec<Self> {
                vec![$($value),*]
            }
        }
    )*};
}
samples! {
    f64, [0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -7.0, f64::MAX];
    i16, [0, 1, -1, i16::MIN, i16::MAX, 7];
    bool, [false, true];
    Be<f64>, [Be::new(0.0), Be::new(f64::NAN), Be::new(-3.5), Be::new(f64::INFINITY)];
}
#[cfg(feature = "half")]
samples! {
    half::f16, [half::f16::ZERO, half::f16::NAN, half::f16::INFINITY, half::f16::MAX, half::f16::from_f32_const(-1.5)];
}

/// Everything against everything, long enough for several tiles.
fn pairs<T: Sample>() -> (Vec<T>, Vec<T>) {
    let samples = T::samples();
    let count = 9000_usize.div_ceil(samples.len());
    let a = (0..count).flat_map(|at| vec![samples[at % samples.len()]; samples.len()]).collect();
    let b = (0..count).flat_map(|_| samples.clone()).collect();
    (a, b)
}

/// Compares what was found for everything against everything with what the oracle says of each pair.
fn check<T: Sample, U: Debug>(name: &str, found: outcore::Result<Array1<U>>, expected: &dyn Fn(T, T) -> U) {
    let (a, b) = pairs::<T>();
    for ((found, a), b) in found.unwrap().into_iter().zip(a).zip(b) {
        assert_eq!(format!("{found:?}"), format!("{:?}", expected(a, b)), "{name} of {a:?} and {b:?}: {}", T::name());
    }
}

fn is_true<T: Sample>(x: T) -> bool {
    x != T::default()
}

fn comparisons<T: Sample + Source<Elem = T, Dim = ndarray::Ix0>>() {
    let (x, y) = pairs::<T>();
    let (x, y) = (Array1::from(x), Array1::from(y));
    let job = Job::new().threads(2);
    check::<T, _>("equal", job.equal(&x, &y).unwrap().to_array(), &|a, b| a == b);
    check::<T, _>("less", job.less(&x, &y).unwrap().to_array(), &|a, b| a < b);
    for scalar in T::samples() {
        check::<T, _>("clip", job.clip(&x, scalar, &y).unwrap().to_array(), &|a, b| clip_one(a, scalar, b));
        let selected = job.select(&x, scalar, &y).unwrap().to_array();
        check::<T, _>("select", selected, &|a, b| if is_true(a) { scalar } else { b });
    }
}

fn other_comparisons<T: Sample + Source<Elem = T, Dim = ndarray::Ix0>>() {
    let (x, y) = pairs::<T>();
    let (x, y) = (Array1::from(x), Array1::from(y));
    let job = Job::new().threads(2);
    check::<T, _>("not_equal", job.not_equal(&x, &y).unwrap().to_array(), &|a, b| a != b);
    check::<T, _>("less_equal", job.less_equal(&x, &y).unwrap().to_array(), &|a, b| a <= b);
    check::<T, _>("greater", job.greater(&x, &y).unwrap().to_array(), &|a, b| a > b);
    check::<T, _>("greater_equal", job.greater_equal(&x, &y).unwrap().to_array(), &|a, b| a >= b);
    check::<T, _>("logical_and", job.logical_and(&x, &y).unwrap().to_array(), &|a, b| is_true(a) && is_true(b));
    check::<T, _>("logical_or", job.logical_or(&x, &y).unwrap().to_array(), &|a, b| is_true(a) || is_true(b));
    check::<T, _>("logical_xor", job.logical_xor(&x, &y).unwrap().to_array(), &|a, b| is_true(a) != is_true(b));
    check::<T, _>("logical_not", job.logical_not(&x).to_array(), &|a, _| !is_true(a));
    for scalar in T::samples() {
        check::<T, _>("less, scalar", job.less(&x, scalar).unwrap().to_array(), &|a, _| a < scalar);
        check::<T, _>("greater, scalar", job.greater(scalar, &x).unwrap().to_array(), &|a, _| scalar > a);
    }
}

#[expect(clippy::eq_op, reason = "NaN")]
fn clip_one<T: PartialOrd + Copy>(x: T, min: T, max: T) -> T {
    if max != max {
        return max;
    }
    if min != min {
        return min;
    }
    if x != x {
        return x;
    }
    let x = if x < min { min } else { x };
    if x > max { max } else { x }
}

#[test]
fn comparisons_clips_and_choices_of_every_kind_of_number() {
    comparisons::<f64>();
    other_comparisons::<f64>();
    comparisons::<i16>();
    comparisons::<bool>();
    comparisons::<Be<f64>>();
    #[cfg(feature = "half")]
    comparisons::<half::f16>();
}

#[test]
fn mixed_forms_of_one_number_compare() {
    let job = Job::new();
    let a = array![Be::new(1.0), Be::new(f64::NAN), Be::new(3.0)];
    assert_eq!(job.less(&a, 2.0).unwrap().to_array().unwrap(), array![true, false, false]);
    assert_eq!(job.is_nan(&a).to_array().unwrap(), array![false, true, false]);
    let b = array![f64::INFINITY, f64::NAN, 0.0];
    assert_eq!(job.is_finite(&b).to_array().unwrap(), array![false, false, true]);
    assert_eq!(job.is_infinite(&b).to_array().unwrap(), array![true, false, false]);
    assert_eq!(job.sum(&is_finite(&b)).unwrap() + job.sum(&is_infinite(&b)).unwrap(), 2);
    assert_eq!(job.sum(&logical_not(is_nan(&b))).unwrap(), 2);
}

#[cfg(feature = "complex")]
#[test]
fn complex_numbers_are_ordered_as_numpy_orders_them() {
    use num_complex::Complex;
    let z = |re: f64, im: f64| Complex::new(re, im);
    let (a, b) = (array![z(1.0, 2.0), z(1.0, 3.0), z(2.0, 0.0), z(f64::NAN, 0.0)], z(1.0, 3.0));
    let job = Job::new();
    assert_eq!(job.less(&a, b).unwrap().to_array().unwrap(), array![true, false, false, false]);
    assert_eq!(job.less_equal(&a, b).unwrap().to_array().unwrap(), array![true, true, false, false]);
    assert_eq!(job.greater_equal(&a, b).unwrap().to_array().unwrap(), array![false, true, true, false]);
    assert_eq!(job.equal(&a, b).unwrap().to_array().unwrap(), array![false, true, false, false]);
    assert_eq!(job.not_equal(&a, b).unwrap().to_array().unwrap(), array![true, false, true, true]);
    assert_eq!(job.copy(clip(&a, b, b).unwrap()).to_array().unwrap()[2], b);
}

#[test]
fn shapes_that_do_not_broadcast_are_named() {
    let (a, b) = (ndarray::Array2::<f64>::zeros((3, 4)), Array1::<f64>::zeros(5));
    let error = zip(&a, &b, |a, b| a + b).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert!(error.to_string().contains("(3, 4) and (5,)"), "{error}");
    assert_eq!(less(&a, &b).err().unwrap().kind(), ErrorKind::Shape);
    assert_eq!(Job::new().zip3(&a, 1.0, &b, |a, _, _| a).err().unwrap().kind(), ErrorKind::Shape);
    assert_eq!(broadcast_to(&a, ndarray::Ix2(4, 3)).err().unwrap().kind(), ErrorKind::Shape);
    assert_eq!(broadcast_to(&a, ndarray::Ix1(12)).err().unwrap().kind(), ErrorKind::Shape);
    assert_eq!(zip_slice([&a; 0], |_| 1.0).err().unwrap().kind(), ErrorKind::InvalidArgument);
    let error = Job::new().compress(&b, &Array1::<f64>::zeros(4)).err().unwrap();
    assert!(error.to_string().contains("(5,)") && error.to_string().contains("(4,)"), "{error}");
}

#[test]
fn hostile_shapes_are_errors_or_cost_nothing() {
    let job = Job::new();
    let huge = broadcast_to(1_u8, IxDyn(&[1 << 31, 1 << 31, 1 << 31]));
    assert_eq!(huge.err().unwrap().kind(), ErrorKind::TooLarge);
    let (tall, wide) = (ndarray::Array2::<u8>::zeros((1 << 20, 1)), ndarray::Array2::<u8>::zeros((1, 1 << 20)));
    let outer = zip(&tall, &wide, |a, b| a + b).unwrap();
    assert_eq!(job.copy(&outer).to_array().map(|_| ()).unwrap_err().kind(), ErrorKind::OutOfMemory);
    let empty = ndarray::Array2::<f64>::zeros((0, 4));
    assert_eq!(job.zip(&empty, &array![1.0, 2.0, 3.0, 4.0], |a, b| a + b).unwrap().to_array().unwrap().shape(), [0, 4]);
    assert_eq!(job.sum(&zip(&empty, 2.0, |a, b| a * b).unwrap()).unwrap(), 0.0);
    assert_eq!(job.filter(&empty, |_| true).unwrap().to_array().unwrap().len(), 0);
    assert_eq!(job.filter(&ndarray::arr0(5), |_| true).unwrap().to_array().unwrap(), array![5]);
    assert_eq!(job.copy(&3.5).to_array().unwrap(), ndarray::arr0(3.5));
    assert_eq!(job.sum(&2.5).unwrap(), 2.5);
}

#[test]
fn large_arrays_take_every_path_within_a_small_budget() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, columns) = (4096_usize, 600_usize);
    let value = |at: usize| (at as u64 * 2_654_435_761 % 1000) as f64;
    let a = ndarray::Array2::from_shape_fn((rows, columns), |(r, c)| value(r * columns + c));
    let (of_a, of_b, out) = (dir.path().join("a.npy"), dir.path().join("b.npy"), dir.path().join("out.npy"));
    outcore::save(&of_a, &a).unwrap();
    CreateOptions::new().order(Order::F).save(&of_b, &(&a + 1.0)).unwrap();
    let column = a.column(0).to_owned().insert_axis(Axis(1));
    let of_column = dir.path().join("column.npy");
    outcore::save(&of_column, &column).unwrap();
    let file = |path| ArrayFile::<f64, ndarray::Ix2>::open(path).unwrap();
    let (file_a, file_b, file_column) = (file(&of_a), file(&of_b), file(&of_column));
    let row = Array1::from_shape_fn(columns, |c| c as f64);
    // The files have 20 MB each.
    let job = Job::new().threads(2).memory(5 << 20);
    let over = CreateOptions::new().overwrite(true);
    let written = |path| ArrayFile::<f64, ndarray::Ix2>::open(path).unwrap().read().unwrap();

    job.zip(&file_a, &file_b, |a, b| b - a).unwrap().save_as(&over, &out).unwrap();
    assert!(written(&out).iter().all(|&x| x == 1.0));
    job.zip3(&file_a, &row, &file_column, |a, r, c| a + r - c).unwrap().save_as(&over, &out).unwrap();
    assert_eq!(written(&out), &a + &row - &column);
    job.copy(map(map(&file_b, |b| b - 1.0), f64::sqrt)).save_as(&over, &out).unwrap();
    assert_eq!(written(&out), a.mapv(f64::sqrt));
    job.filter(&file_b, |b| b > 500.0).unwrap().save_as(&over, &out).unwrap();
    let kept = ArrayFile::<f64, ndarray::Ix1>::open(&out).unwrap().read().unwrap();
    assert_eq!(kept.to_vec(), a.iter().map(|a| a + 1.0).filter(|&b| b > 500.0).collect::<Vec<_>>());
    let none = Job::new().memory(1 << 10);
    assert_eq!(none.map(&file_a, |a| a).save_as(&over, &out).unwrap_err().kind(), ErrorKind::OutOfMemory);
    assert_eq!(none.filter(&file_a, |_| true).map(|_| ()).unwrap_err().kind(), ErrorKind::OutOfMemory);
}

#[test]
fn masks_that_do_not_fit_are_evaluated_again() {
    let dir = tempfile::tempdir().unwrap();
    let a: Array1<u8> = (0..1 << 23).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
    let job = Job::new().threads(1).memory(2 << 20);
    let path = dir.path().join("out.npy");
    job.compress(map(&a, |x| x > 200), map(&a, f64::from)).unwrap().save(&path).unwrap();
    let expected = a.iter().filter(|&&x| x > 200).count() as u64;
    let kept = ArrayFile::<f64, ndarray::Ix1>::open(&path).unwrap();
    assert_eq!((kept.len(), job.min(&kept).unwrap()), (expected, 201.0));

    // One that changes meanwhile is found out.
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let fickle = map(&a, |_| calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed).is_multiple_of(3));
    let error = job.compress(&fickle, map(&a, f64::from)).unwrap().save(dir.path().join("none.npy")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn references_and_numbers_mix_in_every_place() {
    let job = Job::new();
    let a = array![[1.0, -2.0], [f64::NAN, 4.0]];
    let rectified = select(less(&a, 0.0).unwrap(), 0.0, &a).unwrap();
    assert_eq!(job.nan_sum(&rectified).unwrap(), 5.0);
    let both = logical_and(greater(&a, 0.0).unwrap(), logical_not(is_nan(&a))).unwrap();
    assert_eq!(job.copy(&both).to_array().unwrap(), array![[true, false], [false, true]]);
    let any = logical_or(&both, logical_xor(&both, &both).unwrap()).unwrap();
    assert_eq!(job.sum(&any).unwrap(), 2);
    let inside = logical_and(greater_equal(&a, -2.0).unwrap(), less_equal(&a, 1.0).unwrap()).unwrap();
    assert_eq!(job.sum(&inside).unwrap(), 2);
    assert_eq!(job.sum(&equal(&a, 4.0).unwrap()).unwrap() + job.sum(&not_equal(&a, 4.0).unwrap()).unwrap(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arrays_change_in_place_beside_others(
        shape in shapes(),
        items in prop::collection::vec(-100..100_i32, 1..300),
        full in (any::<u32>(), any::<u32>()),
        lacks in (0..3_usize, 0..3_usize),
        layouts in (0..5_usize, 0..5_usize, 0..5_usize),
        f_order in any::<bool>(),
    ) {
        let mut a = lay_out(&shape, &items, layouts.0);
        let b = lay_out(&operand(&shape, full.0, lacks.0), &items, layouts.1);
        let c = lay_out(&operand(&shape, full.1, lacks.1), &items[items.len() / 2..], layouts.2);
        let (b, c) = (b.view(), c.view());
        let start = a.view().to_owned();
        let once = &start * 2 - &b;
        let twice = &once * 3 + &b - &c;
        for job in jobs() {
            let view = a.view().to_owned();
            assert_eq!(view, start);
            let layout = a.layout;
            let mut places = a.array.view_mut();
            match layout {
                2 => places.slice_each_axis_inplace(|_| Slice::new(0, None, 2)),
                3 => (0..shape.len()).for_each(|axis| places.invert_axis(Axis(axis))),
                4 if shape.len() > 1 => places = places.permuted_axes(IxDyn(&back(shape.len()))),
                _ => {}
            }
            job.zip_inplace(&mut places, &b, |a, b| *a = *a * 2 - b).unwrap();
            assert_eq!(places, once);
            job.zip3_inplace(&mut places, map(&b, |b| b), &c, |a, b, c| *a = *a * 3 + b - c).unwrap();
            assert_eq!(places, twice);
            places.assign(&start);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        CreateOptions::new().order(if f_order { Order::F } else { Order::C }).save(&path, &start).unwrap();
        let mut file = ArrayFile::<i32, IxDyn>::open_mut(&path).unwrap();
        Job::new().with_small_grid().zip_inplace(&mut file, &b, |a, b| *a = *a * 2 - b).unwrap();
        assert_eq!(file.read().unwrap(), once);
        drop(file);
        // SAFETY: the file is this test's own.
        let mut mapped = unsafe { MmapArrayMut::<i32, IxDyn>::open_mut(&path).unwrap() };
        Job::new().with_small_grid().zip3_inplace(&mut mapped, &b, &c, |a, b, c| *a = *a * 3 + b - c).unwrap();
        assert_eq!(mapped.view(), twice);
    }
}

#[test]
fn what_does_not_broadcast_changes_nothing() {
    let mut a = ndarray::Array2::<i32>::zeros((3, 4));
    let error = Job::new().zip_inplace(&mut a, &Array1::<i32>::ones(3), |a, b| *a += b).unwrap_err();
    assert!(error.kind() == ErrorKind::Shape && error.to_string().contains("(3,) and (3, 4)"), "{error}");
    let larger = ndarray::Array3::<i32>::ones((2, 3, 4));
    assert_eq!(Job::new().zip_inplace(&mut a, &larger, |a, b| *a += b).unwrap_err().kind(), ErrorKind::Shape);
    assert!(a.iter().all(|&x| x == 0));
}

/// What NumPy makes of arrays with NaN, infinities and zeros of both signs, in both orders.
const SCRIPT: &str = "
rng = np.random.default_rng(3)
odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 2.0])
a = np.where(rng.random((70, 50)) < 0.3, rng.choice(odd, (70, 50)), rng.standard_normal((70, 50)))
b = np.asfortranarray(np.where(rng.random((70, 50)) < 0.3, rng.choice(odd, (70, 50)), rng.standard_normal((70, 50))))
row, column = rng.standard_normal(50), rng.standard_normal((70, 1))
with np.errstate(all='ignore'):
    results = dict(a=a, b=b, row=row, column=column, less=a < b, less_equal=a <= row, greater=a > 0.5, greater_equal=b >= column,
        equal=a == b, not_equal=b != 0, both=np.logical_and(a, b), either=np.logical_or(a, row), one=np.logical_xor(a, b),
        none=np.logical_not(a), nan=np.isnan(a), inf=np.isinf(a), finite=np.isfinite(b), clip=np.clip(a, -0.5, 0.5),
        clip_arrays=np.clip(b, column, row), where=np.where(a > b, a, b), where_mixed=np.where(row > 0, column, 7.0),
        truth=np.where(a, 1.0, b), expression=a * row - b / column, chosen=a[a > 0.25], masked=b[a > b])
for name, array in results.items():
    np.save(os.path.join(args[0], name + '.npy'), array)
";

#[test]
fn results_are_those_of_numpy() {
    let dir = tempfile::tempdir().unwrap();
    if numpy::run(SCRIPT, &[dir.path().as_os_str()]).is_none() {
        return;
    }
    let open = |name: &str| ArrayFile::<f64, IxDyn>::open(dir.path().join(format!("{name}.npy"))).unwrap();
    let (a, b, row, column) = (open("a"), open("b"), open("row"), open("column"));
    let job = Job::new().threads(2).with_small_grid();
    let bools = |name: &str, source: outcore::compute::Output<'_, bool, IxDyn>| {
        let expected = ArrayFile::<bool, IxDyn>::open(dir.path().join(format!("{name}.npy"))).unwrap().read().unwrap();
        assert_eq!(source.to_array().unwrap(), expected, "{name}");
    };
    let floats = |name: &str, found: ArrayD<f64>| {
        let expected = open(name).read().unwrap();
        assert_eq!(found.shape(), expected.shape(), "{name}");
        assert!(found.iter().zip(&expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{name}");
    };
    bools("less", job.less(&a, &b).unwrap());
    bools("less_equal", job.less_equal(&a, &row).unwrap());
    bools("greater", job.greater(&a, 0.5).unwrap());
    bools("greater_equal", job.greater_equal(&b, &column).unwrap());
    bools("equal", job.equal(&a, &b).unwrap());
    bools("not_equal", job.not_equal(&b, 0.0).unwrap());
    bools("both", job.logical_and(&a, &b).unwrap());
    bools("either", job.logical_or(&a, &row).unwrap());
    bools("one", job.logical_xor(&a, &b).unwrap());
    bools("none", job.logical_not(&a));
    bools("nan", job.is_nan(&a));
    bools("inf", job.is_infinite(&a));
    bools("finite", job.is_finite(&b));
    floats("clip", job.clip(&a, -0.5, 0.5).unwrap().to_array().unwrap());
    floats("clip_arrays", job.clip(&b, &column, &row).unwrap().to_array().unwrap());
    floats("where", job.select(greater(&a, &b).unwrap(), &a, &b).unwrap().to_array().unwrap());
    floats("where_mixed", job.select(greater(&row, 0.0).unwrap(), &column, 7.0).unwrap().to_array().unwrap());
    floats("truth", job.select(&a, 1.0, &b).unwrap().to_array().unwrap());
    let ratio = zip(&b, &column, |b, c| b / c).unwrap();
    floats(
        "expression",
        job.zip(zip(&a, &row, |a, r| a * r).unwrap(), ratio, |a, b| a - b).unwrap().to_array().unwrap(),
    );
    floats("chosen", job.filter(&a, |a| a > 0.25).unwrap().to_array().unwrap().into_dyn());
    floats("masked", job.compress(greater(&a, &b).unwrap(), &b).unwrap().to_array().unwrap().into_dyn());
}
