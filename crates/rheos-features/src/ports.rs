//! What a responder's port says of its service.

/// Services by their usual port, in order of port.
static SERVICES: &[(u16, &str)] = &[
    (20, "ftp-data"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "dns"),
    (67, "dhcp"),
    (68, "dhcp"),
    (69, "tftp"),
    (80, "http"),
    (110, "pop3"),
    (119, "nntp"),
    (123, "ntp"),
    (143, "imap"),
    (161, "snmp"),
    (162, "snmp-trap"),
    (443, "https"),
    (445, "smb"),
    (465, "smtps"),
    (514, "syslog"),
    (587, "smtp-submission"),
    (636, "ldaps"),
    (853, "dns-over-tls"),
    (993, "imaps"),
    (995, "pop3s"),
    (1080, "socks"),
    (1194, "openvpn"),
    (1433, "mssql"),
    (1521, "oracle"),
    (1723, "pptp"),
    (3306, "mysql"),
    (3389, "rdp"),
    (5060, "sip"),
    (5061, "sips"),
    (5222, "xmpp"),
    (5432, "postgresql"),
    (5900, "vnc"),
    (6379, "redis"),
    (6667, "irc"),
    (8080, "http-alt"),
    (8443, "https-alt"),
    (8888, "http-alt"),
    (9000, "php-fpm"),
    (9200, "elasticsearch"),
    (27017, "mongodb"),
];

/// Whether a protocol has ports: TCP, UDP, SCTP, UDP-Lite.
pub(crate) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 132 | 136)
}

/// The name of the port's service, or else of its range.
pub(crate) fn port_class(port: u16) -> &'static str {
    match SERVICES.binary_search_by_key(&port, |&(port, _)| port) {
        Ok(place) => SERVICES[place].1,
        Err(_) => ["system", "registered", "dynamic"][usize::from(port_class_number(port)) - 1],
    }
}

/// The port's range: 1 system, 2 registered, 3 dynamic (RFC 6335 §6).
pub(crate) const fn port_class_number(port: u16) -> u8 {
    match port {
        0..1024 => 1,
        1024..49152 => 2,
        49152.. => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_in_order_and_ranges_meet() {
        assert!(SERVICES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(
            [port_class(53), port_class(8888), port_class(27017)],
            ["dns", "http-alt", "mongodb"]
        );
        assert_eq!([port_class(0), port_class(1023)], ["system", "system"]);
        assert_eq!([port_class(1024), port_class(49151)], ["registered", "registered"]);
        assert_eq!(port_class(49152), "dynamic");
    }
}
