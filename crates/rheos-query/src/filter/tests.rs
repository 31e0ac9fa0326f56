use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;
use rheos_core::{RecordFlags, WideRecord};

use super::*;

fn matching(records: &[WideRecord], text: &str) -> Vec<u32> {
    let filter = match FlowFilter::parse(text) {
        Ok(filter) => BlockFilter::new(&filter),
        Err(error) => panic!("{}", error.render(text)),
    };
    let mut rows = Vec::new();
    let block = FlowBlock::from_wide(records);
    filter.select(&block, &mut rows);
    assert_eq!(filter.count(&block), rows.len() as u64);
    rows
}

fn v4(src: [u8; 4], dst: [u8; 4], ports: (u16, u16), protocol: u8) -> WideRecord {
    WideRecord {
        source_ip: WideRecord::mapped(u32::from_be_bytes(src)),
        destination_ip: WideRecord::mapped(u32::from_be_bytes(dst)),
        source_port: ports.0,
        destination_port: ports.1,
        protocol,
        packets: 10,
        bytes: 1000,
        first: 1_000_000_000,
        last: 3_000_000_000,
        tcp_flags: 0x12,
        input_interface: 1,
        output_interface: 2,
        ..WideRecord::default()
    }
}

fn flows() -> Vec<WideRecord> {
    let v6 = |text: &str| text.parse::<Ipv6Addr>().map(|a| a.octets()).unwrap_or_default();
    vec![
        v4([10, 0, 0, 1], [192, 168, 1, 1], (40_000, 443), 6),
        v4([10, 0, 0, 2], [192, 168, 1, 1], (40_000, 53), 17),
        WideRecord { tcp_flags: 0x02, bytes: 1, ..v4([10, 9, 0, 1], [8, 8, 8, 8], (1, 80), 6) },
        v4([172, 16, 0, 1], [10, 0, 0, 1], (0, 8 << 8), 1),
        WideRecord {
            source_ip: v6("2001:db8::1"),
            destination_ip: v6("2001:db8:1::2"),
            flags: RecordFlags::IPV6,
            source_as: 64_500,
            ..v4([0; 4], [0; 4], (50_000, 443), 6)
        },
    ]
}

#[test]
fn primitives_on_records_made_by_hand() {
    let all = flows();
    for (text, rows) in [
        ("any", vec![0, 1, 2, 3, 4]),
        ("", vec![0, 1, 2, 3, 4]),
        ("tcp", vec![0, 2, 4]),
        ("proto icmp", vec![3]),
        ("icmp-type 8 and icmp-code 0", vec![3]),
        ("icmp-type 0", vec![]),
        ("ip 10.0.0.1", vec![0, 3]),
        ("src ip 10.0.0.1", vec![0]),
        ("src net 10.0.0.0/8", vec![0, 1, 2]),
        ("src net 10.0.0.0/8 and not dst net 192.168.0.0/16", vec![2]),
        ("src ip in [10.0.0.2 10.9.0.0/16]", vec![1, 2]),
        ("src ip 10.0.0.1-10.0.0.2", vec![0, 1]),
        ("src net 2001:db8::/32", vec![4]),
        ("net ::/0", vec![4]),
        ("net 0.0.0.0/0", vec![0, 1, 2, 3]),
        ("ipv6", vec![4]),
        ("ipv4 and dst port 443", vec![0]),
        ("dst port 443", vec![0, 4]),
        ("dst port in [53 80]", vec![1, 2]),
        ("port < 100", vec![1, 2]),
        ("port 2048", vec![]),
        ("src port > 39999 and udp", vec![1]),
        ("flags S", vec![0, 2, 4]),
        ("flags S and not flags AFRPU", vec![2]),
        ("not flags A", vec![1, 2, 3]),
        ("bytes > 999", vec![0, 1, 3, 4]),
        ("bytes != 1000", vec![2]),
        ("bps = 4000 and ipv4", vec![0, 1, 3]),
        ("pps > 5", vec![]),
        ("bpp = 100", vec![0, 1, 3, 4]),
        ("duration >= 2000", vec![0, 1, 2, 3, 4]),
        ("duration > 2s", vec![]),
        ("in if 1 and out if 2 and if 2", vec![0, 1, 2, 3, 4]),
        ("src as 64500", vec![4]),
        ("src as in [1 64500]", vec![4]),
        ("first >= 1 and last <= 3", vec![0, 1, 2, 3, 4]),
        ("bytes < 0", vec![]),
        ("udp or tcp and dst port 80", vec![1, 2]),
    ] {
        assert_eq!(matching(&all, text), rows, "{text}");
    }
}

#[test]
fn bounds_exclude_what_cannot_match() {
    let excludes = |text: &str, low: u64, high: u64| {
        let filter = BlockFilter::new(&FlowFilter::parse(text).unwrap());
        filter.excludes(&|_| Some((low, high)))
    };
    assert!(excludes("bytes > 100", 0, 100) && !excludes("bytes > 100", 0, 101));
    assert!(excludes("bytes > 100 and packets 1", 2, 200));
    assert!(!excludes("bytes > 100 or packets 1", 0, 2));
    assert!(!excludes("not bytes > 100", 200, 300), "what is negated is not looked at");
}

/// What a test means for a record and a number.
type Check = fn(&WideRecord, u64) -> bool;

fn number_test() -> impl Strategy<Value = (String, Check, u64)> {
    let cases: Vec<(&'static str, Check)> = vec![
        ("bytes >", |r, n| r.bytes > n),
        ("packets <=", |r, n| r.packets <= n),
        ("proto", |r, n| u64::from(r.protocol) == n),
        ("tos !=", |r, n| u64::from(r.tos) != n),
        ("stream <", |r, n| u64::from(r.stream_id) < n),
        ("src ip 10.0.0.", |r, n| r.source_ip == WideRecord::mapped(0x0a00_0000 | n as u32)),
        (
            "dst net 10.0.0.0/3",
            |r, _| matches!(r.destination(), IpAddr::V4(a) if a.octets()[0] < 32),
        ),
        ("dst port", |r, n| {
            [6, 17, 132].contains(&r.protocol) && u64::from(r.destination_port) == n
        }),
    ];
    (proptest::sample::select(cases), 0..4_u64).prop_map(|((word, check), n)| {
        let text = match word {
            "dst net 10.0.0.0/3" => "dst net 0.0.0.0/3".to_owned(),
            word if word.ends_with('.') => format!("{word}{n}"),
            word => format!("{word} {n}"),
        };
        (text, check, n)
    })
}

proptest! {
    /// The columns give what each record alone gives.
    #[test]
    fn blocks_agree_with_single_records(
        rows in proptest::collection::vec((0..4_u64, 0..4_u64, 0..4_u8, 0..4_u32, 0..70_u8), 0..1500),
        (a, is_a, n) in number_test(),
        (b, is_b, m) in number_test(),
        (c, is_c, k) in number_test(),
    ) {
        let records: Vec<WideRecord> = rows.iter().map(|&(bytes, packets, small, ip, high)| WideRecord {
            bytes,
            packets,
            protocol: if small == 3 { 6 } else { small },
            tos: small,
            stream_id: ip,
            source_ip: WideRecord::mapped(0x0a00_0000 | ip),
            destination_ip: WideRecord::mapped(u32::from(high) << 24),
            destination_port: packets as u16,
            ..WideRecord::default()
        }).collect();
        let found = matching(&records, &format!("{a} and not {b} or ({c})"));
        let expected: Vec<u32> = (0..).zip(&records)
            .filter(|(_, r)| is_a(r, n) && !is_b(r, m) || is_c(r, k))
            .map(|(i, _)| i)
            .collect();
        prop_assert_eq!(found, expected);
    }
}
