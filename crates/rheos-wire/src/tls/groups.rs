//! Names of key exchange groups (IANA "TLS Supported Groups").

/// The name of a group; `None` where it has none, GREASE among them.
pub fn name(group: u16) -> Option<&'static str> {
    let place = NAMES.binary_search_by_key(&group, |(number, _)| *number).ok()?;
    NAMES.get(place).map(|(_, name)| *name)
}

/// Whether the group withstands quantum computers: ML-KEM alone or beside a curve, and its drafts.
pub fn is_post_quantum(group: u16) -> bool {
    matches!(group, 0x0200..=0x0202 | 0x11eb..=0x11ee | 0x6399 | 0x639a | 0xfe30..=0xfe32)
}

/// By number. The Kyber groups were drafts in wide use, three of them under numbers for private use.
#[rustfmt::skip]
static NAMES: &[(u16, &str)] = &[
    (1, "sect163k1"), (2, "sect163r1"), (3, "sect163r2"), (4, "sect193r1"), (5, "sect193r2"),
    (6, "sect233k1"), (7, "sect233r1"), (8, "sect239k1"), (9, "sect283k1"), (10, "sect283r1"),
    (11, "sect409k1"), (12, "sect409r1"), (13, "sect571k1"), (14, "sect571r1"), (15, "secp160k1"),
    (16, "secp160r1"), (17, "secp160r2"), (18, "secp192k1"), (19, "secp192r1"), (20, "secp224k1"),
    (21, "secp224r1"), (22, "secp256k1"), (23, "secp256r1"), (24, "secp384r1"), (25, "secp521r1"),
    (26, "brainpoolP256r1"), (27, "brainpoolP384r1"), (28, "brainpoolP512r1"),
    (29, "x25519"), (30, "x448"),
    (31, "brainpoolP256r1tls13"), (32, "brainpoolP384r1tls13"), (33, "brainpoolP512r1tls13"),
    (34, "GC256A"), (35, "GC256B"), (36, "GC256C"), (37, "GC256D"),
    (38, "GC512A"), (39, "GC512B"), (40, "GC512C"), (41, "curveSM2"),
    (0x0100, "ffdhe2048"), (0x0101, "ffdhe3072"), (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"), (0x0104, "ffdhe8192"),
    (0x0200, "MLKEM512"), (0x0201, "MLKEM768"), (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"), (0x11ec, "X25519MLKEM768"), (0x11ed, "SecP384r1MLKEM1024"),
    (0x11ee, "curveSM2MLKEM768"),
    (0x6399, "X25519Kyber768Draft00"), (0x639a, "SecP256r1Kyber768Draft00"),
    (0xfe30, "X25519Kyber512Draft00"), (0xfe31, "X25519Kyber768Draft00Old"),
    (0xfe32, "P256Kyber768Draft00"),
    (0xff01, "arbitrary_explicit_prime_curves"), (0xff02, "arbitrary_explicit_char2_curves"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_number() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(name(23), Some("secp256r1"));
        assert_eq!(name(29), Some("x25519"));
        assert_eq!(name(4588), Some("X25519MLKEM768"));
        assert_eq!(name(25497), Some("X25519Kyber768Draft00"));
        assert_eq!(name(0x2a2a), None);
    }

    #[test]
    fn post_quantum_groups() {
        for (group, name) in NAMES {
            let named = name.contains("MLKEM") || name.contains("Kyber");
            assert_eq!(is_post_quantum(*group), named, "{name}");
        }
    }
}
