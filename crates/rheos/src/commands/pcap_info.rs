//! `rheos pcap info`: what capture files say of themselves, and what counting their frames adds.

use anyhow::Result;
use clap::Args;
use rheos_capture::info::FileState;
use rheos_capture::{CaptureReader, FileInfo, InterfaceInfo, Source};
use rheos_core::units::human;
use rheos_core::{FrameBatch, Timestamp};
use serde_json::{Value, json};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::inputs::InputArgs;
use crate::output::{Output, Tone};
use crate::progress::Progress;
use crate::table::{Cell, ListFormat, Table};

const EXAMPLES: &str = "\
Examples:
  rheos pcap info capture.pcapng
  rheos pcap info captures/ --format csv
  tcpdump -w - -c 100 | rheos pcap info - --format json | jq '.[0].frames'";

/// Arguments of `rheos pcap info`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    input: InputArgs,
    /// How to print it: `table` is a block per file, the others a row or an object per file.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
}

/// Comments that the block of a file shows; JSON has all that were kept.
const COMMENTS_SHOWN: usize = 5;

/// Reads all files and prints what is known of each.
pub(crate) fn run(args: &InfoArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let mut reader = args.input.open()?;
    let mut progress = Progress::new(global.progress, output, reader.progress().bytes_total);
    let mut batch = FrameBatch::default();
    let mut frames = 0;
    while reader.read_batch(&mut batch)? {
        frames += batch.frames.len() as u64;
        progress.update(reader.progress().bytes_read, frames);
    }
    progress.finish();
    output.data(&render(&reader, args.format, output))?;
    Ok(crate::inputs::report_damage(reader.info(), output))
}

fn render(reader: &CaptureReader, format: ListFormat, output: &Output) -> String {
    let files = &reader.info().files;
    match format {
        ListFormat::Table => files.iter().map(|f| block(f, output)).collect::<Vec<_>>().join("\n"),
        ListFormat::Json => {
            let all: Vec<Value> = files.iter().map(object).collect();
            serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
        }
        ListFormat::Csv | ListFormat::Md => rows(files).render(format, output),
    }
}

/// A labelled block for people.
fn block(file: &FileInfo, output: &Output) -> String {
    let mut text =
        format!("{}\n", output.paint_out(Tone::Strong, &file.path.display().to_string()));
    let mut line = |label: &str, value: String| {
        text.push_str(&format!("  {label:<12} {value}\n"));
    };
    line("format", format_words(file));
    if let Some(size) = file.size {
        line("size", human::bytes(size).to_string());
    }
    for section in &file.sections {
        let written = [&section.application, &section.os, &section.hardware];
        let words: Vec<&str> = written.into_iter().flatten().map(String::as_str).collect();
        if !words.is_empty() {
            line("written by", words.join(", "));
        }
    }
    for (number, interface) in file.interfaces.iter().enumerate() {
        line(&format!("interface {number}"), interface_words(interface));
    }
    line("packets", packet_words(file));
    line(
        "bytes",
        format!(
            "{} on the wire, {} captured",
            human::bytes(file.wire_bytes),
            human::bytes(file.captured_bytes)
        ),
    );
    if let (Some(first), Some(last)) = (file.earliest, file.latest) {
        line("first", human::rfc3339(first).to_string());
        line("last", human::rfc3339(last).to_string());
        line("duration", human::duration(last.since(first)).to_string());
        if let Some((packets, bits)) = rates(file) {
            line("rate", format!("{} packets/s, {}", human::count(packets), human::bit_rate(bits)));
        }
    }
    line("drops", drop_words(file));
    for comment in file.comments.iter().take(COMMENTS_SHOWN) {
        line("comment", comment.text.replace(['\n', '\r'], " "));
    }
    let hidden = file.comments_total.saturating_sub(COMMENTS_SHOWN as u64);
    if hidden > 0 {
        line("comment", format!("{} more, see `--format json`", human::grouped(hidden)));
    }
    text
}

/// `pcapng 1.0, little endian, zstd`
fn format_words(file: &FileInfo) -> String {
    let (major, minor) = file.version;
    let mut words = vec![format!("{} {major}.{minor}", file.format), file.byte_order.to_string()];
    words.extend(file.compression.iter().map(ToString::to_string));
    if file.sections_total > 1 {
        words.push(format!("{} sections", human::grouped(file.sections_total)));
    }
    words.join(", ")
}

/// `eth0, link type 1, snap length 262144, resolution 1 ns, 12 packets`
fn interface_words(interface: &InterfaceInfo) -> String {
    let mut words = Vec::new();
    words.extend(interface.name.clone());
    words.extend(interface.description.clone());
    words.push(format!("link type {}", interface.link.0));
    if interface.snap_len > 0 {
        words.push(format!("snap length {}", interface.snap_len));
    }
    words.push(format!("resolution {}", interface.resolution));
    words.extend(interface.filter.as_ref().map(|filter| format!("filter `{filter}`")));
    words.push(format!("{} packets", human::grouped(interface.frames)));
    words.join(", ")
}

fn packet_words(file: &FileInfo) -> String {
    let mut words = human::grouped(file.frames).to_string();
    for (count, what) in [
        (file.truncated_frames, "cut short by the snap length"),
        (file.backward_frames, "earlier than the packet before"),
        (file.timeless_frames, "without a time of their own"),
    ] {
        if count > 0 {
            words.push_str(&format!(", {} {what}", human::grouped(count)));
        }
    }
    words
}

/// What the capturing system says it lost; a capture that says nothing is told from one that lost nothing.
fn drop_words(file: &FileInfo) -> String {
    let told = file
        .interfaces
        .iter()
        .any(|i| i.dropped_by_interface.is_some() || i.dropped_by_system.is_some());
    if !told && file.dropped_between == 0 {
        return "not told by the file".to_owned();
    }
    format!(
        "{} at the interface, {} in the system, {} between packets",
        human::grouped(file.interface_drops()),
        human::grouped(file.system_drops()),
        human::grouped(file.dropped_between)
    )
}

/// Mean packets and bits per second, if there is a duration to divide by.
fn rates(file: &FileInfo) -> Option<(f64, f64)> {
    let seconds = file.latest?.since(file.earliest?).as_secs_f64();
    (seconds > 0.0).then(|| (file.frames as f64 / seconds, file.wire_bytes as f64 * 8.0 / seconds))
}

/// A row per file, for spreadsheets and mails.
fn rows(files: &[FileInfo]) -> Table {
    let mut table = Table::new(&[
        "file",
        "format",
        "compression",
        "link types",
        ">size",
        ">packets",
        ">wire bytes",
        ">captured bytes",
        "first",
        "last",
        ">duration s",
        ">truncated",
        ">backward",
        "state",
    ]);
    for file in files {
        let links: Vec<String> = links(file).iter().map(u16::to_string).collect();
        let compression: Vec<String> = file.compression.iter().map(ToString::to_string).collect();
        let moment = |ts: Option<Timestamp>| ts.map(|ts| human::rfc3339(ts).to_string());
        let span = file.earliest.zip(file.latest).map(|(a, b)| b.since(a).as_secs_f64());
        table.row([
            file.path.display().to_string().into(),
            file.format.to_string().into(),
            compression.join("+").into(),
            links.join(" ").into(),
            Cell::from(file.size),
            Cell::from(file.frames),
            file.wire_bytes.into(),
            file.captured_bytes.into(),
            moment(file.earliest).into(),
            moment(file.latest).into(),
            span.into(),
            file.truncated_frames.into(),
            file.backward_frames.into(),
            state(file).into(),
        ]);
    }
    table
}

/// The link types of the interfaces, each once.
fn links(file: &FileInfo) -> Vec<u16> {
    let mut links: Vec<u16> = file.interfaces.iter().map(|i| i.link.0).collect();
    links.sort_unstable();
    links.dedup();
    links
}

fn state(file: &FileInfo) -> &'static str {
    match file.state {
        FileState::Done => "whole",
        FileState::Damaged => "damaged",
        FileState::Failed => "unreadable",
        FileState::Waiting | FileState::Reading => "unread",
    }
}

/// Everything that is known, for programs. Times are nanoseconds since the epoch.
fn object(file: &FileInfo) -> Value {
    let nanos = |ts: Option<Timestamp>| ts.map(Timestamp::as_nanos);
    let rates = rates(file);
    json!({
        "file": file.path.display().to_string(),
        "state": state(file),
        "format": file.format.to_string(),
        "version": format!("{}.{}", file.version.0, file.version.1),
        "byte_order": file.byte_order.to_string(),
        "compression": file.compression.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "size": file.size,
        "sections": file.sections_total,
        "written_by": file.sections.iter().map(|s| json!({
            "application": s.application, "os": s.os, "hardware": s.hardware,
        })).collect::<Vec<_>>(),
        "interfaces": file.interfaces.iter().map(interface_object).collect::<Vec<_>>(),
        "frames": file.frames,
        "wire_bytes": file.wire_bytes,
        "captured_bytes": file.captured_bytes,
        "longest_frame": file.longest_frame,
        "first_ns": nanos(file.earliest),
        "last_ns": nanos(file.latest),
        "packets_per_second": rates.map(|r| r.0),
        "bits_per_second": rates.map(|r| r.1),
        "truncated_frames": file.truncated_frames,
        "backward_frames": file.backward_frames,
        "timeless_frames": file.timeless_frames,
        "dropped_at_interface": file.interface_drops(),
        "dropped_in_system": file.system_drops(),
        "dropped_between_packets": file.dropped_between,
        "comments": file.comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(),
        "comments_total": file.comments_total,
    })
}

fn interface_object(interface: &InterfaceInfo) -> Value {
    json!({
        "name": interface.name,
        "description": interface.description,
        "link_type": interface.link.0,
        "snap_len": interface.snap_len,
        "resolution": interface.resolution.to_string(),
        "offset_s": interface.offset_secs,
        "filter": interface.filter,
        "os": interface.os,
        "hardware": interface.hardware,
        "speed_bps": interface.speed,
        "frames": interface.frames,
        "received": interface.received,
        "dropped_at_interface": interface.dropped_by_interface,
        "dropped_in_system": interface.dropped_by_system,
    })
}
