//! The list `attacks` of a configuration.

use rheos_core::units::BitRate;

use super::document::{Node, Value};
use super::keys;
use super::schema::{Section, scalar, scaled, subnet};
use super::{FlowConfig, FlowRate, SHOWN, not_this};
use crate::flows::attack::{ATTACKS_MAX, Attack, AttackKind};
use crate::flows::error::{FlowError, FlowProblem};
use crate::flows::subnet::Subnet;

/// Every rule, the first broken one as the error.
pub(super) fn check(config: &FlowConfig) -> Result<(), FlowError> {
    let attacks = &config.attacks;
    if attacks.len() > ATTACKS_MAX {
        let problem = FlowProblem::TooMany { got: attacks.len(), max: ATTACKS_MAX };
        return Err(FlowError::new("attacks", problem));
    }
    let mut names = Vec::new();
    for number in 1..=attacks.len() {
        names.push(check_one(config, number, &names)?);
    }
    Ok(())
}

/// The attack's name, if all is right with it.
fn check_one(config: &FlowConfig, number: usize, names: &[String]) -> Result<String, FlowError> {
    let Some(attack) = config.attacks.get(number - 1) else { return Ok(String::new()) };
    let settled = attack.settle(number, config)?;
    if names.contains(&settled.name) || settled.name == "background" {
        let expected = "a name that nothing else has";
        return Err(not_this("attacks.name", &settled.name, expected));
    }
    Ok(settled.name)
}

/// With the place in the list where the first wrong attack is.
pub(super) fn place(root: &Node, config: &FlowConfig, error: FlowError) -> FlowError {
    let list = match root.get("attacks").map(|node| &node.value) {
        Some(Value::List(list)) if error.key.starts_with("attacks.") => list,
        _ => return error,
    };
    let mut names = Vec::new();
    for (number, node) in (1..).zip(list) {
        let Ok(name) = check_one(config, number, &names) else {
            let place = node.place_of(error.key.trim_start_matches("attacks."));
            return error.at(place);
        };
        names.push(name);
    }
    error
}

/// Reads the list.
pub(super) fn read(top: &Section<'_>) -> Result<Vec<Attack>, FlowError> {
    let list = top.list("attacks")?.unwrap_or_default();
    list.iter().map(read_attack).collect()
}

fn read_attack(node: &Node) -> Result<Attack, FlowError> {
    let section = Section::new(node, "attacks", &keys::ATTACK)?;
    let name = section.text("type")?.ok_or_else(|| section.missing("type"))?;
    let kind = AttackKind::of_name(name.trim()).map_err(|nearest| {
        let got = name.chars().take(SHOWN).collect();
        section.error("type", FlowProblem::AttackType { got, nearest })
    })?;
    let flows = section.decimal("rate", 6, "a number of events per second above 0")?;
    let bandwidth = |text: &str| text.parse::<BitRate>().ok();
    Ok(Attack {
        kind,
        name: section.text("name")?.unwrap_or_default().trim().to_owned(),
        start: section.span("start")?.unwrap_or_default(),
        duration: section.span("duration")?,
        rate: flows.map(|micros| FlowRate { micros }),
        count: section.whole("count", u64::MAX)?,
        sources: subnets(&section, "source")?,
        targets: subnets(&section, "target")?,
        ports: ports(&section)?,
        packets: section.parsed("packets", range, "a number or two like `10-14`")?,
        bytes: section.parsed("bytes", range, "a number or two like `1800-2200`")?,
        answered: section.float("answered")?,
        period: section.span("period")?,
        jitter: section.float("jitter")?,
        bandwidth: section.parsed("bandwidth", bandwidth, "like `50Mbps`")?,
    })
}

/// One value or a list of them.
fn each<'a>(section: &Section<'a>, key: &str) -> &'a [Node] {
    match section.get(key) {
        None => &[],
        Some(node) => match &node.value {
            Value::List(list) => list,
            _ => std::slice::from_ref(node),
        },
    }
}

fn subnets(section: &Section<'_>, key: &str) -> Result<Vec<Subnet>, FlowError> {
    let read = |node: &Node| subnet(node, || section.path(key));
    each(section, key).iter().map(read).collect()
}

/// Numbers and ranges: `22`, `1-1024`, `22,80,8000-8100`, or a list of them.
fn ports(section: &Section<'_>) -> Result<Vec<(u16, u16)>, FlowError> {
    let mut all = Vec::new();
    for node in each(section, "ports") {
        let text = scalar(node, || section.path("ports"))?;
        for part in text.split(',') {
            let range = range::<u16>(part.trim()).ok_or_else(|| {
                let expected = "ports like `22` or `1-1024`";
                not_this(&section.path("ports"), part, expected).at(node.place())
            })?;
            all.push(range);
        }
    }
    Ok(all)
}

/// `7` or `7-9`, also `1e3`.
fn range<T: TryFrom<u64> + Copy>(text: &str) -> Option<(T, T)> {
    let number = |text: &str| {
        let (value, is_whole) = scaled(text.trim(), 0)?;
        T::try_from(value).ok().filter(|_| is_whole)
    };
    match text.split_once('-') {
        Some((from, to)) => Some((number(from)?, number(to)?)),
        None => number(text).map(|one| (one, one)),
    }
}

#[cfg(test)]
mod tests;
