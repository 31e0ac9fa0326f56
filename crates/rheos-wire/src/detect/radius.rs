//! RADIUS (RFC 2865, RFC 2866, RFC 5176).

use super::{Look, Shot};
use crate::walk::be16;

/// RADIUS: a known code, the datagram's own length, and attributes that fill it exactly.
pub fn radius(shot: &Shot<'_>) -> Look {
    let Some((head, mut rest)) = shot.bytes.split_first_chunk::<20>() else { return Look::No };
    let known = matches!(head[0], 1..=5 | 11..=13 | 40..=45);
    if !known || usize::from(be16(head, 2)) != shot.sent_len {
        return Look::No;
    }
    let mut attributes = 0;
    // Each turn takes two bytes at least.
    while let [kind, len, ..] = *rest {
        if kind == 0 || len < 2 {
            return Look::No;
        }
        attributes += 1;
        match rest.get(usize::from(len)..) {
            Some(after) => rest = after,
            None if !shot.is_whole() => rest = &[],
            None => return Look::No,
        }
    }
    let port = [1812, 1813, 1645, 1646, 3799].into_iter().any(|port| shot.has_port(port));
    match (rest.is_empty(), attributes) {
        (true, _) if port => Look::sure("radius.attributes"),
        (true, 2..) => Look::likely("radius.attributes"),
        _ => Look::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, shot};
    use super::*;

    #[test]
    fn requests() {
        let bytes = hex("01 07 001f 000102030405060708090a0b0c0d0e0f 0105 6a6f65 0406 c0a80001");
        assert_eq!(rule(radius(&shot(&bytes))), "radius.attributes");
        assert_eq!(rule(radius(&shot(&bytes[..30]))), "no");
        let mut other = bytes.clone();
        other[21] = 4;
        assert_eq!(rule(radius(&shot(&other))), "no");
        let reject = hex("03 07 0014 000102030405060708090a0b0c0d0e0f");
        assert_eq!(rule(radius(&shot(&reject))), "no");
        assert_eq!(
            rule(radius(&Shot { ports: [5000, 1812], ..shot(&reject) })),
            "radius.attributes"
        );
    }
}
