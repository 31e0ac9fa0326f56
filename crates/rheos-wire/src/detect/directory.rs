//! Protocols in BER: LDAP (RFC 4511), Kerberos (RFC 4120), SNMP (RFC 1157, RFC 3412).

use super::ber::{self, Ber, Header};
use super::{Look, Said, Shot};

/// An LDAP message: its number, then an operation.
fn ldap_message(bytes: &[u8], rule: &'static str) -> Look {
    let message = match ber::header(bytes) {
        Header::Is(ber) if ber.tag == ber::SEQUENCE && ber.len >= 7 => ber,
        Header::Short if matches!(bytes, [] | [ber::SEQUENCE, ..]) => return Look::More,
        _ => return Look::No,
    };
    let number = match ber::header(message.value) {
        Header::Is(number) if number.tag == ber::INTEGER && matches!(number.len, 1..=4) => number,
        Header::Short => return Look::More,
        _ => return Look::No,
    };
    let Some(rest) = message.value.get(number.total_len()..) else { return Look::More };
    let operation = match ber::header(rest) {
        Header::Is(operation) => operation,
        Header::Short => return Look::More,
        Header::Not => return Look::No,
    };
    let ends = number.total_len() + operation.total_len();
    // Application tags of operations; controls may follow in [0].
    let known = matches!(
        operation.tag,
        0x42 | 0x4a | 0x50 | 0x60 | 0x61 | 0x63..=0x69 | 0x6b..=0x6f | 0x73 | 0x77..=0x79
    );
    if known && operation.value.len() < operation.len.min(3) {
        return Look::More;
    }
    let positive = number.value.first().is_some_and(|&octet| octet < 0x80);
    Look::sure(rule).when(known && positive && ends <= message.len && inside(&operation))
}

/// Whether an operation begins as it must, as far as that is known.
fn inside(operation: &Ber<'_>) -> bool {
    let first = operation.value.first().copied();
    match operation.tag {
        // Bind: a version.
        0x60 => matches!(operation.value, [ber::INTEGER, 1, 1..=3, ..]),
        // Unbind: nothing.
        0x42 => operation.len == 0,
        // Search and most others: a name.
        0x63 | 0x66 | 0x68 | 0x6c | 0x6e | 0x64 => first == Some(ber::OCTETS),
        // Responses: an enumerated result.
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => first == Some(0x0a),
        // Extended request: the name of what is asked.
        0x77 => first == Some(0x80),
        _ => true,
    }
}

/// LDAP over TCP.
pub fn ldap(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    ldap_message(bytes, "ldap.message")
}

/// Connectionless LDAP, as domain controllers are asked.
pub fn ldap_datagram(shot: &Shot<'_>) -> Look {
    match ldap_message(shot.bytes, "ldap.datagram") {
        Look::More => Look::No,
        look => look,
    }
}

/// A Kerberos message: an application tag with a sequence that holds version 5 and the same type.
fn kerberos_message(bytes: &[u8], rule: &'static str) -> Look {
    // AS and TGS requests and replies, AP, SAFE, PRIV, CRED, ERROR.
    let Some(Ber { tag, len, value, .. }) = message(bytes) else { return Look::No };
    if !matches!(tag & 0x1f, 10..=15 | 20..=22 | 30) || tag & 0xe0 != 0x60 || len < 10 {
        return Look::No;
    }
    let Some(sequence) = Ber::tagged(value, ber::SEQUENCE) else { return Look::No };
    // In requests [1] version and [2] type, in all others [0] and [1].
    let fields = sequence.value;
    match fields {
        [0xa0 | 0xa1, 3, ber::INTEGER, 1, 5, 0xa1 | 0xa2, 3, ber::INTEGER, 1, kind, ..] => {
            Look::sure(rule).when(*kind == tag & 0x1f)
        }
        _ => Look::No,
    }
}

fn message(bytes: &[u8]) -> Option<Ber<'_>> {
    match ber::header(bytes) {
        Header::Is(message) => Some(message),
        _ => None,
    }
}

/// Kerberos in a datagram.
pub fn kerberos(shot: &Shot<'_>) -> Look {
    kerberos_message(shot.bytes, "kerberos.datagram")
}

/// Kerberos over TCP: each message after its length in four bytes.
pub fn kerberos_stream(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else {
        return Look::More.when(bytes.first().is_none_or(|&byte| byte == 0));
    };
    let len = u32::from_be_bytes(*len) as usize;
    if !(20..1 << 20).contains(&len) {
        return Look::No;
    }
    if rest.len() < 24 {
        return Look::More.when(rest.first().is_none_or(|tag| tag & 0xe0 == 0x60));
    }
    kerberos_message(rest, "kerberos.message")
        .when(message(rest).is_some_and(|message| message.total_len() == len))
}

/// SNMP: version, then community and a request (versions 1 and 2c), or the global data of version 3.
pub fn snmp(shot: &Shot<'_>) -> Look {
    let Some(message) = Ber::tagged(shot.bytes, ber::SEQUENCE) else { return Look::No };
    if message.total_len() > shot.sent_len {
        return Look::No;
    }
    let [ber::INTEGER, 1, version @ (0 | 1 | 3), rest @ ..] = message.value else {
        return Look::No;
    };
    if *version == 3 {
        // Message id, greatest size, flags of one byte, security model.
        let Some(global) = Ber::tagged(rest, ber::SEQUENCE) else { return Look::No };
        let id = Ber::tagged(global.value, ber::INTEGER).map_or(0, |id| id.total_len());
        let after = global.value.get(id..).unwrap_or_default();
        return Look::sure("snmp.version_3").when(id > 2 && after.first() == Some(&ber::INTEGER));
    }
    let Some(community) = Ber::tagged(rest, ber::OCTETS) else { return Look::No };
    let Some(request) = rest.get(community.total_len()..) else { return Look::No };
    match ber::header(request) {
        Header::Is(request) if matches!(request.tag, 0xa0..=0xa8) => {
            let first = request.value.first();
            let sound = first == Some(&ber::INTEGER) || request.tag == 0xa4 && first == Some(&6);
            Look::sure("snmp.community").when(sound)
        }
        _ => Look::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn directories() {
        let bind = hex("300c 020101 6007 020103 0400 8000");
        assert_eq!(rule(ldap(&said(&bind, b""))), "ldap.message");
        for cut in 1..10 {
            assert_eq!(rule(ldap(&said(&bind[..cut], b""))), "more", "{cut}");
        }
        assert_eq!(rule(ldap_datagram(&shot(&bind))), "ldap.datagram");
        let other = hex("300c 020101 6007 0201ff 0400 8000");
        assert_eq!(rule(ldap(&said(&other, b""))), "no");
    }

    #[test]
    fn tickets() {
        let mut request = hex("6a 20 30 1e a103020105 a20302010a a314 3012301002");
        request.resize(34, 0);
        assert_eq!(rule(kerberos(&shot(&request))), "kerberos.datagram");
        let stream = [&34_u32.to_be_bytes()[..], &request].concat();
        assert_eq!(rule(kerberos_stream(&said(&stream, b""))), "kerberos.message");
        assert_eq!(rule(kerberos_stream(&said(&stream[..10], b""))), "more");
        request[13] = 12;
        assert_eq!(rule(kerberos(&shot(&request))), "no", "another type than the tag says");
    }

    #[test]
    fn managed_devices() {
        let get = hex(
            "3026 020101 0406 7075626c6963 a019 02012a 020100 020100 300e 300c 0608 2b06010201010100 0500",
        );
        assert_eq!(rule(snmp(&shot(&get))), "snmp.community");
        let three = hex("300e 020103 300b 02021234 020205dc 040104");
        assert_eq!(rule(snmp(&shot(&three))), "snmp.version_3");
        let five = hex("3026 020105 0406 7075626c6963 a019 02012a");
        assert_eq!(rule(snmp(&shot(&five))), "no");
    }
}
