//! The older generator's configuration as its C++ programs fill it in.

use rheos_core::units::BitRate;
use rheos_core::{Nanos, Timestamp};

use super::{FlowConfig, FlowRate, Rate, Sizes, Subnets, Timing, not_this};
use crate::flows::error::{FlowError, FlowProblem};
use crate::flows::pattern::UnknownPattern;
use crate::flows::{Realism, Sessions};

/// The fields of the older `GeneratorConfig`, with its names and defaults. 0 means "not set".
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorConfig {
    /// Gigabits per second; goes before `flows_per_second`.
    pub bandwidth_gbps: f64,
    /// Records per second.
    pub flows_per_second: f64,
    /// How many records.
    pub max_flows: u64,
    /// Over how much simulated time, in seconds.
    pub duration_seconds: f64,
    /// Nanoseconds since the epoch. 0 was "now" there; here it is 2024-01-01, so that runs can be repeated.
    pub start_timestamp_ns: u64,
    /// Where clients are.
    pub source_subnets: Vec<String>,
    /// Where servers are.
    pub destination_subnets: Vec<String>,
    /// Percentages; empty for equal shares.
    pub source_weights: Vec<f64>,
    /// Percentages; empty for equal shares. Ours.
    pub destination_weights: Vec<f64>,
    /// No record is shorter.
    pub min_packet_size: u32,
    /// No record is longer.
    pub max_packet_size: u32,
    /// The mean of all lengths; 0 leaves the patterns' own.
    pub average_packet_size: u32,
    /// `none` or `random`.
    pub bidirectional_mode: String,
    /// How likely it is that a record runs from server to client.
    pub bidirectional_probability: f64,
    /// Kinds of traffic.
    pub traffic_patterns: Vec<TrafficPattern>,
    /// All randomness follows from it. Ours.
    pub seed: u64,
    /// Goes into every record. Ours.
    pub stream_id: u32,
}

/// A kind of traffic and how much of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficPattern {
    /// A pattern's name or alias.
    pub kind: String,
    /// 0 to 100.
    pub percentage: f64,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self {
            bandwidth_gbps: 10.0,
            flows_per_second: 0.0,
            max_flows: 0,
            duration_seconds: 0.0,
            start_timestamp_ns: 0,
            source_subnets: Vec::new(),
            destination_subnets: Vec::new(),
            source_weights: Vec::new(),
            destination_weights: Vec::new(),
            min_packet_size: 64,
            max_packet_size: 1500,
            average_packet_size: 800,
            bidirectional_mode: "none".to_owned(),
            bidirectional_probability: 0.5,
            traffic_patterns: Vec::new(),
            seed: 1,
            stream_id: 0,
        }
    }
}

/// Reads the words and checks every rule.
impl TryFrom<&GeneratorConfig> for FlowConfig {
    type Error = FlowError;

    fn try_from(given: &GeneratorConfig) -> Result<Self, FlowError> {
        let mut patterns = Vec::new();
        for pattern in &given.traffic_patterns {
            let kind = pattern
                .kind
                .parse()
                .map_err(|unknown: UnknownPattern| unknown.error("traffic_patterns"))?;
            patterns.push((kind, pattern.percentage));
        }
        let average = Some(given.average_packet_size).filter(|&average| average > 0);
        let config = Self {
            seed: given.seed,
            stream_id: given.stream_id,
            max_flows: Some(given.max_flows).filter(|&flows| flows > 0),
            duration: duration(given.duration_seconds)?,
            end: None,
            rate: rate(given.bandwidth_gbps, given.flows_per_second)?,
            start: match given.start_timestamp_ns {
                0 => super::START,
                nanos => Timestamp::from_nanos(nanos),
            },
            reversed_share: reversed(&given.bidirectional_mode, given.bidirectional_probability)?,
            patterns,
            services: Vec::new(),
            sessions: Sessions::default(),
            sources: subnets(
                "network.source_subnets",
                &given.source_subnets,
                &given.source_weights,
            )?,
            destinations: subnets(
                "network.destination_subnets",
                &given.destination_subnets,
                &given.destination_weights,
            )?,
            routes: Vec::new(),
            sizes: Sizes { min: given.min_packet_size, max: given.max_packet_size, average },
            realism: Realism::default(),
            timing: Timing::default(),
            attacks: Vec::new(),
        };
        config.check()?;
        Ok(config)
    }
}

/// A number times `scale`, if that is at least 1 and fits 64 bits.
fn scaled(number: f64, scale: f64) -> Option<u64> {
    let whole = (number * scale).round();
    (1.0..1.8e19).contains(&whole).then_some(whole as u64)
}

/// Seconds, rounded to nanoseconds; 0 is no limit.
fn duration(seconds: f64) -> Result<Option<Nanos>, FlowError> {
    match scaled(seconds, 1e9) {
        None if seconds != 0.0 => {
            Err(not_this("generation.duration_seconds", &seconds.to_string(), "a number above 0"))
        }
        nanos => Ok(nanos.map(Nanos)),
    }
}

/// The bandwidth if it is set, else the flows.
fn rate(bandwidth_gbps: f64, flows_per_second: f64) -> Result<Rate, FlowError> {
    let no_bandwidth = bandwidth_gbps == 0.0;
    if no_bandwidth && flows_per_second != 0.0 {
        let key = "generation.rate.flows_per_second";
        let rate = FlowRate::per_second(flows_per_second).map(Rate::Flows);
        return rate.ok_or_else(|| not_this(key, &flows_per_second.to_string(), "above 0"));
    }
    let key = "generation.rate.bandwidth_gbps";
    let rate = scaled(bandwidth_gbps, 1e9).map(|bits| Rate::Bandwidth(BitRate(bits)));
    rate.ok_or_else(|| not_this(key, &bandwidth_gbps.to_string(), "greater than 0"))
}

/// The share of reversed records that mode and probability mean.
pub(super) fn reversed(mode: &str, probability: f64) -> Result<f64, FlowError> {
    match mode {
        "none" => Ok(0.0),
        "random" => Ok(probability),
        _ => Err(not_this("generation.bidirectional_mode", mode, "`none` or `random`")),
    }
}

fn subnets(key: &str, subnets: &[String], weights: &[f64]) -> Result<Subnets, FlowError> {
    let read = |text: &String| {
        text.parse().map_err(|reason| {
            let got = text.chars().take(64).collect();
            FlowError::new(key, FlowProblem::Subnet { got, reason })
        })
    };
    let subnets = subnets.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Subnets { subnets, weights: weights.to_vec() })
}
