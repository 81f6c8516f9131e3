//! Accuracy against exact references, and results worked out by hand.

use super::*;

#[test]
fn sums_of_ill_conditioned_floats_stay_within_the_bound_of_a_tree() {
    // Each pair cancels but for 1: the exact sum is the count of pairs.
    let items: Vec<f64> =
        (0..40_000).map(|i| if i % 2 == 0 { 1e12 + f64::from(i) } else { 1.0 - 1e12 - f64::from(i - 1) }).collect();
    let sum = job(2, 1).sum(&ndarray::aview1(&items)).unwrap();
    let bound = f64::EPSILON * 20.0 * items.iter().map(|x| x.abs()).sum::<f64>();
    assert!((sum - 20_000.0).abs() <= bound, "{sum}");
}

#[test]
fn variance_far_from_zero_keeps_its_digits() {
    // The exact variance of 0, 1, 2, .. n - 1 is (n^2 - 1) / 12, wherever the numbers begin.
    for start in [0.0, 1e9, -1e12] {
        for grid in 0..3 {
            let items = Array::from_shape_fn((100, 100), |(i, j)| start + (i * 100 + j) as f64);
            let exact = (1e8 - 1.0) / 12.0;
            let var = job(2, grid).var(&items, 0.0).unwrap();
            assert!((var / exact - 1.0).abs() < 1e-13, "{start}: {var} {exact}");
            let down = job(2, grid).var_axis(&items, Axis(0), 0.0).unwrap();
            let exact = 1e4 * (1e4 - 1.0) / 12.0;
            assert!(down.iter().all(|var| (var / exact - 1.0).abs() < 1e-12), "{start}: {down}");
        }
    }
}

#[test]
fn integer_sums_are_exact_beyond_64_bits() {
    let items = vec![u64::MAX; 3000];
    assert_eq!(job(2, 0).sum(&ndarray::aview1(&items)).unwrap(), 3000 * i128::from(u64::MAX));
    let items = vec![i64::MIN; 3000];
    assert_eq!(job(2, 0).sum(&ndarray::aview1(&items)).unwrap(), 3000 * i128::from(i64::MIN));
    let a = ndarray::aview1(&items).into_shape_with_order((60, 50)).unwrap();
    assert!(job(2, 1).sum_axis(&a, Axis(0)).unwrap().iter().all(|&sum| sum == 60 * i128::from(i64::MIN)));
    assert!(job(2, 1).sum_axis(&a, Axis(1)).unwrap().iter().all(|&sum| sum == 50 * i128::from(i64::MIN)));
    let bytes = vec![u8::MAX; 100_000];
    assert_eq!(job(1, 2).sum(&ndarray::aview1(&bytes)).unwrap(), 25_500_000);
    let bytes = vec![i8::MIN; 100_000];
    assert_eq!(job(1, 2).sum(&ndarray::aview1(&bytes)).unwrap(), -12_800_000);
}

#[test]
fn nothing_has_a_sum_and_no_extremes() {
    let empty = Array::<f64, _>::zeros((0, 3));
    let job = job(1, 0);
    assert_eq!(job.sum(&empty).unwrap(), 0.0);
    assert!(job.mean(&empty).unwrap().is_nan());
    assert_eq!(job.min(&empty).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.argmax(&empty).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.sum_axis(&empty, Axis(0)).unwrap(), array![0.0, 0.0, 0.0]);
    assert_eq!(job.sum_axis(&empty, Axis(1)).unwrap().len(), 0);
    assert_eq!(job.min_axis(&empty, Axis(0)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.stats(&empty).unwrap().argmin, None);
    assert_eq!(job.sum_axis(&empty.into_dyn(), Axis(2)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.sum(&arr0(7_u8)).unwrap(), 7);
    let nan = array![f64::NAN, f64::NAN];
    assert!(job.nan_min(&nan).unwrap().is_nan());
    assert_eq!(job.nan_argmin(&nan).unwrap_err().kind(), ErrorKind::InvalidArgument);
}
