//! Full disks, real ones: what cannot be stored is an error that says where, and nothing that was there is lost.
//!
//! The disks are small file systems, mounted where only a child of this process sees them, so that they go with it however it
//! ends. That needs Linux, the rights to mount, and for some of them a loop device and `mkfs.ext4`; what cannot be had is skipped,
//! with the reason and the count on the standard error output.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{Array1, Ix1};
use outcore::{ArrayFile, CreateOptions, Error, ErrorKind, Format, MmapArrayMut, Reserve};

/// Tells a child which case it is, and where its folder is.
const CHILD: &str = "OUTCORE_TEST_FULL_DISK";

struct Case {
    name: &'static str,
    /// A script that mounts the disk on `m` in the folder where it is run.
    mount: &'static str,
    run: fn(&Path),
}

/// An ext4 that believes to have 96 MiB, on a disk of 12.
const THIN: &str = "mkdir d m; mount -t tmpfs -o size=12m none d; truncate -s 96M d/disk; \
                    mkfs.ext4 -q -F -m 0 d/disk; mount -o loop d/disk m";

const CASES: [Case; 4] = [
    Case { name: "a tmpfs too small", mount: "mkdir m; mount -t tmpfs -o size=1m none m", run: no_room_to_allocate },
    Case {
        name: "an ext4 nearly full",
        mount: "mkdir d m; mount -t tmpfs -o size=32m none d; truncate -s 16M d/disk; \
                mkfs.ext4 -q -F -m 0 d/disk; mount -o loop d/disk m",
        run: |disk| {
            leave_free(disk, 1 << 20);
            no_room_to_allocate(disk);
        },
    },
    Case { name: "an ext4 whose own disk is full, mapped", mount: THIN, run: no_room_to_write_back_a_mapping },
    Case { name: "an ext4 whose own disk is full, written", mount: THIN, run: no_room_to_write_back_a_file },
];

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs mounts for one process alone, which only Linux has")]
fn a_full_disk_is_an_error_and_loses_nothing() {
    if let Ok(told) = std::env::var(CHILD) {
        let (number, dir) = told.split_once(':').unwrap();
        return (CASES[number.parse::<usize>().unwrap()].run)(&Path::new(dir).join("m"));
    }
    let (mut skipped, mut failed) = (Vec::new(), Vec::new());
    for (number, case) in CASES.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let mounted = |then: &str| {
            // Nobody waits for a kernel that hangs.
            let mut command = Command::new("timeout");
            command.args(["-k", "5", "120", "unshare", "--mount", "--propagation", "private", "sh", "-ec"]);
            command.arg(format!("{}; {then}", case.mount)).arg(std::env::current_exe().unwrap()).current_dir(&dir);
            command.env(CHILD, format!("{number}:{}", dir.path().display()));
            command.output()
        };
        let why = match mounted("true") {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            skipped.push(format!("{}: {why}", case.name));
            continue;
        }
        // The folders for the mounts are left of the attempt, and what was mounted is not.
        fs::read_dir(&dir).unwrap().for_each(|entry| fs::remove_dir_all(entry.unwrap().path()).unwrap());
        let output = mounted("exec \"$0\" --exact a_full_disk_is_an_error_and_loses_nothing --nocapture").unwrap();
        if !output.status.success() {
            let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            failed.push(format!("{}: {}\n{}", case.name, output.status, said.concat()));
        }
    }
    if !skipped.is_empty() {
        let text = format!("skipped {} of {} full disks: {}", skipped.len(), CASES.len(), skipped.join(", "));
        writeln!(io::stderr(), "{text}").unwrap();
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// More elements than any of the disks has room for: 8 MiB.
const MANY: usize = 1 << 20;

fn options(format: Format, reserve: Reserve) -> CreateOptions {
    CreateOptions::new().format(format).reserve(reserve)
}

fn names(disk: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(disk).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.file_name().unwrap() != "lost+found" && name.file_name().unwrap() != "filler");
    names.sort();
    names
}

/// Fills the disk but for about so many bytes.
fn leave_free(disk: &Path, bytes: u64) {
    let mut filler = OpenOptions::new().create_new(true).append(true).open(disk.join("filler")).unwrap();
    let error = loop {
        if let Err(error) = filler.write_all(&[0x55; 1 << 16]) {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let len = filler.metadata().unwrap().len();
    filler.set_len(len - bytes).unwrap();
    filler.sync_all().unwrap();
}

fn out_of_space(error: &Error, path: &Path) {
    assert_eq!((error.kind(), error.path()), (ErrorKind::OutOfSpace, Some(path)), "{error}");
}

/// The file system knows that it is full, and says so at once.
fn no_room_to_allocate(disk: &Path) {
    for format in [Format::Npy, Format::Native] {
        // Nothing was there, and nothing is.
        let path = disk.join("new");
        let full = options(format, Reserve::Full);
        out_of_space(&full.create_file::<f64, Ix1>(&path, MANY).unwrap_err(), &path);
        // SAFETY: nobody else uses the disk.
        let mapped = unsafe { full.create::<f64, Ix1>(&path, MANY) };
        out_of_space(&mapped.map(drop).unwrap_err(), &path);
        assert!(names(disk).is_empty(), "{:?}", names(disk));

        // Something was there, and still is.
        let old = Array1::from_iter([1.0, 2.0, 3.0]);
        full.save(&path, &old).unwrap();
        let before = fs::read(&path).unwrap();
        out_of_space(&full.clone().overwrite(true).create_file::<f64, Ix1>(&path, MANY).unwrap_err(), &path);
        let sparse = options(format, Reserve::Sparse).overwrite(true);
        out_of_space(&sparse.save(&path, &Array1::<f64>::ones(MANY)).unwrap_err(), &path);
        assert_eq!((names(disk), fs::read(&path).unwrap()), (vec![path.clone()], before));
        fs::remove_file(&path).unwrap();

        // A file with holes takes what there is room for. The error says where it ended, and what was written stays.
        let mut file = options(format, Reserve::Sparse).create_file::<f64, Ix1>(&path, MANY).unwrap();
        let begin = file.header().data_offset();
        let rows = 1 << 13;
        let mut start = 0;
        let error = loop {
            match file.write_rows(start, &Array1::from_elem(rows, 7.0)) {
                Ok(()) => start += rows,
                Err(error) => break error,
            }
        };
        out_of_space(&error, &path);
        let block = begin + 8 * start as u64..begin + 8 * (start + rows) as u64;
        assert!(error.offset().is_some_and(|at| block.contains(&at)), "{error}: {block:?}");
        assert!(start > 0 && start < MANY, "{start}");
        assert_eq!(file.read_rows(0..start).unwrap(), Array1::from_elem(start, 7.0));
        file.flush().unwrap();
        drop(file);
        let again = ArrayFile::<f64, Ix1>::open(&path).unwrap();
        assert_eq!(again.read_rows(0..start).unwrap(), Array1::from_elem(start, 7.0));
        assert_eq!(again.len(), MANY as u64);
        drop(again);
        fs::remove_file(&path).unwrap();
    }
}

fn lost(error: &Error, path: &Path) {
    assert!(matches!(error.kind(), ErrorKind::OutOfSpace | ErrorKind::Io), "{error}");
    assert_eq!(error.path(), Some(path));
}

fn poisoned(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
}

/// The file system has given room that its own disk does not have: only the write-back finds out, and the kernel says so once.
fn no_room_to_write_back_a_mapping(disk: &Path) {
    let path = disk.join("new.npy");
    // SAFETY: nobody else uses the disk.
    let mut mapped = unsafe { MmapArrayMut::<f64, Ix1>::create(&path, 4 * MANY) }.unwrap();
    assert!(mapped.is_reserved());
    mapped.flush().unwrap();
    mapped.view_mut().fill(7.0);
    lost(&mapped.flush().unwrap_err(), &path);
    for _ in 0..3 {
        poisoned(&mapped.flush().unwrap_err());
        poisoned(&mapped.flush_rows(0..1).unwrap_err());
    }
    poisoned(&mapped.close().unwrap_err());
}

fn no_room_to_write_back_a_file(disk: &Path) {
    let path = disk.join("new.npy");
    let mut file = ArrayFile::<f64, Ix1>::create(&path, 4 * MANY).unwrap();
    file.flush().unwrap();
    file.write(&Array1::from_elem(4 * MANY, 7.0)).unwrap();
    lost(&file.flush().unwrap_err(), &path);
    for _ in 0..3 {
        poisoned(&file.flush().unwrap_err());
        poisoned(&file.write_rows(0, &Array1::from_elem(1, 7.0)).unwrap_err());
    }
    poisoned(&file.close().unwrap_err());
}
