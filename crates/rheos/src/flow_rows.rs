//! Flow records out, in every format: as columns through the sink, or as lists and tables of text.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use clap::ValueEnum;
use rheos_core::Timestamp;
use rheos_query::{FlowBlock, FlowColumn, FlowColumns, Kind, schema_of};
use rheos_sink::{ByteSink, Compression, Format, Sink, SinkOptions, Target};

use crate::failure::Misuse;
use crate::interrupt::Unfinished;
use crate::output::Output;
use crate::report;

/// How flows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowFormat {
    /// Comma-separated values with a header line; times are nanoseconds.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// One JSON list on one line.
    Json,
    /// One JSON list, indented.
    JsonPretty,
    /// Aligned columns for reading.
    #[value(alias = "text")]
    Table,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC file.
    Arrow,
}

impl FlowFormat {
    /// What the name of the output tells, if nothing else does.
    pub(crate) fn choose(told: Option<Self>, path: &Path) -> Result<Self> {
        if let Some(format) = told {
            return Ok(format);
        }
        let is_device = path.exists() && !path.is_file() && !path.is_dir();
        if path == Path::new("-") || is_device {
            return Ok(Self::Csv);
        }
        if path.extension().is_some_and(|ending| ending == "json") {
            return Ok(Self::Json);
        }
        Ok(match Format::from_path(path)?.0 {
            Format::Csv => Self::Csv,
            Format::JsonLines => Self::Jsonl,
            Format::Parquet => Self::Parquet,
            Format::ArrowFile | Format::ArrowStream => Self::Arrow,
        })
    }

    pub(crate) const fn sink(self) -> Option<Format> {
        match self {
            Self::Csv => Some(Format::Csv),
            Self::Jsonl => Some(Format::JsonLines),
            Self::Parquet => Some(Format::Parquet),
            Self::Arrow => Some(Format::ArrowFile),
            Self::Json | Self::JsonPretty | Self::Table => None,
        }
    }
}

/// How addresses stand in Parquet and Arrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AddressForm {
    /// 32 bits if the first rows have IPv4 addresses only, else 16 octets.
    #[default]
    Auto,
    /// 16 octets, IPv4 as IPv4-mapped IPv6.
    Wide,
}

/// Where and how.
#[derive(Clone, Debug)]
pub(crate) struct FlowRowsPlan {
    pub(crate) path: PathBuf,
    pub(crate) format: FlowFormat,
    pub(crate) header: bool,
    pub(crate) force: bool,
    pub(crate) addresses: AddressForm,
}

/// Takes blocks; the file appears when it is whole.
pub(crate) struct FlowRows {
    plan: FlowRowsPlan,
    writer: Option<Writer>,
    rows: u64,
    columns: usize,
    _unfinished: Unfinished,
}

enum Writer {
    Columns { sink: Box<Sink>, columns: FlowColumns, schema: SchemaRef, is_wide: bool },
    Text { sink: ByteSink, buffer: Vec<u8> },
}

impl FlowRows {
    /// Nothing is written before the first block, which tells the columns.
    pub(crate) fn new(plan: FlowRowsPlan, output: &Output) -> Result<Self> {
        let is_stdout = plan.path == Path::new("-");
        if !is_stdout {
            report::check_target(&plan.path, plan.force)?;
        }
        let is_text = plan.format.sink().is_none_or(Format::is_text);
        if is_stdout && output.stdout_tty && !is_text {
            return Err(Misuse::new(
                "columns are not written to a terminal",
                "name a file with `-o`, or pipe the output into another program",
            )
            .into());
        }
        Ok(Self::create(plan))
    }

    /// The same without a look at what is there.
    pub(crate) fn create(plan: FlowRowsPlan) -> Self {
        let unfinished = Unfinished::new(&plan.path);
        Self { plan, writer: None, rows: 0, columns: 0, _unfinished: unfinished }
    }

    fn open(&self, block: &FlowBlock) -> Result<Writer> {
        let Some(format) = self.plan.format.sink() else { return self.open_text() };
        let known: FlowColumns = FlowColumn::all().take(FlowColumn::CANONICAL).collect();
        let columns = block.columns() & known;
        let is_wide = block.is_wide() || self.plan.addresses == AddressForm::Wide;
        let schema =
            if format.is_text() { text_schema(columns) } else { schema_of(columns, is_wide) };
        let compression =
            Format::from_path(&self.plan.path).map_or(format.default_compression(), |(_, c)| c);
        let options = SinkOptions {
            force: self.plan.force,
            csv_header: self.plan.header,
            compression,
            ..SinkOptions::new(format)
        };
        let sink = Sink::create(&Target::parse(&self.plan.path), Arc::clone(&schema), options)?;
        Ok(Writer::Columns { sink: Box::new(sink), columns, schema, is_wide })
    }

    fn open_text(&self) -> Result<Writer> {
        let target = Target::parse(&self.plan.path);
        let ending = self.plan.path.extension().and_then(|ending| ending.to_str());
        let compression = match ending {
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd,
            _ => Compression::None,
        };
        let sink = ByteSink::create(&target, compression, self.plan.force)?;
        Ok(Writer::Text { sink, buffer: Vec::new() })
    }

    /// Writes the rows of a block.
    pub(crate) fn write(&mut self, block: &FlowBlock) -> Result<()> {
        let is_first = self.writer.is_none();
        if is_first {
            self.columns = block.columns().iter().count();
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open(block)?,
        };
        match &mut writer {
            Writer::Columns { sink, columns, schema, is_wide } => {
                let is_text = schema
                    .field_with_name("src_ip")
                    .is_ok_and(|f| *f.data_type() == DataType::Utf8)
                    || self.plan.format.sink().is_some_and(Format::is_text);
                if is_text {
                    sink.write(&text_batch(block, *columns, schema))?;
                } else if block.is_wide() && !*is_wide {
                    return Err(Misuse::new(
                        "IPv6 addresses come after rows with IPv4 addresses only",
                        "`--addresses wide` writes all of them as 16 octets",
                    )
                    .into());
                } else {
                    sink.write(&block.to_batch(schema))?;
                }
            }
            Writer::Text { sink, buffer } => {
                text(buffer, &self.plan, block, is_first);
                sink.write(buffer)?;
                buffer.clear();
            }
        }
        self.rows += block.len() as u64;
        self.writer = Some(writer);
        Ok(())
    }

    /// Bytes that went out so far; those in buffers not counted.
    pub(crate) fn written(&self) -> u64 {
        match &self.writer {
            Some(Writer::Columns { sink, .. }) => sink.written().bytes,
            Some(Writer::Text { sink, .. }) => sink.written(),
            None => 0,
        }
    }

    /// How many columns there are.
    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    /// Writes the end; how many rows and, where it is known, bytes there are.
    pub(crate) fn finish(mut self) -> Result<(u64, Option<u64>)> {
        if self.writer.is_none() {
            // An output without rows still is an output.
            self.write(&FlowBlock::from_wide(&[]))?;
        }
        let bytes = match self.writer.take() {
            Some(Writer::Columns { sink, .. }) => Some(sink.finish()?.bytes),
            Some(Writer::Text { mut sink, .. }) => {
                let end: &[u8] = match self.plan.format {
                    FlowFormat::Json => b"]",
                    FlowFormat::JsonPretty if self.rows == 0 => b"]\n",
                    FlowFormat::JsonPretty => b"\n]\n",
                    _ => b"",
                };
                sink.write(end)?;
                Some(sink.finish()?)
            }
            None => None,
        };
        Ok((self.rows, bytes))
    }
}

/// Addresses as text and times as numbers: what the older programs print, and read.
fn text_schema(columns: FlowColumns) -> SchemaRef {
    let typed = schema_of(columns, false);
    let field = |(column, field): (FlowColumn, &Arc<Field>)| match column.kind() {
        Kind::Address => Field::new(column.name(), DataType::Utf8, false),
        Kind::U64 => Field::new(column.name(), DataType::UInt64, false),
        _ => field.as_ref().clone(),
    };
    Arc::new(Schema::new(columns.iter().zip(typed.fields()).map(field).collect::<Vec<_>>()))
}

fn text_batch(block: &FlowBlock, columns: FlowColumns, schema: &SchemaRef) -> RecordBatch {
    let typed = block.to_batch(&schema_of(columns, block.is_wide()));
    let arrays = columns.iter().zip(typed.columns()).map(|(column, array)| -> ArrayRef {
        let rows = 0..block.len();
        match column.kind() {
            Kind::Address => {
                let text =
                    rows.map(|row| rheos_query::address_of(block.value(column, row)).to_string());
                Arc::new(StringArray::from_iter_values(text))
            }
            Kind::U64 => {
                let numbers = rows.map(|row| block.value(column, row) as u64);
                Arc::new(UInt64Array::from_iter_values(numbers))
            }
            _ => Arc::clone(array),
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(block.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect(), &options)
        .expect("the arrays were made for the schema")
}

/// Lists and tables, as the older programs lay them out.
fn text(out: &mut Vec<u8>, plan: &FlowRowsPlan, block: &FlowBlock, is_first: bool) {
    if plan.format == FlowFormat::Table {
        if is_first && plan.header {
            out.extend_from_slice(HEADER.as_bytes());
        }
        for row in 0..block.len() {
            out.extend_from_slice(line(block, row).as_bytes());
        }
        return;
    }
    let columns: Vec<FlowColumn> = block.columns().iter().collect();
    let is_pretty = plan.format == FlowFormat::JsonPretty;
    for row in 0..block.len() {
        let joint = match (is_first && row == 0, is_pretty) {
            (true, false) => "[",
            (true, true) => "[\n  ",
            (false, false) => ",",
            (false, true) => ",\n  ",
        };
        out.extend_from_slice(joint.as_bytes());
        out.extend_from_slice(object(block, &columns, row, is_pretty).as_bytes());
    }
    if is_first && block.is_empty() {
        out.push(b'[');
    }
}

const HEADER: &str = "STREAM    FIRST_TIMESTAMP       LAST_TIMESTAMP        SRC_IP            SRC_PORT  \
    DST_IP            DST_PORT  PROTO  PACKETS   BYTES       \n";

fn line(block: &FlowBlock, row: usize) -> String {
    let number = |column| block.value(column, row);
    let time = |column| {
        let nanos = number(column) as u64;
        let time = Timestamp::from_nanos(nanos).as_nanos();
        format!("{:>12}.{:09}", time / 1_000_000_000, time % 1_000_000_000)
    };
    let address = |column| rheos_query::address_of(block.value(column, row)).to_string();
    format!(
        // One blank at least, also where an address of IPv6 is longer than its column.
        "0x{:08x}  {}  {}  {:<17} {:<9} {:<17} {:<9} {:<6} {:<9} {:<12}\n",
        number(FlowColumn::StreamId),
        time(FlowColumn::First),
        time(FlowColumn::Last),
        address(FlowColumn::SrcIp),
        number(FlowColumn::SrcPort),
        address(FlowColumn::DstIp),
        number(FlowColumn::DstPort),
        number(FlowColumn::Protocol),
        number(FlowColumn::Packets),
        number(FlowColumn::Bytes),
    )
}

fn object(block: &FlowBlock, columns: &[FlowColumn], row: usize, is_pretty: bool) -> String {
    let (joint, colon, end) = if is_pretty { (",\n    ", ": ", "\n  }") } else { (",", ":", "}") };
    let mut text = String::from(if is_pretty { "{\n    " } else { "{" });
    for (i, column) in columns.iter().enumerate() {
        let value = block.value(*column, row);
        let before = if i == 0 { "" } else { joint };
        text.push_str(&match column.kind() {
            Kind::Address => {
                format!("{before}\"{column}\"{colon}\"{}\"", rheos_query::address_of(value))
            }
            _ => format!("{before}\"{column}\"{colon}{value}"),
        });
    }
    text + end
}
