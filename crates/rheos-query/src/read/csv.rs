//! CSV of flows: known columns in any order, comma or tab, numbers and IPv4 addresses read without detours.
//!
//! A field that is not written the plain way (quotes, blanks, IPv6, times with a point, names of protocols) takes
//! the slow way, and a row that even that does not understand is bad.

mod plain;

use std::borrow::Cow;

use super::rows::{Rows, Values};
use crate::{Error, FlowColumn, FlowColumns};

/// Most columns of a file.
const FIELDS_MAX: usize = 1024;

/// The first line.
pub(super) struct Header {
    fields: Vec<Option<FlowColumn>>,
    delimiter: u8,
}

impl Header {
    pub(super) fn read(line: &[u8], name: &str) -> Result<Self, Error> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        let delimiter = if line.contains('\t') { b'\t' } else { b',' };
        let mut seen = FlowColumns::NONE;
        let fields: Vec<Option<FlowColumn>> = line
            .split(char::from(delimiter))
            .take(FIELDS_MAX)
            .map(|field| {
                let field = field.trim().trim_matches('"').trim_start_matches('#').trim();
                let column = FlowColumn::named(field).filter(|column| !seen.contains(*column));
                column.inspect(|column| seen = seen.with(*column))
            })
            .collect();
        if seen.is_empty() {
            let begin: String = line.chars().filter(|c| !c.is_control()).take(40).collect();
            let reason = format!("its first line names no column of flows: `{begin}`");
            return Err(Error::not_flows(name, reason));
        }
        Ok(Self { fields, delimiter })
    }

    pub(super) fn columns(&self) -> FlowColumns {
        self.fields.iter().flatten().copied().collect()
    }

    /// Whole lines, the first of which begins at `offset` of the file.
    pub(super) fn parse(&self, text: &[u8], offset: u64, rows: &mut Rows) {
        let places: Vec<Option<usize>> =
            self.fields.iter().map(|field| field.and_then(|column| rows.place(column))).collect();
        if self.parse_plain(text, &places, rows) {
            return;
        }
        let mut at = 0;
        while at < text.len() {
            let begin = at;
            match self.line(text, at, &places, rows) {
                Ok(next) => at = next,
                Err(reason) => {
                    at = begin + next_line(text.get(begin..).unwrap_or_default());
                    rows.bad(offset + begin as u64, reason);
                }
            }
        }
    }

    /// All lines at once; false if any of them is not plain, and then nothing was read.
    fn parse_plain(&self, text: &[u8], places: &[Option<usize>], rows: &mut Rows) -> bool {
        let mut ends = plain::Ends::default();
        let count = self.fields.len();
        if !ends.find(text, self.delimiter, count) {
            return false;
        }
        for (field, place) in places.iter().enumerate() {
            let values = place.and_then(|place| rows.columns.get_mut(place));
            let Some((_, values)) = values else { continue };
            if !plain::column(text, &ends, (field, count), values) {
                rows.take_back();
                return false;
            }
        }
        rows.done_with(ends.lines());
        true
    }

    /// One line; where the next one begins.
    #[inline]
    fn line(
        &self,
        text: &[u8],
        mut at: usize,
        places: &[Option<usize>],
        rows: &mut Rows,
    ) -> Result<usize, Cow<'static, str>> {
        if matches!(text.get(at..), Some([b'\n', ..] | [b'\r', b'\n', ..] | [b'\r'])) {
            return Ok(at + next_line(text.get(at..).unwrap_or_default()));
        }
        let last = places.len() - 1;
        for (field, place) in places.iter().enumerate() {
            at = match place {
                None => skip(text, at, self.delimiter),
                Some(place) => {
                    let values = rows.columns.get_mut(*place).map(|(_, values)| values);
                    match values.and_then(|values| plain(text, at, self.delimiter, values)) {
                        Some(next) => next,
                        None => self.slow(text, at, field, *place, rows)?,
                    }
                }
            };
            match text.get(at) {
                Some(&byte) if byte == self.delimiter && field < last => at += 1,
                Some(b'\n') | None if field == last => at += 1,
                Some(b'\r') if field == last && matches!(text.get(at + 1), Some(b'\n') | None) => {
                    at += 2;
                }
                Some(b'\n' | b'\r') | None => {
                    return Err(format!("{} of {} fields", field + 1, last + 1).into());
                }
                Some(_) => return Err("more fields than the header names".into()),
            }
        }
        rows.done();
        Ok(at)
    }

    /// A field that is not plain; where it ends.
    #[cold]
    fn slow(
        &self,
        text: &[u8],
        at: usize,
        field: usize,
        place: usize,
        rows: &mut Rows,
    ) -> Result<usize, Cow<'static, str>> {
        // `plain` may have appended nothing: it does so only when all is well.
        let end = skip(text, at, self.delimiter);
        let value = String::from_utf8_lossy(text.get(at..end).unwrap_or_default());
        let value = value.trim().trim_matches('"');
        if rows.push_text(place, value) {
            return Ok(end);
        }
        let column = self.fields.get(field).copied().flatten();
        let column = column.map_or_else(String::new, |column| format!(" in `{column}`"));
        let shown: String = value.chars().take(40).collect();
        Err(format!("`{shown}`{column}").into())
    }
}

/// How far the next line is.
fn next_line(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |at| at + 1)
}

/// The end of a field, which may be in quotes.
#[inline]
fn skip(text: &[u8], at: usize, delimiter: u8) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let rest = text.get(at..).unwrap_or_default();
    if rest.first() == Some(&b'"') {
        let inside = rest.get(1..).unwrap_or_default();
        let closing = inside.iter().position(|&b| b == b'"' || b == b'\n').unwrap_or(inside.len());
        let after = at + 1 + closing;
        return after + usize::from(text.get(after) == Some(&b'"'));
    }
    // Eight bytes at a time: a byte that is 0 after the exclusive or is the one that is looked for.
    let (delimiters, ends) = (ONES * u64::from(delimiter), ONES * u64::from(b'\n'));
    let mut end = 0;
    while let Some(eight) = rest.get(end..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let found = zeros(word ^ delimiters) | zeros(word ^ ends);
        if found != 0 {
            return at + end + (found.trailing_zeros() / 8) as usize;
        }
        end += 8;
    }
    let tail = rest.get(end..).unwrap_or_default();
    at + end + tail.iter().position(|&b| b == delimiter || b == b'\n').unwrap_or(tail.len())
}

/// A plain value up to a delimiter or the end of the line: where that is, if all is well.
#[inline]
fn plain(text: &[u8], at: usize, delimiter: u8, values: &mut Values) -> Option<usize> {
    let ends = |at: usize| text.get(at).is_none_or(|&b| b == delimiter || b == b'\n' || b == b'\r');
    match values {
        Values::U64(values) => {
            let (number, end) = long(text, at)?;
            ends(end).then(|| values.push(number)).map(|()| end)
        }
        Values::V4(values) => {
            let (address, end) = v4(text, at)?;
            ends(end).then(|| values.push(address)).map(|()| end)
        }
        Values::U8(values) => {
            let (number, end) = short(text, at)?;
            let number = u8::try_from(number).ok()?;
            ends(end).then(|| values.push(number)).map(|()| end)
        }
        Values::U16(values) => {
            let (number, end) = short(text, at)?;
            let number = u16::try_from(number).ok()?;
            ends(end).then(|| values.push(number)).map(|()| end)
        }
        Values::U32(values) => {
            let (number, end) = short(text, at)?;
            ends(end).then(|| values.push(number)).map(|()| end)
        }
        Values::V6(_) => None,
    }
}

/// Up to nine digits.
#[inline]
fn short(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let mut number = 0_u32;
    let mut digits = 0;
    for &byte in text.get(at..)? {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        digits += 1;
        if digits > 9 {
            return None;
        }
        number = number * 10 + u32::from(digit);
    }
    (digits > 0).then_some((number, at + digits))
}

/// Up to nineteen digits, eight at a time.
#[inline]
fn long(text: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    let mut end = at;
    while end - at <= 8
        && let Some(eight) = text.get(end..)?.first_chunk::<8>()
        && let Some(value) = eight_digits(*eight)
    {
        number = number * 100_000_000 + value;
        end += 8;
    }
    for &byte in text.get(end..)? {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        if end - at >= 19 {
            return None;
        }
        number = number * 10 + u64::from(digit);
        end += 1;
    }
    (end > at).then_some((number, end))
}

/// Eight digits as a number, by adding neighbours in three steps.
#[inline]
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIX: u64 = 0x0606_0606_0606_0606;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let word = u64::from_le_bytes(bytes);
    // A digit is 0x30 to 0x39: so are its upper half, and that of it plus 6.
    if (word & HIGH) | ((word.wrapping_add(SIX) & HIGH) >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    let digits = word - ZEROS;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff)
}

/// Four numbers with points between them.
#[inline]
fn v4(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let mut address = 0_u32;
    let mut end = at;
    for octet in 0..4 {
        let (mut number, mut digits) = (0_u32, 0);
        for &byte in text.get(end..)?.iter().take(3) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number * 10 + u32::from(digit);
            digits += 1;
        }
        if digits == 0 || number > 255 {
            return None;
        }
        address = address << 8 | number;
        end += digits;
        if octet < 3 {
            if text.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
    }
    Some((address, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (crate::FlowBlock, u64, Option<String>) {
        let end = next_line(text.as_bytes());
        let (first, lines) = text.as_bytes().split_at(end);
        let header = Header::read(first, "`f`").unwrap();
        let mut rows = Rows::new(header.columns());
        header.parse(lines, end as u64, &mut rows);
        let bad = rows.first_bad.take().map(|(at, why)| format!("{at}: {why}"));
        let count = rows.bad;
        (rows.into_block(), count, bad)
    }

    #[test]
    fn the_older_schema_is_read() {
        let text = "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\n\
            1704067200000000001,192.168.1.1,10.0.0.1,50000,443,6,800\r\n\
            \n\
            1704067200.5,2001:db8::1,10.0.0.1,\"50000\", 53 ,UDP,64\n\
            5,1.2.3,10.0.0.1,1,1,6,1\n\
            5,1.2.3.4,10.0.0.1,1\n\
            5,1.2.3.4,10.0.0.1,1,1,6,1,9\n\
            5,1.2.3.4,10.0.0.1,70000,1,6,1\n\
            18446744073709551615,1.2.3.4,10.0.0.1,1,1,255,99999999999999999999\n\
            18446744073709551615,255.255.255.255,0.0.0.0,65535,0,255,18446744073709551615";
        let (block, bad, first) = read(text);
        assert_eq!((block.len(), bad), (3, 5));
        assert_eq!(first.as_deref(), Some("171: `1.2.3` in `src_ip`"));
        let values = |column| (0..3).map(|row| block.value(column, row)).collect::<Vec<_>>();
        assert_eq!(
            values(FlowColumn::First),
            [1_704_067_200_000_000_001, 1_704_067_200_500_000_000, u128::from(u64::MAX)]
        );
        assert_eq!(values(FlowColumn::DstPort), [443, 53, 0]);
        assert_eq!(values(FlowColumn::Protocol), [6, 17, 255]);
        assert_eq!(values(FlowColumn::Bytes), [800, 64, u128::from(u64::MAX)]);
        assert!(block.is_wide());
    }

    #[test]
    fn columns_may_come_in_any_order_with_others_between() {
        let (block, bad, _) = read("colour\tbytes\tsrc_addr\n\"a\tb\"\t7\t1.2.3.4\nred\t\t\n");
        assert_eq!((block.len(), bad), (2, 0));
        assert_eq!(block.value(FlowColumn::Bytes, 0), 7);
        assert_eq!(block.value(FlowColumn::Bytes, 1), 0);
        let Err(error) = Header::read(b"1704067200,1.2.3.4\n", "`f`") else { panic!("no header") };
        assert!(error.to_string().contains("names no column of flows: `1704067200,1.2.3.4`"));
    }

    proptest! {
        #[test]
        fn numbers_come_back(a: u64, b: u32, c: u16, d: u8, e: u32, six: u128) {
            let four = std::net::Ipv4Addr::from_bits(e);
            let wide = std::net::Ipv6Addr::from_bits(six);
            let text = format!("bytes,stream_id,src_port,tos,src_ip,dst_ip\n{a},{b},{c},{d},{four},{wide}\n");
            let (block, bad, _) = read(&text);
            prop_assert_eq!(bad, 0);
            prop_assert_eq!(block.value(FlowColumn::Bytes, 0), u128::from(a));
            prop_assert_eq!(block.value(FlowColumn::StreamId, 0), u128::from(b));
            prop_assert_eq!(block.value(FlowColumn::SrcPort, 0), u128::from(c));
            prop_assert_eq!(block.value(FlowColumn::Tos, 0), u128::from(d));
            prop_assert_eq!(block.value(FlowColumn::SrcIp, 0) as u32, e);
            prop_assert_eq!(block.value(FlowColumn::DstIp, 0), six);
        }

        #[test]
        fn any_bytes_are_rows_or_bad_rows(text in proptest::collection::vec(
            proptest::sample::select(b"0123456789.,:\n\r\"ax\xff".to_vec()), 0..400)) {
            let header = Header::read(b"bytes,src_ip,src_port,colour\n", "`f`").unwrap();
            let mut rows = Rows::new(header.columns());
            header.parse(&text, 0, &mut rows);
            let lines = text.split(|&b| b == b'\n').filter(|l| !l.is_empty() && *l != b"\r").count();
            prop_assert!(rows.bad as usize + rows.len() <= lines);
            rows.into_block();
        }
    }
}
