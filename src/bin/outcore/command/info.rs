//! `outcore info`: what the headers of files say.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use outcore::{AnyArrayFile, Attributes, ByteOrder, DType, ElementType, Format, Order, dispatch};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Outcome, for_each, one_line};
use crate::output::{Out, json, python, words};
use crate::quantity::{counted, grouped, human_bytes};
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
With --json, each file gives one object, on a line of its own, with the keys
  schema, path, format, version, dtype (as in a .npy header), shape, order, data_offset, itemsize, count, nbytes,
  file_len, trailing (bytes behind the elements), allocated (bytes on the disk), mappable (Rust type, or null), aligned,
  numpy (the call that maps the elements in Python, or null), pending (whether a transaction waits to be finished);
of .oca files also attrs, generation (commits so far) and sealed (checksums are in force), which are null for others

Examples:
  outcore info prices.npy
  outcore info *.npy --json | jq -r '[.path, .count] | @tsv'
  outcore info x.dat --raw-dtype f4 --shape 1000,64 --offset 128";

/// Show what is in files: format, dtype, shape, order, and where the elements are
///
/// Only the header is read, so it is instant at any size, and no lock is taken. The length of the file is compared with what the
/// header announces. After a file that fails, the others still follow; the exit code is the worst of all.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    raw: RawArgs,
}

impl Typed {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.raw == RawArgs::default()
    }

    /// Without a command, a first word that names no file may be one that was meant for a command.
    pub(crate) fn expect_files(&self) -> Result<(), Failure> {
        match self.files.first() {
            Some(first) if first.to_str().is_some_and(is_word) && !first.exists() => {
                let what = format!("'{}' is neither a command nor a file", first.display());
                Err(Failure::usage(what, "see outcore --help"))
            }
            _ => Ok(()),
        }
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// What there is to say about a file.
#[derive(Debug, Serialize)]
struct Info {
    schema: u64,
    path: String,
    format: Format,
    version: Option<String>,
    dtype: DType,
    shape: Vec<u64>,
    order: Order,
    data_offset: u64,
    itemsize: usize,
    count: u64,
    nbytes: u64,
    file_len: u64,
    trailing: u64,
    allocated: Option<u64>,
    mappable: Option<String>,
    aligned: Option<bool>,
    numpy: Option<String>,
    attrs: Option<Attributes>,
    generation: Option<u64>,
    sealed: Option<bool>,
    pending: bool,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    for_each(&typed.files, out, |path, out| {
        let file = settings.open_unlocked(path, &typed.raw)?;
        let info = Info::new(&file)?;
        if settings.json { out.document(&info) } else { info.write(out) }?;
        Ok(Outcome::Done)
    })
}

impl Info {
    fn new(file: &AnyArrayFile) -> Result<Self, Failure> {
        let header = file.header();
        let path = file.path();
        let metadata = fs::metadata(path).map_err(|error| Failure::io(path, "cannot ask for its length", &error))?;
        let native = file.native_state();
        let own_order = header.dtype().byte_order().is_none_or(|order| order == ByteOrder::NATIVE);
        let mappable = ElementType::of(header.dtype()).map(|kind| match (own_order, header.dtype().byte_order()) {
            (true, _) => kind.rust_name(),
            (false, Some(ByteOrder::Big)) => format!("Be<{}>", kind.rust_name()),
            (false, _) => format!("Le<{}>", kind.rust_name()),
        });
        let align = if own_order { dispatch!(header.dtype(), T => align_of::<T>() as u64, else => 1) } else { 1 };
        Ok(Self {
            schema: json::SCHEMA,
            path: path.display().to_string(),
            format: header.format(),
            version: header.version().map(|(major, minor)| format!("{major}.{minor}")),
            dtype: header.dtype().clone(),
            shape: header.shape().to_vec(),
            order: header.order(),
            data_offset: header.data_offset(),
            itemsize: header.itemsize(),
            count: header.count(),
            nbytes: header.nbytes(),
            file_len: metadata.len(),
            trailing: metadata.len().saturating_sub(header.data_end()),
            allocated: allocated(&metadata),
            aligned: mappable.is_some().then(|| header.data_offset().is_multiple_of(align)),
            mappable,
            // NumPy maps no file without a byte.
            attrs: native.map(|_| file.attrs()),
            generation: native.map(|native| native.generation),
            sealed: native.map(|native| native.sealed),
            pending: file.has_pending_transaction(),
            numpy: (metadata.len() > 0).then(|| python::memmap(path, header)),
        })
    }

    fn write(&self, out: &mut Out) -> Result<(), Failure> {
        let format = match (self.format, &self.version) {
            (Format::Npy, Some(version)) => format!("NumPy .npy {version}"),
            (Format::Native, Some(version)) => format!("outcore .oca {version}"),
            (Format::Raw, _) => "raw, without a header".to_string(),
            (format, _) => format!("{format:?}"),
        };
        let name = out.bold(&one_line(&self.path));
        writeln!(out, "{name}          {}", out.faint(&format))?;
        let row = |cells: [String; 3]| cells.to_vec();
        let mut rows = vec![row(["dtype".into(), self.kind(), counted(self.itemsize as u64, "byte")])];
        if let DType::Record(record) = &self.dtype {
            for field in record.fields() {
                let name = format!("  {}", one_line(field.name()));
                rows.push(row([String::new(), name, format!("{} at byte {}", field.dtype(), field.offset())]));
            }
        }
        rows.push(row(["shape".into(), self.shape(), counted(self.count, "element")]));
        rows.push(row(["order".into(), self.order(), self.line()]));
        let place = format!("offset {}", grouped(self.data_offset));
        rows.push(row(["data".into(), place, self.size()]));
        // What a native file has behind its elements is its own: checksums, and transactions.
        if self.trailing > 0 && self.format != Format::Native {
            let what = format!("{} behind the elements", counted(self.trailing, "byte"));
            rows.push(row(["".into(), String::new(), what]));
        }
        let (kind, note) = self.rust();
        rows.push(row(["rust".into(), kind, note.into()]));
        for (place, (name, value)) in self.attrs().enumerate() {
            let key = if place == 0 { "attrs" } else { "" };
            rows.push(row([key.into(), one_line(name), one_line(&shortened(&value.to_string()))]));
        }
        if let (Some(generation), Some(sealed)) = (self.generation, self.sealed) {
            let sealed = if sealed { "sealed with checksums" } else { "not sealed" };
            rows.push(row(["state".into(), sealed.into(), format!("generation {}", grouped(generation))]));
        }
        write!(out, "{}", words::table(rows))?;
        if let Some(call) = &self.numpy {
            // Not in the table, whose columns it would tear apart.
            writeln!(out, "  numpy  {call}")?;
        }
        if self.numpy.is_some() && python::holds_bfloat16(&self.dtype) {
            writeln!(out, "         with bfloat16 as the integers of its bits, since NumPy does not have it")?;
        }
        if self.pending {
            writeln!(out, "         without a committed transaction, which waits to be finished: outcore repair")?;
        }
        Ok(())
    }

    fn attrs(&self) -> impl Iterator<Item = (&str, &Value)> {
        let names = self.attrs.iter().flat_map(Attributes::names);
        names.filter_map(|name| Some((name, self.attrs.as_ref()?.value(name)?)))
    }

    fn kind(&self) -> String {
        let order = match self.dtype.byte_order() {
            Some(ByteOrder::Little) => ", little-endian",
            Some(ByteOrder::Big) => ", big-endian",
            None => "",
        };
        match &self.dtype {
            DType::Record(record) => format!("record of {}", counted(record.fields().len() as u64, "field")),
            dtype => format!("{}{order}", dtype.name()),
        }
    }

    fn shape(&self) -> String {
        match &*self.shape {
            [] => "() (one element, no axes)".into(),
            shape => shape.iter().map(|&len| grouped(len)).collect::<Vec<_>>().join(" x "),
        }
    }

    fn order(&self) -> String {
        match self.order {
            Order::C => "C (row-major)",
            Order::F => "F (column-major)",
        }
        .into()
    }

    /// The bytes of a stretch of neighbours in the file.
    fn line(&self) -> String {
        let (name, len) = match (self.order, &*self.shape) {
            (_, [] | [_]) => return String::new(),
            (Order::C, [_, behind @ ..]) => ("row", behind),
            (Order::F, [before @ .., _]) => ("column", before),
        };
        // A part of the whole, unless the whole is empty.
        let bytes = len.iter().try_fold(self.itemsize as u64, |bytes, &len| bytes.checked_mul(len));
        bytes.map_or_else(String::new, |bytes| format!("{name} {}", human_bytes(bytes)))
    }

    fn size(&self) -> String {
        let mut text = human_bytes(self.nbytes);
        if self.nbytes >= 1024 {
            text = format!("{text} ({} B)", grouped(self.nbytes));
        }
        if let Some(allocated) = self.allocated.filter(|_| self.file_len > 0) {
            // Disks give blocks, so that small files have more than they need.
            let percent = u128::from(allocated) * 100 / u128::from(self.file_len);
            text = format!("{text}; {} % allocated", percent.min(100));
        }
        text
    }

    fn rust(&self) -> (String, &'static str) {
        match (&self.mappable, self.aligned) {
            (Some(name), Some(false)) => (name.clone(), "the elements are not aligned: to be read, not mapped"),
            (Some(name), _) => (name.clone(), "maps as it is"),
            (None, _) => ("none".into(), "elements as bytes"),
        }
    }
}

/// The beginning of a text that is too long for a line.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not say")]
fn allocated(metadata: &fs::Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.blocks() * 512)
}

#[cfg(not(unix))]
fn allocated(_: &fs::Metadata) -> Option<u64> {
    None
}
