//! Casts between numbers against exact arithmetic, value by value, and against NumPy where its result is defined.

#![cfg(all(feature = "half", feature = "complex"))]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts are what is tested")]

#[path = "support/numpy.rs"]
mod numpy;

use std::fmt::Debug;
use std::path::Path;

use half::{bf16, f16};
use ndarray::{Array1, Ix1, ShapeBuilder, array};
use num_complex::Complex;
use outcore::compute::{Cast, CastReport, Casting, map, rint};
use outcore::{ArrayFile, Be, Bool8, ErrorKind, Job};

/// A value without rounding.
#[derive(Clone, Copy, Debug)]
enum Exact {
    Int(i128),
    Float(f64),
}

use Exact::{Float, Int};

impl Exact {
    fn same(self, other: Self) -> bool {
        match (self, other) {
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Int(a), Float(b)) | (Float(b), Int(a)) => b.is_finite() && b == b.trunc() && b as i128 == a,
        }
    }
}

/// A type with values worth casting.
trait Value: Cast + PartialEq {
    fn samples() -> Vec<Self>;
    fn exact(self) -> Exact;
    /// What a cast of the value is.
    fn of(value: Exact, casting: Casting) -> Self;
    /// What the cast to `result` loses: overflow, inexact, NaN.
    fn loss(value: Exact, result: Self) -> [bool; 3];
}

macro_rules! ints {
    ($($type:ident)*) => {$(
        impl Value for $type {
            fn samples() -> Vec<Self> {
                let mut samples = vec![0, 1, 2, 3, 100, Self::MAX, Self::MIN, Self::MAX - 1, Self::MIN + 1, Self::MAX / 2 + 1];
                samples.extend((0..Self::BITS).flat_map(|bit| [-1, 0, 1].map(|off| (1_i128 << bit) + off)).map(|x| x as Self));
                samples.extend((0..Self::BITS).map(|bit| (-(1_i128 << bit) - 1) as Self));
                samples
            }

            fn exact(self) -> Exact {
                Int(i128::from(self))
            }

            fn of(value: Exact, casting: Casting) -> Self {
                match (value, casting) {
                    (Int(value), Casting::Saturating) => value.clamp(Self::MIN.into(), Self::MAX.into()) as Self,
                    (Int(value), _) => value as Self,
                    (Float(value), Casting::Saturating) => value as Self,
                    (Float(value), _) if stringify!($type) == "u64" && value > 0.0 => value as Self,
                    (Float(value), _) => value as i64 as Self,
                }
            }

            fn loss(value: Exact, _: Self) -> [bool; 3] {
                let fits = |value: i128| (i128::from(Self::MIN)..=i128::from(Self::MAX)).contains(&value);
                match value {
                    Int(value) => [!fits(value), false, false],
                    Float(value) if value.is_nan() => [false, false, true],
                    Float(value) => [!fits(value as i128), fits(value as i128) && value != value.trunc(), false],
                }
            }
        }
    )*};
}
ints! { i8 i16 i32 i64 u8 u16 u32 u64 }

fn float_samples() -> Vec<f64> {
    let mut samples =
        vec![0.0, -0.0, 0.5, -0.5, 0.9999, -0.9999, -1.0, 1.0, 1.5, 2.5, 3.3, f64::NAN, 5e-324, 1e300, -1e300];
    samples.extend([
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        65504.0,
        65519.9,
        65520.0,
        6e-8,
        3e-8,
    ]);
    for bit in [7, 8, 11, 15, 16, 24, 31, 32, 53, 62, 63, 64, 127, 128] {
        let power = 2_f64.powi(bit);
        for value in [power, power - 1.0, power + 1.0, power - 0.5, power + 0.5, power.next_down(), power.next_up()] {
            samples.extend([value, -value]);
        }
    }
    // Values that round twice to another half than once.
    samples.extend([1.0 + 2_f64.powi(-11) + 2_f64.powi(-40), 1.0 + 2_f64.powi(-8) + 2_f64.powi(-40)]);
    samples
}

fn float_loss(value: Exact, result: Exact) -> [bool; 3] {
    let finite = !matches!(value, Float(value) if !value.is_finite());
    let overflow = finite && matches!(result, Float(result) if result.is_infinite());
    [overflow, !overflow && !value.same(result), false]
}

macro_rules! floats {
    ($($type:ident, $to:expr, $of:expr;)*) => {$(
        impl Value for $type {
            fn samples() -> Vec<Self> {
                float_samples().into_iter().map(|x| Self::of(Float(x), Casting::Wrapping)).collect()
            }

            fn exact(self) -> Exact {
                Float($to(self))
            }

            fn of(value: Exact, _: Casting) -> Self {
                $of(value)
            }

            fn loss(value: Exact, result: Self) -> [bool; 3] {
                float_loss(value, result.exact())
            }
        }
    )*};
}

/// The nearest of all positive 16-bit floats below infinity, or infinity from `limit` on.
fn nearest(value: f64, infinity: u16, limit: f64, of: impl Fn(u16) -> f64) -> u16 {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let size = value.abs();
    if size.is_nan() || size >= limit {
        return sign | if size.is_nan() { 0x7fff } else { infinity };
    }
    let distance = |bits: u16| (of(bits) - size).abs();
    // The values ascend with their bits.
    let (mut low, mut high) = (0, infinity - 1);
    while high - low > 1 {
        let middle = u16::midpoint(low, high);
        if of(middle) <= size { low = middle } else { high = middle }
    }
    let (below, above) = (distance(low), distance(high));
    let even = if low % 2 == 0 { low } else { high };
    sign | if below == above {
        even
    } else if below < above {
        low
    } else {
        high
    }
}

fn double(value: Exact) -> f64 {
    match value {
        Int(value) => value as f64,
        Float(value) => value,
    }
}

floats! {
    f64, |x| x, double;
    f32, f64::from, |value| match value { Int(value) => value as f32, Float(value) => value as f32 };
    f16, f64::from, |value| f16::from_bits(nearest(double(value), 0x7c00, 65520.0, |bits| f16::from_bits(bits).into()));
    bf16, f64::from, |value| bf16::from_bits(nearest(double(value), 0x7f80, (2.0 - 2_f64.powi(-8)) * 2_f64.powi(127), |bits| bf16::from_bits(bits).into()));
}

impl Value for bool {
    fn samples() -> Vec<Self> {
        vec![false, true]
    }

    fn exact(self) -> Exact {
        Int(self.into())
    }

    fn of(value: Exact, _: Casting) -> Self {
        double(value) != 0.0
    }

    fn loss(value: Exact, _: Self) -> [bool; 3] {
        let value = double(value);
        [false, !value.is_nan() && value != 0.0 && value != 1.0, value.is_nan()]
    }
}

fn text(value: impl Debug) -> String {
    format!("{value:?}")
}

/// What a value becomes, as text, and what it loses.
fn judge<U: Value>(value: Exact, casting: Casting) -> (String, [bool; 3]) {
    let result = U::of(value, casting);
    (text(result), U::loss(value, result))
}

/// The results of a cast, as text, and what it reports.
type Found = (Vec<String>, CastReport);

/// A pair of types, erased: what is checked of all pairs is compiled once.
struct Pair<'a> {
    title: String,
    samples: &'a [(Exact, String)],
    judge: fn(Exact, Casting) -> (String, [bool; 3]),
    /// Casts the samples of these numbers.
    cast: &'a dyn Fn(&[usize], Casting) -> outcore::Result<Found>,
}

impl Pair<'_> {
    fn check(&self) {
        let Self { title, samples, .. } = self;
        let numbers: Vec<usize> = (0..samples.len()).cycle().take(samples.len() * 20).collect();
        for casting in [Casting::Wrapping, Casting::Saturating] {
            let (found, report) = (self.cast)(&numbers, casting).unwrap();
            let mut expected = CastReport { count: numbers.len() as u64, ..CastReport::default() };
            assert_eq!(found.len(), numbers.len());
            for (found, &number) in found.iter().zip(&numbers) {
                let (value, name) = &samples[number];
                let (result, [overflow, inexact, nan]) = (self.judge)(*value, casting);
                assert_eq!(*found, result, "{name}: {title}, {casting:?}");
                expected.overflowed += u64::from(overflow);
                expected.inexact += u64::from(inexact);
                expected.nan_lost += u64::from(nan);
            }
            assert_eq!(report, expected, "{title}, {casting:?}");
            assert_eq!(report.is_exact(), expected == CastReport { count: expected.count, ..CastReport::default() });
        }
        for (number, (value, name)) in samples.iter().enumerate() {
            let (result, losses) = (self.judge)(*value, Casting::Wrapping);
            match (self.cast)(&[number; 3], Casting::Exact) {
                Ok((found, _)) => assert!(losses == [false; 3] && found[2] == result, "{name}: {title}"),
                Err(error) => {
                    assert!(losses != [false; 3] && error.kind() == ErrorKind::InvalidElement, "{title}: {error}");
                    assert!(error.to_string().contains(name), "{title}: {error}");
                }
            }
        }
    }
}

/// Casts every sample of `T` to `U` in each way, and what NumPy has cast; whether there was any.
fn pair<T: Value, U: Value>(recorded: Option<&Path>) -> bool {
    let job = Job::new().threads(2).with_small_grid();
    let values = T::samples();
    let samples: Vec<_> = values.iter().map(|&value| (value.exact(), text(value))).collect();
    let cast = |numbers: &[usize], casting| {
        let items: Array1<T> = numbers.iter().map(|&number| values[number]).collect();
        let (found, report) = job.cast::<U, _>(&items, casting).to_array_and_report()?;
        Ok((found.iter().map(text).collect(), report))
    };
    let title = format!("{} as {}", T::name(), U::name());
    Pair { title, samples: &samples, judge: judge::<U>, cast: &cast }.check();
    let Some(dir) = recorded else { return false };
    let (from, to) = (T::dtype().name(), U::dtype().name());
    let path = |side: &str| dir.join(format!("{from}-{to}-{side}.npy"));
    if !path("in").exists() {
        return false;
    }
    let input = ArrayFile::<T, Ix1>::open(path("in")).unwrap().read().unwrap();
    let expected = ArrayFile::<U, Ix1>::open(path("out")).unwrap().read().unwrap();
    let found = job.cast::<U, _>(&input, Casting::Wrapping).to_array().unwrap();
    assert_eq!(found.len(), 2000);
    for ((found, expected), input) in found.iter().zip(&expected).zip(&input) {
        assert_eq!(bytemuck::bytes_of(found), bytemuck::bytes_of(expected), "{input:?} as {to}");
    }
    true
}

/// NumPy's casts of random values that the new type can hold, and of all integers to all integers.
const SCRIPT: &str = "
rng = np.random.default_rng(7)
kinds = ['bool', 'int16', 'int64', 'uint64', 'float16', 'float32', 'float64']
targets = ['bool', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float16', 'float32', 'float64']
for kind in kinds:
    for target in targets:
        k, t = np.dtype(kind), np.dtype(target)
        if k.kind == 'b':
            a = rng.integers(0, 2, 2000).astype(k)
        elif k.kind in 'iu':
            i = np.iinfo(k)
            a = rng.integers(i.min, i.max, 2000, dtype=k, endpoint=True) >> rng.integers(0, i.bits - 1, 2000).astype(k)
        elif t.kind in 'iu':
            i = np.iinfo(t)
            with np.errstate(all='ignore'):
                a = (float(i.max) * rng.random(2000) ** rng.integers(1, 40, 2000)).astype(k)
            a = np.where(np.isfinite(a) & (a < float(i.max)), a, k.type(1.5))
            a = np.where(rng.random(2000) < (0.5 if i.min < 0 else 0), -a, a).astype(k)
        else:
            with np.errstate(all='ignore'):
                a = (rng.standard_normal(2000) * 10.0 ** rng.integers(-12, 12, 2000)).astype(k)
        with np.errstate(all='ignore'):
            out = a.astype(t)
        np.save(os.path.join(args[0], f'{kind}-{target}-in.npy'), a)
        np.save(os.path.join(args[0], f'{kind}-{target}-out.npy'), out)
";

macro_rules! pairs {
    ($($from:ident => [$($to:ident)*];)*) => {
        #[test]
        fn every_value_becomes_what_exact_arithmetic_and_numpy_say() {
            let dir = tempfile::tempdir().unwrap();
            let recorded = numpy::run(SCRIPT, &[dir.path().as_os_str()]).map(|_| dir.path());
            let compared = [$($(pair::<$from, $to>(recorded),)*)*];
            // NumPy has no brain floats.
            assert!(recorded.is_none() || compared.iter().filter(|compared| !**compared).count() == 1);
        }
    };
}
// Each way from each wide type, and each way to each kind of type, once.
pairs! {
    bool => [u8];
    i16 => [i8 u32 f16];
    i64 => [bool i32 f16 f64];
    u64 => [i64 f32];
    f16 => [i16];
    f32 => [u8 i64 f16];
    f64 => [bool u16 i32 u32 u64 f16 bf16 f32];
}

#[test]
fn complex_numbers_lose_their_imaginary_part() {
    let z = |re, im| Complex::<f64>::new(re, im);
    let a = array![z(1.0, 0.0), z(2.5, -1.0), z(f64::NAN, 0.0), z(1e300, f64::NAN), z(0.0, 3.0)];
    let job = Job::new();
    let (real, report) = job.cast::<f64, _>(&a, Casting::Wrapping).to_array_and_report().unwrap();
    assert_eq!(text(real), text(array![1.0, 2.5, f64::NAN, 1e300, 0.0]));
    assert_eq!(report, CastReport { count: 5, imaginary_lost: 3, ..CastReport::default() });
    let (ints, report) = job.cast::<u8, _>(&a, Casting::Saturating).to_array_and_report().unwrap();
    assert_eq!(ints, array![1, 2, 0, 255, 0]);
    assert_eq!(report, CastReport { count: 5, overflowed: 1, inexact: 1, nan_lost: 1, imaginary_lost: 3 });
    assert_eq!(job.cast::<bool, _>(&a, Casting::Wrapping).to_array().unwrap(), array![true, true, true, true, true]);
    let (narrow, report) = job.cast::<Complex<f32>, _>(&a, Casting::Wrapping).to_array_and_report().unwrap();
    assert!(narrow[3].re.is_infinite() && narrow[3].im.is_nan() && narrow[1] == Complex::new(2.5, -1.0));
    assert_eq!(report, CastReport { count: 5, overflowed: 1, ..CastReport::default() });
    let wide = job.cast::<Complex<f64>, _>(&array![3_u8, 4], Casting::Exact).to_array().unwrap();
    assert_eq!(wide, array![z(3.0, 0.0), z(4.0, 0.0)]);
    let error = job.cast::<f64, _>(&a, Casting::Exact).to_array().unwrap_err();
    assert!(error.to_string().contains("[1]") && error.to_string().contains("2.5"), "{error}");
}

#[test]
fn exact_casts_name_the_index_in_either_order() {
    let mut a = ndarray::Array2::<i32>::zeros((30, 40).f());
    a[[17, 23]] = 300;
    let error = Job::new().with_small_grid().cast::<u8, _>(&a, Casting::Exact).to_array().unwrap_err();
    assert!(error.to_string().contains("[17, 23] is 300, which u8 cannot hold"), "{error}");
    let error = Job::new().cast::<u8, _>(a.as_standard_layout().view(), Casting::Exact).to_array().unwrap_err();
    assert!(error.to_string().contains("[17, 23]"), "{error}");
}

#[test]
fn foreign_byte_orders_and_loose_bools_cast_too() {
    let job = Job::new();
    let be: Array1<Be<f64>> = [1.5, -2.0, 1e9].into_iter().map(Be::new).collect();
    assert_eq!(job.cast::<i16, _>(&be, Casting::Saturating).to_array().unwrap(), array![1, -2, i16::MAX]);
    let back = job.cast::<Be<i32>, _>(&array![1.0, -2.5, 7e4], Casting::Wrapping).to_array().unwrap();
    assert_eq!(back.mapv(Be::get), array![1, -2, 70_000]);
    let loose = array![Bool8::from_byte(0), Bool8::from_byte(7)];
    assert_eq!(job.cast::<f32, _>(&loose, Casting::Exact).to_array().unwrap(), array![0.0, 1.0]);
    assert_eq!(
        job.cast::<Bool8, _>(&array![0.0, f64::NAN], Casting::Wrapping).to_array().unwrap()[1],
        Bool8::from(true)
    );
}

#[test]
fn rint_rounds_to_the_even_neighbour() {
    let job = Job::new();
    let a = array![0.5_f64, 1.5, 2.5, -0.5, -1.5, 2.4, f64::NAN, f64::INFINITY, 1e300];
    assert_eq!(text(job.rint(&a).to_array().unwrap()), text(a.mapv(f64::round_ties_even)));
    assert_eq!(job.rint(&array![7_u8, 9]).to_array().unwrap(), array![7, 9]);
    let halves = array![f16::from_f32(2.5), f16::from_f32(-3.5)];
    assert_eq!(job.rint(&halves).to_array().unwrap().mapv(f64::from), array![2.0, -4.0]);
    let (rounded, report) = job.cast::<i8, _>(rint(&a), Casting::Saturating).to_array_and_report().unwrap();
    assert_eq!(rounded.to_vec(), [0, 2, 2, 0, -2, 2, 0, 127, 127]);
    assert_eq!((report.overflowed, report.nan_lost, report.inexact), (2, 1, 0));
}

#[test]
fn the_report_comes_with_every_way_out_and_does_not_depend_on_threads() {
    let dir = tempfile::tempdir().unwrap();
    let a: Array1<f64> = (0..100_000).map(|at| f64::from(at) * 0.25).collect();
    let expected = CastReport { count: 100_000, overflowed: 0, inexact: 75_000, nan_lost: 0, imaginary_lost: 0 };
    for threads in [1, 2, 3, 7] {
        let job = Job::new().threads(threads).with_small_grid();
        let path = dir.path().join(format!("{threads}.npy"));
        assert_eq!(job.cast::<u16, _>(&a, Casting::Wrapping).save(&path).unwrap(), expected);
        assert_eq!(ArrayFile::<u16>::open(&path).unwrap().read().unwrap(), a.mapv(|x| x as u16).into_dyn());
    }
    let mut out = Array1::<f32>::zeros(a.len());
    assert!(Job::new().cast::<f32, _>(map(&a, |x| x), Casting::Exact).write_to(&mut out).unwrap().is_exact());
}
