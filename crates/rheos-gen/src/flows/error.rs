//! What can be wrong with a configuration of flows: which key, where, and what to write instead.

use std::fmt;

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named; empty for text that came from nowhere.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// `web.yaml:14`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            return write!(f, "line {}", self.line);
        }
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A configuration that cannot be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowError {
    /// The key in question, from the top: `network.source_weights`; empty for the whole.
    pub key: String,
    /// What is wrong with it.
    pub problem: FlowProblem,
    /// Where it was written, if it was read from text.
    pub place: Option<Place>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowProblem {
    /// It is not the format it should be.
    #[error("not valid {format}: {message}")]
    Syntax {
        /// YAML, JSON or TOML.
        format: &'static str,
        /// The parser's words.
        message: String,
    },
    /// A file name whose ending tells no format.
    #[error("unsupported config format: `{name}`")]
    Format {
        /// The file.
        name: String,
    },
    /// A file that cannot be read.
    #[error("config file not read: `{name}`: {reason}")]
    Read {
        /// The file.
        name: String,
        /// The system's words.
        reason: String,
    },
    /// Files that include each other, or too many levels of them.
    #[error("`{name}` cannot be included: {reason}")]
    Include {
        /// The file.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A variable that is not given and has no default, or is not written as one.
    #[error("variable `{name}`: {reason}")]
    Variable {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A key that does not exist.
    #[error("unknown key")]
    UnknownKey {
        /// The nearest one that does.
        nearest: Option<&'static str>,
    },
    /// A section, list or value where another is expected.
    #[error("is not {expected}")]
    Shape {
        /// What is expected.
        expected: &'static str,
    },
    /// A value that means nothing here.
    #[error("is `{got}`, it must be {expected}")]
    Value {
        /// As written.
        got: String,
        /// What it must be.
        expected: &'static str,
    },
    /// One of several keys is needed.
    #[error("must specify at least one of: {keys}")]
    Missing {
        /// The keys.
        keys: &'static str,
    },
    /// A list that must have entries has none.
    #[error("cannot be empty")]
    Empty,
    /// More entries than can be told apart.
    #[error("has {got} entries, at most {max} work")]
    TooMany {
        /// How many there are.
        got: usize,
        /// How many there may be.
        max: usize,
    },
    /// Percentages that do not make a whole.
    #[error("must sum to 100, got {got}")]
    Sum {
        /// Their sum.
        got: f64,
    },
    /// As many weights as subnets are needed.
    #[error("has {weights} weights for {subnets} subnets")]
    Weights {
        /// How many weights.
        weights: usize,
        /// How many subnets.
        subnets: usize,
    },
    /// Two sizes the wrong way round.
    #[error("({max}) must be >= `packets.min_size` ({min})")]
    Order {
        /// The largest size.
        max: u64,
        /// The smallest.
        min: u64,
    },
    /// A number outside its range.
    #[error("is {got}, it must lie between {min} and {max}")]
    Range {
        /// As written.
        got: f64,
        /// The least that works.
        min: f64,
        /// The most that works.
        max: f64,
    },
    /// A pattern that does not exist.
    #[error("unknown pattern type: `{got}`")]
    Pattern {
        /// As written.
        got: String,
        /// The nearest one that does.
        nearest: Option<&'static str>,
    },
    /// An attack that does not exist.
    #[error("unknown attack type: `{got}`")]
    AttackType {
        /// As written.
        got: String,
        /// The nearest one that does.
        nearest: Option<&'static str>,
    },
    /// Text that is no subnet.
    #[error("`{got}` is no subnet: {reason}")]
    Subnet {
        /// As written.
        got: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Subnets of an IP version that the other side lacks.
    #[error("has IPv{version} subnets with a weight, but `{other}` has none")]
    NoPartner {
        /// 4 or 6.
        version: u8,
        /// The list that lacks one.
        other: &'static str,
    },
    /// A stream that is not one of the streams.
    #[error("stream {stream} of {streams} does not exist")]
    Stream {
        /// Counted from 0.
        stream: u32,
        /// How many there are.
        streams: u32,
    },
    /// A checkpoint that is damaged or of another configuration.
    #[error("checkpoint: {0}")]
    Checkpoint(&'static str),
}

impl FlowError {
    #[cold]
    pub(super) fn new(key: impl Into<String>, problem: FlowProblem) -> Self {
        Self { key: key.into(), problem, place: None }
    }

    /// With the place where it was written, unless it knows one already.
    #[cold]
    pub(super) fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// What to write instead, as one line for people; `None` where the message says it all.
    pub fn hint(&self) -> Option<String> {
        let key = &self.key;
        Some(match &self.problem {
            FlowProblem::Read { .. } => {
                "name a file that is there; paths begin in the folder you are in".to_owned()
            }
            FlowProblem::Format { .. } => "use `.yaml`, `.yml`, `.json` or `.toml`".to_owned(),
            FlowProblem::UnknownKey { nearest: Some(nearest) }
            | FlowProblem::Pattern { nearest: Some(nearest), .. }
            | FlowProblem::AttackType { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            FlowProblem::Pattern { .. } => {
                let names: Vec<_> = super::Pattern::ALL.iter().map(|p| p.name()).collect();
                format!("patterns are: {}", names.join(", "))
            }
            FlowProblem::AttackType { .. } => {
                let names: Vec<_> = super::AttackKind::ALL.iter().map(|k| k.name()).collect();
                format!("attacks are: {}", names.join(", "))
            }
            FlowProblem::UnknownKey { .. } => "remove it, or put it where it belongs".to_owned(),
            FlowProblem::Missing { keys } => {
                let first = keys.split(", ").next().unwrap_or(keys);
                format!("add `{first}` to `{key}`")
            }
            FlowProblem::Empty => format!("add an entry to `{key}`"),
            FlowProblem::Sum { got } if *got < 100.0 => {
                format!("add {:.2} to one entry of `{key}`", 100.0 - got)
            }
            FlowProblem::Sum { got } => format!("take {:.2} from `{key}`", got - 100.0),
            FlowProblem::Weights { .. } => format!("give `{key}` one weight for each subnet"),
            FlowProblem::Order { .. } => {
                "raise `packets.max_size` or lower `packets.min_size`".to_owned()
            }
            FlowProblem::Range { got, min, max } => {
                let nearest = if got > max { max } else { min };
                format!("the nearest value `{key}` can have is {nearest}")
            }
            FlowProblem::Subnet { .. } => {
                "write a subnet like `10.0.0.0/8` or `2001:db8::/32`".to_owned()
            }
            FlowProblem::NoPartner { version: 6, other } => {
                format!("add an IPv6 subnet such as `2001:db8:1::/64` to `{other}`")
            }
            FlowProblem::NoPartner { other, .. } => {
                format!("add an IPv4 subnet such as `10.0.0.0/8` to `{other}`")
            }
            FlowProblem::Variable { name, .. } => {
                format!("give `{name}` a value, or write `${{{name}:-default}}`")
            }
            FlowProblem::Stream { streams, .. } => {
                format!("streams are numbered from 0 to {}", streams.saturating_sub(1))
            }
            _ => return None,
        })
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid configuration: ")?;
        if !self.key.is_empty() {
            write!(f, "`{}` ", self.key)?;
        }
        write!(f, "{}", self.problem)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FlowError {}
