//! Tor, VPN and DNS over HTTPS: scores with the evidence they are made of.
//!
//! A score is the sum of what its signs weigh, at most 1. The weights say how seldom a sign is seen without the thing;
//! they are judgements, not probabilities, which is why the evidence stands beside each score. No sign is a port alone.

mod doh;
mod tor;
mod vpn;

use rheos_wire::App;

use crate::column::Kind::{Bool, F64, Str};
use crate::column::{Column, GroupInfo, Kind, Profile};
use crate::dissect::Dissection;
use crate::groups::{Ended, Group};
use crate::row::RowBuffer;

/// From this score on a flow is called likely.
const LIKELY: f64 = 0.5;

const fn column(
    name: &'static str,
    kind: Kind,
    meaning: &'static str,
    null: &'static str,
) -> Column {
    Column::new(name, kind, "", meaning).profile(Profile::Experimental).null(null)
}

const NO_PAYLOAD: &str = "no payload was captured, or neither TCP nor UDP";
const NO_VPN: &str = "no payload was captured, and the protocol is none of IPsec";
const NO_SIGN: &str = "there is none";
const BYTES: &str = "told by what is said in the flow, not by ports and packet sizes, which ordinary flows have too; null, not 0, where nothing can be told";

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("likely_tor", Bool, "tor_confidence is at least 0.5", NO_PAYLOAD).changed(BYTES),
    column("tor_confidence", F64, "sum of tor_evidence, at most 1: server_name 0.3 (www., 4 to 25 letters and digits of base32, .com), digits 0.25 (with a digit 2 to 7 in that name), no_alpn 0.15 (and the client offers no ALPN), certificate 0.7 (subject www.<base32>.net or .com, issued by another such name)", NO_PAYLOAD)
        .changed(BYTES),
    column("likely_vpn", Bool, "vpn_confidence is at least 0.5", NO_VPN).changed(BYTES),
    column("vpn_confidence", F64, "how sure vpn_type is: the detector's confidence (app_confidence), 1 for IPsec as IP protocol; 0 without", NO_VPN)
        .changed(BYTES),
    column("vpn_type", Str, "openvpn, wireguard, ipsec-ike, ipsec-esp, ipsec-ah", "no VPN was found")
        .changed("l2tp is a tunnel here (tunnel_type), through which the flows inside are seen; null, not empty, without"),
    column("likely_doh", Bool, "doh_confidence is at least 0.5", NO_PAYLOAD).changed(BYTES),
    column("doh_confidence", F64, "sum of doh_evidence, at most 1: resolver 0.7 (the server name in TLS or QUIC is that of a public resolver), http 0.15 (and ALPN offers h2 or h3), content_type 1 (application/dns-message in clear HTTP)", NO_PAYLOAD)
        .changed(BYTES),
    column("traffic_type", Str, "tor, vpn:<vpn_type>, doh, dot (ALPN dot), encrypted (TLS, DTLS, QUIC, SSH), clear (any other protocol that was found), unknown", NO_VPN)
        .changed("clear protocols are clear; everything else was called encrypted"),
    column("tor_evidence", Str, "the signs of Tor that were seen, joined by +", NO_SIGN),
    column("doh_evidence", Str, "the signs of DNS over HTTPS that were seen, joined by +", NO_SIGN),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint;

/// A sign: its name and what it weighs.
type Sign = (&'static str, f64);

/// The score of some signs.
fn score(signs: impl Iterator<Item = Sign>) -> f64 {
    signs.map(|(_, weight)| weight).sum::<f64>().min(1.0)
}

/// Joins the names of signs; false if there are none.
fn join(out: &mut String, signs: impl Iterator<Item = Sign>) -> bool {
    let mut any = false;
    for (name, _) in signs {
        if any {
            out.push('+');
        }
        out.push_str(name);
        any = true;
    }
    any
}

impl Group for Fingerprint {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "fingerprint",
        meaning: "Tor, VPN and DNS over HTTPS: scores and their evidence",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let read = ended.dissection;
        let tor = read.map(|read| score(tor::signs(read)));
        let doh = read.map(|read| score(doh::signs(read)));
        let vpn = vpn::found(ended.head.tuple.protocol, read);
        let told = read.is_some() || vpn.is_some();
        let vpn_score = told.then(|| vpn.map_or(0.0, |(_, confidence)| confidence));
        let likely = |score: Option<f64>| score.map(|score| score >= LIKELY);
        row.bool("likely_tor", likely(tor));
        row.f64("tor_confidence", tor);
        row.bool("likely_vpn", likely(vpn_score));
        row.f64("vpn_confidence", vpn_score);
        row.str("vpn_type", vpn.map(|(kind, _)| kind));
        row.bool("likely_doh", likely(doh));
        row.f64("doh_confidence", doh);
        let is = |score: Option<f64>| likely(score) == Some(true);
        row.text("traffic_type", |out| {
            match vpn {
                _ if is(tor) => out.push_str("tor"),
                Some((kind, _)) if is(vpn_score) => {
                    out.push_str("vpn:");
                    out.push_str(kind);
                }
                _ if is(doh) => out.push_str("doh"),
                _ => out.push_str(read.map_or("", plain_type)),
            }
            told
        });
        row.text("tor_evidence", |out| read.is_some_and(|read| join(out, tor::signs(read))));
        row.text("doh_evidence", |out| read.is_some_and(|read| join(out, doh::signs(read))));
    }
}

/// What a flow is that is none of the three.
fn plain_type(read: &Dissection) -> &'static str {
    match read.app() {
        _ if read.alpn().is_some_and(|alpn| alpn == "dot") => "dot",
        Some(App::Tls | App::Dtls | App::Quic | App::Ssh) => "encrypted",
        Some(_) => "clear",
        None => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_end_at_one_and_evidence_is_joined() {
        let signs = [("one", 0.7), ("two", 0.4)];
        assert!((score(signs.into_iter()) - 1.0).abs() < 1e-12);
        assert!(score([].into_iter()).abs() < 1e-12);
        let mut text = String::new();
        assert!(join(&mut text, signs.into_iter()));
        assert_eq!(text, "one+two");
        assert!(!join(&mut text, [].into_iter()));
    }
}
