//! Values as JSON. JSON has no NaN, no infinity, and no whole number that every reader takes exactly beyond 2^53: they become strings.

use std::borrow::Cow;
use std::io::Write;

use outcore::element::{Complex, bf16, f16};
use outcore::{AnyArrayFile, ByteOrder, DType, Format, Header, Selection};
use serde::ser::{Error, Serialize, SerializeMap, Serializer};

use super::{Out, floats};
use crate::blocks::read_blocks;
use crate::failure::Failure;

/// The version of the keys of all documents.
pub(crate) const SCHEMA: u64 = 1;

/// The largest whole number up to which all have a double of their own.
const EXACT: u64 = 1 << 53;

/// A JSON value whose objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(Cow<'static, str>, Self)>),
    /// As it goes into the header of a `.npy` file: a text, or a list of fields.
    DType(DType),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Self::Float(_) => Err(S::Error::custom("JSON has no NaN and no infinity")),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::DType(dtype) => dtype.serialize(serializer),
        }
    }
}

/// The name of a format.
pub(crate) fn format(format: Format) -> &'static str {
    match format {
        Format::Npy => "npy",
        Format::Native => "native",
        _ => "raw",
    }
}

/// An object, its keys in this order.
pub(crate) fn object(fields: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// Lists within lists, of a shape, from the values in row-major order.
pub(crate) fn nested<N: Copy + Into<u64>>(shape: &[N], items: &mut impl Iterator<Item = Json>) -> Json {
    match shape.split_first() {
        Some((&len, rest)) => Json::List((0..len.into()).map(|_| nested(rest, items)).collect()),
        None => items.next().unwrap_or(Json::Null),
    }
}

/// Whether elements of this shape have no bytes at all.
fn is_nothing(header: &Header, shape: &[u64]) -> bool {
    header.itemsize() == 0 || shape.contains(&0)
}

/// Refuses lists without end. Lists of nothing are as many as the axes before the first of no length ask for, which a file of a few
/// bytes can claim.
pub(crate) fn expect_end(header: &Header, shape: &[u64]) -> Result<(), Failure> {
    const MOST: u64 = 1_000_000;
    let lists = shape.iter().take_while(|&&len| len > 0).try_fold(1, |lists: u64, &len| lists.checked_mul(len));
    if is_nothing(header, shape) && lists.is_none_or(|lists| lists > MOST) {
        return Err(Failure::usage(format!("more than {MOST} lists without a byte in them"), "name a slice"));
    }
    Ok(())
}

/// Writes the elements of a selection as lists within lists, piece by piece, since there may be many. See [`expect_end`] first.
pub(crate) fn write_lists(
    out: &mut Out,
    file: &AnyArrayFile,
    selection: &Selection,
    block: usize,
) -> Result<(), Failure> {
    let header = file.header();
    let dtype = header.dtype();
    let shape = selection.shape_in(header.shape())?;
    if is_nothing(header, &shape) {
        return out.json(&nested(&shape, &mut std::iter::repeat_with(|| item(dtype, &[]))));
    }
    let mut at = vec![0; shape.len()];
    for items in read_blocks(file, selection, block)? {
        for bytes in items?.chunks_exact(header.itemsize()) {
            // Brackets open in front of the first along an axis, and close behind the last.
            let opening = at.iter().rev().take_while(|&&position| position == 0).count();
            let mut closing = 0;
            for (position, &len) in at.iter_mut().zip(&shape).rev() {
                *position += 1;
                if *position < len {
                    break;
                }
                *position = 0;
                closing += 1;
            }
            let comma = if closing < shape.len() { "," } else { "" };
            let value = item(dtype, bytes);
            write!(out, "{}", "[".repeat(opening))?;
            out.json(&value)?;
            write!(out, "{}{comma}", "]".repeat(closing))?;
        }
    }
    Ok(())
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i128> for Json {
    fn from(value: i128) -> Self {
        match i64::try_from(value) {
            Ok(small) if small.unsigned_abs() <= EXACT => Self::Int(small),
            _ => Self::Text(value.to_string()),
        }
    }
}

macro_rules! from_whole {
    ($($type:ty)*) => {$(
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                i128::from(value).into()
            }
        }
    )*};
}
from_whole!(i8 i16 i32 i64 u8 u16 u32 u64);

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        if value.is_nan() {
            Self::Text("nan".into())
        } else if value.is_infinite() {
            Self::Text(if value > 0.0 { "inf" } else { "-inf" }.into())
        } else {
            Self::Float(value)
        }
    }
}

macro_rules! from_float {
    ($($type:ty)*) => {$(
        /// By its exact value as a double, as Python's `float` gives it.
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                f64::from(value).into()
            }
        }
    )*};
}
from_float!(f16 bf16 f32);

impl<T: Into<Self>> From<Complex<T>> for Json {
    fn from(value: Complex<T>) -> Self {
        Self::List(vec![value.re.into(), value.im.into()])
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Clone + Into<Self>> From<&[T]> for Json {
    fn from(items: &[T]) -> Self {
        Self::List(items.iter().cloned().map(Into::into).collect())
    }
}

/// One element, from its bytes as the file holds them: numbers and truth values as JSON's own, complex numbers as `[re, im]`,
/// records as objects, sub-arrays as lists, bytes without meaning as hexadecimal, all else as text.
pub(crate) fn item(dtype: &DType, item: &[u8]) -> Json {
    let text = || dtype.format_item(item);
    match dtype {
        DType::Bool => item.iter().any(|&byte| byte != 0).into(),
        DType::Int { .. } | DType::UInt { .. } => int(dtype, item).into(),
        DType::Complex { .. } => {
            floats::parts(dtype, item).map_or_else(|| text().into(), |(re, im)| Complex::new(re, im).into())
        }
        DType::Float { .. } | DType::BFloat16 { .. } => {
            floats::value(dtype, item).map_or_else(|| text().into(), Json::from)
        }
        DType::Bytes { .. } => std::str::from_utf8(unpadded(item)).map_or_else(|_| text().into(), Json::from),
        DType::Text { .. } => self::text(dtype, item).unwrap_or_else(text).into(),
        DType::Record(record) => {
            let field = |field: &outcore::element::Field| {
                let bytes = &item[field.offset()..][..field.dtype().itemsize()];
                (field.name().to_string().into(), self::item(field.dtype(), bytes))
            };
            Json::Object(record.fields().iter().map(field).collect())
        }
        DType::SubArray { base, shape } => {
            let mut items = (0..).map(|k| self::item(base, &item[k * base.itemsize()..][..base.itemsize()]));
            nested(shape, &mut items)
        }
        DType::Void { .. } => super::hex::digits(item).into(),
        DType::TimeDelta { .. } => count(dtype, item).map_or_else(|| "NaT".into(), Json::from),
        _ => text().into(),
    }
}

/// The value of a whole number of any size and order of bytes.
pub(crate) fn int(dtype: &DType, item: &[u8]) -> i128 {
    let (big, sign) = match dtype {
        DType::Int { order, .. } => (*order == ByteOrder::Big, true),
        DType::UInt { order, .. } => (*order == ByteOrder::Big, false),
        _ => (false, false),
    };
    let mut bytes = [0; 16];
    bytes[..item.len()].copy_from_slice(item);
    if big {
        bytes[..item.len()].reverse();
    }
    if sign && bytes[item.len() - 1] >= 0x80 {
        bytes[item.len()..].fill(0xff);
    }
    i128::from_le_bytes(bytes)
}

/// The units that a time lasts; none for "not a time".
pub(crate) fn count(dtype: &DType, item: &[u8]) -> Option<i64> {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(item);
    dtype.to_little_endian(&mut bytes);
    Some(i64::from_le_bytes(bytes)).filter(|&count| count != i64::MIN)
}

/// Text without the zeros that pad it; none where it is not Unicode.
pub(crate) fn text(dtype: &DType, item: &[u8]) -> Option<String> {
    let mut points = item.to_vec();
    dtype.to_little_endian(&mut points);
    let mut points: Vec<u32> = points.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect();
    let end = points.iter().rposition(|&point| point != 0).map_or(0, |last| last + 1);
    points.truncate(end);
    points.into_iter().map(char::from_u32).collect()
}

/// Bytes without the zeros that pad them.
pub(crate) fn unpadded(item: &[u8]) -> &[u8] {
    let end = item.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &item[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dtype: &str, bytes: &[u8]) -> String {
        serde_json::to_string(&item(&dtype.parse().unwrap(), bytes)).unwrap()
    }

    #[test]
    fn every_value_is_json() {
        assert_eq!(of("|b1", &[2]), "true");
        assert_eq!(of("<i2", &[0xfe, 0xff]), "-2");
        assert_eq!(of(">i2", &[0xff, 0xfe]), "-2");
        assert_eq!(of("<u8", &[0xff; 8]), "\"18446744073709551615\"");
        assert_eq!(of("<i8", &[0, 0, 0, 0, 0, 0, 0, 0x80]), "\"-9223372036854775808\"");
        assert_eq!(of("<u8", &(1_u64 << 53).to_le_bytes()), "9007199254740992");
        assert_eq!(of("<f8", &0.1_f64.to_le_bytes()), "0.1");
        assert_eq!(of(">f4", &f32::NAN.to_be_bytes()), "\"nan\"");
        assert_eq!(of("<f2", &[0, 0xfc]), "\"-inf\"");
        assert_eq!(of(">m8[s]", &(-5_i64).to_be_bytes()), "-5");
        assert_eq!(of("<m8[s]", &i64::MIN.to_le_bytes()), "\"NaT\"");
        assert_eq!(of("<M8[D]", &0_i64.to_le_bytes()), "\"1970-01-01\"");
        assert_eq!(of("|S4", b"a\0b\0"), "\"a\\u0000b\"");
        assert_eq!(of(">U2", &[0, 0, 0, 0x41, 0, 0, 0, 0]), "\"A\"");
        assert_eq!(of("|V2", &[1, 0xff]), "\"01ff\"");
        assert_eq!(of("[('x', '<u2', (2,)), ('s', '|S1')]", &[1, 0, 2, 0, 0x7a]), r#"{"x":[1,2],"s":"z"}"#.to_string());
    }
}
