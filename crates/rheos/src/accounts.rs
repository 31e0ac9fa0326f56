//! The accounts of a run as JSON, for programs: what `summary` says for people, and everything it rounds.
//!
//! `frames = packets + absorbed + the sum of drops`, and the rows' packets add up to `packets`.

use std::path::Path;

use anyhow::{Context, Result};
use rheos_core::{DropCounters, Timestamp};
use rheos_features::Summary;
use rheos_features::labels::LabelUse;
use rheos_flow::{EndReason, IngestCounters};
use serde_json::{Map, Value, json};

/// Writes the accounts of a run that made rows.
pub(crate) fn write(summary: &Summary, labels: Option<&LabelUse>, path: &Path) -> Result<()> {
    let mut text = serde_json::to_string_pretty(&of_run(summary, labels))?;
    text.push('\n');
    std::fs::write(path, text)
        .with_context(|| format!("cannot write the summary `{}`", path.display()))
}

pub(crate) fn of_run(summary: &Summary, labels: Option<&LabelUse>) -> Value {
    let nanos = |moment: Option<Timestamp>| moment.map(Timestamp::as_nanos);
    let ended = EndReason::ALL.iter().map(|&why| (why.label(), summary.table.ended_by(why)));
    let mut accounts = of_ingest(&summary.ingest);
    accounts.insert("first_ns".to_owned(), json!(nanos(summary.first)));
    accounts.insert("last_ns".to_owned(), json!(nanos(summary.last)));
    accounts.insert("flows".to_owned(), json!(summary.table.created));
    accounts.insert("flows_live_max".to_owned(), json!(summary.table.live_max));
    accounts.insert("ended".to_owned(), counts(ended));
    accounts.insert("rows".to_owned(), json!(summary.rows));
    if let Some(uses) = labels {
        let counts = json!({
            "rows_labelled": uses.labelled,
            "rows_unlabelled": uses.unlabelled,
            "used": uses.labels_used(),
            "unused": uses.labels_unused(),
        });
        accounts.insert("labels".to_owned(), counts);
    }
    Value::Object(accounts)
}

fn of_ingest(counters: &IngestCounters) -> Map<String, Value> {
    let reasons =
        |drops: &DropCounters| counts(drops.iter().map(|(reason, n)| (reason.label(), n)));
    let links = counters.unsupported_links.by_number.iter();
    let links: Map<String, Value> = links.map(|(link, n)| (link.0.to_string(), json!(n))).collect();
    [
        ("frames", json!(counters.frames)),
        ("captured_bytes", json!(counters.captured_bytes)),
        ("wire_bytes", json!(counters.wire_bytes)),
        ("cut", json!(counters.cut)),
        ("packets", json!(counters.packets)),
        ("absorbed", json!(counters.absorbed)),
        ("drops", reasons(&counters.drops)),
        ("links_not_read", Value::Object(links)),
        ("checksums_wrong", reasons(&counters.checksums_wrong)),
        ("checksums_offloaded", json!(counters.checksums_offloaded)),
        ("subframes_not_read", json!(counters.subframes_unread)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

/// Those of `counts` that are not zero.
fn counts(counts: impl Iterator<Item = (&'static str, u64)>) -> Value {
    let some = counts.filter(|&(_, n)| n > 0).map(|(name, n)| (name.to_owned(), json!(n)));
    Value::Object(some.collect())
}

#[cfg(test)]
mod tests {
    use rheos_core::DropReason;

    use super::*;

    #[test]
    fn the_accounts_add_up_and_name_what_occurred() {
        let mut summary = Summary::default();
        summary.ingest.frames = 5;
        summary.ingest.packets = 2;
        summary.ingest.absorbed = 1;
        summary.ingest.drops.add_many(DropReason::Arp, 2);
        summary.table.created = 1;
        summary.rows = 1;
        let accounts = of_run(&summary, None);
        assert_eq!(accounts["drops"], json!({"arp": 2}));
        assert_eq!(accounts["checksums_wrong"], json!({}));
        assert_eq!((&accounts["flows"], &accounts["first_ns"]), (&json!(1), &Value::Null));
        assert_eq!((&accounts["frames"], &accounts["absorbed"]), (&json!(5), &json!(1)));
    }
}
