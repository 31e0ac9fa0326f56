//! CICFlowMeter's columns, in microseconds as there, with its known errors corrected.
//!
//! Which those are: G. Engelen, V. Rimmer, W. Joosen, Troubleshooting an Intrusion Detection Dataset (IEEE SPW 2021);
//! A. Rosay et al., From CIC-IDS2017 to LYCOS-IDS2017 (ICISSP 2022); L. Liu et al., Error Prevalence in NIDS Datasets
//! (IEEE CNS 2022); and the program's own issues and code.

use super::{Expr, Missing, View, ViewColumn};

const US: f64 = 1e6;

const fn same(name: &'static str, column: &'static str) -> ViewColumn {
    ViewColumn::same(name, column)
}

const fn us(name: &'static str, column: &'static str) -> ViewColumn {
    ViewColumn::new(name, Expr::Times(column, US)).unit("us")
}

const fn per(
    name: &'static str,
    over: &'static str,
    under: &'static str,
    unit: &'static str,
) -> ViewColumn {
    ViewColumn::new(name, Expr::Ratio(over, under)).unit(unit)
}

const fn std_len(name: &'static str, std: &'static str, count: &'static str) -> ViewColumn {
    let expr = Expr::SampleStd { std, count, less: 0, factor: 1.0 };
    ViewColumn::new(name, expr).unit("bytes").note(LONE)
}

const fn std_iat(name: &'static str, std: &'static str, count: &'static str) -> ViewColumn {
    let expr = Expr::SampleStd { std, count, less: 1, factor: US };
    ViewColumn::new(name, expr).unit("us").note(LONE)
}

const fn std_span(name: &'static str, std: &'static str, count: &'static str) -> ViewColumn {
    let expr = Expr::SampleStd { std, count, less: 0, factor: US };
    ViewColumn::new(name, expr).unit("us")
}

const LONE: &str = "null, not 0, for fewer than two values";
const NO_FWD: &str = "null, not 0, without packets from the initiator";
const NO_BWD: &str = "null, not 0, without packets from the responder";
const NO_GAPS: &str = "null, not 0, without gaps";
const NO_DURATION: &str = "null, not infinite, NaN or 0, where all packets have the same time";
const NO_TCP: &str = "null, not 0, in other protocols";
const FIRST_TWICE: &str = "the first packet counts once: the tool adds its payload twice";
const FIRST_TWICE_STD: &str =
    "the first packet counts once: the tool adds its payload twice; null, not 0, for one packet";
const FIRST_ONLY: &str = "all packets count: the tool looks at each side's flags in the flow's first packet only; null, not 0, in other protocols";
const BULKS: &str = "bulks of both sides are told apart: the tool compares addresses by reference, so forward bulks are never found; not an integer division; null, not 0, without bulks";
const SUBFLOWS: &str = "over runs of packets with gaps of at most 1 s: the tool's brackets make a subflow of nearly every packet; not an integer division";
const ACTIVE: &str = "durations, not absolute times as in CIC-IDS-2017; a lone packet is a period of 0, which the tool leaves out";
const ACTIVE_STD: &str =
    "durations, not absolute times as in CIC-IDS-2017; null, not 0, for one period";
const IDLE: &str = "durations of gaps, not absolute times as in CIC-IDS-2017; the rest of the timeout after the last packet is no gap; null, not 0, without";
const IDLE_STD: &str =
    "durations of gaps, not absolute times as in CIC-IDS-2017; null, not 0, for fewer than two";

/// The view.
pub(super) static VIEW: View = View {
    name: "cicflowmeter",
    tool: "CICFlowMeter 4.0 (Java)",
    meaning: "the columns of CICFlowMeter, with its known errors corrected",
    flows: "CICFlowMeter cuts flows 120 s after their start and at their first FIN: `--active-timeout 120s` comes nearest; a flow here goes on to its last ACK, and flows of one packet are rows too",
    columns: &[
        same("Src IP", "src_ip").note("of the initiator by SYN or request, not always of the first packet"),
        same("Src Port", "src_port").note("null, not 0, in protocols without ports"),
        same("Dst IP", "dst_ip"),
        same("Dst Port", "dst_port").note("null, not 0, in protocols without ports"),
        same("Protocol", "protocol").note("of all protocols, not 0 for all but TCP and UDP"),
        same("Timestamp", "start_time").note("a moment in UTC to the nanosecond, not a local time in seconds"),
        us("Flow Duration", "duration"),
        same("Total Fwd Packet", "packets_fwd"),
        same("Total Bwd packets", "packets_bwd"),
        same("Total Length of Fwd Packet", "payload_bytes_fwd").note("Ethernet padding is no payload"),
        same("Total Length of Bwd Packet", "payload_bytes_bwd").note("Ethernet padding is no payload"),
        same("Fwd Packet Length Max", "payload_len_fwd_max").note(NO_FWD),
        same("Fwd Packet Length Min", "payload_len_fwd_min").note(NO_FWD),
        same("Fwd Packet Length Mean", "payload_len_fwd_mean").note(NO_FWD),
        std_len("Fwd Packet Length Std", "payload_len_fwd_std", "packets_fwd"),
        same("Bwd Packet Length Max", "payload_len_bwd_max").note(NO_BWD),
        same("Bwd Packet Length Min", "payload_len_bwd_min").note(NO_BWD),
        same("Bwd Packet Length Mean", "payload_len_bwd_mean").note(NO_BWD),
        std_len("Bwd Packet Length Std", "payload_len_bwd_std", "packets_bwd"),
        per("Flow Bytes/s", "payload_bytes_total", "duration", "bytes/s").note(NO_DURATION),
        same("Flow Packets/s", "packets_per_second").note(NO_DURATION),
        us("Flow IAT Mean", "iat_mean").note(NO_GAPS),
        std_iat("Flow IAT Std", "iat_std", "total_packets"),
        us("Flow IAT Max", "iat_max").note(NO_GAPS),
        us("Flow IAT Min", "iat_min").note(NO_GAPS),
        us("Fwd IAT Total", "iat_fwd_sum").note(NO_GAPS),
        us("Fwd IAT Mean", "iat_fwd_mean").note(NO_GAPS),
        std_iat("Fwd IAT Std", "iat_fwd_std", "packets_fwd"),
        us("Fwd IAT Max", "iat_fwd_max").note(NO_GAPS),
        us("Fwd IAT Min", "iat_fwd_min").note(NO_GAPS),
        us("Bwd IAT Total", "iat_bwd_sum").note(NO_GAPS),
        us("Bwd IAT Mean", "iat_bwd_mean").note(NO_GAPS),
        std_iat("Bwd IAT Std", "iat_bwd_std", "packets_bwd"),
        us("Bwd IAT Max", "iat_bwd_max").note(NO_GAPS),
        us("Bwd IAT Min", "iat_bwd_min").note(NO_GAPS),
        same("Fwd PSH Flags", "tcp_psh_flags_fwd").note(FIRST_ONLY),
        same("Bwd PSH Flags", "tcp_psh_flags_bwd").note(FIRST_ONLY),
        same("Fwd URG Flags", "tcp_urg_flags_fwd").note(FIRST_ONLY),
        same("Bwd URG Flags", "tcp_urg_flags_bwd").note(FIRST_ONLY),
        same("Fwd Header Length", "transport_header_bytes_fwd"),
        same("Bwd Header Length", "transport_header_bytes_bwd"),
        per("Fwd Packets/s", "packets_fwd", "duration", "packets/s").note(NO_DURATION),
        per("Bwd Packets/s", "packets_bwd", "duration", "packets/s").note(NO_DURATION),
        same("Packet Length Min", "payload_len_min"),
        same("Packet Length Max", "payload_len_max"),
        same("Packet Length Mean", "payload_len_mean").note(FIRST_TWICE),
        std_len("Packet Length Std", "payload_len_std", "total_packets").note(FIRST_TWICE_STD),
        ViewColumn::new("Packet Length Variance", Expr::SampleVariance { std: "payload_len_std", count: "total_packets" })
            .unit("bytes^2")
            .note(FIRST_TWICE_STD),
        same("FIN Flag Count", "tcp_fin_count").note("of both sides, and of the whole close: the tool ends the flow at the first FIN"),
        ViewColumn::new("SYN Flag Count", Expr::Sum(&["tcp_syn_count", "tcp_synack_count"])).note(NO_TCP),
        same("RST Flag Count", "tcp_rst_count").note(NO_TCP),
        same("PSH Flag Count", "tcp_psh_count").note(NO_TCP),
        same("ACK Flag Count", "tcp_ack_count").note(NO_TCP),
        same("URG Flag Count", "tcp_urg_count").note(NO_TCP),
        same("CWR Flag Count", "tcp_cwr_count").note(NO_TCP),
        same("ECE Flag Count", "tcp_ece_count").note(NO_TCP),
        per("Down/Up Ratio", "packets_bwd", "packets_fwd", "").note("not an integer division; null, not 0, without packets from the initiator"),
        per("Average Packet Size", "payload_bytes_total", "total_packets", "bytes").note(FIRST_TWICE),
        same("Fwd Segment Size Avg", "payload_len_fwd_mean").note(NO_FWD),
        same("Bwd Segment Size Avg", "payload_len_bwd_mean").note(NO_BWD),
        per("Fwd Bytes/Bulk Avg", "bulk_bytes_fwd", "bulk_count_fwd", "bytes").note(BULKS),
        per("Fwd Packet/Bulk Avg", "bulk_packets_fwd", "bulk_count_fwd", "packets").note(BULKS),
        per("Fwd Bulk Rate Avg", "bulk_bytes_fwd", "bulk_duration_fwd", "bytes/s").note(BULKS),
        per("Bwd Bytes/Bulk Avg", "bulk_bytes_bwd", "bulk_count_bwd", "bytes").note(BULKS),
        per("Bwd Packet/Bulk Avg", "bulk_packets_bwd", "bulk_count_bwd", "packets").note(BULKS),
        per("Bwd Bulk Rate Avg", "bulk_bytes_bwd", "bulk_duration_bwd", "bytes/s").note(BULKS),
        per("Subflow Fwd Packets", "packets_fwd", "subflow_count", "packets").note(SUBFLOWS),
        per("Subflow Fwd Bytes", "payload_bytes_fwd", "subflow_count", "bytes").note(SUBFLOWS),
        per("Subflow Bwd Packets", "packets_bwd", "subflow_count", "packets").note(SUBFLOWS),
        per("Subflow Bwd Bytes", "payload_bytes_bwd", "subflow_count", "bytes").note(SUBFLOWS),
        same("FWD Init Win Bytes", "tcp_init_win_fwd").note(NO_TCP),
        same("Bwd Init Win Bytes", "tcp_init_win_bwd").note("of the responder's first packet: the tool overwrites it with every further one; null, not 0, without"),
        same("Fwd Act Data Pkts", "packets_with_payload_fwd").note("the flow's first packet counts too"),
        same("Fwd Seg Size Min", "transport_header_fwd_min").note("the shortest header, as in the tool, whatever its name says"),
        us("Active Mean", "active_mean").note(ACTIVE),
        std_span("Active Std", "active_std", "active_count").note(ACTIVE_STD),
        us("Active Max", "active_max").note(ACTIVE),
        us("Active Min", "active_min").note(ACTIVE),
        us("Idle Mean", "rest_mean").note(IDLE),
        std_span("Idle Std", "rest_std", "rest_count").note(IDLE_STD),
        us("Idle Max", "rest_max").note(IDLE),
        us("Idle Min", "rest_min").note(IDLE),
    ],
    missing: &[
        Missing { name: "Flow ID", reason: "the endpoints as one text, in an order by signed bytes; the five-tuple is there, and `flow_id` and `community_id` identify it" },
        Missing { name: "Label", reason: "always NeedManualLabel: labels come from whoever knows them" },
    ],
};
