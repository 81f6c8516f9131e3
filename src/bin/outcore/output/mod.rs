//! One file for each form that results are written in.

pub(crate) mod csv;
pub(crate) mod floats;
pub(crate) mod hex;
pub(crate) mod json;
pub(crate) mod numpy;
pub(crate) mod python;
pub(crate) mod words;

pub(crate) use json::Json;

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::failure::Failure;
use crate::settings::Settings;

/// The standard output, buffered.
pub(crate) struct Out {
    writer: BufWriter<StdoutLock<'static>>,
    color: bool,
}

impl Out {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { writer: BufWriter::with_capacity(1 << 16, io::stdout().lock()), color: settings.color }
    }

    /// Writes a value as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        Ok(serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)?)
    }

    /// Writes a document as JSON, on a line of its own.
    pub(crate) fn document(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.json(value)?;
        Ok(self.writer.write_all(b"\n")?)
    }

    /// The text in bold, if the output is in colour.
    pub(crate) fn bold(&self, text: &str) -> String {
        if self.color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_string() }
    }

    /// The text in a faint colour, if the output is in colour.
    pub(crate) fn faint(&self, text: &str) -> String {
        if self.color { format!("\x1b[2m{text}\x1b[0m") } else { text.to_string() }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        // After an error elsewhere: what was written so far still counts.
        let _ = self.writer.flush();
    }
}
