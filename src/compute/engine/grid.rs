//! The fixed grid: how arrays are cut, as a function of shape and element size only.

/// The sizes of the pieces. They decide the bits of float results, so they are constants outside of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compute) struct Grid {
    /// Bytes of a leaf, which stays in the first-level cache while several kernels pass over it.
    pub(in crate::compute) leaf: usize,
    /// Bytes of a block, the unit of reading and scheduling, which stays in the second-level cache.
    pub(in crate::compute) block: usize,
    /// Rows of a band, over which the columns of a tile are summed one row after the other.
    pub(in crate::compute) band: u64,
    /// An axis or a row shorter than this is transposed so that the kernels see longer runs.
    pub(in crate::compute) short: u64,
}

impl Default for Grid {
    fn default() -> Self {
        Self { leaf: 16 << 10, block: 512 << 10, band: 256, short: 32 }
    }
}

impl Grid {
    /// Elements of a leaf.
    pub(in crate::compute) fn leaf_of<T>(&self) -> usize {
        (self.leaf / size_of::<T>().max(1)).max(1)
    }

    /// Elements of a block: a whole number of leaves.
    pub(in crate::compute) fn block_of<T>(&self) -> usize {
        let leaf = self.leaf_of::<T>();
        (self.block / size_of::<T>().max(1) / leaf).max(1) * leaf
    }
}
