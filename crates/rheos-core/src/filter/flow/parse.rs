//! Flow filter tokens into an expression, by recursive descent with a depth limit.

use std::net::IpAddr;
use std::ops::Range;

use super::lex::{self, Spanned, Token};
use super::{FLAG_LETTERS, FlowField, FlowTest};
use crate::filter::error::{FilterError, FilterErrorKind};
use crate::filter::names;
use crate::filter::parse::{Kind, Prefix, Qualifiers};
use crate::filter::value::{self, Suffix};
use crate::filter::{Comparison, DEPTH_MAX, Expr, PortProtocol, Primitive, Side, TEXT_MAX};
use crate::suggest::nearest;
use crate::units::Count;
use crate::{IpVersion, Nanos, Timestamp};

const PRIMITIVE: &str = "a primitive such as `ip`, `port`, `proto` or `bytes`";

/// Words that begin a primitive and are no field, protocol or version.
const WORDS: &[&str] = &[
    "ip",
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "src",
    "dst",
    "flags",
    "if",
    "as",
    "mask",
    "ipv4",
    "ipv6",
    "inet",
    "inet6",
    "ip6",
    "any",
    "in",
    "out",
    "and",
    "or",
    "not",
];

/// nfdump's words for what no record here holds.
const FOREIGN: &[&str] = &[
    "router",
    "next",
    "nexthop",
    "bgpnext",
    "prev",
    "mac",
    "mpls",
    "vlan",
    "geo",
    "ident",
    "payload",
    "xip",
    "nat",
    "asa",
    "engine",
    "engine-type",
    "engine-id",
    "sysid",
    "flowdir",
    "observation",
];

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
    let expr = parser.any_of(0)?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Spanned>,
    at: usize,
    /// Qualifiers of the last address or port, for the shorthand `port 80 or 443`.
    last: Option<Qualifiers>,
}

type Parsed<T> = Result<T, FilterError>;

impl Parser<'_> {
    fn any_of(&mut self, depth: usize) -> Parsed<Expr> {
        let mut expr = self.all_of(depth)?;
        while self.take(Token::Or) {
            expr = expr.or(self.all_of(depth)?);
        }
        Ok(expr)
    }

    fn all_of(&mut self, depth: usize) -> Parsed<Expr> {
        let mut expr = self.term(depth)?;
        while self.take(Token::And) {
            expr = expr.and(self.term(depth)?);
        }
        Ok(expr)
    }

    fn term(&mut self, depth: usize) -> Parsed<Expr> {
        if depth >= DEPTH_MAX {
            return Err(FilterError::new(FilterErrorKind::TooDeep, self.span()));
        }
        match self.peek() {
            Some(Token::Not) => {
                self.at += 1;
                if self.peek() == Some(Token::Word) && self.word() == "flags" {
                    self.at += 1;
                    return Ok(self.flags(true)?.negated());
                }
                Ok(self.term(depth + 1)?.negated())
            }
            Some(Token::Open) => {
                let open = self.span();
                self.at += 1;
                let inner = self.any_of(depth + 1)?;
                match self.peek() {
                    Some(Token::Close) => self.at += 1,
                    None => return Err(FilterError::new(FilterErrorKind::Unclosed, open)),
                    Some(_) => return Err(self.expected("`and`, `or` or `)`")),
                }
                Ok(inner)
            }
            Some(Token::Word) => self.primitive(),
            _ => Err(self.expected(PRIMITIVE)),
        }
    }

    fn primitive(&mut self) -> Parsed<Expr> {
        let word = self.word();
        if let Some(&(_, field)) = FlowField::WORDS.iter().find(|(name, _)| *name == word) {
            self.at += 1;
            return self.number(field);
        }
        match word.as_str() {
            "any" => {
                self.at += 1;
                let every = (FlowField::Flows, Comparison::GreaterOrEqual);
                return Ok(number(every.0, every.1, 0));
            }
            "flags" => {
                self.at += 1;
                return self.flags(false);
            }
            "in" | "out" => return self.directed(),
            "if" => {
                self.at += 1;
                return self.number(FlowField::Interface(Side::Either));
            }
            "src" | "dst" => {
                let side = self.side();
                return self.sided(None, side);
            }
            "host" | "net" | "port" | "portrange" | "as" | "mask" => {
                return self.sided(None, Side::Either);
            }
            "proto" => {
                self.at += 1;
                return self.protocol(None);
            }
            "ip" | "ip6" | "ipv4" | "ipv6" | "inet" | "inet6" => return self.version(&word),
            _ => {}
        }
        self.named(&word)
    }

    /// `tcp`, `tcp port 80`, `icmp`; or a value that takes its type from the one before.
    fn named(&mut self, word: &str) -> Parsed<Expr> {
        if let Some(protocol) = PortProtocol::ALL.into_iter().find(|p| names_port(*p) == word) {
            self.at += 1;
            if !self.next_is(&["src", "dst", "port", "portrange"]) {
                return Ok(Primitive::Protocol { version: None, number: protocol.number() }.into());
            }
            let side = self.side();
            return self.sided(Some(Prefix::Port(protocol)), side);
        }
        if let Some(&(_, version, number)) = names::KEYWORDS.iter().find(|(name, ..)| *name == word)
        {
            self.at += 1;
            return Ok(Primitive::Protocol { version, number }.into());
        }
        if let Some(qualifiers) = self.last
            && word.starts_with(|c: char| c.is_ascii_digit())
        {
            return self.value(qualifiers);
        }
        Err(self.unknown(word))
    }

    #[cold]
    fn unknown(&self, word: &str) -> FilterError {
        let span = self.span();
        if FOREIGN.contains(&word) {
            let kind = FilterErrorKind::Unsupported {
                word: word.to_owned(),
                reason: "no flow record here holds it",
            };
            return FilterError::new(kind, span);
        }
        if let Some(kind) = value::guess_kind(word) {
            let error = FilterErrorKind::NoType { value: word.to_owned() };
            return FilterError::new(error, span).hint(format!("did you mean `{kind} {word}`?"));
        }
        let known = WORDS.iter().copied();
        let known = known.chain(FlowField::WORDS.iter().map(|&(name, _)| name));
        let near = nearest(word, known.chain(names::KEYWORDS.iter().map(|&(name, ..)| name)));
        FilterError::new(FilterErrorKind::UnknownWord { word: word.to_owned() }, span)
            .maybe_hint(near.map(|near| format!("did you mean `{near}`?")))
    }

    /// `src`, `dst`, `src and dst`, `src or dst`, or nothing.
    fn side(&mut self) -> Side {
        let side = match self.peek_word().as_deref() {
            Some("src") => Side::Src,
            Some("dst") => Side::Dst,
            _ => return Side::Either,
        };
        self.at += 1;
        let joint = self.peek();
        let other = if side == Side::Src { "dst" } else { "src" };
        if matches!(joint, Some(Token::And | Token::Or)) && self.word_at(self.at + 1) == other {
            // `src and dst port 53` is one test; `src port 1 and dst port 2` does not come here.
            self.at += 2;
            return if joint == Some(Token::And) { Side::Both } else { Side::Either };
        }
        side
    }

    fn sided(&mut self, protocol: Option<Prefix>, side: Side) -> Parsed<Expr> {
        let word = self.peek_word();
        let kind = match word.as_deref() {
            Some("ip" | "host") => Kind::Host,
            Some("net") => Kind::Net,
            Some("port") => Kind::Port,
            Some("portrange") => Kind::PortRange,
            Some("as") => {
                self.at += 1;
                return self.number(FlowField::As(side));
            }
            Some("mask") => {
                self.at += 1;
                return self.number(FlowField::Mask(side));
            }
            Some(_) if side != Side::Either => Kind::Bare,
            _ => return Err(self.expected("`ip`, `net`, `port`, `as` or `mask`")),
        };
        if kind != Kind::Bare {
            self.at += 1;
        }
        if matches!((protocol, kind), (Some(_), Kind::Bare | Kind::Host | Kind::Net)) {
            let kind = FilterErrorKind::Qualifier {
                qualifier: protocol.map_or("", Prefix::word),
                kind: kind.word(),
            };
            return Err(FilterError::new(kind, self.span()).hint("write `and` between them"));
        }
        let qualifiers = Qualifiers { protocol, side, kind };
        if self.in_list() {
            return self.list(|parser| parser.value(qualifiers));
        }
        if let (Kind::Port, Some(Token::Compare(comparison))) = (kind, self.peek()) {
            self.at += 1;
            return self.compared_port(qualifiers, comparison);
        }
        self.value(qualifiers)
    }

    /// `port > 1024` as the range that it means.
    fn compared_port(&mut self, qualifiers: Qualifiers, how: Comparison) -> Parsed<Expr> {
        let expr = self.value(qualifiers)?;
        let Expr::Primitive(Primitive::Port { protocol, side, first, last }) = expr else {
            return Ok(expr);
        };
        let range = |ends: Option<(u16, u16)>| match ends {
            Some((first, last)) => Primitive::Port { protocol, side, first, last }.into(),
            // No port is below 0 or above 65535.
            None => number(FlowField::Flows, Comparison::Less, 0),
        };
        Ok(match how {
            Comparison::Equal => range(Some((first, last))),
            Comparison::NotEqual => Expr::negated(range(Some((first, last)))),
            Comparison::Less => range(first.checked_sub(1).map(|below| (0, below))),
            Comparison::LessOrEqual => range(Some((0, last))),
            Comparison::Greater => range(last.checked_add(1).map(|above| (above, u16::MAX))),
            Comparison::GreaterOrEqual => range(Some((first, u16::MAX))),
        })
    }

    /// One address, network, port or range.
    fn value(&mut self, qualifiers: Qualifiers) -> Parsed<Expr> {
        let span = self.span();
        if self.peek() != Some(Token::Word) {
            return Err(self.expected(qualifiers.kind.expected()));
        }
        let word = self.word();
        self.at += 1;
        self.last = Some(qualifiers);
        if matches!(qualifiers.kind, Kind::Bare | Kind::Host)
            && let Some((first, last)) = address_range(&word)
        {
            return Ok(
                Primitive::Flow(FlowTest::Range { side: qualifiers.side, first, last }).into()
            );
        }
        // nfdump takes networks where it takes addresses, and ranges of ports are wanted where ports are.
        let is_range = qualifiers.kind == Kind::Port && word.contains('-');
        let kind = match qualifiers.kind {
            Kind::Host if word.contains('/') => Kind::Net,
            Kind::Port if is_range && names::service_port(&word).is_none() => Kind::PortRange,
            kind => kind,
        };
        let mut mask = String::new();
        let (addr, mut suffix) = match word.split_once('/') {
            Some((addr, len)) => (addr, Suffix::Prefix(len)),
            None => (word.as_str(), Suffix::None),
        };
        if kind == Kind::Net && matches!(suffix, Suffix::None) {
            self.take_word("mask");
            if let Some(next) = self.peek_word().filter(|w| w.parse::<std::net::Ipv4Addr>().is_ok())
            {
                mask = next;
                self.at += 1;
            }
            if !mask.is_empty() {
                suffix = Suffix::Mask(&mask);
            }
        }
        let primitive = value::primitive(Qualifiers { kind, ..qualifiers }, addr, suffix);
        primitive
            .map(Expr::from)
            .map_err(|(kind, hint)| FilterError::new(kind, span).maybe_hint(hint))
    }

    /// `ip` and its spellings: a version alone, else before an address, a network or `proto`.
    fn version(&mut self, word: &str) -> Parsed<Expr> {
        let version = match word {
            "ip6" | "ipv6" | "inet6" => IpVersion::V6,
            _ => IpVersion::V4,
        };
        self.at += 1;
        if word == "ip" && self.in_list() {
            let qualifiers = Qualifiers { protocol: None, side: Side::Either, kind: Kind::Host };
            return self.list(|parser| parser.value(qualifiers));
        }
        if matches!(word, "ip" | "ip6") {
            let next = self.peek_word().unwrap_or_default();
            if next == "proto" {
                self.at += 1;
                return self.protocol(Some(version));
            }
            if matches!(next.as_str(), "src" | "dst" | "host" | "net") {
                let side = self.side();
                return Ok(Expr::from(Primitive::Version(version)).and(self.sided(None, side)?));
            }
            let begins = next.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':');
            if begins && (next.contains('.') || next.contains(':')) {
                let qualifiers =
                    Qualifiers { protocol: None, side: Side::Either, kind: Kind::Host };
                return self.value(qualifiers);
            }
        }
        Ok(Primitive::Version(version).into())
    }

    fn protocol(&mut self, version: Option<IpVersion>) -> Parsed<Expr> {
        let qualifiers =
            Qualifiers { protocol: version.map(Prefix::Ip), side: Side::Either, kind: Kind::Proto };
        if self.in_list() {
            return self.list(|parser| parser.value(qualifiers));
        }
        match self.peek() {
            Some(Token::Compare(Comparison::Equal)) => {
                self.at += 1;
                self.value(qualifiers)
            }
            Some(Token::Compare(Comparison::NotEqual)) => {
                self.at += 1;
                self.value(qualifiers).map(Expr::negated)
            }
            Some(Token::Compare(_)) => Err(self.expected("`=`, `!=` or a protocol")),
            _ => self.value(qualifiers),
        }
    }

    /// `in if 3`, `out if 3`; a record has one direction, so `in bytes` is its bytes.
    fn directed(&mut self) -> Parsed<Expr> {
        let is_in = self.word() == "in";
        self.at += 1;
        match self.peek_word().as_deref() {
            Some("if") => {
                self.at += 1;
                self.number(FlowField::Interface(if is_in { Side::Src } else { Side::Dst }))
            }
            Some("bytes" | "packets") if is_in => self.primitive(),
            Some("bytes" | "packets") => {
                let kind = FilterErrorKind::Unsupported {
                    word: format!("out {}", self.word()),
                    reason: "a record here has one direction",
                };
                Err(FilterError::new(kind, self.span()))
            }
            _ => Err(self.expected("`if`")),
        }
    }

    fn number(&mut self, field: FlowField) -> Parsed<Expr> {
        if self.in_list() {
            return self.list(|parser| {
                parser.amount(field).map(|value| number(field, Comparison::Equal, value))
            });
        }
        let comparison = match self.peek() {
            Some(Token::Compare(comparison)) => {
                self.at += 1;
                comparison
            }
            _ => Comparison::Equal,
        };
        let value = self.amount(field)?;
        Ok(number(field, comparison, value))
    }

    fn amount(&mut self, field: FlowField) -> Parsed<u64> {
        let expected = match field {
            FlowField::Duration => "milliseconds, or a time such as `1s500ms`",
            FlowField::First | FlowField::Last => "a time such as `2026-11-20T10:00:00Z`",
            _ => "a number such as `100k`",
        };
        if self.peek() != Some(Token::Word) {
            return Err(self.expected(expected));
        }
        let span = self.span();
        let text = self.text.get(span.clone()).unwrap_or_default();
        let plain = text.parse::<u64>().ok();
        let value = match field {
            FlowField::Duration => plain
                .and_then(|ms| ms.checked_mul(1_000_000))
                .or_else(|| text.parse::<Nanos>().ok().map(|n| n.0)),
            FlowField::First | FlowField::Last => {
                text.parse::<Timestamp>().ok().map(Timestamp::as_nanos)
            }
            _ => value::number(&text.to_ascii_lowercase(), u32::MAX)
                .map(u64::from)
                .or_else(|| text.parse::<Count>().ok().map(|n| n.0)),
        };
        let Some(value) = value else { return Err(self.expected(expected)) };
        if value > field.max() {
            let what = "the number";
            let max = u32::try_from(field.max()).unwrap_or(u32::MAX);
            let kind = FilterErrorKind::OutOfRange { what, value: text.to_owned(), max };
            return Err(FilterError::new(kind, span));
        }
        self.at += 1;
        Ok(value)
    }

    /// What follows `flags`; `under_not` reads nfdump's `not flags AF`, true without any of them.
    fn flags(&mut self, under_not: bool) -> Parsed<Expr> {
        if let Some(Token::Compare(comparison)) = self.peek() {
            self.at += 1;
            let value = self.amount(FlowField::TcpFlags)?;
            return Ok(number(FlowField::TcpFlags, comparison, value));
        }
        let any = if self.take_word("any") { true } else { !self.take_word("all") && under_not };
        let expected = "letters of TCP flags such as `SA`";
        if self.peek() != Some(Token::Word) {
            return Err(self.expected(expected));
        }
        let mut mask = 0;
        for letter in self.word().to_ascii_uppercase().chars() {
            let bit = match letter {
                'X' => Some(0x3f),
                _ => FLAG_LETTERS.iter().find(|(known, _)| *known == letter).map(|&(_, bit)| bit),
            };
            mask |= bit.ok_or_else(|| self.expected(expected))?;
        }
        self.at += 1;
        Ok(Primitive::Flow(FlowTest::Flags { mask, any }).into())
    }

    fn in_list(&mut self) -> bool {
        let is_list = self.word_at(self.at) == "in"
            && self.tokens.get(self.at + 1).is_some_and(|t| t.token == Token::ListOpen);
        if is_list {
            self.at += 2;
        }
        is_list
    }

    /// Values up to `]`, any of which will do.
    fn list(&mut self, mut one: impl FnMut(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let open = self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map(|t| t.span.clone());
        let mut any = Vec::new();
        while !self.take(Token::ListClose) {
            match self.peek() {
                Some(Token::Word) => any.push(one(self)?),
                None => {
                    let kind = FilterErrorKind::Ends { expected: "`]`" };
                    return Err(FilterError::new(kind, open.unwrap_or(0..0)));
                }
                Some(_) => return Err(self.expected("a value or `]`")),
            }
        }
        match (any.pop(), any.is_empty()) {
            (None, _) => Err(FilterError::new(
                FilterErrorKind::Expected { expected: "a value", found: "]".to_owned() },
                open.unwrap_or(0..0),
            )),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                any.push(last);
                Ok(Expr::Or(any))
            }
        }
    }

    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).map(|t| t.token)
    }

    fn take(&mut self, token: Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(Token::Word) && self.word() == word;
        self.at += usize::from(found);
        found
    }

    fn next_is(&self, words: &[&str]) -> bool {
        words.contains(&self.word_at(self.at).as_str())
    }

    /// The word at a token, in small letters; empty where there is none.
    fn word_at(&self, at: usize) -> String {
        let token = self.tokens.get(at).filter(|t| t.token == Token::Word);
        let text = token.and_then(|t| self.text.get(t.span.clone()));
        text.unwrap_or_default().to_ascii_lowercase()
    }

    fn word(&self) -> String {
        self.word_at(self.at)
    }

    fn peek_word(&self) -> Option<String> {
        Some(self.word()).filter(|word| !word.is_empty())
    }

    fn span(&self) -> Range<usize> {
        let end = self.text.len();
        self.tokens.get(self.at).map_or(end..end, |t| t.span.clone())
    }

    #[cold]
    fn expected(&self, expected: &'static str) -> FilterError {
        let span = self.span();
        let kind = if self.peek().is_none() {
            FilterErrorKind::Ends { expected }
        } else {
            let found = self.text.get(span.clone()).unwrap_or_default().to_owned();
            FilterErrorKind::Expected { expected, found }
        };
        FilterError::new(kind, span)
    }
}

const fn names_port(protocol: PortProtocol) -> &'static str {
    match protocol {
        PortProtocol::Tcp => "tcp",
        PortProtocol::Udp => "udp",
        PortProtocol::Sctp => "sctp",
    }
}

fn number(field: FlowField, comparison: Comparison, value: u64) -> Expr {
    Primitive::Flow(FlowTest::Number { field, comparison, value }).into()
}

/// `10.0.0.1-10.0.0.9`, both of one version and in order.
fn address_range(word: &str) -> Option<(IpAddr, IpAddr)> {
    let (first, last) = word.split_once('-')?;
    let (first, last) = (first.parse::<IpAddr>().ok()?, last.parse::<IpAddr>().ok()?);
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
}
