use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::support::{Folder, f8};

/// A run that follows a file; it is ended after a minute, since one that fails to see a row would wait for ever.
struct Following {
    child: Arc<Mutex<Child>>,
    _ended: mpsc::Sender<()>,
}

fn follow(folder: &Folder, args: &[&str]) -> Following {
    let mut command = folder.command();
    command.arg("watch").args(args).args(["--interval", "0.02"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let child = Arc::new(Mutex::new(child));
    let (ended, end) = mpsc::channel();
    let watched = Arc::clone(&child);
    thread::spawn(move || {
        if end.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
            watched.lock().unwrap().kill().unwrap();
        }
    });
    Following { child, _ended: ended }
}

impl Following {
    fn stdout(&self) -> impl Read {
        self.child.lock().unwrap().stdout.take().unwrap()
    }

    fn stderr(&self) -> impl Read {
        self.child.lock().unwrap().stderr.take().unwrap()
    }

    fn wait(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.lock().unwrap().try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn ends_well(&self) {
        let mut error = String::new();
        self.stderr().read_to_string(&mut error).unwrap();
        assert_eq!((self.wait().code(), &*error), (Some(0), ""));
    }
}

fn lines(stream: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(stream).lines().map(Result::unwrap)
}

#[test]
fn rows_that_are_there() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(3, 2)", &f8(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(folder.ok(&["watch", "m.npy", "--all", "--count", "2"]), "[1. 2.]\n[3. 4.]\n");
    assert_eq!(folder.ok(&["watch", "m.npy", "--all", "--count", "3", "--csv"]), "1.0,2.0\n3.0,4.0\n5.0,6.0\n");
    assert_eq!(
        folder.ok(&["watch", "m.npy", "--all", "--count", "1", "--json"]),
        "{\"schema\":1,\"row\":0,\"data\":[1.0,2.0]}\n"
    );
    // Columns, where these are the outermost axis of storage.
    folder.npy("f.npy", "'<f8'", true, "(2, 2)", &f8(&[1.0, 2.0, 3.0, 4.0]));
    assert_eq!(folder.ok(&["watch", "f.npy", "--all", "--count", "2"]), "[1. 2.]\n[3. 4.]\n");
    folder.npy("r.npy", "[('a', '|u1'), ('b', '|S1')]", false, "(2,)", b"\x01x\x02y");
    assert_eq!(folder.ok(&["watch", "r.npy", "--all", "--count", "2", "--csv"]), "a,b\n1,x\n2,y\n");
    assert_eq!(folder.ok(&["watch", "m.npy", "--count", "0"]), "");
    folder.npy("scalar.npy", "'<f8'", false, "()", &f8(&[1.0]));
    assert!(folder.fails(&["watch", "scalar.npy"], 2).contains("without axes"));
    assert!(folder.fails(&["watch", "m.npy", "--interval", "0"], 2).contains("seconds"));
}

#[test]
fn rows_are_printed_as_they_come() {
    let folder = Folder::new();
    folder.npy("rows.npy", "'<i4'", false, "(2,)", &[7, 0, 0, 0, 8, 0, 0, 0]);
    folder.npy("m.npy", "'<i4'", false, "(1,)", &[1, 0, 0, 0]);
    folder.ok(&["convert", "m.npy", "m.oca"]);
    folder.ok(&["convert", "m.npy", "m.dat"]);
    let layout = ["--raw-dtype", "<i4"];
    for (name, raw) in [("m.npy", &[][..]), ("m.oca", &[]), ("m.dat", &layout[..])] {
        let run = follow(&folder, &[&[name, "--all", "--count", "5"], raw].concat());
        let mut rows = lines(run.stdout());
        assert_eq!(rows.next().unwrap(), "1", "{name}");
        for _ in 0..2 {
            folder.ok(&[&["append", name, "rows.npy"], raw].concat());
            assert_eq!([rows.next().unwrap(), rows.next().unwrap()], ["7", "8"], "{name}");
        }
        run.ends_well();
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(1,)", b"1");
    let run = follow(&folder, &["m.npy", "--all"]);
    let mut start = [0; 3];
    run.stdout().read_exact(&mut start).unwrap();
    assert_eq!(&start, b"49\n");
    folder.ok(&["append", "m.npy", "m.npy"]);
    run.ends_well();
}

#[test]
fn a_shorter_array_and_another_file_are_told() {
    let folder = Folder::new();
    folder.npy("m.npy", "'|u1'", false, "(4,)", &[0; 4]);
    let run = follow(&folder, &["m.npy", "--all", "--count", "6"]);
    let mut rows = lines(run.stdout());
    for _ in 0..4 {
        assert_eq!(rows.next().unwrap(), "0");
    }
    let mut file = outcore::AnyArrayFile::open_mut(folder.path("m.npy")).unwrap();
    file.resize_rows(1).unwrap();
    file.close().unwrap();
    let mut notes = lines(run.stderr());
    assert_eq!(notes.next().unwrap(), "outcore: note: m.npy: the array became shorter: 1 row instead of 4");
    folder.npy("other.npy", "'|u1'", false, "(3,)", &[1, 2, 3]);
    if cfg!(unix) {
        std::fs::rename(folder.path("other.npy"), folder.path("m.npy")).unwrap();
        assert!(notes.next().unwrap().contains("another file has taken its name"));
    } else {
        folder.ok(&["append", "m.npy", "other.npy"]);
    }
    assert!(rows.next().is_some());
    assert!(rows.next().is_some());
    assert_eq!(run.wait().code(), Some(0));
}

/// Rows of a file that several programs feed, one after the other, come out whole and in order.
#[test]
fn no_row_is_lost() {
    let folder = Folder::new();
    folder.ok(&["create", "m.oca", "--dtype", "<u4", "--shape", "0,500"]);
    let run = follow(&folder, &["m.oca", "--all", "--count", "200", "--json"]);
    for batch in 0..20_u32 {
        let rows: Vec<u8> = (0..5000).flat_map(|k| (batch * 10 + k / 500).to_le_bytes()).collect();
        folder.npy("rows.npy", "'<u4'", false, "(10, 500)", &rows);
        folder.ok(&["append", "m.oca", "rows.npy"]);
    }
    let rows = lines(run.stdout());
    let mut count = 0;
    for (at, line) in rows.enumerate() {
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        let at = at as u64;
        assert_eq!(row["row"], at);
        let data = row["data"].as_array().unwrap();
        assert!(data.len() == 500 && data.iter().all(|value| *value == at), "{line}");
        count += 1;
    }
    assert_eq!(count, 200);
    assert_eq!(run.wait().code(), Some(0));
}
