//! Protocols that are told by their first bytes: for each, what a beginning must look like.
//!
//! Every detector is a pure function of bytes. It checks structure (lengths that add up, values that are assigned),
//! not only a magic number, and says no as soon as the bytes cannot be its protocol's. A port never decides; where
//! bytes alone leave doubt, a well-known port makes one surer.
//!
//! | file | protocols |
//! |---|---|
//! | [`mail`] | SMTP, POP3, IMAP |
//! | [`session`] | FTP, Telnet, IRC, XMPP, NNTP |
//! | [`desktop`] | RDP, VNC |
//! | [`socks`] | SOCKS 4 and 5 |
//! | [`windows`] | SMB, NetBIOS names, datagrams and sessions, DCE/RPC |
//! | [`directory`] | LDAP, Kerberos, SNMP |
//! | [`dhcp`] | DHCP, DHCPv6 |
//! | [`ntp`] | NTP |
//! | [`media`] | STUN and TURN, RTP, RTCP, SIP, RTSP |
//! | [`discovery`] | SSDP, syslog, TFTP, ONC RPC |
//! | [`radius`] | RADIUS |
//! | [`industrial`] | Modbus, DNP3 |
//! | [`databases`] | PostgreSQL, MySQL, Redis, memcached, MongoDB |
//! | [`mqtt`] | MQTT |
//! | [`bittorrent`] | BitTorrent peers, DHT, trackers, uTP |
//! | [`vpn`] | WireGuard, OpenVPN, IKE, ESP in UDP |

pub mod ber;
pub mod bittorrent;
pub mod databases;
pub mod desktop;
pub mod dhcp;
pub mod directory;
pub mod discovery;
pub mod industrial;
pub mod mail;
pub mod media;
pub mod mqtt;
pub mod ntp;
pub mod radius;
pub mod session;
pub mod socks;
pub mod vpn;
pub mod windows;

use crate::App;

/// What first bytes look like to one detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// They are not of this protocol, whatever follows.
    No,
    /// They could be: what follows will tell.
    More,
    /// They are.
    Yes {
        /// What decided: `<protocol>.<what was seen>`.
        rule: &'static str,
        /// From 0 to 1: 1 where other bytes could not look so.
        confidence: f64,
    },
}

impl Look {
    /// They are, and hardly anything else could look so.
    pub(crate) const fn sure(rule: &'static str) -> Self {
        Self::Yes { rule, confidence: 0.97 }
    }

    /// They are, and little else could look so.
    pub(crate) const fn likely(rule: &'static str) -> Self {
        Self::Yes { rule, confidence: 0.92 }
    }

    /// They could well be.
    pub(crate) const fn maybe(rule: &'static str) -> Self {
        Self::Yes { rule, confidence: 0.7 }
    }

    /// This, if `truth`; else no.
    pub(crate) const fn when(self, truth: bool) -> Self {
        if truth { self } else { Self::No }
    }
}

/// What both sides of a TCP connection said first, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Who opened the connection.
    pub client: &'a [u8],
    /// The other one.
    pub server: &'a [u8],
    /// The port of the client, and of the server.
    pub ports: [u16; 2],
}

impl Said<'_> {
    /// The same with the sides exchanged, for where it is a guess who opened the connection.
    #[must_use]
    pub const fn reversed(self) -> Self {
        let [client, server] = self.ports;
        Self { client: self.server, server: self.client, ports: [server, client] }
    }
}

/// One of a flow's first datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Shot<'a> {
    /// Its captured bytes.
    pub bytes: &'a [u8],
    /// Its length as sent.
    pub sent_len: usize,
    /// The first bytes of what the same side sent before.
    pub before: Option<&'a [u8]>,
    /// The ports of the flow.
    pub ports: [u16; 2],
}

impl Shot<'_> {
    /// Whether one end has this port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// Whether all of it was captured.
    pub(crate) fn is_whole(&self) -> bool {
        self.bytes.len() >= self.sent_len
    }
}

/// Looks at a TCP connection.
pub type StreamLook = fn(&Said<'_>) -> Look;
/// Looks at a datagram.
pub type DatagramLook = fn(&Shot<'_>) -> Look;

/// How TCP connections of each protocol begin.
pub const STREAMS: &[(App, StreamLook)] = &[
    (App::Smtp, mail::smtp),
    (App::Pop3, mail::pop3),
    (App::Imap, mail::imap),
    (App::Ftp, session::ftp),
    (App::Telnet, session::telnet),
    (App::Irc, session::irc),
    (App::Xmpp, session::xmpp),
    (App::Nntp, session::nntp),
    (App::Rdp, desktop::rdp),
    (App::Vnc, desktop::vnc),
    (App::Socks, socks::socks),
    (App::Smb, windows::smb),
    (App::DceRpc, windows::dce_rpc),
    (App::Ldap, directory::ldap),
    (App::Kerberos, directory::kerberos_stream),
    (App::Stun, media::stun_stream),
    (App::Sip, media::sip_stream),
    (App::Rtsp, media::rtsp),
    (App::Syslog, discovery::syslog_stream),
    (App::OncRpc, discovery::onc_rpc_stream),
    (App::Modbus, industrial::modbus),
    (App::Dnp3, industrial::dnp3_stream),
    (App::Postgres, databases::postgres),
    (App::Mysql, databases::mysql),
    (App::Redis, databases::redis),
    (App::Memcached, databases::memcached),
    (App::Mongodb, databases::mongodb),
    (App::Mqtt, mqtt::mqtt),
    (App::BitTorrent, bittorrent::peers),
    (App::OpenVpn, vpn::openvpn_stream),
];

/// How datagrams of each protocol look.
pub const DATAGRAMS: &[(App, DatagramLook)] = &[
    (App::Nbns, windows::netbios_names),
    (App::NbDatagram, windows::netbios_datagrams),
    (App::DceRpc, windows::dce_rpc_datagram),
    (App::Ldap, directory::ldap_datagram),
    (App::Kerberos, directory::kerberos),
    (App::Snmp, directory::snmp),
    (App::Dhcp, dhcp::dhcp),
    (App::Dhcpv6, dhcp::dhcpv6),
    (App::Ntp, ntp::ntp),
    (App::Stun, media::stun),
    (App::Rtp, media::rtp),
    (App::Rtcp, media::rtcp),
    (App::Sip, media::sip),
    (App::Ssdp, discovery::ssdp),
    (App::Syslog, discovery::syslog),
    (App::Tftp, discovery::tftp),
    (App::OncRpc, discovery::onc_rpc),
    (App::Radius, radius::radius),
    (App::Dnp3, industrial::dnp3),
    (App::BitTorrent, bittorrent::datagrams),
    (App::WireGuard, vpn::wireguard),
    (App::OpenVpn, vpn::openvpn),
    (App::Ike, vpn::ike),
    (App::Esp, vpn::esp_in_udp),
];

/// The bytes before the first line feed, without a carriage return; `None` until there is one.
pub(crate) fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = bytes.get(..end)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether `bytes` begin with `prefix` in upper or lower case.
pub(crate) fn begins(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether `bytes` begin with `prefix`, or are too short to tell.
pub(crate) fn may_begin(bytes: &[u8], prefix: &[u8]) -> bool {
    let len = bytes.len().min(prefix.len());
    bytes[..len].eq_ignore_ascii_case(&prefix[..len])
}

/// Whether `part` occurs in the first 256 of `bytes`, in upper or lower case.
pub(crate) fn mentions(bytes: &[u8], part: &[u8]) -> bool {
    let head = bytes.get(..256).unwrap_or(bytes);
    let Some((first, rest)) = part.split_first() else { return true };
    // Nearly every place differs in its first byte.
    let is_part = |(begin, end): (&u8, &[u8])| {
        begin.eq_ignore_ascii_case(first) && end.eq_ignore_ascii_case(rest)
    };
    head.windows(part.len()).any(|window| window.split_first().is_some_and(is_part))
}

/// Whether all bytes are printable ASCII, blanks, or above ASCII.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0x80..))
}

/// Whether one of the words is how `bytes` begin (followed by a blank or the line's end), or may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It is.
    Is,
    /// The bytes are too short to tell.
    May,
    /// It is not.
    Not,
}

impl Word {
    /// Of a text protocol's commands.
    pub(crate) fn of(bytes: &[u8], words: &[&str]) -> Self {
        let is = |word: &&str| {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\r' | b'\n');
            begins(bytes, word.as_bytes()) && bytes.get(word.len()).is_some_and(blank)
        };
        if words.iter().any(is) {
            Self::Is
        } else if words
            .iter()
            .any(|word| bytes.len() <= word.len() && may_begin(bytes, word.as_bytes()))
        {
            Self::May
        } else {
            Self::Not
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{Look, Said, Shot};

    /// A connection of which both sides said this, on ports of no known service.
    pub(crate) fn said<'a>(client: &'a [u8], server: &'a [u8]) -> Said<'a> {
        Said { client, server, ports: [40_000, 4_000] }
    }

    /// A datagram between ports of no known service.
    pub(crate) fn shot(bytes: &[u8]) -> Shot<'_> {
        Shot { bytes, sent_len: bytes.len(), before: None, ports: [40_000, 4_000] }
    }

    /// The rule that decided.
    pub(crate) fn rule(look: Look) -> &'static str {
        match look {
            Look::Yes { rule, .. } => rule,
            Look::More => "more",
            Look::No => "no",
        }
    }

    /// Decodes hexadecimal digits; blanks are left out.
    pub(crate) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look_at(client: &[u8], server: &[u8], before: Option<&[u8]>) -> Vec<(App, Look)> {
        let said = Said { client, server, ports: [40_000, 4_000] };
        let shot = Shot { bytes: client, sent_len: client.len(), before, ports: [40_000, 4_000] };
        let streams = STREAMS.iter().map(|(app, look)| (*app, look(&said)));
        let datagrams = DATAGRAMS.iter().map(|(app, look)| (*app, look(&shot)));
        streams.chain(datagrams).collect()
    }

    /// Bytes that are often what detectors look for.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte =
            prop_oneof![any::<u8>(), 0_u8..6, Just(b' '), Just(b'\r'), Just(b'\n'), Just(0x30)];
        prop::collection::vec(byte, 0..160)
    }

    proptest! {
        #[test]
        fn no_detector_panics(client in bytes(), server in bytes(), before in bytes()) {
            for (_, look) in look_at(&client, &server, Some(&before)) {
                if let Look::Yes { rule, confidence } = look {
                    prop_assert!(rule.contains('.') && (0.0..=1.0).contains(&confidence));
                }
            }
        }

        #[test]
        fn random_bytes_are_of_no_protocol(
            client in prop::collection::vec(any::<u8>(), 24..160),
            server in prop::collection::vec(any::<u8>(), 24..160),
            before in prop::collection::vec(any::<u8>(), 24..48),
        ) {
            for (app, look) in look_at(&client, &server, Some(&before)) {
                prop_assert!(!matches!(look, Look::Yes { .. }), "{app}: {look:?}");
            }
        }

        #[test]
        fn what_is_no_stays_no(client in bytes(), cut in 0_usize..160) {
            // Of the client's bytes alone: no detector that said no may say yes when more came.
            let head = &client[..cut.min(client.len())];
            let said = |client| Said { client, server: &[], ports: [40_000, 4_000] };
            for (app, look) in STREAMS {
                if !head.is_empty() && look(&said(head)) == Look::No {
                    let whole = look(&said(&client));
                    prop_assert!(!matches!(whole, Look::Yes { .. }), "{app}: {whole:?}");
                }
            }
        }
    }

    /// Beginnings of connections: client, server, and whose bytes may be cut anywhere.
    const BEGINNINGS: &[(App, &[u8], &[u8])] = &[
        (App::Smtp, b"EHLO mail.example.org\r\n", b"220 mx.example.net ESMTP\r\n"),
        (App::Pop3, b"CAPA\r\n", b"+OK <1896.697@dbc.example>\r\n"),
        (App::Imap, b"a1 CAPABILITY\r\n", b"* OK ready\r\n"),
        (App::Ftp, b"USER anonymous\r\n", b"220 ProFTPD ready\r\n"),
        (App::Telnet, &[255, 251, 24, 255, 253, 1], &[255, 253, 24, 255, 250, 24, 1, 255, 240]),
        (App::Irc, b"NICK joe\r\nUSER joe 0 * :Joe\r\n", b":irc.example.org 001 joe :Hi\r\n"),
        (
            App::Xmpp,
            b"<?xml version='1.0'?><stream:stream to='x'>",
            b"<?xml version='1.0'?><stream:stream>",
        ),
        (App::Nntp, b"MODE READER\r\n", b"200 news.example.org InterNetNews NNTP ready\r\n"),
        (App::Rdp, &[3, 0, 0, 0x13, 0x0e, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0], b""),
        (App::Vnc, b"RFB 003.008\n", b"RFB 003.008\n"),
        (App::Socks, &[4, 1, 0, 80, 10, 0, 0, 1, b'j', 0], &[0, 0x5a, 0, 0]),
        (App::Socks, &[5, 2, 0, 2], &[5, 2]),
        (App::Smb, b"\0\0\0\x54\xfeSMB", b""),
        (App::DceRpc, &[5, 0, 11, 3, 0x10, 0, 0, 0, 0x48, 0, 0, 0, 1, 0, 0, 0], b""),
        (App::Ldap, &[0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0], b""),
        (App::Sip, b"OPTIONS sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n"),
        (App::Rtsp, b"OPTIONS rtsp://x RTSP/1.0\r\n", b"RTSP/1.0 200 OK\r\n"),
        (App::Syslog, b"42 <34>1 2003-10-11", b""),
        (App::Modbus, &[0, 1, 0, 0, 0, 6, 17, 3, 0, 0x6b, 0, 3], &[0, 1, 0, 0, 0, 9, 17, 3, 6]),
        (App::Postgres, b"\0\0\0\x17\0\x03\0\0user\0postgres\0\0", b""),
        (App::Postgres, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], b"S"),
        (App::Mysql, b"", b"\x4a\0\0\0\x0a8.0.32\0abcd"),
        (App::Redis, b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
        (App::Memcached, b"get key\r\n", b"END\r\n"),
        (App::Mongodb, &[48, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0], b""),
        (App::Mqtt, b"\x10\x10\0\x04MQTT\x04\x02", b""),
        (App::BitTorrent, b"\x13BitTorrent protocol", b""),
        (App::OpenVpn, &[0, 14, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0], b""),
    ];

    /// Protocols whose servers speak first, or may.
    const GREETED: &[App] = &[
        App::Smtp,
        App::Pop3,
        App::Imap,
        App::Ftp,
        App::Telnet,
        App::Irc,
        App::Nntp,
        App::Vnc,
        App::Mysql,
    ];

    #[test]
    fn what_is_yes_was_never_no_before() {
        for &(app, client, server) in BEGINNINGS {
            let looks = STREAMS.iter().filter(|(own, _)| *own == app).map(|(_, look)| *look);
            for look in looks {
                let at = |client, server| look(&Said { client, server, ports: [40_000, 4_000] });
                let whole = at(client, server);
                assert!(matches!(whole, Look::Yes { .. }), "{app}: {whole:?}");
                // Who asks is answered when all was said; a server that greets does not wait.
                let greeted = GREETED.contains(&app);
                let mut cuts: Vec<(usize, usize)> = (1..=client.len()).map(|c| (c, 0)).collect();
                cuts.extend((1..=server.len()).map(|s| (client.len(), s)));
                if greeted {
                    cuts.extend((1..=client.len()).map(|c| (c, server.len())));
                    cuts.extend((1..=server.len()).map(|s| (0, s)));
                }
                cuts.retain(|&(c, s)| at(&client[..c], &server[..s]) == Look::No);
                assert!(cuts.is_empty(), "{app}: no after {cuts:?} bytes of client and server");
            }
        }
    }

    #[test]
    fn words_end_with_a_blank() {
        assert_eq!(Word::of(b"USER anonymous\r\n", &["USER"]), Word::Is);
        assert_eq!(Word::of(b"us", &["USER"]), Word::May);
        assert_eq!(Word::of(b"user", &["USER"]), Word::May);
        assert_eq!(Word::of(b"USERS x", &["USER"]), Word::Not);
        assert_eq!(first_line(b"abc\r\ndef"), Some(&b"abc"[..]));
        assert_eq!(first_line(b"abc"), None);
    }
}
