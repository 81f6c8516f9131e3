//! The operations: what each does to a file, and what the oracle makes of it.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Ix2};
use outcore::storage::{Backend, MemoryDisk, Sharing};
use outcore::{ArrayFile, Commit, Format, MmapArrayMut, Order, Result};

use crate::model::{Content, Observed, States, join};
use crate::observe::{DTYPE, Kind, backend, in_order, others, read, to_bytes};

/// The names that arrays have.
pub(crate) const NAMES: [&str; 2] = ["a", "b"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Zeros in place of what is there.
    Create(Format),
    /// Elements from memory in place of what is there.
    Save(Format),
    Append(usize),
    /// Rows that are announced at a flush.
    AppendLater(usize),
    Flush,
    Grow,
    Shrink,
    /// One element.
    Set,
    /// All elements.
    Write,
    Transaction,
    /// `a` to `b`.
    Convert(Format),
    /// `b` to `a`.
    Back(Format),
    Seal,
    Attribute,
    /// The handle goes, without a flush.
    Drop,
}

/// What is on the disk before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Nothing,
    Array(Format),
    /// A `.npy` file of nine rows whose header has no room for a tenth.
    Tight,
}

/// Which handle makes the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) mapped: bool,
    /// One handle for all steps; otherwise each has its own and closes it.
    pub(crate) held: bool,
}

pub(crate) const MODES: [Mode; 4] = [
    Mode { mapped: false, held: true },
    Mode { mapped: true, held: true },
    Mode { mapped: false, held: false },
    Mode { mapped: true, held: false },
];

/// What the oracle knows of a name.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// As programs see it now.
    pub(crate) now: Option<Content>,
    /// What may be there if the power fails now.
    pub(crate) states: States,
}

impl Known {
    pub(crate) fn surely(content: Option<Content>) -> Self {
        Self { states: vec![content.clone()], now: content }
    }

    fn flush(&mut self, during: &mut States) {
        join(during, [self.now.clone()]);
        *self = Self::surely(self.now.as_ref().map(Content::flushed));
        join(during, [self.now.clone()]);
    }

    /// A change that is durable when it returns, but for stores to elements before it.
    fn commit(&mut self, during: &mut States, mut new: Content) {
        join(during, [Some(new.clone())]);
        new.loose = None;
        *self = Self::surely(Some(new));
        join(during, self.states.clone());
    }
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub(crate) enum Handle {
    File(ArrayFile<u64, Ix2>),
    Mapped(MmapArrayMut<u64, Ix2>),
}

/// A disk, a handle, and what the oracle says of them.
pub(crate) struct World {
    pub(crate) disk: MemoryDisk,
    backend: Arc<dyn Backend>,
    pub(crate) kind: Kind,
    pub(crate) mode: Mode,
    pub(crate) known: [Known; 2],
    pub(crate) handle: Option<Handle>,
    steps: u64,
}

impl World {
    pub(crate) fn new(kind: Kind, mode: Mode, start: Start) -> Self {
        let disk = MemoryDisk::new();
        let array = |format, rows| {
            let mut array = Content::zeros(format, kind.order, kind.row, rows);
            (0..array.items.len()).for_each(|index| array.set(index, 1 + index as u64, true));
            array
        };
        let content = match start {
            Start::Nothing => None,
            Start::Array(format) => {
                let array = array(format, 3);
                let items = kind.array(array.now().items);
                kind.options(&backend(&disk), format).save("a", &items).expect("an array to begin with");
                Some(array)
            }
            Start::Tight => {
                let array = array(Format::Npy, 9);
                let (a, b) = kind.shape(9);
                let columns = if kind.order == Order::C { "False" } else { "True" };
                let text = format!("{{'descr': '{DTYPE}', 'fortran_order': {columns}, 'shape': ({a}, {b}), }}\n");
                let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
                bytes.extend(u16::try_from(text.len()).expect("a short header").to_le_bytes());
                bytes.extend(text.bytes());
                bytes.extend(array.now().items.iter().flat_map(|&item| to_bytes(item)));
                let file = disk.create_new(Path::new("a"), None, Sharing::All).expect("creates");
                file.write_at(&bytes, 0).expect("writes");
                file.sync().expect("syncs");
                disk.sync_dir(Path::new(".")).expect("syncs");
                Some(array)
            }
        };
        let known = [Known::surely(content), Known::surely(None)];
        Self { backend: backend(&disk), disk, kind, mode, known, handle: None, steps: 0 }
    }

    /// What comes after a step if it succeeds, and what may be on the disk meanwhile. None where it makes no sense.
    pub(crate) fn plan(&self, step: Step) -> Option<([Known; 2], [States; 2])> {
        let [mut a, mut b] = self.known.clone();
        let mut during = [a.states.clone(), b.states.clone()];
        let [in_a, in_b] = &mut during;
        let seed = (self.steps + 1) * 1_000_000;
        let value = |index: usize| seed + index as u64;
        let kind = self.kind;
        let new = |format: Format, found: &Observed, attr: Option<u64>| {
            let items = found.items.iter().map(|&value| vec![value]).collect();
            Content { format, order: kind.order, row: kind.row, items, attr, loose: None }
        };
        let native = |content: &Content| content.format == Format::Native;
        match step {
            Step::Create(_) | Step::Save(_) => {}
            _ if a.now.is_none() => return None,
            Step::Flush | Step::Drop if self.handle.is_none() => return None,
            Step::Seal | Step::Attribute if !a.now.as_ref().is_some_and(native) => return None,
            // One column has no order of its own, and `.npy` does not remember it.
            Step::Shrink if a.now.as_ref().is_some_and(|content| content.rows() < 3) => return None,
            Step::Back(_) if b.now.is_none() => return None,
            _ => {}
        }
        if self.changes_handle(step) && self.handle.is_some() {
            a.flush(in_a);
        }
        let now = a.now.clone();
        let rows = now.as_ref().map_or(0, Content::rows);
        match step {
            Step::Create(format) => a.commit(in_a, Content::zeros(format, kind.order, kind.row, 2)),
            Step::Save(format) => {
                a.commit(in_a, Content::zeros(format, kind.order, kind.row, 0).resized(3, value).flushed());
            }
            Step::Append(count) => a.commit(in_a, now?.resized(rows + count, value)),
            Step::AppendLater(count) => {
                let new = now?.resized(rows + count, value);
                join(&mut a.states, [Some(new.clone())]);
                join(in_a, [Some(new.clone())]);
                a.now = Some(new);
            }
            Step::Flush => a.flush(in_a),
            Step::Grow => a.commit(in_a, now?.resized(rows + 2, |_| 0)),
            Step::Shrink => a.commit(in_a, now?.resized(rows - 1, |_| 0)),
            Step::Set | Step::Write => {
                let items = match step {
                    Step::Set => self.one_item(rows)..self.one_item(rows) + 1,
                    _ => 0..rows * kind.row,
                };
                for content in a.states.iter_mut().flatten().chain(&mut a.now) {
                    items.clone().for_each(|index| content.set(index, value(index), false));
                }
                join(in_a, a.states.clone());
                join(in_a, [a.now.clone()]);
            }
            Step::Transaction => {
                a.flush(in_a);
                let mut new = a.now.clone()?;
                self.touched(rows).for_each(|index| new.set(index, value(index), true));
                a.commit(in_a, new);
            }
            Step::Convert(format) => {
                let now = now?;
                b.commit(in_b, new(format, &now.now(), now.attr.filter(|_| native(&now) && format == Format::Native)));
            }
            Step::Back(format) => {
                let from = b.now.clone()?;
                a.commit(
                    in_a,
                    new(format, &from.now(), from.attr.filter(|_| native(&from) && format == Format::Native)),
                );
            }
            Step::Seal => a.flush(in_a),
            Step::Attribute => {
                for content in a.states.iter_mut().flatten().chain(&mut a.now) {
                    content.attr = Some(seed);
                }
                join(in_a, a.states.clone());
            }
            Step::Drop => {
                join(&mut a.states, [a.now.clone()]);
                join(in_a, a.states.clone());
            }
        }
        if !self.mode.held {
            a.flush(in_a);
        }
        Some(([a, b], during))
    }

    /// Makes a step.
    pub(crate) fn run(&mut self, step: Step) -> Result<()> {
        self.steps += 1;
        let seed = self.steps * 1_000_000;
        let value = |index: usize| seed + index as u64;
        let (kind, rows) = (self.kind, self.known[0].now.as_ref().map_or(0, Content::rows));
        let added = |count: usize| kind.array((rows * kind.row..(rows + count) * kind.row).map(value).collect());
        if self.changes_handle(step)
            && let Some(handle) = self.handle.take()
        {
            handle.close()?;
        }
        let one = self.one_item(rows);
        let touched: Vec<usize> = self.touched(rows).collect();
        match step {
            Step::Create(format) => {
                let options = kind.options(&self.backend, format);
                self.handle = Some(if self.mode.mapped {
                    // SAFETY: the mapping is a copy, and nothing else uses the file.
                    Handle::Mapped(unsafe { options.create("a", kind.shape(2)) }?)
                } else {
                    Handle::File(options.create_file("a", kind.shape(2))?)
                });
            }
            Step::Save(format) => {
                kind.options(&self.backend, format).save("a", &kind.array((0..3 * kind.row).map(value).collect()))?;
            }
            Step::Append(count) => self.handle()?.append(&added(count), Commit::Always)?,
            Step::AppendLater(count) => self.handle()?.append(&added(count), Commit::AtFlush)?,
            Step::Flush => self.handle()?.flush()?,
            Step::Grow => self.handle()?.resize(rows as u64 + 2)?,
            Step::Shrink => self.handle()?.resize(rows as u64 - 1)?,
            Step::Set => self.handle()?.set(kind.index(one), value(one))?,
            Step::Write => self.handle()?.write(&kind.array((0..rows * kind.row).map(value).collect()))?,
            Step::Transaction => {
                let mode = self.mode;
                self.mode.mapped = true;
                let handle = self.handle();
                let done = handle.and_then(|handle| {
                    let Handle::Mapped(array) = handle else { panic!("a transaction needs a mapped array") };
                    let mut transaction = array.transaction()?;
                    touched.iter().for_each(|&index| transaction[kind.index(index)] = value(index));
                    transaction.commit()
                });
                self.mode = mode;
                if !mode.mapped
                    && let Some(handle) = self.handle.take()
                {
                    done?;
                    return handle.close();
                }
                done?;
            }
            Step::Convert(format) => self.convert("a", "b", format)?,
            Step::Back(format) => self.convert("b", "a", format)?,
            Step::Seal => {
                let mode = self.mode;
                self.mode.mapped = false;
                let handle = self.handle();
                let done = handle.and_then(|handle| {
                    let Handle::File(file) = handle else { panic!("a mapped array is not sealed") };
                    file.seal()
                });
                self.mode = mode;
                if mode.mapped
                    && let Some(handle) = self.handle.take()
                {
                    done?;
                    return handle.close();
                }
                done?;
            }
            Step::Attribute => match self.handle()? {
                Handle::File(file) => file.set_attr("n", &seed)?,
                Handle::Mapped(array) => array.set_attr("n", &seed)?,
            },
            Step::Drop => self.handle = None,
        }
        match self.handle.take() {
            Some(handle) if !self.mode.held => handle.close(),
            handle => {
                self.handle = handle;
                Ok(())
            }
        }
    }

    /// Sees that everything is as the oracle has it, and nothing is left that should not be.
    pub(crate) fn check_now(&self) {
        let left = others(&self.disk);
        assert!(left.is_empty(), "{left:?} was left");
        if let (Some(handle), Some(now)) = (&self.handle, &self.known[0].now) {
            assert_eq!(handle.items(self.kind).expect("reads"), now.now().items, "the handle shows");
        }
        for (known, name) in self.known.iter().zip(NAMES) {
            if known.now.as_ref() == known.states[0].as_ref() && self.handle.is_none() {
                let found = read(&self.disk, name, self.kind, false).expect("reads");
                assert_eq!(found, known.now.as_ref().map(Content::now), "{name}");
            }
        }
    }

    /// Whether a step cannot use a handle that may be open.
    fn changes_handle(&self, step: Step) -> bool {
        match step {
            Step::Create(_) | Step::Save(_) | Step::Convert(_) | Step::Back(_) => true,
            Step::Transaction => !self.mode.mapped,
            Step::Seal => self.mode.mapped,
            _ => false,
        }
    }

    fn handle(&mut self) -> Result<&mut Handle> {
        if self.handle.is_none() {
            let format = self.known[0].now.as_ref().map_or(Format::Npy, |content| content.format);
            let options = self.kind.opening(&self.disk, "a", format);
            self.handle = Some(if self.mode.mapped {
                // SAFETY: the mapping is a copy, and nothing else uses the file.
                Handle::Mapped(unsafe { options.open_mut("a") }?)
            } else {
                Handle::File(options.open_file_mut("a")?)
            });
        }
        Ok(self.handle.as_mut().expect("a handle"))
    }

    fn convert(&mut self, from: &str, to: &str, format: Format) -> Result<()> {
        let known = &self.known[usize::from(from == NAMES[1])];
        let raw = known.now.as_ref().map_or(Format::Npy, |content| content.format);
        let mut options = self.kind.opening(&self.disk, from, raw);
        if raw == Format::Raw {
            let rows = known.now.as_ref().map_or(0, Content::rows);
            let (a, b) = self.kind.shape(rows);
            let layout = outcore::RawLayout::new().dtype(DTYPE.parse()?).shape([a as u64, b as u64]);
            options = options.raw(layout.order(self.kind.order));
        }
        self.kind.options(&self.backend, format).convert(&options.open_any_file(from)?, to)
    }

    fn one_item(&self, rows: usize) -> usize {
        (rows / 2) * self.kind.row + self.kind.row - 1
    }

    /// The elements of a transaction: some in every page.
    fn touched(&self, rows: usize) -> impl Iterator<Item = usize> + use<> {
        let len = rows * self.kind.row;
        (0..len).filter(move |index| index % 7 == 3 || *index == 0 || index + 1 == len)
    }
}

impl Handle {
    fn append(&mut self, rows: &Array2<u64>, commit: Commit) -> Result<()> {
        match self {
            Self::File(file) => {
                file.set_commit(commit);
                file.append_rows(rows)
            }
            Self::Mapped(array) => {
                array.set_commit(commit);
                array.append_rows(rows)
            }
        }
    }

    pub(crate) fn append_rows(&mut self, rows: &Array2<u64>) -> Result<()> {
        self.append(rows, Commit::Always)
    }

    pub(crate) fn resize(&mut self, rows: u64) -> Result<()> {
        match self {
            Self::File(file) => file.resize_rows(rows),
            Self::Mapped(array) => array.resize_rows(rows),
        }
    }

    fn set(&mut self, index: (usize, usize), value: u64) -> Result<()> {
        match self {
            Self::File(file) => file.set(index, value),
            Self::Mapped(array) => {
                array[index] = value;
                Ok(())
            }
        }
    }

    fn write(&mut self, items: &Array2<u64>) -> Result<()> {
        match self {
            Self::File(file) => file.write(items),
            Self::Mapped(array) => {
                array.view_mut().assign(items);
                Ok(())
            }
        }
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Mapped(array) => array.flush(),
        }
    }

    fn close(self) -> Result<()> {
        match self {
            Self::File(file) => file.close(),
            Self::Mapped(array) => array.close(),
        }
    }

    pub(crate) fn items(&self, kind: Kind) -> Result<Vec<u64>> {
        match self {
            Self::File(file) => Ok(in_order(kind, &file.read()?)),
            Self::Mapped(array) => Ok(in_order(kind, array)),
        }
    }
}
