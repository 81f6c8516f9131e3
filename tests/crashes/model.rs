//! The oracle: what an array may be after a power failure, as sets of plain values.

use std::fmt;

use outcore::{Format, Order};

/// What one name may show: nothing, or an array. All states that are possible if the power fails now.
pub(crate) type States = Vec<Option<Content>>;

/// An array as its owner sees it, with what a power failure may make of its elements.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) format: Format,
    pub(crate) order: Order,
    /// Elements of a row: of a column, where columns are what grows.
    pub(crate) row: usize,
    /// In storage order; the last of each is the value now, and all are what it may be after a power failure.
    pub(crate) items: Vec<Vec<u64>>,
    pub(crate) attr: Option<u64>,
    /// Rows from this one on may be missing or zero: the length of a raw file is all that speaks of them.
    pub(crate) loose: Option<usize>,
}

/// An array as it was read, with nothing in doubt.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) format: Format,
    pub(crate) order: Order,
    pub(crate) row: usize,
    pub(crate) items: Vec<u64>,
    pub(crate) attr: Option<u64>,
}

impl Content {
    pub(crate) fn zeros(format: Format, order: Order, row: usize, rows: usize) -> Self {
        Self { format, order, row, items: vec![vec![0]; row * rows], attr: None, loose: None }
    }

    pub(crate) fn rows(&self) -> usize {
        self.items.len() / self.row
    }

    /// Rows more or fewer, new ones of these values.
    pub(crate) fn resized(&self, rows: usize, mut value: impl FnMut(usize) -> u64) -> Self {
        let mut new = self.clone();
        new.items.truncate(rows * self.row);
        for index in new.items.len()..rows * self.row {
            new.items.push(vec![value(index)]);
        }
        if self.format == Format::Raw && rows > self.rows() {
            new.loose.get_or_insert(self.rows());
        }
        new
    }

    /// A store to an element, durable or not.
    pub(crate) fn set(&mut self, index: usize, value: u64, durable: bool) {
        if let Some(item) = self.items.get_mut(index) {
            if durable {
                item.clear();
            }
            item.push(value);
        }
    }

    /// What it is when all of it is on the disk.
    pub(crate) fn flushed(&self) -> Self {
        let mut new = self.clone();
        for item in &mut new.items {
            item.drain(..item.len() - 1);
        }
        new.loose = None;
        new
    }

    /// The values that its owner sees.
    pub(crate) fn now(&self) -> Observed {
        let items = self.items.iter().map(|item| *item.last().expect("a value")).collect();
        Observed { format: self.format, order: self.order, row: self.row, items, attr: self.attr }
    }

    pub(crate) fn admits(&self, found: &Observed) -> bool {
        let sure = self.loose.unwrap_or(usize::MAX).saturating_mul(self.row).min(self.items.len());
        self.format == found.format
            && self.order == found.order
            && self.row == found.row
            && self.attr == found.attr
            && (sure..=self.items.len()).contains(&found.items.len())
            && found
                .items
                .iter()
                .enumerate()
                .all(|(index, value)| self.items[index].contains(value) || (index >= sure && *value == 0))
    }
}

/// Whether one of the states is what was found.
pub(crate) fn admit(states: &States, found: Option<&Observed>) -> bool {
    states.iter().any(|state| match (state, found) {
        (None, None) => true,
        (Some(state), Some(found)) => state.admits(found),
        _ => false,
    })
}

/// Adds states that are not there yet.
pub(crate) fn join(states: &mut States, more: impl IntoIterator<Item = Option<Content>>) {
    for state in more {
        if !states.contains(&state) {
            states.push(state);
        }
    }
}

fn runs<T: PartialEq + fmt::Debug>(f: &mut fmt::Formatter<'_>, row: usize, items: &[T]) -> fmt::Result {
    for (index, row) in items.chunks(row.max(1)).enumerate() {
        write!(f, "\n    row {index}:")?;
        let mut begin = 0;
        while begin < row.len() && begin < 4000 {
            let end = (begin..row.len()).find(|&end| row[end] != row[begin]).unwrap_or(row.len());
            write!(f, " {:?}x{}", row[begin], end - begin)?;
            begin = end;
        }
    }
    Ok(())
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} attr {:?} loose {:?}", self.format, self.order, self.attr, self.loose)?;
        runs(f, self.row, &self.items)
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} attr {:?}", self.format, self.order, self.attr)?;
        runs(f, self.row, &self.items)
    }
}
