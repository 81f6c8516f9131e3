//! Sorting against a naive sort: every kind of element, place, layout, number of threads and amount of memory gives the same
//! order, which is NumPy's.

#![cfg(feature = "complex")]

#[path = "support/counting_alloc.rs"]
mod counting_alloc;
#[path = "support/numpy.rs"]
mod numpy;

use std::cmp::Ordering;
use std::fmt::Debug;

use ndarray::{Array, Array1, ArrayD, ArrayViewD, Axis, IxDyn, ShapeBuilder, Slice};
use outcore::compute::{CancelToken, Number};
use outcore::element::Complex;
use outcore::{ArrayFile, Be, CreateOptions, Element, ErrorKind, Job, MmapArray, MmapArrayMut, OpenOptions, Order};
use proptest::prelude::*;

#[global_allocator]
static COUNTING: counting_alloc::Counting = counting_alloc::Counting;

/// An element with NumPy's order, written down once more.
trait Ordered: Number + PartialEq {
    /// NumPy's order; zeros are equal, and NaN of the same kind.
    fn order(&self, other: &Self) -> Ordering;

    /// What tells two elements apart in a result: all bits, but those of a NaN.
    fn bits(&self) -> (u128, bool);

    fn is_nan(&self) -> bool {
        false
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Ordered for $type {
            fn order(&self, other: &Self) -> Ordering {
                self.cmp(other)
            }

            fn bits(&self) -> (u128, bool) {
                (u128::from((i128::from(*self)).cast_unsigned()), false)
            }
        }
    )*};
}
integers!(bool, i16, u64);

impl Ordered for f64 {
    fn order(&self, other: &Self) -> Ordering {
        self.partial_cmp(other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
    }

    fn bits(&self) -> (u128, bool) {
        if self.is_nan() { (0, true) } else { (self.to_bits().into(), false) }
    }

    fn is_nan(&self) -> bool {
        Self::is_nan(*self)
    }
}

impl Ordered for Be<f64> {
    fn order(&self, other: &Self) -> Ordering {
        self.get().order(&other.get())
    }

    fn bits(&self) -> (u128, bool) {
        self.get().bits()
    }

    fn is_nan(&self) -> bool {
        self.get().is_nan()
    }
}

impl Ordered for Complex<f64> {
    fn order(&self, other: &Self) -> Ordering {
        let kind = |item: &Self| 2 * u8::from(item.re.is_nan()) + u8::from(item.im.is_nan());
        let parts = || self.re.order(&other.re).then(self.im.order(&other.im));
        kind(self).cmp(&kind(other)).then_with(parts)
    }

    fn bits(&self) -> (u128, bool) {
        let part = |part: f64| if part.is_nan() { u64::MAX } else { part.to_bits() };
        ((u128::from(part(self.re)) << 64) | u128::from(part(self.im)), Ordered::is_nan(self))
    }

    fn is_nan(&self) -> bool {
        self.re.is_nan() || self.im.is_nan()
    }
}

fn bits<'a, T: Ordered + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<(u128, bool)> {
    items.into_iter().map(Ordered::bits).collect()
}

/// Asserts that the items are those expected, in an order that NumPy could give them, and in the documented one.
fn check_sorted<T: Ordered>(found: &[T], items: &[T], descending: bool) {
    let way = |a: &T, b: &T| if descending { b.order(a) } else { a.order(b) };
    assert!(found.is_sorted_by(|a, b| way(a, b).is_le()), "{found:?} is out of order");
    let (mut left, mut right) = (bits(found), bits(items));
    left.sort_unstable();
    right.sort_unstable();
    assert_eq!(left, right, "other elements");
}

/// Jobs of all kinds; the last have so little memory that nothing fits.
fn jobs() -> Vec<Job<'static>> {
    let small = || Job::new().with_small_grid();
    vec![
        Job::new().threads(2),
        small().threads(1),
        small().threads(3),
        small().threads(7).memory(64 << 10),
        small().threads(2).memory(24 << 10),
        small().threads(1).memory(12 << 10),
    ]
}

/// Hands the items to `test` as arrays in memory, C and Fortran order and with gaps.
fn lay_out<T: Ordered>(shape: &[usize], items: &[T], layout: usize, test: impl FnOnce(ArrayViewD<'_, T>)) {
    let at = |index: usize| items[index % items.len()];
    match layout {
        0 | 1 => {
            let mut array = Array::from_elem(IxDyn(shape).set_f(layout == 1), at(0));
            array.iter_mut().enumerate().for_each(|(index, place)| *place = at(index));
            test(array.view());
        }
        _ => {
            let wide: Vec<_> = shape.iter().map(|len| 2 * len + 1).collect();
            let mut array = Array::from_elem(IxDyn(&wide), at(1));
            let mut view = array.view_mut();
            for (axis, &len) in shape.iter().enumerate() {
                view.slice_axis_inplace(Axis(axis), Slice::new(1, None, if axis == 0 { -2 } else { 2 }));
                view.slice_axis_inplace(Axis(axis), Slice::from(0..len));
            }
            view.iter_mut().enumerate().for_each(|(index, place)| *place = at(index));
            test(view.view());
        }
    }
}

/// A new array of the shape and order of the source.
fn like<T: Ordered, U: Element + Default>(view: &ArrayViewD<'_, T>, order: Order) -> ArrayD<U> {
    Array::default(IxDyn(view.shape()).set_f(order == Order::F))
}

fn check_all<T: Ordered + Default>(view: &ArrayViewD<'_, T>) {
    let items: Vec<T> = view.iter().copied().collect();
    let mut order: Vec<u64> = (0..items.len() as u64).collect();
    let item = |index: &u64| &items[usize::try_from(*index).unwrap()];
    order.sort_by(|a, b| item(a).order(item(b)));
    let mut descending: Vec<u64> = (0..items.len() as u64).collect();
    descending.sort_by(|a, b| item(b).order(item(a)));
    let mut first = None;
    for job in jobs() {
        let mut found = Array1::<T>::default(items.len());
        job.sort(view).write_to(&mut found).unwrap();
        check_sorted(found.as_slice().unwrap(), &items, false);
        // Whatever the job, the same bits.
        let first = first.get_or_insert_with(|| bits(&found));
        assert_eq!(*first, bits(&found), "{job:?}");

        job.sort_descending(view).write_to(&mut found).unwrap();
        check_sorted(found.as_slice().unwrap(), &items, true);
        found.invert_axis(Axis(0));
        assert_eq!(*first, bits(&found), "descending");

        let mut indices = Array1::<u64>::default(items.len());
        job.argsort(view).write_to(&mut indices).unwrap();
        assert_eq!(indices.to_vec(), order, "{job:?}");
        job.argsort_descending(view).write_to(&mut indices).unwrap();
        assert_eq!(indices.to_vec(), descending, "{job:?}");

        let mut found: Array1<T> = items.iter().copied().collect();
        job.sort_inplace(&mut found).unwrap();
        assert_eq!(*first, bits(&found), "in place");

        check_unique(&job, view, &order.iter().map(|index| *item(index)).collect::<Vec<_>>());
    }
}

/// Whether a value of a result is that of an element, or both are NaN.
#[expect(clippy::eq_op, reason = "NaN alone differs from itself, also as a complex number")]
fn same<T: Ordered>(value: &T::Value, item: &T) -> bool {
    T::value(item.native()) == *value || (Ordered::is_nan(item) && *value != *value)
}

fn check_unique<T: Ordered>(job: &Job<'_>, view: &ArrayViewD<'_, T>, sorted: &[T]) {
    let groups: Vec<_> = sorted
        .chunk_by(|a, b| a.order(b).is_eq() || (a.is_nan() && b.is_nan()))
        .map(|same| (same[0], same.len()))
        .collect();
    let (values, counts) = match job.unique_counts(view) {
        // The result of the smallest jobs does not fit their memory.
        Err(error) if error.kind() == ErrorKind::OutOfMemory && groups.len() > 100 => return,
        found => found.unwrap(),
    };
    assert_eq!(
        counts.iter().map(|&count| usize::try_from(count).unwrap()).collect::<Vec<_>>(),
        groups.iter().map(|group| group.1).collect::<Vec<_>>()
    );
    assert_eq!(values.len(), groups.len());
    assert!(values.iter().zip(&groups).all(|(value, group)| same(value, &group.0)), "{values:?} for {groups:?}");
}

fn check_axes<T: Ordered + Default>(view: &ArrayViewD<'_, T>, order: Order) {
    for job in jobs() {
        for axis in (0..view.ndim()).map(Axis) {
            let mut found = like::<T, T>(view, order);
            let mut indices = like::<T, u64>(view, order);
            job.sort_axis(view, axis).write_to(&mut found).unwrap();
            job.argsort_axis(view, axis).write_to(&mut indices).unwrap();
            for ((line, found), indices) in view.lanes(axis).into_iter().zip(found.lanes(axis)).zip(indices.lanes(axis))
            {
                check_sorted(&found.to_vec(), &line.to_vec(), false);
                let mut order: Vec<u64> = (0..line.len() as u64).collect();
                let item = |index: u64| &line[usize::try_from(index).unwrap()];
                order.sort_by(|&a, &b| item(a).order(item(b)));
                assert_eq!(indices.to_vec(), order, "{job:?}");
            }
        }
    }
    let axis = Axis(view.ndim());
    assert_eq!(Job::new().sort_axis(view, axis).to_array().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => prop::collection::vec(0..7_usize, 0..4),
        3 => (1..3000_usize).prop_map(|len| vec![len]),
        1 => (1..300_usize, 1..9_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..9_usize, 1..300_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..5_usize, 1..200_usize, 1..5_usize).prop_map(|(a, b, c)| vec![a, b, c]),
        1 => (1..3_usize, 1..7_usize, 90..150_usize).prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}

macro_rules! properties {
    ($($name:ident, $type:ty, $items:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(shape in shapes(), items in prop::collection::vec($items, 1..2000), layout in 0..3_usize) {
                    lay_out::<$type>(&shape, &items, layout, |view| {
                        check_all(&view);
                        check_axes(&view, if layout == 1 { Order::F } else { Order::C });
                    });
                }
            )*
        }
    };
}

fn special() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits),
        4 => -1e3..1e3_f64,
        6 => (-9..9_i32).prop_map(f64::from),
        1 => prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -5e-324, -0.0, 0.0]),
    ]
}

fn few() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (-2..3_i32).prop_map(f64::from),
        1 => prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0]),
    ]
}

mod properties {
    use super::*;

    properties! {
        f64_of_all_kinds, f64, special();
        f64_of_few_kinds, f64, few();
        u64_of_all_kinds, u64, prop_oneof![any::<u64>(), 0..4_u64, Just(u64::MAX)];
        i16_of_all_kinds, i16, any::<i16>();
        bool_of_all_kinds, bool, any::<bool>();
        be_f64, Be<f64>, special().prop_map(Be::new);
        c128_of_few_kinds, Complex<f64>, (few(), few()).prop_map(|(re, im)| Complex::new(re, im));
        c128_of_all_kinds, Complex<f64>, (special(), special()).prop_map(|(re, im)| Complex::new(re, im));
    }
}

/// Numbers that look random, the same in each run.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

#[expect(clippy::cast_precision_loss, reason = "any number will do")]
fn shares(seed: u64) -> impl Iterator<Item = f64> {
    noise(seed).map(|bits| (bits >> 11) as f64 / (1_u64 << 53) as f64)
}

/// Arrays whose keys are spread in ways that are hard for a sort by their bits.
fn hard(count: usize) -> Vec<(&'static str, Vec<f64>)> {
    let index = |at: usize| f64::from(u32::try_from(at).unwrap());
    vec![
        ("even", shares(1).take(count).collect()),
        ("ascending", (0..count).map(index).collect()),
        ("descending", (0..count).rev().map(index).collect()),
        ("one value", vec![1.5; count]),
        ("two values", shares(2).take(count).map(f64::round).collect()),
        ("small and one large", shares(3).take(count - 1).map(|x| 1.0 + x * 1e-9).chain([1e300]).collect()),
        ("all sizes", shares(4).take(count).map(|x| (x * 1400.0 - 700.0).exp()).collect()),
        ("mostly zero", shares(5).take(count).map(|x| if x < 0.9 { 0.0 } else { x }).collect()),
        ("a period", (0..count).map(|at| index(at % 64)).collect()),
        ("subnormal", noise(6).take(count).map(|bits| f64::from_bits(bits >> 40)).collect()),
    ]
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "any number will do")]
fn short_elements_are_counted_where_the_memory_allows() {
    let items: Vec<_> = noise(16).take(20_000).map(|bits| bits as i16 % 9000).collect();
    lay_out(&[items.len()], &items, 0, |view| check_all(&view));
}

#[test]
fn hard_arrays_in_every_amount_of_memory() {
    let count = 200_000;
    for (name, items) in hard(count) {
        let mut expected = items.clone();
        expected.sort_by(f64::total_cmp);
        let items = Array1::from(items);
        for (threads, memory) in [(2, 1 << 30), (2, 3 << 20), (3, 3 << 19), (1, 1 << 20), (7, 1 << 20)] {
            let mut found = Array1::zeros(count);
            let job = Job::new().threads(threads).memory(memory);
            job.sort(&items).write_to(&mut found).unwrap_or_else(|error| panic!("{name}, {memory}: {error}"));
            assert!(bits(&found) == bits(&expected), "{name}, {threads} threads, {memory} bytes");
        }
    }
}

#[test]
fn files_of_four_times_the_memory_stay_inside_it() {
    let dir = tempfile::tempdir().unwrap();
    let (memory, count) = (4 << 20, 2 << 20);
    for (name, items) in hard(count) {
        let path = dir.path().join("a.npy");
        CreateOptions::new().overwrite(true).save(&path, &Array1::from(items.clone())).unwrap();
        let mut expected = items;
        expected.sort_by(f64::total_cmp);
        let file = ArrayFile::<f64, ndarray::Ix1>::open(&path).unwrap();
        let job = Job::new().threads(1).memory(memory);
        let out = dir.path().join("sorted.npy");
        let (done, peak) =
            counting_alloc::peak_of(|| job.sort(&file).save_as(&CreateOptions::new().overwrite(true), &out));
        done.unwrap();
        assert!(peak as u64 <= memory + (256 << 10), "{name}: {peak} bytes at a time");
        // SAFETY: nobody else uses the file.
        let found: MmapArray<f64, ndarray::Ix1> = unsafe { OpenOptions::new().open(&out) }.unwrap();
        assert!(bits(&*found) == bits(&expected), "{name}");
    }
}

#[test]
fn files_and_mappings_are_sorted_as_arrays_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let items: Array1<f64> = shares(7).take(50_000).map(|x| (x * 1e4).round() - 5e3).collect();
    let plain = Job::new().sort(&items).to_array().unwrap();
    let (path, swapped) = (dir.path().join("a.npy"), dir.path().join("be.npy"));
    outcore::save(&path, &items).unwrap();
    outcore::save(&swapped, &items.mapv(Be::new)).unwrap();
    for job in jobs() {
        let file = ArrayFile::<f64, ndarray::Ix1>::open(&path).unwrap();
        // SAFETY: nobody else uses the file.
        let mapped: MmapArray<f64, ndarray::Ix1> = unsafe { OpenOptions::new().open(&path) }.unwrap();
        let mut found = Array1::zeros(items.len());
        job.sort(&file).write_to(&mut found).unwrap();
        assert_eq!(found, plain);
        job.sort(&mapped).write_to(&mut found).unwrap();
        assert_eq!(found, plain);
        // A file of big-endian numbers read as native ones.
        let swapped = ArrayFile::<f64, ndarray::Ix1>::open(&swapped).unwrap();
        job.sort(&swapped).write_to(&mut found).unwrap();
        assert_eq!(found, plain);
    }
    // In place, by position and mapped, where the array fits the memory and where it does not.
    for (number, job) in jobs().into_iter().enumerate() {
        let (path, mapped) = (dir.path().join(format!("{number}.npy")), dir.path().join(format!("{number}m.npy")));
        outcore::save(&path, &items).unwrap();
        outcore::save(&mapped, &items).unwrap();
        let mut file = OpenOptions::new().open_file_mut::<f64, ndarray::Ix1>(&path).unwrap();
        job.sort_inplace(&mut file).unwrap();
        // SAFETY: nobody else uses the file.
        let mut map: MmapArrayMut<f64, ndarray::Ix1> = unsafe { OpenOptions::new().open_mut(&mapped) }.unwrap();
        job.sort_inplace(&mut map).unwrap();
        assert_eq!(map.view(), plain.view());
        drop((file, map));
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&mapped).unwrap());
    }
}

#[test]
fn long_lines_are_sorted_one_by_one() {
    let (len, memory) = (60_000, 1 << 20);
    for shape in [[len, 3], [3, len]] {
        for order in [Order::C, Order::F] {
            let mut a = Array::zeros(ndarray::Dim(shape).set_f(order == Order::F));
            a.iter_mut().zip(shares(8)).for_each(|(place, item)| *place = item);
            let axis = Axis(usize::from(shape[1] == len));
            let mut found = a.clone();
            Job::new().memory(memory).threads(2).sort_axis(&a, axis).write_to(&mut found).unwrap();
            for (line, found) in a.lanes(axis).into_iter().zip(found.lanes(axis)) {
                check_sorted(&found.to_vec(), &line.to_vec(), false);
            }
        }
    }
}

#[test]
fn too_little_memory_and_cancelled_jobs_are_errors() {
    let a: Array1<f64> = shares(9).take(1 << 16).collect();
    let mut out = Array1::zeros(a.len());
    let error = Job::new().memory(100).sort(&a).write_to(&mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    let error = Job::new().memory(600 << 10).unique(&a).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    let token = CancelToken::new();
    token.cancel();
    let job = Job::new().cancel(&token);
    assert_eq!(job.sort(&a).write_to(&mut out).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(job.unique(&a).unwrap_err().kind(), ErrorKind::Cancelled);
    // An array with gaps is left as it was.
    let mut gaps: Array1<f64> = a.clone();
    let mut view = gaps.slice_mut(ndarray::s![..;2]);
    assert_eq!(Job::new().sort_inplace(&mut view).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(gaps, a);
}

/// What NumPy makes of the same file.
fn against_numpy<T: Ordered + Default + Debug>(items: &[T], rows: usize) {
    let dir = tempfile::tempdir().unwrap();
    let columns = items.len() / rows;
    let a = Array::from_shape_vec(IxDyn(&[rows, columns]), items[..rows * columns].to_vec()).unwrap();
    outcore::save(dir.path().join("a.npy"), &a).unwrap();
    // As the property tests have it, so that both are compiled once.
    let a = &a.view();
    let script = "
import os
os.chdir(args[0])
a = np.load('a.npy')
np.save('sort', np.sort(a, axis=None))
np.save('argsort', np.argsort(a, axis=None, kind='stable'))
for axis in range(2):
    np.save(f'sort{axis}', np.sort(a, axis=axis))
    np.save(f'argsort{axis}', np.argsort(a, axis=axis, kind='stable'))
values, counts = np.unique(a, return_counts=True)
np.save('values', values)
np.save('counts', counts)
";
    if numpy::run(script, &[dir.path().as_os_str()]).is_none() {
        return;
    }
    let load = |name: &str| -> ArrayD<T> { outcore::load(dir.path().join(format!("{name}.npy"))).unwrap() };
    let indices = |name: &str| -> ArrayD<i64> { outcore::load(dir.path().join(format!("{name}.npy"))).unwrap() };
    let agree = |found: &ArrayD<T>, expected: &ArrayD<T>| {
        assert_eq!(found.shape(), expected.shape());
        assert!(found.iter().zip(expected).all(|(a, b)| a.order(b).is_eq()), "{found:?}, NumPy: {expected:?}");
    };
    let at = |found: ArrayD<u64>| found.mapv(|index| i64::try_from(index).unwrap());
    for job in jobs().into_iter().take(3) {
        agree(&job.sort(a).to_array().unwrap().into_dyn(), &load("sort"));
        assert_eq!(at(job.argsort(a).to_array().unwrap().into_dyn()), indices("argsort"));
        for axis in 0..2 {
            agree(&job.sort_axis(a, Axis(axis)).to_array().unwrap().into_dyn(), &load(&format!("sort{axis}")));
            let found = job.argsort_axis(a, Axis(axis)).to_array().unwrap().into_dyn();
            assert_eq!(at(found), indices(&format!("argsort{axis}")));
        }
        let (values, counts) = job.unique_counts(a).unwrap();
        assert_eq!(at(counts.into_dyn()), indices("counts"));
        let expected = load("values");
        assert_eq!(values.len(), expected.len());
        assert!(values.iter().zip(&expected).all(|(value, item)| same(value, item)), "{values:?}, NumPy: {expected:?}");
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "any number will do")]
fn numpy_agrees() {
    let specials = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 5e-324, 1.0];
    let pick = |bits: u64| {
        let special = specials[(bits % 8) as usize];
        if bits >> 60 < 4 { special } else { f64::from((bits >> 32) as i8) }
    };
    let items: Vec<f64> = noise(10).take(4000).map(pick).collect();
    against_numpy(&items, 40);
    against_numpy(&noise(11).take(4000).collect::<Vec<u64>>(), 1000);
    against_numpy(&noise(12).take(4000).map(|bits| bits as i16).collect::<Vec<i16>>(), 3);
    against_numpy(&noise(13).take(400).map(|bits| bits % 2 == 0).collect::<Vec<bool>>(), 20);
    let pairs = noise(14).zip(noise(15)).take(4000);
    against_numpy(&pairs.map(|(re, im)| Complex::new(pick(re), pick(im))).collect::<Vec<Complex<f64>>>(), 40);
}
