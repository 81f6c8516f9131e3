//! What verbs that write a new file share: its format, whether it may replace another, and what they say of it.

use std::io::Write;
use std::path::Path;

use clap::{Args, ValueEnum};
use outcore::format::{native, npy};
use outcore::{AnyArrayFile, Attributes, CreateOptions, DType, Format, Order};

use crate::failure::{Failure, Outcome, note, one_line};
use crate::output::{Json, Out, json};
use crate::quantity::{counted, human_bytes, tuple};
use crate::settings::Settings;

/// A format, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    Npy,
    Raw,
    Oca,
}

impl FormatName {
    pub(super) fn format(self) -> Format {
        match self {
            Self::Npy => Format::Npy,
            Self::Raw => Format::Raw,
            Self::Oca => Format::Native,
        }
    }

    /// The format that goes with the extension of a name, if one does.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "npy" => Some(Self::Npy),
            "oca" => Some(Self::Oca),
            "dat" | "bin" | "raw" => Some(Self::Raw),
            _ => None,
        }
    }
}

/// How to write a new file.
#[derive(Args, Debug)]
pub(super) struct NewFile {
    /// npy, oca, or raw for the elements alone; by default what the extension says: .npy, .oca; .dat, .bin or .raw
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<FormatName>,
    /// Replace the file, if there is one
    #[arg(long, visible_alias = "overwrite")]
    force: bool,
    /// Check everything and say what would be written, but write nothing
    #[arg(long)]
    dry_run: bool,
}

impl NewFile {
    /// Writes the arrays of files behind one another into a new one.
    pub(super) fn write(
        &self,
        sources: &[AnyArrayFile],
        path: &Path,
        settings: &Settings,
        out: &mut Out,
    ) -> Result<Outcome, Failure> {
        let Some(format) = self.format.or_else(|| FormatName::of(path)).map(FormatName::format) else {
            return Err(Failure::of_file(path, "which format? Give --format npy, oca or raw, or a name that ends so"));
        };
        if sources.iter().any(|source| same_file(source.path(), path)) {
            return Err(Failure::of_file(path, "the file is read as well; write to another name"));
        }
        let (first, shape) = joined(sources, path)?;
        let header = first.header();
        let attrs = first.attrs();
        let kept = if format == Format::Native { attrs.clone() } else { Attributes::new() };
        let array = NewArray::new(format, header.dtype(), &shape, header.order(), &kept)
            .map_err(|error| Failure::of_file(path, error))?;
        if self.dry_run {
            expect_free(path, self.force)?;
        } else {
            let options = CreateOptions::new().format(format).overwrite(self.force).lock(settings.lock());
            options.concatenate(&sources.iter().collect::<Vec<_>>(), path)?;
        }
        if !attrs.is_empty() && kept.is_empty() {
            let lost = counted(attrs.len() as u64, "attribute");
            note(&format!("{}: no place for the {lost} of {}", path.display(), first.path().display()));
        }
        array.tell(path, ["write", "wrote"], self.dry_run, settings, out)
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The first of the files, and the shape of all of them together.
fn joined<'a>(sources: &'a [AnyArrayFile], path: &Path) -> Result<(&'a AnyArrayFile, Vec<u64>), Failure> {
    let (first, others) = sources.split_first().ok_or_else(|| Failure::of_file(path, "nothing to write"))?;
    let mut shape = first.header().shape().to_vec();
    if others.is_empty() {
        return Ok((first, shape));
    }
    let axis = first.growth_axis()?;
    for other in others {
        first.check_rows_of(other)?;
        // The library refuses a sum of rows that is too large.
        shape[axis] = shape[axis].saturating_add(other.header().shape()[axis]);
    }
    Ok((first, shape))
}

/// Sees that a new file can have this name, where nothing is written that would.
pub(super) fn expect_free(path: &Path, force: bool) -> Result<(), Failure> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(Failure::of_file(path, "the file exists; give --force to replace it"));
    }
    Ok(())
}

/// An array that is to be in a new file.
#[derive(Debug)]
pub(super) struct NewArray {
    pub(super) format: Format,
    pub(super) dtype: DType,
    pub(super) shape: Vec<u64>,
    pub(super) order: Order,
    /// Bytes before the elements.
    pub(super) offset: u64,
    pub(super) count: u64,
}

impl NewArray {
    /// Sees that the format can say all this, but for the size of the elements.
    pub(super) fn new(
        format: Format,
        dtype: &DType,
        shape: &[u64],
        order: Order,
        attrs: &Attributes,
    ) -> outcore::Result<Self> {
        let offset = match format {
            Format::Npy => npy::header(dtype, shape, order)?.len(),
            Format::Native => {
                let preamble = native::Preamble::new(dtype.clone(), order, shape.len())?;
                native::Head::new(preamble, shape.to_vec(), attrs.clone())?.to_bytes()?.len()
            }
            _ => 0,
        };
        // The library refuses what does not fit 2^63 bytes; the product is only used after it has agreed.
        let count = shape.iter().fold(1_u64, |count, &len| count.saturating_mul(len));
        Ok(Self { format, dtype: dtype.clone(), shape: shape.to_vec(), order, offset: offset as u64, count })
    }

    fn nbytes(&self) -> u64 {
        self.count.saturating_mul(self.dtype.itemsize() as u64)
    }

    /// Says what was done, where that was asked for, or what would be; `verb` in the present and in the past.
    pub(super) fn tell(
        &self,
        path: &Path,
        verb: [&str; 2],
        dry_run: bool,
        settings: &Settings,
        out: &mut Out,
    ) -> Result<Outcome, Failure> {
        let path = path.display().to_string();
        if settings.json {
            out.document(&json::object([
                ("schema", json::SCHEMA.into()),
                ("path", path.into()),
                ("format", json::format(self.format).into()),
                ("dtype", Json::DType(self.dtype.clone())),
                ("shape", self.shape.as_slice().into()),
                ("order", self.order.to_string().into()),
                ("data_offset", self.offset.into()),
                ("count", self.count.into()),
                ("nbytes", self.nbytes().into()),
                ("dry_run", dry_run.into()),
            ]))?;
            return Ok(Outcome::Done);
        }
        let line = one_line(&format!(
            "{path}: {} of shape {}, {} of {} ({} with what comes before)",
            self.dtype,
            tuple(&self.shape),
            counted(self.count, "element"),
            counted(self.dtype.itemsize() as u64, "byte"),
            human_bytes(self.nbytes().saturating_add(self.offset)),
        ));
        if dry_run {
            writeln!(out, "would {} {line}", verb[0])?;
        } else if settings.verbose {
            // The standard error may be closed; the work is done all the same.
            let _ = writeln!(std::io::stderr(), "{} {line}", verb[1]);
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        for (name, format) in [
            ("m.npy", Some(FormatName::Npy)),
            ("dir.npy/m.OCA", Some(FormatName::Oca)),
            ("m.tar.dat", Some(FormatName::Raw)),
            ("m.bin", Some(FormatName::Raw)),
            ("m", None),
            (".npy", None),
            ("m.txt", None),
        ] {
            assert_eq!(FormatName::of(Path::new(name)), format, "{name}");
        }
    }
}
