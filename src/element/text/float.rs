//! Floating-point numbers as NumPy prints them: the shortest text that reads back as the same number.

/// The layouts of the bits of a real number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// IEEE 754 binary16.
    Half,
    /// The upper half of a binary32.
    Brain,
    Single,
    Double,
}

impl Kind {
    /// From here on, NumPy writes an exponent.
    fn largest_plain(self) -> f64 {
        match self {
            Self::Half => 1e3,
            Self::Brain | Self::Single => 1e6,
            Self::Double => 1e16,
        }
    }

    /// Bits of the exponent and of the fraction.
    fn widths(self) -> (u32, u32) {
        match self {
            Self::Half => (5, 10),
            Self::Brain => (8, 7),
            Self::Single => (8, 23),
            Self::Double => (11, 52),
        }
    }
}

/// The number that the bits stand for; exact for every kind.
#[expect(clippy::cast_precision_loss, reason = "a fraction of at most 52 bits fits an f64 exactly")]
pub(super) fn to_f64(bits: u64, kind: Kind) -> f64 {
    let (exponent_bits, fraction_bits) = kind.widths();
    let exponent_mask = (1 << exponent_bits) - 1;
    let fraction = bits & ((1 << fraction_bits) - 1);
    let exponent = bits >> fraction_bits & exponent_mask;
    let negative = bits >> (exponent_bits + fraction_bits) & 1;
    match kind {
        Kind::Double => f64::from_bits(bits),
        _ if exponent == 0 => {
            // Subnormal: a fraction of the smallest power of two. Both factors are exact, and so is the product.
            let bias = (1 << (exponent_bits - 1)) - 1;
            let unit = f64::from_bits((1023 + 1 - bias - u64::from(fraction_bits)) << 52);
            let value = fraction as f64 * unit;
            if negative == 1 { -value } else { value }
        }
        _ => {
            let bias = (1 << (exponent_bits - 1)) - 1;
            let exponent = if exponent == exponent_mask { 2047 } else { exponent + 1023 - bias };
            f64::from_bits(negative << 63 | exponent << 52 | fraction << (52 - fraction_bits))
        }
    }
}

/// The bits of the nearest number of the kind; ties go to the even one, and what is too large becomes infinite.
pub(super) fn from_f64(value: f64, kind: Kind) -> u64 {
    let (exponent_bits, fraction_bits) = kind.widths();
    if kind == Kind::Double {
        return value.to_bits();
    }
    let bias: u64 = (1 << (exponent_bits - 1)) - 1;
    let bits = value.abs().to_bits();
    let negative = u64::from(value.is_sign_negative()) << (exponent_bits + fraction_bits);
    let infinity = ((1_u64 << exponent_bits) - 1) << fraction_bits;
    if value.is_nan() {
        return negative | infinity | 1 << (fraction_bits - 1);
    }
    if bits == 0 {
        return negative;
    }
    // The exponent as the kind counts it; below 1, the fraction loses one more bit for each step.
    let exponent = (bits >> 52).cast_signed() - 1023 + bias.cast_signed();
    let fraction = bits & ((1 << 52) - 1) | 1 << 52;
    let below = u64::try_from((1 - exponent).max(0)).unwrap_or(0);
    let dropped = u64::from(52 - fraction_bits) + below;
    if dropped > 53 {
        return negative;
    }
    let kept = fraction >> dropped;
    let rest = fraction & ((1 << dropped) - 1);
    let half = 1_u64 << (dropped - 1);
    let round_up = rest > half || rest == half && kept & 1 == 1;
    let base = u64::try_from(exponent.max(1) - 1).unwrap_or(0) << fraction_bits;
    // A carry out of the fraction goes into the exponent, as it should.
    negative | (base + kept + u64::from(round_up)).min(infinity)
}

/// One number as NumPy prints the scalar.
pub(super) fn format(bits: u64, kind: Kind) -> String {
    let text = digits(bits, kind);
    if text.contains(['.', 'e', 'n']) { text } else { text + ".0" }
}

/// One complex number as NumPy prints the scalar: `(1+2j)`, `2j`.
pub(super) fn format_complex(re: u64, im: u64, kind: Kind) -> String {
    let imaginary = digits(im, kind);
    if re == 0 {
        return format!("{imaginary}j");
    }
    let sign = if imaginary.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{imaginary}j)", digits(re, kind))
}

/// The shortest digits, without a fraction where there is none.
fn digits(bits: u64, kind: Kind) -> String {
    let value = to_f64(bits, kind);
    if value.is_nan() {
        return "nan".into();
    }
    let absolute = value.abs();
    if absolute.is_infinite() || absolute == 0.0 {
        return value.to_string();
    }
    let scientific = shortest(value, bits, kind);
    let (mantissa, exponent) = scientific.split_once('e').expect("the text has an exponent");
    if absolute >= 1e-4 && absolute < kind.largest_plain() {
        return plain(mantissa, exponent.parse().expect("the exponent is a number"));
    }
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// The shortest text with an exponent that reads back as the same bits.
#[expect(clippy::cast_possible_truncation, reason = "the value of a binary32, which f32 holds exactly")]
fn shortest(value: f64, bits: u64, kind: Kind) -> String {
    match kind {
        Kind::Double => format!("{value:e}"),
        Kind::Single => format!("{:e}", value as f32),
        Kind::Half | Kind::Brain => (0..)
            // Of two texts at the same distance, the one away from zero may be the only one that reads back.
            .flat_map(|precision| [value, value * (1.0 + f64::EPSILON)].map(|near| format!("{near:.precision$e}")))
            .find(|text| text.parse().is_ok_and(|value| from_f64(value, kind) == bits))
            .expect("seventeen digits are enough for every number"),
    }
}

/// `d.ddd` times a power of ten, without an exponent.
fn plain(mantissa: &str, exponent: i32) -> String {
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    match usize::try_from(exponent) {
        Ok(exponent) if exponent + 1 >= digits.len() => format!("{sign}{digits:0<width$}", width = exponent + 1),
        Ok(exponent) => format!("{sign}{}.{}", &digits[..=exponent], &digits[exponent + 1..]),
        Err(_) => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            format!("{sign}0.{:0>zeros$}{digits}", "")
        }
    }
}
