//! No column without a value computed by hand, and no nullable one without a null.

use std::collections::HashSet;

use rheos_features::table;

use super::rows::{Case, Value};
use super::{other_flows, tcp_flows};

/// Null only by the packets' times being beyond what Arrow can tell, tested on their own.
const NULL_ELSEWHERE: &[&str] = &["start_time", "end_time"];

fn named(cases: &[Case], wanted: impl Fn(&Value) -> bool) -> HashSet<&str> {
    let wants = cases.iter().flat_map(|case| &case.want);
    wants.filter(|(_, value)| wanted(value)).map(|(name, _)| *name).collect()
}

#[test]
fn every_column_has_a_value_and_every_nullable_one_a_null_computed_by_hand() {
    let mut cases = tcp_flows::cases();
    cases.extend(other_flows::cases());
    let with_value = named(&cases, |value| *value != Value::Null);
    let with_null = named(&cases, |value| *value == Value::Null);
    for column in table::columns() {
        assert!(with_value.contains(column.name), "`{}` is never computed by hand", column.name);
        if column.nulls == "never" {
            assert!(!with_null.contains(column.name), "`{}` is never null, it says", column.name);
        } else if !NULL_ELSEWHERE.contains(&column.name) {
            assert!(with_null.contains(column.name), "`{}` is never null by hand", column.name);
        }
    }
}
