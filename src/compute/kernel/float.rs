//! `f32` and `f64`: sums and squares in `f64`.

use super::{LANES, Native, Survey, centred, fold_lanes};

macro_rules! floats {
    ($($type:ty, $count:ty, $from:expr;)*) => {$(
        impl Native for $type {
            type Sum = f64;
            type Center = f64;
            type Product = super::product::Scaled;
            type RowSum = f64;

            const NAN: Option<Self> = Some(Self::NAN);

            #[inline(always)]
            fn less(self, other: Self) -> bool {
                self < other
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                self != self
            }

            #[inline(always)]
            fn is_inf(self) -> bool {
                self.is_infinite()
            }

            #[inline(always)]
            fn is_zero(self) -> bool {
                self == 0.0
            }

            #[inline(always)]
            fn widen(self) -> f64 {
                ($from)(self)
            }

            #[inline(always)]
            fn row_sum(sum: f64) -> f64 {
                sum
            }

            #[inline(always)]
            fn is_finite(sum: f64) -> bool {
                sum.is_finite()
            }

            fn nan_center() -> f64 {
                f64::NAN
            }

            #[inline(always)]
            fn center(sum: f64, count: u64) -> f64 {
                sum / count as f64
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the value was of this type")]
            fn narrowed(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn magnitude(self) -> f64 {
                ($from)(self).abs()
            }

            #[inline(always)]
            fn distance(self, center: f64) -> f64 {
                ($from)(self) - center
            }

            #[inline(always)]
            fn survey<const SUM: bool, const EXTREMES: bool, const ZEROS: bool>(items: &[Self]) -> Survey<Self> {
                let (chunks, rest) = items.as_chunks::<LANES>();
                let (mut sum, mut min, mut max, mut zeros) = {
                    let mut sum = [0.0; LANES];
                    let mut min = [Self::INFINITY; LANES];
                    let mut max = [Self::NEG_INFINITY; LANES];
                    let mut zeros: [$count; LANES] = [0; LANES];
                    for chunk in chunks {
                        for lane in 0..LANES {
                            let item = chunk[lane];
                            if SUM {
                                sum[lane] += ($from)(item);
                            }
                            if EXTREMES {
                                min[lane] = if item < min[lane] { item } else { min[lane] };
                                max[lane] = if item > max[lane] { item } else { max[lane] };
                            }
                            if ZEROS {
                                zeros[lane] += <$count>::from(item == 0.0);
                            }
                        }
                    }
                    (sum, min, max, zeros)
                };
                for (lane, &item) in rest.iter().enumerate() {
                    sum[lane] += ($from)(item);
                    min[lane] = if item < min[lane] { item } else { min[lane] };
                    max[lane] = if item > max[lane] { item } else { max[lane] };
                    zeros[lane] += <$count>::from(item == 0.0);
                }
                Survey {
                    sum: fold_lanes(&sum, |a, b| a + b),
                    min: fold_lanes(&min, |a, b| if b < a { b } else { a }),
                    max: fold_lanes(&max, |a, b| if b > a { b } else { a }),
                    zeros: fold_lanes(&zeros, |a, b| a + b).into(),
                }
            }

            #[inline(always)]
            fn spread(items: &[Self], _: f64, center: f64) -> (f64, f64) {
                centred(items, center)
            }
        }
    )*};
}

floats! {
    f32, u32, f64::from;
    f64, u64, |item| item;
}
