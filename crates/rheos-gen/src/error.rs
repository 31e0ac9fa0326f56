//! What can be wrong with a configuration. Each error names the field; [`Error::hint`] says what to write instead.

use thiserror::Error as ThisError;

/// A configuration that cannot be carried out.
#[derive(Clone, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A percentage outside 0 to 100.
    #[error("`{field}` is {got}, it must lie between 0 and 100")]
    Percent {
        /// Where it was written.
        field: &'static str,
        /// What was written.
        got: f64,
    },
    /// A number outside its range.
    #[error("`{field}` is {got}, it must lie between {min} and {max}")]
    Range {
        /// Where it was written.
        field: &'static str,
        /// What was written.
        got: f64,
        /// The least that works.
        min: f64,
        /// The most that works.
        max: f64,
    },
    /// An address or prefix that cannot be read.
    #[error("`{field}` holds `{got}`, which is no address or prefix: {reason}")]
    Prefix {
        /// Where it was written.
        field: &'static str,
        /// What was written.
        got: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Addresses of a version are needed and there are none.
    #[error("`{field}` has no IPv{version} prefix, but IPv{version} conversations are asked for")]
    NoAddress {
        /// The list that lacks one.
        field: &'static str,
        /// 4 or 6.
        version: u8,
    },
    /// A list that must have entries has none.
    #[error("`{field}` is empty, but `{because}` needs it")]
    Empty {
        /// The empty list.
        field: &'static str,
        /// The field that needs it.
        because: &'static str,
    },
    /// Two fields that cannot both hold.
    #[error("`{field}` and `{other}` together come to {got}, more than {max}")]
    Sum {
        /// The one field.
        field: &'static str,
        /// The other.
        other: &'static str,
        /// Their sum.
        got: f64,
        /// The most it may be.
        max: f64,
    },
    /// Every weight of the mix is 0.
    #[error("every weight in `mix` is 0, but conversations are asked for")]
    EmptyMix,
    /// A scenario's attacker and target are of different IP versions.
    #[error("scenario `{label}`: attacker `{attacker}` and target `{target}` differ in IP version")]
    ScenarioVersions {
        /// The scenario's label.
        label: String,
        /// Its attacker.
        attacker: String,
        /// Its target.
        target: String,
    },
    /// More labels than 65 535.
    #[error("`scenarios` has {got} entries, at most {max} can be told apart")]
    Scenarios {
        /// How many there are.
        got: usize,
        /// How many there may be.
        max: usize,
    },
    /// A shard number that is not below the number of shards.
    #[error("shard {shard} of {shards} does not exist")]
    Shard {
        /// The number asked for, counted from 0.
        shard: u64,
        /// How many there are.
        shards: u64,
    },
}

impl Error {
    /// What to write instead, as one line for people.
    pub fn hint(&self) -> String {
        match self {
            Self::Percent { field, .. } => {
                format!("write `{field}` in percent, for example `2.5` for one in forty")
            }
            Self::Range { field, got, min, max } => {
                let nearest = if got > max { max } else { min };
                format!("the nearest value `{field}` can have is {nearest}")
            }
            Self::Prefix { field, .. } => format!(
                "write `{field}` like `10.20.0.0/16`, `2001:db8:1::/64` or a single address"
            ),
            Self::NoAddress { field, version: 6 } => format!(
                "add a prefix such as `2001:db8:1::/64` to `{field}`, or set `addresses.ipv6_percent` to 0"
            ),
            Self::NoAddress { field, .. } => format!(
                "add a prefix such as `10.20.0.0/16` to `{field}`, or set `addresses.ipv6_percent` to 100"
            ),
            Self::Empty { field, because } => {
                format!("add an entry to `{field}`, or set `{because}` to 0")
            }
            Self::Sum { field, other, .. } => format!("lower `{field}` or `{other}`"),
            Self::EmptyMix => {
                "give a pattern a weight, for example `mix.http = 1`, or set `conversations` to 0"
                    .into()
            }
            Self::ScenarioVersions { .. } => "use two IPv4 or two IPv6 addresses".into(),
            Self::Scenarios { max, .. } => format!("split the run: at most {max} scenarios each"),
            Self::Shard { shards, .. } => {
                format!("shards are numbered from 0 to {}", shards.saturating_sub(1))
            }
        }
    }
}
