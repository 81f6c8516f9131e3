//! What one value is: the element types, their run-time description, and their bytes.

mod bool8;
mod byte_order;
pub(crate) mod descr;
mod dtype;
mod kinds;
pub(crate) mod literal;
mod ordered;
pub(crate) mod repr;
mod swap;
mod text;
mod typestr;

pub use bool8::Bool8;
pub use byte_order::ByteOrder;
pub use dtype::{DType, Field, Record, TimeUnit, Unit};
pub use kinds::Element;
pub use ordered::{Be, Endian, Le, Ordered, Scalar};

#[cfg(feature = "half")]
pub use half::{bf16, f16};
#[cfg(feature = "complex")]
pub use num_complex::Complex;
