use super::*;

fn record(timestamp: u64, packet_length: u32) -> FlowRecord {
    FlowRecord {
        timestamp,
        source_ip: 0xc0a8_0101,
        destination_ip: 0x0a00_00ff,
        source_port: 50_000,
        destination_port: 443,
        packet_length,
        protocol: 6,
        ..FlowRecord::default()
    }
}

fn written(format: TextFormat, records: &[FlowRecord]) -> String {
    let mut text = FlowText::new(format);
    let mut out = Vec::new();
    text.begin(&mut out);
    // In two steps, as batches come.
    let (first, second) = records.split_at(records.len() / 2);
    text.rows(first, &mut out);
    text.rows(second, &mut out);
    text.end(&mut out);
    String::from_utf8(out).expect("text")
}

/// The same by the standard library's formatting.
fn expected_csv(r: &FlowRecord) -> String {
    let FlowRecord { timestamp, source_port, destination_port, protocol, packet_length, .. } = r;
    let (source, destination) = (r.source(), r.destination());
    format!(
        "{timestamp},{source},{destination},{source_port},{destination_port},{protocol},{packet_length}\n"
    )
}

#[test]
fn csv_is_the_older_generators() {
    let records = [record(1_704_067_200_000_000_000, 800), record(u64::MAX, u32::MAX)];
    let expected = "timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length\n\
        1704067200000000000,192.168.1.1,10.0.0.255,50000,443,6,800\n\
        18446744073709551615,192.168.1.1,10.0.0.255,50000,443,6,4294967295\n";
    assert_eq!(written(TextFormat::Csv, &records), expected);
    assert_eq!(written(TextFormat::Csv, &[]), format!("{CSV_HEADER}\n"));
    assert_eq!(written(TextFormat::CsvWithoutHeader, &[]), "");
}

#[test]
fn json_is_laid_out_as_the_older_generators() {
    let object = r#"{"src_ip": "192.168.1.1", "dst_ip": "10.0.0.255", "src_port": 50000, "dst_port": 443, "protocol": 6, "timestamp": 1704067200000000000, "length": 800}"#;
    let records = [record(1_704_067_200_000_000_000, 800); 2];
    assert_eq!(written(TextFormat::JsonLines, &records), format!("{object}\n{object}\n"));
    assert_eq!(written(TextFormat::Json, &records), format!("[{object}, {object}]"));
    let pretty = r#"[
  {
    "src_ip": "192.168.1.1",
    "dst_ip": "10.0.0.255",
    "src_port": 50000,
    "dst_port": 443,
    "protocol": 6,
    "timestamp": 1704067200000000000,
    "length": 800
  },
  {
    "src_ip": "192.168.1.1",
    "dst_ip": "10.0.0.255",
    "src_port": 50000,
    "dst_port": 443,
    "protocol": 6,
    "timestamp": 1704067200000000000,
    "length": 800
  }
]"#;
    assert_eq!(written(TextFormat::JsonPretty, &records), pretty);
    assert_eq!(written(TextFormat::JsonPretty, &[]), "[]");
    assert_eq!(written(TextFormat::Json, &[]), "[]");
}

/// A flag for the last record came too late at times, and the comma behind it stayed.
#[test]
fn defect_16_arrays_have_no_comma_behind_the_last() {
    for format in [TextFormat::Json, TextFormat::JsonPretty] {
        for count in [0, 1, 2, 3, 200] {
            let text = written(format, &vec![record(1, 1); count]);
            let read: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
            assert_eq!(read.len(), count);
        }
    }
}

/// Readers that know 53 bits only round larger numbers.
#[test]
fn defect_17_timestamps_can_be_strings() {
    for format in [TextFormat::JsonLines, TextFormat::Json, TextFormat::JsonPretty] {
        let mut text = FlowText::new(format).with_timestamps(JsonTimestamps::Strings);
        let mut out = Vec::new();
        text.begin(&mut out);
        text.rows(&[record((1 << 53) + 1, 5)], &mut out);
        text.end(&mut out);
        let read: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        let object = read.get(0).unwrap_or(&read);
        assert_eq!(object["timestamp"], "9007199254740993");
        assert_eq!(object["length"], 5);
    }
}

#[test]
fn parts_are_the_rows() {
    let records: Vec<FlowRecord> = (0..5000).map(|n| record(n * 77_777_777, n as u32)).collect();
    for format in [
        TextFormat::CsvWithoutHeader,
        TextFormat::JsonLines,
        TextFormat::Json,
        TextFormat::JsonPretty,
    ] {
        let (mut text, mut parts) = (FlowText::new(format), Vec::new());
        let mut begin = Vec::new();
        text.begin(&mut begin);
        text.parts(&records, |part| {
            parts.push(part.to_vec());
            Ok::<(), Infallible>(())
        })
        .unwrap_or_else(|never| match never {});
        assert!(parts.len() > 1, "{format:?}");
        let mut all = [begin, parts.concat()].concat();
        text.end(&mut all);
        assert!(all == written(format, &records).as_bytes(), "{format:?}");
    }
}

#[test]
fn the_first_error_ends_parts() {
    let mut calls = 0;
    let full = FlowText::new(TextFormat::JsonLines).parts(&vec![record(1, 1); 5000], |_| {
        calls += 1;
        Err("full")
    });
    assert_eq!((full, calls), (Err("full"), 1));
}

#[test]
fn every_number_of_each_table_is_right() {
    let mut records = Vec::new();
    for port in 0..=u16::MAX {
        records.push(FlowRecord {
            timestamp: u64::from(port) * 10_007,
            source_ip: u32::from(port) << 16 | u32::from(!port),
            destination_ip: u32::from(port).wrapping_mul(0x9e37_79b9),
            source_port: port,
            destination_port: !port,
            packet_length: u32::from(port) + 1,
            protocol: port as u8,
            ..FlowRecord::default()
        });
    }
    let expected: String = records.iter().map(expected_csv).collect();
    assert!(written(TextFormat::CsvWithoutHeader, &records) == expected);
}

proptest::proptest! {
    #[test]
    fn any_record_is_written_like_the_standard_library_does(
        numbers in proptest::collection::vec((0..64_u32, proptest::prelude::any::<[u64; 3]>()), 1..200),
    ) {
        let records: Vec<FlowRecord> = numbers
            .iter()
            .map(|&(shift, [a, b, c])| FlowRecord {
                timestamp: a >> shift,
                source_ip: b as u32,
                destination_ip: (b >> 32) as u32,
                source_port: c as u16,
                destination_port: (c >> 16) as u16,
                packet_length: (c >> 32) as u32 >> (shift % 32),
                protocol: a as u8,
                ..FlowRecord::default()
            })
            .collect();
        let expected: String = records.iter().map(expected_csv).collect();
        proptest::prop_assert_eq!(written(TextFormat::CsvWithoutHeader, &records), expected);
        for line in written(TextFormat::JsonLines, &records).lines().zip(&records) {
            let read: serde_json::Value = serde_json::from_str(line.0).expect("JSON");
            proptest::prop_assert_eq!(read["timestamp"].as_u64(), Some(line.1.timestamp));
            proptest::prop_assert_eq!(read["dst_ip"].as_str(), Some(&*line.1.destination().to_string()));
        }
        let pretty = written(TextFormat::JsonPretty, &records);
        let read: Vec<serde_json::Value> = serde_json::from_str(&pretty).expect("JSON");
        proptest::prop_assert_eq!(read.len(), records.len());
    }
}
