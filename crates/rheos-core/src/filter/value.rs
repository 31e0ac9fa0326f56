//! Values of a filter: addresses, networks, ports, protocols, numbers.

use std::net::{IpAddr, Ipv4Addr};

use super::error::FilterErrorKind;
use super::names;
use super::parse::{Kind, Prefix, Qualifiers};
use super::{Network, Primitive};
use crate::IpVersion;
use crate::suggest::nearest;

/// What is wrong with a value, and what to write instead.
type ValueError = (FilterErrorKind, Option<String>);

/// What follows an address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Suffix<'a> {
    None,
    /// `/24`
    Prefix(&'a str),
    /// `mask 255.255.255.0`
    Mask(&'a str),
}

/// A number of at most `max`: decimal without leading zeros, or hexadecimal after `0x`.
///
/// Leading zeros would mean octal in pcap-filter(7) and decimal to most readers.
pub(super) fn number(word: &str, max: u32) -> Option<u32> {
    let value = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(hex, 16).ok()?
        }
        None if is_decimal(word) => word.parse().ok()?,
        _ => return None,
    };
    (value <= max).then_some(value)
}

/// A hint for numbers that begin with 0.
pub(super) fn octal_hint(word: &str) -> Option<String> {
    let digits = word.trim_start_matches('0');
    (is_decimal(digits) && digits.len() < word.len())
        .then(|| format!("write `{digits}` without leading zeros"))
}

/// The kind that a value without type was most likely meant to have.
pub(super) fn guess_kind(word: &str) -> Option<&'static str> {
    if word.parse::<IpAddr>().is_ok() {
        Some("host")
    } else if number(word, u32::from(u16::MAX)).is_some() {
        Some("port")
    } else if port_range(word).is_some() {
        Some("portrange")
    } else {
        partial_v4(word).map(|_| "net")
    }
}

/// The primitive that `word` stands for behind `qualifiers`.
pub(super) fn primitive(
    qualifiers: Qualifiers,
    word: &str,
    suffix: Suffix<'_>,
) -> Result<Primitive, ValueError> {
    let Qualifiers { protocol, side, kind } = qualifiers;
    if !matches!((kind, suffix), (_, Suffix::None) | (Kind::Bare | Kind::Net, _)) {
        let found = match suffix {
            Suffix::Prefix(len) => format!("{word}/{len}"),
            Suffix::Mask(mask) => format!("{word} mask {mask}"),
            Suffix::None => word.to_owned(),
        };
        let hint = (kind == Kind::Host).then(|| format!("write `net {found}`"));
        return Err((FilterErrorKind::Expected { expected: kind.expected(), found }, hint));
    }
    let port_protocol = match protocol {
        Some(Prefix::Port(p)) => Some(p),
        _ => None,
    };
    match kind {
        Kind::Bare | Kind::Host | Kind::Net => {
            let net = network(kind, word, suffix)?;
            check_version(protocol, net)?;
            Ok(Primitive::Net { side, net })
        }
        Kind::Port => {
            let port = port(word)?;
            Ok(Primitive::Port { protocol: port_protocol, side, first: port, last: port })
        }
        Kind::PortRange => {
            let (a, b) = match port_range(word) {
                Some(ends) => ends,
                None => (port(word)?, port(word)?),
            };
            let (first, last) = (a.min(b), a.max(b));
            Ok(Primitive::Port { protocol: port_protocol, side, first, last })
        }
        Kind::Proto => {
            let version = match protocol {
                Some(Prefix::Ip(version)) => Some(version),
                _ => None,
            };
            Ok(Primitive::Protocol { version, number: protocol_number(word)? })
        }
    }
}

fn check_version(protocol: Option<Prefix>, net: Network) -> Result<(), ValueError> {
    match protocol {
        Some(prefix @ Prefix::Ip(version)) if version != net.version() => {
            let kind = match net.version() {
                IpVersion::V4 => "an IPv4 address",
                IpVersion::V6 => "an IPv6 address",
            };
            let error = FilterErrorKind::Qualifier { qualifier: prefix.word(), kind };
            Err((error, Some(format!("leave `{}` out", prefix.word()))))
        }
        _ => Ok(()),
    }
}

fn network(kind: Kind, word: &str, suffix: Suffix<'_>) -> Result<Network, ValueError> {
    let (addr, bits) = match word.parse::<IpAddr>() {
        Ok(addr @ IpAddr::V4(_)) => (addr, 32),
        Ok(addr @ IpAddr::V6(_)) => (addr, 128),
        Err(_) => match partial_v4(word) {
            Some((addr, bits)) if kind == Kind::Net => (IpAddr::V4(addr), bits),
            partial => return Err(no_address(kind, word, partial)),
        },
    };
    let (prefix, written) = match suffix {
        Suffix::None => (bits, word.to_owned()),
        Suffix::Prefix(len) => {
            let max = if addr.is_ipv4() { 32 } else { 128 };
            let out_of_range =
                FilterErrorKind::OutOfRange { what: "prefix length", value: len.into(), max };
            let prefix = number(len, max).ok_or_else(|| (out_of_range, octal_hint(len)))?;
            (prefix as u8, format!("{word}/{len}"))
        }
        Suffix::Mask(mask) => (mask_prefix(addr, mask)?, format!("{word} mask {mask}")),
    };
    let host_bits = || (FilterErrorKind::HostBits { net: written.clone() }, None);
    let net = Network::new(addr, prefix).ok_or_else(host_bits)?;
    if net.addr() == addr {
        Ok(net)
    } else {
        Err((
            FilterErrorKind::HostBits { net: written },
            Some(format!("did you mean `net {net}`, or `host {addr}`?")),
        ))
    }
}

#[cold]
fn no_address(kind: Kind, word: &str, partial: Option<(Ipv4Addr, u8)>) -> ValueError {
    let hint = match partial {
        Some((addr, bits)) => Some(format!("did you mean `net {addr}/{bits}`?")),
        None if word.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.contains(':') => {
            Some("host names are not looked up: write the address".to_owned())
        }
        None => None,
    };
    (FilterErrorKind::Expected { expected: kind.expected(), found: word.into() }, hint)
}

/// `10` is 10.0.0.0 with 8 bits, `10.1` is 10.1.0.0 with 16, `10.1.2` is 10.1.2.0 with 24.
fn partial_v4(word: &str) -> Option<(Ipv4Addr, u8)> {
    let mut octets = [0_u8; 4];
    let mut bits = 0;
    for (i, part) in word.split('.').enumerate() {
        if !is_decimal(part) {
            return None;
        }
        *octets.get_mut(i)? = part.parse().ok()?;
        bits += 8;
    }
    Some((octets.into(), bits))
}

fn mask_prefix(addr: IpAddr, mask: &str) -> Result<u8, ValueError> {
    let hint = || Some("write a prefix length: `net 10.0.0.0/8`".to_owned());
    if addr.is_ipv6() {
        let kind = "an IPv6 address";
        return Err((FilterErrorKind::Qualifier { qualifier: "mask", kind }, hint()));
    }
    let prefix = mask.parse::<Ipv4Addr>().ok().and_then(|mask| {
        let bits = mask.to_bits();
        (bits.leading_ones() + bits.trailing_zeros() >= 32).then(|| bits.leading_ones() as u8)
    });
    prefix.ok_or_else(|| {
        let expected = "a mask of leading ones such as `255.255.0.0`";
        (FilterErrorKind::Expected { expected, found: mask.into() }, hint())
    })
}

fn port(word: &str) -> Result<u16, ValueError> {
    if let Some(port) = number(word, u32::from(u16::MAX)) {
        return Ok(port as u16);
    }
    if let Some(port) = names::service_port(word) {
        return Ok(port);
    }
    if let Some((first, last)) = port_range(word) {
        let expected = "one port";
        let hint = format!("write `portrange {first}-{last}`");
        return Err((FilterErrorKind::Expected { expected, found: word.into() }, Some(hint)));
    }
    if is_decimal_like(word) {
        let max = u32::from(u16::MAX);
        let kind = FilterErrorKind::OutOfRange { what: "port", value: word.into(), max };
        return Err((kind, octal_hint(word)));
    }
    let hint = match nearest(word, names::services()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write its number".to_owned(),
    };
    let expected = "a port number or a well-known name";
    Err((FilterErrorKind::Expected { expected, found: word.into() }, Some(hint)))
}

/// Both ends as written; each a number or a name.
fn port_range(word: &str) -> Option<(u16, u16)> {
    // Names may hold a hyphen too: the first split whose halves are both ports is the one.
    word.match_indices('-').find_map(|(i, _)| {
        let one = |w: &str| {
            number(w, u32::from(u16::MAX)).map(|p| p as u16).or_else(|| names::service_port(w))
        };
        Some((one(&word[..i])?, one(&word[i + 1..])?))
    })
}

fn protocol_number(word: &str) -> Result<u8, ValueError> {
    // pcap-filter(7) wants a backslash before names that are keywords.
    let name = word.strip_prefix('\\').unwrap_or(word);
    if let Some(number) = number(name, 255) {
        return Ok(number as u8);
    }
    if let Some(number) = names::protocol_number(name) {
        return Ok(number);
    }
    if is_decimal_like(name) {
        let kind = FilterErrorKind::OutOfRange { what: "protocol", value: word.into(), max: 255 };
        return Err((kind, octal_hint(name)));
    }
    let hint = match nearest(name, names::PROTOCOLS.iter().map(|&(name, _)| name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write its number".to_owned(),
    };
    let expected = "a protocol number or name";
    Err((FilterErrorKind::Expected { expected, found: word.into() }, Some(hint)))
}

fn is_decimal(word: &str) -> bool {
    is_decimal_like(word) && (word == "0" || !word.starts_with('0'))
}

fn is_decimal_like(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}
