//! How the rate of a configuration changes with time: `realism.diurnal`, `realism.schedule`, `realism.burst_bias`.

use rheos_core::{Nanos, Seed};

use super::document::Node;
use super::keys;
use super::schema::{Section, scaled};
use super::{FlowConfig, not_this};
use crate::flows::Arrivals;
use crate::flows::error::{FlowError, FlowProblem};

/// How the rate changes with time; the default leaves it as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// For [`Arrivals::Bursty`]: which share of its time the slower half of any stretch of traffic takes, 0.5 to 0.95.
    /// 0.5 makes no bursts. The default is 0.7; traces of networks and disks lie between 0.6 and 0.8 (Wang and others,
    /// ICDE 2002).
    pub burst_bias: f64,
    /// The hours of a day. Over a whole day (a week, where weekends differ) the mean rate is the configured one.
    pub diurnal: Option<Diurnal>,
    /// Steps, ramps and spikes on top of that, in order of time. Before the first the rate is 1.
    pub schedule: Vec<Step>,
}

/// The hours of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diurnal {
    /// When most comes, 0 to 24.
    pub peak_hour: f64,
    /// The peak's rate in multiples of the least, which is twelve hours off: 1 to 1000.
    pub multiplier: f64,
    /// What Saturdays and Sundays have of other days' rates: 0.01 to 100.
    pub weekend: f64,
    /// How far local time is ahead of UTC, in seconds.
    pub utc_offset_secs: i32,
}

/// A rate from a moment on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// After the start.
    pub at: Nanos,
    /// In multiples of the configured rate, 0 to 1000; at least 0.001 if it is not 0.
    pub rate: f64,
    /// Whether the rate has moved there along a straight line since the step before, or since the start.
    pub ramp: bool,
}

const BIASES: (f64, f64) = (0.5, 0.95);
const BIAS: f64 = 0.7;
const HOURS: (f64, f64) = (0.0, 24.0);
const MULTIPLIERS: (f64, f64) = (1.0, 1000.0);
const WEEKENDS: (f64, f64) = (0.01, 100.0);
/// UTC-12:00 to UTC+14:00 are in use.
const OFFSET_MAX: i32 = 14 * 3600;
/// Most steps.
pub(in crate::flows) const STEPS_MAX: usize = 256;
/// Latest step: a year and a day.
const STEP_LAST: Nanos = Nanos::from_secs(366 * 86_400);
const RATES: (f64, f64) = (0.0, 1000.0);
/// Smallest rate that is not 0.
const RATE_LEAST: f64 = 0.001;

impl Default for Timing {
    fn default() -> Self {
        Self { burst_bias: BIAS, diurnal: None, schedule: Vec::new() }
    }
}

impl Timing {
    /// All of it in 64 bits.
    pub(in crate::flows) fn fingerprint(&self) -> u64 {
        let mut hash = Seed(self.burst_bias.to_bits()).named("timing 1");
        if let Some(Diurnal { peak_hour, multiplier, weekend, utc_offset_secs }) = self.diurnal {
            let parts = [peak_hour.to_bits(), multiplier.to_bits(), weekend.to_bits()];
            hash = parts.into_iter().fold(hash, Seed::child);
            hash = hash.child(u64::from(utc_offset_secs.cast_unsigned()));
        }
        for step in &self.schedule {
            hash = hash.child(step.at.0).child(step.rate.to_bits()).child(step.ramp.into());
        }
        hash.0
    }
}

impl Default for Diurnal {
    /// Four times as much at 14:00 UTC as at 02:00, and half of it at weekends.
    fn default() -> Self {
        Self { peak_hour: 14.0, multiplier: 4.0, weekend: 0.5, utc_offset_secs: 0 }
    }
}

fn within(key: &str, got: f64, (min, max): (f64, f64)) -> Result<(), FlowError> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    Err(FlowError::new(key, FlowProblem::Range { got, min, max }))
}

/// Every rule.
pub(super) fn check(config: &FlowConfig) -> Result<(), FlowError> {
    let Timing { burst_bias, diurnal, schedule } = &config.timing;
    within("realism.burst_bias", *burst_bias, BIASES)?;
    if burst_bias.to_bits() != BIAS.to_bits() && config.realism.arrivals != Arrivals::Bursty {
        let expected = "left out unless `realism.arrivals` is `bursty`";
        return Err(not_this("realism.burst_bias", &burst_bias.to_string(), expected));
    }
    if let Some(diurnal) = diurnal {
        within("realism.diurnal.peak_hour", diurnal.peak_hour, HOURS)?;
        within("realism.diurnal.multiplier", diurnal.multiplier, MULTIPLIERS)?;
        within("realism.diurnal.weekend", diurnal.weekend, WEEKENDS)?;
        if diurnal.utc_offset_secs.abs() > OFFSET_MAX {
            let got = diurnal.utc_offset_secs.to_string();
            let expected = "at most 14 hours from UTC";
            return Err(not_this("realism.diurnal.utc_offset", &got, expected));
        }
    }
    if schedule.len() > STEPS_MAX {
        let problem = FlowProblem::TooMany { got: schedule.len(), max: STEPS_MAX };
        return Err(FlowError::new("realism.schedule", problem));
    }
    let mut before = None;
    for step in schedule {
        within("realism.schedule.rate", step.rate, RATES)?;
        if step.rate > 0.0 && step.rate < RATE_LEAST {
            let problem = FlowProblem::Range { got: step.rate, min: RATE_LEAST, max: RATES.1 };
            return Err(FlowError::new("realism.schedule.rate", problem));
        }
        let got = || step.at.as_secs_f64().to_string();
        if step.at > STEP_LAST {
            return Err(not_this("realism.schedule.at", &got(), "at most 366 days in seconds"));
        }
        if before.is_some_and(|before| step.at <= before) {
            let expected = "later than that of the step before";
            return Err(not_this("realism.schedule.at", &got(), expected));
        }
        before = Some(step.at);
    }
    Ok(())
}

/// Reads what `realism` says about time.
pub(super) fn read(section: &Section<'_>) -> Result<Timing, FlowError> {
    let mut timing = Timing::default();
    if let Some(bias) = section.float("burst_bias")? {
        timing.burst_bias = bias;
    }
    if section.get("diurnal").is_some() {
        timing.diurnal = Some(read_diurnal(&section.section("diurnal", &keys::DIURNAL)?)?);
    }
    if let Some(list) = section.list("schedule")? {
        timing.schedule = list.iter().map(read_step).collect::<Result<_, _>>()?;
    }
    Ok(timing)
}

fn read_diurnal(section: &Section<'_>) -> Result<Diurnal, FlowError> {
    let default = Diurnal::default();
    let number = |key, default| Ok::<f64, FlowError>(section.float(key)?.unwrap_or(default));
    Ok(Diurnal {
        peak_hour: number("peak_hour", default.peak_hour)?,
        multiplier: number("multiplier", default.multiplier)?,
        weekend: number("weekend", default.weekend)?,
        utc_offset_secs: section
            .parsed("utc_offset", utc_offset, "like `+01:00`, `-05:30` or `Z`")?
            .unwrap_or_default(),
    })
}

/// `+01:00`, `-05:30`, `Z` (RFC 3339 §5.6).
fn utc_offset(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, max: i32| {
        let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i32>().ok().filter(|&n| is_number && n <= max)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

fn read_step(node: &Node) -> Result<Step, FlowError> {
    let section = Section::new(node, "realism.schedule", &keys::STEP)?;
    let at = section.span("at")?.ok_or_else(|| section.missing("at"))?;
    let rate = section.float("rate")?.ok_or_else(|| section.missing("rate"))?;
    let step = Step { at, rate, ramp: section.switch("ramp")?.unwrap_or_default() };
    if step.rate < 0.0 {
        let (min, max) = RATES;
        return Err(section.error("rate", FlowProblem::Range { got: step.rate, min, max }));
    }
    Ok(step)
}

impl Section<'_> {
    /// A span of time: `90s`, `15m`, or a number of seconds.
    pub(super) fn span(&self, key: &str) -> Result<Option<Nanos>, FlowError> {
        let parse = |text: &str| match scaled(text, 9) {
            Some((nanos, _)) => Some(Nanos(nanos)),
            None => text.parse().ok(),
        };
        self.parsed(key, parse, "a span of time like `90s`")
    }

    /// `true` or `false`.
    pub(super) fn switch(&self, key: &str) -> Result<Option<bool>, FlowError> {
        self.parsed(key, |text| text.to_ascii_lowercase().parse().ok(), "`true` or `false`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::config::{Format, Variables};

    #[test]
    fn offsets_are_read_like_those_of_times() {
        for (text, expected) in [
            ("+01:00", Some(3600)),
            ("-05:30", Some(-19_800)),
            ("Z", Some(0)),
            ("+1:00", None),
            ("01:00", None),
            ("+01:60", None),
            ("+0a:00", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(utc_offset(text), expected, "{text}");
        }
    }

    fn read(realism: &str) -> Result<FlowConfig, FlowError> {
        let text = format!(
            "generation: {{max_flows: 10, rate: {{flows_per_second: 1}}}}\n\
             traffic_patterns: [{{type: dns_traffic, percentage: 100}}]\n\
             network: {{source_subnets: [10.0.0.0/8], destination_subnets: [192.0.2.0/24]}}\n\
             realism:\n{realism}"
        );
        FlowConfig::parse(&text, Format::Yaml, &Variables::NONE)
    }

    #[test]
    fn everything_about_time_is_read() {
        let config = read(
            "  arrivals: bursty\n  burst_bias: 0.8\n  diurnal: {peak_hour: 9.5, utc_offset: \"-05:00\"}\n  \
             schedule:\n  - {at: 30s, rate: 2}\n  - {at: 90, rate: 0.5, ramp: true}\n",
        );
        let diurnal = Diurnal { peak_hour: 9.5, utc_offset_secs: -18_000, ..Diurnal::default() };
        let schedule = vec![
            Step { at: Nanos::from_secs(30), rate: 2.0, ramp: false },
            Step { at: Nanos::from_secs(90), rate: 0.5, ramp: true },
        ];
        let expected = Timing { burst_bias: 0.8, diurnal: Some(diurnal), schedule };
        assert_eq!(config.map(|c| c.timing), Ok(expected));
    }

    #[test]
    fn what_is_wrong_with_time_is_told_with_its_line() {
        for (realism, key, part, line) in [
            ("  burst_bias: 0.6", "realism.burst_bias", "unless `realism.arrivals`", 5),
            ("  arrivals: bursty\n  burst_bias: 1", "realism.burst_bias", "0.5 and 0.95", 6),
            ("  diurnal: {peak_hour: 25}", "realism.diurnal.peak_hour", "0 and 24", 5),
            ("  diurnal: {multiplier: 0}", "realism.diurnal.multiplier", "1 and 1000", 5),
            ("  diurnal:\n    weekend: 0", "realism.diurnal.weekend", "0.01", 6),
            ("  diurnal: {utc_offset: \"+15:00\"}", "realism.diurnal.utc_offset", "14 hours", 5),
            ("  diurnal: {utc_offset: 3}", "realism.diurnal.utc_offset", "like `+01:00`", 5),
            ("  diurnal: {peek_hour: 3}", "realism.diurnal.peek_hour", "unknown key", 5),
            ("  schedule: [{rate: 1}]", "realism.schedule", "at least one of: at", 5),
            ("  schedule: [{at: 1s}]", "realism.schedule", "at least one of: rate", 5),
            ("  schedule:\n  - {at: 1s, rate: -1}", "realism.schedule.rate", "0 and 1000", 6),
            ("  schedule: [{at: 1s, rate: 0.0001}]", "realism.schedule.rate", "0.001", 5),
            (
                "  schedule: [{at: 2s, rate: 1}, {at: 1s, rate: 1}]",
                "realism.schedule.at",
                "later",
                5,
            ),
            ("  schedule: [{at: 400d, rate: 1}]", "realism.schedule.at", "366 days", 5),
            ("  schedule: [{at: soon, rate: 1}]", "realism.schedule.at", "like `90s`", 5),
            ("  schedule: {at: 1s}", "realism.schedule", "is not a list", 5),
        ] {
            let error = read(realism).expect_err(realism);
            let text = error.to_string();
            assert!(error.key == key && text.contains(part), "{realism}: {text}");
            assert_eq!(error.place.map(|p| p.line), Some(line), "{realism}: {text}");
        }
    }

    #[test]
    fn there_are_so_many_steps_at_most() {
        let step = |at| Step { at: Nanos::from_secs(at), rate: 1.0, ramp: false };
        let timing = |steps: usize| Timing {
            schedule: (1..=steps as u64).map(step).collect(),
            ..Timing::default()
        };
        let config = |steps| FlowConfig { timing: timing(steps), ..FlowConfig::default() };
        assert_eq!(config(STEPS_MAX).check(), Ok(()));
        assert!(config(STEPS_MAX + 1).check().is_err());
    }
}
