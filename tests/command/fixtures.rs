//! The fixtures under `tests/fixtures`, whose README tells their rules, through the command.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::support::Folder;
use hex_float::hex_float;

#[path = "../support/hex_float.rs"]
mod hex_float;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn entries(manifest: &str) -> Vec<Value> {
    let text = fs::read_to_string(fixtures().join(manifest)).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    manifest["entries"].as_array().unwrap().clone()
}

/// Runs a part of the work on each processor.
fn in_parallel(entries: &[Value], check: impl Fn(&Value) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in entries.chunks(entries.len().div_ceil(threads).max(1)) {
            scope.spawn(|| part.iter().for_each(&check));
        }
    });
}

fn accepted(entry: &Value) -> bool {
    entry["policy"] == "accept"
}

#[test]
fn every_array_is_described_and_summed() {
    let folder = Folder::new();
    let all: Vec<Value> =
        entries("manifest.json").into_iter().filter(|entry| entry["kind"] == "npy" && accepted(entry)).collect();
    assert!(all.len() > 100);
    in_parallel(&all, |entry| {
        let path = fixtures().join(entry["path"].as_str().unwrap());
        let path = path.to_str().unwrap();
        let info = folder.json(&["info", "--json", path]);
        assert_eq!(info["shape"], entry["shape"], "{path}");
        assert_eq!(info["data_offset"], entry["data_offset"], "{path}");
        let moot = entry["shape"].as_array().unwrap().iter().filter(|len| **len != 1).count() < 2
            || entry["expect"]["count"] == 0;
        if !moot {
            assert_eq!(info["order"] == "F", entry["fortran_order"].as_bool().unwrap(), "{path}");
        }
        let sum = folder.json(&["checksum", "--logical", "--json", path]);
        assert_eq!(sum["sha256"], entry["expect"]["sha256_c_le"], "{path}");
    });
}

#[test]
fn every_file_without_a_header_too() {
    let folder = Folder::new();
    let all: Vec<Value> =
        entries("manifest.json").into_iter().filter(|entry| entry["kind"] == "dat" && accepted(entry)).collect();
    assert!(!all.is_empty());
    for entry in &all {
        let path = fixtures().join(entry["path"].as_str().unwrap());
        let dtype = entry["dtype"]["str"].as_str().unwrap();
        let lens: Vec<String> = entry["shape"].as_array().unwrap().iter().map(Value::to_string).collect();
        let args = [
            "checksum",
            "--logical",
            "--json",
            path.to_str().unwrap(),
            "--raw-dtype",
            dtype,
            "--shape",
            &lens.join(","),
            "--offset",
            &entry["offset"].to_string(),
            "--order",
            entry["order"].as_str().unwrap(),
        ];
        assert_eq!(folder.json(&args)["sha256"], entry["expect"]["sha256_c_le"], "{entry}");
    }
}

/// A statistic as a number, of whatever kind it is.
fn number(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    }
}

fn flatten(value: &Value, all: &mut Vec<f64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, all)),
        value => all.push(number(value)),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn statistics_are_those_of_numpy() {
    let folder = Folder::new();
    let text = fs::read_to_string(fixtures().join("analytics.json")).unwrap();
    let analytics: Value = serde_json::from_str(&text).unwrap();
    for case in analytics["cases"].as_array().unwrap() {
        let path = fixtures().join(case["path"].as_str().unwrap());
        let path = path.to_str().unwrap();
        let stats = folder.json(&["stats", "--json", path]);
        for (key, expected) in [("count", "count"), ("argmin", "argmin_c_order"), ("argmax", "argmax_c_order")] {
            assert_eq!(stats[key], case[expected], "{key} of {path}");
        }
        for (key, expected) in [("sum", "sum_f64"), ("mean", "mean_f64"), ("min", "min"), ("max", "max")] {
            // What reads the JSON here may be off by the last bit.
            let (found, expected) = (number(&stats[key]), hex_float(case[expected].as_str().unwrap()));
            assert!((found - expected).abs() <= expected.abs() * f64::EPSILON, "{key} of {path}: {found} {expected}");
        }
        for (key, expected) in [("var", "var_ddof0_f64"), ("std", "std_ddof0_f64")] {
            let (found, expected) = (number(&stats[key]), hex_float(case[expected].as_str().unwrap()));
            assert!((found - expected).abs() <= expected.abs() * 1e-12, "{key} of {path}: {found} {expected}");
        }
        let zeros = case["count"].as_u64().unwrap() - case["count_nonzero"].as_u64().unwrap();
        assert_eq!(stats["zeros"], zeros, "{path}");
        for axis in case["axis_sums_sha256_f64_le"].as_array().unwrap() {
            let stats = folder.json(&["stats", "--json", path, "--axis", &axis["axis"].to_string()]);
            let mut sums = Vec::new();
            flatten(&stats["sum"], &mut sums);
            let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
            assert_eq!(axis["sha256"], sha256(&bytes), "{axis} of {path}");
        }
        for part in case["slices"].as_array().unwrap() {
            let digits = folder.ok(&["show", "--hex", &format!("{path}{}", slice(&part["slices_start_stop_step"]))]);
            let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b'\n').collect();
            let pair = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            let bytes: Vec<u8> = digits.as_chunks().0.iter().map(pair).collect();
            assert_eq!(part["sha256_c_le"], sha256(&bytes), "{part} of {path}");
        }
    }
}

/// `[1::2, :4]`, of a start, a stop and a step for each axis.
fn slice(parts: &Value) -> String {
    let bound = |bound: &Value| if bound.is_null() { String::new() } else { bound.to_string() };
    let part = |part: &Value| format!("{}:{}:{}", bound(&part[0]), bound(&part[1]), bound(&part[2]));
    format!("[{}]", parts.as_array().unwrap().iter().map(part).collect::<Vec<_>>().join(", "))
}

#[test]
fn writes_come_out_as_recorded() {
    let folder = Folder::new();
    let mut done = 0;
    for entry in entries("manifest.json") {
        if entry["kind"] != "update" || entry["mode"] != "r+" {
            continue;
        }
        let copy = folder.path("copy.npy");
        fs::copy(fixtures().join(entry["before"].as_str().unwrap()), &copy).unwrap();
        for op in entry["ops"].as_array().unwrap() {
            let (verb, place) = match op["op"].as_str().unwrap() {
                "set" => ("set", op["index"].to_string()),
                _ => ("fill", slice(&op["slices_start_stop_step"])),
            };
            folder.ok(&[verb, &format!("copy.npy{place}"), "--hex", op["value_le_hex"].as_str().unwrap()]);
        }
        let after = fs::read(fixtures().join(entry["after"].as_str().unwrap())).unwrap();
        assert!(folder.read("copy.npy") == after, "{}", entry["id"]);
        done += 1;
    }
    assert!(done > 10);
}

#[test]
fn what_must_be_refused_is_damaged() {
    let folder = Folder::new();
    let all: Vec<Value> = entries("invalid_manifest.json")
        .into_iter()
        .filter(|entry| {
            entry["policy"] == "reject" && entry["path"].as_str().is_some_and(|path| path.ends_with(".npy"))
        })
        .collect();
    assert!(all.len() > 100);
    in_parallel(&all, |entry| {
        let path = fixtures().join(entry["path"].as_str().unwrap());
        let before = fs::read(&path).unwrap();
        folder.fails(&["info", path.to_str().unwrap()], 3);
        assert!(fs::read(&path).unwrap() == before, "{entry}");
    });
}
