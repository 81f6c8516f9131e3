//! Every recorded call of the constructor `np.memmap` has its counterpart, with the same answer or a difference that is stated here.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs;
use std::path::Path;

use fixtures::{entries, number, numbers, text};
use ndarray::IxDyn;
use outcore::{CreateOptions, DType, Element, Error, ErrorKind, Format, Le, OpenOptions, RawLayout};
use serde_json::Value;

/// How a call of `np.memmap` that fails is called here.
fn kind_of_refusal(message: &str) -> ErrorKind {
    let kinds = [
        ("mmap length is greater than file size", ErrorKind::Truncated),
        ("Size of available data is not a multiple", ErrorKind::Shape),
        ("integer modulo by zero", ErrorKind::InvalidArgument),
        ("array is too big", ErrorKind::TooLarge),
        ("Python int too large", ErrorKind::TooLarge),
        ("[Errno 2]", ErrorKind::NotFound),
    ];
    let found = kinds.iter().find(|(beginning, _)| message.starts_with(beginning));
    found.unwrap_or_else(|| panic!("NumPy said: {message}")).1
}

/// Opens a raw file through every handle of a mode, and says with which shape, or why not.
fn open_raw(mode: char, dtype: &str, layout: RawLayout, file: &Path) -> Result<Vec<u64>, Error> {
    let options = OpenOptions::new().raw(layout);
    let any = if mode == 'w' { options.open_any_file_mut(file) } else { options.open_any_file(file) };
    let any = any.map(|any| any.header().shape().to_vec());
    let mapped = match dtype {
        "|u1" => map_raw::<u8>(mode, &options, file),
        "<f8" => map_raw::<Le<f64>>(mode, &options, file),
        // SAFETY: nobody else uses the file.
        _ => unsafe { options.open_any(file) }.map(|any| any.header().shape().to_vec()),
    };
    assert_eq!(mapped.as_ref().map_err(Error::kind), any.as_ref().map_err(Error::kind));
    mapped
}

fn map_raw<T: Element>(mode: char, options: &OpenOptions, file: &Path) -> Result<Vec<u64>, Error> {
    let shape = match mode {
        // SAFETY: nobody else uses the file.
        'r' => unsafe { options.open::<T, IxDyn>(file) }?.shape().to_vec(),
        // SAFETY: nobody else uses the file.
        'c' => unsafe { options.open_cow::<T, IxDyn>(file) }?.shape().to_vec(),
        // SAFETY: nobody else uses the file.
        _ => unsafe { options.open_mut::<T, IxDyn>(file) }?.shape().to_vec(),
    };
    Ok(shape.into_iter().map(|len| len as u64).collect())
}

/// m1 to m12: the constructor of `np.memmap`, call by call. The differences, all of them on purpose:
/// - opening never changes a file, so where NumPy makes the file longer the answer is `Truncated`;
/// - an array of no bytes needs no mapping, so that an empty file will do for it (NumPy: "cannot mmap an empty file", or a file
///   of one byte);
/// - what the types rule out cannot be asked: negative offsets and lengths, fractions, unknown modes, creating without a shape.
#[test]
fn m_every_call_of_memmap_has_its_counterpart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.dat");
    let (mut same, mut not_grown, mut empty, mut impossible, mut created) = (0, 0, 0, 0, 0);
    for case in entries("memmap_params.json", "cases") {
        let (mode, offset) = (text(&case, "mode"), case["offset"].as_i64().unwrap());
        let shape = match &case["shape"] {
            Value::Null => None,
            Value::Number(len) => Some(len.as_u64().map(|len| vec![len])),
            Value::Array(lens) => Some(lens.iter().map(Value::as_u64).collect()),
            other => panic!("shape {other}"),
        };
        let (Ok(offset), false) = (u64::try_from(offset), shape == Some(None)) else {
            assert_eq!(case["result"]["outcome"], "reject", "{case}");
            impossible += 1;
            continue;
        };
        let shape = shape.flatten();
        let _ = fs::remove_file(&file);
        let before: Option<Vec<u8>> =
            case["file_len"].as_u64().map(|len| (0..len).map(|i| ((i * 7 + 3) % 251) as u8).collect());
        if let Some(before) = &before {
            fs::write(&file, before).unwrap();
        }
        let mode = match mode {
            "r" | "readonly" => 'r',
            "c" | "copyonwrite" => 'c',
            "r+" | "readwrite" => 'w',
            "w+" | "write" => match shape {
                Some(shape) => {
                    check_create(&case, &file, &shape, offset);
                    created += 1;
                    continue;
                }
                None => 'x',
            },
            _ => 'x',
        };
        if mode == 'x' {
            assert_eq!(case["result"]["outcome"], "reject", "{case}");
            impossible += 1;
            continue;
        }

        let dtype = text(&case, "dtype");
        let mut layout = RawLayout::new().dtype(dtype.parse().unwrap()).offset(offset);
        if let Some(shape) = &shape {
            layout = layout.shape(shape.clone());
        }
        let result = open_raw(mode, dtype, layout, &file);
        assert_eq!(fs::read(&file).ok(), before, "opening changed the file: {case}");
        let len = before.as_ref().map_or(0, |before| before.len() as u64);
        // At the end of an empty file, no bytes are wanted and none are there.
        let nothing =
            offset == 0 && len == 0 && shape.as_ref().is_none_or(|shape| shape.contains(&0)) && dtype != "|S0";
        let numpy = &case["result"];
        match (numpy["outcome"].as_str(), result) {
            (_, Ok(shape)) if nothing && before.is_some() => {
                assert!(shape.contains(&0), "{case}");
                empty += 1;
            }
            (Some("accept"), Ok(shape)) => {
                assert_eq!(case["file_changed"], false, "{case}");
                assert_eq!(shape, numbers(&numpy["shape"]), "{case}");
                same += 1;
            }
            (Some("accept"), Err(error)) => {
                assert!(mode == 'w' && case["file_changed"] == true, "{error}: {case}");
                assert_eq!(error.kind(), ErrorKind::Truncated, "{error}: {case}");
                not_grown += 1;
            }
            (_, Ok(shape)) => panic!("opened as {shape:?}: {case}"),
            (_, Err(error)) => {
                let beyond_end = shape.is_none() && offset > len && before.is_some();
                let kind = if beyond_end { ErrorKind::Truncated } else { kind_of_refusal(text(numpy, "message")) };
                assert_eq!(error.kind(), kind, "{error}: {case}");
                same += 1;
            }
        }
    }
    println!("{same} alike, {created} created, {not_grown} not grown, {empty} empty, {impossible} cannot be asked");
    assert_eq!(same + created + not_grown + empty + impossible, 276);
    assert!(same > 150 && created > 40 && not_grown > 10 && impossible < 45);
}

/// m11: no bytes are wanted and none are there.
#[test]
fn m11_an_empty_file_is_an_array_without_elements() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.dat");
    fs::write(&file, b"").unwrap();
    for layout in [RawLayout::new(), RawLayout::new().shape([0]), RawLayout::new().shape([3, 0])] {
        for mode in ['r', 'c', 'w'] {
            let shape = open_raw(mode, "<f8", layout.clone().dtype("<f8".parse().unwrap()), &file).unwrap();
            assert!(shape.contains(&0), "{shape:?}");
            assert_eq!(fs::metadata(&file).unwrap().len(), 0);
        }
    }
}

/// m6: `w+` is a call of its own; the file is the old one or the complete new one, and never longer than its array.
fn check_create(case: &Value, file: &Path, shape: &[u64], offset: u64) {
    let dtype: DType = text(case, "dtype").parse().unwrap();
    let options = CreateOptions::new().format(Format::Raw).offset(offset).overwrite(true);
    let any = options.create_any_file(file, &dtype, shape).unwrap();
    assert_eq!(any.header().shape(), numbers(&case["result"]["shape"]), "{case}");
    drop(any);
    let bytes = fs::read(file).unwrap();
    let needed = offset + shape.iter().product::<u64>() * dtype.itemsize() as u64;
    assert_eq!(bytes.len() as u64, needed, "{case}");
    // NumPy needs a byte to map.
    assert_eq!(needed.max(1), number(case, "file_len_after"), "{case}");
    assert!(bytes.iter().all(|&byte| byte == 0), "{case}");
}
