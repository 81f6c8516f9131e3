//! Values as text, the way NumPy prints a scalar, and text as values.

mod calendar;
mod float;
mod parse;

use std::fmt::Write;

use super::byte_order::ByteOrder;
use super::dtype::{DType, TimeUnit, Unit, to_usize};
use super::repr;

/// Scalars printed of one sub-array before it is cut short.
const MAX_SCALARS: usize = 1000;

impl DType {
    /// The value of one element, given its bytes as the file holds them, as NumPy prints that scalar.
    ///
    /// It differs where NumPy's text is ambiguous or absent: texts print in quotes, with escapes for code points that are no
    /// characters; times of a generic unit print as integers; long doubles print as the bytes of a void. A sub-array
    /// of more than a thousand scalars is cut short.
    ///
    /// # Panics
    ///
    /// Where `item` has fewer bytes than one element.
    ///
    /// ```
    /// let dtype: outcore::DType = "[('id', '>u2'), ('when', '<M8[D]'), ('x', '<f8', (2,))]".parse()?;
    /// let mut item = vec![1, 2, 100, 0, 0, 0, 0, 0, 0, 0];
    /// item.extend(0.5_f64.to_le_bytes());
    /// item.extend(1e20_f64.to_le_bytes());
    /// assert_eq!(dtype.format_item(&item), "(258, 1970-04-11, [0.5, 1e+20])");
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn format_item(&self, item: &[u8]) -> String {
        let mut out = String::new();
        self.write_item(&item[..self.itemsize()], &mut out);
        out
    }

    fn write_item(&self, item: &[u8], out: &mut String) {
        match self {
            Self::Bool => out.push_str(if item[0] == 0 { "False" } else { "True" }),
            Self::Int { size, order } => push(out, signed(item, usize::from(*size), *order)),
            Self::UInt { order, .. } => push(out, unsigned(item, *order)),
            Self::Float { size: 16, .. } | Self::Complex { size: 32, .. } | Self::Void { .. } => push_hex(out, item),
            Self::Float { order, .. } | Self::BFloat16 { order } => {
                out.push_str(&float::format(unsigned(item, *order), self.float_kind()));
            }
            Self::Complex { order, .. } => {
                let (re, im) = item.split_at(item.len() / 2);
                let [re, im] = [re, im].map(|half| unsigned(half, *order));
                out.push_str(&float::format_complex(re, im, self.float_kind()));
            }
            Self::DateTime { unit, order } => match time(item, *order) {
                None => out.push_str("NaT"),
                Some(count) if unit.base == Unit::Generic => push(out, count),
                Some(count) => {
                    out.push_str(&calendar::format(i128::from(count) * i128::from(unit.multiple), unit.base));
                }
            },
            Self::TimeDelta { unit, order } => match time(item, *order) {
                None => out.push_str("NaT"),
                Some(count) => {
                    push(out, i128::from(count) * i128::from(unit.multiple));
                    if unit.base != Unit::Generic {
                        push(out, format_args!(" {}", calendar::plural(unit.base)));
                    }
                }
            },
            Self::Bytes { .. } => out.push_str(&repr::bytes(item.trim_suffix_zeros())),
            Self::Text { order, .. } => {
                let codes: Vec<u32> = item.as_chunks::<4>().0.iter().map(|code| code_point(*code, *order)).collect();
                let len = codes.iter().rposition(|&code| code != 0).map_or(0, |last| last + 1);
                out.push_str(&repr::code_points(codes[..len].iter().copied()));
            }
            Self::Record(record) => {
                out.push('(');
                for (index, field) in record.fields().iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    let begin = field.offset();
                    field.dtype().write_item(&item[begin..begin + field.dtype().itemsize()], out);
                }
                out.push_str(if record.fields().len() == 1 { ",)" } else { ")" });
            }
            Self::SubArray { base, shape } => write_sub_array(base, shape, item, &mut MAX_SCALARS.clone(), out),
        }
    }

    /// The layout of the bits of one real number of this type.
    fn float_kind(&self) -> float::Kind {
        match self {
            Self::BFloat16 { .. } => float::Kind::Brain,
            Self::Float { size: 2, .. } => float::Kind::Half,
            Self::Float { size: 4, .. } | Self::Complex { size: 8, .. } => float::Kind::Single,
            _ => float::Kind::Double,
        }
    }
}

/// Nested lists, row by row, until `left` scalars have been written.
fn write_sub_array(base: &DType, shape: &[u32], item: &[u8], left: &mut usize, out: &mut String) {
    let Some((&len, inner)) = shape.split_first() else {
        *left -= 1;
        return base.write_item(item, out);
    };
    let len = to_usize(len);
    out.push('[');
    for index in 0..len {
        out.push_str(if index == 0 { "" } else { ", " });
        if *left == 0 {
            out.push_str("...");
            break;
        }
        let size = item.len() / len;
        write_sub_array(base, inner, &item[index * size..(index + 1) * size], left, out);
    }
    out.push(']');
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("a String takes every write");
}

/// Opaque bytes, as NumPy prints a void.
fn push_hex(out: &mut String, bytes: &[u8]) {
    out.push_str("b'");
    for byte in bytes {
        push(out, format_args!("\\x{byte:02X}"));
    }
    out.push('\'');
}

/// Up to eight bytes as an unsigned number.
fn unsigned(bytes: &[u8], order: ByteOrder) -> u64 {
    let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    match order {
        ByteOrder::Little => bytes.iter().rev().fold(0, add),
        ByteOrder::Big => bytes.iter().fold(0, add),
    }
}

fn signed(bytes: &[u8], size: usize, order: ByteOrder) -> i64 {
    let unused = 64 - 8 * size.clamp(1, 8);
    (unsigned(bytes, order) << unused).cast_signed() >> unused
}

/// The count of a time, or `None` for "not a time".
fn time(bytes: &[u8], order: ByteOrder) -> Option<i64> {
    Some(signed(bytes, 8, order)).filter(|&count| count != i64::MIN)
}

fn code_point(bytes: [u8; 4], order: ByteOrder) -> u32 {
    match order {
        ByteOrder::Little => u32::from_le_bytes(bytes),
        ByteOrder::Big => u32::from_be_bytes(bytes),
    }
}

/// Texts end at their last byte that is not zero.
trait TrimZeros {
    fn trim_suffix_zeros(&self) -> &[u8];
}

impl TrimZeros for [u8] {
    fn trim_suffix_zeros(&self) -> &[u8] {
        let len = self.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        &self[..len]
    }
}

impl TimeUnit {
    /// The multiple as a divisor; a unit of zero, which NumPy allows, has no counts to divide into.
    fn divisor(self) -> Option<i128> {
        Some(i128::from(self.multiple)).filter(|&multiple| multiple != 0)
    }
}

#[cfg(test)]
mod tests;
