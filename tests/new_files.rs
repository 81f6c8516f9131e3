//! New files: their permissions under every umask, the temporary ones too, and links that somebody has planted.

#[path = "support/children.rs"]
mod children;

use std::fs::{self, Permissions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{PermissionsExt as _, symlink};
#[cfg(windows)]
use std::os::windows::fs::symlink_file as symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use ndarray::{Array2, Ix2};
use outcore::storage::{Access, Backend, BackendFile, Disk, Sharing};
use outcore::{AnyArrayFile, ArrayFile, CreateOptions, ErrorKind, Format, MmapArrayMut, OpenOptions};

/// The file system, watched: it notes the permissions that each file has when it is renamed, and plants a link where the first new
/// file is about to be, if it has one.
#[derive(Debug, Default)]
struct Watched {
    renamed: Mutex<Vec<(PathBuf, u32)>>,
    link_to: Mutex<Option<PathBuf>>,
}

impl Backend for Watched {
    fn open(&self, path: &Path, access: Access, sharing: Sharing) -> io::Result<Box<dyn BackendFile>> {
        Disk.open(path, access, sharing)
    }

    fn create_new(
        &self,
        path: &Path,
        permissions: Option<&Permissions>,
        sharing: Sharing,
    ) -> io::Result<Box<dyn BackendFile>> {
        if let Some(target) = self.link_to.lock().unwrap().take() {
            symlink(target, path)?;
        }
        Disk.create_new(path, permissions, sharing)
    }

    fn resolve(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Disk.resolve(path)
    }

    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        self.renamed.lock().unwrap().push((to.to_path_buf(), mode(from)));
        Disk.rename(from, to, replace)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Windows has no such numbers.
#[cfg(windows)]
fn mode(_: &Path) -> u32 {
    0
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[cfg(windows)]
fn set_mode(_: &Path, _: u32) {}

fn array() -> Array2<u64> {
    Array2::from_shape_fn((100, 16), |(row, column)| (row * 100 + column) as u64)
}

/// Makes files in all ways under the umask of this process, and sees to their permissions.
fn make_all(dir: &Path, umask: u32) {
    let expected = 0o666 & !umask;
    let watched = Arc::new(Watched::default());
    let options = || CreateOptions::new().backend(watched.clone());
    let native = || options().format(Format::Native);
    let path = |name: &str| dir.join(name);

    options().create_file::<u64, Ix2>(path("a.npy"), (10, 16)).unwrap().close().unwrap();
    native().create_file::<u64, Ix2>(path("a.oca"), (10, 16)).unwrap().close().unwrap();
    // SAFETY: nobody else uses the file.
    unsafe { native().create::<u64, Ix2>(path("b.oca"), (10, 16)) }.unwrap().close().unwrap();
    options().save(path("b.npy"), &array()).unwrap();
    options().format(Format::Raw).save(path("b.raw"), &array()).unwrap();
    let source = AnyArrayFile::open(path("b.npy")).unwrap();
    native().convert(&source, path("c.oca")).unwrap();
    options().concatenate(&[&source, &source], path("c.npy")).unwrap();
    drop(source);
    let made = std::mem::take(&mut *watched.renamed.lock().unwrap());
    assert_eq!(made.len(), 7, "{made:?}");
    for (path, temporary) in made {
        assert_eq!((mode(&path), temporary), (expected, expected), "{}", path.display());
    }

    // What takes the place of a file, and what lies beside it, is for whom the file is: no more, and no less.
    for own in [0o640, 0o600, 0o666, expected] {
        let (target, journal) = (path("b.npy"), path(".b.npy.outcore-journal"));
        set_mode(&target, own);
        options().overwrite(true).save(&target, &array()).unwrap();
        let opened = OpenOptions::new().backend(watched.clone());
        // SAFETY: nobody else uses the file.
        let mut m = unsafe { opened.open_mut::<u64, Ix2>(&target).unwrap() };
        let mut transaction = m.transaction().unwrap();
        transaction.view_mut().fill(3);
        transaction.commit().unwrap();
        drop(m);
        let made = std::mem::take(&mut *watched.renamed.lock().unwrap());
        assert_eq!(made, [(target.clone(), own), (journal, own)], "{own:o}");
        assert_eq!(mode(&target), own);
    }
}

#[test]
#[cfg_attr(not(unix), ignore = "modes and umasks are those of Unix")]
fn new_files_have_the_permissions_of_new_files() {
    const TEST: &str = "new_files_have_the_permissions_of_new_files";
    if let Some(task) = children::task() {
        let [dir, umask] = &task[..] else { panic!("{task:?}") };
        make_all(Path::new(dir), u32::from_str_radix(umask, 8).unwrap());
        std::process::exit(0);
    }
    for umask in ["077", "022", "000"] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).args(children::arguments(TEST));
        let output = children::with_task(&mut command, &[dir.path().to_str().unwrap(), umask]).output().unwrap();
        assert!(output.status.success(), "umask {umask}:\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(dir.path().join("c.npy").exists(), "umask {umask}: the child did nothing");
    }
}

/// A folder with a file of somebody else, to which links lead.
fn with_victim() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "keep out").unwrap();
    set_mode(&victim, 0o604);
    (dir, victim)
}

fn assert_untouched(victim: &Path) {
    assert_eq!(
        (fs::read_to_string(victim).unwrap(), mode(victim)),
        ("keep out".into(), if cfg!(unix) { 0o604 } else { 0 })
    );
}

#[test]
#[cfg_attr(not(unix), ignore = "on Windows only administrators make links")]
fn a_link_under_the_name_of_a_temporary_file_is_not_followed() {
    let (dir, victim) = with_victim();
    for target in [victim.clone(), dir.path().join("absent")] {
        let path = dir.path().join("a.npy");
        let watched = Arc::new(Watched { link_to: Mutex::new(Some(target)), ..Watched::default() });
        CreateOptions::new().backend(watched.clone()).overwrite(true).save(&path, &array()).unwrap();
        assert_eq!(*watched.link_to.lock().unwrap(), None, "the link was planted");
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), array());
        assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
        assert_untouched(&victim);
        assert!(!dir.path().join("absent").exists());
    }
}

#[test]
#[cfg_attr(not(unix), ignore = "on Windows only administrators make links")]
fn a_link_under_the_name_of_a_journal_is_not_followed() {
    let (dir, victim) = with_victim();
    let (path, journal) = (dir.path().join("a.npy"), dir.path().join(".a.npy.outcore-journal"));
    outcore::save(&path, &array()).unwrap();

    // It is there when the file is opened.
    symlink(&victim, &journal).unwrap();
    for error in [
        ArrayFile::<u64, Ix2>::open_mut(&path).unwrap_err(),
        ArrayFile::<u64, Ix2>::open(&path).unwrap_err(),
        ArrayFile::<u64, Ix2>::open_append(&path).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.path()), (ErrorKind::NotAFile, Some(&*journal)), "{error}");
    }
    assert_untouched(&victim);
    fs::remove_file(&journal).unwrap();

    // It comes while the file is open.
    for target in [victim.clone(), dir.path().join("absent")] {
        // SAFETY: nobody else uses the file.
        let mut m = unsafe { MmapArrayMut::<u64, Ix2>::open_mut(&path).unwrap() };
        let mut transaction = m.transaction().unwrap();
        transaction.view_mut().fill(7);
        symlink(&target, &journal).unwrap();
        // Whether it is refused or replaced, what it leads to is nobody's business.
        let committed = transaction.commit();
        let expected = if committed.is_ok() { Array2::from_elem((100, 16), 7) } else { array() };
        drop(m);
        assert_untouched(&victim);
        assert!(!dir.path().join("absent").exists());
        let _ = fs::remove_file(&journal);
        assert_eq!(outcore::load::<u64, Ix2>(&path).unwrap(), expected);
        CreateOptions::new().overwrite(true).save(&path, &array()).unwrap();
    }
}

#[test]
#[cfg_attr(not(unix), ignore = "on Windows only administrators make links")]
fn a_link_under_the_name_of_a_new_file_is_not_followed() {
    let (dir, victim) = with_victim();
    for (target, kind) in [(victim.clone(), ErrorKind::AlreadyExists), (dir.path().join("absent"), ErrorKind::NotFound)]
    {
        let path = dir.path().join("new.oca");
        symlink(&target, &path).unwrap();
        let options = CreateOptions::new().format(Format::Native);
        let error = options.create_file::<u64, Ix2>(&path, (3, 4)).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
        assert_untouched(&victim);
        assert!(!dir.path().join("absent").exists());
        fs::remove_file(path).unwrap();
    }
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["victim"]);
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, format: Format| {
        let path = dir.path().join(name);
        CreateOptions::new().format(format).save(&path, &array()).unwrap();
        let mut file = match format {
            Format::Raw => return fs::read(path).unwrap(),
            _ => ArrayFile::<u64, Ix2>::open_mut(&path).unwrap(),
        };
        file.resize_rows(7).unwrap();
        file.append_rows(&array()).unwrap();
        let mut transaction = file.transaction().unwrap();
        transaction.write_rows(2, &array()).unwrap();
        transaction.commit().unwrap();
        if format == Format::Native {
            file.seal().unwrap();
        }
        file.close().unwrap();
        fs::read(path).unwrap()
    };
    for format in [Format::Npy, Format::Native, Format::Raw] {
        let first = make(&format!("1.{format:?}"), format);
        assert!(make(&format!("2.{format:?}"), format) == first, "{format:?}");
    }
}
