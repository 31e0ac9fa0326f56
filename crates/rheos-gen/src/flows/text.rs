//! Records as text: CSV, JSON and JSON Lines, byte for byte as the older generator wrote them.
//!
//! Digits come out of tables, eight bytes at a time, into a buffer that stays in the cache. The upper digits of a
//! timestamp are kept from one record to the next: they change ten times in a second of data.

#![expect(
    clippy::inline_always,
    reason = "loops over rows keep their place and tables in registers"
)]

mod digits;

use std::convert::Infallible;

use rheos_core::FlowRecord;

use digits::{Cursor, Key, Line, ROWS};

/// The first line of the CSV.
pub const CSV_HEADER: &str = "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length";

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// A header, then one line for each record: `1704067200000000000,192.168.1.1,10.0.0.1,50000,443,6,800`.
    Csv,
    /// The lines alone.
    CsvWithoutHeader,
    /// One object in each line.
    JsonLines,
    /// One array in one line.
    Json,
    /// One array, an indented line for each key.
    JsonPretty,
}

/// How JSON tells timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonTimestamps {
    /// As numbers, like the older generator. Readers that know 53 bits only (JavaScript, jq before 1.7) round them.
    #[default]
    Numbers,
    /// As strings, which no reader rounds.
    Strings,
}

/// Writes records as text.
///
/// ```
/// use rheos_core::FlowRecord;
/// use rheos_gen::flows::{FlowText, TextFormat};
///
/// let mut text = FlowText::new(TextFormat::Csv);
/// let mut out = Vec::new();
/// text.begin(&mut out);
/// text.rows(&[FlowRecord { timestamp: 7, protocol: 6, ..FlowRecord::default() }], &mut out);
/// text.end(&mut out);
/// let expected = "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\n7,0.0.0.0,0.0.0.0,0,0,6,0\n";
/// assert_eq!(out, expected.as_bytes());
/// ```
#[derive(Clone, Debug)]
pub struct FlowText {
    format: TextFormat,
    timestamps: JsonTimestamps,
    line: Line,
    /// Whether an object has been written, so that the next needs a comma before it.
    follows: bool,
}

/// How objects are laid out.
trait Style {
    /// One object; the keys in the older generator's order.
    fn object(line: &mut Cursor<'_>, record: &FlowRecord);
}

struct CompactLine;
struct CompactLineStrings;
struct Compact;
struct CompactStrings;
struct Pretty;
struct PrettyStrings;

/// A text that is known when compiled.
macro_rules! key {
    ($($part:expr),+) => {{
        const TEXT: &str = concat!($($part),+);
        const { Key::<{ TEXT.len().next_power_of_two() }>::new(TEXT) }
    }};
}

/// A style by what stands before the first key, between a comma and the next, around timestamps, and at the end.
macro_rules! style {
    ($name:ident, $open:literal, $space:literal, $quote:literal, $close:literal) => {
        impl Style for $name {
            #[inline(always)]
            fn object(line: &mut Cursor<'_>, record: &FlowRecord) {
                line.address(key!($open, "\"src_ip\": \""), record.source_ip);
                line.address(key!("\",", $space, "\"dst_ip\": \""), record.destination_ip);
                line.short_comma(key!("\",", $space, "\"src_port\": "), record.source_port);
                line.short_comma(key!($space, "\"dst_port\": "), record.destination_port);
                line.short_comma(key!($space, "\"protocol\": "), record.protocol.into());
                line.timestamp(key!($space, "\"timestamp\": ", $quote), record.timestamp);
                line.number(key!($quote, ",", $space, "\"length\": "), record.packet_length);
                line.key(key!($close));
            }
        }
    };
}

style!(CompactLine, "{", " ", "", "}\n");
style!(CompactLineStrings, "{", " ", "\"", "}\n");
style!(Compact, "{", " ", "", "}");
style!(CompactStrings, "{", " ", "\"", "}");
style!(Pretty, "  {\n    ", "\n    ", "", "\n  }");
style!(PrettyStrings, "  {\n    ", "\n    ", "\"", "\n  }");

impl FlowText {
    /// Nothing written yet.
    pub fn new(format: TextFormat) -> Self {
        Self { format, timestamps: JsonTimestamps::Numbers, line: Line::new(), follows: false }
    }

    /// With timestamps of JSON written like this.
    #[must_use]
    pub fn with_timestamps(self, timestamps: JsonTimestamps) -> Self {
        Self { timestamps, ..self }
    }

    /// Appends what comes before the first record.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        self.follows = false;
        match self.format {
            TextFormat::Csv => {
                out.extend_from_slice(CSV_HEADER.as_bytes());
                out.push(b'\n');
            }
            TextFormat::Json | TextFormat::JsonPretty => out.push(b'['),
            TextFormat::CsvWithoutHeader | TextFormat::JsonLines => {}
        }
    }

    /// Appends records.
    pub fn rows(&mut self, records: &[FlowRecord], out: &mut Vec<u8>) {
        // So few that their text comes out of the first cache.
        for chunk in records.chunks(ROWS) {
            let Ok(()) = self.parts(chunk, |text| {
                out.extend_from_slice(text);
                Ok::<(), Infallible>(())
            });
        }
    }

    /// Hands on the text of records, in parts of about 128 KiB, from where it was made.
    pub fn parts<E>(
        &mut self,
        records: &[FlowRecord],
        take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let strings = self.timestamps == JsonTimestamps::Strings;
        match (self.format, strings) {
            (TextFormat::Csv | TextFormat::CsvWithoutHeader, _) => {
                self.each(records, take, csv_row)
            }
            (TextFormat::JsonLines, false) => self.each(records, take, CompactLine::object),
            (TextFormat::JsonLines, true) => self.each(records, take, CompactLineStrings::object),
            (TextFormat::Json, false) => self.items::<Compact, E>(", ", records, take),
            (TextFormat::Json, true) => self.items::<CompactStrings, E>(", ", records, take),
            (TextFormat::JsonPretty, false) => self.items::<Pretty, E>(",\n", records, take),
            (TextFormat::JsonPretty, true) => self.items::<PrettyStrings, E>(",\n", records, take),
        }
    }

    /// Appends what comes behind the last record.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match self.format {
            TextFormat::JsonPretty if self.follows => out.extend_from_slice(b"\n]"),
            TextFormat::Json | TextFormat::JsonPretty => out.push(b']'),
            TextFormat::Csv | TextFormat::CsvWithoutHeader | TextFormat::JsonLines => {}
        }
    }

    /// One row for each.
    #[inline(always)]
    fn each<E>(
        &mut self,
        records: &[FlowRecord],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
        mut row: impl FnMut(&mut Cursor<'_>, &FlowRecord),
    ) -> Result<(), E> {
        let mut line = self.line.cursor();
        for chunk in records.chunks(ROWS) {
            if !line.has_room() {
                take(line.written())?;
                line.restart();
            }
            for record in chunk {
                row(&mut line, record);
            }
        }
        take(line.written())
    }

    /// `between` has two bytes.
    fn items<S: Style, E>(
        &mut self,
        between: &str,
        records: &[FlowRecord],
        take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let between = Key::<2>::new(between);
        let first = if self.format == TextFormat::JsonPretty { key!("\n") } else { Key::new("") };
        let mut follows = self.follows;
        self.follows |= !records.is_empty();
        self.each(records, take, |line, record| {
            if follows {
                line.key(between);
            } else {
                line.key(first);
            }
            follows = true;
            S::object(line, record);
        })
    }
}

#[inline(always)]
fn csv_row(line: &mut Cursor<'_>, record: &FlowRecord) {
    line.timestamp(Key::NONE, record.timestamp);
    line.address_comma(key!(","), record.source_ip);
    line.address_comma(Key::NONE, record.destination_ip);
    line.short_comma(Key::NONE, record.source_port);
    line.short_comma(Key::NONE, record.destination_port);
    line.short_comma(Key::NONE, record.protocol.into());
    line.number(Key::NONE, record.packet_length);
    line.key(key!("\n"));
}

#[cfg(test)]
mod tests;
