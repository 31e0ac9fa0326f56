//! What a SYN or SYN-ACK tells of the system that made it.
//!
//! The signature is our own, after the ideas of passive fingerprinting. Eight fields, joined by `:`
//!
//! 1. IP version: `4` or `6`;
//! 2. initial TTL: the least of 32, 64, 128 and 255 that is not below the one seen;
//! 3. bytes of IP options or extension headers;
//! 4. MSS, `*` without;
//! 5. window, as `mss*n` where it is a multiple of the MSS, then `,` and the window scale, `*` without;
//! 6. option kinds in order, joined by `,`: `mss nop ws sok sack ts tfo mptcp md5 ao`, `eol+n` with `n` bytes of
//!    padding behind, `?n` for any other kind `n`;
//! 7. oddities, joined by `,`, see [`QUIRKS`];
//! 8. `0` without payload, `+` with.

use std::fmt::{self, Write};

use rheos_core::IpVersion;
use rheos_wire::tcp::kinds;
use rheos_wire::tcp_flags::{ACK, CWR, ECE, PSH, URG};
use rheos_wire::{TcpOption, TcpOptions};

use super::Segment;
use super::options::Order;
use crate::groups::Seen;

/// What is odd of a SYN, in the order of its bits.
///
/// `df` do not fragment; `id+` it is set and the IP identification is not 0; `id-` it is not set and the
/// identification is 0; `0+` the reserved IP flag; `ecn` ECN in IP or TCP; `seq-` sequence number 0; `ack+` an
/// acknowledgement number without the flag; `ack-` the flag without a number; `uptr+` an urgent pointer without the
/// flag; `urgf+` that flag; `pushf+` PSH; `ts1-` own timestamp 0; `ts2+` an echoed timestamp in a SYN; `exws` a
/// window scale above 14. From the options: `opt+` bytes other than 0 after their end; `bad` an option that runs past
/// the header.
pub(crate) const QUIRKS: [&str; 14] = [
    "df", "id+", "id-", "0+", "ecn", "seq-", "ack+", "ack-", "uptr+", "urgf+", "pushf+", "ts1-",
    "ts2+", "exws",
];

/// TTLs that systems start with.
const TTLS: [u8; 3] = [32, 64, 128];
/// A window that is a multiple of an MSS below this is by chance.
const MSS_MIN: u16 = 100;

/// What the signature is made of, beside the options' order.
#[derive(Clone, Debug)]
pub(crate) struct SynPrint {
    version: IpVersion,
    pub(crate) ttl: u8,
    ip_options: u16,
    pub(crate) mss: Option<u16>,
    pub(crate) window: u16,
    pub(crate) scale: Option<u8>,
    quirks: u16,
    payload: bool,
    /// It is a SYN-ACK.
    answers: bool,
}

impl SynPrint {
    /// Of this SYN or SYN-ACK.
    pub(crate) fn of(segment: &Segment, seen: &Seen<'_>, options: &[u8]) -> Self {
        let packet = seen.packet;
        let (mut mss, mut scale, mut stamps) = (None, None, None);
        for option in TcpOptions::new(options) {
            match option {
                TcpOption::MaxSegmentSize(size) => mss = mss.or(Some(size)),
                TcpOption::WindowScale(shift) => scale = scale.or(Some(shift)),
                TcpOption::Timestamps { value, echo } => stamps = stamps.or(Some((value, echo))),
                _ => {}
            }
        }
        let answers = segment.is(ACK);
        let v4 = packet.tuple.version == IpVersion::V4;
        let df = packet.ip_flags & 2 != 0;
        let odd = [
            v4 && df,
            v4 && df && packet.ip_id != 0,
            v4 && !df && packet.ip_id == 0,
            v4 && packet.ip_flags & 4 != 0,
            packet.tos & 3 != 0 || segment.is(ECE | CWR),
            segment.seq == 0,
            !answers && packet.tcp.ack != 0,
            answers && packet.tcp.ack == 0,
            !segment.is(URG) && packet.tcp.urgent != 0,
            segment.is(URG),
            segment.is(PSH),
            stamps.is_some_and(|(value, _)| value == 0),
            !answers && stamps.is_some_and(|(_, echo)| echo != 0),
            scale.is_some_and(|shift| shift > 14),
        ];
        let header = if v4 { 20 } else { 40 };
        let before = packet.l4_offset.saturating_sub(packet.l3_offset).saturating_sub(header);
        Self {
            version: packet.tuple.version,
            ttl: packet.ttl,
            ip_options: u16::try_from(before).unwrap_or(u16::MAX),
            mss,
            window: segment.window,
            scale,
            quirks: odd.iter().rev().fold(0, |bits, &on| bits << 1 | u16::from(on)),
            payload: segment.len > 0,
            answers,
        }
    }

    /// The TTL it was sent with, most likely.
    pub(crate) fn initial_ttl(&self) -> u8 {
        TTLS.into_iter().find(|&ttl| self.ttl <= ttl).unwrap_or(255)
    }

    /// Routers on the way, if the TTL was that at the start.
    pub(crate) fn hops(&self) -> u8 {
        self.initial_ttl() - self.ttl
    }

    /// Writes the signature.
    pub(crate) fn write(&self, order: &Order, out: &mut String) -> fmt::Result {
        let version = if self.version == IpVersion::V4 { 4 } else { 6 };
        write!(out, "{version}:{}:{}:", self.initial_ttl(), self.ip_options)?;
        match self.mss {
            Some(mss) => write!(out, "{mss}:")?,
            None => out.write_str("*:")?,
        }
        match self.mss {
            Some(mss) if mss >= MSS_MIN && self.window > 0 && self.window.is_multiple_of(mss) => {
                write!(out, "mss*{},", self.window / mss)?;
            }
            _ => write!(out, "{},", self.window)?,
        }
        match self.scale {
            Some(scale) => write!(out, "{scale}:")?,
            None => out.write_str("*:")?,
        }
        write_order(order, out)?;
        out.push(':');
        self.write_quirks(order, out);
        out.write_str(if self.payload { ":+" } else { ":0" })
    }

    fn write_quirks(&self, order: &Order, out: &mut String) {
        let of_bits = QUIRKS.iter().enumerate().filter(|(bit, _)| self.quirks >> bit & 1 == 1);
        let of_options = [("opt+", order.padding_filled), ("bad", order.malformed)];
        let of_options = of_options.into_iter().filter(|(_, on)| *on).map(|(name, _)| name);
        for (i, name) in of_bits.map(|(_, &name)| name).chain(of_options).enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(name);
        }
    }

    /// The family of systems that makes such SYNs; nothing where none or several do.
    ///
    /// By initial TTL and the order of the options, which users do not tune; windows they do. A SYN-ACK only has
    /// options that the SYN had.
    pub(crate) fn system(&self, order: &Order) -> Option<&'static str> {
        const MSS: u8 = kinds::MSS;
        const NOP: u8 = kinds::NO_OPERATION;
        const WS: u8 = kinds::WINDOW_SCALE;
        const SOK: u8 = kinds::SACK_PERMITTED;
        const TS: u8 = kinds::TIMESTAMPS;
        const EOL: u8 = kinds::END;
        match (self.initial_ttl(), order.kinds()) {
            (64, [MSS, SOK, TS, NOP, WS, ..]) => Some("linux"),
            (64, [MSS, NOP, NOP, SOK | TS, NOP, WS]) if self.answers => Some("linux"),
            (
                128,
                [MSS, NOP, WS, NOP, NOP, SOK] | [MSS, NOP, WS, SOK, TS] | [MSS, NOP, NOP, SOK],
            ) => Some("windows"),
            (64, [MSS, NOP, WS, NOP, NOP, TS, SOK, EOL]) => Some("apple"),
            (64, [MSS, NOP, WS, SOK, TS]) => Some("freebsd"),
            (64, [MSS, NOP, NOP, SOK, NOP, WS, NOP, NOP, TS]) => Some("openbsd"),
            _ => None,
        }
    }
}

fn write_order(order: &Order, out: &mut String) -> fmt::Result {
    for (i, &kind) in order.kinds().iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let name = match kind {
            kinds::END => {
                write!(out, "eol+{}", order.padding)?;
                continue;
            }
            kinds::NO_OPERATION => "nop",
            kinds::MSS => "mss",
            kinds::WINDOW_SCALE => "ws",
            kinds::SACK_PERMITTED => "sok",
            kinds::SACK => "sack",
            kinds::TIMESTAMPS => "ts",
            kinds::MD5 => "md5",
            kinds::AUTHENTICATION => "ao",
            kinds::MULTIPATH => "mptcp",
            kinds::FAST_OPEN => "tfo",
            other => {
                write!(out, "?{other}")?;
                continue;
            }
        };
        out.push_str(name);
    }
    Ok(())
}
