//! Requests and replies that are one record each, as nearly all are: what their rows are made of, in vectors.
//!
//! The rows are those that `sequence` makes of any conversation, without a decision for each field.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use rheos_core::RecordFlags;

use super::chunk::{Chunk, Column, LANES};
use super::layout::{self, Words};
use super::parts::{ACK, FIN, RST, SYN};
use super::sequence::{ICMP, ephemeral, limited};
use super::sessions::Timeouts;
use super::talk::{Replies, State};
use super::{COMPLETE, END_OF_FLOW, IDLE_TIMEOUT, TCP};

/// The last two words of the rows of a chunk's conversations.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    request: [Column<u64>; 2],
    reply: [Column<u64>; 2],
    /// Whether a record each way is all that there is.
    pub(super) is_short: Column<bool>,
}

/// TCP flags of a connection in one record.
#[inline(always)]
fn connection(packets: u64) -> u64 {
    let few = if packets == 1 { ACK } else { FIN | ACK };
    u64::from(if packets > 2 { COMPLETE } else { few })
}

impl Pairs {
    pub(super) const EMPTY: Self =
        Self { request: [[0; LANES]; 2], reply: [[0; LANES]; 2], is_short: [false; LANES] };

    /// Of the conversations from `first` on.
    #[inline(always)]
    pub(super) fn of(&mut self, chunk: &Chunk, replies: &Replies, timeouts: Timeouts, first: u64) {
        let least = timeouts.least();
        let (asked, told) = (&chunk.counts.packets, &replies.counts.packets);
        for k in 0..LANES {
            let traits = chunk.traits[k];
            let (tcp, refused) = (traits.protocol() == TCP, replies.state[k] == State::Refused);
            let answered = replies.state[k] == State::Answered;
            let number = first.wrapping_add(k as u64);
            let client = [chunk.client[0][k], chunk.client[1][k]];
            let own = if traits.has_ports() { ephemeral(client, number) } else { 0 };
            let (own, other) = (u64::from(own), u64::from(chunk.port[k]));
            let request_flags = if answered { connection(asked[k]) } else { SYN.into() };
            let reply_flags = if refused { (RST | ACK).into() } else { connection(told[k]) };
            let tcp_flags = |flags: u64| if tcp { flags << layout::TCP_FLAGS } else { 0 };
            let ipv6 = u64::from(chunk.ipv6[k]) * (u64::from(RecordFlags::IPV6) << layout::FLAGS);
            let both = traits.protocol_and_tos() | ipv6;
            self.request[0][k] = both
                | own << layout::SOURCE_PORT
                | other << layout::DESTINATION_PORT
                | tcp_flags(request_flags);
            self.reply[0][k] = both
                | other << layout::SOURCE_PORT
                | own << layout::DESTINATION_PORT
                | tcp_flags(reply_flags)
                | u64::from(RecordFlags::REVERSED) << layout::FLAGS;
            let reason = if tcp & answered { END_OF_FLOW } else { IDLE_TIMEOUT };
            let rest = u64::from(traits.pattern()) << layout::PATTERN
                | u64::from(reason) << layout::END_REASON;
            (self.request[1][k], self.reply[1][k]) = (rest, rest);
        }
        for k in 0..LANES {
            let is_short = replies.request_span[k] < least && replies.reply_span[k] < least;
            self.is_short[k] = is_short && chunk.traits[k].protocol() != ICMP;
        }
    }

    /// Request and reply that begin at a moment.
    #[inline(always)]
    pub(super) fn rows(
        &self,
        (chunk, replies): (&Chunk, &Replies),
        (k, moment): (usize, u64),
        timeouts: Timeouts,
        (flow_id, stream): (u64, u64),
    ) -> [Words; 2] {
        let client = [chunk.client[0][k].to_be(), chunk.client[1][k].to_be()];
        let server = [chunk.server[0][k].to_be(), chunk.server[1][k].to_be()];
        let later = moment.saturating_add(replies.delay[k]);
        let request = [
            moment,
            moment.saturating_add(limited(replies.request_span[k], timeouts)),
            chunk.counts.bytes[k],
            chunk.counts.packets[k],
            flow_id,
            client[0],
            client[1],
            server[0],
            server[1],
            stream,
            self.request[0][k],
            self.request[1][k],
        ];
        let reply = [
            later,
            later.saturating_add(limited(replies.reply_span[k], timeouts)),
            replies.counts.bytes[k],
            replies.counts.packets[k],
            flow_id,
            server[0],
            server[1],
            client[0],
            client[1],
            stream,
            self.reply[0][k],
            self.reply[1][k],
        ];
        [request, reply]
    }
}
