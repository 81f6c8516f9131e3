//! The file beside a file, where a change waits until it is made: whole or not there at all.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Access, Backend};
use super::create::{End, complete, permissions_of, sync_name};
use super::file::{File, LockPolicy};
use crate::{Error, ErrorKind, Result};

/// The path of the sidecar of `path`: a hidden name in the folder where the file is, at the end of all symbolic links.
pub(crate) fn sidecar(backend: &Arc<dyn Backend>, path: &Path) -> Result<PathBuf> {
    let found = backend.resolve(path).map_err(|error| Error::io("cannot look up", error).in_file(path))?;
    let target = found.as_deref().unwrap_or(path);
    let Some(stem) = target.file_name() else {
        return Err(Error::new(ErrorKind::NotAFile, "the path does not end in a file name").in_file(path));
    };
    let mut name = OsString::from(".");
    name.push(stem);
    name.push(".outcore-journal");
    Ok(target.with_file_name(name))
}

/// Lets `write` fill the sidecar, in place of one that is there, and makes it and its name durable. It may be read and written
/// by whom the other file may be.
pub(crate) fn write_sidecar(
    backend: &Arc<dyn Backend>,
    sidecar: &Path,
    file: &File,
    write: impl FnOnce(&File) -> Result<()>,
) -> Result<()> {
    let end = End { target: sidecar, shown: sidecar, replace: true, permissions: permissions_of(file)?, old: None };
    complete(backend, end, LockPolicy::None, write).map(drop)
}

/// Removes the sidecar, for good. There may be none.
pub(crate) fn remove_sidecar(backend: &Arc<dyn Backend>, sidecar: &Path) -> Result<()> {
    match backend.remove(sidecar) {
        // It may have gone a moment ago, and not durably.
        Err(error) if !is_absent(&error) => Err(Error::io("cannot remove", error)),
        _ => sync_name(backend, sidecar)
            .map_err(|error| Error::io("the file is removed, but may be back after a power failure", error)),
    }
    .map_err(|error| error.in_file(sidecar))
}

/// Opens the sidecar; `None` if there is none.
pub(crate) fn open_sidecar(backend: &Arc<dyn Backend>, sidecar: &Path, access: Access) -> Result<Option<File>> {
    let found = match backend.resolve(sidecar) {
        Ok(found) => found,
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(Error::io("cannot look up", error).in_file(sidecar)),
    };
    match found {
        None => Ok(None),
        Some(found) if found == sidecar => match File::open(backend, sidecar, access) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        },
        // This crate makes none, and must not be led to foreign files by others.
        Some(_) => Err(Error::new(ErrorKind::NotAFile, "is a symbolic link, not a regular file").in_file(sidecar)),
    }
}

/// A name that is too long for the file system is one that nothing has.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename)
}

#[cfg(test)]
mod tests;
