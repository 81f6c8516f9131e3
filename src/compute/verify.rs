//! Checksums of the elements of a native file: made, and compared.

use std::ops::Range;

use ndarray::Dimension;

use super::Job;
use super::engine::Load;
use crate::array::{AnyArrayFile, ArrayFile, Body};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::format::native::CHECKSUM_BLOCK;

/// Bytes that are read at a time, and that stay in the second-level cache.
const READ_BYTES: usize = 256 << 10;

/// What [`Job::verify`] found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verification {
    /// Whether and how the elements were compared with checksums.
    pub state: SealState,
    /// Blocks compared.
    pub blocks: u64,
    /// Bytes of a block; the last one may be shorter.
    pub block_len: u64,
    /// The blocks that are not as they were when the array was sealed.
    pub mismatches: Vec<Mismatch>,
    /// Damaged parts of the header and the checksums, the array itself being readable.
    pub flaws: Vec<Error>,
}

impl Verification {
    /// Whether nothing was found that is wrong. A file without checksums can be sound; see [`state`](Self::state).
    pub fn is_sound(&self) -> bool {
        self.mismatches.is_empty() && self.flaws.is_empty()
    }
}

/// What checksums say of the elements of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SealState {
    /// They are in force, and every block agrees with them.
    Verified,
    /// They are in force, and some block does not agree.
    Damaged,
    /// There are none in force: the array was never sealed, or may have been written since.
    Unverified,
    /// The format has none.
    None,
}

/// A block whose checksum is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The block, counted from 0.
    pub block: u64,
    /// Where it lies in the file.
    pub bytes: Range<u64>,
    /// The elements of which it has a part, in storage order.
    pub elements: Range<u64>,
    /// The CRC-32 that was recorded.
    pub expected: u32,
    /// The CRC-32 of what is there.
    pub found: u32,
}

impl Job<'_> {
    /// Compares the header and every block of the elements with their checksums, by positional reads, on all threads.
    ///
    /// Elements that have been written since they were sealed are [`Unverified`](SealState::Unverified), never damaged.
    ///
    /// # Errors
    ///
    /// Those of reading, and [`Cancelled`](ErrorKind::Cancelled). What is damaged is in the result, not an error.
    ///
    /// ```
    /// use outcore::compute::SealState;
    /// use outcore::{ArrayFile, CreateOptions, Format, Job};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("m.oca");
    ///
    /// let mut file = CreateOptions::new().format(Format::Native).create_file::<f64, _>(&path, (1000, 8))?;
    /// file.seal()?;
    /// assert_eq!(file.verify()?.state, SealState::Verified);
    /// file.set((0, 0), 1.0)?;
    /// assert_eq!(file.verify()?.state, SealState::Unverified);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(&self, file: &AnyArrayFile) -> Result<Verification> {
        self.verify_body(file.body())
    }

    /// Computes a checksum of every block of the elements of a native file, on all threads, and puts them in force, durably.
    ///
    /// The first write after it ends that. [`verify`](Self::verify) compares.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) for other formats, [`ReadOnly`](ErrorKind::ReadOnly), and those of reading and writing.
    pub fn seal(&self, file: &mut AnyArrayFile) -> Result<()> {
        self.seal_body(file.body())
    }

    fn verify_body(&self, body: &Body) -> Result<Verification> {
        let found = self.compare(body)?;
        if found.is_sound() || body.is_still_sealed()? {
            return Ok(found);
        }
        // What did not agree were the leavings of checksums that ended meanwhile.
        Ok(Verification { state: SealState::Unverified, mismatches: Vec::new(), flaws: body.flaws()?, ..found })
    }

    fn compare(&self, body: &Body) -> Result<Verification> {
        body.check_unstaged()?;
        body.check_current(&body.ledger.state())?;
        let mut flaws = body.flaws()?;
        let mut found = |state, blocks, block_len, mismatches| Verification {
            state,
            blocks,
            block_len,
            mismatches,
            flaws: std::mem::take(&mut flaws),
        };
        if body.expect_checksums().is_err() {
            return Ok(found(SealState::None, 0, 0, Vec::new()));
        }
        let table = match body.checksum_table() {
            Ok(Some(table)) => table,
            Ok(None) => return Ok(found(SealState::Unverified, 0, 0, Vec::new())),
            // Without them the elements are neither sound nor damaged.
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Truncated) => {
                let mut found = found(SealState::Unverified, 0, 0, Vec::new());
                found.flaws.push(error);
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        let block_len = u64::from(table.block_len);
        let itemsize = body.header.itemsize().max(1) as u64;
        let mut mismatches = Vec::new();
        self.each_sum(body, block_len, |block, found| {
            let expected = table.sums[usize::try_from(block).unwrap_or(usize::MAX)];
            if found != expected {
                let begin = block * block_len;
                let end = (begin + block_len).min(body.header.nbytes());
                let bytes = body.header.data_offset() + begin..body.header.data_offset() + end;
                let elements = begin / itemsize..end.div_ceil(itemsize);
                mismatches.push(Mismatch { block, bytes, elements, expected, found });
            }
        })?;
        let state = if mismatches.is_empty() { SealState::Verified } else { SealState::Damaged };
        Ok(found(state, table.sums.len() as u64, block_len, mismatches))
    }

    fn seal_body(&self, body: &Body) -> Result<()> {
        body.expect_checksums()?;
        body.check_growth()?;
        body.check_alone("seal")?;
        let _sealing = body.ledger.sealing();
        body.check_current(&body.ledger.state())?;
        // Rows that are written belong to what is sealed.
        body.flush()?;
        let mut sums = Vec::new();
        self.each_sum(body, u64::from(CHECKSUM_BLOCK), |_, sum| sums.push(sum))?;
        body.seal(sums)
    }

    /// Hands out the checksum of every block, in order.
    fn each_sum(&self, body: &Body, block_len: u64, mut take: impl FnMut(u64, u32) + Send) -> Result<()> {
        let len = body.header.nbytes();
        let load = Load { units: len.div_ceil(block_len), bytes: len, scratch: READ_BYTES as u64, held: 0 };
        let work = |buffer: &mut Vec<u8>, block: u64, shift: &super::engine::Shift<'_, '_>| {
            let mut hasher = crc32fast::Hasher::new();
            let end = len.min((block + 1) * block_len);
            let mut at = block * block_len;
            while at < end {
                let part = usize::try_from(end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
                body.read_bytes(at, &mut buffer[..part])?;
                hasher.update(&buffer[..part]);
                at += part as u64;
            }
            shift.done(end - block * block_len);
            Ok(hasher.finalize())
        };
        self.in_order(
            load,
            || vec![0; READ_BYTES],
            work,
            |block, sum| {
                take(block, sum);
                Ok(())
            },
        )
    }
}

macro_rules! own_checksums {
    ($([$($generics:tt)*] $handle:ty),*) => {$(
        impl<$($generics)*> $handle {
            /// Compares the header and all elements with their checksums. [`Job::verify`] has settings.
            ///
            /// # Errors
            ///
            /// Those of [`Job::verify`].
            pub fn verify(&self) -> Result<Verification> {
                Job::new().verify_body(self.body())
            }

            /// Computes checksums of all elements and puts them in force, durably, until the next write. [`Job::seal`] has settings.
            ///
            /// # Errors
            ///
            /// Those of [`Job::seal`].
            pub fn seal(&mut self) -> Result<()> {
                Job::new().seal_body(self.body())
            }
        }
    )*};
}
own_checksums!([] AnyArrayFile, [T: Element, D: Dimension] ArrayFile<T, D>);
