//! Captures as flow files: the records of exports in them, or else the flows of their packets, one record for each
//! direction, as a router would tell them.

use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_core::{Direction, FrameBatch, Nanos, RecordFlags, WideRecord};
use rheos_flow::{Arrival, EndReason, Flow, FlowConfig, FlowHead, FlowState, FlowTable, Ingest};
use rheos_query::read::{Bytes, RecordSource};
use rheos_wire::Packet;
use rheos_wire::export::{Collector, CollectorConfig, Scaling};

use crate::flow_sources::{lost, told};

/// A usual router's limits: a record ends after 15 s of silence and is cut after 300 s.
const IDLE: Nanos = Nanos::from_secs(15);
const ACTIVE: Nanos = Nanos::from_secs(300);

/// IANA protocol numbers.
const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// A capture.
pub(crate) struct Captured {
    reader: CaptureReader,
    ingest: Ingest,
    /// The first batch, read to tell what is in the capture.
    first: Option<FrameBatch>,
    kind: Kind,
}

enum Kind {
    /// Datagrams of exporters, and how many packets are none.
    Exports { collector: Box<Collector>, others: u64 },
    /// Any packets; `None` after the last.
    Packets(Option<Box<FlowTable<Sides>>>),
}

impl Captured {
    /// Reads the beginning: if most UDP datagrams of its first batch are exports, it is a capture of exports.
    pub(crate) fn open(bytes: Bytes, scaling: Scaling) -> Result<Self, String> {
        let input = Input::reader("capture", bytes);
        let mut reader = CaptureReader::open([input], ReadOptions::default()).map_err(told)?;
        let first = reader.next_batch().map_err(told)?;
        let kind = if first.as_ref().is_some_and(has_exports) {
            Kind::Exports { collector: collector(scaling), others: 0 }
        } else {
            let config =
                FlowConfig { idle_timeout: IDLE, active_timeout: ACTIVE, ..FlowConfig::default() };
            Kind::Packets(Some(Box::new(FlowTable::new(config, ()))))
        };
        Ok(Self { reader, ingest: Ingest::default(), first, kind })
    }

    fn next_batch(&mut self) -> Result<Option<FrameBatch>, String> {
        match self.first.take() {
            Some(batch) => Ok(Some(batch)),
            None => self.reader.next_batch().map_err(told),
        }
    }
}

fn collector(scaling: Scaling) -> Box<Collector> {
    Box::new(Collector::new(CollectorConfig { scaling, ..CollectorConfig::default() }))
}

/// The records of a datagram, if it is an export.
fn read_export(
    collector: &mut Collector,
    packet: &Packet,
    bytes: &[u8],
    out: &mut Vec<WideRecord>,
) -> bool {
    let tuple = &packet.tuple;
    tuple.protocol == UDP
        && collector.read(tuple.src_ip(), packet.ts, packet.payload(bytes), out).is_ok()
}

fn has_exports(batch: &FrameBatch) -> bool {
    let (mut datagrams, mut exports) = (0_u64, 0_u64);
    let (mut collector, mut records) = (collector(Scaling::default()), Vec::new());
    Ingest::default().batch(batch, |packet, bytes| {
        datagrams += u64::from(packet.tuple.protocol == UDP);
        exports += u64::from(read_export(&mut collector, packet, bytes, &mut records));
        records.clear();
    });
    exports * 2 > datagrams
}

impl RecordSource for Captured {
    fn read(&mut self, out: &mut Vec<WideRecord>) -> Result<bool, String> {
        let batch = self.next_batch()?;
        match (&mut self.kind, &batch) {
            (Kind::Exports { collector, others }, Some(batch)) => {
                self.ingest.batch(batch, |packet, bytes| {
                    *others += u64::from(!read_export(collector, packet, bytes, out));
                });
            }
            (Kind::Packets(Some(table)), Some(batch)) => {
                self.ingest.batch(batch, |packet, bytes| {
                    table.on_packet(packet, bytes, &mut |flow| records(flow, out));
                });
            }
            (Kind::Packets(table), None) => {
                let Some(mut table) = table.take() else { return Ok(false) };
                table.finish(&mut |flow| records(flow, out));
                return Ok(true);
            }
            _ => {}
        }
        Ok(batch.is_some())
    }

    fn left_out(&self) -> Option<(u64, String)> {
        let dropped = self.ingest.counters.drops.total();
        match &self.kind {
            Kind::Exports { collector, others } => lost(collector).or_else(|| {
                let others = *others + dropped;
                (others > 0).then(|| (others, "packets that are no exports".to_owned()))
            }),
            Kind::Packets(_) => (dropped > 0)
                .then(|| (dropped, "frames that are no IP packets, or damaged".to_owned())),
        }
    }
}

/// What one direction adds to its head.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    first: u64,
    last: u64,
    tcp_flags: u8,
    tos: u8,
    /// ICMP: type * 256 + code.
    icmp: u16,
}

/// Both directions.
#[derive(Clone, Copy, Debug, Default)]
struct Sides([Side; 2]);

impl FlowState for Sides {
    type Config = ();

    fn new((): &()) -> Self {
        Self::default()
    }

    fn on_packet(
        &mut self,
        (): &(),
        head: &FlowHead,
        arrival: &Arrival,
        packet: &Packet,
        _: &[u8],
    ) {
        let direction = arrival.direction.index();
        let side = &mut self.0[direction];
        let time = packet.ts.as_nanos();
        if head.totals[direction].packets == 1 {
            *side = Side {
                first: time,
                last: time,
                tos: packet.tos,
                icmp: u16::from(packet.icmp_type) << 8 | u16::from(packet.icmp_code),
                tcp_flags: 0,
            };
        }
        side.first = side.first.min(time);
        side.last = side.last.max(time);
        side.tcp_flags |= packet.tcp.flags as u8;
    }

    fn reset(&mut self, (): &()) {
        *self = Self::default();
    }
}

/// A record for each direction that has packets.
fn records(flow: &Flow<Sides>, out: &mut Vec<WideRecord>) {
    let head = &flow.head;
    for direction in [Direction::Forward, Direction::Backward] {
        let (totals, side) = (head.totals[direction.index()], flow.state.0[direction.index()]);
        if totals.packets == 0 {
            continue;
        }
        let tuple = match direction {
            Direction::Forward => head.tuple,
            Direction::Backward => head.tuple.reversed(),
        };
        let is_icmp = tuple.protocol == ICMP || tuple.protocol == ICMPV6;
        let octets = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(v4) => WideRecord::mapped(v4.to_bits()),
            std::net::IpAddr::V6(v6) => v6.octets(),
        };
        let mut flags = if tuple.src_ip().is_ipv6() { RecordFlags::IPV6 } else { 0 };
        if direction == Direction::Backward {
            flags |= RecordFlags::REVERSED;
        }
        out.push(WideRecord {
            first: side.first,
            last: side.last,
            bytes: totals.ip_bytes,
            packets: totals.packets,
            // Both directions, and all parts, begin with a frame of their own.
            flow_id: head.first_index + 1,
            source_ip: octets(tuple.src_ip()),
            destination_ip: octets(tuple.dst_ip()),
            source_port: if is_icmp { 0 } else { tuple.src_port },
            destination_port: if is_icmp { side.icmp } else { tuple.dst_port },
            protocol: tuple.protocol,
            tcp_flags: side.tcp_flags,
            tos: side.tos,
            flags,
            end_reason: end_reason(head.end),
            ..WideRecord::default()
        });
    }
}

/// IPFIX flowEndReason (IANA element 136).
const fn end_reason(end: EndReason) -> u8 {
    match end {
        EndReason::None => 0,
        EndReason::Idle => 1,
        EndReason::Active => 2,
        EndReason::Fin | EndReason::Rst => 3,
        EndReason::EndOfInput | EndReason::Forced => 4,
        EndReason::Evicted => 5,
    }
}
