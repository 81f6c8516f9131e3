//! All elements as comma-separated values: a line for each row.

use std::io::Write;

use outcore::{AnyArrayFile, DType, Selection};

use super::{Out, json};
use crate::blocks::read_blocks;
use crate::failure::Failure;

/// Writes a line for each position along all axes but the last, and a field for each along the last. Records have a line each,
/// with a field for each of their scalars, below a line of names.
pub(crate) fn write(out: &mut Out, file: &AnyArrayFile, selection: &Selection, block: usize) -> Result<(), Failure> {
    // A selection that does not exist has no names either.
    selection.shape_in(file.header().shape())?;
    write_names(out, file.header().dtype())?;
    write_items(out, file, selection, block)
}

/// For records: a line with the names of their scalars.
pub(crate) fn write_names(out: &mut Out, dtype: &DType) -> Result<(), Failure> {
    if let DType::Record(_) = dtype {
        let mut names = Vec::new();
        columns(dtype, "", &mut names);
        writeln!(out, "{}", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(","))?;
    }
    Ok(())
}

/// The lines of the elements.
pub(crate) fn write_items(
    out: &mut Out,
    file: &AnyArrayFile,
    selection: &Selection,
    block: usize,
) -> Result<(), Failure> {
    let dtype = file.header().dtype();
    let shape = selection.shape_in(file.header().shape())?;
    let columns = match dtype {
        DType::Record(_) => 1,
        _ => shape.last().copied().unwrap_or(1),
    };
    let itemsize = dtype.itemsize();
    if itemsize == 0 {
        return Ok(());
    }
    let mut column = 0;
    for items in read_blocks(file, selection, block)? {
        for item in items?.chunks_exact(itemsize) {
            let mut fields = Vec::new();
            scalars(dtype, item, &mut fields);
            column += 1;
            let end = if column == columns { "\n" } else { "," };
            column %= columns;
            write!(out, "{}{end}", fields.join(","))?;
        }
    }
    Ok(())
}

/// The names of the scalars of a type: `pos.x`, `rgb[0]`.
fn columns(dtype: &DType, name: &str, names: &mut Vec<String>) {
    match dtype {
        DType::Record(record) => {
            for field in record.fields() {
                let dot = if name.is_empty() { "" } else { "." };
                columns(field.dtype(), &format!("{name}{dot}{}", field.name()), names);
            }
        }
        DType::SubArray { base, shape } => {
            let count: u64 = shape.iter().map(|&len| u64::from(len)).product();
            for at in 0..count {
                let mut rest = at;
                let mut index: Vec<String> = Vec::with_capacity(shape.len());
                for &len in shape.iter().rev() {
                    index.push((rest % u64::from(len)).to_string());
                    rest /= u64::from(len);
                }
                index.reverse();
                columns(base, &format!("{name}[{}]", index.join(",")), names);
            }
        }
        _ => names.push(name.to_string()),
    }
}

fn scalars(dtype: &DType, item: &[u8], fields: &mut Vec<String>) {
    match dtype {
        DType::Record(record) => {
            for field in record.fields() {
                scalars(field.dtype(), &item[field.offset()..][..field.dtype().itemsize()], fields);
            }
        }
        DType::SubArray { base, .. } => {
            let size = base.itemsize();
            (0..item.len().checked_div(size).unwrap_or(0))
                .for_each(|k| scalars(base, &item[k * size..][..size], fields));
        }
        DType::Bytes { .. } => fields.push(match std::str::from_utf8(json::unpadded(item)) {
            Ok(text) => quoted(text),
            Err(_) => quoted(&dtype.format_item(item)),
        }),
        DType::Text { .. } => {
            fields.push(quoted(&json::text(dtype, item).unwrap_or_else(|| dtype.format_item(item))));
        }
        DType::Void { .. } => fields.push(super::hex::digits(item)),
        DType::TimeDelta { .. } => {
            fields.push(json::count(dtype, item).map_or_else(|| "NaT".into(), |count| count.to_string()));
        }
        _ => fields.push(quoted(dtype.format_item(item).trim_matches('\''))),
    }
}

/// By the rule of RFC 4180: in quotes where the text would otherwise be torn apart.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_flat() {
        let dtype: DType =
            "[('id', '<u2'), ('p', [('x', '|i1'), ('m', '|u1', (1, 2))]), ('s', '|S3')]".parse().unwrap();
        let mut names = Vec::new();
        columns(&dtype, "", &mut names);
        assert_eq!(names, ["id", "p.x", "p.m[0,0]", "p.m[0,1]", "s"]);
        let mut fields = Vec::new();
        scalars(&dtype, &[1, 0, 0xff, 7, 8, b'a', b',', 0], &mut fields);
        assert_eq!(fields, ["1", "-1", "7", "8", "\"a,\""]);
    }
}
