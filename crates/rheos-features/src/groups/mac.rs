//! Hardware addresses of the link that directly carries the flow's packets.

use rheos_core::Direction;
use rheos_wire::text::push_hex;
use rheos_wire::{LinkHeader, MacAddr, link_header};

use super::{Ended, Group, Seen};
use crate::column::Kind::{Bool, Str, U8, U16, U64};
use crate::column::{Column, GroupInfo, Identity, Kind, Privacy, Profile};
use crate::distinct::Distinct;
use crate::row::RowBuffer;

const NO_LINK: &str = "no packet has an Ethernet or Wi-Fi header directly around its IP header (other links, tunnels that carry IP, datagrams put together from fragments)";
const NO_LINK_FWD: &str = "no packet from the initiator has such a header, see mac_src";
const NO_LINK_BWD: &str = "no packet from the responder has such a header, see mac_src";
const NO_MAKER: &str = "as mac_src, or the address is locally chosen or a group's";
const AROUND: &str = "null, not empty or 0, without; of the header directly around the keyed IP packet, not of the outermost; the sides are those of the flow, not of the first packet seen";
const LIMIT: &str = "null, not 0, without a link header; at most 16 per direction are told apart";

/// How many addresses per side and direction, or VLAN ids, are told apart.
const DISTINCT_MAX: usize = 16;

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Experimental).null(NO_LINK)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("mac_src", Str, "", "hardware address on the initiator's side: source of its first packet that has one, else destination of the responder's; lower-case hex pairs joined by colons")
        .identity(Identity::Mac)
        .changed(AROUND),
    column("mac_dst", Str, "", "hardware address on the responder's side: destination of the initiator's first packet that has one, else source of the responder's")
        .identity(Identity::Mac)
        .changed(AROUND),
    column("mac_eth_type", U16, "", "Ethernet protocol number of the first such header: 2048 IPv4, 34525 IPv6, 33024 a VLAN tag follows; behind an IEEE 802.3 length or a Wi-Fi header that of the SNAP header")
        .null("as mac_src, or the header names no protocol (IEEE 802.2 without SNAP)")
        .changed("null, not 0, without; of the header directly around the keyed IP packet"),
    column("mac_vlan_id", U16, "", "least outermost VLAN id of the flow's packets; equals vlan_id unless VLANs are merged by configuration")
        .null("no packet is tagged")
        .changed("null, not 0, untagged; the VLAN is part of the flow's key by default; stacked tags are read"),
    column("mac_vlan_count", U8, "", "different outermost VLAN ids of the flow's packets; 0 untagged, at most 1 unless VLANs are merged by configuration")
        .null("never")
        .changed("at most 16 are told apart"),
    column("mac_unique_src_count", U8, "", "different source addresses of packets in both directions").changed(LIMIT),
    column("mac_unique_dst_count", U8, "", "different destination addresses of packets in both directions").changed(LIMIT),
    column("mac_stat", U8, "bits", "0x01 a source address is known, 0x02 a destination address is known, 0x04 more than one source address in one direction, 0x08 more than one destination address in one direction, 0x10 a packet is tagged with a VLAN")
        .null("never")
        .changed("0x04 and 0x08 look at each direction alone: over both every answered flow has two addresses"),
    column("mac_broadcast_count", U64, "packets", "packets to ff:ff:ff:ff:ff:ff").changed("null, not 0, without a link header"),
    column("mac_multicast_count", U64, "packets", "packets to a group address (I/G bit) other than the broadcast address").changed("null, not 0, without a link header"),
    column("mac_unique_src_count_fwd", U8, "", "different source addresses of packets from the initiator, at most 16; more than 1 means several paths, or a forged sender").fwd().null(NO_LINK_FWD),
    column("mac_unique_src_count_bwd", U8, "", "different source addresses of packets from the responder, at most 16").bwd().null(NO_LINK_BWD),
    column("mac_unique_dst_count_fwd", U8, "", "different destination addresses of packets from the initiator, at most 16").fwd().null(NO_LINK_FWD),
    column("mac_unique_dst_count_bwd", U8, "", "different destination addresses of packets from the responder, at most 16").bwd().null(NO_LINK_BWD),
    column("mac_src_oui", Str, "", "first three octets of mac_src, which name the maker of the interface").privacy(Privacy::Sensitive).null(NO_MAKER),
    column("mac_dst_oui", Str, "", "first three octets of mac_dst").privacy(Privacy::Sensitive).null(NO_MAKER),
    column("mac_src_is_local", Bool, "", "mac_src is locally chosen (U/L bit): virtual machines, and telephones that hide theirs").privacy(Privacy::Sensitive),
    column("mac_dst_is_local", Bool, "", "mac_dst is locally chosen (U/L bit)").privacy(Privacy::Sensitive),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Mac;

type Addresses = Distinct<MacAddr, DISTINCT_MAX>;

/// Addresses of one direction.
#[derive(Debug, Default)]
struct Side {
    src: Addresses,
    dst: Addresses,
}

/// Addresses of the initiator's packets and of the responder's.
#[derive(Debug, Default)]
pub struct State {
    sides: [Side; 2],
    vlans: Distinct<u16, DISTINCT_MAX>,
    protocol: Option<u16>,
    any: bool,
    broadcast: u32,
    multicast: u32,
}

impl Group for Mac {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "mac",
        meaning: "hardware addresses of the link around the packets",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        if seen.packet.vlan_count > 0 {
            state.vlans.add(seen.packet.vlan[0]);
        }
        let Some(LinkHeader { src, dst, protocol }) = link_header(seen.packet, seen.bytes) else {
            return;
        };
        if !state.any {
            state.any = true;
            state.protocol = protocol;
        }
        let side = &mut state.sides[seen.arrival.direction.index()];
        side.src.add(src);
        side.dst.add(dst);
        if dst.is_group() {
            let broadcast = u32::from(dst == MacAddr::BROADCAST);
            state.broadcast = state.broadcast.saturating_add(broadcast);
            state.multicast = state.multicast.saturating_add(1 - broadcast);
        }
    }

    fn finish(state: &State, _: &mut Ended<'_>, row: &mut RowBuffer) {
        let [fwd, bwd] = &state.sides;
        let src = fwd.src.first().or(bwd.dst.first());
        let dst = fwd.dst.first().or(bwd.src.first());
        let known = |value: usize| state.any.then_some(value as u8);
        row.text("mac_src", |out| src.is_some_and(|mac| write_octets(out, &mac.0)));
        row.text("mac_dst", |out| dst.is_some_and(|mac| write_octets(out, &mac.0)));
        row.u16("mac_eth_type", state.protocol);
        row.u16("mac_vlan_id", state.vlans.min());
        row.u8("mac_vlan_count", state.vlans.count() as u8);
        row.u8("mac_unique_src_count", known(fwd.src.count_with(&bwd.src)));
        row.u8("mac_unique_dst_count", known(fwd.dst.count_with(&bwd.dst)));
        row.u8("mac_stat", state.stat());
        row.u64("mac_broadcast_count", state.any.then_some(u64::from(state.broadcast)));
        row.u64("mac_multicast_count", state.any.then_some(u64::from(state.multicast)));
        let side = |direction: Direction| {
            let seen = &state.sides[direction.index()];
            let has = seen.src.count() > 0;
            has.then(|| (seen.src.count() as u8, seen.dst.count() as u8)).unzip()
        };
        let (src_fwd, dst_fwd) = side(Direction::Forward);
        let (src_bwd, dst_bwd) = side(Direction::Backward);
        row.u8("mac_unique_src_count_fwd", src_fwd);
        row.u8("mac_unique_src_count_bwd", src_bwd);
        row.u8("mac_unique_dst_count_fwd", dst_fwd);
        row.u8("mac_unique_dst_count_bwd", dst_bwd);
        let oui = |mac: Option<MacAddr>| mac.and_then(MacAddr::oui);
        row.text("mac_src_oui", |out| oui(src).is_some_and(|oui| write_octets(out, &oui)));
        row.text("mac_dst_oui", |out| oui(dst).is_some_and(|oui| write_octets(out, &oui)));
        row.bool("mac_src_is_local", src.map(MacAddr::is_local));
        row.bool("mac_dst_is_local", dst.map(MacAddr::is_local));
    }
}

impl State {
    fn stat(&self) -> u8 {
        let several = |of: fn(&Side) -> &Addresses| self.sides.iter().any(|s| of(s).count() > 1);
        let tagged = self.vlans.count() > 0;
        // Both addresses are in every header.
        let bits = [self.any, self.any, several(|s| &s.src), several(|s| &s.dst), tagged];
        bits.into_iter().enumerate().fold(0, |all, (bit, on)| all | u8::from(on) << bit)
    }
}

/// Writes octets as `00:1b:21`; always true.
pub(super) fn write_octets(out: &mut String, octets: &[u8]) -> bool {
    for (place, octet) in octets.iter().enumerate() {
        if place > 0 {
            out.push(':');
        }
        push_hex(out, &[*octet]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_written_in_pairs() {
        let mut out = String::new();
        assert!(write_octets(&mut out, &[0, 0x1b, 0xff]));
        assert_eq!(out, "00:1b:ff");
    }
}
