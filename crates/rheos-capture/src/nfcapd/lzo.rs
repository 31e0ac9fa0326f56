//! LZO1X, the packing that nfcapd's option `-z` chooses.
//!
//! There is no specification; this follows the description of the format in the Linux kernel,
//! `Documentation/staging/lzo.rst`, version 0. A block is a row of instructions: each copies bytes of what was
//! unpacked before, then up to three bytes of its own; one kind copies a longer run of bytes.

/// After a long run of literals, which changes what the next instruction means.
const LONG_RUN: usize = 4;
/// The distance that ends a block.
const END: usize = 16_384;

/// Unpacks a block into `out`, which is cleared; nothing when the block is broken or longer than `len_max` unpacked.
pub(super) fn unpack(packed: &[u8], out: &mut Vec<u8>, len_max: usize) -> Option<()> {
    out.clear();
    let mut input = Input(packed);
    let mut literals = match packed.first()? {
        first @ 18.. => {
            let run = usize::from(*first) - 17;
            input.byte()?;
            input.literals(run, out, len_max)?;
            run.min(LONG_RUN)
        }
        _ => 0,
    };
    // Each round consumes a byte of the input.
    loop {
        let op = usize::from(input.byte()?);
        if op < 16 && literals == 0 {
            let run = 3 + input.length(op, 15)?;
            input.literals(run, out, len_max)?;
            literals = LONG_RUN;
            continue;
        }
        let (len, distance, next) = match op {
            0..16 => {
                let near = usize::from(input.byte()?) * 4 + (op >> 2);
                if literals == LONG_RUN { (3, near + 2049, op) } else { (2, near + 1, op) }
            }
            16..32 => {
                let len = 2 + input.length(op & 7, 7)?;
                let word = input.word()?;
                let distance = END + ((op & 8) << 11) + (word >> 2);
                if distance == END {
                    return Some(());
                }
                (len, distance, word)
            }
            32..64 => {
                let len = 2 + input.length(op & 31, 31)?;
                let word = input.word()?;
                (len, (word >> 2) + 1, word)
            }
            _ => {
                let len = if op < 128 { 3 + ((op >> 5) & 1) } else { 5 + ((op >> 5) & 3) };
                (len, usize::from(input.byte()?) * 8 + ((op >> 2) & 7) + 1, op)
            }
        };
        repeat(out, distance, len, len_max)?;
        literals = next & 3;
        input.literals(literals, out, len_max)?;
    }
}

/// Copies `len` bytes that lie `distance` before the end; they may reach into what they make.
fn repeat(out: &mut Vec<u8>, distance: usize, len: usize, len_max: usize) -> Option<()> {
    let start = out.len().checked_sub(distance)?;
    if out.len() + len > len_max {
        return None;
    }
    let mut left = len;
    while left > 0 {
        // What is there from the start on doubles with each round.
        let part = left.min(out.len() - start);
        out.extend_from_within(start..start + part);
        left -= part;
    }
    Some(())
}

/// What is left of a packed block.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn word(&mut self) -> Option<usize> {
        let (word, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(usize::from(u16::from_le_bytes(*word)))
    }

    /// A length of an instruction: when its bits are zero, it is told in bytes that follow.
    fn length(&mut self, bits: usize, most: usize) -> Option<usize> {
        if bits > 0 {
            return Some(bits);
        }
        let mut len = most;
        loop {
            let byte = self.byte()?;
            if byte > 0 {
                return Some(len + usize::from(byte));
            }
            len += 255;
        }
    }

    fn literals(&mut self, count: usize, out: &mut Vec<u8>, len_max: usize) -> Option<()> {
        let (literals, rest) = self.0.split_at_checked(count)?;
        if out.len() + count > len_max {
            return None;
        }
        out.extend_from_slice(literals);
        self.0 = rest;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        unpack(packed, &mut out, 1000).map(|()| out)
    }

    #[test]
    fn each_instruction_by_hand() {
        const END: [u8; 3] = [17, 0, 0];
        let packed = |parts: &[&[u8]]| unpacked(&[&parts.concat()[..], &END].concat());
        // Five literals, then three bytes from four before with one literal behind them.
        assert_eq!(packed(&[b"\x16abcde", &[0x4d, 0], b"X"]).as_deref(), Some(&b"abcdebcdX"[..]));
        // After one literal: two bytes from one before, which is a run.
        let expected = Some(&b"abcdebcdXXX"[..]);
        assert_eq!(packed(&[b"\x16abcde", &[0x4d, 0], b"X", &[0, 0]]).as_deref(), expected);
        // 32 kind: length 2 + 31 + 255 + 1 from distance 5.
        let long = packed(&[b"\x16abcde", &[32, 0, 1, 16, 0]]);
        let repeated: Vec<u8> = b"abcde".iter().copied().cycle().take(5 + 289).collect();
        assert_eq!(long, Some(repeated));
        // Long run of literals: 3 + 15 + 1.
        let run = [&[0, 1][..], b"0123456789abcdefghi"].concat();
        assert_eq!(packed(&[&run]).as_deref(), Some(&b"0123456789abcdefghi"[..]));
        // A distance before the beginning, and no end.
        assert_eq!(packed(&[b"\x16abcde", &[0x5c, 9]]), None);
        assert_eq!(unpacked(b"\x16abcde"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_end_within_the_limit(packed in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            unpack(&packed, &mut out, 5000);
            prop_assert!(out.len() <= 5000);
        }
    }
}
