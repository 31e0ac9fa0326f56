//! Multipath TCP (RFC 8684, and version 0 of RFC 6824).

use rheos_wire::tcp_flags::{ACK, SYN};
use rheos_wire::{TcpOption, TcpOptions};

use super::Segment;

/// Subtypes of the option (RFC 8684 §8.2).
pub(crate) mod subtype {
    pub(crate) const CAPABLE: u8 = 0;
    pub(crate) const JOIN: u8 = 1;
    pub(crate) const DSS: u8 = 2;
    pub(crate) const ADD_ADDR: u8 = 3;
    pub(crate) const REMOVE_ADDR: u8 = 4;
    pub(crate) const PRIO: u8 = 5;
    pub(crate) const FAIL: u8 = 6;
    pub(crate) const FASTCLOSE: u8 = 7;
    pub(crate) const RESET: u8 = 8;
}

/// What the options of a connection said; `[0]` is of the initiator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mptcp {
    /// Packets with the option.
    pub(crate) packets: u64,
    /// Options by subtype.
    pub(crate) subtypes: [u32; 16],
    /// The version that the side's SYN with `MP_CAPABLE` offered or chose.
    pub(crate) version: [Option<u8>; 2],
    /// The side's SYN joined a connection.
    pub(crate) join: [bool; 2],
    /// The connection that is joined, from the first SYN with `MP_JOIN` (§3.2).
    pub(crate) token: Option<u32>,
}

impl Mptcp {
    /// Takes in a segment that has the option.
    pub(crate) fn on_segment(&mut self, segment: &Segment, options: &[u8]) {
        self.packets += 1;
        for option in TcpOptions::new(options) {
            let TcpOption::Multipath(data) = option else { continue };
            let Some(first) = data.first() else { continue };
            let (kind, low) = (first >> 4, first & 0x0f);
            let count = &mut self.subtypes[usize::from(kind)];
            *count = count.saturating_add(1);
            if !segment.is(SYN) {
                continue;
            }
            match kind {
                subtype::CAPABLE => {
                    self.version[segment.side].get_or_insert(low);
                }
                subtype::JOIN => {
                    self.join[segment.side] = true;
                    if let [_, _, token @ ..] = data
                        && let Some(token) = token.first_chunk()
                        && !segment.is(ACK)
                    {
                        self.token.get_or_insert(u32::from_be_bytes(*token));
                    }
                }
                _ => {}
            }
        }
    }

    /// Both sides agreed: on a new connection, or on one more path of one.
    pub(crate) fn agreed(&self) -> bool {
        self.version.iter().all(Option::is_some) || self.join == [true; 2]
    }

    /// A bit for each subtype seen.
    pub(crate) fn seen(&self) -> u16 {
        let bit = |(kind, &count): (usize, &u32)| u16::from(count > 0) << kind;
        self.subtypes.iter().enumerate().map(bit).sum()
    }

    /// How many options of this subtype there were.
    pub(crate) fn count(&self, kind: u8) -> u64 {
        self.subtypes.get(usize::from(kind)).copied().map_or(0, u64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syn(side: usize, flags: u16) -> Segment {
        Segment { side, ns: 0, seq: 0, ack: None, len: 0, window: 0, flags }
    }

    #[test]
    fn a_connection_and_a_join_are_told_apart() {
        let mut capable = Mptcp::default();
        // MP_CAPABLE version 1, flags A and H, no key in the SYN.
        capable.on_segment(&syn(0, SYN), &[30, 4, 0x01, 0x81]);
        assert!(!capable.agreed());
        capable.on_segment(&syn(1, SYN | ACK), &[30, 12, 0x01, 0x81, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(capable.agreed() && capable.version == [Some(1), Some(1)]);
        // DSS and ADD_ADDR in one segment.
        capable.on_segment(&syn(0, ACK), &[30, 4, 0x20, 1, 30, 8, 0x34, 1, 10, 0, 0, 9]);
        assert_eq!((capable.packets, capable.seen()), (3, 0b1101));

        let mut join = Mptcp::default();
        join.on_segment(&syn(0, SYN), &[30, 12, 0x10, 3, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 1]);
        join.on_segment(&syn(1, SYN | ACK), &[30, 16, 0x10, 4, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 2]);
        assert!(join.agreed());
        assert_eq!((join.token, join.count(subtype::JOIN)), (Some(0xdead_beef), 2));
    }

    #[test]
    fn options_without_a_byte_say_nothing() {
        let mut mptcp = Mptcp::default();
        mptcp.on_segment(&syn(0, SYN), &[30, 2, 30, 3, 0x10]);
        assert_eq!((mptcp.packets, mptcp.seen(), mptcp.token), (1, 2, None));
    }
}
