//! Packets of QUIC by hand, protected as their senders protect them.

use rheos_wire::quic::{InitialKey, InitialSecret, Sender, Version};

/// The connection id that the clients of the flows make up (that of RFC 9001, appendix A).
pub(crate) const ORIGIN: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
/// The one that the servers give themselves.
pub(crate) const SERVER: [u8; 8] = [0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5];

/// The number of version 1.
pub(crate) const V1: u32 = 1;
/// The number of version 2.
pub(crate) const V2: u32 = 0x6b33_43cf;

/// The first byte of the types of long headers in version 1; version 2 turns them by one.
#[derive(Clone, Copy)]
pub(crate) enum Long {
    Initial = 0xc0,
    ZeroRtt = 0xd0,
    Handshake = 0xe0,
}

/// The bytes of hexadecimal digits; spaces between them are left out.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A long header up to its ids.
fn start(kind: Long, version: u32, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    let turned = if version == V2 { 0x10 } else { 0 };
    // Two bytes of packet number.
    let mut header = vec![(kind as u8 + turned) | 1];
    header.extend(version.to_be_bytes());
    for id in [dcid, scid] {
        header.push(id.len() as u8);
        header.extend(id);
    }
    header
}

fn counted(header: &mut Vec<u8>, len: usize) {
    header.extend((0x4000 | len as u16).to_be_bytes());
}

/// Initial packets of one connection attempt.
pub(crate) struct Attempt {
    pub(crate) version: u32,
    /// The connection id that the keys follow from.
    pub(crate) origin: Vec<u8>,
    pub(crate) token: Vec<u8>,
}

impl Attempt {
    pub(crate) fn new(version: u32) -> Self {
        Self { version, origin: ORIGIN.to_vec(), token: Vec::new() }
    }

    fn key(&self, sender: Sender) -> InitialKey {
        let secret = InitialSecret::new(Version(self.version), &self.origin).unwrap();
        secret.key(sender).unwrap()
    }

    /// An Initial packet of the client, which gives itself no id, padded to a datagram of 1200 bytes.
    pub(crate) fn client(&self, number: u16, frames: &[u8]) -> Vec<u8> {
        self.client_to(&self.origin, number, frames)
    }

    /// The same to another connection id.
    pub(crate) fn client_to(&self, dcid: &[u8], number: u16, frames: &[u8]) -> Vec<u8> {
        let mut payload = frames.to_vec();
        let header = self.header(dcid, &[], number, 0).len();
        payload.resize(payload.len().max(1200 - header - 16), 0);
        let header = self.header(dcid, &[], number, payload.len());
        self.key(Sender::Client).seal(&header, number.into(), &payload).unwrap()
    }

    /// An Initial packet of the server without padding.
    pub(crate) fn server(&self, number: u16, frames: &[u8]) -> Vec<u8> {
        let server = Self { token: Vec::new(), ..Self::new(self.version) };
        let header = server.header(&[], &SERVER, number, frames.len());
        self.key(Sender::Server).seal(&header, number.into(), frames).unwrap()
    }

    fn header(&self, dcid: &[u8], scid: &[u8], number: u16, payload: usize) -> Vec<u8> {
        let mut header = start(Long::Initial, self.version, dcid, scid);
        counted(&mut header, self.token.len());
        header.extend(&self.token);
        counted(&mut header, 2 + payload + 16);
        header.extend(number.to_be_bytes());
        header
    }
}

/// A packet of another type with so many bytes that nobody opens.
pub(crate) fn sealed(kind: Long, version: u32, ids: (&[u8], &[u8]), len: usize) -> Vec<u8> {
    let mut packet = start(kind, version, ids.0, ids.1);
    counted(&mut packet, len);
    packet.resize(packet.len() + len, 0x5a);
    packet
}

/// A packet with a short header of 30 bytes after the connection id.
pub(crate) fn short(dcid: &[u8], spin: bool) -> Vec<u8> {
    let mut packet = vec![if spin { 0x60 } else { 0x40 }];
    packet.extend(dcid);
    packet.extend([0x77; 30]);
    packet
}

/// A server's list of versions, to a client without id.
pub(crate) fn versions(list: &[u32]) -> Vec<u8> {
    let mut packet = vec![0xaa, 0, 0, 0, 0, 0, ORIGIN.len() as u8];
    packet.extend(ORIGIN);
    packet.extend(list.iter().flat_map(|version| version.to_be_bytes()));
    packet
}

/// A CRYPTO frame.
pub(crate) fn crypto(offset: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    counted(&mut frame, usize::from(offset));
    counted(&mut frame, data.len());
    frame.extend(data);
    frame
}

/// A handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, _, high, low] = (body.len() as u32).to_be_bytes();
    [&[kind, 0, high, low], body].concat()
}

/// The ClientHello of RFC 9001, appendix A: 245 bytes, to example.com, with ALPN `alpn`.
pub(crate) fn client_hello() -> Vec<u8> {
    hex("010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c
        00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a000800
        06001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9
        caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e
        0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05
        048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff")
}

/// A ClientHello of one cipher suite and these extensions, each with its type.
pub(crate) fn hello_of(extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let list = extensions.iter().flat_map(|(kind, data)| {
        let len = (data.len() as u16).to_be_bytes();
        [&kind.to_be_bytes()[..], &len, data].concat()
    });
    let list: Vec<u8> = list.collect();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend((list.len() as u16).to_be_bytes());
    body.extend(list);
    message(1, &body)
}

/// The ServerHello of RFC 9001, appendix A: 90 bytes, TLS_AES_128_GCM_SHA256 and x25519.
pub(crate) fn server_hello() -> Vec<u8> {
    hex("020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200
        130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bc
        f32bb9da1a002b00020304")
}

/// A HelloRetryRequest that asks for secp256r1.
pub(crate) fn hello_retry() -> Vec<u8> {
    let mut body = vec![3, 3];
    // SHA-256 of "HelloRetryRequest".
    body.extend(hex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"));
    body.extend([0, 0x13, 0x01, 0, 0, 12, 0, 51, 0, 2, 0, 23, 0, 43, 0, 2, 3, 4]);
    message(2, &body)
}
