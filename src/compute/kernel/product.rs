//! Products: of floats with an exponent that cannot overflow, of integers exactly.

use super::{LANES, Native, Rows, WIDE, fold_lanes};

/// A product of factors of type `N` on its way to a value of type `V`.
#[doc(hidden)]
pub trait Product<N: Native, V>: Copy + Send + Sync + 'static {
    /// The product of no factor.
    const ONE: Self;

    /// The product of a run.
    fn of_run(items: &[N]) -> Self;
    /// The product of two products.
    fn times(self, other: Self) -> Self;
    /// The value; None where its type cannot hold it.
    fn value(self) -> Option<V>;

    /// Whether only a factor of 0 can change the product yet.
    #[inline(always)]
    fn is_lost(self) -> bool {
        false
    }

    /// The products of the columns of a band; `each` computes that of a single one.
    #[inline(always)]
    fn of_columns(band: Rows<'_, N>, each: impl FnMut(usize) -> Self) -> Vec<Self> {
        (0..band.width).map(each).collect()
    }
}

/// `mantissa * 2^exponent`; the mantissa is of size 1 to 2, or zero, infinite, or NaN.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    mantissa: f64,
    exponent: i64,
}

const FRACTION: u64 = (1 << 52) - 1;
const SIGN: u64 = 1 << 63;
const BIAS: u64 = 1023;

/// The power of two, for exponents of normal numbers.
#[inline(always)]
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits((exponent + 1023).unsigned_abs() << 52)
}

/// Takes a normal number apart. The flag tells all other numbers, of which the parts mean nothing.
#[inline(always)]
fn parts(value: f64) -> (f64, u64, bool) {
    let bits = value.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let mantissa = f64::from_bits(bits & (SIGN | FRACTION) | BIAS << 52);
    (mantissa, exponent, exponent.wrapping_sub(1) >= 0x7fe)
}

impl Scaled {
    pub(in crate::compute) const ONE: Self = Self { mantissa: 1.0, exponent: 0 };

    /// Any number.
    #[inline(always)]
    pub(in crate::compute) fn new(value: f64, exponent: i64) -> Self {
        let (mantissa, own, odd) = parts(value);
        if !odd {
            return Self { mantissa, exponent: exponent + own.cast_signed() - 1023 };
        }
        if value == 0.0 || !value.is_finite() {
            return Self { mantissa: value, exponent: 0 };
        }
        let (mantissa, own, _) = parts(value * power_of_two(64));
        Self { mantissa, exponent: exponent + own.cast_signed() - 1023 - 64 }
    }

    #[inline(always)]
    pub(in crate::compute) fn multiply(self, other: Self) -> Self {
        Self::new(self.mantissa * other.mantissa, self.exponent + other.exponent)
    }

    /// The mantissa and the exponent.
    #[inline(always)]
    pub(in crate::compute) fn parts(self) -> (f64, i64) {
        (self.mantissa, self.exponent)
    }

    /// The nearest double.
    #[inline(always)]
    pub(in crate::compute) fn to_f64(self) -> f64 {
        match self.exponent {
            -1022..=1023 => self.mantissa * power_of_two(self.exponent),
            // Exact up to the last multiplication.
            ..-1022 => self.mantissa * power_of_two(-1022) * power_of_two((self.exponent + 1022).max(-1022)),
            _ => self.mantissa * power_of_two(1023) * power_of_two((self.exponent - 1023).min(1023)),
        }
    }

    fn slowly<N: Native<Center = f64>>(items: &[N]) -> Self {
        items.iter().fold(Self::ONE, |product, &item| product.multiply(Self::new(item.distance(0.0), 0)))
    }
}

/// Factors whose mantissas are multiplied without a look at the exponent: 512 in each lane, so less than 2^512.
const PIECE: usize = LANES * 512;

impl<N: Native<Center = f64>> Product<N, f64> for Scaled {
    const ONE: Self = Self::ONE;

    #[inline(always)]
    fn of_run(items: &[N]) -> Self {
        let mut product = Self::ONE;
        for piece in items.chunks(PIECE) {
            let (chunks, rest) = piece.as_chunks::<LANES>();
            let (mantissas, exponents, odd) = {
                let mut mantissas = [1.0; LANES];
                let mut exponents = [0; LANES];
                let mut odd = [0; LANES];
                for chunk in chunks {
                    for lane in 0..LANES {
                        let (mantissa, exponent, other) = parts(chunk[lane].distance(0.0));
                        mantissas[lane] *= mantissa;
                        exponents[lane] += exponent;
                        odd[lane] |= u64::from(other);
                    }
                }
                (mantissas, exponents, odd)
            };
            if fold_lanes(&odd, |a, b| a | b) != 0 {
                product = product.multiply(Self::slowly(piece));
                continue;
            }
            let bias = BIAS.cast_signed() * chunks.len() as i64;
            let lanes: [Self; LANES] =
                std::array::from_fn(|lane| Self::new(mantissas[lane], exponents[lane].cast_signed() - bias));
            let lanes = fold_lanes(&lanes, Self::multiply);
            product = product.multiply(lanes).multiply(Self::slowly(rest));
        }
        product
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self.multiply(other)
    }

    fn value(self) -> Option<f64> {
        Some(self.to_f64())
    }

    #[inline(always)]
    fn of_columns(band: Rows<'_, N>, mut each: impl FnMut(usize) -> Self) -> Vec<Self> {
        let mut products = Vec::with_capacity(band.width);
        for column in (0..band.width).step_by(WIDE) {
            let width = WIDE.min(band.width - column);
            let mut mantissas = [1.0; WIDE];
            let mut exponents = [0; WIDE];
            let mut odd = [0; WIDE];
            for row in 0..band.rows {
                let items = &band.row(row)[column..][..width];
                for lane in 0..width {
                    let (mantissa, exponent, other) = parts(items[lane].distance(0.0));
                    mantissas[lane] *= mantissa;
                    exponents[lane] += exponent;
                    odd[lane] |= u64::from(other);
                }
            }
            let bias = BIAS.cast_signed() * band.rows as i64;
            products.extend((0..width).map(|lane| {
                // Too many rows for the mantissas is not a case of the engine, and no reason for a wrong result.
                if odd[lane] != 0 || band.rows > 512 {
                    return each(column + lane);
                }
                Self::new(mantissas[lane], exponents[lane].cast_signed() - bias)
            }));
        }
        products
    }
}

/// An exact product: a factor of 0 makes it 0, however large it was.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    zero: bool,
    negative: bool,
    /// The absolute value of the other factors' product; None if it is 2^128 or more.
    magnitude: Option<u128>,
}

impl<N: Native<Sum = i128>> Product<N, i128> for Exact {
    const ONE: Self = Self { zero: false, negative: false, magnitude: Some(1) };

    #[inline(always)]
    fn of_run(items: &[N]) -> Self {
        let survey = N::survey::<false, true, true>(items);
        let mut product = <Self as Product<N, i128>>::ONE;
        product.zero = survey.zeros > 0;
        // Many arrays of ones are masks.
        let ones = survey.min == survey.max && survey.min.magnitude() == 1.0 && N::row_sum(survey.min.widen()) > 0;
        if product.zero || ones {
            return product;
        }
        for &item in items {
            let item = N::row_sum(item.widen());
            product.negative ^= item < 0;
            product.magnitude = product.magnitude.and_then(|magnitude| magnitude.checked_mul(item.unsigned_abs()));
            if product.magnitude.is_none() {
                break;
            }
        }
        product
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        let magnitude = self.magnitude.zip(other.magnitude).and_then(|(a, b)| a.checked_mul(b));
        Self { zero: self.zero || other.zero, negative: self.negative ^ other.negative, magnitude }
    }

    fn value(self) -> Option<i128> {
        match self {
            Self { zero: true, .. } => Some(0),
            Self { negative: true, magnitude, .. } => 0_i128.checked_sub_unsigned(magnitude?),
            Self { magnitude, .. } => i128::try_from(magnitude?).ok(),
        }
    }

    #[inline(always)]
    fn is_lost(self) -> bool {
        self.magnitude.is_none()
    }
}

#[cfg(feature = "complex")]
impl<N: Native<Center = Self>> Product<N, Self> for num_complex::Complex<f64> {
    const ONE: Self = Self::new(1.0, 0.0);

    #[inline(always)]
    fn of_run(items: &[N]) -> Self {
        let one = <Self as Product<N, Self>>::ONE;
        let zero = Self::default();
        let (chunks, rest) = items.as_chunks::<{ LANES / 2 }>();
        let mut lanes = {
            let mut lanes = [one; LANES / 2];
            for chunk in chunks {
                for lane in 0..LANES / 2 {
                    lanes[lane] *= chunk[lane].distance(zero);
                }
            }
            lanes
        };
        for (lane, &item) in lanes.iter_mut().zip(rest) {
            *lane *= item.distance(zero);
        }
        fold_lanes(&lanes, |a, b| a * b)
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }

    fn value(self) -> Option<Self> {
        Some(self)
    }
}
