//! Sums of the powers of the distances from a center, for the moments of higher order.

use super::{Native, Rows, WIDE, fold_lanes};

/// Lanes: four sums each, which fit the registers.
const LANES: usize = 8;

/// Adds a distance, its square, cube and fourth power.
#[inline(always)]
fn add(sums: [&mut f64; 4], distance: f64) {
    let square = distance * distance;
    let [first, second, third, fourth] = sums;
    *first += distance;
    *second += square;
    *third += square * distance;
    *fourth += square * square;
}

/// The sums of the first to the fourth powers of the distances of a run from `center`.
#[inline(always)]
pub(in crate::compute) fn powers<N: Native<Center = f64>>(items: &[N], center: f64) -> [f64; 4] {
    let (chunks, rest) = items.as_chunks::<LANES>();
    let mut sums = {
        let [mut a, mut b, mut c, mut d] = [[0.0; LANES]; 4];
        for chunk in chunks {
            for lane in 0..LANES {
                let sums = [&mut a[lane], &mut b[lane], &mut c[lane], &mut d[lane]];
                add(sums, chunk[lane].distance(center));
            }
        }
        [a, b, c, d]
    };
    let [a, b, c, d] = &mut sums;
    for (lane, &item) in rest.iter().enumerate() {
        add([&mut a[lane], &mut b[lane], &mut c[lane], &mut d[lane]], item.distance(center));
    }
    sums.map(|lanes| fold_lanes(&lanes, |a, b| a + b))
}

/// The same for each column of a band, whose means are `centers`.
#[inline(always)]
pub(in crate::compute) fn column_powers<N: Native<Center = f64>>(band: Rows<'_, N>, centers: &[f64]) -> Vec<[f64; 4]> {
    let mut found = Vec::with_capacity(band.width);
    for column in (0..band.width).step_by(WIDE) {
        let width = WIDE.min(band.width - column);
        let mut near = [0.0; WIDE];
        near[..width].copy_from_slice(&centers[column..][..width]);
        let [mut a, mut b, mut c, mut d] = [[0.0; WIDE]; 4];
        for row in 0..band.rows {
            let items = &band.row(row)[column..][..width];
            for lane in 0..width {
                let sums = [&mut a[lane], &mut b[lane], &mut c[lane], &mut d[lane]];
                add(sums, items[lane].distance(near[lane]));
            }
        }
        found.extend((0..width).map(|lane| [a[lane], b[lane], c[lane], d[lane]]));
    }
    found
}
