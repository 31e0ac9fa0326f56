//! Tor, VPN and DNS over HTTPS: scores from what is said, computed by hand.

use super::frames::{FrameCase, ethernet, ipv4, rows};
use super::rows::{B, F, NULL, b, n, t};
use super::talks::Talk;
use super::tls_flows::{client, extension, message, record, server_name, vec16};

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![
        tor(),
        of_tors_form_only(),
        resolver(),
        clear_message(),
        ipsec(),
        clear(),
        unknown(),
        silent(),
    ]
}

/// A ClientHello with these extensions, as a record.
fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    record(22, &message(1, &client(0x0303, &[], &[], &[0x1301, 0xc02b], extensions)))
}

fn alpn(name: &[u8]) -> Vec<u8> {
    let name = [&[name.len() as u8][..], name].concat();
    extension(16, &vec16(&name))
}

fn tor() -> FrameCase {
    let talk = Talk::new().say(F, &hello(&[server_name(b"www.ct7ctrgb6cr7.com")]));
    let want = vec![
        ("likely_tor", b(true)),
        ("tor_confidence", n(0.3 + 0.25 + 0.15)),
        ("tor_evidence", t("server_name+digits+no_alpn")),
        ("likely_vpn", b(false)),
        ("vpn_confidence", n(0.0)),
        ("vpn_type", NULL),
        ("likely_doh", b(false)),
        ("doh_confidence", n(0.0)),
        ("doh_evidence", NULL),
        ("traffic_type", t("tor")),
    ];
    FrameCase { name: "tor", frames: talk.close(), want }
}

/// A well-known site has a name of the same form: not enough.
fn of_tors_form_only() -> FrameCase {
    let hello = hello(&[server_name(b"www.facebook.com"), alpn(b"h2")]);
    let want = vec![
        ("likely_tor", b(false)),
        ("tor_confidence", n(0.3)),
        ("tor_evidence", t("server_name")),
        ("traffic_type", t("encrypted")),
    ];
    FrameCase { name: "of Tor's form only", frames: Talk::new().say(F, &hello).close(), want }
}

fn resolver() -> FrameCase {
    let hello = hello(&[server_name(b"mozilla.cloudflare-dns.com"), alpn(b"h2")]);
    let want = vec![
        ("likely_doh", b(true)),
        ("doh_confidence", n(0.7 + 0.15)),
        ("doh_evidence", t("resolver+http")),
        ("tor_evidence", NULL),
        ("traffic_type", t("doh")),
    ];
    FrameCase { name: "a resolver", frames: Talk::new().say(F, &hello).close(), want }
}

fn clear_message() -> FrameCase {
    let ask = b"POST /dns-query HTTP/1.1\r\nHost: 10.0.0.2\r\nContent-Length: 1\r\n\r\n\0";
    let tell =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nContent-Length: 1\r\n\r\n\0";
    let want = vec![
        ("doh_confidence", n(1.0)),
        ("doh_evidence", t("content_type")),
        ("traffic_type", t("doh")),
    ];
    let frames = Talk::new().say(F, ask).say(B, tell).close();
    FrameCase { name: "DNS messages in clear HTTP", frames, want }
}

fn ipsec() -> FrameCase {
    let frame = ethernet(&[], 0x0800, &ipv4(1, 2, 50, 0, &[0, 0, 1, 0, 0, 0, 0, 1, 9, 9, 9, 9]));
    let want = vec![
        ("likely_vpn", b(true)),
        ("vpn_confidence", n(1.0)),
        ("vpn_type", t("ipsec-esp")),
        ("traffic_type", t("vpn:ipsec-esp")),
        ("likely_tor", NULL),
        ("tor_confidence", NULL),
        ("likely_doh", NULL),
        ("doh_confidence", NULL),
    ];
    FrameCase { name: "IPsec", frames: vec![(0, frame)], want }
}

fn clear() -> FrameCase {
    let talk = Talk::new().say(F, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let want = vec![("traffic_type", t("clear")), ("likely_tor", b(false))];
    FrameCase { name: "in the clear", frames: talk.close(), want }
}

fn unknown() -> FrameCase {
    let talk = Talk::new().say(F, b"\x00\x01\x02\x03").say(B, b"\xff\xfe");
    FrameCase { name: "unknown", frames: talk.close(), want: vec![("traffic_type", t("unknown"))] }
}

fn silent() -> FrameCase {
    let want = vec![("traffic_type", NULL), ("likely_vpn", NULL), ("vpn_confidence", NULL)];
    FrameCase { name: "silent", frames: Talk::new().close(), want }
}

#[test]
fn scores_are_those_computed_by_hand() {
    cases().iter().for_each(FrameCase::check);
}

/// Every flow that was not Tor, VPN or DoH was called encrypted.
#[test]
fn clear_protocols_are_not_called_encrypted() {
    let row = &rows(&clear().frames)[0];
    assert_eq!(row.get("traffic_type"), t("clear"));
}
