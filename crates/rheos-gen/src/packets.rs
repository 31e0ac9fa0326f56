//! Packet synthesis: from a seed to the frames of whole conversations.
//!
//! | step | type | file |
//! |---|---|---|
//! | what is wanted | [`SynthesisConfig`], [`Preset`] | `config`, `preset` |
//! | what will be made, checked | [`Plan`] | `plan` |
//! | when conversations begin | `Arrivals` | `arrivals` |
//! | one conversation, packet by packet | `Conversation` and its machines | `conversation`, `tcp`, `udp`, `icmp`, `probe` |
//! | what is said in it | `Message`, datagrams | `message`, `app` |
//! | bytes of one frame | `Layout` | `headers`, `tunnel` |
//! | what goes wrong on the way | `FaultPlan` | `faults` |
//! | frames in order of time | [`Synthesizer`] | `synthesizer` |
//! | what was sent, exactly | [`FlowTruth`] | `truth` |
//! | frames of flow records instead of a seed | [`RecordFrames`] | `records` |
//! | frames around datagrams of others | [`DatagramFrames`] | `datagram` |
//!
//! Memory is proportional to the conversations that are alive, which [`SynthesisConfig::live_max`] bounds.

mod app;
mod arrivals;
mod config;
mod conversation;
mod datagram;
mod faults;
mod headers;
mod host;
mod icmp;
mod label;
mod message;
mod plan;
mod pool;
mod preset;
mod probe;
mod records;
mod synthesizer;
mod tcp;
mod truth;
mod tunnel;
mod udp;

pub use config::{
    Addresses, Faults, Link, Mix, Scenario, ScenarioKind, SynthesisConfig, Tcp, TunnelChoice,
    TunnelConfig,
};
pub use datagram::{DATAGRAM_LEN_MAX, DatagramFrames};
pub use label::{Label, LabelId};
pub use plan::Plan;
pub use preset::Preset;
pub use records::{FramesConfig, FramesCounters, NoFrames, RecordFrame, RecordFrames};
pub use synthesizer::{Counters, FrameInfo, Synthesizer};
pub use truth::{ConversationId, DirectionTruth, FlowTruth};
