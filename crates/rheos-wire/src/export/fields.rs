//! What the fields of a template mean for a record, and a record read by them.

use rheos_core::{RecordFlags, WideRecord};

use super::netflow5::Uptime;
use super::ntp;
use super::template::element as e;

/// What a field says; elements that a record has no place for are skipped by their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Skip,
    Octets,
    Packets,
    OctetsTotal,
    PacketsTotal,
    Protocol,
    Tos,
    TcpFlags,
    SourcePort,
    DestinationPort,
    SourceV4,
    DestinationV4,
    SourceV6,
    DestinationV6,
    SourcePrefix,
    DestinationPrefix,
    Input,
    Output,
    SourceAs,
    DestinationAs,
    IcmpTypeCode,
    IcmpType,
    IcmpCode,
    EndReason,
    FlowId,
    Domain,
    First(Clock),
    Last(Clock),
    BootMillis,
    SamplingInterval,
    SamplingSpace,
}

/// How a time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    Uptime,
    Seconds,
    Millis,
    Micros,
    Nanos,
    /// Microseconds before the export.
    DeltaMicros,
}

impl Meaning {
    pub(super) const fn of(element: u16) -> Self {
        match element {
            e::OCTETS => Self::Octets,
            e::PACKETS => Self::Packets,
            e::OCTETS_TOTAL => Self::OctetsTotal,
            e::PACKETS_TOTAL => Self::PacketsTotal,
            e::PROTOCOL => Self::Protocol,
            e::TOS => Self::Tos,
            e::TCP_FLAGS => Self::TcpFlags,
            e::SOURCE_PORT => Self::SourcePort,
            e::DESTINATION_PORT => Self::DestinationPort,
            e::SOURCE_V4 => Self::SourceV4,
            e::DESTINATION_V4 => Self::DestinationV4,
            e::SOURCE_V6 => Self::SourceV6,
            e::DESTINATION_V6 => Self::DestinationV6,
            e::SOURCE_V4_PREFIX | e::SOURCE_V6_PREFIX => Self::SourcePrefix,
            e::DESTINATION_V4_PREFIX | e::DESTINATION_V6_PREFIX => Self::DestinationPrefix,
            e::INPUT => Self::Input,
            e::OUTPUT => Self::Output,
            e::SOURCE_AS => Self::SourceAs,
            e::DESTINATION_AS => Self::DestinationAs,
            e::ICMP_V4 | e::ICMP_V6 => Self::IcmpTypeCode,
            e::ICMP_TYPE_V4 | e::ICMP_TYPE_V6 => Self::IcmpType,
            e::ICMP_CODE_V4 | e::ICMP_CODE_V6 => Self::IcmpCode,
            e::END_REASON => Self::EndReason,
            e::FLOW_ID => Self::FlowId,
            e::DOMAIN => Self::Domain,
            e::FIRST_UPTIME => Self::First(Clock::Uptime),
            e::LAST_UPTIME => Self::Last(Clock::Uptime),
            e::FIRST_SECONDS => Self::First(Clock::Seconds),
            e::LAST_SECONDS => Self::Last(Clock::Seconds),
            e::FIRST_MILLIS => Self::First(Clock::Millis),
            e::LAST_MILLIS => Self::Last(Clock::Millis),
            e::FIRST_MICROS => Self::First(Clock::Micros),
            e::LAST_MICROS => Self::Last(Clock::Micros),
            e::FIRST_NANOS => Self::First(Clock::Nanos),
            e::LAST_NANOS => Self::Last(Clock::Nanos),
            e::FIRST_DELTA_MICROS => Self::First(Clock::DeltaMicros),
            e::LAST_DELTA_MICROS => Self::Last(Clock::DeltaMicros),
            e::BOOT_MILLIS => Self::BootMillis,
            e::SAMPLING_INTERVAL | e::SAMPLER_RANDOM_INTERVAL => Self::SamplingInterval,
            e::SAMPLING_PACKET_SPACE => Self::SamplingSpace,
            _ => Self::Skip,
        }
    }
}

/// The time of a message, which some fields count from.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageClock {
    /// Export time in nanoseconds since 1970.
    pub(super) export: u64,
    /// NetFlow 9's uptime at that time.
    pub(super) uptime: Option<Uptime>,
}

/// One direction of a record while it is read.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    octets: Option<u64>,
    packets: Option<u64>,
    octets_total: u64,
    packets_total: u64,
    first: Option<(Clock, u64)>,
    last: Option<(Clock, u64)>,
    tcp_flags: u8,
    tos: u8,
    end_reason: u8,
    icmp: u16,
}

/// A record while its fields are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Draft {
    record: WideRecord,
    sides: [Side; 2],
    has_reverse: bool,
    destination_as: u32,
    destination_prefix: u8,
    boot_millis: Option<u64>,
    /// Of options: one packet in this many.
    pub(super) sampling: Option<u32>,
}

impl Draft {
    /// Takes one field's bytes; `reverse` is RFC 5103's other direction.
    #[inline]
    pub(super) fn take(&mut self, meaning: Meaning, reverse: bool, bytes: &[u8]) {
        if meaning == Meaning::Skip {
            return;
        }
        self.has_reverse |= reverse;
        let value = number(bytes);
        let record = &mut self.record;
        let side = &mut self.sides[usize::from(reverse)];
        match meaning {
            Meaning::Octets => side.octets = Some(value),
            Meaning::Packets => side.packets = Some(value),
            Meaning::OctetsTotal => side.octets_total = value,
            Meaning::PacketsTotal => side.packets_total = value,
            Meaning::TcpFlags => side.tcp_flags = value as u8,
            Meaning::Tos => side.tos = value as u8,
            Meaning::EndReason => side.end_reason = value as u8,
            Meaning::IcmpTypeCode => side.icmp = value as u16,
            Meaning::IcmpType => side.icmp = (side.icmp & 0xff) | (((value as u16) & 0xff) << 8),
            Meaning::IcmpCode => side.icmp = (side.icmp & 0xff00) | ((value as u16) & 0xff),
            Meaning::First(clock) => side.first = Some((clock, value)),
            Meaning::Last(clock) => side.last = Some((clock, value)),
            // Everything else is told once for both directions.
            _ if reverse => {}
            Meaning::Protocol => record.protocol = value as u8,
            Meaning::SourcePort => record.source_port = value as u16,
            Meaning::DestinationPort => record.destination_port = value as u16,
            Meaning::SourceV4 => record.source_ip = WideRecord::mapped(value as u32),
            Meaning::DestinationV4 => record.destination_ip = WideRecord::mapped(value as u32),
            Meaning::SourceV6 => address(bytes, &mut record.source_ip, &mut record.flags),
            Meaning::DestinationV6 => address(bytes, &mut record.destination_ip, &mut record.flags),
            Meaning::SourcePrefix => record.source_prefix = value as u8,
            Meaning::DestinationPrefix => self.destination_prefix = value as u8,
            Meaning::Input => record.input_interface = interface(value),
            Meaning::Output => record.output_interface = interface(value),
            Meaning::SourceAs => record.source_as = value as u32,
            Meaning::DestinationAs => self.destination_as = value as u32,
            Meaning::FlowId => record.flow_id = value,
            Meaning::Domain => record.stream_id = value as u32,
            Meaning::BootMillis => self.boot_millis = Some(value),
            Meaning::SamplingInterval => self.sampling = Some(value as u32),
            Meaning::SamplingSpace => {
                self.sampling = Some(u32::try_from(value).unwrap_or(u32::MAX).saturating_add(1));
            }
            Meaning::Skip => {}
        }
    }

    /// The record, and that of the other direction if there was one. Counters are multiplied by `scale`.
    pub(super) fn finish(
        self,
        clock: &MessageClock,
        domain: u32,
        scale: u64,
        out: &mut Vec<WideRecord>,
    ) {
        let mut record = self.record;
        record.stream_id = domain;
        self.sides[0].apply(&mut record, clock, self.boot_millis, scale);
        out.push(record);
        if self.has_reverse {
            let mut back = WideRecord {
                source_ip: record.destination_ip,
                destination_ip: record.source_ip,
                source_port: record.destination_port,
                destination_port: record.source_port,
                input_interface: record.output_interface,
                output_interface: record.input_interface,
                source_as: self.destination_as,
                source_prefix: self.destination_prefix,
                ..record
            };
            self.sides[1].apply(&mut back, clock, self.boot_millis, scale);
            // RFC 5103 §6.3: a reverse direction without packets is none.
            if back.packets > 0 || back.bytes > 0 {
                out.push(back);
            }
        }
    }
}

impl Side {
    fn apply(self, record: &mut WideRecord, clock: &MessageClock, boot: Option<u64>, scale: u64) {
        record.bytes = self.octets.unwrap_or(self.octets_total).saturating_mul(scale);
        record.packets = self.packets.unwrap_or(self.packets_total).saturating_mul(scale);
        record.tcp_flags = self.tcp_flags;
        record.tos = self.tos;
        record.end_reason = self.end_reason;
        if self.icmp != 0 {
            record.destination_port = self.icmp;
        }
        let time = |told: Option<(Clock, u64)>| told.map(|told| nanos(told, clock, boot));
        let (first, last) = (time(self.first), time(self.last));
        // What tells no time is taken to be at its export.
        record.first = first.or(last).unwrap_or(clock.export);
        record.last = last.unwrap_or(record.first).max(record.first);
    }
}

fn nanos((how, value): (Clock, u64), clock: &MessageClock, boot: Option<u64>) -> u64 {
    match how {
        Clock::Seconds => value.saturating_mul(1_000_000_000),
        Clock::Millis => value.saturating_mul(1_000_000),
        Clock::Micros => ntp::to_micros(value),
        Clock::Nanos => ntp::to_nanos(value),
        Clock::DeltaMicros => clock.export.saturating_sub(value.saturating_mul(1000)),
        Clock::Uptime => match (boot, clock.uptime) {
            (Some(boot), _) => boot.saturating_add(value).saturating_mul(1_000_000),
            (None, Some(uptime)) => uptime.nanos(value as u32),
            (None, None) => clock.export,
        },
    }
}

/// The value of an unsigned field; of a longer one, its last eight bytes.
#[inline]
fn number(bytes: &[u8]) -> u64 {
    if let Ok(word) = <[u8; 8]>::try_from(bytes) {
        return u64::from_be_bytes(word);
    }
    if let Ok(word) = <[u8; 4]>::try_from(bytes) {
        return u64::from(u32::from_be_bytes(word));
    }
    bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

fn address(bytes: &[u8], out: &mut [u8; 16], flags: &mut u8) {
    if let Ok(address) = bytes.try_into() {
        *out = address;
        *flags |= RecordFlags::IPV6;
    }
}

/// SNMP indices of more than 16 bits have no place in a record: the highest number stands for them.
fn interface(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
