//! The tree of a configuration as [`FlowConfig`]: the older generator's keys, and ours.

use rheos_core::units::{BitRate, Count};
use rheos_core::{Nanos, Timestamp, suggest};

use super::document::{Node, Value};
use super::generator_config::reversed;
use super::keys::{self, ConfigKeys};
use super::models::{read_service, read_sessions};
use super::{FlowConfig, FlowRate, Rate, Sizes, Subnets, attacks, timing};
use crate::flows::error::{FlowError, FlowProblem, Place};
use crate::flows::pattern::UnknownPattern;
use crate::flows::subnet::Subnet;
use crate::flows::{Arrivals, Realism, Route, SizeModel};

/// Reads and checks; errors know their line.
pub(super) fn read(root: &Node) -> Result<FlowConfig, FlowError> {
    let config = unchecked(root)?;
    config.check().map_err(|error| {
        let place = root.place_of(&error.key);
        attacks::place(root, &config, error).at(place)
    })?;
    Ok(config)
}

fn unchecked(root: &Node) -> Result<FlowConfig, FlowError> {
    let top = Section::new(root, "", &keys::TOP)?;
    let mut config = FlowConfig { patterns: Vec::new(), ..FlowConfig::default() };
    let generation = top.section("generation", &keys::GENERATION)?;
    read_generation(&mut config, &generation)?;
    for node in top.list("traffic_patterns")?.unwrap_or_default() {
        read_pattern(&mut config, node)?;
    }
    let network = top.section("network", &keys::NETWORK)?;
    read_subnets(&network, &mut config.sources, "source_subnets", "source_weights")?;
    let destinations = &mut config.destinations;
    read_subnets(&network, destinations, "destination_subnets", "destination_weights")?;
    for node in network.list("routes")?.unwrap_or_default() {
        config.routes.push(read_route(node)?);
    }
    read_sizes(&mut config.sizes, &top.section("packets", &keys::PACKETS)?)?;
    let realism = top.section("realism", &keys::REALISM)?;
    read_realism(&mut config.realism, &realism)?;
    config.timing = timing::read(&realism)?;
    config.attacks = attacks::read(&top)?;
    config.sessions = read_sessions(&realism)?;
    Ok(config)
}

fn read_generation(config: &mut FlowConfig, section: &Section<'_>) -> Result<(), FlowError> {
    if let Some(seed) = section.whole("seed", u64::MAX)? {
        config.seed = seed;
    }
    if let Some(stream) = section.whole("stream_id", u32::MAX.into())? {
        config.stream_id = stream as u32;
    }
    config.max_flows = section.whole("max_flows", u64::MAX)?;
    config.duration = section.decimal("duration_seconds", 9, "a number above 0")?.map(Nanos);
    if let Some(start) = section.moment("start_timestamp")? {
        config.start = start;
    }
    config.end = section.moment("end_timestamp")?;
    let endless = config.max_flows.is_none() && config.duration.is_none() && config.end.is_none();
    if endless {
        return Err(section.missing("max_flows, duration_seconds"));
    }
    let rate = section.section("rate", &keys::RATE)?;
    let gigabits = rate.decimal("bandwidth_gbps", 9, "greater than 0")?;
    let bandwidth =
        rate.parsed("bandwidth", |text| text.parse::<BitRate>().ok(), "like `40Gbps`")?;
    let flows = rate.decimal("flows_per_second", 6, "greater than 0")?;
    config.rate = match (gigabits.map(BitRate).or(bandwidth), flows) {
        (Some(bits), _) => Rate::Bandwidth(bits),
        (None, Some(micros)) => Rate::Flows(FlowRate { micros }),
        (None, None) => return Err(rate.missing("bandwidth_gbps, flows_per_second")),
    };
    let mode = section.text("bidirectional_mode")?.unwrap_or("none");
    let probability = section.float("bidirectional_probability")?.unwrap_or(0.5);
    if !(0.0..=1.0).contains(&probability) {
        let problem = FlowProblem::Range { got: probability, min: 0.0, max: 1.0 };
        return Err(section.error("bidirectional_probability", problem));
    }
    config.reversed_share = reversed(mode, probability)
        .map_err(|error| section.error("bidirectional_mode", error.problem))?;
    Ok(())
}

/// Patterns and services have lists of their own; in records, services come after the patterns.
fn read_pattern(config: &mut FlowConfig, node: &Node) -> Result<(), FlowError> {
    if let Some(kind) = node.get("type")
        && scalar(kind, || "traffic_patterns.type".to_owned())?.eq_ignore_ascii_case("service")
    {
        let section = Section::new(node, "traffic_patterns", &keys::SERVICE)?;
        let percentage = section.float("percentage")?.unwrap_or(0.0);
        let service = read_service(&section)?;
        service.check("traffic_patterns").map_err(|error| error.at(node.place()))?;
        config.services.push((service, percentage));
        return Ok(());
    }
    let section = Section::new(node, "traffic_patterns", &keys::PATTERN)?;
    let kind = section.text("type")?.unwrap_or("random");
    let kind = kind.parse().map_err(|unknown: UnknownPattern| {
        let error = unknown.error("traffic_patterns.type");
        section.error("type", error.problem)
    })?;
    config.patterns.push((kind, section.float("percentage")?.unwrap_or(0.0)));
    Ok(())
}

fn read_route(node: &Node) -> Result<Route, FlowError> {
    let section = Section::new(node, "network.routes", &keys::ROUTE)?;
    let Some(network) = section.get("network") else { return Err(section.missing("network")) };
    let network = subnet(network, || section.path("network"))?;
    let as_number = section.whole("as", u32::MAX.into())?.unwrap_or(0) as u32;
    let interface = section.whole("interface", u16::MAX.into())?.unwrap_or(0) as u16;
    Ok(Route { network, as_number, interface })
}

fn read_subnets(
    network: &Section<'_>,
    side: &mut Subnets,
    subnets: &'static str,
    weights: &'static str,
) -> Result<(), FlowError> {
    if let Some(list) = network.list(subnets)? {
        let read = |node: &Node| subnet(node, || network.path(subnets));
        side.subnets = list.iter().map(read).collect::<Result<_, _>>()?;
    }
    if let Some(list) = network.list(weights)? {
        let read = |node: &Node| number(node, || network.path(weights));
        side.weights = list.iter().map(read).collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn read_sizes(sizes: &mut Sizes, section: &Section<'_>) -> Result<(), FlowError> {
    let max = u64::from(super::SIZE_MAX);
    let size = |key| Ok(section.whole(key, max)?.map(|size| size as u32));
    sizes.min = size("min_size")?.unwrap_or(sizes.min);
    sizes.max = size("max_size")?.unwrap_or(sizes.max);
    sizes.average = size("average_size")?;
    Ok(())
}

fn read_realism(realism: &mut Realism, section: &Section<'_>) -> Result<(), FlowError> {
    let sizes = |text: &str| match text {
        "patterns" => Some(SizeModel::Patterns),
        "agh_2015" => Some(SizeModel::Agh2015),
        "services" => Some(SizeModel::Services),
        _ => None,
    };
    let arrivals = |text: &str| match text {
        "even" => Some(Arrivals::Even),
        "poisson" => Some(Arrivals::Poisson),
        "bursty" => Some(Arrivals::Bursty),
        _ => None,
    };
    let expected = "`patterns`, `agh_2015` or `services`";
    realism.sizes = section.parsed("sizes", sizes, expected)?.unwrap_or_default();
    let expected = "`even`, `poisson` or `bursty`";
    realism.arrivals = section.parsed("arrivals", arrivals, expected)?.unwrap_or_default();
    realism.host_exponent = section.float("host_exponent")?;
    Ok(())
}

/// A section whose keys are all known.
pub(super) struct Section<'a> {
    node: Option<&'a Node>,
    name: String,
    /// Where errors about missing keys point to.
    around: Place,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        node: &'a Node,
        name: impl Into<String>,
        known: &'static ConfigKeys,
    ) -> Result<Self, FlowError> {
        let name = name.into();
        let section = Self { node: Some(node), name, around: node.place() };
        let members = match &node.value {
            Value::Section(members) => members,
            Value::Nothing => return Ok(section),
            _ => {
                let problem = FlowProblem::Shape { expected: "a section with keys" };
                return Err(FlowError::new(section.name, problem).at(node.place()));
            }
        };
        for (key, member) in members {
            if !known.names().any(|name| name == key) {
                let nearest = suggest::nearest(key, known.names())
                    .and_then(|near| known.names().find(|k| *k == near));
                let shown: String = key.chars().take(super::SHOWN).collect();
                let error =
                    FlowError::new(section.path(&shown), FlowProblem::UnknownKey { nearest });
                return Err(error.at(member.place()));
            }
        }
        Ok(section)
    }

    pub(super) fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// What lies under a key, unless it is empty.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.node?.get(key).filter(|node| node.value != Value::Nothing)
    }

    #[cold]
    pub(super) fn error(&self, key: &str, problem: FlowProblem) -> FlowError {
        let place = self.get(key).map_or_else(|| self.around.clone(), Node::place);
        FlowError::new(self.path(key), problem).at(place)
    }

    #[cold]
    pub(super) fn missing(&self, keys: &'static str) -> FlowError {
        FlowError::new(self.name.clone(), FlowProblem::Missing { keys }).at(self.around.clone())
    }

    /// A section below; an empty one if it is not there.
    pub(super) fn section(
        &self,
        key: &str,
        known: &'static ConfigKeys,
    ) -> Result<Section<'a>, FlowError> {
        match self.get(key) {
            Some(node) => Section::new(node, self.path(key), known),
            None => Ok(Section { node: None, name: self.path(key), around: self.around.clone() }),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<&'a [Node]>, FlowError> {
        match self.get(key).map(|node| &node.value) {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items)),
            Some(_) => Err(self.error(key, FlowProblem::Shape { expected: "a list" })),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, FlowError> {
        self.get(key).map(|node| scalar(node, || self.path(key))).transpose()
    }

    pub(super) fn float(&self, key: &str) -> Result<Option<f64>, FlowError> {
        self.get(key).map(|node| number(node, || self.path(key))).transpose()
    }

    /// A list of numbers; empty if there is none.
    pub(super) fn floats(&self, key: &str) -> Result<Vec<f64>, FlowError> {
        let list = self.list(key)?.unwrap_or_default();
        list.iter().map(|node| number(node, || self.path(key))).collect()
    }

    /// Whether it was written at all.
    pub(super) fn is_there(&self) -> bool {
        self.node.is_some()
    }

    /// What `parse` makes of the text.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, FlowError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(text.trim()).map(Some).ok_or_else(|| {
            let got = text.chars().take(super::SHOWN).collect();
            self.error(key, FlowProblem::Value { got, expected })
        })
    }

    /// A whole number, also as people write it: `10M`.
    pub(super) fn whole(&self, key: &str, max: u64) -> Result<Option<u64>, FlowError> {
        let parse = |text: &str| {
            let count = text.parse::<Count>().map(|c| c.0).ok().or_else(|| exact(text))?;
            (count <= max).then_some(count)
        };
        let expected =
            if max == u64::MAX { "a whole number" } else { "a whole number that is not larger" };
        self.parsed(key, parse, expected)
    }

    /// A decimal number times ten to the `power`, rounded.
    pub(super) fn decimal(
        &self,
        key: &str,
        power: i32,
        expected: &'static str,
    ) -> Result<Option<u64>, FlowError> {
        self.parsed(key, |text| scaled(text, power).map(|(value, _)| value), expected)
    }

    /// Seconds since the epoch, exact to the nanosecond; or a time as RFC 3339 writes it.
    pub(super) fn moment(&self, key: &str) -> Result<Option<Timestamp>, FlowError> {
        let parse = |text: &str| match scaled(text, 9) {
            Some((nanos, _)) => Some(Timestamp::from_nanos(nanos)),
            None => text.parse().ok(),
        };
        self.parsed(key, parse, "seconds since 1970, or a time like `2024-01-01T00:00:00Z`")
    }
}

pub(super) fn scalar(node: &Node, key: impl Fn() -> String) -> Result<&str, FlowError> {
    match &node.value {
        Value::Text(text) => Ok(text),
        _ => Err(FlowError::new(key(), FlowProblem::Shape { expected: "a single value" })
            .at(node.place())),
    }
}

pub(super) fn subnet(node: &Node, key: impl Fn() -> String) -> Result<Subnet, FlowError> {
    let text = scalar(node, &key)?;
    text.parse().map_err(|reason| {
        let got = text.chars().take(super::SHOWN).collect();
        FlowError::new(key(), FlowProblem::Subnet { got, reason }).at(node.place())
    })
}

pub(super) fn number(node: &Node, key: impl Fn() -> String) -> Result<f64, FlowError> {
    let text = scalar(node, &key)?;
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => {
            let got = text.chars().take(super::SHOWN).collect();
            let problem = FlowProblem::Value { got, expected: "a number" };
            Err(FlowError::new(key(), problem).at(node.place()))
        }
    }
}

/// Largest power of ten in a number: what is beyond fits no 64 bits whatever its unit.
const POWER_MAX: i32 = 40;

/// A whole number with a point or exponent: `1e6`, `100.0`.
fn exact(text: &str) -> Option<u64> {
    scaled(text, 0).filter(|&(_, whole)| whole).map(|(value, _)| value)
}

/// A decimal number that is not negative times ten to the `power`, rounded half up, and whether nothing was rounded.
pub(super) fn scaled(text: &str, power: i32) -> Option<(u64, bool)> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let starts_well = whole.starts_with(|c: char| c.is_ascii_digit());
    if !starts_well || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // Digits beyond those that 128 bits hold cannot matter after rounding, unless there is no fraction.
    let fraction: String = fraction.chars().filter(|&c| c != '_').take(20).collect();
    let mut value: u128 = 0;
    for digit in whole.bytes().filter(|&b| b != b'_').chain(fraction.bytes()) {
        value = value.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
    }
    let shift = exponent.checked_add(power)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if value == 0 {
        return Some((0, true));
    }
    if !(-POWER_MAX..=POWER_MAX).contains(&shift) {
        return None;
    }
    if shift >= 0 {
        let value = value.checked_mul(10_u128.checked_pow(shift.unsigned_abs())?)?;
        return Some((u64::try_from(value).ok()?, true));
    }
    let Some(divisor) = 10_u128.checked_pow(shift.unsigned_abs()) else { return Some((0, false)) };
    let rounded = value / divisor + u128::from(value % divisor >= divisor / 2);
    Some((u64::try_from(rounded).ok()?, value.is_multiple_of(divisor)))
}

#[cfg(test)]
mod tests;
