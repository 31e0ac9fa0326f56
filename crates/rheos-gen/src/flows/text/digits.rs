//! Numbers and addresses as digits, by table.

#![expect(clippy::inline_always, reason = "a row is a dozen pieces of a few instructions each")]

use std::sync::OnceLock;

/// Up to eight bytes of text and how many of them count.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    text: u64,
    length: usize,
}

/// The tables; they are the same for all, and made once.
#[derive(Debug)]
struct Tables {
    /// `7.` to `255.`
    octets: [Piece; 256],
    /// `7,` to `255,`
    last_octets: [Piece; 256],
    /// `0000` to `9999`.
    fours: Box<[u32; 10_000]>,
    /// `0,` to `65535,`; the length without the comma in the top byte.
    shorts: Box<[u64; 65_536]>,
}

/// The digits of this number, without leading zeros.
fn spelled(mut number: u64) -> ([u8; 20], usize) {
    let mut reversed = [b'0'; 20];
    let mut length = 0;
    for digit in &mut reversed {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        length += 1;
        if number == 0 {
            break;
        }
    }
    let mut text = [b'0'; 20];
    for (to, from) in text.iter_mut().zip(reversed[..length].iter().rev()) {
        *to = *from;
    }
    (text, length)
}

fn eight(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text);
    u64::from_le_bytes(bytes)
}

/// What `text` makes of all numbers up to `N`.
#[expect(clippy::unnecessary_box_returns, reason = "it is half a megabyte")]
fn table<T, const N: usize>(text: impl Fn(u64) -> T) -> Box<[T; N]> {
    let all: Box<[T]> = (0..N as u64).map(text).collect();
    let Ok(all) = all.try_into() else { unreachable!("there are N of them") };
    all
}

impl Tables {
    fn new() -> Self {
        let octets = |behind| {
            let mut octets = [Piece::default(); 256];
            for (number, piece) in (0..).zip(&mut octets) {
                let (mut text, length) = spelled(number);
                text[length] = behind;
                *piece = Piece { text: eight(&text[..=length]), length: length + 1 };
            }
            octets
        };
        let four = |number: u64| eight(&spelled(10_000 + number).0[1..5]) as u32;
        let short = |number: u64| {
            let (mut text, length) = spelled(number);
            text[length] = b',';
            eight(&text[..=length]) | (length as u64) << 56
        };
        Self {
            octets: octets(b'.'),
            last_octets: octets(b','),
            fours: table(four),
            shorts: table(short),
        }
    }

    /// Of a number below 10 000.
    #[inline(always)]
    fn four(&self, number: u64) -> u32 {
        self.fours[number as usize % 10_000]
    }
}

/// The tables, and the digits that neighbouring timestamps share.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    tables: &'static Tables,
    /// A timestamp without its last eight digits, ...
    upper: u64,
    /// ... its digits, 12 at most, and how many they are.
    upper_text: u128,
    upper_length: usize,
}

/// The digits that are looked up for every timestamp.
const LOWER: u64 = 100_000_000;

impl Digits {
    pub(super) fn new() -> Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        let tables = TABLES.get_or_init(Tables::new);
        Self { tables, upper: 0, upper_text: 0, upper_length: 0 }
    }

    #[cold]
    fn set_upper(&mut self, upper: u64) {
        let (text, length) = spelled(upper);
        let mut bytes = [0; 16];
        bytes[..length.min(16)].copy_from_slice(&text[..length.min(16)]);
        *self = Self {
            upper,
            upper_text: u128::from_le_bytes(bytes),
            upper_length: length,
            tables: self.tables,
        };
    }
}

/// Room for text under way. Its first part has a length of a power of two: a place that is cut to it lies inside,
/// which the compiler knows, too. The rest is for what reaches over the end.
#[derive(Clone, Debug)]
pub(super) struct Line(Box<[u8; CUT + OVER]>);

/// Where the text goes on.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a mut [u8; CUT + OVER],
    end: usize,
}

const CUT: usize = 1 << 15;
const OVER: usize = 64;

/// Longest row, an indented object: 188 bytes of keys, spaces and quotes, 73 of values, rounded up.
const ROW_MAX: usize = 272;

/// Rows that fit.
pub(super) const ROWS: usize = 64;

const _: () = assert!(ROWS * ROW_MAX <= CUT);

impl Default for Line {
    fn default() -> Self {
        let bytes = vec![0; CUT + OVER].into_boxed_slice();
        Self(bytes.try_into().expect("the length is the array's"))
    }
}

impl Line {
    /// From the start.
    pub(super) fn cursor(&mut self) -> Cursor<'_> {
        Cursor { bytes: &mut self.0, end: 0 }
    }
}

impl Cursor<'_> {
    /// What has been written.
    pub(super) fn written(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// Writes all of `bytes`, and goes on behind the first `length`: the next piece overwrites the others.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N], length: usize) {
        const { assert!(N <= OVER) };
        let at = self.end % CUT;
        self.bytes[at..at + N].copy_from_slice(&bytes);
        self.end += length;
    }

    #[inline(always)]
    pub(super) fn text<const N: usize>(&mut self, text: &[u8; N]) {
        self.put(*text, N);
    }

    /// `192.168.1.1,`
    #[inline(always)]
    pub(super) fn address_comma(&mut self, digits: &Digits, address: u32) {
        let [a, b, c, d] = address.to_be_bytes();
        let Tables { octets, last_octets, .. } = digits.tables;
        for (first, table, second) in [(a, octets, b), (c, last_octets, d)] {
            let (first, second) = (octets[usize::from(first)], table[usize::from(second)]);
            let text = first.text | second.text << (8 * first.length);
            self.put(text.to_le_bytes(), first.length + second.length);
        }
    }

    /// `192.168.1.1`
    #[inline(always)]
    pub(super) fn address(&mut self, digits: &Digits, address: u32) {
        self.address_comma(digits, address);
        self.end -= 1;
    }

    /// `443,`
    #[inline(always)]
    pub(super) fn short_comma(&mut self, digits: &Digits, number: u16) {
        let piece = digits.tables.shorts[usize::from(number)];
        self.put(piece.to_le_bytes(), (piece >> 56) as usize + 1);
    }

    #[inline(always)]
    pub(super) fn number(&mut self, digits: &Digits, number: u32) {
        match u16::try_from(number) {
            Ok(short) => {
                self.short_comma(digits, short);
                self.end -= 1;
            }
            Err(_) => self.long(number.into()),
        }
    }

    #[cold]
    fn long(&mut self, number: u64) {
        let (text, length) = spelled(number);
        self.put(text, length);
    }

    #[inline(always)]
    pub(super) fn timestamp(&mut self, digits: &mut Digits, nanos: u64) {
        let (upper, lower) = (nanos / LOWER, nanos % LOWER);
        if upper != digits.upper {
            digits.set_upper(upper);
        }
        if upper == 0 {
            return self.long(nanos);
        }
        self.put(digits.upper_text.to_le_bytes(), digits.upper_length);
        let (high, low) = (digits.tables.four(lower / 10_000), digits.tables.four(lower % 10_000));
        self.put((u64::from(high) | u64::from(low) << 32).to_le_bytes(), 8);
    }
}
