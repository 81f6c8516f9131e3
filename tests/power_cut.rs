//! Power cuts: what was acknowledged is there when the power is back, and what was under way is there whole or not at all.
//!
//! The disk is an ext4 in a file, mounted where only a child of this process sees it, so that it goes with the child however that ends.
//! The power goes by `FS_IOC_SHUTDOWN`: from then on nothing reaches the disk, and what is dirty in memory is lost at the unmount.
//! That needs Linux, the rights to mount, a loop device, `mkfs.ext4` and `python3`, which makes the call; without them the test is
//! skipped, with the reason and the count on the standard error output. `OUTCORE_THOROUGH=1` makes many more rounds.

#[path = "support/children.rs"]
mod children;

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ndarray::{Array2, ArrayViewMut2, Axis, Ix2, s};
use outcore::compute::SealState;
use outcore::{ArrayFile, Commit, CreateOptions, Format, MmapArrayMut, OpenOptions, RawLayout, Result};

use children::Talk;

const TEST: &str = "what_was_acknowledged_survives_a_power_cut";

/// In memory: what counts is what the file system has sent, not how fast a disk is.
const DISK: &str = "PATH=$PATH:/usr/sbin:/sbin; mkdir d m; mount -t tmpfs -o size=200m none d; truncate -s 128M d/disk; mkfs.ext4 -q -F d/disk; \
                    mount -o loop d/disk m";

/// Reads numbers of the ways to go down, cuts the power and says so.
const SWITCH: &str = "
import fcntl, os, struct, sys
print('on', flush=True)
for line in iter(sys.stdin.readline, ''):
    disk = os.open(sys.argv[1], os.O_RDONLY)
    fcntl.ioctl(disk, 0x8004587d, struct.pack('I', int(line)))
    os.close(disk)
    print('off', flush=True)
";

/// The journal of the file system is written out first, or is not.
const WAYS: [u32; 2] = [1, 2];

const WIDTH: usize = 64;
const MOST_ROWS: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Handle {
    Mapped,
    Positional,
    /// None: the file is replaced by another one.
    Absent,
}

const FILES: [(&str, Handle); 6] = [
    ("mapped.oca", Handle::Mapped),
    ("mapped.npy", Handle::Mapped),
    ("positional.oca", Handle::Positional),
    ("positional.npy", Handle::Positional),
    ("positional.raw", Handle::Positional),
    ("replaced.npy", Handle::Absent),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Append(usize),
    /// Rows one by one, announced together.
    Batch(usize),
    Resize(usize),
    Set,
    Transact,
    Seal,
    Replace(usize),
}

/// Numbers without rhyme, from a seed: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What a worker does, one after the other: the file, the step, and what makes its numbers its own.
fn plan(seed: u64, mut rows: Vec<usize>) -> Vec<(usize, Step, u64)> {
    let mut random = Random(seed);
    (0..500)
        .map(|_| {
            let file = random.below(FILES.len());
            let step = match random.below(7) {
                _ if FILES[file].1 == Handle::Absent => Step::Replace(1 + random.below(MOST_ROWS)),
                0 | 1 if rows[file] < MOST_ROWS => Step::Append(1 + random.below(40)),
                2 if rows[file] < MOST_ROWS => Step::Batch(1 + random.below(40)),
                0..=2 => Step::Resize(random.below(20)),
                3 => Step::Resize(random.below(MOST_ROWS)),
                4 => Step::Set,
                6 if FILES[file] == ("positional.oca", Handle::Positional) => Step::Seal,
                _ => Step::Transact,
            };
            match step {
                Step::Append(more) | Step::Batch(more) => rows[file] += more,
                Step::Resize(all) | Step::Replace(all) => rows[file] = all,
                Step::Set | Step::Transact | Step::Seal => {}
            }
            (file, step, random.next())
        })
        .collect()
}

fn numbers(rows: usize, salt: u64) -> Array2<u64> {
    Array2::from_shape_fn((rows, WIDTH), |(row, column)| mixed(salt ^ (row * WIDTH + column + 1) as u64) | 1)
}

/// About every fifth element becomes another one.
fn scatter(mut array: ArrayViewMut2<'_, u64>, salt: u64) {
    for ((row, column), x) in array.indexed_iter_mut() {
        let number = mixed(salt ^ (row * WIDTH + column) as u64);
        if number.is_multiple_of(5) {
            *x = number;
        }
    }
}

/// The array after a step.
fn after(before: &Array2<u64>, step: Step, salt: u64) -> Array2<u64> {
    match step {
        Step::Append(rows) | Step::Batch(rows) => {
            ndarray::concatenate(Axis(0), &[before.view(), numbers(rows, salt).view()]).unwrap()
        }
        Step::Resize(rows) => {
            let mut array = Array2::zeros((rows, WIDTH));
            let kept = rows.min(before.nrows());
            array.slice_mut(s![..kept, ..]).assign(&before.slice(s![..kept, ..]));
            array
        }
        Step::Set | Step::Transact => {
            let mut array = before.clone();
            scatter(array.view_mut(), salt);
            array
        }
        Step::Seal => before.clone(),
        Step::Replace(rows) => numbers(rows, salt),
    }
}

fn options(path: &Path) -> OpenOptions {
    if path.extension().unwrap() != "raw" {
        return OpenOptions::new();
    }
    let rows = fs::metadata(path).unwrap().len() / (WIDTH * 8) as u64;
    OpenOptions::new().raw(RawLayout::new().shape([rows, WIDTH as u64]))
}

/// An array that is open for the steps of a worker.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Open {
    Mapped(MmapArrayMut<u64, Ix2>),
    Positional(ArrayFile<u64, Ix2>),
    Absent(PathBuf),
}

impl Open {
    fn new(disk: &Path, (name, handle): (&str, Handle)) -> Result<Self> {
        let path = disk.join(name);
        Ok(match handle {
            // SAFETY: nobody but this process uses the file while it is mapped; the power goes without truncating it.
            Handle::Mapped => Self::Mapped(unsafe { options(&path).open_mut(&path) }?),
            Handle::Positional => Self::Positional(options(&path).open_file_mut(&path)?),
            Handle::Absent => Self::Absent(path),
        })
    }

    fn take(&mut self, step: Step, salt: u64) -> Result<()> {
        match self {
            Self::Mapped(m) => match step {
                Step::Append(rows) => m.append_rows(&numbers(rows, salt)),
                Step::Batch(rows) => {
                    m.set_commit(Commit::AtFlush);
                    numbers(rows, salt).rows().into_iter().try_for_each(|row| m.append_row(&row))?;
                    m.set_commit(Commit::Always);
                    m.flush()
                }
                Step::Resize(rows) => m.resize_rows(rows as u64),
                Step::Set => {
                    scatter(m.view_mut(), salt);
                    m.flush()
                }
                Step::Transact => {
                    let mut transaction = m.transaction()?;
                    scatter(transaction.view_mut(), salt);
                    transaction.commit()
                }
                Step::Seal | Step::Replace(_) => unreachable!("{step:?}"),
            },
            Self::Positional(file) => match step {
                Step::Append(rows) => file.append_rows(&numbers(rows, salt)),
                Step::Batch(rows) => {
                    file.set_commit(Commit::AtFlush);
                    numbers(rows, salt).rows().into_iter().try_for_each(|row| file.append_row(&row))?;
                    file.set_commit(Commit::Always);
                    file.flush()
                }
                Step::Resize(rows) => file.resize_rows(rows as u64),
                Step::Set => {
                    file.write(&after(&file.read()?, step, salt))?;
                    file.flush()
                }
                Step::Transact => {
                    let new = after(&file.read()?, step, salt);
                    let mut transaction = file.transaction()?;
                    transaction.write(&new)?;
                    transaction.commit()
                }
                Step::Seal => file.seal(),
                Step::Replace(_) => unreachable!("{step:?}"),
            },
            Self::Absent(path) => match step {
                Step::Replace(rows) => CreateOptions::new().overwrite(true).save(path, &numbers(rows, salt)),
                _ => unreachable!("{step:?}"),
            },
        }
    }
}

fn work(disk: &Path, seed: u64, rows: Vec<usize>) -> Result<()> {
    let mut open = FILES.iter().map(|&file| Open::new(disk, file)).collect::<Result<Vec<_>>>()?;
    children::say("begun");
    for (file, step, salt) in plan(seed, rows) {
        open[file].take(step, salt)?;
        children::say("done");
    }
    Ok(())
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs a loop device and FS_IOC_SHUTDOWN, which only Linux has")]
fn what_was_acknowledged_survives_a_power_cut() {
    if let Some(task) = children::task() {
        let words: Vec<&str> = task.iter().map(String::as_str).collect();
        match words[..] {
            ["rounds", dir, rounds] => cut_and_look(Path::new(dir), rounds.parse().unwrap()),
            ["work", disk, seed, rows] => {
                let rows = rows.split(' ').map(|rows| rows.parse().unwrap()).collect();
                if let Err(error) = work(Path::new(disk), seed.parse().unwrap(), rows) {
                    children::say(&format!("failed: {error}"));
                }
            }
            _ => unreachable!("{words:?}"),
        }
        std::process::exit(0);
    }
    let rounds = if std::env::var_os("OUTCORE_THOROUGH").is_some_and(|value| value == "1") { 1000 } else { 50 };
    let mounted = |then: &str| {
        let dir = tempfile::tempdir().unwrap();
        // Nobody waits for a kernel that hangs.
        let mut command = Command::new("timeout");
        command.args(["-k", "5", "1800", "unshare", "--mount", "--propagation", "private", "sh", "-ec"]);
        command.arg(format!("{DISK}; {then}")).args(children::arguments(TEST)).current_dir(&dir);
        let words = ["rounds", dir.path().to_str().unwrap(), &rounds.to_string()];
        children::with_task(&mut command, &words).output()
    };
    let probe =
        format!("cat > switch.py <<'END'\n{SWITCH}END\necho 2 | python3 switch.py m; umount m; mount -o loop d/disk m");
    let why = match mounted(&probe) {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = why {
        let text = format!("skipped {rounds} of {rounds} power cuts: {why}\n");
        return io::stderr().write_all(text.as_bytes()).unwrap();
    }
    let output = mounted("exec \"$0\" \"$@\"").unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}\n{}", output.status, said.concat());
    let [_, summary] = said;
    io::stderr().write_all(summary.as_bytes()).unwrap();
}

fn run(program: &str, arguments: &[&str], dir: &Path) -> bool {
    Command::new(program).args(arguments).current_dir(dir).stderr(Stdio::null()).status().unwrap().success()
}

/// Rounds of work, each of which ends without power. The disk is mounted on `m`.
fn cut_and_look(dir: &Path, rounds: u64) {
    let disk = dir.join("m");
    let mut switch = Command::new("python3")
        .args(["-c", SWITCH, disk.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut off = BufReader::new(switch.stdout.take().unwrap()).lines();
    assert_eq!(off.next().unwrap().unwrap(), "on");

    let mut arrays: Vec<Array2<u64>> = (0..FILES.len()).map(|file| numbers(20 * file, file as u64)).collect();
    for ((name, _), array) in FILES.iter().zip(&arrays) {
        let format = match name.rsplit_once('.').unwrap().1 {
            "npy" => Format::Npy,
            "oca" => Format::Native,
            _ => Format::Raw,
        };
        CreateOptions::new().format(format).save(disk.join(name), array).unwrap();
    }
    let (mut acknowledged, mut finished) = (0, 0);
    for round in 0..rounds {
        let mut random = Random(round << 32);
        let (seed, rows) = (random.next(), arrays.iter().map(Array2::nrows).collect::<Vec<_>>());
        let plan = plan(seed, rows.clone());
        let rows = rows.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        let mut worker = Talk::start(TEST, &["work", disk.to_str().unwrap(), &seed.to_string(), &rows]);

        // Some workers lose the power while they open the files, and so finish what the last one left.
        let wait = if round % 5 == 4 { 0 } else { 1 + random.below(60) };
        let (heard, (trusted, done), way) = std::thread::scope(|scope| {
            let (send, said) = mpsc::channel();
            let said_by_worker = worker.said();
            scope.spawn(move || {
                for line in said_by_worker {
                    send.send((Instant::now(), line)).unwrap();
                }
            });
            let mut heard: Vec<_> = (0..wait).map_while(|_| said.recv().ok()).collect();
            std::thread::sleep(Duration::from_micros(random.next() % 5000));
            heard.extend(said.try_iter());
            let (off_at, way) = (Instant::now(), WAYS[random.below(WAYS.len())]);
            writeln!(switch.stdin.as_mut().unwrap(), "{way}").unwrap();
            assert_eq!(off.next().unwrap().unwrap(), "off");
            std::thread::sleep(Duration::from_millis(1));
            worker.child.kill().unwrap();
            heard.extend(said);
            // What is said while the power goes is not always so: a system that fails in the middle of an `fsync` may answer it with
            // a success that it has not had. Machines do not speak then.
            let before = heard.iter().filter(|(at, line)| *at < off_at && line == "done").count();
            let done = heard.iter().filter(|(_, line)| line == "done").count();
            let early = heard.iter().find(|(at, line)| *at < off_at && line.starts_with("failed"));
            assert!(early.is_none(), "round {round}, step {done} {:?}: {early:?}", plan.get(done));
            (heard.len(), (before, done), way)
        });
        worker.kill();
        assert!(heard >= wait, "round {round}: the worker is gone, step {done} {:?}", plan.get(done));
        assert!((0..100).any(|_| {
            let gone = run("umount", &["m"], dir);
            if !gone {
                std::thread::sleep(Duration::from_millis(20));
            }
            gone
        }));
        assert!(run("mount", &["-o", "loop", "d/disk", "m"], dir));

        for &(file, step, salt) in &plan[..trusted] {
            arrays[file] = after(&arrays[file], step, salt);
        }
        acknowledged += trusted;
        for (file, array) in arrays.iter_mut().enumerate() {
            let (name, _) = FILES[file];
            let flying: Vec<_> = plan[trusted..plan.len().min(done + 1)].iter().filter(|step| step.0 == file).collect();
            let at = format!("round {round}, {trusted} steps done, down by way {way}, {name}, under way {flying:?}");
            // Half of the files are left as they are, for the next worker to put in order.
            let found = look(&disk.join(name), random.below(2) == 0, &at);
            let mut allowed = found == *array;
            let (mut before, first) = (array.clone(), allowed);
            for &&(_, step, salt) in &flying {
                let new = after(&before, step, salt);
                allowed = allowed || found == new || between(&found, &before, &new, step, name.ends_with(".raw"));
                before = new;
            }
            finished += usize::from(allowed && !first);
            assert!(allowed, "{at}: {}", difference(&found, array));
            *array = found;
        }
    }
    drop(switch.stdin.take());
    switch.wait().unwrap();
    assert!(run("umount", &["m"], dir));
    let text = format!("{rounds} power cuts, {acknowledged} steps acknowledged, {finished} done or begun under way\n");
    io::stderr().write_all(text.as_bytes()).unwrap();
    assert!(acknowledged > usize::try_from(rounds).unwrap() * 10);
}

/// Whether an array is one that a crash may leave of a step that is neither done nor undone.
fn between(found: &Array2<u64>, old: &Array2<u64>, new: &Array2<u64>, step: Step, raw: bool) -> bool {
    let (fewest, most) = (old.nrows().min(new.nrows()), old.nrows().max(new.nrows()));
    match step {
        // Each element is the old one or the new one.
        Step::Set => {
            let mut elements = found.iter().zip(old.iter().zip(new));
            found.dim() == new.dim() && elements.all(|(x, (old, new))| x == old || x == new)
        }
        // Nothing but its length tells the rows of a raw file, and a file system may change that after the bytes.
        Step::Append(_) | Step::Batch(_) | Step::Resize(_) if raw => {
            (fewest..=most).contains(&found.nrows()) && found.slice(s![..fewest, ..]) == old.slice(s![..fewest, ..])
        }
        _ => false,
    }
}

/// The array that a reader finds, and with `mend` a writer too, who puts the file in order.
fn look(path: &Path, mend: bool, at: &str) -> Array2<u64> {
    let name = path.file_name().unwrap().to_str().unwrap();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let found = entry.unwrap().file_name().into_string().unwrap();
        if found.contains(name) && found.ends_with(".outcore-tmp") {
            fs::remove_file(path.with_file_name(found)).unwrap();
        }
    }
    if name.ends_with(".raw") {
        // A part of a row, which only a format with a header can tell from rows.
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        let len = file.metadata().unwrap().len();
        file.set_len(len - len % (WIDTH * 8) as u64).unwrap();
    }
    let fail = |error: outcore::Error| -> ! { panic!("{at}: {error}") };
    let file = options(path).open_file::<u64, Ix2>(path).unwrap_or_else(|error| fail(error));
    let found = file.read().unwrap_or_else(|error| fail(error));
    let sound = |file: &ArrayFile<u64, Ix2>| {
        let verification = file.verify().unwrap_or_else(|error| fail(error));
        assert!(
            verification.mismatches.is_empty() && verification.state != SealState::Damaged,
            "{at}: {verification:?}"
        );
    };
    sound(&file);
    drop(file);
    if mend {
        let file = options(path).open_file_mut::<u64, Ix2>(path).unwrap_or_else(|error| fail(error));
        assert_eq!(file.read().unwrap_or_else(|error| fail(error)), found, "{at}: the writer");
        sound(&file);
        let journal = path.with_file_name(format!(".{name}.outcore-journal"));
        assert!(!journal.exists(), "{at}: the journal is still there");
    }
    found
}

/// The first element that is not as it was.
fn difference(found: &Array2<u64>, expected: &Array2<u64>) -> String {
    let rows = found.nrows().min(expected.nrows());
    let (short, other) = (found.slice(s![..rows, ..]), expected.slice(s![..rows, ..]));
    let first = short.indexed_iter().zip(&other).find(|((_, x), y)| x != y);
    format!("{} rows for {}, different from {first:x?} on", found.nrows(), expected.nrows())
}
