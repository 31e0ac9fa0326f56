//! How hosts are reached and looked after: STUN, SNMP, IKE.

use rheos_wire::service::{ike, snmp, stun};

use super::{bytes, column};
use crate::column::{Column, Identity, Kind};
use crate::dissect::Dissection;
use crate::row::RowBuffer;

use Kind::{Bool, Str, U8, U32};

const NOT_STUN: &str = "no STUN was found, or none of its messages was known";
const NOT_SNMP: &str = "no SNMP was found";
const NOT_IKE: &str = "no IKE was found";

pub(super) const COLUMNS: &[Column] = &[
    column("stun_message_types", Str, "", "distinct methods and classes of STUN and TURN messages (RFC 8489 §5), such as `binding-request`, in order of their first appearance, joined by `,`; those of other methods as number of method times 4 plus class").null(NOT_STUN),
    column("stun_software", Str, "", "SOFTWARE attribute of the first message that has one; at most 255 bytes").identity(Identity::Name).null("no STUN message with such an attribute was found"),
    column("stun_address_told", Bool, "", "a host was told its address as others see it (MAPPED-ADDRESS, XOR-MAPPED-ADDRESS)").null("no STUN was found"),
    column("snmp_version", Str, "", "version of the first message: `1`, `2c` or `3`").null(NOT_SNMP),
    column("snmp_pdu_types", Str, "", "distinct PDUs in order of their first appearance, joined by `,`").null("no SNMP was found, or only encrypted PDUs"),
    column("snmp_community_length", U32, "bytes", "length of the first message's community, which is a password in clear and not told").null("no SNMP was found, or version 3"),
    column("ike_version", U8, "", "major version of the first message: 1 or 2").null(NOT_IKE),
    column("ike_exchange_types", Str, "", "distinct exchanges in order of their first appearance, joined by `,`; informational exchanges of version 1 as `informational-1`").null(NOT_IKE),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let stun = read.and_then(Dissection::stun);
    row.text("stun_message_types", |out| {
        stun.is_some_and(|stun| stun.kinds.push_names(out, stun::kind_name))
    });
    bytes(row, "stun_software", stun.and_then(|stun| stun.software.as_deref()));
    row.bool("stun_address_told", stun.map(|stun| stun.maps));
    let snmp = read.and_then(Dissection::snmp);
    let first = snmp.and_then(|snmp| snmp.first);
    let version = first.and_then(|first| match first.version {
        0 => Some("1"),
        1 => Some("2c"),
        3 => Some("3"),
        _ => None,
    });
    row.str("snmp_version", version);
    row.text("snmp_pdu_types", |out| {
        snmp.is_some_and(|snmp| snmp.pdus.push_names(out, snmp::pdu_name))
    });
    row.u32("snmp_community_length", first.and_then(|first| Some(first.community_len? as u32)));
    let ike = read.and_then(Dissection::ike);
    row.u8("ike_version", ike.and_then(|ike| ike.version));
    row.text("ike_exchange_types", |out| {
        ike.is_some_and(|ike| ike.exchanges.push_names(out, ike::exchange_name))
    });
}
