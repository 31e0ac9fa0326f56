//! Community ID version 1 with seed 0: a name for a flow that other tools (Zeek, Suricata, tshark, ...)
//! compute alike (<https://github.com/corelight/community-id-spec>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rheos_core::{Addr, FiveTuple, IpVersion};
use sha1::{Digest, Sha1};

use crate::icmp::counterpart;
use crate::transport::protocols;

/// The Community ID of the flow that `tuple` belongs to: `1:` and the SHA-1 in base64.
///
/// Both directions give the same text, but for ICMP and ICMPv6, where `tuple` must be as the initiator sends
/// it: its destination port then is type and code (see [`crate::icmp`]).
pub fn community_id(tuple: &FiveTuple) -> String {
    match (tuple.protocol, tuple.version) {
        (protocols::ICMP, IpVersion::V4) | (protocols::ICMPV6, IpVersion::V6) => {
            let [kind, code] = tuple.dst_port.to_be_bytes();
            let reply = counterpart(kind, tuple.version);
            let ports = (u16::from(kind), u16::from(reply.unwrap_or(code)));
            hash(tuple, Some(ports), reply.is_none())
        }
        (protocols::TCP | protocols::UDP | protocols::SCTP, _) => {
            hash(tuple, Some((tuple.src_port, tuple.dst_port)), false)
        }
        _ => hash(tuple, None, false),
    }
}

/// The hash over seed, addresses, protocol, padding and ports, the lower endpoint first unless `directed`.
fn hash(tuple: &FiveTuple, ports: Option<(u16, u16)>, directed: bool) -> String {
    const SEED: [u8; 2] = [0, 0];
    let (src_port, dst_port) = ports.unwrap_or_default();
    let (src, dst) = ((tuple.src, src_port), (tuple.dst, dst_port));
    let (low, high) = if directed || src <= dst { (src, dst) } else { (dst, src) };
    let mut sha = Sha1::new();
    sha.update(SEED);
    sha.update(significant(&low.0, tuple.version));
    sha.update(significant(&high.0, tuple.version));
    sha.update([tuple.protocol, 0]);
    if ports.is_some() {
        sha.update(low.1.to_be_bytes());
        sha.update(high.1.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(sha.finalize()))
}

fn significant(addr: &Addr, version: IpVersion) -> &[u8] {
    match version {
        IpVersion::V4 => &addr.0[12..],
        IpVersion::V6 => &addr.0,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::icmp;

    fn tuple(protocol: u8, src: &str, dst: &str, src_port: u16, dst_port: u16) -> FiveTuple {
        let (src, dst): (IpAddr, IpAddr) = (src.parse().unwrap(), dst.parse().unwrap());
        let version = if src.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
        FiveTuple { src: src.into(), dst: dst.into(), src_port, dst_port, protocol, version }
    }

    fn icmp_tuple(protocol: u8, src: &str, dst: &str, kind: u8, code: u8) -> FiveTuple {
        let mut tuple = tuple(protocol, src, dst, 0, 0);
        (tuple.src_port, tuple.dst_port) = icmp::ports(kind, code, 77, tuple.version);
        tuple
    }

    /// The specification's baseline of protocols with ports, or without any.
    #[test]
    fn published_vectors_of_tcp_udp_sctp_and_others() {
        let mail = ("2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a");
        for (protocol, src, dst, src_port, dst_port, expected) in [
            (6, mail.0, mail.1, 63_943, 25, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="),
            (6, "128.232.110.120", "66.35.250.204", 34_855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (17, "192.168.1.52", "8.8.8.8", 54_585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            (132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
            (46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="),
        ] {
            let tuple = tuple(protocol, src, dst, src_port, dst_port);
            assert_eq!(community_id(&tuple), expected);
            assert_eq!(community_id(&tuple.reversed()), expected);
        }
    }

    /// The specification's baseline of ICMP and ICMPv6: (source, destination, type, code).
    #[test]
    fn published_vectors_of_icmp() {
        let (a, b) = ("fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea");
        let (p, q) = ("3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2");
        for (protocol, src, dst, kind, code, expected) in [
            (58, a, b, 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
            (58, b, a, 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
            (58, b, a, 135, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="),
            (58, a, b, 136, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="),
            (58, "3ffe:501:1800:2345::2", p, 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="),
            (58, "3ffe:501:410:0:2c0:dfff:fe47:33e", p, 1, 4, "1:hLZd0XGWojozrvxqE0dWB1iM6R0="),
            (58, p, q, 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
            (58, q, p, 129, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
            (58, a, "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="),
            (58, b, "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="),
            (1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
            (1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
            (1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="),
        ] {
            let sent = icmp_tuple(protocol, src, dst, kind, code);
            let reply = icmp::is_reply(kind, sent.version);
            let initiator = if reply { sent.reversed() } else { sent };
            assert_eq!(community_id(&initiator), expected, "{src} > {dst} type {kind}");
        }
    }
}
