//! DNS from outside: never a panic, bounded work, and hardly any DNS in random bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use rheos_wire::dns::{
    Entries, Entry, HEADER_LEN, Header, NAME_MAX, Name, detect, detect_cut, is_nbns, stream_message,
};

/// Bytes in which names, pointers and small counts are frequent.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0), 0..6_u8, Just(0xc0), Just(12), (b'A'..=b'P'), any::<u8>()];
    let counts = (0..3_u8, 0..4_u8, 0..3_u8, 0..3_u8);
    (any::<[u8; 4]>(), counts, vec(byte, 0..300)).prop_map(|(head, counts, rest)| {
        let mut message = head.to_vec();
        message.extend([0, counts.0, 0, counts.1, 0, counts.2, 0, counts.3]);
        message.extend(rest);
        message
    })
}

fn random(seed: &mut u64) -> u8 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*seed >> 56) as u8
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop_oneof![messages(), vec(any::<u8>(), 0..100)]) {
        let _ = (detect(&bytes, false), detect(&bytes, true), detect_cut(&bytes), is_nbns(&bytes));
        let _ = stream_message(&bytes);
        let Some(header) = Header::parse(&bytes) else { return Ok(()) };
        let mut entries = Entries::new(&header, &bytes);
        let mut count = 0;
        for entry in entries.by_ref() {
            count += 1;
            let name = match entry {
                Entry::Question(question) => question.name,
                Entry::Record(record) => {
                    let _ = (record.address(), record.opt().map(|opt| opt.options().count()));
                    record.name
                }
            };
            let labels: Vec<_> = name.labels().collect();
            prop_assert_eq!(labels.len(), name.label_count());
            prop_assert!(labels.iter().all(|label| (1..=63).contains(&label.len())));
            let octets: usize = labels.iter().map(|label| label.len() + 1).sum();
            prop_assert!(octets < NAME_MAX);
            prop_assert_eq!(name.len(), octets.saturating_sub(1));
            let mut text = String::new();
            name.push_to(&mut text);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{}", text);
        }
        prop_assert!(entries.offset() <= bytes.len() && HEADER_LEN <= bytes.len());
        prop_assert!(count <= bytes.len() / 5);
        if entries.is_whole() {
            prop_assert_eq!(count, header.counts.iter().map(|&c| usize::from(c)).sum::<usize>());
        }
    }

    #[test]
    fn names_end_where_the_reader_goes_on(bytes in messages(), at in 0..40_usize) {
        if let Some((_, end)) = Name::parse(&bytes, at) {
            prop_assert!(at < end && end <= bytes.len());
        }
    }

    #[test]
    fn more_bytes_of_a_stream_never_change_what_was_told(message in messages()) {
        let stream = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
        let mut told = None;
        for end in 0..=stream.len() {
            let now = detect(&stream[..end], true);
            // Only what lay beyond the beginning may still turn a yes into a no.
            prop_assert!(told != Some(false) || now == told, "{:?} after {:?}", now, told);
            told = now;
        }
    }
}

/// A random datagram is DNS with a chance of less than one in 2^40 (four counts of 16 bits that must fit, flags,
/// classes, lengths); one whose header looks well has none in 1000 either.
#[test]
fn random_bytes_are_not_dns() {
    let mut seed = 7;
    for _ in 0..200_000 {
        let len = 12 + usize::from(random(&mut seed));
        let bytes: Vec<u8> = (0..len).map(|_| random(&mut seed)).collect();
        assert_eq!(detect(&bytes, false), Some(false));
        assert_ne!(detect(&bytes, true), Some(true));
        assert!(!detect_cut(&bytes));
    }
    let mut taken = 0;
    for _ in 0..200_000 {
        let mut bytes = vec![random(&mut seed), random(&mut seed), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        bytes.extend((0..random(&mut seed) % 64).map(|_| random(&mut seed)));
        taken += u32::from(detect(&bytes, false) == Some(true));
    }
    assert!(taken < 200, "{taken} of 200 000 random bodies behind a sound header");
}
