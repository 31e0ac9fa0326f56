//! Laws that hold for any packets.

use std::sync::Arc;

use proptest::prelude::*;
use rheos_core::{Direction, FiveTuple, Nanos, Timestamp};
use rheos_features::column::{Column, Scope};
use rheos_features::gaps::RELATIVE_ERROR;
use rheos_features::log::Scratch;
use rheos_features::{FeatureConfig, FeaturePlan, FlowFeatures, Kind, RowBuffer, Selection, table};
use rheos_flow::{
    Arrival, ConnState, DirectionTotals, EndReason, FlowConfig, FlowHead, FlowState, History,
    InitiatorEvidence,
};
use rheos_wire::{Layers, Packet, TcpHeader};

use super::rows::{B, F, Row, START_NS, Value, all_columns, packet, rows_with, tuple};

/// Columns that a flow tells without others.
fn flow_columns() -> impl Iterator<Item = &'static Column> {
    table::columns().filter(|column| table::group_of(column).name != "connection")
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(F), Just(B)]
}

/// UDP packets with gaps from 0 to 10 s, the first from the initiator.
fn udp_flow(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Packet>> {
    let gap = prop_oneof![0_u64..3, 0_u64..2000, 0_u64..1_000_000, 0_u64..10_000_000_000];
    let one = (gap, direction(), prop_oneof![0_u32..4, 0_u32..1400]);
    prop::collection::vec(one, len).prop_map(|steps| {
        let mut ns = 0;
        let packets = steps.into_iter().enumerate().map(|(i, (gap, direction, payload))| {
            ns += gap;
            packet(tuple(17), ns, if i == 0 { F } else { direction }, 28, payload)
        });
        packets.collect()
    })
}

/// Wide timeouts: the packets above are one flow.
fn one_flow() -> FlowConfig {
    let year = Nanos::from_secs(366 * 86_400);
    FlowConfig { idle_timeout: year, active_timeout: Nanos::ZERO, ..FlowConfig::default() }
}

fn row_with(packets: &[Packet], exact_packets: usize) -> Row {
    let config = FeatureConfig { exact_packets, ..all_columns() };
    let mut rows = rows_with(packets, one_flow(), config);
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// Columns of lengths that do not depend on the order of packets.
fn order_free(column: &Column) -> bool {
    let sizes = table::group("size").unwrap().columns;
    let ordered = ["dominant_pkt_size", "pkt_len_sequence"];
    let amounts = ["total_", "packets_fwd", "packets_bwd", "bytes_", "payload_bytes_"];
    let amount = amounts.iter().any(|start| column.name.starts_with(start));
    let timed = column.name.ends_with("per_second");
    (sizes.contains(column) || amount) && !timed && !ordered.contains(&column.name)
}

/// The row of packets with directions as given, whoever the initiator would be.
fn row_directed(packets: &[(Packet, Direction)]) -> Row {
    let plan = Arc::new(FeaturePlan::new(all_columns()));
    let shard = Arc::clone(&plan).into();
    let mut features = FlowFeatures::new(&shard);
    let first = packets[0].0;
    let mut head = FlowHead {
        tuple: first.tuple,
        initiator: InitiatorEvidence::FirstPacket,
        first: first.ts,
        last: first.ts,
        first_index: 0,
        last_index: 0,
        totals: [DirectionTotals::default(); 2],
        vlan: [0; 2],
        vlan_count: 0,
        key_vlan: 0,
        key_tunnel: 0,
        tunnel: None,
        layers: Layers::default(),
        history: History::default(),
        conn: ConnState::default(),
        end: EndReason::EndOfInput,
    };
    let mut last: Option<Timestamp> = None;
    let mut last_same = [None; 2];
    for (packet, direction) in packets {
        let totals = &mut head.totals[direction.index()];
        totals.packets += 1;
        totals.ip_bytes += u64::from(packet.ip_len);
        totals.payload_bytes += u64::from(packet.payload_len);
        head.last = head.last.max(packet.ts);
        let since = |before: Option<Timestamp>| before.map(|b| packet.ts.since(b));
        let arrival = Arrival {
            direction: *direction,
            gap: since(last),
            gap_same_direction: since(last_same[direction.index()]),
        };
        last = Some(packet.ts);
        last_same[direction.index()] = Some(packet.ts);
        features.on_packet(&shard, &head, &arrival, packet, &[]);
    }
    let mut rows = RowBuffer::new(Arc::clone(&plan.layout));
    features.write_row(&head, &plan, &mut Scratch::default(), &mut rows);
    Row::all(&rows.take_batch()).remove(0)
}

/// Columns of both directions that tell them apart.
const DIRECTED: &[&str] = &[
    "packets_ratio",
    "bytes_ratio",
    "flow_stat",
    "first_response_time",
    "splt",
    "splt_directions",
    "pkt_asymmetry",
    "byte_asymmetry",
    "pkt_len_sequence",
    "tcp_complete_handshake",
    "tcp_fstat",
    "tcp_initiator_syn",
    "tcp_responder_synack",
];

/// TCP packets with any flags.
fn tcp_packets() -> impl Strategy<Value = Vec<(Packet, Direction)>> {
    let one = (0_u64..200_000_000, direction(), 0_u16..512, 0_u32..1400);
    prop::collection::vec(one, 1..100).prop_map(|steps| {
        let mut ns = 0;
        let packets = steps.into_iter().map(|(gap, direction, flags, payload)| {
            ns += gap;
            let mut packet = packet(tuple(6), ns, F, 40, payload);
            packet.tcp = TcpHeader { flags, header_len: 20, ..TcpHeader::default() };
            (packet, direction)
        });
        packets.collect()
    })
}

/// Packets that no decoder would make.
pub(crate) fn wild_packets() -> impl Strategy<Value = Vec<Packet>> {
    let one = (any::<u64>(), any::<[u32; 4]>(), any::<[u16; 3]>(), any::<[u8; 5]>());
    let packet = one.prop_map(|(ts, words, halves, bytes)| {
        let tuple = FiveTuple {
            src_port: halves[0] % 3,
            dst_port: halves[1] % 3,
            protocol: [1, 6, 17, 58, 200][usize::from(bytes[0]) % 5],
            ..tuple(0)
        };
        Packet {
            ts: Timestamp::from_nanos(if bytes[1] < 200 { START_NS + ts % (1 << 40) } else { ts }),
            tuple: if bytes[2] % 2 == 0 { tuple } else { tuple.reversed() },
            ip_len: words[0] >> (bytes[3] % 32),
            payload_len: words[1] >> (bytes[3] % 32),
            tcp: TcpHeader {
                seq: words[2],
                ack: words[3],
                flags: halves[2] % 512,
                header_len: 20,
                ..TcpHeader::default()
            },
            icmp_type: bytes[4],
            vlan_count: bytes[4] % 3,
            ..Packet::default()
        }
    });
    prop::collection::vec(packet, 1..200)
}

proptest! {
    #[test]
    fn lengths_do_not_depend_on_the_order_of_packets(
        (packets, shuffled) in udp_flow(1..100).prop_flat_map(|packets| {
            let interior = packets[1..].to_vec();
            (Just(packets), Just(interior).prop_shuffle())
        })
    ) {
        let mut reordered = vec![packets[0]];
        reordered.extend(shuffled);
        let (a, b) = (row_with(&packets, 64), row_with(&reordered, 64));
        for column in flow_columns().filter(|c| order_free(c)) {
            prop_assert_eq!(a.get(column.name), b.get(column.name), "{}", column.name);
        }
    }

    #[test]
    fn mirrored_packets_swap_the_directions(packets in tcp_packets()) {
        let mirrored: Vec<_> = packets.iter().map(|&(p, d)| (p, d.reversed())).collect();
        let (a, b) = (row_directed(&packets), row_directed(&mirrored));
        for column in flow_columns() {
            let counterpart = match column.scope {
                Scope::Forward => column.name.replace("fwd", "bwd"),
                Scope::Backward => column.name.replace("bwd", "fwd"),
                Scope::Bidirectional => column.name.to_owned(),
            };
            if !DIRECTED.contains(&column.name) {
                prop_assert_eq!(a.get(column.name), b.get(&counterpart), "{}", column.name);
            }
        }
    }

    #[test]
    fn no_packets_panic_and_every_row_is_finite(packets in wild_packets(), limit in 0_usize..40) {
        let config = FeatureConfig {
            exact_packets: limit,
            sequence_packets: 40 - limit,
            ..all_columns()
        };
        for row in rows_with(&packets, FlowConfig::default(), config) {
            for (name, value) in row.values() {
                match value {
                    Value::Number(value) => prop_assert!(value.is_finite(), "{name}"),
                    Value::List(values) => prop_assert!(values.iter().all(|v| v.is_finite())),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_selection_changes_no_value(packets in udp_flow(1..90), chosen in any::<[u8; 6]>()) {
        let columns: Vec<_> = flow_columns().collect();
        let names: Vec<_> =
            chosen.iter().map(|&i| columns[usize::from(i) * 7 % columns.len()].name).collect();
        let selection = Selection::new(&names, &[]).unwrap();
        let config = FeatureConfig { selection, ..FeatureConfig::default() };
        let some = rows_with(&packets, one_flow(), config).remove(0);
        let all = row_with(&packets, 64);
        for name in names {
            prop_assert_eq!(some.get(name), all.get(name), "{}", name);
        }
    }

    #[test]
    fn sketched_gaps_keep_their_error_and_counted_lengths_are_exact(packets in udp_flow(60..300)) {
        let (sketched, exact) = (row_with(&packets, 64), row_with(&packets, 4096));
        for column in flow_columns().filter(|c| c.kind == Kind::F64 && c.name.starts_with("iat")) {
            let (Value::Number(got), Value::Number(want)) =
                (sketched.get(column.name), exact.get(column.name))
            else {
                prop_assert_eq!(sketched.get(column.name), exact.get(column.name));
                continue;
            };
            let error = (got - want).abs();
            prop_assert!(error <= want * RELATIVE_ERROR * (1.0 + 1e-9), "{}: {got} {want}", column.name);
        }
        for column in flow_columns().filter(|c| !c.name.starts_with("iat")) {
            prop_assert_eq!(sketched.get(column.name), exact.get(column.name), "{}", column.name);
        }
    }
}

#[test]
fn one_packet_more_than_the_log_holds_changes_quantiles_by_little() {
    // Steady gaps of 1 ms: every quantile is 1 ms before and after the log is full.
    let steady = |count: u64| -> Vec<Packet> {
        (0..count).map(|i| packet(tuple(17), i * 1_000_000, F, 28, 10)).collect()
    };
    for count in [63, 64, 65, 66] {
        let row = row_with(&steady(count), 64);
        for name in ["iat_median", "iat_p25", "iat_p99", "iat_fwd_median"] {
            let got = row.number(name);
            assert!((got - 0.001).abs() <= 0.001 * RELATIVE_ERROR, "{name} of {count}: {got}");
        }
        assert_eq!(row.get("pkt_len_median"), Value::Number(38.0));
    }
}

#[test]
fn a_reused_state_gives_the_row_of_a_new_one() {
    let plan = Arc::new(FeaturePlan::new(all_columns()));
    let config = FlowConfig { flows_max: 1, ..FlowConfig::default() };
    let long: Vec<Packet> =
        (0..200).map(|i| packet(tuple(17), i * 1000, F, 28, i as u32)).collect();
    let other = FiveTuple { src_port: 7, ..tuple(17) };
    let short = [packet(other, 300_000, F, 28, 5), packet(other, 400_000, B, 28, 6)];
    let together = rows_with(&[&long[..], &short].concat(), config.clone(), all_columns());
    let alone = rows_with(&short, config, all_columns());
    assert_eq!(together[0].get("end_reason"), Value::Text("evicted".to_owned()));
    for column in plan.layout.columns() {
        assert_eq!(together[1].get(column.name), alone[0].get(column.name), "{}", column.name);
    }
}
