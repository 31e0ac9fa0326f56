//! Small datagram protocols: NTP, CoAP, RTP.

use rheos_core::seed::Seed;

/// Seconds from 1900 to 1970.
const NTP_ERA: u64 = 2_208_988_800;

/// NTP version 4 (RFC 5905); `at` is the sender's time in nanoseconds since the Unix epoch.
pub(crate) fn ntp(key: Seed, reply: bool, at: u64, out: &mut Vec<u8>) {
    let stamp = |at: u64| {
        let fraction = ((at % 1_000_000_000) << 32) / 1_000_000_000;
        (((at / 1_000_000_000 + NTP_ERA) << 32) | fraction).to_be_bytes()
    };
    let mut h = [0u8; 48];
    if reply {
        h[..4].copy_from_slice(&[0x24, 2, 6, 0xe9]);
        h[4..12].copy_from_slice(&[0, 0, 0x02, 0x10, 0, 0, 0x00, 0x91]);
        h[12..16].copy_from_slice(&[192, 0, 2, 123]);
        h[16..24].copy_from_slice(&stamp(at.saturating_sub(37_000_000_000)));
        h[24..32].copy_from_slice(&key.bits(3).to_be_bytes());
        h[32..40].copy_from_slice(&stamp(at.saturating_sub(40_000)));
        h[40..48].copy_from_slice(&stamp(at));
    } else {
        h[..4].copy_from_slice(&[0x23, 0, 6, 0x20]);
        // A random transmit timestamp, as clients send that tell nothing of their clock.
        h[40..48].copy_from_slice(&key.bits(3).to_be_bytes());
    }
    out.extend_from_slice(&h);
}

/// CoAP (RFC 7252): a confirmable GET and its piggybacked answer.
pub(crate) fn coap(key: Seed, reply: bool, out: &mut Vec<u8>) {
    let bits = key.bits(4);
    let id = (bits as u16).to_be_bytes();
    let token = ((bits >> 16) as u32).to_be_bytes();
    if reply {
        out.extend_from_slice(&[0x64, 0x45, id[0], id[1]]);
        out.extend_from_slice(&token);
        // Content-Format text/plain, then the payload.
        out.extend_from_slice(&[0xc0, 0xff]);
        let value = (bits >> 48) % 400;
        for digit in [value / 100, value / 10 % 10, value % 10] {
            out.push(b'0' + digit as u8);
        }
    } else {
        out.extend_from_slice(&[0x44, 0x01, id[0], id[1]]);
        out.extend_from_slice(&token);
        out.extend_from_slice(b"\xb7sensors\x0btemperature");
    }
}

/// The fixed header of RTP (RFC 3550 §5.1) for the `n`-th packet of a G.711 stream of 20 ms packets.
pub(crate) fn rtp_header(key: Seed, n: u32, out: &mut Vec<u8>) {
    let bits = key.bits(5);
    out.extend_from_slice(&[0x80, if n == 0 { 0x80 } else { 0 }]);
    out.extend_from_slice(&((bits as u16).wrapping_add(n as u16)).to_be_bytes());
    out.extend_from_slice(&((bits >> 16) as u32).wrapping_add(n.wrapping_mul(160)).to_be_bytes());
    out.extend_from_slice(&((bits >> 32) as u32).to_be_bytes());
}
