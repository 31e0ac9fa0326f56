//! sFlow version 5 (sflow.org, "sFlow Version 5", July 2004): samples of packets in XDR.
//!
//! A record is no packet, so its samples are made: Ethernet, IP and transport headers with its addresses, ports
//! and flags, and the length of its mean packet.

mod read;
mod synthesis;

use std::net::IpAddr;

use rheos_core::{Timestamp, WideRecord};

use super::exporter::{ExportConfig, ExportCounters, ExportRecord, Filled, Refused, boot_of};
use super::netflow5::uptime;
use super::slot::Writer;
use synthesis::{Header, header_len_min};

pub(super) use read::read;

/// Formats of samples and of what is in them (enterprise 0, sFlow 5 §5.3).
const FLOW_SAMPLE: u32 = 1;
const RAW_HEADER: u32 = 1;
const EXTENDED_ROUTER: u32 = 1002;
const EXTENDED_GATEWAY: u32 = 1003;
const ETHERNET: u32 = 1;
const ADDRESS_V4: u32 = 1;
const ADDRESS_V6: u32 = 2;
/// The frame check sequence of Ethernet: part of a frame's length, and stripped from its header.
const FCS: u32 = 4;
/// Links are Ethernet.
const LINK_HEADER: u32 = 14;

/// An input interface with its own numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    sequence: u32,
    /// Packets that could have been sampled.
    pool: u64,
}

#[derive(Clone, Debug)]
pub(super) struct SflowExporter {
    boot: Option<Timestamp>,
    agent: IpAddr,
    sub_agent: u32,
    sampling: u32,
    sequence: u32,
    /// By the interface's number: all that a record can name.
    sources: Box<[Source]>,
    /// Samples of the next record that are written already.
    samples_done: u64,
}

/// The samples that tell one record.
#[derive(Clone, Copy, Debug)]
struct Samples {
    count: u64,
    /// IP bytes of the smaller packets; the others have one more.
    ip_len: u32,
    /// Packets with one byte more.
    longer: u64,
    packets: u64,
    /// 1 where rates tell the totals.
    every: u64,
}

impl Samples {
    fn of(record: &WideRecord, every: u32, pool: u64) -> Result<Self, Refused> {
        let WideRecord { bytes, packets, .. } = *record;
        let mean = bytes.checked_div(packets).ok_or(Refused::TooSmall)?;
        let longer = bytes % packets;
        if mean < u64::from(header_len_min(record)) {
            return Err(Refused::TooSmall);
        }
        if mean + u64::from(longer > 0) > u64::from(u16::MAX) {
            return Err(Refused::TooLarge);
        }
        let every = u64::from(every);
        let count = if every == 1 {
            1 + u64::from(longer > 0)
        } else {
            pool.wrapping_add(packets) / every - pool / every
        };
        if count > u64::from(u32::MAX) || (every == 1 && packets > u64::from(u32::MAX)) {
            return Err(Refused::TooLarge);
        }
        Ok(Self { count, ip_len: mean as u32, longer, packets, every })
    }

    /// Rate, length of the IP packet, and packets of the pool that this sample is the last of.
    const fn get(&self, index: u64, pool: u64) -> (u32, u32, u64) {
        if self.every > 1 {
            let past = self.every - pool % self.every + index * self.every;
            let long = index * self.every < self.longer;
            return (self.every as u32, self.ip_len + long as u32, past);
        }
        let shorter = self.packets - self.longer;
        if index == 0 {
            (shorter as u32, self.ip_len, shorter)
        } else {
            (self.longer as u32, self.ip_len + 1, self.packets)
        }
    }
}

impl SflowExporter {
    pub(super) fn new(config: &ExportConfig) -> Self {
        Self {
            boot: config.boot,
            agent: config.agent,
            sub_agent: config.domain,
            sampling: config.sampling,
            sequence: 0,
            sources: vec![Source::default(); 1 << 16].into(),
            samples_done: 0,
        }
    }

    pub(super) fn encode<R: ExportRecord>(
        &mut self,
        now: Timestamp,
        records: &[R],
        out: &mut [u8],
        counters: &mut ExportCounters,
    ) -> Filled {
        let boot_ms = boot_of(&mut self.boot, now).as_nanos() / 1_000_000;
        let mut at = if self.agent.is_ipv4() { 28 } else { 40 };
        let (mut taken, mut written) = (0, 0);
        for record in records {
            let record = record.wide();
            let Some(source) = self.sources.get_mut(usize::from(record.input_interface)) else {
                break;
            };
            match Samples::of(&record, self.sampling, source.pool) {
                Err(reason) => counters.refuse(reason),
                Ok(samples) => {
                    let mut header = Header::new(&record);
                    let len = sample_len(&record, header.len());
                    let room = (out.len().saturating_sub(at) / len) as u64;
                    let end = samples.count.min(self.samples_done + room);
                    for index in self.samples_done..end {
                        source.sequence = source.sequence.wrapping_add(1);
                        let (rate, ip_len, past) = samples.get(index, source.pool);
                        let pool = source.pool.wrapping_add(past) as u32;
                        header.set_ip_len(ip_len);
                        let sample = Sample { sequence: source.sequence, rate, pool, ip_len };
                        write_sample(&mut Writer::new(out, at), &record, &header, &sample);
                        at += len;
                        written += 1;
                    }
                    if end < samples.count {
                        self.samples_done = end;
                        break;
                    }
                    counters.split += u64::from(samples.count > 1);
                    source.pool = source.pool.wrapping_add(samples.packets);
                    self.samples_done = 0;
                }
            }
            taken += 1;
        }
        if written == 0 {
            return Filled { len: 0, taken, written };
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.write_header(out, uptime(now.as_nanos(), boot_ms), written as u32);
        Filled { len: at, taken, written }
    }

    fn write_header(&self, out: &mut [u8], uptime_ms: u32, samples: u32) {
        let mut out = Writer::new(out, 0);
        out.u32(5);
        match self.agent {
            IpAddr::V4(agent) => {
                out.u32(ADDRESS_V4);
                out.put(&agent.octets());
            }
            IpAddr::V6(agent) => {
                out.u32(ADDRESS_V6);
                out.put(&agent.octets());
            }
        }
        out.u32(self.sub_agent);
        out.u32(self.sequence);
        out.u32(uptime_ms);
        out.u32(samples);
    }
}

/// What is special to one sample.
struct Sample {
    sequence: u32,
    rate: u32,
    pool: u32,
    ip_len: u32,
}

const ROUTER_LEN: usize = 16;
const GATEWAY_LEN: usize = 32;

/// Bytes of a sample with its number and length.
const fn sample_len(record: &WideRecord, header_len: usize) -> usize {
    let router = if record.source_prefix > 0 { 8 + ROUTER_LEN } else { 0 };
    let gateway = if record.source_as > 0 { 8 + GATEWAY_LEN } else { 0 };
    8 + 32 + 8 + 16 + header_len.next_multiple_of(4) + router + gateway
}

fn write_sample(out: &mut Writer<'_>, record: &WideRecord, header: &Header, sample: &Sample) {
    let header_len = header.len();
    out.u32(FLOW_SAMPLE);
    out.u32((sample_len(record, header_len) - 8) as u32);
    out.u32(sample.sequence);
    out.u32(u32::from(record.input_interface)); // source: class 0 is an interface's number
    out.u32(sample.rate);
    out.u32(sample.pool);
    out.u32(0); // dropped for want of resources
    out.u32(u32::from(record.input_interface));
    out.u32(u32::from(record.output_interface));
    out.u32(1 + u32::from(record.source_prefix > 0) + u32::from(record.source_as > 0));
    out.u32(RAW_HEADER);
    out.u32((16 + header_len.next_multiple_of(4)) as u32);
    out.u32(ETHERNET);
    out.u32(sample.ip_len + LINK_HEADER + FCS);
    out.u32(FCS);
    out.u32(header_len as u32);
    out.put(header.bytes());
    out.put(&[0; 3][..header_len.next_multiple_of(4) - header_len]);
    if record.source_prefix > 0 {
        out.u32(EXTENDED_ROUTER);
        out.u32(ROUTER_LEN as u32);
        out.u32(ADDRESS_V4);
        out.u32(0); // next hop
        out.u32(record.source_prefix.into());
        out.u32(0); // prefix length of the destination
    }
    if record.source_as > 0 {
        out.u32(EXTENDED_GATEWAY);
        out.u32(GATEWAY_LEN as u32);
        out.u32(ADDRESS_V4);
        out.u32(0); // next hop
        out.u32(0); // AS of the router
        out.u32(record.source_as);
        out.u32(0); // AS of the source's peer
        out.put(&[0; 12]); // path to the destination, communities, local preference: none
    }
}
