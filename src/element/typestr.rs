//! The one-word spellings of a dtype: `<f8`, `float64`, `d`, `M8[25s]`.

use super::byte_order::ByteOrder;
use super::dtype::{DType, TimeUnit, Unit};
use crate::error::ErrorKind;

/// Why a spelling is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

fn corrupt(message: String) -> Refusal {
    Refusal { kind: ErrorKind::Corrupt, message, hint: None }
}

fn unsupported(message: impl Into<String>, hint: &'static str) -> Refusal {
    Refusal { kind: ErrorKind::Unsupported, message: message.into(), hint: Some(hint) }
}

/// NumPy's limit on the bytes of one element: a C `int`.
pub(super) const MAX_ITEMSIZE: u32 = i32::MAX.unsigned_abs();

/// Reads a spelling that `numpy.dtype` knows and that stands for one type, or `bfloat16`.
pub(super) fn read(text: &str) -> Result<DType, Refusal> {
    let (order, bare) = match text.as_bytes().first() {
        Some(b'<') => (ByteOrder::Little, &text[1..]),
        Some(b'>') => (ByteOrder::Big, &text[1..]),
        Some(b'=' | b'|') => (ByteOrder::NATIVE, &text[1..]),
        _ => (ByteOrder::NATIVE, text),
    };
    let dtype = time(bare)?.or_else(|| code(bare)).or_else(|| name(if bare == "bfloat16" { bare } else { text }));
    if let Some(dtype) = dtype {
        return Ok(dtype.with_byte_order(order));
    }
    let quoted = super::repr::string(&super::literal::excerpt(text));
    match bare {
        "O" | "O4" | "O8" | "object" | "object_" => Err(unsupported(
            "dtype O holds Python objects (pickle), which cannot be read safely",
            "convert the array in Python to a dtype without objects",
        )),
        "T" => Err(unsupported(
            "dtype T (StringDType) keeps its text outside of the array",
            "convert the array in Python to a fixed-width dtype",
        )),
        _ if bare.contains(',') || bare.starts_with(|c: char| c == '(' || c.is_ascii_digit()) => Err(unsupported(
            format!("{quoted} is a list of types, or a sub-array, in one word"),
            "write the fields as [('name', '<f8'), ('other', '<i4', (2,))]",
        )),
        _ => Err(corrupt(format!("{quoted} is not a dtype"))),
    }
}

fn int(size: u8) -> DType {
    DType::Int { size, order: ByteOrder::NATIVE }
}

fn uint(size: u8) -> DType {
    DType::UInt { size, order: ByteOrder::NATIVE }
}

fn float(size: u8) -> DType {
    DType::Float { size, order: ByteOrder::NATIVE }
}

fn complex(size: u8) -> DType {
    DType::Complex { size, order: ByteOrder::NATIVE }
}

/// `M8`, `m8`, `datetime64`, `timedelta64`, with or without a unit; `None` for anything else.
fn time(text: &str) -> Result<Option<DType>, Refusal> {
    let strip = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    let order = ByteOrder::NATIVE;
    let (rest, absolute) = match (strip(["M8", "datetime64"]), strip(["m8", "timedelta64"]), text) {
        (Some(rest), ..) => (rest, true),
        (_, Some(rest), _) => (rest, false),
        (_, _, "M") => ("", true),
        (_, _, "m") => ("", false),
        _ => return Ok(None),
    };
    let unit = match rest {
        "" => TimeUnit { multiple: 1, base: Unit::Generic },
        _ => match rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => time_unit(inner)?,
            None if rest.starts_with('[') => return Err(corrupt("the unit lacks its ']'".into())),
            None => return Ok(None),
        },
    };
    Ok(Some(if absolute { DType::DateTime { unit, order } } else { DType::TimeDelta { unit, order } }))
}

fn time_unit(text: &str) -> Result<TimeUnit, Refusal> {
    let quoted = || super::repr::string(&super::literal::excerpt(text));
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (multiple, base) = text.split_at(digits);
    if base.contains('/') {
        return Err(unsupported(format!("the unit {} has a divisor", quoted()), "write a multiple of a finer unit"));
    }
    let base = Unit::ALL
        .into_iter()
        .find(|unit| unit.code() == base || (base == "\u{3bc}s" && *unit == Unit::Microsecond))
        .ok_or_else(|| corrupt(format!("{} is not a unit of time", quoted())))?;
    let multiple = match multiple {
        _ if base == Unit::Generic => 1,
        "" => 1,
        _ => multiple
            .parse()
            .ok()
            .filter(|&multiple| multiple <= MAX_ITEMSIZE)
            .ok_or_else(|| corrupt(format!("the multiple of the unit {} does not fit", quoted())))?,
    };
    Ok(TimeUnit { multiple, base })
}

/// A kind and its size, such as `i4` or `S7`, or one of NumPy's one-letter codes.
fn code(text: &str) -> Option<DType> {
    let mut letters = text.chars();
    let kind = letters.next()?;
    let size = letters.as_str();
    let order = ByteOrder::NATIVE;
    if size.is_empty() {
        return Some(match kind {
            '?' => DType::Bool,
            'b' => int(1),
            'B' => uint(1),
            'h' => int(2),
            'H' => uint(2),
            'i' => int(4),
            'I' => uint(4),
            // The C types that are wide on Linux.
            'l' | 'q' | 'p' | 'n' => int(8),
            'L' | 'Q' | 'P' | 'N' => uint(8),
            'e' => float(2),
            'f' => float(4),
            'd' => float(8),
            'g' => float(16),
            'F' => complex(8),
            'D' => complex(16),
            'G' => complex(32),
            'c' => DType::Bytes { len: 1 },
            'S' => DType::Bytes { len: 0 },
            'U' => DType::Text { len: 0, order },
            'V' => DType::Void { len: 0 },
            _ => return None,
        });
    }
    if !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size: u32 = size.parse().ok().filter(|&size| size <= MAX_ITEMSIZE)?;
    let small = u8::try_from(size).unwrap_or(u8::MAX);
    match (kind, size) {
        ('b', 1) => Some(DType::Bool),
        ('i', 1 | 2 | 4 | 8) => Some(int(small)),
        ('u', 1 | 2 | 4 | 8) => Some(uint(small)),
        ('f', 2 | 4 | 8 | 16) => Some(float(small)),
        ('c', 8 | 16 | 32) => Some(complex(small)),
        ('S', len) => Some(DType::Bytes { len }),
        ('U', len) if len <= MAX_ITEMSIZE / 4 => Some(DType::Text { len, order }),
        ('V', len) => Some(DType::Void { len }),
        _ => None,
    }
}

/// NumPy's long names, which take no byte order, and `bfloat16`.
fn name(text: &str) -> Option<DType> {
    let order = ByteOrder::NATIVE;
    Some(match text {
        "bool" | "bool_" => DType::Bool,
        "int8" | "byte" => int(1),
        "int16" | "short" => int(2),
        "int32" | "intc" => int(4),
        "int64" | "int" | "int_" | "intp" | "long" | "longlong" => int(8),
        "uint8" | "ubyte" => uint(1),
        "uint16" | "ushort" => uint(2),
        "uint32" | "uintc" => uint(4),
        "uint64" | "uint" | "uintp" | "ulong" | "ulonglong" => uint(8),
        "float16" | "half" => float(2),
        "float32" | "single" => float(4),
        "float64" | "double" | "float" => float(8),
        "float128" | "longdouble" => float(16),
        "bfloat16" => DType::BFloat16 { order },
        "complex64" | "csingle" => complex(8),
        "complex128" | "cdouble" | "complex" => complex(16),
        "complex256" | "clongdouble" => complex(32),
        "bytes" | "bytes_" => DType::Bytes { len: 0 },
        "str" | "str_" | "unicode" => DType::Text { len: 0, order },
        "void" => DType::Void { len: 0 },
        _ => return None,
    })
}
