//! What the owner of a file says of it: a JSON object in the slot.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// Names and values that describe an array: a JSON object of a few thousand bytes at most.
///
/// By convention, `axes` is a list of names, one for each axis, and `units` is a text, or a list with one text for each axis.
/// Nothing in this crate interprets them. The names are kept sorted, so that equal attributes are equal bytes. JSON has no NaN
/// and no infinity: those become null.
///
/// ```
/// use outcore::format::native::Attributes;
///
/// let mut attrs = Attributes::new();
/// attrs.insert("units", &"K")?;
/// attrs.insert("axes", &["time", "station"])?;
/// assert_eq!(attrs.to_string(), r#"{"axes":["time","station"],"units":"K"}"#);
/// assert_eq!(attrs.get::<String>("units")?.as_deref(), Some("K"));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Attributes(Map<String, Value>);

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The attributes that a struct or a map serialises to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for what is not an object in JSON.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self> {
        match to_value(value)? {
            Value::Object(map) => Ok(Self(map)),
            other => Err(Error::new(ErrorKind::InvalidArgument, format!("expected an object, found {}", kind(&other)))
                .with_hint("attributes are names and values, as of a struct or a map")),
        }
    }

    /// The attributes as a type of the caller's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where they are not one.
    pub fn to<V: DeserializeOwned>(&self) -> Result<V> {
        serde_json::from_value(Value::Object(self.0.clone())).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("the attributes are something else: {error}"))
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of this name, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] where it is of another type.
    pub fn get<V: DeserializeOwned>(&self, name: &str) -> Result<Option<V>> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("the attribute {name:?} is something else: {error}"))
        })
    }

    /// The value of this name as JSON.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets the value of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for what JSON cannot express, such as a map whose keys are not texts.
    pub fn insert(&mut self, name: impl Into<String>, value: &impl Serialize) -> Result<()> {
        self.0.insert(name.into(), to_value(value)?);
        self.0.sort_keys();
        Ok(())
    }

    /// Removes this name; false where there is no such.
    pub fn remove(&mut self, name: &str) -> bool {
        let found = self.0.remove(name).is_some();
        self.0.sort_keys();
        found
    }

    /// The text in the slot: nothing at all where there are none.
    pub(super) fn to_json(&self) -> String {
        if self.is_empty() { String::new() } else { self.to_string() }
    }

    /// Reads the text in a slot; the error is what is wrong.
    pub(super) fn from_json(text: &[u8]) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::new());
        }
        match serde_json::from_slice(text) {
            Ok(Value::Object(map)) => Ok(Self(sorted(map))),
            Ok(other) => Err(format!("expected an object, found {}", kind(&other))),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl fmt::Display for Attributes {
    /// The JSON text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

fn to_value(value: &impl Serialize) -> Result<Value> {
    let mut value = serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, format!("JSON cannot express it: {error}")))?;
    value.sort_all_objects();
    Ok(value)
}

/// In a program that asks serde_json to preserve the order of names, the text must be the same all the same.
fn sorted(mut map: Map<String, Value>) -> Map<String, Value> {
    map.sort_keys();
    map.values_mut().for_each(Value::sort_all_objects);
    map
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
