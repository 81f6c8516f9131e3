//! Text as the bytes of one element.

use super::super::byte_order::ByteOrder;
use super::super::dtype::{DType, TimeUnit, Unit, to_usize};
use super::super::literal::{self, Value, excerpt};
use super::{calendar, float};
use crate::error::{Error, ErrorKind, Result};

impl DType {
    /// The bytes of one element, in this type's byte order, from text such as [`DType::format_item`] prints.
    ///
    /// | type | text |
    /// |---|---|
    /// | bool | `True`, `False`, `1`, `0` |
    /// | integers | decimal digits with a sign |
    /// | floats | `1.5`, `1e-3`, `nan`, `inf`, `-inf` |
    /// | complex | `1+2j`, `(1+2j)`, `(1,2)`, `2j`, `1` |
    /// | datetime | ISO 8601; `NaT`; an integer, which counts units (for `[Y]` it is the year) |
    /// | timedelta | an integer, which counts units; with a unit in words (`75 seconds`), so much time; `NaT` |
    /// | `S`, `U` | the text itself, or a Python string in quotes; padded with zeros |
    /// | `V`, long doubles | hexadecimal digits, or a Python bytes string |
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where the text is not a value of the type or does not fit it;
    /// [`ErrorKind::Unsupported`] for records and sub-arrays.
    pub fn parse_item(&self, text: &str) -> Result<Vec<u8>> {
        let trimmed = text.trim();
        match self {
            Self::Bool => match trimmed {
                "True" | "true" | "1" => Ok(vec![1]),
                "False" | "false" | "0" => Ok(vec![0]),
                _ => Err(self.refusal(text).with_hint("write True or False")),
            },
            Self::Int { size, order } => {
                let bits = 8 * u32::from(*size);
                let value = self.integer(trimmed, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)?;
                Ok(bytes(value, usize::from(*size), *order))
            }
            Self::UInt { size, order } => {
                let value = self.integer(trimmed, 0, (1 << (8 * u32::from(*size))) - 1)?;
                Ok(bytes(value, usize::from(*size), *order))
            }
            Self::Float { size: 16, .. } | Self::Complex { size: 32, .. } | Self::Void { .. } => self.hex(trimmed),
            Self::Float { order, .. } | Self::BFloat16 { order } => {
                Ok(bytes(self.real(trimmed, text)?.into(), self.itemsize(), *order))
            }
            Self::Complex { order, .. } => {
                let (re, im) = self.complex(trimmed, text)?;
                Ok([re, im].iter().flat_map(|&half| bytes(half.into(), self.itemsize() / 2, *order)).collect())
            }
            Self::DateTime { unit, order } => Ok(bytes(self.date_time(trimmed, *unit)?.into(), 8, *order)),
            Self::TimeDelta { unit, order } => Ok(bytes(self.time_delta(trimmed, *unit)?.into(), 8, *order)),
            Self::Bytes { .. } => self.padded(match quoted(text) {
                Some(Value::Bytes(bytes)) => bytes,
                Some(Value::Str(text)) => text.into_bytes(),
                _ => text.as_bytes().to_vec(),
            }),
            Self::Text { len, order } => {
                let text = match quoted(text) {
                    Some(Value::Str(text)) => text,
                    _ => text.to_owned(),
                };
                let count = text.chars().count();
                if count > to_usize(*len) {
                    return Err(self.too_long(count, to_usize(*len), "characters"));
                }
                self.padded(text.chars().flat_map(|c| bytes(u32::from(c).into(), 4, *order)).collect())
            }
            Self::Record(_) | Self::SubArray { .. } => {
                Err(Error::new(ErrorKind::Unsupported, format!("text cannot be read as an element of {self}"))
                    .with_hint("give its bytes with --hex"))
            }
        }
    }

    fn refusal(&self, text: &str) -> Error {
        let text = super::repr::string(&excerpt(text));
        Error::new(ErrorKind::InvalidArgument, format!("{text} is not a value of {self}"))
    }

    fn too_long(&self, len: usize, most: usize, unit: &str) -> Error {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("a text of {len} {unit} does not fit {self}, which holds {most}"),
        )
    }

    fn out_of_range(&self, text: &str) -> Error {
        let text = super::repr::string(&excerpt(text));
        Error::new(ErrorKind::InvalidArgument, format!("{text} is out of the range of {self}"))
    }

    fn integer(&self, text: &str, least: i128, most: i128) -> Result<i128> {
        match digits(text) {
            None => Err(self.refusal(text).with_hint(format!("write an integer from {least} to {most}"))),
            Some(value) => match value.filter(|value| (least..=most).contains(value)) {
                None => Err(self.out_of_range(text).with_hint(format!("write an integer from {least} to {most}"))),
                Some(value) => Ok(value),
            },
        }
    }

    /// The bits of one real number.
    fn real(&self, text: &str, whole: &str) -> Result<u64> {
        let kind = self.float_kind();
        // Rust reads a binary32 with one rounding, which NumPy does too.
        let (bits, infinite) = match kind {
            float::Kind::Single => {
                let value: f32 = text.parse().map_err(|_| self.refusal(whole))?;
                (value.to_bits().into(), value.is_infinite())
            }
            _ => {
                let value: f64 = text.parse().map_err(|_| self.refusal(whole))?;
                let bits = float::from_f64(value, kind);
                (bits, float::to_f64(bits, kind).is_infinite())
            }
        };
        if infinite && text.contains(|c: char| c.is_ascii_digit()) { Err(self.out_of_range(whole)) } else { Ok(bits) }
    }

    fn complex(&self, text: &str, whole: &str) -> Result<(u64, u64)> {
        let inner = match text.strip_prefix('(') {
            Some(rest) => rest.strip_suffix(')').ok_or_else(|| self.refusal(whole))?.trim(),
            None => text,
        };
        if let Some((re, im)) = inner.split_once(',') {
            return Ok((self.real(re.trim(), whole)?, self.real(im.trim(), whole)?));
        }
        let Some(inner) = inner.strip_suffix(['j', 'J']) else {
            return Ok((self.real(inner, whole)?, 0));
        };
        // The sign of the imaginary part is the last one that does not belong to an exponent.
        let sign = inner.char_indices().rev().find(|&(at, c)| {
            matches!(c, '+' | '-')
                && !(inner[..at].ends_with(['e', 'E']) && inner[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
        });
        match sign {
            Some((at, _)) if at > 0 => {
                Ok((self.real(inner[..at].trim(), whole)?, self.real(inner[at..].trim(), whole)?))
            }
            _ => Ok((0, self.real(inner, whole)?)),
        }
    }

    fn date_time(&self, text: &str, unit: TimeUnit) -> Result<i64> {
        if text.eq_ignore_ascii_case("nat") {
            return Ok(i64::MIN);
        }
        let count = match digits(text) {
            Some(count) if unit.base != Unit::Year => count,
            // A year may have any number of digits.
            Some(year) => self.counts(year.and_then(|year| year.checked_sub(1970)), unit, text)?,
            None if unit.base == Unit::Generic => {
                return Err(self.refusal(text).with_hint("a generic unit takes an integer"));
            }
            None => match calendar::parse(text, unit.base) {
                None => {
                    return Err(self.refusal(text).with_hint("write it as 2024-01-31T12:30:00, NaT, or an integer"));
                }
                Some(count) => self.counts(count, unit, text)?,
            },
        };
        self.time_count(count, text)
    }

    fn time_delta(&self, text: &str, unit: TimeUnit) -> Result<i64> {
        if text.eq_ignore_ascii_case("nat") {
            return Ok(i64::MIN);
        }
        let words = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
        let number = &text[..text.len() - words.len()];
        let count = match (digits(number), words.trim()) {
            (Some(count), "") => count,
            (Some(count), words) if words == unit.base.code() || words == calendar::plural(unit.base) => {
                self.counts(count, unit, text)?
            }
            _ => {
                let hint = format!("write an integer, or one with its unit: 5 {}", calendar::plural(unit.base));
                return Err(self.refusal(text).with_hint(hint));
            }
        };
        self.time_count(count, text)
    }

    /// Base units as a count of multiples.
    fn counts(&self, units: Option<i128>, unit: TimeUnit, text: &str) -> Result<Option<i128>> {
        let counts = units.zip(unit.divisor()).filter(|(units, multiple)| units % multiple == 0);
        match counts {
            Some((units, multiple)) => Ok(Some(units / multiple)),
            None => {
                let text = super::repr::string(&excerpt(text));
                Err(Error::new(ErrorKind::InvalidArgument, format!("{text} is not a whole number of units of {self}")))
            }
        }
    }

    /// A count that fits and is not the one that stands for "not a time".
    fn time_count(&self, count: Option<i128>, text: &str) -> Result<i64> {
        let count = count.and_then(|count| i64::try_from(count).ok()).filter(|&count| count != i64::MIN);
        count.ok_or_else(|| self.out_of_range(text))
    }

    fn hex(&self, text: &str) -> Result<Vec<u8>> {
        let bytes = match quoted(text) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => hex_digits(text.strip_prefix("0x").unwrap_or(text)),
        };
        let hint = format!("write {} bytes as hexadecimal digits", self.itemsize());
        let bytes = bytes.ok_or_else(|| self.refusal(text).with_hint(hint.clone()))?;
        if bytes.len() != self.itemsize() {
            let message = format!("{} bytes for an element of {self}, which has {}", bytes.len(), self.itemsize());
            return Err(Error::new(ErrorKind::InvalidArgument, message).with_hint(hint));
        }
        Ok(bytes)
    }

    fn padded(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        if bytes.len() > self.itemsize() {
            return Err(self.too_long(bytes.len(), self.itemsize(), "bytes"));
        }
        bytes.resize(self.itemsize(), 0);
        Ok(bytes)
    }
}

/// A decimal integer: `None` where the text is none, `Some(None)` where it is too long for any type.
fn digits(text: &str) -> Option<Option<i128>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_integer = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    is_integer.then(|| text.parse().ok())
}

fn hex_digits(text: &str) -> Option<Vec<u8>> {
    let nibbles: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let nibbles = nibbles?;
    let (pairs, rest) = nibbles.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The string or bytes string that the whole text is a Python literal of.
fn quoted(text: &str) -> Option<Value> {
    let text = text.trim();
    let is_quoted = text.strip_prefix('b').unwrap_or(text).starts_with(['\'', '"']) && text.ends_with(['\'', '"']);
    if is_quoted { literal::read(text, false).ok().map(|literal| literal.value) } else { None }
}

/// The lowest `size` bytes of a number.
fn bytes(value: i128, size: usize, order: ByteOrder) -> Vec<u8> {
    let mut bytes = value.to_le_bytes()[..size].to_vec();
    if order == ByteOrder::Big {
        bytes.reverse();
    }
    bytes
}
