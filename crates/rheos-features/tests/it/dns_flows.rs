//! DNS flows with every column computed by hand.

use super::dns_talk::{message, name, opt, prefixed, query, question, record};
use super::frames::{FrameCase, Timed, batches, config, extract, rows, udp_frame};
use super::rows::{B, F, NULL, Row, Value, b, n, t};
use super::talks::{Talk, datagrams};

/// A pointer to the name of the first question.
const TO_QUESTION: &[u8] = &[0xc0, 12];

const A: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const TXT: u16 = 16;
const AAAA: u16 = 28;

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![lookups(), every_type(), multicast(), link_local(), over_tcp(), header_only(), not_dns()]
}

/// Seven datagrams, a millisecond apart, on ports of no known service.
///
/// | ms | way | message | octets |
/// |---|---|---|---|
/// | 0 | > | 1: www.Example.com A, OPT 1232 DO with client subnet | 12 + 21 + 22 = 55 |
/// | 1 | > | the same | 55 |
/// | 2 | < | 1: AA RD RA, CNAME a (300 s), A (60 s), OPT | 12 + 21 + 16 + 16 + 11 = 76 |
/// | 3 | > | 2: x1.example.com TXT | 12 + 20 = 32 |
/// | 4 | < | 2: NXDOMAIN, AD, an SOA of 4 octets | 12 + 20 + 16 = 48 |
/// | 5 | > | 3: x2.example.com TXT | 32 |
/// | 6 | < | 9: y.example.com AAAA REFUSED, TC | 12 + 19 = 31 |
fn lookups() -> FrameCase {
    // Client subnet 192.0.2.0/24: family 1, 24 bits, 3 octets.
    let subnet = opt(1232, 0x8000, &[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2]);
    let asked = [question("www.Example.com", A)];
    let first = message(1, 0x0100, [&asked, &[], &[], &[subnet]]);
    let alias = record(TO_QUESTION, CNAME, 300, &[1, b'a', 0xc0, 16]);
    let address = record(&[0xc0, 45], A, 60, &[192, 0, 2, 1]);
    let answers = [alias, address];
    let second = message(1, 0x8580, [&asked, &answers, &[], &[opt(512, 0, &[])]]);
    let absent = [question("x1.example.com", TXT)];
    let soa = record(TO_QUESTION, SOA, 900, &[0; 4]);
    let fourth = message(2, 0x81a3, [&absent, &[], &[soa], &[]]);
    let other = [question("y.example.com", AAAA)];
    let sixth = message(9, 0x8305, [&other, &[], &[], &[]]);
    let frames = datagrams(&[
        (F, &first),
        (F, &first),
        (B, &second),
        (F, &query(2, "x1.example.com", TXT)),
        (B, &fourth),
        (F, &query(3, "x2.example.com", TXT)),
        (B, &sixth),
    ]);
    let mut want = first_wants();
    want.extend(count_wants());
    want.extend(name_wants());
    FrameCase { name: "lookups", frames, want }
}

fn first_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("app", t("dns")),
        ("app_confidence", n(1.0)),
        ("dns_detected", b(true)),
        ("dns_query_name", t("www.Example.com")),
        ("dns_query_type", n(1.0)),
        ("dns_query_type_str", t("A")),
        ("dns_response_code", n(0.0)),
        ("dns_response_code_str", t("NOERROR")),
        ("dns_answer_count", n(2.0)),
        ("dns_authority_count", n(0.0)),
        ("dns_additional_count", n(1.0)),
        ("dns_min_ttl", n(60.0)),
        ("dns_max_ttl", n(300.0)),
        ("dns_is_query", b(true)),
        ("dns_is_response", b(false)),
        ("dns_truncated", b(false)),
        ("dns_recursion_desired", b(true)),
        ("dns_recursion_available", b(true)),
        ("dns_query_class", n(1.0)),
        ("dns_opcode", n(0.0)),
        ("dns_over_tcp", b(false)),
        ("dns_is_mdns", b(false)),
        ("dns_is_llmnr", b(false)),
        ("dns_transaction_id", n(1.0)),
        ("dns_response_authoritative", b(true)),
    ]
}

fn count_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("dns_queries", n(4.0)),
        ("dns_responses", n(3.0)),
        ("dns_malformed", n(0.0)),
        ("dns_other_opcodes", n(0.0)),
        ("dns_retransmitted", n(1.0)),
        ("dns_unanswered", n(1.0)),
        ("dns_unsolicited", n(1.0)),
        // 2 ms since the first of the two queries, and 1 ms
        ("dns_response_time_min", n(0.001)),
        ("dns_response_time_mean", n(0.0015)),
        ("dns_response_time_max", n(0.002)),
        ("dns_answers", n(2.0)),
        ("dns_rcode_noerror", n(1.0)),
        ("dns_rcode_formerr", n(0.0)),
        ("dns_rcode_servfail", n(0.0)),
        ("dns_rcode_nxdomain", n(1.0)),
        ("dns_rcode_notimp", n(0.0)),
        ("dns_rcode_refused", n(1.0)),
        ("dns_rcode_other", n(0.0)),
        ("dns_nxdomain_ratio", n(1.0 / 3.0)),
        ("dns_authoritative", n(1.0)),
        ("dns_truncated_responses", n(1.0)),
        ("dns_authenticated", n(1.0)),
        ("dns_edns_queries", n(2.0)),
        ("dns_edns_udp_size", n(1232.0)),
        ("dns_dnssec_ok_queries", n(2.0)),
        ("dns_client_subnet_queries", n(2.0)),
        ("dns_answer_types", t("A,CNAME")),
        ("dns_answer_addresses", n(1.0)),
        ("dns_ttl_min", n(60.0)),
        ("dns_ttl_mean", n(180.0)),
        ("dns_ttl_max", n(300.0)),
        ("dns_query_len_mean", n(f64::from(55 + 55 + 32 + 32) / 4.0)),
        ("dns_query_len_max", n(55.0)),
        ("dns_response_len_mean", n(f64::from(76 + 48 + 31) / 3.0)),
        ("dns_response_len_max", n(76.0)),
        ("dns_amplification", n(155.0 / 174.0)),
    ]
}

/// The names: www.example.com twice, x1.example.com, x2.example.com, y.example.com.
fn name_wants() -> Vec<(&'static str, Value)> {
    // How often letters occur, with n of them: log2 n - sum(c log2 c) / n.
    let entropy = |counts: &[f64]| {
        let n: f64 = counts.iter().sum();
        n.log2() - counts.iter().map(|c| c * c.log2()).sum::<f64>() / n
    };
    // wwwexamplecom: w3 e3 x a m2 p l c o; x1examplecom: x2 e2 m2 1 a p l c o; yexamplecom: e2 m2 and y x a p l c o
    let www = entropy(&[3.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let x1 = entropy(&[2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let y = entropy(&[2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    vec![
        ("dns_questions", n(5.0)),
        ("dns_query_types", t("A,TXT,AAAA")),
        ("dns_questions_a", n(2.0)),
        ("dns_questions_aaaa", n(1.0)),
        ("dns_questions_ptr", n(0.0)),
        ("dns_questions_txt", n(2.0)),
        ("dns_questions_other", n(0.0)),
        ("dns_names", n(4.0)),
        ("dns_names_ratio", n(0.8)),
        // example.com
        ("dns_parent_names", n(1.0)),
        ("dns_name_len_min", n(13.0)),
        ("dns_name_len_mean", n(f64::from(15 + 15 + 14 + 14 + 13) / 5.0)),
        ("dns_name_len_max", n(15.0)),
        ("dns_labels_mean", n(3.0)),
        ("dns_labels_max", n(3.0)),
        ("dns_label_len_max", n(7.0)),
        ("dns_name_entropy_mean", n((2.0 * www + 2.0 * x1 + y) / 5.0)),
        ("dns_name_entropy_max", n(www.max(x1).max(y))),
        ("dns_name_digit_ratio", n(2.0 / f64::from(13 + 13 + 12 + 12 + 11))),
    ]
}

/// One question of each type that is counted, and one of another; no response.
fn every_type() -> FrameCase {
    let types = [1, 28, 12, 16, 15, 2, 33, 64, 65, 10, 255, 13];
    let asks: Vec<Vec<u8>> = types.iter().map(|&it| query(it, "a.b", it)).collect();
    let says: Vec<_> = asks.iter().map(|ask| (F, &ask[..])).collect();
    let want = vec![
        ("dns_questions_a", n(1.0)),
        ("dns_questions_aaaa", n(1.0)),
        ("dns_questions_ptr", n(1.0)),
        ("dns_questions_txt", n(1.0)),
        ("dns_questions_mx", n(1.0)),
        ("dns_questions_ns", n(1.0)),
        ("dns_questions_srv", n(1.0)),
        ("dns_questions_svcb", n(2.0)),
        ("dns_questions_null", n(1.0)),
        ("dns_questions_any", n(1.0)),
        ("dns_questions_other", n(1.0)),
        ("dns_query_types", t("A,NS,NULL,PTR,HINFO,MX,TXT,AAAA,SRV,SVCB,HTTPS,ANY")),
        ("dns_names", n(1.0)),
        ("dns_unanswered", n(12.0)),
        ("dns_response_code", NULL),
        ("dns_response_code_str", NULL),
        ("dns_answer_count", NULL),
        ("dns_authority_count", NULL),
        ("dns_additional_count", NULL),
        ("dns_min_ttl", NULL),
        ("dns_max_ttl", NULL),
        ("dns_truncated", NULL),
        ("dns_recursion_available", NULL),
        ("dns_response_authoritative", NULL),
        ("dns_response_time_mean", NULL),
        ("dns_nxdomain_ratio", NULL),
        ("dns_edns_udp_size", NULL),
        ("dns_answer_types", NULL),
        ("dns_ttl_mean", NULL),
        ("dns_response_len_mean", NULL),
        ("dns_amplification", n(0.0)),
        ("app_confidence", n(0.95)),
    ];
    FrameCase { name: "every type", frames: datagrams(&says), want }
}

/// Frames between hosts 1 and 2 with these ports, a millisecond apart.
fn on_ports(ports: (u16, u16), says: &[&[u8]]) -> Vec<Timed> {
    (0..).zip(says.iter().map(|bytes| udp_frame(1, 2, ports, bytes))).collect()
}

/// A question that asks for an answer by unicast, and an announcement; the times to live are multicast DNS's.
fn multicast() -> FrameCase {
    let mut asked = question("_ipp._tcp.local", PTR);
    let class = asked.len() - 2;
    asked[class] = 0x80;
    let announced = record(&name("_ipp._tcp.local"), PTR, 4500, &name("A b._ipp._tcp.local"));
    let frames = on_ports(
        (5353, 5353),
        &[
            &message(0, 0, [&[asked], &[], &[], &[]]),
            &message(0, 0x8400, [&[], &[announced], &[], &[]]),
        ],
    );
    let want = vec![
        ("app", t("mdns")),
        ("dns_detected", b(true)),
        ("dns_is_mdns", b(true)),
        ("dns_is_llmnr", b(false)),
        ("dns_query_name", t("_ipp._tcp.local")),
        ("dns_query_class", n(1.0)),
        ("dns_queries", n(1.0)),
        ("dns_responses", n(1.0)),
        ("dns_unanswered", NULL),
        ("dns_unsolicited", NULL),
        ("dns_response_time_min", NULL),
        ("dns_response_time_max", NULL),
        ("dns_ttl_max", n(4500.0)),
        ("dns_answer_types", t("PTR")),
        ("dns_answer_addresses", n(0.0)),
    ];
    FrameCase { name: "multicast DNS", frames, want }
}

fn link_local() -> FrameCase {
    let asked = message(7, 0, [&[question("host", A)], &[], &[], &[]]);
    let want = vec![
        ("app", t("llmnr")),
        ("dns_is_llmnr", b(true)),
        ("dns_is_mdns", b(false)),
        ("dns_recursion_desired", b(false)),
        ("dns_unanswered", NULL),
        ("dns_parent_names", n(0.0)),
        ("dns_labels_max", n(1.0)),
    ];
    FrameCase { name: "LLMNR", frames: on_ports((50_000, 5355), &[&asked]), want }
}

/// The root's servers, and a notification that is not understood, in one segment; the answers in segments of 5
/// octets. The first has a time to live with the top bit set and a response code of 16 by EDNS(0).
fn over_tcp() -> FrameCase {
    let root = [question("", 2)];
    let asks = [
        prefixed(&message(5, 0x0100, [&root, &[], &[], &[]])),
        prefixed(&message(6, 0x2400, [&[question("b", SOA)], &[], &[], &[]])),
    ];
    let server = record(&[0], 2, 0x8000_0001, &name("a"));
    let badvers = opt(512, 0x0100_0000, &[]);
    let answers = [
        prefixed(&message(5, 0x8100, [&root, &[server], &[], &[badvers]])),
        prefixed(&message(6, 0xa401, [&[], &[], &[], &[]])),
    ];
    let talk = Talk::new().say(F, &asks.concat()).say_in(B, &answers.concat(), 5);
    let want = vec![
        ("app", t("dns")),
        ("dns_over_tcp", b(true)),
        ("dns_query_name", t(".")),
        ("dns_query_type_str", t("NS")),
        ("dns_response_code", n(16.0)),
        ("dns_response_code_str", t("BADVERS")),
        ("dns_min_ttl", n(0.0)),
        ("dns_queries", n(2.0)),
        ("dns_responses", n(2.0)),
        ("dns_other_opcodes", n(1.0)),
        ("dns_unanswered", n(0.0)),
        ("dns_unsolicited", n(0.0)),
        ("dns_rcode_formerr", n(1.0)),
        ("dns_rcode_other", n(1.0)),
        ("dns_name_len_min", n(0.0)),
        ("dns_name_len_max", n(1.0)),
        ("dns_malformed", n(0.0)),
        // without the lengths before the messages: 12 + 5, 12 + 7
        ("dns_query_len_max", n(19.0)),
    ];
    FrameCase { name: "over TCP", frames: talk.close(), want }
}

/// A response that is its header; then one whose record is cut, and garbage.
fn header_only() -> FrameCase {
    let bare = message(4, 0x8182, [&[], &[], &[], &[]]);
    let cut = message(5, 0x8180, [&[], &[record(&[0], A, 1, &[1, 2, 3, 4])], &[], &[]]);
    let says = [(B, &bare[..]), (B, &cut[..cut.len() - 1]), (B, &b"x"[..])];
    let want = vec![
        ("app_confidence", n(0.5)),
        ("dns_query_name", NULL),
        ("dns_query_type", NULL),
        ("dns_query_type_str", NULL),
        ("dns_query_class", NULL),
        ("dns_query_types", NULL),
        ("dns_is_response", b(true)),
        ("dns_response_code", n(2.0)),
        ("dns_queries", n(0.0)),
        ("dns_responses", n(2.0)),
        ("dns_malformed", n(2.0)),
        ("dns_unsolicited", n(2.0)),
        ("dns_rcode_servfail", n(1.0)),
        ("dns_nxdomain_ratio", n(0.0)),
        ("dns_names", n(0.0)),
        ("dns_names_ratio", NULL),
        ("dns_name_len_mean", NULL),
        ("dns_labels_mean", NULL),
        ("dns_label_len_max", NULL),
        ("dns_name_entropy_mean", NULL),
        ("dns_name_entropy_max", NULL),
        ("dns_name_digit_ratio", NULL),
        ("dns_ttl_min", NULL),
        ("dns_query_len_mean", NULL),
        ("dns_query_len_max", NULL),
        ("dns_amplification", NULL),
    ];
    FrameCase { name: "a header alone", frames: datagrams(&says), want }
}

/// The NetBIOS name service has DNS's form and is not DNS.
fn not_dns() -> FrameCase {
    let netbios = name(&format!("CK{}", "A".repeat(30)));
    let asked = [netbios, vec![0, 0x21, 0, 1]].concat();
    let query = message(0x80f0, 0x0010, [&[asked], &[], &[], &[]]);
    let columns = rheos_features::groups::dns::COLUMNS;
    let mut want = vec![("dns_detected", b(false))];
    want.extend(columns.iter().skip(1).map(|column| (column.name, NULL)));
    FrameCase { name: "NetBIOS", frames: on_ports((137, 137), &[&query]), want }
}

#[test]
fn hand_computed_dns_flows() {
    cases().iter().for_each(FrameCase::check);
}

/// The older tool read the first packet only, which is the query: three of four flows had no response code.
#[test]
fn defect_5_the_response_is_read_too() {
    let asked = [question("a.example", A)];
    let address = record(TO_QUESTION, A, 77, &[192, 0, 2, 1]);
    let response = message(1, 0x8180, [&asked, &[address], &[], &[]]);
    let frames = datagrams(&[(F, &query(1, "a.example", A)), (B, &response)]);
    let rows = rows(&frames);
    assert_eq!(rows[0].get("dns_response_code"), n(0.0));
    assert_eq!(rows[0].get("dns_answer_count"), n(1.0));
    assert_eq!(rows[0].get("dns_min_ttl"), n(77.0));
    assert_eq!(rows[0].get("dns_is_query"), b(true));
}

/// Row 197 of the older table: no TCP, no multicast DNS, no LLMNR, only port 53, only the first query of a flow.
#[test]
fn defect_of_row_197_any_transport_any_port_every_message() {
    let message = query(1, "a.example", A);
    let tcp = Talk::new().say(F, &prefixed(&message)).close();
    let odd_port = on_ports((40_000, 8053), &[&message, &query(2, "b.example", A)]);
    for frames in [tcp, odd_port.clone(), on_ports((5353, 5353), &[&message])] {
        let rows = rows(&frames);
        assert_eq!(rows[0].get("dns_query_name"), t("a.example"));
    }
    assert_eq!(rows(&odd_port)[0].get("dns_names"), n(2.0));
    // Port 53 alone makes no DNS.
    let rows = rows(&on_ports((40_000, 53), &[&[0x41; 40]]));
    assert_eq!(rows[0].get("dns_detected"), b(false));
}

#[test]
fn a_message_that_the_capture_cut_is_not_malformed() {
    let answers: Vec<_> = (0..9).map(|i| record(TO_QUESTION, A, 60, &[192, 0, 2, i])).collect();
    let whole = message(1, 0x8180, [&[question("a.example", A)], &answers, &[], &[]]);
    let mut frame = udp_frame(1, 2, (53, 40_000), &whole);
    let sent = frame.len() as u32;
    frame.truncate(14 + 28 + 60);
    let mut cut = batches(&[(0, frame)], 1);
    cut[0].frames[0].wire_len = sent;
    let (out, _) = extract(&config(1), &cut);
    let row = &Row::all(&out[0])[0];
    assert_eq!(row.get("dns_query_name"), t("a.example"));
    assert_eq!(row.get("dns_answers"), n(9.0), "by the header");
    assert_eq!(row.get("dns_answer_addresses"), n(2.0), "two records are there");
    assert_eq!(row.get("dns_malformed"), n(0.0));
    assert_eq!(row.get("app_confidence"), n(0.9));
}
