//! What made a file of rows, told in a file beside it: `rows.parquet.provenance.json`.
//!
//! It holds no time of day and no name of the machine, so that the same run writes the same bytes. Rows with
//! pseudonyms come without the texts in which identities may be: names of captures and the values of settings.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arrow_schema::Schema;
use rheos_capture::{CaptureInfo, FileInfo};
use rheos_features::labels::LabelUse;
use rheos_features::{Summary, table};
use rheos_sink::Written;
use rheos_wire::text::push_hex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::accounts;
use crate::config::Settings;
use crate::config::keys::Key;
use crate::whole_file;

/// A run that has written rows.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    /// Its settings.
    pub(crate) settings: &'a Settings,
    /// Columns of the rows.
    pub(crate) schema: &'a Schema,
    /// What was read.
    pub(crate) captures: &'a CaptureInfo,
    /// What was counted.
    pub(crate) summary: &'a Summary,
    /// What became of labels.
    pub(crate) labels: Option<&'a LabelUse>,
    /// What was written.
    pub(crate) written: Written,
}

/// The file beside `output`; none for standard output and for what is no regular file.
pub(crate) fn path(output: &Path, settings: &Settings) -> Option<PathBuf> {
    let regular = output != Path::new("-") && (!output.exists() || output.is_file());
    if !regular || !settings.switch(Key::OutputProvenance) {
        return None;
    }
    let mut name = output.file_name()?.to_owned();
    name.push(".provenance.json");
    Some(output.with_file_name(name))
}

/// Tells what made `output`, in the file beside it, if there is to be one.
pub(crate) fn write(output: &Path, run: Run<'_>) -> Result<()> {
    let Some(path) = path(output, run.settings) else { return Ok(()) };
    let mut text = serde_json::to_string_pretty(&told(output, run)?)?;
    text.push('\n');
    whole_file::write(&path, text.as_bytes())
}

fn told(output: &Path, run: Run<'_>) -> Result<Value> {
    let settings = run.settings;
    let open = !settings.switch(Key::PrivacyAnonymize);
    let columns = run.schema.fields().iter();
    let columns: Vec<Value> = columns
        .map(|field| json!({"name": field.name(), "type": field.data_type().to_string()}))
        .collect();
    let captures: Vec<Value> = run.captures.files.iter().map(|file| capture(file, open)).collect();
    let mut all = Map::new();
    let mut tell = |name: &str, value: Value| all.insert(name.to_owned(), value);
    tell("tool", json!({"name": "rheos", "version": env!("CARGO_PKG_VERSION")}));
    tell("schema_version", json!(table::SCHEMA_VERSION));
    tell("config_hash", json!(settings.rows_hash()));
    if open {
        tell("config", config(settings));
    }
    tell("seed", json!(settings.number(Key::FlowSeed)));
    tell("captures", json!(captures));
    let labels = settings.text(Key::LabelsFile);
    if !labels.is_empty() {
        let mut file = Map::new();
        if open {
            file.insert("name".to_owned(), json!(labels));
        }
        file.insert("sha256".to_owned(), json!(hash_of(Path::new(labels))?));
        tell("labels", Value::Object(file));
    }
    let name = output.file_name().map(|name| name.to_string_lossy());
    tell(
        "output",
        json!({"name": name, "rows": run.written.rows, "bytes": run.written.bytes, "columns": columns}),
    );
    tell("summary", accounts::of_run(run.summary, run.labels));
    Ok(Value::Object(all))
}

/// The settings that can change a row, by name. Of secrets only whether they are set.
fn config(settings: &Settings) -> Value {
    let rows = settings.iter().filter(|(info, _)| info.changes_rows);
    let rows = rows.map(|(info, setting)| (info.dotted(), json!(setting.value.to_string())));
    Value::Object(rows.collect())
}

fn capture(file: &FileInfo, open: bool) -> Value {
    let compression: Vec<String> = file.compression.iter().map(ToString::to_string).collect();
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    if open {
        tell("name", json!(file.path.display().to_string()));
    }
    tell("size", json!(file.size));
    // Null: it was not read to its end, because of damage or of `--count`.
    tell("sha256", json!(file.sha256.map(|hash| hex(&hash))));
    tell("format", json!(file.format.to_string()));
    tell("compression", json!(compression));
    tell("frames", json!(file.frames));
    Value::Object(told)
}

/// SHA-256 of a small file; none of standard input, which was read already.
fn hash_of(path: &Path) -> Result<Option<String>> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let cannot = || format!("cannot read `{}`", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block).with_context(cannot)? {
            0 => return Ok(Some(hex(&hash.finalize()))),
            n => hash.update(block.get(..n).unwrap_or_default()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_beside_regular_outputs_only() {
        let settings = Settings::defaults();
        let beside = |output: &str| path(Path::new(output), &settings);
        assert_eq!(beside("a/rows.csv"), Some(PathBuf::from("a/rows.csv.provenance.json")));
        assert_eq!(beside("-"), None);
        assert_eq!(beside("/dev/null"), None);
        let off = [(Key::OutputProvenance, "false".to_owned())];
        let settings = Settings::load(None, [], &off).expect("settings");
        assert_eq!(path(Path::new("rows.csv"), &settings), None);
    }
}
