//! NFStream's columns (statistics and nDPI), in milliseconds as there, but not rounded.

use super::{Expr, Missing, View, ViewColumn};

const MS: f64 = 1e3;

const fn same(name: &'static str, column: &'static str) -> ViewColumn {
    ViewColumn::same(name, column)
}

const fn at(name: &'static str, column: &'static str) -> ViewColumn {
    ViewColumn::new(name, Expr::Millis(column)).unit("ms").note(NOT_ROUNDED)
}

const fn ms(name: &'static str, column: &'static str) -> ViewColumn {
    ViewColumn::new(name, Expr::Times(column, MS)).unit("ms").note(NOT_ROUNDED)
}

const fn std_ps(name: &'static str, std: &'static str, count: &'static str) -> ViewColumn {
    let expr = Expr::SampleStd { std, count, less: 0, factor: 1.0 };
    ViewColumn::new(name, expr).unit("bytes").note(LONE)
}

const fn std_piat(name: &'static str, std: &'static str, count: &'static str) -> ViewColumn {
    let expr = Expr::SampleStd { std, count, less: 1, factor: MS };
    ViewColumn::new(name, expr).unit("ms").note(LONE_GAP)
}

const fn both(name: &'static str, sides: &'static [&'static str]) -> ViewColumn {
    ViewColumn::new(name, Expr::Sum(sides)).unit("packets").note(NO_TCP)
}

const fn flag(name: &'static str, column: &'static str) -> ViewColumn {
    same(name, column).note(NO_TCP)
}

const NOT_ROUNDED: &str =
    "with the fraction of a millisecond, which NFStream cuts off; null, not 0, where there is none";
const LONE: &str = "null, not 0, for one packet";
const LONE_GAP: &str =
    "not of gaps cut to whole milliseconds; null, not 0, for fewer than two gaps";
const NO_TCP: &str = "null, not 0, in other protocols";
const NO_PORTS: &str = "null, not 0, in protocols without ports";
const FRAMES: &str = "link layer, as with NFStream's default `accounting_mode=0`";
const NO_BACKWARD: &str = "null, not 0, without packets from the responder";
const MAC: &str = "null, not zeros, without a link header";
const OUI: &str = "null for addresses that are local, whose first octets name no maker, and without a link header";
const NO_TEXT: &str = "null, not an empty text, where there is none";

/// The view.
pub(super) static VIEW: View = View {
    name: "nfstream",
    tool: "NFStream 6.6.0",
    meaning: "the columns that NFStream gives with statistical_analysis=True",
    flows: "NFStream ends flows after 120 s of silence and never at FIN or RST: `--idle-timeout 120s --tcp-linger 120s` comes nearest",
    columns: &[
        same("src_ip", "src_ip").note("of the initiator by SYN or request, not always of the first packet"),
        same("src_mac", "mac_src").note(MAC),
        same("src_oui", "mac_src_oui").note(OUI),
        same("src_port", "src_port").note(NO_PORTS),
        same("dst_ip", "dst_ip"),
        same("dst_mac", "mac_dst").note(MAC),
        same("dst_oui", "mac_dst_oui").note(OUI),
        same("dst_port", "dst_port").note(NO_PORTS),
        same("protocol", "protocol").note("behind all extension headers of IPv6"),
        same("ip_version", "ip_version"),
        ViewColumn::new("vlan_id", Expr::First(&["vlan_inner_id", "vlan_id"]))
            .note("the inner one of two tags, as NFStream's; null, not 0, without a tag"),
        at("bidirectional_first_seen_ms", "start_time"),
        at("bidirectional_last_seen_ms", "end_time"),
        ms("bidirectional_duration_ms", "duration"),
        same("bidirectional_packets", "total_packets"),
        same("bidirectional_bytes", "frame_bytes_total").note(FRAMES),
        at("src2dst_first_seen_ms", "start_time_fwd"),
        at("src2dst_last_seen_ms", "end_time_fwd"),
        ms("src2dst_duration_ms", "duration_fwd"),
        same("src2dst_packets", "packets_fwd"),
        same("src2dst_bytes", "frame_bytes_fwd").note(FRAMES),
        at("dst2src_first_seen_ms", "start_time_bwd"),
        at("dst2src_last_seen_ms", "end_time_bwd"),
        ms("dst2src_duration_ms", "duration_bwd"),
        same("dst2src_packets", "packets_bwd"),
        same("dst2src_bytes", "frame_bytes_bwd").note(FRAMES),
        same("bidirectional_min_ps", "frame_len_min").note(FRAMES),
        same("bidirectional_mean_ps", "frame_len_mean").note(FRAMES),
        std_ps("bidirectional_stddev_ps", "frame_len_std", "total_packets"),
        same("bidirectional_max_ps", "frame_len_max").note(FRAMES),
        same("src2dst_min_ps", "frame_len_fwd_min").note(FRAMES),
        same("src2dst_mean_ps", "frame_len_fwd_mean").note(FRAMES),
        std_ps("src2dst_stddev_ps", "frame_len_fwd_std", "packets_fwd"),
        same("src2dst_max_ps", "frame_len_fwd_max").note(FRAMES),
        same("dst2src_min_ps", "frame_len_bwd_min").note(NO_BACKWARD),
        same("dst2src_mean_ps", "frame_len_bwd_mean").note(NO_BACKWARD),
        std_ps("dst2src_stddev_ps", "frame_len_bwd_std", "packets_bwd"),
        same("dst2src_max_ps", "frame_len_bwd_max").note(NO_BACKWARD),
        ms("bidirectional_min_piat_ms", "iat_min"),
        ms("bidirectional_mean_piat_ms", "iat_mean"),
        std_piat("bidirectional_stddev_piat_ms", "iat_std", "total_packets"),
        ms("bidirectional_max_piat_ms", "iat_max"),
        ms("src2dst_min_piat_ms", "iat_fwd_min"),
        ms("src2dst_mean_piat_ms", "iat_fwd_mean"),
        std_piat("src2dst_stddev_piat_ms", "iat_fwd_std", "packets_fwd"),
        ms("src2dst_max_piat_ms", "iat_fwd_max"),
        ms("dst2src_min_piat_ms", "iat_bwd_min"),
        ms("dst2src_mean_piat_ms", "iat_bwd_mean"),
        std_piat("dst2src_stddev_piat_ms", "iat_bwd_std", "packets_bwd"),
        ms("dst2src_max_piat_ms", "iat_bwd_max"),
        both("bidirectional_syn_packets", &["tcp_syn_flags_fwd", "tcp_syn_flags_bwd"]),
        both("bidirectional_cwr_packets", &["tcp_cwr_flags_fwd", "tcp_cwr_flags_bwd"]),
        both("bidirectional_ece_packets", &["tcp_ece_flags_fwd", "tcp_ece_flags_bwd"]),
        both("bidirectional_urg_packets", &["tcp_urg_flags_fwd", "tcp_urg_flags_bwd"]),
        both("bidirectional_ack_packets", &["tcp_ack_flags_fwd", "tcp_ack_flags_bwd"]),
        both("bidirectional_psh_packets", &["tcp_psh_flags_fwd", "tcp_psh_flags_bwd"]),
        both("bidirectional_rst_packets", &["tcp_rst_flags_fwd", "tcp_rst_flags_bwd"]),
        both("bidirectional_fin_packets", &["tcp_fin_flags_fwd", "tcp_fin_flags_bwd"]),
        flag("src2dst_syn_packets", "tcp_syn_flags_fwd"),
        flag("src2dst_cwr_packets", "tcp_cwr_flags_fwd"),
        flag("src2dst_ece_packets", "tcp_ece_flags_fwd"),
        flag("src2dst_urg_packets", "tcp_urg_flags_fwd"),
        flag("src2dst_ack_packets", "tcp_ack_flags_fwd"),
        flag("src2dst_psh_packets", "tcp_psh_flags_fwd"),
        flag("src2dst_rst_packets", "tcp_rst_flags_fwd"),
        flag("src2dst_fin_packets", "tcp_fin_flags_fwd"),
        flag("dst2src_syn_packets", "tcp_syn_flags_bwd"),
        flag("dst2src_cwr_packets", "tcp_cwr_flags_bwd"),
        flag("dst2src_ece_packets", "tcp_ece_flags_bwd"),
        flag("dst2src_urg_packets", "tcp_urg_flags_bwd"),
        flag("dst2src_ack_packets", "tcp_ack_flags_bwd"),
        flag("dst2src_psh_packets", "tcp_psh_flags_bwd"),
        flag("dst2src_rst_packets", "tcp_rst_flags_bwd"),
        flag("dst2src_fin_packets", "tcp_fin_flags_bwd"),
        same("application_name", "app")
            .note("our detector's names (`tls`), not nDPI's (`TLS.YouTube`), and never guessed by port or address; null without payload"),
        ViewColumn::new("requested_server_name", Expr::First(&["tls_sni", "quic_sni", "http_host", "dns_query_name"]))
            .note(NO_TEXT),
        ViewColumn::new("client_fingerprint", Expr::First(&["ja4", "quic_ja4", "ssh_hassh"]))
            .note("HASSH in lower case, as its definition has it; null, not an empty text, where there is none"),
        ViewColumn::new("server_fingerprint", Expr::First(&["ja3s_hash", "ssh_hassh_server"]))
            .note("HASSHServer in lower case, as its definition has it; null, not an empty text, where there is none"),
        same("user_agent", "http_user_agent").note("at most 512 bytes; null, not an empty text, where there is none"),
        same("content_type", "http_content_type").note("the whole field with its parameters; null, not an empty text, where there is none"),
    ],
    missing: &[
        Missing { name: "id", reason: "the number of the row; `flow_id` names a flow in every run and file" },
        Missing { name: "expiration_id", reason: "0 for idle and 1 for active knows no end by FIN, RST or the end of the input; `end_reason` tells all" },
        Missing { name: "tunnel_id", reason: "nDPI's number of the kind of tunnel, of the three it knows; `tunnel_type` names it" },
        Missing { name: "application_category_name", reason: "a table of nDPI's own that maps applications to categories" },
        Missing { name: "application_is_guessed", reason: "always 0 here: nothing is guessed by port or address" },
        Missing { name: "application_confidence", reason: "nDPI's number of the way by which it was found; `app_rule` names ours, `app_confidence` is a share" },
        Missing { name: "splt_direction", reason: "there only with splt_analysis, padded with -1; `splt_directions` is not padded" },
        Missing { name: "splt_ps", reason: "there only with splt_analysis, padded with -1; `splt_lengths` is not padded" },
        Missing { name: "splt_piat_ms", reason: "there only with splt_analysis, padded with -1; `splt_times` is not padded" },
        Missing { name: "system_process_pid", reason: "there only with system_visibility_mode; captures know no processes" },
        Missing { name: "system_process_name", reason: "there only with system_visibility_mode; captures know no processes" },
        Missing { name: "system_browser_tab", reason: "there only with system_visibility_mode; captures know no browsers" },
    ],
};
