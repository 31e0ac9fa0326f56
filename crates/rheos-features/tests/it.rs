//! Tests of the features crate from outside.

#![allow(clippy::unwrap_used)]

mod it {
    mod activity_flows;
    mod application_flows;
    mod connection_flows;
    mod coverage;
    mod defects;
    mod directions_flows;
    mod dissectors;
    mod dns_flows;
    mod dns_talk;
    mod fingerprint_flows;
    mod frames;
    mod http_corpus;
    mod http_flows;
    mod ip_flows;
    mod laws;
    mod link_flows;
    mod other_flows;
    mod quic_dissector;
    mod quic_flows;
    mod quic_packets;
    mod road;
    mod rows;
    mod services_flows;
    mod shape_flows;
    mod signature_flows;
    mod ssh_flows;
    mod ssh_talk;
    mod talks;
    mod tcp_analysis_flows;
    mod tcp_defects;
    mod tcp_flows;
    mod tls_flows;
    mod views;
}
