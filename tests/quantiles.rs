//! Quantiles, medians and order statistics: against sorted copies, and against NumPy bit for bit.

#[path = "support/hex_float.rs"]
mod hex_float;
#[path = "support/numpy.rs"]
mod numpy;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Mutex;

use hex_float::hex_float;
use ndarray::{Array1, ArrayD, ArrayViewD, Axis, Ix2, IxDyn, ShapeBuilder, Slice};
use outcore::compute::{Method, Real, Source};
use outcore::{ArrayFile, Be, CreateOptions, ErrorKind, Job, MmapArray, Order};
use proptest::prelude::*;

const METHODS: [(Method, &str); 13] = [
    (Method::InvertedCdf, "inverted_cdf"),
    (Method::AveragedInvertedCdf, "averaged_inverted_cdf"),
    (Method::ClosestObservation, "closest_observation"),
    (Method::InterpolatedInvertedCdf, "interpolated_inverted_cdf"),
    (Method::Hazen, "hazen"),
    (Method::Weibull, "weibull"),
    (Method::Linear, "linear"),
    (Method::MedianUnbiased, "median_unbiased"),
    (Method::NormalUnbiased, "normal_unbiased"),
    (Method::Lower, "lower"),
    (Method::Higher, "higher"),
    (Method::Nearest, "nearest"),
    (Method::Midpoint, "midpoint"),
];

const QUANTILES: [f64; 6] = [0.5, 0.0, 0.1, 0.25, 0.999, 1.0];

/// An element type and its values as `f64`.
trait Plain: Real + Default {
    fn float(self) -> f64;
    fn of(float: f64) -> Self;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any value will do")]
        impl Plain for $type {
            fn float(self) -> f64 {
                self as f64
            }
            fn of(float: f64) -> Self {
                float as Self
            }
        }
    )*};
}
plain!(f64, f32, i64, i16, u8);

impl Plain for Be<i64> {
    fn float(self) -> f64 {
        self.get().float()
    }
    fn of(float: f64) -> Self {
        Self::new(i64::of(float))
    }
}

/// The rules of the definitions that are easily said again: linear and lower.
fn expected(lane: &[f64], q: f64, linear: bool, skip_nan: bool) -> f64 {
    let mut sorted: Vec<f64> = lane.iter().copied().filter(|value| !value.is_nan()).collect();
    if sorted.is_empty() || (!skip_nan && sorted.len() < lane.len()) {
        return f64::NAN;
    }
    sorted.sort_by(f64::total_cmp);
    let position = (sorted.len() - 1) as f64 * q;
    let at = (0..sorted.len()).rfind(|&at| at as f64 <= position).unwrap();
    let (low, high) = (sorted[at], sorted[(at + 1).min(sorted.len() - 1)]);
    let weight = position - at as f64;
    match linear {
        false => low,
        // NumPy counts the weight of the last element from index -1.
        true if at + 1 == sorted.len() => low - (high - low) * (1.0 - (position + 1.0)),
        true if weight >= 0.5 => high - (high - low) * (1.0 - weight),
        true => low + (high - low) * weight,
    }
}

fn middle(lane: &[f64], skip_nan: bool) -> f64 {
    let mut sorted: Vec<f64> = lane.iter().copied().filter(|value| !value.is_nan()).collect();
    if sorted.is_empty() || (!skip_nan && sorted.len() < lane.len()) {
        return f64::NAN;
    }
    sorted.sort_by(f64::total_cmp);
    let (a, b) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    if sorted.len() % 2 == 1 { a } else { (a + b) / 2.0 }
}

/// Equal, with every NaN the same and zeros of either sign.
#[track_caller]
fn same(found: f64, wanted: f64, what: impl Debug) {
    assert!(found == wanted || (found.is_nan() && wanted.is_nan()), "{what:?}: found {found:e}, expected {wanted:e}");
}

fn check_whole<S: Source<Elem: Plain>>(job: &Job<'_>, a: &S, items: &[f64]) {
    if items.is_empty() {
        assert_eq!(job.quantile(a, &[0.5], Method::Linear).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(job.nan_quantile(a, &[0.5], Method::Linear).unwrap()[0].is_nan());
        assert!(job.median(a).unwrap().is_nan());
        return;
    }
    for (linear, method) in [(true, Method::Linear), (false, Method::Lower)] {
        let found = job.quantile(a, &QUANTILES, method).unwrap();
        let found_nan = job.nan_quantile(a, &QUANTILES, method).unwrap();
        for (at, q) in QUANTILES.into_iter().enumerate() {
            same(found[at], expected(items, q, linear, false), ("quantile", q, method));
            same(found_nan[at], expected(items, q, linear, true), ("nan_quantile", q, method));
        }
    }
    same(job.median(a).unwrap(), middle(items, false), "median");
    same(job.nan_median(a).unwrap(), middle(items, true), "nan_median");
}

fn check_axes<S: Source<Elem: Plain>>(job: &Job<'_>, a: &S, items: &ArrayViewD<'_, f64>)
where
    S::Dim: ndarray::RemoveAxis,
{
    for axis in (0..items.ndim()).map(Axis) {
        let lanes = items.lanes(axis);
        let quantiles = job.quantile_axis(a, &QUANTILES, axis, Method::Linear).to_array();
        if items.len_of(axis) == 0 && items.shape().iter().filter(|&&len| len == 0).count() == 1 {
            assert_eq!(quantiles.unwrap_err().kind(), ErrorKind::InvalidArgument);
        } else {
            let quantiles = quantiles.unwrap().into_dyn();
            assert_eq!(quantiles.len_of(Axis(0)), QUANTILES.len());
            for (at, q) in QUANTILES.into_iter().enumerate() {
                for (lane, &found) in lanes.clone().into_iter().zip(quantiles.index_axis(Axis(0), at)) {
                    same(found, expected(&lane.to_vec(), q, true, false), ("quantile_axis", axis, q));
                }
            }
        }
        let medians = job.median_axis(a, axis).to_array().unwrap().into_dyn();
        let nan_medians = job.nan_median_axis(a, axis).to_array().unwrap().into_dyn();
        let nan_lower = job.nan_quantile_axis(a, &[0.3], axis, Method::Lower).to_array().unwrap().into_dyn();
        assert_eq!(medians.shape(), &nan_lower.shape()[1..]);
        let found = medians.iter().zip(&nan_medians).zip(&nan_lower);
        for (lane, ((&median, &nan_median), &lower)) in lanes.into_iter().zip(found) {
            let lane = lane.to_vec();
            same(median, middle(&lane, false), ("median_axis", axis));
            same(nan_median, middle(&lane, true), ("nan_median_axis", axis));
            same(lower, expected(&lane, 0.3, false, true), ("nan_quantile_axis", axis));
        }
    }
}

/// C order, F order, every second element, reversed.
fn check<T: Plain>(shape: &[usize], items: &[f64], layout: usize, small: bool) {
    let mut doubled = shape.to_vec();
    doubled.iter_mut().for_each(|len| *len *= if layout == 2 { 2 } else { 1 });
    let mut array = ArrayD::<T>::default(IxDyn(&doubled).set_f(layout == 1));
    let mut view = array.view_mut();
    if layout == 2 {
        view.slice_each_axis_inplace(|_| Slice::new(0, None, 2));
    }
    if layout == 3 {
        (0..shape.len()).for_each(|axis| view.invert_axis(Axis(axis)));
    }
    view.iter_mut().zip(items.iter().cycle()).for_each(|(place, &item)| *place = T::of(item));
    let floats = view.mapv(T::float);
    let job = Job::new().threads(2);
    let job = if small { job.with_small_grid().memory(200_000) } else { job };
    check_whole(&job, &view, floats.view().as_slice().unwrap_or(&floats.iter().copied().collect::<Vec<_>>()));
    check_axes(&job, &view, &floats.view());
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => prop::collection::vec(0..6_usize, 0..4),
        2 => (1..1500_usize).prop_map(|len| vec![len]),
        2 => (1..500_usize, 1..6_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..6_usize, 1..500_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..4_usize, 1..200_usize, 1..4_usize).prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-40..40_i32).prop_map(|n| f64::from(n) / 8.0),
        4 => -1e3..1e3_f64,
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, 5e-324, -5e-324, -0.0, 0.0, 1e300]),
    ]
}

macro_rules! against_sorting {
    ($($name:ident, $type:ty, $items:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(shape in shapes(), items in prop::collection::vec($items, 1..1500), layout in 0..4_usize, small: bool) {
                    check::<$type>(&shape, &items, layout, small);
                }
            )*
        }
    };
}

against_sorting! {
    f64_elements, f64, floats();
    f64_with_nan, f64, prop_oneof![60 => floats(), 1 => Just(f64::NAN), 1 => Just(-f64::NAN)];
    big_endian_i64_elements, Be<i64>, prop_oneof![floats(), Just(-9.0e18), Just(9.0e18)];
    u8_elements, u8, 0.0..256.0_f64;
}

fn noise(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 0x1234_5678_9abc_def1_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    })
}

/// Data that are hard on a sample, or on a radix, or on neither.
fn hard(count: usize) -> Vec<(&'static str, Vec<f64>)> {
    let sorted = |mut items: Vec<f64>| {
        items.sort_by(f64::total_cmp);
        items
    };
    let gauss = || {
        noise(count)
            .zip(noise(2 * count).skip(count))
            .map(|(a, b)| (-2.0 * a.max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * b).cos())
    };
    let mut walk = 0.0;
    vec![
        ("normal", gauss().collect()),
        ("uniform", noise(count).collect()),
        ("all equal", vec![7.5; count]),
        ("two values", noise(count).map(|x| f64::from(u8::from(x < 0.5))).collect()),
        ("ten values", noise(count).map(|x| (x * 10.0).floor()).collect()),
        ("sorted", sorted(gauss().collect())),
        ("reversed", sorted(gauss().collect()).into_iter().rev().collect()),
        ("periodic", (0..count).map(|at| (at % 1024) as f64).collect()),
        ("decades", noise(count).map(|x| 10_f64.powf(600.0 * x - 300.0)).collect()),
        (
            "random walk",
            noise(count)
                .map(|x| {
                    walk += x - 0.5;
                    walk
                })
                .collect(),
        ),
        ("mostly infinite", noise(count).map(|x| if x < 0.7 { f64::INFINITY } else { x }).collect()),
        ("blocks of levels", (0..count).map(|at| (at / 4096 % 7) as f64 + (at % 4096) as f64 * 1e-9).collect()),
    ]
}

/// Bytes passed over, all passes together.
fn bytes_passed<R>(run: impl FnOnce(&Job<'_>) -> R, job: Job<'_>) -> (R, u64) {
    let seen = Mutex::new((0_u64, 0_u64, 0_u64));
    let job = job.threads(1).progress(|progress| {
        let (total, last, sum) = &mut *seen.lock().unwrap();
        let goes_on = *total == progress.total && progress.done > *last;
        *sum += if goes_on { progress.done - *last } else { progress.done };
        (*total, *last) = (progress.total, progress.done);
    });
    let result = run(&job);
    drop(job);
    (result, seen.into_inner().unwrap().2)
}

#[test]
fn hard_data_in_little_memory() {
    const COUNT: usize = 30_000;
    let many: Vec<f64> = (0..=100).map(|q| f64::from(q) / 100.0).collect();
    for (name, items) in hard(COUNT) {
        let a = Array1::from(items.clone());
        for memory in [100_000, 1 << 30] {
            let job = Job::new().threads(2).with_small_grid().memory(memory);
            for (at, found) in job.quantile(&a, &many, Method::Lower).unwrap().into_iter().enumerate() {
                same(found, expected(&items, many[at], false, false), (name, memory, at));
            }
            same(job.median(&a).unwrap(), middle(&items, false), (name, memory, "median"));
            // As columns, which do not fit either.
            let columns = a.view().into_shape_with_order((COUNT / 3, 3)).unwrap();
            let medians = job.median_axis(&columns, Axis(0)).to_array().unwrap();
            for (column, &found) in columns.columns().into_iter().zip(&medians) {
                same(found, middle(&column.to_vec(), false), (name, memory, "column"));
            }
            let rows = a.view().into_shape_with_order((3, COUNT / 3)).unwrap();
            let medians = job.median_axis(&rows, Axis(1)).to_array().unwrap();
            for (row, &found) in rows.rows().into_iter().zip(&medians) {
                same(found, middle(&row.to_vec(), false), (name, memory, "row"));
            }
        }
    }
}

#[test]
fn a_median_reads_the_file_about_once() {
    const COUNT: usize = 3 << 20;
    let file_bytes = (COUNT * 8) as u64;
    for (name, items) in hard(COUNT) {
        let a = Array1::from(items);
        let job = Job::new().memory(file_bytes / 4);
        let (found, bytes) = bytes_passed(|job| job.quantile(&a, &[0.25, 0.5, 0.75], Method::Linear).unwrap(), job);
        let mut sorted = a.to_vec();
        sorted.sort_by(f64::total_cmp);
        for (found, at) in found.iter().zip([1, 2, 3]) {
            let position = (COUNT - 1) * at;
            let (at, weight) = (position / 4, (position % 4) as f64 / 4.0);
            let (low, high) = (sorted[at], sorted[at + 1]);
            let linear = if weight >= 0.5 { high - (high - low) * (1.0 - weight) } else { low + (high - low) * weight };
            same(*found, linear, name);
        }
        println!("{name}: {:.3} scans", bytes as f64 / file_bytes as f64);
        // Where neighbours are alike and what is further away differs, the runs of a sample of this size tell too little: a pass
        // to count, and one to collect.
        let scans = if ["periodic", "random walk", "blocks of levels"].contains(&name) { 2 } else { 1 };
        assert!(bytes * 100 < file_bytes * (100 * scans + 20), "{name}: {bytes} of {file_bytes} bytes");
    }
}

#[test]
fn files_mappings_and_memory_agree_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let shape = (700, 60);
    let items: Vec<f64> = noise(shape.0 * shape.1).map(|x| (x * 1000.0).floor() / 8.0).collect();
    let a = ndarray::Array2::from_shape_vec(shape, items).unwrap();
    for (name, order) in [("c.npy", Order::C), ("f.npy", Order::F)] {
        let path = dir.path().join(name);
        CreateOptions::new().order(order).save(&path, &a).unwrap();
        let file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
        // SAFETY: nobody else knows of the file.
        let mapped = unsafe { MmapArray::<f64, Ix2>::open(&path).unwrap() };
        for threads in [1, 2, 3, 7] {
            for job in [Job::new().threads(threads), Job::new().threads(threads).with_small_grid().memory(150_000)] {
                check_whole(&job, &file, a.as_slice().unwrap());
                check_whole(&job, &mapped, a.as_slice().unwrap());
                check_axes(&job, &file, &a.view().into_dyn());
                check_axes(&job, &mapped, &a.view().into_dyn());
            }
        }
        let job = Job::new();
        let saved = dir.path().join(format!("saved-{name}"));
        job.quantile_axis(&file, &QUANTILES, Axis(0), Method::Linear).save(&saved).unwrap();
        let there = outcore::load::<f64, Ix2>(&saved).unwrap();
        assert_eq!(there, job.quantile_axis(&a, &QUANTILES, Axis(0), Method::Linear).to_array().unwrap());
    }
}

#[test]
fn order_statistics_are_exact() {
    let big: Vec<i64> = (0..5000).map(|at| (1 << 60) + (at * 7919) % 5000).collect();
    let job = Job::new().with_small_grid().memory(100_000);
    let found = job.order_statistics(&Array1::from(big), &[4999, 0, 17, 2500]).unwrap();
    assert_eq!(found, [4999, 0, 17, 2500].map(|rank| (1_i64 << 60) + rank));
    let a = Array1::from(vec![f64::NAN, 2.0, -1.0]);
    let found = job.order_statistics(&a, &[0, 1, 2]).unwrap();
    assert!(found[0] == -1.0 && found[1] == 2.0 && found[2].is_nan());
    assert_eq!(job.order_statistics(&a, &[3]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let bools = Array1::from(vec![true, false, true]);
    assert_eq!(job.order_statistics(&bools, &[0, 1]).unwrap(), [false, true]);
}

#[test]
fn bad_arguments_are_errors() {
    let job = Job::new();
    let a = ndarray::array![[1.0, 2.0], [3.0, 4.0]];
    for q in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_eq!(job.quantile(&a, &[0.5, q], Method::Linear).unwrap_err().kind(), ErrorKind::InvalidArgument);
        let along = job.quantile_axis(&a, &[q], Axis(0), Method::Linear).to_array();
        assert_eq!(along.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(job.median_axis(&a, Axis(2)).to_array().unwrap_err().kind(), ErrorKind::InvalidArgument);
    let point = ndarray::arr0(1.5).into_dyn();
    assert_eq!(job.median_axis(&point, Axis(0)).to_array().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.median(&point).unwrap(), 1.5);
    assert!(job.quantile(&a, &[], Method::Linear).unwrap().is_empty());
    let error = Job::new().memory(1000).median(&noise(1 << 20).collect::<Array1<f64>>()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
}

/// What NumPy makes of the same file, as hexadecimal floats.
const NUMPY: &str = r"
a = np.load(args[0]).astype(np.float64)
qs = np.array([float.fromhex(q) for q in args[1].split()])
methods = args[2].split()
np.seterr(all='ignore')
import warnings; warnings.simplefilter('ignore')
def show(values): print(' '.join(float(v).hex() for v in np.ravel(values)))
for m in methods:
    show(np.quantile(a, qs, method=m)); show(np.nanquantile(a, qs, method=m))
    show(np.percentile(a, qs * 100, method=m))
show(np.median(a)); show(np.nanmedian(a))
for axis in range(a.ndim):
    show(np.quantile(a, qs, axis=axis)); show(np.nanquantile(a, qs, axis=axis, method='hazen'))
    show(np.median(a, axis=axis)); show(np.nanmedian(a, axis=axis))
";

fn against_numpy<T: Plain>(path: &Path) {
    let file = ArrayFile::<T, IxDyn>::open(path).unwrap();
    let mut qs: Vec<f64> = (0..=20).map(|q| f64::from(q) / 20.0).collect();
    qs.extend([1.0 / 3.0, 2.0 / 3.0, 0.001, 0.999, 5e-324, 1.0 - f64::EPSILON, 0.15, 0.3]);
    let list = qs.iter().map(|q| format!("{:x}", Hex(*q))).collect::<Vec<_>>().join(" ");
    let methods = METHODS.map(|(_, name)| name).join(" ");
    let args = [path.as_os_str(), list.as_ref(), methods.as_ref()];
    let Some(answers) = numpy::run(NUMPY, &args) else { return };
    let mut answers = answers.lines().map(|line| line.split_whitespace().map(hex_float).collect::<Vec<_>>());
    let mut compare = |found: &[f64], what: &str| {
        let wanted = answers.next().unwrap();
        assert_eq!(found.len(), wanted.len(), "{what}");
        found.iter().zip(wanted).for_each(|(&found, wanted)| same(found, wanted, (path, what)));
    };
    let job = Job::new();
    let percents: Vec<f64> = qs.iter().map(|q| q * 100.0).collect();
    for (method, name) in METHODS {
        compare(&job.quantile(&file, &qs, method).unwrap(), name);
        compare(&job.nan_quantile(&file, &qs, method).unwrap(), name);
        compare(&job.percentile(&file, &percents, method).unwrap(), name);
    }
    compare(&[job.median(&file).unwrap()], "median");
    compare(&[job.nan_median(&file).unwrap()], "nan_median");
    let in_order = |array: ArrayD<f64>| array.iter().copied().collect::<Vec<_>>();
    for axis in (0..file.shape().len()).map(Axis) {
        compare(&in_order(job.quantile_axis(&file, &qs, axis, Method::Linear).to_array().unwrap()), "quantile_axis");
        compare(
            &in_order(job.nan_quantile_axis(&file, &qs, axis, Method::Hazen).to_array().unwrap()),
            "nan_quantile_axis",
        );
        compare(&in_order(job.median_axis(&file, axis).to_array().unwrap()), "median_axis");
        compare(&in_order(job.nan_median_axis(&file, axis).to_array().unwrap()), "nan_median_axis");
    }
}

/// As C and Python write floats.
struct Hex(f64);

impl std::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits = self.0.to_bits();
        let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        let exponent = i64::try_from(exponent).unwrap();
        let (lead, exponent) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
        write!(f, "0x{lead}.{fraction:013x}p{exponent}")
    }
}

#[test]
fn numpy_agrees_in_every_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for count in [1, 2, 3, 4, 5, 10, 17, 100, 1001] {
        let items: Array1<f64> = noise(count).map(|x| (x - 0.4) * 1e3).collect();
        let name = path(&format!("{count}.npy"));
        outcore::save(&name, &items).unwrap();
        against_numpy::<f64>(&name);
    }
    let matrix = |nan: f64| {
        let items = noise(41 * 30).map(|x| if x < nan { f64::NAN } else { (x * 64.0).floor() - 30.0 });
        ArrayD::from_shape_vec(IxDyn(&[41, 5, 6]), items.collect()).unwrap()
    };
    outcore::save(path("nan.npy"), &matrix(0.02)).unwrap();
    against_numpy::<f64>(&path("nan.npy"));
    CreateOptions::new().order(Order::F).save(path("f.npy"), &matrix(0.0)).unwrap();
    against_numpy::<f64>(&path("f.npy"));
    let infinite = matrix(0.0).mapv(|x| {
        if x < -25.0 {
            f64::NEG_INFINITY
        } else if x > 28.0 {
            f64::INFINITY
        } else {
            x
        }
    });
    outcore::save(path("inf.npy"), &infinite).unwrap();
    against_numpy::<f64>(&path("inf.npy"));
    outcore::save(path("i16.npy"), &matrix(0.0).mapv(i16::of)).unwrap();
    against_numpy::<i16>(&path("i16.npy"));
    outcore::save(path("f32.npy"), &matrix(0.0).mapv(|x| f32::of(x / 7.0))).unwrap();
    against_numpy::<f32>(&path("f32.npy"));
}
