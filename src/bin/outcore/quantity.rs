//! Numbers, sizes, shapes and the like: from what people type, and for people to read.

use std::str::FromStr;

use outcore::{DType, Order};

/// Elements along each axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape(pub(crate) Vec<u64>);

impl FromStr for Shape {
    type Err = String;

    /// `3,4`, `(3, 4)`, `3x4`; `()` or nothing for an array without axes.
    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let inner = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(trimmed).trim();
        if inner.is_empty() {
            return Ok(Self::default());
        }
        let inner = inner.strip_suffix(',').unwrap_or(inner);
        let len = |part: &str| {
            let part = part.trim();
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            match part.parse() {
                Ok(len) if digits => Ok(len),
                Err(_) if digits => Err(format!("{part} is too large for an axis")),
                _ => Err(format!("'{part}' is not a length; write a shape as 1000,64")),
            }
        };
        inner.split([',', 'x']).map(len).collect::<Result<_, _>>().map(Self)
    }
}

/// A number of bytes: `4096`, `512MiB`, `4G`, `1.5 GB`.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let refuse = || format!("'{text}' is not a size; write one as 512MiB or 4GiB");
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(refuse()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| refuse())?;
    // Nine digits of a fraction are enough for anybody.
    let digits = &fraction[..fraction.len().min(9)];
    let part: u64 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| refuse())? };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    let part = u128::from(part) * u128::from(scale) / 10_u128.pow(u32::try_from(digits.len()).unwrap_or(0));
    let bytes = u128::from(whole) * u128::from(scale) + part;
    let bytes = u64::try_from(bytes).map_err(|_| format!("{text} is too large"))?;
    if bytes == 0 { Err(format!("{text} leaves no room")) } else { Ok(bytes) }
}

pub(crate) fn parse_dtype(text: &str) -> Result<DType, String> {
    text.parse()
        .map_err(|error: outcore::Error| format!("{error}; write a NumPy dtype, such as f8, '>i2', M8[ns] or S16"))
}

pub(crate) fn parse_order(text: &str) -> Result<Order, String> {
    text.parse().map_err(|error: outcore::Error| error.to_string())
}

/// `12,000,000`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2.86 GiB`; bytes below 1024 as they are.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut scale = 1024_u64;
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes / scale >= 1024 {
        scale *= 1024;
        unit += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = bytes as f64 / scale as f64;
    format!("{value:.2} {}", UNITS[unit])
}

/// `3 elements`, `1 element`
pub(crate) fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(count)) }
}

/// `(3, 4)`, as Python writes a tuple.
pub(crate) fn tuple(shape: &[u64]) -> String {
    match shape {
        [only] => format!("({only},)"),
        _ => format!("({})", shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_systems() {
        let all = [
            ("4096", 4096),
            ("4KiB", 4096),
            ("4k", 4096),
            ("1.5GiB", 3 << 29),
            ("2 GB", 2_000_000_000),
            ("0.5kb", 500),
            ("1b", 1),
        ];
        for (text, bytes) in all {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "4XB", "-1", "0", "1e3", "99999999999GiB", "1.x", "1.2.3"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shapes_are_read_as_people_write_them() {
        for text in ["3,4", "(3, 4)", "3x4", " 3 , 4 ", "3,4,"] {
            assert_eq!(text.parse(), Ok(Shape(vec![3, 4])), "{text}");
        }
        for text in ["", "()", " "] {
            assert_eq!(text.parse(), Ok(Shape(Vec::new())), "{text}");
        }
        for text in ["-1", "3,,4", "a", "1e3", "99999999999999999999", ",", "(3"] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_shown_in_groups_and_in_units() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(human_bytes(1023), "1023 B");
        assert_eq!(human_bytes(3_072_000_000), "2.86 GiB");
        assert_eq!(human_bytes(u64::MAX), "16.00 EiB");
        assert_eq!(tuple(&[5]), "(5,)");
    }
}
