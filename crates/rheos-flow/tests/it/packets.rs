//! Packets made by hand, and the flows a table makes of them.

use proptest::test_runner::Config;
use rheos_core::{Addr, FiveTuple, IpVersion, Nanos, Timestamp};
use rheos_flow::{Flow, FlowConfig, FlowTable};
use rheos_wire::{Packet, TcpHeader};

/// One second.
pub(crate) const SECOND: u64 = 1_000_000_000;
/// When the tests' captures begin.
pub(crate) const START: u64 = 1_700_000_000 * SECOND;

/// A host of the tests' network.
pub(crate) fn host(number: u8) -> Addr {
    Addr::v4([10, 0, 0, number])
}

/// A tuple between two hosts.
pub(crate) fn tuple(from: (u8, u16), to: (u8, u16), protocol: u8) -> FiveTuple {
    FiveTuple {
        src: host(from.0),
        dst: host(to.0),
        src_port: from.1,
        dst_port: to.1,
        protocol,
        version: IpVersion::V4,
    }
}

/// A UDP packet `at` nanoseconds after the start.
pub(crate) fn udp(at: u64, from: (u8, u16), to: (u8, u16), payload: u32) -> Packet {
    Packet {
        ts: Timestamp::from_nanos(START + at),
        tuple: tuple(from, to, 17),
        ip_len: 28 + payload,
        wire_len: 42 + payload,
        payload_len: payload,
        payload_cap_len: payload,
        ..Packet::default()
    }
}

/// A TCP segment of the connection between host 1 port 40000 and host 2 port 80; `from_client` tells its sender.
pub(crate) fn tcp(
    at: u64,
    from_client: bool,
    flags: u16,
    seq: u32,
    ack: u32,
    payload: u32,
) -> Packet {
    let client = tuple((1, 40_000), (2, 80), 6);
    Packet {
        ts: Timestamp::from_nanos(START + at),
        tuple: if from_client { client } else { client.reversed() },
        ip_len: 40 + payload,
        wire_len: 54 + payload,
        payload_len: payload,
        payload_cap_len: payload,
        tcp: TcpHeader { seq, ack, flags, window: 1000, header_len: 20, urgent: 0 },
        ..Packet::default()
    }
}

/// A config whose times are in seconds: idle 60, active as told, linger 5, no slack.
pub(crate) fn config(active_secs: u64) -> FlowConfig {
    FlowConfig {
        active_timeout: Nanos::from_secs(active_secs),
        reorder_slack: Nanos::ZERO,
        ..FlowConfig::default()
    }
}

/// Ended flows of `packets`, numbered in their order, in order of their end.
pub(crate) fn flows_of(packets: &[Packet], config: &FlowConfig) -> Vec<Flow<()>> {
    let mut table = FlowTable::<()>::new(config.clone(), ());
    let mut flows = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        let packet = Packet { index: index as u64, ..*packet };
        table.on_packet(&packet, &[], &mut |flow| flows.push(flow.clone()));
    }
    table.finish(&mut |flow| flows.push(flow.clone()));
    flows
}

/// How property tests run: a failure prints its input, which then becomes a test of its own.
pub(crate) fn cases() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}
