//! Generated records into one file: text, columns, raw memory, IPFIX messages, or a capture.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow_array::types::UInt8Type;
use arrow_array::{ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use clap::ValueEnum;
use rheos_core::{FlowRecord, Timestamp, WideRecord};
use rheos_gen::flows::{FlowPlan, FlowText, RawHeader, RawRecord, TextFormat, raw_bytes};
use rheos_query::{FlowBlock, FlowColumn, FlowColumns, schema_of};
use rheos_sink::{ByteSink, Compression, Format, Sink, SinkOptions, Target};
use rheos_wire::export::{ExportConfig, Exporter, Protocol};

use crate::failure::Misuse;
use crate::flow_capture::{self, FlowCapture, Told};
use crate::flow_narrow::NarrowColumns;
use crate::flow_rows::{AddressForm, FlowFormat, FlowRows, FlowRowsPlan};

/// How generated records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MadeFormat {
    /// The older generator's CSV: `timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length`; with IPv6 or models of
    /// a real network the columns of `rheos flows collect`, and what is known besides.
    Csv,
    /// One JSON object per line.
    #[value(alias = "ndjson")]
    Jsonl,
    /// One JSON list on one line.
    Json,
    /// One JSON list, indented.
    JsonPretty,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC file.
    Arrow,
    /// Apache Arrow IPC stream.
    Arrows,
    /// The records as they lie in memory, behind a header that says so.
    Raw,
    /// IPFIX messages, as RFC 5655 has them in files.
    Ipfix,
    /// A capture of the records' packets; with `--protocol`, of the datagrams that tell the records.
    Pcap,
    /// The same as pcapng.
    Pcapng,
}

impl MadeFormat {
    /// Format and compression by flag, else by name.
    pub(crate) fn choose(told: Option<Self>, path: &Path) -> Result<(Self, Compression)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let capture = match rheos_capture::info::Format::of_name(path) {
            Some(rheos_capture::info::Format::Pcapng) => Some(Self::Pcapng),
            Some(rheos_capture::info::Format::Pcap) => Some(Self::Pcap),
            None => None,
        };
        // Captures tell their compression by their names themselves, and know one more.
        if let Some(format) = told.or(capture).filter(|format| format.is_capture()) {
            return Ok((format, Compression::None));
        }
        let (stem, compression) = match name.rsplit_once('.') {
            Some((stem, "gz")) => (stem, Compression::Gzip),
            Some((stem, "zst")) => (stem, Compression::Zstd),
            _ => (name.as_str(), Compression::None),
        };
        let is_device = path.exists() && !path.is_file() && !path.is_dir();
        let by_name = match stem.rsplit_once('.').map(|(_, ending)| ending) {
            _ if path == Path::new("-") || is_device => Some(Self::Csv),
            Some("csv") => Some(Self::Csv),
            Some("jsonl" | "ndjson") => Some(Self::Jsonl),
            Some("json") => Some(Self::Json),
            Some("parquet") => Some(Self::Parquet),
            Some("arrow" | "feather") => Some(Self::Arrow),
            Some("arrows") => Some(Self::Arrows),
            Some("raw" | "bin") => Some(Self::Raw),
            Some("ipfix") => Some(Self::Ipfix),
            _ => None,
        };
        let format = told.or(by_name).ok_or_else(|| {
            Misuse::new(
                format!("`{}` tells no format by its name", path.display()),
                "end it with `.csv`, `.jsonl`, `.json`, `.parquet`, `.arrow`, `.raw`, `.ipfix`, `.pcap` or `.pcapng`, or give `--format`",
            )
        })?;
        Ok((format, compression))
    }

    /// Whether people can read it.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Jsonl | Self::Json | Self::JsonPretty)
    }

    /// Whether it holds frames.
    pub(crate) const fn is_capture(self) -> bool {
        matches!(self, Self::Pcap | Self::Pcapng)
    }

    /// How flows with packets and bytes are written in this text.
    const fn rows(self) -> Option<FlowFormat> {
        match self {
            Self::Csv => Some(FlowFormat::Csv),
            Self::Jsonl => Some(FlowFormat::Jsonl),
            Self::Json => Some(FlowFormat::Json),
            Self::JsonPretty => Some(FlowFormat::JsonPretty),
            _ => None,
        }
    }

    const fn text(self, header: bool) -> Option<TextFormat> {
        match self {
            Self::Csv if header => Some(TextFormat::Csv),
            Self::Csv => Some(TextFormat::CsvWithoutHeader),
            Self::Jsonl => Some(TextFormat::JsonLines),
            Self::Json => Some(TextFormat::Json),
            Self::JsonPretty => Some(TextFormat::JsonPretty),
            _ => None,
        }
    }

    const fn columns(self) -> Option<Format> {
        match self {
            Self::Parquet => Some(Format::Parquet),
            Self::Arrow => Some(Format::ArrowFile),
            Self::Arrows => Some(Format::ArrowStream),
            _ => None,
        }
    }
}

/// Records of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Records<'a> {
    /// IPv4.
    Narrow(&'a [FlowRecord]),
    /// IPv4 and IPv6.
    Wide(&'a [WideRecord]),
}

impl Records<'_> {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Narrow(records) => records.len(),
            Self::Wide(records) => records.len(),
        }
    }

    /// The moment of the first one.
    pub(crate) fn first(&self) -> Timestamp {
        Timestamp::from_nanos(match self {
            Self::Narrow(records) => records.first().map_or(0, |record| record.timestamp),
            Self::Wide(records) => records.first().map_or(0, |record| record.first),
        })
    }

    /// How many of them begin before this moment: they are in order of time.
    pub(crate) fn before(&self, moment: Timestamp) -> usize {
        let moment = moment.as_nanos();
        match self {
            Self::Narrow(records) => records.partition_point(|record| record.timestamp < moment),
            Self::Wide(records) => records.partition_point(|record| record.first < moment),
        }
    }

    /// The first `count`, and the others.
    pub(crate) fn split(&self, count: usize) -> (Self, Self) {
        match self {
            Self::Narrow(records) => {
                let (now, later) = records.split_at(count.min(records.len()));
                (Self::Narrow(now), Self::Narrow(later))
            }
            Self::Wide(records) => {
                let (now, later) = records.split_at(count.min(records.len()));
                (Self::Wide(now), Self::Wide(later))
            }
        }
    }

    /// The moment of the last one.
    pub(crate) fn last(&self) -> Timestamp {
        Timestamp::from_nanos(match self {
            Self::Narrow(records) => records.last().map_or(0, |record| record.timestamp),
            Self::Wide(records) => records.last().map_or(0, |record| record.last),
        })
    }

    /// Bytes that they tell of.
    pub(crate) fn octets(&self) -> u64 {
        match self {
            Self::Narrow(records) => records.iter().map(|r| u64::from(r.packet_length)).sum(),
            Self::Wide(records) => records.iter().map(|record| record.bytes).sum(),
        }
    }
}

/// How the files of a run are written.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) format: MadeFormat,
    pub(crate) compression: Compression,
    pub(crate) header: bool,
    pub(crate) force: bool,
    pub(crate) export: ExportConfig,
    /// Whether a capture holds the exporters' datagrams, not the records' packets.
    pub(crate) exported: bool,
    /// How many exporters a capture has.
    pub(crate) exporters: u32,
    /// Packets of one record in a capture at most.
    pub(crate) packets_max: u64,
}

/// The columns of text where records have packets and bytes: those of the older statistics tool, and what helps to
/// learn from made traffic.
const TEXT_COLUMNS: [FlowColumn; 14] = [
    FlowColumn::StreamId,
    FlowColumn::First,
    FlowColumn::Last,
    FlowColumn::SrcIp,
    FlowColumn::DstIp,
    FlowColumn::SrcPort,
    FlowColumn::DstPort,
    FlowColumn::Protocol,
    FlowColumn::Packets,
    FlowColumn::Bytes,
    FlowColumn::TcpFlags,
    FlowColumn::FlowId,
    FlowColumn::Pattern,
    FlowColumn::Label,
];

/// The older statistics tool's columns, in its order.
pub(crate) const OLDER_COLUMNS: &[FlowColumn] = TEXT_COLUMNS.split_at(10).0;

/// Some columns of a block.
pub(crate) fn chosen(all: &FlowBlock, columns: &[FlowColumn]) -> FlowBlock {
    columns.iter().fold(FlowBlock::new(all.len()), |block, &name| match all.column(name) {
        Some(column) => block.with(name, column.clone()),
        None => block,
    })
}

/// A file that is being written; it gets its name when it is whole.
pub(crate) struct FlowFile {
    writer: Writer,
}

enum Writer {
    Text {
        text: Box<FlowText>,
        sink: ByteSink,
    },
    Raw {
        sink: ByteSink,
    },
    Messages {
        exporter: Box<Exporter>,
        sink: ByteSink,
        buffer: Vec<u8>,
        last: Timestamp,
    },
    Narrow {
        sink: Box<Sink>,
        columns: Box<NarrowColumns>,
    },
    /// With the names of labels, if there are any.
    Columns {
        sink: Box<Sink>,
        schema: SchemaRef,
        names: Option<Arc<StringArray>>,
    },
    Rows(Box<FlowRows>),
    Capture(Box<FlowCapture>),
}

impl FlowFile {
    /// Begins a file of records of `plan`; `count` is how many there will be, if that is known.
    pub(crate) fn create(
        path: &Path,
        options: &FileOptions,
        plan: &FlowPlan,
        seed: u64,
        count: Option<u64>,
    ) -> Result<Self> {
        let target = Target::parse(path);
        let bytes = || ByteSink::create(&target, options.compression, options.force);
        let is_narrow = plan.is_narrow();
        let writer = if options.format.is_capture() {
            Writer::Capture(Box::new(FlowCapture::create(path, options, plan)?))
        } else if let Some(format) = options.format.columns() {
            let sink = |schema: &SchemaRef| {
                let options = SinkOptions { force: options.force, ..SinkOptions::new(format) };
                Sink::create(&target, Arc::clone(schema), options).map(Box::new)
            };
            if is_narrow {
                let columns = Box::new(NarrowColumns::new());
                Writer::Narrow { sink: sink(columns.schema())?, columns }
            } else {
                let names = (plan.labels().count() > 1)
                    .then(|| Arc::new(StringArray::from_iter_values(plan.labels())));
                let schema = if names.is_some() { named_schema() } else { wide_schema() };
                Writer::Columns { sink: sink(&schema)?, schema, names }
            }
        } else if let Some(format) = options.format.rows().filter(|_| !is_narrow) {
            let (header, force) = (options.header, options.force);
            let addresses = AddressForm::Auto;
            Writer::Rows(Box::new(FlowRows::create(FlowRowsPlan {
                path: path.to_owned(),
                format,
                header,
                force,
                addresses,
            })))
        } else if let Some(format) = options.format.text(options.header) {
            let (mut text, mut sink, mut begin) = (FlowText::new(format), bytes()?, Vec::new());
            text.begin(&mut begin);
            sink.write(&begin)?;
            Writer::Text { text: Box::new(text), sink }
        } else if options.format == MadeFormat::Raw {
            let record_bytes = if is_narrow { FlowRecord::BYTES } else { WideRecord::BYTES };
            let header = RawHeader { record_bytes, count, seed, plan: plan.hash() };
            let mut sink = bytes()?;
            sink.write(&header.to_bytes())?;
            Writer::Raw { sink }
        } else {
            let export = ExportConfig { protocol: Protocol::Ipfix, ..options.export.clone() };
            let exporter = Box::new(flow_capture::exporter(export)?);
            let buffer = vec![0; exporter.datagram_len_max()];
            Writer::Messages { exporter, sink: bytes()?, buffer, last: plan.start() }
        };
        Ok(Self { writer })
    }

    /// Writes records.
    pub(crate) fn write(&mut self, records: Records<'_>) -> Result<()> {
        match (&mut self.writer, records) {
            (Writer::Text { text, sink }, Records::Narrow(records)) => {
                text.parts(records, |part| sink.write(part))?;
            }
            // Text, rows and columns were chosen by the kind of the first records.
            (Writer::Text { .. } | Writer::Narrow { .. }, Records::Wide(_))
            | (Writer::Rows(_) | Writer::Columns { .. }, Records::Narrow(_)) => {
                return Err(Misuse::new(
                    "the configuration's records have other columns now than the file that was begun",
                    "write them into a file of their own",
                )
                .into());
            }
            (Writer::Rows(rows), Records::Wide(records)) => {
                rows.write(&chosen(&FlowBlock::from_wide(records), &TEXT_COLUMNS))?;
            }
            (Writer::Capture(capture), records) => capture.write(records)?,
            (Writer::Raw { sink }, Records::Narrow(records)) => sink.write(&raw_bytes(records))?,
            (Writer::Raw { sink }, Records::Wide(records)) => sink.write(&raw_bytes(records))?,
            (Writer::Messages { exporter, sink, buffer, last }, records) => {
                *last = records.last();
                match records {
                    Records::Narrow(records) => messages(exporter, sink, buffer, *last, records)?,
                    Records::Wide(records) => messages(exporter, sink, buffer, *last, records)?,
                }
            }
            (Writer::Narrow { sink, columns }, Records::Narrow(records)) => {
                columns.push(records, |batch| Ok(sink.write(batch)?))?;
            }
            (Writer::Columns { sink, schema, names: None }, Records::Wide(records)) => {
                sink.write(&FlowBlock::from_wide(records).to_batch(schema))?;
            }
            (Writer::Columns { sink, schema, names: Some(names) }, Records::Wide(records)) => {
                sink.write(&named_batch(schema, names, records)?)?;
            }
        }
        Ok(())
    }

    /// Bytes that went out so far; those in encoders' buffers not counted.
    pub(crate) fn written(&self) -> u64 {
        match &self.writer {
            Writer::Narrow { sink, columns } => sink.written().bytes + columns.bytes(),
            Writer::Text { sink, .. }
            | Writer::Raw { sink, .. }
            | Writer::Messages { sink, .. } => sink.written(),
            Writer::Columns { sink, .. } => sink.written().bytes,
            Writer::Rows(rows) => rows.written(),
            Writer::Capture(capture) => capture.written(),
        }
    }

    /// Writes the end; returns the file's length, and what is to be told of it.
    pub(crate) fn finish(self) -> Result<(u64, Told)> {
        let mut told = Told::default();
        let bytes = match self.writer {
            Writer::Text { mut text, mut sink } => {
                let mut end = Vec::new();
                text.end(&mut end);
                sink.write(&end)?;
                sink.finish()?
            }
            Writer::Raw { sink } => sink.finish()?,
            Writer::Messages { mut exporter, mut sink, mut buffer, last } => {
                let filled = exporter.refresh(last, &mut buffer)?;
                sink.write(&buffer[..filled.len])?;
                told = Told::of(&exporter);
                sink.finish()?
            }
            Writer::Narrow { mut sink, mut columns } => {
                if columns.bytes() > 0 {
                    sink.write(&columns.take()?)?;
                }
                sink.finish()?.bytes
            }
            Writer::Columns { sink, .. } => sink.finish()?.bytes,
            Writer::Rows(rows) => rows.finish()?.1.unwrap_or(0),
            Writer::Capture(capture) => {
                let bytes;
                (told, bytes) = capture.finish()?;
                bytes
            }
        };
        Ok((bytes, told))
    }
}

fn messages<R: rheos_wire::export::ExportRecord>(
    exporter: &mut Exporter,
    sink: &mut ByteSink,
    buffer: &mut [u8],
    now: Timestamp,
    mut records: &[R],
) -> Result<()> {
    while !records.is_empty() {
        let filled = exporter.encode(now, records, buffer)?;
        sink.write(&buffer[..filled.len])?;
        records = &records[filled.taken..];
    }
    Ok(())
}

fn wide_schema() -> SchemaRef {
    schema_of(FlowBlock::from_wide(&[]).columns() & FlowColumns::ALL, true)
}

/// Wide records, and the names of their labels.
fn named_schema() -> SchemaRef {
    let mut fields: Vec<_> = wide_schema().fields().iter().cloned().collect();
    let name = Field::new_dictionary("label_name", DataType::UInt8, DataType::Utf8, false);
    fields.push(Arc::new(name));
    Arc::new(Schema::new(fields))
}

fn named_batch(
    schema: &SchemaRef,
    names: &Arc<StringArray>,
    records: &[WideRecord],
) -> Result<RecordBatch> {
    let wide = FlowBlock::from_wide(records).to_batch(&wide_schema());
    let keys = PrimitiveArray::<UInt8Type>::from_iter_values(records.iter().map(|r| r.label));
    let values: ArrayRef = Arc::<StringArray>::clone(names);
    let mut arrays = wide.columns().to_vec();
    arrays.push(Arc::new(DictionaryArray::try_new(keys, values)?));
    Ok(RecordBatch::try_new(Arc::clone(schema), arrays)?)
}
