//! Generated records as captures: their packets, or the datagrams of exporters that tell them.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use anyhow::Result;
use rheos_capture::info::{Format, SectionInfo};
use rheos_capture::{CaptureWriter, WriteOptions};
use rheos_core::{Frame, LinkType, Timestamp, WideRecord};
use rheos_gen::flows::FlowPlan;
use rheos_gen::packets::{DATAGRAM_LEN_MAX, DatagramFrames, FramesConfig, NoFrames, RecordFrames};
use rheos_wire::export::{ConfigError, ExportConfig, ExportRecord, Exporter, Refused};

use crate::failure::Misuse;
use crate::flow_file::{FileOptions, MadeFormat, Records};

/// Where made exporters are: the first of them (RFC 5737).
const EXPORTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The collector that they send to.
const COLLECTOR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
/// The port that they send from.
const EXPORTER_PORT: u16 = 50_000;
/// Most exporters: their addresses are those before the collector's.
pub(crate) const EXPORTERS_MAX: u32 = 250;
/// The shortest record of all protocols has more bytes: so a datagram's worth of records is known.
const RECORD_LEN_MIN: usize = 40;
/// Bytes of a frame's head in a pcap file.
const FRAME_HEAD: u64 = 16;

/// A capture that is being written.
pub(crate) struct FlowCapture {
    out: Out,
    content: Content,
}

struct Out {
    writer: CaptureWriter,
    frame: Vec<u8>,
    /// Bytes before compression.
    written: u64,
    frames: u64,
    /// Names of the records' labels; the first is the background.
    labels: Vec<String>,
}

enum Content {
    Packets(Box<RecordFrames>),
    Exports(Exports),
}

/// Exporters that tell records in turn, each its share.
struct Exports {
    routers: Vec<Router>,
    turn: usize,
    /// Time of the last datagram: that of the latest end among the records that it may tell.
    now: Timestamp,
    datagram: Vec<u8>,
}

/// An exporter with its way to the collector.
struct Router {
    exporter: Exporter,
    frames: DatagramFrames,
    /// Records that it has to tell.
    waiting: Vec<WideRecord>,
}

/// What a capture or a file of messages holds, and lacks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Frames.
    pub(crate) frames: u64,
    /// Packets of records that no frame is made of, because a record may have no more.
    pub(crate) cut: u64,
    /// Records that are not in it, by what they are not.
    pub(crate) refused: Vec<(&'static str, u64)>,
}

impl Told {
    /// With what another file holds.
    pub(crate) fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.cut += other.cut;
        for &(label, count) in &other.refused {
            match self.refused.iter_mut().find(|(known, _)| *known == label) {
                Some((_, sum)) => *sum += count,
                None => self.refused.push((label, count)),
            }
        }
    }
}

impl Out {
    /// Writes the frame that lies in the buffer, with the name of its label as a comment, which pcapng has a place for.
    fn put(&mut self, ts: Timestamp, label: u8) -> Result<()> {
        let wire_len = u32::try_from(self.frame.len()).unwrap_or(u32::MAX);
        let frame = Frame { ts, wire_len, link: LinkType::ETHERNET, data: &self.frame };
        let comment = self.labels.get(usize::from(label)).filter(|_| label > 0);
        self.writer.write_commented(&frame, comment.map(String::as_str))?;
        self.written += FRAME_HEAD + u64::from(wire_len);
        self.frames += 1;
        Ok(())
    }
}

impl Router {
    fn new(config: &ExportConfig, number: u32) -> Result<Self> {
        let host = Ipv4Addr::from_bits(EXPORTER.to_bits() + number);
        let ends = [(host, EXPORTER_PORT), (COLLECTOR, config.protocol.port())];
        let config = ExportConfig {
            domain: config.domain.wrapping_add(number),
            agent: host.into(),
            ..config.clone()
        };
        Ok(Self {
            exporter: exporter(config)?,
            frames: DatagramFrames::new(ends.map(|(host, port)| SocketAddrV4::new(host, port))),
            waiting: Vec::new(),
        })
    }
}

/// An exporter, or what is wrong with the flags that describe it.
pub(crate) fn exporter(config: ExportConfig) -> Result<Exporter> {
    Exporter::new(config).map_err(|error| {
        let hint = match error {
            ConfigError::DatagramLen { .. } => "`--datagram-size` says how long they are",
            ConfigError::Sampling { .. } => "`--sampling` says one packet in how many is counted",
            ConfigError::Biflows { .. } => "leave `--biflow` out, or use `--protocol ipfix`",
            _ => "`--help` explains every argument",
        };
        Misuse::new(error.to_string(), hint).into()
    })
}

impl Exports {
    fn new(options: &FileOptions, start: Timestamp) -> Result<Self> {
        if options.export.datagram_len_max > DATAGRAM_LEN_MAX {
            let message = format!("a datagram in a capture has at most {DATAGRAM_LEN_MAX} bytes");
            return Err(Misuse::new(message, "give less with `--datagram-size`").into());
        }
        let routers = (0..options.exporters).map(|number| Router::new(&options.export, number));
        let routers: Vec<Router> = routers.collect::<Result<_>>()?;
        let room = routers.first().map_or(0, |router| router.exporter.datagram_len_max());
        Ok(Self { routers, turn: 0, now: start, datagram: vec![0; room] })
    }

    fn add(&mut self, record: WideRecord, out: &mut Out) -> Result<()> {
        let enough = self.datagram.len() / RECORD_LEN_MIN + 1;
        let place = self.turn;
        self.turn = (place + 1) % self.routers.len().max(1);
        let Some(router) = self.routers.get_mut(place) else { return Ok(()) };
        router.waiting.push(record);
        if router.waiting.len() >= enough {
            self.send(place, out)?;
        }
        Ok(())
    }

    /// The next datagram of an exporter; `false` if it has nothing to tell.
    fn send(&mut self, place: usize, out: &mut Out) -> Result<bool> {
        let Some(router) = self.routers.get_mut(place) else { return Ok(false) };
        let ends = router.waiting.iter().map(|record| Timestamp::from_nanos(record.last));
        self.now = self.now.max(ends.max().unwrap_or(self.now));
        let filled = router.exporter.encode(self.now, &router.waiting, &mut self.datagram)?;
        router.waiting.drain(..filled.taken);
        let datagram = self.datagram.get(..filled.len).unwrap_or_default();
        if !datagram.is_empty() && router.frames.frame(datagram, &mut out.frame) {
            out.put(self.now, 0)?;
        }
        Ok(filled.taken > 0 || filled.len > 0)
    }

    fn finish(&mut self, out: &mut Out) -> Result<()> {
        for place in 0..self.routers.len() {
            while self.routers.get(place).is_some_and(|router| !router.waiting.is_empty())
                && self.send(place, out)?
            {}
        }
        Ok(())
    }
}

impl FlowCapture {
    /// Begins a capture of records of `plan`.
    pub(crate) fn create(path: &Path, options: &FileOptions, plan: &FlowPlan) -> Result<Self> {
        let content = if options.exported {
            Content::Exports(Exports::new(options, plan.start())?)
        } else {
            let packets_max = options.packets_max;
            let config = FramesConfig { packets_max, ..FramesConfig::default() };
            Content::Packets(Box::new(RecordFrames::new(config)))
        };
        let format = match options.format {
            MadeFormat::Pcapng => Format::Pcapng,
            _ => Format::Pcap,
        };
        let application = Some(format!("rheos {}", env!("CARGO_PKG_VERSION")));
        let options = WriteOptions {
            format: Some(format),
            force: options.force,
            link: Some(LinkType::ETHERNET),
            section: SectionInfo { application, ..SectionInfo::default() },
            ..WriteOptions::default()
        };
        let writer = CaptureWriter::create(path, &options)?;
        let labels = plan.labels().map(str::to_owned).collect();
        let out = Out { writer, frame: Vec::new(), written: 0, frames: 0, labels };
        Ok(Self { out, content })
    }

    /// Writes the packets of records, or what exporters tell of them, as far as their time has come.
    pub(crate) fn write(&mut self, records: Records<'_>) -> Result<()> {
        match records {
            Records::Narrow(records) => self.write_each(records),
            Records::Wide(records) => self.write_each(records),
        }
    }

    fn write_each<R: ExportRecord>(&mut self, records: &[R]) -> Result<()> {
        let Self { out, content } = self;
        for record in records {
            let record = record.wide();
            match content {
                Content::Packets(made) => {
                    let begins = Timestamp::from_nanos(record.first);
                    while let Some(info) = made.next_before(begins, &mut out.frame) {
                        out.put(info.ts, info.label)?;
                    }
                    made.add(&record);
                }
                Content::Exports(exports) => exports.add(record, out)?,
            }
        }
        Ok(())
    }

    /// Bytes so far, before compression.
    pub(crate) const fn written(&self) -> u64 {
        self.out.written
    }

    /// Writes what is left; what the capture holds, and how large it is.
    pub(crate) fn finish(self) -> Result<(Told, u64)> {
        let Self { mut out, content } = self;
        let mut told = Told::default();
        match content {
            Content::Packets(mut made) => {
                while let Some(info) = made.next_before(Timestamp::MAX, &mut out.frame) {
                    out.put(info.ts, info.label)?;
                }
                let counters = made.counters();
                told.cut = counters.cut_packets;
                told.refused =
                    NoFrames::ALL.map(|reason| (reason.label(), counters.refused(reason))).into();
            }
            Content::Exports(mut exports) => {
                exports.finish(&mut out)?;
                for router in &exports.routers {
                    told.add(&Told::of(&router.exporter));
                }
            }
        }
        told.frames = out.frames;
        let written = out.writer.finish()?;
        let on_disk = std::fs::metadata(&written.path).ok().filter(std::fs::Metadata::is_file);
        Ok((told, on_disk.map_or(written.file_bytes, |file| file.len())))
    }
}

impl Told {
    /// What an exporter could not tell.
    pub(crate) fn of(exporter: &Exporter) -> Self {
        let counters = exporter.counters();
        let refused = Refused::ALL.map(|reason| (reason.label(), counters.refused(reason)));
        Self { refused: refused.into(), ..Self::default() }
    }
}
