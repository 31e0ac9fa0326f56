//! Order of events and connection state in the letters and names of Zeek's `conn.log`.

use std::fmt;

/// Letters kept; what comes after them is told by one [`History::MORE`].
const LETTERS_MAX: usize = 30;

/// Order of events as letters, upper case from the initiator, lower case from the responder.
///
/// `S` SYN, `H` SYN with ACK, `A` pure ACK, `D` payload, `F` FIN, `R` RST, `C` wrong checksum, `G` gap (bytes
/// acknowledged that were not captured), `T` retransmitted payload, `W` zero window, `I` FIN with RST, `Q` SYN with
/// FIN or RST, `^` first: the initiator was told from an answer. `D A I Q` come once per direction; `S H F R` again
/// when the sequence number differs from the last of its kind; `C G T W` at the first, 10th, 100th, ... event.
///
/// Deviations from Zeek: at most 30 letters, then `+`; no port numbers guess the initiator; gaps are found with at
/// most two captured stretches waiting beyond the first hole; an active timeout starts a new history; no `X`, as
/// there is no payload analysis whose limits could be exceeded; an attempt that sees no answer goes on until its idle
/// timeout, where Zeek removes it after 5 s and begins anew.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    letters: [u8; LETTERS_MAX + 1],
    len: u8,
}

impl History {
    /// The last letter when there were more than fit.
    pub const MORE: char = '+';

    /// The letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether nothing is recorded: neither TCP nor UDP.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.letters[..usize::from(self.len)]
    }

    pub(crate) fn push(&mut self, letter: u8) {
        if usize::from(self.len) <= LETTERS_MAX {
            let fits = usize::from(self.len) < LETTERS_MAX;
            self.letters[usize::from(self.len)] = if fits { letter } else { Self::MORE as u8 };
            self.len += 1;
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a connection stands.
///
/// UDP flows are `S0` (only the initiator spoke), `Sf` (both) or `Shr` (only the responder); all other protocols
/// but TCP are `Oth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ConnState {
    /// Midstream traffic, or no connection protocol.
    #[default]
    Oth,
    /// Attempt seen, no reply.
    S0,
    /// Established, not ended.
    S1,
    /// Established, and closed by both sides.
    Sf,
    /// Attempt rejected.
    Rej,
    /// Established, closed by the initiator only.
    S2,
    /// Established, closed by the responder only.
    S3,
    /// Established, the initiator aborted.
    Rsto,
    /// Established, the responder aborted.
    Rstr,
    /// The initiator sent SYN, then RST; no SYN-ACK was seen.
    Rstos0,
    /// The responder sent SYN-ACK, then RST; no SYN was seen.
    Rstrh,
    /// The initiator sent SYN, then FIN; no SYN-ACK was seen.
    Sh,
    /// The responder sent SYN-ACK, then FIN; no SYN was seen.
    Shr,
}

impl ConnState {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::Oth,
        Self::S0,
        Self::S1,
        Self::Sf,
        Self::Rej,
        Self::S2,
        Self::S3,
        Self::Rsto,
        Self::Rstr,
        Self::Rstos0,
        Self::Rstrh,
        Self::Sh,
        Self::Shr,
    ];

    /// The name as in `conn.log`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Oth => "OTH",
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::Sf => "SF",
            Self::Rej => "REJ",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_ends_in_a_plus() {
        let mut history = History::default();
        assert!(history.is_empty());
        for _ in 0..100 {
            history.push(b'D');
        }
        assert_eq!(history.as_str(), format!("{}+", "D".repeat(30)));
        assert_eq!(history.to_string().len(), 31);
    }
}
