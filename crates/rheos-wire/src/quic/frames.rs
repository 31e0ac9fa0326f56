//! The frames of Initial packets: PADDING, PING, ACK, CRYPTO and CONNECTION_CLOSE (RFC 9000 §17.2.2, §19), and their
//! counterparts in Google's QUIC.

use super::read::Reader;
use super::version::Version;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// So many bytes of padding in a row.
    Padding(usize),
    /// Asks for an acknowledgement.
    Ping,
    /// Acknowledges packets.
    Ack(Ack),
    /// Bytes of the handshake.
    Crypto {
        /// Where in the stream of handshake bytes they begin.
        offset: u64,
        /// The bytes.
        data: &'a [u8],
    },
    /// Ends the connection.
    Close(Close<'a>),
}

/// An acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The greatest acknowledged packet number.
    pub largest: u64,
    /// Ranges of acknowledged numbers after the first.
    pub more_ranges: u64,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// Error code; 0x0100 to 0x01ff are TLS alerts (RFC 9001 §4.8).
    pub error: u64,
    /// Whether the code is the application's.
    pub by_application: bool,
    /// Why, for people.
    pub reason: &'a [u8],
}

/// The frames of an Initial packet. Ends at the first that does not belong there or does not fit; [`Self::is_malformed`]
/// then tells.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: Reader<'a>,
    google: bool,
    malformed: bool,
}

impl<'a> Frames<'a> {
    /// The frames in the payload of an Initial packet.
    pub fn new(payload: &'a [u8], version: Version) -> Self {
        Self { rest: Reader::new(payload), google: version.has_google_frames(), malformed: false }
    }

    /// Whether what is left is no frame of an Initial packet.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let &kind = self.rest.rest().first()?;
        if kind == 0 {
            let rest = self.rest.rest();
            let zeros = rest.iter().position(|&byte| byte != 0).unwrap_or(rest.len());
            self.rest.take(zeros);
            return Some(Frame::Padding(zeros));
        }
        let mut reader = self.rest;
        let frame = if self.google { google(&mut reader) } else { standard(&mut reader) };
        self.malformed = frame.is_none();
        self.rest = if frame.is_some() { reader } else { Reader::default() };
        frame
    }
}

fn standard<'a>(reader: &mut Reader<'a>) -> Option<Frame<'a>> {
    Some(match reader.varint()? {
        0x01 => Frame::Ping,
        kind @ (0x02 | 0x03) => Frame::Ack(ack(reader, kind == 0x03)?),
        0x06 => Frame::Crypto { offset: reader.varint()?, data: reader.counted()? },
        kind @ (0x1c | 0x1d) => {
            let error = reader.varint()?;
            let by_application = kind == 0x1d;
            if !by_application {
                // The type of the frame that was in error.
                reader.varint()?;
            }
            Frame::Close(Close { error, by_application, reason: reader.counted()? })
        }
        _ => return None,
    })
}

/// RFC 9000 §19.3; each range takes two bytes and more, so that the loop is bounded by the packet.
fn ack(reader: &mut Reader<'_>, with_ecn: bool) -> Option<Ack> {
    let largest = reader.varint()?;
    let _delay = reader.varint()?;
    let more_ranges = reader.varint()?;
    let _first_range = reader.varint()?;
    for _ in 0..more_ranges {
        let _gap = reader.varint()?;
        let _range = reader.varint()?;
    }
    if with_ecn {
        for _count in 0..3 {
            reader.varint()?;
        }
    }
    Some(Ack { largest, more_ranges })
}

/// The frames that Google's QUIC has in Initial packets: its own PING, ACK and CONNECTION_CLOSE, and CRYPTO under
/// another number.
fn google<'a>(reader: &mut Reader<'a>) -> Option<Frame<'a>> {
    Some(match reader.u8()? {
        0x07 => Frame::Ping,
        0x08 => Frame::Crypto { offset: reader.varint()?, data: reader.counted()? },
        0x02 => {
            let error = u64::from(reader.u32()?);
            let len = u16::from_be_bytes(reader.array()?);
            let reason = reader.take(usize::from(len))?;
            Frame::Close(Close { error, by_application: false, reason })
        }
        kind if kind & 0xc0 == 0x40 => Frame::Ack(google_ack(reader, kind)?),
        _ => return None,
    })
}

/// `01nullmm`: n more than one range, ll length of the numbers, mm length of the ranges.
fn google_ack(reader: &mut Reader<'_>, kind: u8) -> Option<Ack> {
    let len = |bits: u8| [1, 2, 4, 6].get(usize::from(bits & 3)).copied();
    let (number_len, range_len): (usize, usize) = (len(kind >> 2)?, len(kind)?);
    let number = reader.take(number_len)?;
    let largest = number.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    let _delay = reader.take(2)?;
    let more_ranges = if kind & 0x20 != 0 { reader.u8()? } else { 0 };
    reader.take(range_len)?;
    for _ in 0..more_ranges {
        let _gap = reader.u8()?;
        reader.take(range_len)?;
    }
    // The first timestamp has four bytes and the others two, each after one byte that tells its packet.
    let times = usize::from(reader.u8()?);
    reader.take(if times == 0 { 0 } else { 5 + 3 * (times - 1) })?;
    Some(Ack { largest, more_ranges: u64::from(more_ranges) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(payload: &[u8], version: Version) -> (Vec<Frame<'_>>, bool) {
        let mut frames = Frames::new(payload, version);
        let list = frames.by_ref().collect();
        (list, frames.is_malformed())
    }

    #[test]
    fn every_frame_of_an_initial_packet() {
        let payload = [
            0x02, 9, 0, 1, 2, 3, 4, // ACK with one more range
            0x03, 5, 0, 0, 1, 7, 8, 9, // with ECN counts
            0x01, 0x06, 0x40, 0x25, 2, 0xaa, 0xbb, 0, 0, 0, // PING, CRYPTO, three of padding
            0x1c, 0x41, 0x28, 6, 2, b'n', b'o', // CONNECTION_CLOSE with alert 40
        ];
        let (list, malformed) = frames(&payload, Version::V1);
        let wanted = [
            Frame::Ack(Ack { largest: 9, more_ranges: 1 }),
            Frame::Ack(Ack { largest: 5, more_ranges: 0 }),
            Frame::Ping,
            Frame::Crypto { offset: 37, data: &[0xaa, 0xbb] },
            Frame::Padding(3),
            Frame::Close(Close { error: 0x128, by_application: false, reason: b"no" }),
        ];
        assert_eq!(list, wanted);
        assert!(!malformed);
    }

    #[test]
    fn what_does_not_belong_or_fit_ends_the_frames() {
        // A STREAM frame, a frame of 1-RTT packets, is not allowed; the others end too soon.
        for payload in
            [&[1, 0x08, 0, 0][..], &[1, 0x06, 0, 9, 1], &[1, 0x02, 1, 0, 200, 1, 1], &[1, 0x40]]
        {
            assert_eq!(frames(payload, Version::V1), (vec![Frame::Ping], true), "{payload:?}");
        }
        let huge = [0x02, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
        assert_eq!(frames(&huge, Version::V1), (vec![], true), "2^62 ranges are not waited for");
    }

    #[test]
    fn frames_of_google() {
        let payload = [
            0x07, 0x40, 9, 0, 0, 1, 0, // PING, ACK of one range
            0x60, 9, 0, 0, 1, 2, 1, 3, 2, 7, 0, 0, 0, 1, 8, 0, 0, // two ranges, two times
            0x08, 0, 2, b'C', b'H', 0, 0, // CRYPTO, padding
            0x02, 0, 0, 0, 25, 0, 1, b'x',
        ];
        let (list, malformed) = frames(&payload, Version(u32::from_be_bytes(*b"Q050")));
        let wanted = [
            Frame::Ping,
            Frame::Ack(Ack { largest: 9, more_ranges: 0 }),
            Frame::Ack(Ack { largest: 9, more_ranges: 1 }),
            Frame::Crypto { offset: 0, data: b"CH" },
            Frame::Padding(2),
            Frame::Close(Close { error: 25, by_application: false, reason: b"x" }),
        ];
        assert_eq!(list, wanted);
        assert!(!malformed);
    }
}
