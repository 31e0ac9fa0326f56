//! Messages of NetFlow 9 (RFC 3954) and IPFIX (RFC 7011), which differ in their header, the numbers of
//! their sets, what they count, and padding.

use rheos_core::{Timestamp, WideRecord};

use super::exporter::{ExportConfig, ExportCounters, ExportRecord, Filled, Times, boot_of};
use super::layout::{biflow_len, flow_len, write_biflow, write_flows};
use super::netflow5::uptime;
use super::slot::Writer;
use super::template::{id, write_all};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    NetFlow9,
    Ipfix,
}

/// Length of a set's header: its number and length.
const SET_HEADER: usize = 4;
/// Systematic count-based sampling (RFC 5477 §8.2.1; "deterministic" in RFC 3954).
const DETERMINISTIC: u8 = 1;

impl Dialect {
    const fn header_len(self) -> usize {
        match self {
            Self::NetFlow9 => 20,
            Self::Ipfix => 16,
        }
    }

    pub(super) const fn template_set(self) -> u16 {
        match self {
            Self::NetFlow9 => 0,
            Self::Ipfix => 2,
        }
    }

    pub(super) const fn options_set(self) -> u16 {
        self.template_set() + 1
    }

    /// Ends a set: pads it (NetFlow 9, whose sets begin on words) and writes its length.
    pub(super) fn close(self, out: &mut Writer<'_>, set: usize) {
        if self == Self::NetFlow9 {
            out.pad();
        }
        let len = out.at() - set;
        out.patch(set + 2, len as u16);
    }
}

#[derive(Clone, Debug)]
pub(super) struct MessageExporter {
    dialect: Dialect,
    domain: u32,
    sampling: u32,
    times: Times,
    biflows: bool,
    name: Box<[u8]>,
    templates: Box<[u8]>,
    template_count: u16,
    boot: Option<Timestamp>,
    refresh_datagrams: u32,
    refresh_nanos: u64,
    /// When templates were sent last.
    refreshed: Option<Timestamp>,
    datagrams_since: u32,
    /// NetFlow 9: messages so far. IPFIX: data records so far.
    sequence: u32,
}

/// What goes into one set of data: records of one template.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    v6: bool,
    pair: bool,
}

impl MessageExporter {
    pub(super) fn new(dialect: Dialect, config: &ExportConfig) -> Self {
        let (templates, template_count) =
            write_all(dialect, config.times, config.biflows, !config.name.is_empty());
        Self {
            dialect,
            domain: config.domain,
            sampling: config.sampling,
            times: config.times,
            biflows: config.biflows,
            name: config.name.as_bytes().into(),
            templates: templates.into(),
            template_count,
            boot: config.boot,
            refresh_datagrams: config.refresh_datagrams,
            refresh_nanos: config.refresh_time.0,
            refreshed: None,
            datagrams_since: 0,
            sequence: 0,
        }
    }

    /// Templates are due at once.
    pub(super) const fn expire(&mut self) {
        self.refreshed = None;
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let Some(last) = self.refreshed else { return true };
        (self.refresh_datagrams > 0 && self.datagrams_since >= self.refresh_datagrams)
            || (self.refresh_nanos > 0 && now.since(last).0 >= self.refresh_nanos)
    }

    pub(super) fn encode<R: ExportRecord>(
        &mut self,
        now: Timestamp,
        records: &[R],
        out: &mut [u8],
        counters: &mut ExportCounters,
    ) -> Filled {
        let due = self.is_due(now);
        if records.is_empty() && !due {
            return Filled::default();
        }
        let boot_ms = boot_of(&mut self.boot, now).as_nanos() / 1_000_000;
        let mut at = self.dialect.header_len();
        let mut options = 0;
        if due {
            (at, options) = self.write_options(out, at, counters);
            self.refreshed = Some(now);
            self.datagrams_since = 0;
            counters.refreshes += 1;
        }
        let (mut taken, mut written) = (0, 0);
        while let Some(rest) = records.get(taken..).filter(|rest| !rest.is_empty()) {
            let (used, count, end) = if self.biflows {
                self.write_mixed_set(out, at, rest, boot_ms)
            } else {
                self.write_set(out, at, rest, boot_ms)
            };
            if count == 0 {
                break;
            }
            counters.paired += (used - count) as u64;
            (taken, written, at) = (taken + used, written + count, end);
        }
        self.write_header(out, now, boot_ms, at, options, written);
        let advance = match self.dialect {
            Dialect::NetFlow9 => 1,
            Dialect::Ipfix => options as u32 + written as u32,
        };
        self.sequence = self.sequence.wrapping_add(advance);
        self.datagrams_since = self.datagrams_since.saturating_add(1);
        Filled { len: at, taken, written }
    }

    fn write_header(
        &self,
        out: &mut [u8],
        now: Timestamp,
        boot_ms: u64,
        len: usize,
        options: u16,
        written: usize,
    ) {
        let seconds = now.as_nanos() / 1_000_000_000;
        let mut header = Writer::new(out, 0);
        match self.dialect {
            Dialect::NetFlow9 => {
                header.u16(9);
                let templates = if options > 0 { self.template_count } else { 0 };
                header.u16(templates + options + written as u16);
                // Uptime at that whole second: a collector takes one from the other to learn when we were
                // started, and would be wrong by the fraction.
                header.u32(uptime(seconds * 1_000_000_000, boot_ms));
            }
            Dialect::Ipfix => {
                header.u16(10);
                header.u16(len as u16);
            }
        }
        header.u32(seconds as u32);
        header.u32(self.sequence);
        header.u32(self.domain);
    }

    /// Writes templates and the options' data. Returns where they end and the number of data records.
    fn write_options(&self, out: &mut [u8], at: usize, counters: &ExportCounters) -> (usize, u16) {
        let mut out = Writer::new(out, at);
        out.put(&self.templates);
        let mut options = 2;
        let set = self.open(&mut out, id::SAMPLING);
        out.u32(self.sampling);
        out.u8(DETERMINISTIC);
        self.dialect.close(&mut out, set);
        let set = self.open(&mut out, id::STATISTICS);
        out.u64(counters.datagrams);
        out.u64(counters.written);
        out.u64(counters.bytes);
        self.dialect.close(&mut out, set);
        if !self.name.is_empty() && self.dialect == Dialect::Ipfix {
            let set = self.open(&mut out, id::NAME);
            out.u8(self.name.len() as u8);
            out.put(&self.name);
            self.dialect.close(&mut out, set);
            options += 1;
        }
        (out.at(), options)
    }

    /// Opens a set of options' data; each begins with its scope, the domain.
    fn open(&self, out: &mut Writer<'_>, template: u16) -> usize {
        let set = out.at();
        out.u16(template);
        out.u16(0);
        out.u32(self.domain);
        set
    }

    /// How many records of this length fit behind `at`, padding included.
    fn room(&self, out: &[u8], at: usize, len: usize) -> usize {
        let padding = if self.dialect == Dialect::NetFlow9 { 3 } else { 0 };
        out.len().saturating_sub(at + SET_HEADER + padding) / len
    }

    /// Writes the first records that share a version. Returns how many were used, how many were written (the same)
    /// and where the set ends.
    fn write_set<R: ExportRecord>(
        &self,
        out: &mut [u8],
        at: usize,
        records: &[R],
        boot_ms: u64,
    ) -> (usize, usize, usize) {
        let v6 = records.first().is_some_and(|record| record.wide().is_ipv6());
        let len = flow_len(v6, self.times);
        let room = self.room(out, at, len).min(records.len());
        let run = records[..room].iter().take_while(|record| record.wide().is_ipv6() == v6).count();
        if run == 0 {
            return (0, 0, at);
        }
        let data = at + SET_HEADER;
        write_flows(&mut out[data..data + run * len], &records[..run], v6, self.times, boot_ms);
        let end = self.close_data(out, at, Kind { v6, pair: false }, run * len);
        (run, run, end)
    }

    /// Like [`Self::write_set`], with pairs as biflows.
    fn write_mixed_set<R: ExportRecord>(
        &self,
        out: &mut [u8],
        at: usize,
        records: &[R],
        boot_ms: u64,
    ) -> (usize, usize, usize) {
        let Some((kind, ..)) = kind_of(records) else { return (0, 0, at) };
        let len =
            if kind.pair { biflow_len(kind.v6, self.times) } else { flow_len(kind.v6, self.times) };
        let room = self.room(out, at, len);
        let (mut used, mut count) = (0, 0);
        while count < room
            && let Some(rest) = records.get(used..)
            && let Some((next, one, other)) = kind_of(rest)
            && next == kind
        {
            let place = at + SET_HEADER + count * len;
            let out = &mut out[place..place + len];
            match other {
                Some(other) => write_biflow(out, [&one, &other], kind.v6, self.times, boot_ms),
                None => write_flows(out, &[one], kind.v6, self.times, boot_ms),
            }
            used += 1 + usize::from(kind.pair);
            count += 1;
        }
        if count == 0 {
            return (0, 0, at);
        }
        (used, count, self.close_data(out, at, kind, count * len))
    }

    fn close_data(&self, out: &mut [u8], at: usize, kind: Kind, len: usize) -> usize {
        let template = match (kind.v6, kind.pair) {
            (false, false) => id::FLOW_V4,
            (true, false) => id::FLOW_V6,
            (false, true) => id::BIFLOW_V4,
            (true, true) => id::BIFLOW_V6,
        };
        let mut header = Writer::new(out, at);
        header.u16(template);
        header.u16(0);
        let mut end = Writer::new(out, at + SET_HEADER + len);
        self.dialect.close(&mut end, at);
        end.at()
    }
}

/// What the first record becomes, alone or with the second.
fn kind_of<R: ExportRecord>(records: &[R]) -> Option<(Kind, WideRecord, Option<WideRecord>)> {
    let one = records.first()?.wide();
    let other = records.get(1).map(ExportRecord::wide).filter(|other| are_biflow(&one, other));
    Some((Kind { v6: one.is_ipv6(), pair: other.is_some() }, one, other))
}

/// Whether both are the directions of one flow, so that one biflow record tells everything of both.
fn are_biflow(one: &WideRecord, other: &WideRecord) -> bool {
    one.flow_id != 0
        && one.flow_id == other.flow_id
        && one.protocol == other.protocol
        && one.is_ipv6() == other.is_ipv6()
        && one.source_ip == other.destination_ip
        && one.destination_ip == other.source_ip
        && one.source_port == other.destination_port
        && one.destination_port == other.source_port
        && one.input_interface == other.output_interface
        && one.output_interface == other.input_interface
}
