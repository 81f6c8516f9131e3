//! Moves strided elements in memory.
//!
//! Elements count by their size only, so that the loops are compiled once for each size. Where the axis along which the
//! source runs is not the one along which the target runs, squares of a cache line by a cache line are transposed: so
//! many rows as a word has elements at once, all words of a cache line side by side, by exchanging the upper halves of
//! the first rows with the lower halves of the last, then quarters, and so on.

use bytemuck::Pod;

use crate::compute::engine::vector::vectorised;

/// An axis of a copy: its length, and the distance between neighbours in the target and in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) len: usize,
    pub(super) to: isize,
    pub(super) from: isize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Bytes that stay in the first-level cache.
const CACHED: usize = 16 << 10;

/// Squares of a cache line along a patch, whose pages the processor finds without a walk through the page table.
const PATCH: usize = 8;

/// Copies the elements of a box from `source`, where its first index lies at `from`, to `target`, where it lies at
/// `to`. All distances count elements of `size` bytes.
pub(super) fn pack(size: usize, (target, to): (&mut [u8], usize), (source, from): (&[u8], usize), axes: &[Axis]) {
    let axes = simplified(axes);
    if axes.iter().any(|axis| axis.len == 0) {
        return;
    }
    let ends = (Cells { bytes: target }, Cells { bytes: source });
    let at = (to.cast_signed(), from.cast_signed());
    vectorised(
        #[inline(always)]
        || match size {
            1 => walk::<u8>(ends, at, &axes),
            2 => walk::<u16>(ends, at, &axes),
            4 => walk::<u32>(ends, at, &axes),
            8 => walk::<u64>(ends, at, &axes),
            16 => walk::<u128>(ends, at, &axes),
            _ => unreachable!("elements of {size} bytes"),
        },
    );
}

/// The axes by their distance in the target, those of length 1 left out, and neighbours taken as one where both sides
/// allow.
fn simplified(axes: &[Axis]) -> Vec<Axis> {
    let mut sorted: Vec<_> = axes.iter().copied().filter(|axis| axis.len != 1).collect();
    sorted.sort_by_key(|axis| std::cmp::Reverse(axis.to.unsigned_abs()));
    let mut merged: Vec<Axis> = Vec::with_capacity(sorted.len());
    for axis in sorted {
        let len = axis.len.cast_signed();
        match merged.last_mut() {
            Some(outer) if outer.to == axis.to * len && outer.from == axis.from * len => {
                *outer = Axis { len: outer.len * axis.len, ..axis };
            }
            _ => merged.push(axis),
        }
    }
    merged
}

/// Bytes, to be read and written as elements at any address.
struct Cells<B> {
    bytes: B,
}

impl Cells<&[u8]> {
    #[inline(always)]
    fn get<P: Pod>(&self, at: isize, size: usize) -> P {
        let at = at.cast_unsigned() * size;
        bytemuck::pod_read_unaligned(&self.bytes[at..at + size_of::<P>()])
    }
}

impl Cells<&mut [u8]> {
    #[inline(always)]
    fn put<P: Pod>(&mut self, at: isize, size: usize, value: P) {
        let at = at.cast_unsigned() * size;
        self.bytes[at..at + size_of::<P>()].copy_from_slice(bytemuck::bytes_of(&value));
    }
}

type Ends<'t, 's> = (Cells<&'t mut [u8]>, Cells<&'s [u8]>);

/// Loops over the axes that neither side runs along, and copies the rows or the squares below them.
#[inline(always)]
fn walk<C: Square>(mut ends: Ends<'_, '_>, at: (isize, isize), axes: &[Axis]) {
    let along_source = axes.iter().enumerate().min_by_key(|(_, axis)| axis.from.unsigned_abs()).map(|(at, _)| at);
    let Some((last, fast)) = axes.len().checked_sub(1).zip(along_source) else {
        return ends.0.put(at.0, size_of::<C>(), ends.1.get::<C>(at.1, size_of::<C>()));
    };
    let outer: Vec<Axis> =
        axes.iter().enumerate().filter(|&(at, _)| at != last && at != fast).map(|(_, &axis)| axis).collect();
    let mut index = vec![0; outer.len()];
    let mut here = at;
    loop {
        if fast == last {
            row::<C>(&mut ends, here, axes[last]);
        } else {
            plane::<C>(&mut ends, here, axes[last], axes[fast]);
        }
        let mut turn = outer.len();
        loop {
            let Some(next) = turn.checked_sub(1) else { return };
            turn = next;
            let axis = outer[turn];
            index[turn] += 1;
            here = (here.0 + axis.to, here.1 + axis.from);
            if index[turn] < axis.len {
                break;
            }
            let len = axis.len.cast_signed();
            here = (here.0 - axis.to * len, here.1 - axis.from * len);
            index[turn] = 0;
        }
    }
}

/// Copies along one axis.
#[inline(always)]
fn row<C: Pod>((target, source): &mut Ends<'_, '_>, (to, from): (isize, isize), axis: Axis) {
    let size = size_of::<C>();
    let bytes = axis.len * size;
    if axis.to == 1 && axis.from == 1 {
        let (to, from) = (to.cast_unsigned() * size, from.cast_unsigned() * size);
        target.bytes[to..to + bytes].copy_from_slice(&source.bytes[from..from + bytes]);
    } else if axis.to == 1 && axis.from == -1 {
        let (to, end) = (to.cast_unsigned() * size, (from.cast_unsigned() + 1) * size);
        let places = target.bytes[to..to + bytes].chunks_exact_mut(size_of::<C>());
        let items = source.bytes[end - bytes..end].rchunks_exact(size_of::<C>());
        for (place, item) in places.zip(items) {
            let cell: C = bytemuck::pod_read_unaligned(item);
            place.copy_from_slice(bytemuck::bytes_of(&cell));
        }
    } else if axis.to == 1 && axis.from > 1 {
        let (to, from) = (to.cast_unsigned(), from.cast_unsigned());
        let places = &mut target.bytes[to * size..][..bytes];
        let items = &source.bytes[from * size..][..axis.from.cast_unsigned() * (bytes - size) + size];
        // Distances that the compiler knows become shuffles of vectors.
        match axis.from {
            2 => collect::<C>(places, items, 2),
            3 => collect::<C>(places, items, 3),
            4 => collect::<C>(places, items, 4),
            distance => collect::<C>(places, items, distance.cast_unsigned()),
        }
    } else if axis.from == 1 && axis.to > 1 {
        let (to, from) = (to.cast_unsigned(), from.cast_unsigned());
        let places = &mut target.bytes[to * size..][..axis.to.cast_unsigned() * (bytes - size) + size];
        let items = &source.bytes[from * size..][..bytes];
        match axis.to {
            2 => spread::<C>(places, items, 2),
            3 => spread::<C>(places, items, 3),
            4 => spread::<C>(places, items, 4),
            distance => spread::<C>(places, items, distance.cast_unsigned()),
        }
    } else {
        for at in 0..axis.len.cast_signed() {
            target.put(to + at * axis.to, size, source.get::<C>(from + at * axis.from, size));
        }
    }
}

/// Every so many elements to places side by side.
#[inline(always)]
fn collect<C: Pod>(places: &mut [u8], items: &[u8], distance: usize) {
    let size = size_of::<C>();
    let (places, last) = places.split_at_mut(places.len() - size);
    let each = items.chunks_exact(distance * size);
    last.copy_from_slice(&items[items.len() - size..]);
    for (place, item) in places.chunks_exact_mut(size_of::<C>()).zip(each) {
        place.copy_from_slice(&item[..size_of::<C>()]);
    }
}

/// Elements side by side to every so many places.
#[inline(always)]
fn spread<C: Pod>(places: &mut [u8], items: &[u8], distance: usize) {
    let size = size_of::<C>();
    let (items, last) = items.split_at(items.len() - size);
    let at = places.len() - size;
    places[at..].copy_from_slice(last);
    let each = places.chunks_exact_mut(distance * size);
    for (place, item) in each.zip(items.chunks_exact(size_of::<C>())) {
        place[..size_of::<C>()].copy_from_slice(item);
    }
}

/// Copies along two axes: the target runs along the first, the source along the second.
#[inline(always)]
fn plane<C: Square>(ends: &mut Ends<'_, '_>, at: (isize, isize), x: Axis, mut y: Axis) {
    let (mut to, mut from) = at;
    if y.from == -1 {
        let last = y.len.cast_signed() - 1;
        (to, from) = (to + y.to * last, from - last);
        (y.to, y.from) = (-y.to, 1);
    }
    let side = LINE / size_of::<C>();
    let whole = x.to == 1 && y.from == 1;
    if whole && x.len.min(y.len) < side {
        return ribbon::<C>(ends, (to, from), x, y);
    }
    let patch = PATCH * side;
    for (y_patch, x_patch) in corners((y.len, x.len), patch) {
        let (high, wide) = (patch.min(y.len - y_patch), patch.min(x.len - x_patch));
        for (y0, x0) in corners((high, wide), side) {
            let (high, wide) = (side.min(high - y0), side.min(wide - x0));
            let (x0, y0) = ((x_patch + x0).cast_signed(), (y_patch + y0).cast_signed());
            let corner = (to + x0 * x.to + y0 * y.to, from + x0 * x.from + y0 * y.from);
            if whole && wide == side && high == side {
                C::square(ends, corner, y.to, x.from);
                continue;
            }
            for at in 0..high.cast_signed() {
                row::<C>(ends, (corner.0 + at * y.to, corner.1 + at * y.from), Axis { len: wide, ..x });
            }
        }
    }
}

/// Copies a plane that is narrower than a square along one axis: row by row along the other, as far as the cache
/// reaches.
#[inline(always)]
fn ribbon<C: Pod>(ends: &mut Ends<'_, '_>, (to, from): (isize, isize), x: Axis, y: Axis) {
    let (short, long) = if x.len < y.len { (x, y) } else { (y, x) };
    let each = CACHED / size_of::<C>() / short.len;
    for start in (0..long.len).step_by(each) {
        let part = Axis { len: each.min(long.len - start), ..long };
        let start = start.cast_signed();
        for at in 0..short.len.cast_signed() {
            let corner = (to + at * short.to + start * long.to, from + at * short.from + start * long.from);
            row::<C>(ends, corner, part);
        }
    }
}

/// The first corners of squares that cover a plane.
#[inline(always)]
fn corners((high, wide): (usize, usize), side: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..high).step_by(side).flat_map(move |y| (0..wide).step_by(side).map(move |x| (y, x)))
}

/// A value as large as an element.
trait Square: Pod {
    /// Transposes a square of a cache line by a cache line, whose rows lie `to` apart in the target and `from` apart in
    /// the source.
    fn square(ends: &mut Ends<'_, '_>, at: (isize, isize), to: isize, from: isize);
}

/// Values of which several fit a word. Each line of the target is put together first and written once: lines that lie a
/// power of two apart drive one another out of the cache.
macro_rules! parts_of_words {
    ($($cell:ty),*) => {$(
        impl Square for $cell {
            #[inline(always)]
            fn square((target, source): &mut Ends<'_, '_>, at: (isize, isize), to: isize, from: isize) {
                const SIZE: usize = size_of::<$cell>();
                const ROWS: usize = 8 / SIZE;
                let mut lines = [[0_u64; 8]; LINE / SIZE];
                for word in 0..8 {
                    let mut rows: [[u64; 8]; ROWS] = std::array::from_fn(|row| {
                        source.get(at.1 + (word * ROWS + row).cast_signed() * from, SIZE)
                    });
                    rows.as_flattened_mut().iter_mut().for_each(|word| *word = u64::from_le(*word));
                    let mut half = ROWS / 2;
                    while half > 0 {
                        let bits = 8 * SIZE * half;
                        // The lower halves, quarters and so on of a word.
                        let lower = u64::MAX / ((1 << bits) + 1);
                        for row in (0..ROWS).filter(|row| row & half == 0) {
                            let (first, last) = rows.split_at_mut(row + half);
                            for (first, last) in first[row].iter_mut().zip(&mut last[0]) {
                                let exchanged = ((*first >> bits) ^ *last) & lower;
                                *last ^= exchanged;
                                *first ^= exchanged << bits;
                            }
                        }
                        half /= 2;
                    }
                    for (row, words) in rows.iter().enumerate() {
                        for (column, item) in words.iter().enumerate() {
                            lines[column * ROWS + row][word] = item.to_le();
                        }
                    }
                }
                for (y, line) in lines.iter().enumerate() {
                    target.put(at.0 + y.cast_signed() * to, SIZE, *line);
                }
            }
        }
    )*};
}
parts_of_words!(u8, u16, u32);

/// Values of a word and more.
macro_rules! words {
    ($($cell:ty),*) => {$(
        impl Square for $cell {
            #[inline(always)]
            fn square((target, source): &mut Ends<'_, '_>, at: (isize, isize), to: isize, from: isize) {
                const SIZE: usize = size_of::<$cell>();
                const SIDE: usize = LINE / SIZE;
                let rows: [[$cell; SIDE]; SIDE] =
                    std::array::from_fn(|row| source.get(at.1 + row.cast_signed() * from, SIZE));
                for y in 0..SIDE {
                    let line: [$cell; SIDE] = std::array::from_fn(|x| rows[x][y]);
                    target.put(at.0 + y.cast_signed() * to, SIZE, line);
                }
            }
        }
    )*};
}
words!(u64, u128);
