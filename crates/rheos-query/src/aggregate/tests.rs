use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rheos_core::{RecordFlags, WideRecord};

use super::*;

fn record(src: u32, dst_port: u16, bytes: u64, first: u64) -> WideRecord {
    WideRecord {
        source_ip: WideRecord::mapped(0x0a00_0000 | src),
        destination_port: dst_port,
        protocol: 6,
        packets: bytes / 100 + 1,
        bytes,
        first,
        last: first + bytes,
        ..WideRecord::default()
    }
}

fn groups(query: &Query, blocks: &[&[WideRecord]]) -> Groups {
    let mut whole = Grouper::new(query);
    for records in blocks {
        let mut part = Grouper::new(query);
        part.add(&FlowBlock::from_wide(records)).unwrap();
        whole.merge(part).unwrap();
    }
    whole.finish().unwrap()
}

/// Every group as text, in the report's order.
fn told(groups: &Groups, ranking: &Ranking) -> Vec<String> {
    let report = groups.report(ranking);
    report
        .rows
        .iter()
        .map(|&group| {
            let keys = groups.key(group).into_iter().map(|key| key.to_string());
            let values =
                groups.query().values.iter().map(|v| format!("{:?}", groups.value(group, *v)));
            keys.chain(values).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

const BY_KEY: Ranking = Ranking { by: None, ascending: false, limit: Limit::All };

#[test]
fn sums_rates_and_bounds_by_hand() {
    let records =
        [record(1, 443, 1000, 0), record(2, 443, 3000, 1_000_000_000), record(1, 53, 100, 5)];
    let query =
        Query::parse("dstport", "flows,packets,bytes,first,last,duration,bpp,distinct:srcip")
            .unwrap();
    let groups = groups(&query, &[&records]);
    assert_eq!(
        told(&groups, &BY_KEY),
        [
            "53 Count(1) Count(2) Count(100) Time(Timestamp(5)) Time(Timestamp(105)) Count(100) Count(50) Count(1)",
            "443 Count(2) Count(42) Count(4000) Time(Timestamp(0)) Time(Timestamp(1000003000)) Count(1000003000) Count(95) Count(2)",
        ]
    );
    let report = groups.report(&Ranking::top(Value::Bytes, 1));
    assert_eq!((report.rows.len(), report.others), (1, 1));
    assert_eq!(report.percents, [4000.0 * 100.0 / 4100.0]);
    assert_eq!(report.other[2], Cell::Count(100));
    assert_eq!(report.total[..3], [Cell::Count(3), Cell::Count(44), Cell::Count(4100)]);
}

#[test]
fn limits_and_orders() {
    let records: Vec<WideRecord> = (0..10).map(|n| record(n, n as u16 / 2, 100, 0)).collect();
    let query = Query::parse("dstport", "bytes,flows").unwrap();
    let groups = groups(&query, &[&records]);
    let rows = |ascending, limit| {
        let ranking = Ranking { by: Some(Value::Bytes), ascending, limit };
        told(&groups, &ranking).iter().map(|t| t[..1].to_owned()).collect::<String>()
    };
    assert_eq!(rows(false, Limit::All), "01234", "equal values are in order of keys");
    assert_eq!(rows(true, Limit::Count(2)), "01");
    assert_eq!(rows(false, Limit::Threshold(201.0)), "");
    assert_eq!(rows(false, Limit::Percentage(20.0)), "01234");
    assert_eq!(rows(false, Limit::Count(0)), "");
}

#[test]
fn prefixes_times_and_both_versions() {
    let v6 = WideRecord {
        source_ip: [0x20; 16],
        flags: RecordFlags::IPV6,
        ..record(0, 443, 500, 61_000_000_000)
    };
    let narrow = [record(0x101, 443, 100, 0), record(0x1ff, 443, 100, 59_000_000_000)];
    let wide = [v6, record(0x102, 443, 100, 1)];
    let query = Query::parse("srcip/24/16,time/1m", "flows").unwrap();
    // The same, whichever comes first.
    for blocks in [[&narrow[..], &wide[..]], [&wide[..], &narrow[..]]] {
        let groups = groups(&query, &blocks);
        assert_eq!(
            told(&groups, &BY_KEY),
            [
                "10.0.1.0/24 1970-01-01T00:00:00Z Count(3)",
                "2020::/16 1970-01-01T00:01:00Z Count(1)"
            ]
        );
    }
}

#[test]
fn both_directions_are_one_group() {
    let there = WideRecord {
        destination_ip: WideRecord::mapped(0x0a00_0009),
        source_port: 1234,
        ..record(1, 443, 100, 0)
    };
    let back = WideRecord {
        source_ip: there.destination_ip,
        destination_ip: there.source_ip,
        source_port: 443,
        destination_port: 1234,
        ..there
    };
    let query = Query::parse("biflow", "flows,bytes").unwrap();
    let groups = groups(&query, &[&[there, back]]);
    assert_eq!(told(&groups, &BY_KEY), ["10.0.0.1 10.0.0.9 1234 443 6 Count(2) Count(200)"]);
}

#[test]
fn a_step_of_nothing_is_one_nanosecond() {
    let keys =
        Keys { parts: vec![Key::Time { step: rheos_core::Nanos(0) }], both_directions: false };
    let query = Query { keys, ..Query::parse("", "flows").unwrap() };
    let groups = groups(&query, &[&[record(1, 2, 3, 7)]]);
    assert_eq!(groups.key_numbers(0), [7]);
}

#[test]
fn too_many_groups_are_an_error() {
    let records: Vec<WideRecord> = (0..100).map(|n| record(n, 0, 1, 0)).collect();
    let query = Query { groups_max: 99, ..Query::parse("srcip", "flows").unwrap() };
    let error = Grouper::new(&query).add(&FlowBlock::from_wide(&records)).unwrap_err();
    assert_eq!(error.to_string(), "more than 99 groups");
    assert!(error.hint().unwrap().contains("--groups-max"));
}

/// Whatever was counted where, the sketch is that of all; few values are told exactly.
#[test]
fn distinct_values_are_told_about() {
    let records: Vec<WideRecord> =
        (0..60_000).map(|n| record(n % 20_000, u16::from(n % 100 == 1), 100, 0)).collect();
    let query = Query::parse("dstport", "approx_distinct:srcip,distinct:srcip").unwrap();
    let one = groups(&query, &[&records]);
    let parts: Vec<&[WideRecord]> = records.chunks(7000).collect();
    assert_eq!(told(&one, &BY_KEY), told(&groups(&query, &parts), &BY_KEY));
    let Cell::Count(about) = one.value(0, query.values[0]) else { panic!("a count") };
    assert!(about.abs_diff(19_800) < 19_800 / 20, "{about}");
    assert_eq!(one.value(1, query.values[0]), Cell::Count(200));
    assert_eq!(one.value(1, query.values[1]), Cell::Count(200));
}

/// Enough for some parts to have several chunks.
fn many() -> Vec<WideRecord> {
    let record = |n: u64| WideRecord {
        source_port: (n % 7919) as u16,
        ..record((n * 31 % 40_000) as u32, (n % 3) as u16, n, n)
    };
    (0..120_000).map(record).collect()
}

/// Dealing out is a matter of speed: the groups are the same, however often what waits is grouped in between.
#[test]
fn groups_that_were_dealt_out_are_the_same() {
    let records = many();
    let six = WideRecord {
        source_ip: [0x20; 16],
        flags: RecordFlags::IPV6,
        ..record(0, 443, 500, 61_000_000_000)
    };
    let mixed: Vec<WideRecord> = records[..5000].iter().copied().chain([six]).collect();
    for by in ["srcip,srcport", "5tuple", "srcip,dstport,time/1us"] {
        let query = Query::parse(by, "flows,packets,bytes,first,last").unwrap();
        let plain = Query::parse(by, "flows,packets,bytes").unwrap();
        for query in [query, plain] {
            let groups = |parts_from, threads, cut: usize| {
                let (mut whole, mut part) = (
                    Grouper::with_parts_from(&query, parts_from),
                    Grouper::with_parts_from(&query, parts_from),
                );
                for rows in records[..cut].chunks(10_000) {
                    whole.add(&FlowBlock::from_wide(rows)).unwrap();
                }
                for rows in records[cut..].chunks(10_000).chain([&mixed[..]]) {
                    part.add(&FlowBlock::from_wide(rows)).unwrap();
                }
                whole.merge(part).unwrap();
                let groups = whole.finish_on(threads).unwrap();
                let report = groups.report(&Ranking::top(Value::Bytes, 5));
                let all = told(&groups, &Ranking { limit: Limit::Count(2000), ..BY_KEY });
                (groups.len(), report.other, report.total, report.percents, all)
            };
            let expected = groups(usize::MAX, 1, 60_000);
            assert!(groups(1000, 1, 60_000) == expected, "{by}");
            assert!(groups(1000, 3, 20_000) == expected, "{by}: one side is not dealt out");
        }
    }
}

#[test]
fn too_many_groups_are_an_error_when_dealt_out_too() {
    let query = Query { groups_max: 10_000, ..Query::parse("srcip,srcport", "flows").unwrap() };
    let mut grouper = Grouper::with_parts_from(&query, 100);
    let records = many();
    grouper.add(&FlowBlock::from_wide(&records[..5000])).unwrap();
    grouper.add(&FlowBlock::from_wide(&records)).unwrap();
    assert_eq!(grouper.finish().unwrap_err().to_string(), "more than 10000 groups");
}

proptest! {
    /// However the rows are cut and merged, each group has what a map of lists tells.
    #[test]
    fn groups_agree_with_a_map(
        rows in proptest::collection::vec((0..40_u32, 0..5_u16, 0..5000_u64, 0..100_u64), 1..3000),
        cut in 0..3000_usize,
        by in proptest::sample::select(vec!["srcip", "dstport", "srcip,dstport", "5tuple", "5tuple,first"]),
    ) {
        let records: Vec<WideRecord> = rows.iter().map(|&(a, b, c, d)| record(a, b, c, d)).collect();
        let values = "flows,bytes,min:bytes,max:bytes,mean:bytes,p50:bytes,distinct:srcip,first";
        let query = Query::parse(by, values).unwrap();
        let cut = cut.min(records.len());
        let one = groups(&query, &[&records]);
        let two = groups(&query, &[&records[..cut], &records[cut..]]);
        let ranking = Ranking { by: Some(Value::Bytes), ascending: false, limit: Limit::All };
        let (told, again) = (told(&one, &ranking), told(&two, &ranking));
        prop_assert_eq!(&told, &again);
        let mut map: BTreeMap<String, Vec<&WideRecord>> = BTreeMap::new();
        for r in &records {
            let key = match by {
                "srcip" => r.source().to_string(),
                "dstport" => r.destination_port.to_string(),
                "srcip,dstport" => format!("{} {}", r.source(), r.destination_port),
                "5tuple" => format!("{} 0.0.0.0 0 {} 6", r.source(), r.destination_port),
                _ => format!("{} 0.0.0.0 0 {} 6 {}", r.source(), r.destination_port,
                    KeyValue::Time(rheos_core::Timestamp::from_nanos(r.first))),
            };
            map.entry(key).or_default().push(r);
        }
        prop_assert_eq!(told.len(), map.len());
        for (key, list) in map {
            let mut bytes: Vec<u64> = list.iter().map(|r| r.bytes).collect();
            bytes.sort_unstable();
            let sum: u64 = bytes.iter().sum();
            let median = bytes[(bytes.len() - 1) / 2];
            let sources: BTreeSet<_> = list.iter().map(|r| r.source_ip).collect();
            let first = list.iter().map(|r| r.first).min().unwrap_or(0);
            let line = told.iter().find(|line| line.starts_with(&format!("{key} Count("))).unwrap();
            let expected = format!(
                "{key} Count({}) Count({sum}) Count({}) Count({}) Real({:?}) Count({}) Count({}) Time(Timestamp({first}))",
                list.len(), bytes[0], bytes[bytes.len() - 1], sum as f64 / list.len() as f64,
                values::middle(values::bucket(median)), sources.len(),
            );
            prop_assert_eq!(line, &expected);
        }
    }
}
