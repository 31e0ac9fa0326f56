//! One TCP segment (RFC 9293) and its options (RFC 7323, RFC 2018).

use super::super::conversation::{Cx, Part, Sent};
use super::super::headers::{Path, TCP, open};
use super::super::host::Stack;
use super::super::message::Message;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

/// A segment about to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) from: usize,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    pub(crate) options: &'a [u8],
    /// A message, where in it this segment begins, and how much of it this segment carries.
    pub(crate) data: Option<(&'a Message, u32, u32)>,
}

impl Segment<'_> {
    pub(crate) const fn new(from: usize) -> Self {
        Self { from, seq: 0, ack: 0, flags: 0, window: 0, options: &[], data: None }
    }

    pub(crate) fn send(&self, path: &mut Path, cx: &mut Cx<'_>) -> Sent {
        let from = self.from;
        let payload_len = self.data.map_or(0, |(_, _, len)| len);
        let header_len = 20 + self.options.len();
        let layout = open(cx.out, path, from, TCP, header_len + payload_len as usize, None);
        let mut h = [0u8; 20];
        h[..2].copy_from_slice(&path.ports[from].to_be_bytes());
        h[2..4].copy_from_slice(&path.ports[1 - from].to_be_bytes());
        h[4..8].copy_from_slice(&self.seq.to_be_bytes());
        h[8..12].copy_from_slice(&self.ack.to_be_bytes());
        h[12] = (header_len as u8 / 4) << 4;
        h[13] = self.flags;
        h[14..16].copy_from_slice(&self.window.to_be_bytes());
        cx.out.extend_from_slice(&h);
        cx.out.extend_from_slice(self.options);
        if let Some((message, offset, len)) = self.data {
            message.write(cx.content, offset, len, cx.scratch, cx.out);
        }
        layout.seal(cx.out, Some(16), true);
        Sent {
            layout,
            from,
            ip_len: layout.ip_len as u64,
            payload_len: u64::from(payload_len),
            checksum_at: Some(16),
            part: Part::Whole,
            about: false,
        }
    }
}

/// The options of one segment: at most 40 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    bytes: [u8; 40],
    len: usize,
}

impl Options {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 40], len: 0 }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// The options of a SYN in the order its stack writes them.
    pub(crate) fn syn(stack: Stack, mss: u16, shift: u8, stamps: Option<(u32, u32)>) -> Self {
        let mut options = Self::new();
        let [high, low] = mss.to_be_bytes();
        options.push(&[2, 4, high, low]);
        match stack {
            Stack::Linux => {
                match stamps {
                    Some(stamps) => {
                        options.push(&[4, 2]);
                        options.stamps(stamps);
                    }
                    None => options.push(&[1, 1, 4, 2]),
                }
                options.push(&[1, 3, 3, shift]);
            }
            Stack::Windows => {
                options.push(&[1, 3, 3, shift, 1, 1, 4, 2]);
                if let Some(stamps) = stamps {
                    options.push(&[1, 1]);
                    options.stamps(stamps);
                }
            }
            Stack::Apple => {
                options.push(&[1, 3, 3, shift, 1, 1]);
                match stamps {
                    Some(stamps) => options.stamps(stamps),
                    None => options.push(&[1, 1]),
                }
                options.push(&[4, 2, 0, 0]);
            }
        }
        options
    }

    /// Timestamps as they stand in every later segment.
    pub(crate) fn stamped(stamps: Option<(u32, u32)>) -> Self {
        let mut options = Self::new();
        if let Some(stamps) = stamps {
            options.push(&[1, 1]);
            options.stamps(stamps);
        }
        options
    }

    /// One block of data that came behind a hole.
    pub(crate) fn sack(&mut self, left: u32, right: u32) {
        self.push(&[1, 1, 5, 10]);
        self.push(&left.to_be_bytes());
        self.push(&right.to_be_bytes());
    }

    fn stamps(&mut self, (value, echo): (u32, u32)) {
        self.push(&[8, 10]);
        self.push(&value.to_be_bytes());
        self.push(&echo.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_fill_whole_words() {
        for stack in [Stack::Linux, Stack::Windows, Stack::Apple] {
            for stamps in [None, Some((1, 2))] {
                let options = Options::syn(stack, 1_460, 7, stamps);
                assert_eq!(options.as_slice().len() % 4, 0, "{stack:?} {stamps:?}");
            }
        }
        let mut options = Options::stamped(Some((1, 2)));
        assert_eq!(options.as_slice().len(), 12);
        options.sack(5, 6);
        assert_eq!(options.as_slice().len(), 24);
    }
}
