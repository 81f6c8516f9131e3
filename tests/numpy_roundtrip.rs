//! Arrays go back and forth between this crate and NumPy in another process, as files and through live mappings.
//!
//! The tests make a virtual environment with NumPy under the target folder. `OUTCORE_NO_PYTHON=1` skips them.

#[path = "support/numpy.rs"]
mod numpy;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use ndarray::{Array2, Ix2, IxDyn};
use numpy::{run, spawn, stdout_of};
use outcore::{
    AnyArrayFile, ArrayFile, ByteOrder, CreateOptions, DType, ErrorKind, Format, Le, LockPolicy, MmapArray,
    MmapArrayMut, OpenOptions, Order, RawLayout, Reserve, Selection, peek,
};
use serde_json::{Value, json};

/// What both sides take for the bytes of an array's elements in row-major order: byte `i` is `(7 i + 3) mod 251`, or its lowest
/// bit for `bool`.
fn pattern(dtype: &DType, count: u64) -> Vec<u8> {
    let nbytes = count * dtype.itemsize() as u64;
    let mask = if *dtype == DType::Bool { 1 } else { 255 };
    (0..nbytes).map(|i| u8::try_from((i * 7 + 3) % 251).unwrap() & mask).collect()
}

/// The same in Python. `specs` lists file name, descr, shape and order.
const PATTERN: &str = r"
def pattern(spec):
    name, descr, shape, order = spec
    dtype = np.lib.format.descr_to_dtype(eval(descr))
    count = int(np.prod(shape, dtype=object)) if shape else 1
    raw = (np.arange(count * dtype.itemsize, dtype=np.uint64) * 7 + 3) % 251
    raw = raw.astype(np.uint8)
    if dtype == np.dtype(bool):
        raw &= 1
    array = np.frombuffer(raw.tobytes(), dtype).reshape(shape) if raw.size else np.zeros(shape, dtype)
    return np.asfortranarray(opaque(array)).view(dtype) if order == 'F' and array.ndim else array

def opaque(array):
    # NumPy copies the fields of a record and not the padding between them; the elements as plain bytes keep it.
    return array.view(f'V{array.itemsize}')
";

const DTYPES: [&str; 45] = [
    "|b1",
    "|i1",
    "|u1",
    "<i2",
    ">i2",
    "<i4",
    ">i4",
    "<i8",
    ">i8",
    "<u2",
    ">u2",
    "<u4",
    ">u4",
    "<u8",
    ">u8",
    "<f2",
    ">f2",
    "<f4",
    ">f4",
    "<f8",
    ">f8",
    "<c8",
    ">c8",
    "<c16",
    ">c16",
    "<M8[ns]",
    ">M8[25s]",
    "<M8",
    "<m8[us]",
    ">m8[D]",
    "|S1",
    "|S7",
    "<U1",
    ">U5",
    "|V3",
    "[('a', '<i4')]",
    "[('a', '|u1'), ('', '|V3'), ('b', '>f4')]",
    "[('x', '<f8', (2, 3)), ('y', '|b1')]",
    "[(('a title', 'n'), '<i2'), ('s', '|S5')]",
    "[('p', [('re', '<f4'), ('im', '<f4')]), ('q', '<M8[D]')]",
    "[('p', [('a', '|u1'), ('', '|V7'), ('b', '<f8')], (2,)), ('', '|V6')]",
    "[(\"it's\", '<i4'), ('\"q\"', '<i4')]",
    "[('na\\xefve', '<i4')]",
    "[('\\u540d', '<i4')]",
    "[('f0', '<f4'), ('f1', '>f4'), ('f2', '<U2')]",
];

const SHAPES: [(&[u64], &str); 14] = [
    (&[], "C"),
    (&[1], "C"),
    (&[5], "C"),
    (&[0], "C"),
    (&[3, 4], "C"),
    (&[3, 4], "F"),
    (&[1, 5], "F"),
    (&[0, 3], "F"),
    (&[3, 0], "C"),
    (&[2, 3, 4], "C"),
    (&[2, 3, 4], "F"),
    (&[2, 1, 3, 2, 2], "F"),
    (&[1; 32], "C"),
    (&[1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3], "F"),
];

/// Every dtype in every shape and order, as lists that both sides understand.
fn specs() -> Vec<(String, DType, &'static [u64], Order)> {
    let mut specs = Vec::new();
    for (d, descr) in DTYPES.iter().enumerate() {
        for (s, (shape, order)) in SHAPES.iter().enumerate() {
            let order = if *order == "F" { Order::F } else { Order::C };
            specs.push((format!("{d}-{s}.npy"), descr.parse().unwrap(), *shape, order));
        }
    }
    specs
}

fn specs_as_json() -> String {
    let specs: Vec<Value> = specs()
        .iter()
        .map(|(name, dtype, shape, order)| json!([name, dtype.descr(), shape, order.to_string()]))
        .collect();
    Value::from(specs).to_string()
}

/// Both directions at once: the files are the same, byte for byte, and each side reads what the other wrote.
#[test]
fn every_dtype_shape_and_order_goes_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    fs::create_dir(&ours).unwrap();
    fs::create_dir(&theirs).unwrap();
    for (name, dtype, shape, order) in specs() {
        let options = CreateOptions::new().order(order).reserve(Reserve::Sparse);
        let mut file = options.create_any_file(ours.join(name), &dtype, shape).unwrap();
        let items = pattern(&dtype, file.header().count());
        file.write_selection(&Selection::all(), &items).unwrap();
    }
    let specs_file = dir.path().join("specs.json");
    fs::write(&specs_file, specs_as_json()).unwrap();
    let script = format!(
        r"{PATTERN}
specs, ours, theirs = args
descrs = {{}}
for spec in json.load(open(specs, encoding='utf-8')):
    name, array = spec[0], pattern(spec)
    np.save(os.path.join(theirs, name), array)
    for mode in (None, 'r') if array.size and array.itemsize else (None,):
        read = np.load(os.path.join(ours, name), mmap_mode=mode)
        assert read.dtype == array.dtype, (spec, read.dtype)
        assert read.shape == array.shape, (spec, read.shape)
        assert read.flags.f_contiguous == array.flags.f_contiguous, spec
        assert opaque(read).tobytes() == opaque(array).tobytes(), spec
    descrs[name] = repr(np.lib.format.dtype_to_descr(array.dtype))
print(json.dumps(descrs))
"
    );
    let Some(printed) = run(&script, &[specs_file.as_ref(), ours.as_ref(), theirs.as_ref()]) else { return };
    let descrs: Value = serde_json::from_str(&printed).unwrap();
    let mut count = 0;
    for (name, dtype, shape, order) in specs() {
        let label = format!("{} {shape:?} {order}", dtype.descr());
        let their_file = theirs.join(&name);
        assert_eq!(dtype.descr(), descrs[&name].as_str().unwrap(), "{label}");
        assert!(fs::read(ours.join(&name)).unwrap() == fs::read(&their_file).unwrap(), "{label}: the files differ");
        let any = AnyArrayFile::open(&their_file).unwrap();
        assert_eq!(*any.header().dtype(), dtype, "{label}");
        assert_eq!(any.header().shape(), shape, "{label}");
        assert_eq!(any.read_selection(&Selection::all()).unwrap(), pattern(&dtype, any.header().count()), "{label}");
        count += 1;
    }
    assert_eq!(count, DTYPES.len() * SHAPES.len());
}

/// d12 to d17: names, titles, nesting, sub-arrays, alignment and explicit offsets, at random.
#[test]
fn random_records_agree_on_descr_offsets_and_files() {
    let dir = tempfile::tempdir().unwrap();
    let script = r"
import random
random.seed(20240611)
scalars = ['|b1', '|i1', '<i2', '>i4', '<u8', '<f2', '>f4', '<f8', '<c8', '>c16', '|S3', '<U2', '|V5', '<M8[ms]', '>m8[3h]']
def field_type(depth):
    kind = random.random()
    if kind < 0.2 and depth < 3:
        base = record(depth + 1)
    else:
        base = np.dtype(random.choice(scalars))
    if random.random() < 0.2:
        base = np.dtype((base, tuple(random.randint(1, 3) for _ in range(random.randint(1, 3)))))
    return base
def record(depth=0):
    names = [random.choice('abcxyz\u00e9_') + str(i) for i in range(random.randint(1, 5))]
    formats = [field_type(depth) for _ in names]
    if random.random() < 0.5:
        return np.dtype({'names': names, 'formats': formats}, align=random.random() < 0.5)
    offsets, at = [], 0
    for format in formats:
        at += random.randint(0, 9)
        offsets.append(at)
        at += format.itemsize
    spec = {'names': names, 'formats': formats, 'offsets': offsets, 'itemsize': at + random.randint(0, 5)}
    if random.random() < 0.3:
        spec['titles'] = ['title of ' + name for name in names]
    return np.dtype(spec)
def describe(dtype):
    fields = []
    for name in dtype.names or ():
        sub, offset, *title = dtype.fields[name]
        fields.append([name, offset, title[0] if title else None, sub.itemsize])
    return fields
out = []
for i in range(300):
    dtype = record()
    name = f'{i}.npy'
    np.save(os.path.join(args[0], name), np.zeros((2, 2), dtype))
    out.append([name, repr(np.lib.format.dtype_to_descr(dtype)), dtype.itemsize, describe(dtype)])
print(json.dumps(out))
";
    let Some(printed) = run(script, &[dir.path().as_ref()]) else { return };
    let records: Vec<Value> = serde_json::from_str(&printed).unwrap();
    assert_eq!(records.len(), 300);
    let ours = dir.path().join("ours.npy");
    for recorded in records {
        let descr = recorded[1].as_str().unwrap();
        let dtype: DType = descr.parse().unwrap_or_else(|error| panic!("{descr}: {error}"));
        assert_eq!(dtype.descr(), descr);
        assert_eq!(json!(dtype.itemsize()), recorded[2], "{descr}");
        let DType::Record(record) = &dtype else { panic!("{descr} is no record") };
        let fields: Vec<Value> = record
            .fields()
            .iter()
            .map(|field| json!([field.name(), field.offset(), field.title(), field.dtype().itemsize()]))
            .collect();
        assert_eq!(Value::from(fields), recorded[3], "{descr}");

        let theirs = dir.path().join(recorded[0].as_str().unwrap());
        assert_eq!(*peek(&theirs).unwrap().dtype(), dtype, "{descr}");
        drop(CreateOptions::new().overwrite(true).create_any_file(&ours, &dtype, &[2, 2]).unwrap());
        assert!(fs::read(&ours).unwrap() == fs::read(&theirs).unwrap(), "{descr}: the files differ");
    }
}

/// m1 to m12: elements without a header, in both directions.
#[test]
fn memmap_and_raw_layouts_see_the_same_elements() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (dir.path().join("ours.dat"), dir.path().join("theirs.dat"));
    let layout = RawLayout::new().shape([5, 3]).order(Order::F).offset(4097);
    let options = CreateOptions::new().format(Format::Raw).order(Order::F).offset(4097);
    let mut file = options.create_file::<i32, Ix2>(&ours, (5, 3)).unwrap();
    let values = Array2::from_shape_fn((5, 3), |(i, j)| i32::try_from(i * 10 + j).unwrap());
    file.write(&values).unwrap();
    file.close().unwrap();
    let script = r"
ours, theirs = args
m = np.memmap(ours, '<i4', 'r', 4097, (5, 3), 'F')
want = np.add.outer(np.arange(5) * 10, np.arange(3))
assert (m == want).all(), m
w = np.memmap(theirs, '<i4', 'w+', 4097, (5, 3), 'F')
w[:] = want
w.flush()
";
    if cfg!(target_endian = "big") || run(script, &[ours.as_ref(), theirs.as_ref()]).is_none() {
        return;
    }
    assert_eq!(fs::read(&ours).unwrap(), fs::read(&theirs).unwrap());
    assert_eq!(ArrayFile::<i32, Ix2>::open_raw(&theirs, layout.clone()).unwrap().read().unwrap(), values);
    // SAFETY: NumPy has finished; nobody else uses the file.
    let mapped = unsafe { MmapArray::<Le<i32>, Ix2>::open_raw(&theirs, layout) }.unwrap();
    assert_eq!(mapped.mapv(Le::get), values);
}

/// l12: the file of `open_memmap(mode="w+")` is the one that is created here.
#[test]
fn l12_open_memmap_creates_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (dir.path().join("ours.npy"), dir.path().join("theirs.npy"));
    let script = r"
from numpy.lib.format import open_memmap
m = open_memmap(args[0], 'w+', '<f8', (7, 3), True)
m[2, 1] = 5.5
m.flush()
";
    if run(script, &[theirs.as_ref()]).is_none() {
        return;
    }
    let mut file =
        CreateOptions::new().order(Order::F).create_any_file(&ours, &"<f8".parse().unwrap(), &[7, 3]).unwrap();
    file.write_selection(&"[2, 1]".parse().unwrap(), &5.5_f64.to_le_bytes()).unwrap();
    file.close().unwrap();
    assert_eq!(fs::read(&ours).unwrap(), fs::read(&theirs).unwrap());
}

/// A NumPy process that maps a file and answers questions about it, one line each.
struct Peer {
    child: std::process::Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Peer {
    /// `mode` is that of `np.load`.
    fn start(file: &Path, mode: &str) -> Option<Self> {
        let script = r"
m = np.load(args[0], mmap_mode=args[1])
print('ready', flush=True)
for line in sys.stdin:
    exec('answer = ' + line) if '=' not in line else (exec(line), m.flush())
    print(answer if '=' not in line else 'done', flush=True)
";
        let mut child = spawn(script, &[file.as_ref(), OsStr::new(mode)])?;
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self { child, answers };
        assert_eq!(peer.answer(), "ready");
        Some(peer)
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{question}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn stop(mut self) {
        self.child.stdin.take();
        stdout_of("NumPy", &self.child.wait_with_output().unwrap());
    }
}

/// An element written through the mapping is there for NumPy, in another process, before and after `flush`.
#[test]
fn numpy_sees_each_element_as_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.npy");
    // SAFETY: NumPy only reads the file, between writes.
    let mut m = unsafe { MmapArrayMut::<f64, Ix2>::create(&file, (50, 40)) }.unwrap();
    let Some(mut numpy) = Peer::start(&file, "r") else { return };
    assert_eq!(numpy.ask("float(m[3, 4])"), "0.0");
    m[[3, 4]] = 7.5;
    assert_eq!(numpy.ask("float(m[3, 4])"), "7.5");
    m.view_mut().row_mut(49).fill(-1.25);
    assert_eq!(numpy.ask("float(m.sum())"), "-42.5");
    let again = "float(np.load(args[0])[3, 4])";
    assert_eq!(numpy.ask(again), "7.5");
    m.flush().unwrap();
    assert_eq!(numpy.ask(again), "7.5");
    assert_eq!(numpy.ask("float(m[3, 4])"), "7.5");
    m[[3, 4]] = 8.5;
    m.flush_async().unwrap();
    m.flush_rows(3..4).unwrap();
    m.close().unwrap();
    assert_eq!(numpy.ask(again), "8.5");
    numpy.stop();

    // By position it is the same file.
    let mut positional = ArrayFile::<f64, Ix2>::open_mut(&file).unwrap();
    let mut numpy = Peer::start(&file, "r").unwrap();
    positional.set((0, 0), 2.25).unwrap();
    assert_eq!(numpy.ask("float(m[0, 0])"), "2.25");
    numpy.stop();
}

/// What NumPy assigns through its mapping is there for an open positional handle, which asks for no promise.
#[test]
fn an_open_handle_sees_what_numpy_writes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.npy");
    ArrayFile::<f64, Ix2>::create(&file, (50, 40)).unwrap().close().unwrap();
    let ours = OpenOptions::new().lock(LockPolicy::None).open_file::<f64, Ix2>(&file).unwrap();
    let Some(mut numpy) = Peer::start(&file, "r+") else { return };
    assert_eq!(numpy.ask("m[7, 8] = 2.5"), "done");
    assert_eq!(ours.get((7, 8)).unwrap(), 2.5);
    assert_eq!(numpy.ask("m[:, 0] = 1"), "done");
    assert_eq!(ours.read().unwrap().sum(), 52.5);
    numpy.stop();
    let seen = OpenOptions::new().open_any_file(&file).unwrap();
    assert_eq!(seen.typed::<f64, IxDyn>().unwrap().read_selection(&"[7, 8]".parse().unwrap()).unwrap().sum(), 2.5);
}

/// l10: a header longer than 10,000 characters, in both directions.
#[test]
fn l10_long_headers_need_a_raised_limit_on_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (dir.path().join("ours.npy"), dir.path().join("theirs.npy"));
    let fields: Vec<String> = (0..700).map(|i| format!("('field_{i:04}', '<f4')")).collect();
    let dtype: DType = format!("[{}]", fields.join(", ")).parse().unwrap();
    drop(CreateOptions::new().create_any_file(&ours, &dtype, &[3]).unwrap());
    assert_eq!(peek(&ours).unwrap_err().kind(), ErrorKind::HeaderTooLarge);
    let script = r"
ours, theirs = args
try:
    np.load(ours)
    raise SystemExit('NumPy took it')
except ValueError as error:
    assert 'max_header_size' in str(error), error
a = np.load(ours, max_header_size=1 << 20)
assert len(a.dtype.names) == 700 and a.shape == (3,)
np.save(theirs, a)
";
    if run(script, &[ours.as_ref(), theirs.as_ref()]).is_none() {
        return;
    }
    assert_eq!(peek(&theirs).unwrap_err().kind(), ErrorKind::HeaderTooLarge);
    let header = OpenOptions::new().max_header(1 << 20).peek(&theirs).unwrap();
    assert_eq!(*header.dtype(), dtype);
    assert_eq!(fs::read(&ours).unwrap(), fs::read(&theirs).unwrap());
}

/// f7: version 2 where the header is long, version 3 where a name is not Latin-1.
#[test]
fn f7_versions_are_chosen_as_numpy_chooses_them() {
    let dir = tempfile::tempdir().unwrap();
    let script = r"
import warnings
warnings.simplefilter('ignore')
long = [('field_%04d_%s' % (i, 'n' * 60), '<f4') for i in range(800)]
np.save(os.path.join(args[0], 'long.npy'), np.zeros(2, long))
np.save(os.path.join(args[0], 'name.npy'), np.zeros(2, [('\u540d', '<f4')]))
np.save(os.path.join(args[0], 'latin1.npy'), np.zeros(2, [('\u00ff', '<f4')]))
";
    if run(script, &[dir.path().as_ref()]).is_none() {
        return;
    }
    let options = OpenOptions::new().max_header(1 << 20);
    for (name, version) in [("long.npy", (2, 0)), ("name.npy", (3, 0)), ("latin1.npy", (1, 0))] {
        let theirs = dir.path().join(name);
        let header = options.peek(&theirs).unwrap();
        assert_eq!(header.version(), Some(version), "{name}");
        let ours = dir.path().join("ours.npy");
        let created = CreateOptions::new().overwrite(true).create_any_file(&ours, header.dtype(), &[2]).unwrap();
        assert_eq!(created.header().version(), Some(version), "{name}");
        drop(created);
        assert!(fs::read(&ours).unwrap() == fs::read(&theirs).unwrap(), "{name}: the files differ");
    }
}

/// The byte order of a file is the file's: NumPy's on this machine is the native one here too.
#[test]
fn native_byte_orders_agree() {
    if std::env::var_os("OUTCORE_EMULATED").is_some() {
        return println!("skipped: the Python is that of the machine of the emulator");
    }
    let Some(order) = run("print(sys.byteorder)", &[]) else { return };
    let native = if ByteOrder::NATIVE == ByteOrder::Little { "little" } else { "big" };
    assert_eq!(order.trim(), native);
}
