//! `outcore attrs`: what the owner of a file says of it.

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use outcore::{AnyArrayFile, Attributes, Format};
use serde::Serialize;
use serde_json::Value;

use super::new_file::NewArray;
use crate::failure::{Failure, Outcome, one_line};
use crate::output::{Out, json};
use crate::quantity::counted;
use crate::settings::{RawArgs, Settings};

const EXAMPLES: &str = "\
With --json: an object with schema, path and attrs; after a change also dry_run.

Examples:
  outcore attrs m.oca
  outcore attrs m.oca units=K 'axes=[\"time\", \"station\"]'
  outcore attrs m.oca --unset units";

/// Print the attributes of an .oca file as JSON, or change them
///
/// With names and values, or --unset, they are changed, all at once and durably; the elements stay as they are. Files of other
/// formats have none.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Typed {
    /// The file
    file: PathBuf,
    /// What to set; the value is JSON, or else a text
    #[arg(value_name = "NAME=VALUE")]
    set: Vec<Assignment>,
    /// An attribute to remove; may be given several times
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Print what the attributes would be, but change nothing
    #[arg(long)]
    dry_run: bool,
}

/// The name of an attribute, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: Value,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                Ok(Self { name: name.into(), value })
            }
            _ => Err("write a name and a value, such as units=K".to_string()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: u64,
    path: String,
    attrs: &'a Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

pub(crate) fn run(typed: &Typed, settings: &Settings, out: &mut Out) -> Result<Outcome, Failure> {
    let changes = typed.set.len() + typed.unset.len();
    let mut file = if changes == 0 || typed.dry_run {
        settings.open_unlocked(&typed.file, &RawArgs::default())?
    } else {
        settings.open_append(&typed.file, &RawArgs::default(), true)?
    };
    let mut attrs = file.attrs();
    if changes > 0 {
        change(typed, &file, &mut attrs)?;
        if !typed.dry_run {
            file.set_attrs(&attrs)?;
        }
    }
    if settings.json {
        out.document(&Document {
            schema: json::SCHEMA,
            path: file.path().display().to_string(),
            attrs: &attrs,
            dry_run: (changes > 0).then_some(typed.dry_run),
        })?;
    } else if changes == 0 || typed.dry_run {
        serde_json::to_writer_pretty(&mut *out, &attrs).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else if settings.verbose {
        let what = counted(attrs.len() as u64, "attribute");
        // The standard error may be closed; the work is done all the same.
        let _ = writeln!(std::io::stderr(), "{}: now {what}", one_line(&file.path().display().to_string()));
    }
    Ok(Outcome::Done)
}

/// Changes the attributes, and sees that the file can hold them.
fn change(typed: &Typed, file: &AnyArrayFile, attrs: &mut Attributes) -> Result<(), Failure> {
    let header = file.header();
    if header.format() != Format::Native {
        return Err(Failure::of_file(file.path(), "only .oca files have attributes; convert it to one first"));
    }
    for name in &typed.unset {
        if !attrs.remove(name) {
            return Err(Failure::of_file(file.path(), format_args!("there is no attribute '{name}' to unset")));
        }
    }
    for Assignment { name, value } in &typed.set {
        attrs.insert(name, value)?;
    }
    NewArray::new(Format::Native, header.dtype(), header.shape(), header.order(), attrs)
        .map_err(|error| Failure::of_file(file.path(), error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_or_text() {
        for (text, value) in [
            ("units=K", Value::from("K")),
            ("n=3", Value::from(3)),
            ("n=-1.5", Value::from(-1.5)),
            ("flag=true", Value::from(true)),
            ("axes=[\"time\"]", Value::from(vec!["time"])),
            ("quoted=\"3\"", Value::from("3")),
            ("nothing=null", Value::Null),
            ("empty=", Value::from("")),
            ("x=a=b", Value::from("a=b")),
            ("bad=[1,", Value::from("[1,")),
            ("nan=NaN", Value::from("NaN")),
        ] {
            let assignment: Assignment = text.parse().unwrap();
            assert_eq!((&*assignment.name, assignment.value), (text.split('=').next().unwrap(), value));
        }
        for text in ["", "units", "=K"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
