//! The first bytes of a packet as a record has it: Ethernet, IP and transport headers.

use rheos_core::WideRecord;

use super::super::netflow5::low4;
use crate::checksum::internet_sum;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;
/// Ethernet, IPv6 and TCP.
const LEN_MAX: usize = 14 + 40 + 20;
/// Locally administered addresses (RFC 9542 §2.1): of the next router and of this one.
const MACS: [u8; 12] = [2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1];
const HOPS: u8 = 64;

/// Headers, ready but for their length.
pub(super) struct Header {
    bytes: [u8; LEN_MAX],
    len: usize,
    v6: bool,
    protocol: u8,
}

const fn transport_len(protocol: u8) -> usize {
    match protocol {
        TCP => 20,
        UDP | ICMP | ICMP6 => 8,
        _ => 0,
    }
}

/// The least length of an IP packet of this record.
pub(super) const fn header_len_min(record: &WideRecord) -> u32 {
    let ip = if record.is_ipv6() { 40 } else { 20 };
    (ip + transport_len(record.protocol)) as u32
}

impl Header {
    pub(super) fn new(record: &WideRecord) -> Self {
        let v6 = record.is_ipv6();
        let mut bytes = [0; LEN_MAX];
        bytes[..12].copy_from_slice(&MACS);
        let l4 = if v6 {
            bytes[12..14].copy_from_slice(&[0x86, 0xdd]);
            let first = 0x6000_0000 | (u32::from(record.tos) << 20);
            bytes[14..18].copy_from_slice(&first.to_be_bytes());
            bytes[20] = record.protocol;
            bytes[21] = HOPS;
            bytes[22..38].copy_from_slice(&record.source_ip);
            bytes[38..54].copy_from_slice(&record.destination_ip);
            54
        } else {
            bytes[12..14].copy_from_slice(&[0x08, 0x00]);
            bytes[14] = 0x45;
            bytes[15] = record.tos;
            bytes[20] = 0x40; // don't fragment
            bytes[22] = HOPS;
            bytes[23] = record.protocol;
            bytes[26..30].copy_from_slice(&low4(&record.source_ip));
            bytes[30..34].copy_from_slice(&low4(&record.destination_ip));
            34
        };
        let transport = &mut bytes[l4..l4 + 20.min(LEN_MAX - l4)];
        match record.protocol {
            TCP | UDP => {
                transport[..2].copy_from_slice(&record.source_port.to_be_bytes());
                transport[2..4].copy_from_slice(&record.destination_port.to_be_bytes());
                if record.protocol == TCP {
                    transport[12] = 5 << 4;
                    transport[13] = record.tcp_flags;
                    transport[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
                }
            }
            ICMP | ICMP6 => {
                transport[..2].copy_from_slice(&record.destination_port.to_be_bytes());
            }
            _ => {}
        }
        Self { bytes, len: l4 + transport_len(record.protocol), v6, protocol: record.protocol }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Writes the lengths, and the checksum of IPv4. What follows the headers is not told, so neither is its checksum.
    pub(super) fn set_ip_len(&mut self, ip_len: u32) {
        let l4 = if self.v6 {
            self.bytes[18..20].copy_from_slice(&((ip_len - 40) as u16).to_be_bytes());
            54
        } else {
            self.bytes[16..18].copy_from_slice(&(ip_len as u16).to_be_bytes());
            self.bytes[24..26].fill(0);
            let sum = !internet_sum(&self.bytes[14..34]);
            self.bytes[24..26].copy_from_slice(&sum.to_be_bytes());
            34
        };
        if self.protocol == UDP {
            let len = ip_len - (l4 - 14) as u32;
            self.bytes[l4 + 4..l4 + 6].copy_from_slice(&(len as u16).to_be_bytes());
        }
    }
}
