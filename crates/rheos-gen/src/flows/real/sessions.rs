//! What flows of both directions have in common: answers, round trips, timeouts of the router that tells of them.

use rheos_core::Nanos;

use super::distribution::{Distribution, Shares};
use super::quantiles::Quantiles;
use crate::flows::error::{FlowError, FlowProblem};

/// How flows belong together; the default makes each on its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    /// Both directions of every conversation.
    pub conversations: Option<Conversations>,
    /// Servers own ports: those of one port are a few hosts of each subnet, the same ones in every run.
    pub service_affinity: bool,
    /// A flow that lasts longer is cut: a record tells of no longer time. Without it, long flows end there.
    pub active_timeout: Option<Nanos>,
    /// A flow whose packets are further apart is cut between all of them.
    pub inactive_timeout: Option<Nanos>,
}

/// Both directions of every conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversations {
    /// The share of requests that are answered.
    pub answered: f64,
    /// The share of TCP connections that are refused. The rest, without an answer, are SYNs alone.
    pub refused: f64,
    /// From a request to the first packet of its answer, in milliseconds.
    pub round_trip: Distribution,
    /// What the server takes to answer, in milliseconds.
    pub think_time: Distribution,
    /// How likely it is that request and reply are at the same place of their distributions of packets. Else they know
    /// nothing of each other. Either way each keeps its own distribution.
    pub correlation: f64,
    /// In how many conversations of `agh_2015` the reply is the larger of the two, which come from one distribution.
    pub downstream: f64,
    /// The share of TCP connections for which a name is looked up first, at a resolver of the server's subnet.
    pub dns_before: f64,
}

impl Default for Conversations {
    /// Round trips with a median of 30 ms, 95 % between 6 and 144, and 5 ms of thinking are choices, as are the shares
    /// of answers. 91 % downstream is what dormitories of the AGH campus had (Jurkiewicz and others, 2021).
    fn default() -> Self {
        Self {
            answered: 0.93,
            refused: 0.02,
            round_trip: Distribution::LogNormal { median: 30.0, sigma: 0.8 },
            think_time: Distribution::LogNormal { median: 5.0, sigma: 1.5 },
            correlation: 0.6,
            downstream: 0.91,
            dns_before: 0.3,
        }
    }
}

/// Longest round trip or thinking: ten minutes.
const WAIT_MAX_MS: f64 = 600_000.0;
/// Timeouts that routers offer lie between one second and a day.
const TIMEOUTS: (f64, f64) = (1.0, 86_400.0);

impl Sessions {
    /// Every rule, the first broken one as the error.
    pub(in crate::flows) fn check(&self) -> Result<(), FlowError> {
        let wrong = |key: &str, problem| Err(FlowError::new(format!("realism.{key}"), problem));
        for (key, timeout) in
            [("active_timeout", self.active_timeout), ("inactive_timeout", self.inactive_timeout)]
        {
            let (min, max) = TIMEOUTS;
            match timeout.map(Nanos::as_secs_f64) {
                Some(got) if !(min..=max).contains(&got) => {
                    return wrong(key, FlowProblem::Range { got, min, max });
                }
                _ => {}
            }
        }
        let Some(conversations) = &self.conversations else { return Ok(()) };
        let shares = [
            ("answered", conversations.answered, 1.0),
            ("refused", conversations.refused, 1.0 - conversations.answered),
            ("correlation", conversations.correlation, 1.0),
            ("downstream", conversations.downstream, 1.0),
            ("dns_before", conversations.dns_before, 1.0),
        ];
        for (key, got, max) in shares {
            // A little more, for what adding binary fractions leaves.
            if !(0.0..=max + 1e-9).contains(&got) {
                let key = format!("conversations.{key}");
                return wrong(&key, FlowProblem::Range { got, min: 0.0, max });
            }
        }
        for (key, wait) in
            [("round_trip", &conversations.round_trip), ("think_time", &conversations.think_time)]
        {
            wait.check().or_else(|problem| wrong(&format!("conversations.{key}"), problem))?;
        }
        Ok(())
    }
}

/// Bits behind the point of [`Talk::stretch`].
pub(super) const STRETCH_BITS: u32 = 29;

/// A checked [`Sessions`] with its tables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SessionPlan {
    pub(super) conversations: Option<Talk>,
    pub(super) timeouts: Timeouts,
}

/// Conversations as thresholds of random words, and tables in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Talk {
    /// Half words below are refused; those below the next have no answer.
    pub(super) refused: u64,
    pub(super) failed: u64,
    /// What stretches the places of answered flows over all places again, in units of 2^-29: 4 at most.
    pub(super) stretch: u32,
    pub(super) correlation: u64,
    pub(super) downstream: u64,
    pub(super) dns_before: u64,
    pub(super) round_trip: Quantiles,
    pub(super) think_time: Quantiles,
}

/// When a router tells of a flow that goes on, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timeouts {
    pub(super) active: Option<u64>,
    pub(super) inactive: Option<u64>,
}

impl Timeouts {
    /// What lasts less long is not cut.
    pub(super) fn least(self) -> u64 {
        self.active.unwrap_or(u64::MAX).min(self.inactive.unwrap_or(u64::MAX))
    }
}

/// A share of all half words; 2^32 is all of them.
fn of_halves(share: f64) -> u64 {
    (share * 4_294_967_296.0) as u64
}

impl SessionPlan {
    /// `None` where every flow is one record.
    pub(super) fn new(sessions: &Sessions) -> Option<Self> {
        let Sessions { conversations, active_timeout, inactive_timeout, .. } = sessions;
        if conversations.is_none() && active_timeout.is_none() && inactive_timeout.is_none() {
            return None;
        }
        let table =
            |of: &Distribution| Quantiles::new(&Shares::new(of), |ms| ms.min(WAIT_MAX_MS) * 1e6);
        let talk = |of: &Conversations| {
            let failed = (1.0 - of.answered).clamp(0.0, 1.0);
            Talk {
                refused: of_halves(of.refused.min(failed)),
                failed: of_halves(failed),
                stretch: (f64::from(1_u32 << STRETCH_BITS) / (1.0 - failed).max(0.25)) as u32,
                correlation: of_halves(of.correlation),
                downstream: of_halves(of.downstream),
                dns_before: of_halves(of.dns_before),
                round_trip: table(&of.round_trip),
                think_time: table(&of.think_time),
            }
        };
        Some(Self {
            conversations: conversations.as_ref().map(talk),
            timeouts: Timeouts {
                active: active_timeout.map(|t| t.0),
                inactive: inactive_timeout.map(|t| t.0),
            },
        })
    }
}

#[cfg(test)]
mod tests;
