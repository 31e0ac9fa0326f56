//! TLS 1.3 as an observer sees it (RFC 8446): hellos in clear, everything after as records of random bytes.

use super::super::message::{Content, Message};
use super::name;

/// The most a record of application data carries: 2^14 bytes, content type, tag (RFC 8446 §5.2).
const RECORD_MAX: u32 = 16_384 + 1 + 16;
const RECORD_HEADER: u32 = 5;
const STRIDE: u32 = RECORD_HEADER + RECORD_MAX;
/// The least a record can be: header, one byte, content type, tag.
const RECORD_MIN: u32 = RECORD_HEADER + 1 + 1 + 16;

const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];

/// The nearest length that whole records can fill.
pub(crate) const fn whole_records(len: u32) -> u32 {
    let rest = len % STRIDE;
    if rest > 0 && rest < RECORD_MIN { len - rest + RECORD_MIN } else { len }
}

/// Bytes `from..to` of a body of records.
pub(crate) fn write_records(
    content: &Content,
    message: &Message,
    from: u32,
    to: u32,
    out: &mut Vec<u8>,
) {
    let mut at = from;
    while at < to {
        let record = at / STRIDE * STRIDE;
        let size = (message.body_len - record).min(STRIDE);
        let inside = at - record;
        if inside < RECORD_HEADER {
            let [high, low] = ((size - RECORD_HEADER) as u16).to_be_bytes();
            let header = [23, 3, 3, high, low];
            let stop = RECORD_HEADER.min(inside + (to - at));
            out.extend_from_slice(&header[inside as usize..stop as usize]);
            at += stop - inside;
        } else {
            let take = (size - inside).min(to - at);
            content.random(message.key, at, take, out);
            at += take;
        }
    }
}

/// What tells one client software from another.
struct Client {
    ciphers: &'static [u16],
    groups: &'static [u16],
    signatures: &'static [u16],
    alpn: &'static [&'static str],
}

const CLIENTS: &[Client] = &[
    Client {
        ciphers: &[
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
            0x009c, 0x009d, 0x002f, 0x0035,
        ],
        groups: &[0x001d, 0x0017, 0x0018],
        signatures: &[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
        alpn: &["h2", "http/1.1"],
    },
    Client {
        ciphers: &[
            0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a, 0xc009,
            0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
        ],
        groups: &[0x001d, 0x0017, 0x0018, 0x0019, 0x0100, 0x0101],
        signatures: &[
            0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
        ],
        alpn: &["h2", "http/1.1"],
    },
    Client {
        ciphers: &[0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b],
        groups: &[0x001d, 0x0017, 0x001e, 0x0019, 0x0018],
        signatures: &[0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804],
        alpn: &["http/1.1"],
    },
];

pub(crate) fn client_hello(message: &Message, out: &mut Vec<u8>) {
    let mut rng = message.key.rng();
    // A server's visitors use the same few programs: the name and two bits choose one.
    let client = &CLIENTS[(rng.below(3) as usize + usize::from(message.name)) % CLIENTS.len()];
    let mut random = [0u8; 96];
    rng.fill(&mut random);
    out.extend_from_slice(&[22, 3, 1]);
    sized16(out, |out| {
        out.push(1);
        out.push(0);
        sized16(out, |out| {
            out.extend_from_slice(&[3, 3]);
            out.extend_from_slice(&random[..32]);
            out.push(32);
            out.extend_from_slice(&random[32..64]);
            sized16(out, |out| push_all(out, client.ciphers));
            out.extend_from_slice(&[1, 0]);
            sized16(out, |out| client_extensions(out, client, name(message.name), &random[64..]));
        });
    });
}

fn client_extensions(out: &mut Vec<u8>, client: &Client, server: &str, share: &[u8]) {
    extension(out, 0, |out| {
        sized16(out, |out| {
            out.push(0);
            sized16(out, |out| out.extend_from_slice(server.as_bytes()));
        });
    });
    extension(out, 23, |_| {});
    extension(out, 0xff01, |out| out.push(0));
    extension(out, 10, |out| sized16(out, |out| push_all(out, client.groups)));
    extension(out, 11, |out| out.extend_from_slice(&[1, 0]));
    extension(out, 35, |_| {});
    extension(out, 16, |out| {
        sized16(out, |out| {
            for protocol in client.alpn {
                out.push(protocol.len() as u8);
                out.extend_from_slice(protocol.as_bytes());
            }
        });
    });
    extension(out, 13, |out| sized16(out, |out| push_all(out, client.signatures)));
    extension(out, 51, |out| {
        sized16(out, |out| {
            out.extend_from_slice(&[0, 0x1d]);
            sized16(out, |out| out.extend_from_slice(share));
        });
    });
    extension(out, 45, |out| out.extend_from_slice(&[1, 1]));
    extension(out, 43, |out| out.extend_from_slice(&[4, 3, 4, 3, 3]));
}

pub(crate) fn server_hello(message: &Message, out: &mut Vec<u8>) {
    let mut random = [0u8; 96];
    message.key.rng().fill(&mut random);
    out.extend_from_slice(&[22, 3, 3]);
    sized16(out, |out| {
        out.push(2);
        out.push(0);
        sized16(out, |out| {
            out.extend_from_slice(&[3, 3]);
            out.extend_from_slice(&random[..32]);
            out.push(32);
            out.extend_from_slice(&random[32..64]);
            out.extend_from_slice(&[0x13, 0x01, 0]);
            sized16(out, |out| {
                extension(out, 51, |out| {
                    out.extend_from_slice(&[0, 0x1d]);
                    sized16(out, |out| out.extend_from_slice(&random[64..]));
                });
                extension(out, 43, |out| out.extend_from_slice(&[3, 4]));
            });
        });
    });
    out.extend_from_slice(&CHANGE_CIPHER_SPEC);
}

/// Change cipher spec and the encrypted Finished (52 bytes of it with SHA-256 and tag).
pub(crate) fn client_finished(message: &Message, out: &mut Vec<u8>) {
    let mut sealed = [0u8; 53];
    message.key.rng().fill(&mut sealed);
    out.extend_from_slice(&CHANGE_CIPHER_SPEC);
    out.extend_from_slice(&[23, 3, 3]);
    sized16(out, |out| out.extend_from_slice(&sealed));
}

fn push_all(out: &mut Vec<u8>, values: &[u16]) {
    for value in values {
        out.extend_from_slice(&value.to_be_bytes());
    }
}

fn extension(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&kind.to_be_bytes());
    sized16(out, body);
}

/// Two bytes of length, then what `body` writes.
pub(crate) fn sized16(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    body(out);
    let len = (out.len() - at - 2) as u16;
    out[at..at + 2].copy_from_slice(&len.to_be_bytes());
}
