//! Names of application protocols, as columns tell them.

use std::fmt;

macro_rules! apps {
    ($($(#[$doc:meta])* $app:ident = $name:literal,)+) => {
        /// What is spoken inside a flow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum App { $($(#[$doc])* $app,)+ }

        impl App {
            /// Every protocol that has a name.
            pub const ALL: &'static [Self] = &[$(Self::$app,)+];

            /// The name in lower case, as columns hold it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$app => $name,)+ }
            }
        }
    };
}

// To add one: a line here, and a detector in rheos-features/src/dissect.
apps! {
    /// Transport Layer Security and SSL 3.0 (RFC 8446 and its elders).
    Tls = "tls",
    /// Datagram TLS (RFC 9147 and its elders).
    Dtls = "dtls",
    /// RFC 9000; what is inside it is told by its ALPN.
    Quic = "quic",
    /// Over UDP or TCP (RFC 1035).
    Dns = "dns",
    /// Multicast DNS (RFC 6762).
    Mdns = "mdns",
    /// Link-local multicast name resolution (RFC 4795).
    Llmnr = "llmnr",
    /// RFC 4253.
    Ssh = "ssh",
    /// HTTP/1.0 and HTTP/1.1 (RFC 9112).
    Http = "http",
    /// HTTP/2 in clear text (RFC 9113).
    Http2 = "http2",
    /// After an upgrade from HTTP/1 (RFC 6455).
    WebSocket = "websocket",
    /// The PROXY protocol, versions 1 and 2, that goes before another one (HAProxy).
    Proxy = "proxy",
    /// RFC 5321.
    Smtp = "smtp",
    /// RFC 1939.
    Pop3 = "pop3",
    /// RFC 9051 and its elders.
    Imap = "imap",
    /// The control connection (RFC 959).
    Ftp = "ftp",
    /// RFC 854.
    Telnet = "telnet",
    /// RFC 2812.
    Irc = "irc",
    /// RFC 6120.
    Xmpp = "xmpp",
    /// RFC 3977.
    Nntp = "nntp",
    /// Remote Desktop Protocol ([MS-RDPBCGR]).
    Rdp = "rdp",
    /// RFC 6143.
    Vnc = "vnc",
    /// Versions 4, 4A and 5 (RFC 1928).
    Socks = "socks",
    /// Versions 1, 2 and 3 ([MS-SMB], [MS-SMB2]), also behind a NetBIOS session.
    Smb = "smb",
    /// NetBIOS names (RFC 1002).
    Nbns = "nbns",
    /// NetBIOS datagrams (RFC 1002).
    NbDatagram = "nbdgm",
    /// Over TCP and UDP (C706).
    DceRpc = "dcerpc",
    /// Also connectionless (RFC 4511).
    Ldap = "ldap",
    /// RFC 4120.
    Kerberos = "kerberos",
    /// Versions 1, 2c and 3 (RFC 3412 and its elders).
    Snmp = "snmp",
    /// And BOOTP (RFC 2131).
    Dhcp = "dhcp",
    /// RFC 8415.
    Dhcpv6 = "dhcpv6",
    /// RFC 5905.
    Ntp = "ntp",
    /// And TURN (RFC 8489, RFC 8656).
    Stun = "stun",
    /// RFC 3550.
    Rtp = "rtp",
    /// RFC 3550.
    Rtcp = "rtcp",
    /// RFC 3261.
    Sip = "sip",
    /// RFC 7826 and its elder.
    Rtsp = "rtsp",
    /// UPnP's discovery.
    Ssdp = "ssdp",
    /// RFC 3164, RFC 5424.
    Syslog = "syslog",
    /// The requests (RFC 1350); data goes between other ports.
    Tftp = "tftp",
    /// ONC RPC (RFC 5531): portmapper, NFS and others.
    OncRpc = "rpc",
    /// RFC 2865.
    Radius = "radius",
    /// Modbus over TCP.
    Modbus = "modbus",
    /// IEEE 1815.
    Dnp3 = "dnp3",
    /// PostgreSQL.
    Postgres = "postgres",
    /// MySQL and MariaDB.
    Mysql = "mysql",
    /// Redis and its kin.
    Redis = "redis",
    /// Text and binary protocol.
    Memcached = "memcached",
    /// MongoDB.
    Mongodb = "mongodb",
    /// Versions 3.1, 3.1.1 and 5.
    Mqtt = "mqtt",
    /// Peers, hash table, trackers over UDP, uTP.
    BitTorrent = "bittorrent",
    /// WireGuard.
    WireGuard = "wireguard",
    /// OpenVPN.
    OpenVpn = "openvpn",
    /// Versions 1 and 2 (RFC 2408, RFC 7296).
    Ike = "ike",
    /// In UDP (RFC 3948).
    Esp = "esp",
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_lower_case_and_unique() {
        for (i, app) in App::ALL.iter().enumerate() {
            let name = app.name();
            assert!(
                name.len() <= 16
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            );
            assert!(App::ALL[..i].iter().all(|other| other.name() != name), "{name}");
        }
    }
}
