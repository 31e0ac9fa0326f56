//! RFC 4180 in: a header line, quotes, doubled quotes, line ends of either kind. Written by hand because only so the
//! empty field, which is null, and `""`, which is not, stay apart.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};

use super::Source;
use crate::Error;

/// A field and what ended it.
struct Field<'a> {
    /// `None`: nothing, not even quotes.
    value: Option<Cow<'a, str>>,
    last_of_line: bool,
}

pub(super) fn rows(source: Source<'_>, text: &str) -> Result<RecordBatch, Error> {
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut names: Vec<String> = Vec::new();
    loop {
        let field = lines.field().map_err(|why| source.wrong(Some(lines.line), why))?;
        names.push(field.value.unwrap_or_default().trim().to_owned());
        if field.last_of_line {
            break;
        }
    }
    if names.iter().all(String::is_empty) {
        return Err(source.wrong(Some(1), "there is no line with the names of columns"));
    }
    if let Some(name) =
        names.iter().enumerate().find_map(|(n, name)| names[..n].contains(name).then_some(name))
    {
        return Err(source.wrong(Some(1), &format!("two columns are named `{name}`")));
    }
    let mut columns: Vec<StringBuilder> = names.iter().map(|_| StringBuilder::new()).collect();
    let mut rows = 0_usize;
    while let Some(line) = lines.next_row() {
        rows += 1;
        source.check_cells(rows as u64, columns.len())?;
        for (place, column) in columns.iter_mut().enumerate() {
            let field = lines.field().map_err(|why| source.wrong(Some(line), why))?;
            column.append_option(field.value);
            if field.last_of_line != (place + 1 == names.len()) {
                let why = format!("the line has not the {} fields of the first one", names.len());
                return Err(source.wrong(Some(line), &why));
            }
        }
    }
    let array = |mut column: StringBuilder| Arc::new(column.finish()) as ArrayRef;
    let columns = names.into_iter().zip(columns.into_iter().map(array)).collect();
    source.batch(columns, rows)
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The number of the next line that is not empty, if there is one.
    fn next_row(&mut self) -> Option<usize> {
        while let Some(next) = self.rest().bytes().next() {
            match next {
                b'\n' => self.line += 1,
                b'\r' => {}
                _ => return Some(self.line),
            }
            self.at += 1;
        }
        None
    }

    fn field(&mut self) -> Result<Field<'a>, &'static str> {
        let rest = self.rest();
        let value = if rest.starts_with('"') {
            Some(self.quoted()?)
        } else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            self.at += end;
            let plain = rest.get(..end).unwrap_or_default();
            let plain = if rest.get(end..).is_some_and(|tail| tail.starts_with(',')) {
                plain
            } else {
                plain.strip_suffix('\r').unwrap_or(plain)
            };
            (!plain.is_empty()).then_some(Cow::Borrowed(plain))
        };
        let rest = self.rest();
        let ends = [(",", false), ("\r\n", true), ("\n", true)];
        if let Some((end, last_of_line)) = ends.iter().find(|(end, _)| rest.starts_with(end)) {
            self.at += end.len();
            self.line += usize::from(*last_of_line);
            return Ok(Field { value, last_of_line: *last_of_line });
        }
        if rest.is_empty() || rest == "\r" {
            self.at = self.text.len();
            return Ok(Field { value, last_of_line: true });
        }
        Err("there is text behind the closing quotes")
    }

    /// A field in quotes, up to behind them.
    fn quoted(&mut self) -> Result<Cow<'a, str>, &'static str> {
        let mut value = Cow::Borrowed("");
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('"') else { return Err("quotes are not closed") };
            let part = rest.get(..end).unwrap_or_default();
            self.line += part.bytes().filter(|&byte| byte == b'\n').count();
            self.at += end + 1;
            if value.is_empty() {
                value = Cow::Borrowed(part);
            } else {
                value.to_mut().push_str(part);
            }
            if !self.rest().starts_with('"') {
                return Ok(value);
            }
            self.at += 1;
            value.to_mut().push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow_array::Array as _;
    use arrow_array::cast::AsArray as _;
    use proptest::prelude::*;

    use super::*;
    use crate::read::ReadLimits;

    fn read(text: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let source = Source { path: Path::new("x"), limits: ReadLimits::default() };
        let batch = rows(source, text).map_err(|error| error.to_string())?;
        let cell = |column: &ArrayRef, row| {
            let texts = column.as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        Ok((0..batch.num_rows())
            .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect())
            .collect())
    }

    #[test]
    fn quotes_nulls_and_line_ends() {
        let some = |text: &str| Some(text.to_owned());
        let found = read("a,b\r\n1,\"x, \"\"y\"\"\n2\"\r\n\r\n,\"\"\n\"\"\"\",z").unwrap();
        assert_eq!(
            found,
            [
                vec![some("1"), some("x, \"y\"\n2")],
                vec![None, some("")],
                vec![some("\""), some("z")]
            ]
        );
        assert_eq!(read("a\n").unwrap(), Vec::<Vec<Option<String>>>::new());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line) in [
            ("a,b\n1,2\n3\n", "line 3"),
            ("a,b\n1,2,3\n", "line 2"),
            ("a,b\n\"1\"x,2\n", "line 2"),
            ("a,b\n1,\"2\n", "line 2"),
            ("a,a\n", "line 1"),
            ("\n", "line 1"),
            ("", "line 1"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(line), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_rows_or_an_error(text in "[a\",\r\n ]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn what_is_quoted_reads_back(cells in proptest::collection::vec("[a\",\r\n ]{0,9}", 1..9)) {
            let quoted: Vec<String> =
                cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            let back = read(&format!("x\n{}\n", quoted.join("\n"))).unwrap();
            let expected: Vec<Vec<Option<String>>> =
                cells.into_iter().map(|cell| vec![Some(cell)]).collect();
            prop_assert_eq!(back, expected);
        }
    }
}
