//! What messages of smaller protocols say: for each, the few fields that tell most.
//!
//! Every reader is a total function of the bytes of one message, or of its beginning: it checks lengths, never loops
//! beyond its bytes, and tells `None` where they are not of its protocol. How messages lie in streams is the
//! caller's.
//!
//! | file | protocols |
//! |---|---|
//! | [`dhcp`] | DHCP (RFC 2131, RFC 2132) |
//! | [`ntp`] | NTP (RFC 5905) |
//! | [`session`] | lines of SMTP, POP3, IMAP and FTP |
//! | [`sip`] | SIP (RFC 3261) |
//! | [`kerberos`] | Kerberos (RFC 4120) |
//! | [`ldap`] | LDAP (RFC 4511) |
//! | [`mqtt`] | MQTT 3.1, 3.1.1 and 5 |
//! | [`rdp`] | RDP ([MS-RDPBCGR]) |
//! | [`smb`] | SMB ([MS-CIFS], [MS-SMB2]) |
//! | [`stun`] | STUN and TURN (RFC 8489, RFC 8656) |
//! | [`snmp`] | SNMP (RFC 1157, RFC 3412) |
//! | [`ike`] | IKE (RFC 2408, RFC 7296) |
//! | [`wireguard`] | WireGuard |
//! | [`openvpn`] | OpenVPN |
//! | [`bittorrent`] | BitTorrent (BEP 3, BEP 5) |
//! | [`rtp`] | RTP (RFC 3550, RFC 3551) |

pub mod bittorrent;
pub mod dhcp;
pub mod ike;
pub mod kerberos;
pub mod ldap;
pub mod mqtt;
pub mod ntp;
pub mod openvpn;
pub mod rdp;
pub mod rtp;
pub mod session;
pub mod sip;
pub mod smb;
pub mod snmp;
pub mod stun;
pub mod wireguard;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::App;

    proptest! {
        #[test]
        fn no_reader_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..400), magic in 0_usize..8) {
            let magics: [&[u8]; 8] = [
                b"", b"\xfeSMB@\0", b"\xffSMB\x72", &[3, 0, 0, 30, 25, 0xe0], b"SIP/2.0 200 OK\r\n",
                &[0x30, 40, 2, 1, 1, 0x60],
                &[0x6a, 60, 0x30, 58, 0xa4, 56, 0x30, 54, 0xa1, 20, 0x30],
                &[0x6d, 60, 0x30, 58, 0xa5, 56, 0x61, 54, 0x30, 52, 0xa3, 20, 0x30],
            ];
            for (place, byte) in bytes.iter_mut().zip(magics[magic]) {
                *place = *byte;
            }
            let _ = dhcp::Message::parse(&bytes);
            let _ = ntp::Header::parse(&bytes);
            let _ = sip::Message::parse(&bytes);
            let _ = ldap::Message::parse(&bytes);
            let _ = kerberos::Message::parse(&bytes);
            let _ = mqtt::Header::parse(&bytes);
            let _ = mqtt::Connect::parse(&bytes);
            let _ = rdp::Connection::parse(&bytes);
            let _ = (stun::Message::parse(&bytes), snmp::Message::parse(&bytes), ike::Header::parse(&bytes));
            let _ = (wireguard::Kind::parse(&bytes, bytes.len()), openvpn::Header::parse(&bytes));
            let _ = (bittorrent::Handshake::parse(&bytes), bittorrent::TableMessage::parse(&bytes));
            let _ = rtp::Header::parse(&bytes);
            prop_assert!(smb::Headers::new(&bytes).count() <= smb::COMPOUNDED_MAX);
            let _ = (smb::dialect(&bytes), smb::tells_ntlm(&bytes));
            for app in [App::Smtp, App::Pop3, App::Imap, App::Ftp] {
                let _ = (session::command(app, &bytes), session::reply(app, &bytes), session::literal(&bytes));
            }
        }
    }
}
