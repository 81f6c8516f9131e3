//! Smallest and largest element, and where they are.

use super::fold::{Fold, Nan, Place, look, mend};
use crate::compute::kernel::{Columns, Native, Rows, vectorised};
use crate::compute::number::Number;
use crate::error::{Error, ErrorKind, Result};

/// How strongly a candidate claims to be the extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::compute) enum Rank {
    /// There is no element.
    None,
    /// There are only NaN, which do not count.
    AllNan,
    /// An ordinary element: values decide.
    Value,
    /// A NaN, which wins over every value.
    Nan,
}

/// The position of a candidate that was not looked for, because it cannot be the first of its value.
const NOT_FIRST: u64 = u64::MAX;

/// A candidate for the smallest or the largest element.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Extreme<N> {
    pub(in crate::compute) rank: Rank,
    pub(in crate::compute) value: N,
    /// The first index of the value.
    pub(in crate::compute) at: u64,
}

impl<N: Native> Extreme<N> {
    const fn none(value: N) -> Self {
        Self { rank: Rank::None, value, at: NOT_FIRST }
    }

    /// Whether this candidate is better than the other one whatever their positions; `less` is the order to win by.
    fn beats(&self, other: &Self, less: impl Fn(N, N) -> bool) -> bool {
        self.rank > other.rank
            || (self.rank == Rank::Value && other.rank == Rank::Value && less(self.value, other.value))
    }

    fn merge(&mut self, other: Self, less: impl Fn(N, N) -> bool) {
        if other.beats(self, &less) {
            *self = other;
        } else if !self.beats(&other, &less) {
            self.at = self.at.min(other.at);
        }
    }
}

/// Both extremes of some elements.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Pair<N> {
    pub(in crate::compute) min: Extreme<N>,
    pub(in crate::compute) max: Extreme<N>,
}

impl<N: Native> Default for Pair<N> {
    fn default() -> Self {
        Self { min: Extreme::none(N::default()), max: Extreme::none(N::default()) }
    }
}

impl<N: Native> Pair<N> {
    fn new(rank: Rank, min: N, max: N) -> Self {
        Self { min: Extreme { rank, value: min, at: NOT_FIRST }, max: Extreme { rank, value: max, at: NOT_FIRST } }
    }

    pub(in crate::compute) fn merge(&mut self, other: Self) {
        self.min.merge(other.min, N::less);
        self.max.merge(other.max, |a, b| b.less(a));
    }

    /// The extremes of values that hold no NaN.
    pub(in crate::compute) fn of_values(values: &[N], min: N, max: N) -> Self {
        let rank = if values.is_empty() { Rank::AllNan } else { Rank::Value };
        Self::new(rank, min, max)
    }

    /// Finds the positions of the extremes of a run, as far as `best`, the extremes of this worker's earlier runs, leaves
    /// them a chance to be the first.
    pub(in crate::compute) fn locate(&mut self, place: Place<'_>, items: &[N], best: &mut Self) {
        locate(&mut self.min, &best.min, place, items, N::less);
        locate(&mut self.max, &best.max, place, items, |a, b| b.less(a));
        best.merge(*self);
    }

    /// The extremes of the columns of a band, none of which holds a NaN.
    pub(in crate::compute) fn of_columns(first: u64, columns: &[[(N, u32); 2]]) -> impl Iterator<Item = Self> {
        let extreme = move |(value, row)| Extreme { rank: Rank::Value, value, at: first + u64::from(row) };
        columns.iter().map(move |&[min, max]| Self { min: extreme(min), max: extreme(max) })
    }
}

fn locate<N: Native>(
    found: &mut Extreme<N>,
    best: &Extreme<N>,
    place: Place<'_>,
    items: &[N],
    less: impl Fn(N, N) -> bool + Copy,
) {
    let better = found.beats(best, less);
    // In row-major storage a later run cannot hold the first of equals; in column-major storage it can.
    if found.rank < Rank::Value || best.beats(found, less) || (!better && place.fortran.is_none()) {
        return;
    }
    let limit = if better { NOT_FIRST } else { best.at };
    let wanted = (found.rank == Rank::Value).then_some(found.value);
    found.at = first(place, items, limit, wanted).unwrap_or(NOT_FIRST);
}

/// The smallest index below `limit` of an item of this value, or of a NaN.
fn first<N: Native>(place: Place<'_>, items: &[N], limit: u64, wanted: Option<N>) -> Option<u64> {
    match place.fortran {
        Some(shape) => first_of_columns(shape, place.start, items, limit, wanted),
        None => position(items, wanted).map(|at| place.start + at as u64),
    }
}

/// Like `Iterator::position`, a chunk at a time.
fn position<N: Native>(items: &[N], wanted: Option<N>) -> Option<usize> {
    const CHUNK: usize = 64;
    let wanted = |item: N| wanted.map_or(item.is_nan(), |wanted| wanted == item);
    let chunks = vectorised(
        #[inline(always)]
        || {
            let any = |chunk: &[N; CHUNK]| chunk.iter().fold(false, |any, &item| any | wanted(item));
            items.as_chunks::<CHUNK>().0.iter().take_while(|chunk| !any(chunk)).count()
        },
    );
    let start = chunks * CHUNK;
    items[start..].iter().position(|&item| wanted(item)).map(|at| start + at)
}

/// The smallest row-major index below `limit` among the wanted items of a run of column-major storage.
///
/// Within a column row-major indices ascend, so only the first wanted item of each column counts, and only above `limit`.
fn first_of_columns<N: Native>(
    shape: &[u64],
    start: u64,
    mut items: &[N],
    limit: u64,
    wanted: Option<N>,
) -> Option<u64> {
    let strides = crate::shape::strides(shape, crate::shape::Order::C);
    let mut index = vec![0; shape.len()];
    let mut rest = start;
    for (index, &len) in index.iter_mut().zip(shape) {
        *index = rest % len;
        rest /= len;
    }
    let mut best = limit;
    while !items.is_empty() {
        let base: u64 = index.iter().zip(&strides).skip(1).map(|(&index, &stride)| index * stride).sum();
        let left = usize::try_from(shape[0] - index[0]).map_or(items.len(), |left| left.min(items.len()));
        let (column, after) = items.split_at(left);
        let rows = best.saturating_sub(base).div_ceil(strides[0]).saturating_sub(index[0]);
        let column = &column[..usize::try_from(rows).map_or(column.len(), |rows| rows.min(column.len()))];
        if let Some(at) = position(column, wanted) {
            best = best.min(base + (index[0] + at as u64) * strides[0]);
        }
        items = after;
        index[0] = 0;
        for axis in 1..shape.len() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    (best < limit).then_some(best)
}

/// The value of an extreme.
pub(in crate::compute) fn value<T: Number>(extreme: Extreme<T::Native>, operation: &str) -> Result<T::Value> {
    match (extreme.rank, T::Native::NAN) {
        (Rank::None, _) => Err(nothing(operation, "no element")),
        (Rank::AllNan, Some(nan)) => Ok(T::value(nan)),
        _ => Ok(T::value(extreme.value)),
    }
}

/// The index of an extreme.
pub(in crate::compute) fn index<N: Copy>(extreme: Extreme<N>, operation: &str) -> Result<u64> {
    match extreme.rank {
        Rank::None => Err(nothing(operation, "no element")),
        Rank::AllNan => Err(nothing(operation, "nothing but NaN")),
        _ => Ok(extreme.at),
    }
}

fn nothing(operation: &str, found: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{operation} of {found}"))
}

/// Smallest and largest elements, with their positions if they are wanted.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Extremes {
    pub(in crate::compute) nan: Nan,
    pub(in crate::compute) locate: bool,
}

impl<N: Native> Fold<N> for Extremes {
    type Cell = Pair<N>;
    type Hint = Pair<N>;

    fn empty(self) -> Pair<N> {
        Pair::default()
    }

    fn run(self, place: Place<'_>, items: &[N], best: &mut Pair<N>, kept: &mut Vec<N>) -> Pair<N> {
        let mut pair = match N::NAN {
            None => {
                let survey = vectorised(
                    #[inline(always)]
                    || N::survey::<false, true, false>(items),
                );
                Pair::new(Rank::Value, survey.min, survey.max)
            }
            Some(nan) => {
                let look = look::<N, true, false>(items, kept);
                if look.nan > 0 && self.nan == Nan::Propagate {
                    Pair::new(Rank::Nan, nan, nan)
                } else {
                    Pair::of_values(look.values, look.survey.min, look.survey.max)
                }
            }
        };
        if self.locate {
            pair.locate(place, items, best);
        }
        pair
    }

    fn band(self, first: u64, band: Rows<'_, N>, columns: &mut Columns<N>) -> Vec<Pair<N>> {
        vectorised(
            #[inline(always)]
            || {
                columns.sum(band);
                if self.locate { columns.extremes(band) } else { columns.bounds(band) }
            },
        );
        let mut cells: Vec<_> = Pair::of_columns(first, &columns.extremes).collect();
        mend(self, first, band, columns, &mut cells);
        cells
    }

    fn merge(self, a: &mut Pair<N>, b: Pair<N>) {
        a.merge(b);
    }
}
