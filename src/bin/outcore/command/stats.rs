//! `outcore stats`: what one pass over the elements tells.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use outcore::compute::{Job, Number, Source, StatsAxis};
use outcore::ndarray::{ArrayD, Axis, IxDyn};
use outcore::{AnyArrayFile, Element, Selection, dispatch};

use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Json, Out, json, words};
use crate::quantity::{grouped, human_bytes, tuple};
use crate::settings::{RawArgs, Settings};
use crate::target::Target;

/// Rows of a table for people; more go to --json.
const ROWS: usize = 1000;

const EXAMPLES: &str = "\
NaN is counted, and left out of all else. std and var are those of a population (ddof 0); argmin and argmax are the index of the
first such element in row-major order, or along the axis. Sums of whole numbers are exact.

With --json: an object with schema, path, dtype, shape, axis (or null), and count, nan, inf, zeros, min, argmin, max, argmax, sum,
mean, var, std. With --axis these are lists (within lists) in the shape that is left. Complex numbers are [re, im].

Examples:
  outcore stats m.npy
  outcore stats m.npy --axis 0 --json
  outcore stats 'm.npy[:1000, 3]' --memory 512MiB";

/// Count, NaN, zeros, min, max, sum, mean, std, in one pass over a file of any size
///
/// The result does not depend on the number of threads, to the last bit.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file, and a slice of it if not all is meant; a slice is held in memory
    #[arg(value_name = "FILE[SLICE]")]
    target: OsString,
    /// Reduce along this axis only; -1 is the last
    #[arg(long, value_name = "K", allow_hyphen_values = true)]
    axis: Option<i64>,
    #[command(flatten)]
    raw: RawArgs,
}

/// The names of the statistics, in the order in which they are told.
const NAMES: [&str; 12] =
    ["count", "nan", "inf", "zeros", "min", "argmin", "max", "argmax", "sum", "mean", "var", "std"];

/// Statistics as JSON, in the order of their names: of all elements, or lists in the shape that an axis leaves.
type Told = [Json; NAMES.len()];

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let target = Target::new(&typed.target)?;
    let file = settings.open(&target.path, &typed.raw)?;
    let selection = target.selection();
    let shape = selection.shape_in(file.header().shape()).map_err(|error| Failure::of_file(file.path(), error))?;
    let axis = typed.axis.map(|axis| place(axis, shape.len()).map_err(|what| Failure::of_file(file.path(), what)));
    let axis = axis.transpose()?;
    let told = tell(&file, &selection, &shape, axis, settings)?;
    if settings.json {
        let head = [
            ("schema", json::SCHEMA.into()),
            ("path", file.path().display().to_string().into()),
            ("dtype", Json::DType(file.header().dtype().clone())),
            ("shape", shape.as_slice().into()),
            ("axis", axis.map(|axis| axis as u64).into()),
        ];
        out.document(&json::object(head.into_iter().chain(NAMES.into_iter().zip(told))))?;
    } else {
        let left: Vec<u64> = match axis {
            Some(axis) => shape.iter().enumerate().filter(|&(place, _)| place != axis).map(|(_, &len)| len).collect(),
            None => Vec::new(),
        };
        let name = out.bold(&one_line(&target.to_string()));
        let what = out.faint(&format!("{} {}", file.header().dtype().name(), tuple(&shape)));
        writeln!(out, "{name}          {what}")?;
        match axis {
            Some(_) => write_table(out, &told, &left)?,
            None => write_list(out, told, &shape)?,
        }
    }
    Ok(Outcome::Done)
}

/// The axis that a number names, which counts from the end if it is negative.
fn place(axis: i64, ndim: usize) -> Result<usize, String> {
    let from_start = if axis < 0 { axis.checked_add_unsigned(ndim as u64) } else { Some(axis) };
    from_start
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|&axis| axis < ndim)
        .ok_or_else(|| format!("no axis {axis}: the array has {ndim}"))
}

fn tell(
    file: &AnyArrayFile,
    selection: &Selection,
    shape: &[u64],
    axis: Option<usize>,
    settings: &Settings,
) -> Result<Told, Failure> {
    let dtype = file.header().dtype();
    let nbytes = shape.iter().product::<u64>().saturating_mul(dtype.itemsize() as u64);
    if !selection.is_all() && nbytes > settings.budget() {
        let what = format!("the slice takes {}, more than --memory allows", human_bytes(nbytes));
        return Err(Failure::of_file(file.path(), format_args!("{what}; take a part of it, or the whole file")));
    }
    let job = settings.job(nbytes);
    dispatch!(dtype, T => {
        let array = file.typed::<T, IxDyn>()?;
        if selection.is_all() {
            tell_of(&job, &array, axis)
        } else {
            tell_of(&job, &array.read_selection(selection)?, axis)
        }
    }, else => {
        let what = format!("no statistics of {}; they are for numbers", dtype.name());
        Err(Failure::of_file(file.path(), what))
    })
}

fn tell_of<T, S>(job: &Job<'_>, array: &S, axis: Option<usize>) -> Result<Told, Failure>
where
    T: Element + Number<Value: Into<Json>, Sum: Into<Json>, Mean: Into<Json>>,
    S: Source<Elem = T, Dim = IxDyn>,
{
    let Some(axis) = axis else {
        let s = job.stats(array)?;
        return Ok([
            s.count.into(),
            s.nan.into(),
            s.inf.into(),
            s.zeros.into(),
            s.min.into(),
            s.argmin.into(),
            s.max.into(),
            s.argmax.into(),
            s.sum.into(),
            s.mean.into(),
            s.var.into(),
            s.std.into(),
        ]);
    };
    let s: StatsAxis<T, IxDyn> = job.stats_axis(array, Axis(axis))?;
    Ok([
        lists(&s.count),
        lists(&s.nan),
        lists(&s.inf),
        lists(&s.zeros),
        lists(&s.min),
        lists(&s.argmin),
        lists(&s.max),
        lists(&s.argmax),
        lists(&s.sum),
        lists(&s.mean),
        lists(&s.var),
        lists(&s.std),
    ])
}

fn lists<A: Clone + Into<Json>>(array: &ArrayD<A>) -> Json {
    let shape: Vec<u64> = array.shape().iter().map(|&len| len as u64).collect();
    json::nested(&shape, &mut array.iter().cloned().map(Into::into))
}

/// A line for each statistic.
fn write_list(out: &mut Out, told: Told, shape: &[u64]) -> Result<(), Failure> {
    let [count, nan, inf, zeros, min, argmin, max, argmax, sum, mean, _, std] = told;
    let of_count = |part: &Json| match (part, &count) {
        #[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
        (Json::Int(part), Json::Int(count)) if *part > 0 && *count > 0 => {
            format!("{:.4} %", *part as f64 / *count as f64 * 100.0)
        }
        _ => String::new(),
    };
    let at = |linear: &Json| match linear {
        Json::Int(linear) => format!("at {}", index(linear.unsigned_abs(), shape)),
        _ => String::new(),
    };
    let row = |name: &str, value: &Json, note: String| vec![name.to_string(), text(value), note];
    let rows = [
        row("count", &count, String::new()),
        row("nan", &nan, of_count(&nan)),
        row("inf", &inf, of_count(&inf)),
        row("zeros", &zeros, of_count(&zeros)),
        row("min", &min, at(&argmin)),
        row("max", &max, at(&argmax)),
        row("sum", &sum, String::new()),
        row("mean", &mean, String::new()),
        row("std", &std, String::new()),
    ];
    Ok(write!(out, "{}", words::table(rows))?)
}

/// A line for each position that is left.
fn write_table(out: &mut Out, told: &Told, left: &[u64]) -> Result<(), Failure> {
    let columns = ["count", "nan", "zeros", "min", "max", "mean", "std"];
    let mut flat: Vec<Vec<String>> = Vec::new();
    for (name, value) in NAMES.into_iter().zip(told) {
        if columns.contains(&name) {
            let mut texts = Vec::new();
            flatten(value, left.len(), &mut texts);
            flat.push(texts);
        }
    }
    // In the order of the names, min and max stand in one row with the others.
    let len = flat.first().map_or(0, Vec::len);
    let head = std::iter::once("index").chain(NAMES.into_iter().filter(|name| columns.contains(name)));
    let mut rows = vec![head.map(String::from).collect::<Vec<_>>()];
    for k in 0..len.min(ROWS) {
        let mut row = vec![index(k as u64, left)];
        row.extend(flat.iter().map(|texts| texts[k].clone()));
        rows.push(row);
    }
    write!(out, "{}", words::table(rows))?;
    if len > ROWS {
        writeln!(out, "  ... and {} more; --json tells all", grouped((len - ROWS) as u64))?;
    }
    Ok(())
}

fn flatten(value: &Json, depth: usize, texts: &mut Vec<String>) {
    match value {
        Json::List(items) if depth > 0 => items.iter().for_each(|item| flatten(item, depth - 1, texts)),
        value => texts.push(text(value)),
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => "none".into(),
        Json::Bool(value) => value.to_string(),
        Json::Int(value) if *value >= 0 => grouped(value.unsigned_abs()),
        Json::Int(value) => format!("-{}", grouped(value.unsigned_abs())),
        Json::Float(value) if *value != 0.0 && !(1e-4..1e16).contains(&value.abs()) => format!("{value:e}"),
        Json::Float(value) => format!("{value:?}"),
        Json::Text(text) => text.clone(),
        Json::List(parts) => format!("({})", parts.iter().map(text).collect::<Vec<_>>().join(", ")),
        Json::Object(_) | Json::DType(_) => String::new(),
    }
}

/// The index along each axis of a position in row-major order.
fn index(linear: u64, shape: &[u64]) -> String {
    let mut rest = linear;
    let mut parts: Vec<String> = Vec::with_capacity(shape.len());
    for &len in shape.iter().rev() {
        parts.push((rest % len.max(1)).to_string());
        rest /= len.max(1);
    }
    parts.reverse();
    format!("[{}]", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_counts_from_either_end() {
        assert_eq!(place(0, 2), Ok(0));
        assert_eq!(place(-1, 2), Ok(1));
        for (axis, ndim) in [(2, 2), (-3, 2), (0, 0), (i64::MIN, 3)] {
            assert!(place(axis, ndim).is_err(), "{axis}");
        }
    }

    #[test]
    fn positions_have_an_index_along_each_axis() {
        assert_eq!(index(0, &[]), "[]");
        assert_eq!(index(23, &[2, 3, 4]), "[1, 2, 3]");
        assert_eq!(index(4, &[2, 3, 4]), "[0, 1, 0]");
    }
}
