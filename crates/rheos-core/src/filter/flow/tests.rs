use super::*;

fn canonical(text: &str) -> String {
    match FlowFilter::parse(text) {
        Ok(filter) => filter.to_string(),
        Err(error) => panic!("{}", error.render(text)),
    }
}

#[test]
fn nfdump_filters_have_a_canonical_form() {
    for (text, expected) in [
        ("any", "flows >= 0"),
        ("PROTO TCP AND NOT SRC IP 10.0.0.1", "tcp and not src host 10.0.0.1"),
        (
            "src net 10.0.0.0/8 or dst net 192.168.0.0 255.255.0.0",
            "src net 10.0.0.0/8 or dst net 192.168.0.0/16",
        ),
        ("dst port 80-90", "dst portrange 80-90"),
        ("port in [ 80, 443 8000-8100 ]", "port 80 or port 443 or portrange 8000-8100"),
        ("port > 1024", "portrange 1025-65535"),
        ("src port != 53", "not src port 53"),
        ("src ip in [10.0.0.0/8 192.168.1.1]", "src net 10.0.0.0/8 or src host 192.168.1.1"),
        ("ip 10.0.0.1-10.0.0.9", "ip 10.0.0.1-10.0.0.9"),
        ("flags S and not flags AFRPU", "flags all S and not flags any FRPAU"),
        ("not (flags SA)", "not flags all SA"),
        ("flags X", "flags all FSRPAU"),
        ("bytes > 100k # comment\nand packets LE 1m", "bytes > 100000 and packets <= 1000000"),
        ("duration > 500", "duration > 500ms"),
        ("duration >= 1s500ms", "duration >= 1s500ms"),
        ("in if 3 or out if 4 or if 5", "in if = 3 or out if = 4 or if = 5"),
        ("src as in [1 2]", "src as = 1 or src as = 2"),
        ("ipv6 and not inet", "ip6 and not ip"),
        ("tcp port 80 or 443", "tcp port 80 or tcp port 443"),
        ("src and dst port 123", "src and dst port 123"),
        ("first >= 1700000000.5", "first >= 1700000000500000000ns"),
        ("icmp-type 8", "icmp-type = 8"),
        ("dst port https", "dst port 443"),
        ("proto in [tcp 17]", "tcp or udp"),
        ("ip", "ip"),
        ("ip 2001:db8::1", "host 2001:db8::1"),
        ("src mask 24", "src mask = 24"),
    ] {
        let once = canonical(text);
        assert_eq!(once, expected, "{text}");
        assert_eq!(canonical(&once), once, "it reads back: {text}");
    }
}

#[test]
fn and_binds_tighter_than_or() {
    assert_eq!(canonical("tcp or udp and port 53"), "tcp or (udp and port 53)");
    assert_eq!(canonical("(tcp or udp) and port 53"), "(tcp or udp) and port 53");
}

#[test]
fn mistakes_are_told_with_the_next_step() {
    for (text, message) in [
        ("byte > 1", "unknown word `byte` at byte 1 of the filter: did you mean `bytes`?"),
        (
            "bytes > many",
            "`many` where a number such as `100k` is expected at byte 9 of the filter",
        ),
        ("port in [80", "the filter ends where `]` is expected at byte 9 of the filter"),
        ("port in []", "`]` where a value is expected at byte 9 of the filter"),
        (
            "next ip 10.0.0.1",
            "`next` is not supported here: no flow record here holds it at byte 1 of the filter",
        ),
        ("(tcp", "`(` without its `)` at byte 1 of the filter"),
        ("443", "`443` has no type at byte 1 of the filter: did you mean `port 443`?"),
        ("tos 300", "the number `300` is not between 0 and 255 at byte 5 of the filter"),
        (
            "out bytes > 1",
            "`out bytes` is not supported here: a record here has one direction at byte 5 of the filter",
        ),
        ("tcp $", "unexpected `$` at byte 5 of the filter"),
        (
            "net 10.0.0.1/8",
            "`10.0.0.1/8` has bits set beyond its prefix at byte 5 of the filter: did you mean `net 10.0.0.0/8`, or `host 10.0.0.1`?",
        ),
        (
            "flags SQ",
            "`SQ` where letters of TCP flags such as `SA` is expected at byte 7 of the filter",
        ),
    ] {
        let error = FlowFilter::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    }
    let deep = "(".repeat(1000);
    assert!(FlowFilter::parse(&deep).is_err());
}

#[test]
fn packets_cannot_answer_flow_tests() {
    let flow = FlowFilter::parse("tcp and not (bytes > 1k)").unwrap();
    let error = flow.expr().unwrap().check_packet().unwrap_err();
    assert!(error.to_string().starts_with("`bytes > 1000` needs a flow record"), "{error}");
    assert!(FlowFilter::parse("tcp port 80").unwrap().expr().unwrap().check_packet().is_ok());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n]{0,80}") {
        if let Ok(filter) = FlowFilter::parse(&text) {
            let once = filter.to_string();
            assert_eq!(FlowFilter::parse(&once).map(|f| f.to_string()), Ok(once));
        }
    }

    #[test]
    fn words_in_any_order_are_read_or_refused(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "src", "dst", "ip", "port", "in", "[", "]", "10.0.0.1", "443", "and", "or", "not",
                "(", ")", "tcp", "flags", "SA", ">", "bytes", "1k", "proto", "net", "/8", "any",
            ]), 0..14)
    ) {
        let text = words.join(" ");
        if let Ok(filter) = FlowFilter::parse(&text) {
            assert_eq!(FlowFilter::parse(&filter.to_string()), Ok(filter));
        }
    }
}
