//! What flows are wanted: the older generator's configuration, and what is ours.
//!
//! Every field has a default. [`FlowConfig::plan`] checks it; `document` reads it from YAML, JSON and TOML.

mod attacks;
mod document;
mod generator_config;
mod include;
mod json;
mod keys;
mod models;
mod schema;
mod timing;
mod toml;
mod variables;
mod yaml;

use rheos_core::units::BitRate;
use rheos_core::{Nanos, Timestamp};

use super::attack::Attack;
use super::error::{FlowError, FlowProblem};
use super::pattern::Pattern;
use super::plan::FlowPlan;
use super::real::{Realism, Service, Sessions, SizeModel};
use super::routes::{self, Route};
use super::subnet::Subnet;

pub use document::{Document, Format};
pub use generator_config::{GeneratorConfig, TrafficPattern};
pub use keys::{CONFIG_KEYS, ConfigKey, ConfigKeys};
pub use timing::{Diurnal, Step, Timing};
pub use variables::Variables;

/// Everything that determines the records.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowConfig {
    /// All randomness follows from it.
    pub seed: u64,
    /// Goes into every record; streams of one seed differ by it.
    pub stream_id: u32,
    /// How many records; without a limit they go on to the last moment that 64 bits can tell.
    pub max_flows: Option<u64>,
    /// Over how much simulated time.
    pub duration: Option<Nanos>,
    /// Only records before this moment.
    pub end: Option<Timestamp>,
    /// How fast the clock goes.
    pub rate: Rate,
    /// The moment of the first record.
    pub start: Timestamp,
    /// How likely it is that a record runs from server to client; 0 makes none. Records share no state.
    pub reversed_share: f64,
    /// Kinds of traffic with their percentages, which sum to 100 (within 0.01) and are then scaled to it.
    pub patterns: Vec<(Pattern, f64)>,
    /// Kinds of traffic with models of their own; all percentages together sum to 100.
    pub services: Vec<(Service, f64)>,
    /// How flows belong together; more than the default makes wide records.
    pub sessions: Sessions,
    /// Where clients are.
    pub sources: Subnets,
    /// Where servers are.
    pub destinations: Subnets,
    /// What routers know of networks; records that tell it are wide.
    pub routes: Vec<Route>,
    /// Lengths in bytes.
    pub sizes: Sizes,
    /// Models of a real network; their records are wide.
    pub realism: Realism,
    /// How the rate changes with time; records are wide if it does.
    pub timing: Timing,
    /// Attacks within the traffic, on top of its rate; they make records wide. The first has label 1.
    pub attacks: Vec<Attack>,
}

/// How fast the clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// So that the records' lengths come to this bandwidth.
    Bandwidth(BitRate),
    /// So many records per second.
    Flows(FlowRate),
}

/// Records per second, in millionths, so that one per day can be told as well as a trillion per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowRate {
    /// Millionths of a record per second.
    pub micros: u64,
}

/// Subnets with their weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Subnets {
    /// The subnets; IPv6 ones make records that only [`WideRecord`](rheos_core::WideRecord) holds.
    pub subnets: Vec<Subnet>,
    /// Percentages, one for each subnet, summing to 100 (within 0.01); empty for equal shares.
    pub weights: Vec<f64>,
}

/// Lengths in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// No record is shorter.
    pub min: u32,
    /// No record is longer.
    pub max: u32,
    /// The mean of all lengths: sizes of every pattern are moved towards `min` or `max` until it is met. Without it:
    /// the patterns' own.
    pub average: Option<u32>,
}

/// How far sums of percentages may be off 100.
const SUM_TOLERANCE: f64 = 0.01;
/// How much of a wrong value an error repeats.
const SHOWN: usize = 64;
/// Most patterns: a record has 8 bits for its pattern.
const PATTERNS_MAX: usize = 256;
/// Exponents of Zipf's law: what is measured lies between 0.8 and 1.2.
const EXPONENTS: (f64, f64) = (0.5, 2.0);
/// Largest size: the older generator's signed 32 bits.
pub(super) const SIZE_MAX: u32 = i32::MAX as u32;

/// The moment of the first record where none is told: 2024-01-01, as in all examples of the older generator.
const START: Timestamp = Timestamp::from_secs(1_704_067_200);

impl Default for FlowConfig {
    /// The older generator's defaults: 10 Gbit/s from 192.168.1.0/24 to 10.0.0.0/8, and its example's mix.
    fn default() -> Self {
        let net = |a, b, c, length| Subnet::new([a, b, c, 0].into(), length);
        Self {
            seed: 1,
            stream_id: 0,
            max_flows: None,
            duration: None,
            end: None,
            rate: Rate::Bandwidth(BitRate(10_000_000_000)),
            start: START,
            reversed_share: 0.0,
            patterns: vec![
                (Pattern::Web, 40.0),
                (Pattern::Database, 20.0),
                (Pattern::Dns, 20.0),
                (Pattern::Ssh, 10.0),
                (Pattern::Random, 10.0),
            ],
            services: Vec::new(),
            sessions: Sessions::default(),
            sources: Subnets::even(net(192, 168, 1, 24)),
            destinations: Subnets::even(net(10, 0, 0, 8)),
            routes: Vec::new(),
            sizes: Sizes { min: 64, max: 1500, average: None },
            realism: Realism::default(),
            timing: Timing::default(),
            attacks: Vec::new(),
        }
    }
}

impl FlowRate {
    /// From records per second, rounded to millionths; `None` unless it is more than 0 and fits.
    pub fn per_second(rate: f64) -> Option<Self> {
        let micros = (rate * 1e6).round();
        (1.0..1.8e19).contains(&micros).then_some(Self { micros: micros as u64 })
    }
}

impl Subnets {
    /// Subnets that are equally likely.
    pub fn even(subnets: impl IntoIterator<Item = Subnet>) -> Self {
        Self { subnets: subnets.into_iter().collect(), weights: Vec::new() }
    }

    /// The weights, told or equal.
    pub(super) fn weights(&self) -> Vec<f64> {
        if self.weights.is_empty() { vec![1.0; self.subnets.len()] } else { self.weights.clone() }
    }

    fn check(&self, subnets: &str, weights: &str) -> Result<(), FlowError> {
        let max = super::alias::CHOICES_MAX;
        match self.subnets.len() {
            0 => return Err(FlowError::new(subnets, FlowProblem::Empty)),
            got if got > max => {
                return Err(FlowError::new(subnets, FlowProblem::TooMany { got, max }));
            }
            _ => {}
        }
        if self.weights.is_empty() {
            return Ok(());
        }
        if self.weights.len() != self.subnets.len() {
            let problem =
                FlowProblem::Weights { weights: self.weights.len(), subnets: self.subnets.len() };
            return Err(FlowError::new(weights, problem));
        }
        check_percentages(&self.weights, weights)
    }

    /// Whether any subnet of this version can be chosen.
    fn has(&self, ipv6: bool) -> bool {
        let weights = self.weights();
        self.subnets.iter().zip(weights).any(|(s, w)| s.is_ipv6() == ipv6 && w > 0.0)
    }
}

fn check_percentages(percentages: &[f64], key: &str) -> Result<(), FlowError> {
    for &got in percentages {
        if !(0.0..=100.0).contains(&got) {
            return Err(FlowError::new(key, FlowProblem::Range { got, min: 0.0, max: 100.0 }));
        }
    }
    let got: f64 = percentages.iter().sum();
    // A little more, so that 100.01 as a sum of decimals still passes.
    if (got - 100.0).abs() > SUM_TOLERANCE + 1e-9 {
        // As people write it, without what adding binary fractions leaves.
        return Err(FlowError::new(key, FlowProblem::Sum { got: (got * 1e6).round() / 1e6 }));
    }
    Ok(())
}

impl FlowConfig {
    /// Checks everything and works out what follows from it.
    pub fn plan(&self) -> Result<FlowPlan, FlowError> {
        self.check()?;
        Ok(FlowPlan::new(self))
    }

    /// Every rule, the first broken one as the error.
    pub fn check(&self) -> Result<(), FlowError> {
        let wrong = |key: &str, problem| Err(FlowError::new(key, problem));
        if self.max_flows == Some(0) {
            return Err(not_this("generation.max_flows", "0", "a whole number above 0"));
        }
        if self.duration == Some(Nanos::ZERO) {
            return Err(not_this("generation.duration_seconds", "0", "a number above 0"));
        }
        match self.rate {
            Rate::Bandwidth(BitRate(0)) => {
                return Err(not_this("generation.rate.bandwidth_gbps", "0", "greater than 0"));
            }
            Rate::Flows(FlowRate { micros: 0 }) => {
                return Err(not_this("generation.rate.flows_per_second", "0", "greater than 0"));
            }
            _ => {}
        }
        if !(0.0..=1.0).contains(&self.reversed_share) {
            let problem = FlowProblem::Range { got: self.reversed_share, min: 0.0, max: 1.0 };
            return wrong("generation.bidirectional_probability", problem);
        }
        match self.patterns.len() + self.services.len() {
            0 => return wrong("traffic_patterns", FlowProblem::Empty),
            got if got > PATTERNS_MAX => {
                let max = PATTERNS_MAX;
                return wrong("traffic_patterns", FlowProblem::TooMany { got, max });
            }
            _ => {}
        }
        let services = self.services.iter().map(|s| s.1);
        let percentages: Vec<f64> = self.patterns.iter().map(|p| p.1).chain(services).collect();
        check_percentages(&percentages, "traffic_patterns")?;
        for (service, _) in &self.services {
            service.check("traffic_patterns")?;
        }
        self.sources.check("network.source_subnets", "network.source_weights")?;
        self.destinations.check("network.destination_subnets", "network.destination_weights")?;
        self.check_versions()?;
        routes::check(&self.routes)?;
        self.check_sizes()?;
        self.check_sessions()?;
        self.check_realism()?;
        timing::check(self)?;
        attacks::check(self)
    }

    /// Whether flows follow a model of a real network.
    pub(super) fn is_modelled(&self) -> bool {
        self.realism != Realism::default()
            || !self.services.is_empty()
            || self.sessions != Sessions::default()
    }

    fn check_sessions(&self) -> Result<(), FlowError> {
        if self.sessions.conversations.is_some() && self.reversed_share > 0.0 {
            let expected = "`none` where `realism.conversations` makes both directions";
            return Err(not_this("generation.bidirectional_mode", "random", expected));
        }
        self.sessions.check()
    }

    /// Every version that one side draws must be one that the other side has.
    fn check_versions(&self) -> Result<(), FlowError> {
        const SIDES: [&str; 2] = ["network.source_subnets", "network.destination_subnets"];
        for (ipv6, version) in [(false, 4), (true, 6)] {
            let has = [self.sources.has(ipv6), self.destinations.has(ipv6)];
            for (side, other) in [(0, 1), (1, 0)] {
                if has[side] && !has[other] {
                    let problem = FlowProblem::NoPartner { version, other: SIDES[other] };
                    return Err(FlowError::new(SIDES[side], problem));
                }
            }
        }
        Ok(())
    }

    fn check_realism(&self) -> Result<(), FlowError> {
        let Realism { sizes, host_exponent, .. } = self.realism;
        let modelled = sizes != SizeModel::Patterns || !self.services.is_empty();
        let (min, max) = EXPONENTS;
        match (host_exponent, self.sizes.average) {
            (Some(got), _) if !(min..=max).contains(&got) => {
                let problem = FlowProblem::Range { got, min, max };
                Err(FlowError::new("realism.host_exponent", problem))
            }
            (_, Some(average)) if modelled => {
                let expected = "left out where models say how long flows are";
                Err(not_this("packets.average_size", &average.to_string(), expected))
            }
            _ => Ok(()),
        }
    }

    fn check_sizes(&self) -> Result<(), FlowError> {
        let Sizes { min, max, average } = self.sizes;
        let range = |key: &str, got: u32, min: u32, max: u32| {
            let (got, min, max) = (got.into(), min.into(), max.into());
            Err(FlowError::new(key, FlowProblem::Range { got, min, max }))
        };
        if max > SIZE_MAX {
            return range("packets.max_size", max, 1, SIZE_MAX);
        }
        if max < min {
            let problem = FlowProblem::Order { max: max.into(), min: min.into() };
            return Err(FlowError::new("packets.max_size", problem));
        }
        if max == 0 {
            return range("packets.max_size", max, 1, SIZE_MAX);
        }
        match average {
            Some(average) if !(min..=max).contains(&average) => {
                range("packets.average_size", average, min, max)
            }
            Some(0) => range("packets.average_size", 0, 1, max),
            _ => Ok(()),
        }
    }
}

/// A value that is not what it must be.
#[cold]
pub(super) fn not_this(key: &str, got: &str, expected: &'static str) -> FlowError {
    let got = got.chars().take(SHOWN).collect();
    FlowError::new(key, FlowProblem::Value { got, expected })
}

#[cfg(test)]
mod tests;
