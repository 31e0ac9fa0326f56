//! The filter language of flow records: nfdump's words over the expression that packets share.
//!
//! | primitive | true when |
//! |---|---|
//! | `ip A`, `host A`, `net A/len`, `net A M`, `ip in [A B/len ...]`, `ip A-B` | an address is A, or in that network, list or range |
//! | `port N`, `port > N`, `port A-B`, `port in [...]` | TCP, UDP or SCTP with such a port; N is a number or a well-known name |
//! | `src ...`, `dst ...`, `src and dst ...`, `src or dst ...` before any of these, `as` or `mask` | the same of one end, both or either |
//! | `proto N`, `proto in [...]`, `tcp`, `udp`, `icmp`, ... | IP protocol N, a number or a name |
//! | `ipv4`, `ipv6` (also `inet`, `inet6`, `ip`, `ip6`) | that version |
//! | `flags SAFRPU`, `flags any SAF` | TCP with all of these flags, or any of them; `X` is all six |
//! | `bytes`, `packets`, `flows`, `pps`, `bps`, `bpp` and a number with `k`, `m`, `g`, `t` (powers of 1000) | the record's count, or its rate |
//! | `duration > 500` (milliseconds), `duration > 1s500ms` | from the first to the last packet |
//! | `first >= TIME`, `last < TIME` | when it began or ended: RFC 3339, or seconds since the epoch |
//! | `if N`, `in if N`, `out if N`, `tos N`, `as N`, `mask N`, `icmp-type N`, `icmp-code N` | as the router told |
//! | `stream N`, `pattern N`, `label N`, `flow-id N`, `end-reason N` | as the generator or exporter told |
//! | `any` | always |
//!
//! Numbers are compared with `=` (which may be left out), `==`, `!=`, `<`, `<=`, `>`, `>=` or `EQ NE LT LE GT
//! GE`, and with lists: `as in [64500 64501]`. Words may be in capitals, `#` begins a comment, and what joins
//! primitives is `and`, `or`, `not`, `&&`, `||`, `!` and parentheses.
//!
//! **`and` binds tighter than `or` here**, as in nfdump, SQL and most languages. In the packet language both
//! bind equally, as in pcap-filter(7); expressions that mix them should use parentheses, which mean the same in
//! both. Each language is its own parser over one [`Expr`], so that a back end compiles either.
//!
//! Where it differs from nfdump: ports are those of TCP, UDP and SCTP only, as everywhere in Rheos, so that an
//! ICMP flow has none; `not flags AF` is true without any of the flags (as in nfdump), `not (flags AF)` without
//! at least one; next hops, MPLS, MAC addresses, NAT and payload are not part of a record.

mod lex;
mod parse;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::error::FilterError;
use super::{Comparison, Expr, Primitive, Side};
use crate::{Nanos, Timestamp};

/// A filter of flow records, or nothing, which lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowFilter {
    expr: Option<Expr>,
}

impl FlowFilter {
    /// A filter of this expression.
    pub const fn new(expr: Expr) -> Self {
        Self { expr: Some(expr) }
    }

    /// Parses filter text; empty text lets everything through.
    ///
    /// ```
    /// use rheos_core::filter::FlowFilter;
    /// let filter = FlowFilter::parse("proto tcp and dst port 443 and bytes > 100k").unwrap();
    /// assert_eq!(filter.to_string(), "tcp and dst port 443 and bytes > 100000");
    /// ```
    ///
    /// # Errors
    /// If it is not understood.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|expr| Self { expr })
    }

    /// The expression; `None` lets everything through.
    pub const fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }

    /// Both filters.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.expr, other.expr) {
            (Some(a), Some(b)) => Self { expr: Some(a.and(b)) },
            (a, b) => Self { expr: a.or(b) },
        }
    }
}

impl FromStr for FlowFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

/// Canonical text, which parses back to an equal filter.
impl fmt::Display for FlowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| write!(f, "{expr}"))
    }
}

/// A test that needs a flow record: no single packet can answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowTest {
    /// A number of the record.
    Number {
        /// Which.
        field: FlowField,
        /// How.
        comparison: Comparison,
        /// With what, in the field's unit.
        value: u64,
    },
    /// `flags SA`: TCP, and these bits of its flags (RFC 9293 section 3.1).
    Flags {
        /// Which bits.
        mask: u8,
        /// Any of them, else all.
        any: bool,
    },
    /// `ip A-B`: an address from `first` to `last`, both inclusive and of one version.
    Range {
        /// Whose address.
        side: Side,
        /// Lowest.
        first: IpAddr,
        /// Highest.
        last: IpAddr,
    },
}

/// A number of a flow record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowField {
    /// Octets of its packets.
    Bytes,
    /// Packets.
    Packets,
    /// Flows: 1 in a record that is not aggregated.
    Flows,
    /// Packets per second of duration; 0 where it has none.
    PacketsPerSecond,
    /// Bits per second of duration; 0 where it has none.
    BitsPerSecond,
    /// Bytes per packet.
    BytesPerPacket,
    /// Nanoseconds from the first to the last packet.
    Duration,
    /// First packet, nanoseconds since the epoch.
    First,
    /// Last packet, nanoseconds since the epoch.
    Last,
    /// TCP flags as a number.
    TcpFlags,
    /// Type of service.
    Tos,
    /// SNMP index of the interface it came in by, left by, or either.
    Interface(Side),
    /// Autonomous system of the source, the destination, or either.
    As(Side),
    /// Length of the prefix of the source, the destination, or either.
    Mask(Side),
    /// ICMP type (IANA), of protocol 1 or 58.
    IcmpType,
    /// ICMP code (IANA), of protocol 1 or 58.
    IcmpCode,
    /// Which generator or exporter made it.
    Stream,
    /// Which pattern made it.
    Pattern,
    /// Index of the ground-truth label.
    Label,
    /// Number of the conversation.
    FlowId,
    /// IPFIX flowEndReason.
    EndReason,
}

impl FlowField {
    /// Fields that are one word, the usual ones first.
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("bytes", Self::Bytes),
        ("packets", Self::Packets),
        ("flows", Self::Flows),
        ("duration", Self::Duration),
        ("pps", Self::PacketsPerSecond),
        ("bps", Self::BitsPerSecond),
        ("bpp", Self::BytesPerPacket),
        ("first", Self::First),
        ("last", Self::Last),
        ("tos", Self::Tos),
        ("tcp-flags", Self::TcpFlags),
        ("icmp-type", Self::IcmpType),
        ("icmp-code", Self::IcmpCode),
        ("stream", Self::Stream),
        ("pattern", Self::Pattern),
        ("label", Self::Label),
        ("flow-id", Self::FlowId),
        ("end-reason", Self::EndReason),
    ];

    /// Highest value.
    pub(super) const fn max(self) -> u64 {
        match self {
            Self::TcpFlags
            | Self::Tos
            | Self::IcmpType
            | Self::IcmpCode
            | Self::Pattern
            | Self::Label
            | Self::EndReason
            | Self::Mask(_) => u8::MAX as u64,
            Self::Interface(_) => u16::MAX as u64,
            Self::As(_) | Self::Stream => u32::MAX as u64,
            _ => u64::MAX,
        }
    }

    fn fmt_name(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(Side::Src) => f.write_str("in if"),
            Self::Interface(Side::Dst) => f.write_str("out if"),
            Self::Interface(side) => write!(f, "{}if", side.prefix()),
            Self::As(side) => write!(f, "{}as", side.prefix()),
            Self::Mask(side) => write!(f, "{}mask", side.prefix()),
            other => {
                let word = Self::WORDS.iter().find(|(_, field)| *field == other);
                f.write_str(word.map_or("any", |(word, _)| word))
            }
        }
    }
}

/// TCP flags by the letters that filters use; CWR and ECE are C and E.
pub(super) const FLAG_LETTERS: [(char, u8); 8] = [
    ('F', 0x01),
    ('S', 0x02),
    ('R', 0x04),
    ('P', 0x08),
    ('A', 0x10),
    ('U', 0x20),
    ('E', 0x40),
    ('C', 0x80),
];

impl fmt::Display for FlowTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Number { field, comparison, value } => {
                field.fmt_name(f)?;
                write!(f, " {} ", comparison.symbol())?;
                match field {
                    FlowField::Duration => write!(f, "{}", Nanos(value)),
                    FlowField::First | FlowField::Last => {
                        write!(f, "{}ns", Timestamp::from_nanos(value).as_nanos())
                    }
                    _ => write!(f, "{value}"),
                }
            }
            Self::Flags { mask, any } => {
                f.write_str(if any { "flags any " } else { "flags all " })?;
                FLAG_LETTERS
                    .iter()
                    .filter(|(_, bit)| mask & bit != 0)
                    .try_for_each(|(letter, _)| write!(f, "{letter}"))
            }
            Self::Range { side, first, last } => write!(f, "{}ip {first}-{last}", side.prefix()),
        }
    }
}

/// A filter holds a test that only flow records can answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{test}` needs a flow record: a packet alone does not tell")]
pub struct NeedsFlow {
    /// The test.
    pub test: FlowTest,
}

impl Expr {
    /// That a single packet can answer it.
    ///
    /// # Errors
    /// With the first test that needs a flow record.
    pub fn check_packet(&self) -> Result<(), NeedsFlow> {
        match self {
            Self::Primitive(Primitive::Flow(test)) => Err(NeedsFlow { test: *test }),
            Self::Primitive(_) => Ok(()),
            Self::Not(inner) => inner.check_packet(),
            Self::And(list) | Self::Or(list) => list.iter().try_for_each(Self::check_packet),
        }
    }
}

#[cfg(test)]
mod tests;
