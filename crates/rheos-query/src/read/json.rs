//! JSON of flows: objects one per line, in an array, or one after the other; only names that are known are read.
//!
//! Objects are flat in every known producer; values that are lists or objects are skipped.

use std::borrow::Cow;

use super::rows::Rows;
use crate::{FlowColumn, FlowColumns};

/// How deep skipped values may nest.
const DEPTH_MAX: usize = 64;

/// Where the last whole object ends, if there is one.
pub(super) fn last_end(text: &[u8]) -> Option<usize> {
    let (mut depth, mut end) = (0_usize, None);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at)?.saturating_sub(1),
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
        if at >= text.len() {
            break;
        }
    }
    end
}

/// Behind the closing quote of the string that begins at `at`.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Whole objects, the first of which begins at or after `offset` of the file.
pub(super) fn parse(text: &[u8], offset: u64, rows: &mut Rows) {
    let mut reader = Reader { text, at: 0, names: Vec::new() };
    loop {
        // Between objects stand commas, brackets of the list and blanks.
        while matches!(reader.peek(), Some(b' ' | b'\n' | b'\r' | b'\t' | b',' | b'[' | b']')) {
            reader.at += 1;
        }
        if reader.peek().is_none() {
            return;
        }
        let begin = reader.at;
        match reader.object(rows) {
            Ok(found) => {
                rows.found = rows.found | found;
                rows.done_with_gaps();
            }
            Err(reason) => {
                rows.bad(offset + begin as u64, reason);
                // The next line, or the end, is where to go on.
                let rest = text.get(begin..).unwrap_or_default();
                let next = rest.iter().position(|&b| b == b'\n');
                reader.at = begin + next.map_or(rest.len(), |at| at + 1);
            }
        }
    }
}

/// A name, and the wanted column and its place that it means.
type Name<'a> = (&'a [u8], Option<(FlowColumn, usize)>);

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The names of the last object, which those of the next one most likely are.
    names: Vec<Name<'a>>,
}

type Parsed<T> = Result<T, Cow<'static, str>>;

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        self.blank();
        if self.peek() != Some(byte) {
            return Err(format!("no `{}` where one is expected", char::from(byte)).into());
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Parsed<&'a [u8]> {
        let begin = self.at + 1;
        let end = string_end(self.text, self.at).ok_or("a string does not end")?;
        self.at = end;
        Ok(self.text.get(begin..end - 1).unwrap_or_default())
    }

    fn object(&mut self, rows: &mut Rows) -> Parsed<FlowColumns> {
        self.expect(b'{')?;
        let mut found = FlowColumns::NONE;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(found);
        }
        for n in 0.. {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err("no name where one is expected".into());
            }
            let name = self.string()?;
            self.expect(b':')?;
            self.blank();
            let known = match self.names.get(n) {
                Some((known, column)) if *known == name => *column,
                _ => {
                    let column = std::str::from_utf8(name).ok().and_then(FlowColumn::named);
                    let column = column.and_then(|column| Some((column, rows.place(column)?)));
                    self.names.truncate(n);
                    if self.names.len() == n {
                        self.names.push((name, column));
                    }
                    column
                }
            };
            match known {
                Some((column, place)) if !found.contains(column) => {
                    found = found.with(column);
                    self.value(place, column, rows)?;
                }
                _ => self.skip()?,
            }
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(found);
                }
                _ => return Err("no `,` or `}` after a value".into()),
            }
        }
        Ok(found)
    }

    fn value(&mut self, place: usize, column: FlowColumn, rows: &mut Rows) -> Parsed<()> {
        let text = match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'0'..=b'9' | b'-' | b'n') => self.bare(),
            _ => return Err(format!("no number or text in `{column}`").into()),
        };
        let text = match text {
            b"null" => b"",
            text => text,
        };
        let text = String::from_utf8_lossy(text);
        if rows.push_text(place, &text) {
            return Ok(());
        }
        let shown: String = text.chars().take(40).collect();
        Err(format!("`{shown}` in `{column}`").into())
    }

    /// A number, `true`, `false` or `null`.
    fn bare(&mut self) -> &'a [u8] {
        let begin = self.at;
        let is_bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
        while self.peek().is_some_and(is_bare) {
            self.at += 1;
        }
        self.text.get(begin..self.at).unwrap_or_default()
    }

    /// A value that is not wanted.
    fn skip(&mut self) -> Parsed<()> {
        let mut depth = 0;
        loop {
            self.blank();
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    if depth > DEPTH_MAX {
                        return Err("values nest too deep".into());
                    }
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => self.at += 1,
                _ if self.bare().is_empty() => return Err("no value where one is expected".into()),
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (crate::FlowBlock, u64, Option<String>) {
        let mut rows = Rows::new(FlowColumns::ALL);
        parse(text.as_bytes(), 0, &mut rows);
        let bad = rows.first_bad.take().map(|(at, why)| format!("{at}: {why}"));
        let count = rows.bad;
        (rows.into_block(), count, bad)
    }

    #[test]
    fn objects_of_all_producers_are_read() {
        let text = r#"[{"src_ip":"10.0.0.1","timestamp":1704067200000000001,"length":800,"protocol":6},
            {"type":"SFLOW_5","src_addr":"2001:db8::1","proto":"UDP","bytes":64,"packets":2,
             "time_flow_start_ns":5,"as_path":[1,{"a":"}"},[]],"x":null,"src_port":"53"}]"#;
        let (block, bad, why) = read(text);
        assert_eq!((block.len(), bad), (2, 0), "{why:?}");
        assert_eq!(block.value(FlowColumn::First, 0), 1_704_067_200_000_000_001);
        assert_eq!(block.value(FlowColumn::Protocol, 1), 17);
        assert_eq!(block.value(FlowColumn::SrcPort, 1), 53);
        assert_eq!(block.value(FlowColumn::Packets, 0), 0);
        assert!(block.is_wide());
        assert_eq!(last_end(text.as_bytes()), Some(text.len() - 1));
    }

    #[test]
    fn bad_objects_are_left_out() {
        let text = "{\"bytes\":1}\n{\"bytes\":-1}\n{\"bytes\":2\n{\"bytes\":3}\n";
        let (block, bad, first) = read(text);
        assert_eq!((block.len(), bad), (2, 2));
        assert_eq!(first.as_deref(), Some("12: `-1` in `byte_count`"));
        assert_eq!(last_end(b"{\"a\":\"}\"} {\"b\""), Some(9));
        assert_eq!(last_end(b"{\"a"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_rows_or_bad_rows(words in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"bytes\"", "\"src_ip\"", "1", "\"10.0.0.1\"", "null", "\"", "\\", "\n", "-",
            ]), 0..60)) {
            let text = words.concat();
            read(&text);
            let _ = last_end(text.as_bytes());
        }
    }
}
