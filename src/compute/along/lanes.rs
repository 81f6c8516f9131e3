//! An axis of an array in storage, and how the work along it is cut.

use ndarray::Axis;

use crate::compute::engine::grid::Grid;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Order;

/// An array as it is along one of its axes: in storage order `outer` blocks of `len` rows of `inner` elements.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Lanes {
    pub(in crate::compute) outer: u64,
    pub(in crate::compute) len: u64,
    pub(in crate::compute) inner: u64,
}

impl Lanes {
    /// The lanes along an axis.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where there is no such axis.
    pub(in crate::compute) fn new(shape: &[u64], order: Order, axis: Axis) -> Result<Self> {
        let Some(&len) = shape.get(axis.index()) else {
            let message = format!("axis {} of an array with {} axes", axis.index(), shape.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let (before, after) = (&shape[..axis.index()], &shape[axis.index() + 1..]);
        let (outer, inner) = match order {
            Order::C => (before, after),
            Order::F => (after, before),
        };
        // Empty arrays may have lengths whose product does not fit.
        if shape.contains(&0) {
            return Ok(Self { outer: 0, len, inner: 0 });
        }
        Ok(Self { outer: outer.iter().product(), len, inner: inner.iter().product() })
    }

    /// The number of elements.
    pub(in crate::compute) fn count(&self) -> u64 {
        self.outer * self.len * self.inner
    }
}

/// How the lanes are cut into units: a function of the shape and of sizes only.
///
/// Units are ordered by outer index, then by tile of columns, then by part, from top to bottom.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Plan {
    pub(in crate::compute) lanes: Lanes,
    /// Outer indices of a unit; 1 where one outer index is cut into several units.
    pub(in crate::compute) span: u64,
    /// Columns of a unit.
    pub(in crate::compute) width: u64,
    /// Rows of a unit.
    pub(in crate::compute) rows: u64,
}

/// Where a unit is.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Place {
    pub(in crate::compute) outer: u64,
    pub(in crate::compute) column: u64,
    pub(in crate::compute) width: u64,
    pub(in crate::compute) part: u64,
}

impl Plan {
    /// Units of about `unit` elements.
    pub(in crate::compute) fn new(lanes: Lanes, unit: usize, grid: Grid) -> Self {
        let (Lanes { outer, len, inner }, unit) = (lanes, unit as u64);
        if len * inner <= unit {
            return Self { lanes, span: (unit / (len * inner)).min(outer), width: inner, rows: len };
        }
        // Wide rows are cut into tiles.
        let limit = (unit / 16).max(unit / len).max(grid.short);
        let width = inner.div_ceil(inner.div_ceil(limit));
        Self { lanes, span: 1, width, rows: (unit / width).clamp(1, len) }
    }

    /// Units side by side in one outer index.
    pub(in crate::compute) fn tiles(&self) -> u64 {
        self.lanes.inner.div_ceil(self.width)
    }

    /// All units, where each tile has so many parts.
    pub(in crate::compute) fn units(&self, parts: u64) -> u64 {
        self.lanes.outer.div_ceil(self.span) * self.tiles() * parts
    }

    /// The place of one of them.
    pub(in crate::compute) fn place(&self, parts: u64, unit: u64) -> Place {
        let (group, part) = (unit / parts, unit % parts);
        let column = group % self.tiles() * self.width;
        let width = self.width.min(self.lanes.inner - column);
        Place { outer: group / self.tiles() * self.span, column, width, part }
    }
}
