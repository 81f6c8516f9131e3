//! The rule of running sums.

use std::marker::PhantomData;

use crate::compute::kernel::Native;

use super::rule::Rule;

/// Sums in the type `A`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums<A>(PhantomData<fn() -> A>);

/// Adds two unevaluated sums of two doubles: the sum of the first parts is exact, by Knuth's formula.
#[inline(always)]
fn add([a, low_a]: [f64; 2], [b, low_b]: [f64; 2]) -> [f64; 2] {
    let sum = a + b;
    let taken = sum - a;
    let low = (a - (sum - taken)) + (b - taken) + (low_a + low_b);
    // Infinities and NaN have no second part.
    if low.is_finite() { [sum, low] } else { [sum, 0.0] }
}

impl<N: Native<Sum = f64, Center = f64>> Rule<N> for Sums<f64> {
    type State = f64;
    type Carry = [f64; 2];
    type Out = f64;

    #[inline(always)]
    fn none(self) -> [f64; 2] {
        [0.0; 2]
    }

    #[inline(always)]
    fn begin(self, [sum, low]: [f64; 2]) -> f64 {
        sum + low
    }

    #[inline(always)]
    fn step(self, state: f64, item: N) -> f64 {
        state + item.distance(0.0)
    }

    #[inline(always)]
    fn out(self, state: f64) -> f64 {
        state
    }

    #[inline(always)]
    fn end(self, state: f64) -> [f64; 2] {
        [state, 0.0]
    }

    #[inline(always)]
    fn total(self, items: &[N]) -> [f64; 2] {
        [N::survey::<true, false, false>(items).sum, 0.0]
    }

    #[inline(always)]
    fn join(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        add(a, b)
    }
}

#[cfg(feature = "complex")]
impl<N: Native<Sum = num_complex::Complex<f64>, Center = num_complex::Complex<f64>>> Rule<N>
    for Sums<num_complex::Complex<f64>>
{
    type State = num_complex::Complex<f64>;
    type Carry = [[f64; 2]; 2];
    type Out = num_complex::Complex<f64>;

    #[inline(always)]
    fn none(self) -> Self::Carry {
        [[0.0; 2]; 2]
    }

    #[inline(always)]
    fn begin(self, [re, im]: Self::Carry) -> Self::State {
        Self::State::new(re[0] + re[1], im[0] + im[1])
    }

    #[inline(always)]
    fn step(self, state: Self::State, item: N) -> Self::State {
        state + item.distance(Self::State::default())
    }

    #[inline(always)]
    fn out(self, state: Self::State) -> Self::State {
        state
    }

    #[inline(always)]
    fn end(self, state: Self::State) -> Self::Carry {
        [[state.re, 0.0], [state.im, 0.0]]
    }

    #[inline(always)]
    fn total(self, items: &[N]) -> Self::Carry {
        Rule::<N>::end(self, N::survey::<true, false, false>(items).sum)
    }

    #[inline(always)]
    fn join(self, a: Self::Carry, b: Self::Carry) -> Self::Carry {
        [add(a[0], b[0]), add(a[1], b[1])]
    }
}

/// Sums modulo 2^64. The first sum beyond the range comes from one that is exact, so it is always found.
macro_rules! integers {
    ($($type:ident),*) => {$(
        impl<N: Native<Sum = i128>> Rule<N> for Sums<$type> {
            type State = $type;
            type Carry = $type;
            type Out = $type;

            #[inline(always)]
            fn none(self) -> $type {
                0
            }

            #[inline(always)]
            fn begin(self, carry: $type) -> $type {
                carry
            }

            #[inline(always)]
            fn step(self, state: $type, item: N) -> $type {
                state.wrapping_add(modulo::$type(item))
            }

            #[inline(always)]
            fn overflows(self, before: $type, item: N, _: $type) -> bool {
                before.overflowing_add(modulo::$type(item)).1
            }

            #[inline(always)]
            fn out(self, state: $type) -> $type {
                state
            }

            #[inline(always)]
            fn end(self, state: $type) -> $type {
                state
            }

            #[inline(always)]
            fn total(self, items: &[N]) -> $type {
                items.iter().fold(0, |sum: $type, &item| sum.wrapping_add(modulo::$type(item)))
            }

            #[inline(always)]
            fn join(self, a: $type, b: $type) -> $type {
                a.wrapping_add(b)
            }
        }
    )*};
}
integers!(i64, u64);

/// Integers as 64 bits, which hold every element whose type sums up in that type.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the elements have 64 bits or fewer")]
pub(super) mod modulo {
    use super::Native;

    #[inline(always)]
    pub(in crate::compute::cumulative) fn i64<N: Native<Sum = i128>>(item: N) -> i64 {
        N::row_sum(item.widen()) as i64
    }

    #[inline(always)]
    pub(in crate::compute::cumulative) fn u64<N: Native<Sum = i128>>(item: N) -> u64 {
        N::row_sum(item.widen()) as u64
    }
}
