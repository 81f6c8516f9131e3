//! The file system of the operating system.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::backend::{Access, Backend, BackendFile, Lock, Map, MapMode, Sharing};
use super::platform;

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

#[derive(Debug)]
pub(super) struct DiskFile {
    file: fs::File,
    locks: platform::Locks,
}

impl DiskFile {
    pub(super) fn new(file: fs::File) -> Self {
        Self { file, locks: platform::Locks::default() }
    }
}

impl Backend for Disk {
    fn open(&self, path: &Path, access: Access, sharing: Sharing) -> io::Result<Box<dyn BackendFile>> {
        // Before the open, since to open a device may act on it, and after it, since the name may have changed hands.
        require_regular(&fs::metadata(path)?)?;
        let mut options = OpenOptions::new();
        options.read(true).write(access == Access::ReadWrite);
        platform::never_wait(&mut options);
        platform::share(&mut options, sharing);
        let file = options.open(path)?;
        require_regular(&file.metadata()?)?;
        platform::refuse_kernel_interface(&file)?;
        Ok(Box::new(DiskFile::new(file)))
    }

    fn create_new(
        &self,
        path: &Path,
        permissions: Option<&Permissions>,
        sharing: Sharing,
    ) -> io::Result<Box<dyn BackendFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        platform::share(&mut options, sharing);
        #[cfg(unix)]
        if let Some(permissions) = permissions {
            use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
            options.mode(permissions.mode() & 0o777);
        }
        let file = DiskFile::new(options.open(path)?);
        // The umask may have narrowed them.
        if let Some(permissions) = permissions
            && let Err(error) = file.file.set_permissions(permissions.clone())
        {
            drop(file);
            let _ = fs::remove_file(path);
            return Err(error);
        }
        Ok(Box::new(file))
    }

    fn resolve(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path).map(Some),
            Ok(_) => Ok(Some(path.to_path_buf())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        if replace {
            return fs::rename(from, to);
        }
        if platform::rename_new(from, to)? { Ok(()) } else { rename_by_link(from, to) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        match platform::sync_dir(dir) {
            // Some network file systems cannot, and have nothing to sync.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            other => other,
        }
    }
}

/// A hard link fails if the new name exists, in one step. The last resort, for file systems without hard links, is to look
/// first.
pub(super) fn rename_by_link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

fn require_regular(metadata: &fs::Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_dir() { "a directory" } else { special(kind) };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("is {what}, not a regular file")))
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "a special file"
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "a special file"
}

impl BackendFile for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn permissions(&self) -> io::Result<Option<Permissions>> {
        if cfg!(unix) { Ok(Some(self.file.metadata()?.permissions())) } else { Ok(None) }
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&self.file, buf, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(&self.file, buf, offset);
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_at(&self.file, buf, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_write(&self.file, buf, offset);
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<bool> {
        if len == 0 { Ok(true) } else { platform::allocate(&self.file, len) }
    }

    fn make_sparse(&self) {
        platform::make_sparse(&self.file);
    }

    fn sync(&self) -> io::Result<()> {
        platform::sync(&self.file)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        platform::start_writeback(&self.file, offset, len)
    }

    fn resident(&self, offset: u64, len: u64) -> Option<u64> {
        platform::resident(&self.file, offset, len)
    }

    fn forget(&self, offset: u64, len: u64) {
        platform::forget(&self.file, offset, len);
    }

    fn id(&self) -> io::Result<u64> {
        platform::file_id(&self.file)
    }

    fn try_lock(&self, range: Range<u64>, lock: Lock) -> io::Result<bool> {
        self.locks.try_lock(&self.file, range, lock)
    }

    fn unlock(&self, range: Range<u64>) -> io::Result<()> {
        self.locks.unlock(&self.file, range)
    }

    fn map(&self, mode: MapMode, offset: u64, len: usize) -> io::Result<Map> {
        Map::of_file(&self.file, mode, offset, len)
    }
}
