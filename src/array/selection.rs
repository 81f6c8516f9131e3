//! Which elements of an array: NumPy's basic indexing, as a value and as text.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::blocks::Blocks;
use crate::error::{Error, ErrorKind, Result};
use crate::shape;

/// Which elements of an array, in the words of NumPy's basic indexing: an index or a slice for each axis.
///
/// As text it is what stands between the brackets, with or without them: `0:100, ::2, -1`. An index takes its axis away, a slice
/// keeps it; `...` stands for all axes not named, and missing axes at the end are taken whole. Negative numbers count from the
/// end of the axis, and the bounds of slices are clipped to it, as in Python.
///
/// ```
/// use outcore::{ArrayFile, Selection};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("m.npy");
/// # ArrayFile::<f64, _>::create(&path, (30, 4))?.close()?;
///
/// let file = ArrayFile::<f64>::open(&path)?;
/// let part = file.read_selection(&"[::10, -1]".parse()?)?;
/// assert_eq!(part.shape(), [3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    picks: Vec<Pick>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pick {
    Index(i64),
    Slice { start: Option<i64>, stop: Option<i64>, step: i64 },
    Ellipsis,
}

/// A selection applied to a shape: what it takes along each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) axes: Vec<Taken>,
}

/// `len` positions of one axis: `first`, `first + step`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) first: u64,
    pub(crate) len: u64,
    pub(crate) step: i64,
    /// Whether the axis stays in the result.
    pub(crate) kept: bool,
}

impl Selection {
    /// Every element.
    pub fn all() -> Self {
        Self::default()
    }

    /// Rows along axis 0; the end is not included.
    pub fn rows(rows: Range<usize>) -> Self {
        let bound = |bound| Some(i64::try_from(bound).unwrap_or(i64::MAX));
        Self { picks: vec![Pick::Slice { start: bound(rows.start), stop: bound(rows.end), step: 1 }] }
    }

    /// One element, by its index along each axis; with fewer indices than axes, all that share them.
    pub fn element(index: &[usize]) -> Self {
        let picks = index.iter().map(|&index| Pick::Index(i64::try_from(index).unwrap_or(i64::MAX))).collect();
        Self { picks }
    }

    /// Whether it names nothing, and so takes every element.
    pub fn is_all(&self) -> bool {
        self.picks.is_empty()
    }

    /// The shape of what is taken from an array of this shape.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): an index out of bounds, or more indices than axes.
    pub fn shape_in(&self, shape: &[u64]) -> Result<Vec<u64>> {
        Ok(self.resolve(shape)?.shape())
    }

    /// What `inner` takes of what `self` takes from an array of this shape, as one selection: `a[self][inner]`.
    ///
    /// ```
    /// let rows = "[10:20]".parse::<outcore::Selection>()?;
    /// assert_eq!(rows.then(&"[-1, 3]".parse()?, &[30, 4])?, "[19, 3]".parse()?);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): an index out of bounds, or more indices than axes, in either of the two.
    pub fn then(&self, inner: &Self, shape: &[u64]) -> Result<Self> {
        let outer = self.resolve(shape)?;
        Ok(inner.resolve(&outer.shape())?.within(&outer))
    }

    /// Cuts what is taken from an array of this shape into selections of at most `count` elements each, and of one at least. One
    /// after the other they take the same elements in the same order, so that work on them needs memory for one only.
    ///
    /// ```
    /// let odd = "[1::2]".parse::<outcore::Selection>()?;
    /// let blocks: Vec<_> = odd.blocks(&[6, 4], 8)?.map(|block| block.to_string()).collect();
    /// assert_eq!(blocks, ["[1:4:2, 0:4]", "[5:6, 0:4]"]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): an index out of bounds, or more indices than axes.
    pub fn blocks(&self, shape: &[u64], count: u64) -> Result<impl Iterator<Item = Self> + use<>> {
        Ok(Blocks::new(self.resolve(shape)?, count))
    }

    pub(crate) fn resolve(&self, shape: &[u64]) -> Result<Resolved> {
        let named = self.picks.iter().filter(|&pick| *pick != Pick::Ellipsis).count();
        if named > shape.len() {
            let message = format!("'{self}' names {named} axes of an array of shape {}", shape::display(shape));
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut axes = Vec::with_capacity(shape.len());
        for pick in &self.picks {
            let axis = axes.len();
            match *pick {
                Pick::Ellipsis => {
                    axes.extend(shape[axis..axis + shape.len() - named].iter().map(|&len| Taken::all(len)));
                }
                Pick::Index(index) => axes.push(take_index(index, axis, shape[axis])?),
                Pick::Slice { start, stop, step } => axes.push(take_slice(start, stop, step, shape[axis])),
            }
        }
        axes.extend(shape[axes.len()..].iter().map(|&len| Taken::all(len)));
        Ok(Resolved { axes })
    }
}

impl Taken {
    fn all(len: u64) -> Self {
        Self { first: 0, len, step: 1, kept: true }
    }

    /// The same positions, where they count along what `outer` takes of an axis.
    fn of(&self, outer: &Self) -> Pick {
        // Lengths of axes fit an i64, and all positions lie within one: the header was checked.
        let at = |position: u64| {
            outer.first.cast_signed() + outer.step * (self.first.cast_signed() + self.step * position.cast_signed())
        };
        match self.len {
            _ if !self.kept => Pick::Index(at(0)),
            0 => Pick::Slice { start: Some(0), stop: Some(0), step: 1 },
            // The step may be anything where it is never taken.
            1 => Pick::Slice { start: Some(at(0)), stop: Some(at(0) + 1), step: 1 },
            len => {
                let step = outer.step * self.step;
                let stop = at(len - 1) + step.signum();
                Pick::Slice { start: Some(at(0)), stop: (stop >= 0).then_some(stop), step }
            }
        }
    }
}

impl Resolved {
    /// Positions along one axis, which the array has.
    pub(crate) fn along(axis: usize, rows: &Range<u64>, shape: &[u64]) -> Self {
        let Self { mut axes } = Self::all(shape);
        axes[axis] = Taken { first: rows.start, len: rows.end - rows.start, step: 1, kept: true };
        Self { axes }
    }

    /// All of an array.
    pub(crate) fn all(shape: &[u64]) -> Self {
        Self { axes: shape.iter().map(|&len| Taken::all(len)).collect() }
    }

    /// The same elements, where they count within what `outer` takes.
    pub(super) fn within(&self, outer: &Self) -> Selection {
        let mut inner = self.axes.iter();
        let picks = outer.axes.iter().map(|axis| match axis.kept.then(|| inner.next()).flatten() {
            Some(taken) => taken.of(axis),
            None => Pick::Index(axis.first.cast_signed()),
        });
        Selection { picks: picks.collect() }
    }

    /// The shape of what is taken.
    pub(crate) fn shape(&self) -> Vec<u64> {
        self.axes.iter().filter(|axis| axis.kept).map(|axis| axis.len).collect()
    }

    /// Elements taken. They are no more than those of the array, whose count has been checked.
    pub(crate) fn count(&self) -> u64 {
        self.axes.iter().map(|axis| axis.len).product()
    }
}

fn take_index(index: i64, axis: usize, len: u64) -> Result<Taken> {
    let from_start = if index < 0 { index.checked_add_unsigned(len) } else { Some(index) };
    match from_start.and_then(|first| u64::try_from(first).ok()).filter(|&first| first < len) {
        Some(first) => Ok(Taken { first, len: 1, step: 1, kept: false }),
        None => {
            let message = format!("index {index} is out of bounds for axis {axis} of length {len}");
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }
}

/// Python's rule for the bounds of a slice (`slice.indices`): negative ones count from the end, then all are clipped.
fn take_slice(start: Option<i64>, stop: Option<i64>, step: i64, len: u64) -> Taken {
    // Lengths of axes fit an i64: the header was checked.
    let end = i64::try_from(len).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 { (0, end) } else { (-1, end - 1) };
    let clip = |bound: i64| if bound < 0 { (bound + end).max(lowest) } else { bound.min(highest) };
    let start = start.map_or(if step > 0 { 0 } else { end - 1 }, clip);
    let stop = stop.map_or(if step > 0 { end } else { -1 }, clip);
    let distance = if step > 0 { stop - start } else { start - stop };
    let len = if distance <= 0 { 0 } else { (distance.unsigned_abs() - 1) / step.unsigned_abs() + 1 };
    Taken { first: if len == 0 { 0 } else { start.unsigned_abs() }, len, step, kept: true }
}

impl FromStr for Selection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |what: &str| {
            Error::new(ErrorKind::InvalidArgument, format!("'{text}' is not a selection: {what}"))
                .with_hint("write NumPy's indices and slices, such as [0:100, ::2, -1]")
        };
        let number = |part: &str| -> Result<Option<i64>> {
            let part = part.trim();
            let digits = part.strip_prefix(['-', '+']).unwrap_or(part);
            if part.is_empty() {
                return Ok(None);
            }
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(refuse(&format!("'{part}' is not a whole number")));
            }
            part.parse().map(Some).map_err(|_| refuse(&format!("{part} is too large")))
        };
        let trimmed = text.trim();
        let inner = match trimmed.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(|| refuse("the bracket is not closed"))?,
            None => trimmed,
        };
        let mut parts: Vec<&str> = inner.split(',').collect();
        if parts.last().is_some_and(|part| part.trim().is_empty()) {
            parts.pop();
        }
        let mut picks = Vec::with_capacity(parts.len());
        for part in parts {
            let fields: Vec<&str> = part.split(':').collect();
            picks.push(match *fields {
                [only] if only.trim() == "..." => Pick::Ellipsis,
                [index] => Pick::Index(number(index)?.ok_or_else(|| refuse("an index is missing"))?),
                [start, stop] => Pick::Slice { start: number(start)?, stop: number(stop)?, step: 1 },
                [start, stop, step] => {
                    let step = number(step)?.unwrap_or(1);
                    if step == 0 {
                        return Err(refuse("a step of 0"));
                    }
                    Pick::Slice { start: number(start)?, stop: number(stop)?, step }
                }
                _ => return Err(refuse("a slice has at most a start, a stop and a step")),
            });
        }
        if picks.iter().filter(|&pick| *pick == Pick::Ellipsis).count() > 1 {
            return Err(refuse("more than one '...'"));
        }
        Ok(Self { picks })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |bound: Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
        let picks: Vec<_> = self
            .picks
            .iter()
            .map(|pick| match *pick {
                Pick::Index(index) => index.to_string(),
                Pick::Slice { start, stop, step: 1 } => format!("{}:{}", bound(start), bound(stop)),
                Pick::Slice { start, stop, step } => format!("{}:{}:{step}", bound(start), bound(stop)),
                Pick::Ellipsis => "...".into(),
            })
            .collect();
        write!(f, "[{}]", picks.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn positions(axis: &Taken) -> Vec<i64> {
        (0..axis.len).map(|k| axis.first.cast_signed() + k.cast_signed() * axis.step).collect()
    }

    #[test]
    fn text_means_what_it_means_to_numpy() {
        let resolve = |text: &str, shape: &[u64]| text.parse::<Selection>().unwrap().resolve(shape).unwrap();
        assert_eq!(resolve("", &[3, 4]).shape(), [3, 4]);
        assert_eq!(resolve("[1]", &[3, 4]).shape(), [4]);
        assert_eq!(resolve("0:100, ::2, -1", &[3, 5, 6]).shape(), [3, 3]);
        assert_eq!(resolve("..., 0", &[3, 5, 6]).shape(), [3, 5]);
        assert_eq!(resolve("1, ..., 0:2", &[3, 5, 6]).shape(), [5, 2]);
        assert_eq!(positions(&resolve("::-2", &[6]).axes[0]), [5, 3, 1]);
        assert_eq!(resolve("[]", &[]).shape(), [0; 0]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["[", "[1", "a", "1:2:3:4", "::0", "1,,2", "..., ...", "--1", "9223372036854775808", "1.5", ","] {
            assert_eq!(text.parse::<Selection>().unwrap_err().kind(), ErrorKind::InvalidArgument, "{text}");
        }
        let out = |text: &str, shape: &[u64]| text.parse::<Selection>().unwrap().resolve(shape).unwrap_err();
        assert!(out("[3]", &[3]).to_string().contains("index 3 is out of bounds for axis 0 of length 3"));
        assert!(out("[-4]", &[3]).to_string().contains("-4"));
        assert!(out("[0, 0]", &[3]).to_string().contains("2 axes"));
    }

    /// Walks a slice as the definition reads: clip the start, then step while inside the axis and before the stop.
    fn naive(start: Option<i64>, stop: Option<i64>, step: i64, len: i64) -> Vec<i64> {
        let wrap = |bound: i64| if bound < 0 { bound + len } else { bound };
        let mut at = match start.map(wrap) {
            None if step > 0 => 0,
            None => len - 1,
            Some(start) if step > 0 => start.max(0),
            Some(start) => start.min(len - 1),
        };
        let stop = stop.map(wrap);
        let mut all = Vec::new();
        while (0..len).contains(&at) && stop.is_none_or(|stop| if step > 0 { at < stop } else { at > stop }) {
            all.push(at);
            at += step;
        }
        all
    }

    proptest! {
        #[test]
        fn one_after_the_other_is_both_at_once(
            outer in proptest::collection::vec(
                (proptest::option::of(-7_i64..7), proptest::option::of(-7_i64..7), prop_oneof![-3_i64..=-1, 1_i64..=3]), 0..3),
            inner in proptest::collection::vec(
                (proptest::option::of(-7_i64..7), proptest::option::of(-7_i64..7), prop_oneof![-3_i64..=-1, 1_i64..=3]), 0..3),
            index in proptest::option::of(0_i64..5),
        ) {
            let shape = [5_u64, 5, 5];
            let slices = |all: &[(Option<i64>, Option<i64>, i64)]| -> Vec<Pick> {
                all.iter().map(|&(start, stop, step)| Pick::Slice { start, stop, step }).collect()
            };
            let mut picks = slices(&outer);
            picks.extend(index.map(Pick::Index));
            let (outer, inner) = (Selection { picks }, Selection { picks: slices(&inner) });
            let first = outer.resolve(&shape).unwrap();
            if inner.picks.len() > first.shape().len() {
                prop_assert!(outer.then(&inner, &shape).is_err());
                return Ok(());
            }
            let second = inner.resolve(&first.shape()).unwrap();
            let both = outer.then(&inner, &shape).unwrap();
            // As text, too.
            let both = both.to_string().parse::<Selection>().unwrap().resolve(&shape).unwrap();
            prop_assert_eq!(both.shape(), second.shape());
            let mut inner = second.axes.iter();
            for (axis, both) in first.axes.iter().zip(&both.axes) {
                let walked = positions(axis);
                let expected = match axis.kept {
                    true => positions(inner.next().unwrap())
                        .iter().map(|&k| walked[usize::try_from(k).unwrap()]).collect(),
                    false => walked,
                };
                prop_assert_eq!(positions(both), expected);
            }
        }

        #[test]
        fn slices_take_what_a_walk_takes(
            start in proptest::option::of(-9_i64..9),
            stop in proptest::option::of(-9_i64..9),
            step in prop_oneof![-4_i64..=-1, 1_i64..=4],
            len in 0_u64..7,
        ) {
            let selection = Selection { picks: vec![Pick::Slice { start, stop, step }] };
            let resolved = selection.to_string().parse::<Selection>().unwrap().resolve(&[len]).unwrap();
            prop_assert_eq!(positions(&resolved.axes[0]), naive(start, stop, step, len.cast_signed()));
        }
    }
}
