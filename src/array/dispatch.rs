//! From a dtype known at run time to a Rust type known at compile time.

use crate::element::{ByteOrder, DType, Element};

/// Calls a macro with the element types of this build, by feature: variant and type.
macro_rules! with_element_types {
    ($with:ident) => {
        #[cfg(all(feature = "half", feature = "complex"))]
        $with! { $Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64,
        F16 $crate::element::f16, Bf16 $crate::element::bf16,
        C64 $crate::element::Complex<f32>, C128 $crate::element::Complex<f64> }
        #[cfg(all(feature = "half", not(feature = "complex")))]
        $with! { $Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64,
        F16 $crate::element::f16, Bf16 $crate::element::bf16 }
        #[cfg(all(not(feature = "half"), feature = "complex"))]
        $with! { $Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64,
        C64 $crate::element::Complex<f32>, C128 $crate::element::Complex<f64> }
        #[cfg(all(not(feature = "half"), not(feature = "complex")))]
        $with! { $Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64 }
    };
}

macro_rules! define {
    ($d:tt $($variant:ident $type:ty),*) => {
        /// The Rust type of the elements of a file, in the machine's byte order, as a run-time value.
        ///
        /// [`dispatch!`](crate::dispatch) turns it into a type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ElementType {
            $(
                #[doc = concat!("`", stringify!($type), "`")]
                $variant,
            )*
        }

        impl ElementType {
            /// The type of elements of this dtype, whatever their byte order; none for strings, times, records, and what this
            /// build leaves out.
            pub fn of(dtype: &DType) -> Option<Self> {
                let native = dtype.with_byte_order(ByteOrder::NATIVE);
                $(
                    if native == <$type as Element>::dtype() {
                        return Some(Self::$variant);
                    }
                )*
                None
            }

            /// The name of the type as Rust programs write it.
            pub fn rust_name(self) -> String {
                match self {
                    $(Self::$variant => <$type as Element>::name(),)*
                }
            }
        }

        /// Runs the same code for whatever element type a file turns out to hold.
        ///
        /// `dispatch!(dtype, T => body, else => other)` names the Rust type `T` within `body`, which is compiled for each of
        /// [`Element`](crate::Element)'s native types. `other` is for dtypes without such a type: strings, times, records.
        /// The byte order plays no part: [`ArrayFile<T>`](crate::ArrayFile) reads both.
        ///
        /// ```
        /// use outcore::{AnyArrayFile, Element, dispatch};
        /// # let dir = tempfile::tempdir()?;
        /// # let path = dir.path().join("m.npy");
        /// # outcore::ArrayFile::<i16, _>::create(&path, (30, 4))?.close()?;
        ///
        /// let file = AnyArrayFile::open(&path)?;
        /// let nbytes = dispatch!(file.header().dtype(), T => {
        ///     let array = file.typed::<T, ndarray::IxDyn>()?.read()?;
        ///     array.len() * size_of::<T>()
        /// }, else => 0);
        /// assert_eq!(nbytes, 240);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[macro_export]
        macro_rules! dispatch {
            ($d dtype:expr, $d T:ident => $d body:expr, else => $d other:expr $d (,)?) => {
                match $crate::ElementType::of($d dtype) {
                    $(
                        ::core::option::Option::Some($crate::ElementType::$variant) => {
                            type $d T = $type;
                            $d body
                        }
                    )*
                    _ => $d other,
                }
            };
        }
    };
}
with_element_types!(define);
