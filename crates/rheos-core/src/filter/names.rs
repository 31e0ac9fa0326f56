//! Names of protocols and ports that filters accept instead of numbers.

use std::fmt;

use crate::IpVersion;

/// IP protocols by their usual names (IANA, and getprotobyname(3) where it differs); the first name of
/// a number is the one that is printed.
pub(super) const PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipip", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("ipv6-icmp", 58),
    ("eigrp", 88),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// Protocols that are a word of the language by themselves, with the version they belong to.
pub(super) const KEYWORDS: &[(&str, Option<IpVersion>, u8)] = &[
    ("icmp", Some(IpVersion::V4), 1),
    ("igmp", Some(IpVersion::V4), 2),
    ("tcp", None, 6),
    ("udp", None, 17),
    ("esp", None, 50),
    ("ah", None, 51),
    ("icmp6", Some(IpVersion::V6), 58),
    ("pim", None, 103),
    ("vrrp", Some(IpVersion::V4), 112),
    ("sctp", None, 132),
];

/// Well-known ports by name.
const SERVICES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("bgp", 179),
    ("bootpc", 68),
    ("bootps", 67),
    ("cassandra", 9042),
    ("coap", 5683),
    ("dhcpv6-client", 546),
    ("dhcpv6-server", 547),
    ("discard", 9),
    ("domain", 53),
    ("domain-s", 853),
    ("echo", 7),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("geneve", 6081),
    ("gtp-control", 2123),
    ("gtp-user", 2152),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imaps", 993),
    ("ipp", 631),
    ("isakmp", 500),
    ("iscsi", 3260),
    ("kerberos", 88),
    ("l2tp", 1701),
    ("ldap", 389),
    ("ldaps", 636),
    ("mdns", 5353),
    ("memcached", 11211),
    ("microsoft-ds", 445),
    ("mongodb", 27017),
    ("mqtt", 1883),
    ("ms-sql-s", 1433),
    ("ms-wbt-server", 3389),
    ("mysql", 3306),
    ("nats", 4222),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("netflow", 2055),
    ("nfs", 2049),
    ("nntp", 119),
    ("ntp", 123),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("redis", 6379),
    ("rsync", 873),
    ("rtsp", 554),
    ("sflow", 6343),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("smtp", 25),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("socks", 1080),
    ("ssdp", 1900),
    ("ssh", 22),
    ("stun", 3478),
    ("submission", 587),
    ("submissions", 465),
    ("sunrpc", 111),
    ("syslog", 514),
    ("syslog-tls", 6514),
    ("telnet", 23),
    ("teredo", 3544),
    ("tftp", 69),
    ("vxlan", 4789),
    ("whois", 43),
];

/// The port of a well-known service: `https` is 443.
pub fn service_port(name: &str) -> Option<u16> {
    SERVICES.iter().find(|(known, _)| *known == name).map(|&(_, port)| port)
}

/// The usual name of a port's service: 443 is `https`.
pub fn service_name(port: u16) -> Option<&'static str> {
    SERVICES.iter().find(|&&(_, known)| known == port).map(|&(name, _)| name)
}

/// The names that [`service_port`] knows.
pub(super) fn services() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|&(name, _)| name)
}

/// The number of an IP protocol.
pub(super) fn protocol_number(name: &str) -> Option<u8> {
    PROTOCOLS.iter().find(|(known, _)| *known == name).map(|&(_, number)| number)
}

/// The usual name of an IP protocol number: 6 is `tcp`.
pub fn protocol_name(number: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|&&(_, known)| known == number).map(|&(name, _)| name)
}

/// `tcp`, `icmp`, else `proto 47`, `ip proto 6`.
pub(super) fn fmt_protocol(
    f: &mut fmt::Formatter<'_>,
    version: Option<IpVersion>,
    number: u8,
) -> fmt::Result {
    let keyword = KEYWORDS.iter().find(|&&(_, v, n)| (v, n) == (version, number));
    match (keyword, version) {
        (Some((word, ..)), _) => f.write_str(word),
        (None, None) => write!(f, "proto {number}"),
        (None, Some(IpVersion::V4)) => write!(f, "ip proto {number}"),
        (None, Some(IpVersion::V6)) => write!(f, "ip6 proto {number}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct() {
        assert_eq!(services().collect::<HashSet<_>>().len(), SERVICES.len());
        let names: HashSet<_> = PROTOCOLS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), PROTOCOLS.len());
    }

    #[test]
    fn keywords_agree_with_the_protocol_names() {
        for &(word, _, number) in KEYWORDS {
            assert_eq!(protocol_number(word), Some(number), "{word}");
        }
        assert_eq!(protocol_name(58), Some("icmp6"));
        assert_eq!(service_port("https"), Some(443));
        assert_eq!(service_name(53), Some("domain"));
    }
}
