//! A mapped array is an ndarray: everything that takes `&ArrayRef` takes it, on one thread and on many.

use ndarray::{Array2, ArrayRef, Axis, Ix1, Ix2, Zip, s};
use outcore::{ArrayFile, CreateOptions, MmapArray, MmapArrayMut, Order};

fn trace(m: &ArrayRef<f64, Ix2>) -> f64 {
    m.diag().sum()
}

fn model() -> Array2<f64> {
    Array2::from_shape_fn((30, 20), |(i, j)| f64::from(u32::try_from(i * 20 + j).unwrap()))
}

/// The same numbers in a file of either order, mapped for reading.
fn mapped(order: Order) -> (tempfile::TempDir, MmapArray<f64, Ix2>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npy");
    let mut file = CreateOptions::new().order(order).create_file::<f64, Ix2>(&path, (30, 20)).unwrap();
    file.write(&model()).unwrap();
    file.close().unwrap();
    // SAFETY: nobody writes the file.
    let m = unsafe { MmapArray::open(&path) }.unwrap();
    (dir, m)
}

#[test]
fn functions_of_array_refs_take_mapped_arrays() {
    for order in [Order::C, Order::F] {
        let (_dir, m) = mapped(order);
        let model = model();
        assert_eq!(trace(&m), trace(&model));
        assert_eq!(m.shape(), [30, 20]);
        assert_eq!(m.sum(), model.sum());
        assert_eq!(m.mean(), model.mean());
        assert_eq!(m.slice(s![..3, 5..;2]), model.slice(s![..3, 5..;2]));
        assert_eq!(m.row(7), model.row(7));
        assert_eq!(m.column(19), model.column(19));
        assert_eq!(m.t().dot(&*m), model.t().dot(&model));
        assert_eq!(m.dot(&model.t()), model.dot(&model.t()));
        assert_eq!(m.sum_axis(Axis(0)), model.sum_axis(Axis(0)));
        assert_eq!(m.mapv(|x| x * 2.0), &model * 2.0);
        assert_eq!(&m.view() + &model, &model + &model);
        assert_eq!(m.is_standard_layout(), order == Order::C);
        assert_eq!(m.as_slice().is_some(), order == Order::C);
        assert_eq!(m.t().is_standard_layout(), order == Order::F);
        assert_eq!(m[[3, 4]], 64.0);
        assert_eq!(m.get([30, 0]), None);
        let mut total = 0.0;
        Zip::from(m.rows()).for_each(|row| total += row.sum());
        assert_eq!(total, model.sum());
    }
}

#[cfg(feature = "rayon")]
#[test]
fn parallel_iterators_walk_mapped_arrays() {
    use ndarray::parallel::prelude::*;
    let (_dir, m) = mapped(Order::C);
    let sum: f64 = m.axis_iter(Axis(0)).into_par_iter().map(|row| row.sum()).sum();
    assert_eq!(sum, model().sum());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npy");
    // SAFETY: nobody else uses the file.
    let mut m = unsafe { MmapArrayMut::<f64, Ix2>::create(&path, (1000, 7)) }.unwrap();
    m.view_mut().axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut row| row.fill(1.0));
    m.row_blocks_mut(64).into_par_iter().enumerate().for_each(|(block, mut rows)| {
        rows *= f64::from(u32::try_from(block).unwrap());
    });
    m.close().unwrap();
    let read = ArrayFile::<f64, Ix2>::open(&path).unwrap().read().unwrap();
    assert!(read.indexed_iter().all(|((i, _), &x)| x == f64::from(u32::try_from(i / 64).unwrap())));
}

#[test]
fn clones_share_a_mapping_across_threads() {
    let (_dir, m) = mapped(Order::C);
    let sums: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|k| {
                let m = m.clone();
                scope.spawn(move || m.slice(s![k..;4, ..]).sum())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sums.iter().sum::<f64>(), model().sum());
}

/// A handle can be sent away, and boxed: its view stays where it was.
#[test]
fn handles_move() {
    fn sent<T: Send + Sync>(value: T) -> T {
        value
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npy");
    // SAFETY: nobody else uses the file.
    let m = unsafe { MmapArrayMut::<u8, Ix1>::create(&path, 5) }.unwrap();
    let mut boxed = Box::new(sent(m));
    boxed[3] = 7;
    let m = std::thread::spawn(move || {
        boxed.view_mut().slice_mut(s![..2]).fill(1);
        *boxed
    })
    .join()
    .unwrap();
    assert_eq!(m.iter().map(|&x| u32::from(x)).sum::<u32>(), 9);
    assert_eq!(m.path(), Some(&*path));
    assert!(m.writes_through());
    assert_eq!(format!("{m:?}"), format!("{:?}", m.view()));
}

/// A window of rows keeps the header of the whole, and writes to its rows only.
#[test]
fn windows_write_their_own_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npy");
    drop(CreateOptions::new().create_file::<i64, Ix2>(&path, (40_000, 3)).unwrap());
    let options = outcore::OpenOptions::new().rows(30_000..30_010);
    // SAFETY: nobody else uses the file.
    let mut window = unsafe { options.open_mut::<i64, Ix2>(&path) }.unwrap();
    assert_eq!(window.shape(), [10, 3]);
    assert_eq!(window.header().shape(), [40_000, 3]);
    window.view_mut().fill(1);
    window[[9, 2]] = 5;
    window.flush_rows(9..10).unwrap();
    assert!(window.flush_rows(9..11).is_err());
    window.close().unwrap();
    let read = ArrayFile::<i64, Ix2>::open(&path).unwrap();
    assert_eq!(read.read().unwrap().sum(), 34);
    assert_eq!(read.get((30_009, 2)).unwrap(), 5);
    assert_eq!(read.get((30_010, 0)).unwrap(), 0);
}

#[test]
fn private_arrays_need_no_file() {
    let mut anonymous = MmapArrayMut::<f32, _>::anonymous((3, 4)).unwrap();
    let mut scratch = CreateOptions::new().order(Order::F).scratch::<f32, _>(None, (3, 4)).unwrap();
    for m in [&mut anonymous, &mut scratch] {
        m[[1, 2]] = 2.5;
        assert_eq!(m.sum(), 2.5);
        assert_eq!(m.path(), None);
        assert!(!m.writes_through());
        m.flush().unwrap();
    }
    assert!(!scratch.is_standard_layout());
    anonymous.close().unwrap();
    scratch.close().unwrap();
}
