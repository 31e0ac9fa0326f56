//! TCP options of one side (IANA "TCP Option Kind Numbers").

use rheos_wire::tcp::kinds;
use rheos_wire::tcp_flags::SYN;
use rheos_wire::{OptionKinds, SackBlocks, TcpOption, TcpOptions};

use super::{Segment, after};

/// Kinds without a name here that are remembered per side; further ones only set their bit.
pub(crate) const OTHER_KINDS_MAX: usize = 8;
/// The options of a header are at most so many bytes, and so many kinds.
const ORDER_MAX: usize = 40;
/// No-operation, no-operation, timestamps, 10 bytes: what almost all segments have (RFC 7323 appendix A).
const STAMPS_ALONE: [u8; 4] = [kinds::NO_OPERATION, kinds::NO_OPERATION, kinds::TIMESTAMPS, 10];
/// A clock's frequency is estimated over at least this time and so many ticks.
const CLOCK_SPAN_NS: u64 = 200_000_000;
const CLOCK_TICKS_MIN: u32 = 10;
/// Frequencies that systems use, in Hz; RFC 7323 §5.4 asks for 1 to 1000.
const CLOCKS_HZ: [f64; 12] =
    [1.0, 2.0, 10.0, 20.0, 50.0, 64.0, 100.0, 200.0, 250.0, 500.0, 1000.0, 1_000_000.0];
/// An estimate this close to one of them, relatively, is taken for it.
const CLOCK_TOLERANCE: f64 = 0.1;
/// Values that move faster than this are no clock.
const CLOCK_HZ_MAX: f64 = 2_000_000.0;

/// Bits of the options that were seen.
pub(crate) mod bits {
    pub(crate) const MSS: u16 = 0x0001;
    pub(crate) const WINDOW_SCALE: u16 = 0x0002;
    pub(crate) const SACK_PERMITTED: u16 = 0x0004;
    pub(crate) const TIMESTAMPS: u16 = 0x0008;
    pub(crate) const SACK: u16 = 0x0010;
    pub(crate) const MULTIPATH: u16 = 0x0020;
    pub(crate) const FAST_OPEN: u16 = 0x0040;
    pub(crate) const MD5: u16 = 0x0080;
    pub(crate) const AUTHENTICATION: u16 = 0x0100;
    pub(crate) const USER_TIMEOUT: u16 = 0x0200;
    pub(crate) const NO_OPERATION: u16 = 0x0400;
    pub(crate) const END: u16 = 0x0800;
    pub(crate) const OTHER: u16 = 0x1000;
}

/// User timeout (RFC 5482).
const USER_TIMEOUT: u8 = 28;

/// A timestamps option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    pub(crate) value: u32,
    pub(crate) echo: u32,
}

/// The sender's clock, first and last seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) first: u32,
    pub(crate) last: u32,
    first_ns: u64,
    last_ns: u64,
    pub(crate) packets: u64,
}

/// The kinds of a SYN's options in order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    kinds: [u8; ORDER_MAX],
    len: u8,
    /// Bytes after the end of the list.
    pub(crate) padding: u8,
    /// Not all of these are 0.
    pub(crate) padding_filled: bool,
    /// An option ran past the header.
    pub(crate) malformed: bool,
}

impl Order {
    fn of(options: &[u8]) -> Self {
        let mut order = Self {
            kinds: [0; ORDER_MAX],
            len: 0,
            padding: 0,
            padding_filled: false,
            malformed: false,
        };
        let mut kinds = OptionKinds::new(options);
        for (place, kind) in order.kinds.iter_mut().zip(&mut kinds) {
            *place = kind;
            order.len += 1;
        }
        let rest = kinds.rest();
        let ended = order.kinds().last() == Some(&kinds::END);
        order.malformed = !ended && !rest.is_empty();
        order.padding = if ended { rest.len() as u8 } else { 0 };
        order.padding_filled = ended && rest.iter().any(|&byte| byte != 0);
        order
    }

    pub(crate) fn kinds(&self) -> &[u8] {
        &self.kinds[..usize::from(self.len)]
    }
}

/// What one side's options said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) bits: u16,
    /// Packets with an option other than no-operation and end of list.
    pub(crate) packets: u64,
    pub(crate) malformed: u64,
    pub(crate) sack_blocks: u64,
    pub(crate) sack_packets: u64,
    pub(crate) duplicate_sacks: u64,
    pub(crate) clock: Option<Clock>,
    pub(crate) echo_first: Option<u32>,
    pub(crate) mss: Option<u16>,
    /// Bytes of payload in SYNs with fast open, and the length of the last cookie.
    pub(crate) fast_open_cookie: Option<u8>,
    pub(crate) syn_payload: u32,
    others: [u8; OTHER_KINDS_MAX],
    others_len: u8,
    /// The segment at hand has a Multipath TCP option.
    pub(super) multipath_now: bool,
    /// The window scale of the segment at hand.
    pub(super) window_scale_now: Option<u8>,
    /// Of the first SYN.
    pub(crate) order: Option<Box<Order>>,
}

impl Options {
    /// Takes in a segment of this side.
    #[inline]
    pub(crate) fn on_segment(&mut self, segment: &Segment, options: &[u8]) -> Option<Stamps> {
        self.multipath_now = false;
        if segment.is(SYN) {
            self.on_syn(segment, options);
        }
        if let Some((&STAMPS_ALONE, rest)) = options.split_first_chunk()
            && let Some((&data, [])) = rest.split_first_chunk::<8>()
        {
            let [value, echo] = [0, 4]
                .map(|at| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]));
            self.packets += 1;
            return Some(self.on_stamps(segment, Stamps { value, echo }));
        }
        if options.is_empty() { None } else { self.walk(segment, options) }
    }

    #[cold]
    fn on_syn(&mut self, segment: &Segment, options: &[u8]) {
        self.window_scale_now = None;
        self.syn_payload = self.syn_payload.saturating_add(segment.len);
        if self.order.is_none() {
            let order = Order::of(options);
            for kind in order.kinds() {
                self.bits |= match *kind {
                    kinds::NO_OPERATION => bits::NO_OPERATION,
                    kinds::END => bits::END,
                    _ => 0,
                };
            }
            self.order = Some(Box::new(order));
        }
    }

    fn walk(&mut self, segment: &Segment, options: &[u8]) -> Option<Stamps> {
        let syn = segment.is(SYN);
        let mut stamps = None;
        let mut any = false;
        let mut list = TcpOptions::new(options);
        for option in &mut list {
            any = true;
            self.bits |= match option {
                TcpOption::MaxSegmentSize(mss) if syn => {
                    self.mss.get_or_insert(mss);
                    bits::MSS
                }
                TcpOption::WindowScale(shift) if syn => {
                    self.window_scale_now = Some(shift);
                    bits::WINDOW_SCALE
                }
                TcpOption::SackPermitted if syn => bits::SACK_PERMITTED,
                TcpOption::Sack(blocks) => {
                    self.on_sack(segment, blocks);
                    bits::SACK
                }
                TcpOption::Timestamps { value, echo } => {
                    stamps = Some(self.on_stamps(segment, Stamps { value, echo }));
                    bits::TIMESTAMPS
                }
                TcpOption::Multipath(_) => {
                    self.multipath_now = true;
                    bits::MULTIPATH
                }
                TcpOption::FastOpen(cookie) => {
                    self.fast_open_cookie = Some(cookie.len() as u8);
                    bits::FAST_OPEN
                }
                TcpOption::Md5(_) => bits::MD5,
                TcpOption::Authentication(_) => bits::AUTHENTICATION,
                TcpOption::Other { kind: USER_TIMEOUT, .. } => bits::USER_TIMEOUT,
                other => self.on_other(other.kind()),
            };
        }
        self.packets += u64::from(any);
        self.malformed += u64::from(list.is_malformed());
        stamps
    }

    #[cold]
    fn on_other(&mut self, kind: u8) -> u16 {
        let known = usize::from(self.others_len);
        if !self.others[..known].contains(&kind)
            && let Some(place) = self.others.get_mut(known)
        {
            *place = kind;
            self.others_len += 1;
        }
        bits::OTHER
    }

    fn on_sack(&mut self, segment: &Segment, blocks: SackBlocks<'_>) {
        let mut edges = blocks.edges();
        self.sack_packets += 1;
        self.sack_blocks += edges.len() as u64;
        // RFC 2883 §4: the first block tells what came twice if it lies below the ACK or within the second block.
        let (Some((left, right)), Some(ack)) = (edges.next(), segment.ack) else { return };
        let within = |(a, b): (u32, u32)| !after(a, left) && !after(right, b);
        let duplicate = !after(right, ack) || edges.next().is_some_and(within);
        self.duplicate_sacks += u64::from(duplicate);
    }

    #[inline]
    fn on_stamps(&mut self, segment: &Segment, stamps: Stamps) -> Stamps {
        self.bits |= bits::TIMESTAMPS;
        let (value, ns) = (stamps.value, segment.ns);
        let clock = self.clock.get_or_insert(Clock {
            first: value,
            last: value,
            first_ns: ns,
            last_ns: ns,
            packets: 0,
        });
        (clock.last, clock.last_ns) = (value, ns);
        clock.packets += 1;
        if self.echo_first.is_none() && segment.ack.is_some() {
            self.echo_first = Some(stamps.echo);
        }
        stamps
    }

    /// Kinds without a name here, in order of appearance.
    pub(crate) fn others(&self) -> &[u8] {
        &self.others[..usize::from(self.others_len)]
    }

    /// Whether any of these bits is set.
    pub(crate) const fn has(&self, bits: u16) -> bool {
        self.bits & bits != 0
    }
}

impl Clock {
    /// From the first to the last value, modulo 2^32; nothing with fewer than two.
    pub(crate) fn ticks(&self) -> Option<u32> {
        (self.packets > 1).then(|| self.last.wrapping_sub(self.first))
    }

    /// Ticks per second: as measured, or the usual frequency next to it.
    pub(crate) fn hz(&self) -> Option<f64> {
        let span = self.last_ns.checked_sub(self.first_ns)?;
        let ticks = self.ticks()?;
        if span < CLOCK_SPAN_NS || ticks < CLOCK_TICKS_MIN {
            return None;
        }
        let measured = f64::from(ticks) / (span as f64 / 1e9);
        if measured > CLOCK_HZ_MAX {
            return None;
        }
        let off = |hz: &f64| (measured / hz - 1.0).abs();
        let usual = CLOCKS_HZ.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        Some(usual.filter(|hz| off(hz) <= CLOCK_TOLERANCE).unwrap_or(measured))
    }

    /// Seconds since the clock began at 0, at the first packet.
    pub(crate) fn uptime(&self) -> Option<f64> {
        self.hz().map(|hz| f64::from(self.first) / hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(flags: u16, ack: u32) -> Segment {
        Segment { side: 0, ns: 0, seq: 0, ack: Some(ack), len: 0, window: 0, flags }
    }

    #[test]
    fn every_sack_block_counts_and_duplicates_are_told() {
        let sack = |edges: &[u32]| {
            let mut bytes = vec![1, 1, 5, 2 + 4 * edges.len() as u8];
            bytes.extend(edges.iter().flat_map(|edge| edge.to_be_bytes()));
            bytes
        };
        let mut options = Options::default();
        options.on_segment(&segment(0x10, 100), &sack(&[200, 300, 400, 500, 600, 700]));
        assert_eq!((options.sack_blocks, options.duplicate_sacks), (3, 0));
        // Below the ACK, and within the second block.
        options.on_segment(&segment(0x10, 100), &sack(&[50, 100]));
        options.on_segment(&segment(0x10, 100), &sack(&[250, 260, 200, 300]));
        options.on_segment(&segment(0x10, 100), &sack(&[250, 310, 200, 300]));
        assert_eq!((options.sack_blocks, options.duplicate_sacks), (8, 2));
        assert_eq!((options.sack_packets, options.packets), (4, 4));
    }

    #[test]
    fn the_short_way_reads_what_the_long_one_does() {
        let stamps = [1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9];
        let long = [8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 1];
        let told = [&stamps[..], &long].map(|bytes| {
            let mut options = Options::default();
            let read = options.on_segment(&segment(0x10, 1), bytes).unwrap();
            (read.value, read.echo, options.bits, options.packets, options.echo_first)
        });
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0], (7, 9, bits::TIMESTAMPS, 1, Some(9)));
    }

    #[test]
    fn clocks_are_told_by_their_ticks() {
        let clock = |ticks: u32, ms: u64| Clock {
            first: u32::MAX,
            last: u32::MAX.wrapping_add(ticks),
            first_ns: 5,
            last_ns: 5 + ms * 1_000_000,
            packets: 2,
        };
        assert_eq!(clock(1003, 1000).hz(), Some(1000.0));
        assert_eq!(clock(249, 1000).hz(), Some(250.0));
        assert_eq!(clock(100, 1000).hz(), Some(100.0));
        assert_eq!(clock(400, 1000).hz(), Some(400.0), "none near");
        assert_eq!(clock(998_000, 1000).hz(), Some(1e6));
        assert_eq!(clock(150, 150).hz(), None, "too short");
        assert_eq!(clock(9, 9000).hz(), None, "too few ticks");
        assert_eq!(clock(u32::MAX, 1000).hz(), None, "backwards");
        assert_eq!(clock(10, 1000).uptime(), Some(f64::from(u32::MAX) / 10.0));
        assert_eq!(Clock { packets: 1, ..clock(1000, 1000) }.hz(), None);
    }

    #[test]
    fn the_order_of_a_syn_is_kept() {
        let order = Order::of(&[2, 4, 5, 0xb4, 1, 3, 3, 6, 0, 0, 7]);
        assert_eq!((order.kinds(), order.padding), (&[2, 1, 3, 0][..], 2));
        assert!(order.padding_filled && !order.malformed);
        assert!(Order::of(&[1, 8, 10, 0]).malformed);
        assert_eq!(Order::of(&[1; 44]).kinds().len(), ORDER_MAX);
    }
}
