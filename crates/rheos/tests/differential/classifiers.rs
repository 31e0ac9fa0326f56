//! How often the scores of the group `fingerprint` are wrong: on every flow of every capture, at several thresholds.
//!
//! What a flow is in truth, tshark's layers say (IPsec, OpenVPN, WireGuard), and the captures' names where they say it
//! (Tor, DNS over HTTPS). The table is printed and compared with the one of the guide.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::tshark::{self, Columns, Key};
use crate::{corpus, page, rows};

/// The page with the table.
const PAGE: &str = "docs/guides/classifiers.md";
/// How many flows must have a score.
const FLOWS_MIN: usize = 1000;
/// The columns that are read.
const COLUMNS: &str =
    "src_ip,dst_ip,src_port,dst_port,protocol,app,tor_confidence,vpn_confidence,doh_confidence";
/// tshark's layers that make a flow one of a VPN.
const VPN_LAYERS: &[&str] = &["isakmp", "udpencap", "esp", "ah", "openvpn", "wg"];
/// IP protocols that have no ports, by tshark's name.
const WITHOUT_PORTS: &[(&str, u8)] = &[("esp", 50), ("ah", 51)];

/// A score: its column, the word in a capture's name that says that its flows are such, and the thresholds.
struct Classifier {
    name: &'static str,
    column: &'static str,
    /// Whether only flows of TLS and QUIC can be taken for it.
    within_tls: bool,
    thresholds: &'static [f64],
}

const CLASSIFIERS: &[Classifier] = &[
    Classifier {
        name: "tor",
        column: "tor_confidence",
        within_tls: true,
        thresholds: &[0.3, 0.4, 0.5, 0.7],
    },
    Classifier {
        name: "vpn",
        column: "vpn_confidence",
        within_tls: false,
        thresholds: &[0.5, 0.9],
    },
    Classifier {
        name: "doh",
        column: "doh_confidence",
        within_tls: true,
        thresholds: &[0.5, 0.7, 0.85],
    },
];

/// One flow: its scores in the order of [`CLASSIFIERS`], and which of them are due.
#[derive(Clone, Debug)]
struct Judged {
    key: Key,
    encrypted: bool,
    scores: [Option<f64>; 3],
    truth: [bool; 3],
}

fn compare(capture: &Path) -> Vec<Judged> {
    let rows = rows::cells(capture, COLUMNS, rows::WHOLE, &[]);
    let mut flows: Vec<Judged> = rows.iter().filter_map(judged).collect();
    if flows.is_empty() {
        return flows;
    }
    let vpn = vpn_flows(&tshark::ask(capture));
    let name = corpus::name(capture);
    for flow in &mut flows {
        flow.truth = [is_named(&name, "tor"), vpn.contains(&flow.key), is_named(&name, "doh")];
    }
    flows
}

/// What a row tells, if it has a score.
fn judged(row: &rows::Cells) -> Option<Judged> {
    let end = |ip: &str, port: &str| -> Option<(IpAddr, u16)> {
        Some((row[ip].parse().ok()?, row[port].parse().unwrap_or(0)))
    };
    let ends = [end("src_ip", "src_port")?, end("dst_ip", "dst_port")?];
    let scores = [0, 1, 2].map(|place| row[CLASSIFIERS[place].column].parse().ok());
    scores.iter().any(Option::is_some).then(|| Judged {
        key: tshark::key(ends, row["protocol"].parse().expect("a number")).0,
        encrypted: matches!(&*row["app"], "tls" | "quic"),
        scores,
        truth: [false; 3],
    })
}

/// Whether a capture's name has this word.
fn is_named(capture: &str, word: &str) -> bool {
    capture.to_lowercase().split(|letter: char| !letter.is_alphanumeric()).any(|part| part == word)
}

/// The flows in which tshark sees a layer of a VPN.
fn vpn_flows(told: &[String]) -> BTreeSet<Key> {
    let mut flows = BTreeSet::new();
    for columns in told.iter().filter_map(|line| Columns::of(line)) {
        let protocols = columns.text("frame.protocols", 0).unwrap_or_default();
        if !protocols.split(':').any(|layer| VPN_LAYERS.contains(&layer)) {
            continue;
        }
        if let Some(packet) = tshark::innermost(&columns) {
            flows.insert(tshark::key(packet.ends, packet.protocol).0);
            continue;
        }
        let address = |field: &str| columns.text(field, 0)?.parse::<IpAddr>().ok();
        let ends = address("ip.src").zip(address("ip.dst"));
        let ends = ends.or_else(|| address("ipv6.src").zip(address("ipv6.dst")));
        let protocol = WITHOUT_PORTS.iter().find(|(n, _)| protocols.split(':').any(|l| l == *n));
        if let (Some((source, destination)), Some((_, number))) = (ends, protocol) {
            flows.insert(tshark::key([(source, 0), (destination, 0)], *number).0);
        }
    }
    flows
}

/// A line of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    flows: usize,
    truly: usize,
    found: usize,
    wrong: usize,
}

fn line(flows: &[Judged], place: usize, threshold: f64) -> Line {
    let within_tls = CLASSIFIERS[place].within_tls;
    let mut line = Line::default();
    for flow in flows.iter().filter(|flow| flow.encrypted || !within_tls) {
        let Some(score) = flow.scores[place] else { continue };
        line.flows += 1;
        line.truly += usize::from(flow.truth[place]);
        if score >= threshold {
            *if flow.truth[place] { &mut line.found } else { &mut line.wrong } += 1;
        }
    }
    line
}

fn markdown(flows: &[Judged]) -> String {
    let mut text = String::from(
        "| score | threshold | flows | truly such | of these found | false positives | rate | at most (95 %) |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (place, classifier) in CLASSIFIERS.iter().enumerate() {
        for &threshold in classifier.thresholds {
            let Line { flows, truly, found, wrong } = line(flows, place, threshold);
            let others = (flows - truly) as u64;
            let rate = 100.0 * wrong as f64 / others as f64;
            let bound = 100.0 * bound(wrong as u64, others);
            let _ = writeln!(
                text,
                "| `{}` | {threshold} | {flows} | {truly} | {found} | {wrong} | {rate:.2} % | {bound:.2} % |",
                classifier.column
            );
        }
    }
    text
}

/// The rate above which so few wrong ones of so many would be seen less often than one time in twenty (Clopper and
/// Pearson's upper bound, one-sided).
fn bound(wrong: u64, of: u64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let rate = f64::midpoint(low, high);
        // The terms of the binomial distribution, each from the one before, in logarithms.
        let odds = rate.ln() - (1.0 - rate).ln();
        let mut term = of as f64 * (1.0 - rate).ln();
        let mut below = term.exp();
        for seen in 1..=wrong {
            term += ((of - seen + 1) as f64 / seen as f64).ln() + odds;
            below += term.exp();
        }
        if below > 0.05 { low = rate } else { high = rate }
    }
    low
}

#[test]
fn scores_are_seldom_wrong() {
    let Some(root) = corpus::root() else { return };
    if !corpus::has_tool("tshark", "tshark") {
        return;
    }
    let folders = ["zeek", "ja4", "suricata", "tcpdump"];
    let captures: Vec<PathBuf> =
        folders.iter().flat_map(|folder| corpus::captures(&root, folder)).collect();
    let judged = corpus::on_all_cores(&captures, |capture| compare(capture));
    for (capture, flows) in captures.iter().zip(&judged) {
        for flow in flows {
            for (place, Classifier { name, thresholds, .. }) in CLASSIFIERS.iter().enumerate() {
                let score = flow.scores[place].unwrap_or_default();
                if flow.truth[place] != (score >= thresholds[0]) {
                    let due = flow.truth[place];
                    println!(
                        "{} {}: {name} {score:.2}, due: {due}",
                        corpus::name(capture),
                        flow.key
                    );
                }
            }
        }
    }
    let flows: Vec<Judged> = judged.into_iter().flatten().collect();
    let table = markdown(&flows);
    println!("{} captures, {} flows with scores\n{table}", captures.len(), flows.len());
    assert!(flows.len() >= FLOWS_MIN, "only {} flows", flows.len());
    for (place, Classifier { name, .. }) in CLASSIFIERS.iter().enumerate() {
        // What `likely_tor`, `likely_vpn` and `likely_doh` say.
        let Line { wrong, .. } = line(&flows, place, 0.5);
        assert_eq!(wrong, 0, "flows are wrongly called {name}");
    }
    page::compare(PAGE, "classifiers", &table);
}

#[test]
fn bounds_are_those_of_the_tables() {
    // 1 - 0.05^(1/100), and the published one-sided 95 % bounds for 1 and 5 of 100.
    assert!((bound(0, 100) - 0.029_513).abs() < 1e-6);
    assert!((bound(1, 100) - 0.046_559).abs() < 1e-5);
    assert!((bound(5, 100) - 0.102_254).abs() < 1e-5);
}

#[test]
fn flows_count_by_threshold_and_truth() {
    let (key, _) =
        tshark::key([(IpAddr::from([10, 0, 0, 1]), 1), (IpAddr::from([10, 0, 0, 2]), 2)], 6);
    let flow = |score: Option<f64>, due: bool, encrypted: bool| Judged {
        key,
        encrypted,
        scores: [score; 3],
        truth: [due; 3],
    };
    let flows = [
        flow(Some(0.7), true, true),
        flow(Some(0.3), false, true),
        flow(Some(0.0), true, true),
        flow(Some(0.9), false, false),
        flow(None, true, true),
    ];
    assert_eq!(line(&flows, 0, 0.3), Line { flows: 3, truly: 2, found: 1, wrong: 1 });
    assert_eq!(line(&flows, 1, 0.5), Line { flows: 4, truly: 2, found: 1, wrong: 1 });
    assert!(is_named("zeek/tls__tor-relay.pcap", "tor") && !is_named("zeek/store.pcap", "tor"));
}

#[test]
fn layers_of_vpns_are_told_with_their_flow() {
    let rest = "\t".repeat(9);
    let udp = format!("eth:ip:udp:isakmp\t1.1.1.1\t1.1.1.2\t100\t20\t{}500\t500\t", "\t".repeat(8));
    let esp = format!("eth:ip:esp\t1.1.1.1\t1.1.1.2\t100\t20{rest}\t\t");
    let tcp = format!("eth:ip:tcp{rest}\t\t\t\t\t\t");
    let flows = vpn_flows(&[udp, esp, tcp]);
    let end = |last: u8, port: u16| (IpAddr::from([1, 1, 1, last]), port);
    let due =
        [tshark::key([end(1, 500), end(2, 500)], 17), tshark::key([end(1, 0), end(2, 0)], 50)];
    assert_eq!(flows, due.map(|(key, _)| key).into());
}
