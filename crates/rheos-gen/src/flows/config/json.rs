//! JSON (RFC 8259) as a tree: numbers as they are written, and every value with its line, which readers for typed
//! values do not tell.

use std::sync::Arc;

use super::document::{DEPTH_MAX, Node, Value};

type Parsed<T> = Result<T, (u32, String)>;

/// The tree of a text; the error has a line.
pub(super) fn parse(text: &str, file: &Arc<str>) -> Parsed<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 1, file };
    let root = reader.value(0)?;
    reader.space();
    if !reader.rest.is_empty() {
        return reader.wrong("there is something behind the last `}`");
    }
    Ok(root)
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    file: &'a Arc<str>,
}

impl<'a> Reader<'a> {
    #[cold]
    fn wrong<T>(&self, message: &str) -> Parsed<T> {
        let at: String = self.rest.chars().take_while(|&c| c != '\n').take(20).collect();
        let at = if at.is_empty() { "the end".to_owned() } else { format!("`{at}`") };
        Err((self.line, format!("{message}, at {at}")))
    }

    fn space(&mut self) {
        let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let skipped = &self.rest[..self.rest.len() - trimmed.len()];
        self.line += skipped.bytes().filter(|&b| b == b'\n').count() as u32;
        self.rest = trimmed;
    }

    /// Whether `token` comes next; skips it then.
    fn take(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        if depth > DEPTH_MAX {
            return self.wrong("it is nested deeper than 32 levels");
        }
        self.space();
        let line = self.line;
        let value = match self.rest.bytes().next() {
            Some(b'{') => self.section(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Text(self.number()?.to_owned()),
            _ if self.take("null") => Value::Nothing,
            _ if self.take("true") => Value::Text("true".to_owned()),
            _ if self.take("false") => Value::Text("false".to_owned()),
            _ => return self.wrong("there is no value"),
        };
        Ok(Node { value, file: self.file.clone(), line })
    }

    fn section(&mut self, depth: usize) -> Parsed<Value> {
        let mut members: Vec<(String, Node)> = Vec::new();
        self.take("{");
        if self.take("}") {
            return Ok(Value::Section(members));
        }
        loop {
            self.space();
            if !self.rest.starts_with('"') {
                return self.wrong("a key in quotes is missing");
            }
            let key = self.string()?;
            if members.iter().any(|(known, _)| *known == key) {
                return self.wrong("a key comes twice");
            }
            if !self.take(":") {
                return self.wrong("a `:` is missing");
            }
            members.push((key, self.value(depth + 1)?));
            if self.take("}") {
                return Ok(Value::Section(members));
            }
            if !self.take(",") {
                return self.wrong("a `,` or `}` is missing");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Parsed<Value> {
        let mut items = Vec::new();
        self.take("[");
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take("]") {
                return Ok(Value::List(items));
            }
            if !self.take(",") {
                return self.wrong("a `,` or `]` is missing");
            }
        }
    }

    fn number(&mut self) -> Parsed<&'a str> {
        let all = self.rest;
        let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let end = all.find(|c| !is_part(c)).unwrap_or(all.len());
        let (number, rest) = all.split_at(end);
        let digits = number.strip_prefix('-').unwrap_or(number);
        let led_by_zero = digits.len() > 1
            && digits.starts_with('0')
            && digits[1..].starts_with(|c: char| c.is_ascii_digit());
        if led_by_zero || number.ends_with('.') || number.parse::<f64>().is_err() {
            return self.wrong("there is no such number");
        }
        self.rest = rest;
        Ok(number)
    }

    fn string(&mut self) -> Parsed<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(out);
                }
                '\u{0}'..='\u{1f}' => break,
                '\\' => {
                    let Some((at, escape)) = chars.next() else { break };
                    match escape {
                        '"' | '\\' | '/' => out.push(escape),
                        'b' => out.push('\u{8}'),
                        'f' => out.push('\u{c}'),
                        'n' => out.push('\n'),
                        'r' => out.push('\r'),
                        't' => out.push('\t'),
                        'u' => {
                            let Some((c, more)) = unicode(self.rest, at + 1) else { break };
                            out.push(c);
                            chars.by_ref().take(more).for_each(drop);
                        }
                        _ => break,
                    }
                }
                c => out.push(c),
            }
        }
        self.wrong("a string does not end, or has a wrong escape")
    }
}

/// The character of `\uXXXX`, or of two such that make one, and how many characters follow the first `u`.
fn unicode(text: &str, at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at.checked_add(4)?)?;
        let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        if all_hex { u32::from_str_radix(digits, 16).ok() } else { None }
    };
    let first = unit(at)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).map(|c| (c, 4));
    }
    if text.get(at + 4..at + 6)? != "\\u" {
        return None;
    }
    let second = unit(at + 6).filter(|s| (0xdc00..0xe000).contains(s))?;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).map(|c| (c, 10))
}

/// Writes a tree as JSON in one line.
pub(super) fn write(node: &Node, out: &mut String) {
    let joint = |i: usize| if i == 0 { "" } else { "," };
    match &node.value {
        Value::Nothing => out.push_str("null"),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(joint(i));
                write(item, out);
            }
            out.push(']');
        }
        Value::Section(members) => {
            out.push('{');
            for (i, (name, member)) in members.iter().enumerate() {
                out.push_str(joint(i));
                write_text(name, out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

/// RFC 8259 section 7: quotes, backslashes and control characters are escaped.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
