//! `rheos features watch`: a folder into which captures come, each turned into a file of rows when it is whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rheos_capture::{CaptureReader, Input, ReadOptions};
use rheos_core::Nanos;
use rheos_core::units::human;
use rheos_sink::Format;

use crate::cli::GlobalArgs;
use crate::config::Settings;
use crate::config::keys::{COMPRESSION_WORDS, FORMAT_WORDS, Key};
use crate::environment;
use crate::exit::ExitStatus;
use crate::extraction::{Extraction, ExtractionArgs};
use crate::failure::Misuse;
use crate::inputs;
use crate::output::{Output, Tone};
use crate::progress::ProgressStyle;
use crate::provenance::{self, Run};
use crate::reading::Reading;
use crate::rows_out;
use crate::selection;
use crate::summary;
use crate::watch_folder::{Outcome, Taken, WatchFolder};

const EXAMPLES: &str = "\
Examples:
  rheos features watch /var/captures -o rows
  rheos features watch captures -o rows --once --format csv --groups timing,tls
  rheos features watch captures -o rows --every 30s --anonymize --key-file rheos.key

Captures are files whose names end in .pcap, .pcapng, .cap or .pcap<number>, also with .gz, .zst or .lz4
behind that. One is taken when size and time of two looks are equal; its rows appear under their name when
they are whole. OUTDIR/rheos-watch.json remembers what was taken, so that a watch goes on where it was ended;
a capture that has changed since is taken again. A damaged capture gives the rows up to the damage, is told
and counted, and does not end the watch.";

/// Arguments of `rheos features watch`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// The folder into which captures come.
    #[arg(value_name = "DIR", help_heading = "Input")]
    folder: PathBuf,
    /// How long to wait between two looks at the folder.
    #[arg(long, value_name = "SPAN", default_value = "2s", help_heading = "Input")]
    every: Nanos,
    /// Look twice, take what is there and end.
    #[arg(long, help_heading = "Input")]
    once: bool,
    #[command(flatten)]
    extraction: ExtractionArgs,
    /// The folder for the rows: one file for each capture, named after it.
    #[arg(short, long, value_name = "OUTDIR", help_heading = "Output")]
    output: PathBuf,
    /// Format of the rows; auto: Parquet.
    #[arg(long, value_name = "FORMAT", value_parser = FORMAT_WORDS.to_vec(), help_heading = "Output")]
    format: Option<String>,
    /// Compression inside Parquet and Arrow files.
    #[arg(long, value_name = "METHOD", value_parser = COMPRESSION_WORDS.to_vec(),
          help_heading = "Output", hide_short_help = true)]
    compression: Option<String>,
    /// Do not write `FILE.provenance.json`, which tells what made the rows.
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    no_provenance: bool,
}

impl WatchArgs {
    fn overrides(&self) -> Vec<(Key, String)> {
        let mut flags: Vec<(Key, String)> =
            [(Key::OutputFormat, &self.format), (Key::OutputCompression, &self.compression)]
                .into_iter()
                .filter_map(|(key, text)| Some((key, text.clone()?)))
                .collect();
        if self.no_provenance {
            flags.push((Key::OutputProvenance, "false".to_owned()));
        }
        flags.extend(self.extraction.overrides());
        flags
    }
}

/// Looks, takes and waits, until it is interrupted or has looked twice.
pub(crate) fn run(args: &WatchArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let settings =
        Settings::load(global.config.as_deref(), environment::variables(), &args.overrides())?;
    let extraction = Extraction::new(&settings, selection::of_settings(&settings)?)?;
    if !args.folder.is_dir() {
        let message = format!("there is no folder `{}`", args.folder.display());
        return Err(Misuse::new(message, "name the folder into which captures come").into());
    }
    std::fs::create_dir_all(&args.output)
        .with_context(|| format!("cannot make the folder `{}`", args.output.display()))?;
    let mut folder = WatchFolder::open(&args.folder, &args.output, &settings.rows_hash())?;
    let format = match settings.text(Key::OutputFormat) {
        "auto" => Format::Parquet,
        told => told.parse()?,
    };
    let mut watch =
        Watch { args, settings, extraction, format, output, taken: 0, damaged: 0, failed: 0 };
    let text = format!("{}  every {}", args.folder.display(), human::duration(args.every));
    summary::line(output, "watch", Tone::Strong, &text);
    folder.look()?;
    loop {
        std::thread::sleep(Duration::from_nanos(args.every.0));
        for name in folder.look()? {
            let taken = watch.take(&name)?;
            folder.remember(&name, taken)?;
        }
        if args.once {
            break;
        }
    }
    watch.tell(folder.unsettled());
    let fine = watch.damaged + watch.failed == 0;
    Ok(if fine { ExitStatus::Done } else { ExitStatus::CheckFailed })
}

/// A watch that goes on.
struct Watch<'a> {
    args: &'a WatchArgs,
    settings: Settings,
    extraction: Extraction,
    format: Format,
    output: &'a Output,
    taken: u64,
    damaged: u64,
    failed: u64,
}

impl Watch<'_> {
    /// Makes the rows of one capture. A capture that cannot be read is told and counted; rows that cannot be written
    /// are an error.
    fn take(&mut self, name: &str) -> Result<Taken> {
        let rows = self.args.output.join(format!("{name}.{}", self.format.name()));
        self.taken += 1;
        let taken = match self.extract(&self.args.folder.join(name), &rows) {
            Ok(taken) => taken,
            Err(error) => {
                // Only a capture's own failure is no failure of the watch.
                let error: rheos_capture::Error = error.downcast()?;
                let text = format!("{} {error}", self.output.paint_err(Tone::Bad, "error:"));
                self.output.complain(&text);
                Taken { outcome: Outcome::Failed, rows: 0 }
            }
        };
        match taken.outcome {
            Outcome::Done => {}
            Outcome::Damaged => self.damaged += 1,
            Outcome::Failed => self.failed += 1,
        }
        let tone = if taken.outcome == Outcome::Done { Tone::Strong } else { Tone::Warn };
        let text = format!("{name}  {}", summary::plural(taken.rows, "row"));
        summary::line(self.output, taken.outcome.label(), tone, &text);
        Ok(taken)
    }

    fn extract(&mut self, capture: &Path, rows: &Path) -> Result<Taken> {
        // Each capture's provenance tells of its own labels.
        self.extraction.forget_label_uses();
        let settings = &self.settings;
        let options = ReadOptions {
            sha256: provenance::path(rows, settings).is_some(),
            ..inputs::options_of(settings)
        };
        let capture = capture.to_owned();
        let reader = CaptureReader::open([Input::Path(capture.clone())], options)?;
        let count = self.args.extraction.count();
        let mut reading = Reading::new(reader, count, ProgressStyle::None, self.output);
        let made_by = rows_out::provenance(settings, std::iter::once(&capture));
        let schema = Arc::clone(self.extraction.schema());
        let (mut sink, unfinished) =
            rows_out::create(rows, true, schema, settings, made_by, self.output)?;
        let summary = self.extraction.run(&mut reading, |batch| Ok(sink.write(&batch)?))?;
        let finished = reading.finish()?;
        let written = sink.finish()?;
        drop(unfinished);
        let run = Run {
            settings,
            schema: self.extraction.schema(),
            captures: finished.info(),
            summary: &summary,
            labels: self.extraction.labels(),
            written,
        };
        provenance::write(rows, run)?;
        let outcome = match finished.report(self.output) {
            ExitStatus::Done => Outcome::Done,
            _ => Outcome::Damaged,
        };
        Ok(Taken { outcome, rows: written.rows })
    }

    /// ` done   3 captures: 1 damaged, 1 failed  1 still grows`.
    fn tell(&self, unsettled: usize) {
        let mut text = summary::plural(self.taken, "capture");
        let parts = [(self.damaged, "damaged"), (self.failed, "failed")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", human::grouped(*n)))
            .collect();
        if !parts.is_empty() {
            text.push_str(&format!(": {}", parts.join(", ")));
        }
        if unsettled > 0 {
            text.push_str(&format!("  {} still changing", human::grouped(unsettled as u64)));
        }
        let tone = if parts.is_empty() { Tone::Good } else { Tone::Warn };
        summary::line(self.output, "done", tone, &text);
    }
}
