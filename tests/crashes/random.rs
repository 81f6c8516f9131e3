//! Random programs on one array, against an array in memory: every handle, format and order, with power failures between.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array1, Ix2};
use outcore::compute::SealState;
use outcore::storage::{Backend, Disk, Fate, MemoryDisk};
use outcore::{
    ArrayFile, Commit, CreateOptions, ErrorKind, Format, MmapArrayMut, OpenOptions, Order, RawLayout, RepairOptions,
};
use proptest::prelude::*;

use crate::model::{Content, Observed, States, admit, join};
use crate::observe::{DTYPE, Kind, in_order};
use crate::power::{Random, tears};
use crate::thorough;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    AppendRow,
    Later(bool),
    Resize(usize),
    Reserve(u64),
    Set(usize),
    WriteRows(usize, usize),
    Flush,
    /// Elements to change, and whether to commit.
    Transaction(Vec<usize>, bool),
    Seal,
    Verify,
    Attribute(u64),
    Refresh,
    /// With another handle.
    Reopen(bool),
    /// The power fails, and decides at random what to keep of what was not synced. Then the next handle.
    Crash(u64, bool),
}

#[derive(Clone, Debug)]
struct Setting {
    kind: Kind,
    format: Format,
    rows: usize,
    mapped: bool,
}

fn setting() -> impl Strategy<Value = Setting> {
    let format = prop_oneof![3 => Just(Format::Native), 2 => Just(Format::Npy), 1 => Just(Format::Raw)];
    let row = prop_oneof![1_usize..6, Just(150), Just(520)];
    (row, any::<bool>(), format, 2_usize..5, any::<bool>()).prop_map(|(row, columns, format, rows, mapped)| Setting {
        kind: Kind { row: row.max(2), order: if columns { Order::F } else { Order::C } },
        format,
        rows,
        mapped,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_usize..4).prop_map(Step::Append),
        2 => Just(Step::AppendRow),
        2 => any::<bool>().prop_map(Step::Later),
        2 => (2_usize..12).prop_map(Step::Resize),
        1 => (0_u64..100).prop_map(Step::Reserve),
        3 => any::<usize>().prop_map(Step::Set),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(at, len)| Step::WriteRows(at, len)),
        2 => Just(Step::Flush),
        3 => (proptest::collection::vec(any::<usize>(), 0..40), any::<bool>())
            .prop_map(|(items, commit)| Step::Transaction(items, commit)),
        2 => Just(Step::Seal),
        1 => Just(Step::Verify),
        1 => any::<u64>().prop_map(Step::Attribute),
        1 => Just(Step::Refresh),
        2 => any::<bool>().prop_map(Step::Reopen),
        3 => (any::<u64>(), any::<bool>()).prop_map(|(seed, mapped)| Step::Crash(seed, mapped)),
    ];
    proptest::collection::vec(step, 1..25)
}

#[expect(clippy::large_enum_variant, reason = "there is one")]
enum Handle {
    File(ArrayFile<u64, Ix2>),
    Mapped(MmapArrayMut<u64, Ix2>),
}

/// Does the same to either handle.
macro_rules! either {
    ($handle:expr, $array:ident => $do:expr) => {
        match $handle {
            Handle::File($array) => $do,
            Handle::Mapped($array) => $do,
        }
    };
}

struct Machine {
    setting: Setting,
    memory: Option<MemoryDisk>,
    path: PathBuf,
    handle: Option<Handle>,
    now: Content,
    states: States,
    commit: Commit,
    /// Nothing was written since it was sealed; not certain where a mapping may have been written.
    sealed: bool,
    values: u64,
}

impl Machine {
    fn new(setting: Setting, memory: Option<MemoryDisk>, path: PathBuf) -> Self {
        let Setting { kind, format, rows, mapped } = setting.clone();
        let now = Content::zeros(format, kind.order, kind.row, rows);
        let mut machine = Self {
            states: vec![Some(now.clone())],
            now,
            setting,
            memory,
            path,
            handle: None,
            commit: Commit::Always,
            sealed: false,
            values: 0,
        };
        let options = CreateOptions::new().backend(machine.backend()).format(format).order(kind.order);
        machine.handle = Some(if mapped {
            // SAFETY: nothing else uses the file.
            Handle::Mapped(unsafe { options.create(&machine.path, kind.shape(rows)) }.unwrap())
        } else {
            Handle::File(options.create_file(&machine.path, kind.shape(rows)).unwrap())
        });
        machine
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.memory.clone().map_or_else(|| Arc::new(Disk) as Arc<dyn Backend>, |disk| Arc::new(disk))
    }

    fn len(&self) -> u64 {
        match &self.memory {
            Some(disk) => disk.read(&self.path).expect("the array is there").len() as u64,
            None => std::fs::metadata(&self.path).unwrap().len(),
        }
    }

    fn options(&self) -> OpenOptions {
        let Setting { kind, format, .. } = &self.setting;
        let options = OpenOptions::new().backend(self.backend());
        if *format != Format::Raw {
            return options;
        }
        let rows = usize::try_from(self.len() / (8 * kind.row as u64)).unwrap();
        let (a, b) = kind.shape(rows);
        options.raw(RawLayout::new().shape([a as u64, b as u64]).order(kind.order))
    }

    fn open(&mut self, mapped: bool) {
        self.handle = Some(if mapped {
            self.sealed = false;
            // SAFETY: nothing else uses the file.
            Handle::Mapped(unsafe { self.options().open_mut(&self.path) }.unwrap())
        } else {
            Handle::File(self.options().open_file_mut(&self.path).unwrap())
        });
        self.commit = Commit::Always;
    }

    fn values(&mut self, count: usize) -> Vec<u64> {
        self.values += count as u64;
        (self.values - count as u64 + 1..=self.values).collect()
    }

    fn flushed(&mut self) {
        self.now = self.now.flushed();
        self.states = vec![Some(self.now.clone())];
    }

    fn grown(&mut self, new: Content, at_once: bool) {
        self.sealed = false;
        self.now = new;
        if at_once {
            self.now.loose = None;
            self.states = vec![Some(self.now.clone())];
        } else {
            join(&mut self.states, [Some(self.now.clone())]);
        }
    }

    fn set(&mut self, index: usize, value: u64, durable: bool) {
        self.sealed = false;
        self.now.set(index, value, durable);
        self.states.iter_mut().flatten().for_each(|state| state.set(index, value, durable));
    }

    fn step(&mut self, step: &Step) {
        let kind = self.setting.kind;
        let rows = self.now.rows();
        let native = self.setting.format == Format::Native;
        match step {
            Step::Append(count) => {
                let values = self.values(count * kind.row);
                let array = kind.array(values.clone());
                either!(self.handle.as_mut().unwrap(), handle => handle.append_rows(&array)).unwrap();
                let new = self.now.resized(rows + count, |index| values[index - rows * kind.row]);
                // No rows are no growth, announce nothing, and end no seal.
                if *count > 0 {
                    self.grown(new, self.commit == Commit::Always);
                }
            }
            Step::AppendRow => {
                let values = self.values(kind.row);
                let row = Array1::from_vec(values.clone());
                either!(self.handle.as_mut().unwrap(), handle => handle.append_row(&row)).unwrap();
                let new = self.now.resized(rows + 1, |index| values[index - rows * kind.row]);
                self.grown(new, self.commit == Commit::Always);
            }
            Step::Later(later) => {
                self.commit = if *later { Commit::AtFlush } else { Commit::Always };
                either!(self.handle.as_mut().unwrap(), handle => handle.set_commit(self.commit));
            }
            Step::Resize(len) => {
                either!(self.handle.as_mut().unwrap(), handle => handle.resize_rows(*len as u64)).unwrap();
                if *len == rows {
                    self.flushed();
                } else {
                    let new = self.now.resized(*len, |_| 0);
                    self.grown(new, true);
                }
            }
            Step::Reserve(more) => {
                either!(self.handle.as_mut().unwrap(), handle => handle.reserve_rows(*more)).unwrap();
                self.sealed = false;
            }
            Step::Set(at) => {
                let (index, value) = (at % (rows * kind.row), self.values(1)[0]);
                match self.handle.as_mut().unwrap() {
                    Handle::File(file) => file.set(kind.index(index), value).unwrap(),
                    Handle::Mapped(array) => array[kind.index(index)] = value,
                }
                self.set(index, value, false);
            }
            Step::WriteRows(at, len) => {
                // Along axis 0, whichever one grows.
                let (first, second) = kind.shape(rows);
                let begin = at % first;
                let count = 1 + len % (first - begin);
                let values = self.values(count * second);
                let array = ndarray::Array2::from_shape_vec((count, second), values).unwrap();
                match self.handle.as_mut().unwrap() {
                    Handle::File(file) => file.write_rows(begin, &array).unwrap(),
                    Handle::Mapped(mapped) => {
                        mapped.view_mut().slice_mut(ndarray::s![begin..begin + count, ..]).assign(&array);
                    }
                }
                for ((row, column), &value) in array.indexed_iter() {
                    let (row, column) = (begin + row, column);
                    let index = if kind.order == Order::C { row * second + column } else { column * first + row };
                    self.set(index, value, false);
                }
            }
            Step::Flush => {
                either!(self.handle.as_mut().unwrap(), handle => handle.flush()).unwrap();
                self.flushed();
            }
            Step::Transaction(items, commit) => {
                let values = self.values(items.len());
                let Some(Handle::Mapped(array)) = &mut self.handle else { return };
                let mut transaction = array.transaction().unwrap();
                for (at, &value) in items.iter().zip(&values) {
                    transaction[kind.index(at % (rows * kind.row))] = value;
                }
                if *commit {
                    transaction.commit().unwrap();
                    self.flushed();
                    for (at, value) in items.iter().zip(values) {
                        self.set(at % (rows * kind.row), value, true);
                    }
                } else if items.len() % 2 == 0 {
                    transaction.abort();
                }
            }
            Step::Seal => {
                let Some(Handle::File(file)) = &mut self.handle else { return };
                match file.seal() {
                    Ok(()) => {
                        assert!(native);
                        self.flushed();
                        self.sealed = true;
                    }
                    Err(error) => assert!(!native && error.kind() == ErrorKind::Unsupported, "{error:?}"),
                }
            }
            Step::Verify => {
                let Some(Handle::File(file)) = &self.handle else { return };
                let found = file.verify().unwrap();
                assert!(found.is_sound(), "{found:?}");
                match (native, self.sealed) {
                    (false, _) => assert_eq!(found.state, SealState::None),
                    (true, true) => assert_eq!(found.state, SealState::Verified),
                    (true, false) => assert_eq!(found.state, SealState::Unverified),
                }
            }
            Step::Attribute(value) => {
                match either!(self.handle.as_mut().unwrap(), handle => handle.set_attr("n", value)) {
                    Ok(()) => {
                        assert!(native);
                        self.now.attr = Some(*value);
                        self.states.iter_mut().flatten().for_each(|state| state.attr = Some(*value));
                    }
                    Err(error) => assert!(!native && error.kind() == ErrorKind::Unsupported, "{error:?}"),
                }
            }
            Step::Refresh => {
                if let Some(Handle::File(file)) = &mut self.handle {
                    assert!(!file.refresh().unwrap(), "nobody else writes");
                }
            }
            Step::Reopen(mapped) => {
                either!(self.handle.take().unwrap(), handle => handle.close()).unwrap();
                self.flushed();
                self.look();
                self.open(*mapped);
            }
            Step::Crash(seed, mapped) => {
                let Some(disk) = self.memory.clone() else { return };
                let mut random = Random(*seed);
                let image = disk.crash_image(disk.operations().len(), |_, operation| {
                    match (random.next() % 4, &tears(operation)[..]) {
                        (0, _) => Fate::Lost,
                        (1, [some, .., _] | [some]) => Fate::Torn(*some),
                        (2, [.., some]) => Fate::Torn(*some),
                        _ => Fate::Kept,
                    }
                });
                self.handle = None;
                self.memory = Some(image);
                let found = self.found();
                assert!(admit(&self.states, Some(&found)), "found {found:?}\nallowed {:?}", self.states);
                let items = found.items.into_iter().map(|value| vec![value]).collect();
                self.now = Content { items, attr: found.attr, loose: None, ..self.now.clone() };
                self.states = vec![Some(self.now.clone())];
                if self.setting.format == Format::Raw {
                    // Half a row may follow, which no header tells from somebody's data.
                    let (a, b) = kind.shape(self.now.rows());
                    let layout = RawLayout::new().dtype(DTYPE.parse().unwrap()).shape([a as u64, b as u64]);
                    let repair = RepairOptions::new().raw(layout.order(kind.order)).rows_from_size(true);
                    let image: Arc<dyn Backend> = Arc::new(self.memory.clone().unwrap());
                    repair.backend(image).repair(&self.path).unwrap();
                }
                // Whether the seal was broken before the failure is not known.
                self.sealed = false;
                self.open(*mapped);
                if let Some(Handle::File(file)) = &self.handle {
                    let found = file.verify().unwrap();
                    assert!(found.mismatches.is_empty(), "{found:?}");
                    self.sealed = found.state == SealState::Verified;
                }
            }
        }
        let shown = either!(self.handle.as_ref().unwrap(), handle => items(handle, kind));
        assert_eq!(shown, self.now.now().items, "after {step:?}");
    }

    /// What another handle reads.
    fn found(&self) -> Observed {
        let Setting { kind, format, .. } = self.setting;
        let file = self.options().open_file::<u64, Ix2>(&self.path).unwrap();
        assert_eq!(file.header().format(), format);
        let (order, row, attr) = (kind.order, kind.row, file.attrs().get("n").unwrap());
        Observed { format, order, row, items: in_order(kind, &file.read().unwrap()), attr }
    }

    fn look(&self) {
        assert_eq!(self.found(), self.now.now());
    }
}

trait Items {
    fn items(&self, kind: Kind) -> Vec<u64>;
}

impl Items for ArrayFile<u64, Ix2> {
    fn items(&self, kind: Kind) -> Vec<u64> {
        in_order(kind, &self.read().unwrap())
    }
}

impl Items for MmapArrayMut<u64, Ix2> {
    fn items(&self, kind: Kind) -> Vec<u64> {
        in_order(kind, self)
    }
}

fn items(handle: &impl Items, kind: Kind) -> Vec<u64> {
    handle.items(kind)
}

fn run(setting: Setting, memory: Option<MemoryDisk>, path: &Path, steps: &[Step]) {
    let mut machine = Machine::new(setting, memory, path.to_path_buf());
    for step in steps {
        machine.step(step);
    }
    machine.step(&Step::Reopen(false));
}

fn cases(few: u32, many: u32) -> ProptestConfig {
    ProptestConfig {
        cases: if thorough() { many } else { few },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400, 20_000))]

    #[test]
    fn random_programs_on_a_disk_in_memory(setting in setting(), steps in steps()) {
        run(setting, Some(MemoryDisk::new()), Path::new("a"), &steps);
    }
}

proptest! {
    #![proptest_config(cases(60, 2000))]

    #[test]
    fn random_programs_on_the_disk(setting in setting(), steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        run(setting, None, &dir.path().join("a"), &steps);
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        prop_assert_eq!(names, ["a"]);
    }
}

/// A copy that a mapping is has the header in its first page, and an old one after rows were announced.
#[test]
fn a_copied_mapping_leaves_the_header_alone() {
    let setting = Setting { kind: Kind { row: 2, order: Order::C }, format: Format::Npy, rows: 2, mapped: true };
    let steps = [Step::Later(true), Step::Append(1), Step::Flush, Step::Set(0), Step::Reserve(0)];
    run(setting, Some(MemoryDisk::new()), Path::new("a"), &steps);
}
