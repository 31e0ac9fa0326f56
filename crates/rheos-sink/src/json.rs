//! Lines of JSON objects (RFC 8259): valid JSON for every value of every column.
//!
//! Integers are written as numbers in full, also beyond 2^53, where a reader that keeps numbers as IEEE doubles
//! loses digits. Floats that are not finite are null, since JSON has no such number.

use crate::JsonNulls;
use crate::columns::{Column, Style};

/// The names of a schema, each as `,"name":`.
#[derive(Debug)]
pub(crate) struct Names {
    text: Vec<u8>,
    /// Where each name ends.
    ends: Vec<usize>,
    nulls: JsonNulls,
}

impl Names {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>, nulls: JsonNulls) -> Self {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for name in names {
            text.push(b',');
            string(&mut text, name);
            text.push(b':');
            ends.push(text.len());
        }
        Self { text, ends, nulls }
    }

    /// Appends one line.
    pub(crate) fn row(&self, out: &mut Vec<u8>, columns: &[Column<'_>], row: usize) {
        let start = out.len();
        let mut name_start = 0;
        for (column, &name_end) in columns.iter().zip(&self.ends) {
            let name = &self.text[name_start..name_end];
            name_start = name_end;
            if column.is_absent(row) {
                if self.nulls == JsonNulls::Write {
                    out.extend_from_slice(name);
                    out.extend_from_slice(b"null");
                }
            } else {
                out.extend_from_slice(name);
                column.push(row, Style::Json, out);
            }
        }
        // The comma in front of the first name makes room for the brace.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Appends a string in quotes.
#[inline]
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    let bytes = value.as_bytes();
    out.push(b'"');
    let is_special = |b: &u8| matches!(b, b'"' | b'\\' | 0..=0x1f);
    match bytes.iter().position(is_special) {
        None => out.extend_from_slice(bytes),
        Some(first) => escaped(out, bytes, first),
    }
    out.push(b'"');
}

#[cold]
fn escaped(out: &mut Vec<u8>, bytes: &[u8], first: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (plain, rest) = bytes.split_at(first);
    out.extend_from_slice(plain);
    for &byte in rest {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1f => {
                let digit = |nibble: u8| DIGITS[usize::from(nibble)];
                out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    digit(byte >> 4),
                    digit(byte & 15),
                ]);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        for (value, expected) in [
            ("", r#""""#),
            ("plain \u{20ac}", "\"plain \u{20ac}\""),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\r\t\0\u{1f}", r#""\n\r\t\u0000\u001f""#),
        ] {
            let mut out = Vec::new();
            string(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
