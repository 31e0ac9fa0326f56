//! Datagram conversations: questions and answers, streams, floods.

use rheos_core::seed::{Rng, Seed};

use super::app::dns::Lookup;
use super::app::small;
use super::conversation::{Cx, Part, Sent, Step};
use super::headers::{FragmentPart, Path, UDP, checksum, ones_sum, open, pseudo_sum};

const MS: u64 = 1_000_000;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    Dns,
    DnsTunnel,
    Ntp,
    Coap,
    /// Short questions, answers larger than the MTU.
    Large,
    /// A stream each way.
    Rtp,
    /// A stream from the client.
    RtpOneWay,
    /// As fast as one source can.
    Flood,
}

#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    talk: Talk,
    key: Seed,
    /// Number of the question, or of the packet in a stream.
    number: u32,
    count: u32,
    reply: bool,
    tries: u8,
    /// Offset of the fragment that is due in its datagram.
    fragment: u32,
    datagram: u32,
    /// A fragment of it was lost.
    broken: bool,
}

impl Exchange {
    pub(crate) fn new(talk: Talk, count: u32, rng: &mut Rng) -> Self {
        let key = rng.seed();
        Self {
            talk,
            key,
            number: 0,
            count,
            reply: false,
            tries: 0,
            fragment: 0,
            datagram: 0,
            broken: false,
        }
    }

    pub(crate) fn step(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        match self.talk {
            Talk::Rtp | Talk::RtpOneWay => self.stream(path, cx),
            Talk::Flood => self.flood(path, rng, cx),
            _ => self.exchange(path, rng, cx),
        }
    }

    fn exchange(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        let now = cx.now;
        let from = usize::from(self.reply);
        self.payload(path, cx);
        let (sent, rest) = if cx.scratch.len() + 8 + path.ip_header_len() > usize::from(path.mtu) {
            self.send_fragment(path, from, cx)
        } else {
            (send_datagram(path, from, cx), false)
        };
        self.broken |= cx.lost;
        if rest {
            // Fragments follow one another as fast as the link sends.
            return (sent, Some(now + 12_000));
        }
        if std::mem::take(&mut self.broken) {
            self.tries += 1;
            self.reply = false;
            // Resolvers ask again after five seconds, twice.
            let again = self.tries < 3;
            return (sent, again.then_some(now + 5_000 * MS));
        }
        if self.reply {
            self.reply = false;
            self.tries = 0;
            self.number += 1;
            let again = self.number < self.count;
            (sent, again.then(|| now + 2 * path.delays[0] + self.pause(rng)))
        } else {
            self.reply = true;
            (sent, Some(now + 2 * path.delays[1] + self.answer_time(rng)))
        }
    }

    /// The datagram that is due, into the scratch buffer: the same for every fragment and repetition.
    fn payload(&self, path: &Path, cx: &mut Cx<'_>) {
        cx.scratch.clear();
        let key = self.key.child(u64::from(self.number));
        let reply = self.reply;
        match self.talk {
            Talk::Dns | Talk::DnsTunnel => {
                let lookup =
                    if self.talk == Talk::Dns { Lookup::new(key) } else { Lookup::tunnelled(key) };
                if reply { lookup.response(cx.scratch) } else { lookup.query(cx.scratch) }
            }
            Talk::Ntp => {
                let sent = cx.now.saturating_sub(path.delays[usize::from(reply)]);
                small::ntp(key, reply, sent, cx.scratch);
            }
            Talk::Coap => small::coap(key, reply, cx.scratch),
            _ => {
                let len = if reply { 1_600 + key.bits(1) % 6_600 } else { 120 };
                cx.content.text(key, 0, len as u32, cx.scratch);
            }
        }
    }

    fn answer_time(&self, rng: &mut Rng) -> u64 {
        match self.talk {
            // Two of three answers come from the cache.
            Talk::Dns if rng.below(3) == 0 => (rng.log_normal(18.0, 0.8) * 1e6) as u64,
            Talk::DnsTunnel => (rng.log_normal(25.0, 0.4) * 1e6) as u64,
            _ => 80_000 + rng.below(300_000),
        }
    }

    fn pause(&self, rng: &mut Rng) -> u64 {
        match self.talk {
            Talk::Dns => 100_000 + rng.below(2 * MS),
            Talk::DnsTunnel => 10 * MS + rng.below(60 * MS),
            Talk::Ntp => 2_000 * MS + rng.below(10 * MS),
            Talk::Coap => 500 * MS + rng.below(2_000 * MS),
            _ => (rng.exponential(5.0) * 1e6) as u64,
        }
    }

    /// Packets of 160 bytes of sound every 20 ms, each way in turn.
    fn stream(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        const FRAME: u64 = 20 * MS;
        let both = self.talk == Talk::Rtp;
        let (from, n) =
            if both { ((self.number % 2) as usize, self.number / 2) } else { (0, self.number) };
        let key = self.key.child(from as u64);
        cx.scratch.clear();
        small::rtp_header(key, n, cx.scratch);
        cx.content.random(key, n * 160, 160, cx.scratch);
        let sent = send_datagram(path, from, cx);
        self.number += 1;
        // Jitter that does not add up: each packet has its own place in its frame of time.
        let place = |n: u32| self.key.bits(u64::from(n)) % (FRAME / 20);
        let gap = if both { FRAME / 2 } else { FRAME };
        let next = cx.now + gap + place(self.number) - place(self.number - 1);
        (sent, (self.number < self.count).then_some(next))
    }

    fn flood(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        let len = rng.between(512, 1_200) as u32;
        cx.scratch.clear();
        cx.content.text(self.key, self.number * 7, len, cx.scratch);
        let sent = send_datagram(path, 0, cx);
        self.number += 1;
        (sent, (self.number < self.count).then(|| cx.now + 200_000 + rng.below(600_000)))
    }

    /// Sends the fragment that is due of the datagram in the scratch buffer; tells whether more are to come.
    fn send_fragment(&mut self, path: &mut Path, from: usize, cx: &mut Cx<'_>) -> (Sent, bool) {
        if self.fragment == 0 {
            self.datagram = if path.v6 {
                self.key.child(u64::from(self.number)).bits(2) as u32
            } else {
                u32::from(path.ip_ids[from])
            };
            path.ip_ids[from] = path.ip_ids[from].wrapping_add(1);
        }
        let header = path.ip_header_len() + if path.v6 { 8 } else { 0 };
        let size = (usize::from(path.mtu) - header) / 8 * 8;
        let total = 8 + cx.scratch.len();
        let start = self.fragment as usize;
        let end = (start + size).min(total);
        let more = end < total;
        let part = FragmentPart { offset: start as u16, more, id: self.datagram };
        let layout = open(cx.out, path, from, UDP, end - start, Some(part));
        if start == 0 {
            push_header(cx.out, layout.l3, ports(path, from), path.v6, cx.scratch);
            cx.out.extend_from_slice(&cx.scratch[..end - 8]);
        } else {
            cx.out.extend_from_slice(&cx.scratch[start - 8..end - 8]);
        }
        layout.seal(cx.out, None, false);
        self.fragment = if more { end as u32 } else { 0 };
        let sent = Sent {
            layout,
            from,
            // As a reassembler makes it whole: without the fragment header.
            ip_len: (path.ip_header_len() + total) as u64,
            payload_len: cx.scratch.len() as u64,
            checksum_at: None,
            part: if more { Part::Fragment { first: start == 0 } } else { Part::Last },
            about: false,
        };
        (sent, more)
    }
}

const fn ports(path: &Path, from: usize) -> [u16; 2] {
    [path.ports[from], path.ports[1 - from]]
}

/// Sends what the scratch buffer holds as one UDP datagram.
pub(crate) fn send_datagram(path: &mut Path, from: usize, cx: &mut Cx<'_>) -> Sent {
    let len = 8 + cx.scratch.len();
    let layout = open(cx.out, path, from, UDP, len, None);
    let [source, destination] = ports(path, from);
    cx.out.extend_from_slice(&source.to_be_bytes());
    cx.out.extend_from_slice(&destination.to_be_bytes());
    cx.out.extend_from_slice(&(len as u16).to_be_bytes());
    cx.out.extend_from_slice(&[0, 0]);
    cx.out.extend_from_slice(cx.scratch);
    layout.seal(cx.out, Some(6), true);
    Sent {
        layout,
        from,
        ip_len: layout.ip_len as u64,
        payload_len: cx.scratch.len() as u64,
        checksum_at: Some(6),
        part: Part::Whole,
        about: false,
    }
}

/// Writes a UDP header with the checksum of `payload`, which need not follow in this frame; the IP header lies at
/// `ip` in the buffer.
pub(crate) fn push_header(out: &mut Vec<u8>, ip: usize, ports: [u16; 2], v6: bool, payload: &[u8]) {
    let len = 8 + payload.len();
    let mut header = [0u8; 8];
    header[..2].copy_from_slice(&ports[0].to_be_bytes());
    header[2..4].copy_from_slice(&ports[1].to_be_bytes());
    header[4..6].copy_from_slice(&(len as u16).to_be_bytes());
    let sum = ones_sum(&header) + ones_sum(payload) + pseudo_sum(&out[ip..], v6, UDP, len);
    let bytes = match checksum(sum) {
        [0, 0] => [0xff, 0xff],
        bytes => bytes,
    };
    header[6..].copy_from_slice(&bytes);
    out.extend_from_slice(&header);
}
