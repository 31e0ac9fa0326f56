//! The columns of other tools, computed by hand.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use proptest::prelude::*;
use rheos_features::{ExtractConfig, FeatureConfig, RowShape, VIEWS};
use rheos_flow::FlowConfig;

use super::activity_flows::{bulks, periods};
use super::directions_flows::both_sides;
use super::frames::{FrameCase, Timed, batches, extract, udp_frame};
use super::laws::wild_packets;
use super::rows::{NULL, Value, n, rows_with, t, value};

/// The one row of a view.
fn row_of(view: &str, frames: &[Timed]) -> impl Fn(&str) -> Value + use<> {
    let none: &[&str] = &[];
    let shape = RowShape::combined(view, none, none, none).unwrap();
    let features =
        FeatureConfig { selection: shape.selection().clone(), ..FeatureConfig::default() };
    let config = ExtractConfig { features, threads: 1, ..ExtractConfig::default() };
    let (mut out, _) = extract(&config, &batches(frames, 7));
    assert_eq!(out.len(), 1);
    let rows = shape.rows(out.remove(0));
    assert_eq!(rows.num_rows(), 1, "one flow");
    assert_eq!(rows.schema(), shape.schema());
    move |name| {
        let (_, columns) = shape.view().unwrap();
        let column = columns.iter().find(|column| column.name == name);
        let column = column.unwrap_or_else(|| panic!("no column {name}"));
        value(rows.column_by_name(name).unwrap(), 0, column.kind())
    }
}

fn check(view: &str, case: &FrameCase, want: &[(&str, Value)]) {
    let row = row_of(view, &case.frames);
    for (name, want) in want {
        let got = row(name);
        assert!(got.agrees(want), "{}: {name} is {got}, not {want}", case.name);
    }
}

/// Frames 66 66 154 254 60 54 54 at 0 10 30 70 80 130 170 ms, the second, fourth and last from the responder.
#[test]
fn nfstream_by_hand() {
    let std = |squares: f64, sum: f64, n: f64| ((squares - sum * sum / n) / (n - 1.0)).sqrt();
    let start = 1_700_000_000_000.0;
    let mut want = vec![
        ("src_ip", t("10.0.0.1")),
        ("src_mac", t("02:00:00:00:00:01")),
        // a local address
        ("src_oui", NULL),
        ("src_port", n(40_000.0)),
        ("dst_port", n(80.0)),
        ("protocol", n(6.0)),
        ("ip_version", n(4.0)),
        ("vlan_id", NULL),
        ("bidirectional_first_seen_ms", n(start)),
        ("bidirectional_last_seen_ms", n(start + 170.0)),
        ("bidirectional_duration_ms", n(170.0)),
        ("bidirectional_packets", n(7.0)),
        ("bidirectional_bytes", n(708.0)),
        ("src2dst_last_seen_ms", n(start + 130.0)),
        ("src2dst_duration_ms", n(130.0)),
        ("src2dst_bytes", n(334.0)),
        ("dst2src_first_seen_ms", n(start + 10.0)),
        ("dst2src_duration_ms", n(160.0)),
        ("dst2src_packets", n(3.0)),
        ("dst2src_bytes", n(374.0)),
        ("bidirectional_min_ps", n(54.0)),
        ("bidirectional_mean_ps", n(708.0 / 7.0)),
        ("bidirectional_stddev_ps", n(std(106_376.0, 708.0, 7.0))),
        ("bidirectional_max_ps", n(254.0)),
        // (34588 - 334^2 / 4) / 3
        ("src2dst_stddev_ps", n(2233.0_f64.sqrt())),
        ("dst2src_stddev_ps", n(std(71_788.0, 374.0, 3.0))),
    ];
    // Gaps 10 20 40 10 50 40; 30 50 50; 60 100.
    want.extend([
        ("bidirectional_min_piat_ms", n(10.0)),
        ("bidirectional_mean_piat_ms", n(170.0 / 6.0)),
        ("bidirectional_stddev_piat_ms", n(std(6300.0, 170.0, 6.0))),
        ("bidirectional_max_piat_ms", n(50.0)),
        ("src2dst_mean_piat_ms", n(130.0 / 3.0)),
        ("src2dst_stddev_piat_ms", n(std(5900.0, 130.0, 3.0))),
        ("dst2src_min_piat_ms", n(60.0)),
        ("dst2src_stddev_piat_ms", n(800.0_f64.sqrt())),
        ("bidirectional_syn_packets", n(2.0)),
        ("bidirectional_cwr_packets", n(2.0)),
        ("bidirectional_ece_packets", n(2.0)),
        ("bidirectional_urg_packets", n(1.0)),
        ("bidirectional_ack_packets", n(5.0)),
        ("bidirectional_psh_packets", n(2.0)),
        ("bidirectional_rst_packets", n(1.0)),
        ("bidirectional_fin_packets", n(1.0)),
        ("src2dst_ack_packets", n(3.0)),
        ("dst2src_rst_packets", n(1.0)),
        ("application_name", t("unknown")),
        ("requested_server_name", NULL),
        ("client_fingerprint", NULL),
    ]);
    check("nfstream", &both_sides(), &want);
}

/// Payload 0 100 0 0 from the initiator, 0 200 0 from the responder.
#[test]
fn cicflowmeter_by_hand() {
    let variance = (50_000.0 - 90_000.0 / 7.0) / 6.0_f64;
    let want = [
        ("Src IP", t("10.0.0.1")),
        ("Timestamp", n(0.0)),
        ("Flow Duration", n(170_000.0)),
        ("Total Fwd Packet", n(4.0)),
        ("Total Bwd packets", n(3.0)),
        ("Total Length of Fwd Packet", n(100.0)),
        ("Total Length of Bwd Packet", n(200.0)),
        ("Fwd Packet Length Max", n(100.0)),
        ("Fwd Packet Length Min", n(0.0)),
        ("Fwd Packet Length Mean", n(25.0)),
        // (10000 - 100^2 / 4) / 3
        ("Fwd Packet Length Std", n(50.0)),
        ("Bwd Packet Length Std", n((40_000.0_f64 / 3.0).sqrt())),
        ("Flow Bytes/s", n(300.0 / 0.17)),
        ("Flow Packets/s", n(7.0 / 0.17)),
        ("Flow IAT Mean", n(170_000.0 / 6.0)),
        // (6300 - 170^2 / 6) / 5 ms^2
        ("Flow IAT Std", n(((6300.0 - 28_900.0 / 6.0) / 5.0_f64).sqrt() * 1e3)),
        ("Flow IAT Max", n(50_000.0)),
        ("Flow IAT Min", n(10_000.0)),
        ("Fwd IAT Total", n(130_000.0)),
        ("Bwd IAT Mean", n(80_000.0)),
        ("Fwd PSH Flags", n(1.0)),
        ("Bwd PSH Flags", n(1.0)),
        ("Fwd URG Flags", n(1.0)),
        ("Bwd URG Flags", n(0.0)),
        ("Fwd Header Length", n(92.0)),
        ("Bwd Header Length", n(72.0)),
        ("Fwd Packets/s", n(4.0 / 0.17)),
        ("Packet Length Min", n(0.0)),
        ("Packet Length Max", n(200.0)),
        ("Packet Length Mean", n(300.0 / 7.0)),
        ("Packet Length Std", n(variance.sqrt())),
        ("Packet Length Variance", n(variance)),
        ("FIN Flag Count", n(1.0)),
        ("SYN Flag Count", n(2.0)),
        ("RST Flag Count", n(1.0)),
        ("PSH Flag Count", n(2.0)),
        ("ACK Flag Count", n(5.0)),
        ("URG Flag Count", n(1.0)),
        ("CWR Flag Count", n(2.0)),
        ("ECE Flag Count", n(2.0)),
        ("Down/Up Ratio", n(0.75)),
        ("Average Packet Size", n(300.0 / 7.0)),
        ("Fwd Segment Size Avg", n(25.0)),
        ("Fwd Bytes/Bulk Avg", NULL),
        ("Subflow Fwd Packets", n(4.0)),
        ("Subflow Bwd Bytes", n(200.0)),
        ("FWD Init Win Bytes", n(4096.0)),
        ("Bwd Init Win Bytes", n(4096.0)),
        ("Fwd Act Data Pkts", n(1.0)),
        ("Fwd Seg Size Min", n(20.0)),
        ("Active Mean", n(170_000.0)),
        ("Active Std", NULL),
        ("Idle Mean", NULL),
    ];
    check("cicflowmeter", &both_sides(), &want);
}

#[test]
fn cicflowmeter_active_idle_and_subflows_are_durations() {
    // Periods of 5.4, 1.5 and 0 s, gaps of 5.001 and 9 s; six packets in five subflows.
    let want = [
        ("Active Mean", n(2.3e6)),
        // (31.41 - 6.9^2 / 3) / 2
        ("Active Std", n(7.77_f64.sqrt() * 1e6)),
        ("Active Max", n(5.4e6)),
        ("Active Min", n(0.0)),
        ("Idle Mean", n(7.0005e6)),
        ("Idle Std", n(1.9995 * 2_f64.sqrt() * 1e6)),
        ("Idle Max", n(9e6)),
        ("Idle Min", n(5.001e6)),
        ("Subflow Fwd Packets", n(1.2)),
        ("Subflow Fwd Bytes", n(12.0)),
    ];
    check("cicflowmeter", &periods(), &want);
}

#[test]
fn cicflowmeter_bulks_are_found_in_both_directions() {
    let want = [
        ("Fwd Bytes/Bulk Avg", n(100.0)),
        ("Fwd Packet/Bulk Avg", n(4.0)),
        ("Fwd Bulk Rate Avg", n(2000.0)),
        ("Bwd Bytes/Bulk Avg", n(15.0)),
        ("Bwd Packet/Bulk Avg", n(5.0)),
        ("Bwd Bulk Rate Avg", n(15.0 / 1.3)),
        ("Down/Up Ratio", n(5.0 / 7.0)),
    ];
    check("cicflowmeter", &bulks(), &want);
}

/// One packet of 10 bytes: the first packet counts once, and what is not defined is null.
#[test]
fn cicflowmeter_first_packet_counts_once() {
    let frames = vec![(0, udp_frame(1, 2, (1000, 53), &[0; 10]))];
    let want = [
        ("Packet Length Mean", n(10.0)),
        ("Average Packet Size", n(10.0)),
        ("Packet Length Std", NULL),
        ("Flow Bytes/s", NULL),
        ("Flow IAT Mean", NULL),
        ("Bwd Packet Length Max", NULL),
        ("SYN Flag Count", NULL),
        ("Fwd Act Data Pkts", n(1.0)),
    ];
    check("cicflowmeter", &FrameCase { name: "one packet", frames, want: Vec::new() }, &want);
}

#[test]
fn every_view_gives_its_columns_for_any_flow() {
    for view in VIEWS {
        for case in [both_sides(), periods(), bulks()] {
            let row = row_of(view.name, &case.frames);
            for column in view.columns {
                let finite = match row(column.name) {
                    Value::Number(number) => number.is_finite(),
                    _ => true,
                };
                assert!(finite, "{} of {}", column.name, case.name);
            }
        }
    }
}

fn counts(rows: &RecordBatch, name: &str) -> Vec<u64> {
    rows.column_by_name(name).unwrap().as_primitive::<UInt64Type>().values().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn views_of_any_packets_are_finite_and_add_up(packets in wild_packets()) {
        for view in VIEWS {
            let none: &[&str] = &[];
            let shape = RowShape::combined(view.name, none, none, none).unwrap();
            let selection = shape.selection().clone();
            let features = FeatureConfig { selection, ..FeatureConfig::default() };
            let computed = rows_with(&packets, FlowConfig::default(), features);
            let Some(first) = computed.first() else { continue };
            let rows = shape.rows(first.batch().clone());
            prop_assert_eq!(rows.num_rows(), computed.len());
            for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
                let floats = array.as_primitive_opt::<Float64Type>();
                let finite = floats.is_none_or(|it| it.iter().flatten().all(f64::is_finite));
                prop_assert!(finite, "{}", field.name());
            }
            if view.name != "nfstream" {
                continue;
            }
            for of in ["packets", "bytes"] {
                let [all, there, back] = ["bidirectional", "src2dst", "dst2src"]
                    .map(|side| counts(&rows, &format!("{side}_{of}")));
                let sums: Vec<u64> = there.iter().zip(&back).map(|(a, b)| a + b).collect();
                prop_assert_eq!(all, sums);
            }
        }
    }
}
