//! Work on one part of an array at a time, so that memory stays bounded at any size.

use outcore::{AnyArrayFile, Selection};

use crate::failure::Failure;

/// Cuts a shape into selections of at most `items` elements that follow one another in row-major order.
#[derive(Debug)]
pub(crate) struct Blocks {
    shape: Vec<u64>,
    /// The axis along which blocks are cut: those before it are walked one by one, those behind it are whole.
    axis: usize,
    /// Positions along `axis` in a block.
    step: u64,
    /// Elements in one position along `axis`.
    behind: u64,
    /// The first position of the next block, along each axis up to `axis`; None at the end.
    next: Option<Vec<u64>>,
}

/// One block: what it takes of the shape, and how many elements that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) selection: Selection,
    pub(crate) count: u64,
}

impl Blocks {
    /// Blocks of at most `bytes` bytes, and of one element at least. The shape is one whose size has been checked.
    pub(crate) fn new(shape: &[u64], itemsize: usize, bytes: usize) -> Self {
        let items = (bytes / itemsize.max(1)).max(1) as u64;
        if shape.contains(&0) {
            return Self { shape: Vec::new(), axis: 0, step: 1, behind: 1, next: None };
        }
        let mut behind = 1;
        let mut axis = shape.len().saturating_sub(1);
        while axis > 0 && behind * shape[axis] <= items {
            behind *= shape[axis];
            axis -= 1;
        }
        let next = Some(vec![0; (axis + 1).min(shape.len())]);
        Self { shape: shape.to_vec(), axis, step: items / behind, behind, next }
    }

    /// Moves on by one block.
    fn advance(&mut self) {
        let Some(next) = &mut self.next else { return };
        let mut step = self.step;
        for axis in (0..next.len()).rev() {
            next[axis] += step;
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
    type Item = Result<Block, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next.as_ref()?;
        let (text, count) = match next.split_last() {
            Some((&first, before)) => {
                let len = self.step.min(self.shape[self.axis] - first);
                let mut parts: Vec<String> = before.iter().map(u64::to_string).collect();
                parts.push(format!("{first}:{}", first + len));
                (parts.join(","), len * self.behind)
            }
            None => (String::new(), 1),
        };
        self.advance();
        let block = text.parse().map(|selection| Block { selection, count });
        Some(block.map_err(Failure::from))
    }
}

/// Reads a selection block by block, in row-major order.
pub(crate) fn read_blocks<'a>(
    file: &'a AnyArrayFile,
    selection: &'a Selection,
    bytes: usize,
) -> Result<impl Iterator<Item = Result<Vec<u8>, Failure>> + 'a, Failure> {
    let header = file.header();
    let shape = selection.shape_in(header.shape()).map_err(|error| Failure::of_file(file.path(), error))?;
    let blocks = Blocks::new(&shape, header.itemsize(), bytes);
    Ok(blocks.map(move |block| {
        let part = selection.then(&block?.selection, file.header().shape())?;
        Ok(file.read_selection(&part)?)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(shape: &[u64], itemsize: usize, bytes: usize) -> Vec<(String, u64)> {
        Blocks::new(shape, itemsize, bytes)
            .map(|block| block.map(|block| (block.selection.to_string(), block.count)).unwrap())
            .collect()
    }

    #[test]
    fn blocks_cover_the_array_in_order() {
        let of = |all: &[(&str, u64)]| all.iter().map(|&(text, count)| (text.to_string(), count)).collect::<Vec<_>>();
        assert_eq!(cut(&[5], 8, 16), of(&[("[0:2]", 2), ("[2:4]", 2), ("[4:5]", 1)]));
        assert_eq!(cut(&[3, 2], 1, 4), of(&[("[0:2]", 4), ("[2:3]", 2)]));
        assert_eq!(cut(&[2, 3], 1, 2), of(&[("[0, 0:2]", 2), ("[0, 2:3]", 1), ("[1, 0:2]", 2), ("[1, 2:3]", 1)]));
        assert_eq!(cut(&[], 8, 1), of(&[("[]", 1)]));
        assert_eq!(cut(&[4, 0], 8, 1), of(&[]));
        assert_eq!(cut(&[2], 0, 1).len(), 2);
    }
}
