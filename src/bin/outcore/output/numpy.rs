//! An array as NumPy prints it: nested brackets, aligned columns, and the corners only of a large one.

use std::io::Write;

use outcore::{AnyArrayFile, DType, Selection};

use super::{Out, floats, json};
use crate::failure::{Failure, one_line};
use crate::quantity::human_bytes;

/// Arrays of more elements show their corners only.
const THRESHOLD: u64 = 1000;
/// Elements at each end of an axis that a corner has.
const EDGE: u64 = 3;
/// Characters on a line.
const WIDTH: usize = 75;
/// The most elements to print: an array of many axes has many corners.
const MOST: u64 = 100_000;

/// The positions of one axis that are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    len: u64,
    /// Whether only the ends are.
    cut: bool,
}

impl Shown {
    fn count(self) -> u64 {
        if self.cut { 2 * EDGE } else { self.len }
    }

    /// Positions in runs.
    fn runs(self) -> Vec<(u64, u64)> {
        if self.cut { vec![(0, EDGE), (self.len - EDGE, self.len)] } else { vec![(0, self.len)] }
    }
}

/// Writes a selection; no more is read than is printed.
pub(crate) fn write(
    out: &mut Out,
    file: &AnyArrayFile,
    selection: &Selection,
    precision: usize,
    budget: u64,
) -> Result<(), Failure> {
    let header = file.header();
    let shape = selection.shape_in(header.shape()).map_err(|error| Failure::of_file(file.path(), error))?;
    let count: u64 = shape.iter().product();
    if count == 0 {
        return Ok(writeln!(out, "[]")?);
    }
    let shown: Vec<Shown> = shape.iter().map(|&len| Shown { len, cut: count > THRESHOLD && len > 2 * EDGE }).collect();
    let printed = shown.iter().try_fold(1_u64, |all, axis| all.checked_mul(axis.count()));
    let Some(printed) = printed.filter(|&printed| printed <= MOST) else {
        return Err(Failure::of_file(file.path(), "too many axes to print; take a slice, such as [0, 0, ...]"));
    };
    let nbytes = printed.saturating_mul(header.itemsize() as u64);
    if nbytes > budget {
        let what =
            format!("the elements to print take {}, more than --memory allows; take a slice", human_bytes(nbytes));
        return Err(Failure::of_file(file.path(), what));
    }
    let items = read(file, selection, &shown)?;
    let texts = texts(header.dtype(), &items, printed, precision, shape.is_empty());
    let mut texts = texts.iter().map(|text| one_line(text));
    let text = layout(&shown, " ", WIDTH, &mut texts);
    Ok(writeln!(out, "{text}")?)
}

/// Reads what is printed, in row-major order.
fn read(file: &AnyArrayFile, selection: &Selection, shown: &[Shown]) -> Result<Vec<u8>, Failure> {
    let cuts = shown.iter().rposition(|axis| axis.cut);
    let Some(last_cut) = cuts else {
        return Ok(file.read_selection(selection)?);
    };
    // Axes behind the last that is cut are whole, so that runs along that one are contiguous in what is printed.
    let mut items = Vec::new();
    let mut index = Vec::new();
    read_along(file, selection, &shown[..=last_cut], &mut index, &mut items)?;
    Ok(items)
}

fn read_along(
    file: &AnyArrayFile,
    selection: &Selection,
    shown: &[Shown],
    index: &mut Vec<String>,
    items: &mut Vec<u8>,
) -> Result<(), Failure> {
    let (axis, behind) = match shown {
        [] => return Ok(()),
        [axis, behind @ ..] => (axis, behind),
    };
    for (start, stop) in axis.runs() {
        if behind.is_empty() {
            index.push(format!("{start}:{stop}"));
            let inner: Selection = index.join(",").parse()?;
            index.pop();
            items.extend(file.read_selection(&selection.then(&inner, file.header().shape())?)?);
            continue;
        }
        for at in start..stop {
            index.push(at.to_string());
            read_along(file, selection, behind, index, items)?;
            index.pop();
        }
    }
    Ok(())
}

/// The texts of elements, made equally wide where NumPy does so.
fn texts(dtype: &DType, items: &[u8], count: u64, precision: usize, scalar: bool) -> Vec<String> {
    let itemsize = dtype.itemsize();
    let plain = || -> Vec<String> {
        match itemsize {
            0 => (0..count).map(|_| dtype.format_item(&[])).collect(),
            _ => items.chunks_exact(itemsize).map(|item| dtype.format_item(item)).collect(),
        }
    };
    if scalar && precision == floats::PRECISION {
        return plain();
    }
    if let Some(texts) = floats::texts(dtype, items, precision) {
        return texts;
    }
    let mut texts = plain();
    match dtype {
        DType::Bool | DType::Int { .. } | DType::UInt { .. } => {}
        DType::DateTime { .. } if !scalar => texts.iter_mut().for_each(|text| *text = format!("'{text}'")),
        DType::TimeDelta { .. } if !scalar => {
            let text = |item: &[u8]| json::count(dtype, item).map_or_else(|| "'NaT'".into(), |count| count.to_string());
            texts = items.chunks_exact(itemsize).map(text).collect();
        }
        _ => return texts,
    }
    let least = if *dtype == DType::Bool && !scalar { "False".len() } else { 0 };
    let width = texts.iter().map(String::len).max().unwrap_or(0).max(least);
    texts.into_iter().map(|text| format!("{text:>width$}")).collect()
}

/// Brackets around the texts of an array, which come in row-major order; lines after the first begin with `indent`.
fn layout(shown: &[Shown], indent: &str, width: usize, texts: &mut impl Iterator<Item = String>) -> String {
    let Some((axis, behind)) = shown.split_first() else {
        return texts.next().unwrap_or_default();
    };
    let parts = |texts: &mut _| -> Vec<String> {
        let mut parts = Vec::new();
        for at in 0..axis.count() {
            if axis.cut && at == EDGE {
                parts.push("...".to_string());
            }
            parts.push(layout(behind, &format!("{indent} "), width - 1, texts));
        }
        parts
    };
    if !behind.is_empty() {
        let between = format!("{}{indent}", "\n".repeat(behind.len()));
        return format!("[{}]", parts(texts).join(&between));
    }
    let mut lines = String::new();
    let mut line = indent.to_string();
    for word in parts(texts) {
        if line.chars().count() + word.chars().count() > width - 1 && line.len() > indent.len() {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = indent.to_string();
        }
        line.push_str(&word);
        line.push(' ');
    }
    // The space behind the last word.
    line.pop();
    lines.push_str(&line);
    format!("[{}]", &lines[indent.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay(shape: &[u64], texts: &[&str]) -> String {
        let shown: Vec<_> = shape.iter().map(|&len| Shown { len, cut: false }).collect();
        layout(&shown, " ", WIDTH, &mut texts.iter().map(ToString::to_string))
    }

    #[test]
    fn brackets_nest_as_in_numpy() {
        assert_eq!(lay(&[], &["5"]), "5");
        assert_eq!(lay(&[3], &["1", "2", "3"]), "[1 2 3]");
        assert_eq!(lay(&[2, 2], &["1", "2", "3", "4"]), "[[1 2]\n [3 4]]");
        assert_eq!(lay(&[2, 1, 1], &["1", "2"]), "[[[1]]\n\n [[2]]]");
        assert_eq!(lay(&[20], &["12345"; 20]), format!("[{0}\n {1}]", ["12345"; 12].join(" "), ["12345"; 8].join(" ")));
        let cut = Shown { len: 2000, cut: true };
        let mut texts = (0..6).map(|k| k.to_string());
        assert_eq!(layout(&[cut], " ", WIDTH, &mut texts), "[0 1 2 ... 3 4 5]");
    }
}
