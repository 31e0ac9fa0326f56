//! `rheos pcap merge`: several captures into one, in order of time.

use anyhow::Result;
use clap::Args;
use rheos_capture::info::Format;
use rheos_capture::{MergedReader, Source};
use rheos_core::FrameBatch;
use rheos_core::units::human;

use crate::capture_out::{self, CaptureOutArgs};
use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::inputs::{self, InputArgs};
use crate::output::{Output, Tone};
use crate::progress::Progress;
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos pcap merge north.pcap south.pcap -o both.pcapng
  rheos pcap merge rotated/ -o whole.pcap.zst
  rheos pcap merge a.pcap b.pcap | rheos features extract - -o flows.parquet";

/// Arguments of `rheos pcap merge`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    out: CaptureOutArgs,
}

/// Merges each input (a folder is one input, its captures one after the other) by packet time.
pub(crate) fn run(args: &MergeArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let mut merged = MergedReader::new(args.input.open_each()?, &args.input.options());
    let mut progress = Progress::new(global.progress, output, merged.progress().bytes_total);
    let mut batch = FrameBatch::default();
    let mut more = merged.read_batch(&mut batch)?;
    // Only now are the inputs' formats known.
    let (mut writer, _unfinished) = args.out.create(format_of(&merged))?;
    let mut frames = 0;
    while more {
        frames += batch.frames.len() as u64;
        writer.write_batch(&batch, &merged, |_, _| true)?;
        progress.update(merged.progress().bytes_read, frames);
        more = merged.read_batch(&mut batch)?;
    }
    progress.finish();
    let inputs = merged.readers().count();
    let text = format!("{inputs} inputs  {}", summary::plural(frames, "packet"));
    summary::line(output, "read", Tone::Strong, &text);
    capture_out::talk_of(&writer.finish()?, output);
    warn_of_disorder(&merged, args, output);
    let mut status = ExitStatus::Done;
    for reader in merged.readers() {
        if inputs::report_damage(reader.info(), output) != ExitStatus::Done {
            status = ExitStatus::CheckFailed;
        }
    }
    Ok(status)
}

/// pcapng if any input is, so that interfaces and comments are kept.
fn format_of(merged: &MergedReader) -> Format {
    let any = merged.readers().flat_map(|r| &r.info().files).any(|f| f.format == Format::Pcapng);
    if any { Format::Pcapng } else { Format::Pcap }
}

/// An input that runs backwards stays out of order in the merged capture: that is said, not mended.
fn warn_of_disorder(merged: &MergedReader, args: &MergeArgs, output: &Output) {
    for (name, backward) in args.input.names().zip(merged.backward_frames()) {
        if backward > 0 {
            let line = format!(
                "{} {}: {} packets are earlier than the one before them, and stay so",
                output.paint_err(Tone::Warn, "warning:"),
                name.display(),
                human::grouped(backward)
            );
            output.complain(&line);
        }
    }
}
