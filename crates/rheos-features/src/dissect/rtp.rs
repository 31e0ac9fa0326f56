//! RTP: what is sent, how much of it is lost and how evenly it arrives (RFC 3550).

use rheos_core::{Direction, Timestamp};
use rheos_wire::App;
use rheos_wire::service::rtp::{Header, clock_rate};

use super::codes::Codes;
use super::{Datagram, Detect, Dissector, Start, Wants};

/// Sources of a flow that are followed at most; packets of further ones are only counted.
pub const SOURCES_MAX: usize = 16;

/// What the packets of a flow say.
#[derive(Debug, Default)]
pub struct Rtp {
    /// Payload types.
    pub payload_types: Codes,
    /// Packets, whatever their source and number.
    pub packets: u32,
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    id: u32,
    direction: Direction,
    numbers: Numbers,
    jitter: Jitter,
}

impl Rtp {
    /// How many sources there are; one that sends in both directions counts twice.
    pub fn sources(&self) -> u32 {
        self.sources.len() as u32
    }

    /// Packets that should have come (RFC 3550 appendix A.3), of all sources together.
    pub fn expected(&self) -> u64 {
        self.sources.iter().map(|source| source.numbers.expected()).sum()
    }

    /// Packets that should have come and did not; negative where some came twice.
    pub fn lost(&self) -> i64 {
        let received: u64 = self.sources.iter().map(|source| source.numbers.received).sum();
        self.expected().cast_signed().wrapping_sub(received.cast_signed())
    }

    /// Interarrival jitter of the first source of a side for which it is known, in seconds.
    pub fn jitter_s(&self, direction: Direction) -> Option<f64> {
        let mut own = self.sources.iter().filter(|source| source.direction == direction);
        own.find_map(|source| source.jitter.value_s)
    }
}

impl Detect for Rtp {
    const APPS: &'static [App] = &[App::Rtp];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Rtp {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        // STUN, DTLS and RTCP go between the same ports (RFC 7983).
        let Some(header) = Header::parse(datagram.bytes) else { return Wants::More };
        self.payload_types.insert(header.payload_type);
        self.packets = self.packets.saturating_add(1);
        let Datagram { direction, ts, .. } = datagram;
        let own = |it: &&mut Source| it.id == header.source && it.direction == direction;
        if let Some(source) = self.sources.iter_mut().find(own) {
            if source.numbers.take(header.sequence) {
                source.jitter.take(&header, ts);
            }
        } else if self.sources.len() < SOURCES_MAX {
            let mut jitter = Jitter::default();
            jitter.take(&header, ts);
            let numbers = Numbers::new(header.sequence);
            self.sources.push(Source { id: header.source, direction, numbers, jitter });
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        self.sources.capacity() * size_of::<Source>()
    }
}

/// A source's sequence numbers (RFC 3550 appendix A.1).
#[derive(Debug)]
struct Numbers {
    base: u16,
    max: u16,
    /// Packets of the wraps so far.
    cycles: u64,
    /// The number after one that was out of all order: with it the source has begun anew.
    bad: Option<u16>,
    received: u64,
    /// Packets that were expected before the source began anew.
    expected_before: u64,
}

impl Numbers {
    const fn new(sequence: u16) -> Self {
        Self {
            base: sequence,
            max: sequence,
            cycles: 0,
            bad: None,
            received: 1,
            expected_before: 0,
        }
    }

    /// Takes in one more packet; false if it is out of all order, and so not counted.
    fn take(&mut self, sequence: u16) -> bool {
        /// More are not lost in a row.
        const DROPOUT_MAX: u16 = 3000;
        /// No packet is so late.
        const MISORDER_MAX: u16 = 100;
        let ahead = sequence.wrapping_sub(self.max);
        if ahead < DROPOUT_MAX {
            if sequence < self.max {
                self.cycles += 1 << 16;
            }
            self.max = sequence;
        } else if ahead <= 0_u16.wrapping_sub(MISORDER_MAX) {
            if self.bad != Some(sequence) {
                self.bad = Some(sequence.wrapping_add(1));
                return false;
            }
            self.expected_before = self.expected();
            (self.base, self.max, self.cycles, self.bad) = (sequence, sequence, 0, None);
        }
        self.received += 1;
        true
    }

    fn expected(&self) -> u64 {
        let last = self.cycles + u64::from(self.max);
        self.expected_before + last.saturating_sub(u64::from(self.base)) + 1
    }
}

/// How unevenly a source's packets arrive (RFC 3550 appendix A.8), in seconds, since the payload type may change.
#[derive(Debug, Default)]
struct Jitter {
    value_s: Option<f64>,
    /// Clock rate, timestamp and arrival of the packet before.
    before: Option<(u32, u32, Timestamp)>,
}

impl Jitter {
    fn take(&mut self, header: &Header, arrival: Timestamp) {
        let Some(rate) = clock_rate(header.payload_type) else {
            self.before = None;
            return;
        };
        let before = self.before.replace((rate, header.timestamp, arrival));
        let Some((_, timestamp, then)) = before.filter(|(elder, ..)| *elder == rate) else {
            return;
        };
        let ticks = header.timestamp.wrapping_sub(timestamp).cast_signed();
        let sent_s = f64::from(ticks) / f64::from(rate);
        let arrived_ns = arrival.as_nanos().wrapping_sub(then.as_nanos()).cast_signed();
        let uneven_s = (arrived_ns as f64 / 1e9 - sent_s).abs();
        let value_s = self.value_s.unwrap_or(0.0);
        self.value_s = Some(value_s + (uneven_s - value_s) / 16.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sequences: &[u16]) -> (u64, u64) {
        let (first, rest) = sequences.split_first().unwrap();
        let mut numbers = Numbers::new(*first);
        for &sequence in rest {
            numbers.take(sequence);
        }
        (numbers.expected(), numbers.received)
    }

    #[test]
    fn numbers_wrap_and_begin_anew() {
        assert_eq!(told(&[5]), (1, 1));
        assert_eq!(told(&[5, 6, 9, 8]), (5, 4));
        assert_eq!(told(&[5, 6, 6]), (2, 3), "one came twice");
        assert_eq!(told(&[65_534, 65_535, 1, 2]), (5, 4), "0 is lost");
        assert_eq!(told(&[2, 65_535]), (1, 2), "one from before the first");
        // One that is out of all order is not counted; with its successor the source has begun anew.
        assert_eq!(told(&[5, 6, 30_000, 7]), (3, 3));
        assert_eq!(told(&[5, 6, 30_000, 30_001, 30_003]), (5, 4));
    }

    #[test]
    fn no_more_sources_than_the_limit() {
        let mut rtp = Rtp::default();
        for source in 0..100 {
            let bytes = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, source];
            let (direction, ts) = (Direction::Forward, Timestamp::from_nanos(0));
            rtp.on_datagram(Datagram { direction, ts, bytes: &bytes, sent_len: 12 });
        }
        assert_eq!((rtp.packets, rtp.sources(), rtp.expected()), (100, 16, 16));
        assert!(rtp.heap_bytes() <= SOURCES_MAX * size_of::<Source>());
    }
}
