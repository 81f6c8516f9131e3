//! What is sorted, as the steps of a sort see it: records that come from somewhere and go somewhere.

use std::ops::Range;

use crate::compute::engine::source::{Blocks, Scratch, read};
use crate::compute::engine::vector::vectorised;
use crate::element::Element;
use crate::error::Result;

use super::record::Record;

/// Fills a buffer with the records at some positions.
pub(super) type Reader<'a, R> = Box<dyn FnMut(Range<u64>, &mut [R]) -> Result<()> + 'a>;

/// Takes sorted records, given their first position.
pub(super) type Writer<'a, R> = Box<dyn FnMut(u64, Run<'_, R>) -> Result<()> + 'a>;

/// Records in ascending order.
#[derive(Debug)]
pub(super) enum Run<'r, R> {
    /// Each by itself.
    Sorted(&'r [R]),
    /// So many of the same.
    Same(R, u64),
}

/// Where records come from.
pub(super) struct Input<'a, R> {
    pub(super) count: u64,
    /// Bytes that a reader keeps for each record of a piece.
    pub(super) itemsize: usize,
    /// Makes the reader of a worker.
    pub(super) open: Box<dyn Fn() -> Reader<'a, R> + Sync + 'a>,
}

/// Where sorted records go.
pub(super) struct Sorted<'a, R> {
    /// Bytes that a writer keeps for each record of a piece.
    pub(super) itemsize: usize,
    /// Makes the writer of a worker, which writes pieces of so many records.
    pub(super) open: Box<dyn Fn(usize) -> Writer<'a, R> + Sync + 'a>,
}

impl<'a, R: Record> Input<'a, R> {
    /// The elements at some positions of a source, each made a record with a look at its position among them.
    pub(super) fn of<T: Element>(
        source: &'a dyn Blocks<T>,
        count: u64,
        record: impl Fn(T, u64) -> R + Copy + Send + Sync + 'a,
    ) -> Self {
        let open = move || -> Reader<'a, R> {
            let mut scratch = Scratch::default();
            Box::new(move |range, records| {
                let items = read(source, range.clone(), &mut scratch)?;
                vectorised(
                    #[inline(always)]
                    || {
                        for ((place, &item), position) in records.iter_mut().zip(items).zip(range) {
                            *place = record(item, position);
                        }
                    },
                );
                Ok(())
            })
        };
        Self { count, itemsize: size_of::<T>(), open: Box::new(open) }
    }
}

impl<'a, R: Record> Sorted<'a, R> {
    /// Elements, each made of a record, written by their positions.
    pub(super) fn to<T: Copy + 'a>(
        write: impl Fn(u64, &[T]) -> Result<()> + Copy + Sync + 'a,
        element: impl Fn(R) -> T + Copy + Send + Sync + 'a,
    ) -> Self {
        let open = move |piece: usize| -> Writer<'a, R> {
            let mut items = Vec::new();
            Box::new(move |mut start, run| match run {
                Run::Sorted(records) => records.chunks(piece).try_for_each(|records| {
                    items.clear();
                    vectorised(
                        #[inline(always)]
                        || items.extend(records.iter().map(|&record| element(record))),
                    );
                    write(start, &items)?;
                    start += records.len() as u64;
                    Ok(())
                }),
                Run::Same(record, count) => {
                    items.clear();
                    items.resize(usize::try_from(count).map_or(piece, |count| count.min(piece)), element(record));
                    let end = start + count;
                    while start < end {
                        let now = usize::try_from(end - start).map_or(items.len(), |left| left.min(items.len()));
                        write(start, &items[..now])?;
                        start += now as u64;
                    }
                    Ok(())
                }
            })
        };
        Self { itemsize: size_of::<T>(), open: Box::new(open) }
    }
}
