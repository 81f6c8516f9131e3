//! Numbers whose byte order is fixed by their type, for files written in the other order or at any address.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use zerocopy::{BigEndian, FromBytes, Immutable, IntoBytes, LittleEndian, Unaligned};

use super::byte_order::ByteOrder;
use super::dtype::DType;
use super::kinds::Element;

/// A `T` stored with its highest byte first, at any address; NumPy's `>`.
///
/// ```
/// use outcore::Be;
///
/// let value = Be::new(0x0102_i16);
/// assert_eq!(bytemuck::bytes_of(&value), [1, 2]);
/// assert_eq!(value.get() + 1, 0x0103);
/// ```
pub type Be<T> = Ordered<T, BigEndian>;

/// A `T` stored with its lowest byte first, at any address; NumPy's `<`.
///
/// On a little-endian machine it maps `.npy` bodies that are [misaligned](crate::ErrorKind::Misaligned) for `T`.
pub type Le<T> = Ordered<T, LittleEndian>;

/// A `T` stored in the byte order `O`, of alignment 1. Use it as [`Be`] or [`Le`].
#[repr(transparent)]
pub struct Ordered<T: Scalar, O: Endian>(T::Wire<O>);

/// A number of more than one byte, which has a byte order.
pub trait Scalar: Element {
    /// The bytes of one value: zerocopy's byte-order wrapper, or two of them for a complex number.
    #[doc(hidden)]
    type Wire<O: Endian>: FromBytes + IntoBytes + Immutable + Unaligned + Copy + Send + Sync + 'static;

    #[doc(hidden)]
    fn to_wire<O: Endian>(self) -> Self::Wire<O>;

    #[doc(hidden)]
    fn from_wire<O: Endian>(wire: Self::Wire<O>) -> Self;
}

/// One of zerocopy's two byte orders.
pub trait Endian: zerocopy::ByteOrder + Send + Sync + 'static {
    /// The same as a run-time value.
    const BYTE_ORDER: ByteOrder;
}

impl Endian for BigEndian {
    const BYTE_ORDER: ByteOrder = ByteOrder::Big;
}

impl Endian for LittleEndian {
    const BYTE_ORDER: ByteOrder = ByteOrder::Little;
}

// SAFETY: the only field is a `T::Wire<O>`, which is `FromBytes`: the all-zero pattern is a value.
unsafe impl<T: Scalar, O: Endian> Zeroable for Ordered<T, O> {}
// SAFETY: `repr(transparent)` over a `T::Wire<O>`, whose bounds say what `Pod` asks for: `FromBytes` that every bit pattern is
// a value, `IntoBytes` that no byte is padding, `Immutable` that nothing in it is interior-mutable, and `Copy + 'static`.
unsafe impl<T: Scalar, O: Endian> Pod for Ordered<T, O> {}

impl<T: Scalar, O: Endian> Ordered<T, O> {
    /// Stores a native value in this order.
    pub fn new(value: T) -> Self {
        Self(value.to_wire())
    }

    /// The native value.
    pub fn get(self) -> T {
        T::from_wire(self.0)
    }

    /// Replaces the value.
    pub fn set(&mut self, value: T) {
        *self = Self::new(value);
    }
}

impl<T: Scalar, O: Endian> Clone for Ordered<T, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar, O: Endian> Copy for Ordered<T, O> {}

impl<T: Scalar, O: Endian> From<T> for Ordered<T, O> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Scalar + Default, O: Endian> Default for Ordered<T, O> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Scalar + PartialEq, O: Endian> PartialEq for Ordered<T, O> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Scalar + PartialEq, O: Endian> PartialEq<T> for Ordered<T, O> {
    fn eq(&self, other: &T) -> bool {
        self.get() == *other
    }
}

impl<T: Scalar + PartialOrd, O: Endian> PartialOrd for Ordered<T, O> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl<T: Scalar, O: Endian> fmt::Debug for Ordered<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl<T: Scalar + fmt::Display, O: Endian> fmt::Display for Ordered<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

impl<T: Scalar, O: Endian> super::kinds::sealed::Sealed for Ordered<T, O> {}

impl<T: Scalar, O: Endian> Element for Ordered<T, O> {
    fn dtype() -> DType {
        T::dtype().with_byte_order(O::BYTE_ORDER)
    }

    fn name() -> String {
        let order = match O::BYTE_ORDER {
            ByteOrder::Big => "Be",
            ByteOrder::Little => "Le",
        };
        format!("{order}<{}>", T::name())
    }

    fn swap_bytes_in_place(items: &mut [u8]) {
        T::swap_bytes_in_place(items);
    }

    fn from_bits(items: Vec<Self>) -> Option<Vec<Self>> {
        Some(items)
    }
}

macro_rules! scalars {
    ($($(#[$cfg:meta])? $type:ty, $wire:ident, $to:expr, $from:expr;)*) => {$(
        $(#[$cfg])?
        impl Scalar for $type {
            type Wire<O: Endian> = zerocopy::$wire<O>;

            fn to_wire<O: Endian>(self) -> Self::Wire<O> {
                zerocopy::$wire::new(($to)(self))
            }

            fn from_wire<O: Endian>(wire: Self::Wire<O>) -> Self {
                ($from)(wire.get())
            }
        }
    )*};
}

scalars! {
    i16, I16, |value| value, |bits| bits;
    i32, I32, |value| value, |bits| bits;
    i64, I64, |value| value, |bits| bits;
    u16, U16, |value| value, |bits| bits;
    u32, U32, |value| value, |bits| bits;
    u64, U64, |value| value, |bits| bits;
    #[cfg(feature = "half")] half::f16, U16, half::f16::to_bits, half::f16::from_bits;
    #[cfg(feature = "half")] half::bf16, U16, half::bf16::to_bits, half::bf16::from_bits;
    f32, U32, f32::to_bits, f32::from_bits;
    f64, U64, f64::to_bits, f64::from_bits;
}

#[cfg(feature = "complex")]
impl<T: Scalar> Scalar for num_complex::Complex<T>
where
    Self: Element,
{
    type Wire<O: Endian> = [T::Wire<O>; 2];

    fn to_wire<O: Endian>(self) -> Self::Wire<O> {
        [self.re.to_wire(), self.im.to_wire()]
    }

    fn from_wire<O: Endian>([re, im]: Self::Wire<O>) -> Self {
        Self::new(T::from_wire(re), T::from_wire(im))
    }
}
