//! Integers: sums are exact, so their loops need no fixed order and the compiler is free to choose the lanes.

use super::{Native, Survey, centred};

/// Elements after which the narrow sums are emptied.
const PIECE: usize = 1 << 13;

/// What every integer type has in common. `$row` holds the sum of a band; `$sum` and `$spread` are the loops of a piece.
macro_rules! ints {
    ($($type:ty, $row:ty, $sum:expr, $spread:expr;)*) => {$(
        impl Native for $type {
            type Sum = i128;
            type Center = f64;
            type Product = super::product::Exact;
            type RowSum = $row;

            const NAN: Option<Self> = None;

            #[inline(always)]
            fn less(self, other: Self) -> bool {
                self < other
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }

            #[inline(always)]
            fn is_inf(self) -> bool {
                false
            }

            #[inline(always)]
            fn is_zero(self) -> bool {
                self == 0
            }

            #[inline(always)]
            fn widen(self) -> $row {
                <$row>::from(self)
            }

            #[inline(always)]
            fn row_sum(sum: $row) -> i128 {
                i128::from(sum)
            }

            #[inline(always)]
            fn is_finite(_: i128) -> bool {
                true
            }

            fn nan_center() -> f64 {
                f64::NAN
            }

            #[inline(always)]
            fn center(sum: i128, count: u64) -> f64 {
                sum as f64 / count as f64
            }

            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "the value was of this type")]
            #[allow(clippy::cast_sign_loss, reason = "the value was of this type")]
            fn narrowed(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn magnitude(self) -> f64 {
                (self as f64).abs()
            }

            #[inline(always)]
            fn distance(self, center: f64) -> f64 {
                self as f64 - center
            }

            #[inline(always)]
            fn survey<const SUM: bool, const EXTREMES: bool, const ZEROS: bool>(items: &[Self]) -> Survey<Self> {
                let mut survey = Survey { sum: 0, min: Self::MAX, max: Self::MIN, zeros: 0 };
                for piece in items.chunks(PIECE) {
                    if SUM {
                        survey.sum += i128::from($sum(piece));
                    }
                    if EXTREMES {
                        let (mut min, mut max) = (Self::MAX, Self::MIN);
                        for &item in piece {
                            min = min.min(item);
                            max = max.max(item);
                        }
                        survey.min = survey.min.min(min);
                        survey.max = survey.max.max(max);
                    }
                    if ZEROS {
                        // A piece has fewer elements than a `u16` can count.
                        survey.zeros += u64::from(piece.iter().map(|&item| u16::from(item == 0)).sum::<u16>());
                    }
                }
                survey
            }

            #[inline(always)]
            fn spread(items: &[Self], sum: i128, center: f64) -> (f64, f64) {
                $spread(items, sum, center)
            }
        }
    )*};
}

/// The sum of a piece in `$wide`, which holds the largest sum of a piece.
macro_rules! sum_in {
    ($wide:ty) => {
        |items: &[_]| items.iter().map(|&item| <$wide>::from(item)).sum::<$wide>()
    };
}

/// The sum of a piece in halves, neither of which can overflow: the low 32 bits and the rest.
macro_rules! sum_in_halves {
    ($type:ty) => {
        |items: &[$type]| {
            let (mut low, mut high) = (0, 0);
            for &item in items {
                low += item & 0xffff_ffff;
                high += item >> 32;
            }
            (i128::from(high) << 32) + i128::from(low)
        }
    };
}

/// Squares of small integers in `$wide`, exact: `(n sum(x^2) - sum(x)^2) / n`.
macro_rules! exact_squares {
    ($wide:ty) => {
        |items: &[_], sum: i128, _: f64| {
            let squares: i128 = items
                .chunks(PIECE)
                .map(|piece| i128::from(piece.iter().map(|&item| <$wide>::from(item).pow(2)).sum::<$wide>()))
                .sum();
            let count = items.len() as i128;
            (0.0, (count * squares - sum * sum) as f64 / count as f64)
        }
    };
}

/// Squares of large integers: in `f64`, around the center.
macro_rules! centred_squares {
    () => {
        |items, _: i128, center: f64| centred(items, center)
    };
}

ints! {
    i8, i64, sum_in!(i32), exact_squares!(i32);
    u8, i64, sum_in!(u32), exact_squares!(i32);
    i16, i64, sum_in!(i32), exact_squares!(i64);
    u16, i64, sum_in!(u32), exact_squares!(i64);
    i32, i64, sum_in!(i64), centred_squares!();
    u32, i64, sum_in!(u64), centred_squares!();
    i64, i128, sum_in_halves!(i64), centred_squares!();
    u64, i128, sum_in_halves!(u64), centred_squares!();
}
