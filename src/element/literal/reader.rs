//! The grammar: containers, numbers and names.

use std::borrow::Cow;

use super::{Flaw, Literal, Result, Value, excerpt};
use crate::error::ErrorKind;

/// How deep brackets may nest. Every level of a nested record takes two.
pub(super) const MAX_DEPTH: usize = 100;

/// Reads one literal that is the whole text.
///
/// With `py2_long`, an `L` after a number is dropped, as NumPy does for headers written under Python 2.
pub(crate) fn read(text: &str, py2_long: bool) -> Result<Literal> {
    let text = text.chars().collect();
    let mut reader = Reader { text, next: 0, depth: 0, py2_long };
    reader.first_line()?;
    let literal = reader.value()?;
    reader.blank()?;
    match reader.peek() {
        Some(',') => return Err(reader.flaw("expected the end of the text, found ','")),
        Some('\n' | '\r') | None => {}
        Some(_) => return Err(reader.unexpected("the end of the text")),
    }
    // Inside brackets a line end is a blank: what is left may hold blanks and comments, no more.
    reader.depth = 1;
    reader.blank()?;
    match reader.peek() {
        None => Ok(literal),
        Some(_) => Err(reader.unexpected("the end of the text")),
    }
}

pub(super) struct Reader {
    pub(super) text: Vec<char>,
    pub(super) next: usize,
    /// Open brackets; inside brackets a line end is a blank.
    depth: usize,
    py2_long: bool,
}

impl Reader {
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.next).copied()
    }

    pub(super) fn peek_after(&self, skip: usize) -> Option<char> {
        self.text.get(self.next + skip).copied()
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    pub(super) fn flaw_at(&self, at: usize, message: impl Into<Cow<'static, str>>) -> Flaw {
        Flaw::new(at, ErrorKind::Corrupt, message)
    }

    pub(super) fn flaw(&self, message: impl Into<Cow<'static, str>>) -> Flaw {
        self.flaw_at(self.next, message)
    }

    pub(super) fn unexpected(&self, expected: &str) -> Flaw {
        match self.peek() {
            None => self.flaw(format!("expected {expected}, found the end of the text")),
            Some(found) => self.flaw(format!("expected {expected}, found {found:?}")),
        }
    }

    /// Skips blanks and comments, and line ends where they mean nothing.
    pub(super) fn blank(&mut self) -> Result<()> {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\x0c') => self.next += 1,
                Some('\n' | '\r') if self.depth > 0 => self.next += 1,
                Some('#') => self.comment(),
                Some('\\') => {
                    let joins = self.next;
                    self.next += 1;
                    if !self.line_end() || self.peek().is_none() {
                        return Err(self.flaw_at(joins, "expected another line after '\\'"));
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) {
        while !matches!(self.peek(), None | Some('\n' | '\r')) {
            self.next += 1;
        }
    }

    pub(super) fn line_end(&mut self) -> bool {
        let found = self.take('\r');
        self.take('\n') || found
    }

    /// Skips to the first line that is not blank, which must not be indented: Python takes indentation for a block.
    fn first_line(&mut self) -> Result<()> {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next += 1;
        }
        let mut indented = false;
        loop {
            match self.peek() {
                Some(' ' | '\t') => indented = true,
                Some('\x0c' | '\n' | '\r') => indented = false,
                Some('#') => {
                    self.comment();
                    continue;
                }
                Some(_) if indented => return Err(self.flaw("unexpected indent")),
                _ => return Ok(()),
            }
            self.next += 1;
        }
    }

    fn value(&mut self) -> Result<Literal> {
        let at = self.next;
        let value = match self.peek() {
            Some('{') => self.nested(Self::braces)?,
            Some('[') => self.nested(|reader| reader.items(']').map(|(items, _)| Value::List(items)))?,
            Some('(') => self.nested(Self::parentheses)?,
            Some('"' | '\'') => self.strings()?,
            Some('+' | '-') => self.signed()?,
            Some('0'..='9') => self.number()?,
            Some('.') if self.peek_after(1) == Some('.') && self.peek_after(2) == Some('.') => {
                self.next += 3;
                Value::Ellipsis
            }
            Some('.') => self.number()?,
            Some(c) if is_name(c) => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Literal { at, value })
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Value>) -> Result<Value> {
        if self.depth == MAX_DEPTH {
            return Err(self.flaw(format!("brackets nest deeper than {MAX_DEPTH}")));
        }
        self.next += 1;
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// The items up to the closing bracket, and whether a comma was among them.
    fn items(&mut self, close: char) -> Result<(Vec<Literal>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            self.blank()?;
            if self.take(close) {
                return Ok((items, comma));
            }
            items.push(self.value()?);
            comma |= self.separator(close)?;
        }
    }

    /// A comma, or nothing before the closing bracket.
    fn separator(&mut self, close: char) -> Result<bool> {
        self.blank()?;
        let comma = self.take(',');
        if comma || self.peek() == Some(close) { Ok(comma) } else { Err(self.unexpected(&format!("',' or '{close}'"))) }
    }

    fn parentheses(&mut self) -> Result<Value> {
        let (mut items, comma) = self.items(')')?;
        match items.pop() {
            Some(only) if !comma => Ok(only.value),
            last => {
                items.extend(last);
                Ok(Value::Tuple(items))
            }
        }
    }

    fn braces(&mut self) -> Result<Value> {
        self.blank()?;
        if self.take('}') {
            return Ok(Value::Dict(Vec::new()));
        }
        let first = self.value()?;
        self.blank()?;
        if self.peek() != Some(':') {
            self.separator('}')?;
            let mut items = vec![first];
            items.extend(self.items('}')?.0);
            return Ok(Value::Set(items));
        }
        let mut key = first;
        let mut entries = Vec::new();
        loop {
            self.blank()?;
            if !self.take(':') {
                return Err(self.unexpected("':'"));
            }
            self.blank()?;
            entries.push((key, self.value()?));
            self.separator('}')?;
            self.blank()?;
            if self.take('}') {
                return Ok(Value::Dict(entries));
            }
            key = self.value()?;
        }
    }

    fn signed(&mut self) -> Result<Value> {
        let negative = self.peek() == Some('-');
        self.next += 1;
        self.blank()?;
        if !matches!(self.peek(), Some('0'..='9' | '.')) {
            return Err(self.unexpected("a number after the sign"));
        }
        Ok(match self.number()? {
            Value::Int(value) if negative => Value::Int(-value),
            Value::BigInt(_) => Value::BigInt(negative),
            value => value,
        })
    }

    fn number(&mut self) -> Result<Value> {
        let begin = self.next;
        let radix = match (self.peek(), self.peek_after(1)) {
            (Some('0'), Some('x' | 'X')) => 16,
            (Some('0'), Some('o' | 'O')) => 8,
            (Some('0'), Some('b' | 'B')) => 2,
            _ => 10,
        };
        let mut value = Some(0_i128);
        if radix != 10 {
            self.next += 2;
            self.take('_');
        }
        let whole = self.digits(radix, |digit| {
            value = value.and_then(|value| value.checked_mul(radix.into())?.checked_add(digit.into()));
        })?;
        let mut result = value.map_or(Value::BigInt(false), Value::Int);
        if radix == 10 {
            if self.take('.') {
                let fraction = self.digits(10, |_| {})?;
                result = Value::Float;
                if whole + fraction == 0 {
                    return Err(self.flaw_at(begin, "expected a digit beside '.'"));
                }
            }
            if matches!(self.peek(), Some('e' | 'E')) {
                let sign = usize::from(matches!(self.peek_after(1), Some('+' | '-')));
                if matches!(self.peek_after(1 + sign), Some('0'..='9')) {
                    self.next += 1 + sign;
                    self.digits(10, |_| {})?;
                    result = Value::Float;
                }
            }
            if matches!(self.peek(), Some('j' | 'J')) {
                self.next += 1;
                result = Value::Complex;
            }
            let padded = self.text[begin] == '0' && result != Value::Int(0);
            if padded && matches!(result, Value::Int(_) | Value::BigInt(_)) {
                return Err(self.flaw_at(begin, "a decimal integer with a leading zero"));
            }
        } else if whole == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.drop_long();
        match self.peek() {
            Some(c) if is_name(c) => Err(self.unexpected("the end of the number")),
            _ => Ok(result),
        }
    }

    /// Digits with single underscores between them; returns how many.
    fn digits(&mut self, radix: u32, mut each: impl FnMut(u32)) -> Result<usize> {
        let mut count = 0;
        loop {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { return Ok(count) };
            each(digit);
            count += 1;
            self.next += 1;
            if self.peek() == Some('_') {
                self.next += 1;
                if self.peek().and_then(|c| c.to_digit(radix)).is_none() {
                    return Err(self.unexpected("a digit after '_'"));
                }
            }
        }
    }

    /// Drops the `L` of a Python 2 `long`, even after blanks, as NumPy does.
    fn drop_long(&mut self) {
        if !self.py2_long {
            return;
        }
        let blanks = self.text[self.next..].iter().take_while(|c| matches!(c, ' ' | '\t' | '\x0c')).count();
        let is_word = self.peek_after(blanks + 1).is_some_and(is_name);
        if self.peek_after(blanks) == Some('L') && !is_word {
            self.next += blanks + 1;
        }
    }

    /// A name that is a value, or the prefix of a string.
    fn word(&mut self) -> Result<Value> {
        let begin = self.next;
        let end = self.text[begin..].iter().position(|&c| !is_name(c)).map_or(self.text.len(), |len| begin + len);
        if end - begin <= 2 && matches!(self.text.get(end), Some('"' | '\'')) {
            return self.strings();
        }
        let word: String = self.text[begin..end].iter().collect();
        self.next = end;
        match word.as_str() {
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            "None" => Ok(Value::None),
            _ => Err(self.flaw_at(begin, format!("'{}' is not a literal", excerpt(&word)))),
        }
    }
}

/// Whether the character can be part of a name. Beyond ASCII, Python's rule differs slightly; all such names are refused.
fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
