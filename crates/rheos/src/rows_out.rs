//! The writing side of a run: rows into a file or standard output, with what made them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use arrow_schema::SchemaRef;
use rheos_sink::{Compression, Format, Sink, SinkOptions, Target};

use crate::config::Settings;
use crate::config::keys::Key;
use crate::failure::Misuse;
use crate::interrupt::Unfinished;
use crate::output::Output;

/// Opens the output: columns as in `schema`, format and compression by the settings.
///
/// The returned guard is to be held while the sink lives.
pub(crate) fn create(
    path: &Path,
    force: bool,
    schema: SchemaRef,
    settings: &Settings,
    metadata: BTreeMap<String, String>,
    output: &Output,
) -> Result<(Sink, Unfinished)> {
    let target = Target::parse(path);
    let (format, by_name) = format_of(path, settings)?;
    if target == Target::Stdout && output.stdout_tty && !format.is_text() {
        let message = format!("{format} is not written to a terminal");
        return Err(Misuse::new(
            message,
            "name a file with `-o`, or pipe the output into another program",
        )
        .into());
    }
    let compression = match settings.text(Key::OutputCompression) {
        "auto" => by_name,
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        "snappy" => Compression::Snappy,
        _ => Compression::None,
    };
    let options = SinkOptions {
        compression,
        force,
        metadata,
        row_group_rows: settings.number(Key::OutputRowGroupRows) as usize,
        ..SinkOptions::new(format)
    };
    let unfinished = Unfinished::new(path);
    Ok((Sink::create(&target, schema, options)?, unfinished))
}

/// The format and the compression that belongs to it by the settings or the file's name.
fn format_of(path: &Path, settings: &Settings) -> Result<(Format, Compression)> {
    let told = settings.text(Key::OutputFormat);
    if told == "auto" {
        return match path {
            stdout if stdout == Path::new("-") => Ok((Format::Csv, Compression::None)),
            // What is no regular file (a pipe, /dev/null) need not tell a format by its name.
            device if device.exists() && !device.is_file() && !device.is_dir() => {
                Ok((Format::Csv, Compression::None))
            }
            file => Ok(Format::from_path(file)?),
        };
    }
    let format: Format = told.parse()?;
    let by_name = Format::from_path(path).ok().filter(|&(named, _)| named == format);
    Ok((format, by_name.map_or(format.default_compression(), |(_, compression)| compression)))
}

/// What made the rows: for the metadata of Parquet and Arrow files. Rows with pseudonyms come without the texts in
/// which identities may be: names of inputs, and a filter among the settings.
pub(crate) fn provenance<'a>(
    settings: &Settings,
    inputs: impl Iterator<Item = &'a PathBuf>,
) -> BTreeMap<String, String> {
    let inputs: Vec<String> = inputs.map(|path| path.display().to_string()).collect();
    let mut told = vec![
        ("rheos.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("rheos.config_hash", settings.rows_hash()),
        ("rheos.seed", settings.number(Key::FlowSeed).to_string()),
    ];
    if !settings.switch(Key::PrivacyAnonymize) {
        told.push(("rheos.config", settings.rows_text()));
        told.push(("rheos.inputs", inputs.join("\n")));
    }
    told.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(path: &str, told: &str) -> Result<(Format, Compression)> {
        let flags = [(Key::OutputFormat, told.to_owned())];
        format_of(Path::new(path), &Settings::load(None, [], &flags).expect("settings"))
    }

    #[test]
    fn formats_are_told_by_flag_then_by_name() {
        let is = |path, told| format(path, told).expect("a format");
        assert_eq!(is("-", "auto"), (Format::Csv, Compression::None));
        assert_eq!(is("-", "jsonl"), (Format::JsonLines, Compression::None));
        assert_eq!(is("a.csv.gz", "auto"), (Format::Csv, Compression::Gzip));
        assert_eq!(is("a.csv.gz", "csv"), (Format::Csv, Compression::Gzip));
        assert_eq!(is("a.csv.gz", "parquet"), (Format::Parquet, Compression::Zstd));
        assert_eq!(is("/dev/null", "auto"), (Format::Csv, Compression::None));
        assert!(format("rows", "auto").is_err());
    }
}
