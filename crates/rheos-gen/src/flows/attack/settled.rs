//! An attack with everything told: its own settings, else defaults of its kind within the configured networks.

use rheos_core::units::BitRate;
use rheos_core::{Nanos, Timestamp};

use super::model::Model;
use super::pace::EVENTS_MAX;
use super::{Attack, AttackKind, LIST_MAX, NAME_MAX};
use crate::flows::clock::Gap;
use crate::flows::config::{FlowConfig, FlowRate, not_this};
use crate::flows::error::{FlowError, FlowProblem};
use crate::flows::real::ACTIVE_TIMEOUT_NS;
use crate::flows::subnet::Subnet;

/// Uploads come in parts of a router's usual limit, or of `realism.active_timeout`.
const ACTIVE_TIMEOUT: Nanos = Nanos(ACTIVE_TIMEOUT_NS);
/// Cobalt Strike's default.
const BEACON_PERIOD: Nanos = Nanos::from_secs(60);
/// Of uploads: a choice.
const BANDWIDTH: BitRate = BitRate(50_000_000);
/// Events per second at most: one each nanosecond.
const RATE_MAX: u64 = 1_000_000_000;

/// Addresses for documentation (RFC 5737, RFC 3849) and measurements (RFC 2544, RFC 5180): nobody's.
const OUTSIDER: [&str; 2] = ["203.0.113.66", "2001:db8::66"];
const CROWD: [&str; 2] = ["198.18.0.0/15", "2001:2::/48"];
const RESOLVER: [&str; 2] = ["192.0.2.53", "2001:db8::53"];

/// An attack as it will be carried out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Settled {
    pub(in crate::flows) kind: AttackKind,
    pub(in crate::flows) name: String,
    pub(in crate::flows) sources: Vec<Subnet>,
    pub(in crate::flows) targets: Vec<Subnet>,
    pub(super) start: Timestamp,
    pub(super) gap: Gap,
    pub(super) events: u64,
    pub(super) ports: Vec<(u16, u16)>,
    pub(super) model: Model,
    /// Whether sizes were told, so that none depends on a service.
    pub(super) has_sizes: bool,
    pub(super) upload: Option<Upload>,
}

/// One long upload, which the active timeout cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) parts: u64,
    /// How long a part takes that is not the last one.
    pub(super) span: Nanos,
    /// Bytes of a part, and of the last one; how long the last one takes.
    pub(super) bytes: u64,
    pub(super) last_bytes: u64,
    pub(super) last_span: Nanos,
}

fn key(name: &str) -> String {
    format!("attacks.{name}")
}

fn range(name: &str, got: f64, min: f64, max: f64) -> FlowError {
    FlowError::new(key(name), FlowProblem::Range { got, min, max })
}

impl Attack {
    /// Everything told; `number` is its place in the list, from 1.
    pub(in crate::flows) fn settle(
        &self,
        number: usize,
        config: &FlowConfig,
    ) -> Result<Settled, FlowError> {
        self.check_name()?;
        self.check_numbers()?;
        self.check_places()?;
        let mut model = self.kind.model();
        if let Some(packets) = self.packets {
            model.request.packets = packets;
        }
        if let Some(bytes) = self.bytes {
            model.request.bytes = bytes;
        }
        if let Some(share) = self.answered {
            model.answered = (share * 64.0).round() as u32;
        }
        if let Some(jitter) = self.jitter {
            model.jitter = jitter;
        }
        let (sources, targets) = self.places(config)?;
        let ports = if self.ports.is_empty() { model.ports.to_vec() } else { self.ports.clone() };
        let name = match self.name.as_str() {
            "" => format!("{}-{number}", self.kind.name()),
            name => name.to_owned(),
        };
        let timeout = config.sessions.active_timeout.unwrap_or(ACTIVE_TIMEOUT);
        let (gap, events, upload) = self.pace(&model, timeout, (&sources, &targets), &ports);
        Ok(Settled {
            kind: self.kind,
            name,
            sources,
            targets,
            start: config.start + self.start,
            gap,
            events: events.clamp(1, EVENTS_MAX),
            ports,
            model,
            has_sizes: self.packets.is_some() || self.bytes.is_some(),
            upload,
        })
    }

    fn check_name(&self) -> Result<(), FlowError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.len() > NAME_MAX || !self.name.chars().all(is_plain) {
            let expected = "up to 64 letters, digits, `-`, `_` and `.`";
            return Err(not_this(&key("name"), &self.name, expected));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), FlowError> {
        let zero = |name: &str| Err(not_this(&key(name), "0", "above 0"));
        if self.duration == Some(Nanos::ZERO) {
            return zero("duration");
        }
        if self.count == Some(0) {
            return zero("count");
        }
        if self.period == Some(Nanos::ZERO) {
            return zero("period");
        }
        if self.bandwidth == Some(BitRate(0)) {
            return zero("bandwidth");
        }
        match self.rate {
            Some(FlowRate { micros: 0 }) => return zero("rate"),
            Some(FlowRate { micros }) if micros > RATE_MAX * 1_000_000 => {
                return Err(range("rate", micros as f64 / 1e6, 1e-6, RATE_MAX as f64));
            }
            _ => {}
        }
        for (name, share) in [("answered", self.answered), ("jitter", self.jitter)] {
            if let Some(got) = share.filter(|share| !(0.0..=1.0).contains(share)) {
                return Err(range(name, got, 0.0, 1.0));
            }
        }
        if let Some((from, to)) = self.packets.filter(|&(from, to)| from == 0 || from > to) {
            let expected = "a number above 0, or two in order like `10-14`";
            return Err(not_this(&key("packets"), &format!("{from}-{to}"), expected));
        }
        if let Some((from, to)) = self.bytes.filter(|&(from, to)| from > to) {
            let expected = "a number, or two in order like `1800-2200`";
            return Err(not_this(&key("bytes"), &format!("{from}-{to}"), expected));
        }
        self.check_what_fits()
    }

    /// What only some kinds have.
    fn check_what_fits(&self) -> Result<(), FlowError> {
        let is_beacon = self.kind == AttackKind::Beacon;
        let is_upload = self.kind == AttackKind::Exfiltration;
        let got = || self.kind.name().to_owned();
        let wrong = |name: &str, expected| Err(not_this(&key(name), &got(), expected));
        if self.period.is_some() && (!is_beacon || self.rate.is_some()) {
            return wrong("period", "of type `beacon`, and without `rate`");
        }
        if self.bandwidth.is_some() && !is_upload {
            return wrong("bandwidth", "of type `exfiltration`");
        }
        if is_upload && (self.rate.is_some() || self.packets.is_some() || self.bytes.is_some()) {
            let expected = "told by `bandwidth` and `duration` for this type";
            return wrong(if self.rate.is_some() { "rate" } else { "bytes" }, expected);
        }
        if self.kind == AttackKind::IcmpFlood && !self.ports.is_empty() {
            return wrong("ports", "of a type that has ports");
        }
        Ok(())
    }

    fn check_places(&self) -> Result<(), FlowError> {
        let lists = [
            ("source", self.sources.len()),
            ("target", self.targets.len()),
            ("ports", self.ports.len()),
        ];
        for (name, got) in lists {
            if got > LIST_MAX {
                return Err(FlowError::new(key(name), FlowProblem::TooMany { got, max: LIST_MAX }));
            }
        }
        if let Some((from, to)) = self.ports.iter().find(|(from, to)| from > to) {
            let got = format!("{from}-{to}");
            return Err(not_this(&key("ports"), &got, "ports like `22` or `1-1024`"));
        }
        let mut versions = self.sources.iter().chain(&self.targets).map(|s| s.is_ipv6());
        if let Some(first) = versions.next()
            && versions.any(|version| version != first)
        {
            let expected = "of the same IP version as all sources and targets of the attack";
            let got = self.targets.last().or(self.sources.last()).map(ToString::to_string);
            return Err(not_this(&key("target"), &got.unwrap_or_default(), expected));
        }
        Ok(())
    }

    /// Sources and targets, told or by default.
    fn places(&self, config: &FlowConfig) -> Result<(Vec<Subnet>, Vec<Subnet>), FlowError> {
        let (side, name) = if self.kind.is_outbound() {
            (&config.sources, "source")
        } else {
            (&config.destinations, "target")
        };
        let told = self.sources.first().or(self.targets.first()).map(|s| s.is_ipv6());
        let ipv6 = told.unwrap_or_else(|| side.subnets.iter().all(|s| s.is_ipv6()));
        let own = if self.kind.is_outbound() { &self.sources } else { &self.targets };
        let inside = match side.subnets.iter().find(|s| s.is_ipv6() == ipv6) {
            _ if !own.is_empty() => own.clone(),
            Some(net) if self.kind == AttackKind::HostScan => vec![*net],
            Some(net) => vec![net.first_host()],
            None => {
                let expected = "told where the configuration has no subnet of its IP version";
                return Err(not_this(&key(name), "left out", expected));
            }
        };
        let pick = |texts: [&str; 2]| texts[usize::from(ipv6)].parse().into_iter().collect();
        let other = if self.kind.is_outbound() { &self.targets } else { &self.sources };
        let outside = match self.kind {
            _ if !other.is_empty() => other.clone(),
            AttackKind::DnsTunnel => pick(RESOLVER),
            kind if kind.is_from_many() => pick(CROWD),
            _ => pick(OUTSIDER),
        };
        Ok(if self.kind.is_outbound() { (inside, outside) } else { (outside, inside) })
    }

    /// The distance of events and their number.
    fn pace(
        &self,
        model: &Model,
        timeout: Nanos,
        (sources, targets): (&[Subnet], &[Subnet]),
        ports: &[(u16, u16)],
    ) -> (Gap, u64, Option<Upload>) {
        let duration = self.duration.unwrap_or(Nanos::from_secs(model.duration_secs));
        if self.kind == AttackKind::Exfiltration {
            let upload = Upload::new(self.bandwidth.unwrap_or(BANDWIDTH), duration, timeout);
            let events = self.count.unwrap_or(1).saturating_mul(upload.parts);
            return (Gap::new(upload.span.0.into(), 1), events, Some(upload));
        }
        let gap = match (self.rate, self.duration, self.count) {
            _ if self.kind == AttackKind::Beacon && self.rate.is_none() => {
                let period = self.period.unwrap_or(BEACON_PERIOD);
                Gap::new(period.0.into(), super::hosts::HostRow::new(sources).count.into())
            }
            (None, Some(duration), Some(count)) => Gap::new(duration.0.into(), count.into()),
            (rate, ..) => {
                let micros = rate.map_or(model.rate_micros, |rate| rate.micros);
                Gap::new(1_000_000_000_000_000, micros.max(1).into())
            }
        };
        let in_time = gap.count_in(duration);
        let events = match (self.count, self.duration) {
            (Some(count), None) => count,
            (Some(count), Some(_)) => count.min(in_time.max(1)),
            (None, None) if self.kind.is_scan() => {
                let ports = ports.iter().map(|&(from, to)| u64::from(to - from) + 1).sum::<u64>();
                super::hosts::HostRow::new(targets).count.saturating_mul(ports)
            }
            (None, _) => in_time,
        };
        (gap, events, None)
    }
}

impl Upload {
    fn new(bandwidth: BitRate, duration: Nanos, timeout: Nanos) -> Self {
        let bytes = |span: Nanos| {
            let bits = u128::from(bandwidth.0) * u128::from(span.0) / 1_000_000_000;
            u64::try_from(bits / 8).unwrap_or(u64::MAX).clamp(40, 1 << 56)
        };
        let span = timeout.max(Nanos(1));
        let parts = duration.0.div_ceil(span.0).max(1);
        let last_span = Nanos(duration.0 - (parts - 1) * span.0);
        Self { parts, span, bytes: bytes(span), last_bytes: bytes(last_span), last_span }
    }
}

impl Settled {
    /// All of it in 64 bits.
    pub(in crate::flows) fn fingerprint(&self) -> u64 {
        // Everything that is told has its words in `Debug`, and nothing else.
        rheos_core::Seed(0).named(&format!("{self:?}")).0
    }
}
