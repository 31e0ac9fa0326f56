//! The language as a whole: what it means, what it rejects and with which words, and that what it
//! prints means what it read.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    match Filter::parse(text) {
        Ok(filter) => filter.to_string(),
        Err(error) => panic!("{}", error.render(text)),
    }
}

fn error(text: &str) -> FilterError {
    match Filter::parse(text) {
        Ok(filter) => panic!("`{text}` was read as `{filter}`"),
        Err(error) => error,
    }
}

#[test]
fn primitives_in_every_form() {
    for (text, meaning) in [
        ("", ""),
        (" \t", ""),
        ("host 10.0.0.1", "host 10.0.0.1"),
        ("src 10.0.0.1", "src host 10.0.0.1"),
        ("dst host ::1", "dst host ::1"),
        ("src 10.0.0.0/8", "src net 10.0.0.0/8"),
        ("net 10", "net 10.0.0.0/8"),
        ("net 10/8", "net 10.0.0.0/8"),
        ("net 192.168", "net 192.168.0.0/16"),
        ("net 10.1.0.0 mask 255.255.0.0", "net 10.1.0.0/16"),
        ("net 1.2.3.4", "host 1.2.3.4"),
        ("net 0.0.0.0/0", "net 0.0.0.0/0"),
        ("ip6 net 2001:DB8::/32", "net 2001:db8::/32"),
        ("ip host 1.2.3.4", "host 1.2.3.4"),
        ("port 0x50", "port 80"),
        ("src or dst port domain", "port 53"),
        ("dst or src port 53", "port 53"),
        ("src and dst port 123", "src and dst port 123"),
        ("tcp src port ftp-data", "tcp src port 20"),
        ("udp portrange 6008-6000", "udp portrange 6000-6008"),
        ("portrange ftp-data-ssh", "portrange 20-22"),
        ("portrange 80", "port 80"),
        ("proto 6", "tcp"),
        ("proto \\udp", "udp"),
        ("ip proto icmp", "icmp"),
        ("ip6 proto 58", "icmp6"),
        ("ip proto 6", "ip proto 6"),
        ("proto gre", "proto 47"),
        ("gre", "gre"),
        ("gre 0x10", "gre 16"),
        ("vxlan 42", "vxlan 42"),
        ("tunnel", "tunnel"),
        ("vlan 0", "vlan 0"),
        ("mpls and pppoes and vlan", "mpls and pppoes and vlan"),
        ("less 64", "len <= 64"),
        ("greater 64", "len >= 64"),
        ("len==64", "len = 64"),
        ("len != 0xffffffff", "len != 4294967295"),
    ] {
        assert_eq!(canonical(text), meaning, "{text}");
    }
}

#[test]
fn and_and_or_bind_equally_from_the_left_and_not_binds_tightest() {
    for (text, meaning) in [
        ("tcp or udp and ip", "(tcp or udp) and ip"),
        ("tcp and udp or ip", "(tcp and udp) or ip"),
        ("tcp or (udp and ip)", "tcp or (udp and ip)"),
        ("not tcp and udp", "not tcp and udp"),
        ("not (tcp and udp)", "not (tcp and udp)"),
        ("!tcp&&!udp||ip", "(not tcp and not udp) or ip"),
        ("(tcp and udp) and (ip and ip6)", "tcp and udp and ip and ip6"),
        ("not not (((tcp)))", "not not tcp"),
    ] {
        assert_eq!(canonical(text), meaning, "{text}");
    }
}

#[test]
fn values_inherit_the_last_qualifiers() {
    for (text, meaning) in [
        ("port 80 or 443", "port 80 or port 443"),
        (
            "tcp dst port ftp or ftp-data or domain",
            "tcp dst port 21 or tcp dst port 20 or tcp dst port 53",
        ),
        ("host 10.0.0.1 or 10.0.0.2 and tcp", "(host 10.0.0.1 or host 10.0.0.2) and tcp"),
        ("not host ::1 and ::2", "not host ::1 and host ::2"),
        ("src net 10/8 or 172.16/12", "src net 10.0.0.0/8 or src net 172.16.0.0/12"),
        ("host 10.0.0.1 and port (80 or 443)", "host 10.0.0.1 and (port 80 or port 443)"),
        (
            "host 10.0.0.1 and (10.0.0.2 or 10.0.0.3)",
            "host 10.0.0.1 and (host 10.0.0.2 or host 10.0.0.3)",
        ),
        ("port not 80", "not port 80"),
        ("port 80 and (tcp or port 81) or 82", "(port 80 and (tcp or port 81)) or port 82"),
        ("ip proto 6 or 17", "ip proto 6 or ip proto 17"),
    ] {
        assert_eq!(canonical(text), meaning, "{text}");
    }
}

#[test]
fn mistakes_are_shown_with_what_to_write() {
    for (text, part, hint) in [
        ("tcp and prot 80", "unknown word `prot`", "`port`"),
        ("hsot 1.2.3.4", "unknown word `hsot`", "`host`"),
        ("port 80 or hsot 1.2.3.4", "unknown word `hsot`", "`host`"),
        ("TCP", "unknown word `TCP`", "`tcp`"),
        ("port htps", "`htps`", "`https`"),
        ("proto tpc", "`tpc`", "`tcp`"),
        ("port 80-90", "`80-90`", "portrange 80-90"),
        ("port 70000", "between 0 and 65535", ""),
        ("port 010", "`010`", "`10`"),
        ("vlan 4096", "between 0 and 4095", ""),
        ("proto 256", "between 0 and 255", ""),
        ("10.0.0.1", "no type", "`host 10.0.0.1`"),
        ("tcp or 443", "no type", "`port 443`"),
        ("tcp or 10.1", "no type", "`net 10.1`"),
        ("port 80 or tcp or 443", "no type", "`port 443`"),
        ("host 10.1", "an IP address", "`net 10.1.0.0/16`"),
        ("host example.org", "an IP address", "not looked up"),
        ("host 10.0.0.0/8", "an IP address", "`net 10.0.0.0/8`"),
        ("net 10.1.2.3/16", "beyond its prefix", "`net 10.1.0.0/16`"),
        ("net 10/33", "between 0 and 32", ""),
        ("net 10.0.0.0 mask 255.0.255.0", "leading ones", "prefix length"),
        ("net ::1 mask 255.0.0.0", "IPv6", "prefix length"),
        ("tcp host 1.2.3.4", "`tcp` does not go with `host`", "`tcp and host ...`"),
        ("tcp src 1.2.3.4", "does not go", "`tcp and host ...`"),
        ("ip port 80", "does not go", "`ip and port ...`"),
        ("ip6 host 1.2.3.4", "does not go", "leave `ip6` out"),
        ("src proto 6", "does not go", "`proto` alone"),
        ("tcp[13] & 2 != 0", "`tcp[13]`", "tcpdump"),
        ("tcp and ether[0] = 1", "`ether[0]`", "tcpdump"),
        ("arp", "belong to no flow", "leave it out"),
        ("ip broadcast", "`and`, `or` or the end", ""),
        ("dst host 1.1.1.1 and not broadcast", "not known", "224.0.0.0/4"),
        ("tcp & udp", "unexpected `&`", "`&&`"),
        ("tcp udp", "`udp` where `and`, `or` or the end", ""),
        ("tcp and", "ends where", ""),
        ("(tcp or udp", "without its", ""),
        ("tcp)", "`)`", ""),
        ("()", "a primitive", ""),
        ("src", "ends where an IP address", ""),
        ("port", "ends where a port", ""),
        ("port (80 or tcp)", "`tcp` where a port", ""),
        ("net 10/", "ends where a prefix length", ""),
        ("len 5", "a comparison", ""),
        ("len <", "a number of bytes", ""),
        ("10 < len", "no type", ""),
        ("mpls 5", "`5` where", "only that the header is there"),
    ] {
        let error = error(text);
        let shown = error.render(text);
        assert!(shown.contains(part), "{text}: {shown}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{text}: {shown}");
    }
}

#[test]
fn a_caret_points_at_the_mistake() {
    let text = "tcp and prot 80";
    assert_eq!(
        error(text).render(text),
        "tcp and prot 80\n        ^^^^ unknown word `prot`\nhint: did you mean `port`?"
    );
    assert_eq!(
        error(text).to_string(),
        "unknown word `prot` at byte 9 of the filter: did you mean `port`?"
    );
    let text = "tcp\nand (";
    let shown = error(text).render(text);
    assert!(shown.starts_with("tcp and (\n         ^ the filter ends"), "{shown}");
}

#[test]
fn long_filters_are_shown_in_part() {
    let text = format!("{}prot 80 and {}", "tcp and ".repeat(100), "udp and ".repeat(100));
    let shown = error(&text).render(&text);
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("...") && lines[0].ends_with("..."), "{shown}");
    assert!(lines[0].len() < 100);
    let caret = lines[1].find('^').unwrap();
    assert_eq!(&lines[0][caret..caret + 4], "prot");
}

#[test]
fn length_and_depth_are_bounded() {
    let long = "tcp or ".repeat(TEXT_MAX / 7 + 1);
    assert_eq!(error(&long).kind, FilterErrorKind::TooLong { bytes: long.len() });
    for deep in ["(", "not ", "! ", "tcp and ("] {
        assert_eq!(error(&deep.repeat(1000)).kind, FilterErrorKind::TooDeep, "{deep}");
    }
    assert_eq!(error(&format!("port {}", "(".repeat(1000))).kind, FilterErrorKind::TooDeep);
    let mixed = format!("{}tcp", "tcp and udp or ".repeat(1000));
    assert_eq!(error(&mixed).kind, FilterErrorKind::TooDeep);
    let flat = format!("{}tcp", "host 10.0.0.1 or ".repeat(1000));
    assert!(Filter::parse(&flat).is_ok());
    let levels = format!("{}tcp{}", "(".repeat(DEPTH_MAX - 1), ")".repeat(DEPTH_MAX - 1));
    assert!(Filter::parse(&levels).is_ok());
}

#[test]
fn networks_contain_their_addresses() {
    let net = |a: &str, p| Network::new(a.parse().unwrap(), p).unwrap();
    let addr = |a: &str| a.parse::<IpAddr>().unwrap();
    assert!(net("10.1.2.3", 8).contains(addr("10.255.0.1")));
    assert!(!net("10.0.0.0", 8).contains(addr("11.0.0.1")));
    assert!(net("0.0.0.0", 0).contains(addr("1.2.3.4")));
    assert!(!net("0.0.0.0", 0).contains(addr("::1")));
    assert!(net("2001:db8::", 32).contains(addr("2001:db8:ffff::1")));
    assert_eq!(Network::new(addr("10.0.0.0"), 33), None);
    assert!(Network::host(addr("::1")).is_host());
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Either), Just(Side::Src), Just(Side::Dst), Just(Side::Both)]
}

fn version() -> impl Strategy<Value = IpVersion> {
    prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::GreaterOrEqual),
        Just(Comparison::Greater),
    ]
}

fn primitive() -> impl Strategy<Value = Primitive> {
    let protocol = prop::option::of(prop::sample::select(PortProtocol::ALL.to_vec()));
    let tunnel = prop::option::of((
        prop::sample::select(TunnelWord::ALL.to_vec()),
        prop::option::of(any::<u32>()),
    ));
    prop_oneof![
        version().prop_map(Primitive::Version),
        (prop::option::of(version()), any::<u8>())
            .prop_map(|(version, number)| Primitive::Protocol { version, number }),
        (side(), any::<IpAddr>(), 0..=128_u8).prop_map(|(side, addr, prefix)| {
            let net = Network::new(addr, prefix).unwrap_or(Network::host(addr));
            Primitive::Net { side, net }
        }),
        (protocol, side(), any::<u16>(), any::<u16>()).prop_map(|(protocol, side, a, b)| {
            Primitive::Port { protocol, side, first: a.min(b), last: a.max(b) }
        }),
        prop::option::of(0..=4095_u16).prop_map(Primitive::Vlan),
        Just(Primitive::Mpls),
        Just(Primitive::Pppoe),
        tunnel.prop_map(|t| Primitive::Tunnel { kind: t.map(|t| t.0), id: t.and_then(|t| t.1) }),
        (comparison(), any::<u32>())
            .prop_map(|(comparison, bytes)| Primitive::Length { comparison, bytes }),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    primitive().prop_map(Expr::Primitive).prop_recursive(8, 64, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Expr::negated),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner).prop_map(|(a, b)| a.or(b)),
        ]
    })
}

/// Filter-like text: words of the language and scraps of values in any order.
fn scraps() -> impl Strategy<Value = String> {
    let words = [
        "host",
        "net",
        "port",
        "portrange",
        "proto",
        "src",
        "dst",
        "and",
        "or",
        "not",
        "(",
        ")",
        "!",
        "&&",
        "||",
        "tcp",
        "udp",
        "ip",
        "ip6",
        "vlan",
        "vxlan",
        "len",
        "<=",
        "less",
        "mask",
        "/",
        "8",
        "10.0.0.1",
        "10.1",
        "::1",
        "80",
        "80-90",
        "https",
        "[",
        "]",
        "mpls",
        "\u{e9}",
        "\\tcp",
        "0x",
        "255.255.0.0",
        "-",
        "99999999999",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..24).prop_map(|w| w.join(" "))
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(expr in expr()) {
        let filter = Filter::new(expr);
        let text = filter.to_string();
        match Filter::parse(&text) {
            Ok(back) => prop_assert_eq!(back, filter),
            Err(error) => prop_assert!(false, "{}", error.render(&text)),
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(!error.render(&text).is_empty());
        }
    }

    #[test]
    fn no_words_panic_and_what_is_read_reads_back(text in scraps()) {
        match Filter::parse(&text) {
            Ok(filter) => {
                let printed = filter.to_string();
                let back = Filter::parse(&printed);
                prop_assert_eq!(back.as_ref(), Ok(&filter), "`{}` as `{}`", text, printed);
            }
            Err(error) => {
                prop_assert!(error.span.end <= text.len());
                prop_assert!(!error.render(&text).is_empty());
            }
        }
    }
}

#[test]
fn networks_are_read_as_they_are_written() {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "192.168.1.7", "2001:db8::/32", "::1"] {
        assert_eq!(text.parse::<Network>().map(|network| network.to_string()), Ok(text.to_owned()));
    }
    assert_eq!("10.1.2.3/8".parse::<Network>().map(|network| network.prefix()), Ok(8));
    for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "x/8"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}
