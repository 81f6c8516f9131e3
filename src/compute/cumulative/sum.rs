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
