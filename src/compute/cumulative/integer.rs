//! The rules of running sums and products of integers: modulo 2^64, in `i64` or `u64`.
//!
//! The first result beyond the range comes from one that is exact, so it is always found.

use super::prod::Products;
use super::rule::Rule;
use super::sum::Sums;
use crate::compute::kernel::Native;

macro_rules! integers {
    ($($rule:ident<$type:ident>: $none:literal, $wrapping:ident, $overflowing:ident;)*) => {$(
        impl<N: Native<Sum = i128>> Rule<N> for $rule<$type> {
            type State = $type;
            type Carry = $type;
            type Out = $type;

            #[inline(always)]
            fn none(self) -> $type {
                $none
            }

            #[inline(always)]
            fn begin(self, carry: $type) -> $type {
                carry
            }

            #[inline(always)]
            fn step(self, state: $type, item: N) -> $type {
                state.$wrapping(modulo::$type(item))
            }

            #[inline(always)]
            fn overflows(self, before: $type, item: N, _: $type) -> bool {
                before.$overflowing(modulo::$type(item)).1
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
                items.iter().fold($none, |total: $type, &item| total.$wrapping(modulo::$type(item)))
            }

            #[inline(always)]
            fn join(self, a: $type, b: $type) -> $type {
                a.$wrapping(b)
            }
        }
    )*};
}

integers! {
    Sums<i64>: 0, wrapping_add, overflowing_add;
    Sums<u64>: 0, wrapping_add, overflowing_add;
    Products<i64>: 1, wrapping_mul, overflowing_mul;
    Products<u64>: 1, wrapping_mul, overflowing_mul;
}

/// Integers as 64 bits, which hold every element whose type sums up in that type.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the elements have 64 bits or fewer")]
mod modulo {
    use super::Native;

    #[inline(always)]
    pub(super) fn i64<N: Native<Sum = i128>>(item: N) -> i64 {
        N::row_sum(item.widen()) as i64
    }

    #[inline(always)]
    pub(super) fn u64<N: Native<Sum = i128>>(item: N) -> u64 {
        N::row_sum(item.widen()) as u64
    }
}
