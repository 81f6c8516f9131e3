//! Longer and shorter arrays, along the outermost axis of storage: rows of a row-major file, columns of a column-major one.
//!
//! The order of the steps is what makes a crash harmless: rows are on the disk before any header speaks of them.

use std::sync::Arc;

use ndarray::{ArrayRef, Axis, Dimension};

use super::body::Body;
use super::ledger::{Layout, Ledger, State};
use super::stream::for_each_piece;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Format, Header, npy};
use crate::shape::{self, Order};
use crate::storage::{self, Claim, File};

/// Room reserved ahead of need: a sixteenth of the array, within these bounds.
const LEAST_AHEAD: u64 = 1 << 20;
const MOST_AHEAD: u64 = 64 << 20;

/// Copies of a body go through a buffer of this size.
const COPY_BYTES: usize = 1 << 20;

impl Body {
    /// The axis that grows: the outermost one of storage.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Shape`] for an array without axes.
    pub(crate) fn growth_axis(&self) -> Result<usize> {
        growth_axis(self.ledger.state().order, self.header.shape()).map_err(|error| error.in_file(self.file.path()))
    }

    /// Bytes of all elements at one position of the growth axis.
    pub(crate) fn row_bytes(&self) -> Result<u64> {
        row_bytes(&self.header, self.growth_axis()?)
    }

    /// Adds rows, which `write` puts into the file from the offset that it is given, all of them.
    ///
    /// If this fails, the array is as long as before.
    pub(crate) fn append(&mut self, rows: u64, write: impl FnOnce(&File, u64) -> Result<()>) -> Result<()> {
        self.check_growth()?;
        if rows == 0 {
            return Ok(());
        }
        let ledger = Arc::clone(&self.ledger);
        let _writing = ledger.writing()?;
        let mut state = ledger.state();
        self.check_current(&state)?;
        let header = state.with_rows(rows, u64::checked_add)?;
        state.ready_tail()?;
        if state.has_no_room(&header)? {
            let at = state.header.data_end();
            drop(state);
            return self.relocate(&ledger, &header, at, write);
        }
        let before = state.whole_len()?;
        let written = state.reserve_ahead(header.data_end()).and_then(|()| write(&state.file, state.header.data_end()));
        if let Err(error) = written {
            let _ = state.cut_to(before);
            return Err(error);
        }
        state.header = header.clone();
        state.pending = true;
        state.slack = true;
        if state.commit == super::Commit::Always {
            state.announce()?;
        }
        self.header = header;
        Ok(())
    }

    /// Adds the rows of an array, whose other axes are as long as the file's.
    pub(crate) fn append_array<T: Element, D: Dimension>(
        &mut self,
        rows: &ArrayRef<T, D>,
        foreign: bool,
    ) -> Result<()> {
        let axis = self.growth_axis()?;
        let given: Vec<u64> = rows.shape().iter().map(|&len| len as u64).collect();
        let expected = self.header.shape();
        if given.len() != expected.len() || (0..given.len()).any(|at| at != axis && given[at] != expected[at]) {
            let (given, expected) = (shape::display(&given), shape::display(expected));
            let message =
                format!("an array of shape {given} cannot be added along axis {axis} to one of shape {expected}");
            return Err(Error::new(ErrorKind::Shape, message)
                .with_hint("all other axes are to have the same lengths")
                .in_file(self.file.path()));
        }
        let order = if axis == 0 { Order::C } else { Order::F };
        self.append(given[axis], |file, mut at| {
            for_each_piece(rows, order, foreign, |bytes| {
                file.write_all_at(bytes, at)?;
                at += bytes.len() as u64;
                Ok(())
            })
        })
    }

    /// Adds one row.
    pub(crate) fn append_row<T: Element, D: Dimension>(&mut self, row: &ArrayRef<T, D>, foreign: bool) -> Result<()> {
        let axis = self.growth_axis()?;
        if row.ndim() + 1 != self.header.shape().len() {
            let message = format!("a row of {} axes for an array of {}", row.ndim(), self.header.shape().len());
            return Err(Error::new(ErrorKind::Shape, message).in_file(self.file.path()));
        }
        self.append_array(&row.view().insert_axis(Axis(axis)), foreign)
    }

    /// Adds rows given as bytes, in storage order and the byte order of the file.
    pub(crate) fn append_bytes(&mut self, rows: &[u8]) -> Result<()> {
        let row = self.row_bytes()?;
        let len = rows.len() as u64;
        if len != 0 && (row == 0 || !len.is_multiple_of(row)) {
            let message = format!("{len} bytes are not a whole number of rows, which have {row} bytes each");
            return Err(Error::new(ErrorKind::Shape, message).in_file(self.file.path()));
        }
        self.append(len.checked_div(row).unwrap_or_default(), |file, at| file.write_all_at(rows, at))
    }

    /// Reserves room on the disk for so many more rows; `false` if the file system cannot. The length stays.
    pub(crate) fn reserve(&mut self, rows: u64) -> Result<bool> {
        self.check_growth()?;
        let _writing = self.ledger.writing()?;
        let mut state = self.ledger.state();
        self.check_current(&state)?;
        let end = state.with_rows(rows, u64::checked_add)?.data_end();
        state.ready_tail()?;
        let before = state.whole_len()?;
        let reserved = match state.file.allocate(end) {
            Ok(reserved) => reserved,
            Err(error) => {
                let _ = state.cut_to(before);
                return Err(error);
            }
        };
        state.ahead = state.ahead.max(end);
        state.kept = state.kept.max(end);
        Ok(reserved)
    }

    /// Makes the array `rows` rows long, new ones being zero, and announces it. Where it became shorter, the file stays as long as it
    /// is until [`cut`](Self::cut).
    pub(crate) fn resize(&mut self, rows: u64) -> Result<()> {
        self.check_growth()?;
        self.check_alone("resize")?;
        let ledger = Arc::clone(&self.ledger);
        self.check_current(&ledger.state())?;
        let header = ledger.state().with_rows(rows, |_, rows| Some(rows))?;
        if header == self.header {
            return self.flush();
        }
        let _writing = ledger.writing()?;
        let mut state = ledger.state();
        let (old_end, new_end) = (state.header.data_end(), header.data_end());
        state.ready_tail()?;
        if state.has_no_room(&header)? {
            drop(state);
            let zeros = new_end.saturating_sub(old_end);
            return self.relocate(&ledger, &header, old_end.min(new_end), |file, at| file.write_zeros(at, zeros));
        }
        let before = state.whole_len()?;
        if new_end > old_end {
            // What lies behind the old end, up to the end of its page at least, may be anything.
            let unknown = before.max(old_end.next_multiple_of(LARGEST_PAGE)).min(new_end) - old_end;
            let grown = state.file.allocate(new_end).and_then(|reserved| {
                self.reserved &= reserved;
                if matches!(state.layout, Layout::Raw) {
                    // The length is the announcement: it goes from the old one to the new one in one step.
                    state.file.set_len(new_end)?;
                    return state.file.write_zeros(old_end, unknown);
                }
                state.file.write_zeros(old_end, unknown)?;
                state.file.set_len(new_end.max(before))
            });
            if let Err(error) = grown {
                let _ = state.cut_to(before);
                return Err(error);
            }
        }
        state.slack = true;
        state.header = header.clone();
        // A raw file announces its rows by its length, which `cut` sets.
        state.announce()?;
        self.header = header;
        Ok(())
    }

    /// Gives what lies behind the last element back to the disk, if nobody else can have it mapped.
    pub(crate) fn cut(&self) -> Result<()> {
        let mut state = self.ledger.state();
        let raw = matches!(state.layout, Layout::Raw);
        if !raw && !state.file.holds_write() {
            return Ok(());
        }
        let end = state.content_end();
        let cut = state.cut_to(end);
        if raw {
            // Rows that are still there would come back with the next ones.
            cut.inspect_err(|_| state.file.poison())?;
            state.file.flush()?;
        }
        Ok(())
    }

    /// Makes everything durable, and announces the rows that are not announced yet.
    pub(crate) fn flush(&self) -> Result<()> {
        self.check_unstaged()?;
        let mut state = self.ledger.state();
        if state.pending { state.announce() } else { state.file.flush() }
    }

    pub(crate) fn set_commit(&self, commit: super::Commit) {
        self.ledger.state().commit = commit;
    }

    /// Announces the rows that are not announced yet, if there are any.
    pub(crate) fn flush_rows(&self) -> Result<()> {
        let mut state = self.ledger.state();
        if state.pending { state.announce() } else { Ok(()) }
    }

    /// The length for a mapping that needs `len` bytes now and more with the next rows; the file is made as long.
    pub(crate) fn extend_ahead(&self, len: usize) -> Result<usize> {
        let mut state = self.ledger.state();
        // The length of a raw file says how many rows it has, and others may take that of any file for it.
        if !matches!(state.layout, Layout::Native(_)) {
            return Ok(len);
        }
        let ahead = len.saturating_add((len / 16).clamp(1 << 20, 64 << 20)).next_multiple_of(1 << 16);
        state.slack = true;
        if state.file.len()? < ahead as u64 {
            state.file.set_len(ahead as u64)?;
        }
        Ok(ahead)
    }

    /// Sees that no clone of this handle has changed the shape.
    pub(crate) fn check_current(&self, state: &State) -> Result<()> {
        if self.header.shape() == state.header.shape() {
            return Ok(());
        }
        let message = format!(
            "another handle of this file has changed its shape from {} to {}",
            shape::display(self.header.shape()),
            shape::display(state.header.shape())
        );
        Err(Error::new(ErrorKind::Shape, message).with_hint("refresh this one first").in_file(self.file.path()))
    }

    /// Writes the array anew with another length, under a temporary name that then takes the place of the old file: for `.npy`
    /// headers without room. Elements up to byte `kept` are copied, `write` adds the others.
    fn relocate(
        &mut self,
        ledger: &Arc<Ledger>,
        header: &Header,
        kept: u64,
        write: impl FnOnce(&File, u64) -> Result<()>,
    ) -> Result<()> {
        let no_room = |message: String| Error::new(ErrorKind::NoRoom, message).in_file(self.file.path());
        let shape = shape::display(header.shape());
        if ledger.reading.stay_in_place {
            let message = format!("the header has no room for the shape {shape}, and the file is to stay in its place");
            return Err(no_room(message).with_hint("allow the file to be written anew, or convert it to .oca"));
        }
        // `self.ledger` and `ledger` are two.
        if Arc::strong_count(ledger) > 2 {
            let message = format!("the header has no room for the shape {shape}, and other handles use the file");
            return Err(no_room(message).with_hint("close the other handles, so that the file can be written anew"));
        }
        // Others would go on with the old file, and lose what they write to it.
        let (lock, own) = (ledger.reading.lock, self.claim()?);
        if let Err(error) = self.file.claim(lock, &Claim::Write) {
            let message = format!("the header has no room for the shape {shape}, and others have the file open");
            let hint = "close it there, so that the file can be written anew";
            return Err(if error.kind() == ErrorKind::Locked { no_room(message).with_hint(hint) } else { error });
        }
        let written = self.write_anew(ledger, header, kept, write);
        // The new file, or the old one.
        self.file.release_to(&own)?;
        written
    }

    fn write_anew(
        &mut self,
        ledger: &Ledger,
        header: &Header,
        kept: u64,
        write: impl FnOnce(&File, u64) -> Result<()>,
    ) -> Result<()> {
        let head = npy::header(header.dtype(), header.shape(), header.order())?;
        let moved = Header::new(
            Format::Npy,
            Some((head[6], head[7])),
            header.dtype().clone(),
            header.shape().to_vec(),
            header.order(),
            head.len() as u64,
        )?;
        let mut state = ledger.state();
        let (old, from) = (state.file.clone(), header.data_offset());
        let mut complete = false;
        let new = storage::replace_held(&ledger.reading.backend, old.path(), &old, |new| {
            new.allocate(moved.data_end())?;
            new.write_all_at(&head, 0)?;
            copy(&old, from, new, moved.data_offset(), kept - from)?;
            write(new, moved.data_offset() + (kept - from))?;
            new.set_len(moved.data_end())?;
            complete = true;
            Ok(())
        })
        .inspect_err(|_| {
            // Where the new file has the name already, what is written to the old one is lost.
            if complete && !matches!(storage::leads_to(&ledger.reading.backend, old.path(), &old), Ok(true)) {
                old.poison();
            }
        })?;
        self.file = new.clone();
        self.header = moved.clone();
        (state.file, state.header, state.pending) = (new, moved, false);
        (state.ahead, state.kept, state.slack) = (0, 0, false);
        Ok(())
    }
}

/// The unit of the memory of most systems, up to whose end the bytes behind the end of a file may come back.
const LARGEST_PAGE: u64 = 1 << 16;

/// The axis that grows: the first of a row-major array and the last of a column-major one.
pub(crate) fn growth_axis(order: Order, shape: &[u64]) -> Result<usize> {
    match (order, shape.len().checked_sub(1)) {
        (_, None) => Err(Error::new(ErrorKind::Shape, "an array without axes does not grow")),
        (Order::C, Some(_)) => Ok(0),
        (Order::F, Some(last)) => Ok(last),
    }
}

/// Bytes of all elements at one position of an axis.
pub(crate) fn row_bytes(header: &Header, axis: usize) -> Result<u64> {
    let mut row = header.shape().to_vec();
    row[axis] = 1;
    Ok(shape::sizes(&row, header.itemsize() as u64)?.1)
}

/// Copies bytes from file to file.
pub(crate) fn copy(from: &File, at: u64, to: &File, place: u64, len: u64) -> Result<()> {
    let mut buffer = vec![0; usize::try_from(len).unwrap_or(COPY_BYTES).min(COPY_BYTES)];
    let mut done = 0;
    while done < len {
        let part = usize::try_from(len - done).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        from.read_exact_at(&mut buffer[..part], at + done)?;
        to.write_all_at(&buffer[..part], place + done)?;
        done += part as u64;
    }
    Ok(())
}

impl State {
    /// The header with `change` made of the present number of rows and `rows`.
    fn with_rows(&self, rows: u64, change: impl FnOnce(u64, u64) -> Option<u64>) -> Result<Header> {
        let fail = |error: Error| error.in_file(self.file.path());
        let axis = growth_axis(self.order, self.header.shape()).map_err(fail)?;
        let found = self.header.shape()[axis];
        let Some(len) = change(found, rows) else {
            return Err(fail(Error::new(ErrorKind::TooLarge, format!("{found} and {rows} rows are too many"))));
        };
        self.header.with_len(axis, len, self.order).map_err(fail)
    }

    /// Whether a `.npy` header is too short for its next text.
    fn has_no_room(&self, header: &Header) -> Result<bool> {
        Ok(matches!(self.layout, Layout::Npy) && self.header_change(header)?.is_none())
    }

    /// Sees to what lies behind the last element before the first growth. It may be left from a crash, and is cut; where it may be
    /// somebody's data, this is an error.
    fn ready_tail(&mut self) -> Result<()> {
        if self.tail_ready {
            return Ok(());
        }
        let (end, len) = (self.header.data_end(), self.file.len()?);
        if len > end {
            let behind = len - end;
            let mut first = [0; 6];
            let whole = self.file.read_exact_at(&mut first, end).is_ok();
            let foreign = match self.layout {
                Layout::Native(_) => false,
                Layout::Npy => whole && crate::format::detect(&first) == Some(Format::Npy),
                Layout::Raw => true,
            };
            if foreign {
                let message = format!("{behind} bytes follow the last element, which growing would overwrite");
                return Err(Error::new(ErrorKind::Unsupported, message)
                    .at(end)
                    .with_hint("copy the array to a file of its own first")
                    .in_file(self.file.path()));
            }
            match self.file.set_len(end) {
                // Windows does not cut a file that somebody has mapped.
                Err(_) if cfg!(windows) => {}
                cut => cut?,
            }
            // A cut gives back what was reserved.
            self.ahead = 0;
        }
        self.tail_ready = true;
        Ok(())
    }

    /// The length of the file, which is to hold all rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] where somebody has cut it since it was opened: what is added must not turn the gap into rows.
    fn whole_len(&self) -> Result<u64> {
        let (len, end) = (self.file.len()?, self.header.data_end());
        if len >= end {
            return Ok(len);
        }
        Err(Error::new(
            ErrorKind::Truncated,
            format!("the file now ends at byte {len}, and its elements at byte {end}"),
        )
        .at(len)
        .with_hint("somebody has truncated it since it was opened")
        .in_file(self.file.path()))
    }

    /// Cuts what follows the content and means nothing. Windows cuts no mapped file; then the end of the handle does.
    pub(crate) fn cut_slack(&mut self) {
        let end = self.content_end();
        self.slack |= self.cut_to(end).is_err();
    }

    /// Cuts what follows `end`, and gives back what was reserved there but for the room that the caller asked for.
    pub(crate) fn cut_to(&mut self, end: u64) -> Result<()> {
        // Also where nothing follows: blocks that were reserved stay with the file until its length is set.
        if self.file.len()? >= end {
            self.file.set_len(end)?;
            self.ahead = 0;
            if self.kept > end && self.file.allocate(self.kept).is_ok() {
                self.ahead = self.kept;
            }
        }
        Ok(())
    }

    /// Reserves room up to `end`, and some more, so that the next rows find it.
    fn reserve_ahead(&mut self, end: u64) -> Result<()> {
        if end <= self.ahead {
            return Ok(());
        }
        let ahead = end.saturating_add(((end - self.header.data_offset()) / 16).clamp(LEAST_AHEAD, MOST_AHEAD));
        match self.file.allocate(ahead) {
            Ok(_) => self.ahead = ahead,
            // Not all of it is needed now.
            Err(_) => {
                self.file.allocate(end)?;
                self.ahead = end;
            }
        }
        Ok(())
    }
}
