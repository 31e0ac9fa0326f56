//! One direction of a flow as the records that a router tells of it: cut where it lasts, or pauses, too long.

#![expect(clippy::inline_always, reason = "called for every record")]

use rheos_core::{RecordFlags, WideRecord};

use super::sessions::Timeouts;
use super::talk::State;
use super::{ACTIVE_TIMEOUT, COMPLETE, END_OF_FLOW, IDLE_TIMEOUT, REFUSED, TCP, UNANSWERED};

/// Most parts of one direction of a flow; longer ones have longer parts.
pub(super) const PARTS_MAX: usize = 64;

/// TCP flags (RFC 9293 §3.1).
pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

/// What one direction of a flow comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// At least one.
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Nanoseconds since the Unix epoch.
    pub(super) first: u64,
    /// From the first packet to the last.
    pub(super) span: u64,
}

/// Which TCP flags the records of a flow have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flags {
    /// All of a flow: these.
    Whole(u8),
    /// A connection: each part has its own.
    Connection,
}

impl Flags {
    /// Of a conversation: the request's or the reply's.
    pub(super) const fn of(state: State, reply: bool) -> Self {
        match (state, reply) {
            (State::Answered, _) => Self::Connection,
            (State::Refused, true) => Self::Whole(RST | ACK),
            (State::Refused, false) | (State::Unanswered, _) => Self::Whole(SYN),
        }
    }

    /// Of a flow without the other direction.
    pub(super) const fn alone(packets: u64) -> Self {
        match packets {
            1 => Self::Whole(UNANSWERED),
            2 => Self::Whole(REFUSED),
            _ => Self::Connection,
        }
    }

    /// Of a part of a flow: whether it has the flow's first packet and its last one, and how many it has.
    const fn part(self, packets: u64, (starts, ends): (bool, bool)) -> u8 {
        match (self, starts, ends) {
            (Self::Whole(flags), _, _) => flags,
            (Self::Connection, true, true) => match packets {
                // Too few for a connection: what an idle timeout has left of one.
                1 => ACK,
                2 => FIN | ACK,
                _ => COMPLETE,
            },
            (Self::Connection, true, false) => {
                if packets == 1 {
                    SYN
                } else {
                    SYN | PSH | ACK
                }
            }
            (Self::Connection, false, true) => {
                if packets == 1 {
                    FIN | ACK
                } else {
                    FIN | PSH | ACK
                }
            }
            (Self::Connection, false, false) => {
                if packets == 1 {
                    ACK
                } else {
                    PSH | ACK
                }
            }
        }
    }
}

/// How a flow is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Every packet is alone.
    Apart,
    /// After so many nanoseconds each time.
    Every(u64),
}

impl Way {
    /// How many records there are of it, at least one and at most `most`.
    #[inline(always)]
    pub(super) fn parts(self, timeouts: Timeouts, most: usize) -> usize {
        if self.packets <= 1 || self.span < timeouts.least() {
            return 1;
        }
        self.wanted(timeouts).min(most).clamp(1, PARTS_MAX)
    }

    /// How many records there would be with room for all.
    pub(super) fn wanted(self, timeouts: Timeouts) -> usize {
        if self.packets <= 1 {
            return 1;
        }
        let wanted = if self.is_apart(timeouts) {
            self.packets
        } else {
            // As long as a timeout is one too long.
            timeouts.active.map_or(1, |active| self.span / active.max(1) + 1)
        };
        usize::try_from(wanted).unwrap_or(usize::MAX).min(PARTS_MAX)
    }

    /// Whether packets are further apart than timeouts allow.
    fn is_apart(self, timeouts: Timeouts) -> bool {
        let gap = self.span / self.packets.saturating_sub(1).max(1);
        gap > timeouts.least()
    }

    /// Fills `out` with its parts, in order of time.
    #[inline(always)]
    pub(super) fn write(
        self,
        base: &WideRecord,
        flags: Flags,
        timeouts: Timeouts,
        out: &mut [WideRecord],
    ) {
        let tcp = base.protocol == TCP;
        let natural = match flags {
            Flags::Connection if tcp => END_OF_FLOW,
            _ => IDLE_TIMEOUT,
        };
        let flags_of = |packets, ends| if tcp { flags.part(packets, ends) } else { 0 };
        if let [only] = out {
            *only = WideRecord {
                first: self.first,
                last: self.first.saturating_add(self.span),
                bytes: self.bytes,
                packets: self.packets,
                tcp_flags: flags_of(self.packets, (true, true)),
                end_reason: natural,
                ..*base
            };
            return;
        }
        self.write_parts(base, natural, flags_of, timeouts, out);
    }

    fn write_parts(
        self,
        base: &WideRecord,
        natural: u8,
        flags_of: impl Fn(u64, (bool, bool)) -> u8,
        timeouts: Timeouts,
        out: &mut [WideRecord],
    ) {
        let count = out.len() as u64;
        let apart = self.is_apart(timeouts);
        let cut = match timeouts.active {
            _ if apart && count == self.packets => Cut::Apart,
            Some(active) if !apart && self.span / active.max(1) + 1 == count => Cut::Every(active),
            // Fewer parts than wanted: longer ones.
            _ => Cut::Every(self.span / count.max(1) + 1),
        };
        let reason = if apart { IDLE_TIMEOUT } else { ACTIVE_TIMEOUT };
        let mut from = 0;
        for (part, record) in (1..).zip(out.iter_mut()) {
            let to =
                if part == count { self.packets } else { self.before(cut, part).max(from + 1) };
            let (starts, ends) = (from == 0, part == count);
            *record = WideRecord {
                first: self.first.saturating_add(self.time(from)),
                last: self.first.saturating_add(self.time(to.saturating_sub(1))),
                bytes: self.bytes_before(to) - self.bytes_before(from),
                packets: to.saturating_sub(from),
                tcp_flags: flags_of(to.saturating_sub(from), (starts, ends)),
                flags: base.flags | if starts { 0 } else { RecordFlags::CONTINUED },
                end_reason: if ends { natural } else { reason },
                ..*base
            };
            from = to;
        }
    }

    /// How many packets come before a part.
    fn before(self, cut: Cut, part: u64) -> u64 {
        match cut {
            Cut::Apart => part,
            Cut::Every(window) => {
                let gaps = u128::from(self.packets.saturating_sub(1));
                let time = u128::from(part) * u128::from(window);
                let before = (time * gaps).div_ceil(u128::from(self.span.max(1)));
                u64::try_from(before).unwrap_or(u64::MAX).min(self.packets)
            }
        }
    }

    /// When a packet is, after the first.
    fn time(self, packet: u64) -> u64 {
        let gaps = u128::from(self.packets.saturating_sub(1).max(1));
        (u128::from(self.span) * u128::from(packet) / gaps) as u64
    }

    /// Bytes of the first packets.
    fn bytes_before(self, packets: u64) -> u64 {
        (u128::from(self.bytes) * u128::from(packets) / u128::from(self.packets.max(1))) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;
    const USUAL: Timeouts = Timeouts { active: Some(300 * S), inactive: Some(15 * S) };

    fn cut(packets: u64, bytes: u64, span: u64, most: usize) -> Vec<WideRecord> {
        let way = Way { packets, bytes, first: 7, span };
        let mut out = vec![WideRecord::default(); way.parts(USUAL, most)];
        let base = WideRecord { protocol: TCP, ..WideRecord::default() };
        way.write(&base, Flags::Connection, USUAL, &mut out);
        out
    }

    #[test]
    fn a_long_flow_is_cut_at_the_active_timeout() {
        // A packet each second: 300 in each part but the last.
        let parts = cut(1001, 100_100, 1000 * S, 100);
        let told: Vec<_> = parts
            .iter()
            .map(|r| (r.first, r.last, r.packets, r.bytes, r.tcp_flags, r.flags, r.end_reason))
            .collect();
        let expected = [
            (7, 7 + 299 * S, 300, 30_000, 0x1a, 0, 2),
            (7 + 300 * S, 7 + 599 * S, 300, 30_000, 0x18, 4, 2),
            (7 + 600 * S, 7 + 899 * S, 300, 30_000, 0x18, 4, 2),
            (7 + 900 * S, 7 + 1000 * S, 101, 10_100, 0x19, 4, 3),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn pauses_cut_at_the_inactive_timeout() {
        let parts = cut(4, 1003, 60 * S, 100);
        let told: Vec<_> =
            parts.iter().map(|r| (r.first, r.last, r.packets, r.bytes, r.end_reason)).collect();
        let at = |second: u64| 7 + second * S;
        let expected = [
            (at(0), at(0), 1, 250, 1),
            (at(20), at(20), 1, 251, 1),
            (at(40), at(40), 1, 251, 1),
            (at(60), at(60), 1, 251, 3),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn totals_are_kept_however_little_room_there_is() {
        for (packets, bytes, span) in [
            (1, 60, 0),
            (2, 100, 301 * S),
            (3, 1_000_000, 86_400 * S),
            (70, 7_777, 10_000 * S),
            (1 << 40, 1 << 52, 4_500_000 * S),
            (5, 400, 14 * S),
            (1000, 64_000, 299 * S),
            (1000, 64_000, 300 * S),
        ] {
            for most in [1, 2, 3, 7, 64, 256] {
                let parts = cut(packets, bytes, span, most);
                assert!(parts.len() <= most.min(PARTS_MAX));
                let sum = |field: fn(&WideRecord) -> u64| parts.iter().map(field).sum::<u64>();
                assert_eq!(sum(|r| r.packets), packets, "{packets} {span} {most}");
                assert_eq!(sum(|r| r.bytes), bytes);
                assert!(parts.iter().all(|r| r.packets > 0 && r.last >= r.first), "{parts:?}");
                assert!(parts.windows(2).all(|w| w[0].last < w[1].first));
                assert_eq!((parts[0].first, parts[parts.len() - 1].last), (7, 7 + span));
                let all = parts.iter().fold(0, |flags, r| flags | r.tcp_flags);
                assert!(packets < 4 || all & 0x13 == 0x13, "{all:x}");
                if most == 256 && parts.len() < PARTS_MAX {
                    assert!(parts.iter().all(|r| r.last - r.first < 300 * S), "{parts:?}");
                }
            }
        }
    }
}
