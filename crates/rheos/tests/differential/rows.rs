//! The rows of the built binary, as far as other tools can say the same thing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// The columns that are compared.
const COLUMNS: &str = "src_ip,dst_ip,src_port,dst_port,protocol,start_time,end_time,packets_fwd,packets_bwd,\
    bytes_fwd,bytes_bwd,initiator_confidence,history,conn_state,icmp_type,icmp_code,community_id,\
    timestamp_sequence,tcp_syn_count,tcp_synack_count,tcp_fin_count,tcp_rst_count,tcp_ack_count,tcp_psh_count";

/// One flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Initiator's and responder's address and port; 0 where there are none.
    pub(crate) ends: [(IpAddr, u16); 2],
    pub(crate) protocol: u8,
    /// Type and code of the first packet of ICMP.
    pub(crate) icmp: Option<(u8, u8)>,
    /// The first packet seen was an answer, so its receiver is the initiator.
    pub(crate) answer_first: bool,
    /// Nanoseconds since the epoch.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Of the first thousand packets, nanoseconds since the first; out of order where the capture is.
    pub(crate) times: Vec<i64>,
    /// From the initiator, and to it.
    pub(crate) packets: [u64; 2],
    pub(crate) ip_bytes: [u64; 2],
    pub(crate) history: String,
    pub(crate) state: String,
    pub(crate) community_id: String,
    /// SYN without ACK, SYN with ACK, FIN, RST, ACK, PSH.
    pub(crate) flags: [u64; 6],
}

/// The binary under test, without settings of the environment.
pub(crate) fn rheos() -> Command {
    let mut rheos = Command::new(env!("CARGO_BIN_EXE_rheos"));
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RHEOS_"))
    {
        rheos.env_remove(name);
    }
    rheos.args(["--progress", "none"]).stdin(Stdio::null());
    rheos
}

/// Flags for whole connections: nothing is left out for its checksum, and no timeout cuts, as tshark knows none.
pub(crate) const WHOLE: &[&str] =
    &["--checksums", "ignore", "--idle-timeout", "10000d", "--active-timeout", "0"];

/// The rows of a capture. Damaged captures give the rows up to the damage.
pub(crate) fn extract(capture: &Path, flags: &[&str], settings: &[(&str, &str)]) -> Vec<Row> {
    let cells = cells(capture, COLUMNS, flags, settings);
    cells.iter().map(row).collect()
}

/// Values by name of column, as CSV has them: empty where null.
pub(crate) type Cells = HashMap<String, String>;

/// The same as text, with columns of one's own choice.
///
/// # Panics
/// If the binary ends with anything but 0, or 1 for a damaged capture.
pub(crate) fn cells(
    capture: &Path,
    columns: &str,
    flags: &[&str],
    settings: &[(&str, &str)],
) -> Vec<Cells> {
    let mut command = rheos();
    command.args([
        "features",
        "extract",
        "--format",
        "csv",
        "--threads",
        "1",
        "--sequence-packets",
        "1000",
    ]);
    command.args(["--columns", columns]).args(flags).arg(capture);
    let out = command.envs(settings.iter().copied()).output().expect("the binary starts");
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(
        matches!(out.status.code(), Some(0 | 1)),
        "{}: {}: {told}",
        capture.display(),
        out.status
    );
    let mut reader = csv::Reader::from_reader(&*out.stdout);
    reader.deserialize().map(|values| values.expect("rows are CSV")).collect()
}

fn row(values: &Cells) -> Row {
    let text = |name: &str| &**values.get(name).unwrap_or_else(|| panic!("no column `{name}`"));
    let known = |name: &str| Some(text(name)).filter(|value| !value.is_empty());
    let number = |name: &str| known(name).map_or(0, |value| value.parse::<u64>().expect(name));
    let end = |ip: &str, port: &str| (text(ip).parse().expect(ip), number(port) as u16);
    let moment = |name: &str| {
        let moment: jiff::Timestamp = text(name).parse().expect(name);
        u64::try_from(moment.as_nanosecond()).expect("after 1970")
    };
    let times: Vec<f64> =
        serde_json::from_str(known("timestamp_sequence").unwrap_or("[]")).expect("a list");
    Row {
        ends: [end("src_ip", "src_port"), end("dst_ip", "dst_port")],
        protocol: number("protocol") as u8,
        icmp: known("icmp_type").map(|_| (number("icmp_type") as u8, number("icmp_code") as u8)),
        answer_first: text("initiator_confidence").starts_with("0.9"),
        first: moment("start_time"),
        last: moment("end_time"),
        times: times.iter().map(|seconds| (seconds * 1e9).round() as i64).collect(),
        packets: [number("packets_fwd"), number("packets_bwd")],
        ip_bytes: [number("bytes_fwd"), number("bytes_bwd")],
        history: text("history").to_owned(),
        state: text("conn_state").to_owned(),
        community_id: text("community_id").to_owned(),
        flags: ["syn", "synack", "fin", "rst", "ack", "psh"]
            .map(|flag| number(&format!("tcp_{flag}_count"))),
    }
}
