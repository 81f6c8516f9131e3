//! Statistics of the larger recorded arrays are NumPy's, from a file, a mapping and memory alike, bit for bit among these.

#![cfg(all(feature = "half", feature = "complex"))]

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/recorded.rs"]
mod recorded;

use std::fmt::Debug;

use fixtures::{entries, number, path, sha256, text};
use ndarray::{Axis, IxDyn};
use outcore::compute::Number;
use outcore::{AnyArrayFile, ArrayFile, Job, MmapArray};
use recorded::{Recorded, hex_float};
use serde_json::Value;

/// Sums and values as `f64`, from the way they print, which is exact for all types here.
fn float(value: impl Debug) -> f64 {
    match format!("{value:?}").as_str() {
        "true" => 1.0,
        "false" => 0.0,
        digits => digits.parse().unwrap_or_else(|_| panic!("{digits} is no number")),
    }
}

fn recorded(case: &Value, key: &str) -> f64 {
    hex_float(text(case, key))
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs()
}

fn check<T: Recorded + Number>(case: &Value) {
    let (name, file) = (text(case, "path"), path(text(case, "path")));
    let positional = ArrayFile::<T, IxDyn>::open(&file).unwrap();
    let stats = positional.stats().unwrap();
    assert_eq!(stats.count, number(case, "count"), "{name}");
    assert_eq!(stats.nan, 0, "{name}");
    assert_eq!(stats.count - stats.zeros, number(case, "count_nonzero"), "{name}");
    assert_eq!(float(stats.sum), recorded(case, "sum_f64"), "{name}: sum");
    assert_eq!(float(stats.min.unwrap()), recorded(case, "min"), "{name}: min");
    assert_eq!(float(stats.max.unwrap()), recorded(case, "max"), "{name}: max");
    assert_eq!(stats.argmin, Some(number(case, "argmin_c_order")), "{name}: argmin");
    assert_eq!(stats.argmax, Some(number(case, "argmax_c_order")), "{name}: argmax");
    let tolerance = case["rel_tol_var_std"].as_f64().unwrap();
    assert!(close(float(stats.mean), recorded(case, "mean_f64"), tolerance), "{name}: {:?}", stats.mean);
    assert!(close(stats.var, recorded(case, "var_ddof0_f64"), tolerance), "{name}: {}", stats.var);
    assert!(close(stats.std, recorded(case, "std_ddof0_f64"), tolerance), "{name}: {}", stats.std);

    let bits = |value: &dyn Debug| format!("{value:?}");
    let expected = bits(&stats);
    for threads in [1, 2, 3, 7] {
        assert_eq!(
            bits(&Job::new().threads(threads).stats(&positional).unwrap()),
            expected,
            "{name}: {threads} threads"
        );
    }
    assert_eq!(bits(&Job::new().stats(&positional.read().unwrap()).unwrap()), expected, "{name}: in memory");
    // SAFETY: nobody writes the fixtures.
    if let Ok(mapped) = unsafe { MmapArray::<T>::open(&file) } {
        assert_eq!(bits(&mapped.stats().unwrap()), expected, "{name}: mapped");
    }
    check_axes(case, &positional);
}

fn check_axes<T: Recorded + Number>(case: &Value, file: &ArrayFile<T, IxDyn>) {
    for sums in case["axis_sums_sha256_f64_le"].as_array().unwrap() {
        let axis = Axis(usize::try_from(number(sums, "axis")).unwrap());
        let found = Job::new().sum_axis(file, axis).unwrap().mapv(float);
        assert_eq!(float(found.first().unwrap()), recorded(sums, "first"), "{}: {axis:?}", text(case, "path"));
        let bytes: Vec<u8> = found.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        assert_eq!(sha256(bytes), text(sums, "sha256"), "{}: {axis:?}", text(case, "path"));
        let stats = file.stats_axis(axis).unwrap();
        assert_eq!(stats.sum.mapv(float), found, "{}: {axis:?}", text(case, "path"));
    }
}

#[test]
fn statistics_are_those_that_numpy_computed() {
    let mut count = 0;
    for case in entries("analytics.json", "cases") {
        let file = AnyArrayFile::open(path(text(&case, "path"))).unwrap();
        match file.header().dtype().name().as_str() {
            "float64" => check::<f64>(&case),
            "float32" => check::<f32>(&case),
            "int32" => check::<i32>(&case),
            "int16" => check::<i16>(&case),
            "uint8" => check::<u8>(&case),
            "bool" => check::<bool>(&case),
            other => panic!("{other}"),
        }
        count += 1;
    }
    assert_eq!(count, 6);
}
