//! Histograms, counts of integers, the largest elements, and places in sorted arrays: against naive loops, and against NumPy.

#[path = "support/hex_float.rs"]
mod hex_float;
#[path = "support/numpy.rs"]
mod numpy;

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Mutex;

use hex_float::hex_float;
use ndarray::{Array1, Array2, ArrayD, Axis, Ix1, Ix2, IxDyn, ShapeBuilder, Slice, array};
use outcore::compute::{BinRule, Bins, Integer, Real, Side, Source, Top};
use outcore::{ArrayFile, Be, CreateOptions, ErrorKind, Job, MmapArray, Order};
use proptest::prelude::*;

fn noise(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 0x9876_5432_1abc_def1_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    })
}

/// The jobs that must agree.
fn jobs() -> Vec<Job<'static>> {
    let small = |threads| Job::new().threads(threads).with_small_grid().memory(300_000);
    vec![Job::new().threads(1), Job::new().threads(3), small(1), small(2), small(7)]
}

/// The same elements in C order and in F order.
fn layouts<T: Clone + Default>(shape: &[usize], items: &[T]) -> Vec<ArrayD<T>> {
    let fill = |fortran: bool| {
        let mut a = ArrayD::<T>::default(IxDyn(shape).set_f(fortran));
        a.iter_mut().zip(items.iter().cycle()).for_each(|(place, item)| *place = item.clone());
        a
    };
    vec![fill(false), fill(true)]
}

/// Counts by the definition: each bin holds its lower edge, the last one both.
fn counted(items: &[f64], edges: &[f64]) -> Vec<u64> {
    let last = edges.len() - 2;
    let holds =
        |bin: usize, item: f64| edges[bin] <= item && (item < edges[bin + 1] || bin == last && item == edges[bin + 1]);
    (0..=last).map(|bin| items.iter().filter(|&&item| holds(bin, item)).count() as u64).collect()
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-40..40_i32).prop_map(|n| f64::from(n) / 4.0),
        2 => -1e2..1e2_f64,
    ]
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0..5_usize, 0..4),
        (1..900_usize).prop_map(|len| vec![len]),
        (1..60_usize, 1..20_usize).prop_map(|(a, b)| vec![a, b]),
    ]
}

/// A number of an element type for a float.
trait Of: Real + Default {
    fn of(value: f64) -> Self;
}

macro_rules! of {
    ($($type:ty),*) => {$(
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any value will do")]
        impl Of for $type {
            fn of(value: f64) -> Self {
                value as Self
            }
        }
    )*};
}
of!(f64, f32, i16, u8, i64);

impl Of for Be<f64> {
    fn of(value: f64) -> Self {
        Self::new(value)
    }
}

fn check_histogram<T: Of>(shape: &[usize], items: &[f64], bins: u64, float: impl Fn(T) -> f64) {
    let items: Vec<T> = items.iter().map(|&item| T::of(item)).collect();
    let edges = [-30.0, -7.5, -1.0, -1.0, 0.0, 0.25, 8.0, 90.0];
    for a in layouts(shape, &items) {
        let floats: Vec<f64> = a.iter().map(|&item| float(item)).collect();
        let weights = a.mapv(|item| float(item).abs());
        for job in jobs() {
            let found = job.histogram(&a, bins, None).unwrap();
            assert_eq!(found.edges.len() as u64, bins + 1);
            assert_eq!(found.counts, counted(&floats, &found.edges));
            assert_eq!(job.histogram(&a, &edges, None).unwrap().counts, counted(&floats, &edges));
            let ranged = job.histogram(&a, bins, Some((-10.0, 5.0))).unwrap();
            assert_eq!(ranged.counts, counted(&floats, &ranged.edges));
            let weighted = job.histogram_weighted(&a, &edges, None, &weights).unwrap();
            for (bin, &sum) in weighted.sums.iter().enumerate() {
                let inside =
                    |item: &&f64| edges[bin] <= **item && (**item < edges[bin + 1] || bin == 6 && **item == 90.0);
                let wanted: f64 = floats.iter().filter(inside).map(|item| item.abs()).sum();
                assert!((sum - wanted).abs() <= 1e-10 * wanted, "bin {bin}: {sum} and {wanted}");
            }
            let plane = job
                .histogram2d(&a, &weights, [Bins::Edges(&edges), Bins::Count(3)], [None, Some((0.0, 50.0))])
                .unwrap();
            let mut wanted = Array2::<u64>::zeros((7, 3));
            for (&x, &y) in floats.iter().zip(&weights) {
                let [x, y] =
                    [counted(&[x], &edges), counted(&[y], &plane.y_edges)].map(|bins| bins.iter().position(|&n| n > 0));
                if let (Some(x), Some(y)) = (x, y) {
                    wanted[[x, y]] += 1;
                }
            }
            assert_eq!(plane.counts, wanted);
        }
    }
}

fn check_top<T: Of<Value = T>>(shape: &[usize], items: &[f64], k: u64, float: impl Fn(T) -> f64) {
    let items: Vec<T> = items.iter().map(|&item| T::of(item)).collect();
    for a in layouts(shape, &items) {
        let mut wanted: Vec<(f64, u64)> =
            a.iter().map(|&item| float(item)).zip(0..).filter(|(item, _)| !item.is_nan()).collect();
        for top in [Top::Largest, Top::Smallest] {
            wanted.sort_by(|a, b| match top {
                Top::Largest => b.0.partial_cmp(&a.0).unwrap().then(a.1.cmp(&b.1)),
                Top::Smallest => a.0.partial_cmp(&b.0).unwrap().then(a.1.cmp(&b.1)),
            });
            let k_wanted = &wanted[..wanted.len().min(usize::try_from(k).unwrap())];
            for job in jobs() {
                let found = job.top_k(&a, k, top).unwrap();
                assert_eq!(found.indices, k_wanted.iter().map(|best| best.1).collect::<Vec<_>>());
                assert!(found.values.iter().map(|&value| float(value)).eq(k_wanted.iter().map(|best| best.0)));
            }
        }
    }
}

fn check_search<T: Of>(items: &[f64], values: &[f64], float: impl Fn(T) -> f64) {
    let mut items: Vec<T> = items.iter().map(|&item| T::of(item)).collect();
    let after =
        |a: f64, b: f64| a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal));
    items.sort_by(|&a, &b| after(float(a), float(b)));
    let values: Vec<T> = values.iter().map(|&value| T::of(value)).collect();
    let a = Array1::from(items.clone());
    for side in [Side::Left, Side::Right] {
        let wanted: Vec<u64> = values
            .iter()
            .map(|&value| {
                items
                    .iter()
                    .filter(|&&item| match after(float(item), float(value)) {
                        std::cmp::Ordering::Less => true,
                        std::cmp::Ordering::Equal => side == Side::Right,
                        std::cmp::Ordering::Greater => false,
                    })
                    .count() as u64
            })
            .collect();
        for job in jobs() {
            assert_eq!(job.searchsorted(&a, &values, side).unwrap(), wanted);
        }
    }
}

fn with_specials() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => values(),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn histograms_of_floats(shape in shapes(), items in prop::collection::vec(values(), 1..600), bins in 1..40_u64) {
        check_histogram::<f64>(&shape, &items, bins, |item| item);
    }

    #[test]
    fn histograms_of_integers(shape in shapes(), items in prop::collection::vec(values(), 1..600), bins in 1..40_u64) {
        check_histogram::<u8>(&shape, &items, bins, f64::from);
    }

    #[test]
    fn the_largest_elements(shape in shapes(), items in prop::collection::vec(with_specials(), 1..600), k in 0..60_u64) {
        check_top::<f64>(&shape, &items, k, |item| item);
        check_top::<i16>(&shape, &items, k, f64::from);
    }

    #[test]
    fn places_in_sorted_arrays(
        items in prop::collection::vec(with_specials(), 0..2000),
        values in prop::collection::vec(with_specials(), 0..60),
    ) {
        check_search::<Be<f64>>(&items, &values, Be::get);
        check_search::<u8>(&items, &values, f64::from);
    }

    #[test]
    fn counts_of_integers(shape in shapes(), items in prop::collection::vec(0..300_u16, 1..600), minlength in 0..400_u64) {
        for a in layouts(&shape, &items) {
            let mut wanted = vec![0; usize::try_from(minlength).unwrap()];
            let mut sums = vec![0.0; wanted.len()];
            let weights = a.mapv(|item| f64::from(item) / 4.0);
            for &item in &a {
                let at = usize::from(item);
                if at >= wanted.len() {
                    wanted.resize(at + 1, 0);
                    sums.resize(at + 1, 0.0);
                }
                wanted[at] += 1;
                sums[at] += f64::from(item) / 4.0;
            }
            for job in jobs() {
                let job = &job;
                assert_eq!(job.bincount(&a, minlength).unwrap(), wanted);
                assert_eq!(job.bincount(&a.mapv(i64::from), minlength).unwrap(), wanted);
                assert_eq!(job.bincount_weighted(&a, &weights, minlength).unwrap(), sums);
            }
        }
    }
}

#[test]
fn files_mappings_and_memory_agree_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let a: Array2<f64> =
        Array2::from_shape_vec((900, 70), noise(63_000).map(|x| (x * 800.0).floor() / 8.0).collect()).unwrap();
    let weights = Array2::from_shape_vec((900, 70), noise(63_000).map(|x| x * x).collect()).unwrap();
    fn all<S: Source<Elem = f64>, W: Source<Elem = f64>>(job: &Job<'_>, a: &S, w: &W) -> String {
        let best = job.top_k(a, 100, Top::Largest).unwrap();
        let weighted = job.histogram_weighted(a, 37, None, w).unwrap();
        let sums: Vec<u64> = weighted.sums.iter().map(|sum| sum.to_bits()).collect();
        let plane = job.histogram2d_weighted(a, w, [Bins::Count(5), Bins::Count(9)], [None, None], w).unwrap();
        format!("{best:?} {sums:?} {:?} {:?}", job.histogram(a, 50, None).unwrap(), plane.sums.mapv(f64::to_bits))
    }
    for order in [Order::C, Order::F] {
        let path = |name: &str| dir.path().join(format!("{name}-{order}.npy"));
        CreateOptions::new().order(order).save(path("a"), &a).unwrap();
        CreateOptions::new().order(order).save(path("w"), &weights).unwrap();
        let [file, file_weights] = ["a", "w"].map(|name| ArrayFile::<f64, Ix2>::open(path(name)).unwrap());
        // SAFETY: nobody else knows of the files.
        let [mapped, mapped_weights] =
            ["a", "w"].map(|name| unsafe { MmapArray::<f64, Ix2>::open(path(name)).unwrap() });
        for small in [false, true] {
            let job = |threads| {
                let job = Job::new().threads(threads);
                if small { job.with_small_grid().memory(200_000) } else { job }
            };
            let wanted = all(&job(1), &mapped, &mapped_weights);
            for threads in [1, 2, 3, 7] {
                assert_eq!(all(&job(threads), &file, &file_weights), wanted);
                assert_eq!(all(&job(threads), &mapped.to_owned(), &mapped_weights.to_owned()), wanted);
            }
        }
    }
    // Weights in the other order are turned.
    let job = Job::new();
    let turned = weights.t().as_standard_layout().into_owned().reversed_axes();
    let weighted = job.histogram_weighted(&a, 3, None, &weights).unwrap();
    assert_eq!(job.histogram_weighted(&a, 3, None, &turned).unwrap(), weighted);
    let plane = job.histogram2d(&a, &weights, [Bins::Count(4); 2], [None; 2]).unwrap();
    assert_eq!(job.histogram2d(&a, &turned, [Bins::Count(4); 2], [None; 2]).unwrap(), plane);
}

#[test]
fn a_search_reads_few_pages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sorted.npy");
    let a: Array1<i64> = (0..1 << 20).map(|at| 3 * at).collect();
    outcore::save(&path, &a).unwrap();
    let file = ArrayFile::<i64, Ix1>::open(&path).unwrap();
    let bytes = |values: &[i64]| {
        let done = Mutex::new(0);
        let job = Job::new().threads(1).progress(|progress| *done.lock().unwrap() = progress.done);
        let places = job.searchsorted(&file, values, Side::Left).unwrap();
        assert!(places.iter().zip(values).all(|(&place, &value)| place as i64 == (value + 2) / 3));
        drop(job);
        done.into_inner().unwrap()
    };
    assert!(bytes(&[777_777]) <= 12 * 4096);
    let many: Vec<i64> = (0..4000).map(|at| (at * 700_001) % (3 << 20)).collect();
    assert!(bytes(&many) <= 8 << 20);
}

#[test]
fn bad_arguments_are_errors() {
    fn kind<R>(result: outcore::Result<R>) -> ErrorKind {
        result.err().expect("an error").kind()
    }
    let job = Job::new();
    let a = array![1.0, 2.0, 3.0];
    let invalid = ErrorKind::InvalidArgument;
    assert_eq!(kind(job.histogram(&a, 0, None)), invalid);
    assert_eq!(kind(job.histogram(&a, -3, None)), invalid);
    assert_eq!(kind(job.histogram(&a, &[1.0, 0.0], None)), invalid);
    assert_eq!(kind(job.histogram(&a, &[1.0, f64::NAN], None)), invalid);
    assert_eq!(kind(job.histogram(&a, 3, Some((1.0, 0.0)))), invalid);
    assert_eq!(kind(job.histogram(&a, 3, Some((f64::NAN, 0.0)))), invalid);
    assert_eq!(kind(job.histogram(&a, 3, Some((0.0, f64::INFINITY)))), invalid);
    assert_eq!(kind(job.histogram(&array![1.0, f64::NAN], 3, None)), invalid);
    assert_eq!(kind(job.histogram(&array![1.0, f64::INFINITY], BinRule::Auto, None)), invalid);
    assert_eq!(kind(job.histogram(&array![1.0, 1.0 + 1e-15], 1000, None)), invalid);
    assert_eq!(kind(job.histogram(&a, u64::MAX, None)), ErrorKind::TooLarge);
    assert_eq!(kind(Job::new().memory(1 << 20).histogram(&a, 1_000_000_000_u64, None)), ErrorKind::OutOfMemory);
    assert_eq!(kind(job.histogram_weighted(&a, 3, None, &array![1.0])), ErrorKind::Shape);
    assert_eq!(kind(job.histogram_weighted(&a, BinRule::Auto, None, &a)), invalid);
    assert_eq!(kind(job.histogram2d(&a, &array![1.0], [Bins::Count(3); 2], [None; 2])), ErrorKind::Shape);
    assert_eq!(kind(job.histogram2d(&a, &a, [Bins::Count(1 << 20); 2], [None; 2])), ErrorKind::TooLarge);
    assert!(job.histogram(&a, &[1.0], None).unwrap().counts.is_empty());
    let error = job.bincount(&array![[1, 2, 3], [4, -5, 6]], 0).unwrap_err();
    assert!(error.kind() == invalid && error.to_string().contains("[1, 1] is -5"), "{error}");
    assert_eq!(kind(job.bincount(&array![u64::MAX], 0)), ErrorKind::TooLarge);
    assert_eq!(kind(Job::new().memory(1 << 22).bincount(&array![1_000_000_000], 0)), ErrorKind::OutOfMemory);
    assert!(job.bincount(&Array1::<i32>::zeros(0), 0).unwrap().is_empty());
    assert_eq!(job.bincount(&Array1::<u8>::zeros(0), 3).unwrap(), [0, 0, 0]);
    assert_eq!(job.bincount(&array![true, false, true], 0).unwrap(), [1, 2]);
    assert_eq!(kind(job.searchsorted(&array![[1.0]], &[1.0], Side::Left)), ErrorKind::Shape);
    assert_eq!(
        kind(Job::new().memory(1 << 21).top_k(&Array1::<u8>::zeros(1 << 20), 1 << 20, Top::Largest)),
        ErrorKind::OutOfMemory
    );
}

/// Counts and edges that NumPy finds in files, one line each.
const NUMPY: &str = r"
import warnings; warnings.simplefilter('ignore')
def show(values): print(' '.join(float(v).hex() for v in np.ravel(values)))
def line(pair): show(pair[0]); show(pair[1])
a = np.load(args[0]); b = np.load(args[1]); edges = [float.fromhex(e) for e in args[2].split()]
for bins in (1, 10, 17, 256, 1000):
    line(np.histogram(a, bins)); line(np.histogram(a, bins, range=(-0.25, 0.7)))
    show(np.histogram(a, bins, density=True)[0])
line(np.histogram(a, edges)); show(np.histogram(a, edges, density=True)[0])
line(np.histogram(a, 8, weights=b)); show(np.histogram(a, 8, weights=b, density=True)[0])
for rule in ('auto', 'fd', 'doane', 'scott', 'rice', 'sturges', 'sqrt'):
    line(np.histogram(a, rule)); line(np.histogram(a, rule, range=(-0.25, 0.7)))
H, x, y = np.histogram2d(a.ravel(), b.ravel(), bins=(5, edges)); show(H); show(x); show(y)
H, x, y = np.histogram2d(a.ravel(), b.ravel(), bins=7, range=((0, 0.5), (-1, 9)), density=True); show(H); show(x); show(y)
H, x, y = np.histogram2d(a.ravel(), b.ravel(), bins=(3, 4), weights=b.ravel()); show(H)
order = np.sort(a.ravel()); values = b.ravel()[:200].astype(a.dtype)
show(np.searchsorted(order, values)); show(np.searchsorted(order, values, 'right'))
";

const EDGES: [f64; 6] = [-0.5, 0.0, 0.125, 0.5, 0.5, 2.0];
const EDGES_HEX: &str = "-0x1p-1 0x0p+0 0x1p-3 0x1p-1 0x1p-1 0x1p+1";

fn against_numpy<T: Of>(dir: &Path, items: impl Fn(f64) -> f64) {
    let name = std::any::type_name::<T>();
    let [a_path, b_path] = ["a", "b"].map(|file| dir.join(format!("{name}-{file}.npy")));
    let shape = || IxDyn(&[60, 50]);
    let a = ArrayD::<T>::from_shape_vec(shape(), noise(3000).map(|x| T::of(items(x))).collect()).unwrap();
    // Whole numbers, whose sums are exact in any order.
    let b = ArrayD::<f64>::from_shape_vec(shape(), noise(3000).map(|x| (x * 8.0).floor()).collect()).unwrap();
    outcore::save(&a_path, &a).unwrap();
    outcore::save(&b_path, &b).unwrap();
    let Some(answers) = numpy::run(NUMPY, &[a_path.as_os_str(), b_path.as_os_str(), OsStr::new(EDGES_HEX)]) else {
        return;
    };
    let mut answers = answers.lines();
    let mut compare = |found: Vec<f64>, what: &str| {
        let wanted: Vec<f64> = answers.next().unwrap().split_whitespace().map(hex_float).collect();
        // NumPy rounds the widths of bins to the type of the elements.
        let off = if size_of::<T>() == 4 && what == "density" { 1e-6 } else { 0.0 };
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= off * b || (a.is_nan() && b.is_nan());
        let all = found.len() == wanted.len() && found.iter().zip(&wanted).all(same);
        assert!(all, "{name}: {what}: found {found:?}, expected {wanted:?}");
    };
    let floats = |counts: &[u64]| counts.iter().map(|&count| count as f64).collect::<Vec<_>>();
    let job = Job::new().threads(2).with_small_grid();
    let range = Some((-0.25, 0.7));
    for bins in [1, 10, 17, 256, 1000] {
        let all = job.histogram(&a, bins, None).unwrap();
        compare(floats(&all.counts), "counts");
        compare(all.edges.clone(), "edges");
        let ranged = job.histogram(&a, bins, range).unwrap();
        compare(floats(&ranged.counts), "counts in a range");
        compare(ranged.edges, "edges of a range");
        compare(all.density(), "density");
    }
    let by_edges = job.histogram(&a, &EDGES, None).unwrap();
    compare(floats(&by_edges.counts), "counts by edges");
    compare(by_edges.edges.clone(), "edges");
    compare(by_edges.density(), "density by edges");
    let weighted = job.histogram_weighted(&a, 8, None, &b).unwrap();
    compare(weighted.sums.clone(), "weights");
    compare(weighted.edges.clone(), "edges");
    compare(weighted.density(), "density");
    let rules = [
        BinRule::Auto,
        BinRule::FreedmanDiaconis,
        BinRule::Doane,
        BinRule::Scott,
        BinRule::Rice,
        BinRule::Sturges,
        BinRule::Sqrt,
    ];
    for rule in rules {
        for range in [None, range] {
            let found = job.histogram(&a, rule, range).unwrap();
            compare(floats(&found.counts), &format!("{rule:?} in {range:?}"));
            compare(found.edges, &format!("edges by {rule:?} in {range:?}"));
        }
    }
    let plane = job.histogram2d(&a, &b, [Bins::Count(5), Bins::Edges(&EDGES)], [None, None]).unwrap();
    compare(floats(plane.counts.as_slice().unwrap()), "plane");
    compare(plane.x_edges, "x edges");
    compare(plane.y_edges, "y edges");
    let ranges = [Some((0.0, 0.5)), Some((-1.0, 9.0))];
    let plane = job.histogram2d(&a, &b, [Bins::Count(7); 2], ranges).unwrap();
    compare(plane.density().into_raw_vec_and_offset().0, "density of a plane");
    compare(plane.x_edges, "x edges");
    compare(plane.y_edges, "y edges");
    let plane = job.histogram2d_weighted(&a, &b, [Bins::Count(3), Bins::Count(4)], [None; 2], &b).unwrap();
    compare(plane.sums.into_raw_vec_and_offset().0, "weights of a plane");
    let mut sorted: Vec<T> = a.iter().copied().collect();
    sorted.sort_by(|a, b| a.native().partial_cmp(&b.native()).unwrap());
    let values: Vec<T> = b.iter().take(200).map(|&value| T::of(value)).collect();
    for side in [Side::Left, Side::Right] {
        compare(floats(&job.searchsorted(&Array1::from(sorted.clone()), &values, side).unwrap()), "searchsorted");
    }
}

#[test]
fn numpy_finds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    against_numpy::<f64>(dir.path(), |x| x - 0.3);
    against_numpy::<f32>(dir.path(), |x| x * 1.1 - 0.3);
    against_numpy::<i64>(dir.path(), |x| (x * 1000.0).floor() - 300.0);
    against_numpy::<u8>(dir.path(), |x| x * 256.0);
}

/// Data whose elements lie on edges, or next to them, where a rounding more or less shows.
#[test]
fn elements_on_the_edges_fall_as_in_numpy() {
    const SCRIPT: &str = r"
for path in args:
    a = np.load(path)
    for bins in (3, 7, 10, 49, 100, 1023):
        print(*np.histogram(a, bins)[0])
        print(*np.histogram(a, bins, range=(0.1, 0.9))[0])
";
    let dir = tempfile::tempdir().unwrap();
    let near = |width: f64, first: f64| -> Vec<f64> {
        let edges = (0..=1023).map(|at| first + f64::from(at) * width / 1023.0);
        let more = (0..=100).flat_map(|at| [10.0, 7.0, 49.0, 100.0].map(|bins| first + f64::from(at) / bins * width));
        let all: Vec<f64> = edges.chain(more.filter(|&x| x <= first + width)).collect();
        all.iter()
            .flat_map(|&x| [x, x.next_up(), x.next_down()])
            .filter(|&x| first <= x && x <= first + width)
            .collect()
    };
    let cases = [near(1.0, 0.0), near(0.3, 0.1), near(1e-9, 1.0), near(1e16, -3e15), near(3e-300, 1e-301)];
    let paths: Vec<_> = (0..cases.len()).map(|at| dir.path().join(format!("{at}.npy"))).collect();
    cases.iter().zip(&paths).for_each(|(case, path)| outcore::save(path, &Array1::from(case.clone())).unwrap());
    let args: Vec<&OsStr> = paths.iter().map(|path| path.as_os_str()).collect();
    let Some(answers) = numpy::run(SCRIPT, &args) else { return };
    let mut answers = answers.lines();
    for case in cases {
        let a = Array1::from(case);
        for bins in [3, 7, 10, 49, 100, 1023] {
            for range in [None, Some((0.1, 0.9))] {
                let found = Job::new().histogram(&a, bins, range).unwrap().counts;
                let wanted: Vec<u64> = answers.next().unwrap().split(' ').map(|count| count.parse().unwrap()).collect();
                assert_eq!(found, wanted, "{bins} bins in {range:?} of {}", a[0]);
            }
        }
    }
}

#[test]
fn rare_shapes() {
    let job = Job::new();
    assert_eq!(job.histogram(&ndarray::arr0(2.5), 2, None).unwrap().counts, [0, 1]);
    let none = Array2::<f64>::zeros((3, 0));
    let empty = job.histogram(&none, 4, None).unwrap();
    assert_eq!((empty.counts, empty.edges), (vec![0; 4], vec![0.0, 0.25, 0.5, 0.75, 1.0]));
    assert!(job.top_k(&none, 3, Top::Largest).unwrap().values.is_empty());
    assert!(job.searchsorted(&Array1::<f64>::zeros(0), &[1.0, f64::NAN], Side::Right).unwrap() == [0, 0]);
    let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let every_second = a.slice_axis(Axis(1), Slice::new(0, None, 2));
    assert_eq!(job.top_k(&every_second, 2, Top::Largest).unwrap().indices, [3, 2]);
    fn takes_integers<S: Source<Elem: Integer>>(a: &S) -> Vec<u64> {
        Job::new().bincount(a, 0).unwrap()
    }
    assert_eq!(takes_integers(&array![Be::new(2_i32), Be::new(0)]), [1, 0, 1]);
}
