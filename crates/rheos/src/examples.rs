//! Example values of the columns: rows of made traffic, the same on every machine.

mod written;

use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use rheos_core::{FrameBatch, Timestamp};
use rheos_features::{
    Column, ConnectionMode, ExtractConfig, FeatureConfig, GROUPS, Selection, pipeline, table,
};
use rheos_gen::{Preset, SynthesisConfig, Synthesizer};
use rheos_sink::{Format, Sink, SinkOptions};
use serde_json::{Map, Value};

/// What makes the traffic, as one would type it.
pub(crate) const COMMAND: &str = "rheos gen packets --preset mixed --conversations 400 --seed 1 \
     --ipv6 30 --vlan 7 --loss 1 --reorder 1 -o made.pcap";
/// Frames that are handed over at once.
const FRAMES: usize = 4096;
/// Items of a list and letters of a text that are shown.
const ITEMS_MAX: usize = 6;
const LETTERS_MAX: usize = 72;

/// What [`COMMAND`] makes.
fn synthesis() -> SynthesisConfig {
    let mut config = Preset::Mixed.config();
    config.seed = 1;
    config.conversations = Some(400);
    config.addresses.ipv6_percent = 30.0;
    config.link.vlan_ids = vec![7];
    config.faults.loss_percent = 1.0;
    config.faults.reorder_percent = 1.0;
    config
}

/// The rows of the made traffic, and of what the standards' examples say, with every column.
pub(crate) struct Examples {
    rows: Vec<Map<String, Value>>,
    /// The row of each group that has most to tell, in the order of the groups.
    chosen: Vec<usize>,
}

/// Bytes that are written into a list that someone else reads.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().map_err(|_| std::io::ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Examples {
    /// Makes the traffic and reads it.
    pub(crate) fn made() -> Result<Self> {
        let mut made = Synthesizer::new(synthesis().plan()?);
        let selection = Selection::all();
        let schema = table::arrow_schema(selection.columns());
        let text = Shared::default();
        let options = SinkOptions::new(Format::JsonLines);
        let mut sink = Sink::to_writer(text.clone(), schema.into(), options)?;
        let connection = ConnectionMode::Exact;
        let features = FeatureConfig { selection, connection, ..FeatureConfig::default() };
        let config = ExtractConfig { features, threads: 1, ..ExtractConfig::default() };
        let mut infos = Vec::new();
        let (mut last, mut index) = (Some(Timestamp::default()), 0);
        let mut next = || -> Option<FrameBatch> {
            let batch = made
                .next_batch(FRAMES, &mut infos)
                .or_else(|| last.take().map(|ts| written::batch(ts, index)))?;
            index += batch.frames.len() as u64;
            last = last.and(batch.frames.last().map(|frame| frame.ts));
            Some(batch)
        };
        pipeline::run::<anyhow::Error>(&config, || Ok(next()), |rows| Ok(sink.write(&rows)?))
            .map_err(crate::extract_plan::run_error)?;
        sink.finish()?;
        let text = std::mem::take(&mut *text.0.lock().expect("the sink has not panicked"));
        let rows = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows = rows.map(|line| Ok(serde_json::from_slice(line)?)).collect::<Result<_>>()?;
        Ok(Self::of(rows))
    }

    fn of(rows: Vec<Map<String, Value>>) -> Self {
        let told = |row: &Map<String, Value>, columns: &[Column]| {
            columns.iter().filter(|c| row.get(c.name).is_some_and(says)).count()
        };
        let best = |columns: &[Column]| {
            // The first of those with most.
            (0..rows.len()).rev().max_by_key(|&row| told(&rows[row], columns)).unwrap_or_default()
        };
        let chosen = GROUPS.iter().map(|group| best(group.columns)).collect();
        Self { rows, chosen }
    }

    /// A value of the column: of its group's row if that has one to tell, else of the first row that has.
    pub(crate) fn value(&self, column: &Column) -> Option<String> {
        let group = GROUPS.iter().position(|g| g.columns.iter().any(|c| c.name == column.name))?;
        let chosen = self.chosen.get(group).and_then(|row| self.rows.get(*row));
        let values = || chosen.into_iter().chain(&self.rows).filter_map(|row| row.get(column.name));
        let value = values().find(|value| says(value));
        value.or_else(|| values().find(|value| !value.is_null())).map(shown)
    }
}

/// Whether a value says more than that there is nothing.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
    }
}

fn shown(value: &Value) -> String {
    match value {
        // Logarithms may differ in the last digits from machine to machine.
        Value::Number(number) if number.is_f64() => {
            let rounded: f64 =
                format!("{:.5e}", number.as_f64().unwrap_or_default()).parse().unwrap_or_default();
            rounded.to_string()
        }
        Value::String(text) if text.chars().count() > LETTERS_MAX => {
            text.chars().take(LETTERS_MAX).chain("...".chars()).collect()
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let mut texts: Vec<String> = items.iter().take(ITEMS_MAX).map(shown).collect();
            if items.len() > ITEMS_MAX {
                texts.push("...".to_owned());
            }
            format!("[{}]", texts.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_come_from_the_row_that_says_most_else_from_the_first_that_says_something() {
        let row = |value: Value| value.as_object().unwrap().clone();
        let examples = Examples::of(vec![
            row(json!({"iat_min": 0.25, "iat_max": null, "idle_count": 0})),
            row(json!({"iat_min": 0.123_456_7, "iat_max": 2.0, "idle_count": 0})),
            row(json!({"iat_mean": 0})),
        ]);
        let value = |name: &str| examples.value(table::find(name).unwrap());
        assert_eq!(value("iat_min").as_deref(), Some("0.123457"));
        assert_eq!(value("iat_max").as_deref(), Some("2"));
        assert_eq!(value("idle_count").as_deref(), Some("0"), "nothing says more");
        assert_eq!(value("iat_mean").as_deref(), Some("0"));
        assert_eq!(value("iat_sum"), None);
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&json!([1, 2, 3, 4, 5, 6, 7])), "[1, 2, 3, 4, 5, 6, ...]");
        assert_eq!(shown(&json!("x".repeat(100))), format!("{}...", "x".repeat(LETTERS_MAX)));
        assert_eq!(shown(&json!(1.5e-9)), "0.0000000015");
        assert_eq!(shown(&json!(18_446_744_073_709_551_615_u64)), "18446744073709551615");
    }

    #[test]
    fn the_command_makes_what_is_read() {
        let words = COMMAND.split_whitespace();
        let given: Vec<&str> = words.collect();
        let after = |flag: &str| given[given.iter().position(|word| *word == flag).unwrap() + 1];
        let config = synthesis();
        assert_eq!(after("--seed"), config.seed.to_string());
        assert_eq!(after("--conversations"), config.conversations.unwrap().to_string());
        assert_eq!(after("--ipv6"), config.addresses.ipv6_percent.to_string());
        assert_eq!(after("--vlan"), config.link.vlan_ids[0].to_string());
        assert_eq!(after("--loss"), config.faults.loss_percent.to_string());
        assert_eq!(after("--reorder"), config.faults.reorder_percent.to_string());
    }
}
