//! Arrays in files: the handles, the options that open and create them, and the checked cast from bytes to elements.

mod any;
mod body;
mod create;
mod dispatch;
mod file;
mod mapped;
mod mapped_mut;
mod open;
mod selection;
mod strided;
mod view;

pub use any::{AnyArrayFile, AnyMmapArray};
pub use create::{CreateOptions, save};
pub use dispatch::ElementType;
pub use file::ArrayFile;
pub use mapped::MmapArray;
pub use mapped_mut::MmapArrayMut;
pub use open::{OpenOptions, load, peek};
pub use selection::Selection;
