//! What the packets of one side show when nothing in them can be read any more: connection ids and the spin bit.

use std::hash::{DefaultHasher, Hash, Hasher};

use rheos_core::{Nanos, Timestamp};
use rheos_wire::quic::{ConnectionId, ShortPacket, Version};

/// Connection ids per side that are known again; beyond it, ids that come back count as new.
const IDS_MAX: usize = 8;

/// The first long header of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongStart {
    /// Its version.
    pub version: Version,
    /// Destination connection id.
    pub dcid: ConnectionId,
    /// Source connection id.
    pub scid: ConnectionId,
}

/// One side.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// Its first long header, those of Retry packets and lists of versions left out.
    pub(super) first: Option<LongStart>,
    /// Under which id the other side sends to it, as its last long header told.
    pub(super) own_id: Option<ConnectionId>,
    ids: Ids,
    spin: Spin,
}

impl Path {
    /// Takes in a packet with a short header that this side sent; `peer_id` is the last id that the other side gave
    /// itself in a long header.
    #[inline]
    pub(super) fn on_short(
        &mut self,
        packet: &ShortPacket<'_>,
        peer_id: Option<&ConnectionId>,
        ts: Timestamp,
    ) {
        self.spin.on_packet(packet.spin(), ts);
        if let Some(known) = peer_id.filter(|id| !id.is_empty())
            && let Some(id) = packet.dcid(usize::from(known.len()))
        {
            self.ids.on_packet(id, known);
        }
    }

    /// How often this side began to send to another connection id. `None` where its packets show no id, or one of
    /// unknown length.
    pub(super) fn id_changes(&self) -> Option<u32> {
        (self.ids.used > 0).then_some(self.ids.changes)
    }

    pub(super) fn spin(&self) -> &Spin {
        &self.spin
    }
}

/// The connection ids that a side sends to.
#[derive(Debug, Default)]
struct Ids {
    last: ConnectionId,
    /// Hashes of those that were seen.
    known: [u64; IDS_MAX],
    used: u8,
    changes: u32,
}

impl Ids {
    /// The handshake's id is where changes are counted from.
    #[inline]
    fn on_packet(&mut self, id: &[u8], of_handshake: &ConnectionId) {
        if self.used == 0 {
            self.remember(of_handshake.as_slice());
        }
        if id != self.last.as_slice() {
            self.on_other(id);
        }
    }

    #[cold]
    fn on_other(&mut self, id: &[u8]) {
        let hash = hash(id);
        if self.known.iter().take(usize::from(self.used)).any(|known| *known == hash) {
            self.last = ConnectionId::new(id).unwrap_or_default();
        } else {
            self.changes = self.changes.saturating_add(1);
            self.remember(id);
        }
    }

    fn remember(&mut self, id: &[u8]) {
        self.last = ConnectionId::new(id).unwrap_or_default();
        if let Some(place) = self.known.get_mut(usize::from(self.used)) {
            *place = hash(id);
            self.used += 1;
        }
    }
}

fn hash(id: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// The spin bits that a side sends (RFC 9000 §17.4).
#[derive(Debug, Default)]
pub(super) struct Spin {
    last: Option<bool>,
    compared: bool,
    flips: u32,
    /// Times of the first flip and the last.
    span: [Timestamp; 2],
}

impl Spin {
    #[inline]
    fn on_packet(&mut self, bit: bool, ts: Timestamp) {
        let Some(last) = self.last.replace(bit) else { return };
        self.compared = true;
        if last != bit {
            if self.flips == 0 {
                self.span[0] = ts;
            }
            self.span[1] = ts;
            self.flips = self.flips.saturating_add(1);
        }
    }

    /// How often the bit of a packet was not that of the packet before; `None` without two packets.
    pub(super) fn flips(&self) -> Option<u32> {
        self.compared.then_some(self.flips)
    }

    /// Mean time between flips, which is a round trip where both sides spin; `None` with fewer than two.
    pub(super) fn mean_period(&self) -> Option<Nanos> {
        let periods = u64::from(self.flips.checked_sub(1).filter(|periods| *periods > 0)?);
        Some(Nanos(self.span[1].since(self.span[0]).0 / periods))
    }
}
