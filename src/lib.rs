//! Typed arrays in files that are larger than memory: NumPy's `memmap` for [`ndarray`] and rayon, with checked headers,
//! element writes that go straight to disk, and the same formats as NumPy, byte for byte.
//!
//! ```standalone_crate
//! use ndarray::{Axis, Ix2, parallel::prelude::*, s};
//! use outcore::{ArrayFile, MmapArray, MmapArrayMut};
//! # let dir = tempfile::tempdir()?;
//! # std::env::set_current_dir(dir.path())?;
//!
//! // SAFETY: this program owns the file; nobody else writes or truncates it while it is mapped.
//! let mut m = unsafe { MmapArrayMut::<f64, Ix2>::create("prices.npy", (5_000, 100))? };
//! m[[3, 4]] = 7.5;                                                    // straight to the file
//! m.view_mut().axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut row| row[0] = 1.0);
//! m.close()?;                                                         // on the disk
//!
//! // SAFETY: as above.
//! let m = unsafe { MmapArray::<f64, Ix2>::open("prices.npy")? };
//! assert_eq!(m.slice(s![3, ..5]).to_vec(), [1.0, 0.0, 0.0, 0.0, 7.5]);  // ndarray's own methods
//! let columns = m.stats_axis(Axis(0))?;                               // parallel, out of core, one pass
//! assert_eq!(columns.mean[0], 1.0);
//!
//! let file = ArrayFile::<f64, Ix2>::open("prices.npy")?;              // no mapping, no unsafe, never a signal
//! assert_eq!(file.stats()?.sum, 5_007.5);                             // the same engine, the same bits
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The nouns
//!
//! - [`MmapArray`] and [`MmapArrayMut`] map a file and dereference to [`ndarray::ArrayRef`]. Mapping a file that others can reach
//!   is a promise that the compiler cannot check, so their doors are `unsafe`, and everything behind them is not.
//! - [`ArrayFile`] reads and writes the same files by position. It is safe, works on files larger than the address space, and
//!   swaps foreign byte orders.
//! - [`AnyMmapArray`] and [`AnyArrayFile`] take whatever dtype a file holds, records and strings included;
//!   [`dispatch!`] turns a run-time [`DType`] into a Rust type.
//! - [`MmapArrayMut::transaction`] changes many elements at once or not at all; [`ArrayFile::append_rows`] and its kin make a file
//!   longer, with the old or the new shape after a crash; [`ArrayFile::seal`] and [`ArrayFile::verify`] are for checksums, and
//!   [`RepairOptions`] for what a crash or a careless program has left.
//! - [`OpenOptions`] and [`CreateOptions`] have all the choices; [`peek`] reads a header alone; [`load`] and [`save`] move whole
//!   arrays.
//! - [`Job`] computes on any of them, and on any ndarray view: statistics and in-place maps, within a memory budget, on as many
//!   threads as asked for, with the same bits for any number of them.
//!
//! # By task
//!
//! Open what `np.memmap` wrote, with its arguments:
//!
//! ```
//! use outcore::{MmapArray, Order, RawLayout};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("frames.dat");
//! # std::fs::write(&path, vec![0; 16 + 480])?;
//!
//! let layout = RawLayout::new().offset(16).shape([20, 6]).order(Order::F);
//! // SAFETY: nobody writes or truncates the file while it is mapped.
//! let m = unsafe { MmapArray::<f32>::open_raw(&path, layout)? };
//! assert_eq!(m.shape(), [20, 6]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Compute on a file that is larger than the memory to be used, with settings:
//!
//! ```
//! use ndarray::Axis;
//! use outcore::{ArrayFile, Job};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("m.npy");
//! # outcore::save(&path, &ndarray::array![[1.0, 2.0], [3.0, 4.0]])?;
//!
//! let file = ArrayFile::<f64>::open(&path)?;
//! let job = Job::new().threads(2).memory(64 << 20);
//! assert_eq!(job.sum(&file)?, 10.0);
//! assert_eq!(job.mean_axis(&file, Axis(0))?.into_raw_vec_and_offset().0, [2.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Read a big-endian file: [`ArrayFile`] hands out native values, and [`Be<T>`](Be) maps it as it is.
//!
//! # What it does not do
//!
//! - It does not hold back programs that ignore advisory locks, but on Windows, by [`LockPolicy::Mandatory`](storage::LockPolicy).
//!   A mapped array whose file they change is undefined behaviour, and one whose file they truncate is a SIGBUS; use [`ArrayFile`]
//!   where that can happen.
//! - It never grows, truncates or repairs a file by opening it; opening for writing finishes a transaction that a crash interrupted,
//!   and mapping for writing ends the seal of a sealed file.
//! - It does not read pickles: `.npy` files with Python objects are refused by name.
//! - It does not compress, and has no chunks: for those, HDF5 or Zarr.
//! - For an array that fits memory and is read once, [`load`] is as fast as a mapping and simpler.
//! - On 32-bit systems a mapping is limited by the address space: map windows with [`OpenOptions::rows`], or use [`ArrayFile`].
//!
//! # Features
//!
//! `rayon` (default): several threads. `half` (default): [`f16`](element::f16) and [`bf16`](element::bf16). `complex` (default):
//! [`Complex`](element::Complex). `linalg`: matrix products, covariances, least squares, principal components, with the kernels
//! of faer. `search`: byte patterns and regular expressions. `cli`: the `outcore` command. `full`: all of these.

mod array;
pub mod compute;
pub mod element;
mod error;
pub mod format;
mod shape;
pub mod storage;

pub use ndarray;

pub use array::{
    AnyArrayFile, AnyMmapArray, ArrayFile, Commit, CreateOptions, ElementType, FileTransaction, JournalChoice,
    MmapArray, MmapArrayMut, NativeState, OpenOptions, RepairOptions, Selection, Transaction, load, peek, save,
};
pub use compute::Job;
pub use element::{Be, Bool8, ByteOrder, DType, Element, Le};
pub use error::{Error, ErrorKind, Result};
pub use format::native::Attributes;
pub use format::raw::RawLayout;
pub use format::{Format, Header};
pub use shape::{MAX_NDIM, Order};
pub use storage::{Advice, LockPolicy, Reserve};

/// The examples of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
