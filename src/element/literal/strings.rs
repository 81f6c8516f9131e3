//! Strings and bytes strings, with their prefixes and escapes.

use super::reader::Reader;
use super::{Flaw, Result, Value};
use crate::error::ErrorKind;

impl Reader {
    /// Strings next to one another, which are one string.
    pub(super) fn strings(&mut self) -> Result<Value> {
        let mut whole: Option<Value> = None;
        loop {
            let begin = self.next;
            let prefix = self.text[begin..].iter().take(3).position(|c| matches!(c, '"' | '\''));
            let Some(prefix) =
                prefix.filter(|&len| self.text[begin..begin + len].iter().all(char::is_ascii_alphabetic))
            else {
                break;
            };
            let letters: String = self.text[begin..begin + prefix].iter().map(char::to_ascii_lowercase).collect();
            let (raw, bytes) = match letters.as_str() {
                "" | "u" => (false, false),
                "r" => (true, false),
                "b" => (false, true),
                "br" | "rb" => (true, true),
                _ => return Err(self.flaw_at(begin, format!("'{letters}' strings are not literals"))),
            };
            self.next += prefix;
            whole = Some(match (whole, bytes) {
                (None, false) => self.string(String::new(), raw)?,
                (Some(Value::Str(text)), false) => self.string(text, raw)?,
                (None, true) => self.bytes(Vec::new(), raw)?,
                (Some(Value::Bytes(all)), true) => self.bytes(all, raw)?,
                _ => return Err(self.flaw_at(begin, "a string and a bytes string do not join")),
            });
            self.blank()?;
        }
        whole.ok_or_else(|| self.unexpected("a string"))
    }

    fn string(&mut self, mut all: String, raw: bool) -> Result<Value> {
        self.quoted(raw, false, |at, code| {
            all.push(char::from_u32(code).ok_or_else(|| {
                Flaw::new(at, ErrorKind::Corrupt, format!("U+{code:04X} is not a Unicode scalar value"))
            })?);
            Ok(())
        })?;
        Ok(Value::Str(all))
    }

    fn bytes(&mut self, mut all: Vec<u8>, raw: bool) -> Result<Value> {
        self.quoted(raw, true, |at, code| {
            // Python keeps the low byte of an octal escape beyond `\377`.
            if code > 0o777 {
                return Err(Flaw::new(at, ErrorKind::Corrupt, "a bytes string holds ASCII only"));
            }
            all.push(code.to_le_bytes()[0]);
            Ok(())
        })?;
        Ok(Value::Bytes(all))
    }

    /// Feeds each character between the quotes, with its position, to `push`.
    fn quoted(&mut self, raw: bool, bytes: bool, mut push: impl FnMut(usize, u32) -> Result<()>) -> Result<()> {
        let begin = self.next;
        let quote = self.text[begin];
        let triple = self.peek_after(1) == Some(quote) && self.peek_after(2) == Some(quote);
        self.next += if triple { 3 } else { 1 };
        loop {
            let at = self.next;
            let Some(c) = self.peek() else { return Err(self.flaw_at(begin, "the string is not closed")) };
            self.next += 1;
            match c {
                _ if c == quote && !triple => return Ok(()),
                _ if c == quote && self.peek() == Some(quote) && self.peek_after(1) == Some(quote) => {
                    self.next += 2;
                    return Ok(());
                }
                '\n' | '\r' if !triple => return Err(self.flaw_at(begin, "the string is not closed on its line")),
                '\0' => return Err(self.flaw_at(at, "a NUL character")),
                '\r' => {
                    self.take('\n');
                    push(at, '\n'.into())?;
                }
                '\\' if raw => {
                    push(at, c.into())?;
                    // The next character cannot close the string.
                    match self.peek() {
                        Some('\r' | '\n') => {
                            self.line_end();
                            push(at, '\n'.into())?;
                        }
                        Some(next) if next != '\0' => {
                            self.next += 1;
                            push(at, next.into())?;
                        }
                        _ => {}
                    }
                }
                '\\' => self.escape(at, bytes, &mut push)?,
                _ if bytes && !c.is_ascii() => return Err(self.flaw_at(at, "a bytes string holds ASCII only")),
                _ => push(at, c.into())?,
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, at: usize, bytes: bool, push: &mut impl FnMut(usize, u32) -> Result<()>) -> Result<()> {
        let Some(c) = self.peek() else { return Ok(()) };
        let code = match c {
            '\n' | '\r' => {
                self.line_end();
                return Ok(());
            }
            '\\' | '\'' | '"' => c.into(),
            'a' => 7,
            'b' => 8,
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            '0'..='7' => {
                let mut code = 0;
                for _ in 0..3 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.next += 1;
                }
                return push(at, code);
            }
            'x' => return push(at, self.hex(at, 2)?),
            'u' if !bytes => return push(at, self.hex(at, 4)?),
            'U' if !bytes => return push(at, self.hex(at, 8)?),
            'N' if !bytes => return Err(self.flaw_at(at, "names of characters (\\N) are not supported")),
            _ => {
                // Python keeps the backslash of an escape that it does not know.
                return push(at, '\\'.into());
            }
        };
        self.next += 1;
        push(at, code)
    }

    fn hex(&mut self, at: usize, len: usize) -> Result<u32> {
        self.next += 1;
        let mut code = 0;
        for _ in 0..len {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.flaw_at(at, format!("expected {len} hexadecimal digits")))?;
            self.next += 1;
        }
        Ok(code)
    }
}
