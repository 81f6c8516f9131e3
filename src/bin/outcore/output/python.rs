//! The call of NumPy that maps the elements of a file, as a line of Python.

use std::path::Path;

use outcore::element::{ByteOrder, Field, Record};
use outcore::{DType, Header};

use crate::quantity::tuple;

/// `np.memmap('m.npy', dtype='<f8', mode='r', offset=128, shape=(3, 4), order='C')`
///
/// Elements of bfloat16, which NumPy does not have, become unsigned integers of the same bytes.
pub(crate) fn memmap(path: &Path, header: &Header) -> String {
    format!(
        "np.memmap({}, dtype={}, mode='r', offset={}, shape={}, order='{}')",
        string(&code_points(path)),
        dtype(header.dtype()),
        header.data_offset(),
        tuple(header.shape()),
        header.order(),
    )
}

/// Whether a part of the elements is bfloat16.
pub(crate) fn holds_bfloat16(dtype: &DType) -> bool {
    match dtype {
        DType::BFloat16 { .. } => true,
        DType::Record(record) => record.fields().iter().any(|field| holds_bfloat16(field.dtype())),
        DType::SubArray { base, .. } => holds_bfloat16(base),
        _ => false,
    }
}

fn dtype(of: &DType) -> String {
    match of {
        DType::BFloat16 { order: ByteOrder::Little } => "'<u2'".into(),
        DType::BFloat16 { order: ByteOrder::Big } => "'>u2'".into(),
        DType::SubArray { base, shape } => {
            let shape: Vec<u64> = shape.iter().map(|&len| len.into()).collect();
            format!("({}, {})", dtype(base), tuple(&shape))
        }
        DType::Record(record) if is_packed(record) => {
            let entry = |field: &Field| format!("({}, {})", name(field), dtype(field.dtype()));
            list(record, entry)
        }
        DType::Record(record) => format!(
            "{{'names': {}, 'formats': {}, 'offsets': {}, 'titles': {}, 'itemsize': {}}}",
            list(record, |field| text(field.name())),
            list(record, |field| dtype(field.dtype())),
            list(record, |field| field.offset().to_string()),
            list(record, |field| field.title().map_or_else(|| "None".into(), text)),
            record.itemsize()
        ),
        simple => simple.descr(),
    }
}

/// Whether a list of its fields says all of a record: in such a list, padding would become a field, and so would get a name
/// what has none.
fn is_packed(record: &Record) -> bool {
    let mut end = 0;
    record.fields().iter().all(|field| {
        let follows = field.offset() == end && !field.name().is_empty();
        end = field.offset() + field.dtype().itemsize();
        follows
    }) && end == record.itemsize()
}

fn list(record: &Record, part: impl FnMut(&Field) -> String) -> String {
    format!("[{}]", record.fields().iter().map(part).collect::<Vec<_>>().join(", "))
}

fn name(field: &Field) -> String {
    match field.title() {
        Some(title) => format!("({}, {})", text(title), text(field.name())),
        None => text(field.name()),
    }
}

fn text(text: &str) -> String {
    string(&text.chars().map(u32::from).collect::<Vec<_>>())
}

/// Code points between quotes, as Python's `repr` writes them.
fn string(points: &[u32]) -> String {
    let bytes: Vec<u8> = points.iter().flat_map(|point| point.to_le_bytes()).collect();
    let len = u32::try_from(points.len()).unwrap_or(u32::MAX);
    DType::Text { len, order: ByteOrder::Little }.format_item(&bytes)
}

/// A path as Python holds it: bytes that are not UTF-8 become lone surrogates.
fn code_points(path: &Path) -> Vec<u32> {
    let mut points = Vec::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        points.extend(chunk.valid().chars().map(u32::from));
        points.extend(chunk.invalid().iter().map(|&byte| 0xdc00 + u32::from(byte)));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_for_numpy() {
        for (descr, python) in [
            ("'>f4'", "'>f4'"),
            ("'bfloat16'", if cfg!(target_endian = "little") { "'<u2'" } else { "'>u2'" }),
            ("[('a', '<i4'), ('b', '|S3', (2,))]", "[('a', '<i4'), ('b', ('|S3', (2,)))]"),
            ("[(('it\\'s', 'a'), '<i4')]", "[((\"it's\", 'a'), '<i4')]"),
            (
                "[('a', '|u1'), ('', '|V3'), (('t', 'b'), '<f4')]",
                "{'names': ['a', 'b'], 'formats': ['|u1', '<f4'], 'offsets': [0, 4], 'titles': [None, 't'], 'itemsize': 8}",
            ),
            ("[('', '|u1')]", "{'names': [''], 'formats': ['|u1'], 'offsets': [0], 'titles': [None], 'itemsize': 1}"),
        ] {
            assert_eq!(dtype(&descr.parse().unwrap()), python);
        }
    }

    #[test]
    fn names_of_files_are_literals() {
        for (name, python) in [
            ("m.npy", "'m.npy'"),
            ("it's.npy", "\"it's.npy\""),
            ("'\".npy", "'\\'\".npy'"),
            ("a\\b\n\x1b.npy", "'a\\\\b\\n\\x1b.npy'"),
            ("größe.npy", "'größe.npy'"),
        ] {
            assert_eq!(string(&code_points(Path::new(name))), python);
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let name = Path::new(std::ffi::OsStr::from_bytes(b"\xff\xc3.npy"));
            assert_eq!(string(&code_points(name)), "'\\udcff\\udcc3.npy'");
        }
    }
}
