//! What only IPv6 headers say: flow label, traffic class, extension headers and their options.

use rheos_core::IpVersion;
use rheos_wire::ipv6_ext::{self, Ipv6ExtHeaders, Ipv6Extension, ipv6_options};

use super::{Ended, Group, Seen};
use crate::column::Kind::{Bool, F64, Str, U8, U16, U32, U64};
use crate::column::experimental as column;
use crate::column::{Column, GroupInfo, Kind, Privacy};
use crate::distinct::{BytesSeen, Distinct};
use crate::row::RowBuffer;

const NOT_V6: &str = "not IPv6";
const V4: &str = "null, not 0, for IPv4";
const NO_FWD: &str = "not IPv6, or no packet came from the initiator";
const NO_BWD: &str = "not IPv6, or no packet came from the responder";

/// How many flow labels are told apart.
const LABELS_MAX: usize = 16;
/// How many extension headers of the first packet are named.
const NAMES_MAX: usize = 8;

const fn v6(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NOT_V6)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("ipv6_packet_count", U64, "packets", "packets whose keyed header is IPv6: total_packets or 0"),
    column("ipv4_packet_count", U64, "packets", "packets whose keyed header is IPv4: total_packets or 0"),
    v6("ipv6_flow_label", U32, "", "flow label (RFC 6437) of the first packet; 0 when its sender did not label")
        .privacy(Privacy::Sensitive)
        .changed("of the first packet, not the least; null, not 0, for IPv4"),
    v6("ipv6_flow_label_unique_count", U8, "labels", "different flow labels of both directions; each sender chooses its own, so 2 is usual").changed("null, not 0, for IPv4; at most 16 are told apart"),
    v6("ipv6_flow_label_changes", U64, "changes", "packets whose flow label differs from that of the packet before it in the same direction; a sender must not change it (RFC 6437 section 3)")
        .changed("counts changes within each direction, not distinct labels less 1"),
    v6("ipv6_traffic_class", U8, "", "traffic class byte (RFC 2474) of the first packet").changed("of the first packet, not the least; null, not 0, for IPv4"),
    v6("ipv6_traffic_class_unique_count", U16, "values", "different traffic class bytes, of both directions").changed(V4),
    v6("ipv6_dscp", U8, "", "differentiated services code point of the first packet: ipv6_traffic_class >> 2").changed("see ipv6_traffic_class"),
    v6("ipv6_ecn", U8, "", "explicit congestion notification field of the first packet: ipv6_traffic_class & 3").changed("see ipv6_traffic_class"),
    column("ipv6_ratio", F64, "", "ipv6_packet_count / total_packets: 0 or 1, as the version is part of the flow's key"),
    column("is_ipv6_only", Bool, "", "all packets are IPv6").changed("a truth value, not 0 or 1"),
    v6("ipv6_flow_label_fwd", U32, "", "flow label of the initiator's first packet").fwd().privacy(Privacy::Sensitive).null(NO_FWD),
    v6("ipv6_flow_label_bwd", U32, "", "flow label of the responder's first packet").bwd().privacy(Privacy::Sensitive).null(NO_BWD),
    v6("ipv6_ext_packets", U64, "packets", "packets with an extension header between the IPv6 header and the transport header; those that put-together fragments had lost are in fragmented_packets"),
    v6("ipv6_ext_headers_max", U8, "headers", "most extension headers of one packet, at most 16"),
    v6("ipv6_ext_bytes", U64, "bytes", "lengths of all extension headers together"),
    v6("ipv6_ext_desc", Str, "", "extension headers of the first packet, joined by -: HOP hop-by-hop, RTG routing, FRAG atomic fragment, AH authentication, DST destination options, MOB mobility, EXT others; at most 8")
        .null("not IPv6, or the first packet has none"),
    v6("ipv6_hop_by_hop_count", U64, "headers", "hop-by-hop options headers (RFC 8200 section 4.3)"),
    v6("ipv6_routing_count", U64, "headers", "routing headers (RFC 8200 section 4.4)"),
    v6("ipv6_routing_type", U8, "", "type of the first routing header: 0 source route (deprecated, RFC 5095), 2 mobile node, 3 RPL, 4 segment routing").null("not IPv6, or no routing header"),
    v6("ipv6_destination_count", U64, "headers", "destination options headers (RFC 8200 section 4.6)"),
    v6("ipv6_atomic_fragment_count", U64, "headers", "fragment headers of packets that are whole (RFC 6946)"),
    v6("ipv6_ah_count", U64, "headers", "authentication headers (RFC 4302)"),
    v6("ipv6_router_alert_count", U64, "options", "router alert options (RFC 2711)"),
    v6("ipv6_jumbo_count", U64, "options", "jumbo payload options (RFC 2675)"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6Options;

/// No label, in a field that holds 20 bits.
const NO_LABEL: u32 = u32::MAX;

/// Flow labels of one direction.
#[derive(Debug)]
struct Labels {
    first: u32,
    last: u32,
}

/// What extension headers said; few flows have any.
#[derive(Debug, Default)]
struct Extensions {
    packets: u32,
    bytes: u64,
    /// Headers per [`Ipv6Extension`].
    headers: [u32; 7],
    alerts: u32,
    jumbos: u32,
    most: u8,
    routing_type: Option<u8>,
    names: [Option<Ipv6Extension>; NAMES_MAX],
}

/// Sums over headers.
#[derive(Debug)]
pub struct State {
    labels: [Labels; 2],
    distinct: Distinct<u32, LABELS_MAX>,
    label_first: u32,
    label_changes: u32,
    classes: BytesSeen,
    class_first: u8,
    extensions: Option<Box<Extensions>>,
}

impl Group for Ipv6Options {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "ipv6_options",
        meaning: "IPv6 flow labels, traffic classes, extension headers",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        let labels = || Labels { first: NO_LABEL, last: NO_LABEL };
        State {
            labels: [labels(), labels()],
            distinct: Distinct::default(),
            label_first: NO_LABEL,
            label_changes: 0,
            classes: BytesSeen::default(),
            class_first: 0,
            extensions: None,
        }
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        if seen.packet.tuple.version == IpVersion::V6 {
            state.on_ipv6(seen);
        }
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let packets = ended.head.packets();
        let v6 = ended.head.tuple.version == IpVersion::V6;
        let label = |label: u32| (label != NO_LABEL).then_some(label);
        row.u64("ipv6_packet_count", if v6 { packets } else { 0 });
        row.u64("ipv4_packet_count", if v6 { 0 } else { packets });
        row.u32("ipv6_flow_label", label(state.label_first));
        row.u8("ipv6_flow_label_unique_count", v6.then_some(state.distinct.count() as u8));
        row.u64("ipv6_flow_label_changes", v6.then_some(u64::from(state.label_changes)));
        row.u8("ipv6_traffic_class", v6.then_some(state.class_first));
        row.u16("ipv6_traffic_class_unique_count", v6.then_some(state.classes.count()));
        row.u8("ipv6_dscp", v6.then_some(state.class_first >> 2));
        row.u8("ipv6_ecn", v6.then_some(state.class_first & 3));
        row.f64("ipv6_ratio", if v6 { 1.0 } else { 0.0 });
        row.bool("is_ipv6_only", v6);
        if !v6 {
            return row.rest_is_null();
        }
        row.u32("ipv6_flow_label_fwd", label(state.labels[0].first));
        row.u32("ipv6_flow_label_bwd", label(state.labels[1].first));
        let none = Extensions::default();
        write_extensions(state.extensions.as_deref().unwrap_or(&none), v6, row);
    }
}

fn write_extensions(extensions: &Extensions, v6: bool, row: &mut RowBuffer) {
    let count = |value: u32| v6.then_some(u64::from(value));
    let headers = |kind: Ipv6Extension| count(extensions.headers[kind as usize]);
    row.u64("ipv6_ext_packets", count(extensions.packets));
    row.u8("ipv6_ext_headers_max", v6.then_some(extensions.most));
    row.u64("ipv6_ext_bytes", v6.then_some(extensions.bytes));
    row.text("ipv6_ext_desc", |out| {
        for (i, kind) in extensions.names.into_iter().flatten().enumerate() {
            if i > 0 {
                out.push('-');
            }
            out.push_str(kind.name());
        }
        extensions.names[0].is_some()
    });
    row.u64("ipv6_hop_by_hop_count", headers(Ipv6Extension::HopByHop));
    row.u64("ipv6_routing_count", headers(Ipv6Extension::Routing));
    row.u8("ipv6_routing_type", extensions.routing_type);
    row.u64("ipv6_destination_count", headers(Ipv6Extension::Destination));
    row.u64("ipv6_atomic_fragment_count", headers(Ipv6Extension::Fragment));
    row.u64("ipv6_ah_count", headers(Ipv6Extension::Authentication));
    row.u64("ipv6_router_alert_count", count(extensions.alerts));
    row.u64("ipv6_jumbo_count", count(extensions.jumbos));
}

impl State {
    fn on_ipv6(&mut self, seen: &Seen<'_>) {
        let packet = seen.packet;
        let first = seen.arrival.gap.is_none();
        if first {
            self.class_first = packet.tos;
        }
        self.classes.add(packet.tos);
        if let Some(label) = ipv6_ext::flow_label(packet, seen.bytes) {
            let side = &mut self.labels[seen.arrival.direction.index()];
            if first {
                self.label_first = label;
            }
            if side.first == NO_LABEL {
                side.first = label;
            } else if label != side.last {
                self.label_changes = self.label_changes.saturating_add(1);
            }
            side.last = label;
            self.distinct.add(label);
        }
        let mut headers = Ipv6ExtHeaders::new(packet, seen.bytes).peekable();
        if headers.peek().is_some() {
            self.extensions.get_or_insert_default().add(headers, first);
        }
    }
}

impl Extensions {
    fn add<'a>(&mut self, headers: impl Iterator<Item = ipv6_ext::Ipv6ExtHeader<'a>>, name: bool) {
        self.packets = self.packets.saturating_add(1);
        let mut count = 0;
        for header in headers {
            if let Some(place) = self.names.get_mut(count).filter(|_| name) {
                *place = Some(header.kind);
            }
            count += 1;
            self.bytes += header.bytes.len() as u64;
            let headers = &mut self.headers[header.kind as usize];
            *headers = headers.saturating_add(1);
            self.routing_type = self.routing_type.or(header.routing_type());
            for (kind, _) in header.options() {
                let alert = kind == ipv6_options::ROUTER_ALERT;
                let jumbo = kind == ipv6_options::JUMBO_PAYLOAD;
                self.alerts = self.alerts.saturating_add(u32::from(alert));
                self.jumbos = self.jumbos.saturating_add(u32::from(jumbo));
            }
        }
        self.most = self.most.max(count as u8);
    }
}
