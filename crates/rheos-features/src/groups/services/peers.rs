//! Sharing between peers: BitTorrent.

use rheos_core::Direction;
use rheos_wire::service::bittorrent::{client, query_name};
use rheos_wire::text::push_hex;

use super::{bytes, column};
use crate::column::{Column, Identity, Kind};
use crate::dissect::Dissection;
use crate::row::RowBuffer;

use Kind::{Str, U32};

const NO_CLIENT: &str =
    "the side sent no whole BitTorrent handshake over TCP, or with a peer's name of another form";
const NO_TABLE: &str = "no message of BitTorrent's distributed hash table was found";

pub(super) const COLUMNS: &[Column] = &[
    column("bittorrent_info_hash", Str, "", "hash of what is shared, as 40 hexadecimal digits: of the first handshake over TCP (BEP 3) or query to the hash table (BEP 5) that has one").identity(Identity::Name).null("neither such a handshake nor such a query was found"),
    column("bittorrent_client_fwd", Str, "", "the client's letters and version as its handshake tells them (BEP 20): `qB4250` of `-qB4250-`").fwd().null(NO_CLIENT),
    column("bittorrent_client_bwd", Str, "", "the client's letters and version as its handshake tells them (BEP 20): `qB4250` of `-qB4250-`").bwd().null(NO_CLIENT),
    column("bittorrent_dht_queries", Str, "", "distinct queries to the hash table (BEP 5, BEP 44, BEP 51) in order of their first appearance, joined by `,`; `other` for those of no such name").null("no query to BitTorrent's distributed hash table was found"),
    column("bittorrent_dht_messages", U32, "count", "messages of the hash table: queries, responses, errors").null(NO_TABLE),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let found = read.and_then(Dissection::bittorrent);
    let hash = found.and_then(|found| found.info_hash);
    row.text("bittorrent_info_hash", |out| {
        hash.is_some_and(|hash| {
            push_hex(out, &hash);
            true
        })
    });
    let of = |direction| found.and_then(|found| client(found.peer_id(direction)?));
    bytes(row, "bittorrent_client_fwd", of(Direction::Forward));
    bytes(row, "bittorrent_client_bwd", of(Direction::Backward));
    row.text("bittorrent_dht_queries", |out| {
        found.is_some_and(|found| found.queries.push_names(out, query_name))
    });
    let messages = found.map(|found| found.table_messages).filter(|&messages| messages > 0);
    row.u32("bittorrent_dht_messages", messages);
}
