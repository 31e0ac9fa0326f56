//! What one side says in one turn of a connection: a head that is built from a key, then a body of known length.
//!
//! Any range of a message can be written at any time, so that nothing is kept for retransmission: a segment is a
//! function of the message's key and its offset.

use rheos_core::seed::{Rng, Seed};

use super::app::{http, mqtt, ssh, tls};

/// Length of each slab that bodies are cut from; a power of two.
const SLAB: usize = 1 << 16;

/// Bytes that bodies are made of: the same for all conversations, each beginning at its own place.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    random: Vec<u8>,
    text: Vec<u8>,
}

/// What a message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    None,
    HttpRequest,
    HttpResponse,
    ClientHello,
    ServerHello,
    ClientFinished,
    SshVersion,
    SshKexInit,
    SshEcdhInit,
    SshEcdhReply,
    SshNewKeys,
    MqttConnect,
    MqttConnack,
    MqttPublish,
    MqttPuback,
    MqttPing,
    MqttPong,
    MqttDisconnect,
}

/// What follows the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Words, as in a page.
    Text,
    /// Bytes without pattern, as in pictures and behind SSH.
    Random,
    /// TLS records of application data.
    Records,
}

/// One message. `len` counts head and body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) head: Head,
    pub(crate) body: Body,
    /// Which of the example names the server has.
    pub(crate) name: u8,
    pub(crate) key: Seed,
    pub(crate) head_len: u32,
    pub(crate) body_len: u32,
}

impl Message {
    pub(crate) fn new(
        head: Head,
        body: Body,
        body_len: u32,
        name: u8,
        key: Seed,
        scratch: &mut Vec<u8>,
    ) -> Self {
        let body_len = if body == Body::Records { tls::whole_records(body_len) } else { body_len };
        let mut message = Self { head, body, name, key, head_len: 0, body_len };
        message.build_head(scratch);
        message.head_len = scratch.len() as u32;
        message
    }

    pub(crate) const fn len(&self) -> u32 {
        self.head_len + self.body_len
    }

    /// Writes the bytes from `offset` on, `len` of them.
    pub(crate) fn write(
        &self,
        content: &Content,
        offset: u32,
        len: u32,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let mut offset = offset;
        let end = offset + len;
        if offset < self.head_len {
            self.build_head(scratch);
            let stop = end.min(self.head_len);
            out.extend_from_slice(&scratch[offset as usize..stop as usize]);
            offset = stop;
        }
        if offset < end {
            let (from, to) = (offset - self.head_len, end - self.head_len);
            match self.body {
                Body::Text => content.text(self.key, from, to - from, out),
                Body::Random => content.random(self.key, from, to - from, out),
                Body::Records => tls::write_records(content, self, from, to, out),
            }
        }
    }

    fn build_head(&self, out: &mut Vec<u8>) {
        out.clear();
        match self.head {
            Head::None => {}
            Head::HttpRequest => http::request(self, out),
            Head::HttpResponse => http::response(self, out),
            Head::ClientHello => tls::client_hello(self, out),
            Head::ServerHello => tls::server_hello(self, out),
            Head::ClientFinished => tls::client_finished(self, out),
            Head::SshVersion => ssh::version(self, out),
            Head::SshKexInit => ssh::kex_init(self, out),
            Head::SshEcdhInit => ssh::ecdh_init(self, out),
            Head::SshEcdhReply => ssh::ecdh_reply(self, out),
            Head::SshNewKeys => ssh::new_keys(self, out),
            Head::MqttConnect => mqtt::connect(self, out),
            Head::MqttConnack => mqtt::connack(out),
            Head::MqttPublish => mqtt::publish(self, out),
            Head::MqttPuback => mqtt::puback(self, out),
            Head::MqttPing => out.extend_from_slice(&[0xc0, 0]),
            Head::MqttPong => out.extend_from_slice(&[0xd0, 0]),
            Head::MqttDisconnect => out.extend_from_slice(&[0xe0, 0]),
        }
    }
}

impl Content {
    pub(crate) fn new(seed: Seed) -> Self {
        let mut random = vec![0; SLAB];
        let mut rng = seed.named("content").rng();
        rng.fill(&mut random);
        Self { random, text: page(&mut rng) }
    }

    pub(crate) fn random(&self, key: Seed, from: u32, len: u32, out: &mut Vec<u8>) {
        cut(&self.random, key, from, len, out);
    }

    pub(crate) fn text(&self, key: Seed, from: u32, len: u32, out: &mut Vec<u8>) {
        cut(&self.text, key, from, len, out);
    }
}

fn cut(slab: &[u8], key: Seed, from: u32, len: u32, out: &mut Vec<u8>) {
    let mut at = (key.0 as usize).wrapping_add(from as usize) % SLAB;
    let mut left = len as usize;
    while left > 0 {
        let take = left.min(SLAB - at);
        out.extend_from_slice(&slab[at..at + take]);
        left -= take;
        at = 0;
    }
}

const WORDS: &[&str] = &[
    "river",
    "stone",
    "<p>",
    "</p>\n",
    "harbour",
    "the",
    "of",
    "and",
    "a",
    "to",
    "in",
    "light",
    "bridge",
    "water",
    "<a href=\"/page\">",
    "</a>",
    "valley",
    "north",
    "wind",
    "market",
    "on",
    "<li>",
    "</li>\n",
    "between",
    "flows",
    "under",
    "tower",
    "station",
    "morning",
    "table",
];

fn page(rng: &mut Rng) -> Vec<u8> {
    let mut text = Vec::with_capacity(SLAB + 32);
    while text.len() < SLAB {
        text.extend_from_slice(rng.pick(WORDS).as_bytes());
        text.push(b' ');
    }
    text.truncate(SLAB);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_equals_the_same_range_of_the_whole() {
        let content = Content::new(Seed(1));
        let mut scratch = Vec::new();
        for (head, body) in [
            (Head::HttpResponse, Body::Text),
            (Head::ServerHello, Body::Records),
            (Head::ClientFinished, Body::Records),
            (Head::None, Body::Random),
        ] {
            let message = Message::new(head, body, 70_000, 3, Seed(9), &mut scratch);
            let mut whole = Vec::new();
            message.write(&content, 0, message.len(), &mut scratch, &mut whole);
            assert_eq!(whole.len(), message.len() as usize);
            let mut parts = Vec::new();
            let mut at = 0;
            while at < message.len() {
                let len = 1_447.min(message.len() - at);
                message.write(&content, at, len, &mut scratch, &mut parts);
                at += len;
            }
            assert!(whole == parts, "{head:?}");
        }
    }
}
