//! One error for the whole crate: a kind to match on, and the place, the cause and the remedy inside.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, to match on. The text of the [`Error`] says where, with what values, and what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file does not exist.
    NotFound,
    /// The file exists and the call was not allowed to replace it.
    AlreadyExists,
    /// The operating system refused access.
    PermissionDenied,
    /// The path is a directory, a pipe, a device or another thing that is not a regular file.
    NotAFile,
    /// No format known to this crate begins with these bytes.
    UnknownFormat,
    /// The header breaks the rules of its format.
    Corrupt,
    /// The file ends before the header or the elements that it announces.
    Truncated,
    /// The header is longer than the limit in force.
    HeaderTooLarge,
    /// A legal file or request that this crate does not handle.
    Unsupported,
    /// The file holds elements of another type than was asked for.
    DType,
    /// The shape or the number of axes is not the one asked for.
    Shape,
    /// A size that does not fit its integer type, the address space, or the format.
    TooLarge,
    /// The header of a file has no room for the shape, and may not be moved.
    NoRoom,
    /// The elements do not lie at an address that their type requires.
    Misaligned,
    /// Bytes that are not a value of the element type, such as a `bool` of 2.
    InvalidElement,
    /// Another handle, here or in another process, holds a lock that excludes this one.
    Locked,
    /// An earlier write-back failed; what the file holds is unknown until it is opened again.
    Poisoned,
    /// A write to something opened for reading.
    ReadOnly,
    /// The disk or the quota is full.
    OutOfSpace,
    /// Memory cannot be had, or the memory budget is too small for the operation.
    OutOfMemory,
    /// The caller cancelled the operation.
    Cancelled,
    /// An argument that no file could satisfy.
    InvalidArgument,
    /// Any other error of the operating system.
    Io,
}

impl ErrorKind {
    fn of_io(error: &io::Error) -> Self {
        #[cfg(windows)]
        if let Some((kind, _)) = of_windows(error) {
            return kind;
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Self::NotAFile,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::OutOfSpace,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::OutOfMemory => Self::OutOfMemory,
            io::ErrorKind::FileTooLarge => Self::TooLarge,
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            io::ErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Io,
        }
    }
}

/// What errors are that std has no kind for, and what to do: `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`,
/// `ERROR_USER_MAPPED_FILE`, a change of length under a mapping, and `ERROR_COMMITMENT_LIMIT`.
#[cfg(windows)]
fn of_windows(error: &io::Error) -> Option<(ErrorKind, &'static str)> {
    Some(match error.raw_os_error()? {
        32 => (ErrorKind::Locked, "another program or handle has the file open in a way that excludes this; close it"),
        33 => (ErrorKind::Locked, "another handle has locked these bytes; close it"),
        1224 => (ErrorKind::Locked, "the file is mapped, here or in another program; drop the mapping first"),
        1455 => (
            ErrorKind::OutOfMemory,
            "a mapping that is a copy takes room for all of it, in memory and the paging file; read the file by position",
        ),
        _ => return None,
    })
}

/// An error of this crate.
///
/// It prints as one line: the file, the byte offset where it applies, what was expected and found, and what to do next.
///
/// ```
/// use outcore::{ArrayFile, ErrorKind};
///
/// let error = ArrayFile::<f64>::open("no/such/file.npy").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(error.to_string().starts_with("no/such/file.npy: "));
/// ```
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    path: Option<PathBuf>,
    offset: Option<u64>,
    source: Option<io::Error>,
}

impl Error {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file concerned, as the caller named it.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The position in the file, in bytes from its beginning, where the failure applies.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The error of the operating system behind this one.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.0.source.as_ref()
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), hint: None, path: None, offset: None, source: None }))
    }

    /// Wraps an error of the operating system; `doing` says what was tried, such as "cannot open".
    pub(crate) fn io(doing: impl Into<Cow<'static, str>>, source: io::Error) -> Self {
        let mut error = Self::new(ErrorKind::of_io(&source), doing);
        #[cfg(windows)]
        if let Some((_, hint)) = of_windows(&source) {
            error = error.with_hint(hint);
        }
        error.0.source = Some(source);
        error
    }

    /// Names the position, in bytes from the beginning of the file, unless a deeper caller has named it.
    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the file, unless a deeper caller has named it.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.0.path.get_or_insert_with(|| path.to_path_buf());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(path) = &inner.path {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&inner.message)?;
        if let Some(offset) = inner.offset {
            write!(f, " (at byte {offset})")?;
        }
        if let Some(source) = &inner.source {
            write!(f, ": {source}")?;
        }
        if let Some(hint) = &inner.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("hint", &self.0.hint)
            .field("path", &self.0.path)
            .field("offset", &self.0.offset)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.0.source.as_ref().map_or(io::ErrorKind::Other, io::Error::kind);
        Self::new(kind, error)
    }
}
