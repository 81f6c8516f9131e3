//! Every recorded file of NumPy's opens with the recorded dtype, shape, order and values, and comes out byte for byte when written.

#![cfg(all(feature = "half", feature = "complex"))]

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/recorded.rs"]
mod recorded;

use std::fs;
use std::path::Path;

use fixtures::{check_dtype, hex, index, logical_sha256, number, numbers, of_kind, path, sha256, text, unhex};
use ndarray::{ArrayRef, Ix1, IxDyn};
use outcore::element::{Complex, bf16, f16};
use outcore::format::npy;
use outcore::{
    AnyArrayFile, ArrayFile, Bool8, ByteOrder, CreateOptions, DType, Element, Error, ErrorKind, Format, Header,
    MmapArray, OpenOptions, Order, RawLayout, Selection, dispatch, peek,
};
use recorded::{Number, Recorded, hex_float};
use serde_json::Value;

/// Opens an entry as recorded and compares everything that was recorded of it.
fn check(entry: &Value, options: &OpenOptions) -> Result<(), Error> {
    let id = text(entry, "id");
    let file = path(text(entry, "path"));
    let header = options.peek(&file)?;
    check_header(entry, &header);
    let any = options.open_any_file(&file)?;
    assert_eq!(*any.header(), header, "{id}");
    let expect = &entry["expect"];
    let recorded = expect["sha256_c_le"].as_str().unwrap_or_else(|| {
        let numpy = &entry["numpy"]["load_mmap_r"]["sha256_c_le"];
        numpy.as_str().expect("a checksum")
    });
    assert_eq!(logical_sha256(&any), recorded, "{id}");
    check_ends(entry, &any);
    dispatch!(header.dtype(), T => check_typed::<T>(entry, &file, options)?, else => check_untyped(entry, &any));
    Ok(())
}

fn check_header(entry: &Value, header: &Header) {
    let id = text(entry, "id");
    check_dtype(id, header.dtype(), &entry["dtype"]);
    assert_eq!(header.shape(), numbers(&entry["shape"]), "{id}");
    assert_eq!(header.data_offset(), number(entry, "offset"), "{id}");
    assert_eq!(header.count(), number(&entry["expect"], "count"), "{id}");
    assert_eq!(header.itemsize() as u64, number(&entry["dtype"], "itemsize"), "{id}");
    assert_eq!(header.nbytes(), header.count() * header.itemsize() as u64, "{id}");
    // NumPy's flags say C wherever both orders are the same; the header of the file may say F.
    let numpy = entry["numpy"].get("load_mmap_r").or(entry["numpy"].get("memmap_r"));
    let order = numpy.and_then(|numpy| numpy["order"].as_str()).unwrap_or(text(entry, "order"));
    assert_eq!(header.order().to_string(), order, "{id}");
    if entry["kind"] == "npy" {
        assert_eq!(header.format(), Format::Npy, "{id}");
        let version = numbers(&entry["npy_version"]);
        assert_eq!(header.version().map(|(major, minor)| vec![major.into(), minor.into()]), Some(version), "{id}");
    }
}

/// The first and the last element as bytes, for every dtype.
fn check_ends(entry: &Value, any: &AnyArrayFile) {
    let ends = [("first_le_hex", 0), ("last_le_hex", -1)];
    for (key, at) in ends {
        if let Some(recorded) = entry["expect"][key].as_str() {
            let picks = vec![at.to_string(); any.header().shape().len()].join(", ");
            let mut item = any.read_selection(&picks.parse().unwrap()).unwrap();
            any.header().dtype().to_little_endian(&mut item);
            assert_eq!(hex(&item), recorded, "{}: {key}", text(entry, "id"));
        }
    }
}

fn check_typed<T: Recorded>(entry: &Value, file: &Path, options: &OpenOptions) -> Result<(), Error> {
    let id = text(entry, "id");
    if entry.get("hazard").is_some() {
        return check_hazard(entry, file);
    }
    let positional = options.open_file::<T, IxDyn>(file)?;
    let read = positional.read()?;
    check_values(entry, &read);
    for probe in entry["expect"]["probes"].as_array().into_iter().flatten() {
        let value = positional.get(IxDyn(&index(&probe["index"])))?;
        assert_eq!(value.bytes(), T::recorded_bytes(&probe["value"]), "{id}: {}", probe["index"]);
    }

    let header = positional.header();
    let native = *header.dtype() == T::dtype();
    let aligned = header.count() == 0 || header.data_offset().is_multiple_of(align_of::<T>() as u64);
    // SAFETY: nobody writes or truncates the fixtures.
    let mapped = unsafe { options.open::<T, IxDyn>(file) };
    match mapped {
        Ok(mapped) => {
            assert!(native && aligned, "{id}");
            check_values(entry, &mapped);
            check_probes(entry, &mapped);
        }
        Err(error) if !native => assert_eq!(error.kind(), ErrorKind::DType, "{id}: {error}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Misaligned, "{id}: {error}");
            assert!(!aligned, "{id}: {error}");
        }
    }
    let big = header.dtype().byte_order() == Some(ByteOrder::Big);
    let ordered = T::map_ordered(options, file, big)?;
    check_values(entry, &ordered);
    check_probes(entry, &ordered);
    Ok(())
}

/// Elements one by one, and what was computed from all of them.
fn check_values<T: Recorded>(entry: &Value, array: &ArrayRef<T, IxDyn>) {
    let (id, expect) = (text(entry, "id"), &entry["expect"]);
    assert_eq!(array.len() as u64, number(expect, "count"), "{id}");
    if let Some(elements) = expect["elements"].as_array() {
        for (at, (value, recorded)) in array.iter().zip(elements).enumerate() {
            assert_eq!(value.bytes(), T::recorded_bytes(recorded), "{id}: element {at}");
        }
    }
    for (key, value) in [("first", array.first()), ("last", array.iter().last())] {
        if let (Some(recorded), Some(value)) = (expect.get(key), value) {
            assert_eq!(value.bytes(), T::recorded_bytes(recorded), "{id}: {key}");
        }
    }
    let numbers: Vec<Number> = array.iter().map(|&value| value.number()).collect();
    check_sum(id, &expect["sum"], &numbers);
    check_extremes(id, expect, &numbers);
}

fn check_probes<T: Recorded>(entry: &Value, array: &ArrayRef<T, IxDyn>) {
    for probe in entry["expect"]["probes"].as_array().into_iter().flatten() {
        let value = array[IxDyn(&index(&probe["index"]))];
        let id = text(entry, "id");
        assert_eq!(value.bytes(), T::recorded_bytes(&probe["value"]), "{id}: {}", probe["index"]);
    }
}

fn check_sum(id: &str, sum: &Value, numbers: &[Number]) {
    let reals = numbers.iter().filter_map(|number| match *number {
        Number::Float(re) | Number::Complex(re, _) => Some(re),
        Number::Int(_) => None,
    });
    let imaginary =
        numbers.iter().filter_map(|number| if let Number::Complex(_, im) = *number { Some(im) } else { None });
    let same = |sum: f64, recorded: &Value| {
        if recorded["any_order_exact_in_f64"] == true {
            // An empty sum of floats is -0 in Rust and 0 in NumPy.
            assert_eq!(sum + 0.0, hex_float(text(recorded, "hex")), "{id}: sum");
        }
    };
    match sum["type"].as_str() {
        Some("int" | "count_true") => {
            let total: i128 =
                numbers.iter().map(|number| if let Number::Int(value) = *number { value } else { 0 }).sum();
            assert_eq!(total.to_string(), text(sum, "exact"), "{id}: sum");
        }
        Some("f64") => same(reals.sum(), sum),
        Some("complex") => {
            same(reals.sum(), &sum["re"]);
            same(imaginary.sum(), &sum["im"]);
        }
        Some("nonfinite") => {
            let count = |is: fn(f64) -> bool| reals.clone().filter(|&value| is(value)).count() as u64;
            assert_eq!(count(f64::is_nan), number(sum, "nan"), "{id}");
            assert_eq!(count(|value| value == f64::INFINITY), number(sum, "posinf"), "{id}");
            assert_eq!(count(|value| value == f64::NEG_INFINITY), number(sum, "neginf"), "{id}");
        }
        Some(other) => panic!("{id}: a sum of type {other}"),
        None => {}
    }
}

fn check_extremes(id: &str, expect: &Value, numbers: &[Number]) {
    for (key, wanted) in [("min", std::cmp::Ordering::Less), ("max", std::cmp::Ordering::Greater)] {
        let Some(recorded) = expect[key].as_str() else { continue };
        let best = numbers.iter().copied().reduce(|best, value| {
            let order = match (value, best) {
                (Number::Int(value), Number::Int(best)) => value.cmp(&best),
                (Number::Float(value), Number::Float(best)) => value.total_cmp(&best),
                other => panic!("{id}: {other:?} have no order"),
            };
            if order == wanted { value } else { best }
        });
        match best.expect("elements") {
            Number::Int(value) => assert_eq!(value.to_string(), recorded, "{id}: {key}"),
            Number::Float(value) => assert_eq!(value, hex_float(recorded), "{id}: {key}"),
            Number::Complex(..) => panic!("{id}: a complex {key}"),
        }
    }
}

/// d2: bytes other than 0 and 1 under a bool dtype.
fn check_hazard(entry: &Value, file: &Path) -> Result<(), Error> {
    let raw = unhex(text(&entry["expect"], "raw_hex"));
    let bad = raw.iter().position(|&byte| byte > 1).expect("a byte that is no bool") as u64;
    let refusals = [
        // SAFETY: nobody writes or truncates the fixtures.
        unsafe { MmapArray::<bool, Ix1>::open(file) }.unwrap_err(),
        ArrayFile::<bool, Ix1>::open(file)?.read().unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::InvalidElement, "{error}");
    }
    // SAFETY: nobody writes or truncates the fixtures.
    let error = unsafe { MmapArray::<bool, Ix1>::open(file) }.unwrap_err();
    assert_eq!(error.offset(), Some(number(entry, "data_offset") + bad), "{error}");
    // SAFETY: nobody writes or truncates the fixtures.
    let mapped = unsafe { MmapArray::<Bool8, Ix1>::open(file)? };
    let nonzero = mapped.iter().filter(|value| value.get()).count() as u64;
    assert_eq!(nonzero, number(&entry["expect"], "nonzero"));
    Ok(())
}

/// Dtypes without a Rust type: raw bits of hazardous texts, counts of "not a time", and the times themselves.
fn check_untyped(entry: &Value, any: &AnyArrayFile) {
    let (id, expect) = (text(entry, "id"), &entry["expect"]);
    let mut items = any.read_selection(&Selection::all()).unwrap();
    any.header().dtype().to_little_endian(&mut items);
    if let Some(raw) = expect["raw_hex"].as_str() {
        assert_eq!(hex(&items), raw, "{id}");
    }
    if expect["sum"]["type"] == "nat_count" {
        let (times, _) = items.as_chunks::<8>();
        let nat = times.iter().filter(|&&time| i64::from_le_bytes(time) == i64::MIN).count();
        assert_eq!(nat.to_string(), text(&expect["sum"], "exact"), "{id}");
        for (time, recorded) in times.iter().zip(expect["elements"].as_array().into_iter().flatten()) {
            let recorded = recorded.as_str().expect("a time");
            let expected = if recorded == "NaT" { i64::MIN } else { recorded.parse().unwrap() };
            assert_eq!(i64::from_le_bytes(*time), expected, "{id}");
        }
    }
}

#[test]
fn every_npy_file_opens_as_recorded() {
    let (mut opened, mut refused, mut raised) = (0, 0, 0);
    let defaults = OpenOptions::new();
    for entry in of_kind("npy") {
        let id = text(&entry, "id");
        if cfg!(target_endian = "big") && id.starts_with("odd-descr-") {
            println!("skipped: types without a byte order were recorded on a little-endian machine");
            refused += 1;
            continue;
        }
        match text(&entry, "policy") {
            "accept" => {
                check(&entry, &defaults).unwrap_or_else(|error| panic!("{id}: {error}"));
                opened += 1;
            }
            "either" => match check(&entry, &defaults) {
                Ok(()) => opened += 1,
                Err(error) => {
                    assert_eq!(error.path(), Some(&*path(text(&entry, "path"))), "{error}");
                    println!("{id}: {error}");
                    refused += 1;
                }
            },
            "accept_with_raised_limit" => {
                let error = peek(path(text(&entry, "path"))).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::HeaderTooLarge, "{id}: {error}");
                check(&entry, &defaults.clone().max_header(1 << 20)).unwrap_or_else(|error| panic!("{id}: {error}"));
                raised += 1;
            }
            other => panic!("{id}: policy {other}"),
        }
    }
    println!("{opened} opened, {refused} refused that may be, {raised} with a raised limit");
    assert_eq!((opened + refused, raised), (537, 1));
    assert!(opened >= 507, "{opened}");
}

/// f4 to f8: the header and the file that NumPy wrote, from what they say.
#[test]
fn every_file_that_numpy_wrote_is_reproduced() {
    let dir = tempfile::tempdir().unwrap();
    let (mut headers, mut files) = (0, 0);
    for entry in of_kind("npy").iter().filter(|entry| entry["writer"] == "numpy") {
        let id = text(entry, "id");
        let bytes = fs::read(path(text(entry, "path"))).unwrap();
        assert_eq!(sha256(&bytes), text(entry, "sha256_file"), "{id}: the fixture is damaged");
        let any = OpenOptions::new().max_header(1 << 20).open_any_file(path(text(entry, "path"))).unwrap();
        let header = any.header();
        let version = header.version().expect("a version");
        let head = &bytes[..usize::try_from(header.data_offset()).unwrap()];
        let order = if entry["fortran_order"] == true { Order::F } else { Order::C };
        let forced = npy::header_with_version(version, header.dtype(), header.shape(), order).unwrap();
        assert_eq!(forced, head, "{id}");
        headers += 1;

        let natural = npy::header(header.dtype(), header.shape(), order).unwrap();
        if natural[6..8] != head[6..8] {
            continue;
        }
        assert_eq!(natural, head, "{id}");
        let target = dir.path().join(format!("{id}.npy"));
        let items = any.read_selection(&Selection::all()).unwrap();
        let mut created =
            CreateOptions::new().order(order).create_any_file(&target, header.dtype(), header.shape()).unwrap();
        created.write_selection(&Selection::all(), &items).unwrap();
        drop(created);
        // What follows the array in the file is not the array's.
        let end = usize::try_from(header.data_end()).unwrap();
        assert_eq!(fs::read(&target).unwrap(), bytes[..end], "{id}");
        fs::remove_file(target).unwrap();
        files += 1;
    }
    println!("{headers} headers, {files} files");
    assert_eq!(headers, 460);
    assert!(files >= 350, "{files}");
}

fn layout_of(entry: &Value) -> RawLayout {
    let dtype: DType = text(&entry["dtype"], "str").parse().unwrap();
    RawLayout::new().dtype(dtype).offset(number(entry, "offset"))
}

#[test]
fn every_raw_file_opens_as_recorded() {
    let mut count = 0;
    for entry in of_kind("dat") {
        let order = text(&entry, "order").parse().unwrap();
        let options = OpenOptions::new().raw(layout_of(&entry).shape(numbers(&entry["shape"])).order(order));
        check(&entry, &options).unwrap_or_else(|error| panic!("{}: {error}", text(&entry, "id")));
        count += 1;
    }
    assert_eq!(count, 18);
}

/// m7: without a shape, one dimension up to the end of the file.
#[test]
fn m7_raw_files_without_a_shape_reach_to_their_end() {
    let (mut accepted, mut rejected) = (0, 0);
    for entry in of_kind("dat_infer") {
        let (id, numpy) = (text(&entry, "id"), &entry["numpy"]["memmap_r"]);
        let opened = OpenOptions::new().raw(layout_of(&entry)).open_any_file(path(text(&entry, "path")));
        match opened {
            Ok(any) => {
                assert_eq!(numpy["outcome"], "accept", "{id}");
                assert_eq!(any.header().shape(), numbers(&numpy["shape"]), "{id}");
                assert_eq!(logical_sha256(&any), text(numpy, "sha256_c_le"), "{id}");
                accepted += 1;
            }
            Err(error) => {
                assert_eq!(numpy["outcome"], "reject", "{id}: {error}");
                assert_eq!(error.kind(), ErrorKind::Shape, "{id}: {error}");
                rejected += 1;
            }
        }
    }
    assert_eq!((accepted, rejected), (14, 3));
}

/// The reader of the manifests' floats is right, or the tests above mean little.
#[test]
fn hex_floats_are_read_exactly() {
    assert_eq!(hex_float("0x1.8p+1"), 3.0);
    assert_eq!(hex_float("-0x0.0p+0").to_bits(), (-0.0_f64).to_bits());
    assert_eq!(hex_float("0x1.0000000000000p-24"), 2_f64.powi(-24));
    assert_eq!(hex_float("0x0.0000000000001p-1022").to_bits(), 1);
    assert_eq!(hex_float("0x1.fffffffffffffp+1023"), f64::MAX);
    assert_eq!(hex_float("-inf"), f64::NEG_INFINITY);
    assert_eq!(f16::from_f64(hex_float("0x1.ffc0000000000p+15")), f16::MAX);
    assert_eq!(Complex::<f32>::from_little_endian(&[0, 0, 128, 63, 0, 0, 0, 64]), Complex::new(1.0, 2.0));
    assert_eq!(bf16::dtype().itemsize(), 2);
}
