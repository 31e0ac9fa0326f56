//! MQTT 3.1, 3.1.1 and 5 (OASIS).

use super::{Look, Said};

/// MQTT: a CONNECT with its protocol's name and level; a server that accepts without one having been seen.
pub fn mqtt(said: &Said<'_>) -> Look {
    if said.client.is_empty() {
        // CONNACK: two bytes, or properties in version 5.
        return match said.server {
            [0x20, 2, 0 | 1, 0..=5] => Look::maybe("mqtt.connack"),
            [] => Look::More,
            _ => Look::No,
        };
    }
    let [0x10, rest @ ..] = said.client else { return Look::No };
    // The remaining length: seven bits a byte, at most four bytes.
    let Some(end) = rest.iter().take(4).position(|byte| byte & 0x80 == 0) else {
        return Look::More.when(rest.len() < 4);
    };
    let name = rest.get(end + 1..).unwrap_or_default();
    let levels: [(&[u8], &[u8]); 2] = [(b"\0\x04MQTT", &[4, 5]), (b"\0\x06MQIsdp", &[3, 0x83])];
    for (like, levels) in levels {
        if let Some([level, ..]) = name.strip_prefix(like) {
            return Look::sure("mqtt.connect")
                .when(levels.contains(&(level & 0x7f)) || levels.contains(level));
        }
        if like.starts_with(name) {
            return Look::More;
        }
    }
    Look::No
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said};
    use super::*;

    #[test]
    fn connects() {
        let mut connect = hex("10 10 0004");
        connect.extend(b"MQTT");
        connect.extend(hex("04 02 003c 0004 61626364"));
        assert_eq!(rule(mqtt(&said(&connect, b""))), "mqtt.connect");
        for cut in 1..8 {
            assert_eq!(rule(mqtt(&said(&connect[..cut], b""))), "more", "{cut}");
        }
        let mut elder = hex("10 8001 0006");
        elder.extend(b"MQIsdp\x03");
        assert_eq!(rule(mqtt(&said(&elder, b""))), "mqtt.connect");
        assert_eq!(rule(mqtt(&said(&hex("10 10 0004 48545450 04"), b""))), "no");
        assert_eq!(rule(mqtt(&said(b"", &[0x20, 2, 0, 0]))), "mqtt.connack");
    }
}
