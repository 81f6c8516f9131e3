//! Searches, against what plain loops, the regex crate, Python's `mmap` and NumPy find.

#![cfg(feature = "search")]
#![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

#[path = "support/numpy.rs"]
mod numpy;

use std::ops::{ControlFlow, Range};
use std::path::Path;

use ndarray::{
    Array1, Array2, ArrayD, ArrayView1, ArrayViewD, Axis, Ix1, IxDyn, ShapeBuilder, Slice, arr0, arr1, array,
};
use outcore::compute::{CancelToken, Number, Sink, Source, Target};
use outcore::{ArrayFile, Be, CreateOptions, Element, ErrorKind, Job, MmapArray, MmapArrayMut, Order, RawLayout};
use proptest::prelude::*;

const THREADS: [usize; 4] = [1, 2, 3, 7];

fn small(threads: usize) -> Job<'static> {
    Job::new().threads(threads).with_small_grid()
}

/// A layout of the same elements: C, F, every second element, reversed.
fn lay_out<T: Element + Default>(shape: &[usize], items: &[T], layout: usize, test: impl FnOnce(ArrayViewD<'_, T>)) {
    let wide: Vec<usize> = shape.iter().map(|len| if layout == 2 { len * 2 } else { *len }).collect();
    let mut array = ArrayD::<T>::default(IxDyn(&wide).set_f(layout == 1));
    let mut view = array.view_mut();
    match layout {
        2 => view.slice_each_axis_inplace(|_| Slice::new(0, None, 2)),
        3 => (0..shape.len()).for_each(|axis| view.invert_axis(Axis(axis))),
        _ => {}
    }
    view.iter_mut().zip(items.iter().cycle()).for_each(|(place, item)| *place = *item);
    test(view.view());
}

/// Row-major indices at which the predicate holds.
fn oracle<T: Element>(view: &ArrayViewD<'_, T>, holds: impl Fn(T) -> bool) -> Vec<u64> {
    (0..).zip(view.iter()).filter(|&(_, &item)| holds(item)).map(|(place, _)| place).collect()
}

fn unravelled(shape: &[usize], places: &[u64]) -> Array2<u64> {
    let mut rows = Array2::zeros((places.len(), shape.len()));
    for (&place, mut row) in places.iter().zip(rows.rows_mut()) {
        let mut rest = place;
        for (axis, &len) in shape.iter().enumerate().rev() {
            row[axis] = rest % len as u64;
            rest /= len as u64;
        }
    }
    rows
}

/// Every search by a predicate, on these terms.
fn check_predicate<S: Source>(
    job: &Job<'_>,
    a: &S,
    expected: &[u64],
    shape: &[usize],
    holds: impl Fn(S::Elem) -> bool + Sync + Copy,
) {
    assert_eq!(job.count_where(a, holds).unwrap(), expected.len() as u64);
    assert_eq!(job.position(a, holds).unwrap(), expected.first().copied());
    assert_eq!(job.rposition(a, holds).unwrap(), expected.last().copied());
    assert_eq!(job.flatnonzero(a, holds).unwrap().to_array().unwrap().to_vec(), expected);
    assert_eq!(job.argwhere(a, holds).unwrap().to_array().unwrap(), unravelled(shape, expected));
    for limit in [1, 3, usize::MAX] {
        let mut found = Vec::new();
        let take = |place| {
            found.push(place);
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        job.for_each_where(a, holds, take).unwrap();
        assert_eq!(found, expected[..limit.min(expected.len())]);
    }
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => prop::collection::vec(0..7_usize, 0..4),
        2 => (1..900_usize).prop_map(|len| vec![len]),
        2 => (1..60_usize, 1..20_usize).prop_map(|(a, b)| vec![a, b]),
        1 => (1..12_usize, 1..12_usize, 1..6_usize).prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}

macro_rules! predicates {
    ($($name:ident, $type:ty, $items:expr, $holds:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(shape in shapes(), items in prop::collection::vec($items, 1..200), layout in 0..4_usize) {
                    let holds: fn($type) -> bool = $holds;
                    lay_out::<$type>(&shape, &items, layout, |view| {
                        let expected = oracle(&view, holds);
                        THREADS.iter().for_each(|&threads| check_predicate(&small(threads), &view, &expected, &shape, holds));
                    });
                }
            )*
        }
    };
}

predicates! {
    f64_elements, f64, floats(), |x| x > 2.0;
    f32_that_are_not_numbers, f32, floats().prop_map(|x| x as f32), f32::is_nan;
    u8_elements, u8, 0..9_u8, |x| x == 3;
    i16_elements, i16, -3..4_i16, |x| x < 0;
    bool_elements, bool, prop::bool::weighted(0.1), |x| x;
    big_endian_elements, Be<f64>, floats().prop_map(Be::new), |x| x.get() <= -1.0;
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        10 => (-40..40_i32).prop_map(|n| f64::from(n) / 8.0),
        1 => prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.0, 0.0]),
    ]
}

/// The same array in a file that is read by position, and in a mapping.
fn in_files<T: Element>(
    dir: &Path,
    view: &ArrayViewD<'_, T>,
    order: Order,
    test: impl Fn(&ArrayFile<T, IxDyn>, &MmapArray<T, IxDyn>),
) {
    let path = dir.join("a.npy");
    let mut array = ArrayD::from_elem(view.raw_dim().set_f(order == Order::F), *view.first().unwrap());
    array.assign(view);
    CreateOptions::new().overwrite(true).save(&path, &array).unwrap();
    let file = ArrayFile::open(&path).unwrap();
    assert_eq!(file.header().order(), order);
    // SAFETY: the folder is this test's own.
    test(&file, &unsafe { MmapArray::open(&path).unwrap() });
}

#[test]
fn files_and_mappings_hold_the_same_places_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let shape = [37, 11, 5];
    let array = ArrayD::from_shape_fn(IxDyn(&shape), |index| ((index[0] * 7 + index[1] * 3 + index[2]) % 13) as f64);
    let holds = |x: f64| x == 12.0 || x == 5.0;
    let expected = oracle(&array.view(), holds);
    for order in [Order::C, Order::F] {
        in_files(dir.path(), &array.view(), order, |file, mapped| {
            for threads in THREADS {
                check_predicate(&small(threads), file, &expected, &shape, holds);
                check_predicate(&small(threads), mapped, &expected, &shape, holds);
                check_predicate(&Job::new().threads(threads), file, &expected, &shape, holds);
            }
        });
    }
}

#[test]
fn foreign_byte_order_is_swapped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.dat");
    let bytes: Vec<u8> = (0..1000_u16).flat_map(|n| (n % 50).to_be_bytes()).collect();
    std::fs::write(&path, bytes).unwrap();
    let file = ArrayFile::<u16, Ix1>::open_raw(&path, RawLayout::new().dtype(Be::<u16>::dtype())).unwrap();
    let expected: Vec<u64> = (0..1000).filter(|n| n % 50 == 49).collect();
    check_predicate(&small(3), &file, &expected, &[1000], |x| x == 49);
    assert_eq!(small(2).count_value(&file, 49).unwrap(), 20);
}

#[test]
fn arrays_without_axes_or_elements_have_places_too() {
    let job = Job::new();
    assert_eq!(job.argwhere(&arr0(3.0), |x| x > 1.0).unwrap().to_array().unwrap().dim(), (1, 0));
    assert_eq!(job.argwhere(&arr0(3.0), |x| x > 3.0).unwrap().to_array().unwrap().dim(), (0, 0));
    assert_eq!(job.flatnonzero(&arr0(3.0), |x| x > 1.0).unwrap().to_array().unwrap(), array![0]);
    let none = Array2::<i32>::zeros((0, 5));
    assert_eq!(job.position(&none, |_| true).unwrap(), None);
    assert_eq!(job.rposition(&none, |_| true).unwrap(), None);
    assert_eq!(job.count_where(&none, |_| true).unwrap(), 0);
    assert_eq!(job.argwhere(&none, |_| true).unwrap().to_array().unwrap().dim(), (0, 2));
}

#[test]
fn the_first_and_the_last_are_found_without_a_look_at_the_rest() {
    let a = Array1::from_iter(0..1 << 16);
    for threads in THREADS {
        let looked = std::sync::atomic::AtomicUsize::new(0);
        let count = |holds: bool| {
            looked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            holds
        };
        assert_eq!(small(threads).position(&a, |x| count(x >= 100)).unwrap(), Some(100));
        assert_eq!(small(threads).rposition(&a, |x| count(x <= 65_000)).unwrap(), Some(65_000));
        // Threads that are ahead may have looked at blocks that do not count; never at most of the array.
        let looked = looked.into_inner();
        assert!(threads > 1 || looked < 3000, "{looked} looks on {threads} threads");
    }
}

#[test]
fn what_breaks_or_cancels_ends_the_search() {
    let a = Array1::<u8>::zeros(1 << 16);
    let token = CancelToken::new();
    let job = small(2).cancel(&token);
    token.cancel();
    assert_eq!(job.count_where(&a, |x| x == 0).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(job.bytes(&a).find(b"x").unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(job.bytes(&a).count_regex("x").unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_file_of_many_times_the_budget_is_searched_within_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let len = 4 << 20;
    let array = Array1::from_shape_fn(len, |n| if n % 1000 == 7 { 1.0 } else { 0.0 });
    outcore::save(&path, &array).unwrap();
    let file = ArrayFile::<f64, Ix1>::open(&path).unwrap();
    let job = Job::new().memory(4 << 20).threads(2);
    assert_eq!(job.count_value(&file, 1.0).unwrap(), len as u64 / 1000 + 1);
    // Everything matches: the list is as large as the file.
    let target = dir.path().join("places.npy");
    job.flatnonzero(&file, |x| x < 2.0).unwrap().save(&target).unwrap();
    let places = ArrayFile::<u64, Ix1>::open(&target).unwrap();
    assert_eq!(places.len(), len as u64);
    assert_eq!(places.get(len - 1).unwrap(), len as u64 - 1);
    assert_eq!(job.flatnonzero(&file, |x| x < 2.0).unwrap().to_array().unwrap_err().kind(), ErrorKind::OutOfMemory);
    let mut count = 0;
    job.for_each_where(
        &file,
        |x| x < 2.0,
        |_| {
            count += 1;
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(count, len);
    job.is_in(&file, &[1.0]).save(dir.path().join("in.npy")).unwrap();
}

fn same<T: Number + PartialEq>(a: T, b: T) -> bool {
    #[expect(clippy::eq_op, reason = "NaN")]
    let nan = a != a && b != b;
    a == b || nan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn values_are_found_and_replaced(
        shape in shapes(),
        items in prop::collection::vec(floats(), 1..200),
        values in prop::collection::vec(floats(), 0..30),
        value in floats(),
        layout in 0..4_usize,
    ) {
        lay_out::<f64>(&shape, &items, layout, |view| {
            let expected = oracle(&view, |item| same(item, value));
            let members = view.mapv(|item| values.iter().any(|&value| same(item, value)));
            for threads in THREADS {
                let job = small(threads);
                assert_eq!(job.count_value(&view, value).unwrap(), expected.len() as u64);
                assert_eq!(job.find_value(&view, value).unwrap(), expected.first().copied());
                assert_eq!(job.rfind_value(&view, value).unwrap(), expected.last().copied());
                assert_eq!(job.contains(&view, value).unwrap(), !expected.is_empty());
                assert_eq!(job.flatnonzero_value(&view, value).unwrap().to_array().unwrap().to_vec(), expected);
                assert_eq!(job.argwhere_value(&view, value).unwrap().to_array().unwrap(), unravelled(&shape, &expected));
                assert_eq!(job.is_in(&view, &values).to_array().unwrap(), members);
                let mut copy = view.to_owned();
                assert_eq!(job.replace_value(&mut copy, value, 77.0).unwrap(), expected.len() as u64);
                let replaced = view.mapv(|item| if same(item, value) { 77.0 } else { item });
                assert!(copy.iter().zip(&replaced).all(|(&a, &b)| same(a, b)));
            }
        });
    }

    #[test]
    fn integers_are_looked_up(items in prop::collection::vec(any::<i16>(), 0..300), values in prop::collection::vec(any::<i16>(), 0..300)) {
        let a = Array1::from(items);
        let expected = a.mapv(|item| values.contains(&item));
        prop_assert_eq!(small(2).is_in(&a, &values).to_array().unwrap(), expected);
    }
}

#[test]
fn sparse_replacement_writes_sparsely() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    outcore::save(&path, &Array1::from_shape_fn(5000, |n| if n % 2000 == 0 { f32::NAN } else { 1.0 })).unwrap();
    let mut file = ArrayFile::<f32, Ix1>::open_mut(&path).unwrap();
    assert_eq!(small(2).replace_value(&mut file, f32::NAN, 0.0).unwrap(), 3);
    assert_eq!(small(2).count_value(&file, f32::NAN).unwrap(), 0);
    assert_eq!(small(2).count_value(&file, 0.0).unwrap(), 3);
}

/// Python's `bytes.find` in the bounds of a slice, by definition.
fn occurrences(bytes: &[u8], range: Option<Range<usize>>, needle: &[u8], overlapping: bool) -> Vec<u64> {
    let Some(range) = range else { return Vec::new() };
    let (mut found, mut at) = (Vec::new(), range.start);
    while at + needle.len() <= range.end {
        if bytes[at..].starts_with(needle) {
            found.push(at as u64);
            at += if overlapping { 1 } else { needle.len().max(1) };
        } else {
            at += 1;
        }
    }
    found
}

/// The bounds of a slice as Python takes them.
fn bounds(len: usize, start: i64, end: i64) -> Option<Range<usize>> {
    let place =
        |bound: i64| usize::try_from(if bound < 0 { bound + len as i64 } else { bound }.clamp(0, len as i64)).unwrap();
    (place(start) <= place(end)).then(|| place(start)..place(end))
}

fn check_bytes<S: Source<Elem = u8>>(job: &Job<'_>, a: &S, bytes: &[u8], needle: &[u8], start: i64, end: i64) {
    let search = job.bytes(a).start(start).end(end);
    for overlapping in [false, true] {
        let expected = occurrences(bytes, bounds(bytes.len(), start, end), needle, overlapping);
        let search = if overlapping { search.overlapping() } else { search };
        assert_eq!(search.count(needle).unwrap(), expected.len() as u64);
        assert_eq!(search.find_all(needle).unwrap().to_array().unwrap().to_vec(), expected);
        let mut found = Vec::new();
        let take = |place| {
            found.push(place);
            ControlFlow::Continue(())
        };
        search.for_each(needle, take).unwrap();
        assert_eq!(found, expected);
        assert_eq!(search.find(needle).unwrap(), expected.first().copied());
        if overlapping {
            assert_eq!(search.rfind(needle).unwrap(), expected.last().copied());
        }
    }
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(b"ab".to_vec()), 0..1500),
        prop::collection::vec(prop::sample::select(b"aaaaaaab".to_vec()), 0..1500),
        (prop::collection::vec(prop::sample::select(b"abc".to_vec()), 1..6), 0..400_usize)
            .prop_map(|(unit, times)| unit.repeat(times)),
    ]
}

/// Short ones, periodic ones, ones longer than a block, and ones that are in the text.
fn needles() -> impl Strategy<Value = (Vec<u8>, Option<(usize, usize)>)> {
    (
        prop_oneof![
            4 => prop::collection::vec(prop::sample::select(b"ab".to_vec()), 0..6),
            1 => (1..700_usize).prop_map(|len| vec![b'a'; len]),
            1 => (1..300_usize).prop_map(|len| b"ab".repeat(len)),
        ],
        prop::option::weighted(
            0.4,
            (any::<prop::sample::Index>(), 0..700_usize).prop_map(|(at, len)| (at.index(1500), len)),
        ),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_found_as_python_finds_them(
        bytes in texts(),
        (needle, part) in needles(),
        start in -1600..1600_i64,
        end in -1600..1600_i64,
    ) {
        let needle = match part {
            Some((at, len)) if at < bytes.len() => bytes[at..bytes.len().min(at + len)].to_vec(),
            _ => needle,
        };
        let a = ArrayView1::from(&bytes);
        for threads in THREADS {
            check_bytes(&small(threads), &a, &bytes, &needle, 0, i64::MAX);
            check_bytes(&small(threads), &a, &bytes, &needle, start, end);
        }
    }

    #[test]
    fn bytes_are_replaced_as_python_replaces_them(bytes in texts(), (needle, part) in needles()) {
        let needle = match part {
            Some((at, len)) if at < bytes.len() => bytes[at..bytes.len().min(at + len)].to_vec(),
            _ => needle,
        };
        // Such that a replacement that is searched again would be found.
        let replacement: Vec<u8> = needle.iter().enumerate().map(|(n, &byte)| if n % 3 == 1 { b'x' } else { byte }).rev().collect();
        let mut expected = bytes.clone();
        let places = occurrences(&bytes, Some(0..bytes.len()), &needle, false);
        for &place in &places {
            expected[place as usize..][..needle.len()].copy_from_slice(&replacement);
        }
        let count = if needle.is_empty() { 0 } else { places.len() as u64 };
        for threads in THREADS {
            let mut a = Array1::from(bytes.clone());
            prop_assert_eq!(small(threads).replace(&mut a, &needle, &replacement).unwrap(), count);
            prop_assert_eq!(a.to_vec(), &expected[..]);
        }
    }
}

fn replace_in<S: Source<Elem = u8> + Sink<Elem = u8> + Target<Elem = u8>>(
    a: &mut S,
    needle: &[u8],
    replacement: &[u8],
) -> outcore::Result<u64> {
    small(3).replace(a, needle, replacement)
}

#[test]
fn files_and_mappings_are_searched_and_replaced_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    let text = b"that test, this test; aaaaa\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    {
        let file = ArrayFile::<u8, Ix1>::open_raw(&path, RawLayout::new()).unwrap();
        for needle in [&b"test"[..], b"aa", b"that", b"\n", b"no", b"", &text[30..900]] {
            check_bytes(&small(2), &file, &text, needle, 3, -5);
        }
    }
    let lossless = String::from_utf8(text.clone()).unwrap();
    let mut file = ArrayFile::<u8, Ix1>::open_raw_mut(&path, RawLayout::new()).unwrap();
    assert_eq!(replace_in(&mut file, b"test", b"Tset").unwrap(), 200);
    file.close().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lossless.replace("test", "Tset"));
    // SAFETY: the folder is this test's own.
    let mut mapped = unsafe { MmapArrayMut::<u8, Ix1>::open_raw_mut(&path, RawLayout::new()).unwrap() };
    assert_eq!(replace_in(&mut mapped, b"aa", b"ab").unwrap(), 200);
    mapped.close().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lossless.replace("test", "Tset").replace("aa", "ab"));
}

#[test]
fn what_cannot_be_replaced_in_place_is_an_error() {
    let mut a = arr1(b"abcabc");
    let error = replace_in(&mut a, b"abc", b"de").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.hint().is_some());
    let mut view = a.slice_mut(ndarray::s![..;2]);
    assert_eq!(replace_in(&mut view, b"a", b"b").unwrap_err().kind(), ErrorKind::InvalidArgument);
    let mut view = a.slice_mut(ndarray::s![..;-1]);
    assert_eq!(replace_in(&mut view, b"ab", b"xy").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(a, arr1(b"abcabc"));
}

#[test]
fn the_recorded_answers_of_mmap_are_found() {
    let text = include_str!("fixtures/mmap_find.json");
    let cases: Vec<serde_json::Value> =
        serde_json::from_str::<serde_json::Value>(text).unwrap()["cases"].as_array().unwrap().clone();
    let unhex = |text: &serde_json::Value| -> Vec<u8> {
        let text = text.as_str().unwrap();
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    for case in &cases {
        let a = Array1::from(unhex(&case["bytes"]));
        let job = small(2);
        let search = job.bytes(&a).start(case["start"].as_i64().unwrap());
        let search = case["end"].as_i64().map_or(search, |end| search.end(end));
        let needle = unhex(&case["needle"]);
        let found = if case["op"] == "find" { search.find(&needle) } else { search.rfind(&needle) };
        let found = found.unwrap().map_or(-1, |place| i64::try_from(place).unwrap());
        assert_eq!(found, case["found"].as_i64().unwrap(), "{case}");
    }
    assert!(cases.len() >= 20, "{} cases", cases.len());
}

/// The matches that the regex crate finds in the whole, up to `end`, from `start` on.
fn regex_oracle(pattern: &str, bytes: &[u8], start: usize, end: usize) -> Vec<Range<u64>> {
    let regex = regex::bytes::Regex::new(pattern).unwrap();
    let (mut found, mut at, mut ended) = (Vec::new(), start, None);
    while at <= end {
        let Some(m) = regex.find_at(&bytes[..end], at) else { break };
        if m.is_empty() && ended == Some(m.end()) {
            at += 1;
            ended = None;
            continue;
        }
        found.push(m.start() as u64..m.end() as u64);
        at = m.end();
        ended = Some(at);
    }
    if start == 0 {
        let all: Vec<_> = regex.find_iter(&bytes[..end]).map(|m| m.start() as u64..m.end() as u64).collect();
        assert_eq!(found, all, "the oracle and find_iter");
    }
    found
}

fn regex_matches<S: Source<Elem = u8>>(
    job: &Job<'_>,
    a: &S,
    pattern: &str,
    start: usize,
    end: usize,
) -> Vec<Range<u64>> {
    let search = job.bytes(a).start(start as i64).end(end as i64);
    let mut found = Vec::new();
    let take = |range| {
        found.push(range);
        ControlFlow::Continue(())
    };
    search.for_each_regex(pattern, take).unwrap();
    found
}

/// Expressions of every construct, at random.
fn patterns() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "ab",
        "abc",
        ".",
        "[ab]",
        "[^a]",
        r"\n",
        r"(?-u:\b)",
        r"(?-u:\B)",
        "^",
        "$",
        "(?m:^)",
        "(?m:$)",
        r"\A",
        r"\z",
        r"(?s:.)",
        r"(?-u:\xff)",
        "(?i:A)",
        r"\x{e9}",
        "",
        r"(?R m:^)",
        r"(?-u:\b{start})",
    ]);
    let atom = atom.prop_map(|atom| atom.replace("(?R m:", "(?Rm:"));
    atom.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            3 => (inner, prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}?"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

fn haystacks() -> impl Strategy<Value = Vec<u8>> {
    let unit = prop::sample::select(vec![
        &b"a"[..],
        b"a",
        b"b",
        b"b",
        b"c",
        b"abc",
        b"\n",
        b" ",
        b"\r\n",
        b"\xff",
        "\u{e9}".as_bytes(),
        b"_",
    ]);
    prop_oneof![
        2 => prop::collection::vec(unit.clone(), 0..60).prop_map(|units| units.concat()),
        1 => prop::collection::vec(unit, 300..900).prop_map(|units| units.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn expressions_match_as_over_the_whole(pattern in patterns(), bytes in haystacks(), start in 0..900_usize, cut in 0..900_usize) {
        let end = bytes.len() - cut.min(bytes.len());
        let start = start.min(end);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        std::fs::write(&path, &bytes).unwrap();
        let file = ArrayFile::<u8, Ix1>::open_raw(&path, RawLayout::new()).unwrap();
        for (start, end) in [(0, bytes.len()), (start, end)] {
            let expected = regex_oracle(&pattern, &bytes, start, end);
            // In memory, in a file that fits, and in one that does not.
            prop_assert_eq!(&regex_matches(&small(1), &ArrayView1::from(&bytes), &pattern, start, end), &expected);
            prop_assert_eq!(&regex_matches(&small(1), &file, &pattern, start, end), &expected);
            let tiny = small(1).memory(((end - start) as u64 * 2).saturating_sub(1));
            prop_assert_eq!(&regex_matches(&tiny, &file, &pattern, start, end), &expected);
        }
    }
}

#[test]
fn matches_of_any_length_are_found_in_small_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    let mut text = b"foo\n".to_vec();
    text.extend(b"x".repeat(300_000));
    text.extend(b"foo ");
    text.extend(b"y".repeat(300_000));
    text.extend(b"bar\n word \xc3\xa9t\xc3\xa9");
    std::fs::write(&path, &text).unwrap();
    let file = ArrayFile::<u8, Ix1>::open_raw(&path, RawLayout::new()).unwrap();
    let job = small(2).memory(200_000);
    for pattern in
        ["foo(.*bar)?", "(?s)x.*y", "[xy]{3,}", "(?s)o.*", "x+", "(?:x|y)+bar", "word|foo", r"(?s)\A.*\z", ""]
    {
        if pattern.is_empty() {
            assert_eq!(job.bytes(&file).count_regex(pattern).unwrap(), text.len() as u64 + 1);
            continue;
        }
        assert_eq!(
            regex_matches(&job, &file, pattern, 0, text.len()),
            regex_oracle(pattern, &text, 0, text.len()),
            "{pattern}"
        );
    }
    let found = job.bytes(&file).find_all_regex("foo").unwrap().to_array().unwrap();
    assert_eq!(found, array![[0, 3], [300_004, 300_007]]);
    assert_eq!(job.bytes(&file).find_regex("o ").unwrap(), Some(300_006..300_008));
    // Unicode word boundaries: what the automaton knows, and what it does not.
    let found = regex_matches(&job, &file, r"foo\b", 0, 10);
    assert!(found.iter().eq([&(0..3)]), "{found:?}");
    let error = job.bytes(&file).count_regex(r"\bt\b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.hint().unwrap().contains("(?-u:"));
    assert_eq!(Job::new().bytes(&file).count_regex(r"\bt\b").unwrap(), 0);
    assert_eq!(Job::new().bytes(&file).count_regex(r"\b\w+\b").unwrap(), 5);
}

#[test]
fn a_wrong_expression_is_an_error_of_one_line() {
    for (bytes, memory) in [(&b"text"[..], 1 << 20), (b"", 1 << 20)] {
        let error = Job::new().memory(memory).bytes(&arr1(b"text")).count_regex("a(b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(error.to_string().contains("unclosed group"), "{error} {}", bytes.len());
    }
    let error = Job::new().bytes(&arr1(b"text")).count_regex(r"\w{1000}{1000}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn numpy_finds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let script = "\
rng = np.random.default_rng(7)
a = rng.integers(-5, 6, (41, 13, 3)).astype('f4') / 2
a[rng.random(a.shape) < 0.05] = np.nan
np.save(args[0], np.asfortranarray(a) if args[1] == 'F' else a)
values = [1.5, -2.0, 0.0, 7.0]
print(json.dumps([np.flatnonzero(a > 1).tolist(), np.argwhere(a < -1).tolist(), int(np.count_nonzero(a == 0)), np.flatnonzero(np.isin(a, values)).tolist()]))
";
    for order in ["C", "F"] {
        let Some(told) = numpy::run(script, &[path.as_os_str(), order.as_ref()]) else { return };
        let (flat, rows, zeros, members): (Vec<u64>, Vec<Vec<u64>>, u64, Vec<u64>) =
            serde_json::from_str(&told).unwrap();
        let file = ArrayFile::<f32, IxDyn>::open(&path).unwrap();
        let job = small(2);
        assert_eq!(job.flatnonzero(&file, |x| x > 1.0).unwrap().to_array().unwrap().to_vec(), flat);
        let found = job.argwhere(&file, |x| x < -1.0).unwrap().to_array().unwrap();
        assert_eq!(found.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(), rows);
        assert_eq!(job.count_value(&file, 0.0).unwrap(), zeros);
        let found = job.is_in(&file, &[1.5, -2.0, 0.0, 7.0]).to_array().unwrap();
        assert_eq!(job.flatnonzero(&found, |held| held).unwrap().to_array().unwrap().to_vec(), members);
        std::fs::remove_file(&path).unwrap();
    }
}
