//! What other flows tell of a flow's hosts: rows by hand, and the laws of rows that know only what came before.

use std::collections::HashSet;

use proptest::prelude::*;
use rheos_core::FrameBatch;
use rheos_features::pipeline::{self, RunError};
use rheos_features::{ConnectionMode, Error, ExtractConfig, FeatureConfig, Selection, table};
use rheos_flow::HostLimits;

use super::frames::{Timed, batches, config, ethernet, extract, ipv4, rows, rows_with, udp_frame};
use super::rows::{NULL, Row, Value, b, check, n};

/// Flows with what the columns of some of their rows must be.
struct FlowsCase {
    name: &'static str,
    hosts: HostLimits,
    mode: ConnectionMode,
    frames: Vec<Timed>,
    /// By number of the row.
    want: Wants,
}

/// What is expected of rows, by their numbers.
type Wants = Vec<(usize, Vec<(&'static str, Value)>)>;

impl FlowsCase {
    fn check(&self) {
        let config = config(1);
        let features =
            FeatureConfig { hosts: self.hosts, connection: self.mode, ..config.features.clone() };
        let rows = rows_with(&ExtractConfig { features, ..config }, &self.frames);
        for (row, want) in &self.want {
            check(&format!("{}, row {row}", self.name), &rows[*row], want);
        }
    }
}

/// All that is expected of any row.
pub(crate) fn wants() -> Vec<(&'static str, Value)> {
    cases().into_iter().flat_map(|case| case.want).flat_map(|(_, want)| want).collect()
}

fn cases() -> Vec<FlowsCase> {
    vec![few_hosts(), no_room(), cliques()]
}

/// Three hosts, five flows; their rows come by first packet.
fn few_hosts() -> FlowsCase {
    let frames = vec![
        (0, udp_frame(1, 2, (1000, 53), &[0; 10])),
        (1000, udp_frame(1, 3, (1000, 53), &[0; 20])),
        (2000, udp_frame(1, 2, (1000, 80), &[0; 30])),
        (3000, udp_frame(2, 1, (80, 1000), &[0; 2])),
        (8000, udp_frame(2, 1, (7000, 53), &[])),
        (9000, udp_frame(1, 2, (1001, 53), &[])),
    ];
    let want = few_hosts_want();
    let mode = ConnectionMode::Streaming;
    FlowsCase { name: "few hosts", hosts: HostLimits::default(), mode, frames, want }
}

fn few_hosts_want() -> Wants {
    vec![
        (
            0,
            vec![
                ("conn_src_unique_dsts", n(1.0)),
                ("conn_src_dst_flows", n(1.0)),
                ("conn_src_total_bytes", n(38.0)),
                ("conn_burst_connections", n(1.0)),
                // One packet has no span, one flow no spread.
                ("conn_src_flow_rate", NULL),
                ("conn_temporal_spread", NULL),
                // These need the whole capture.
                ("conn_src_betweenness", NULL),
                ("conn_dst_betweenness", NULL),
                ("conn_src_community", NULL),
                ("conn_dst_community", NULL),
                ("conn_same_community", NULL),
                ("conn_src_clustering", NULL),
                ("conn_dst_clustering", NULL),
            ],
        ),
        (
            // Host 1 to host 2 again, to another port, with an answer.
            2,
            vec![
                ("conn_src_unique_dsts", n(2.0)),
                ("conn_src_out_degree", n(2.0)),
                ("conn_dst_unique_srcs", n(1.0)),
                ("conn_dst_in_degree", n(1.0)),
                ("conn_src_dst_flows", n(2.0)),
                ("conn_src_port_flows", n(1.0)),
                ("conn_src_total_flows", n(3.0)),
                ("conn_dst_total_flows", n(2.0)),
                ("conn_src_total_packets", n(4.0)),
                ("conn_src_total_bytes", n(38.0 + 48.0 + 58.0 + 30.0)),
                ("conn_dst_total_packets", n(3.0)),
                ("conn_dst_total_bytes", n(38.0 + 58.0 + 30.0)),
                ("conn_src_unique_ports", n(2.0)),
                // Three flows in three seconds, started at 0, 1 and 2 s.
                ("conn_src_flow_rate", n(1.0)),
                ("conn_temporal_spread", n((2.0_f64 / 3.0).sqrt())),
                ("conn_burst_connections", n(3.0)),
            ],
        ),
        (
            // Host 2 initiates for the first time: another pair, another role.
            3,
            vec![
                ("conn_src_unique_dsts", n(1.0)),
                ("conn_dst_unique_srcs", n(1.0)),
                ("conn_src_dst_flows", n(1.0)),
                ("conn_src_total_flows", n(1.0)),
                ("conn_src_total_bytes", n(28.0)),
                ("conn_dst_total_flows", n(1.0)),
                ("conn_dst_total_packets", n(1.0)),
                ("conn_dst_total_bytes", n(28.0)),
                // One initiated flow in the eight seconds since its first, which it received.
                ("conn_src_flow_rate", n(0.125)),
                ("conn_burst_connections", n(1.0)),
            ],
        ),
        (
            4,
            vec![
                ("conn_src_unique_dsts", n(2.0)),
                ("conn_src_dst_flows", n(3.0)),
                ("conn_src_port_flows", n(2.0)),
                ("conn_src_total_flows", n(4.0)),
                // The three flows of the first two seconds; those at 8 and 9 s are two more.
                ("conn_burst_connections", n(3.0)),
            ],
        ),
    ]
}

/// Pairs find no room: their flows are not known, totals are. ICMP has no ports.
fn no_room() -> FlowsCase {
    let ping = |to| ethernet(&[], 0x0800, &ipv4(1, to, 1, 0, &[8, 0, 0, 0, 0, 1, 0, 1]));
    let frames = vec![(0, ping(2)), (10, ping(3)), (20, udp_frame(1, 2, (5, 6), &[]))];
    let want = vec![
        (1, vec![("conn_src_port_flows", NULL), ("conn_src_unique_ports", n(0.0))]),
        (
            2,
            vec![
                ("conn_src_dst_flows", NULL),
                ("conn_src_port_flows", NULL),
                ("conn_src_total_flows", n(3.0)),
                // Estimates, of so few exact.
                ("conn_src_unique_dsts", n(2.0)),
                ("conn_src_unique_ports", n(1.0)),
            ],
        ),
    ];
    let hosts = HostLimits { hosts_max: 10, pairs_max: 0 };
    FlowsCase { name: "no room", hosts, mode: ConnectionMode::Streaming, frames, want }
}

/// Everybody in 1 to 3 spoke to those with a higher number, and so did everybody in 4 to 7; and 1 to 4.
fn two_cliques() -> Vec<Timed> {
    let pairs = [(1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (4, 7), (5, 6), (5, 7), (6, 7), (1, 4)];
    let frame = |(from, to)| udp_frame(from, to, (1000, 53), &[0; 10]);
    (0..).zip(pairs.map(frame)).collect()
}

/// Rows of the whole capture: what comes later is told too.
fn cliques() -> FlowsCase {
    let want = vec![
        (
            // 1 to 2. Only 2 and 3 of the neighbours 2, 3, 4 of host 1 speak to each other.
            0,
            vec![
                ("conn_src_total_flows", n(3.0)),
                ("conn_src_unique_dsts", n(3.0)),
                ("conn_src_total_bytes", n(3.0 * 38.0)),
                ("conn_dst_unique_srcs", n(1.0)),
                ("conn_burst_connections", n(3.0)),
                ("conn_src_betweenness", n(0.0)),
                ("conn_dst_betweenness", n(0.0)),
                ("conn_src_community", n(1.0)),
                ("conn_dst_community", n(1.0)),
                ("conn_same_community", b(true)),
                ("conn_src_clustering", n(1.0 / 3.0)),
                ("conn_dst_clustering", n(1.0)),
            ],
        ),
        (
            // 1 to 4. The ways from 1 to 5, 6 and 7 lead over host 4: of 6 * 5 pairs of others. Of its neighbours 1,
            // 5, 6, 7 three pairs of six speak to each other. The larger community is 0.
            9,
            vec![
                ("conn_src_betweenness", n(0.0)),
                ("conn_dst_betweenness", n(3.0 / 30.0)),
                ("conn_src_community", n(1.0)),
                ("conn_dst_community", n(0.0)),
                ("conn_same_community", b(false)),
                ("conn_src_clustering", n(1.0 / 3.0)),
                ("conn_dst_clustering", n(0.5)),
                ("conn_dst_total_flows", n(1.0)),
            ],
        ),
    ];
    let mode = ConnectionMode::Exact;
    FlowsCase { name: "cliques", hosts: HostLimits::default(), mode, frames: two_cliques(), want }
}

/// The whole capture, with these limits.
fn exact(threads: usize, hosts: HostLimits, exact_rows_max: usize) -> ExtractConfig {
    let mut config = config(threads);
    config.features.connection = ConnectionMode::Exact;
    config.features.hosts = hosts;
    config.features.exact_rows_max = exact_rows_max;
    config
}

#[test]
fn exact_rows_are_whole_or_an_error_that_names_the_limit() {
    let limits = |hosts_max, pairs_max| HostLimits { hosts_max, pairs_max };
    let all = batches(&two_cliques(), 3);
    for threads in [1, 3] {
        let fits = exact(threads, limits(7, 10), 10);
        let (rows, summary) = extract(&fits, &all);
        assert_eq!((summary.rows, summary.hosts.flows), (10, 10), "{threads} threads");
        assert_eq!(rows.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>(), 10);
        for (hosts, rows_max, setting) in [
            (limits(6, 10), 10, "features.hosts_max"),
            (limits(7, 9), 10, "features.host_pairs_max"),
            (limits(7, 10), 9, "features.exact_rows_max"),
        ] {
            let config = exact(threads, hosts, rows_max);
            let mut input = all.iter();
            let source = || Ok::<_, std::convert::Infallible>(input.next().cloned());
            let mut given = 0;
            let run = pipeline::run(&config, source, |rows| {
                given += rows.num_rows();
                Ok(())
            });
            let error = run.unwrap_err();
            let RunError::Features(Error::ExactLimit { setting: told, .. }) = error else {
                panic!("{error}");
            };
            assert_eq!((told, given), (setting, 0), "{threads} threads");
        }
    }
}

#[test]
fn rows_tell_the_flows_up_to_their_own() {
    cases().iter().for_each(FlowsCase::check);
}

#[test]
fn columns_stand_where_they_are_named_also_alone() {
    let frames = [(0, udp_frame(1, 2, (1, 2), &[]))];
    for names in [
        &["conn_dst_total_flows", "protocol", "conn_src_total_flows", "total_packets"][..],
        &["conn_src_dst_flows"],
    ] {
        let selection = Selection::new(names, &[]).unwrap();
        let features = FeatureConfig { selection, ..FeatureConfig::default() };
        let config = ExtractConfig { features, ..ExtractConfig::default() };
        let (out, _) = extract(&config, &batches(&frames, 1));
        let schema = out[0].schema();
        let got: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(got, names);
        assert_eq!(Row::all(&out[0])[0].get(names[0]), n(1.0));
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    table::group("connection").unwrap().columns.iter().map(|column| column.name)
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).to_string()
}

/// Counts of the rows up to this one, straight from their other columns.
fn expected(rows: &[Row]) -> Vec<(&'static str, Value)> {
    let own = &rows[rows.len() - 1];
    let (src, dst) = (text(own, "src_ip"), text(own, "dst_ip"));
    let from: Vec<&Row> = rows.iter().filter(|row| text(row, "src_ip") == src).collect();
    let to: Vec<&Row> = rows.iter().filter(|row| text(row, "dst_ip") == dst).collect();
    let pair: Vec<&&Row> = from.iter().filter(|row| text(row, "dst_ip") == dst).collect();
    let count = |rows: usize| n(rows as f64);
    let sum = |rows: &[&Row], name| n(rows.iter().map(|row| row.number(name)).sum());
    let distinct = |rows: &[&Row], name| {
        n(rows.iter().map(|row| text(row, name)).collect::<HashSet<_>>().len() as f64)
    };
    let port = text(own, "dst_port");
    let same_port = pair.iter().filter(|row| text(row, "dst_port") == port).count();
    vec![
        ("conn_src_total_flows", count(from.len())),
        ("conn_dst_total_flows", count(to.len())),
        ("conn_src_dst_flows", count(pair.len())),
        ("conn_src_port_flows", count(same_port)),
        ("conn_src_total_packets", sum(&from, "total_packets")),
        ("conn_src_total_bytes", sum(&from, "total_bytes")),
        ("conn_dst_total_packets", sum(&to, "total_packets")),
        ("conn_dst_total_bytes", sum(&to, "total_bytes")),
        ("conn_src_unique_dsts", distinct(&from, "dst_ip")),
        ("conn_dst_unique_srcs", distinct(&to, "src_ip")),
        ("conn_src_unique_ports", distinct(&from, "dst_port")),
    ]
}

/// Datagrams of a few hosts, with pauses that end flows.
fn talk() -> impl Strategy<Value = Vec<Timed>> {
    let one = (0_u64..40_000, 1_u8..6, 1_u8..6, 0_u16..4, 0_usize..9);
    prop::collection::vec(one, 1..80).prop_map(|steps| {
        let mut now = 0;
        let frames = steps.into_iter().map(|(step, src, dst, port, len)| {
            now += step;
            (now, udp_frame(src, dst, (1000 + port, 2000 + port), &vec![0; len]))
        });
        frames.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn counts_are_those_of_the_rows_up_to_a_row(frames in talk()) {
        let rows = rows(&frames);
        for i in 0..rows.len() {
            check(&format!("row {i}"), &rows[i], &expected(&rows[..=i]));
        }
    }

    #[test]
    fn exact_rows_tell_what_the_last_row_of_a_pair_tells(frames in talk()) {
        let streamed = rows(&frames);
        let told = rows_with(&exact(2, HostLimits::default(), 1000), &frames);
        prop_assert_eq!(streamed.len(), told.len());
        let last = |own: &Row| {
            let is = |row: &&Row| ["src_ip", "dst_ip"].iter().all(|name| row.get(name) == own.get(name));
            streamed.iter().rev().find(is).unwrap().get("conn_src_dst_flows")
        };
        for row in &told {
            prop_assert_eq!(row.get("conn_src_dst_flows"), last(row));
            let same = row.get("conn_src_community") == row.get("conn_dst_community");
            prop_assert_eq!(row.get("conn_same_community"), b(same));
        }
    }

    #[test]
    fn rows_do_not_depend_on_threads(frames in talk(), hosts_max in 2_usize..9, pairs_max in 0_usize..9) {
        let of = |threads| {
            let mut config = config(threads);
            config.features.hosts = HostLimits { hosts_max, pairs_max };
            let input: Vec<FrameBatch> = batches(&frames, 5);
            extract(&config, &input)
        };
        let ((alone, one), (together, three)) = (of(1), of(3));
        prop_assert!(alone == together);
        prop_assert_eq!(one.hosts, three.hosts);
        prop_assert_eq!(one.hosts.flows, one.rows);
    }
}

#[test]
fn defect_of_future_leakage_rows_do_not_change_by_what_comes_later() {
    // Flows of one packet each, whose rows come by first packet.
    let frames: Vec<Timed> = (0..12_u8)
        .map(|i| {
            let ports = (1000 + u16::from(i), 53 + u16::from(i % 2));
            (u64::from(i) * 500, udp_frame(1 + i % 3, 4 + i % 2, ports, &[0; 5]))
        })
        .collect();
    let config = config(1);
    let whole = rows_with(&config, &frames);
    assert_eq!(whole.len(), 12);
    for count in 1..12 {
        let part = rows_with(&config, &frames[..count]);
        assert_eq!(part.len(), count);
        for (part, whole) in part.iter().zip(&whole) {
            for name in names() {
                assert_eq!(part.get(name), whole.get(name), "{name} after {count} flows");
            }
        }
    }
    // And they do tell the past: the last flow of host 3 is its fourth.
    assert_eq!(whole[11].get("conn_src_total_flows"), n(4.0));
}
