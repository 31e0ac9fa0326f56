//! SSH until the keys are in use (RFC 4253, RFC 5656): after that only lengths tell anything.

use super::super::message::Message;

const CLIENTS: &[&str] =
    &["SSH-2.0-OpenSSH_9.6", "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10", "SSH-2.0-libssh_0.10.6"];
const SERVERS: &[&str] =
    &["SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", "SSH-2.0-OpenSSH_9.6", "SSH-2.0-OpenSSH_7.4"];

/// The version line; the lowest bit of the name says which side speaks.
pub(crate) fn version(message: &Message, out: &mut Vec<u8>) {
    let side = if message.name & 1 == 0 { CLIENTS } else { SERVERS };
    out.extend_from_slice(message.key.rng().pick(side).as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn kex_init(message: &Message, out: &mut Vec<u8>) {
    let mut cookie = [0u8; 16];
    message.key.rng().fill(&mut cookie);
    packet(out, |out| {
        out.push(20);
        out.extend_from_slice(&cookie);
        for list in [
            "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256",
            "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
            "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-ctr",
            "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-ctr",
            "hmac-sha2-256-etm@openssh.com,hmac-sha2-512",
            "hmac-sha2-256-etm@openssh.com,hmac-sha2-512",
            "none,zlib@openssh.com",
            "none,zlib@openssh.com",
            "",
            "",
        ] {
            string(out, list.as_bytes());
        }
        out.extend_from_slice(&[0; 5]);
    });
}

pub(crate) fn ecdh_init(message: &Message, out: &mut Vec<u8>) {
    let mut point = [0u8; 32];
    message.key.rng().fill(&mut point);
    packet(out, |out| {
        out.push(30);
        string(out, &point);
    });
}

/// The server's reply and its switch to the new keys.
pub(crate) fn ecdh_reply(message: &Message, out: &mut Vec<u8>) {
    let mut random = [0u8; 128];
    message.key.rng().fill(&mut random);
    packet(out, |out| {
        out.push(31);
        let mut key = Vec::with_capacity(51);
        string(&mut key, b"ssh-ed25519");
        string(&mut key, &random[..32]);
        string(out, &key);
        string(out, &random[32..64]);
        let mut signature = Vec::with_capacity(83);
        string(&mut signature, b"ssh-ed25519");
        string(&mut signature, &random[64..]);
        string(out, &signature);
    });
    new_keys(message, out);
}

pub(crate) fn new_keys(_message: &Message, out: &mut Vec<u8>) {
    packet(out, |out| out.push(21));
}

/// A binary packet in clear: length, padding length, payload, padding to eight bytes, at least four.
fn packet(out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 5]);
    payload(out);
    let mut padding = 8 - (out.len() - at) % 8;
    if padding < 4 {
        padding += 8;
    }
    out.resize(out.len() + padding, 0);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
    out[at + 4] = padding as u8;
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}
