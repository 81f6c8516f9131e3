//! Floats in columns, as NumPy prints them: as many digits as tell each value from its neighbours, up to a precision, and one
//! notation for all.

use outcore::element::{bf16, f16};
use outcore::{ByteOrder, DType};

/// Digits behind the point, unless asked otherwise; NumPy's default.
pub(crate) const PRECISION: usize = 8;

/// The type that a value comes from, which decides how many digits are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F16,
    Bf16,
    F32,
    F64,
}

/// How to print the values of one array.
#[derive(Clone, Debug)]
pub(crate) struct Floats {
    kind: Kind,
    /// Whether positive numbers carry a sign.
    plus: bool,
    /// Whether numbers are written with an exponent.
    scientific: bool,
    /// Most digits behind the point; all numbers have as many where there is an exponent.
    precision: usize,
    /// Characters before and behind the point, to which numbers are padded.
    left: usize,
    right: usize,
    /// Digits of the exponent.
    exponent: usize,
}

fn kind(dtype: &DType) -> Option<Kind> {
    match dtype {
        DType::Float { size: 2, .. } => Some(Kind::F16),
        DType::BFloat16 { .. } => Some(Kind::Bf16),
        DType::Float { size: 4, .. } | DType::Complex { size: 8, .. } => Some(Kind::F32),
        DType::Float { size: 8, .. } | DType::Complex { size: 16, .. } => Some(Kind::F64),
        _ => None,
    }
}

/// The value of a float; none for one that no Rust type holds.
pub(crate) fn value(dtype: &DType, item: &[u8]) -> Option<f64> {
    Some(decode(kind(dtype)?, dtype.byte_order(), item))
}

/// The real and the imaginary part of a complex number.
pub(crate) fn parts(dtype: &DType, item: &[u8]) -> Option<(f64, f64)> {
    let (re, im) = item.split_at(item.len() / 2);
    let decode = |half| Some(decode(kind(dtype)?, dtype.byte_order(), half));
    Some((decode(re)?, decode(im)?))
}

fn decode(kind: Kind, order: Option<ByteOrder>, item: &[u8]) -> f64 {
    let mut bytes = [0; 8];
    bytes[..item.len()].copy_from_slice(item);
    if order == Some(ByteOrder::Big) {
        bytes[..item.len()].reverse();
    }
    let [a, b, c, d, ..] = bytes;
    match kind {
        Kind::F16 => f16::from_le_bytes([a, b]).to_f64(),
        Kind::Bf16 => bf16::from_le_bytes([a, b]).to_f64(),
        Kind::F32 => f32::from_le_bytes([a, b, c, d]).into(),
        Kind::F64 => f64::from_le_bytes(bytes),
    }
}

/// The texts of all elements of an array of floats or complex numbers, each as wide as the others; none for other dtypes.
pub(crate) fn texts(dtype: &DType, items: &[u8], precision: usize) -> Option<Vec<String>> {
    let kind = kind(dtype)?;
    let items = items.chunks_exact(dtype.itemsize());
    if !matches!(dtype, DType::Complex { .. }) {
        let values: Vec<f64> = items.map(|item| value(dtype, item)).collect::<Option<_>>()?;
        let format = Floats::new(&values, kind, precision, false);
        return Some(values.iter().map(|&value| format.text(value)).collect());
    }
    let (re, im): (Vec<f64>, Vec<f64>) =
        items.map(|item| parts(dtype, item)).collect::<Option<Vec<_>>>()?.into_iter().unzip();
    let (of_re, of_im) = (Floats::new(&re, kind, precision, false), Floats::new(&im, kind, precision, true));
    let join = |(&re, &im): (&f64, &f64)| {
        let im = of_im.text(im);
        let digits = im.trim_end();
        format!("{}{digits}j{}", of_re.text(re), &im[digits.len()..])
    };
    Some(re.iter().zip(&im).map(join).collect())
}

impl Floats {
    fn new(values: &[f64], kind: Kind, precision: usize, plus: bool) -> Self {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let sizes = finite.iter().map(|value| value.abs()).filter(|&size| size > 0.0);
        let (least, most) = sizes.fold((f64::INFINITY, 0.0), |(least, most), size| (size.min(least), size.max(most)));
        // Beyond this a number has digits that are not its own.
        let cutoff = match kind {
            Kind::F16 | Kind::Bf16 => 1e3,
            Kind::F32 => 1e6,
            Kind::F64 => 1e8,
        };
        let scientific = most > 0.0 && (most >= cutoff || least < 1e-4 || most / least > 1e3);
        let mut format = Self { kind, plus, scientific, precision, left: 0, right: 0, exponent: 2 };
        let mut digits = 0;
        for &value in &finite {
            let text = format.bare(value);
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, ""));
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            format.left = format.left.max(whole.len());
            digits = digits.max(fraction.len());
            format.exponent = format.exponent.max(exponent.len().saturating_sub(1));
        }
        format.right = digits;
        if scientific {
            format.precision = digits;
            format.right = digits + format.exponent + 2;
        }
        for &value in values.iter().filter(|value| !value.is_finite()) {
            format.left = format.left.max(format.bare(value).len().saturating_sub(format.right + 1));
        }
        format
    }

    /// The value, padded to the width of all.
    fn text(&self, value: f64) -> String {
        let mut text = self.bare(value);
        if !value.is_finite() {
            return format!("{text:>width$}", width = self.left + self.right + 1);
        }
        if self.scientific {
            // All have as many digits as the one with most, whether these are their own or not.
            let plus = if self.plus && !value.is_sign_negative() { "+" } else { "" };
            let exact = format!("{value:.*e}", self.precision);
            let (mantissa, exponent) = exact.split_once('e').unwrap_or((&exact, "0"));
            let dot = if self.precision == 0 { "." } else { "" };
            let (sign, digits) = signed(exponent);
            text = format!("{plus}{mantissa}{dot}e{sign}{digits:0>width$}", width = self.exponent);
        }
        let whole = text.find('.').unwrap_or(text.len());
        let padded = format!("{}{text}", " ".repeat(self.left.saturating_sub(whole)));
        format!("{padded:<width$}", width = self.left + self.right + 1)
    }

    /// The value with its own digits and no padding: `1.`, `-0.25`, `1.5e-07`.
    fn bare(&self, value: f64) -> String {
        let plus = if self.plus && !value.is_sign_negative() { "+" } else { "" };
        if value.is_nan() {
            return format!("{}nan", if self.plus { "+" } else { "" });
        }
        if value.is_infinite() {
            return format!("{}inf", if value < 0.0 { "-" } else { plus });
        }
        if !self.scientific {
            let own = self.own_digits(value);
            let fraction = own.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let text = if fraction > self.precision { format!("{value:.*}", self.precision) } else { own };
            return format!("{plus}{}", with_point(&text));
        }
        let own = self.own_scientific(value);
        let fraction = |text: &str| {
            text.split_once('e').map_or(0, |(mantissa, _)| mantissa.find('.').map_or(0, |dot| mantissa.len() - dot - 1))
        };
        let text = if fraction(&own) > self.precision { format!("{value:.*e}", self.precision) } else { own };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = signed(exponent);
        format!("{plus}{}e{sign}{digits:0>2}", with_point(mantissa))
    }

    /// As few digits as tell the value from all others of its type, without an exponent.
    fn own_digits(&self, value: f64) -> String {
        let own = match self.kind {
            Kind::F64 => value.to_string(),
            #[expect(clippy::cast_possible_truncation, reason = "the value was a single")]
            Kind::F32 => (value as f32).to_string(),
            Kind::F16 | Kind::Bf16 => self.own_scientific(value).parse::<f64>().unwrap_or(value).to_string(),
        };
        // Of two equally short ones that are equally near, NumPy takes the even one.
        let places = own.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let even = format!("{value:.places$}");
        let same = match self.kind {
            Kind::F64 => even.parse() == Ok(value),
            Kind::F32 => even.parse::<f32>().is_ok_and(|parsed| f64::from(parsed) == value),
            Kind::F16 | Kind::Bf16 => false,
        };
        if same { even } else { own }
    }

    /// The same, with an exponent.
    fn own_scientific(&self, value: f64) -> String {
        let round_trips = |text: &str| match (self.kind, text.parse::<f64>()) {
            (Kind::F16, Ok(parsed)) => f16::from_f64(parsed) == f16::from_f64(value),
            (_, Ok(parsed)) => bf16::from_f64(parsed) == bf16::from_f64(value),
            _ => false,
        };
        match self.kind {
            Kind::F64 => format!("{value:e}"),
            #[expect(clippy::cast_possible_truncation, reason = "the value was a single")]
            Kind::F32 => format!("{:e}", value as f32),
            Kind::F16 | Kind::Bf16 => (0..8)
                .map(|digits| format!("{value:.digits$e}"))
                .find(|text| round_trips(text))
                .unwrap_or_else(|| format!("{value:e}")),
        }
    }
}

/// The sign and the digits of an exponent.
fn signed(exponent: &str) -> (char, &str) {
    exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits))
}

/// With a decimal point, and without zeros at the end.
fn with_point(digits: &str) -> String {
    match digits.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{}", fraction.trim_end_matches('0')),
        None => format!("{digits}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        texts(&"<f8".parse().unwrap(), &bytes, PRECISION).unwrap().join(" ")
    }

    /// The expected texts are what NumPy 2 prints between the brackets.
    #[test]
    fn doubles_print_as_in_numpy() {
        assert_eq!(of(&[1.0, 2.5, -3.0]), " 1.   2.5 -3. ");
        assert_eq!(of(&[0.1, 1.0 / 3.0]), "0.1        0.33333333");
        assert_eq!(of(&[1e-5, 1.0]), "1.e-05 1.e+00");
        assert_eq!(of(&[1e8, 1.5]), "1.0e+08 1.5e+00");
        assert_eq!(of(&[1e300, 1e-300]), "1.e+300 1.e-300");
        assert_eq!(of(&[f64::NAN, 1.0]), "nan  1.");
        assert_eq!(of(&[f64::NEG_INFINITY, 1.25, f64::INFINITY]), "-inf 1.25  inf");
        assert_eq!(of(&[f64::NAN]), "nan");
        assert_eq!(of(&[-0.0, 0.0]), "-0.  0.");
        assert_eq!(of(&[123.456, 0.999_999_999_9]), "123.456   1.   ");
    }

    #[test]
    fn each_type_has_its_own_digits() {
        let of = |dtype: &str, bytes: &[u8]| texts(&dtype.parse().unwrap(), bytes, PRECISION).unwrap().join(" ");
        assert_eq!(of("<f4", &0.1_f32.to_le_bytes()), "0.1");
        assert_eq!(of(">f4", &0.1_f32.to_be_bytes()), "0.1");
        assert_eq!(of("<f2", &f16::from_f64(0.1).to_le_bytes()), "0.1");
        let complex: Vec<u8> = [1.0_f64, -2.5, 0.0, 3.0].iter().flat_map(|part| part.to_le_bytes()).collect();
        assert_eq!(of("<c16", &complex), "1.-2.5j 0.+3.j ");
    }
}
