//! Recorded element values as Rust values, bit for bit.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use outcore::element::{Complex, bf16, f16};
use outcore::{Be, Element, Le, MmapArrayMut, OpenOptions, Result};
use serde_json::Value;

use crate::fixtures::unhex;

#[path = "hex_float.rs"]
mod hex_float;

pub(crate) use hex_float::hex_float;

/// An element type whose values the manifests record.
pub(crate) trait Recorded: Element {
    /// The value as little-endian bytes, from the manifest's spelling.
    fn recorded_bytes(value: &Value) -> Vec<u8>;

    /// The value as little-endian bytes.
    fn bytes(self) -> Vec<u8>;

    /// The value of little-endian bytes.
    fn from_little_endian(bytes: &[u8]) -> Self;

    /// For comparing and adding: exact for all integers, both parts for complex numbers.
    fn number(self) -> Number;

    /// Maps the file as `Be<Self>` or `Le<Self>`, at any address, and copies the values out.
    fn map_ordered(options: &OpenOptions, path: &Path, big: bool) -> Result<ArrayD<Self>>;

    /// Maps the file for writing, in either byte order, and lets `change` write through an index.
    fn write_ordered(options: &OpenOptions, path: &Path, big: bool, cow: bool, change: Change<'_, Self>) -> Result<()>;
}

/// What to do to a mapped array of `Be` or `Le`, given as functions so that its type need not be named.
pub(crate) struct Change<'a, T> {
    pub(crate) set: &'a [(Vec<usize>, T)],
    pub(crate) fill: &'a [(Vec<ndarray::SliceInfoElem>, T)],
    pub(crate) then: &'a mut dyn FnMut(ArrayD<T>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
    Complex(f64, f64),
}

fn recorded_float<const N: usize>(value: &Value, bytes: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    match value {
        Value::String(text) => bytes(hex_float(text)).to_vec(),
        Value::Object(nan) => unhex(nan["nan_bits_le"].as_str().expect("the bits of a NaN")),
        other => panic!("no float: {other}"),
    }
}

macro_rules! with_byte_order {
    () => {
        fn map_ordered(options: &OpenOptions, path: &Path, big: bool) -> Result<ArrayD<Self>> {
            if big {
                // SAFETY: nobody else uses the file while this test has it.
                let mapped = unsafe { options.open::<Be<Self>, IxDyn>(path) }?;
                Ok(mapped.mapv(Be::get))
            } else {
                // SAFETY: as above.
                let mapped = unsafe { options.open::<Le<Self>, IxDyn>(path) }?;
                Ok(mapped.mapv(Le::get))
            }
        }

        fn write_ordered(
            options: &OpenOptions,
            path: &Path,
            big: bool,
            cow: bool,
            mut change: Change<'_, Self>,
        ) -> Result<()> {
            if big {
                write_as::<Self, Be<Self>>(options, path, cow, &mut change, Be::get)
            } else {
                write_as::<Self, Le<Self>>(options, path, cow, &mut change, Le::get)
            }
        }
    };
}

macro_rules! without_byte_order {
    () => {
        fn map_ordered(options: &OpenOptions, path: &Path, _: bool) -> Result<ArrayD<Self>> {
            // SAFETY: nobody else uses the file while this test has it.
            Ok(unsafe { options.open::<Self, IxDyn>(path) }?.view().to_owned())
        }

        fn write_ordered(
            options: &OpenOptions,
            path: &Path,
            _: bool,
            cow: bool,
            mut change: Change<'_, Self>,
        ) -> Result<()> {
            write_as::<Self, Self>(options, path, cow, &mut change, |value| value)
        }
    };
}

/// Sets, fills, reads back and closes.
pub(crate) fn write_as<T: Element, E: Element + From<T>>(
    options: &OpenOptions,
    path: &Path,
    cow: bool,
    change: &mut Change<'_, T>,
    get: impl Fn(E) -> T,
) -> Result<()> {
    let mut mapped: MmapArrayMut<E> = if cow {
        // SAFETY: nobody else uses the file while this test has it.
        unsafe { options.open_cow(path) }?
    } else {
        // SAFETY: as above.
        unsafe { options.open_mut(path) }?
    };
    assert_eq!(mapped.writes_through(), !cow);
    for (index, value) in change.set {
        mapped[IxDyn(index)] = E::from(*value);
    }
    for (slices, value) in change.fill {
        mapped.view_mut().slice_mut(&slices[..]).fill(E::from(*value));
    }
    (change.then)(mapped.mapv(get));
    mapped.close()
}

macro_rules! recorded_ints {
    ($($type:ty, $order:ident;)*) => {$(
        impl Recorded for $type {
            fn recorded_bytes(value: &Value) -> Vec<u8> {
                value.as_str().expect("digits").parse::<Self>().expect("in range").to_le_bytes().to_vec()
            }

            fn bytes(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }

            fn from_little_endian(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("one element"))
            }

            fn number(self) -> Number {
                Number::Int(i128::from(self))
            }

            $order!();
        }
    )*};
}

recorded_ints! {
    i8, without_byte_order;
    u8, without_byte_order;
    i16, with_byte_order;
    i32, with_byte_order;
    i64, with_byte_order;
    u16, with_byte_order;
    u32, with_byte_order;
    u64, with_byte_order;
}

macro_rules! recorded_floats {
    ($($type:ty, $from:expr;)*) => {$(
        impl Recorded for $type {
            fn recorded_bytes(value: &Value) -> Vec<u8> {
                recorded_float(value, |value| <$type>::to_le_bytes($from(value)))
            }

            fn bytes(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }

            fn from_little_endian(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("one element"))
            }

            fn number(self) -> Number {
                Number::Float(self.into())
            }

            with_byte_order!();
        }

    )*};
}

#[expect(clippy::cast_possible_truncation, reason = "recorded from a single, and so exact")]
fn single(value: f64) -> f32 {
    value as f32
}

recorded_floats! {
    f16, f16::from_f64;
    bf16, bf16::from_f64;
    f32, single;
    f64, |value| value;
}

macro_rules! recorded_complex {
    ($($half:ty),*) => {$(
        impl Recorded for Complex<$half> {
            fn recorded_bytes(value: &Value) -> Vec<u8> {
                [<$half>::recorded_bytes(&value[0]), <$half>::recorded_bytes(&value[1])].concat()
            }

            fn bytes(self) -> Vec<u8> {
                [self.re.bytes(), self.im.bytes()].concat()
            }

            fn from_little_endian(bytes: &[u8]) -> Self {
                let (re, im) = bytes.split_at(size_of::<$half>());
                Self::new(<$half>::from_little_endian(re), <$half>::from_little_endian(im))
            }

            fn number(self) -> Number {
                Number::Complex(self.re.into(), self.im.into())
            }

            with_byte_order!();
        }
    )*};
}

recorded_complex!(f32, f64);

impl Recorded for bool {
    fn recorded_bytes(value: &Value) -> Vec<u8> {
        vec![u8::from(value.as_bool().expect("true or false"))]
    }

    fn bytes(self) -> Vec<u8> {
        vec![u8::from(self)]
    }

    fn from_little_endian(bytes: &[u8]) -> Self {
        bytes == [1]
    }

    fn number(self) -> Number {
        Number::Int(i128::from(self))
    }

    without_byte_order!();
}
