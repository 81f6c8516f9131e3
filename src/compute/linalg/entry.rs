//! Which element types make matrices, and the numbers that their products are computed in.

use std::fmt::Debug;
use std::ops::{AddAssign, Mul, Sub};

use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, MatMut, MatRef, Par};
#[cfg(feature = "complex")]
use num_complex::Complex;

use crate::compute::Number;
use crate::compute::kernel::{Native, vectorised};
use crate::element::Element;
use crate::shape::Order;

/// An element type of matrices. The trait is sealed.
///
/// | elements | [`Product`](Self::Product) |
/// |---|---|
/// | `f64`, all integers, `bool`, [`Bool8`](crate::Bool8) | `f64` |
/// | `f32`, `f16`, `bf16` | `f32` |
/// | `Complex<f32>`, `Complex<f64>` | the same |
/// | [`Be<T>`](crate::Be), [`Le<T>`](crate::Le) | that of `T` |
///
/// Products of integers are computed in `f64`: exact as long as no sum passes 2^53, where NumPy would compute in
/// integers that wrap around.
pub trait Entry: Number<Native: Operand<Field = Self::Product>> {
    /// The type of an entry of a product.
    type Product: Field;
}

impl<T: Number<Native: Operand>> Entry for T {
    type Product = <T::Native as Operand>::Field;
}

/// An [`Entry`] that is a real number: an integer, a `bool` or a float of any size. What is made of such matrices other
/// than products is computed in `f64`. The trait is sealed.
pub trait RealEntry: Entry + Number<Native: Real, Mean = f64> {}

impl<T: Entry + Number<Native: Real, Mean = f64>> RealEntry for T {}

/// A machine number that can be a factor.
#[doc(hidden)]
pub trait Operand: Native {
    /// What it is multiplied as.
    type Field: Field;

    /// The same numbers as factors, in the buffer where they have to be converted.
    fn fields<'a>(items: &'a [Self], buffer: &'a mut Vec<Self::Field>) -> &'a [Self::Field];
}

/// A machine number that is a real number.
#[doc(hidden)]
pub trait Real: Operand {
    /// The same numbers in double precision, in the buffer where they have to be converted.
    fn reals<'a>(items: &'a [Self], buffer: &'a mut Vec<f64>) -> &'a [f64];
}

/// Part of a matrix in memory: rows or columns of `stride` items, of which the first ones belong to it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a, F> {
    pub(super) items: &'a [F],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) stride: usize,
    pub(super) order: Order,
}

impl<'a, F> Tile<'a, F> {
    pub(super) fn t(self) -> Self {
        let order = if self.order == Order::C { Order::F } else { Order::C };
        Self { rows: self.cols, cols: self.rows, order, ..self }
    }

    pub(super) fn mat(self) -> MatRef<'a, F> {
        match self.order {
            Order::C => MatRef::from_row_major_slice_with_stride(self.items, self.rows, self.cols, self.stride),
            Order::F => MatRef::from_column_major_slice_with_stride(self.items, self.rows, self.cols, self.stride),
        }
    }
}

/// Terms that are added to a sum at once. Each entry of a product is a sum over pieces of that length, one after the
/// other, in an order that does not depend on anything else: how the product is cut, read and shared among threads
/// leaves no trace.
pub(super) const DEPTH: usize = 256;

/// A type in which products are computed.
#[doc(hidden)]
pub trait Field:
    Native + Element + AddAssign + Sub<Output = Self> + Mul<Output = Self> + Debug + Default + Operand<Field = Self>
{
    /// Adds `a * b` to the row-major matrix `c`.
    fn accumulate(c: &mut [Self], a: Tile<'_, Self>, b: Tile<'_, Self>);

    /// Adds the lower triangle of `a * b` to the row-major square matrix `c`.
    fn accumulate_lower(c: &mut [Self], a: Tile<'_, Self>, b: Tile<'_, Self>);

    /// What inner products are summed in.
    type Wide: Copy + Default + AddAssign + Send;

    /// The sum of the products of two runs of the same length, without conjugation.
    fn inner(x: &[Self], y: &[Self]) -> Self::Wide;

    /// The nearest number.
    fn narrow(wide: Self::Wide) -> Self;
}

/// Lanes of an inner product.
const LANES: usize = 32;

/// The sum of products in lanes, whose number decides the bits.
#[inline(always)]
fn inner<F: Copy, W: Copy + Default + AddAssign + Mul<Output = W>>(x: &[F], y: &[F], widen: impl Fn(F) -> W) -> W {
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    let mut lanes = {
        let mut lanes = [W::default(); LANES];
        for (x, y) in x_chunks.iter().zip(y_chunks) {
            for lane in 0..LANES {
                lanes[lane] += widen(x[lane]) * widen(y[lane]);
            }
        }
        lanes
    };
    for (lane, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
        lanes[lane] += widen(x) * widen(y);
    }
    fold_lanes(&lanes)
}

/// Folds lanes pairwise; a call of its own, so that the loop above stays a vector loop.
#[inline(never)]
fn fold_lanes<W: Copy + AddAssign>(lanes: &[W; LANES]) -> W {
    let mut lanes = *lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let upper = lanes[lane + half];
            lanes[lane] += upper;
        }
        half /= 2;
    }
    lanes[0]
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest number")]
fn to_f32(x: f64) -> f32 {
    x as f32
}

#[cfg(feature = "complex")]
#[inline(always)]
fn widened(x: Complex<f32>) -> Complex<f64> {
    Complex::new(f64::from(x.re), f64::from(x.im))
}

#[cfg(feature = "complex")]
fn narrowed(x: Complex<f64>) -> Complex<f32> {
    Complex::new(to_f32(x.re), to_f32(x.im))
}

macro_rules! fields {
    ($($(#[$cfg:meta])? $type:ty, $one:expr, $wide:ty, $widen:expr, $narrow:expr;)*) => {$(
        $(#[$cfg])?
        impl Field for $type {
            type Wide = $wide;

            fn inner(x: &[Self], y: &[Self]) -> $wide {
                vectorised(
                    #[inline(always)]
                    || inner(x, y, $widen),
                )
            }

            fn narrow(wide: $wide) -> Self {
                ($narrow)(wide)
            }

            fn accumulate(c: &mut [Self], a: Tile<'_, Self>, b: Tile<'_, Self>) {
                let mut c = MatMut::from_row_major_slice_mut(c, a.rows, b.cols);
                let (a, b) = (a.mat(), b.mat());
                for start in (0..a.ncols()).step_by(DEPTH) {
                    let depth = DEPTH.min(a.ncols() - start);
                    let (a, b) = (a.subcols(start, depth), b.subrows(start, depth));
                    matmul(c.as_mut(), Accum::Add, a, b, $one, Par::Seq);
                }
            }

            fn accumulate_lower(c: &mut [Self], a: Tile<'_, Self>, b: Tile<'_, Self>) {
                use triangular::BlockStructure::{Rectangular, TriangularLower};
                let mut c = MatMut::from_row_major_slice_mut(c, a.rows, b.cols);
                let (a, b) = (a.mat(), b.mat());
                for start in (0..a.ncols()).step_by(DEPTH) {
                    let depth = DEPTH.min(a.ncols() - start);
                    let (a, b) = (a.subcols(start, depth), b.subrows(start, depth));
                    let c = c.as_mut();
                    triangular::matmul(c, TriangularLower, Accum::Add, a, Rectangular, b, Rectangular, $one, Par::Seq);
                }
            }
        }

        $(#[$cfg])?
        impl Operand for $type {
            type Field = Self;

            fn fields<'a>(items: &'a [Self], _: &'a mut Vec<Self>) -> &'a [Self] {
                items
            }
        }
    )*};
}

fields! {
    f32, 1.0, f64, f64::from, to_f32;
    f64, 1.0, f64, |x| x, |x| x;
    #[cfg(feature = "complex")] Complex<f32>, Complex::new(1.0, 0.0), Complex<f64>, widened, narrowed;
    #[cfg(feature = "complex")] Complex<f64>, Complex::new(1.0, 0.0), Complex<f64>, |x| x, |x| x;
}

/// Converts to double precision, on the vector units at hand.
fn widen<N: Native<Center = f64>>(items: &[N], buffer: &mut Vec<f64>) {
    buffer.clear();
    vectorised(
        #[inline(always)]
        || buffer.extend(items.iter().map(|&item| item.distance(0.0))),
    );
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Operand for $type {
            type Field = f64;

            fn fields<'a>(items: &'a [Self], buffer: &'a mut Vec<f64>) -> &'a [f64] {
                widen(items, buffer);
                buffer
            }
        }

        impl Real for $type {
            fn reals<'a>(items: &'a [Self], buffer: &'a mut Vec<f64>) -> &'a [f64] {
                widen(items, buffer);
                buffer
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl Real for f32 {
    fn reals<'a>(items: &'a [Self], buffer: &'a mut Vec<f64>) -> &'a [f64] {
        widen(items, buffer);
        buffer
    }
}

impl Real for f64 {
    fn reals<'a>(items: &'a [Self], _: &'a mut Vec<f64>) -> &'a [f64] {
        items
    }
}
