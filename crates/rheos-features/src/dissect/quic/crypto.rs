//! The bytes of CRYPTO frames in order (RFC 9000 §19.6): frames come in any order, overlap, repeat, and leave gaps that
//! may never be filled.

use std::ops::Range;

/// Bytes that one side's stream holds at most, in order and beyond gaps together. Hellos with post-quantum keys have two
/// to four thousand; the longest messages that servers accept are 16 to 64 KiB.
pub(super) const BYTES_MAX: usize = 64 * 1024;
/// Pieces that wait beyond a gap, at most.
pub(super) const PIECES_MAX: usize = 32;

/// Bytes beyond a gap.
#[derive(Debug)]
struct Piece {
    offset: u64,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// One side's stream. Of bytes that came twice the first hold.
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    /// Offset of the first byte of `ready`.
    start: u64,
    ready: Vec<u8>,
    /// In order of offset; none touches another or `ready`.
    waiting: Vec<Piece>,
}

impl CryptoStream {
    /// All bytes from the first that was not taken up to the first gap.
    pub(super) fn ready(&self) -> &[u8] {
        &self.ready
    }

    /// Forgets the first `len` bytes that are ready.
    pub(super) fn take(&mut self, len: usize) {
        let len = len.min(self.ready.len());
        self.ready.drain(..len);
        self.start += len as u64;
    }

    /// Memory held beside the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|piece| piece.bytes.capacity()).sum();
        self.ready.capacity() + waiting + self.waiting.capacity() * size_of::<Piece>()
    }

    fn next_offset(&self) -> u64 {
        self.start + self.ready.len() as u64
    }

    fn held(&self) -> usize {
        self.ready.len() + self.waiting.iter().map(|piece| piece.bytes.len()).sum::<usize>()
    }

    /// Takes in a frame's bytes. False if they are refused at a limit.
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) -> bool {
        let (offset, data) = after(self.next_offset(), offset, data);
        let end = offset.saturating_add(data.len() as u64);
        if data.is_empty() {
            return true;
        }
        if end - self.start > BYTES_MAX as u64 || self.held() + data.len() > BYTES_MAX {
            return false;
        }
        let first = self.waiting.partition_point(|piece| piece.end() < offset);
        let last = self.waiting.partition_point(|piece| piece.offset <= end);
        if first < last {
            self.join(first..last, offset, data);
        } else if offset == self.next_offset() {
            self.ready.extend_from_slice(data);
        } else if self.waiting.len() < PIECES_MAX {
            self.waiting.insert(first, Piece { offset, bytes: data.to_vec() });
        } else {
            return false;
        }
        true
    }

    /// Makes one piece of data and the waiting pieces that it touches.
    fn join(&mut self, touched: Range<usize>, offset: u64, data: &[u8]) {
        let place = touched.start;
        let mut whole = Piece { offset, bytes: Vec::new() };
        for piece in self.waiting.drain(touched) {
            if piece.offset <= whole.offset {
                whole = piece;
                continue;
            }
            let (from, rest) = after(whole.end(), offset, data);
            let between = usize::try_from(piece.offset.saturating_sub(from)).unwrap_or(usize::MAX);
            whole.bytes.extend_from_slice(rest.get(..between).unwrap_or(rest));
            whole.bytes.extend_from_slice(&piece.bytes);
        }
        whole.bytes.extend_from_slice(after(whole.end(), offset, data).1);
        if whole.offset == self.next_offset() {
            self.ready.append(&mut whole.bytes);
        } else {
            self.waiting.insert(place, whole);
        }
    }
}

/// What of `data`, which begins at `offset`, lies from `start` on.
fn after(start: u64, offset: u64, data: &[u8]) -> (u64, &[u8]) {
    let Some(known) = start.checked_sub(offset) else { return (offset, data) };
    let known = usize::try_from(known).unwrap_or(usize::MAX);
    (start, data.get(known..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(frames: &[(u64, &[u8])]) -> CryptoStream {
        let mut stream = CryptoStream::default();
        for (offset, data) in frames {
            stream.insert(*offset, data);
        }
        stream
    }

    #[test]
    fn frames_in_any_order_fill_the_gap() {
        let mut stream = stream(&[(6, b"ghi"), (3, b"def"), (12, b"m")]);
        assert!(stream.ready().is_empty());
        assert_eq!(stream.waiting.len(), 2, "what touches is one piece");
        stream.insert(0, b"abc");
        assert_eq!(stream.ready(), b"abcdefghi");
        stream.take(4);
        assert_eq!(stream.ready(), b"efghi");
        stream.insert(8, b"ijkl");
        assert_eq!(stream.ready(), b"efghijklm");
        assert!(stream.waiting.is_empty());
    }

    #[test]
    fn the_first_of_two_bytes_holds() {
        let both = stream(&[(2, b"cd"), (6, b"gh"), (1, b"BCDEFGHI"), (0, b"aXXXX")]);
        assert_eq!(both.ready(), b"aBcdEFghI");
        assert_eq!(stream(&[(0, b"abc"), (0, b"xyzd")]).ready(), b"abcd");
        assert_eq!(stream(&[(0, b""), (5, b"")]).waiting.len(), 0);
    }

    #[test]
    fn endless_gaps_take_no_more_than_the_limits() {
        let mut stream = CryptoStream::default();
        let taken = (1..100_000_u64).filter(|offset| stream.insert(2 * offset, b"x"));
        assert_eq!(taken.count(), PIECES_MAX);
        assert_eq!(stream.waiting.len(), PIECES_MAX);
        let mut stream = CryptoStream::default();
        let taken = (0..200_u64).filter(|offset| stream.insert(1 + offset * 1000, &[7; 1000]));
        assert_eq!(taken.count(), 65);
        assert!(stream.heap_bytes() <= 2 * BYTES_MAX + 4096);
        assert!(!stream.insert(u64::MAX, b"x") && !stream.insert(u64::MAX - 1, &[0; 9]));
        assert_eq!(stream.waiting.len(), 1);
    }

    proptest! {
        #[test]
        fn any_frames_give_the_first_bytes(
            frames in prop::collection::vec((0..60_u64, 1..12_usize), 0..40)
        ) {
            // What a map from offset to the frame that brought it first says.
            let mut wanted = [None; 80];
            let mut stream = CryptoStream::default();
            for (number, (offset, len)) in frames.iter().enumerate() {
                stream.insert(*offset, &vec![number as u8; *len]);
                for byte in &mut wanted[*offset as usize..*offset as usize + len] {
                    byte.get_or_insert(number as u8);
                }
                prop_assert!(stream.waiting.len() <= PIECES_MAX);
                let touching = stream.waiting.windows(2).all(|two| two[0].end() < two[1].offset);
                prop_assert!(touching);
            }
            let whole: Vec<u8> = wanted.iter().map_while(|byte| *byte).collect();
            prop_assert_eq!(stream.ready(), &whole[..]);
            let waits: usize = stream.waiting.iter().map(|piece| piece.bytes.len()).sum();
            prop_assert_eq!(stream.ready().len() + waits, wanted.iter().flatten().count());
        }
    }
}
