//! Strings as Python's `repr` writes them.

use std::fmt::Write;

/// The text between Python quotes, with Python's escapes: single quotes unless the text holds some and no double ones.
pub(crate) fn string(text: &str) -> String {
    code_points(text.chars().map(u32::from))
}

/// The same for code points as NumPy stores them; those that are no character print as an escape.
pub(crate) fn code_points(text: impl Iterator<Item = u32> + Clone) -> String {
    let quote = quote(&text);
    let mut out = String::from(quote);
    for code in text {
        match char::from_u32(code) {
            Some('\\') => out.push_str("\\\\"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some(c) if c == quote => out.extend(['\\', c]),
            Some(c) if is_printable(c) => out.push(c),
            _ => push_escape(&mut out, code),
        }
    }
    out.push(quote);
    out
}

/// The bytes as Python writes a bytes string: `b'...'`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let quote = quote(&bytes.iter().map(|&byte| byte.into()));
    let mut out = String::from("b");
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            _ if char::from(byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(byte.into()),
            _ => push_escape(&mut out, byte.into()),
        }
    }
    out.push(quote);
    out
}

fn quote(text: &(impl Iterator<Item = u32> + Clone)) -> char {
    let holds = |quote: char| text.clone().any(|code| code == u32::from(quote));
    if holds('\'') && !holds('"') { '"' } else { '\'' }
}

fn push_escape(out: &mut String, code: u32) {
    let result = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    result.expect("a String takes every write");
}

/// Whether Python prints the character as it is: `str.isprintable`.
///
/// Exact for control, format, separator and private-use characters. Code points that Unicode has not assigned are taken
/// for printable outside of planes that are wholly unassigned; Python, whose tables know them, escapes them all.
fn is_printable(c: char) -> bool {
    !matches!(u32::from(c),
        0..=0x1f | 0x7f..=0xa0 | 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x1680 | 0x180e
        | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 | 0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb
        | 0xfdd0..=0xfdef | 0xfffe..=0xffff | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0x1fffe..=0x1ffff | 0x2fffe..=0x2ffff | 0x3fffe..=0xe00ff | 0xe01f0..=0x10_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_print_as_python_prints_them() {
        assert_eq!(string("it's"), r#""it's""#);
        assert_eq!(string(r#"say "hi""#), r#"'say "hi"'"#);
        assert_eq!(string(r#"'""#), r#"'\'"'"#);
        assert_eq!(string("a\\\t\n\r\x00\x7f\u{a0}\u{ad}"), r"'a\\\t\n\r\x00\x7f\xa0\xad'");
        assert_eq!(string("\u{200b}\u{e000}\u{3000}\u{e0001}é温😀"), r"'\u200b\ue000\u3000\U000e0001é温😀'");
        assert_eq!(code_points([0xd800, 0x11_0000].into_iter()), r"'\ud800\U00110000'");
        assert_eq!(bytes(b"a'b\n\xff"), r#"b"a'b\n\xff""#);
    }
}
