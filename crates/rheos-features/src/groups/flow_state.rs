//! How the flow lived: its end, its connection's history, the VLANs and tunnel around it.

use rheos_core::FiveTuple;
use rheos_flow::FlowHead;
use rheos_wire::community_id;

use super::flow_meta::write_addr;
use super::{Ended, Group, Seen};
use crate::column::Kind::{F64, Str, U8, U16, U32, U64};
use crate::column::{Column, GroupInfo, Identity};
use crate::ports::has_ports;
use crate::row::RowBuffer;

const NO_TUNNEL: &str = "not in a tunnel, or tunnels are not looked into";
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    Column::new("end_reason", Str, "", "why the flow ended: idle, active (timeouts), fin, rst, evicted (table full), end_of_input, forced (taken over by a new connection)"),
    Column::new("initiator_confidence", F64, "", "how sure the initiator is: 1.0 it sent a SYN or request, 0.9 the first packet seen was an answer to it, 0.5 it sent the first packet seen"),
    Column::new("conn_state", Str, "", "state of the connection in Zeek's terms: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH"),
    Column::new("history", Str, "", "order of events in Zeek's letters, upper case from the initiator: S SYN, H SYN-ACK, A ACK, D data, F FIN, R RST, C wrong checksum, G gap, T retransmission, W zero window, I FIN and RST, Q SYN with FIN or RST, ^ direction told from an answer")
        .null("nothing is recorded: neither TCP nor UDP"),
    Column::new("vlan_id", U16, "", "outermost VLAN id of the first packet (IEEE 802.1Q, 802.1ad)").null("no VLAN tag"),
    Column::new("vlan_inner_id", U16, "", "second VLAN id of the first packet").null("fewer than two VLAN tags"),
    Column::new("tunnel_type", Str, "", "tunnel directly around the flow: gre erspan vxlan geneve gtpu teredo ipip l2tp ayiya etherip mpls").null(NO_TUNNEL),
    Column::new("tunnel_depth", U8, "tunnels", "tunnels around the flow's packets; 0 without"),
    Column::new("tunnel_id", U32, "", "VXLAN or GENEVE network, GTP-U endpoint, GRE key, ERSPAN or L2TP session of the first packet; 0 where the tunnel has none").null(NO_TUNNEL),
    Column::new("tunnel_src_ip", Str, "", "source address of the packet that carries the tunnel, as the first packet was sent").identity(Identity::Address).null(NO_TUNNEL),
    Column::new("tunnel_dst_ip", Str, "", "destination address of the packet that carries the tunnel").identity(Identity::Address).null(NO_TUNNEL),
    Column::new("tunnel_src_port", U16, "", "source port of the packet that carries the tunnel").identity(Identity::Port).null("not in a tunnel over UDP"),
    Column::new("tunnel_dst_port", U16, "", "destination port of the packet that carries the tunnel").identity(Identity::Port).null("not in a tunnel over UDP"),
    Column::new("icmp_type", U8, "", "ICMP or ICMPv6 type of the first packet").null("neither ICMP nor ICMPv6"),
    Column::new("icmp_code", U8, "", "ICMP or ICMPv6 code of the first packet").null("neither ICMP nor ICMPv6"),
    Column::new("fragmented_packets", U64, "packets", "packets that came in IP fragments and were put together"),
    Column::new("checksum_errors", U64, "packets", "packets with a wrong IPv4, TCP, UDP or ICMP checksum; 0 also where checksums are not verified"),
    Column::new("community_id", Str, "", "Community ID version 1 with seed 0 of the five-tuple, as Zeek, Suricata and Wireshark print it")
        .option()
        .identity(Identity::Endpoints),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct FlowLife;

/// What the [`FlowHead`] does not hold.
#[derive(Debug, Default)]
pub struct State {
    fragmented: u32,
    checksum_errors: u32,
    icmp: [u8; 2],
}

impl Group for FlowLife {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "flow_state",
        meaning: "end, history, VLANs and tunnel",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let packet = seen.packet;
        state.fragmented += u32::from(packet.fragments > 0);
        state.checksum_errors += u32::from(packet.checksum.wrong.is_some());
        if seen.arrival.gap.is_none() {
            state.icmp = [packet.icmp_type, packet.icmp_code];
        }
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let head = ended.head;
        row.str("end_reason", Some(head.end.label()));
        row.f64("initiator_confidence", head.initiator.confidence());
        row.str("conn_state", Some(head.conn.label()));
        row.str("history", Some(head.history.as_str()).filter(|letters| !letters.is_empty()));
        row.u16("vlan_id", (head.vlan_count > 0).then_some(head.vlan[0]));
        row.u16("vlan_inner_id", (head.vlan_count > 1).then_some(head.vlan[1]));
        write_tunnel(head, row);
        let icmp = matches!(head.tuple.protocol, ICMP | ICMPV6);
        row.u8("icmp_type", icmp.then_some(state.icmp[0]));
        row.u8("icmp_code", icmp.then_some(state.icmp[1]));
        row.u64("fragmented_packets", u64::from(state.fragmented));
        row.u64("checksum_errors", u64::from(state.checksum_errors));
        row.text("community_id", |out| {
            out.push_str(&community_id(&head.tuple));
            true
        });
    }
}

fn write_tunnel(head: &FlowHead, row: &mut RowBuffer) {
    let tunnel = head.tunnel.as_deref();
    let outer = tunnel.map(|t| &t.outer);
    row.str("tunnel_type", tunnel.map(|t| t.kind.name()));
    row.u8("tunnel_depth", tunnel.map_or(0, |t| t.depth));
    row.u32("tunnel_id", tunnel.map(|t| t.id));
    row.text("tunnel_src_ip", |out| outer.is_some_and(|t| write_addr(out, t.src, t.version)));
    row.text("tunnel_dst_ip", |out| outer.is_some_and(|t| write_addr(out, t.dst, t.version)));
    let with_ports = outer.filter(|t: &&FiveTuple| has_ports(t.protocol));
    row.u16("tunnel_src_port", with_ports.map(|t| t.src_port));
    row.u16("tunnel_dst_port", with_ports.map(|t| t.dst_port));
}
