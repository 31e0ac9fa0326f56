//! Bytes into a file in whole blocks.
//!
//! The system keeps a file in pieces as large as single writes allow, and only where they begin at multiples of their
//! size. Columns as they come, some of 16 KiB and each behind a few bytes of lengths, cost it twice the time.

use std::io::{self, ErrorKind, IoSlice, Write};

/// Writes begin and end at multiples of this.
const BLOCK: usize = 256 << 10;

/// Hands whole blocks on, without a copy of what is large.
#[derive(Debug)]
pub(crate) struct Blocks<W> {
    writer: W,
    /// What does not fill a block yet.
    rest: Vec<u8>,
}

impl<W: Write> Blocks<W> {
    /// For a writer that stands at its beginning.
    pub(crate) fn new(writer: W) -> Self {
        Self { writer, rest: Vec::with_capacity(BLOCK) }
    }

    /// Takes all bytes. After an error it is of no more use.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let held = self.rest.len();
        let whole = (held + bytes.len()) / BLOCK * BLOCK;
        // What is held is less than a block.
        let (now, later) = bytes.split_at(whole.saturating_sub(held));
        if whole > 0 {
            write_both(&mut self.writer, &self.rest, now)?;
            self.rest.clear();
        }
        self.rest.extend_from_slice(later);
        Ok(())
    }

    /// Writes what is left, too.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.writer.write_all(&self.rest)?;
        self.writer.flush()
    }
}

/// All of one, then all of the other, at once where the system can.
fn write_both(writer: &mut impl Write, first: &[u8], second: &[u8]) -> io::Result<()> {
    let mut slices = [IoSlice::new(first), IoSlice::new(second)];
    let mut left = &mut slices[..];
    // Empty slices go.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match writer.write_vectored(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most so many bytes at once, every third time none.
    #[derive(Debug)]
    struct Slow<'a> {
        most: usize,
        calls: usize,
        taken: &'a mut Vec<u8>,
        ends: &'a mut Vec<usize>,
    }

    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(3) {
                return Err(ErrorKind::Interrupted.into());
            }
            let bytes: Vec<u8> =
                slices.iter().flat_map(|slice| slice.iter()).copied().take(self.most).collect();
            self.taken.extend_from_slice(&bytes);
            self.ends.push(self.taken.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Pieces of these lengths, taken by a writer that takes so many at once: what arrives, and where writes ended.
    fn written(most: usize, lengths: &[usize]) -> (Vec<u8>, Vec<u8>, Vec<usize>) {
        let (mut taken, mut ends, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        let slow = Slow { most, calls: 0, taken: &mut taken, ends: &mut ends };
        let mut blocks = Blocks::new(slow);
        for (number, &length) in lengths.iter().enumerate() {
            let piece: Vec<u8> = (0..length).map(|i| (i % 251 + number) as u8).collect();
            blocks.write_all(&piece).unwrap();
            expected.extend_from_slice(&piece);
        }
        blocks.finish().unwrap();
        (expected, taken, ends)
    }

    const LENGTHS: [usize; 9] =
        [8, 0, BLOCK - 8, 5, 3 * BLOCK, BLOCK - 5, 2 * BLOCK + 1, BLOCK - 1, 77];

    #[test]
    fn writes_end_at_blocks_but_for_the_last() {
        let (expected, taken, ends) = written(usize::MAX, &LENGTHS);
        assert!(taken == expected);
        assert_eq!(
            ends,
            [1, 4, 5, 7, 8].map(|n| n * BLOCK).into_iter().chain([taken.len()]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn short_writes_lose_nothing() {
        for most in [1 << 10, BLOCK - 1, BLOCK, BLOCK + 1] {
            let (expected, taken, _) = written(most, &LENGTHS);
            assert!(taken == expected, "{most} at once");
        }
    }

    #[test]
    fn a_writer_that_takes_nothing_is_an_error() {
        let mut blocks = Blocks::new(io::Cursor::new([0_u8; 100]));
        let error = blocks.write_all(&vec![1; BLOCK]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }
}
