//! SSH from outside: never a panic, and no SSH in random bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use rheos_wire::ssh::{
    HostKey, Identification, KexInit, Line, List, PacketHeader, PacketStart, Role, chosen, detect,
    guess_is_wrong, hassh,
};

/// Bytes that look like packets and lists often enough.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let list = vec(prop_oneof![Just(b','), b'a'..=b'c', any::<u8>()], 0..12);
    let lists = vec(list, 9..12).prop_map(|lists| {
        let mut message = vec![20; 17];
        for list in lists {
            message.extend((list.len() as u32).to_be_bytes());
            message.extend(list);
        }
        message.extend([1, 0, 0, 0, 0]);
        message
    });
    prop_oneof![lists, vec(any::<u8>(), 0..200)]
}

proptest! {
    #[test]
    fn nothing_panics(bytes in messages(), other in messages()) {
        let _ = (detect(&bytes), Identification::parse(&bytes), HostKey::in_reply(&bytes));
        if let Line::Whole(text, len) = Line::first(&bytes) {
            prop_assert!(text.len() < len && len <= bytes.len());
        }
        if let PacketStart::Header(header) = PacketHeader::read(&bytes) {
            prop_assert!(header.message_len() >= 1 && header.message_len() < header.len);
            if let Some(message) = header.message(&bytes) {
                prop_assert_eq!(message.len(), header.message_len());
                prop_assert_eq!(message[0], header.code);
            }
        }
        if let (Some(client), Some(server)) = (KexInit::parse(&bytes), KexInit::parse(&other)) {
            let _ = (hassh(&client, Role::Client), guess_is_wrong(&client, &server));
            if let Some(name) = chosen(&client, &server, List::KeyExchange) {
                prop_assert!(client.has(List::KeyExchange, name) && server.has(List::KeyExchange, name));
            }
        }
    }

    #[test]
    fn more_bytes_never_change_what_was_told(bytes in vec(prop_oneof![Just(b'\n'), b'S'..=b'S', 32_u8..127], 0..60)) {
        let mut told = None;
        for end in 0..=bytes.len() {
            let now = detect(&bytes[..end]);
            prop_assert!(told.is_none() || now == told, "{:?} after {:?}", now, told);
            told = now;
        }
    }
}

#[test]
fn two_lists_of_many_names_are_matched_in_linear_time() {
    let names = |prefix: char| {
        let names: Vec<String> = (0..40_000).map(|i| format!("{prefix}{i}")).collect();
        names.join(",")
    };
    let message = |prefix| {
        let list = names(prefix);
        let mut message = vec![20; 17];
        for _ in 0..10 {
            message.extend((list.len() as u32).to_be_bytes());
            message.extend(list.as_bytes());
        }
        message.extend([0; 5]);
        message
    };
    let (client, server) = (message('a'), message('b'));
    let (client, server) = (KexInit::parse(&client).unwrap(), KexInit::parse(&server).unwrap());
    // 1.6 billion comparisons of names would take minutes.
    let begin = std::time::Instant::now();
    assert_eq!(chosen(&client, &server, List::KeyExchange), None);
    assert!(begin.elapsed().as_secs() < 5);
}

#[test]
fn random_bytes_are_not_ssh() {
    let mut seed = 1_u64;
    for _ in 0..100_000 {
        let bytes: Vec<u8> = (0..64)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            })
            .collect();
        assert_ne!(detect(&bytes), Some(true));
    }
}
