//! What is behind every handle: a file, what its header says, and that the elements are all there.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::any::out_of_memory;
use super::door::{Found, Intent, Reading, check_end, find, open_claimed};
use super::growth;
use super::journal::{self, Pending};
use super::ledger::{self, Layout, Ledger};
use super::residency::Residency;
use super::stage::Stage;
use crate::element::{ByteOrder, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Header;
use crate::format::native::Attributes;
use crate::format::raw::RawLayout;
use crate::shape::{self, Order};
use crate::storage::{self, Access, Claim, File};

/// An open file whose body, the bytes that its header announces, has been seen to lie within it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) file: File,
    pub(crate) header: Header,
    /// Whether room for all elements was reserved when this handle created the file.
    pub(crate) reserved: bool,
    /// Shared by all clones.
    pub(crate) ledger: Arc<Ledger>,
    /// A committed transaction whose bytes are not in their places, which only a writer can mend.
    pub(crate) overlay: Option<Arc<Pending>>,
    /// Where writes go until they are committed, inside a transaction.
    stage: Option<Arc<Stage>>,
    intent: Intent,
    pub(super) residency: Arc<Residency>,
}

/// How long to wait for others who write rows of a sealed file to end the seal.
const LONGEST_BREAK: Duration = Duration::from_secs(1);

impl Body {
    /// Opens a file, takes the lock, reads the header, and compares what it announces with the length of the file. A transaction
    /// that somebody could not finish is finished by a writer, and shown as finished to a reader.
    pub(crate) fn open(reading: &Reading, path: &Path, intent: Intent) -> Result<Self> {
        let access = if matches!(intent, Intent::Read(_)) { Access::Read } else { Access::ReadWrite };
        // The bytes of rows are known when the header is.
        let first = match intent {
            Intent::Read(_) | Intent::WriteRows(_) => Claim::Read,
            Intent::Append => Claim::Append,
            Intent::Write => Claim::Write,
        };
        let file = open_claimed(reading, path, access, &first)?;
        let mut found = find(&file, reading)?;
        check_end(&file, &found.header)?;
        let claim = intent.claim(&found.header).map_err(|error| error.in_file(path))?;
        if let Intent::WriteRows(_) = intent {
            file.claim(reading.lock, &claim)?;
        }
        let mut body = Self::new(file, reading, found, intent);
        let mut pending = journal::pending(&body.ledger)?;
        if access == Access::ReadWrite
            && let Some(transaction) = pending.take()
        {
            body.file.claim(reading.lock, &Claim::Write)?;
            journal::finish(&body.ledger, &transaction)?;
            found = find(&body.file, reading)?;
            body = Self::new(body.file, reading, found, body.intent);
            body.file.release_to(&claim)?;
        }
        body.overlay = pending.map(Arc::new);
        if access == Access::Read {
            body.file.claim(reading.lock, &claim)?;
        }
        Ok(body)
    }

    fn new(file: File, reading: &Reading, found: Found, intent: Intent) -> Self {
        let header = found.header.clone();
        let ledger = Arc::new(Ledger::new(file.clone(), reading.clone(), found));
        Self { file, header, reserved: false, ledger, overlay: None, stage: None, intent, residency: Arc::default() }
    }

    /// A file that was just created.
    pub(crate) fn created(file: File, reading: &Reading, found: Found, reserved: bool) -> Self {
        Self { reserved, ..Self::new(file, reading, found, Intent::Write) }
    }

    /// Opens a file for repair: alone, its length not compared with anything, its journal not looked at.
    pub(crate) fn open_damaged(reading: &Reading, path: &Path, write: bool) -> Result<Self> {
        let (access, claim, intent) = match write {
            true => (Access::ReadWrite, Claim::Write, Intent::Write),
            false => (Access::Read, Claim::Read, Intent::Read(None)),
        };
        let file = File::open_claimed(&reading.backend, path, access, reading.lock, &claim)?;
        let found = find(&file, reading)?;
        Ok(Self::new(file, reading, found, intent))
    }

    /// The lock that this handle holds.
    pub(crate) fn claim(&self) -> Result<Claim> {
        self.intent.claim(&self.header).map_err(|error| error.in_file(self.file.path()))
    }

    /// Reads the header again, and takes over what somebody else has made of it. Whether anything changed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] where it has become another array.
    pub(crate) fn refresh(&mut self) -> Result<bool> {
        if matches!(self.intent, Intent::Write | Intent::Append) {
            // Nobody else may have changed the length; a clone of this handle may.
            let header = self.ledger.state().header.clone();
            let changed = header != self.header;
            self.header = header;
            return Ok(changed);
        }
        let mut reading = self.ledger.reading.clone();
        reading.raw = reading.raw.map(RawLayout::growing);
        let found = find(&self.file, &reading)?;
        check_end(&self.file, &found.header)?;
        let (new, old) = (&found.header, &self.header);
        let grows = growth::growth_axis(found.order, new.shape()).ok();
        let same_axes = new.shape().len() == old.shape().len()
            && (0..new.shape().len()).all(|axis| Some(axis) == grows || new.shape()[axis] == old.shape()[axis]);
        if !same_axes || new.dtype() != old.dtype() || new.data_offset() != old.data_offset() {
            let message = format!(
                "the file now holds {} of shape {}, and held {} of shape {}",
                new.dtype(),
                shape::display(new.shape()),
                old.dtype(),
                shape::display(old.shape())
            );
            let error = Error::new(ErrorKind::Corrupt, message).with_hint("it was replaced; open it again");
            return Err(error.in_file(self.file.path()));
        }
        let changed = new.shape() != old.shape();
        if !changed
            && matches!(storage::leads_to(&self.ledger.reading.backend, self.file.path(), &self.file), Ok(false))
        {
            return Err(Error::new(ErrorKind::Corrupt, "another file has taken the name of this one")
                .with_hint("it was replaced; open it again")
                .in_file(self.file.path()));
        }
        // Rows that are shown are locked like those that were there before.
        let claim = self.intent.claim(new).map_err(|error| error.in_file(self.file.path()))?;
        self.file.claim(self.ledger.reading.lock, &claim)?;
        let mut body = Self::new(self.file.clone(), &self.ledger.reading, found, self.intent.clone());
        body.overlay = journal::pending(&body.ledger)?.map(Arc::new);
        body.reserved = self.reserved;
        *self = body;
        Ok(changed)
    }

    /// The attributes; none where the format has no place for them.
    pub(crate) fn attrs(&self) -> Attributes {
        self.ledger.state().attrs()
    }

    pub(crate) fn set_attrs(&self, attrs: Attributes) -> Result<()> {
        self.check_growth()?;
        let mut state = self.ledger.state();
        if !matches!(state.layout, Layout::Native(_)) {
            return Err(ledger::unsupported("attributes", &self.header).in_file(self.file.path()));
        }
        state.commit_slot(|slot| slot.attrs = attrs)
    }

    /// Sees that this handle may change the length and the header.
    pub(crate) fn check_growth(&self) -> Result<()> {
        self.check_unstaged()?;
        match self.intent {
            Intent::Write | Intent::Append => self.file.check_poison(),
            Intent::Read(_) => Err(Error::new(ErrorKind::ReadOnly, "the file is open for reading only")
                .with_hint("open it for writing or appending")
                .in_file(self.file.path())),
            Intent::WriteRows(_) => Err(Error::new(ErrorKind::ReadOnly, "a handle of some rows changes elements only")
                .with_hint("open the whole array for writing")
                .in_file(self.file.path())),
        }
    }

    /// Refuses what is not a change of elements inside a transaction.
    pub(crate) fn check_unstaged(&self) -> Result<()> {
        if self.stage.is_none() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument, "a transaction changes elements, and nothing else")
            .with_hint("commit it first")
            .in_file(self.file.path()))
    }

    /// Sees that nobody else may write anything: an appender has others beside it.
    pub(crate) fn check_alone(&self, what: &str) -> Result<()> {
        if self.intent == Intent::Write {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ReadOnly, format!("a handle that was opened for appending does not {what}"))
            .with_hint("open it for writing")
            .in_file(self.file.path()))
    }

    /// Prepares the file for stores that come at any time, through a mapping: the checksums of a sealed body end here.
    pub(crate) fn begin_stores(&mut self) -> Result<()> {
        if self.intent == Intent::Write || !self.ledger.is_sealed() {
            return self.ledger.break_seal();
        }
        // Who writes some rows is not alone, and commits a slot as an appender does. Others may be at the same, for a moment.
        let (file, reading) = (self.file.clone(), self.ledger.reading.clone());
        let patience = Instant::now() + LONGEST_BREAK;
        loop {
            let broken = file.while_appender(reading.lock, || {
                *self = Self::new(file.clone(), &reading, find(&file, &reading)?, self.intent.clone());
                self.ledger.break_seal()
            });
            match broken {
                Err(error) if error.kind() == ErrorKind::Locked && Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                done => return done,
            }
        }
    }

    /// Whether the elements are a `T` in the machine's byte order or in the other one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DType`] where they are something else.
    pub(crate) fn is_foreign<T: Element>(&self) -> Result<bool> {
        let (found, asked) = (self.header.dtype(), T::dtype());
        if *found == asked {
            Ok(false)
        } else if found.with_byte_order(ByteOrder::NATIVE) == asked.with_byte_order(ByteOrder::NATIVE) {
            Ok(true)
        } else {
            let message = format!("the elements are {} ('{found}'), not {}", found.name(), T::name());
            let hint = match super::dispatch::ElementType::of(found) {
                Some(kind) => format!("open it as {}", kind.rust_name()),
                None => "no Rust type of this crate has these elements; read their bytes through AnyArrayFile".into(),
            };
            Err(Error::new(ErrorKind::DType, message).with_hint(hint).in_file(self.file.path()))
        }
    }

    /// Sees that the elements are a `T` as it lies in memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DType`] where they are something else, or have the other byte order.
    pub(crate) fn expect_native<T: Element>(&self) -> Result<()> {
        if !self.is_foreign::<T>()? {
            return Ok(());
        }
        let found = self.header.dtype();
        let message =
            format!("the elements are {} ('{found}'), and {} has the other byte order", found.name(), T::name());
        let native =
            super::dispatch::ElementType::of(found).map_or_else(String::new, super::dispatch::ElementType::rust_name);
        let hint = match found.byte_order() {
            Some(order) if order == ByteOrder::NATIVE => format!("map it as {native}"),
            order => {
                let wrapper = if order == Some(ByteOrder::Big) { "Be" } else { "Le" };
                format!("map it as {wrapper}<{native}>, or read it through ArrayFile, which swaps the bytes")
            }
        };
        Err(Error::new(ErrorKind::DType, message).with_hint(hint).in_file(self.file.path()))
    }

    /// Reads elements as they lie in the file: item `start` and those after it, in storage order.
    pub(crate) fn read_items(&self, start: u64, items: &mut [u8]) -> Result<()> {
        let offset = self.span(start, items.len())?;
        self.read_bytes(offset - self.header.data_offset(), items)
    }

    /// Reads bytes of the elements, from byte `at` of the first one on.
    pub(crate) fn read_bytes(&self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let offset = self.header.data_offset() + at;
        self.file.read_exact_at(bytes, offset)?;
        if let Some(pending) = &self.overlay {
            pending.overlay(offset, bytes)?;
        }
        if let Some(stage) = &self.stage {
            stage.overlay(offset, bytes);
        }
        Ok(())
    }

    /// The same file for a transaction: writes stay in memory until [`Stage::commit`].
    pub(crate) fn staged(&self) -> Result<(Self, Arc<Stage>)> {
        self.check_growth()?;
        self.check_alone("begin transactions")?;
        let stage = Arc::new(Stage::new(self.header.data_offset()..self.header.data_end()));
        Ok((Self { stage: Some(Arc::clone(&stage)), ..self.clone() }, stage))
    }

    /// The storage order, also where both are the same.
    pub(crate) fn order(&self) -> Order {
        self.ledger.state().order
    }

    /// Hands out all elements as they lie in the file, in pieces.
    pub(crate) fn for_each_block(&self, mut take: impl FnMut(&mut [u8]) -> Result<()>) -> Result<()> {
        const PIECE_BYTES: usize = 1 << 20;
        let itemsize = self.header.itemsize();
        // Elements without bytes are skipped: there may be any number of them.
        if self.header.nbytes() == 0 {
            return Ok(());
        }
        let step = (PIECE_BYTES / itemsize).max(1) as u64;
        let len = usize::try_from(step.min(self.header.count())).unwrap_or(usize::MAX).saturating_mul(itemsize);
        let mut buffer = bytemuck::allocation::try_zeroed_vec(len)
            .map_err(|()| out_of_memory(len as u64).in_file(self.file.path()))?;
        let mut start = 0;
        while start < self.header.count() {
            let items = step.min(self.header.count() - start);
            let piece = &mut buffer[..usize::try_from(items).unwrap_or(usize::MAX) * itemsize];
            self.read_items(start, piece)?;
            take(piece)?;
            start += items;
        }
        Ok(())
    }

    /// Writes elements as they shall lie in the file, from item `start` on, in storage order.
    pub(crate) fn write_items(&self, start: u64, items: &[u8]) -> Result<()> {
        let offset = self.span(start, items.len())?;
        if self.intent == Intent::Append {
            return Err(Error::new(ErrorKind::ReadOnly, "a handle that was opened for appending changes no rows")
                .with_hint("open it for writing")
                .in_file(self.file.path()));
        }
        if let Some(stage) = &self.stage {
            self.file.check_writable()?;
            return stage.write(&self.file, offset, items);
        }
        let _writing = self.ledger.writing()?;
        // A file that somebody has cut meanwhile must not grow again with a hole where elements were.
        let (len, end) = (self.file.len()?, offset + items.len() as u64);
        if end > len {
            let message = format!("the file now ends at byte {len}, and elements up to byte {end} were to be written");
            let hint = "somebody has truncated it since it was opened";
            return Err(Error::new(ErrorKind::Truncated, message).at(len).with_hint(hint).in_file(self.file.path()));
        }
        self.file.write_all_at(items, offset)
    }

    /// Begins to write back what was written to the file, and does not wait.
    pub(crate) fn start_writeback(&self) -> Result<()> {
        self.file.start_writeback(0, i64::MAX.unsigned_abs())
    }

    /// The byte in the file where a run of items begins, if the run lies within the array.
    fn span(&self, start: u64, len: usize) -> Result<u64> {
        let itemsize = self.header.itemsize() as u64;
        let begin = start.checked_mul(itemsize);
        match begin.and_then(|begin| begin.checked_add(len as u64)) {
            Some(end) if end <= self.header.nbytes() => Ok(self.header.data_offset() + start * itemsize),
            _ => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{len} bytes from element {start} on reach beyond the {} elements", self.header.count()),
            )
            .in_file(self.file.path())),
        }
    }
}
