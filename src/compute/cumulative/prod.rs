//! The rule of running products.

use std::marker::PhantomData;

use crate::compute::kernel::{Native, Product, Scaled};

use super::rule::Rule;

/// Products in the type `A`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Products<A>(PhantomData<fn() -> A>);

/// A running product: `value * 2^exponent`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct State {
    value: f64,
    exponent: i64,
}

/// Exponents that leave room for many factors before a product overflows.
const ROOM: i64 = 500;

impl State {
    #[inline(always)]
    fn new(product: Scaled) -> Self {
        let (mantissa, exponent) = product.parts();
        if exponent.abs() <= ROOM {
            return Self { value: product.to_f64(), exponent: 0 };
        }
        Self { value: mantissa, exponent }
    }

    #[inline(always)]
    fn scaled(self) -> Scaled {
        Scaled::new(self.value, self.exponent)
    }

    /// A factor after which the product is too large or too small for its type, or might be.
    #[cold]
    fn far(self, factor: f64) -> Self {
        Self::new(self.scaled().multiply(Scaled::new(factor, 0)))
    }
}

impl<N: Native<Sum = f64, Center = f64>> Rule<N> for Products<f64> {
    type State = State;
    /// The mantissa and the exponent.
    type Carry = [f64; 2];
    type Out = f64;

    #[inline(always)]
    fn none(self) -> [f64; 2] {
        [1.0, 0.0]
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "an exponent is far below 2^53")]
    fn begin(self, [mantissa, exponent]: [f64; 2]) -> State {
        State::new(Scaled::new(mantissa, exponent as i64))
    }

    #[inline(always)]
    fn step(self, state: State, item: N) -> State {
        let factor = item.distance(0.0);
        let value = state.value * factor;
        // Zero, infinity and NaN stay what they are.
        let plain = (1e-250..1e250).contains(&value.abs()) || !state.value.is_normal();
        if plain { State { value, exponent: state.exponent } } else { state.far(factor) }
    }

    #[inline(always)]
    fn out(self, state: State) -> f64 {
        if state.exponent == 0 { state.value } else { state.scaled().to_f64() }
    }

    #[inline(always)]
    fn end(self, state: State) -> [f64; 2] {
        let (mantissa, exponent) = state.scaled().parts();
        [mantissa, exponent as f64]
    }

    #[inline(always)]
    fn total(self, items: &[N]) -> [f64; 2] {
        let (mantissa, exponent) = <Scaled as Product<N, f64>>::of_run(items).parts();
        [mantissa, exponent as f64]
    }

    #[inline(always)]
    fn join(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        let (mantissa, exponent) = Scaled::new(a[0] * b[0], 0).parts();
        [mantissa, exponent as f64 + a[1] + b[1]]
    }
}

#[cfg(feature = "complex")]
impl<N: Native<Sum = num_complex::Complex<f64>, Center = num_complex::Complex<f64>>> Rule<N>
    for Products<num_complex::Complex<f64>>
{
    type State = num_complex::Complex<f64>;
    type Carry = [f64; 2];
    type Out = num_complex::Complex<f64>;

    #[inline(always)]
    fn none(self) -> [f64; 2] {
        [1.0, 0.0]
    }

    #[inline(always)]
    fn begin(self, [re, im]: [f64; 2]) -> Self::State {
        Self::State::new(re, im)
    }

    #[inline(always)]
    fn step(self, state: Self::State, item: N) -> Self::State {
        state * item.distance(Self::State::default())
    }

    #[inline(always)]
    fn out(self, state: Self::State) -> Self::State {
        state
    }

    #[inline(always)]
    fn end(self, state: Self::State) -> [f64; 2] {
        [state.re, state.im]
    }

    #[inline(always)]
    fn total(self, items: &[N]) -> [f64; 2] {
        Rule::<N>::end(self, <Self::State as Product<N, Self::State>>::of_run(items))
    }

    #[inline(always)]
    fn join(self, [re, im]: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        let product = Self::State::new(re, im) * Self::State::new(b[0], b[1]);
        [product.re, product.im]
    }
}
