//! The text of a dtype: the `descr` of a `.npy` header, read and written as NumPy does, and the same as JSON.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::byte_order::ByteOrder;
use super::dtype::{DType, Field, Record};
use super::literal::{self, Flaw, Literal, Value};
use super::{repr, typestr};
use crate::error::{Error, ErrorKind};
use crate::shape::MAX_NDIM;

type Result<T, E = Flaw> = std::result::Result<T, E>;

/// One part of a descr as NumPy spells it.
enum Part<'a> {
    /// A type of one word.
    Simple(String),
    /// A list of fields and padding.
    Fields(Vec<Entry<'a>>),
    /// `(base, shape)`.
    SubArray(&'a DType, &'a [u32]),
}

/// One entry of a list of fields: title, name, type, shape.
enum Entry<'a> {
    Field(&'a Field),
    /// Bytes without a field.
    Padding(usize),
}

impl DType {
    /// The dtype as a Python literal, as NumPy writes it into the header of a `.npy` file: `'<f8'`, `[('a', '<i4')]`.
    ///
    /// ```
    /// let dtype: outcore::DType = "[('a', 'int8'), ('', 'V4'), ('b', '>f8', (2,))]".parse()?;
    /// assert_eq!(dtype.descr(), "[('a', '|i1'), ('', '|V4'), ('b', '>f8', (2,))]");
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn descr(&self) -> String {
        let mut out = String::new();
        self.write_descr(&mut out);
        out
    }

    fn part(&self) -> Part<'_> {
        let sign = match self.byte_order() {
            Some(order) => order.sign(),
            None => '|',
        };
        Part::Simple(match self {
            Self::Bool => "|b1".into(),
            Self::Int { size, .. } => format!("{sign}i{size}"),
            Self::UInt { size, .. } => format!("{sign}u{size}"),
            Self::Float { size, .. } => format!("{sign}f{size}"),
            Self::BFloat16 { order: ByteOrder::NATIVE } => "bfloat16".into(),
            Self::BFloat16 { .. } => format!("{sign}bfloat16"),
            Self::Complex { size, .. } => format!("{sign}c{size}"),
            Self::DateTime { unit, .. } => format!("{sign}M8{unit}"),
            Self::TimeDelta { unit, .. } => format!("{sign}m8{unit}"),
            Self::Bytes { len } => format!("|S{len}"),
            Self::Text { len, .. } => format!("{sign}U{len}"),
            Self::Void { len } => format!("|V{len}"),
            Self::Record(record) => return Part::Fields(record.entries()),
            Self::SubArray { base, shape } => return Part::SubArray(base, shape),
        })
    }

    fn write_descr(&self, out: &mut String) {
        match self.part() {
            Part::Simple(text) => {
                // A file states the byte order, whatever machine wrote it.
                let text = match self {
                    Self::BFloat16 { order } => format!("{}bfloat16", order.sign()),
                    _ => text,
                };
                out.push_str(&repr::string(&text));
            }
            Part::SubArray(base, shape) => {
                out.push('(');
                base.write_descr(out);
                out.push_str(", ");
                write_shape(out, shape);
                out.push(')');
            }
            Part::Fields(entries) => {
                out.push('[');
                for (index, entry) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    entry.write_descr(out);
                }
                out.push(']');
            }
        }
    }

    /// Reads the `descr` of a header.
    pub(crate) fn from_literal(literal: &Literal) -> Result<Self> {
        let dtype = read(literal)?;
        match dtype {
            Self::SubArray { .. } => Err(Flaw::new(
                literal.at,
                ErrorKind::Unsupported,
                "the dtype of the array itself is a sub-array, which NumPy does not load either",
            )
            .with_hint("its axes belong into the shape")),
            _ => Ok(dtype),
        }
    }
}

fn write_shape(out: &mut String, shape: &[u32]) {
    let shape: Vec<_> = shape.iter().map(|&len| len.into()).collect();
    out.push_str(&crate::shape::display(&shape));
}

impl Record {
    /// The fields with the padding between them, as NumPy regenerates it from the offsets.
    fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        let mut end = 0;
        for field in self.fields() {
            if field.offset() > end {
                entries.push(Entry::Padding(field.offset() - end));
            }
            entries.push(Entry::Field(field));
            end = field.offset() + field.dtype.itemsize();
        }
        if self.itemsize() > end {
            entries.push(Entry::Padding(self.itemsize() - end));
        }
        entries
    }
}

impl Entry<'_> {
    fn write_descr(&self, out: &mut String) {
        match self {
            Self::Padding(len) => write!(out, "('', '|V{len}')").expect("a String takes every write"),
            Self::Field(field) => {
                out.push('(');
                match &field.title {
                    Some(title) => {
                        let [title, name] = [title, &field.name].map(|text| repr::string(text));
                        write!(out, "({title}, {name})").expect("a String takes every write");
                    }
                    None => out.push_str(&repr::string(&field.name)),
                }
                out.push_str(", ");
                if let DType::SubArray { base, shape } = &field.dtype {
                    base.write_descr(out);
                    out.push_str(", ");
                    write_shape(out, shape);
                } else {
                    field.dtype.write_descr(out);
                }
                out.push(')');
            }
        }
    }
}

impl fmt::Display for DType {
    /// The text of [`DType::descr`], without quotes where it is one word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part() {
            Part::Simple(text) => f.pad(&text),
            _ => f.pad(&self.descr()),
        }
    }
}

impl Serialize for DType {
    /// A string for a type of one word, else NumPy's list, as Python's `json.dumps(dtype.descr)` writes it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.part() {
            Part::Simple(text) => serializer.serialize_str(&text),
            Part::Fields(entries) => serializer.collect_seq(entries),
            Part::SubArray(base, shape) => (base, shape).serialize(serializer),
        }
    }
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        match self {
            Self::Padding(len) => {
                list.serialize_element("")?;
                list.serialize_element(&format!("|V{len}"))?;
            }
            Self::Field(field) => {
                match &field.title {
                    Some(title) => list.serialize_element(&[title, &field.name])?,
                    None => list.serialize_element(&field.name)?,
                }
                if let DType::SubArray { base, shape } = &field.dtype {
                    list.serialize_element(base.as_ref())?;
                    list.serialize_element(shape)?;
                } else {
                    list.serialize_element(&field.dtype)?;
                }
            }
        }
        list.end()
    }
}

impl FromStr for DType {
    type Err = Error;

    /// Reads one of NumPy's spellings of a dtype (`<f8`, `float64`, `d`, `M8[ns]`), `bfloat16`, or a descr as it stands in a
    /// `.npy` header: one of them in quotes, or a list of fields.
    fn from_str(text: &str) -> Result<Self, Error> {
        const HINT: &str =
            "write it as NumPy does: f4, <f8, >i2, u1, bool, c16, S10, M8[ns], [('a', '<i4'), ('b', '<f8')]";
        let trimmed = text.trim();
        if trimmed.starts_with(['[', '\'', '"']) || (trimmed.starts_with('(') && trimmed.ends_with(')')) {
            let literal = literal::read(text, false).map_err(Flaw::in_text)?;
            return Self::from_literal(&literal).map_err(Flaw::in_text);
        }
        typestr::read(text).map_err(|refusal| {
            let kind = match refusal.kind {
                ErrorKind::Corrupt => ErrorKind::InvalidArgument,
                kind => kind,
            };
            Error::new(kind, refusal.message).with_hint(refusal.hint.unwrap_or(HINT))
        })
    }
}

fn read(literal: &Literal) -> Result<DType> {
    match &literal.value {
        Value::Str(text) => typestr::read(text).map_err(|refusal| Flaw {
            at: literal.at,
            kind: refusal.kind,
            message: refusal.message.into(),
            hint: refusal.hint.map(Into::into),
        }),
        Value::List(fields) => read_record(literal.at, fields),
        Value::Tuple(items) => match items.as_slice() {
            [_, Literal { at, value: Value::Dict(_) }] => Err(Flaw::new(
                *at,
                ErrorKind::Unsupported,
                "dtype metadata, which NumPy neither writes nor reads any more",
            )),
            [base, shape] => read_sub_array(literal.at, read(base)?, shape),
            _ => Err(corrupt(literal.at, format!("a sub-array is (type, shape), found {} items", items.len()))),
        },
        value => Err(corrupt(literal.at, format!("expected a dtype, found {}", value.describe()))),
    }
}

fn corrupt(at: usize, message: impl Into<std::borrow::Cow<'static, str>>) -> Flaw {
    Flaw::new(at, ErrorKind::Corrupt, message)
}

fn read_record(at: usize, items: &[Literal]) -> Result<DType> {
    let mut fields = Vec::with_capacity(items.len());
    let mut end = 0_u32;
    for item in items {
        let (Value::Tuple(parts) | Value::List(parts)) = &item.value else {
            return Err(corrupt(item.at, format!("expected a field (name, type), found {}", item.value.describe())));
        };
        let (name, dtype) = match parts.as_slice() {
            [name, dtype] => (name, read(dtype)?),
            [name, base, shape] => (name, read_sub_array(base.at, read(base)?, shape)?),
            _ => return Err(corrupt(item.at, format!("a field is (name, type, shape), found {} items", parts.len()))),
        };
        let (title, name) = read_name(name)?;
        let field = Field { name, title, offset: end, dtype };
        end = u32::try_from(field.dtype.itemsize())
            .ok()
            .and_then(|size| end.checked_add(size))
            .filter(|&end| end <= typestr::MAX_ITEMSIZE)
            .ok_or_else(|| too_large(item.at))?;
        if !field.is_padding() {
            fields.push(field);
        }
    }
    let record = Record::new(fields, super::dtype::to_usize(end)).map_err(|error| corrupt(at, error.to_string()))?;
    Ok(DType::Record(Arc::new(record)))
}

fn too_large(at: usize) -> Flaw {
    Flaw::new(at, ErrorKind::TooLarge, format!("one element takes more than {} bytes", typestr::MAX_ITEMSIZE))
}

/// The title and the name of a field.
fn read_name(literal: &Literal) -> Result<(Option<String>, String)> {
    match &literal.value {
        Value::Str(name) => return Ok((None, name.clone())),
        Value::Tuple(pair) => match pair.as_slice() {
            [Literal { value: Value::Str(title), .. }, Literal { value: Value::Str(name), .. }] => {
                return Ok((Some(title.clone()), name.clone()));
            }
            [Literal { value: Value::None, .. }, Literal { value: Value::Str(name), .. }] => {
                return Ok((None, name.clone()));
            }
            _ => {}
        },
        _ => {}
    }
    Err(corrupt(literal.at, format!("expected a field name or (title, name), found {}", literal.value.describe())))
}

fn read_sub_array(at: usize, base: DType, shape: &Literal) -> Result<DType> {
    let lens = match &shape.value {
        Value::Tuple(lens) | Value::List(lens) => lens.as_slice(),
        Value::Int(_) | Value::BigInt(_) => std::slice::from_ref(shape),
        value => {
            return Err(corrupt(shape.at, format!("expected the shape of a sub-array, found {}", value.describe())));
        }
    };
    if lens.len() > MAX_NDIM {
        return Err(corrupt(shape.at, format!("a sub-array of {} axes; {MAX_NDIM} are the most", lens.len())));
    }
    if lens.is_empty() {
        return Ok(base);
    }
    if matches!(base, DType::Bytes { len: 0 } | DType::Text { len: 0, .. } | DType::Void { len: 0 }) {
        return Err(corrupt(at, format!("a sub-array of {base}, which has no size")));
    }
    let shape = lens.iter().map(read_len).collect::<Result<Vec<u32>>>()?;
    let count = shape.iter().try_fold(1_u32, |count, &len| count.checked_mul(len));
    let count = if shape.contains(&0) { Some(0) } else { count };
    let size = u32::try_from(base.itemsize()).ok();
    let fits = |value: Option<u32>| value.is_some_and(|value| value <= typestr::MAX_ITEMSIZE);
    if !fits(count) || !fits(size.zip(count).and_then(|(size, count)| size.checked_mul(count))) {
        return Err(too_large(at));
    }
    Ok(DType::SubArray { base: Arc::new(base), shape })
}

fn read_len(literal: &Literal) -> Result<u32> {
    match literal.value {
        Value::Int(len) => u32::try_from(len).ok().filter(|&len| len <= typestr::MAX_ITEMSIZE).ok_or_else(|| {
            corrupt(literal.at, format!("an axis of {len}; 0 to {} are possible", typestr::MAX_ITEMSIZE))
        }),
        ref value => Err(corrupt(literal.at, format!("expected the length of an axis, found {}", value.describe()))),
    }
}

#[cfg(test)]
pub(crate) mod tests;
