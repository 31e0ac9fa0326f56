//! Records as text: CSV, JSON and JSON Lines, byte for byte as the older generator wrote them.
//!
//! Digits come out of tables, eight bytes at a time, into a small buffer that stays in the first cache. The upper
//! digits of a timestamp are kept from one record to the next: they change ten times in a second of data.

mod digits;

use rheos_core::FlowRecord;

use digits::{Cursor, Digits, Line, ROWS};

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
    digits: Digits,
    line: Line,
    /// Whether an object has been written, so that the next needs a comma before it.
    follows: bool,
}

/// How objects are laid out.
trait Style {
    /// One object; the keys in the older generator's order.
    fn object(line: &mut Cursor<'_>, digits: &mut Digits, record: &FlowRecord);
}

struct Compact;
struct CompactStrings;
struct Pretty;
struct PrettyStrings;

/// Writes a text that is known when compiled: padded to a length that is one instruction to store, or two.
macro_rules! piece {
    ($line:ident, $($part:expr),+) => {{
        const TEXT: &str = concat!($($part),+);
        const PADDED: usize = TEXT.len().next_power_of_two();
        $line.put(const { padded::<PADDED>(TEXT) }, TEXT.len());
    }};
}

const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut array = [0; N];
    array.split_at_mut(text.len()).0.copy_from_slice(text.as_bytes());
    array
}

/// A style by what stands before the first key, between a comma and the next, around timestamps, and at the end.
macro_rules! style {
    ($name:ident, $open:literal, $space:literal, $quote:literal, $close:literal) => {
        impl Style for $name {
            #[inline(always)]
            fn object(line: &mut Cursor<'_>, digits: &mut Digits, record: &FlowRecord) {
                piece!(line, $open, "\"src_ip\": \"");
                line.address(digits, record.source_ip);
                piece!(line, "\"", ",", $space, "\"dst_ip\": \"");
                line.address(digits, record.destination_ip);
                piece!(line, "\"", ",", $space, "\"src_port\": ");
                line.short_comma(digits, record.source_port);
                piece!(line, $space, "\"dst_port\": ");
                line.short_comma(digits, record.destination_port);
                piece!(line, $space, "\"protocol\": ");
                line.short_comma(digits, record.protocol.into());
                piece!(line, $space, "\"timestamp\": ", $quote);
                line.timestamp(digits, record.timestamp);
                piece!(line, $quote, ",", $space, "\"length\": ");
                line.number(digits, record.packet_length);
                piece!(line, $close);
            }
        }
    };
}

style!(Compact, "{", " ", "", "}");
style!(CompactStrings, "{", " ", "\"", "}");
style!(Pretty, "  {\n    ", "\n    ", "", "\n  }");
style!(PrettyStrings, "  {\n    ", "\n    ", "\"", "\n  }");

impl FlowText {
    /// Nothing written yet.
    pub fn new(format: TextFormat) -> Self {
        Self {
            format,
            timestamps: JsonTimestamps::Numbers,
            digits: Digits::new(),
            line: Line::default(),
            follows: false,
        }
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
        let strings = self.timestamps == JsonTimestamps::Strings;
        match (self.format, strings) {
            (TextFormat::Csv | TextFormat::CsvWithoutHeader, _) => self.csv(records, out),
            (TextFormat::JsonLines, false) => self.lines::<Compact>(records, out),
            (TextFormat::JsonLines, true) => self.lines::<CompactStrings>(records, out),
            (TextFormat::Json, false) => self.items::<Compact>(b", ", records, out),
            (TextFormat::Json, true) => self.items::<CompactStrings>(b", ", records, out),
            (TextFormat::JsonPretty, false) => self.items::<Pretty>(b",\n", records, out),
            (TextFormat::JsonPretty, true) => self.items::<PrettyStrings>(b",\n", records, out),
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

    fn csv(&mut self, records: &[FlowRecord], out: &mut Vec<u8>) {
        let digits = &mut self.digits;
        for chunk in records.chunks(ROWS) {
            let mut line = self.line.cursor();
            for record in chunk {
                line.timestamp(digits, record.timestamp);
                line.text(b",");
                line.address_comma(digits, record.source_ip);
                line.address_comma(digits, record.destination_ip);
                line.short_comma(digits, record.source_port);
                line.short_comma(digits, record.destination_port);
                line.short_comma(digits, record.protocol.into());
                line.number(digits, record.packet_length);
                line.text(b"\n");
            }
            out.extend_from_slice(line.written());
        }
    }

    fn lines<S: Style>(&mut self, records: &[FlowRecord], out: &mut Vec<u8>) {
        for chunk in records.chunks(ROWS) {
            let mut line = self.line.cursor();
            for record in chunk {
                S::object(&mut line, &mut self.digits, record);
                line.text(b"\n");
            }
            out.extend_from_slice(line.written());
        }
    }

    fn items<S: Style>(&mut self, between: &[u8], records: &[FlowRecord], out: &mut Vec<u8>) {
        for record in records {
            if self.follows {
                out.extend_from_slice(between);
            } else if self.format == TextFormat::JsonPretty {
                out.push(b'\n');
            }
            self.follows = true;
            let mut line = self.line.cursor();
            S::object(&mut line, &mut self.digits, record);
            out.extend_from_slice(line.written());
        }
    }
}

#[cfg(test)]
mod tests;
