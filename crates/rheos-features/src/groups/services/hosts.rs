//! How hosts join a network: DHCP and NTP.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use rheos_wire::service::dhcp::kind_name;
use rheos_wire::service::ntp::push_reference;

use super::{bytes, column};
use crate::column::{Column, Identity, Kind};
use crate::dissect::Dissection;
use crate::groups::mac::write_octets;
use crate::row::RowBuffer;

use Kind::{Str, U8, U32};

const NOT_DHCP: &str = "no DHCP message was found, or none says it";
const NOT_NTP: &str = "no NTP message was found";

pub(super) const COLUMNS: &[Column] = &[
    column("dhcp_message_types", Str, "", "types of the flow's DHCP messages (RFC 2132 §9.6) in order of their first appearance, joined by `,`").null(NOT_DHCP),
    column("dhcp_fingerprint", Str, "", "options that the client wants, in its order (option 55, RFC 2132 §9.8) as numbers joined by `,`: much the same for all hosts of one system; of the first message that has the option").null(NOT_DHCP),
    column("dhcp_vendor_class", Str, "", "what kind of client it says to be (option 60); of the first message that has the option").null(NOT_DHCP),
    column("dhcp_hostname", Str, "", "the client's name for itself (option 12); of the first message that has the option").identity(Identity::Name).null(NOT_DHCP),
    column("dhcp_client_mac", Str, "", "the client's Ethernet address as its messages have it (`chaddr`)").identity(Identity::Mac).null("no DHCP message was found, or the client's link is no Ethernet"),
    column("dhcp_requested_ip", Str, "", "the address that the client asks for (option 50)").identity(Identity::Address).null(NOT_DHCP),
    column("dhcp_lease_time", U32, "s", "how long the server lends an address (option 51); 4294967295 is for ever").null(NOT_DHCP),
    column("ntp_version", U8, "", "version of the first NTP message").null(NOT_NTP),
    column("ntp_mode", U8, "", "mode of the first NTP message (RFC 5905 §7.3): 1 and 2 symmetric, 3 client, 4 server, 5 broadcast, 6 control, 7 private").null(NOT_NTP),
    column("ntp_stratum", U8, "", "steps from who tells the time to a reference clock, as its first message says; 0 stands for a kiss code, 16 for not synchronised").null("no NTP message of a server, a broadcaster or a peer was found"),
    column("ntp_reference", Str, "", "name of the reference clock (stratum 1), such as GPS, or kiss code (stratum 0), such as RATE (RFC 5905 §7.3, §7.4)").null("ntp_stratum is null or above 1, or there is no name"),
    column("ntp_control_messages", U32, "count", "messages of mode 6 and 7, which ask a server about itself: a way to have it send much to others").null(NOT_NTP),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let dhcp = read.and_then(Dissection::dhcp);
    row.text("dhcp_message_types", |out| {
        dhcp.is_some_and(|it| it.kinds.push_names(out, kind_name))
    });
    let parameters = dhcp.and_then(|dhcp| dhcp.parameters.as_deref());
    row.text("dhcp_fingerprint", |out| {
        for (place, code) in parameters.unwrap_or_default().iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            // Writing to a text cannot fail.
            let _ = write!(out, "{comma}{code}");
        }
        parameters.is_some()
    });
    bytes(row, "dhcp_vendor_class", dhcp.and_then(|dhcp| dhcp.vendor_class.as_deref()));
    bytes(row, "dhcp_hostname", dhcp.and_then(|dhcp| dhcp.host_name.as_deref()));
    let mac = dhcp.and_then(|dhcp| dhcp.client_mac);
    row.text("dhcp_client_mac", |out| mac.is_some_and(|mac| write_octets(out, &mac)));
    let address = dhcp.and_then(|dhcp| dhcp.requested_address);
    row.text("dhcp_requested_ip", |out| {
        address.is_some_and(|address| write!(out, "{}", Ipv4Addr::from(address)).is_ok())
    });
    row.u32("dhcp_lease_time", dhcp.and_then(|dhcp| dhcp.lease_s));
    let ntp = read.and_then(Dissection::ntp);
    let first = ntp.and_then(|ntp| ntp.first);
    row.u8("ntp_version", first.map(|first| first.version));
    row.u8("ntp_mode", first.map(|first| first.mode));
    let clock = ntp.and_then(|ntp| ntp.clock);
    row.u8("ntp_stratum", clock.map(|(stratum, _)| stratum));
    row.text("ntp_reference", |out| {
        clock.is_some_and(|(stratum, reference)| push_reference(out, stratum, reference))
    });
    row.u32("ntp_control_messages", ntp.map(|ntp| ntp.controls));
}
