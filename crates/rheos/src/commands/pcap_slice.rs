//! `rheos pcap slice`: the packets of captures that are wanted, as they are.

use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use rheos_capture::info::Format;
use rheos_capture::{CaptureReader, CaptureWriter, Source};
use rheos_core::units::{Count, UnitError};
use rheos_core::{Frame, FrameBatch, Nanos, Timestamp};
use rheos_wire::filter::PacketFilter;
use rheos_wire::{ChecksumPolicy, DecodeConfig, Decoded, Packet, decode};

use crate::capture_out::{self, CaptureOutArgs};
use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::filter;
use crate::inputs::{self, InputArgs};
use crate::interrupt::Unfinished;
use crate::output::{Output, Tone};
use crate::progress::Progress;
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos pcap slice big.pcap -o dns.pcap -f 'udp port 53'
  rheos pcap slice big.pcapng.zst -o minute.pcapng --from +10m --to +11m
  rheos pcap slice captures/ -n 1000 | rheos pcap info -";

/// Arguments of `rheos pcap slice`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct SliceArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Only packets that match this expression; fragments match by addresses and protocol.
    #[arg(short, long, value_name = "EXPR", default_value = "", help_heading = "Which packets")]
    filter: String,
    /// Only packets from this moment on: RFC 3339, seconds, `...ns`, or `+10m` after the first packet.
    #[arg(long, value_name = "TIME", help_heading = "Which packets")]
    from: Option<Moment>,
    /// Only packets before this moment.
    #[arg(long, value_name = "TIME", help_heading = "Which packets")]
    to: Option<Moment>,
    /// Leave out the first packets that would be kept.
    #[arg(long, value_name = "N", default_value = "0", help_heading = "Which packets")]
    skip: Count,
    /// Keep at most this many packets.
    #[arg(short = 'n', long, value_name = "N", help_heading = "Which packets")]
    count: Option<Count>,
    #[command(flatten)]
    out: CaptureOutArgs,
}

/// A moment, or a span after the first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    At(Timestamp),
    After(Nanos),
}

impl FromStr for Moment {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.strip_prefix('+') {
            Some(span) => span.parse().map(Self::After),
            None => text.parse().map(Self::At),
        }
    }
}

impl Moment {
    fn resolve(self, first: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::After(span) => first + span,
        }
    }
}

/// Decides packet by packet.
struct Chooser {
    filter: Option<PacketFilter>,
    config: DecodeConfig,
    from: Option<Moment>,
    to: Option<Moment>,
    first: Option<Timestamp>,
    skip: u64,
    left: u64,
    packet: Packet,
}

impl Chooser {
    fn new(args: &SliceArgs) -> Result<Self> {
        let filter = PacketFilter::new(&filter::parse(&args.filter)?)?;
        if let (Some(Moment::At(from)), Some(Moment::At(to))) = (args.from, args.to)
            && to <= from
        {
            return Err(Misuse::new("`--to` is not after `--from`", "swap them").into());
        }
        Ok(Self {
            filter: (!filter.matches_all()).then_some(filter),
            config: DecodeConfig { checksums: ChecksumPolicy::Ignore, ..DecodeConfig::default() },
            from: args.from,
            to: args.to,
            first: None,
            skip: args.skip.0,
            left: args.count.map_or(u64::MAX, |count| count.0),
            packet: Packet::default(),
        })
    }

    fn keep(&mut self, frame: &Frame<'_>) -> bool {
        let first = *self.first.get_or_insert(frame.ts);
        let wanted = self.left > 0
            && self.from.is_none_or(|from| frame.ts >= from.resolve(first))
            && self.to.is_none_or(|to| frame.ts < to.resolve(first))
            && self.matches(frame);
        if !wanted {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left -= 1;
        true
    }

    fn matches(&mut self, frame: &Frame<'_>) -> bool {
        let Some(filter) = &self.filter else { return true };
        match decode(*frame, 0, &self.config, &mut self.packet) {
            Decoded::Packet => filter.matches(&self.packet),
            Decoded::Fragment(fragment) => {
                let tuple = &mut self.packet.tuple;
                (tuple.src, tuple.dst) = (fragment.src, fragment.dst);
                (tuple.src_port, tuple.dst_port) = (0, 0);
                (tuple.protocol, tuple.version) = (fragment.protocol, fragment.version);
                filter.matches(&self.packet)
            }
            Decoded::Dropped(_) => false,
        }
    }
}

/// Reads, chooses and writes.
pub(crate) fn run(args: &SliceArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let mut chooser = Chooser::new(args)?;
    let mut reader = args.input.open()?;
    let mut out: Option<(CaptureWriter, Unfinished)> = None;
    let mut progress = Progress::new(global.progress, output, reader.progress().bytes_total);
    let mut batch = FrameBatch::default();
    let mut frames = 0;
    while chooser.left > 0 && reader.read_batch(&mut batch)? {
        // Only after the first frames is the format of the input known.
        let (writer, _) = match &mut out {
            Some(out) => out,
            none => none.insert(args.out.create(format_of(&reader))?),
        };
        frames += batch.frames.len() as u64;
        writer.write_batch(&batch, &reader, |_, frame| chooser.keep(frame))?;
        progress.update(reader.progress().bytes_read, frames);
    }
    progress.finish();
    let (writer, _unfinished) = match out {
        Some(out) => out,
        None => args.out.create(format_of(&reader))?,
    };
    summary::line(output, "read", Tone::Strong, &summary::plural(frames, "packet"));
    capture_out::talk_of(&writer.finish()?, output);
    Ok(inputs::report_damage(reader.info(), output))
}

/// The format of the first input: what a slice of it is written in unless told otherwise.
fn format_of(reader: &CaptureReader) -> Format {
    reader.info().files.first().map_or(Format::Pcap, |file| file.format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_absolute_or_after_the_first_packet() {
        let first = Timestamp::from_secs(1000);
        let resolve = |text: &str| text.parse::<Moment>().map(|m| m.resolve(first));
        assert_eq!(resolve("+1m"), Ok(Timestamp::from_secs(1060)));
        assert_eq!(resolve("1970-01-01T00:00:05Z"), Ok(Timestamp::from_secs(5)));
        assert_eq!(resolve("7"), Ok(Timestamp::from_secs(7)));
        assert!(resolve("+soon").is_err());
    }
}
