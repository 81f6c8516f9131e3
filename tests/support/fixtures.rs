//! The recorded files under `tests/fixtures`, and the few means to compare with them.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

use outcore::{AnyArrayFile, DType};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A file of the fixtures, by its path inside their folder.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The entries of a manifest, under `key`.
pub(crate) fn entries(manifest: &str, key: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(manifest)).expect("the manifest is there");
    let mut manifest: Value = serde_json::from_str(&text).expect("the manifest is JSON");
    match manifest[key].take() {
        Value::Array(entries) => entries,
        other => panic!("{key} is no list: {other}"),
    }
}

/// The entries of `manifest.json` of one kind.
pub(crate) fn of_kind(kind: &str) -> Vec<Value> {
    entries("manifest.json", "entries").into_iter().filter(|entry| entry["kind"] == kind).collect()
}

/// A string under a key that must be there.
pub(crate) fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("no string {key} in {entry}"))
}

/// A whole number under a key that must be there.
pub(crate) fn number(entry: &Value, key: &str) -> u64 {
    entry[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {entry}"))
}

/// A shape or an index.
pub(crate) fn numbers(list: &Value) -> Vec<u64> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter().map(|len| len.as_u64().expect("a whole number")).collect()
}

/// As [`numbers`], for indexing.
pub(crate) fn index(list: &Value) -> Vec<usize> {
    numbers(list).into_iter().map(|at| usize::try_from(at).expect("an index")).collect()
}

pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// The elements in row-major order, each scalar little-endian, padding zero: in blocks, so that their seams are tested too.
pub(crate) fn logical_sha256(file: &AnyArrayFile) -> String {
    let mut sha256 = Sha256::new();
    for block in file.blocks(1000) {
        let mut block = block.expect("the file is whole");
        file.header().dtype().to_little_endian(&mut block);
        sha256.update(&block);
    }
    hex(&sha256.finalize())
}

/// Compares a dtype with its description in the manifest, down to the fields.
pub(crate) fn check_dtype(id: &str, found: &DType, recorded: &Value) {
    assert_eq!(found.itemsize() as u64, number(recorded, "itemsize"), "{id}: itemsize of {found}");
    if let Some(fields) = recorded["fields"].as_array() {
        let DType::Record(record) = found else { panic!("{id}: {found} is no record") };
        assert_eq!(record.fields().len(), fields.len(), "{id}: fields of {found}");
        for (field, recorded) in record.fields().iter().zip(fields) {
            assert_eq!(field.name(), text(recorded, "name"), "{id}");
            assert_eq!(field.title(), recorded["title"].as_str(), "{id}: title of {}", field.name());
            assert_eq!(field.offset() as u64, number(recorded, "offset"), "{id}: offset of {}", field.name());
            check_dtype(id, field.dtype(), &recorded["dtype"]);
        }
    } else if let Some(sub) = recorded.get("subarray") {
        let DType::SubArray { base, shape } = found else { panic!("{id}: {found} is no sub-array") };
        assert_eq!(shape.iter().map(|&len| u64::from(len)).collect::<Vec<_>>(), numbers(&sub["shape"]), "{id}");
        check_dtype(id, base, &sub["base"]);
    } else {
        let name = text(recorded, "str");
        assert_eq!(found.descr(), format!("'{name}'"), "{id}");
        assert_eq!(*found, name.parse::<DType>().expect("a dtype"), "{id}");
    }
}
