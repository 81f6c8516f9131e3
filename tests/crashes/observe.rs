//! Looking at a disk as a user does: opening what is there, reading all of it, adding a row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, ArrayRef, Ix2, ShapeBuilder};
use outcore::compute::SealState;
use outcore::storage::{Backend, MemoryDisk};
use outcore::{ArrayFile, CreateOptions, Error, ErrorKind, Format, MmapArray, OpenOptions, Order, RawLayout, Result};

use crate::model::Observed;

/// Elements of a row, and the storage order, of all arrays of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) row: usize,
    pub(crate) order: Order,
}

/// Rows of 1600 bytes, so that some lie across pages.
pub(crate) const WIDE: Kind = Kind { row: 200, order: Order::C };
pub(crate) const WIDE_F: Kind = Kind { row: 200, order: Order::F };
pub(crate) const TINY: Kind = Kind { row: 3, order: Order::C };

const BIG: bool = cfg!(target_endian = "big");

/// The dtype of all arrays: in the order of the machine, as they are written.
pub(crate) const DTYPE: &str = if BIG { ">u8" } else { "<u8" };

/// An element as it is in a file.
pub(crate) fn to_bytes(item: u64) -> [u8; 8] {
    if BIG { item.to_be_bytes() } else { item.to_le_bytes() }
}

fn from_bytes(bytes: &[u8]) -> u64 {
    let bytes = bytes.try_into().expect("eight bytes");
    if BIG { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
}

impl Kind {
    pub(crate) fn shape(self, rows: usize) -> (usize, usize) {
        if self.order == Order::C { (rows, self.row) } else { (self.row, rows) }
    }

    /// An array in the storage order of this kind.
    pub(crate) fn array(self, items: Vec<u64>) -> Array2<u64> {
        let rows = items.len() / self.row;
        let shape = self.shape(rows).set_f(self.order == Order::F);
        Array2::from_shape_vec(shape, items).expect("a whole number of rows")
    }

    pub(crate) fn index(self, item: usize) -> (usize, usize) {
        let (row, at) = (item / self.row, item % self.row);
        if self.order == Order::C { (row, at) } else { (at, row) }
    }

    pub(crate) fn options(self, backend: &Arc<dyn Backend>, format: Format) -> CreateOptions {
        CreateOptions::new().backend(Arc::clone(backend)).format(format).order(self.order).overwrite(true)
    }

    /// How to open the array of that name; the format is only asked for where the file cannot tell.
    pub(crate) fn opening(self, disk: &MemoryDisk, name: &str, format: Format) -> OpenOptions {
        let options = OpenOptions::new().backend(backend(disk));
        if format != Format::Raw {
            return options;
        }
        let len = disk.read(Path::new(name)).map_or(0, |bytes| bytes.len());
        let (a, b) = self.shape(len / (8 * self.row));
        options.raw(RawLayout::new().shape([a as u64, b as u64]).order(self.order))
    }
}

pub(crate) fn backend(disk: &MemoryDisk) -> Arc<dyn Backend> {
    Arc::new(disk.clone())
}

/// All elements in storage order.
pub(crate) fn in_order(kind: Kind, array: &ArrayRef<u64, Ix2>) -> Vec<u64> {
    if kind.order == Order::C { array.iter().copied().collect() } else { array.t().iter().copied().collect() }
}

/// The format of what has that name; raw where nothing says.
pub(crate) fn format_of(disk: &MemoryDisk, name: &str) -> Format {
    match OpenOptions::new().backend(backend(disk)).peek(name) {
        Ok(header) => header.format(),
        Err(error) if matches!(error.kind(), ErrorKind::UnknownFormat | ErrorKind::Truncated) => Format::Raw,
        Err(error) => panic!("{error}"),
    }
}

/// What has that name, by a positional handle or a mapped one. The disk is not touched.
pub(crate) fn read(disk: &MemoryDisk, name: &str, kind: Kind, mapped: bool) -> Result<Option<Observed>> {
    if disk.read(Path::new(name)).is_none() {
        return Ok(None);
    }
    let (format, before) = (format_of(disk, name), disk.operations().len());
    let options = kind.opening(disk, name, format);
    let (order, attrs, items) = if mapped {
        // SAFETY: the mapping is a copy, and nobody writes the file meanwhile.
        let array = unsafe { options.open::<u64, Ix2>(name) }?;
        (array.header().order(), array.attrs(), in_order(kind, &array))
    } else {
        let file = options.open_file::<u64, Ix2>(name)?;
        (file.header().order(), file.attrs(), in_order(kind, &file.read()?))
    };
    assert_eq!(disk.operations().len(), before, "reading changed the disk");
    Ok(Some(Observed { format, order, row: kind.row, items, attr: attrs.get("n")? }))
}

/// How the elements of a native file compare with their checksums, and the flaws of its header.
pub(crate) fn seal_state(disk: &MemoryDisk, name: &str) -> Result<(SealState, Vec<Error>)> {
    let verified = OpenOptions::new().backend(backend(disk)).open_any_file(name)?.verify()?;
    assert!(verified.state != SealState::Damaged, "damaged: {verified:?}");
    assert!(verified.mismatches.is_empty(), "{verified:?}");
    Ok((verified.state, verified.flaws))
}

/// Opens what is there for writing, which finishes what a crash left, adds a row, and sees that nothing else has changed.
pub(crate) fn recover_and_append(disk: &MemoryDisk, name: &str, kind: Kind, before: &Observed, mapped: bool) {
    let options = kind.opening(disk, name, before.format);
    let row = kind.array((0..kind.row as u64).map(|at| 9_000_000_000 + at).collect());
    let mut expected = before.clone();
    let (shown, after) = if mapped {
        // SAFETY: the mapping is a copy, and this is the only handle.
        let mut array = unsafe { options.open_mut::<u64, Ix2>(name) }.expect("opens for writing");
        let shown = in_order(kind, &array);
        array.append_rows(&row).expect("grows");
        (shown, in_order(kind, &array))
    } else {
        let mut file = options.open_file_mut::<u64, Ix2>(name).expect("opens for writing");
        let shown = in_order(kind, &file.read().expect("reads"));
        file.append_rows(&row).expect("grows");
        (shown, in_order(kind, &file.read().expect("reads")))
    };
    assert_eq!(shown, before.items, "the writer sees what the reader saw");
    expected.items.extend(in_order(kind, &row));
    assert_eq!(after, expected.items, "a row was added");
    assert_eq!(read(disk, name, kind, !mapped).expect("opens again"), Some(expected), "what was added stays");
    if before.format == Format::Native {
        let (_, flaws) = seal_state(disk, name).expect("verifies");
        assert!(flaws.is_empty(), "{flaws:?}");
    }
}

/// Whether a crash may have left a file of this name.
pub(crate) fn is_temporary(name: &Path) -> bool {
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let Some(stem) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".outcore-tmp")) else { return false };
    stem.rsplit_once('.').is_some_and(|(_, hex)| hex.len() == 16 && hex.chars().all(|digit| digit.is_ascii_hexdigit()))
}

pub(crate) fn is_journal(name: &Path) -> bool {
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(".outcore-journal")
}

/// Names that are no arrays.
pub(crate) fn others(disk: &MemoryDisk) -> Vec<PathBuf> {
    disk.names().into_iter().filter(|name| is_temporary(name) || is_journal(name)).collect()
}

/// Opens for every way of reading; all agree.
pub(crate) fn doors(disk: &MemoryDisk, name: &str) -> [Result<Vec<u64>>; 3] {
    let options = || OpenOptions::new().backend(backend(disk));
    let kind = |order| Kind { row: 1, order };
    [
        options().open_file::<u64, Ix2>(name).and_then(|file: ArrayFile<u64, Ix2>| {
            let order = file.header().order();
            Ok(in_order(kind(order), &file.read()?))
        }),
        options().open_any_file(name).and_then(|file| {
            let bytes = file.read_selection(&outcore::Selection::all())?;
            let shape: Vec<usize> =
                file.header().shape().iter().map(|&len| usize::try_from(len).expect("a length")).collect();
            let items: Vec<u64> = bytes.chunks_exact(8).map(from_bytes).collect();
            let array = Array2::from_shape_vec((shape[0], shape[1]), items).expect("all elements");
            Ok(in_order(kind(file.header().order()), &array))
        }),
        // SAFETY: the mapping is a copy, and nobody writes the file meanwhile.
        unsafe { options().open::<u64, Ix2>(name) }.map(|array: MmapArray<u64, Ix2>| {
            let order = array.header().order();
            in_order(kind(order), &array)
        }),
    ]
}
