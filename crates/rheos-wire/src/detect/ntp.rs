//! NTP (RFC 5905) and its control messages (RFC 9327).

use super::{Look, Shot};
use crate::walk::{be16, be32};

/// NTP: version and mode that go together, small root delay and dispersion, sound precision and poll interval.
pub fn ntp(shot: &Shot<'_>) -> Look {
    let port = shot.has_port(123);
    let Some(&[first, ..]) = shot.bytes.first_chunk::<1>() else { return Look::No };
    let (version, mode) = (first >> 3 & 7, first & 7);
    if !(1..=4).contains(&version) {
        return Look::No;
    }
    if mode == 6 {
        return control(shot, port);
    }
    // Private messages of ntpd have no structure to check.
    if mode == 7 {
        return Look::likely("ntp.private").when(port && shot.sent_len >= 8);
    }
    let Some(head) = shot.bytes.first_chunk::<48>() else { return Look::No };
    let (stratum, poll, precision) = (head[1], head[2].cast_signed(), head[3].cast_signed());
    // 16.16 bit seconds; a delay may be negative in old versions.
    let small = |at: usize| {
        let value = be32(head, at);
        !(64 << 16..=u32::MAX - (64 << 16)).contains(&value)
    };
    let sound = (1..=5).contains(&mode)
        && stratum <= 16
        && (-6..=17).contains(&poll)
        && (-32..=0).contains(&precision)
        && small(4)
        && small(8);
    // Extension fields and a digest: multiples of four.
    if !sound || !shot.sent_len.is_multiple_of(4) {
        return Look::No;
    }
    if port {
        return Look::sure("ntp.header");
    }
    // Times since 2000 or none, and of a server at least one.
    let plausible = |at: usize| matches!(be32(head, at), 0 | 0xbc17_c200..);
    let dated = [16, 24, 32, 40].into_iter().all(plausible) && be32(head, 40) != 0;
    Look::likely("ntp.header").when(dated && version >= 3 && (shot.sent_len == 48 || stratum > 0))
}

/// A control message: an operation, and a count that fits.
fn control(shot: &Shot<'_>, port: bool) -> Look {
    let Some(head) = shot.bytes.first_chunk::<12>() else { return Look::No };
    let sound = head[1] & 0x1f != 0 && usize::from(be16(head, 10)) + 12 <= shot.sent_len;
    Look::likely("ntp.control").when(sound && port)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, shot};
    use super::*;

    fn server() -> Vec<u8> {
        let mut bytes = hex("24 01 03 e9 00000100 00000200 47505300");
        for _ in 0..4 {
            bytes.extend(hex("e0000000 12345678"));
        }
        bytes
    }

    #[test]
    fn times() {
        let bytes = server();
        assert_eq!(rule(ntp(&shot(&bytes))), "ntp.header");
        assert_eq!(rule(ntp(&Shot { ports: [123, 5000], ..shot(&bytes) })), "ntp.header");
        let mut client = vec![0x1b];
        client.resize(48, 0);
        assert_eq!(rule(ntp(&shot(&client))), "no", "nothing but a first byte");
        assert_eq!(rule(ntp(&Shot { ports: [5000, 123], ..shot(&client) })), "ntp.header");
        let mut far = bytes;
        far[1] = 200;
        assert_eq!(rule(ntp(&Shot { ports: [123, 5000], ..shot(&far) })), "no");
        let control = hex("16 02 0001 0000 0000 0000 0000");
        assert_eq!(rule(ntp(&Shot { ports: [5000, 123], ..shot(&control) })), "ntp.control");
    }
}
