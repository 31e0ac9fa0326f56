//! Questions and resource records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::codes::record_type;
use super::name::Name;

/// The top bit of a class means something else in multicast DNS: answer by unicast, or flush the cache
/// (RFC 6762 §18.12, §18.13).
pub const CLASS_MASK: u16 = 0x7fff;

/// The part of a message that a record stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answers; in an update, prerequisites (RFC 2136).
    Answer,
    /// Authority; in an update, the changes.
    Authority,
    /// Additional.
    Additional,
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is asked for.
    pub name: Name<'a>,
    /// The type of records.
    pub record_type: u16,
    /// The class as sent: 1 is the Internet.
    pub class: u16,
}

/// A resource record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it stands.
    pub section: Section,
    /// Its owner.
    pub name: Name<'a>,
    /// Its type.
    pub record_type: u16,
    /// Its class as sent; in [`Opt`] another thing.
    pub class: u16,
    /// Time to live as sent; in [`Opt`] another thing.
    pub ttl: u32,
    /// Its data.
    pub data: &'a [u8],
}

impl<'a> Question<'a> {
    /// Reads the question at `at`, and where it ends.
    pub(super) fn parse(message: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let (name, end) = Name::parse(message, at)?;
        let (rest, _) = message.get(end..)?.split_first_chunk::<4>()?;
        let [t1, t0, c1, c0] = *rest;
        let record_type = u16::from_be_bytes([t1, t0]);
        Some((Self { name, record_type, class: u16::from_be_bytes([c1, c0]) }, end + 4))
    }
}

/// Bytes of a record between its name and its data.
const FIXED: usize = 10;

impl<'a> Record<'a> {
    /// Reads the record at `at`, and where it ends.
    pub(super) fn parse(message: &'a [u8], at: usize, section: Section) -> Option<(Self, usize)> {
        let (name, end) = Name::parse(message, at)?;
        let (fixed, rest) = message.get(end..)?.split_first_chunk::<FIXED>()?;
        let [t1, t0, c1, c0, l3, l2, l1, l0, d1, d0] = *fixed;
        let data = rest.get(..usize::from(u16::from_be_bytes([d1, d0])))?;
        let record = Self {
            section,
            name,
            record_type: u16::from_be_bytes([t1, t0]),
            class: u16::from_be_bytes([c1, c0]),
            ttl: u32::from_be_bytes([l3, l2, l1, l0]),
            data,
        };
        Some((record, end + FIXED + data.len()))
    }

    /// The address in an A or AAAA record.
    pub fn address(&self) -> Option<IpAddr> {
        match self.record_type {
            record_type::A => Some(Ipv4Addr::from(<[u8; 4]>::try_from(self.data).ok()?).into()),
            record_type::AAAA => Some(Ipv6Addr::from(<[u8; 16]>::try_from(self.data).ok()?).into()),
            _ => None,
        }
    }

    /// What EDNS(0) says, in an OPT record.
    pub fn opt(&self) -> Option<Opt<'a>> {
        (self.record_type == record_type::OPT).then_some(Opt {
            udp_payload: self.class,
            flags: self.ttl,
            options: self.data,
        })
    }
}

/// EDNS(0): an OPT record (RFC 6891 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt<'a> {
    /// The longest message its sender takes over UDP.
    pub udp_payload: u16,
    flags: u32,
    options: &'a [u8],
}

impl<'a> Opt<'a> {
    /// The number of the option that names the client's network (RFC 7871 §6).
    pub const CLIENT_SUBNET: u16 = 8;
    /// Most options of one record that are looked at.
    const OPTIONS_MAX: usize = 64;

    /// The upper eight bits of the response code.
    pub fn rcode_high(&self) -> u16 {
        (self.flags >> 24) as u16
    }

    /// The version: 0.
    pub fn version(&self) -> u8 {
        (self.flags >> 16) as u8
    }

    /// DNSSEC records are wanted: DO (RFC 3225).
    pub fn dnssec_ok(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// Its options: number and data, as far as they are whole.
    pub fn options(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.options;
        let next = move || {
            let ([n1, n0, l1, l0], data) = rest.split_first_chunk::<4>()?;
            let length = usize::from(u16::from_be_bytes([*l1, *l0]));
            let (data, after) = data.split_at_checked(length)?;
            rest = after;
            Some((u16::from_be_bytes([*n1, *n0]), data))
        };
        std::iter::from_fn(next).take(Self::OPTIONS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_record() {
        // a.b A IN 300 192.0.2.1
        let message = b"\x01a\x01b\0\0\x01\0\x01\0\0\x01\x2c\0\x04\xc0\0\x02\x01!";
        let (record, end) = Record::parse(message, 0, Section::Answer).unwrap();
        assert_eq!((record.record_type, record.class, record.ttl, end), (1, 1, 300, 19));
        assert_eq!(record.address(), Some("192.0.2.1".parse().unwrap()));
        assert!(record.opt().is_none());
        for cut in 0..19 {
            assert!(Record::parse(&message[..cut], 0, Section::Answer).is_none(), "{cut}");
        }
    }

    #[test]
    fn edns() {
        // root OPT, 1232 bytes, extended rcode 1, version 0, DO; client subnet 192.0.2.0/24, an empty cookie
        let mut message = b"\0\0\x29\x04\xd0\x01\0\x80\0\0\x0f".to_vec();
        message.extend(b"\0\x08\0\x07\0\x01\x18\0\xc0\0\x02\0\x0a\0\0");
        let (record, _) = Record::parse(&message, 0, Section::Additional).unwrap();
        let opt = record.opt().unwrap();
        assert_eq!((opt.udp_payload, opt.rcode_high(), opt.version()), (1232, 1, 0));
        assert!(opt.dnssec_ok());
        let options: Vec<_> = opt.options().collect();
        assert_eq!(options, [(8, &b"\0\x01\x18\0\xc0\0\x02"[..]), (10, b"")]);
    }
}
