//! Where flows begin and end.

use rheos_core::{Direction, Nanos, Timestamp};
use rheos_flow::{
    Arrival, EndReason, Flow, FlowConfig, FlowHead, FlowState, FlowTable, InitiatorEvidence,
};
use rheos_wire::Packet;
use rheos_wire::tcp_flags::{ACK, FIN, PSH, RST, SYN};

use super::packets::{SECOND, START, config, flows_of, tcp, tuple, udp};

/// A whole connection of nine packets, `at` nanoseconds after the start.
fn connection(at: u64, seq: u32) -> Vec<Packet> {
    let (client, server) = (seq, seq.wrapping_add(5000));
    let ms = |n: u64| at + n * 1_000_000;
    vec![
        tcp(ms(0), true, SYN, client, 0, 0),
        tcp(ms(1), false, SYN | ACK, server, client + 1, 0),
        tcp(ms(2), true, ACK, client + 1, server + 1, 0),
        tcp(ms(3), true, PSH | ACK, client + 1, server + 1, 100),
        tcp(ms(4), false, PSH | ACK, server + 1, client + 101, 1000),
        tcp(ms(5), true, ACK, client + 101, server + 1001, 0),
        tcp(ms(6), true, FIN | ACK, client + 101, server + 1001, 0),
        tcp(ms(7), false, FIN | ACK, server + 1001, client + 102, 0),
        tcp(ms(8), true, ACK, client + 102, server + 1002, 0),
    ]
}

#[test]
fn defect_08_a_connection_of_nine_packets_is_one_flow() {
    let flows = flows_of(&connection(0, 1000), &config(0));
    assert_eq!(flows.len(), 1);
    let head = &flows[0].head;
    assert_eq!(head.tuple, tuple((1, 40_000), (2, 80), 6));
    assert_eq!(head.initiator, InitiatorEvidence::Request);
    assert_eq!([head.totals[0].packets, head.totals[1].packets], [6, 3]);
    assert_eq!([head.totals[0].payload_bytes, head.totals[1].payload_bytes], [100, 1000]);
    assert_eq!([head.totals[0].ip_bytes, head.totals[1].ip_bytes], [340, 1120]);
    assert_eq!(head.end, EndReason::Fin);
    assert_eq!((head.first_index, head.last_index), (0, 8));
    assert_eq!(head.duration(), Nanos::from_millis(8));
}

#[test]
fn defect_09_udp_packets_an_hour_apart_are_two_flows_whatever_else_there_is() {
    let pair = [udp(0, (1, 5), (2, 53), 10), udp(3600 * SECOND, (1, 5), (2, 53), 20)];
    let alone = flows_of(&pair, &config(0));
    assert_eq!(alone.len(), 2);
    assert_eq!(alone[0].head.end, EndReason::Idle);
    assert_eq!(alone[1].head.end, EndReason::EndOfInput);

    let mut crowd: Vec<Packet> =
        (0..36_000).map(|i| udp(i * SECOND / 10, (3, 7), (4, 8), 1)).collect();
    crowd.insert(0, pair[0]);
    crowd.push(pair[1]);
    let busy = flows_of(&crowd, &config(0));
    let of_pair = busy.iter().filter(|flow| flow.head.tuple.src_port == 5);
    let payloads: Vec<_> = of_pair.map(|flow| flow.head.totals[0].payload_bytes).collect();
    assert_eq!(payloads, [10, 20]);
}

#[test]
fn defect_10_the_active_timeout_cuts_and_slots_are_used_again() {
    let packets: Vec<_> = (0..1000).map(|i| udp(i * SECOND, (1, 5), (2, 53), 1)).collect();
    let flows = flows_of(&packets, &config(100));
    assert_eq!(flows.len(), 10);
    assert!(flows[..9].iter().all(|flow| flow.head.end == EndReason::Active));
    assert!(flows.iter().all(|flow| flow.head.packets() == 100));

    // A thousand flows one after the other live in one slot: one state is made, the others are resets.
    let mut table = FlowTable::<Remembering>::new(config(0), ());
    let mut made = Vec::new();
    for i in 0..1000_u16 {
        let packet = udp(u64::from(i) * 100 * SECOND, (1, i), (2, 53), 1);
        table.on_packet(&packet, &[], &mut |flow| made.push(flow.state.resets));
    }
    assert_eq!(table.len(), 1);
    assert_eq!(table.counters.live_max, 1);
    assert_eq!(made, (0..999).collect::<Vec<_>>());
}

/// Counts how often its slot was used, and keeps every arrival.
#[derive(Default)]
struct Remembering {
    resets: usize,
    arrivals: Vec<Arrival>,
}

impl FlowState for Remembering {
    type Config = ();

    fn new((): &()) -> Self {
        Self::default()
    }

    fn on_packet(&mut self, (): &(), head: &FlowHead, arrival: &Arrival, _: &Packet, _: &[u8]) {
        self.arrivals.push(*arrival);
        assert_eq!(
            head.packets(),
            self.arrivals.len() as u64,
            "the head counts the packet already"
        );
    }

    fn reset(&mut self, (): &()) {
        self.resets += 1;
        self.arrivals.clear();
    }
}

#[test]
fn defect_14_flows_of_different_vlans_are_apart() {
    let tagged =
        |at, vlan, count| Packet { vlan, vlan_count: count, ..udp(at, (1, 5), (2, 53), 1) };
    let packets = [tagged(0, [0, 0], 0), tagged(1, [7, 0], 1), tagged(2, [7, 9], 2)];
    assert_eq!(flows_of(&packets, &config(0)).len(), 3);
    let merged = FlowConfig { key_vlan: false, ..config(0) };
    assert_eq!(flows_of(&packets, &merged).len(), 1);
}

#[test]
fn the_idle_timeout_is_exact_to_the_nanosecond() {
    for (gap, flows) in [(60 * SECOND, 1), (60 * SECOND + 1, 2)] {
        let packets = [udp(0, (1, 5), (2, 53), 1), udp(gap, (2, 53), (1, 5), 1)];
        let found = flows_of(&packets, &config(0));
        assert_eq!(found.len(), flows, "gap {gap}");
        let responder = found.last().unwrap().head.tuple.src_port;
        assert_eq!(
            responder,
            if flows == 1 { 5 } else { 53 },
            "a new flow finds its own initiator"
        );
    }
}

#[test]
fn the_active_timeout_is_exact_to_the_nanosecond_and_keeps_the_direction() {
    for (span, flows) in [(100 * SECOND - 1, 1), (100 * SECOND, 2)] {
        let packets = [
            udp(0, (1, 5), (2, 53), 1),
            udp(50 * SECOND, (2, 53), (1, 5), 1),
            udp(span, (2, 53), (1, 5), 7),
            udp(span, (1, 5), (2, 53), 3),
        ];
        let found = flows_of(&packets, &config(100));
        assert_eq!(found.len(), flows, "span {span}");
        for flow in &found {
            assert_eq!(flow.head.tuple, tuple((1, 5), (2, 53), 17), "NFStream #125: no flip");
        }
        if flows == 2 {
            assert_eq!(found[0].head.end, EndReason::Active);
            assert_eq!(found[1].head.totals.map(|t| t.payload_bytes), [3, 7]);
            assert_eq!(found[1].head.first, Timestamp::from_nanos(START + span));
            assert_eq!(found[1].head.first_index, 2);
        }
    }
}

#[test]
fn a_connection_cut_by_the_active_timeout_still_closes() {
    let mut packets = connection(0, 1000);
    let fin = 7;
    for packet in &mut packets[fin..] {
        packet.ts = packet.ts + Nanos::from_secs(50);
    }
    let flows = flows_of(&packets, &config(30));
    assert_eq!(
        flows.iter().map(|f| f.head.end).collect::<Vec<_>>(),
        [EndReason::Active, EndReason::Fin]
    );
    assert_eq!(flows[1].head.tuple, tuple((1, 40_000), (2, 80), 6));
}

#[test]
fn tail_packets_stay_within_the_linger() {
    let mut packets = connection(0, 1000);
    let closed_at = 8_000_000;
    packets.push(tcp(closed_at + SECOND, false, FIN | ACK, 7001, 1102, 0));
    packets.push(tcp(closed_at + 2 * SECOND, true, RST, 1102, 0, 0));
    packets.push(tcp(closed_at + 7 * SECOND, false, ACK, 7002, 1102, 0));
    let whole = flows_of(&packets, &config(0));
    assert_eq!(whole.len(), 1, "each within 5 s of the one before");
    assert_eq!(whole[0].head.end, EndReason::Fin);
    assert_eq!(whole[0].head.packets(), 12);

    packets.push(tcp(closed_at + 12 * SECOND + 1, false, ACK, 7002, 1102, 9));
    let split = flows_of(&packets, &config(0));
    assert_eq!(split.len(), 2, "a nanosecond beyond the linger");
    assert_eq!(split[1].head.initiator, InitiatorEvidence::FirstPacket);
    assert_eq!(split[1].head.packets(), 1);
}

#[test]
fn a_reset_ends_after_its_linger() {
    let packets = [
        tcp(0, true, SYN, 1, 0, 0),
        tcp(1, false, SYN | ACK, 9, 2, 0),
        tcp(2, true, ACK, 2, 10, 0),
        tcp(3, false, RST, 10, 0, 0),
        tcp(4, true, ACK, 2, 10, 50),
    ];
    let flows = flows_of(&packets, &config(0));
    assert_eq!(flows.len(), 1);
    assert_eq!(flows[0].head.end, EndReason::Rst);
    assert_eq!(flows[0].head.packets(), 5);

    let mut table = FlowTable::<()>::new(config(0), ());
    let mut ended = Vec::new();
    for packet in &packets {
        table.on_packet(packet, &[], &mut |flow: &Flow<()>| ended.push(flow.head.end));
    }
    let closed = START + 4;
    table.advance_to(Timestamp::from_nanos(closed + 5 * SECOND), &mut |f| ended.push(f.head.end));
    assert!(ended.is_empty());
    table.advance_to(Timestamp::from_nanos(closed + 5 * SECOND + 1), &mut |f| {
        ended.push(f.head.end);
    });
    assert_eq!(ended, [EndReason::Rst]);
    assert!(table.is_empty());
}

#[test]
fn a_port_taken_again_after_the_close_is_a_new_flow_at_once() {
    let mut packets = connection(0, 1000);
    packets.extend(connection(10_000_000, 900_000));
    let flows = flows_of(&packets, &config(0));
    assert_eq!(flows.iter().map(|f| f.head.packets()).collect::<Vec<_>>(), [9, 9]);
    assert!(flows.iter().all(|flow| flow.head.end == EndReason::Fin));

    let mut copied = connection(0, 1000);
    copied.push(tcp(9_000_000, true, SYN, 1000, 0, 0));
    assert_eq!(flows_of(&copied, &config(0)).len(), 1, "a late copy of the SYN begins nothing");
}

#[test]
fn a_port_taken_again_without_a_close_is_a_new_flow() {
    let mut packets = connection(0, 1000);
    packets.truncate(6);
    packets.extend(connection(20 * SECOND, 900_000));
    let flows = flows_of(&packets, &config(0));
    let summary: Vec<_> = flows.iter().map(|f| (f.head.packets(), f.head.end)).collect();
    assert_eq!(summary, [(6, EndReason::Forced), (9, EndReason::Fin)]);
}

#[test]
fn attempts_that_nobody_answers_are_one_flow() {
    let packets: Vec<_> =
        (0_u32..4).map(|i| tcp(u64::from(i) * SECOND, true, SYN, 100 * i, 0, 0)).collect();
    let flows = flows_of(&packets, &config(0));
    assert_eq!(flows.len(), 1);
    assert_eq!(flows[0].head.conn.label(), "S0");
}

#[test]
fn an_answer_first_tells_the_initiator() {
    let syn_ack = [
        tcp(0, false, SYN | ACK, 9, 2, 0),
        tcp(1, true, SYN, 1, 0, 0),
        tcp(2, true, ACK, 2, 10, 0),
    ];
    let flows = flows_of(&syn_ack, &config(0));
    assert_eq!(flows.len(), 1, "a SYN behind its SYN-ACK is not a new connection");
    assert_eq!(flows[0].head.tuple.src_port, 40_000);
    assert_eq!(flows[0].head.initiator, InitiatorEvidence::Request, "the SYN came after all");
    assert_eq!(flows[0].head.totals.map(|t| t.packets), [2, 1]);
    assert_eq!(flows_of(&syn_ack[..1], &config(0))[0].head.initiator, InitiatorEvidence::Answer);

    let echo_reply =
        Packet { tuple: tuple((2, 0), (1, 8), 1), icmp_type: 0, ..udp(0, (2, 0), (1, 8), 1) };
    let flows = flows_of(&[echo_reply], &config(0));
    assert_eq!(flows[0].head.tuple, echo_reply.tuple.reversed());
    assert_eq!(flows[0].head.totals.map(|t| t.packets), [0, 1]);
}

#[test]
fn the_longest_unseen_flow_makes_room() {
    let (evicted, at_end) = (EndReason::Evicted, EndReason::EndOfInput);
    let limited = FlowConfig { flows_max: 2, ..config(0) };
    let packets = [
        udp(0, (1, 1), (2, 53), 1),
        udp(1, (1, 2), (2, 53), 1),
        udp(2, (1, 1), (2, 53), 1),
        udp(3, (1, 3), (2, 53), 1),
        udp(4, (1, 4), (2, 53), 1),
    ];
    let flows = flows_of(&packets, &limited);
    let summary: Vec<_> = flows.iter().map(|f| (f.head.tuple.src_port, f.head.end)).collect();
    assert_eq!(summary, [(2, evicted), (1, evicted), (3, at_end), (4, at_end)]);
}

#[test]
fn timed_out_flows_end_oldest_first_and_the_rest_by_first_packet() {
    let mut packets: Vec<_> =
        (1..=5).map(|port| udp(u64::from(port) * SECOND, (1, port), (2, 53), 1)).collect();
    packets.push(udp(6 * SECOND, (1, 2), (2, 53), 1));
    packets.push(udp(65 * SECOND, (9, 9), (2, 53), 1));
    let ports: Vec<_> =
        flows_of(&packets, &config(0)).iter().map(|f| f.head.tuple.src_port).collect();
    assert_eq!(ports, [1, 3, 4, 2, 5, 9], "at 65 s flows 1, 3, 4 are over; 5 is at 60 s exactly");
}

#[test]
fn time_that_runs_backwards_widens_the_flow_and_never_the_clock() {
    let packets = [
        udp(100 * SECOND, (1, 5), (2, 53), 1),
        udp(20 * SECOND, (2, 53), (1, 5), 1),
        udp(101 * SECOND, (1, 5), (2, 53), 1),
    ];
    let mut table = FlowTable::<Remembering>::new(config(0), ());
    let mut ended = Vec::new();
    for packet in &packets {
        table.on_packet(packet, &[], &mut |_| panic!("one flow"));
    }
    assert_eq!(table.clock(), packets[2].ts);
    assert_eq!(table.counters.reordered, 1);
    table.finish(&mut |flow| {
        assert_eq!((flow.head.first, flow.head.last), (packets[1].ts, packets[2].ts));
        ended.extend(flow.state.arrivals.iter().copied());
    });
    let gap = |gap: Option<u64>, same: Option<u64>, direction| Arrival {
        direction,
        gap: gap.map(Nanos),
        gap_same_direction: same.map(Nanos),
    };
    assert_eq!(
        ended,
        [
            gap(None, None, Direction::Forward),
            gap(Some(0), None, Direction::Backward),
            gap(Some(81 * SECOND), Some(SECOND), Direction::Forward),
        ]
    );
}

#[test]
fn other_flows_reordered_within_the_slack_change_nothing() {
    let own = [udp(0, (1, 5), (2, 53), 1), udp(60 * SECOND, (1, 5), (2, 53), 1)];
    let ahead = udp(60 * SECOND + SECOND / 2, (3, 3), (4, 4), 1);
    let slack = FlowConfig { reorder_slack: Nanos::from_secs(1), ..config(0) };
    assert_eq!(flows_of(&[own[0], ahead, own[1]], &slack).len(), 2);
    assert_eq!(
        flows_of(&[own[0], ahead, own[1]], &config(0)).len(),
        3,
        "without slack it is split"
    );
}
