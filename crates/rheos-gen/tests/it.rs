//! Made frames as others read them: decoders, ground truth, fingerprints, faults. Made flows: distributions, defects.

#[path = "it/collectors.rs"]
mod collectors;
#[path = "it/configuration.rs"]
mod configuration;
#[path = "it/decoding.rs"]
mod decoding;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/flow_attacks.rs"]
mod flow_attacks;
#[path = "it/flow_defects.rs"]
mod flow_defects;
#[path = "it/flow_examples.rs"]
mod flow_examples;
#[path = "it/flow_fingerprints.rs"]
mod flow_fingerprints;
#[path = "it/flow_fit.rs"]
mod flow_fit;
#[path = "it/flow_laws.rs"]
mod flow_laws;
#[path = "it/flow_time.rs"]
mod flow_time;
#[path = "it/flow_totals.rs"]
mod flow_totals;
#[path = "it/record_frames.rs"]
mod record_frames;
#[path = "it/repeatability.rs"]
mod repeatability;
#[path = "it/scenarios.rs"]
mod scenarios;
#[path = "it/tally.rs"]
mod tally;
