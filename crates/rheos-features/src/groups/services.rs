//! Smaller protocols: for each what analysts look at first.
//!
//! All columns are there only when asked for. The file of a protocol has its rows of the table and writes them.

mod directory;
mod hosts;
mod media;
mod peers;
mod reach;
mod session;
mod things;
mod tunnels;

use crate::column::{Column, GroupInfo, Kind, Privacy, Profile};
use crate::groups::{Ended, Group};
use crate::row::RowBuffer;

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning)
        .profile(Profile::Extended)
        .option()
        .privacy(Privacy::Sensitive)
}

/// Columns one after the other.
const fn joined<const N: usize>(parts: &[&[Column]]) -> [Column; N] {
    let mut all = [parts[0][0]; N];
    let (mut next, mut part) = (0, 0);
    while part < parts.len() {
        let mut place = 0;
        while place < parts[part].len() {
            all[next] = parts[part][place];
            next += 1;
            place += 1;
        }
        part += 1;
    }
    assert!(next == N, "every place has its column");
    all
}

const PARTS: &[&[Column]] = &[
    hosts::COLUMNS,
    session::COLUMNS,
    directory::COLUMNS,
    things::COLUMNS,
    reach::COLUMNS,
    tunnels::COLUMNS,
    media::COLUMNS,
    peers::COLUMNS,
];
const LEN: usize = {
    let (mut len, mut part) = (0, 0);
    while part < PARTS.len() {
        len += PARTS[part].len();
        part += 1;
    }
    len
};
const COLUMNS: &[Column] = &joined::<LEN>(PARTS);

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Services;

impl Group for Services {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "services",
        meaning: "what smaller protocols say first: DHCP, NTP, mail, FTP, SIP, LDAP, Kerberos, SMB, RDP, MQTT, STUN, SNMP, IKE, WireGuard, OpenVPN, RTP, BitTorrent; only when asked for",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let read = ended.dissection;
        hosts::write(read, row);
        session::write(read, row);
        directory::write(read, row);
        things::write(read, row);
        reach::write(read, row);
        tunnels::write(read, row);
        media::write(read, row);
        peers::write(read, row);
    }
}

/// Writes bytes of the wire as text.
fn bytes(row: &mut RowBuffer, name: &str, bytes: Option<&[u8]>) {
    row.text(name, |out| {
        bytes.is_some_and(|bytes| {
            rheos_wire::text::push_printable(out, bytes);
            true
        })
    });
}
