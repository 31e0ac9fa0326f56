//! Made traffic: seeded packets of whole conversations, with faults on request.
//!
//! [`packets`] turns a [`SynthesisConfig`] into a checked [`Plan`] and that into frames in order of time. Nothing
//! here reads a clock, opens a file or a socket: frames, their labels and the ground truth come out as values.
//! The same seed and configuration give the same bytes everywhere.
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
pub mod packets;
pub mod send;

pub use error::Error;
pub use packets::{
    Addresses, ConversationId, Counters, DirectionTruth, Faults, FlowTruth, FrameInfo, Label,
    LabelId, Link, Mix, Plan, Preset, Scenario, ScenarioKind, SynthesisConfig, Synthesizer, Tcp,
    TunnelChoice, TunnelConfig,
};
