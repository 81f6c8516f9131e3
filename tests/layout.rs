//! Rearrangements against ndarray's own.

#[path = "support/counting_disk.rs"]
mod counting_disk;
#[path = "support/numpy.rs"]
mod numpy;

use std::path::Path;
use std::sync::Arc;

use outcore::compute::{Output, Source};
use outcore::ndarray::{Array, ArrayD, ArrayViewD, Axis, Dimension, IxDyn, Slice, concatenate, stack};
use outcore::{ArrayFile, Be, CreateOptions, Element, ErrorKind, Format, Job, MmapArray, Order, Selection, load, save};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

/// Lengths that tell axes apart, with zeros and ones among them.
fn shapes(axes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![1 => Just(0_usize), 3 => Just(1), 6 => 2_usize..9, 6 => 9_usize..80];
    proptest::collection::vec(len, axes)
        .prop_filter("not too large", |shape| shape.iter().map(|&len| len.max(1)).product::<usize>() <= 20_000)
}

/// Elements that differ, in either order of storage.
fn counted<T: Copy>(shape: &[usize], order: Order, item: impl Fn(usize) -> T) -> ArrayD<T> {
    let shape: Vec<_> = if order == Order::C { shape.to_vec() } else { shape.iter().rev().copied().collect() };
    let len = shape.iter().product();
    let a = Array::from_shape_vec(IxDyn(&shape), (0..len).map(item).collect()).unwrap();
    if order == Order::C { a } else { a.reversed_axes() }
}

#[derive(Clone, Debug)]
struct Terms {
    small: bool,
    threads: usize,
    memory: Option<u64>,
    from: Order,
    to: Order,
}

fn terms() -> impl Strategy<Value = Terms> {
    let order = || prop_oneof![Just(Order::C), Just(Order::F)];
    let memory = prop_oneof![Just(None), Just(Some(600_u64)), Just(Some(2_500))];
    (any::<bool>(), prop_oneof![Just(1_usize), Just(2), Just(3), Just(7)], memory, order(), order())
        .prop_map(|(small, threads, memory, from, to)| Terms { small, threads, memory, from, to })
}

impl Terms {
    fn job(&self) -> Job<'static> {
        let job = Job::new().threads(self.threads);
        match (self.small, self.memory) {
            (true, Some(memory)) => job.with_small_grid().memory(memory),
            (true, None) => job.with_small_grid(),
            (false, _) => job,
        }
    }
}

/// Checks an output against what ndarray makes of the same. It goes to a file, so that the result takes no memory of the
/// job.
fn check<T: Element + PartialEq, D: Dimension>(
    output: Output<'_, T, D>,
    expected: &Array<T, D>,
    to: Order,
) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("result.npy");
    output.order(to).save(&path).unwrap();
    let found = load::<T, D>(&path).unwrap();
    prop_assert_eq!(&found, expected);
    let dense = if to == Order::C { found.is_standard_layout() } else { found.t().is_standard_layout() };
    prop_assert!(dense);
    Ok(())
}

fn permutation() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    shapes(0..=5).prop_flat_map(|shape| {
        let axes: Vec<usize> = (0..shape.len()).collect();
        (Just(shape), Just(axes).prop_shuffle())
    })
}

fn dynamic<T: Element>(path: &Path) -> MmapArray<T, IxDyn> {
    // SAFETY: nobody else knows the file.
    unsafe { MmapArray::open(path) }.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn orders_change(shape in shapes(0..=4), terms in terms()) {
        let (job, a) = (Terms { memory: None, ..terms.clone() }.job(), counted(&shape, terms.from, |at| at as f64));
        check(job.map(&a, |x| x + 1.0), &(&a + 1.0), terms.to)?;
    }

    #[test]
    fn axes_change_places((shape, axes) in permutation(), terms in terms()) {
        let (job, a) = (terms.job(), counted(&shape, terms.from, |at| at as f64));
        check(job.permute_axes(&a, &axes).unwrap(), &a.clone().permuted_axes(axes.clone()), terms.to)?;
        check(job.transpose(&a), &a.t().to_owned(), terms.to)?;
    }

    #[test]
    fn elements_of_every_size_change_places((shape, axes) in permutation(), terms in terms()) {
        let job = terms.job();
        macro_rules! each {
            ($($item:expr),*) => {$(
                let a = counted(&shape, terms.from, $item);
                check(job.permute_axes(&a, &axes).unwrap(), &a.clone().permuted_axes(axes.clone()), terms.to)?;
            )*};
        }
        each!(|at| u8::try_from(at % 251).unwrap(), |at| i16::try_from(at).unwrap(), |at| at as f32);
        each!(|at| Be::<f64>::from(at as f64), |at| at % 3 == 0);
        #[cfg(feature = "complex")]
        each!(|at| outcore::element::Complex::new(at as f64, -(at as f64)));
    }

    #[test]
    fn every_kind_of_source_gives_the_same((shape, axes) in permutation(), terms in terms()) {
        let (job, a) = (terms.job(), counted(&shape, terms.from, |at| at as f64));
        let expected = a.clone().permuted_axes(axes.clone());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        save(&path, &a).unwrap();
        check(job.permute_axes(&dynamic::<f64>(&path), &axes).unwrap(), &expected, terms.to)?;
        check(job.permute_axes(&ArrayFile::<f64, IxDyn>::open(&path).unwrap(), &axes).unwrap(), &expected, terms.to)?;
        // As a view with gaps.
        let mut wide: Vec<_> = shape.clone();
        if let Some(last) = wide.last_mut() {
            *last *= 2;
            let mut b = ArrayD::<f64>::zeros(IxDyn(&wide));
            let mut view = b.slice_axis_mut(Axis(shape.len() - 1), Slice::new(0, None, 2));
            view.assign(&a);
            check(job.permute_axes(&view, &axes).unwrap(), &expected, terms.to)?;
        }
        // Big-endian, by position.
        let swapped = dir.path().join("b.npy");
        save(&swapped, &a.map(|&x| Be::<f64>::from(x))).unwrap();
        let file = ArrayFile::<f64, IxDyn>::open(&swapped).unwrap();
        check(job.permute_axes(&file, &axes).unwrap(), &expected, terms.to)?;
    }

    #[test]
    fn slices_are_those_of_files(
        shape in shapes(1..=3),
        picks in proptest::collection::vec(
            (any::<bool>(), -20_i64..20, -20_i64..20, prop_oneof![-3_i64..=-1, 1_i64..=3]),
            0..=3,
        ),
        terms in terms(),
    ) {
        let (job, a) = (terms.job(), counted(&shape, terms.from, |at| at as f64));
        let text: Vec<_> = picks.iter().take(shape.len()).map(|&(index, start, stop, step)| {
            if index { start.to_string() } else { format!("{start}:{stop}:{step}") }
        }).collect();
        let selection: Selection = text.join(",").parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        save(&path, &a).unwrap();
        let file = ArrayFile::<f64, IxDyn>::open(&path).unwrap();
        match file.read_selection(&selection) {
            Ok(expected) => check(job.slice(&a, &selection).unwrap(), &expected.into_dyn(), terms.to)?,
            Err(error) => prop_assert_eq!(job.slice(&a, &selection).unwrap_err().kind(), error.kind()),
        }
    }

    #[test]
    fn axes_turn_and_roll(shape in shapes(1..=4), axis in 0_usize..4, shift in -100_i64..100, terms in terms()) {
        let (job, a) = (terms.job(), counted(&shape, terms.from, |at| at as f64));
        let axis = Axis(axis % shape.len());
        let mut turned = a.clone();
        turned.invert_axis(axis);
        check(job.flip(&a, axis).unwrap(), &turned, terms.to)?;
        let mut all = a.clone();
        (0..shape.len()).for_each(|axis| all.invert_axis(Axis(axis)));
        check(job.flip_all(&a), &all, terms.to)?;
        check(job.roll_axis(&a, shift, axis).unwrap(), &rolled(&a.view(), shift, axis), terms.to)?;
        let flat = Array::from_iter(a.iter().copied()).into_dyn();
        let flat = rolled(&flat.view(), shift, Axis(0)).into_shape_with_order(IxDyn(&shape)).unwrap();
        check(job.roll(&a, shift), &flat, terms.to)?;
    }

    #[test]
    fn arrays_are_put_together(
        shape in shapes(1..=3),
        axis in 0_usize..3,
        others in proptest::collection::vec(0_usize..20, 0..3),
        terms in terms(),
    ) {
        let job = terms.job();
        let axis = axis % shape.len();
        let mut arrays = vec![counted(&shape, terms.from, |at| at as f64)];
        for (number, &len) in others.iter().enumerate() {
            let mut shape = shape.clone();
            shape[axis] = len;
            // Not all of them in the same order.
            let order = if number % 2 == 0 { terms.to } else { terms.from };
            arrays.push(counted(&shape, order, |at| -(at as f64)));
        }
        let sources: Vec<&dyn Source<Elem = f64, Dim = IxDyn>> = arrays.iter().map(|a| a as _).collect();
        let views: Vec<_> = arrays.iter().map(|a| a.view()).collect();
        check(job.concatenate(&sources, Axis(axis)).unwrap(), &concatenate(Axis(axis), &views).unwrap(), terms.to)?;
        let same: Vec<_> = (0..=others.len()).map(|_| sources[0]).collect();
        for axis in 0..=shape.len() {
            let expected = stack(Axis(axis), &vec![views[0].clone(); same.len()]).unwrap();
            check(job.stack(&same, Axis(axis)).unwrap(), &expected, terms.to)?;
        }
    }

    #[test]
    fn arrays_are_cut(
        shape in shapes(1..=3), axis in 0_usize..3, sections in 1_usize..6,
        indices in proptest::collection::vec(0_usize..30, 0..4), terms in terms(),
    ) {
        let (job, a) = (terms.job(), counted(&shape, terms.from, |at| at as f64));
        let axis = Axis(axis % shape.len());
        let len = a.len_of(axis);
        let pieces = job.array_split(&a, sections, axis).unwrap();
        prop_assert_eq!(pieces.len(), sections);
        let (mut start, mut lens) = (0, Vec::new());
        for piece in pieces {
            let end = start + piece.dim()[axis.0];
            lens.push(end - start);
            check(piece, &a.slice_axis(axis, Slice::from(start..end)).to_owned(), terms.to)?;
            start = end;
        }
        prop_assert_eq!(start, len);
        prop_assert!(lens.is_sorted_by(|a, b| a >= b) && lens[0] - lens[lens.len() - 1] <= 1);
        prop_assert_eq!(job.split(&a, sections, axis).is_ok(), len % sections == 0);
        let pieces = job.split_at(&a, &indices, axis).unwrap();
        prop_assert_eq!(pieces.len(), indices.len() + 1);
        for (at, piece) in pieces.into_iter().enumerate() {
            let start = if at == 0 { 0 } else { indices[at - 1].min(len) };
            let end = indices.get(at).map_or(len, |&end| end.min(len)).max(start);
            check(piece, &a.slice_axis(axis, Slice::from(start..end)).to_owned(), terms.to)?;
        }
    }

    #[test]
    fn shapes_change(shape in shapes(0..=4), cut in 0_usize..4, terms in terms()) {
        let (job, a) = (terms.job(), counted(&shape, terms.from, |at| at as f64));
        let flat = Array::from_iter(a.iter().copied());
        let (first, rest) = shape.split_at(cut.min(shape.len()));
        let two = [first.iter().product::<usize>(), rest.iter().product()];
        let expected = flat.clone().into_shape_with_order(two).unwrap();
        check(job.reshape(&a, two).unwrap(), &expected, terms.to)?;
        check(job.ravel(&a).unwrap(), &flat, terms.to)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_taken(
        shape in shapes(1..=3),
        axis in 0_usize..3,
        picks in proptest::collection::vec(any::<i64>(), 0..300),
        terms in terms(),
    ) {
        let a = counted(&shape, terms.from, |at| at as f64);
        let axis = Axis(axis % shape.len());
        let len = a.len_of(axis) as i64;
        // A batch of one block of the small grid, and the numbers that go with it, take no less.
        let job = Terms { memory: terms.memory.map(|memory| memory + 4_000), ..terms.clone() }.job();
        let indices: Vec<i64> = picks.iter().map(|pick| pick.rem_euclid(2 * len.max(1)) - len).collect();
        if len == 0 {
            if !indices.is_empty() {
                let dir = tempfile::tempdir().unwrap();
                let wrong = dir.path().join("wrong.npy");
                let error = job.take(&a, &indices, axis).unwrap().save(&wrong).unwrap_err();
                prop_assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            }
            return Ok(());
        }
        let places: Vec<usize> = indices.iter().map(|&index| usize::try_from(index.rem_euclid(len)).unwrap()).collect();
        let expected = a.select(axis, &places);
        check(job.take(&a, &indices, axis).unwrap(), &expected, terms.from)?;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        save(&path, &a).unwrap();
        let file = ArrayFile::<f64, IxDyn>::open(&path).unwrap();
        let small = Array::from_iter(indices.iter().map(|&index| i16::try_from(index).unwrap()));
        check(job.take_by(&file, &small, axis).unwrap(), &expected, terms.from)?;
        check(job.take_by(&dynamic::<f64>(&path), &small, axis).unwrap(), &expected, terms.from)?;
        let mut wrong = indices;
        let position = wrong.len() / 2;
        wrong.insert(position, len);
        let error = job.take(&a, &wrong, axis).unwrap().save(dir.path().join("wrong.npy")).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let named = format!("index {len} at position {position} ");
        prop_assert!(error.to_string().contains(&named), "{}", error);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_put(
        shape in shapes(1..=3),
        picks in proptest::collection::vec(any::<i64>(), 0..100),
        terms in terms(),
    ) {
        let job = Terms { memory: None, ..terms.clone() }.job();
        let len = shape[0] as i64;
        let picks = picks.iter().take_while(|_| len > 0);
        let indices: Vec<i64> = picks.map(|pick| pick.rem_euclid(2 * len) - len).collect();
        let mut rows = shape.clone();
        rows[0] = indices.len();
        let rows = counted(&rows, terms.from, |at| -(at as f64));
        let mut expected = counted(&shape, Order::C, |at| at as f64);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        save(&path, &expected).unwrap();
        for (&index, row) in indices.iter().zip(rows.outer_iter()) {
            expected.index_axis_mut(Axis(0), usize::try_from(index.rem_euclid(len)).unwrap()).assign(&row);
        }
        let mut file = ArrayFile::<f64, IxDyn>::open_mut(&path).unwrap();
        let mut wrong = indices.clone();
        wrong.extend([-len - 1]);
        let more = ArrayD::<f64>::zeros(IxDyn(&[&[wrong.len()], &shape[1..]].concat()));
        let error = job.put_rows(&mut file, &wrong, &more).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        job.put_rows(&mut file, &indices, &rows).unwrap();
        prop_assert_eq!(file.read().unwrap(), expected);
    }
}

/// Rows of a table that is larger than the memory, and rows that are.
#[test]
fn rows_of_large_tables_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (path, result) = (dir.path().join("a.npy"), dir.path().join("b.npy"));
    let options = CreateOptions::new().overwrite(true);
    for (shape, memory) in [([300_000, 8], 4 << 20), ([10, 500_000], 2 << 20)] {
        let a = counted(&shape, Order::C, |at| at as f64);
        options.save(&path, &a).unwrap();
        let rows = shape[0];
        let indices: Vec<i64> =
            (0..3_000_000 / shape[1]).map(|at| (at * 7_919 % (2 * rows)) as i64 - rows as i64).collect();
        let places: Vec<usize> =
            indices.iter().map(|&at| usize::try_from(at.rem_euclid(rows as i64)).unwrap()).collect();
        let file = ArrayFile::<f64, IxDyn>::open(&path).unwrap();
        Job::new().memory(memory).take(&file, &indices, Axis(0)).unwrap().save_as(&options, &result).unwrap();
        assert_eq!(load::<f64, IxDyn>(&result).unwrap(), a.select(Axis(0), &places));
    }
}

/// The same calls in NumPy.
#[test]
fn numpy_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let script = r"
os.chdir(args[0])
a = np.arange(2 * 3 * 4, dtype='<i4').reshape(2, 3, 4)
np.save('a.npy', a)
np.save('f.npy', np.asfortranarray(a))
for name, result in [
    ('transpose', np.transpose(a)), ('permute', np.transpose(a, (1, 2, 0))), ('move', np.moveaxis(a, 0, 2)),
    ('move_back', np.moveaxis(a, 2, 0)), ('swap', np.swapaxes(a, 0, 1)), ('roll', np.roll(a, -5)),
    ('roll_axis', np.roll(a, 7, axis=2)), ('flip', np.flip(a, 1)), ('flip_all', np.flip(a)),
    ('slice', a[:, ::-2, 3]), ('reshape', np.reshape(a, (8, 3))), ('ravel', np.ravel(a)),
    ('take', np.take(a, [-1, 0, 2, -3, 0], axis=1)), ('take_last', np.take(a, [3, -4], axis=2)),
    ('concatenate', np.concatenate([a, a], axis=1)), ('stack', np.stack([a, a], axis=-1)),
    ('split', np.split(a, [1, 3], axis=2)[1]), ('array_split', np.array_split(a, 3, axis=2)[2]),
]:
    np.save(name + '.npy', np.ascontiguousarray(result))
";
    if numpy::run(script, &[dir.path().as_os_str()]).is_none() {
        return;
    }
    let expect = |name: &str, found: ArrayD<i32>| {
        assert_eq!(found, load::<i32, IxDyn>(&dir.path().join(format!("{name}.npy"))).unwrap(), "{name}");
    };
    let job = Job::new();
    for name in ["a", "f"] {
        let a = &ArrayFile::<i32, IxDyn>::open(dir.path().join(format!("{name}.npy"))).unwrap();
        expect("transpose", job.transpose(a).to_array().unwrap());
        expect("permute", job.permute_axes(a, &[1, 2, 0]).unwrap().to_array().unwrap());
        expect("move", job.move_axis(a, 0, 2).unwrap().to_array().unwrap());
        expect("move_back", job.move_axis(a, 2, 0).unwrap().to_array().unwrap());
        expect("swap", job.swap_axes(a, 0, 1).unwrap().to_array().unwrap());
        expect("roll", job.roll(a, -5).to_array().unwrap());
        expect("roll_axis", job.roll_axis(a, 7, Axis(2)).unwrap().to_array().unwrap());
        expect("flip", job.flip(a, Axis(1)).unwrap().to_array().unwrap());
        expect("flip_all", job.flip_all(a).to_array().unwrap());
        expect("slice", job.slice(a, &"[:, ::-2, 3]".parse().unwrap()).unwrap().to_array().unwrap());
        expect("reshape", job.reshape(a, IxDyn(&[8, 3])).unwrap().to_array().unwrap());
        expect("ravel", job.ravel(a).unwrap().to_array().unwrap().into_dyn());
        expect("take", job.take(a, &[-1, 0, 2, -3, 0], Axis(1)).unwrap().to_array().unwrap());
        expect("take_last", job.take(a, &[3, -4], Axis(2)).unwrap().to_array().unwrap());
        expect("concatenate", job.concatenate(&[a, a], Axis(1)).unwrap().to_array().unwrap());
        expect("stack", job.stack(&[a, a], Axis(3)).unwrap().to_array().unwrap());
        let mut pieces = job.split_at(a, &[1, 3], Axis(2)).unwrap();
        expect("split", pieces.remove(1).to_array().unwrap());
        let mut pieces = job.array_split(a, 3, Axis(2)).unwrap();
        expect("array_split", pieces.remove(2).to_array().unwrap());
    }
}

fn rolled(a: &ArrayViewD<'_, f64>, shift: i64, axis: Axis) -> ArrayD<f64> {
    let len = a.len_of(axis) as i64;
    let from = |at: usize| usize::try_from((at as i64 - shift).rem_euclid(len)).unwrap();
    ArrayD::from_shape_fn(a.raw_dim(), |mut index| {
        index[axis.0] = from(index[axis.0]);
        a[index]
    })
}

/// Sixteen times the memory of the job: only strips fit.
#[test]
fn large_arrays_need_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (path, result) = (dir.path().join("a.npy"), dir.path().join("b.npy"));
    for (shape, axes) in
        [(vec![1500, 2800], vec![1, 0]), (vec![150, 160, 170], vec![2, 1, 0]), (vec![30, 40, 50, 60], vec![2, 0, 3, 1])]
    {
        let a = counted(&shape, Order::C, |at| at as f64);
        let options = CreateOptions::new().overwrite(true);
        options.save(&path, &a).unwrap();
        for threads in [1, 3] {
            let job = Job::new().threads(threads).memory(2 << 20).scratch_dir(dir.path());
            let file = ArrayFile::<f64, IxDyn>::open(&path).unwrap();
            job.permute_axes(&file, &axes).unwrap().save_as(&options, &result).unwrap();
            assert_eq!(load::<f64, IxDyn>(&result).unwrap(), a.clone().permuted_axes(axes.clone()));
        }
    }
}

#[test]
fn results_go_to_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.oca");
    let a = counted(&[20, 30], Order::C, |at| at as f32);
    Job::new().transpose(&a).save_as(&CreateOptions::new().format(Format::Native), &path).unwrap();
    assert_eq!(load::<f32, IxDyn>(&path).unwrap(), a.t());
    let mut target = ArrayD::zeros(IxDyn(&[30, 20]));
    Job::new().transpose(&a).write_to(&mut target).unwrap();
    assert_eq!(target, a.t());
}

/// A page that is written in two parts, and is not in memory, has to be read for it.
#[test]
fn files_are_written_in_whole_pages() {
    use outcore::OpenOptions;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let a = counted(&[32_768, 64], Order::C, |at| at as f64);
    save(&path, &ArrayD::<f64>::zeros(IxDyn(&[64, 32_768]))).unwrap();
    let disk = counting_disk::CountingDisk::default();
    let counts = Arc::clone(&disk.0);
    let mut file = OpenOptions::new().backend(Arc::new(disk)).open_file_mut::<f64, IxDyn>(&path).unwrap();
    let job = Job::new().threads(2).memory(64 << 20);
    counts.take_cuts();
    job.transpose(&a).write_to(&mut file).unwrap();
    assert_eq!(counts.take_cuts(), 2 * 64, "64 rows, each cut in boxes, have two ends each");
    assert_eq!(file.read().unwrap(), a.t());
    let b = file.read().unwrap();
    counts.take_cuts();
    job.map(&b, |x| x + 1.0).write_to(&mut file).unwrap();
    assert_eq!(counts.take_cuts(), 2, "the ends");
    assert_eq!(file.read().unwrap(), b + 1.0);
}

#[test]
fn nonsense_is_refused() {
    let (job, a) = (Job::new(), counted(&[3, 4], Order::C, |at| at as f64));
    let kind = |result: outcore::Result<Output<'_, f64, IxDyn>>| result.unwrap_err().kind();
    for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2], &[]] {
        assert_eq!(kind(job.permute_axes(&a, axes)), ErrorKind::InvalidArgument);
    }
    assert_eq!(kind(job.swap_axes(&a, 0, 2)), ErrorKind::InvalidArgument);
    assert_eq!(kind(job.move_axis(&a, 2, 0)), ErrorKind::InvalidArgument);
    assert_eq!(kind(job.flip(&a, Axis(2))), ErrorKind::InvalidArgument);
    assert_eq!(kind(job.roll_axis(&a, 1, Axis(2))), ErrorKind::InvalidArgument);
    assert_eq!(kind(job.concatenate::<f64, IxDyn>(&[], Axis(0))), ErrorKind::InvalidArgument);
    assert_eq!(kind(job.concatenate(&[&a, &a], Axis(2))), ErrorKind::InvalidArgument);
    let (b, c) = (counted(&[4, 4, 1], Order::C, |at| at as f64), counted(&[5, 5], Order::C, |at| at as f64));
    assert_eq!(kind(job.concatenate(&[&a, &b], Axis(0))), ErrorKind::Shape);
    assert_eq!(kind(job.concatenate(&[&a, &c], Axis(0))), ErrorKind::Shape);
    assert_eq!(kind(job.stack(&[&a, &c], Axis(0))), ErrorKind::Shape);
    assert_eq!(kind(job.stack(&[&a, &a], Axis(3))), ErrorKind::InvalidArgument);
    assert_eq!(kind(job.reshape(&a, IxDyn(&[5, 2]))), ErrorKind::Shape);
    assert_eq!(kind(job.reshape(&a, IxDyn(&[usize::MAX, usize::MAX, 2]))), ErrorKind::TooLarge);
    assert_eq!(job.split(&a, 0, Axis(0)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.array_split(&a, 0, Axis(0)).unwrap_err().kind(), ErrorKind::InvalidArgument);
}
