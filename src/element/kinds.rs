//! Which Rust types may be elements, and which dtype each one is.

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

use super::bool8::Bool8;
use super::byte_order::ByteOrder;
use super::dtype::DType;

pub(super) mod sealed {
    pub trait Sealed {}
}

/// A Rust type whose values are the elements of a file, bit for bit.
///
/// | Rust | NumPy | |
/// |---|---|---|
/// | `bool`, [`Bool8`] | `\|b1` | `bool` is checked for bytes other than 0 and 1 when it is opened |
/// | `i8` ... `i64`, `u8` ... `u64` | `i1` ... `i8`, `u1` ... `u8` | in the machine's byte order |
/// | `f16` (feature `half`), `f32`, `f64` | `f2`, `f4`, `f8` | |
/// | `bf16` (feature `half`) | none | raw files only |
/// | `Complex<f32>`, `Complex<f64>` (feature `complex`) | `c8`, `c16` | |
/// | [`Be<T>`](super::Be), [`Le<T>`](super::Le) | `>` and `<` of the same | at any address |
///
/// The bounds are bytemuck's: no padding bytes, and a check for the bit patterns that are values. The trait is sealed.
pub trait Element:
    CheckedBitPattern<Bits: Pod + Send + Sync> + NoUninit + Zeroable + Send + Sync + std::fmt::Debug + sealed::Sealed
{
    /// The dtype of the type.
    fn dtype() -> DType;

    /// The name of the type as Rust programs write it, for messages.
    fn name() -> String;

    /// Reverses the bytes of each scalar in a run of whole elements.
    #[doc(hidden)]
    fn swap_bytes_in_place(items: &mut [u8]);

    /// The elements of these bits, in the same memory; none where some bits are not a value of the type.
    #[doc(hidden)]
    fn from_bits(items: Vec<Self::Bits>) -> Option<Vec<Self>>;

    /// The first element, counted from 0, whose bytes are not a value of the type.
    #[doc(hidden)]
    fn find_invalid(items: &[u8]) -> Option<usize> {
        let _ = items;
        None
    }
}

/// Calls a macro once with the list of native element types but `bool`: variant, type, name, dtype, bytes of one scalar,
/// feature.
macro_rules! for_each_native {
    ($with:ident) => {
        $with! {
            I8, i8, "i8", DType::Int { size: 1, order: ByteOrder::NATIVE }, 1, [];
            I16, i16, "i16", DType::Int { size: 2, order: ByteOrder::NATIVE }, 2, [];
            I32, i32, "i32", DType::Int { size: 4, order: ByteOrder::NATIVE }, 4, [];
            I64, i64, "i64", DType::Int { size: 8, order: ByteOrder::NATIVE }, 8, [];
            U8, u8, "u8", DType::UInt { size: 1, order: ByteOrder::NATIVE }, 1, [];
            U16, u16, "u16", DType::UInt { size: 2, order: ByteOrder::NATIVE }, 2, [];
            U32, u32, "u32", DType::UInt { size: 4, order: ByteOrder::NATIVE }, 4, [];
            U64, u64, "u64", DType::UInt { size: 8, order: ByteOrder::NATIVE }, 8, [];
            F16, half::f16, "f16", DType::Float { size: 2, order: ByteOrder::NATIVE }, 2, ["half"];
            Bf16, half::bf16, "bf16", DType::BFloat16 { order: ByteOrder::NATIVE }, 2, ["half"];
            F32, f32, "f32", DType::Float { size: 4, order: ByteOrder::NATIVE }, 4, [];
            F64, f64, "f64", DType::Float { size: 8, order: ByteOrder::NATIVE }, 8, [];
            C64, num_complex::Complex<f32>, "Complex<f32>", DType::Complex { size: 8, order: ByteOrder::NATIVE }, 4, ["complex"];
            C128, num_complex::Complex<f64>, "Complex<f64>", DType::Complex { size: 16, order: ByteOrder::NATIVE }, 8, ["complex"];
        }
    };
}

macro_rules! native_elements {
    ($($variant:ident, $type:ty, $name:literal, $dtype:expr, $scalar:literal, [$($feature:literal)?];)*) => {$(
        $(#[cfg(feature = $feature)])?
        impl sealed::Sealed for $type {}

        $(#[cfg(feature = $feature)])?
        impl Element for $type {
            fn dtype() -> DType {
                $dtype
            }

            fn name() -> String {
                $name.into()
            }

            fn swap_bytes_in_place(items: &mut [u8]) {
                if $scalar > 1 {
                    items.as_chunks_mut::<$scalar>().0.iter_mut().for_each(|scalar| scalar.reverse());
                }
            }

            fn from_bits(items: Vec<Self>) -> Option<Vec<Self>> {
                Some(items)
            }
        }
    )*};
}
for_each_native!(native_elements);

impl sealed::Sealed for Bool8 {}

impl Element for Bool8 {
    fn dtype() -> DType {
        DType::Bool
    }

    fn name() -> String {
        "Bool8".into()
    }

    fn swap_bytes_in_place(_: &mut [u8]) {}

    fn from_bits(items: Vec<Self>) -> Option<Vec<Self>> {
        Some(items)
    }
}

impl sealed::Sealed for bool {}

impl Element for bool {
    fn dtype() -> DType {
        DType::Bool
    }

    fn name() -> String {
        "bool".into()
    }

    fn swap_bytes_in_place(_: &mut [u8]) {}

    fn from_bits(items: Vec<u8>) -> Option<Vec<Self>> {
        // The standard library collects into the memory that it takes from, since both have the same layout.
        Self::find_invalid(&items).is_none().then(|| items.into_iter().map(|byte| byte != 0).collect())
    }

    fn find_invalid(items: &[u8]) -> Option<usize> {
        const CHUNK: usize = 1 << 20;
        let search = |(chunk, bytes): (usize, &[u8])| {
            // A fold over the whole chunk vectorises, a search that stops early does not.
            let worst = bytes.iter().fold(0, |worst, &byte| worst | byte);
            (worst > 1).then(|| chunk * CHUNK + bytes.iter().position(|&byte| byte > 1).unwrap_or_default())
        };
        #[cfg(feature = "rayon")]
        {
            use rayon::prelude::*;
            items.par_chunks(CHUNK).enumerate().find_map_first(search)
        }
        #[cfg(not(feature = "rayon"))]
        items.chunks(CHUNK).enumerate().find_map(search)
    }
}
