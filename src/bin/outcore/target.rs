//! `FILE[slice]`: a file, and which of its elements.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use outcore::Selection;

use crate::failure::Failure;

/// What `FILE[slice]` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// None without brackets.
    pub(crate) selection: Option<Selection>,
}

impl Target {
    /// Takes the brackets for a slice only where no file has the whole text for its name.
    pub(crate) fn new(typed: &OsStr) -> Result<Self, Failure> {
        match split(typed) {
            Some((path, slice)) if !Path::new(typed).exists() => {
                Ok(Self { path: path.into(), selection: Some(slice.parse()?) })
            }
            _ => Ok(Self { path: typed.into(), selection: None }),
        }
    }

    /// The elements, all of them without brackets.
    pub(crate) fn selection(&self) -> Selection {
        self.selection.clone().unwrap_or_default()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.selection {
            Some(selection) => write!(f, "{selection}"),
            None => Ok(()),
        }
    }
}

/// The part before the last bracket that opens, and the bracket.
fn split(typed: &OsStr) -> Option<(OsString, String)> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = typed.as_bytes();
        let at = bytes.iter().rposition(|&byte| byte == b'[').filter(|&at| at > 0 && bytes.ends_with(b"]"))?;
        let slice = std::str::from_utf8(&bytes[at..]).ok()?;
        Some((OsStr::from_bytes(&bytes[..at]).to_owned(), slice.to_owned()))
    }
    #[cfg(not(unix))]
    {
        let text = typed.to_str()?;
        let at = text.rfind('[').filter(|&at| at > 0 && text.ends_with(']'))?;
        Some((text[..at].into(), text[at..].into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bracket_is_the_slice() {
        let target = Target::new(OsStr::new("no/such[1]/m.npy[0, 1:3]")).unwrap();
        assert_eq!(target.path, Path::new("no/such[1]/m.npy"));
        assert_eq!(target.to_string(), "no/such[1]/m.npy[0, 1:3]");
        assert_eq!(Target::new(OsStr::new("m.npy")).unwrap().selection, None);
        assert_eq!(Target::new(OsStr::new("[1]")).unwrap().selection, None);
        assert!(Target::new(OsStr::new("m.npy[x]")).is_err());
    }
}
