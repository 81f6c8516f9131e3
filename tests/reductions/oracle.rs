//! The naive oracle: one element after the other, in row-major order, each statistic by its definition.

use std::fmt::Debug;

use ndarray::{ArrayViewD, Axis};

use super::*;
use outcore::compute::{Stats, StatsAxis};

/// An element as two doubles, and as an integer where it is one.
pub(super) trait Plain: Number {
    fn parts(value: Self::Value) -> (f64, f64);
    fn element(self) -> Self::Value;
    /// What orders the values: a double may be too short for that.
    fn key(value: Self::Value) -> (f64, f64) {
        Self::parts(value)
    }
    fn sum(sum: Self::Sum) -> (f64, f64);
    fn mean(mean: Self::Mean) -> (f64, f64);
    /// The exact sum, of integers.
    fn integers(_: &[Self]) -> Option<Self::Sum> {
        None
    }
}

macro_rules! plain_floats {
    ($($(#[$cfg:meta])? $type:ty, $value:ty, $get:expr, $from:expr;)*) => {$(
        $(#[$cfg])?
        impl Plain for $type {
            fn parts(value: $value) -> (f64, f64) {
                (($from)(value), 0.0)
            }
            fn element(self) -> $value {
                ($get)(self)
            }
            fn sum(sum: f64) -> (f64, f64) {
                (sum, 0.0)
            }
            fn mean(mean: f64) -> (f64, f64) {
                (mean, 0.0)
            }
        }
    )*};
}

plain_floats! {
    f64, f64, |x| x, |x| x;
    f32, f32, |x| x, f64::from;
    Be<f64>, f64, Be::get, |x| x;
    Le<f32>, f32, Le::get, f64::from;
    #[cfg(feature = "half")] half::f16, half::f16, |x| x, half::f16::to_f64;
    #[cfg(feature = "half")] half::bf16, half::bf16, |x| x, half::bf16::to_f64;
    #[cfg(feature = "half")] Be<half::f16>, half::f16, Be::get, half::f16::to_f64;
}

macro_rules! plain_ints {
    ($($type:ty, $value:ty, $get:expr;)*) => {$(
        impl Plain for $type {
            fn parts(value: $value) -> (f64, f64) {
                (i128::from(value) as f64, 0.0)
            }
            fn key(value: $value) -> (f64, f64) {
                ((i128::from(value) >> 32) as f64, (i128::from(value) & 0xffff_ffff) as f64)
            }
            fn element(self) -> $value {
                ($get)(self)
            }
            fn sum(sum: i128) -> (f64, f64) {
                (sum as f64, 0.0)
            }
            fn mean(mean: f64) -> (f64, f64) {
                (mean, 0.0)
            }
            fn integers(items: &[Self]) -> Option<i128> {
                Some(items.iter().map(|&item| i128::from(item.element())).sum())
            }
        }
    )*};
}

plain_ints! {
    i8, i8, |x| x; i16, i16, |x| x; i32, i32, |x| x; i64, i64, |x| x;
    u8, u8, |x| x; u16, u16, |x| x; u32, u32, |x| x; u64, u64, |x| x;
    bool, bool, |x| x; Bool8, bool, Bool8::get; Be<i16>, i16, Be::get;
}

#[cfg(feature = "complex")]
macro_rules! plain_complexes {
    ($($type:ty, $value:ty, $get:expr;)*) => {$(
        impl Plain for $type {
            fn parts(value: $value) -> (f64, f64) {
                (f64::from(value.re), f64::from(value.im))
            }
            fn element(self) -> $value {
                ($get)(self)
            }
            fn sum(sum: num_complex::Complex<f64>) -> (f64, f64) {
                (sum.re, sum.im)
            }
            fn mean(mean: num_complex::Complex<f64>) -> (f64, f64) {
                (mean.re, mean.im)
            }
        }
    )*};
}

#[cfg(feature = "complex")]
plain_complexes! {
    num_complex::Complex<f32>, num_complex::Complex<f32>, |x| x;
    num_complex::Complex<f64>, num_complex::Complex<f64>, |x| x;
    Be<num_complex::Complex<f64>>, num_complex::Complex<f64>, Be::get;
}

type Parts = (f64, f64);

fn is_nan((re, im): Parts) -> bool {
    re.is_nan() || im.is_nan()
}

/// What the statistics of some elements should be.
#[derive(Debug)]
struct Expected {
    count: usize,
    nan: usize,
    inf: usize,
    zeros: usize,
    sum: Parts,
    mean: Parts,
    var: f64,
    /// Sizes against which rounding is measured.
    size: f64,
    min: Option<usize>,
    max: Option<usize>,
}

fn expect(parts: &[Parts], keys: &[Parts]) -> Expected {
    let values: Vec<_> = parts.iter().copied().filter(|&value| !is_nan(value)).collect();
    let n = values.len() as f64;
    let add = |a: Parts, b: &Parts| (a.0 + b.0, a.1 + b.1);
    let sum = values.iter().fold((0.0, 0.0), add);
    let mean = (sum.0 / n, sum.1 / n);
    let distance = |&(re, im): &Parts| (re - mean.0) * (re - mean.0) + (im - mean.1) * (im - mean.1);
    let less = |a: Parts, b: Parts| a.0 < b.0 || (a.0 == b.0 && a.1 < b.1);
    let first = |better: &dyn Fn(Parts, Parts) -> bool| {
        let mut best: Option<usize> = None;
        for (at, &value) in keys.iter().enumerate() {
            if !is_nan(value) && best.is_none_or(|best| better(value, keys[best])) {
                best = Some(at);
            }
        }
        best
    };
    Expected {
        count: parts.len(),
        nan: parts.len() - values.len(),
        inf: values.iter().filter(|(re, im)| re.is_infinite() || im.is_infinite()).count(),
        zeros: values.iter().filter(|&&value| value == (0.0, 0.0)).count(),
        sum,
        mean,
        var: values.iter().map(distance).sum::<f64>() / n,
        size: values.iter().map(|(re, im)| re.abs() + im.abs()).sum(),
        min: first(&less),
        max: first(&|a, b| less(b, a)),
    }
}

#[track_caller]
fn close(found: f64, expected: f64, scale: f64) {
    let same = found == expected || (found.is_nan() && expected.is_nan());
    let bound = 1e-13 * scale + 1e-300;
    assert!(same || (found - expected).abs() <= bound, "found {found:e}, expected {expected:e}, bound {bound:e}");
}

#[track_caller]
fn close_parts(found: Parts, expected: Parts, scale: f64) {
    if is_nan(expected) {
        assert!(is_nan(found), "found {found:?}, expected {expected:?}");
        return;
    }
    close(found.0, expected.0, scale);
    close(found.1, expected.1, scale);
}

#[track_caller]
fn same_value<V: PartialEq + Debug>(found: &V, expected: &V, nan: bool) {
    assert!(found == expected || nan && format!("{found:?}").contains("NaN"), "found {found:?}, expected {expected:?}");
}

/// Every operation along every axis is the operation over the elements of each lane; over all it is the oracle's.
pub(super) fn check<T: Plain>(job: &Job<'_>, view: &ArrayViewD<'_, T>) {
    let items: Vec<T> = view.iter().copied().collect();
    check_run::<T>(
        &items,
        &Found {
            sum: job.sum(view).unwrap(),
            nan_sum: job.nan_sum(view).unwrap(),
            mean: job.mean(view).unwrap(),
            nan_mean: job.nan_mean(view).unwrap(),
            var: job.var(view, 0.0).unwrap(),
            nan_var: job.nan_var(view, 0.0).unwrap(),
            std: job.std(view, 1.0).unwrap(),
            nan_std: job.nan_std(view, 1.0).unwrap(),
            min: job.min(view).ok(),
            nan_min: job.nan_min(view).ok(),
            argmin: job.argmin(view).ok(),
            nan_argmin: job.nan_argmin(view).ok(),
            max: job.max(view).ok(),
            nan_max: job.nan_max(view).ok(),
            argmax: job.argmax(view).ok(),
            nan_argmax: job.nan_argmax(view).ok(),
            stats: Summary::of_all(&job.stats(view).unwrap()),
        },
    );
    for axis in (0..view.ndim()).map(Axis) {
        check_axis(job, view, axis);
    }
}

fn check_axis<T: Plain>(job: &Job<'_>, view: &ArrayViewD<'_, T>, axis: Axis) {
    let sum = job.sum_axis(view, axis).unwrap();
    let nan_sum = job.nan_sum_axis(view, axis).unwrap();
    let mean = job.mean_axis(view, axis).unwrap();
    let nan_mean = job.nan_mean_axis(view, axis).unwrap();
    let var = job.var_axis(view, axis, 0.0).unwrap();
    let nan_var = job.nan_var_axis(view, axis, 0.0).unwrap();
    let std = job.std_axis(view, axis, 1.0).unwrap();
    let nan_std = job.nan_std_axis(view, axis, 1.0).unwrap();
    let min = job.min_axis(view, axis).ok();
    let nan_min = job.nan_min_axis(view, axis).ok();
    let argmin = job.argmin_axis(view, axis).ok();
    let nan_argmin = job.nan_argmin_axis(view, axis).ok();
    let max = job.max_axis(view, axis).ok();
    let nan_max = job.nan_max_axis(view, axis).ok();
    let argmax = job.argmax_axis(view, axis).ok();
    let nan_argmax = job.nan_argmax_axis(view, axis).ok();
    let stats = job.stats_axis(view, axis).unwrap();
    let mut expected_shape = view.shape().to_vec();
    expected_shape.remove(axis.index());
    assert_eq!(sum.shape(), expected_shape);
    let lanes = view.lanes(axis);
    let all_nan = lanes.into_iter().any(|lane| lane.iter().all(|&item| is_nan(T::parts(item.element()))));
    if !sum.is_empty() {
        assert_eq!(nan_argmin.is_none(), all_nan);
        assert_eq!(nan_argmax.is_none(), all_nan);
        assert_eq!(min.is_none(), view.is_empty());
    }
    for (index, _) in sum.indexed_iter() {
        let mut lane = view.view();
        let mut dims: Vec<_> = index.slice().to_vec();
        dims.insert(axis.index(), 0);
        for (at, &index) in dims.iter().enumerate().rev() {
            if at != axis.index() {
                lane = lane.index_axis_move(Axis(at), index);
            }
        }
        let items: Vec<T> = lane.iter().copied().collect();
        let lane_nan = items.iter().all(|&item| is_nan(T::parts(item.element())));
        let found = Found {
            sum: sum[&index],
            nan_sum: nan_sum[&index],
            mean: mean[&index],
            nan_mean: nan_mean[&index],
            var: var[&index],
            nan_var: nan_var[&index],
            std: std[&index],
            nan_std: nan_std[&index],
            min: min.as_ref().map(|found| found[&index]),
            nan_min: nan_min.as_ref().map(|found| found[&index]),
            argmin: argmin.as_ref().map(|found| found[&index]),
            // One lane of NaN fails them all: the others are then not looked at.
            nan_argmin: if lane_nan { None } else { lane_index(&nan_argmin, &index, job.nan_argmin(&lane).ok()) },
            max: max.as_ref().map(|found| found[&index]),
            nan_max: nan_max.as_ref().map(|found| found[&index]),
            argmax: argmax.as_ref().map(|found| found[&index]),
            nan_argmax: if lane_nan { None } else { lane_index(&nan_argmax, &index, job.nan_argmax(&lane).ok()) },
            stats: Summary::of_lane(&stats, &index),
        };
        check_run(&items, &found);
    }
}

fn lane_index(found: &Option<ArrayD<u64>>, index: &IxDyn, otherwise: Option<u64>) -> Option<u64> {
    found.as_ref().map_or(otherwise, |found| Some(found[index]))
}

/// The statistics of all elements or of one lane.
struct Summary<T: Number> {
    counts: [u64; 4],
    min: (Option<T::Value>, Option<u64>),
    max: (Option<T::Value>, Option<u64>),
    sum: T::Sum,
    mean: T::Mean,
    var: f64,
    std: f64,
}

impl<T: Number> Summary<T> {
    fn of_all(stats: &Stats<T>) -> Self {
        Self {
            counts: [stats.count, stats.nan, stats.inf, stats.zeros],
            min: (stats.min, stats.argmin),
            max: (stats.max, stats.argmax),
            sum: stats.sum,
            mean: stats.mean,
            var: stats.var,
            std: stats.std,
        }
    }

    fn of_lane(stats: &StatsAxis<T, IxDyn>, at: &IxDyn) -> Self {
        Self {
            counts: [stats.count[at], stats.nan[at], stats.inf[at], stats.zeros[at]],
            min: (stats.min[at], stats.argmin[at]),
            max: (stats.max[at], stats.argmax[at]),
            sum: stats.sum[at],
            mean: stats.mean[at],
            var: stats.var[at],
            std: stats.std[at],
        }
    }
}

/// What the engine says of some elements.
struct Found<T: Number> {
    sum: T::Sum,
    nan_sum: T::Sum,
    mean: T::Mean,
    nan_mean: T::Mean,
    var: f64,
    nan_var: f64,
    std: f64,
    nan_std: f64,
    min: Option<T::Value>,
    nan_min: Option<T::Value>,
    argmin: Option<u64>,
    nan_argmin: Option<u64>,
    max: Option<T::Value>,
    nan_max: Option<T::Value>,
    argmax: Option<u64>,
    nan_argmax: Option<u64>,
    stats: Summary<T>,
}

fn check_run<T: Plain>(items: &[T], found: &Found<T>) {
    let parts: Vec<Parts> = items.iter().map(|&item| T::parts(item.element())).collect();
    let keys: Vec<Parts> = items.iter().map(|&item| <T as Plain>::key(item.element())).collect();
    let expected = expect(&parts, &keys);
    let n = (expected.count - expected.nan) as f64;
    let no_nan = expected.nan == 0;
    if let Some(sum) = T::integers(items) {
        assert_eq!((found.sum, found.nan_sum), (sum, sum));
    }
    close_parts(T::sum(found.nan_sum), expected.sum, expected.size);
    close_parts(T::mean(found.nan_mean), expected.mean, expected.size / n);
    if no_nan {
        close_parts(T::sum(found.sum), expected.sum, expected.size);
        close_parts(T::mean(found.mean), expected.mean, expected.size / n);
    } else {
        // A complex NaN may be in one part only.
        assert!(is_nan(T::sum(found.sum)) && is_nan(T::mean(found.mean)));
    }
    let scale = expected.var + (expected.size / n).powi(2) * 1e-3;
    close(found.nan_var, expected.var, scale);
    close(found.var, if no_nan { expected.var } else { f64::NAN }, scale);
    let sample = (expected.var * n / (n - 1.0)).sqrt();
    if n > 1.0 && expected.var.is_finite() {
        close(found.nan_std, sample, sample + scale / sample);
        if no_nan {
            close(found.std, sample, sample + scale / sample);
        }
    } else {
        assert!(!found.nan_std.is_finite(), "{}", found.nan_std);
    }
    let first_nan = parts.iter().position(|&value| is_nan(value));
    let index = |at: Option<usize>| at.map(|at| at as u64);
    let element = |at: Option<usize>| at.map(|at| items[at].element());
    assert_eq!(found.argmin, index(first_nan.or(expected.min)));
    assert_eq!(found.argmax, index(first_nan.or(expected.max)));
    if let (Some(min), Some(max)) = (found.min, found.max) {
        same_value(&Some(min), &element(first_nan.or(expected.min)), !no_nan);
        same_value(&Some(max), &element(first_nan.or(expected.max)), !no_nan);
    } else {
        assert!(items.is_empty());
    }
    assert_eq!(found.nan_argmin, index(expected.min));
    assert_eq!(found.nan_argmax, index(expected.max));
    assert_eq!(found.nan_min.is_none() && found.nan_max.is_none(), items.is_empty());
    if expected.min.is_some() {
        assert_eq!((found.nan_min, found.nan_max), (element(expected.min), element(expected.max)));
    } else if let Some(min) = found.nan_min {
        assert!(is_nan(T::parts(min)));
    }

    let stats = &found.stats;
    let counts = [expected.count, expected.nan, expected.inf, expected.zeros].map(|count| count as u64);
    assert_eq!(stats.counts, counts);
    assert_eq!(stats.min, (element(expected.min), index(expected.min)));
    assert_eq!(stats.max, (element(expected.max), index(expected.max)));
    same_value(&stats.sum, &found.nan_sum, true);
    same_value(&stats.mean, &found.nan_mean, true);
    same_value(&stats.var, &found.nan_var, true);
    close(stats.std, expected.var.sqrt(), expected.var.sqrt() + scale / expected.var.sqrt());
}
