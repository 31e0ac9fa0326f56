//! BitTorrent: what peers share and with which clients, what the distributed hash table is asked for.

use rheos_core::Direction;
use rheos_wire::App;
use rheos_wire::service::bittorrent::{HANDSHAKE_LEN, Handshake, InfoHash, TableMessage};

use super::codes::Codes;
use super::{Chunk, Datagram, Detect, Dissector, Start, Taken, Wants};

/// What a flow says.
#[derive(Debug, Default)]
pub struct BitTorrent {
    /// The first hash in a handshake or in a query.
    pub info_hash: Option<InfoHash>,
    /// Queries to the hash table.
    pub queries: Codes,
    /// Messages of the hash table.
    pub table_messages: u32,
    peer_ids: [Option<[u8; 20]>; 2],
}

impl BitTorrent {
    /// What a side's handshake calls itself.
    pub const fn peer_id(&self, direction: Direction) -> Option<&[u8; 20]> {
        self.peer_ids[direction.index()].as_ref()
    }
}

impl Detect for BitTorrent {
    const APPS: &'static [App] = &[App::BitTorrent];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for BitTorrent {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if !chunk.gap && chunk.bytes.len() < HANDSHAKE_LEN {
            return Taken::first(0);
        }
        if let Some(handshake) = Handshake::parse(chunk.bytes).filter(|_| !chunk.gap) {
            self.info_hash.get_or_insert(handshake.info_hash);
            self.peer_ids[chunk.direction.index()] = Some(handshake.peer_id);
        }
        // What follows is often encrypted, and tells nothing that columns do.
        Taken::then(0, Wants::Nothing)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        // Others are of trackers and of uTP.
        if let Some(message) = TableMessage::parse(datagram.bytes) {
            self.table_messages = self.table_messages.saturating_add(1);
            self.info_hash = self.info_hash.or(message.info_hash);
            if let Some(query) = message.query {
                self.queries.insert(query);
            }
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
