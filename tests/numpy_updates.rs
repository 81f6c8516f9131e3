//! Elements and slices assigned through files and mappings leave the bytes that NumPy left, and slices read what NumPy read.

#![cfg(all(feature = "half", feature = "complex"))]

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/recorded.rs"]
mod recorded;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use fixtures::{entries, index, logical_sha256, numbers, of_kind, path, sha256, text, unhex};
use ndarray::{ArrayD, Ix1, IxDyn, SliceInfoElem};
use outcore::{AnyArrayFile, ByteOrder, Header, OpenOptions, Order, RawLayout, Selection, dispatch, peek};
use recorded::{Change, Recorded};
use serde_json::Value;

/// The operations of an update entry, for elements of any kind.
struct Operations {
    set: Vec<(Vec<usize>, Vec<u8>)>,
    fill: Vec<(Vec<SliceInfoElem>, Selection, Vec<u8>)>,
}

impl Operations {
    fn of(entry: &Value) -> Self {
        let (mut set, mut fill) = (Vec::new(), Vec::new());
        for operation in entry["ops"].as_array().unwrap() {
            let value = unhex(text(operation, "value_le_hex"));
            match text(operation, "op") {
                "set" => set.push((index(&operation["index"]), value)),
                "fill" => {
                    let slices = operation["slices_start_stop_step"].as_array().unwrap();
                    let bound = |slice: &Value, at: usize| slice[at].as_i64();
                    let for_ndarray = slices.iter().map(|slice| SliceInfoElem::Slice {
                        start: isize::try_from(bound(slice, 0).unwrap_or(0)).unwrap(),
                        end: bound(slice, 1).map(|end| isize::try_from(end).unwrap()),
                        step: isize::try_from(bound(slice, 2).unwrap_or(1)).unwrap(),
                    });
                    fill.push((for_ndarray.collect(), selection(slices), value));
                }
                other => panic!("operation {other}"),
            }
        }
        Self { set, fill }
    }
}

/// `[start, stop, step]` for each axis, null for none.
fn selection(slices: &[Value]) -> Selection {
    let bound = |bound: &Value| bound.as_i64().map_or_else(String::new, |bound| bound.to_string());
    let slices = slices.iter().map(|slice| format!("{}:{}:{}", bound(&slice[0]), bound(&slice[1]), bound(&slice[2])));
    slices.collect::<Vec<_>>().join(", ").parse().unwrap()
}

fn logical_of<T: Recorded>(array: &ArrayD<T>) -> String {
    sha256(array.iter().flat_map(|&value| value.bytes()).collect::<Vec<u8>>())
}

#[test]
fn updates_come_out_as_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let (mut typed, mut positional, mut as_bytes) = (0, 0, 0);
    for entry in of_kind("update").into_iter().filter(|entry| entry["mode"] != "append") {
        let (id, cow) = (text(&entry, "id"), entry["mode"] == "c");
        let before = fs::read(path(text(&entry, "before"))).unwrap();
        let after = fs::read(path(text(&entry, "after"))).unwrap();
        assert_eq!(sha256(&after), text(&entry, "sha256_after"), "{id}: the fixture is damaged");
        assert_eq!(before != after, entry["file_changed"] == true, "{id}");
        let in_memory = text(&entry, "sha256_c_le_in_memory");
        let fresh = || -> PathBuf {
            let file = dir.path().join(format!("{id}.npy"));
            fs::write(&file, &before).unwrap();
            file
        };
        let operations = Operations::of(&entry);
        let file = fresh();
        let header = peek(&file).unwrap();

        let seen = Cell::new(false);
        dispatch!(header.dtype(), T => {
            let big = header.dtype().byte_order() == Some(ByteOrder::Big);
            let set: Vec<_> = operations.set.iter().map(|(index, value)| (index.clone(), T::from_little_endian(value))).collect();
            let fill: Vec<_> = operations.fill.iter().map(|(slices, _, value)| (slices.clone(), T::from_little_endian(value))).collect();
            let mut then = |array: ArrayD<T>| {
                assert_eq!(logical_of(&array), in_memory, "{id}");
                seen.set(true);
            };
            let change = Change { set: &set, fill: &fill, then: &mut then };
            T::write_ordered(&OpenOptions::new(), &file, big, cow, change).unwrap();
            typed += 1;
        }, else => seen.set(true));
        assert!(seen.get());
        if outcore::ElementType::of(header.dtype()).is_some() {
            assert_eq!(fs::read(&file).unwrap(), after, "{id}: mapped");
        }

        if cow {
            let file = fresh();
            update_as_bytes(&header, &operations, &file, in_memory, id);
            assert_eq!(fs::read(&file).unwrap(), after, "{id}: copy on write");
            as_bytes += 1;
        } else {
            let file = fresh();
            let mut any = AnyArrayFile::open_mut(&file).unwrap();
            for (index, value) in &operations.set {
                any.write_selection(&Selection::element(index), &in_file_order(&header, value)).unwrap();
            }
            for (_, selection, value) in &operations.fill {
                any.fill_selection(selection, &in_file_order(&header, value)).unwrap();
            }
            assert_eq!(logical_sha256(&any), in_memory, "{id}");
            any.close().unwrap();
            assert_eq!(fs::read(&file).unwrap(), after, "{id}: positional");
            positional += 1;
        }
    }
    println!("{typed} typed, {positional} positional, {as_bytes} copy-on-write as bytes");
    assert_eq!(positional + as_bytes, 28);
    assert!(typed >= 20);
}

fn in_file_order(header: &Header, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if header.dtype().byte_order() == Some(ByteOrder::Big) {
        header.dtype().swap_bytes(&mut value);
    }
    value
}

/// Elements without a Rust type, such as strings, can be mapped as their bytes.
fn update_as_bytes(header: &Header, operations: &Operations, file: &Path, in_memory: &str, id: &str) {
    let layout = RawLayout::new().offset(header.data_offset());
    // SAFETY: nobody else uses the file.
    let mut bytes = unsafe { OpenOptions::new().raw(layout).open_cow::<u8, Ix1>(file) }.unwrap();
    let itemsize = header.itemsize();
    let lens: Vec<usize> = header.shape().iter().map(|&len| usize::try_from(len).unwrap()).collect();
    let positions = |order: Order| -> ArrayD<usize> {
        use ndarray::ShapeBuilder;
        let count = lens.iter().product();
        ArrayD::from_shape_vec(IxDyn(&lens).set_f(order == Order::F), (0..count).collect()).unwrap()
    };
    let positions = positions(header.order());
    let mut put = |at: usize, value: &[u8]| {
        for (k, &byte) in in_file_order(header, value).iter().enumerate() {
            bytes[at * itemsize + k] = byte;
        }
    };
    for (index, value) in &operations.set {
        put(positions[IxDyn(index)], value);
    }
    for (slices, _, value) in &operations.fill {
        positions.slice(&slices[..]).iter().for_each(|&at| put(at, value));
    }
    let mut logical: Vec<u8> = positions
        .iter()
        .flat_map(|&at| bytes.iter().skip(at * itemsize).take(itemsize).copied().collect::<Vec<_>>())
        .collect();
    header.dtype().to_little_endian(&mut logical);
    assert_eq!(sha256(logical), in_memory, "{id}");
    bytes.close().unwrap();
}

/// Slices of the larger arrays, read by position and taken from the mapping.
#[test]
fn slices_read_as_recorded() {
    let mut count = 0;
    for case in entries("analytics.json", "cases") {
        let file = path(text(&case, "path"));
        let any = AnyArrayFile::open(&file).unwrap();
        for recorded in case["slices"].as_array().unwrap() {
            let selection = selection(recorded["slices_start_stop_step"].as_array().unwrap());
            let mut items = any.read_selection(&selection).unwrap();
            any.header().dtype().to_little_endian(&mut items);
            assert_eq!(sha256(items), text(recorded, "sha256_c_le"), "{selection} of {}", file.display());
            assert_eq!(selection.shape_in(any.header().shape()).unwrap(), numbers(&recorded["shape"]));
            count += 1;
        }
    }
    println!("{count} slices");
    assert!(count >= 20, "{count}");
}
