//! Groups of flows as tables for people and as rows for programs.

use std::sync::Arc;

use arrow_array::types::TimestampNanosecondType;
use arrow_array::{
    ArrayRef, Float64Array, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
    UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use clap::ValueEnum;
use rheos_core::units::human;
use rheos_core::{Nanos, Timestamp};
use rheos_query::aggregate::{Cell as Told, Groups, Key, KeyValue, Report, Value};
use rheos_query::{FlowColumn, Kind, Rate};
use serde_json::{Map, Value as Json};

use crate::output::Output;
use crate::table::{Align, Cell, ListFormat, Table};

/// Rows that are told at once.
pub(crate) const BATCH_ROWS: usize = 64 * 1024;

fn key_name(groups: &Groups, place: usize) -> String {
    let parts = &groups.query().keys.parts;
    let Some(part) = parts.get(place) else { return String::new() };
    // Two prefixes of one address are two columns.
    let twins = parts.iter().filter(|other| other.name() == part.name()).count();
    if twins > 1 { part.to_string() } else { part.name().to_owned() }
}

/// A value's name as a column: `p95_duration`.
pub(crate) fn value_name(value: Value) -> String {
    value.to_string().replace(':', "_")
}

/// The groups that a report tells, the others as one, and all.
pub(crate) fn table(groups: &Groups, report: &Report, with_rest: bool) -> Table {
    let (keys, values) = (&groups.query().keys.parts, &groups.query().values);
    let has_percents = !report.percents.is_empty();
    let mut columns: Vec<(String, Align)> = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        let is_number = matches!(key, Key::Column(column) if column.kind() != Kind::Address);
        columns.push((key_name(groups, place), if is_number { Align::Right } else { Align::Left }));
    }
    columns.extend(values.iter().map(|value| (value_name(*value), Align::Right)));
    if has_percents {
        columns.extend(["percent", "cumulative"].map(|name| (name.to_owned(), Align::Right)));
    }
    let mut table = Table::with_columns(columns);
    let mut cumulative = 0.0;
    for (row, &group) in report.rows.iter().enumerate() {
        let parts = keys.iter().zip(groups.key(group));
        let mut cells: Vec<Cell> = parts.map(|(key, value)| key_cell(*key, value)).collect();
        cells.extend(values.iter().map(|value| cell(*value, groups.value(group, *value))));
        if let Some(percent) = report.percents.get(row) {
            cumulative += percent;
            cells.extend([percent_cell(*percent), percent_cell(cumulative)]);
        }
        table.row(cells);
    }
    if with_rest && !keys.is_empty() {
        let rest = if has_percents { Some(100.0 - cumulative) } else { None };
        if report.others > 0 {
            let label = format!("other ({})", human::grouped(report.others));
            table.row(summary_row(
                groups,
                &label,
                &report.other,
                rest.map(|r| (r.max(0.0), 100.0)),
            ));
        }
        let whole = has_percents.then_some((100.0, 100.0));
        table.row(summary_row(groups, "total", &report.total, whole));
    }
    table
}

fn summary_row(
    groups: &Groups,
    label: &str,
    told: &[Told],
    percents: Option<(f64, f64)>,
) -> Vec<Cell> {
    let keys = groups.query().keys.parts.len();
    let mut cells = vec![Cell::from(label)];
    cells.extend((1..keys).map(|_| Cell::from(Json::Null)));
    let values = groups.query().values.iter().zip(told);
    cells.extend(values.map(|(value, told)| cell(*value, *told)));
    if let Some((percent, cumulative)) = percents {
        cells.extend([percent_cell(percent), percent_cell(cumulative)]);
    }
    cells
}

fn percent_cell(percent: f64) -> Cell {
    Cell::from((percent * 1e6).round() / 1e6).shown(format!("{percent:.2}"))
}

fn key_cell(key: Key, value: KeyValue) -> Cell {
    let text = value.to_string();
    match value {
        KeyValue::Number(number) => {
            let name = match key {
                Key::Column(FlowColumn::Protocol) => {
                    u8::try_from(number).ok().and_then(rheos_core::filter::protocol_name)
                }
                _ => None,
            };
            let cell = Cell::from(number);
            if let Some(name) = name { cell.shown(name) } else { cell }
        }
        _ => Cell::from(text),
    }
}

fn cell(value: Value, told: Told) -> Cell {
    match told {
        Told::None => Cell::from(Json::Null),
        Told::Time(time) => Cell::from(time.as_nanos()).shown(human::rfc3339(time).to_string()),
        Told::Count(count) => {
            let shown = match value {
                Value::Rate(Rate::Duration) => human::duration(Nanos(count)).to_string(),
                _ if is_duration(value) => human::duration(Nanos(count)).to_string(),
                Value::Rate(Rate::Bps) => human::bit_rate(count as f64).to_string(),
                _ => human::grouped(count).to_string(),
            };
            Cell::from(count).shown(shown)
        }
        Told::Real(real) => {
            let shown = if is_duration(value) {
                human::duration(Nanos(real as u64)).to_string()
            } else {
                format!("{real:.1}")
            };
            Cell::from(real).shown(shown)
        }
    }
}

fn is_duration(value: Value) -> bool {
    use rheos_query::aggregate::Measure;
    matches!(value, Value::Moment(_, Measure::Rate(Rate::Duration)))
}

/// One document: how many groups there are, those that are told, the others as one, and all.
pub(crate) fn json(groups: &Groups, report: &Report) -> Json {
    let keys: Vec<String> = groups.query().keys.parts.iter().map(ToString::to_string).collect();
    let values = |told: &[Told]| {
        let each = groups.query().values.iter().zip(told);
        each.map(|(value, told)| (value_name(*value), plain(*told))).collect::<Map<_, _>>()
    };
    let mut object = Map::new();
    object.insert("by".to_owned(), keys.join(",").into());
    object.insert("groups".to_owned(), (groups.len() as u64).into());
    object.insert("rows".to_owned(), table(groups, report, false).json());
    object.insert("other".to_owned(), Json::Object(values(&report.other)));
    object.insert("total".to_owned(), Json::Object(values(&report.total)));
    Json::Object(object)
}

fn plain(told: Told) -> Json {
    match told {
        Told::Count(count) => count.into(),
        Told::Real(real) => real.into(),
        Told::Time(time) => time.as_nanos().into(),
        Told::None => Json::Null,
    }
}

/// The columns of [`batch`].
pub(crate) fn schema(groups: &Groups, report: &Report) -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut fields = Vec::new();
    for (place, key) in groups.query().keys.parts.iter().enumerate() {
        let data_type = match key {
            Key::Time { .. } | Key::Column(FlowColumn::First | FlowColumn::Last) => time(),
            Key::Column(column) if column.kind() != Kind::Address => DataType::UInt64,
            _ => DataType::Utf8,
        };
        fields.push(Field::new(key_name(groups, place), data_type, false));
    }
    for &value in &groups.query().values {
        let data_type = match value {
            Value::First | Value::Last => time(),
            Value::Moment(
                rheos_query::aggregate::Moment::Mean | rheos_query::aggregate::Moment::Deviation,
                _,
            ) => DataType::Float64,
            _ => DataType::UInt64,
        };
        fields.push(Field::new(value_name(value), data_type, true));
    }
    if !report.percents.is_empty() {
        fields.push(Field::new("percent", DataType::Float64, false));
    }
    Arc::new(Schema::new(fields))
}

/// Some rows of a report as columns.
pub(crate) fn batch(
    groups: &Groups,
    report: &Report,
    schema: &SchemaRef,
    from: usize,
) -> RecordBatch {
    let end = (from + BATCH_ROWS).min(report.rows.len());
    let rows = report.rows.get(from..end).unwrap_or_default();
    let keys: Vec<Vec<KeyValue>> = rows.iter().map(|&group| groups.key(group)).collect();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (place, field) in schema.fields().iter().enumerate() {
        let key = |row: &Vec<KeyValue>| row.get(place).copied();
        let values = groups.query().values.get(place.wrapping_sub(groups.query().keys.parts.len()));
        let told = |&group: &u32| values.map_or(Told::None, |value| groups.value(group, *value));
        arrays.push(match (field.data_type(), values) {
            (DataType::Utf8, _) => Arc::new(StringArray::from_iter_values(
                keys.iter().map(|row| key(row).map_or_else(String::new, |value| value.to_string())),
            )),
            (DataType::Timestamp(..), None) => times(keys.iter().map(|row| match key(row) {
                Some(KeyValue::Time(time)) => Some(time),
                _ => None,
            })),
            (DataType::Timestamp(..), Some(_)) => {
                times(rows.iter().map(|group| match told(group) {
                    Told::Time(time) => Some(time),
                    _ => None,
                }))
            }
            (DataType::Float64, None) => {
                let percents = report.percents.get(from..end).unwrap_or_default();
                Arc::new(Float64Array::from(percents.to_vec()))
            }
            (DataType::Float64, Some(_)) => Arc::new(
                rows.iter()
                    .map(|group| match told(group) {
                        Told::Real(real) => Some(real),
                        _ => None,
                    })
                    .collect::<Float64Array>(),
            ),
            (_, None) => {
                Arc::new(UInt64Array::from_iter_values(keys.iter().map(|row| match key(row) {
                    Some(KeyValue::Number(number)) => number,
                    _ => 0,
                })))
            }
            (_, Some(_)) => Arc::new(
                rows.iter()
                    .map(|group| match told(group) {
                        Told::Count(count) => Some(count),
                        _ => None,
                    })
                    .collect::<UInt64Array>(),
            ),
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .expect("the arrays were made for the schema")
}

fn times(times: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let numbers = times.map(|time| time.and_then(|t| i64::try_from(t.as_nanos()).ok()));
    let array: PrimitiveArray<TimestampNanosecondType> = numbers.collect();
    Arc::new(array.with_timezone("UTC"))
}

/// How a list of figures is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// Aligned columns for reading.
    #[value(alias = "text")]
    Table,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// One JSON list on one line.
    Json,
    /// One JSON list, indented.
    #[value(alias = "pretty")]
    JsonPretty,
    /// A Markdown table.
    Md,
}

impl TableFormat {
    /// The whole table as text.
    pub(crate) fn render(self, table: &Table, header: bool, output: &Output) -> String {
        let text = match self {
            Self::Table => table.render(ListFormat::Table, output),
            Self::Csv => table.render(ListFormat::Csv, output),
            Self::Md => return table.render(ListFormat::Md, output),
            Self::JsonPretty => return table.render(ListFormat::Json, output),
            Self::Json => return table.json().to_string() + "\n",
            Self::Jsonl => {
                let rows = table.json();
                let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
                return rows.iter().map(|row| row.to_string() + "\n").collect();
            }
        };
        if header {
            text
        } else {
            text.split_once('\n').map_or(String::new(), |(_, rows)| rows.to_owned())
        }
    }
}
