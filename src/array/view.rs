//! The checked cast: from the bytes of a mapping to an ndarray view of their elements.

use std::ops::Range;
use std::ptr::NonNull;

use ndarray::{ArrayView, ArrayViewMut, Dimension, IxDyn, ShapeBuilder, StrideShape};

use crate::element::{ByteOrder, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::shape::{self, Order};
use crate::storage::{MapMode, Mapping};

/// Where the elements of a window lie: what to map, and how to walk it.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    shape: Vec<usize>,
    /// Elements between neighbours along each axis.
    strides: Vec<usize>,
    order: Order,
    /// Whether the elements follow one another without a gap.
    contiguous: bool,
    /// Whether only some rows are meant.
    partial: bool,
    /// Where the mapping begins in the file, in bytes.
    pub(crate) offset: u64,
    /// Bytes of the mapping before the first element.
    pub(crate) skip: usize,
    /// Bytes from the first element to the end of the last one.
    len: usize,
}

impl Window {
    /// All elements, or those of some rows along axis 0.
    ///
    /// A whole array is mapped from the beginning of the file, which keeps the alignment of huge pages; a window from a multiple
    /// of every system's mapping granularity.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for rows that are not there, [`ErrorKind::TooLarge`] where the address space is too small.
    pub(crate) fn new(header: &Header, rows: Option<&Range<u64>>) -> Result<Self> {
        const GRANULARITY: u64 = 1 << 16;
        let itemsize = header.itemsize() as u64;
        let mut shape = header.shape().to_vec();
        let strides = shape::strides(&shape, header.order());
        let (mut offset, mut skip, mut contiguous) = (0, header.data_offset(), true);
        if let Some(rows) = rows {
            let Some(len) = shape.first_mut() else {
                return Err(Error::new(ErrorKind::Shape, "an array without axes has no rows"));
            };
            check_rows(rows, *len)?;
            contiguous = header.order() == Order::C || rows.end - rows.start == *len;
            *len = rows.end - rows.start;
            // The rows of an empty array lie nowhere, also where there are some.
            let before = if header.count() == 0 { 0 } else { rows.start * strides[0] * itemsize };
            let begin = header.data_offset() + before;
            (offset, skip) = (begin - begin % GRANULARITY, begin % GRANULARITY);
        }
        let (count, _) = shape::sizes(&shape, itemsize)?;
        shape::fits_memory(&shape, itemsize)?;
        let last: u64 = shape.iter().zip(&strides).map(|(&len, &stride)| len.saturating_sub(1) * stride).sum();
        let len = if count == 0 { 0 } else { (last + 1) * itemsize };
        let address = |bytes: u64| {
            usize::try_from(bytes).ok().filter(|&bytes| isize::try_from(bytes).is_ok()).ok_or_else(|| {
                Error::new(ErrorKind::TooLarge, format!("{bytes} bytes do not fit this address space"))
                    .with_hint("map a window of it with OpenOptions::rows(a..b), or read it through ArrayFile")
            })
        };
        address(skip + len)?;
        Ok(Self {
            shape: shape::to_usize(&shape)?,
            strides: shape::to_usize(&strides)?,
            order: header.order(),
            contiguous,
            partial: rows.is_some(),
            offset,
            skip: address(skip)?,
            len: address(len)?,
        })
    }

    /// Sees that an array of `T` may begin where the window does, in a mapping that begins at a page.
    pub(crate) fn check_alignment<T: Element>(&self) -> Result<()> {
        if self.len == 0 || self.skip.is_multiple_of(align_of::<T>()) {
            return Ok(());
        }
        let message =
            format!("the elements begin at byte {}, which is no multiple of {}", self.begin(), align_of::<T>());
        let order = if ByteOrder::NATIVE == ByteOrder::Big { "Be" } else { "Le" };
        let hint = format!("map it as {order}<{}>, read it through ArrayFile, or write it anew", T::name());
        Err(Error::new(ErrorKind::Misaligned, message).with_hint(hint))
    }

    /// Whether the elements follow one another without a gap.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.contiguous
    }

    /// Whether the window is of some rows, and does not follow a growing array.
    pub(crate) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Bytes to map.
    pub(crate) fn mapped_len(&self) -> usize {
        self.skip + self.len
    }

    /// Where the first element lies in the file, in bytes.
    fn begin(&self) -> u64 {
        self.offset + self.skip as u64
    }

    fn stride_shape<D: Dimension>(&self) -> Result<StrideShape<D>> {
        let dim = dimension::<D>(&self.shape)?;
        if self.contiguous {
            return Ok(dim.set_f(self.order == Order::F).into());
        }
        let strides = dimension::<D>(&self.strides)?;
        Ok(dim.strides(strides))
    }
}

/// Refuses rows that the array does not have.
pub(crate) fn check_rows(rows: &Range<u64>, len: u64) -> Result<()> {
    if rows.start <= rows.end && rows.end <= len {
        return Ok(());
    }
    let message = format!("rows {}..{} of an array of {len} rows", rows.start, rows.end);
    Err(Error::new(ErrorKind::InvalidArgument, message).with_hint("rows count from 0; the end is not included"))
}

/// A shape as a dimension of the type that the caller asked for.
pub(crate) fn dimension<D: Dimension>(shape: &[usize]) -> Result<D> {
    D::from_dimension(&IxDyn(shape)).ok_or_else(|| {
        let asked = D::NDIM.unwrap_or_default();
        Error::new(ErrorKind::Shape, format!("the array has {} axes, not {asked}", shape.len()))
            .with_hint(format!("open it as Ix{} or IxDyn", shape.len()))
    })
}

/// The elements of a window, which `mapping` holds.
///
/// The view borrows the mapping, which the signature does not say: the caller keeps the mapping for as long as the view.
pub(crate) fn cast<T: Element, D: Dimension>(window: &Window, mapping: &Mapping) -> Result<ArrayView<'static, T, D>> {
    let shape = window.stride_shape::<D>()?;
    check_values::<T>(window, mapping)?;
    let pointer = match check::<T>(window, mapping)? {
        Some(skip) => mapping.as_ptr().wrapping_add(skip).cast::<T>(),
        None => NonNull::dangling().as_ptr(),
    };
    // SAFETY: `check` saw that the pointer is aligned for `T` and that the mapping holds `window.len` bytes from there on, and
    // `check_values` that each of them is part of a valid `T`; the strides reach no element beyond `window.len`, which was computed from them. The
    // mapping stays at its address until it is dropped, which the callers do after the view; that nobody else writes the bytes
    // meanwhile is the promise made to the `unsafe` constructor, or holds because nobody else can reach them.
    let view = unsafe { ArrayView::from_shape_ptr(shape, pointer) };
    Ok(view)
}

/// As [`cast`], for writing.
pub(crate) fn cast_mut<T: Element, D: Dimension>(
    window: &Window,
    mapping: &mut Mapping,
) -> Result<ArrayViewMut<'static, T, D>> {
    check_values::<T>(window, mapping)?;
    cast_mut_valid(window, mapping)
}

/// As [`cast_mut`], of elements that have been checked, or written as values of `T`, before.
pub(crate) fn cast_mut_valid<T: Element, D: Dimension>(
    window: &Window,
    mapping: &mut Mapping,
) -> Result<ArrayViewMut<'static, T, D>> {
    let shape = window.stride_shape::<D>()?;
    if mapping.mode() == MapMode::Read {
        return Err(Error::new(ErrorKind::ReadOnly, "the mapping is read-only"));
    }
    let pointer = match check::<T>(window, mapping)? {
        Some(skip) => mapping.as_mut_ptr().wrapping_add(skip).cast::<T>(),
        None => NonNull::dangling().as_ptr(),
    };
    // SAFETY: as for `cast`, with `check_values` made by the caller at some time since which only values of `T` were stored;
    // besides, the mapping is writable, as was just seen, the pointer is that of the mapping
    // itself and not of a slice of it, distinct indices have
    // distinct addresses, since the strides are those of a contiguous array, and the one handle that owns the mapping hands out
    // views by its own borrow only.
    let view = unsafe { ArrayViewMut::from_shape_ptr(shape, pointer) };
    Ok(view)
}

/// Sees that the mapping holds the elements of the window, and says from which byte on; none at all for an empty window.
fn check<T: Element>(window: &Window, mapping: &Mapping) -> Result<Option<usize>> {
    if mapping.len() < window.mapped_len() {
        return Err(Error::new(ErrorKind::Truncated, "the mapping does not hold the elements"));
    }
    if window.len == 0 {
        return Ok(None);
    }
    window.check_alignment::<T>()?;
    if !mapping.as_ptr().wrapping_add(window.skip).cast::<T>().is_aligned() {
        return Err(Error::new(ErrorKind::Misaligned, "the mapping does not begin at a page"));
    }
    Ok(Some(window.skip))
}

/// Sees that the bytes of the window are values of `T`.
fn check_values<T: Element>(window: &Window, mapping: &Mapping) -> Result<()> {
    if check::<T>(window, mapping)?.is_none() {
        return Ok(());
    }
    let bytes = mapping.bytes(window.skip..window.mapped_len());
    // The gaps of a window that is not contiguous hold elements of other rows, which are just as good.
    if let Some(index) = T::find_invalid(bytes) {
        let offset = index * size_of::<T>();
        let message = format!("byte {:#04x} is not a {}", bytes[offset], T::name());
        return Err(Error::new(ErrorKind::InvalidElement, message)
            .at(window.begin() + offset as u64)
            .with_hint("open it as Bool8, for which every byte but 0 is true"));
    }
    Ok(())
}
