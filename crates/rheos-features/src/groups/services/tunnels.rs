//! Private networks: WireGuard, OpenVPN.

use rheos_wire::service::openvpn::opcode_name;

use super::column;
use crate::column::{Column, Kind};
use crate::dissect::Dissection;
use crate::dissect::openvpn::OpenVpn;
use crate::row::RowBuffer;

use Kind::{Str, U8, U32};

const NOT_WIREGUARD: &str = "no WireGuard was found";
const NOT_OPENVPN: &str = "no OpenVPN was found";

pub(super) const COLUMNS: &[Column] = &[
    column("wireguard_initiations", U32, "count", "handshakes that were begun (type 1); as for all kinds, from the datagram on that told that it is WireGuard").null(NOT_WIREGUARD),
    column("wireguard_responses", U32, "count", "handshakes that were answered (type 2)").null(NOT_WIREGUARD),
    column("wireguard_cookies", U32, "count", "handshakes that a host under load put off with a cookie (type 3)").null(NOT_WIREGUARD),
    column("wireguard_data_messages", U32, "count", "packets of the tunnel (type 4), those without content among them").null(NOT_WIREGUARD),
    column("wireguard_keep_alives", U32, "count", "packets of the tunnel without content").null(NOT_WIREGUARD),
    column("openvpn_opcodes", Str, "", "distinct opcodes of packets, such as `hard-reset-client-2`, in order of their first appearance, joined by `,`; in datagrams from the one on that told that it is OpenVPN").null(NOT_OPENVPN),
    column("openvpn_reset_version", U8, "", "highest version of the packets that begin a session (hard resets): 3 tells of a wrapped client key").null("no OpenVPN was found, or no such packet"),
    column("openvpn_key_ids", U32, "count", "distinct numbers of keys: above 1 where keys were changed").null(NOT_OPENVPN),
    column("openvpn_control_messages", U32, "count", "packets that keep the session: resets, control and acknowledgements").null(NOT_OPENVPN),
    column("openvpn_data_messages", U32, "count", "packets of the tunnel").null(NOT_OPENVPN),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let wireguard = read.and_then(Dissection::wireguard);
    row.u32("wireguard_initiations", wireguard.map(|it| it.initiations));
    row.u32("wireguard_responses", wireguard.map(|it| it.responses));
    row.u32("wireguard_cookies", wireguard.map(|it| it.cookies));
    row.u32("wireguard_data_messages", wireguard.map(|it| it.data));
    row.u32("wireguard_keep_alives", wireguard.map(|it| it.keep_alives));
    let openvpn = read.and_then(Dissection::openvpn);
    row.text("openvpn_opcodes", |out| {
        openvpn.is_some_and(|it| it.opcodes.push_names(out, opcode_name))
    });
    row.u8("openvpn_reset_version", openvpn.and_then(|it| it.reset_version));
    row.u32("openvpn_key_ids", openvpn.map(OpenVpn::key_ids));
    row.u32("openvpn_control_messages", openvpn.map(|it| it.controls));
    row.u32("openvpn_data_messages", openvpn.map(|it| it.data));
}
