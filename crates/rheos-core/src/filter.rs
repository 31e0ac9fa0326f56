//! The one filter language: a subset of pcap-filter(7), as an expression that every back end compiles.
//!
//! | primitive | true when |
//! |---|---|
//! | `host A`, `net A/len`, `net 10.1`, `net A mask M` | an address of the packet is A, or in that network |
//! | `port N`, `portrange A-B` | TCP, UDP or SCTP with such a port; N is a number or a well-known name |
//! | `src ...`, `dst ...`, `src and dst ...` before any of these | the same of one end, or of both |
//! | `tcp port N`, `udp ...`, `sctp ...`, `ip host A`, `ip6 net A/len` | the same of one protocol |
//! | `ip`, `ip6`, `tcp`, `udp`, `sctp`, `icmp`, `icmp6`, `igmp`, `esp`, `ah`, `pim`, `vrrp` | that protocol |
//! | `proto N`, `ip proto N`, `ip6 proto N` | IP protocol N, a number or a name |
//! | `vlan`, `vlan N` | there is a VLAN tag, with id N |
//! | `mpls`, `pppoes` | there is such a header |
//! | `tunnel`, `gre`, `vxlan`, `geneve`, `gtpu`, `erspan`, `teredo`, `ipip`, `l2tp`, `ayiya`, `etherip`, with an id | the packet travelled in such a tunnel |
//! | `less N`, `greater N`, `len <= N` | length of the frame on the wire; both bounds inclusive |
//!
//! They are joined by `and`, `or`, `not` (`&&`, `||`, `!`) and parentheses. As in pcap-filter(7), `not`
//! binds tightest, and `and` and `or` bind **equally**, from left to right: `a or b and c` means
//! `(a or b) and c`. A value without a type takes that of the primitive before it: `port 80 or 443`.
//!
//! Where this language differs from pcap-filter(7), on purpose: `vlan`, `mpls`, `pppoes` and tunnel words
//! test what was decoded and move no offsets, so `port 80` also finds tagged packets, and addresses and
//! ports are those of the layer that keys the flow; names of ports stand for their number whatever the
//! protocol; host names are not looked up; bytes cannot be addressed (`tcp[13]`).
//!
//! Filters of flow records are a language of their own over the same expression: see [`FlowFilter`].

mod error;
mod flow;
mod lex;
mod names;
mod parse;
mod value;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::IpVersion;

pub use error::{FilterError, FilterErrorKind};
pub use flow::{FlowField, FlowFilter, FlowTest, NeedsFlow};
pub use names::{protocol_name, service_name, service_port};

/// Longest filter text in bytes.
pub const TEXT_MAX: usize = 64 * 1024;

/// How deep `not`, parentheses and changes between `and` and `or` may nest.
pub const DEPTH_MAX: usize = 64;

/// A filter: an expression, or nothing, which lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    expr: Option<Expr>,
}

impl Filter {
    /// A filter of this expression.
    pub const fn new(expr: Expr) -> Self {
        Self { expr: Some(expr) }
    }

    /// Parses filter text; empty text lets everything through.
    ///
    /// ```
    /// use rheos_core::filter::Filter;
    /// let filter = Filter::parse("tcp port 80 or 443 and not net 10/8").unwrap();
    /// assert_eq!(
    ///     filter.to_string(),
    ///     "(tcp port 80 or tcp port 443) and not net 10.0.0.0/8"
    /// );
    /// ```
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|expr| Self { expr })
    }

    /// The expression; `None` lets everything through.
    pub const fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

/// Canonical text, which parses back to an equal filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| write!(f, "{expr}"))
    }
}

/// A boolean expression over [`Primitive`]s.
///
/// Made with [`and`](Self::and) and [`or`](Self::or), an `And` holds no `And` and an `Or` no `Or`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// One test.
    Primitive(Primitive),
    /// True when the inner expression is false.
    Not(Box<Expr>),
    /// True when all are; at least two.
    And(Vec<Expr>),
    /// True when any is; at least two.
    Or(Vec<Expr>),
}

impl Expr {
    /// Both; chains of `and` become one list.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut all = match self {
            Self::And(all) => all,
            one => vec![one],
        };
        match other {
            Self::And(more) => all.extend(more),
            one => all.push(one),
        }
        Self::And(all)
    }

    /// Either; chains of `or` become one list.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut any = match self {
            Self::Or(any) => any,
            one => vec![one],
        };
        match other {
            Self::Or(more) => any.extend(more),
            one => any.push(one),
        }
        Self::Or(any)
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// In parentheses if it is a list.
    fn fmt_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(_) | Self::Or(_) => write!(f, "({self})"),
            Self::Primitive(_) | Self::Not(_) => write!(f, "{self}"),
        }
    }
}

impl From<Primitive> for Expr {
    fn from(primitive: Primitive) -> Self {
        Self::Primitive(primitive)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (list, joint) = match self {
            Self::Primitive(primitive) => return write!(f, "{primitive}"),
            Self::Not(inner) => {
                f.write_str("not ")?;
                return inner.fmt_operand(f);
            }
            Self::And(all) => (all, " and "),
            Self::Or(any) => (any, " or "),
        };
        for (i, expr) in list.iter().enumerate() {
            if i > 0 {
                f.write_str(joint)?;
            }
            expr.fmt_operand(f)?;
        }
        Ok(())
    }
}

/// One test of a packet, flow or row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// `ip`, `ip6`: the version of the addresses.
    Version(IpVersion),
    /// `tcp`, `proto 47`, `ip proto 1`: IP protocol number, of one version or of both.
    Protocol {
        /// Only in packets of this version.
        version: Option<IpVersion>,
        /// IANA protocol number.
        number: u8,
    },
    /// `host`, `net`: an address within a network; of a host, the network is one address.
    Net {
        /// Whose address.
        side: Side,
        /// The network.
        net: Network,
    },
    /// `port`, `portrange`: a port of TCP, UDP or SCTP, both bounds inclusive, `first <= last`.
    Port {
        /// Only of this protocol, else of all three.
        protocol: Option<PortProtocol>,
        /// Whose port.
        side: Side,
        /// Lowest port.
        first: u16,
        /// Highest port.
        last: u16,
    },
    /// `vlan`: there is a VLAN tag, with this id (0 to 4095) if given.
    Vlan(Option<u16>),
    /// `mpls`: there is an MPLS label.
    Mpls,
    /// `pppoes`: there is a PPPoE session header.
    Pppoe,
    /// `tunnel`, `vxlan 42`: the packet travelled in a tunnel.
    Tunnel {
        /// Of this kind, else of any.
        kind: Option<TunnelWord>,
        /// With this VNI, TEID, key or session; only with a kind.
        id: Option<u32>,
    },
    /// `len <= 64`: compares the frame's length on the wire in bytes.
    Length {
        /// How.
        comparison: Comparison,
        /// With what.
        bytes: u32,
    },
    /// A test that needs a flow record: only in filters of flow records.
    Flow(FlowTest),
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Version(IpVersion::V4) => f.write_str("ip"),
            Self::Version(IpVersion::V6) => f.write_str("ip6"),
            Self::Protocol { version, number } => names::fmt_protocol(f, version, number),
            Self::Net { side, net } => {
                let kind = if net.is_host() { "host" } else { "net" };
                write!(f, "{}{kind} {net}", side.prefix())
            }
            Self::Port { protocol, side, first, last } => {
                f.write_str(protocol.map_or("", PortProtocol::prefix))?;
                f.write_str(side.prefix())?;
                if first == last {
                    write!(f, "port {first}")
                } else {
                    write!(f, "portrange {first}-{last}")
                }
            }
            Self::Vlan(None) => f.write_str("vlan"),
            Self::Vlan(Some(id)) => write!(f, "vlan {id}"),
            Self::Mpls => f.write_str("mpls"),
            Self::Pppoe => f.write_str("pppoes"),
            Self::Tunnel { kind, id } => {
                f.write_str(kind.map_or("tunnel", TunnelWord::word))?;
                id.map_or(Ok(()), |id| write!(f, " {id}"))
            }
            Self::Length { comparison, bytes } => write!(f, "len {} {bytes}", comparison.symbol()),
            Self::Flow(test) => write!(f, "{test}"),
        }
    }
}

/// Which end of a packet a test looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Source or destination.
    #[default]
    Either,
    /// Source.
    Src,
    /// Destination.
    Dst,
    /// Source and destination.
    Both,
}

impl Side {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Either => "",
            Self::Src => "src ",
            Self::Dst => "dst ",
            Self::Both => "src and dst ",
        }
    }
}

/// The protocols that a port test can be confined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortProtocol {
    /// Protocol 6.
    Tcp,
    /// Protocol 17.
    Udp,
    /// Protocol 132.
    Sctp,
}

impl PortProtocol {
    /// All that have ports for a filter.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// IANA protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Tcp => "tcp ",
            Self::Udp => "udp ",
            Self::Sctp => "sctp ",
        }
    }
}

/// A tunnel as a filter names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TunnelWord {
    /// GRE, id = key; also a packet of protocol 47 whose inside was not read.
    Gre,
    /// ERSPAN, id = session.
    Erspan,
    /// VXLAN, id = VNI.
    Vxlan,
    /// GENEVE, id = VNI.
    Geneve,
    /// GTP-U, id = TEID.
    GtpU,
    /// Teredo.
    Teredo,
    /// IP in IP.
    IpInIp,
    /// L2TP, id = session.
    L2tp,
    /// AYIYA.
    Ayiya,
    /// Ethernet in IP; also a packet of protocol 97 whose inside was not read.
    EtherIp,
}

impl TunnelWord {
    /// Every tunnel that can be named.
    pub const ALL: [Self; 10] = [
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::IpInIp,
        Self::L2tp,
        Self::Ayiya,
        Self::EtherIp,
    ];

    /// The word in the filter language, and in columns.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtpu",
            Self::Teredo => "teredo",
            Self::IpInIp => "ipip",
            Self::L2tp => "l2tp",
            Self::Ayiya => "ayiya",
            Self::EtherIp => "etherip",
        }
    }
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`, `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Comparison {
    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// Whether `left` stands in this relation to `right`.
    #[inline]
    pub const fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::GreaterOrEqual => left >= right,
            Self::Greater => left > right,
        }
    }
}

/// An IP network: an address without host bits, and a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    addr: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of `addr` with `prefix` bits; host bits are cleared. `None` if there are not that many bits.
    pub fn new(addr: IpAddr, prefix: u8) -> Option<Self> {
        if prefix > Self::bits(addr) {
            return None;
        }
        let addr = match addr {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4((v4.to_bits() & mask).into())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6((v6.to_bits() & mask).into())
            }
        };
        Some(Self { addr, prefix })
    }

    /// One address.
    pub const fn host(addr: IpAddr) -> Self {
        Self { addr, prefix: Self::bits(addr) }
    }

    /// The first address.
    pub const fn addr(&self) -> IpAddr {
        self.addr
    }

    /// How many leading bits an address must share with [`addr`](Self::addr).
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Version of its addresses.
    pub const fn version(&self) -> IpVersion {
        match self.addr {
            IpAddr::V4(_) => IpVersion::V4,
            IpAddr::V6(_) => IpVersion::V6,
        }
    }

    /// Whether it is one address.
    pub const fn is_host(&self) -> bool {
        self.prefix == Self::bits(self.addr)
    }

    /// Whether `addr` lies in it; never for an address of the other version.
    pub fn contains(&self, addr: IpAddr) -> bool {
        Self::new(addr, self.prefix).is_some_and(|net| net == *self)
    }

    const fn bits(addr: IpAddr) -> u8 {
        match addr {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network like `10.0.0.0/8`")]
pub struct NotANetwork;

/// `10.0.0.0/8`, or an address.
impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let Some((addr, prefix)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_| NotANetwork);
        };
        let addr = addr.parse().map_err(|_| NotANetwork)?;
        let prefix = prefix.parse().map_err(|_| NotANetwork)?;
        Self::new(addr, prefix).ok_or(NotANetwork)
    }
}

/// `10.0.0.0/8`; of one address, without the length.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)?;
        if self.is_host() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests;
