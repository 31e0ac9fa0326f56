//! Tokens into an expression, by recursive descent with a depth limit.

use std::ops::Range;

use super::error::{FilterError, FilterErrorKind};
use super::lex::{self, Spanned, Token};
use super::names;
use super::value::{self, number};
use super::{Comparison, DEPTH_MAX, Expr, PortProtocol, Primitive, Side, TEXT_MAX, TunnelWord};
use crate::IpVersion;
use crate::suggest::nearest;

const PRIMITIVE: &str = "a primitive such as `host`, `net`, `port` or `tcp`";

/// Every word of the language that can begin a primitive, the usual ones first.
const WORDS: &[&str] = &[
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "src",
    "dst",
    "tcp",
    "udp",
    "ip",
    "ip6",
    "icmp",
    "icmp6",
    "vlan",
    "len",
    "less",
    "greater",
    "tunnel",
    "sctp",
    "igmp",
    "esp",
    "ah",
    "pim",
    "vrrp",
    "mpls",
    "pppoes",
    "gre",
    "vxlan",
    "geneve",
    "gtpu",
    "erspan",
    "teredo",
    "ipip",
    "l2tp",
    "ayiya",
    "etherip",
    "and",
    "or",
    "not",
];

/// Words of pcap-filter(7) that people will try, why they are not here, and what to write instead.
const FOREIGN: &[(&[&str], &str, &str)] = &[
    (
        &["ether", "wlan", "fddi", "tr", "link", "ppp"],
        "link-layer fields are not part of a flow",
        "filter by `host`, `net` or `vlan`",
    ),
    (
        &["arp", "rarp", "atalk", "aarp", "decnet", "iso", "stp", "ipx", "netbeui", "lldp", "llc"],
        "packets without IP belong to no flow",
        "leave it out: only IP packets reach the filter",
    ),
    (
        &["broadcast", "multicast"],
        "the interface's network is not known",
        "write `dst net 224.0.0.0/4`, `dst net ff00::/8` or `dst host 255.255.255.255`",
    ),
    (&["gateway"], "names are not looked up", "write `not host A` for its address"),
    (
        &["protochain"],
        "`proto` already looks behind extension headers",
        "write `proto` in place of `protochain`",
    ),
    (
        &["inbound", "outbound", "ifname", "on", "dir"],
        "a frame does not tell its way through the host",
        "capture on one interface, or filter by `src` and `dst`",
    ),
    (
        &["bytes", "packets", "flows", "duration", "pps", "bps", "bpp", "flags", "tos", "as", "if"],
        "it needs a flow record",
        "test packets here, and records with `rheos flows filter`",
    ),
    (&["pppoed"], "discovery carries no IP", "write `pppoes` for PPPoE sessions"),
];

/// The qualifiers in front of a value, which the values after it inherit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Qualifiers {
    pub(super) protocol: Option<Prefix>,
    pub(super) side: Side,
    pub(super) kind: Kind,
}

/// The protocol in front of a primitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Ip(IpVersion),
    Port(PortProtocol),
}

impl Prefix {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ip(IpVersion::V4) => "ip",
            Self::Ip(IpVersion::V6) => "ip6",
            Self::Port(PortProtocol::Tcp) => "tcp",
            Self::Port(PortProtocol::Udp) => "udp",
            Self::Port(PortProtocol::Sctp) => "sctp",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "ip" => Self::Ip(IpVersion::V4),
            "ip6" => Self::Ip(IpVersion::V6),
            "tcp" => Self::Port(PortProtocol::Tcp),
            "udp" => Self::Port(PortProtocol::Udp),
            "sctp" => Self::Port(PortProtocol::Sctp),
            _ => return None,
        })
    }

    const fn alone(self) -> Primitive {
        match self {
            Self::Ip(version) => Primitive::Version(version),
            Self::Port(p) => Primitive::Protocol { version: None, number: p.number() },
        }
    }
}

/// What kind of value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `src 10.0.0.1`: a host without saying so.
    Bare,
    Host,
    Net,
    Port,
    PortRange,
    Proto,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Bare | Self::Host => "host",
            Self::Net => "net",
            Self::Port => "port",
            Self::PortRange => "portrange",
            Self::Proto => "proto",
        }
    }

    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Bare | Self::Host => "an IP address",
            Self::Net => "a network such as `10.0.0.0/8`",
            Self::Port => "a port",
            Self::PortRange => "a range of ports such as `6000-6008`",
            Self::Proto => "a protocol number or name",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "host" => Self::Host,
            "net" => Self::Net,
            "port" => Self::Port,
            "portrange" => Self::PortRange,
            "proto" => Self::Proto,
            _ => return None,
        })
    }
}

/// Parses a whole filter; `None` if there is nothing in it.
pub(super) fn parse(text: &str) -> Result<Option<Expr>, FilterError> {
    if text.len() > TEXT_MAX {
        let kind = FilterErrorKind::TooLong { bytes: text.len() };
        return Err(FilterError::new(kind, TEXT_MAX..text.len())
            .hint("split it, or use networks in place of lists of hosts"));
    }
    let tokens = lex::tokens(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { text, tokens, at: 0, last: None };
    let (expr, _) = parser.expression(None, 0)?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Spanned>,
    at: usize,
    /// Qualifiers of the last primitive that had a value, for the shorthand `port 80 or 443`.
    last: Option<Qualifiers>,
}

/// An expression and how many levels it has.
type Levelled = (Expr, usize);

impl<'a> Parser<'a> {
    /// Terms joined by `and` and `or`, which bind equally. With `values`, only values of these
    /// qualifiers: the inside of `port (80 or 443)`.
    fn expression(
        &mut self,
        values: Option<Qualifiers>,
        depth: usize,
    ) -> Result<Levelled, FilterError> {
        let (mut expr, mut levels) = self.term(values, depth)?;
        while let Some(joint @ (Token::And | Token::Or)) = self.peek() {
            let joint_at = self.span();
            self.at += 1;
            let (right, right_levels) = self.term(values, depth)?;
            let is_and = joint == Token::And;
            let grows = !matches!((&expr, is_and), (Expr::And(_), true) | (Expr::Or(_), false));
            levels = levels.max(right_levels) + usize::from(grows);
            if depth + levels > DEPTH_MAX {
                return Err(FilterError::new(FilterErrorKind::TooDeep, joint_at)
                    .hint("group it: `(a and b) or (c and d)`"));
            }
            expr = if is_and { expr.and(right) } else { expr.or(right) };
        }
        Ok((expr, levels))
    }

    fn term(&mut self, values: Option<Qualifiers>, depth: usize) -> Result<Levelled, FilterError> {
        if depth >= DEPTH_MAX {
            return Err(FilterError::new(FilterErrorKind::TooDeep, self.span()));
        }
        let what = values.map_or(PRIMITIVE, |q| q.kind.expected());
        match self.peek() {
            Some(Token::Not) => {
                self.at += 1;
                let (inner, levels) = self.term(values, depth + 1)?;
                Ok((inner.negated(), levels + 1))
            }
            Some(Token::Open) => {
                let open = self.span();
                self.at += 1;
                let inner = self.expression(values, depth + 1)?;
                match self.peek() {
                    Some(Token::Close) => self.at += 1,
                    None => return Err(FilterError::new(FilterErrorKind::Unclosed, open)),
                    Some(_) => return Err(self.expected("`and`, `or` or `)`")),
                }
                Ok(inner)
            }
            Some(Token::Word) => match values {
                Some(qualifiers) => Ok((self.value(qualifiers)?.into(), 0)),
                None => self.primitive(depth),
            },
            _ => Err(self.expected(what)),
        }
    }

    fn primitive(&mut self, depth: usize) -> Result<Levelled, FilterError> {
        let word = self.word();
        if matches!(word, "src" | "dst") || Prefix::of(word).is_some() || Kind::of(word).is_some() {
            return self.qualified(depth);
        }
        let keyword = names::KEYWORDS.iter().find(|(known, ..)| *known == word);
        let primitive = if let Some(&(_, version, number)) = keyword {
            self.at += 1;
            Primitive::Protocol { version, number }
        } else if let Some(&kind) = TunnelWord::ALL.iter().find(|t| t.word() == word) {
            self.at += 1;
            let id = self.optional_number("tunnel id", u32::MAX)?;
            Primitive::Tunnel { kind: Some(kind), id }
        } else {
            match word {
                "tunnel" => {
                    self.at += 1;
                    Primitive::Tunnel { kind: None, id: None }
                }
                "vlan" => {
                    self.at += 1;
                    let id = self.optional_number("VLAN id", 4095)?;
                    Primitive::Vlan(id.map(|id| id as u16))
                }
                "mpls" => self.unnumbered(Primitive::Mpls)?,
                "pppoes" => self.unnumbered(Primitive::Pppoe)?,
                "less" => self.length(Some(Comparison::LessOrEqual))?,
                "greater" => self.length(Some(Comparison::GreaterOrEqual))?,
                "len" => self.length(None)?,
                _ => return self.inherited(),
            }
        };
        self.no_byte_access()?;
        self.last = None;
        Ok((primitive.into(), 0))
    }

    /// A value without qualifiers of its own: `443` in `port 80 or 443`.
    fn inherited(&mut self) -> Result<Levelled, FilterError> {
        let word = self.word();
        self.no_byte_access_after(self.at + 1)?;
        if let Some((_, reason, hint)) = FOREIGN.iter().find(|(words, ..)| words.contains(&word)) {
            let kind = FilterErrorKind::Unsupported { word: word.into(), reason };
            return Err(FilterError::new(kind, self.span()).hint(*hint));
        }
        let looks_like_value = word.starts_with(|c: char| c.is_ascii_digit()) || word.contains(':');
        match self.last {
            // `port 80 or hsot 1.2.3.4`: a word before another word was meant as a keyword.
            Some(qualifiers)
                if looks_like_value || self.token(self.at + 1) != Some(Token::Word) =>
            {
                Ok((self.value(qualifiers)?.into(), 0))
            }
            None if looks_like_value => {
                let (value, span) = (word.to_owned(), self.span());
                let example = value::guess_kind(word);
                Err(FilterError::new(FilterErrorKind::NoType { value }, span)
                    .maybe_hint(example.map(|kind| format!("did you mean `{kind} {word}`?"))))
            }
            _ => {
                let near = nearest(word, WORDS.iter().copied());
                Err(FilterError::new(
                    FilterErrorKind::UnknownWord { word: word.into() },
                    self.span(),
                )
                .hint(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("begin with {PRIMITIVE}"),
                }))
            }
        }
    }

    /// `[ip|ip6|tcp|udp|sctp] [src|dst|...] [host|net|port|portrange|proto] value`.
    fn qualified(&mut self, depth: usize) -> Result<Levelled, FilterError> {
        let start = self.span();
        let protocol = Prefix::of(self.word());
        if let Some(protocol) = protocol {
            self.at += 1;
            self.no_byte_access()?;
            let goes_on = |w: &str| matches!(w, "src" | "dst") || Kind::of(w).is_some();
            if self.peek() != Some(Token::Word) || !goes_on(self.word()) {
                self.last = None;
                return Ok((protocol.alone().into(), 0));
            }
        }
        let side = self.side();
        let kind = match self.peek() {
            Some(Token::Word) => Kind::of(self.word()).unwrap_or(Kind::Bare),
            _ => Kind::Bare,
        };
        if kind != Kind::Bare {
            self.at += 1;
        }
        let qualifiers = Qualifiers { protocol, side: side.unwrap_or_default(), kind };
        check(qualifiers, side.is_some(), start.start..self.span().start.max(start.end))?;
        self.last = Some(qualifiers);
        self.term(Some(qualifiers), depth)
    }

    /// `src`, `dst`, `src or dst`, `src and dst`.
    fn side(&mut self) -> Option<Side> {
        let side_of = |w: &str| match w {
            "src" => Some(Side::Src),
            "dst" => Some(Side::Dst),
            _ => None,
        };
        let first = side_of(self.word())?;
        self.at += 1;
        let joint = self.peek();
        let second = match self.token(self.at + 1) {
            Some(Token::Word) => side_of(self.word_at(self.at + 1)),
            _ => None,
        };
        let both = match (joint, second) {
            (Some(Token::And), Some(_)) => Side::Both,
            (Some(Token::Or), Some(_)) => Side::Either,
            _ => return Some(first),
        };
        self.at += 2;
        Some(if second == Some(first) { first } else { both })
    }

    /// One value, with `/len` or `mask M` behind a network.
    fn value(&mut self, qualifiers: Qualifiers) -> Result<Primitive, FilterError> {
        let (word, span) = (self.word(), self.span());
        self.at += 1;
        let mut written = span.clone();
        let mut suffix = value::Suffix::None;
        let has = |parser: &Self, i| parser.token(i) == Some(Token::Word);
        if self.peek() == Some(Token::Slash) {
            self.at += 1;
            if !has(self, self.at) {
                return Err(self.expected("a prefix length"));
            }
            suffix = value::Suffix::Prefix(self.word());
        } else if has(self, self.at) && self.word() == "mask" {
            self.at += 1;
            if !has(self, self.at) {
                return Err(self.expected("a mask such as `255.255.0.0`"));
            }
            suffix = value::Suffix::Mask(self.word());
        }
        if !matches!(suffix, value::Suffix::None) {
            written.end = self.span().end;
            self.at += 1;
        }
        self.no_byte_access()?;
        value::primitive(qualifiers, word, suffix)
            .map_err(|(kind, hint)| FilterError::new(kind, written).maybe_hint(hint))
    }

    fn length(&mut self, comparison: Option<Comparison>) -> Result<Primitive, FilterError> {
        self.at += 1;
        let comparison = match (comparison, self.peek()) {
            (Some(comparison), _) => comparison,
            (None, Some(Token::Compare(comparison))) => {
                self.at += 1;
                comparison
            }
            (None, _) => return Err(self.expected("a comparison such as `<=`")),
        };
        match self.optional_number("length", u32::MAX)? {
            Some(bytes) => Ok(Primitive::Length { comparison, bytes }),
            None => Err(self.expected("a number of bytes")),
        }
    }

    /// A number, if one follows.
    fn optional_number(
        &mut self,
        what: &'static str,
        max: u32,
    ) -> Result<Option<u32>, FilterError> {
        if self.peek() != Some(Token::Word)
            || !self.word().starts_with(|c: char| c.is_ascii_digit())
        {
            return Ok(None);
        }
        let (word, span) = (self.word(), self.span());
        let value = number(word, max);
        self.at += 1;
        value.map(Some).ok_or_else(|| {
            let kind = FilterErrorKind::OutOfRange { what, value: word.into(), max };
            FilterError::new(kind, span).maybe_hint(value::octal_hint(word))
        })
    }

    /// A primitive that takes a number in pcap-filter(7) but not here.
    fn unnumbered(&mut self, primitive: Primitive) -> Result<Primitive, FilterError> {
        let word = self.word();
        self.at += 1;
        let span = self.span();
        if self.optional_number("number", u32::MAX)?.is_some() {
            let found = self.text[span.clone()].to_owned();
            let kind = FilterErrorKind::Expected { expected: "`and`, `or` or the end", found };
            return Err(FilterError::new(kind, span)
                .hint(format!("`{word}` tests only that the header is there")));
        }
        Ok(primitive)
    }

    fn peek(&self) -> Option<Token> {
        self.token(self.at)
    }

    fn token(&self, at: usize) -> Option<Token> {
        self.tokens.get(at).map(|t| t.token)
    }

    /// Where the next token stands; the end of the text when there is none.
    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |t| t.span.clone())
    }

    fn word(&self) -> &'a str {
        self.word_at(self.at)
    }

    fn word_at(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |t| &self.text[t.span.clone()])
    }

    /// The error that something else is next than `what`.
    #[cold]
    fn expected(&self, what: &'static str) -> FilterError {
        if let Err(byte_access) = self.no_byte_access() {
            return byte_access;
        }
        let kind = match self.peek() {
            None => FilterErrorKind::Ends { expected: what },
            Some(_) => FilterErrorKind::Expected { expected: what, found: self.word().to_owned() },
        };
        let error = FilterError::new(kind, self.span());
        match self.peek() {
            Some(Token::Compare(_)) => error.hint("only lengths are compared: `len <= 64`"),
            _ => error,
        }
    }

    fn no_byte_access(&self) -> Result<(), FilterError> {
        self.no_byte_access_after(self.at)
    }

    /// Rejects `tcp[13] & 2 != 0`, if the token at `at` is its bracket.
    fn no_byte_access_after(&self, at: usize) -> Result<(), FilterError> {
        if self.token(at) != Some(Token::ListOpen) {
            return Ok(());
        }
        let bracket = self.tokens[at].span.start;
        let start = at.checked_sub(1).map_or(bracket, |i| self.tokens[i].span.start);
        let end = self.text[bracket..].find(']').map_or(self.text.len(), |i| bracket + i + 1);
        let text = self.text[start..end].to_owned();
        Err(FilterError::new(FilterErrorKind::ByteAccess { text }, start..end).hint(
            "cut the capture first: `tcpdump -r IN -w - 'tcp[13] & 2 != 0'`, and read that from `-`",
        ))
    }
}

/// Whether these qualifiers go together.
fn check(qualifiers: Qualifiers, has_side: bool, span: Range<usize>) -> Result<(), FilterError> {
    let Qualifiers { protocol, kind, .. } = qualifiers;
    let wrong = |qualifier, hint: String| {
        let kind = FilterErrorKind::Qualifier { qualifier, kind: kind.word() };
        Err(FilterError::new(kind, span.clone()).hint(hint))
    };
    match (protocol, kind) {
        (_, Kind::Proto) if has_side => {
            wrong("src or dst", "a packet has one protocol: write `proto` alone".into())
        }
        (Some(Prefix::Port(p)), Kind::Bare | Kind::Host | Kind::Net | Kind::Proto) => {
            let word = Prefix::Port(p).word();
            wrong(word, format!("write `{word} and {} ...`", kind.word()))
        }
        (Some(Prefix::Ip(v)), Kind::Port | Kind::PortRange) => {
            let word = Prefix::Ip(v).word();
            wrong(word, format!("write `{word} and {} ...`", kind.word()))
        }
        _ => Ok(()),
    }
}
