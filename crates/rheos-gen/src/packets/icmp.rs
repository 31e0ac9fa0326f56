//! ICMP and ICMPv6: echoes, and errors about datagrams to closed ports (RFC 792, RFC 4443).

use rheos_core::seed::{Rng, Seed};

use super::conversation::{Cx, Part, Sent, Step};
use super::headers::{ICMP, ICMP6, Ip, Path, UDP, open};
use super::udp::{push_header, send_datagram};

/// Echo requests once a second and their replies.
#[derive(Clone, Debug)]
pub(crate) struct Ping {
    id: u16,
    sequence: u16,
    count: u16,
    reply: bool,
    asked_at: u64,
}

impl Ping {
    pub(crate) const fn new(count: u16, number: u64) -> Self {
        // Neighbours in number never share an identifier.
        let id = (number.wrapping_mul(40_503) & 0xffff) as u16;
        Self { id, sequence: 1, count, reply: false, asked_at: 0 }
    }

    /// What the decoder's key holds in place of ports.
    pub(crate) const fn ports(&self, v6: bool) -> [u16; 2] {
        [self.id, if v6 { 128 << 8 } else { 8 << 8 }]
    }

    pub(crate) fn step(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        let now = cx.now;
        let from = usize::from(self.reply);
        let kind = match (path.v6, self.reply) {
            (false, false) => 8,
            (false, true) => 0,
            (true, false) => 128,
            (true, true) => 129,
        };
        if !self.reply {
            self.asked_at = now;
        }
        let protocol = if path.v6 { ICMP6 } else { ICMP };
        let layout = open(cx.out, path, from, protocol, 64, None);
        cx.out.extend_from_slice(&[kind, 0, 0, 0]);
        cx.out.extend_from_slice(&self.id.to_be_bytes());
        cx.out.extend_from_slice(&self.sequence.to_be_bytes());
        // As ping(8) of Linux fills it: the time of sending, then a pattern.
        let micros = self.asked_at.saturating_sub(path.delays[0]) / 1_000;
        cx.out.extend_from_slice(&(micros / 1_000_000).to_le_bytes());
        cx.out.extend_from_slice(&(micros % 1_000_000).to_le_bytes());
        cx.out.extend(0x10..0x38);
        layout.seal(cx.out, Some(2), path.v6);
        let sent = Sent {
            layout,
            from,
            ip_len: layout.ip_len as u64,
            payload_len: 56,
            checksum_at: Some(2),
            part: Part::Whole,
            about: false,
        };
        let answered = !self.reply && !cx.lost;
        let last = self.sequence >= self.count;
        let next = if answered {
            self.reply = true;
            Some(now + 2 * path.delays[1] + 10_000 + rng.below(60_000))
        } else {
            self.reply = false;
            self.sequence = self.sequence.wrapping_add(1);
            (!last).then(|| (self.asked_at + 1_000_000_000 + rng.below(900_000)).max(now + 1))
        };
        (sent, next)
    }
}

/// Datagrams to a port where nobody listens.
#[derive(Clone, Debug)]
pub(crate) struct Closed {
    left: u8,
    reply: bool,
    key: Seed,
    /// Identification of the datagram that the error quotes.
    ip_id: u16,
}

/// Bytes of payload in each datagram.
const PAYLOAD: usize = 32;

impl Closed {
    pub(crate) fn new(count: u8, rng: &mut Rng) -> Self {
        Self { left: count, reply: false, key: rng.seed(), ip_id: 0 }
    }

    pub(crate) fn step(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        let now = cx.now;
        if self.reply {
            let sent = self.unreachable(path, cx);
            self.reply = false;
            self.left -= 1;
            let again = self.left > 0;
            return (
                sent,
                again.then(|| now + 2 * path.delays[0] + 900_000_000 + rng.below(200_000_000)),
            );
        }
        self.ip_id = path.ip_ids[0];
        cx.scratch.clear();
        cx.content.text(self.key, 0, PAYLOAD as u32, cx.scratch);
        let sent = send_datagram(path, 0, cx);
        if cx.lost {
            self.left -= 1;
            return (sent, (self.left > 0).then_some(now + 1_000_000_000));
        }
        self.reply = true;
        (sent, Some(now + 2 * path.delays[1] + 40_000))
    }

    /// Type and code of "port unreachable".
    pub(crate) const fn error(v6: bool) -> [u8; 2] {
        if v6 { [1, 4] } else { [3, 3] }
    }

    /// Destination unreachable, port unreachable, quoting the datagram.
    fn unreachable(&self, path: &mut Path, cx: &mut Cx<'_>) -> Sent {
        let quoted = Ip {
            v6: path.v6,
            src: path.addrs[0],
            dst: path.addrs[1],
            protocol: UDP,
            // As it was when it arrived, some routers later.
            ttl: path.ttls[0] - 8,
            id: self.ip_id,
            payload_len: 8 + PAYLOAD,
            fragment: None,
        };
        let protocol = if path.v6 { ICMP6 } else { ICMP };
        let len = 8 + quoted.total_len();
        let layout = open(cx.out, path, 1, protocol, len, None);
        cx.out.extend_from_slice(&Self::error(path.v6));
        cx.out.extend_from_slice(&[0; 6]);
        let start = cx.out.len();
        quoted.push(cx.out);
        cx.scratch.clear();
        cx.content.text(self.key, 0, PAYLOAD as u32, cx.scratch);
        push_header(cx.out, start, path.ports, path.v6, cx.scratch);
        cx.out.extend_from_slice(cx.scratch);
        layout.seal(cx.out, Some(2), path.v6);
        Sent {
            layout,
            from: 1,
            ip_len: layout.ip_len as u64,
            payload_len: (len - 8) as u64,
            checksum_at: Some(2),
            part: Part::Whole,
            about: true,
        }
    }
}
