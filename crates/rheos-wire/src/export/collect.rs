//! The collector: datagrams of any exporter into records.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use rheos_core::{Timestamp, WideRecord};

use super::cache::{Cache, Teller, Template, read_fields};
use super::exporter::Protocol;
use super::fields::{Draft, MessageClock};
use super::netflow5::{self, Uptime};
use super::sflow;
use super::template::VARIABLE;

/// What to do with counters of sampled NetFlow and IPFIX. Samples of sFlow are always multiplied: they mean nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// Leave them as they were told.
    #[default]
    AsTold,
    /// Multiply by the sampling interval that the exporter has told.
    Multiplied,
}

/// How a [`Collector`] works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorConfig {
    /// Templates kept at most, of all exporters; more are refused and counted.
    pub templates_max: usize,
    /// Domains of exporters whose sequence numbers and sampling are kept at most.
    pub domains_max: usize,
    /// What to do with counters of sampled flows.
    pub scaling: Scaling,
}

impl Default for CollectorConfig {
    fn default() -> Self {
        Self { templates_max: 4096, domains_max: 4096, scaling: Scaling::default() }
    }
}

/// Declares the reasons, their labels and meanings in one table.
macro_rules! malformed {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal,)+) => {
        /// Why a datagram was not read: a closed list, each a counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Malformed { $($(#[doc = $doc])+ $name,)+ }

        impl Malformed {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name as a metric label.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

malformed! {
    /// It begins like none of the four protocols.
    Version = "version",
    /// It ends inside its header.
    HeaderTruncated = "header_truncated",
    /// Its own length is not that of its bytes.
    MessageLength = "message_length",
    /// A set whose length is below its header's or beyond the message.
    SetLength = "set_length",
    /// A template ends inside its fields.
    TemplateTruncated = "template_truncated",
    /// A template of no fields, no bytes, or more than 512 fields.
    TemplateFields = "template_fields",
    /// A template with a number below 256.
    TemplateId = "template_id",
    /// A record or sample ends too early.
    RecordTruncated = "record_truncated",
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed export: ")?;
        f.write_str(self.label())
    }
}

impl std::error::Error for Malformed {}

/// What one datagram brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// What it speaks.
    pub protocol: Protocol,
    /// Records that were added.
    pub records: usize,
    /// Sets of data whose template is not known, and so were not read.
    pub sets_unknown: usize,
    /// What is missing before it, by its sequence number: flows of NetFlow 5, messages of NetFlow 9, data records of
    /// IPFIX, datagrams of sFlow.
    pub lost: u32,
}

impl Read {
    pub(super) const fn new(protocol: Protocol) -> Self {
        Self { protocol, records: 0, sets_unknown: 0, lost: 0 }
    }
}

/// What a collector has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectorCounters {
    /// Datagrams given to it.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Sum of [`Read::lost`].
    pub lost: u64,
    /// Sets of data that came before their template, or whose template was refused.
    pub sets_unknown: u64,
    /// Templates that were not kept because of the limit.
    pub templates_refused: u64,
    /// sFlow: samples that are no IP packet, or of a kind that is not read (counters of interfaces).
    pub samples_skipped: u64,
    malformed: [u64; Malformed::ALL.len()],
}

impl CollectorCounters {
    /// Datagrams that were not read for this reason.
    pub const fn malformed(&self, reason: Malformed) -> u64 {
        self.malformed[reason as usize]
    }
}

/// What is remembered of a domain of an exporter.
#[derive(Clone, Copy, Debug, Default)]
struct Domain {
    /// The next sequence number, if it can be told.
    next: Option<u32>,
    sampling: Option<u32>,
}

/// Reads NetFlow 5 and 9, IPFIX and sFlow 5, told by the first bytes of each datagram.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    config: CollectorConfig,
    cache: Cache,
    domains: HashMap<Teller, Domain>,
    counters: CollectorCounters,
}

/// A collector while it reads one datagram.
pub(super) struct Reader<'a> {
    exporter: IpAddr,
    /// When it came.
    pub(super) received: Timestamp,
    config: &'a CollectorConfig,
    cache: &'a mut Cache,
    domains: &'a mut HashMap<Teller, Domain>,
    pub(super) counters: &'a mut CollectorCounters,
}

impl Collector {
    /// A collector that knows no template yet.
    pub fn new(config: CollectorConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// What it has seen.
    pub const fn counters(&self) -> &CollectorCounters {
        &self.counters
    }

    /// Templates it knows.
    pub fn templates(&self) -> usize {
        self.cache.len()
    }

    /// Reads one datagram of `exporter` (or one message of a file) and appends its records to `out`.
    ///
    /// `received` is what times are taken from that the protocol does not tell (sFlow). A malformed datagram adds no record.
    pub fn read(
        &mut self,
        exporter: IpAddr,
        received: Timestamp,
        bytes: &[u8],
        out: &mut Vec<WideRecord>,
    ) -> Result<Read, Malformed> {
        let before = out.len();
        self.counters.datagrams += 1;
        self.counters.bytes += bytes.len() as u64;
        let mut reader = Reader {
            exporter,
            received,
            config: &self.config,
            cache: &mut self.cache,
            domains: &mut self.domains,
            counters: &mut self.counters,
        };
        let read = match bytes {
            [0, 5, ..] => netflow5::read(&mut reader, bytes, out),
            [0, 9, ..] => reader.netflow9(bytes, out),
            [0, 10, ..] => reader.ipfix(bytes, out),
            [0, 0, 0, 5, ..] => sflow::read(&mut reader, bytes, out),
            _ => Err(Malformed::Version),
        };
        match read {
            Ok(read) => {
                self.counters.records += read.records as u64;
                self.counters.sets_unknown += read.sets_unknown as u64;
                self.counters.lost += u64::from(read.lost);
            }
            Err(reason) => {
                out.truncate(before);
                self.counters.malformed[reason as usize] += 1;
            }
        }
        read
    }
}

/// Length of the IPFIX message that `bytes` begin with (RFC 7011 §3.1), for files of messages in a row (RFC 5655).
pub fn ipfix_message_len(bytes: &[u8]) -> Result<usize, Malformed> {
    match bytes {
        [0, 10, high, low, ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            if len < IPFIX_HEADER { Err(Malformed::MessageLength) } else { Ok(len) }
        }
        [0, 10, ..] | [] => Err(Malformed::HeaderTruncated),
        _ => Err(Malformed::Version),
    }
}

const NETFLOW9_HEADER: usize = 20;
const IPFIX_HEADER: usize = 16;

/// What a message tells before its sets.
struct Message {
    teller: Teller,
    clock: MessageClock,
    template_set: u16,
}

impl Reader<'_> {
    /// Compares a sequence number with the one that was to come. Returns how much is missing; 0 also when it went back,
    /// which is an exporter that restarts or a datagram that was overtaken.
    pub(super) fn sequence(
        &mut self,
        protocol: Protocol,
        domain: u32,
        sequence: u32,
        step: u32,
    ) -> u32 {
        let exporter = self.exporter;
        let Some(known) = self.domain(Teller { exporter, protocol, domain }) else { return 0 };
        let missing = known.next.map_or(0, |next| sequence.wrapping_sub(next));
        known.next = Some(sequence.wrapping_add(step));
        if missing < 1 << 31 { missing } else { 0 }
    }

    /// What counters of this sampling are multiplied by.
    pub(super) const fn scale(&self, sampling: u32) -> u64 {
        match self.config.scaling {
            Scaling::AsTold => 1,
            Scaling::Multiplied => {
                if sampling == 0 {
                    1
                } else {
                    sampling as u64
                }
            }
        }
    }

    fn domain(&mut self, teller: Teller) -> Option<&mut Domain> {
        let full = self.domains.len() >= self.config.domains_max;
        if full && !self.domains.contains_key(&teller) {
            return None;
        }
        Some(self.domains.entry(teller).or_default())
    }

    fn netflow9(&mut self, bytes: &[u8], out: &mut Vec<WideRecord>) -> Result<Read, Malformed> {
        let (header, body) =
            bytes.split_first_chunk::<NETFLOW9_HEADER>().ok_or(Malformed::HeaderTruncated)?;
        let [_, uptime_ms, seconds, sequence, domain] = words(header);
        let export_ms = u64::from(seconds) * 1000;
        let message = Message {
            teller: Teller { exporter: self.exporter, protocol: Protocol::NetFlow9, domain },
            clock: MessageClock {
                export: export_ms * 1_000_000,
                uptime: Some(Uptime { uptime_ms, export_ms }),
            },
            template_set: 0,
        };
        let (mut read, _) = self.sets(&message, body, out)?;
        read.lost = self.sequence(Protocol::NetFlow9, domain, sequence, 1);
        Ok(read)
    }

    fn ipfix(&mut self, bytes: &[u8], out: &mut Vec<WideRecord>) -> Result<Read, Malformed> {
        let (header, body) =
            bytes.split_first_chunk::<IPFIX_HEADER>().ok_or(Malformed::HeaderTruncated)?;
        let [version_len, seconds, sequence, domain] = words(header);
        if (version_len & 0xffff) as usize != bytes.len() {
            return Err(Malformed::MessageLength);
        }
        let teller = Teller { exporter: self.exporter, protocol: Protocol::Ipfix, domain };
        let export = u64::from(seconds) * 1_000_000_000;
        let message =
            Message { teller, clock: MessageClock { export, uptime: None }, template_set: 2 };
        let (mut read, data_records) = self.sets(&message, body, out)?;
        read.lost = self.sequence(Protocol::Ipfix, domain, sequence, data_records);
        if read.sets_unknown > 0
            && let Some(known) = self.domain(teller)
        {
            // How many records those sets hold is not known, nor is the next number.
            known.next = None;
        }
        Ok(read)
    }

    /// Reads the sets of a message. Returns also the number of data records, those of options included.
    fn sets(
        &mut self,
        message: &Message,
        mut body: &[u8],
        out: &mut Vec<WideRecord>,
    ) -> Result<(Read, u32), Malformed> {
        let mut read = Read::new(message.teller.protocol);
        let mut data_records = 0_u32;
        while let Some((head, _)) = body.split_first_chunk::<4>() {
            let id = u16::from_be_bytes([head[0], head[1]]);
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if len < 4 {
                return Err(Malformed::SetLength);
            }
            let (set, rest) = body.split_at_checked(len).ok_or(Malformed::SetLength)?;
            body = rest;
            let content = &set[4..];
            if id == message.template_set {
                self.templates(message.teller, content)?;
            } else if id == message.template_set + 1 {
                self.options_templates(message.teller, content)?;
            } else if id >= 256 {
                let before = out.len();
                match self.data(message, id, content, out)? {
                    Some(records) => data_records = data_records.wrapping_add(records),
                    None => read.sets_unknown += 1,
                }
                read.records += out.len() - before;
            }
        }
        Ok((read, data_records))
    }

    fn keep(&mut self, teller: Teller, id: u16, template: Template) {
        if !self.cache.insert(teller, id, template, self.config.templates_max) {
            self.counters.templates_refused += 1;
        }
    }

    fn templates(&mut self, teller: Teller, mut bytes: &[u8]) -> Result<(), Malformed> {
        while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
            let id = u16::from_be_bytes([head[0], head[1]]);
            let count = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if id == 0 && count == 0 {
                break; // padding
            }
            bytes = rest;
            if count == 0 && self.withdrawn(teller, id, false) {
                continue;
            }
            if id < 256 {
                return Err(Malformed::TemplateId);
            }
            let (template, rest) = read_fields(bytes, count, 0, teller.protocol, false)?;
            bytes = rest;
            self.keep(teller, id, template);
        }
        Ok(())
    }

    /// RFC 7011 §8.1: a template without fields is withdrawn; the number of its set stands for all.
    fn withdrawn(&mut self, teller: Teller, id: u16, options: bool) -> bool {
        if teller.protocol != Protocol::Ipfix {
            return false;
        }
        if id == 2 + u16::from(options) {
            self.cache.remove_all(teller, options);
        } else {
            self.cache.remove(teller, id);
        }
        true
    }

    fn options_templates(&mut self, teller: Teller, mut bytes: &[u8]) -> Result<(), Malformed> {
        while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
            let id = u16::from_be_bytes([head[0], head[1]]);
            let first = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if teller.protocol == Protocol::Ipfix && first == 0 {
                if id == 0 {
                    break; // padding
                }
                bytes = rest;
                self.withdrawn(teller, id, true);
                continue;
            }
            let Some((second, rest)) = rest.split_first_chunk::<2>() else { break };
            let second = usize::from(u16::from_be_bytes(*second));
            if id == 0 && first == 0 && second == 0 {
                break; // padding
            }
            if id < 256 {
                return Err(Malformed::TemplateId);
            }
            // NetFlow 9 tells bytes of scope and of options, IPFIX fields in all and of scope.
            let (count, scope) = match teller.protocol {
                Protocol::Ipfix => (first, second),
                _ => ((first + second) / 4, first / 4),
            };
            let (template, rest) = read_fields(rest, count, scope, teller.protocol, true)?;
            bytes = rest;
            self.keep(teller, id, template);
        }
        Ok(())
    }

    /// Reads a set of data. Returns the number of its records; nothing when its template is not known.
    fn data(
        &mut self,
        message: &Message,
        id: u16,
        mut bytes: &[u8],
        out: &mut Vec<WideRecord>,
    ) -> Result<Option<u32>, Malformed> {
        let teller = message.teller;
        let sampling = self.domains.get(&teller).and_then(|domain| domain.sampling);
        let scale = self.scale(sampling.unwrap_or(1));
        let Some(template) = self.cache.get(teller, id) else { return Ok(None) };
        let mut records = 0;
        let mut told = None;
        while bytes.len() >= template.len_min {
            let mut draft = Draft::default();
            bytes = read_record(template, teller.protocol, bytes, &mut draft)?;
            records += 1;
            if template.options {
                told = draft.sampling.or(told);
            } else {
                draft.finish(&message.clock, teller.domain, scale, out);
            }
        }
        if let Some(told) = told
            && let Some(domain) = self.domain(teller)
        {
            domain.sampling = Some(told);
        }
        Ok(Some(records))
    }
}

fn read_record<'a>(
    template: &Template,
    protocol: Protocol,
    mut bytes: &'a [u8],
    draft: &mut Draft,
) -> Result<&'a [u8], Malformed> {
    for field in &template.fields {
        let mut len = usize::from(field.len);
        if field.len == VARIABLE && protocol == Protocol::Ipfix {
            (len, bytes) = variable_len(bytes).ok_or(Malformed::RecordTruncated)?;
        }
        let (value, rest) = bytes.split_at_checked(len).ok_or(Malformed::RecordTruncated)?;
        bytes = rest;
        draft.take(field.meaning, field.reverse, value);
    }
    Ok(bytes)
}

/// RFC 7011 §7: one octet, or 255 and two more.
fn variable_len(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 255 {
        return Some((usize::from(*first), rest));
    }
    let (long, rest) = rest.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_be_bytes(*long)), rest))
}

/// A header as numbers of 32 bits.
fn words<const N: usize, const M: usize>(header: &[u8; M]) -> [u32; N] {
    let (chunks, _) = header.as_chunks::<4>();
    std::array::from_fn(|i| chunks.get(i).map_or(0, |word| u32::from_be_bytes(*word)))
}
