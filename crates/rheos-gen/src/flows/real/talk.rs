//! What 64 conversations have beyond the flows of their clients: whether there is an answer, how large it is, when.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]
#![expect(clippy::needless_range_loop, reason = "all columns are as long as the loops")]

use super::chunk::{Chunk, Column, Counts, LANES, States, draw_counts, spans};
use super::quantiles::whole;
use super::sessions::{STRETCH_BITS, Talk};
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
const SYN_SPANS: [u64; 2] = [1_000_000_000, 3_000_000_000];

/// How a conversation went; as wide as the columns that it decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum State {
    Answered,
    Refused,
    Unanswered,
}

/// The columns of conversations.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    pub(super) state: Column<State>,
    pub(super) counts: Counts,
    /// Nanoseconds that the request lasts, and the reply.
    pub(super) request_span: Column<u64>,
    pub(super) reply_span: Column<u64>,
    /// From the first packet of the request to that of the reply.
    pub(super) delay: Column<u64>,
    /// Whether a name is looked up first.
    pub(super) looks_up: Column<bool>,
    /// Random bits for what few conversations need.
    pub(super) more: Column<u64>,
}

impl Replies {
    pub(super) const EMPTY: Self = Self {
        state: [State::Unanswered; LANES],
        counts: Counts { packets: [0; LANES], bytes: [0; LANES] },
        request_span: [0; LANES],
        reply_span: [0; LANES],
        delay: [0; LANES],
        looks_up: [false; LANES],
        more: [0; LANES],
    };

    /// Of flows that have no replies: only how long they last.
    #[inline(always)]
    pub(super) fn draw_none(&mut self, chunk: &Chunk) {
        spans(&chunk.gap, &chunk.counts.packets, &chunk.traits, &mut self.request_span);
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
        let states = States::new(plan.key ^ TALK_WORDS, first);
        let [mut places, bytes_places] = states.words(0);
        let [coupled, downstream] = states.words(1);
        let waits = states.words(2);
        states.long(3, &mut self.more);
        self.draw_states(talk, chunk);
        couple(talk, chunk, &coupled, &mut places);
        let kinds = (&chunk.tables, &chunk.traits, 1);
        let counts = &mut self.counts;
        draw_counts(&real.shapes, kinds, (&places, &bytes_places), &chunk.plain_bytes[1], counts);
        self.place_larger(talk, chunk, &downstream);
        self.fail(chunk);
        self.draw_times(talk, chunk, &waits);
    }

    /// Of TCP flows of `agh_2015` the smallest are those that fail, as they are in what was measured; elsewhere
    /// sizes are of flows that are answered.
    #[inline(always)]
    fn draw_states(&mut self, talk: &Talk, chunk: &Chunk) {
        for k in 0..LANES {
            let traits = chunk.traits[k];
            let tcp = traits.protocol() == TCP;
            let more = self.more[k] >> 32;
            let place = if tcp & traits.campus() { chunk.place[k].into() } else { more };
            self.state[k] = if place >= talk.failed {
                State::Answered
            } else if tcp && place < talk.refused {
                State::Refused
            } else {
                State::Unanswered
            };
            // The low half: the high one has just told the state.
            let name = self.more[k] & 0xffff_ffff;
            let has_name = tcp && (traits.ports().0 != u32::from(DNS_PORT));
            self.looks_up[k] = has_name && (name < talk.dns_before);
        }
    }

    /// Of two sizes of one distribution the reply gets the larger, or the request.
    #[inline(always)]
    fn place_larger(&mut self, talk: &Talk, chunk: &mut Chunk, downstream: &Column<u32>) {
        let (own, other) = (&mut self.counts, &mut chunk.counts);
        for k in 0..LANES {
            let (a, b) = (own.packets[k], other.packets[k]);
            let (x, y) = (own.bytes[k], other.bytes[k]);
            let larger = a > b || (a == b && x > y);
            let both = chunk.traits[k].campus() && self.state[k] == State::Answered;
            let turns = both && larger != (u64::from(downstream[k]) < talk.downstream);
            (own.packets[k], other.packets[k]) = if turns { (b, a) } else { (a, b) };
            (own.bytes[k], other.bytes[k]) = if turns { (y, x) } else { (x, y) };
        }
    }

    /// What comes of TCP requests without an answer.
    #[inline(always)]
    fn fail(&mut self, chunk: &mut Chunk) {
        let (asked, told) = (&mut chunk.counts, &mut self.counts);
        for k in 0..LANES {
            let traits = chunk.traits[k];
            let fails = self.state[k] != State::Answered && traits.protocol() == TCP;
            let headers = IPV6_BYTES * u64::from(chunk.ipv6[k]);
            told.packets[k] = if fails { 1 } else { told.packets[k] };
            told.bytes[k] = if fails { RST_BYTES + headers } else { told.bytes[k] };
            let refused = self.state[k] == State::Refused;
            let syns = 1 + u64::from(draw::below(chunk.place[k], SYNS_MAX));
            let syns = if refused { 1 } else { syns };
            let most = if refused { 1 } else { SYNS_MAX.into() };
            let (packets, bytes) = (asked.packets[k], asked.bytes[k]);
            let cut = if packets < most { packets } else { most };
            let lost = if traits.apart() { syns } else { cut };
            let lost_bytes = if traits.apart() { (SYN_BYTES + headers) * syns } else { bytes };
            asked.packets[k] = if fails { lost } else { packets };
            asked.bytes[k] = if fails { lost_bytes } else { bytes };
        }
    }

    #[inline(always)]
    fn draw_times(&mut self, talk: &Talk, chunk: &Chunk, waits: &[Column<u32>; 2]) {
        let (asked, told) = (&chunk.counts.packets, &self.counts.packets);
        let round_trips = talk.round_trip.values(&waits[0]);
        let think_times = talk.think_time.values(&waits[1]);
        let mut longest = [0_u64; LANES];
        for k in 0..LANES {
            longest[k] = asked[k].max(told[k]);
        }
        let mut span = [0_u64; LANES];
        spans(&chunk.gap, &longest, &chunk.traits, &mut span);
        for k in 0..LANES {
            let round_trip = whole(round_trips[k].into()).0;
            let think = whole(think_times[k].into()).0;
            let tcp = chunk.traits[k].protocol() == TCP;
            // The first packet of a TCP server answers the SYN at once.
            let answered = self.state[k] == State::Answered;
            self.delay[k] = round_trip + if tcp { 0 } else { think };
            let both = span[k] + if tcp && answered { think } else { 0 };
            let [second, third] = SYN_SPANS;
            let syns = if asked[k] == 2 { second } else { third };
            let request = if answered || !tcp { both } else { syns };
            self.request_span[k] = if asked[k] > 1 { request } else { 0 };
            self.reply_span[k] = if told[k] > 1 { both } else { 0 };
        }
    }
}

/// Places of replies: those of their requests where they are coupled. Where places tell of failures, those of answered
/// requests are stretched over all places again, so that the reply's distribution stays whole.
#[inline(always)]
fn couple(talk: &Talk, chunk: &Chunk, coupled: &Column<u32>, places: &mut Column<u32>) {
    // Below a quarter of answers there is too little to stretch.
    let can_stretch = talk.failed < 3 << 30;
    for k in 0..LANES {
        let (place, traits) = (chunk.place[k], chunk.traits[k]);
        let by_place = traits.protocol() == TCP && traits.campus();
        let above = (u64::from(!place) * u64::from(talk.stretch)) >> STRETCH_BITS;
        let stretched = !(if above > u64::from(u32::MAX) { u32::MAX } else { above as u32 });
        let same = if by_place { stretched } else { place };
        let couples = u64::from(coupled[k]) < talk.correlation && (can_stretch || !by_place);
        places[k] = if couples { same } else { places[k] };
    }
}

/// IANA: domain.
pub(super) const DNS_PORT: u16 = 53;
