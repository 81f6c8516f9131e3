//! The element type as a run-time value.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::byte_order::ByteOrder;
use crate::error::{Error, ErrorKind, Result};

/// The type of the elements of an array, as the file states it; NumPy's `dtype`.
///
/// It covers every fixed-size dtype that NumPy writes. Python objects (`O`) have no variant: they cannot be stored safely.
/// Types of one byte carry no byte order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// `|b1`: one byte; any byte but 0 is true.
    Bool,
    /// `i1`, `i2`, `i4`, `i8`: a signed integer of `size` bytes.
    Int {
        /// Bytes: 1, 2, 4 or 8.
        size: u8,
        /// The order of the bytes; [`ByteOrder::NATIVE`] where `size` is 1.
        order: ByteOrder,
    },
    /// `u1`, `u2`, `u4`, `u8`: an unsigned integer of `size` bytes.
    UInt {
        /// Bytes: 1, 2, 4 or 8.
        size: u8,
        /// The order of the bytes; [`ByteOrder::NATIVE`] where `size` is 1.
        order: ByteOrder,
    },
    /// `f2`, `f4`, `f8`: IEEE 754; `f16`: the x87 long double in 16 bytes, which only its own machines compute with.
    Float {
        /// Bytes: 2, 4, 8 or 16.
        size: u8,
        /// The order of the bytes.
        order: ByteOrder,
    },
    /// `bfloat16`: the upper half of an IEEE 754 single. Not a dtype of NumPy's own: `.npy` cannot name it.
    BFloat16 {
        /// The order of the bytes.
        order: ByteOrder,
    },
    /// `c8`, `c16`, `c32`: two floats of half the size, real part first.
    Complex {
        /// Bytes: 8, 16 or 32.
        size: u8,
        /// The order of the bytes of each half.
        order: ByteOrder,
    },
    /// `M8[unit]`: an `i64` of units since 1970-01-01; `i64::MIN` is "not a time".
    DateTime {
        /// The unit, with its multiple.
        unit: TimeUnit,
        /// The order of the bytes.
        order: ByteOrder,
    },
    /// `m8[unit]`: an `i64` of units; `i64::MIN` is "not a time".
    TimeDelta {
        /// The unit, with its multiple.
        unit: TimeUnit,
        /// The order of the bytes.
        order: ByteOrder,
    },
    /// `S`*n*: `len` bytes, padded with zeros on the right.
    Bytes {
        /// Bytes.
        len: u32,
    },
    /// `U`*n*: `len` code points of four bytes, padded with zeros on the right.
    Text {
        /// Code points.
        len: u32,
        /// The order of the bytes of each code point.
        order: ByteOrder,
    },
    /// `V`*n*: `len` bytes without meaning to NumPy.
    Void {
        /// Bytes.
        len: u32,
    },
    /// A structured type: named fields at fixed offsets.
    Record(Arc<Record>),
    /// A fixed-size array inside a field, in row-major order.
    SubArray {
        /// The type of its elements.
        base: Arc<DType>,
        /// Its shape.
        shape: Vec<u32>,
    },
}

/// The unit of a [`DType::DateTime`] or [`DType::TimeDelta`], such as `[25s]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeUnit {
    /// How many base units one count stands for; 1 for a generic unit.
    pub multiple: u32,
    /// The base unit.
    pub base: Unit,
}

/// A base unit of time, with NumPy's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// No unit was given.
    Generic,
    /// `Y`
    Year,
    /// `M`
    Month,
    /// `W`
    Week,
    /// `D`
    Day,
    /// `h`
    Hour,
    /// `m`
    Minute,
    /// `s`
    Second,
    /// `ms`
    Millisecond,
    /// `us`
    Microsecond,
    /// `ns`
    Nanosecond,
    /// `ps`
    Picosecond,
    /// `fs`
    Femtosecond,
    /// `as`
    Attosecond,
}

/// The fields of a structured type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    pub(super) fields: Vec<Field>,
    pub(super) itemsize: u32,
}

/// One named field of a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) offset: u32,
    pub(super) dtype: DType,
}

impl DType {
    /// Bytes of one element.
    ///
    /// At most `i32::MAX` for every type that a file or a text can name; a value put together by hand may saturate.
    pub fn itemsize(&self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Int { size, .. }
            | Self::UInt { size, .. }
            | Self::Float { size, .. }
            | Self::Complex { size, .. } => usize::from(*size),
            Self::BFloat16 { .. } => 2,
            Self::DateTime { .. } | Self::TimeDelta { .. } => 8,
            Self::Bytes { len } | Self::Void { len } => to_usize(*len),
            Self::Text { len, .. } => to_usize(*len).saturating_mul(4),
            Self::Record(record) => record.itemsize(),
            Self::SubArray { base, shape } => {
                shape.iter().fold(base.itemsize(), |size, &len| size.saturating_mul(to_usize(len)))
            }
        }
    }

    /// The order of the bytes of each scalar; `None` where it does not apply: one byte, bytes, voids, records.
    pub fn byte_order(&self) -> Option<ByteOrder> {
        match self {
            Self::Int { size: 1, .. } | Self::UInt { size: 1, .. } => None,
            Self::Int { order, .. }
            | Self::UInt { order, .. }
            | Self::Float { order, .. }
            | Self::BFloat16 { order }
            | Self::Complex { order, .. }
            | Self::DateTime { order, .. }
            | Self::TimeDelta { order, .. }
            | Self::Text { order, .. } => Some(*order),
            Self::SubArray { base, .. } => base.byte_order(),
            Self::Bool | Self::Bytes { .. } | Self::Void { .. } | Self::Record(_) => None,
        }
    }

    /// The same type with every scalar in the given byte order.
    #[must_use]
    pub fn with_byte_order(&self, order: ByteOrder) -> Self {
        let mut dtype = self.clone();
        match &mut dtype {
            Self::Int { size: 1, .. } | Self::UInt { size: 1, .. } => {}
            Self::Int { order: old, .. }
            | Self::UInt { order: old, .. }
            | Self::Float { order: old, .. }
            | Self::BFloat16 { order: old }
            | Self::Complex { order: old, .. }
            | Self::DateTime { order: old, .. }
            | Self::TimeDelta { order: old, .. }
            | Self::Text { order: old, .. } => *old = order,
            Self::Record(record) => {
                for field in &mut Arc::make_mut(record).fields {
                    field.dtype = field.dtype.with_byte_order(order);
                }
            }
            Self::SubArray { base, .. } => *base = Arc::new(base.with_byte_order(order)),
            Self::Bool | Self::Bytes { .. } | Self::Void { .. } => {}
        }
        dtype
    }

    /// NumPy's name for the type: `float64`, `datetime64[ns]`, `bytes56` and `str160` and `void96` with the size in bits.
    pub fn name(&self) -> String {
        let flexible = |name: &str| match self.itemsize() {
            0 => name.to_string(),
            size => format!("{name}{}", (size as u64).saturating_mul(8)),
        };
        match self {
            Self::Bool => "bool".into(),
            Self::Int { .. } => flexible("int"),
            Self::UInt { .. } => flexible("uint"),
            Self::Float { .. } => flexible("float"),
            Self::BFloat16 { .. } => "bfloat16".into(),
            Self::Complex { .. } => flexible("complex"),
            Self::DateTime { unit, .. } => format!("datetime64{unit}"),
            Self::TimeDelta { unit, .. } => format!("timedelta64{unit}"),
            Self::Bytes { .. } => flexible("bytes"),
            Self::Text { .. } => flexible("str"),
            Self::Void { .. } | Self::Record(_) | Self::SubArray { .. } => flexible("void"),
        }
    }
}

/// Lengths inside a dtype fit the address space of every target that this crate supports.
pub(super) fn to_usize(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

impl Record {
    /// A record of fields at the offsets that they state, in a total of `itemsize` bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where a field overlaps the one before it or the end, where a name or title occurs
    /// twice, where a field without a name is plain void (NumPy reads that as padding), or where `itemsize` exceeds
    /// NumPy's limit of `i32::MAX`.
    pub fn new(fields: Vec<Field>, itemsize: usize) -> Result<Self> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        let Some(itemsize) = u32::try_from(itemsize).ok().filter(|&size| i32::try_from(size).is_ok()) else {
            return invalid(format!("a record of {itemsize} bytes; {} are the most", i32::MAX));
        };
        let mut names = HashSet::new();
        let mut end = 0;
        for field in &fields {
            let name = super::repr::string(&field.name);
            if let Some(twice) = field.title.iter().chain([&field.name]).find(|name| !names.insert(name.as_str())) {
                return invalid(format!("the field name or title {} occurs twice", super::repr::string(twice)));
            }
            if field.offset() < end {
                return invalid(format!("field {name} at byte {} overlaps the one that ends at {end}", field.offset));
            }
            if field.is_padding() {
                return invalid("a void field without a name is padding".into());
            }
            end = field.offset().saturating_add(field.dtype.itemsize());
        }
        if end > to_usize(itemsize) {
            return invalid(format!("the fields end at byte {end} of a record of {itemsize} bytes"));
        }
        Ok(Self { fields, itemsize })
    }

    /// The fields, in the order of their offsets.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Bytes of one record, padding included.
    pub fn itemsize(&self) -> usize {
        to_usize(self.itemsize)
    }
}

impl Field {
    /// A field at a distance, in bytes, from the beginning of its record.
    pub fn new(name: impl Into<String>, offset: u32, dtype: DType) -> Self {
        Self { name: name.into(), title: None, offset, dtype }
    }

    /// The same field with a title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title, NumPy's second name for a field, where there is one.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Bytes from the beginning of the record.
    pub fn offset(&self) -> usize {
        to_usize(self.offset)
    }

    /// The type.
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Whether NumPy reads the field as padding. Sub-arrays count as void there, whatever their elements.
    pub(super) fn is_padding(&self) -> bool {
        self.name.is_empty()
            && self.title.is_none()
            && matches!(self.dtype, DType::Void { .. } | DType::SubArray { .. })
    }
}

impl fmt::Display for TimeUnit {
    /// As NumPy writes it: nothing for a generic unit, `[ns]`, `[25s]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.base, self.multiple) {
            (Unit::Generic, _) => Ok(()),
            (base, 1) => write!(f, "[{}]", base.code()),
            (base, multiple) => write!(f, "[{multiple}{}]", base.code()),
        }
    }
}

impl Unit {
    /// Every unit, from the coarsest to the finest.
    pub(super) const ALL: [Self; 14] = [
        Self::Generic,
        Self::Year,
        Self::Month,
        Self::Week,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::Millisecond,
        Self::Microsecond,
        Self::Nanosecond,
        Self::Picosecond,
        Self::Femtosecond,
        Self::Attosecond,
    ];

    /// NumPy's code for it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Year => "Y",
            Self::Month => "M",
            Self::Week => "W",
            Self::Day => "D",
            Self::Hour => "h",
            Self::Minute => "m",
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
            Self::Picosecond => "ps",
            Self::Femtosecond => "fs",
            Self::Attosecond => "as",
        }
    }
}
