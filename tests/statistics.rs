//! Skewness, kurtosis, products, truth values, norms, ranges and weighted means against naive oracles, SciPy's recorded answers,
//! and NumPy itself.

#[path = "support/numpy.rs"]
mod numpy;
#[path = "support/shapes.rs"]
mod shapes;

use std::ffi::OsStr;

use ndarray::{Array, Array1, ArrayD, ArrayViewD, Axis, Dimension, IxDyn, ShapeBuilder, Slice, array};
use outcore::compute::{Number, Source};
use outcore::{ArrayFile, Be, Error, ErrorKind, Job};
use proptest::prelude::*;
use shapes::shapes;

fn job(threads: usize) -> Job<'static> {
    Job::new().with_small_grid().threads(threads)
}

/// An array of the shape, filled in row-major order from `items` again and again, in one of several layouts.
fn lay_out<T: Clone + Default>(shape: &[usize], items: &[T], layout: usize) -> ArrayD<T> {
    let mut array = ArrayD::<T>::default(IxDyn(shape).set_f(layout == 1));
    array.iter_mut().zip(items.iter().cycle()).for_each(|(place, item)| *place = item.clone());
    array
}

/// Every second element along each axis of a larger array: a view with gaps.
fn spread_out<T: Clone + Default>(array: &ArrayD<T>) -> ArrayD<T> {
    let doubled: Vec<_> = array.shape().iter().map(|len| len * 2).collect();
    let mut large = ArrayD::<T>::default(IxDyn(&doubled));
    large.slice_each_axis_mut(|_| Slice::new(0, None, 2)).assign(array);
    large
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        30 => (-40..41_i32).prop_map(|n| f64::from(n) / 32.0),
        30 => -3.0..3.0_f64,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.0, 0.0, 1e300, 1e-300]),
    ]
}

#[track_caller]
fn close(found: f64, expected: f64, scale: f64) {
    let same = found == expected || (found.is_nan() && expected.is_nan());
    assert!(
        same || (found - expected).abs() <= 1e-11 * (scale + expected.abs()),
        "found {found:e}, expected {expected:e}"
    );
}

/// Central moments of the third and fourth order over powers of the variance; None where they mean nothing.
fn shape_of_distribution(items: &[f64]) -> Option<(f64, f64)> {
    let n = items.len() as f64;
    let mean = items.iter().sum::<f64>() / n;
    let moment = |power: i32| items.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
    let variance = moment(2);
    // Near the limit of SciPy's rule for equal elements either answer will do.
    (variance > (1e-12 * mean).powi(2)).then(|| (moment(3) / variance.powf(1.5), moment(4) / variance.powi(2)))
}

/// Every operation, over all elements or over the lanes of an axis, as one list of arrays.
fn everything<S>(job: &Job<'_>, a: &S, axis: Option<usize>) -> Vec<(String, Result<ArrayD<f64>, ErrorKind>)>
where
    S: Source<Elem: Number<Mean = f64, Sum = f64>, Dim = IxDyn>,
{
    let one = |value: Result<f64, Error>| value.map(|value| ArrayD::from_elem(IxDyn(&[]), value)).map_err(|e| e.kind());
    let many = |value: Result<ArrayD<f64>, Error>| value.map_err(|e| e.kind());
    let count = |value: u64| value as f64;
    let mut found = Vec::new();
    let mut put = |name: &str, value| found.push((name.to_owned(), value));
    let orders = [0.0, 1.0, 2.0, 3.0, 4.0, 0.5, 2.5, -1.0, f64::INFINITY, f64::NEG_INFINITY];
    match axis.map(Axis) {
        None => {
            for bias in [true, false] {
                put(&format!("skew {bias}"), one(job.skew(a, bias)));
                put(&format!("nan_skew {bias}"), one(job.nan_skew(a, bias)));
                put(&format!("kurtosis {bias}"), one(job.kurtosis(a, true, bias)));
                put(&format!("nan_kurtosis {bias}"), one(job.nan_kurtosis(a, true, bias)));
            }
            put("prod", one(job.prod(a)));
            put("nan_prod", one(job.nan_prod(a)));
            put("any", one(job.any(a).map(|value| count(value.into()))));
            put("all", one(job.all(a).map(|value| count(value.into()))));
            put("count_nonzero", one(job.count_nonzero(a).map(count)));
            put("ptp", one(job.ptp(a)));
            for ord in orders {
                put(&format!("norm {ord}"), one(job.norm(a, ord)));
            }
        }
        Some(axis) => {
            for bias in [true, false] {
                put(&format!("skew {bias}"), many(job.skew_axis(a, axis, bias)));
                put(&format!("nan_skew {bias}"), many(job.nan_skew_axis(a, axis, bias)));
                put(&format!("kurtosis {bias}"), many(job.kurtosis_axis(a, axis, true, bias)));
                put(&format!("nan_kurtosis {bias}"), many(job.nan_kurtosis_axis(a, axis, true, bias)));
            }
            put("prod", many(job.prod_axis(a, axis)));
            put("nan_prod", many(job.nan_prod_axis(a, axis)));
            put("any", many(job.any_axis(a, axis).map(|found| found.mapv(|value| count(value.into())))));
            put("all", many(job.all_axis(a, axis).map(|found| found.mapv(|value| count(value.into())))));
            put("count_nonzero", many(job.count_nonzero_axis(a, axis).map(|found| found.mapv(count))));
            put("ptp", many(job.ptp_axis(a, axis)));
            for ord in orders {
                put(&format!("norm {ord}"), many(job.norm_axis(a, axis, ord)));
            }
        }
    }
    found
}

/// One operation on some elements, by its definition.
fn naive(name: &str, items: &[f64]) -> Option<f64> {
    let kept: Vec<f64> = items.iter().copied().filter(|x| !x.is_nan()).collect();
    let (operation, argument) = name.split_once(' ').unwrap_or((name, ""));
    let items = if operation.starts_with("nan_") { &kept[..] } else { items };
    let n = items.len() as f64;
    let bias = argument == "true";
    let sizes = items.iter().map(|x| x.abs());
    let truth = |value: bool| f64::from(u8::from(value));
    let nan = items.iter().any(|x| x.is_nan());
    Some(match operation.trim_start_matches("nan_") {
        "skew" => match shape_of_distribution(items) {
            None => f64::NAN,
            Some((skew, _)) if bias || n < 3.0 => skew,
            Some((skew, _)) => skew * ((n - 1.0) * n).sqrt() / (n - 2.0),
        },
        "kurtosis" => match shape_of_distribution(items) {
            None => f64::NAN,
            Some((_, kurtosis)) if bias || n < 4.0 => kurtosis - 3.0,
            Some((_, kurtosis)) => ((n * n - 1.0) * kurtosis - 3.0 * (n - 1.0).powi(2)) / (n - 2.0) / (n - 3.0),
        },
        "prod" => {
            if items.contains(&0.0) || items.iter().any(|x| !x.is_finite()) {
                return Some(
                    items.iter().fold(1.0, |a, &b| a * if b.is_finite() && b != 0.0 { b.signum() } else { b }),
                );
            }
            // Powers of two are counted, so that only the product itself can leave the range.
            let (mut product, mut power) = (1.0_f64, 0);
            let mut between_one_and_two = |mut x: f64| {
                while x.abs() < 1.0 {
                    (x, power) = (x * 2.0, power - 1);
                }
                while x.abs() >= 2.0 {
                    (x, power) = (x / 2.0, power + 1);
                }
                x
            };
            for &factor in items {
                let factor = between_one_and_two(factor);
                product = between_one_and_two(product * factor);
            }
            let step = if power < 0 { 0.5 } else { 2.0 };
            (0..i32::abs(power)).fold(product, |product, _| product * step)
        }
        "any" => truth(items.iter().any(|&x| x != 0.0)),
        "all" => truth(items.iter().all(|&x| x != 0.0)),
        "count_nonzero" => items.iter().filter(|&&x| x != 0.0).count() as f64,
        "ptp" if items.is_empty() => return None,
        "ptp" if nan => f64::NAN,
        "ptp" => {
            let max = items.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            max - items.iter().copied().fold(f64::INFINITY, f64::min)
        }
        "norm" => match argument {
            "0" => items.iter().filter(|&&x| x != 0.0).count() as f64,
            "-inf" if items.is_empty() => return None,
            _ if nan => f64::NAN,
            "inf" => sizes.fold(0.0, f64::max),
            "-inf" => sizes.fold(f64::INFINITY, f64::min),
            power => {
                let power: f64 = power.parse().unwrap();
                let largest = sizes.clone().fold(0.0, f64::max);
                if power < 0.0 || largest == 0.0 || largest.is_infinite() {
                    sizes.map(|x| x.powf(power)).sum::<f64>().powf(1.0 / power)
                } else {
                    sizes.map(|x| (x / largest).powf(power)).sum::<f64>().powf(1.0 / power) * largest
                }
            }
        },
        _ => unreachable!("{name}"),
    })
}

fn check<T>(array: &ArrayD<T>, view: &ArrayViewD<'_, T>, double: fn(T) -> f64)
where
    T: Number<Mean = f64, Sum = f64>,
{
    let doubles = array.mapv(double);
    for axis in std::iter::once(None).chain((0..array.ndim()).map(Some)) {
        let found = everything(&job(1), view, axis);
        for threads in [2, 3, 7] {
            assert_eq!(format!("{:?}", everything(&job(threads), view, axis)), format!("{found:?}"));
        }
        for (name, found) in found {
            let lanes: Vec<Vec<f64>> = match axis {
                None => vec![doubles.iter().copied().collect()],
                Some(axis) => doubles.lanes(Axis(axis)).into_iter().map(|lane| lane.to_vec()).collect(),
            };
            let expected: Option<Vec<f64>> = lanes.iter().map(|lane| naive(&name, lane)).collect();
            let Ok(found) = found else {
                assert!(expected.is_none(), "{name}: {found:?}");
                continue;
            };
            let expected = expected.unwrap_or_else(|| panic!("{name}: no error"));
            assert_eq!(found.len(), expected.len(), "{name}");
            for ((&found, &expected), lane) in found.iter().zip(&expected).zip(&lanes) {
                let moments = name.contains("skew") || name.contains("kurtosis");
                // Extremes whose fourth powers overflow, and elements that are all but equal.
                if moments && (lane.iter().any(|x| x.abs() > 1e70) || expected.is_nan() != found.is_nan() && near(lane))
                {
                    continue;
                }
                let scale = if moments { 100.0 } else { 0.0 };
                let same = found == expected || (found.is_nan() && expected.is_nan());
                let bound = 1e-10 * (scale + expected.abs()) + 1e-320;
                assert!(
                    same || (found - expected).abs() <= bound,
                    "{name} {axis:?}: {found:e}, not {expected:e} of {lane:?}"
                );
            }
        }
    }
}

/// Whether elements are equal up to rounding, so that it is a matter of taste whether they have a skewness.
fn near(lane: &[f64]) -> bool {
    let kept = lane.iter().filter(|x| !x.is_nan());
    let (min, max) = kept.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), &x| (min.min(x), max.max(x)));
    max - min <= 1e-9 * max.abs().max(min.abs())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn f64_elements(shape in shapes(), items in prop::collection::vec(floats(), 1..300), layout in 0..3_usize) {
        let array = lay_out(&shape, &items, layout);
        if layout < 2 {
            check(&array, &array.view(), |x| x);
        } else {
            let large = spread_out(&array);
            check(&array, &large.slice_each_axis(|_| Slice::new(0, None, 2)), |x| x);
        }
    }

    #[test]
    fn big_endian_f32_elements(shape in shapes(), items in prop::collection::vec(floats(), 1..300), layout in 0..2_usize) {
        #[expect(clippy::cast_possible_truncation, reason = "any float will do")]
        let items: Vec<Be<f32>> = items.iter().map(|&x| Be::new(x as f32)).collect();
        let array = lay_out(&shape, &items, layout);
        check(&array, &array.view(), |x| x.get().into());
    }

    #[test]
    fn integers_are_exact(shape in shapes(), items in prop::collection::vec(prop_oneof![20 => -2..3_i64, 1 => any::<i64>()], 1..300), layout in 0..2_usize) {
        let array = lay_out(&shape, &items, layout);
        // Zero wins, whatever the others are.
        let product = |items: &mut dyn Iterator<Item = i64>| {
            let items: Vec<i128> = items.map(i128::from).collect();
            if items.contains(&0) { Some(0) } else { items.iter().try_fold(1_i128, |a, &b| a.checked_mul(b)) }
        };
        for threads in [1, 3] {
            let job = job(threads);
            let found = job.prod(&array);
            match product(&mut array.iter().copied()) {
                Some(expected) => prop_assert_eq!(found.unwrap(), expected),
                None => prop_assert_eq!(found.unwrap_err().kind(), ErrorKind::TooLarge),
            }
            for axis in 0..array.ndim() {
                let lanes = array.lanes(Axis(axis));
                let expected: Option<Vec<i128>> = lanes.into_iter().map(|lane| product(&mut lane.iter().copied())).collect();
                let found = job.prod_axis(&array, Axis(axis));
                match expected {
                    Some(expected) => prop_assert_eq!(found.unwrap().iter().copied().collect::<Vec<_>>(), expected),
                    None => prop_assert_eq!(found.unwrap_err().kind(), ErrorKind::TooLarge),
                }
            }
            if let (Some(&min), Some(&max)) = (array.iter().min(), array.iter().max()) {
                prop_assert_eq!(job.ptp(&array).unwrap(), i128::from(max) - i128::from(min));
            }
        }
    }

    #[test]
    fn averages(shape in shapes(), items in prop::collection::vec(-3.0..3.0_f64, 1..300), weights in prop::collection::vec(1..9_u8, 1..50), layout in 0..2_usize, other in 0..2_usize) {
        let (a, w) = (lay_out(&shape, &items, layout), lay_out(&shape, &weights, other));
        let mean = |a: &mut dyn Iterator<Item = (f64, f64)>| {
            let (sum, weight) = a.fold((0.0, 0.0), |(sum, weight), (a, w)| (sum + a * w, weight + w));
            (sum / weight, weight)
        };
        for job in [job(1), job(3)] {
            match job.average_returned(&a, &w) {
                Ok((found, weight)) => {
                    let expected = mean(&mut a.iter().zip(&w).map(|(&a, &w)| (a, f64::from(w))));
                    close(found, expected.0, 3.0);
                    prop_assert_eq!(weight, expected.1);
                }
                Err(error) => {
                    prop_assert!(a.is_empty());
                    prop_assert_eq!(error.kind(), ErrorKind::InvalidArgument);
                }
            }
            for axis in 0..a.ndim() {
                if a.is_empty() {
                    continue;
                }
                let along = lay_out(&shape[axis..=axis], &weights, 0);
                let (found, sums) = job.average_axis_returned(&a, Axis(axis), &w).unwrap();
                let same = job.average_axis(&a, Axis(axis), &along).unwrap();
                let lanes = a.lanes(Axis(axis)).into_iter().zip(w.lanes(Axis(axis)));
                for ((lane, weights), ((&found, &sum), &same)) in lanes.zip(found.iter().zip(&sums).zip(&same)) {
                    let expected = mean(&mut lane.iter().zip(weights).map(|(&a, &w)| (a, f64::from(w))));
                    close(found, expected.0, 3.0);
                    prop_assert_eq!(sum, expected.1);
                    close(same, mean(&mut lane.iter().zip(&along).map(|(&a, &w)| (a, f64::from(w)))).0, 3.0);
                }
            }
        }
    }
}

/// The same numbers as the script had that recorded the answers.
fn numbers(count: usize) -> Vec<f64> {
    let mut state = 12345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / 4_294_967_296.0
    };
    (0..count).map(|_| next()).collect()
}

/// Of SciPy 1.17.1: skew, skew(bias=False), kurtosis, kurtosis(fisher=False), kurtosis(bias=False), skew(nan_policy="omit"),
/// kurtosis(bias=False, nan_policy="omit").
#[expect(clippy::unreadable_literal, reason = "as Python prints them")]
const SCIPY: [(&str, [f64; 7]); 9] = [
    (
        "uniform",
        [
            -0.04470516837742644,
            -0.044772354912120095,
            -1.1506627423413769,
            1.8493372576586231,
            -1.1504127529669512,
            -0.04470516837742644,
            -1.1504127529669512,
        ],
    ),
    (
        "skewed",
        [
            1.3890575129194438,
            1.3911451006452151,
            0.8214894050061741,
            3.821489405006174,
            0.831635772564959,
            1.3890575129194438,
            0.831635772564959,
        ],
    ),
    (
        "far",
        [
            -0.04470516829924565,
            -0.04477235483382182,
            -1.1506627423460367,
            1.8493372576539633,
            -1.1504127529716346,
            -0.04470516829924565,
            -1.1504127529716346,
        ],
    ),
    (
        "small",
        [
            -0.04260567034157709,
            -0.06351278340714205,
            -1.5594767650002093,
            1.4405232349997907,
            -2.237907060000837,
            -0.04260567034157709,
            -2.237907060000837,
        ],
    ),
    (
        "three",
        [
            0.7069779692439916,
            1.7317352840368385,
            -1.5000000000000002,
            1.4999999999999998,
            -1.5000000000000002,
            0.7069779692439916,
            -1.5000000000000002,
        ],
    ),
    ("two", [0.0, 0.0, -2.0, 1.0, -2.0, 0.0, -2.0]),
    ("one", [f64::NAN; 7]),
    ("equal", [f64::NAN; 7]),
    ("nan", [f64::NAN, f64::NAN, f64::NAN, f64::NAN, f64::NAN, 0.6248339731860847, -0.8345130550509015]),
];

#[test]
fn skewness_and_kurtosis_are_those_of_scipy() {
    let base = numbers(1000);
    for (name, expected) in SCIPY {
        let items: Vec<f64> = match name {
            "skewed" => base.iter().map(|x| x.powi(4) * 10.0 - 3.0).collect(),
            "far" => base.iter().map(|x| x + 1e6).collect(),
            "small" => base[..5].to_vec(),
            "three" => base[..3].to_vec(),
            "two" => base[..2].to_vec(),
            "one" => base[..1].to_vec(),
            "equal" => vec![0.1; 7],
            "nan" => base.iter().enumerate().map(|(at, x)| if at % 7 == 3 { f64::NAN } else { x * x }).collect(),
            _ => base.clone(),
        };
        let a = Array1::from(items);
        for job in [Job::new(), job(2)] {
            let found = [
                job.skew(&a, true).unwrap(),
                job.skew(&a, false).unwrap(),
                job.kurtosis(&a, true, true).unwrap(),
                job.kurtosis(&a, false, true).unwrap(),
                job.kurtosis(&a, true, false).unwrap(),
                job.nan_skew(&a, true).unwrap(),
                job.nan_kurtosis(&a, true, false).unwrap(),
            ];
            for (found, expected) in found.into_iter().zip(expected) {
                let same = found == expected || (found.is_nan() && expected.is_nan());
                assert!(
                    same || (found - expected).abs() < 1e-9 * (1.0 + expected.abs()),
                    "{name}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn data_far_from_zero_keep_their_shape() {
    let near = Array1::from(numbers(100_000)).mapv(|x| (x * 8.0).floor().powi(2));
    let far = near.mapv(|x| x + 1e12);
    let job = Job::new();
    close(job.skew(&far, true).unwrap(), job.skew(&near, true).unwrap(), 0.0);
    close(job.kurtosis(&far, true, true).unwrap(), job.kurtosis(&near, true, true).unwrap(), 0.0);
}

#[test]
fn numpy_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let a = Array::from_shape_vec((40, 25), numbers(1000)).unwrap().mapv(|x| x * 4.0 - 1.5);
    outcore::save(&path, &a).unwrap();
    let script = "
a = np.load(args[0])
w = np.arange(1.0, 1001.0).reshape(40, 25)
out = []
for axis in (None, 0, 1):
    v = a.ravel() if axis is None else a
    ax = 0 if axis is None else axis
    for ord in (0, 1, 2, 3, 0.5, -1, np.inf, -np.inf):
        out.append(np.linalg.norm(v, ord, axis=ax))
    out.append(np.prod(a, axis=axis))
    out.append(np.ptp(a, axis=axis))
    out.append(np.average(a, axis=axis, weights=w))
    out.append(np.count_nonzero(a > 0, axis=axis))
    out.append(np.cumsum(a, axis=axis).ravel())
    out.append(np.cumprod(a, axis=axis).ravel())
print(json.dumps([np.atleast_1d(x).astype(float).tolist() for x in out]))
";
    let Some(text) = numpy::run(script, &[OsStr::new(&path)]) else { return };
    let expected: Vec<Vec<f64>> = serde_json::from_str(&text).unwrap();
    let mut expected = expected.into_iter();
    let file = ArrayFile::<f64>::open(&path).unwrap();
    let weights = Array::from_iter((1..=1000).map(f64::from)).into_shape_with_order((40, 25)).unwrap().into_dyn();
    let positive = a.mapv(|x| x > 0.0).into_dyn();
    let job = Job::new();
    let mut same = |what: &str, found: Vec<f64>| {
        let expected = expected.next().unwrap();
        assert_eq!(found.len(), expected.len(), "{what}");
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-11 * expected.abs() + 1e-300, "{what}: {found:e}, not {expected:e}");
        }
    };
    let orders = [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, f64::INFINITY, f64::NEG_INFINITY];
    for ord in orders {
        same("norm", vec![job.norm(&file, ord).unwrap()]);
    }
    same("prod", vec![job.prod(&file).unwrap()]);
    same("ptp", vec![job.ptp(&file).unwrap()]);
    same("average", vec![job.average(&file, &weights).unwrap()]);
    same("count_nonzero", vec![job.count_nonzero(&positive).unwrap() as f64]);
    same("cumsum", job.cumsum(&file).to_array().unwrap().into_iter().collect());
    same("cumprod", job.cumprod(&file).to_array().unwrap().into_iter().collect());
    for axis in [Axis(0), Axis(1)] {
        for ord in orders {
            same("norm", job.norm_axis(&file, axis, ord).unwrap().to_vec_in_order());
        }
        same("prod", job.prod_axis(&file, axis).unwrap().to_vec_in_order());
        same("ptp", job.ptp_axis(&file, axis).unwrap().to_vec_in_order());
        same("average", job.average_axis(&file, axis, &weights).unwrap().to_vec_in_order());
        same("count_nonzero", job.count_nonzero_axis(&positive, axis).unwrap().mapv(|x| x as f64).to_vec_in_order());
        same("cumsum", job.cumsum_axis(&file, axis).to_array().unwrap().into_iter().collect());
        same("cumprod", job.cumprod_axis(&file, axis).to_array().unwrap().into_iter().collect());
    }
}

trait InOrder {
    fn to_vec_in_order(&self) -> Vec<f64>;
}

impl<D: Dimension> InOrder for Array<f64, D> {
    fn to_vec_in_order(&self) -> Vec<f64> {
        self.iter().copied().collect()
    }
}

#[test]
fn any_and_all_stop_early() {
    let read = portable_atomic::AtomicU64::new(0);
    let mut a = Array1::<f64>::zeros(1 << 20);
    a[5] = f64::NAN;
    let count = |progress: outcore::compute::Progress| {
        read.fetch_max(progress.done, std::sync::atomic::Ordering::Relaxed);
    };
    let job = Job::new().threads(1).progress(count);
    assert!(job.any(&a).unwrap());
    assert!(read.load(std::sync::atomic::Ordering::Relaxed) <= 512 << 10);
    assert!(!job.all(&a).unwrap());
    assert!(!Job::new().any(&Array1::<u8>::zeros(0)).unwrap());
    assert!(Job::new().all(&Array1::<u8>::zeros(0)).unwrap());
}

#[test]
fn bad_requests_are_errors() {
    let job = Job::new();
    let a = array![1.0, 2.0];
    let kind = |error: Error| error.kind();
    assert_eq!(job.norm(&a, f64::NAN).map_err(kind), Err(ErrorKind::InvalidArgument));
    assert_eq!(job.average(&a, &array![1.0, -1.0]).map_err(kind), Err(ErrorKind::InvalidArgument));
    assert_eq!(job.average(&a, &array![1.0]).map_err(kind), Err(ErrorKind::Shape));
    assert_eq!(job.average_axis(&a, Axis(3), &array![1.0]).map_err(kind), Err(ErrorKind::Shape));
    assert_eq!(job.ptp(&Array1::<u8>::zeros(0)).map_err(kind), Err(ErrorKind::InvalidArgument));
    assert_eq!(job.prod(&array![i64::MAX, i64::MAX, i64::MAX]).map_err(kind), Err(ErrorKind::TooLarge));
    assert_eq!(job.prod(&array![i64::MAX, i64::MAX, i64::MAX, 0]).unwrap(), 0);
    assert_eq!(job.prod(&Array1::<f32>::zeros(0)).unwrap(), 1.0);
}

#[cfg(feature = "complex")]
#[test]
fn complex_numbers() {
    use outcore::element::Complex;
    let a = array![Complex::new(3.0, 4.0), Complex::new(0.0, -2.0), Complex::new(1e200, 1e200)];
    let job = Job::new();
    assert_eq!(job.norm(&a.slice(ndarray::s![..2]), 1.0).unwrap(), 7.0);
    close(job.norm(&a, 2.0).unwrap(), 2.0_f64.sqrt() * 1e200, 0.0);
    assert_eq!(job.prod(&a.slice(ndarray::s![..2])).unwrap(), Complex::new(8.0, -6.0));
    assert_eq!(job.average(&a.slice(ndarray::s![..2]), &array![1.0, 3.0]).unwrap(), Complex::new(0.75, -0.5));
    assert_eq!(job.cumsum(&a.slice(ndarray::s![..2])).to_array().unwrap()[1], Complex::new(3.0, 2.0));
}
