//! The binary packets of version 2 before encryption (RFC 4253 §6), and the host key in an exchange of keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};

/// Numbers of messages (RFC 4250 §4.1.2).
pub mod message {
    /// The connection ends.
    pub const DISCONNECT: u8 = 1;
    /// Algorithms that a side offers.
    pub const KEXINIT: u8 = 20;
    /// What this side sends from here on is encrypted with the new keys.
    pub const NEWKEYS: u8 = 21;
    /// The server's answer in the exchange of keys by Diffie-Hellman, its elliptic and its post-quantum kin
    /// (RFC 4253 §8, RFC 5656 §4); with group exchange, the group (RFC 4419 §3).
    pub const KEX_REPLY: u8 = 31;
    /// The server's answer with group exchange (RFC 4419 §3).
    pub const GEX_REPLY: u8 = 33;

    /// Whether the message belongs to the exchange of keys: 20 to 29 negotiate, 30 to 49 depend on the method.
    pub const fn is_key_exchange(code: u8) -> bool {
        matches!(code, 20..=49)
    }

    /// Whether only a client sends it in the exchange of keys.
    pub const fn is_of_client(code: u8) -> bool {
        matches!(code, 30 | 32 | 34)
    }

    /// Whether only a server sends it in the exchange of keys.
    pub const fn is_of_server(code: u8) -> bool {
        matches!(code, KEX_REPLY | GEX_REPLY)
    }
}

/// The beginning of a packet that is not encrypted: lengths and the message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// Bytes of the whole packet, its length field included.
    pub len: usize,
    /// Bytes of padding at its end.
    pub padding: u8,
    /// The message's number.
    pub code: u8,
}

/// What the first bytes of a packet tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketStart {
    /// A packet.
    Header(PacketHeader),
    /// Too few bytes to tell.
    Partial,
    /// No packet in clear.
    Invalid,
}

impl PacketHeader {
    /// Longest packet that is believed. RFC 4253 §6.1 asks for 35 000 bytes, OpenSSH takes these.
    pub const LEN_MAX: usize = 256 * 1024;
    /// Least padding (RFC 4253 §6).
    const PADDING_MIN: u8 = 4;
    /// Length, padding length, and a message of its number alone.
    const HEAD: usize = 6;

    /// Reads the first six bytes of a packet.
    pub fn read(bytes: &[u8]) -> PacketStart {
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
            return PacketStart::Partial;
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length + 4 > Self::LEN_MAX {
            return PacketStart::Invalid;
        }
        let [padding, code, ..] = *rest else {
            return PacketStart::Partial;
        };
        if padding < Self::PADDING_MIN || length < 2 + usize::from(padding) {
            return PacketStart::Invalid;
        }
        PacketStart::Header(Self { len: length + 4, padding, code })
    }

    /// The message, number included, within the packet's bytes; `None` if they are not all there.
    pub fn message<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        packet.get(Self::HEAD - 1..self.len - usize::from(self.padding))
    }

    /// Bytes of the message, number included.
    pub fn message_len(&self) -> usize {
        self.len + 1 - Self::HEAD - usize::from(self.padding)
    }
}

/// The public key with which a server proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostKey<'a> {
    /// The key's format: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, ...
    pub format: &'a [u8],
    /// The key, format included, as it is sent and hashed.
    pub blob: &'a [u8],
}

impl<'a> HostKey<'a> {
    /// Longest name of a format (RFC 4251 §6).
    const FORMAT_MAX: usize = 64;

    /// The key in a message that answers an exchange of keys: its first string. `None` where that is something
    /// else, as with a group for group exchange.
    pub fn in_reply(message: &'a [u8]) -> Option<Self> {
        let (&code, rest) = message.split_first()?;
        if !message::is_of_server(code) {
            return None;
        }
        let (blob, _) = string(rest)?;
        let (format, _) = string(blob)?;
        let sound = !format.is_empty()
            && format.len() <= Self::FORMAT_MAX
            && format.iter().all(u8::is_ascii_graphic);
        sound.then_some(Self { format, blob })
    }

    /// The key's fingerprint as OpenSSH prints it: `SHA256:` and the hash in base64 without padding.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.blob)))
    }
}

/// A string (RFC 4251 §5): its length in four bytes, then its bytes; and what follows.
pub(super) fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
    }

    #[test]
    fn headers_of_packets() {
        // NEWKEYS: length 12, padding 10, the number, 10 bytes of padding.
        let newkeys = [&[0, 0, 0, 12, 10, 21][..], &[0; 10]].concat();
        let header = PacketHeader { len: 16, padding: 10, code: message::NEWKEYS };
        assert_eq!(PacketHeader::read(&newkeys), PacketStart::Header(header));
        assert_eq!(header.message(&newkeys), Some(&[21][..]));
        assert_eq!(header.message_len(), 1);
        assert_eq!(header.message(&newkeys[..5]), None);
        assert_eq!(PacketHeader::read(&newkeys[..6]), PacketStart::Header(header));
        for cut in 0..6 {
            assert_eq!(PacketHeader::read(&newkeys[..cut]), PacketStart::Partial, "{cut}");
        }
        // too long; no padding; more padding than packet
        for odd in [[0, 4, 0, 0, 4, 20], [0, 0, 0, 12, 3, 20], [0, 0, 0, 12, 11, 20], [0; 6]] {
            assert_eq!(PacketHeader::read(&odd), PacketStart::Invalid, "{odd:?}");
        }
    }

    #[test]
    fn host_keys_and_their_fingerprints() {
        let blob = [text(b"ssh-ed25519"), text(&[7; 32])].concat();
        let reply = [&[31][..], &text(&blob), &text(&[1; 32]), &text(b"signature")].concat();
        let key = HostKey::in_reply(&reply).unwrap();
        assert_eq!(key.format, b"ssh-ed25519");
        assert_eq!(key.blob, blob);
        // Python: base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=")
        assert_eq!(key.fingerprint(), "SHA256:gNSIRW+2Iyiuvsdp/bgjy38bvWHw6wQm3tuoXrl3WjQ");
        // A group: the prime's first byte is its sign, the length of a format it would have is absurd.
        let prime = [&[0][..], &[0xff; 256]].concat();
        let group = [&[31][..], &text(&prime), &text(&[2])].concat();
        assert_eq!(HostKey::in_reply(&group), None);
        assert_eq!(HostKey::in_reply(&[&[30][..], &text(&blob)].concat()), None, "a client's");
        for cut in 0..blob.len() + 5 {
            assert_eq!(HostKey::in_reply(&reply[..cut]), None, "{cut}");
        }
    }
}
