//! Which protocol it is: told by the first bytes of both sides, never by a port alone.
//!
//! Every detector looks at the same bytes until one is sure, all say no, or the limits below are reached. A detector
//! should say [`Verdict::No`] as soon as it can: when all have, nothing of the flow is kept any more.

use rheos_wire::App;

use super::{Direction, Dissector};

/// First bytes of a side that detectors get to see at most.
pub const DETECT_BYTES_MAX: usize = 1024;
/// Datagrams of a flow that detectors look at, at most.
pub const DETECT_DATAGRAMS_MAX: u8 = 8;
/// First bytes of a side's last datagram that detectors get to see beside the next one.
pub const BEFORE_BYTES: usize = 48;
/// With this confidence a detector does not wait for what others say of further bytes.
pub const SURE: f64 = 0.9;

/// The first bytes of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// What each side said first, as far as it is known: the initiator's ([`Direction::Forward`]) before the
    /// responder's. Who initiated is a guess where no SYN was seen.
    pub bytes: [&'a [u8]; 2],
    /// Ports of initiator and responder.
    pub ports: [u16; 2],
    /// There will be no more: [`Verdict::More`] counts as no.
    pub last: bool,
}

/// One of the first datagrams of a UDP flow.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Who sent it.
    pub direction: Direction,
    /// Its captured bytes, never empty.
    pub bytes: &'a [u8],
    /// Its length as sent.
    pub sent_len: u32,
    /// The first [`BEFORE_BYTES`] bytes of the datagram that the same side sent before.
    pub before: Option<&'a [u8]>,
    /// Ports of initiator and responder.
    pub ports: [u16; 2],
    /// How many datagrams came before it.
    pub number: u8,
}

/// What a detector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The protocol.
    pub app: App,
    /// What decided: `<protocol>.<what was seen>`.
    pub rule: &'static str,
    /// How sure, from 0 to 1: 1 when other bytes could not look so by chance or design, [`SURE`] when they hardly
    /// could, 0.5 when they well could.
    pub confidence: f64,
}

/// What a detector says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is not this protocol, whatever comes.
    No,
    /// It could be: further bytes or datagrams will tell.
    More,
    /// It is.
    Yes(Match),
}

impl Verdict {
    /// It is.
    pub const fn yes(app: App, rule: &'static str, confidence: f64) -> Self {
        Self::Yes(Match { app, rule, confidence })
    }

    /// Of what is compared byte by byte with a fixed beginning: no as soon as it differs, more while it is short.
    pub fn of_prefix(bytes: &[u8], prefix: &[u8], whole: Self) -> Self {
        if bytes.len() >= prefix.len() {
            if bytes.starts_with(prefix) { whole } else { Self::No }
        } else if prefix.starts_with(bytes) {
            Self::More
        } else {
            Self::No
        }
    }
}

/// What a dissector begins with.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// The protocol that was found.
    pub app: App,
    /// It comes in datagrams, not in a stream.
    pub datagrams: bool,
    /// Ports of initiator and responder.
    pub ports: [u16; 2],
    /// Longest handshake message of TLS that is read, in bytes.
    pub tls_message_max: usize,
}

/// How a dissector's protocols are recognised.
pub trait Detect: Dissector + Sized {
    /// The protocols that it reads.
    const APPS: &'static [App];

    /// The dissector before the first byte. Bytes that were looked at to detect it are offered to it.
    fn begin(start: &Start) -> Self;

    /// What the first bytes of a TCP connection look like.
    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        let _ = sides;
        Verdict::No
    }

    /// What a datagram looks like.
    fn detect_datagram(opening: &Opening<'_>) -> Verdict {
        let _ = opening;
        Verdict::No
    }
}

/// Makes one verdict of many; at equal confidence the first holds.
#[derive(Debug, Default)]
pub(super) struct Jury {
    best: Option<Match>,
    waits: bool,
}

impl Jury {
    pub(super) fn hear(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::No => {}
            Verdict::More => self.waits = true,
            Verdict::Yes(found) => {
                if self.best.is_none_or(|best| found.confidence > best.confidence) {
                    self.best = Some(found);
                }
            }
        }
    }

    /// What they say together; after the `last` bytes nobody is waited for.
    pub(super) fn verdict(&self, last: bool) -> Verdict {
        match self.best {
            Some(best) if last || !self.waits || best.confidence >= SURE => Verdict::Yes(best),
            _ if self.waits && !last => Verdict::More,
            _ => Verdict::No,
        }
    }
}

/// The state of detection.
#[derive(Debug, Default)]
pub(super) struct Detecting {
    /// Sides whose first bytes were lost: they say nothing.
    pub(super) blind: [bool; 2],
    /// Datagrams so far.
    pub(super) datagrams: u8,
    /// First bytes of each side's last datagram.
    pub(super) before: [Head; 2],
}

/// The first bytes of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    len: u8,
    bytes: [u8; BEFORE_BYTES],
}

impl Default for Head {
    fn default() -> Self {
        Self { len: 0, bytes: [0; BEFORE_BYTES] }
    }
}

impl Head {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut head = Self::default();
        for (place, byte) in head.bytes.iter_mut().zip(bytes) {
            *place = *byte;
            head.len += 1;
        }
        head
    }

    pub(super) fn get(&self) -> Option<&[u8]> {
        self.bytes.get(..usize::from(self.len)).filter(|bytes| !bytes.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(verdicts: &[Verdict], last: bool) -> Verdict {
        let mut jury = Jury::default();
        for &verdict in verdicts {
            jury.hear(verdict);
        }
        jury.verdict(last)
    }

    #[test]
    fn the_surest_holds_and_the_unsure_wait() {
        let likely = Verdict::yes(App::Dns, "dns.x", 0.6);
        let sure = Verdict::yes(App::Tls, "tls.x", 0.95);
        let as_sure = Verdict::yes(App::Ssh, "ssh.x", 0.95);
        assert_eq!(verdict(&[Verdict::No, Verdict::No], false), Verdict::No);
        assert_eq!(verdict(&[Verdict::No, Verdict::More], false), Verdict::More);
        assert_eq!(verdict(&[Verdict::No, Verdict::More], true), Verdict::No);
        assert_eq!(verdict(&[likely, Verdict::No], false), likely);
        assert_eq!(verdict(&[likely, Verdict::More], false), Verdict::More);
        assert_eq!(verdict(&[likely, Verdict::More], true), likely);
        assert_eq!(verdict(&[likely, sure, Verdict::More, as_sure], false), sure);
    }

    #[test]
    fn a_prefix_is_told_as_early_as_it_can_be() {
        let yes = Verdict::yes(App::Http2, "http2.preface", 1.0);
        assert_eq!(Verdict::of_prefix(b"PRI", b"PRI * ", yes), Verdict::More);
        assert_eq!(Verdict::of_prefix(b"PRI * HTTP", b"PRI * ", yes), yes);
        assert_eq!(Verdict::of_prefix(b"PRx", b"PRI * ", yes), Verdict::No);
    }
}
