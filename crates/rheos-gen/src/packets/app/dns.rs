//! DNS messages (RFC 1035) about example names, with EDNS(0) (RFC 6891).

use rheos_core::Addr;
use rheos_core::seed::{Rng, Seed};

use super::name;
use super::tls::sized16;

const A: u16 = 1;
const SOA: u16 = 6;
const PTR: u16 = 12;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// One question and what the server will say to it: a function of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    key: Seed,
    id: u16,
    kind: u16,
    name: u8,
    missing: bool,
    /// Data goes through the name and comes back as text.
    tunnel: bool,
}

impl Lookup {
    pub(crate) fn new(key: Seed) -> Self {
        let mut rng = key.rng();
        let kind = match rng.below(100) {
            0..=57 => A,
            58..=86 => AAAA,
            87..=92 => PTR,
            _ => TXT,
        };
        let missing = rng.below(100) < 7;
        // Skewed: a few names make most questions.
        let name = (rng.unit() * rng.unit() * super::NAMES.len() as f64) as u8;
        Self { key, id: rng.bits() as u16, kind, name, missing, tunnel: false }
    }

    pub(crate) fn tunnelled(key: Seed) -> Self {
        let id = key.bits(9) as u16;
        Self { key, id, kind: TXT, name: 0, missing: false, tunnel: true }
    }

    pub(crate) fn query(&self, out: &mut Vec<u8>) {
        self.header(out, 0x0100, [1, 0, 0]);
        self.question(out);
        opt(out);
    }

    pub(crate) fn response(&self, out: &mut Vec<u8>) {
        if self.missing {
            self.header(out, 0x8183, [1, 0, 1]);
            self.question(out);
            authority(out);
        } else {
            let mut rng = self.key.child(1).rng();
            let answers = match self.kind {
                A | AAAA => 1 + rng.below(4) as u16,
                _ => 1,
            };
            self.header(out, 0x8180, [1, answers, 0]);
            self.question(out);
            for _ in 0..answers {
                self.answer(&mut rng, out);
            }
        }
        opt(out);
    }

    /// Header with the counts of questions, answers and authority records; one additional record (OPT).
    fn header(&self, out: &mut Vec<u8>, flags: u16, counts: [u16; 3]) {
        for word in [self.id, flags, counts[0], counts[1], counts[2], 1] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }

    fn question(&self, out: &mut Vec<u8>) {
        if self.tunnel {
            const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
            let mut rng = self.key.child(2).rng();
            for len in [60, 60, 24 + rng.below(30)] {
                out.push(len as u8);
                for _ in 0..len {
                    out.push(BASE32[rng.below(32) as usize]);
                }
            }
            push_name(out, "t.example.net");
        } else if self.kind == PTR {
            let mut rng = self.key.child(2).rng();
            let host = rng.bits().to_be_bytes();
            let [a, b] = [host[0].to_string(), host[1].to_string()];
            for label in [a.as_str(), b.as_str()] {
                push_label(out, label);
            }
            push_name(out, "2.0.192.in-addr.arpa");
        } else {
            if self.missing {
                push_label(out, "nonesuch");
            }
            push_name(out, name(self.name));
        }
        out.extend_from_slice(&self.kind.to_be_bytes());
        out.extend_from_slice(&[0, 1]);
    }

    fn answer(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let ttl = rng.pick(&[30u32, 60, 300, 3_600]);
        record(out, self.kind, ttl, |out| match self.kind {
            A => out.extend_from_slice(&[198, 51, 100, 1 + rng.below(254) as u8]),
            AAAA => {
                let mut addr = Addr([0x20, 1, 0x0d, 0xb8, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                addr.0[8..].copy_from_slice(&rng.bits().to_be_bytes());
                out.extend_from_slice(&addr.0);
            }
            PTR => push_name(out, name(rng.bits() as u8)),
            _ if self.tunnel => {
                let mut text = [0u8; 220];
                rng.fill(&mut text);
                out.push(220);
                out.extend(text.iter().map(|byte| b'0' + (byte % 64)));
            }
            _ => {
                let text = b"v=spf1 ip4:192.0.2.0/24 -all";
                out.push(text.len() as u8);
                out.extend_from_slice(text);
            }
        });
    }
}

fn authority(out: &mut Vec<u8>) {
    record(out, SOA, 900, |out| {
        push_name(out, "ns.example.org");
        push_name(out, "hostmaster.example.org");
        for value in [2_025_010_601u32, 7_200, 3_600, 1_209_600, 900] {
            out.extend_from_slice(&value.to_be_bytes());
        }
    });
}

/// A record about the name in the question, which the pointer 0xc00c names.
fn record(out: &mut Vec<u8>, kind: u16, ttl: u32, data: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[0xc0, 0x0c]);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&ttl.to_be_bytes());
    sized16(out, data);
}

/// EDNS(0) with a buffer of 1232 bytes.
fn opt(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
}

fn push_label(out: &mut Vec<u8>, label: &str) {
    out.push(label.len() as u8);
    out.extend_from_slice(label.as_bytes());
}

fn push_name(out: &mut Vec<u8>, name: &str) {
    for label in name.split('.') {
        push_label(out, label);
    }
    out.push(0);
}
