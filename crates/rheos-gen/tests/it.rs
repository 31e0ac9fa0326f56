//! Made frames as others read them: decoders, ground truth, fingerprints, faults.

#[path = "it/configuration.rs"]
mod configuration;
#[path = "it/decoding.rs"]
mod decoding;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/repeatability.rs"]
mod repeatability;
#[path = "it/scenarios.rs"]
mod scenarios;
#[path = "it/tally.rs"]
mod tally;
