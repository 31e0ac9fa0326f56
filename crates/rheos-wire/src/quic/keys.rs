//! The keys of Initial packets, which follow from the client's first destination connection id and the version's salt
//! (RFC 9001 §5.2): they protect against accidents, not against observers.

use std::fmt;

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey, quic};
use ring::hkdf::{self, HKDF_SHA256, Prk};

use super::header::LongPacket;
use super::version::{Labels, Version};

/// The header protection samples the payload as if the packet number had four bytes (RFC 9001 §5.4.2).
const SAMPLE_AT: usize = 4;
/// The bits of a long header's first byte that are protected: reserved ones, and the packet number's length.
const PROTECTED_BITS: u8 = 0x0f;

/// Whose packets a key protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Who began the connection.
    Client,
    /// Who answered.
    Server,
}

/// The secret that the Initial keys of both sides follow from.
pub struct InitialSecret {
    secret: Prk,
    labels: Labels,
}

impl InitialSecret {
    /// The secret of a connection whose client sent its first Initial packet (after a Retry packet: the first with its
    /// token) to the connection id `dcid`. `None` for versions that are not read.
    pub fn new(version: Version, dcid: &[u8]) -> Option<Self> {
        let secret = hkdf::Salt::new(HKDF_SHA256, version.salt()?).extract(dcid);
        Some(Self { secret, labels: version.labels() })
    }

    /// The key of the Initial packets of `sender`.
    pub fn key(&self, sender: Sender) -> Option<InitialKey> {
        let label = match sender {
            Sender::Client => "client in",
            Sender::Server => "server in",
        };
        let secret: Prk = expand(&self.secret, label, HKDF_SHA256)?;
        let [key, iv, header] = self.labels;
        let mut nonce = [0; NONCE_LEN];
        expand_into(&secret, iv, &mut nonce)?;
        let key: UnboundKey = expand(&secret, key, &AES_128_GCM)?;
        let header = expand(&secret, header, &quic::AES_128)?;
        Some(InitialKey { key: LessSafeKey::new(key), nonce, header })
    }
}

impl fmt::Debug for InitialSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitialSecret").finish_non_exhaustive()
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1), as a key of the wanted kind.
fn expand<L: hkdf::KeyType, K: for<'a> From<hkdf::Okm<'a, L>>>(
    secret: &Prk,
    label: &str,
    kind: L,
) -> Option<K> {
    let len = u16::try_from(kind.len()).ok()?.to_be_bytes();
    let label_len = [u8::try_from("tls13 ".len() + label.len()).ok()?];
    let info: [&[u8]; 5] = [&len, &label_len, b"tls13 ", label.as_bytes(), &[0]];
    secret.expand(&info, kind).ok().map(K::from)
}

/// A length as a kind of key.
struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand_into(secret: &Prk, label: &str, out: &mut [u8]) -> Option<()> {
    struct Bytes([u8; 32]);
    impl From<hkdf::Okm<'_, Len>> for Bytes {
        fn from(okm: hkdf::Okm<'_, Len>) -> Self {
            let mut bytes = [0; 32];
            let len = okm.len().0;
            if let Some(bytes) = bytes.get_mut(..len) {
                // Fails for another length than was asked for only.
                let _ = okm.fill(bytes);
            }
            Self(bytes)
        }
    }
    let bytes: Bytes = expand(secret, label, Len(out.len()))?;
    out.copy_from_slice(bytes.0.get(..out.len())?);
    Some(())
}

/// Opens the Initial packets of one side, or makes them.
pub struct InitialKey {
    key: LessSafeKey,
    nonce: [u8; NONCE_LEN],
    header: quic::HeaderProtectionKey,
}

impl fmt::Debug for InitialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitialKey").finish_non_exhaustive()
    }
}

/// What was in a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its packet number.
    pub number: u64,
    /// The bytes in which the packet number was sent: 1 to 4.
    pub number_len: u8,
    /// The packet; its payload from `start` to `end` is plain.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Opened {
    /// The frames.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl InitialKey {
    /// Removes the protection of an Initial packet; `largest` is the greatest packet number of its sender so far.
    /// `None` if the key is another connection's, or the packet was changed or cut.
    pub fn open(&self, packet: &LongPacket<'_>, largest: Option<u64>) -> Option<Opened> {
        if packet.is_cut() {
            return None;
        }
        let at = packet.number_offset;
        let sample_at = at.checked_add(SAMPLE_AT)?;
        let sample = packet.bytes.get(sample_at..)?.get(..quic::AES_128.sample_len())?;
        let [first_mask, number_mask @ ..] = self.header.new_mask(sample).ok()?;
        let mut bytes = packet.bytes.to_vec();
        let first = bytes.first_mut()?;
        *first ^= first_mask & PROTECTED_BITS;
        let number_len = (*first & 3) + 1;
        let start = at + usize::from(number_len);
        let number_bytes = bytes.get_mut(at..start)?;
        let mut truncated = 0;
        for (byte, mask) in number_bytes.iter_mut().zip(number_mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        let number = whole_number(truncated, number_len, largest);
        let (header, payload) = bytes.split_at_mut_checked(start)?;
        let plain = self.key.open_in_place(self.nonce_of(number), Aad::from(header), payload);
        let end = start + plain.ok()?.len();
        Some(Opened { number, number_len, bytes, start, end })
    }

    /// A protected packet of `header`, which ends with the packet number's last bytes (its first byte tells how many), and
    /// `payload`; the header's length field must already count payload and tag, 16 bytes. `None` if the header has no room
    /// for a packet number, or the packet is too short for header protection.
    pub fn seal(&self, header: &[u8], number: u64, payload: &[u8]) -> Option<Vec<u8>> {
        let number_len = usize::from(header.first()? & 3) + 1;
        let at = header.len().checked_sub(number_len).filter(|at| *at > 0)?;
        let mut body = payload.to_vec();
        let nonce = self.nonce_of(number);
        self.key.seal_in_place_append_tag(nonce, Aad::from(header), &mut body).ok()?;
        let mut packet = [header, &body].concat();
        let sample = packet.get(at + SAMPLE_AT..)?.get(..quic::AES_128.sample_len())?;
        let [first_mask, number_mask @ ..] = self.header.new_mask(sample).ok()?;
        *packet.first_mut()? ^= first_mask & PROTECTED_BITS;
        let number = packet.get_mut(at..at + number_len)?;
        number.iter_mut().zip(number_mask).for_each(|(byte, mask)| *byte ^= mask);
        Some(packet)
    }

    fn nonce_of(&self, number: u64) -> Nonce {
        let mut nonce = self.nonce;
        for (byte, number) in nonce.iter_mut().rev().zip(number.to_be_bytes().into_iter().rev()) {
            *byte ^= number;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// The packet number that ends with the bytes which were sent and is nearest to the one after `largest`
/// (RFC 9000 §A.3).
fn whole_number(truncated: u64, len: u8, largest: Option<u64>) -> u64 {
    const END: u64 = 1 << 62;
    let expected = largest.map_or(0, |largest| largest.saturating_add(1));
    let window = 1_u64 << (8 * u32::from(len));
    let half = window / 2;
    let candidate = (expected & !(window - 1)) | truncated;
    if candidate.saturating_add(half) <= expected && candidate < END - window {
        candidate + window
    } else if candidate > expected.saturating_add(half) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_are_made_whole() {
        // RFC 9000 §A.3
        assert_eq!(whole_number(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(whole_number(2, 1, None), 2);
        assert_eq!(whole_number(0, 1, Some(255)), 256);
        assert_eq!(whole_number(255, 1, Some(256)), 255);
        assert_eq!(whole_number(0, 4, Some(u64::MAX)), !0xffff_ffff);
        assert_eq!(whole_number(0xff, 1, None), 0xff);
    }

    /// RFC 9001 §A.1 and RFC 9369 §A.1: the initialisation vectors, which follow from all secrets before them.
    #[test]
    fn published_vectors_of_keys() {
        let cid = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let nonces = |version| {
            let secret = InitialSecret::new(version, &cid).unwrap();
            [Sender::Client, Sender::Server].map(|sender| secret.key(sender).unwrap().nonce)
        };
        let v1 = [
            [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c],
            [0x0a, 0xc1, 0x49, 0x3c, 0xa1, 0x90, 0x58, 0x53, 0xb0, 0xbb, 0xa0, 0x3e],
        ];
        assert_eq!(nonces(Version::V1), v1);
        let v2 = [
            [0x91, 0xf7, 0x3e, 0x23, 0x51, 0xd8, 0xfa, 0x91, 0x66, 0x0e, 0x90, 0x9f],
            [0xdd, 0x13, 0xc2, 0x76, 0x49, 0x9c, 0x02, 0x49, 0xd3, 0x31, 0x06, 0x52],
        ];
        assert_eq!(nonces(Version::V2), v2);
        assert!(InitialSecret::new(Version(0x1a2a_3a4a), &cid).is_none());
    }
}
