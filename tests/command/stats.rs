use serde_json::json;

use super::support::{Folder, f8};

#[test]
fn the_keys_of_the_contract() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", true, "(2, 3)", &f8(&[3.0, 0.0, -1.0, -1.0, 5.0, 6.0]));
    let stats = folder.json(&["stats", "--json", "m.npy"]);
    // [[3, -1, 5], [0, -1, 6]]
    let expected = json!({
        "count": 6, "nan": 0, "inf": 0, "zeros": 1, "min": -1.0, "argmin": 1, "max": 6.0, "argmax": 5, "sum": 12.0,
        "mean": 2.0, "var": 8.0, "std": 8.0_f64.sqrt(),
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(stats[key], *value, "{key}");
    }
    assert_eq!(stats["axis"], json!(null));
}

#[test]
fn along_an_axis() {
    let folder = Folder::new();
    folder.npy("m.npy", "'>f8'", false, "(2, 3)", &[3.0_f64, -1.0, 5.0, 0.0, -1.0, 6.0].map(f64::to_be_bytes).concat());
    let expected = json!({
        "count": [2, 2, 2], "nan": [0, 0, 0], "zeros": [1, 0, 0], "min": [0.0, -1.0, 5.0], "argmin": [1, 0, 0],
        "max": [3.0, -1.0, 6.0], "argmax": [0, 0, 1], "sum": [3.0, -2.0, 11.0], "mean": [1.5, -1.0, 5.5], "std": [1.5, 0.0, 0.5],
    });
    for axis in ["0", "-2"] {
        let stats = folder.json(&["stats", "--json", "m.npy", "--axis", axis]);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(stats[key], *value, "{key}");
        }
        assert_eq!(stats["axis"], json!(0));
    }
    folder.npy("cube.npy", "'|u1'", false, "(2, 2, 2)", &[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(folder.json(&["stats", "--json", "cube.npy", "--axis", "1"])["sum"], json!([[2, 4], [10, 12]]));
    assert_eq!(folder.json(&["stats", "--json", "m.npy[0]", "--axis", "0"])["sum"], json!(7.0));
    assert!(folder.fails(&["stats", "m.npy", "--axis", "2"], 2).contains("no axis 2"));
    assert!(folder.ok(&["stats", "m.npy", "--axis", "0"]).lines().count() >= 4);
}

#[test]
fn whole_numbers_are_exact() {
    let folder = Folder::new();
    folder.npy("u.npy", "'<u8'", false, "(3,)", &[u64::MAX, u64::MAX, 1].map(u64::to_le_bytes).concat());
    let stats = folder.json(&["stats", "--json", "u.npy"]);
    assert_eq!((&stats["sum"], &stats["max"]), (&json!("36893488147419103231"), &json!("18446744073709551615")));
    assert_eq!((&stats["min"], &stats["argmin"]), (&json!(1), &json!(2)));
    folder.npy("i.npy", "'>i8'", false, "(2,)", &[i64::MIN, -1].map(i64::to_be_bytes).concat());
    assert_eq!(folder.json(&["stats", "--json", "i.npy"])["sum"], json!("-9223372036854775809"));
    folder.npy("b.npy", "'|b1'", false, "(4,)", &[1, 0, 1, 1]);
    let stats = folder.json(&["stats", "--json", "b.npy"]);
    assert_eq!((&stats["sum"], &stats["zeros"], &stats["mean"]), (&json!(3), &json!(1), &json!(0.75)));
}

#[test]
fn values_that_are_not_finite() {
    let folder = Folder::new();
    folder.npy("m.npy", "'<f8'", false, "(4,)", &f8(&[f64::NAN, 1.0, f64::NEG_INFINITY, 2.0]));
    let stats = folder.json(&["stats", "--json", "m.npy"]);
    assert_eq!((&stats["count"], &stats["nan"], &stats["inf"]), (&json!(4), &json!(1), &json!(1)));
    assert_eq!((&stats["min"], &stats["argmin"], &stats["sum"]), (&json!("-inf"), &json!(2), &json!("-inf")));
    assert_eq!((&stats["max"], &stats["argmax"]), (&json!(2.0), &json!(3)));
    folder.npy("e.npy", "'<f4'", false, "(0,)", &[]);
    let stats = folder.json(&["stats", "--json", "e.npy"]);
    assert_eq!((&stats["count"], &stats["min"], &stats["argmin"]), (&json!(0), &json!(null), &json!(null)));
    assert_eq!((&stats["sum"], &stats["mean"]), (&json!(0.0), &json!("nan")));
}

#[test]
fn complex_numbers_are_pairs() {
    let folder = Folder::new();
    folder.npy("c.npy", "'<c16'", false, "(2,)", &f8(&[1.0, -2.0, 3.0, 4.0]));
    let stats = folder.json(&["stats", "--json", "c.npy"]);
    assert_eq!(
        (&stats["sum"], &stats["mean"], &stats["min"]),
        (&json!([4.0, 2.0]), &json!([2.0, 1.0]), &json!([1.0, -2.0]))
    );
}

#[test]
fn neither_threads_nor_memory_change_a_bit() {
    let folder = Folder::new();
    let values: Vec<f64> = (0..300_000).map(|k| f64::from(k % 997 * 7919 % 10007) * 0.1 + 1e-7).collect();
    folder.npy("m.npy", "'<f8'", false, "(1000, 300)", &f8(&values));
    let one = folder.ok(&["stats", "--json", "m.npy", "--threads", "1"]);
    for more in [&["--threads", "2"][..], &["--threads", "7"], &["--memory", "4MiB"], &["--progress", "never"]] {
        assert_eq!(folder.ok(&[&["stats", "--json", "m.npy"], more].concat()), one, "{more:?}");
    }
    assert_eq!(folder.json(&["stats", "--json", "m.npy[::2]"])["count"], json!(150_000));
    assert!(folder.fails(&["stats", "m.npy[::2]", "--memory", "1MiB"], 2).contains("--memory"));
}

#[test]
fn what_is_no_number_has_none() {
    let folder = Folder::new();
    folder.npy("s.npy", "'|S2'", false, "(1,)", b"ab");
    assert!(folder.fails(&["stats", "s.npy"], 2).contains("bytes16"));
    folder.npy("b.npy", "'|b1'", false, "(1,)", &[2]);
    assert!(folder.fails(&["stats", "b.npy"], 3).contains("bool"));
}

/// The budget bounds what the process takes for itself, for a file of four times the budget.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux tells of the memory of another process")]
fn d12_the_memory_of_the_process_stays_inside_the_budget() {
    const BUDGET_KIB: u64 = 16 << 10;
    let folder = Folder::new();
    folder.ok(&["create", "big.npy", "--dtype", "f8", "--shape", "8192,1024", "--arange"]);
    for axis in [&[][..], &["--axis", "0"], &["--axis", "1"]] {
        let args = [&["stats", "big.npy", "--memory", "16MiB", "--json"], axis].concat();
        let Some(peak) = folder.peak_kib(&args) else { return };
        assert!(peak < BUDGET_KIB, "{axis:?}: {peak} KiB");
    }
}
