//! Pieces of CSV without anything unusual: all separators are found first, in wide vectors, then each column is read
//! by itself, with the ends of its fields known.

use fearless_simd::prelude::*;
use fearless_simd::{Level, u8x64};

use crate::read::rows::Values;

const VECTOR: usize = 64;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Where fields and lines end.
#[derive(Default)]
pub(super) struct Ends {
    /// Of every field: the place of the delimiter or newline behind it.
    fields: Vec<u32>,
    /// Of every line: how many fields end up to there.
    lines: Vec<u32>,
}

impl Ends {
    /// Finds all ends; false if there are quotes, carriage returns, or other than `count` fields in a line.
    pub(super) fn find(&mut self, text: &[u8], delimiter: u8, count: usize) -> bool {
        self.fields.clear();
        self.lines.clear();
        if u32::try_from(text.len()).is_err() {
            return false;
        }
        let is_plain = fearless_simd::dispatch!(
            Level::new(), simd => vectors(simd, text, delimiter, &mut self.fields, &mut self.lines)
        );
        if !text.is_empty() && !text.ends_with(b"\n") {
            self.fields.push(text.len() as u32);
            self.lines.push(self.fields.len() as u32);
        }
        let mut wanted = (1..).map(|line| line * count as u64);
        is_plain && self.lines.iter().all(|&line| Some(u64::from(line)) == wanted.next())
    }

    pub(super) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// First and last place of the field in every line.
    fn of(&self, field: usize, count: usize) -> impl Iterator<Item = (usize, usize)> {
        let before = field.checked_sub(1);
        let lines = self.fields.chunks_exact(count);
        let last = std::iter::once(None).chain(self.fields.chunks_exact(count).map(<[u32]>::last));
        lines.zip(last).map(move |(ends, last)| {
            let start = before.and_then(|before| ends.get(before)).or(last);
            (start.map_or(0, |end| *end as usize + 1), ends[field] as usize)
        })
    }
}

#[allow(clippy::inline_always, reason = "the caller decides for which processor it is compiled")]
#[inline(always)]
fn vectors<S: Simd>(
    simd: S,
    text: &[u8],
    delimiter: u8,
    fields: &mut Vec<u32>,
    lines: &mut Vec<u32>,
) -> bool {
    let delimiters = u8x64::splat(simd, delimiter);
    let newlines = u8x64::splat(simd, b'\n');
    let quotes = u8x64::splat(simd, b'"');
    let returns = u8x64::splat(simd, b'\r');
    let mut padded = [0_u8; VECTOR];
    let mut unusual = 0;
    for (n, chunk) in text.chunks(VECTOR).enumerate() {
        let chunk = if chunk.len() == VECTOR {
            chunk
        } else {
            padded[..chunk.len()].copy_from_slice(chunk);
            &padded
        };
        let bytes = u8x64::from_slice(simd, chunk);
        let newline = bytes.simd_eq(newlines).to_bitmask();
        let mut ends = bytes.simd_eq(delimiters).to_bitmask() | newline;
        unusual |= bytes.simd_eq(quotes).to_bitmask() | bytes.simd_eq(returns).to_bitmask();
        let (before, start) = (fields.len() as u32, (n * VECTOR) as u32);
        let mut line = newline;
        while line != 0 {
            let upto = u64::MAX >> (63 - line.trailing_zeros());
            lines.push(before + (ends & upto).count_ones());
            line &= line - 1;
        }
        while ends != 0 {
            fields.push(start + ends.trailing_zeros());
            ends &= ends - 1;
        }
    }
    unusual == 0
}

/// Appends the values of a field in all lines; false if one of them is not written the plain way.
pub(super) fn column(
    text: &[u8],
    ends: &Ends,
    (field, count): (usize, usize),
    values: &mut Values,
) -> bool {
    fn narrow<T: TryFrom<u64>>(
        text: &[u8],
        fields: impl Iterator<Item = (usize, usize)>,
        values: &mut Vec<T>,
    ) -> bool {
        for (start, end) in fields {
            let Some(number) = number(text, start, end) else { return false };
            let Ok(number) = T::try_from(number) else { return false };
            values.push(number);
        }
        true
    }
    let fields = ends.of(field, count);
    match values {
        Values::U8(values) => narrow(text, fields, values),
        Values::U16(values) => narrow(text, fields, values),
        Values::U32(values) => narrow(text, fields, values),
        Values::U64(values) => narrow(text, fields, values),
        Values::V4(values) => {
            for (start, end) in fields {
                let Some(address) = v4(text, start, end) else { return false };
                values.push(address);
            }
            true
        }
        Values::V6(_) => false,
    }
}

/// The bytes before `end`, at most eight and none before `start`, behind zeros.
#[inline]
fn digits(text: &[u8], start: usize, end: usize) -> u64 {
    let length = (end - start).min(8);
    if let Some(eight) = text.get(..end).and_then(|text| text.last_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        // The last digit is the uppermost byte.
        let kept = u64::MAX.checked_shl(64 - 8 * length as u32).unwrap_or(0);
        return word & kept | ZEROS & !kept;
    }
    let mut eight = [b'0'; 8];
    let bytes = text.get(end - length..end).unwrap_or_default();
    eight[8 - bytes.len()..].copy_from_slice(bytes);
    u64::from_le_bytes(eight)
}

/// One to nineteen digits.
#[inline]
fn number(text: &[u8], start: usize, end: usize) -> Option<u64> {
    let length = end.checked_sub(start).filter(|length| (1..=19).contains(length))?;
    let low = super::eight_digits(digits(text, start, end).to_le_bytes())?;
    if length <= 8 {
        return Some(low);
    }
    let middle = super::eight_digits(digits(text, start, end - 8).to_le_bytes())?;
    let number = middle * 100_000_000 + low;
    if length <= 16 {
        return Some(number);
    }
    let high = super::eight_digits(digits(text, start, end - 16).to_le_bytes())?;
    Some(high * 10_000_000_000_000_000 + number)
}

/// Four numbers up to 255 with points between them.
#[inline]
fn v4(text: &[u8], start: usize, end: usize) -> Option<u32> {
    const POINTS: u128 = u128::from_le_bytes([b'.'; 16]);
    const LOWS: u128 = u128::from_le_bytes([0x7f; 16]);
    let length = end.checked_sub(start).filter(|length| (7..=15).contains(length))?;
    let mut sixteen = [0; 16];
    if let Some(bytes) = text.get(start..).and_then(|text| text.first_chunk::<16>()) {
        sixteen = *bytes;
    } else {
        sixteen[..length].copy_from_slice(text.get(start..end)?);
    }
    let word = u128::from_le_bytes(sixteen) & (u128::MAX >> (128 - 8 * length as u32));
    // The upper bit of each byte that is a point, and of no other.
    let other = word ^ POINTS;
    let mut points = !(((other & LOWS) + LOWS) | other | LOWS);
    let mut address = 0_u32;
    let mut from = 0_u32;
    for _ in 0..4 {
        // Behind the last octet there is no point, but the end.
        let to = if points == 0 { 8 * length as u32 } else { points.trailing_zeros() - 7 };
        let bits = to.checked_sub(from).filter(|bits| matches!(bits, 8 | 16 | 24))?;
        // Up to three digits, the last of them uppermost, behind zeros.
        let three = ((word >> from) as u32) << (32 - bits);
        let three = three | 0x3030_3030 >> bits;
        let digits = three ^ 0x3030_3030;
        // A byte above 9 gets its upper bit.
        if (((digits & 0x7f7f_7f7f) + 0x7676_7676) | digits) & 0x8080_8080 != 0 {
            return None;
        }
        let octet = (digits >> 24) + (digits >> 16 & 0xff) * 10 + (digits >> 8 & 0xff) * 100;
        if octet > 255 {
            return None;
        }
        address = address << 8 | octet;
        from = to + 8;
        points &= points.wrapping_sub(1);
    }
    // Four octets up to the end: neither fewer points nor more.
    (from == 8 * length as u32 + 8).then_some(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_of_unusual_text_are_refused() {
        let mut ends = Ends::default();
        let mut is_plain = |text: &str| ends.find(text.as_bytes(), b',', 2);
        assert!(is_plain("a,b\nc,d\n") && is_plain("a,b\nc,d") && is_plain(""));
        for text in ["a,b\n\nc,d\n", "a,b,c\nd\n", "a\nb,c,d\n", "\"a\",b\n", "a,b\r\n", "a"] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn addresses_are_read_and_others_refused() {
        let read = |text: &str| v4(text.as_bytes(), 0, text.len());
        assert_eq!(read("255.255.255.255"), Some(u32::MAX));
        assert_eq!(read("1.20.3.0"), Some(0x0114_0300));
        for text in [
            "1.2.3",
            "1.2.3.256",
            "1.2.3.4.5",
            "1..2.33",
            "1.2.3.4.",
            ".1.2.3.4",
            "1.2.3.a4",
            "1.2.3.:44",
            "1.2.3./44",
            "1234.1.2",
            "192.168.1.1111",
            "1.2.3.-4",
            "2001:db8::1",
            "1.2.3.4 ",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn fields_are_read_wherever_they_stand(
            rows in proptest::collection::vec((any::<u64>(), any::<u32>()), 1..40),
        ) {
            let mut text = String::new();
            for (a, b) in &rows {
                text += &format!("{a},{},x\n", std::net::Ipv4Addr::from_bits(*b));
            }
            let mut ends = Ends::default();
            prop_assert!(ends.find(text.as_bytes(), b',', 3));
            let (mut a, mut b) = (Values::U64(Vec::new()), Values::V4(Vec::new()));
            let is_short = rows.iter().all(|row| row.0 < 10_u64.pow(19));
            prop_assert_eq!(column(text.as_bytes(), &ends, (0, 3), &mut a), is_short);
            prop_assert!(column(text.as_bytes(), &ends, (1, 3), &mut b));
            let Values::V4(b) = b else { panic!("addresses") };
            prop_assert_eq!(b, rows.iter().map(|row| row.1).collect::<Vec<_>>());
            let Values::U64(a) = a else { panic!("numbers") };
            let read = rows.iter().zip(&a).take_while(|(row, a)| row.0 == **a).count();
            prop_assert_eq!(read, a.len());
            prop_assert!(!column(text.as_bytes(), &ends, (2, 3), &mut Values::U8(Vec::new())));
        }

        #[test]
        fn any_field_is_read_as_the_standard_library_does(text in "[0-9.:/ a]{0,18}") {
            let (bytes, end) = (text.as_bytes(), text.len());
            // The standard library takes what we do; it refuses zeros in front of octets.
            if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
                prop_assert_eq!(v4(bytes, 0, end), Some(address.to_bits()));
            }
            prop_assert_eq!(number(bytes, 0, end), text.parse::<u64>().ok());
        }
    }
}
