//! Lines of comma-separated values (RFC 4180, lines end with `\n`).
//!
//! Null is an empty field and the empty string is `""`, so that readers that tell them apart can.

use crate::columns::{Column, Style};

/// Appends the header line.
pub(crate) fn header<'a>(out: &mut Vec<u8>, names: impl Iterator<Item = &'a str>) {
    for (i, name) in names.enumerate() {
        out.extend((i > 0).then_some(b','));
        field(out, name);
    }
    out.push(b'\n');
}

/// Appends one line.
pub(crate) fn row(out: &mut Vec<u8>, columns: &[Column<'_>], row: usize) {
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if !column.is_absent(row) {
            column.push(row, Style::Csv, out);
        }
    }
    out.push(b'\n');
}

/// Appends a string, in quotes where they are needed.
#[inline]
pub(crate) fn field(out: &mut Vec<u8>, value: &str) {
    let needs_quotes = |b: &u8| matches!(b, b',' | b'"' | b'\n' | b'\r');
    if !value.is_empty() && !value.as_bytes().iter().any(needs_quotes) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    out.push(b'"');
    let start = out.len();
    out.extend_from_slice(value.as_bytes());
    double_quotes(out, start);
    out.push(b'"');
}

/// Doubles the quotes from `start` on.
pub(crate) fn double_quotes(out: &mut Vec<u8>, start: usize) {
    let quotes: usize = out[start..].iter().map(|&b| usize::from(b == b'"')).sum();
    let mut from = out.len();
    let mut to = from + quotes;
    out.resize(to, b'"');
    // From the end, so that every byte moves once and nothing is overwritten before it moved.
    while to > from {
        from -= 1;
        to -= 1;
        out[to] = out[from];
        if out[from] == b'"' {
            to -= 1;
            out[to] = b'"';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_needed() {
        for (value, expected) in [
            ("", r#""""#),
            ("plain text; with: signs", "plain text; with: signs"),
            ("a,b", r#""a,b""#),
            ("say \"hi\"", r#""say ""hi""""#),
            ("\"", r#""""""#),
            ("two\nlines", "\"two\nlines\""),
            ("\r", "\"\r\""),
            ("\u{20ac}", "\u{20ac}"),
        ] {
            let mut out = b"x,".to_vec();
            field(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x,{expected}"));
        }
    }

    #[test]
    fn quotes_are_doubled_in_place() {
        let mut out = br#"""a"b"c"""#.to_vec();
        double_quotes(&mut out, 1);
        assert_eq!(out, br#""""a""b""c"""""#);
    }
}
