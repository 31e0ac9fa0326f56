//! The same flows in every format, compressed and damaged.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use rheos_core::filter::FlowFilter;
use rheos_core::{RecordFlags, WideRecord};
use rheos_query::filter::BlockFilter;
use rheos_query::read::{ReadStats, Request, Watched, scan};
use rheos_query::{Error, FlowBlock, FlowColumn, FlowColumns, schema_of};

const ROWS: usize = 3_000;

fn records(with_ipv6: bool) -> Vec<WideRecord> {
    (0..ROWS as u64)
        .map(|n| {
            let is_ipv6 = with_ipv6 && n % 7 == 0;
            let address = |low: u64| {
                if is_ipv6 {
                    (0x2001_0db8_u128 << 96 | u128::from(low)).to_be_bytes()
                } else {
                    WideRecord::mapped(0x0a00_0000 | low as u32)
                }
            };
            WideRecord {
                first: 1_704_067_200_000_000_000 + n * 1_000_003,
                last: 1_704_067_200_000_000_000 + n * 2_000_003,
                bytes: n * n,
                packets: n + 1,
                source_ip: address(n % 100),
                destination_ip: address(n % 31),
                source_port: 1024 + n as u16,
                destination_port: [443, 80, 53][n as usize % 3],
                protocol: [6, 6, 17][n as usize % 3],
                flags: if is_ipv6 { RecordFlags::IPV6 } else { 0 },
                stream_id: 1,
                flow_id: n,
                ..WideRecord::default()
            }
        })
        .collect()
}

fn columns() -> FlowColumns {
    FlowColumn::all().take(FlowColumn::CANONICAL).collect()
}

fn batch(with_ipv6: bool) -> arrow_array::RecordBatch {
    FlowBlock::from_wide(&records(with_ipv6)).to_batch(&schema_of(columns(), with_ipv6))
}

fn parquet_file(path: &Path, with_ipv6: bool) {
    let batch = batch(with_ipv6);
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1000)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn ipc_file(path: &Path, with_ipv6: bool, compression: Option<CompressionType>) {
    let batch = batch(with_ipv6);
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
    writer.write(&batch.slice(0, 1234)).unwrap();
    writer.write(&batch.slice(1234, ROWS - 1234)).unwrap();
    writer.finish().unwrap();
}

fn ipc_stream(path: &Path, with_ipv6: bool) {
    let batch = batch(with_ipv6);
    let mut writer = StreamWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

fn csv_text(with_ipv6: bool) -> String {
    let names: Vec<&str> = columns().iter().map(FlowColumn::name).collect();
    let mut text = names.join(",") + "\n";
    for r in records(with_ipv6) {
        text += &format!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
            r.stream_id,
            r.first,
            r.last,
            r.source(),
            r.destination(),
            r.source_port,
            r.destination_port,
            r.protocol,
            r.packets,
            r.bytes,
            r.tcp_flags,
            r.tos,
            r.input_interface,
            r.output_interface,
            r.flow_id,
            r.pattern,
            r.label,
            r.end_reason
        );
    }
    text
}

fn json_text(with_ipv6: bool, is_list: bool) -> String {
    let rows: Vec<String> = records(with_ipv6)
        .iter()
        .map(|r| {
            format!(
                r#"{{"first_timestamp":{},"last_timestamp":{},"src_ip":"{}","dst_ip":"{}","src_port":{},"dst_port":{},"protocol":{},"packet_count":{},"byte_count":{},"stream_id":{},"flow_id":{}}}"#,
                r.first, r.last, r.source(), r.destination(), r.source_port, r.destination_port,
                r.protocol, r.packets, r.bytes, r.stream_id, r.flow_id
            )
        })
        .collect();
    if is_list { format!("[\n  {}\n]\n", rows.join(",\n  ")) } else { rows.join("\n") + "\n" }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Flow id, bytes and source of every row that passes.
type Seen = Vec<(u64, u64, u128)>;

fn read(paths: &[PathBuf], filter: &str, threads: usize) -> Result<(Seen, ReadStats), Error> {
    use FlowColumn::{Bytes, FlowId, SrcIp};
    let request = Request {
        filter: BlockFilter::new(&FlowFilter::parse(filter).unwrap()),
        threads,
        ..Request::new(FlowColumns::of(&[FlowId, Bytes, SrcIp]))
    };
    let each = |seen: &mut Seen, block: FlowBlock| {
        seen.extend((0..block.len()).map(|row| {
            let number = |column| block.value(column, row) as u64;
            (number(FlowId), number(Bytes), block.value(SrcIp, row))
        }));
        Ok(())
    };
    let (parts, stats) = scan(paths, &request, &Watched::default(), Seen::new, each)?;
    let mut all = parts.concat();
    all.sort_unstable();
    Ok((all, stats))
}

fn expected(with_ipv6: bool, test: impl Fn(&WideRecord) -> bool) -> Seen {
    let records = records(with_ipv6);
    let kept = records.iter().filter(|r| test(r));
    kept.map(|r| (r.flow_id, r.bytes, u128::from_be_bytes(r.source_ip))).collect()
}

#[test]
fn every_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for with_ipv6 in [false, true] {
        parquet_file(&path("a.parquet"), with_ipv6);
        ipc_file(&path("a.arrow"), with_ipv6, None);
        ipc_stream(&path("a.arrows"), with_ipv6);
        let csv = csv_text(with_ipv6);
        std::fs::write(path("a.csv"), &csv).unwrap();
        std::fs::write(path("a.csv.gz"), gzip(csv.as_bytes())).unwrap();
        std::fs::write(path("a.csv.zst"), zstd::encode_all(csv.as_bytes(), 1).unwrap()).unwrap();
        std::fs::write(path("a.jsonl"), json_text(with_ipv6, false)).unwrap();
        std::fs::write(path("a.json"), json_text(with_ipv6, true)).unwrap();
        let file = std::fs::read(path("a.arrow")).unwrap();
        std::fs::write(path("a.arrow.gz"), gzip(&file)).unwrap();
        for name in [
            "a.parquet",
            "a.arrow",
            "a.arrows",
            "a.csv",
            "a.csv.gz",
            "a.csv.zst",
            "a.jsonl",
            "a.json",
            "a.arrow.gz",
        ] {
            for threads in [1, 3] {
                let (seen, stats) = read(&[path(name)], "", threads).expect(name);
                assert!(seen == expected(with_ipv6, |_| true), "{name}");
                assert_eq!((stats.examined, stats.bad_rows), (ROWS as u64, 0), "{name}");
                let stored = std::fs::metadata(path(name)).unwrap().len();
                if !name.contains("parquet") && !name.ends_with("gz") && !name.ends_with("zst") {
                    assert!(stored.abs_diff(stats.bytes) < 20, "{name} {stored} {}", stats.bytes);
                }
                let (seen, stats) =
                    read(&[path(name)], "dst port 53 and bytes > 1k", threads).expect(name);
                let wanted = |r: &WideRecord| r.destination_port == 53 && r.bytes > 1000;
                assert!(seen == expected(with_ipv6, wanted), "{name}");
                assert_eq!(stats.matched, seen.len() as u64, "{name}");
            }
        }
    }
}

#[test]
fn row_groups_that_cannot_match_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    parquet_file(&path, false);
    let (seen, stats) = read(std::slice::from_ref(&path), "bytes < 100", 1).unwrap();
    assert_eq!(seen, expected(false, |r| r.bytes < 100));
    assert_eq!((stats.examined, stats.skipped), (1000, 2000));
    let (_, stats) = read(&[path], "first >= 2024-01-01T00:00:02Z", 1).unwrap();
    assert_eq!((stats.examined, stats.skipped), (1000, 2000));
}

/// Other columns are read only where rows pass: in the first, a middle and the last batch of two row groups.
#[test]
fn columns_that_are_read_late_belong_to_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let wanted = [0_u64, 1, 40_000, 79_999, 100_000, 159_999];
    let record = |n: u64| WideRecord {
        bytes: u64::from(wanted.contains(&n)),
        flow_id: n,
        source_ip: WideRecord::mapped(n as u32),
        packets: n + 7,
        ..WideRecord::default()
    };
    let rows: Vec<WideRecord> = (0..160_000).map(record).collect();
    let batch = FlowBlock::from_wide(&rows).to_batch(&schema_of(columns(), false));
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(80_000)).build();
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let seen = |filter: &str| read(std::slice::from_ref(&path), filter, 2).unwrap();
    let (few, stats) = seen("bytes 1");
    let expected: Seen = wanted.iter().map(|&n| (n, 1, 0xffff << 32 | u128::from(n))).collect();
    assert_eq!((few, stats.examined, stats.matched), (expected, 160_000, 6));
    let (most, _) = seen("bytes 0");
    assert_eq!(most.len(), 160_000 - 6);
    assert!(most.iter().all(|&(n, bytes, ip)| bytes == 0 && ip as u32 == n as u32));
    assert_eq!(seen("bytes 2").0, []);
}

#[test]
fn the_older_schemas_have_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(
        &path,
        "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\n7,1.2.3.4,5.6.7.8,1,2,6,99\n",
    )
    .unwrap();
    let request =
        Request::new(FlowColumns::of(&[FlowColumn::Packets, FlowColumn::Last, FlowColumn::Bytes]));
    let each = |seen: &mut Vec<u128>, block: FlowBlock| {
        seen.extend(
            [FlowColumn::Packets, FlowColumn::Last, FlowColumn::Bytes].map(|c| block.value(c, 0)),
        );
        Ok(())
    };
    let (seen, _) =
        scan(std::slice::from_ref(&path), &request, &Watched::default(), Vec::new, each).unwrap();
    assert_eq!(seen, [vec![1, 7, 99]]);
    let error = read(&[path], "tos 1", 1).unwrap_err();
    assert!(error.to_string().ends_with("has no column `tos`, `flow_id`"), "{error}");
    assert!(error.hint().unwrap().contains("`src_ip`"));
}

#[test]
fn mistakes_name_the_file_and_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let message = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = read(std::slice::from_ref(&path), "", 1).expect_err("a mistake");
        error.to_string().replace(&folder.path().display().to_string(), "")
    };
    assert_eq!(message(b""), "`/a.csv` is no file of flows: it is empty");
    assert_eq!(
        message(b"1,2\n"),
        "`/a.csv` is no file of flows: its first line names no column of flows: `1,2`"
    );
    assert!(message(b"PAR1nothing").starts_with("`/a.csv` is damaged at its end: "));
    assert!(
        read(&[folder.path().join("none")], "", 1)
            .unwrap_err()
            .to_string()
            .starts_with("cannot read")
    );

    std::fs::write(&path, "flow_id,bytes,src_ip\n1,2,1.2.3.4\nx,2,1.2.3.4\n").unwrap();
    let (seen, stats) = read(std::slice::from_ref(&path), "", 1).unwrap();
    assert_eq!((seen.len(), stats.bad_rows), (1, 1));
    assert!(stats.first_bad.unwrap().ends_with("byte 34: `x` in `flow_id`"));
    let strict = Request { strict: true, ..Request::new(FlowColumns::of(&[FlowColumn::FlowId])) };
    let error = scan(&[path], &strict, &Watched::default(), || (), |(), _| Ok(())).unwrap_err();
    assert!(error.to_string().ends_with("is damaged at byte 34: `x` in `flow_id`"), "{error}");
}

#[test]
fn folders_are_read_and_what_else_lies_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("day")).unwrap();
    std::fs::write(path("notes.txt"), "what these are\n").unwrap();
    let folder_of = |path: &Path| read(&[path.to_owned()], "", 2);
    let error = folder_of(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no file of it is, such as: `"), "{error}");
    parquet_file(&path("day/1.parquet"), false);
    ipc_file(&path("2.arrow"), false, None);
    std::fs::write(path("day/empty.csv"), "").unwrap();
    let (seen, stats) = folder_of(folder.path()).unwrap();
    assert_eq!((seen.len(), stats.files, stats.files_left_out), (2 * ROWS, 2, 2));
    let first = stats.first_left_out.unwrap();
    assert!(first.contains("empty.csv` is no file of flows: it is empty"), "{first}");
    let (_, stats) = folder_of(&path("*.arrow")).unwrap();
    assert_eq!((stats.files, stats.files_left_out), (1, 0));
    // Damage is not overlooked, and named files are what they are taken for.
    assert!(folder_of(&path("notes.txt")).is_err());
    std::fs::write(path("3.parquet"), "PAR1 and no more").unwrap();
    assert!(folder_of(folder.path()).is_err());
}

#[test]
fn compressed_batches_that_claim_too_much_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    ipc_file(&path, true, Some(CompressionType::ZSTD));
    let (seen, _) = read(std::slice::from_ref(&path), "", 1).unwrap();
    assert!(seen == expected(true, |_| true));
    let bytes = std::fs::read(&path).unwrap();
    // Every compressed buffer begins with its plain length, then with the magic of zstd.
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    let places: Vec<usize> =
        (8..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == magic).collect();
    assert!(places.len() > 20, "{}", places.len());
    for claim in [1_u64 << 40, u64::MAX >> 1] {
        let mut damaged = bytes.clone();
        damaged[places[1] - 8..places[1]].copy_from_slice(&claim.to_le_bytes());
        std::fs::write(&path, &damaged).unwrap();
        let error = read(std::slice::from_ref(&path), "", 1).unwrap_err().to_string();
        assert!(error.contains("20480 compressed bytes claim to be "), "{error}");
    }
}

#[test]
fn the_end_of_an_arrow_file_is_known_without_its_mark() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    ipc_file(&path, false, None);
    let bytes = std::fs::read(&path).unwrap();
    let mark = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let at = bytes.windows(8).rposition(|window| window == mark).unwrap();
    std::fs::write(&path, [&bytes[..at], &bytes[at + 8..]].concat()).unwrap();
    let (seen, _) = read(std::slice::from_ref(&path), "", 1).unwrap();
    assert!(seen == expected(false, |_| true));
    // What is neither a message nor the footer is damage, not the end.
    let message = bytes.windows(4).rposition(|window| window == [0xff; 4]).unwrap();
    let mut damaged = bytes[..message].to_vec();
    damaged.extend([7; 100]);
    std::fs::write(&path, damaged).unwrap();
    let error = read(&[path], "", 1).unwrap_err().to_string();
    assert!(error.ends_with("where a message should begin, there is none"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Files with bytes overwritten or cut off are errors or rows, never a panic of the caller.
    #[test]
    fn damaged_files_are_told(
        format in 0..6_usize,
        cut in 0..100_u32,
        hits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        match format {
            0 => ipc_stream(&path, true),
            3 => ipc_file(&path, true, Some(CompressionType::ZSTD)),
            4 | 5 => parquet_file(&path, format == 4),
            1 => std::fs::write(&path, csv_text(true)).unwrap(),
            _ => std::fs::write(&path, json_text(true, true)).unwrap(),
        }
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in hits {
            // What a Parquet file says of itself stands at its end.
            let from = if format == 5 { bytes.len() * 2 / 3 } else { 0 };
            let at = from + at.index(bytes.len() - from);
            bytes[at] = byte;
        }
        let kept = bytes.len() * (100 - cut as usize) / 100;
        std::fs::write(&path, &bytes[..kept]).unwrap();
        let _ = read(&[path], "bytes > 10", 2);
    }
}
