//! Hellos, records and fragments: what is kept of them by hand, and arbitrary bytes.

use proptest::prelude::*;
use rheos_wire::tls::dtls::{Fragment, Records, begins_dtls};
use rheos_wire::tls::handshake::{Certificates, HandshakeHeader, KeyExchange, ServerKeyExchange};
use rheos_wire::tls::record::begins_tls;
use rheos_wire::tls::{
    Alert, Carrier, ClientFacts, ClientHello, LIST_MAX, NAME_MAX, RecordHeader, ServerFacts,
    ServerHello, is_grease,
};

/// A vector after its length in two bytes.
fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vec16(data)].concat()
}

/// The body of a ClientHello with a session id of 32 bytes.
fn client(ciphers: &[u16], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([1; 32]);
    body.push(32);
    body.extend([2; 32]);
    body.extend(vec16(&u16s(ciphers)));
    body.extend([1, 0]);
    body.extend(vec16(&extensions.concat()));
    body
}

fn name_extension(name: &[u8]) -> Vec<u8> {
    extension(0, &vec16(&[&[0][..], &vec16(name)].concat()))
}

#[test]
fn facts_of_a_client() {
    let body = client(
        &[0x4a4a, 0x1301, 0xc02b],
        &[
            name_extension(b"www.example.org"),
            extension(23, &[]),
            extension(10, &vec16(&u16s(&[0x2a2a, 4588, 29]))),
            extension(11, &[1, 0]),
            extension(13, &vec16(&u16s(&[0x0403, 0x0804]))),
            extension(16, &vec16(b"\x02h2\x08http/1.1")),
            extension(35, &[9; 16]),
            extension(43, &[6, 0x7a, 0x7a, 3, 4, 3, 3]),
            extension(51, &vec16(&[0x2a, 0x2a, 0, 1, 0, 0, 29, 0, 2, 7, 7])),
            extension(27, &[4, 0, 2, 0, 1]),
            extension(0xfe0d, &[0]),
        ],
    );
    let hello = ClientHello::parse(&body, Carrier::Tls).unwrap();
    let facts = ClientFacts::new(&hello, Carrier::Tls);
    assert_eq!(facts.message_len as usize, body.len() + 4);
    assert_eq!((facts.version, facts.newest_version()), (0x303, 0x304));
    assert_eq!((facts.cipher_count, facts.extension_count), (3, 11));
    assert_eq!(facts.session_id.len(), 32);
    assert_eq!(facts.server_name.as_deref(), Some("www.example.org"));
    assert_eq!(facts.alpn().collect::<Vec<_>>(), ["h2", "http/1.1"]);
    assert_eq!(facts.cipher_suites(), [0x4a4a, 0x1301, 0xc02b]);
    assert_eq!(facts.extensions(), [0, 23, 10, 11, 13, 16, 35, 43, 51, 27, 0xfe0d]);
    assert_eq!(facts.groups(), [0x2a2a, 4588, 29]);
    assert_eq!(facts.signature_algorithms(), [0x0403, 0x0804]);
    assert_eq!(facts.offered_versions(), [0x7a7a, 0x304, 0x303]);
    assert_eq!(facts.certificate_compressions(), [2, 1]);
    assert_eq!(facts.point_formats(), [0]);
    let shares: Vec<_> = facts.key_shares().iter().map(|share| (share.group, share.len)).collect();
    assert_eq!(shares, [(0x2a2a, 1), (29, 2)]);
    assert_eq!(facts.ticket_len, Some(16));
    assert!(facts.has_grease() && facts.has_encrypted_hello() && !facts.malformed);
    let text = "771,4865-49195,0-23-10-11-13-16-35-43-51-27-65037,4588-29,0";
    assert_eq!(facts.ja3_text().as_deref(), Some(text));
    // MD5 computed with Python's hashlib
    assert_eq!(hex(&facts.ja3), "0525e03226ae9556983858724da85399");
    // SHA-256 computed with Python's hashlib
    assert_eq!(facts.ja4.to_string(), "t13d0211h2_777cda164f4b_e04fcb812585");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn facts_of_a_server() {
    let mut body = vec![3, 3];
    body.extend([1; 32]);
    body.extend([2, 8, 8, 0xc0, 0x2f, 0]);
    let list = [extension(0xff01, &[0]), extension(16, &vec16(b"\x02h2")), extension(35, &[])];
    body.extend(vec16(&list.concat()));
    let facts = ServerFacts::new(&ServerHello::parse(&body).unwrap());
    assert_eq!((facts.version, facts.chosen_version, facts.is_13()), (0x303, 0x303, false));
    assert_eq!((facts.cipher_suite, facts.alpn.as_deref()), (0xc02f, Some("h2")));
    assert_eq!((facts.session_id.len(), facts.chosen_psk, facts.key_share), (2, None, None));
    assert_eq!(facts.ja3s_text().as_deref(), Some("771,49199,65281-16-35"));
    // MD5 computed with Python's hashlib
    assert_eq!(hex(&facts.ja3s), "efb2918a2aadbc0a6a6b6c21cf308af1");

    let mut body = vec![3, 3];
    body.extend([1; 32]);
    body.extend([0, 0x13, 0x02, 0]);
    let list =
        [extension(43, &[3, 4]), extension(51, &[0, 29, 0, 3, 1, 2, 3]), extension(41, &[0, 1])];
    body.extend(vec16(&list.concat()));
    let facts = ServerFacts::new(&ServerHello::parse(&body).unwrap());
    assert_eq!((facts.chosen_version, facts.is_13()), (0x304, true));
    let share = facts.key_share.unwrap();
    assert_eq!((share.group, share.len, facts.chosen_psk), (29, 3, Some(1)));
}

#[test]
fn what_is_kept_is_bounded_and_the_fingerprints_see_all() {
    let ciphers: Vec<u16> = (1..=300).collect();
    let long = vec![b'x'; 2 * NAME_MAX];
    let body = client(&ciphers, &[name_extension(&long)]);
    let facts = ClientFacts::new(&ClientHello::parse(&body, Carrier::Tls).unwrap(), Carrier::Tls);
    assert_eq!((facts.cipher_count, facts.cipher_suites().len()), (300, LIST_MAX));
    assert_eq!(facts.server_name.as_ref().map(|name| name.len()), Some(NAME_MAX));
    assert_eq!((facts.ja3_text(), facts.ja4_lists()), (None, None));
    assert!(facts.ja4.to_string().starts_with("t12d9901"));
    let fewer = client(&ciphers[..256], &[name_extension(&long)]);
    let other = ClientFacts::new(&ClientHello::parse(&fewer, Carrier::Tls).unwrap(), Carrier::Tls);
    assert_ne!(facts.ja4, other.ja4);
    assert!(other.ja3_text().is_some());
}

fn carriers() -> impl Strategy<Value = Carrier> {
    prop_oneof![Just(Carrier::Tls), Just(Carrier::Dtls), Just(Carrier::Quic)]
}

/// Everything that is read of bytes, whatever they are.
fn read_all(bytes: &[u8], carrier: Carrier) {
    if let Some(hello) = ClientHello::parse(bytes, carrier) {
        let facts = ClientFacts::new(&hello, carrier);
        assert!(facts.heap_bytes() <= 6 * LIST_MAX * 2 + 3 * NAME_MAX + 1024 + 256 + 64);
        assert!(facts.alpn().count() <= 1024);
        assert!(facts.cipher_suites().len() <= LIST_MAX);
        if let (Some(lists), Some(text)) = (facts.ja4_lists(), facts.ja3_text()) {
            assert!(facts.ja4.raw(&lists.sorted()).starts_with(facts.ja4.prefix()));
            assert_eq!(text.matches(',').count(), 4);
        }
        assert_eq!(facts.ja4.to_string().len(), 36);
    }
    if let Some(hello) = ServerHello::parse(bytes) {
        let facts = ServerFacts::new(&hello);
        assert!(facts.heap_bytes() <= 2 * LIST_MAX + 3 * NAME_MAX);
    }
    if let Some(list) = Certificates::parse(bytes) {
        assert!(list.map(<[u8]>::len).sum::<usize>() <= bytes.len());
    }
    for exchange in [KeyExchange::EllipticCurve, KeyExchange::FiniteField, KeyExchange::Other] {
        let _ = ServerKeyExchange::parse(bytes, exchange, false);
        let _ = ServerKeyExchange::parse(bytes, exchange, true);
    }
    let _ = (RecordHeader::parse(bytes), HandshakeHeader::parse(bytes), Alert::parse(bytes));
    let _ = (begins_tls(bytes), begins_dtls(bytes));
    let records: usize = Records::new(bytes).map(|record| record.data.len()).sum();
    assert!(records <= bytes.len());
    let fragments: usize = Fragment::all(bytes).map(|fragment| fragment.data.len()).sum();
    assert!(fragments <= bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400), carrier in carriers()) {
        read_all(&bytes, carrier);
    }

    #[test]
    fn damaged_hellos(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        keep in 0..=100_usize,
        carrier in carriers(),
    ) {
        let mut body = client(
            &[0x1301, 0x1302],
            &[
                name_extension(b"example.org"),
                extension(10, &vec16(&u16s(&[29, 23]))),
                extension(16, &vec16(b"\x02h2")),
                extension(51, &vec16(&[0, 29, 0, 2, 7, 7])),
                extension(43, &[4, 3, 4, 3, 3]),
            ],
        );
        for (place, value) in damage {
            let place = place.index(body.len());
            body[place] = value;
        }
        body.truncate(body.len() * keep / 100);
        read_all(&body, carrier);
    }

    #[test]
    fn whether_bytes_begin_tls_does_not_change_with_more_of_them(
        bytes in prop::collection::vec(prop_oneof![Just(22_u8), Just(3), Just(1), Just(0), any::<u8>()], 0..12),
        cut in 0..12_usize,
    ) {
        let part = &bytes[..cut.min(bytes.len())];
        if let Some(told) = begins_tls(part) {
            prop_assert_eq!(begins_tls(&bytes), Some(told));
        }
    }

    #[test]
    fn ja4_survives_shuffled_extensions(order in Just((20..60_u16).collect::<Vec<_>>()).prop_shuffle()) {
        let list = |kinds: &[u16]| -> Vec<Vec<u8>> {
            kinds.iter().filter(|kind| !is_grease(**kind)).map(|kind| extension(*kind, &[0, 0])).collect()
        };
        let of = |kinds: &[u16]| {
            let body = client(&[5, 4], &list(kinds));
            ClientFacts::new(&ClientHello::parse(&body, Carrier::Tls).unwrap(), Carrier::Tls).ja4
        };
        let sorted: Vec<u16> = (20..60).collect();
        prop_assert_eq!(of(&order), of(&sorted));
    }
}
