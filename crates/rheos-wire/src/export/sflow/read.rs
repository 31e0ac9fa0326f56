//! Reading sFlow: the sampled headers are decoded like any frame.

use rheos_core::{Frame, IpVersion, LinkType, RecordFlags, WideRecord};

use super::super::collect::{Malformed, Read, Reader};
use super::super::exporter::Protocol;
use super::{
    ADDRESS_V4, ADDRESS_V6, ETHERNET, EXTENDED_GATEWAY, EXTENDED_ROUTER, FLOW_SAMPLE, RAW_HEADER,
};
use crate::{ChecksumPolicy, DecodeConfig, Decoded, Packet, TunnelPolicy, decode};

/// The wide form of a flow sample.
const EXPANDED_FLOW_SAMPLE: u32 = 3;
/// What switches that do not copy headers tell: addresses and ports (sFlow 5 §5.3, formats 3 and 4).
const SAMPLED_IPV4: u32 = 3;
const SAMPLED_IPV6: u32 = 4;
/// Protocols of a raw header: IPv4 and IPv6 without a link header.
const RAW_IPV4: u32 = 11;
const RAW_IPV6: u32 = 12;
/// Samples of a datagram, and records of a sample, at most.
const SAMPLES_MAX: u32 = 4096;
const RECORDS_MAX: u32 = 64;

/// The rest of a datagram, read in words.
#[derive(Clone, Copy)]
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn word(&mut self) -> Result<u32, Malformed> {
        let (word, rest) = self.0.split_first_chunk::<4>().ok_or(Malformed::RecordTruncated)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*word))
    }

    /// Opaque data: its padding to whole words is stepped over.
    fn opaque(&mut self, len: u32) -> Result<&'a [u8], Malformed> {
        let padded = (len as usize).next_multiple_of(4);
        let (data, rest) = self.0.split_at_checked(padded).ok_or(Malformed::RecordTruncated)?;
        self.0 = rest;
        Ok(&data[..len as usize])
    }

    fn address(&mut self) -> Result<(), Malformed> {
        let len = match self.word()? {
            ADDRESS_V4 => 4,
            ADDRESS_V6 => 16,
            _ => 0,
        };
        self.opaque(len).map(drop)
    }
}

/// Reads a datagram whose version is known to be 5.
pub(in crate::export) fn read(
    reader: &mut Reader<'_>,
    bytes: &[u8],
    out: &mut Vec<WideRecord>,
) -> Result<Read, Malformed> {
    let mut words = Words(bytes);
    let header = |words: &mut Words<'_>| {
        words.word()?;
        words.address()?;
        Ok([words.word()?, words.word()?, words.word()?, words.word()?])
    };
    let [sub_agent, sequence, _uptime, samples] =
        header(&mut words).map_err(|_: Malformed| Malformed::HeaderTruncated)?;
    let before = out.len();
    for _ in 0..samples.min(SAMPLES_MAX) {
        let format = words.word()?;
        let len = words.word()?;
        let sample = Words(words.opaque(len)?);
        let record = match format {
            FLOW_SAMPLE => flow_sample(reader, sample, false)?,
            EXPANDED_FLOW_SAMPLE => flow_sample(reader, sample, true)?,
            _ => None,
        };
        match record {
            Some(record) => out.push(WideRecord { stream_id: sub_agent, ..record }),
            None => reader.counters.samples_skipped += 1,
        }
    }
    let lost = reader.sequence(Protocol::Sflow5, sub_agent, sequence, 1);
    Ok(Read { records: out.len() - before, lost, ..Read::new(Protocol::Sflow5) })
}

/// One sample as a flow of as many packets as it stands for; nothing when it is no IP packet.
fn flow_sample(
    reader: &Reader<'_>,
    mut words: Words<'_>,
    expanded: bool,
) -> Result<Option<WideRecord>, Malformed> {
    words.word()?; // sequence number
    words.word()?; // source
    if expanded {
        words.word()?; // source: class and index apart
    }
    let rate = words.word()?;
    words.word()?; // pool
    words.word()?; // dropped
    let mut interface = || {
        // Class and index apart, or the class in the two upper bits.
        let (class, index) = if expanded {
            (words.word()?, words.word()?)
        } else {
            let word = words.word()?;
            (word >> 30, word & 0x3fff_ffff)
        };
        Ok(if class == 0 { u16::try_from(index).unwrap_or(u16::MAX) } else { 0 })
    };
    let (input_interface, output_interface) = (interface()?, interface()?);
    let count = words.word()?.min(RECORDS_MAX);
    let mut record = None;
    let (mut source_prefix, mut source_as) = (0, 0);
    for _ in 0..count {
        let format = words.word()?;
        let len = words.word()?;
        let mut content = Words(words.opaque(len)?);
        match format {
            RAW_HEADER => record = raw_header(content)?.or(record),
            SAMPLED_IPV4 => record = record.or(Some(sampled_ip(content, false)?)),
            SAMPLED_IPV6 => record = record.or(Some(sampled_ip(content, true)?)),
            EXTENDED_ROUTER => {
                content.address()?;
                source_prefix = content.word()? as u8;
            }
            EXTENDED_GATEWAY => {
                content.address()?;
                content.word()?;
                source_as = content.word()?;
            }
            _ => {}
        }
    }
    let time = reader.received.as_nanos();
    Ok(record.map(|one| WideRecord {
        first: time,
        last: time,
        packets: u64::from(rate),
        bytes: one.bytes.saturating_mul(u64::from(rate)),
        input_interface,
        output_interface,
        source_prefix,
        source_as,
        ..one
    }))
}

/// A sampled header as a flow of one packet.
fn raw_header(mut words: Words<'_>) -> Result<Option<WideRecord>, Malformed> {
    let protocol = words.word()?;
    let frame_len = words.word()?;
    let stripped = words.word()?;
    let len = words.word()?;
    let data = words.opaque(len)?;
    let link = match protocol {
        ETHERNET => LinkType::ETHERNET,
        RAW_IPV4 | RAW_IPV6 => LinkType::RAW,
        _ => return Ok(None),
    };
    // The frame check sequence counts to the frame's length, but is none of its packet.
    let wire_len = frame_len.saturating_sub(stripped).max(len);
    let config = DecodeConfig {
        tunnels: TunnelPolicy::Outer,
        checksums: ChecksumPolicy::Ignore,
        ..DecodeConfig::default()
    };
    let mut packet = Packet::default();
    let frame = Frame { ts: rheos_core::Timestamp::ZERO, wire_len, link, data };
    if decode(frame, 0, &config, &mut packet) != Decoded::Packet {
        return Ok(None);
    }
    Ok(Some(record_of(&packet)))
}

fn record_of(packet: &Packet) -> WideRecord {
    let tuple = packet.tuple;
    let v6 = tuple.version == IpVersion::V6;
    let address = |address: rheos_core::Addr| {
        if v6 { address.0 } else { WideRecord::mapped(u32::from_be_bytes(address.v4_bytes())) }
    };
    let icmp = matches!((tuple.protocol, v6), (1, false) | (58, true));
    let ports = if icmp {
        // The convention of NetFlow: type and code as the destination's port.
        (0, u16::from_be_bytes([packet.icmp_type, packet.icmp_code]))
    } else {
        (tuple.src_port, tuple.dst_port)
    };
    WideRecord {
        bytes: u64::from(packet.ip_len),
        packets: 1,
        source_ip: address(tuple.src),
        destination_ip: address(tuple.dst),
        source_port: ports.0,
        destination_port: ports.1,
        protocol: tuple.protocol,
        tcp_flags: packet.tcp.flags as u8,
        tos: packet.tos,
        flags: if v6 { RecordFlags::IPV6 } else { 0 },
        ..WideRecord::default()
    }
}

fn sampled_ip(mut words: Words<'_>, v6: bool) -> Result<WideRecord, Malformed> {
    let bytes = u64::from(words.word()?);
    let protocol = words.word()? as u8;
    let len = if v6 { 16 } else { 4 };
    let mut address = || {
        let octets = words.opaque(len)?;
        let mut address = if v6 { [0; 16] } else { WideRecord::mapped(0) };
        address[16 - octets.len()..].copy_from_slice(octets);
        Ok(address)
    };
    let (source_ip, destination_ip) = (address()?, address()?);
    let source_port = words.word()? as u16;
    let destination_port = words.word()? as u16;
    let tcp_flags = words.word()? as u8;
    let tos = words.word()? as u8;
    Ok(WideRecord {
        bytes,
        packets: 1,
        source_ip,
        destination_ip,
        source_port,
        destination_port,
        protocol,
        tcp_flags,
        tos,
        flags: if v6 { RecordFlags::IPV6 } else { 0 },
        ..WideRecord::default()
    })
}
