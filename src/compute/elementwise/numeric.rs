//! Functions of machine numbers: comparisons, truth, and the classes of floats, whose results are bools.

use ndarray::{DimMax, Dimension};

use super::expression::{Expression, Kernel};
use super::zip::binary;
use crate::compute::kernel::{Native, vectorised};
use crate::compute::{Job, Number, Output, Source};
use crate::element::Element;
use crate::error::Result;

/// A function of machine numbers, whatever form the elements have that they are decoded from.
struct OfNumbers<F>(F);

impl<A: Number, U: Element, F: Fn(A::Native) -> U + Sync> Kernel<(A,)> for OfNumbers<F> {
    type Elem = U;

    fn run(&self, _: u64, (a,): (&[A],), out: &mut Vec<U>) -> Result<()> {
        let mut buffer = Vec::new();
        let a = A::decode(a, &mut buffer);
        vectorised(
            #[inline(always)]
            || out.extend(a.iter().map(|&a| (self.0)(a))),
        );
        Ok(())
    }
}

impl<A, B, U: Element, F> Kernel<(A, B)> for OfNumbers<F>
where
    A: Number,
    B: Number<Native = A::Native>,
    F: Fn(A::Native, A::Native) -> U + Sync,
{
    type Elem = U;

    fn run(&self, _: u64, (a, b): (&[A], &[B]), out: &mut Vec<U>) -> Result<()> {
        let mut buffers = (Vec::new(), Vec::new());
        let (a, b) = (A::decode(a, &mut buffers.0), B::decode(b, &mut buffers.1));
        vectorised(
            #[inline(always)]
            || out.extend(a.iter().zip(b).map(|(&a, &b)| (self.0)(a, b))),
        );
        Ok(())
    }
}

/// The machine numbers of a source.
type NativeOf<S> = <<S as Source>::Elem as Number>::Native;

macro_rules! of_two_arrays {
    ($($name:ident, $what:literal, $f:expr;)*) => {
        $(
            #[doc = concat!("Where ", $what, ", as a source of bools.")]
            ///
            /// Shapes broadcast, and a number is an array without axes, as in [`zip`](super::zip()). The elements of both have
            /// the same machine number: `f64`, `Be<f64>` and `Le<f64>` go together. What has a NaN in it is not equal to
            /// anything, and neither less nor greater. Complex numbers are ordered as NumPy orders them. For truth, 0 is
            /// false, and everything else is true, NaN too.
            ///
            /// # Errors
            ///
            /// Those of [`zip`](super::zip()).
            pub fn $name<A, B, D>(a: A, b: B) -> Result<impl Source<Elem = bool, Dim = D>>
            where
                A: Source<Elem: Number, Dim: DimMax<B::Dim, Output = D>>,
                B: Source<Elem: Number<Native = NativeOf<A>>>,
                D: Dimension,
            {
                binary(a, b, OfNumbers(typed::<NativeOf<A>, _>($f)))
            }
        )*

        /// Comparisons and truth.
        impl Job<'_> {
            $(
                #[doc = concat!("Where ", $what, ": an array of bools.")]
                #[doc = concat!("[`", stringify!($name), "`](super::", stringify!($name), "()) is the same as an expression, and says more.")]
                ///
                /// # Errors
                ///
                /// Those of [`zip`](super::zip()); when it is computed, those of [`Job::copy`].
                pub fn $name<'a, A, B, D>(&'a self, a: A, b: B) -> Result<Output<'a, bool, D>>
                where
                    A: Source<Elem: Number, Dim: DimMax<B::Dim, Output = D>> + 'a,
                    B: Source<Elem: Number<Native = NativeOf<A>>> + 'a,
                    D: Dimension + 'a,
                {
                    Ok(self.copy($name(a, b)?))
                }
            )*
        }
    };
}

/// Names the type of the arguments, which the compiler does not find out by itself.
fn typed<N: Native, F: Fn(N, N) -> bool + Sync>(f: F) -> F {
    f
}

of_two_arrays! {
    equal, "`a == b`", |a, b| a == b;
    not_equal, "`a != b`", |a, b| a != b;
    less, "`a < b`", Native::less;
    less_equal, "`a <= b`", |a, b| a.less(b) | (a == b);
    greater, "`a > b`", |a, b| b.less(a);
    greater_equal, "`a >= b`", |a, b| b.less(a) | (a == b);
    logical_and, "`a` and `b` are true", |a, b| !a.is_zero() & !b.is_zero();
    logical_or, "`a` or `b` is true", |a, b| !a.is_zero() | !b.is_zero();
    logical_xor, "one of `a` and `b` is true and the other is not", |a, b| a.is_zero() != b.is_zero();
}

macro_rules! of_an_array {
    ($($name:ident, $what:literal, $f:expr;)*) => {
        $(
            #[doc = concat!("Where an element is ", $what, ", as a source of bools.")]
            pub fn $name<S: Source<Elem: Number>>(a: S) -> impl Source<Elem = bool, Dim = S::Dim> {
                let (dim, order) = (a.dim(), a.order());
                let f: fn(NativeOf<S>) -> bool = $f;
                Expression { inputs: (a,), dim, order, kernel: OfNumbers(f) }
            }
        )*

        /// Classes of numbers.
        impl Job<'_> {
            $(
                #[doc = concat!("Where an element is ", $what, ": an array of bools.")]
                ///
                /// # Errors
                ///
                /// Those of [`Job::copy`].
                pub fn $name<'a, S: Source<Elem: Number> + 'a>(&'a self, a: S) -> Output<'a, bool, S::Dim> {
                    self.copy($name(a))
                }
            )*
        }
    };
}

of_an_array! {
    logical_not, "false: equal to 0", |a| a.is_zero();
    is_nan, "NaN, or has a part that is", |a| a.is_nan();
    is_infinite, "infinite, or has a part that is, and none that is NaN", |a| a.is_inf();
    is_finite, "neither NaN nor infinite, in no part", |a| !a.is_nan() & !a.is_inf();
}
