//! Numbers and addresses as digits, by table.

#![expect(clippy::inline_always, reason = "a row is a dozen pieces of a few instructions each")]

use std::sync::OnceLock;

/// Up to eight bytes of text and how many of them count; the others are overwritten.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    text: u64,
    length: usize,
}

/// A text that is known when compiled, padded to a length that is one instruction to store, or two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<const N: usize> {
    padded: [u8; N],
    length: usize,
}

impl Key<0> {
    pub(super) const NONE: Self = Self::new("");
}

impl<const N: usize> Key<N> {
    pub(super) const fn new(text: &str) -> Self {
        let mut padded = [0; N];
        padded.split_at_mut(text.len()).0.copy_from_slice(text.as_bytes());
        Self { padded, length: text.len() }
    }
}

/// The tables; they are the same for all, and made once.
#[derive(Clone, Copy, Debug)]
struct Tables {
    /// `7.` to `255.`, and `7,` to `255,`.
    octets: &'static [[Piece; 256]; 2],
    /// `0000` to `9999`.
    fours: &'static [u32; 10_000],
    /// `0,` to `65535,`; the length without the comma in the top byte.
    shorts: &'static [u64; 65_536],
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
fn table<T, const N: usize>(text: impl Fn(u64) -> T) -> &'static [T; N] {
    let all: Box<[T]> = (0..N as u64).map(text).collect();
    let Ok(all) = <Box<[T; N]>>::try_from(all) else { unreachable!("there are N of them") };
    Box::leak(all)
}

impl Tables {
    fn all() -> Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        *TABLES.get_or_init(Self::new)
    }

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
            octets: Box::leak(Box::new([octets(b'.'), octets(b',')])),
            fours: table(four),
            shorts: table(short),
        }
    }

    /// `192.168.`, `1.1,`
    #[inline(always)]
    fn address(self, address: u32) -> [Piece; 2] {
        let [a, b, c, d] = address.to_be_bytes();
        let [octets, last_octets] = self.octets;
        [(a, octets, b), (c, last_octets, d)].map(|(first, table, second)| {
            let (first, second) = (octets[usize::from(first)], table[usize::from(second)]);
            let text = first.text | second.text << (8 * first.length);
            Piece { text, length: first.length + second.length }
        })
    }

    /// `443,`
    #[inline(always)]
    fn short(self, number: u16) -> Piece {
        let text = self.shorts[usize::from(number)];
        Piece { text, length: (text >> 56) as usize + 1 }
    }

    /// Eight digits of a number that has no more.
    #[inline(always)]
    fn lower(self, number: u64) -> Piece {
        let four = |number: u64| u64::from(self.fours[number as usize % 10_000]);
        Piece { text: four(number / 10_000) | four(number % 10_000) << 32, length: 8 }
    }
}

/// The digits that neighbouring timestamps share: all but the last eight.
#[derive(Clone, Debug)]
struct Upper {
    /// The first timestamp that has them.
    from: u64,
    /// 12 at most.
    text: u128,
    length: usize,
}

/// How many timestamps share them.
const LOWER: u64 = 100_000_000;

impl Upper {
    #[cold]
    fn new(number: u64) -> Self {
        let (text, length) = spelled(number);
        let mut bytes = [0; 16];
        bytes[..length.min(16)].copy_from_slice(&text[..length.min(16)]);
        Self { from: number * LOWER, text: u128::from_le_bytes(bytes), length }
    }
}

/// Room for text under way, and what it is made of. The first part of the room has a length of a power of two: a
/// place that is cut to it lies inside, which the compiler knows, too. The rest is for what reaches over the end.
#[derive(Clone, Debug)]
pub(super) struct Line {
    bytes: Box<[u8; CUT + OVER]>,
    tables: Tables,
    upper: Upper,
}

/// Where the text goes on.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a mut [u8; CUT + OVER],
    end: usize,
    tables: Tables,
    upper: &'a mut Upper,
}

const CUT: usize = 1 << 17;
const OVER: usize = 64;

/// Longest row, an indented object: 188 bytes of keys, spaces and quotes, 73 of values, rounded up.
const ROW_MAX: usize = 272;

/// Rows before the next look whether there is room.
pub(super) const ROWS: usize = 64;

const _: () = assert!(ROWS * ROW_MAX <= CUT);

impl Line {
    pub(super) fn new() -> Self {
        let bytes = vec![0; CUT + OVER].into_boxed_slice();
        let bytes = bytes.try_into().expect("the length is the array's");
        Self { bytes, tables: Tables::all(), upper: Upper::new(1) }
    }

    /// From the start.
    pub(super) fn cursor(&mut self) -> Cursor<'_> {
        Cursor { bytes: &mut self.bytes, end: 0, tables: self.tables, upper: &mut self.upper }
    }
}

impl Cursor<'_> {
    /// What has been written.
    pub(super) fn written(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// Whether [`ROWS`] more fit.
    pub(super) const fn has_room(&self) -> bool {
        self.end + ROWS * ROW_MAX <= CUT
    }

    /// Forgets what has been written.
    pub(super) const fn restart(&mut self) {
        self.end = 0;
    }

    /// The next bytes. What is written at places that are known when compiled needs no check.
    #[inline(always)]
    fn room(&mut self) -> &mut [u8; OVER] {
        let at = self.end % CUT;
        self.bytes[at..].first_chunk_mut().expect("what reaches over has its place")
    }

    #[inline(always)]
    pub(super) fn key<const N: usize>(&mut self, key: Key<N>) {
        self.room()[..N].copy_from_slice(&key.padded);
        self.end += key.length;
    }

    /// A key and what it is for.
    #[inline(always)]
    fn keyed<const N: usize>(&mut self, key: Key<N>, piece: Piece) {
        self.key(key);
        self.room()[..8].copy_from_slice(&piece.text.to_le_bytes());
        self.end += piece.length;
    }

    /// `192.168.1.1,` behind a key.
    #[inline(always)]
    pub(super) fn address_comma<const N: usize>(&mut self, key: Key<N>, address: u32) {
        let [first, second] = self.tables.address(address);
        self.keyed(key, first);
        self.keyed(Key::NONE, second);
    }

    /// `192.168.1.1` behind a key.
    #[inline(always)]
    pub(super) fn address<const N: usize>(&mut self, key: Key<N>, address: u32) {
        self.address_comma(key, address);
        self.end -= 1;
    }

    /// `443,` behind a key.
    #[inline(always)]
    pub(super) fn short_comma<const N: usize>(&mut self, key: Key<N>, number: u16) {
        self.keyed(key, self.tables.short(number));
    }

    #[inline(always)]
    pub(super) fn number<const N: usize>(&mut self, key: Key<N>, number: u32) {
        if let Ok(short) = u16::try_from(number) {
            self.short_comma(key, short);
            self.end -= 1;
        } else {
            self.key(key);
            self.long(number.into());
        }
    }

    #[inline(always)]
    fn long(&mut self, number: u64) {
        let (text, length) = spelled(number);
        self.room()[..text.len()].copy_from_slice(&text);
        self.end += length;
    }

    #[inline(always)]
    pub(super) fn timestamp<const N: usize>(&mut self, key: Key<N>, nanos: u64) {
        self.key(key);
        // Those before the shared digits' first come out far above.
        if nanos.wrapping_sub(self.upper.from) >= LOWER {
            if nanos < LOWER {
                return self.long(nanos);
            }
            *self.upper = Upper::new(nanos / LOWER);
        }
        let Upper { from, text, length } = *self.upper;
        self.room()[..16].copy_from_slice(&text.to_le_bytes());
        self.end += length;
        self.keyed(Key::NONE, self.tables.lower(nanos - from));
    }
}
