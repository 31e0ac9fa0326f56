//! SQL over flow files: the same answers as our own engine gives, and clear refusals.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use rheos_core::WideRecord;
use rheos_query::aggregate::{Grouper, KeyValue, Query};
use rheos_query::filter::BlockFilter;
use rheos_query::read::{ReadStats, Request, Watched, scan};
use rheos_query::sql::{MEMORY_DEFAULT, Source, SqlQuery, TABLE};
use rheos_query::{Error, FlowBlock, FlowColumns};
use tempfile::TempDir;

/// Three protocols, two versions of IP, ports that ICMP has too; the row follows from its number.
fn record(i: u64) -> WideRecord {
    let mixed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let protocol = [6, 17, 1, 6][(mixed % 4) as usize];
    let is_ipv6 = mixed.is_multiple_of(11);
    let address = |last: u64| -> [u8; 16] {
        if is_ipv6 {
            (0x2001_0db8_u128 << 96 | u128::from(last)).to_be_bytes()
        } else {
            WideRecord::mapped(0x0a00_0000 | (last as u32 % 5000))
        }
    };
    WideRecord {
        first: 1_704_067_200_000_000_000 + i * 1_000_000,
        last: 1_704_067_200_000_000_000 + i * 1_000_000 + mixed % 1000,
        source_ip: address(mixed % 300),
        destination_ip: address(mixed % 77),
        source_port: (mixed % 60_000) as u16,
        destination_port: [443, 53, 8 * 256, 22][(mixed % 4) as usize],
        protocol,
        packets: mixed % 100 + 1,
        bytes: mixed % 100_000,
        flags: if is_ipv6 { rheos_core::RecordFlags::IPV6 } else { 0 },
        ..WideRecord::default()
    }
}

/// A CSV file of such records.
fn file(folder: &TempDir, name: &str, rows: std::ops::Range<u64>) -> PathBuf {
    let mut text = String::from(
        "first_timestamp,last_timestamp,src_ip,dst_ip,src_port,dst_port,protocol,packet_count,byte_count\n",
    );
    for record in rows.map(record) {
        let ends = (record.source(), record.destination());
        text += &format!(
            "{},{},{},{},{},{},{},{},{}\n",
            record.first,
            record.last,
            ends.0,
            ends.1,
            record.source_port,
            record.destination_port,
            record.protocol,
            record.packets,
            record.bytes
        );
    }
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

fn query(text: &str, files: &[PathBuf]) -> SqlQuery {
    SqlQuery {
        text: text.to_owned(),
        sources: vec![Source { name: TABLE.to_owned(), files: files.to_vec() }],
        request: Request { threads: 2, ..Request::new(FlowColumns::NONE) },
        memory: MEMORY_DEFAULT,
    }
}

fn run(query: &SqlQuery) -> Result<(Vec<RecordBatch>, ReadStats), Error> {
    let mut batches = Vec::new();
    let stats = query.run(|batch| {
        batches.push(batch.clone());
        Ok::<(), Error>(())
    })?;
    Ok((batches, stats))
}

/// One number.
fn number(text: &str, files: &[PathBuf]) -> u64 {
    let (batches, _) = run(&query(text, files)).unwrap_or_else(|error| panic!("{text}: {error}"));
    count(&batches[0])
}

/// The first value of a batch.
fn count(batch: &RecordBatch) -> u64 {
    let column = batch.column(0);
    match column.data_type() {
        arrow_schema::DataType::UInt64 => column.as_primitive::<UInt64Type>().value(0),
        _ => u64::try_from(column.as_primitive::<Int64Type>().value(0)).expect("a count"),
    }
}

fn refused(text: &str, files: &[PathBuf]) -> Error {
    run(&query(text, files)).map(|(batches, _)| batches).expect_err(text)
}

#[test]
fn groups_are_those_of_our_own_engine() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..30_000), file(&folder, "b.csv", 30_000..50_000)];
    let (batches, stats) = run(&query(
        "SELECT src_ip, count(*), sum(packet_count), sum(byte_count) FROM flows GROUP BY src_ip",
        &files,
    ))
    .expect("rows");
    assert_eq!((stats.files, stats.examined), (2, 50_000));
    let mut theirs: Vec<(String, [u64; 3])> = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let sum = |column: usize| batch.column(column).as_primitive::<UInt64Type>().value(row);
            let count = batch.column(1).as_primitive::<Int64Type>().value(row) as u64;
            let name = batch.column(0).as_string::<i32>().value(row).to_owned();
            theirs.push((name, [count, sum(2), sum(3)]));
        }
    }
    theirs.sort();

    let asked = Query::parse("srcip", "flows,packets,bytes").expect("a query");
    let request = Request::new(asked.columns());
    let each = |grouper: &mut Grouper, block: FlowBlock| grouper.add(&block);
    let watched = Watched::default();
    let (groupers, _) =
        scan(&files, &request, &watched, || Grouper::new(&asked), each).expect("groups");
    let groups = groupers.into_iter().next().expect("one thread").finish().expect("groups");
    let mut ours: Vec<(String, [u64; 3])> = Vec::new();
    for group in 0..groups.len() as u32 {
        let values = asked.values.iter().map(|value| match groups.value(group, *value) {
            rheos_query::aggregate::Cell::Count(count) => count,
            other => panic!("{other:?}"),
        });
        let key: Vec<KeyValue> = groups.key(group);
        let values: Vec<u64> = values.collect();
        ours.push((key[0].to_string(), [values[0], values[1], values[2]]));
    }
    ours.sort();
    assert_eq!(ours, theirs);
}

type Test = fn(&WideRecord) -> bool;

#[test]
fn conditions_hold_whoever_tests_them() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..20_000)];
    let records: Vec<WideRecord> = (0..20_000).map(record).collect();
    let start = "TIMESTAMP '2024-01-01T00:00:05Z'";
    let conditions: [(String, Test); 14] = [
        ("dst_port = 443".into(), |r| r.destination_port == 443),
        ("443 = dst_port".into(), |r| r.destination_port == 443),
        // Of ICMP, too: the column is a number, whatever the protocol.
        ("dst_port = 2048".into(), |r| r.destination_port == 2048),
        ("dst_port <> 53".into(), |r| r.destination_port != 53),
        ("NOT dst_port = 53".into(), |r| r.destination_port != 53),
        ("src_port BETWEEN 100 AND 30000".into(), |r| (100..=30_000).contains(&r.source_port)),
        ("src_port NOT BETWEEN 100 AND 30000".into(), |r| !(100..=30_000).contains(&r.source_port)),
        ("protocol = 6 AND byte_count > 50000".into(), |r| r.protocol == 6 && r.bytes > 50_000),
        ("protocol IN (17, 1) OR packet_count <= 3".into(), |r| {
            [17, 1].contains(&r.protocol) || r.packets <= 3
        }),
        ("protocol NOT IN (17, 1)".into(), |r| ![17, 1].contains(&r.protocol)),
        ("src_ip = '10.0.0.7'".into(), |r| r.source().to_string() == "10.0.0.7"),
        ("src_ip <> '2001:db8::7'".into(), |r| r.source().to_string() != "2001:db8::7"),
        ("in_network(dst_ip, '10.0.0.0/27') OR in_network(dst_ip, '2001:db8::/124')".into(), |r| {
            match r.destination() {
                std::net::IpAddr::V4(v4) => v4.to_bits() >> 5 == 0x0a00_0000 >> 5,
                std::net::IpAddr::V6(v6) => v6.to_bits() >> 4 == 0x2001_0db8_u128 << 92,
            }
        }),
        (format!("first_timestamp >= {start}"), |r| r.first >= 1_704_067_205_000_000_000),
    ];
    for (condition, test) in conditions {
        let expected = records.iter().filter(|record| test(record)).count();
        assert!((1..20_000).contains(&expected), "{condition}: {expected} tell nothing");
        let text = format!("SELECT count(*) FROM flows WHERE {condition}");
        assert_eq!(number(&text, &files), expected as u64, "{condition}");
    }
}

#[test]
fn a_filter_of_ours_comes_before_the_query() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..5000)];
    let mut asked = query("SELECT count(*) FROM flows WHERE dst_port = 443", &files);
    asked.request.filter = BlockFilter::new(&"bytes > 50k".parse().expect("a filter"));
    let (batches, stats) = run(&asked).expect("rows");
    let wanted = |r: &WideRecord| r.destination_port == 443 && r.bytes > 50_000;
    let expected = (0..5000).map(record).filter(wanted).count() as u64;
    assert_eq!(count(&batches[0]), expected);
    assert_eq!(stats.examined, 5000);
    assert!(stats.matched < 5000, "the condition went to the reader: {stats:?}");
}

#[test]
fn tables_are_joined_and_what_a_file_lacks_is_null() {
    let folder = TempDir::new().expect("a folder");
    let simple = folder.path().join("simple.csv");
    let text = "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\n\
        1704067200000000001,10.0.0.7,10.0.0.1,50000,443,6,800\n";
    std::fs::write(&simple, text).expect("a file");
    let both = [file(&folder, "a.csv", 0..1000), simple.clone()];
    assert_eq!(number("SELECT count(*) FROM flows", &both), 1001);
    assert_eq!(number("SELECT count(*) FROM flows WHERE packet_count IS NULL", &both), 1);
    // Not handed to the readers, as one file lacks it: null is not more than 0.
    assert_eq!(number("SELECT count(*) FROM flows WHERE packet_count > 0", &both), 1000);

    // The same as a folder, with something else in it.
    std::fs::write(folder.path().join("notes.txt"), "see the wiki").expect("a file");
    let whole = [folder.path().to_owned()];
    assert_eq!(number("SELECT count(*) FROM flows WHERE packet_count IS NULL", &whole), 1);
    assert_eq!(number("SELECT count(*) FROM flows WHERE packet_count > 0", &whole), 1000);

    let mut asked =
        query("SELECT count(*) FROM flows f JOIN small s ON f.src_ip = s.src_ip", &both[..1]);
    asked.sources.push(Source { name: "small".to_owned(), files: vec![simple] });
    let expected = (0..1000).map(record).filter(|r| r.source().to_string() == "10.0.0.7").count();
    let (batches, stats) = run(&asked).expect("rows");
    assert!(expected > 0);
    assert_eq!(count(&batches[0]), expected as u64);
    assert_eq!(stats.files, 2);
}

#[test]
fn functions_know_networks_protocols_and_services() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..10)];
    let text = "SELECT network('10.1.2.3', 24), network6('2001:db8::1', 24, 64), ip_version('::1'), \
        protocol_name(arrow_cast(6, 'UInt8')), service_name(arrow_cast(443, 'UInt16')), \
        service_name(arrow_cast(4444, 'UInt16')), network('none', 24)";
    let (batches, _) = run(&query(text, &files)).expect("a row");
    let told = |column: usize| batches[0].column(column).as_string::<i32>().value(0);
    assert_eq!(
        [told(0), told(1), told(3), told(4)],
        ["10.1.2.0/24", "2001:db8::/64", "tcp", "https"]
    );
    assert!(batches[0].column(5).is_null(0) && batches[0].column(6).is_null(0));
    let ipv4 = "SELECT count(*) FROM flows WHERE ip_version(src_ip) = 4";
    let expected = (0..10).map(record).filter(|r| !r.is_ipv6()).count();
    assert_eq!(number(ipv4, &files), expected as u64);
    for (call, what) in [
        ("in_network(src_ip, '10.0.0.0/33')", "`10.0.0.0/33` is not one like `10.0.0.0/8`"),
        ("network('10.0.0.1', 33) = ''", "`33` is not from 0 to 32"),
    ] {
        let error = refused(&format!("SELECT count(*) FROM flows WHERE {call}"), &files);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn enough_rows_end_the_reading_and_none_still_have_columns() {
    let folder = TempDir::new().expect("a folder");
    let files: Vec<PathBuf> =
        (0..40).map(|i| file(&folder, &format!("{i:02}.csv"), i * 5000..(i + 1) * 5000)).collect();
    let (batches, stats) = run(&query("SELECT * FROM flows LIMIT 3", &files)).expect("rows");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    assert!(stats.examined < 200_000, "{stats:?}");
    let text = "SELECT src_ip, byte_count FROM flows WHERE byte_count > 1000000000000";
    let (batches, _) = run(&query(text, &files[..1])).expect("no rows");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    assert_eq!(batches[0].schema().field(1).name(), "byte_count");
}

#[test]
fn little_memory_is_made_up_for_by_files() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..200_000)];
    let text = "SELECT src_ip, dst_ip, first_timestamp, byte_count FROM flows ORDER BY byte_count, first_timestamp";
    let mut asked = query(text, &files);
    asked.memory = 12 << 20;
    let (batches, _) = run(&asked).expect("sorted rows");
    let sizes = batches.iter().flat_map(|b| b.column(3).as_primitive::<UInt64Type>().values());
    let sizes: Vec<u64> = sizes.copied().collect();
    assert_eq!(sizes.len(), 200_000);
    assert!(sizes.is_sorted());
    asked.memory = 1 << 10;
    assert!(matches!(run(&asked), Err(Error::OutOfMemory { .. })));
}

#[test]
fn queries_only_read() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..10)];
    let out = folder.path().join("stolen.csv");
    let copy = format!("COPY (SELECT * FROM flows) TO '{}'", out.display());
    let outside = format!(
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{}'",
        folder.path().join("a.csv").display()
    );
    for text in [
        "CREATE TABLE t AS SELECT * FROM flows",
        "INSERT INTO flows SELECT * FROM flows",
        "DROP TABLE flows",
        "SET datafusion.execution.batch_size = 1",
        copy.as_str(),
        outside.as_str(),
    ] {
        assert!(matches!(refused(text, &files), Error::Sql { .. }), "{text}");
    }
    assert!(!out.exists());
}

#[test]
fn mistakes_name_what_is_wrong() {
    let folder = TempDir::new().expect("a folder");
    let files = [file(&folder, "a.csv", 0..10)];
    for (text, what) in [
        ("SELEC 1", "SELEC"),
        ("SELECT 1; SELECT 2", "statement"),
        ("SELECT nothing FROM flows", "nothing"),
        ("SELECT * FROM floes", "floes"),
        ("SELECT sum(src_ip) FROM flows", "sum"),
    ] {
        let error = refused(text, &files);
        assert!(matches!(&error, Error::Sql { .. }), "{text}: {error}");
        assert!(error.to_string().contains(what) && !error.to_string().contains('\n'), "{error}");
        assert!(error.hint().is_some());
    }
    let missing = refused("SELECT 1 FROM flows", &[Path::new("nowhere.parquet").to_owned()]);
    assert!(matches!(missing, Error::Io { .. }), "{missing}");
    // Damage that only shows while the query runs.
    let damaged = folder.path().join("damaged.csv");
    let mut text = std::fs::read_to_string(&files[0]).expect("text");
    text += "1,2,3\n";
    std::fs::write(&damaged, text).expect("a file");
    let mut asked = query("SELECT count(*) FROM flows", &[files[0].clone(), damaged]);
    asked.request.strict = true;
    let error = run(&asked).map(|(_, stats)| stats).expect_err("damage");
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}
