//! Laws that hold for any packets.

use proptest::prelude::*;
use rheos_core::{Nanos, Timestamp};
use rheos_flow::{EndReason, Flow, FlowConfig, FlowTable, Keyed};
use rheos_wire::{Packet, TcpHeader};

use super::packets::{START, flows_of, tuple};

/// A packet among few hosts and ports, so that flows meet; times mostly go on, sometimes back.
fn any_packet() -> impl Strategy<Value = (i64, Packet)> {
    let step = prop_oneof![
        8 => 0_i64..1_000_000_000,
        1 => -2_000_000_000_i64..0,
        1 => 0_i64..100_000_000_000,
    ];
    let ends = ((0_u8..3, 0_u16..2), (0_u8..3, 0_u16..2));
    let protocol = prop_oneof![4 => Just(6_u8), 2 => Just(17), 1 => Just(1), 1 => any::<u8>()];
    let header = (0_u16..64, 0_u32..50, 0_u32..50, 0_u16..3);
    (step, ends, protocol, header, 0_u32..30, any::<u8>(), 0_u16..2).prop_map(
        |(step, (from, to), protocol, (flags, seq, ack, window), payload, icmp_type, vlan)| {
            let tcp = if protocol == 6 {
                TcpHeader { seq, ack, flags, window, header_len: 20, urgent: 0 }
            } else {
                TcpHeader::default()
            };
            let packet = Packet {
                tuple: tuple(from, to, protocol),
                tcp,
                icmp_type,
                vlan: [vlan, 0],
                ip_len: 40 + payload,
                payload_len: payload,
                payload_cap_len: payload / 2 * 2,
                ..Packet::default()
            };
            (step, packet)
        },
    )
}

fn any_soup() -> impl Strategy<Value = Vec<Packet>> {
    prop::collection::vec(any_packet(), 0..200).prop_map(|steps| {
        let mut now = START.cast_signed();
        let stamped = steps.into_iter().enumerate().map(|(index, (step, packet))| {
            now += step;
            Packet { ts: Timestamp::from_nanos(now as u64), index: index as u64, ..packet }
        });
        stamped.collect()
    })
}

fn any_config() -> impl Strategy<Value = FlowConfig> {
    (1_u64..100, 0_u64..200, 0_u64..10, 1_usize..20, any::<u64>()).prop_map(
        |(idle, active, linger, flows_max, hash_seed)| FlowConfig {
            idle_timeout: Nanos::from_secs(idle),
            active_timeout: Nanos::from_secs(active),
            tcp_linger: Nanos::from_secs(linger),
            flows_max,
            hash_seed,
            ..FlowConfig::default()
        },
    )
}

/// What of a flow must not depend on how it was computed.
fn content(flow: &Flow<()>) -> impl Ord + std::fmt::Debug + use<> {
    let head = &flow.head;
    (
        head.first_index,
        head.last_index,
        head.tuple,
        (head.first, head.last),
        head.totals.map(|t| (t.packets, t.ip_bytes, t.payload_bytes)),
        (head.history.to_string(), head.conn),
        (head.initiator, head.end),
    )
}

proptest! {
    #![proptest_config(super::packets::cases())]

    #[test]
    fn every_packet_is_in_one_flow(packets in any_soup(), config in any_config()) {
        let flows = flows_of(&packets, &config);
        let sum = |of: fn(&Flow<()>) -> u64| flows.iter().map(of).sum::<u64>();
        prop_assert_eq!(sum(|f| f.head.packets()), packets.len() as u64);
        let bytes: u64 = packets.iter().map(|p| u64::from(p.ip_len)).sum();
        prop_assert_eq!(sum(|f| f.head.totals[0].ip_bytes + f.head.totals[1].ip_bytes), bytes);
        let payload: u64 = packets.iter().map(|p| u64::from(p.payload_len)).sum();
        prop_assert_eq!(sum(|f| f.head.totals[0].payload_bytes + f.head.totals[1].payload_bytes), payload);
        prop_assert!(flows.iter().all(|f| f.head.end != EndReason::None && f.head.first <= f.head.last));
    }

    #[test]
    fn counters_add_up(packets in any_soup(), config in any_config()) {
        let mut table = FlowTable::<()>::new(config.clone(), ());
        let mut ended = 0_u64;
        for packet in &packets {
            table.on_packet(packet, &[], &mut |_| ended += 1);
            prop_assert!(table.len() <= config.flows_max);
            prop_assert_eq!(table.counters.created, ended + table.len() as u64);
            prop_assert_eq!(table.iter().count(), table.len());
        }
        table.finish(&mut |_| ended += 1);
        prop_assert_eq!(table.counters.created, ended);
        prop_assert_eq!(table.counters.ended.iter().sum::<u64>(), ended);
        prop_assert_eq!(table.counters.packets, packets.len() as u64);
        prop_assert!(table.is_empty());
    }

    #[test]
    fn the_seed_changes_no_flow(packets in any_soup(), config in any_config(), seed in any::<u64>()) {
        let other = FlowConfig { hash_seed: seed, ..config.clone() };
        let (one, two) = (flows_of(&packets, &config), flows_of(&packets, &other));
        let contents = |flows: &[Flow<()>]| flows.iter().map(content).collect::<Vec<_>>();
        prop_assert_eq!(contents(&one), contents(&two));
    }

    #[test]
    fn shards_with_the_streams_clock_hold_the_same_flows(
        packets in any_soup(),
        config in any_config(),
        shards in 1_usize..5,
    ) {
        let config = FlowConfig { flows_max: 1000, ..config };
        let mut tables: Vec<_> =
            (0..shards).map(|_| FlowTable::<()>::new(config.clone(), ())).collect();
        let mut sharded = Vec::new();
        let mut clock = Timestamp::ZERO;
        for packet in &packets {
            clock = clock.max(packet.ts);
            let keyed = Keyed::of(packet, &config);
            let table = &mut tables[keyed.shard(shards)];
            let mut keep = |flow: &Flow<()>| sharded.push(content(flow));
            table.advance_to(clock, &mut keep);
            table.on_packet_hashed(packet, &[], &keyed, &mut keep);
        }
        for table in &mut tables {
            table.advance_to(clock, &mut |flow| sharded.push(content(flow)));
            table.finish(&mut |flow| sharded.push(content(flow)));
        }
        let mut whole: Vec<_> = flows_of(&packets, &config).iter().map(content).collect();
        whole.sort_unstable();
        sharded.sort_unstable();
        prop_assert_eq!(whole, sharded);
    }

    #[test]
    fn swapping_all_addresses_swaps_all_flows(packets in any_soup(), config in any_config()) {
        let swapped: Vec<_> =
            packets.iter().map(|p| Packet { tuple: p.tuple.reversed(), ..*p }).collect();
        let flows = flows_of(&packets, &config);
        let mirrored = flows_of(&swapped, &config);
        prop_assert_eq!(flows.len(), mirrored.len());
        for (flow, mirror) in flows.iter().zip(&mirrored) {
            prop_assert_eq!(flow.head.tuple, mirror.head.tuple.reversed());
            // A packet to itself goes forward both times.
            if flow.head.tuple != mirror.head.tuple {
                prop_assert_eq!(flow.head.totals, mirror.head.totals);
                prop_assert_eq!(flow.head.history, mirror.head.history);
            }
        }
    }

    #[test]
    fn sorted_input_has_flows_that_other_flows_do_not_change(
        packets in any_soup(),
        config in any_config(),
        kept in any::<u64>(),
    ) {
        let config = FlowConfig { flows_max: 1000, reorder_slack: Nanos::ZERO, ..config };
        let mut sorted = packets;
        sorted.sort_by_key(|p| p.ts);
        for (index, packet) in sorted.iter_mut().enumerate() {
            packet.index = index as u64;
        }
        let end = sorted.last().map_or(Timestamp::ZERO, |p| p.ts);
        let keep = |p: &Packet| Keyed::of(p, &config).hash.wrapping_mul(kept | 1) >> 63 == 0;
        let run = |packets: &[Packet]| {
            let mut table = FlowTable::<()>::new(config.clone(), ());
            let mut contents = Vec::new();
            for packet in packets.iter().filter(|p| keep(p)) {
                table.on_packet(packet, &[], &mut |flow| contents.push(content(flow)));
            }
            table.advance_to(end, &mut |flow| contents.push(content(flow)));
            table.finish(&mut |flow| contents.push(content(flow)));
            contents
        };
        let alone = run(&sorted);
        let mut table = FlowTable::<()>::new(config.clone(), ());
        let mut among = Vec::new();
        for packet in &sorted {
            table.on_packet(packet, &[], &mut |flow| among.push((flow.head.key(), content(flow))));
        }
        table.finish(&mut |flow| among.push((flow.head.key(), content(flow))));
        let mut of_kept: Vec<_> = among
            .into_iter()
            .filter(|(key, _)| rheos_flow::key_hash(key, config.hash_seed).wrapping_mul(kept | 1) >> 63 == 0)
            .map(|(_, content)| content)
            .collect();
        let mut alone = alone;
        alone.sort_unstable();
        of_kept.sort_unstable();
        prop_assert_eq!(alone, of_kept);
    }
}
