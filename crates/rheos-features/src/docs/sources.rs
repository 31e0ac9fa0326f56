//! What defines the things that a group's columns tell.

/// Where what the group reads is defined; none where the table alone defines it.
pub(super) fn of(group: &str) -> Option<&'static str> {
    Some(match group {
        "activity" => {
            "times and lengths of the packets; terms of A. Moore, D. Zuev, M. Crogan 2005 and of CICFlowMeter"
        }
        "application" => {
            "first bytes of both sides after reassembly, by the detector of [detector.md](../../detector.md)"
        }
        "connection" => {
            "addresses, ports and times of the flows that ended before, in order; sketches where limits are reached: HyperLogLog"
        }
        "directions" => {
            "frames, IP and TCP headers of each direction (RFC 791, RFC 8200, RFC 9293)"
        }
        "dns" => {
            "RFC 1035, RFC 6891 (EDNS), RFC 6762 (mDNS), RFC 4795 (LLMNR); IANA's registry of DNS parameters"
        }
        "entropy" => {
            "first payload bytes of each direction; C. E. Shannon 1948; corrected after Miller and Madow 1955"
        }
        "fingerprint" => {
            "[guides/classifiers.md](../../guides/classifiers.md), with the rates at which the scores are wrong"
        }
        "flow_meta" => {
            "headers of IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293), UDP (RFC 768); times of the capture's records"
        }
        "flow_state" => {
            "TCP's states (RFC 9293); history and states in the letters of Zeek's conn.log; Community ID version 1"
        }
        "http" => "RFC 9110, RFC 9112",
        "http2" => "RFC 9113",
        "icmp" => "RFC 792, RFC 4443 (ICMPv6), RFC 4884; IANA's registries of types and codes",
        "ip_extended" => {
            "RFC 791, RFC 8200, RFC 2474 (differentiated services), RFC 3168 (ECN), RFC 6864 (identification)"
        }
        "ipv6_options" => "RFC 8200, RFC 6437 (flow label), RFC 4302 (AH), RFC 6275 (mobility)",
        "mac" => "IEEE 802.3, IEEE 802.1Q, IEEE 802.11 headers",
        "padding" | "size" => {
            "length fields of the IP header, not of the frame, so that padding is no payload"
        }
        "quic" => {
            "RFC 8999, RFC 9000, RFC 9001 (keys of Initial packets), RFC 9369 (version 2), RFC 9221; JA4 (BSD-3-Clause)"
        }
        "services" => {
            "RFC 2131 and RFC 2132 (DHCP), RFC 5905 (NTP), RFC 5321, RFC 9051 and RFC 1939 (mail), RFC 959 (FTP), \
             RFC 3261 (SIP), RFC 4511 (LDAP), RFC 4120 (Kerberos), RFC 8489 (STUN), RFC 3412 (SNMP), RFC 7296 (IKE), RFC 3550 (RTP), BEP 3, BEP 5 and BEP 20 (BitTorrent), MQTT 5.0; MS-SMB2, MS-RDPBCGR"
        }
        "ssh" => "RFC 4253; HASSH (Salesforce, BSD-3-Clause)",
        "tcp" => "RFC 9293, RFC 3168 (ECE, CWR)",
        "tcp_fingerprint" => {
            "SYN and SYN-ACK segments, RFC 9293, RFC 7323; the signature's form is our own"
        }
        "tcp_mptcp" => "RFC 8684",
        "tcp_options" => {
            "RFC 9293, RFC 7323 (scale, timestamps), RFC 2018 and RFC 2883 (SACK), RFC 7413 (fast open); IANA's registry"
        }
        "tcp_rtt" => "RFC 6298 (Karn's rule), RFC 7323 (timestamps)",
        "tcp_sequence" => {
            "RFC 9293, RFC 5681 (duplicate ACK, fast retransmit), RFC 2883 (spurious)"
        }
        "tcp_window" => "RFC 9293, RFC 7323 (scale)",
        "timing" => "times of the capture's records",
        "tls" => {
            "RFC 5246, RFC 8446, RFC 6347 and RFC 9147 (DTLS), RFC 6066 (SNI), RFC 7301 (ALPN), RFC 5280 (certificates); \
             JA3 (Salesforce, BSD-3-Clause), JA4 (FoxIO, BSD-3-Clause)"
        }
        _ => return None,
    })
}
