//! Frames from flow records: packets that add up to what the record tells.
//!
//! A record tells one direction of a flow. Its packets get equal sizes (headers only for those that open and close a
//! TCP connection, where the rest has room), times spread evenly from first to last, and flags that together
//! are the record's. Other protocols than TCP, UDP and ICMP are IP headers with zeros behind them.
//!
//! ```
//! use rheos_core::{Timestamp, WideRecord};
//! use rheos_gen::packets::{FramesConfig, RecordFrames};
//!
//! let record = WideRecord { protocol: 17, packets: 3, bytes: 301, ..WideRecord::default() };
//! let mut frames = RecordFrames::new(FramesConfig::default());
//! frames.add(&record);
//! let (mut frame, mut bytes) = (Vec::new(), 0);
//! while frames.next_before(Timestamp::MAX, &mut frame).is_some() {
//!     bytes += frame.len() - 14;
//! }
//! assert_eq!(bytes, 301);
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rheos_core::seed::mix;
use rheos_core::{Addr, RecordFlags, Timestamp, WideRecord};
use rheos_wire::export::ExportRecord;

use super::headers::{self, ICMP, ICMP6, Path, TCP, UDP, checksum, ones_sum};
use super::tcp::segment::{ACK, FIN, PSH, RST, SYN};

/// Bytes of an Ethernet header.
const LINK_LEN: usize = 14;
/// The longest IP packet that a frame is made of.
const IP_LEN_MAX: u64 = u16::MAX as u64;
/// Hop limit of every packet.
const TTL: u8 = 64;

/// How frames are made of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramesConfig {
    /// IP packets longer than this are made only of records whose mean packet is longer. In bytes.
    pub mtu: u16,
    /// Frames made of one record at most; the rest of its packets and bytes is counted.
    pub packets_max: u64,
    /// Records whose frames are not all made yet, at most.
    pub live_max: usize,
}

impl Default for FramesConfig {
    fn default() -> Self {
        Self { mtu: 1500, packets_max: 1000, live_max: 1_000_000 }
    }
}

/// Why no frame is made of a record: a counted outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NoFrames {
    /// No packet, or fewer bytes than the headers of its packets.
    TooSmall,
    /// More than 65535 bytes per packet.
    TooLarge,
    /// As many records as are allowed have frames to come.
    Limit,
}

impl NoFrames {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::TooSmall, Self::TooLarge, Self::Limit];

    /// Its name as a metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooSmall => "too_small",
            Self::TooLarge => "too_large",
            Self::Limit => "limit",
        }
    }
}

/// What was made of the records so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramesCounters {
    /// Records taken.
    pub records: u64,
    /// Frames made.
    pub frames: u64,
    /// Their IP bytes.
    pub ip_bytes: u64,
    /// Records with more packets than [`FramesConfig::packets_max`].
    pub cut: u64,
    /// Their packets that no frame is made of.
    pub cut_packets: u64,
    /// The bytes of those.
    pub cut_bytes: u64,
    refused: [u64; NoFrames::ALL.len()],
}

impl FramesCounters {
    /// Records of which no frame was made for this reason.
    pub const fn refused(&self, reason: NoFrames) -> u64 {
        self.refused[reason as usize]
    }
}

/// What is to be known of a frame besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFrame {
    /// When it was sent.
    pub ts: Timestamp,
    /// Which record it belongs to, counted from 0 in the order they were added (refused ones included).
    pub record: u64,
    /// The record's ground truth.
    pub label: u8,
}

/// A record with frames to come.
#[derive(Clone, Copy, Debug)]
struct Live {
    record: WideRecord,
    sizes: Sizes,
    /// Frames made.
    done: u64,
    /// Payload before the next frame, for TCP's sequence number.
    sent: u64,
    ip_id: u16,
}

/// How the bytes of a record are shared among its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    /// Packets that become frames.
    packets: u64,
    header: u64,
    /// Packets in front, and behind, without payload.
    bare: [u64; 2],
    /// Payload of each packet between; the first `longer` of them have a byte more.
    payload: u64,
    longer: u64,
}

/// Makes frames of records, in order of time.
#[derive(Clone, Debug)]
pub struct RecordFrames {
    config: FramesConfig,
    counters: FramesCounters,
    live: Vec<Live>,
    free: Vec<u32>,
    /// When the next frame of each live record is due; ties go by the record's number.
    due: BinaryHeap<Reverse<(u64, u64, u32)>>,
}

impl RecordFrames {
    /// Nothing to make yet.
    pub fn new(config: FramesConfig) -> Self {
        Self {
            config,
            counters: FramesCounters::default(),
            live: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
        }
    }

    /// What was made so far.
    pub const fn counters(&self) -> &FramesCounters {
        &self.counters
    }

    /// Takes a record; says and counts why no frame will be made of it.
    ///
    /// With records in order of their first packet, frames are in order of time if those before `record.first` are made
    /// before it is added.
    pub fn add<R: ExportRecord>(&mut self, record: &R) -> Option<NoFrames> {
        let record = record.wide();
        let number = self.counters.records;
        self.counters.records += 1;
        let refused = match Sizes::of(&record, &self.config) {
            Err(reason) => Some(reason),
            Ok(_) if self.due.len() >= self.config.live_max => Some(NoFrames::Limit),
            Ok(sizes) => {
                self.start(record, number, sizes);
                None
            }
        };
        if let Some(reason) = refused {
            self.counters.refused[reason as usize] += 1;
        }
        refused
    }

    fn start(&mut self, record: WideRecord, number: u64, sizes: Sizes) {
        if sizes.packets < record.packets {
            self.counters.cut += 1;
            self.counters.cut_packets += record.packets - sizes.packets;
            self.counters.cut_bytes += record.bytes - sizes.total();
        }
        let ip_id = mix(record.flow_id ^ number) as u16;
        let live = Live { record, sizes, done: 0, sent: 0, ip_id };
        let slot = if let Some(slot) = self.free.pop() {
            self.live[slot as usize] = live;
            slot
        } else {
            self.live.push(live);
            (self.live.len() - 1) as u32
        };
        self.due.push(Reverse((record.first, number, slot)));
    }

    /// Writes the next frame into `frame` (which is cleared) if it is due before `end`.
    pub fn next_before(&mut self, end: Timestamp, frame: &mut Vec<u8>) -> Option<RecordFrame> {
        let Reverse((ts, number, slot)) = *self.due.peek()?;
        if ts >= end.as_nanos() && end != Timestamp::MAX {
            return None;
        }
        self.due.pop();
        let live = &mut self.live[slot as usize];
        frame.clear();
        live.write(frame);
        let label = live.record.label;
        live.done += 1;
        if live.done < live.sizes.packets {
            self.due.push(Reverse((live.time(), number, slot)));
        } else {
            self.free.push(slot);
        }
        self.counters.frames += 1;
        self.counters.ip_bytes += (frame.len() - LINK_LEN) as u64;
        Some(RecordFrame { ts: Timestamp::from_nanos(ts), record: number, label })
    }
}

impl Sizes {
    fn of(record: &WideRecord, config: &FramesConfig) -> Result<Self, NoFrames> {
        let transport = match record.protocol {
            TCP => 20,
            UDP | ICMP | ICMP6 => 8,
            _ => 0,
        };
        let header = transport + if record.is_ipv6() { 40 } else { 20 };
        let mean = record.bytes.checked_div(record.packets).ok_or(NoFrames::TooSmall)?;
        if mean < header {
            return Err(NoFrames::TooSmall);
        }
        if mean + u64::from(!record.bytes.is_multiple_of(record.packets)) > IP_LEN_MAX {
            return Err(NoFrames::TooLarge);
        }
        let packets = record.packets.min(config.packets_max.max(1));
        let bytes = if packets < record.packets { packets * mean } else { record.bytes };
        let payload = bytes - packets * header;
        let bare = bare(record, packets);
        let room = u64::from(config.mtu).saturating_sub(header) * (packets - bare[0] - bare[1]);
        let bare = if payload <= room { bare } else { [0, 0] };
        let carrying = packets - bare[0] - bare[1];
        // Without a packet that could carry it, there is nothing to carry: the room was zero.
        let (payload, longer) = (
            payload.checked_div(carrying).unwrap_or(0),
            payload.checked_rem(carrying).unwrap_or(0),
        );
        Ok(Self { packets, header, bare, payload, longer })
    }

    const fn payload(&self, index: u64) -> u64 {
        let [front, back] = self.bare;
        if index < front || index >= self.packets - back {
            return 0;
        }
        self.payload + (index - front < self.longer) as u64
    }

    const fn total(&self) -> u64 {
        let carrying = self.packets - self.bare[0] - self.bare[1];
        self.packets * self.header + carrying * self.payload + self.longer
    }
}

/// How many packets carry nothing when TCP opens and closes: the SYN, the ACK behind it, and the FIN or RST.
const fn bare(record: &WideRecord, packets: u64) -> [u64; 2] {
    if record.protocol != TCP || packets == 1 {
        return [0, 0];
    }
    let opens = record.tcp_flags & SYN != 0;
    let acknowledges = opens && record.tcp_flags & ACK != 0 && packets > 3;
    let closes = record.tcp_flags & (FIN | RST) != 0;
    [opens as u64 + acknowledges as u64, closes as u64]
}

/// The flags of one of a record's segments. By OR, all together are the record's.
const fn flags(record: &WideRecord, index: u64, packets: u64) -> u8 {
    let all = record.tcp_flags;
    if packets == 1 {
        return all;
    }
    let between = all & !(SYN | FIN | RST);
    // Nothing but a SYN or RST: it is sent again and again.
    if between == 0 {
        return all;
    }
    // An answering SYN acknowledges; an asking one does not, and neither pushes.
    let answer = record.flags & RecordFlags::REVERSED != 0 && all & ACK != 0;
    let first = index == 0 && all & SYN != 0;
    let last = index == packets - 1;
    let end = if last { all & (FIN | RST) } else { 0 };
    if first {
        let rest = if packets == 2 || all & ACK == 0 { between & !(ACK | PSH) } else { 0 };
        return SYN | rest | if answer { ACK } else { 0 } | end;
    }
    between | end
}

impl Live {
    /// When the next frame is sent: the first and the last at the record's own times.
    const fn time(&self) -> u64 {
        let span = self.record.last.saturating_sub(self.record.first);
        let steps = if self.sizes.packets > 1 { self.sizes.packets - 1 } else { 1 };
        self.record.first + (span as u128 * self.done as u128 / steps as u128) as u64
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        let record = &self.record;
        let payload = self.sizes.payload(self.done) as usize;
        let mut path = path(record, self.ip_id);
        self.ip_id = self.ip_id.wrapping_add(1);
        let transport_len = self.sizes.header as usize - path.ip_header_len();
        let layout =
            headers::open(out, &mut path, 0, record.protocol, transport_len + payload, None);
        write_tos(&mut out[layout.l3..], record);
        let (at, pseudo) = match record.protocol {
            TCP => {
                self.write_tcp(out);
                (Some(16), true)
            }
            UDP => {
                for port in [record.source_port, record.destination_port] {
                    out.extend_from_slice(&port.to_be_bytes());
                }
                out.extend_from_slice(&((8 + payload) as u16).to_be_bytes());
                out.extend_from_slice(&[0; 2]);
                (Some(6), true)
            }
            ICMP | ICMP6 => {
                // Type and code are where NetFlow has them; the rest is identifier and sequence number.
                let identifier = mix(record.flow_id) as u16;
                for word in [record.destination_port, 0, identifier, self.done as u16] {
                    out.extend_from_slice(&word.to_be_bytes());
                }
                (Some(2), record.protocol == ICMP6)
            }
            _ => (None, false),
        };
        out.resize(out.len() + payload, 0);
        layout.seal(out, at, pseudo);
        self.sent += payload as u64;
    }

    fn write_tcp(&self, out: &mut Vec<u8>) {
        let record = &self.record;
        let flags = flags(record, self.done, self.sizes.packets);
        // A SYN takes a number of its own.
        let opened = u32::from(record.tcp_flags & SYN != 0 && self.done > 0);
        let start = mix(record.flow_id.wrapping_add(u64::from(record.source_port))) as u32;
        let seq = start.wrapping_add(opened).wrapping_add(self.sent as u32);
        let back = mix(record.flow_id.wrapping_add(u64::from(record.destination_port))) as u32;
        let ack = if flags & ACK != 0 { back.wrapping_add(1) } else { 0 };
        for port in [record.source_port, record.destination_port] {
            out.extend_from_slice(&port.to_be_bytes());
        }
        for number in [seq, ack] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&[5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    }
}

fn path(record: &WideRecord, ip_id: u16) -> Path {
    let address = |octets: [u8; 16]| {
        if record.is_ipv6() {
            Addr(octets)
        } else {
            Addr::v4([octets[12], octets[13], octets[14], octets[15]])
        }
    };
    // Locally administered, told by the address.
    let mac = |o: [u8; 16]| [0x02, o[11] ^ o[7], o[12], o[13], o[14], o[15]];
    Path {
        v6: record.is_ipv6(),
        addrs: [address(record.source_ip), address(record.destination_ip)],
        ports: [record.source_port, record.destination_port],
        macs: [mac(record.source_ip), mac(record.destination_ip)],
        ttls: [TTL; 2],
        ip_ids: [ip_id; 2],
        delays: [0; 2],
        vlans: [0; 2],
        tunnel: None,
        mtu: u16::MAX,
    }
}

/// Writes the type of service or traffic class into an IP header that has none.
fn write_tos(ip: &mut [u8], record: &WideRecord) {
    if record.is_ipv6() {
        ip[0] = 0x60 | (record.tos >> 4);
        ip[1] = record.tos << 4;
    } else {
        ip[1] = record.tos;
        ip[10..12].fill(0);
        let sum = checksum(ones_sum(&ip[..20]));
        ip[10..12].copy_from_slice(&sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(packets: u64, bytes: u64, tcp_flags: u8) -> WideRecord {
        WideRecord { protocol: TCP, packets, bytes, tcp_flags, ..WideRecord::default() }
    }

    #[test]
    fn sizes_add_up_and_open_with_bare_headers() {
        let config = FramesConfig::default();
        let sizes = Sizes::of(&tcp(10, 10 * 40 + 1003, 0x1b), &config);
        let expected = Sizes { packets: 10, header: 40, bare: [2, 1], payload: 143, longer: 2 };
        assert_eq!(sizes, Ok(expected));
        assert_eq!(expected.total(), 1403);
        // Full packets leave no room for bare ones.
        let full = Sizes::of(&tcp(10, 15_000, 0x1b), &config);
        assert_eq!(full.map(|s| (s.bare, s.payload)), Ok(([0, 0], 1460)));
        assert_eq!(Sizes::of(&tcp(10, 399, 0x1b), &config), Err(NoFrames::TooSmall));
        assert_eq!(Sizes::of(&tcp(0, 0, 0), &config), Err(NoFrames::TooSmall));
        assert_eq!(Sizes::of(&tcp(1, 65_536, 0), &config), Err(NoFrames::TooLarge));
    }

    #[test]
    fn flags_together_are_those_of_the_record() {
        for all in 0..=u8::MAX {
            for packets in 1..6 {
                for reversed in [0, RecordFlags::REVERSED] {
                    let record = WideRecord { flags: reversed, ..tcp(packets, 4000, all) };
                    let seen = (0..packets).fold(0, |seen, i| seen | flags(&record, i, packets));
                    assert_eq!(seen, all, "{packets} packets");
                }
            }
        }
        let web = tcp(5, 4000, 0x1b);
        let told: Vec<u8> = (0..5).map(|i| flags(&web, i, 5)).collect();
        assert_eq!(told, [SYN, PSH | ACK, PSH | ACK, PSH | ACK, PSH | ACK | FIN]);
    }

    #[test]
    fn what_is_cut_or_refused_is_counted() {
        let config = FramesConfig { packets_max: 4, live_max: 1, ..FramesConfig::default() };
        let mut frames = RecordFrames::new(config);
        assert_eq!(frames.add(&tcp(10, 5_005, 0)), None);
        assert_eq!(frames.add(&tcp(10, 5_005, 0)), Some(NoFrames::Limit));
        assert_eq!(frames.add(&tcp(10, 5, 0)), Some(NoFrames::TooSmall));
        let mut frame = Vec::new();
        while frames.next_before(Timestamp::MAX, &mut frame).is_some() {}
        let counters = frames.counters();
        assert_eq!((counters.frames, counters.ip_bytes), (4, 2_000));
        assert_eq!((counters.cut, counters.cut_packets, counters.cut_bytes), (1, 6, 3_005));
        assert_eq!(counters.refused(NoFrames::Limit), 1);
        assert_eq!(frames.add(&tcp(1, 40, 0)), None, "there is room again");
    }
}
