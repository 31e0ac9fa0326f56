//! The exporter: what is told of it, what it counts, and the choice of its protocol.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use rheos_core::{FlowRecord, Nanos, Timestamp, WideRecord};

use super::message::{Dialect, MessageExporter};
use super::netflow5::NetFlow5Exporter;
use super::sflow::SflowExporter;

/// A protocol of flow export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// NetFlow version 5: IPv4 only, 32-bit counters, at most 30 records per datagram.
    NetFlow5,
    /// NetFlow version 9 (RFC 3954).
    NetFlow9,
    /// IPFIX (RFC 7011).
    #[default]
    Ipfix,
    /// sFlow version 5: samples of packets, with headers made from the records.
    Sflow5,
}

impl Protocol {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::NetFlow5, Self::NetFlow9, Self::Ipfix, Self::Sflow5];

    /// Its name in settings and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetFlow5 => "netflow5",
            Self::NetFlow9 => "netflow9",
            Self::Ipfix => "ipfix",
            Self::Sflow5 => "sflow5",
        }
    }

    /// The UDP port that collectors listen on by default (IPFIX and sFlow: IANA).
    pub const fn port(self) -> u16 {
        match self {
            Self::NetFlow5 | Self::NetFlow9 => 2055,
            Self::Ipfix => 4739,
            Self::Sflow5 => 6343,
        }
    }
}

/// How records of NetFlow 9 and IPFIX tell when a flow began and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Times {
    /// Milliseconds of the exporter's uptime (elements 22 and 21): NetFlow 9 only.
    Uptime,
    /// Milliseconds since 1970 (elements 152 and 153).
    #[default]
    Millis,
    /// Microseconds in NTP format (elements 154 and 155).
    Micros,
    /// Nanoseconds in NTP format (elements 156 and 157).
    Nanos,
}

/// What an [`Exporter`] is told. The default is IPFIX, one packet in one counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportConfig {
    /// What it speaks.
    pub protocol: Protocol,
    /// Observation domain (IPFIX), source id (NetFlow 9), engine type and id (NetFlow 5: the low 16 bits), sub-agent (sFlow).
    pub domain: u32,
    /// Bytes of a datagram at most, without IP and UDP headers. The default fits IPv6 on Ethernet (1500 - 48).
    pub datagram_len_max: usize,
    /// One packet in this many was counted. Told to the collector; counters are written as they are in the record.
    /// sFlow: 1 writes samples whose rates and lengths give each record's totals exactly; more takes every so manieth packet.
    pub sampling: u32,
    /// When the exporter was started; without it a day before the first export.
    pub boot: Option<Timestamp>,
    /// Format of times: NetFlow 9 and IPFIX.
    pub times: Times,
    /// IPFIX: two records of one flow, one behind the other, become one (RFC 5103).
    pub biflows: bool,
    /// Templates and options again after this many datagrams; 0 is never.
    pub refresh_datagrams: u32,
    /// Templates and options again after this time; zero is never.
    pub refresh_time: Nanos,
    /// IPFIX: name of the observation domain (element 300), told with the options; at most 254 bytes.
    pub name: String,
    /// sFlow: address of the agent.
    pub agent: IpAddr,
}

/// The least [`ExportConfig::datagram_len_max`]: all templates and options fit into one datagram.
const DATAGRAM_LEN_MIN: usize = 1000;
/// The longest IPFIX message (RFC 7011 §3.1), and more than a UDP datagram holds.
const DATAGRAM_LEN_MAX: usize = 65_535;
/// Longest name: one length octet (RFC 7011 §7).
const NAME_LEN_MAX: usize = 254;
/// The sampling interval of NetFlow 5 has 14 bits.
const NETFLOW5_SAMPLING_MAX: u32 = 0x3fff;

impl Default for ExportConfig {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            domain: 0,
            datagram_len_max: 1452,
            sampling: 1,
            boot: None,
            times: Times::default(),
            biflows: false,
            refresh_datagrams: 1000,
            refresh_time: Nanos::from_secs(60),
            name: String::new(),
            agent: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// Why an [`ExportConfig`] cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The datagram is too short for the templates, or too long for the protocol.
    DatagramLen {
        /// What was asked for.
        len: usize,
    },
    /// A sampling interval of zero, or one that the protocol cannot tell.
    Sampling {
        /// What was asked for.
        sampling: u32,
        /// The most that the protocol can tell.
        max: u32,
    },
    /// Times in uptime are none of IPFIX's.
    Uptime,
    /// Biflows in another protocol than IPFIX.
    Biflows {
        /// The protocol.
        protocol: Protocol,
    },
    /// A name that is too long.
    Name {
        /// Its bytes.
        len: usize,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatagramLen { len } => {
                write!(f, "a datagram has {DATAGRAM_LEN_MIN} to {DATAGRAM_LEN_MAX} bytes: {len}")
            }
            Self::Sampling { sampling, max } => {
                write!(f, "sampling is one packet in 1 to {max}: {sampling}")
            }
            Self::Uptime => f.write_str("IPFIX tells times since 1970, not in uptime"),
            Self::Biflows { protocol } => {
                write!(f, "only IPFIX has biflows, not {}", protocol.name())
            }
            Self::Name { len } => {
                write!(f, "an exporter's name has at most {NAME_LEN_MAX} bytes: {len}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// The caller's buffer is shorter than [`Exporter::datagram_len_max`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// Bytes that are needed.
    pub need: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer for a datagram needs {} bytes", self.need)
    }
}

impl std::error::Error for BufferTooSmall {}

/// What one call of [`Exporter::encode`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Length of the datagram; 0 when there is nothing to send.
    pub len: usize,
    /// How many of the records are done: go on with those behind them.
    pub taken: usize,
    /// Data records in the datagram: flow records, or samples of sFlow.
    pub written: usize,
}

/// Why a record cannot be told in a protocol: a counted outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Refused {
    /// NetFlow 5 has no IPv6.
    Ipv6,
    /// Beyond what the protocol can count, even in parts: 4096 parts of NetFlow 5, packets beyond 65535 bytes in sFlow.
    TooLarge,
    /// sFlow: fewer bytes per packet than the headers of one, or no packet at all.
    TooSmall,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Ipv6, Self::TooLarge, Self::TooSmall];

    /// Its name as a metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ipv6 => "ipv6",
            Self::TooLarge => "too_large",
            Self::TooSmall => "too_small",
        }
    }
}

/// What an exporter did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportCounters {
    /// Datagrams made.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records taken, refused ones included.
    pub records: u64,
    /// Flow records or samples written: more than the records taken where some were split.
    pub written: u64,
    /// Records that were written in several parts.
    pub split: u64,
    /// Pairs of records that became one biflow.
    pub paired: u64,
    /// How often templates and options were sent.
    pub refreshes: u64,
    refused: [u64; Refused::ALL.len()],
}

impl ExportCounters {
    /// Records that were not written for this reason.
    pub const fn refused(&self, reason: Refused) -> u64 {
        self.refused[reason as usize]
    }

    pub(super) const fn refuse(&mut self, reason: Refused) {
        self.refused[reason as usize] += 1;
    }
}

/// A record that can be exported: [`WideRecord`], and [`FlowRecord`] as a flow of one packet.
pub trait ExportRecord {
    /// The record as a wide one.
    fn wide(&self) -> WideRecord;
}

impl ExportRecord for WideRecord {
    #[inline]
    fn wide(&self) -> WideRecord {
        *self
    }
}

impl ExportRecord for FlowRecord {
    #[inline]
    fn wide(&self) -> WideRecord {
        WideRecord::from(self)
    }
}

/// Makes datagrams of records. Nothing is allocated after [`Exporter::new`].
#[derive(Clone, Debug)]
pub struct Exporter {
    datagram_len_max: usize,
    protocol: Protocol,
    counters: ExportCounters,
    encoder: Encoder,
}

#[derive(Clone, Debug)]
enum Encoder {
    NetFlow5(NetFlow5Exporter),
    Message(MessageExporter),
    Sflow(SflowExporter),
}

/// When the exporter was started: a day before the first export where nothing else was told, so that
/// flows of that day have an uptime.
pub(super) fn boot_of(boot: &mut Option<Timestamp>, now: Timestamp) -> Timestamp {
    *boot.get_or_insert(now - Nanos::from_secs(86_400))
}

impl Exporter {
    /// Checks what it is told.
    #[expect(clippy::needless_pass_by_value, reason = "it owns what it was told")]
    pub fn new(config: ExportConfig) -> Result<Self, ConfigError> {
        let ExportConfig { protocol, datagram_len_max, sampling, .. } = config;
        if !(DATAGRAM_LEN_MIN..=DATAGRAM_LEN_MAX).contains(&datagram_len_max) {
            return Err(ConfigError::DatagramLen { len: datagram_len_max });
        }
        let max = if protocol == Protocol::NetFlow5 { NETFLOW5_SAMPLING_MAX } else { u32::MAX };
        if sampling == 0 || sampling > max {
            return Err(ConfigError::Sampling { sampling, max });
        }
        if config.biflows && protocol != Protocol::Ipfix {
            return Err(ConfigError::Biflows { protocol });
        }
        if config.name.len() > NAME_LEN_MAX {
            return Err(ConfigError::Name { len: config.name.len() });
        }
        let encoder = match protocol {
            Protocol::NetFlow5 => Encoder::NetFlow5(NetFlow5Exporter::new(&config)),
            Protocol::NetFlow9 => {
                Encoder::Message(MessageExporter::new(Dialect::NetFlow9, &config))
            }
            Protocol::Ipfix if config.times == Times::Uptime => return Err(ConfigError::Uptime),
            Protocol::Ipfix => Encoder::Message(MessageExporter::new(Dialect::Ipfix, &config)),
            Protocol::Sflow5 => Encoder::Sflow(SflowExporter::new(&config)),
        };
        Ok(Self { datagram_len_max, protocol, counters: ExportCounters::default(), encoder })
    }

    /// What it speaks.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How long a buffer [`Exporter::encode`] needs.
    pub const fn datagram_len_max(&self) -> usize {
        self.datagram_len_max
    }

    /// What it did so far.
    pub const fn counters(&self) -> &ExportCounters {
        &self.counters
    }

    /// Makes one datagram of as many of the first records as fit, exported at `now`.
    ///
    /// Call it again with `&records[filled.taken..]` until none are left. A record that is written in parts may fill
    /// a datagram without being done: then it must be the first of the next call.
    pub fn encode<R: ExportRecord>(
        &mut self,
        now: Timestamp,
        records: &[R],
        datagram: &mut [u8],
    ) -> Result<Filled, BufferTooSmall> {
        let need = self.datagram_len_max;
        let out = datagram.get_mut(..need).ok_or(BufferTooSmall { need })?;
        let counters = &mut self.counters;
        let filled = match &mut self.encoder {
            Encoder::NetFlow5(encoder) => encoder.encode(now, records, out, counters),
            Encoder::Message(encoder) => encoder.encode(now, records, out, counters),
            Encoder::Sflow(encoder) => encoder.encode(now, records, out, counters),
        };
        self.counters.datagrams += u64::from(filled.len > 0);
        self.counters.bytes += filled.len as u64;
        self.counters.records += filled.taken as u64;
        self.counters.written += filled.written as u64;
        Ok(filled)
    }

    /// Makes a datagram of templates and options only, as a NetFlow 9 or IPFIX exporter sends them at its end to
    /// tell its last counts; empty for other protocols.
    pub fn refresh(
        &mut self,
        now: Timestamp,
        datagram: &mut [u8],
    ) -> Result<Filled, BufferTooSmall> {
        if let Encoder::Message(encoder) = &mut self.encoder {
            encoder.expire();
            return self.encode::<WideRecord>(now, &[], datagram);
        }
        Ok(Filled::default())
    }
}
