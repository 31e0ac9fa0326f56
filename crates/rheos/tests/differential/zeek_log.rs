//! Reading Zeek's logs, whole or cut to some columns, and connections of its `conn.log`.

use std::collections::HashMap;
use std::net::IpAddr;

/// The two ends and the protocol, as Zeek's originator sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ends {
    /// Originator.
    pub(crate) orig: (IpAddr, u16),
    /// Responder.
    pub(crate) resp: (IpAddr, u16),
    /// IANA number.
    pub(crate) protocol: u8,
}

/// One connection; `None` where the log has no such column, or left it unset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Zeek's own name for it.
    pub(crate) uid: String,
    pub(crate) ends: Option<Ends>,
    /// Microseconds; zero when unset, as Zeek leaves it for one packet.
    pub(crate) duration: Option<u64>,
    pub(crate) packets: [Option<u64>; 2],
    pub(crate) ip_bytes: [Option<u64>; 2],
    /// Empty when unset, as Zeek leaves it for ICMP and others.
    pub(crate) history: Option<String>,
    pub(crate) state: Option<String>,
}

/// Reads a `conn.log`.
pub(crate) fn parse(text: &str) -> Vec<Connection> {
    lines(text).iter().map(connection).collect()
}

/// Values by name of column, `-` where unset.
pub(crate) type Line<'a> = HashMap<&'a str, &'a str>;

/// Reads a log; its columns are named by a `#fields` line, or by the first line after the comments.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut columns: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(names) = line.strip_prefix("#fields\t") {
            columns = names.split('\t').collect();
        } else if line.starts_with('#') || line.is_empty() {
        } else if columns.is_empty() {
            columns = line.split('\t').collect();
        } else {
            lines.push(columns.iter().copied().zip(line.split('\t')).collect());
        }
    }
    lines
}

fn connection(values: &Line<'_>) -> Connection {
    let text = |name: &str| values.get(name).copied();
    let number = |name: &str| text(name).and_then(|value| value.parse().ok());
    Connection {
        uid: text("uid").unwrap_or_default().to_owned(),
        ends: ends(values),
        duration: text("duration").map(|value| if value == "-" { 0 } else { micros(value) }),
        packets: [number("orig_pkts"), number("resp_pkts")],
        ip_bytes: [number("orig_ip_bytes"), number("resp_ip_bytes")],
        history: text("history").map(|value| value.trim_matches('-').to_owned()),
        state: text("conn_state").map(str::to_owned),
    }
}

pub(crate) fn ends(values: &Line<'_>) -> Option<Ends> {
    let end = |host: &str, port: &str| {
        Some((values.get(host)?.parse().ok()?, values.get(port)?.parse().ok()?))
    };
    let orig: (IpAddr, u16) = end("id.orig_h", "id.orig_p")?;
    let protocol = match (values.get("ip_proto"), values.get("proto")) {
        (Some(number), _) => number.parse().ok()?,
        // A log of one protocol over TCP has no column for it.
        (None, Some(&"tcp") | None) => 6,
        (None, Some(&"udp")) => 17,
        (None, Some(&"icmp")) => {
            if orig.0.is_ipv4() {
                1
            } else {
                58
            }
        }
        _ => return None,
    };
    Some(Ends { orig, resp: end("id.resp_h", "id.resp_p")?, protocol })
}

/// Seconds with six decimals as microseconds.
fn micros(seconds: &str) -> u64 {
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
    let part = format!("{part:0<6.6}");
    whole.parse::<u64>().expect("seconds") * 1_000_000 + part.parse::<u64>().expect("microseconds")
}

#[test]
fn a_whole_log_and_a_cut_one_are_read() {
    let whole = "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\t\
                 conn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\tip_proto\n\
                 X\tC1\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t2.000182\tOTH\t-\t3\t252\t2\t168\t1\n\
                 X\tC2\tfe80::1\t546\tff02::2\t547\tudp\t-\tS0\tD\t1\t70\t0\t0\t17\n";
    let [first, second] = &parse(whole)[..] else { panic!("two connections") };
    assert_eq!(first.ends.unwrap().orig, ("10.0.0.1".parse().unwrap(), 8));
    assert_eq!((first.duration, first.packets), (Some(2_000_182), [Some(3), Some(2)]));
    assert_eq!((first.history.as_deref(), first.ip_bytes), (Some(""), [Some(252), Some(168)]));
    assert_eq!((second.duration, second.state.as_deref()), (Some(0), Some("S0")));
    assert_eq!(second.ends.unwrap().protocol, 17);

    let cut = "### a comment\nuid\tservice\thistory\nC1\thttp\tShADadFf\n";
    let [only] = &parse(cut)[..] else { panic!("one connection") };
    assert_eq!((only.ends, only.duration, only.history.as_deref()), (None, None, Some("ShADadFf")));
    assert_eq!(micros("0.5"), 500_000);
}
