//! Into which boxes a rearrangement is cut, and how a box is read.

use std::ops::Range;

use super::mosaic::Region;

/// Gaps of no more bytes than this are read along with what is on both sides of them.
const GAP: u64 = 4 << 10;

/// What the boxes of a grid should be like, in elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// The run that is read and the run that is written at once.
    pub(super) run: u64,
    /// The smallest box, where the array is not smaller.
    pub(super) least: u64,
    /// What a box and its copy from the source may take together.
    pub(super) most: u64,
}

/// An array cut into boxes of equal lengths, but for the last ones along each axis.
#[derive(Clone, Debug)]
pub(super) struct Tiles {
    shape: Vec<u64>,
    pub(super) lens: Vec<u64>,
    /// The length of the first box along the last axis, where that is another; otherwise 0.
    head: u64,
}

impl Tiles {
    /// The boxes that are read and written in runs as long as is wished, or as memory allows.
    pub(super) fn new(shape: &[u64], strides: &[i64], size: u64, wish: Wish) -> Self {
        let mut tiles = Self { shape: shape.to_vec(), lens: vec![1; shape.len()], head: 0 };
        let room =
            |tiles: &Self| tiles.count().saturating_add(Window::new(&tiles.lens, strides, size).count()) <= wish.most;
        let mut orders = vec![by_writing(shape), by_reading(strides)];
        while !orders.is_empty() {
            let runs: Vec<u64> = orders.iter().map(|order| tiles.run(order)).collect();
            let shortest = (0..runs.len()).min_by_key(|&at| runs[at]).expect("an order is left");
            // A box that is large enough grows no more where its runs are; one that is not grows to where it is
            // written.
            let at = if runs[shortest] < wish.run { shortest } else { 0 };
            if runs[at] >= wish.run && tiles.count() >= wish.least {
                break;
            }
            let grown = orders[at].iter().find(|&&axis| tiles.lens[axis] < tiles.shape[axis]).map(|&axis| {
                let mut grown = tiles.clone();
                grown.lens[axis] = (2 * grown.lens[axis]).min(grown.shape[axis]);
                grown
            });
            match grown.filter(room) {
                Some(grown) => tiles = grown,
                None => drop(orders.remove(at)),
            }
        }
        tiles
    }

    /// The same boxes, but for a first one along the last axis of `phase` elements: if that makes all others begin at a page
    /// of so many elements.
    pub(super) fn at_pages(mut self, phase: u64, page: u64) -> Self {
        if let (Some(&len), Some(&each)) = (self.shape.last(), self.lens.last()) {
            let every_row = page > 0 && (self.shape.len() == 1 || len.is_multiple_of(page));
            if every_row && each < len && each.is_multiple_of(page) {
                self.head = phase;
            }
        }
        self
    }

    /// Boxes of at most `most` elements that follow one another without a gap, where the axes count from the innermost.
    pub(super) fn strips(shape: &[u64], axes: &[usize], most: u64) -> Self {
        let mut tiles = Self { shape: shape.to_vec(), lens: vec![1; shape.len()], head: 0 };
        for &axis in axes {
            tiles.lens[axis] = (most / tiles.count()).clamp(1, tiles.shape[axis]);
            if tiles.lens[axis] < tiles.shape[axis] {
                break;
            }
        }
        tiles
    }

    /// The shorter of the runs that are written and read.
    pub(super) fn shorter_run(&self, strides: &[i64]) -> u64 {
        self.run(&by_writing(&self.shape)).min(self.run(&by_reading(strides)))
    }

    /// The elements that follow one another without a gap, where the axes count from the innermost.
    fn run(&self, axes: &[usize]) -> u64 {
        let mut run = 1;
        for &axis in axes {
            run *= self.lens[axis];
            if self.lens[axis] < self.shape[axis] {
                break;
            }
        }
        run
    }

    /// The elements of a box that is not the last along an axis.
    pub(super) fn count(&self) -> u64 {
        self.lens.iter().product()
    }

    /// The boxes along each axis.
    fn sides(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + '_ {
        let last = self.shape.len().wrapping_sub(1);
        let count = move |(axis, (&len, &each)): (usize, (&u64, &u64))| match self.head {
            head @ 1.. if axis == last => 1 + (len - head).div_ceil(each),
            _ => len.div_ceil(each),
        };
        self.shape.iter().zip(&self.lens).enumerate().map(count)
    }

    /// The number of boxes.
    pub(super) fn boxes(&self) -> u64 {
        self.sides().product()
    }

    /// The box of this number.
    pub(super) fn region(&self, mut number: u64) -> Region {
        let mut region: Vec<Range<u64>> = Vec::with_capacity(self.shape.len());
        for (sides, (&len, &each)) in self.sides().zip(self.shape.iter().zip(&self.lens)).rev() {
            let before = number % sides;
            // The last axis is the first that is looked at.
            region.push(match self.head {
                head @ 1.. if region.is_empty() && before == 0 => 0..head,
                head @ 1.. if region.is_empty() => {
                    let start = head + (before - 1) * each;
                    start..len.min(start + each)
                }
                _ => before * each..len.min((before + 1) * each),
            });
            number /= sides;
        }
        region.reverse();
        region
    }

    /// The boxes that share something with a region that is not empty; not after [`Self::at_pages`].
    pub(super) fn touching(&self, region: &[Range<u64>]) -> impl Iterator<Item = Region> + '_ {
        let first: Vec<u64> = region.iter().zip(&self.lens).map(|(range, &each)| range.start / each).collect();
        let last = region.iter().zip(&self.lens).map(|(range, &each)| (range.end - 1) / each);
        let found = Self {
            shape: last.zip(&first).map(|(last, first)| last - first + 1).collect(),
            lens: vec![1; self.lens.len()],
            head: 0,
        };
        (0..found.boxes()).map(move |number| {
            let at = found.region(number);
            let axes = at.iter().zip(&first).zip(self.shape.iter().zip(&self.lens));
            let range = |((at, first), (&len, &each)): ((&Range<u64>, &u64), (&u64, &u64))| {
                let start = (at.start + first) * each;
                start..len.min(start + each)
            };
            axes.map(range).collect()
        })
    }
}

/// The axes from the innermost of the array.
pub(super) fn by_writing(shape: &[u64]) -> Vec<usize> {
    (0..shape.len()).rev().collect()
}

/// The axes from the one along which the source runs.
pub(super) fn by_reading(strides: &[i64]) -> Vec<usize> {
    let mut axes: Vec<_> = (0..strides.len()).rev().collect();
    axes.sort_by_key(|&axis| strides[axis].unsigned_abs());
    axes
}

/// How the elements of a box are read: in runs, which take in small gaps.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Elements of a run.
    pub(super) run: u64,
    /// The axes along which runs follow one another, from the innermost: the number of runs, and the distance in the
    /// source.
    pub(super) outer: Vec<(u64, u64)>,
    /// Along each axis of the box, the distance between neighbours in what was read.
    pub(super) strides: Vec<i64>,
    /// From the first element that was read to the first of the box, in what was read.
    pub(super) skip: u64,
    /// The same in the source.
    pub(super) before: u64,
    /// From the first to the last element that is read, in the source.
    pub(super) span: u64,
}

impl Window {
    /// For a box of these lengths, which has elements, and these distances in the source.
    pub(super) fn new(lens: &[u64], strides: &[i64], size: u64) -> Self {
        let mut axes: Vec<usize> = (0..lens.len()).filter(|&axis| lens[axis] > 1).collect();
        axes.sort_by_key(|&axis| strides[axis].unsigned_abs());
        let mut window = Self { run: 1, outer: Vec::new(), strides: vec![0; lens.len()], skip: 0, before: 0, span: 1 };
        let mut held = 1;
        for &axis in &axes {
            let (len, stride) = (lens[axis], strides[axis].unsigned_abs());
            let gap = stride.saturating_sub(window.run);
            let here = if window.outer.is_empty() && gap * size <= GAP {
                window.run += stride * (len - 1);
                held = window.run;
                stride
            } else {
                window.outer.push((len, stride));
                held *= len;
                held / len
            };
            window.span += stride * (len - 1);
            window.strides[axis] = here.cast_signed() * strides[axis].signum();
            if strides[axis] < 0 {
                window.skip += here * (len - 1);
                window.before += stride * (len - 1);
            }
        }
        window
    }

    /// Elements in memory, gaps included.
    pub(super) fn count(&self) -> u64 {
        self.outer.iter().fold(self.run, |count, &(len, _)| count.saturating_mul(len))
    }
}

/// The sums of steps along axes of these lengths and distances, from the innermost axis on: the first axis turns
/// fastest.
pub(super) fn offsets(axes: &[(u64, u64)]) -> impl Iterator<Item = u64> + '_ {
    let count: u64 = axes.iter().map(|axis| axis.0).product();
    let (mut index, mut here) = (vec![0; axes.len()], 0);
    (0..count).map(move |_| {
        let offset = here;
        for (at, &(len, stride)) in index.iter_mut().zip(axes) {
            *at += 1;
            here += stride;
            if *at < len {
                break;
            }
            here -= stride * len;
            *at = 0;
        }
        offset
    })
}
