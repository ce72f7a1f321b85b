//! The fields of one row: split, decoded, and encoded.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use super::commas::Commas;

/// Room for the fields of a row, to be used again for the next: no allocation a field.
#[derive(Debug, Default)]
pub struct Fields {
    commas: Commas,
    spans: Vec<Span>,
    /// The values that differ from what the file holds, one after the other.
    decoded: String,
}

/// A row split at its commas, nothing decoded: any bytes will do.
#[derive(Debug)]
pub struct Split<'a> {
    row: &'a [u8],
    fields: &'a mut Fields,
}

/// The values of a row that is valid text.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    row: &'a str,
    spans: &'a [Span],
    decoded: &'a str,
}

/// A row that is not valid UTF-8, or holds a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText;

/// One field: `start..end` in the row, and where its value is.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    value: Value,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    /// As it stands in the row.
    Row(usize, usize),
    /// Not quoted, and holds `\,`: still to be decoded.
    Escaped(usize, usize),
    /// Quoted, with its closing quote at this place; still to be decoded.
    Quoted(usize),
    /// In `Fields::decoded`.
    Decoded(usize, usize),
}

impl Fields {
    /// No fields yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Splits a row without line ending. A row has at least one field.
    pub fn split<'a>(&'a mut self, row: &'a [u8]) -> Split<'a> {
        self.spans.clear();
        self.decoded.clear();
        self.commas.find(row);
        let mut start = 0;
        let mut commas = self.commas.places();
        loop {
            let span = if row.get(start) == Some(&b'"') {
                quoted(row, start, &mut commas)
            } else {
                unquoted(row, start, &mut commas)
            };
            self.spans.push(span);
            if span.end == row.len() {
                return Split { row, fields: self };
            }
            start = span.end + 1;
        }
    }
}

impl<'a> Split<'a> {
    /// How many fields there are: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a row is never empty")]
    pub fn len(&self) -> usize {
        self.fields.spans.len()
    }

    /// A field as it stands in the row: quotes, spaces and backslashes included.
    #[must_use]
    pub fn raw(&self, index: usize) -> &'a [u8] {
        let span = self.fields.spans[index];
        &self.row[span.start..span.end]
    }

    /// The values, once the row has been checked to be text.
    pub fn values(self) -> Result<Values<'a>, NotText> {
        let row = std::str::from_utf8(self.row).map_err(|_| NotText)?;
        if memchr(0, self.row).is_some() {
            return Err(NotText);
        }
        let Fields { spans, decoded, .. } = self.fields;
        for span in spans.iter_mut() {
            let start = decoded.len();
            match span.value {
                Value::Row(..) | Value::Decoded(..) => continue,
                Value::Escaped(from, to) => unescape(&row[from..to], decoded),
                Value::Quoted(closing) => {
                    unquote(&row[span.start + 1..closing], decoded);
                    if closing < span.end {
                        unescape(&row[closing + 1..span.end], decoded);
                    }
                }
            }
            span.value = Value::Decoded(start, decoded.len());
        }
        Ok(Values {
            row,
            spans,
            decoded,
        })
    }
}

impl<'a> Values<'a> {
    /// How many fields there are: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a row is never empty")]
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, index: usize) -> &'a str {
        match self.spans[index].value {
            Value::Decoded(from, to) => &self.decoded[from..to],
            Value::Row(from, to) | Value::Escaped(from, to) => &self.row[from..to],
            Value::Quoted(_) => "",
        }
    }

    /// A field as it stands in the row.
    #[must_use]
    pub fn raw(&self, index: usize) -> &'a str {
        let span = self.spans[index];
        &self.row[span.start..span.end]
    }

    /// All values, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let values = *self;
        (0..values.len()).map(move |i| values.get(i))
    }
}

/// `value` as a field that splits and decodes to it again. The one row that
/// cannot be written so is that of a single empty value: it is a blank line.
#[must_use]
pub fn encode_field(value: &str) -> Cow<'_, str> {
    let plain = !value.contains([',', '"', '\n', '\r'])
        && !value.starts_with([' ', '\u{feff}'])
        // A backslash at the end would make the comma that follows literal.
        && !value.ends_with([' ', '\\']);
    if plain {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")))
    }
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not valid UTF-8, or holds a NUL character")
    }
}

impl std::error::Error for NotText {}

fn unquoted(row: &[u8], start: usize, commas: &mut &[u32]) -> Span {
    let (end, escaped) = separator(row, start, commas);
    let (mut from, mut to) = (start, end);
    while from < to && row[from] == b' ' {
        from += 1;
    }
    while from < to && row[to - 1] == b' ' {
        to -= 1;
    }
    let value = if escaped {
        Value::Escaped(from, to)
    } else {
        Value::Row(from, to)
    };
    Span { start, end, value }
}

fn quoted(row: &[u8], start: usize, commas: &mut &[u32]) -> Span {
    let mut at = start + 1;
    let mut plain = true;
    let closing = loop {
        match memchr(b'"', &row[at..]) {
            None => break row.len(),
            Some(i) if row.get(at + i + 1) == Some(&b'"') => {
                plain = false;
                at += i + 2;
            }
            Some(i) => break at + i,
        }
    };
    let (end, _) = separator(row, row.len().min(closing + 1), commas);
    plain &= closing + 1 >= end;
    let value = if plain {
        Value::Row(start + 1, closing)
    } else {
        Value::Quoted(closing)
    };
    Span { start, end, value }
}

/// The first comma from `from` on that is none of a value (or the row's end),
/// and whether commas of the value came before it.
fn separator(row: &[u8], from: usize, commas: &mut &[u32]) -> (usize, bool) {
    let mut escaped = false;
    while let Some((comma, rest)) = commas.split_first() {
        *commas = rest;
        let comma = *comma as usize;
        if comma < from {
            continue;
        }
        if comma == 0 || row[comma - 1] != b'\\' {
            return (comma, escaped);
        }
        escaped = true;
    }
    (row.len(), escaped)
}

fn unescape(text: &str, decoded: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("\\,") {
        decoded.push_str(&rest[..at]);
        decoded.push(',');
        rest = &rest[at + 2..];
    }
    decoded.push_str(rest);
}

fn unquote(text: &str, decoded: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("\"\"") {
        decoded.push_str(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    decoded.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_is_used_again_does_not_grow() {
        let mut fields = Fields::new();
        for _ in 0..3 {
            assert!(fields.split(b"\"a\"\"b\",c\\,d").values().is_ok());
            assert_eq!(
                (fields.spans.len(), fields.decoded.as_str()),
                (2, "a\"bc,d")
            );
        }
    }
}
