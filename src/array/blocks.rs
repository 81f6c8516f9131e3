//! Cuts what a selection takes of an array into blocks, so that memory stays bounded at any size.

use super::selection::{Resolved, Selection, Taken};

/// Selections of an array that follow one another in row-major order of what `outer` takes of it.
#[derive(Debug)]
pub(super) struct Blocks {
    outer: Resolved,
    /// The shape of what `outer` takes.
    shape: Vec<u64>,
    /// The axis along which blocks are cut: those before it are walked one by one, those behind it are whole.
    axis: usize,
    /// Positions along `axis` in a block.
    step: u64,
    /// The first position of the next block along each axis up to `axis`; None at the end.
    next: Option<Vec<u64>>,
}

impl Blocks {
    /// Blocks of at most `items` elements, and of one at least.
    pub(super) fn new(outer: Resolved, items: u64) -> Self {
        let shape = outer.shape();
        if shape.contains(&0) {
            return Self { outer, shape, axis: 0, step: 1, next: None };
        }
        let items = items.max(1);
        let mut behind = 1;
        let mut axis = shape.len().saturating_sub(1);
        while axis > 0 && shape[axis] <= items / behind {
            behind *= shape[axis];
            axis -= 1;
        }
        let next = Some(vec![0; (axis + 1).min(shape.len())]);
        Self { outer, shape, axis, step: items / behind, next }
    }

    /// Moves on by one block.
    fn advance(&mut self) {
        let Some(next) = &mut self.next else { return };
        let mut step = self.step;
        for axis in (0..next.len()).rev() {
            next[axis] = next[axis].saturating_add(step);
            if next[axis] < self.shape[axis] {
                return;
            }
            next[axis] = 0;
            step = 1;
        }
        self.next = None;
    }
}

impl Iterator for Blocks {
    type Item = Selection;

    fn next(&mut self) -> Option<Selection> {
        let next = self.next.as_ref()?;
        let taken = |(axis, &len): (usize, &u64)| {
            let first = next.get(axis).copied().unwrap_or(0);
            let len = match axis.cmp(&self.axis) {
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => self.step.min(len - first),
                std::cmp::Ordering::Greater => len,
            };
            Taken { first, len, step: 1, kept: true }
        };
        let inner = Resolved { axes: self.shape.iter().enumerate().map(taken).collect() };
        let block = inner.within(&self.outer);
        self.advance();
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(selection: &str, shape: &[u64], items: u64) -> Vec<String> {
        let outer: Selection = selection.parse().unwrap();
        outer.blocks(shape, items).unwrap().map(|block| block.to_string()).collect()
    }

    #[test]
    fn blocks_cover_the_array_in_order() {
        assert_eq!(cut("", &[5], 2), ["[0:2]", "[2:4]", "[4:5]"]);
        assert_eq!(cut("", &[3, 2], 4), ["[0:2, 0:2]", "[2:3, 0:2]"]);
        assert_eq!(cut("", &[2, 3], 2), ["[0:1, 0:2]", "[0:1, 2:3]", "[1:2, 0:2]", "[1:2, 2:3]"]);
        assert_eq!(cut("", &[2, 1, 3], 0).len(), 6);
        assert_eq!(cut("", &[], 1), ["[]"]);
        assert_eq!(cut("", &[4, 0], 1).len(), 0);
        assert_eq!(cut("", &[7, 9], u64::MAX), ["[0:7, 0:9]"]);
    }

    #[test]
    fn blocks_lie_within_the_selection() {
        assert_eq!(cut("1, ::-2", &[3, 5], 2), ["[1, 4:1:-2]", "[1, 0:1]"]);
        assert_eq!(cut("2:, 3", &[4, 5], 1), ["[2:3, 3]", "[3:4, 3]"]);
        assert_eq!(cut("0, 0", &[4, 5], 9), ["[0, 0]"]);
        assert!("[4]".parse::<Selection>().unwrap().blocks(&[4], 1).is_err());
    }
}
