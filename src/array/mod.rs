//! Arrays in files: the handles, the options that open and create them, and the checked cast from bytes to elements.

mod any;
mod blocks;
mod body;
mod concatenate;
mod create;
mod dispatch;
mod door;
mod file;
mod growth;
mod journal;
mod ledger;
mod mapped;
mod mapped_mut;
mod open;
mod repair;
mod residency;
mod seal;
mod selection;
mod stage;
mod stream;
mod strided;
mod transaction;
mod view;

pub use any::{AnyArrayFile, AnyMmapArray, NativeState};
pub use create::{CreateOptions, save};
pub use dispatch::ElementType;
pub use file::ArrayFile;
pub use ledger::Commit;
pub use mapped::MmapArray;
pub use mapped_mut::MmapArrayMut;
pub use open::{OpenOptions, load, peek};
pub use repair::{JournalChoice, RepairOptions};
pub use selection::Selection;
pub use transaction::{FileTransaction, Transaction};

pub(crate) use body::Body;
