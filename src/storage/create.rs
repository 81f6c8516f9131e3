//! New files, whole or not at all: a temporary file beside the target takes its name when it is complete.

use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::fs::{OpenOptions, Permissions};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Access, Backend};
use super::file::{Claim, File, LockPolicy};
use crate::{Error, ErrorKind, Result};

/// How a new file gets its room on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reserve {
    /// All at once, so that a full disk is an error at creation and not a signal at a later store. File systems that cannot
    /// reserve fall back to `Sparse`.
    #[default]
    Full,
    /// When it is first written.
    Sparse,
}

/// A new file, open for writing, with the lock of a writer.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) file: File,
    /// Whether room for all bytes is reserved on the disk.
    pub(crate) reserved: bool,
}

/// Creates a file of `len` zeros, of which `begin` writes what is not zero. At every instant `path` is the complete old file,
/// nothing, or the complete new one, and if `begin` fails, nothing has happened.
pub(crate) fn create(
    backend: &Arc<dyn Backend>,
    path: &Path,
    len: u64,
    reserve: Reserve,
    overwrite: bool,
    policy: LockPolicy,
    begin: impl FnOnce(&File) -> Result<()>,
) -> Result<Created> {
    let mut reserved = false;
    let file = replace_file(backend, path, overwrite, policy, |file| {
        match reserve {
            Reserve::Full => reserved = file.allocate(len)?,
            Reserve::Sparse => file.backend_file().make_sparse(),
        }
        file.set_len(len)?;
        begin(file)
    })?;
    Ok(Created { file, reserved })
}

/// Lets `write` fill a new file, makes it durable and puts it at `path`. On an error nothing is left of it, and what was at
/// `path` still is.
///
/// An old file is replaced only with `overwrite`, if it may be written, and by `policy` if no other handle has it locked. A
/// symbolic link stays and its target is replaced. The permissions of the old file are kept, its owner and further attributes
/// are not.
pub(crate) fn replace_file(
    backend: &Arc<dyn Backend>,
    path: &Path,
    overwrite: bool,
    policy: LockPolicy,
    write: impl FnOnce(&File) -> Result<()>,
) -> Result<File> {
    policy.check().map_err(|error| error.in_file(path))?;
    let found = backend.resolve(path).map_err(|error| Error::io("cannot create", error).in_file(path))?;
    let (target, old) = match found {
        Some(_) if !overwrite => return Err(exists().in_file(path)),
        Some(target) => {
            let old = File::open_claimed(backend, &target, Access::ReadWrite, policy, &Claim::Write)?;
            // Until it was locked, another handle may have replaced it.
            if !leads_to(backend, &target, &old)? {
                return Err(replaced().in_file(path));
            }
            (target, Some(old))
        }
        None => (path.to_path_buf(), None),
    };
    let permissions = match &old {
        Some(old) => permissions_of(old)?,
        None => None,
    };
    let end = End { target: &target, shown: path, replace: overwrite, permissions, old };
    complete(backend, end, policy, write)
}

/// As [`replace_file`], for a file that the caller has `held` open and claimed for writing. The new file is claimed in the same
/// way.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] or [`ErrorKind::Io`], before `write` is called, if `path` no longer leads to that file.
pub(crate) fn replace_held(
    backend: &Arc<dyn Backend>,
    path: &Path,
    held: &File,
    write: impl FnOnce(&File) -> Result<()>,
) -> Result<File> {
    let target = match backend.resolve(path) {
        Ok(Some(target)) if leads_to(backend, &target, held)? => target,
        Ok(Some(_)) => return Err(replaced().in_file(path)),
        Ok(None) => {
            let message = "the file has lost its name since it was opened, so that it cannot be replaced";
            return Err(Error::new(ErrorKind::NotFound, message).in_file(path));
        }
        Err(error) => return Err(Error::io("cannot replace", error).in_file(path)),
    };
    let end = End { target: &target, shown: path, replace: true, permissions: permissions_of(held)?, old: None };
    complete(backend, end, held.policy(), write)
}

/// Whether `path` is a name of that open file. Where files have no numbers, every name of a file is taken for one.
pub(crate) fn leads_to(backend: &Arc<dyn Backend>, path: &Path, file: &File) -> Result<bool> {
    Ok(File::open(backend, path, Access::Read)?.id()? == file.id()?)
}

pub(super) fn permissions_of(file: &File) -> Result<Option<Permissions>> {
    file.name(file.backend_file().permissions(), || "cannot ask for the permissions".into())
}

/// Where a new file ends up.
pub(super) struct End<'a> {
    pub(super) target: &'a Path,
    /// The path to name in errors.
    pub(super) shown: &'a Path,
    /// Whether it may take the place of another file.
    pub(super) replace: bool,
    /// Those of new files, if `None`.
    pub(super) permissions: Option<Permissions>,
    /// What it replaces, to be kept open and locked until that is done.
    pub(super) old: Option<File>,
}

/// Fills a temporary file, makes it durable, gives it its name, and makes that durable.
pub(super) fn complete(
    backend: &Arc<dyn Backend>,
    end: End<'_>,
    policy: LockPolicy,
    write: impl FnOnce(&File) -> Result<()>,
) -> Result<File> {
    let End { target, shown, replace, permissions, mut old } = end;
    let (mut temporary, file) = Temporary::create(backend, target, shown, permissions.as_ref(), policy)?;
    // Before the file has its name, so that nobody can come between.
    file.claim(policy, &Claim::Write)?;
    write(&file)?;
    file.flush()?;
    let mut renamed = temporary.rename(target, replace);
    let refused = renamed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if cfg!(windows) && refused && old.take().is_some() {
        // Before version 10 it replaces no file that is open.
        renamed = temporary.rename(target, replace);
    }
    renamed.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !replace => exists().in_file(shown),
        kind => {
            let error = Error::io("cannot give the new file its name", error).in_file(shown);
            // Windows gives no better reason.
            let in_use = cfg!(windows) && replace && kind == io::ErrorKind::PermissionDenied;
            if in_use {
                error.with_hint("the old file may be open or mapped, here or in another program")
            } else {
                error
            }
        }
    })?;
    drop(old);
    sync_name(backend, target).map_err(|error| {
        Error::io("the file is complete, but its name may not survive a power failure", error).in_file(shown)
    })?;
    Ok(file)
}

/// Makes it durable that a name is there, or is not.
pub(super) fn sync_name(backend: &Arc<dyn Backend>, path: &Path) -> io::Result<()> {
    backend.sync_dir(parent(path))
}

fn replaced() -> Error {
    Error::new(ErrorKind::Io, "the name leads to another file by now, which is not replaced")
        .with_hint("somebody has replaced the file since it was opened; open it again")
}

fn exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "the file exists").with_hint("ask for overwriting to replace it")
}

/// The directory that holds the name.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A file under a temporary name, removed when dropped.
struct Temporary<'a> {
    backend: &'a dyn Backend,
    /// `None` once the file has its final name.
    name: Option<PathBuf>,
}

impl<'a> Temporary<'a> {
    /// Creates it beside `target`; errors name `shown`.
    fn create(
        backend: &'a Arc<dyn Backend>,
        target: &Path,
        shown: &Path,
        permissions: Option<&Permissions>,
        policy: LockPolicy,
    ) -> Result<(Self, File)> {
        let Some(name) = target.file_name() else {
            return Err(Error::new(ErrorKind::NotAFile, "the path does not end in a file name").in_file(shown));
        };
        let (name, file) = with_free_name(parent(target), name, |name| {
            backend.create_new(name, permissions, policy.sharing(&Claim::Write))
        })
        .map_err(|error| Error::io("cannot create a file in the folder", error).in_file(shown))?;
        Ok((Self { backend: &**backend, name: Some(name) }, File::new(file, shown, Access::ReadWrite)))
    }

    fn rename(&mut self, target: &Path, replace: bool) -> io::Result<()> {
        if let Some(name) = &self.name {
            self.backend.rename(name, target, replace)?;
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nobody is left to tell; the name says what the file is.
            let _ = self.backend.remove(name);
        }
    }
}

/// Calls `create` with names that nobody can foresee, until one is free.
fn with_free_name<T>(
    dir: &Path,
    stem: &OsStr,
    mut create: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    /// The longest stem, so that the whole stays below the 255 bytes of a file name.
    const STEM: usize = 128;
    const ATTEMPTS: usize = 16;
    let stem = stem.to_string_lossy();
    let end = (0..=stem.len().min(STEM)).rev().find(|&end| stem.is_char_boundary(end)).unwrap_or(0);
    let stem = &stem[..end];
    let mut last = io::ErrorKind::AlreadyExists.into();
    for _ in 0..ATTEMPTS {
        // Each state of the hasher has fresh keys.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        let name = dir.join(format!(".{stem}.{:016x}.outcore-tmp", hasher.finish()));
        match create(&name) {
            Ok(value) => return Ok((name, value)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// A file in `dir` for this process alone, whose name is already gone or goes with the handle.
pub(super) fn unnamed_sibling(dir: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        const FILE_ATTRIBUTE_TEMPORARY: u32 = 0x100;
        const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
        options.share_mode(0).attributes(FILE_ATTRIBUTE_TEMPORARY).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    }
    let (name, file) = with_free_name(dir, OsStr::new("scratch"), |name| options.open(name))?;
    if cfg!(not(windows)) {
        std::fs::remove_file(name)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
