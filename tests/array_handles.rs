//! Every handle against ndarray: whatever is read, written, set or filled through a file is what the same steps do to an array in memory.

#![cfg(all(feature = "half", feature = "complex"))]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, ShapeBuilder, Slice, SliceInfoElem};
use outcore::element::{Complex, f16};
use outcore::storage::{Backend, MemoryDisk};
use outcore::{
    Advice, ArrayFile, Be, Bool8, CreateOptions, Element, Format, Le, MmapArray, MmapArrayMut, OpenOptions, Order,
    RawLayout, Selection,
};
use proptest::prelude::*;

/// Where the files of a run lie.
#[derive(Clone, Debug)]
struct Place {
    backend: Option<MemoryDisk>,
    dir: Option<Arc<tempfile::TempDir>>,
}

impl Place {
    fn new(memory: bool) -> Self {
        if memory {
            return Self { backend: Some(MemoryDisk::new()), dir: None };
        }
        Self { backend: None, dir: Some(Arc::new(tempfile::tempdir().unwrap())) }
    }

    fn path(&self) -> PathBuf {
        self.dir.as_ref().map_or_else(|| "m".into(), |dir| dir.path().join("m"))
    }

    fn backend(&self) -> Option<Arc<dyn Backend>> {
        self.backend.clone().map(|disk| Arc::new(disk) as Arc<dyn Backend>)
    }

    fn open(&self) -> OpenOptions {
        self.backend().map_or_else(OpenOptions::new, |backend| OpenOptions::new().backend(backend))
    }

    fn create(&self) -> CreateOptions {
        self.backend().map_or_else(CreateOptions::new, |backend| CreateOptions::new().backend(backend))
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.backend {
            Some(disk) => disk.read(&self.path()).unwrap(),
            None => std::fs::read(self.path()).unwrap(),
        }
    }
}

/// An array file of one run: shape, order, format, place.
#[derive(Clone, Debug)]
struct Setting {
    shape: Vec<usize>,
    order: Order,
    raw: Option<u64>,
    memory: bool,
}

impl Setting {
    fn create_options(&self, place: &Place) -> CreateOptions {
        let options = place.create().order(self.order);
        match self.raw {
            Some(offset) => options.format(Format::Raw).offset(offset),
            None => options,
        }
    }

    fn open_options(&self, place: &Place) -> OpenOptions {
        match self.raw {
            Some(offset) => {
                let shape: Vec<u64> = self.shape.iter().map(|&len| len as u64).collect();
                place.open().raw(RawLayout::new().shape(shape).order(self.order).offset(offset))
            }
            None => place.open(),
        }
    }
}

fn settings() -> impl Strategy<Value = Setting> {
    let len = prop_oneof![1 => Just(0_usize), 2 => Just(1), 6 => 2_usize..6];
    (proptest::collection::vec(len, 0..=5), any::<bool>(), proptest::option::of(0_u64..40), any::<bool>()).prop_map(
        |(shape, f, raw, memory)| {
            let order = if f { Order::F } else { Order::C };
            Setting { shape, order, raw, memory }
        },
    )
}

/// One step, with numbers that are brought into range when the shape is known.
#[derive(Clone, Debug)]
enum Step {
    Set(Vec<usize>, u32),
    WriteRows(usize, usize, u32),
    Write(u32, bool),
    Select(Vec<(i64, i64, i64, bool)>, u32),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let numbers = || proptest::collection::vec(0_usize..1000, 5);
    let slice = (-8_i64..8, -8_i64..8, prop_oneof![-3_i64..0, 1_i64..4], any::<bool>());
    let step = prop_oneof![
        (numbers(), any::<u32>()).prop_map(|(index, seed)| Step::Set(index, seed)),
        (0_usize..10, 0_usize..10, any::<u32>()).prop_map(|(from, to, seed)| Step::WriteRows(from, to, seed)),
        (any::<u32>(), any::<bool>()).prop_map(|(seed, f)| Step::Write(seed, f)),
        (proptest::collection::vec(slice, 5), any::<u32>()).prop_map(|(slices, seed)| Step::Select(slices, seed)),
        Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..8)
}

/// Elements that differ from their neighbours and from run to run.
trait Sample: Element + PartialEq {
    fn sample(seed: u32) -> Self;
}

macro_rules! samples {
    ($($type:ty, $from:expr;)*) => {$(
        impl Sample for $type {
            fn sample(seed: u32) -> Self {
                $from(seed)
            }
        }
    )*};
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any bits will do")]
mod of {
    pub(super) fn i8(seed: u32) -> i8 {
        seed as i8
    }
    pub(super) fn i16(seed: u32) -> i16 {
        seed as i16
    }
    pub(super) fn i32(seed: u32) -> i32 {
        seed as i32
    }
    pub(super) fn u8(seed: u32) -> u8 {
        seed as u8
    }
    pub(super) fn u16(seed: u32) -> u16 {
        seed as u16
    }
}

samples! {
    bool, |seed: u32| seed.count_ones() % 2 == 1;
    Bool8, |seed: u32| Bool8::from_byte(of::u8(seed));
    i8, of::i8;
    i16, of::i16;
    i32, of::i32;
    i64, |seed: u32| i64::from(seed).wrapping_mul(-0x1_0000_0001);
    u8, of::u8;
    u16, of::u16;
    u32, |seed: u32| seed;
    u64, |seed: u32| u64::from(seed) << 24;
    f16, |seed: u32| f16::from_f32(f32::from(of::i16(seed)));
    f32, |seed: u32| f32::from(of::i16(seed)) / 8.0;
    f64, |seed: u32| f64::from(seed) / 8.0;
    Complex<f32>, |seed: u32| Complex::new(f32::sample(seed), f32::sample(seed.rotate_left(9)));
    Complex<f64>, |seed: u32| Complex::new(f64::sample(seed), -f64::sample(seed.rotate_left(9)));
    Be<i16>, |seed: u32| Be::new(of::i16(seed));
    Be<f64>, |seed: u32| Be::new(f64::sample(seed));
    Be<Complex<f32>>, |seed: u32| Be::new(Complex::sample(seed));
    Le<u32>, |seed: u32| Le::new(seed);
    Le<f16>, |seed: u32| Le::new(f16::sample(seed));
}

fn samples<T: Sample>(shape: &[usize], seed: u32, f: bool) -> ArrayD<T> {
    let mut next = seed;
    ArrayD::from_shape_simple_fn(IxDyn(shape).set_f(f), || {
        next = next.wrapping_mul(0x9e37_79b1).wrapping_add(1);
        T::sample(next)
    })
}

fn index_in(shape: &[usize], numbers: &[usize]) -> Option<Vec<usize>> {
    shape.iter().zip(numbers).map(|(&len, &number)| (len > 0).then(|| number % len)).collect()
}

/// A selection as text for the file, and as ndarray's slices for the model.
fn selection_in(shape: &[usize], picks: &[(i64, i64, i64, bool)]) -> (Selection, Vec<SliceInfoElem>) {
    let (mut text, mut slices) = (Vec::new(), Vec::new());
    for (&len, &(start, stop, step, single)) in shape.iter().zip(picks) {
        let len = i64::try_from(len).unwrap();
        if single && len > 0 {
            let index = start.rem_euclid(len);
            text.push(if start < 0 { (index - len).to_string() } else { index.to_string() });
            slices.push(SliceInfoElem::Index(isize::try_from(index).unwrap()));
        } else {
            // ndarray takes the elements between two bounds from the front or from the back; so does Python, bounds swapped.
            let (low, high) = (start.clamp(-len, len), stop.clamp(-len, len));
            let (low, high) = (low + if low < 0 { len } else { 0 }, high + if high < 0 { len } else { 0 });
            let (low, high) = (low.min(high), low.max(high));
            let range = if step > 0 {
                format!("{low}:{high}:{step}")
            } else {
                let stop = if low == 0 { String::new() } else { (low - 1).to_string() };
                if low == high { "0:0".to_owned() } else { format!("{}:{stop}:{step}", high - 1) }
            };
            text.push(range);
            slices.push(SliceInfoElem::Slice {
                start: isize::try_from(low).unwrap(),
                end: Some(isize::try_from(high).unwrap()),
                step: isize::try_from(step).unwrap(),
            });
        }
    }
    (text.join(", ").parse().unwrap(), slices)
}

/// Runs the steps on a positional handle and on an array, and compares after each.
fn positional_like_ndarray<T: Sample>(setting: &Setting, steps: &[Step]) {
    let place = Place::new(setting.memory);
    let (path, shape) = (place.path(), setting.shape.as_slice());
    let mut file: ArrayFile<T> = setting.create_options(&place).create_file(&path, IxDyn(shape)).unwrap();
    let mut model = ArrayD::from_elem(shape, T::zeroed());
    assert_eq!(file.read().unwrap(), model);
    for step in steps {
        match step {
            Step::Set(numbers, seed) => {
                let Some(index) = index_in(shape, numbers) else { continue };
                let value = T::sample(*seed);
                model[IxDyn(&index)] = value;
                file.set(IxDyn(&index), value).unwrap();
                assert!(file.get(IxDyn(&index)).unwrap() == value);
            }
            Step::WriteRows(from, to, seed) => {
                let Some(&rows) = shape.first() else {
                    assert!(file.read_rows(0..0).is_err());
                    continue;
                };
                let (from, to) = (from % (rows + 1), to % (rows + 1));
                let (from, to) = (from.min(to), from.max(to));
                let mut part = shape.to_vec();
                part[0] = to - from;
                let part = samples::<T>(&part, *seed, seed % 2 == 0);
                model.slice_axis_mut(Axis(0), Slice::from(from..to)).assign(&part);
                file.write_rows(from, &part).unwrap();
                assert_eq!(file.read_rows(from..to).unwrap(), part);
            }
            Step::Write(seed, f) => {
                model = samples(shape, *seed, *f);
                file.write(&model).unwrap();
            }
            Step::Select(picks, seed) => {
                let (selection, slices) = selection_in(shape, picks);
                assert_eq!(file.read_selection(&selection).unwrap(), model.slice(&slices[..]), "{selection}");
                let mut target = model.slice_mut(&slices[..]);
                let part = samples::<T>(target.shape(), *seed, seed % 2 == 0);
                target.assign(&part);
                file.write_selection(&selection, &part).unwrap();
            }
            Step::Reopen => {
                file.close().unwrap();
                file = setting.open_options(&place).open_file_mut(&path).unwrap();
            }
        }
        assert_eq!(file.read().unwrap(), model, "{step:?}");
    }
    file.close().unwrap();

    // The bytes, from the definition: elements in storage order behind the header.
    let header = setting.open_options(&place).open_file::<T, IxDyn>(&path).unwrap().header().clone();
    let stored: Vec<T> = match setting.order {
        Order::C => model.iter().copied().collect(),
        Order::F => model.t().iter().copied().collect(),
    };
    let skip = usize::try_from(header.data_offset()).unwrap();
    assert_eq!(place.bytes()[skip..], *bytemuck::cast_slice::<T, u8>(&stored));
    mapped_reads_the_same::<T>(setting, &place, &model);
}

/// A mapping of the file holds the model, whole and in windows of rows, wherever its elements are aligned.
fn mapped_reads_the_same<T: Sample>(setting: &Setting, place: &Place, model: &ArrayD<T>) {
    let (options, path) = (setting.open_options(place), place.path());
    let aligned = setting.raw.unwrap_or(0).is_multiple_of(align_of::<T>() as u64) || model.is_empty();
    // SAFETY: nobody else uses the file.
    let mapped = unsafe { options.open::<T, IxDyn>(&path) };
    if !aligned {
        assert_eq!(mapped.unwrap_err().kind(), outcore::ErrorKind::Misaligned);
        return;
    }
    let mapped = mapped.unwrap();
    assert_eq!(mapped.view(), model);
    let Some(&rows) = model.shape().first() else { return };
    for from in 0..=rows {
        for to in from..=rows {
            let window = options.clone().rows(from as u64..to as u64).populate(to % 2 == 0).advice(Advice::Random);
            // SAFETY: nobody else uses the file.
            let window = unsafe { window.open::<T, IxDyn>(&path) }.unwrap();
            assert_eq!(window.view(), model.slice_axis(Axis(0), Slice::from(from..to)));
        }
    }
}

/// The same for a writable mapping, and for the copy-on-write one, whose writes the file never sees.
fn mapped_like_ndarray<T: Sample>(setting: &Setting, steps: &[Step]) {
    let setting = Setting { raw: setting.raw.map(|offset| offset * 16), ..setting.clone() };
    let place = Place::new(setting.memory);
    let (path, shape) = (place.path(), setting.shape.as_slice());
    // SAFETY: nobody else uses the file.
    let mut mapped: MmapArrayMut<T> = unsafe { setting.create_options(&place).create(&path, IxDyn(shape)) }.unwrap();
    let mut model = ArrayD::from_elem(shape, T::zeroed());
    let mut anonymous = setting.create_options(&place).anonymous::<T, _>(IxDyn(shape)).unwrap();
    let mut scratch = setting.create_options(&place).scratch::<T, _>(None, IxDyn(shape)).unwrap();
    for step in steps {
        for target in [&mut mapped, &mut anonymous, &mut scratch] {
            change(target, step);
        }
        if let Step::Reopen = step {
            mapped.close().unwrap();
            // SAFETY: nobody else uses the file.
            mapped = unsafe { setting.open_options(&place).open_mut(&path) }.unwrap();
        }
        change_model(&mut model, step);
        assert_eq!(mapped.view(), model, "{step:?}");
    }
    assert_eq!(anonymous.view(), model);
    assert_eq!(scratch.view(), model);
    mapped.flush_async().unwrap();
    let rows = shape.first().copied().unwrap_or_default();
    mapped.flush_rows(0..rows).unwrap();
    mapped.close().unwrap();
    let positional: ArrayFile<T> = setting.open_options(&place).open_file(&path).unwrap();
    assert_eq!(positional.read().unwrap(), model);
    drop(positional);

    let before = place.bytes();
    // SAFETY: nobody else uses the file.
    let mut cow: MmapArrayMut<T> = unsafe { setting.open_options(&place).open_cow(&path) }.unwrap();
    assert!(!cow.writes_through());
    assert_eq!(cow.view(), model);
    for step in steps {
        change(&mut cow, step);
        change_model(&mut model, step);
    }
    assert_eq!(cow.view(), model);
    cow.close().unwrap();
    assert!(place.bytes() == before, "a copy-on-write array wrote to its file");
}

fn change<T: Sample>(target: &mut MmapArrayMut<T>, step: &Step) {
    let shape = target.shape().to_vec();
    match step {
        Step::Set(numbers, seed) => {
            if let Some(index) = index_in(&shape, numbers) {
                target[IxDyn(&index)] = T::sample(*seed);
            }
        }
        Step::WriteRows(rows, _, seed) if !shape.is_empty() => {
            for (block, mut rows) in target.row_blocks_mut(rows + 1).enumerate() {
                rows.fill(T::sample(seed.wrapping_add(u32::try_from(block).unwrap())));
            }
        }
        Step::WriteRows(..) | Step::Reopen => {}
        Step::Write(seed, f) => target.view_mut().assign(&samples::<T>(&shape, *seed, *f)),
        Step::Select(picks, seed) => {
            target.view_mut().slice_mut(&selection_in(&shape, picks).1[..]).fill(T::sample(*seed));
        }
    }
}

fn change_model<T: Sample>(model: &mut ArrayD<T>, step: &Step) {
    let shape = model.shape().to_vec();
    match step {
        Step::Set(numbers, seed) => {
            if let Some(index) = index_in(&shape, numbers) {
                model[IxDyn(&index)] = T::sample(*seed);
            }
        }
        Step::WriteRows(rows, _, seed) if !shape.is_empty() => {
            for (row, mut values) in model.axis_iter_mut(Axis(0)).enumerate() {
                values.fill(T::sample(seed.wrapping_add(u32::try_from(row / (rows + 1)).unwrap())));
            }
        }
        Step::WriteRows(..) | Step::Reopen => {}
        Step::Write(seed, f) => *model = samples(&shape, *seed, *f),
        Step::Select(picks, seed) => model.slice_mut(&selection_in(&shape, picks).1[..]).fill(T::sample(*seed)),
    }
}

macro_rules! properties {
    ($($name:ident, $type:ty;)*) => {
        mod positional {
            use super::*;

            proptest! {
                #![proptest_config(config())]
                $(
                    #[test]
                    fn $name(setting in settings(), steps in steps()) {
                        positional_like_ndarray::<$type>(&setting, &steps);
                    }
                )*
            }
        }

        mod mapped {
            use super::*;

            proptest! {
                #![proptest_config(config())]
                $(
                    #[test]
                    fn $name(setting in settings(), steps in steps()) {
                        mapped_like_ndarray::<$type>(&setting, &steps);
                    }
                )*
            }
        }
    };
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() }
}

properties! {
    of_bool, bool;
    of_bool8, Bool8;
    of_i8, i8;
    of_i16, i16;
    of_i32, i32;
    of_i64, i64;
    of_u8, u8;
    of_u16, u16;
    of_u32, u32;
    of_u64, u64;
    of_f16, f16;
    of_f32, f32;
    of_f64, f64;
    of_complex_f32, Complex<f32>;
    of_complex_f64, Complex<f64>;
    of_big_endian_i16, Be<i16>;
    of_big_endian_f64, Be<f64>;
    of_big_endian_complex, Be<Complex<f32>>;
    of_little_endian_u32, Le<u32>;
    of_little_endian_f16, Le<f16>;
}

/// A positional handle of the native type reads and writes files of the other byte order.
#[test]
fn positional_handles_swap_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let values = samples::<f64>(&[4, 3], 7, false);
    fn check<T: Element + From<f64>>(path: &Path, values: &ArrayD<f64>) {
        let wrapped = values.mapv(T::from);
        let mut wire: ArrayFile<T> = CreateOptions::new().create_file(path, IxDyn(&[4, 3])).unwrap();
        wire.write(&wrapped).unwrap();
        wire.close().unwrap();
        let mut native: ArrayFile<f64> = ArrayFile::open_mut(path).unwrap();
        assert_eq!(native.read().unwrap(), values);
        native.set(IxDyn(&[1, 2]), 1.5).unwrap();
        native.write_rows(3, &ArrayD::from_elem(vec![1, 3], -2.0)).unwrap();
        native.close().unwrap();
        // SAFETY: nobody else uses the file.
        let mapped = unsafe { MmapArray::<T>::open(path) }.unwrap();
        let expected = [[1.5, 1.5], [-2.0, -2.0]].map(|pair| pair.map(T::from));
        assert_eq!(
            format!("{:?}", [mapped[[1, 2]], mapped[[3, 0]]]),
            format!("{:?}", [expected[0][0], expected[1][0]])
        );
    }
    check::<Be<f64>>(&path("be.npy"), &values);
    check::<Le<f64>>(&path("le.npy"), &values);
}
