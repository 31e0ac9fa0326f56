//! The integrity tag of Retry packets, which shows that whoever sent the packet saw the client's (RFC 9001 §5.8).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::header::{LongPacket, LongType};
use super::version::{Family, Version};

/// Length of the tag at the packet's end, in bytes.
pub(super) const TAG_LEN: usize = 16;

/// Key and nonce, the same for all packets of a version.
type Seal = ([u8; 16], [u8; NONCE_LEN]);

const V1: Seal = (
    *b"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e",
    *b"\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
);
const V2: Seal = (
    *b"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92",
    *b"\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
);
const V2_DRAFT: Seal = (
    *b"\xba\x85\x8d\xc7\xb4\x3d\xe5\xdb\xf8\x76\x17\xff\x4a\xb2\x53\xdb",
    *b"\x14\x1b\x99\xc2\x39\xb0\x3e\x78\x5d\x6a\x2e\x9f",
);
const DRAFT_29: Seal = (
    *b"\xcc\xce\x18\x7e\xd0\x9a\x09\xd0\x57\x28\x15\x5a\x6c\xb9\x6b\xe1",
    *b"\xe5\x49\x30\xf9\x7f\x21\x36\xf0\x53\x0a\x8c\x1c",
);
const DRAFT_25: Seal = (
    *b"\x4d\x32\xec\xdb\x2a\x21\x33\xc8\x41\xe4\x04\x3d\xf2\x7d\x44\x30",
    *b"\x4d\x16\x11\xd0\x55\x13\xa5\x52\xc5\x87\xd5\x75",
);

fn seal(version: Version) -> Option<Seal> {
    Some(match version.family() {
        Family::V1 | Family::Draft(33..) => V1,
        Family::V2 => V2,
        Family::V2Draft => V2_DRAFT,
        Family::Draft(29..) => DRAFT_29,
        Family::Draft(25..) => DRAFT_25,
        _ => return None,
    })
}

/// Whether the tag of a Retry packet fits it and `original_dcid`, the connection id to which the client sent the Initial
/// packet that it answers. `None` where that cannot be told: other packets, versions without a tag, a cut capture.
pub fn retry_is_genuine(packet: &LongPacket<'_>, original_dcid: &[u8]) -> Option<bool> {
    if packet.kind != LongType::Retry || packet.is_cut() {
        return None;
    }
    let (key, nonce) = seal(packet.version)?;
    let (covered, tag) = packet.bytes.split_last_chunk::<TAG_LEN>()?;
    let mut pseudo = Vec::with_capacity(1 + original_dcid.len() + covered.len());
    pseudo.push(u8::try_from(original_dcid.len()).ok()?);
    pseudo.extend_from_slice(original_dcid);
    pseudo.extend_from_slice(covered);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    Some(key.open_in_place(nonce, Aad::from(pseudo), &mut tag.clone()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::packets::{Packet, Packets};
    use super::*;

    fn genuine(packet: &[u8], original_dcid: &[u8]) -> Option<bool> {
        match Packets::new(packet, packet.len()).next() {
            Some(Packet::Long(packet)) => retry_is_genuine(&packet, original_dcid),
            _ => None,
        }
    }

    /// RFC 9001 §A.4, RFC 9369 §A.4 and draft-ietf-quic-tls-29 §A.4.
    #[test]
    fn published_vectors() {
        let original = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";
        let vectors: [&[u8]; 3] = [
            b"\xff\0\0\0\x01\0\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token\
              \x04\xa2\x65\xba\x2e\xff\x4d\x82\x90\x58\xfb\x3f\x0f\x24\x96\xba",
            b"\xcf\x6b\x33\x43\xcf\0\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token\
              \xc8\x64\x6c\xe8\xbf\xe3\x39\x52\xd9\x55\x54\x36\x65\xdc\xc7\xb6",
            b"\xff\xff\0\0\x1d\0\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token\
              \xd1\x69\x26\xd8\x1f\x6f\x9c\xa2\x95\x3a\x8a\xa4\x57\x5e\x1e\x49",
        ];
        for packet in vectors {
            assert_eq!(genuine(packet, original), Some(true));
            assert_eq!(genuine(packet, &original[..7]), Some(false));
            let mut changed = packet.to_vec();
            changed[16] ^= 1;
            assert_eq!(genuine(&changed, original), Some(false));
        }
    }

    #[test]
    fn what_cannot_be_told() {
        let mut packet = vec![0xf0, 0xfa, 0xce, 0xb0, 0x02, 0, 0];
        packet.extend([7; 20]);
        assert_eq!(genuine(&packet, &[1]), None, "no published key");
        let handshake = [0xe0, 0, 0, 0, 1, 0, 0, 1, 7];
        assert_eq!(genuine(&handshake, &[1]), None);
    }
}
