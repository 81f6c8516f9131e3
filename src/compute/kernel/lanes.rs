//! Folding numbers into lanes of doubles.

use super::{LANES, Native, Rows, WIDE, fold_lanes};

/// Folds a run, in lanes that `merge` brings together.
#[inline(always)]
pub(in crate::compute) fn fold_run<N: Native>(
    items: &[N],
    start: f64,
    fold: impl Fn(f64, N) -> f64,
    merge: impl Fn(f64, f64) -> f64,
) -> f64 {
    let (chunks, rest) = items.as_chunks::<LANES>();
    let mut lanes = {
        let mut lanes = [start; LANES];
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] = fold(lanes[lane], chunk[lane]);
            }
        }
        lanes
    };
    for (lane, &item) in lanes.iter_mut().zip(rest) {
        *lane = fold(*lane, item);
    }
    fold_lanes(&lanes, merge)
}

/// Folds each column of a band from top to bottom.
#[inline(always)]
pub(in crate::compute) fn fold_columns<N: Native>(
    band: Rows<'_, N>,
    start: f64,
    fold: impl Fn(f64, N) -> f64,
) -> Vec<f64> {
    let mut folded = Vec::with_capacity(band.width);
    for column in (0..band.width).step_by(WIDE) {
        let width = WIDE.min(band.width - column);
        let mut lanes = [start; WIDE];
        for row in 0..band.rows {
            let items = &band.row(row)[column..][..width];
            for lane in 0..width {
                lanes[lane] = fold(lanes[lane], items[lane]);
            }
        }
        folded.extend_from_slice(&lanes[..width]);
    }
    folded
}
