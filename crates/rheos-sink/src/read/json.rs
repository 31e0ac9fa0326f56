//! JSON in: an array of objects, or objects one after the other (JSON Lines). Columns come in the order in which their
//! names are first seen; what an object lacks is null.

use std::collections::HashMap;
use std::fmt;

use arrow_array::{ArrayRef, RecordBatch};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Source, types};
use crate::Error;

/// An object with its members in order.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Row, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Row(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

pub(super) fn rows(source: Source<'_>, text: &str) -> Result<RecordBatch, Error> {
    let wrong = |error: serde_json::Error| {
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        source.wrong(Some(error.line()), why)
    };
    let mut table = Table::default();
    if text.trim_start().starts_with('[') {
        let rows: Vec<Row> = serde_json::from_str(text).map_err(wrong)?;
        for row in rows {
            table.add(source, row)?;
        }
    } else {
        for row in serde_json::Deserializer::from_str(text).into_iter::<Row>() {
            table.add(source, row.map_err(wrong)?)?;
        }
    }
    let rows = table.rows;
    let columns = table.names.into_iter().zip(table.columns);
    let columns: Vec<(String, ArrayRef)> = columns
        .map(|(name, mut values)| {
            values.resize(rows, Value::Null);
            (name, types::of_json(&values))
        })
        .collect();
    source.batch(columns, rows)
}

#[derive(Default)]
struct Table {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// Shorter than the number of rows where the last ones lack the value.
    columns: Vec<Vec<Value>>,
    rows: usize,
}

impl Table {
    fn add(&mut self, source: Source<'_>, row: Row) -> Result<(), Error> {
        for (name, value) in row.0 {
            let place = *self.places.entry(name).or_insert_with_key(|name| {
                self.names.push(name.clone());
                self.columns.push(Vec::new());
                self.names.len() - 1
            });
            let Some(column) = self.columns.get_mut(place) else { continue };
            column.resize(self.rows, Value::Null);
            column.push(value);
        }
        self.rows += 1;
        source.check_cells(self.rows as u64, self.names.len())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow_array::Array as _;
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Float64Type, Int64Type};
    use arrow_schema::DataType;

    use super::*;
    use crate::read::ReadLimits;

    fn read(text: &str) -> Result<RecordBatch, String> {
        let source = Source { path: Path::new("x"), limits: ReadLimits::default() };
        rows(source, text).map_err(|error| error.to_string())
    }

    #[test]
    fn members_become_columns_in_order_of_first_sight() {
        let batch = read(
            "{\"z\": 1, \"a\": \"x\"}\n{\"a\": null, \"m\": 0.5, \"l\": [1, 2]}\n\n{\"m\": 2, \"b\": true}",
        )
        .unwrap();
        let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["z", "a", "m", "l", "b"]);
        assert_eq!(batch.num_rows(), 3);
        assert_eq!(batch["z"].as_primitive::<Int64Type>().value(0), 1);
        assert_eq!(batch["z"].null_count(), 2);
        assert!((batch["m"].as_primitive::<Float64Type>().value(2) - 2.0).abs() < 1e-12);
        assert_eq!(batch["l"].as_string::<i32>().value(1), "[1,2]");
        assert_eq!(batch["b"].data_type(), &DataType::Boolean);
        assert_eq!(batch["a"].as_string::<i32>().value(0), "x");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line) in [
            ("{\"a\": 1}\n{\"a\": }\n", "line 2"),
            ("[{\"a\": 1},\n 7]", "line 2"),
            ("{", "line 1"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(line), "{text:?}: {error}");
        }
        assert_eq!(read("[]").unwrap().num_rows(), 0);
    }
}
