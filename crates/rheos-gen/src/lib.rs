//! Made traffic: flow records at memory speed, and seeded packets of whole conversations.
//!
//! [`flows`] turns a [`flows::FlowConfig`] into a checked plan and that into flow records, at any place of their row.
//! [`packets`] turns a [`SynthesisConfig`] into a checked [`Plan`] and that into frames in order of time. Neither
//! reads a clock or opens a socket, and only configurations are read from files: records, frames, their labels and
//! the ground truth come out as values; [`send`] sends them. The same seed and configuration give the same bytes
//! everywhere.
//!
//! ```
//! use rheos_gen::{Preset, SynthesisConfig, Synthesizer};
//!
//! let config = SynthesisConfig { conversations: Some(10), ..Preset::Web.config() };
//! let mut made = Synthesizer::new(config.plan()?);
//! let mut frame = Vec::new();
//! let mut frames = 0;
//! while let Some(info) = made.next_into(&mut frame) {
//!     assert_eq!(info.wire_len as usize, frame.len());
//!     frames += 1;
//! }
//! assert!(frames > 20);
//! # Ok::<(), rheos_gen::Error>(())
//! ```

mod error;
pub mod flows;
pub mod packets;
pub mod send;

pub use error::Error;
pub use packets::{
    Addresses, ConversationId, Counters, DirectionTruth, Faults, FlowTruth, FrameInfo, Label,
    LabelId, Link, Mix, Plan, Preset, Scenario, ScenarioKind, SynthesisConfig, Synthesizer, Tcp,
    TunnelChoice, TunnelConfig,
};
