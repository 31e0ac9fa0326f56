//! Which captures to read: the flags that every reading command shares, and what to say of damage.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_capture::{CaptureInfo, CaptureReader, FileOrder, Input, ReadOptions};
use rheos_core::units::human;

use crate::config::Settings;
use crate::config::keys::Key;
use crate::exit::ExitStatus;
use crate::failure::complain_hint;
use crate::output::{Output, Tone};

/// Flags that name captures.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// Capture files, folders of captures, or `-` for standard input; read as one stream, in this order.
    #[arg(value_name = "INPUT", required_unless_present = "read")]
    inputs: Vec<PathBuf>,
    /// The same as INPUT, for those who like flags.
    #[arg(short, long, value_name = "INPUT", num_args = 1..)]
    read: Vec<PathBuf>,
    /// Also read the captures in folders of folders.
    #[arg(long, hide_short_help = true)]
    recursive: bool,
    /// In which order files are read.
    #[arg(long, value_name = "ORDER", hide_short_help = true)]
    order: Option<OrderChoice>,
}

/// `--order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OrderChoice {
    /// As named; in a folder by name, numbers by value.
    Given,
    /// By the time of their first packets: for rotated captures whose names do not sort.
    Time,
}

impl InputArgs {
    /// The inputs as they were named.
    pub(crate) fn names(&self) -> impl Iterator<Item = &PathBuf> {
        self.inputs.iter().chain(&self.read)
    }

    /// How they are to be read.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            recursive: self.recursive,
            order: match self.order {
                None | Some(OrderChoice::Given) => FileOrder::Given,
                Some(OrderChoice::Time) => FileOrder::FirstPacket,
            },
            ..ReadOptions::default()
        }
    }

    /// What the command line says, for the settings.
    pub(crate) fn overrides(&self) -> Vec<(Key, String)> {
        let recursive = self.recursive.then(|| (Key::CaptureRecursive, "true".to_owned()));
        let order = self.order.map(|order| match order {
            OrderChoice::Given => (Key::CaptureOrder, "given".to_owned()),
            OrderChoice::Time => (Key::CaptureOrder, "time".to_owned()),
        });
        recursive.into_iter().chain(order).collect()
    }

    /// Opens them as one stream.
    ///
    /// # Errors
    /// If an input does not exist or is no capture.
    pub(crate) fn open(&self) -> Result<CaptureReader> {
        Ok(CaptureReader::open(self.names().map(Input::from_arg), self.options())?)
    }

    /// Opens each for itself.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_each(&self) -> Result<Vec<CaptureReader>> {
        self.names()
            .map(|name| Ok(CaptureReader::open([Input::from_arg(name)], self.options())?))
            .collect()
    }
}

/// How captures are read by the settings.
pub(crate) fn options_of(settings: &Settings) -> ReadOptions {
    ReadOptions {
        recursive: settings.switch(Key::CaptureRecursive),
        order: match settings.text(Key::CaptureOrder) {
            "time" => FileOrder::FirstPacket,
            _ => FileOrder::Given,
        },
        ..ReadOptions::default()
    }
}

/// Tells of damaged places and skipped files; a damaged capture is a failed check.
pub(crate) fn report_damage(info: &CaptureInfo, output: &Output) -> ExitStatus {
    if info.skipped_total > 0 {
        let text = match info.skipped_total {
            1 => "1 file of a folder is no capture and was skipped".to_owned(),
            n => format!("{} files of folders are no captures and were skipped", human::grouped(n)),
        };
        output.talk(&text);
        for file in &info.skipped {
            output.detail(&format!("  {}: {}", file.path.display(), file.why));
        }
    }
    for damage in &info.damage {
        output.complain(&format!("{} {damage}", output.paint_err(Tone::Bad, "error:")));
    }
    if info.damage.is_empty() {
        return ExitStatus::Done;
    }
    complain_hint(output, "everything before the damage was read and is in the output");
    ExitStatus::CheckFailed
}
