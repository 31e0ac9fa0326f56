//! Published packets of QUIC, and bytes that are none.

mod vectors;

use proptest::prelude::*;
use rheos_wire::quic::{
    Ack, ConnectionId, Detected, Frame, Frames, GoogleHello, InitialSecret, LongPacket, LongType,
    Packet, Packets, Sender, TransportParameters, Version, detect, retry_is_genuine,
};

use vectors::{
    CLIENT_CID, CLIENT_HELLO, CLIENT_V1, CLIENT_V2, DRAFT_29, SERVER_V1, SERVER_V2, hex,
};

/// The first packet of a datagram.
fn long(datagram: &[u8]) -> LongPacket<'_> {
    match Packets::new(datagram, datagram.len()).next() {
        Some(Packet::Long(packet)) => packet,
        other => panic!("{other:?}"),
    }
}

/// The connection id that the published packets' client chose.
fn cid() -> Vec<u8> {
    hex(CLIENT_CID)
}

fn secret(version: Version) -> InitialSecret {
    InitialSecret::new(version, &cid()).unwrap()
}

/// RFC 9001 §A.2, RFC 9369 §A.2.
#[test]
fn client_initials_open_to_the_published_hello() {
    for (datagram, version) in [(CLIENT_V1, Version::V1), (CLIENT_V2, Version::V2)] {
        let datagram = hex(datagram);
        assert_eq!(datagram.len(), 1200);
        let packet = long(&datagram);
        assert_eq!((packet.kind, packet.version), (LongType::Initial, version));
        assert_eq!((packet.dcid, packet.scid, packet.token), (&cid()[..], &[][..], &[][..]));
        let key = secret(version).key(Sender::Client).unwrap();
        let opened = key.open(&packet, None).unwrap();
        assert_eq!((opened.number, opened.number_len), (2, 4));
        let mut frames = Frames::new(opened.payload(), version);
        let hello = hex(CLIENT_HELLO);
        assert_eq!(frames.next(), Some(Frame::Crypto { offset: 0, data: &hello }));
        assert_eq!(frames.next(), Some(Frame::Padding(917)));
        assert!(frames.next().is_none() && !frames.is_malformed());
        let of_server = secret(version).key(Sender::Server).unwrap();
        assert_eq!(of_server.open(&packet, None), None);
        assert_eq!(detect(&datagram, datagram.len()), Some(Detected::Opened));
    }
}

/// RFC 9001 §A.3, RFC 9369 §A.3.
#[test]
fn server_initials_open_to_the_published_frames() {
    for (datagram, version) in [(SERVER_V1, Version::V1), (SERVER_V2, Version::V2)] {
        let datagram = hex(datagram);
        let packet = long(&datagram);
        assert_eq!((packet.dcid, packet.scid), (&[][..], &hex("f067a5502a4262b5")[..]));
        let key = secret(version).key(Sender::Server).unwrap();
        let opened = key.open(&packet, None).unwrap();
        assert_eq!((opened.number, opened.number_len), (1, 2));
        let mut frames = Frames::new(opened.payload(), version);
        assert_eq!(frames.next(), Some(Frame::Ack(Ack { largest: 0, more_ranges: 0 })));
        let Some(Frame::Crypto { offset: 0, data }) = frames.next() else { panic!("CRYPTO") };
        assert_eq!((data.len(), data[0]), (90, 2), "a ServerHello");
        assert!(frames.next().is_none() && !frames.is_malformed());
    }
}

#[test]
fn sealing_gives_the_published_packets() {
    let header = |first: &str| hex(&format!("{first}088394c8f03e5157080000449e00000002"));
    let mut payload = vec![6, 0, 0x40, 0xf1];
    payload.extend(hex(CLIENT_HELLO));
    payload.resize(1162, 0);
    for (header, version, wanted) in [
        (header("c300000001"), Version::V1, CLIENT_V1),
        (header("d36b3343cf"), Version::V2, CLIENT_V2),
    ] {
        let key = secret(version).key(Sender::Client).unwrap();
        assert_eq!(key.seal(&header, 2, &payload), Some(hex(wanted)));
        assert_eq!(key.seal(&header[..4], 2, &payload), None, "no room for the packet number");
        assert_eq!(key.seal(&[0xc0, 0], 2, &[]), None, "too short for a sample");
    }
}

/// draft-ietf-quic-tls-29 §A.2 and §A.3, whose salt is not version 1's.
#[test]
fn the_packets_of_draft_29_open() {
    let version = Version(0xff00_001d);
    for (datagram, sender) in DRAFT_29.into_iter().zip([Sender::Client, Sender::Server]) {
        let datagram = hex(datagram);
        let packet = long(&datagram);
        assert_eq!(packet.version, version);
        let key = secret(version).key(sender).unwrap();
        assert!(key.open(&packet, None).is_some(), "{sender:?}");
        let of_v1 = secret(Version::V1).key(sender).unwrap();
        assert_eq!(of_v1.open(&packet, None), None);
    }
}

#[test]
fn a_changed_or_cut_packet_does_not_open() {
    let datagram = hex(CLIENT_V1);
    let key = secret(Version::V1).key(Sender::Client).unwrap();
    for place in [0, 5, 6, 17, 18, 30, 1199] {
        let mut changed = datagram.clone();
        changed[place] ^= 0x04;
        for packet in Packets::new(&changed, changed.len()) {
            if let Packet::Long(packet) = packet {
                assert_eq!(key.open(&packet, None), None, "byte {place}");
            }
        }
        assert_ne!(detect(&changed, changed.len()), Some(Detected::Opened), "byte {place}");
    }
    let Some(Packet::Long(cut)) = Packets::new(&datagram[..600], 1200).next() else {
        panic!("a cut packet")
    };
    assert!(cut.is_cut());
    assert_eq!(key.open(&cut, None), None);
    assert_eq!(detect(&datagram[..600], 1200), Some(Detected::Cut));
}

/// Asks everything of a datagram.
fn exhaust(datagram: &[u8], sent: usize) {
    let _ = detect(datagram, sent);
    let mut packets = Packets::new(datagram, sent);
    let mut bytes = 0;
    for packet in packets.by_ref() {
        match packet {
            Packet::Long(packet) => {
                assert!(packet.bytes.len() <= packet.len);
                bytes += packet.bytes.len();
                let secret = InitialSecret::new(packet.version, packet.dcid).unwrap();
                for sender in [Sender::Client, Sender::Server] {
                    let opened = secret.key(sender).unwrap().open(&packet, Some(7));
                    if let Some(opened) = opened {
                        assert!(Frames::new(opened.payload(), packet.version).count() < 2000);
                    }
                }
                let _ = retry_is_genuine(&packet, packet.scid);
                assert!(ConnectionId::new(packet.dcid).is_some());
            }
            Packet::Negotiation(list) => assert!(list.versions().count() <= datagram.len() / 4),
            Packet::Short(short) => {
                bytes += short.bytes.len();
                let _ = (short.spin(), short.dcid(20));
            }
            Packet::Unread { .. } => {}
        }
    }
    assert!(bytes <= datagram.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(
        mut datagram in prop::collection::vec(any::<u8>(), 0..200),
        version in prop_oneof![Just([0, 0, 0, 1]), Just([0x6b, 0x33, 0x43, 0xcf]), Just([0; 4]), Just(*b"Q050"), Just([0xff, 0, 0, 23])],
        more in 0..1500_usize,
    ) {
        exhaust(&datagram, datagram.len() + more);
        for (byte, value) in datagram.iter_mut().skip(1).zip(version) {
            *byte = value;
        }
        if let Some(first) = datagram.first_mut() {
            *first |= 0xc0;
        }
        exhaust(&datagram, datagram.len() + more);
        for version in [Version::V1, Version(u32::from_be_bytes(*b"T051"))] {
            prop_assert!(Frames::new(&datagram, version).count() <= datagram.len());
        }
        prop_assert!(TransportParameters::new(&datagram).count() <= datagram.len());
        let chlo = [b"CHLO", &datagram[..]].concat();
        let _ = GoogleHello::parse(&chlo).map(|hello| (hello.server_name(), hello.message_len()));
    }

    #[test]
    fn damaged_packets_never_panic(
        pick in 0..4_usize,
        damage in prop::collection::vec((0..30_usize, any::<u8>()), 1..4),
        keep in 0..=1200_usize,
    ) {
        let mut datagram = hex([CLIENT_V1, SERVER_V1, CLIENT_V2, DRAFT_29[1]][pick]);
        let sent = datagram.len();
        for (place, value) in damage {
            datagram[place] = value;
        }
        exhaust(&datagram, sent);
        datagram.truncate(keep);
        exhaust(&datagram, sent);
    }
}
