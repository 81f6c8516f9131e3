//! From row-major to column-major order and back.

use super::mosaic::Part;
use crate::compute::engine::Store;
use crate::compute::engine::source::shape_of;
use crate::compute::{Job, Source};
use crate::error::Result;
use crate::shape::Order;

impl Job<'_> {
    /// Writes the elements of an array to a store whose positions count in `order`.
    pub(in crate::compute) fn reorder_into<S: Source>(
        &self,
        source: &S,
        order: Order,
        store: &dyn Store<S::Elem>,
    ) -> Result<()> {
        self.write_part(source, &Part::whole(&shape_of(source), source.order()), order, store)
    }
}
