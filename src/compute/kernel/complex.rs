//! Complex numbers: sums in double precision by lanes, order by real part and then imaginary part.

use num_complex::Complex;

use super::{Center, LANES, Native, Survey, fold_lanes};

impl Center for Complex<f64> {
    fn over(self, divisor: f64) -> Self {
        self / divisor
    }

    #[inline(always)]
    fn square(self) -> f64 {
        self.re * self.re + self.im * self.im
    }
}

macro_rules! complexes {
    ($($part:ty, $from:expr;)*) => {$(
        impl Native for Complex<$part> {
            type Sum = Complex<f64>;
            type Center = Complex<f64>;
            type Product = Complex<f64>;
            type RowSum = Complex<f64>;

            const NAN: Option<Self> = Some(Self { re: <$part>::NAN, im: <$part>::NAN });

            #[inline(always)]
            fn less(self, other: Self) -> bool {
                if Native::is_nan(self) || Native::is_nan(other) {
                    return false;
                }
                self.re < other.re || (self.re == other.re && self.im < other.im)
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                self.re.is_nan() || self.im.is_nan()
            }

            #[inline(always)]
            fn is_inf(self) -> bool {
                !Native::is_nan(self) && (self.re.is_infinite() || self.im.is_infinite())
            }

            #[inline(always)]
            fn is_zero(self) -> bool {
                self.re == 0.0 && self.im == 0.0
            }

            #[inline(always)]
            fn widen(self) -> Complex<f64> {
                Complex::new(($from)(self.re), ($from)(self.im))
            }

            #[inline(always)]
            fn row_sum(sum: Complex<f64>) -> Complex<f64> {
                sum
            }

            #[inline(always)]
            fn is_finite(sum: Complex<f64>) -> bool {
                sum.re.is_finite() && sum.im.is_finite()
            }

            fn nan_center() -> Complex<f64> {
                Complex::new(f64::NAN, f64::NAN)
            }

            #[inline(always)]
            fn center(sum: Complex<f64>, count: u64) -> Complex<f64> {
                Complex::new(sum.re / count as f64, sum.im / count as f64)
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the value was of this type")]
            fn narrowed(value: f64) -> Self {
                Self::new(value as $part, 0.0)
            }

            #[inline(always)]
            fn magnitude(self) -> f64 {
                self.widen().norm()
            }

            #[inline(always)]
            fn distance(self, center: Complex<f64>) -> Complex<f64> {
                self.widen() - center
            }

            #[inline(always)]
            fn survey<const SUM: bool, const EXTREMES: bool, const ZEROS: bool>(items: &[Self]) -> Survey<Self> {
                let mut survey = Survey {
                    sum: Complex::default(),
                    min: Self::new(<$part>::INFINITY, <$part>::INFINITY),
                    max: Self::new(<$part>::NEG_INFINITY, <$part>::NEG_INFINITY),
                    zeros: 0,
                };
                if SUM {
                    survey.sum = sum(items);
                }
                if EXTREMES || ZEROS {
                    for &item in items {
                        survey.min = if item.less(survey.min) { item } else { survey.min };
                        survey.max = if survey.max.less(item) { item } else { survey.max };
                        survey.zeros += u64::from(item.is_zero());
                    }
                }
                survey
            }

            #[inline(always)]
            fn spread(items: &[Self], _: Complex<f64>, center: Complex<f64>) -> (Complex<f64>, f64) {
                let (chunks, rest) = items.as_chunks::<{ LANES / 2 }>();
                let (mut first, mut second) = {
                    let mut first = [Complex::<f64>::default(); LANES / 2];
                    let mut second = [0.0; LANES / 2];
                    for chunk in chunks {
                        for lane in 0..LANES / 2 {
                            let distance = chunk[lane].distance(center);
                            first[lane] += distance;
                            second[lane] += distance.square();
                        }
                    }
                    (first, second)
                };
                for (lane, &item) in rest.iter().enumerate() {
                    let distance = item.distance(center);
                    first[lane] += distance;
                    second[lane] += distance.square();
                }
                (fold_lanes(&first, |a, b| a + b), fold_lanes(&second, |a, b| a + b))
            }
        }
    )*};
}

/// The parts lie in turn: even lanes are real, odd lanes imaginary.
#[inline(always)]
fn sum<T: Native<Sum = Complex<f64>, RowSum = Complex<f64>>>(items: &[T]) -> Complex<f64> {
    let (chunks, rest) = items.as_chunks::<{ LANES / 2 }>();
    let mut lanes = {
        let mut lanes = [Complex::<f64>::default(); LANES / 2];
        for chunk in chunks {
            for lane in 0..LANES / 2 {
                lanes[lane] += chunk[lane].widen();
            }
        }
        lanes
    };
    for (lane, &item) in rest.iter().enumerate() {
        lanes[lane] += item.widen();
    }
    fold_lanes(&lanes, |a, b| a + b)
}

complexes! {
    f32, f64::from;
    f64, |part: f64| part;
}
