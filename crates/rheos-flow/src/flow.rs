//! A flow and what is known of every flow, whatever a caller adds as its own state.

use rheos_core::{Direction, FiveTuple, FlowKey, Nanos, Timestamp};
use rheos_wire::{Layers, Packet, Tunnel};

use crate::{ConnState, History};

/// Why a flow ended (compare IPFIX `flowEndReason`, RFC 5102 §5.11.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EndReason {
    /// It has not.
    #[default]
    None,
    /// No packet for the idle timeout.
    Idle,
    /// It lasted for the active timeout and was cut; the next packet starts a new record.
    Active,
    /// Both sides sent FIN and the last was acknowledged.
    Fin,
    /// A reset.
    Rst,
    /// The table was full and this flow was the least recently seen.
    Evicted,
    /// The input ended.
    EndOfInput,
    /// A new connection took over the same tuple, or a caller asked.
    Forced,
}

impl EndReason {
    /// Every reason a finished flow can have.
    pub const ALL: &'static [Self] = &[
        Self::Idle,
        Self::Active,
        Self::Fin,
        Self::Rst,
        Self::Evicted,
        Self::EndOfInput,
        Self::Forced,
    ];

    /// The reason as column value and metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Evicted => "evicted",
            Self::EndOfInput => "end_of_input",
            Self::Forced => "forced",
        }
    }
}

/// How the initiator was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum InitiatorEvidence {
    /// It sent the first packet that was seen.
    #[default]
    FirstPacket,
    /// The first packet seen was an answer (SYN-ACK, ICMP reply): its receiver is the initiator.
    Answer,
    /// It sent a SYN without ACK, or an ICMP request.
    Request,
}

impl InitiatorEvidence {
    /// How sure: 1.0 for a request, 0.9 for an answer, 0.5 for the first packet.
    pub const fn confidence(self) -> f64 {
        match self {
            Self::Request => 1.0,
            Self::Answer => 0.9,
            Self::FirstPacket => 0.5,
        }
    }
}

/// Counts of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionTotals {
    /// Packets.
    pub packets: u64,
    /// Sum of [`Packet::ip_len`].
    pub ip_bytes: u64,
    /// Sum of [`Packet::payload_len`].
    pub payload_bytes: u64,
}

/// What is known of every flow.
#[derive(Clone, Debug)]
pub struct FlowHead {
    /// The tuple as the initiator sends it.
    pub tuple: FiveTuple,
    /// How the initiator was told.
    pub initiator: InitiatorEvidence,
    /// The earliest packet time.
    pub first: Timestamp,
    /// The latest packet time (not the time of the packet that came last, should the capture be out of order).
    pub last: Timestamp,
    /// Number of the first packet's frame in the stream: flows sort by it.
    pub first_index: u64,
    /// Number of the last packet's frame in the stream.
    pub last_index: u64,
    /// Counts, [`Direction::Forward`] first: from the initiator.
    pub totals: [DirectionTotals; 2],
    /// VLAN ids of the first packet.
    pub vlan: [u16; 2],
    /// How many VLAN tags the first packet had.
    pub vlan_count: u8,
    /// What policy adds to the key, see [`FlowKey::vlan`].
    pub key_vlan: u32,
    /// What policy adds to the key, see [`FlowKey::tunnel`].
    pub key_tunnel: u64,
    /// The tunnel around the first packet, in a box because few flows have one.
    pub tunnel: Option<Box<Tunnel>>,
    /// The headers of the first packet.
    pub layers: Layers,
    /// Order of events, as Zeek writes it.
    pub history: History,
    /// Where the TCP connection stands (other protocols: whether both sides spoke).
    pub conn: ConnState,
    /// Why it ended.
    pub end: EndReason,
}

impl FlowHead {
    /// The key both directions share.
    pub fn key(&self) -> FlowKey {
        FlowKey::new(self.tuple, self.key_vlan, self.key_tunnel).0
    }

    /// Packets of both directions.
    pub fn packets(&self) -> u64 {
        self.totals[0].packets + self.totals[1].packets
    }

    /// From the earliest to the latest packet.
    pub fn duration(&self) -> Nanos {
        self.last.since(self.first)
    }
}

/// How a packet arrives in its flow; computed once for all who look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// From the initiator, or to it.
    pub direction: Direction,
    /// Time since the flow's packet before this one, in arrival order; zero when the capture runs backwards.
    /// `None` for the first packet.
    pub gap: Option<Nanos>,
    /// Time since the packet before it in the same direction.
    pub gap_same_direction: Option<Nanos>,
}

/// What a caller keeps per flow beside the [`FlowHead`]: `()` for nothing.
pub trait FlowState: Sized {
    /// What all flows of a table share.
    type Config;

    /// State of a flow before its first packet.
    fn new(config: &Self::Config) -> Self;

    /// Takes in one packet. `head` already counts it; `bytes` are what the packet was decoded from.
    fn on_packet(
        &mut self,
        config: &Self::Config,
        head: &FlowHead,
        arrival: &Arrival,
        packet: &Packet,
        bytes: &[u8],
    );

    /// The flow has ended, and is about to be handed out.
    fn on_end(&mut self, config: &Self::Config, head: &FlowHead) {
        let _ = (config, head);
    }

    /// The flow was handed out: gives back what the next one may not need.
    fn release(&mut self, config: &Self::Config) {
        let _ = config;
    }

    /// Makes the state as new for the next flow, keeping its memory.
    fn reset(&mut self, config: &Self::Config);

    /// The flow was handed out because of the active timeout, and goes on: in place of [`Self::release`] and
    /// [`Self::reset`], so that its next part can know what it is.
    fn go_on(&mut self, config: &Self::Config) {
        self.release(config);
        self.reset(config);
    }
}

impl FlowState for () {
    type Config = ();

    fn new((): &()) {}

    fn on_packet(&mut self, (): &(), _: &FlowHead, _: &Arrival, _: &Packet, _: &[u8]) {}

    fn reset(&mut self, (): &()) {}
}

/// One flow with its caller's state.
#[derive(Clone, Debug)]
pub struct Flow<S> {
    /// What is known of every flow.
    pub head: FlowHead,
    /// What the caller keeps.
    pub state: S,
}
