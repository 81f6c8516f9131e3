//! A source in another shape and order: broadcast as NumPy does, and with positions counted in the order asked for.

use std::ops::Range;
use std::sync::OnceLock;

use ndarray::{DimMax, Dimension};

use crate::compute::engine::source::{Blocks, sealed, shape_of, shape_of_dim};
use crate::compute::{Scratch, Source};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Order};

/// Bytes of an input that is kept in memory where it cannot be borrowed.
const KEPT: u64 = 64 << 10;

/// The elements of `a` as an array of shape `dim`, without a copy: `np.broadcast_to`.
///
/// Axes that `a` lacks come first; they, and those of length 1, repeat its elements.
///
/// ```
/// use outcore::Job;
/// use outcore::compute::broadcast_to;
/// use outcore::ndarray::{Ix2, array};
///
/// let row = broadcast_to(array![1, 2, 3], Ix2(2, 3))?;
/// assert_eq!(Job::new().copy(row).to_array()?, array![[1, 2, 3], [1, 2, 3]]);
/// # Ok::<(), outcore::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Shape`] where the shape of `a` cannot become `dim`, [`ErrorKind::TooLarge`] for more elements than can be
/// counted.
pub fn broadcast_to<S: Source, D: Dimension>(a: S, dim: D) -> Result<impl Source<Elem = S::Elem, Dim = D>> {
    let order = a.order();
    Aligned::new(a, dim, order)
}

/// The shape that both become: axes are equal or 1, counted from the last.
pub(super) fn common_dim<A, B, D>(a: &A, b: &B) -> Result<D>
where
    A: Dimension + DimMax<B, Output = D>,
    B: Dimension,
    D: Dimension,
{
    let (left, right) = (a.slice(), b.slice());
    let ndim = left.len().max(right.len());
    let mut dim = D::zeros(ndim);
    for (back, len) in dim.slice_mut().iter_mut().rev().enumerate() {
        let of = |lens: &[usize]| lens.len().checked_sub(back + 1).map_or(1, |axis| lens[axis]);
        *len = match (of(left), of(right)) {
            (left, right) if left == right => left,
            (1, other) | (other, 1) => other,
            _ => return Err(mismatch(&shape_of_dim(a), &shape_of_dim(b))),
        };
    }
    Ok(dim)
}

fn mismatch(a: &[u64], b: &[u64]) -> Error {
    let message = format!("shapes {} and {} do not broadcast", shape::display(a), shape::display(b));
    Error::new(ErrorKind::Shape, message).with_hint("axes, counted from the last, must be equal, or one of them 1")
}

/// An axis of the result, or several that act as one: how often, and how far apart in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    len: u64,
    stride: u64,
}

/// A source seen in another shape or order.
#[derive(Debug)]
pub(super) struct Aligned<S: Source, D> {
    source: S,
    count: u64,
    dim: D,
    order: Order,
    /// The axes of the result, the slowest first; none where positions are those of the source.
    steps: Option<Vec<Step>>,
    kept: OnceLock<Vec<S::Elem>>,
}

impl<S: Source, D: Dimension> Aligned<S, D> {
    /// The elements of `source` broadcast to `dim`, whose positions count in `order`.
    pub(super) fn new(source: S, dim: D, order: Order) -> Result<Self> {
        let (from, to) = (shape_of(&source), shape_of_dim(&dim));
        let itemsize = size_of::<S::Elem>() as u64;
        let (count, _) = shape::sizes(&from, itemsize)?;
        let steps = steps_between((&from, source.order()), (&to, order), itemsize)?;
        Ok(Self { source, count, dim, order, steps, kept: OnceLock::new() })
    }

    /// All elements of the source, where they are in memory or few.
    fn whole(&self) -> Result<Option<&[S::Elem]>> {
        whole(&self.source, self.count, &self.kept)
    }

    /// Appends the elements at these positions of the result.
    fn gather(&self, steps: &[Step], range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        gather(&self.source, self.whole()?, steps, range, scratch)
    }
}

/// The steps through an array of shape `from` that lead to the elements of one of shape `to`; none where their positions are
/// the same.
fn steps_between(
    (from, own_order): (&[u64], Order),
    (to, order): (&[u64], Order),
    itemsize: u64,
) -> Result<Option<Vec<Step>>> {
    shape::sizes(to, itemsize)?;
    let missing = to.len().checked_sub(from.len()).ok_or_else(|| mismatch(from, to))?;
    let strides = shape::strides(from, own_order);
    let mut axes = vec![(1, 0); missing];
    axes.extend(from.iter().copied().zip(strides));
    let mut steps = Vec::with_capacity(to.len());
    for (&len, (own, stride)) in to.iter().zip(axes) {
        match own {
            own if own == len => steps.push(Step { len, stride }),
            1 => steps.push(Step { len, stride: 0 }),
            _ => return Err(mismatch(from, to)),
        }
    }
    if order == Order::F {
        steps.reverse();
    }
    let steps = merge(&steps);
    let same = matches!(steps[..], [Step { stride: 1, .. }]) || to.iter().all(|&len| len == 1);
    Ok((!same && !to.contains(&0)).then_some(steps))
}

/// All `count` elements of the source, where they are in memory or few.
fn whole<'a, T: Element>(source: &'a dyn Blocks<T>, count: u64, kept: &'a OnceLock<Vec<T>>) -> Result<Option<&'a [T]>> {
    if let Some(items) = source.borrow(0..count) {
        return Ok(Some(items));
    }
    if count * size_of::<T>() as u64 > KEPT {
        return Ok(None);
    }
    if kept.get().is_none() {
        let mut scratch = Scratch::default();
        source.copy(0..count, &mut scratch)?;
        // Several workers may come at once, with the same elements.
        let _ = kept.set(scratch.elements()?.to_vec());
    }
    Ok(kept.get().map(Vec::as_slice))
}

/// Appends the elements that the steps lead to at these positions.
fn gather<T: Element>(
    source: &dyn Blocks<T>,
    whole: Option<&[T]>,
    steps: &[Step],
    range: Range<u64>,
    scratch: &mut Scratch<T>,
) -> Result<()> {
    let (out, inner) = scratch.with_inner::<Scratch<T>>();
    let mut from = out.len();
    out.resize(from + small(range.end - range.start), T::zeroed());
    for (base, steps) in boxes(steps, range) {
        let end = from + small(steps.iter().map(|step| step.len).product());
        let out = &mut out[from..end];
        if let Some(items) = whole {
            arrange(&steps, &items[small(base)..], out);
        } else {
            let steps = pack(source, base, &steps, inner)?;
            arrange(&steps, inner.elements()?, out);
        }
        from = end;
    }
    Ok(())
}

/// Puts what the steps reach from `base` on into `packed`, and returns the steps through that.
fn pack<T: Element>(source: &dyn Blocks<T>, base: u64, steps: &[Step], packed: &mut Scratch<T>) -> Result<Vec<Step>> {
    packed.clear();
    each_run(base, steps, &mut |run| source.copy(run, packed))
}

/// Hands out what the steps reach from `base` on, in runs as long as can be, and returns the steps through all runs.
fn each_run(base: u64, steps: &[Step], read: &mut dyn FnMut(Range<u64>) -> Result<()>) -> Result<Vec<Step>> {
    let mut packed_steps = steps.to_vec();
    let mut axes: Vec<usize> = (0..steps.len()).filter(|&at| steps[at].stride > 0).collect();
    axes.sort_by_key(|&at| steps[at].stride);
    // The fastest axes make up one run, gaps included, as long as at least a quarter of it is wanted.
    let (mut wanted, mut span, mut merged) = (1, 1, 0);
    for &at in &axes {
        let Step { len, stride } = steps[at];
        let longer = (len - 1) * stride + span;
        if longer > 4 * wanted * len {
            break;
        }
        (wanted, span, merged) = (wanted * len, longer, merged + 1);
    }
    let outer = &axes[merged..];
    let mut stride = span;
    for &at in outer {
        packed_steps[at].stride = stride;
        stride *= steps[at].len;
    }
    let mut index = vec![0; outer.len()];
    loop {
        let first = base + index.iter().zip(outer).map(|(&at, &axis)| at * steps[axis].stride).sum::<u64>();
        read(first..first + span)?;
        let mut axis = 0;
        loop {
            if axis == outer.len() {
                return Ok(packed_steps);
            }
            index[axis] += 1;
            if index[axis] < steps[outer[axis]].len {
                break;
            }
            index[axis] = 0;
            axis += 1;
        }
    }
}

/// Takes neighbouring axes together where they act as one.
fn merge(axes: &[Step]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(axes.len());
    for &step in axes.iter().filter(|step| step.len != 1) {
        match steps.last_mut() {
            Some(last) if last.stride == step.stride.saturating_mul(step.len) => {
                *last = Step { len: last.len * step.len, stride: step.stride };
            }
            _ => steps.push(step),
        }
    }
    if steps.is_empty() {
        steps.push(Step { len: 1, stride: 0 });
    }
    steps
}

/// The positions as boxes: for each the position in the input where it begins, and its axes.
fn boxes(steps: &[Step], mut range: Range<u64>) -> impl Iterator<Item = (u64, Vec<Step>)> {
    let steps = steps.to_vec();
    std::iter::from_fn(move || {
        if range.is_empty() {
            return None;
        }
        let mut below: u64 = steps.iter().map(|step| step.len).product();
        let (mut base, mut rest) = (0, range.start);
        for (at, step) in steps.iter().enumerate() {
            below /= step.len;
            let index = rest / below;
            (base, rest) = (base + index * step.stride, rest % below);
            let left = range.end - range.start;
            if rest == 0 && left >= below {
                let len = (left / below).min(step.len - index);
                range.start += len * below;
                let mut steps = steps[at..].to_vec();
                steps[0].len = len;
                return Some((base, steps));
            }
        }
        unreachable!("below the last axis is one element")
    })
}

/// Columns whose elements share a cache line, more or less.
const ABREAST: usize = 8;

/// Fills `out` with the elements that the steps lead to.
fn arrange<T: Copy>(steps: &[Step], items: &[T], out: &mut [T]) {
    match *steps {
        [] => out[0] = items[0],
        [Step { stride: 0, .. }] => out.fill(items[0]),
        [Step { stride: 1, .. }] => out.copy_from_slice(&items[..out.len()]),
        [Step { stride, .. }] => {
            let items = items.iter().step_by(small(stride));
            out.iter_mut().zip(items).for_each(|(out, &item)| *out = item);
        }
        [Step { stride: 1, .. }, Step { len, stride }] if stride > 0 => {
            let (len, stride) = (small(len), small(stride));
            for (group, out) in out.chunks_mut(ABREAST * len).enumerate() {
                let items = &items[group * ABREAST..];
                let rows = out.len() / len;
                for column in 0..len {
                    for (row, &item) in items[column * stride..][..rows].iter().enumerate() {
                        out[row * len + column] = item;
                    }
                }
            }
        }
        [Step { len, stride }, ref inner @ ..] => {
            let each = out.len() / small(len);
            if stride == 0 {
                let (first, mut rest) = out.split_at_mut(each);
                arrange(inner, items, first);
                let mut done: &mut [T] = first;
                while !rest.is_empty() {
                    let (now, later) = rest.split_at_mut(each.min(rest.len()));
                    now.copy_from_slice(&done[..now.len()]);
                    (done, rest) = (now, later);
                }
                return;
            }
            for (at, out) in out.chunks_mut(each).enumerate() {
                arrange(inner, &items[at * small(stride)..], out);
            }
        }
    }
}

/// A length inside an array in memory, or inside a block.
fn small(len: u64) -> usize {
    usize::try_from(len).expect("a length in memory")
}

impl<S: Source, D> sealed::Sealed for Aligned<S, D> {}

impl<S: Source, D: Dimension> Source for Aligned<S, D> {
    type Elem = S::Elem;
    type Dim = D;

    fn dim(&self) -> D {
        self.dim.clone()
    }

    fn order(&self) -> Order {
        self.order
    }

    fn borrow(&self, range: Range<u64>) -> Option<&[S::Elem]> {
        if self.steps.is_none() { self.source.borrow(range) } else { None }
    }

    fn copy(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        match &self.steps {
            Some(steps) => self.gather(steps, range, scratch),
            None => self.source.copy(range, scratch),
        }
    }

    fn fetch(&self, range: Range<u64>, scratch: &mut Scratch<S::Elem>) -> Result<()> {
        let Some(steps) = &self.steps else { return self.source.fetch(range, scratch) };
        scratch.clear();
        // Rows that are in memory need not lie in the window: the pieces are made from them in the first-level cache.
        if self.whole()?.is_some() && steps.last().is_some_and(|step| step.stride <= 1) {
            return Ok(());
        }
        scratch.fetched(range.start);
        self.gather(steps, range, scratch)
    }

    fn piece<'a>(&'a self, range: Range<u64>, scratch: &'a mut Scratch<S::Elem>) -> Result<&'a [S::Elem]> {
        let Some(steps) = &self.steps else { return self.source.piece(range, scratch) };
        if let Some(first) = scratch.first() {
            return scratch.elements_at(range.start - first..range.end - first);
        }
        let len = small(range.end - range.start);
        if let [Step { stride: 0, .. }] = steps[..] {
            // One element everywhere: what an earlier piece of this window left is good for this one.
            if scratch.items().len() < len {
                scratch.clear();
                self.gather(steps, range, scratch)?;
            }
            return scratch.elements_at(0..len as u64);
        }
        scratch.clear();
        self.gather(steps, range, scratch)?;
        scratch.elements()
    }

    fn widest(&self) -> usize {
        self.source.widest()
    }

    fn buffers(&self) -> u64 {
        // What is packed, gaps included, has up to four times the size of what is wanted.
        self.source.buffers() + if self.steps.is_some() { 4 * super::expression::WINDOW as u64 + KEPT } else { 0 }
    }
}
