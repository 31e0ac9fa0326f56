//! One handshake message out of the records that carry it.

use std::borrow::Cow;

use rheos_wire::tls::handshake::{self, HandshakeHeader};
use rheos_wire::tls::record::{HEADER_LEN, RecordHeader, content};

use super::RECORDS_MAX;

/// What lies at the beginning of some bytes of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gathered<'a> {
    /// A whole message.
    Whole {
        kind: u8,
        body: Cow<'a, [u8]>,
        /// So many bytes of the stream it took, headers of records included.
        consumed: usize,
        /// Bytes of its last record that are still to come.
        left: u16,
    },
    /// A message too long to be read: only its header was taken.
    TooLong { kind: u8, len: u32, consumed: usize, left: u16 },
    /// It is not there yet as a whole.
    More,
    /// Something else than a handshake record lies within it, or too many records.
    Broken,
}

/// Handshake content, record by record.
struct Content<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes of the record at hand that are still to come.
    left: u16,
    records: usize,
}

/// Why there is no content.
enum Not {
    There,
    Handshake,
}

impl<'a> Content<'a> {
    /// The next piece of content of at most `max` bytes, never empty.
    fn next(&mut self, max: usize) -> Result<&'a [u8], Not> {
        while self.left == 0 {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let header = RecordHeader::parse(rest).ok_or(Not::There)?;
            self.records += 1;
            let sound = header.content == content::HANDSHAKE && header.is_plausible();
            if !sound || self.records > RECORDS_MAX {
                return Err(Not::Handshake);
            }
            self.at += HEADER_LEN;
            self.left = header.len;
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = max.min(usize::from(self.left)).min(rest.len());
        let piece = rest.get(..len).filter(|piece| !piece.is_empty()).ok_or(Not::There)?;
        self.at += len;
        self.left -= len as u16;
        Ok(piece)
    }

    /// So many bytes of content; borrowed where they lie in one record.
    fn take(&mut self, len: usize) -> Result<Cow<'a, [u8]>, Not> {
        if len == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let first = self.next(len)?;
        if first.len() == len {
            return Ok(Cow::Borrowed(first));
        }
        let mut all = first.to_vec();
        while all.len() < len {
            all.extend_from_slice(self.next(len - all.len())?);
        }
        Ok(Cow::Owned(all))
    }

    /// Whether so many further bytes of content are there; nothing is copied to see it.
    fn has(&self, len: usize) -> Result<(), Not> {
        let mut ahead = Content { ..*self };
        let mut missing = len;
        while missing > 0 {
            missing -= ahead.next(missing)?.len();
        }
        Ok(())
    }
}

/// The message at the beginning of `bytes`, of which the first `left` belong to the record at hand. Messages with a
/// body of more than `max` bytes are too long.
pub(super) fn gather(bytes: &[u8], left: u16, max: usize) -> Gathered<'_> {
    let mut content = Content { bytes, at: 0, left, records: 0 };
    match message(&mut content, max) {
        Ok(gathered) => gathered,
        Err(Not::There) => Gathered::More,
        Err(Not::Handshake) => Gathered::Broken,
    }
}

fn message<'a>(content: &mut Content<'a>, max: usize) -> Result<Gathered<'a>, Not> {
    let header = content.take(handshake::HEADER_LEN)?;
    let HandshakeHeader { kind, len } = HandshakeHeader::parse(&header).ok_or(Not::There)?;
    if len as usize > max {
        return Ok(Gathered::TooLong { kind, len, consumed: content.at, left: content.left });
    }
    content.has(len as usize)?;
    let body = content.take(len as usize)?;
    Ok(Gathered::Whole { kind, body, consumed: content.at, left: content.left })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: &[u8]) -> Vec<u8> {
        [&[22, 3, 3, 0, content.len() as u8][..], content].concat()
    }

    #[test]
    fn a_message_in_one_record_is_borrowed() {
        let bytes = record(&[1, 0, 0, 2, 7, 8, 9, 9]);
        let whole = gather(&bytes, 0, 100);
        let Gathered::Whole { kind: 1, body: Cow::Borrowed(&[7, 8]), consumed: 11, left: 2 } =
            whole
        else {
            panic!("{whole:?}");
        };
        // The rest of the record is the next message's beginning.
        assert_eq!(gather(&bytes[11..], 2, 100), Gathered::More);
    }

    #[test]
    fn a_message_over_records_is_joined() {
        let bytes = [record(&[1, 0]), record(&[]), record(&[0, 3, 7]), record(&[8, 9])].concat();
        let whole = gather(&bytes, 0, 100);
        let body = Cow::Owned(vec![7, 8, 9]);
        assert_eq!(whole, Gathered::Whole { kind: 1, body, consumed: bytes.len(), left: 0 });
        for cut in 0..bytes.len() {
            assert_eq!(gather(&bytes[..cut], 0, 100), Gathered::More, "{cut}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_told_by_its_header() {
        let bytes = record(&[11, 0, 1, 0, 5]);
        assert_eq!(
            gather(&bytes, 0, 255),
            Gathered::TooLong { kind: 11, len: 256, consumed: 9, left: 1 }
        );
        assert_eq!(gather(&bytes, 0, 256), Gathered::More);
    }

    #[test]
    fn other_records_within_a_message_break_it() {
        let bytes = [record(&[1, 0, 0, 9]), vec![21, 3, 3, 0, 2, 2, 40]].concat();
        assert_eq!(gather(&bytes, 0, 100), Gathered::Broken);
        let tiny: Vec<u8> = (0..=RECORDS_MAX).flat_map(|_| record(&[1])).collect();
        assert_eq!(gather(&tiny, 0, 1 << 20), Gathered::Broken);
    }
}
