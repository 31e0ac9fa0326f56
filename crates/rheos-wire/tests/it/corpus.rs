//! Every frame of every capture of the corpus gives exactly one outcome that keeps its promises.

use std::collections::BTreeMap;

use rheos_core::{DropReason, Frame, Timestamp};
use rheos_wire::{DecodeConfig, Decoded, Fragment, Packet, decode};

use crate::it::captures::{Captured, corpus, files, frames};

/// What every packet promises about its offsets and lengths.
pub(crate) fn check_packet(packet: &Packet, data: &[u8]) {
    let len = data.len() as u32;
    assert!(packet.l3_offset < len);
    assert!(packet.l2_offset <= packet.l3_offset);
    assert!(packet.l3_offset < packet.l4_offset && packet.l4_offset <= packet.payload_offset);
    assert!(packet.payload_cap_len <= packet.payload_len);
    let captured = packet.payload_offset.checked_add(packet.payload_cap_len);
    assert!(packet.payload_cap_len == 0 || captured.is_some_and(|end| end <= len));
    let headers = packet.payload_offset - packet.l3_offset;
    assert!(headers + packet.payload_len <= packet.ip_len.max(headers), "{packet:?}");
    assert_eq!(packet.payload(data).len() as u32, packet.payload_cap_len);
    assert_eq!(packet.tuple.protocol == 6, packet.tcp.header_len >= 20);
    if packet.tuple.protocol == 6 {
        let options = packet.tcp_options(data).len();
        let whole = packet.payload_offset <= len;
        assert_eq!(options, if whole { usize::from(packet.tcp.header_len) - 20 } else { 0 });
    }
}

/// What every fragment promises.
pub(crate) fn check_fragment(fragment: &Fragment, data: &[u8]) {
    assert!(fragment.data_cap_len <= fragment.data_len);
    assert!(fragment.data_offset + fragment.data_cap_len <= data.len() as u32);
    assert!(fragment.l3_offset + fragment.header_len <= fragment.data_offset);
    assert!(fragment.offset + fragment.data_len <= 65_535);
}

/// Decodes a frame, checks the promises and tells the outcome.
pub(crate) fn check(frame: &Captured, config: &DecodeConfig, out: &mut Packet) -> Decoded {
    let Captured { link, wire_len, data } = frame;
    let taken = Frame { ts: Timestamp::ZERO, wire_len: *wire_len, link: *link, data };
    let decoded = decode(taken, 0, config, out);
    match decoded {
        Decoded::Packet => check_packet(out, data),
        Decoded::Fragment(fragment) => check_fragment(&fragment, data),
        Decoded::Dropped(_) => {}
    }
    decoded
}

#[test]
fn every_frame_of_the_corpus_has_one_sound_outcome() {
    let Some(root) = corpus() else { return };
    let config = DecodeConfig::default();
    let mut out = Packet::default();
    let mut outcomes = BTreeMap::<&str, u64>::new();
    let mut total = 0;
    for path in files(&root, &["zeek", "ja4", "suricata", "tcpdump"]) {
        for frame in frames(&path) {
            let label = match check(&frame, &config, &mut out) {
                Decoded::Packet => out.tunnel.map_or("packet", |tunnel| tunnel.kind.name()),
                Decoded::Fragment(_) => "fragment",
                Decoded::Dropped(reason) => reason.label(),
            };
            *outcomes.entry(label).or_default() += 1;
            total += 1;
        }
    }
    for (outcome, count) in &outcomes {
        println!("{count:8} {outcome}");
    }
    assert!(total > 50_000, "{total} frames: the corpus was not read whole");
    assert_eq!(outcomes.values().sum::<u64>(), total);
    for tunnel in ["gre", "erspan", "vxlan", "geneve", "gtpu", "teredo", "ipip", "ayiya"] {
        assert!(outcomes.contains_key(tunnel), "no frame with {tunnel}");
    }
    assert!(outcomes["packet"] * 10 > total * 8);
}

/// Frames by link type whose first IP packet could be read: a link type that is read must give packets.
#[test]
fn every_link_type_of_the_corpus_that_is_read_gives_packets() {
    let Some(root) = corpus() else { return };
    let config = DecodeConfig::default();
    let mut out = Packet::default();
    let mut links = BTreeMap::<u16, [u64; 2]>::new();
    for path in files(&root, &["zeek", "ja4", "suricata", "tcpdump"]) {
        for frame in frames(&path) {
            let decoded = check(&frame, &config, &mut out);
            if decoded == Decoded::Dropped(DropReason::LinkUnsupported) {
                links.entry(frame.link.0).or_default()[1] += 1;
            } else {
                links.entry(frame.link.0).or_default()[0] += u64::from(decoded == Decoded::Packet);
            }
        }
    }
    println!("link type: [packets, unsupported] {links:?}");
    for link in [0, 1, 9, 12, 101, 104, 105, 107, 113, 127, 228, 229, 239] {
        assert!(links.get(&link).is_none_or(|counts| counts[1] == 0), "link type {link}");
    }
    for link in [0, 1, 9, 101, 105, 113, 127, 228, 229] {
        assert!(links[&link][0] > 0, "no packet of link type {link}");
    }
}
