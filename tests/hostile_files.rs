//! Whatever a file says: a typed error, at once, the file unchanged, and no memory because of a claim.

#[path = "support/counting_alloc.rs"]
mod counting_alloc;
#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use counting_alloc::{Counting, peak_of};
use fixtures::{entries, logical_sha256, path, text};
use ndarray::IxDyn;
use outcore::{
    AnyArrayFile, AnyMmapArray, ArrayFile, CreateOptions, Error, ErrorKind, Le, MmapArray, MmapArrayMut, OpenOptions,
    RawLayout, Selection, peek,
};
use proptest::prelude::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Nothing takes longer, on a loaded machine either; a hang does.
fn slow() -> Duration {
    // An emulator of another processor takes many steps for each.
    Duration::from_secs(if std::env::var_os("OUTCORE_EMULATED").is_some() { 60 } else { 1 })
}

/// What may be allocated whatever the file: buffers, messages, the caller's own.
const MEMORY: usize = 1 << 20;

/// Opens the file through every door, and hands back what each of them said.
fn knock(file: &Path) -> Vec<(&'static str, Result<(), Error>)> {
    vec![
        ("peek", peek(file).map(drop)),
        ("AnyArrayFile::open", AnyArrayFile::open(file).map(drop)),
        ("AnyArrayFile::open_mut", AnyArrayFile::open_mut(file).map(drop)),
        ("ArrayFile::open", ArrayFile::<f64>::open(file).map(drop)),
        ("ArrayFile::open_mut", ArrayFile::<f64>::open_mut(file).map(drop)),
        // SAFETY: nobody else uses the file.
        ("MmapArray::open", unsafe { MmapArray::<f64>::open(file) }.map(drop)),
        // SAFETY: nobody else uses the file.
        ("MmapArrayMut::open_mut", unsafe { MmapArrayMut::<f64>::open_mut(file) }.map(drop)),
        // SAFETY: nobody else uses the file.
        ("MmapArrayMut::open_cow", unsafe { MmapArrayMut::<f64>::open_cow(file) }.map(drop)),
        // SAFETY: nobody else uses the file.
        ("AnyMmapArray::open", unsafe { AnyMmapArray::open(file) }.map(drop)),
    ]
}

/// Content and times of a file, to see that nothing touched it.
fn state_of(file: &Path) -> (Vec<u8>, SystemTime) {
    (fs::read(file).unwrap(), fs::metadata(file).unwrap().modified().unwrap())
}

/// Knocks at every door, and sees that the file, the clock and the memory stay within bounds.
fn knock_politely(file: &Path) -> Vec<(&'static str, Result<(), Error>)> {
    let before = state_of(file);
    let start = Instant::now();
    let (answers, peak) = peak_of(|| knock(file));
    assert!(start.elapsed() < slow(), "{}: {:?}", file.display(), start.elapsed());
    let allowed = MEMORY + before.0.len();
    assert!(peak <= allowed, "{}: {peak} bytes allocated", file.display());
    assert!(state_of(file) == before, "{}: the file changed", file.display());
    answers
}

/// The kinds of error that a defect may be called.
fn kinds_of(category: &str) -> &'static [ErrorKind] {
    use ErrorKind::{Corrupt, HeaderTooLarge, Shape, TooLarge, Truncated, UnknownFormat, Unsupported};
    match category {
        "truncation" => &[Truncated, UnknownFormat],
        "magic" => &[UnknownFormat],
        "version" => &[Unsupported],
        "header_length" => &[Corrupt, Truncated, HeaderTooLarge],
        "header_syntax" | "header_encoding" | "keys" | "fortran_order" => &[Corrupt],
        "shape" => &[Corrupt, Shape, TooLarge, Truncated],
        "descr" => &[Corrupt, Unsupported, TooLarge],
        "object_dtype" => &[Unsupported],
        "bomb" => &[Corrupt, HeaderTooLarge, Shape],
        other => panic!("category {other}"),
    }
}

#[test]
fn every_recorded_defect_is_a_typed_error() {
    let dir = tempfile::tempdir().unwrap();
    let (mut rejected, mut tolerated, mut refused) = (0, 0, 0);
    for entry in entries("invalid_manifest.json", "entries") {
        let id = text(&entry, "id");
        let file = dir.path().join(format!("{id}.npy"));
        fs::copy(path(text(&entry, "path")), &file).unwrap();
        let kinds = kinds_of(text(&entry, "category"));
        let answers = knock_politely(&file);
        let mut opened = 0;
        for (door, answer) in &answers {
            match answer {
                // The header of a file whose elements are missing is a header.
                Ok(()) if *door == "peek" => {}
                Ok(()) => opened += 1,
                Err(error) => {
                    // Where a defect is tolerated, the dtype asked for may be another.
                    let kind = error.kind();
                    assert!(kinds.contains(&kind) || kind == ErrorKind::DType, "{id}: {door}: {kind:?}: {error}");
                    assert_eq!(error.path(), Some(&*file), "{id}: {error}");
                    check_text(error);
                }
            }
        }
        let any = answers.iter().find(|(door, _)| *door == "AnyArrayFile::open").unwrap();
        if text(&entry, "policy") == "reject" {
            assert_eq!(opened, 0, "{id}: {answers:?}");
            rejected += 1;
        } else if any.1.is_ok() {
            let expect = &entry["expect_if_accepted"];
            let found = AnyArrayFile::open(&file).unwrap();
            assert_eq!(found.header().shape(), fixtures::numbers(&expect["shape"]), "{id}");
            assert_eq!(logical_sha256(&found), text(expect, "sha256_c_le"), "{id}");
            tolerated += 1;
        } else {
            refused += 1;
        }
    }
    println!("{rejected} rejected; of those that may be either, {tolerated} opened and {refused} refused");
    assert_eq!((rejected, tolerated + refused), (227, 8));
}

/// One line that a person can act on.
fn check_text(error: &Error) {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 1000, "{text}");
    assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
}

/// A `.npy` file with this dict as its header, and these bytes behind it.
fn npy(dict: &str, body: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let padded = (10 + dict.len() + 1).next_multiple_of(64);
    file.extend_from_slice(&u16::try_from(padded - 10).unwrap().to_le_bytes());
    file.extend_from_slice(dict.as_bytes());
    file.resize(padded - 1, b' ');
    file.push(b'\n');
    file.extend_from_slice(body);
    file
}

fn npy_of_shape(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), body)
}

/// l4, l6: what a header claims is compared with the length of the file before anything else.
#[test]
fn claims_of_terabytes_cost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("claim.npy");
    let claims = [
        ("'<f8'", "(137438953472,)"),
        ("'<f8'", "(1152921504606846975,)"),
        ("'|b1'", "(9223372036854775000,)"),
        ("'<f8'", "(1048576, 1048576)"),
        ("'|S2147483647'", "(1,)"),
        ("'<U536870911'", "(1000,)"),
        ("[('a', '|V1000000000'), ('b', '<f8')]", "(1000000,)"),
        ("[('a', '<f8', (1000, 1000, 100))]", "(1000,)"),
    ];
    for (descr, shape) in claims {
        fs::write(&file, npy_of_shape(descr, shape, &[0; 64])).unwrap();
        for (door, answer) in knock_politely(&file) {
            match answer {
                Ok(()) => assert_eq!(door, "peek", "{descr} {shape}"),
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Truncated | ErrorKind::TooLarge | ErrorKind::Unsupported),
                    "{descr} {shape}: {door}: {error}"
                ),
            }
        }
    }
}

/// A sparse file keeps the promise of its header, at no cost until it is read.
#[test]
fn a_sparse_file_of_a_terabyte_opens_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sparse.npy");
    fs::write(&file, npy_of_shape("'<f8'", "(137438953472,)", &[])).unwrap();
    let grown = fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(128 + (1 << 40));
    if let Err(error) = grown {
        println!("no sparse files here: {error}");
        return;
    }
    let start = Instant::now();
    let (value, peak) = peak_of(|| {
        let any = AnyArrayFile::open(&file).unwrap();
        any.read_selection(&"[-1]".parse().unwrap()).unwrap()
    });
    assert_eq!(value, [0; 8]);
    assert!(peak <= MEMORY, "{peak}");
    assert!(start.elapsed() < slow());
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("pipe.npy");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().is_ok_and(|status| status.success());
    let mut paths = vec![dir.path().to_path_buf()];
    if cfg!(unix) {
        paths.extend(["/dev/null".into(), "/dev/zero".into()]);
    }
    if made {
        paths.push(fifo);
    }
    if cfg!(target_os = "linux") {
        paths.push("/proc/self".into());
    }
    for file in paths {
        let start = Instant::now();
        for (door, answer) in knock(&file) {
            let error = answer.expect_err(door);
            assert_eq!(error.kind(), ErrorKind::NotAFile, "{door}: {error}");
            assert_eq!(error.path(), Some(&*file), "{error}");
        }
        assert!(start.elapsed() < slow(), "{}", file.display());
    }
}

/// Regular files by name only: their lengths are not those of what they hold, and reads of them fail.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux has files that are interfaces of the kernel")]
fn files_of_the_kernel_are_refused() {
    for file in ["/proc/self/mem", "/proc/self/maps", "/proc/cpuinfo", "/sys/kernel/mm/transparent_hugepage/enabled"] {
        if !Path::new(file).exists() {
            continue;
        }
        let start = Instant::now();
        for (door, answer) in knock(Path::new(file)) {
            let error = answer.expect_err(door);
            assert!(!matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::Cancelled), "{door}: {error}");
        }
        assert!(start.elapsed() < slow(), "{file}");
    }
}

#[test]
fn names_that_lead_nowhere_are_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = vec![dir.path().join("missing.npy"), dir.path().join("no/such/dir.npy"), "".into()];
    #[cfg(unix)]
    {
        let link = dir.path().join("dangling.npy");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        paths.push(link);
    }
    paths.push(dir.path().join("n".repeat(5000)));
    paths.push("a\0b.npy".into());
    for file in paths {
        for (door, answer) in knock(&file) {
            let error = answer.expect_err(door);
            let kinds = [ErrorKind::NotFound, ErrorKind::Io, ErrorKind::InvalidArgument, ErrorKind::NotAFile];
            assert!(kinds.contains(&error.kind()), "{door}: {:?} {error}", error.kind());
        }
    }
}

/// A small array cut at every length: the header rules it out, or the missing elements do.
#[test]
fn every_truncation_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cut.npy");
    let mut whole = CreateOptions::new().create_any_file(&file, &"<f8".parse().unwrap(), &[2, 3]).unwrap();
    whole.write_selection(&Selection::all(), &[7; 48]).unwrap();
    drop(whole);
    let bytes = fs::read(&file).unwrap();
    for len in 0..bytes.len() {
        fs::write(&file, &bytes[..len]).unwrap();
        for (door, answer) in knock_politely(&file) {
            match answer {
                Ok(()) => assert!(door == "peek" && len >= 128, "{door} at {len}"),
                Err(error) if (1..6).contains(&len) => {
                    assert!(matches!(error.kind(), ErrorKind::UnknownFormat | ErrorKind::Truncated), "{len}: {error}");
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Truncated, "{door} at {len}: {error}"),
            }
        }
    }
}

/// Every byte of a header, replaced by every other one: the file opens as what it then says, or is refused.
#[test]
fn every_change_of_a_byte_is_an_error_or_another_header() {
    let dict = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";
    let whole = npy(dict, &[1; 48]);
    let header = whole.len() - 48;
    let (mut parsed, mut refused) = (0, 0);
    for at in 0..header {
        for byte in 0..=255_u8 {
            if whole[at] == byte {
                continue;
            }
            let mut changed = whole.clone();
            changed[at] = byte;
            let (answer, peak) = peak_of(|| {
                let end = outcore::format::npy::header_end(&changed[..12], 10_000)?;
                let head = changed.get(..usize::try_from(end).unwrap_or(usize::MAX)).unwrap_or(&changed);
                outcore::format::npy::parse(head, 10_000)
            });
            assert!(peak < MEMORY, "byte {at} as {byte}: {peak}");
            match answer {
                Ok(found) => {
                    assert!(found.data_offset() <= whole.len() as u64, "byte {at} as {byte}");
                    assert_eq!(found.nbytes(), found.count() * found.itemsize() as u64);
                    parsed += 1;
                }
                Err(error) => {
                    check_text(&error);
                    refused += 1;
                }
            }
        }
    }
    println!("{parsed} parsed, {refused} refused");
    assert_eq!(parsed + refused, header * 255);
    assert!(parsed > 100 && refused > 10_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Noise behind the magic string, through the doors.
    #[test]
    fn noise_behind_the_magic_string(
        version in prop_oneof![Just([1, 0]), Just([2, 0]), Just([3, 0]), any::<[u8; 2]>()],
        tail in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("noise.npy");
        fs::write(&file, [&b"\x93NUMPY"[..], &version, &tail].concat()).unwrap();
        for (door, answer) in knock_politely(&file) {
            prop_assert!(answer.is_err(), "{}", door);
        }
    }

    /// Headers made of the right words in any order: an error, or a header whose sizes agree.
    #[test]
    fn headers_of_random_words(words in proptest::collection::vec(prop_oneof![
        Just("{"), Just("}"), Just("("), Just(")"), Just("["), Just("]"), Just(","), Just(": "), Just("'"), Just("\\"),
        Just("'descr'"), Just("'fortran_order'"), Just("'shape'"), Just("'<f8'"), Just("False"), Just("True"),
        Just("3"), Just("-1"), Just("18446744073709551616"), Just("L"), Just("#"), Just("\n"), Just(" "), Just("0x"),
        Just("('a', '<i4')"), Just("(3, 4)"), Just("'descr': '<f8'"), Just("'fortran_order': False"), Just("'shape': (3,)"),
    ], 0..40)) {
        let file = npy(&words.concat(), &[0; 24]);
        if let Ok(header) = outcore::format::npy::parse(&file, 10_000) {
            prop_assert_eq!(header.nbytes(), header.count() * header.itemsize() as u64);
        }
    }

    /// A raw layout of any numbers on a small file: an error, or an array within the file.
    #[test]
    fn raw_layouts_of_any_numbers(
        shape in proptest::option::of(proptest::collection::vec(
            prop_oneof![0_u64..5, Just(u64::MAX), Just(1 << 62), any::<u64>()], 0..5)),
        offset in prop_oneof![0_u64..200, any::<u64>()],
    ) {
        let mut layout = RawLayout::new().offset(offset);
        if let Some(shape) = &shape {
            layout = layout.shape(shape.clone());
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("m.dat");
        fs::write(&file, [7; 150]).unwrap();
        let options = OpenOptions::new().raw(layout);
        let positional = options.open_file::<f64, IxDyn>(&file);
        // SAFETY: nobody else uses the file.
        let mapped = unsafe { options.open::<Le<f64>, IxDyn>(&file) };
        match (positional, mapped) {
            (Ok(positional), Ok(mapped)) => {
                let read = positional.read().unwrap();
                prop_assert_eq!(read.shape(), mapped.shape());
                prop_assert!(offset + 8 * read.len() as u64 <= 150);
                prop_assert!(read.iter().all(|value| value.to_le_bytes() == [7; 8]));
                prop_assert!(mapped.iter().all(|value| value.get().to_le_bytes() == [7; 8]));
            }
            (Err(a), Err(b)) => prop_assert_eq!(a.kind(), b.kind()),
            (a, b) => prop_assert!(false, "{:?} and {:?}", a.map(drop), b.map(drop)),
        }
        prop_assert_eq!(fs::metadata(&file).unwrap().len(), 150);
    }
}
