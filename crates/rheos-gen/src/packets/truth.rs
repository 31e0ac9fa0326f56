//! The ground truth: what each flow really was, counted as its frames were put on the wire, faults included.

use rheos_core::{FiveTuple, Timestamp};

use super::config::TunnelChoice;
use super::label::LabelId;

/// A conversation's number: the source (0 the background, else the scenario's place in the list, from 1) in the
/// upper 24 bits, its number within the source below. The same whatever the number of conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub u64);

impl ConversationId {
    pub(crate) const fn new(source: usize, number: u64) -> Self {
        Self((source as u64) << 40 | number)
    }

    /// 0 for the background, else the scenario's place in the list, counted from 1.
    pub const fn source(self) -> usize {
        (self.0 >> 40) as usize
    }

    /// Its number within the source, counted from 0 in order of begin.
    pub const fn number(self) -> u64 {
        self.0 & 0xff_ffff_ffff
    }
}

/// What one direction put on the wire. Frames that were lost are in none of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionTruth {
    /// Frames, copies and fragments each for itself.
    pub frames: u64,
    /// IP packets, datagrams in fragments counted once and only if every fragment came sound.
    pub packets: u64,
    /// Bytes of the frames on the wire, padding included.
    pub wire_bytes: u64,
    /// Bytes of `packets` from the (inner) IP header on.
    pub ip_bytes: u64,
    /// Bytes of `packets` after the transport header.
    pub payload_bytes: u64,
    /// Frames among `frames` with a wrong length; they are not in `packets`.
    pub bad_length: u64,
    /// Frames among `frames` with a wrong checksum; they are in `packets`.
    pub bad_checksum: u64,
    /// Frames among `frames` of which a part was captured; whole datagrams are in `packets`, fragments not.
    pub truncated: u64,
}

/// One flow as it was made. A conversation is one flow, or two where ICMP errors answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTruth {
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// What it is, see [`super::Plan::labels`].
    pub label: LabelId,
    /// From its initiator; of the innermost IP packet. ICMP has the ports of `rheos_wire::icmp`.
    pub tuple: FiveTuple,
    /// The encapsulation around it and its id.
    pub tunnel: Option<(TunnelChoice, u32)>,
    /// VLAN ids of the frame (around the tunnel, if there is one), outermost first; 0 where there is no tag.
    pub vlans: [u16; 2],
    /// Its first frame.
    pub first: Timestamp,
    /// Its last frame.
    pub last: Timestamp,
    /// From the initiator, to the initiator.
    pub directions: [DirectionTruth; 2],
}

/// Sums while a conversation lives: the flow itself and the ICMP errors about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) directions: [DirectionTruth; 2],
}

impl Sums {
    /// Makes place for a frame at `at`.
    pub(crate) fn see(&mut self, at: u64) {
        if self.is_empty() {
            self.first = at;
        }
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.directions[0].frames + self.directions[1].frames == 0
    }
}
