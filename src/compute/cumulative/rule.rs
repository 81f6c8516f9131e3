//! What a cumulative operation is: its arithmetic on one element after the other, and between runs of elements.

use std::marker::PhantomData;

use bytemuck::Pod;

use super::prod::Products;
use super::sum::Sums;
use crate::compute::kernel::Native;
use crate::element::Element;

/// The arithmetic of a cumulative operation on items of type `I`.
#[doc(hidden)]
pub trait Rule<I: Copy>: Copy + Send + Sync {
    /// What is known after an element.
    type State: Copy + Send + Sync;
    /// The same between runs of elements, with more digits where that takes more room.
    type Carry: Pod + Send + Sync;
    /// The result at an element.
    type Out: Copy + Send + Sync;

    /// Before any element.
    fn none(self) -> Self::Carry;
    /// The beginning of a run.
    fn begin(self, carry: Self::Carry) -> Self::State;
    /// The next element.
    fn step(self, state: Self::State, item: I) -> Self::State;
    /// Whether that step has left the range of the type.
    fn overflows(self, _before: Self::State, _item: I, _after: Self::State) -> bool {
        false
    }
    /// The result.
    fn out(self, state: Self::State) -> Self::Out;
    /// The end of a run that began with nothing.
    fn end(self, state: Self::State) -> Self::Carry;
    /// A whole run at once.
    fn total(self, items: &[I]) -> Self::Carry;
    /// A run and the run after it.
    fn join(self, a: Self::Carry, b: Self::Carry) -> Self::Carry;
}

/// The element type of the results over machine numbers of type `N`, with its rules.
#[doc(hidden)]
pub trait Accumulator<N: Native>: Element {
    /// Running sums.
    type Sums: Rule<N, Out = Self> + Default;
    /// Running products.
    type Products: Rule<N, Out = Self> + Default;
}

/// A rule for the elements that are not NaN: the others change nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SkipNan<R>(pub(super) R);

impl<N: Native, R: Rule<N>> Rule<N> for SkipNan<R> {
    type State = R::State;
    type Carry = R::Carry;
    type Out = R::Out;

    #[inline(always)]
    fn none(self) -> R::Carry {
        self.0.none()
    }

    #[inline(always)]
    fn begin(self, carry: R::Carry) -> R::State {
        self.0.begin(carry)
    }

    #[inline(always)]
    fn step(self, state: R::State, item: N) -> R::State {
        if item.is_nan() { state } else { self.0.step(state, item) }
    }

    #[inline(always)]
    fn overflows(self, before: R::State, item: N, after: R::State) -> bool {
        self.0.overflows(before, item, after)
    }

    #[inline(always)]
    fn out(self, state: R::State) -> R::Out {
        self.0.out(state)
    }

    #[inline(always)]
    fn end(self, state: R::State) -> R::Carry {
        self.0.end(state)
    }

    #[inline(always)]
    fn total(self, items: &[N]) -> R::Carry {
        if N::NAN.is_none() || N::is_finite(N::survey::<true, false, false>(items).sum) {
            return self.0.total(items);
        }
        let start = self.begin(self.none());
        self.end(items.iter().fold(start, |state, &item| self.step(state, item)))
    }

    #[inline(always)]
    fn join(self, a: R::Carry, b: R::Carry) -> R::Carry {
        self.0.join(a, b)
    }
}

/// The rule `R` on items of type `I`, applied to what is between runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined<R, I>(R, PhantomData<fn() -> I>);

impl<R, I> Joined<R, I> {
    pub(super) fn new(rule: R) -> Self {
        Self(rule, PhantomData)
    }
}

impl<I: Copy, R: Rule<I>> Rule<R::Carry> for Joined<R, I> {
    type State = R::Carry;
    type Carry = R::Carry;
    type Out = R::Carry;

    #[inline(always)]
    fn none(self) -> R::Carry {
        self.0.none()
    }

    #[inline(always)]
    fn begin(self, carry: R::Carry) -> R::Carry {
        carry
    }

    #[inline(always)]
    fn step(self, state: R::Carry, item: R::Carry) -> R::Carry {
        self.0.join(state, item)
    }

    #[inline(always)]
    fn out(self, state: R::Carry) -> R::Carry {
        state
    }

    #[inline(always)]
    fn end(self, state: R::Carry) -> R::Carry {
        state
    }

    #[inline(always)]
    fn total(self, items: &[R::Carry]) -> R::Carry {
        items.iter().fold(self.none(), |total, &item| self.0.join(total, item))
    }

    #[inline(always)]
    fn join(self, a: R::Carry, b: R::Carry) -> R::Carry {
        self.0.join(a, b)
    }
}

impl<N: Native<Sum = f64, Center = f64>> Accumulator<N> for f64 {
    type Sums = Sums<Self>;
    type Products = Products<Self>;
}

impl<N: Native<Sum = i128>> Accumulator<N> for i64 {
    type Sums = Sums<Self>;
    type Products = Products<Self>;
}

impl<N: Native<Sum = i128>> Accumulator<N> for u64 {
    type Sums = Sums<Self>;
    type Products = Products<Self>;
}

#[cfg(feature = "complex")]
impl<N> Accumulator<N> for num_complex::Complex<f64>
where
    N: Native<Sum = Self, Center = Self>,
{
    type Sums = Sums<Self>;
    type Products = Products<Self>;
}
