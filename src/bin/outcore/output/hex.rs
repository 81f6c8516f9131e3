//! Bytes as pairs of hexadecimal digits.

use std::fmt::Write as _;
use std::io::Write;

use outcore::{AnyArrayFile, Selection};

use super::Out;
use crate::blocks::read_blocks;
use crate::failure::Failure;

/// `01ff`
pub(crate) fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A string takes all that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that pairs of digits stand for; spaces between pairs are fine, and so is a leading `0x`.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let trimmed = text.trim();
    let digits: Vec<u8> =
        trimmed.strip_prefix("0x").unwrap_or(trimmed).bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("'{trimmed}' has an odd number of hexadecimal digits"));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs
        .iter()
        .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("'{trimmed}' is not hexadecimal"))
}

/// One element on each line, in row-major order, its scalars little-endian: what `set --hex` takes.
pub(crate) fn write(out: &mut Out, file: &AnyArrayFile, selection: &Selection, block: usize) -> Result<(), Failure> {
    let dtype = file.header().dtype();
    let itemsize = dtype.itemsize();
    if itemsize == 0 {
        return Ok(());
    }
    for items in read_blocks(file, selection, block)? {
        let mut items = items?;
        dtype.to_little_endian(&mut items);
        for item in items.chunks_exact(itemsize) {
            writeln!(out, "{}", digits(item))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_bytes_are_inverse() {
        assert_eq!(digits(&[0, 1, 0xab]), "0001ab");
        assert_eq!(bytes("0001aB").unwrap(), [0, 1, 0xab]);
        assert_eq!(bytes(" 0x00 01 AB ").unwrap(), [0, 1, 0xab]);
        assert_eq!(bytes("").unwrap(), Vec::<u8>::new());
        for text in ["1", "xy", "é", "+1"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
