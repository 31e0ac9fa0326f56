//! The filter language against the one it is a subset of: `tcpdump` must choose exactly the same packets
//! of the corpus' plain captures for the same text, packet by packet.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it stops at what it does not expect"
)]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rheos_core::filter::{Filter, PortProtocol, Primitive, Side};
use rheos_core::{Frame, LinkType, Rng, Seed, Timestamp};
use rheos_wire::filter::PacketFilter;
use rheos_wire::{DecodeConfig, Decoded, Layer, Packet, decode};

/// A plain packet, as tcpdump and Rheos both understand it.
struct Sample {
    bytes: Vec<u8>,
    wire_len: u32,
    packet: Packet,
}

/// What the language has in common with pcap-filter(7), and every rule of its grammar.
const EXPRESSIONS: &[&str] = &[
    "ip",
    "ip6",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "igmp",
    "sctp",
    "esp",
    "ah",
    "pim",
    "proto 47",
    "ip proto 17",
    "ip6 proto 6",
    "port 53",
    "tcp port 80",
    "udp port 53",
    "sctp port 80",
    "src port 53",
    "dst port 53",
    "src and dst port 53",
    "src or dst port 123",
    "tcp dst portrange 20-25",
    "portrange 65000-1024",
    "net 10",
    "net 192.168",
    "net 10.0.0.0/8 or 192.168.0.0/16",
    "src net 10.0.0.0/8 and dst net 10.0.0.0/8",
    "src and dst net 10.0.0.0/8",
    "net 10.0.0.0 mask 255.128.0.0",
    "ip6 net fe80::/10",
    "net 2000::/3",
    "dst net 224.0.0.0/4 or ff00::/8",
    "len <= 64",
    "less 100",
    "greater 1000",
    "len > 60 and len < 100",
    "len != 60",
    "not tcp",
    "not tcp and not udp",
    "! ip6 && ! udp || tcp",
    "tcp or udp and ip6",
    "udp and ip6 or tcp",
    "tcp or (udp and ip6)",
    "not port 80 and 443",
    "not (port 80 or 443)",
    "port (80 or 443) and tcp",
    "port 80 or 443 and net 10",
    "tcp port 80 or 443 or 22 or udp",
    "host 127.0.0.1 or ::1",
    "port not 53",
];

#[test]
fn tcpdump_chooses_the_same_packets() {
    if !tcpdump_is_there() {
        return;
    }
    let mut samples = made_samples();
    let made = samples.len();
    for file in captures() {
        read_plain(&file, &mut samples);
    }
    println!("{} plain packets, {made} of them made here", samples.len());

    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("plain.pcap");
    fs::write(&capture, pcap_of(&samples)).unwrap();

    let mut expressions: Vec<String> = EXPRESSIONS.iter().map(|&e| e.to_owned()).collect();
    expressions.extend(made_expressions(&samples, 150));
    let mut hits = 0;
    for text in &expressions {
        let filter = Filter::parse(text).unwrap_or_else(|e| panic!("{}", e.render(text)));
        let ours = chosen(&samples, &filter);
        // The text as written and as printed: both must mean the same to tcpdump.
        for text in [text.clone(), filter.to_string()] {
            let theirs = tcpdump(&capture, &text);
            let differing: Vec<_> = ours.symmetric_difference(&theirs).take(5).collect();
            if let Some(&&first) = differing.first() {
                let packet = &samples[first as usize].packet;
                panic!("`{text}`: packets {differing:?}, the first is {packet:?}");
            }
        }
        hits += usize::from(!ours.is_empty() && ours.len() < samples.len());
    }
    println!(
        "{} filters agree, {hits} of them choose some packets and not others",
        expressions.len()
    );
    assert!(hits > expressions.len() / 4, "too few filters choose anything");
}

fn tcpdump_is_there() -> bool {
    let found = Command::new("tcpdump").arg("--version").output().is_ok_and(|o| o.status.success());
    let required = std::env::var_os("RHEOS_REQUIRE_TOOLS").is_some_and(|v| v == "1");
    assert!(found || !required, "tcpdump is missing: `apt-get install tcpdump`");
    if !found {
        println!("skipped: tcpdump is missing (`apt-get install tcpdump`)");
    }
    found
}

fn corpus() -> PathBuf {
    std::env::var_os("RHEOS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    )
}

/// The corpus' files, in order; none, with a word, when it is not there.
fn captures() -> Vec<PathBuf> {
    let root = corpus();
    if !root.is_dir() {
        println!("no corpus at `{}`: made packets only", root.display());
        return Vec::new();
    }
    let mut folders = vec![root];
    let mut files = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path);
            }
        }
    }
    files.into_iter().collect()
}

/// Adds the plain packets of a classic little-endian Ethernet capture; other files have none.
fn read_plain(path: &Path, samples: &mut Vec<Sample>) {
    let bytes = fs::read(path).unwrap();
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().unwrap()))
    };
    if !matches!(word(0), Some(0xa1b2_c3d4 | 0xa1b2_3c4d)) || word(20) != Some(1) {
        return;
    }
    let mut at = 24;
    while let (Some(cap_len), Some(wire_len)) = (word(at + 8), word(at + 12)) {
        at += 16;
        let Some(data) = bytes.get(at..at.saturating_add(cap_len as usize)) else { return };
        at += cap_len as usize;
        add_if_plain(data, wire_len, samples);
    }
}

/// Plain: Ethernet, IP, transport and nothing else, so that both programs look at the same header.
fn add_if_plain(data: &[u8], wire_len: u32, samples: &mut Vec<Sample>) {
    let ts = Timestamp::ZERO;
    let frame = Frame { ts, wire_len, link: LinkType::ETHERNET, data };
    let mut packet = Packet::default();
    if decode(frame, 0, &DecodeConfig::default(), &mut packet) != Decoded::Packet {
        return;
    }
    let plain_layers = matches!(
        packet.layers.as_slice(),
        [Layer::Ethernet, Layer::Ipv4 | Layer::Ipv6, transport] if *transport != Layer::Ah
    );
    // BPF reads no further than the first next-header field of IPv6.
    let no_extensions = packet.layers.as_slice().contains(&Layer::Ipv4)
        || packet.l4_offset == packet.l3_offset + 40;
    // Tags without a layer of their own, which tcpdump does not look behind.
    let no_tags = packet.l3_offset == 14;
    if plain_layers && no_extensions && no_tags && packet.tunnel.is_none() {
        samples.push(Sample { bytes: data.to_vec(), wire_len, packet });
    }
}

/// A few packets made by hand, so that there is something to choose from without a corpus.
fn made_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    let v4: [[u8; 4]; 4] = [[10, 0, 0, 1], [10, 200, 3, 4], [192, 168, 1, 9], [224, 0, 0, 251]];
    for protocol in [1_u8, 2, 6, 17, 47, 50, 132] {
        for (i, src) in v4.iter().enumerate() {
            for (j, dst) in v4.iter().enumerate() {
                let ports = [[53_u16, 80], [443, 53], [22, 20], [123, 123]][(i + j) % 4];
                let mut ip = vec![0x45, 0, 0, 60, 0, 0, 0, 0, 64, protocol, 0, 0];
                ip.extend(src.iter().chain(dst));
                add_if_plain(&ethernet(0x0800, &ip, protocol, ports), 74, &mut samples);

                let mut ip = vec![0x60, 0, 0, 0, 0, 40, protocol, 64];
                ip.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, src[3]]);
                ip.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, dst[3]]);
                add_if_plain(&ethernet(0x86dd, &ip, protocol, ports), 94, &mut samples);
            }
        }
    }
    samples
}

/// An Ethernet frame with 40 bytes after the IP header that pass for any transport header.
fn ethernet(ethertype: u16, ip: &[u8], protocol: u8, ports: [u16; 2]) -> Vec<u8> {
    let mut transport = [0_u8; 40];
    transport[..2].copy_from_slice(&ports[0].to_be_bytes());
    transport[2..4].copy_from_slice(&ports[1].to_be_bytes());
    match protocol {
        6 => transport[12] = 0x50,
        17 => transport[5] = 40,
        _ => {}
    }
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(ip);
    frame.extend(transport);
    frame
}

/// A classic capture whose time stamps are the packets' places.
fn pcap_of(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for (i, sample) in samples.iter().enumerate() {
        for word in [i as u32, 0, sample.bytes.len() as u32, sample.wire_len] {
            out.extend(word.to_le_bytes());
        }
        out.extend(&sample.bytes);
    }
    out
}

fn chosen(samples: &[Sample], filter: &Filter) -> HashSet<u32> {
    let filter = PacketFilter::new(filter).unwrap();
    let hits = samples.iter().enumerate().filter(|(_, s)| filter.matches(&s.packet));
    hits.map(|(i, _)| i as u32).collect()
}

/// The places of the packets that tcpdump chooses.
fn tcpdump(capture: &Path, text: &str) -> HashSet<u32> {
    let mut command = Command::new("tcpdump");
    command.args(["-w", "-", "-r"]).arg(capture).arg(text);
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    if talk.contains("expression rejects all packets") {
        return HashSet::new();
    }
    assert!(output.status.success(), "tcpdump refuses `{text}`: {talk}");
    let bytes = output.stdout;
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut found = HashSet::new();
    let mut at = 24;
    while at < bytes.len() {
        found.insert(word(at));
        at += 16 + word(at + 8) as usize;
    }
    found
}

/// Filters made of addresses, ports and lengths that occur, joined at random.
fn made_expressions(samples: &[Sample], n: usize) -> Vec<String> {
    let mut rng = Seed(2).rng();
    let primitive = |rng: &mut Rng| {
        let packet = &samples[rng.below(samples.len() as u64) as usize].packet;
        let side = *pick(rng, &[Side::Either, Side::Src, Side::Dst, Side::Both]);
        let text = match rng.below(5) {
            0 => format!("host {}", packet.tuple.src_ip()),
            1 => format!("dst host {}", packet.tuple.dst_ip()),
            2 => format!("len >= {}", packet.wire_len),
            3 => format!("proto {}", packet.tuple.protocol),
            _ => {
                let protocol =
                    *pick(rng, &[None, Some(PortProtocol::Tcp), Some(PortProtocol::Udp)]);
                let (a, b) = (packet.tuple.src_port, packet.tuple.dst_port);
                let first = a.min(b);
                let last = *pick(rng, &[first, a.max(b)]);
                Primitive::Port { protocol, side, first, last }.to_string()
            }
        };
        let not = *pick(rng, &["", "", "not "]);
        format!("{not}{text}")
    };
    (0..n)
        .map(|_| {
            let mut text = primitive(&mut rng);
            for _ in 0..rng.below(4) {
                let joint = *pick(&mut rng, &["and", "or"]);
                text = match rng.below(3) {
                    0 => format!("({text}) {joint} {}", primitive(&mut rng)),
                    1 => format!("{} {joint} ({text})", primitive(&mut rng)),
                    _ => format!("{text} {joint} {}", primitive(&mut rng)),
                };
            }
            text
        })
        .collect()
}

fn pick<'a, T>(rng: &mut Rng, items: &'a [T]) -> &'a T {
    &items[rng.below(items.len() as u64) as usize]
}
