//! Linear algebra against sums written out, against NumPy, and against itself on other terms.

#[path = "support/emulated.rs"]
mod emulated;
#[path = "support/numpy.rs"]
mod numpy;

use std::fmt::Debug;
use std::sync::Mutex;

use ndarray::{Array, Array1, Array2, ArrayView2, Axis, Dimension, Ix2, ShapeBuilder, array, s};
use outcore::compute::{Columns, Entry, Source, SvdOptions, Transposed};
use outcore::element::Complex;
use outcore::{ArrayFile, Be, ErrorKind, Job, MmapArray};
use proptest::prelude::*;

/// Numbers that look random, between -1 and 1.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 12) as f64 / (1_u64 << 51) as f64 - 1.0
    }
}

fn random(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut next = noise(seed);
    Array2::from_shape_simple_fn((rows, cols), &mut next)
}

/// The same elements in column-major order.
fn column_major<T: Clone>(a: &Array2<T>) -> Array2<T> {
    let items = a.t().iter().cloned().collect();
    Array2::from_shape_vec(a.raw_dim().f(), items).unwrap()
}

/// The product, and the sums of the absolute values of its terms, in an order of their own.
fn naive(a: &ArrayView2<'_, f64>, b: &ArrayView2<'_, f64>) -> (Array2<f64>, Array2<f64>) {
    let sum = |abs: bool| {
        Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
            a.row(i).iter().zip(b.column(j)).map(|(x, y)| if abs { (x * y).abs() } else { x * y }).sum()
        })
    };
    (sum(false), sum(true))
}

fn assert_within(found: &Array2<f64>, expected: &Array2<f64>, bound: &Array2<f64>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for ((at, found), (expected, bound)) in found.indexed_iter().zip(expected.iter().zip(bound)) {
        assert!((found - expected).abs() <= *bound, "{what} at {at:?}: {found} for {expected}, within {bound:e}");
    }
}

fn assert_near<D: Dimension>(found: &Array<f64, D>, expected: &Array<f64, D>, tolerance: f64, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let same = (found - expected).abs() <= tolerance || found.is_nan() && expected.is_nan();
        assert!(same, "{what}: {found} for {expected}, within {tolerance:e}");
    }
}

fn bits<D: Dimension>(a: &Array<f64, D>) -> Vec<u64> {
    a.iter().map(|x| x.to_bits()).collect()
}

/// `a b` in all orders of the factors, and with transposed ones.
fn check_product<T: Entry<Product: Into<f64>>>(a: &Array2<T>, b: &Array2<T>, epsilon: f64, value: impl Fn(T) -> f64) {
    let (left, right) = (a.mapv(&value), b.mapv(&value));
    let (expected, size) = naive(&left.view(), &right.view());
    let bound = size * (a.ncols() as f64 + 2.0) * epsilon;
    let (a_turned, b_turned) = (a.t().to_owned(), b.t().to_owned());
    for job in [Job::new().threads(2).with_small_grid(), Job::new().threads(2)] {
        let check = |found: Array2<T::Product>, what: &str| {
            assert_within(&found.mapv(Into::into), &expected, &bound, what);
        };
        check(job.matmul(a, b).unwrap().to_array().unwrap(), "C C");
        check(job.matmul(&column_major(a), b).unwrap().to_array().unwrap(), "F C");
        check(job.matmul(a, &column_major(b)).unwrap().to_array().unwrap(), "C F");
        check(job.matmul(&column_major(a), &column_major(b)).unwrap().to_array().unwrap(), "F F");
        check(job.matmul(&Transposed(&a_turned), b).unwrap().to_array().unwrap(), "T C");
        check(job.matmul(a, &Transposed(&b_turned)).unwrap().to_array().unwrap(), "C T");
    }
}

fn shapes() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        3 => (0..20_usize, 0..20_usize, 0..20_usize),
        1 => (1..5_usize, 250..600_usize, 1..5_usize),
        1 => (1..70_usize, 1..4_usize, 1..70_usize),
        1 => (1..70_usize, 1..300_usize, Just(1)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn products_are_sums((m, k, n) in shapes(), seed in any::<u64>()) {
        let (a, b) = (random(m, k, seed), random(k, n, !seed));
        check_product(&a, &b, f64::EPSILON, |x| x);
        check_product(&a.mapv(Be::new), &b.mapv(Be::new), f64::EPSILON, Be::get);
    }

    #[expect(clippy::cast_possible_truncation, reason = "any numbers will do")]
    #[test]
    fn products_of_other_types_are_sums((m, k, n) in shapes(), seed in any::<u64>()) {
        let (a, b) = (random(m, k, seed), random(k, n, !seed));
        check_product(&a.mapv(|x| x as f32), &b.mapv(|x| x as f32), f64::from(f32::EPSILON), f64::from);
        check_product(&a.mapv(|x| (x * 3e4) as i16), &b.mapv(|x| (x * 3e4) as i16), 0.0, f64::from);
    }

    #[test]
    fn vectors_are_thin_matrices((m, k, _) in shapes(), seed in any::<u64>()) {
        let (a, x) = (random(m, k, seed), random(k, 1, !seed));
        let (expected, size) = naive(&a.view(), &x.view());
        let bound = size * (k as f64 + 2.0) * f64::EPSILON;
        let x = x.column(0).to_owned();
        for job in [Job::new().with_small_grid(), Job::new()] {
            for found in [
                job.matvec(&a, &x).unwrap().to_array().unwrap(),
                job.matvec(&column_major(&a), &x).unwrap().to_array().unwrap(),
                job.vecmat(&x, &Transposed(&a)).unwrap().to_array().unwrap(),
                job.vecmat(&x, &a.t().to_owned()).unwrap().to_array().unwrap(),
            ] {
                assert_within(&found.insert_axis(Axis(1)), &expected, &bound, "vectors");
            }
        }
    }

    #[test]
    fn gram_matrices_and_covariances_are_those_of_centred_columns(
        m in prop_oneof![0..40_usize, 200..700_usize],
        n in prop_oneof![0..12_usize, 30..45_usize],
        shift in prop::sample::select(vec![0.0, 3.0, 1e8]),
        seed in any::<u64>(),
    ) {
        let a = random(m, n, seed) + shift;
        let mean: Array1<f64> = if m == 0 { Array1::zeros(n) } else { exact_means(&a) };
        let centred = &a - &mean;
        let (gram, size) = naive(&a.t(), &a.view());
        let (spread, spread_size) = naive(&centred.t(), &centred.view());
        let std = centred.map_axis(Axis(0), |col| (col.iter().map(|x| x * x).sum::<f64>() / m as f64).sqrt());
        for job in [Job::new().threads(2).with_small_grid(), Job::new().threads(3)] {
            for a in [a.clone(), column_major(&a)] {
                let found = job.gram(&a, Columns::AsIs).unwrap().to_array().unwrap();
                assert_within(&found, &gram, &(&size * (m as f64 + 2.0) * f64::EPSILON), "gram");
                // The elements themselves are only known to within half a unit of their last place.
                let ulp = shift * f64::EPSILON;
                let noise = &spread_size * (m as f64 + 8.0) * f64::EPSILON + m as f64 * (2.0 * ulp + ulp * ulp);
                let found = job.gram(&a, Columns::Centred).unwrap().to_array().unwrap();
                assert_within(&found, &spread, &noise, "centred gram");
                if m > 1 {
                    let found = job.cov(&a, 1.0).unwrap().to_array().unwrap();
                    let by = m as f64 - 1.0;
                    assert_within(&found, &(&spread / by), &(&noise / by * 2.0), "cov");
                    let turned = a.t().to_owned();
                    let by_rows = job.cov(&Transposed(&turned), 1.0).unwrap().to_array().unwrap();
                    assert_within(&by_rows, &(&spread / by), &(&noise / by * 2.0), "cov of rows");
                    let found = job.corr(&a).unwrap().to_array().unwrap();
                    let expected = Array2::from_shape_fn((n, n), |(i, j)| spread[[i, j]] / m as f64 / std[i] / std[j]);
                    assert_near(&found, &expected, 1e-12 + 8.0 * ulp * (m as f64), "corr");
                    let found = job.gram(&a, Columns::Standardised).unwrap().to_array().unwrap();
                    let tolerance = (1e-12 + 8.0 * ulp * (m as f64)) * m as f64;
                    assert_near(&found, &(expected * m as f64), tolerance, "standardised gram");
                }
            }
        }
    }

    #[test]
    fn factors_are_orthogonal_and_triangular(
        m in prop_oneof![0..30_usize, 200..500_usize],
        n in 0..9_usize,
        condition in prop::sample::select(vec![1.0, 1e-3, 1e-16]),
        seed in any::<u64>(),
    ) {
        let mut a = random(m, n, seed);
        // Columns that are nearly multiples of the first one.
        for col in 1..n {
            let mixed = &a.column(col) * condition + a.column(0);
            a.column_mut(col).assign(&mixed);
        }
        for job in [Job::new().threads(2).with_small_grid(), Job::new()] {
            let (q, r) = job.qr(&a).unwrap().to_array_and_report().unwrap();
            let size = m.min(n);
            prop_assert_eq!((q.dim(), r.dim()), ((m, size), (size, n)));
            assert_near(&q.dot(&r), &a, 1e-13, "q r");
            assert_near(&q.t().dot(&q), &Array2::eye(size), 1e-13, "q^T q");
            for ((i, j), &x) in r.indexed_iter() {
                prop_assert!(if i == j { x >= 0.0 } else { i < j || x.to_bits() == 0 }, "r[{}, {}] = {}", i, j, x);
            }
        }
    }

    #[test]
    fn least_squares_leave_residuals_orthogonal_to_the_columns(
        m in prop_oneof![1..30_usize, 200..500_usize],
        n in 1..9_usize,
        wide in 1..4_usize,
        seed in any::<u64>(),
    ) {
        let (a, b) = (random(m, n, seed), random(m, wide, !seed));
        for job in [Job::new().threads(2).with_small_grid(), Job::new()] {
            let fit = job.lstsq(&a, &b, None).unwrap();
            prop_assert_eq!(fit.coefficients.dim(), (n, wide));
            let left = &b - &a.dot(&fit.coefficients);
            let smallest = fit.singular_values[fit.rank - 1];
            let tolerance = 1e-12 / smallest.min(1.0) * m as f64;
            assert_near(&a.t().dot(&left), &Array2::zeros((n, wide)), tolerance, "a^T (b - a x)");
            assert_near(&fit.residuals, &left.map_axis(Axis(0), |col| col.dot(&col)), tolerance, "residuals");
            let one = job.lstsq(&a, &b.column(0), None).unwrap();
            assert_near(&one.coefficients, &fit.coefficients.column(0).to_owned(), tolerance, "one problem");
        }
    }

    #[test]
    fn inner_products_are_sums(count in prop_oneof![0..100_usize, 1000..4000_usize], seed in any::<u64>()) {
        let (x, y) = (random(1, count, seed).row(0).to_owned(), random(1, count, !seed).row(0).to_owned());
        let expected: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
        let size: f64 = x.iter().zip(&y).map(|(x, y)| (x * y).abs()).sum();
        for job in [Job::new().threads(3).with_small_grid(), Job::new()] {
            let found = job.dot(&x, &y).unwrap();
            prop_assert!((found - expected).abs() <= size * (count as f64 + 1.0) * f64::EPSILON);
            prop_assert_eq!(job.dot(&x.mapv(Be::new), &y).unwrap().to_bits(), found.to_bits());
        }
    }
}

/// Means whose error is one rounding, by Neumaier's sum.
fn exact_means(a: &Array2<f64>) -> Array1<f64> {
    a.map_axis(Axis(0), |col| {
        let (mut sum, mut rest) = (0.0_f64, 0.0_f64);
        for &x in col {
            let next = sum + x;
            rest += if sum.abs() >= x.abs() { sum - next + x } else { x - next + sum };
            sum = next;
        }
        (sum + rest) / col.len() as f64
    })
}

/// Everything, as bits, of one pair of sources.
fn everything<A: Source<Elem: Entry, Dim = Ix2>>(job: &Job<'_>, a: &A) -> Vec<(&'static str, Vec<u64>)>
where
    A::Elem: outcore::compute::RealEntry + Entry<Product = f64>,
{
    let options = SvdOptions::new().oversample(2).power_iterations(1).columns(Columns::Standardised);
    let svd = job.svd_randomised(a, 3, &options).unwrap();
    let (q, r) = job.qr(a).unwrap().to_array_and_report().unwrap();
    let b = random(a.dim()[0], 2, 9);
    let fit = job.lstsq(a, &b, None).unwrap();
    vec![
        ("matmul", bits(&job.matmul(a, &Transposed(a)).unwrap().to_array().unwrap())),
        ("matmul flat", bits(&job.matmul(&Transposed(a), a).unwrap().to_array().unwrap())),
        ("matvec", bits(&job.matvec(&Transposed(a), &b.column(0)).unwrap().to_array().unwrap())),
        ("gram", bits(&job.gram(a, Columns::AsIs).unwrap().to_array().unwrap())),
        ("wide gram", bits(&job.gram(&Transposed(a), Columns::Centred).unwrap().to_array().unwrap())),
        ("cov", bits(&job.cov(a, 0.0).unwrap().to_array().unwrap())),
        ("corr", bits(&job.corr(a).unwrap().to_array().unwrap())),
        ("standardise", bits(&job.standardise(a).to_array().unwrap())),
        ("q", bits(&q)),
        ("r", bits(&r)),
        ("lstsq", bits(&fit.coefficients)),
        ("s", bits(&svd.s)),
        ("vt", bits(&svd.vt)),
        ("u", bits(&svd.left(job, a).unwrap().to_array().unwrap())),
        ("residual", vec![svd.residual.to_bits(), svd.norm.to_bits()]),
    ]
}

#[test]
fn the_bits_are_the_same_for_all_threads_budgets_and_places() {
    let dir = tempfile::tempdir().unwrap();
    for (name, a) in [("c", random(301, 13, 1)), ("f", column_major(&random(301, 13, 1)))] {
        let path = dir.path().join(name);
        outcore::save(&path, &a).unwrap();
        let foreign = dir.path().join(format!("{name} big-endian"));
        outcore::save(&foreign, &a.mapv(Be::new)).unwrap();
        let file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
        let swapped = ArrayFile::<f64, Ix2>::open(&foreign).unwrap();
        // SAFETY: nobody else has the file.
        let mapped = unsafe { MmapArray::<f64, Ix2>::open(&path) }.unwrap();
        for small in [true, false] {
            let job = |threads: usize| {
                let job = Job::new().threads(threads);
                if small { job.with_small_grid() } else { job }
            };
            let expected = everything(&job(1), &a);
            for threads in [2, 3, 7] {
                assert_eq!(everything(&job(threads), &a), expected, "{threads} threads");
            }
            assert_eq!(everything(&job(2), &file), expected, "by position");
            assert_eq!(everything(&job(2), &mapped), expected, "mapped");
            assert_eq!(everything(&job(2), &swapped), expected, "big-endian");
            for budget in [24 << 20, 6 << 20] {
                assert_eq!(everything(&job(2).memory(budget), &file), expected, "{budget} bytes");
            }
        }
    }
}

#[test]
fn large_products_have_the_same_bits_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (random(700, 900, 3), random(900, 800, 4));
    let [left, right] = ["a", "b"].map(|name| dir.path().join(name));
    outcore::save(&left, &a).unwrap();
    outcore::save(&right, &column_major(&b)).unwrap();
    let expected = Job::new().matmul(&a, &b).unwrap().to_array().unwrap();
    let (sum, size) = naive(&a.slice(s![..;37, ..]), &b.view());
    assert_within(&expected.slice(s![..;37, ..]).to_owned(), &sum, &(size * 902.0 * f64::EPSILON), "in memory");
    let left = ArrayFile::<f64, Ix2>::open(left).unwrap();
    let right = ArrayFile::<f64, Ix2>::open(right).unwrap();
    let jobs = [(2, 5 << 20), (1, 8 << 20), (3, 14 << 20), (7, 1 << 30)];
    // Half a billion terms each.
    let enough = if emulated::processor() { 1 } else { jobs.len() };
    for (at, (threads, budget)) in jobs.into_iter().take(enough).enumerate() {
        let job = Job::new().threads(threads).memory(budget);
        let path = dir.path().join(format!("c{at}"));
        job.matmul(&left, &right).unwrap().save(&path).unwrap();
        let found: Array2<f64> = outcore::load(&path).unwrap();
        assert_eq!(bits(&found), bits(&expected), "{threads} threads, {budget} bytes");
    }
    let starved = Job::new().memory(1 << 20);
    let error = starved.matmul(&left, &right).unwrap().save(dir.path().join("none")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
    // A wide Gram matrix, in blocks.
    let expected = Job::new().cov(&Transposed(&left), 1.0).unwrap().to_array().unwrap();
    let path = dir.path().join("cov");
    Job::new().threads(2).cov(&Transposed(&left), 1.0).unwrap().save(&path).unwrap();
    assert_eq!(bits(&outcore::load::<f64, Ix2>(&path).unwrap()), bits(&expected));
}

#[test]
fn complex_products() {
    let (re, im) = (random(7, 300, 1), random(7, 300, 2));
    let a = Array2::from_shape_fn((7, 300), |at| Complex::new(re[at], im[at]));
    let b = a.t().mapv(|x| x * Complex::new(0.5, -2.0));
    let expected = a.dot(&b);
    for job in [Job::new().with_small_grid(), Job::new()] {
        let found = job.matmul(&a, &b).unwrap().to_array().unwrap();
        assert!((&found - &expected).iter().all(|x| x.norm() < 1e-12));
        let dot = job.dot(&a.row(0), &b.column(0)).unwrap();
        assert!((dot - expected[[0, 0]]).norm() < 1e-12);
    }
}

#[test]
fn views_with_gaps_and_specials() {
    let mut whole = random(60, 40, 5);
    let view = whole.slice(s![1..;3, ..;-2]).to_owned();
    let gappy = whole.slice(s![1..;3, ..;-2]);
    let job = Job::new().with_small_grid();
    let expected = job.gram(&view, Columns::Centred).unwrap().to_array().unwrap();
    assert_eq!(bits(&job.gram(&gappy, Columns::Centred).unwrap().to_array().unwrap()), bits(&expected));
    // A NaN and an infinity stay in the row and the column of their column.
    whole[[7, 2]] = f64::NAN;
    whole[[9, 4]] = f64::INFINITY;
    whole.column_mut(6).fill(2.5);
    let cov = job.cov(&whole, 1.0).unwrap().to_array().unwrap();
    let corr = job.corr(&whole).unwrap().to_array().unwrap();
    for ((i, j), x) in cov.indexed_iter() {
        let spoilt = [2, 4].contains(&i) || [2, 4].contains(&j);
        assert_eq!(x.is_nan(), spoilt, "{i} {j}");
        assert_eq!(corr[[i, j]].is_nan(), spoilt || i == 6 || j == 6, "{i} {j}");
    }
    assert_eq!(cov[[6, 6]], 0.0);
    let wide = Job::new().threads(2).corr(&whole).unwrap().to_array().unwrap();
    assert_eq!(wide.mapv(f64::is_nan), corr.mapv(f64::is_nan));
    let standard = job.standardise(&whole).to_array().unwrap();
    assert!(standard.column(6).iter().all(|&x| x == 0.0));
    assert!(standard.column(2).iter().all(|x| x.is_nan()));
    assert_eq!(job.svd_randomised(&whole, 2, &SvdOptions::new()).unwrap_err().kind(), ErrorKind::InvalidElement);
    assert_eq!(job.lstsq(&whole, &whole.column(1), None).unwrap_err().kind(), ErrorKind::InvalidElement);
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let job = Job::new();
    let (a, b) = (random(3, 4, 1), random(5, 2, 2));
    let error = job.matmul(&a, &b).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert!(error.to_string().contains("(3, 4)") && error.to_string().contains("(5, 2)"), "{error}");
    let kinds = [
        job.matvec(&a, &array![1.0]).map(drop).unwrap_err(),
        job.vecmat(&array![1.0], &a).map(drop).unwrap_err(),
        job.matmul(&a, &array![1.0]).map(drop).unwrap_err(),
        job.dot(&array![1.0], &array![1.0, 2.0]).map(drop).unwrap_err(),
        job.dot(&a, &a).map(drop).unwrap_err(),
        job.cov(&array![1.0], 1.0).map(drop).unwrap_err(),
        job.qr(&array![1.0]).map(drop).unwrap_err(),
        job.lstsq(&a, &array![1.0], None).map(drop).unwrap_err(),
        job.standardise(&array![1.0]).to_array().map(drop).unwrap_err(),
        job.svd_randomised(&array![1.0], 1, &SvdOptions::new()).map(drop).unwrap_err(),
    ];
    assert!(kinds.iter().all(|error| error.kind() == ErrorKind::Shape), "{kinds:?}");
}

#[test]
fn nothing_at_all() {
    let job = Job::new();
    for (m, n) in [(0, 0), (0, 3), (3, 0)] {
        let a = random(m, n, 1);
        assert_eq!(job.gram(&a, Columns::AsIs).unwrap().to_array().unwrap(), Array2::<f64>::zeros((n, n)));
        assert_eq!(job.qr(&a).unwrap().to_array_and_report().unwrap().0.dim(), (m, 0));
        let fit = job.lstsq(&a, &Array1::<f64>::ones(m), None).unwrap();
        assert_eq!((fit.coefficients, fit.rank), (Array1::zeros(n), 0));
        assert!((fit.residuals[0] - m as f64).abs() < 1e-14);
        let svd = job.svd_randomised(&a, 2, &SvdOptions::new()).unwrap();
        assert_eq!((svd.s.len(), svd.vt.dim(), svd.residual), (0, (0, n), 0.0));
        assert_eq!(svd.left(&job, &a).unwrap().to_array().unwrap().dim(), (m, 0));
        assert_eq!(job.standardise(&a).to_array().unwrap().dim(), (m, n));
        assert!(job.cov(&a, 1.0).unwrap().to_array().unwrap().iter().all(|x| x.is_nan()));
    }
    assert_eq!(job.dot(&Array1::<f32>::zeros(0), &Array1::<f32>::zeros(0)).unwrap(), 0.0);
}

/// A matrix with these singular values.
fn with_spectrum(m: usize, n: usize, s: &[f64]) -> Array2<f64> {
    let job = Job::new();
    let u = job.qr(&random(m, s.len(), 11)).unwrap().to_array().unwrap();
    let v = job.qr(&random(n, s.len(), 12)).unwrap().to_array().unwrap();
    (&u * &Array1::from(s.to_vec())).dot(&v.t())
}

#[test]
fn singular_values_of_a_known_spectrum() {
    let s: Vec<f64> = (0..30).map(|i| 0.7_f64.powi(i)).collect();
    let a = with_spectrum(900, 60, &s);
    for job in [Job::new().threads(2).with_small_grid(), Job::new()] {
        for a in [a.clone(), column_major(&a)] {
            let svd = job.svd_randomised(&a, 5, &SvdOptions::new().power_iterations(3)).unwrap();
            assert_eq!(svd.passes, 5);
            assert_near(&svd.s, &Array1::from(s[..5].to_vec()), 1e-10, "singular values");
            let rest = s[5..].iter().map(|s| s * s).sum::<f64>().sqrt();
            assert!((svd.residual / rest - 1.0).abs() < 1e-8, "{} for {rest}", svd.residual);
            let u = svd.left(&job, &a).unwrap().to_array().unwrap();
            assert_near(&u.t().dot(&u), &Array2::eye(5), 1e-9, "u^T u");
            let missed = &a - &(&u * &svd.s).dot(&svd.vt);
            let missed = missed.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((missed / svd.residual - 1.0).abs() < 1e-6, "{missed} for {}", svd.residual);
            // With all directions it is exact, down to small values, in one pass.
            let svd = job.svd_randomised(&a, 30, &SvdOptions::new().oversample(30)).unwrap();
            assert_eq!(svd.passes, 1);
            assert_near(&svd.s, &Array1::from(s.clone()), 1e-14, "all singular values");
        }
    }
}

#[test]
fn components_of_shifted_data() {
    let a = with_spectrum(700, 20, &[9.0, 5.0, 2.0, 0.1]) + 1e6;
    let job = Job::new().threads(2).with_small_grid();
    let cov = job.cov(&a, 1.0).unwrap().to_array().unwrap();
    let pca = job.pca(&a, 3, &SvdOptions::new()).unwrap();
    assert_eq!(pca.passes, 5);
    let total = cov.diag().sum();
    for (row, (variance, ratio)) in
        pca.components.rows().into_iter().zip(pca.explained_variance.iter().zip(&pca.explained_variance_ratio))
    {
        let turned = cov.dot(&row);
        assert_near(&turned, &(&row * *variance), 1e-8, "an eigenvector of the covariances");
        assert!((variance / total - ratio).abs() < 1e-8);
    }
    let scores = pca.transform(&job, &a).unwrap().to_array().unwrap();
    let of_scores = job.cov(&scores, 1.0).unwrap().to_array().unwrap();
    assert_near(&of_scores, &Array2::from_diag(&pca.explained_variance), 1e-8, "covariances of the scores");
    let again = job.pca(&a, 3, &SvdOptions::new()).unwrap();
    assert_eq!(bits(&again.components), bits(&pca.components));
    let other = job.pca(&a, 3, &SvdOptions::new().seed(1)).unwrap();
    assert_near(&other.components, &pca.components, 1e-7, "another seed");
}

#[test]
fn a_matrix_without_full_rank_has_the_shortest_solution() {
    let a = array![[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0], [1.0, 2.0, 3.0]];
    let fit = Job::new().lstsq(&a, &array![1.0, 2.0, 3.0, 2.0], None).unwrap();
    assert_eq!(fit.rank, 1);
    let along = &fit.coefficients / &array![1.0, 2.0, 3.0];
    assert!((along[0] - along[1]).abs() < 1e-14 && (along[0] - along[2]).abs() < 1e-14, "{along}");
    assert!((fit.residuals[0] - 14.0 / 15.0).abs() < 1e-13, "{}", fit.residuals[0]);
}

#[test]
fn numpy_finds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (a, b) = (random(500, 12, 21) + 100.0, random(500, 3, 22));
    outcore::save(at("a.npy"), &a).unwrap();
    outcore::save(at("b.npy"), &b).unwrap();
    let script = "
os.chdir(args[0])
a, b = np.load('a.npy'), np.load('b.npy')
np.save('matmul.npy', a.T @ b)
np.save('cov.npy', np.cov(a, rowvar=False))
np.save('cov0.npy', np.cov(a.T, ddof=0))
np.save('corr.npy', np.corrcoef(a, rowvar=False))
x, residuals, rank, s = np.linalg.lstsq(a, b)
np.save('x.npy', x); np.save('residuals.npy', residuals); np.save('s.npy', s)
np.save('svd.npy', np.linalg.svd(a, compute_uv=False))
q, r = np.linalg.qr(a)
np.save('r.npy', np.sign(np.diag(r))[:, None] * r)
print(rank)
";
    let Some(rank) = numpy::run(script, &[dir.path().as_os_str()]) else { return };
    let file = ArrayFile::<f64, Ix2>::open(at("a.npy")).unwrap();
    let job = Job::new().threads(2);
    let matrix = |name: &str| outcore::load::<f64, Ix2>(at(name)).unwrap();
    let vector = |name: &str| outcore::load::<f64, ndarray::Ix1>(at(name)).unwrap();
    assert_near(
        &job.matmul(&Transposed(&file), &b).unwrap().to_array().unwrap(),
        &matrix("matmul.npy"),
        1e-9,
        "matmul",
    );
    assert_near(&job.cov(&file, 1.0).unwrap().to_array().unwrap(), &matrix("cov.npy"), 1e-13, "cov");
    assert_near(&job.cov(&file, 0.0).unwrap().to_array().unwrap(), &matrix("cov0.npy"), 1e-13, "cov");
    assert_near(&job.corr(&file).unwrap().to_array().unwrap(), &matrix("corr.npy"), 1e-13, "corr");
    let fit = job.lstsq(&file, &b, None).unwrap();
    assert_near(&fit.coefficients, &matrix("x.npy"), 1e-12, "coefficients");
    assert_near(&fit.residuals, &vector("residuals.npy"), 1e-10, "residuals");
    assert_near(&fit.singular_values, &vector("s.npy"), 1e-9, "singular values");
    assert_eq!(fit.rank.to_string(), rank.trim());
    let svd = job.svd_randomised(&file, 12, &SvdOptions::new()).unwrap();
    assert_near(&svd.s, &vector("svd.npy"), 1e-9, "singular values");
    let (_, r) = job.qr(&file).unwrap().to_array_and_report().unwrap();
    assert_near(&r, &matrix("r.npy"), 1e-9, "r");
}

/// Bytes that this thread has read from files.
#[cfg(target_os = "linux")]
fn bytes_read() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn files_are_read_as_often_as_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let a = random(40_000, 24, 1);
    outcore::save(&path, &a).unwrap();
    let file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
    let size = (a.len() * 8) as f64;
    let job = Job::new().threads(1).memory(8 << 20);
    let vector = Array1::<f64>::ones(24);
    let check = |what: &str, passes: f64, run: &dyn Fn()| {
        let Some(before) = bytes_read() else { return };
        run();
        let read = (bytes_read().unwrap() - before) as f64 / size;
        assert!((passes..=passes * 1.02).contains(&read), "{what}: {read} times the file, for {passes}");
    };
    check("gram", 1.0, &|| drop(job.gram(&file, Columns::AsIs).unwrap().to_array().unwrap()));
    check("centred gram", 1.0, &|| drop(job.gram(&file, Columns::Centred).unwrap().to_array().unwrap()));
    check("corr", 1.0, &|| drop(job.corr(&file).unwrap().to_array().unwrap()));
    check("lstsq", 1.0, &|| drop(job.lstsq(&file, &a.column(1), None).unwrap()));
    check("qr", 2.0, &|| drop(job.qr(&file).unwrap().save(dir.path().join("q")).unwrap()));
    check("matvec", 1.0, &|| drop(job.matvec(&file, &vector).unwrap().to_array().unwrap()));
    check("svd", 4.0, &|| drop(job.svd_randomised(&file, 4, &SvdOptions::new()).unwrap()));
    check("standardise", 2.0, &|| job.standardise(&file).save(dir.path().join("z")).unwrap());
    // A product that does not fit: 2 m n k / sqrt(M) elements and each factor once, and a quarter more.
    let (m, k) = (1500.0_f64, 640.0_f64);
    let b = random(1500, 640, 2);
    let path = dir.path().join("b");
    outcore::save(&path, &b).unwrap();
    let file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
    let memory = 10_u64 << 20;
    let job = Job::new().threads(1).memory(memory);
    let Some(before) = bytes_read() else { return };
    job.matmul(&file, &Transposed(&file)).unwrap().save(dir.path().join("c")).unwrap();
    let read = (bytes_read().unwrap() - before) as f64 / 8.0;
    let least = 2.0 * m * m * k / (memory as f64 / 8.0).sqrt() + 2.0 * m * k;
    assert!(read <= 1.25 * least, "{read} elements for {least}");
}

#[cfg(not(target_os = "linux"))]
#[test]
#[ignore = "only Linux tells what a thread has read"]
fn files_are_read_as_often_as_is_said() {}

#[test]
fn progress_ends_at_its_total() {
    let a = random(1000, 40, 1);
    let last = Mutex::new(None);
    let job = Job::new().threads(2).with_small_grid().progress(|progress| {
        let mut last = last.lock().unwrap();
        if last.is_none_or(|(done, _)| progress.done >= done) {
            *last = Some((progress.done, progress.total));
        }
    });
    let check = |what: &dyn Debug| {
        let (done, total) = last.lock().unwrap().take().unwrap();
        assert!(done <= total && done as f64 >= 0.98 * total as f64, "{what:?}: {done} of {total}");
    };
    let _ = job.gram(&a, Columns::AsIs).unwrap().to_array().unwrap();
    check(&"gram");
    let _ = job.matmul(&a, &Transposed(&a)).unwrap().to_array().unwrap();
    check(&"matmul");
}
