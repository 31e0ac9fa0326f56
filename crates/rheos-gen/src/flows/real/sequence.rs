//! Records of a block, one conversation after the other: request, reply, and the parts that timeouts cut them into.
//!
//! The records of a conversation stand together; it begins at the moment of the first. The last one of a block is made to
//! fit: fewer parts of the same totals, and with one place left a request without its answer.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use fearless_simd::{Level, dispatch};
use rheos_core::seed::mix;
use rheos_core::{RecordFlags, WideRecord};

use super::affinity;
use super::chunk::{Chunk, LANES};
use super::fill::octets;
use super::layout;
use super::pairs::Pairs;
use super::parts::{Flags, Way};
use super::sessions::{SessionPlan, Timeouts};
use super::talk::{DNS_PORT, IPV6_BYTES, Replies, State};
use super::{ACTIVE_TIMEOUT_NS, IDLE_TIMEOUT, RealPlan, UDP};
use crate::flows::draw;
use crate::flows::plan::FlowPlan;
use crate::flows::record::EPHEMERAL;
use crate::flows::row::{BLOCK, Moments};

/// IANA: ICMP and ICMPv6; echo requests and replies as ports tell of them.
pub(super) const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const ECHO: u16 = 8 << 8;
const ECHO_V6: [u16; 2] = [128 << 8, 129 << 8];
/// Ephemeral ports: 14 bits of them.
const EPHEMERAL_MASK: u64 = 0x3fff;

/// Bytes of a question and of an answer of DNS (RFC 1035): least, and how many more there may be. The least question
/// has 28 bytes of IP and UDP, 12 of DNS and a name of 12.
pub(super) const QUESTION: (u64, u32) = (56, 45);
pub(super) const ANSWER: (u64, u32) = (80, 421);

/// Fills `out` with the records of a block from its record `from` on.
pub(super) fn fill(
    level: Level,
    (plan, real, sessions): (&FlowPlan, &RealPlan, &SessionPlan),
    block: u64,
    moments: &Moments,
    from: usize,
    out: &mut [WideRecord],
) {
    if let Ok(whole) = <&mut [WideRecord; BLOCK]>::try_from(&mut *out) {
        dispatch!(level, _simd => conversations((plan, real, sessions), block, moments, whole));
        return;
    }
    // Only at the ends of what is asked for.
    #[expect(clippy::large_stack_arrays, reason = "24 KiB, as long as a block is made")]
    let mut whole = [WideRecord::default(); BLOCK];
    dispatch!(level, _simd => conversations((plan, real, sessions), block, moments, &mut whole));
    if let Some(part) = whole.get(from..from.saturating_add(out.len())) {
        out.copy_from_slice(part);
    }
}

#[inline(always)]
fn conversations(
    (plan, real, sessions): (&FlowPlan, &RealPlan, &SessionPlan),
    block: u64,
    moments: &Moments,
    out: &mut [WideRecord; BLOCK],
) {
    let (mut chunk, mut replies, mut pairs) = (Chunk::EMPTY, Replies::EMPTY, Pairs::EMPTY);
    let mut first = block.wrapping_mul(BLOCK as u64);
    let mut used = 0;
    // Each has a record at least, so there are enough of them before the next block's.
    while used < BLOCK {
        chunk.draw(plan, real, first);
        match &sessions.conversations {
            Some(talk) => {
                replies.draw(plan, (real, talk), first, &mut chunk);
                pairs.of(&chunk, &replies, sessions.timeouts, first);
            }
            None => replies.draw_none(&chunk),
        }
        let pairs = sessions.conversations.as_ref().map(|_| &pairs);
        let place = (moments, used);
        used = lay((plan, sessions), (&chunk, &replies, pairs), first, place, out);
        first = first.wrapping_add(LANES as u64);
    }
}

/// Rows of the longest conversation of which each direction is one record: a look-up comes first.
const SHORT_ROWS: usize = 4;

/// Lays the conversations of a chunk down from row `used` on; returns how many rows are used then. Rows have nothing
/// to gain from vectors, so this is a function of its own.
#[inline(never)]
fn lay(
    (plan, sessions): (&FlowPlan, &SessionPlan),
    (chunk, replies, pairs): (&Chunk, &Replies, Option<&Pairs>),
    first: u64,
    (moments, mut used): (&Moments, usize),
    out: &mut [WideRecord; BLOCK],
) -> usize {
    for k in 0..LANES {
        let (Some(room), Some(&moment)) = (out.get_mut(used..), moments.get(used)) else {
            break;
        };
        let number = first.wrapping_add(k as u64);
        let one = Conversation { plan, chunk, replies, k, number, moment };
        used += match (pairs, room.first_chunk_mut::<SHORT_ROWS>()) {
            (Some(pairs), Some(rows)) if pairs.is_short[k] => {
                one.write_short(pairs, sessions.timeouts, rows)
            }
            _ => one.write(pairs.is_some(), sessions.timeouts, room),
        };
    }
    used
}

/// One conversation of a chunk.
#[derive(Clone, Copy, Debug)]
struct Conversation<'a> {
    plan: &'a FlowPlan,
    chunk: &'a Chunk,
    replies: &'a Replies,
    k: usize,
    number: u64,
    moment: u64,
}

impl Conversation<'_> {
    /// Writes as much as there is room for; returns how many records that is.
    #[inline(always)]
    fn write(self, both: bool, timeouts: Timeouts, room: &mut [WideRecord]) -> usize {
        let Self { chunk, replies, k, .. } = self;
        let state = if both { replies.state[k] } else { State::Answered };
        let answers = both && state != State::Unanswered;
        let base = self.base();
        let mut moment = self.moment;
        let mut used = 0;
        if both && replies.looks_up[k] && room.len() >= 3 + usize::from(answers) {
            let [question, answer] = self.look_up(&base);
            moment = answer.last;
            if let Some(places) = room.first_chunk_mut() {
                *places = [question, answer];
                used = 2;
            }
        }
        let Some(room) = room.get_mut(used..) else { return used };
        let request = Way {
            packets: chunk.counts.packets[k],
            bytes: chunk.counts.bytes[k],
            first: moment,
            span: limited(replies.request_span[k], timeouts),
        };
        // A reply has one place at least, if there are two.
        let replied = answers && room.len() > 1;
        let most = room.len() - usize::from(replied);
        let parts = request.parts(timeouts, most);
        let flags = if both { Flags::of(state, false) } else { Flags::alone(request.packets) };
        let base = WideRecord {
            flags: base.flags | (chunk.back[k] as u8 & RecordFlags::REVERSED),
            ..base
        };
        let (own, rest) = room.split_at_mut(parts.min(room.len()));
        request.write(&base, flags, timeouts, own);
        if !replied {
            return used + parts;
        }
        let reply = Way {
            packets: replies.counts.packets[k],
            bytes: replies.counts.bytes[k],
            first: moment.saturating_add(replies.delay[k]),
            span: limited(replies.reply_span[k], timeouts),
        };
        let reply_parts = reply.parts(timeouts, rest.len());
        let (own, _) = rest.split_at_mut(reply_parts.min(rest.len()));
        reply.write(&reversed(&base), Flags::of(state, true), timeouts, own);
        used + parts + reply_parts
    }

    /// The same where each direction is one record and there is room. What a conversation without an answer does not
    /// use is overwritten by the next.
    #[inline(always)]
    fn write_short(
        self,
        pairs: &Pairs,
        timeouts: Timeouts,
        [first, second, third, fourth]: &mut [WideRecord; SHORT_ROWS],
    ) -> usize {
        let Self { plan, chunk, replies, k, .. } = self;
        let stream = u64::from(plan.stream_id) << layout::STREAM_ID;
        let ids = (self.flow_id(), stream);
        let used = 1 + usize::from(replies.state[k] != State::Unanswered);
        if replies.looks_up[k] {
            [*first, *second] = self.look_up(&self.base());
            let rows = pairs.rows((chunk, replies), (k, second.last), timeouts, ids);
            [*third, *fourth] = rows.map(bytemuck::cast);
            return 2 + used;
        }
        let rows = pairs.rows((chunk, replies), (k, self.moment), timeouts, ids);
        [*first, *second] = rows.map(bytemuck::cast);
        used
    }

    /// Two to each conversation: the second is that of a look-up. Never 0.
    #[inline(always)]
    fn flow_id(&self) -> u64 {
        self.number.wrapping_mul(2).wrapping_add(1)
    }

    /// What all records of the request share.
    #[inline(always)]
    fn base(&self) -> WideRecord {
        let Self { plan, chunk, k, .. } = *self;
        let traits = chunk.traits[k];
        let ipv6 = chunk.ipv6[k] == 1;
        let client = [chunk.client[0][k], chunk.client[1][k]];
        let server = [chunk.server[0][k], chunk.server[1][k]];
        let echo = traits.protocol() == ICMP && chunk.port[k] == u32::from(ECHO);
        let (protocol, port) = match (traits.protocol(), ipv6) {
            (ICMP, true) if echo => (ICMPV6, ECHO_V6[0]),
            (ICMP, true) => (ICMPV6, chunk.port[k] as u16),
            (protocol, _) => (protocol, chunk.port[k] as u16),
        };
        let base = WideRecord {
            first: 0,
            last: 0,
            bytes: 0,
            packets: 0,
            flow_id: self.flow_id(),
            source_ip: octets(client),
            destination_ip: octets(server),
            stream_id: plan.stream_id,
            input_interface: 0,
            output_interface: 0,
            source_port: if traits.has_ports() { ephemeral(client, self.number) } else { 0 },
            destination_port: port,
            protocol,
            tcp_flags: 0,
            tos: traits.tos(),
            flags: chunk.ipv6[k] as u8 * RecordFlags::IPV6,
            pattern: traits.pattern(),
            label: 0,
            end_reason: 0,
            source_prefix: 0,
            source_as: 0,
        };
        if chunk.back[k] == 0 { base } else { turned(&base) }
    }

    /// The question for the server's name, and the answer.
    #[cold]
    fn look_up(&self, base: &WideRecord) -> [WideRecord; 2] {
        let Self { plan, chunk, replies, k, number, moment } = *self;
        let net = plan.destinations.nets.get(chunk.destination_net[k] as usize);
        let server = net.map_or([0, 0], |net| affinity::server(net, DNS_PORT, 0));
        let client = [chunk.client[0][k], chunk.client[1][k]];
        let more = mix(replies.more[k] ^ number);
        let headers = IPV6_BYTES * u64::from(chunk.ipv6[k]);
        let bytes = |(least, span): (u64, u32), half: u64| {
            least + headers + u64::from(draw::below(half as u32, span))
        };
        let question = WideRecord {
            first: moment,
            last: moment,
            bytes: bytes(QUESTION, more),
            packets: 1,
            flow_id: base.flow_id.wrapping_add(1),
            source_ip: octets(client),
            destination_ip: octets(server),
            source_port: ephemeral(client, number.wrapping_add(EPHEMERAL_MASK.div_ceil(2))),
            destination_port: DNS_PORT,
            protocol: UDP,
            tos: 0,
            end_reason: IDLE_TIMEOUT,
            ..*base
        };
        let later = moment.saturating_add(replies.delay[k]);
        let answer = WideRecord { bytes: bytes(ANSWER, more >> 32), ..reversed(&question) };
        [question, WideRecord { first: later, last: later, ..answer }]
    }
}

/// A client's ports rise from one conversation to its next, and begin anew after the last.
#[inline(always)]
pub(super) fn ephemeral([high, low]: [u64; 2], number: u64) -> u16 {
    let begin = mix(high ^ low.rotate_left(32));
    let port = begin.wrapping_add(number) & EPHEMERAL_MASK;
    EPHEMERAL as u16 + port as u16
}

/// Without a timeout, what goes on is told up to the usual one.
#[inline(always)]
pub(super) fn limited(span: u64, timeouts: Timeouts) -> u64 {
    if timeouts.active.is_some() { span } else { span.min(ACTIVE_TIMEOUT_NS) }
}

/// The other way, ends and all.
#[inline(always)]
fn turned(base: &WideRecord) -> WideRecord {
    WideRecord {
        source_ip: base.destination_ip,
        destination_ip: base.source_ip,
        source_port: base.destination_port,
        destination_port: base.source_port,
        ..*base
    }
}

/// What the server sends back. An echo is answered by an echo reply, whose type is where requests have theirs.
#[inline(always)]
fn reversed(base: &WideRecord) -> WideRecord {
    let back = turned(base);
    let flags = base.flags | RecordFlags::REVERSED;
    let echo = match base.protocol {
        ICMP | ICMPV6 => {
            let port = match (base.protocol, base.destination_port) {
                (ICMP, ECHO) => 0,
                (ICMPV6, port) if port == ECHO_V6[0] => ECHO_V6[1],
                (_, port) => port,
            };
            return WideRecord { source_port: 0, destination_port: port, flags, ..back };
        }
        _ => back,
    };
    WideRecord { flags, ..echo }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::{Conversations, FlowConfig, Realism, Sessions, SizeModel};

    /// Rows of the first conversations, short ones as pairs or like all others.
    fn rows(config: &FlowConfig, as_pairs: bool) -> Vec<WideRecord> {
        let plan = config.plan().expect("a plan");
        let real = plan.real.as_ref().expect("a model");
        let sessions = real.sessions.as_ref().expect("sessions");
        let talk = sessions.conversations.as_ref().expect("conversations");
        let (mut chunk, mut replies, mut pairs) = (Chunk::EMPTY, Replies::EMPTY, Pairs::EMPTY);
        let moments = std::array::from_fn(|i| 1_000 * i as u64);
        let mut all = Vec::new();
        for first in (0..4096).step_by(LANES) {
            chunk.draw(&plan, real, first);
            replies.draw(&plan, (real, talk), first, &mut chunk);
            pairs.of(&chunk, &replies, sessions.timeouts, first);
            assert!(pairs.is_short.iter().filter(|&&short| short).count() > LANES / 2);
            if !as_pairs {
                pairs.is_short = [false; LANES];
            }
            let columns = (&chunk, &replies, Some(&pairs));
            let mut out = vec![WideRecord::default(); BLOCK];
            let room = out.first_chunk_mut().expect("a block");
            let used = lay((&plan, sessions), columns, first, (&moments, 0), room);
            all.extend_from_slice(out.get(..used).expect("so many rows"));
        }
        all
    }

    #[test]
    fn short_conversations_are_the_same_as_pairs() {
        for sizes in [SizeModel::Patterns, SizeModel::Services, SizeModel::Agh2015] {
            for active_timeout in [None, Some(rheos_core::Nanos::from_secs(60))] {
                let talk = Conversations { refused: 0.1, answered: 0.8, ..Default::default() };
                let config = FlowConfig {
                    realism: Realism { sizes, ..Realism::default() },
                    sessions: Sessions {
                        conversations: Some(talk),
                        active_timeout,
                        ..Sessions::default()
                    },
                    ..FlowConfig::default()
                };
                let rows = [true, false].map(|as_pairs| rows(&config, as_pairs));
                assert!(rows[0].len() > 4096 && rows[0] == rows[1], "{sizes:?}");
            }
        }
    }
}
