//! Every frame decodes, with the right checksums, and the decoder counts what the truth says.

use std::collections::HashMap;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use rheos_core::Timestamp;
use rheos_gen::{Link, Mix, Preset, SynthesisConfig, Synthesizer, Tcp, TunnelChoice, TunnelConfig};
use rheos_wire::{TunnelKind, tcp_flags};

use super::tally::run;

#[test]
fn every_preset_decodes_to_its_truth() {
    for preset in Preset::ALL {
        let (tally, truth, made) = run(&preset.config(), |_, _, _| {});
        assert_eq!((tally.dropped, tally.wrong_checksums), (0, 0), "{}", preset.name());
        assert!(tally.assert_equals(&truth) >= 1_000);
        let frames: u64 = truth.iter().flat_map(|flow| flow.directions).map(|d| d.frames).sum();
        let bytes: u64 = truth.iter().flat_map(|flow| flow.directions).map(|d| d.wire_bytes).sum();
        let counters = made.counters();
        assert_eq!((frames, bytes), (counters.frames, counters.wire_bytes));
        assert_eq!(counters.made, counters.frames);
    }
}

#[test]
fn tunnels_and_vlans_decode_to_the_inner_truth() {
    let kinds = [
        (TunnelChoice::Vxlan, TunnelKind::Vxlan),
        (TunnelChoice::Geneve, TunnelKind::Geneve),
        (TunnelChoice::Gre, TunnelKind::Gre),
        (TunnelChoice::Ipip, TunnelKind::IpInIp),
        (TunnelChoice::Gtpu, TunnelKind::GtpU),
        (TunnelChoice::Erspan, TunnelKind::Erspan),
        (TunnelChoice::L2tp, TunnelKind::L2tp),
    ];
    for (choice, kind) in kinds {
        let config = SynthesisConfig {
            conversations: Some(300),
            tunnel: TunnelConfig { kinds: vec![choice], percent: 100.0, ipv6_percent: 40.0 },
            link: Link {
                vlan_ids: vec![7, 8],
                vlan_percent: 50.0,
                qinq_outer: Some(99),
                ..Link::default()
            },
            ..SynthesisConfig::default()
        };
        let (mut frames, mut tagged) = (0, 0);
        let (tally, truth, made) = run(&config, |_, frame, packet| {
            frames += 1;
            tagged += u64::from(frame[12..16] == [0x88, 0xa8, 0, 99]);
            let tunnel = packet.tunnel.expect("each packet is in a tunnel");
            assert_eq!(tunnel.kind, kind);
            assert!(frame.len() <= 14 + 8 + 1_500, "{} bytes in {kind:?}", frame.len());
        });
        assert_eq!((tally.dropped, tally.wrong_checksums), (0, 0), "{choice:?}");
        assert_eq!(tally.tunnelled, tally.flows.values().map(|counts| counts[0]).sum::<u64>());
        assert!(tagged > frames / 10 && tagged < frames, "{tagged} of {frames}");
        let tags = truth.iter().filter(|flow| flow.vlans[0] == 99 && flow.vlans[1] >= 7).count();
        assert!(tags > 0 && tags < truth.len() && made.counters().lost == 0);
        assert_eq!(tally.assert_equals(&truth), truth.len());
    }
}

#[test]
fn large_datagrams_come_in_fragments_that_fit() {
    let config = SynthesisConfig {
        conversations: Some(100),
        mix: Mix { udp_large: 1, ..Mix::default() },
        ..SynthesisConfig::default()
    };
    let (tally, truth, _) = run(&config, |_, frame, _| assert!(frame.len() <= 1_514));
    assert!(tally.reassembled > 100, "{}", tally.reassembled);
    assert_eq!(tally.wrong_checksums, 0);
    tally.assert_equals(&truth);
}

/// A second opinion on lengths and checksums, from a decoder that is not ours.
#[test]
fn etherparse_agrees() {
    let config = SynthesisConfig {
        conversations: Some(400),
        link: Link { vlan_ids: vec![5], vlan_percent: 30.0, ..Link::default() },
        ..SynthesisConfig::default()
    };
    let mut made = Synthesizer::new(config.plan().expect("sound"));
    let (mut frame, mut checked) = (Vec::new(), 0);
    while made.next_into(&mut frame).is_some() {
        let packet = SlicedPacket::from_ethernet(&frame).expect("decodes");
        let net = packet.net.expect("is IP");
        match packet.transport {
            Some(transport) => checked += u64::from(transport_is_right(&net, &transport)),
            None => assert!(net.is_ip() && is_fragment(&net)),
        }
    }
    assert!(checked > 10_000, "{checked}");
}

fn is_fragment(net: &NetSlice<'_>) -> bool {
    match net {
        NetSlice::Ipv4(ip) => ip.header().is_fragmenting_payload(),
        NetSlice::Ipv6(ip) => ip.is_payload_fragmented(),
        NetSlice::Arp(_) => false,
    }
}

fn transport_is_right(net: &NetSlice<'_>, transport: &TransportSlice<'_>) -> bool {
    if is_fragment(net) {
        return false;
    }
    match (net, transport) {
        (NetSlice::Ipv4(ip), TransportSlice::Tcp(tcp)) => {
            let sum = tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination());
            assert_eq!(sum.expect("fits"), tcp.checksum());
            let header = ip.header().to_header();
            assert_eq!(header.calc_header_checksum(), header.header_checksum);
        }
        (NetSlice::Ipv6(ip), TransportSlice::Tcp(tcp)) => {
            let sum = tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination());
            assert_eq!(sum.expect("fits"), tcp.checksum());
        }
        (NetSlice::Ipv4(ip), TransportSlice::Udp(udp)) => {
            let header = ip.header();
            let (source, destination) = (header.source(), header.destination());
            let sum = udp.to_header().calc_checksum_ipv4_raw(source, destination, udp.payload());
            assert_eq!(sum.expect("fits"), udp.checksum());
        }
        (NetSlice::Ipv6(ip), TransportSlice::Udp(udp)) => {
            let header = ip.header();
            let (source, destination) = (header.source(), header.destination());
            let sum = udp.to_header().calc_checksum_ipv6_raw(source, destination, udp.payload());
            assert_eq!(sum.expect("fits"), udp.checksum());
        }
        (NetSlice::Ipv6(ip), TransportSlice::Icmpv6(icmp)) => {
            assert!(icmp.is_checksum_valid(ip.header().source(), ip.header().destination()));
        }
        (NetSlice::Ipv4(_), TransportSlice::Icmpv4(icmp)) => {
            let header = icmp.header();
            assert_eq!(header.icmp_type.calc_checksum(icmp.payload()), header.checksum);
        }
        other => panic!("{other:?}"),
    }
    true
}

/// What a receiver knows of one TCP direction.
#[derive(Default)]
struct Stream {
    next: Option<u32>,
    acked: u32,
    fin: bool,
}

/// In a run without faults every stream is whole and in order, and nothing is acknowledged before it was seen.
#[test]
fn tcp_streams_are_whole_and_in_order() {
    let config = SynthesisConfig {
        mix: Mix { http: 3, tls: 3, ssh: 1, mqtt: 1, ..Mix::default() },
        tcp: Tcp { unanswered_percent: 0.0, ..Tcp::default() },
        conversations: Some(500),
        ..SynthesisConfig::default()
    };
    let mut streams: HashMap<_, Stream> = HashMap::new();
    let mut now = Timestamp::ZERO;
    run(&config, |info, _, packet| {
        assert!(info.ts >= now);
        now = info.ts;
        let tcp = packet.tcp;
        let flag = |flag: u16| u32::from(tcp.flags & flag != 0);
        if tcp.flags & tcp_flags::ACK != 0 && tcp.flags & tcp_flags::RST == 0 {
            let back = streams.entry((info.conversation, packet.tuple.reversed())).or_default();
            let next = back.next.expect("acknowledges what was sent");
            assert!(next.wrapping_sub(tcp.ack) < 1 << 30, "ahead of the data: {}", packet.tuple);
            back.acked = tcp.ack;
        }
        let stream = streams.entry((info.conversation, packet.tuple)).or_default();
        assert!(!stream.fin || packet.payload_len == 0, "data after FIN");
        if let Some(next) = stream.next
            && tcp.flags & tcp_flags::RST == 0
        {
            assert_eq!(tcp.seq, next, "{}", packet.tuple);
        }
        let used = packet.payload_len + flag(tcp_flags::SYN) + flag(tcp_flags::FIN);
        stream.next = Some(tcp.seq.wrapping_add(used));
        stream.fin |= tcp.flags & tcp_flags::FIN != 0;
    });
    let closed: Vec<_> = streams.values().filter(|stream| stream.fin).collect();
    assert!(closed.len() > 700, "{}", closed.len());
    assert!(closed.iter().all(|stream| Some(stream.acked) == stream.next), "unacknowledged data");
}
