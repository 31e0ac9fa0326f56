//! What 64 conversations have beyond the flows of their clients: whether there is an answer, how large it is, when.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]
#![expect(clippy::needless_range_loop, reason = "all columns are as long as the loops")]

use super::chunk::{Chunk, Column, LANES, Spots, draw_counts, spans};
use super::sessions::Talk;
use super::shape::Shapes;
use super::{RealPlan, TCP};
use crate::flows::draw;
use crate::flows::plan::FlowPlan;

/// Counters of the words of conversations have a key that differs in this bit.
const TALK_WORDS: u64 = 1 << 59;

/// A SYN with its options, and an RST: headers of IPv4 and TCP (RFC 9293 §3.1). IPv6 has 20 bytes more.
pub(super) const SYN_BYTES: u64 = 60;
pub(super) const RST_BYTES: u64 = 40;
pub(super) const IPV6_BYTES: u64 = 20;
/// Most SYNs without an answer.
pub(super) const SYNS_MAX: u32 = 3;
/// A SYN is repeated after a second, then after two more (RFC 6298 §2).
const SYN_SPANS: [u64; 4] = [0, 0, 1_000_000_000, 3_000_000_000];

/// How a conversation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Answered,
    Refused,
    Unanswered,
}

/// The columns of conversations.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    pub(super) state: Column<State>,
    pub(super) packets: Column<u64>,
    pub(super) bytes: Column<u64>,
    /// Nanoseconds that the request lasts, and the reply.
    pub(super) request_span: Column<u64>,
    pub(super) reply_span: Column<u64>,
    /// From the first packet of the request to that of the reply.
    pub(super) delay: Column<u64>,
    /// Whether a name is looked up first.
    pub(super) looks_up: Column<bool>,
    /// Random bits for what few conversations need.
    pub(super) more: Column<u64>,
    spots: Spots,
}

impl Replies {
    pub(super) const EMPTY: Self = Self {
        state: [State::Unanswered; LANES],
        packets: [0; LANES],
        bytes: [0; LANES],
        request_span: [0; LANES],
        reply_span: [0; LANES],
        delay: [0; LANES],
        looks_up: [false; LANES],
        more: [0; LANES],
        spots: Spots::EMPTY,
    };

    /// Of flows that have no replies: only how long they last.
    #[inline(always)]
    pub(super) fn draw_none(&mut self, chunk: &Chunk) {
        spans(&chunk.gap, &chunk.packets, &chunk.shape, &mut self.request_span);
    }

    /// Draws the replies of a chunk that begins with flow `first`, and changes requests that have none.
    #[inline(always)]
    pub(super) fn draw(
        &mut self,
        plan: &FlowPlan,
        (real, talk): (&RealPlan, &Talk),
        first: u64,
        chunk: &mut Chunk,
    ) {
        let counter = draw::counter(plan.key ^ TALK_WORDS, first);
        let mut places = [0_u64; LANES];
        let mut bytes_places = [0_u64; LANES];
        let (mut coupled, mut downstream) = ([false; LANES], [false; LANES]);
        let mut waits = [[0_u32; LANES]; 2];
        for k in 0..LANES {
            let state = draw::state_of(counter.wrapping_add((k as u64).wrapping_mul(draw::STEP)));
            let words = [0, 1, 2, 3].map(|which| draw::word(state, which));
            places[k] = draw::long(words[0]);
            bytes_places[k] = draw::long(words[1]);
            coupled[k] = u64::from(words[2].0) < talk.correlation;
            downstream[k] = u64::from(words[2].1) < talk.downstream;
            (waits[0][k], waits[1][k]) = words[3];
            self.more[k] = chunk.more[k];
        }
        self.draw_states(talk, chunk);
        couple(talk, chunk, &coupled, &mut places);
        self.draw_sizes(&real.shapes, chunk, &places, &bytes_places);
        self.place_larger(chunk, &downstream);
        self.fail(chunk);
        self.draw_times(talk, chunk, &waits);
    }

    /// Of TCP flows of `agh_2015` the smallest are those that fail, as they are in what was measured; elsewhere
    /// sizes are of flows that are answered.
    #[inline(always)]
    fn draw_states(&mut self, talk: &Talk, chunk: &Chunk) {
        for k in 0..LANES {
            let shape = chunk.shape[k];
            let tcp = shape.protocol == TCP;
            let by_place = tcp && shape.campus;
            let place = if by_place { chunk.place[k] } else { chunk.more[k] };
            self.state[k] = if place >= talk.failed {
                State::Answered
            } else if tcp && place < talk.refused {
                State::Refused
            } else {
                State::Unanswered
            };
            // The low half: the high one has just told the state.
            let name = chunk.more[k] & 0xffff_ffff;
            self.looks_up[k] = tcp && shape.port != DNS_PORT && name < talk.dns_before;
        }
    }

    #[inline(always)]
    fn draw_sizes(
        &mut self,
        shapes: &Shapes,
        chunk: &Chunk,
        places: &Column<u64>,
        bytes_places: &Column<u64>,
    ) {
        let back = [u64::MAX; LANES];
        let sizes = (&mut self.packets, &mut self.bytes);
        draw_counts(shapes, &chunk.shape, &back, (places, bytes_places), &mut self.spots, sizes);
        for k in 0..LANES {
            let shape = chunk.shape[k];
            if shape.plain {
                let over = draw::below(places[k] as u32, shape.size_count);
                (self.packets[k], self.bytes[k]) = (1, u64::from(shape.size.wrapping_add(over)));
            }
        }
    }

    /// Of two sizes of one distribution the reply gets the larger, or the request.
    #[inline(always)]
    fn place_larger(&mut self, chunk: &mut Chunk, downstream: &Column<bool>) {
        for k in 0..LANES {
            let larger = (self.packets[k], self.bytes[k]) > (chunk.packets[k], chunk.bytes[k]);
            let both = chunk.shape[k].campus && self.state[k] == State::Answered;
            if both && larger != downstream[k] {
                std::mem::swap(&mut self.packets[k], &mut chunk.packets[k]);
                std::mem::swap(&mut self.bytes[k], &mut chunk.bytes[k]);
            }
        }
    }

    /// What comes of TCP requests without an answer.
    #[inline(always)]
    fn fail(&mut self, chunk: &mut Chunk) {
        for k in 0..LANES {
            if self.state[k] == State::Answered || chunk.shape[k].protocol != TCP {
                continue;
            }
            let headers = IPV6_BYTES * u64::from(chunk.ipv6[k]);
            let refused = self.state[k] == State::Refused;
            (self.packets[k], self.bytes[k]) = (1, RST_BYTES + headers);
            if chunk.shape[k].apart {
                let syns = 1 + draw::below(chunk.place[k] as u32, SYNS_MAX);
                chunk.packets[k] = if refused { 1 } else { syns.into() };
                chunk.bytes[k] = (SYN_BYTES + headers) * chunk.packets[k];
            } else {
                let most = if refused { 1 } else { SYNS_MAX.into() };
                chunk.packets[k] = chunk.packets[k].min(most);
            }
        }
    }

    #[inline(always)]
    fn draw_times(&mut self, talk: &Talk, chunk: &Chunk, waits: &[Column<u32>; 2]) {
        let place = |half: u32| u64::from(half) << 32 | u64::from(half);
        let mut longest = [0_u64; LANES];
        for k in 0..LANES {
            longest[k] = chunk.packets[k].max(self.packets[k]);
        }
        let mut span = [0_u64; LANES];
        spans(&chunk.gap, &longest, &chunk.shape, &mut span);
        for k in 0..LANES {
            let round_trip = talk.round_trip.at(place(waits[0][k])) as u64;
            let think = talk.think_time.at(place(waits[1][k])) as u64;
            let tcp = chunk.shape[k].protocol == TCP;
            // The first packet of a TCP server answers the SYN at once.
            let answered = self.state[k] == State::Answered;
            self.delay[k] = round_trip + if tcp { 0 } else { think };
            let both = span[k] + if tcp && answered { think } else { 0 };
            let syns = SYN_SPANS[(chunk.packets[k] & 3) as usize];
            let request = if answered || !tcp { both } else { syns };
            self.request_span[k] = if chunk.packets[k] > 1 { request } else { 0 };
            self.reply_span[k] = if self.packets[k] > 1 { both } else { 0 };
        }
    }
}

/// Places of replies: those of their requests where they are coupled. Where places tell of failures, those of answered
/// requests are stretched over all places again, so that the reply's distribution stays whole.
#[inline(always)]
fn couple(talk: &Talk, chunk: &Chunk, coupled: &Column<bool>, places: &mut Column<u64>) {
    // Below a quarter of answers there is too little to stretch.
    let can_stretch = talk.failed < 3 << 62;
    for k in 0..LANES {
        let place = chunk.place[k];
        let shape = chunk.shape[k];
        let by_place = shape.protocol == TCP && shape.campus;
        let product = u128::from(u64::MAX - place) * u128::from(talk.stretch);
        let stretched = u64::MAX - u64::try_from(product >> 62).unwrap_or(u64::MAX);
        let same = if by_place { stretched } else { place };
        if coupled[k] && (can_stretch || !by_place) {
            places[k] = same;
        }
    }
}

/// IANA: domain.
pub(super) const DNS_PORT: u16 = 53;
