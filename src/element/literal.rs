//! A reader of Python literals, as far as `ast.literal_eval` takes them: one pass, no recursion beyond a fixed depth.
//!
//! Header text is hostile until proved otherwise, so the reader does work and takes memory in proportion to the text only.
//! Expressions, names and calls are refused; so is `\N{...}`, which would need the names of all of Unicode.

mod reader;
mod strings;

use std::borrow::Cow;

use crate::error::{Error, ErrorKind};

pub(crate) use reader::read;

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// The position, in characters from the beginning of the text.
    pub(crate) at: usize,
    pub(crate) kind: ErrorKind,
    pub(crate) message: Cow<'static, str>,
    pub(crate) hint: Option<Cow<'static, str>>,
}

pub(crate) type Result<T, E = Flaw> = std::result::Result<T, E>;

impl Flaw {
    pub(crate) fn new(at: usize, kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { at, kind, message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error for a text that stands in a file; `offset` turns a position in the text into one in the file.
    pub(crate) fn in_file(self, offset: impl FnOnce(usize) -> u64) -> Error {
        let error = Error::new(self.kind, self.message).at(offset(self.at));
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// The error for a text that the caller passed.
    pub(crate) fn in_text(self) -> Error {
        let kind = match self.kind {
            ErrorKind::Corrupt => ErrorKind::InvalidArgument,
            kind => kind,
        };
        let error = Error::new(kind, format!("{} (at character {})", self.message, self.at));
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// A value and the position, in characters, at which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal {
    pub(crate) at: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Dict(Vec<(Literal, Literal)>),
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Set(Vec<Literal>),
    Str(String),
    Bytes(Vec<u8>),
    Int(i128),
    /// An integer beyond `i128`; `true` for a negative one.
    BigInt(bool),
    Float,
    Complex,
    Bool(bool),
    None,
    Ellipsis,
}

impl Value {
    /// What it is, for messages.
    pub(crate) fn describe(&self) -> Cow<'static, str> {
        match self {
            Self::Dict(_) => "a dict".into(),
            Self::Tuple(_) => "a tuple".into(),
            Self::List(_) => "a list".into(),
            Self::Set(_) => "a set".into(),
            Self::Str(text) => format!("the string {}", super::repr::string(&excerpt(text))).into(),
            Self::Bytes(_) => "a bytes string".into(),
            Self::Int(value) => format!("the integer {value}").into(),
            Self::BigInt(_) => "an integer of more than 127 bits".into(),
            Self::Float => "a float".into(),
            Self::Complex => "a complex number".into(),
            Self::Bool(true) => "True".into(),
            Self::Bool(false) => "False".into(),
            Self::None => "None".into(),
            Self::Ellipsis => "an ellipsis".into(),
        }
    }
}

/// The beginning of a text that may be long.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests;
