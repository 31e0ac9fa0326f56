//! Who talked to whom, when, and how much.

use std::fmt::Write;

use rheos_core::{Addr, IpVersion};
use rheos_flow::{EndReason, FlowHead};
use rheos_wire::text::push_hex;
use rheos_wire::{Layer, tcp_flags};
use sha2::{Digest, Sha256};

use super::{Ended, Group, Seen};
use crate::column::Kind::{F64, Str, Timestamp, U8, U16, U64};
use crate::column::{Column, GroupInfo, Identity, Privacy};
use crate::ports::{has_ports, port_class, port_class_number};
use crate::row::RowBuffer;

const NO_PORTS: &str = "the protocol has no ports (all but TCP, UDP, UDP-Lite, SCTP)";
const NO_BACKWARD: &str = "no packet came from the responder";
const NO_DURATION: &str = "all packets have the same time";

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    Column::new("flow_id", Str, "", "identifier of the flow: first 32 hex digits of SHA-256 over the salt's length and bytes, IP version, protocol, endpoints in order, VLAN and tunnel key, and start_time in ns")
        .option()
        .identity(Identity::Endpoints)
        .changed("holds the start time, so that successive flows of one five-tuple differ; endpoints are ordered as numbers, not as texts"),
    Column::new("src_ip", Str, "", "address of the initiator")
        .identity(Identity::Address)
        .changed("the initiator is told by SYN or request where there is one, and tail packets stay in their flow"),
    Column::new("dst_ip", Str, "", "address of the responder")
        .identity(Identity::Address)
        .changed("see src_ip"),
    Column::new("src_port", U16, "", "transport port of the initiator")
        .identity(Identity::Port)
        .null(NO_PORTS)
        .changed("null, not 0, without ports; SCTP and UDP-Lite have ports"),
    Column::new("dst_port", U16, "", "transport port of the responder")
        .identity(Identity::Port)
        .null(NO_PORTS)
        .changed("null, not 0, without ports; SCTP and UDP-Lite have ports"),
    Column::new("dst_port_class", Str, "", "name of the responder port's service from a table of 45 well-known services; else system (below 1024), registered (below 49152), dynamic")
        .identity(Identity::Port)
        .null(NO_PORTS),
    Column::new("dst_port_class_num", U8, "", "range of the responder port: 1 system (0..1023), 2 registered (1024..49151), 3 dynamic (49152..65535), RFC 6335 section 6")
        .identity(Identity::Port)
        .null(NO_PORTS),
    Column::new("protocol", U8, "", "IP protocol number of the header after IP and its extension headers, in the layer that keys the flow")
        .changed("IPv6 extension headers are walked; inside a tunnel it belongs to the same layer as addresses and ports"),
    Column::new("start_time", Timestamp, "", "time of the earliest packet")
        .privacy(Privacy::Sensitive)
        .null("after the year 2262")
        .changed("a timestamp in ns, not seconds as a floating point number; see time_first"),
    Column::new("end_time", Timestamp, "", "time of the latest packet")
        .privacy(Privacy::Sensitive)
        .null("after the year 2262")
        .changed("a timestamp in ns; the latest time, not that of the packet which came last"),
    Column::new("duration", F64, "s", "end_time - start_time; 0 for one packet")
        .changed("never negative when packets are out of order"),
    Column::new("total_packets", U64, "packets", "packets in both directions"),
    Column::new("packets_fwd", U64, "packets", "packets from the initiator").fwd(),
    Column::new("packets_bwd", U64, "packets", "packets from the responder").bwd(),
    Column::new("total_bytes", U64, "bytes", "sum of IP lengths in both directions: IP header and all after it, by the IP header's own length; link headers and padding are left out")
        .changed("where the length field is 0 (segmentation offload) the frame's length counts, not 0"),
    Column::new("bytes_fwd", U64, "bytes", "sum of IP lengths of packets from the initiator").fwd(),
    Column::new("bytes_bwd", U64, "bytes", "sum of IP lengths of packets from the responder").bwd(),
    Column::new("payload_bytes_fwd", U64, "bytes", "sum of transport payload lengths of packets from the initiator, by the IP length; for protocols without a known header, all after IP")
        .fwd()
        .changed("Ethernet padding and bytes cut off by the capture's snap length no longer matter"),
    Column::new("payload_bytes_bwd", U64, "bytes", "sum of transport payload lengths of packets from the responder")
        .bwd()
        .changed("see payload_bytes_fwd"),
    Column::new("payload_bytes_total", U64, "bytes", "payload_bytes_fwd + payload_bytes_bwd")
        .changed("see payload_bytes_fwd"),
    Column::new("packets_ratio", F64, "", "packets_fwd / packets_bwd")
        .null(NO_BACKWARD)
        .changed("null, not packets_fwd, when packets_bwd is 0"),
    Column::new("bytes_ratio", F64, "", "bytes_fwd / bytes_bwd")
        .null(NO_BACKWARD)
        .changed("null, not bytes_fwd, when bytes_bwd is 0"),
    Column::new("packets_per_second", F64, "packets/s", "total_packets / duration")
        .null(NO_DURATION)
        .changed("null, not total_packets, when duration is 0"),
    Column::new("bytes_per_second", F64, "bytes/s", "total_bytes / duration")
        .null(NO_DURATION)
        .changed("null, not total_bytes, when duration is 0"),
    Column::new("avg_packet_size", F64, "bytes", "total_bytes / total_packets"),
    Column::new("time_first", F64, "s", "start_time in seconds since the Unix epoch; floating point, to about 0.2 us")
        .privacy(Privacy::Sensitive)
        .alias("start_time"),
    Column::new("time_last", F64, "s", "end_time in seconds since the Unix epoch; floating point, to about 0.2 us")
        .privacy(Privacy::Sensitive)
        .alias("end_time"),
    Column::new("flow_stat", U8, "bits", "0x01 SYN without ACK seen, 0x02 SYN with ACK seen, 0x04 FIN from the initiator, 0x08 FIN from the responder, 0x10 RST seen, 0x20 ended by a timeout (idle or active), 0x40 opened and closed: SYN and SYN with ACK, and FIN both ways or RST; the TCP bits are 0 in other protocols")
        .changed("0x20 is set; both FIN bits and 0x40 are possible since a flow goes on after its first FIN"),
    Column::new("num_hdrs", U8, "headers", "headers named in hdr_desc, at most 15")
        .changed("counts every header on the way, not 2 or 3"),
    Column::new("hdr_desc", Str, "", "headers of the first packet, outermost first, joined by -: ETH VLAN MPLS PPPOE IP IP6 GRE VXLAN TCP UDP ICMP ..., PROTO<n> for an unknown protocol")
        .changed("VLAN tags, MPLS labels and tunnels are shown"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct FlowMeta;

/// Bits of `flow_stat` that packets set.
mod stat {
    pub(super) const SYN: u8 = 0x01;
    pub(super) const SYN_ACK: u8 = 0x02;
    pub(super) const FIN_FWD: u8 = 0x04;
    pub(super) const FIN_BWD: u8 = 0x08;
    pub(super) const RST: u8 = 0x10;
    pub(super) const TIMED_OUT: u8 = 0x20;
    pub(super) const WHOLE: u8 = 0x40;
}

/// What packets set of `flow_stat`; everything else is in the [`FlowHead`].
#[derive(Debug, Default)]
pub struct State {
    stat: u8,
}

impl Group for FlowMeta {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "flow_meta",
        meaning: "endpoints, times, packets and bytes",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        // Zero in packets of other protocols.
        let flags = seen.packet.tcp.flags;
        let on = |bits: u16| u8::from(flags & bits == bits);
        let syn = if flags & tcp_flags::ACK == 0 { stat::SYN } else { stat::SYN_ACK };
        let fin = stat::FIN_FWD << seen.arrival.direction as u8;
        state.stat |= (on(tcp_flags::SYN) * syn)
            | (on(tcp_flags::FIN) * fin)
            | (on(tcp_flags::RST) * stat::RST);
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let head = ended.head;
        row.text("flow_id", |out| write_flow_id(out, head, &ended.plan.config.flow_id_salt));
        write_endpoints(head, row);
        write_times(head, row);
        write_amounts(head, row);
        row.f64("time_first", head.first.as_secs_f64());
        row.f64("time_last", head.last.as_secs_f64());
        row.u8("flow_stat", flow_stat(state.stat, head.end));
        row.u8("num_hdrs", head.layers.as_slice().len() as u8);
        row.text("hdr_desc", |out| write_headers(out, head));
    }
}

fn flow_stat(seen: u8, end: EndReason) -> u8 {
    let all = |bits: u8| seen & bits == bits;
    let timed_out = matches!(end, EndReason::Idle | EndReason::Active);
    let closed = all(stat::FIN_FWD | stat::FIN_BWD) || all(stat::RST);
    let whole = all(stat::SYN | stat::SYN_ACK) && closed;
    seen | (u8::from(timed_out) * stat::TIMED_OUT) | (u8::from(whole) * stat::WHOLE)
}

fn write_endpoints(head: &FlowHead, row: &mut RowBuffer) {
    let tuple = &head.tuple;
    let ports = has_ports(tuple.protocol);
    row.text("src_ip", |out| write_addr(out, tuple.src, tuple.version));
    row.text("dst_ip", |out| write_addr(out, tuple.dst, tuple.version));
    row.u16("src_port", ports.then_some(tuple.src_port));
    row.u16("dst_port", ports.then_some(tuple.dst_port));
    row.str("dst_port_class", ports.then(|| port_class(tuple.dst_port)));
    row.u8("dst_port_class_num", ports.then(|| port_class_number(tuple.dst_port)));
    row.u8("protocol", tuple.protocol);
}

fn write_times(head: &FlowHead, row: &mut RowBuffer) {
    row.timestamp("start_time", head.first);
    row.timestamp("end_time", head.last);
    row.f64("duration", head.duration().as_secs_f64());
}

fn write_amounts(head: &FlowHead, row: &mut RowBuffer) {
    let [fwd, bwd] = head.totals;
    let packets = fwd.packets + bwd.packets;
    let bytes = fwd.ip_bytes + bwd.ip_bytes;
    let seconds = head.duration().as_secs_f64();
    let ratio = |a: u64, b: u64| (b > 0).then(|| a as f64 / b as f64);
    let rate = |amount: u64| (seconds > 0.0).then(|| amount as f64 / seconds);
    row.u64("total_packets", packets);
    row.u64("packets_fwd", fwd.packets);
    row.u64("packets_bwd", bwd.packets);
    row.u64("total_bytes", bytes);
    row.u64("bytes_fwd", fwd.ip_bytes);
    row.u64("bytes_bwd", bwd.ip_bytes);
    row.u64("payload_bytes_fwd", fwd.payload_bytes);
    row.u64("payload_bytes_bwd", bwd.payload_bytes);
    row.u64("payload_bytes_total", fwd.payload_bytes + bwd.payload_bytes);
    row.f64("packets_ratio", ratio(fwd.packets, bwd.packets));
    row.f64("bytes_ratio", ratio(fwd.ip_bytes, bwd.ip_bytes));
    row.f64("packets_per_second", rate(packets));
    row.f64("bytes_per_second", rate(bytes));
    row.f64("avg_packet_size", ratio(bytes, packets));
}

/// Writes an address as text (RFC 5952 for IPv6); always true.
pub(super) fn write_addr(out: &mut String, addr: Addr, version: IpVersion) -> bool {
    if version == IpVersion::V6 {
        return write!(out, "{}", addr.to_std(version)).is_ok();
    }
    // At most fifteen characters, appended at once.
    let mut text = [0_u8; 15];
    let mut len = 0;
    let mut push = |byte: u8| {
        text[len] = byte;
        len += 1;
    };
    for (i, octet) in addr.v4_bytes().into_iter().enumerate() {
        if i > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    out.push_str(std::str::from_utf8(&text[..len]).unwrap_or_default());
    true
}

fn write_headers(out: &mut String, head: &FlowHead) -> bool {
    for (i, &layer) in head.layers.as_slice().iter().enumerate() {
        if i > 0 {
            out.push('-');
        }
        out.push_str(layer.name());
        if layer == Layer::Other {
            let _ = write!(out, "{}", head.tuple.protocol);
        }
    }
    true
}

fn write_flow_id(out: &mut String, head: &FlowHead, salt: &[u8]) -> bool {
    let key = head.key();
    let tuple = &key.tuple;
    let mut hash = Sha256::new();
    hash.update((salt.len() as u64).to_be_bytes());
    hash.update(salt);
    hash.update([tuple.version as u8, tuple.protocol]);
    hash.update(tuple.src.0);
    hash.update(tuple.dst.0);
    hash.update(tuple.src_port.to_be_bytes());
    hash.update(tuple.dst_port.to_be_bytes());
    hash.update(key.vlan.to_be_bytes());
    hash.update(key.tunnel.to_be_bytes());
    hash.update(head.first.as_nanos().to_be_bytes());
    let digest = hash.finalize();
    push_hex(out, digest.get(..16).unwrap_or_default());
    true
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for text in ["0.0.0.0", "10.0.99.100", "255.255.255.255", "1.20.109.9", "::", "2001:db8::1"]
        {
            let ip: IpAddr = text.parse().unwrap();
            let version = if ip.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
            let mut out = String::from("x");
            assert!(write_addr(&mut out, ip.into(), version));
            assert_eq!(out, format!("x{text}"));
        }
    }

    #[test]
    fn a_whole_connection_needs_both_syns_and_a_close() {
        let open = stat::SYN | stat::SYN_ACK;
        let fins = stat::FIN_FWD | stat::FIN_BWD;
        assert_eq!(flow_stat(open | fins, EndReason::Fin), 0x4f);
        assert_eq!(flow_stat(open | stat::RST, EndReason::Rst), 0x53);
        assert_eq!(flow_stat(open | stat::FIN_FWD, EndReason::Idle), 0x27);
        assert_eq!(flow_stat(stat::SYN | fins, EndReason::Fin), 0x0d);
        assert_eq!(flow_stat(0, EndReason::Active), 0x20);
        assert_eq!(flow_stat(0, EndReason::EndOfInput), 0);
    }
}
