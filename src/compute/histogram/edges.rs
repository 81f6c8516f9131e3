//! Bins between given edges: a search, begun from a table of the edges in evenly spaced cells.

use super::table::Placer;
use crate::compute::real::Ordinal;

/// Cells for each edge.
const CELLS: usize = 4;

/// Bins between edges that ascend. The last bin holds its upper edge too.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    edges: Vec<f64>,
    first: f64,
    scale: f64,
    /// The number of edges in the cells before each cell, and in all.
    before: Vec<u32>,
}

impl Edges {
    pub(super) fn new(edges: &[f64]) -> Self {
        let finite = |edge: &&f64| edge.is_finite();
        let first = edges.iter().find(finite).copied().unwrap_or(0.0);
        let last = edges.iter().rfind(finite).copied().unwrap_or(0.0);
        let cells = CELLS * edges.len();
        let scale = cells as f64 / (last - first);
        let scale = if scale.is_finite() { scale } else { 0.0 };
        let mut search = Self { edges: edges.to_vec(), first, scale, before: vec![0; cells + 2] };
        for &edge in edges {
            let cell = search.cell(edge);
            search.before[cell + 1] += 1;
        }
        for cell in 1..search.before.len() {
            search.before[cell] += search.before[cell - 1];
        }
        search
    }

    /// The cell of a number, which never decreases as the number grows.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast of floats saturates, as is wanted"
    )]
    #[inline(always)]
    fn cell(&self, item: f64) -> usize {
        (((item - self.first) * self.scale) as usize).min(CELLS * self.edges.len())
    }

    /// The bin of a number; that after the last for a number outside of all bins.
    #[inline(always)]
    pub(super) fn bin(&self, item: f64) -> u32 {
        let cell = self.cell(item);
        let (mut low, mut high) = (self.before[cell] as usize, self.before[cell + 1] as usize);
        // The edges up to the item lie before `low`, the others from `high` on.
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.edges[middle] <= item {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let bins = self.edges.len() - 1;
        let inside = low > 0 && low <= bins;
        let bin = if inside { low - 1 } else { bins };
        let bin = if low > bins && item == self.edges[bins] { bins - 1 } else { bin };
        u32::try_from(bin).unwrap_or(u32::MAX)
    }
}

impl<N: Ordinal> Placer<N> for Edges {
    fn bins(&self) -> u64 {
        self.edges.len() as u64 - 1
    }

    fn place(&self, items: &[N], places: &mut [u32]) {
        for (&item, place) in items.iter().zip(places) {
            *place = self.bin(item.to_f64());
        }
    }
}
