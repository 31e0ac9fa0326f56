//! Counts over all queries and over all responses.

use std::net::IpAddr;

use rheos_wire::dns::{Header, Opt, Record, push_type};

use crate::moments::Moments;
use crate::smallest::Smallest;

/// Up to so many addresses in answers are told apart exactly.
pub const ADDRESSES_KEPT: usize = 128;
/// So many types of records are listed at most.
pub const TYPES_MAX: usize = 16;
/// Response codes that are counted on their own: from NOERROR to REFUSED.
pub(super) const RCODES: usize = 6;

/// Counts over queries.
#[derive(Debug, Default)]
pub struct QueryTally {
    /// Messages.
    pub messages: u64,
    /// Messages that are no plain query: notify, update, ...
    pub other_opcodes: u64,
    /// Messages with EDNS(0).
    pub edns: u64,
    /// Messages that want DNSSEC records.
    pub dnssec_ok: u64,
    /// Messages that tell the client's network.
    pub client_subnet: u64,
    /// The longest message that a sender takes over UDP, by EDNS(0).
    pub udp_payload_max: u16,
    /// Lengths of messages in octets.
    pub len: Moments,
}

impl QueryTally {
    pub(super) fn on_query(&mut self, header: &Header, len: usize, opt: Option<Opt<'_>>) {
        self.messages += 1;
        self.other_opcodes += u64::from(header.opcode() != 0);
        self.len.push(len as u64);
        if let Some(opt) = opt {
            let subnet = opt.options().any(|(number, _)| number == Opt::CLIENT_SUBNET);
            self.edns += 1;
            self.dnssec_ok += u64::from(opt.dnssec_ok());
            self.client_subnet += u64::from(subnet);
            self.udp_payload_max = self.udp_payload_max.max(opt.udp_payload);
        }
    }
}

/// Counts over responses.
#[derive(Debug, Default)]
pub struct ResponseTally {
    /// Messages.
    pub messages: u64,
    /// Messages by response code; the last are all others.
    pub rcodes: [u64; RCODES + 1],
    /// Messages with AA.
    pub authoritative: u64,
    /// Messages with TC.
    pub truncated: u64,
    /// Messages with AD.
    pub authenticated: u64,
    /// Answers, by what the headers say.
    pub answers: u64,
    /// Times to live of answers, in seconds.
    pub ttl: Moments,
    /// Different addresses in answers.
    pub addresses: Smallest<ADDRESSES_KEPT>,
    /// Types of answers.
    pub types: Types,
    /// Lengths of messages in octets.
    pub len: Moments,
}

impl ResponseTally {
    pub(super) fn on_response(&mut self, header: &Header, rcode: u16, len: usize) {
        self.messages += 1;
        self.rcodes[usize::from(rcode).min(RCODES)] += 1;
        self.authoritative += u64::from(header.is_authoritative());
        self.truncated += u64::from(header.is_truncated());
        self.authenticated += u64::from(header.is_authenticated());
        self.answers += u64::from(header.counts[1]);
        self.len.push(len as u64);
    }

    pub(super) fn on_answer(&mut self, record: &Record<'_>, ttl: u32) {
        self.ttl.push(u64::from(ttl));
        self.types.add(record.record_type);
        match record.address() {
            Some(IpAddr::V4(address)) => {
                self.addresses.add(super::names::spread(u64::from(address.to_bits())));
            }
            Some(IpAddr::V6(address)) => {
                let bits = address.to_bits();
                let half = super::names::spread(!(bits >> 64) as u64);
                self.addresses.add(super::names::spread(half ^ bits as u64));
            }
            None => {}
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.addresses.heap_bytes()
    }
}

/// Types of records that were seen, at most [`TYPES_MAX`] of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Types {
    numbers: [u16; TYPES_MAX],
    len: u8,
}

impl Types {
    /// Adds a type; forgets it where there are [`TYPES_MAX`] others already.
    pub fn add(&mut self, number: u16) {
        if self.numbers().contains(&number) {
            return;
        }
        if let Some(place) = self.numbers.get_mut(usize::from(self.len)) {
            *place = number;
            self.len += 1;
        }
    }

    fn numbers(&self) -> &[u16] {
        self.numbers.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// Appends their names in order of their numbers, with commas between them; false without any.
    pub fn push_to(&self, out: &mut String) -> bool {
        let mut numbers = *self;
        let sorted = &mut numbers.numbers[..usize::from(self.len)];
        sorted.sort_unstable();
        for (place, number) in sorted.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            push_type(out, *number);
        }
        self.len > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_listed_by_number() {
        let mut types = Types::default();
        let mut out = String::new();
        assert!(!types.push_to(&mut out));
        for number in [28, 1, 28, 65280] {
            types.add(number);
        }
        assert!(types.push_to(&mut out));
        assert_eq!(out, "A,AAAA,TYPE65280");
        for number in 100..200 {
            types.add(number);
        }
        assert_eq!(types.numbers().len(), TYPES_MAX);
    }
}
