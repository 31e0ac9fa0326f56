//! Virtual private networks by their protocols.

use rheos_wire::App;

use crate::dissect::Dissection;

/// IP protocol numbers (IANA).
const ESP: u8 = 50;
const AH: u8 = 51;

/// The kind of VPN and how sure it is.
pub(super) fn found(protocol: u8, read: Option<&Dissection>) -> Option<(&'static str, f64)> {
    match protocol {
        ESP => return Some(("ipsec-esp", 1.0)),
        AH => return Some(("ipsec-ah", 1.0)),
        _ => {}
    }
    let layer = read?.layers().last()?;
    let kind = match layer.found.app {
        App::OpenVpn => "openvpn",
        App::WireGuard => "wireguard",
        App::Ike => "ipsec-ike",
        App::Esp => "ipsec-esp",
        _ => return None,
    };
    Some((kind, layer.confidence()))
}
