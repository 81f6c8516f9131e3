//! The terms of a job do not change its results: threads, where elements are, budget; and they do what they say.

use std::sync::Mutex;

use outcore::compute::map;

use super::*;

/// The bits of every float result, as text: `{:?}` of a float is exact.
fn results<S: Source<Elem: Number, Dim = IxDyn>>(job: &Job<'_>, a: &S) -> String {
    let mut text = format!("{:?} {:?}", job.stats(a).unwrap(), [job.var(a, 0.0), job.nan_var(a, 1.0)]);
    text += &format!("{:?} {:?} {:?}", job.sum(a), job.nan_argmin(a).ok(), job.max(a).ok());
    for axis in (0..a.dim().ndim()).map(Axis) {
        text += &format!("{:?}", job.stats_axis(a, axis).unwrap());
        text += &format!("{:?}{:?}", job.var_axis(a, axis, 0.0), job.argmax_axis(a, axis).ok());
    }
    text
}

pub(super) fn same_bits<T: Number + Plain>(view: &ArrayViewD<'_, T>, grid: usize) {
    let expected = results(&job(1, grid), view);
    for threads in [2, 3, 7] {
        assert_eq!(results(&job(threads, grid), view), expected);
    }
    // An expression hands out copies, as a file does.
    assert_eq!(results(&job(2, grid), &map(view, |item| item)), expected);
}

#[test]
fn a_cancelled_job_ends_with_an_error() {
    let token = CancelToken::new();
    let job = Job::new().cancel(&token);
    let a = ndarray::Array1::<f64>::ones(1000);
    assert_eq!(job.sum(&a).unwrap(), 1000.0);
    token.cancel();
    assert_eq!(job.sum(&a).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(job.sum_axis(&a, Axis(0)).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn progress_counts_every_byte_once() {
    let seen = Mutex::new(Vec::new());
    let job = Job::new().threads(2).with_small_grid().progress(|progress| seen.lock().unwrap().push(progress));
    let a = ndarray::Array2::<f64>::ones((100, 10));
    job.sum(&a).unwrap();
    job.var_axis(&a, Axis(0), 0.0).unwrap();
    drop(job);
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|progress| progress.total == 8000));
    assert_eq!(seen.iter().filter(|progress| progress.done == 8000).count(), 2);
}

#[test]
fn a_budget_too_small_is_an_error() {
    let a = ndarray::Array2::<f64>::ones((2, 100_000));
    let job = Job::new().memory(700_000);
    assert_eq!(job.sum_axis(&a, Axis(0)).unwrap_err().kind(), ErrorKind::OutOfMemory);
    assert_eq!(Job::new().memory(1).sum(&a).unwrap_err().kind(), ErrorKind::OutOfMemory);
}

#[test]
fn jobs_run_inside_a_pool_and_pass_panics_on() {
    let a = ndarray::Array2::<f64>::ones((100, 10));
    let job = job(3, 0);
    rayon_scope(|| assert_eq!(job.sum(&a).unwrap(), 1000.0));
    let mut b = a.clone();
    let map = std::panic::AssertUnwindSafe(|| job.map_inplace(&mut b, |_| panic!("from the closure")));
    assert!(std::panic::catch_unwind(map).is_err());
}

fn rayon_scope(test: impl Fn() + Sync) {
    #[cfg(feature = "rayon")]
    rayon::join(&test, &test);
    #[cfg(not(feature = "rayon"))]
    test();
}

#[test]
fn maps_and_fills_reach_every_element_once() {
    for layout in 0..5 {
        for shape in [vec![], vec![0, 3], vec![7], vec![9, 11], vec![3, 4, 5, 2]] {
            lay_out(&shape, &[1_i64, 2, 3], layout, |view| {
                let mut array = view.to_owned();
                let mut wide = ArrayD::<i64>::zeros(IxDyn(&shape.iter().map(|len| len * 2).collect::<Vec<_>>()));
                let mut strided = wide.view_mut();
                strided.slice_each_axis_inplace(|_| Slice::new(0, None, -2));
                strided.assign(&view);
                job(2, 0).map_inplace(&mut array, |item| *item += 10).unwrap();
                job(2, 0).map_inplace(&mut strided, |item| *item += 10).unwrap();
                assert_eq!(array, view.mapv(|item| item + 10));
                assert_eq!(strided, array);
                job(2, 0).fill(&mut strided, 0).unwrap();
                assert!(wide.iter().all(|&item| item == 0));
            });
        }
    }
}
